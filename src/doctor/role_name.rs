//! `role-name`: a custom role's name is unique in the tenant. One that is there is used, and may say other actions.

use super::probe::{Finding, Need, Probe};
use super::rights::unread;
use crate::plan::{Grant, Intent, Severity, StepId};
use crate::steps::{Facts, extra_actions, missing_actions};

pub static PROBE: Probe = Probe {
    id: "role-name",
    severity: Severity::Warning,
    meaning: "Setup uses the role that has the name and adds what it lacks; whoever has that role already gets that too.",
    needs: &[Need::Step(StepId::RoleDefinition), Need::Step(StepId::OwnApp)],
    at_setup: true,
    of_writes: false,
    examine,
};

fn examine(intent: &Intent, facts: &Facts) -> Option<Finding> {
    let grants: Vec<Grant> = intent
        .grants()
        .into_iter()
        .filter(|grant| grant.built_in.is_none())
        .collect();
    if grants.is_empty() {
        return None;
    }
    if let Some(found) = unread(StepId::RoleDefinition, facts) {
        return Some(found);
    }
    let different: Vec<String> = grants
        .iter()
        .filter_map(|grant| difference(intent, facts, grant))
        .collect();
    if !different.is_empty() {
        return Some(
            Finding::problem(different.join("; "))
                .remedy("If the role is meant for this, nothing; else give it another name, and setup makes its own."),
        );
    }
    let told = |grant: &Grant| match facts.role(intent, grant) {
        Some(role) => format!("\"{}\" is there, with the right actions", role.name),
        None => format!("\"{}\" is free", grant.name()),
    };
    let told: Vec<String> = grants.iter().map(told).collect();
    Some(Finding::ok(told.join("; ")))
}

fn difference(intent: &Intent, facts: &Facts, grant: &Grant) -> Option<String> {
    let role = facts.role(intent, grant)?;
    let (missing, extra) = (missing_actions(role, grant), extra_actions(role, grant));
    let parts = [("lacks", missing), ("also grants", extra)];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(_, actions)| !actions.is_empty())
        .map(|(verb, actions)| format!("{verb} {}", actions.join(", ")))
        .collect();
    (!parts.is_empty()).then(|| format!("the role \"{}\" is there and {}", role.name, parts.join(", and ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::samples;

    #[test]
    fn pain_4_a_role_of_that_name_with_other_actions_is_told_before_it_is_changed() {
        let (intent, mut facts) = samples::kong_done();
        assert!(PROBE.run(&intent, &facts).expect("kong's").ok);
        facts.roles[0].permissions[0].actions = vec!["Microsoft.Compute/*".into()];
        let found = PROBE.run(&intent, &facts).expect("kong's");
        assert!(found.is_problem() && !found.blocks(), "{found:?}");
        assert!(
            found.detail.contains("lacks Microsoft.Network/virtualNetworks/read"),
            "{found:?}"
        );
        assert!(found.detail.contains("also grants Microsoft.Compute/*"), "{found:?}");
        facts.roles.clear();
        assert!(PROBE.run(&intent, &facts).expect("kong's").detail.ends_with("is free"));
    }
}
