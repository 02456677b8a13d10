//! `credentials`: no one else can use the own application, and no secret that setup created outlives its run.

use super::check::{CheckFinding, CheckNeed, DoctorCheck};
use crate::azure::{AppRegistration, ListedCredential};
use crate::plan::{CheckSeverity, OwnApp, PeeringIntent, StepId};
use crate::steps::{ObservedState, access_remedies, is_setups_credential, leftovers, others_with_access};

pub static CHECK: DoctorCheck = DoctorCheck {
    id: "credentials",
    severity: CheckSeverity::Error,
    meaning: "A credential of your application allows its holder to change the network's peerings.",
    needs: &[CheckNeed::Step(StepId::OwnApp)],
    at_setup: true,
    // Where all is in place, setup uses no credential and grants nothing.
    of_writes: true,
    examine,
};

fn examine(intent: &PeeringIntent, facts: &ObservedState) -> Option<CheckFinding> {
    let wanted = intent.own_app.as_ref()?;
    let made = matches!(wanted, OwnApp::Made { .. });
    let Some(app) = facts.own_app.as_ref().or(facts.deleted_app.as_ref()) else {
        return Some(if facts.directory_is_closed {
            CheckFinding::unknown("you don't have permission to read applications")
        } else {
            CheckFinding::ok("your application doesn't exist yet")
        });
    };
    let others = others_with_access(facts);
    if made && !others.is_empty() {
        let found = format!(
            "application {} ({}) wasn't created by this run, and others can use it: {}",
            app.display_name,
            app.app_id,
            others.join("; ")
        );
        return Some(CheckFinding::problem(found).remedies(access_remedies(intent, facts)));
    }
    if let Some(why) = facts.own_app_access_unread.as_ref().filter(|_| made) {
        let found = format!("couldn't read who else can use application {}: {why}", app.app_id);
        return Some(CheckFinding::problem(found).remedies(access_remedies(intent, facts)));
    }
    Some(of_setup(facts, app))
}

/// Returns the finding about credentials that runs left behind.
fn of_setup(facts: &ObservedState, app: &AppRegistration) -> CheckFinding {
    let over = leftovers(facts);
    let all = app.passwords.iter().chain(&app.keys);
    let young = all.filter(|one| is_setups_credential(one) && !over.iter().any(|other| other.key_id == one.key_id));
    let young: Vec<String> = young.map(describe).collect();
    if over.is_empty() && young.is_empty() {
        return CheckFinding::ok(format!(
            "no credential created by setup is left on {}",
            app.display_name
        ));
    }
    if over.is_empty() {
        let found = format!(
            "{} has a credential that a run may be using: {}",
            app.display_name,
            young.join(", ")
        );
        return CheckFinding::problem(found)
            .remedy("If no run is in progress, it was left by a killed run and expires by itself.")
            .warning();
    }
    let noun = if over.len() == 1 { "a credential" } else { "credentials" };
    let listed: Vec<String> = over.iter().map(|one| describe(one)).collect();
    let command = |one: &ListedCredential| {
        let certificate = app.keys.iter().any(|key| key.key_id == one.key_id);
        format!(
            "az ad app credential delete --id {} --key-id {}{}",
            app.app_id,
            one.key_id,
            if certificate { " --cert" } else { "" }
        )
    };
    let listed = listed.join(", ");
    CheckFinding::problem(format!(
        "{} still has {noun} created by setup: {listed}",
        app.display_name
    ))
    .remedy("The next setup run removes it. To remove it now:")
    .remedies(over.into_iter().map(command))
    .warning()
}

fn describe(password: &ListedCredential) -> String {
    let Some(ends) = password.ends else {
        return password.key_id.to_string();
    };
    let time = format!("{} {:02}:{:02} UTC", ends.date(), ends.hour(), ends.minute());
    format!("{} (until {time})", password.key_id)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;
    use crate::azure::{AppAccess, AppOwner};
    use crate::plan::CheckVerdict;
    use crate::steps::{CREDENTIAL, samples};

    #[test]
    fn credentials_leftover_warns_with_command() {
        let (mut intent, mut facts) = samples::kong_done();
        assert_eq!(CHECK.run(&intent, &facts), None);
        intent.own_app = Some(OwnApp::Given(Uuid::from_u128(0xa1)));
        facts.service_time = Some(datetime!(2026-11-21 10:30 UTC));
        facts.own_app = Some(samples::own_app(vec![samples::credential("a colleague's")]));
        assert!(CHECK.run(&intent, &facts).expect("an application").ok);
        facts.own_app = Some(samples::own_app(vec![samples::credential(CREDENTIAL)]));
        let found = CHECK.run(&intent, &facts).expect("an application");
        assert!(
            found.is_problem() && !found.blocks() && found.detail.contains("until 2026-11-21 10:00 UTC"),
            "{found:?}"
        );
        assert!(
            found.remedies[1].starts_with("az ad app credential delete"),
            "{found:?}"
        );
        facts.service_time = Some(datetime!(2026-11-21 09:30 UTC));
        let found = CHECK.run(&intent, &facts).expect("an application");
        assert!(
            !found.blocks() && found.detail.contains("a run may be using"),
            "{found:?}"
        );
        (facts.own_app, facts.directory_is_closed) = (None, true);
        assert_eq!(CHECK.run(&intent, &facts).expect("one").verdict, CheckVerdict::Unknown);
    }

    #[test]
    fn application_that_others_can_use_blocks() {
        let (intent, mut facts) = samples::own_app_to_take_down();
        assert!(CHECK.run(&intent, &facts).expect("one").ok);
        let owner = AppOwner {
            id: Uuid::from_u128(5),
            name: "mallory@contoso.com".to_owned(),
        };
        facts.own_app_access = Some(AppAccess {
            owners: vec![owner],
            ..AppAccess::default()
        });
        let found = CHECK.run(&intent, &facts).expect("one");
        assert!(
            found.blocks() && found.detail.contains("owner mallory@contoso.com"),
            "{found:?}"
        );
        assert!(found.remedies[0].contains("--own-app"), "{found:?}");
        facts.own_app_access_unread = Some("Authorization_RequestDenied".to_owned());
        facts.own_app_access = None;
        assert!(CHECK.run(&intent, &facts).expect("one").blocks());
        // Whoever names it accepts it.
        let given = PeeringIntent {
            own_app: Some(OwnApp::Given(Uuid::from_u128(0xa1))),
            ..intent
        };
        assert!(CHECK.run(&given, &facts).expect("one").ok);
    }
}
