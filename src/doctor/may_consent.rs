//! `may-consent`: the vendor's application gets into the tenant by somebody with a directory role only.

use super::probe::{Finding, Need, Probe};
use super::rights::{
    APPLICATION_ADMINISTRATOR, CLOUD_APPLICATION_ADMINISTRATOR, GLOBAL_ADMINISTRATOR, decision, handed_on, holds,
    unread,
};
use crate::plan::{Decision, Intent, Severity, StepId};
use crate::steps::{Facts, Part, Seen};

pub static PROBE: Probe = Probe {
    id: "may-consent",
    severity: Severity::Warning,
    meaning: "Entra refuses a foreign application's service principal to anybody else, with words about a local tenant.",
    needs: &[Need::Step(StepId::Consent), Need::Part(Part::Directory)],
    at_setup: false,
    of_writes: true,
    examine,
};

fn examine(intent: &Intent, facts: &Facts) -> Option<Finding> {
    let app = intent.vendor_app.as_ref()?;
    if let Some(found) = unread(StepId::Consent, facts) {
        return Some(found);
    }
    match decision(StepId::Consent, intent, facts)? {
        Decision::InPlace(what) => return Some(Finding::ok(format!("not needed: {what}"))),
        Decision::Blocked(hold) => return Some(handed_on(hold)),
        // It has to be made, or awaited.
        _ => {}
    }
    let accept = format!("An administrator opens this address and accepts: {}", app.consent_url);
    let roles = [
        GLOBAL_ADMINISTRATOR,
        APPLICATION_ADMINISTRATOR,
        CLOUD_APPLICATION_ADMINISTRATOR,
    ];
    Some(match &facts.preflight.directory {
        Seen::Known(directory) if holds(directory, &roles, &["Application.ReadWrite.All"]) => {
            Finding::ok(format!("this sign-in may consent to {}", app.name))
        }
        Seen::Known(directory) => {
            let eligible = if directory.is_user {
                "; a role that is only eligible (PIM) has to be activated first"
            } else {
                ""
            };
            Finding::problem(format!(
                "this sign-in is neither Application Administrator, Cloud Application Administrator nor Global \
                 Administrator{eligible}"
            ))
            .remedy(accept)
            .remedy(format!("or: az ad sp create --id {}", app.id))
        }
        Seen::Unreadable(why) => Finding::unknown(format!("the directory roles of this sign-in: {why}")).remedy(accept),
        Seen::NotAsked => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::CheckVerdict;
    use crate::steps::preflight::Directory;
    use crate::steps::samples;

    #[test]
    fn pain_6_who_may_not_consent_gets_the_address_for_who_may() {
        let (intent, mut facts) = samples::kong_done();
        assert!(
            PROBE
                .run(&intent, &facts)
                .expect("kong's")
                .detail
                .starts_with("not needed")
        );
        facts.principal = None;
        facts.preflight.directory = Seen::Known(Directory {
            roles: vec![CLOUD_APPLICATION_ADMINISTRATOR],
            ..Directory::default()
        });
        assert!(PROBE.run(&intent, &facts).expect("kong's").ok);
        facts.preflight.directory = Seen::Known(Directory {
            is_user: true,
            ..Directory::default()
        });
        let found = PROBE.run(&intent, &facts).expect("kong's");
        assert!(
            found.is_problem() && !found.blocks() && found.detail.contains("PIM"),
            "{found:?}"
        );
        assert!(found.remedies[0].contains("/adminconsent?client_id="), "{found:?}");
        facts.preflight.directory = Seen::Unreadable("no".into());
        assert_eq!(
            PROBE.run(&intent, &facts).expect("kong's").verdict,
            CheckVerdict::Unknown
        );
    }
}
