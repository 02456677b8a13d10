//! Somebody else changes the network: groups, networks, subnets, security rules, and what follows for peerings.

use http::Method;
use serde_json::{Value, json};

use super::support::*;
use crate::sandbox::{Lag, SandboxOptions};

const GROUP: &str = "/subscriptions/11d0b6a2-64a6-4f0b-8d2e-3a5f70c91e01/resourceGroups/rg-new";
const NEW: &str = "/subscriptions/11d0b6a2-64a6-4f0b-8d2e-3a5f70c91e01/resourceGroups/rg-new/providers/Microsoft.Network/virtualNetworks/vnet-new";
const RULES: &str = "/subscriptions/11d0b6a2-64a6-4f0b-8d2e-3a5f70c91e01/resourceGroups/rg-new/providers/Microsoft.Network/networkSecurityGroups/nsg-new";

async fn someone() -> SandboxClient {
    operator(&sandbox(SandboxOptions {
        lag: Lag::None,
        ..SandboxOptions::default()
    }))
    .await
}

async fn put(client: &SandboxClient, path: &str, body: Value) -> Seen {
    client.arm(Method::PUT, path, Some(body)).await
}

async fn delete(client: &SandboxClient, path: &str) -> Seen {
    client.arm(Method::DELETE, path, None).await
}

fn network(prefixes: &[&str]) -> Value {
    json!({"location": "East US 2", "tags": {"env": "test"}, "properties": {
        "addressSpace": {"addressPrefixes": prefixes},
        "subnets": [{"name": "one", "properties": {"addressPrefix": "10.99.0.0/24"}}],
    }})
}

/// A group with a network in it.
async fn built() -> SandboxClient {
    let client = someone().await;
    let seen = put(&client, NEW, network(&["10.99.0.0/16"])).await;
    assert_eq!((seen.status, seen.code()), (404, "ResourceGroupNotFound"));
    assert_eq!(put(&client, GROUP, json!({"location": "East US 2"})).await.status, 201);
    assert_eq!(put(&client, GROUP, json!({"location": "eastus2"})).await.status, 200);
    let seen = put(&client, NEW, network(&["10.99.0.0/16"])).await;
    assert_eq!(seen.status, 201, "{}", seen.text);
    assert_eq!(seen.body["properties"]["provisioningState"], "Updating");
    assert!(
        seen.header("azure-asyncoperation")
            .contains("/locations/eastus2/operations/")
    );
    client
}

#[tokio::test]
async fn vnet_create_read_and_replace() {
    let client = built().await;
    let seen = client.get(&NEW.to_uppercase()).await.ok();
    assert_eq!((&seen["id"], &seen["tags"]["env"]), (&json!(NEW), &json!("test")));
    assert_eq!(seen["properties"]["provisioningState"], "Succeeded");
    let table = [
        (
            json!({"location": "westeurope", "properties": {"addressSpace": {"addressPrefixes": ["10.99.0.0/16"]}}}),
            "InvalidResourceLocation",
        ),
        (json!({"properties": {}}), "LocationRequired"),
        (network(&["10.98.0.0/16"]), "NetcfgInvalidSubnet"),
        (network(&["soon"]), "InvalidCIDRNotation"),
        (network(&[]), "VnetAddressSpaceNotSpecified"),
    ];
    for (body, code) in table {
        let seen = put(&client, NEW, body).await;
        assert_eq!(seen.code(), code, "{}", seen.text);
    }
    let limited = limited(&client.sandbox).await;
    let seen = put(&limited, NEW, network(&["10.99.0.0/16"])).await;
    assert_eq!((seen.status, seen.code()), (403, "AuthorizationFailed"));
    assert_eq!(put(&client, NEW, network(&["10.99.0.0/16"])).await.status, 200);
}

#[tokio::test]
async fn subnets_stay_inside_and_apart() {
    let client = built().await;
    let subnet = |prefix: &str| json!({"properties": {"addressPrefix": prefix}});
    let two = format!("{NEW}/subnets/two");
    assert_eq!(
        put(&client, &two, subnet("10.98.0.0/24")).await.code(),
        "NetcfgInvalidSubnet"
    );
    assert_eq!(
        put(&client, &two, subnet("10.99.0.128/25")).await.code(),
        "NetcfgSubnetRangesOverlap"
    );
    assert_eq!(put(&client, &two, subnet("10.99.1.0/24")).await.status, 201);
    assert_eq!(put(&client, &two, subnet("10.99.2.0/24")).await.status, 200);
    let seen = client.get(&two).await.ok();
    assert_eq!(seen["properties"]["addressPrefix"], "10.99.2.0/24");
    let listed = client.get(&format!("{NEW}/subnets")).await.ok();
    assert_eq!(listed["value"].as_array().map(Vec::len), Some(2));
    assert_eq!(delete(&client, &two).await.status, 202);
    assert_eq!(delete(&client, &two).await.status, 204);
    assert_eq!(client.get(&two).await.code(), "NotFound");
}

#[tokio::test]
async fn vnet_address_change_needs_remote_sync() {
    let client = built().await;
    assert_eq!(client.peer(NEW, "there", VNET).await.status, 201);
    assert_eq!(client.peer(VNET, "back", NEW).await.status, 201);
    // As az does: everything that was read is sent again.
    let mut whole = client.get(NEW).await.ok();
    whole["properties"]["addressSpace"]["addressPrefixes"] = json!(["10.99.0.0/16", "10.97.0.0/16"]);
    assert_eq!(put(&client, NEW, whole).await.status, 200);
    let level = |seen: Value| seen["properties"]["peeringSyncLevel"].clone();
    let (there, back) = (
        format!("{NEW}/virtualNetworkPeerings/there"),
        format!("{VNET}/virtualNetworkPeerings/back"),
    );
    assert_eq!(level(client.get(&there).await.ok()), "RemoteNotInSync");
    assert_eq!(level(client.get(&back).await.ok()), "LocalNotInSync");
    let body = json!({"properties": {"remoteVirtualNetwork": {"id": NEW}}});
    assert_eq!(
        put(&client, &format!("{back}?syncRemoteAddressSpace=true"), body)
            .await
            .status,
        200
    );
    assert_eq!(level(client.get(&there).await.ok()), "FullyInSync");
    // A body without its peerings drops them, and the other side is Disconnected.
    assert_eq!(put(&client, NEW, network(&["10.99.0.0/16"])).await.status, 200);
    assert_eq!(client.get(&there).await.code(), "NotFound");
    let seen = client.get(&back).await.ok();
    assert_eq!(seen["properties"]["peeringState"], "Disconnected");
}

#[tokio::test]
async fn vnet_delete_disconnects_peerings() {
    let client = built().await;
    assert_eq!(client.peer(VNET, "back", NEW).await.status, 201);
    let lock = format!("{NEW}/providers/Microsoft.Authorization/locks/keep");
    put(&client, &lock, json!({"properties": {"level": "CanNotDelete"}}))
        .await
        .ok();
    assert_eq!(delete(&client, NEW).await.code(), "ScopeLocked");
    assert_eq!(delete(&client, GROUP).await.code(), "ScopeLocked");
    delete(&client, &lock).await.ok();
    let below = lock.replace(NEW, &format!("{NEW}/subnets/one"));
    put(&client, &below, json!({"properties": {"level": "CanNotDelete"}}))
        .await
        .ok();
    assert_eq!(delete(&client, NEW).await.code(), "ScopeLocked");
    assert_eq!(delete(&client, &format!("{NEW}/subnets/two")).await.status, 204);
    delete(&client, &below).await.ok();
    assert_eq!(delete(&client, GROUP).await.status, 202);
    assert_eq!(client.get(GROUP).await.code(), "ResourceGroupNotFound");
    assert_eq!(client.arm(Method::HEAD, GROUP, None).await.status, 404);
    let back = client.get(&format!("{VNET}/virtualNetworkPeerings/back")).await.ok();
    assert_eq!(back["properties"]["peeringState"], "Disconnected");
}

#[tokio::test]
async fn locks_listed_above_and_below_scope() {
    let client = built().await;
    for at in [GROUP, NEW, &format!("{NEW}/subnets/one")] {
        let lock = format!("{at}/providers/Microsoft.Authorization/locks/keep");
        put(&client, &lock, json!({"properties": {"level": "ReadOnly"}}))
            .await
            .ok();
    }
    let locks = format!("{NEW}/providers/Microsoft.Authorization/locks");
    for (query, other) in [
        ("", format!("{NEW}/subnets/one")),
        ("?$filter=atScope()", GROUP.to_owned()),
    ] {
        let seen = client.get(&format!("{locks}{query}")).await.ok();
        let ids = seen["value"].as_array().into_iter().flatten();
        let mut scopes: Vec<&str> = ids
            .filter_map(|lock| lock["id"].as_str()?.split("/providers/Microsoft.Authorization/").next())
            .collect();
        scopes.sort_unstable();
        let mut expected = [NEW, &other];
        expected.sort_unstable();
        assert_eq!(scopes, expected, "{query}");
    }
}

#[tokio::test]
async fn nsg_in_use_cannot_be_deleted() {
    let client = built().await;
    assert_eq!(put(&client, RULES, json!({"location": "eastus2"})).await.status, 201);
    let rule = |priority: u32| {
        json!({"properties": {"protocol": "*", "access": "Deny", "direction": "Inbound", "priority": priority,
            "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*",
            "destinationPortRange": "6379"}})
    };
    let deny = format!("{RULES}/securityRules/deny");
    assert_eq!(put(&client, &deny, rule(100)).await.status, 201);
    let twin = put(&client, &format!("{RULES}/securityRules/twin"), rule(100)).await;
    assert_eq!(twin.code(), "SecurityRuleConflict", "{}", twin.text);
    let named = |name: &str| json!({"name": name, "properties": rule(100)["properties"]});
    let two = json!({"location": "eastus2", "properties": {"securityRules": [named("one"), named("two")]}});
    let seen = put(&client, RULES, two).await;
    assert_eq!(seen.code(), "SecurityRuleConflict", "{}", seen.text);
    let limited = limited(&client.sandbox).await;
    for seen in [put(&limited, &deny, rule(100)).await, delete(&limited, &deny).await] {
        assert!(seen.text.contains(&format!("over scope '{deny}'")), "{}", seen.text);
    }
    let seen = client.get(&deny).await.ok();
    assert_eq!(seen["properties"]["destinationAddressPrefixes"], json!([]));
    let subnet =
        json!({"properties": {"addressPrefix": "10.99.0.0/24", "networkSecurityGroup": {"id": RULES.to_uppercase()}}});
    assert_eq!(put(&client, &format!("{NEW}/subnets/one"), subnet).await.status, 200);
    assert_eq!(
        delete(&client, RULES).await.code(),
        "InUseNetworkSecurityGroupCannotBeDeleted"
    );
    assert_eq!(delete(&client, NEW).await.status, 202);
    assert_eq!(delete(&client, &deny).await.status, 202);
    assert_eq!(delete(&client, RULES).await.status, 202);
}

#[tokio::test]
async fn subscription_lists_offers_and_resources() {
    let client = someone().await;
    let of = |path: &str| format!("/subscriptions/{SUB}/{path}");
    let names = |seen: Value, key: &str| -> Vec<String> {
        let items = seen["value"].as_array().cloned().unwrap_or_default();
        items
            .iter()
            .filter_map(|item| item[key].as_str().map(str::to_owned))
            .collect()
    };
    assert!(names(client.get(&of("locations")).await.ok(), "name").contains(&"eastus2".to_owned()));
    assert!(names(client.get(&of("providers")).await.ok(), "namespace").contains(&"Microsoft.Network".to_owned()));
    let filter = "resources?$filter=resourceGroup%20eq%20'RG-Network'%20and%20resourceType%20eq%20'microsoft.network/virtualnetworks'";
    assert_eq!(
        names(client.get(&of(filter)).await.ok(), "name"),
        ["vnet-app", "vnet-data"]
    );
    let all = names(
        client.get(&of("resourceGroups/rg-network/resources")).await.ok(),
        "name",
    );
    assert!(
        all.contains(&"nsg-web".to_owned()) && !all.contains(&"vnet-legacy".to_owned()),
        "{all:?}"
    );
    let seen = client.get(&of("resources?$filter=tagName%20eq%20'x'")).await;
    assert_eq!(seen.code(), "InvalidFilterInQueryString");
}
