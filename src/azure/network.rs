//! Virtual networks and their peerings (Microsoft.Network, API version 2024-03-01).

use azure_mgmt_network::package_2024_03::models;
use serde::Serialize;

use super::client::Azure;
use super::error::ApiError;
use super::legacy;
use super::model::{ListedVnet, Peering, Subnet, Vnet};
use crate::domain::{AddressSpace, PeeringId, PeeringState, SubscriptionId, SyncLevel, VnetId};

/// The codes with which ARM (the first two) and the network service say that something does not exist.
pub(super) const ABSENT: [&str; 4] = [
    "ResourceNotFound",
    "ResourceGroupNotFound",
    "ParentResourceNotFound",
    "NotFound",
];

impl Azure {
    /// `GET` of one virtual network; `None` where there is none.
    ///
    /// # Errors
    /// When it cannot be read; a missing subscription is an error.
    pub async fn vnet(&self, id: &VnetId) -> Result<Option<Vnet>, ApiError> {
        let tried = format!("GET {id}");
        let request =
            self.network()
                .virtual_networks_client()
                .get(&id.resource_group, &id.name, id.subscription.to_string());
        let result = request.await.map_err(|error| legacy::error(&error, &tried));
        Ok(legacy::or_absent(result, &ABSENT)?.map(|vnet| convert(id.clone(), vnet)))
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
        let pages = legacy::pages(pages, &tried).await?;
        Ok(pages
            .into_iter()
            .flat_map(|page| page.value)
            .filter_map(listed)
            .collect())
    }

    /// The peerings of a virtual network: its own directions.
    ///
    /// # Errors
    /// When they cannot be read; a missing virtual network is an error.
    pub async fn peerings(&self, vnet: &VnetId) -> Result<Vec<Peering>, ApiError> {
        let tried = format!("GET {vnet}/virtualNetworkPeerings");
        let request = self.network().virtual_network_peerings_client().list(
            &vnet.resource_group,
            &vnet.name,
            vnet.subscription.to_string(),
        );
        let pages = legacy::pages(request.into_stream(), &tried).await?;
        Ok(pages
            .into_iter()
            .flat_map(|page| page.value)
            .filter_map(|peering| convert_peering(vnet, peering))
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

fn convert(id: VnetId, vnet: models::VirtualNetwork) -> Vnet {
    let properties = vnet.properties.unwrap_or_default();
    let peerings = properties.virtual_network_peerings.into_iter();
    Vnet {
        location: vnet.resource.location.unwrap_or_default(),
        address_space: space(properties.address_space),
        provisioning_state: word(properties.provisioning_state.as_ref()),
        peerings: peerings.filter_map(|peering| convert_peering(&id, peering)).collect(),
        subnets: properties.subnets.into_iter().map(convert_subnet).collect(),
        dns_servers: properties.dhcp_options.unwrap_or_default().dns_servers,
        id,
    }
}

fn convert_subnet(subnet: models::Subnet) -> Subnet {
    let properties = subnet.properties.unwrap_or_default();
    // One prefix stands in one field, several in another.
    let prefixes = properties.address_prefix.into_iter().chain(properties.address_prefixes);
    Subnet {
        name: subnet.name.unwrap_or_default(),
        address_prefixes: AddressSpace::from_texts(prefixes),
        network_security_group: properties.network_security_group.and_then(|group| group.resource.id),
        route_table: properties.route_table.and_then(|table| table.resource.id),
    }
}

fn convert_peering(vnet: &VnetId, peering: models::VirtualNetworkPeering) -> Option<Peering> {
    let given: Option<PeeringId> = peering.sub_resource.id.as_deref().and_then(|id| id.parse().ok());
    // Azure's word characters are more than ours; a name that is there is not judged, or the peering would be missed.
    let named = || {
        Some(PeeringId {
            vnet: vnet.clone(),
            name: peering.name.clone()?,
        })
    };
    let id = given.or_else(named)?;
    Some(peering_as(id, peering))
}

/// The peering that is known to be `id`.
pub(super) fn peering_as(id: PeeringId, peering: models::VirtualNetworkPeering) -> Peering {
    let properties = peering.properties.unwrap_or_default();
    Peering {
        id,
        state: PeeringState::from(word(properties.peering_state.as_ref()).as_str()),
        sync_level: SyncLevel::from(word(properties.peering_sync_level.as_ref()).as_str()),
        provisioning_state: word(properties.provisioning_state.as_ref()),
        remote_vnet: properties
            .remote_virtual_network
            .and_then(|remote| remote.id?.parse().ok()),
        remote_address_space: space(properties.remote_address_space),
        // Azure's own defaults for what an answer leaves out.
        allow_virtual_network_access: properties.allow_virtual_network_access.unwrap_or(true),
        allow_forwarded_traffic: properties.allow_forwarded_traffic.unwrap_or(false),
        allow_gateway_transit: properties.allow_gateway_transit.unwrap_or(false),
        use_remote_gateways: properties.use_remote_gateways.unwrap_or(false),
    }
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
