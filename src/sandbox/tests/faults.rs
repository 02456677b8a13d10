//! Faults on demand.

use bytes::Bytes;
use http::{Method, Request};

use super::support::*;
use crate::sandbox::{FaultRule, InjectedFault, Lag, RequestOutcome, Sandbox, SandboxOptions};

fn with(rules: &[&str]) -> Sandbox {
    let faults = rules.iter().map(|rule| rule.parse().expect("a rule")).collect();
    sandbox(SandboxOptions {
        lag: Lag::None,
        faults,
        ..SandboxOptions::default()
    })
}

#[test]
fn fault_rules_parse_or_explain() {
    for good in [
        "PUT */roleAssignments/*:2=429",
        "* /subscriptions=reset-after",
        "GET */x:1=503:7",
        "POST *=garbage",
        "PUT *=challenge",
        "GET */servicePrincipals(appId='x')=403",
        "PUT */x=409:AnotherOperationInProgress",
        "PUT */x:1=429:600:TooManyRequests:a = b: c",
    ] {
        assert!(good.parse::<FaultRule>().is_ok(), "{good}");
    }
    for bad in [
        "",
        "PUT */x",
        "PUT=429",
        "PUT */x:0=429",
        "PUT */x:y=429",
        "PUT */x=200",
        "PUT */x=soon",
        "PUT */x=429:7:8",
    ] {
        let why = bad.parse::<FaultRule>().expect_err(bad);
        assert!(why.contains("METHOD PATH[:N]=FAULT"), "{why}");
    }
    assert_eq!("reset-before".parse(), Ok(InjectedFault::ResetBefore));
}

#[tokio::test]
async fn fault_hits_only_nth_match() {
    let sandbox = with(&["PUT */roledefinitions/*:2=429:7"]);
    let operator = operator(&sandbox).await;
    assert_eq!(define(&operator, &ACTIONS).await.status, 201);
    let seen = define(&operator, &ACTIONS[..1]).await;
    assert_eq!(
        (seen.status, seen.code(), seen.header("retry-after")),
        (429, "TooManyRequests", "7")
    );
    let path = format!("/subscriptions/{SUB}/providers/Microsoft.Authorization/roleDefinitions/{ROLE}");
    let role = operator.get(&path).await.ok();
    assert_eq!(
        role["properties"]["permissions"][0]["actions"].as_array().map(Vec::len),
        Some(5)
    );
    assert_eq!(define(&operator, &ACTIONS).await.status, 201);
}

#[tokio::test]
async fn fault_breaks_connection_around_effect() {
    for (rule, exists) in [
        ("reset-before", false),
        ("reset-after", true),
        ("truncate", true),
        ("garbage", false),
    ] {
        let sandbox = with(&[&format!("POST */servicePrincipals:1={rule}")]);
        let operator = operator(&sandbox).await;
        let request = Request::builder()
            .method(Method::POST)
            .uri("https://localhost/v1.0/servicePrincipals")
            .header("authorization", format!("Bearer {}", operator.token))
            .body(Bytes::from(format!("{{\"appId\":\"{KONG}\"}}")))
            .expect("a request");
        let kind = match sandbox.exchange(request).await {
            RequestOutcome::Reset => "reset",
            RequestOutcome::Truncated(_) => "truncate",
            RequestOutcome::Answer(_) => "garbage",
            RequestOutcome::Stall => "stall",
        };
        assert!(rule.starts_with(kind), "{rule}: {kind}");
        let path = format!("/v1.0/servicePrincipals?$filter=appId%20eq%20'{KONG}'");
        let found = operator.send(Method::GET, &path, None).await.ok();
        assert_eq!(
            found["value"].as_array().map(Vec::len),
            Some(usize::from(exists)),
            "{rule}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn fault_stall_and_latency_apply() {
    let sandbox = with(&["GET /tenants=stall"]);
    let asked = sandbox.handle(get_request("/tenants?api-version=2022-12-01"));
    assert!(
        tokio::time::timeout(std::time::Duration::from_secs(3600), asked)
            .await
            .is_err()
    );

    let latency = std::time::Duration::from_millis(50);
    let slow = Sandbox::new(SandboxOptions {
        latency,
        ..SandboxOptions::default()
    });
    let before = tokio::time::Instant::now();
    raw(&slow, get_request("/metadata/endpoints?api-version=2022-09-01")).await;
    assert_eq!(before.elapsed(), latency);
}

#[tokio::test]
async fn every_service_words_its_own_errors() {
    let sandbox = with(&["* *=503"]);
    let client = konnect(&sandbox);
    let arm = client.get("/subscriptions").await;
    assert_eq!((arm.status, arm.code()), (503, "ServiceUnavailable"));
    let vendor = client.send(Method::GET, "/v2/cloud-gateways/networks", None).await;
    assert_eq!(vendor.body["status"], 503);
    let entra = token(&sandbox, TENANT, OPERATOR, "x").await;
    assert_eq!(entra.body["error_codes"][0], 90033);
}

#[tokio::test]
async fn fault_error_uses_service_envelope() {
    let sandbox = with(&[
        "GET /subscriptions=409:AnotherOperationInProgress:wait = a moment",
        "GET /v1.0/me=403:429:Directory_QuotaExceeded",
        "POST */token=400:AADSTS50076:use a second factor",
        "GET /v2/*=403:Quota Exceeded:Maximum number of networks exceeded.",
        "GET /v1/project/*=404:NotFound:VPC does not exist",
        "GET /v1/networks=400:Any:bad request",
    ]);
    let client = konnect(&sandbox);
    let arm = client.get("/subscriptions").await;
    assert_eq!((arm.status, arm.code()), (409, "AnotherOperationInProgress"));
    assert_eq!(arm.body["error"]["message"], "wait = a moment");
    let graph = client.send(Method::GET, "/v1.0/me", None).await;
    assert_eq!(
        (graph.code(), graph.header("retry-after")),
        ("Directory_QuotaExceeded", "429")
    );
    let entra = token(&sandbox, TENANT, OPERATOR, "x").await;
    assert_eq!(entra.body["error_codes"][0], 50076);
    assert_eq!(entra.body["error_description"], "AADSTS50076: use a second factor");
    let kong = client.send(Method::GET, "/v2/cloud-gateways/networks", None).await;
    assert_eq!(kong.body["title"], "Quota Exceeded");
    assert_eq!(kong.body["detail"], "Maximum number of networks exceeded.");
    let aiven = client.send(Method::GET, "/v1/project/demo/vpcs", None).await;
    assert_eq!(aiven.body["message"], "VPC does not exist");
    let dragonfly = client.send(Method::GET, "/v1/networks", None).await;
    assert_eq!(dragonfly.body["error"], "bad request");
}
