//! Other data that clients keep in the directory: properties, secrets of a service principal, federated credentials.

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
async fn graph_write_round_trips_selected_fields() {
    let operator = operator(&sandbox(at_once())).await;
    let body = json!({"displayName": "kept", "identifierUris": ["api://kept"],
        "web": {"redirectUris": ["http://localhost"]}});
    let made = operator.send(Method::POST, "/v1.0/applications", Some(body)).await.ok();
    let path = format!("/v1.0/applications/{}", made["id"].as_str().expect("an id"));
    let change = json!({"web": {"homePageUrl": "https://contoso.example"}});
    assert_eq!(operator.send(Method::PATCH, &path, Some(change)).await.status, 204);
    let seen = operator
        .send(Method::GET, &format!("{path}?$select=web,displayName"), None)
        .await
        .ok();
    assert_eq!(seen["web"]["redirectUris"][0], "http://localhost");
    assert_eq!(seen["web"]["homePageUrl"], "https://contoso.example");
    assert!(seen.get("id").is_none() && seen["@odata.context"].is_string(), "{seen}");
    let by_uri = "/v1.0/applications?$count=true&$filter=identifierUris/any(s:s%20eq%20'api://kept')";
    let found = operator.send(Method::GET, by_uri, None).await.ok();
    assert_eq!(
        (&found["@odata.count"], &found["value"][0]["displayName"]),
        (&json!(1), &json!("kept"))
    );
}

#[tokio::test]
async fn graph_principal_secret_signs_in() {
    let sandbox = sandbox(at_once());
    let operator = operator(&sandbox).await;
    let made = operator
        .send(Method::POST, "/v1.0/applications", Some(json!({"displayName": "mine"})))
        .await
        .ok();
    let app = made["appId"].as_str().expect("an id");
    let made = operator
        .send(Method::POST, "/v1.0/servicePrincipals", Some(json!({"appId": app})))
        .await
        .ok();
    let path = format!("/v1.0/servicePrincipals/{}", made["id"].as_str().expect("an id"));
    let added = operator
        .send(Method::POST, &format!("{path}/addPassword"), Some(json!({})))
        .await
        .ok();
    let secret = added["secretText"].as_str().expect("a secret");
    assert_eq!(token(&sandbox, TENANT, app, secret).await.status, 200);
    let shown = operator.send(Method::GET, &path, None).await.ok();
    assert_eq!(shown["passwordCredentials"][0]["keyId"], added["keyId"]);
    assert!(!shown.to_string().contains(secret), "{shown}");
    let removed = operator
        .send(
            Method::POST,
            &format!("{path}/removePassword"),
            Some(json!({"keyId": added["keyId"]})),
        )
        .await;
    assert_eq!(removed.status, 204);
    assert_eq!(token(&sandbox, TENANT, app, secret).await.status, 401);
    let limited = limited(&sandbox).await;
    assert_eq!(
        limited
            .send(Method::POST, &format!("{path}/addPassword"), Some(json!({})))
            .await
            .status,
        403
    );
}

#[tokio::test]
async fn graph_federated_credential_lifecycle() {
    let sandbox = sandbox(at_once());
    let operator = operator(&sandbox).await;
    let path = format!("/v1.0/applications(appId='{OPERATOR}')/federatedIdentityCredentials");
    let new = json!({"name": "ci", "issuer": "https://ci.example", "subject": "main", "audiences": ["api://x"]});
    let made = operator.send(Method::POST, &path, Some(new.clone())).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(operator.send(Method::POST, &path, Some(new)).await.status, 409);
    let listed = operator.send(Method::GET, &path, None).await.ok();
    assert_eq!(listed["value"].as_array().map(Vec::len), Some(2), "{listed}");
    let by_name = operator.send(Method::GET, &format!("{path}/ci"), None).await.ok();
    assert_eq!(by_name["audiences"], json!(["api://x"]));
    let id = made.body["id"].as_str().expect("an id").to_owned();
    assert_eq!(
        operator
            .send(Method::DELETE, &format!("{path}/{id}"), None)
            .await
            .status,
        204
    );
    assert_eq!(
        operator.send(Method::GET, &format!("{path}/ci"), None).await.status,
        404
    );
}
