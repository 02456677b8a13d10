//! The rows of a list, which may still come while the list is on screen.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use console::measure_text_width;

use super::filter::ListItem;
use super::keys::KeyWaker;

/// One long name must not push everything else off the screen.
const WIDEST: usize = 32;

/// The rows of one list. Clones share them: one is filled, and another one is on screen.
#[derive(Clone, Default)]
pub struct ListItems(Arc<SharedItems>);

#[derive(Default)]
struct SharedItems {
    state: Mutex<ItemsState>,
    changed: Condvar,
}

/// Current state of the items.
#[derive(Default)]
pub(super) struct ItemsState {
    pub(super) rows: Vec<ListItem>,
    /// Headings of the columns.
    pub(super) heading: Option<ListItem>,
    /// Columns that each column takes.
    pub(super) widths: Vec<usize>,
    /// Nothing comes any more.
    pub(super) complete: bool,
    /// Note about the list as a whole.
    pub(super) note: Option<String>,
    /// The question is not put any more: its answer is known, or there can be none.
    pub(super) withdrawn: bool,
    bell: Option<KeyWaker>,
}

impl ItemsState {
    fn make_room(&mut self, row: &ListItem) {
        for (at, cell) in row.cells().enumerate() {
            let width = measure_text_width(cell).min(WIDEST);
            match self.widths.get_mut(at) {
                Some(widest) => *widest = width.max(*widest),
                None => self.widths.push(width),
            }
        }
    }

    /// The row with its columns under those of the others.
    pub(super) fn line(&self, row: &ListItem) -> String {
        let cells = row.cells().zip(&self.widths);
        let cells: Vec<String> = cells
            .map(|(cell, width)| format!("{cell}{}", " ".repeat(width.saturating_sub(measure_text_width(cell)))))
            .collect();
        cells.join(COLUMNS_APART).trim_end().to_owned()
    }
}

/// Separator between two columns on the screen.
pub(super) const COLUMNS_APART: &str = "  ";

impl ListItems {
    /// All of them are there.
    pub fn of(rows: impl IntoIterator<Item = ListItem>) -> Self {
        let whole = Self::default();
        whole.push(rows);
        whole.complete(None);
        whole
    }

    /// Returns the same items below these headings.
    #[must_use]
    pub fn headed<T: AsRef<str>>(self, heading: impl IntoIterator<Item = T>) -> Self {
        self.change(|state| {
            let heading = ListItem::new(heading);
            state.make_room(&heading);
            state.heading = Some(heading);
        });
        self
    }

    /// These come next.
    pub fn push(&self, rows: impl IntoIterator<Item = ListItem>) {
        self.change(|state| {
            for row in rows {
                state.make_room(&row);
                state.rows.push(row);
            }
        });
    }

    /// No more come; `note` says what is to be known of the whole.
    pub fn complete(&self, note: Option<String>) {
        self.change(|state| {
            state.complete = true;
            state.note = note;
        });
    }

    /// Takes the question back, whatever is on the screen.
    pub fn withdraw(&self) {
        self.change(|state| state.withdrawn = true);
    }

    /// The rows of these indices, without the column of this one.
    #[must_use]
    pub fn only(&self, some: &[usize], without: usize) -> Self {
        let state = self.look();
        let cells = |row: &ListItem| {
            ListItem::new(
                row.cells()
                    .enumerate()
                    .filter(|(at, _)| *at != without)
                    .map(|(_, cell)| cell),
            )
        };
        let rows = Self::of(some.iter().map(|at| cells(&state.rows[*at])));
        match &state.heading {
            Some(heading) => rows.headed(cells(heading).cells()),
            None => rows,
        }
    }

    /// Returns the current number of items.
    pub fn len(&self) -> usize {
        self.look().rows.len()
    }

    /// Returns whether there are no items yet.
    pub fn is_empty(&self) -> bool {
        self.look().rows.is_empty()
    }

    pub(super) fn look(&self) -> MutexGuard<'_, ItemsState> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rings at every change from now on.
    pub(super) fn attach(&self, bell: KeyWaker) {
        self.look().bell = Some(bell);
    }

    /// Waits until they are complete, or the question is withdrawn.
    pub(super) fn wait(&self) {
        let going_on = |state: &mut ItemsState| !state.complete && !state.withdrawn;
        drop(self.0.changed.wait_while(self.look(), going_on));
    }

    fn change(&self, change: impl FnOnce(&mut ItemsState)) {
        let mut state = self.look();
        change(&mut state);
        if let Some(bell) = &state.bell {
            bell.ring();
        }
        drop(state);
        self.0.changed.notify_all();
    }
}
