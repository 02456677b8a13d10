//! Sets what `peerctl version` prints: `BUILD_TARGET`, and `BUILD_COMMIT` and `BUILD_DATE` if they are known.
//!
//! The same source gives the same values: the date is that of `SOURCE_DATE_EPOCH` or of the commit, never of the clock.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use time::OffsetDateTime;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    let target = env::var("TARGET").unwrap_or_default();
    println!("cargo::rustc-env=BUILD_TARGET={target}");
    // A debug build isn't built again for each commit.
    if env::var("PROFILE").as_deref() != Ok("release") {
        return;
    }
    // The log changes with each commit and checkout. A missing file would run this for each build.
    for file in [".git/HEAD", ".git/logs/HEAD"]
        .iter()
        .filter(|file| Path::new(file).exists())
    {
        println!("cargo::rerun-if-changed={file}");
    }
    let commit = git(&["rev-parse", "HEAD"]).or_else(packaged_commit);
    if let Some(commit) =
        commit.filter(|commit| commit.len() >= 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()))
    {
        println!("cargo::rustc-env=BUILD_COMMIT={commit}");
    }
    let epoch = env::var("SOURCE_DATE_EPOCH").ok();
    let seconds = epoch.or_else(|| git(&["show", "--no-patch", "--format=%ct", "HEAD"]));
    let seconds = seconds.and_then(|seconds| seconds.trim().parse().ok());
    if let Some(time) = seconds.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok()) {
        println!("cargo::rustc-env=BUILD_DATE={}", time.date());
    }
}

/// Runs git in this repository. A source archive inside another repository has no commit.
fn git(args: &[&str]) -> Option<String> {
    if !Path::new(".git").exists() {
        return None;
    }
    let output = Command::new("git").args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

/// Reads the commit that `cargo package` notes in its archive.
fn packaged_commit() -> Option<String> {
    let text = fs::read_to_string(".cargo_vcs_info.json").ok()?;
    let (_, rest) = text.split_once("\"sha1\"")?;
    rest.split('"').nth(1).map(str::to_owned)
}
