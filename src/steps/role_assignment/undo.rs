//! Taking the roles at the network back.

use futures::{StreamExt, stream};
use uuid::Uuid;

use super::STEP;
use crate::azure::RoleAssignment;
use crate::domain::subscription_scope;
use crate::limits;
use crate::plan::{ActionRequired, ChangeAction, PeeringIntent, RoleGrant, RoleGrantee, StepDecision, StepEvent};
use crate::render::az;
use crate::steps::own_app::undo::closed;
use crate::steps::ownership::{assigned_by_setup, assignments_of, grant_still_used_by};
use crate::steps::run::WaitDescription;
use crate::steps::{ObservedState, StepError, StepRun};

pub fn plan_removal(intent: &PeeringIntent, facts: &ObservedState) -> StepDecision {
    let none = StepDecision::Absent(format!("nobody has a role of setup's at {}", intent.vnet.name));
    let decisions = intent.grants().into_iter().map(|grant| of(intent, facts, &grant));
    decisions.reduce(StepDecision::and).unwrap_or(none)
}

fn of(intent: &PeeringIntent, facts: &ObservedState, grant: &RoleGrant) -> StepDecision {
    let theirs = grant.to == RoleGrantee::OwnApp || !assigned_by_setup(intent, facts).is_empty();
    if theirs && facts.grantee(grant).is_none() && facts.directory_is_closed {
        return StepDecision::Blocked(closed(intent));
    }
    let (ours, others) = assignments_of(intent, facts, grant);
    let name = facts.called(grant);
    let role = |assignment: &RoleAssignment| {
        let known = facts.roles.iter().find(|role| role.guid == assignment.role);
        known.map_or_else(|| assignment.role.to_string(), |role| format!("\"{}\"", role.name))
    };
    let kept = others.iter().map(|other| {
        let (role, guid) = (role(other), &other.name);
        StepDecision::Keep(format!("{role} of {name}, assigned by somebody else ({guid})"))
    });
    let mut kept: Vec<StepDecision> = kept.collect();
    if ours.is_empty() {
        kept.push(StepDecision::Absent(format!(
            "{name} has no role of setup's at {}",
            intent.vnet.name
        )));
    }
    let used = grant_still_used_by(intent, facts, grant);
    let ours = ours.iter().map(|one| match &used {
        Some(by) => StepDecision::Keep(format!("{} of {name}: {by}", role(one))),
        None => StepDecision::Remove {
            what: format!("{} of {name} at {}", role(one), intent.vnet.name),
            kept: Vec::new(),
        },
    });
    let all = ours.chain(kept).reduce(StepDecision::and);
    all.unwrap_or_else(|| StepDecision::Absent(String::new()))
}

/// Returns the scopes in the tenant, beyond the network's subscription, in which the principal has, or may have, roles.
///
/// # Errors
/// The subscriptions cannot be read.
pub async fn roles_elsewhere(run: &StepRun, principal: Uuid) -> Result<Vec<String>, StepError> {
    let subscriptions = run.subscriptions().await?;
    let others = subscriptions.iter().map(|other| other.id);
    let others = others.filter(|other| *other != run.intent.vnet.subscription);
    let scopes: Vec<String> = others.map(subscription_scope).collect();
    let reads = scopes.into_iter().map(|scope| async move {
        match run.azure.role_assignments_of(&scope, principal).await {
            Ok(found) => found.into_iter().map(|one| one.scope).collect(),
            // What cannot be looked at is not taken for empty.
            Err(_) => vec![format!("{scope}, perhaps: this sign-in may not read the roles there")],
        }
    });
    let found: Vec<Vec<String>> = stream::iter(reads)
        .buffer_unordered(limits::READS_AT_ONCE)
        .collect()
        .await;
    Ok(found.concat())
}

pub async fn remove(run: &StepRun) -> Result<(), StepError> {
    let facts = run.facts();
    for grant in run.intent.grants() {
        if grant_still_used_by(&run.intent, &facts, &grant).is_some() {
            continue;
        }
        for assignment in assignments_of(&run.intent, &facts, &grant).0 {
            delete(run, assignment, facts.called(&grant)).await?;
        }
    }
    Ok(())
}

async fn delete(run: &StepRun, assignment: &RoleAssignment, of: &str) -> Result<(), StepError> {
    let Ok(guid) = assignment.name.parse() else {
        return Ok(());
    };
    run.tell(STEP, StepEvent::Doing(format!("taking the role of {of} back")));
    let attempt = || run.azure.delete_role_assignment(&assignment.scope, guid);
    let hold = || ActionRequired {
        who: format!("an Owner or User Access Administrator of {}", run.intent.vnet.name),
        why: "Removing a role assignment takes Microsoft.Authorization/roleAssignments/delete.".to_owned(),
        packet: az::delete_assignment(&assignment.id()),
        answer: None,
    };
    let deleted = run
        .retry_while_replicating(STEP, "removing the role assignment", &[], attempt)
        .await;
    deleted.map_err(|stop| stop.or_action_required(hold))?;
    run.changed(STEP, ChangeAction::Deleted, "roleAssignment", assignment.id());
    // Once the principal is gone, nothing tells any more whose assignment it was.
    let look = async || {
        let read = run.azure.role_assignment(&assignment.scope, guid).await;
        let read = read.map_err(|error| StepError::api("looking whether the role assignment is gone", &error))?;
        Ok(read.is_none().then_some(()))
    };
    let awaited = WaitDescription::replication("until the role assignment is gone");
    run.poll_until(STEP, &awaited, look).await?;
    run.update_state(|facts| {
        let stays = |one: &RoleAssignment| one.name != assignment.name;
        facts.assignments.retain(stays);
        facts.assignments_below.retain(stays);
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::samples;

    type Row = (
        &'static str,
        fn(&mut PeeringIntent, &mut ObservedState),
        &'static str,
        &'static str,
    );

    #[test]
    fn assignment_undo_deletes_only_own() {
        let table: [Row; 7] = [
            ("setup's own", |_, _| (), "remove", "peerctl Peering Writer"),
            (
                "a colleague's",
                |_, facts| facts.assignments[0].name = Uuid::from_u128(0xc0).to_string(),
                "remove",
                "stays: \"Kong Cloud Gateway Peering Creator\"",
            ),
            (
                "none",
                |_, facts| facts.assignments.clear(),
                "absent",
                "has no role of setup's",
            ),
            (
                "the link stays",
                |_, facts| facts.request.as_mut().expect("one").own_app = Some(Uuid::from_u128(0xb1)),
                "keep",
                "the step vendor-request stays",
            ),
            (
                "whose it was is gone",
                |_, facts| {
                    let gone = facts.principal.take().map(|principal| principal.id);
                    facts.gone_principals.extend(gone);
                },
                "remove",
                "Kong Cloud Gateway Peering Creator",
            ),
            (
                "the vendor's principal cannot be seen",
                |_, facts| {
                    facts.principal = None;
                    facts.directory_is_closed = true;
                },
                "blocked",
                "may not read the directory",
            ),
            (
                "the application's principal cannot be seen",
                |_, facts| {
                    facts.own_principal = None;
                    facts.directory_is_closed = true;
                },
                "blocked",
                "may not read the directory",
            ),
        ];
        for (name, change, verb, part) in table {
            let (found, said) = samples::undone(samples::own_app_to_take_down(), plan_removal, change);
            assert!(found == verb && said.contains(part), "{name}: {found}: {said}");
        }
    }
}
