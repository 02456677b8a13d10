//! The one JSON document of a run: a fold of its events. Its shape is versioned and has a golden test.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::errors::{RunError, RunOutcome};
use crate::plan::{
    ActionRequired, CheckResult, LinkHealth, ManualInstructions, PeeringView, ResourceChange, RunEvent, RunPlan,
    RunStats, SignedIn, StepEvent, StepId, StepState,
};

/// The document, as far as the events have come.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunReport {
    schema: u32,
    command: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cloud: Option<String>,
    /// Identity that ran it, and its tenant.
    #[serde(rename = "signedIn", skip_serializing_if = "Option::is_none")]
    who: Option<SignedIn>,
    outcome: RunOutcome,
    inputs: BTreeMap<String, serde_json::Value>,
    steps: Vec<StepReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hand_off: Option<ManualInstructions>,
    peerings: Vec<PeeringView>,
    #[serde(rename = "linkHealth", skip_serializing_if = "Option::is_none")]
    standing: Option<LinkHealth>,
    checks: Vec<CheckResult>,
    stats: RunStats,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<RunError>,
    /// The file that keeps this run's record.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<String>,
    /// Plan of the run, for the record.
    #[serde(skip)]
    plan: Option<RunPlan>,
    /// The command line that undoes it; for the record.
    #[serde(skip)]
    undo: Option<String>,
    /// The steps that `--only` left out, and that nothing is said about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_checked: Vec<StepId>,
    /// Whether the time of `--timeout` ended first.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    timed_out: bool,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct StepReport {
    id: StepId,
    title: &'static str,
    before: StepState,
    after: StepState,
    detail: String,
    changes: Vec<ResourceChange>,
    waited_ms: u64,
    /// Objects that were considered for removal and stay.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    kept: Vec<String>,
    /// The person who has to act, and instructions for them.
    #[serde(rename = "actionRequired", skip_serializing_if = "Option::is_none")]
    hold: Option<ActionRequired>,
}

impl RunReport {
    /// The document of a run that has not begun. A run that ends without a word was cancelled.
    pub fn new(command: &'static str) -> Self {
        Self {
            schema: 1,
            command,
            vendor: None,
            cloud: None,
            who: None,
            outcome: RunOutcome::Cancelled,
            inputs: BTreeMap::new(),
            steps: Vec::new(),
            hand_off: None,
            peerings: Vec::new(),
            standing: None,
            checks: Vec::new(),
            stats: RunStats::default(),
            error: None,
            record: None,
            plan: None,
            undo: None,
            not_checked: Vec::new(),
            timed_out: false,
        }
    }

    /// Notes what the run was asked for.
    pub fn asked(&mut self, vendor: &str, cloud: &str, inputs: BTreeMap<String, serde_json::Value>) {
        self.vendor = Some(vendor.to_owned());
        self.cloud = Some(cloud.to_owned());
        self.inputs = inputs;
    }

    /// Notes the command line that undoes what this run sets up.
    pub fn undone_by(&mut self, command_line: String) {
        self.undo = Some(command_line);
    }

    /// Notes the steps that the run leaves out.
    pub fn leaves_out(&mut self, steps: Vec<StepId>) {
        self.not_checked = steps;
    }

    /// Notes that the run's time was over before the run was.
    pub fn ran_out_of_time(&mut self) {
        self.timed_out = true;
    }

    /// Notes where the record of this run is kept.
    pub fn recorded_in(&mut self, file: String) {
        self.record = Some(file);
    }

    /// The document as it is printed.
    pub fn json(&self) -> String {
        super::document(self)
    }

    /// Returns the state of the link, for a command that reports it.
    pub fn standing(&self) -> Option<&LinkHealth> {
        self.standing.as_ref()
    }

    /// Returns the outcome of the run.
    pub fn outcome(&self) -> RunOutcome {
        self.outcome
    }

    /// `azure setup`.
    pub fn command(&self) -> &'static str {
        self.command
    }

    /// The vendor's id, once it is known.
    pub fn vendor(&self) -> Option<&str> {
        self.vendor.as_deref()
    }

    /// Returns the inputs of the run, without secrets.
    pub fn inputs(&self) -> &BTreeMap<String, serde_json::Value> {
        &self.inputs
    }

    /// The virtual network's name, the last segment of its id, once it is known.
    pub fn vnet(&self) -> Option<&str> {
        let id = self.inputs.get("vnetId").and_then(serde_json::Value::as_str);
        id.and_then(|id| id.rsplit('/').next())
    }

    /// Returns the identity that ran it, once signed in.
    pub fn who(&self) -> Option<&SignedIn> {
        self.who.as_ref()
    }

    /// Returns the plan, once it was decided.
    pub fn plan(&self) -> Option<&RunPlan> {
        self.plan.as_ref()
    }

    /// The command line that undoes it.
    pub fn undo(&self) -> Option<&str> {
        self.undo.as_deref()
    }

    /// The file that keeps its record, once it is written.
    pub fn record(&self) -> Option<&str> {
        self.record.as_deref()
    }

    /// The cloud's name, once it is known.
    pub fn cloud(&self) -> Option<&str> {
        self.cloud.as_deref()
    }

    /// Returns the cost of the run.
    pub fn stats(&self) -> RunStats {
        self.stats
    }

    /// Returns the error of the run.
    pub fn error(&self) -> Option<&RunError> {
        self.error.as_ref()
    }

    /// Returns the required actions, by step.
    pub fn holds(&self) -> impl Iterator<Item = (StepId, &ActionRequired)> {
        self.steps
            .iter()
            .filter_map(|step| Some((step.id, step.hold.as_ref()?)))
    }

    /// Returns the results of the checks.
    pub fn checks(&self) -> &[CheckResult] {
        &self.checks
    }

    /// Both directions of the link, as they were at the end.
    pub fn peerings(&self) -> &[PeeringView] {
        &self.peerings
    }

    /// Returns the objects that were considered for removal and stay.
    pub fn kept(&self) -> impl Iterator<Item = &String> {
        self.steps.iter().flat_map(|step| &step.kept)
    }

    /// Returns the changes so far, with the step that wrote each.
    pub fn changes(&self) -> impl Iterator<Item = (StepId, &ResourceChange)> {
        self.steps
            .iter()
            .flat_map(|step| step.changes.iter().map(move |change| (step.id, change)))
    }

    /// Folds one event in.
    pub fn on(&mut self, event: &RunEvent) {
        match event {
            RunEvent::Planned(plan) => {
                self.checks.clone_from(&plan.checks);
                self.plan = Some(plan.clone());
                self.steps = plan.steps.iter().map(StepReport::planned).collect();
            }
            RunEvent::Step(id, event) => {
                if let StepEvent::HandOff(card) = event {
                    self.hand_off = Some(card.clone());
                }
                if let Some(step) = self.steps.iter_mut().find(|step| step.id == *id) {
                    step.on(event);
                }
            }
            RunEvent::Checked(checks) => self.checks.clone_from(checks),
            RunEvent::Peerings(peerings) => self.peerings.clone_from(peerings),
            RunEvent::Standing(standing) => self.standing = Some(standing.clone()),
            RunEvent::Ended {
                outcome,
                problem,
                stats,
            } => {
                self.outcome = *outcome;
                self.stats = *stats;
                self.error.clone_from(problem);
            }
            RunEvent::SignedIn(who) => self.who = Some(who.clone()),
            RunEvent::SigningIn { .. } | RunEvent::EnterCode { .. } | RunEvent::Surveying | RunEvent::Notice(_) => {}
        }
    }
}

impl StepReport {
    fn planned(step: &crate::plan::PlannedStep) -> Self {
        let state = step.state();
        Self {
            id: step.id,
            title: step.title,
            before: state,
            after: state,
            detail: step.decision.what().to_owned(),
            changes: Vec::new(),
            waited_ms: 0,
            kept: step.decision.kept(),
            hold: None,
        }
    }

    fn on(&mut self, event: &StepEvent) {
        let (state, detail, waited) = match event {
            StepEvent::Changed(change) => return self.changes.push(change.clone()),
            StepEvent::Finished { state, detail, waited } => (*state, detail.clone(), *waited),
            StepEvent::Held {
                state, hold, waited, ..
            } => {
                self.hold = Some(hold.clone());
                (*state, hold.why.clone(), *waited)
            }
            StepEvent::Failed { problem, waited } => (self.after, problem.what.clone(), *waited),
            StepEvent::Skipped { because_of } => {
                self.detail = format!("not tried: {because_of} comes first");
                return;
            }
            StepEvent::Started
            | StepEvent::Doing(_)
            | StepEvent::Waiting { .. }
            | StepEvent::OpenPage { .. }
            | StepEvent::HandOff(_) => return,
        };
        self.after = state;
        self.detail = detail;
        self.waited_ms = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
    }
}
