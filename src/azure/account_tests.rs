use url::Url;

use super::*;

const ID: &str = "11d0b6a2-64a6-4f0b-8d2e-3a5f70c91e01";

fn call(service: Service, line: &str) -> Call {
    let (method, path) = line.split_once(' ').unwrap();
    let url: Url = format!("https://management.azure.com{path}").parse().unwrap();
    Call::new(service, method.parse().unwrap(), url)
}

#[test]
fn a_request_draws_on_the_budgets_of_its_provider_and_its_scope() {
    use Kind::{Deletes, Reads, Writes};
    let sub = |kind| Account::Subscription(ID.to_owned(), kind);
    let of = |name: &str, kind| Account::Provider(name.to_owned(), Some(ID.to_owned()), kind);
    let vnet = format!("/subscriptions/{ID}/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v");
    let table = [
        (
            "GET /subscriptions?api-version=1".to_owned(),
            vec![Account::Tenant(Reads)],
        ),
        ("GET /tenants".to_owned(), vec![Account::Tenant(Reads)]),
        (
            "PUT /providers/Microsoft.Management/managementGroups/g".to_owned(),
            vec![
                Account::Provider("microsoft.management".to_owned(), None, Writes),
                Account::Tenant(Writes),
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
            vec![Account::ResourceGraph],
        ),
    ];
    for (line, expected) in table {
        assert_eq!(Account::of(&call(Service::Arm, &line)), expected, "{line}");
    }
    for service in [Service::Entra, Service::Graph, Service::Vendor("Aiven")] {
        assert_eq!(Account::of(&call(service, "PUT /v1/x")), [Account::All(service)]);
    }
}

#[test]
fn no_budget_is_used_to_more_than_four_fifths_of_what_is_documented() {
    let sub = |kind| Account::Subscription(ID.to_owned(), kind);
    let network = |kind| Account::Provider(NETWORK.to_owned(), Some(ID.to_owned()), kind);
    // So many in so many seconds, whenever these begin.
    for (account, most, seconds) in [
        (sub(Kind::Reads), 250 + 300 * 25, 300),
        (Account::Tenant(Kind::Reads), 250 + 25, 1),
        (sub(Kind::Writes), 200 + 300 * 10, 300),
        (sub(Kind::Deletes), 200 + 10, 1),
        (Account::Tenant(Kind::Writes), 200, 0),
        (network(Kind::Writes), 1_000, 300),
        (Account::ResourceGraph, 15, 5),
    ] {
        let ours = match account.limit().unwrap() {
            Limit::Bucket { most, every } => f64::from(most) + f64::from(seconds) / every.as_secs_f64(),
            Limit::Window { most, .. } => f64::from(most),
        };
        assert!(ours <= f64::from(most) * 0.8, "{account}: {ours} of {most}");
        assert!(ours > f64::from(most) * 0.7, "{account}: {ours} of {most}");
    }
    for account in [network(Kind::Reads), Account::All(Service::Graph)] {
        assert_eq!(account.limit(), None, "{account}");
    }
}

#[test]
fn an_answer_says_what_is_left() {
    let sub = |kind| Account::Subscription(ID.to_owned(), kind);
    let left = |count, seconds: Option<u64>| {
        Some(Left {
            count,
            resets_after: seconds.map(Duration::from_secs),
        })
    };
    let reads = "x-ms-ratelimit-remaining-subscription-reads";
    let global = "x-ms-ratelimit-remaining-subscription-global-reads";
    let [quota, resets] = ["x-ms-user-quota-remaining", "x-ms-user-quota-resets-after"];
    type Headers<'a> = &'a [(&'static str, &'a str)];
    let table: [(Account, Headers, Option<Left>); 17] = [
        (sub(Kind::Reads), &[(reads, "199")], left(199, None)),
        (sub(Kind::Reads), &[(reads, " 0 "), (global, "3749")], left(0, None)),
        (sub(Kind::Reads), &[(reads, "199"), (global, "7")], left(7, None)),
        (sub(Kind::Reads), &[(global, "7499")], left(7_499, None)),
        (sub(Kind::Writes), &[(reads, "199")], None),
        (
            sub(Kind::Deletes),
            &[("x-ms-ratelimit-remaining-subscription-deletes", "14999")],
            left(14_999, None),
        ),
        (
            Account::Tenant(Kind::Reads),
            &[("x-ms-ratelimit-remaining-tenant-reads", "11999")],
            left(11_999, None),
        ),
        (Account::Tenant(Kind::Reads), &[(reads, "1")], None),
        (sub(Kind::Reads), &[(reads, "-1")], None),
        (sub(Kind::Reads), &[(reads, "99999999999999999999")], None),
        (sub(Kind::Reads), &[(reads, "many"), (global, "3")], left(3, None)),
        (
            Account::ResourceGraph,
            &[(quota, "14"), (resets, "00:00:05")],
            left(14, Some(5)),
        ),
        (
            Account::ResourceGraph,
            &[(quota, "0"), (resets, "00:01:01")],
            left(0, Some(61)),
        ),
        // What nobody would wait for.
        (
            Account::ResourceGraph,
            &[(quota, "0"), (resets, "18446744073709551615:00:00")],
            left(0, None),
        ),
        (Account::ResourceGraph, &[(quota, "0"), (resets, "soon")], left(0, None)),
        (Account::ResourceGraph, &[(resets, "00:00:05")], None),
        (Account::All(Service::Graph), &[(reads, "1")], None),
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
fn a_refusal_is_about_one_of_the_budgets_or_about_the_resource() {
    let provider = Account::Provider(NETWORK.to_owned(), Some(ID.to_owned()), Kind::Writes);
    let whole = Account::Subscription(ID.to_owned(), Kind::Writes);
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
    for account in [Account::ResourceGraph, Account::All(Service::Vendor("Kong Konnect"))] {
        assert!(account.is_used_up("RateLimiting"));
    }
}
