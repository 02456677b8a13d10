//! Another company's tenant: what the operator's own sign-in in both tenants can do.

use http::Method;
use serde_json::json;

use super::own_app::*;
use super::support::*;
use crate::sandbox::Sandbox;

const FABRIKAM: &str = "8e6d4f20-5a3b-4c17-9d28-7b1a0c9e5f43";
const SECRET: &str = "sandbox~operator~secret";

fn theirs(name: &str) -> String {
    format!(
        "/subscriptions/77c61208-ca0c-4f61-a384-90b5c62f7467/resourceGroups/rg-partner/providers/Microsoft.Network/virtualNetworks/{name}"
    )
}

/// The operator's two sign-ins, each with the other as auxiliary.
async fn two_sided(sandbox: &Sandbox) -> (SandboxClient, SandboxClient) {
    let (here, there) = (
        sign_in(sandbox, TENANT, OPERATOR, SECRET).await,
        sign_in(sandbox, FABRIKAM, OPERATOR, SECRET).await,
    );
    let aux = |client: SandboxClient, other: &str| SandboxClient {
        auxiliary: Some(other.to_owned()),
        ..client
    };
    let (local, remote) = (here.token.clone(), there.token.clone());
    (aux(here, &remote), aux(there, &local))
}

#[tokio::test]
async fn one_sign_in_writes_both_directions() {
    let sandbox = sandbox(at_once());
    let (here, there) = two_sided(&sandbox).await;
    let partner = theirs("vnet-partner");
    let bare = SandboxClient {
        auxiliary: None,
        ..operator(&sandbox).await
    };
    let seen = bare.peer(VNET, "to-fabrikam", &partner).await;
    assert!(
        seen.status == 403 && seen.text.contains("the current tenant"),
        "{}",
        seen.text
    );
    let first = here.peer(VNET, "to-fabrikam", &partner).await.ok();
    assert_eq!(first["properties"]["peeringState"], "Initiated");
    let second = there.peer(&partner, "to-contoso", VNET).await.ok();
    assert_eq!(second["properties"]["peeringState"], "Connected");
    here.arm(
        Method::DELETE,
        &format!("{VNET}/virtualNetworkPeerings/to-fabrikam"),
        None,
    )
    .await;
    let left = there
        .get(&format!("{partner}/virtualNetworkPeerings/to-contoso"))
        .await
        .ok();
    assert_eq!(left["properties"]["peeringState"], "Disconnected");
}

#[tokio::test]
async fn partner_networks_differ_in_permissions() {
    let sandbox = sandbox(at_once());
    let (here, there) = two_sided(&sandbox).await;
    let seen = here.peer(VNET, "p", &theirs("vnet-overlap")).await;
    assert_eq!(seen.code(), "VnetAddressSpacesOverlap");
    let guarded = theirs("vnet-guarded");
    let made = here.peer(VNET, "p", &guarded).await.ok();
    assert_eq!(made["properties"]["peeringState"], "Initiated");
    assert_eq!(
        there.peer(&guarded, "p", VNET).await.code(),
        "AuthorizationFailed",
        "theirs to make"
    );
    assert_eq!(there.get(&guarded).await.status, 403);
    let closed = here.peer(VNET, "q", &theirs("vnet-closed")).await;
    assert_eq!(closed.code(), "LinkedAuthorizationFailed");
    let listed = there.get("/subscriptions").await.ok();
    assert_eq!(listed["value"][0]["displayName"], "Fabrikam Production");
}

#[tokio::test]
async fn partner_third_tenant_token_is_ignored() {
    let sandbox = sandbox(at_once());
    let (here, _) = two_sided(&sandbox).await;
    let other = sign_in(&sandbox, KONG_TENANT, KONG, "sandbox~kong~secret").await.token;
    let aux = here.auxiliary.clone().expect("a token");
    let only_other = SandboxClient {
        auxiliary: Some(other.clone()),
        ..operator(&sandbox).await
    };
    let seen = only_other.peer(VNET, "p", &theirs("vnet-partner")).await;
    assert_eq!(seen.code(), "LinkedAuthorizationFailed");
    let several = SandboxClient {
        auxiliary: Some(format!("{other}, Bearer {aux}")),
        ..here
    };
    assert_eq!(several.peer(VNET, "p", &theirs("vnet-partner")).await.status, 201);
}

#[tokio::test]
async fn partner_nsg_denies_cache_port() {
    let sandbox = sandbox(at_once());
    let operator = operator(&sandbox).await;
    let data = operator.get(&VNET.replace("vnet-app", "vnet-data")).await.ok();
    assert_eq!(data["properties"]["dhcpOptions"]["dnsServers"][0], "10.30.0.4");
    let play = VNET.replace(SUB, "33f2d8c4-86c8-4b2d-af40-5c7192eb3023");
    let play = play.replace("rg-network", "rg-play").replace("vnet-app", "vnet-play");
    let vnet = operator.get(&play).await.ok();
    let subnets = vnet["properties"]["subnets"].as_array().expect("a list").clone();
    let id = subnets
        .iter()
        .find_map(|subnet| subnet["properties"]["networkSecurityGroup"]["id"].as_str());
    let group = operator.get(id.expect("a group")).await.ok();
    let rules = group["properties"]["securityRules"].as_array().expect("a list");
    for (rule, direction) in rules.iter().zip(["Inbound", "Outbound"]) {
        let found = &rule["properties"];
        let ends = (&found["sourceAddressPrefix"], &found["destinationAddressPrefix"]);
        assert_eq!(ends, (&json!("VirtualNetwork"), &json!("VirtualNetwork")));
        assert_eq!(
            (&found["direction"], &found["access"]),
            (&json!(direction), &json!("Deny"))
        );
        assert_eq!(found["destinationPortRange"], "6379");
    }
}
