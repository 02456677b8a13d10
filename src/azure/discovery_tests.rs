use serde_json::{Value, json};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::super::testing::{azure, body, json as json_answer, lines_without_hosts as arm_lines};
use super::*;
use crate::domain::VnetId;

const ONE: SubscriptionId = Uuid::from_u128(1);
const TWO: SubscriptionId = Uuid::from_u128(2);

fn vnet_id(subscription: SubscriptionId, name: &str) -> VnetId {
    VnetId::new(subscription, "rg-net", name).unwrap()
}

/// A row of Resource Graph.
fn graph_row(id: &VnetId) -> Value {
    json!({ "id": id, "location": "westus", "prefixes": ["10.0.0.0/16", "fd00::/48"] })
}

fn page(rows: &[Value], more: bool) -> Value {
    let mut page =
        json!({ "totalRecords": 9, "count": rows.len(), "data": rows, "facets": [], "resultTruncated": "false" });
    if more {
        page["$skipToken"] = "more".into();
    }
    page
}

fn error_json(code: &str) -> Value {
    json!({ "error": { "code": code, "message": "Azure's sentence." } })
}

fn list(vnets: &[VnetId]) -> Value {
    let network = |id: &VnetId| {
        json!({ "name": id.name, "id": id, "location": "westus", "properties": {
            "addressSpace": { "addressPrefixes": ["10.0.0.0/16"] } } })
    };
    json!({ "value": vnets.iter().map(network).collect::<Vec<_>>() })
}

/// Everything that a search tells, in a few words each.
async fn told(azure: &AzureClient, subscriptions: &[SubscriptionId]) -> Vec<String> {
    let (finds, mut found) = mpsc::channel(1);
    let (azure, subscriptions) = (azure.clone(), subscriptions.to_vec());
    tokio::spawn(async move { azure.find_vnets(&subscriptions, finds).await });
    let mut told = Vec::new();
    while let Some(found) = found.recv().await {
        let code = |error: &ApiError| error.code().unwrap_or("no code").to_owned();
        told.push(match found {
            Ok(DiscoveryEvent::Vnets(vnets)) if vnets.len() > 9 => format!("{} networks", vnets.len()),
            Ok(DiscoveryEvent::Vnets(vnets)) => {
                let names: Vec<_> = vnets.into_iter().map(|vnet| vnet.id.name).collect();
                names.join(" ")
            }
            Ok(DiscoveryEvent::Refused(subscription, error)) => {
                format!("{} refuses: {}", subscription.as_u128(), code(&error))
            }
            Ok(DiscoveryEvent::Unread(why)) => format!("unread: {}", why.as_ref().map_or("enough".to_owned(), code)),
            Err(error) => format!("failed: {}", code(&error)),
        });
    }
    told
}

#[tokio::test]
async fn resource_graph_reads_all_pages() {
    let (azure, script) = azure(|request| {
        let first = body(request)["options"]["$skipToken"].is_null();
        let rows = match first {
            true => vec![graph_row(&vnet_id(ONE, "vnet-b")), graph_row(&vnet_id(ONE, "Vnet-a"))],
            false => vec![
                graph_row(&vnet_id(TWO, "vnet-c")),
                json!({ "id": 7 }),
                json!({ "id": "/odd" }),
            ],
        };
        json_answer(200, &page(&rows, first))
    });
    assert_eq!(told(&azure, &[ONE, TWO]).await, ["Vnet-a vnet-b", "vnet-c"]);
    let asked = script.requests();
    let (first, second) = (body(&asked[1]), body(&asked[2]));
    assert_eq!(first["subscriptions"], json!([ONE, TWO]));
    assert_eq!(
        (&first["options"]["$top"], &second["options"]["$skipToken"]),
        (&json!(1000), &json!("more"))
    );
    assert_eq!(azure.wire().stats().writes, 0, "a query is no write");
}

#[tokio::test]
async fn discovery_row_holds_menu_fields() {
    let (azure, _) = azure(|_| json_answer(200, &page(&[graph_row(&vnet_id(ONE, "vnet-a"))], false)));
    let (finds, mut found) = mpsc::channel(1);
    azure.find_vnets(&[ONE], finds).await;
    let Some(Ok(DiscoveryEvent::Vnets(vnets))) = found.recv().await else {
        panic!("networks");
    };
    let expected = ListedVnet {
        id: vnet_id(ONE, "vnet-a"),
        location: "westus".to_owned(),
        address_space: AddressSpace::from_texts(["10.0.0.0/16", "fd00::/48"]),
    };
    assert_eq!(vnets, [expected]);
}

#[tokio::test]
async fn query_limits_subscriptions_to_thousand() {
    let many: Vec<SubscriptionId> = (1..=2_001).map(Uuid::from_u128).collect();
    let (azure, script) = azure(|_| json_answer(200, &page(&[graph_row(&vnet_id(ONE, "vnet-a"))], false)));
    assert_eq!(told(&azure, &many).await, ["vnet-a"; 3]);
    let named = |request| body(request)["subscriptions"].as_array().map(Vec::len);
    let asked = script.requests();
    let asked = asked
        .iter()
        .filter(|request| request.uri().path().contains("ResourceGraph"));
    assert_eq!(asked.filter_map(named).collect::<Vec<_>>(), [1_000, 1_000, 1]);
}

#[tokio::test]
async fn discovery_list_size_is_bounded() {
    let (azure, script) = azure(|_| {
        let rows: Vec<Value> = (0..1_000)
            .map(|n| graph_row(&vnet_id(ONE, &format!("vnet-{n}"))))
            .collect();
        json_answer(200, &page(&rows, true))
    });
    let told = told(&azure, &[ONE]).await;
    let pages = limits::LISTED_VNETS / limits::GRAPH_ROWS;
    let (last, pages_told) = told.split_last().expect("something is told");
    assert_eq!(last, "unread: enough");
    assert!(
        pages_told[..pages].iter().all(|page| page == "1000 networks"),
        "{told:?}"
    );
    assert_eq!(
        arm_lines(&script).len(),
        pages + 1,
        "one more, to know that there is more"
    );
}

// So many questions to Resource Graph take minutes, by its quota.
#[tokio::test(start_paused = true)]
async fn discovery_stops_on_circular_pages() {
    let (azure, script) = azure(|_| json_answer(200, &page(&[json!({ "id": "/odd" })], true)));
    assert_eq!(told(&azure, &[ONE]).await.last().expect("an end"), "unread: enough");
    assert_eq!(arm_lines(&script).len(), limits::PAGES);
}

/// Resource Graph answers like this; the first subscription lists one network, the second refuses.
async fn without_resource_graph(status: u16, code: &'static str) -> Vec<String> {
    let (azure, _) = azure(move |request| {
        let path = request.uri().path();
        if path.contains("ResourceGraph") {
            json_answer(status, &error_json(code))
        } else if path.contains(&TWO.to_string()) {
            json_answer(403, &error_json("AuthorizationFailed"))
        } else {
            json_answer(200, &list(&[vnet_id(ONE, "vnet-b"), vnet_id(ONE, "vnet-a")]))
        }
    });
    assert_eq!(
        told(&azure, &[TWO]).await.last().expect("an end"),
        "failed: AuthorizationFailed",
        "nothing at all could be read"
    );
    told(&azure, &[ONE, TWO]).await
}

#[tokio::test]
async fn discovery_falls_back_per_subscription() {
    for (status, code) in [
        (403, "AuthorizationFailed"),
        (404, "InvalidResourceType"),
        (400, "BadRequest"),
    ] {
        let told = without_resource_graph(status, code).await;
        assert_eq!(told, ["vnet-a vnet-b", "2 refuses: AuthorizationFailed"], "{status}");
    }
}

#[tokio::test]
async fn discovery_lag_fallback_limits_subscriptions() {
    let (azure, script) = azure(|request| match request.uri().path().contains("ResourceGraph") {
        true => json_answer(200, &page(&[], false)),
        false => json_answer(200, &list(&[vnet_id(ONE, "vnet-new")])),
    });
    assert_eq!(told(&azure, &[ONE]).await, ["", "vnet-new"]);
    let many: Vec<SubscriptionId> = (1..=100).map(Uuid::from_u128).collect();
    let before = arm_lines(&script).len();
    assert_eq!(told(&azure, &many).await, [""]);
    assert_eq!(arm_lines(&script).len(), before + 1);
}

#[tokio::test]
async fn discovery_keeps_partial_results() {
    let (azure, script) = azure(|request| match body(request)["options"]["$skipToken"].is_null() {
        true => json_answer(200, &page(&[graph_row(&vnet_id(ONE, "vnet-a"))], true)),
        false => json_answer(403, &error_json("AuthorizationFailed")),
    });
    assert_eq!(told(&azure, &[ONE]).await, ["vnet-a", "unread: AuthorizationFailed"]);
    assert_eq!(
        arm_lines(&script).len(),
        2,
        "no list besides: it would tell the same once more"
    );
}

#[tokio::test]
async fn discovery_lists_report_wrong_tenant() {
    let (azure, script) = azure(|_| json_answer(401, &error_json("InvalidAuthenticationTokenTenant")));
    assert_eq!(told(&azure, &[ONE]).await, ["failed: InvalidAuthenticationTokenTenant"]);
    assert_eq!(arm_lines(&script).len(), 1);
}

#[tokio::test]
async fn discovery_reads_pages_lazily() {
    let (azure, script) = azure(|_| json_answer(200, &page(&[graph_row(&vnet_id(ONE, "vnet-a"))], true)));
    let (finds, mut found) = mpsc::channel(2);
    let search = tokio::spawn(async move { azure.find_vnets(&[ONE], finds).await });
    found.recv().await;
    // Time enough for a hundred more.
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(arm_lines(&script).len(), 4, "one was taken, two wait, one is held");
    drop(found);
    search.await.unwrap();
}
