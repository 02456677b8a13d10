//! The one JSON document of all rows.

use std::time::Instant;

use serde::Serialize;

use super::{ApplyArgs, PeeringJob};
use crate::azure::RequestSender;
use crate::cli::command_result::CommandResult;
use crate::errors::{RunError, RunOutcome};
use crate::input::RunContext;
use crate::plan::RunStats;
use crate::render::{RunReport, document};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApplyDocument {
    schema: u32,
    command: &'static str,
    file: String,
    /// That of the row that went worst.
    outcome: RunOutcome,
    rows: Vec<PeeringDocument>,
    /// Of all rows together, with the sign-ins that they share.
    stats: RunStats,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<RunError>,
}

/// A row's document: that of a set-up, and which row it is.
#[derive(Serialize)]
struct PeeringDocument {
    name: String,
    /// Line of the row in the file.
    line: usize,
    #[serde(flatten)]
    report: RunReport,
}

impl ApplyDocument {
    pub fn of(
        args: &ApplyArgs,
        jobs: &[PeeringJob],
        around: &RunContext,
        begun: Instant,
        ended: CommandResult,
    ) -> Self {
        let row = |job: &PeeringJob| PeeringDocument {
            name: job.name().to_owned(),
            line: job.line(),
            report: job.report(),
        };
        let rows: Vec<PeeringDocument> = jobs.iter().map(row).collect();
        let sign_ins = around.sign_ins.iter().flat_map(|shared| shared.wires());
        let sent: Vec<_> = sign_ins.map(|wire: RequestSender| wire.stats()).collect();
        let of_rows = || rows.iter().map(|row| row.report.stats());
        let stats = RunStats {
            requests: of_rows().map(|stats| stats.requests).sum::<u64>()
                + sent.iter().map(|sent| sent.requests).sum::<u64>(),
            writes: of_rows().map(|stats| stats.writes).sum(),
            sequential_requests: of_rows().map(|stats| stats.sequential_requests).max().unwrap_or(0),
            elapsed_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        Self {
            schema: 1,
            command: "azure apply",
            file: args.file.to_string_lossy().into_owned(),
            outcome: ended.outcome,
            rows,
            stats,
            error: ended.problem,
        }
    }

    /// Each row by its name.
    pub fn rows(&self) -> Vec<(&str, &RunReport)> {
        self.rows.iter().map(|row| (row.name.as_str(), &row.report)).collect()
    }

    /// As it is printed.
    pub fn json(&self) -> String {
        document(self)
    }
}
