//! Words for bash: whatever is in a value, the shell reads it as one word and as nothing else.

use std::fmt;

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

/// A value in single quotes, always.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_value_is_read_by_the_shell() {
        let table = [
            ("vnet-app", "vnet-app"),
            ("", "''"),
            ("two words", "'two words'"),
            ("$(reboot)", "'$(reboot)'"),
            ("it's", r"'it'\''s'"),
            ("`x`;\n&", "'`x`;\n&'"),
        ];
        for (text, expected) in table {
            assert_eq!(ShellWord(text).to_string(), expected);
            let echoed = std::process::Command::new("bash")
                .args(["-c", &format!("printf %s {}", ShellWord(text))])
                .output()
                .expect("bash runs");
            assert_eq!(String::from_utf8_lossy(&echoed.stdout), text);
        }
    }
}
