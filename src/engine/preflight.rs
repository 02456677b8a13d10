//! Checks alone, without a plan: what they look at is read at once, and judged.

use super::refresh::{note_clock, note_earlier_peerings, observe};
use crate::doctor::{self, CheckNeed, DoctorCheck};
use crate::errors::{RunError, RunErrorKind};
use crate::plan::{CheckResult, RunEvent, StepId};
use crate::steps::{PreflightPart, StepError, StepRun, preflight, read_tenants, use_existing_app};

/// Reads what these checks look at, and judges. What cannot be read is a finding too, and ends nothing.
///
/// # Errors
/// When Azure cannot be reached at all.
pub async fn run_preflight(run: &StepRun, probes: &[&DoctorCheck]) -> Result<Vec<CheckResult>, RunError> {
    run.emit(RunEvent::Surveying);
    let needs = doctor::needs(probes, &run.intent);
    let all = run.intent.steps();
    let steps: Vec<StepId> = all
        .into_iter()
        .filter(|id| needs.contains(&CheckNeed::Step(*id)))
        .collect();
    let parts = needs.iter().filter_map(|need| match need {
        CheckNeed::Part(part) => Some(*part),
        CheckNeed::Step(_) => None,
    });
    let (after, parts): (Vec<PreflightPart>, Vec<PreflightPart>) =
        parts.partition(|part| PreflightPart::AFTER_STEPS.contains(part));
    let (introduced, failed, ()) = tokio::join!(run.introduced(), observe(run, &steps), preflight::read(run, &parts));
    introduced?;
    let network = |problem: &&RunError| problem.kind == RunErrorKind::Network && problem.step == Some(StepId::Peering);
    if let Some(problem) = failed.iter().find(network) {
        return Err(problem.clone());
    }
    let unread = failed.into_iter().filter_map(|problem| Some((problem.step?, problem)));
    run.update_state(|facts| facts.preflight.unread.extend(unread));
    let (adopted, (), ()) = tokio::join!(use_existing_app(run), preflight::read(run, &after), read_tenants(run));
    if let Err(StepError::Failed(problem)) = adopted {
        run.update_state(|facts| _ = facts.preflight.unread.insert(StepId::OwnApp, *problem));
    }
    note_earlier_peerings(run);
    note_clock(run);
    let checks = doctor::run_checks(probes, &run.intent, &run.facts());
    run.emit(RunEvent::Checked(checks.clone()));
    Ok(checks)
}
