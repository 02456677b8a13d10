//! `app-policy`: the tenant's app management policies allow the own application a credential.

use super::check::{CheckFinding, CheckNeed, DoctorCheck};
use crate::plan::{CheckSeverity, OwnApp, PeeringIntent};
use crate::steps::{ObservedState, PreflightPart, ReadResult, policy_exemption};

pub static CHECK: DoctorCheck = DoctorCheck {
    id: "app-policy",
    severity: CheckSeverity::Error,
    meaning: "Without a credential, your application can't sign in. A directory role doesn't change that.",
    needs: &[CheckNeed::Part(PreflightPart::AppPolicy)],
    at_setup: true,
    of_writes: true,
    examine,
};

fn examine(intent: &PeeringIntent, facts: &ObservedState) -> Option<CheckFinding> {
    let Some(OwnApp::Made { .. }) = &intent.own_app else {
        return None;
    };
    let found = match &facts.app_restrictions {
        ReadResult::Known(found) => found,
        ReadResult::Unreadable(why) => {
            return Some(CheckFinding::unknown(format!(
                "couldn't read app management policies: {why}"
            )));
        }
        ReadResult::NotAsked => return None,
    };
    let application = facts.own_app.as_ref().map(|app| app.app_id);
    Some(match (&found.secrets, &found.certificates) {
        (None, _) => CheckFinding::ok("no policy blocks client secrets"),
        (Some(policy), None) => CheckFinding::ok(format!(
            "policy \"{policy}\" blocks client secrets, so setup uses a certificate"
        )),
        (Some(secrets), Some(certificates)) => {
            let policies = if secrets == certificates {
                format!("policy \"{secrets}\" blocks")
            } else {
                format!("policies \"{secrets}\" and \"{certificates}\" block")
            };
            CheckFinding::problem(format!(
                "{policies} client secrets, and certificates that weren't issued by a trusted authority of the tenant"
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
            facts.app_restrictions = ReadResult::Known(AppRestrictions { secrets, certificates });
            let found = CHECK.run(&intent, &facts).expect("an own application");
            assert!(found.verdict == verdict && found.blocks() == blocks, "{found:?}");
        }
        facts.app_restrictions = ReadResult::Unreadable("no".into());
        assert_eq!(CHECK.run(&intent, &facts).expect("one").verdict, CheckVerdict::Unknown);
        assert_eq!(CHECK.run(&samples::kong_done().0, &facts), None);
    }
}
