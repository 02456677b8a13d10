//! Interpreters of a plan and of a run, pure: an az script, Terraform, a command line, the JSON documents, the record of a
//! run and the same for a change ticket.

use serde::Serialize;

use crate::domain::{harmless_json, sanitize_for_terminal};

pub mod az;
mod change_report;
mod command_line;
mod existing;
mod markdown;
mod plan_json;
mod record;
mod report;
mod shell;
pub mod terraform;

pub use change_report::{TICKET, ticket};
pub use command_line::command_line;
pub use existing::{ExistingGrant, ExistingResources};
pub use plan_json::plan_json;
pub use record::RunRecord;
pub use report::RunReport;
pub use shell::{ShellWord, ps_quoted, quoted};

/// A document as it is printed: nothing in it moves a cursor, and no word of it has a line end or a pipeline's command,
/// so that a script may print it as it is. A command of several lines keeps them.
pub fn document(value: &impl Serialize) -> String {
    // Strings, numbers and lists only: this cannot fail, and an empty document would be seen at once.
    harmless_json(&words(&serde_json::to_string_pretty(value).unwrap_or_default()))
}

/// The document with each of its strings made harmless.
fn words(document: &str) -> String {
    let mut out = String::with_capacity(document.len());
    let mut rest = document;
    while let Some(begin) = rest.find('"') {
        let (before, string) = rest.split_at(begin);
        let end = closing_quote(string);
        let (string, after) = string.split_at(end);
        out.push_str(before);
        match serde_json::from_str::<String>(string).map(|text| word(&text)) {
            Ok(text) => out.push_str(&serde_json::Value::from(text).to_string()),
            Err(_) => out.push_str(string),
        }
        rest = after;
    }
    out + rest
}

/// The length of the JSON string that the text begins with.
fn closing_quote(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn word(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(sanitize_for_terminal).collect();
    let command = lines.first().is_some_and(|line| line.ends_with(" \\"));
    lines.join(if command { "\n" } else { " " })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn document_words_exclude_breaks_and_commands() {
        let value = serde_json::json!({
            "a\"b": "x\n::error::y\\",
            "why": ["##vso[x]", "\u{200b}\u{1b}", 7, "\"quoted\""],
            "undo": "peerctl azure teardown \\\n  --yes",
        });
        let shown: serde_json::Value = serde_json::from_str(&document(&value)).expect("a document");
        let expected = serde_json::json!({
            "a\"b": "x : :error::y\\",
            "why": ["# #vso[x]", "\u{fffd}\u{fffd}", 7, "\"quoted\""],
            "undo": "peerctl azure teardown \\\n  --yes",
        });
        assert_eq!(shown, expected);
    }
}
