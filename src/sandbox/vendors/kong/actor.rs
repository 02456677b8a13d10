//! Kong's control plane: it makes both directions, with the rights that the customer gave its application.

use uuid::Uuid;

use super::model::{GatewayStage, TransitGatewayRecord};
use crate::sandbox::vendors::account::short;
use crate::sandbox::vendors::control_plane::{ControlPlaneFailure, WriteDirection, again};
use crate::sandbox::world::{SandboxWorld, WorldEvent};

/// A piece of work on one transit gateway.
#[derive(Debug, Clone, Copy)]
pub(in crate::sandbox) struct GatewayWork {
    gateway: Uuid,
    step: GatewayStep,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GatewayStep {
    /// Takes the gateway up.
    Begin,
    /// Kong's network to the customer's.
    PeerOwn,
    /// The customer's network to Kong's.
    PeerTheirs,
    /// Both directions are Connected.
    Confirm,
    /// Removes both directions and the gateway.
    Remove,
}

impl GatewayWork {
    pub(super) fn begin(gateway: Uuid) -> Self {
        Self {
            gateway,
            step: GatewayStep::Begin,
        }
    }

    pub(super) fn remove(gateway: Uuid) -> Self {
        Self {
            gateway,
            step: GatewayStep::Remove,
        }
    }
}

/// Does a piece of work and plans the next.
pub(in crate::sandbox) fn work(world: &mut SandboxWorld, work: GatewayWork) {
    let Some(gateway) = world
        .konnect
        .gateways
        .iter()
        .find(|found| found.id == work.gateway)
        .cloned()
    else {
        return;
    };
    let half = world.timing.vendor_work / 2;
    let operation = world.timing.operation;
    let next = |step| WorldEvent::Kong(GatewayWork { step, ..work });
    match work.step {
        GatewayStep::Begin => {
            enter(world, work.gateway, GatewayStage::Initializing);
            world.plan(half, next(GatewayStep::PeerOwn));
        }
        GatewayStep::PeerOwn => match peer(world, &gateway, LinkSide::Own) {
            Ok(()) => world.plan(operation, next(GatewayStep::PeerTheirs)),
            Err(failure) => failed(world, work.gateway, failure),
        },
        GatewayStep::PeerTheirs => match peer(world, &gateway, LinkSide::Customers) {
            Ok(()) => world.plan(half.max(operation), next(GatewayStep::Confirm)),
            Err(failure) => failed(world, work.gateway, failure),
        },
        GatewayStep::Confirm => match confirm(world, &gateway) {
            Ok(()) => enter(world, work.gateway, GatewayStage::Ready),
            Err(failure) => failed(world, work.gateway, failure),
        },
        GatewayStep::Remove => {
            // What Kong may not delete any more stays behind, as it would in the customer's tenant.
            let _ = unpeer(world, &gateway, LinkSide::Customers);
            let _ = unpeer(world, &gateway, LinkSide::Own);
            world.konnect.gateways.retain(|found| found.id != work.gateway);
        }
    }
}

fn enter(world: &mut SandboxWorld, id: Uuid, stage: GatewayStage) {
    let now = world.now;
    if let Some(gateway) = world.konnect.gateways.iter_mut().find(|found| found.id == id) {
        gateway.enter(stage, now);
    }
}

/// Tries again after a while, or gives up.
fn failed(world: &mut SandboxWorld, id: Uuid, failure: ControlPlaneFailure) {
    let Some(at) = world.konnect.gateways.iter().position(|found| found.id == id) else {
        return;
    };
    let mut attempts = world.konnect.gateways[at].attempts;
    let wait = again(world, &mut attempts, &failure);
    let gateway = &mut world.konnect.gateways[at];
    gateway.attempts = attempts;
    if !failure.busy {
        gateway.reason = Some(failure.reason);
    }
    let gateway = gateway.clone();
    if let Some(wait) = wait {
        let step = GatewayStep::PeerOwn;
        return world.plan(wait, WorldEvent::Kong(GatewayWork { gateway: id, step }));
    }
    // Half a peering of our own would stand in the way of the next attempt.
    let _ = unpeer(world, &gateway, LinkSide::Own);
    enter(world, id, GatewayStage::Error);
}

/// Network whose peering is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LinkSide {
    Own,
    Customers,
}

fn direction(
    world: &SandboxWorld,
    gateway: &TransitGatewayRecord,
    side: LinkSide,
) -> Result<WriteDirection, ControlPlaneFailure> {
    let network = world.konnect.networks.iter().find(|found| found.id == gateway.network);
    let network = network.ok_or_else(|| ControlPlaneFailure::new("The network is gone."))?;
    let (own, theirs) = (network.vnet.clone(), gateway.attachment.vnet_id());
    let own_tenant = world.konnect.data.account.tenant.to_string();
    let tenant = gateway.attachment.tenant.clone();
    Ok(match side {
        LinkSide::Own => WriteDirection {
            peering: format!("{own}/virtualNetworkPeerings/customer-{}", short(gateway.id)),
            remote: theirs,
            tenant: own_tenant,
            remote_tenant: tenant,
        },
        LinkSide::Customers => WriteDirection {
            peering: format!(
                "{theirs}/virtualNetworkPeerings/kong-{}-{}",
                network.name,
                short(network.id)
            ),
            remote: own,
            tenant,
            remote_tenant: own_tenant,
        },
    })
}

fn peer(world: &mut SandboxWorld, gateway: &TransitGatewayRecord, side: LinkSide) -> Result<(), ControlPlaneFailure> {
    let direction = direction(world, gateway, side)?;
    world.konnect.actor().peer(world, &direction, false)
}

fn unpeer(world: &mut SandboxWorld, gateway: &TransitGatewayRecord, side: LinkSide) -> Result<(), ControlPlaneFailure> {
    let direction = direction(world, gateway, side)?;
    world.konnect.actor().unpeer(world, &direction)
}

fn confirm(world: &mut SandboxWorld, gateway: &TransitGatewayRecord) -> Result<(), ControlPlaneFailure> {
    for side in [LinkSide::Own, LinkSide::Customers] {
        let direction = direction(world, gateway, side)?;
        let state = world.konnect.actor().state(world, &direction)?;
        if state != "Connected" {
            let text = format!("Peering {} is in state {state}.", direction.peering);
            return Err(ControlPlaneFailure::new(text));
        }
    }
    Ok(())
}
