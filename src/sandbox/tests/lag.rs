//! Changes that Azure accepts before they take effect.

use std::time::Duration;

use http::Method;
use serde_json::json;
use tokio::time::advance;

use super::support::*;
use crate::sandbox::{Lag, SandboxOptions};

fn with(lag: Lag) -> SandboxOptions {
    SandboxOptions {
        lag,
        ..SandboxOptions::default()
    }
}

#[tokio::test(start_paused = true)]
async fn lag_new_principal_visible_before_usable() {
    let sandbox = sandbox(with(Lag::Typical));
    let operator = operator(&sandbox).await;
    let id = consent(&operator).await;
    let by_id = format!("/v1.0/servicePrincipals/{id}");
    let listed = format!("/v1.0/servicePrincipals?$filter=appId%20eq%20'{KONG}'");
    let count = async || {
        operator.send(Method::GET, &listed, None).await.ok()["value"]
            .as_array()
            .map_or(0, Vec::len)
    };
    assert_eq!(operator.send(Method::GET, &by_id, None).await.status, 404);
    assert_eq!(count().await, 0);
    define(&operator, &ACTIONS).await.ok();
    let bare = json!({"properties": {"roleDefinitionId": format!("/x/{ROLE}"), "principalId": id}});
    let path = format!("{VNET}/providers/Microsoft.Authorization/roleAssignments/{GRANT}");
    let early = operator.arm(Method::PUT, &path, Some(bare.clone())).await;
    assert_eq!((early.status, early.code()), (400, "PrincipalNotFound"));
    assert!(early.text.contains(&id.replace('-', "")), "{}", early.text);
    let kong = token(&sandbox, TENANT, KONG, "sandbox~kong~secret").await;
    assert_eq!(kong.body["error_codes"], json!([7_000_229]));

    advance(Duration::from_millis(700)).await;
    assert_eq!(operator.send(Method::GET, &by_id, None).await.status, 200);
    assert_eq!(count().await, 1);
    advance(Duration::from_millis(400)).await;
    assert_eq!(token(&sandbox, TENANT, KONG, "sandbox~kong~secret").await.status, 200);
    assert_eq!(operator.arm(Method::PUT, &path, Some(bare)).await.status, 201);
}

#[tokio::test(start_paused = true)]
async fn lag_typed_assignment_effective_later() {
    let sandbox = sandbox(with(Lag::Worst));
    let operator = operator(&sandbox).await;
    let id = consent(&operator).await;
    define(&operator, &ACTIONS).await.ok();
    assert_eq!(assign(&operator, &id).await.status, 201);
    advance(Duration::from_secs(9 * 60)).await;
    let kong = sign_in(&sandbox, TENANT, KONG, "sandbox~kong~secret").await;
    let seen = kong.get(VNET).await;
    assert_eq!((seen.status, seen.code()), (403, "AuthorizationFailed"));
    advance(Duration::from_secs(61)).await;
    assert_eq!(kong.get(VNET).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn lag_konnect_waits_for_late_grants() {
    for (lag, at_most) in [(Lag::Typical, 15), (Lag::Worst, 90 * 60)] {
        let sandbox = sandbox(with(lag));
        let created = request(&sandbox, NETWORK, VNET).await;
        assert_eq!(gateway(&sandbox, &created).await["state"], "created");
        let operator = operator(&sandbox).await;
        let id = consent(&operator).await;
        define(&operator, &ACTIONS).await.ok();
        assign(&operator, &id).await.ok();
        let mut seen: Vec<String> = Vec::new();
        for _ in 0..at_most {
            let state = gateway(&sandbox, &created).await["state"]
                .as_str()
                .expect("a state")
                .to_owned();
            if seen.last() != Some(&state) {
                seen.push(state);
            }
            advance(Duration::from_secs(1)).await;
        }
        assert_eq!(seen, ["created", "initializing", "ready"], "{lag:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn lag_konnect_stops_without_grants() {
    let sandbox = sandbox(with(Lag::Typical));
    let created = request(&sandbox, NETWORK, VNET).await;
    advance(Duration::from_secs(3)).await;
    assert_eq!(
        gateway(&sandbox, &created).await["state"],
        "initializing",
        "it tries again"
    );
    advance(Duration::from_secs(20)).await;
    assert_eq!(gateway(&sandbox, &created).await["state"], "error");
}

#[tokio::test(start_paused = true)]
async fn lag_operation_blocks_others() {
    let sandbox = sandbox(with(Lag::Typical));
    let operator = operator(&sandbox).await;
    let data = VNET.replace("vnet-app", "vnet-data");
    let dual = VNET.replace("rg-network", "rg-apps").replace("vnet-app", "vnet-dual");
    let put = operator.peer(VNET, "to-data", &data).await;
    assert_eq!((put.status, put.header("retry-after")), (201, "1"));
    assert_eq!(put.body["properties"]["provisioningState"], "Updating");
    let poll = put
        .header("azure-asyncoperation")
        .trim_start_matches("https://localhost:1")
        .to_owned();
    let status = async |path: &str| operator.send(Method::GET, path, None).await;
    assert_eq!(status(&poll).await.body["status"], "InProgress");
    let busy = operator.peer(VNET, "to-dual", &dual).await;
    assert_eq!((busy.status, busy.code()), (429, "RetryableError"));
    let busy = operator.peer(&data, "to-app", VNET).await;
    assert_eq!((busy.status, busy.code()), (400, "ReferencedResourceNotProvisioned"));
    advance(Duration::from_secs(1)).await;
    assert_eq!(status(&poll).await.body["status"], "Succeeded");

    let path = format!("{VNET}/virtualNetworkPeerings/to-data");
    assert_eq!(
        operator.get(&path).await.ok()["properties"]["provisioningState"],
        "Succeeded"
    );
    let deleted = operator.arm(Method::DELETE, &path, None).await;
    assert_eq!(deleted.status, 202);
    let result = deleted
        .header("location")
        .trim_start_matches("https://localhost:1")
        .to_owned();
    assert_eq!(status(&result).await.status, 202);
    assert_eq!(
        operator.get(&path).await.ok()["properties"]["provisioningState"],
        "Deleting"
    );
    advance(Duration::from_secs(1)).await;
    assert_eq!(status(&result).await.status, 204);
    assert_eq!(operator.get(&path).await.status, 404);
}
