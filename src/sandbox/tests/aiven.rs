//! The whole of an Aiven set-up, and what comes of each grant that is missing.

use http::Method;
use serde_json::{Value, json};

use super::own_app::*;
use super::support::*;
use crate::sandbox::{Lag, Sandbox, SandboxOptions};

const AIVEN: &str = "55f300d4-fc50-4c5e-9222-e90a6e2187fb";
const AIVEN_TENANT: &str = "5c8e2d64-1b7a-4e93-b0f6-a9d47c3e1f32";
const VPCS: &str = "/v1/project/demo/vpcs";
const VPC: &str = "7a61c0de-3b52-4c1f-9d84-e0f1a2b3c401";
const YOUNG: &str = "7a61c0de-3b52-4c1f-9d84-e0f1a2b3c402";
const AWS: &str = "7a61c0de-3b52-4c1f-9d84-e0f1a2b3c403";

fn aiven(sandbox: &Sandbox) -> SandboxClient {
    SandboxClient {
        sandbox: sandbox.clone(),
        token: "sandbox-aiven-token".into(),
        auxiliary: None,
    }
}

fn wish(app: &str) -> Value {
    json!({
        "peer_cloud_account": SUB,
        "peer_vpc": "vnet-app",
        "peer_resource_group": "rg-network",
        "peer_azure_app_id": app,
        "peer_azure_tenant_id": TENANT,
    })
}

async fn ask(sandbox: &Sandbox, vpc: &str, body: Value) -> Seen {
    let path = format!("{VPCS}/{vpc}/peering-connections");
    aiven(sandbox).send(Method::POST, &path, Some(body)).await
}

async fn connection(sandbox: &Sandbox) -> Value {
    let seen = aiven(sandbox).send(Method::GET, &format!("{VPCS}/{VPC}"), None).await;
    seen.ok()["peering_connections"][0].clone()
}

#[tokio::test]
async fn aiven_full_flow_becomes_active() {
    let sandbox = sandbox(at_once());
    let operator = operator(&sandbox).await;
    let own = all_grants(&operator, AIVEN).await;
    let early = token(&sandbox, AIVEN_TENANT, &own.app_id, &own.secret).await;
    assert_eq!(early.body["error_codes"], json!([7_000_229]), "not invited yet");

    let created = ask(&sandbox, VPC, wish(&own.app_id)).await.ok();
    assert_eq!(
        (&created["state"], &created["state_info"]),
        (&json!("APPROVED"), &json!(null))
    );
    let pending = connection(&sandbox).await;
    assert_eq!(pending["state"], "PENDING_PEER", "{pending}");
    let info = &pending["state_info"];
    assert_eq!(
        (&info["to-tenant-id"], &info["type"]),
        (&json!(AIVEN_TENANT), &json!("pending-peer"))
    );
    assert!(info["message"].is_string());

    let client = both(&sandbox, &own, AIVEN_TENANT).await;
    let there = sign_in(&sandbox, AIVEN_TENANT, &own.app_id, &own.secret).await;
    let remote = text(&info["to-network-id"]);
    let subscriptions = there.get("/subscriptions").await.ok();
    assert!(
        remote.contains(&text(&subscriptions["value"][0]["subscriptionId"])),
        "az finds the remote subscription"
    );
    let made = client.peer(VNET, "vnet-app-aiven", &remote).await.ok();
    assert_eq!(made["properties"]["peeringState"], "Connected");
    assert_eq!(made["properties"]["peeringSyncLevel"], "FullyInSync");
    let active = connection(&sandbox).await;
    assert_eq!(active["state"], "ACTIVE", "{active}");
    assert_eq!(active["state_info"]["to-network-id"], remote.as_str(), "kept");
    let theirs = there.get(&format!("{remote}/virtualNetworkPeerings")).await.ok();
    assert_eq!(theirs["value"][0]["properties"]["peeringState"], "Connected");
    assert_eq!(there.get(&remote).await.status, 200);
    let denied = there
        .arm(Method::DELETE, &format!("{remote}/virtualNetworkPeerings/x"), None)
        .await;
    assert_eq!(denied.status, 403, "the customer may peer and read, no more");

    client
        .arm(
            Method::DELETE,
            &format!("{VNET}/virtualNetworkPeerings/vnet-app-aiven"),
            None,
        )
        .await;
    let gone = connection(&sandbox).await;
    assert_eq!(
        (&gone["state"], &gone["state_info"]["type"]),
        (&json!("DELETED_BY_PEER"), &json!("deleted-by-peer"))
    );
    let stuck = client.peer(VNET, "vnet-app-aiven", &remote).await;
    assert_eq!(stuck.code(), "RemotePeeringIsDisconnected");
    assert_eq!(
        ask(&sandbox, VPC, wish(&own.app_id)).await.status,
        409,
        "it has to be deleted first"
    );
}

#[tokio::test]
async fn deleting_takes_back_what_aiven_made() {
    let sandbox = sandbox(at_once());
    let operator = operator(&sandbox).await;
    let own = all_grants(&operator, AIVEN).await;
    let before = dump(&sandbox).await;
    ask(&sandbox, VPC, wish(&own.app_id)).await.ok();
    let waiting = dump(&sandbox).await;
    assert_eq!(waiting["aivenPeeringConnections"][0]["state"], "PENDING_PEER");
    assert_ne!(waiting["roleAssignments"], before["roleAssignments"]);
    let client = aiven(&sandbox);
    let delete = async |middle: &str| {
        let path = format!("{VPCS}/{VPC}/peering-connections/peer-accounts/{SUB}{middle}/peer-vpcs/vnet-app");
        client.send(Method::DELETE, &path, None).await
    };
    assert_eq!(
        delete("").await.status,
        404,
        "the path without a resource group is for other clouds"
    );
    let deleted = delete("/peer-resource-groups/rg-network").await.ok();
    assert_eq!(deleted["state"], "DELETING");
    assert_eq!(dump(&sandbox).await, before);
    assert_eq!(delete("/peer-resource-groups/rg-network").await.status, 404);
}

#[tokio::test]
async fn aiven_missing_grant_returns_azure_error() {
    let table = [
        ("no principal", "AADSTS7000229"),
        ("no assignment", "LinkedAuthorizationFailed"),
        ("no peer/action", "LinkedAuthorizationFailed"),
        ("a single-tenant app", "Request_BadRequest: The appId"),
        ("no app", "Request_BadRequest: The appId"),
    ];
    for (what, begins) in table {
        let sandbox = sandbox(at_once());
        let operator = operator(&sandbox).await;
        if what != "no principal" {
            let principal = welcome(&operator, AIVEN).await;
            let action = if what == "no peer/action" { ACTIONS[0] } else { PEER };
            define(&operator, &[action]).await.ok();
            if what != "no assignment" {
                give(&operator, &principal, ROLE, VNET).await.ok();
            }
        }
        let single = what == "a single-tenant app";
        let audience = if single { "AzureADMyOrg" } else { "AzureADMultipleOrgs" };
        let own = own_app(&operator, audience).await;
        let app = if what == "no app" { GRANT } else { &own.app_id };
        ask(&sandbox, VPC, wish(app)).await.ok();
        let refused = connection(&sandbox).await;
        assert_eq!(refused["state"], "INVALID_SPECIFICATION", "{what}: {refused}");
        assert_eq!(refused["state_info"]["type"], "invalid-specification");
        let message = text(&refused["state_info"]["message"]);
        assert!(message.starts_with(begins), "{what}: {message}");
        let networks = dump(&sandbox).await["virtualNetworks"].to_string();
        assert!(
            !networks.contains("customer-"),
            "{what}: half a peering was left behind"
        );
    }
}

#[tokio::test]
async fn aiven_rejects_case_unknown_and_overlap() {
    let table = [
        ("peer_vpc", json!("vnet-App"), "lower case"),
        ("peer_resource_group", json!("RG-network"), "lower case"),
        ("peer_vpc", json!("vnet-none"), "LinkedAuthorizationFailed"),
        ("peer_azure_tenant_id", json!("no/such tenant"), "AADSTS90002"),
    ];
    for (field, value, contains) in table {
        let sandbox = sandbox(at_once());
        let own = all_grants(&operator(&sandbox).await, AIVEN).await;
        let mut body = wish(&own.app_id);
        body[field] = value;
        ask(&sandbox, VPC, body).await.ok();
        let refused = connection(&sandbox).await;
        assert_eq!(refused["state"], "INVALID_SPECIFICATION", "{refused}");
        assert!(text(&refused["state_info"]["message"]).contains(contains), "{refused}");
    }
    let sandbox = sandbox(at_once());
    let operator = operator(&sandbox).await;
    let own = all_grants(&operator, AIVEN).await;
    let edit = json!({"addressSpace": {"id": VNET, "prefixes": ["10.130.0.0/16"]}});
    assert_eq!(
        operator.send(Method::POST, "/_sandbox/edit", Some(edit)).await.status,
        204
    );
    ask(&sandbox, VPC, wish(&own.app_id)).await.ok();
    let info = connection(&sandbox).await["state_info"].clone();
    assert_eq!(info["warnings"][0]["type"], "overlapping-peer-vpc-ip-ranges", "{info}");
    assert!(text(&info["message"]).starts_with("VnetAddressSpacesOverlap: "));
}

#[tokio::test]
async fn the_api_refuses_in_aivens_envelope() {
    let sandbox = sandbox(at_once());
    let client = aiven(&sandbox);
    let listed = client.send(Method::GET, VPCS, None).await.ok();
    let states: Vec<&str> = listed["vpcs"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|vpc| vpc["state"].as_str().expect("a state"))
        .collect();
    assert_eq!(states, ["ACTIVE", "APPROVED", "ACTIVE"]);
    let own_scheme =
        http::Request::get(format!("https://localhost:1{VPCS}")).header("authorization", "aivenv1 sandbox-aiven-token");
    assert_eq!(
        raw(&sandbox, own_scheme.body(bytes::Bytes::new()).expect("a request"))
            .await
            .status,
        200
    );

    let stranger = SandboxClient {
        token: "other".into(),
        ..aiven(&sandbox)
    };
    let seen = stranger.send(Method::GET, VPCS, None).await;
    assert_eq!(
        (seen.status, &seen.body["message"]),
        (401, &json!("Missing (expired) db token"))
    );
    let get = async |path: &str| client.send(Method::GET, path, None).await;
    let seen = get("/v1/project/other/vpcs").await;
    assert_eq!(
        (seen.status, &seen.body["errors"][0]["message"]),
        (403, &json!("Not a project member"))
    );
    let seen = get(&format!("{VPCS}/{GRANT}")).await;
    assert_eq!(
        (seen.status, &seen.body["message"]),
        (404, &json!("VPC does not exist"))
    );

    let mut body = wish(GRANT);
    assert_eq!(ask(&sandbox, AWS, body.clone()).await.status, 400, "not a VPC on Azure");
    let waits = ask(&sandbox, YOUNG, body.clone()).await.ok();
    assert_eq!(waits["state"], "APPROVED");
    let seen = get(&format!("{VPCS}/{YOUNG}")).await.ok();
    assert_eq!(
        seen["peering_connections"][0]["state"], "APPROVED",
        "its VPC is being built"
    );
    ask(&sandbox, VPC, body.clone()).await.ok();
    let upper = body["peer_vpc"].as_str().expect("a name").to_uppercase();
    body["peer_vpc"] = upper.into();
    let twice = ask(&sandbox, VPC, body.clone()).await;
    assert_eq!(
        (twice.status, &twice.body["message"]),
        (409, &json!("VPC peering connection already exists"))
    );
    body["peer_azure_app_id"] = Value::Null;
    let seen = ask(&sandbox, VPC, body).await;
    assert!(
        seen.status == 400 && seen.text.contains("peer_azure_app_id"),
        "{}",
        seen.text
    );
}

#[tokio::test(start_paused = true)]
async fn aiven_waits_for_late_grants() {
    for (lag, seconds) in [(Lag::Typical, 20), (Lag::Worst, 90 * 60)] {
        let sandbox = sandbox(SandboxOptions {
            lag,
            ..SandboxOptions::default()
        });
        let client = operator(&sandbox).await;
        let mut seen: Vec<String> = Vec::new();
        let mut watch = async |seconds: u64| {
            for _ in 0..seconds {
                let state = connection(&sandbox).await["state"].as_str().unwrap_or("-").to_owned();
                if seen.last() != Some(&state) {
                    seen.push(state);
                }
                tokio::time::advance(std::time::Duration::from_secs(1)).await;
            }
            seen.clone()
        };
        let body = json!({"displayName": "client-app", "signInAudience": "AzureADMultipleOrgs"});
        let app = graph(&client, Method::POST, "/applications", body).await.ok();
        let vendor = welcome(&client, AIVEN).await;
        define(&client, &[PEER]).await.ok();
        give(&client, &vendor, ROLE, VNET).await.ok();
        ask(&sandbox, VPC, wish(&text(&app["appId"]))).await.ok();
        let states = watch(seconds).await;
        assert_eq!(states.first().map(String::as_str), Some("APPROVED"), "{lag:?}");
        assert_eq!(
            states.last().map(String::as_str),
            Some("PENDING_PEER"),
            "{lag:?} {states:?}"
        );

        let operator = operator(&sandbox).await;
        let principal = welcome(&operator, &text(&app["appId"])).await;
        give(&operator, &principal, NETWORK_CONTRIBUTOR, VNET).await.ok();
        let path = format!("/applications/{}/addPassword", text(&app["id"]));
        let password = graph(&operator, Method::POST, &path, json!({})).await.ok();
        let secret = text(&password["secretText"]);
        let early = token(&sandbox, TENANT, &text(&app["appId"]), &secret).await;
        assert_eq!(early.body["error_codes"], json!([7_000_215]), "{lag:?}");
        watch(seconds).await;
        let client = both_as(&sandbox, &text(&app["appId"]), &secret, AIVEN_TENANT).await;
        let remote = text(&connection(&sandbox).await["state_info"]["to-network-id"]);
        client.peer(VNET, "to-aiven", &remote).await.ok();
        assert_eq!(connection(&sandbox).await["state"], "PENDING_PEER", "it polls");
        assert_eq!(
            watch(seconds).await.last().map(String::as_str),
            Some("ACTIVE"),
            "{lag:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_looks_at_once() {
    let sandbox = sandbox(SandboxOptions {
        lag: Lag::Worst,
        ..SandboxOptions::default()
    });
    let operator = operator(&sandbox).await;
    let vendor = welcome(&operator, AIVEN).await;
    define(&operator, &[PEER]).await.ok();
    give(&operator, &vendor, ROLE, VNET).await.ok();
    tokio::time::advance(std::time::Duration::from_secs(3600)).await;
    ask(&sandbox, VPC, wish(OPERATOR)).await.ok();
    tokio::time::advance(std::time::Duration::from_secs(3600)).await;
    let remote = text(&connection(&sandbox).await["state_info"]["to-network-id"]);
    tokio::time::advance(std::time::Duration::from_secs(3600)).await;
    both_as(&sandbox, OPERATOR, "sandbox~operator~secret", AIVEN_TENANT)
        .await
        .peer(VNET, "to-aiven", &remote)
        .await
        .ok();
    assert_eq!(connection(&sandbox).await["state"], "PENDING_PEER");
    aiven(&sandbox)
        .send(Method::POST, &format!("{VPCS}/{VPC}/peering-connections/refresh"), None)
        .await
        .ok();
    assert_eq!(connection(&sandbox).await["state"], "ACTIVE");
}

#[tokio::test]
async fn the_console_makes_the_same_connection() {
    let sandbox = sandbox(at_once());
    let own = all_grants(&operator(&sandbox).await, AIVEN).await;
    let path = format!("/aiven/vpcs/{VPC}/peering-connections");
    assert!(raw(&sandbox, get_request("/aiven")).await.text.contains(&path));
    let page = raw(&sandbox, get_request(&path)).await;
    for label in [
        "Azure subscription ID",
        "Resource group",
        "Network name",
        "Active Directory tenant ID",
        "Application object ID",
    ] {
        assert!(page.text.contains(&format!("<label>{label}<")), "{label}");
    }
    let fields = |app| {
        [
            ("peer_cloud_account", SUB),
            ("peer_resource_group", "rg-network"),
            ("peer_vpc", " vnet-app "),
            ("peer_azure_tenant_id", TENANT),
            ("peer_azure_app_id", app),
        ]
    };
    let refused = form(&sandbox, &path, &fields("")).await;
    assert!(refused.status == 400 && refused.text.contains("Application object ID is required"));
    assert_eq!(form(&sandbox, &path, &fields(&own.app_id)).await.status, 200);
    let list = raw(&sandbox, get_request("/aiven")).await.text;
    for told in ["PENDING_PEER", AIVEN_TENANT, "virtualNetworks/aiven-westeurope"] {
        assert!(list.contains(told), "{told}: {list}");
    }
}
