//! `peerctl help TOPIC`: what belongs to no single command. clap's own `help` knows the commands; what it does not know
//! is looked up here.

mod text;

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

pub use self::text::{HelpBlock, parts};
use super::output::{print, refuse};
use crate::errors::{RunError, RunErrorKind, RunOutcome};
use crate::input::{INPUTS, SWITCHES};
use crate::ui::width;
use crate::vendors::profiles;

/// A text on one matter. It is written as [`parts`] reads it.
pub struct HelpTopic {
    pub name: &'static str,
    pub about: &'static str,
    text: &'static str,
}

/// Every topic, in the order of the list.
pub const TOPICS: [HelpTopic; 5] = [
    HelpTopic {
        name: "authentication",
        about: "Sign in to Azure and to a vendor",
        text: include_str!("authentication.txt"),
    },
    HelpTopic {
        name: "configuration",
        about: "Save inputs in profiles",
        text: include_str!("configuration.txt"),
    },
    HelpTopic {
        name: "environment",
        about: "Environment variables",
        text: include_str!("environment.txt"),
    },
    HelpTopic {
        name: "exit-codes",
        about: "Exit codes, for scripts",
        text: include_str!("exit-codes.txt"),
    },
    HelpTopic {
        name: "formats",
        about: "Output as text, JSON and files",
        text: include_str!("formats.txt"),
    },
];

impl HelpTopic {
    /// The whole text.
    pub fn text(&self) -> String {
        self.text
            .replace("{inputs}\n", &inputs())
            .replace("{vendors}\n", &vendors())
            .replace("{switches}", &SWITCHES.join(", "))
    }
}

/// A term and its meaning, as the texts have them.
fn entry(term: &str, meaning: &str) -> String {
    format!("{term}\n    {meaning}\n")
}

fn inputs() -> String {
    let with_variable = INPUTS.iter().filter_map(|input| Some((input, input.env?)));
    with_variable
        .map(|(input, env)| entry(&format!("{env} ({})", input.flag()), input.meaning))
        .collect()
}

fn vendors() -> String {
    let with_api = profiles()
        .iter()
        .filter_map(|vendor| Some((vendor, vendor.access.as_ref()?)));
    with_api
        .map(|(vendor, access)| {
            let token = entry(
                &access.token_env,
                &format!("for {}: {}", vendor.name, access.token_help),
            );
            let api = format!("URL of its API, instead of {}", access.api);
            token + &entry(&access.api_env, &api)
        })
        .collect()
}

/// Returns what stands at the end of a command's long help.
pub fn long(details: &str, examples: &str) -> String {
    format!("{details}\n\n{examples}")
}

/// Hides the global options that a command ignores from its help. They are still accepted.
pub fn without_ignored_options(command: Command) -> Command {
    const PRINTS_TEXT: &[&str] = &["output", "quiet", "verbose", "plain", "log_file"];
    const PRINTS_RESULT: &[&str] = &["quiet", "verbose", "plain", "log_file"];
    let ignored = [
        ("completions", PRINTS_TEXT),
        ("man", PRINTS_TEXT),
        ("sandbox", &["output", "quiet", "plain"]),
        ("explain", PRINTS_RESULT),
        ("vendors", PRINTS_RESULT),
        ("config", PRINTS_RESULT),
        ("version", PRINTS_RESULT),
    ];
    let global: Vec<Arg> = command
        .get_arguments()
        .filter(|arg| arg.is_global_set())
        .cloned()
        .collect();
    // clap leaves out a global option that the command below has already.
    ignored.into_iter().fold(command, |command, (name, ids)| {
        let hidden = global.iter().filter(|arg| ids.contains(&arg.get_id().as_str()));
        let hidden: Vec<Arg> = hidden.map(|arg| arg.clone().hide(true)).collect();
        command.mut_subcommand(name, |command| command.args(hidden))
    })
}

/// The topics as the help lists them.
pub fn listed() -> String {
    let rows = TOPICS
        .iter()
        .map(|topic| format!("  {:<15} {}", topic.name, topic.about));
    let rows: Vec<String> = rows.collect();
    format!("Help topics (peerctl help TOPIC):\n{}", rows.join("\n"))
}

/// The command line with a `help` that has the topics beside the commands, for who completes it.
pub fn with_topics(command: Command) -> Command {
    let commands = command.get_subcommands().map(named);
    let topics = TOPICS.iter().map(|topic| Command::new(topic.name).about(topic.about));
    let help = Command::new("help").about("Print help for a command or a topic");
    let help = help.subcommands(commands.chain(topics));
    command.disable_help_subcommand(true).subcommand(help)
}

/// The command's name, and those below it.
fn named(command: &Command) -> Command {
    let name = Command::new(command.get_name().to_owned()).about(command.get_about().cloned().unwrap_or_default());
    name.subcommands(command.get_subcommands().map(named))
}

/// Answers `help WORD` where WORD is no command; `None` where something else is wrong with the command line.
///
/// # Errors
/// When standard output cannot be written.
pub fn answer(error: &clap::Error, line: &[OsString]) -> Option<anyhow::Result<RunOutcome>> {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else {
        return None;
    };
    if error.kind() == ErrorKind::InvalidSubcommand
        && AZURE.contains(&word.as_str())
        && line.get(1) == Some(&word.into())
    {
        return Some(Ok(refuse(&of_azure(word))));
    }
    let asked = line
        .windows(2)
        .any(|pair| pair[0] == "help" && pair[1] == word.as_str());
    if error.kind() != ErrorKind::InvalidSubcommand || !asked {
        return None;
    }
    let Some(topic) = TOPICS.iter().find(|topic| topic.name == word) else {
        return Some(Ok(refuse(&unknown(word))));
    };
    let text = text::folded(&topic.text(), width());
    Some(print(&text).map(|()| RunOutcome::Done))
}

/// The commands for peerings, grouped by cloud.
const AZURE: [&str; 6] = ["setup", "status", "doctor", "repair", "teardown", "apply"];

fn of_azure(word: &str) -> RunError {
    let what = format!("'{word}' is not a command of peerctl. Did you mean 'peerctl azure {word}'?");
    let why = "Commands for peerings are grouped by cloud.";
    RunError::new(RunErrorKind::Usage, what, why).remedy(format!("peerctl azure {word} --help"))
}

fn unknown(word: &str) -> RunError {
    let topics = TOPICS.map(|topic| topic.name).join(", ");
    RunError::new(
        RunErrorKind::Usage,
        format!("'{word}' is neither a command nor a help topic."),
        format!("Help topics: {topics}."),
    )
    .remedy("To list the commands: peerctl --help")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_placeholders_are_all_filled() {
        for topic in &TOPICS {
            assert!(!topic.text().contains(['{', '}']), "{}", topic.text());
        }
    }
}
