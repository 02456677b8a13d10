//! `excess-rights`: who gets a role has more rights at the network than documented, by an assignment that exists already.

use super::check::{CheckFinding, CheckNeed, DoctorCheck};
use crate::domain::sanitize_for_terminal;
use crate::plan::{CheckSeverity, PeeringIntent, StepId};
use crate::render::ShellWord;
use crate::steps::ObservedState;

pub static CHECK: DoctorCheck = DoctorCheck {
    id: "excess-rights",
    severity: CheckSeverity::Warning,
    meaning: "Setup assigns only the documented actions. It doesn't use or remove broader permissions that were granted before.",
    needs: &[
        CheckNeed::Step(StepId::RoleDefinition),
        CheckNeed::Step(StepId::RoleAssignment),
        CheckNeed::Step(StepId::Consent),
        CheckNeed::Step(StepId::OwnApp),
    ],
    at_setup: true,
    of_writes: false,
    examine,
};

fn examine(intent: &PeeringIntent, facts: &ObservedState) -> Option<CheckFinding> {
    let (mut said, mut remedies) = (Vec::new(), Vec::new());
    for grant in intent.grants() {
        for (assignment, role, extra) in facts.excess_rights(&grant) {
            let who = facts.called(&grant);
            said.push(format!(
                "{who} has \"{}\" at {}, which also grants {extra}",
                sanitize_for_terminal(&role),
                assignment.scope
            ));
            remedies.push(format!(
                "If this isn't intended: az role assignment delete --ids {}",
                ShellWord(&assignment.id())
            ));
        }
    }
    let found = CheckFinding::problem(said.join("; ")).remedies(remedies);
    (!said.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::samples;

    #[test]
    fn excess_rights_warns_of_wide_assignment() {
        let (intent, mut facts) = samples::kong_done();
        assert_eq!(CHECK.run(&intent, &facts), None);
        facts.roles[0].permissions[0].actions.push("*/write".into());
        let found = CHECK.run(&intent, &facts).expect("it has more");
        assert!(found.is_problem() && !found.blocks(), "{found:?}");
        assert!(found.detail.contains("also grants */write"), "{found:?}");
        assert!(
            found.remedies[0].contains("az role assignment delete --ids"),
            "{found:?}"
        );
    }
}
