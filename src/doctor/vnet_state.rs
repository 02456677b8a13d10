//! `vnet-state`: while a virtual network is being changed, Azure refuses to peer it; and it has to be there.

use super::check::{CheckFinding, CheckNeed, DoctorCheck};
use crate::plan::{CheckSeverity, PeeringIntent, StepId};
use crate::steps::ObservedState;

pub static CHECK: DoctorCheck = DoctorCheck {
    id: "vnet-state",
    severity: CheckSeverity::Error,
    meaning: "The network must exist and must not be changing, or Azure rejects the peering (ReferencedResourceNotProvisioned).",
    needs: &[CheckNeed::Step(StepId::Peering)],
    at_setup: true,
    of_writes: true,
    examine,
};

/// Reads `provisioningState`. A change under way is a warning only: most are over within a minute, and waiting is
/// built in.
fn examine(intent: &PeeringIntent, facts: &ObservedState) -> Option<CheckFinding> {
    let Some(vnet) = facts.vnet.as_ref() else {
        let problem = facts.preflight.unread.get(&StepId::Peering)?;
        let told = format!("{} {}", problem.what, problem.why);
        return Some(CheckFinding::problem(told).remedies(problem.remedies.clone()));
    };
    let (name, state) = (&intent.vnet.name, &vnet.provisioning_state);
    let told = format!("{name}: provisioning state {state}");
    Some(match state.as_str() {
        state if state.eq_ignore_ascii_case("Succeeded") => CheckFinding::ok(told),
        // The other side's direction refers to this network, and Azure refuses that until it is written again.
        state
            if ["Failed", "Canceled"]
                .iter()
                .any(|failed| failed.eq_ignore_ascii_case(state)) =>
        {
            CheckFinding::problem(told).remedy(format!(
                "Update it without changes: az network vnet update --ids {}",
                intent.vnet
            ))
        }
        _ => CheckFinding::problem(told)
            .remedy("Wait for the operation in progress to finish.")
            .warning(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors::{RunError, RunErrorKind};
    use crate::steps::samples;

    #[test]
    fn vnet_state_updating_warns_missing_blocks() {
        let (intent, mut facts) = samples::kong_done();
        assert!(CHECK.run(&intent, &facts).expect("known").ok);
        facts.vnet.as_mut().expect("one").provisioning_state = "Updating".into();
        let found = CHECK.run(&intent, &facts).expect("known");
        assert!(!found.ok && !found.blocks());
        facts.vnet.as_mut().expect("one").provisioning_state = "Failed".into();
        assert!(CHECK.run(&intent, &facts).expect("known").blocks());
        facts.vnet = None;
        let absent = RunError::new(
            RunErrorKind::NotFound,
            "There is no virtual network vnet-app.",
            "Azure finds none.",
        );
        facts.preflight.unread.insert(StepId::Peering, absent);
        assert!(CHECK.run(&intent, &facts).expect("said").blocks());
    }
}
