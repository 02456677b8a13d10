//! `peerctl azure repair`: what is wrong with a peering, the exact plan for it, and our half of it done.

use std::path::PathBuf;

use super::command_result::{CommandFlow, CommandResult, blocked};
use super::command_session::{CommandSession, CommandSpec, run_command};
use super::help::long;
use super::output::OutputArgs;
use super::switches::SwitchArgs;
use super::target::TargetArgs;
use crate::engine;
use crate::errors::{RunError, RunOutcome};
use crate::input::{GatherOptions, GatheredInputs};
use crate::plan::{HealthStatus, LinkHealth, RunEvent, RunGoal, RunPlan, StepId};
use crate::steps::{StepRun, VendorPeering};
use crate::ui::{self, PromptResult, RunEnd, left_alone, repaired};

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = long(DETAILS, EXAMPLES))]
pub struct RepairArgs {
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    switches: SwitchArgs,
    /// Append a change report in Markdown to this file
    ///
    /// See 'peerctl azure setup --help'.
    #[arg(long, value_name = "FILE.md", help_heading = "Run")]
    report: Option<PathBuf>,
    /// Repair without confirmation
    #[arg(short, long, help_heading = "Run", display_order = 0)]
    yes: bool,
}

const EXAMPLES: &str = "Examples:\n  peerctl azure repair --vendor kong -g rg-net --vnet app --set network=prod\n  \
peerctl azure repair --profile production --yes";

const DETAILS: &str = "Reconnects Disconnected peerings, syncs peerings whose address space changed, and recreates failed vendor requests. A \
peering whose settings a new one wouldn't have isn't deleted. peerctl names what only the vendor can repair.\n\n\
Exit codes: 0 done, or nothing to repair, 1 a step failed, 2 wrong or missing input, 3 waiting for someone else, 4 blocked \
by a check, 130 canceled.";

/// Repairs, and prints what came of it.
///
/// # Errors
/// When the embedded Azure cannot start, or standard output cannot be written.
pub async fn run(args: RepairArgs, output: &OutputArgs) -> anyhow::Result<RunOutcome> {
    let errand = CommandSpec {
        switches: args.switches.all().to_vec(),
        options: GatherOptions {
            goal: RunGoal::Repair,
            ..GatherOptions::default()
        },
        yes: Some(args.yes),
        ticket: args.report.as_deref(),
        undo: Some("azure teardown"),
        ..CommandSpec::new("azure repair", &args.target)
    };
    run_command(
        errand,
        output,
        async |frame, gathered| Ok(repair(frame, gathered).await),
    )
    .await
}

async fn repair(frame: &CommandSession<'_>, gathered: GatheredInputs) -> CommandFlow {
    let (vnet, vendor) = (gathered.intent.vnet.name.clone(), gathered.intent.vendor.name.clone());
    let (run, mut talk) = match frame.begin(gathered) {
        Ok(begun) => begun,
        Err(problem) => return CommandFlow::Ended(CommandResult::by(problem)),
    };
    let plan = match engine::observe_again(&run).await {
        Ok(plan) => plan,
        Err(problem) => return CommandFlow::Ended(CommandResult::by(problem)),
    };
    let standing = frame.standing(&run, &plan);
    let names = (vnet.as_str(), vendor.as_str());
    let untouched = match standing.verdict {
        HealthStatus::Works if !plan.writes() => Some(RunOutcome::Unchanged),
        HealthStatus::Waiting if standing.faults.is_empty() && !continues(&run, &plan) => Some(RunOutcome::Waiting),
        // A link that works may have lost a role, or have a credential of a killed run beside it.
        HealthStatus::Works | HealthStatus::Waiting | HealthStatus::Broken => None,
    };
    if let Some(outcome) = untouched {
        frame.note_event(&RunEvent::Planned(plan));
        let mut ended = CommandResult::new(outcome, None);
        ended.text = Some(left_alone(&standing, names, ui::width()));
        return CommandFlow::Ended(ended);
    }
    let (outcome, problem) = match apply_repair(frame, &run, &plan, &standing).await {
        Some(PromptResult::Value(ended)) => ended,
        Some(PromptResult::Back) if talk.back() => return CommandFlow::Back(Box::new(talk)),
        Some(PromptResult::Back) | None => return CommandFlow::Ended(CommandResult::cancelled()),
    };
    let mut ended = CommandResult::new(outcome, problem);
    let end = RunEnd {
        again: None,
        undo: None,
        ..frame.run_end(&ended, &run)
    };
    ended.text = Some(repaired(&frame.report(outcome), &standing, names, &end, ui::width()));
    CommandFlow::Ended(ended)
}

/// Returns whether a repair that was stopped between two writes left something to continue: the prerequisites are in
/// place, or half of the link is. A link that was never set up is set up by `azure setup`.
fn continues(run: &StepRun, plan: &RunPlan) -> bool {
    let facts = run.facts();
    let half = facts.remote_peering.is_some() || facts.vendor_peering(&run.intent) != VendorPeering::None;
    let laid = plan.is_in_place(StepId::RoleAssignment);
    (half || laid) && plan.writes()
}

/// Says what is wrong, shows the plan, asks, and does our half; `None` where the user left.
async fn apply_repair(
    frame: &CommandSession<'_>,
    run: &StepRun,
    plan: &RunPlan,
    standing: &LinkHealth,
) -> Option<PromptResult<(RunOutcome, Option<RunError>)>> {
    for fault in &standing.faults {
        let does = [fault.ours.as_ref(), fault.theirs.as_ref()];
        let does: Vec<&str> = does.into_iter().flatten().map(String::as_str).collect();
        frame.tell(RunEvent::Notice(format!("{} {}", fault.what, does.join(" "))));
    }
    frame.tell(RunEvent::Planned(plan.clone()));
    if let Some(problem) = blocked(plan) {
        return Some(PromptResult::Value((RunOutcome::Blocked, Some(problem))));
    }
    if plan.writes() {
        match frame.confirm("Repair this?").await.ok()? {
            PromptResult::Value(true) => {}
            PromptResult::Value(false) => return Some(PromptResult::Value((RunOutcome::Cancelled, None))),
            PromptResult::Back => return Some(PromptResult::Back),
        }
    }
    Some(PromptResult::Value(engine::execute(run).await))
}
