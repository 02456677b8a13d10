use std::sync::Mutex;

use async_trait::async_trait;
use secrecy::SecretString;

use super::super::testing::{TransportScript, answer, broken, unreachable};
use super::*;

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

fn get() -> ApiCall {
    ApiCall::get(
        AzureService::Arm,
        url("https://management.azure.com/subscriptions?api-version=2022-12-01"),
    )
}

fn post() -> ApiCall {
    ApiCall::post(
        AzureService::Graph,
        url("https://graph.microsoft.com/v1.0/servicePrincipals"),
    )
}

#[tokio::test(start_paused = true)]
async fn throttled_call_waits_and_reports() {
    let script = TransportScript::new([answer(429, &[("retry-after", "7")], ""), answer(200, &[], "{}")]);
    let told = Arc::new(Mutex::new(Vec::new()));
    let wire = script.wire().with_observer({
        let told = told.clone();
        Arc::new(move |notice| told.lock().unwrap().push(notice))
    });
    let began = Instant::now();
    assert_eq!(wire.send(post()).await.unwrap().status, 200);
    assert_eq!(began.elapsed(), Duration::from_secs(7));
    assert_eq!(
        wire.stats(),
        WireStats {
            requests: 2,
            writes: 1,
            retries: 1,
            waves: 2,
        }
    );
    let told = told.lock().unwrap();
    assert_eq!(
        (told.len(), told[0].asked, &told[0].why),
        (1, true, &NoticeWhy::Status(429))
    );
    let ids: Vec<_> = script
        .requests()
        .iter()
        .map(|sent| sent.headers()["x-ms-client-request-id"].clone())
        .collect();
    assert_eq!(ids[0], ids[1], "one id for one call");
}

#[tokio::test]
async fn clock_skew_read_from_arm_date() {
    let then = OffsetDateTime::now_utc() + time::Duration::minutes(10);
    let date = then.format(&Rfc2822).unwrap().replace("+0000", "GMT");
    let dated = || answer(200, &[("date", &date)], "{}");
    let script = TransportScript::new([dated(), answer(200, &[("date", "yesterday")], "{}"), dated()]);
    let wire = script.wire();
    wire.send(post()).await.unwrap();
    assert_eq!(wire.clock_ahead(), None, "not by Graph's");
    wire.send(get()).await.unwrap();
    assert_eq!(wire.clock_ahead(), None, "not by what is no date");
    wire.send(get()).await.unwrap();
    let ahead = wire.clock_ahead().unwrap();
    assert!((590..=600).contains(&ahead), "{ahead}");
}

#[tokio::test(start_paused = true)]
async fn unavailable_service_is_given_up() {
    let down = TransportScript::rule(|_| answer(502, &[], "<html><title>Bad Gateway</title></html>"));
    let began = Instant::now();
    let reply = down.wire().send(get()).await.unwrap();
    assert_eq!((reply.status, down.lines().len()), (502, limits::TRIES as usize));
    assert!(began.elapsed() < Duration::from_secs(70), "{:?}", began.elapsed());

    let nowhere = TransportScript::rule(|_| unreachable());
    let began = Instant::now();
    let error = nowhere.wire().send(get()).await.unwrap_err();
    assert!(
        matches!(error.failure, FailureKind::Unreachable(TransportError::Connect { .. })),
        "{error}"
    );
    assert_eq!(nowhere.lines().len(), limits::CONNECT_TRIES as usize);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn uncertain_write_repeats_only_if_safe() {
    let script = TransportScript::new([broken(), answer(200, &[], "")]);
    let put = ApiCall::put(AzureService::Arm, url("https://management.azure.com/x"));
    assert_eq!(script.wire().send(put).await.unwrap().status, 200);

    for failure in [broken(), answer(503, &[("retry-after", "1")], ""), answer(500, &[], "")] {
        let script = TransportScript::new([failure]);
        let _ = script.wire().send(post()).await;
        assert_eq!(script.lines().len(), 1);
    }
    let script = TransportScript::new([unreachable(), broken(), answer(200, &[], "")]);
    let query = post().reads();
    assert_eq!(script.wire().send(query).await.unwrap().status, 200);
    assert_eq!(
        TransportScript::new([unreachable(), answer(201, &[], "")])
            .wire()
            .send(post())
            .await
            .unwrap()
            .status,
        201
    );
}

#[tokio::test]
async fn tokens_stay_with_cloud_or_vendor() {
    let (arm, konnect) = ("https://management.azure.com/x", "https://global.api.konghq.com/x");
    let konnects = AzureService::Vendor("Kong Konnect");
    for (service, to, sent) in [
        (AzureService::Arm, arm, true),
        (AzureService::Arm, konnect, false),
        (AzureService::Entra, konnect, false),
        (konnects, konnect, true),
        (konnects, arm, false),
    ] {
        let script = TransportScript::new([answer(200, &[], "")]);
        let hosts = AllowedHosts::new().and(&url(arm)).and_vendor(&url(konnect));
        let call = ApiCall::get(service, url(to)).bearer(&SecretString::from("t"));
        let result = RequestSender::new(script.clone(), hosts).send(call).await;
        assert_eq!(
            (result.is_ok(), script.lines().len()),
            (sent, usize::from(sent)),
            "{service} to {to}"
        );
    }
}

#[tokio::test]
async fn token_never_sent_to_other_host() {
    for foreign in [
        "https://management.azure.com.evil.example/subscriptions",
        "https://management.azure.com:8443/subscriptions",
        "http://management.azure.com/subscriptions",
        "http://169.254.169.254/metadata",
        "ftp://management.azure.com/",
        "data:text/plain,x",
    ] {
        let script = TransportScript::new([]);
        let call = ApiCall::get(AzureService::Arm, url(foreign)).bearer(&SecretString::from("t"));
        let error = script.wire().send(call).await.unwrap_err();
        assert!(
            matches!(
                error.failure,
                FailureKind::Unreachable(TransportError::NotAllowed { .. })
            ),
            "{foreign}: {error}"
        );
        assert!(script.lines().is_empty(), "{foreign}");
    }
    let script = TransportScript::new([answer(200, &[], ""), answer(200, &[], ""), answer(200, &[], "")]);
    let app_service = url("http://169.254.130.3:8081/msi/token");
    let call = ApiCall::get(AzureService::Entra, app_service.clone());
    assert!(script.wire().also_to(&app_service).send(call).await.is_ok());
    let local = url("http://127.0.0.1:4321/token");
    assert!(
        script
            .wire()
            .also_to(&local)
            .send(ApiCall::get(AzureService::Entra, local))
            .await
            .is_ok()
    );
    let metadata = url("http://169.254.169.254/metadata");
    assert!(
        script
            .wire()
            .also_to(&metadata)
            .send(ApiCall::get(AzureService::Entra, metadata))
            .await
            .is_ok()
    );
    let plain = url("http://example.com/");
    assert!(
        script
            .wire()
            .also_to(&plain)
            .send(ApiCall::get(AzureService::Arm, plain))
            .await
            .is_err()
    );
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
async fn a_stalled_request_ends() {
    let wire = RequestSender::new(Arc::new(Stalled), AllowedHosts::new().and(&get().url).and(&post().url));
    let began = Instant::now();
    let error = wire.send(get()).await.unwrap_err();
    assert!(
        matches!(
            error.failure,
            FailureKind::Unreachable(TransportError::Timeout { seconds: 60, .. })
        ),
        "{error}"
    );
    assert_eq!(wire.stats().requests, u64::from(limits::TIMEOUT_TRIES));
    assert!(began.elapsed() < Duration::from_secs(200), "{:?}", began.elapsed());
    wire.send(post()).await.unwrap_err();
    assert_eq!(
        wire.stats().requests,
        u64::from(limits::TIMEOUT_TRIES) + 1,
        "a POST is not repeated"
    );
}

#[tokio::test]
async fn debug_output_contains_no_secrets() {
    let call = post()
        .bearer(&SecretString::from("top-secret"))
        .json(&serde_json::json!({ "client_secret": "top-secret" }));
    assert!(call.headers["authorization"].is_sensitive());
    let script = TransportScript::new([answer(200, &[("set-cookie", "top-secret")], "top-secret")]);
    let shown = format!(
        "{call:?} {:?} {:?}",
        script.wire(),
        script.wire().send(call.clone()).await
    );
    assert!(!shown.contains("top-secret"), "{shown}");
}

#[tokio::test]
async fn json_byte_order_mark_is_skipped() {
    let refused = "\u{feff}{\"error\":{\"code\":\"AuthorizationFailed\",\"message\":\"m\"}}";
    let script = TransportScript::new([answer(200, &[], "\u{feff}[1,2]"), answer(403, &[], refused)]);
    let wire = script.wire();
    assert_eq!(wire.send(get()).await.unwrap().json::<Vec<u8>>().unwrap(), [1, 2]);
    let error = wire.send(get()).await.unwrap().json::<Vec<u8>>().unwrap_err();
    assert_eq!(error.code(), Some("AuthorizationFailed"));
}

#[tokio::test]
async fn reply_body_parses_or_explains() {
    let script = TransportScript::new([
        answer(200, &[], "[1,2]"),
        answer(200, &[], "<html>"),
        answer(404, &[], ""),
    ]);
    let wire = script.wire();
    assert_eq!(wire.send(get()).await.unwrap().json::<Vec<u8>>().unwrap(), [1, 2]);
    let error = wire.send(get()).await.unwrap().json::<Vec<u8>>().unwrap_err();
    assert!(
        matches!(error.failure, FailureKind::Unreadable { status: 200, .. }),
        "{error}"
    );
    let error = wire.send(get()).await.unwrap().json::<Vec<u8>>().unwrap_err();
    assert_eq!(
        (error.code(), error.tried.as_str()),
        (Some("HTTP 404"), "GET /subscriptions")
    );
}
