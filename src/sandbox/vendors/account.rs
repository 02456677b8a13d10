//! A vendor's own side in Azure: its tenant, its subscription, its application.

use ipnet::IpNet;
use serde::Deserialize;
use uuid::Uuid;

use super::control_plane::ControlPlaneActor;
use crate::sandbox::world::{SandboxWorld, SubnetRecord, VnetRecord};

/// Location of a vendor's networks, and the application that the vendor signs in as.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VendorAccount {
    pub(super) tenant: Uuid,
    pub(super) subscription: Uuid,
    pub(super) group: String,
    app_id: Uuid,
    secret: String,
    /// The role that it gives to a customer's application on the network that is peered.
    #[serde(default)]
    pub(super) role: Uuid,
}

impl VendorAccount {
    /// The vendor's control plane; `name` is how the log marks its requests.
    pub(super) fn actor(&self, name: &'static str) -> ControlPlaneActor {
        ControlPlaneActor {
            name,
            app_id: self.app_id,
            secret: self.secret.clone(),
        }
    }

    /// Makes one of the vendor's virtual networks and gives its id.
    pub(super) fn network(&self, world: &mut SandboxWorld, name: &str, location: &str, prefix: IpNet) -> String {
        let id = format!("{}/providers/Microsoft.Network/virtualNetworks/{name}", self.group_id());
        let subnet = SubnetRecord {
            name: "data-plane".into(),
            prefixes: vec![prefix],
            security_group: None,
            route_table: None,
        };
        let vnet = VnetRecord {
            id: id.clone(),
            subscription: self.subscription,
            tenant: self.tenant,
            name: name.to_owned(),
            location: location.to_owned(),
            tags: serde_json::Value::Null,
            prefixes: vec![prefix],
            dns_servers: Vec::new(),
            subnets: vec![subnet],
            peerings: Vec::new(),
            failed: false,
            version: 1,
        };
        world.vnets.insert(id.to_ascii_lowercase(), vnet);
        id
    }

    /// The resource group's id.
    pub(super) fn group_id(&self) -> String {
        format!("/subscriptions/{}/resourceGroups/{}", self.subscription, self.group)
    }
}

/// The id of a network as a customer names its parts.
pub(super) fn vnet_id(subscription: &str, group: &str, vnet: &str) -> String {
    format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/virtualNetworks/{vnet}")
}

/// The first eight digits of an id.
pub(super) fn short(id: Uuid) -> String {
    id.simple().to_string()[..8].to_owned()
}
