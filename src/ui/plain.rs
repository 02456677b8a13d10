//! Lines only, on standard error: for files, pipelines, screen readers and terminals without cursor control.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use super::open::tell;
use super::words::{card_lines, duration, hold_lines, in_words, plan_lines, problem_text, settled};
use super::{Screen, width};
use crate::domain::harmless;
use crate::plan::{Event, StepEvent, StepId};

/// The plain screen. It says each thing once: a wait that goes on is no news.
#[derive(Default)]
pub struct Plain {
    said: Mutex<HashSet<(StepId, String)>>,
}

fn say(text: &str) {
    tell(&in_words(text));
}

fn say_all(indent: &str, lines: impl IntoIterator<Item = String>) {
    for line in lines {
        say(&format!("{indent}{line}"));
    }
}

impl Plain {
    fn step(&self, id: StepId, event: &StepEvent) {
        let news = |text: String| {
            let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
            if said.insert((id, text.clone())) {
                say(&format!("{id}: {text}"));
            }
        };
        match event {
            StepEvent::Started => {}
            StepEvent::Doing(text) => news(harmless(text)),
            StepEvent::Waiting { what, usually: None } => news(format!("waiting: {}", harmless(what))),
            StepEvent::Waiting {
                what,
                usually: Some(usually),
            } => {
                news(harmless(&format!("waiting: {what} (usually {usually})")));
            }
            StepEvent::OpenPage { url, opened } => {
                news(format!(
                    "{} {url}",
                    if *opened {
                        "opened in the browser:"
                    } else {
                        "open in a browser:"
                    }
                ));
            }
            StepEvent::HandOff(card) => {
                news("hand-off".to_owned());
                say_all("  ", card_lines(card, usize::MAX));
            }
            StepEvent::Changed(change) => {
                news(format!("{} {} {}", change.action, change.kind, harmless(&change.id)));
            }
            StepEvent::Finished { state, detail, waited } => {
                let waited = if waited.as_secs() == 0 {
                    String::new()
                } else {
                    format!(" (waited {})", duration(*waited))
                };
                news(format!("{}: {}{waited}", settled(*state), harmless(detail)));
            }
            StepEvent::Held { state, hold, .. } => {
                news(state.to_string());
                say_all("  ", hold_lines(hold, usize::MAX));
            }
            StepEvent::Failed { .. } => news("failed".to_owned()),
            StepEvent::Skipped { because_of } => news(format!("not tried: {because_of} comes first")),
        }
    }
}

impl Screen for Plain {
    fn on(&self, event: &Event) {
        match event {
            Event::SignedIn(who) => say(&format!(
                "Signed in as {} to {} ({}).",
                harmless(&who.name),
                harmless(&who.tenant),
                who.cloud
            )),
            Event::Surveying => say("Reading what there is."),
            Event::Planned(plan) => {
                say("Plan:");
                say_all("", plan_lines(plan, width()));
                for check in plan.checks.iter().filter(|check| check.is_problem()) {
                    say(&format!("  check {}: {}", check.id, harmless(&check.detail)));
                }
            }
            Event::Step(id, event) => self.step(*id, event),
            Event::Notice(text) => say(&harmless(text)),
            Event::Checked(_) | Event::Peerings(_) | Event::Standing(_) => {}
            Event::Ended { problem, .. } => {
                if let Some(problem) = problem {
                    say(&problem_text(problem, width()));
                }
            }
        }
    }
}
