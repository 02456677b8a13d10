//! `peerctl config …`: the configuration file, and what it comes to.

mod place;
mod save;
mod show;

use clap::Subcommand;
use serde_json::json;

pub use place::{FileArgs, ProfileArgs, chosen, counts_unasked};
pub use save::{Answers, offer};

use super::output::{Format, OutputArgs, print, refuse};
use crate::domain::{harmless, lines};
use crate::errors::{Outcome, Problem};
use crate::input::{Vars, Written};
use crate::render::document;
use crate::ui::{beside, room};

pub const EXAMPLES: &str = "peerctl help configuration says what stands in the file.\n\n\
Examples:\n  peerctl config show --profile production\n  peerctl config list -o json";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show every input, its value, and where it came from
    Show(Box<show::Args>),
    /// List the profiles of the configuration file
    List(ListArgs),
    /// Print where the configuration file is, or would be
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
pub fn run(command: &Command, output: &OutputArgs) -> anyhow::Result<Outcome> {
    let vars = Vars::of_process();
    let text = match command {
        Command::Show(args) => show::show(args, &vars, output.output),
        Command::List(args) => list(args, &vars, output.output),
        Command::Path(args) => path(args, &vars, output.output),
    };
    match text {
        Ok(text) => print(&text).map(|()| Outcome::Unchanged),
        Err(problem) => Ok(refuse(&problem)),
    }
}

fn path(args: &PathArgs, vars: &Vars, format: Format) -> Result<String, Problem> {
    let place = args.file.place(vars)?;
    Ok(match format {
        Format::Text => place.file.display().to_string(),
        Format::Json => document(&json!({ "file": place::shown(&place.file), "exists": place.file.exists() })),
    })
}

fn list(args: &ListArgs, vars: &Vars, format: Format) -> Result<String, Problem> {
    let place = args.file.place(vars)?;
    let config = place.read()?;
    let profiles: Vec<_> = config.iter().flat_map(|config| config.profiles()).collect();
    if format == Format::Json {
        let rows = profiles.iter().map(|(name, written, default)| {
            let (vendor, vnet) = (value(written, "vendor"), network(written));
            json!({ "name": name, "vendor": vendor, "vnet": vnet, "default": default })
        });
        let (file, rows) = (place::shown(&place.file), rows.collect::<Vec<_>>());
        return Ok(document(&json!({ "file": file, "profiles": rows })));
    }
    let mut out = lines(&format!("Configuration file: {}", place::shown(&place.file)), room());
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
        out.extend(beside(&format!("  {}", harmless(name)), longest + 4, &[&about], room()));
    }
    Ok(out.join("\n"))
}

fn value<'a>(written: &'a Written, id: &str) -> Option<&'a str> {
    written.values.get(id).map(|at| at.value.as_str())
}

/// The virtual network's name.
fn network(written: &Written) -> Option<&str> {
    let of_id = || value(written, "vnet-id")?.rsplit('/').next();
    value(written, "vnet").or_else(of_id)
}
