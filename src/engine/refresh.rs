//! The first half of a run: everything is read at once, and the plan is made of it. Nothing is written.

use futures::future::join_all;
use tokio::time::Instant;

use super::link_health::is_unread;
use crate::doctor;
use crate::errors::{RunError, RunErrorKind};
use crate::plan::{CheckResult, PeeringIntent, PlannedStep, RunEvent, RunPlan, StepDecision, StepId};
use crate::steps::{
    ObservedState, PreflightPart, StepError, StepRun, decision, preflight, read_tenants, resolve_remote_tenants, step,
    use_existing_app,
};

/// Reads what there is and decides what is to be done.
///
/// # Errors
/// The first thing that could not be read and without which nothing can be decided.
pub async fn refresh(run: &StepRun) -> Result<RunPlan, RunError> {
    run.emit(RunEvent::Surveying);
    read(run).await?;
    note_earlier_peerings(run);
    let plan = plan_of(&run.intent, &run.facts());
    run.emit(RunEvent::Planned(plan.clone()));
    Ok(plan)
}

/// Reads the state again for a command that only reports: the owners of the networks behind the peerings are looked up
/// in any case.
///
/// # Errors
/// As [`refresh`].
pub async fn observe_again(run: &StepRun) -> Result<RunPlan, RunError> {
    run.emit(RunEvent::Surveying);
    read(run).await?;
    read_tenants(run).await;
    note_earlier_peerings(run);
    Ok(plan_of(&run.intent, &run.facts()))
}

/// Forgets what was read, and looks again.
///
/// # Errors
/// As [`refresh`].
pub async fn refresh_again(run: &StepRun) -> Result<RunPlan, RunError> {
    let earlier_peerings = run.facts().earlier_peerings;
    run.update_state(|facts| {
        *facts = ObservedState {
            earlier_peerings,
            ..ObservedState::default()
        };
    });
    read(run).await?;
    read_tenants(run).await;
    Ok(plan_of(&run.intent, &run.facts()))
}

async fn read(run: &StepRun) -> Result<(), RunError> {
    let ids = run.intent.steps();
    // A removal has no use for what only checks look at.
    let parts: &[PreflightPart] = if run.intent.tears_down() {
        &[]
    } else {
        &PreflightPart::AT_SETUP
    };
    let (introduced, failed, ()) = tokio::join!(run.introduced(), observe(run, &ids), preflight::read(run, parts));
    introduced?;
    note_clock(run);
    // A virtual network that is not there fails what is read of it, too: the step that reads the network itself says so.
    if let Some(problem) = failed
        .into_iter()
        .min_by_key(|problem| problem.step != Some(StepId::Peering))
    {
        return Err(problem);
    }
    let (adopted, ()) = tokio::join!(use_existing_app(run), resolve_remote_tenants(run));
    run.update_state(|facts| facts.read_at = Some(Instant::now()));
    match adopted {
        Err(StepError::Failed(problem)) => Err(problem.in_step(StepId::OwnApp)),
        _ => Ok(()),
    }
}

/// Returns whether the step is closed to this identity. An identity that may not read a step may still take others,
/// because the step is up to another person. The network itself is needed by everyone.
fn is_closed(run: &StepRun, id: StepId, problem: &RunError) -> bool {
    let others = matches!(id, StepId::RoleDefinition | StepId::RoleAssignment) || !run.intent.share.includes(id);
    problem.kind == RunErrorKind::Permission && others
}

/// Returns the plan for what was read.
pub fn plan_of(intent: &PeeringIntent, facts: &ObservedState) -> RunPlan {
    let plan = |id: StepId| PlannedStep {
        id,
        title: step(id).title(),
        decision: decision(id, intent, facts),
        unread: is_unread(id, facts),
    };
    let steps: Vec<PlannedStep> = intent.steps().into_iter().map(plan).collect();
    let asks = |step: &PlannedStep| {
        let asks = matches!(
            step.decision,
            StepDecision::Create(_) | StepDecision::Change { .. } | StepDecision::Await { .. }
        );
        step.id == StepId::VendorRequest && asks
    };
    let dns = if steps.iter().any(asks) {
        intent.dns.clone()
    } else {
        Vec::new()
    };
    RunPlan {
        steps,
        checks: checks(intent, facts),
        dns,
    }
}

/// Returns the results of the checks. A removal ignores what prevents a peering.
pub fn checks(intent: &PeeringIntent, facts: &ObservedState) -> Vec<CheckResult> {
    if intent.tears_down() {
        Vec::new()
    } else {
        doctor::checks(intent, facts)
    }
}

/// Has these steps read what they need, side by side, and notes what this sign-in may not read; gives what else went
/// wrong.
pub(super) async fn observe(run: &StepRun, ids: &[StepId]) -> Vec<RunError> {
    let reads = ids.iter().map(|id| async move { (*id, step(*id).observe(run).await) });
    let failed = join_all(reads).await.into_iter().filter_map(|(id, read)| match read {
        Err(StepError::Failed(problem)) if is_closed(run, id, &problem) => {
            run.update_state(|facts| {
                facts.unread.insert(id);
                facts.preflight.unread.insert(id, *problem);
            });
            None
        }
        Err(StepError::Failed(problem)) => Some(problem.in_step(id)),
        // Reading never holds; deciding does.
        Ok(()) | Err(StepError::Held { .. }) => None,
    });
    failed.collect()
}

/// Every answer says what time it is on the other side.
pub(super) fn note_clock(run: &StepRun) {
    let ahead = run.azure.wire().clock_ahead();
    run.update_state(|facts| facts.preflight.clock_ahead = ahead);
}

/// Records the peerings that exist before anything is requested from the vendor. They are the vendor's only if there is
/// evidence of it.
pub(super) fn note_earlier_peerings(run: &StepRun) {
    let facts = run.facts();
    let names = facts
        .vnet
        .iter()
        .flat_map(|vnet| &vnet.peerings)
        .map(|peering| peering.id.name.clone())
        .collect();
    run.update_state(|facts| facts.earlier_peerings = names);
}
