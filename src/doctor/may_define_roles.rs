//! `may-define-roles`: the custom roles are written at the subscription.

use super::check::{CheckFinding, CheckNeed, DoctorCheck};
use super::deny_assignments::{self, WRITE_ROLES};
use super::rights::{decision, handed_on, unread};
use crate::plan::{CheckSeverity, PeeringIntent, StepDecision, StepId};
use crate::steps::{ObservedState, PreflightPart};

pub static CHECK: DoctorCheck = DoctorCheck {
    id: "may-define-roles",
    severity: CheckSeverity::Warning,
    meaning: "You need Microsoft.Authorization/roleDefinitions/write. Without it, setup prints the commands for an administrator.",
    needs: &[
        CheckNeed::Step(StepId::RoleDefinition),
        CheckNeed::Step(StepId::RoleAssignment),
        CheckNeed::Step(StepId::Consent),
        CheckNeed::Step(StepId::OwnApp),
        CheckNeed::Part(PreflightPart::Denials),
    ],
    at_setup: false,
    of_writes: true,
    examine,
};

fn examine(intent: &PeeringIntent, facts: &ObservedState) -> Option<CheckFinding> {
    if intent.grants().is_empty() {
        return None;
    }
    if let Some(found) = unread(StepId::RoleDefinition, facts) {
        return Some(found);
    }
    let scope = intent.vnet.subscription_scope();
    let refused = || deny_assignments::refused(facts, WRITE_ROLES, &scope);
    Some(match decision(StepId::RoleDefinition, intent, facts)? {
        StepDecision::InPlace(what) => CheckFinding::ok(format!("not required: {what}")),
        StepDecision::Blocked(hold) => refused().unwrap_or_else(|| handed_on(hold)),
        _ if refused().is_some() => return refused(),
        _ if facts.rights_at_subscription.is_none() => {
            CheckFinding::unknown(format!("couldn't read your permissions at {scope}"))
        }
        _ => CheckFinding::ok(format!("you can write role definitions at {scope}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::CheckVerdict;
    use crate::steps::samples;

    #[test]
    fn define_roles_denied_shows_instructions() {
        let (intent, mut facts) = samples::kong_done();
        assert!(
            CHECK
                .run(&intent, &facts)
                .expect("kong's")
                .detail
                .starts_with("not required")
        );
        facts.roles.clear();
        assert!(CHECK.run(&intent, &facts).expect("kong's").ok);
        facts.rights_at_subscription = Some(Vec::new());
        let found = CHECK.run(&intent, &facts).expect("kong's");
        assert!(
            found.is_problem()
                && found
                    .remedies
                    .iter()
                    .any(|line| line.contains("az role definition create"))
        );
        facts.rights_at_subscription = None;
        assert_eq!(
            CHECK.run(&intent, &facts).expect("kong's").verdict,
            CheckVerdict::Unknown
        );
    }
}
