//! `peerctl azure setup`: the whole peering.

mod args;
mod dry_run;

pub use args::Args;
use dry_run::Format;

use super::ended::{Ended, Turn, blocked};
use super::frame::{Errand, Frame, conduct};
use super::output::OutputArgs;
use crate::engine;
use crate::errors::{Kind, Outcome, Problem};
use crate::input::{Gathered, Halt, Options};
use crate::plan::{Event, Intent, Plan, StepId};
use crate::steps::Run;
use crate::ui::{self, Answer, summary};

/// Runs the set-up and prints its result.
///
/// # Errors
/// When the embedded Azure cannot start, or standard output cannot be written.
pub async fn run(args: Args, output: &OutputArgs) -> anyhow::Result<Outcome> {
    let errand = Errand {
        flags: vec![("consent", args.consent.as_deref())],
        switches: args.switches.all().to_vec(),
        options: Options {
            share: args.share(),
            ..Options::default()
        },
        yes: Some(args.yes),
        dry_run: args.dry_run,
        survey: args.survey && args.format.is_some_and(Format::surveys),
        ticket: args.report.as_deref(),
        undo: Some("azure teardown"),
        hands_over: &[
            StepId::Consent,
            StepId::OwnApp,
            StepId::RoleDefinition,
            StepId::RoleAssignment,
        ],
        narrow: false,
        // Whoever was handed a step does it once.
        saves: !args.dry_run && args.only.is_empty() && args.skip.is_empty(),
        ..Errand::new("azure setup", &args.target)
    };
    let format = args.dry_run.then(|| args.format.unwrap_or_default());
    let survey = args.survey;
    conduct(errand, output, async |frame, gathered| match format {
        Some(format) if survey && !format.surveys() => Ok(Turn::Ended(Ended::by(dry_run::no_survey()))),
        Some(format) => dry_run::print_plan(frame, gathered, format).await.map(Turn::Ended),
        None => Ok(set_up(frame, gathered).await),
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
    let end = frame.run_end(&ended, &run);
    let report = frame.report(ended.outcome);
    ended.text = Some(summary(&report, (&vnet, &vendor), &end, ui::width()));
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
