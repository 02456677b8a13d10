//! Optional parts of an estate for troubleshooting: policies, registrations, route tables, networks that are being
//! changed, leftover halves of peerings, and a clock of its own.

use std::time::Duration;

use ipnet::IpNet;
use serde::Deserialize;
use uuid::Uuid;

use crate::sandbox::world::{
    CreatedAt, DnsResolver, InboundEndpointRecord, OperationRecord, PeeringRecord, PeeringSettingsRecord,
    PeeringStatus, PolicyAssignment, RouteTableRecord, SandboxWorld,
};

/// A policy with effect deny on peerings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicyData {
    /// The assignment's name.
    name: String,
    scope: String,
    /// The definition's name.
    definition: String,
    /// Only peerings with networks of another subscription.
    #[serde(default)]
    cross_subscription: bool,
    /// Only peerings with networks of this subscription.
    with: Option<Uuid>,
}

/// The state of a provider in a subscription; those that are not named are registered.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RegistrationData {
    subscription: Uuid,
    namespace: String,
    state: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RouteTableData {
    id: String,
    location: String,
    routes: Vec<RouteData>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RouteData {
    name: String,
    prefix: String,
    next_hop: String,
    ip: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DnsResolverData {
    id: String,
    location: String,
    vnet: String,
    endpoints: Vec<InboundEndpointRecord>,
}

/// A network that is being changed, for as long as the world lasts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateData {
    vnet: String,
}

/// One direction whose other side was deleted.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LeftoverData {
    vnet: String,
    name: String,
    remote: String,
    prefixes: Vec<IpNet>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClockData {
    /// Time by which the world's clock is ahead of this machine's, in seconds.
    ahead: i64,
}

impl super::SandboxEstate {
    /// Puts it all into a world; after the networks.
    pub(super) fn build_above(&self, world: &mut SandboxWorld) {
        world.app_policy = self.app_policy.clone();
        world.started += time::Duration::seconds(self.clock.ahead);
        world.policies.extend(self.policies.iter().map(|data| PolicyAssignment {
            name: data.name.clone(),
            scope: data.scope.clone(),
            definition: data.definition.clone(),
            cross_subscription: data.cross_subscription,
            with: data.with,
        }));
        let registrations = self.registrations.iter();
        world
            .registrations
            .extend(registrations.map(|data| (data.subscription, data.namespace.clone(), data.state.clone())));
        world
            .route_tables
            .extend(self.route_tables.iter().map(|data| RouteTableRecord {
                id: data.id.clone(),
                location: data.location.clone(),
                routes: data.routes.iter().map(RouteData::json).collect(),
            }));
        let resolvers = self.dns_resolvers.iter();
        world.dns_resolvers.extend(resolvers.map(|data| DnsResolver {
            id: data.id.clone(),
            location: data.location.clone(),
            vnet: data.vnet.clone(),
            endpoints: data.endpoints.clone(),
        }));
        self.build_unrest(world);
    }

    /// Adds operations that are under way and the remains of earlier ones.
    fn build_unrest(&self, world: &mut SandboxWorld) {
        for data in &self.updates {
            let id = world.ids.named(&["update", &data.vnet]);
            let operation = OperationRecord {
                done: Duration::MAX,
                target: data.vnet.to_ascii_lowercase(),
                kind: "PutSubnetOperation",
            };
            world.operations.insert(id, operation);
        }
        for data in &self.leftovers {
            let Some(vnet) = world.vnets.get_mut(&data.vnet.to_ascii_lowercase()) else {
                continue;
            };
            vnet.peerings.push(PeeringRecord {
                name: data.name.clone(),
                remote: data.remote.clone(),
                state: PeeringStatus::Disconnected,
                settings: PeeringSettingsRecord::default(),
                others: serde_json::Map::new(),
                known: data.prefixes.clone(),
                settled: CreatedAt::Always,
                deleting: false,
                version: 1,
            });
        }
    }
}

impl RouteData {
    fn json(&self) -> serde_json::Value {
        let mut properties = serde_json::json!({
            "provisioningState": "Succeeded",
            "addressPrefix": self.prefix,
            "nextHopType": self.next_hop,
            "hasBgpOverride": false,
        });
        if let Some(ip) = &self.ip {
            properties["nextHopIpAddress"] = ip.as_str().into();
        }
        serde_json::json!({
            "name": self.name,
            "type": "Microsoft.Network/routeTables/routes",
            "properties": properties,
        })
    }
}
