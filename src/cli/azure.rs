//! `peerctl azure …`: the commands that speak to Azure.

use clap::Subcommand;

use super::{apply, doctor, repair, setup, status, teardown};

pub const EXAMPLES: &str = "Examples:\n  peerctl azure setup --sandbox\n  \
peerctl azure doctor --vendor kong -g rg-net --vnet app --set network=prod\n  \
peerctl azure status --profile production";

pub const DETAILS: &str = "All commands identify a peering by the same flags: the vendor, the virtual network, and the \
vendor-specific inputs (--set).";

#[derive(Debug, Subcommand)]
pub enum AzureCommand {
    /// Set up a peering, prompting for missing values
    Setup(Box<setup::SetupArgs>),
    /// Set up the peerings of a file in parallel
    Apply(Box<apply::ApplyArgs>),
    /// Show the status of a peering and the next action (read-only)
    Status(Box<status::StatusArgs>),
    /// Diagnose problems with a peering (read-only)
    Doctor(Box<doctor::DoctorArgs>),
    /// Repair a stuck or out-of-sync peering
    Repair(Box<repair::RepairArgs>),
    /// Delete what setup created, in reverse order
    Teardown(Box<teardown::TeardownArgs>),
}
