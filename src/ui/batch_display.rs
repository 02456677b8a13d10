//! Several runs on one terminal: a live line for each that is at work, and a line that stays for each that is over.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget};

use super::layout::{beside, card_lines, hold_lines, problem_text};
use super::open_prompt::tell;
use super::terminal::{COLUMN, lock, show};
use super::{RunDisplay, style, width};
use crate::domain::{lines, sanitize_for_terminal};
use crate::errors::RunOutcome;
use crate::plan::{RunEvent, StepEvent, StepId};
use crate::render::RunReport;

/// Live lines at a time: a low terminal has room for them and for what they push up.
const LIVE: usize = 12;

/// State that the rows share.
struct BatchDisplay {
    bars: MultiProgress,
    live: Mutex<BTreeMap<usize, ProgressBar>>,
    /// Number of rows that have ended.
    over: Mutex<usize>,
    rows: usize,
    /// Columns of the longest name, within reason.
    longest: usize,
    total: ProgressBar,
}

/// One row of it.
struct RowOf {
    board: Arc<BatchDisplay>,
    row: usize,
    name: String,
}

/// A screen for each row; they share the terminal.
pub fn board(names: &[String]) -> Vec<Arc<dyn RunDisplay>> {
    let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
    let total = bars.add(ProgressBar::new_spinner());
    let board = Arc::new(BatchDisplay {
        bars,
        live: Mutex::default(),
        over: Mutex::default(),
        rows: names.len(),
        longest: names.iter().map(|name| name.chars().count().min(28)).max().unwrap_or(0),
        total,
    });
    let screen = |(row, name): (usize, &String)| {
        let (board, name) = (Arc::clone(&board), sanitize_for_terminal(name));
        Arc::new(RowOf { board, row, name }) as Arc<dyn RunDisplay>
    };
    names.iter().enumerate().map(screen).collect()
}

impl BatchDisplay {
    fn say(&self, text: &str) {
        self.bars.suspend(|| tell(text));
    }

    fn doing(&self, row: usize, name: &str, text: &str) {
        let mut live = lock(&self.live);
        let room = live.len() < LIVE;
        let bar = match live.get(&row) {
            Some(bar) => bar,
            None if !room => return,
            None => {
                let bar = self.bars.insert_before(&self.total, ProgressBar::new_spinner());
                bar.set_prefix(format!("{name:<0$}", self.longest));
                bar.enable_steady_tick(Duration::from_millis(100));
                live.entry(row).or_insert(bar)
            }
        };
        show(bar, text);
    }

    /// Shows how many are over, as long as some are at work.
    fn count(&self) {
        self.total.enable_steady_tick(Duration::from_millis(100));
        let over = *lock(&self.over);
        show(
            &self.total,
            &format!(
                "{over} of {} rows are over; Ctrl-C is safe, and run again it goes on",
                self.rows
            ),
        );
    }

    fn clear(&self, row: usize) {
        if let Some(bar) = lock(&self.live).remove(&row) {
            bar.finish_and_clear();
        }
    }

    fn ended(&self, row: usize) {
        self.clear(row);
        let over = {
            let mut over = lock(&self.over);
            *over += 1;
            *over
        };
        if over == self.rows {
            self.total.finish_and_clear();
        } else {
            self.count();
        }
    }
}

impl RowOf {
    /// A block of lines under the row's name, in one piece.
    fn block(&self, lines: Vec<String>) {
        let head = format!("  {}", style(&self.name).bold());
        let lines = lines.into_iter().map(|line| format!("    {line}"));
        self.board
            .say(&std::iter::once(head).chain(lines).collect::<Vec<_>>().join("\n"));
    }

    fn step(&self, id: StepId, event: &StepEvent) {
        let doing = |text: &str| self.board.doing(self.row, &self.name, &format!("{id}: {text}"));
        match event {
            StepEvent::Started => {
                self.board.count();
                doing("");
            }
            StepEvent::Doing(text) => doing(text),
            StepEvent::Waiting { what, usually: None } => doing(what),
            StepEvent::Waiting {
                what,
                usually: Some(usually),
            } => doing(&format!("{what}; usually {usually}")),
            StepEvent::OpenPage { url, .. } => {
                self.block(vec![
                    "Accept in a browser:".to_owned(),
                    style(url).underlined().to_string(),
                ]);
            }
            StepEvent::HandOff(card) => self.block(card_lines(card, width().saturating_sub(4))),
            StepEvent::Held { hold, .. } => self.block(hold_lines(hold, width().saturating_sub(4))),
            StepEvent::Changed(_)
            | StepEvent::Finished { .. }
            | StepEvent::Failed { .. }
            | StepEvent::Skipped { .. } => {}
        }
    }
}

impl RunDisplay for RowOf {
    fn on(&self, event: &RunEvent) {
        match event {
            RunEvent::Surveying => self.board.doing(self.row, &self.name, "reading what there is"),
            RunEvent::Planned(_) => self.board.clear(self.row),
            RunEvent::Step(id, event) => self.step(*id, event),
            RunEvent::Notice(text) => {
                let text = format!("{}: {}", self.name, sanitize_for_terminal(text));
                for line in lines(&text, width()) {
                    self.board.say(&style(line).dim().to_string());
                }
            }
            RunEvent::Ended { outcome, problem, .. } => {
                self.board.ended(self.row);
                let mark = match outcome {
                    RunOutcome::Done | RunOutcome::Unchanged => style("✔").green(),
                    RunOutcome::Waiting | RunOutcome::Cancelled => style("…").yellow(),
                    RunOutcome::Blocked => style("■").yellow(),
                    RunOutcome::Failed | RunOutcome::Usage => style("✘").red(),
                };
                let head = format!("  {mark} {}", self.name);
                let column = COLUMN.max(self.board.longest + 5);
                let line = beside(&head, column, &[in_a_word(*outcome)], width());
                self.board.say(&line.join("\n"));
                if let Some(problem) = problem {
                    self.board.say(&problem_text(problem, width()));
                }
            }
            _ => {}
        }
    }
}

fn in_a_word(outcome: RunOutcome) -> &'static str {
    match outcome {
        RunOutcome::Done => "Connected",
        RunOutcome::Unchanged => "in place already",
        RunOutcome::Waiting => "waiting for somebody else",
        RunOutcome::Blocked => "blocked",
        RunOutcome::Failed | RunOutcome::Usage => "failed",
        RunOutcome::Cancelled => "stopped",
    }
}

/// Returns the planned actions of each row: its name, and a report that contains a plan.
pub fn many_planned(rows: &[(&str, &RunReport)], width: usize) -> Vec<String> {
    let told = |report: &RunReport| {
        let Some(plan) = report.plan() else {
            return not_done(report);
        };
        if report.error().is_some() {
            return not_done(report);
        }
        let mut open: Vec<(&str, Vec<&str>)> = Vec::new();
        for step in plan.steps.iter().filter(|step| !plan.is_in_place(step.id)) {
            let verb = step.decision.verb();
            match open.iter_mut().find(|(known, _)| *known == verb) {
                Some((_, steps)) => steps.push(step.id.name()),
                None => open.push((verb, vec![step.id.name()])),
            }
        }
        let open: Vec<String> = open
            .iter()
            .map(|(verb, steps)| format!("{verb} {}", steps.join(", ")))
            .collect();
        match open.is_empty() {
            true => in_a_word(RunOutcome::Unchanged).to_owned(),
            false => open.join("; "),
        }
    };
    table(rows, told, width)
}

/// Returns the outcome of each row.
pub fn many_ended(rows: &[(&str, &RunReport)], width: usize) -> Vec<String> {
    let told = |report: &RunReport| match report.outcome() {
        RunOutcome::Done | RunOutcome::Unchanged => in_a_word(report.outcome()).to_owned(),
        _ => not_done(report),
    };
    table(rows, told, width)
}

/// Why a row is not done, in a line.
fn not_done(report: &RunReport) -> String {
    let word = in_a_word(report.outcome());
    if let Some(problem) = report.error() {
        return format!("{word}: {}", problem.what);
    }
    match report.holds().next() {
        Some((step, hold)) => format!("waiting: {step}, for {}", hold.who),
        None => word.to_owned(),
    }
}

fn table(rows: &[(&str, &RunReport)], told: impl Fn(&RunReport) -> String, width: usize) -> Vec<String> {
    let longest = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let column = (2 + longest + 2).min(32);
    let row = |(name, report): &(&str, &RunReport)| {
        let text = sanitize_for_terminal(&told(report));
        beside(&format!("  {}", sanitize_for_terminal(name)), column, &[&text], width)
    };
    rows.iter().flat_map(row).collect()
}
