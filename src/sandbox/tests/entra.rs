//! Tokens: who gets one, and in which words the others are refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::support::*;
use crate::sandbox::{Lag, Sandbox, SandboxOptions};

fn at_once() -> SandboxOptions {
    SandboxOptions {
        lag: Lag::None,
        ..SandboxOptions::default()
    }
}

#[tokio::test]
async fn refusals_have_entras_codes() {
    let sandbox = sandbox(at_once());
    let secret = "sandbox~operator~secret";
    let table = [
        ("none.example", OPERATOR, secret, 400, 90002),
        (TENANT, OPERATOR, "wrong", 401, 7_000_215),
        (TENANT, GRANT, secret, 400, 700_016),
        (TENANT, "not-a-guid", secret, 400, 700_016),
        (KONG_TENANT, LIMITED, "sandbox~limited~secret", 400, 700_016),
        (KONG_TENANT, OPERATOR, secret, 401, 7_000_229),
        (TENANT, KONG, "sandbox~kong~secret", 401, 7_000_229),
    ];
    for (tenant, app, secret, status, code) in table {
        let seen = token(&sandbox, tenant, app, secret).await;
        assert_eq!(
            (seen.status, &seen.body["error_codes"]),
            (status, &json!([code])),
            "{}",
            seen.text
        );
        let description = seen.body["error_description"].as_str().expect("a description");
        assert!(description.starts_with(&format!("AADSTS{code}: ")), "{description}");
        assert_eq!(seen.header("retry-after") == "0", status == 400);
    }
}

#[tokio::test]
async fn entra_token_names_audience() {
    let sandbox = sandbox(at_once());
    for tenant in [TENANT, "contoso.onmicrosoft.com", "CONTOSO.onmicrosoft.com"] {
        let body = token(&sandbox, tenant, OPERATOR, "sandbox~operator~secret").await.ok();
        let claims = body["access_token"]
            .as_str()
            .and_then(|token| token.split('.').nth(1))
            .expect("claims");
        let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).expect("base64")).expect("JSON");
        assert_eq!(claims["aud"], "https://management.core.windows.net/");
        assert_eq!(
            (claims["tid"].as_str(), claims["appid"].as_str()),
            (Some(TENANT), Some(OPERATOR))
        );
        assert_eq!(
            (claims["idtyp"].as_str(), claims["ver"].as_str()),
            (Some("app"), Some("1.0"))
        );
        assert_eq!(claims["wids"][0], "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3");
        assert_eq!(
            claims["exp"]
                .as_i64()
                .zip(claims["iat"].as_i64())
                .map(|(exp, iat)| exp - iat),
            Some(3600)
        );
    }
}

async fn assertion(sandbox: &Sandbox, header: Value, claims: Value) -> Seen {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let jwt = format!("{}.{}.c2ln", part(header), part(claims));
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", OPERATOR),
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ),
        ("client_assertion", jwt.as_str()),
        ("scope", "https://management.azure.com/.default"),
    ];
    form(sandbox, &format!("/{TENANT}/oauth2/v2.0/token"), &fields).await
}

#[tokio::test]
async fn entra_federated_token_matched_by_claims() {
    let sandbox = sandbox(at_once());
    let github = "https://token.actions.githubusercontent.com";
    let main = "repo:contoso/network:ref:refs/heads/main";
    let exchange = "api://AzureADTokenExchange";
    let table = [
        (github, main, exchange, 4_102_444_800_i64, None),
        ("https://other.example", main, exchange, 4_102_444_800, Some(700_211)),
        (
            github,
            "repo:contoso/network:ref:refs/heads/Main",
            exchange,
            4_102_444_800,
            Some(700_213),
        ),
        (github, main, "api://other", 4_102_444_800, Some(700_212)),
        (github, main, exchange, 1, Some(50027)),
    ];
    for (iss, sub, aud, exp, refused) in table {
        let seen = assertion(
            &sandbox,
            json!({"alg": "RS256"}),
            json!({"iss": iss, "sub": sub, "aud": aud, "exp": exp}),
        )
        .await;
        assert_eq!(
            seen.body["error_codes"][0].as_u64(),
            refused,
            "{iss} {sub} {aud} {exp}: {}",
            seen.text
        );
    }
    let seen = assertion(
        &sandbox,
        json!({"alg": "RS256", "x5t": "AAAA"}),
        json!({"exp": 4_102_444_800_i64}),
    )
    .await;
    assert_eq!(
        seen.body["error_codes"],
        json!([700_027]),
        "a certificate that is not registered"
    );
}

#[tokio::test]
async fn discovery_tells_a_domains_tenant() {
    let sandbox = sandbox(at_once());
    let path = |tenant: &str| format!("/{tenant}/v2.0/.well-known/openid-configuration");
    let seen = raw(&sandbox, get_request(&path("contoso.onmicrosoft.com"))).await.ok();
    assert_eq!(seen["issuer"], format!("https://localhost:1/{TENANT}/v2.0"));
    for shared in ["organizations", "common"] {
        assert_eq!(raw(&sandbox, get_request(&path(shared))).await.status, 200);
    }
    let seen = raw(&sandbox, get_request(&path("none.example"))).await;
    assert_eq!(
        (seen.status, seen.body["error"].as_str()),
        (400, Some("invalid_tenant"))
    );
}

#[tokio::test]
async fn only_known_resources_have_tokens() {
    let sandbox = sandbox(at_once());
    let table = [
        ("https://management.azure.com/.default", 200),
        ("https://graph.microsoft.com/.default", 200),
        ("https://localhost:1/.default", 200),
        ("https://vault.azure.net/.default", 400),
        ("https://management.azure.com/user_impersonation", 400),
    ];
    for (scope, status) in table {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", OPERATOR),
            ("client_secret", "sandbox~operator~secret"),
            ("scope", scope),
        ];
        let seen = form(&sandbox, &format!("/{TENANT}/oauth2/v2.0/token"), &fields).await;
        assert_eq!(seen.status, status, "{scope}: {}", seen.text);
    }
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", OPERATOR),
        ("client_secret", "sandbox~operator~secret"),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    let seen = form(&sandbox, &format!("/{TENANT}/oauth2/v2.0/token"), &fields).await;
    let token = seen.body["access_token"].as_str().expect("a token").to_owned();
    let client = SandboxClient {
        sandbox,
        token,
        auxiliary: None,
    };
    assert_eq!(
        client.get("/subscriptions").await.code(),
        "InvalidAuthenticationTokenAudience"
    );
}
