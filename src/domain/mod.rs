//! The words of the problem: no I/O, no clock, nothing of ours above them. Pure, but for the list of live secrets.

mod address_space;
mod deterministic;
mod nearest;
mod peering;
mod resource_id;
mod secrets;
mod step;
mod text;
mod timestamp;

pub use address_space::AddressSpace;
pub use deterministic::{namespace, own_app_unique_name, role_assignment_guid, role_definition_guid};
pub use nearest::{did_you_mean, nearest};
pub use peering::{PeeredSubnets, PeeringState, SyncLevel};
pub use resource_id::{
    IdError, PeeringId, SubscriptionId, TenantId, VnetId, check_group, check_peering, check_vnet, subscription_scope,
};
pub use secrets::{REDACTED, holds_secret, mask, remember_secret};
pub use step::{StepId, StepState};
pub use text::{harmless_json, is_terminal_control, lines, sanitize_for_terminal};
pub use timestamp::{as_utc, utc};
