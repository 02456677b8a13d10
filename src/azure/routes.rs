//! Route tables: where a subnet's traffic is sent (Microsoft.Network, API version 2024-03-01).

use serde::Deserialize;

use super::call::ApiCall;
use super::client::AzureClient;
use super::error::{ApiError, AzureService};
use super::mgmt_adapter;
use super::network::ABSENT;
use super::nsg::resource;
use crate::domain::SubscriptionId;

const API_VERSION: &str = "2024-03-01";

/// A route table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteTable {
    /// The full resource id.
    pub id: String,
    pub name: String,
    pub routes: Vec<RouteEntry>,
}

/// One user-defined route.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "ShownRoute")]
pub struct RouteEntry {
    pub name: String,
    /// A CIDR range, or a service tag.
    pub prefix: String,
    /// Azure's word: `VirtualAppliance`, `VirtualNetworkGateway`, `VnetLocal`, `Internet`, `None`.
    pub next_hop: String,
    /// The appliance's address.
    pub next_hop_ip: Option<String>,
}

#[derive(Deserialize)]
struct ShownTable {
    #[serde(default)]
    id: String,
    properties: TableProperties,
}

#[derive(Deserialize)]
struct TableProperties {
    #[serde(default)]
    routes: Vec<RouteEntry>,
}

#[derive(Deserialize)]
struct ShownRoute {
    #[serde(default)]
    name: String,
    properties: RouteProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RouteProperties {
    #[serde(default)]
    address_prefix: String,
    next_hop_type: String,
    next_hop_ip_address: Option<String>,
}

impl From<ShownRoute> for RouteEntry {
    fn from(shown: ShownRoute) -> Self {
        Self {
            name: shown.name,
            prefix: shown.properties.address_prefix,
            next_hop: shown.properties.next_hop_type,
            next_hop_ip: shown.properties.next_hop_ip_address,
        }
    }
}

impl AzureClient {
    /// The route table with this resource id; `None` where there is none, or the id is not one of a route table.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn route_table(&self, id: &str) -> Result<Option<RouteTable>, ApiError> {
        let Some((subscription, group, name)) = resource(id, "routeTables") else {
            return Ok(None);
        };
        let path = format!(
            "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/routeTables/{name}"
        );
        let url = self.arm_url(&path, &[("api-version", API_VERSION)]);
        let reply = mgmt_adapter::or_absent(self.send(ApiCall::get(AzureService::Arm, url)).await, &ABSENT)?;
        let shown: Option<ShownTable> = reply.map(super::call::ApiReply::json).transpose()?;
        Ok(shown.map(|shown| RouteTable {
            id: id.to_owned(),
            name,
            routes: shown.properties.routes,
        }))
    }

    /// The route tables of a resource group that this identity may read.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn route_tables(&self, subscription: SubscriptionId, group: &str) -> Result<Vec<RouteTable>, ApiError> {
        let path =
            format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/routeTables");
        let url = self.arm_url(&path, &[("api-version", API_VERSION)]);
        let shown: Vec<ShownTable> = self.list(AzureService::Arm, url).await?;
        let table = |shown: ShownTable| {
            let (_, _, name) = resource(&shown.id, "routeTables")?;
            Some(RouteTable {
                id: shown.id,
                name,
                routes: shown.properties.routes,
            })
        };
        Ok(shown.into_iter().filter_map(table).collect())
    }
}
