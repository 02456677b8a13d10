//! Kong Konnect's Dedicated Cloud Gateways: the API, the console of the manual way, and the control plane.

mod actor;
mod api;
mod console;
mod model;

use http::StatusCode;
use ipnet::IpNet;
use serde::Deserialize;
use uuid::Uuid;

pub(in crate::sandbox) use actor::{GatewayWork, work};
use model::KongNetworkRecord;
pub(in crate::sandbox) use model::TransitGatewayRecord;

use super::account::VendorAccount;
use super::control_plane::ControlPlaneActor;
use crate::sandbox::message::{IncomingRequest, SandboxResponse};
use crate::sandbox::world::{CreatedAt, SandboxWorld};

/// Kong's part of the world.
#[derive(Debug, Clone, Default)]
pub(in crate::sandbox) struct SandboxKonnect {
    pub(in crate::sandbox) networks: Vec<KongNetworkRecord>,
    pub(in crate::sandbox) gateways: Vec<TransitGatewayRecord>,
    data: KonnectData,
}

impl SandboxKonnect {
    fn actor(&self) -> ControlPlaneActor {
        self.data.account.actor("konnect")
    }
}

/// Kong's part of an estate.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KonnectData {
    account: VendorAccount,
    tokens: Vec<String>,
    #[serde(default)]
    powerless_tokens: Vec<String>,
    #[serde(default)]
    networks: Vec<KongNetworkData>,
    #[serde(default)]
    gateways: Vec<GatewayData>,
}

/// A transit gateway on which Konnect is still at work, and stays so.
#[derive(Debug, Clone, Deserialize)]
struct GatewayData {
    id: Uuid,
    network: Uuid,
    name: String,
    tenant: String,
    subscription: String,
    group: String,
    vnet: String,
}

impl GatewayData {
    fn build(&self) -> TransitGatewayRecord {
        TransitGatewayRecord {
            id: self.id,
            network: self.network,
            name: self.name.clone(),
            dns: serde_json::json!([]),
            attachment: model::GatewayAttachment {
                tenant: self.tenant.clone(),
                subscription: self.subscription.clone(),
                group: self.group.clone(),
                vnet: self.vnet.clone(),
            },
            stage: model::GatewayStage::Initializing,
            reason: None,
            attempts: 0,
            version: 1,
            created: std::time::Duration::ZERO,
            updated: std::time::Duration::ZERO,
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
struct KongNetworkData {
    id: Uuid,
    name: String,
    region: String,
    cidr: IpNet,
    state: String,
    /// The cloud of its provider account: `azure`, `aws` or `gcp`.
    #[serde(default = "azure")]
    provider: String,
}

fn azure() -> String {
    "azure".to_owned()
}

/// Puts Kong's networks into the world, each with its virtual network in Kong's subscription.
pub(in crate::sandbox) fn build(data: &KonnectData, world: &mut SandboxWorld) {
    world.konnect.data = data.clone();
    world.konnect.gateways = data.gateways.iter().map(GatewayData::build).collect();
    for network in &data.networks {
        let name = format!("vnet-{}", network.name);
        let vnet = data.account.network(world, &name, &network.region, network.cidr);
        world.konnect.networks.push(KongNetworkRecord {
            id: network.id,
            name: network.name.clone(),
            region: network.region.clone(),
            cidr: network.cidr,
            state: network.state.clone(),
            provider: network.provider.clone(),
            vnet,
            since: CreatedAt::Always,
        });
    }
}

/// Answers a request for Konnect's API or its console.
pub(in crate::sandbox) fn answer(world: &mut SandboxWorld, request: &IncomingRequest) -> SandboxResponse {
    if request
        .segments
        .first()
        .is_some_and(|segment| segment.eq_ignore_ascii_case("konnect"))
    {
        console::answer(world, request)
    } else {
        api::answer(world, request)
    }
}

/// A problem as Konnect words it.
#[derive(Debug, Clone)]
struct KongProblem {
    status: StatusCode,
    title: &'static str,
    detail: String,
    invalid: Vec<serde_json::Value>,
}

impl KongProblem {
    fn new(status: StatusCode, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            title,
            detail: detail.into(),
            invalid: Vec::new(),
        }
    }

    fn missing() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not Found", "Not Found")
    }

    fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "Conflict", detail)
    }
}
