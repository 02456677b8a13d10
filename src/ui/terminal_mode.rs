//! Terminal features in use: colours, and whether lines are redrawn.

use std::io::{IsTerminal, stderr};

use console::{StyledObject, Term};

/// Extent to which the features of a terminal are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TerminalMode {
    /// A spinner, a list to choose from.
    Rich,
    /// Whole lines, and nothing redrawn: for screen readers, simple terminals and files.
    Plain,
}

/// Returns the mode that this process's terminal supports, and that the user wants.
pub fn manner(plain: bool, variable: &dyn Fn(&str) -> Option<String>) -> TerminalMode {
    let plain = plain || variable("PEERCTL_PLAIN").is_some_and(|value| value != "0");
    if plain || dumb(variable) || !stderr().is_terminal() {
        TerminalMode::Plain
    } else {
        TerminalMode::Rich
    }
}

fn dumb(variable: &dyn Fn(&str) -> Option<String>) -> bool {
    variable("TERM").is_some_and(|term| term == "dumb")
}

/// Decides, once and for each of the two outputs, whether it gets colour. `asked` is what the flag says.
pub fn choose_colours(asked: Option<bool>, variable: &dyn Fn(&str) -> Option<String>) {
    let able = |term: &Term| {
        // There the question switches escape sequences on.
        let able = !cfg!(windows) || term.features().colors_supported();
        able && term.is_term() && !dumb(variable)
    };
    console::set_colors_enabled(coloured(asked, variable, able(&Term::stdout())));
    console::set_colors_enabled_stderr(coloured(asked, variable, able(&Term::stderr())));
}

/// The flag, then `NO_COLOR`, then `CLICOLOR_FORCE`, then `CLICOLOR`, then the terminal. A variable that is empty is not
/// set.
fn coloured(asked: Option<bool>, variable: &dyn Fn(&str) -> Option<String>, terminal: bool) -> bool {
    if let Some(asked) = asked {
        return asked;
    }
    let is_set = |name: &str| variable(name).is_some();
    let is_zero = |name: &str| variable(name).is_some_and(|value| value == "0");
    if is_set("NO_COLOR") {
        false
    } else if is_set("CLICOLOR_FORCE") && !is_zero("CLICOLOR_FORCE") {
        true
    } else {
        terminal && !is_zero("CLICOLOR")
    }
}

/// Styled as standard error is, where questions and progress go.
pub fn style<D>(text: D) -> StyledObject<D> {
    console::style(text).for_stderr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn color_decided_by_first_setting() {
        /// Flag, variables, a terminal: colour.
        type Case<'a> = (Option<bool>, &'a [(&'a str, &'a str)], bool, bool);
        let cases: [Case<'_>; 12] = [
            (None, &[], true, true),
            (None, &[], false, false),
            (None, &[("CLICOLOR", "0")], true, false),
            (None, &[("CLICOLOR", "1")], false, false),
            (None, &[("CLICOLOR_FORCE", "1")], false, true),
            (None, &[("CLICOLOR_FORCE", "0")], false, false),
            (None, &[("CLICOLOR_FORCE", "0")], true, true),
            (None, &[("CLICOLOR_FORCE", "1"), ("CLICOLOR", "0")], false, true),
            (None, &[("NO_COLOR", "1")], true, false),
            (None, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], true, false),
            (Some(true), &[("NO_COLOR", "1")], false, true),
            (Some(false), &[("CLICOLOR_FORCE", "1")], true, false),
        ];
        for (flag, variables, terminal, expected) in cases {
            let variable = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(
                coloured(flag, &variable, terminal),
                expected,
                "{flag:?} {variables:?} {terminal}"
            );
        }
    }
}
