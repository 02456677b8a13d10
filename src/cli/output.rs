//! Destinations of output: results to standard output, everything else to standard error, and the log to a file.

use std::borrow::Cow;
use std::ffi::OsString;
use std::io::{Write, stderr, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use anyhow::Context;
use clap::error::ErrorKind;
use clap::{Args, ValueEnum};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use super::log_file::LogFile;
use crate::domain::{harmless_json, mask, sanitize_for_terminal};
use crate::errors::{RunError, RunErrorKind, RunOutcome};
use crate::input::EnvironmentVariables;
use crate::plan::{RunEvent, StepEvent};
use crate::ui::{self, PlainOutput, RunDisplay, TerminalMode, TerminalOutput, tell};

#[derive(Debug, Args)]
pub struct OutputArgs {
    /// Output format: text or json
    ///
    /// Default: text. Results are printed to standard output; progress, prompts and errors to standard error.
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        default_value = "text",
        value_name = "FORMAT",
        help_heading = "Global",
        hide_possible_values = true,
        hide_default_value = true
    )]
    pub output: OutputFormat,
    /// Hide progress
    #[arg(short, long, global = true, help_heading = "Global")]
    pub quiet: bool,
    /// Show requests (-v) and their headers (-vv)
    ///
    /// Requests are printed to standard error, without secrets.
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Global")]
    pub verbose: u8,
    /// Print plain lines, without spinners or redrawing
    ///
    /// Use it with screen readers and simple terminals; lists are numbered. [env: PEERCTL_PLAIN]
    #[arg(long, global = true, help_heading = "Global")]
    pub plain: bool,
    /// When to use color: auto, always or never
    ///
    /// Default: auto, which follows NO_COLOR, CLICOLOR_FORCE and CLICOLOR, and uses color on a terminal.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "auto",
        value_name = "WHEN",
        help_heading = "Global",
        hide_possible_values = true,
        hide_default_value = true
    )]
    color: ColorChoice,
    /// Append requests to this file as JSON lines
    ///
    /// The log contains no secrets.
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global")]
    pub log_file: Option<PathBuf>,
    /// Print a summary (-h) or the full help (--help)
    #[arg(short, long, global = true, action = clap::ArgAction::Help, help_heading = "Global")]
    help: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ColorChoice {
    Auto,
    Always,
    Never,
}

/// Shows no progress: only what a person has to act on, and how it ended.
#[derive(Default)]
struct QuietFlag(PlainOutput);

impl RunDisplay for QuietFlag {
    fn on(&self, event: &RunEvent) {
        let matters = match event {
            RunEvent::EnterCode { .. } | RunEvent::Ended { .. } => true,
            RunEvent::Step(_, event) => {
                matches!(
                    event,
                    StepEvent::HandOff(_) | StepEvent::OpenPage { .. } | StepEvent::Held { .. }
                )
            }
            _ => false,
        };
        if matters {
            self.0.on(event);
        }
    }
}

/// The screen for this run: lines where requests are logged in between, or where there is no terminal.
pub fn screen(args: &OutputArgs, manner: TerminalMode) -> Arc<dyn RunDisplay> {
    if args.quiet {
        return Arc::new(QuietFlag::default());
    }
    match manner {
        TerminalMode::Rich if args.verbose == 0 => Arc::new(TerminalOutput::default()),
        TerminalMode::Rich | TerminalMode::Plain => Arc::new(PlainOutput::default()),
    }
}

/// A screen for each of several runs, by their names.
pub fn row_screens(args: &OutputArgs, manner: TerminalMode, names: &[String]) -> Vec<Arc<dyn RunDisplay>> {
    if manner == TerminalMode::Rich && args.verbose == 0 && !args.quiet {
        return ui::board(names);
    }
    let screen = |name: &String| -> Arc<dyn RunDisplay> {
        let plain = PlainOutput::of_row(name);
        if args.quiet {
            Arc::new(QuietFlag(plain))
        } else {
            Arc::new(plain)
        }
    };
    names.iter().map(screen).collect()
}

/// Decides on colours by the command line and the environment: before the line is parsed, because what is wrong with it
/// is told in colour, too.
pub fn choose_colours(line: &[OsString]) {
    let line: Vec<Cow<'_, str>> = line.iter().map(|word| word.to_string_lossy()).collect();
    let words = line.iter().enumerate().take_while(|(_, word)| *word != "--");
    let when = words.filter_map(|(at, word)| match word.strip_prefix("--color")? {
        "" => Some(line.get(at + 1)?.to_string()),
        rest => Some(rest.strip_prefix('=')?.to_owned()),
    });
    // What is none is refused in a moment.
    let asked = when.last().and_then(|when| ColorChoice::from_str(&when, false).ok());
    let asked = asked.and_then(|when| match when {
        ColorChoice::Auto => None,
        ColorChoice::Always => Some(true),
        ColorChoice::Never => Some(false),
    });
    let vars = EnvironmentVariables::of_process();
    ui::choose_colours(asked, &|name| vars.get(name));
}

/// Color setting of the command line, for failures that occur before its command runs, or apart from it.
#[derive(Debug)]
struct RequestedColor {
    json: bool,
    /// `azure setup`, as far as the words are commands.
    command: String,
}

static ASKED: OnceLock<RequestedColor> = OnceLock::new();

/// `true` if something was printed to standard output.
static PRINTED: AtomicBool = AtomicBool::new(false);

/// Notes what form failures take: before the line is parsed, because what is wrong with it takes that form, too.
pub fn note_line(line: &[OsString], commands: &clap::Command) {
    let words: Vec<Cow<'_, str>> = line.iter().skip(1).map(|word| word.to_string_lossy()).collect();
    let mut found = commands;
    let mut names: Vec<&str> = Vec::new();
    for word in &words {
        if let Some(below) = found.find_subcommand(word.as_ref()) {
            names.push(below.get_name());
            found = below;
        }
    }
    let asked = RequestedColor {
        json: wants_json(&words),
        command: names.join(" "),
    };
    // It is noted once.
    let _ = ASKED.set(asked);
}

/// Returns whether the last `-o` or `--output` of the line is json.
fn wants_json(words: &[Cow<'_, str>]) -> bool {
    let words = words.iter().take_while(|word| *word != "--");
    let words: Vec<&str> = words.map(AsRef::as_ref).collect();
    let value = |at: usize, word: &str| match word.strip_prefix("--output") {
        Some("") => words.get(at + 1).map(|value| (*value).to_owned()),
        Some(rest) => rest.strip_prefix('=').map(str::to_owned),
        None => {
            // Short flags without a value may come before it: -qvo json.
            let rest = word.strip_prefix('-')?.trim_start_matches(['q', 'v', 'y']);
            match rest.strip_prefix('o')? {
                "" => words.get(at + 1).map(|value| (*value).to_owned()),
                rest => Some(rest.trim_start_matches('=').to_owned()),
            }
        }
    };
    let mut values = words.iter().enumerate().filter_map(|(at, word)| value(at, word));
    values.next_back().as_deref() == Some("json")
}

/// Prints the document of a command that failed before it had one, where JSON is asked for and nothing is printed yet.
fn print_failure(error: &serde_json::Value) {
    let Some(asked) = ASKED.get().filter(|asked| asked.json) else {
        return;
    };
    if !PRINTED.load(Ordering::Relaxed) {
        let document = serde_json::json!({
            "schema": 1, "command": asked.command, "outcome": RunOutcome::Failed, "error": error,
        });
        // The text on standard error says the same.
        let _ = print(&harmless_json(&format!("{document:#}")));
    }
}

/// Returns clap's error message as the parts of a problem.
fn clap_problem(said: &clap::Error) -> RunError {
    let text = said.render().to_string();
    let mut parts = text.split("\n\n").map(str::trim).filter(|part| !part.is_empty());
    let what = parts.next().unwrap_or_default();
    let what = what.strip_prefix("error: ").unwrap_or(what);
    let mut problem = RunError::new(RunErrorKind::Usage, what, "");
    problem.remedies = parts.map(str::to_owned).collect();
    problem
}

/// Prints help or an error of clap and returns the exit code. A group of commands without a command prints its help.
pub fn clap_says(said: &clap::Error) -> ExitCode {
    let is_error = said.use_stderr() && said.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    if is_error {
        print_failure(&serde_json::json!(clap_problem(said)));
    }
    let (mut out, coloured): (Box<dyn Write>, bool) = if is_error {
        (Box::new(stderr()), console::colors_enabled_stderr())
    } else {
        (Box::new(stdout()), console::colors_enabled())
    };
    let text = said.render();
    let text = if coloured {
        text.ansi().to_string()
    } else {
        text.to_string()
    };
    // A reader that went away is no failure.
    let _ = out.write_all(mask(&text).as_bytes()).and_then(|()| out.flush());
    ExitCode::from(if is_error { 2 } else { 0 })
}

/// Prints a result. A reader that went away (`| head`) is no failure.
///
/// # Errors
/// When standard output cannot be written for another reason.
pub fn print(text: &str) -> anyhow::Result<()> {
    PRINTED.store(true, Ordering::Relaxed);
    let mut out = stdout().lock();
    match out
        .write_all(mask(text).as_bytes())
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush())
    {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write to standard output"),
    }
}

/// Says, on standard error, what is no part of the run and all the same has to be known; also where nothing else is.
pub fn remark(text: &str) {
    // Where standard error is gone, there is nobody to tell.
    let _ = writeln!(stderr(), "{}", sanitize_for_terminal(text));
}

/// Says what is wrong with what was given, on standard error.
pub fn complain(text: &str) {
    // Where standard error is gone, the exit code is all that can be said.
    let _ = writeln!(stderr(), "{}", mask(text));
}

/// Says what is wrong with the command line, or with a file that it names.
pub fn refuse(problem: &RunError) -> RunOutcome {
    print_failure(&serde_json::json!(problem));
    complain(&ui::problem_text(problem, ui::width()));
    RunOutcome::Usage
}

/// Says what went wrong where nobody has yet, and gives the exit code.
pub fn fail(error: &anyhow::Error) -> ExitCode {
    print_failure(&serde_json::json!({ "what": format!("{error:#}") }));
    // Where standard error is gone, the exit code is all that can be said.
    let text = format!("Error: {error:#}");
    for line in text.lines() {
        let _ = writeln!(stderr(), "{}", sanitize_for_terminal(line));
    }
    ExitCode::from(1)
}

/// Only our own targets: a library's log could show what ours never does.
fn only_ours(level: LevelFilter) -> Targets {
    Targets::new().with_target("peerctl", level)
}

/// Standard error, but for what a prompt has on it.
struct BesidePrompts;

impl Write for BesidePrompts {
    /// A whole entry at a time, as the log writes them.
    fn write(&mut self, entry: &[u8]) -> std::io::Result<usize> {
        tell(String::from_utf8_lossy(entry).trim_end_matches('\n'));
        Ok(entry.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Starts the log, where one is wanted.
///
/// # Errors
/// When the log file can't be used.
pub fn start_logging(args: &OutputArgs) -> Result<(), RunError> {
    let level = match args.verbose {
        0 => LevelFilter::OFF,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let to_stderr = fmt::layer()
        .with_writer(|| BesidePrompts)
        .with_target(false)
        .with_filter(only_ours(level));
    let file = args.log_file.as_deref().map(LogFile::open).transpose()?;
    let to_file = file.map(|file| {
        fmt::layer()
            .json()
            .with_writer(move || file.clone())
            .with_filter(only_ours(LevelFilter::DEBUG))
    });
    tracing_subscriber::registry().with(to_stderr).with(to_file).init();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_flag_found_in_invalid_arguments() {
        let table = [
            (&["azure", "setup", "--bogus", "-o", "json"][..], true),
            (&["azure", "setup", "-ojson", "--bogus"], true),
            (&["-o=json"], true),
            (&["--output=json"], true),
            (&["--output", "json"], true),
            (&["-qvo", "json"], true),
            (&["-o", "json", "-o", "text"], false),
            (&["--", "-o", "json"], false),
            (&["--only", "json"], false),
            (&["json", "-o"], false),
        ];
        for (words, expected) in table {
            let words: Vec<Cow<'_, str>> = words.iter().map(|word| Cow::from(*word)).collect();
            assert_eq!(wants_json(&words), expected, "{words:?}");
        }
    }
}
