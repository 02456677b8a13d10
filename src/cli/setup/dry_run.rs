//! `--dry-run`: what would be done, printed, and nothing done.

use clap::ValueEnum;

use crate::cli::command_result::CommandResult;
use crate::cli::command_session::CommandSession;
use crate::cli::output::print;
use crate::engine;
use crate::errors::{RunError, RunErrorKind, RunOutcome};
use crate::input::{GatheredInputs, own_app_credential};
use crate::plan::OwnApp;
use crate::render::{az, plan_json, terraform};
use crate::steps::{existing, unread, writes};

/// The output format of a dry run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum DryRunFormat {
    /// A bash script of az commands
    #[default]
    Az,
    /// The az commands without checks, quoted for PowerShell
    AzPs,
    /// A Terraform configuration, with import blocks for existing resources after a refresh
    Terraform,
    /// The plan as one JSON document, with the requests it sends
    Json,
}

impl DryRunFormat {
    /// Returns whether the output includes the current state.
    pub fn surveys(self) -> bool {
        !matches!(self, Self::Az | Self::AzPs)
    }
}

/// Prints the plan in that format.
///
/// # Errors
/// When standard output cannot be written.
pub(super) async fn print_plan(
    frame: &CommandSession<'_>,
    gathered: GatheredInputs,
    format: DryRunFormat,
) -> anyhow::Result<CommandResult> {
    match format {
        DryRunFormat::Az => return printed(&az::script(&gathered.intent)),
        DryRunFormat::AzPs => return printed(&az::powershell(&gathered.intent, &gathered.cloud)),
        DryRunFormat::Terraform | DryRunFormat::Json => {}
    }
    let brought = own_app_credential(&gathered.talk.given).is_some();
    let (cloud, surveyed) = (gathered.cloud.clone(), gathered.session.is_some());
    let (intent, facts, plan) = if surveyed {
        let run = match frame.begin(gathered) {
            Ok((run, _)) => run,
            Err(problem) => return Ok(CommandResult::by(problem)),
        };
        match engine::observe_again(&run).await {
            Ok(plan) => (run.intent.clone(), run.facts(), plan),
            Err(problem) => return Ok(CommandResult::by(problem)),
        }
    } else {
        frame.note(&gathered);
        let facts = unread(&gathered.intent);
        let plan = engine::plan_of(&gathered.intent, &facts);
        (gathered.intent, facts, plan)
    };
    if format == DryRunFormat::Json {
        let brought = brought && matches!(intent.own_app, Some(OwnApp::Given(_)));
        let report = frame.report(RunOutcome::Unchanged);
        let writes = writes(&intent, &facts, brought);
        return printed(&plan_json(&report, &intent, &plan, &writes, surveyed));
    }
    let existing = existing(&intent, &facts, surveyed);
    printed(&terraform::configuration(&intent, &existing, &cloud))
}

fn printed(text: &str) -> anyhow::Result<CommandResult> {
    print(text.trim_end())?;
    let mut ended = CommandResult::new(RunOutcome::Unchanged, None);
    ended.printed = true;
    Ok(ended)
}

/// Refuses `--refresh` with a format that ignores existing resources.
pub(super) fn no_refresh() -> RunError {
    let why = "The az script checks for existing resources when it runs; the PowerShell commands don't check.";
    RunError::new(
        RunErrorKind::Usage,
        "--refresh can't be used with --format az or az-ps.",
        why,
    )
    .remedy("Omit it, or use --format terraform or --format json.")
}
