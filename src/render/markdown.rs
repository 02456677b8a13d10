//! Texts as Markdown that shows them and does nothing else: names and answers come from outside.

use crate::domain::sanitize_for_terminal;

/// Characters that Markdown, or a dialect of it, interprets inside a line.
const MARKS: &str = "\\`*_[]<>~&#$";

/// A text in a line: no link, no mention, no emphasis, no HTML. A `|` is dealt with by [`table`].
pub fn text(text: &str) -> String {
    let text = sanitize_for_terminal(text);
    let words = text
        .split(' ')
        .map(|word| if is_linked(word) { code(word) } else { escaped(word) });
    words.collect::<Vec<_>>().join(" ")
}

fn escaped(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    for c in word.chars() {
        if MARKS.contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Returns whether a page turns the word into a link or a mention, escaped or not: an address, `www.…`, `@name`, `#1`,
/// `GH-1`. Code is left alone.
fn is_linked(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    let numbered = |mark: &str| {
        let mut after = lower.split(mark).skip(1);
        after.any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let schemes = ["://", "www.", "mailto:", "xmpp:", "@"];
    schemes.iter().any(|scheme| lower.contains(scheme)) || numbered("#") || numbered("gh-")
}

/// A text to be copied as it is: an id, an address.
pub fn code(text: &str) -> String {
    let text = sanitize_for_terminal(text);
    if text.trim().is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Lines to be copied as they are; none of them becomes two.
pub fn block<'a>(lines: impl IntoIterator<Item = &'a str>) -> String {
    let lines: Vec<String> = lines.into_iter().map(sanitize_for_terminal).collect();
    let text = lines.join("\n");
    let fence = "`".repeat((longest_run(&text) + 1).max(3));
    format!("{fence}\n{text}\n{fence}")
}

/// A table of cells that are Markdown already.
pub fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let line = |cells: [String; N]| format!("| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | "));
    let mut lines = vec![line(head.map(str::to_owned)), format!("|{}", " --- |".repeat(N))];
    lines.extend(rows.into_iter().map(line));
    lines.join("\n")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markdown() {
        assert_eq!(
            text("a_b *c* [x](y) <img src=x> &amp; `z` $1$ #z\u{1b}[2J\r\n# h"),
            r"a\_b \*c\* \[x\](y) \<img src=x\> \&amp; \`z\` \$1\$ \#z".to_owned() + "\u{fffd}\\[2J  \\# h"
        );
        assert_eq!(
            text("(https://x.example/) www.x.example @admins, a@b.example o/r#12 GH-3 a`@b"),
            "`(https://x.example/)` `www.x.example` `@admins,` `a@b.example` `o/r#12` `GH-3` ``a`@b``"
        );
        assert_eq!(code("a|b `` c`"), "``` a|b `` c` ```");
        assert_eq!((code("plain"), code("")), ("`plain`".to_owned(), String::new()));
        assert_eq!(block(["```", "rm\u{1b}\nx"]), "````\n```\nrm\u{fffd} x\n````");
    }

    #[test]
    fn no_cell_ends_before_its_end() {
        let rows = [[code("a|b"), text(r"c\|d")]];
        assert_eq!(
            table(["x", "y"], rows),
            "| x | y |\n| --- | --- |\n| `a\\|b` | c\\\\\\|d |"
        );
    }
}
