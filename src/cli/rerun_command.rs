//! Command lines to go on with: the same again without a question, another command on the same peering.

use super::config::ProfileAnswers;
use crate::plan::{StepId, StepSelection};
use crate::render::command_line;

/// Inputs that say how a peering is made, or that the ids of tenant and network say for anybody.
const LEFT_OUT: [&str; 7] = [
    "--consent",
    "--timeout",
    "--tenant-id",
    "--subscription",
    "--resource-group",
    "--vnet",
    "--vnet-id",
];

/// The inputs, once they are known, as flags.
#[derive(Default)]
pub struct RepeatCommand {
    /// Flags that repeat all the inputs.
    pub flags: Vec<(String, String)>,
    /// Flags that identify the peering in any shell, for any signed-in identity.
    pub peering: Vec<(String, String)>,
    /// Switches that are on: flags without a value.
    pub switches: Vec<&'static str>,
    /// Inputs for a profile, if any of them were asked for.
    pub answers: Option<ProfileAnswers>,
    /// The variable that holds the vendor's token, where one was used.
    pub token_env: Option<String>,
}

impl RepeatCommand {
    /// The command line that does the same without a question, folded at `width` columns; `None` as long as the inputs
    /// are not complete. `asks`: the plan has to be confirmed.
    pub fn again(&self, command: &str, share: &StepSelection, asks: bool, width: usize) -> Option<String> {
        if self.flags.is_empty() {
            return None;
        }
        let switches = self.switches.iter().map(|switch| (*switch, ""));
        let only = share.only.iter().map(|step| ("only", step.name()));
        let skip = share.skip.iter().map(|step| ("skip", step.name()));
        let last = [Some(("no-input", "")), asks.then_some(("yes", ""))];
        let more = switches.chain(only).chain(skip).chain(last.into_iter().flatten());
        let more = more.map(|(flag, value)| (format!("--{flag}"), value.to_owned()));
        let flags: Vec<(String, String)> = self.flags.iter().cloned().chain(more).collect();
        let line = command_line(command, &flags, width);
        Some(match &self.token_env {
            Some(variable) => format!("# {variable} is in the environment\n{line}"),
            None => line,
        })
    }

    /// The command line of another command on the same peering, folded at `width` columns.
    pub fn sibling(&self, command: &str, width: usize) -> String {
        self.naming_it(command, width, &[])
    }

    /// Returns the command line in one line, for another person, who signs in with their own method.
    fn for_another(&self, command: &str) -> String {
        self.naming_it(command, usize::MAX, &["--auth"])
    }

    /// The line of a packet that has peerctl do the step. A comment, so that the packet can be pasted into a shell as a
    /// whole.
    pub fn handoff_command(&self, step: StepId) -> String {
        format!("# or with peerctl: {} --only {step}", self.for_another("azure setup"))
    }

    fn naming_it(&self, command: &str, width: usize, without: &[&str]) -> String {
        let kept = |(flag, _): &&(String, String)| {
            let flag = flag.as_str();
            !LEFT_OUT.contains(&flag) && !without.contains(&flag)
        };
        let mut flags: Vec<(String, String)> = self.flags.iter().filter(kept).cloned().collect();
        let sets = flags
            .iter()
            .position(|(flag, _)| flag == "--set")
            .unwrap_or(flags.len());
        flags.splice(sets..sets, self.peering.iter().cloned());
        command_line(command, &flags, width)
    }
}
