use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use super::super::peering_body::NewPeering;
use super::super::testing::{ScriptedAnswer, answer, azure, azure_in_order, lines_without_hosts};
use super::super::transport::TransportError;
use super::*;
use crate::domain::{PeeringId, VnetId};

const OPERATION: &str =
    "https://management.azure.com/subscriptions/1/providers/Microsoft.Network/locations/westus2/operations/7?t=1";
const OUTCOME: &str =
    "https://management.azure.com/subscriptions/1/providers/Microsoft.Network/locations/westus2/operationResults/7";

fn id() -> PeeringId {
    let vnet = VnetId::new(Uuid::from_u128(1), "rg-net", "vnet-app").unwrap();
    vnet.peering("to-hub").unwrap()
}

fn wanted() -> NewPeering {
    NewPeering::with(&VnetId::new(Uuid::from_u128(9), "rg-hub", "hub").unwrap())
}

/// The peering itself, as far as the poller looks at it.
fn resource(status: u16, provisioning_state: &str, headers: &[(&str, &str)]) -> ScriptedAnswer {
    let body = json!({ "name": "to-hub", "properties": { "provisioningState": provisioning_state, "peeringState": "Initiated" } });
    answer(status, headers, body.to_string())
}

fn status(word: &str, headers: &[(&str, &str)]) -> ScriptedAnswer {
    answer(200, headers, json!({ "status": word }).to_string())
}

fn empty(status: u16, headers: &[(&str, &str)]) -> ScriptedAnswer {
    answer(status, headers, "")
}

/// Result, the requests (`PUT`, `operations`, `operationResults`, `GET`, `DELETE`), and the time that it took.
type Run<T> = (Result<T, ApiError>, Vec<String>, Duration);

async fn run<T>(
    answers: Vec<ScriptedAnswer>,
    act: impl AsyncFnOnce(&AzureClient, &PeeringId) -> Result<T, ApiError>,
) -> Run<T> {
    let (azure, script) = azure_in_order(answers);
    let began = Instant::now();
    let result = act(&azure, &id()).await;
    let asked = lines_without_hosts(&script).into_iter().map(|line| {
        let (method, path) = line.split_once(' ').unwrap();
        let parts: Vec<&str> = path.split('?').next().unwrap().split('/').collect();
        let kind = parts[parts.len() - 2];
        if kind == "virtualNetworkPeerings" {
            method.to_owned()
        } else {
            kind.to_owned()
        }
    });
    (result, asked.collect(), began.elapsed())
}

async fn put(answers: Vec<ScriptedAnswer>) -> Run<()> {
    run(answers, async |azure, id| azure.put_peering(id, &wanted()).await).await
}

async fn delete(answers: Vec<ScriptedAnswer>) -> Run<()> {
    run(answers, async |azure, id| azure.delete_peering(id).await).await
}

#[tokio::test(start_paused = true)]
async fn operation_write_polls_azure_location() {
    let operation = ("azure-asyncoperation", OPERATION);
    let location = ("location", OUTCOME);
    let done = || resource(200, "Succeeded", &[]);
    type Row = (&'static str, Vec<ScriptedAnswer>, &'static str, f64);
    let table: Vec<Row> = vec![
        ("at once", vec![done()], "PUT", 0.0),
        ("at once, without a body", vec![empty(200, &[])], "PUT", 0.0),
        (
            "as long as asked",
            vec![
                resource(201, "Updating", &[operation, ("retry-after", "10")]),
                status("InProgress", &[("retry-after", "3")]),
                status("Succeeded", &[]),
            ],
            "PUT operations operations",
            13.0,
        ),
        (
            "not asked to wait",
            vec![
                resource(201, "Updating", &[operation]),
                status("InProgress", &[("retry-after", "0")]),
                status("Updating", &[]),
                status("succeeded", &[]),
            ],
            "PUT operations operations operations",
            3.5,
        ),
        (
            "an operation behind a body that looks done, and no need to wait",
            vec![
                resource(200, "Succeeded", &[operation, ("retry-after", "0")]),
                status("Succeeded", &[]),
            ],
            "PUT operations",
            0.0,
        ),
        (
            "a status that is accepted, but not written yet",
            vec![
                resource(201, "Updating", &[operation]),
                empty(202, &[]),
                status("Succeeded", &[]),
            ],
            "PUT operations operations",
            1.5,
        ),
        (
            "a result that is not there yet",
            vec![
                empty(202, &[location, ("retry-after", "2")]),
                empty(202, &[("retry-after", "4")]),
                done(),
            ],
            "PUT operationResults operationResults",
            6.0,
        ),
        (
            "both",
            vec![empty(202, &[location, operation]), status("Succeeded", &[])],
            "PUT operations",
            0.5,
        ),
        (
            "neither, with a body",
            vec![
                resource(201, "Updating", &[]),
                resource(200, "Updating", &[("retry-after", "5")]),
                done(),
            ],
            "PUT GET GET",
            5.5,
        ),
        ("neither, without a body", vec![empty(202, &[]), done()], "PUT GET", 0.5),
        (
            "a relative link, and one that changes",
            vec![
                resource(
                    201,
                    "Updating",
                    &[("azure-asyncoperation", "/subscriptions/1/operations/7")],
                ),
                status("InProgress", &[("azure-asyncoperation", "/subscriptions/1/moved/7")]),
                status("Succeeded", &[]),
            ],
            "PUT operations moved",
            1.5,
        ),
    ];
    for (case, answers, requests, seconds) in table {
        let (result, asked, took) = put(answers).await;
        assert!(result.is_ok(), "{case}: {result:?}");
        assert_eq!(
            (asked.join(" ").as_str(), took.as_secs_f64()),
            (requests, seconds),
            "{case}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn operation_delete_waits_until_gone() {
    let operation = ("azure-asyncoperation", OPERATION);
    let location = ("location", OUTCOME);
    let gone = |code: &str| {
        answer(
            404,
            &[],
            json!({ "error": { "code": code, "message": "m" } }).to_string(),
        )
    };
    let table = vec![
        ("gone already", vec![empty(204, &[])], "DELETE", 0.0),
        (
            "its network is gone",
            vec![gone("ParentResourceNotFound")],
            "DELETE",
            0.0,
        ),
        ("at once", vec![resource(200, "Succeeded", &[])], "DELETE", 0.0),
        (
            "as recorded",
            vec![
                empty(202, &[operation, location, ("retry-after", "10")]),
                status("InProgress", &[("retry-after", "10")]),
                status("Succeeded", &[]),
            ],
            "DELETE operations operations",
            20.0,
        ),
        (
            "by its result",
            vec![empty(202, &[location]), empty(202, &[]), empty(204, &[])],
            "DELETE operationResults operationResults",
            1.5,
        ),
        (
            "by its absence",
            vec![empty(202, &[]), resource(200, "Deleting", &[]), gone("NotFound")],
            "DELETE GET GET",
            1.5,
        ),
    ];
    for (case, answers, requests, seconds) in table {
        let (result, asked, took) = delete(answers).await;
        result.unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!(
            (asked.join(" ").as_str(), took.as_secs_f64()),
            (requests, seconds),
            "{case}"
        );
    }
    let (result, ..) = delete(vec![gone("SubscriptionNotFound")]).await;
    assert_eq!(result.unwrap_err().code(), Some("SubscriptionNotFound"));
}

/// Recorded response for an operation that was superseded by another.
const CANCELED: &str = "{\r\n  \"status\": \"Canceled\",\r\n  \"error\": {\r\n    \"code\": \"Canceled\",\r\n    \"message\": \"Operation was canceled.\",\r\n    \"details\": [\r\n      {\r\n        \"code\": \"CanceledAndSupersededDueToAnotherOperation\",\r\n        \"message\": \"Operation PutVirtualNetworkOperation (b26a51ad) was canceled and superseded by operation PutSubnetOperation (fea3dac0).\"\r\n      }\r\n    ]\r\n  }\r\n}";

#[tokio::test(start_paused = true)]
async fn operation_failure_keeps_azure_message() {
    let operation = ("azure-asyncoperation", OPERATION);
    let accepted = || resource(201, "Updating", &[operation, ("x-ms-correlation-request-id", "c-put")]);
    let seen = |body: &str| answer(200, &[("x-ms-correlation-request-id", "c-poll")], body.to_owned());
    let failed = r#"{"status":"Failed","error":{"code":"VnetAddressSpacesOverlap","message":"They overlap."}}"#;
    let table = vec![
        (
            vec![accepted(), seen(failed)],
            "VnetAddressSpacesOverlap",
            "They overlap.",
            "",
        ),
        (
            vec![accepted(), seen(CANCELED)],
            "Canceled",
            "Operation was canceled.",
            "CanceledAndSupersededDueToAnotherOperation",
        ),
        (
            vec![accepted(), seen(r#"{"status":"Failed"}"#)],
            "Failed",
            "without details",
            "",
        ),
        (
            vec![accepted(), seen(r#"{"status":"Failed","error":{}}"#)],
            "Failed",
            "without details",
            "",
        ),
        (
            vec![
                resource(201, "Updating", &[("x-ms-correlation-request-id", "c-put")]),
                resource(200, "Failed", &[]),
            ],
            "Failed",
            "ended as 'Failed'",
            "",
        ),
        (
            vec![
                empty(202, &[("location", OUTCOME), ("x-ms-correlation-request-id", "c-put")]),
                seen(CANCELED),
            ],
            "Canceled",
            "Operation was canceled.",
            "CanceledAndSupersededDueToAnotherOperation",
        ),
    ];
    for (answers, code, message, detail) in table {
        let error = put(answers).await.0.unwrap_err();
        assert_eq!((error.code(), error.status()), (Some(code), Some(200)), "{error}");
        assert!(error.message().contains(message), "{error}");
        assert_eq!(error.tried, format!("PUT {}", id()));
        assert_eq!(error.correlation_id.as_deref(), Some("c-put"));
        let FailureKind::Refused { details, .. } = &error.failure else {
            panic!("{error:?}")
        };
        assert_eq!(details.first().map_or("", |(code, _)| code), detail);
    }
}

#[tokio::test(start_paused = true)]
async fn operation_poll_failure_is_separate_error() {
    let accepted = || resource(201, "Updating", &[("azure-asyncoperation", OPERATION)]);
    let (result, ..) = put(vec![accepted(), answer(200, &[], r#"{"name":"7"}"#)]).await;
    assert!(matches!(
        result.unwrap_err().failure,
        FailureKind::Unreadable { status: 200, .. }
    ));
    let refused = json!({ "error": { "code": "OperationNotFound", "message": "m" } });
    let (result, ..) = put(vec![accepted(), answer(404, &[], refused.to_string())]).await;
    assert_eq!(result.unwrap_err().code(), Some("OperationNotFound"));
    let (result, asked, _) = put(vec![
        accepted(),
        answer(503, &[("retry-after", "1")], ""),
        status("Succeeded", &[]),
    ])
    .await;
    assert!(result.is_ok(), "a look is repeated as every GET is");
    assert_eq!(asked.join(" "), "PUT operations operations");
}

#[tokio::test(start_paused = true)]
async fn no_link_leads_to_another_host() {
    for header in ["azure-asyncoperation", "location"] {
        for link in [
            "https://evil.example/operations/7",
            "//evil.example/x/7",
            "http://management.azure.com/x/7",
        ] {
            let (result, asked, _) = put(vec![empty(202, &[(header, link)])]).await;
            let error = result.unwrap_err();
            assert!(
                matches!(
                    error.failure,
                    FailureKind::Unreachable(TransportError::NotAllowed { .. })
                ),
                "{link}: {error}"
            );
            assert_eq!(asked, ["PUT"]);
        }
    }
    let (result, ..) = put(vec![empty(202, &[("location", "https://[")])]).await;
    assert!(matches!(
        result.unwrap_err().failure,
        FailureKind::Unreadable { status: 202, .. }
    ));
}

#[tokio::test(start_paused = true)]
async fn operation_without_end_times_out() {
    for retry_after in ["0", "40", "86400"] {
        let (azure, _) = azure(move |request| match request.method().as_str() {
            "PUT" => resource(201, "Updating", &[("azure-asyncoperation", OPERATION)]),
            _ => status("InProgress", &[("retry-after", retry_after)]),
        });
        let began = Instant::now();
        let error = azure.put_peering(&id(), &wanted()).await.unwrap_err();
        assert_eq!(
            (error.code(), error.status()),
            (Some("InProgress"), Some(202)),
            "{error}"
        );
        assert_eq!(error.tried, format!("PUT {}", id()));
        assert_eq!(began.elapsed(), limits::OPERATION, "Retry-After: {retry_after}");
    }
}

#[test]
fn operation_message_found_in_known_places() {
    let table: [(Value, Option<&str>); 5] = [
        (json!({ "status": "InProgress" }), Some("InProgress")),
        (
            json!({ "properties": { "provisioningState": "Updating" } }),
            Some("Updating"),
        ),
        (json!({ "status": 7 }), None),
        (json!([]), None),
        (json!({}), None),
    ];
    for (body, expected) in table {
        assert_eq!(word(body.to_string().as_bytes()).as_deref(), expected, "{body}");
    }
    assert_eq!(word(b"<html>"), None);
}
