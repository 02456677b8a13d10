//! One check as a row of the table, and what it finds.

use crate::plan::{CheckResult, CheckSeverity, CheckVerdict, PeeringIntent, StepId};
use crate::steps::{ObservedState, PreflightPart};

/// A check: what it is about, what it takes, and how it judges. Judging is pure.
pub struct DoctorCheck {
    /// As `--only` takes it.
    pub id: &'static str,
    /// Maximum severity of the check.
    pub severity: CheckSeverity,
    /// Why it matters, in a sentence.
    pub meaning: &'static str,
    /// Resources that the check reads.
    pub needs: &'static [CheckNeed],
    /// Setup runs it too, before its first write and at its end.
    pub at_setup: bool,
    /// It is about writes that are still to come: where none is, it cannot be in the way.
    pub of_writes: bool,
    /// `None` where it does not apply.
    pub examine: fn(&PeeringIntent, &ObservedState) -> Option<CheckFinding>,
}

/// Resource that a check reads: one that a step also reads, or one that only checks read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckNeed {
    Step(StepId),
    Part(PreflightPart),
}

/// Result of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckFinding {
    verdict: CheckVerdict,
    warns: bool,
    detail: String,
    remedies: Vec<String>,
}

impl CheckFinding {
    fn new(verdict: CheckVerdict, detail: impl Into<String>) -> Self {
        Self {
            verdict,
            warns: false,
            detail: detail.into(),
            remedies: Vec::new(),
        }
    }

    /// All is well.
    pub fn ok(detail: impl Into<String>) -> Self {
        Self::new(CheckVerdict::Ok, detail)
    }

    /// Something is in the way, or not as it should be.
    pub fn problem(detail: impl Into<String>) -> Self {
        Self::new(CheckVerdict::Problem, detail)
    }

    /// It cannot be told.
    pub fn unknown(detail: impl Into<String>) -> Self {
        Self::new(CheckVerdict::Unknown, detail)
    }

    /// Returns the finding with one more remedy.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedies.push(remedy.into());
        self
    }

    /// Returns the finding with more remedies.
    #[must_use]
    pub fn remedies(mut self, remedies: impl IntoIterator<Item = String>) -> Self {
        self.remedies.extend(remedies);
        self
    }

    /// Returns the finding as a warning, which is no reason to stop.
    #[must_use]
    pub fn warning(mut self) -> Self {
        self.warns = true;
        self
    }
}

impl DoctorCheck {
    /// Judges; `settled` where nothing is left to be written.
    pub fn check(&self, intent: &PeeringIntent, facts: &ObservedState, settled: bool) -> Option<CheckResult> {
        let found = (self.examine)(intent, facts)?;
        let softened = found.warns || (settled && self.of_writes);
        let problem = found.verdict == CheckVerdict::Problem;
        Some(CheckResult {
            id: self.id,
            severity: if problem && softened {
                CheckSeverity::Warning
            } else {
                self.severity
            },
            verdict: found.verdict,
            ok: found.verdict == CheckVerdict::Ok,
            detail: found.detail,
            meaning: (found.verdict != CheckVerdict::Ok).then_some(self.meaning),
            remedies: found.remedies,
        })
    }

    /// Runs the check for tests: something is still to be written.
    #[cfg(test)]
    pub fn run(&self, intent: &PeeringIntent, facts: &ObservedState) -> Option<CheckResult> {
        self.check(intent, facts, false)
    }
}
