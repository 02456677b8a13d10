//! `--dry-run`: what would be done, printed, and nothing done.

use clap::ValueEnum;

use crate::cli::ended::Ended;
use crate::cli::frame::Frame;
use crate::cli::output::print;
use crate::engine;
use crate::errors::{Kind, Outcome, Problem};
use crate::input::Gathered;
use crate::render::{az, terraform};
use crate::steps::existing;

/// What a dry run prints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A bash script of az commands
    #[default]
    Az,
    /// A Terraform configuration; with import blocks for what is there, where that was read
    Terraform,
}

impl Format {
    /// Whether it says what is there.
    pub fn surveys(self) -> bool {
        self != Self::Az
    }
}

/// Prints the plan in that format.
///
/// # Errors
/// When standard output cannot be written.
pub(super) async fn print_plan(frame: &Frame<'_>, gathered: Gathered, format: Format) -> anyhow::Result<Ended> {
    if !format.surveys() {
        return printed(&az::script(&gathered.intent));
    }
    let cloud = gathered.cloud.clone();
    let (intent, facts) = if gathered.session.is_some() {
        let run = match frame.begin(gathered) {
            Ok((run, _)) => run,
            Err(problem) => return Ok(Ended::by(problem)),
        };
        if let Err(problem) = engine::look(&run).await {
            return Ok(Ended::by(problem));
        }
        (run.intent.clone(), Some(run.facts()))
    } else {
        (gathered.intent, None)
    };
    let existing = existing(&intent, facts.as_ref());
    printed(&terraform::configuration(&intent, &existing, &cloud))
}

fn printed(text: &str) -> anyhow::Result<Ended> {
    print(text.trim_end())?;
    let mut ended = Ended::new(Outcome::Unchanged, None);
    ended.printed = true;
    Ok(ended)
}

/// A script has no use for a survey.
pub(super) fn no_survey() -> Problem {
    let why = "The az script looks at what is there when it runs.";
    Problem::new(Kind::Usage, "--survey cannot be used with --format az.", why)
        .remedy("Leave it out, or give --format terraform or --format json.")
}
