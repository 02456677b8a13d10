//! What accompanies the sandbox's answers, and the envelopes of its errors, as recorded of the real Azure.

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::DEADLINE;
use support::both_sides::{PARTNER_TENANT, partner};
use support::colleague::Colleague;
use support::kong::VNET_ID;
use support::served::{Answer, Body, Served, poll};
use support::troubles;

const NETWORK: &str = "api-version=2023-11-01";
const ACCESS: &str = "api-version=2022-04-01";

fn to(remote: &str) -> Option<Value> {
    Some(json!({"properties": {"remoteVirtualNetwork": {"id": remote}}}))
}

#[track_caller]
fn has(answer: &Answer, names: &[&str]) {
    for name in names {
        assert!(!answer.header(name).is_empty(), "{name} in {answer:?}");
    }
}

#[test]
fn every_answer_can_be_traced() {
    let sandbox = Served::start(["--lag", "none"]);
    let client = Colleague::of(&sandbox);
    let read = client.tries(Method::GET, &format!("{VNET_ID}?{NETWORK}"), None);
    let missing = client.tries(Method::GET, &format!("{VNET_ID}-x?{NETWORK}"), None);
    for answer in [&read, &missing] {
        has(
            answer,
            &[
                "x-ms-request-id",
                "x-ms-correlation-request-id",
                "x-ms-routing-request-id",
                "x-ms-ratelimit-remaining-subscription-reads",
                "x-ms-ratelimit-remaining-subscription-global-reads",
            ],
        );
    }
    assert!(read.header("etag").starts_with("W/\""), "{read:?}");
    let graph = client.tries(Method::GET, "/v1.0/organization", None);
    has(
        &graph,
        &[
            "request-id",
            "client-request-id",
            "x-ms-ags-diagnostic",
            "odata-version",
        ],
    );
}

#[test]
fn a_write_says_where_its_operation_is() {
    let sandbox = Served::start(["--lag", "none"]);
    let client = Colleague::of(&sandbox);
    let peering = format!("{VNET_ID}/virtualNetworkPeerings/p?{NETWORK}");
    let data = VNET_ID.replace("vnet-app", "vnet-data");
    let written = client.tries(Method::PUT, &peering, to(&data));
    assert_eq!(written.status, 201);
    assert_eq!(client.tries(Method::PUT, &peering, to(&data)).status, 200);
    let gone = client.tries(Method::DELETE, &peering, None);
    assert_eq!((gone.status, &gone.body), (202, &Value::Null));
    for answer in [&written, &gone] {
        let operation = answer.header("azure-asyncoperation");
        assert!(operation.contains("/locations/eastus2/operations/"), "{answer:?}");
        assert_eq!(answer.header("azure-asyncnotification"), "Enabled");
        assert!(answer.header("retry-after").parse::<u32>().is_ok(), "{answer:?}");
    }
    has(&written, &["x-ms-ratelimit-remaining-subscription-writes"]);
    has(&gone, &["x-ms-ratelimit-remaining-subscription-deletes"]);
    assert!(written.header("location").is_empty() && gone.header("location").contains("/operationResults/"));
}

const QUERY: &str = "/providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01";

fn query(client: &Colleague<'_>) -> Answer {
    let text = "resources | where type =~ 'microsoft.network/virtualnetworks' | project id";
    client.tries(Method::POST, QUERY, Some(json!({"query": text})))
}

/// Headers that say what is left, and what was recorded in them of a principal's first request.
#[test]
fn the_first_request_leaves_what_was_recorded() {
    let sandbox = Served::start(["--lag", "none"]);
    let client = Colleague::of(&sandbox);
    let data = VNET_ID.replace("vnet-app", "vnet-data");
    let read = client.tries(Method::GET, &network(VNET_ID), None);
    let written = client.tries(Method::PUT, &peering(VNET_ID, "p"), to(&data));
    let found = query(&client);
    for (answer, name, recorded) in [
        // The count of reads itself was taken out of what was recorded.
        (&read, "x-ms-ratelimit-remaining-subscription-global-reads", "3749"),
        (&written, "x-ms-ratelimit-remaining-subscription-writes", "199"),
        (&written, "x-ms-ratelimit-remaining-subscription-global-writes", "2999"),
        (&found, "x-ms-user-quota-remaining", "14"),
        (&found, "x-ms-user-quota-resets-after", "00:00:05"),
        (&found, "x-ms-ratelimit-remaining-tenant-resource-requests", "14"),
        (&found, "x-ms-ratelimit-remaining-tenant-writes", ""),
    ] {
        assert_eq!(answer.header(name), recorded, "{name}");
    }
}

/// A refusal of what is too much, as it was recorded, and as people have met it since buckets refill.
#[test]
fn who_asks_too_often_is_refused_as_by_azure() {
    let limits = ["reads=1/1", "queries=1/9s"]
        .into_iter()
        .flat_map(|limit| ["--limit", limit]);
    let sandbox = Served::start(["--lag", "none"].into_iter().chain(limits));
    let client = Colleague::of(&sandbox);
    let last = |ask: &dyn Fn() -> Answer| {
        // The first is answered; how soon the second comes is not for a test to say.
        poll(DEADLINE, || Some(ask()).filter(|answer| answer.status == 429)).expect("one too many")
    };
    let read = last(&|| client.tries(Method::GET, &network(VNET_ID), None));
    let listed = last(&|| client.tries(Method::GET, "/subscriptions?api-version=2022-12-01", None));
    let found = last(&|| query(&client));
    for (answer, code, fields) in [
        (&read, "SubscriptionRequestsThrottled", PLAIN),
        (&listed, "TenantRequestsThrottled", PLAIN),
        (&found, "RateLimiting", WITH_DETAILS),
    ] {
        let error = &answer.body["error"];
        assert_eq!(error["code"], code);
        let own: Vec<&String> = error.as_object().expect("an envelope").keys().collect();
        assert_eq!(own, fields, "{code}");
        assert!(
            answer
                .header("retry-after")
                .parse::<u32>()
                .is_ok_and(|seconds| seconds > 0),
            "{answer:?}"
        );
    }
    assert!(
        read.header("x-ms-ratelimit-remaining-subscription-reads").is_empty(),
        "{read:?}"
    );
    assert_eq!(found.header("x-ms-user-quota-remaining"), "0");
}

const PLAIN: &[&str] = &["code", "message"];
const WITH_DETAILS: &[&str] = &["code", "details", "message"];
const OF_POLICY: &[&str] = &["additionalInfo", "code", "message", "target"];
const OF_GRAPH: &[&str] = &["code", "innerError", "message"];

/// One error: what is asked, and what was recorded of it: status, code, the envelope's fields, and whether the gateway
/// says that it was its own.
struct Row(
    Method,
    String,
    Option<Value>,
    u16,
    &'static str,
    &'static [&'static str],
    bool,
);

fn network(id: &str) -> String {
    format!("{id}?{NETWORK}")
}

/// A peering of the network.
fn peering(vnet: &str, name: &str) -> String {
    network(&format!("{vnet}/virtualNetworkPeerings/{name}"))
}

fn of_networks() -> Vec<Row> {
    let (get, put) = (Method::GET, Method::PUT);
    let none = VNET_ID.replace("vnet-app", "none");
    let group = VNET_ID.replace("rg-network", "none");
    let list = network(&format!("{none}/virtualNetworkPeerings"));
    let frozen = VNET_ID
        .replace("rg-network", "rg-apps")
        .replace("vnet-app", "vnet-frozen");
    let (locked, own) = (peering(&frozen, "p"), peering(VNET_ID, "p"));
    let partner = to(&partner("vnet-partner"));
    vec![
        Row(get.clone(), network(&none), None, 404, "ResourceNotFound", PLAIN, true),
        Row(
            get.clone(),
            network(&group),
            None,
            404,
            "ResourceGroupNotFound",
            PLAIN,
            true,
        ),
        Row(get.clone(), list, None, 404, "ParentResourceNotFound", PLAIN, true),
        Row(get, own.clone(), None, 404, "NotFound", WITH_DETAILS, false),
        Row(put, own, partner, 403, "LinkedAuthorizationFailed", PLAIN, true),
        Row(Method::DELETE, locked, None, 409, "ScopeLocked", PLAIN, true),
    ]
}

fn of_access() -> Vec<Row> {
    let guid = "0d5e3c1a-0000-4000-8000-00000000000a";
    let below = |kind: &str| format!("{VNET_ID}/providers/Microsoft.Authorization/{kind}/{guid}?{ACCESS}");
    let (role, assignment) = (below("roleDefinitions"), below("roleAssignments"));
    let reader = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
    let nobody = Some(json!({"properties": {"principalId": guid, "roleDefinitionId": reader}}));
    let application = format!("/v1.0/applications/{guid}");
    let (get, put) = (Method::GET, Method::PUT);
    vec![
        Row(get.clone(), role, None, 404, "RoleDefinitionDoesNotExist", PLAIN, false),
        Row(put, assignment, nobody, 400, "PrincipalNotFound", PLAIN, false),
        Row(get, application, None, 404, "Request_ResourceNotFound", OF_GRAPH, false),
    ]
}

/// What stands above a network, or is in its way already.
fn of_troubles() -> Vec<Row> {
    let vnet = |name: &str| troubles::network("rg-network", name);
    let unregistered = troubles::vnet_id(troubles::UNREGISTERED, "rg-network", "vnet-unregistered");
    let policed = troubles::network("rg-policed", "vnet-policed");
    let put = |at: String, remote: &str, status: u16, code, fields, gateways| {
        Row(Method::PUT, at, to(remote), status, code, fields, gateways)
    };
    let missing = "MissingSubscriptionRegistration";
    let (denied, changing) = ("RequestDisallowedByPolicy", "ChangingRemoteVirtualNetworkNotAllowed");
    let (old, kept, full) = (
        peering(&vnet("vnet-left"), "to-old-spoke"),
        vnet("vnet-kept"),
        vnet("vnet-full"),
    );
    vec![
        put(peering(&unregistered, "p"), VNET_ID, 409, missing, WITH_DETAILS, true),
        put(peering(&policed, "p"), VNET_ID, 403, denied, OF_POLICY, true),
        put(old, &kept, 400, changing, WITH_DETAILS, false),
        put(
            peering(&full, "p"),
            &kept,
            400,
            "VnetPeeringLimitReached",
            WITH_DETAILS,
            false,
        ),
    ]
}

#[test]
fn errors_have_the_envelope_that_was_recorded() {
    let sandbox = troubles::troubles(&troubles::peerings(500));
    let client = Colleague::of(&sandbox);
    let rows = of_networks().into_iter().chain(of_access()).chain(of_troubles());
    for Row(method, path, body, status, code, fields, gateways) in rows {
        let answer = client.tries(method, &path, body);
        let error = &answer.body["error"];
        assert_eq!(
            (answer.status, &error["code"]),
            (status, &json!(code)),
            "{path}: {answer:?}"
        );
        let own: Vec<&String> = error.as_object().expect("an envelope").keys().collect();
        assert_eq!(own, fields, "{code}");
        assert_eq!(answer.header("x-ms-failure-cause") == "gateway", gateways, "{code}");
    }
}

#[test]
fn a_wrong_tenant_is_told_which_is_right() {
    let sandbox = Served::start(["--lag", "none"]);
    let client = Colleague::of(&sandbox);
    let answer = client.tries(Method::GET, &format!("{}?{NETWORK}", partner("vnet-partner")), None);
    assert_eq!(
        (answer.status, &answer.body["error"]["code"]),
        (401, &json!("InvalidAuthenticationTokenTenant"))
    );
    assert!(answer.header("www-authenticate").contains(PARTNER_TENANT));
    let path = "/nobody/v2.0/.well-known/openid-configuration";
    let unknown = sandbox.ask_in_full(Method::GET, path, None, Body::None);
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
    assert_eq!(unknown.status, 400);
    assert_eq!(fields, recorded);
}
