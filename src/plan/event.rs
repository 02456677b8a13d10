//! Events of a run, as values. Every screen and every document is a fold of these; nothing else prints.

use std::time::Duration;

use serde::Serialize;
use url::Url;

use super::{ActionRequired, CheckResult, LinkHealth, ResourceChange, RunPlan, StepId, StepState};
use crate::domain::{PeeredSubnets, PeeringState, SyncLevel};
use crate::errors::{RunError, RunOutcome};

/// Something that happened.
#[derive(Debug, Clone)]
pub enum RunEvent {
    /// A sign-in is waited for, or is no more.
    SigningIn {
        under_way: bool,
    },
    /// As whom, and where.
    SignedIn(SignedIn),
    /// A person has to enter this code on that page to sign in.
    EnterCode {
        page: Url,
        code: String,
        /// The tenant, where it is a further one.
        tenant: Option<String>,
        /// Lifetime of the code.
        life: Duration,
    },
    /// The inputs are complete; reading what is there.
    Surveying,
    /// Plan of the run.
    Planned(RunPlan),
    Step(StepId, StepEvent),
    /// A remark that belongs to no step ("Azure asks to wait 7 s").
    Notice(String),
    /// The checks, as they are at the end.
    Checked(Vec<CheckResult>),
    /// The link as it is at the end.
    Peerings(Vec<PeeringView>),
    /// State of the link, for a command that reports it.
    Standing(LinkHealth),
    Ended {
        outcome: RunOutcome,
        problem: Option<RunError>,
        stats: RunStats,
    },
}

/// Something that happened in a step.
#[derive(Debug, Clone)]
pub enum StepEvent {
    Started,
    /// Current activity of the step.
    Doing(String),
    /// Why it waits, and how long that usually takes.
    Waiting {
        what: String,
        usually: Option<String>,
    },
    /// A page that a person has to open; `opened` where it has been opened in a browser.
    OpenPage {
        url: Url,
        opened: bool,
    },
    /// Values for a person to paste.
    HandOff(ManualInstructions),
    Changed(ResourceChange),
    /// It ended in this state. The text says what there is now.
    Finished {
        state: StepState,
        detail: String,
        waited: Duration,
    },
    /// It stops until somebody else has acted.
    Held {
        state: StepState,
        hold: ActionRequired,
        /// Only rights are missing: whoever has them can have this step done alone.
        rights: bool,
        waited: Duration,
    },
    Failed {
        problem: RunError,
        waited: Duration,
    },
    /// It was not tried, because of the named step.
    Skipped {
        because_of: StepId,
    },
}

/// Identity that runs the setup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SignedIn {
    pub name: String,
    /// The object ID of the user or the service principal.
    pub id: String,
    /// The tenant's name and ID, as people read them.
    pub tenant: String,
    pub tenant_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_name: Option<String>,
    pub cloud: String,
}

/// Labelled values, and where they go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ManualInstructions {
    #[serde(rename = "where")]
    pub place: String,
    pub values: Vec<CardValue>,
    /// Prerequisites of the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<String>,
    /// Answer of the vendor, and how to give it to the next run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub returns: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CardValue {
    pub label: String,
    pub value: String,
}

/// Direction of the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PeeringDirection {
    /// From the customer's network to the vendor's.
    Local,
    /// From the vendor's network to the customer's.
    Remote,
}

/// One direction, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PeeringView {
    pub direction: PeeringDirection,
    /// The peering's id; for the vendor's direction, which cannot be read from this tenant, the vendor's network's id.
    pub id: String,
    pub state: PeeringState,
    pub sync_level: SyncLevel,
    /// The vendor's network's address space, or ours, as it is peered.
    pub address_space: String,
    /// The subnets that it links; absent where it links the whole networks, or was not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnets: Option<PeeredSubnets>,
    /// It was not read: the other direction says Connected, which Azure says only while both are.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub inferred: bool,
}

/// Cost of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunStats {
    pub requests: u64,
    pub writes: u64,
    /// The length of the longest chain of requests that depend on one another: the round trips of the run with
    /// unlimited connections. Polling the vendor isn't counted.
    pub sequential_requests: u64,
    pub elapsed_ms: u64,
}
