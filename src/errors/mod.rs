//! Errors for people: [`RunError`] in four parts, the table of [`known`] codes, and the exit codes.

mod exit;
pub mod family;
pub mod known;
mod run_error;
pub mod search;

pub use exit::RunOutcome;
pub use known::{ErrorCause, ErrorClass, ErrorService, KnownError};
pub use run_error::{RunError, RunErrorKind};
