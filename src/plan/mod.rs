//! A run as values, pure: what is wanted ([`Intent`]), what will be done ([`Plan`]), what happens ([`Event`]).

mod decision;
mod event;
mod intent;

pub use crate::domain::{StepId, StepState};
pub use decision::{Action, Change, Check, Decision, Hold, Plan, PlannedStep, Severity};
pub use event::{Card, CardValue, Direction, Event, PeeringView, SignedIn, Stats, StepEvent};
pub use intent::{Consent, Intent, VendorAccess};
