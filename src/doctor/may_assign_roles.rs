//! `may-assign-roles`: the roles are assigned at the virtual network.

use super::check::{CheckFinding, CheckNeed, DoctorCheck};
use super::conditions;
use super::deny_assignments::{self, ASSIGN_ROLES};
use super::rights::{decision, handed_on, unread};
use crate::plan::{CheckSeverity, PeeringIntent, StepDecision, StepId};
use crate::steps::{ObservedState, PreflightPart};

pub static CHECK: DoctorCheck = DoctorCheck {
    id: "may-assign-roles",
    severity: CheckSeverity::Warning,
    meaning: "You need Microsoft.Authorization/roleAssignments/write. Without it, setup prints the commands for an administrator.",
    needs: &[
        CheckNeed::Step(StepId::RoleDefinition),
        CheckNeed::Step(StepId::RoleAssignment),
        CheckNeed::Step(StepId::Consent),
        CheckNeed::Step(StepId::OwnApp),
        CheckNeed::Part(PreflightPart::Denials),
        CheckNeed::Part(PreflightPart::Conditions),
    ],
    at_setup: false,
    of_writes: true,
    examine,
};

fn examine(intent: &PeeringIntent, facts: &ObservedState) -> Option<CheckFinding> {
    if intent.grants().is_empty() {
        return None;
    }
    if let Some(found) = unread(StepId::RoleAssignment, facts) {
        return Some(found);
    }
    let vnet = &intent.vnet.name;
    let refused = || {
        let denied = deny_assignments::refused(facts, ASSIGN_ROLES, &intent.vnet.to_string());
        denied.or_else(|| conditions::refused(intent, facts))
    };
    Some(match decision(StepId::RoleAssignment, intent, facts)? {
        StepDecision::InPlace(what) => CheckFinding::ok(format!("not required: {what}")),
        StepDecision::Blocked(hold) => refused().unwrap_or_else(|| handed_on(hold)),
        _ if refused().is_some() => return refused(),
        _ if facts.rights_at_vnet.is_none() => {
            CheckFinding::unknown(format!("couldn't read your permissions at {vnet}"))
        }
        _ => CheckFinding::ok(format!("you can assign roles at {vnet}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::CheckVerdict;
    use crate::steps::samples;

    #[test]
    fn assign_roles_denied_shows_instructions() {
        let (intent, mut facts) = samples::kong_done();
        assert!(
            CHECK
                .run(&intent, &facts)
                .expect("kong's")
                .detail
                .starts_with("not required")
        );
        facts.assignments.clear();
        assert!(CHECK.run(&intent, &facts).expect("kong's").ok);
        facts.rights_at_vnet = Some(Vec::new());
        let found = CHECK.run(&intent, &facts).expect("kong's");
        assert!(
            found.is_problem()
                && found
                    .remedies
                    .iter()
                    .any(|line| line.contains("az role assignment create"))
        );
        facts.rights_at_vnet = None;
        assert_eq!(
            CHECK.run(&intent, &facts).expect("kong's").verdict,
            CheckVerdict::Unknown
        );
    }
}
