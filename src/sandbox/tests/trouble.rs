//! Conditions that cause a write to be refused: policy, registration, limits, leftover resources, work in progress.

use http::Method;
use serde_json::{Value, json};

use super::support::*;
use crate::sandbox::{Lag, Sandbox, SandboxEstate, SandboxOptions};

const TROUBLES: &str = "/subscriptions/44a3e9d5-10d9-4c3e-8f51-6d8203fc4199/resourceGroups";
const UNREGISTERED: &str = "/subscriptions/44a3e9d5-10d9-4c3e-8f51-6d8203fc4200/resourceGroups";
const VNETS: &str = "providers/Microsoft.Network/virtualNetworks";

fn troubled(more: &str) -> Sandbox {
    let estate = [
        include_str!("../estate/contoso.toml"),
        include_str!("../estate/family_b.toml"),
        include_str!("../estate/fabrikam.toml"),
        include_str!("../../../tests/support/troubles.toml"),
        more,
    ];
    sandbox(SandboxOptions {
        lag: Lag::None,
        estate: SandboxEstate::parse(&estate.join("\n")).expect("an estate"),
        ..SandboxOptions::default()
    })
}

#[tokio::test]
async fn trouble_peering_refused_with_azure_code() {
    let vnet = format!("{TROUBLES}/rg-network/{VNETS}/vnet-full");
    let full: String = (0..500)
        .map(|n| {
            format!("[[leftovers]]\nvnet = \"{vnet}\"\nname = \"p{n}\"\nremote = \"{vnet}-{n}\"\nprefixes = [\"192.168.0.0/24\"]\n")
        })
        .collect();
    let operator = operator(&troubled(&full)).await;
    let legacy = format!("/subscriptions/{SUB}/resourceGroups/rg-legacy/{VNETS}/vnet-legacy");
    let table = [
        (
            format!("{TROUBLES}/rg-policed/{VNETS}/vnet-policed"),
            VNET,
            403,
            "RequestDisallowedByPolicy",
        ),
        (
            format!("{UNREGISTERED}/rg-network/{VNETS}/vnet-unregistered"),
            VNET,
            409,
            "MissingSubscriptionRegistration",
        ),
        (
            format!("{TROUBLES}/rg-locked/{VNETS}/vnet-locked"),
            VNET,
            409,
            "ScopeLocked",
        ),
        (
            format!("{TROUBLES}/rg-network/{VNETS}/vnet-busy"),
            VNET,
            429,
            "RetryableError",
        ),
        (vnet, VNET, 400, "VnetPeeringLimitReached"),
        (
            format!("{TROUBLES}/rg-network/{VNETS}/vnet-left"),
            legacy.as_str(),
            400,
            "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet",
        ),
    ];
    for (vnet, remote, status, code) in table {
        let seen = operator.peer(&vnet, "new", remote).await;
        assert_eq!((seen.status, seen.code()), (status, code), "{vnet}: {}", seen.text);
    }
    let inside = format!("{TROUBLES}/rg-network/{VNETS}/vnet-kept");
    let seen = operator
        .peer(
            &format!("{TROUBLES}/rg-policed/{VNETS}/vnet-policed"),
            "inside",
            &inside,
        )
        .await;
    assert_eq!(
        seen.status, 201,
        "the policy is about other subscriptions: {}",
        seen.text
    );
}

#[tokio::test]
async fn trouble_policy_predicts_outcome() {
    let sandbox = troubled("");
    let (operator, limited) = (operator(&sandbox).await, limited(&sandbox).await);
    let ask = |remote: &str| {
        json!({"resourceDetails": {
            "resourceContent": {
                "type": "Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
                "properties": {"remoteVirtualNetwork": {"id": remote}},
            },
            "scope": format!("{TROUBLES}/rg-policed/{VNETS}/vnet-policed"),
        }})
    };
    let path = format!("{TROUBLES}/rg-policed/providers/Microsoft.PolicyInsights/checkPolicyRestrictions");
    let evaluations = |body: &Value| body["contentEvaluationResult"]["policyEvaluations"].clone();
    let denied = operator.arm(Method::POST, &path, Some(ask(VNET))).await.ok();
    assert_eq!(
        evaluations(&denied)[0]["effectDetails"]["policyEffect"],
        "Deny",
        "{denied:#}"
    );
    let inside = format!("{TROUBLES}/rg-network/{VNETS}/vnet-kept");
    let fine = operator.arm(Method::POST, &path, Some(ask(&inside))).await.ok();
    assert_eq!(evaluations(&fine), json!([]), "{fine:#}");
    let seen = limited.arm(Method::POST, &path, Some(ask(VNET))).await;
    assert_eq!(seen.code(), "AuthorizationFailed");
}

#[tokio::test]
async fn trouble_tenant_limits_custom_roles() {
    let roles: String = (0..5_000)
        .map(|n| {
            format!("[[roles]]\nguid = \"99999999-0000-4000-8000-{n:012x}\"\nname = \"role {n}\"\ntenant = \"{TENANT}\"\nactions = [\"*/read\"]\nscopes = [\"/subscriptions/{SUB}\"]\n")
        })
        .collect();
    let operator = operator(&troubled(&roles)).await;
    assert_eq!(define(&operator, &ACTIONS).await.code(), "RoleDefinitionLimitExceeded");
}

/// As the Azure SDKs do it: refused, they register, look until it is so, and write again.
#[tokio::test]
async fn trouble_registration_precedes_writes() {
    let sandbox = troubled("");
    let (operator, limited) = (operator(&sandbox).await, limited(&sandbox).await);
    let vnet = format!("{UNREGISTERED}/rg-network/{VNETS}/vnet-unregistered");
    let group = format!("{UNREGISTERED}/rg-network/providers/Microsoft.Network/networkSecurityGroups/nsg");
    let written = [
        vnet.clone(),
        format!("{vnet}/subnets/one"),
        group.clone(),
        format!("{group}/securityRules/one"),
    ];
    for path in &written {
        let seen = operator.arm(Method::PUT, path, Some(json!({}))).await;
        assert_eq!(seen.code(), "MissingSubscriptionRegistration", "{path}: {}", seen.text);
        assert_eq!(seen.body["error"]["details"][0]["target"], "Microsoft.Network");
    }
    let provider = UNREGISTERED.replace("resourceGroups", "providers/microsoft.network");
    let register = format!("{provider}/register");
    let seen = limited.arm(Method::POST, &register, None).await;
    assert!(seen.text.contains("Microsoft.Network/register/action"), "{}", seen.text);
    assert_eq!((seen.status, seen.code()), (403, "AuthorizationFailed"));
    let state = |seen: Value| seen["registrationState"].clone();
    assert_eq!(state(operator.get(&provider).await.ok()), "Unregistered");
    assert_eq!(
        state(operator.arm(Method::POST, &register, None).await.ok()),
        "Registered"
    );
    assert_eq!(state(operator.get(&provider).await.ok()), "Registered");
    for path in &written {
        let seen = operator.arm(Method::PUT, path, Some(json!({}))).await;
        assert_ne!(seen.code(), "MissingSubscriptionRegistration", "{path}: {}", seen.text);
    }
    assert_eq!(operator.peer(&vnet, "new", VNET).await.status, 201);
}

#[tokio::test]
async fn trouble_group_delete_removes_route_tables() {
    let client = operator(&troubled("")).await;
    let group = format!("{TROUBLES}/rg-network");
    let table = format!("{group}/providers/Microsoft.Network/routeTables/rt-firewall");
    let lock = format!("{group}/{VNETS}/vnet-kept/providers/Microsoft.Authorization/locks/keep");
    client.get(&table).await.ok();
    client.arm(Method::DELETE, &lock, None).await.ok();
    client.arm(Method::DELETE, &group, None).await.ok();
    assert_eq!(client.get(&table).await.code(), "ResourceNotFound");
}
