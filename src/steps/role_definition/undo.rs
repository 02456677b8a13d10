//! Removing the custom roles: only setup's, only where nobody has them any more; of one that other subscriptions share,
//! only this subscription is taken off.

use tokio::time::Instant;

use super::{STEP, role_id};
use crate::azure::{ApiError, RoleDefinition as Role};
use crate::domain::SubscriptionId;
use crate::errors::known;
use crate::limits;
use crate::plan::{ActionRequired, ChangeAction, PeeringIntent, RoleGrant, StepDecision, StepEvent};
use crate::render::az;
use crate::steps::ownership::{changed_by_others, other_assignments, role_is_ours, still_goes};
use crate::steps::run::is_one_of;
use crate::steps::{ObservedState, StepError, StepRun};

pub fn plan_removal(intent: &PeeringIntent, facts: &ObservedState) -> StepDecision {
    let none = StepDecision::Absent("no custom role is setup's".to_owned());
    let custom = intent.grants().into_iter().filter(|grant| grant.built_in.is_none());
    let decisions = custom.map(|grant| of(intent, facts, &grant));
    decisions.reduce(StepDecision::and).unwrap_or(none)
}

fn of(intent: &PeeringIntent, facts: &ObservedState, grant: &RoleGrant) -> StepDecision {
    let own = ours(intent, facts, grant);
    if own.is_empty() {
        return match facts.role(intent, grant) {
            Some(other) => StepDecision::Keep(format!("custom role \"{}\" was not made by setup", other.name)),
            None => StepDecision::Absent(format!("there is no custom role \"{}\"", grant.name())),
        };
    }
    let decisions = own.into_iter().map(|role| of_role(intent, facts, grant, role));
    let all = decisions.reduce(StepDecision::and);
    all.unwrap_or_else(|| StepDecision::Absent(String::new()))
}

fn of_role(intent: &PeeringIntent, facts: &ObservedState, grant: &RoleGrant, role: &Role) -> StepDecision {
    if let Some(change) = changed_by_others(intent, facts, grant, role) {
        return StepDecision::Keep(format!("custom role \"{}\": {change}", role.name));
    }
    if facts.assignments_are_hidden {
        let why = "This sign-in may not read who else in the subscription has the role.";
        return StepDecision::Blocked(hold(intent, role, why));
    }
    match users(intent, facts, role) {
        0 if elsewhere(intent, role).is_empty() => StepDecision::Remove {
            what: format!("custom role \"{}\"", role.name),
            kept: Vec::new(),
        },
        0 => StepDecision::Remove {
            what: format!("this subscription from custom role \"{}\"", role.name),
            kept: vec![format!("custom role \"{}\": other subscriptions share it", role.name)],
        },
        1 => StepDecision::Keep(format!("custom role \"{}\": another assignment needs it", role.name)),
        count => StepDecision::Keep(format!(
            "custom role \"{}\": {count} other assignments need it",
            role.name
        )),
    }
}

/// The roles that setup made for the grant and that can be assigned here.
fn ours<'a>(intent: &PeeringIntent, facts: &'a ObservedState, grant: &RoleGrant) -> Vec<&'a Role> {
    let roles = facts.roles.iter();
    roles.filter(|role| role_is_ours(intent, facts, grant, role)).collect()
}

fn hold(intent: &PeeringIntent, role: &Role, why: &str) -> ActionRequired {
    ActionRequired {
        who: format!(
            "an Owner or User Access Administrator of every one of {}",
            role.assignable_scopes.join(", ")
        ),
        why: why.to_owned(),
        packet: az::remove_role(role, &elsewhere(intent, role), &intent.vnet.subscription_scope()),
        answer: None,
    }
}

/// The assignments of the role in this subscription that stay.
fn users(intent: &PeeringIntent, facts: &ObservedState, role: &Role) -> usize {
    other_assignments(intent, facts, |one| one.role == role.guid).len()
}

/// The scopes beside this subscription's that the role can be assigned in.
fn elsewhere(intent: &PeeringIntent, role: &Role) -> Vec<String> {
    let here = intent.vnet.subscription;
    let scopes = role.assignable_scopes.iter();
    scopes.filter(|scope| !is_in(scope, here)).cloned().collect()
}

fn is_in(scope: &str, subscription: SubscriptionId) -> bool {
    let scope = format!("{}/", scope.trim_end_matches('/').to_lowercase());
    scope.starts_with(&format!("/subscriptions/{subscription}/"))
}

pub async fn remove_role(run: &StepRun) -> Result<(), StepError> {
    for grant in run.intent.grants() {
        let facts = run.facts();
        for role in ours(&run.intent, &facts, &grant) {
            if !matches!(of_role(&run.intent, &facts, &grant, role), StepDecision::Remove { .. }) {
                continue;
            }
            remove(run, &grant, role).await?;
            run.update_state(|facts| facts.roles.retain(|other| other.guid != role.guid));
        }
    }
    Ok(())
}

async fn remove(run: &StepRun, grant: &RoleGrant, known: &Role) -> Result<(), StepError> {
    let here = run.intent.vnet.subscription_scope();
    // Read again: another subscription may have joined since it was listed, or a colleague may have changed it.
    let read = run.azure.role_definition(&here, known.guid).await;
    let Some(role) = read.map_err(|error| StepError::api("reading the role definition", &error))? else {
        return Ok(());
    };
    if !still_goes(of_role(&run.intent, &run.facts(), grant, &role))? {
        return Ok(());
    }
    let others = elsewhere(&run.intent, &role);
    let shared = !others.is_empty();
    let action = if shared {
        ChangeAction::Updated
    } else {
        ChangeAction::Deleted
    };
    run.tell(
        STEP,
        StepEvent::Doing(format!("removing custom role \"{}\"", role.name)),
    );
    let begun = Instant::now();
    let passes = |error: &ApiError| {
        let counted = is_one_of(error, &["RoleDefinitionHasAssignments"]) && begun.elapsed() < limits::COUNTED_STILL;
        counted || known::passes(error).is_some()
    };
    let attempt = || async {
        if let Some(scope) = others.first() {
            let smaller = Role {
                assignable_scopes: others.clone(),
                ..role.clone()
            };
            run.azure.put_role_definition(scope, &smaller).await.map(drop)
        } else {
            run.azure.delete_role_definition(&here, role.guid).await
        }
    };
    let doing = format!("removing the custom role \"{}\"", role.name);
    let why = "Removing a role definition takes Microsoft.Authorization/roleDefinitions/delete (write, where others share it).";
    let removed = run.retry_if(STEP, &doing, passes, attempt).await;
    removed.map_err(|stop| stop.or_action_required(|| hold(&run.intent, &role, why)))?;
    run.changed(STEP, action, "roleDefinition", role_id(&here, &role));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    use crate::domain::role_definition_guid;
    use crate::steps::samples;
    use crate::vendors::profile;

    type Row = (
        &'static str,
        fn(&mut PeeringIntent, &mut ObservedState),
        &'static str,
        &'static str,
    );

    #[test]
    fn role_undo_follows_last_assignment() {
        let table: [Row; 8] = [
            ("setup's own", |_, _| (), "remove", "custom role"),
            (
                "a colleague's",
                |_, facts| facts.roles[0].guid = Uuid::from_u128(0xc0),
                "keep",
                "was not made by setup",
            ),
            (
                "renamed by a colleague",
                |_, facts| facts.roles[0].name = "Team peering".into(),
                "keep",
                "it was renamed from \"Kong Cloud Gateway Peering Creator\"",
            ),
            (
                "widened by a colleague",
                |_, facts| facts.roles[0].permissions[0].actions.push("*/read".into()),
                "keep",
                "it was changed and also grants */read",
            ),
            (
                "none",
                |_, facts| facts.roles.clear(),
                "absent",
                "there is no custom role",
            ),
            (
                "somebody else has it",
                |_, facts| {
                    let mut other = facts.assignments[0].clone();
                    other.name = "other".into();
                    facts.assignments_below.push(other);
                },
                "keep",
                "another assignment needs it",
            ),
            (
                "another subscription shares it",
                |_, facts| facts.roles[0].assignable_scopes.push("/subscriptions/other".into()),
                "remove",
                "stays: custom role",
            ),
            (
                "who else has it cannot be read",
                |_, facts| facts.assignments_are_hidden = true,
                "blocked",
                "may not read who else",
            ),
        ];
        for (name, change, verb, part) in table {
            let (found, said) = samples::undone(samples::kong_to_take_down(), plan_removal, change);
            assert!(found == verb && said.contains(part), "{name}: {found}: {said}");
        }
    }

    #[test]
    fn role_undo_keeps_other_vendor_role() {
        let (mut intent, mut facts) = samples::kong_to_take_down();
        intent.vendor = profile("dragonfly").expect("built in");
        let aiven = profile("aiven").expect("built in").role.expect("a role");
        let scope = intent.vnet.subscription_scope();
        let role = &mut facts.roles[0];
        role.guid = role_definition_guid(intent.tenant, &scope, "aiven", &aiven.names[0]);
        role.name = aiven.names[0].clone();
        role.permissions[0].actions = aiven.actions;
        facts.assignments_below.clear();
        assert_eq!(plan_removal(&intent, &facts).verb(), "absent");
    }

    #[test]
    fn role_undo_deletes_all_own_roles() {
        let (intent, mut facts) = samples::kong_to_take_down();
        let grant = intent.vendor_grant().expect("kong gets a role");
        let own = intent.own_roles(&grant).remove(1);
        let mut second = facts.roles[0].clone();
        (second.guid, second.name) = (own.guid, own.name);
        facts.roles.push(second);
        let decision = plan_removal(&intent, &facts);
        assert!(
            decision.what().contains("Creator\"; custom role") && decision.what().contains("peerctl 00000000"),
            "{decision:?}"
        );
    }
}
