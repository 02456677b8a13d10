//! Tokens: whose they are, where they come from, and keeping them while they are good.

mod adapter;
mod certificate;
mod child;
mod claims;
mod code;
mod github;
mod retry_sign_in;
mod sign_in_errors;
mod source;

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use azure_core::credentials::AccessToken;
use secrecy::{ExposeSecret, SecretString};
use time::OffsetDateTime;
use uuid::Uuid;

pub use self::certificate::SignInCertificate;
pub use self::claims::WhoAmI;
pub use self::code::{CodePresenter, SignInCode};
use self::source::{CredentialSource, SignInAuthority};
use super::cloud::AzureCloud;
use super::error::{ApiError, AzureService, FailureKind};
use super::request_sender::RequestSender;
use crate::domain::TenantId;
use crate::limits;

/// Sign-in method.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AuthMethod {
    /// Environment, then workload identity, then the Azure CLI.
    #[default]
    Auto,
    /// Session of `az login`.
    AzureCli,
    /// `AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, and `AZURE_CLIENT_SECRET` or `AZURE_CLIENT_CERTIFICATE_PATH`.
    Environment,
    /// `AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, and the token of another issuer: in `AZURE_FEDERATED_TOKEN_FILE`, or that of
    /// the job of GitHub Actions that this runs in.
    WorkloadIdentity,
    /// The identity of the Azure machine that this runs on; `AZURE_CLIENT_ID` chooses among several.
    ManagedIdentity,
    /// A code that a person enters in a browser, on any machine.
    DeviceCode,
}

impl AuthMethod {
    /// All of them, in the order that help texts list them.
    pub const ALL: [Self; 6] = [
        Self::Auto,
        Self::AzureCli,
        Self::Environment,
        Self::WorkloadIdentity,
        Self::ManagedIdentity,
        Self::DeviceCode,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::AzureCli => "azure-cli",
            Self::Environment => "environment",
            Self::WorkloadIdentity => "workload-identity",
            Self::ManagedIdentity => "managed-identity",
            Self::DeviceCode => "device-code",
        }
    }
}

impl fmt::Display for AuthMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for AuthMethod {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|auth| auth.name() == text).ok_or_else(|| {
            format!(
                "'{text}' is not a supported authentication method; supported: {}",
                Self::ALL.map(Self::name).join(", ")
            )
        })
    }
}

/// Credential that proves the identity of an application.
#[derive(Clone)]
pub enum AppCredential {
    /// A client secret.
    Secret(SecretString),
    /// A file with a private key and its certificate, in PEM form.
    Certificate(PathBuf),
    /// A file with the token of another issuer that the application trusts; it is read whenever a token is asked for.
    FederatedToken(PathBuf),
    /// A key that was created for this run, and is nowhere but in memory.
    Key(Arc<SignInCertificate>),
}

/// Without the secret.
impl fmt::Debug for AppCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(_) => f.write_str("Secret([redacted])"),
            Self::Certificate(file) => f.debug_tuple("Certificate").field(file).finish(),
            Self::Key(_) => f.write_str("Key([redacted])"),
            Self::FederatedToken(file) => f.debug_tuple("FederatedToken").field(file).finish(),
        }
    }
}

/// Why no identity can be made of what was given; the text says what to give.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SignInError(pub String);

impl From<SignInError> for ApiError {
    fn from(error: SignInError) -> Self {
        sign_in_errors::no_token(error.0)
    }
}

/// A signed-in identity in one tenant; clones share the tokens.
#[derive(Clone)]
pub struct AzureIdentity {
    source: Arc<CredentialSource>,
    place: SignInAuthority,
    /// `true` if the identity is the operator's, whose sign-in method was selected by flag and environment.
    operator: bool,
    /// The tenant of the tokens that are given out where none is asked for.
    home: Arc<OnceLock<TenantId>>,
    tokens: Arc<Mutex<HashMap<TokenKey, Arc<TokenSlot>>>>,
    /// Claims that a service demanded, as JSON: every later token of the key is asked for with them.
    claims: Arc<Mutex<HashMap<TokenKey, String>>>,
}

/// Tenant (none where az decides) and scope.
type TokenKey = (Option<String>, String);

/// One token, and the lock that makes its next fetch the only one.
#[derive(Default)]
struct TokenSlot {
    held: tokio::sync::Mutex<Option<Result<CachedToken, ApiError>>>,
    /// Number of fetches that have ended.
    fetches: AtomicU64,
}

struct CachedToken {
    token: SecretString,
    fresh_until: OffsetDateTime,
}

/// Without tokens and secrets.
impl fmt::Debug for AzureIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Identity({}, tenant {})",
            self.source.name(),
            self.place.tenant.as_deref().unwrap_or("of az")
        )
    }
}

impl AzureIdentity {
    /// Chooses where tokens come from; nothing is fetched yet. `vars` reads environment variables, `tenant` overrides
    /// `AZURE_TENANT_ID`.
    ///
    /// # Errors
    /// When something is missing or a file cannot be used; the text says what and how to give it.
    pub fn new(
        auth: AuthMethod,
        vars: &dyn Fn(&str) -> Option<String>,
        tenant: Option<TenantId>,
        cloud: &AzureCloud,
        wire: RequestSender,
    ) -> Result<Self, SignInError> {
        let given = source::var(vars, "AZURE_TENANT_ID");
        let source = CredentialSource::choose(auth, vars, tenant.is_some() || given.is_some())?;
        let gets_azures_own = matches!(source, CredentialSource::Cli { .. } | CredentialSource::Managed { .. });
        if gets_azures_own && cloud.borrows_audience() {
            return Err(SignInError(format!(
                "The cloud '{}' requires tokens for {}, which is a built-in Azure cloud, at {}. Tokens from {} are never \
                 sent to other hosts.",
                cloud.name,
                cloud.arm_audience,
                cloud.arm.host_str().unwrap_or_default(),
                source.name(),
            )));
        }
        let tenant = tenant
            .map(|tenant| tenant.to_string())
            .or(given.filter(|_| source.client_id().is_some()));
        if tenant.is_none() && source.client_id().is_some() {
            return Err(SignInError(
                "Tenant is missing: set AZURE_TENANT_ID or --tenant-id for an application to sign in.".to_owned(),
            ));
        }
        let place = SignInAuthority {
            tenant,
            cloud: Arc::new(cloud.clone()),
            wire,
            person: None,
            claims: None,
        };
        Ok(Self::with(source, place, true))
    }

    /// The application `app_id` in `tenant`; nothing is fetched yet. A certificate is read at once, and where that fails
    /// every question for a token is answered with the reason.
    pub fn application(
        cloud: &AzureCloud,
        wire: RequestSender,
        tenant: TenantId,
        app_id: Uuid,
        credential: AppCredential,
    ) -> Self {
        let place = SignInAuthority {
            tenant: Some(tenant.to_string()),
            cloud: Arc::new(cloud.clone()),
            wire,
            person: None,
            claims: None,
        };
        Self::with(
            CredentialSource::application(app_id.to_string(), credential),
            place,
            false,
        )
    }

    fn with(source: CredentialSource, place: SignInAuthority, operator: bool) -> Self {
        Self {
            source: Arc::new(source),
            place,
            operator,
            home: Arc::default(),
            tokens: Arc::default(),
            claims: Arc::default(),
        }
    }

    /// Returns this identity with `person`, to whom a code can be presented.
    #[must_use]
    pub fn with_person(mut self, person: CodePresenter) -> Self {
        self.place.person = Some(person);
        self
    }

    /// Returns the same identity in another tenant.
    #[must_use]
    pub fn in_tenant(&self, tenant: TenantId) -> Self {
        Self {
            place: SignInAuthority {
                tenant: Some(tenant.to_string()),
                ..self.place.clone()
            },
            ..self.clone()
        }
    }

    /// Returns whether a person has to enter a code before a token is issued.
    pub fn takes_a_person(&self) -> bool {
        matches!(*self.source, CredentialSource::Code(_))
    }

    /// A token for `scope`, with at least five minutes of life in it where the issuer gives that much. It is fetched
    /// once, however many ask at the same time: each question to az starts a process.
    ///
    /// # Errors
    /// Entra's refusal, or `NoToken` with the command that signs in.
    pub async fn token(&self, scope: &str) -> Result<SecretString, ApiError> {
        let slot = self.slot(scope);
        let seen = slot.fetches.load(Ordering::Acquire);
        let mut held = slot.held.lock().await;
        match &*held {
            Some(Ok(held)) if held.fresh_until > OffsetDateTime::now_utc() => return Ok(held.token.clone()),
            // The fetch that this one waited for failed: asking once more would only repeat the answer.
            Some(Err(error)) if slot.fetches.load(Ordering::Acquire) != seen => return Err(error.clone()),
            _ => {}
        }
        let fetched = self.fetch(scope).await;
        let result = fetched.as_ref().map(|held| held.token.clone()).map_err(ApiError::clone);
        *held = Some(fetched);
        slot.fetches.fetch_add(1, Ordering::Release);
        result
    }

    /// Drops the tokens, so that the next ones carry what has changed since (roles, groups).
    pub fn forget(&self) {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Drops one token that a service has turned away, unless another caller has replaced it already.
    pub(super) async fn replace(&self, scope: &str, turned_away: &SecretString) {
        let slot = self.slot(scope);
        let mut held = slot.held.lock().await;
        if matches!(&*held, Some(Ok(held)) if held.token.expose_secret() == turned_away.expose_secret()) {
            *held = None;
        }
    }

    /// Has the next tokens for `scope` asked for with these claims (JSON), where peerctl asks Entra itself: az and a
    /// managed identity take none.
    pub(super) fn demand(&self, scope: &str, claims: String) {
        if !matches!(
            *self.source,
            CredentialSource::Cli { .. } | CredentialSource::Managed { .. }
        ) {
            let mut demanded = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
            demanded.insert(self.key(scope), claims);
        }
    }

    fn demanded(&self, scope: &str) -> Option<String> {
        let demanded = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        demanded.get(&self.key(scope)).cloned()
    }

    fn key(&self, scope: &str) -> TokenKey {
        (self.place.tenant.clone(), scope.to_owned())
    }

    fn slot(&self, scope: &str) -> Arc<TokenSlot> {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.entry(self.key(scope)).or_default().clone()
    }

    async fn fetch(&self, scope: &str) -> Result<CachedToken, ApiError> {
        let token = self.ask(scope).await.map_err(|error| self.with_remedy(error, scope))?;
        let held = SecretString::from(token.token.secret().to_owned());
        self.check_tenant(&held)?;
        if self.place.tenant.is_none()
            && let Ok(who) = claims::read(&held)
        {
            let _ = self.home.set(who.tenant);
        }
        let now = OffsetDateTime::now_utc();
        let life = token.expires_on - now;
        let margin = limits::TOKEN_MARGIN;
        let fresh_until = if life > margin * 2 {
            token.expires_on - margin
        } else {
            now + life / 2
        };
        Ok(CachedToken {
            token: held,
            fresh_until,
        })
    }

    /// A managed identity has tokens of its own tenant, whatever was asked for.
    fn check_tenant(&self, token: &SecretString) -> Result<(), ApiError> {
        let wanted = self
            .place
            .tenant
            .as_ref()
            .and_then(|tenant| tenant.parse::<TenantId>().ok());
        match (wanted, claims::read(token)) {
            (Some(wanted), Ok(who)) if who.tenant != wanted => Err(self.of_another_tenant(who.tenant, wanted)),
            // What cannot be read is told to who wants to read it.
            _ => Ok(()),
        }
    }

    /// Asks by a new credential each time: those of azure_identity keep tokens of their own, which could not be forgotten.
    async fn ask(&self, scope: &str) -> Result<AccessToken, ApiError> {
        let asking = SignInAuthority {
            claims: self.demanded(scope),
            ..self.place.clone()
        };
        match self.ask_in(&asking, scope).await {
            // az in Cloud Shell and of a managed identity knows one tenant, and takes none, not even that one. Whose
            // token it gives is checked.
            Err(error) if sign_in_errors::takes_no_tenant(&error) => {
                let place = SignInAuthority {
                    tenant: None,
                    ..asking.clone()
                };
                self.ask_in(&place, scope).await
            }
            answer => answer,
        }
    }

    async fn ask_in(&self, place: &SignInAuthority, scope: &str) -> Result<AccessToken, ApiError> {
        let credential = self
            .source
            .credential(place)
            .map_err(|error| sign_in_errors::explain(&error))?;
        let (scopes, patience) = ([scope], self.source.patience());
        let asked = tokio::time::timeout(patience, credential.get_token(&scopes, None));
        match asked.await {
            Ok(answer) => answer.map_err(|error| sign_in_errors::explain(&error)),
            Err(_) => Err(sign_in_errors::no_token(format!(
                "Sign-in with {} timed out after {} s.",
                self.source.name(),
                patience.as_secs()
            ))),
        }
    }

    /// Returns the identity that the token of `scope` was issued for.
    ///
    /// # Errors
    /// As [`AzureIdentity::token`], and `Unreadable` where the token is no JWT with Azure's claims.
    pub async fn who_am_i(&self, scope: &str) -> Result<WhoAmI, ApiError> {
        claims::read(&self.token(scope).await?).map_err(|why| ApiError {
            service: AzureService::Entra,
            tried: sign_in_errors::TRIED.to_owned(),
            failure: FailureKind::Unreadable { status: 200, why },
            correlation_id: None,
            sign_in: Vec::new(),
            challenge: None,
        })
    }
}

#[cfg(test)]
mod tests;
