//! Results of a survey, for the modules that pass them on.

use uuid::Uuid;

use super::role_definition::wanted_role;
use super::vendor_peering::VendorPeering;
use super::{ObservedState, step};
use crate::azure::AppRegistration;
use crate::plan::{OwnApp, PeeringIntent, RoleGrant, VendorAccess};
use crate::render::{ExistingGrant, ExistingResources};

/// Returns the existing resources of those that setup creates. `surveyed`: the resources were read; otherwise there are
/// no facts.
pub fn existing(intent: &PeeringIntent, facts: &ObservedState, surveyed: bool) -> ExistingResources {
    let grant = |grant: RoleGrant| {
        let custom = Some(&grant).filter(|grant| grant.built_in.is_none());
        ExistingGrant {
            role: custom.and_then(|grant| facts.role(intent, grant)).cloned(),
            wanted: custom.map(|grant| wanted_role(intent, facts, grant)),
            assignment: facts
                .assignment(intent, &grant)
                .map(|(found, role)| (found.clone(), role)),
            grant,
        }
    };
    let closed = facts.directory_is_closed.then(|| "the directory".to_owned());
    let unread = facts.unread.iter().map(|id| step(*id).title().to_lowercase());
    let untold = surveyed && intent.access == VendorAccess::Api && facts.network.is_none();
    let untold = untold.then(|| format!("what {} knows, for want of its token", intent.vendor.short_name));
    let unread = unread.chain(closed).chain(untold).chain(facts.theirs_is_unread());
    ExistingResources {
        surveyed,
        unread: unread.collect(),
        vendor_principal: facts.principal.as_ref().map(|principal| principal.id),
        own_app: facts.own_app.clone(),
        own_principal: facts.own_principal.as_ref().map(|principal| principal.id),
        grants: intent.grants().into_iter().map(grant).collect(),
        network: facts.network.clone(),
        request: facts.request.clone(),
        remote: facts.known_remote(intent),
        our_name: facts.free_peering_name(intent),
        ours: match facts.vendor_peering(intent) {
            VendorPeering::One(peering) => Some(peering.clone()),
            VendorPeering::None | VendorPeering::Many(_) => None,
        },
        theirs: facts.remote_peering.clone(),
    }
}

/// Returns the facts that are assumed if no resources were read: an application that the operator specifies exists.
pub fn unread(intent: &PeeringIntent) -> ObservedState {
    let brought = match intent.own_app {
        Some(OwnApp::Given(id)) => Some(id),
        _ => None,
    };
    let app = |app_id| AppRegistration {
        id: Uuid::nil(),
        app_id,
        display_name: format!("your application {app_id}"),
        unique_name: None,
        sign_in_audience: "AzureADMultipleOrgs".to_owned(),
        notes: None,
        description: None,
        tags: Vec::new(),
        passwords: Vec::new(),
        keys: Vec::new(),
    };
    ObservedState {
        own_app: brought.map(app),
        ..ObservedState::default()
    }
}
