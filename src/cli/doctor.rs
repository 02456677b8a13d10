//! `peerctl azure doctor`: what is in a peering's way, before the set-up or after it. It never writes.

use clap::builder::PossibleValuesParser;
use serde_json::json;

use super::command_result::{CommandFlow, CommandResult};
use super::command_session::{CommandSession, CommandSpec, run_command};
use super::help::long;
use super::output::{OutputArgs, OutputFormat, print};
use super::target::TargetArgs;
use crate::doctor::{CHECKS, DoctorCheck};
use crate::engine;
use crate::errors::RunOutcome;
use crate::input::GatheredInputs;
use crate::plan::CheckResult;
use crate::ui;

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = long(DETAILS, EXAMPLES))]
pub struct DoctorArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// Run only this check (repeatable)
    #[arg(long, value_name = "ID", help_heading = "Run", hide_possible_values = true, value_parser = PossibleValuesParser::new(ids()))]
    only: Vec<String>,
    /// List all checks and exit
    #[arg(long, help_heading = "Run", conflicts_with = "only")]
    list: bool,
}

const EXAMPLES: &str = "Examples:\n  peerctl azure doctor --list\n  \
peerctl azure doctor --vendor kong -g rg-net --vnet app --set network=prod\n  \
peerctl azure doctor --profile production --only locks --only policy -o json";

const DETAILS: &str = "Exit codes: 0 no check blocks (there can be warnings and unknown results), 4 blocked by a check, 1 Azure can't be \
reached, 2 wrong or missing input.";

fn ids() -> impl Iterator<Item = &'static str> {
    CHECKS.iter().map(|probe| probe.id)
}

/// Runs the checks and prints what they found.
///
/// # Errors
/// When the embedded Azure cannot start, or standard output cannot be written.
pub async fn run(args: DoctorArgs, output: &OutputArgs) -> anyhow::Result<RunOutcome> {
    if args.list {
        print(&list(output.output)?)?;
        return Ok(RunOutcome::Unchanged);
    }
    let chosen = |probe: &&DoctorCheck| args.only.is_empty() || args.only.iter().any(|id| id == probe.id);
    let probes: Vec<&DoctorCheck> = CHECKS.iter().copied().filter(chosen).collect();
    let errand = CommandSpec::new("azure doctor", &args.target);
    run_command(errand, output, async |frame, gathered| {
        Ok(CommandFlow::Ended(run_doctor(frame, gathered, &probes).await))
    })
    .await
}

async fn run_doctor(frame: &CommandSession<'_>, gathered: GatheredInputs, probes: &[&DoctorCheck]) -> CommandResult {
    let run = match frame.begin(gathered) {
        Ok((run, _)) => run,
        Err(problem) => return CommandResult::by(problem),
    };
    let checks = match engine::run_preflight(&run, probes).await {
        Ok(checks) => checks,
        Err(problem) => return CommandResult::by(problem),
    };
    let blocked = checks.iter().any(CheckResult::blocks);
    let outcome = if blocked {
        RunOutcome::Blocked
    } else {
        RunOutcome::Unchanged
    };
    let mut ended = CommandResult::new(outcome, None);
    let names = (run.intent.vnet.name.as_str(), run.intent.vendor.name.as_str());
    ended.text = Some(ui::findings(&checks, names, ui::width()));
    ended
}

fn list(format: OutputFormat) -> anyhow::Result<String> {
    if format == OutputFormat::Json {
        let rows = CHECKS.iter().map(|probe| {
            json!({ "id": probe.id, "severity": probe.severity, "meaning": probe.meaning, "atSetup": probe.at_setup })
        });
        return Ok(serde_json::to_string_pretty(&rows.collect::<Vec<_>>())?);
    }
    Ok(ui::probes(
        CHECKS.iter().map(|probe| (probe.id, probe.meaning)),
        ui::width(),
    ))
}
