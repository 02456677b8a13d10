//! `role-name`: a custom role's name is unique in the tenant, and the role that has it may have other actions.

use super::check::{CheckFinding, CheckNeed, DoctorCheck};
use super::rights::unread;
use crate::plan::{CheckSeverity, PeeringIntent, RoleGrant, StepId};
use crate::steps::{ObservedState, RoleChoice, choose_role, missing_actions, passed_over_roles};

pub static CHECK: DoctorCheck = DoctorCheck {
    id: "role-name",
    severity: CheckSeverity::Warning,
    meaning: "Setup assigns a role with exactly the documented actions. Another role with that name isn't changed.",
    needs: &[CheckNeed::Step(StepId::RoleDefinition), CheckNeed::Step(StepId::OwnApp)],
    at_setup: true,
    of_writes: false,
    examine,
};

fn examine(intent: &PeeringIntent, facts: &ObservedState) -> Option<CheckFinding> {
    let grants: Vec<RoleGrant> = intent
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
        .flat_map(|grant| differences(intent, facts, grant))
        .collect();
    if !different.is_empty() {
        return Some(CheckFinding::problem(different.join("; ")));
    }
    let told = |grant: &RoleGrant| match choose_role(intent, facts, grant) {
        RoleChoice::Reuse(role) | RoleChoice::Extend(role) => {
            format!("\"{}\" exists and has the right actions", role.name)
        }
        RoleChoice::Create(own) => format!("\"{}\" is available", own.name),
    };
    let told: Vec<String> = grants.iter().map(told).collect();
    Some(CheckFinding::ok(told.join("; ")))
}

fn differences(intent: &PeeringIntent, facts: &ObservedState, grant: &RoleGrant) -> Vec<String> {
    match choose_role(intent, facts, grant) {
        RoleChoice::Reuse(_) => Vec::new(),
        RoleChoice::Extend(role) => {
            let missing = missing_actions(role, grant);
            let lacks = format!("role \"{}\" lacks {}; setup adds them", role.name, missing.join(", "));
            (!missing.is_empty()).then_some(lacks).into_iter().collect()
        }
        RoleChoice::Create(own) => {
            let stays = passed_over_roles(intent, facts, grant).into_iter();
            let stays = stays.map(|(role, why)| {
                format!(
                    "role \"{}\" isn't used: {why}. Setup creates \"{}\" instead",
                    role.name, own.name
                )
            });
            stays.collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::samples;

    #[test]
    fn role_name_reports_differing_actions() {
        let (intent, mut facts) = samples::kong_done();
        assert!(CHECK.run(&intent, &facts).expect("kong's").ok);
        facts.roles[0].permissions[0].actions = vec!["Microsoft.Compute/*".into()];
        let found = CHECK.run(&intent, &facts).expect("kong's");
        assert!(found.is_problem() && !found.blocks(), "{found:?}");
        assert!(
            found
                .detail
                .contains("also grants Microsoft.Compute/*. Setup creates \"Kong"),
            "{found:?}"
        );
        facts.roles[0].permissions[0].actions = Vec::new();
        facts.role_holders.insert(facts.roles[0].guid, Some(Vec::new()));
        let found = CHECK.run(&intent, &facts).expect("kong's");
        assert!(
            found.detail.contains("lacks Microsoft.Network/virtualNetworks/read"),
            "{found:?}"
        );
        facts.roles.clear();
        assert!(
            CHECK
                .run(&intent, &facts)
                .expect("kong's")
                .detail
                .ends_with("is available")
        );
    }
}
