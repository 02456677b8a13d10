//! `peerctl version`: the version, and the build that it comes from.

use serde::Serialize;

use super::output::{OutputArgs, OutputFormat, print};
use crate::errors::RunOutcome;
use crate::render::document;

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct VersionArgs {}

const EXAMPLES: &str = "Examples:\n  peerctl version\n  peerctl version -o json";

/// The document that `-o json` prints. Unknown values are omitted.
#[derive(Serialize)]
struct VersionDocument {
    schema: u32,
    command: &'static str,
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<&'static str>,
    /// The date of the commit, or of `SOURCE_DATE_EPOCH`.
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<&'static str>,
    platform: &'static str,
}

/// Prints the version.
///
/// # Errors
/// If standard output can't be written.
pub fn run(_: &VersionArgs, output: &OutputArgs) -> anyhow::Result<RunOutcome> {
    let version = VersionDocument {
        schema: 1,
        command: "version",
        version: env!("CARGO_PKG_VERSION"),
        commit: option_env!("BUILD_COMMIT"),
        date: option_env!("BUILD_DATE"),
        platform: env!("BUILD_TARGET"),
    };
    print(&match output.output {
        OutputFormat::Json => document(&version),
        OutputFormat::Text => text(&version),
    })?;
    Ok(RunOutcome::Unchanged)
}

fn text(version: &VersionDocument) -> String {
    let mut lines = vec![format!("peerctl {}", version.version)];
    lines.extend(version.commit.map(|commit| format!("Commit:   {commit}")));
    lines.extend(version.date.map(|date| format!("Date:     {date}")));
    lines.push(format!("Platform: {}", version.platform));
    lines.join("\n")
}
