//! `recreated-peering`: a peering that has to be deleted and created again, with settings that the new one would not have.

use super::check::{CheckFinding, CheckNeed, DoctorCheck};
use crate::plan::{CheckSeverity, PeeringIntent, StepId};
use crate::steps::{LostSettings, ObservedState, deleted_first};

pub static CHECK: DoctorCheck = DoctorCheck {
    id: "recreated-peering",
    severity: CheckSeverity::Error,
    meaning: "If a run is interrupted between deletion and recreation, the settings can't be restored.",
    needs: &[CheckNeed::Step(StepId::Peering), CheckNeed::Step(StepId::VendorRequest)],
    at_setup: true,
    of_writes: true,
    examine,
};

/// Finds the peering that the planned run would delete, if the new one would not have all of its settings.
fn examine(intent: &PeeringIntent, facts: &ObservedState) -> Option<CheckFinding> {
    let peering = deleted_first(intent, facts)?;
    let lost = LostSettings::of(intent, peering)?;
    let (name, vendor) = (&peering.id.name, &intent.vendor.short_name);
    let detail = format!(
        "{name} must be deleted before {vendor} can connect the networks again. {}",
        lost.describe(name)
    );
    Some(CheckFinding::problem(detail).remedies(lost.remedies(intent, peering)))
}
