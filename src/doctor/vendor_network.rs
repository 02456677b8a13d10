//! `vendor-network`: the vendor can peer its network only once that is ready.

use crate::plan::{Check, Intent, Severity};
use crate::steps::Facts;

/// Reads the state that the vendor gives.
pub fn check(intent: &Intent, facts: &Facts) -> Option<Check> {
    let network = facts.network.as_ref()?;
    Some(Check {
        id: "vendor-network",
        severity: Severity::Error,
        ok: network.ready,
        detail: format!("{} network {} is {}", intent.vendor.name, network.name, network.state),
        remedies: if network.ready {
            Vec::new()
        } else {
            vec![format!(
                "Wait until {} says that it is ready, then run the same command again.",
                intent.vendor.name
            )]
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::samples;

    #[test]
    fn a_network_that_is_not_ready_blocks() {
        let (intent, mut facts) = samples::kong_done();
        assert!(!check(&intent, &facts).expect("known").blocks());
        facts.network.as_mut().expect("one").ready = false;
        assert!(check(&intent, &facts).expect("known").blocks());
        facts.network = None;
        assert_eq!(check(&intent, &facts), None);
    }
}
