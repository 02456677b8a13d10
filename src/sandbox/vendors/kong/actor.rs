//! Kong's control plane: it makes both directions, with the rights that the customer gave its application.

use uuid::Uuid;

use super::model::{Gateway, Stage};
use crate::sandbox::vendors::account::short;
use crate::sandbox::vendors::control_plane::{Direction, Failure, again};
use crate::sandbox::world::{Event, World};

/// A piece of work on one transit gateway.
#[derive(Debug, Clone, Copy)]
pub(in crate::sandbox) struct Work {
    gateway: Uuid,
    step: Step,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
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

impl Work {
    pub(super) fn begin(gateway: Uuid) -> Self {
        Self {
            gateway,
            step: Step::Begin,
        }
    }

    pub(super) fn remove(gateway: Uuid) -> Self {
        Self {
            gateway,
            step: Step::Remove,
        }
    }
}

/// Does a piece of work and plans the next.
pub(in crate::sandbox) fn work(world: &mut World, work: Work) {
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
    let next = |step| Event::Kong(Work { step, ..work });
    match work.step {
        Step::Begin => {
            enter(world, work.gateway, Stage::Initializing);
            world.plan(half, next(Step::PeerOwn));
        }
        Step::PeerOwn => match peer(world, &gateway, Side::Own) {
            Ok(()) => world.plan(operation, next(Step::PeerTheirs)),
            Err(failure) => failed(world, work.gateway, failure),
        },
        Step::PeerTheirs => match peer(world, &gateway, Side::Customers) {
            Ok(()) => world.plan(half.max(operation), next(Step::Confirm)),
            Err(failure) => failed(world, work.gateway, failure),
        },
        Step::Confirm => match confirm(world, &gateway) {
            Ok(()) => enter(world, work.gateway, Stage::Ready),
            Err(failure) => failed(world, work.gateway, failure),
        },
        Step::Remove => {
            // What Kong may not delete any more stays behind, as it would in the customer's tenant.
            let _ = unpeer(world, &gateway, Side::Customers);
            let _ = unpeer(world, &gateway, Side::Own);
            world.konnect.gateways.retain(|found| found.id != work.gateway);
        }
    }
}

fn enter(world: &mut World, id: Uuid, stage: Stage) {
    let now = world.now;
    if let Some(gateway) = world.konnect.gateways.iter_mut().find(|found| found.id == id) {
        gateway.enter(stage, now);
    }
}

/// Tries again after a while, or gives up.
fn failed(world: &mut World, id: Uuid, failure: Failure) {
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
        let step = Step::PeerOwn;
        return world.plan(wait, Event::Kong(Work { gateway: id, step }));
    }
    // Half a peering of our own would stand in the way of the next attempt.
    let _ = unpeer(world, &gateway, Side::Own);
    enter(world, id, Stage::Error);
}

/// Which network's peering is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Own,
    Customers,
}

fn direction(world: &World, gateway: &Gateway, side: Side) -> Result<Direction, Failure> {
    let network = world.konnect.networks.iter().find(|found| found.id == gateway.network);
    let network = network.ok_or_else(|| Failure::new("The network is gone."))?;
    let (own, theirs) = (network.vnet.clone(), gateway.attachment.vnet_id());
    let own_tenant = world.konnect.data.account.tenant.to_string();
    let tenant = gateway.attachment.tenant.clone();
    Ok(match side {
        Side::Own => Direction {
            peering: format!("{own}/virtualNetworkPeerings/customer-{}", short(gateway.id)),
            remote: theirs,
            tenant: own_tenant,
            remote_tenant: tenant,
        },
        Side::Customers => Direction {
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

fn peer(world: &mut World, gateway: &Gateway, side: Side) -> Result<(), Failure> {
    let direction = direction(world, gateway, side)?;
    world.konnect.actor().peer(world, &direction, false)
}

fn unpeer(world: &mut World, gateway: &Gateway, side: Side) -> Result<(), Failure> {
    let direction = direction(world, gateway, side)?;
    world.konnect.actor().unpeer(world, &direction)
}

fn confirm(world: &mut World, gateway: &Gateway) -> Result<(), Failure> {
    for side in [Side::Own, Side::Customers] {
        let direction = direction(world, gateway, side)?;
        let state = world.konnect.actor().state(world, &direction)?;
        if state != "Connected" {
            let text = format!("Peering {} is in state {state}.", direction.peering);
            return Err(Failure::new(text));
        }
    }
    Ok(())
}
