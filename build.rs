//! Sets what `peerctl version` prints: `BUILD_TARGET`, and `BUILD_COMMIT` and `BUILD_DATE` if they are known.
//!
//! The same source gives the same values: the date is that of `SOURCE_DATE_EPOCH` or of the commit, never of the clock.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

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
    if let Some(seconds) = seconds.and_then(|seconds| seconds.trim().parse::<i64>().ok()) {
        println!("cargo::rustc-env=BUILD_DATE={}", date(seconds));
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

/// Returns the UTC date of a Unix time, as YYYY-MM-DD.
fn date(seconds: i64) -> String {
    // Days since 0000-03-01, by Howard Hinnant's civil_from_days.
    let days = seconds.div_euclid(86_400) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}
