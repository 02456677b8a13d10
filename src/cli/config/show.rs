//! `peerctl config show`: every input, its value, and where it came from.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::json;

use super::location;
use crate::cli::output::OutputFormat;
use crate::cli::switches::SwitchArgs;
use crate::cli::target::TargetArgs;
use crate::domain::{lines, sanitize_for_terminal};
use crate::errors::RunError;
use crate::input::config::ActiveProfile;
use crate::input::{
    EnvironmentVariables, GivenInputs, INPUTS, ProfileValues, SWITCHES, ValueSource, is_secret, set_variable, vendor_of,
};
use crate::render::document;
use crate::ui;
use crate::vendors::{VendorProfile, profiles};

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, mut_arg("no_input", |arg| arg.hide(true)))]
pub struct ConfigShowArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// Consent method: create (default), browser or wait
    ///
    /// [env: PEERCTL_CONSENT]
    #[arg(long, value_name = "MODE", help_heading = "Peering")]
    consent: Option<String>,
    #[command(flatten)]
    switches: SwitchArgs,
}

const EXAMPLES: &str = "Shows the effective value of every input. Precedence: flags, environment variables, profile. \
Secrets are shown only as set or not set. No requests are sent.\n\n\
Examples:\n  peerctl config show --profile production\n  peerctl config show --vendor kong -o json";

/// Secrets beside the vendors' tokens.
const SECRETS: [&str; 2] = ["AZURE_CLIENT_SECRET", "PEERCTL_OWN_APP_SECRET"];

/// An input, and where it came from.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SettingRow {
    name: String,
    /// Several for a vendor's input that may be repeated.
    values: Vec<String>,
    source: Option<ValueSource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variable: Option<String>,
    /// In the profile's file.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    /// Problem with the setting.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// The inputs as text or as a document.
///
/// # Errors
/// What a command on a peering would say of them.
pub fn show(args: &ConfigShowArgs, vars: &EnvironmentVariables, format: OutputFormat) -> Result<String, RunError> {
    let vars = match args.target.sandbox {
        true => vars.clone().for_rehearsal(),
        false => vars.clone(),
    };
    let given = args.target.given(&[("consent", args.consent.as_deref())], &vars)?;
    let vendor = given.get("vendor").map(|_| vendor_of(&given)).transpose()?;
    let rows = rows(&given, &args.switches.all(), vendor.as_ref());
    let secrets = secrets(&given, vendor.as_ref());
    let place = args.target.profile.file.place(&vars).ok();
    let file = place.map(|place| place.file);
    let profile = given.profile();
    if format == OutputFormat::Json {
        let secrets = secrets
            .iter()
            .map(|(variable, set)| json!({ "variable": variable, "set": set }));
        return Ok(document(&json!({
            "file": file.as_deref().map(location::shown),
            "profile": profile.map(|profile| json!({ "name": profile.name, "by": profile.by })),
            "inputs": rows,
            "secrets": secrets.collect::<Vec<_>>(),
        })));
    }
    let file = file.map(|file| {
        let there = if file.exists() { "" } else { " (not there)" };
        format!("Configuration file: {}{there}", location::shown(&file))
    });
    let chosen = match profile {
        Some(profile) => format!("Profile: {} (by {})", sanitize_for_terminal(&profile.name), profile.by),
        None => "Profile: none".to_owned(),
    };
    let inputs = rows.iter().map(|row| line(row, profile));
    let secrets = secrets.into_iter().map(|(variable, set)| ui::DisplaySetting {
        name: variable,
        values: if set { vec!["set".to_owned()] } else { Vec::new() },
        from: if set { "environment".to_owned() } else { String::new() },
    });
    let settings: Vec<ui::DisplaySetting> = inputs.chain(secrets).collect();
    let head = file
        .into_iter()
        .chain([chosen])
        .flat_map(|text| lines(&text, ui::room()));
    let head = head.chain([String::new()]);
    let all: Vec<String> = head.chain(ui::settings(&settings, ui::room())).collect();
    Ok(all.join("\n"))
}

/// A row as people read it.
fn line(row: &SettingRow, profile: Option<&ActiveProfile>) -> ui::DisplaySetting {
    let source = match (row.source, &row.variable, row.line, profile) {
        (_, Some(variable), ..) => variable.clone(),
        (_, _, Some(line), Some(profile)) => format!("profile {}, line {line}", sanitize_for_terminal(&profile.name)),
        (Some(ValueSource::Flag), ..) => "flag".to_owned(),
        _ => String::new(),
    };
    ui::DisplaySetting {
        name: row.name.clone(),
        values: row.values.clone(),
        from: match &row.note {
            Some(note) => format!("{source}; {note}"),
            None => source,
        },
    }
}

/// Every input of the table, every switch, and what the vendor takes or is given besides.
fn rows(given: &GivenInputs, switches: &[(&'static str, bool)], vendor: Option<&VendorProfile>) -> Vec<SettingRow> {
    let inputs = INPUTS.iter().map(|input| SettingRow {
        values: given.get(input.id).map(str::to_owned).into_iter().collect(),
        ..row(given, input.id, given.source(input.id), input.env, |written| {
            Some(written.values.get(input.id)?.line)
        })
    });
    let on = given.switches(switches);
    let switches = SWITCHES.iter().map(|switch| switched(given, switch, switches, &on));
    let own = vendor.into_iter().flat_map(|vendor| &vendor.inputs);
    let own: Vec<&str> = own.map(|input| input.key.as_str()).collect();
    let more: BTreeSet<&str> = given.set_keys().filter(|key| !own.contains(key)).collect();
    let sets = own.iter().copied().chain(more).map(|key| set(given, key, vendor));
    inputs.chain(switches).chain(sets).collect()
}

/// A row without its values: what is of its source.
fn row(
    given: &GivenInputs,
    name: &str,
    source: Option<ValueSource>,
    variable: Option<&str>,
    line: impl FnOnce(&ProfileValues) -> Option<usize>,
) -> SettingRow {
    let written = given.profile().map(|profile| &profile.written);
    let variable = variable.filter(|_| source == Some(ValueSource::Environment));
    SettingRow {
        name: name.to_owned(),
        values: Vec::new(),
        source,
        variable: variable.map(str::to_owned),
        line: written.filter(|_| source == Some(ValueSource::Profile)).and_then(line),
        note: None,
    }
}

/// A switch. A flag switches it on, or off by switching on its opposite.
fn switched(given: &GivenInputs, switch: &str, flags: &[(&'static str, bool)], on: &[&'static str]) -> SettingRow {
    let written = given.profile().and_then(|profile| profile.written.switches.get(switch));
    let is_on = on.contains(&switch);
    let source = match written {
        _ if flags.contains(&(switch, true)) => Some(ValueSource::Flag),
        Some(at) if at.value != is_on => Some(ValueSource::Flag),
        written => written.map(|_| ValueSource::Profile),
    };
    SettingRow {
        values: source.map(|_| is_on.to_string()).into_iter().collect(),
        ..row(given, switch, source, None, |_| written.map(|at| at.line))
    }
}

/// An input of the vendor's, or one that only looks like it.
fn set(given: &GivenInputs, key: &str, vendor: Option<&VendorProfile>) -> SettingRow {
    let unknown = vendor.filter(|vendor| vendor.input(key).is_none());
    let (values, note) = if is_secret(key) {
        (Vec::new(), Some("not shown: it looks like a secret".to_owned()))
    } else {
        let note = unknown.map(|vendor| format!("no input of {}", vendor.name));
        (given.set(key), note)
    };
    let (name, source) = (format!("set {key}"), given.source_of_set(key));
    SettingRow {
        values,
        note,
        ..row(given, &name, source, Some(&set_variable(key)), |written| {
            Some(written.sets.get(key)?.line)
        })
    }
}

/// The variables that hold secrets, and whether they are set: the vendor's, or every vendor's where none is known.
fn secrets(given: &GivenInputs, vendor: Option<&VendorProfile>) -> Vec<(String, bool)> {
    let vendors = vendor.map_or_else(|| profiles().iter().collect(), |vendor| vec![vendor]);
    let tokens = vendors.iter().filter_map(|vendor| vendor.access.as_ref());
    let tokens = tokens.map(|access| access.token_env.as_str());
    tokens
        .chain(SECRETS)
        .map(|variable| (variable.to_owned(), given.vars().get(variable).is_some()))
        .collect()
}
