//! A plan as one JSON document: what a run would do, step by step, with the requests that it would send. Its shape is
//! versioned and has a golden test.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::RunReport;
use crate::plan::{
    ActionRequired, CheckResult, ManualInstructions, PeeringIntent, PlannedStep, PlannedWrite, RunPlan, StepDecision,
    StepId, StepState, VendorAccess,
};
use crate::vendors::CreatedBy;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PlanDocument<'a> {
    schema: u32,
    command: &'a str,
    /// Nothing was done.
    dry_run: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cloud: Option<&'a str>,
    /// `true` if the plan is based on existing resources; `false` if it assumes that nothing exists.
    refreshed: bool,
    inputs: &'a BTreeMap<String, Value>,
    steps: Vec<PlanDocumentStep<'a>>,
    /// Values that a person has to enter at the vendor.
    #[serde(skip_serializing_if = "Option::is_none")]
    hand_off: Option<ManualInstructions>,
    checks: &'a [CheckResult],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PlanDocumentStep<'a> {
    id: StepId,
    title: &'a str,
    action: &'static str,
    what: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    differences: Vec<String>,
    /// State before the run; absent without --refresh.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<StepState>,
    /// State after the run.
    after: StepState,
    /// Usual duration of the wait for the other party.
    #[serde(skip_serializing_if = "Option::is_none")]
    usually: Option<&'a str>,
    /// The person who has to act, and instructions for them.
    #[serde(rename = "actionRequired", skip_serializing_if = "Option::is_none")]
    hold: Option<&'a ActionRequired>,
    requests: Vec<&'a PlannedWrite>,
}

/// The document. `report` says what was asked for; `surveyed`: the plan is made from what is there.
pub fn plan_json(
    report: &RunReport,
    intent: &PeeringIntent,
    plan: &RunPlan,
    writes: &[PlannedWrite],
    surveyed: bool,
) -> String {
    let by_hand = intent.access == VendorAccess::Manual && intent.vendor.peering.created_by != CreatedBy::Customer;
    let awaited = plan.steps.iter().any(|step| {
        step.id == StepId::VendorRequest
            && matches!(step.decision, StepDecision::Await { .. } | StepDecision::Create(_))
    });
    let document = PlanDocument {
        schema: 1,
        command: report.command(),
        dry_run: true,
        vendor: report.vendor(),
        cloud: report.cloud(),
        refreshed: surveyed,
        inputs: report.inputs(),
        steps: plan.steps.iter().map(|step| planned(step, writes, surveyed)).collect(),
        hand_off: (by_hand && awaited).then(|| intent.card(None)),
        // They look at what was read.
        checks: if surveyed { &plan.checks } else { &[] },
    };
    super::document(&document)
}

fn planned<'a>(step: &'a PlannedStep, writes: &'a [PlannedWrite], surveyed: bool) -> PlanDocumentStep<'a> {
    let requests: Vec<&PlannedWrite> = writes.iter().filter(|write| write.step == step.id).collect();
    let (usually, hold) = match &step.decision {
        StepDecision::Await { usually, .. } => (Some(usually.as_str()), None),
        StepDecision::Blocked(hold) => (None, Some(hold)),
        _ => (None, None),
    };
    // What an earlier step makes for this run alone, a later one takes away: that is seen only once it is there.
    let taken_back = matches!(step.decision, StepDecision::InPlace(_)) && !requests.is_empty();
    let action = match &step.decision {
        StepDecision::Create(_) => "create",
        StepDecision::Change { .. } | StepDecision::Remove { .. } => "change",
        StepDecision::Await { .. } => "await",
        StepDecision::Blocked(_) => "blocked",
        _ if taken_back => "change",
        _ => "none",
    };
    PlanDocumentStep {
        id: step.id,
        title: step.title,
        action,
        what: match taken_back {
            true => "the credential of this run is removed",
            false => step.decision.what(),
        },
        differences: step.decision.details(),
        before: surveyed.then(|| step.decision.state()),
        after: if hold.is_some() {
            StepState::Blocked
        } else {
            StepState::InPlace
        },
        usually,
        hold,
        requests,
    }
}
