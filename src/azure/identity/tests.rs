use std::ffi::OsStr;
use std::process::Output;
use std::sync::atomic::AtomicUsize;

use async_trait::async_trait;
use azure_identity::Executor;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::ExposeSecret;
use serde_json::json;

use super::*;
use crate::azure::testing::{TransportScript, answer, json as json_answer};

const SCOPE: &str = "https://management.core.windows.net//.default";
const TENANT: TenantId = TenantId::from_u128(7);

fn vars(pairs: &'static [(&'static str, &'static str)]) -> impl Fn(&str) -> Option<String> {
    move |name| {
        pairs
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| (*value).to_owned())
    }
}

const SECRET: &[(&str, &str)] = &[
    ("AZURE_CLIENT_ID", "app-1"),
    ("AZURE_TENANT_ID", "contoso.com"),
    ("AZURE_CLIENT_SECRET", "top-secret"),
];

/// Gives tokens `token-1`, `token-2`, … that live for `seconds`.
fn entra(seconds: u32) -> Arc<TransportScript> {
    let count = AtomicUsize::new(0);
    TransportScript::rule(move |_| {
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        json_answer(
            200,
            &json!({ "token_type": "Bearer", "expires_in": seconds, "access_token": format!("token-{number}") }),
        )
    })
}

fn identity(script: &Arc<TransportScript>, tenant: Option<TenantId>) -> AzureIdentity {
    AzureIdentity::new(
        AuthMethod::Auto,
        &vars(SECRET),
        tenant,
        &AzureCloud::public(),
        script.wire(),
    )
    .unwrap()
}

async fn token(identity: &AzureIdentity) -> String {
    identity.token(SCOPE).await.unwrap().expose_secret().to_owned()
}

#[tokio::test]
async fn token_is_cached_until_forgotten() {
    let script = entra(3_600);
    let identity = identity(&script, Some(TENANT));
    let many = futures::future::join_all((0..10).map(|_| token(&identity))).await;
    assert!(many.iter().all(|token| token == "token-1"), "{many:?}");
    let other = TenantId::from_u128(8);
    assert_eq!(token(&identity.in_tenant(other)).await, "token-2");
    assert_eq!(token(&identity.clone()).await, "token-1");
    identity.forget();
    assert_eq!(token(&identity).await, "token-3");
    let lines = script.lines();
    assert_eq!(
        lines[0],
        format!("POST https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token")
    );
    assert!(lines[1].contains(&other.to_string()), "{lines:?}");
    assert_eq!(script.wire().stats().writes, 0);
    assert!(!format!("{identity:?}").contains("top-secret"));
}

#[tokio::test]
async fn token_near_expiry_is_replaced() {
    let script = entra(0);
    let identity = identity(&script, None);
    assert_eq!(token(&identity).await, "token-1");
    assert_eq!(token(&identity).await, "token-2");
    assert!(script.lines()[0].contains("/contoso.com/"), "the environment's tenant");
}

#[tokio::test]
async fn token_refusal_shared_with_waiters() {
    let body = r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided.\r\nTrace ID: 30b6df93\r\nCorrelation ID: dffc6012","error_codes":[7000215],"correlation_id":"dffc6012"}"#;
    let script = TransportScript::new([answer(401, &[], body)]);
    let identity = identity(&script, Some(TENANT));
    let results = futures::future::join_all((0..5).map(|_| identity.token(SCOPE))).await;
    for result in results {
        let error = result.unwrap_err();
        assert_eq!(
            (error.service, error.code()),
            (AzureService::Entra, Some("AADSTS7000215"))
        );
        assert_eq!(error.message(), "Invalid client secret provided.");
        assert_eq!(error.status(), Some(401));
    }
}

#[tokio::test]
async fn certificate_sign_in_sends_assertion() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.pem");
    std::fs::write(&file, certificate::tests::PEM).unwrap();
    let path = file.to_str().unwrap().to_owned();
    let vars = move |name: &str| match name {
        "AZURE_CLIENT_ID" => Some("app-1".to_owned()),
        "AZURE_TENANT_ID" => Some("contoso.com".to_owned()),
        "AZURE_CLIENT_CERTIFICATE_PATH" => Some(path.clone()),
        _ => None,
    };
    let script = entra(3_600);
    let identity = AzureIdentity::new(
        AuthMethod::Environment,
        &vars,
        None,
        &AzureCloud::public(),
        script.wire(),
    )
    .unwrap();
    assert_eq!(token(&identity).await, "token-1");
    let body = String::from_utf8(script.requests()[0].body().to_vec()).unwrap();
    assert!(
        body.contains("client_assertion=ey") && body.contains("grant_type=client_credentials"),
        "{body}"
    );
}

/// Runs no process.
#[derive(Debug)]
struct FakeAz {
    runs: AtomicUsize,
    said: &'static str,
}

#[async_trait]
impl Executor for FakeAz {
    async fn run(&self, _: &OsStr, args: &[&OsStr]) -> std::io::Result<Output> {
        tokio::task::yield_now().await;
        self.runs.fetch_add(1, Ordering::SeqCst);
        assert!(
            args[1].to_string_lossy().contains(&format!("--tenant {TENANT}")),
            "{args:?}"
        );
        Ok(Output {
            status: Default::default(),
            stdout: self.said.as_bytes().to_vec(),
            stderr: Vec::new(),
        })
    }
}

#[tokio::test]
async fn az_process_serves_many_requests() {
    let said = r#"{"accessToken":"from-az","expires_on":4102444800,"tokenType":"Bearer"}"#;
    let az = Arc::new(FakeAz {
        runs: AtomicUsize::new(0),
        said,
    });
    let source = CredentialSource::Cli {
        executor: Some(az.clone()),
        half: None,
    };
    let place = SignInAuthority {
        tenant: Some(TENANT.to_string()),
        cloud: Arc::new(AzureCloud::public()),
        wire: TransportScript::new([]).wire(),
        person: None,
        claims: None,
    };
    let identity = AzureIdentity::with(source, place, true);
    let many = futures::future::join_all((0..10).map(|_| token(&identity))).await;
    assert!(many.iter().all(|token| token == "from-az"));
    assert_eq!(az.runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn managed_identity_contacts_only_local_endpoint() {
    let body = r#"{"access_token":"from-machine","expires_on":"4102444800","token_type":"Bearer","resource":"x","client_id":"c","expires_in":"3600","ext_expires_in":"3600","not_before":"1"}"#;
    let script = TransportScript::new([answer(200, &[("content-type", "application/json")], body)]);
    let identity = AzureIdentity::new(
        AuthMethod::ManagedIdentity,
        &vars(&[]),
        None,
        &AzureCloud::public(),
        script.wire(),
    )
    .unwrap();
    assert_eq!(token(&identity).await, "from-machine");
    assert!(script.lines()[0].starts_with("GET http://169.254.169.254/metadata/identity/oauth2/token"));
}

#[tokio::test]
async fn token_of_wrong_tenant_is_rejected() {
    let claims = json!({ "tid": TenantId::from_u128(8), "oid": TENANT, "appid": TENANT });
    let token = format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let body = json!({ "access_token": token, "expires_on": "4102444800", "token_type": "Bearer", "resource": "x" });
    let script = TransportScript::rule(move |_| json_answer(200, &body));
    let machine = |tenant| {
        let (public, wire) = (AzureCloud::public(), script.wire());
        AzureIdentity::new(AuthMethod::ManagedIdentity, &vars(&[]), tenant, &public, wire).unwrap()
    };
    assert!(machine(None).token(SCOPE).await.is_ok());
    let error = machine(Some(TENANT)).token(SCOPE).await.unwrap_err();
    let message = error.message();
    assert!(
        message.contains("managed identity") && message.contains(&TENANT.to_string()),
        "{message}"
    );
    assert!(!message.contains(&token), "{message}");
    assert!(error.sign_in.iter().any(|line| line.contains("--auth")), "{error:?}");
}

#[tokio::test]
async fn github_actions_requests_fresh_token() {
    let pairs = &[
        ("AZURE_TENANT_ID", "contoso.com"),
        ("AZURE_CLIENT_ID", "app-1"),
        (
            "ACTIONS_ID_TOKEN_REQUEST_URL",
            "https://run.actions.githubusercontent.com/7?api-version=2.0",
        ),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "top-secret"),
    ];
    for (status, given) in [
        (200, json!({ "value": "of-the-job", "count": 1 })),
        (403, json!({ "message": "no" })),
    ] {
        let script = TransportScript::rule(move |request| match request.uri().host() {
            Some("run.actions.githubusercontent.com") => json_answer(status, &given),
            _ => json_answer(
                200,
                &json!({ "token_type": "Bearer", "expires_in": 3600, "access_token": "token" }),
            ),
        });
        let identity = AzureIdentity::new(
            AuthMethod::Auto,
            &vars(pairs),
            None,
            &AzureCloud::public(),
            script.wire(),
        )
        .unwrap();
        let got = identity.token(SCOPE).await;
        let asked = &script.requests()[0];
        assert_eq!(
            asked.uri().query(),
            Some("api-version=2.0&audience=api%3A%2F%2FAzureADTokenExchange")
        );
        assert_eq!(asked.headers()["authorization"], "Bearer top-secret");
        let Err(error) = got else {
            let exchange = &script.requests()[1];
            assert!(
                !exchange.headers().contains_key("authorization"),
                "GitHub's own token goes nowhere else"
            );
            let body = String::from_utf8(exchange.body().to_vec()).unwrap();
            assert!(body.contains("client_assertion=of-the-job"), "{body}");
            continue;
        };
        assert_eq!((status, error.service), (403, AzureService::Vendor("GitHub")));
        assert!(error.sign_in[0].contains("id-token: write"), "{error:?}");
        assert!(!format!("{error:?}").contains("top-secret"));
    }
}

#[test]
fn auto_picks_first_complete_method() {
    let has_tenant = |pairs: &[(&str, &str)]| pairs.iter().any(|(name, _)| *name == "AZURE_TENANT_ID");
    let name = |pairs: &'static [(&str, &str)]| {
        CredentialSource::choose(AuthMethod::Auto, &vars(pairs), has_tenant(pairs)).map(|source| source.name())
    };
    assert_eq!(name(SECRET), Ok("client secret"));
    assert_eq!(name(&[]), Ok("Azure CLI"));
    assert_eq!(
        name(&[("AZURE_TENANT_ID", "t"), ("AZURE_CLIENT_ID", "a")]),
        Ok("Azure CLI")
    );
    let federated = &[
        ("AZURE_TENANT_ID", "t"),
        ("AZURE_CLIENT_ID", "a"),
        ("AZURE_FEDERATED_TOKEN_FILE", "Cargo.toml"),
    ];
    assert_eq!(name(federated), Ok("workload identity"));
}

#[test]
fn what_is_missing_is_named() {
    type Row = (AuthMethod, &'static [(&'static str, &'static str)], &'static str);
    let table: [Row; 5] = [
        (AuthMethod::Environment, &[], "AZURE_CLIENT_ID"),
        (
            AuthMethod::Environment,
            &[("AZURE_CLIENT_ID", "a")],
            "AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_PATH",
        ),
        (
            AuthMethod::Environment,
            &[("AZURE_CLIENT_ID", "a"), ("AZURE_CLIENT_SECRET", "s")],
            "AZURE_TENANT_ID",
        ),
        (
            AuthMethod::WorkloadIdentity,
            &[("AZURE_CLIENT_ID", "a")],
            "AZURE_FEDERATED_TOKEN_FILE",
        ),
        (
            AuthMethod::Environment,
            &[
                ("AZURE_CLIENT_ID", "a"),
                ("AZURE_TENANT_ID", "t"),
                ("AZURE_CLIENT_CERTIFICATE_PATH", "/no.pem"),
            ],
            "/no.pem",
        ),
    ];
    for (auth, pairs, expected) in table {
        let error = AzureIdentity::new(
            auth,
            &vars(pairs),
            None,
            &AzureCloud::public(),
            TransportScript::new([]).wire(),
        )
        .unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn sign_in_methods_have_names() {
    for auth in AuthMethod::ALL {
        assert_eq!(auth.to_string().parse(), Ok(auth));
    }
    assert!(
        "password"
            .parse::<AuthMethod>()
            .unwrap_err()
            .contains("managed-identity")
    );
}

#[tokio::test]
async fn application_signs_in_with_each_credential() {
    let folder = tempfile::tempdir().unwrap();
    let [certificate, federated] = ["app.pem", "token"].map(|name| folder.path().join(name));
    std::fs::write(&certificate, certificate::tests::PEM).unwrap();
    std::fs::write(&federated, "token-of-another-issuer").unwrap();
    let table = [
        (AppCredential::Secret("top-secret".into()), "client_secret=top-secret"),
        (AppCredential::Certificate(certificate), "client_assertion=ey"),
        (
            AppCredential::FederatedToken(federated),
            "client_assertion=token-of-another-issuer",
        ),
    ];
    let app = Uuid::from_u128(5);
    for (credential, expected) in table {
        let shown = format!("{credential:?}");
        assert!(!shown.contains("top-secret"), "{shown}");
        let script = entra(3_600);
        let identity = AzureIdentity::application(&AzureCloud::public(), script.wire(), TENANT, app, credential);
        let other = TenantId::from_u128(8);
        assert_eq!(token(&identity).await, "token-1");
        assert_eq!(token(&identity.in_tenant(other)).await, "token-2");
        assert_eq!(
            token(&identity).await,
            "token-1",
            "one identity, a token for each tenant"
        );
        for (request, tenant) in script.requests().iter().zip([TENANT, other]) {
            assert_eq!(request.uri().path(), format!("/{tenant}/oauth2/v2.0/token"));
            let body = String::from_utf8(request.body().to_vec()).unwrap();
            assert!(
                body.contains(expected) && body.contains(&format!("client_id={app}")),
                "{body}"
            );
        }
    }
}

#[tokio::test]
async fn certificate_read_error_names_file() {
    let credential = AppCredential::Certificate("/no/such.pem".into());
    let wire = TransportScript::new([]).wire();
    let identity = AzureIdentity::application(&AzureCloud::public(), wire, TENANT, Uuid::from_u128(5), credential);
    let error = identity.token(SCOPE).await.unwrap_err();
    assert!(
        matches!(&error.failure, FailureKind::NoToken { why } if why.contains("/no/such.pem")),
        "{error}"
    );
}
