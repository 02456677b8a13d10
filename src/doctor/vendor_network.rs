//! `vendor-network`: the vendor can peer its network only once that is ready.

use super::check::{CheckFinding, CheckNeed, DoctorCheck};
use crate::plan::{CheckSeverity, PeeringIntent, StepId, VendorAccess};
use crate::steps::ObservedState;

pub static CHECK: DoctorCheck = DoctorCheck {
    id: "vendor-network",
    severity: CheckSeverity::Error,
    meaning: "The vendor can peer its network only when it is ready. Setup checks this with the vendor's token.",
    needs: &[CheckNeed::Step(StepId::VendorRequest)],
    at_setup: true,
    of_writes: true,
    examine,
};

/// Reads the state that the vendor gives.
fn examine(intent: &PeeringIntent, facts: &ObservedState) -> Option<CheckFinding> {
    if let Some(problem) = facts.preflight.unread.get(&StepId::VendorRequest) {
        let told = format!("{} {}", problem.what, problem.why);
        return Some(CheckFinding::problem(told).remedies(problem.remedies.clone()));
    }
    let Some(network) = facts.network.as_ref() else {
        let by_hand = intent.vendor.access.is_some() && intent.access == VendorAccess::Manual;
        let told = format!(
            "without {}'s API, its network can't be checked",
            intent.vendor.short_name
        );
        return by_hand.then(|| CheckFinding::unknown(told));
    };
    let told = format!("{} network {} is {}", intent.vendor.name, network.name, network.state);
    Some(if network.ready {
        CheckFinding::ok(told)
    } else {
        CheckFinding::problem(told).remedy(format!(
            "Wait until {} reports that it is ready, then run the same command again.",
            intent.vendor.name
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors::{RunError, RunErrorKind};
    use crate::steps::samples;

    #[test]
    fn vendor_network_not_ready_blocks() {
        let (intent, mut facts) = samples::kong_done();
        assert!(!CHECK.run(&intent, &facts).expect("known").blocks());
        facts.network.as_mut().expect("one").ready = false;
        assert!(CHECK.run(&intent, &facts).expect("known").blocks());
        facts.network = None;
        assert_eq!(CHECK.run(&intent, &facts), None);
        let refused = RunError::new(
            RunErrorKind::Vendor,
            "Konnect answered 401.",
            "The token is not accepted.",
        );
        facts.preflight.unread.insert(StepId::VendorRequest, refused);
        assert!(CHECK.run(&intent, &facts).expect("said").blocks());
    }
}
