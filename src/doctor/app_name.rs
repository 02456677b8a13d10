//! `app-name`: display names of applications are not unique. Setup finds its own by another name; people do not.

use super::check::{CheckFinding, CheckNeed, DoctorCheck};
use crate::plan::{CheckSeverity, OwnApp, PeeringIntent, StepId};
use crate::steps::{ObservedState, PreflightPart, ReadResult};

pub static CHECK: DoctorCheck = DoctorCheck {
    id: "app-name",
    severity: CheckSeverity::Warning,
    meaning: "Applications with the same name are easily confused. Azure CLI commands that use the name can match any of them.",
    needs: &[
        CheckNeed::Part(PreflightPart::Namesakes),
        CheckNeed::Step(StepId::OwnApp),
    ],
    at_setup: false,
    of_writes: false,
    examine,
};

fn examine(intent: &PeeringIntent, facts: &ObservedState) -> Option<CheckFinding> {
    let Some(OwnApp::Made { display_name, .. }) = &intent.own_app else {
        return None;
    };
    let ours = facts.own_app.as_ref().map(|app| app.app_id);
    let others: Vec<String> = match &facts.preflight.namesakes {
        ReadResult::Known(found) => found
            .iter()
            .filter(|app| Some(**app) != ours)
            .map(ToString::to_string)
            .collect(),
        ReadResult::Unreadable(why) => {
            return Some(CheckFinding::unknown(format!("couldn't read applications: {why}")));
        }
        ReadResult::NotAsked => return None,
    };
    Some(if others.is_empty() {
        CheckFinding::ok(format!("no other application is named \"{display_name}\""))
    } else {
        CheckFinding::problem(format!("\"{display_name}\" is also the name of {}", others.join(", ")))
            .remedy("To use one of them for the peering: --own-app APP-ID. Otherwise, no action is required.")
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::plan::CheckVerdict;
    use crate::steps::samples;

    #[test]
    fn app_name_reports_only_foreign_application() {
        let (mut intent, mut facts) = samples::kong_done();
        assert_eq!(CHECK.run(&intent, &facts), None);
        intent.own_app = Some(OwnApp::Made {
            unique_name: "peerctl-x".into(),
            display_name: "peerctl".into(),
        });
        facts.own_app = Some(samples::own_app(Vec::new()));
        facts.preflight.namesakes = ReadResult::Known(vec![Uuid::from_u128(0xa1)]);
        assert!(CHECK.run(&intent, &facts).expect("asked").ok);
        facts.preflight.namesakes = ReadResult::Known(vec![Uuid::from_u128(0xa1), Uuid::from_u128(0xb2)]);
        let found = CHECK.run(&intent, &facts).expect("asked");
        assert!(
            found.is_problem() && found.detail.ends_with("0000000000b2"),
            "{found:?}"
        );
        facts.preflight.namesakes = ReadResult::Unreadable("no".into());
        assert_eq!(
            CHECK.run(&intent, &facts).expect("asked").verdict,
            CheckVerdict::Unknown
        );
    }
}
