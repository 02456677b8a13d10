//! One module per step, each with the same faces: observe (reads), decide (pure), act (writes).

mod clean_up;
mod confirmed;
mod consent;
pub mod eligibility;
mod existing;
mod gateways;
mod link_defects;
mod observed_state;
mod own_app;
mod own_direction;
mod ownership;
mod peering;
pub mod preflight;
mod recreation;
mod role_assignment;
mod role_choice;
mod role_definition;
mod run;
mod run_markers;
#[cfg(test)]
pub mod samples;
mod shared_state;
mod sign_in_info;
mod two_tenants;
mod vendor_peering;
mod vendor_request;
mod verification;
mod vnet;
mod writes;

use async_trait::async_trait;

pub use clean_up::clean_up;
pub use clean_up::leftovers;
pub use existing::{existing, unread};
pub use link_defects::{faults, is_the_other_sides_sync, needs_peering_name};
pub use observed_state::ObservedState;
pub use own_app::access::{
    is_setups as is_setups_credential, others as others_with_access, remedies as access_remedies,
};
pub use own_app::credential::exemption as policy_exemption;
pub use own_app::{CREDENTIAL, use_existing_app};
pub use preflight::{PreflightPart, PreflightReads, ReadResult};
pub use recreation::{LostSettings, deleted_first};
pub use role_choice::{RoleChoice, choose as choose_role, missing_actions, passed_over as passed_over_roles};
pub use run::{EventSink, StepError, StepRun, UrlOpener};
pub use run_markers::RunMarkers;
pub use shared_state::{ExclusiveLock, RunPermit, SharedCredential, SharedState, WorkGuard, turn};
pub use sign_in_info::{OtherTenant, SignInInfo, SignInReport, report_sign_in};
pub use two_tenants::create_sp_command;
pub use vendor_peering::{OwnershipEvidence, VendorPeering};
pub use vendor_request::{has_other_dns, request_kind};
pub use verification::views;
pub use vnet::{by_name, read_tenants, resolve_remote_tenants, unproven};
pub use writes::writes;

use crate::plan::{ActionRequired, PeeringIntent, StepDecision, StepId};
use crate::render::az;

/// One phase of the set-up.
#[async_trait]
pub trait Step: Send + Sync {
    /// A few words for a person.
    fn title(&self) -> &'static str;

    /// Reads what there is and notes it in the run's facts. Writes nothing.
    async fn observe(&self, run: &StepRun) -> Result<(), StepError>;

    /// Returns what to do, based on the facts that were read. Pure.
    fn decide(&self, intent: &PeeringIntent, facts: &ObservedState) -> StepDecision;

    /// Does it, safe to repeat, and notes in the facts what Azure says of it: what needs it goes on with that.
    async fn act(&self, run: &StepRun, decision: &StepDecision) -> Result<(), StepError>;

    /// Reads back what was written until it is visible, side by side with what needs it.
    async fn confirm(&self, _run: &StepRun) -> Result<(), StepError> {
        Ok(())
    }

    /// Returns which resources are provably created by setup and are removed, and which stay. Pure.
    fn plan_removal(&self, _intent: &PeeringIntent, _facts: &ObservedState) -> StepDecision {
        StepDecision::Absent("nothing to remove".to_owned())
    }

    /// Removes what [`Step::plan_removal`] names, safe to repeat, and notes in the facts that it is gone.
    async fn remove(&self, _run: &StepRun) -> Result<(), StepError> {
        Ok(())
    }
}

/// Returns what to do about the step in this run.
pub fn decision(id: StepId, intent: &PeeringIntent, facts: &ObservedState) -> StepDecision {
    let unread = facts.unread.contains(&id);
    let decision = || match intent.tears_down() {
        true => step(id).plan_removal(intent, facts),
        false => step(id).decide(intent, facts),
    };
    match (intent.share.includes(id), unread) {
        (true, true) => StepDecision::Blocked(hold_unread(id, intent, facts)),
        (true, false) => decision(),
        // Whoever takes it may have done it; what needs it will show.
        (false, true) => StepDecision::InPlace("left to somebody else; this sign-in cannot read it".to_owned()),
        (false, false) => match decision() {
            done @ StepDecision::InPlace(_) => done,
            open => StepDecision::Await {
                what: format!("left to somebody else: {}", open.what()),
                usually: "as long as that takes".to_owned(),
            },
        },
    }
}

/// Returns whether an operator with all rights could complete the step in its current state; an application that is not
/// multi-tenant, or is disabled, requires someone else to act.
pub fn only_rights_are_missing(id: StepId, intent: &PeeringIntent, facts: &ObservedState) -> bool {
    let seen = ObservedState {
        unread: Default::default(),
        directory_is_closed: false,
        rights_at_vnet: None,
        rights_at_subscription: None,
        ..facts.clone()
    };
    !matches!(step(id).decide(intent, &seen), StepDecision::Blocked(_))
}

/// A step that this sign-in may not even read: whether it is in place, somebody else knows.
fn hold_unread(id: StepId, intent: &PeeringIntent, facts: &ObservedState) -> ActionRequired {
    let (grants, own_app) = (intent.grants(), facts.own_app.as_ref().map(|app| app.app_id));
    let (what, mut packet) = match id {
        StepId::RoleDefinition => ("role definitions", az::role_definition(intent, &grants)),
        StepId::RoleAssignment => ("role assignments", az::role_assignment(intent, &grants, own_app)),
        _ => ("it", Vec::new()),
    };
    if intent.tears_down() {
        packet.clear();
    } else {
        packet.push(format!("Where that is done already, go on with --skip {id}."));
    }
    ActionRequired {
        who: format!(
            "an Owner, or a User Access Administrator, of subscription {}",
            intent.vnet.subscription
        ),
        why: format!("This sign-in may not read {what}, so it cannot tell what is there."),
        packet,
        answer: None,
    }
}

/// The step of that name.
pub fn step(id: StepId) -> &'static dyn Step {
    match id {
        StepId::Consent => &consent::ConsentStep,
        StepId::OwnApp => &own_app::OwnAppStep,
        StepId::RoleDefinition => &role_definition::RoleDefinitionStep,
        StepId::RoleAssignment => &role_assignment::RoleAssignmentStep,
        StepId::VendorRequest => &vendor_request::VendorRequestStep,
        StepId::Peering => &peering::PeeringStep,
        StepId::Verification => &verification::VerificationStep,
        StepId::CleanUp => &clean_up::CleanUp,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::StepSelection;

    #[test]
    fn foreign_step_neither_done_nor_blocked() {
        let id = StepId::RoleAssignment;
        // (left to somebody else, unread, in place, what is decided)
        let table = [
            (false, false, true, "in place"),
            (false, false, false, "create"),
            (false, true, true, "blocked"),
            (true, false, true, "in place"),
            (true, false, false, "wait"),
            // What cannot be read is trusted: what needs it will show.
            (true, true, false, "in place"),
        ];
        for (left, unread, done, expected) in table {
            let (mut intent, mut facts) = samples::kong_done();
            intent.share = StepSelection {
                only: Vec::new(),
                skip: if left { vec![id] } else { Vec::new() },
            };
            if unread {
                facts.unread.insert(id);
            }
            if !done {
                facts.assignments.clear();
            }
            let decided = decision(id, &intent, &facts);
            assert_eq!(decided.verb(), expected, "{left} {unread} {done}: {decided:?}");
        }
    }

    #[test]
    fn foreign_action_is_no_permission_gap() {
        let (mut intent, mut facts) = samples::kong_done();
        facts.rights_at_vnet = Some(Vec::new());
        facts.assignments.clear();
        assert!(only_rights_are_missing(StepId::RoleAssignment, &intent, &facts));
        facts.principal.as_mut().expect("one").account_enabled = false;
        assert!(!only_rights_are_missing(StepId::Consent, &intent, &facts));
        (facts.principal, facts.directory_is_closed) = (None, true);
        assert!(only_rights_are_missing(StepId::Consent, &intent, &facts));
        intent.own_app = Some(crate::plan::OwnApp::Given(uuid::Uuid::from_u128(0xa1)));
        assert!(!only_rights_are_missing(StepId::OwnApp, &intent, &facts));
    }

    #[test]
    fn unreadable_step_names_required_reader() {
        for (id, command) in [
            (StepId::RoleDefinition, "az role definition create"),
            (StepId::RoleAssignment, "az role assignment create"),
        ] {
            let (intent, mut facts) = samples::kong_done();
            facts.unread.insert(id);
            let StepDecision::Blocked(hold) = decision(id, &intent, &facts) else {
                panic!("{id} is blocked");
            };
            let packet = hold.packet.join("\n");
            assert!(hold.who.contains("Owner") && packet.contains(command), "{hold:?}");
            assert!(packet.contains(&format!("go on with --skip {id}")), "{hold:?}");
        }
    }
}
