//! `peerctl azure status`: where a peering stands and whose turn it is. It never writes.

use super::command_result::{CommandFlow, CommandResult};
use super::command_session::{CommandSession, CommandSpec, run_command};
use super::help::long;
use super::output::OutputArgs;
use super::target::TargetArgs;
use crate::engine;
use crate::errors::{RunError, RunErrorKind, RunOutcome};
use crate::input::GatheredInputs;
use crate::limits;
use crate::plan::{HealthStatus, LinkHealth, RunEvent, RunPlan, StepId};
use crate::steps::StepRun;
use crate::ui;

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = long(DETAILS, EXAMPLES))]
pub struct StatusArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// Watch until the peering is connected or broken, or until --timeout
    #[arg(long, help_heading = "Run")]
    watch: bool,
}

const EXAMPLES: &str = "Examples:\n  peerctl azure status --vendor kong -g rg-net --vnet app --set network=prod\n  \
peerctl azure status --profile production --watch --timeout 1h";

const DETAILS: &str = "Exit codes: 0 connected (both directions are Connected and FullyInSync, and the vendor reports ready), 3 in progress \
or action required, 4 broken (waiting doesn't fix it; see 'peerctl azure repair'), 1 the status can't be read, 2 wrong or \
missing input.";

/// Looks, and prints what there is.
///
/// # Errors
/// When the embedded Azure cannot start, or standard output cannot be written.
pub async fn run(args: StatusArgs, output: &OutputArgs) -> anyhow::Result<RunOutcome> {
    let errand = CommandSpec::new("azure status", &args.target);
    let watch = args.watch;
    run_command(errand, output, async |frame, gathered| {
        Ok(CommandFlow::Ended(read_status(frame, gathered, watch).await))
    })
    .await
}

async fn read_status(frame: &CommandSession<'_>, gathered: GatheredInputs, watch: bool) -> CommandResult {
    let run = match frame.begin(gathered) {
        Ok((run, _)) => run,
        Err(problem) => return CommandResult::by(problem),
    };
    let mut seen = match engine::observe_again(&run).await {
        Ok(plan) => StatusSnapshot::of(frame, &run, plan),
        Err(problem) => return CommandResult::by(problem),
    };
    if watch {
        run.begin();
        match until_it_is_over(frame, &run, seen).await {
            Ok(last) => seen = last,
            Err(problem) => return CommandResult::by(problem),
        }
        if seen.standing.verdict == HealthStatus::Waiting && run.out_of_time() {
            let timeout = humantime::format_duration(run.intent.timeout);
            frame.tell(RunEvent::Notice(format!(
                "--timeout {timeout} is over; this is the last state."
            )));
        }
    }
    frame.note_event(&RunEvent::Planned(seen.plan.clone()));
    let (outcome, problem) = seen.outcome();
    let mut ended = CommandResult::new(outcome, problem);
    let names = (run.intent.vnet.name.as_str(), run.intent.vendor.name.as_str());
    let report = frame.report(outcome);
    ended.text = Some(ui::status(&report, &seen.plan, &seen.standing, names, ui::width()));
    ended
}

/// State that one poll returned.
struct StatusSnapshot {
    plan: RunPlan,
    standing: LinkHealth,
}

impl StatusSnapshot {
    fn of(frame: &CommandSession<'_>, run: &StepRun, plan: RunPlan) -> Self {
        let standing = frame.standing(run, &plan);
        Self { plan, standing }
    }

    fn outcome(&self) -> (RunOutcome, Option<RunError>) {
        match self.standing.verdict {
            HealthStatus::Works => (RunOutcome::Unchanged, None),
            HealthStatus::Waiting => (RunOutcome::Waiting, None),
            HealthStatus::Broken => {
                let mut problem =
                    RunError::new(RunErrorKind::Conflict, "The link is broken.", self.standing.why.clone());
                problem.code = self.standing.faults.first().map(|fault| fault.code.clone());
                problem.remedies = self.standing.next.iter().flat_map(remedies).collect();
                (RunOutcome::Blocked, Some(problem))
            }
        }
    }

    /// Returns the changes since `before`, one line each.
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

fn remedies(next: &crate::plan::NextAction) -> Vec<String> {
    if next.packet.is_empty() {
        vec![next.what.clone()]
    } else {
        next.packet.clone()
    }
}

async fn until_it_is_over(
    frame: &CommandSession<'_>,
    run: &StepRun,
    first: StatusSnapshot,
) -> Result<StatusSnapshot, RunError> {
    let (mut seen, [mut wait, longest]) = (first, limits::WATCH);
    while seen.standing.verdict == HealthStatus::Waiting && !run.out_of_time() {
        run.pause(StepId::Verification, wait).await;
        wait = (wait * 3 / 2).min(longest);
        let plan = match engine::refresh_again(run).await {
            Ok(plan) => plan,
            // A network that is away for a while is no news of the link.
            Err(problem) if problem.kind == RunErrorKind::Network && !run.out_of_time() => {
                frame.tell(RunEvent::Notice(format!("{} Looking again.", problem.what)));
                continue;
            }
            Err(problem) => return Err(problem),
        };
        let now = StatusSnapshot::of(frame, run, plan);
        let news = now.news(&seen);
        if !news.is_empty() {
            wait = limits::WATCH[0];
        }
        for line in news {
            frame.tell(RunEvent::Notice(line));
        }
        seen = now;
    }
    Ok(seen)
}
