//! Virtual networks and their peerings (Microsoft.Network, API version 2024-03-01).

use azure_mgmt_network::package_2024_03::models;
use serde::Serialize;
use serde_json::Value;

use super::call::{ApiCall, ApiReply};
use super::client::AzureClient;
use super::error::{ApiError, AzureService};
use super::mgmt_adapter;
use super::model::{ListedVnet, SubnetInfo, VirtualNetwork};
use super::peering_body::PeeringBody;
use crate::domain::{AddressSpace, SubscriptionId, VnetId};

pub(super) const API_VERSION: &str = "2024-03-01";

/// The codes with which ARM (the first two) and the network service say that something does not exist.
pub(super) const ABSENT: [&str; 4] = [
    "ResourceNotFound",
    "ResourceGroupNotFound",
    "ParentResourceNotFound",
    "NotFound",
];

impl AzureClient {
    /// `GET` of one virtual network; `None` where there is none.
    ///
    /// # Errors
    /// When it cannot be read; a missing subscription is an error.
    pub async fn vnet(&self, id: &VnetId) -> Result<Option<VirtualNetwork>, ApiError> {
        let url = self.arm_url(&id.to_string(), &[("api-version", API_VERSION)]);
        let result = self.send(ApiCall::get(AzureService::Arm, url)).await;
        let Some(reply) = mgmt_adapter::or_absent(result, &ABSENT)? else {
            return Ok(None);
        };
        convert(id.clone(), reply).map(Some)
    }

    /// The virtual networks of one subscription.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn vnets_of(&self, subscription: SubscriptionId) -> Result<Vec<ListedVnet>, ApiError> {
        let tried = format!("GET /subscriptions/{subscription}/providers/Microsoft.Network/virtualNetworks");
        let pages = self
            .network()
            .virtual_networks_client()
            .list_all(subscription.to_string())
            .into_stream();
        let pages = mgmt_adapter::pages(pages, &tried).await?;
        Ok(pages
            .into_iter()
            .flat_map(|page| page.value)
            .filter_map(listed)
            .collect())
    }

    /// The names of the virtual networks of a resource group.
    ///
    /// # Errors
    /// When they cannot be read; a missing group is an error.
    pub async fn vnets_in(&self, subscription: SubscriptionId, group: &str) -> Result<Vec<String>, ApiError> {
        let tried = format!(
            "GET /subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/virtualNetworks"
        );
        let request = self
            .network()
            .virtual_networks_client()
            .list(group, subscription.to_string());
        let pages = mgmt_adapter::pages(request.into_stream(), &tried).await?;
        let vnets = pages.into_iter().flat_map(|page| page.value);
        Ok(vnets.filter_map(|vnet| vnet.resource.name).collect())
    }

    /// The peerings of a virtual network: its own directions.
    ///
    /// # Errors
    /// When they cannot be read; a missing virtual network is an error.
    pub async fn peerings(&self, vnet: &VnetId) -> Result<Vec<PeeringBody>, ApiError> {
        let path = format!("{vnet}/virtualNetworkPeerings");
        let url = self.arm_url(&path, &[("api-version", API_VERSION)]);
        let bodies: Vec<Value> = self.list(AzureService::Arm, url).await?;
        Ok(bodies
            .iter()
            .filter_map(|body| PeeringBody::listed(vnet, body))
            .collect())
    }
}

/// A virtual network out of a list; one whose id cannot be read is left out, because nothing could be done with it.
fn listed(vnet: models::VirtualNetwork) -> Option<ListedVnet> {
    let text = vnet.resource.id.unwrap_or_default();
    match text.parse() {
        Ok(id) => Some(ListedVnet {
            id,
            location: vnet.resource.location.unwrap_or_default(),
            address_space: space(vnet.properties.unwrap_or_default().address_space),
        }),
        Err(error) => {
            tracing::warn!(id = %text, %error, "a virtual network is left out");
            None
        }
    }
}

/// The peerings are read as they come, because they are written back with all that stands in them.
fn convert(id: VnetId, reply: ApiReply) -> Result<VirtualNetwork, ApiError> {
    let mut body: Value = reply.clone().json()?;
    let properties = body.get_mut("properties").and_then(Value::as_object_mut);
    let properties = properties.ok_or_else(|| reply.unreadable("the response is not a virtual network"))?;
    let peerings = properties.remove("virtualNetworkPeerings");
    let peerings = peerings.as_ref().and_then(Value::as_array).into_iter().flatten();
    let peerings = peerings.filter_map(|body| PeeringBody::listed(&id, body)).collect();
    let vnet: models::VirtualNetwork =
        serde_json::from_value(body).map_err(|_| reply.unreadable("the response is not a virtual network"))?;
    let properties = vnet.properties.unwrap_or_default();
    Ok(VirtualNetwork {
        location: vnet.resource.location.unwrap_or_default(),
        address_space: space(properties.address_space),
        provisioning_state: word(properties.provisioning_state.as_ref()),
        peerings,
        subnets: properties.subnets.into_iter().map(convert_subnet).collect(),
        dns_servers: properties.dhcp_options.unwrap_or_default().dns_servers,
        id,
    })
}

fn convert_subnet(subnet: models::Subnet) -> SubnetInfo {
    let properties = subnet.properties.unwrap_or_default();
    // One prefix stands in one field, several in another.
    let prefixes = properties.address_prefix.into_iter().chain(properties.address_prefixes);
    SubnetInfo {
        name: subnet.name.unwrap_or_default(),
        address_prefixes: AddressSpace::from_texts(prefixes),
        network_security_group: properties.network_security_group.and_then(|group| group.resource.id),
        route_table: properties.route_table.and_then(|table| table.resource.id),
        interfaces: interfaces(properties.ip_configurations),
    }
}

/// The network interfaces that have these IP configurations; gateways and load balancers have some, too.
fn interfaces(configurations: Vec<models::IpConfiguration>) -> Vec<String> {
    let ids = configurations.into_iter().filter_map(|one| one.sub_resource.id);
    let mut found: Vec<String> = ids.filter_map(|id| interface_of(&id)).collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn interface_of(configuration: &str) -> Option<String> {
    let lower = configuration.to_ascii_lowercase();
    let end = lower.rfind("/ipconfigurations/")?;
    let is_interface = lower[..end].contains("/networkinterfaces/");
    is_interface.then(|| configuration[..end].to_owned())
}

fn space(space: Option<models::AddressSpace>) -> AddressSpace {
    AddressSpace::from_texts(space.unwrap_or_default().address_prefixes)
}

/// Azure's word for a generated enum, also for words that the enum does not know; empty where there is none.
pub(super) fn word<T: Serialize>(value: Option<&T>) -> String {
    let text = value.and_then(|value| serde_json::to_value(value).ok());
    text.as_ref()
        .and_then(serde_json::Value::as_str)
        .unwrap_or_default()
        .to_owned()
}
