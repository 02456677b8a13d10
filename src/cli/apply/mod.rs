//! `peerctl azure apply`: the peerings of a file, side by side.

mod args;
mod document;
mod row;

use std::collections::BTreeSet;
use std::io::{IsTerminal, stdout};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use futures::future::join_all;

pub use args::Args;
use document::Document;
use row::Job;

use super::asked::Pasted;
use super::ended::Ended;
use super::frame::{Scene, prompter};
use super::output::{Format, OutputArgs, print, row_screens};
use super::record;
use super::stop::{asked_to_stop, stopped, take_back, tidy_terminal};
use crate::domain::{did_you_mean, lines as folded};
use crate::errors::{Kind, Outcome, Problem};
use crate::files;
use crate::input::{Asker, Halt, NOBODY_ASKED, Row, SignIns, Surroundings, Text, listed};
use crate::plan::{Event, Stats};
use crate::render::Report;
use crate::steps::{Company, Sink};
use crate::ui::{self, Answer, EchoOff, Manner, Modes, Question, Screen, many_ended, many_planned};

/// Sets up the rows of a file and prints one result.
///
/// # Errors
/// When the embedded Azure cannot start, or standard output cannot be written.
pub async fn run(args: Args, output: &OutputArgs) -> anyhow::Result<Outcome> {
    let begun = Instant::now();
    let Scene {
        vars,
        manner,
        screen,
        embedded,
    } = Scene::set(args.sandbox, output).await?;
    let whole: Sink = {
        let screen = Arc::clone(&screen);
        Arc::new(move |event| screen.on(&event))
    };
    let around = Surroundings {
        vars,
        cloud: embedded.as_ref().map(|embedded| embedded.cloud.clone()),
        sink: Arc::clone(&whole),
        transport: None,
        sign_ins: Some(SignIns::telling(whole)),
    };
    let jobs = jobs(&args, output, manner, &around);
    let (jobs, wrong) = jobs.map_or_else(|problem| (Vec::new(), Some(problem)), |jobs| (jobs, None));
    let all = All {
        args: &args,
        output,
        manner,
        screen,
        around,
        begun,
        jobs,
    };
    if let Some(problem) = wrong {
        return all.finish(Ended::by(problem));
    }
    let modes = Modes::now();
    let echo_off = (manner == Manner::Rich).then(EchoOff::begin);
    let ended = tokio::select! {
        biased;
        () = asked_to_stop() => {
            let say = |text: &str| all.jobs.iter().take(1).for_each(|job| job.notice(text));
            take_back(all.jobs.iter().filter_map(Job::last_run), say).await;
            Ended::cancelled()
        }
        ended = all.go() => ended,
    };
    all.jobs.iter().for_each(Job::stop);
    drop(echo_off);
    if ended.outcome == Outcome::Cancelled {
        tidy_terminal(&modes, manner);
    }
    all.finish(ended)
}

/// A job for each row that is wanted.
fn jobs(args: &Args, output: &OutputArgs, manner: Manner, around: &Surroundings) -> Result<Vec<Job>, Problem> {
    around.vars.check()?;
    record::check_ticket(args.report.as_deref(), &around.vars)?;
    let text = read(&args.file)?;
    let rows = wanted(listed(&text)?, &args.rows, &args.file)?;
    if !(args.yes || args.dry_run) && prompter(args.no_input, manner).is_none() {
        let problem = Problem::new(Kind::Usage, "An input is missing.", NOBODY_ASKED);
        return Err(problem.remedy("--yes: nobody is there to confirm the plan"));
    }
    let names: Vec<String> = rows.iter().map(|row| row.name.clone()).collect();
    let screens = row_screens(output, manner, &names);
    let company = Company::of(
        usize::from(args.parallelism),
        record::markers(&around.vars, args.sandbox),
    );
    let pasted = Pasted::among(&around.vars, args.sandbox);
    let job = |row| Job::new(row, Arc::clone(&company), around, pasted, args);
    Ok(rows.into_iter().zip(screens).map(job).collect())
}

fn read(file: &Path) -> Result<Text, Problem> {
    match files::read_text(file) {
        Ok(text) => Ok(Text::new(file, text)),
        Err(error) => {
            let what = format!("{} cannot be read.", file.display());
            Err(Problem::new(Kind::Usage, what, format!("{error}.")))
        }
    }
}

fn wanted(mut rows: Vec<Row>, names: &[String], file: &Path) -> Result<Vec<Row>, Problem> {
    let known: BTreeSet<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    if let Some(unknown) = names.iter().find(|name| !known.contains(name.as_str())) {
        let what = format!("--row {unknown} cannot be used: {} has no such row.", file.display());
        let all: Vec<&str> = known.into_iter().collect();
        return Err(Problem::new(
            Kind::Usage,
            what,
            format!(
                "Its rows are {}.{}",
                all.join(", "),
                did_you_mean(unknown, all.iter().copied())
            ),
        ));
    }
    rows.retain(|row| names.is_empty() || names.contains(&row.name));
    Ok(rows)
}

/// Everything, while it is under way.
struct All<'a> {
    args: &'a Args,
    output: &'a OutputArgs,
    manner: Manner,
    screen: Arc<dyn Screen>,
    around: Surroundings,
    begun: Instant,
    jobs: Vec<Job>,
}

impl All<'_> {
    async fn go(&self) -> Ended {
        if let Err(problem) = self.gather().await {
            return Ended::by(problem);
        }
        if let Err(problem) = self.sign_in().await {
            return Ended::by(problem);
        }
        join_all(self.jobs.iter().map(Job::survey)).await;
        if !(self.output.quiet || self.args.dry_run) {
            self.tell_plan();
        }
        if self.args.dry_run {
            self.jobs.iter().for_each(|job| job.leave_at_plan(Outcome::Unchanged));
            return Ended::new(worst(&self.jobs), None);
        }
        match self.confirm().await {
            Ok(true) => {}
            Ok(false) | Err(_) => return Ended::cancelled(),
        }
        join_all(self.jobs.iter().map(Job::carry_out)).await;
        Ended::new(worst(&self.jobs), None)
    }

    /// Learns what each row needs to know. What is wrong with the inputs is told of all rows at once, before anything is
    /// written.
    async fn gather(&self) -> Result<(), Problem> {
        let told = join_all(self.jobs.iter().map(Job::gather)).await;
        let (mut wrong, mut failed) = (Vec::new(), Vec::new());
        for (job, told) in self.jobs.iter().zip(told) {
            match told {
                Ok(()) => {}
                Err(problem) if problem.kind == Kind::Usage => wrong.push((job, problem)),
                Err(problem) => failed.push((job, problem)),
            }
        }
        if wrong.is_empty() {
            self.fail(failed)?;
        }
        unusable(&self.args.file, &wrong, &twice(&self.jobs)).map_or(Ok(()), Err)
    }

    /// Who signs in. A row whose sign-in fails is over.
    async fn sign_in(&self) -> Result<(), Problem> {
        let signed_in = join_all(self.jobs.iter().map(Job::sign_in)).await;
        let failed = self.jobs.iter().zip(signed_in);
        self.fail(
            failed
                .filter_map(|(job, signed_in)| Some((job, signed_in.err()?)))
                .collect(),
        )
    }

    /// Ends these rows. What fails all of them alike is given back, to be told once.
    fn fail(&self, failed: Vec<(&Job, Problem)>) -> Result<(), Problem> {
        let first = failed.first().map(|(_, problem)| problem.clone());
        let alike = |first: &Problem| failed.iter().all(|(_, one)| one.to_string() == first.to_string());
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

    /// Whether to go on.
    async fn confirm(&self) -> Result<bool, Halt> {
        let to_write = self.jobs.iter().filter(|job| job.writes()).count();
        let prompter = prompter(self.args.no_input, self.manner).filter(|_| !self.args.yes && to_write > 0);
        let Some(prompter) = prompter else { return Ok(true) };
        let question = match (to_write, self.jobs.len()) {
            (some, all) if some == all => "Go ahead?".to_owned(),
            (some, all) => format!("Go ahead with {some} of {all} rows?"),
        };
        let help = "y carries out the plan above; n stops, and nothing is written. Flag: --yes.";
        let answer = Asker(prompter).confirm(Question::new(question, help), false).await?;
        Ok(answer == Answer::Value(true))
    }

    fn finish(&self, ended: Ended) -> anyhow::Result<Outcome> {
        // What is wrong with the whole is no row's.
        let jobs = if ended.problem.is_some() { &[][..] } else { &self.jobs };
        let outcome = ended.outcome;
        self.screen.on(&Event::Ended {
            outcome,
            problem: ended.problem.clone(),
            stats: Stats::default(),
        });
        let document = Document::of(self.args, jobs, &self.around, self.begun, ended);
        let text = match self.output.output {
            Format::Json => document.json(),
            Format::Text => self.result(&document.rows(), outcome),
        };
        // On a terminal the result stands apart from the progress above it.
        let apart = self.output.output == Format::Text && stdout().is_terminal();
        if !text.is_empty() {
            print(&if apart { format!("\n{text}") } else { text })?;
        }
        Ok(outcome)
    }

    fn result(&self, rows: &[(&str, &Report)], outcome: Outcome) -> String {
        if self.args.dry_run {
            return many_planned(rows, ui::room()).join("\n");
        }
        let written = self.jobs.iter().any(Job::may_have_changed);
        if outcome == Outcome::Cancelled && !written {
            return stopped(written);
        }
        let mut lines = many_ended(rows, ui::room());
        let over = matches!(outcome, Outcome::Done | Outcome::Unchanged);
        if !lines.is_empty() && !over {
            lines.push(String::new());
            lines.push(match outcome {
                Outcome::Cancelled => stopped(written),
                _ => folded(AGAIN, ui::room()).join("\n"),
            });
        }
        lines.join("\n")
    }
}

const AGAIN: &str = "Run the same command again: what is done stays as it is, and the rest goes on from here.";

/// What is wrong with the rows of the file, all of it at once.
fn unusable(file: &Path, wrong: &[(&Job, Problem)], twice: &[(&Job, String)]) -> Option<Problem> {
    let line = |job: &Job, why: &str| format!("{} (line {}): {why}", job.name(), job.line());
    let what = match wrong.len() + twice.len() {
        0 => return None,
        1 => format!("A row of {} cannot be used.", file.display()),
        count => format!("{count} rows of {} cannot be used.", file.display()),
    };
    let why = "In the file an input has its flag's name: vnet-id = \"…\", set = { network = \"…\" }.";
    let mut whole = Problem::new(Kind::Usage, what, why);
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
fn twice(jobs: &[Job]) -> Vec<(&Job, String)> {
    let mut seen: Vec<(String, &Job)> = Vec::new();
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

/// How the whole ended: as the row that went worst.
fn worst(jobs: &[Job]) -> Outcome {
    let order = [
        Outcome::Cancelled,
        Outcome::Failed,
        Outcome::Blocked,
        Outcome::Waiting,
        Outcome::Done,
    ];
    let outcomes: Vec<Outcome> = jobs.iter().map(|job| job.report().outcome()).collect();
    let worst = order.into_iter().find(|outcome| outcomes.contains(outcome));
    worst.unwrap_or(Outcome::Unchanged)
}
