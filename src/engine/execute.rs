//! The second half of a run: what is missing is done (or what is setup's is removed), step by step in the order of
//! need, side by side where nothing needs the other. What a step has written is built on at once, while it is read back.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};

use super::refresh::{checks, plan_of, refresh_again};
use crate::errors::{RunError, RunOutcome};
use crate::plan::{ActionRequired, RunEvent, StepDecision, StepEvent, StepId, StepState};
use crate::steps::{
    ExclusiveLock, StepError, StepRun, WorkGuard, decision, only_rights_are_missing, step, turn, views,
};

/// Result of one step.
enum StepResult {
    /// As it shall be: in place, or gone.
    Settled {
        acted: bool,
    },
    Held,
    /// Somebody else's, and not in place.
    Left,
    Failed(Box<RunError>),
    Skipped,
}

/// Progress of a step.
enum ExecutionStage {
    /// The write is accepted, and other steps may build on it; the step is still reading it back. Concurrent runs that
    /// need to write the same resource wait for that.
    Written(Option<ExclusiveLock>),
    Over(StepResult),
}

/// Does everything that is missing. Each step is decided again when its turn comes: what was done before it counts. What
/// the plan did not show is not written.
pub async fn execute(run: &StepRun) -> (RunOutcome, Option<RunError>) {
    run.confirm();
    if let Err(problem) = read_again(run).await {
        return (RunOutcome::Failed, Some(problem));
    }
    let mut written: BTreeSet<StepId> = BTreeSet::new();
    let mut ended: BTreeMap<StepId, StepResult> = BTreeMap::new();
    let steps = run.intent.steps();
    let mut waiting = steps.clone();
    let mut running: FuturesUnordered<BoxFuture<'_, (StepId, ExecutionStage, WorkGuard<'_>)>> = FuturesUnordered::new();
    // Of the step that ended last: what is due now takes its place.
    let mut seat = None;
    loop {
        let ready = |id: &mut StepId| {
            let over = |needed: &StepId| ended.contains_key(needed) || !steps.contains(needed);
            // A person is asked for the last step once everything that it needs is really there.
            let early = !id.waits_for_confirmation() && !run.intent.is_by_hand(*id);
            let far_enough = |needed: &StepId| over(needed) || (early && written.contains(needed));
            run.intent.needs(*id).iter().all(far_enough)
        };
        for id in waiting.extract_if(.., ready) {
            let missing =
                |needed: &StepId| matches!(ended.get(needed), Some(end) if !matches!(end, StepResult::Settled { .. }));
            let in_the_way = run.intent.needs(id).into_iter().find(missing);
            let in_the_way = in_the_way.filter(|_| !id.always_runs());
            running.push(with_permit(run, id, async move { write(run, id, in_the_way).await }).boxed());
        }
        drop(seat.take());
        match running.next().await {
            None => break,
            Some((id, ExecutionStage::Written(turn), from)) => {
                written.insert(id);
                run.update_state(|facts| _ = facts.unconfirmed.insert(id));
                let read_back = async move {
                    let ended = read_back(run, id).await;
                    drop(turn);
                    ExecutionStage::Over(ended)
                };
                running.push(with_permit(run, id, read_back).boxed());
                seat = Some(from);
            }
            Some((id, ExecutionStage::Over(end), from)) => {
                run.update_state(|facts| _ = facts.unconfirmed.remove(&id));
                ended.insert(id, end);
                seat = Some(from);
            }
        }
    }
    let facts = run.facts();
    run.emit(RunEvent::Checked(checks(&run.intent, &facts)));
    run.emit(RunEvent::Peerings(views(&run.intent, &facts)));
    outcome(ended, run.intent.share.only.is_empty())
}

/// Reads once more what the plan was made of, where somebody took time to confirm it.
async fn read_again(run: &StepRun) -> Result<(), RunError> {
    if run.facts().are_fresh() || !plan_of(&run.intent, &run.facts()).writes() {
        return Ok(());
    }
    let seat = run.desk.seat();
    seat.acquire(&run.company).await;
    refresh_again(run).await.map(drop)
}

/// Does a part of a step's work, once the run has a desk; its time begins with the first.
fn with_permit<'a>(
    run: &'a StepRun,
    id: StepId,
    work: impl Future<Output = ExecutionStage> + 'a,
) -> impl Future<Output = (StepId, ExecutionStage, WorkGuard<'a>)> + 'a {
    let seat = run.desk.seat();
    async move {
        seat.acquire(&run.company).await;
        run.begin();
        (id, work.await, seat)
    }
}

/// `whole`: the link is wanted, not only some steps of it.
fn outcome(ended: BTreeMap<StepId, StepResult>, whole: bool) -> (RunOutcome, Option<RunError>) {
    let (mut held, mut acted, mut left, mut failed) = (false, false, false, None);
    for end in ended.into_values() {
        match end {
            StepResult::Settled { acted: one } => acted |= one,
            // What waits for another step's sake waits.
            StepResult::Held | StepResult::Skipped => held = true,
            StepResult::Left => left = true,
            StepResult::Failed(problem) => failed = failed.or(Some(*problem)),
        }
    }
    match failed {
        Some(problem) => (RunOutcome::Failed, Some(problem)),
        None if held || (left && whole) => (RunOutcome::Waiting, None),
        None if acted => (RunOutcome::Done, None),
        None => (RunOutcome::Unchanged, None),
    }
}

/// The step's turn: what is missing is written (or removed).
async fn write(run: &StepRun, id: StepId, in_the_way: Option<StepId>) -> ExecutionStage {
    let step = step(id);
    let (decision, turn) = match decided(run, id, in_the_way.is_none()).await {
        Ok(decided) => decided,
        Err(stop) => return ExecutionStage::Over(stopped(run, id, stop)),
    };
    // A step that this operator may not do needs no turn: whoever can unblock it gets everything in one go.
    if let Some(because_of) = in_the_way.filter(|_| !matches!(decision, StepDecision::Blocked(_))) {
        run.tell(id, StepEvent::Skipped { because_of });
        return ExecutionStage::Over(StepResult::Skipped);
    }
    let acted = match &decision {
        StepDecision::InPlace(_) | StepDecision::Keep(_) | StepDecision::Absent(_) => {
            finished(run, id, &decision);
            return ExecutionStage::Over(StepResult::Settled { acted: false });
        }
        StepDecision::Await { what, .. } if !run.intent.share.includes(id) => {
            left(run, id, what.clone());
            return ExecutionStage::Over(StepResult::Left);
        }
        StepDecision::Blocked(hold) => Err(StepError::Held {
            state: StepState::Blocked,
            hold: hold.clone(),
        }),
        StepDecision::Create(_)
        | StepDecision::Change { .. }
        | StepDecision::Await { .. }
        | StepDecision::Remove { .. } => match run.confirmed_to_write(id) {
            Err(stop) => Err(stop),
            Ok(()) => {
                run.tell(id, StepEvent::Started);
                match run.intent.tears_down() {
                    true => step.remove(run).await,
                    false => step.act(run, &decision).await,
                }
            }
        },
    };
    match acted {
        Ok(()) => ExecutionStage::Written(turn),
        Err(stop) => ExecutionStage::Over(stopped(run, id, stop)),
    }
}

/// Returns the decision about the step. If it is to be written now, waits until it is this run's turn to write it, and
/// takes into account what other runs have left.
async fn decided(run: &StepRun, id: StepId, now: bool) -> Result<(StepDecision, Option<ExclusiveLock>), StepError> {
    let before = decision(id, &run.intent, &run.facts());
    if !(now && before.writes()) {
        return Ok((before, None));
    }
    let turn = turn(run, id).await?;
    if turn.as_ref().is_none_or(|turn| !turn.outdated) {
        return Ok((before, turn));
    }
    step(id).observe(run).await?;
    Ok((decision(id, &run.intent, &run.facts()), turn))
}

/// Reads back what the step has written, until it is to be seen.
async fn read_back(run: &StepRun, id: StepId) -> StepResult {
    // What is removed is looked for by who removes it.
    let seen = match run.intent.tears_down() {
        true => Ok(()),
        false => step(id).confirm(run).await,
    };
    match seen {
        Ok(()) => {
            finished(run, id, &decision(id, &run.intent, &run.facts()));
            StepResult::Settled { acted: true }
        }
        Err(stop) => stopped(run, id, stop),
    }
}

fn left(run: &StepRun, id: StepId, what: String) {
    let hold = ActionRequired {
        who: "whoever takes this step".to_owned(),
        why: what,
        packet: Vec::new(),
        answer: None,
    };
    let held = StepEvent::Held {
        state: StepState::Waiting,
        hold,
        rights: false,
        waited: run.waited(id),
    };
    run.tell(id, held);
}

fn stopped(run: &StepRun, id: StepId, stop: StepError) -> StepResult {
    match stop {
        StepError::Held { state, hold } => {
            let held = StepEvent::Held {
                state,
                hold,
                rights: state == StepState::Blocked && only_rights_are_missing(id, &run.intent, &run.facts()),
                waited: run.waited(id),
            };
            run.tell(id, held);
            StepResult::Held
        }
        StepError::Failed(problem) => {
            let problem = problem.in_step(id);
            let failed = StepEvent::Failed {
                problem: problem.clone(),
                waited: run.waited(id),
            };
            run.tell(id, failed);
            StepResult::Failed(Box::new(problem))
        }
    }
}

fn finished(run: &StepRun, id: StepId, after: &StepDecision) {
    let state = match after {
        StepDecision::Absent(_) => StepState::Missing,
        // What was done is done; a list that lags behind does not undo it.
        _ => StepState::InPlace,
    };
    let event = StepEvent::Finished {
        state,
        detail: after.what().to_owned(),
        waited: run.waited(id),
    };
    run.tell(id, event);
}
