//! One module per step, each with the same faces: observe (reads), decide (pure), act (writes).

mod clean_up;
mod consent;
mod facts;
mod fault;
mod own_app;
mod own_direction;
mod ownership;
mod peering;
mod role_assignment;
mod role_definition;
mod run;
#[cfg(test)]
pub mod samples;
mod two_tenants;
mod vendor_request;
mod verification;
mod vnet;

use async_trait::async_trait;

pub use clean_up::clean_up;
pub use facts::{Facts, VendorPeering};
pub use fault::faults;
pub use own_app::adopt;
pub use run::{Opener, Run, Sink, Stop};
pub use vendor_request::request_kind;
pub use verification::views;

use crate::plan::{Decision, Intent, StepId};

/// One phase of the set-up.
#[async_trait]
pub trait Step: Send + Sync {
    /// A few words for a person.
    fn title(&self) -> &'static str;

    /// Reads what there is and notes it in the run's facts. Writes nothing.
    async fn observe(&self, run: &Run) -> Result<(), Stop>;

    /// What is to be done, from what was read. Pure.
    fn decide(&self, intent: &Intent, facts: &Facts) -> Decision;

    /// Does it, safe to repeat; reads back what it wrote until it is visible, and notes it in the facts.
    async fn act(&self, run: &Run, decision: &Decision) -> Result<(), Stop>;

    /// What of it is provably setup's work and goes, and what stays. Pure.
    fn undoing(&self, _intent: &Intent, _facts: &Facts) -> Decision {
        Decision::Absent("nothing to remove".to_owned())
    }

    /// Removes what [`Step::undoing`] names, safe to repeat, and notes in the facts that it is gone.
    async fn undo(&self, _run: &Run) -> Result<(), Stop> {
        Ok(())
    }
}

/// What is to be done about the step in this run.
pub fn decision(id: StepId, intent: &Intent, facts: &Facts) -> Decision {
    if intent.tears_down() {
        step(id).undoing(intent, facts)
    } else {
        step(id).decide(intent, facts)
    }
}

/// The step of that name.
pub fn step(id: StepId) -> &'static dyn Step {
    match id {
        StepId::Consent => &consent::Consent,
        StepId::OwnApp => &own_app::OwnApp,
        StepId::RoleDefinition => &role_definition::RoleDefinition,
        StepId::RoleAssignment => &role_assignment::RoleAssignment,
        StepId::VendorRequest => &vendor_request::VendorRequest,
        StepId::Peering => &peering::Peering,
        StepId::Verification => &verification::Verification,
        StepId::CleanUp => &clean_up::CleanUp,
    }
}
