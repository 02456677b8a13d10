//! Lines only, on standard error: for files, pipelines, screen readers and terminals without cursor control.

use std::collections::HashSet;
use std::io::{IsTerminal, stderr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::layout::{card_lines, duration, enter_code, hold_lines, in_words, plan_lines, problem_text, settled};
use super::open_prompt::tell;
use super::pending_waits::{MAY_LEAVE, PendingWaits};
use super::status::turn_line;
use super::{RunDisplay, width};
use crate::domain::sanitize_for_terminal;
use crate::limits;
use crate::plan::{RunEvent, StepEvent, StepId};

/// The plain screen. It says each thing once, and now and then that a wait goes on.
pub struct PlainOutput {
    told: Mutex<ReportedEvents>,
    row: Option<String>,
}

impl Default for PlainOutput {
    fn default() -> Self {
        Self {
            told: Mutex::new(ReportedEvents::new(stderr().is_terminal())),
            row: None,
        }
    }
}

impl PlainOutput {
    /// For one of several runs: its name is before what it says.
    pub fn of_row(name: &str) -> Self {
        Self {
            row: Some(sanitize_for_terminal(name)),
            ..Self::default()
        }
    }
}

impl RunDisplay for PlainOutput {
    fn on(&self, event: &RunEvent) {
        if self.row.is_some() && matches!(event, RunEvent::Surveying | RunEvent::Planned(_)) {
            // The plans of all rows are one table.
            return;
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines = told.lines(event, Instant::now());
        if let Some(row) = &self.row {
            // What goes on in further lines is for copying.
            let named = |line: String| match line.starts_with("  ") {
                true => line,
                false => format!("{row}: {line}"),
            };
            // In one piece: others speak, too.
            let block: Vec<String> = lines.into_iter().map(named).collect();
            lines = [block.join("\n")]
                .into_iter()
                .filter(|block| !block.is_empty())
                .collect();
        }
        for line in lines {
            tell(&in_words(&line));
        }
    }
}

/// Events that have been reported so far.
struct ReportedEvents {
    said: HashSet<(StepId, String)>,
    waits: PendingWaits,
    /// Time of the last line.
    last: Option<Instant>,
    /// Somebody reads along, and can press Ctrl-C.
    attended: bool,
    /// It has been told who signed in.
    signed_in: bool,
    /// Lines that are reported immediately afterwards.
    held: Vec<String>,
}

impl ReportedEvents {
    fn new(attended: bool) -> Self {
        Self {
            said: HashSet::new(),
            waits: PendingWaits::default(),
            last: None,
            attended,
            signed_in: false,
            held: Vec::new(),
        }
    }

    /// The lines that tell of an event.
    fn lines(&mut self, event: &RunEvent, now: Instant) -> Vec<String> {
        let waited = self.waits.on(event, now);
        let mut lines = match event {
            RunEvent::Step(id, event) => self.step(*id, event),
            // What is there is read while the sign-in is asked who it is; who reads along is told in order.
            RunEvent::Surveying if !self.signed_in => {
                self.held = told(event);
                Vec::new()
            }
            RunEvent::SignedIn(_) => {
                self.signed_in = true;
                told(event).into_iter().chain(std::mem::take(&mut self.held)).collect()
            }
            other => told(other),
        };
        if let Some(waited) = waited {
            if lines.is_empty() && self.is_long_silent(now) {
                lines.extend(still(event, waited));
            }
            if self.attended && self.waits.may_leave(waited) {
                lines.push(MAY_LEAVE.to_owned());
            }
        }
        if !lines.is_empty() {
            self.last = Some(now);
        }
        lines
    }

    fn is_long_silent(&self, now: Instant) -> bool {
        let last = self.last.unwrap_or(now);
        now.saturating_duration_since(last) >= limits::PROGRESS_INTERVAL
    }

    fn step(&mut self, id: StepId, event: &StepEvent) -> Vec<String> {
        let (news, below) = match event {
            StepEvent::Started => return Vec::new(),
            StepEvent::Doing(text) => (sanitize_for_terminal(text), Vec::new()),
            StepEvent::Waiting { what, usually } => {
                let usually = usually.as_ref().map(|usually| format!(" (usually {usually})"));
                (
                    sanitize_for_terminal(&format!("waiting: {what}{}", usually.unwrap_or_default())),
                    Vec::new(),
                )
            }
            StepEvent::OpenPage { url, opened } => {
                let what = if *opened {
                    "opened in the browser:"
                } else {
                    "open in a browser:"
                };
                (format!("{what} {url}"), Vec::new())
            }
            StepEvent::HandOff(card) => ("hand-off".to_owned(), card_lines(card, usize::MAX)),
            StepEvent::Changed(change) => (
                format!(
                    "{} {} {}",
                    change.action,
                    change.kind,
                    sanitize_for_terminal(&change.id)
                ),
                Vec::new(),
            ),
            StepEvent::Finished { state, detail, waited } => {
                let waited = if waited.as_secs() == 0 {
                    String::new()
                } else {
                    format!(" (waited {})", duration(*waited))
                };
                (
                    format!("{}: {}{waited}", settled(*state), sanitize_for_terminal(detail)),
                    Vec::new(),
                )
            }
            StepEvent::Held { state, hold, .. } => (state.to_string(), hold_lines(hold, usize::MAX)),
            StepEvent::Failed { .. } => ("failed".to_owned(), Vec::new()),
            StepEvent::Skipped { because_of } => (format!("not tried: {because_of} comes first"), Vec::new()),
        };
        let is_new = self.said.insert((id, news.clone()));
        let news = is_new.then(|| format!("{id}: {news}"));
        news.into_iter()
            .chain(below.into_iter().map(|line| format!("  {line}")))
            .collect()
    }
}

/// Returns the lines for events that belong to no step.
fn told(event: &RunEvent) -> Vec<String> {
    match event {
        RunEvent::SignedIn(who) => vec![format!(
            "Signed in as {} to {} ({}).",
            sanitize_for_terminal(&who.name),
            sanitize_for_terminal(&who.tenant),
            who.cloud
        )],
        RunEvent::EnterCode {
            page,
            code,
            tenant,
            life,
        } => vec![enter_code(page, code, tenant.as_deref(), *life)],
        RunEvent::SigningIn { .. } => Vec::new(),
        RunEvent::Surveying => vec!["Reading what there is.".to_owned()],
        RunEvent::Planned(plan) => {
            let checks = plan.checks.iter().filter(|check| check.is_problem());
            let checks = checks.map(|check| format!("  check {}: {}", check.id, sanitize_for_terminal(&check.detail)));
            let plan = plan_lines(plan, width()).into_iter();
            ["Plan:".to_owned()].into_iter().chain(plan).chain(checks).collect()
        }
        RunEvent::Notice(text) => vec![sanitize_for_terminal(text)],
        RunEvent::Ended { problem, .. } => problem.iter().map(|problem| problem_text(problem, width())).collect(),
        RunEvent::Step(..) | RunEvent::Checked(_) | RunEvent::Peerings(_) | RunEvent::Standing(_) => Vec::new(),
    }
}

/// That a wait goes on, and since when.
fn still(event: &RunEvent, waited: Duration) -> Option<String> {
    let waited = duration(waited);
    match event {
        RunEvent::Step(id, StepEvent::Waiting { what, usually }) => {
            let usually = usually.as_ref().map(|usually| format!(", usually {usually}"));
            let usually = usually.unwrap_or_default();
            Some(sanitize_for_terminal(&format!(
                "{id}: still waiting: {what} ({waited} so far{usually})"
            )))
        }
        RunEvent::Standing(standing) => {
            let next = standing.next.first().map(turn_line).unwrap_or_default();
            Some(format!("Still waiting ({waited} so far): {next}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(what: &str) -> RunEvent {
        let usually = Some("30 to 40 minutes".to_owned());
        let what = what.to_owned();
        RunEvent::Step(StepId::Peering, StepEvent::Waiting { what, usually })
    }

    #[test]
    fn plain_wait_reported_once_per_minute() {
        let (mut told, start) = (ReportedEvents::new(false), Instant::now());
        let lines: Vec<(u64, String)> = (0..=300)
            .step_by(10)
            .flat_map(|second| {
                let now = start + Duration::from_secs(second);
                let lines = told.lines(&waiting("Kong creates both directions"), now);
                lines.into_iter().map(move |line| (second, line))
            })
            .collect();
        let still = |minutes: u64| {
            let line =
                "peering: still waiting: Kong creates both directions (N min 00 s so far, usually 30 to 40 minutes)";
            (minutes * 60, line.replace('N', &minutes.to_string()))
        };
        let first = "peering: waiting: Kong creates both directions (usually 30 to 40 minutes)".to_owned();
        let rest = (1..=5).map(still);
        assert_eq!(lines, [(0, first)].into_iter().chain(rest).collect::<Vec<_>>());
    }

    #[test]
    fn plain_other_output_replaces_wait_notice() {
        let (mut told, start) = (ReportedEvents::new(false), Instant::now());
        let mut at = |seconds, event: &RunEvent| told.lines(event, start + Duration::from_secs(seconds)).len();
        assert_eq!(at(0, &waiting("it")), 1);
        assert_eq!(at(50, &RunEvent::Notice("Azure asks to slow down".to_owned())), 1);
        assert_eq!(at(100, &waiting("it")), 0);
        assert_eq!(at(110, &waiting("it")), 1);
    }

    #[test]
    fn plain_leave_hint_shown_once() {
        for attended in [true, false] {
            let (mut told, start) = (ReportedEvents::new(attended), Instant::now());
            let seconds = (0..40).step_by(2).map(|second| start + Duration::from_secs(second));
            let lines: Vec<String> = seconds.flat_map(|now| told.lines(&waiting("it"), now)).collect();
            let times = lines.iter().filter(|line| *line == MAY_LEAVE).count();
            assert_eq!(times, usize::from(attended), "{lines:?}");
        }
    }
}
