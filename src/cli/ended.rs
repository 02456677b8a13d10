//! How a command ends: an outcome, the problem that made it, and what is printed.

use crate::errors::{Kind, Outcome, Problem};
use crate::input::{Conversation, Halt};
use crate::plan::Plan;

/// How the command ended, and what it prints in text mode.
pub struct Ended {
    pub outcome: Outcome,
    pub problem: Option<Problem>,
    pub text: Option<String>,
    /// The result is on standard output already.
    pub printed: bool,
}

/// Whether the command is over, or the user wants to the question before.
pub enum Turn {
    Ended(Ended),
    Back(Box<Conversation>),
}

impl Ended {
    /// Stopped by the user.
    pub fn cancelled() -> Self {
        Self::new(Outcome::Cancelled, None)
    }

    /// With an outcome, and the problem that made it where there is one.
    pub fn new(outcome: Outcome, problem: Option<Problem>) -> Self {
        Self {
            outcome,
            problem,
            text: None,
            printed: false,
        }
    }

    /// By a problem.
    pub fn by(problem: Problem) -> Self {
        Self::new(outcome_of(&problem), Some(problem))
    }
}

impl From<Halt> for Ended {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::Cancelled => Self::cancelled(),
            Halt::Problem(problem) => Self::by(*problem),
        }
    }
}

/// The outcome that a problem makes.
fn outcome_of(problem: &Problem) -> Outcome {
    if problem.kind == Kind::Usage {
        Outcome::Usage
    } else {
        Outcome::Failed
    }
}

/// The checks that do not let the command begin, as one problem.
pub fn blocked(plan: &Plan) -> Option<Problem> {
    let blockers = plan.blockers();
    let first = blockers.first()?;
    let details: Vec<&str> = blockers.iter().map(|check| check.detail.as_str()).collect();
    let mut problem = Problem::new(
        Kind::Preflight,
        format!("Check {} failed; nothing was written.", first.id),
        details.join("; "),
    );
    problem.remedies = blockers.iter().flat_map(|check| check.remedies.clone()).collect();
    Some(problem)
}
