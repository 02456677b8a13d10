//! `--dry-run`: what would be done, printed, and nothing done.

use clap::ValueEnum;

use crate::cli::ended::CommandResult;
use crate::cli::frame::CommandSession;
use crate::cli::output::print;
use crate::engine;
use crate::errors::{RunError, RunErrorKind, RunOutcome};
use crate::input::{GatheredInputs, own_app_credential};
use crate::plan::OwnApp;
use crate::render::{az, plan_json, terraform};
use crate::steps::{existing, unread, writes};

/// What a dry run prints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum DryRunFormat {
    /// A bash script of az commands
    #[default]
    Az,
    /// The az commands alone, one after the other, quoted for PowerShell
    AzPs,
    /// A Terraform configuration; with import blocks for what is there, where that was read
    Terraform,
    /// The plan as one JSON document, with the requests that would be sent
    Json,
}

impl DryRunFormat {
    /// Whether it says what is there.
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
        match engine::look(&run).await {
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

/// A script has no use for a survey.
pub(super) fn no_survey() -> RunError {
    let why = "The az script looks at what is there when it runs, and the commands for PowerShell do not look.";
    RunError::new(
        RunErrorKind::Usage,
        "--survey cannot be used with --format az or az-ps.",
        why,
    )
    .remedy("Leave it out, or give --format terraform or --format json.")
}
