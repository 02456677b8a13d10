//! Dragonfly Cloud: private networks and their connections; the API, and the console of the manual way.

mod api;
mod console;
mod model;

use http::StatusCode;
use ipnet::IpNet;
use serde::Deserialize;

pub(in crate::sandbox) use model::dump;

use super::account::VendorAccount;
use crate::sandbox::message::{IncomingRequest, SandboxResponse};
use crate::sandbox::world::SandboxWorld;

/// Dragonfly's part of the world.
#[derive(Debug, Clone, Default)]
pub(in crate::sandbox) struct SandboxDragonfly {
    networks: Vec<DragonflyNetworkRecord>,
    data: DragonflyData,
}

impl SandboxDragonfly {
    pub(super) fn account(&self) -> VendorAccount {
        self.data.account.clone()
    }
}

/// A private network.
#[derive(Debug, Clone)]
struct DragonflyNetworkRecord {
    id: String,
    name: String,
    provider: String,
    region: String,
    cidr: IpNet,
    status: String,
    /// The virtual network in Dragonfly's subscription; only an active network on Azure has one.
    vnet: Option<String>,
}

/// Dragonfly's part of an estate.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DragonflyData {
    account: VendorAccount,
    keys: Vec<String>,
    #[serde(default)]
    networks: Vec<NetworkData>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct NetworkData {
    id: String,
    name: String,
    provider: String,
    region: String,
    cidr: IpNet,
    status: String,
}

/// Puts Dragonfly's networks into the world.
pub(in crate::sandbox) fn build(data: &DragonflyData, world: &mut SandboxWorld) {
    world.dragonfly.data = data.clone();
    for network in &data.networks {
        let there = network.provider == "azure" && network.status == "active";
        let name = format!("dfcloud-{}", network.name);
        let vnet = there.then(|| data.account.network(world, &name, &network.region, network.cidr));
        world.dragonfly.networks.push(DragonflyNetworkRecord {
            id: network.id.clone(),
            name: network.name.clone(),
            provider: network.provider.clone(),
            region: network.region.clone(),
            cidr: network.cidr,
            status: network.status.clone(),
            vnet,
        });
    }
}

/// Answers a request for Dragonfly's API or its console.
pub(in crate::sandbox) fn answer(world: &mut SandboxWorld, request: &IncomingRequest) -> SandboxResponse {
    if request.segments.first().is_some_and(|first| first == "v1") {
        api::answer(world, request)
    } else {
        console::answer(world, request)
    }
}

/// A problem as Dragonfly words it: `{"error": "…"}`.
#[derive(Debug, Clone)]
struct DragonflyProblem {
    status: StatusCode,
    error: String,
}

impl DragonflyProblem {
    fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self {
            status,
            error: error.into(),
        }
    }

    fn bad(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    fn missing() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not found")
    }
}
