//! Konnect's networks and transit gateways.

use std::time::Duration;

use ipnet::IpNet;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::KongProblem;
use crate::sandbox::vendors::account;
use crate::sandbox::world::{CreatedAt, SandboxWorld, WorldEvent};

/// A network of dedicated cloud gateways.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct KongNetworkRecord {
    pub(in crate::sandbox) id: Uuid,
    pub(in crate::sandbox) name: String,
    pub(in crate::sandbox) region: String,
    pub(in crate::sandbox) cidr: IpNet,
    pub(in crate::sandbox) state: String,
    /// The cloud of its provider account.
    pub(in crate::sandbox) provider: String,
    /// The virtual network in Kong's subscription.
    pub(in crate::sandbox) vnet: String,
    pub(in crate::sandbox) since: CreatedAt,
}

/// Network that a transit gateway is attached to: the customer's network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sandbox) struct GatewayAttachment {
    pub(in crate::sandbox) tenant: String,
    pub(in crate::sandbox) subscription: String,
    pub(in crate::sandbox) group: String,
    pub(in crate::sandbox) vnet: String,
}

impl GatewayAttachment {
    pub(in crate::sandbox) fn vnet_id(&self) -> String {
        account::vnet_id(&self.subscription, &self.group, &self.vnet)
    }

    fn same(&self, other: &Self) -> bool {
        self.tenant.eq_ignore_ascii_case(&other.tenant) && self.vnet_id().eq_ignore_ascii_case(&other.vnet_id())
    }

    pub(in crate::sandbox) fn json(&self) -> Value {
        json!({
            "kind": "azure-vnet-peering-attachment",
            "tenant_id": self.tenant,
            "subscription_id": self.subscription,
            "resource_group_name": self.group,
            "vnet_name": self.vnet,
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) enum GatewayStage {
    Created,
    Initializing,
    Ready,
    Terminating,
    Error,
}

impl GatewayStage {
    pub(in crate::sandbox) fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Initializing => "initializing",
            Self::Ready => "ready",
            Self::Terminating => "terminating",
            Self::Error => "error",
        }
    }

    pub(super) fn is_transitional(self) -> bool {
        !matches!(self, Self::Ready | Self::Error)
    }
}

/// A transit gateway: what Konnect calls the peering with one customer network.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct TransitGatewayRecord {
    pub(in crate::sandbox) id: Uuid,
    pub(in crate::sandbox) network: Uuid,
    pub(in crate::sandbox) name: String,
    pub(in crate::sandbox) dns: Value,
    pub(in crate::sandbox) attachment: GatewayAttachment,
    pub(in crate::sandbox) stage: GatewayStage,
    /// Error of the last attempt.
    pub(in crate::sandbox) reason: Option<String>,
    pub(in crate::sandbox) attempts: u32,
    pub(in crate::sandbox) version: u32,
    pub(in crate::sandbox) created: Duration,
    pub(in crate::sandbox) updated: Duration,
}

impl TransitGatewayRecord {
    /// Moves on to `stage`.
    pub(super) fn enter(&mut self, stage: GatewayStage, now: Duration) {
        self.stage = stage;
        self.version += 1;
        self.updated = now;
    }
}

/// Makes a transit gateway and sets Kong's control plane to work.
pub(super) fn create(
    world: &mut SandboxWorld,
    network: Uuid,
    name: String,
    attachment: GatewayAttachment,
    dns: Value,
) -> Result<TransitGatewayRecord, KongProblem> {
    let found = world
        .konnect
        .networks
        .iter()
        .find(|found| found.id == network)
        .ok_or_else(KongProblem::missing)?;
    if found.provider != "azure" {
        return Err(KongProblem::new(
            http::StatusCode::BAD_REQUEST,
            "Invalid Request",
            format!(
                "The attachment kind is not supported on a network of provider '{}'.",
                found.provider
            ),
        ));
    }
    if found.state != "ready" {
        return Err(KongProblem::conflict(format!(
            "Network is not in a ready state (state: {}).",
            found.state
        )));
    }
    let same = |other: &&TransitGatewayRecord| other.network == network && other.attachment.same(&attachment);
    if world.konnect.gateways.iter().find(same).is_some() {
        return Err(KongProblem::conflict(
            "A transit gateway with this attachment exists on the network already.",
        ));
    }
    let id = world
        .ids
        .named(&["transitGateway", &network.to_string(), &attachment.vnet_id()]);
    let now = world.now;
    let gateway = TransitGatewayRecord {
        id,
        network,
        name,
        dns,
        attachment,
        stage: GatewayStage::Created,
        reason: None,
        attempts: 0,
        version: 1,
        created: now,
        updated: now,
    };
    world.konnect.gateways.push(gateway.clone());
    world.plan(
        world.timing.vendor_start,
        WorldEvent::Kong(super::GatewayWork::begin(id)),
    );
    Ok(gateway)
}

/// The id of Kong's account at a cloud.
pub(super) fn provider_account(provider: &str) -> Uuid {
    match provider {
        "azure" => Uuid::from_u128(0x929b_2449_c69f_44c4_b6ad_9ece_c6f8_11ae),
        other => crate::sandbox::ids::derived(other),
    }
}

/// A network as Konnect writes it.
pub(super) fn network(world: &SandboxWorld, found: &KongNetworkRecord) -> Value {
    let gateways = world
        .konnect
        .gateways
        .iter()
        .filter(|gateway| gateway.network == found.id)
        .count();
    let zones: Vec<String> = (1..=3).map(|zone| format!("{}-az{zone}", found.region)).collect();
    let created = match found.since {
        CreatedAt::Always => world.started - Duration::from_secs(17 * 86_400),
        CreatedAt::At(at) => world.started + at,
    };
    let mut body = json!({
        "id": found.id,
        "name": found.name,
        "default": false,
        "cloud_gateway_provider_account_id": provider_account(&found.provider),
        "region": found.region,
        "availability_zones": zones,
        "cidr_block": found.cidr,
        "state": found.state,
        "provider_metadata": {},
        "transit_gateway_count": gateways,
        "configuration_reference_count": 0,
        "entity_version": 3,
        "created_at": instant(created),
        "updated_at": instant(created),
    });
    if found.state == "ready" {
        let vpc = crate::sandbox::ids::derived(&found.vnet);
        body["provider_metadata"] = json!({"vpc_id": vpc, "subnet_ids": [vpc]});
    }
    body
}

/// A transit gateway as Konnect writes it.
pub(super) fn gateway(world: &SandboxWorld, found: &TransitGatewayRecord) -> Value {
    let mut body = json!({
        "id": found.id,
        "name": found.name,
        "dns_config": found.dns,
        "transit_gateway_attachment_config": found.attachment.json(),
        "state": found.stage.name(),
        "entity_version": found.version,
        "created_at": instant(world.started + found.created),
        "updated_at": instant(world.started + found.updated),
    });
    if found.stage == GatewayStage::Error {
        body["state_metadata"] = json!({"reported_status": "ERROR", "reason": found.reason});
    }
    body
}

/// `2026-11-21T09:00:00.000Z`
fn instant(time: OffsetDateTime) -> String {
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
        time.millisecond()
    )
}
