//! The sandbox's answers against recordings of the real Azure: the names and types of every field of every kind of
//! object.
//!
//! `recorded/answers.json` was taken from 230 objects in recorded answers: of each kind of object the path of every field, and the
//! JSON types that were seen; with `?` in front where it was not in all of them. No value of a recording is in it.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::{Value, json};
use support::colleague::Colleague;
use support::kong::{APP_ID, SUBSCRIPTION, TENANT, VNET_ID};
use support::served::{Body, Served};

const RECORDED: &str = include_str!("recorded/answers.json");

/// What the sandbox writes and no recording has, and why that is right.
const MORE: [(&str, &str); 2] = [
    (
        "permission dataActions",
        "recorded at api-version 2015-07-01, which had none yet",
    ),
    ("permission notDataActions", "the same"),
];

/// What the recording has and the sandbox does not write, and why that is right.
const LESS: [(&str, &str); 1] = [(
    "provider authorization",
    "the recorded provider is another, which acts through an application of its own",
)];

/// What the token endpoint answers.
fn grant(sandbox: &Served) -> Value {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", sandbox.value("AZURE_CLIENT_ID")),
        ("client_secret", sandbox.value("AZURE_CLIENT_SECRET")),
        ("scope", "https://management.core.windows.net//.default"),
    ];
    let form = form.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let path = format!("/{TENANT}/oauth2/v2.0/token");
    sandbox.send(Method::POST, &path, None, Body::Form(form)).1
}

#[track_caller]
fn get(client: &Colleague<'_>, path: &str) -> Value {
    client.azure(Method::GET, path, None)
}

#[track_caller]
fn put(client: &Colleague<'_>, path: &str, body: Value) -> Value {
    client.azure(Method::PUT, path, Some(body))
}

const NETWORK: &str = "api-version=2023-11-01";
const ACCESS: &str = "api-version=2022-04-01";

/// Every kind of object, as the sandbox answers it: to a write where there is one, and when it is read.
fn answers(sandbox: &Served) -> Vec<(&'static str, Value)> {
    let client = Colleague::of(sandbox);
    let mut seen = vec![
        ("token", grant(sandbox)),
        (
            "openid",
            get(&client, &format!("/{TENANT}/v2.0/.well-known/openid-configuration")),
        ),
        (
            "subscription",
            get(&client, "/subscriptions?api-version=2022-12-01")["value"][0].clone(),
        ),
        (
            "tenant",
            get(&client, "/tenants?api-version=2022-12-01")["value"][0].clone(),
        ),
    ];
    seen.extend(in_the_directory(&client));
    seen.extend(of_networks(&client));
    seen.extend(of_access(&client));
    let at = |rest: &str| format!("/subscriptions/{SUBSCRIPTION}/{rest}");
    let group = at("resourceGroups/rg-recorded?api-version=2021-04-01");
    let query = json!({"query": "resources | where type =~ 'microsoft.network/virtualnetworks' | project id, name, type",
        "subscriptions": [SUBSCRIPTION]});
    let graph = "/providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01";
    seen.extend([
        ("resourceGroup", put(&client, &group, json!({"location": "eastus2"}))),
        ("resourceGroup", get(&client, &group)),
        (
            "provider",
            get(&client, &at("providers/Microsoft.Network?api-version=2022-09-01")),
        ),
        ("resourceGraph", client.azure(Method::POST, graph, Some(query))),
    ]);
    seen
}

fn in_the_directory(client: &Colleague<'_>) -> Vec<(&'static str, Value)> {
    let post = |path: &str, body: Value| client.azure(Method::POST, path, Some(body));
    let made = post("/v1.0/applications", json!({"displayName": "recorded"}));
    let id = |made: &Value| made["id"].as_str().expect("an id").to_owned();
    let application = format!("/v1.0/applications/{}", id(&made));
    let password = post(
        &format!("{application}/addPassword"),
        json!({"passwordCredential": {"displayName": "k"}}),
    );
    let principal = post("/v1.0/servicePrincipals", json!({"appId": APP_ID}));
    let objects = json!({"ids": [id(&principal)], "types": ["servicePrincipal"]});
    vec![
        ("application", made),
        ("application", get(client, &application)),
        ("passwordCredential", password),
        (
            "servicePrincipal",
            get(client, &format!("/v1.0/servicePrincipals/{}", id(&principal))),
        ),
        ("servicePrincipal", principal),
        (
            "directoryObject",
            post("/v1.0/directoryObjects/getByIds", objects)["value"][0].clone(),
        ),
    ]
}

fn of_networks(client: &Colleague<'_>) -> Vec<(&'static str, Value)> {
    let group = VNET_ID.split("/virtualNetworks/").next().expect("the provider's part");
    let (rules, rule) = (
        format!("{group}/networkSecurityGroups/nsg-recorded?{NETWORK}"),
        format!("{group}/networkSecurityGroups/nsg-recorded/securityRules/r?{NETWORK}"),
    );
    let network = format!("{group}/virtualNetworks/vnet-recorded");
    let remote = format!("{group}/virtualNetworks/vnet-data");
    let peering = format!("{network}/virtualNetworkPeerings/p?{NETWORK}");
    let subnet = format!("{network}/subnets/one?{NETWORK}");
    let body = json!({"location": "eastus2", "properties": {"addressSpace": {"addressPrefixes": ["10.99.0.0/16"]},
        "subnets": [{"name": "one", "properties": {"addressPrefix": "10.99.0.0/24"}}]}});
    let written = client.tries(Method::PUT, &format!("{network}?{NETWORK}"), Some(body));
    let operation = written.header("azure-asyncoperation");
    let operation = &operation[operation.find("/subscriptions/").expect("a path")..];
    let deny = json!({"properties": {"protocol": "*", "access": "Deny", "direction": "Inbound", "priority": 100,
        "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "*"}});
    let some = json!({"properties": {"remoteVirtualNetwork": {"id": remote}, "peerCompleteVnets": false,
        "enableOnlyIPv6Peering": false, "localSubnetNames": ["one"], "remoteSubnetNames": ["default"]}});
    let operation = get(client, operation);
    let new = put(
        client,
        &peering,
        json!({"properties": {"remoteVirtualNetwork": {"id": remote}}}),
    );
    // What a peering links can't be changed: another one links some subnets.
    client.tries(Method::DELETE, &peering, None);
    let subnets_only = put(client, &peering, some);
    let mut read = get(client, &format!("{network}?{NETWORK}"));
    // A network's own answer holds its peerings whole; the recorded networks had none.
    let embedded = read["properties"]["virtualNetworkPeerings"][0].take();
    read["properties"]["virtualNetworkPeerings"] = json!([]);
    vec![
        ("operation", operation),
        ("vnet", written.body),
        ("vnet", read),
        ("nsg", put(client, &rules, json!({"location": "eastus2"}))),
        ("securityRule", put(client, &rule, deny)),
        ("nsg", get(client, &rules)),
        ("subnet", get(client, &subnet)),
        ("peering", new),
        ("peering", subnets_only),
        ("peering", get(client, &peering)),
        ("peering", embedded),
    ]
}

fn of_access(client: &Colleague<'_>) -> Vec<(&'static str, Value)> {
    let below = |kind: &str| format!("{VNET_ID}/providers/Microsoft.Authorization/{kind}?{ACCESS}");
    let guid = "0d5e3c1a-0000-4000-8000-000000000001";
    let role = below(&format!("roleDefinitions/{guid}"));
    let definition = json!({"properties": {"roleName": "recorded", "permissions": [{"actions": ["*/read"]}],
        "assignableScopes": [format!("/subscriptions/{SUBSCRIPTION}")]}});
    let made = put(client, &role, definition);
    let assignment = below(&format!("roleAssignments/{guid}"));
    let assigned = json!({"properties": {"roleDefinitionId": made["id"],
        "principalId": "9f7e6d5c-4b3a-4921-87d6-e5f4a3b2c113"}});
    let lock = below("locks/recorded");
    vec![
        ("roleDefinition", made),
        ("roleDefinition", get(client, &role)),
        ("roleAssignment", put(client, &assignment, assigned)),
        ("roleAssignment", get(client, &assignment)),
        ("permission", get(client, &below("permissions"))["value"][0].clone()),
        (
            "lock",
            put(client, &lock, json!({"properties": {"level": "CanNotDelete"}})),
        ),
        ("lock", get(client, &lock)),
    ]
}

/// Every path of a value with the JSON types found there; `[]` stands for any element.
fn paths(value: &Value, path: &str, found: &mut BTreeMap<String, BTreeSet<&'static str>>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if !path.is_empty() {
        found.entry(path.to_owned()).or_default().insert(kind);
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| paths(item, &format!("{path}[]"), found)),
        Value::Object(fields) => {
            for (name, value) in fields {
                let dot = if path.is_empty() { "" } else { "." };
                paths(value, &format!("{path}{dot}{name}"), found);
            }
        }
        _ => (),
    }
}

#[test]
fn every_field_has_a_name_and_a_type_that_azure_gives_it() {
    let recorded: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_str(RECORDED).expect("the recording");
    let sandbox = Served::start(["--lag", "none"]);
    let seen = answers(&sandbox);
    let kinds: BTreeSet<&str> = seen.iter().map(|(kind, _)| *kind).collect();
    assert!(
        recorded.keys().all(|kind| kinds.contains(kind.as_str())),
        "asked for: {kinds:?}"
    );
    let wrong: Vec<String> = seen
        .iter()
        .flat_map(|(kind, value)| differences(kind, value, &recorded[*kind]))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What one object differs in from what was recorded of its kind.
fn differences(kind: &str, value: &Value, known: &BTreeMap<String, String>) -> Vec<String> {
    let mut found = BTreeMap::new();
    paths(value, "", &mut found);
    let mut wrong = Vec::new();
    for (path, types) in known {
        let excused = LESS.iter().any(|(less, _)| format!("{kind} {path}").starts_with(less));
        if !types.starts_with('?') && !found.contains_key(path) && !excused {
            wrong.push(format!("{kind}: {path} is missing"));
        }
    }
    for (path, types) in &found {
        let Some(recorded) = known.get(path).map(|types| types.trim_start_matches('?')) else {
            if !MORE.iter().any(|(more, _)| *more == format!("{kind} {path}")) {
                wrong.push(format!("{kind}: {path} is nothing that Azure answers"));
            }
            continue;
        };
        // What was never set where it was recorded may have any type where it is.
        let allowed = |kind: &&str| recorded == "null" || recorded.split('|').any(|one| one == *kind);
        if !types.iter().all(allowed) {
            wrong.push(format!("{kind}: {path} is {types:?}, not {recorded}"));
        }
    }
    wrong
}
