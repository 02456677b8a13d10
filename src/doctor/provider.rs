//! `provider`: a subscription uses only the providers that it is registered for.
//!
//! Setup does not ask: Azure lets nobody unregister a provider that has a resource, and setup's network is one.

use super::check::{CheckFinding, CheckNeed, DoctorCheck};
use crate::plan::{CheckSeverity, PeeringIntent};
use crate::steps::preflight::NETWORK;
use crate::steps::{ObservedState, PreflightPart, ReadResult};

pub static CHECK: DoctorCheck = DoctorCheck {
    id: "provider",
    severity: CheckSeverity::Error,
    meaning: "Azure rejects all changes in a subscription that isn't registered for Microsoft.Network.",
    needs: &[CheckNeed::Part(PreflightPart::Provider)],
    at_setup: false,
    of_writes: true,
    examine,
};

fn examine(intent: &PeeringIntent, facts: &ObservedState) -> Option<CheckFinding> {
    let subscription = intent.vnet.subscription;
    Some(match &facts.preflight.registration {
        ReadResult::Known(state) if state.eq_ignore_ascii_case("Registered") => {
            CheckFinding::ok(format!("subscription {subscription} is registered for {NETWORK}"))
        }
        ReadResult::Known(state) => {
            let found = CheckFinding::problem(format!("{NETWORK} is {state} in subscription {subscription}")).remedy(
                format!("az provider register --namespace {NETWORK} --subscription {subscription} --wait"),
            );
            // Some minutes, and it is done.
            if state.eq_ignore_ascii_case("Registering") {
                found.warning()
            } else {
                found
            }
        }
        ReadResult::Unreadable(why) => {
            CheckFinding::unknown(format!("couldn't read the registration of {NETWORK}: {why}"))
        }
        ReadResult::NotAsked => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::CheckVerdict;
    use crate::steps::samples;

    #[test]
    fn provider_unregistered_blocks_with_command() {
        let (intent, mut facts) = samples::kong_done();
        let mut found = |state: &str| {
            facts.preflight.registration = ReadResult::Known(state.to_owned());
            CHECK.run(&intent, &facts).expect("asked")
        };
        assert!(found("Registered").ok);
        assert!(found("Registering").is_problem() && !found("Registering").blocks());
        let check = found("NotRegistered");
        assert!(
            check.blocks() && check.remedies[0].starts_with("az provider register"),
            "{check:?}"
        );
        facts.preflight.registration = ReadResult::Unreadable("no".into());
        assert_eq!(
            CHECK.run(&intent, &facts).expect("asked").verdict,
            CheckVerdict::Unknown
        );
    }
}
