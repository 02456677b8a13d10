//! Words for bash: whatever is in a value, the shell reads it as one word and as nothing else.

use std::fmt;

use crate::domain::{is_terminal_control, sanitize_for_terminal};

/// A value as one shell word; plain words stay plain.
pub struct ShellWord<'a>(pub &'a str);

impl fmt::Display for ShellWord<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,@%+=".contains(c);
        if !self.0.is_empty() && self.0.chars().all(plain) {
            f.write_str(self.0)
        } else {
            f.write_str(&quoted(self.0))
        }
    }
}

/// A value in quotes, always. What a terminal would obey or hide is written as its number: a printed command line must
/// do no harm by being looked at.
pub fn quoted(text: &str) -> String {
    // A pipeline's log obeys "##[" anywhere, and "::" where a line begins with it.
    let (marks, colons) = (text.contains("##"), text.contains("::"));
    let as_number = |c: char| match c {
        '#' => marks,
        '\n' => colons,
        c => is_terminal_control(c),
    };
    if !text.contains(as_number) {
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    let mut out = "$'".to_owned();
    for c in text.chars() {
        match c {
            '\'' | '\\' => out.extend(['\\', c]),
            c if as_number(c) && c > '\u{ffff}' => out.push_str(&format!("\\U{:08x}", u32::from(c))),
            c if as_number(c) => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out + "'"
}

/// A value in quotes for PowerShell. It takes typographic quotes for quotes, too, and each is written twice. What a
/// terminal would obey or hide is made visible: no name of Azure's has it.
pub fn ps_quoted(text: &str) -> String {
    let mut out = "'".to_owned();
    for c in sanitize_for_terminal(text).chars() {
        if matches!(c, '\'' | '\u{2018}'..='\u{201b}') {
            out.push(c);
        }
        out.push(c);
    }
    out + "'"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powershell_quoting_keeps_values_literal() {
        let table = [
            ("two words", "'two words'"),
            ("$(Get-Date) `n $env:X", "'$(Get-Date) `n $env:X'"),
            ("it's", "'it''s'"),
            (
                "\u{2018}a\u{2019}\u{201a}\u{201b}",
                "'\u{2018}\u{2018}a\u{2019}\u{2019}\u{201a}\u{201a}\u{201b}\u{201b}'",
            ),
            ("", "''"),
        ];
        for (text, expected) in table {
            assert_eq!(ps_quoted(text), expected);
        }
        assert!(!ps_quoted("a\u{1b}[2Jb").contains('\u{1b}'));
    }

    #[test]
    fn shell_quoting_keeps_values_literal() {
        let table = [
            ("vnet-app", "vnet-app"),
            ("", "''"),
            ("two words", "'two words'"),
            ("$(reboot)", "'$(reboot)'"),
            ("it's", r"'it'\''s'"),
            ("`x`;\n&", "'`x`;\n&'"),
            ("it's\u{1b}[2J\\\u{202e}", r"$'it\'s\u001b[2J\\\u202e'"),
            (
                "##vso[x]\n::error::y\u{e0041}",
                r"$'\u0023\u0023vso[x]\u000a::error::y\U000e0041'",
            ),
        ];
        for (text, expected) in table {
            assert_eq!(ShellWord(text).to_string(), expected);
            let echoed = std::process::Command::new("bash")
                .args(["-c", &format!("printf %s {}", ShellWord(text))])
                .env("LC_ALL", "C.UTF-8")
                .output()
                .expect("bash runs");
            assert_eq!(String::from_utf8_lossy(&echoed.stdout), text);
        }
    }
}
