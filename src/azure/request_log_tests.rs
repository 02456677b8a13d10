use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use secrecy::SecretString;
use serde_json::json;
use url::Url;

use super::super::request_sender::{AllowedHosts, RequestSender};
use super::super::testing::{TransportScript, answer, broken, unreachable};
use super::super::transport::HttpTransport;
use super::*;

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

fn put() -> ApiCall {
    ApiCall::put(
        AzureService::Arm,
        url("https://management.azure.com/x?api-version=1&s=canary"),
    )
    .bearer(&SecretString::from("canary"))
    .json(&json!({"password": "canary"}))
}

fn get() -> ApiCall {
    ApiCall::get(AzureService::Graph, url("https://graph.microsoft.com/v1.0/me"))
}

#[tokio::test(start_paused = true)]
async fn request_log_records_each_try() {
    let script = TransportScript::new([
        unreachable(),
        broken(),
        answer(429, &[("x-ms-correlation-request-id", "c-1"), ("retry-after", "1")], ""),
        answer(201, &[("x-ms-correlation-request-id", "c-2")], "canary"),
        answer(404, &[("request-id", "g-1")], ""),
    ]);
    let wire = script.wire();
    wire.send(put()).await.unwrap();
    wire.send(get()).await.unwrap();
    let PendingRecord { requests, left_out } = wire.sent();
    let row = |sent: &RequestRecord| {
        (
            sent.status,
            sent.failure,
            sent.correlation_id.clone(),
            sent.may_have_changed(),
        )
    };
    let id = |text: &str| Some(text.to_owned());
    assert_eq!(
        requests.iter().map(row).collect::<Vec<_>>(),
        [
            (None, Some("connect"), None, false),
            (None, Some("broken"), None, true),
            (Some(429), None, id("c-1"), false),
            (Some(201), None, id("c-2"), true),
            (Some(404), None, id("g-1"), false),
        ]
    );
    assert_eq!(left_out, 0);
    assert_eq!(wire.stats().requests, 5);
    let calls: Vec<bool> = requests
        .iter()
        .map(|sent| sent.client_request_id == requests[0].client_request_id)
        .collect();
    assert_eq!(calls, [true, true, true, true, false], "one id for one call");

    let text = serde_json::to_string(&requests).unwrap();
    assert!(!text.contains("canary"), "{text}");
    let first = serde_json::to_value(&requests[3]).unwrap();
    assert_eq!(
        first["url"],
        "https://management.azure.com/x?api-version=1&s=[redacted]"
    );
    assert_eq!((&first["service"], &first["n"]), (&json!("Azure"), &json!(4)));
    assert!(first["at"].as_str().unwrap().ends_with('Z') && first.get("neverArrived").is_none());
}

/// Never answers.
#[derive(Debug)]
struct Stalled;

#[async_trait]
impl HttpTransport for Stalled {
    async fn send(&self, _: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn request_log_includes_interrupted_request() {
    let wire = RequestSender::new(Arc::new(Stalled), AllowedHosts::new().and(&put().url));
    let stopped = tokio::time::timeout(Duration::from_secs(1), wire.send(put())).await;
    assert!(stopped.is_err());
    let requests = wire.sent().requests;
    assert_eq!((requests.len(), requests[0].failure), (1, Some("unanswered")));
    assert!(requests[0].may_have_changed());
}

#[tokio::test]
async fn request_log_drops_oldest_reads_first() {
    let wire = TransportScript::rule(|_| answer(200, &[], "")).wire();
    wire.send(get()).await.unwrap();
    wire.send(put()).await.unwrap();
    for _ in 0..limits::REQUEST_LOG_ENTRIES {
        wire.send(get()).await.unwrap();
    }
    let PendingRecord { requests, left_out } = wire.sent();
    assert_eq!((requests.len(), left_out), (limits::REQUEST_LOG_ENTRIES, 2));
    assert_eq!((requests[0].n, requests[1].n), (2, 4));
    assert_eq!(
        requests.last().map(|sent| (sent.n, sent.status)),
        Some((10_002, Some(200)))
    );
}
