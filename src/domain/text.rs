//! Texts from outside (names, messages, reasons) on their way to a terminal, a pipeline's log or a document.

use std::net::IpAddr;

use super::secrets::mask;

/// Returns the text without secrets, and without anything that is obeyed instead of shown: control characters and
/// invisible ones become visible, and commands of a pipeline are broken up, so that a name or a message from an API
/// can't move the cursor, change the color of the screen, forge a line, or set a variable. Newlines and tabs become
/// spaces.
pub fn sanitize_for_terminal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in mask(text).chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            c if is_terminal_control(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    without_commands(out)
}

/// Returns whether the character can mislead a reader: a terminal obeys it instead of showing it (C0, DEL, C1), it
/// reorders text (U+061C, U+200E-F, U+202A-E, U+2066-9), ends a line (U+2028-9), or is invisible (the soft hyphen,
/// zero-width characters, fillers, tags).
pub fn is_terminal_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Takes the commands of pipelines apart: Azure Pipelines and GitHub obey `##vso[` and `##[` anywhere in a line, GitHub
/// a `::` that a line begins with. Any word may come to stand there, once the text is wrapped.
fn without_commands(mut text: String) -> String {
    if text.contains("##") {
        text = split_words(&text, |rest| {
            let command = rest.strip_prefix("##")?;
            let named = command.get(..4).is_some_and(|word| word.eq_ignore_ascii_case("vso["));
            (named || command.starts_with('[')).then_some("# #")
        });
    }
    if text.contains("::") {
        text = split_words(&text, |rest| {
            let word = rest.split(' ').next().unwrap_or_default();
            let address = word
                .split('/')
                .next()
                .unwrap_or_default()
                .trim_end_matches([',', '.', ';', ')']);
            (word.starts_with("::") && address.parse::<IpAddr>().is_err()).then_some(": :")
        });
    }
    text
}

/// Replaces the two characters that a command begins with, wherever `command` finds one: anywhere for `##`, at the
/// beginning of a word for `::`.
fn split_words(text: &str, command: impl Fn(&str) -> Option<&'static str>) -> String {
    let mut out = String::with_capacity(text.len() + 1);
    let mut skip = 0;
    for (at, c) in text.char_indices() {
        if skip > 0 {
            skip -= 1;
            continue;
        }
        let begins_word = text[..at].chars().next_back().is_none_or(char::is_whitespace);
        match command(&text[at..]).filter(|_| begins_word || c == '#') {
            Some(taken_apart) => {
                out.push_str(taken_apart);
                skip = 1;
            }
            None => out.push(c),
        }
    }
    out
}

/// A JSON document with the same meaning and nothing in it that a terminal or a pipeline obeys but line ends: JSON itself
/// wants only C0 escaped.
pub fn harmless_json(document: &str) -> String {
    let mut out = String::with_capacity(document.len());
    let mut before = '\0';
    for c in document.chars() {
        match c {
            '\n' => out.push(c),
            // All of these stand within strings.
            c if is_terminal_control(c) || c == '#' && before == '#' => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            c => out.push(c),
        }
        before = c;
    }
    out
}

/// `text` broken into lines of at most `width` columns (counted in characters) at spaces.
pub fn lines(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always a line");
        let fits = line.is_empty() || line.chars().count() + 1 + word.chars().count() <= width;
        if !fits {
            lines.push(word.to_owned());
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_escapes_sequences_in_names() {
        assert_eq!(
            sanitize_for_terminal("vnet\u{1b}[2Jx\r\ny\u{202e}"),
            "vnet\u{fffd}[2Jx  y\u{fffd}"
        );
    }

    #[test]
    fn harmless_invisible_characters_are_visible() {
        let invisible = "\u{ad}\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}\u{e0041}\u{e007f}\u{3164}";
        assert_eq!(
            sanitize_for_terminal(invisible),
            "\u{fffd}".repeat(invisible.chars().count())
        );
    }

    #[test]
    fn harmless_pipeline_commands_are_taken_apart() {
        let table = [
            (
                "a ##vso[task.setvariable variable=x]y",
                "a # #vso[task.setvariable variable=x]y",
            ),
            ("##VSO[x]", "# #VSO[x]"),
            ("##[group]x###[y]", "# #[group]x## #[y]"),
            ("::error::x", ": :error::x"),
            ("a ::add-mask::x", "a : :add-mask::x"),
            ("a\r\n::stop-commands::t", "a  : :stop-commands::t"),
            ("::x", ": :x"),
            // Addresses and paths of Rust stay.
            (
                "::1 and ::/0, fd00::/8 or ::ffff:1.2.3.4",
                "::1 and ::/0, fd00::/8 or ::ffff:1.2.3.4",
            ),
            ("std::fmt ## heading", "std::fmt ## heading"),
        ];
        for (text, expected) in table {
            assert_eq!(sanitize_for_terminal(text), expected, "{text}");
            for line in lines(&sanitize_for_terminal(text), 1) {
                assert!(!line.starts_with("::error") && !line.starts_with("::add"), "{line}");
            }
        }
    }

    #[test]
    fn document_drops_terminal_control_characters() {
        let value = serde_json::json!({"a\u{9b}": "\u{1b}[2J\u{7f}\u{202e}\n\u{2028}ü\u{e0041}##vso[x]"});
        let document = serde_json::to_string_pretty(&value).expect("a document");
        let text = harmless_json(&document);
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).expect("a document"),
            value
        );
        assert!(!text.contains(|c| is_terminal_control(c) && c != '\n'), "{text:?}");
        assert!(!text.contains("##vso["), "{text:?}");
    }

    #[test]
    fn wrap_breaks_at_spaces_losslessly() {
        assert_eq!(lines("one two three", 7), ["one two", "three"]);
        assert_eq!(lines("overlong-word a", 4), ["overlong-word", "a"]);
    }
}
