//! Source of tokens, selected from the environment, and the credential of `azure_identity` for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{Secret, TokenCredential};
use azure_core::error::{Error, ErrorKind};
use azure_core::http::{ClientMethodOptions, ClientOptions, RetryOptions, Transport};
use azure_identity::{
    AzureCliCredential, AzureCliCredentialOptions, ClientAssertion, ClientAssertionCredential,
    ClientAssertionCredentialOptions, ClientSecretCredential, ClientSecretCredentialOptions, Executor,
    ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId,
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::adapter::WireClient;
use super::certificate::{SignInCertificate, SignedAssertion};
use super::child::CliProcess;
use super::code::{CodeCredential, CodePresenter, DeviceCodeFlow};
use super::github::{GitHubJob, JobAssertion};
use super::{AppCredential, AuthMethod, SignInError};
use crate::azure::cloud::AzureCloud;
use crate::azure::request_sender::RequestSender;
use crate::{files, limits};

/// Authority to request tokens from, and the tenant to request them for.
#[derive(Debug, Clone)]
pub(super) struct SignInAuthority {
    /// A GUID or a domain; none where az may choose.
    pub(super) tenant: Option<String>,
    pub(super) cloud: Arc<AzureCloud>,
    pub(super) wire: RequestSender,
    /// Way to present a code to a person, if there is one.
    pub(super) person: Option<CodePresenter>,
    /// The claims to ask for, as JSON.
    pub(super) claims: Option<String>,
}

/// Source of tokens.
pub(super) enum CredentialSource {
    Secret {
        client: String,
        secret: SecretString,
    },
    /// A file that could not be read is told of when the first token is asked for.
    Certificate {
        client: String,
        certificate: Result<Arc<SignInCertificate>, String>,
    },
    Federated {
        client: String,
        file: PathBuf,
    },
    /// Application that signs in with the token of a GitHub Actions job.
    Job {
        client: String,
        job: Arc<GitHubJob>,
    },
    /// `endpoint` is App Service's own token service; without one it is the machine's metadata service.
    Managed {
        client: Option<String>,
        endpoint: Option<Url>,
    },
    /// `executor` runs az; none stands for a real process. `half` says which variables of another way are set and which
    /// are missing.
    Cli {
        executor: Option<Arc<dyn Executor>>,
        half: Option<String>,
    },
    Code(Arc<DeviceCodeFlow>),
}

pub(super) type SignInVariables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A variable without the white space around it: a line end behind an ID is not part of it.
pub(super) fn var(vars: SignInVariables<'_>, name: &str) -> Option<String> {
    let value = vars(name)?.trim().to_owned();
    (!value.is_empty()).then_some(value)
}

/// Credentials that each prove an application's identity on their own.
const PROOFS: [&str; 3] = [
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_FEDERATED_TOKEN_FILE",
];

/// The variables of an application that are set although others are missing, in a sentence; nothing where none is set.
fn half(vars: SignInVariables<'_>, tenant: bool) -> Option<String> {
    let is_set = |name: &str| var(vars, name).is_some();
    let set: Vec<&str> = ["AZURE_CLIENT_ID"]
        .into_iter()
        .chain(PROOFS)
        .filter(|name| is_set(name))
        .collect();
    let missing = [
        ("AZURE_TENANT_ID (or --tenant-id)", tenant),
        ("AZURE_CLIENT_ID", is_set("AZURE_CLIENT_ID")),
        (
            "AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_PATH",
            PROOFS.into_iter().any(is_set),
        ),
    ];
    let missing = missing.into_iter().filter(|(_, given)| !given).map(|(name, _)| name);
    let missing = missing.collect::<Vec<_>>().join(", ");
    let set = set.join(", ");
    let sentence = format!("The environment sets {set} but not {missing}, so application sign-in isn't possible.");
    (!set.is_empty()).then_some(sentence)
}

impl CredentialSource {
    /// `tenant` tells whether the tenant is given.
    pub(super) fn choose(auth: AuthMethod, vars: SignInVariables<'_>, tenant: bool) -> Result<Self, SignInError> {
        match auth {
            AuthMethod::AzureCli => Ok(Self::Cli {
                executor: None,
                half: None,
            }),
            AuthMethod::Environment => Self::environment(vars, tenant),
            AuthMethod::WorkloadIdentity => Self::federated(vars, tenant),
            AuthMethod::ManagedIdentity => Ok(Self::managed(vars)),
            AuthMethod::DeviceCode => Ok(Self::Code(Arc::default())),
            AuthMethod::Auto => {
                let has = |name| var(vars, name).is_some();
                let client = has("AZURE_CLIENT_ID") && tenant;
                if client && (has("AZURE_CLIENT_SECRET") || has("AZURE_CLIENT_CERTIFICATE_PATH")) {
                    Self::environment(vars, tenant)
                } else if client && (has("AZURE_FEDERATED_TOKEN_FILE") || GitHubJob::of(vars).is_some()) {
                    Self::federated(vars, tenant)
                } else {
                    Ok(Self::Cli {
                        executor: None,
                        half: half(vars, tenant),
                    })
                }
            }
        }
    }

    fn environment(vars: SignInVariables<'_>, tenant: bool) -> Result<Self, SignInError> {
        const PROOF: &str = "AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_PATH";
        let (client, file) = (var(vars, "AZURE_CLIENT_ID"), var(vars, "AZURE_CLIENT_CERTIFICATE_PATH"));
        // As it is: a secret may have any character.
        let secret = vars("AZURE_CLIENT_SECRET").filter(|secret| !secret.trim().is_empty());
        let (Some(client), true) = (client.clone(), tenant && (secret.is_some() || file.is_some())) else {
            let needs = [
                ("AZURE_TENANT_ID", tenant),
                ("AZURE_CLIENT_ID", client.is_some()),
                (PROOF, secret.is_some() || file.is_some()),
            ];
            return Err(missing(AuthMethod::Environment, &needs));
        };
        if let Some(secret) = secret {
            return Ok(Self::Secret {
                client,
                secret: secret.into(),
            });
        }
        let file = file.unwrap_or_default();
        let certificate = SignInCertificate::from_file(Path::new(&file)).map_err(SignInError)?;
        Ok(Self::Certificate {
            client,
            certificate: Ok(Arc::new(certificate)),
        })
    }

    /// The application `client` with what proves that it is the one.
    pub(super) fn application(client: String, credential: AppCredential) -> Self {
        match credential {
            AppCredential::Secret(secret) => Self::Secret { client, secret },
            AppCredential::Certificate(file) => Self::Certificate {
                client,
                certificate: SignInCertificate::from_file(&file).map(Arc::new),
            },
            AppCredential::Key(certificate) => Self::Certificate {
                client,
                certificate: Ok(certificate),
            },
            AppCredential::FederatedToken(file) => Self::Federated { client, file },
        }
    }

    fn federated(vars: SignInVariables<'_>, tenant: bool) -> Result<Self, SignInError> {
        let client = var(vars, "AZURE_CLIENT_ID");
        let file = var(vars, "AZURE_FEDERATED_TOKEN_FILE").map(PathBuf::from);
        match (client.clone(), file, GitHubJob::of(vars)) {
            (Some(client), Some(file), _) if tenant => {
                // What can't be read is told before anything is sent.
                read_token(&file).map_err(SignInError)?;
                Ok(Self::Federated { client, file })
            }
            (Some(client), None, Some(job)) if tenant => Ok(Self::Job {
                client,
                job: Arc::new(job),
            }),
            (_, file, job) => {
                let needs = [
                    ("AZURE_TENANT_ID", tenant),
                    ("AZURE_CLIENT_ID", client.is_some()),
                    (
                        "AZURE_FEDERATED_TOKEN_FILE (in a GitHub Actions job: the permission id-token: write)",
                        file.is_some() || job.is_some(),
                    ),
                ];
                Err(missing(AuthMethod::WorkloadIdentity, &needs))
            }
        }
    }

    fn managed(vars: SignInVariables<'_>) -> Self {
        let endpoint = var(vars, "IDENTITY_ENDPOINT").and_then(|url| url.parse().ok());
        Self::Managed {
            client: var(vars, "AZURE_CLIENT_ID"),
            endpoint,
        }
    }

    /// The application that signs in with something of its own, which needs to be told its tenant.
    pub(super) fn client_id(&self) -> Option<&str> {
        match self {
            Self::Secret { client, .. }
            | Self::Certificate { client, .. }
            | Self::Federated { client, .. }
            | Self::Job { client, .. } => Some(client),
            Self::Managed { .. } | Self::Cli { .. } | Self::Code(_) => None,
        }
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Secret { .. } => "client secret",
            Self::Certificate { .. } => "client certificate",
            Self::Federated { .. } | Self::Job { .. } => "workload identity",
            Self::Managed { .. } => "managed identity",
            Self::Cli { .. } => "Azure CLI",
            Self::Code(_) => "device code",
        }
    }

    /// Returns the maximum time to wait for one token.
    pub(super) fn patience(&self) -> Duration {
        match self {
            // Each code ends by itself, and a tenant that wants more takes a second one.
            Self::Code(_) => limits::SIGN_IN + 2 * limits::SIGN_IN_CODE,
            _ => limits::SIGN_IN,
        }
    }

    pub(super) fn credential(&self, place: &SignInAuthority) -> azure_core::Result<Arc<dyn TokenCredential>> {
        let tenant = place.tenant.clone().unwrap_or_default();
        let client_options = options(place.wire.clone(), place.claims.clone(), &place.cloud.login);
        Ok(match self {
            Self::Secret { client, secret } => {
                let secret = Secret::new(secret.expose_secret().to_owned());
                let options = ClientSecretCredentialOptions { client_options };
                ClientSecretCredential::new(&tenant, client.clone(), secret, Some(options))?
            }
            Self::Certificate { client, certificate } => {
                let certificate = certificate.clone().map_err(cannot)?;
                let assertion =
                    SignedAssertion::new(certificate, &place.cloud.login, &tenant, client, place.wire.clone());
                let options = ClientAssertionCredentialOptions { client_options };
                ClientAssertionCredential::new(tenant, client.clone(), assertion, Some(options))?
            }
            Self::Federated { client, file } => {
                let assertion = FileAssertion(file.clone());
                let options = ClientAssertionCredentialOptions { client_options };
                ClientAssertionCredential::new(tenant, client.clone(), assertion, Some(options))?
            }
            Self::Job { client, job } => {
                let assertion = JobAssertion {
                    job: Arc::clone(job),
                    wire: place.wire.clone(),
                };
                let options = ClientAssertionCredentialOptions { client_options };
                ClientAssertionCredential::new(tenant, client.clone(), assertion, Some(options))?
            }
            Self::Managed { client, endpoint } => {
                let options = ManagedIdentityCredentialOptions {
                    client_options: managed_options(place, endpoint.as_ref()),
                    user_assigned_id: client.clone().map(UserAssignedId::ClientId),
                };
                ManagedIdentityCredential::new(Some(options))?
            }
            Self::Cli { executor, .. } => {
                let options = AzureCliCredentialOptions {
                    tenant_id: place.tenant.clone(),
                    executor: Some(executor.clone().unwrap_or_else(|| Arc::new(CliProcess))),
                    ..AzureCliCredentialOptions::default()
                };
                AzureCliCredential::new(Some(options))?
            }
            Self::Code(codes) => Arc::new(CodeCredential {
                codes: Arc::clone(codes),
                place: place.clone(),
            }),
        })
    }
}

fn cannot(why: String) -> Error {
    Error::with_message(ErrorKind::Credential, why)
}

/// Everything that a way to sign in needs and that is missing.
fn missing(auth: AuthMethod, needs: &[(&str, bool)]) -> SignInError {
    let missing = needs.iter().filter(|(_, given)| !given).map(|(name, _)| *name);
    let missing = missing.collect::<Vec<_>>().join(", and ");
    SignInError(format!("--auth {auth} requires {missing} in the environment."))
}

/// Gives `azure_identity` another issuer's token from a file, which is read whenever a token is asked for: who writes it
/// renews it.
#[derive(Debug)]
struct FileAssertion(PathBuf);

#[async_trait]
impl ClientAssertion for FileAssertion {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        read_token(&self.0).map_err(cannot)
    }
}

fn read_token(file: &Path) -> Result<String, String> {
    match files::read_text(file) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(error) => Err(format!("Can't read the token file {}: {error}.", file.display())),
    }
}

/// Our transport, our retries, our authority.
fn options(wire: RequestSender, claims: Option<String>, authority: &Url) -> ClientOptions {
    let mut cloud = CustomConfiguration::default();
    cloud.authority_host = authority.to_string();
    ClientOptions {
        transport: Some(Transport::new(Arc::new(WireClient { wire, claims }))),
        retry: RetryOptions::none(),
        cloud: Some(Arc::new(CloudConfiguration::from(cloud))),
        ..ClientOptions::default()
    }
}

/// The machine's own token service is no host of the cloud, so the wire is told of it, and only here.
fn managed_options(place: &SignInAuthority, endpoint: Option<&Url>) -> ClientOptions {
    let wire = match (endpoint, Url::parse("http://169.254.169.254/")) {
        (Some(endpoint), _) => place.wire.also_to(endpoint),
        (None, Ok(metadata)) => place.wire.also_to(&metadata),
        (None, Err(_)) => place.wire.clone(),
    };
    options(wire, None, &place.cloud.login)
}
