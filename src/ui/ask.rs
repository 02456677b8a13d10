//! The plain way of asking: a numbered list and a line, which a screen reader can follow and a dumb terminal can show.

use std::io::{BufRead, Write, stderr, stdin};

use secrecy::SecretString;

use super::filter::ListFilter;
use super::layout::counted;
use super::list_items::{ItemsState, ListItems};
use super::open_prompt::{ActivePrompt, tell};
use super::prompt::{AskError, InputValidator, PromptQuestion, PromptResult, Prompter, is_yes};
use super::termios::discard_input;
use crate::domain::mask;

/// Lines of a list that somebody reads, or listens to; a longer one is searched.
const MOST_LINES: usize = 40;

/// Asks by lines on standard error and reads lines from standard input.
pub struct LinePrompter;

fn say(text: &str) {
    // Where standard error is gone, there is nobody to tell.
    let _ = write!(stderr(), "{}", mask(text));
    let _ = stderr().flush();
}

fn line(prompt: &str) -> Result<String, AskError> {
    discard_input();
    say(prompt);
    let mut text = String::new();
    let read = stdin().lock().read_line(&mut text).map_err(AskError::Terminal)?;
    if read == 0 {
        Err(AskError::Cancelled)
    } else {
        Ok(text.trim().to_owned())
    }
}

/// Asks until `understand` makes something of the line.
fn ask<T>(prompt: &str, help: &str, understand: impl Fn(&str) -> Result<T, String>) -> Result<T, AskError> {
    loop {
        let text = line(prompt)?;
        if text == "?" {
            say(&format!("{help}\n"));
            continue;
        }
        match understand(&text) {
            Ok(value) => return Ok(value),
            Err(why) => say(&format!("{why}\n")),
        }
    }
}

/// Explanation of the letters at the end of a prompt.
const LETTERS: &str = "or b for the question before, ? for help";

/// The rows of these indices, each behind the number that chooses it.
fn numbered(state: &ItemsState, some: impl IntoIterator<Item = usize>) -> String {
    let line = |at: usize| format!("  {}. {}\n", at + 1, state.line(&state.rows[at]));
    some.into_iter().map(line).collect()
}

/// Those that fit what was typed.
fn found(state: &ItemsState, text: &str) -> String {
    let mut filter = ListFilter::default();
    filter.update(text, &state.rows);
    let kept = filter.kept();
    match kept.len() {
        0 => format!("None of them fits '{text}'."),
        count if count > MOST_LINES => format!("{} of them fit '{text}': say more of it.", counted(count)),
        _ => numbered(state, kept.iter().copied()).trim_end().to_owned(),
    }
}

impl Prompter for LinePrompter {
    /// A list that is still being read is waited for: lines that come later would be in nobody's order.
    fn choose(&self, question: &PromptQuestion, rows: &ListItems) -> Result<PromptResult<usize>, AskError> {
        let PromptQuestion { text: asked, help } = question;
        if !rows.look().complete {
            tell(&format!("{asked}: reading…"));
        }
        rows.wait();
        if rows.look().withdrawn {
            return Err(AskError::Withdrawn);
        }
        let _prompting = ActivePrompt::alone();
        let count = rows.len();
        let long = count > MOST_LINES;
        match long {
            true => say(&format!("{asked}: {} of them\n", counted(count))),
            false => say(&format!("{asked}\n{}", numbered(&rows.look(), 0..count))),
        }
        if let Some(note) = rows.look().note.clone() {
            say(&format!("{note}\n"));
        }
        let what = if long { "Text to look for, or number" } else { "Number" };
        let prompt = format!("{what} from 1 to {count}, {LETTERS}: ");
        ask(&prompt, help, |text| match text.parse::<usize>() {
            Ok(number) if (1..=count).contains(&number) => Ok(PromptResult::Value(number - 1)),
            _ if text.eq_ignore_ascii_case("b") => Ok(PromptResult::Back),
            _ if long => Err(found(&rows.look(), text)),
            _ => Err(format!("'{text}' is not a number from 1 to {count}.")),
        })
    }

    fn text(&self, question: &PromptQuestion, check: InputValidator) -> Result<PromptResult<String>, AskError> {
        let _prompting = ActivePrompt::alone();
        ask(&format!("{}, {LETTERS}: ", question.text), &question.help, |text| {
            if text.eq_ignore_ascii_case("b") {
                return Ok(PromptResult::Back);
            }
            check(text).map(|()| PromptResult::Value(text.to_owned()))
        })
    }

    fn secret(&self, question: &PromptQuestion) -> Result<PromptResult<SecretString>, AskError> {
        let _prompting = ActivePrompt::alone();
        loop {
            discard_input();
            say(&format!("{}, {LETTERS}: ", question.text));
            let secret = console::Term::stderr().read_secure_line()?;
            return Ok(match secret.trim() {
                "?" => {
                    say(&format!("{}\n", question.help));
                    continue;
                }
                "b" | "B" => PromptResult::Back,
                secret => PromptResult::Value(secret.to_owned().into()),
            });
        }
    }

    /// The answer is always typed: an empty line is no yes and no no.
    fn confirm(&self, question: &PromptQuestion, _by_default: bool) -> Result<PromptResult<bool>, AskError> {
        let _prompting = ActivePrompt::alone();
        let prompt = format!("{} (y or n, {LETTERS}): ", question.text);
        ask(&prompt, &question.help, |text| match is_yes(text, false) {
            Some(yes) if !text.is_empty() => Ok(PromptResult::Value(yes)),
            _ if text.eq_ignore_ascii_case("b") => Ok(PromptResult::Back),
            _ => Err("Answer y, n or b.".to_owned()),
        })
    }
}
