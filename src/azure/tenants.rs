//! Tenants and subscriptions: what a sign-in can see.

use serde::Deserialize;
use url::Url;

use super::call::ApiCall;
use super::client::AzureClient;
use super::cloud::AzureCloud;
use super::error::{ApiError, AzureService};
use super::model::{SubscriptionInfo, TenantInfo};
use super::request_sender::RequestSender;
use crate::domain::{SubscriptionId, TenantId};

const SUBSCRIPTIONS: &str = "2022-12-01";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShownSubscription {
    subscription_id: SubscriptionId,
    tenant_id: TenantId,
    display_name: Option<String>,
    state: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShownTenant {
    tenant_id: TenantId,
    display_name: Option<String>,
    default_domain: Option<String>,
}

#[derive(Deserialize)]
struct OpenId {
    issuer: String,
    token_endpoint: String,
}

/// The tenant that has a domain, by the login endpoint's discovery document; no sign-in is needed.
///
/// # Errors
/// Entra's refusal of a domain that it doesn't know, or an answer that names no tenant.
pub async fn tenant_of_domain(wire: &RequestSender, cloud: &AzureCloud, domain: &str) -> Result<TenantId, ApiError> {
    let mut url = cloud.login.clone();
    url.set_path(&format!("{domain}/v2.0/.well-known/openid-configuration"));
    let reply = wire.send(ApiCall::get(AzureService::Entra, url)).await?.accepted()?;
    let named: OpenId = reply.clone().json()?;
    let tenant = |url: &str| url.split('/').find_map(|part| part.parse::<TenantId>().ok());
    tenant(&named.issuer)
        .or_else(|| tenant(&named.token_endpoint))
        .ok_or_else(|| reply.unreadable("the response names no tenant"))
}

/// As [`AzureClient::tenant_of`], before there is a sign-in.
pub async fn tenant_of_subscription(
    wire: &RequestSender,
    cloud: &AzureCloud,
    subscription: SubscriptionId,
) -> Option<TenantId> {
    let mut url = cloud.arm.clone();
    url.set_path(&format!("/subscriptions/{subscription}"));
    url.query_pairs_mut().append_pair("api-version", SUBSCRIPTIONS);
    challenged(wire, url).await
}

async fn challenged(wire: &RequestSender, url: Url) -> Option<TenantId> {
    let reply = wire.send(ApiCall::get(AzureService::Arm, url)).await.ok()?;
    let challenge = reply.headers.get(http::header::WWW_AUTHENTICATE)?.to_str().ok()?;
    let (_, rest) = challenge.split_once("authorization_uri=\"")?;
    let (uri, _) = rest.split_once('"')?;
    uri.trim_end_matches('/').rsplit('/').next()?.parse().ok()
}

impl AzureClient {
    /// The tenant that a subscription belongs to, whoever may see it: Azure names it when it turns a request without a
    /// token away. `None` where it does not.
    pub async fn tenant_of(&self, subscription: SubscriptionId) -> Option<TenantId> {
        let url = self.arm_url(
            &format!("/subscriptions/{subscription}"),
            &[("api-version", SUBSCRIPTIONS)],
        );
        challenged(self.wire(), url).await
    }

    /// The tenants that the signed-in identity belongs to.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn tenants(&self) -> Result<Vec<TenantInfo>, ApiError> {
        let url = self.arm_url("/tenants", &[("api-version", SUBSCRIPTIONS)]);
        let shown: Vec<ShownTenant> = self.list(AzureService::Arm, url).await?;
        let convert = |shown: ShownTenant| TenantInfo {
            id: shown.tenant_id,
            name: shown.display_name,
            default_domain: shown.default_domain,
        };
        Ok(shown.into_iter().map(convert).collect())
    }

    /// The subscriptions that the signed-in identity can see with a token of its tenant.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn subscriptions(&self) -> Result<Vec<SubscriptionInfo>, ApiError> {
        let url = self.arm_url("/subscriptions", &[("api-version", SUBSCRIPTIONS)]);
        let shown: Vec<ShownSubscription> = self.list(AzureService::Arm, url).await?;
        Ok(shown.into_iter().map(SubscriptionInfo::from).collect())
    }

    /// One subscription, with a token of its tenant.
    ///
    /// # Errors
    /// When it cannot be read: who has a role at one resource alone does not see its subscription.
    pub async fn subscription(&self, id: SubscriptionId) -> Result<SubscriptionInfo, ApiError> {
        let url = self.arm_url(&format!("/subscriptions/{id}"), &[("api-version", SUBSCRIPTIONS)]);
        let shown: ShownSubscription = self.send(ApiCall::get(AzureService::Arm, url)).await?.json()?;
        Ok(shown.into())
    }
}

impl From<ShownSubscription> for SubscriptionInfo {
    fn from(shown: ShownSubscription) -> Self {
        Self {
            name: shown.display_name.unwrap_or_else(|| shown.subscription_id.to_string()),
            id: shown.subscription_id,
            tenant: shown.tenant_id,
            state: shown.state.unwrap_or_default(),
        }
    }
}
