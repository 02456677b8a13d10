//! `peerctl config show`: every input, its value, and where it came from.

use serde::Serialize;
use serde_json::json;

use super::place;
use crate::cli::output::Format;
use crate::cli::target::TargetArgs;
use crate::domain::{harmless, lines};
use crate::errors::Problem;
use crate::input::config::Chosen;
use crate::input::{Given, INPUTS, SWITCHES, Source, Vars, set_variable, vendor_of};
use crate::ui;
use crate::vendors::{Profile, profiles};

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, mut_arg("no_input", |arg| arg.hide(true)))]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// How the vendor's application gets consent [env: PEERCTL_CONSENT]
    #[arg(long, value_name = "create|browser|wait")]
    consent: Option<String>,
}

const EXAMPLES: &str = "A flag wins over the environment, the environment over the profile; what none of them gives is asked for or\n\
found out. It takes the flags of the commands on a peering, and shows what these would make of them; nothing is sent.\n\
Of a secret only that it is set is shown.\n\n\
Examples:\n  peerctl config show --profile production\n  peerctl config show --vendor kong -o json";

/// Secrets beside the vendors' tokens.
const SECRETS: [&str; 2] = ["AZURE_CLIENT_SECRET", "PEERCTL_OWN_APP_SECRET"];

/// An input, and where it came from.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    name: String,
    /// Several for a vendor's input that may be repeated.
    values: Vec<String>,
    source: Option<Source>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variable: Option<String>,
    /// In the profile's file.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
}

/// The inputs as text or as a document.
///
/// # Errors
/// What a command on a peering would say of them.
pub fn show(args: &Args, vars: &Vars, format: Format) -> Result<String, Problem> {
    let vars = match args.target.sandbox {
        true => vars.clone().for_rehearsal(),
        false => vars.clone(),
    };
    let given = args.target.given(&[("consent", args.consent.as_deref())], &vars)?;
    let vendor = given.get("vendor").map(|_| vendor_of(&given)).transpose()?;
    let rows = rows(&given, vendor.as_ref())?;
    let secrets = secrets(&given, vendor.as_ref());
    let place = args.target.profile.file.place(&vars).ok();
    let file = place.map(|place| place.file);
    let profile = given.profile();
    if format == Format::Json {
        let secrets = secrets
            .iter()
            .map(|(variable, set)| json!({ "variable": variable, "set": set }));
        return Ok(super::document(&json!({
            "file": file.as_deref().map(place::shown),
            "profile": profile.map(|profile| json!({ "name": profile.name, "by": profile.by })),
            "inputs": rows,
            "secrets": secrets.collect::<Vec<_>>(),
        })));
    }
    let file = file.map(|file| {
        let there = if file.exists() { "" } else { " (not there)" };
        format!("Configuration file: {}{there}", place::shown(&file))
    });
    let chosen = match profile {
        Some(profile) => format!("Profile: {} (by {})", harmless(&profile.name), profile.by),
        None => "Profile: none".to_owned(),
    };
    let inputs = rows.iter().map(|row| line(row, profile));
    let secrets = secrets.into_iter().map(|(variable, set)| ui::Setting {
        name: variable,
        values: if set { vec!["set".to_owned()] } else { Vec::new() },
        from: if set { "environment".to_owned() } else { String::new() },
    });
    let settings: Vec<ui::Setting> = inputs.chain(secrets).collect();
    let head = file
        .into_iter()
        .chain([chosen])
        .flat_map(|text| lines(&text, ui::room()));
    let head = head.chain([String::new()]);
    let all: Vec<String> = head.chain(ui::settings(&settings, ui::room())).collect();
    Ok(all.join("\n"))
}

/// A row as people read it.
fn line(row: &Row, profile: Option<&Chosen>) -> ui::Setting {
    let from = match (row.source, &row.variable, row.line, profile) {
        (_, Some(variable), ..) => variable.clone(),
        (_, _, Some(line), Some(profile)) => format!("profile {}, line {line}", harmless(&profile.name)),
        (Some(Source::Flag), ..) => "flag".to_owned(),
        _ => String::new(),
    };
    ui::Setting {
        name: row.name.clone(),
        values: row.values.clone(),
        from,
    }
}

/// Every input of the table, every switch, and what the vendor takes besides.
fn rows(given: &Given, vendor: Option<&Profile>) -> Result<Vec<Row>, Problem> {
    let profile = given.profile().map(|profile| &profile.written);
    let mut rows: Vec<Row> = Vec::new();
    for input in INPUTS {
        let source = given.source(input.id);
        rows.push(Row {
            name: input.id.to_owned(),
            values: given.get(input.id).map(str::to_owned).into_iter().collect(),
            source,
            variable: input
                .env
                .filter(|_| source == Some(Source::Environment))
                .map(str::to_owned),
            line: profile
                .filter(|_| source == Some(Source::Profile))
                .and_then(|written| Some(written.values.get(input.id)?.line)),
        });
    }
    for switch in SWITCHES {
        let at = profile.and_then(|written| written.switches.get(switch));
        rows.push(Row {
            name: (*switch).to_owned(),
            values: at.map(|at| at.value.to_string()).into_iter().collect(),
            source: at.map(|_| Source::Profile),
            variable: None,
            line: at.map(|at| at.line),
        });
    }
    let Some(vendor) = vendor else { return Ok(rows) };
    let inputs = crate::input::vendor_inputs(given, vendor)?;
    for input in &vendor.inputs {
        let source = given.source_of_set(&input.key);
        rows.push(Row {
            name: format!("set {}", input.key),
            values: inputs.get(&input.key).cloned().unwrap_or_default(),
            source,
            variable: (source == Some(Source::Environment)).then(|| set_variable(&input.key)),
            line: profile
                .filter(|_| source == Some(Source::Profile))
                .and_then(|written| Some(written.sets.get(&input.key)?.line)),
        });
    }
    Ok(rows)
}

/// The variables that hold secrets, and whether they are set: the vendor's, or every vendor's where none is known.
fn secrets(given: &Given, vendor: Option<&Profile>) -> Vec<(String, bool)> {
    let vendors = vendor.map_or_else(|| profiles().iter().collect(), |vendor| vec![vendor]);
    let tokens = vendors.iter().filter_map(|vendor| vendor.access.as_ref());
    let tokens = tokens.map(|access| access.token_env.as_str());
    tokens
        .chain(SECRETS)
        .map(|variable| (variable.to_owned(), given.vars().get(variable).is_some()))
        .collect()
}
