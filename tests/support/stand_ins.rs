//! Stand-ins for `az` and `curl`: they note their arguments, one a line, and answer as a small world would in which the
//! peering appears once it is written (or, where the vendor writes it, once it is requested). So what a script passes
//! on, and what every process could see of it, is known exactly.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::json;

use super::cli::{Ran, program};
use super::kong::TENANT;

/// The client secret that the small world makes: it begins like an option and holds what a shell would act on.
pub const SECRET: &str = "-s3cret~'$(touch reboot)&x=1";
/// What the vendors' tokens and Azure's begin with: in no argument may there be one.
pub const TOKEN: &str = "kpat_x-";
/// Azure's id of the other network, whoever's it is.
pub const REMOTE: &str = "/subscriptions/77c61208-ca0c-4f61-a384-90b5c62f7467/resourceGroups/rg-r/providers/Microsoft.Network/virtualNetworks/vnet-r";

/// What happened to a script among the stand-ins.
pub struct Played {
    pub ran: Ran,
    /// Every argument of every process.
    pub noted: String,
}

/// Runs the script. `network` is the vendor's network's name and id; `refused` makes Azure refuse the peering for good.
#[track_caller]
pub fn play(script: &str, vnet_id: &str, network: &str, refused: bool) -> Played {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    answers(folder.path(), vnet_id, network);
    if refused {
        std::fs::write(at("refused"), "").expect("a file");
    }
    for (name, body) in [("az", AZ), ("curl", CURL)] {
        let text = format!(
            "#!/usr/bin/env bash\nworld='{}'\nprintf '%s\\n' \"$@\" >>\"$world/noted\"\n{body}",
            folder.path().display()
        );
        std::fs::write(at(name), text).expect("a file");
        std::fs::set_permissions(at(name), std::fs::Permissions::from_mode(0o755)).expect("it can be run");
    }
    let path = std::env::var("PATH").unwrap_or_default();
    let tokens = ["KONNECT_TOKEN", "AIVEN_AUTH_TOKEN", "DFCLOUD_API_KEY"];
    let run = program("bash", ["-s"])
        .env("PATH", format!("{}:{path}", folder.path().display()))
        .envs(tokens.map(|name| (name, format!("{TOKEN}vendor"))))
        .stdin(script);
    let home = run.home().to_owned();
    let ran = run.run();
    let left: Vec<_> = std::fs::read_dir(&home)
        .expect("its home")
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    assert!(left.is_empty(), "a value was carried out: {left:?}\n{script}");
    let noted = std::fs::read_to_string(at("noted")).unwrap_or_default();
    for secret in [TOKEN, "s3cret"] {
        assert!(!noted.contains(secret), "{secret} is in an argument:\n{noted}");
        assert!(!ran.stdout.contains(secret) && !ran.stderr.contains(secret), "{ran}");
    }
    Played { ran, noted }
}

fn answers(folder: &Path, vnet_id: &str, network: &str) {
    let parts: Vec<&str> = vnet_id.split('/').collect();
    let (subscription, group, vnet) = (parts[2], parts[4], parts[8]);
    let network_of_azure = |peerings: serde_json::Value| {
        json!({"location": "eastus2", "properties": {
            "addressSpace": {"addressPrefixes": ["10.20.0.0/16"]}, "virtualNetworkPeerings": peerings}})
    };
    let peering = json!({"name": "p-1", "properties": {
        "peeringState": "Connected", "peeringSyncLevel": "FullyInSync", "allowVirtualNetworkAccess": true,
        "remoteAddressSpace": {"addressPrefixes": ["10.0.0.0/16"]}, "remoteVirtualNetwork": {"id": REMOTE}}});
    let gateway = json!({"id": "g-1", "state": "ready", "transit_gateway_attachment_config": {
        "kind": "azure-vnet-peering-attachment", "subscription_id": subscription, "resource_group_name": group,
        "vnet_name": vnet}});
    let connection = json!({"peer_cloud_account": subscription, "peer_resource_group": group, "peer_vpc": vnet,
        "state": "ACTIVE", "state_info": {"to-tenant-id": TENANT, "to-network-id": REMOTE}});
    let dragonfly = json!({"connection_id": "c-1", "status": "active", "connection_config": {"network_id": network,
        "peer": {"account_id": subscription, "vpc_id": vnet, "azure": {"resource_group": group}}}});
    let (account, name) = REMOTE
        .split_once("/providers/Microsoft.Network/virtualNetworks/")
        .expect("an id");
    // More than fits into one argument of a command.
    let role = |number: u32| {
        json!({"name": number.to_string(), "properties": {"roleName": format!("Another team's {number}"),
            "description": "x".repeat(400), "assignableScopes": ["/"],
            "permissions": [{"actions": ["Microsoft.Compute/*/read"], "notActions": []}]}})
    };
    let roles: Vec<serde_json::Value> = (0..400).map(role).collect();
    let files = [
        ("roles", json!({"value": roles})),
        (
            "cloud",
            json!({"microsoftGraphResourceId": "https://graph.invalid/", "resourceManager": "https://arm.invalid",
            "activeDirectory": "https://login.invalid", "activeDirectoryResourceId": "https://arm.invalid/"}),
        ),
        (
            "app",
            json!({"id": "o-1", "appId": "a-1", "displayName": "x", "signInAudience": "AzureADMultipleOrgs",
            "passwordCredentials": [{"displayName": "peerctl setup 1d0c9a52-6a5b-4a40-9f6e-3c1f5b7e8d21", "keyId": "k-other"}]}),
        ),
        ("password", json!({"keyId": "k-1", "secretText": SECRET})),
        ("token", json!({"access_token": format!("{TOKEN}azure")})),
        ("unlinked", network_of_azure(json!([]))),
        ("linked", network_of_azure(json!([peering]))),
        (
            "konnect-networks",
            json!({"data": [{"id": "n-1", "name": network, "cidr_block": "10.0.0.0/16"}, {"id": "n-2", "name": "twice"}, {"id": "n-3", "name": "twice"}]}),
        ),
        ("konnect-none", json!({"data": []})),
        ("konnect-made", json!({"data": [gateway]})),
        ("aiven-networks", json!({"vpcs": [{"project_vpc_id": network}]})),
        ("aiven-none", json!({"peering_connections": []})),
        ("aiven-made", json!({"peering_connections": [connection]})),
        (
            "dragonfly-networks",
            json!([{"network_id": network, "name": "n", "location": {"provider": "azure"},
            "vpc": {"account_id": account, "resource_id": name}}]),
        ),
        ("dragonfly-none", json!([])),
        ("dragonfly-made", json!([dragonfly])),
    ];
    for (file, body) in files {
        std::fs::write(folder.join(file), body.to_string()).expect("a file");
    }
}

const AZ: &str = r#"
case "$1 $2 $3" in
'account show'*) echo '6b1f5c5e-8a4e-4d0e-9a53-1f0c2d7e4b10' ;;
'account list'*) echo '[]' ;;
'account get-access-token'*) jq --raw-output .access_token "$world/token" ;;
'cloud show'*) cat "$world/cloud" ;;
'rest --method get')
    case "$5" in
    *servicePrincipals*) echo '{"value": [{"id": "s-1"}]}' ;;
    *applications*) cat "$world/app" ;;
    *roleDefinitions/*) exit 3 ;;
    *roleDefinitions*) cat "$world/roles" ;;
    *role*) echo '{"value": []}' ;;
    *) if [[ -e $world/made-peering ]]; then cat "$world/linked"; else cat "$world/unlinked"; fi ;;
    esac
    ;;
'rest --method post') case "$5" in *addPassword) cat "$world/password" ;; esac ;;
esac
"#;

const CURL: &str = r#"
made() { if [[ -e $world/made-request ]]; then cat "$world/$1-made"; else cat "$world/$1-none"; fi; }
sent=
for argument in "$@"; do
    case $argument in --data) sent=1 ;; esac
    # What comes by a file descriptor is read, as curl would.
    case $argument in @/dev/fd/*) cat "${argument#@}" >/dev/null ;; esac
done
case "${!#}" in
*/oauth2/*) cat "$world/token" ;;
*/virtualNetworkPeerings/*)
    if [[ -e $world/refused ]]; then
        echo '{"error": {"code": "VnetAddressSpacesOverlap", "message": "They overlap."}}'
    else
        : >"$world/made-peering"
        echo '{"properties": {}}'
    fi
    ;;
https://arm.invalid/*) echo '{"properties": {}}' ;;
*/transit-gateways*) if [[ -n $sent ]]; then : >"$world/made-request" && : >"$world/made-peering"; else made konnect; fi ;;
*/v2/cloud-gateways/networks*) cat "$world/konnect-networks" ;;
*/vpcs) cat "$world/aiven-networks" ;;
*/peering-connections) : >"$world/made-request" ;;
*/vpcs/*) made aiven ;;
*/v1/networks) cat "$world/dragonfly-networks" ;;
*/v1/connections) if [[ -n $sent ]]; then : >"$world/made-request"; else made dragonfly; fi ;;
esac
"#;
