//! `vnet-state`: while a virtual network is being changed, Azure refuses to peer it.

use crate::plan::{Check, Intent, Severity};
use crate::steps::Facts;

/// Reads `provisioningState`. A warning only: most changes are over within a minute, and waiting is built in.
pub fn check(intent: &Intent, facts: &Facts) -> Option<Check> {
    let state = &facts.vnet.as_ref()?.provisioning_state;
    let ok = state.eq_ignore_ascii_case("Succeeded");
    Some(Check {
        id: "vnet-state",
        severity: Severity::Warning,
        ok,
        detail: format!("{} is {state}", intent.vnet.name),
        remedies: if ok {
            Vec::new()
        } else {
            vec!["Let the change that is under way finish.".to_owned()]
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::samples;

    #[test]
    fn a_network_that_is_being_changed_is_a_warning() {
        let (intent, mut facts) = samples::kong_done();
        assert!(check(&intent, &facts).expect("known").ok);
        facts.vnet.as_mut().expect("one").provisioning_state = "Updating".into();
        let found = check(&intent, &facts).expect("known");
        assert!(!found.ok && !found.blocks());
    }
}
