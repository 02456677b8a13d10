//! The record of a run: the one JSON document, and besides it who ran it when, what was decided, and every request.

use serde::Serialize;
use time::OffsetDateTime;

use super::RunReport;
use crate::azure::{PendingRecord, RequestRecord};
use crate::domain::as_utc;
use crate::plan::{PlannedStep, RunPlan, SignedIn, StepId};

/// Record of a run. It holds nothing that the program reads again: Azure holds all state.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunRecord {
    /// The document's own fields, `schema` first.
    #[serde(flatten)]
    report: RunReport,
    program: &'static str,
    version: &'static str,
    #[serde(serialize_with = "as_utc")]
    begun: OffsetDateTime,
    #[serde(serialize_with = "as_utc")]
    ended: OffsetDateTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    who: Option<SignedIn>,
    plan: Vec<DecidedStep>,
    /// The command line that undoes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    undo: Option<String>,
    requests: Vec<RequestRecord>,
    /// Requests of a very long run that are not in the list; no write is among them as long as there are others.
    requests_left_out: u64,
}

/// One step as it was decided before the first write.
#[derive(Debug, Clone, Serialize)]
struct DecidedStep {
    step: StepId,
    /// `in place`, `create`, `change`, `wait`, `blocked`.
    decision: &'static str,
    what: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    differences: Vec<String>,
}

impl RunRecord {
    /// The record of a run that is over.
    pub fn new(report: RunReport, begun: OffsetDateTime, ended: OffsetDateTime, sending: PendingRecord) -> Self {
        Self {
            program: "peerctl",
            version: env!("CARGO_PKG_VERSION"),
            begun,
            ended,
            who: report.who().cloned(),
            plan: report.plan().map(decided).unwrap_or_default(),
            undo: report.undo().map(str::to_owned),
            requests: sending.requests,
            requests_left_out: sending.left_out,
            report,
        }
    }

    /// Returns whether the run changed something, or may have: a write without an answer counts.
    pub fn changed_something(&self) -> bool {
        self.report.changes().next().is_some() || self.requests.iter().any(RequestRecord::may_have_changed)
    }

    /// Returns whether the run reached a plan.
    pub fn is_planned(&self) -> bool {
        self.report.plan().is_some()
    }

    /// The document, with a line end.
    pub fn json(&self) -> String {
        super::document(self) + "\n"
    }

    /// The document that it is made of.
    pub fn report(&self) -> &RunReport {
        &self.report
    }

    /// Notes, for the ticket, where this record is kept.
    pub fn kept_in(&mut self, file: &str) {
        self.report.recorded_in(file.to_owned());
    }

    /// Returns the time at which the run began.
    pub fn begun(&self) -> OffsetDateTime {
        self.begun
    }

    /// Returns the time at which the run ended.
    pub fn ended(&self) -> OffsetDateTime {
        self.ended
    }

    /// `peerctl 0.1.0`.
    pub fn program(&self) -> String {
        format!("{} {}", self.program, self.version)
    }

    /// Returns the requests, oldest first, and the number of further ones.
    pub fn requests(&self) -> (&[RequestRecord], u64) {
        (&self.requests, self.requests_left_out)
    }
}

fn decided(plan: &RunPlan) -> Vec<DecidedStep> {
    let one = |step: &PlannedStep| DecidedStep {
        step: step.id,
        decision: step.decision.verb(),
        what: step.decision.what().to_owned(),
        differences: step.decision.details(),
    };
    plan.steps.iter().map(one).collect()
}
