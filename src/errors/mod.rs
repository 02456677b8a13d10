//! What went wrong, for people: [`Problem`] in four parts, the table of [`known`] codes, and the exit codes.

mod exit;
pub mod family;
pub mod known;
mod problem;
pub mod search;

pub use exit::Outcome;
pub use known::{Cause, Class, Known, Speaker};
pub use problem::{Kind, Problem};
