//! `orphans`: deleting a service principal leaves its role assignments behind.

use super::check::{CheckFinding, CheckNeed, DoctorCheck};
use crate::plan::{CheckSeverity, PeeringIntent, StepId};
use crate::steps::{ObservedState, PreflightPart, ReadResult};

pub static CHECK: DoctorCheck = DoctorCheck {
    id: "orphans",
    severity: CheckSeverity::Warning,
    meaning: "Role assignments to deleted principals have no effect, but prevent the role from being deleted.",
    needs: &[
        CheckNeed::Step(StepId::RoleAssignment),
        CheckNeed::Part(PreflightPart::Principals),
    ],
    at_setup: false,
    of_writes: false,
    examine,
};

fn examine(intent: &PeeringIntent, facts: &ObservedState) -> Option<CheckFinding> {
    let vnet = &intent.vnet;
    let gone = match &facts.preflight.gone_principals {
        ReadResult::Known(gone) => gone,
        ReadResult::Unreadable(why) => {
            return Some(CheckFinding::unknown(format!(
                "couldn't read the principals of the role assignments: {why}"
            )));
        }
        ReadResult::NotAsked => return None,
    };
    let orphans: Vec<_> = facts
        .assignments_at(vnet)
        .filter(|one| gone.contains(&one.principal))
        .collect();
    if orphans.is_empty() {
        return Some(CheckFinding::ok(format!(
            "no orphaned role assignments at {}",
            vnet.name
        )));
    }
    let ids: Vec<String> = orphans.iter().map(|one| one.principal.to_string()).collect();
    let found = CheckFinding::problem(format!(
        "{} has role assignments for deleted principals: {}",
        vnet.name,
        ids.join(", ")
    ));
    Some(
        found.remedies(
            orphans
                .iter()
                .map(|one| format!("az role assignment delete --ids {}", one.id())),
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::CheckVerdict;
    use crate::steps::samples;

    #[test]
    fn orphan_assignment_reported_with_command() {
        let (intent, mut facts) = samples::kong_done();
        facts.preflight.gone_principals = ReadResult::Known(Vec::new());
        assert!(CHECK.run(&intent, &facts).expect("asked").ok);
        facts.preflight.gone_principals = ReadResult::Known(vec![facts.assignments[0].principal]);
        let found = CHECK.run(&intent, &facts).expect("asked");
        assert!(found.is_problem() && !found.blocks(), "{found:?}");
        assert!(
            found.remedies[0].starts_with("az role assignment delete --ids /subscriptions/"),
            "{found:?}"
        );
        // One above the network is not ours to judge.
        facts.assignments[0].scope = intent.vnet.subscription_scope();
        assert!(CHECK.run(&intent, &facts).expect("asked").ok);
        facts.preflight.gone_principals = ReadResult::Unreadable("no".into());
        assert_eq!(
            CHECK.run(&intent, &facts).expect("asked").verdict,
            CheckVerdict::Unknown
        );
    }
}
