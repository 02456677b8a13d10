//! What is to be done about each step, decided from what was read; and the plan that the decisions make.

use serde::Serialize;

use super::{StepId, StepState};

/// What is to be done about one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing: it is as it should be. The text says what was found.
    InPlace(String),
    /// It is missing and will be created. The text says what.
    Create(String),
    /// It exists and will be changed: what, and the differences, a line each.
    Change { what: String, differences: Vec<String> },
    /// Somebody else's part is awaited: what, and how long that usually takes.
    Await { what: String, usually: String },
    /// This operator may not do it.
    Blocked(Hold),
}

impl Decision {
    /// The state that this decision answers to.
    pub fn state(&self) -> StepState {
        match self {
            Self::InPlace(_) => StepState::InPlace,
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
                one.packet.extend(other.packet);
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
            (other, Self::Await { .. }) | (Self::Await { .. }, other) => other,
        }
    }

    /// Whether carrying it out writes something.
    pub fn writes(&self) -> bool {
        matches!(self, Self::Create(_) | Self::Change { .. })
    }

    /// One verb for the plan.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::InPlace(_) => "in place",
            Self::Create(_) => "create",
            Self::Change { .. } => "change",
            Self::Await { .. } => "wait",
            Self::Blocked(_) => "blocked",
        }
    }

    /// What it is about.
    pub fn what(&self) -> &str {
        match self {
            Self::InPlace(what) | Self::Create(what) | Self::Change { what, .. } | Self::Await { what, .. } => what,
            Self::Blocked(hold) => &hold.why,
        }
    }
}

/// A step that stops here until somebody else has acted: who, why, and the packet to hand over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// Who can go on ("an Application Administrator of Contoso").
    pub who: String,
    pub why: String,
    /// What to hand over: an address, or commands, a line each.
    pub packet: Vec<String>,
    /// What Azure answered, where it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

/// Something that a run wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    pub action: Action,
    /// `servicePrincipal`, `roleDefinition`, `roleAssignment`, or what the vendor calls its request.
    pub kind: String,
    pub id: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    Created,
    Updated,
    Deleted,
}

/// A read-only finding of the preflight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    pub id: &'static str,
    pub severity: Severity,
    pub ok: bool,
    pub detail: String,
    /// What to do where it is not ok.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remedies: Vec<String>,
}

impl Check {
    /// Whether setup must not begin.
    pub fn blocks(&self) -> bool {
        !self.ok && self.severity == Severity::Error
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Error,
    Warning,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedStep {
    pub id: StepId,
    pub title: &'static str,
    pub decision: Decision,
}

/// What a run will do, decided before the first write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub steps: Vec<PlannedStep>,
    pub checks: Vec<Check>,
}

impl Plan {
    /// Whether anything would be written.
    pub fn writes(&self) -> bool {
        self.steps.iter().any(|step| step.decision.writes())
    }

    /// The checks because of which the run must not begin.
    pub fn blockers(&self) -> Vec<&Check> {
        self.checks.iter().filter(|check| check.blocks()).collect()
    }
}
