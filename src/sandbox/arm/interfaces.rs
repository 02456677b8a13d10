//! Network interfaces, to be read.

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::context::ArmContext;
use super::errors::ArmRefusal;
use super::{ArmResult, access};
use crate::sandbox::ids::derived;
use crate::sandbox::message;
use crate::sandbox::world::SandboxWorld;

const READ: &str = "Microsoft.Network/networkInterfaces/read";

/// A network interface: of the estate, and of the world.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sandbox) struct InterfaceBody {
    pub(in crate::sandbox) id: String,
    /// The full resource ID of its subnet.
    pub(in crate::sandbox) subnet: String,
    address: std::net::IpAddr,
    /// The full resource ID of its network security group.
    nsg: Option<String>,
}

impl InterfaceBody {
    /// The ID of its one IP configuration.
    pub(super) fn configuration(&self) -> String {
        format!("{}/ipConfigurations/ipconfig1", self.id)
    }

    /// Returns whether the network security group stands in front of it.
    pub(super) fn uses(&self, group: &str) -> bool {
        self.nsg.as_ref().is_some_and(|id| id.eq_ignore_ascii_case(group))
    }
}

/// `GET …/networkInterfaces/{name}`.
pub(super) fn get(world: &SandboxWorld, context: &ArmContext<'_>, group: &str, name: &str) -> ArmResult {
    let id = context.resource_id();
    access::require(world, &context.caller, READ, &id)?;
    let mut interfaces = world.interfaces.iter();
    let found = interfaces.find(|found| found.id.eq_ignore_ascii_case(&id));
    let found = found.ok_or_else(|| ArmRefusal::no_resource(group, "networkInterfaces", name))?;
    Ok(message::json(StatusCode::OK, &resource(found)))
}

fn resource(found: &InterfaceBody) -> Value {
    let etag = format!("W/\"{}\"", derived(&found.id));
    let mut body = json!({
        "name": found.id.rsplit('/').next().unwrap_or_default(),
        "id": found.id,
        "etag": etag,
        "type": "Microsoft.Network/networkInterfaces",
        "properties": {
            "provisioningState": "Succeeded",
            "resourceGuid": derived(&found.id),
            "ipConfigurations": [{
                "name": "ipconfig1",
                "id": found.configuration(),
                "etag": etag,
                "type": "Microsoft.Network/networkInterfaces/ipConfigurations",
                "properties": {
                    "provisioningState": "Succeeded",
                    "privateIPAddress": found.address,
                    "privateIPAllocationMethod": "Dynamic",
                    "subnet": {"id": found.subnet},
                    "primary": true,
                    "privateIPAddressVersion": "IPv4",
                },
            }],
            "nicType": "Standard",
        },
    });
    if let Some(id) = &found.nsg {
        body["properties"]["networkSecurityGroup"] = json!({"id": id});
    }
    body
}
