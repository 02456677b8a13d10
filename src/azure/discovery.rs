//! Tenants, subscriptions, and all virtual networks at once.

use azure_mgmt_network::package_2024_03::models::VirtualNetwork;
use futures::StreamExt;
use serde::Deserialize;
use serde_json::{Value, json};

use super::call::Call;
use super::client::Azure;
use super::error::{ApiError, Failure, Service};
use super::model::{Subscription, Tenant, Vnet, VnetList};
use super::network;
use crate::domain::{SubscriptionId, TenantId};
use crate::limits;

const SUBSCRIPTIONS: &str = "2022-12-01";
const RESOURCE_GRAPH: &str = "2021-03-01";

/// A stable order needs the id in the answer.
const QUERY: &str = "resources | where type =~ 'microsoft.network/virtualnetworks' \
                     | project id, name, location, properties | order by id asc";

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
struct Rows {
    data: Vec<Value>,
    #[serde(rename = "$skipToken")]
    skip_token: Option<String>,
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

    /// The virtual networks of the subscriptions, for a menu: by Resource Graph, which is some seconds to minutes
    /// behind, or by one list for each subscription where Resource Graph is not to be had.
    ///
    /// # Errors
    /// When nothing at all can be read. A subscription that refuses its own list is named in `skipped`.
    pub async fn vnets(&self, subscriptions: &[SubscriptionId]) -> Result<VnetList, ApiError> {
        match self.vnets_by_graph(subscriptions).await {
            // A network of a minute ago is not in Resource Graph yet.
            Ok(vnets) if vnets.is_empty() => self.vnets_by_lists(subscriptions).await,
            Ok(vnets) => Ok(VnetList {
                vnets,
                skipped: Vec::new(),
            }),
            Err(error) if is_about_all(&error) => Err(error),
            Err(error) => {
                tracing::debug!(%error, "no Resource Graph; each subscription is asked");
                self.vnets_by_lists(subscriptions).await
            }
        }
    }

    async fn vnets_by_graph(&self, subscriptions: &[SubscriptionId]) -> Result<Vec<Vnet>, ApiError> {
        let mut vnets = Vec::new();
        for some in subscriptions.chunks(limits::GRAPH_SUBSCRIPTIONS) {
            let mut skip_token = None;
            for _ in 0..limits::PAGES {
                let page = self.graph_page(some, skip_token.as_deref()).await?;
                vnets.extend(page.data.into_iter().filter_map(row));
                skip_token = page.skip_token.filter(|token| !token.is_empty());
                if skip_token.is_none() {
                    break;
                }
            }
        }
        Ok(vnets)
    }

    async fn graph_page(&self, subscriptions: &[SubscriptionId], skip_token: Option<&str>) -> Result<Rows, ApiError> {
        let mut options = json!({ "$top": limits::GRAPH_ROWS, "resultFormat": "objectArray" });
        if let Some(token) = skip_token {
            options["$skipToken"] = token.into();
        }
        let body = json!({ "subscriptions": subscriptions, "query": QUERY, "options": options });
        let path = "/providers/Microsoft.ResourceGraph/resources";
        let url = self.arm_url(path, &[("api-version", RESOURCE_GRAPH)]);
        self.send(Call::post(Service::Arm, url).json(&body).reads())
            .await?
            .json()
    }

    async fn vnets_by_lists(&self, subscriptions: &[SubscriptionId]) -> Result<VnetList, ApiError> {
        let lists = subscriptions
            .iter()
            .map(|&id| async move { (id, self.vnets_of(id).await) });
        let mut lists = futures::stream::iter(lists).buffered(limits::LISTS_AT_ONCE);
        let mut all = VnetList::default();
        while let Some((subscription, list)) = lists.next().await {
            match list {
                Ok(vnets) => all.vnets.extend(vnets),
                Err(error) if is_about_all(&error) => return Err(error),
                Err(error) => all.skipped.push((subscription, error)),
            }
        }
        match all.skipped.first() {
            Some((_, error)) if all.skipped.len() == subscriptions.len() => Err(error.clone()),
            _ => Ok(all),
        }
    }
}

/// Whether asking another way or another subscription would fail in the same way.
fn is_about_all(error: &ApiError) -> bool {
    match &error.failure {
        Failure::Unreachable(_) | Failure::NoToken { .. } => true,
        Failure::Refused { status, .. } => *status == 401 || error.service == Service::Entra,
        Failure::Unreadable { .. } => false,
    }
}

/// A row has the form of the resource itself. One that cannot be read is left out, and said in the log.
fn row(row: Value) -> Option<Vnet> {
    match serde_json::from_value::<VirtualNetwork>(row) {
        Ok(vnet) => network::listed(vnet),
        Err(error) => {
            tracing::warn!(%error, "a row of Resource Graph is left out");
            None
        }
    }
}
