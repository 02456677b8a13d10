//! Resources that are provably created by setup, and what still uses them. They are recognized by the IDs and names
//! that setup chooses; all other resources stay.

use uuid::Uuid;

use super::role_choice::extra_actions;
use super::vendor_peering::VendorPeering;
use super::{ObservedState, StepError};
use crate::azure::{AppRegistration, PeeringBody, RoleAssignment, RoleDefinition};
use crate::domain::{role_assignment_guid, role_definition_guid, subscription_scope};
use crate::plan::{OwnApp, PeeringIntent, RoleGrant, RoleGrantee, StepDecision, StepId, StepState, own_role_names};
use crate::vendors::{CreatedBy, VendorRequest};

/// Returns whether a resource that was to be removed is still to be removed, based on a new decision.
///
/// # Errors
/// Held if the resource now belongs to others.
pub fn still_goes(decision: StepDecision) -> Result<bool, StepError> {
    match decision {
        StepDecision::Remove { .. } => Ok(true),
        StepDecision::Blocked(hold) => Err(StepError::Held {
            state: StepState::Blocked,
            hold,
        }),
        _ => Ok(false),
    }
}

/// The request is the one that setup makes: for the application that setup made or that the operator named, or of the
/// name that setup gives. A colleague's application that setup went on with stays the colleague's.
pub fn request_is_ours(intent: &PeeringIntent, facts: &ObservedState, request: &VendorRequest) -> bool {
    match (request.own_app, &intent.own_app) {
        (Some(named), Some(OwnApp::Given(id))) => named == *id,
        (Some(named), Some(OwnApp::Made { unique_name, .. })) => {
            let setups = |app: &&AppRegistration| app.unique_name.as_ref() == Some(unique_name);
            // One that was deleted by hand has left its request behind.
            let mut apps = facts.own_app.iter().chain(&facts.deleted_app).filter(setups);
            apps.any(|app| app.app_id == named)
        }
        (Some(_), None) => false,
        (None, _) => request.name.eq_ignore_ascii_case(intent.request_name()),
    }
}

/// The direction is the one that setup writes, has the vendor write, or that the operator named.
pub fn peering_is_ours(intent: &PeeringIntent, facts: &ObservedState, peering: &PeeringBody) -> bool {
    let name = &peering.id.name;
    is_named(intent, peering)
        || intent.vendor.peering.created_by == CreatedBy::Vendor
        || is_numbered(name, &facts.free_peering_name(intent))
}

/// The operator said that this direction is meant.
pub fn is_named(intent: &PeeringIntent, peering: &PeeringBody) -> bool {
    let given = intent.peering_name.as_ref();
    given.is_some_and(|given| given.eq_ignore_ascii_case(&peering.id.name))
}

/// `base`, or `base-2` and the like, as setup names a second one.
fn is_numbered(name: &str, base: &str) -> bool {
    let (name, base) = (name.to_lowercase(), base.to_lowercase());
    let number = name.strip_prefix(&base).and_then(|rest| rest.strip_prefix('-'));
    name == base || number.is_some_and(|digits| !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()))
}

/// Returns whether the role has an ID that setup assigns: for this subscription, for one that it can be assigned in, or
/// for one of the operator's subscriptions that was removed from it since then.
pub fn role_is_ours(intent: &PeeringIntent, facts: &ObservedState, grant: &RoleGrant, role: &RoleDefinition) -> bool {
    own_name(intent, facts, grant, role).is_some()
}

/// Returns the changes by others to a role that setup created; `None` if it is as setup left it, or grants less.
pub fn changed_by_others(
    intent: &PeeringIntent,
    facts: &ObservedState,
    grant: &RoleGrant,
    role: &RoleDefinition,
) -> Option<String> {
    let own = own_name(intent, facts, grant, role)?;
    let extra = extra_actions(role, grant);
    if !own.eq_ignore_ascii_case(&role.name) {
        return Some(format!("it was renamed from \"{own}\""));
    }
    (!extra.is_empty()).then(|| format!("it was changed and also grants {}", extra.join(", ")))
}

/// The name under which setup created the role, as its ID tells.
fn own_name(intent: &PeeringIntent, facts: &ObservedState, grant: &RoleGrant, role: &RoleDefinition) -> Option<String> {
    let assignable = role
        .assignable_scopes
        .iter()
        .map(|scope| scope.trim_end_matches('/').to_lowercase());
    let own = facts
        .own_subscriptions
        .iter()
        .copied()
        .chain([intent.vnet.subscription]);
    let mut scopes = assignable.chain(own.map(subscription_scope)).filter(|_| role.custom);
    let owner = grant.owner(&intent.vendor.id);
    scopes.find_map(|scope| {
        let subscription = scope.split('/').nth(2).and_then(|id| id.parse().ok());
        let subscription = subscription.unwrap_or(intent.vnet.subscription);
        let names = grant.names.iter().flat_map(|name| own_role_names(name, subscription));
        let mut names = names.collect::<Vec<_>>().into_iter();
        names.find(|name| role_definition_guid(intent.tenant, &scope, owner, name) == role.guid)
    })
}

/// The assignments at the network that setup made for this grant: their ids say what they are for.
pub fn assignments_of<'a>(
    intent: &PeeringIntent,
    facts: &'a ObservedState,
    grant: &RoleGrant,
) -> (Vec<&'a RoleAssignment>, Vec<&'a RoleAssignment>) {
    let anothers = grant.to == RoleGrantee::Vendor && facts.principal_is_anothers;
    let principal = facts.grantee(grant).filter(|_| !anothers);
    let ours_by_role = |guid: Uuid| {
        let mut roles = facts.roles.iter();
        roles.any(|role| role.guid == guid && role_is_ours(intent, facts, grant, role))
    };
    let of_grant = |one: &&RoleAssignment| match principal {
        Some(principal) => one.principal == principal,
        // Whose it was is gone; its role tells, unless own applications of several vendors share it. Who is still there
        // is another vendor's, which got the same role.
        None => {
            let gone = facts.gone_principals.contains(&one.principal);
            grant.to == RoleGrantee::Vendor && !anothers && gone && ours_by_role(one.role)
        }
    };
    let at_vnet = facts.assignments_at(&intent.vnet);
    at_vnet.filter(of_grant).partition(|one| is_setups(intent, one))
}

/// The assignment's id is the one that setup gives to what the assignment says.
fn is_setups(intent: &PeeringIntent, assignment: &RoleAssignment) -> bool {
    let guid = role_assignment_guid(intent.tenant, &intent.vnet, assignment.principal, assignment.role);
    assignment.name.eq_ignore_ascii_case(&guid.to_string())
}

/// The principals of all that setup assigned at the network.
pub fn assigned_by_setup(intent: &PeeringIntent, facts: &ObservedState) -> Vec<Uuid> {
    let ours = facts.assignments_at(&intent.vnet).filter(|one| is_setups(intent, one));
    ours.map(|one| one.principal).collect()
}

/// The assignments in the subscription that stay, of those that are `wanted`.
pub fn other_assignments<'a>(
    intent: &PeeringIntent,
    facts: &'a ObservedState,
    wanted: impl Fn(&RoleAssignment) -> bool,
) -> Vec<&'a RoleAssignment> {
    let mut grants = intent.grants();
    grants.retain(|grant| grant_still_used_by(intent, facts, grant).is_none());
    let ours = grants.iter().flat_map(|grant| assignments_of(intent, facts, grant).0);
    let goes: Vec<&str> = ours.map(|one| one.name.as_str()).collect();
    let all = facts.assignments_below.iter().filter(|one| wanted(one));
    all.filter(|one| !goes.contains(&one.name.as_str())).collect()
}

/// Returns what still needs the role of the grant. An application that the operator specifies may write for any link of
/// the network with one assignment.
pub fn grant_still_used_by(intent: &PeeringIntent, facts: &ObservedState, grant: &RoleGrant) -> Option<String> {
    let brought = grant.to == RoleGrantee::OwnApp && matches!(intent.own_app, Some(OwnApp::Given(_)));
    let any = || other_links(intent, facts).find(|_| brought).map(may_need);
    still_used_by(intent, facts).or_else(any)
}

/// Returns what still needs the roles and the own application: a link that stays, or another link with the same vendor.
pub fn still_used_by(intent: &PeeringIntent, facts: &ObservedState) -> Option<String> {
    let stays = [StepId::VendorRequest, StepId::Peering]
        .into_iter()
        .filter(|id| intent.steps().contains(id))
        .find_map(|id| match super::decision(id, intent, facts) {
            StepDecision::Keep(_) => Some(format!("the step {id} stays")),
            _ => None,
        });
    stays.or_else(|| another_link(intent, facts).map(may_need))
}

fn may_need(peering: &PeeringBody) -> String {
    format!("the peering {} may need it", peering.id.name)
}

/// Another peering of the network with the vendor's tenant, or with one that Azure does not tell.
fn another_link<'a>(intent: &'a PeeringIntent, facts: &'a ObservedState) -> Option<&'a PeeringBody> {
    let by_request = facts.known_remote(intent).map(|remote| remote.tenant);
    let tenant = by_request.or_else(|| facts.principal.as_ref()?.owner_tenant);
    let same_vendor = |peering: &&PeeringBody| {
        let remote = peering.remote_vnet.as_ref();
        let theirs = remote.and_then(|remote| facts.remote_tenants.get(&remote.subscription));
        theirs.is_none_or(|theirs| tenant.is_none_or(|tenant| tenant == *theirs))
    };
    other_links(intent, facts).find(same_vendor)
}

/// The network's other peerings with networks that are not the customer's.
fn other_links<'a>(intent: &'a PeeringIntent, facts: &'a ObservedState) -> impl Iterator<Item = &'a PeeringBody> {
    let this = match facts.likely_peering(intent) {
        VendorPeering::One(peering) => Some(&peering.id),
        VendorPeering::None | VendorPeering::Many(_) => None,
    };
    let foreign = move |peering: &&PeeringBody| Some(&peering.id) != this && facts.is_elsewhere(intent, peering);
    let peerings = facts.vnet.iter().flat_map(|vnet| &vnet.peerings);
    peerings.filter(foreign)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::samples;

    #[test]
    fn ownership_accepts_numbered_name_only() {
        for (name, ours) in [
            ("a-b", true),
            ("A-B-2", true),
            ("a-b-x", false),
            ("a-b-", false),
            ("a-bc", false),
        ] {
            assert_eq!(is_numbered(name, "a-b"), ours, "{name}");
        }
    }

    #[test]
    fn ownership_of_assignment_by_id() {
        let (intent, mut facts) = samples::kong_done();
        let grant = intent.vendor_grant().expect("kong gets a role");
        let (ours, others) = assignments_of(&intent, &facts, &grant);
        assert_eq!((ours.len(), others.len()), (1, 0));
        facts.assignments[0].name = uuid::Uuid::from_u128(0xc011ea9e).to_string();
        let (ours, others) = assignments_of(&intent, &facts, &grant);
        assert_eq!((ours.len(), others.len()), (0, 1), "a colleague's");
    }

    #[test]
    fn ownership_role_needed_by_other_link() {
        let (intent, mut facts) = samples::kong_done();
        assert_eq!(another_link(&intent, &facts), None);
        let name = |found: Option<&PeeringBody>| found.map(|peering| peering.id.name.clone());
        let second = samples::peering(&intent, "kong-2", 0xf01, "10.77.0.0/16");
        facts.vnet.as_mut().expect("one").peerings.push(second);
        assert_eq!(
            name(another_link(&intent, &facts)),
            Some("kong-2".to_owned()),
            "its tenant is not known"
        );
        let other = uuid::Uuid::from_u128(0xbad);
        facts.remote_tenants.insert(uuid::Uuid::from_u128(0xf01), other);
        assert_eq!(another_link(&intent, &facts), None, "it is another company's");
    }

    #[test]
    fn ownership_given_application_role_stays() {
        for (brought, stays) in [(false, false), (true, true)] {
            let (mut intent, mut facts) = samples::own_app_to_take_down();
            if brought {
                let app = facts.own_app.as_ref().expect("one").app_id;
                intent.own_app = Some(OwnApp::Given(app));
            }
            let other = samples::peering(&intent, "dragonfly-1", 0xf01, "10.77.0.0/16");
            facts.vnet.as_mut().expect("one").peerings.push(other);
            let company = uuid::Uuid::from_u128(0xbad);
            facts.remote_tenants.insert(uuid::Uuid::from_u128(0xf01), company);
            for grant in intent.grants() {
                let used = grant_still_used_by(&intent, &facts, &grant).is_some();
                assert_eq!(
                    used,
                    stays && grant.to == RoleGrantee::OwnApp,
                    "{brought} {:?}",
                    grant.to
                );
                let kept = other_assignments(&intent, &facts, |one| Some(one.principal) == facts.grantee(&grant));
                assert_eq!(kept.len(), usize::from(used), "{brought} {:?}", grant.to);
            }
        }
    }

    #[test]
    fn ownership_role_alone_proves_nothing() {
        let (intent, mut facts) = samples::kong_to_take_down();
        let grant = intent.vendor_grant().expect("kong gets a role");
        let principal = facts.principal.take().expect("one").id;
        let ours = |facts: &ObservedState| assignments_of(&intent, facts, &grant).0.len();
        assert_eq!(ours(&facts), 0, "another vendor's, or it cannot be told");
        facts.gone_principals.insert(principal);
        assert_eq!(ours(&facts), 1);
        facts.principal_is_anothers = true;
        assert_eq!(ours(&facts), 0, "an id that is not the vendor's");
    }
}
