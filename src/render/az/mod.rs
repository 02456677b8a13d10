//! Bash script of az commands for the same run: complete, quoted, and safe to run twice. It's made from the intent
//! alone, so it needs no network.
//!
//! Every value is assigned to a variable in single quotes; the rest is constant text (the files in `script/`), which
//! uses only the variables. So the shell can't interpret any part of a value, and the actions of the script can be read
//! in plain bash.

mod access;
mod instructions;
mod powershell;
mod principals;
mod side;

pub use instructions::{
    delete_assignment, delete_peering, other_direction, own_app, remove_role, role_assignment, role_definition,
    role_update, show_peering, update_peering,
};

pub use powershell::powershell;

use super::quoted;
use crate::domain::sanitize_for_terminal;
use crate::plan::{OwnApp, PeeringIntent, RoleGrant, RoleGrantee, VendorAccess};
use crate::vendors::CreatedBy;

/// One part of the script: the values it needs, and its text.
#[derive(Default)]
struct ScriptSection {
    values: Vec<(&'static str, String)>,
    text: String,
}

impl ScriptSection {
    fn new(text: &str) -> Self {
        Self {
            values: Vec::new(),
            text: text.to_owned(),
        }
    }

    /// A variable with this value.
    fn value(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.values.push((name, quoted(&value.into())));
        self
    }

    /// An array variable.
    fn values(mut self, name: &'static str, values: &[String]) -> Self {
        let words: Vec<String> = values.iter().map(|value| quoted(value)).collect();
        self.values.push((name, format!("(\n    {}\n)", words.join("\n    "))));
        self
    }
}

/// The whole script.
pub fn script(intent: &PeeringIntent) -> String {
    let mut parts = vec![common(intent)];
    parts.extend(principals::parts(intent));
    parts.extend(grants(intent));
    parts.extend(access::parts(intent));
    parts.extend(side::parts(intent));
    let mut out = header(intent);
    for (name, value) in parts.iter().flat_map(|part| &part.values) {
        out.push_str(&format!("{name}={value}\n"));
    }
    for part in &parts {
        out.push('\n');
        out.push_str(part.text.trim_end());
        out.push('\n');
    }
    out
}

fn header(intent: &PeeringIntent) -> String {
    let mut rights = Vec::new();
    if intent.vendor_app.is_some() {
        rights.push("consent to applications");
    }
    if intent.own_app.is_some() {
        rights.push("register applications");
    }
    if !intent.grants().is_empty() {
        rights.extend(["write role definitions", "assign roles"]);
    }
    let sign_in = if rights.is_empty() {
        "az login in both tenants that may write peerings".to_owned()
    } else {
        format!("az login in tenant {} that may {}", intent.tenant, rights.join(", "))
    };
    let mut notes = vec![
        "The same as `peerctl azure setup`. Needs bash 4.4 or later, az, curl and jq, and an".to_owned(),
        format!("{sign_in}."),
    ];
    if let (VendorAccess::Api, Some(access)) = (intent.access, &intent.vendor.access) {
        let token = token_env(&access.token_env);
        notes.push(format!("The vendor's API is called with the token in {token}."));
    }
    if matches!(intent.own_app, Some(OwnApp::Given(_))) {
        notes.push(
            "Your application's secret is read from PEERCTL_OWN_APP_SECRET; else one is made for an hour.".to_owned(),
        );
    }
    format!(
        "#!/usr/bin/env bash
# Peers the Azure virtual network {vnet} with {vendor}.
#
# {notes}
#
# Running it again is safe: what is there is used, and nothing is made twice. It ends with 0 once both directions are
# Connected, with 3 when somebody else has to act first (run it again then), and with 1 when something failed.

# Values are data, so nothing in them is to expand.
# shellcheck disable=SC2016
set -euo pipefail

",
        vnet = sanitize_for_terminal(&intent.vnet.name),
        vendor = sanitize_for_terminal(&intent.vendor.name),
        notes = notes.join("\n# "),
    )
}

fn common(intent: &PeeringIntent) -> ScriptSection {
    let part = ScriptSection::new(include_str!("script/common.sh"))
        .value("tenant_id", intent.tenant.to_string())
        .value("subscription_id", intent.vnet.subscription.to_string())
        .value("vnet_name", &intent.vnet.name)
        .value("vnet_id", intent.vnet.to_string())
        .value("vendor", sanitize_for_terminal(&intent.vendor.short_name))
        .value("timeout", intent.timeout.as_secs().to_string());
    match intent.other_side_of_ours() {
        // Nothing in that script names the group by itself.
        Some(_) => part,
        None => part.value("resource_group", &intent.vnet.resource_group),
    }
}

/// The name of the environment variable with the vendor's token. It stands unquoted in the script, so what no name can
/// have is left out.
fn token_env(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect()
}

fn grants(intent: &PeeringIntent) -> Vec<ScriptSection> {
    let grants = intent.grants();
    if grants.is_empty() {
        return Vec::new();
    }
    let mut part = ScriptSection::new(include_str!("script/grants.sh"));
    for grant in &grants {
        let (variable, call) = match grant.to {
            RoleGrantee::Vendor => (
                "vendor_grant",
                "give \"$vendor_grant\" \"$vendor_principal_id\" \"$application\"\n",
            ),
            RoleGrantee::OwnApp => (
                "own_app_grant",
                "give \"$own_app_grant\" \"$own_principal_id\" \"$own_app_name\"\n",
            ),
        };
        part = part.value(variable, grant_json(intent, grant));
        part.text.push_str(call);
    }
    vec![part]
}

fn grant_json(intent: &PeeringIntent, grant: &RoleGrant) -> String {
    let own = intent.own_roles(grant).into_iter();
    let own = own.map(|role| serde_json::json!({ "name": role.name, "guid": role.guid }));
    let foreign = intent.foreign_role_names(grant);
    serde_json::json!({
        "names": grant.names,
        "description": grant.description,
        "actions": grant.actions,
        "builtIn": grant.built_in,
        // The names and IDs that setup gives it too: created twice, it is one.
        "own": own.collect::<Vec<_>>(),
        "foreign": { "names": foreign.names, "prefixes": foreign.prefixes },
    })
    .to_string()
}

/// The role as `az role definition create` takes it.
fn role_json(grant: &RoleGrant, scope: &str) -> String {
    serde_json::json!({
        "Name": grant.name(),
        "Description": grant.description,
        "Actions": grant.actions,
        "AssignableScopes": [scope],
    })
    .to_string()
}

/// Returns whether the script writes the local direction.
fn ours_to_write(intent: &PeeringIntent) -> bool {
    intent.vendor.peering.created_by != CreatedBy::Vendor
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::samples;

    #[test]
    fn az_script_uses_only_quoted_values() {
        let (mut intent, _) = samples::kong_done();
        intent
            .vendor_inputs
            .insert("network".into(), vec!["it's $(reboot)".into()]);
        let script = script(&intent);
        assert!(script.contains(r"network='it'\''s $(reboot)'"), "{script}");
        assert_eq!(script.matches("reboot").count(), 1, "{script}");
    }

    #[test]
    fn az_role_id_matches_setup() {
        let (intent, _) = samples::own_app_to_take_down();
        let script = script(&intent);
        for grant in intent.grants() {
            assert!(
                script.contains(&format!(r#""guid":"{}""#, intent.role_guid(&grant))),
                "{script}"
            );
        }
    }

    #[test]
    fn the_token_is_in_no_argument() {
        let (intent, _) = samples::kong_done();
        let script = script(&intent);
        assert!(
            script.contains(r#"--header @<(printf 'Authorization: Bearer %s\n' "$vendor_token")"#),
            "{script}"
        );
    }

    #[test]
    fn az_environment_variable_stays_name() {
        assert_eq!(token_env("A_1[$(reboot)]"), "A_1reboot");
    }
}
