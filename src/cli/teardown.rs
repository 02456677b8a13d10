//! `peerctl azure teardown`: what setup made is removed, in reverse order, and nothing else.

use std::path::PathBuf;

use super::command_result::{CommandFlow, CommandResult};
use super::command_session::{CommandSession, CommandSpec, run_command};
use super::help::long;
use super::output::OutputArgs;
use super::target::TargetArgs;
use crate::engine;
use crate::errors::RunOutcome;
use crate::input::{GatherOptions, GatheredInputs};
use crate::plan::RunGoal;
use crate::ui::{self, PromptResult, removed};

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = long(DETAILS, EXAMPLES))]
pub struct TeardownArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// Also delete the vendor's service principal
    ///
    /// This disconnects every peering with this vendor in the tenant.
    #[arg(long, help_heading = "Run")]
    consent: bool,
    /// Don't wait for the vendor; exit with code 3 instead
    ///
    /// Run the command again later to continue.
    #[arg(long, help_heading = "Run")]
    no_wait: bool,
    /// Append a change report in Markdown to this file
    ///
    /// See 'peerctl azure setup --help'.
    #[arg(long, value_name = "FILE.md", help_heading = "Run")]
    report: Option<PathBuf>,
    /// Delete without confirmation
    #[arg(short, long, help_heading = "Run", display_order = 0)]
    yes: bool,
}

const EXAMPLES: &str = "Examples:\n  peerctl azure teardown --vendor kong -g rg-net --vnet app --set network=prod\n  \
peerctl azure teardown --profile production --no-input --yes";

const DETAILS: &str = "Deletes only resources that carry IDs and names created by setup and that nothing else uses; lists what it keeps. A Kong \
gateway and a peering with another tenant are matched by name only. A peering is deleted only if its network or tenant is \
proven to be the vendor's, or if --peering-name names it. You can cancel and repeat a teardown at any time.\n\n\
Exit codes: 0 done, or nothing to remove, 1 a step failed, 2 wrong or missing input, 3 waiting for someone else, 130 \
canceled.";

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
    run_command(errand, output, async |frame, gathered| {
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
    let plan = match engine::refresh(&run).await {
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
            let (outcome, problem) = engine::execute(&run).await;
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
