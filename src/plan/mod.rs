//! A run as values, pure: what is wanted ([`Intent`]), what will be done ([`Plan`]), what happens ([`Event`]).

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
mod share;
mod standing;
mod write;

pub use crate::domain::{StepId, StepState};
pub use decision::{Action, Change, Check, CheckVerdict, Decision, FirstUse, Hold, Plan, PlannedStep, Severity};
pub use event::{Card, CardValue, Direction, Event, PeeringView, SignedIn, Stats, StepEvent};
pub use grant::{ForeignRoleNames, Grant, Grantee, OwnAppRole, OwnRole, own_role_names};
pub use intent::{Consent, Goal, Intent, OwnApp, PeeringSettings, Remote, TenantName, VendorAccess, VendorApp};
pub use share::Share;
pub use standing::{Fault, Next, RequestView, Standing, Verdict};
pub use write::Write;
