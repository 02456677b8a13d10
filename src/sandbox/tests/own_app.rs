//! Helpers that the walks of the second family share: the customer's own application, and its grants.

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::support::*;
use crate::sandbox::{Lag, Sandbox, SandboxOptions};

pub(super) const PEER: &str = "Microsoft.Network/virtualNetworks/peer/action";
pub(super) const NETWORK_CONTRIBUTOR: &str = "4d97b98b-1d4f-4787-a291-c67834d212e7";

pub(super) fn at_once() -> SandboxOptions {
    SandboxOptions {
        lag: Lag::None,
        ..SandboxOptions::default()
    }
}

/// The customer's own application.
pub(super) struct OwnAppFixture {
    pub(super) id: String,
    pub(super) app_id: String,
    pub(super) principal: String,
    pub(super) key: String,
    pub(super) secret: String,
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

pub(super) async fn graph(client: &SandboxClient, method: Method, path: &str, body: Value) -> Seen {
    let body = (!body.is_null()).then_some(body);
    client.send(method, &format!("/v1.0{path}"), body).await
}

/// Makes the application, its service principal and a secret.
pub(super) async fn own_app(client: &SandboxClient, audience: &str) -> OwnAppFixture {
    let body = json!({"displayName": "client-app", "signInAudience": audience});
    let app = graph(client, Method::POST, "/applications", body).await.ok();
    let body = json!({"appId": app["appId"]});
    let principal = graph(client, Method::POST, "/servicePrincipals", body).await.ok();
    let path = format!("/applications/{}/addPassword", text(&app["id"]));
    let password = graph(client, Method::POST, &path, json!({})).await.ok();
    OwnAppFixture {
        id: text(&app["id"]),
        app_id: text(&app["appId"]),
        principal: text(&principal["id"]),
        key: text(&password["keyId"]),
        secret: text(&password["secretText"]),
    }
}

/// Makes the service principal of a vendor's application in the customer's tenant.
pub(super) async fn welcome(client: &SandboxClient, app: &str) -> String {
    let seen = graph(client, Method::POST, "/servicePrincipals", json!({"appId": app})).await;
    text(&seen.ok()["id"])
}

/// Assigns a role by its GUID.
pub(super) async fn give(client: &SandboxClient, principal: &str, role: &str, scope: &str) -> Seen {
    let guid = Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("{principal}{role}{scope}").as_bytes());
    let body = json!({"properties": {
        "roleDefinitionId": format!("/subscriptions/{SUB}/providers/Microsoft.Authorization/roleDefinitions/{role}"),
        "principalId": principal,
        "principalType": "ServicePrincipal",
    }});
    let path = format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{guid}");
    client.arm(Method::PUT, &path, Some(body)).await
}

/// Everything that a vendor of this family asks for: its principal with `peer/action`, the own application as Network
/// Contributor, both at the network.
pub(super) async fn all_grants(operator: &SandboxClient, vendor: &str) -> OwnAppFixture {
    let principal = welcome(operator, vendor).await;
    define(operator, &[PEER]).await.ok();
    give(operator, &principal, ROLE, VNET).await.ok();
    let own = own_app(operator, "AzureADMultipleOrgs").await;
    give(operator, &own.principal, NETWORK_CONTRIBUTOR, VNET).await.ok();
    own
}

/// A client that is signed in as the own application in both tenants.
pub(super) async fn both(sandbox: &Sandbox, own: &OwnAppFixture, other: &str) -> SandboxClient {
    both_as(sandbox, &own.app_id, &own.secret, other).await
}

/// Returns a client that is signed in as any application in both tenants.
pub(super) async fn both_as(sandbox: &Sandbox, app_id: &str, secret: &str, other: &str) -> SandboxClient {
    let remote = sign_in(sandbox, other, app_id, secret).await;
    let local = sign_in(sandbox, TENANT, app_id, secret).await;
    SandboxClient {
        auxiliary: Some(remote.token),
        ..local
    }
}

pub(super) async fn dump(sandbox: &Sandbox) -> Value {
    raw(sandbox, get_request("/_sandbox/state")).await.body
}
