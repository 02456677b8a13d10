//! `provider`: a subscription uses only the providers that it is registered for.
//!
//! Setup does not ask: Azure lets nobody unregister a provider that has a resource, and setup's network is one.

use super::probe::{Finding, Need, Probe};
use crate::plan::{Intent, Severity};
use crate::steps::preflight::NETWORK;
use crate::steps::{Facts, Part, Seen};

pub static PROBE: Probe = Probe {
    id: "provider",
    severity: Severity::Error,
    meaning: "In a subscription that is not registered for Microsoft.Network every write is refused.",
    needs: &[Need::Part(Part::Provider)],
    at_setup: false,
    of_writes: true,
    examine,
};

fn examine(intent: &Intent, facts: &Facts) -> Option<Finding> {
    let subscription = intent.vnet.subscription;
    Some(match &facts.preflight.registration {
        Seen::Known(state) if state.eq_ignore_ascii_case("Registered") => {
            Finding::ok(format!("subscription {subscription} is registered for {NETWORK}"))
        }
        Seen::Known(state) => {
            let found = Finding::problem(format!("{NETWORK} is {state} in subscription {subscription}")).remedy(
                format!("az provider register --namespace {NETWORK} --subscription {subscription} --wait"),
            );
            // Some minutes, and it is done.
            if state.eq_ignore_ascii_case("Registering") {
                found.warning()
            } else {
                found
            }
        }
        Seen::Unreadable(why) => Finding::unknown(format!("the registration of {NETWORK}: {why}")),
        Seen::NotAsked => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::CheckVerdict;
    use crate::steps::samples;

    #[test]
    fn a_provider_that_is_not_registered_blocks_with_the_command_that_registers_it() {
        let (intent, mut facts) = samples::kong_done();
        let mut found = |state: &str| {
            facts.preflight.registration = Seen::Known(state.to_owned());
            PROBE.run(&intent, &facts).expect("asked")
        };
        assert!(found("Registered").ok);
        assert!(found("Registering").is_problem() && !found("Registering").blocks());
        let check = found("NotRegistered");
        assert!(
            check.blocks() && check.remedies[0].starts_with("az provider register"),
            "{check:?}"
        );
        facts.preflight.registration = Seen::Unreadable("no".into());
        assert_eq!(
            PROBE.run(&intent, &facts).expect("asked").verdict,
            CheckVerdict::Unknown
        );
    }
}
