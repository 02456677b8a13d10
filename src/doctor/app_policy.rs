//! `app-policy`: the tenant's app management policies allow the own application a credential.

use super::probe::{Finding, Need, Probe};
use crate::plan::{Intent, OwnApp, Severity};
use crate::steps::{Facts, Part, Seen, policy_exemption};

pub static PROBE: Probe = Probe {
    id: "app-policy",
    severity: Severity::Error,
    meaning: "Without a credential, the own application can't sign in; a directory role does not change that.",
    needs: &[Need::Part(Part::AppPolicy)],
    at_setup: true,
    of_writes: true,
    examine,
};

fn examine(intent: &Intent, facts: &Facts) -> Option<Finding> {
    let Some(OwnApp::Made { .. }) = &intent.own_app else {
        return None;
    };
    let found = match &facts.app_restrictions {
        Seen::Known(found) => found,
        Seen::Unreadable(why) => return Some(Finding::unknown(format!("app management policies: {why}"))),
        Seen::NotAsked => return None,
    };
    let application = facts.own_app.as_ref().map(|app| app.app_id);
    Some(match (&found.secrets, &found.certificates) {
        (None, _) => Finding::ok("no policy forbids a client secret"),
        (Some(policy), None) => Finding::ok(format!(
            "policy \"{policy}\" forbids client secrets: setup uses a certificate"
        )),
        (Some(secrets), Some(certificates)) => {
            let policies = if secrets == certificates {
                format!("policy \"{secrets}\" forbids")
            } else {
                format!("policies \"{secrets}\" and \"{certificates}\" forbid")
            };
            Finding::problem(format!(
                "{policies} client secrets, and certificates that no authority of the tenant's issued"
            ))
            .remedies(policy_exemption(application))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::AppRestrictions;
    use crate::plan::CheckVerdict;
    use crate::steps::samples;

    #[test]
    fn only_secrets_and_certificates_together_block() {
        let (intent, mut facts) = samples::own_app_to_take_down();
        let policy = || Some("Default".to_owned());
        let table = [
            (None, None, CheckVerdict::Ok, false),
            (policy(), None, CheckVerdict::Ok, false),
            (None, policy(), CheckVerdict::Ok, false),
            (policy(), policy(), CheckVerdict::Problem, true),
        ];
        for (secrets, certificates, verdict, blocks) in table {
            facts.app_restrictions = Seen::Known(AppRestrictions { secrets, certificates });
            let found = PROBE.run(&intent, &facts).expect("an own application");
            assert!(found.verdict == verdict && found.blocks() == blocks, "{found:?}");
        }
        facts.app_restrictions = Seen::Unreadable("no".into());
        assert_eq!(PROBE.run(&intent, &facts).expect("one").verdict, CheckVerdict::Unknown);
        assert_eq!(PROBE.run(&samples::kong_done().0, &facts), None);
    }
}
