//! Questions, behind a small interface; and the rich terminal's way of asking them.

use console::{Term, style, truncate_str};
use dialoguer::theme::ColorfulTheme;
use dialoguer::{Confirm, FuzzySelect, Input, Password};
use secrecy::SecretString;

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
    fn text(&self, question: &str, check: Check) -> Result<String, AskError>;
    /// A line that is not echoed; may be empty.
    fn secret(&self, question: &str) -> Result<SecretString, AskError>;
    fn confirm(&self, question: &str) -> Result<Answer<bool>, AskError>;
}

impl From<dialoguer::Error> for AskError {
    fn from(error: dialoguer::Error) -> Self {
        let dialoguer::Error::IO(error) = error;
        // Ctrl-C, and a terminal that went away: nobody will answer any more.
        match error.kind() {
            std::io::ErrorKind::Interrupted | std::io::ErrorKind::UnexpectedEof => Self::Cancelled,
            _ => Self::Terminal(error),
        }
    }
}

/// Prompts with a list to type in, on standard error.
pub struct TerminalPrompter;

/// What FuzzySelect draws around an item.
const MARGIN: usize = 4;
/// Items on screen at once; fewer on a low terminal, so that the question stays in sight.
const MOST_ITEMS: usize = 10;

impl Prompter for TerminalPrompter {
    fn choose(&self, question: &str, items: &[String]) -> Result<Answer<usize>, AskError> {
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

    fn text(&self, question: &str, check: Check) -> Result<String, AskError> {
        let theme = ColorfulTheme::default();
        let input = Input::<String>::with_theme(&theme)
            .with_prompt(question)
            .allow_empty(true)
            .report(false);
        let text = input
            .validate_with(move |text: &String| check(text.trim()))
            .interact_text()?
            .trim()
            .to_owned();
        answered(question, if text.is_empty() { "none" } else { &text });
        Ok(text)
    }

    fn secret(&self, question: &str) -> Result<SecretString, AskError> {
        let theme = ColorfulTheme::default();
        let prompt = Password::with_theme(&theme)
            .with_prompt(question)
            .allow_empty_password(true)
            .report(false);
        let secret = prompt.interact()?;
        answered(question, if secret.trim().is_empty() { "none" } else { "********" });
        Ok(secret.trim().to_owned().into())
    }

    fn confirm(&self, question: &str) -> Result<Answer<bool>, AskError> {
        let theme = ColorfulTheme::default();
        let answer = Confirm::with_theme(&theme)
            .with_prompt(question)
            .default(true)
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
