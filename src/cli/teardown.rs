//! `peerctl azure teardown`: what setup made is removed, in reverse order, and nothing else.

use std::path::PathBuf;

use super::ended::{Ended, Turn};
use super::frame::{Errand, Frame, conduct};
use super::output::OutputArgs;
use super::target::TargetArgs;
use crate::engine;
use crate::errors::Outcome;
use crate::input::{Gathered, Options};
use crate::plan::Goal;
use crate::ui::{self, Answer, removed};

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
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
pub async fn run(args: Args, output: &OutputArgs) -> anyhow::Result<Outcome> {
    let errand = Errand {
        switches: vec![("consent", args.consent), ("no-wait", args.no_wait)],
        options: Options {
            goal: Goal::TearDown { consent: args.consent },
            ..Options::default()
        },
        yes: Some(args.yes),
        ticket: args.report.as_deref(),
        ..Errand::new("azure teardown", &args.target)
    };
    conduct(errand, output, async |frame, gathered| {
        Ok(take_down(frame, gathered).await)
    })
    .await
}

async fn take_down(frame: &Frame<'_>, gathered: Gathered) -> Turn {
    let (vnet, vendor) = (gathered.intent.vnet.name.clone(), gathered.intent.vendor.name.clone());
    let (run, mut talk) = match frame.begin(gathered) {
        Ok(begun) => begun,
        Err(problem) => return Turn::Ended(Ended::by(problem)),
    };
    let plan = match engine::survey(&run).await {
        Ok(plan) => plan,
        Err(problem) => return Turn::Ended(Ended::by(problem)),
    };
    let mut ended = Ended::cancelled();
    let leave = if plan.writes() {
        frame.confirm_removal(&vnet).await
    } else {
        Ok(Answer::Value(true))
    };
    match leave {
        Ok(Answer::Value(true)) => {
            let (outcome, problem) = engine::carry_out(&run).await;
            ended = Ended::new(outcome, problem);
        }
        Ok(Answer::Back) if talk.back() => return Turn::Back(Box::new(talk)),
        Ok(Answer::Value(false)) => {}
        Ok(Answer::Back) | Err(_) => return Turn::Ended(ended),
    }
    let end = frame.run_end(&ended, &run);
    let report = frame.report(ended.outcome);
    ended.text = Some(removed(&report, (&vnet, &vendor), &end, ui::width()));
    Turn::Ended(ended)
}
