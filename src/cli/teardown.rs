//! `peerctl azure teardown`: what setup made is removed, in reverse order, and nothing else.

use std::path::PathBuf;

use super::ended::{CommandFlow, CommandResult};
use super::frame::{CommandSession, CommandSpec, conduct};
use super::output::OutputArgs;
use super::target::TargetArgs;
use crate::engine;
use crate::errors::RunOutcome;
use crate::input::{GatherOptions, GatheredInputs};
use crate::plan::RunGoal;
use crate::ui::{self, PromptResult, removed};

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct TeardownArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// Remove the vendor's service principal from the tenant, too: nobody in it is connected with the vendor any more
    #[arg(long)]
    consent: bool,
    /// Do not wait for the vendor or for a person: exit 3, and run again later
    #[arg(long)]
    no_wait: bool,
    /// Write what was decided, removed and sent as Markdown, for a change ticket; as in `azure setup`
    #[arg(long, value_name = "FILE.md")]
    report: Option<PathBuf>,
    /// Do not ask for confirmation
    #[arg(short, long)]
    yes: bool,
}

const EXAMPLES: &str = "Removed is what carries setup's own ids and names, and only where nobody else uses it; what stays is listed.\n\
Of a Kong gateway and of a peering with any other tenant the name alone decides: one of setup's name is taken for setup's.\n\
A peering is deleted only if its network, or its tenant, is proven to be the vendor's, or --peering-name names it.\n\
It is safe to stop and to repeat.\n\n\
Exit codes: 0 done, or nothing to remove, 1 a step failed, 2 wrong or missing input, 3 waiting for someone else,\n\
130 stopped by you.\n\n\
Example:\n  peerctl azure teardown --vendor kong --vnet-id /subscriptions/… --set network=my-network --no-input --yes";

/// Removes, and prints what went and what stays.
///
/// # Errors
/// When the embedded Azure cannot start, or standard output cannot be written.
pub async fn run(args: TeardownArgs, output: &OutputArgs) -> anyhow::Result<RunOutcome> {
    let errand = CommandSpec {
        switches: vec![("consent", args.consent), ("no-wait", args.no_wait)],
        options: GatherOptions {
            goal: RunGoal::TearDown { consent: args.consent },
            ..GatherOptions::default()
        },
        yes: Some(args.yes),
        ticket: args.report.as_deref(),
        ..CommandSpec::new("azure teardown", &args.target)
    };
    conduct(errand, output, async |frame, gathered| {
        Ok(take_down(frame, gathered).await)
    })
    .await
}

async fn take_down(frame: &CommandSession<'_>, gathered: GatheredInputs) -> CommandFlow {
    let (vnet, vendor) = (gathered.intent.vnet.name.clone(), gathered.intent.vendor.name.clone());
    let (run, mut talk) = match frame.begin(gathered) {
        Ok(begun) => begun,
        Err(problem) => return CommandFlow::Ended(CommandResult::by(problem)),
    };
    let plan = match engine::survey(&run).await {
        Ok(plan) => plan,
        Err(problem) => return CommandFlow::Ended(CommandResult::by(problem)),
    };
    let mut ended = CommandResult::cancelled();
    let leave = if plan.writes() {
        frame.confirm_removal(&vnet).await
    } else {
        Ok(PromptResult::Value(true))
    };
    match leave {
        Ok(PromptResult::Value(true)) => {
            let (outcome, problem) = engine::carry_out(&run).await;
            ended = CommandResult::new(outcome, problem);
        }
        Ok(PromptResult::Back) if talk.back() => return CommandFlow::Back(Box::new(talk)),
        Ok(PromptResult::Value(false)) => {}
        Ok(PromptResult::Back) | Err(_) => return CommandFlow::Ended(ended),
    }
    let end = frame.run_end(&ended, &run);
    let report = frame.report(ended.outcome);
    ended.text = Some(removed(&report, (&vnet, &vendor), &end, ui::width()));
    CommandFlow::Ended(ended)
}
