//! Read-only checks, one file each: what was found, what it means, what to do. Setup runs them before its first write,
//! and again at its end.

mod address_overlap;
mod dns_hint;
mod nsg_rules;
mod remote_tenant;
mod stale_peering;
mod vendor_network;
mod vnet_state;

use crate::plan::{Check, Intent};
use crate::steps::Facts;

/// Every check that has something to say about these facts, in a fixed order.
pub fn checks(intent: &Intent, facts: &Facts) -> Vec<Check> {
    [
        address_overlap::check,
        remote_tenant::check,
        stale_peering::check,
        vendor_network::check,
        vnet_state::check,
        nsg_rules::check,
        dns_hint::check,
    ]
    .into_iter()
    .filter_map(|check| check(intent, facts))
    .collect()
}
