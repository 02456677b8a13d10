//! `may-consent`: the vendor's application gets into the tenant by somebody with a directory role only.

use super::check::{CheckFinding, CheckNeed, DoctorCheck};
use super::rights::{
    APPLICATION_ADMINISTRATOR, CLOUD_APPLICATION_ADMINISTRATOR, GLOBAL_ADMINISTRATOR, decision, handed_on, holds,
    unread,
};
use crate::plan::{CheckSeverity, PeeringIntent, StepDecision, StepId};
use crate::steps::{ObservedState, PreflightPart, ReadResult};

pub static CHECK: DoctorCheck = DoctorCheck {
    id: "may-consent",
    severity: CheckSeverity::Warning,
    meaning: "Only an administrator can create a service principal for another tenant's application.",
    needs: &[
        CheckNeed::Step(StepId::Consent),
        CheckNeed::Part(PreflightPart::Directory),
    ],
    at_setup: false,
    of_writes: true,
    examine,
};

fn examine(intent: &PeeringIntent, facts: &ObservedState) -> Option<CheckFinding> {
    let app = intent.vendor_app.as_ref()?;
    if let Some(found) = unread(StepId::Consent, facts) {
        return Some(found);
    }
    match decision(StepId::Consent, intent, facts)? {
        StepDecision::InPlace(what) => return Some(CheckFinding::ok(format!("not required: {what}"))),
        StepDecision::Blocked(hold) => return Some(handed_on(hold)),
        // It has to be made, or awaited.
        _ => {}
    }
    let accept = format!("Ask an administrator to open this URL and accept: {}", app.consent_url);
    let roles = [
        GLOBAL_ADMINISTRATOR,
        APPLICATION_ADMINISTRATOR,
        CLOUD_APPLICATION_ADMINISTRATOR,
    ];
    Some(match &facts.preflight.directory {
        ReadResult::Known(directory) if holds(directory, &roles, &["Application.ReadWrite.All"]) => {
            CheckFinding::ok(format!("you can consent to {}", app.name))
        }
        ReadResult::Known(directory) => {
            let eligible = if directory.is_user {
                "; activate eligible roles (PIM) first"
            } else {
                ""
            };
            CheckFinding::problem(format!(
                "you aren't an Application Administrator, Cloud Application Administrator or Global Administrator{eligible}"
            ))
            .remedy(accept)
            .remedy(format!("Or: az ad sp create --id {}", app.id))
        }
        ReadResult::Unreadable(why) => {
            CheckFinding::unknown(format!("couldn't read your directory roles: {why}")).remedy(accept)
        }
        ReadResult::NotAsked => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::CheckVerdict;
    use crate::steps::preflight::DirectoryRead;
    use crate::steps::samples;

    #[test]
    fn consent_denied_shows_consent_address() {
        let (intent, mut facts) = samples::kong_done();
        assert!(
            CHECK
                .run(&intent, &facts)
                .expect("kong's")
                .detail
                .starts_with("not required")
        );
        facts.principal = None;
        facts.preflight.directory = ReadResult::Known(DirectoryRead {
            roles: vec![CLOUD_APPLICATION_ADMINISTRATOR],
            ..DirectoryRead::default()
        });
        assert!(CHECK.run(&intent, &facts).expect("kong's").ok);
        facts.preflight.directory = ReadResult::Known(DirectoryRead {
            is_user: true,
            ..DirectoryRead::default()
        });
        let found = CHECK.run(&intent, &facts).expect("kong's");
        assert!(
            found.is_problem() && !found.blocks() && found.detail.contains("PIM"),
            "{found:?}"
        );
        assert!(found.remedies[0].contains("/adminconsent?client_id="), "{found:?}");
        facts.preflight.directory = ReadResult::Unreadable("no".into());
        assert_eq!(
            CHECK.run(&intent, &facts).expect("kong's").verdict,
            CheckVerdict::Unknown
        );
    }
}
