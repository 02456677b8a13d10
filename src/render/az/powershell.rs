//! The az commands of a run for PowerShell, one after the other: what an operator types, with every value as one word.
//!
//! It has no loops, and no conditions but one: az itself refuses to make again what exists already, except for a peering,
//! whose settings a second `create` would put back to their defaults. What takes more than az (the vendor's request, a
//! direction that an application writes with tokens of both tenants) is handed to peerctl, which runs in PowerShell too.

use super::role_json;
use crate::azure::az_cloud;
use crate::domain::{VnetId, sanitize_for_terminal};
use crate::plan::{OwnApp, PeeringIntent, PeeringSettings, Remote, RoleGrant, RoleGrantee};
use crate::render::ps_quoted;

/// File for a role's definition while the script runs: PowerShell before 7.3, and az on Windows in any version, lose
/// the quotes of JSON that is an argument.
const ROLE_FILE: &str = "peerctl-role.json";

/// Characters that cmd.exe, through which az is started on Windows, may interpret.
const CMD: [char; 7] = ['&', '|', '<', '>', '^', '%', '"'];

/// The commands; `cloud` is the cloud's name, and `az` is set to it where it is not the public one.
pub fn powershell(intent: &PeeringIntent, cloud: &str) -> String {
    let mut out = vec![
        format!(
            "# Peers the Azure virtual network {} with {}: the az commands, for PowerShell.",
            sanitize_for_terminal(&intent.vnet.name),
            sanitize_for_terminal(&intent.vendor.name)
        ),
        "#".to_owned(),
        "# To be run once, line by line. What exists already, az refuses to make again: go on with the next line then.".to_owned(),
        "# peerctl azure setup does the same, looks before it writes, waits where Azure takes its time, and can be repeated."
            .to_owned(),
    ];
    if needs_care(intent) {
        out.push("#".to_owned());
        out.push("# Careful: a value has a character that cmd.exe, through which az is started on Windows, takes for its own.".to_owned());
    }
    out.push(String::new());
    let set = az_cloud(cloud).map(|name| format!("az cloud set --name {name}"));
    out.extend(set);
    out.extend(commands(intent));
    out.join("\n") + "\n"
}

/// Returns whether a value that is an argument has such a character.
fn needs_care(intent: &PeeringIntent) -> bool {
    let names = intent.grants().into_iter().map(|grant| grant.name().to_owned());
    let own = intent.own_app.as_ref().map(OwnApp::label);
    let more = [intent.vnet.to_string(), intent.default_peering_name()];
    names.chain(own).chain(more).any(|text| text.contains(CMD))
}

fn commands(intent: &PeeringIntent) -> Vec<String> {
    let mut out = vec![
        format!("az login --tenant {}", intent.tenant),
        format!("az account set --subscription {}", intent.vnet.subscription),
    ];
    if let Some(app) = &intent.vendor_app {
        heading(&mut out, "consent");
        out.push(format!("az ad sp create --id {}", app.id));
    }
    match &intent.own_app {
        Some(OwnApp::Made { display_name, .. }) => {
            heading(&mut out, "own-app");
            out.push(format!(
                "$app_id = az ad app create --display-name {} --sign-in-audience AzureADMultipleOrgs --query appId --output tsv",
                ps_quoted(display_name)
            ));
            out.push("az ad sp create --id $app_id".to_owned());
        }
        Some(OwnApp::Given(id)) => {
            heading(&mut out, "own-app");
            out.push(format!("$app_id = '{id}'"));
        }
        None => {}
    }
    let grants = intent.grants();
    let custom: Vec<&RoleGrant> = grants.iter().filter(|grant| grant.built_in.is_none()).collect();
    if !custom.is_empty() {
        heading(&mut out, "role-definition");
    }
    for grant in &custom {
        out.push("@'".to_owned());
        out.push(ascii(&role_json(grant, &intent.vnet.subscription_scope())));
        out.push(format!("'@ | Set-Content -Encoding ascii {ROLE_FILE}"));
        out.push(format!("az role definition create --role-definition {ROLE_FILE}"));
        out.push(format!("Remove-Item {ROLE_FILE}"));
    }
    if !grants.is_empty() {
        heading(&mut out, "role-assignment");
    }
    if !custom.is_empty() {
        out.push(
            "# A role is assigned only if it has exactly these actions: another one may have its name.".to_owned(),
        );
    }
    for grant in &grants {
        let role = match grant.built_in {
            Some(_) => ps_quoted(grant.name()),
            None => {
                out.extend(exact_role(grant));
                "$role".to_owned()
            }
        };
        let id = match (grant.to, &intent.vendor_app) {
            (RoleGrantee::Vendor, Some(app)) => app.id.to_string(),
            _ => "$app_id".to_owned(),
        };
        out.push(format!(
            "$principal_id = az ad sp show --id {id} --query id --output tsv"
        ));
        out.push(format!(
            "az role assignment create --assignee-object-id $principal_id --assignee-principal-type ServicePrincipal --role {role} --scope {}",
            ps_quoted(&intent.vnet.to_string())
        ));
    }
    match intent.other_side_of_ours().filter(|_| intent.own_app.is_none()) {
        Some(remote) => both_directions(&mut out, intent, &remote),
        None => {
            heading(&mut out, "vendor-request, peering, verification");
            out.push("# These take the vendor's API, or tokens of both tenants, and patience:".to_owned());
            out.push(rest(intent));
        }
    }
    out
}

/// Sets `$role` to the role's name, where the role of that name has exactly the grant's actions; else it stays empty.
fn exact_role(grant: &RoleGrant) -> [String; 3] {
    let name = ps_quoted(grant.name());
    let actions: Vec<String> = grant.actions.iter().map(|action| ps_quoted(action)).collect();
    let other = format!(
        "The role {} has other actions. Give the new one another name.",
        grant.name()
    );
    [
        "$role = $null".to_owned(),
        format!(
            "$actions = az role definition list --custom-role-only true --name {name} --query '[].permissions[].[actions, dataActions][][]' --output tsv"
        ),
        format!(
            "$role = if (((@($actions) | Sort-Object) -join ' ') -eq ((@({}) | Sort-Object) -join ' ')) {{ {name} }} else {{ throw {} }}",
            actions.join(", "),
            ps_quoted(&other)
        ),
    ]
}

fn heading(out: &mut Vec<String>, step: &str) {
    out.push(String::new());
    out.push(format!("# {step}"));
}

/// By who is signed in to both tenants.
fn both_directions(out: &mut Vec<String>, intent: &PeeringIntent, remote: &Remote) {
    heading(out, "peering, by who may write in both tenants");
    out.push(format!("az login --tenant {}", remote.tenant));
    let settings = intent.peering_settings;
    let gateways = settings.use_remote_gateways;
    let theirs = PeeringSettings {
        allow_gateway_transit: gateways,
        ..PeeringSettings::default()
    };
    let mut directions = [
        (&intent.vnet, intent.default_peering_name(), &remote.vnet, settings),
        (&remote.vnet, intent.remote_peering_name(remote), &intent.vnet, theirs),
    ];
    if gateways {
        // Azure takes a direction that uses gateways only once the other one allows it.
        directions.reverse();
    }
    for (at, name, with, settings) in directions {
        out.push(direction(at, &name, with, settings));
    }
}

/// Creates one direction, or changes the one that is there.
fn direction(at: &VnetId, name: &str, with: &VnetId, settings: PeeringSettings) -> String {
    let this = format!(
        "--subscription {} --resource-group {} --vnet-name {} --name {}",
        at.subscription,
        ps_quoted(&at.resource_group),
        ps_quoted(&at.name),
        ps_quoted(name)
    );
    let flags = [
        (true, " --allow-vnet-access"),
        (settings.allow_forwarded_traffic, " --allow-forwarded-traffic"),
        (settings.allow_gateway_transit, " --allow-gateway-transit"),
        (settings.use_remote_gateways, " --use-remote-gateways"),
    ];
    let flags = flags.iter().filter(|(on, _)| *on).map(|(_, flag)| *flag);
    let on: String = flags.clone().collect();
    let true_now: String = flags.map(|flag| format!("{flag} true")).collect();
    let with = ps_quoted(&with.to_string());
    format!(
        "if (az network vnet peering show {this} --query id --output tsv 2>$null) {{ az network vnet peering update {this} --remote-vnet {with}{true_now} }} \
         else {{ az network vnet peering create {this} --remote-vnet {with}{on} }}"
    )
}

/// The command line of peerctl for what is left.
fn rest(intent: &PeeringIntent) -> String {
    let sets = intent.vendor_inputs.iter().flat_map(|(key, values)| {
        values
            .iter()
            .map(move |value| format!(" --set {}", ps_quoted(&format!("{key}={value}"))))
    });
    let own = intent.own_app.as_ref().map_or("", |_| " --own-app $app_id");
    format!(
        "peerctl azure setup --vendor {} --tenant-id {} --vnet-id {}{own}{}",
        ps_quoted(&intent.vendor.id),
        intent.tenant,
        ps_quoted(&intent.vnet.to_string()),
        sets.collect::<String>()
    )
}

/// JSON with nothing in it that an encoding could change.
fn ascii(json: &str) -> String {
    let mut out = String::new();
    for c in json.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::samples;

    #[test]
    fn powershell_json_is_equivalent_ascii() {
        let text = serde_json::json!({ "a": "é – 𝄞 'x'" }).to_string();
        let plain = ascii(&text);
        assert!(plain.is_ascii(), "{plain}");
        let read: serde_json::Value = serde_json::from_str(&plain).expect("JSON");
        assert_eq!(read["a"], "é – 𝄞 'x'");
    }

    #[test]
    fn powershell_warns_about_cmd_special_values() {
        let (mut intent, _) = samples::kong_done();
        assert!(!powershell(&intent, "public").contains("Careful"));
        if let Some(role) = &mut intent.vendor.role {
            role.names = vec!["100% Kong".to_owned()];
        }
        assert!(powershell(&intent, "public").contains("# Careful"));
    }
}
