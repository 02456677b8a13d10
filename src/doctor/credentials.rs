//! `credentials`: no secret of setup's outlives its run.

use super::probe::{Finding, Need, Probe};
use crate::azure::PasswordCredential;
use crate::plan::{Intent, Severity, StepId};
use crate::steps::{CREDENTIAL, Facts};

pub static PROBE: Probe = Probe {
    id: "credentials",
    severity: Severity::Warning,
    meaning: "A credential that a killed run left behind can write your network's peerings until it ends.",
    needs: &[Need::Step(StepId::OwnApp)],
    at_setup: false,
    of_writes: false,
    examine,
};

fn examine(intent: &Intent, facts: &Facts) -> Option<Finding> {
    intent.own_app.as_ref()?;
    let Some(app) = &facts.own_app else {
        return Some(if facts.directory_is_closed {
            Finding::unknown("this sign-in may not read applications")
        } else {
            Finding::ok("there is no own application yet")
        });
    };
    let left: Vec<&PasswordCredential> = app
        .passwords
        .iter()
        .filter(|password| password.display_name.as_deref() == Some(CREDENTIAL))
        .collect();
    if left.is_empty() {
        return Some(Finding::ok(format!(
            "no credential of setup's is left on {}",
            app.display_name
        )));
    }
    let noun = if left.len() == 1 { "a credential" } else { "credentials" };
    let told: Vec<String> = left.iter().map(|password| describe(password)).collect();
    let command = |password: &PasswordCredential| {
        format!(
            "az ad app credential delete --id {} --key-id {}",
            app.app_id, password.key_id
        )
    };
    Some(
        Finding::problem(format!(
            "{} still has {noun} of setup's: {}",
            app.display_name,
            told.join(", ")
        ))
        .remedy("The next run of setup removes it. Or at once:")
        .remedies(left.into_iter().map(command)),
    )
}

fn describe(password: &PasswordCredential) -> String {
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
    use crate::plan::{CheckVerdict, OwnApp};
    use crate::steps::samples;

    #[test]
    fn pain_16_a_credential_that_a_killed_run_left_is_told_and_others_are_not() {
        let (mut intent, mut facts) = samples::kong_done();
        assert_eq!(PROBE.run(&intent, &facts), None);
        intent.own_app = Some(OwnApp::Given(Uuid::from_u128(0xa1)));
        let password = |name: &str| PasswordCredential {
            key_id: Uuid::from_u128(0x11),
            display_name: Some(name.to_owned()),
            ends: Some(datetime!(2026-11-21 10:05 UTC)),
        };
        facts.own_app = Some(samples::own_app(vec![password("a colleague's")]));
        assert!(PROBE.run(&intent, &facts).expect("an application").ok);
        facts.own_app = Some(samples::own_app(vec![password(CREDENTIAL)]));
        let found = PROBE.run(&intent, &facts).expect("an application");
        assert!(
            found.is_problem() && found.detail.contains("until 2026-11-21 10:05 UTC"),
            "{found:?}"
        );
        assert!(
            found.remedies[1].starts_with("az ad app credential delete"),
            "{found:?}"
        );
        (facts.own_app, facts.directory_is_closed) = (None, true);
        assert_eq!(PROBE.run(&intent, &facts).expect("one").verdict, CheckVerdict::Unknown);
    }
}
