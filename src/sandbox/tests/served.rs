//! The sandbox over TLS, with a client that knows nothing of it.

use serde_json::Value;

use super::support::*;
use crate::sandbox::serve::{Serving, serve};
use crate::sandbox::{FaultRule, Lag, Options, Sandbox};

async fn start(faults: &[&str]) -> (Serving, reqwest::Client) {
    start_with(faults, false).await
}

/// With `old` the client speaks HTTP/1.1 only, as `az` does.
async fn start_with(faults: &[&str], old: bool) -> (Serving, reqwest::Client) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let faults = faults
        .iter()
        .map(|rule| rule.parse::<FaultRule>().expect("a rule"))
        .collect();
    let sandbox = Sandbox::new(Options {
        lag: Lag::None,
        faults,
        ..Options::default()
    });
    let serving = serve(sandbox, None).await.expect("a port");
    let ca = reqwest::Certificate::from_pem(serving.ca_pem.as_bytes()).expect("a certificate");
    let builder = reqwest::Client::builder().tls_certs_only([ca]).no_proxy();
    let builder = if old { builder.http1_only() } else { builder };
    (serving, builder.build().expect("a client"))
}

fn url(serving: &Serving, path: &str) -> String {
    format!("{}{path}", serving.origin.as_str().trim_end_matches('/'))
}

#[tokio::test]
async fn a_client_signs_in_and_lists_over_tls() {
    let (serving, client) = start(&[]).await;
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("client_id", OPERATOR)
        .append_pair("client_secret", "sandbox~operator~secret")
        .append_pair("scope", "https://management.core.windows.net//.default")
        .finish();
    let answer = client
        .post(url(&serving, &format!("/{TENANT}/oauth2/v2.0/token")))
        .body(body)
        .send()
        .await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.version(), http::Version::HTTP_2);
    let text = answer.text().await.expect("a body");
    let token = serde_json::from_str::<Value>(&text).expect("JSON")["access_token"]
        .as_str()
        .expect("one")
        .to_owned();
    let list = client
        .get(url(&serving, "/subscriptions?api-version=2022-12-01"))
        .bearer_auth(token);
    let text = list.send().await.expect("an answer").text().await.expect("a body");
    let list: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(list["value"].as_array().map(Vec::len), Some(3));
    serving.shut_down().await;
}

#[tokio::test]
async fn links_in_answers_lead_back_to_the_port() {
    let (serving, client) = start(&[]).await;
    let path = format!("/{TENANT}/v2.0/.well-known/openid-configuration");
    let text = client
        .get(url(&serving, &path))
        .send()
        .await
        .expect("an answer")
        .text()
        .await
        .expect("a body");
    let document: Value = serde_json::from_str(&text).expect("JSON");
    let token = document["token_endpoint"].as_str().expect("one");
    assert!(token.starts_with(serving.origin.as_str()), "{token}");
}

#[tokio::test]
async fn broken_connections_are_really_broken() {
    for old in [false, true] {
        let (serving, client) =
            start_with(&["GET /tenants=reset-before", "GET /metadata/endpoints=truncate"], old).await;
        let broken = client
            .get(url(&serving, "/tenants?api-version=2022-12-01"))
            .send()
            .await;
        assert!(broken.is_err(), "{broken:?}");
        let cut = client
            .get(url(&serving, "/metadata/endpoints?api-version=2022-09-01"))
            .send()
            .await;
        // Whether the head gets through before the break is a matter of timing; the whole answer never does.
        if let Ok(cut) = cut {
            let body = cut.bytes().await;
            assert!(body.is_err(), "{body:?}");
        }
        assert!(
            client.get(url(&serving, "/")).send().await.is_ok(),
            "the next request is served"
        );
    }
}

#[tokio::test]
async fn a_stalled_request_does_not_hold_up_the_end() {
    let (serving, client) = start(&["GET /tenants=stall"]).await;
    let asked = tokio::spawn(client.get(url(&serving, "/tenants?api-version=2022-12-01")).send());
    let log = url(&serving, "/_sandbox/requests");
    loop {
        let text = client
            .get(&log)
            .send()
            .await
            .expect("an answer")
            .text()
            .await
            .expect("a body");
        if text.contains("stall") {
            break;
        }
    }
    serving.shut_down().await;
    assert!(asked.await.expect("a task").is_err());
}

#[tokio::test]
async fn a_port_is_free_again_after_shutting_down() {
    let (serving, client) = start(&[]).await;
    let port = serving.origin.port();
    client.get(url(&serving, "/")).send().await.expect("an answer");
    serving.shut_down().await;
    let again = serve(Sandbox::new(Options::default()), port)
        .await
        .expect("the same port");
    assert_eq!(again.origin.port(), port);
}

#[test]
fn exports_and_cloud_point_at_the_origin() {
    let sandbox = Sandbox::new(Options::default());
    let origin: url::Url = "https://localhost:8443".parse().expect("a URL");
    let exports = sandbox.exports(&origin);
    let value = |name: &str| {
        exports
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.as_str())
    };
    assert_eq!(value("AZURE_TENANT_ID"), Some(TENANT));
    assert_eq!(value("KONNECT_API_URL"), Some("https://localhost:8443"));
    assert_eq!(value("AZURE_SUBSCRIPTION_ID"), Some(SUB));
    let cloud = sandbox.cloud_json(&origin, "PEM");
    assert_eq!(cloud["endpoints"]["activeDirectory"], "https://localhost:8443");
    assert_eq!(cloud["endpoints"]["resourceManager"], "https://localhost:8443/");
    assert_eq!(cloud["caBundle"], "PEM");
}
