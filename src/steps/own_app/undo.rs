//! Deleting the own application that setup made, and with it its service principal in this tenant.

use super::access::{delete_for_good, others};
use super::{STEP, Step, Wanted};
use crate::azure::AppRegistration;
use crate::domain::own_app_unique_name;
use crate::errors::RunErrorKind;
use crate::limits;
use crate::plan::{ActionRequired, ChangeAction, PeeringIntent, StepDecision, StepEvent};
use crate::steps::ownership::{other_assignments, still_goes, still_used_by};
use crate::steps::role_assignment::{read_all, undo::roles_elsewhere};
use crate::steps::{ObservedState, StepError, StepRun};

pub fn plan_removal(intent: &PeeringIntent, facts: &ObservedState) -> StepDecision {
    let (Some(app), Some(wanted)) = (&facts.own_app, &intent.own_app) else {
        return match (&intent.own_app, &facts.deleted_app) {
            (Some(Wanted::Made { .. }), _) if facts.directory_is_closed => StepDecision::Blocked(closed(intent)),
            (Some(Wanted::Made { .. }), Some(app)) => of_deleted(intent, facts, app),
            _ => StepDecision::Absent("there is no application that setup created".to_owned()),
        };
    };
    let name = format!(
        "application \"{}\" ({}) and its service principal",
        app.display_name, app.app_id
    );
    let keep = |why: &str| StepDecision::Keep(format!("{name}: {why}"));
    if !is_setups(intent, app) {
        return keep("it was not made by setup");
    }
    // Whoever names it means it, whatever became of it since.
    if let Wanted::Made { display_name, .. } = wanted {
        let meant = format!("--own-app {} deletes it all the same", app.app_id);
        let others = others(facts);
        if !others.is_empty() {
            let listed = others.join("; ");
            return keep(&format!(
                "it has credentials that setup did not make, or other owners: {listed}; {meant}"
            ));
        }
        if let Some(why) = &facts.own_app_access_unread {
            return keep(&format!("who else can use it could not be read ({why}); {meant}"));
        }
        if let Some(changed) = changed_since(intent, app, display_name) {
            return keep(&format!("{changed} since setup created it; {meant}"));
        }
    }
    let used = still_used_by(intent, facts);
    if used.is_none() && has_other_roles(intent, facts) {
        return keep("it has other roles");
    }
    match used {
        Some(by) => keep(&by),
        None if facts.assignments_are_hidden => {
            let why = "This sign-in may not read which other roles the application has in the subscription.";
            StepDecision::Blocked(hold(intent, app, why))
        }
        None => StepDecision::Remove {
            what: format!("{name}, for good"),
            kept: Vec::new(),
        },
    }
}

/// One that was deleted keeps its name from being used again for thirty days.
fn of_deleted(intent: &PeeringIntent, facts: &ObservedState, app: &AppRegistration) -> StepDecision {
    let name = format!("deleted application \"{}\" ({})", app.display_name, app.app_id);
    if facts.own_app_stays_restorable {
        let command = delete_for_good(app);
        return StepDecision::Absent(format!(
            "{name}: Microsoft Entra keeps it for 30 days, and setup would restore it; to delete it for good: {command}"
        ));
    }
    let others = others(facts);
    if !others.is_empty() {
        return StepDecision::Keep(format!(
            "{name}: it has credentials that setup did not make: {}",
            others.join("; ")
        ));
    }
    if let Some(Wanted::Made { display_name, .. }) = &intent.own_app
        && let Some(changed) = changed_since(intent, app, display_name)
    {
        return StepDecision::Keep(format!("{name}: {changed} since setup created it"));
    }
    match still_used_by(intent, facts) {
        Some(by) => StepDecision::Keep(format!("{name}: {by}")),
        None => StepDecision::Remove {
            what: format!("{name}, for good"),
            kept: Vec::new(),
        },
    }
}

/// A change that a colleague made to it, if there is one.
fn changed_since(intent: &PeeringIntent, app: &AppRegistration, display_name: &str) -> Option<&'static str> {
    if !app.display_name.eq_ignore_ascii_case(display_name) {
        return Some("it was renamed");
    }
    let notes = intent.own_app_notes();
    let noted = app
        .notes
        .as_ref()
        .is_some_and(|found| !found.eq_ignore_ascii_case(&notes));
    (noted || app.description.is_some() || !app.tags.is_empty())
        .then_some("its notes, description or tags were changed")
}

/// Nobody could look whether there is one.
pub fn closed(intent: &PeeringIntent) -> ActionRequired {
    ActionRequired {
        who: format!("somebody who may read the applications of {}", intent.tenant_label()),
        why: "This sign-in may not read the directory, so it cannot tell whose the roles and the application are."
            .to_owned(),
        packet: vec!["Sign in as one who may, and run the same command again; it goes on from here.".to_owned()],
        answer: None,
    }
}

fn hold(intent: &PeeringIntent, app: &AppRegistration, why: &str) -> ActionRequired {
    ActionRequired {
        who: format!("an Application Administrator of {}", intent.tenant_label()),
        why: why.to_owned(),
        packet: vec![format!("az ad app delete --id {}", app.app_id)],
        answer: None,
    }
}

/// Returns whether the application has the unique name that setup assigns, even if the operator specified it by its ID.
fn is_setups(intent: &PeeringIntent, app: &AppRegistration) -> bool {
    let name = own_app_unique_name(intent.tenant, &intent.vnet, &intent.vendor.id);
    app.unique_name == Some(name)
}

/// Reads whether the application that setup created has roles in other subscriptions.
///
/// # Errors
/// When they cannot be read.
pub async fn look_elsewhere(run: &StepRun) -> Result<(), StepError> {
    let facts = run.facts();
    let setups = facts.own_app.is_some_and(|app| is_setups(&run.intent, &app));
    let Some(principal) = facts.own_principal.filter(|_| setups && run.intent.tears_down()) else {
        return Ok(());
    };
    let elsewhere = roles_elsewhere(run, principal.id).await?;
    run.update_state(|facts| facts.own_principal_elsewhere = elsewhere);
    Ok(())
}

/// Roles that are not the ones that setup gave and takes back.
fn has_other_roles(intent: &PeeringIntent, facts: &ObservedState) -> bool {
    let Some(principal) = &facts.own_principal else {
        return false;
    };
    let here = other_assignments(intent, facts, |one| one.principal == principal.id);
    !here.is_empty() || !facts.own_principal_elsewhere.is_empty()
}

pub async fn remove(run: &StepRun) -> Result<(), StepError> {
    // Read anew: between the plan and now somebody may have begun to use it.
    read_all(run).await?;
    super::OwnAppStep.observe(run).await?;
    let goes = still_goes(plan_removal(&run.intent, &run.facts()))?;
    if let Some(deleted) = run.facts().deleted_app.filter(|_| goes) {
        return purge(run, &deleted).await;
    }
    let Some(app) = run.facts().own_app.filter(|_| goes) else {
        return Ok(());
    };
    run.tell(STEP, StepEvent::Doing(format!("deleting {}", app.display_name)));
    let attempt = || run.azure.delete_application(app.id);
    let why = "Deleting an application takes a directory role, or being its owner.";
    let deleted = run
        .retry_while_replicating(STEP, "deleting the own application", &[], attempt)
        .await;
    deleted.map_err(|stop| stop.or_action_required(|| hold(&run.intent, &app, why)))?;
    run.changed(STEP, ChangeAction::Deleted, "application", app.app_id.to_string());
    run.update_state(|facts| {
        facts.own_app = None;
        facts.own_principal = None;
        facts.deleted_app = Some(app.clone());
    });
    purge(run, &app).await
}

/// Deletes a deleted application for good: as long as it can be restored, nobody can register another one of its unique
/// name. Where this sign-in may not, it stays for thirty days, and setup restores it.
async fn purge(run: &StepRun, deleted: &AppRegistration) -> Result<(), StepError> {
    let doing = "deleting the own application for good";
    let mut looks = 1;
    let purged = loop {
        let attempt = || run.azure.delete_for_good(deleted.id);
        match run.retry_while_replicating(STEP, doing, &[], attempt).await {
            // It takes a moment to arrive among the deleted ones.
            Ok(false) if looks < limits::CREDENTIAL_LOOKS => {
                looks += 1;
                run.pause(STEP, limits::INITIAL_POLL_INTERVAL * looks).await;
            }
            Ok(found) => break found,
            Err(StepError::Failed(problem)) if problem.kind == RunErrorKind::Permission => break false,
            Err(stop) => return Err(stop),
        }
    };
    if purged {
        run.changed(
            STEP,
            ChangeAction::Deleted,
            "deletedApplication",
            deleted.app_id.to_string(),
        );
    }
    run.update_state(|facts| {
        facts.own_app_stays_restorable = !purged;
        facts.deleted_app = (!purged).then(|| deleted.clone());
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    use crate::steps::own_app::CREDENTIAL;
    use crate::steps::samples;

    fn app(facts: &mut ObservedState) -> &mut AppRegistration {
        facts.own_app.as_mut().expect("one")
    }

    type Row = (
        &'static str,
        fn(&mut PeeringIntent, &mut ObservedState),
        &'static str,
        &'static str,
    );

    #[test]
    fn app_undo_deletes_only_own_unused() {
        let table: [Row; 20] = [
            ("setup's own", |_, _| (), "remove", "service principal"),
            (
                "none",
                |_, facts| facts.own_app = None,
                "absent",
                "there is no application",
            ),
            (
                "the operator's",
                |intent, facts| {
                    intent.own_app = Some(Wanted::Given(Uuid::from_u128(0xa1)));
                    app(facts).unique_name = None;
                },
                "keep",
                "not made by setup",
            ),
            (
                "a colleague's",
                |_, facts| app(facts).unique_name = None,
                "keep",
                "not made by setup",
            ),
            (
                "with somebody's secret",
                |_, facts| app(facts).passwords.push(samples::credential("a team's")),
                "keep",
                "credentials that setup did not make",
            ),
            (
                "with a leftover of setup's",
                |_, facts| app(facts).passwords.push(samples::credential(CREDENTIAL)),
                "remove",
                "service principal",
            ),
            (
                "with a certificate",
                |_, facts| app(facts).keys.push(samples::credential("theirs")),
                "keep",
                "credentials that setup did not make",
            ),
            (
                "with a pipeline that it trusts",
                |_, facts| {
                    facts
                        .own_app_access
                        .get_or_insert_default()
                        .federated
                        .push("pipeline".into())
                },
                "keep",
                "credentials that setup did not make",
            ),
            (
                "with a role in another subscription",
                |_, facts| facts.own_principal_elsewhere.push("/subscriptions/other".into()),
                "keep",
                "it has other roles",
            ),
            (
                "with another role",
                |_, facts| {
                    let mut other = facts.assignments[1].clone();
                    other.name = "other".into();
                    facts.assignments_below.push(other);
                },
                "keep",
                "it has other roles",
            ),
            (
                "the link stays",
                |_, facts| facts.request.as_mut().expect("one").own_app = Some(Uuid::from_u128(0xb1)),
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
                "the operator means it",
                |intent, facts| {
                    intent.own_app = Some(Wanted::Given(app(facts).app_id));
                    app(facts).passwords.push(samples::credential("a team's"));
                },
                "remove",
                "service principal",
            ),
            (
                "somebody has renamed it",
                |_, facts| app(facts).display_name = "shared".into(),
                "keep",
                "it was renamed since setup created it; --own-app",
            ),
            (
                "somebody has noted something",
                |_, facts| app(facts).notes = Some("do not delete".into()),
                "keep",
                "its notes, description or tags were changed",
            ),
            (
                "who else can use it is unknown",
                |_, facts| facts.own_app_access_unread = Some("Authorization_RequestDenied".into()),
                "keep",
                "could not be read (Authorization_RequestDenied)",
            ),
            (
                "it was deleted by hand",
                |_, facts| facts.deleted_app = facts.own_app.take(),
                "remove",
                "deleted application",
            ),
            (
                "it was deleted, and a team's secret is on it",
                |_, facts| {
                    facts.deleted_app = facts.own_app.take();
                    let deleted = facts.deleted_app.as_mut().expect("one");
                    deleted.passwords.push(samples::credential("a team's"));
                },
                "keep",
                "credentials that setup did not make",
            ),
            (
                "it may not be deleted for good",
                |_, facts| {
                    facts.deleted_app = facts.own_app.take();
                    facts.own_app_stays_restorable = true;
                },
                "absent",
                "keeps it for 30 days",
            ),
            (
                "it cannot be seen",
                |_, facts| {
                    facts.own_app = None;
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
