//! Texts from outside, whatever is in them: read for what they are or refused with a reason, never obeyed, never a
//! panic. Each property is tried on some hundreds of texts by lot, and on the ones that failed once
//! (`proptest-regressions/`, kept). `PROPTEST_CASES=100000` looks further.

mod files;
mod names;
mod shell;

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence};

/// What all of them run with: failures are kept beside the tests.
pub fn config() -> Config {
    let kept = FileFailurePersistence::SourceParallel("proptest-regressions");
    Config {
        failure_persistence: Some(Box::new(kept)),
        ..Config::default()
    }
}

/// What separates, quotes, climbs, hides or moves the cursor: the characters in which texts go wrong.
const ODD: &str =
    "/\\.:;,=@%+-_~#?&|<>()[]{}*!$`'\"^ \t\n\r\u{0}\u{1b}\u{7f}\u{9b}\u{202e}\u{2066}\u{200f}üİ\u{fffd}中";

/// A text of words of the trade, odd characters and anything else.
pub fn hostile(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    let odd: Vec<char> = ODD.chars().collect();
    let part = prop_oneof![
        3 => prop::sample::select(words).prop_map(str::to_owned),
        2 => prop::sample::select(odd).prop_map(String::from),
        1 => "[a-z0-9]{1,8}",
        1 => any::<String>(),
    ];
    prop::collection::vec(part, 0..14).prop_map(|parts| parts.concat())
}

/// Whether a terminal would obey some of it, line ends aside.
pub fn obeyed(text: &str) -> bool {
    let marks = |c: char| matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.contains(|c: char| (c.is_control() && c != '\n') || marks(c))
}
