//! `peerctl config …`: the configuration file, and what it comes to.

mod location;
mod save;
mod show;

use clap::Subcommand;
use serde_json::json;

pub use location::{FileArgs, ProfileArgs, chosen, counts_unasked};
pub use save::{ProfileAnswers, offer};

use super::output::{OutputArgs, OutputFormat, print, refuse};
use crate::domain::{lines, sanitize_for_terminal};
use crate::errors::{RunError, RunOutcome};
use crate::input::{EnvironmentVariables, ProfileValues};
use crate::render::document;
use crate::ui::{beside, room};

pub const EXAMPLES: &str = "Examples:\n  peerctl config show --profile production\n  peerctl config list -o json\n\n\
See 'peerctl help configuration' for the format of the file.";

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Show all inputs and where their values come from
    Show(Box<show::ConfigShowArgs>),
    /// List the profiles of the configuration file
    List(ListArgs),
    /// Print the path of the configuration file
    Path(PathArgs),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  peerctl config list")]
pub struct ListArgs {
    #[command(flatten)]
    file: FileArgs,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  peerctl config path")]
pub struct PathArgs {
    #[command(flatten)]
    file: FileArgs,
}

/// Does what the command says.
///
/// # Errors
/// When standard output cannot be written.
pub fn run(command: &ConfigCommand, output: &OutputArgs) -> anyhow::Result<RunOutcome> {
    let vars = EnvironmentVariables::of_process();
    let text = match command {
        ConfigCommand::Show(args) => show::show(args, &vars, output.output),
        ConfigCommand::List(args) => list(args, &vars, output.output),
        ConfigCommand::Path(args) => path(args, &vars, output.output),
    };
    match text {
        Ok(text) => print(&text).map(|()| RunOutcome::Unchanged),
        Err(problem) => Ok(refuse(&problem)),
    }
}

fn path(args: &PathArgs, vars: &EnvironmentVariables, format: OutputFormat) -> Result<String, RunError> {
    let place = args.file.place(vars)?;
    Ok(match format {
        OutputFormat::Text => place.file.display().to_string(),
        OutputFormat::Json => document(&json!({ "file": location::shown(&place.file), "exists": place.file.exists() })),
    })
}

fn list(args: &ListArgs, vars: &EnvironmentVariables, format: OutputFormat) -> Result<String, RunError> {
    let place = args.file.place(vars)?;
    let config = place.read()?;
    let profiles: Vec<_> = config.iter().flat_map(|config| config.profiles()).collect();
    if format == OutputFormat::Json {
        let rows = profiles.iter().map(|(name, written, default)| {
            let (vendor, vnet) = (value(written, "vendor"), network(written));
            json!({ "name": name, "vendor": vendor, "vnet": vnet, "default": default })
        });
        let (file, rows) = (location::shown(&place.file), rows.collect::<Vec<_>>());
        return Ok(document(&json!({ "file": file, "profiles": rows })));
    }
    let mut out = lines(&format!("Configuration file: {}", location::shown(&place.file)), room());
    if config.is_none() {
        out.extend(lines("It is not there yet.", room()));
    } else if profiles.is_empty() {
        out.extend(lines("It has no profiles.", room()));
    }
    let longest = profiles
        .iter()
        .map(|(name, ..)| name.chars().count())
        .max()
        .unwrap_or(0);
    for (name, written, default) in profiles {
        let about: Vec<&str> = [
            value(written, "vendor"),
            network(written),
            default.then_some("the default"),
        ]
        .into_iter()
        .flatten()
        .collect();
        let about = about.join(", ");
        out.extend(beside(
            &format!("  {}", sanitize_for_terminal(name)),
            longest + 4,
            &[&about],
            room(),
        ));
    }
    Ok(out.join("\n"))
}

fn value<'a>(written: &'a ProfileValues, id: &str) -> Option<&'a str> {
    written.values.get(id).map(|at| at.value.as_str())
}

/// The virtual network's name.
fn network(written: &ProfileValues) -> Option<&str> {
    let of_id = || value(written, "vnet-id")?.rsplit('/').next();
    value(written, "vnet").or_else(of_id)
}
