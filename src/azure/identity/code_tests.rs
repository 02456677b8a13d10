use std::collections::VecDeque;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::super::{AuthMethod, AzureIdentity};
use super::*;
use crate::azure::cloud::AzureCloud;
use crate::azure::error::FailureKind;
use crate::azure::testing::{TransportScript, json as json_answer};
use crate::domain::TenantId;

const ARM: &str = "https://management.core.windows.net//.default";
const GRAPH: &str = "https://graph.microsoft.com/.default";
const HOME: TenantId = TenantId::from_u128(7);
const ABROAD: TenantId = TenantId::from_u128(8);
const TOP_SECRET: &str = "top-secret";

/// Requests and the times at which they were sent.
type Asked = Arc<Mutex<Vec<(Duration, String)>>>;

/// An Entra that gives codes, and answers the questions for them in this order; refresh tokens are exchanged unless
/// `refuses` has a code for the tenant.
struct Entra {
    script: Arc<TransportScript>,
    asked: Asked,
    told: Arc<Mutex<Vec<SignInCode>>>,
}

fn tokens(number: usize) -> Value {
    json!({ "token_type": "Bearer", "expires_in": 3600, "access_token": format!("{TOP_SECRET}-{number}"),
            "refresh_token": format!("{TOP_SECRET}-refresh-{number}") })
}

fn refusal(error: &str, number: u32) -> Value {
    json!({ "error": error, "error_codes": [number], "error_description": format!("AADSTS{number}: Said. Trace ID: 1") })
}

impl Entra {
    fn new(interval: u64, looks: impl IntoIterator<Item = Value>, refuses: Option<(TenantId, u32)>) -> Self {
        let (asked, looks) = (Asked::default(), Mutex::new(looks.into_iter().collect::<VecDeque<_>>()));
        let (noted, began) = (Arc::clone(&asked), Instant::now());
        let script = TransportScript::rule(move |request| {
            let body = String::from_utf8_lossy(request.body()).into_owned();
            let number = lock(&noted).len();
            lock(&noted).push((began.elapsed(), format!("{} {body}", request.uri().path())));
            if request.uri().path().ends_with("/devicecode") {
                let page = "https://microsoft.com/devicelogin";
                let code = json!({ "user_code": "ABCD-EFGH", "device_code": format!("{TOP_SECRET}-device"),
                                   "verification_uri": page, "expires_in": 900, "interval": interval });
                return json_answer(200, &code);
            }
            let answer = if body.contains("refresh_token=") {
                let refused = refuses.filter(|(tenant, _)| request.uri().path().contains(&tenant.to_string()));
                refused.map_or_else(|| tokens(number), |(_, code)| refusal("invalid_grant", code))
            } else {
                lock(&looks)
                    .pop_front()
                    .unwrap_or_else(|| refusal("authorization_pending", 70016))
            };
            json_answer(if answer.get("error").is_some() { 400 } else { 200 }, &answer)
        });
        let told = Arc::default();
        Self { script, asked, told }
    }

    fn identity(&self, within: Duration) -> AzureIdentity {
        let (public, told) = (AzureCloud::public(), Arc::clone(&self.told));
        let identity = AzureIdentity::new(
            AuthMethod::DeviceCode,
            &|_| None,
            Some(HOME),
            &public,
            self.script.wire(),
        );
        identity.unwrap().with_person(CodePresenter {
            tell: Arc::new(move |code| lock(&told).push(code)),
            within,
        })
    }

    fn codes(&self) -> usize {
        lock(&self.told).len()
    }

    /// The questions to the endpoint, as `PATH BODY`.
    fn asked(&self, end: &str) -> Vec<(Duration, String)> {
        let asked = lock(&self.asked).clone();
        asked.into_iter().filter(|(_, line)| line.contains(end)).collect()
    }
}

fn pending() -> Value {
    refusal("authorization_pending", 70016)
}

#[tokio::test(start_paused = true)]
async fn device_code_serves_services_and_tenants() {
    let entra = Entra::new(5, [pending(), tokens(0)], None);
    let identity = entra.identity(limits::SIGN_IN_CODE);
    let abroad = identity.in_tenant(ABROAD);
    let all = tokio::join!(
        identity.token(GRAPH),
        identity.token(ARM),
        abroad.token(ARM),
        identity.token(ARM)
    );
    assert!(
        all.0.is_ok() && all.1.is_ok() && all.2.is_ok() && all.3.is_ok(),
        "{all:?}"
    );
    let told = lock(&entra.told).clone();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].code.as_str(), told[0].tenant.as_deref()), ("ABCD-EFGH", None));
    assert_eq!(told[0].page.as_str(), "https://microsoft.com/devicelogin");
    // The code asks for Resource Manager, whoever wanted a token first, and as what every tenant knows.
    let (_, code) = &entra.asked("/devicecode")[0];
    assert!(code.starts_with(&format!("/{HOME}/oauth2/v2.0/devicecode")), "{code}");
    assert!(
        code.contains("management.core.windows.net%2F%2F.default+offline_access"),
        "{code}"
    );
    assert!(code.contains(CLIENT), "{code}");
    let exchanged: Vec<String> = entra
        .asked("grant_type=refresh_token")
        .into_iter()
        .map(|(_, line)| line)
        .collect();
    let to = |tenant: TenantId| {
        exchanged
            .iter()
            .filter(|line| line.contains(&tenant.to_string()))
            .count()
    };
    assert_eq!(
        (to(HOME), to(ABROAD)),
        (1, 1),
        "Graph here, Resource Manager there: {exchanged:?}"
    );
    // New tokens, of the same sign-in.
    identity.forget();
    assert!(identity.token(ARM).await.is_ok());
    assert_eq!(entra.codes(), 1);
    assert_eq!(entra.script.wire().stats().writes, 0);
    assert!(!format!("{identity:?}").contains(TOP_SECRET));
}

#[tokio::test(start_paused = true)]
async fn device_code_polling_honors_slow_down() {
    let looks = [pending(), pending(), refusal("slow_down", 70016), pending(), tokens(0)];
    let entra = Entra::new(5, looks, None);
    assert!(entra.identity(limits::SIGN_IN_CODE).token(ARM).await.is_ok());
    let seconds: Vec<u64> = entra.asked("/token").iter().map(|(at, _)| at.as_secs()).collect();
    assert_eq!(seconds, [0, 5, 10, 20, 30]);
    // Entra may say zero.
    let entra = Entra::new(0, [pending(), pending(), tokens(0)], None);
    assert!(entra.identity(limits::SIGN_IN_CODE).token(ARM).await.is_ok());
    let at: Vec<Duration> = entra.asked("/token").iter().map(|(at, _)| *at).collect();
    assert!(
        at.windows(2).all(|pair| pair[1] - pair[0] >= limits::FIRST_POLL),
        "{at:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn device_code_failure_reaches_all_waiters() {
    let table = [
        (refusal("authorization_declined", 70018), Some("AADSTS70018")),
        (refusal("expired_token", 70020), Some("AADSTS70020")),
        (refusal("invalid_grant", 53003), Some("AADSTS53003")),
        (json!({ "error": "odd" }), Some("odd")),
    ];
    for (answer, code) in table {
        let entra = Entra::new(5, [pending(), answer], None);
        let identity = entra.identity(limits::SIGN_IN_CODE);
        let (arm, graph) = tokio::join!(identity.token(ARM), identity.token(GRAPH));
        for error in [arm.unwrap_err(), graph.unwrap_err()] {
            assert_eq!((error.service, error.code()), (AzureService::Entra, code));
            assert!(error.sign_in[0].contains("new code"), "{error:?}");
        }
        assert!(identity.token(ARM).await.is_err());
        assert_eq!(entra.codes(), 1, "nobody is asked again who said no");
    }
}

#[tokio::test(start_paused = true)]
async fn device_code_expires_when_not_entered() {
    for (within, told) in [(limits::SIGN_IN_CODE * 2, "15m"), (Duration::from_secs(42), "42s")] {
        let entra = Entra::new(5, [], None);
        let began = Instant::now();
        let error = entra.identity(within).token(ARM).await.unwrap_err();
        let life = lock(&entra.told)[0].life;
        assert_eq!(began.elapsed().as_secs(), life.as_secs());
        let FailureKind::NoToken { why } = &error.failure else {
            panic!("{error:?}");
        };
        assert!(why.contains("The code wasn't entered") && why.contains(told), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn device_code_separate_for_guest_tenant() {
    for (looks, comes) in [
        (vec![tokens(0), tokens(1)], true),
        (vec![tokens(0), refusal("authorization_declined", 70018)], false),
    ] {
        let entra = Entra::new(5, looks, Some((ABROAD, 50076)));
        let identity = entra.identity(limits::SIGN_IN_CODE);
        let abroad = identity.in_tenant(ABROAD);
        assert!(identity.token(ARM).await.is_ok());
        for _ in 0..2 {
            assert_eq!(abroad.token(ARM).await.is_ok(), comes);
        }
        let told = lock(&entra.told).clone();
        assert_eq!(told.len(), 2);
        assert_eq!(told[1].tenant, Some(ABROAD.to_string()));
    }
    // A stranger is none by whatever code.
    let entra = Entra::new(5, [tokens(0)], Some((ABROAD, 50020)));
    let identity = entra.identity(limits::SIGN_IN_CODE);
    assert!(identity.token(ARM).await.is_ok());
    let error = identity.in_tenant(ABROAD).token(ARM).await.unwrap_err();
    assert_eq!((error.code(), entra.codes()), (Some("AADSTS50020"), 1));
}

#[tokio::test(start_paused = true)]
async fn device_code_error_hides_response_body() {
    let half = json!({ "token_type": "Bearer", "access_token": TOP_SECRET });
    let table = [
        (5, json!({ "access_token": TOP_SECRET, "expires_in": "soon" })),
        (
            5,
            json!({ "token_type": "Bearer", "access_token": TOP_SECRET, "expires_in": u64::MAX }),
        ),
        (5, half),
        (u64::MAX, tokens(0)),
    ];
    for (interval, answer) in table {
        let identity = Entra::new(interval, [answer], None).identity(limits::SIGN_IN_CODE);
        let error = identity.token(ARM).await.unwrap_err();
        assert!(!format!("{error:?} {error}").contains(TOP_SECRET), "{error:?}");
    }
}

#[tokio::test]
async fn device_code_needs_prompt_channel() {
    let script = TransportScript::new([]);
    let identity = AzureIdentity::new(
        AuthMethod::DeviceCode,
        &|_| None,
        None,
        &AzureCloud::public(),
        script.wire(),
    )
    .unwrap();
    assert!(
        identity
            .token(ARM)
            .await
            .unwrap_err()
            .message()
            .contains("sign-in code")
    );
    assert!(script.lines().is_empty());
}
