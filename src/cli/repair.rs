//! `peerctl azure repair`: what is wrong with a peering, the exact plan for it, and our half of it done.

use std::path::PathBuf;

use super::ended::{Ended, Turn, blocked};
use super::frame::{Errand, Frame, conduct};
use super::output::OutputArgs;
use super::switches::SwitchArgs;
use super::target::TargetArgs;
use crate::engine;
use crate::errors::{Outcome, Problem};
use crate::input::{Gathered, Options};
use crate::plan::{Event, Goal, Plan, Standing, StepId, Verdict};
use crate::steps::{Run, VendorPeering};
use crate::ui::{self, Answer, RunEnd, left_alone, repaired};

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    switches: SwitchArgs,
    /// Write what was wrong, changed and sent as Markdown, for a change ticket; as in `azure setup`
    #[arg(long, value_name = "FILE.md")]
    report: Option<PathBuf>,
    /// Do not ask for confirmation
    #[arg(short, long)]
    yes: bool,
}

const EXAMPLES: &str = "A Disconnected peering is connected again; one whose addresses have changed is synced; a request that the vendor gave\n\
up is deleted and sent again. A peering with settings that a new one would not have is not deleted. What only the\n\
vendor can do is named.\n\n\
Exit codes: 0 done, or nothing to repair, 1 a step failed, 2 wrong or missing input, 3 waiting for someone else,\n\
4 a check found what blocks, 130 stopped by you.\n\n\
Example:\n  peerctl azure repair --vendor kong --vnet-id /subscriptions/… --set network=my-network";

/// Repairs, and prints what came of it.
///
/// # Errors
/// When the embedded Azure cannot start, or standard output cannot be written.
pub async fn run(args: Args, output: &OutputArgs) -> anyhow::Result<Outcome> {
    let errand = Errand {
        switches: args.switches.all().to_vec(),
        options: Options {
            goal: Goal::Repair,
            ..Options::default()
        },
        yes: Some(args.yes),
        ticket: args.report.as_deref(),
        undo: Some("azure teardown"),
        ..Errand::new("azure repair", &args.target)
    };
    conduct(
        errand,
        output,
        async |frame, gathered| Ok(repair(frame, gathered).await),
    )
    .await
}

async fn repair(frame: &Frame<'_>, gathered: Gathered) -> Turn {
    let (vnet, vendor) = (gathered.intent.vnet.name.clone(), gathered.intent.vendor.name.clone());
    let (run, mut talk) = match frame.begin(gathered) {
        Ok(begun) => begun,
        Err(problem) => return Turn::Ended(Ended::by(problem)),
    };
    let plan = match engine::look(&run).await {
        Ok(plan) => plan,
        Err(problem) => return Turn::Ended(Ended::by(problem)),
    };
    let standing = frame.standing(&run, &plan);
    let names = (vnet.as_str(), vendor.as_str());
    let untouched = match standing.verdict {
        Verdict::Works if !plan.writes() => Some(Outcome::Unchanged),
        Verdict::Waiting if standing.faults.is_empty() && !goes_on(&run, &plan) => Some(Outcome::Waiting),
        // A link that works may have lost a role, or have a credential of a killed run beside it.
        Verdict::Works | Verdict::Waiting | Verdict::Broken => None,
    };
    if let Some(outcome) = untouched {
        frame.note_event(&Event::Planned(plan));
        let mut ended = Ended::new(outcome, None);
        ended.text = Some(left_alone(&standing, names, ui::width()));
        return Turn::Ended(ended);
    }
    let (outcome, problem) = match mend(frame, &run, &plan, &standing).await {
        Some(Answer::Value(ended)) => ended,
        Some(Answer::Back) if talk.back() => return Turn::Back(Box::new(talk)),
        Some(Answer::Back) | None => return Turn::Ended(Ended::cancelled()),
    };
    let mut ended = Ended::new(outcome, problem);
    let end = RunEnd {
        again: None,
        undo: None,
        ..frame.run_end(&ended, &run)
    };
    ended.text = Some(repaired(&frame.report(outcome), &standing, names, &end, ui::width()));
    Turn::Ended(ended)
}

/// Whether a repair that was stopped between two writes left something for us to do: the ground is laid, or half of the
/// link is there. What was never set up is set up by `azure setup`.
fn goes_on(run: &Run, plan: &Plan) -> bool {
    let facts = run.facts();
    let half = facts.remote_peering.is_some() || facts.vendor_peering(&run.intent) != VendorPeering::None;
    let laid = plan.is_in_place(StepId::RoleAssignment);
    (half || laid) && plan.writes()
}

/// Says what is wrong, shows the plan, asks, and does our half; `None` where the user left.
async fn mend(
    frame: &Frame<'_>,
    run: &Run,
    plan: &Plan,
    standing: &Standing,
) -> Option<Answer<(Outcome, Option<Problem>)>> {
    for fault in &standing.faults {
        let does = [fault.ours.as_ref(), fault.theirs.as_ref()];
        let does: Vec<&str> = does.into_iter().flatten().map(String::as_str).collect();
        frame.tell(Event::Notice(format!("{} {}", fault.what, does.join(" "))));
    }
    frame.tell(Event::Planned(plan.clone()));
    if let Some(problem) = blocked(plan) {
        return Some(Answer::Value((Outcome::Blocked, Some(problem))));
    }
    if plan.writes() {
        match frame.confirm("Repair this?").await.ok()? {
            Answer::Value(true) => {}
            Answer::Value(false) => return Some(Answer::Value((Outcome::Cancelled, None))),
            Answer::Back => return Some(Answer::Back),
        }
    }
    Some(Answer::Value(engine::carry_out(run).await))
}
