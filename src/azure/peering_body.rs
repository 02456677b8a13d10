//! The body of a peering. It is read with all its properties, and written with nothing but the meant change in them: a
//! write replaces the whole, and what it leaves out goes back to Azure's default (both whole networks, for one).

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::domain::{AddressSpace, PeeredSubnets, PeeringId, PeeringState, SyncLevel, VnetId};

/// One direction of a peering (`Microsoft.Network/virtualNetworks/virtualNetworkPeerings`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PeeringBody {
    pub id: PeeringId,
    pub state: PeeringState,
    pub sync_level: SyncLevel,
    /// Azure's word: `Succeeded`, `Updating`, `Failed`, `Deleting`.
    pub provisioning_state: String,
    /// The other network; absent only where Azure sends none.
    pub remote_vnet: Option<VnetId>,
    /// Address space that is peered now (as of the last sync).
    pub remote_address_space: AddressSpace,
    pub allow_virtual_network_access: bool,
    pub allow_forwarded_traffic: bool,
    pub allow_gateway_transit: bool,
    pub use_remote_gateways: bool,
    /// All properties as they were read, also those that have no field here.
    pub properties: Map<String, Value>,
}

impl PeeringBody {
    /// Reads the peering that is known to be `id`.
    pub(super) fn read(id: PeeringId, body: &Value) -> Self {
        let properties = body["properties"].as_object().cloned().unwrap_or_default();
        let word = |name: &str| text(properties.get(name));
        let flag = |name: &str, default: bool| properties.get(name).and_then(Value::as_bool).unwrap_or(default);
        let remote = properties
            .get("remoteVirtualNetwork")
            .and_then(|remote| remote.get("id"));
        let space = properties.get("remoteAddressSpace");
        Self {
            id,
            state: PeeringState::from(word("peeringState").as_str()),
            sync_level: SyncLevel::from(word("peeringSyncLevel").as_str()),
            provisioning_state: word("provisioningState"),
            remote_vnet: text(remote).parse().ok(),
            remote_address_space: AddressSpace::from_texts(texts(space.and_then(|space| space.get("addressPrefixes")))),
            // Azure's own defaults for what an answer leaves out.
            allow_virtual_network_access: flag("allowVirtualNetworkAccess", true),
            allow_forwarded_traffic: flag("allowForwardedTraffic", false),
            allow_gateway_transit: flag("allowGatewayTransit", false),
            use_remote_gateways: flag("useRemoteGateways", false),
            properties,
        }
    }

    /// Reads an entry of a list of `vnet`'s peerings; `None` where it has neither an ID nor a name.
    pub(super) fn listed(vnet: &VnetId, body: &Value) -> Option<Self> {
        let given = text(body.get("id")).parse().ok();
        // Azure's word characters are more than ours; a name that is there is not judged, or the peering would be missed.
        let named = || {
            let name = body["name"].as_str()?.to_owned();
            Some(PeeringId {
                vnet: vnet.clone(),
                name,
            })
        };
        Some(Self::read(given.or_else(named)?, body))
    }

    /// The subnets that it links; `None` where it links the whole networks.
    pub fn subnets(&self) -> Option<PeeredSubnets> {
        let complete = self.properties.get("peerCompleteVnets").and_then(Value::as_bool);
        (complete == Some(false)).then(|| PeeredSubnets {
            local: texts(self.properties.get("localSubnetNames")),
            remote: texts(self.properties.get("remoteSubnetNames")),
        })
    }

    /// Returns whether the peering links only the IPv6 addresses of its subnets.
    pub fn is_ipv6_only(&self) -> bool {
        self.properties.get("enableOnlyIPv6Peering").and_then(Value::as_bool) == Some(true)
    }

    /// "only subnet a with subnets b and c, IPv6 only"; `None` where it links all of
    /// both networks.
    pub fn limits(&self) -> Option<String> {
        let ipv6 = self.is_ipv6_only();
        let Some(subnets) = self.subnets() else {
            return ipv6.then(|| "IPv6 only".to_owned());
        };
        let named = |names: &[String]| match names {
            [] => "no named subnets".to_owned(),
            [one] => format!("subnet {one}"),
            many => format!("subnets {}", many.join(", ")),
        };
        let ipv6 = if ipv6 { ", IPv6 only" } else { "" };
        Some(format!(
            "only {} with {}{ipv6}",
            named(&subnets.local),
            named(&subnets.remote)
        ))
    }
}

fn text(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let entries = value.and_then(Value::as_array).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.as_str()?.to_owned())).collect()
}

/// Properties that Azure reports and that no write includes.
const REPORTED: [&str; 7] = [
    "peeringState",
    "peeringSyncLevel",
    "provisioningState",
    "remoteGateways",
    "remoteVirtualNetworkEncryption",
    "resourceGuid",
    "routeServiceVips",
];

/// Properties that Azure reads again in a sync.
const ADDRESSES: [&str; 3] = [
    "localVirtualNetworkAddressSpace",
    "remoteAddressSpace",
    "remoteVirtualNetworkAddressSpace",
];

/// The body of a write: all that the peering is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewPeering {
    properties: Map<String, Value>,
}

impl NewPeering {
    /// A new peering of the whole networks.
    pub fn with(remote: &VnetId) -> Self {
        let remote = json!({ "id": remote.to_string() });
        Self {
            properties: Map::from_iter([("remoteVirtualNetwork".to_owned(), remote)]),
        }
    }

    /// A new peering that links what the one of the other direction links, and no more.
    pub fn opposite(remote: &VnetId, other: &PeeringBody) -> Self {
        let mut new = Self::with(remote);
        if let Some(subnets) = other.subnets().map(PeeredSubnets::mirrored) {
            new.set("peerCompleteVnets", false);
            for (name, subnets) in [
                ("localSubnetNames", subnets.local),
                ("remoteSubnetNames", subnets.remote),
            ] {
                new.properties.insert(name.to_owned(), subnets.into());
            }
        }
        if other.is_ipv6_only() {
            new.set("enableOnlyIPv6Peering", true);
        }
        new
    }

    /// The peering as it was read.
    pub fn as_read(peering: &PeeringBody) -> Self {
        let mut properties = peering.properties.clone();
        properties.retain(|name, value| !REPORTED.contains(&name.as_str()) && !value.is_null());
        Self { properties }
    }

    /// Sets a property.
    pub fn set(&mut self, property: &str, value: bool) {
        self.properties.insert(property.to_owned(), value.into());
    }

    /// Leaves out the addresses, so that Azure reads those that the networks have now.
    pub fn with_new_addresses(&mut self) {
        self.properties.retain(|name, _| !ADDRESSES.contains(&name.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(properties: Value) -> PeeringBody {
        let vnet = VnetId::new(uuid::Uuid::from_u128(1), "rg", "vnet-app").expect("good names");
        PeeringBody::listed(&vnet, &json!({ "name": "p", "properties": properties })).expect("a name")
    }

    #[test]
    fn write_keeps_unknown_properties() {
        let given = json!({ "allowForwardedTraffic": true, "peerCompleteVnets": false, "localSubnetNames": ["a"], "later": { "than": 2024 },
            "remoteVirtualNetwork": { "id": "/x" }, "remoteAddressSpace": { "addressPrefixes": ["10.0.0.0/24"] } });
        let mut shown = given.clone();
        (shown["peeringState"], shown["resourceGuid"], shown["empty"]) = ("Connected".into(), "1".into(), Value::Null);
        let mut body = NewPeering::as_read(&read(shown));
        assert_eq!(json!(body), json!({ "properties": given }));
        body.set("useRemoteGateways", true);
        body.with_new_addresses();
        let mut expected = given;
        expected["useRemoteGateways"] = true.into();
        expected
            .as_object_mut()
            .expect("an object")
            .remove("remoteAddressSpace");
        assert_eq!(json!(body), json!({ "properties": expected }));
    }

    #[test]
    fn limits_of_subnet_peerings() {
        assert_eq!(read(json!({})).limits(), None);
        assert_eq!(
            read(json!({ "peerCompleteVnets": true, "localSubnetNames": ["a"] })).limits(),
            None
        );
        let some = json!({ "peerCompleteVnets": false, "localSubnetNames": ["a"], "remoteSubnetNames": ["b", "c"], "enableOnlyIPv6Peering": true });
        let limits = read(some).limits();
        assert_eq!(limits.as_deref(), Some("only subnet a with subnets b, c, IPv6 only"));
    }
}
