//! The plain way of asking: a numbered list and a line, which a screen reader can follow and a dumb terminal can show.

use std::io::{BufRead, Write, stderr, stdin};

use secrecy::SecretString;

use super::prompt::{Answer, AskError, Check, Prompter};

/// Asks by lines on standard error and reads lines from standard input.
pub struct LinePrompter;

fn say(text: &str) {
    // Where standard error is gone, there is nobody to tell.
    let _ = write!(stderr(), "{text}");
    let _ = stderr().flush();
}

fn line(prompt: &str) -> Result<String, AskError> {
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
fn ask<T>(prompt: &str, understand: impl Fn(&str) -> Result<T, String>) -> Result<T, AskError> {
    loop {
        match understand(&line(prompt)?) {
            Ok(value) => return Ok(value),
            Err(why) => say(&format!("{why}\n")),
        }
    }
}

impl Prompter for LinePrompter {
    fn choose(&self, question: &str, items: &[String]) -> Result<Answer<usize>, AskError> {
        say(&format!("{question}\n"));
        for (index, item) in items.iter().enumerate() {
            say(&format!("  {}. {item}\n", index + 1));
        }
        let prompt = format!("Number from 1 to {}, or b for the question before: ", items.len());
        ask(&prompt, |text| match text.parse::<usize>() {
            Ok(number) if (1..=items.len()).contains(&number) => Ok(Answer::Value(number - 1)),
            _ if text.eq_ignore_ascii_case("b") => Ok(Answer::Back),
            _ => Err(format!("'{text}' is not a number from 1 to {}.", items.len())),
        })
    }

    fn text(&self, question: &str, check: Check) -> Result<Answer<String>, AskError> {
        ask(&format!("{question}, or b for the question before: "), |text| {
            if text.eq_ignore_ascii_case("b") {
                return Ok(Answer::Back);
            }
            check(text).map(|()| Answer::Value(text.to_owned()))
        })
    }

    fn secret(&self, question: &str) -> Result<Answer<SecretString>, AskError> {
        say(&format!("{question}, or b for the question before: "));
        let secret = console::Term::stderr().read_secure_line()?;
        Ok(match secret.trim() {
            "b" | "B" => Answer::Back,
            secret => Answer::Value(secret.to_owned().into()),
        })
    }

    /// The answer is always typed: an empty line is no yes and no no.
    fn confirm(&self, question: &str, _by_default: bool) -> Result<Answer<bool>, AskError> {
        ask(
            &format!("{question} (y or n, or b for the question before): "),
            |text| match text.to_ascii_lowercase().as_str() {
                "y" | "yes" => Ok(Answer::Value(true)),
                "n" | "no" => Ok(Answer::Value(false)),
                "b" => Ok(Answer::Back),
                _ => Err("Answer y, n or b.".to_owned()),
            },
        )
    }
}
