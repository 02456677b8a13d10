//! Checks alone, without a plan: what they look at is read at once, and judged.

use super::survey::{note_clock, note_earlier_peerings, observe};
use crate::doctor::{self, Need, Probe};
use crate::errors::{Kind, Problem};
use crate::plan::{Check, Event, StepId};
use crate::steps::{Part, Run, Stop, adopt, preflight, read_tenants};

/// Reads what these checks look at, and judges. What cannot be read is a finding too, and ends nothing.
///
/// # Errors
/// When Azure cannot be reached at all.
pub async fn examine(run: &Run, probes: &[&Probe]) -> Result<Vec<Check>, Problem> {
    run.emit(Event::Surveying);
    let needs = doctor::needs(probes, &run.intent);
    let all = run.intent.steps();
    let steps: Vec<StepId> = all.into_iter().filter(|id| needs.contains(&Need::Step(*id))).collect();
    let parts = needs.iter().filter_map(|need| match need {
        Need::Part(part) => Some(*part),
        Need::Step(_) => None,
    });
    let (after, parts): (Vec<Part>, Vec<Part>) = parts.partition(|part| Part::AFTER_STEPS.contains(part));
    let (introduced, failed, ()) = tokio::join!(run.introduced(), observe(run, &steps), preflight::read(run, &parts));
    introduced?;
    let network = |problem: &&Problem| problem.kind == Kind::Network && problem.step == Some(StepId::Peering);
    if let Some(problem) = failed.iter().find(network) {
        return Err(problem.clone());
    }
    let unread = failed.into_iter().filter_map(|problem| Some((problem.step?, problem)));
    run.learn(|facts| facts.preflight.unread.extend(unread));
    let (adopted, (), ()) = tokio::join!(adopt(run), preflight::read(run, &after), read_tenants(run));
    if let Err(Stop::Failed(problem)) = adopted {
        run.learn(|facts| _ = facts.preflight.unread.insert(StepId::OwnApp, *problem));
    }
    note_earlier_peerings(run);
    note_clock(run);
    let checks = doctor::examine(probes, &run.intent, &run.facts());
    run.emit(Event::Checked(checks.clone()));
    Ok(checks)
}
