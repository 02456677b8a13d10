//! Signing in by a code: what a client, and the person with the code, can come across.

use std::time::Duration;

use serde_json::json;
use tokio::time::advance;

use super::support::*;
use crate::sandbox::{Lag, Sandbox, SandboxOptions};

const CLIENT: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
const FABRIKAM: &str = "8e6d4f20-5a3b-4c17-9d28-7b1a0c9e5f43";
const ALEX: &str = "alex@contoso.onmicrosoft.com";
const ARM: &str = "https://management.core.windows.net//.default offline_access";
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

fn with(lag: Lag) -> Sandbox {
    sandbox(SandboxOptions {
        lag,
        ..SandboxOptions::default()
    })
}

/// A code: the device's, and the person's.
async fn code(sandbox: &Sandbox, tenant: &str) -> (String, String) {
    let fields = [("client_id", CLIENT), ("scope", ARM)];
    let body = form(sandbox, &format!("/{tenant}/oauth2/v2.0/devicecode"), &fields)
        .await
        .ok();
    let text = |name: &str| body[name].as_str().expect("a text").to_owned();
    assert_eq!((body["expires_in"].as_u64(), text("user_code").len()), (Some(900), 9));
    assert!(text("message").contains(&text("user_code")), "{body}");
    (text("device_code"), text("user_code"))
}

async fn look(sandbox: &Sandbox, tenant: &str, device_code: &str) -> Seen {
    let fields = [
        ("grant_type", GRANT_TYPE),
        ("client_id", CLIENT),
        ("device_code", device_code),
    ];
    form(sandbox, &format!("/{tenant}/oauth2/v2.0/token"), &fields).await
}

async fn enter(sandbox: &Sandbox, code: &str, account: &str, decision: &str) -> Seen {
    let fields = [("code", code), ("account", account), ("decision", decision)];
    form(sandbox, "/devicelogin", &fields).await
}

#[track_caller]
fn refused(seen: &Seen, word: &str, number: u32) {
    assert_eq!(
        (seen.status, &seen.body["error"], &seen.body["error_codes"]),
        (400, &json!(word), &json!([number])),
        "{}",
        seen.text
    );
}

async fn exchange(sandbox: &Sandbox, tenant: &str, token: &str, scope: &str) -> Seen {
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", CLIENT),
        ("refresh_token", token),
        ("scope", scope),
    ];
    form(sandbox, &format!("/{tenant}/oauth2/v2.0/token"), &fields).await
}

#[tokio::test(start_paused = true)]
async fn device_code_pending_then_single_use() {
    let sandbox = with(Lag::Worst);
    let (device, user) = code(&sandbox, TENANT).await;
    refused(&look(&sandbox, TENANT, &device).await, "authorization_pending", 70016);
    refused(&look(&sandbox, TENANT, &device).await, "slow_down", 70016);
    advance(Duration::from_secs(5)).await;
    refused(&look(&sandbox, TENANT, &device).await, "authorization_pending", 70016);
    assert_eq!(enter(&sandbox, "NOSUCHONE", ALEX, "accept").await.status, 400);
    let shown = raw(&sandbox, get_request(&format!("/devicelogin?code={user}"))).await;
    assert!(
        shown.text.contains(&user) && shown.text.contains(ALEX),
        "{}",
        shown.text
    );
    assert_eq!(enter(&sandbox, &user.to_lowercase(), ALEX, "accept").await.status, 200);
    advance(Duration::from_secs(5)).await;
    let tokens = look(&sandbox, TENANT, &device).await.ok();
    assert!(tokens["access_token"].is_string() && tokens["refresh_token"].is_string());
    refused(&look(&sandbox, TENANT, &device).await, "invalid_grant", 54005);
    assert_eq!(enter(&sandbox, &user, ALEX, "accept").await.status, 400, "entered once");
}

#[tokio::test(start_paused = true)]
async fn device_code_other_endings() {
    let sandbox = with(Lag::None);
    let (declined, user) = code(&sandbox, TENANT).await;
    assert_eq!(enter(&sandbox, &user, ALEX, "cancel").await.status, 200);
    refused(
        &look(&sandbox, TENANT, &declined).await,
        "authorization_declined",
        70018,
    );
    let (device, user) = code(&sandbox, TENANT).await;
    refused(&look(&sandbox, FABRIKAM, &device).await, "bad_verification_code", 70000);
    refused(&look(&sandbox, TENANT, "made-up").await, "bad_verification_code", 70000);
    advance(Duration::from_secs(900)).await;
    refused(&look(&sandbox, TENANT, &device).await, "expired_token", 70020);
    assert_eq!(enter(&sandbox, &user, ALEX, "accept").await.status, 400);
    let fields = [("client_id", CLIENT), ("scope", ARM)];
    refused(
        &form(&sandbox, "/none.example/oauth2/v2.0/devicecode", &fields).await,
        "invalid_request",
        90002,
    );
}

#[tokio::test]
async fn device_user_has_own_rights() {
    let sandbox = with(Lag::None);
    let (device, user) = code(&sandbox, "organizations").await;
    assert_eq!(enter(&sandbox, &user, ALEX, "accept").await.status, 200);
    let tokens = look(&sandbox, "organizations", &device).await.ok();
    let text = |body: &serde_json::Value, name: &str| body[name].as_str().expect("a text").to_owned();
    let client = |token: String| SandboxClient {
        sandbox: sandbox.clone(),
        token,
        auxiliary: None,
    };
    let refresh = text(&tokens, "refresh_token");
    let alex = client(text(&tokens, "access_token"));
    assert_eq!(alex.get(VNET).await.status, 200, "what the operator may, Alex may");
    let tenants = alex.get("/tenants").await.ok();
    let ids: Vec<&serde_json::Value> = tenants["value"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| &one["tenantId"])
        .collect();
    assert_eq!(ids, [TENANT, FABRIKAM]);
    let elsewhere = format!("/subscriptions/{KONG_SUB}/resourceGroups");
    assert_eq!(alex.get(&elsewhere).await.code(), "InvalidAuthenticationTokenTenant");

    let graph = exchange(&sandbox, TENANT, &refresh, "https://graph.microsoft.com/.default")
        .await
        .ok();
    consent(&client(text(&graph, "access_token"))).await;
    let abroad = exchange(&sandbox, FABRIKAM, &refresh, ARM).await.ok();
    let seen = client(text(&abroad, "access_token")).get("/subscriptions").await.ok();
    assert_eq!(seen["value"][0]["displayName"], "Fabrikam Production");
    refused(
        &exchange(&sandbox, KONG_TENANT, &refresh, ARM).await,
        "invalid_grant",
        50020,
    );
    refused(
        &exchange(&sandbox, TENANT, "made-up", ARM).await,
        "invalid_grant",
        9_002_313,
    );
    // Nobody of Kong's: the page says so, and the code is still open.
    let (device, user) = code(&sandbox, KONG_TENANT).await;
    let page = enter(&sandbox, &user, ALEX, "accept").await;
    assert!(page.status == 400 && page.text.contains("AADSTS50020"), "{}", page.text);
    refused(
        &look(&sandbox, KONG_TENANT, &device).await,
        "authorization_pending",
        70016,
    );
}

#[tokio::test]
async fn device_msal_request_returns_account() {
    let sandbox = with(Lag::None);
    let (scope, path) = (
        format!("{ARM} openid profile"),
        format!("/{TENANT}/oauth2/v2.0/devicecode"),
    );
    let fields = [("client_id", CLIENT), ("scope", scope.as_str())];
    let body = form(&sandbox, &path, &fields).await.ok();
    let text = |name: &str| body[name].as_str().expect("a text");
    enter(&sandbox, text("user_code"), ALEX, "accept").await;
    let tokens = look(&sandbox, TENANT, text("device_code")).await.ok();
    assert!(
        tokens["id_token"].is_string() && tokens["client_info"].is_string(),
        "{tokens}"
    );
}
