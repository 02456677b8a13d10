//! Decisions about each step, made from the readings, and the plan that they form.

use std::fmt;

use serde::Serialize;

use super::{StepId, StepState};
use crate::vendors::DnsMapping;

/// Decision about one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepDecision {
    /// Nothing: it is as it should be. The text says what was found.
    InPlace(String),
    /// It is missing and will be created. The text says what.
    Create(String),
    /// It exists and will be changed: what, and the differences, a line each.
    Change { what: String, differences: Vec<String> },
    /// Somebody else's part is awaited: what, and how long that usually takes.
    Await { what: String, usually: String },
    /// This operator may not do it.
    Blocked(ActionRequired),
    /// Setup made it, and it is removed: what, and beside it what stays, a line each.
    Remove { what: String, kept: Vec<String> },
    /// It stays. The text says what, and why.
    Keep(String),
    /// Nothing of setup's is there. The text says so.
    Absent(String),
}

impl StepDecision {
    /// The state that this decision answers to.
    pub fn state(&self) -> StepState {
        match self {
            Self::InPlace(_) | Self::Remove { .. } | Self::Keep(_) => StepState::InPlace,
            Self::Absent(_) => StepState::Missing,
            Self::Create(_) => StepState::Missing,
            Self::Change { .. } => StepState::Different,
            Self::Await { .. } => StepState::Waiting,
            Self::Blocked(_) => StepState::Blocked,
        }
    }

    /// Both at once, as one: what blocks or writes comes before what is in place.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let both = |one: String, other: String| format!("{one}; {other}");
        match (self, other) {
            (Self::Blocked(mut one), Self::Blocked(other)) => {
                let new = other.packet.into_iter().filter(|line| !one.packet.contains(line));
                let new: Vec<String> = new.collect();
                one.packet.extend(new);
                Self::Blocked(one)
            }
            (blocked @ Self::Blocked(_), _) | (_, blocked @ Self::Blocked(_)) => blocked,
            (Self::InPlace(one), Self::InPlace(other)) => Self::InPlace(both(one, other)),
            (Self::Create(one), Self::Create(other)) => Self::Create(both(one, other)),
            (Self::InPlace(_), other) | (other, Self::InPlace(_)) => other,
            (
                Self::Change { what, mut differences },
                Self::Change {
                    what: other_what,
                    differences: other,
                },
            ) => {
                differences.extend(other);
                Self::Change {
                    what: both(what, other_what),
                    differences,
                }
            }
            (Self::Change { what, differences }, Self::Create(other))
            | (Self::Create(other), Self::Change { what, differences }) => Self::Change {
                what: both(other, what),
                differences,
            },
            (
                Self::Remove { what, mut kept },
                Self::Remove {
                    what: other_what,
                    kept: other,
                },
            ) => {
                kept.extend(other);
                Self::Remove {
                    what: both(what, other_what),
                    kept,
                }
            }
            (Self::Remove { what, mut kept }, Self::Keep(stays))
            | (Self::Keep(stays), Self::Remove { what, mut kept }) => {
                kept.push(stays);
                Self::Remove { what, kept }
            }
            (Self::Keep(one), Self::Keep(other)) => Self::Keep(both(one, other)),
            (Self::Absent(_), other) | (other, Self::Absent(_)) => other,
            (other, Self::Await { .. }) | (Self::Await { .. }, other) => other,
            // Nothing is made and removed in one run.
            (removed @ (Self::Remove { .. } | Self::Keep(_)), _)
            | (_, removed @ (Self::Remove { .. } | Self::Keep(_))) => removed,
        }
    }

    /// Returns whether carrying out the decision writes something.
    pub fn writes(&self) -> bool {
        matches!(self, Self::Create(_) | Self::Change { .. } | Self::Remove { .. })
    }

    /// More lines about it: the differences of a change, what stays beside what is removed.
    pub fn details(&self) -> Vec<String> {
        match self {
            Self::Change { differences, .. } => differences.clone(),
            Self::Remove { kept, .. } => kept.iter().map(|stays| format!("stays: {stays}")).collect(),
            _ => Vec::new(),
        }
    }

    /// Returns the objects that were considered for removal and stay.
    pub fn kept(&self) -> Vec<String> {
        match self {
            Self::Remove { kept, .. } => kept.clone(),
            Self::Keep(what) => vec![what.clone()],
            _ => Vec::new(),
        }
    }

    /// One verb for the plan.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::InPlace(_) => "in place",
            Self::Create(_) => "create",
            Self::Change { .. } => "change",
            Self::Await { .. } => "wait",
            Self::Blocked(_) => "blocked",
            Self::Remove { .. } => "remove",
            Self::Keep(_) => "keep",
            Self::Absent(_) => "absent",
        }
    }

    /// Returns the subject of the decision.
    pub fn what(&self) -> &str {
        match self {
            Self::InPlace(what)
            | Self::Create(what)
            | Self::Change { what, .. }
            | Self::Await { what, .. }
            | Self::Remove { what, .. }
            | Self::Keep(what)
            | Self::Absent(what) => what,
            Self::Blocked(hold) => &hold.why,
        }
    }
}

/// The action that a step requires from someone else; `actionRequired` in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActionRequired {
    /// The role that can act ("an Application Administrator of Contoso").
    pub who: String,
    #[serde(rename = "reason")]
    pub why: String,
    /// Instructions for that person: an address, or commands, one per line.
    #[serde(rename = "instructions")]
    pub packet: Vec<String>,
    /// The service's response, if a request was refused.
    #[serde(rename = "response", skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

/// Something that a run wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResourceChange {
    pub action: ChangeAction,
    /// `servicePrincipal`, `roleDefinition`, `roleAssignment`, or what the vendor calls its request.
    pub kind: String,
    pub id: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeAction {
    Created,
    Updated,
    Deleted,
}

impl fmt::Display for ChangeAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
        })
    }
}

/// A read-only finding of the preflight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckResult {
    pub id: &'static str,
    pub severity: CheckSeverity,
    pub verdict: CheckVerdict,
    /// Whether the verdict is `ok`. An undetermined verdict isn't.
    pub ok: bool,
    pub detail: String,
    /// Why it matters, in a sentence; absent where all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meaning: Option<&'static str>,
    /// Remedies where the check isn't ok.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remedies: Vec<String>,
}

impl CheckResult {
    /// Returns whether the check found a problem.
    pub fn is_problem(&self) -> bool {
        self.verdict == CheckVerdict::Problem
    }

    /// Returns whether the check prevents setup from starting.
    pub fn blocks(&self) -> bool {
        self.is_problem() && self.severity == CheckSeverity::Error
    }
}

/// Verdict of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckVerdict {
    Problem,
    /// It could not be told: what it takes is not known, or may not be read.
    Unknown,
    Ok,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckSeverity {
    Error,
    Warning,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedStep {
    pub id: StepId,
    pub title: &'static str,
    pub decision: StepDecision,
    /// This sign-in can't read whether it is in place.
    pub unread: bool,
}

impl PlannedStep {
    /// The state to show: what could not be read isn't called missing.
    pub fn state(&self) -> StepState {
        match self.decision.state() {
            StepState::Missing | StepState::Different | StepState::Blocked if self.unread => StepState::Unknown,
            state => state,
        }
    }
}

/// Plan of a run, decided before the first write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunPlan {
    pub steps: Vec<PlannedStep>,
    pub checks: Vec<CheckResult>,
    /// The DNS mappings that the vendor is asked for; empty where its request stays as it is.
    pub dns: Vec<DnsMapping>,
}

/// The first use of a link that works.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FirstUse {
    /// The vendor's next step.
    pub step: String,
    /// The command that tests the connection.
    pub test: Option<String>,
    /// The place to run that command.
    pub place: Option<String>,
}

impl RunPlan {
    /// Returns whether the plan writes anything.
    pub fn writes(&self) -> bool {
        self.steps.iter().any(|step| step.decision.writes())
    }

    /// Returns whether the step needs no action.
    pub fn is_in_place(&self, id: StepId) -> bool {
        let found = self.steps.iter().find(|step| step.id == id);
        found.is_some_and(|step| matches!(step.decision, StepDecision::InPlace(_)))
    }

    /// The checks because of which the run must not begin.
    pub fn blockers(&self) -> Vec<&CheckResult> {
        self.checks.iter().filter(|check| check.blocks()).collect()
    }
}
