//! ARM's front: tokens, versions, what a caller sees, lists and their pages.

use http::Method;
use serde_json::json;

use super::support::*;
use crate::sandbox::{Lag, SandboxEstate, SandboxOptions};

fn at_once() -> SandboxOptions {
    SandboxOptions {
        lag: Lag::None,
        ..SandboxOptions::default()
    }
}

#[tokio::test]
async fn tokens_and_versions_are_checked_first() {
    let sandbox = sandbox(at_once());
    let operator = operator(&sandbox).await;
    let seen = raw(&sandbox, get_request("/subscriptions?api-version=2022-12-01")).await;
    assert_eq!((seen.status, seen.code()), (401, "AuthenticationFailed"));
    assert!(seen.header("www-authenticate").starts_with("Bearer authorization_uri="));
    let seen = raw(
        &sandbox,
        get_request(&format!("/subscriptions/{KONG_SUB}?api-version=2022-12-01")),
    )
    .await;
    assert!(
        seen.header("www-authenticate").contains(KONG_TENANT),
        "a challenge reveals the tenant"
    );

    let mut forged = operator.token.clone();
    forged.pop();
    let forged = SandboxClient {
        token: forged,
        sandbox: sandbox.clone(),
        auxiliary: None,
    };
    assert_eq!(forged.get("/subscriptions").await.code(), "InvalidAuthenticationToken");
    let seen = operator.get(&format!("/subscriptions/{KONG_SUB}")).await;
    assert_eq!((seen.status, seen.code()), (401, "InvalidAuthenticationTokenTenant"));
    assert!(
        seen.text.contains(&format!("https://sts.windows.net/{KONG_TENANT}/")),
        "{}",
        seen.text
    );

    let table = [
        ("/subscriptions", "MissingApiVersionParameter"),
        ("/subscriptions?api-version=soon", "InvalidApiVersionParameter"),
    ];
    for (path, code) in table {
        let seen = operator.send(Method::GET, path, None).await;
        assert_eq!((seen.status, seen.code()), (400, code));
    }
    let preview = operator
        .send(Method::GET, "/subscriptions?api-version=2022-05-01-preview", None)
        .await;
    assert_eq!(preview.status, 200);
    assert!(!preview.header("x-ms-request-id").is_empty() && !preview.header("x-ms-correlation-request-id").is_empty());
    assert_eq!(
        operator.get("/subscriptions/none").await.code(),
        "InvalidSubscriptionId"
    );
    assert_eq!(
        operator.get(&format!("/subscriptions/{GRANT}")).await.code(),
        "SubscriptionNotFound"
    );
}

#[tokio::test(start_paused = true)]
async fn a_token_ends() {
    let sandbox = sandbox(at_once());
    let operator = operator(&sandbox).await;
    tokio::time::advance(std::time::Duration::from_secs(3601)).await;
    let seen = operator.get("/subscriptions").await;
    assert_eq!((seen.status, seen.code()), (401, "ExpiredAuthenticationToken"));
    let seen = operator.send(Method::GET, "/v1.0/organization", None).await;
    assert_eq!((seen.status, seen.code()), (401, "InvalidAuthenticationToken"));
}

#[tokio::test]
async fn arm_visibility_follows_caller_roles() {
    let sandbox = sandbox(at_once());
    let (operator, limited) = (operator(&sandbox).await, limited(&sandbox).await);
    let count = |seen: &Seen| seen.body["value"].as_array().map_or(0, Vec::len);
    assert_eq!(count(&operator.get("/subscriptions").await), 3);
    assert_eq!(count(&limited.get("/subscriptions").await), 1);
    let vnets = format!("/subscriptions/{SUB}/providers/Microsoft.Network/virtualNetworks");
    assert_eq!(count(&operator.get(&vnets).await), 6);
    assert_eq!(count(&limited.get(&vnets).await), 2, "those in its own group");
    assert_eq!(
        count(&limited.get(&format!("/subscriptions/{SUB}/resourcegroups")).await),
        1
    );
    let seen = limited
        .get(&format!(
            "/subscriptions/{STAGING}/providers/Microsoft.Network/virtualNetworks"
        ))
        .await;
    assert_eq!((seen.status, seen.code()), (403, "AuthorizationFailed"));
    let entries = limited
        .get(&format!("{VNET}/providers/Microsoft.Authorization/permissions"))
        .await
        .ok();
    assert!(
        entries["value"][0]["actions"]
            .as_array()
            .expect("a list")
            .contains(&json!("Microsoft.Network/*"))
    );
}

#[tokio::test]
async fn arm_missing_resource_uses_azure_error() {
    let operator = operator(&sandbox(at_once())).await;
    let group = format!("/subscriptions/{SUB}/resourceGroups");
    let vnets = "providers/Microsoft.Network/virtualNetworks";
    let table = [
        (format!("{group}/none"), "ResourceGroupNotFound"),
        (format!("{group}/none/{vnets}/x"), "ResourceGroupNotFound"),
        (format!("{group}/rg-network/{vnets}/none"), "ResourceNotFound"),
        (
            format!("{group}/rg-network/{vnets}/none/virtualNetworkPeerings"),
            "ParentResourceNotFound",
        ),
        (format!("{VNET}/virtualNetworkPeerings/none"), "NotFound"),
        (
            format!("{group}/rg-network/providers/Microsoft.Network/networkSecurityGroups/none"),
            "ResourceNotFound",
        ),
        (
            format!("{VNET}/providers/Microsoft.Authorization/roleAssignments/{GRANT}"),
            "RoleAssignmentNotFound",
        ),
        (
            format!("{VNET}/providers/Microsoft.Authorization/roleDefinitions/{GRANT}"),
            "RoleDefinitionDoesNotExist",
        ),
    ];
    for (path, code) in table {
        let seen = operator.get(&path).await;
        assert_eq!((seen.status, seen.code()), (404, code), "{path}: {}", seen.text);
    }
}

#[tokio::test]
async fn arm_ids_compare_without_case() {
    let operator = operator(&sandbox(at_once())).await;
    let shouted = VNET.to_uppercase();
    let seen = operator.get(&shouted).await.ok();
    assert_eq!(seen["id"], VNET);
    let subnet = &seen["properties"]["subnets"][0]["properties"];
    let rules = operator
        .get(subnet["networkSecurityGroup"]["id"].as_str().expect("an id"))
        .await
        .ok();
    assert_eq!(
        rules["properties"]["defaultSecurityRules"].as_array().map(Vec::len),
        Some(6)
    );
}

#[tokio::test]
async fn long_lists_come_in_pages() {
    let sandbox = sandbox(SandboxOptions {
        page_size: 2,
        ..at_once()
    });
    let operator = operator(&sandbox).await;
    let mut path = format!("/subscriptions/{SUB}/providers/Microsoft.Network/virtualNetworks");
    let mut names = Vec::new();
    let mut seen = operator.get(&path).await.ok();
    loop {
        names.extend(
            seen["value"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|vnet| vnet["id"].to_string()),
        );
        let Some(next) = seen["nextLink"].as_str() else { break };
        path = next.trim_start_matches("https://localhost:1").to_owned();
        assert!(path.contains("api-version=2023-11-01"), "{path}");
        seen = operator.send(Method::GET, &path, None).await.ok();
    }
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 6);
}

#[tokio::test]
async fn resource_graph_answers_in_pages() {
    let sandbox = sandbox(at_once());
    let limited = limited(&sandbox).await;
    let operator = operator(&sandbox).await;
    let path = "/providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01";
    let query = "resources | where type =~ 'microsoft.network/virtualnetworks' | project id,name,location,subscriptionId,tenantId,properties";
    let ask = async |client: &SandboxClient, options: serde_json::Value| {
        client
            .send(Method::POST, path, Some(json!({"query": query, "options": options})))
            .await
            .ok()
    };
    let all = ask(&operator, json!({})).await;
    assert_eq!(all["totalRecords"], 10);
    assert_eq!(all["data"][0]["tenantId"], TENANT);
    assert_eq!(ask(&limited, json!({})).await["totalRecords"], 2);
    let first = ask(&operator, json!({"$top": 6})).await;
    assert_eq!(first["count"], 6);
    let rest = ask(&operator, json!({"$top": 6, "$skipToken": first["$skipToken"]})).await;
    assert_eq!((rest["count"].as_u64(), rest.get("$skipToken")), (Some(4), None));
    let named = "resources | where type =~ 'microsoft.network/virtualnetworks' | order by name asc, id asc | project name, prefixes = properties.addressSpace.addressPrefixes";
    let by_name = operator
        .send(Method::POST, path, Some(json!({"query": named})))
        .await
        .ok();
    // rg-network-eu comes before rg-network: a hyphen before a slash.
    let expected = [("vnet-app", "10.40.0.0/16"), ("vnet-app", "10.20.0.0/16")];
    for (row, (name, prefix)) in expected.into_iter().enumerate() {
        assert_eq!(by_name["data"][row], json!({"name": name, "prefixes": [prefix]}));
    }
    let other = operator
        .send(Method::POST, path, Some(json!({"query": "resources | take 1"})))
        .await;
    assert_eq!((other.status, other.code()), (400, "BadRequest"));
}

#[tokio::test]
async fn locks_are_listed_and_hold() {
    let operator = operator(&sandbox(at_once())).await;
    let frozen =
        format!("/subscriptions/{SUB}/resourceGroups/rg-apps/providers/Microsoft.Network/virtualNetworks/vnet-frozen");
    let locks = operator
        .get(&format!("{frozen}/providers/Microsoft.Authorization/locks"))
        .await
        .ok();
    assert_eq!(locks["value"][0]["properties"]["level"], "ReadOnly");
    let seen = operator.peer(&frozen, "p", VNET).await;
    assert_eq!((seen.status, seen.code()), (409, "ScopeLocked"));
    let seen = operator
        .arm(Method::DELETE, &format!("{frozen}/virtualNetworkPeerings/p"), None)
        .await;
    assert_eq!((seen.status, seen.code()), (409, "ScopeLocked"));
}

#[tokio::test]
async fn arm_lock_lifecycle() {
    let sandbox = sandbox(at_once());
    let operator = operator(&sandbox).await;
    let lock = format!("{VNET}/providers/Microsoft.Authorization/locks/Keep");
    let body = |level: &str| Some(json!({"properties": {"level": level}}));
    let seen = operator.arm(Method::PUT, &lock, body("Never")).await;
    assert_eq!((seen.status, seen.code()), (400, "InvalidLockLevel"));
    let made = operator.arm(Method::PUT, &lock, body("CanNotDelete")).await;
    assert_eq!((made.status, &made.body["name"]), (201, &json!("Keep")));
    assert!(made.body["properties"].get("notes").is_none(), "{}", made.text);
    let deletes = format!("{VNET}/virtualNetworkPeerings/p");
    assert_eq!(operator.arm(Method::DELETE, &deletes, None).await.code(), "ScopeLocked");
    let changed = operator.arm(Method::PUT, &lock.to_uppercase(), body("readonly")).await;
    assert_eq!(changed.body["properties"]["level"], "ReadOnly", "{}", changed.text);
    assert_eq!(operator.get(&lock).await.body["properties"]["level"], "ReadOnly");
    // Who may not write it may not remove it either.
    let limited = limited(&sandbox).await;
    let seen = limited.arm(Method::DELETE, &lock, None).await;
    assert_eq!((seen.status, seen.code()), (403, "AuthorizationFailed"));
    assert_eq!(operator.arm(Method::DELETE, &lock, None).await.status, 200);
    assert_eq!(operator.arm(Method::DELETE, &lock, None).await.status, 204);
    assert_eq!(operator.get(&lock).await.code(), "LockNotFound");
    assert_eq!(operator.arm(Method::DELETE, &deletes, None).await.status, 204);
}

#[tokio::test]
async fn the_clouds_endpoints_need_no_token() {
    let sandbox = sandbox(at_once());
    let seen = raw(&sandbox, get_request("/metadata/endpoints?api-version=2022-09-01"))
        .await
        .ok();
    assert_eq!(
        seen["authentication"]["audiences"][0],
        "https://management.core.windows.net/"
    );
}

#[test]
fn estate_error_names_line() {
    let estate = SandboxEstate::default();
    assert_eq!(estate.credentials().tenant_id.to_string(), TENANT);
    let why = SandboxEstate::parse("[credentials]\ntenant_id = 7").expect_err("not an estate");
    assert!(why.contains("line 2"), "{why}");
}

#[tokio::test]
async fn a_large_estate_is_listed_whole() {
    let sandbox = sandbox(SandboxOptions {
        estate: SandboxEstate::scaled(4, 300),
        ..at_once()
    });
    let operator = operator(&sandbox).await;
    let list = operator.get("/subscriptions").await.ok();
    assert_eq!(list["value"].as_array().map(Vec::len), Some(7));
    let id = list["value"][6]["id"].as_str().expect("an id").to_owned();
    let mut path = format!("{id}/providers/Microsoft.Network/virtualNetworks?api-version=2024-03-01");
    let mut count = 0;
    loop {
        let seen = operator.send(Method::GET, &path, None).await.ok();
        count += seen["value"].as_array().map_or(0, Vec::len);
        let Some(next) = seen["nextLink"].as_str() else { break };
        path = next.trim_start_matches("https://localhost:1").to_owned();
    }
    assert_eq!(count, 300);
}

#[tokio::test]
async fn sandbox_seed_reproduces_world() {
    let run = async || {
        let sandbox = sandbox(at_once());
        let operator = operator(&sandbox).await;
        let principal = consent(&operator).await;
        define(&operator, &ACTIONS).await.ok();
        assign(&operator, &principal).await.ok();
        let created = request(&sandbox, NETWORK, VNET).await;
        assert_eq!(gateway(&sandbox, &created).await["state"], "ready");
        let made = format!("{principal} {}", created.body["id"]);
        (made, raw(&sandbox, get_request("/_sandbox/state")).await.text)
    };
    assert_eq!(run().await, run().await);
}
