//! The command line: one file per command. This page is the table of commands.

mod apply;
mod azure;
mod browser;
mod cancellation;
mod command_result;
mod command_session;
mod completions;
mod config;
mod doctor;
mod explain;
mod file;
mod folders;
mod guard;
mod help;
mod log_file;
mod man;
mod output;
mod pasted_text;
mod record;
mod repair;
mod rerun_command;
mod sandbox;
mod setup;
mod status;
mod switches;
mod target;
mod teardown;
mod vendors;
mod version;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use self::output::OutputArgs;
use crate::errors::RunOutcome;
use crate::limits;

/// Set up private network peering with a SaaS vendor, end to end
///
/// peerctl discovers what it can, prompts for the rest, shows a plan, applies it, waits until both sides are connected, and
/// verifies the result. Run it again at any time: it changes nothing that is already in place.
#[derive(Debug, Parser)]
#[command(
    name = "peerctl",
    version,
    max_term_width = 100,
    disable_help_flag = true,
    disable_version_flag = true,
    after_help = after_help()
)]
struct Cli {
    #[command(subcommand)]
    command: TopCommand,
    #[command(flatten)]
    output: OutputArgs,
    /// Print the version
    #[arg(short = 'V', long, action = clap::ArgAction::Version, help_heading = "Global")]
    version: Option<bool>,
}

const EXAMPLES: &str = "Examples:\n  peerctl azure setup --sandbox    # try it without an account\n  \
peerctl azure setup\n  peerctl azure status --vendor kong -g rg-net --vnet app --set network=prod";

const EXIT_CODES: &str = "Exit codes: 0 done, 1 a step failed, 2 wrong or missing input, 3 waiting for someone else, \
4 blocked by a check, 130 canceled.";

fn after_help() -> String {
    [EXAMPLES, EXIT_CODES, &help::listed()].join("\n\n")
}

#[derive(Debug, Subcommand)]
enum TopCommand {
    /// Set up and manage peerings of Azure virtual networks
    #[command(subcommand, after_help = azure::EXAMPLES, after_long_help = help::long(azure::DETAILS, azure::EXAMPLES))]
    Azure(azure::AzureCommand),
    /// Explain an error code or state
    ///
    /// peerctl looks up codes of Azure, Microsoft Entra and vendors in a built-in table. No requests are sent.
    Explain(explain::ExplainArgs),
    /// List vendors and the permissions they get
    Vendors(vendors::VendorsArgs),
    /// Show the configuration and its profiles
    #[command(subcommand, after_help = config::EXAMPLES)]
    Config(config::ConfigCommand),
    /// Serve the sandbox on a loopback port
    ///
    /// The sandbox simulates Azure, Microsoft Entra and the vendors, for trials and tests.
    Sandbox(sandbox::SandboxArgs),
    /// Generate shell completion scripts
    Completions(completions::CompletionsArgs),
    /// Print the manual page, or write the pages of all commands
    Man(man::ManArgs),
    /// Print the version and build
    Version(version::VersionArgs),
}

/// Returns the command line with its help.
fn command() -> clap::Command {
    help::without_ignored_options(Cli::command())
}

/// Parses a command line.
fn parse(line: &[OsString]) -> Result<Cli, clap::Error> {
    Cli::from_arg_matches(&command().try_get_matches_from(line)?)
}

/// Parses the command line of the process, runs the command and returns its exit code.
pub fn main() -> ExitCode {
    let line: Vec<OsString> = std::env::args_os().collect();
    if let Some(answer) = browser::answer(&line) {
        return answer;
    }
    guard::no_core_dump();
    guard::remember_environment();
    output::choose_colours(&line);
    output::note_line(&line, &command());
    let cli = match parse(&line) {
        Ok(cli) => cli,
        Err(error) => return help::answer(&error, &line).map_or_else(|| output::clap_says(&error), ended),
    };
    if let Err(problem) = output::start_logging(&cli.output) {
        return ended(Ok(output::refuse(&problem)));
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return output::fail(&error.into()),
    };
    let outcome = runtime.block_on(async {
        match cli.command {
            TopCommand::Azure(azure::AzureCommand::Setup(args)) => setup::run(*args, &cli.output).await,
            TopCommand::Azure(azure::AzureCommand::Apply(args)) => apply::run(*args, &cli.output).await,
            TopCommand::Azure(azure::AzureCommand::Status(args)) => status::run(*args, &cli.output).await,
            TopCommand::Azure(azure::AzureCommand::Doctor(args)) => doctor::run(*args, &cli.output).await,
            TopCommand::Azure(azure::AzureCommand::Repair(args)) => repair::run(*args, &cli.output).await,
            TopCommand::Azure(azure::AzureCommand::Teardown(args)) => teardown::run(*args, &cli.output).await,
            TopCommand::Explain(args) => explain::run(&args, &cli.output),
            TopCommand::Config(command) => config::run(&command, &cli.output),
            TopCommand::Vendors(args) => vendors::run(&args, &cli.output),
            TopCommand::Sandbox(args) => sandbox::run(args).await,
            TopCommand::Completions(args) => completions::run(&args),
            TopCommand::Man(args) => man::run(&args),
            TopCommand::Version(args) => version::run(&args, &cli.output),
        }
    });
    // What is still under way is dropped, an az that is asked for a token is ended. A prompt may still be waiting for a
    // line in a thread of its own; that is not waited for.
    runtime.shutdown_timeout(limits::SHUTDOWN_TIMEOUT);
    ended(outcome)
}

fn ended(outcome: anyhow::Result<RunOutcome>) -> ExitCode {
    match outcome {
        Ok(outcome) => ExitCode::from(outcome.exit_code()),
        Err(error) => output::fail(&error),
    }
}

#[cfg(test)]
mod pages;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::INPUTS;

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn help_lists_flag_and_variable() {
        let mut cli = command();
        let azure = cli.find_subcommand_mut("azure").expect("azure is a command");
        let setup = azure.find_subcommand_mut("setup").expect("setup is a command");
        let help = setup.render_long_help().to_string();
        for input in INPUTS {
            assert!(
                help.contains(&format!("{} ", input.flag())),
                "{} in {help}",
                input.flag()
            );
            assert!(
                input.env.is_none_or(|env| help.contains(env)),
                "{:?} in {help}",
                input.env
            );
        }
    }
}
