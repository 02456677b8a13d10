//! Filter for the rows of a list that match the typed text. Pure, and with little work for each key: only rows that
//! match `vnet` can match `vnet-d`.

use crate::domain::sanitize_for_terminal;

/// Separator between two columns; no column contains it.
const GAP: char = '\t';

/// One row of a list: its columns, and the same in small letters to compare with.
#[derive(Debug, Clone)]
pub struct ListItem {
    text: Box<str>,
    folded: Box<str>,
}

impl ListItem {
    /// A row of these columns; what a terminal would obey in them is made visible.
    pub fn new<T: AsRef<str>>(cells: impl IntoIterator<Item = T>) -> Self {
        let mut text = String::new();
        for (at, cell) in cells.into_iter().enumerate() {
            if at > 0 {
                text.push(GAP);
            }
            text.push_str(&sanitize_for_terminal(cell.as_ref()));
        }
        let text = text.trim_end_matches(GAP);
        Self {
            text: text.into(),
            folded: fold(text).into(),
        }
    }

    /// Its columns; empty ones at the end are left out.
    pub fn cells(&self) -> impl Iterator<Item = &str> {
        self.text.split(GAP)
    }
}

/// In small letters, one for one: a place in the one is the same place in the other.
fn fold(text: &str) -> String {
    let small = |c: char| {
        let mut small = c.to_lowercase();
        match (small.next(), small.next()) {
            (Some(one), None) => one,
            _ => c,
        }
    };
    text.chars().map(small).collect()
}

/// The rows that fit what was typed, kept from key to key.
#[derive(Debug, Default)]
pub struct ListFilter {
    /// Typed words, in lower case.
    words: Vec<String>,
    /// Whether no row contains the words as they are, so that rows with their letters in that order are shown.
    loose: bool,
    kept: Vec<usize>,
    /// Number of rows at the last update.
    seen: usize,
}

impl ListFilter {
    /// Brings it up to date with what is typed by now and with the rows that have come since. A row fits if each word
    /// of `typed` stands in one of its columns, whatever the case; where no row does, if each word's letters stand in
    /// it in their order. Rows only come in at the end, and never move.
    pub fn update(&mut self, typed: &str, rows: &[ListItem]) {
        let words: Vec<String> = fold(typed).split_whitespace().map(str::to_owned).collect();
        let before = std::mem::replace(&mut self.words, words);
        if before != self.words {
            // Whatever fits now fitted before too if every word of before is still there, perhaps longer.
            let narrower = |old: &String| self.words.iter().any(|new| new.contains(old.as_str()));
            let narrowed = before.iter().all(narrower);
            self.retype(narrowed, &rows[..self.seen]);
        }
        let new = self.fitting(self.seen..rows.len(), rows, self.loose);
        self.kept.extend(new);
        self.seen = rows.len();
        if self.kept.is_empty() && !self.words.is_empty() {
            self.kept = self.fitting(0..rows.len(), rows, true);
            self.loose = !self.kept.is_empty();
        }
    }

    /// Filters the same rows by other words.
    fn retype(&mut self, narrowed: bool, rows: &[ListItem]) {
        let kept = std::mem::take(&mut self.kept);
        let was_loose = std::mem::take(&mut self.loose);
        self.kept = match narrowed {
            true => self.fitting(kept.iter().copied(), rows, false),
            false => self.fitting(0..rows.len(), rows, false),
        };
        if self.kept.is_empty() && narrowed && was_loose {
            self.kept = self.fitting(kept.into_iter(), rows, true);
            self.loose = !self.kept.is_empty();
        }
    }

    fn fitting(&self, some: impl Iterator<Item = usize>, rows: &[ListItem], loosely: bool) -> Vec<usize> {
        let fits = |row: &ListItem| match loosely {
            false => self.words.iter().all(|word| row.folded.contains(word.as_str())),
            true => self.words.iter().all(|word| scattered(&row.folded, word).is_some()),
        };
        some.filter(|at| fits(&rows[*at])).collect()
    }

    /// The indices of the rows that fit, in the rows' order.
    pub fn kept(&self) -> &[usize] {
        &self.kept
    }

    /// Returns whether the rows are only approximate matches.
    pub fn is_loose(&self) -> bool {
        self.loose
    }

    /// Returns whether any text is typed.
    pub fn is_typed(&self) -> bool {
        !self.words.is_empty()
    }

    /// Returns the positions of the row's characters that match the typed text, counted from 0, with a gap between
    /// columns as one character.
    pub fn hits(&self, row: &ListItem) -> Vec<usize> {
        let hits = self.words.iter().flat_map(|word| match row.folded.find(word.as_str()) {
            Some(at) => {
                let from = row.folded[..at].chars().count();
                (from..from + word.chars().count()).collect()
            }
            None => scattered(&row.folded, word).unwrap_or_default(),
        });
        hits.collect()
    }
}

/// Returns the positions of the word's characters in the text, each after the one before; `None` if they do not occur
/// in that order.
fn scattered(text: &str, word: &str) -> Option<Vec<usize>> {
    let mut rest = text.chars().enumerate();
    word.chars()
        .map(|wanted| rest.find(|(_, c)| *c == wanted).map(|(at, _)| at))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<ListItem> {
        let rows = [
            ["vnet-app", "10.20.0.0/16", "rg-network", "Contoso Production"],
            ["vnet-data", "10.30.0.0/16", "rg-network", "Contoso Production"],
            ["VNet-Übersee", "10.40.0.0/16", "rg-network-eu", "Contoso Staging"],
        ];
        rows.into_iter().map(ListItem::new).collect()
    }

    fn kept(typed: &str) -> Vec<usize> {
        let mut filter = ListFilter::default();
        filter.update(typed, &rows());
        filter.kept().to_vec()
    }

    #[test]
    fn filter_matches_words_in_any_column() {
        let table: [(&str, &[usize]); 9] = [
            ("", &[0, 1, 2]),
            ("data", &[1]),
            ("10.40", &[2]),
            ("network-eu", &[2]),
            ("STAGING", &[2]),
            ("über", &[2]),
            ("production vnet", &[0, 1]),
            ("prod 10.20", &[0]),
            ("nothing", &[]),
        ];
        for (typed, expected) in table {
            assert_eq!(kept(typed), expected, "{typed}");
        }
    }

    #[test]
    fn filter_falls_back_to_letter_order() {
        let mut filter = ListFilter::default();
        filter.update("vdata", &rows());
        assert_eq!((filter.kept(), filter.is_loose()), (&[1][..], true));
        // Longer, and still close; then a word that is there.
        filter.update("vdatax", &rows());
        assert_eq!((filter.kept(), filter.is_loose()), (&[][..], false));
        filter.update("data", &rows());
        assert_eq!((filter.kept(), filter.is_loose()), (&[1][..], false));
    }

    /// Typed key by key, over rows that come one by one, it says what it says when asked at once.
    #[test]
    fn filter_incremental_equals_full() {
        let all = rows();
        for typed in ["vnet-data", "contoso st", "vnet 10.3", "network-eu", "ppn"] {
            for came in 0..all.len() {
                let mut filter = ListFilter::default();
                for end in 0..=typed.len() {
                    filter.update(&typed[..end], &all[..came]);
                }
                for now in came..=all.len() {
                    filter.update(typed, &all[..now]);
                }
                // A last key, so that rows which only came close are judged with all the others.
                filter.update(&typed[..typed.len() - 1], &all);
                filter.update(typed, &all);
                assert_eq!(filter.kept(), kept(typed), "{typed} after {came}");
            }
            // And back to nothing.
            let mut filter = ListFilter::default();
            for end in (0..=typed.len()).rev() {
                filter.update(&typed[..end], &all);
                assert_eq!(filter.kept(), kept(&typed[..end]), "{}", &typed[..end]);
            }
        }
    }

    #[test]
    fn filter_late_rows_append_only() {
        let all = rows();
        let mut filter = ListFilter::default();
        filter.update("vnetdt", &all[1..2]);
        assert_eq!((filter.kept(), filter.is_loose()), (&[0][..], true));
        let more = [all[1].clone(), ListItem::new(["vnetdt"])];
        filter.update("vnetdt", &more);
        assert_eq!(filter.kept(), [0, 1], "what only came close stays until the next key");
    }

    #[test]
    fn filter_highlights_matches_in_row() {
        let mut filter = ListFilter::default();
        let all = rows();
        filter.update("be 10", &all);
        assert_eq!(filter.hits(&all[2]), [6, 7, 13, 14]);
        filter.update("vdt", &all);
        assert_eq!(filter.hits(&all[1]), [0, 5, 7]);
    }

    #[test]
    fn filter_row_escapes_control_characters() {
        let row = ListItem::new(["a\u{1b}[2J\tb", "", ""]);
        assert_eq!(row.cells().collect::<Vec<_>>(), ["a\u{fffd}[2J b"]);
    }
}
