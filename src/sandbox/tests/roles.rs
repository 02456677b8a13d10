//! Role definitions and assignments.

use http::Method;
use serde_json::{Value, json};

use super::support::*;
use crate::sandbox::{Lag, SandboxOptions};

fn at_once() -> SandboxOptions {
    SandboxOptions {
        lag: Lag::None,
        ..SandboxOptions::default()
    }
}

const NETWORK_CONTRIBUTOR: &str = "4d97b98b-1d4f-4787-a291-c67834d212e7";

fn definition(subscription: &str, guid: &str) -> String {
    format!("/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{guid}")
}

fn role(name: &str, scopes: &[&str]) -> Value {
    let scopes: Vec<String> = scopes.iter().map(|id| format!("/subscriptions/{id}")).collect();
    json!({"properties": {"roleName": name, "permissions": [{"actions": [ACTIONS[0]]}], "assignableScopes": scopes}})
}

#[tokio::test]
async fn role_listed_at_assignable_scopes() {
    let sandbox = sandbox(at_once());
    let operator = operator(&sandbox).await;
    let created = define(&operator, &ACTIONS).await;
    assert_eq!(created.status, 201);
    assert_eq!(created.body["properties"]["type"], "CustomRole");
    assert_eq!(created.body["properties"]["permissions"][0]["notActions"], json!([]));
    assert_eq!(created.body["properties"]["createdBy"], Value::Null);
    let list = |scope: &str, filter: &str| {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("$filter", filter)
            .finish();
        format!("{scope}/providers/Microsoft.Authorization/roleDefinitions?{query}")
    };
    let names = async |path: String| {
        let seen = operator.get(&path).await.ok();
        let items = seen["value"].as_array().expect("a list").clone();
        items
            .iter()
            .map(|item| item["properties"]["roleName"].as_str().expect("a name").to_owned())
            .collect::<Vec<_>>()
    };
    let kong = "Kong Cloud Gateway Peering Creator";
    let (own, staging) = (format!("/subscriptions/{SUB}"), format!("/subscriptions/{STAGING}"));
    assert_eq!(
        names(list(VNET, "roleName eq 'KONG cloud gateway peering creator'")).await,
        [kong]
    );
    assert_eq!(names(list(&own, "type eq 'CustomRole'")).await, [kong]);
    assert!(names(list(&staging, "type eq 'CustomRole'")).await.is_empty());
    assert_eq!(
        names(list(&staging, "roleName eq 'network contributor'")).await,
        ["Network Contributor"]
    );
    assert_eq!(operator.get(&list(&own, "name eq 'x'")).await.status, 400);
    assert_eq!(
        operator.get(&definition(STAGING, ROLE)).await.code(),
        "RoleDefinitionDoesNotExist"
    );
}

#[tokio::test]
async fn role_name_unique_and_scopes_checked() {
    let sandbox = sandbox(at_once());
    let operator = operator(&sandbox).await;
    operator
        .arm(Method::PUT, &definition(SUB, ROLE), Some(role("one", &[SUB])))
        .await
        .ok();
    let put = async |guid: &str, body: Value| operator.arm(Method::PUT, &definition(STAGING, guid), Some(body)).await;
    let seen = put(GRANT, role("ONE", &[STAGING])).await;
    assert_eq!((seen.status, seen.code()), (409, "RoleDefinitionWithSameNameExists"));
    let seen = put(GRANT, role("two", &[STAGING, KONG_SUB])).await;
    assert_eq!((seen.status, seen.code()), (403, "LinkedAuthorizationFailed"));
    assert_eq!(put(GRANT, role("two", &[])).await.code(), "InvalidRoleDefinition");
    assert_eq!(
        put("not-a-guid", role("two", &[STAGING])).await.code(),
        "RoleDefinitionIdInvalid"
    );
    assert_eq!(put(ROLE, role("one", &[SUB, STAGING])).await.status, 201, "extended");
    assert_eq!(operator.get(&definition(STAGING, ROLE)).await.status, 200);
    let limited = limited(&sandbox).await;
    let seen = limited
        .arm(Method::PUT, &definition(SUB, ROLE), Some(role("one", &[SUB])))
        .await;
    assert_eq!((seen.status, seen.code()), (403, "AuthorizationFailed"));
}

#[tokio::test]
async fn role_assignment_unique_and_holds_role() {
    let sandbox = sandbox(at_once());
    let operator = operator(&sandbox).await;
    let principal = consent(&operator).await;
    define(&operator, &ACTIONS).await.ok();
    let path = |guid: &str| format!("{VNET}/providers/Microsoft.Authorization/roleAssignments/{guid}");
    let body = |principal: &str, role: &str| json!({"properties": {"roleDefinitionId": definition(SUB, role), "principalId": principal}});
    let put = async |guid: &str, body: Value| operator.arm(Method::PUT, &path(guid), Some(body)).await;
    assert_eq!(put(GRANT, body(GRANT, ROLE)).await.code(), "PrincipalNotFound");
    let none = put(GRANT, body(&principal, GRANT)).await;
    assert_eq!((none.status, none.code()), (404, "RoleDefinitionDoesNotExist"));
    let made = put(GRANT, body(&principal, ROLE)).await;
    assert_eq!(
        (made.status, made.body["properties"]["principalType"].as_str()),
        (201, Some("ServicePrincipal"))
    );
    assert_eq!(put(GRANT, body(&principal, ROLE)).await.status, 201, "the same again");
    let twin = put(ROLE, body(&principal, ROLE)).await;
    assert_eq!((twin.status, twin.code()), (409, "RoleAssignmentExists"));
    let other = put(GRANT, body(&principal, NETWORK_CONTRIBUTOR)).await;
    assert_eq!((other.status, other.code()), (400, "RoleAssignmentUpdateNotPermitted"));

    let held = operator.arm(Method::DELETE, &definition(SUB, ROLE), None).await;
    assert_eq!((held.status, held.code()), (400, "RoleDefinitionHasAssignments"));
    assert_eq!(operator.arm(Method::DELETE, &path(GRANT), None).await.status, 200);
    assert_eq!(operator.arm(Method::DELETE, &path(GRANT), None).await.status, 204);
    assert_eq!(
        operator.arm(Method::DELETE, &definition(SUB, ROLE), None).await.status,
        200
    );
    assert_eq!(
        operator.arm(Method::DELETE, &definition(SUB, ROLE), None).await.status,
        204
    );
    let limited = limited(&sandbox).await;
    let seen = limited
        .arm(Method::PUT, &path(GRANT), Some(body(&principal, NETWORK_CONTRIBUTOR)))
        .await;
    assert_eq!((seen.status, seen.code()), (403, "AuthorizationFailed"));
    let text = format!(
        "perform action 'Microsoft.Authorization/roleAssignments/write' over scope '{}'",
        path(GRANT)
    );
    assert!(seen.text.contains(&text), "{}", seen.text);
}

#[tokio::test]
async fn role_assignments_listed_by_scope_principal() {
    let sandbox = sandbox(at_once());
    let operator = operator(&sandbox).await;
    let principal = consent(&operator).await;
    define(&operator, &ACTIONS).await.ok();
    assign(&operator, &principal).await.ok();
    let count = async |scope: &str, filter: &str| {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("$filter", filter)
            .finish();
        let path = format!("{scope}/providers/Microsoft.Authorization/roleAssignments?{query}");
        let seen = operator.get(&path).await;
        if seen.status == 200 {
            seen.body["value"].as_array().map(Vec::len)
        } else {
            None
        }
    };
    let own = format!("/subscriptions/{SUB}");
    let table = [
        (own.as_str(), "atScope()".to_owned(), Some(2)),
        (own.as_str(), String::new(), Some(5)),
        (VNET, "atScope()".to_owned(), Some(4)),
        (VNET, format!("principalId eq '{principal}'"), Some(1)),
        (own.as_str(), format!("assignedTo('{principal}')"), Some(1)),
        (
            own.as_str(),
            format!("atScope() and assignedTo('{principal}')"),
            Some(0),
        ),
        (VNET, format!("atScope() and principalId eq '{principal}'"), None),
    ];
    for (scope, filter, expected) in table {
        assert_eq!(count(scope, &filter).await, expected, "{filter} at {scope}");
    }
}
