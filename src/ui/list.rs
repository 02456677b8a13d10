//! A list to type in and choose from, below a question. Rows may come while it is shown: they stand below those that are
//! there, and what is chosen is always what was on the screen when the key was pressed.

use std::io;

use console::{Key, Term, measure_text_width, truncate_str};
use dialoguer::theme::ColorfulTheme;

use super::filter::{ListFilter, ListItem};
use super::keys::KeyReader;
use super::layout::{NARROW, counted};
use super::line::{LineEditor, help_lines};
use super::list_items::{COLUMNS_APART, ItemsState, ListItems};
use super::open_prompt::ActivePrompt;
use super::prompt::PromptQuestion;
use super::style;

/// Rows on screen at once; fewer on a low terminal, so that the question stays in sight.
const MOST_ROWS: usize = 10;
/// Columns that are left to what is typed, however long the question is.
const ROOM_TO_TYPE: usize = 8;

/// Result of the selection.
#[derive(Debug, PartialEq, Eq)]
pub enum ListSelection {
    /// The row of this index, and what it says.
    Row(usize, String),
    Back,
    /// The rows were withdrawn.
    Withdrawn,
}

impl ListSelection {
    /// The name, and what tells it from others of that name.
    fn row(rows: &ListItems, index: usize) -> Self {
        let state = rows.look();
        let mut cells = state.rows[index].cells().map(str::trim).filter(|cell| !cell.is_empty());
        let name = cells.next().unwrap_or_default().to_owned();
        let rest = cells.collect::<Vec<_>>().join(", ");
        Self::Row(
            index,
            if rest.is_empty() {
                name
            } else {
                format!("{name} ({rest})")
            },
        )
    }
}

/// Asks on standard error until there is an answer, or the rows are withdrawn.
///
/// # Errors
/// `Interrupted` on Ctrl-C; what the terminal says otherwise.
pub fn choose(question: &PromptQuestion, rows: &ListItems) -> io::Result<ListSelection> {
    let ear = KeyReader::new()?;
    rows.attach(ear.bell());
    let prompting = ActivePrompt::above(ear.bell());
    let canvas = ListCanvas::begin()?;
    let mut list = ListPrompt::new(question);
    let mut picture: Vec<String> = Vec::new();
    loop {
        canvas.take_away(&picture)?;
        for line in prompting.told() {
            canvas.term.write_line(&line)?;
        }
        // The rows are let go before the terminal is written to, which may take its time.
        picture = match rows.look() {
            state if state.withdrawn => return Ok(ListSelection::Withdrawn),
            state => list.picture(&state, canvas.size()),
        };
        for line in &picture {
            canvas.term.write_line(line)?;
        }
        canvas.term.flush()?;
        // After Ctrl-C the screen is no longer this list's: somebody else may be writing the last words.
        let Some(key) = ear.listen(&canvas.term)? else {
            continue;
        };
        let chosen = match list.take(&key) {
            None => continue,
            Some(ListChoice::Back) => ListSelection::Back,
            Some(ListChoice::Row(index)) => ListSelection::row(rows, index),
        };
        canvas.take_away(&picture)?;
        return Ok(chosen);
    }
}

/// The terminal without a cursor, which is drawn where something is typed; with it again when this goes.
struct ListCanvas {
    term: Term,
}

impl ListCanvas {
    fn begin() -> io::Result<Self> {
        let term = Term::buffered_stderr();
        term.hide_cursor()?;
        Ok(Self { term })
    }

    fn size(&self) -> (usize, usize) {
        let (rows, columns) = self.term.size();
        (rows.into(), columns.into())
    }

    /// Takes the lines away that were drawn last. A window that has become narrower since has broken the long ones.
    fn take_away(&self, picture: &[String]) -> io::Result<()> {
        let width = self.size().1.max(1);
        let drawn = picture
            .iter()
            .map(|line| measure_text_width(line).div_ceil(width).max(1));
        self.term.move_cursor_up(drawn.sum())?;
        self.term.clear_to_end_of_screen()
    }
}

impl Drop for ListCanvas {
    fn drop(&mut self) {
        // Where standard error is gone there is no cursor to show.
        let _ = self.term.show_cursor().and_then(|()| self.term.flush());
    }
}

/// Result of a key press.
#[derive(Debug, PartialEq, Eq)]
enum ListChoice {
    Row(usize),
    Back,
}

/// Typed text, and the position of the marker.
struct ListPrompt<'a> {
    question: &'a PromptQuestion,
    typed: LineEditor,
    filter: ListFilter,
    /// The marked row, among those that fit.
    at: usize,
    /// The first one on the screen, and how many there are.
    top: usize,
    shown: usize,
    /// Whether the explanation of the question is shown below the rows.
    explained: bool,
}

impl<'a> ListPrompt<'a> {
    fn new(question: &'a PromptQuestion) -> Self {
        Self {
            question,
            typed: LineEditor::default(),
            filter: ListFilter::default(),
            at: 0,
            top: 0,
            shown: 1,
            explained: false,
        }
    }

    fn take(&mut self, key: &Key) -> Option<ListChoice> {
        let last = self.filter.kept().len().saturating_sub(1);
        match key {
            Key::Escape if self.typed.text().is_empty() => return Some(ListChoice::Back),
            Key::Escape => (self.typed, self.at) = (LineEditor::default(), 0),
            Key::Char('?') if self.typed.text().is_empty() => self.explained = !self.explained,
            // Of rows that nobody has seen none is taken.
            Key::Enter => return self.filter.kept().get(self.at).map(|index| ListChoice::Row(*index)),
            Key::ArrowUp | Key::BackTab => self.at = self.at.checked_sub(1).unwrap_or(last),
            Key::ArrowDown | Key::Tab if self.at >= last => self.at = 0,
            Key::ArrowDown | Key::Tab => self.at += 1,
            Key::PageUp => self.at = self.at.saturating_sub(self.shown),
            Key::PageDown => self.at = last.min(self.at + self.shown),
            key => {
                let before = self.typed.text();
                self.typed.take(key);
                if self.typed.text() != before {
                    self.at = 0;
                }
            }
        }
        None
    }

    /// The lines on the screen.
    fn picture(&mut self, state: &ItemsState, (height, width): (usize, usize)) -> Vec<String> {
        self.filter.update(&self.typed.text(), &state.rows);
        let kept = self.filter.kept();
        let heading = state
            .heading
            .as_ref()
            .filter(|_| !kept.is_empty() && width >= NARROW && height > 8);
        let below = usize::from(heading.is_some()) + 4;
        self.shown = MOST_ROWS.min(height.saturating_sub(below)).max(1);
        self.at = self.at.min(kept.len().saturating_sub(1));
        // The marked one is always in sight.
        self.top = self.top.clamp((self.at + 1).saturating_sub(self.shown), self.at);
        let visible = kept.iter().enumerate().skip(self.top).take(self.shown);
        let rows = visible.map(|(place, index)| self.row(state, &state.rows[*index], place == self.at));
        let footer = footer(state, &self.filter, self.shown).into_iter();
        let footer = footer.map(|line| format!("  {}", style(line).dim()));
        let heading = heading.map(|heading| format!("  {}", style(state.line(heading)).dim()));
        let help = help_lines(&self.question.help, width);
        let help = help.into_iter().filter(|_| self.explained);
        let lines = std::iter::once(self.head(width))
            .chain(heading)
            .chain(rows)
            .chain(footer)
            .chain(help);
        lines
            .map(|line| truncate_str(&line, width, "…").into_owned())
            .take(height.saturating_sub(1).max(2))
            .collect()
    }

    fn head(&self, width: usize) -> String {
        let question = truncate_str(&self.question.text, width.saturating_sub(ROOM_TO_TYPE + 6), "…");
        let taken = measure_text_width(&question) + 6;
        let [before, under, behind] = self.typed.around(width.saturating_sub(taken));
        let theme = ColorfulTheme::default();
        format!(
            "{} {} {} {before}{}{behind}",
            theme.prompt_prefix,
            theme.prompt_style.apply_to(question),
            theme.prompt_suffix,
            style(under).black().on_white(),
        )
    }

    fn row(&self, state: &ItemsState, row: &ListItem, marked: bool) -> String {
        let hits = self.filter.hits(row);
        let mut line = match marked {
            true => format!("{} ", ColorfulTheme::default().active_item_prefix),
            false => "  ".to_owned(),
        };
        let mut cells = row.cells().zip(&state.widths).peekable();
        let mut place = 0;
        while let Some((cell, width)) = cells.next() {
            let chars: Vec<char> = cell.chars().collect();
            let hit: Vec<bool> = (place..).take(chars.len()).map(|at| hits.contains(&at)).collect();
            let mut from = 0;
            for run in hit.chunk_by(|a, b| a == b) {
                let text = style(chars[from..from + run.len()].iter().collect::<String>());
                let text = if marked { text.cyan() } else { text };
                let text = if run[0] { text.bold() } else { text };
                line.push_str(&text.to_string());
                from += run.len();
            }
            place += chars.len() + 1;
            if cells.peek().is_some() {
                let blanks = width.saturating_sub(measure_text_width(cell));
                line.push_str(&" ".repeat(blanks));
                line.push_str(COLUMNS_APART);
            }
        }
        line
    }
}

/// Returns the lines below the rows: the number of rows if not all of them are on the screen, and the note about the
/// list.
fn footer(state: &ItemsState, filter: &ListFilter, shown: usize) -> Vec<String> {
    let (kept, all) = (filter.kept().len(), state.rows.len());
    let count = match (state.complete, filter.is_typed()) {
        (false, _) if all == 0 => Some("Reading…".to_owned()),
        (false, false) => Some(format!("{} so far, and reading more…", counted(all))),
        (false, true) => Some(format!(
            "{} of {} so far, and reading more…",
            counted(kept),
            counted(all)
        )),
        (true, _) if kept == 0 => Some("None of them fits.".to_owned()),
        (true, true) if filter.is_loose() => Some(format!("None fits as it is. Close to it: {}.", counted(kept))),
        (true, _) if kept <= shown => None,
        (true, false) => Some(format!("{} in all.", counted(all))),
        (true, true) => Some(format!("{} of {} fit.", counted(kept), counted(all))),
    };
    count.into_iter().chain(state.note.clone()).collect()
}

#[cfg(test)]
#[path = "list_tests.rs"]
mod tests;
