//! Microsoft Graph.

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
async fn graph_service_principal_lifecycle() {
    let sandbox = sandbox(at_once());
    let operator = operator(&sandbox).await;
    let id = consent(&operator).await;
    let again = operator
        .send(Method::POST, "/v1.0/servicePrincipals", Some(json!({"appId": KONG})))
        .await;
    assert_eq!(
        (again.status, again.code()),
        (409, "Request_MultipleObjectsWithSameKeyValue")
    );
    let filters = [
        format!("appId eq '{KONG}'"),
        format!("servicePrincipalNames/any(c:c eq '{KONG}')"),
        "displayName eq 'kong-cgw-azure-vnet-peering-app'".to_owned(),
        "startswith(displayName,'kong-')".to_owned(),
    ];
    for filter in filters {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("$filter", &filter)
            .finish();
        let found = operator
            .send(Method::GET, &format!("/v1.0/servicePrincipals?{query}"), None)
            .await
            .ok();
        assert_eq!(found["value"][0]["id"], id.as_str(), "{filter}");
        assert_eq!(found["value"][0]["appOwnerOrganizationId"], KONG_TENANT);
    }
    for key in [format!("/{id}"), format!("(appId='{KONG}')")] {
        let found = operator
            .send(Method::GET, &format!("/v1.0/servicePrincipals{key}"), None)
            .await
            .ok();
        assert_eq!(found["appId"], KONG);
    }
    let deleted = operator
        .send(Method::DELETE, &format!("/v1.0/servicePrincipals/{id}"), None)
        .await;
    assert_eq!(deleted.status, 204);
    let gone = operator
        .send(Method::GET, &format!("/v1.0/servicePrincipals/{id}"), None)
        .await;
    assert_eq!((gone.status, gone.code()), (404, "Request_ResourceNotFound"));
    assert_ne!(consent(&operator).await, id, "made anew it has another object id");
}

#[tokio::test]
async fn graph_separates_rights_from_unknown_application() {
    let sandbox = sandbox(at_once());
    let (operator, limited) = (operator(&sandbox).await, limited(&sandbox).await);
    let create = async |client: &SandboxClient, app: &str| {
        client
            .send(
                Method::POST,
                "/v1.0/servicePrincipals",
                Some(json!({"appId": app, "accountEnabled": true})),
            )
            .await
    };
    let unknown = create(&operator, GRANT).await;
    assert_eq!((unknown.status, unknown.code()), (400, "Request_BadRequest"));
    assert_eq!(
        unknown.body["error"]["details"][0]["code"],
        "NoBackingApplicationObject"
    );
    let foreign = create(&limited, KONG).await;
    assert_eq!((foreign.status, foreign.code()), (403, "Authorization_RequestDenied"));
    assert!(foreign.text.contains("must in the local tenant"));
    assert!(
        create(&limited, OPERATOR)
            .await
            .text
            .contains("Insufficient privileges")
    );
    let deleted = limited
        .send(
            Method::DELETE,
            &format!("/v1.0/servicePrincipals(appId='{OPERATOR}')"),
            None,
        )
        .await;
    assert_eq!(deleted.status, 403);
}

#[tokio::test]
async fn the_directory_is_read() {
    let sandbox = sandbox(at_once());
    let operator = operator(&sandbox).await;
    let get = async |path: &str| operator.send(Method::GET, &format!("/v1.0{path}"), None).await;
    assert_eq!(get("/organization").await.ok()["value"][0]["id"], TENANT);
    let me = get("/me").await;
    assert_eq!((me.status, me.code()), (400, "Request_BadRequest"));
    let roles = get(&format!(
        "/servicePrincipals(appId='{OPERATOR}')/transitiveMemberOf/microsoft.graph.directoryRole"
    ))
    .await;
    assert_eq!(roles.ok()["value"][0]["displayName"], "Application Administrator");
    let own = get("/applications?$filter=startswith(displayName,'peerctl')")
        .await
        .ok();
    assert_eq!(own["value"].as_array().map(Vec::len), Some(3));
    assert_eq!(
        get(&format!("/applications/{KONG}")).await.code(),
        "Request_ResourceNotFound"
    );
    let body = json!({"ids": [get(&format!("/servicePrincipals(appId='{OPERATOR}')")).await.ok()["id"]]});
    let found = operator
        .send(Method::POST, "/v1.0/directoryObjects/getByIds", Some(body))
        .await
        .ok();
    assert_eq!(found["value"][0]["@odata.type"], "#microsoft.graph.servicePrincipal");
    let empty = raw(&sandbox, get_request("/v1.0/organization")).await;
    assert_eq!((empty.status, empty.code()), (401, "InvalidAuthenticationToken"));
}

#[tokio::test]
async fn long_lists_come_in_pages() {
    let sandbox = sandbox(SandboxOptions {
        page_size: 1,
        ..at_once()
    });
    let operator = operator(&sandbox).await;
    consent(&operator).await;
    let mut path = "/v1.0/servicePrincipals".to_owned();
    let mut names = Vec::new();
    loop {
        let seen = operator.send(Method::GET, &path, None).await.ok();
        names.push(seen["value"][0]["displayName"].as_str().expect("a name").to_owned());
        let Some(next) = seen["@odata.nextLink"].as_str() else {
            break;
        };
        path = next.trim_start_matches("https://localhost:1").to_owned();
    }
    assert_eq!(
        names,
        [
            "peerctl-operator",
            "peerctl-limited",
            "peerctl-pipeline",
            "fabrikam-operator",
            "kong-cgw-azure-vnet-peering-app"
        ]
    );
}

#[tokio::test]
async fn graph_without_permissions_reads_nothing() {
    let sandbox = sandbox(at_once());
    let pipeline = sign_in(&sandbox, TENANT, PIPELINE, "sandbox~pipeline~secret").await;
    for path in ["/servicePrincipals", "/applications", "/organization"] {
        let seen = pipeline.send(Method::GET, &format!("/v1.0{path}"), None).await;
        assert_eq!(
            (seen.status, seen.code()),
            (403, "Authorization_RequestDenied"),
            "{path}"
        );
    }
    assert_eq!(pipeline.get(VNET).await.status, 200, "in Azure it is Owner");
}
