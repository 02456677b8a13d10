//! `may-assign-roles`: the roles are assigned at the virtual network.

use super::conditions;
use super::deny_assignments::{self, ASSIGN_ROLES};
use super::probe::{Finding, Need, Probe};
use super::rights::{decision, handed_on, unread};
use crate::plan::{Decision, Intent, Severity, StepId};
use crate::steps::{Facts, Part};

pub static PROBE: Probe = Probe {
    id: "may-assign-roles",
    severity: Severity::Warning,
    meaning: "Without roleAssignments/write, setup hands the assignment to somebody who has it.",
    needs: &[
        Need::Step(StepId::RoleDefinition),
        Need::Step(StepId::RoleAssignment),
        Need::Step(StepId::Consent),
        Need::Step(StepId::OwnApp),
        Need::Part(Part::Denials),
        Need::Part(Part::Conditions),
    ],
    at_setup: false,
    of_writes: true,
    examine,
};

fn examine(intent: &Intent, facts: &Facts) -> Option<Finding> {
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
        Decision::InPlace(what) => Finding::ok(format!("not needed: {what}")),
        Decision::Blocked(hold) => refused().unwrap_or_else(|| handed_on(hold)),
        _ if refused().is_some() => return refused(),
        _ if facts.rights_at_vnet.is_none() => {
            Finding::unknown(format!("what this sign-in may do at {vnet} cannot be read"))
        }
        _ => Finding::ok(format!("this sign-in may assign roles at {vnet}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::CheckVerdict;
    use crate::steps::samples;

    #[test]
    fn pain_22_who_may_not_assign_roles_is_told_who_may_and_how() {
        let (intent, mut facts) = samples::kong_done();
        assert!(
            PROBE
                .run(&intent, &facts)
                .expect("kong's")
                .detail
                .starts_with("not needed")
        );
        facts.assignments.clear();
        assert!(PROBE.run(&intent, &facts).expect("kong's").ok);
        facts.rights_at_vnet = Some(Vec::new());
        let found = PROBE.run(&intent, &facts).expect("kong's");
        assert!(
            found.is_problem()
                && found
                    .remedies
                    .iter()
                    .any(|line| line.contains("az role assignment create"))
        );
        facts.rights_at_vnet = None;
        assert_eq!(
            PROBE.run(&intent, &facts).expect("kong's").verdict,
            CheckVerdict::Unknown
        );
    }
}
