//! Brown field: somebody followed the vendor's documentation with the real az, wholly or up to some command, and now
//! runs setup: it finds all of that, doubles nothing, and does only the rest.
//!
//! The commands are those of the vendors' documents with their slips mended (a role assigned under the name it was
//! made with, ids filled in, no trailing comma), and with a sign-in that needs no person.
#![cfg(unix)]

mod support;

use serde_json::Value;
use support::az::Az;
use support::both_sides::{self, AIVEN, DRAGONFLY, Party, changes, step};
use support::colleague::Colleague;
use support::kong::{self, SUBSCRIPTION, TENANT, VNET_ID};
use support::served::Served;

/// How far somebody got, and the steps that setup then finds in place.
struct Cut {
    name: &'static str,
    commands: &'static str,
    found: &'static [&'static str],
}

/// What every script begins with: the values that the documents ask the reader to fill in.
fn prelude(vendor_app: &str) -> String {
    format!(
        "set -euo pipefail\nuser_subscription_id={SUBSCRIPTION} user_tenant_id={TENANT} user_vnet_id={VNET_ID}\n\
         vendor_app_id={vendor_app}\n"
    )
}

/// Runs the commands of the cuts up to and with `last`, each in the shell that the ones before it left behind.
#[track_caller]
fn by_az(az: &Az<'_>, vendor_app: &str, cuts: &[Cut], last: usize) -> String {
    let commands = cuts[..=last].iter().map(|cut| cut.commands);
    let script: String = std::iter::once(prelude(vendor_app).as_str())
        .chain(commands)
        .collect::<Vec<_>>()
        .join("\n");
    az.bash(&format!("{script}\nprintf '%s' \"${{user_app_id:-}}\"\n"))
        .expect_code(0)
        .stdout
}

/// The steps that were found in place, whatever else the run had to do.
#[track_caller]
fn assert_found(document: &Value, cut: &Cut) {
    for id in cut.found {
        let step = step(document, id);
        assert_eq!(step["before"], "in-place", "{id} after \"{}\": {document:#}", cut.name);
        // Its credential for this run is always made.
        let mut written = changes(document, id);
        written.retain(|change| change != "created passwordCredential");
        assert!(written.is_empty(), "{id} after \"{}\": {document:#}", cut.name);
    }
}

/// How many of each thing the customer's tenant has that setup or az may have made for one vendor.
fn counts(sandbox: &Served) -> [usize; 3] {
    let state = sandbox.state();
    let of = |list: &str, ours: &dyn Fn(&Value) -> bool| {
        let all = state[list].as_array().expect("a list");
        all.iter().filter(|one| ours(one)).count()
    };
    let customers = |one: &Value| one["tenant"] == "contoso.onmicrosoft.com";
    [
        of("applications", &customers) - APPLICATIONS,
        of("roleDefinitions", &customers),
        of("roleAssignments", &|one| customers(one) && one["scope"] == VNET_ID),
    ]
}

/// Those that the estate begins with.
const APPLICATIONS: usize = 3;

// ------------------------------------------------------------------------------------------------------------- Kong

const KONG: [Cut; 4] = [
    Cut {
        name: "consent",
        commands: "az ad sp create --id $vendor_app_id --output none",
        found: &["consent"],
    },
    Cut {
        name: "the role",
        commands: r#"az role definition create --output none --role-definition '{
    "Name": "Kong Cloud Gateway Peering Creator - Kong",
    "Description": "Perform cross-tenant network peering.",
    "Actions": [
        "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/read",
        "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/write",
        "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/delete",
        "Microsoft.Network/virtualNetworks/peer/action",
        "Microsoft.Network/virtualNetworks/read"
    ],
    "AssignableScopes": ["/subscriptions/'"$user_subscription_id"'"]
}'"#,
        found: &["consent", "role-definition"],
    },
    Cut {
        name: "the assignment",
        commands: r#"az role assignment create --output none --role "Kong Cloud Gateway Peering Creator - Kong" \
    --assignee "$(az ad sp list --filter "appId eq '$vendor_app_id'" --output tsv --query '[0].id')" \
    --scope "$user_vnet_id""#,
        found: &["consent", "role-definition", "role-assignment"],
    },
    Cut {
        name: "the console",
        commands: "",
        found: &[
            "consent",
            "role-definition",
            "role-assignment",
            "vendor-request",
            "peering",
        ],
    },
];

#[test]
fn kong_resumes_after_each_az_command() {
    let Some(az) = support::real_az("Kong's documented commands, then setup") else {
        return;
    };
    for (last, cut) in KONG.iter().enumerate() {
        let sandbox = Served::start(["--lag", "none"]);
        by_az(&Az::signed_in(az.clone(), &sandbox), kong::APP_ID, &KONG, last);
        if cut.name == "the console" {
            Colleague::of(&sandbox).fills_in_the_form();
        }
        let run = |code| kong::setup(&sandbox, &["-o", "json"]).run().expect_code(code).json();
        let document = run(0);
        assert_found(&document, cut);
        both_sides::assert_in_place(&document);
        assert_eq!(counts(&sandbox), [0, 1, 1], "after {}: {:#}", cut.name, sandbox.state());
        assert_eq!(run(0)["outcome"], "unchanged");
    }
}

// ----------------------------------------------------------------------------------------------- Aiven and Dragonfly

/// Both documents say the same up to the request at the vendor, but for the role's name.
const IN_AZURE: [Cut; 5] = [
    Cut {
        name: "an application of one's own",
        commands: r#"user_app_id=$(az ad app create --display-name client-app --sign-in-audience AzureADMultipleOrgs \
    --key-type Password --query appId --output tsv)
user_sp_id=$(az ad sp create --id "$user_app_id" --query id --output tsv)
user_app_secret=$(az ad app credential reset --id "$user_app_id" --query password --output tsv 2>/dev/null)"#,
        found: &["own-app"],
    },
    Cut {
        name: "its role",
        commands: r#"az role assignment create --output none --role "Network Contributor" \
    --assignee-object-id "$user_sp_id" --scope "$user_vnet_id" 2>/dev/null"#,
        found: &["own-app"],
    },
    Cut {
        name: "consent",
        commands: r#"vendor_sp_id=$(az ad sp create --id "$vendor_app_id" --query id --output tsv)"#,
        found: &["own-app", "consent"],
    },
    Cut {
        name: "the vendor's role",
        commands: r#"vendor_role_id=$(az role definition create --query id --output tsv --role-definition '{
    "Name": "'"$vendor_role"'",
    "Description": "Allows creating a peering to vnets in scope (but not from)",
    "Actions": ["Microsoft.Network/virtualNetworks/peer/action"],
    "AssignableScopes": ["/subscriptions/'"$user_subscription_id"'"]
}')"#,
        found: &["own-app", "consent", "role-definition"],
    },
    Cut {
        name: "its assignment",
        commands: r#"az role assignment create --output none --role "$vendor_role_id" \
    --assignee-object-id "$vendor_sp_id" --scope "$user_vnet_id" 2>/dev/null"#,
        found: &["own-app", "consent", "role-definition", "role-assignment"],
    },
];

const AT_AIVEN: Cut = Cut {
    name: "the request at Aiven",
    commands: r#"aiven() { curl --fail --silent --show-error --cacert "$SSL_CERT_FILE" \
    --header "authorization: aivenv1 $AIVEN_AUTH_TOKEN" --header 'content-type: application/json' "$@"; }
vpc=$AIVEN_WEB_URL/v1/project/demo/vpcs/7a61c0de-3b52-4c1f-9d84-e0f1a2b3c401
aiven "$vpc/peering-connections" >/dev/null --data '{"peer_cloud_account": "'"$user_subscription_id"'",
    "peer_resource_group": "rg-network", "peer_vpc": "vnet-app", "peer_azure_app_id": "'"$user_app_id"'",
    "peer_azure_tenant_id": "'"$user_tenant_id"'"}'
made=$(aiven "$vpc" | jq '.peering_connections[0]')
jq --exit-status '.state == "PENDING_PEER"' <<<"$made" >/dev/null
vendor_tenant_id=$(jq --raw-output '.state_info["to-tenant-id"]' <<<"$made")
vendor_vnet_id=$(jq --raw-output '.state_info["to-network-id"]' <<<"$made")"#,
    found: REQUESTED,
};

const AT_DRAGONFLY: Cut = Cut {
    name: "the request at Dragonfly",
    commands: r#"dragonfly() { curl --fail --silent --show-error --cacert "$SSL_CERT_FILE" \
    --header "authorization: Bearer $DFCLOUD_API_KEY" --header 'content-type: application/json' "$@"; }
dragonfly "$DFCLOUD_API_URL/v1/connections" >/dev/null --data '{"name": "documented", "network_id": "net_7k2m9qx4a",
    "peer": {"account_id": "'"$user_subscription_id"'", "vpc_id": "vnet-app", "cidr_block": "10.20.0.0/16",
        "azure": {"resource_group": "rg-network", "tenant_id": "'"$user_tenant_id"'",
            "app_object_id": "'"$user_app_id"'", "use_remote_gateways": false}}}'
vendor_tenant_id=3f7cbd78-1650-4b7d-b28f-8ee05eac10a4
vendor_vnet_id=$(dragonfly "$DFCLOUD_API_URL/v1/networks/net_7k2m9qx4a" |
    jq --raw-output '.vpc.account_id + "/providers/Microsoft.Network/virtualNetworks/" + .vpc.resource_id')"#,
    found: REQUESTED,
};

const REQUESTED: &[&str] = &[
    "own-app",
    "consent",
    "role-definition",
    "role-assignment",
    "vendor-request",
];

const THE_PEERING: Cut = Cut {
    name: "the peering",
    commands: r#"az account clear
for tenant in "$user_tenant_id" "$vendor_tenant_id"; do
    az login --service-principal --username "$user_app_id" --password="$user_app_secret" --tenant "$tenant" --output none
done
az network vnet peering create --output none --name documented-peering --remote-vnet "$vendor_vnet_id" \
    --vnet-name vnet-app --resource-group rg-network --subscription "$user_subscription_id" --allow-vnet-access"#,
    found: &[
        "own-app",
        "consent",
        "role-definition",
        "role-assignment",
        "vendor-request",
        "peering",
        "verification",
    ],
};

fn both_sides_by_az(party: &Party, role: &str, request: Cut) {
    let Some(az) = support::real_az(&format!("{}'s documented commands, then setup", party.name)) else {
        return;
    };
    let cuts: Vec<Cut> = IN_AZURE.into_iter().chain([request, THE_PEERING]).collect();
    for (last, cut) in cuts.iter().enumerate() {
        let sandbox = Served::start(["--lag", "none"]);
        let az = Az::signed_in(az.clone(), &sandbox);
        let vendor = format!("{}\nvendor_role='{role}'", party.app_id);
        let own_app = by_az(&az, &vendor, &cuts, last);
        // The application has a secret that setup did not create: until everything is in place, its owner names it.
        let named = ["--own-app", own_app.as_str()];
        let in_place = cut.found.contains(&"verification");
        let document = party.run(&sandbox, if in_place { &[] } else { &named }, 0);
        assert_found(&document, cut);
        both_sides::assert_in_place(&document);
        party.assert_one_of_each(&sandbox);
        // The one custom role is the vendor's where the application had Network Contributor already.
        let roles = if last == 0 { 2 } else { 1 };
        assert_eq!(
            counts(&sandbox),
            [1, roles, 2],
            "after {}: {:#}",
            cut.name,
            sandbox.state()
        );
        both_sides::assert_no_credential(&sandbox);
        if cut.name == THE_PEERING.name {
            assert_eq!(document["outcome"], "unchanged", "{document:#}");
        }
        party.unchanged(&sandbox, &[]);
    }
}

#[test]
fn aiven_resumes_after_each_az_command() {
    both_sides_by_az(&AIVEN, "aiven-peering-role", AT_AIVEN);
}

#[test]
fn dragonfly_resumes_after_each_az_command() {
    both_sides_by_az(&DRAGONFLY, "dfcloud-peering-role", AT_DRAGONFLY);
}
