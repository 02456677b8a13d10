//! Other principals that can sign in as the own application, or change it. An application that was not created in this
//! run is not trusted because of its unique name: anyone who knows the network's ID can derive the name, and may have
//! registered an application with it.

use time::OffsetDateTime;
use uuid::Uuid;

use super::{STEP, Wanted};
use crate::azure::{AppRegistration, ListedCredential};
use crate::domain::sanitize_for_terminal;
use crate::limits;
use crate::plan::{ActionRequired, PeeringIntent, StepEvent, StepState};
use crate::steps::{ObservedState, StepError, StepRun};

/// The display name of every credential that setup creates begins with it; the run's ID follows.
pub const CREDENTIAL: &str = "peerctl setup";

/// The display name of a run's credentials.
pub fn credential_name(run: Uuid) -> String {
    format!("{CREDENTIAL} {run}")
}

/// Returns whether setup created the credential: it has the name of a run, and its lifetime is not longer than that of
/// a run's credential. The name alone is not proof, because anyone can use it.
pub fn is_setups(credential: &ListedCredential) -> bool {
    let name = credential.display_name.as_deref().unwrap_or_default();
    let named = match name.strip_prefix(CREDENTIAL) {
        Some("") => true,
        Some(run) => run.trim_start().parse::<Uuid>().is_ok(),
        None => false,
    };
    let life = credential
        .starts
        .zip(credential.ends)
        .map(|(starts, ends)| ends - starts);
    named && life.is_some_and(|life| life <= limits::CREDENTIAL_LIFE + limits::CLOCK_BEHIND)
}

/// The run that created the credential, where its name says so.
pub fn run_of(credential: &ListedCredential) -> Option<Uuid> {
    let name = credential.display_name.as_deref()?;
    name.strip_prefix(CREDENTIAL)?.trim_start().parse().ok()
}

/// Returns whether no run can use the credential any more: it is older than the lifetime of a run's credential.
pub fn is_over(credential: &ListedCredential, now: OffsetDateTime) -> bool {
    let over = |starts: OffsetDateTime| starts + limits::CREDENTIAL_LIFE <= now;
    credential.starts.is_some_and(over) || credential.ends.is_some_and(|ends| ends <= now)
}

/// Reads who else can sign in as the application, or change it.
///
/// # Errors
/// When this sign-in cannot be told.
pub async fn read(run: &StepRun) -> Result<(), StepError> {
    let facts = run.facts();
    let Some(app) = facts.own_app.filter(|_| !facts.own_app_is_new) else {
        return Ok(());
    };
    if !matches!(run.intent.own_app, Some(Wanted::Made { .. })) && !run.intent.tears_down() {
        return Ok(());
    }
    let principal = facts.own_principal.map(|principal| principal.id);
    let (access, who) = tokio::join!(run.azure.app_access(app.id, principal), run.azure.who_am_i());
    let who = who.map_err(|error| StepError::api("signing in", &error))?;
    run.update_state(|facts| {
        facts.signed_in_as = Some(who.object_id);
        match access {
            Ok(access) => {
                facts.own_app_access = Some(access);
                facts.own_app_access_unread = None;
            }
            Err(error) => {
                let why = error.code().map_or_else(|| error.message(), str::to_owned);
                facts.own_app_access_unread = Some(sanitize_for_terminal(&why));
            }
        }
    });
    Ok(())
}

/// Returns the other principals that can sign in as the own application or change it, one line each; empty if this run
/// created it.
pub fn others(facts: &ObservedState) -> Vec<String> {
    if facts.own_app_is_new {
        return Vec::new();
    }
    let Some(app) = facts.own_app.as_ref().or(facts.deleted_app.as_ref()) else {
        return Vec::new();
    };
    let mut others = of_application(app);
    let Some(access) = &facts.own_app_access else {
        return others;
    };
    let trusts = access.federated.iter();
    others.extend(trusts.map(|name| format!("federated credential \"{}\"", sanitize_for_terminal(name))));
    let on_principal = access.principal_credentials.iter();
    others.extend(on_principal.map(|one| described("credential of its service principal", one)));
    let owners = access
        .owners
        .iter()
        .filter(|owner| Some(owner.id) != facts.signed_in_as);
    others.extend(owners.map(|owner| format!("owner {} ({})", sanitize_for_terminal(&owner.name), owner.id)));
    others
}

fn of_application(app: &AppRegistration) -> Vec<String> {
    let secrets = app.passwords.iter().map(|one| ("secret", one));
    let all = secrets.chain(app.keys.iter().map(|one| ("certificate", one)));
    let foreign = all.filter(|(_, one)| !is_setups(one));
    foreign.map(|(what, one)| described(what, one)).collect()
}

fn described(what: &str, credential: &ListedCredential) -> String {
    let name = credential.display_name.as_deref().unwrap_or("without a name");
    let until = credential.ends.map(|ends| format!(", until {}", ends.date()));
    format!(
        "{what} \"{}\" ({}{})",
        sanitize_for_terminal(name),
        credential.key_id,
        until.unwrap_or_default()
    )
}

/// Returns the remedies for an application that others can use: to specify it by name, or to remove their access.
pub fn remedies(intent: &PeeringIntent, facts: &ObservedState) -> Vec<String> {
    let Some(Wanted::Made { .. }) = &intent.own_app else {
        return Vec::new();
    };
    match (&facts.own_app, &facts.deleted_app) {
        (Some(app), _) => vec![
            format!(
                "If it is yours and they may write the network's peerings, name it: --own-app {}",
                app.app_id
            ),
            format!(
                "If you don't know it, show it to your security team: az ad app show --id {}",
                app.app_id
            ),
        ],
        (None, Some(app)) => vec![delete_for_good(app)],
        (None, None) => Vec::new(),
    }
}

/// The command that deletes a deleted application for good.
pub fn delete_for_good(app: &AppRegistration) -> String {
    format!(
        "az rest --method DELETE --url https://graph.microsoft.com/v1.0/directory/deletedItems/{}",
        app.id
    )
}

/// Stops where others can use the application that this run is about to rely on.
///
/// # Errors
/// Held with who they are.
pub fn prove(run: &StepRun) -> Result<(), StepError> {
    let facts = run.facts();
    let others = others(&facts);
    if others.is_empty() || !matches!(run.intent.own_app, Some(Wanted::Made { .. })) {
        return Ok(());
    }
    let name = facts
        .own_app
        .as_ref()
        .map_or("The application", |app| &app.display_name);
    let said = format!("{name} was not created in this run, and others can use it.");
    run.tell(STEP, StepEvent::Doing(said.clone()));
    let hold = ActionRequired {
        who: format!("an Application Administrator of {}", run.intent.tenant_label()),
        why: format!("{said} {}", others.join("; ")),
        packet: remedies(&run.intent, &facts),
        answer: None,
    };
    let state = StepState::Blocked;
    Err(StepError::Held { state, hold })
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::azure::{AppAccess, AppOwner};
    use crate::steps::samples;

    fn credential(name: &str, hours: i64) -> ListedCredential {
        let starts = datetime!(2026-11-21 09:00 UTC);
        ListedCredential {
            key_id: Uuid::from_u128(1),
            display_name: Some(name.to_owned()),
            starts: Some(starts),
            ends: Some(starts + time::Duration::hours(hours)),
        }
    }

    #[test]
    fn credential_recognized_by_name_and_lifetime() {
        let run = credential_name(Uuid::from_u128(7));
        let table = [
            (run.as_str(), 1, true),
            ("peerctl setup", 1, true),
            // Anybody can choose a name.
            (run.as_str(), 24, false),
            ("peerctl setup of mine", 1, false),
            ("peerctl setup2", 1, false),
            ("a team's", 1, false),
        ];
        for (name, hours, expected) in table {
            assert_eq!(is_setups(&credential(name, hours)), expected, "{name} {hours}");
        }
        let mut unknown = credential(&run, 1);
        unknown.ends = None;
        assert!(!is_setups(&unknown));
    }

    #[test]
    fn credential_expired_when_unusable() {
        let one = credential("peerctl setup", 1);
        assert!(!is_over(&one, datetime!(2026-11-21 09:59 UTC)));
        assert!(is_over(&one, datetime!(2026-11-21 10:00 UTC)));
    }

    #[test]
    fn application_access_lists_other_users() {
        type Change = fn(&mut ObservedState);
        let owner = |id: u128| AppOwner {
            id: Uuid::from_u128(id),
            name: "anna@contoso.com".to_owned(),
        };
        let table: [(&str, Change, &str); 9] = [
            ("nobody", |_| (), ""),
            (
                "setup's",
                |facts| app(facts).passwords.push(credential("peerctl setup", 1)),
                "",
            ),
            (
                "a secret",
                |facts| app(facts).passwords.push(credential("x", 1)),
                "secret \"x\"",
            ),
            (
                "a forged name",
                |facts| app(facts).passwords.push(credential("peerctl setup", 9_000)),
                "secret \"peerctl setup\"",
            ),
            (
                "a key",
                |facts| app(facts).keys.push(credential("k", 1)),
                "certificate \"k\"",
            ),
            (
                "a trust",
                |facts| access(facts).federated.push("pipeline".to_owned()),
                "federated credential \"pipeline\"",
            ),
            (
                "at the principal",
                |facts| access(facts).principal_credentials.push(credential("peerctl setup", 1)),
                "credential of its service principal",
            ),
            ("oneself", |facts| facts.signed_in_as = Some(Uuid::from_u128(5)), ""),
            ("an owner", |facts| facts.signed_in_as = None, "owner anna@contoso.com"),
        ];
        for (name, change, expected) in table {
            let (_, mut facts) = samples::kong_done();
            facts.own_app = Some(samples::own_app(Vec::new()));
            facts.own_app_access = Some(AppAccess::default());
            if name == "oneself" || name == "an owner" {
                access(&mut facts).owners.push(owner(5));
            }
            change(&mut facts);
            let found = others(&facts);
            if expected.is_empty() {
                assert!(found.is_empty(), "{name}: {found:?}");
            } else {
                assert!(found.len() == 1 && found[0].starts_with(expected), "{name}: {found:?}");
            }
            facts.own_app_is_new = true;
            assert!(others(&facts).is_empty(), "{name}: made in this run");
        }
    }

    fn app(facts: &mut ObservedState) -> &mut AppRegistration {
        facts.own_app.as_mut().expect("an application")
    }

    fn access(facts: &mut ObservedState) -> &mut AppAccess {
        facts.own_app_access.as_mut().expect("it was read")
    }
}
