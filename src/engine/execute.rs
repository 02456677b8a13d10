//! The second half of a run: what is missing is done (or what is setup's is removed), step by step in the order of
//! need, side by side where nothing needs the other.

use std::collections::BTreeMap;

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use super::survey::checks;
use crate::errors::{Outcome, Problem};
use crate::plan::{Decision, Event, Hold, StepEvent, StepId, StepState};
use crate::steps::{Run, Stop, decision, only_rights_are_missing, step, views};

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

/// Does everything that is missing. Each step is decided anew when its turn comes: what was done before it counts.
pub async fn carry_out(run: &Run) -> (Outcome, Option<Problem>) {
    let mut ended: BTreeMap<StepId, Ended> = BTreeMap::new();
    run.begin();
    let steps = run.intent.steps();
    let mut waiting = steps.clone();
    let mut running = FuturesUnordered::new();
    loop {
        let over = |needed: &StepId| ended.contains_key(needed) || !steps.contains(needed);
        let ready = |id: &mut StepId| run.intent.needs(*id).iter().all(over);
        for id in waiting.extract_if(.., ready) {
            let in_the_way = run
                .intent
                .needs(id)
                .into_iter()
                .find(|needed| {
                    ended
                        .get(needed)
                        .is_some_and(|end| !matches!(end, Ended::Settled { .. }))
                })
                .filter(|_| !id.comes_what_may());
            running.push(async move { (id, go(run, id, in_the_way).await) });
        }
        let Some((id, end)) = running.next().await else { break };
        ended.insert(id, end);
    }
    let facts = run.facts();
    run.emit(Event::Checked(checks(&run.intent, &facts)));
    run.emit(Event::Peerings(views(&run.intent, &facts)));
    outcome(ended, run.intent.share.only.is_empty())
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

async fn go(run: &Run, id: StepId, in_the_way: Option<StepId>) -> Ended {
    let step = step(id);
    let decide = || decision(id, &run.intent, &run.facts());
    let decision = decide();
    // A step that this operator may not do needs no turn: whoever can unblock it gets everything in one go.
    if let Some(because_of) = in_the_way.filter(|_| !matches!(decision, Decision::Blocked(_))) {
        run.tell(id, StepEvent::Skipped { because_of });
        return Ended::Skipped;
    }
    let acted = match &decision {
        Decision::InPlace(_) | Decision::Keep(_) | Decision::Absent(_) => {
            finished(run, id, &decision);
            return Ended::Settled { acted: false };
        }
        Decision::Await { what, .. } if !run.intent.share.takes(id) => {
            let hold = Hold {
                who: "whoever takes this step".to_owned(),
                why: what.clone(),
                packet: Vec::new(),
                answer: None,
            };
            let (state, waited) = (StepState::Waiting, run.waited(id));
            let rights = false;
            run.tell(
                id,
                StepEvent::Held {
                    state,
                    hold,
                    rights,
                    waited,
                },
            );
            return Ended::Left;
        }
        Decision::Blocked(hold) => Err(Stop::Held {
            state: StepState::Blocked,
            hold: hold.clone(),
        }),
        Decision::Create(_) | Decision::Change { .. } | Decision::Await { .. } | Decision::Remove { .. } => {
            run.tell(id, StepEvent::Started);
            if run.intent.tears_down() {
                step.undo(run).await
            } else {
                step.act(run, &decision).await
            }
        }
    };
    match acted {
        Ok(()) => {
            finished(run, id, &decide());
            Ended::Settled { acted: true }
        }
        Err(Stop::Held { state, hold }) => {
            run.tell(
                id,
                StepEvent::Held {
                    state,
                    hold,
                    rights: state == StepState::Blocked && only_rights_are_missing(id, &run.intent, &run.facts()),
                    waited: run.waited(id),
                },
            );
            Ended::Held
        }
        Err(Stop::Failed(problem)) => {
            let problem = problem.in_step(id);
            run.tell(
                id,
                StepEvent::Failed {
                    problem: problem.clone(),
                    waited: run.waited(id),
                },
            );
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
