//! Texts from outside (names, messages, reasons) on their way to a terminal.

/// The same text with control characters made visible, so that a name or a message from an API cannot move the
/// cursor, recolour the screen or forge a line. Newlines and tabs become spaces.
pub fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            // C0, DEL, C1, and the marks that reorder text (U+202A-E, U+2066-9).
            c if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') => {
                out.push('\u{fffd}');
            }
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
    fn lines_break_at_spaces_and_never_lose_a_word() {
        assert_eq!(lines("one two three", 7), ["one two", "three"]);
        assert_eq!(lines("overlong-word a", 4), ["overlong-word", "a"]);
    }
}
