//! `orphans`: deleting a service principal leaves its role assignments behind.

use super::probe::{Finding, Need, Probe};
use crate::plan::{Intent, Severity, StepId};
use crate::steps::{Facts, Part, Seen};

pub static PROBE: Probe = Probe {
    id: "orphans",
    severity: Severity::Warning,
    meaning: "Assignments to principals that are gone give nobody anything, and keep their role from being deleted.",
    needs: &[Need::Step(StepId::RoleAssignment), Need::Part(Part::Principals)],
    at_setup: false,
    of_writes: false,
    examine,
};

fn examine(intent: &Intent, facts: &Facts) -> Option<Finding> {
    let vnet = &intent.vnet;
    let gone = match &facts.preflight.gone_principals {
        Seen::Known(gone) => gone,
        Seen::Unreadable(why) => return Some(Finding::unknown(format!("the principals of the assignments: {why}"))),
        Seen::NotAsked => return None,
    };
    let orphans: Vec<_> = facts
        .assignments_at(vnet)
        .filter(|one| gone.contains(&one.principal))
        .collect();
    if orphans.is_empty() {
        return Some(Finding::ok(format!(
            "every role assignment at {} is somebody's",
            vnet.name
        )));
    }
    let ids: Vec<String> = orphans.iter().map(|one| one.principal.to_string()).collect();
    let found = Finding::problem(format!(
        "{} still has roles for {}, deleted since",
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
    fn pain_23_an_assignment_to_a_deleted_principal_is_told_with_its_command() {
        let (intent, mut facts) = samples::kong_done();
        facts.preflight.gone_principals = Seen::Known(Vec::new());
        assert!(PROBE.run(&intent, &facts).expect("asked").ok);
        facts.preflight.gone_principals = Seen::Known(vec![facts.assignments[0].principal]);
        let found = PROBE.run(&intent, &facts).expect("asked");
        assert!(found.is_problem() && !found.blocks(), "{found:?}");
        assert!(
            found.remedies[0].starts_with("az role assignment delete --ids /subscriptions/"),
            "{found:?}"
        );
        // One above the network is not ours to judge.
        facts.assignments[0].scope = intent.vnet.subscription_scope();
        assert!(PROBE.run(&intent, &facts).expect("asked").ok);
        facts.preflight.gone_principals = Seen::Unreadable("no".into());
        assert_eq!(
            PROBE.run(&intent, &facts).expect("asked").verdict,
            CheckVerdict::Unknown
        );
    }
}
