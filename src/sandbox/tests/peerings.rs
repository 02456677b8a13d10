//! The peering state machine and the rules around it.

use http::Method;
use serde_json::{Value, json};

use super::support::*;
use crate::sandbox::{Lag, Sandbox, SandboxOptions};

fn at_once() -> SandboxOptions {
    SandboxOptions {
        lag: Lag::None,
        ..SandboxOptions::default()
    }
}

fn vnet(subscription: &str, group: &str, name: &str) -> String {
    format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/virtualNetworks/{name}")
}

async fn state(client: &SandboxClient, vnet: &str, name: &str) -> (String, String) {
    let seen = client.get(&format!("{vnet}/virtualNetworkPeerings/{name}")).await.ok();
    let text = |name: &str| seen["properties"][name].as_str().unwrap_or_default().to_owned();
    (text("peeringState"), text("peeringSyncLevel"))
}

async fn edit(sandbox: &Sandbox, body: Value) {
    let client = konnect(sandbox);
    assert_eq!(
        client.send(Method::POST, "/_sandbox/edit", Some(body)).await.status,
        204
    );
}

fn is(state: &(String, String), expected: (&str, &str)) {
    assert_eq!((state.0.as_str(), state.1.as_str()), expected);
}

#[tokio::test]
async fn the_two_sides_move_together() {
    let sandbox = sandbox(at_once());
    let operator = operator(&sandbox).await;
    let (a, b) = (VNET.to_owned(), vnet(SUB, "rg-network", "vnet-data"));
    let first = operator.peer(&a, "to-b", &b).await;
    assert_eq!(
        (first.status, first.body["properties"]["peeringState"].as_str()),
        (201, Some("Initiated"))
    );
    assert_eq!(
        first.body["properties"]["allowVirtualNetworkAccess"], true,
        "the service's own default"
    );
    is(&state(&operator, &a, "to-b").await, ("Initiated", "RemoteNotInSync"));
    let second = operator.peer(&b, "to-a", &a).await;
    assert_eq!(second.body["properties"]["peeringState"], "Connected");
    is(&state(&operator, &a, "to-b").await, ("Connected", "FullyInSync"));
    assert_eq!(operator.peer(&a, "to-b", &b).await.status, 200, "again is an update");
    is(&state(&operator, &a, "to-b").await, ("Connected", "FullyInSync"));

    let gone = operator
        .arm(Method::DELETE, &format!("{b}/virtualNetworkPeerings/to-a"), None)
        .await;
    assert_eq!(gone.status, 202);
    is(&state(&operator, &a, "to-b").await, ("Disconnected", "RemoteNotInSync"));
    let blocked = operator.peer(&b, "to-a", &a).await;
    assert_eq!((blocked.status, blocked.code()), (400, "RemotePeeringIsDisconnected"));
    assert_eq!(
        operator.peer(&a, "to-b", &b).await.body["properties"]["peeringState"],
        "Initiated"
    );
    assert_eq!(
        operator.peer(&b, "to-a", &a).await.body["properties"]["peeringState"],
        "Connected"
    );
    let absent = operator
        .arm(Method::DELETE, &format!("{b}/virtualNetworkPeerings/none"), None)
        .await;
    assert_eq!(absent.status, 204);
}

#[tokio::test]
async fn peering_stale_until_remote_sync() {
    let sandbox = sandbox(at_once());
    let operator = operator(&sandbox).await;
    let (hub, spoke) = (
        vnet(STAGING, "rg-hub", "vnet-hub"),
        vnet(STAGING, "rg-hub", "vnet-spoke"),
    );
    is(
        &state(&operator, &hub, "hub-to-spoke").await,
        ("Connected", "FullyInSync"),
    );
    edit(
        &sandbox,
        json!({"addressSpace": {"id": hub, "prefixes": ["10.200.0.0/16", "10.210.0.0/16"]}}),
    )
    .await;
    is(
        &state(&operator, &hub, "hub-to-spoke").await,
        ("Connected", "RemoteNotInSync"),
    );
    is(
        &state(&operator, &spoke, "spoke-to-hub").await,
        ("Connected", "LocalNotInSync"),
    );
    let body = json!({"properties": {"remoteVirtualNetwork": {"id": hub}}});
    let path = format!("{spoke}/virtualNetworkPeerings/spoke-to-hub");
    operator.arm(Method::PUT, &path, Some(body.clone())).await.ok();
    is(
        &state(&operator, &spoke, "spoke-to-hub").await,
        ("Connected", "LocalNotInSync"),
    );
    operator
        .arm(Method::PUT, &format!("{path}?syncRemoteAddressSpace=true"), Some(body))
        .await
        .ok();
    is(
        &state(&operator, &hub, "hub-to-spoke").await,
        ("Connected", "FullyInSync"),
    );
    is(
        &state(&operator, &spoke, "spoke-to-hub").await,
        ("Connected", "FullyInSync"),
    );
}

#[tokio::test]
async fn what_the_provider_refuses_it_names() {
    let sandbox = sandbox(at_once());
    let operator = operator(&sandbox).await;
    let data = vnet(SUB, "rg-network", "vnet-data");
    operator.peer(VNET, "to-data", &data).await.ok();
    edit(
        &sandbox,
        json!({"addressSpace": {"id": vnet(SUB, "rg-legacy", "vnet-legacy"), "prefixes": ["10.30.9.0/24"]}}),
    )
    .await;
    edit(
        &sandbox,
        json!({"addressSpace": {"id": vnet(SUB, "rg-apps", "vnet-dual"), "prefixes": ["10.20.9.0/24"]}}),
    )
    .await;
    let other = vnet(STAGING, "rg-network", "vnet-app");
    let table = [
        ("-bad", other.clone(), "InvalidResourceName"),
        (
            "none",
            vnet(SUB, "rg-network", "vnet-none"),
            "InvalidGlobalResourceReference",
        ),
        ("dual", vnet(SUB, "rg-apps", "vnet-dual"), "VnetAddressSpacesOverlap"),
        (
            "legacy",
            vnet(SUB, "rg-legacy", "vnet-legacy"),
            "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet",
        ),
        ("twin", data.to_uppercase(), "AnotherPeeringAlreadyReferencesRemoteVnet"),
        ("to-data", other, "ChangingRemoteVirtualNetworkNotAllowed"),
    ];
    for (name, remote, code) in table {
        let seen = operator.peer(VNET, name, &remote).await;
        assert_eq!((seen.status, seen.code()), (400, code), "{name}: {}", seen.text);
    }
    let orphan = operator.peer(&vnet(SUB, "rg-network", "vnet-none"), "p", VNET).await;
    assert_eq!((orphan.status, orphan.code()), (404, "ParentResourceNotFound"));
    let unknown = operator.peer(VNET, "p", &vnet(GRANT, "g", "vnet-x")).await;
    assert_eq!((unknown.status, unknown.code()), (403, "LinkedAuthorizationFailed"));
    assert!(unknown.text.contains("was not found"), "{}", unknown.text);
}

#[tokio::test]
async fn peering_cross_tenant_needs_token_permission() {
    let sandbox = sandbox(at_once());
    let operator = operator(&sandbox).await;
    let principal = consent(&operator).await;
    let kong = sign_in(&sandbox, KONG_TENANT, KONG, "sandbox~kong~secret").await;
    let own = vnet(KONG_SUB, "rg-konnect", "vnet-eastus2-network");
    let seen = kong.peer(&own, "p", VNET).await;
    assert_eq!((seen.status, seen.code()), (403, "LinkedAuthorizationFailed"));
    let text = format!("the current tenant '{KONG_TENANT}' is not authorized to access linked subscription '{SUB}'.");
    assert!(seen.text.contains(&text), "{}", seen.text);

    let there = sign_in(&sandbox, TENANT, KONG, "sandbox~kong~secret").await;
    let kong = SandboxClient {
        auxiliary: Some(there.token.clone()),
        ..kong
    };
    let seen = kong.peer(&own, "p", VNET).await;
    assert_eq!((seen.status, seen.code()), (403, "LinkedAuthorizationFailed"));
    assert!(
        seen.text.contains("does not have permission to perform action(s)"),
        "{}",
        seen.text
    );

    define(&operator, &ACTIONS[4..]).await.ok();
    assign(&operator, &principal).await.ok();
    assert_eq!(
        kong.peer(&own, "p", VNET).await.status,
        201,
        "peer/action on the other side is enough"
    );
    let there = SandboxClient {
        auxiliary: Some(kong.token.clone()),
        ..there
    };
    let seen = there.peer(VNET, "p", &own).await;
    assert_eq!((seen.status, seen.code()), (403, "AuthorizationFailed"));
    define(&operator, &ACTIONS).await.ok();
    assert_eq!(
        there.peer(VNET, "p", &own).await.body["properties"]["peeringState"],
        "Connected"
    );
    let spoiled = SandboxClient {
        auxiliary: Some("nonsense".into()),
        ..there
    };
    assert_eq!(spoiled.peer(VNET, "p", &own).await.status, 401);
}

/// Writes one direction with these properties.
async fn write(client: &SandboxClient, (vnet, name): (&str, &str), remote: &str, mut properties: Value) -> Seen {
    properties["remoteVirtualNetwork"] = json!({"id": remote});
    let path = format!("{vnet}/virtualNetworkPeerings/{name}");
    let body = json!({"properties": properties});
    client.arm(Method::PUT, &path, Some(body)).await
}

#[tokio::test]
async fn a_write_replaces_all_properties() {
    let sandbox = sandbox(at_once());
    let operator = operator(&sandbox).await;
    let data = vnet(SUB, "rg-network", "vnet-data");
    let subnets = json!({"peerCompleteVnets": false, "localSubnetNames": ["snet-web"], "remoteSubnetNames": ["snet-db"],
        "enableOnlyIPv6Peering": false, "doNotVerifyRemoteGateways": true, "later": {"than": "2024"}});
    let seen = write(&operator, (VNET, "p"), &data, subnets.clone()).await;
    assert_eq!(seen.status, 201, "{}", seen.text);
    let read = operator.get(&format!("{VNET}/virtualNetworkPeerings/p")).await.ok();
    for (name, value) in subnets.as_object().expect("an object") {
        assert_eq!(&read["properties"][name], value, "{name}: {read:#}");
    }
    assert_eq!(
        read["properties"]["localAddressSpace"]["addressPrefixes"],
        json!(["10.20.1.0/24"])
    );
    let whole = write(&operator, (VNET, "p"), &data, json!({})).await;
    assert_eq!(
        (whole.status, whole.code()),
        (400, "PeerCompleteVnetsCannotBeChanged"),
        "what is left out is the default: the whole networks"
    );
    let bare = json!({"peerCompleteVnets": false});
    write(&operator, (VNET, "p"), &data, bare).await.ok();
    let read = operator.get(&format!("{VNET}/virtualNetworkPeerings/p")).await.ok();
    let gone = ["localSubnetNames", "remoteSubnetNames", "later"].map(|name| &read["properties"][name]);
    assert_eq!(gone, [&Value::Null; 3], "{read:#}");
    assert_eq!(read["properties"]["doNotVerifyRemoteGateways"], false);
}

#[tokio::test]
async fn peering_gateway_needs_remote_transit() {
    let sandbox = sandbox(at_once());
    let operator = operator(&sandbox).await;
    let data = vnet(SUB, "rg-network", "vnet-data");
    let (uses, allows) = (json!({"useRemoteGateways": true}), json!({"allowGatewayTransit": true}));
    let refused = "RemotePeeringAllowGatewayTransitFalse";
    let seen = write(&operator, (VNET, "p"), &data, uses.clone()).await;
    assert_eq!((seen.status, seen.code()), (400, refused), "{}", seen.text);
    operator.peer(&data, "back", VNET).await.ok();
    let seen = write(&operator, (VNET, "p"), &data, uses.clone()).await;
    assert_eq!((seen.status, seen.code()), (400, refused), "{}", seen.text);
    write(&operator, (&data, "back"), VNET, allows.clone()).await.ok();
    write(&operator, (VNET, "p"), &data, uses.clone()).await.ok();
    let legacy = vnet(SUB, "rg-apps", "vnet-dual");
    write(&operator, (&legacy, "back"), VNET, allows).await.ok();
    let second = write(&operator, (VNET, "q"), &legacy, uses).await;
    assert_eq!(
        (second.status, second.code()),
        (400, "AnotherPeeringAlreadyUsesRemoteGateways")
    );
}
