//! The sandbox's answers against recordings of the real Azure: the names and types of every field of every kind of
//! object, what accompanies an answer, and the shape of errors.
//!
//! `recorded/answers.json` was taken from 230 objects in recorded answers: of each kind of object the path of every field, and the
//! JSON types that were seen; with `?` in front where it was not in all of them. No value of a recording is in it.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::{Value, json};
use support::both_sides::{PARTNER_TENANT, partner};
use support::kong::{APP_ID, SUBSCRIPTION, TENANT, VNET_ID};
use support::served::{Answer, Body, Served};

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

/// Somebody who may do everything, and every header of what is answered.
struct Client<'a> {
    sandbox: &'a Served,
    token: String,
}

impl<'a> Client<'a> {
    fn new(sandbox: &'a Served) -> Self {
        let token = grant(sandbox).body["access_token"]
            .as_str()
            .expect("a token")
            .to_owned();
        Self { sandbox, token }
    }

    #[track_caller]
    fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let body = body.map_or(Body::None, Body::Json);
        self.sandbox.ask_in_full(method, path, Some(&self.token), body)
    }

    #[track_caller]
    fn good(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let answer = self.ask(method.clone(), path, body);
        assert!((200..300).contains(&answer.status), "{method} {path}: {answer:?}");
        answer
    }

    #[track_caller]
    fn get(&self, path: &str) -> Value {
        self.good(Method::GET, path, None).body
    }

    #[track_caller]
    fn put(&self, path: &str, body: Value) -> Value {
        self.good(Method::PUT, path, Some(body)).body
    }
}

fn grant(sandbox: &Served) -> Answer {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", sandbox.value("AZURE_CLIENT_ID")),
        ("client_secret", sandbox.value("AZURE_CLIENT_SECRET")),
        ("scope", "https://management.core.windows.net//.default"),
    ];
    let form = form.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let path = format!("/{TENANT}/oauth2/v2.0/token");
    sandbox.ask_in_full(Method::POST, &path, None, Body::Form(form))
}

const NETWORK: &str = "api-version=2023-11-01";
const ACCESS: &str = "api-version=2022-04-01";

/// Every kind of object, as the sandbox answers it: to a write where there is one, and when it is read.
fn answers(sandbox: &Served) -> Vec<(&'static str, Value)> {
    let client = Client::new(sandbox);
    let mut seen = vec![
        ("token", grant(sandbox).body),
        (
            "openid",
            client.get(&format!("/{TENANT}/v2.0/.well-known/openid-configuration")),
        ),
        (
            "subscription",
            client.get("/subscriptions?api-version=2022-12-01")["value"][0].clone(),
        ),
        (
            "tenant",
            client.get("/tenants?api-version=2022-12-01")["value"][0].clone(),
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
        ("resourceGroup", client.put(&group, json!({"location": "eastus2"}))),
        ("resourceGroup", client.get(&group)),
        (
            "provider",
            client.get(&at("providers/Microsoft.Network?api-version=2022-09-01")),
        ),
        ("resourceGraph", client.good(Method::POST, graph, Some(query)).body),
    ]);
    seen
}

fn in_the_directory(client: &Client<'_>) -> Vec<(&'static str, Value)> {
    let post = |path: &str, body: Value| client.good(Method::POST, path, Some(body)).body;
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
        ("application", client.get(&application)),
        ("passwordCredential", password),
        (
            "servicePrincipal",
            client.get(&format!("/v1.0/servicePrincipals/{}", id(&principal))),
        ),
        ("servicePrincipal", principal),
        (
            "directoryObject",
            post("/v1.0/directoryObjects/getByIds", objects)["value"][0].clone(),
        ),
    ]
}

fn of_networks(client: &Client<'_>) -> Vec<(&'static str, Value)> {
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
    let written = client.good(Method::PUT, &format!("{network}?{NETWORK}"), Some(body));
    let operation = written.header("azure-asyncoperation");
    let operation = &operation[operation.find("/subscriptions/").expect("a path")..];
    let deny = json!({"properties": {"protocol": "*", "access": "Deny", "direction": "Inbound", "priority": 100,
        "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "*"}});
    let some = json!({"properties": {"remoteVirtualNetwork": {"id": remote}, "peerCompleteVnets": false,
        "enableOnlyIPv6Peering": false, "localSubnetNames": ["one"], "remoteSubnetNames": ["default"]}});
    let operation = client.get(operation);
    let new = client.put(
        &peering,
        json!({"properties": {"remoteVirtualNetwork": {"id": remote}}}),
    );
    let subnets_only = client.put(&peering, some);
    let mut read = client.get(&format!("{network}?{NETWORK}"));
    // A network's own answer holds its peerings whole; the recorded networks had none.
    let embedded = read["properties"]["virtualNetworkPeerings"][0].take();
    read["properties"]["virtualNetworkPeerings"] = json!([]);
    vec![
        ("operation", operation),
        ("vnet", written.body),
        ("vnet", read),
        ("nsg", client.put(&rules, json!({"location": "eastus2"}))),
        ("securityRule", client.put(&rule, deny)),
        ("nsg", client.get(&rules)),
        ("subnet", client.get(&subnet)),
        ("peering", new),
        ("peering", subnets_only),
        ("peering", client.get(&peering)),
        ("peering", embedded),
    ]
}

fn of_access(client: &Client<'_>) -> Vec<(&'static str, Value)> {
    let below = |kind: &str| format!("{VNET_ID}/providers/Microsoft.Authorization/{kind}?{ACCESS}");
    let guid = "0d5e3c1a-0000-4000-8000-000000000001";
    let role = below(&format!("roleDefinitions/{guid}"));
    let definition = json!({"properties": {"roleName": "recorded", "permissions": [{"actions": ["*/read"]}],
        "assignableScopes": [format!("/subscriptions/{SUBSCRIPTION}")]}});
    let made = client.put(&role, definition);
    let assignment = below(&format!("roleAssignments/{guid}"));
    let assigned = json!({"properties": {"roleDefinitionId": made["id"],
        "principalId": "9f7e6d5c-4b3a-4921-87d6-e5f4a3b2c113"}});
    let lock = below("locks/recorded");
    vec![
        ("roleDefinition", made),
        ("roleDefinition", client.get(&role)),
        ("roleAssignment", client.put(&assignment, assigned)),
        ("roleAssignment", client.get(&assignment)),
        ("permission", client.get(&below("permissions"))["value"][0].clone()),
        (
            "lock",
            client.put(&lock, json!({"properties": {"level": "CanNotDelete"}})),
        ),
        ("lock", client.get(&lock)),
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
    let mut wrong = Vec::new();
    for (kind, value) in &seen {
        let mut found = BTreeMap::new();
        paths(value, "", &mut found);
        let known = &recorded[*kind];
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
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_accompanies_an_answer_is_azures() {
    let sandbox = Served::start(["--lag", "none"]);
    let client = Client::new(&sandbox);
    let always = [
        "x-ms-request-id",
        "x-ms-correlation-request-id",
        "x-ms-routing-request-id",
        "content-type",
    ];
    let read = client.good(Method::GET, &format!("{VNET_ID}?{NETWORK}"), None);
    let missing = client.ask(Method::GET, &format!("{VNET_ID}-x?{NETWORK}"), None);
    for name in always {
        for answer in [&read, &missing] {
            assert!(!answer.header(name).is_empty(), "{name} in {answer:?}");
        }
    }
    assert!(read.header("etag").starts_with("W/\""), "{read:?}");
    assert!(!read.header("x-ms-ratelimit-remaining-subscription-reads").is_empty());
    assert!(
        !read
            .header("x-ms-ratelimit-remaining-subscription-global-reads")
            .is_empty()
    );
    assert_eq!(missing.header("x-ms-failure-cause"), "gateway");
    let peering = format!("{VNET_ID}/virtualNetworkPeerings/p?{NETWORK}");
    let body = json!({"properties": {"remoteVirtualNetwork": {"id": VNET_ID.replace("vnet-app", "vnet-data")}}});
    let written = client.good(Method::PUT, &peering, Some(body.clone()));
    assert_eq!(written.status, 201);
    assert_eq!(client.good(Method::PUT, &peering, Some(body)).status, 200);
    let gone = client.good(Method::DELETE, &peering, None);
    assert_eq!((gone.status, &gone.body), (202, &Value::Null));
    for answer in [&written, &gone] {
        assert!(
            answer
                .header("azure-asyncoperation")
                .contains("/locations/eastus2/operations/"),
            "{answer:?}"
        );
        assert_eq!(answer.header("azure-asyncnotification"), "Enabled");
        assert!(answer.header("retry-after").parse::<u32>().is_ok(), "{answer:?}");
    }
    assert!(
        !written
            .header("x-ms-ratelimit-remaining-subscription-writes")
            .is_empty()
    );
    assert!(!gone.header("x-ms-ratelimit-remaining-subscription-deletes").is_empty());
    assert!(written.header("location").is_empty() && gone.header("location").contains("/operationResults/"));
    let graph = client.ask(Method::GET, "/v1.0/organization", None);
    for name in [
        "request-id",
        "client-request-id",
        "x-ms-ags-diagnostic",
        "odata-version",
    ] {
        assert!(!graph.header(name).is_empty(), "{name} in {graph:?}");
    }
}

/// Each as it was recorded: status, code, the fields of the envelope, and whether the gateway says that it was its own.
#[test]
fn errors_have_the_envelope_that_was_recorded() {
    let sandbox = Served::start(["--lag", "none"]);
    let client = Client::new(&sandbox);
    let below = |kind: &str| format!("{VNET_ID}/providers/Microsoft.Authorization/{kind}?{ACCESS}");
    let peering = |vnet: &str| {
        format!(
            "{}/virtualNetworkPeerings/p?{NETWORK}",
            VNET_ID.replace("vnet-app", vnet)
        )
    };
    let to = |remote: &str| Some(json!({"properties": {"remoteVirtualNetwork": {"id": remote}}}));
    let guid = "0d5e3c1a-0000-4000-8000-00000000000a";
    let nobody = Some(json!({"properties": {"principalId": guid,
        "roleDefinitionId": format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7")}}));
    let frozen = VNET_ID
        .replace("rg-network", "rg-apps")
        .replace("vnet-app", "vnet-frozen");
    let table = [
        (
            Method::GET,
            format!("{VNET_ID}-x?{NETWORK}"),
            None,
            404,
            "ResourceNotFound",
            &["code", "message"][..],
            true,
        ),
        (
            Method::GET,
            VNET_ID.replace("rg-network", "none") + "?" + NETWORK,
            None,
            404,
            "ResourceGroupNotFound",
            &["code", "message"],
            true,
        ),
        (
            Method::GET,
            peering("none").replace("/p?", "?"),
            None,
            404,
            "ParentResourceNotFound",
            &["code", "message"],
            true,
        ),
        (
            Method::GET,
            peering("vnet-app"),
            None,
            404,
            "NotFound",
            &["code", "details", "message"],
            false,
        ),
        (
            Method::PUT,
            peering("vnet-app"),
            to(&partner("vnet-partner")),
            403,
            "LinkedAuthorizationFailed",
            &["code", "message"],
            true,
        ),
        (
            Method::DELETE,
            format!("{frozen}/virtualNetworkPeerings/p?{NETWORK}"),
            None,
            409,
            "ScopeLocked",
            &["code", "message"],
            true,
        ),
        (
            Method::GET,
            below(&format!("roleDefinitions/{guid}")),
            None,
            404,
            "RoleDefinitionDoesNotExist",
            &["code", "message"],
            false,
        ),
        (
            Method::PUT,
            below(&format!("roleAssignments/{guid}")),
            nobody,
            400,
            "PrincipalNotFound",
            &["code", "message"],
            false,
        ),
        (
            Method::GET,
            format!("/v1.0/applications/{guid}"),
            None,
            404,
            "Request_ResourceNotFound",
            &["code", "innerError", "message"],
            false,
        ),
    ];
    for (method, path, body, status, code, fields, gateways) in table {
        let answer = client.ask(method, &path, body);
        assert_eq!(
            (answer.status, &answer.body["error"]["code"]),
            (status, &json!(code)),
            "{path}: {answer:?}"
        );
        let own: Vec<&String> = answer.body["error"].as_object().expect("an envelope").keys().collect();
        assert_eq!(own, fields, "{code}");
        assert_eq!(answer.header("x-ms-failure-cause") == "gateway", gateways, "{code}");
    }
    let unknown = sandbox.ask_in_full(
        Method::GET,
        "/nobody/v2.0/.well-known/openid-configuration",
        None,
        Body::None,
    );
    let fields: Vec<&String> = unknown.body.as_object().expect("an object").keys().collect();
    let recorded = [
        "correlation_id",
        "error",
        "error_codes",
        "error_description",
        "error_uri",
        "timestamp",
        "trace_id",
    ];
    assert_eq!(
        (unknown.status, fields),
        (400, recorded.map(str::to_owned).iter().collect())
    );
    let elsewhere = client.ask(Method::GET, &format!("{}?{NETWORK}", partner("vnet-partner")), None);
    assert_eq!(
        (elsewhere.status, elsewhere.body["error"]["code"].as_str()),
        (401, Some("InvalidAuthenticationTokenTenant"))
    );
    assert!(elsewhere.header("www-authenticate").contains(PARTNER_TENANT));
}
