//! What must be known before a run, and how it may be learnt: flag, environment, a profile, or a question with
//! suggestions.

mod ahead;
pub mod config;
mod dns_servers;
mod environment;
mod gather;
mod given;
mod listed;
mod menu;
mod questions;
mod search;
mod session;
mod table;
mod tenant_domain;
mod values;
mod wizard;
mod written;

pub use environment::Vars;
pub use gather::{Gathered, Manner, NOBODY_ASKED, Options, gather, unusable_vendor, vendor_of};
pub use given::{Given, Source, set_variable};
pub use listed::{Row, listed};
pub use session::{Session, SignIns, Surroundings};
pub use table::{INPUTS, Input, NEVER_IN_A_FILE, REHEARSED, SWITCHES, VNET_PARTS, input};
pub use values::{own_app_credential, vendor_inputs};
pub use wizard::{Asker, Conversation};
pub use written::{At, SETS, Text, Written, in_order, is_file, is_secret, refuse, string};

use crate::errors::Problem;
use crate::ui::AskError;

/// Why the inputs are not complete.
#[derive(Debug)]
pub enum Halt {
    /// The user left.
    Cancelled,
    Problem(Box<Problem>),
}

impl From<Problem> for Halt {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

impl From<AskError> for Halt {
    fn from(error: AskError) -> Self {
        match error {
            // Whoever withdraws a question has a reason of their own, and does not ask what came of it.
            AskError::Cancelled | AskError::Withdrawn => Self::Cancelled,
            AskError::Terminal(error) => {
                let problem = Problem::new(
                    crate::errors::Kind::Usage,
                    "The terminal cannot be read.",
                    error.to_string(),
                );
                problem.remedy("Give every input by flag, with --no-input.").into()
            }
        }
    }
}
