//! `peerctl completions SHELL`: the script by which a shell completes command lines.
//!
//! What it offers is written into the script: everything on offer is known to the program, so a package can ship the
//! file as it is. (clap's dynamic engine asks the program at each key instead; its documentation calls what the two say
//! to each other unstable, and advises against keeping the script in a file.)

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Arg, Command, ValueHint};
use clap_complete::Shell;

use super::help;
use super::output::print;
use crate::azure::AuthMethod;
use crate::domain::StepId;
use crate::errors::RunOutcome;
use crate::errors::known;
use crate::vendors::{ALIASES, profiles};

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct CompletionsArgs {
    /// Shell to generate the script for (required)
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

const EXAMPLES: &str = "Examples:\n  \
peerctl completions bash > ~/.local/share/bash-completion/completions/peerctl\n  \
peerctl completions zsh > \"${fpath[1]}/_peerctl\"\n  \
peerctl completions fish > ~/.config/fish/completions/peerctl.fish\n  \
peerctl completions powershell | Out-String | Invoke-Expression  # in $PROFILE\n  \
eval (peerctl completions elvish | slurp)  # in rc.elv";

/// Prints the script.
///
/// # Errors
/// When standard output cannot be written.
pub fn run(args: &CompletionsArgs) -> anyhow::Result<RunOutcome> {
    print(script(args.shell, super::command()).trim_end())?;
    Ok(RunOutcome::Done)
}

fn script(shell: Shell, command: Command) -> String {
    let name = command.get_name().to_owned();
    let mut command = help::with_topics(offering(command));
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    match shell {
        Shell::Zsh => zsh_with_files(script, &command),
        Shell::Fish => fish_with_files(&script, &command) + &fish_positionals(&command),
        _ => script,
    }
}

/// The command with what is on offer for each argument. The command line itself is parsed without: what is wrong with a
/// value is said where it is used.
fn offering(command: Command) -> Command {
    let name = command.get_name().to_owned();
    command.mut_args(|arg| offered(&name, arg)).mut_subcommands(offering)
}

fn offered(command: &str, arg: Arg) -> Arg {
    let has_own = !arg.get_possible_values().is_empty();
    if has_own || !arg.get_action().takes_values() {
        return arg;
    }
    let (words, files) = (words(command, &arg), takes_file(&arg));
    let arg = if words.is_empty() {
        arg
    } else {
        arg.value_parser(PossibleValuesParser::new(words))
    };
    arg.value_hint(if files { ValueHint::AnyPath } else { ValueHint::Other })
}

fn words(command: &str, arg: &Arg) -> Vec<PossibleValue> {
    match (command, arg.get_id().as_str()) {
        (_, "vendor") | ("vendors", "name") => {
            let ids = profiles().iter().map(|one| one.id.as_str());
            ids.chain(ALIASES.map(|(alias, _)| alias)).map(Into::into).collect()
        }
        (_, "auth") => AuthMethod::ALL.map(|auth| auth.name().into()).to_vec(),
        (_, "consent") => some(&["create", "browser", "wait"]),
        (_, "own_app_role") => some(&["least-privilege", "network-contributor"]),
        (_, "cloud") => some(&["public", "usgov", "china"]),
        (_, "only" | "skip") => StepId::ALL.map(|step| step.name().into()).to_vec(),
        (_, "sets") => keys(),
        ("explain", "text") => codes(),
        _ => alternatives(arg)
            .filter(|word| !word.contains(|c: char| c.is_ascii_uppercase()))
            .map(|word| PossibleValue::new(word.to_owned()))
            .collect(),
    }
}

fn some(words: &[&'static str]) -> Vec<PossibleValue> {
    words.iter().map(PossibleValue::new).collect()
}

/// The keys of every vendor: which one is meant stands elsewhere on the line, or in the environment.
fn keys() -> Vec<PossibleValue> {
    let mut keys: Vec<&str> = Vec::new();
    for input in profiles().iter().flat_map(|vendor| &vendor.inputs) {
        if !keys.contains(&input.key.as_str()) {
            keys.push(&input.key);
        }
    }
    keys.into_iter()
        .map(|key| PossibleValue::new(format!("{key}=")))
        .collect()
}

fn codes() -> Vec<PossibleValue> {
    let mut codes: Vec<&str> = known::all().iter().map(|known| known.code.as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    codes.into_iter().map(PossibleValue::new).collect()
}

/// Returns the parts of the value name, such as `NAME|FILE`. Lowercase parts are typed as they are.
fn alternatives(arg: &Arg) -> impl Iterator<Item = &str> {
    let names = arg.get_value_names().unwrap_or_default();
    names
        .first()
        .map(|name| name.as_str())
        .into_iter()
        .flat_map(|name| name.split('|'))
}

fn takes_file(arg: &Arg) -> bool {
    alternatives(arg).any(|word| word.starts_with("FILE") || word == "DIR")
}

/// Every argument that takes one of some words or a file, with the words.
fn words_or_file(command: &Command) -> Vec<(Arg, String)> {
    let own = command.get_arguments().filter(|arg| takes_file(arg));
    let own = own.map(|arg| {
        let values = arg.get_possible_values();
        let words: Vec<&str> = values.iter().map(PossibleValue::get_name).collect();
        (arg.clone(), words.join(" "))
    });
    let own = own.filter(|(_, words)| !words.is_empty());
    own.chain(command.get_subcommands().flat_map(words_or_file)).collect()
}

/// zsh offers files only where there are no words; with this, both.
fn zsh_with_files(script: String, command: &Command) -> String {
    words_or_file(command).into_iter().fold(script, |script, (_, words)| {
        let both = format!(":{{compadd - {words}; _files}}'");
        script.replace(&format!(":({words})'"), &both)
    })
}

/// Returns the script for fish with files offered in addition to the words.
fn fish_with_files(script: &str, command: &Command) -> String {
    let both = words_or_file(command);
    let flags: Vec<String> = both
        .iter()
        .filter_map(|(arg, _)| Some(format!(" -l {} ", arg.get_long()?)))
        .collect();
    let line = |line: &str| {
        if flags.iter().any(|flag| line.contains(flag)) {
            line.replacen(" -r -f -a ", " -r -F -a ", 1) + "\n"
        } else {
            format!("{line}\n")
        }
    };
    script.lines().map(line).collect()
}

/// For fish, clap writes what flags take, and nothing for what stands without one.
fn fish_positionals(command: &Command) -> String {
    let mut out = String::new();
    for sub in command.get_subcommands() {
        for arg in sub
            .get_positionals()
            .filter(|arg| !arg.get_possible_values().is_empty())
        {
            let values = arg.get_possible_values();
            let words: Vec<&str> = values.iter().map(PossibleValue::get_name).collect();
            out += &format!(
                "complete -c {program} -n \"__fish_{program}_using_subcommand {sub}\" {files} -a \"{words}\"\n",
                program = command.get_name(),
                sub = sub.get_name(),
                files = if takes_file(arg) { "-F" } else { "-f" },
                words = words.join(" "),
            );
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::AzureCloud;
    use crate::plan::{ConsentMode, OwnAppRole, VendorAccess};
    use crate::sandbox::Lag;

    fn arguments(command: &Command) -> Vec<&Arg> {
        let below = command.get_subcommands().flat_map(arguments);
        command.get_arguments().chain(below).collect()
    }

    #[test]
    fn completions_offer_only_valid_words() {
        let command = offering(crate::cli::command());
        type Takes = fn(&str) -> bool;
        let taken: [(&str, Takes); 6] = [
            ("consent", |word| word.parse::<ConsentMode>().is_ok()),
            ("vendor_access", |word| word.parse::<VendorAccess>().is_ok()),
            ("own_app_role", |word| word.parse::<OwnAppRole>().is_ok()),
            ("cloud", |word| AzureCloud::from_name_or_file(word).is_ok()),
            ("lag", |word| word.parse::<Lag>().is_ok()),
            ("auth", |word| word.parse::<AuthMethod>().is_ok()),
        ];
        for (id, takes) in taken {
            let meant = |arg: &&Arg| arg.get_id() == id && !arg.get_possible_values().is_empty();
            let arg = arguments(&command).into_iter().find(meant);
            let words = arg.map(Arg::get_possible_values).unwrap_or_default();
            assert!(words.len() > 1, "{id}");
            assert!(words.iter().all(|word| takes(word.get_name())), "{id}: {words:?}");
        }
    }
}
