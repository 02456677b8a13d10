//! The page that says what was tried and how much of it held: written by these tests, with `PEERCTL_RECORD=1`.

use std::fs;
use std::path::Path;
use std::sync::Mutex;

/// One test after the other: they write the same page.
static WRITING: Mutex<()> = Mutex::new(());

/// Puts the row of `what` in, or in the place of the one that is there: how many cases held. One that did not would have
/// failed the test.
pub fn note(what: &str, held: usize) {
    if std::env::var_os("PEERCTL_RECORD").is_none() {
        return;
    }
    let _alone = WRITING.lock().expect("no test panics while it writes");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/RELIABILITY.md");
    let page = fs::read_to_string(&file).expect("the page is there");
    let head = format!("| {what} |");
    let row = format!("{head} {held} |");
    let mut lines: Vec<&str> = page.lines().filter(|line| !line.starts_with(&head)).collect();
    let end = lines.iter().rposition(|line| line.starts_with('|')).expect("a table");
    lines.insert(end + 1, &row);
    // In an order of their own, whichever test is done first.
    let begin = lines.iter().position(|line| line.starts_with("|---")).expect("a table") + 1;
    lines[begin..=end + 1].sort_unstable();
    fs::write(&file, lines.join("\n") + "\n").expect("the page can be written");
}
