//! What the whole-program tests share. Each test file says `mod support;` and uses a part of it.
//!
//! - [`pty`]: the wizard in a pseudo-terminal, judged by what is on its screen (Unix).
//! - [`terminal`]: what that terminal has shown so far.
//! - [`cli`]: a run by flags alone, without a terminal.
//! - [`running`]: the same while it is still at work: what it says so far, and a signal.
//! - [`both_sides`]: the same for Aiven, Dragonfly and another tenant.
//! - [`kong`]: the estate's names, and the command lines that peer with Kong.
//! - [`link`]: the same for every command on a link, whatever the vendor.
//! - [`middleman`]: a different server in the sandbox's place.
//! - [`output_schema`]: the JSON Schema of `-o json`, and documents held against it.
//! - [`az`]: the real `az`, signed in to a sandbox (Unix).
//! - [`colleague`]: somebody else who changes the same world, by requests of their own.
//! - [`device`]: the person who enters a code to sign in (Unix).
//! - [`dry_runs`]: a dry run of every kind, without a network (Unix).
//! - [`golden`]: documents that are a promise to scripts.
//! - [`hcl`]: what a Terraform configuration says, read by a parser that is not ours.
//! - [`served`]: `peerctl sandbox` as a process of its own, for several runs and for other people's clients.
//! - [`stand_ins`]: an `az` and a `curl` that note what they are given, for scripts (Unix).
//! - [`svg`]: screens into one animated picture.
//! - [`troubles`]: a world in which everything is in the way that can be.
//! - [`words`]: words that user-visible texts avoid.
//!
//! Every program starts with an environment made here, so that nothing of the machine's own configuration (an `az`
//! sign-in, a proxy, `NO_COLOR`) can change what a test sees.

// Each test file is a crate of its own and uses a part of this.
#![allow(dead_code)]

#[cfg(unix)]
pub mod az;
pub mod both_sides;
pub mod cli;
pub mod colleague;
#[cfg(unix)]
pub mod device;
#[cfg(unix)]
pub mod dry_runs;
pub mod golden;
pub mod hcl;
pub mod kong;
pub mod link;
pub mod middleman;
pub mod output_schema;
#[cfg(unix)]
pub mod pty;
#[cfg(unix)]
pub mod running;
pub mod served;
#[cfg(unix)]
pub mod stand_ins;
pub mod svg;
#[cfg(unix)]
pub mod terminal;
pub mod troubles;
pub mod words;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The program under test.
pub const PEERCTL: &str = env!("CARGO_BIN_EXE_peerctl");

/// How long any wait may take before the test fails. A guard against hanging, far above what a slow machine needs;
/// no test waits this long in order to wait.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// The real `az`, where the gate or a developer named one in `PEERCTL_AZ`. Without it the caller says what it skips
/// and returns; the gate always names one.
pub fn real_az(what_is_skipped: &str) -> Option<PathBuf> {
    let az = std::env::var_os("PEERCTL_AZ").map(PathBuf::from);
    if az.is_none() {
        eprintln!("skipped, because PEERCTL_AZ names no az: {what_is_skipped}");
    }
    az
}

/// The Python with the Azure SDKs, and with `avn` beside it, where the gate or a developer named one in
/// `PEERCTL_PYTHON`; like [`real_az`].
pub fn python(what_is_skipped: &str) -> Option<PathBuf> {
    let python = std::env::var_os("PEERCTL_PYTHON").map(PathBuf::from);
    if python.is_none() {
        eprintln!("skipped, because PEERCTL_PYTHON names no python: {what_is_skipped}");
    }
    python
}

/// The environment that every program starts with: what it takes to run at all, and a home that is empty.
fn clean_environment(home: &Path) -> Vec<(OsString, OsString)> {
    // The Windows names are those without which a process there finds neither its sockets nor its temporary folder.
    let inherited = ["PATH", "SystemRoot", "SystemDrive", "ComSpec", "PATHEXT", "TEMP", "TMP"];
    let mut environment: Vec<(OsString, OsString)> = inherited
        .iter()
        .filter_map(|name| Some(((*name).into(), std::env::var_os(name)?)))
        .collect();
    environment.push(("HOME".into(), home.into()));
    environment.push(("LANG".into(), "C.UTF-8".into()));
    if cfg!(windows) {
        environment.push(("USERPROFILE".into(), home.into()));
        environment.push(("APPDATA".into(), home.into()));
    }
    environment
}

/// An empty folder that goes away with the value.
fn temporary_folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}
