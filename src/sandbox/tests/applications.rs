//! Applications and their client secrets, in Graph and at the token endpoint.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use tokio::time::advance;

use super::own_app::*;
use super::support::*;
use crate::sandbox::{Lag, SandboxOptions};

const NAME: &str = "/applications(uniqueName='peerctl-1')";

async fn upsert(client: &SandboxClient, path: &str, create: bool, body: Value) -> Seen {
    let mut request = http::Request::patch(format!("https://localhost:1/v1.0{path}"))
        .header("authorization", format!("Bearer {}", client.token));
    if create {
        request = request.header("prefer", "create-if-missing");
    }
    raw(
        &client.sandbox,
        request.body(body.to_string().into()).expect("a request"),
    )
    .await
}

fn codes(seen: &Seen) -> Value {
    seen.body["error_codes"].clone()
}

#[tokio::test]
async fn application_lifecycle_create_to_delete() {
    let sandbox = sandbox(at_once());
    let operator = operator(&sandbox).await;
    let made = graph(
        &operator,
        Method::POST,
        "/applications",
        json!({"displayName": "client-app"}),
    )
    .await;
    assert_eq!(made.status, 201);
    assert_eq!(made.body["signInAudience"], "AzureADandPersonalMicrosoftAccount");
    assert_eq!(made.body["passwordCredentials"], json!([]));
    let (id, app_id) = (text(&made.body["id"]), text(&made.body["appId"]));
    assert!(
        made.header("location")
            .ends_with(&format!("{id}/Microsoft.DirectoryServices.Application"))
    );
    let filters = [
        (format!("appId eq '{app_id}'"), 1),
        ("displayName eq 'client-app'".into(), 1),
        ("startswith(displayName,'client')".into(), 1),
        ("identifierUris/any(s:s eq 'api://x')".into(), 0),
    ];
    for (filter, count) in filters {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("$filter", &filter)
            .finish();
        let found = graph(&operator, Method::GET, &format!("/applications?{query}"), json!(null))
            .await
            .ok();
        assert_eq!(found["value"].as_array().map(Vec::len), Some(count), "{filter}");
    }
    let change = json!({"signInAudience": "AzureADMultipleOrgs", "notes": "peerctl", "displayName": "other"});
    let by_app_id = format!("/applications(appId='{app_id}')");
    assert_eq!(graph(&operator, Method::PATCH, &by_app_id, change).await.status, 204);
    let seen = graph(&operator, Method::GET, &format!("/applications/{id}"), json!(null))
        .await
        .ok();
    assert_eq!(
        (&seen["notes"], &seen["displayName"]),
        (&json!("peerctl"), &json!("other"))
    );
    assert_eq!(seen["signInAudience"], "AzureADMultipleOrgs");

    for body in [
        json!({}),
        json!({"displayName": ""}),
        json!({"displayName": "a", "signInAudience": "All"}),
    ] {
        let seen = graph(&operator, Method::POST, "/applications", body).await;
        assert_eq!((seen.status, seen.code()), (400, "Request_BadRequest"));
    }
    graph(&operator, Method::POST, "/servicePrincipals", json!({"appId": app_id}))
        .await
        .ok();
    assert_eq!(
        graph(&operator, Method::DELETE, &by_app_id, json!(null)).await.status,
        204
    );
    let gone = graph(&operator, Method::GET, &by_app_id, json!(null)).await;
    assert_eq!((gone.status, gone.code()), (404, "Request_ResourceNotFound"));
    assert!(gone.text.contains(&app_id));
    let principal = format!("/servicePrincipals(appId='{app_id}')");
    assert_eq!(
        graph(&operator, Method::GET, &principal, json!(null)).await.status,
        404,
        "its principal goes with it"
    );
}

#[tokio::test]
async fn application_unique_name_created_once() {
    let sandbox = sandbox(at_once());
    let operator = operator(&sandbox).await;
    let body = json!({"displayName": "peerctl", "signInAudience": "AzureADMultipleOrgs"});
    assert_eq!(upsert(&operator, NAME, false, body.clone()).await.status, 404);
    let made = upsert(&operator, NAME, true, body.clone()).await;
    assert_eq!((made.status, &made.body["uniqueName"]), (201, &json!("peerctl-1")));
    let again = upsert(&operator, NAME, true, json!({"displayName": "peerctl", "notes": "n"})).await;
    assert_eq!((again.status, again.text.as_str()), (204, ""));
    let found = graph(&operator, Method::GET, NAME, json!(null)).await.ok();
    assert_eq!((&found["id"], &found["notes"]), (&made.body["id"], &json!("n")));

    let other = json!({"displayName": "b", "uniqueName": "peerctl-1"});
    assert_eq!(
        graph(&operator, Method::POST, "/applications", other).await.status,
        400,
        "taken"
    );
    let renamed = upsert(&operator, NAME, false, json!({"uniqueName": "peerctl-2"})).await;
    assert!(
        renamed.status == 400 && renamed.text.contains("immutable"),
        "{}",
        renamed.text
    );
    let plain = graph(&operator, Method::POST, "/applications", json!({"displayName": "b"}))
        .await
        .ok();
    let path = format!("/applications/{}", text(&plain["id"]));
    let given = graph(&operator, Method::PATCH, &path, json!({"uniqueName": "peerctl-2"})).await;
    assert_eq!(given.status, 204, "one that has none can be given one");
}

#[tokio::test]
async fn who_may_not_is_denied() {
    let sandbox = sandbox(at_once());
    let own = own_app(&operator(&sandbox).await, "AzureADMyOrg").await;
    let limited = limited(&sandbox).await;
    let app = format!("/applications/{}", own.id);
    let table = [
        (Method::POST, "/applications".to_owned()),
        (Method::PATCH, app.clone()),
        (Method::PATCH, NAME.to_owned()),
        (Method::DELETE, app.clone()),
        (Method::POST, format!("{app}/addPassword")),
        (Method::POST, format!("{app}/removePassword")),
    ];
    for (method, path) in table {
        let seen = graph(&limited, method, &path, json!({"displayName": "x", "keyId": own.key})).await;
        assert_eq!(
            (seen.status, seen.code()),
            (403, "Authorization_RequestDenied"),
            "{path}"
        );
    }
    assert_eq!(
        graph(&limited, Method::GET, &app, json!(null)).await.status,
        200,
        "reading is free"
    );
}

#[tokio::test(start_paused = true)]
async fn application_secret_shown_once_and_expires() {
    let sandbox = sandbox(at_once());
    let operator = operator(&sandbox).await;
    let own = own_app(&operator, "AzureADMultipleOrgs").await;
    let app = format!("/applications/{}", own.id);
    let post = async |what: &str, body: Value| graph(&operator, Method::POST, &format!("{app}/{what}"), body).await;
    let shown = graph(&operator, Method::GET, &app, json!(null)).await.ok();
    let listed = &shown["passwordCredentials"][0];
    assert_eq!(
        (&listed["secretText"], &listed["keyId"]),
        (&json!(null), &json!(own.key))
    );
    assert!(own.secret.starts_with(listed["hint"].as_str().expect("a hint")) && own.secret.len() == 40);
    let year = |value: &Value| {
        value
            .as_str()
            .and_then(|text| text[..4].parse::<u32>().ok())
            .expect("a year")
    };
    let years = year(&listed["endDateTime"]) - year(&listed["startDateTime"]);
    assert!((1..=2).contains(&years), "two years: {listed}");

    let wall: time::OffsetDateTime = std::time::SystemTime::now().into();
    let soon = (wall + Duration::from_secs(1800))
        .format(&time::format_description::well_known::Rfc3339)
        .expect("a time");
    let short = post(
        "addPassword",
        json!({"passwordCredential": {"displayName": "run", "endDateTime": soon}}),
    )
    .await;
    assert_eq!(short.status, 200);
    let secret = text(&short.body["secretText"]);
    let state = dump(&sandbox).await;
    assert!(!state.to_string().contains(&secret), "a dump holds no secret");
    assert!(
        state["applications"].to_string().contains("\"run\""),
        "and the names of credentials"
    );
    let signed = async |secret: &str| token(&sandbox, TENANT, &own.app_id, secret).await;
    assert_eq!(signed(&secret).await.status, 200);
    advance(Duration::from_secs(1801)).await;
    assert_eq!(codes(&signed(&secret).await), json!([7_000_222]));
    assert_eq!(signed(&own.secret).await.status, 200);
    assert_eq!(codes(&signed("wrong").await), json!([7_000_215]));

    assert_eq!(post("removePassword", json!({"keyId": own.key})).await.status, 204);
    assert_eq!(codes(&signed(&own.secret).await), json!([7_000_215]));
    let unknown = post("removePassword", json!({"keyId": own.key})).await;
    assert_eq!(unknown.status, 400);
    assert!(
        unknown
            .text
            .contains(&format!("No password credential found with keyId {}.", own.key)),
        "{}",
        unknown.text
    );
    for body in [
        json!({"endDateTime": "soon"}),
        json!({"endDateTime": "2020-01-01T00:00:00Z"}),
    ] {
        assert_eq!(
            post("addPassword", json!({"passwordCredential": body})).await.status,
            400
        );
    }
}

#[tokio::test]
async fn token_endpoint_separates_single_multi_tenant() {
    let sandbox = sandbox(at_once());
    let operator = operator(&sandbox).await;
    let own = own_app(&operator, "AzureADMyOrg").await;
    let there = async || token(&sandbox, KONG_TENANT, &own.app_id, &own.secret).await;
    assert_eq!(codes(&there().await), json!([700_016]));
    let path = format!("/applications/{}", own.id);
    graph(
        &operator,
        Method::PATCH,
        &path,
        json!({"signInAudience": "AzureADMultipleOrgs"}),
    )
    .await;
    assert_eq!(codes(&there().await), json!([7_000_229]));
    assert_eq!(token(&sandbox, TENANT, &own.app_id, &own.secret).await.status, 200);
    graph(&operator, Method::DELETE, &path, json!(null)).await;
    assert_eq!(
        codes(&token(&sandbox, TENANT, &own.app_id, &own.secret).await),
        json!([700_016])
    );
}

#[tokio::test(start_paused = true)]
async fn a_new_application_is_known_late() {
    let sandbox = sandbox(SandboxOptions {
        lag: Lag::Worst,
        ..SandboxOptions::default()
    });
    let operator = operator(&sandbox).await;
    let body = json!({"displayName": "peerctl", "signInAudience": "AzureADMultipleOrgs"});
    let made = upsert(&operator, NAME, true, body.clone()).await.ok();
    assert_eq!(
        upsert(&operator, NAME, true, body).await.status,
        204,
        "the key is held from the first moment"
    );
    let (path, app_id) = (format!("/applications/{}", text(&made["id"])), text(&made["appId"]));
    assert_eq!(graph(&operator, Method::GET, &path, json!(null)).await.status, 404);
    let principal = async || graph(&operator, Method::POST, "/servicePrincipals", json!({"appId": app_id})).await;
    let early = principal().await;
    assert_eq!(
        (early.status, &early.body["error"]["details"][0]["code"]),
        (400, &json!("NoBackingApplicationObject"))
    );
    advance(Duration::from_secs(31)).await;
    let early = principal().await;
    assert!(
        early.status == 403 && early.text.contains("must in the local tenant"),
        "{}",
        early.text
    );
    let add = format!("{path}/addPassword");
    let password = graph(&operator, Method::POST, &add, json!({})).await.ok();
    let secret = text(&password["secretText"]);
    assert_eq!(
        codes(&token(&sandbox, TENANT, &app_id, &secret).await),
        json!([700_016])
    );
    let remove = json!({"keyId": password["keyId"]});
    let early = graph(&operator, Method::POST, &format!("{path}/removePassword"), remove).await;
    assert_eq!(early.status, 400, "not everywhere yet");
    advance(Duration::from_secs(31)).await;
    assert_eq!(principal().await.status, 201);
    assert_eq!(
        codes(&token(&sandbox, TENANT, &app_id, &secret).await),
        json!([7_000_215])
    );
    advance(Duration::from_secs(100)).await;
    assert_eq!(
        codes(&token(&sandbox, TENANT, &app_id, &secret).await),
        json!([7_000_229])
    );
    advance(Duration::from_secs(100)).await;
    assert_eq!(token(&sandbox, TENANT, &app_id, &secret).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn deleted_application_reserves_name() {
    let sandbox = sandbox(at_once());
    let operator = operator(&sandbox).await;
    let body = json!({"displayName": "peerctl", "signInAudience": "AzureADMultipleOrgs"});
    let made = upsert(&operator, NAME, true, body.clone()).await.ok();
    let (id, app_id) = (text(&made["id"]), text(&made["appId"]));
    let post = async |path: &str, body: Value| graph(&operator, Method::POST, path, body).await;
    let principal = post("/servicePrincipals", json!({"appId": app_id})).await.ok();
    let delete = async |path: &str| graph(&operator, Method::DELETE, path, json!(null)).await.status;
    assert_eq!(delete(&format!("/applications/{id}")).await, 204);

    // As recorded: microsoftgraph/msgraph-bicep-types#137.
    let taken = upsert(&operator, NAME, true, body.clone()).await;
    let said = "Another object with the same value for property uniqueName already exists.";
    assert_eq!((taken.status, taken.code()), (400, "Request_BadRequest"));
    assert!(taken.text.contains(said), "{}", taken.text);
    let list = "/directory/deletedItems/microsoft.graph.application";
    let deleted = graph(&operator, Method::GET, list, json!(null)).await.ok();
    assert_eq!(
        (&deleted["value"][0]["id"], deleted["value"].as_array().map(Vec::len)),
        (&json!(id), Some(1))
    );
    assert!(deleted["value"][0]["deletedDateTime"].is_string(), "{deleted}");

    let limited = limited(&sandbox).await;
    let item = format!("/directory/deletedItems/{id}");
    let refused = graph(&limited, Method::POST, &format!("{item}/restore"), json!({})).await;
    assert_eq!(refused.status, 403);
    let restored = post(&format!("{item}/restore"), json!({})).await;
    assert_eq!((restored.status, &restored.body["appId"]), (200, &json!(app_id)));
    let path = format!("/servicePrincipals/{}", text(&principal["id"]));
    assert_eq!(
        graph(&operator, Method::GET, &path, json!(null)).await.status,
        200,
        "it comes back too"
    );

    delete(&format!("/applications/{id}")).await;
    assert_eq!(delete(&item).await, 204);
    assert_eq!(delete(&item).await, 404, "it is gone");
    assert_eq!(upsert(&operator, NAME, true, body.clone()).await.status, 201);

    let again = graph(&operator, Method::GET, NAME, json!(null)).await.ok();
    delete(&format!("/applications/{}", text(&again["id"]))).await;
    advance(Duration::from_secs(31 * 86_400)).await;
    let operator = super::support::operator(&sandbox).await;
    assert_eq!(
        upsert(&operator, NAME, true, body).await.status,
        201,
        "thirty days are over"
    );
}

#[tokio::test]
async fn application_owners_may_update() {
    let sandbox = sandbox(at_once());
    let operator = operator(&sandbox).await;
    let own = own_app(&operator, "AzureADMultipleOrgs").await;
    let app = format!("/applications/{}", own.id);
    let limited = limited(&sandbox).await;
    let rename = json!({"displayName": "x"});
    assert_eq!(graph(&limited, Method::PATCH, &app, rename.clone()).await.status, 403);
    let who = crate::sandbox::token::peek(&limited.token).expect("a token")["oid"].clone();
    let reference = json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{}", text(&who))});
    let owners = format!("{app}/owners");
    let added = graph(&operator, Method::POST, &format!("{owners}/$ref"), reference).await;
    assert_eq!(added.status, 204);
    let listed = graph(&operator, Method::GET, &owners, json!(null)).await.ok();
    assert_eq!(listed["value"][0]["id"], who);
    assert_eq!(graph(&limited, Method::PATCH, &app, rename.clone()).await.status, 204);
    let path = format!("{owners}/{}/$ref", text(&who));
    assert_eq!(graph(&operator, Method::DELETE, &path, json!(null)).await.status, 204);
    assert_eq!(graph(&limited, Method::PATCH, &app, rename).await.status, 403);
}
