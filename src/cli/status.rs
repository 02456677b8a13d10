//! `peerctl azure status`: where a peering stands and whose turn it is. It never writes.

use super::ended::{Ended, Turn};
use super::frame::{Errand, Frame, conduct};
use super::output::OutputArgs;
use super::target::TargetArgs;
use crate::engine;
use crate::errors::{Kind, Outcome, Problem};
use crate::input::Gathered;
use crate::limits;
use crate::plan::{Event, Plan, Standing, StepId, Verdict};
use crate::steps::Run;
use crate::ui;

#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// Look again until the link works, breaks, or --timeout is over; say what changes
    #[arg(long)]
    watch: bool,
}

const EXIT_CODES: &str = "Exit codes: 0 both directions are Connected and FullyInSync and the vendor says ready,\n\
3 someone has to act (also to sync a peering that carries traffic) or is at work,\n\
4 it is broken and waiting doesn't fix it (peerctl azure repair),\n\
1 it could not be read, 2 wrong or missing input.\n\n\
Examples:\n  peerctl azure status --vendor kong --vnet-id /subscriptions/… --set network=my-network\n  \
peerctl azure status … --watch --timeout 1h && deploy";

/// Looks, and prints what there is.
///
/// # Errors
/// When the embedded Azure cannot start, or standard output cannot be written.
pub async fn run(args: Args, output: &OutputArgs) -> anyhow::Result<Outcome> {
    let errand = Errand::new("azure status", &args.target);
    let watch = args.watch;
    conduct(errand, output, async |frame, gathered| {
        Ok(Turn::Ended(look(frame, gathered, watch).await))
    })
    .await
}

async fn look(frame: &Frame<'_>, gathered: Gathered, watch: bool) -> Ended {
    let run = match frame.begin(gathered) {
        Ok((run, _)) => run,
        Err(problem) => return Ended::by(problem),
    };
    let mut seen = match engine::look(&run).await {
        Ok(plan) => Seen::of(frame, &run, plan),
        Err(problem) => return Ended::by(problem),
    };
    if watch {
        run.begin();
        match until_it_is_over(frame, &run, seen).await {
            Ok(last) => seen = last,
            Err(problem) => return Ended::by(problem),
        }
        if seen.standing.verdict == Verdict::Waiting && run.out_of_time() {
            let timeout = humantime::format_duration(run.intent.timeout);
            frame.tell(Event::Notice(format!(
                "--timeout {timeout} is over; this is the last state."
            )));
        }
    }
    frame.note_event(&Event::Planned(seen.plan.clone()));
    let (outcome, problem) = seen.outcome();
    let mut ended = Ended::new(outcome, problem);
    let names = (run.intent.vnet.name.as_str(), run.intent.vendor.name.as_str());
    let report = frame.report(outcome);
    ended.text = Some(ui::status(&report, &seen.plan, &seen.standing, names, ui::width()));
    ended
}

/// What one look showed.
struct Seen {
    plan: Plan,
    standing: Standing,
}

impl Seen {
    fn of(frame: &Frame<'_>, run: &Run, plan: Plan) -> Self {
        let standing = frame.standing(run, &plan);
        Self { plan, standing }
    }

    fn outcome(&self) -> (Outcome, Option<Problem>) {
        match self.standing.verdict {
            Verdict::Works => (Outcome::Unchanged, None),
            Verdict::Waiting => (Outcome::Waiting, None),
            Verdict::Broken => {
                let mut problem = Problem::new(Kind::Conflict, "The link is broken.", self.standing.why.clone());
                problem.code = self.standing.faults.first().map(|fault| fault.code.clone());
                problem.remedies = self.standing.next.iter().flat_map(remedies).collect();
                (Outcome::Blocked, Some(problem))
            }
        }
    }

    /// What changed since `before`, a line each.
    fn news(&self, before: &Self) -> Vec<String> {
        let word = |seen: &Self, id: StepId| {
            let step = seen.plan.steps.iter().find(|step| step.id == id);
            step.map(|step| format!("{}: {}", step.decision.state(), step.decision.what()))
        };
        let ids = self.plan.steps.iter().map(|step| step.id);
        let steps = ids.filter(|id| word(self, *id) != word(before, *id));
        let steps = steps.filter_map(|id| Some(format!("{id}: {}", word(self, id)?)));
        let request = self.standing.request.as_ref().map(|request| &request.state);
        let changed = request.filter(|state| Some(*state) != before.standing.request.as_ref().map(|old| &old.state));
        let request = changed.map(|state| format!("the vendor says {state}"));
        steps.chain(request).collect()
    }
}

fn remedies(next: &crate::plan::Next) -> Vec<String> {
    if next.packet.is_empty() {
        vec![next.what.clone()]
    } else {
        next.packet.clone()
    }
}

async fn until_it_is_over(frame: &Frame<'_>, run: &Run, first: Seen) -> Result<Seen, Problem> {
    let (mut seen, [mut wait, longest]) = (first, limits::WATCH);
    while seen.standing.verdict == Verdict::Waiting && !run.out_of_time() {
        run.pause(StepId::Verification, wait).await;
        wait = (wait * 3 / 2).min(longest);
        let plan = match engine::look_again(run).await {
            Ok(plan) => plan,
            // A network that is away for a while is no news of the link.
            Err(problem) if problem.kind == Kind::Network && !run.out_of_time() => {
                frame.tell(Event::Notice(format!("{} Looking again.", problem.what)));
                continue;
            }
            Err(problem) => return Err(problem),
        };
        let now = Seen::of(frame, run, plan);
        let news = now.news(&seen);
        if !news.is_empty() {
            wait = limits::WATCH[0];
        }
        for line in news {
            frame.tell(Event::Notice(line));
        }
        seen = now;
    }
    Ok(seen)
}
