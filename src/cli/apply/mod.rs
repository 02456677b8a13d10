//! `peerctl azure apply`: sets up the peerings of a file in parallel.

mod args;
mod document;
mod row;

use std::collections::BTreeSet;
use std::io::{IsTerminal, stdout};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use futures::future::join_all;

pub use args::ApplyArgs;
use document::ApplyDocument;
use row::PeeringJob;

use super::cancellation::{asked_to_stop, stopped, take_back, tidy_terminal};
use super::command_result::CommandResult;
use super::command_session::{CommandEnvironment, prompter};
use super::output::{OutputArgs, OutputFormat, print, row_screens};
use super::pasted_text::PastedText;
use super::record;
use crate::domain::{did_you_mean, lines as folded};
use crate::errors::{RunError, RunErrorKind, RunOutcome};
use crate::files;
use crate::input::{AsyncPrompter, InputError, NOBODY_ASKED, PeeringSpec, RunContext, SignIns, SourceFile, listed};
use crate::plan::{RunEvent, RunStats};
use crate::render::RunReport;
use crate::steps::{EventSink, SharedState};
use crate::ui::{
    self, EchoOff, PromptQuestion, PromptResult, RunDisplay, TerminalMode, TermiosGuard, many_ended, many_planned,
};

/// Sets up the rows of a file and prints one result.
///
/// # Errors
/// When the embedded Azure cannot start, or standard output cannot be written.
pub async fn run(args: ApplyArgs, output: &OutputArgs) -> anyhow::Result<RunOutcome> {
    let begun = Instant::now();
    let CommandEnvironment {
        vars,
        manner,
        screen,
        embedded,
    } = CommandEnvironment::set(args.sandbox, output).await?;
    let whole: EventSink = {
        let screen = Arc::clone(&screen);
        Arc::new(move |event| screen.on(&event))
    };
    let around = RunContext {
        vars,
        cloud: embedded.as_ref().map(|embedded| embedded.cloud.clone()),
        sink: Arc::clone(&whole),
        transport: None,
        sign_ins: Some(SignIns::telling(whole)),
    };
    let jobs = jobs(&args, output, manner, &around);
    let (jobs, wrong) = jobs.map_or_else(|problem| (Vec::new(), Some(problem)), |jobs| (jobs, None));
    let all = BatchProgress {
        args: &args,
        output,
        manner,
        screen,
        around,
        begun,
        jobs,
    };
    if let Some(problem) = wrong {
        return all.finish(CommandResult::by(problem));
    }
    let modes = TermiosGuard::now();
    let echo_off = (manner == TerminalMode::Rich).then(EchoOff::begin);
    let ended = tokio::select! {
        biased;
        () = asked_to_stop() => {
            let say = |text: &str| all.jobs.iter().take(1).for_each(|job| job.notice(text));
            take_back(all.jobs.iter().filter_map(PeeringJob::last_run), say).await;
            CommandResult::cancelled()
        }
        ended = all.go() => ended,
    };
    all.jobs.iter().for_each(PeeringJob::stop);
    drop(echo_off);
    if ended.outcome == RunOutcome::Cancelled {
        tidy_terminal(&modes, manner);
    }
    all.finish(ended)
}

/// A job for each row that is wanted.
fn jobs(
    args: &ApplyArgs,
    output: &OutputArgs,
    manner: TerminalMode,
    around: &RunContext,
) -> Result<Vec<PeeringJob>, RunError> {
    around.vars.check()?;
    record::check_change_report(args.report.as_deref(), &around.vars)?;
    let text = read(&args.file)?;
    let rows = wanted(listed(&text)?, &args.peerings, &args.file)?;
    if !(args.yes || args.dry_run) && prompter(args.no_input, manner).is_none() {
        let problem = RunError::new(RunErrorKind::Usage, "An input is missing.", NOBODY_ASKED);
        return Err(problem.remedy("--yes: nobody is there to confirm the plan"));
    }
    let names: Vec<String> = rows.iter().map(|row| row.name.clone()).collect();
    let screens = row_screens(output, manner, &names);
    let company = SharedState::of(
        usize::from(args.parallelism),
        record::markers(&around.vars, args.sandbox),
    );
    let pasted = PastedText::among(&around.vars, args.sandbox);
    let job = |row| PeeringJob::new(row, Arc::clone(&company), around, pasted, args);
    Ok(rows.into_iter().zip(screens).map(job).collect())
}

fn read(file: &Path) -> Result<SourceFile, RunError> {
    match files::read_text(file) {
        Ok(text) => Ok(SourceFile::new(file, text)),
        Err(error) => {
            let what = format!("{} cannot be read.", file.display());
            Err(RunError::new(RunErrorKind::Usage, what, format!("{error}.")))
        }
    }
}

fn wanted(mut rows: Vec<PeeringSpec>, names: &[String], file: &Path) -> Result<Vec<PeeringSpec>, RunError> {
    let known: BTreeSet<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    if let Some(unknown) = names.iter().find(|name| !known.contains(name.as_str())) {
        let what = format!(
            "--peering {unknown} can't be used: {} has no peering of that name.",
            file.display()
        );
        let all: Vec<&str> = known.into_iter().collect();
        return Err(RunError::new(
            RunErrorKind::Usage,
            what,
            format!(
                "Its peerings: {}.{}",
                all.join(", "),
                did_you_mean(unknown, all.iter().copied())
            ),
        ));
    }
    rows.retain(|row| names.is_empty() || names.contains(&row.name));
    Ok(rows)
}

/// Everything, while it is under way.
struct BatchProgress<'a> {
    args: &'a ApplyArgs,
    output: &'a OutputArgs,
    manner: TerminalMode,
    screen: Arc<dyn RunDisplay>,
    around: RunContext,
    begun: Instant,
    jobs: Vec<PeeringJob>,
}

impl BatchProgress<'_> {
    async fn go(&self) -> CommandResult {
        if let Err(problem) = self.gather().await {
            return CommandResult::by(problem);
        }
        if let Err(problem) = self.sign_in().await {
            return CommandResult::by(problem);
        }
        join_all(self.jobs.iter().map(PeeringJob::refresh)).await;
        if !(self.output.quiet || self.args.dry_run) {
            self.tell_plan();
        }
        if self.args.dry_run {
            self.jobs
                .iter()
                .for_each(|job| job.leave_at_plan(RunOutcome::Unchanged));
            return CommandResult::new(worst(&self.jobs), None);
        }
        match self.confirm().await {
            Ok(true) => {}
            Ok(false) | Err(_) => return CommandResult::cancelled(),
        }
        join_all(self.jobs.iter().map(PeeringJob::execute)).await;
        CommandResult::new(worst(&self.jobs), None)
    }

    /// Learns what each row needs to know. What is wrong with the inputs is told of all rows at once, before anything is
    /// written.
    async fn gather(&self) -> Result<(), RunError> {
        let told = join_all(self.jobs.iter().map(PeeringJob::gather)).await;
        let (mut wrong, mut failed) = (Vec::new(), Vec::new());
        for (job, told) in self.jobs.iter().zip(told) {
            match told {
                Ok(()) => {}
                Err(problem) if problem.kind == RunErrorKind::Usage => wrong.push((job, problem)),
                Err(problem) => failed.push((job, problem)),
            }
        }
        if wrong.is_empty() {
            self.fail(failed)?;
        }
        unusable(&self.args.file, &wrong, &twice(&self.jobs)).map_or(Ok(()), Err)
    }

    /// Signs in the identities of the rows. A row whose sign-in fails is over.
    async fn sign_in(&self) -> Result<(), RunError> {
        let signed_in = join_all(self.jobs.iter().map(PeeringJob::sign_in)).await;
        let failed = self.jobs.iter().zip(signed_in);
        self.fail(
            failed
                .filter_map(|(job, signed_in)| Some((job, signed_in.err()?)))
                .collect(),
        )
    }

    /// Ends these rows. What fails all of them alike is given back, to be told once.
    fn fail(&self, failed: Vec<(&PeeringJob, RunError)>) -> Result<(), RunError> {
        let first = failed.first().map(|(_, problem)| problem.clone());
        let alike = |first: &RunError| failed.iter().all(|(_, one)| one.to_string() == first.to_string());
        match first {
            Some(first) if failed.len() == self.jobs.len() && alike(&first) => Err(first),
            _ => {
                failed.into_iter().for_each(|(job, problem)| job.fail(problem));
                Ok(())
            }
        }
    }

    fn tell_plan(&self) {
        let reports: Vec<_> = self.jobs.iter().map(|job| (job.name(), job.report())).collect();
        let rows: Vec<_> = reports.iter().map(|(name, report)| (*name, report)).collect();
        ui::tell("\nWhat will be done");
        many_planned(&rows, ui::width()).iter().for_each(|line| ui::tell(line));
        ui::tell("");
    }

    /// Returns whether to continue.
    async fn confirm(&self) -> Result<bool, InputError> {
        let to_write = self.jobs.iter().filter(|job| job.writes()).count();
        let prompter = prompter(self.args.no_input, self.manner).filter(|_| !self.args.yes && to_write > 0);
        let Some(prompter) = prompter else { return Ok(true) };
        let question = match (to_write, self.jobs.len()) {
            (some, all) if some == all => "Go ahead?".to_owned(),
            (some, all) => format!("Go ahead with {some} of {all} rows?"),
        };
        let help = "y carries out the plan above; n stops, and nothing is written. Flag: --yes.";
        let answer = AsyncPrompter(prompter)
            .confirm(PromptQuestion::new(question, help), false)
            .await?;
        Ok(answer == PromptResult::Value(true))
    }

    fn finish(&self, ended: CommandResult) -> anyhow::Result<RunOutcome> {
        // What is wrong with the whole is no row's.
        let jobs = if ended.problem.is_some() { &[][..] } else { &self.jobs };
        let outcome = ended.outcome;
        self.screen.on(&RunEvent::Ended {
            outcome,
            problem: ended.problem.clone(),
            stats: RunStats::default(),
        });
        let document = ApplyDocument::of(self.args, jobs, &self.around, self.begun, ended);
        let text = match self.output.output {
            OutputFormat::Json => document.json(),
            OutputFormat::Text => self.result(&document.rows(), outcome),
        };
        // On a terminal the result stands apart from the progress above it.
        let apart = self.output.output == OutputFormat::Text && stdout().is_terminal();
        if !text.is_empty() {
            print(&if apart { format!("\n{text}") } else { text })?;
        }
        Ok(outcome)
    }

    fn result(&self, rows: &[(&str, &RunReport)], outcome: RunOutcome) -> String {
        if self.args.dry_run {
            return many_planned(rows, ui::room()).join("\n");
        }
        let written = self.jobs.iter().any(PeeringJob::may_have_changed);
        if outcome == RunOutcome::Cancelled && !written {
            return stopped(written);
        }
        let mut lines = many_ended(rows, ui::room());
        let over = matches!(outcome, RunOutcome::Done | RunOutcome::Unchanged);
        if !lines.is_empty() && !over {
            lines.push(String::new());
            lines.push(match outcome {
                RunOutcome::Cancelled => stopped(written),
                _ => folded(AGAIN, ui::room()).join("\n"),
            });
        }
        lines.join("\n")
    }
}

const AGAIN: &str = "Run the same command again: what is done stays as it is, and the rest goes on from here.";

/// Returns all the errors in the rows of the file at once.
fn unusable(file: &Path, wrong: &[(&PeeringJob, RunError)], twice: &[(&PeeringJob, String)]) -> Option<RunError> {
    let line = |job: &PeeringJob, why: &str| format!("{} (line {}): {why}", job.name(), job.line());
    let what = match wrong.len() + twice.len() {
        0 => return None,
        1 => format!("A row of {} cannot be used.", file.display()),
        count => format!("{count} rows of {} cannot be used.", file.display()),
    };
    let why = "In the file an input has its flag's name: vnet-id = \"…\", set = { network = \"…\" }.";
    let mut whole = RunError::new(RunErrorKind::Usage, what, why);
    for (job, problem) in wrong {
        whole.remedies.push(line(job, &problem.what));
        // Nobody is asked anyhow: the rows are those of a file.
        let why = Some(&problem.why).filter(|why| !why.is_empty() && *why != NOBODY_ASKED);
        let more = why.into_iter().chain(&problem.remedies);
        whole.remedies.extend(more.map(|text| format!("  {text}")));
    }
    let twice = twice.iter();
    let twice = twice.map(|(job, before)| line(job, &format!("is row {before} once more.")));
    whole.remedies.extend(twice);
    Some(whole)
}

/// Rows that another one before them says already.
fn twice(jobs: &[PeeringJob]) -> Vec<(&PeeringJob, String)> {
    let mut seen: Vec<(String, &PeeringJob)> = Vec::new();
    let mut twice = Vec::new();
    for job in jobs {
        let Some(what) = job.what() else { continue };
        match seen.iter().find(|(known, _)| *known == what) {
            Some((_, before)) => twice.push((job, before.name().to_owned())),
            None => seen.push((what, job)),
        }
    }
    twice
}

/// Returns the outcome of the whole: that of the row with the worst result.
fn worst(jobs: &[PeeringJob]) -> RunOutcome {
    let order = [
        RunOutcome::Cancelled,
        RunOutcome::Failed,
        RunOutcome::Blocked,
        RunOutcome::Waiting,
        RunOutcome::Done,
    ];
    let outcomes: Vec<RunOutcome> = jobs.iter().map(|job| job.report().outcome()).collect();
    let worst = order.into_iter().find(|outcome| outcomes.contains(outcome));
    worst.unwrap_or(RunOutcome::Unchanged)
}
