//! `peerctl azure …`: the commands that speak to Azure.

use clap::Subcommand;

use super::{doctor, repair, setup, status, teardown};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Set up the whole peering, asking what is missing
    Setup(Box<setup::Args>),
    /// Show where a peering stands and whose turn it is; reads only
    Status(Box<status::Args>),
    /// Look for what is in a peering's way, before or after the set-up; reads only
    Doctor(Box<doctor::Args>),
    /// Mend a stuck or stale peering: what is wrong, the exact plan, our half of it done
    Repair(Box<repair::Args>),
    /// Remove what setup made, in reverse order, and nothing else
    Teardown(Box<teardown::Args>),
}
