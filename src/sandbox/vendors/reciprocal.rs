//! Links of which each party makes its own direction: the vendor's control plane makes the one on its network, gives the
//! customer's application the right to make the other, and watches for it.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::account::{VendorAccount, short};
use super::control_plane::{ControlPlaneActor, ControlPlaneFailure, WriteDirection, again};
use crate::sandbox::ids::derived;
use crate::sandbox::world::{SandboxWorld, WorldEvent};

/// Vendor that creates peerings in this way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) enum ReciprocalVendor {
    Aiven,
    Dragonfly,
}

impl ReciprocalVendor {
    fn account(self, world: &SandboxWorld) -> VendorAccount {
        match self {
            Self::Aiven => world.aiven.account(),
            Self::Dragonfly => world.dragonfly.account(),
        }
    }

    fn actor(self, world: &SandboxWorld) -> ControlPlaneActor {
        let name = match self {
            Self::Aiven => "aiven",
            Self::Dragonfly => "dragonfly",
        };
        self.account(world).actor(name)
    }
}

/// One link of a vendor's network with a customer's.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct ReciprocalLink {
    pub(in crate::sandbox) id: Uuid,
    pub(in crate::sandbox) vendor: ReciprocalVendor,
    /// Parent resource in the vendor's API: a VPC or a network.
    pub(in crate::sandbox) parent: String,
    /// Request of the customer, in the format of the vendor's API.
    pub(in crate::sandbox) request: Value,
    /// The vendor's network; `None` as long as it is being built, and nothing happens until then.
    pub(in crate::sandbox) own: Option<String>,
    /// The customer's network, tenant and application, as they were given.
    pub(in crate::sandbox) theirs: String,
    pub(in crate::sandbox) tenant: String,
    pub(in crate::sandbox) app: String,
    pub(in crate::sandbox) use_gateways: bool,
    /// Why the vendor will not even try.
    pub(in crate::sandbox) flaw: Option<String>,
    pub(in crate::sandbox) stage: LinkStage,
    /// Error of the last attempt.
    pub(in crate::sandbox) reason: Option<String>,
    pub(in crate::sandbox) created: Duration,
    pub(in crate::sandbox) updated: Duration,
    attempts: u32,
    /// The application's service principal in the vendor's tenant.
    principal: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) enum LinkStage {
    Accepted,
    /// The vendor's direction is being made.
    Requested,
    /// The vendor's direction is there, the customer's is not.
    Waiting,
    Active,
    /// Azure, or the vendor, refused for good.
    Refused,
    /// The customer deleted their direction.
    Abandoned,
    Removing,
}

/// Link that a customer requests.
pub(super) struct DesiredLink {
    pub(super) vendor: ReciprocalVendor,
    pub(super) parent: String,
    pub(super) own: Option<String>,
    pub(super) theirs: String,
    pub(super) tenant: String,
    pub(super) app: String,
    pub(super) use_gateways: bool,
    pub(super) flaw: Option<String>,
    pub(super) request: Value,
}

/// A piece of work on one link.
#[derive(Debug, Clone, Copy)]
pub(in crate::sandbox) struct LinkWork {
    link: Uuid,
    step: LinkStep,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LinkStep {
    Begin,
    /// Invites the customer's application and makes the vendor's direction.
    Peer,
    /// Tells the customer that it is their turn.
    Offer,
    /// Looks what became of the vendor's direction.
    Look,
    Remove,
}

/// The link of the same two networks, if there is one.
pub(super) fn twin<'a>(
    world: &'a SandboxWorld,
    vendor: ReciprocalVendor,
    parent: &str,
    theirs: &str,
) -> Option<&'a ReciprocalLink> {
    world
        .links
        .iter()
        .find(|found| found.vendor == vendor && found.parent == parent && found.theirs.eq_ignore_ascii_case(theirs))
}

/// Makes a link and sets the vendor to work.
pub(super) fn create(world: &mut SandboxWorld, wish: DesiredLink) -> ReciprocalLink {
    let id = world.ids.named(&["link", &wish.parent, &wish.theirs]);
    let link = ReciprocalLink {
        id,
        vendor: wish.vendor,
        parent: wish.parent,
        request: wish.request,
        own: wish.own,
        theirs: wish.theirs,
        tenant: wish.tenant,
        app: wish.app,
        use_gateways: wish.use_gateways,
        flaw: wish.flaw,
        stage: LinkStage::Accepted,
        reason: None,
        created: world.now,
        updated: world.now,
        attempts: 0,
        principal: None,
    };
    world.links.push(link.clone());
    if link.own.is_some() {
        plan(world, world.timing.vendor_start, id, LinkStep::Begin);
    }
    link
}

/// Begins to remove a link; the link as it is from now on.
pub(super) fn remove(world: &mut SandboxWorld, id: Uuid) -> Option<ReciprocalLink> {
    enter(world, id, LinkStage::Removing);
    plan(world, world.timing.operation, id, LinkStep::Remove);
    world.links.iter().find(|found| found.id == id).cloned()
}

/// Has the vendor look at its links below `parent` now.
pub(super) fn refresh(world: &mut SandboxWorld, vendor: ReciprocalVendor, parent: &str) {
    let own = world.links.iter();
    let own = own.filter(|found| found.vendor == vendor && found.parent == parent);
    let ids: Vec<Uuid> = own.map(|found| found.id).collect();
    for id in ids {
        plan(world, Duration::ZERO, id, LinkStep::Look);
    }
}

/// A peering between two networks was written or deleted: the vendors concerned notice at their next look.
pub(in crate::sandbox) fn noticed(world: &mut SandboxWorld, one: &str, other: &str) {
    let same = |id: &str| id.eq_ignore_ascii_case(one) || id.eq_ignore_ascii_case(other);
    let concerned = world.links.iter();
    let concerned = concerned.filter(|found| same(&found.theirs) && found.own.as_deref().is_some_and(same));
    let ids: Vec<Uuid> = concerned.map(|found| found.id).collect();
    for id in ids {
        plan(world, world.timing.vendor_poll, id, LinkStep::Look);
    }
}

fn plan(world: &mut SandboxWorld, after: Duration, link: Uuid, step: LinkStep) {
    world.plan(after, WorldEvent::Link(LinkWork { link, step }));
}

/// Does a piece of work and plans the next.
pub(in crate::sandbox) fn work(world: &mut SandboxWorld, work: LinkWork) {
    let Some(link) = world.links.iter().find(|found| found.id == work.link).cloned() else {
        return;
    };
    match (work.step, link.stage) {
        (LinkStep::Remove, _) => {
            withdraw(world, &link);
            world.links.retain(|found| found.id != link.id);
        }
        (LinkStep::Begin, LinkStage::Accepted) => match link.flaw {
            Some(flaw) => refuse(world, link.id, flaw),
            None => plan(world, world.timing.vendor_work / 2, link.id, LinkStep::Peer),
        },
        (LinkStep::Peer, LinkStage::Accepted) => match peer(world, &link) {
            Ok(()) => {
                enter(world, link.id, LinkStage::Requested);
                plan(world, world.timing.operation, link.id, LinkStep::Offer);
            }
            Err(failure) => failed(world, &link, failure),
        },
        (LinkStep::Offer, LinkStage::Requested) => {
            enter(world, link.id, LinkStage::Waiting);
            look(world, &link);
        }
        (LinkStep::Look, LinkStage::Waiting | LinkStage::Active) => look(world, &link),
        _ => {}
    }
}

fn enter(world: &mut SandboxWorld, id: Uuid, stage: LinkStage) {
    let now = world.now;
    if let Some(link) = world.links.iter_mut().find(|found| found.id == id) {
        link.stage = stage;
        link.updated = now;
    }
}

fn refuse(world: &mut SandboxWorld, id: Uuid, reason: String) {
    if let Some(link) = world.links.iter_mut().find(|found| found.id == id) {
        link.reason = Some(reason);
    }
    enter(world, id, LinkStage::Refused);
}

/// Tries again after a while, or gives up.
fn failed(world: &mut SandboxWorld, link: &ReciprocalLink, failure: ControlPlaneFailure) {
    let mut attempts = link.attempts;
    let wait = again(world, &mut attempts, &failure);
    if let Some(found) = world.links.iter_mut().find(|found| found.id == link.id) {
        found.attempts = attempts;
    }
    if let Some(wait) = wait {
        return plan(world, wait, link.id, LinkStep::Peer);
    }
    // Half a peering of our own would stand in the way of the next attempt.
    if let Some(direction) = direction(world, link) {
        let _ = link.vendor.actor(world).unpeer(world, &direction);
    }
    refuse(world, link.id, failure.reason);
}

/// The vendor's direction.
fn direction(world: &SandboxWorld, link: &ReciprocalLink) -> Option<WriteDirection> {
    Some(WriteDirection {
        peering: format!(
            "{}/virtualNetworkPeerings/customer-{}",
            link.own.as_ref()?,
            short(link.id)
        ),
        remote: link.theirs.clone(),
        tenant: link.vendor.account(world).tenant.to_string(),
        remote_tenant: link.tenant.clone(),
    })
}

fn peer(world: &mut SandboxWorld, link: &ReciprocalLink) -> Result<(), ControlPlaneFailure> {
    let (Some(direction), Some(own)) = (direction(world, link), &link.own) else {
        return Err(ControlPlaneFailure::new("The network is being built."));
    };
    let (actor, tenant) = (link.vendor.actor(world), direction.tenant.clone());
    actor.is_welcome(world, &link.tenant)?;
    let principal = actor.invite(world, &tenant, &link.app)?;
    if let Some(found) = world.links.iter_mut().find(|found| found.id == link.id) {
        found.principal = Some(principal.clone());
    }
    actor.peer(world, &direction, link.use_gateways)?;
    let account = link.vendor.account(world);
    let role = format!(
        "/subscriptions/{}/providers/Microsoft.Authorization/roleDefinitions/{}",
        account.subscription, account.role
    );
    let body = json!({"properties": {
        "roleDefinitionId": role,
        "principalId": principal,
        "principalType": "ServicePrincipal",
    }});
    let id = assignment(own, &principal);
    actor.assignment(world, Method::PUT, &tenant, &id, Some(&body))
}

/// The id of the role assignment that lets a customer's application peer with a network.
fn assignment(own: &str, principal: &str) -> String {
    let guid = derived(&format!("{own}\n{principal}"));
    format!("{own}/providers/Microsoft.Authorization/roleAssignments/{guid}")
}

/// Takes the vendor's direction for what it says. That a direction cannot be read changes nothing.
fn look(world: &mut SandboxWorld, link: &ReciprocalLink) {
    let Some(direction) = direction(world, link) else {
        return;
    };
    let state = link.vendor.actor(world).state(world, &direction);
    match state.as_deref() {
        Ok("Connected") if link.stage != LinkStage::Active => enter(world, link.id, LinkStage::Active),
        Ok("Disconnected") => enter(world, link.id, LinkStage::Abandoned),
        _ => {}
    }
}

/// Removes what the vendor made for a link and no other link needs; what fails stays behind.
fn withdraw(world: &mut SandboxWorld, link: &ReciprocalLink) {
    let Some(direction) = direction(world, link) else {
        return;
    };
    let actor = link.vendor.actor(world);
    let _ = actor.unpeer(world, &direction);
    let (Some(own), Some(principal)) = (&link.own, &link.principal) else {
        return;
    };
    let others = world.links.iter().filter(|found| {
        found.id != link.id && found.vendor == link.vendor && found.principal.as_ref() == Some(principal)
    });
    let others: Vec<Option<String>> = others.map(|found| found.own.clone()).collect();
    if !others.contains(&link.own) {
        let id = assignment(own, principal);
        let _ = actor.assignment(world, Method::DELETE, &direction.tenant, &id, None);
    }
    if others.is_empty() {
        let _ = actor.disinvite(world, &direction.tenant, &link.app);
    }
}
