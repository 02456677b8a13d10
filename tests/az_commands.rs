//! The real az, unmodified: every command that the vendors' documents use, and those that one reaches for when one
//! looks after a peering, for both tenants. A newcomer's way in: the sandbox's exports, and `az login`.
#![cfg(unix)]

mod support;

use support::az::Az;
use support::both_sides::{PARTNER_TENANT, partner};
use support::cli::Ran;
use support::kong::{SUBSCRIPTION, VNET_ID};
use support::served::Served;

/// What every script begins with: `says WANTED COMMAND…` and `refuses CODE COMMAND…`.
const PRELUDE: &str = r#"set -euo pipefail
shown() { printf '%s\n' "$*" >&2; }
says() { # the command's output as tsv, compared
    local wanted=$1 found
    shift
    found=$("$@" --output tsv 2>/dev/null) || { shown "failed: $*" && "$@" >&2 || return 1; }
    [[ $found == "$wanted" ]] || { shown "$*: '$found', not '$wanted'" && return 1; }
}
refuses() { # it fails, and says so
    local wanted=$1 said
    shift
    if said=$("$@" 2>&1); then shown "not refused: $*" && return 1; fi
    [[ $said == *"$wanted"* ]] || { shown "$*: '$said', not '$wanted'" && return 1; }
}
operator=(--service-principal --username "$AZURE_CLIENT_ID" --password="$AZURE_CLIENT_SECRET")
vnet=(--resource-group rg-network --vnet-name vnet-app)
data=(--resource-group rg-network --vnet-name vnet-data)
"#;

#[track_caller]
fn by_az(what: &str, script: &str) -> Option<Ran> {
    let az = support::real_az(what)?;
    let sandbox = Served::start(["--lag", "none"]);
    let az = Az::signed_in(az, &sandbox);
    let named = format!(
        "subscription={SUBSCRIPTION}\nvnet_id={VNET_ID}\npartner_tenant={PARTNER_TENANT}\npartner_id={}\n",
        partner("vnet-partner")
    );
    Some(az.bash(&format!("{PRELUDE}{named}{script}")).expect_code(0))
}

#[test]
fn accounts_groups_and_networks_are_found() {
    let script = r#"
says $'Contoso Production\nContoso Sandbox\nContoso Staging' az account list --query 'sort([].name)'
says "$AZURE_TENANT_ID" az account show --query tenantId
az account set --subscription 'Contoso Staging'
says 'Contoso Staging' az account show --query name
az account set --subscription "$subscription"
says true az account list-locations --query "contains([].name, 'eastus2')"
says Bearer az account get-access-token --query tokenType
says true az group list --query "contains([].name, 'rg-network')"
says true az group exists --name rg-network
says false az group exists --name none
says Registered az provider show --namespace Microsoft.Network --query registrationState
says vnet-app az resource show --ids "$vnet_id" --query name
says $'vnet-app\nvnet-data' az network vnet list --resource-group rg-network --query '[].name'
says 10.20.0.0/16 az network vnet show --resource-group rg-network --name vnet-app --query addressSpace.addressPrefixes[0]
says 10.20.1.0/24 az network vnet subnet show "${vnet[@]}" --name snet-web --query addressPrefix
says 3 az network vnet subnet list "${vnet[@]}" --query 'length(@)'
says true az network nsg list --query "contains([].name, 'nsg-api')"
says Deny az network nsg rule show --resource-group rg-network --nsg-name nsg-api --name DenyTheRest --query access
refuses ResourceNotFound az network vnet show --resource-group rg-network --name none
refuses ResourceGroupNotFound az network vnet show --resource-group none --name none
says vnet-app az rest --method get --url "$vnet_id?api-version=2023-11-01" --query name
"#;
    by_az("az account, group, network, rest", script);
}

#[test]
fn az_identity_objects_lifecycle() {
    let script = r#"
app=$(az ad app create --display-name client-app --sign-in-audience AzureADMultipleOrgs --key-type Password --query appId --output tsv)
says "$app" az ad app create --display-name client-app --sign-in-audience AzureADMultipleOrgs --query appId
says client-app az ad app show --id "$app" --query displayName
az ad app update --id "$app" --web-redirect-uris http://localhost
says http://localhost az ad app show --id "$app" --query web.redirectUris[0]
principal=$(az ad sp create --id "$app" --query id --output tsv)
refuses 'is already in use' az ad sp create --id "$app"
says "$principal" az ad sp show --id "$app" --query id
says "$principal" az ad sp list --filter "appId eq '$app'" --query '[].id'
secret=$(az ad app credential reset --id "$app" --query password --output tsv 2>/dev/null)
says 1 az ad app credential list --id "$app" --query 'length(@)'

role() { printf '{"Name": "client-role", "Description": "%s", "Actions": ["Microsoft.Network/virtualNetworks/peer/action"], "AssignableScopes": ["/subscriptions/%s"]}' "$1" "$subscription"; }
says client-role az role definition create --role-definition "$(role first)" --query roleName
refuses RoleDefinitionWithSameNameExists az role definition create --role-definition "$(role first)"
says second az role definition update --role-definition "$(role second)" --query description
says client-role az role definition list --custom-role-only --query '[].roleName'
says 1 az role definition list --name 'Network Contributor' --query 'length(@)'
assignee=(--assignee-object-id "$principal" --assignee-principal-type ServicePrincipal)
made=$(az role assignment create "${assignee[@]}" --role client-role --scope "$vnet_id" --query id --output tsv)
says "$made" az role assignment create --assignee "$app" --role client-role --scope "$vnet_id" --query id
says client-role az role assignment list --scope "$vnet_id" --query '[].roleDefinitionName'
says "$vnet_id" az role assignment list --all --assignee "$app" --query '[].scope'
says 2 az role assignment list --scope "$vnet_id" --include-inherited --query "length([?roleDefinitionName == 'client-role' || principalName == '$AZURE_CLIENT_ID'])"
refuses RoleDefinitionHasAssignments az role definition delete --name client-role
refuses "doesn't exist" az role assignment create "${assignee[@]}" --role none --scope "$vnet_id"

az account clear
says 'Contoso Production' az login --service-principal --username "$app" --password="$secret" --tenant "$AZURE_TENANT_ID" --query '[].name'
refuses AuthorizationFailed az network vnet show --resource-group rg-network --name vnet-app
az account clear
refuses AADSTS7000215 az login --service-principal --username "$app" --password=wrong --tenant "$AZURE_TENANT_ID"
az login "${operator[@]}" --tenant "$AZURE_TENANT_ID" --output none
az role assignment delete --assignee "$app" --role client-role --scope "$vnet_id"
az role definition delete --name client-role
says 0 az role definition list --custom-role-only --query 'length(@)'
az ad sp delete --id "$app"
az ad app delete --id "$app"
refuses 'does not exist' az ad app show --id "$app"
rbac=$(az ad sp create-for-rbac --name rbac --role Reader --scopes "$vnet_id" --query appId --output tsv 2>/dev/null)
says Reader az role assignment list --scope "$vnet_id" --assignee "$rbac" --query '[].roleDefinitionName'
"#;
    by_az("az ad, role", script);
}

#[test]
fn az_peering_lifecycle() {
    let script = r#"
peering() { az network vnet peering "$@"; }
says Initiated peering create "${vnet[@]}" --name p --remote-vnet vnet-data --allow-vnet-access --query peeringState
says Connected peering create "${data[@]}" --name q --remote-vnet "$vnet_id" --allow-vnet-access --query peeringState
says FullyInSync peering show "${vnet[@]}" --name p --query peeringSyncLevel
says p peering list "${vnet[@]}" --query '[].name'
says true peering update "${vnet[@]}" --name p --set allowForwardedTraffic=true --query allowForwardedTraffic
refuses AnotherPeeringAlreadyReferencesRemoteVnet peering create "${vnet[@]}" --name p2 --remote-vnet vnet-data

az network vnet update --resource-group rg-network --name vnet-data --address-prefixes 10.30.0.0/16 10.31.0.0/16 --output none
says LocalNotInSync peering show "${vnet[@]}" --name p --query peeringSyncLevel
says FullyInSync peering sync "${vnet[@]}" --name p --query peeringSyncLevel
says FullyInSync peering show "${data[@]}" --name q --query peeringSyncLevel

az lock create --name keep --lock-type CanNotDelete --resource-group rg-network --notes 'not now'
refuses ScopeLocked peering delete "${vnet[@]}" --name p
says 'not now' az lock show --name keep --resource-group rg-network --query notes
az lock delete --name keep --resource-group rg-network
peering delete "${vnet[@]}" --name p
says Disconnected peering show "${data[@]}" --name q --query peeringState
refuses RemotePeeringIsDisconnected peering create "${vnet[@]}" --name p --remote-vnet vnet-data
peering delete "${data[@]}" --name q
says 0 peering list "${data[@]}" --query 'length(@)'

az group create --name rg-new --location 'East US 2' --output none
az network vnet create --resource-group rg-new --name vnet-new --address-prefixes 10.99.0.0/16 --subnet-name one --subnet-prefixes 10.99.0.0/24 --output none
says Initiated peering create "${vnet[@]}" --name new --remote-vnet "${vnet_id/rg-network*/rg-new/providers/Microsoft.Network/virtualNetworks/vnet-new}" --query peeringState
az group delete --name rg-new --yes
says Disconnected peering show "${vnet[@]}" --name new --query peeringState
"#;
    by_az("az network vnet peering, lock, group", script);
}

#[test]
fn across_tenants_with_both_signed_in() {
    let script = r#"
peering() { az network vnet peering "$@"; }
refuses 'not found. Check the spelling' peering create "${vnet[@]}" --name p --remote-vnet "$partner_id"
says 'Fabrikam Production' az login "${operator[@]}" --tenant "$partner_tenant" --query '[].name'
says 2 az account list --query "length([?tenantId == '$partner_tenant' || id == '$subscription'])"
here=(--subscription "$subscription")
there=(--subscription "$(cut -d/ -f3 <<<"$partner_id")" --resource-group rg-partner --vnet-name vnet-partner)
says Initiated peering create "${vnet[@]}" "${here[@]}" --name p --remote-vnet "$partner_id" --allow-vnet-access --query peeringState
says Connected peering create "${there[@]}" --name q --remote-vnet "$vnet_id" --allow-vnet-access --query peeringState
says Connected peering show "${vnet[@]}" "${here[@]}" --name p --query peeringState
says FullyInSync peering sync "${vnet[@]}" "${here[@]}" --name p --query peeringSyncLevel
# az sends no token for the other tenant on an update, and Azure refuses it.
refuses LinkedAuthorizationFailed peering update "${vnet[@]}" "${here[@]}" --name p --set allowForwardedTraffic=true
peering delete "${vnet[@]}" "${here[@]}" --name p
says Disconnected peering show "${there[@]}" --name q --query peeringState
peering delete "${there[@]}" --name q
refuses AADSTS7000229 az login "${operator[@]}" --tenant d90f1c7e-2f34-4c55-8a7b-6d3e9b0a5c21
"#;
    by_az("az in two tenants", script);
}

/// As the sandbox's page has them, with nothing but the exports.
#[test]
fn az_documented_commands_work() {
    let page = include_str!("../.github/docs/sandbox.md").replace('\r', "");
    let block = page.split("```sh\n").find(|block| block.starts_with("az login "));
    let commands = block.and_then(|block| block.split("```").next()).expect("the commands");
    let avn = support::python("the page's avn").map(|python| python.with_file_name("avn"));
    let lines = commands
        .lines()
        .filter(|line| avn.is_some() || !line.starts_with("avn "));
    let avn = avn.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
    let script = lines.collect::<Vec<_>>().join("\n");
    let Some(ran) = by_az(
        "the page's commands",
        &format!("avn() {{ '{avn}' \"$@\"; }}\n{script}\n"),
    ) else {
        return;
    };
    assert_eq!(
        ran.stdout.matches("\"peeringState\": \"Initiated\"").count(),
        2,
        "{ran}"
    );
}

#[test]
fn az_accepts_registered_cloud() {
    let script = r#"
az cloud register --name discovered --endpoint-resource-manager "$KONNECT_API_URL"
az cloud set --name discovered 2>/dev/null
az login "${operator[@]}" --tenant contoso.onmicrosoft.com --output none
says discovered az account show --query environmentName
az cloud register --name another --cloud-config "@$PEERCTL_CLOUD"
az cloud set --name another 2>/dev/null
az login "${operator[@]}" --tenant "$AZURE_TENANT_ID" --output none
says vnet-app az network vnet show --resource-group rg-network --name vnet-app --query name
"#;
    by_az("az cloud register", script);
}
