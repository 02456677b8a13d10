//! `peerctl azure setup`: the whole peering.

mod args;

pub use args::Args;

use super::ended::{Ended, Turn, blocked};
use super::frame::{Errand, Frame, conduct};
use super::output::{OutputArgs, print};
use crate::engine;
use crate::errors::{Kind, Outcome, Problem};
use crate::input::{Gathered, Halt, Options};
use crate::plan::{Event, Intent, Plan, StepId};
use crate::render::az;
use crate::steps::Run;
use crate::ui::{self, Answer, summary};

/// Runs the set-up and prints its result.
///
/// # Errors
/// When the embedded Azure cannot start, or standard output cannot be written.
pub async fn run(args: Args, output: &OutputArgs) -> anyhow::Result<Outcome> {
    let errand = Errand {
        flags: vec![("consent", args.consent.as_deref())],
        switches: args.switches().to_vec(),
        options: Options {
            no_wait: args.no_wait,
            peering_settings: args.peering_settings(),
            share: args.share(),
            ..Options::default()
        },
        yes: Some(args.yes),
        dry_run: args.dry_run,
        ticket: args.report.as_deref(),
        undo: Some("azure teardown"),
        hands_over: &[
            StepId::Consent,
            StepId::OwnApp,
            StepId::RoleDefinition,
            StepId::RoleAssignment,
        ],
        narrow: false,
        ..Errand::new("azure setup", &args.target)
    };
    let dry_run = args.dry_run;
    conduct(errand, output, async |frame, gathered| {
        if dry_run {
            print(az::script(&gathered.intent).trim_end())?;
            let mut ended = Ended::new(Outcome::Unchanged, None);
            ended.printed = true;
            return Ok(Turn::Ended(ended));
        }
        Ok(set_up(frame, gathered).await)
    })
    .await
}

async fn set_up(frame: &Frame<'_>, gathered: Gathered) -> Turn {
    let (vnet, vendor) = (gathered.intent.vnet.name.clone(), gathered.intent.vendor.name.clone());
    if let Some(problem) = no_such_step(&gathered.intent) {
        return Turn::Ended(Ended::by(problem));
    }
    let (run, mut talk) = match frame.begin(gathered) {
        Ok(begun) => begun,
        Err(problem) => return Turn::Ended(Ended::by(problem)),
    };
    let mut ended = match engine::survey(&run).await {
        Err(problem) => Ended::by(problem),
        Ok(plan) => match decide(frame, &run, &plan).await {
            Ok(Some(ended)) => ended,
            Ok(None) if talk.back() => return Turn::Back(Box::new(talk)),
            Ok(None) | Err(_) => return Turn::Ended(Ended::cancelled()),
        },
    };
    let again = frame.prompter().and_then(|_| frame.again());
    let report = frame.report(ended.outcome);
    ended.text = Some(summary(&report, &vnet, &vendor, again.as_deref(), ui::width()));
    Turn::Ended(ended)
}

/// A step that is to be done alone and that this vendor's way does not have.
fn no_such_step(intent: &Intent) -> Option<Problem> {
    let steps = intent.all_steps();
    let unknown = intent.share.only.iter().find(|step| !steps.contains(step))?;
    let names: Vec<&str> = steps.iter().map(|step| step.name()).collect();
    let what = format!(
        "--only {unknown} cannot be used: {} does without it.",
        intent.vendor.name
    );
    Some(Problem::new(
        Kind::Usage,
        what,
        format!("Its steps are {}.", names.join(", ")),
    ))
}

/// How the run ended; `None` where the user wants to the question before.
///
/// # Errors
/// When the user left.
async fn decide(frame: &Frame<'_>, run: &Run, plan: &Plan) -> Result<Option<Ended>, Halt> {
    if let Some(problem) = blocked(plan) {
        return Ok(Some(Ended::new(Outcome::Blocked, Some(problem))));
    }
    if plan.writes() {
        if let Some(role) = run.intent.vendor.role.as_ref().filter(|_| frame.asks()) {
            run.emit(Event::Notice(format!(
                "{} may then {}",
                run.intent.vendor.short_name, role.grants
            )));
        }
        match frame.confirm("Go ahead?").await? {
            Answer::Value(true) => {}
            Answer::Value(false) => return Ok(Some(Ended::cancelled())),
            Answer::Back => return Ok(None),
        }
    }
    let (outcome, problem) = engine::carry_out(run).await;
    Ok(Some(Ended::new(outcome, problem)))
}
