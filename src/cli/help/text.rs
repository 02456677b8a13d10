//! The form of the topics' texts, and how they are shown.
//!
//! A line that begins with `# ` is a heading. Two blanks begin a command, which is shown as it stands. Four blanks begin
//! what the line above them means. All else is a sentence.

use console::style;

use crate::domain::lines;

/// Columns before a meaning.
const MEANING: usize = 4;

/// A piece of a text.
#[derive(Debug, PartialEq, Eq)]
pub enum HelpBlock<'a> {
    Heading(&'a str),
    Command(&'a str),
    Meaning(&'a str),
    Sentence(&'a str),
    Blank,
}

/// A text in its parts, a line each.
pub fn parts(text: &str) -> impl Iterator<Item = HelpBlock<'_>> {
    text.lines().map(|line| {
        if let Some(heading) = line.strip_prefix("# ") {
            HelpBlock::Heading(heading)
        } else if let Some(meaning) = line.strip_prefix("    ") {
            HelpBlock::Meaning(meaning)
        } else if let Some(command) = line.strip_prefix("  ") {
            HelpBlock::Command(command)
        } else if line.is_empty() {
            HelpBlock::Blank
        } else {
            HelpBlock::Sentence(line)
        }
    })
}

/// The text for standard output, at most `width` columns wide where commands allow.
pub fn folded(text: &str, width: usize) -> String {
    let mut out = Vec::new();
    for part in parts(text) {
        match part {
            HelpBlock::Heading(heading) => {
                let folded = lines(heading, width).into_iter();
                out.extend(folded.map(|line| style(line).bold().to_string()));
            }
            HelpBlock::Command(command) => out.push(format!("  {command}")),
            HelpBlock::Meaning(meaning) => {
                let folded = lines(meaning, width.saturating_sub(MEANING));
                out.extend(folded.into_iter().map(|line| format!("{:MEANING$}{line}", "")));
            }
            HelpBlock::Sentence(sentence) => out.extend(lines(sentence, width)),
            HelpBlock::Blank => out.push(String::new()),
        }
    }
    out.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_folds_text_not_commands() {
        let text = "# Head\n\nA sentence of some words.\nTERM\n    its meaning at length\n  a command that is long\n";
        let shown = folded(text, 14);
        let shown = console::strip_ansi_codes(&shown).into_owned();
        assert_eq!(
            shown,
            "Head\n\nA sentence of\nsome words.\nTERM\n    its\n    meaning at\n    length\n  a command that is long"
        );
    }
}
