//! Outcomes of a run, and the exit code of each.

use serde::Serialize;

/// Outcome of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RunOutcome {
    /// Everything is in place, and something was changed to get there.
    Done,
    /// Everything was in place already; nothing was written.
    Unchanged,
    /// Somebody else has to act; run the same command again later.
    Waiting,
    /// The preflight found what blocks; nothing was written.
    Blocked,
    /// A step failed.
    Failed,
    /// Stopped by the user.
    Cancelled,
    /// A missing or malformed input. To a script it is a failure like another, told apart by its exit code.
    #[serde(rename = "failed")]
    Usage,
}

impl RunOutcome {
    /// The process's exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Done | Self::Unchanged => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Waiting => 3,
            Self::Blocked => 4,
            Self::Cancelled => 130,
        }
    }
}
