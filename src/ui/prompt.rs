//! Questions, behind a small interface; and the rich terminal's way of asking them.

use std::sync::Once;

use console::{Term, style, truncate_str};
use dialoguer::theme::ColorfulTheme;
use dialoguer::{Confirm, FuzzySelect};
use secrecy::SecretString;

use super::line::read_line;
use super::modes::NoEcho;
use super::width;

/// What came of a question.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer<T> {
    Value(T),
    /// Esc: to the question before.
    Back,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("stopped by the user")]
    Cancelled,
    #[error("the terminal cannot be read: {0}")]
    Terminal(std::io::Error),
}

/// Says what is wrong with an answer.
pub type Check = Box<dyn Fn(&str) -> Result<(), String> + Send>;

/// Asks a person. Calls block until there is an answer.
pub trait Prompter: Send + Sync {
    /// The index of one of `items`, which are never empty here.
    ///
    /// # Errors
    /// `Cancelled` on Ctrl-C; so too for the others.
    fn choose(&self, question: &str, items: &[String]) -> Result<Answer<usize>, AskError>;
    /// A line that passes `check`; empty where `check` lets that through.
    fn text(&self, question: &str, check: Check) -> Result<Answer<String>, AskError>;
    /// A line that is not echoed; may be empty.
    fn secret(&self, question: &str) -> Result<Answer<SecretString>, AskError>;
    fn confirm(&self, question: &str, by_default: bool) -> Result<Answer<bool>, AskError>;
}

impl From<dialoguer::Error> for AskError {
    fn from(error: dialoguer::Error) -> Self {
        let dialoguer::Error::IO(error) = error;
        error.into()
    }
}

impl From<std::io::Error> for AskError {
    fn from(error: std::io::Error) -> Self {
        // Ctrl-C, and a terminal that went away: nobody will answer any more.
        match error.kind() {
            std::io::ErrorKind::Interrupted | std::io::ErrorKind::UnexpectedEof => Self::Cancelled,
            _ => Self::Terminal(error),
        }
    }
}

/// Prompts with a list to type in, on standard error.
pub struct TerminalPrompter;

/// The keys are told once, above the first list.
static KEYS: Once = Once::new();

fn tell_keys() {
    let keys = "Type to filter, Enter to choose, Esc to go back, Ctrl-C to stop.";
    // Where standard error is gone, there is nobody to tell.
    let _ = Term::stderr().write_line(&truncate_str(&style(keys).dim().to_string(), width(), "…"));
}

/// What FuzzySelect draws around an item.
const MARGIN: usize = 4;
/// Items on screen at once; fewer on a low terminal, so that the question stays in sight.
const MOST_ITEMS: usize = 10;

impl Prompter for TerminalPrompter {
    fn choose(&self, question: &str, items: &[String]) -> Result<Answer<usize>, AskError> {
        let _no_echo = NoEcho::begin();
        KEYS.call_once(tell_keys);
        let theme = ColorfulTheme::default();
        let labels = labels(items, width().saturating_sub(MARGIN));
        let rows = usize::from(Term::stderr().size().0);
        let chosen = FuzzySelect::with_theme(&theme)
            .with_prompt(question)
            .items(&labels)
            .default(0)
            .max_length(MOST_ITEMS.min(rows.saturating_sub(4)).max(1))
            .report(false)
            .interact_opt()?;
        if let Some(index) = chosen {
            answered(question, &items[index]);
        }
        Ok(chosen.map_or(Answer::Back, Answer::Value))
    }

    fn text(&self, question: &str, check: Check) -> Result<Answer<String>, AskError> {
        let _no_echo = NoEcho::begin();
        let answer = read_line(&Term::stderr(), question, false, &check)?;
        if let Answer::Value(text) = &answer {
            answered(question, if text.is_empty() { "none" } else { text });
        }
        Ok(answer)
    }

    fn secret(&self, question: &str) -> Result<Answer<SecretString>, AskError> {
        let _no_echo = NoEcho::begin();
        Ok(match read_line(&Term::stderr(), question, true, &|_| Ok(()))? {
            Answer::Value(secret) => {
                answered(question, if secret.is_empty() { "none" } else { "********" });
                Answer::Value(secret.into())
            }
            Answer::Back => Answer::Back,
        })
    }

    fn confirm(&self, question: &str, by_default: bool) -> Result<Answer<bool>, AskError> {
        let _no_echo = NoEcho::begin();
        let theme = ColorfulTheme::default();
        let answer = Confirm::with_theme(&theme)
            .with_prompt(question)
            .default(by_default)
            .report(false)
            .interact_opt()?;
        if let Some(yes) = answer {
            answered(question, if yes { "yes" } else { "no" });
        }
        Ok(answer.map_or(Answer::Back, Answer::Value))
    }
}

/// The line that stays when a question is answered. Our own, because dialoguer's breaks where it does not fit.
fn answered(question: &str, answer: &str) {
    let topic = question
        .split(['(', ';'])
        .next()
        .unwrap_or(question)
        .trim()
        .trim_end_matches('?');
    let answer = answer.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = format!("{} {topic} · {}", style("✔").green(), style(answer).cyan());
    // Where standard error is gone, there is nobody to tell.
    let _ = Term::stderr().write_line(&truncate_str(&line, width(), "…"));
}

/// Labels that fit a line and differ: FuzzySelect returns the first of two that are equal, whichever was picked.
fn labels(items: &[String], width: usize) -> Vec<String> {
    let mut labels: Vec<String> = Vec::with_capacity(items.len());
    let mut seen = std::collections::HashSet::new();
    for (index, item) in items.iter().enumerate() {
        let mut label = truncate_str(item, width, "…").into_owned();
        if !seen.insert(label.clone()) {
            let mark = format!(" #{}", index + 1);
            label = format!("{}{mark}", truncate_str(item, width.saturating_sub(mark.len()), "…"));
            seen.insert(label.clone());
        }
        labels.push(label);
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_would_be_equal_are_told_apart() {
        let items = ["vnet-app  10.0.0.0/16 rg-one", "vnet-app  10.0.0.0/16 rg-two", "other"].map(str::to_owned);
        let labels = labels(&items, 14);
        assert_eq!(labels, ["vnet-app  10.…", "vnet-app  … #2", "other"]);
        assert!(labels.iter().all(|label| console::measure_text_width(label) <= 14));
    }
}
