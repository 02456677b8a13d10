//! The second half of a run: what is missing is done (or what is setup's is removed), step by step in the order of
//! need, side by side where nothing needs the other. What a step has written is built on at once, while it is read back.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};

use super::survey::{checks, look_again, plan_of};
use crate::errors::{Outcome, Problem};
use crate::plan::{Decision, Event, Hold, StepEvent, StepId, StepState};
use crate::steps::{Run, Seat, Stop, Turn, decision, only_rights_are_missing, step, turn, views};

/// How one step ended.
enum Ended {
    /// As it shall be: in place, or gone.
    Settled {
        acted: bool,
    },
    Held,
    /// Somebody else's, and not in place.
    Left,
    Failed(Box<Problem>),
    Skipped,
}

/// What a step has come to.
enum Stage {
    /// What it writes is accepted, and others may build on it; it still reads it back. Runs beside this one that want to
    /// write the same wait for that.
    Written(Option<Turn>),
    Over(Ended),
}

/// Does everything that is missing. Each step is decided again when its turn comes: what was done before it counts. What
/// the plan did not show is not written.
pub async fn carry_out(run: &Run) -> (Outcome, Option<Problem>) {
    run.confirm();
    if let Err(problem) = read_again(run).await {
        return (Outcome::Failed, Some(problem));
    }
    let mut written: BTreeSet<StepId> = BTreeSet::new();
    let mut ended: BTreeMap<StepId, Ended> = BTreeMap::new();
    let steps = run.intent.steps();
    let mut waiting = steps.clone();
    let mut running: FuturesUnordered<BoxFuture<'_, (StepId, Stage, Seat<'_>)>> = FuturesUnordered::new();
    // Of the step that ended last: what is due now takes its place.
    let mut seat = None;
    loop {
        let ready = |id: &mut StepId| {
            let over = |needed: &StepId| ended.contains_key(needed) || !steps.contains(needed);
            // A person is asked for the last step once everything that it needs is really there.
            let early = !id.judges() && !run.intent.is_by_hand(*id);
            let far_enough = |needed: &StepId| over(needed) || (early && written.contains(needed));
            run.intent.needs(*id).iter().all(far_enough)
        };
        for id in waiting.extract_if(.., ready) {
            let missing =
                |needed: &StepId| matches!(ended.get(needed), Some(end) if !matches!(end, Ended::Settled { .. }));
            let in_the_way = run.intent.needs(id).into_iter().find(missing);
            let in_the_way = in_the_way.filter(|_| !id.comes_what_may());
            running.push(at_a_desk(run, id, async move { write(run, id, in_the_way).await }).boxed());
        }
        drop(seat.take());
        match running.next().await {
            None => break,
            Some((id, Stage::Written(turn), from)) => {
                written.insert(id);
                run.learn(|facts| _ = facts.unconfirmed.insert(id));
                let read_back = async move {
                    let ended = read_back(run, id).await;
                    drop(turn);
                    Stage::Over(ended)
                };
                running.push(at_a_desk(run, id, read_back).boxed());
                seat = Some(from);
            }
            Some((id, Stage::Over(end), from)) => {
                run.learn(|facts| _ = facts.unconfirmed.remove(&id));
                ended.insert(id, end);
                seat = Some(from);
            }
        }
    }
    let facts = run.facts();
    run.emit(Event::Checked(checks(&run.intent, &facts)));
    run.emit(Event::Peerings(views(&run.intent, &facts)));
    outcome(ended, run.intent.share.only.is_empty())
}

/// Reads once more what the plan was made of, where somebody took time to confirm it.
async fn read_again(run: &Run) -> Result<(), Problem> {
    if run.facts().are_fresh() || !plan_of(&run.intent, &run.facts()).writes() {
        return Ok(());
    }
    let seat = run.desk.seat();
    seat.down(&run.company).await;
    look_again(run).await.map(drop)
}

/// Does a part of a step's work, once the run has a desk; its time begins with the first.
fn at_a_desk<'a>(
    run: &'a Run,
    id: StepId,
    work: impl Future<Output = Stage> + 'a,
) -> impl Future<Output = (StepId, Stage, Seat<'a>)> + 'a {
    let seat = run.desk.seat();
    async move {
        seat.down(&run.company).await;
        run.begin();
        (id, work.await, seat)
    }
}

/// `whole`: the link is wanted, not only some steps of it.
fn outcome(ended: BTreeMap<StepId, Ended>, whole: bool) -> (Outcome, Option<Problem>) {
    let (mut held, mut acted, mut left, mut failed) = (false, false, false, None);
    for end in ended.into_values() {
        match end {
            Ended::Settled { acted: one } => acted |= one,
            // What waits for another step's sake waits.
            Ended::Held | Ended::Skipped => held = true,
            Ended::Left => left = true,
            Ended::Failed(problem) => failed = failed.or(Some(*problem)),
        }
    }
    match failed {
        Some(problem) => (Outcome::Failed, Some(problem)),
        None if held || (left && whole) => (Outcome::Waiting, None),
        None if acted => (Outcome::Done, None),
        None => (Outcome::Unchanged, None),
    }
}

/// The step's turn: what is missing is written (or removed).
async fn write(run: &Run, id: StepId, in_the_way: Option<StepId>) -> Stage {
    let step = step(id);
    let (decision, turn) = match decided(run, id, in_the_way.is_none()).await {
        Ok(decided) => decided,
        Err(stop) => return Stage::Over(stopped(run, id, stop)),
    };
    // A step that this operator may not do needs no turn: whoever can unblock it gets everything in one go.
    if let Some(because_of) = in_the_way.filter(|_| !matches!(decision, Decision::Blocked(_))) {
        run.tell(id, StepEvent::Skipped { because_of });
        return Stage::Over(Ended::Skipped);
    }
    let acted = match &decision {
        Decision::InPlace(_) | Decision::Keep(_) | Decision::Absent(_) => {
            finished(run, id, &decision);
            return Stage::Over(Ended::Settled { acted: false });
        }
        Decision::Await { what, .. } if !run.intent.share.takes(id) => {
            left(run, id, what.clone());
            return Stage::Over(Ended::Left);
        }
        Decision::Blocked(hold) => Err(Stop::Held {
            state: StepState::Blocked,
            hold: hold.clone(),
        }),
        Decision::Create(_) | Decision::Change { .. } | Decision::Await { .. } | Decision::Remove { .. } => {
            match run.confirmed_to_write(id) {
                Err(stop) => Err(stop),
                Ok(()) => {
                    run.tell(id, StepEvent::Started);
                    match run.intent.tears_down() {
                        true => step.undo(run).await,
                        false => step.act(run, &decision).await,
                    }
                }
            }
        }
    };
    match acted {
        Ok(()) => Stage::Written(turn),
        Err(stop) => Stage::Over(stopped(run, id, stop)),
    }
}

/// What is to be done; where it is to be written now, once it is this run's turn to write it, by what others have left.
async fn decided(run: &Run, id: StepId, now: bool) -> Result<(Decision, Option<Turn>), Stop> {
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
async fn read_back(run: &Run, id: StepId) -> Ended {
    // What is removed is looked for by who removes it.
    let seen = match run.intent.tears_down() {
        true => Ok(()),
        false => step(id).confirm(run).await,
    };
    match seen {
        Ok(()) => {
            finished(run, id, &decision(id, &run.intent, &run.facts()));
            Ended::Settled { acted: true }
        }
        Err(stop) => stopped(run, id, stop),
    }
}

fn left(run: &Run, id: StepId, what: String) {
    let hold = Hold {
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

fn stopped(run: &Run, id: StepId, stop: Stop) -> Ended {
    match stop {
        Stop::Held { state, hold } => {
            let held = StepEvent::Held {
                state,
                hold,
                rights: state == StepState::Blocked && only_rights_are_missing(id, &run.intent, &run.facts()),
                waited: run.waited(id),
            };
            run.tell(id, held);
            Ended::Held
        }
        Stop::Failed(problem) => {
            let problem = problem.in_step(id);
            let failed = StepEvent::Failed {
                problem: problem.clone(),
                waited: run.waited(id),
            };
            run.tell(id, failed);
            Ended::Failed(Box::new(problem))
        }
    }
}

fn finished(run: &Run, id: StepId, after: &Decision) {
    let state = match after {
        Decision::Absent(_) => StepState::Missing,
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
