//! A plan as one JSON document: what a run would do, step by step, with the requests that it would send. Its shape is
//! versioned and has a golden test.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::Report;
use crate::plan::{Card, Check, Decision, Hold, Intent, Plan, PlannedStep, StepId, StepState, VendorAccess, Write};
use crate::vendors::CreatedBy;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    schema: u32,
    command: &'a str,
    /// Nothing was done.
    dry_run: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cloud: Option<&'a str>,
    /// Whether anybody looked at what is there. Where not, nothing is known to be: every step is to be done.
    surveyed: bool,
    inputs: &'a BTreeMap<String, Value>,
    steps: Vec<Step<'a>>,
    /// What a person has to enter at the vendor.
    #[serde(skip_serializing_if = "Option::is_none")]
    hand_off: Option<Card>,
    checks: &'a [Check],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Step<'a> {
    id: StepId,
    title: &'a str,
    action: &'static str,
    what: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    differences: Vec<String>,
    /// Where it stands; absent where nobody looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<StepState>,
    /// Where it is to stand.
    after: StepState,
    /// How long the one who is awaited usually takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    usually: Option<&'a str>,
    /// Who has to act, and what to give them.
    #[serde(skip_serializing_if = "Option::is_none")]
    hold: Option<&'a Hold>,
    requests: Vec<&'a Write>,
}

/// The document. `report` says what was asked for; `surveyed`: the plan is made from what is there.
pub fn plan_json(report: &Report, intent: &Intent, plan: &Plan, writes: &[Write], surveyed: bool) -> String {
    let by_hand = intent.access == VendorAccess::Manual && intent.vendor.peering.created_by != CreatedBy::Customer;
    let awaited = plan.steps.iter().any(|step| {
        step.id == StepId::VendorRequest && matches!(step.decision, Decision::Await { .. } | Decision::Create(_))
    });
    let document = Document {
        schema: 1,
        command: report.command(),
        dry_run: true,
        vendor: report.vendor(),
        cloud: report.cloud(),
        surveyed,
        inputs: report.inputs(),
        steps: plan.steps.iter().map(|step| planned(step, writes, surveyed)).collect(),
        hand_off: (by_hand && awaited).then(|| intent.card(None)),
        // They look at what was read.
        checks: if surveyed { &plan.checks } else { &[] },
    };
    super::document(&document)
}

fn planned<'a>(step: &'a PlannedStep, writes: &'a [Write], surveyed: bool) -> Step<'a> {
    let requests: Vec<&Write> = writes.iter().filter(|write| write.step == step.id).collect();
    let (usually, hold) = match &step.decision {
        Decision::Await { usually, .. } => (Some(usually.as_str()), None),
        Decision::Blocked(hold) => (None, Some(hold)),
        _ => (None, None),
    };
    // What an earlier step makes for this run alone, a later one takes away: that is seen only once it is there.
    let taken_back = matches!(step.decision, Decision::InPlace(_)) && !requests.is_empty();
    let action = match &step.decision {
        Decision::Create(_) => "create",
        Decision::Change { .. } | Decision::Remove { .. } => "change",
        Decision::Await { .. } => "await",
        Decision::Blocked(_) => "blocked",
        _ if taken_back => "change",
        _ => "none",
    };
    Step {
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
