//! `peerctl vendors [NAME]`: the vendors that are known, and what each will be given.

use serde_json::json;

use super::output::{OutputArgs, OutputFormat, print, refuse};
use crate::domain::{SubscriptionId, harmless_json};
use crate::errors::RunOutcome;
use crate::input::unusable_vendor;
use crate::plan::OwnAppRole;
use crate::ui::{beside, hanging_indent, room};
use crate::vendors::{
    ALIASES, CreatedBy, InputRequirement, OwnAppWay, PROFILE_SCHEMA, VendorProfile, profile, profiles,
};

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct VendorsArgs {
    /// Vendor name or profile file to show in full
    #[arg(value_name = "NAME|FILE")]
    name: Option<String>,
    /// Print the JSON Schema of vendor profiles, for editors
    #[arg(long, conflicts_with = "name")]
    schema: bool,
}

const EXAMPLES: &str = "Examples:\n  peerctl vendors kong\n  peerctl vendors ./my-vendor.toml  # validates the file";

/// Prints the list, or one vendor.
///
/// # Errors
/// When standard output cannot be written.
pub fn run(args: &VendorsArgs, output: &OutputArgs) -> anyhow::Result<RunOutcome> {
    if args.schema {
        print(PROFILE_SCHEMA.trim_end())?;
        return Ok(RunOutcome::Done);
    }
    let Some(name) = &args.name else {
        let text = match output.output {
            OutputFormat::Text => {
                let row = |one: &VendorProfile| {
                    let alias = ALIASES.iter().find(|(_, id)| *id == one.id);
                    let alias = alias.map_or_else(String::new, |(alias, _)| format!(" (alias: {alias})"));
                    let text = format!("{}, {}{alias}", one.name, one.product);
                    beside(&one.id, 13, &[&text], room())
                };
                profiles().iter().flat_map(row).collect::<Vec<_>>().join("\n")
            }
            OutputFormat::Json => serde_json::to_string_pretty(&profiles().iter().map(document).collect::<Vec<_>>())?,
        };
        print(&text)?;
        return Ok(RunOutcome::Done);
    };
    match profile(name) {
        Ok(profile) => {
            print(&match output.output {
                OutputFormat::Text => page(&profile),
                OutputFormat::Json => harmless_json(&serde_json::to_string_pretty(&document(&profile))?),
            })?;
            Ok(RunOutcome::Done)
        }
        Err(error) => Ok(refuse(&unusable_vendor(&format!("'{name}'"), &error))),
    }
}

fn page(vendor: &VendorProfile) -> String {
    let mut out = vec![
        format!("{}, {}", vendor.name, vendor.product),
        format!("Documentation: {}", vendor.docs),
        String::new(),
    ];
    if let (Some(application), Some(role)) = (&vendor.application, &vendor.role) {
        out.push("What it is given in your tenant:".to_owned());
        out.push(format!(
            "  a service principal for its application {} ({})",
            application.name, application.app_id
        ));
        out.push(format!(
            "  the custom role \"{}\" at one virtual network, with",
            vendor.role_name()
        ));
        out.extend(role.actions.iter().map(|action| format!("    {action}")));
        out.push(format!("  So it may {}", role.grants));
        out.push(String::new());
    }
    if vendor.peering.own_app == OwnAppWay::Needed {
        out.push("What an application of your own is given, which writes your direction at that network:".to_owned());
        let both = vendor.peering.created_by == CreatedBy::Customer;
        let grant = OwnAppRole::LeastPrivilege.grant(String::new(), SubscriptionId::nil(), both);
        out.extend(grant.actions.iter().map(|action| format!("    {action}")));
        out.push("  Its credential lives an hour at most, in memory only, and is removed at the end.".to_owned());
        out.push(String::new());
    }
    out.push("Inputs (--set KEY=VALUE):".to_owned());
    for input in &vendor.inputs {
        let wanted = match input.wanted {
            InputRequirement::Always => "needed",
            InputRequirement::WithApi => "needed with its API",
            InputRequirement::ByHand => "needed without its API",
            InputRequirement::Never => "optional",
        };
        let repeat = if input.repeatable { ", may be repeated" } else { "" };
        let text = format!("{} ({wanted}{repeat})", input.help);
        out.extend(beside(&format!("  {}", input.key), 19, &[&text], room()));
    }
    if let Some(access) = &vendor.access {
        out.push(String::new());
        out.push(format!(
            "API: {}; {} overrides it. Token: {}.",
            access.api, access.api_env, access.token_env
        ));
    }
    if !vendor.hand_off.values.is_empty() {
        out.push(String::new());
        if !vendor.hand_off.before.is_empty() {
            out.push("Before that, by hand:".to_owned());
            out.extend(vendor.hand_off.before.iter().map(|line| format!("  {line}")));
            out.push(String::new());
        }
        out.push(format!("By hand, at {}:", vendor.hand_off.place));
    }
    out.extend(vendor.hand_off.values.iter().map(|value| format!("  {}", value.label)));
    out.push(String::new());
    out.push(format!("Then it usually takes {}.", vendor.usual_wait));
    let lines = out.iter().flat_map(|line| folded(line));
    lines.collect::<Vec<_>>().join("\n")
}

/// A line that is too long, behind its own blanks.
fn folded(line: &str) -> Vec<String> {
    if line.chars().count() <= room() {
        return vec![line.to_owned()];
    }
    let text = line.trim_start();
    hanging_indent(&line[..line.len() - text.len()], text, room())
}

fn document(vendor: &VendorProfile) -> serde_json::Value {
    json!({
        "id": vendor.id,
        "name": vendor.name,
        "product": vendor.product,
        "documentation": vendor.docs,
        "applicationId": vendor.application.as_ref().map(|application| application.app_id),
        "role": vendor.role.as_ref().map(|role| json!({
            "name": vendor.role_name(), "actions": role.actions, "grants": role.grants,
        })),
        "inputs": vendor.inputs.iter().map(|input| json!({
            "key": input.key, "label": input.label, "help": input.help,
            "required": input.wanted == InputRequirement::Always, "requiredWithApi": input.wanted != InputRequirement::Never,
            "repeatable": input.repeatable,
        })).collect::<Vec<_>>(),
        "tokenVariable": vendor.access.as_ref().map(|access| &access.token_env),
        "usualWait": vendor.usual_wait,
    })
}
