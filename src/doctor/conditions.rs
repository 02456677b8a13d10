//! Conditions of the operator's role assignments, as far as they limit which roles may be assigned to whom.

use uuid::Uuid;

use super::check::CheckFinding;
use crate::azure::{HeldRole, allowed};
use crate::plan::{PeeringIntent, RoleGrant};
use crate::steps::{ObservedState, RoleChoice, choose_role};

use super::deny_assignments::ASSIGN_ROLES;

/// Built-in roles that may assign roles: Owner, User Access Administrator, Role Based Access Control Administrator.
const MAY_ASSIGN: [Uuid; 3] = [
    Uuid::from_u128(0x8e3af657_a8ff_443c_a75c_2fe8c4bcb635),
    Uuid::from_u128(0x18d7d88d_d35e_4fb5_a5c3_7773c20a72d9),
    Uuid::from_u128(0xf58310d9_a9f6_439a_9e8d_f62e7b41a168),
];

/// Returns a finding if a condition refuses a role: the operator may assign roles under conditions only, and each of
/// them refuses a role that setup would assign.
pub fn refused(intent: &PeeringIntent, facts: &ObservedState) -> Option<CheckFinding> {
    let held = facts.preflight.held_roles.known()?;
    let assigning: Vec<&HeldRole> = held.iter().filter(|held| may_assign(facts, held.role)).collect();
    let missing = intent.grants().into_iter();
    let mut missing = missing.filter(|grant| facts.assignment(intent, grant).is_none());
    let (grant, held) = missing.find_map(|grant| {
        let (role, principal) = (guid(intent, facts, &grant), facts.grantee(&grant));
        let refuses = |held: &&HeldRole| {
            let condition = held.condition.as_deref();
            condition.is_some_and(|condition| !is_fulfilled(condition, role, principal))
        };
        let all = !assigning.is_empty() && assigning.iter().all(refuses);
        all.then(|| (grant, assigning[0]))
    })?;
    let found = CheckFinding::problem(format!(
        "you can assign roles at {} only under a condition, which doesn't allow the role for {}",
        held.scope,
        facts.called(&grant)
    ));
    Some(found.remedy(format!(
        "Ask the administrator who set the condition on your role assignment at {} to allow the role {} for service \
         principals, or to assign it.",
        held.scope,
        guid(intent, facts, &grant)
    )))
}

fn may_assign(facts: &ObservedState, role: Uuid) -> bool {
    let mut customs = facts.roles.iter();
    MAY_ASSIGN.contains(&role)
        || customs.any(|custom| custom.guid == role && allowed(&custom.permissions, ASSIGN_ROLES))
}

/// The role that the grantee gets.
fn guid(intent: &PeeringIntent, facts: &ObservedState, grant: &RoleGrant) -> Uuid {
    match (grant.built_in, choose_role(intent, facts, grant)) {
        (Some(built_in), _) => built_in,
        (None, RoleChoice::Create(own)) => own.guid,
        (None, RoleChoice::Reuse(role) | RoleChoice::Extend(role)) => role.guid,
    }
}

/// Returns whether an assignment to a service principal meets the clauses of a condition about requests, in the form
/// `@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {…, …}`. All other
/// clauses are left to Azure to evaluate.
fn is_fulfilled(condition: &str, role: Uuid, principal: Option<Uuid>) -> bool {
    let clauses = condition
        .split("@Request[Microsoft.Authorization/roleAssignments:")
        .skip(1);
    let mut judged = clauses.filter_map(|clause| {
        let (attribute, rest) = clause.split_once(']')?;
        let (operator, rest) = rest.split_once('{')?;
        let (values, _) = rest.split_once('}')?;
        let value = match attribute.to_ascii_lowercase().as_str() {
            "roledefinitionid" => role.to_string(),
            "principalid" => principal?.to_string(),
            "principaltype" => "ServicePrincipal".to_owned(),
            _ => return None,
        };
        let mut values = values.split(',').map(|value| value.trim().trim_matches('\''));
        let listed = values.any(|listed| listed.eq_ignore_ascii_case(&value));
        Some(listed != operator.contains("Not"))
    });
    // Clauses for other actions are alternatives; a condition with one fulfilled clause may allow it.
    let several = condition.contains("||") || condition.to_ascii_uppercase().contains(" OR @REQUEST");
    if several {
        judged.any(|fulfilled| fulfilled)
    } else {
        judged.all(|fulfilled| fulfilled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::{ReadResult, samples};

    #[test]
    fn condition_by_role_and_principal_type() {
        let (intent, mut facts) = samples::kong_done();
        facts.assignments.clear();
        let role = facts.roles[0].guid;
        let roles = "@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals";
        let not = roles.replace("AnyValues:GuidEquals", "AllValues:GuidNotEquals");
        let kind =
            "@Request[Microsoft.Authorization/roleAssignments:PrincipalType] ForAnyOfAnyValues:StringEqualsIgnoreCase";
        let template = |clause: &str| {
            format!("((!(ActionMatches{{'Microsoft.Authorization/roleAssignments/write'}})) OR ({clause}))")
        };
        let table = [
            (format!("{roles} {{{role}}}"), false),
            (format!("{roles} {{{}}}", Uuid::nil()), true),
            (format!("{not} {{{role}}}"), true),
            (format!("{not} {{{}, {}}}", MAY_ASSIGN[0], MAY_ASSIGN[1]), false),
            (format!("{roles} {{{role}}} AND {kind} {{'User', 'Group'}}"), true),
            (format!("{kind} {{'ServicePrincipal'}}"), false),
        ];
        for (clause, expected) in table {
            let held = |condition: Option<String>| HeldRole {
                role: MAY_ASSIGN[2],
                scope: intent.vnet.to_string(),
                condition,
            };
            facts.preflight.held_roles = ReadResult::Known(vec![held(Some(template(&clause)))]);
            assert_eq!(refused(&intent, &facts).is_some(), expected, "{clause}");
            facts.preflight.held_roles = ReadResult::Known(vec![held(Some(template(&clause))), held(None)]);
            assert_eq!(refused(&intent, &facts), None, "another assignment has no condition");
        }
    }
}
