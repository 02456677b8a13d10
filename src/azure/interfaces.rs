//! Network interfaces: which network security group stands in front of one (Microsoft.Network, API version 2024-03-01).

use serde::Deserialize;

use super::call::{ApiCall, ApiReply};
use super::client::AzureClient;
use super::error::{ApiError, AzureService};
use super::mgmt_adapter;
use super::network::{ABSENT, API_VERSION};
use super::nsg::resource;
use crate::domain::AddressSpace;

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkInterface {
    pub name: String,
    /// Its private addresses.
    pub addresses: AddressSpace,
    /// The full resource ID of the network security group in front of it.
    pub network_security_group: Option<String>,
}

#[derive(Deserialize)]
struct ShownInterface {
    properties: InterfaceProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InterfaceProperties {
    network_security_group: Option<IdReference>,
    ip_configurations: Option<Vec<InterfaceIpConfiguration>>,
}

#[derive(Deserialize)]
struct IdReference {
    id: String,
}

#[derive(Deserialize)]
struct InterfaceIpConfiguration {
    properties: Option<IpProperties>,
}

#[derive(Deserialize)]
struct IpProperties {
    #[serde(rename = "privateIPAddress")]
    private_ip_address: Option<std::net::IpAddr>,
}

impl AzureClient {
    /// The network interface with this resource ID; `None` where there is none, or where the ID is of another kind, such as
    /// an interface of a scale set.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn network_interface(&self, id: &str) -> Result<Option<NetworkInterface>, ApiError> {
        let Some((subscription, group, name)) = resource(id, "networkInterfaces") else {
            return Ok(None);
        };
        let path = format!(
            "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/networkInterfaces/{name}"
        );
        let url = self.arm_url(&path, &[("api-version", API_VERSION)]);
        let reply = mgmt_adapter::or_absent(self.send(ApiCall::get(AzureService::Arm, url)).await, &ABSENT)?;
        let shown: Option<ShownInterface> = reply.map(ApiReply::json).transpose()?;
        Ok(shown.map(|ShownInterface { properties }| {
            let configurations = properties.ip_configurations.into_iter().flatten();
            let addresses = configurations.filter_map(|one| one.properties?.private_ip_address);
            NetworkInterface {
                name,
                addresses: AddressSpace(addresses.map(Into::into).collect()),
                network_security_group: properties.network_security_group.map(|group| group.id),
            }
        }))
    }
}
