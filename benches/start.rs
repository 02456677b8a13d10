//! What every call costs before it does anything: starting, the help, a script without a network.
//!
//! ```sh
//! cargo bench --bench start
//! ```

use std::process::{Command, Stdio};

const PEERCTL: &str = env!("CARGO_BIN_EXE_peerctl");
const TENANT: &str = "6b1f5c5e-8a4e-4d0e-9a53-1f0c2d7e4b10";
const VNET_ID: &str = "/subscriptions/11d0b6a2-64a6-4f0b-8d2e-3a5f70c91e01/resourceGroups/rg-network/providers/Microsoft.Network/virtualNetworks/vnet-app";

fn main() {
    divan::main();
}

fn run(arguments: &[&str]) {
    let status = Command::new(PEERCTL)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("peerctl starts");
    assert!(status.success(), "{arguments:?}: {status}");
}

#[divan::bench]
fn version() {
    run(&["--version"]);
}

#[divan::bench]
fn help() {
    run(&["azure", "setup", "--help"]);
}

#[divan::bench]
fn completions() {
    run(&["completions", "bash"]);
}

/// A code's meaning, out of the table in the program.
#[divan::bench]
fn explain() {
    run(&["explain", "AADSTS7000215"]);
}

/// The script for a peering of which everything is given.
#[divan::bench]
fn dry_run() {
    let inputs = ["--vendor", "kong", "--vendor-access", "api", "--set", "network=n"];
    let network = ["--tenant-id", TENANT, "--vnet-id", VNET_ID];
    run(&[&["azure", "setup", "--dry-run"], &inputs[..], &network[..]].concat());
}
