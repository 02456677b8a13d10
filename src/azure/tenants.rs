//! Tenants and subscriptions: what a sign-in can see.

use serde::Deserialize;

use super::call::Call;
use super::client::Azure;
use super::error::{ApiError, Service};
use super::model::{Subscription, Tenant};
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

impl Azure {
    /// The tenant that a subscription belongs to, whoever may see it: Azure names it when it turns a request without a
    /// token away. `None` where it does not.
    pub async fn tenant_of(&self, subscription: SubscriptionId) -> Option<TenantId> {
        let url = self.arm_url(
            &format!("/subscriptions/{subscription}"),
            &[("api-version", SUBSCRIPTIONS)],
        );
        let reply = self.wire().send(Call::get(Service::Arm, url)).await.ok()?;
        let challenge = reply.headers.get(http::header::WWW_AUTHENTICATE)?.to_str().ok()?;
        let (_, rest) = challenge.split_once("authorization_uri=\"")?;
        let (uri, _) = rest.split_once('"')?;
        uri.trim_end_matches('/').rsplit('/').next()?.parse().ok()
    }

    /// The tenants that the signed-in identity belongs to.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn tenants(&self) -> Result<Vec<Tenant>, ApiError> {
        let url = self.arm_url("/tenants", &[("api-version", SUBSCRIPTIONS)]);
        let shown: Vec<ShownTenant> = self.list(Service::Arm, url).await?;
        let convert = |shown: ShownTenant| Tenant {
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
    pub async fn subscriptions(&self) -> Result<Vec<Subscription>, ApiError> {
        let url = self.arm_url("/subscriptions", &[("api-version", SUBSCRIPTIONS)]);
        let shown: Vec<ShownSubscription> = self.list(Service::Arm, url).await?;
        let convert = |shown: ShownSubscription| Subscription {
            id: shown.subscription_id,
            name: shown.display_name.unwrap_or_else(|| shown.subscription_id.to_string()),
            tenant: shown.tenant_id,
            state: shown.state.unwrap_or_default(),
        };
        Ok(shown.into_iter().map(convert).collect())
    }
}
