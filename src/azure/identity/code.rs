//! Signing in by a code that a person enters on a page, in a browser on whatever machine has one (RFC 8628). `oauth2`
//! speaks the protocol; its requests go by the wire.
//!
//! One sign-in serves every service, and every tenant that knows the person: its refresh token is exchanged for their
//! tokens. Only where a tenant wants to see the person itself is a second code asked for.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use azure_core::credentials::{AccessToken, Secret, TokenCredential, TokenRequestOptions};
use azure_core::error::{Error, ErrorKind};
use futures::future::{BoxFuture, FutureExt, Shared};
use http::{Method, StatusCode};
use oauth2::basic::{BasicClient, BasicTokenResponse};
use oauth2::{
    AsyncHttpClient, ClientId, DeviceAuthorizationUrl, EndpointNotSet, EndpointSet, ErrorResponse, HttpRequest,
    HttpResponse, RefreshToken, RequestTokenError, Scope, StandardDeviceAuthorizationResponse, TokenResponse, TokenUrl,
};
use secrecy::{ExposeSecret, SecretString};
use time::OffsetDateTime;
use url::Url;

use super::adapter::believable;
use super::sign_in_errors::no_token;
use super::source::SignInAuthority;
use crate::azure::call::{ApiCall, ApiReply};
use crate::azure::error::{ApiError, AzureService};
use crate::azure::rate_limiter::lock;
use crate::azure::request_log::awaiting;
use crate::azure::request_sender::RequestSender;
use crate::limits;

/// The Azure CLI's own client, which every tenant knows.
const CLIENT: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

/// Whoever has an account in any tenant, where none is named.
const ANY_TENANT: &str = "organizations";

/// Entra error codes that require the person, not only the token of an earlier sign-in: a second factor, another check,
/// consent, or a more recent sign-in.
const TAKES_A_PERSON: [&str; 11] = [
    "AADSTS50072",
    "AADSTS50074",
    "AADSTS50076",
    "AADSTS50078",
    "AADSTS50079",
    "AADSTS50158",
    "AADSTS50173",
    "AADSTS65001",
    "AADSTS70043",
    "AADSTS700082",
    "AADSTS700084",
];

/// Code that a person has to enter, and the page to enter it on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInCode {
    pub page: Url,
    /// The code, as Entra writes it; text from outside.
    pub code: String,
    /// The tenant that it signs in to, where that is a further one.
    pub tenant: Option<String>,
    /// Time during which the code is valid.
    pub life: Duration,
}

/// Way to present a code to a person, and the time in which it has to be entered.
#[derive(Clone)]
pub struct CodePresenter {
    /// Gives it.
    pub tell: Arc<dyn Fn(SignInCode) + Send + Sync>,
    /// Maximum time that the person may take; a code may expire sooner.
    pub within: Duration,
}

impl fmt::Debug for CodePresenter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Person(within {:?})", self.within)
    }
}

/// Tokens that one code was exchanged for.
struct GrantedToken {
    refresh: Mutex<SecretString>,
    /// The token that came with it, until somebody has it.
    access: Mutex<Option<AccessToken>>,
}

/// A code that was asked for and what comes of it: whoever waits, waits for the same, and who stops waiting does not
/// make it worthless.
type PendingCode = Shared<BoxFuture<'static, Result<Arc<GrantedToken>, ApiError>>>;

struct SignIn {
    tenant: Option<String>,
    scope: String,
    claims: Option<String>,
    coming: PendingCode,
}

/// The sign-ins of one run, the first of which serves all tenants as far as they let it.
#[derive(Default)]
pub(super) struct DeviceCodeFlow(Mutex<Vec<SignIn>>);

/// A token by a code, or by a sign-in that was made so.
pub(super) struct CodeCredential {
    pub(super) codes: Arc<DeviceCodeFlow>,
    pub(super) place: SignInAuthority,
}

/// Without tokens.
impl fmt::Debug for CodeCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CodeCredential({:?})", self.place.tenant)
    }
}

#[async_trait]
impl TokenCredential for CodeCredential {
    async fn get_token(&self, scopes: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        let scope = scopes.first().copied().unwrap_or_default();
        let token = self.codes.token(&self.place, scope).await;
        token.map_err(|error| Error::new(ErrorKind::Other, error))
    }
}

impl DeviceCodeFlow {
    async fn token(&self, place: &SignInAuthority, scope: &str) -> Result<AccessToken, ApiError> {
        let first = place.cloud.arm_scope();
        let (coming, own) = self.nearest(place, scope).unwrap_or_else(|| {
            // Resource Manager's, whatever is wanted: a tenant that wants more of who manages resources asks for it now.
            (self.begin(place, &first), scope == first)
        });
        let granted = coming.await?;
        if own && let Some(token) = lock(&granted.access).take() {
            return Ok(token);
        }
        match granted.exchange(place, scope).await {
            Err(error) if (!own || place.claims.is_some()) && takes_a_person(&error) => {
                let granted = self.begin(place, scope).await?;
                let token = lock(&granted.access).take();
                match token {
                    Some(token) => Ok(token),
                    None => granted.exchange(place, scope).await,
                }
            }
            exchanged => exchanged,
        }
    }

    /// The sign-in for this very tenant and scope, and that it is; or else one of the tenant, or the first of all.
    fn nearest(&self, place: &SignInAuthority, scope: &str) -> Option<(PendingCode, bool)> {
        let sign_ins = lock(&self.0);
        let of_tenant = |sign_in: &&SignIn| sign_in.tenant == place.tenant;
        let fits = |one: &&SignIn| one.scope == scope && one.claims == place.claims;
        let own = sign_ins.iter().filter(of_tenant).find(fits);
        let nearest = own.or_else(|| sign_ins.iter().find(of_tenant)).or(sign_ins.first())?;
        Some((nearest.coming.clone(), own.is_some()))
    }

    /// Asks for a code, unless somebody has for the same.
    fn begin(&self, place: &SignInAuthority, scope: &str) -> PendingCode {
        let mut sign_ins = lock(&self.0);
        let same = |one: &&SignIn| one.tenant == place.tenant && one.scope == scope && one.claims == place.claims;
        if let Some(begun) = sign_ins.iter().find(same) {
            return begun.coming.clone();
        }
        let coming = ask(place.clone(), scope.to_owned(), !sign_ins.is_empty());
        let coming = coming.boxed().shared();
        sign_ins.push(SignIn {
            tenant: place.tenant.clone(),
            scope: scope.to_owned(),
            claims: place.claims.clone(),
            coming: coming.clone(),
        });
        coming
    }
}

fn takes_a_person(error: &ApiError) -> bool {
    error.code().is_some_and(|code| TAKES_A_PERSON.contains(&code))
}

impl GrantedToken {
    fn new(answer: &BasicTokenResponse) -> Result<Self, ApiError> {
        let Some(refresh) = answer.refresh_token() else {
            return Err(no_token("Microsoft Entra returned no refresh token.".to_owned()));
        };
        Ok(Self {
            refresh: Mutex::new(refresh.secret().as_str().into()),
            access: Mutex::new(Some(access(answer))),
        })
    }

    /// A token of the place's tenant for `scope`, without the person.
    async fn exchange(&self, place: &SignInAuthority, scope: &str) -> Result<AccessToken, ApiError> {
        let refresh = RefreshToken::new(lock(&self.refresh).expose_secret().to_owned());
        let by_wire = ByWire::new(&place.wire);
        let client = client(place)?;
        let mut request = client.exchange_refresh_token(&refresh).add_scopes(scopes(scope));
        if let Some(claims) = &place.claims {
            request = request.add_extra_param("claims", claims);
        }
        let answer = request
            .request_async(&by_wire)
            .await
            .map_err(|error| by_wire.explain(error))?;
        if let Some(newer) = answer.refresh_token() {
            // Entra gives a younger one each time, and asks that the old one be forgotten.
            *lock(&self.refresh) = newer.secret().as_str().into();
        }
        Ok(access(&answer))
    }
}

/// Gives a person a code, and waits until it was entered. `further`: it is not the first of this run.
async fn ask(place: SignInAuthority, scope: String, further: bool) -> Result<Arc<GrantedToken>, ApiError> {
    let Some(person) = &place.person else {
        return Err(no_token("Can't show a sign-in code here.".to_owned()));
    };
    let (by_wire, client) = (ByWire::new(&place.wire), client(&place)?);
    let mut request = client.exchange_device_code().add_scopes(scopes(&scope));
    if let Some(claims) = &place.claims {
        request = request.add_extra_param("claims", claims);
    }
    let answer = request.request_async(&by_wire).await;
    let code: StandardDeviceAuthorizationResponse = answer.map_err(|error| by_wire.explain(error))?;
    let page = code.verification_uri().url().clone();
    if page.scheme() != "https" || code.interval() > limits::SIGN_IN_CODE {
        return Err(by_wire.unreadable("a sign-in page or interval that isn't valid"));
    }
    let life = code.expires_in().min(person.within).min(limits::SIGN_IN_CODE);
    (person.tell)(SignInCode {
        page: page.clone(),
        code: code.user_code().secret().clone(),
        tenant: place.tenant.clone().filter(|_| further),
        life,
    });
    // Entra may ask for no wait at all.
    let sleep = |wait: Duration| tokio::time::sleep(wait.max(limits::FIRST_POLL));
    let mut request = client.exchange_device_access_token(&code);
    if let Some(claims) = &place.claims {
        request = request.add_extra_param("claims", claims);
    }
    // The clock of the crate is not the one that is waited by: its own bound is never reached.
    let looks = awaiting(request.request_async(&by_wire, sleep, Some(life + limits::SIGN_IN_CODE)));
    match tokio::time::timeout(life, looks).await {
        Ok(answer) => GrantedToken::new(&answer.map_err(|error| by_wire.explain(error))?).map(Arc::new),
        Err(_) => Err(by_wire.unanswered().unwrap_or_else(|| nobody_entered(&page, life))),
    }
}

fn nobody_entered(page: &Url, life: Duration) -> ApiError {
    let life = humantime::format_duration(Duration::from_secs(life.as_secs()));
    no_token(format!(
        "The code wasn't entered at {page} within {life} (the code's lifetime or --timeout)."
    ))
}

/// Resource Manager's or Graph's own scope, and what brings a refresh token.
fn scopes(scope: &str) -> [Scope; 2] {
    [scope, "offline_access"].map(|scope| Scope::new(scope.to_owned()))
}

fn access(answer: &BasicTokenResponse) -> AccessToken {
    let life = answer.expires_in().unwrap_or_default();
    AccessToken::new(
        Secret::new(answer.access_token().secret().clone()),
        OffsetDateTime::now_utc() + life,
    )
}

type DeviceCodeClient = BasicClient<EndpointNotSet, EndpointSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

fn client(place: &SignInAuthority) -> Result<DeviceCodeClient, ApiError> {
    let tenant = place.tenant.as_deref().unwrap_or(ANY_TENANT);
    let url = |end: &str| {
        let url = place.cloud.login.join(&format!("/{tenant}/oauth2/v2.0/{end}"));
        url.map_err(|error| no_token(format!("The tenant '{tenant}' is not valid in a URL: {error}.")))
    };
    Ok(BasicClient::new(ClientId::new(CLIENT.to_owned()))
        .set_device_authorization_url(DeviceAuthorizationUrl::from_url(url("devicecode")?))
        .set_token_uri(TokenUrl::from_url(url("token")?)))
}

/// Carries the crate's requests, and keeps the last answer: the crate reads less of an error than we do.
struct ByWire {
    wire: RequestSender,
    last: Mutex<Option<Result<ApiReply, ApiError>>>,
}

impl<'c> AsyncHttpClient<'c> for ByWire {
    type Error = ApiError;
    type Future = BoxFuture<'c, Result<HttpResponse, ApiError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        self.send(request).boxed()
    }
}

impl ByWire {
    fn new(wire: &RequestSender) -> Self {
        Self {
            wire: wire.clone(),
            last: Mutex::default(),
        }
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, ApiError> {
        let (head, body) = request.into_parts();
        let url = Url::parse(&head.uri.to_string()).map_err(|error| no_token(error.to_string()))?;
        // Nothing changes by it that matters, so it may be repeated.
        let mut call = ApiCall::new(AzureService::Entra, Method::POST, url).reads();
        (call.headers, call.body) = (head.headers, body.into());
        let answer = match self.wire.send(call).await {
            Ok(reply) => believable(reply),
            Err(error) => Err(error),
        };
        *lock(&self.last) = Some(answer.clone());
        let reply = answer?;
        let mut response = HttpResponse::new(reply.body.to_vec());
        *response.status_mut() = StatusCode::from_u16(reply.status).map_err(|_| reply.unreadable("no status"))?;
        *response.headers_mut() = reply.headers;
        Ok(response)
    }

    /// Why the last question was not answered, if it was not.
    fn unanswered(&self) -> Option<ApiError> {
        lock(&self.last).clone()?.err()
    }

    /// The error for an answer that is not what it should be.
    fn unreadable(&self, why: &str) -> ApiError {
        match lock(&self.last).clone() {
            Some(Ok(reply)) => reply.unreadable(why),
            Some(Err(error)) => error,
            None => no_token(why.to_owned()),
        }
    }

    /// Returns the error from Entra, if the response had one. The crate's own messages may quote a response, which may
    /// contain a token.
    fn explain<T: ErrorResponse + 'static>(&self, error: RequestTokenError<ApiError, T>) -> ApiError {
        if let RequestTokenError::Request(error) = error {
            return error;
        }
        let refused = lock(&self.last)
            .clone()
            .and_then(|answer| answer.ok()?.accepted().err());
        refused.unwrap_or_else(|| self.unreadable("neither a token nor an error"))
    }
}

#[cfg(test)]
#[path = "code_tests.rs"]
mod tests;
