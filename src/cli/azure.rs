//! `peerctl azure …`: the commands that speak to Azure.

use clap::Subcommand;

use super::setup;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Set up the whole peering, asking what is missing
    Setup(Box<setup::Args>),
}
