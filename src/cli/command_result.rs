//! Result of a command: an outcome, the problem that led to it, and the output.

use crate::errors::{RunError, RunErrorKind, RunOutcome};
use crate::input::{InputError, WizardState};
use crate::plan::RunPlan;

/// Outcome of the command, and its output in text mode.
pub struct CommandResult {
    pub outcome: RunOutcome,
    pub problem: Option<RunError>,
    pub text: Option<String>,
    /// The result is on standard output already.
    pub printed: bool,
}

/// Completion of the command, or return to the question before it.
pub enum CommandFlow {
    Ended(CommandResult),
    Back(Box<WizardState>),
}

impl CommandResult {
    /// Stopped by the user.
    pub fn cancelled() -> Self {
        Self::new(RunOutcome::Cancelled, None)
    }

    /// With an outcome, and the problem that made it where there is one.
    pub fn new(outcome: RunOutcome, problem: Option<RunError>) -> Self {
        Self {
            outcome,
            problem,
            text: None,
            printed: false,
        }
    }

    /// By a problem.
    pub fn by(problem: RunError) -> Self {
        Self::new(outcome_of(&problem), Some(problem))
    }
}

impl From<InputError> for CommandResult {
    fn from(halt: InputError) -> Self {
        match halt {
            InputError::Cancelled => Self::cancelled(),
            InputError::Problem(problem) => Self::by(*problem),
        }
    }
}

/// The outcome that a problem makes.
fn outcome_of(problem: &RunError) -> RunOutcome {
    if problem.kind == RunErrorKind::Usage {
        RunOutcome::Usage
    } else {
        RunOutcome::Failed
    }
}

/// The checks that do not let the command begin, as one problem.
pub fn blocked(plan: &RunPlan) -> Option<RunError> {
    let blockers = plan.blockers();
    let first = blockers.first()?;
    let details: Vec<&str> = blockers.iter().map(|check| check.detail.as_str()).collect();
    let mut problem = RunError::new(
        RunErrorKind::Preflight,
        format!("Check {} failed; nothing was written.", first.id),
        details.join("; "),
    );
    problem.remedies = blockers.iter().flat_map(|check| check.remedies.clone()).collect();
    Some(problem)
}
