//! The same run as a bash script of az commands: complete, quoted, safe to run twice. Made from the intent alone, so
//! it needs no network. Every value is assigned to a variable in single quotes, and only variables are used below.

mod packets;

pub use packets::{other_direction, own_app, role_assignment, role_definition, role_update};

use super::quoted;
use crate::domain::{AddressSpace, harmless};
use crate::plan::{Grant, Intent, VendorAccess};
use crate::vendors::{NewRequest, transit_gateway};

/// The whole script.
pub fn script(intent: &Intent) -> String {
    let mut parts = vec![
        header(intent),
        variables(intent),
        consent(intent),
        role(intent),
        assignment(),
    ];
    parts.push(match intent.access {
        VendorAccess::Api => konnect(intent),
        VendorAccess::Manual => by_hand(intent),
    });
    parts.push(wait(intent));
    parts.join("\n")
}

fn header(intent: &Intent) -> String {
    let tools = match intent.access {
        VendorAccess::Api => "az, curl and jq",
        VendorAccess::Manual => "az",
    };
    format!(
        r#"#!/usr/bin/env bash
# Peers the Azure virtual network {vnet} with {vendor}.
# The same as `peerctl azure setup`, as az commands. Needs {tools}, and an az login that may consent to
# applications, write role definitions and assign roles in tenant {tenant}.
# Running it again is safe.
set -euo pipefail
"#,
        vnet = harmless(&intent.vnet.name),
        vendor = harmless(&intent.vendor.name),
        tenant = intent.tenant,
    )
}

fn variables(intent: &Intent) -> String {
    let grant = intent.vendor_grant();
    let names: Vec<String> = grant
        .iter()
        .flat_map(|grant| &grant.names)
        .map(|name| quoted(name))
        .collect();
    format!(
        r"tenant_id={tenant}
subscription_id={subscription}
resource_group={group}
vnet_name={vnet}
vnet_id={id}
app_id={app}
vendor={vendor}
application={application}
role_names=({names})
role_definition={role}
",
        vendor = quoted(&harmless(&intent.vendor.short_name)),
        application = quoted(&application(intent)),
        tenant = quoted(&intent.tenant.to_string()),
        subscription = quoted(&intent.vnet.subscription.to_string()),
        group = quoted(&intent.vnet.resource_group),
        vnet = quoted(&intent.vnet.name),
        id = quoted(&intent.vnet.to_string()),
        app = quoted(
            &intent
                .vendor_app
                .as_ref()
                .map(|app| app.id.to_string())
                .unwrap_or_default()
        ),
        names = names.join(" "),
        role = quoted(
            &grant
                .map(|grant| role_json(&grant, &intent.vnet.subscription_scope()))
                .unwrap_or_default()
        ),
    )
}

fn role_json(grant: &Grant, scope: &str) -> String {
    serde_json::json!({
        "Name": grant.name(),
        "Description": grant.description,
        "Actions": grant.actions,
        "AssignableScopes": [scope],
    })
    .to_string()
}

fn application(intent: &Intent) -> String {
    intent
        .vendor_app
        .as_ref()
        .map(|app| harmless(&app.name))
        .unwrap_or_default()
}

fn consent(intent: &Intent) -> String {
    format!(
        r#"signed_in=$(az account show --subscription "$subscription_id" --query tenantId --output tsv)
if [[ $signed_in != "$tenant_id" ]]; then
    echo "Sign in first: az login --tenant $tenant_id" >&2
    exit 1
fi

# 1. Consent: {application} gets a service principal in the tenant.
#    The same by browser: {url}
principal_id=$(az ad sp list --filter "appId eq '$app_id'" --query '[0].id' --output tsv)
if [[ -z $principal_id ]]; then
    principal_id=$(az ad sp create --id "$app_id" --query id --output tsv)
fi
"#,
        application = application(intent),
        url = intent
            .vendor_app
            .as_ref()
            .map(|app| app.consent_url.to_string())
            .unwrap_or_default(),
    )
}

fn role(intent: &Intent) -> String {
    format!(
        r#"# 2. Role definition: what {vendor} may do, and no more. A role of that name that exists is used.
role_id=
for role_name in "${{role_names[@]}}"; do
    if [[ -z $role_id ]]; then
        role_id=$(az role definition list --subscription "$subscription_id" --name "$role_name" \
            --query '[0].id' --output tsv)
    fi
done
# A role's name is unique in the tenant: one made for another subscription gets this one added.
if [[ -z $role_id ]]; then
    for other_id in $(az account list --query "[?tenantId=='$tenant_id' && id!='$subscription_id'].id" \
        --output tsv); do
        for role_name in "${{role_names[@]}}"; do
            found=$(az role definition list --subscription "$other_id" --name "$role_name" --output json --query \
                "[0].{{name: name, id: id, roleName: roleName, description: description, permissions: permissions,
                  assignableScopes: [assignableScopes, ['/subscriptions/$subscription_id']][]}}")
            if [[ -z $role_id && -n $found && $found != null ]]; then
                role_id=$(az role definition update --subscription "$other_id" --role-definition "$found" \
                    --query id --output tsv)
            fi
        done
    done
fi
if [[ -z $role_id ]]; then
    role_id=$(az role definition create --subscription "$subscription_id" \
        --role-definition "$role_definition" --query id --output tsv)
fi
"#,
        vendor = harmless(&intent.vendor.short_name),
    )
}

fn assignment() -> String {
    r#"# 3. Role assignment: at this one virtual network. Both may take a minute to arrive everywhere, hence the tries.
for try in 2 4 8 15 30 30 30 30 0; do
    if az role assignment create --subscription "$subscription_id" --assignee-object-id "$principal_id" \
        --assignee-principal-type ServicePrincipal --role "$role_id" --scope "$vnet_id" --output none; then
        break
    elif [[ $try == 0 ]]; then
        echo "The role cannot be assigned to $application." >&2
        exit 1
    fi
    sleep "$try"
done
"#
    .to_owned()
}

/// The request through Konnect's API. The token goes to curl through a file descriptor: no process's arguments show it.
fn konnect(intent: &Intent) -> String {
    let new = NewRequest {
        name: intent.request_name().to_owned(),
        tenant: intent.tenant,
        vnet: intent.vnet.clone(),
        location: String::new(),
        address_space: AddressSpace::default(),
        own_app: None,
        dns: intent.dns.clone(),
    };
    let api = intent
        .vendor_api
        .as_ref()
        .map(|url| url.as_str().trim_end_matches('/').to_owned())
        .unwrap_or_default();
    let token = intent
        .vendor
        .access
        .as_ref()
        .map_or("VENDOR_TOKEN", |access| access.token_env.as_str());
    format!(
        r#"# 4. Vendor request: a transit gateway on the Konnect network.
: "${{{token}:?Set {token} to a Konnect token (kpat_... or spat_...).}}"
konnect_api={api}/v2/cloud-gateways
network={network}
transit_gateway={body}
konnect() {{
    curl --silent --show-error --fail-with-body --header @<(printf 'Authorization: Bearer %s\n' "${token}") \
        --header 'Content-Type: application/json' "$@"
}}
read -r network_id {cidr} < <(konnect "$konnect_api/networks?page%5Bsize%5D=100&page%5Bnumber%5D=1" |
    jq --raw-output --arg wanted "$network" \
        'first(.data[] | select(.id == $wanted or .name == $wanted) | .id + " " + .cidr_block)') || true
if [[ -z ${{network_id:-}} ]]; then
    echo "Konnect has no network $network." >&2
    exit 1
fi
gateways=$konnect_api/networks/$network_id/transit-gateways
gateways_for_vnet() {{ # prints "id state" of each
    konnect "$gateways?page%5Bsize%5D=100&page%5Bnumber%5D=1" |
        jq --raw-output --arg subscription "$subscription_id" --arg group "$resource_group" --arg vnet "$vnet_name" \
            '.data[] | select(.state != "terminated")
             | select(.transit_gateway_attachment_config
                | .kind == "azure-vnet-peering-attachment"
                  and (.subscription_id | ascii_downcase) == ($subscription | ascii_downcase)
                  and (.resource_group_name | ascii_downcase) == ($group | ascii_downcase)
                  and (.vnet_name | ascii_downcase) == ($vnet | ascii_downcase))
             | .id + " " + .state'
}}
known=$(gateways_for_vnet)
# One that failed is deleted and requested again; Konnect takes the new one once the old one is gone.
while [[ $known == *" error" || $known == *" terminating" ]]; do
    if [[ $known == *" error" ]]; then
        konnect --request DELETE "$gateways/${{known% *}}"
    fi
    sleep 2
    known=$(gateways_for_vnet)
done
if [[ -z $known ]]; then
    konnect --data "$transit_gateway" "$gateways" >/dev/null
fi
"#,
        api = quoted(&api),
        // Where a name tells which peering is meant, the network's addresses need not.
        cidr = if intent.peering_name.is_some() {
            "_"
        } else {
            "network_cidr"
        },
        network = quoted(intent.vendor_input("network").unwrap_or_default()),
        body = quoted(&transit_gateway(&new).to_string()),
    )
}

fn by_hand(intent: &Intent) -> String {
    let card = intent.card(None);
    let mut lines = vec![
        format!(
            "# 4. Vendor request, by hand: enter these values at {}.",
            harmless(&intent.vendor.name)
        ),
        format!("printf '%s\\n' {} \\", quoted(&format!("Enter at {}", card.place))),
    ];
    let values: Vec<String> = card
        .values
        .iter()
        .map(|value| format!("    {}", quoted(&format!("  {}: {}", value.label, value.value))))
        .collect();
    lines.push(values.join(" \\\n"));
    lines.join("\n") + "\n"
}

fn wait(intent: &Intent) -> String {
    let vendors_own = match (&intent.peering_name, intent.access) {
        (Some(_), _) => "name=='$peering_name'",
        // No two networks that share addresses can be peered with one network: the address space tells.
        (None, VendorAccess::Api) => "contains(remoteAddressSpace.addressPrefixes, '$network_cidr')",
        (None, VendorAccess::Manual) => "!contains(remoteVirtualNetwork.id, '$subscription_id')",
    };
    let failed = match intent.access {
        VendorAccess::Api => {
            r#"    if [[ $(gateways_for_vnet) == *" error" ]]; then
        echo "Konnect could not create the peering:" >&2
        konnect "$gateways" | jq --raw-output '.data[].state_metadata.reason // empty' >&2
        exit 1
    fi
"#
        }
        VendorAccess::Manual => "",
    };
    let name = intent
        .peering_name
        .as_ref()
        .map(|name| format!("peering_name={}\n", quoted(name)))
        .unwrap_or_default();
    format!(
        r#"# 5. Peering: {vendor} creates both directions; that usually takes {usually}.
{name}pause=2
while :; do
    connected=$(az network vnet peering list --subscription "$subscription_id" --resource-group "$resource_group" \
        --vnet-name "$vnet_name" --query "[?peeringState=='Connected' && {vendors_own}].name" --output tsv)
    if [[ -n $connected ]]; then
        echo "Connected: $connected"
        exit 0
    fi
{failed}    if ((SECONDS >= {seconds})); then
        echo "$vendor has not connected the networks yet. Run this again later." >&2
        exit 3
    fi
    echo "Waiting for $vendor." >&2
    sleep "$pause"
    pause=$((pause < 15 ? pause * 2 : 30))
done
"#,
        seconds = intent.timeout.as_secs(),
        vendor = harmless(&intent.vendor.short_name),
        usually = harmless(&intent.vendor.usual_wait),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::samples;

    #[test]
    fn the_script_is_made_without_a_network_and_uses_only_quoted_values() {
        let (mut intent, _) = samples::kong_done();
        intent
            .vendor_inputs
            .insert("network".into(), vec!["it's $(reboot)".into()]);
        let script = script(&intent);
        assert!(script.contains(r"network='it'\''s $(reboot)'"), "{script}");
        assert_eq!(script.matches("reboot").count(), 1, "{script}");
    }

    #[test]
    fn the_token_is_in_no_argument() {
        let (intent, _) = samples::kong_done();
        let script = script(&intent);
        assert!(
            script.contains(r#"--header @<(printf 'Authorization: Bearer %s\n' "$KONNECT_TOKEN")"#),
            "{script}"
        );
    }
}
