//! Client that the steps use: one signed-in view of Azure. The operations are in the files of their services.

use std::collections::HashSet;

use futures::future::try_join_all;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::call::{ApiCall, ApiReply};
use super::challenge::ClaimsChallenge;
use super::cloud::AzureCloud;
use super::error::{ApiError, AzureService};
use super::identity::{AzureIdentity, WhoAmI};
use super::request_sender::RequestSender;
use crate::limits;

/// Azure, as one signed-in identity sees it; clones share the connection, the counters and the tokens.
#[derive(Debug, Clone)]
pub struct AzureClient {
    cloud: AzureCloud,
    wire: RequestSender,
    identity: AzureIdentity,
    /// Additional identities whose tokens each ARM request carries, each in another tenant.
    auxiliary: Vec<AzureIdentity>,
}

/// One page of a list: ARM's `nextLink`, Graph's `@odata.nextLink`.
#[derive(Deserialize)]
struct ListPage<T> {
    value: Vec<T>,
    #[serde(rename = "nextLink", alias = "@odata.nextLink")]
    next_link: Option<String>,
}

impl AzureClient {
    /// Azure in `cloud`, by `wire`, as `identity`.
    pub fn new(cloud: AzureCloud, wire: RequestSender, identity: AzureIdentity) -> Self {
        Self {
            cloud,
            wire,
            identity,
            auxiliary: Vec::new(),
        }
    }

    /// Returns a client of the same cloud and wire with another identity. Its ARM requests, including those that poll a
    /// long-running operation, also carry the tokens of `auxiliary`, so that a write in one tenant reaches into
    /// another. ARM accepts at most three of them; any others are left out.
    #[must_use]
    pub fn acting_as(&self, identity: AzureIdentity, mut auxiliary: Vec<AzureIdentity>) -> Self {
        if auxiliary.len() > limits::AUXILIARY {
            tracing::warn!(given = auxiliary.len(), "ARM takes three auxiliary tokens at most");
            auxiliary.truncate(limits::AUXILIARY);
        }
        Self {
            cloud: self.cloud.clone(),
            wire: self.wire.clone(),
            identity,
            auxiliary,
        }
    }

    /// Returns this client with another wire.
    #[must_use]
    pub fn by(&self, wire: RequestSender) -> Self {
        Self { wire, ..self.clone() }
    }

    pub fn cloud(&self) -> &AzureCloud {
        &self.cloud
    }

    pub fn wire(&self) -> &RequestSender {
        &self.wire
    }

    pub fn identity(&self) -> &AzureIdentity {
        &self.identity
    }

    /// Returns the signed-in identity, by the claims of the ARM token.
    ///
    /// # Errors
    /// When no token can be had, or it cannot be read.
    pub async fn who_am_i(&self) -> Result<WhoAmI, ApiError> {
        self.identity.who_am_i(&self.cloud.arm_scope()).await
    }

    /// Gets a token for Graph, so that there is one when it is needed; what keeps it away is told then.
    pub async fn prepare_graph(&self) {
        let _ = self.identity.token(&self.cloud.graph_scope()).await;
    }

    /// Returns the ARM URL of `path` (a full path such as `/subscriptions/…`).
    pub(super) fn arm_url(&self, path: &str, query: &[(&str, &str)]) -> Url {
        under(&self.cloud.arm, path, query)
    }

    /// Returns the Graph URL of `path` (such as `servicePrincipals`).
    pub(super) fn graph_url(&self, path: &str, query: &[(&str, &str)]) -> Url {
        under(&self.cloud.graph, &format!("/v1.0/{path}"), query)
    }

    /// Sends with a token of the call's service and gives back a 2xx answer.
    ///
    /// # Errors
    /// When there is no token, no answer, or a refusal.
    pub(super) async fn send(&self, call: ApiCall) -> Result<ApiReply, ApiError> {
        let scope = match call.service {
            AzureService::Graph => self.cloud.graph_scope(),
            _ => self.cloud.arm_scope(),
        };
        match self.send_as_signed_in(call, &scope).await {
            Err(error) if error.challenge.is_some() => Err(self.identity.with_claims_sign_in(error, &scope).await),
            sent => sent.map_err(|error| self.identity.with_right_tenant(error)),
        }
    }

    async fn send_as_signed_in(&self, call: ApiCall, scope: &str) -> Result<ApiReply, ApiError> {
        let tokens = self.tokens(call.service, scope).await?;
        let refused = match self.wire.send(authorized(call.clone(), &tokens)).await?.accepted() {
            // A token of another tenant is wrong for good.
            Err(error) if error.status() == Some(401) && error.code() != Some("InvalidAuthenticationTokenTenant") => {
                error
            }
            other => return other,
        };
        // Revoked, or a clock is wrong, or more is demanded of the sign-in: one more try, if there is another token to be
        // had. With several, the answer does not say which one it is.
        let claims = refused.challenge.as_ref().and_then(ClaimsChallenge::json);
        for (identity, token) in self.speakers(call.service).zip(&tokens) {
            if let Some(claims) = &claims {
                identity.demand(scope, claims.clone());
            }
            identity.replace(scope, token).await;
        }
        let fresh = self.tokens(call.service, scope).await?;
        let same = |(old, new): (&SecretString, &SecretString)| old.expose_secret() == new.expose_secret();
        if tokens.iter().zip(&fresh).all(same) {
            return Err(refused);
        }
        self.wire.send(authorized(call, &fresh)).await?.accepted()
    }

    /// Returns the identities that sign a request to `service`: the signed-in identity, followed by the auxiliary ones.
    fn speakers(&self, service: AzureService) -> impl Iterator<Item = &AzureIdentity> {
        let auxiliary = match service {
            AzureService::Arm => self.auxiliary.as_slice(),
            _ => &[],
        };
        std::iter::once(&self.identity).chain(auxiliary)
    }

    /// A token of each of them, in their order.
    async fn tokens(&self, service: AzureService, scope: &str) -> Result<Vec<SecretString>, ApiError> {
        try_join_all(self.speakers(service).map(|identity| identity.token(scope))).await
    }

    /// Everything of a list, page after page.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        service: AzureService,
        first: Url,
    ) -> Result<Vec<T>, ApiError> {
        let mut all = Vec::new();
        let mut url = first;
        let mut seen = HashSet::new();
        for _ in 0..limits::PAGES {
            seen.insert(url.clone());
            let reply = self.send(ApiCall::get(service, url.clone())).await?;
            let page: ListPage<T> = reply.clone().json()?;
            all.extend(page.value);
            match page.next_link.filter(|link| !link.is_empty()) {
                None => return Ok(all),
                Some(link) => {
                    url = url
                        .join(&link)
                        .map_err(|error| reply.unreadable(&format!("its nextLink: {error}")))?;
                    if seen.contains(&url) {
                        return Err(reply.unreadable("its nextLink is circular"));
                    }
                }
            }
        }
        Err(ApiCall::get(service, url).failed(super::FailureKind::Unreadable {
            status: 200,
            why: format!("the list has more than {} pages", limits::PAGES),
        }))
    }
}

fn authorized(call: ApiCall, tokens: &[SecretString]) -> ApiCall {
    match tokens {
        [own, auxiliary @ ..] => call.bearer(own).auxiliary(auxiliary),
        [] => call,
    }
}

fn under(base: &Url, path: &str, query: &[(&str, &str)]) -> Url {
    let mut url = base.clone();
    url.set_path(path);
    // Spaces as %20: whether a plus sign is one depends on the server.
    let encode = |value: &str| utf8_percent_encode(value, QUERY_VALUE).to_string();
    let query: Vec<String> = query
        .iter()
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    url.set_query((!query.is_empty()).then(|| query.join("&")).as_deref());
    url
}

/// Characters of a query value that are percent-encoded: all except the unreserved ones of RFC 3986 and the separators
/// of OData.
const QUERY_VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b',')
    .remove(b'\'')
    .remove(b'/');

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
