//! The command line that does the same run without a question.

use super::ShellWord;

/// `peerctl COMMAND …` with these flags, folded at `width` columns. Flags without a value have an empty one.
pub fn command_line(command: &str, flags: &[(String, String)], width: usize) -> String {
    let mut text = format!("peerctl {command}");
    let mut column = text.len();
    for (flag, value) in flags {
        let word = if value.is_empty() {
            flag.clone()
        } else {
            format!("{flag} {}", ShellWord(value))
        };
        if column + 1 + word.len() > width.saturating_sub(2) {
            text.push_str(" \\\n   ");
            column = 3;
        }
        text.push(' ');
        text.push_str(&word);
        column += 1 + word.len();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_folds_with_shell_continuation() {
        let flags: Vec<(String, String)> = (0..6)
            .map(|n| (format!("--flag-{n}"), format!("some value {n}")))
            .collect();
        let text = command_line("azure setup", &flags, 60);
        assert!(
            text.lines().count() > 1 && text.lines().all(|line| line.len() <= 60),
            "{text}"
        );
        assert!(
            text.replace(" \\\n   ", "").contains("--flag-5 'some value 5'"),
            "{text}"
        );
    }
}
