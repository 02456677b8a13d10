//! The sandbox over TLS, with a client that knows nothing of it.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::support::*;
use crate::sandbox::serve::{RunningServer, serve};
use crate::sandbox::{FaultRule, KEY_HEADER, Lag, Sandbox, SandboxOptions};

async fn start(faults: &[&str]) -> (RunningServer, reqwest::Client) {
    start_with(faults, false).await
}

/// With `old` the client speaks HTTP/1.1 only, as `az` does.
async fn start_with(faults: &[&str], old: bool) -> (RunningServer, reqwest::Client) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let faults = faults
        .iter()
        .map(|rule| rule.parse::<FaultRule>().expect("a rule"))
        .collect();
    let sandbox = Sandbox::new(SandboxOptions {
        lag: Lag::None,
        faults,
        ..SandboxOptions::default()
    });
    let serving = serve(sandbox, None).await.expect("a port");
    let ca = reqwest::Certificate::from_pem(serving.ca_pem.as_bytes()).expect("a certificate");
    let key = (
        KEY_HEADER.parse().expect("a name"),
        serving.key.parse().expect("a value"),
    );
    let builder = reqwest::Client::builder()
        .tls_certs_only([ca])
        .no_proxy()
        .default_headers([key].into_iter().collect::<http::HeaderMap>());
    let builder = if old { builder.http1_only() } else { builder };
    (serving, builder.build().expect("a client"))
}

fn url(serving: &RunningServer, path: &str) -> String {
    format!("{}{path}", serving.origin.as_str().trim_end_matches('/'))
}

#[tokio::test]
async fn server_tls_client_signs_in() {
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
async fn server_links_point_to_own_port() {
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
async fn server_stalled_request_allows_shutdown() {
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
async fn server_port_free_after_shutdown() {
    let (serving, client) = start(&[]).await;
    let port = serving.origin.port();
    client.get(url(&serving, "/")).send().await.expect("an answer");
    serving.shut_down().await;
    let again = serve(Sandbox::new(SandboxOptions::default()), port)
        .await
        .expect("the same port");
    assert_eq!(again.origin.port(), port);
}

#[test]
fn server_exports_point_to_origin() {
    let sandbox = Sandbox::new(SandboxOptions::default());
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
    assert_eq!(value("AIVEN_AUTH_TOKEN"), Some("sandbox-aiven-token"));
    assert_eq!(value("AIVEN_WEB_URL"), Some("https://localhost:8443"));
    assert_eq!(value("DFCLOUD_API_KEY"), Some("sandbox-dragonfly-key"));
    assert_eq!(value("DFCLOUD_API_URL"), Some("https://localhost:8443"));
    assert_eq!(value("AZURE_SUBSCRIPTION_ID"), Some(SUB));
    let cloud = sandbox.cloud_json(&origin, "PEM");
    assert_eq!(cloud["endpoints"]["activeDirectory"], "https://localhost:8443");
    assert_eq!(cloud["endpoints"]["resourceManager"], "https://localhost:8443/");
    assert_eq!(cloud["caBundle"], "PEM");
}

/// A TLS connection of a client that then does as it likes.
async fn connect(serving: &RunningServer, protocol: &[u8]) -> TlsStream<TcpStream> {
    let mut roots = rustls::RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(serving.ca_pem.as_bytes()).expect("a certificate");
    roots.add(ca).expect("a root");
    let mut config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let name = "localhost".try_into().expect("a name");
    connector
        .connect(name, silent(serving).await)
        .await
        .expect("a handshake")
}

/// A connection that says nothing.
async fn silent(serving: &RunningServer) -> TcpStream {
    let address = (Ipv4Addr::LOCALHOST, serving.origin.port().expect("a port"));
    TcpStream::connect(address).await.expect("a connection")
}

/// Reads until the server closes the connection, and returns the text and the time that this takes.
async fn until_closed(mut stream: impl tokio::io::AsyncRead + Unpin) -> (String, Duration) {
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    let mut said = Vec::new();
    // TLS's own farewell may be missing: closed is closed.
    let _ = stream.read_to_end(&mut said).await;
    tokio::time::resume();
    (String::from_utf8_lossy(&said).into_owned(), begun.elapsed())
}

#[tokio::test]
async fn server_ends_unfinished_handshake() {
    let (serving, _) = start(&[]).await;
    let (said, after) = until_closed(silent(&serving).await).await;
    assert!(said.is_empty() && after >= Duration::from_secs(10), "{after:?}");
}

#[tokio::test]
async fn server_ends_incomplete_request_connection() {
    let (serving, _) = start(&[]).await;
    for (protocol, begin) in [
        (&b"http/1.1"[..], ""),
        (b"http/1.1", "GET / HTTP/1.1\r\nHost: localhost\r\nX-Half: "),
        (b"h2", ""),
        (b"h2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ] {
        let mut stream = connect(&serving, protocol).await;
        stream.write_all(begin.as_bytes()).await.expect("written");
        let (_, after) = until_closed(stream).await;
        assert!((20..40).contains(&after.as_secs()), "{protocol:?} {begin:?}: {after:?}");
    }
}

#[tokio::test]
async fn server_missing_body_returns_408() {
    let (serving, _) = start(&[]).await;
    let mut stream = connect(&serving, b"http/1.1").await;
    let head = "POST /subscriptions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf";
    stream.write_all(head.as_bytes()).await.expect("written");
    let (said, after) = until_closed(stream).await;
    assert!(said.starts_with("HTTP/1.1 408"), "{said}");
    assert!((20..60).contains(&after.as_secs()), "{after:?}");
}

#[tokio::test]
async fn server_connection_limit_queues_excess() {
    let (serving, client) = start(&[]).await;
    let mut silent_ones = Vec::new();
    for _ in 0..256 {
        silent_ones.push(silent(&serving).await);
    }
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    let answer = client.get(url(&serving, "/")).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    // The handshakes had begun some moments before.
    assert!(begun.elapsed() >= Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn server_rejects_oversized_body_or_head() {
    let (serving, client) = start(&[]).await;
    let send = async |length: usize| {
        let request = client.post(url(&serving, "/_sandbox/edit")).body("x".repeat(length));
        request.send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(send(64 * 1024).await, 404);
    assert_eq!(send(64 * 1024 + 1).await, 413);
    for protocol in ["http1", "http2"] {
        let request = client.get(url(&serving, "/")).header("x-long", "x".repeat(40 * 1024));
        let request = request.version(match protocol {
            "http1" => http::Version::HTTP_11,
            _ => http::Version::HTTP_2,
        });
        let refused = request.send().await;
        assert!(
            refused.is_err() || refused.is_ok_and(|answer| answer.status() == 431),
            "{protocol}"
        );
    }
}

#[tokio::test]
async fn server_pages_require_run_key() {
    let (serving, _) = start(&[]).await;
    let ca = reqwest::Certificate::from_pem(serving.ca_pem.as_bytes()).expect("a certificate");
    let browser = reqwest::Client::builder()
        .tls_certs_only([ca])
        .no_proxy()
        .build()
        .expect("a client");
    let get = async |path: &str, header: (&str, &str)| {
        let request = browser.get(url(&serving, path)).header(header.0, header.1);
        request.send().await.expect("an answer")
    };
    for page in [
        "/",
        "/_sandbox/state",
        "/_sandbox/requests",
        "/konnect",
        "/aiven",
        "/dragonfly",
    ] {
        assert_eq!(get(page, ("accept", "*/*")).await.status(), 403, "{page}");
    }
    let opened = browser.get(serving.pages()).send().await.expect("an answer");
    assert_eq!(opened.status(), 200);
    let header = |name: &str| opened.headers()[name].to_str().expect("text").to_owned();
    assert!(header("content-security-policy").contains("frame-ancestors 'none'"));
    let cookie = header("set-cookie");
    assert!(cookie.contains("; Secure; HttpOnly; SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().expect("the cookie").to_owned();
    let console = get("/konnect", ("cookie", &cookie)).await;
    assert!(console.status() == 200 && !console.headers().contains_key("set-cookie"));
    let foreign = browser.post(url(&serving, "/konnect")).header("cookie", &cookie);
    let foreign = foreign.header("origin", "https://evil.example").send().await;
    assert_eq!(foreign.expect("an answer").status(), 403);
    let mut rebound = connect(&serving, b"http/1.1").await;
    let head = "GET /subscriptions HTTP/1.1\r\nHost: rebound.example\r\nConnection: close\r\n\r\n";
    rebound.write_all(head.as_bytes()).await.expect("written");
    let (said, _) = until_closed(rebound).await;
    assert!(said.starts_with("HTTP/1.1 421"), "{said}");
}
