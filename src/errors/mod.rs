//! What went wrong, for people: [`Problem`] in four parts, the table of [`known`] codes, and the exit codes.

mod exit;
pub mod known;
mod problem;

pub use exit::Outcome;
pub use known::{Class, Known};
pub use problem::{Kind, Problem};
