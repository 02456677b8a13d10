//! A run as values, pure: what is wanted ([`PeeringIntent`]), what will be done ([`RunPlan`]), what happens ([`RunEvent`]).

/// An enum of words that the command line takes.
macro_rules! words {
    ($type:ident { $($variant:ident = $word:literal),+ }) => {
        impl $type {
            /// Every word that the command line takes.
            pub const WORDS: &'static [&'static str] = &[$($word),+];
        }
        impl FromStr for $type {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                match text.to_ascii_lowercase().as_str() {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(format!("'{text}' is none of {}", Self::WORDS.join(", "))),
                }
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $word),+ })
            }
        }
    };
}

mod decision;
mod event;
mod grant;
mod intent;
mod link_health;
mod step_selection;
mod write;

pub use crate::domain::{StepId, StepState};
pub use decision::{
    ActionRequired, ChangeAction, CheckResult, CheckSeverity, CheckVerdict, FirstUse, PlannedStep, ResourceChange,
    RunPlan, StepDecision,
};
pub use event::{
    CardValue, ManualInstructions, PeeringDirection, PeeringView, RunEvent, RunStats, SignedIn, StepEvent,
};
pub use grant::{ForeignRoleNames, OwnAppRole, OwnRole, RoleGrant, RoleGrantee, own_role_names};
pub use intent::{
    ConsentMode, OwnApp, PeeringIntent, PeeringSettings, Remote, RunGoal, TenantName, VendorAccess, VendorApp,
};
pub use link_health::{HealthStatus, LinkDefect, LinkHealth, NextAction, RequestView};
pub use step_selection::StepSelection;
pub use write::PlannedWrite;
