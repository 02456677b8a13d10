//! Inputs that a run requires, and their sources: a flag, the environment, a profile, or a question with suggestions.

mod background_sign_in;
pub mod config;
mod dns_servers;
mod environment;
mod gather;
mod given_inputs;
mod menu;
mod peering_file;
mod profile_file;
mod questions;
mod search;
mod session;
mod table;
mod tenant_domain;
mod values;
mod wizard;

pub use environment::EnvironmentVariables;
pub use gather::{GatherOptions, GatheredInputs, InputOptions, NOBODY_ASKED, gather, unusable_vendor, vendor_of};
pub use given_inputs::{GivenInputs, ValueSource, set_variable};
pub use peering_file::{PeeringSpec, listed};
pub use profile_file::{ProfileValues, SETS, SourceFile, WithLine, in_order, is_file, is_secret, refuse, string};
pub use session::{RunContext, SignInSession, SignIns};
pub use table::{INPUTS, InputDefinition, NEVER_IN_A_FILE, REHEARSED, SWITCHES, VNET_PARTS, input};
pub use values::{own_app_credential, vendor_inputs};
pub use wizard::{AsyncPrompter, WizardState};

use crate::errors::RunError;
use crate::ui::AskError;

/// Why the inputs are not complete.
#[derive(Debug)]
pub enum InputError {
    /// The user left.
    Cancelled,
    Problem(Box<RunError>),
}

impl From<RunError> for InputError {
    fn from(problem: RunError) -> Self {
        Self::Problem(Box::new(problem))
    }
}

impl From<AskError> for InputError {
    fn from(error: AskError) -> Self {
        match error {
            // Whoever withdraws a question has a reason of their own, and does not ask what came of it.
            AskError::Cancelled | AskError::Withdrawn => Self::Cancelled,
            AskError::Terminal(error) => {
                let problem = RunError::new(
                    crate::errors::RunErrorKind::Usage,
                    "The terminal cannot be read.",
                    error.to_string(),
                );
                problem.remedy("Give every input by flag, with --no-input.").into()
            }
        }
    }
}
