//! The whole of a Dragonfly set-up, and what comes of each grant that is missing.

use http::Method;
use serde_json::{Value, json};

use super::own_app::*;
use super::support::*;
use crate::sandbox::{Lag, Sandbox, SandboxOptions};

const DRAGONFLY: &str = "ac30c41f-1eab-4f45-9024-70decee5559d";
const DRAGONFLY_TENANT: &str = "3f7cbd78-1650-4b7d-b28f-8ee05eac10a4";
const CACHE: &str = "net_7k2m9qx4a";

fn dragonfly(sandbox: &Sandbox) -> SandboxClient {
    SandboxClient {
        sandbox: sandbox.clone(),
        token: "sandbox-dragonfly-key".into(),
        auxiliary: None,
    }
}

fn wish(network: &str, app: &str) -> Value {
    json!({
        "name": "peer-vnet-app",
        "network_id": network,
        "peer": {
            "account_id": SUB,
            "cidr_block": "10.20.0.0/16",
            "vpc_id": "vnet-app",
            "azure": {
                "resource_group": "rg-network",
                "tenant_id": TENANT,
                "app_object_id": app,
                "use_remote_gateways": false,
            },
        },
    })
}

async fn ask(sandbox: &Sandbox, body: Value) -> Seen {
    dragonfly(sandbox)
        .send(Method::POST, "/v1/connections", Some(body))
        .await
}

async fn connection(sandbox: &Sandbox) -> Value {
    let list = dragonfly(sandbox).send(Method::GET, "/v1/connections", None).await.ok();
    list[0].clone()
}

#[tokio::test]
async fn dragonfly_full_flow_becomes_active() {
    let sandbox = sandbox(at_once());
    let own = all_grants(&operator(&sandbox).await, DRAGONFLY).await;
    let created = ask(&sandbox, wish(CACHE, &own.app_id)).await;
    assert_eq!((created.status, &created.body["status"]), (200, &json!("pending")));
    let path = format!("/v1/connections/{}", text(&created.body["connection_id"]));
    let inactive = dragonfly(&sandbox).send(Method::GET, &path, None).await.ok();
    assert_eq!(inactive["status"], "inactive", "{inactive}");
    assert_eq!(inactive["connection_config"], wish(CACHE, &own.app_id));
    assert_eq!(inactive["peer_connection_id"], "");

    let network = dragonfly(&sandbox)
        .send(Method::GET, &format!("/v1/networks/{CACHE}"), None)
        .await
        .ok();
    let vpc = &network["vpc"];
    let remote = format!(
        "{}/providers/Microsoft.Network/virtualNetworks/{}",
        text(&vpc["account_id"]),
        text(&vpc["resource_id"])
    );
    let client = both(&sandbox, &own, DRAGONFLY_TENANT).await;
    client.peer(VNET, "vnet-app-dfcloud-peering", &remote).await.ok();
    let active = connection(&sandbox).await;
    assert_eq!(active["status"], "active", "{active}");
    assert!(text(&active["peer_connection_id"]).starts_with(&remote));

    let ours = format!("{VNET}/virtualNetworkPeerings/vnet-app-dfcloud-peering");
    client.arm(Method::DELETE, &ours, None).await;
    let lost = connection(&sandbox).await;
    assert_eq!(lost["status"], "irrecoverable", "{lost}");
    assert_eq!(dragonfly(&sandbox).send(Method::DELETE, &path, None).await.status, 200);
    let gone = dragonfly(&sandbox).send(Method::GET, &path, None).await;
    assert_eq!((gone.status, gone.body), (404, json!({"error": "not found"})));
    let networks = dump(&sandbox).await["virtualNetworks"].to_string();
    assert!(!networks.contains("customer-"), "{networks}");
    ask(&sandbox, wish(CACHE, &own.app_id)).await.ok();
    assert_eq!(connection(&sandbox).await["status"], "inactive", "it can be made anew");
}

#[tokio::test]
async fn dragonfly_missing_grant_returns_azure_error() {
    let table = [
        ("no principal", "AADSTS7000229"),
        ("no assignment", "LinkedAuthorizationFailed"),
        ("the object id", "Request_BadRequest: The appId"),
    ];
    for (what, begins) in table {
        let sandbox = sandbox(at_once());
        let operator = operator(&sandbox).await;
        if what != "no principal" {
            let principal = welcome(&operator, DRAGONFLY).await;
            define(&operator, &[PEER]).await.ok();
            if what != "no assignment" {
                give(&operator, &principal, ROLE, VNET).await.ok();
            }
        }
        let own = own_app(&operator, "AzureADMultipleOrgs").await;
        let app = if what == "the object id" { &own.id } else { &own.app_id };
        ask(&sandbox, wish(CACHE, app)).await.ok();
        let failed = connection(&sandbox).await;
        assert_eq!(failed["status"], "failed", "{what}: {failed}");
        assert!(text(&failed["status_detail"]).starts_with(begins), "{what}: {failed}");
    }
}

#[tokio::test]
async fn the_api_refuses_in_one_word() {
    let sandbox = sandbox(at_once());
    let client = dragonfly(&sandbox);
    let networks = client.send(Method::GET, "/v1/networks", None).await.ok();
    assert_eq!(networks.as_array().map(Vec::len), Some(3), "a bare array");
    assert_eq!(
        (&networks[1]["status"], &networks[1]["vpc"]),
        (&json!("pending"), &json!(null))
    );
    let stranger = SandboxClient {
        token: "other".into(),
        ..dragonfly(&sandbox)
    };
    assert_eq!(stranger.send(Method::GET, "/v1/networks", None).await.status, 401);
    assert_eq!(
        client.send(Method::GET, "/v1/networks/net_none", None).await.status,
        404
    );
    let mut unnamed = wish(CACHE, GRANT);
    unnamed["peer"]["azure"]["tenant_id"] = json!("");
    let table = [
        (wish("net_none", GRANT), 400, "network not found"),
        (wish("net_8n3p0ry5b", GRANT), 400, "pending"),
        (wish("net_9q4r1sz6c", GRANT), 400, "aws"),
        (unnamed, 400, "peer.azure.tenant_id is required"),
        (json!([]), 400, "invalid"),
        (wish(CACHE, GRANT), 200, "pending"),
        (wish(CACHE, GRANT), 409, "exists already"),
    ];
    for (body, status, contains) in table {
        let seen = ask(&sandbox, body).await;
        assert_eq!(seen.status, status, "{}", seen.text);
        assert!(seen.text.contains(contains), "{}", seen.text);
    }
}

#[tokio::test(start_paused = true)]
async fn it_takes_its_time() {
    let sandbox = sandbox(SandboxOptions {
        lag: Lag::Typical,
        ..SandboxOptions::default()
    });
    let operator = operator(&sandbox).await;
    let principal = welcome(&operator, DRAGONFLY).await;
    define(&operator, &[PEER]).await.ok();
    give(&operator, &principal, ROLE, VNET).await.ok();
    ask(&sandbox, wish(CACHE, OPERATOR)).await.ok();
    assert_eq!(connection(&sandbox).await["status"], "pending");
    tokio::time::advance(std::time::Duration::from_secs(10)).await;
    assert_eq!(connection(&sandbox).await["status"], "inactive");
}

#[tokio::test]
async fn the_console_makes_the_same_connection() {
    let sandbox = sandbox(at_once());
    let own = all_grants(&operator(&sandbox).await, DRAGONFLY).await;
    let path = format!("/dragonfly/networks/{CACHE}/connections");
    let list = raw(&sandbox, get_request("/dragonfly")).await.text;
    assert!(list.contains(&path) && list.contains("dfcloud-cache-eastus2"), "{list}");
    let page = raw(&sandbox, get_request(&path)).await;
    for label in [
        "Acceptor Account ID",
        "Acceptor VPC ID",
        "App ID",
        "Resource Group",
        "Tenant ID",
    ] {
        assert!(page.text.contains(&format!("<label>{label}<")), "{label}");
    }
    let fields = [
        ("account_id", SUB),
        ("vpc_id", "vnet-app"),
        ("app_object_id", own.app_id.as_str()),
        ("resource_group", "rg-network"),
        ("tenant_id", TENANT),
    ];
    assert_eq!(form(&sandbox, &path, &fields).await.status, 200);
    let again = form(&sandbox, &path, &fields).await;
    assert!(
        again.status == 400 && again.text.contains("exists already"),
        "{}",
        again.text
    );
    assert!(raw(&sandbox, get_request("/dragonfly")).await.text.contains("Inactive"));
}
