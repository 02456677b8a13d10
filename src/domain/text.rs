//! Texts from outside (names, messages, reasons) on their way to a terminal.

/// The same text with control characters made visible, so that a name or a message from an API cannot move the
/// cursor, recolour the screen or forge a line. Newlines and tabs become spaces.
pub fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            c if is_obeyed(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Whether a terminal obeys it instead of showing it: C0, DEL, C1, and the marks that reorder text (U+061C, U+200E-F,
/// U+202A-E, U+2066-9) or end a line (U+2028-9).
pub fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A JSON document with the same meaning and nothing in it that a terminal obeys but line ends: JSON itself wants only
/// C0 escaped.
pub fn harmless_json(document: &str) -> String {
    let mut out = String::with_capacity(document.len());
    for c in document.chars() {
        match c {
            '\n' => out.push(c),
            // All of them stand within strings, and none is beyond U+FFFF.
            c if is_obeyed(c) => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
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
    fn an_escape_sequence_in_a_name_stays_text() {
        assert_eq!(harmless("vnet\u{1b}[2Jx\r\ny\u{202e}"), "vnet\u{fffd}[2Jx  y\u{fffd}");
    }

    #[test]
    fn a_document_keeps_its_meaning_and_loses_what_a_terminal_obeys() {
        let value = serde_json::json!({"a\u{9b}": "\u{1b}[2J\u{7f}\u{202e}\n\u{2028}ü"});
        let document = serde_json::to_string_pretty(&value).expect("a document");
        let text = harmless_json(&document);
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).expect("a document"),
            value
        );
        assert!(!text.contains(|c| is_obeyed(c) && c != '\n'), "{text:?}");
    }

    #[test]
    fn lines_break_at_spaces_and_never_lose_a_word() {
        assert_eq!(lines("one two three", 7), ["one two", "three"]);
        assert_eq!(lines("overlong-word a", 4), ["overlong-word", "a"]);
    }
}
