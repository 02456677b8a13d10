//! One line typed below a question: Esc goes back, the line never breaks, and a secret is never shown.

use std::io;
use std::ops::Range;

use console::{Key, Term, measure_text_width, truncate_str};
use dialoguer::theme::ColorfulTheme;

use super::keys;
use super::prompt::{PromptQuestion, PromptResult};
use super::style;
use crate::domain::lines;

/// Asks until `check` lets an answer through; what was refused stays there to be mended.
///
/// # Errors
/// `Interrupted` on Ctrl-C; what the terminal says otherwise.
pub fn read_line(
    term: &Term,
    question: &PromptQuestion,
    hidden: bool,
    check: &dyn Fn(&str) -> Result<(), String>,
) -> io::Result<PromptResult<String>> {
    let mut line = LineEditor::default();
    let (mut refusal, mut explained) = (None, false);
    loop {
        let mut head = head(&question.text, refusal.as_deref(), width(term));
        if explained {
            head.extend(help_lines(&question.help, width(term)));
        }
        for text in &head {
            term.write_line(text)?;
        }
        // After Ctrl-C the screen is no longer this prompt's: somebody else may be writing the last words.
        let answer = line.edit(term, hidden)?;
        term.clear_line()?;
        term.clear_last_lines(head.len())?;
        match answer {
            LineEdit::Help => explained = !explained,
            LineEdit::Back => return Ok(PromptResult::Back),
            LineEdit::Line(text) => match check(&text) {
                Ok(()) => return Ok(PromptResult::Value(text)),
                Err(why) => refusal = Some(why),
            },
        }
    }
}

/// Result of editing a line.
enum LineEdit {
    Line(String),
    Back,
    /// A `?` on the empty line.
    Help,
}

/// The explanation of a question, below it.
pub(super) fn help_lines(help: &str, width: usize) -> Vec<String> {
    let folded = lines(help, width.saturating_sub(3)).into_iter();
    folded.map(|line| format!("  {}", style(line).dim())).collect()
}

fn width(term: &Term) -> usize {
    usize::from(term.size().1).max(8)
}

fn head(question: &str, refusal: Option<&str>, width: usize) -> Vec<String> {
    let theme = ColorfulTheme::default();
    let asked = lines(question, width - 2).into_iter().enumerate().map(|(index, text)| {
        let mark = if index == 0 {
            &theme.prompt_prefix
        } else {
            &theme.inactive_item_prefix
        };
        let text = format!("{mark} {}", theme.prompt_style.apply_to(text));
        truncate_str(&text, width, "…").into_owned()
    });
    let mut out: Vec<String> = asked.collect();
    let refusal = refusal.map(|why| lines(why, width - 4)).unwrap_or_default();
    out.extend(refusal.into_iter().enumerate().map(|(index, why)| {
        let mark = if index == 0 {
            &theme.error_prefix
        } else {
            &theme.inactive_item_prefix
        };
        truncate_str(&format!("{mark} {}", theme.error_style.apply_to(why)), width, "…").into_owned()
    }));
    out
}

/// Typed text, and the position of the cursor.
#[derive(Debug, Default)]
pub struct LineEditor {
    text: Vec<char>,
    at: usize,
}

impl LineEditor {
    fn edit(&mut self, term: &Term, hidden: bool) -> io::Result<LineEdit> {
        loop {
            let (shown, behind) = self.shown(hidden, width(term) - 3);
            term.clear_line()?;
            term.write_str(&format!("{} {shown}", ColorfulTheme::default().active_item_prefix))?;
            term.move_cursor_left(behind)?;
            match keys::next(term)? {
                Key::Enter => return Ok(LineEdit::Line(self.text.iter().collect::<String>().trim().to_owned())),
                Key::Escape => return Ok(LineEdit::Back),
                Key::Char('?') if self.text.is_empty() => return Ok(LineEdit::Help),
                key => self.take(&key),
            }
        }
    }

    /// Applies the key to the line; a key that has no effect on a line is ignored.
    pub fn take(&mut self, key: &Key) {
        match key {
            Key::Char('\u{15}') => *self = Self::default(),
            Key::Char(c) if !c.is_control() => {
                self.text.insert(self.at, *c);
                self.at += 1;
            }
            Key::Backspace if self.at > 0 => {
                self.at -= 1;
                self.text.remove(self.at);
            }
            Key::Del if self.at < self.text.len() => {
                self.text.remove(self.at);
            }
            Key::ArrowLeft => self.at = self.at.saturating_sub(1),
            Key::ArrowRight => self.at = self.text.len().min(self.at + 1),
            Key::Home => self.at = 0,
            Key::End => self.at = self.text.len(),
            _ => {}
        }
    }

    /// Returns the typed text.
    pub fn text(&self) -> String {
        self.text.iter().collect()
    }

    /// The part of the line around the cursor that fits into `room` columns: before it, under it, behind it.
    pub fn around(&self, room: usize) -> [String; 3] {
        let part = self.part(false, room);
        let text = |part: Range<usize>| self.text[part].iter().collect::<String>();
        let behind = part.end.min(self.at + 1);
        let under = text(self.at.min(behind)..behind);
        let under = if under.is_empty() { " ".to_owned() } else { under };
        [text(part.start..self.at), under, text(behind..part.end)]
    }

    /// The part of the line around the cursor that fits into `room` columns, and how many columns of it are behind the
    /// cursor.
    fn shown(&self, hidden: bool, room: usize) -> (String, usize) {
        let part = self.part(hidden, room);
        let text = self.text[part.clone()].iter().map(|c| cell(*c, hidden)).collect();
        (text, columns(&self.text[self.at.min(part.end)..part.end], hidden))
    }

    fn part(&self, hidden: bool, room: usize) -> Range<usize> {
        let mut start = 0;
        while columns(&self.text[start..self.at], hidden) > room {
            start += 1;
        }
        let mut end = self.text.len();
        while columns(&self.text[start..end], hidden) > room {
            end -= 1;
        }
        start..end
    }
}

/// Returns the text that is shown for a character.
fn cell(c: char, hidden: bool) -> String {
    if hidden { "*".to_owned() } else { c.to_string() }
}

fn columns(cells: &[char], hidden: bool) -> usize {
    cells.iter().map(|c| measure_text_width(&cell(*c, hidden))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str, keys: &[Key]) -> LineEditor {
        let mut line = LineEditor::default();
        text.chars().for_each(|c| line.take(&Key::Char(c)));
        keys.iter().for_each(|key| line.take(key));
        line
    }

    #[test]
    fn line_edits_at_any_position() {
        let mended = typed(
            "a=10.0.4",
            &[Key::ArrowLeft, Key::ArrowLeft, Key::Char('.'), Key::Char('0')],
        );
        assert_eq!(mended.text.iter().collect::<String>(), "a=10.0.0.4");
        let first = typed("xab", &[Key::Home, Key::Del, Key::Del, Key::End, Key::Backspace]);
        assert_eq!(first.text, [] as [char; 0]);
        assert_eq!(typed("abc", &[Key::Char('\u{15}')]).text, [] as [char; 0]);
        assert_eq!(
            typed("", &[Key::Backspace, Key::Del, Key::Char('\u{7}')]).text,
            [] as [char; 0]
        );
    }

    #[test]
    fn line_scrolls_around_cursor() {
        assert_eq!(typed("0123456789", &[]).shown(false, 4), ("6789".to_owned(), 0));
        assert_eq!(
            typed("0123456789", &[Key::Home]).shown(false, 4),
            ("0123".to_owned(), 4)
        );
        assert_eq!(typed("0123", &[Key::ArrowLeft]).shown(false, 9), ("0123".to_owned(), 1));
    }

    #[test]
    fn line_splits_at_cursor() {
        let table: [(&[Key], usize, [&str; 3]); 4] = [
            (&[], 9, ["abc", " ", ""]),
            (&[Key::ArrowLeft], 9, ["ab", "c", ""]),
            (&[Key::Home], 9, ["", "a", "bc"]),
            (&[], 2, ["bc", " ", ""]),
        ];
        for (keys, room, expected) in table {
            assert_eq!(typed("abc", keys).around(room), expected, "{keys:?} {room}");
        }
    }

    #[test]
    fn line_secret_shows_only_length() {
        assert_eq!(typed("kpat", &[]).shown(true, 9), ("****".to_owned(), 0));
    }
}
