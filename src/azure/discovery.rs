//! All virtual networks of many subscriptions, told as they are found: a menu is of use long before the last one is read.

use std::mem;

use futures::StreamExt;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::call::ApiCall;
use super::client::AzureClient;
use super::error::{ApiError, AzureService, FailureKind};
use super::model::ListedVnet;
use crate::domain::{AddressSpace, SubscriptionId};
use crate::limits;

const RESOURCE_GRAPH: &str = "2021-03-01";

/// Query for the columns that a menu shows. Pages need an order in which no two rows are the same, and the ID in the
/// response.
const QUERY: &str = "resources | where type =~ 'microsoft.network/virtualnetworks' | order by name asc, id asc \
                     | project id, location, prefixes = properties.addressSpace.addressPrefixes";

/// Event of a search for virtual networks.
#[derive(Debug)]
pub enum DiscoveryEvent {
    /// The next ones, by name.
    Vnets(Vec<ListedVnet>),
    /// A subscription that does not list its own; the search goes on.
    Refused(SubscriptionId, ApiError),
    /// There are more, and the search ends: there are [`limits::LISTED_VNETS`], or the rest cannot be read.
    Unread(Option<ApiError>),
}

/// Channel for the results of a search. The search waits while no receiver takes a result, and ends when no receiver is
/// left.
pub type DiscoverySender = mpsc::Sender<Result<DiscoveryEvent, ApiError>>;

#[derive(Deserialize)]
struct DiscoveryPage {
    data: Vec<Value>,
    #[serde(rename = "$skipToken")]
    skip_token: Option<String>,
}

#[derive(Deserialize)]
struct DiscoveryRow {
    id: String,
    location: Option<String>,
    prefixes: Option<Vec<String>>,
}

/// Why a search ends early.
enum DiscoveryEnd {
    /// Nobody wants more of it, or the rest is said to be unread.
    Enough,
    Failed(Box<ApiError>),
}

impl AzureClient {
    /// Searches the subscriptions for virtual networks: by Resource Graph, which is some seconds to minutes behind, or by
    /// one list for each subscription where Resource Graph is not to be had. It ends with an error only where nothing at
    /// all could be read.
    pub async fn find_vnets(&self, subscriptions: &[SubscriptionId], finds: DiscoverySender) {
        let mut search = VnetQuery {
            azure: self,
            finds,
            found: 0,
        };
        if let Err(DiscoveryEnd::Failed(error)) = search.run(subscriptions).await {
            // Where nobody listens any more, nobody misses it.
            let _ = search.finds.send(Err(*error)).await;
        }
    }

    async fn graph_page(
        &self,
        subscriptions: &[SubscriptionId],
        skip_token: Option<&str>,
    ) -> Result<DiscoveryPage, ApiError> {
        let mut options = json!({ "$top": limits::GRAPH_ROWS, "resultFormat": "objectArray" });
        if let Some(token) = skip_token {
            options["$skipToken"] = token.into();
        }
        let body = json!({ "subscriptions": subscriptions, "query": QUERY, "options": options });
        let path = "/providers/Microsoft.ResourceGraph/resources";
        let url = self.arm_url(path, &[("api-version", RESOURCE_GRAPH)]);
        self.send(ApiCall::post(AzureService::Arm, url).json(&body).reads())
            .await?
            .json()
    }
}

/// One search while it is under way.
struct VnetQuery<'a> {
    azure: &'a AzureClient,
    finds: DiscoverySender,
    /// Number of networks that have been reported.
    found: usize,
}

impl VnetQuery<'_> {
    async fn run(&mut self, subscriptions: &[SubscriptionId]) -> Result<(), DiscoveryEnd> {
        let mut rest = subscriptions;
        while !rest.is_empty() {
            let (some, after) = rest.split_at(rest.len().min(limits::GRAPH_SUBSCRIPTIONS));
            if !self.by_graph(some).await? {
                return self.by_lists(rest).await;
            }
            rest = after;
        }
        // A network of a minute ago is not in Resource Graph yet. One round of lists is worth that, thousands are not.
        if self.found == 0 && subscriptions.len() <= limits::LISTS_AT_ONCE {
            return self.by_lists(subscriptions).await;
        }
        Ok(())
    }

    /// Page after page; false where Resource Graph is not to be had.
    async fn by_graph(&mut self, subscriptions: &[SubscriptionId]) -> Result<bool, DiscoveryEnd> {
        let mut skip_token = None;
        for _ in 0..limits::PAGES {
            let page = match self.azure.graph_page(subscriptions, skip_token.as_deref()).await {
                Ok(page) => page,
                Err(error) if self.found > 0 => return Err(self.unread(Some(error)).await),
                Err(error) if is_about_all(&error) => return Err(DiscoveryEnd::Failed(Box::new(error))),
                Err(error) => {
                    tracing::debug!(%error, "no Resource Graph; each subscription is asked");
                    return Ok(false);
                }
            };
            self.tell(page.data.into_iter().filter_map(row).collect()).await?;
            skip_token = page.skip_token.filter(|token| !token.is_empty());
            if skip_token.is_none() {
                return Ok(true);
            }
        }
        Err(self.unread(None).await)
    }

    async fn by_lists(&mut self, subscriptions: &[SubscriptionId]) -> Result<(), DiscoveryEnd> {
        let azure = self.azure.clone();
        let lists = subscriptions.iter().copied().map(move |id| {
            let azure = azure.clone();
            // Each as a task, so that it is read to its end while nobody takes what another one found.
            let list = tokio::spawn(async move { azure.vnets_of(id).await });
            async move { (id, list.await) }
        });
        let mut lists = futures::stream::iter(lists).buffered(limits::LISTS_AT_ONCE);
        let mut first_refusal = None;
        let mut refusals = 0;
        while let Some((subscription, list)) = lists.next().await {
            match list {
                Ok(Ok(vnets)) => self.tell(vnets).await?,
                Ok(Err(error)) if is_about_all(&error) && self.found > 0 => return Err(self.unread(Some(error)).await),
                Ok(Err(error)) if is_about_all(&error) => return Err(DiscoveryEnd::Failed(Box::new(error))),
                Ok(Err(error)) => {
                    refusals += 1;
                    first_refusal.get_or_insert_with(|| error.clone());
                    self.send(DiscoveryEvent::Refused(subscription, error)).await?;
                }
                // The runtime is going down.
                Err(_) => return Err(DiscoveryEnd::Enough),
            }
        }
        match first_refusal {
            Some(error) if refusals == subscriptions.len() => Err(DiscoveryEnd::Failed(Box::new(error))),
            _ => Ok(()),
        }
    }

    /// Tells these, as far as there is room for them.
    async fn tell(&mut self, mut vnets: Vec<ListedVnet>) -> Result<(), DiscoveryEnd> {
        let room = limits::LISTED_VNETS - self.found;
        let too_many = vnets.len() > room;
        vnets.sort_by_cached_key(|vnet| {
            let name = |text: &str| text.to_lowercase();
            (name(&vnet.id.name), name(&vnet.id.resource_group), vnet.id.subscription)
        });
        vnets.truncate(room);
        self.found += vnets.len();
        self.send(DiscoveryEvent::Vnets(vnets)).await?;
        if too_many {
            return Err(self.unread(None).await);
        }
        Ok(())
    }

    /// Says that the rest is not read, and gives the end that this is.
    async fn unread(&mut self, why: Option<ApiError>) -> DiscoveryEnd {
        // Whoever does not listen any more knows that there is more.
        let _ = self.send(DiscoveryEvent::Unread(why)).await;
        DiscoveryEnd::Enough
    }

    async fn send(&mut self, found: DiscoveryEvent) -> Result<(), DiscoveryEnd> {
        self.finds.send(Ok(found)).await.map_err(|_| DiscoveryEnd::Enough)
    }
}

/// Returns whether another query or another subscription would fail in the same way.
fn is_about_all(error: &ApiError) -> bool {
    match &error.failure {
        FailureKind::Unreachable(_) | FailureKind::NoToken { .. } => true,
        FailureKind::Refused { status, .. } => *status == 401 || error.service == AzureService::Entra,
        FailureKind::Unreadable { .. } => false,
    }
}

/// One that cannot be read is left out, and said in the log.
fn row(row: Value) -> Option<ListedVnet> {
    let shown = serde_json::from_value::<DiscoveryRow>(row).map_err(|error| error.to_string());
    let read = shown.and_then(|mut row| {
        let id = mem::take(&mut row.id).parse().map_err(|error| format!("{error}"));
        Ok((id?, row))
    });
    match read {
        Ok((id, row)) => Some(ListedVnet {
            id,
            location: row.location.unwrap_or_default(),
            address_space: AddressSpace::from_texts(row.prefixes.unwrap_or_default()),
        }),
        Err(error) => {
            tracing::warn!(%error, "a row of Resource Graph is left out");
            None
        }
    }
}

#[cfg(test)]
#[path = "discovery_tests.rs"]
mod tests;
