//! The command line: one file per command. This page is the table of commands.

mod again;
mod apply;
mod asked;
mod azure;
mod browser;
mod completions;
mod config;
mod doctor;
mod ended;
mod explain;
mod file;
mod folders;
mod frame;
mod guard;
mod help;
mod log_file;
mod man;
mod output;
mod record;
mod repair;
mod sandbox;
mod setup;
mod status;
mod stop;
mod switches;
mod target;
mod teardown;
mod vendors;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use self::output::OutputArgs;
use crate::errors::RunOutcome;
use crate::limits;

/// Sets up a cross-tenant Azure virtual network peering.
///
/// It asks what it cannot find out, shows what it will do, does it, waits until both directions say Connected, and
/// proves it. Running it again is always safe.
#[derive(Debug, Parser)]
#[command(name = "peerctl", version, max_term_width = 100, after_help = after_help())]
struct Cli {
    #[command(subcommand)]
    command: TopCommand,
    #[command(flatten)]
    output: OutputArgs,
}

const EXAMPLES: &str = "Examples:\n  peerctl azure setup --sandbox\n      try it without Azure, on the embedded one\n  \
peerctl azure setup\n      the real thing\n  \
peerctl azure status --vendor kong --vnet-id /subscriptions/… --set network=my-network\n      where it stands";

const EXIT_CODES: &str = "Exit codes: 0 done, 1 a step failed, 2 wrong or missing input, 3 waiting for someone else,\n\
4 the preflight found what blocks, 130 stopped by the user.";

fn after_help() -> String {
    [EXAMPLES, EXIT_CODES, &help::listed()].join("\n\n")
}

#[derive(Debug, Subcommand)]
enum TopCommand {
    /// Peer an Azure virtual network with a vendor's
    #[command(subcommand, after_help = azure::EXAMPLES)]
    Azure(azure::AzureCommand),
    /// Say what an error or a state of Azure's, Entra's or a vendor's means, and what to do
    ///
    /// It is looked up in a table that is part of the program: nothing is sent anywhere.
    Explain(explain::ExplainArgs),
    /// List the vendors that peerctl knows, and what each will be given
    Vendors(vendors::VendorsArgs),
    /// Show the configuration: profiles of inputs, and where each value comes from
    #[command(subcommand, after_help = config::EXAMPLES)]
    Config(config::ConfigCommand),
    /// Serve the embedded Azure on a loopback port, for rehearsals and tests
    Sandbox(sandbox::SandboxArgs),
    /// Print the script by which a shell completes command lines
    Completions(completions::CompletionsArgs),
    /// Print the manual page, or write the pages of all commands
    Man(man::ManArgs),
}

/// Parses the process's command line, runs it and gives its exit code.
pub fn main() -> ExitCode {
    let line: Vec<OsString> = std::env::args_os().collect();
    if let Some(answer) = browser::answer(&line) {
        return answer;
    }
    guard::no_core_dump();
    guard::remember_environment();
    output::choose_colours(&line);
    output::note_line(&line, &Cli::command());
    let cli = match Cli::try_parse_from(&line) {
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
        }
    });
    // What is still under way is dropped, an az that is asked for a token is ended. A prompt may still be waiting for a
    // line in a thread of its own; that is not waited for.
    runtime.shutdown_timeout(limits::GOODBYE);
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
        Cli::command().debug_assert();
    }

    #[test]
    fn every_input_of_the_table_has_its_flag_and_its_environment_variable_in_the_help() {
        let mut cli = Cli::command();
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
