//! Shared parts of the checks on rights: the identities that may take a step that isn't in place.

use uuid::Uuid;

use super::check::CheckFinding;
use crate::plan::{ActionRequired, PeeringIntent, StepDecision, StepId};
use crate::steps::preflight::DirectoryRead;
use crate::steps::{ObservedState, step};

pub const GLOBAL_ADMINISTRATOR: Uuid = Uuid::from_u128(0x62e90394_69f5_4237_9190_012177145e10);
pub const APPLICATION_ADMINISTRATOR: Uuid = Uuid::from_u128(0x9b895d92_2cd3_44c7_9d02_a6ac2d5ea5c3);
pub const CLOUD_APPLICATION_ADMINISTRATOR: Uuid = Uuid::from_u128(0x158c047a_c907_4556_b7ef_446551a6b5f7);
pub const APPLICATION_DEVELOPER: Uuid = Uuid::from_u128(0xcf1c38e5_3621_4004_a7cb_879624dced7c);

/// Returns the decision about the step; `None` if the run has no such step.
pub fn decision(id: StepId, intent: &PeeringIntent, facts: &ObservedState) -> Option<StepDecision> {
    intent.steps().contains(&id).then(|| step(id).decide(intent, facts))
}

/// Why the step could not be decided, where what it reads could not be read.
pub fn unread(id: StepId, facts: &ObservedState) -> Option<CheckFinding> {
    let problem = facts.preflight.unread.get(&id)?;
    Some(CheckFinding::unknown(format!("{} {}", problem.what, problem.why)).remedies(problem.remedies.clone()))
}

/// The packet for who may.
pub fn handed_on(hold: ActionRequired) -> CheckFinding {
    CheckFinding::problem(hold.why)
        .remedy(format!("Next: {}", hold.who))
        .remedies(hold.packet)
}

/// Returns whether one of these directory roles is held, or one of these application permissions.
pub fn holds(directory: &DirectoryRead, roles: &[Uuid], permissions: &[&str]) -> bool {
    directory.roles.iter().any(|role| roles.contains(role))
        || directory
            .permissions
            .iter()
            .any(|permission| permissions.iter().any(|known| known.eq_ignore_ascii_case(permission)))
}
