//! Limits on the requests that ARM accepts from one principal before it refuses more.

use std::time::Duration;

use http::Method;
use serde_json::json;
use tokio::time::advance;

use super::support::*;
use crate::sandbox::{BudgetLimit, BudgetLimits, Lag, Sandbox, SandboxOptions};

const QUERY: &str = "/providers/Microsoft.ResourceGraph/resources";

fn with(limits: &[&str]) -> Sandbox {
    let limits = limits
        .iter()
        .map(|limit| limit.parse::<BudgetLimit>().expect("a limit"));
    sandbox(SandboxOptions {
        lag: Lag::None,
        limits: limits.collect::<BudgetLimits>(),
        ..SandboxOptions::default()
    })
}

async fn query(client: &SandboxClient) -> Seen {
    let text = "resources | where type =~ 'microsoft.network/virtualnetworks' | project id";
    client.arm(Method::POST, QUERY, Some(json!({"query": text}))).await
}

fn left(seen: &Seen, what: &str) -> Option<u32> {
    seen.header(&format!("x-ms-ratelimit-remaining-{what}")).parse().ok()
}

#[test]
fn budget_limits_parse_or_explain() {
    for good in [
        "reads=20/2",
        " writes = 1/1 ",
        "deletes=200/10",
        "queries=15/5s",
        "queries=1/1h",
    ] {
        assert!(good.parse::<BudgetLimit>().is_ok(), "{good}");
    }
    for (bad, why) in [
        ("", "'=' is missing"),
        ("reads", "'=' is missing"),
        ("reads=20", "'/' is missing"),
        ("reads=0/2", "expected a number from 1 before '/'"),
        ("reads=-1/2", "expected a number from 1 before '/'"),
        ("reads=99999999999/2", "expected a number from 1 before '/'"),
        ("reads=20/0", "expected a number from 1 after '/'"),
        ("reads=20/0.5", "expected a number from 1 after '/'"),
        ("reads=20/5s", "expected a number from 1 after '/'"),
        ("queries=15/5", "expected a time up to an hour after '/', such as 5s"),
        ("queries=15/0s", "expected a time up to an hour after '/', such as 5s"),
        ("queries=15/2h", "expected a time up to an hour after '/', such as 5s"),
        ("peeks=20/2", "the kinds are reads, writes, deletes and queries"),
    ] {
        let said = bad.parse::<BudgetLimit>().expect_err(bad);
        assert!(said.contains(why) && said.contains("reads=20/2"), "{bad}: {said}");
    }
}

#[tokio::test(start_paused = true)]
async fn budget_defaults_match_azure_documentation() {
    let sandbox = with(&[]);
    let operator = operator(&sandbox).await;
    let group = format!("/subscriptions/{SUB}/resourceGroups/rg-x");
    let read = operator.get(VNET).await;
    let written = operator
        .arm(Method::PUT, &group, Some(json!({"location": "eastus2"})))
        .await;
    let deleted = operator.arm(Method::DELETE, &group, None).await;
    for (seen, kind, own, all) in [
        (&read, "reads", 249, 3_749),
        (&written, "writes", 199, 2_999),
        (&deleted, "deletes", 199, 2_999),
    ] {
        assert_eq!(left(seen, &format!("subscription-{kind}")), Some(own), "{seen:?}");
        assert_eq!(
            left(seen, &format!("subscription-global-{kind}")),
            Some(all),
            "{seen:?}"
        );
        let counts = seen.headers.keys().filter(|name| name.as_str().contains("ratelimit"));
        assert_eq!(counts.count(), 2, "{seen:?}");
    }
    let tenant = operator.get("/subscriptions").await;
    assert_eq!(
        (left(&tenant, "tenant-reads"), left(&tenant, "subscription-reads")),
        (Some(249), None)
    );
    let missing = operator.get(&format!("{VNET}-x")).await;
    assert_eq!((missing.status, left(&missing, "subscription-reads")), (404, Some(248)));
    // 250 at once, and 25 more each second.
    for _ in 0..248 {
        operator.get(VNET).await.ok();
    }
    assert_eq!(operator.get(VNET).await.status, 429);
    advance(Duration::from_millis(39)).await;
    assert_eq!(operator.get(VNET).await.status, 429);
    advance(Duration::from_millis(1)).await;
    assert_eq!(left(&operator.get(VNET).await, "subscription-reads"), Some(0));
    advance(Duration::from_secs(60)).await;
    assert_eq!(left(&operator.get(VNET).await, "subscription-reads"), Some(249));
}

#[tokio::test(start_paused = true)]
async fn budget_exceeded_refuses_without_changes() {
    let sandbox = with(&["writes=2/1"]);
    let operator = operator(&sandbox).await;
    let put = async |name: &str| {
        let group = format!("/subscriptions/{SUB}/resourceGroups/{name}");
        operator
            .arm(Method::PUT, &group, Some(json!({"location": "eastus2"})))
            .await
    };
    put("rg-1").await.ok();
    advance(Duration::from_millis(400)).await;
    assert_eq!(left(&put("rg-2").await, "subscription-writes"), Some(0));
    let seen = put("rg-3").await;
    assert_eq!(
        (seen.status, seen.code(), seen.header("retry-after")),
        (429, "SubscriptionRequestsThrottled", "1")
    );
    let absent = operator.get(&format!("/subscriptions/{SUB}/resourceGroups/rg-3")).await;
    assert_eq!(absent.code(), "ResourceGroupNotFound");
    let message = seen.body["error"]["message"].as_str().expect("a message");
    let start = format!("Number of 'write' requests for subscription '{SUB}' actor '");
    let end = "exceeded. Please try again after '1' seconds after additional tokens are available. Refer to \
               https://aka.ms/arm-throttling for additional information.";
    assert!(message.starts_with(&start) && message.ends_with(end), "{message}");
    // A refused request takes nothing, and after the time that it was told it is accepted.
    put("rg-3").await;
    advance(Duration::from_millis(600)).await;
    assert_eq!(put("rg-3").await.status, 201);

    let sandbox = with(&["reads=1/1"]);
    let client = super::support::operator(&sandbox).await;
    client.get("/tenants").await.ok();
    let seen = client.get("/subscriptions").await;
    assert_eq!((seen.status, seen.code()), (429, "TenantRequestsThrottled"));
    assert!(
        seen.text.contains(&format!("requests for tenant '{TENANT}' actor '")),
        "{}",
        seen.text
    );
}

#[tokio::test(start_paused = true)]
async fn budget_counted_per_principal_and_kind() {
    let sandbox = with(&["reads=2/1", "deletes=1/1"]);
    let (operator, limited) = (operator(&sandbox).await, limited(&sandbox).await);
    for _ in 0..2 {
        operator.get(VNET).await.ok();
    }
    assert_eq!(operator.get(VNET).await.status, 429);
    assert_eq!(limited.get(VNET).await.status, 200);
    assert_eq!(operator.get(&format!("/subscriptions/{STAGING}")).await.status, 200);
    assert_eq!(operator.get("/tenants").await.status, 200);
    assert_eq!(define(&operator, &ACTIONS).await.status, 201);
    assert_eq!(query(&operator).await.status, 200);
    // All of them together have fifteen times as much as each.
    let all = left(&limited.get(VNET).await, "subscription-global-reads");
    assert_eq!(all, Some(26));
}

#[tokio::test(start_paused = true)]
async fn budget_resource_graph_quota_resets() {
    let sandbox = with(&["queries=3/5s"]);
    let operator = operator(&sandbox).await;
    let counts = |seen: &Seen| {
        let names = ["x-ms-user-quota-remaining", "x-ms-user-quota-resets-after"];
        let [count, resets] = names.map(|name| seen.header(name).to_owned());
        (seen.status, count, resets)
    };
    let expected = |status: u16, count: &str, resets: &str| (status, count.to_owned(), resets.to_owned());
    assert_eq!(counts(&query(&operator).await), expected(200, "2", "00:00:05"));
    advance(Duration::from_millis(2_100)).await;
    let seen = query(&operator).await;
    assert_eq!(counts(&seen), expected(200, "1", "00:00:03"));
    assert_eq!(left(&seen, "tenant-resource-requests"), Some(1));
    query(&operator).await.ok();
    let seen = query(&operator).await;
    assert_eq!(counts(&seen), expected(429, "0", "00:00:03"));
    assert_eq!((seen.code(), seen.header("retry-after")), ("RateLimiting", "3"));
    assert_eq!(seen.body["error"]["details"][0]["code"], "RateLimiting");
    assert_eq!(query(&limited(&sandbox).await).await.status, 200);
    advance(Duration::from_millis(2_900)).await;
    assert_eq!(counts(&query(&operator).await), expected(200, "2", "00:00:05"));
}

#[tokio::test(start_paused = true)]
async fn budget_usage_excluded_from_world() {
    let sandbox = with(&["reads=2/1"]);
    let client = operator(&sandbox).await;
    let state = async || raw(&sandbox, get_request("/_sandbox/state")).await.text;
    let before = state().await;
    for _ in 0..5 {
        client.get(VNET).await;
    }
    assert_eq!(state().await, before);
    let reset = http::Request::post("https://localhost:1/_sandbox/reset").body(bytes::Bytes::new());
    raw(&sandbox, reset.expect("a request")).await;
    let client = operator(&sandbox).await;
    assert_eq!(left(&client.get(VNET).await, "subscription-reads"), Some(1));
}
