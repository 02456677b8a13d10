use std::sync::Arc;

use secrecy::SecretString;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::cloud::AzureCloud;
use super::super::identity::{AppCredential, AzureIdentity};
use super::super::testing::{
    ScriptedAnswer, TransportScript, answer, azure, body, json as json_answer, lines_without_hosts,
};
use super::*;
use crate::domain::{PeeringState, SyncLevel, TenantId, VnetId};

const TENANTS: [TenantId; 5] = [
    Uuid::from_u128(0xa),
    Uuid::from_u128(0xb),
    Uuid::from_u128(0xc),
    Uuid::from_u128(0xd),
    Uuid::from_u128(0xe),
];

fn id() -> PeeringId {
    let vnet = VnetId::new(Uuid::from_u128(1), "rg-net", "vnet-app").unwrap();
    vnet.peering("to-hub").unwrap()
}

fn wanted() -> NewPeering {
    let mut wanted = NewPeering::with(&remote());
    wanted.set("allowForwardedTraffic", true);
    wanted
}

fn remote() -> VnetId {
    VnetId::new(Uuid::from_u128(9), "rg-hub", "hub").unwrap()
}

/// A peering as API version 2024-03-01 shows it.
fn shown(provisioning_state: &str) -> Value {
    json!({ "name": "to-hub", "id": id(), "etag": "W/\"7da4d1e9\"", "type": "Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
        "properties": { "provisioningState": provisioning_state, "resourceGuid": "f476f327", "peeringState": "Connected", "peeringSyncLevel": "FullyInSync",
            "remoteVirtualNetwork": { "id": remote() }, "allowVirtualNetworkAccess": true, "allowForwardedTraffic": true, "allowGatewayTransit": false,
            "useRemoteGateways": false, "doNotVerifyRemoteGateways": false, "peerCompleteVnets": true,
            "remoteAddressSpace": { "addressPrefixes": ["10.1.0.0/16"], "ipamPoolPrefixAllocations": [] }, "routeServiceVips": {} } })
}

/// A peering that takes one look to be written.
fn network(request: &http::Request<bytes::Bytes>) -> ScriptedAnswer {
    let operation = "https://management.azure.com/subscriptions/1/operations/7";
    match request.method().as_str() {
        "PUT" => answer(
            201,
            &[("azure-asyncoperation", operation)],
            shown("Updating").to_string(),
        ),
        _ if request.uri().path().ends_with("/operations/7") => json_answer(200, &json!({ "status": "Succeeded" })),
        _ => json_answer(200, &shown("Succeeded")),
    }
}

/// Entra, with tokens `TENANT-1`, `TENANT-2`, … and the network by `rule`.
fn tenants(
    rule: impl Fn(&http::Request<bytes::Bytes>) -> ScriptedAnswer + Send + Sync + 'static,
) -> Arc<TransportScript> {
    let fetches = std::sync::Mutex::new(std::collections::HashMap::<String, u32>::new());
    TransportScript::rule(move |request| {
        if request.uri().host() != Some("login.microsoftonline.com") {
            return rule(request);
        }
        let tenant = request.uri().path().split('/').nth(1).unwrap().to_owned();
        let letter = tenant.chars().next_back().unwrap();
        let mut fetches = fetches.lock().unwrap();
        let count = fetches.entry(tenant).or_default();
        *count += 1;
        let token = format!("{letter}-{count}");
        json_answer(
            200,
            &json!({ "token_type": "Bearer", "expires_in": 3600, "access_token": token }),
        )
    })
}

fn own_app(script: &Arc<TransportScript>, tenant: TenantId) -> AzureIdentity {
    let secret = AppCredential::Secret(SecretString::from("top-secret"));
    AzureIdentity::application(&AzureCloud::public(), script.wire(), tenant, Uuid::from_u128(5), secret)
}

fn tokens(script: &TransportScript, service: &str) -> Vec<(String, String)> {
    let requests = script.requests().into_iter();
    let text = |request: &http::Request<bytes::Bytes>, name: &str| {
        let value = request.headers().get(name);
        value.map_or(String::new(), |value| {
            assert!(value.is_sensitive(), "{name} must not be logged");
            value.to_str().unwrap().to_owned()
        })
    };
    requests
        .filter(|request| request.uri().host() == Some(service))
        .map(|request| {
            (
                text(&request, "authorization"),
                text(&request, "x-ms-authorization-auxiliary"),
            )
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn peering_write_carries_all_tenant_tokens() {
    let script = tenants(network);
    let [a, b, c, ..] = TENANTS.map(|tenant| own_app(&script, tenant));
    let operator = AzureClient::new(AzureCloud::public(), script.wire(), own_app(&script, TENANTS[4]));
    let azure = operator.acting_as(a, vec![b, c]);
    azure.put_peering(&id(), &wanted()).await.unwrap();
    let expected = ("Bearer a-1".to_owned(), "Bearer b-1, Bearer c-1".to_owned());
    assert_eq!(
        tokens(&script, "management.azure.com"),
        vec![expected; 2],
        "the write and the look"
    );

    // Nobody else's do.
    azure.delete_service_principal(Uuid::from_u128(2)).await.unwrap();
    assert_eq!(
        tokens(&script, "graph.microsoft.com"),
        [("Bearer a-2".to_owned(), String::new())]
    );
    operator.peering(&id()).await.unwrap();
    let last = tokens(&script, "management.azure.com").pop().unwrap();
    assert_eq!(last, ("Bearer e-1".to_owned(), String::new()));
    assert!(!format!("{azure:?}").contains("top-secret"));
}

#[tokio::test]
async fn arm_auxiliary_tokens_limited_to_three() {
    let script = tenants(network);
    let [a, b, c, d, e] = TENANTS.map(|tenant| own_app(&script, tenant));
    let azure = AzureClient::new(AzureCloud::public(), script.wire(), a.clone()).acting_as(a, vec![b, c, d, e]);
    azure.peering(&id()).await.unwrap();
    assert_eq!(
        tokens(&script, "management.azure.com")[0].1,
        "Bearer b-1, Bearer c-1, Bearer d-1"
    );
}

#[tokio::test]
async fn rejected_token_may_be_auxiliary() {
    let script = tenants(|request| {
        let auxiliary = request.headers()["x-ms-authorization-auxiliary"].to_str().unwrap();
        match auxiliary.contains("b-1") {
            true => json_answer(
                401,
                &json!({ "error": { "code": "ExpiredAuthenticationToken", "message": "m" } }),
            ),
            false => network(request),
        }
    });
    let [a, b, ..] = TENANTS.map(|tenant| own_app(&script, tenant));
    let azure = AzureClient::new(AzureCloud::public(), script.wire(), a.clone()).acting_as(a, vec![b]);
    azure.peering(&id()).await.unwrap();
    let sent = tokens(&script, "management.azure.com");
    assert_eq!(
        sent.last().unwrap(),
        &("Bearer a-2".to_owned(), "Bearer b-2".to_owned())
    );
    assert_eq!(sent.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn peering_write_round_trips() {
    let (azure, script) = azure(network);
    azure.put_peering(&id(), &wanted()).await.unwrap();
    let written = azure.peering(&id()).await.unwrap().unwrap();
    assert_eq!(
        (&written.state, &written.sync_level),
        (&PeeringState::Connected, &SyncLevel::FullyInSync)
    );
    assert_eq!(written.provisioning_state, "Succeeded");
    assert_eq!(written.remote_vnet, Some(remote()));
    azure.sync_peering(&id(), &wanted()).await.unwrap();
    let lines = lines_without_hosts(&script);
    let url = format!("{}?api-version=2024-03-01", id());
    assert_eq!(
        lines,
        [
            format!("PUT {url}"),
            "GET /subscriptions/1/operations/7".to_owned(),
            format!("GET {url}"),
            format!("PUT {url}&syncRemoteAddressSpace=true"),
            "GET /subscriptions/1/operations/7".to_owned(),
        ]
    );
    let sent = body(&script.requests()[1]);
    let expected =
        json!({ "properties": { "remoteVirtualNetwork": { "id": remote() }, "allowForwardedTraffic": true } });
    assert_eq!(sent, expected);
    assert_eq!(azure.wire().stats().writes, 2);
}

#[tokio::test]
async fn peering_refusal_keeps_code() {
    for (status, code, absent) in [
        (404, "NotFound", true),
        (404, "ParentResourceNotFound", true),
        (404, "SubscriptionNotFound", false),
        (403, "LinkedAuthorizationFailed", false),
        (400, "RemotePeeringIsDisconnected", false),
    ] {
        let (azure, _) = azure(move |_| {
            json_answer(
                status,
                &json!({ "error": { "code": code, "message": "m", "details": [] } }),
            )
        });
        let error = azure.put_peering(&id(), &wanted()).await.unwrap_err();
        assert_eq!((error.code(), error.status()), (Some(code), Some(status)));
        assert_eq!(error.tried, format!("PUT {}", id()));
        match azure.peering(&id()).await {
            Ok(found) => assert_eq!((found, absent), (None, true), "{code}"),
            Err(error) => assert_eq!((error.code(), absent), (Some(code), false)),
        }
        assert_eq!(azure.delete_peering(&id()).await.is_ok(), absent, "{code}");
    }
}
