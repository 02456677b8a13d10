//! The token of a job of GitHub Actions (OIDC). GitHub gives no file, but an address to ask, and a token for asking; what
//! it answers is good for minutes, so it is asked anew for each token of Entra's.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azure_core::error::{Error, ErrorKind};
use azure_core::http::ClientMethodOptions;
use azure_identity::ClientAssertion;
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use super::source::{SignInVariables, var};
use crate::azure::call::ApiCall;
use crate::azure::error::{ApiError, AzureService};
use crate::azure::request_sender::RequestSender;

/// The audience that Entra wants of another issuer's token.
const AUDIENCE: &str = "api://AzureADTokenExchange";

/// A job that may ask for its token: the permission `id-token: write` sets both variables.
pub(super) struct GitHubJob {
    url: Url,
    token: SecretString,
}

impl GitHubJob {
    /// The job that this runs in, if it is one and has the permission.
    pub(super) fn of(vars: SignInVariables<'_>) -> Option<Self> {
        Some(Self {
            url: var(vars, "ACTIONS_ID_TOKEN_REQUEST_URL")?.parse().ok()?,
            token: var(vars, "ACTIONS_ID_TOKEN_REQUEST_TOKEN")?.into(),
        })
    }
}

/// Gives `azure_identity` the job's token whenever it asks for one of Entra's.
pub(super) struct JobAssertion {
    pub(super) job: Arc<GitHubJob>,
    pub(super) wire: RequestSender,
}

#[derive(Deserialize)]
struct OidcTokenResponse {
    value: String,
}

impl JobAssertion {
    async fn ask(&self) -> Result<String, ApiError> {
        let mut url = self.job.url.clone();
        url.query_pairs_mut().append_pair("audience", AUDIENCE);
        // GitHub is no host of the cloud's; the wire is told of it here, and only here.
        let wire = self.wire.also_to_vendor(&url);
        let call = ApiCall::get(AzureService::Vendor("GitHub"), url).bearer(&self.job.token);
        let answer: OidcTokenResponse = wire.send(call).await?.json()?;
        Ok(answer.value)
    }
}

/// Without the token.
impl fmt::Debug for JobAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JobAssertion")
    }
}

#[async_trait]
impl ClientAssertion for JobAssertion {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        self.ask().await.map_err(|error| Error::new(ErrorKind::Other, error))
    }
}
