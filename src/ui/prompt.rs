//! Questions, behind a small interface; and the rich terminal's way of asking them.

use std::sync::Once;

use console::{Term, truncate_str};
use dialoguer::theme::ColorfulTheme;
use secrecy::SecretString;

use super::line::read_line;
use super::list::{self, ListSelection};
use super::list_items::ListItems;
use super::open_prompt::ActivePrompt;
use super::termios::NoEcho;
use super::{style, width};

/// Result of a question.
#[derive(Debug, PartialEq, Eq)]
pub enum PromptResult<T> {
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

/// Text of a question, and its explanation for `?`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptQuestion {
    pub text: String,
    /// Purpose of the answer, where to find it, and the flag that sets it.
    pub help: String,
}

impl PromptQuestion {
    /// A question with its explanation.
    pub fn new(text: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            help: help.into(),
        }
    }
}

/// Says what is wrong with an answer.
pub type InputValidator = Box<dyn Fn(&str) -> Result<(), String> + Send>;

/// Asks a person. Calls block until there is an answer.
pub trait Prompter: Send + Sync {
    /// The index of one of `rows`, which may still come while the question is open.
    ///
    /// # Errors
    /// `Cancelled` on Ctrl-C, so too for the others; `Withdrawn` once the rows are.
    fn choose(&self, question: &PromptQuestion, rows: &ListItems) -> Result<PromptResult<usize>, AskError>;
    /// A line that passes `check`; empty where `check` lets that through.
    fn text(&self, question: &PromptQuestion, check: InputValidator) -> Result<PromptResult<String>, AskError>;
    /// A line that is not echoed; may be empty.
    fn secret(&self, question: &PromptQuestion) -> Result<PromptResult<SecretString>, AskError>;
    /// Yes or no, followed by Enter; `by_default` for Enter alone.
    fn confirm(&self, question: &PromptQuestion, by_default: bool) -> Result<PromptResult<bool>, AskError>;
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

/// The keys are told once, above the first list and above the first line to type.
static LIST_KEYS: Once = Once::new();
static LINE_KEYS: Once = Once::new();

fn tell_keys(keys: &str) {
    // Where standard error is gone, there is nobody to tell.
    let _ = Term::stderr().write_line(&truncate_str(&style(keys).dim().to_string(), width(), "…"));
}

impl Prompter for TerminalPrompter {
    fn choose(&self, question: &PromptQuestion, rows: &ListItems) -> Result<PromptResult<usize>, AskError> {
        let _no_echo = NoEcho::begin();
        LIST_KEYS
            .call_once(|| tell_keys("Type to filter, Enter to choose, ? for help, Esc to go back, Ctrl-C to stop."));
        match list::choose(question, rows)? {
            ListSelection::Row(index, label) => {
                answered(&question.text, &label);
                Ok(PromptResult::Value(index))
            }
            ListSelection::Back => Ok(PromptResult::Back),
            ListSelection::Withdrawn => Err(AskError::Withdrawn),
        }
    }

    fn text(&self, question: &PromptQuestion, check: InputValidator) -> Result<PromptResult<String>, AskError> {
        let answer = ask_line(question, false, &check)?;
        if let PromptResult::Value(text) = &answer {
            answered(&question.text, if text.is_empty() { "none" } else { text });
        }
        Ok(answer)
    }

    fn secret(&self, question: &PromptQuestion) -> Result<PromptResult<SecretString>, AskError> {
        Ok(match ask_line(question, true, &|_| Ok(()))? {
            PromptResult::Value(secret) => {
                answered(&question.text, if secret.is_empty() { "none" } else { "********" });
                PromptResult::Value(secret.into())
            }
            PromptResult::Back => PromptResult::Back,
        })
    }

    fn confirm(&self, question: &PromptQuestion, by_default: bool) -> Result<PromptResult<bool>, AskError> {
        let marks = if by_default { "Y/n" } else { "y/N" };
        let asked = PromptQuestion::new(format!("{} ({marks})", question.text), &*question.help);
        let check = |text: &str| match is_yes(text, by_default) {
            Some(_) => Ok(()),
            None => Err("Type y or n, then Enter.".to_owned()),
        };
        let PromptResult::Value(text) = ask_line(&asked, false, &check)? else {
            return Ok(PromptResult::Back);
        };
        let yes = is_yes(&text, by_default).unwrap_or_default();
        answered(&question.text, if yes { "yes" } else { "no" });
        Ok(PromptResult::Value(yes))
    }
}

/// Asks for a line, in the prompt's modes.
fn ask_line(
    question: &PromptQuestion,
    hidden: bool,
    check: &dyn Fn(&str) -> Result<(), String>,
) -> Result<PromptResult<String>, AskError> {
    let (_prompting, _no_echo) = (ActivePrompt::alone(), NoEcho::begin());
    LINE_KEYS.call_once(|| tell_keys("Enter to answer, ? for help, Esc to go back, Ctrl-C to stop."));
    Ok(read_line(&Term::stderr(), question, hidden, check)?)
}

/// Returns the meaning of a typed yes or no; `by_default` if nothing was typed, `None` if it is neither.
pub(super) fn is_yes(text: &str, by_default: bool) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "" => Some(by_default),
        "y" | "yes" => Some(true),
        "n" | "no" => Some(false),
        _ => None,
    }
}

/// The line that stays when a question is answered, in dialoguer's style. Drawn here, because dialoguer's own breaks if it
/// doesn't fit.
fn answered(question: &str, answer: &str) {
    let topic = question
        .split(['(', ';'])
        .next()
        .unwrap_or(question)
        .trim()
        .trim_end_matches('?');
    let answer = answer.split_whitespace().collect::<Vec<_>>().join(" ");
    let theme = ColorfulTheme::default();
    let line = format!(
        "{} {topic} · {}",
        theme.success_prefix,
        theme.defaults_style.apply_to(answer)
    );
    // Where standard error is gone, there is nobody to tell.
    let _ = Term::stderr().write_line(&truncate_str(&line, width(), "…"));
}
