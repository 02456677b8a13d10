//! Links of which each party makes its own direction: the vendor's control plane makes the one on its network, gives the
//! customer's application the right to make the other, and watches for it.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::account::{Account, short};
use super::control_plane::{Actor, Direction, Failure, again};
use crate::sandbox::ids::derived;
use crate::sandbox::world::{Event, World};

/// Who works in this way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) enum Vendor {
    Aiven,
    Dragonfly,
}

impl Vendor {
    fn account(self, world: &World) -> Account {
        match self {
            Self::Aiven => world.aiven.account(),
            Self::Dragonfly => world.dragonfly.account(),
        }
    }

    fn actor(self, world: &World) -> Actor {
        let name = match self {
            Self::Aiven => "aiven",
            Self::Dragonfly => "dragonfly",
        };
        self.account(world).actor(name)
    }
}

/// One link of a vendor's network with a customer's.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Link {
    pub(in crate::sandbox) id: Uuid,
    pub(in crate::sandbox) vendor: Vendor,
    /// What the vendor's API hangs it below: a VPC or a network.
    pub(in crate::sandbox) parent: String,
    /// What the customer asked for, as the vendor's API writes it.
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
    pub(in crate::sandbox) stage: Stage,
    /// What the last attempt failed with.
    pub(in crate::sandbox) reason: Option<String>,
    pub(in crate::sandbox) created: Duration,
    pub(in crate::sandbox) updated: Duration,
    attempts: u32,
    /// The application's service principal in the vendor's tenant.
    principal: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) enum Stage {
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

/// What a customer asks for.
pub(super) struct Wish {
    pub(super) vendor: Vendor,
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
pub(in crate::sandbox) struct Work {
    link: Uuid,
    step: Step,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
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
pub(super) fn twin<'a>(world: &'a World, vendor: Vendor, parent: &str, theirs: &str) -> Option<&'a Link> {
    world
        .links
        .iter()
        .find(|found| found.vendor == vendor && found.parent == parent && found.theirs.eq_ignore_ascii_case(theirs))
}

/// Makes a link and sets the vendor to work.
pub(super) fn create(world: &mut World, wish: Wish) -> Link {
    let id = world.ids.named(&["link", &wish.parent, &wish.theirs]);
    let link = Link {
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
        stage: Stage::Accepted,
        reason: None,
        created: world.now,
        updated: world.now,
        attempts: 0,
        principal: None,
    };
    world.links.push(link.clone());
    if link.own.is_some() {
        plan(world, world.timing.vendor_start, id, Step::Begin);
    }
    link
}

/// Begins to remove a link; the link as it is from now on.
pub(super) fn remove(world: &mut World, id: Uuid) -> Option<Link> {
    enter(world, id, Stage::Removing);
    plan(world, world.timing.operation, id, Step::Remove);
    world.links.iter().find(|found| found.id == id).cloned()
}

/// Has the vendor look at its links below `parent` now.
pub(super) fn refresh(world: &mut World, vendor: Vendor, parent: &str) {
    let own = world.links.iter();
    let own = own.filter(|found| found.vendor == vendor && found.parent == parent);
    let ids: Vec<Uuid> = own.map(|found| found.id).collect();
    for id in ids {
        plan(world, Duration::ZERO, id, Step::Look);
    }
}

/// A peering between two networks was written or deleted: the vendors concerned notice at their next look.
pub(in crate::sandbox) fn noticed(world: &mut World, one: &str, other: &str) {
    let same = |id: &str| id.eq_ignore_ascii_case(one) || id.eq_ignore_ascii_case(other);
    let concerned = world.links.iter();
    let concerned = concerned.filter(|found| same(&found.theirs) && found.own.as_deref().is_some_and(same));
    let ids: Vec<Uuid> = concerned.map(|found| found.id).collect();
    for id in ids {
        plan(world, world.timing.vendor_poll, id, Step::Look);
    }
}

fn plan(world: &mut World, after: Duration, link: Uuid, step: Step) {
    world.plan(after, Event::Link(Work { link, step }));
}

/// Does a piece of work and plans the next.
pub(in crate::sandbox) fn work(world: &mut World, work: Work) {
    let Some(link) = world.links.iter().find(|found| found.id == work.link).cloned() else {
        return;
    };
    match (work.step, link.stage) {
        (Step::Remove, _) => {
            withdraw(world, &link);
            world.links.retain(|found| found.id != link.id);
        }
        (Step::Begin, Stage::Accepted) => match link.flaw {
            Some(flaw) => refuse(world, link.id, flaw),
            None => plan(world, world.timing.vendor_work / 2, link.id, Step::Peer),
        },
        (Step::Peer, Stage::Accepted) => match peer(world, &link) {
            Ok(()) => {
                enter(world, link.id, Stage::Requested);
                plan(world, world.timing.operation, link.id, Step::Offer);
            }
            Err(failure) => failed(world, &link, failure),
        },
        (Step::Offer, Stage::Requested) => {
            enter(world, link.id, Stage::Waiting);
            look(world, &link);
        }
        (Step::Look, Stage::Waiting | Stage::Active) => look(world, &link),
        _ => {}
    }
}

fn enter(world: &mut World, id: Uuid, stage: Stage) {
    let now = world.now;
    if let Some(link) = world.links.iter_mut().find(|found| found.id == id) {
        link.stage = stage;
        link.updated = now;
    }
}

fn refuse(world: &mut World, id: Uuid, reason: String) {
    if let Some(link) = world.links.iter_mut().find(|found| found.id == id) {
        link.reason = Some(reason);
    }
    enter(world, id, Stage::Refused);
}

/// Tries again after a while, or gives up.
fn failed(world: &mut World, link: &Link, failure: Failure) {
    let mut attempts = link.attempts;
    let wait = again(world, &mut attempts, &failure);
    if let Some(found) = world.links.iter_mut().find(|found| found.id == link.id) {
        found.attempts = attempts;
    }
    if let Some(wait) = wait {
        return plan(world, wait, link.id, Step::Peer);
    }
    // Half a peering of our own would stand in the way of the next attempt.
    if let Some(direction) = direction(world, link) {
        let _ = link.vendor.actor(world).unpeer(world, &direction);
    }
    refuse(world, link.id, failure.reason);
}

/// The vendor's direction.
fn direction(world: &World, link: &Link) -> Option<Direction> {
    Some(Direction {
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

fn peer(world: &mut World, link: &Link) -> Result<(), Failure> {
    let (Some(direction), Some(own)) = (direction(world, link), &link.own) else {
        return Err(Failure::new("The network is being built."));
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
fn look(world: &mut World, link: &Link) {
    let Some(direction) = direction(world, link) else {
        return;
    };
    let state = link.vendor.actor(world).state(world, &direction);
    match state.as_deref() {
        Ok("Connected") if link.stage != Stage::Active => enter(world, link.id, Stage::Active),
        Ok("Disconnected") => enter(world, link.id, Stage::Abandoned),
        _ => {}
    }
}

/// Removes what the vendor made for a link and no other link needs; what fails stays behind.
fn withdraw(world: &mut World, link: &Link) {
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
