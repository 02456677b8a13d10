//! The rich terminal: a live line for every step that is under way, on standard error.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use tokio::time::Instant;

use super::layout::{
    NARROW, beside, card_lines, duration, enter_code, hanging_indent, hold_lines, plan_lines, problem_text,
};
use super::open_prompt::tell;
use super::pending_waits::{MAY_LEAVE, PendingWaits};
use super::status::turn_line;
use super::{RunDisplay, style, width};
use crate::domain::{lines, sanitize_for_terminal};
use crate::plan::{RunEvent, RunPlan, StepEvent, StepId, StepState};

/// Column at which the text about a step begins.
pub(super) const COLUMN: usize = 21;

/// Draws live lines and prints what stays.
pub struct TerminalOutput {
    bars: MultiProgress,
    live: Mutex<BTreeMap<StepId, ProgressBar>>,
    reading: Mutex<Option<ProgressBar>>,
    signing_in: Mutex<Option<ProgressBar>>,
    waits: Mutex<PendingWaits>,
}

impl Default for TerminalOutput {
    fn default() -> Self {
        Self {
            bars: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()),
            live: Mutex::default(),
            reading: Mutex::default(),
            signing_in: Mutex::default(),
            waits: Mutex::default(),
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Shows what is done now, and since when the line has been there. What does not fit goes on below.
pub(super) fn show(bar: &ProgressBar, text: &str) {
    let (template, message) = live_line(&bar.prefix(), &sanitize_for_terminal(text), width());
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_spinner());
    let since = |state: &ProgressState, out: &mut dyn fmt::Write| {
        // A line that cannot be written is not shown.
        let _ = out.write_str(&duration(state.elapsed()));
    };
    bar.set_style(style.with_key("since", since));
    bar.set_message(message);
}

/// The template of a live line, and its message.
fn live_line(name: &str, text: &str, width: usize) -> (String, String) {
    const SINCE: usize = " 59 min 59 s".len();
    let (mut template, indent, room) = if width >= NARROW {
        let column = COLUMN.max(name.chars().count() + 5);
        let name = column - 5;
        let template = format!("  {{spinner:.cyan}} {{prefix:<{name}}} {{wide_msg:.dim}} {{since:.dim}}");
        (template, column, width.saturating_sub(column + SINCE))
    } else {
        let fits = "  ⠋ ".chars().count() + name.len() + SINCE <= width;
        let between = if fits { " " } else { "\n    " };
        let template = format!("  {{spinner:.cyan}} {{prefix}}{between}{{since:.dim}}");
        (template, 4, width.saturating_sub(4))
    };
    let mut folded = lines(text, room).into_iter();
    let message = if width >= NARROW { folded.next() } else { None };
    for line in folded.filter(|line| !line.is_empty()) {
        let line = style(line).dim().to_string().replace('{', "{{").replace('}', "}}");
        template += &format!("\n{:indent$}{line}", "");
    }
    (template, message.unwrap_or_default())
}

impl TerminalOutput {
    fn say(&self, text: &str) {
        // Not by the bars' own println: it fills every line up to the right edge, and who copies it gets the blanks too.
        self.bars.suspend(|| tell(text));
    }

    fn say_all(&self, indent: &str, lines: impl IntoIterator<Item = String>) {
        for line in lines {
            self.say(&format!("{indent}{line}"));
        }
    }

    fn bar(&self, prefix: &'static str, text: &str) -> ProgressBar {
        let bar = self.bars.add(ProgressBar::new_spinner());
        bar.set_prefix(prefix);
        show(&bar, text);
        bar.enable_steady_tick(Duration::from_millis(100));
        bar
    }

    fn doing(&self, id: StepId, text: &str) {
        if let Some(bar) = lock(&self.live).get(&id) {
            show(bar, text);
        }
    }

    /// Takes the step's live line away and prints the one that stays.
    fn done(&self, id: StepId, mark: &str, text: &str) {
        if let Some(bar) = lock(&self.live).remove(&id) {
            bar.finish_and_clear();
        }
        self.say_all("", beside(&format!("  {mark} {}", id.name()), COLUMN, &[text], width()));
    }

    fn planned(&self, plan: &RunPlan) {
        if let Some(bar) = lock(&self.reading).take() {
            bar.finish_and_clear();
        }
        self.say("");
        self.say(&style("What will be done").bold().to_string());
        for line in plan_lines(plan, width()) {
            self.say(&line);
        }
        for check in plan.checks.iter().filter(|check| check.is_problem()) {
            let (head, text) = (
                format!("  {} ", style("!").yellow()),
                format!("{}: {}", check.id, check.detail),
            );
            self.say_all("", hanging_indent(&head, &text, width()));
        }
        self.say("");
    }

    /// Something that nobody had to be asked for.
    fn found(&self, what: &str, answer: &str) {
        let answer = sanitize_for_terminal(answer);
        let folded = lines(&format!("{what} · {answer}"), width().saturating_sub(2));
        if folded.len() < 2 {
            self.say(&format!("{} {what} · {}", style("✔").green(), style(answer).cyan()));
        } else {
            self.say(&format!("{} {what} ·", style("✔").green()));
            let folded = lines(&answer, width().saturating_sub(2)).into_iter();
            self.say_all("  ", folded.map(|line| style(line).cyan().to_string()));
        }
    }

    fn step(&self, id: StepId, event: &StepEvent) {
        match event {
            StepEvent::Started => {
                let bar = self.bar(id.name(), "");
                lock(&self.live).insert(id, bar);
            }
            StepEvent::Doing(text) => self.doing(id, text),
            StepEvent::Waiting { what, usually: None } => self.doing(id, what),
            StepEvent::Waiting {
                what,
                usually: Some(usually),
            } => {
                self.doing(id, &format!("{what}; usually {usually}"));
            }
            StepEvent::OpenPage { url, opened } => {
                let text = if *opened {
                    "Opened in your browser; accept there:"
                } else {
                    "Open in a browser, and accept:"
                };
                self.say_all(
                    "",
                    [
                        String::new(),
                        format!("  {text}"),
                        format!("  {}", style(url).underlined()),
                        String::new(),
                    ],
                );
            }
            StepEvent::HandOff(card) => {
                self.say("");
                self.say_all("  ", card_lines(card, width() - 2));
                self.say("");
            }
            StepEvent::Changed(_) => {}
            StepEvent::Finished { detail, waited, .. } => {
                let waited = if waited.as_secs() < 2 {
                    String::new()
                } else {
                    format!(" ({})", duration(*waited))
                };
                self.done(id, &style("✔").green().to_string(), &format!("{detail}{waited}"));
            }
            StepEvent::Held { state, hold, .. } => {
                let mark = if *state == StepState::Blocked {
                    style("■").yellow()
                } else {
                    style("…").yellow()
                };
                self.done(id, &mark.to_string(), &state.to_string());
                self.say_all("    ", hold_lines(hold, width() - 4));
            }
            StepEvent::Failed { .. } => self.done(id, &style("✘").red().to_string(), "failed"),
            StepEvent::Skipped { because_of } => {
                self.done(
                    id,
                    &style("·").dim().to_string(),
                    &format!("not tried: {because_of} comes first"),
                );
            }
        }
    }
}

impl RunDisplay for TerminalOutput {
    fn on(&self, event: &RunEvent) {
        let mut waits = lock(&self.waits);
        let waited = waits.on(event, Instant::now());
        let may_leave = waited.is_some_and(|waited| waits.may_leave(waited));
        drop(waits);
        if may_leave {
            self.say_all(
                "",
                lines(MAY_LEAVE, width())
                    .iter()
                    .map(|line| style(line).dim().to_string()),
            );
        }
        match event {
            RunEvent::SigningIn { under_way } => {
                let bar = under_way.then(|| self.bar("", "signing in"));
                if let Some(before) = std::mem::replace(&mut *lock(&self.signing_in), bar) {
                    before.finish_and_clear();
                }
            }
            RunEvent::SignedIn(who) => {
                self.found("Signed in", &who.name);
                self.found("Tenant", &who.tenant);
            }
            RunEvent::EnterCode {
                page,
                code,
                tenant,
                life,
            } => {
                let text = enter_code(page, code, tenant.as_deref(), *life);
                let lines = lines(&text, width()).into_iter();
                self.say("");
                self.say_all("", lines.map(|line| style(line).bold().to_string()));
                self.say("");
            }
            RunEvent::Surveying => *lock(&self.reading) = Some(self.bar("", "reading what there is")),
            RunEvent::Planned(plan) => self.planned(plan),
            RunEvent::Step(id, event) => self.step(*id, event),
            RunEvent::Notice(text) => {
                for line in lines(&sanitize_for_terminal(text), width()) {
                    self.say(&style(line).dim().to_string());
                }
            }
            RunEvent::Standing(standing) => {
                if let (Some(bar), Some(next)) = (lock(&self.reading).as_ref(), standing.next.first()) {
                    show(bar, &turn_line(next));
                }
            }
            RunEvent::Checked(_) | RunEvent::Peerings(_) => {}
            RunEvent::Ended { problem, .. } => {
                // What is still live was interrupted.
                for bar in std::mem::take(&mut *lock(&self.live))
                    .into_values()
                    .chain(lock(&self.reading).take())
                    .chain(lock(&self.signing_in).take())
                {
                    bar.finish_and_clear();
                }
                if let Some(problem) = problem {
                    self.say("");
                    self.say(&problem_text(problem, width()));
                }
            }
        }
    }
}
