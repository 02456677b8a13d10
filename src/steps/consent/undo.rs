//! Withdrawing consent: the vendor's service principal leaves the tenant, where that is asked for.

use super::{STEP, administrator, given};
use crate::plan::{ActionRequired, ChangeAction, PeeringIntent, RunGoal, StepDecision, StepEvent, VendorApp};
use crate::steps::ownership::{other_assignments, still_goes, still_used_by};
use crate::steps::role_assignment::{read_all, undo::roles_elsewhere};
use crate::steps::{ObservedState, StepError, StepRun};

pub fn plan_removal(intent: &PeeringIntent, facts: &ObservedState) -> StepDecision {
    let Some(principal) = &facts.principal else {
        return match &intent.vendor_app {
            Some(app) if facts.directory_is_closed => unseen(intent, app),
            _ => StepDecision::Absent("the vendor has no service principal here".to_owned()),
        };
    };
    let name = format!("service principal \"{}\"", principal.display_name);
    if intent.goal != (RunGoal::TearDown { consent: true }) {
        return StepDecision::Keep(format!("{name}: other networks may need it; --consent removes it"));
    }
    if facts.principal_is_anothers {
        let id = principal.id;
        return StepDecision::Keep(format!(
            "service principal {id}: the directory does not say that it is the one of {}",
            principal.display_name
        ));
    }
    if facts.directory_is_closed && given(intent).is_some() {
        let why = "This sign-in may not read the directory, so it cannot tell whose service principal that is.";
        return StepDecision::Blocked(hold(intent, why, &principal.app_id.to_string()));
    }
    if let Some(by) = still_used_by(intent, facts) {
        return StepDecision::Keep(format!("{name}: {by}"));
    }
    let other = other_assignments(intent, facts, |one| one.principal == principal.id);
    let mut scopes = other.iter().map(|one| &one.scope).chain(&facts.principal_elsewhere);
    if let Some(scope) = scopes.next() {
        return StepDecision::Keep(format!("{name}: it has a role at {scope}"));
    }
    if facts.assignments_are_hidden {
        let why = "This sign-in may not read which other roles the service principal has in the subscription.";
        return StepDecision::Blocked(hold(intent, why, &principal.id.to_string()));
    }
    StepDecision::Remove {
        what: name,
        kept: Vec::new(),
    }
}

/// Reads where else in the tenant the service principal has roles: a network of another subscription may need it.
///
/// # Errors
/// When the subscriptions cannot be read.
pub async fn look_elsewhere(run: &StepRun) -> Result<(), StepError> {
    let Some(principal) = run.facts().principal else {
        return Ok(());
    };
    if run.intent.goal != (RunGoal::TearDown { consent: true }) {
        return Ok(());
    }
    let found = roles_elsewhere(run, principal.id).await?;
    run.update_state(|facts| facts.principal_elsewhere = found);
    Ok(())
}

/// Nobody could look whether it is there.
fn unseen(intent: &PeeringIntent, app: &VendorApp) -> StepDecision {
    let why = "This sign-in may not read the directory, so it cannot tell whether there is a service principal.";
    if intent.goal == (RunGoal::TearDown { consent: true }) {
        return StepDecision::Blocked(hold(intent, why, &app.id.to_string()));
    }
    StepDecision::Keep(format!("the service principal of {}, if there is one: {why}", app.name))
}

fn hold(intent: &PeeringIntent, why: &str, id: &str) -> ActionRequired {
    ActionRequired {
        who: administrator(intent),
        why: why.to_owned(),
        packet: vec![format!("az ad sp delete --id {id}")],
        answer: None,
    }
}

pub async fn remove(run: &StepRun) -> Result<(), StepError> {
    let Some(principal) = run.facts().principal else {
        return Ok(());
    };
    // Read anew: between the plan and now somebody may have given it a role.
    read_all(run).await?;
    look_elsewhere(run).await?;
    if !still_goes(plan_removal(&run.intent, &run.facts()))? {
        return Ok(());
    }
    run.tell(STEP, StepEvent::Doing(format!("deleting {}", principal.display_name)));
    let attempt = || run.azure.delete_service_principal(principal.id);
    let why = "Withdrawing consent takes a directory role.";
    let deleted = run.retry_while_replicating(STEP, "deleting the service principal", &[], attempt);
    let hold = || hold(&run.intent, why, &principal.id.to_string());
    deleted.await.map_err(|stop| stop.or_action_required(hold))?;
    run.changed(
        STEP,
        ChangeAction::Deleted,
        "servicePrincipal",
        principal.id.to_string(),
    );
    run.update_state(|facts| facts.principal = None);
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
    fn consent_undo_removes_unused_vendor_principal() {
        let table: [Row; 11] = [
            ("asked for", |_, _| (), "remove", "service principal"),
            (
                "not asked for",
                |intent, _| intent.goal = RunGoal::TearDown { consent: false },
                "keep",
                "--consent removes it",
            ),
            (
                "none",
                |_, facts| facts.principal = None,
                "absent",
                "no service principal",
            ),
            (
                "an id was given that is not the vendor's",
                |_, facts| facts.principal_is_anothers = true,
                "keep",
                "the directory does not say",
            ),
            (
                "an id was given, and nobody may look whose it is",
                |intent, facts| {
                    let id = facts.principal.as_ref().map(|principal| principal.id);
                    intent.vendor_app.as_mut().expect("one").principal_id = id;
                    facts.directory_is_closed = true;
                },
                "blocked",
                "cannot tell whose",
            ),
            (
                "another role",
                |_, facts| {
                    let mut other = facts.assignments[0].clone();
                    (other.name, other.scope) = ("other".into(), "/elsewhere".into());
                    facts.assignments_below.push(other);
                },
                "keep",
                "it has a role at /elsewhere",
            ),
            (
                "a role in another subscription",
                |_, facts| facts.principal_elsewhere.push("/subscriptions/other".into()),
                "keep",
                "it has a role at /subscriptions/other",
            ),
            (
                "the link stays",
                |_, facts| facts.request.as_mut().expect("one").name = "by-hand".into(),
                "keep",
                "stays",
            ),
            (
                "other roles cannot be read",
                |_, facts| facts.assignments_are_hidden = true,
                "blocked",
                "may not read which other roles",
            ),
            (
                "it cannot be seen",
                |_, facts| {
                    facts.principal = None;
                    facts.directory_is_closed = true;
                },
                "blocked",
                "may not read the directory",
            ),
            (
                "it cannot be seen, and is not asked for",
                |intent, facts| {
                    facts.principal = None;
                    facts.directory_is_closed = true;
                    intent.goal = RunGoal::TearDown { consent: false };
                },
                "keep",
                "if there is one",
            ),
        ];
        for (name, change, verb, part) in table {
            let (found, said) = samples::undone(samples::kong_to_take_down(), plan_removal, change);
            assert!(found == verb && said.contains(part), "{name}: {found}: {said}");
        }
    }
}
