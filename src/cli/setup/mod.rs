//! `peerctl azure setup`: the whole peering.

mod args;
mod dry_run;

pub use args::SetupArgs;
use dry_run::DryRunFormat;

use super::command_result::{CommandFlow, CommandResult, blocked};
use super::command_session::{CommandSession, CommandSpec, run_command};
use super::output::OutputArgs;
use crate::engine;
use crate::errors::{RunError, RunErrorKind, RunOutcome};
use crate::input::{GatherOptions, GatheredInputs, InputError};
use crate::plan::{PeeringIntent, RunEvent, RunPlan, StepId};
use crate::steps::StepRun;
use crate::ui::{self, PromptResult, summary};

/// Runs the set-up and prints its result.
///
/// # Errors
/// When the embedded Azure cannot start, or standard output cannot be written.
pub async fn run(args: SetupArgs, output: &OutputArgs) -> anyhow::Result<RunOutcome> {
    let errand = CommandSpec {
        flags: vec![("consent", args.consent.as_deref())],
        switches: args.switches.all().to_vec(),
        options: GatherOptions {
            share: args.share(),
            ..GatherOptions::default()
        },
        yes: Some(args.yes),
        dry_run: args.dry_run,
        survey: args.refresh && args.format.is_some_and(DryRunFormat::surveys),
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
        ..CommandSpec::new("azure setup", &args.target)
    };
    let format = args.dry_run.then(|| args.format.unwrap_or_default());
    let refresh = args.refresh;
    run_command(errand, output, async |frame, gathered| match format {
        Some(format) if refresh && !format.surveys() => {
            Ok(CommandFlow::Ended(CommandResult::by(dry_run::no_refresh())))
        }
        Some(format) => dry_run::print_plan(frame, gathered, format)
            .await
            .map(CommandFlow::Ended),
        None => Ok(set_up(frame, gathered).await),
    })
    .await
}

async fn set_up(frame: &CommandSession<'_>, gathered: GatheredInputs) -> CommandFlow {
    let (vnet, vendor) = (gathered.intent.vnet.name.clone(), gathered.intent.vendor.name.clone());
    if let Some(problem) = no_such_step(&gathered.intent) {
        return CommandFlow::Ended(CommandResult::by(problem));
    }
    let (run, mut talk) = match frame.begin(gathered) {
        Ok(begun) => begun,
        Err(problem) => return CommandFlow::Ended(CommandResult::by(problem)),
    };
    let mut ended = match engine::refresh(&run).await {
        Err(problem) => CommandResult::by(problem),
        Ok(plan) => match decide(frame, &run, &plan).await {
            Ok(Some(ended)) => ended,
            Ok(None) if talk.back() => return CommandFlow::Back(Box::new(talk)),
            Ok(None) | Err(_) => return CommandFlow::Ended(CommandResult::cancelled()),
        },
    };
    let end = frame.run_end(&ended, &run);
    let report = frame.report(ended.outcome);
    ended.text = Some(summary(&report, (&vnet, &vendor), &end, ui::width()));
    CommandFlow::Ended(ended)
}

/// A step that is to be done alone and that this vendor's way does not have.
fn no_such_step(intent: &PeeringIntent) -> Option<RunError> {
    let steps = intent.all_steps();
    let unknown = intent.share.only.iter().find(|step| !steps.contains(step))?;
    let names: Vec<&str> = steps.iter().map(|step| step.name()).collect();
    let what = format!(
        "--only {unknown} cannot be used: {} does without it.",
        intent.vendor.name
    );
    Some(RunError::new(
        RunErrorKind::Usage,
        what,
        format!("Its steps are {}.", names.join(", ")),
    ))
}

/// Returns the result of the run; `None` if the user wants to return to the previous question.
///
/// # Errors
/// When the user left.
async fn decide(
    frame: &CommandSession<'_>,
    run: &StepRun,
    plan: &RunPlan,
) -> Result<Option<CommandResult>, InputError> {
    if let Some(problem) = blocked(plan) {
        return Ok(Some(CommandResult::new(RunOutcome::Blocked, Some(problem))));
    }
    if plan.writes() {
        if let Some(role) = run.intent.vendor.role.as_ref().filter(|_| frame.asks()) {
            run.emit(RunEvent::Notice(format!(
                "{} may then {}",
                run.intent.vendor.short_name, role.grants
            )));
        }
        match frame.confirm("Go ahead?").await? {
            PromptResult::Value(true) => {}
            PromptResult::Value(false) => return Ok(Some(CommandResult::cancelled())),
            PromptResult::Back => return Ok(None),
        }
    }
    let (outcome, problem) = engine::execute(run).await;
    Ok(Some(CommandResult::new(outcome, problem)))
}
