//! `may-register`: an application of one's own is registered by a member of the tenant, unless the tenant forbids it.

use super::check::{CheckFinding, CheckNeed, DoctorCheck};
use super::rights::{
    APPLICATION_ADMINISTRATOR, APPLICATION_DEVELOPER, CLOUD_APPLICATION_ADMINISTRATOR, GLOBAL_ADMINISTRATOR, decision,
    handed_on, holds, unread,
};
use crate::plan::{CheckSeverity, PeeringIntent, StepDecision, StepId};
use crate::steps::{ObservedState, PreflightPart, ReadResult};

pub static CHECK: DoctorCheck = DoctorCheck {
    id: "may-register",
    severity: CheckSeverity::Warning,
    meaning: "Your own application creates the local peering, so it must be registered first.",
    needs: &[
        CheckNeed::Step(StepId::OwnApp),
        CheckNeed::Part(PreflightPart::Directory),
    ],
    at_setup: false,
    of_writes: true,
    examine,
};

fn examine(intent: &PeeringIntent, facts: &ObservedState) -> Option<CheckFinding> {
    intent.own_app.as_ref()?;
    if let Some(found) = unread(StepId::OwnApp, facts) {
        return Some(found);
    }
    match decision(StepId::OwnApp, intent, facts)? {
        StepDecision::InPlace(what) => return Some(CheckFinding::ok(format!("not required: {what}"))),
        StepDecision::Blocked(hold) => return Some(handed_on(hold)),
        // It has to be made, or awaited.
        _ => {}
    }
    let roles = [
        GLOBAL_ADMINISTRATOR,
        APPLICATION_ADMINISTRATOR,
        CLOUD_APPLICATION_ADMINISTRATOR,
        APPLICATION_DEVELOPER,
    ];
    let permissions = ["Application.ReadWrite.All", "Application.ReadWrite.OwnedBy"];
    let bring = "Or use an existing application: --own-app APP-ID";
    Some(match &facts.preflight.directory {
        ReadResult::Known(directory) if holds(directory, &roles, &permissions) => {
            CheckFinding::ok("you can register applications")
        }
        ReadResult::Known(directory) if directory.is_user => CheckFinding::unknown(
            "by default, members can register applications, but the tenant may restrict it; you have no directory role for it",
        )
        .remedy(bring),
        ReadResult::Known(_) => CheckFinding::problem(
            "this application can't register applications: it has no role or permission for it",
        )
        .remedy("Assign it the Application Developer role, or the Microsoft Graph permission Application.ReadWrite.OwnedBy.")
        .remedy(bring),
        ReadResult::Unreadable(why) => {
            CheckFinding::unknown(format!("couldn't read your directory roles: {why}")).remedy(bring)
        }
        ReadResult::NotAsked => return None,
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::plan::{CheckVerdict, OwnApp};
    use crate::steps::preflight::DirectoryRead;
    use crate::steps::samples;

    #[test]
    fn who_may_register_an_application() {
        let (mut intent, mut facts) = samples::kong_done();
        assert_eq!(CHECK.run(&intent, &facts), None);
        intent.own_app = Some(OwnApp::Made {
            unique_name: "peerctl-x".into(),
            display_name: "peerctl".into(),
        });
        let mut verdict = |roles: Vec<Uuid>, is_user: bool| {
            facts.preflight.directory = ReadResult::Known(DirectoryRead {
                roles,
                permissions: Vec::new(),
                is_user,
            });
            CHECK.run(&intent, &facts).expect("one is wanted").verdict
        };
        assert_eq!(verdict(vec![APPLICATION_DEVELOPER], false), CheckVerdict::Ok);
        assert_eq!(verdict(Vec::new(), true), CheckVerdict::Unknown);
        assert_eq!(verdict(Vec::new(), false), CheckVerdict::Problem);
        facts.own_app = Some(samples::own_app(Vec::new()));
        facts.own_principal.clone_from(&facts.principal);
        assert!(CHECK.run(&intent, &facts).expect("one is wanted").ok);
    }
}
