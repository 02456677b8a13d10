//! Questions, behind a small interface; and the rich terminal's way of asking them.

use std::sync::Once;

use console::{Term, truncate_str};
use dialoguer::Confirm;
use dialoguer::theme::ColorfulTheme;
use secrecy::SecretString;

use super::line::read_line;
use super::list::{self, Chosen};
use super::modes::NoEcho;
use super::open::Prompting;
use super::rows::Rows;
use super::{style, width};

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
    /// Whoever asked does not want to know any more.
    #[error("not asked any more")]
    Withdrawn,
    #[error("the terminal cannot be read: {0}")]
    Terminal(std::io::Error),
}

/// Says what is wrong with an answer.
pub type Check = Box<dyn Fn(&str) -> Result<(), String> + Send>;

/// Asks a person. Calls block until there is an answer.
pub trait Prompter: Send + Sync {
    /// The index of one of `rows`, which may still come while the question is open.
    ///
    /// # Errors
    /// `Cancelled` on Ctrl-C, so too for the others; `Withdrawn` once the rows are.
    fn choose(&self, question: &str, rows: &Rows) -> Result<Answer<usize>, AskError>;
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

impl Prompter for TerminalPrompter {
    fn choose(&self, question: &str, rows: &Rows) -> Result<Answer<usize>, AskError> {
        let _no_echo = NoEcho::begin();
        KEYS.call_once(tell_keys);
        match list::choose(question, rows)? {
            Chosen::Row(index, label) => {
                answered(question, &label);
                Ok(Answer::Value(index))
            }
            Chosen::Back => Ok(Answer::Back),
            Chosen::Withdrawn => Err(AskError::Withdrawn),
        }
    }

    fn text(&self, question: &str, check: Check) -> Result<Answer<String>, AskError> {
        let (_prompting, _no_echo) = (Prompting::alone(), NoEcho::begin());
        let answer = read_line(&Term::stderr(), question, false, &check)?;
        if let Answer::Value(text) = &answer {
            answered(question, if text.is_empty() { "none" } else { text });
        }
        Ok(answer)
    }

    fn secret(&self, question: &str) -> Result<Answer<SecretString>, AskError> {
        let (_prompting, _no_echo) = (Prompting::alone(), NoEcho::begin());
        Ok(match read_line(&Term::stderr(), question, true, &|_| Ok(()))? {
            Answer::Value(secret) => {
                answered(question, if secret.is_empty() { "none" } else { "********" });
                Answer::Value(secret.into())
            }
            Answer::Back => Answer::Back,
        })
    }

    fn confirm(&self, question: &str, by_default: bool) -> Result<Answer<bool>, AskError> {
        let (_prompting, _no_echo) = (Prompting::alone(), NoEcho::begin());
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
