//! Everything that a person sees: prompts, progress, the summary. Screens fold the run's events; nothing else prints.

mod ask;
mod batch_display;
mod filter;
mod findings;
mod keys;
mod layout;
mod line;
mod list;
mod list_items;
mod open_prompt;
mod pending_waits;
mod plain;
mod prompt;
mod settings;
mod status;
mod summary;
mod terminal;
mod terminal_mode;
mod termios;

use std::io::{IsTerminal, stderr, stdin, stdout};

pub use ask::LinePrompter;
pub use batch_display::{board, many_ended, many_planned};
pub use filter::{ListFilter, ListItem};
pub use findings::{findings, probes};
pub use layout::{NARROW, beside, counted, hanging_indent, in_words, plan_lines, problem_text};
pub use list_items::ListItems;
pub use open_prompt::{redraw, tell};
pub use plain::PlainOutput;
pub use prompt::{AskError, InputValidator, PromptQuestion, PromptResult, Prompter, TerminalPrompter};
pub use settings::{DisplaySetting, settings};
pub use status::{left_alone, repaired, status, turn_line};
pub use summary::{RunEnd, indented, interrupted, removed, summary};
pub use terminal::TerminalOutput;
use terminal_mode::style;
pub use terminal_mode::{TerminalMode, choose_colours, manner};
pub use termios::{EchoOff, TermiosGuard};

use crate::plan::RunEvent;

/// Shows what happens.
pub trait RunDisplay: Send + Sync {
    /// Takes one event, in the order in which they happen.
    fn on(&self, event: &RunEvent);
}

/// Returns whether a user is present to answer.
pub fn someone_answers() -> bool {
    stdin().is_terminal() && stderr().is_terminal()
}

/// The columns that a result may fill: the terminal's, and no end of them in a pipeline, where whoever greps wants whole
/// lines.
pub fn room() -> usize {
    if stdout().is_terminal() { width() } else { usize::MAX }
}

/// The terminal's width in columns; 80 where there is none.
pub fn width() -> usize {
    let columns = console::Term::stderr()
        .size_checked()
        .map_or(80, |(_, columns)| usize::from(columns));
    columns.clamp(20, 120)
}
