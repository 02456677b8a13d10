//! The whole of a Kong set-up, and what comes of each grant that is missing.

use http::Method;
use serde_json::json;

use super::support::*;
use crate::sandbox::{Lag, SandboxOptions};

fn at_once() -> SandboxOptions {
    SandboxOptions {
        lag: Lag::None,
        ..SandboxOptions::default()
    }
}

#[tokio::test]
async fn kong_full_flow_becomes_connected() {
    let sandbox = sandbox(at_once());
    let operator = operator(&sandbox).await;
    let principal = consent(&operator).await;
    assert_eq!(define(&operator, &ACTIONS).await.status, 201);
    assert_eq!(assign(&operator, &principal).await.status, 201);
    let created = request(&sandbox, NETWORK, VNET).await;
    assert_eq!(created.status, 201, "{}", created.text);
    assert_eq!(created.body["state"], "created");
    let ready = gateway(&sandbox, &created).await;
    assert_eq!(ready["state"], "ready", "{ready}");

    let peerings = operator.get(&format!("{VNET}/virtualNetworkPeerings")).await.ok();
    let ours = &peerings["value"][0];
    assert_eq!(ours["name"], "kong-eastus2-network-36ae63d3");
    assert_eq!(ours["properties"]["peeringState"], "Connected");
    assert_eq!(ours["properties"]["peeringSyncLevel"], "FullyInSync");
    assert_eq!(ours["properties"]["provisioningState"], "Succeeded");
    assert_eq!(
        ours["properties"]["remoteAddressSpace"]["addressPrefixes"][0],
        "10.0.0.0/16"
    );

    let kong = sign_in(&sandbox, KONG_TENANT, KONG, "sandbox~kong~secret").await;
    let remote = ours["properties"]["remoteVirtualNetwork"]["id"]
        .as_str()
        .expect("an id");
    assert!(remote.contains(KONG_SUB), "{remote}");
    let theirs = kong.get(&format!("{remote}/virtualNetworkPeerings")).await.ok();
    assert_eq!(theirs["value"][0]["properties"]["peeringState"], "Connected");
    assert_eq!(
        theirs["value"][0]["properties"]["resourceGuid"],
        ours["properties"]["resourceGuid"]
    );

    let log = operator.send(Method::GET, "/_sandbox/requests", None).await.body;
    assert_eq!(log["writes"], 4, "{log}");
    let by_kong = log["requests"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|entry| entry["actor"] == "konnect");
    assert!(
        by_kong
            .clone()
            .any(|entry| entry["method"] == "PUT" && entry["status"] == 201)
    );
    assert!(by_kong.clone().all(|entry| entry.get("write").is_none()));
}

#[tokio::test]
async fn kong_missing_grant_returns_azure_error() {
    let without = |left_out: &str| {
        ACTIONS
            .into_iter()
            .filter(|action| !action.ends_with(left_out))
            .collect::<Vec<_>>()
    };
    let table: [(&str, bool, Vec<&str>, bool, &str); 4] = [
        ("no consent", false, ACTIONS.to_vec(), false, "AADSTS7000229"),
        (
            "no assignment",
            true,
            ACTIONS.to_vec(),
            false,
            "LinkedAuthorizationFailed",
        ),
        (
            "no peer/action",
            true,
            without("/peer/action"),
            true,
            "LinkedAuthorizationFailed",
        ),
        ("no write", true, without("/write"), true, "AuthorizationFailed"),
    ];
    for (what, consented, actions, assigned, code) in table {
        let sandbox = sandbox(at_once());
        let operator = operator(&sandbox).await;
        let principal = if consented {
            consent(&operator).await
        } else {
            String::new()
        };
        define(&operator, &actions).await.ok();
        if assigned {
            assign(&operator, &principal).await.ok();
        }
        let created = request(&sandbox, NETWORK, VNET).await;
        let failed = gateway(&sandbox, &created).await;
        assert_eq!(failed["state"], "error", "{what}: {failed}");
        assert_eq!(failed["state_metadata"]["reported_status"], "ERROR", "{what}");
        let reason = failed["state_metadata"]["reason"].as_str().expect("a reason");
        assert!(reason.starts_with(&format!("{code}: ")), "{what}: {reason}");

        let state = raw(&sandbox, get_request("/_sandbox/state")).await;
        let networks = state.body["virtualNetworks"].to_string();
        assert!(
            !networks.contains("customer-"),
            "{what}: half a peering was left behind"
        );
    }
}

#[tokio::test]
async fn kong_unknown_or_overlap_returns_error() {
    let group = format!("/subscriptions/{SUB}/resourceGroups/rg-network");
    let unknown = "/subscriptions/99999999-0000-4000-8000-000000000000/resourceGroups/g";
    let in_group = |group: &str, name: &str| format!("{group}/providers/Microsoft.Network/virtualNetworks/{name}");
    let table = [
        (in_group(&group, "vnet-none"), "LinkedAuthorizationFailed"),
        (in_group(unknown, "vnet-app"), "LinkedAuthorizationFailed"),
        (in_group(&group, "a b?c"), "LinkedAuthorizationFailed"),
    ];
    for (vnet, code) in table {
        let sandbox = sandbox(at_once());
        let operator = operator(&sandbox).await;
        let principal = consent(&operator).await;
        define(&operator, &ACTIONS).await.ok();
        assign(&operator, &principal).await.ok();
        let created = request(&sandbox, NETWORK, &vnet).await;
        let failed = gateway(&sandbox, &created).await;
        let reason = failed["state_metadata"]["reason"].as_str().unwrap_or_default();
        assert!(reason.starts_with(code), "{vnet}: {failed}");
    }

    let sandbox = sandbox(at_once());
    let operator = operator(&sandbox).await;
    let principal = consent(&operator).await;
    define(&operator, &ACTIONS).await.ok();
    let legacy = format!(
        "/subscriptions/{SUB}/resourceGroups/rg-legacy/providers/Microsoft.Network/virtualNetworks/vnet-legacy"
    );
    assign_at(&operator, &principal, &legacy).await.ok();
    let created = request(&sandbox, NETWORK, &legacy).await;
    let failed = gateway(&sandbox, &created).await;
    let reason = failed["state_metadata"]["reason"].as_str().unwrap_or_default();
    assert!(reason.starts_with("VnetAddressSpacesOverlap: "), "{failed}");
}

#[tokio::test]
async fn deleting_the_gateway_removes_both_directions() {
    let sandbox = sandbox(at_once());
    let operator = operator(&sandbox).await;
    let principal = consent(&operator).await;
    define(&operator, &ACTIONS).await.ok();
    assign(&operator, &principal).await.ok();
    let created = request(&sandbox, NETWORK, VNET).await;
    assert_eq!(gateway(&sandbox, &created).await["state"], "ready");
    assert_eq!(
        request(&sandbox, NETWORK, VNET).await.status,
        409,
        "the same attachment twice"
    );

    let path = format!(
        "/v2/cloud-gateways/networks/{NETWORK}/transit-gateways/{}",
        created.body["id"].as_str().expect("an id")
    );
    assert_eq!(konnect(&sandbox).send(Method::DELETE, &path, None).await.status, 204);
    assert_eq!(konnect(&sandbox).send(Method::GET, &path, None).await.status, 404);
    let peerings = operator.get(&format!("{VNET}/virtualNetworkPeerings")).await.ok();
    assert_eq!(peerings["value"], json!([]));
    let state = raw(&sandbox, get_request("/_sandbox/state")).await;
    assert!(!state.text.contains("customer-"), "{}", state.text);
}

#[tokio::test]
async fn konnect_refuses_as_its_api_says() {
    let sandbox = sandbox(at_once());
    let path = format!("/v2/cloud-gateways/networks/{NETWORK}/transit-gateways");
    let stranger = SandboxClient {
        token: "kpat_other".into(),
        ..konnect(&sandbox)
    };
    let seen = stranger.send(Method::GET, "/v2/cloud-gateways/networks", None).await;
    assert_eq!((seen.status, seen.body["title"].as_str()), (401, Some("Unauthorized")));
    assert_eq!(seen.header("content-type"), "application/problem+json");
    let powerless = SandboxClient {
        token: "kpat_powerless000000000000000000000000000000".into(),
        ..konnect(&sandbox)
    };
    assert_eq!(
        powerless
            .send(Method::GET, "/v2/cloud-gateways/networks", None)
            .await
            .status,
        403
    );

    let client = konnect(&sandbox);
    let attachment = json!({"kind": "azure-vnet-peering-attachment", "tenant_id": "t", "subscription_id": "s",
        "resource_group_name": "g", "vnet_name": "v"});
    let with = |field: &str, value: serde_json::Value| {
        let mut body = json!({"name": "n", "transit_gateway_attachment_config": attachment});
        *body.pointer_mut(field).expect("a field") = value;
        body
    };
    let at = "/transit_gateway_attachment_config";
    let table = [
        (with("/name", json!("")), "name"),
        (with("/name", json!("n".repeat(121))), "name"),
        (with(at, json!(null)), "transit_gateway_attachment_config"),
        (
            with(&format!("{at}/kind"), json!("other")),
            "transit_gateway_attachment_config.kind",
        ),
        (
            with(&format!("{at}/tenant_id"), json!("")),
            "transit_gateway_attachment_config.tenant_id",
        ),
        (
            with(&format!("{at}/vnet_name"), json!(7)),
            "transit_gateway_attachment_config.vnet_name",
        ),
    ];
    for (body, field) in table {
        let seen = client.send(Method::POST, &path, Some(body)).await;
        assert_eq!(seen.status, 400, "{}", seen.text);
        assert_eq!(seen.body["invalid_parameters"][0]["field"], field, "{}", seen.text);
    }
    let young = "58c085f5-1af3-4d0e-b468-84cc7f517817";
    assert_eq!(
        request(&sandbox, young, VNET).await.status,
        409,
        "a network that is not ready"
    );
    assert_eq!(request(&sandbox, GRANT, VNET).await.status, 404, "no such network");
}

#[tokio::test]
async fn konnects_lists_are_filtered_and_paged() {
    let client = konnect(&sandbox(at_once()));
    let names = async |query: &str| {
        let seen = client
            .send(Method::GET, &format!("/v2/cloud-gateways/networks?{query}"), None)
            .await;
        let data = seen.body["data"].as_array().expect("a list");
        data.iter()
            .map(|item| item["name"].as_str().expect("a name").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names("filter%5Bname%5D%5Beq%5D=eastus2-network").await,
        ["eastus2-network"]
    );
    assert_eq!(
        names("filter[name][contains]=network&filter[state][eq]=ready")
            .await
            .len(),
        2
    );
    assert_eq!(names("page[size]=2&page[number]=2").await, ["new-network"]);
    assert_eq!(names("page[size]=2&page[number]=9").await.len(), 0);
}
