//! `peerctl azure …`: the commands that speak to Azure.

use clap::Subcommand;

use super::{apply, doctor, repair, setup, status, teardown};

pub const EXAMPLES: &str = "Examples:\n  peerctl azure setup --sandbox\n      a rehearsal, with questions\n  \
peerctl azure doctor --vendor kong --vnet-id /subscriptions/… --set network=my-network\n      \
what would be in the way\n\n\
The vendor, the network and what the vendor needs besides tell which peering is meant: the same flags for all of these.";

#[derive(Debug, Subcommand)]
pub enum AzureCommand {
    /// Set up the whole peering, asking what is missing
    Setup(Box<setup::SetupArgs>),
    /// Set up the peerings of a file, side by side
    Apply(Box<apply::ApplyArgs>),
    /// Show where a peering stands and whose turn it is; reads only
    Status(Box<status::StatusArgs>),
    /// Look for what is in a peering's way, before or after the set-up; reads only
    Doctor(Box<doctor::DoctorArgs>),
    /// Mend a stuck or stale peering: what is wrong, the exact plan, our half of it done
    Repair(Box<repair::RepairArgs>),
    /// Remove what setup made, in reverse order, and nothing else
    Teardown(Box<teardown::TeardownArgs>),
}
