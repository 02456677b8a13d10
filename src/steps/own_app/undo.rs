//! Deleting the own application that setup made, and with it its service principal in this tenant.

use super::{CREDENTIAL, STEP, Step, Wanted};
use crate::azure::Application;
use crate::plan::{Action, Decision, Hold, Intent, StepEvent};
use crate::steps::ownership::{other_assignments, still_goes, still_used_by};
use crate::steps::role_assignment::{read_all, undo::roles_elsewhere};
use crate::steps::{Facts, Run, Stop};

pub fn undoing(intent: &Intent, facts: &Facts) -> Decision {
    let (Some(app), Some(wanted)) = (&facts.own_app, &intent.own_app) else {
        return match &intent.own_app {
            Some(Wanted::Made { .. }) if facts.directory_is_closed => Decision::Blocked(closed(intent)),
            _ => Decision::Absent("there is no application of setup's".to_owned()),
        };
    };
    let name = format!(
        "application \"{}\" ({}) and its service principal",
        app.display_name, app.app_id
    );
    let keep = |why: &str| Decision::Keep(format!("{name}: {why}"));
    if !is_setups(wanted, app) {
        return keep("it was not made by setup");
    }
    if app
        .passwords
        .iter()
        .any(|one| one.display_name.as_deref() != Some(CREDENTIAL))
        || app.has_keys
        || !facts.own_app_trusts.is_empty()
    {
        return keep("it has credentials that setup did not make");
    }
    let used = still_used_by(intent, facts);
    if used.is_none() && has_other_roles(intent, facts) {
        return keep("it has other roles");
    }
    match used {
        Some(by) => keep(&by),
        None if facts.assignments_are_hidden => {
            let why = "This sign-in may not read which other roles the application has in the subscription.";
            Decision::Blocked(hold(intent, app, why))
        }
        None => Decision::Remove {
            what: format!("{name} (Entra can restore them for 30 days)"),
            kept: Vec::new(),
        },
    }
}

/// Nobody could look whether there is one.
pub fn closed(intent: &Intent) -> Hold {
    Hold {
        who: format!("somebody who may read the applications of {}", intent.tenant_label()),
        why: "This sign-in may not read the directory, so it cannot tell whose the roles and the application are."
            .to_owned(),
        packet: vec!["Sign in as one who may, and run the same command again; it goes on from here.".to_owned()],
        answer: None,
    }
}

fn hold(intent: &Intent, app: &Application, why: &str) -> Hold {
    Hold {
        who: format!("an Application Administrator of {}", intent.tenant_label()),
        why: why.to_owned(),
        packet: vec![format!("az ad app delete --id {}", app.app_id)],
        answer: None,
    }
}

fn is_setups(wanted: &Wanted, app: &Application) -> bool {
    match wanted {
        Wanted::Made { unique_name, .. } => app.unique_name.as_ref() == Some(unique_name),
        Wanted::Given(_) => false,
    }
}

/// Reads what else proves that somebody uses the application that setup made: federated credentials, and roles in other
/// subscriptions.
///
/// # Errors
/// When they cannot be read.
pub async fn look_closer(run: &Run) -> Result<(), Stop> {
    let facts = run.facts();
    let Some(app) = facts.own_app.filter(|_| run.intent.tears_down()) else {
        return Ok(());
    };
    if !run
        .intent
        .own_app
        .as_ref()
        .is_some_and(|wanted| is_setups(wanted, &app))
    {
        return Ok(());
    }
    let trusts = run.azure.federated_credentials(app.id).await;
    let trusts = trusts.map_err(|error| Stop::api("reading the own application's federated credentials", &error))?;
    let elsewhere = match facts.own_principal {
        Some(principal) => roles_elsewhere(run, principal.id).await?,
        None => Vec::new(),
    };
    run.learn(|facts| {
        facts.own_app_trusts = trusts;
        facts.own_principal_elsewhere = elsewhere;
    });
    Ok(())
}

/// Roles that are not the ones that setup gave and takes back.
fn has_other_roles(intent: &Intent, facts: &Facts) -> bool {
    let Some(principal) = &facts.own_principal else {
        return false;
    };
    let here = other_assignments(intent, facts, |one| one.principal == principal.id);
    !here.is_empty() || !facts.own_principal_elsewhere.is_empty()
}

pub async fn undo(run: &Run) -> Result<(), Stop> {
    // Read anew: between the plan and now somebody may have begun to use it.
    read_all(run).await?;
    super::OwnApp.observe(run).await?;
    let goes = still_goes(undoing(&run.intent, &run.facts()))?;
    let Some(app) = run.facts().own_app.filter(|_| goes) else {
        return Ok(());
    };
    run.tell(STEP, StepEvent::Doing(format!("deleting {}", app.display_name)));
    let attempt = || run.azure.delete_application(app.id);
    let why = "Deleting an application takes a directory role, or being its owner.";
    let deleted = run.patiently(STEP, "deleting the own application", &[], attempt).await;
    deleted.map_err(|stop| stop.or_hold(|| hold(&run.intent, &app, why)))?;
    run.changed(STEP, Action::Deleted, "application", app.app_id.to_string());
    run.learn(|facts| {
        facts.own_app = None;
        facts.own_principal = None;
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    use crate::azure::PasswordCredential;
    use crate::steps::samples;

    fn with_secret(name: &str) -> Application {
        let secret = PasswordCredential {
            key_id: Uuid::nil(),
            display_name: Some(name.to_owned()),
            ends: None,
        };
        let mut app = samples::own_app(vec![secret]);
        app.unique_name = Some("peerctl-ours".to_owned());
        app
    }

    type Row = (&'static str, fn(&mut Intent, &mut Facts), &'static str, &'static str);

    #[test]
    fn only_an_application_that_setup_made_and_nobody_else_uses_goes() {
        let table: [Row; 13] = [
            ("setup's own", |_, _| (), "remove", "service principal"),
            (
                "none",
                |_, facts| facts.own_app = None,
                "absent",
                "there is no application",
            ),
            (
                "the operator's",
                |intent, _| intent.own_app = Some(Wanted::Given(Uuid::from_u128(0xa1))),
                "keep",
                "not made by setup",
            ),
            (
                "a colleague's",
                |_, facts| facts.own_app.as_mut().expect("one").unique_name = None,
                "keep",
                "not made by setup",
            ),
            (
                "with somebody's secret",
                |_, facts| facts.own_app = Some(with_secret("a team's")),
                "keep",
                "credentials that setup did not make",
            ),
            (
                "with a leftover of setup's",
                |_, facts| facts.own_app = Some(with_secret(CREDENTIAL)),
                "remove",
                "service principal",
            ),
            (
                "with a certificate",
                |_, facts| facts.own_app.as_mut().expect("one").has_keys = true,
                "keep",
                "credentials that setup did not make",
            ),
            (
                "with a pipeline that it trusts",
                |_, facts| facts.own_app_trusts.push("pipeline".into()),
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
            let (found, said) = samples::undone(samples::own_app_to_take_down(), undoing, change);
            assert!(found == verb && said.contains(part), "{name}: {found}: {said}");
        }
    }
}
