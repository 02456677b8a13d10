use url::Url;

use super::*;

const ID: &str = "11d0b6a2-64a6-4f0b-8d2e-3a5f70c91e01";

fn call(service: AzureService, line: &str) -> ApiCall {
    let (method, path) = line.split_once(' ').unwrap();
    let url: Url = format!("https://management.azure.com{path}").parse().unwrap();
    ApiCall::new(service, method.parse().unwrap(), url)
}

#[test]
fn rate_limit_key_follows_provider_scope() {
    use LimitKind::{Deletes, Reads, Writes};
    let sub = |kind| RateLimitKey::Subscription(ID.to_owned(), kind);
    let of = |name: &str, kind| RateLimitKey::Provider(name.to_owned(), Some(ID.to_owned()), kind);
    let vnet = format!("/subscriptions/{ID}/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v");
    let table = [
        (
            "GET /subscriptions?api-version=1".to_owned(),
            vec![RateLimitKey::Tenant(Reads)],
        ),
        ("GET /tenants".to_owned(), vec![RateLimitKey::Tenant(Reads)]),
        (
            "PUT /providers/Microsoft.Management/managementGroups/g".to_owned(),
            vec![
                RateLimitKey::Provider("microsoft.management".to_owned(), None, Writes),
                RateLimitKey::Tenant(Writes),
            ],
        ),
        (format!("GET /subscriptions/{ID}"), vec![sub(Reads)]),
        (
            format!("HEAD /SUBSCRIPTIONS/{}/resourceGroups/g", ID.to_uppercase()),
            vec![sub(Reads)],
        ),
        (format!("GET {vnet}"), vec![of("microsoft.network", Reads), sub(Reads)]),
        (
            format!("PUT {vnet}"),
            vec![of("microsoft.network", Writes), sub(Writes)],
        ),
        (
            format!("DELETE {vnet}"),
            vec![of("microsoft.network", Writes), sub(Deletes)],
        ),
        (
            format!("DELETE {vnet}/providers/Microsoft.Authorization/locks/l"),
            vec![of("microsoft.authorization", Deletes), sub(Deletes)],
        ),
        (
            format!("POST /subscriptions/{ID}/providers/Microsoft.Network/register"),
            vec![of("microsoft.network", Writes), sub(Writes)],
        ),
        (
            "POST /providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01".to_owned(),
            vec![RateLimitKey::ResourceGraph],
        ),
    ];
    for (line, expected) in table {
        assert_eq!(RateLimitKey::of(&call(AzureService::Arm, &line)), expected, "{line}");
    }
    for service in [AzureService::Entra, AzureService::Graph, AzureService::Vendor("Aiven")] {
        assert_eq!(
            RateLimitKey::of(&call(service, "PUT /v1/x")),
            [RateLimitKey::All(service)]
        );
    }
}

#[test]
fn rate_limit_uses_four_fifths() {
    let sub = |kind| RateLimitKey::Subscription(ID.to_owned(), kind);
    let network = |kind| RateLimitKey::Provider(NETWORK.to_owned(), Some(ID.to_owned()), kind);
    // So many in so many seconds, whenever these begin.
    for (account, most, seconds) in [
        (sub(LimitKind::Reads), 250 + 300 * 25, 300),
        (RateLimitKey::Tenant(LimitKind::Reads), 250 + 25, 1),
        (sub(LimitKind::Writes), 200 + 300 * 10, 300),
        (sub(LimitKind::Deletes), 200 + 10, 1),
        (RateLimitKey::Tenant(LimitKind::Writes), 200, 0),
        (network(LimitKind::Writes), 1_000, 300),
        (RateLimitKey::ResourceGraph, 15, 5),
    ] {
        let ours = match account.limit().unwrap() {
            RateLimit::Bucket { most, every } => f64::from(most) + f64::from(seconds) / every.as_secs_f64(),
            RateLimit::Window { most, .. } => f64::from(most),
        };
        assert!(ours <= f64::from(most) * 0.8, "{account}: {ours} of {most}");
        assert!(ours > f64::from(most) * 0.7, "{account}: {ours} of {most}");
    }
    for account in [network(LimitKind::Reads), RateLimitKey::All(AzureService::Graph)] {
        assert_eq!(account.limit(), None, "{account}");
    }
}

#[test]
fn an_answer_says_what_is_left() {
    let sub = |kind| RateLimitKey::Subscription(ID.to_owned(), kind);
    let left = |count, seconds: Option<u64>| {
        Some(RemainingRequests {
            count,
            resets_after: seconds.map(Duration::from_secs),
        })
    };
    let reads = "x-ms-ratelimit-remaining-subscription-reads";
    let global = "x-ms-ratelimit-remaining-subscription-global-reads";
    let [quota, resets] = ["x-ms-user-quota-remaining", "x-ms-user-quota-resets-after"];
    type Headers<'a> = &'a [(&'static str, &'a str)];
    let table: [(RateLimitKey, Headers, Option<RemainingRequests>); 17] = [
        (sub(LimitKind::Reads), &[(reads, "199")], left(199, None)),
        (
            sub(LimitKind::Reads),
            &[(reads, " 0 "), (global, "3749")],
            left(0, None),
        ),
        (sub(LimitKind::Reads), &[(reads, "199"), (global, "7")], left(7, None)),
        (sub(LimitKind::Reads), &[(global, "7499")], left(7_499, None)),
        (sub(LimitKind::Writes), &[(reads, "199")], None),
        (
            sub(LimitKind::Deletes),
            &[("x-ms-ratelimit-remaining-subscription-deletes", "14999")],
            left(14_999, None),
        ),
        (
            RateLimitKey::Tenant(LimitKind::Reads),
            &[("x-ms-ratelimit-remaining-tenant-reads", "11999")],
            left(11_999, None),
        ),
        (RateLimitKey::Tenant(LimitKind::Reads), &[(reads, "1")], None),
        (sub(LimitKind::Reads), &[(reads, "-1")], None),
        (sub(LimitKind::Reads), &[(reads, "99999999999999999999")], None),
        (sub(LimitKind::Reads), &[(reads, "many"), (global, "3")], left(3, None)),
        (
            RateLimitKey::ResourceGraph,
            &[(quota, "14"), (resets, "00:00:05")],
            left(14, Some(5)),
        ),
        (
            RateLimitKey::ResourceGraph,
            &[(quota, "0"), (resets, "00:01:01")],
            left(0, Some(61)),
        ),
        // What nobody would wait for.
        (
            RateLimitKey::ResourceGraph,
            &[(quota, "0"), (resets, "18446744073709551615:00:00")],
            left(0, None),
        ),
        (
            RateLimitKey::ResourceGraph,
            &[(quota, "0"), (resets, "soon")],
            left(0, None),
        ),
        (RateLimitKey::ResourceGraph, &[(resets, "00:00:05")], None),
        (RateLimitKey::All(AzureService::Graph), &[(reads, "1")], None),
    ];
    for (account, headers, expected) in table {
        let map = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        assert_eq!(account.left(&map), expected, "{account} {headers:?}");
    }
}

#[test]
fn rate_limit_refusal_selects_budget() {
    let provider = RateLimitKey::Provider(NETWORK.to_owned(), Some(ID.to_owned()), LimitKind::Writes);
    let whole = RateLimitKey::Subscription(ID.to_owned(), LimitKind::Writes);
    for (code, of_provider, of_whole) in [
        ("SubscriptionRequestsThrottled", false, true),
        ("TooManyRequests", false, true),
        ("HTTP 429", false, true),
        ("ResourceRequestsThrottled", true, false),
        ("RetryableError", false, false),
        ("AnotherOperationInProgress", false, false),
    ] {
        let of = [&provider, &whole].map(|account| account.is_used_up(code));
        assert_eq!(of, [of_provider, of_whole], "{code}");
    }
    for account in [
        RateLimitKey::ResourceGraph,
        RateLimitKey::All(AzureService::Vendor("Kong Konnect")),
    ] {
        assert!(account.is_used_up("RateLimiting"));
    }
}
