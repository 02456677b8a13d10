use std::sync::Mutex;

use bytes::Bytes;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use time::macros::datetime;

use super::super::error::FailureKind;
use super::super::testing::{
    ScriptedAnswer, answer, azure, azure_in_order, body, broken, json as json_answer, lines_without_hosts,
};
use super::*;

const OBJECT: Uuid = Uuid::from_u128(1);
const CLIENT: Uuid = Uuid::from_u128(2);
const KEY_ID: Uuid = Uuid::from_u128(3);
const SELECT: &str =
    "$select=id,appId,displayName,uniqueName,signInAudience,notes,description,tags,passwordCredentials,keyCredentials";

/// An application as recorded.
fn shown() -> Value {
    json!({ "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#applications/$entity", "id": OBJECT, "appId": CLIENT,
        "displayName": "Peering of O'Brien", "notes": "By peerctl", "uniqueName": "peerctl-o'brien/1", "signInAudience": "AzureADMultipleOrgs",
        "keyCredentials": [{ "keyId": KEY_ID, "type": "AsymmetricX509Cert" }], "passwordCredentials": [
            { "customKeyIdentifier": null, "displayName": "run", "endDateTime": "2026-11-21T10:11:12.5Z", "hint": "yXo", "keyId": KEY_ID, "secretText": null, "startDateTime": "2026-11-21T09:11:12Z" },
            { "keyId": Uuid::from_u128(4), "displayName": null, "endDateTime": null },
        ] })
}

fn expected() -> AppRegistration {
    AppRegistration {
        id: OBJECT,
        app_id: CLIENT,
        display_name: "Peering of O'Brien".into(),
        unique_name: Some("peerctl-o'brien/1".into()),
        sign_in_audience: "AzureADMultipleOrgs".into(),
        notes: Some("By peerctl".into()),
        description: None,
        tags: Vec::new(),
        passwords: vec![
            ListedCredential {
                key_id: KEY_ID,
                display_name: Some("run".into()),
                starts: Some(datetime!(2026-11-21 09:11:12 UTC)),
                ends: Some(datetime!(2026-11-21 10:11:12.5 UTC)),
            },
            ListedCredential {
                key_id: Uuid::from_u128(4),
                display_name: None,
                starts: None,
                ends: None,
            },
        ],
        keys: vec![ListedCredential {
            key_id: KEY_ID,
            display_name: None,
            starts: None,
            ends: None,
        }],
    }
}

fn refused(status: u16, code: &str, message: &str) -> ScriptedAnswer {
    json_answer(
        status,
        &json!({ "error": { "code": code, "message": message, "innerError": { "request-id": "r-1" } } }),
    )
}

fn not_found() -> ScriptedAnswer {
    refused(404, "Request_ResourceNotFound", "Resource 'x' does not exist.")
}

#[tokio::test]
async fn application_lookup_by_either_key() {
    let (azure, script) = azure_in_order([
        json_answer(200, &shown()),
        json_answer(200, &shown()),
        not_found(),
        not_found(),
    ]);
    let name = "peerctl-o'brien/1";
    assert_eq!(azure.application_by_unique_name(name).await.unwrap(), Some(expected()));
    assert_eq!(azure.application(CLIENT).await.unwrap(), Some(expected()));
    assert_eq!(azure.application_by_unique_name(name).await.unwrap(), None);
    assert_eq!(azure.application(CLIENT).await.unwrap(), None);
    let lines: Vec<_> = lines_without_hosts(&script)
        .iter()
        .map(|line| line.replace("%24", "$"))
        .collect();
    assert_eq!(
        lines[0],
        format!("GET /v1.0/applications(uniqueName='peerctl-o%27%27brien%2F1')?{SELECT}")
    );
    assert_eq!(lines[1], format!("GET /v1.0/applications(appId='{CLIENT}')?{SELECT}"));
    let (denied, _) = azure_in_order([refused(403, "Authorization_RequestDenied", "Insufficient privileges.")]);
    assert_eq!(denied.application(CLIENT).await.unwrap_err().status(), Some(403));
}

#[tokio::test(start_paused = true)]
async fn application_upsert_is_single_repeatable_request() {
    let act = async |answers: Vec<ScriptedAnswer>| {
        let (azure, script) = azure_in_order(answers);
        let result = azure
            .upsert_application("peerctl-1", "Peering of O'Brien", "By peerctl")
            .await;
        (result, script)
    };
    let (created, script) = act(vec![json_answer(201, &shown())]).await;
    assert_eq!(created.unwrap(), (expected(), true));
    let sent = script.requests().pop().unwrap();
    assert_eq!(sent.headers()["prefer"], "create-if-missing");
    assert_eq!(sent.headers()["authorization"], "Bearer token-1");
    let values =
        json!({ "displayName": "Peering of O'Brien", "notes": "By peerctl", "signInAudience": "AzureADMultipleOrgs" });
    assert_eq!(body(&sent), values);

    let (updated, script) = act(vec![broken(), answer(204, &[], ""), json_answer(200, &shown())]).await;
    assert_eq!(updated.unwrap(), (expected(), false));
    let methods: Vec<_> = lines_without_hosts(&script)
        .iter()
        .map(|line| line.split('?').next().unwrap().to_owned())
        .collect();
    let url = "/v1.0/applications(uniqueName='peerctl-1')";
    assert_eq!(
        methods,
        [format!("PATCH {url}"), format!("PATCH {url}"), format!("GET {url}")]
    );

    let (lagging, _) = act(vec![answer(204, &[], ""), not_found()]).await;
    assert_eq!(lagging.unwrap_err().code(), Some("Request_ResourceNotFound"));
}

#[tokio::test]
async fn client_secret_expires_and_stays_hidden() {
    let made = json!({ "customKeyIdentifier": null, "displayName": "run", "endDateTime": "2026-11-21T10:11:12Z", "hint": "top",
        "keyId": KEY_ID, "secretText": "top-secret", "startDateTime": "2026-11-21T09:11:12Z" });
    let (azure, script) = azure_in_order([json_answer(200, &made)]);
    let before = OffsetDateTime::now_utc();
    let password = azure
        .add_password(OBJECT, "run", Duration::from_secs(3_600))
        .await
        .unwrap();
    assert_eq!(
        (password.key_id, password.secret.expose_secret()),
        (KEY_ID, "top-secret")
    );
    assert_eq!(password.ends, datetime!(2026-11-21 10:11:12 UTC));
    assert!(!format!("{password:?}").contains("top-secret"), "{password:?}");
    assert_eq!(
        lines_without_hosts(&script),
        [format!("POST /v1.0/applications/{OBJECT}/addPassword")]
    );
    let sent = body(&script.requests()[1]);
    assert_eq!(sent["passwordCredential"]["displayName"], "run");
    let asked = sent["passwordCredential"]["endDateTime"].as_str().unwrap();
    assert_eq!(asked.len(), "2026-11-21T10:11:12Z".len(), "whole seconds: {asked}");
    let life = moment(asked).unwrap() - before;
    assert!((3_595..=3_660).contains(&life.whole_seconds()), "{life}");
}

#[tokio::test(start_paused = true)]
async fn client_secret_not_created_twice() {
    let (lost, script) = azure(|_| broken());
    assert!(lost.add_password(OBJECT, "run", Duration::from_secs(60)).await.is_err());
    assert_eq!(lines_without_hosts(&script).len(), 1);
    let odd = json!({ "keyId": "top-secret", "secretText": "top-secret" });
    let (odd, _) = azure_in_order([json_answer(200, &odd)]);
    let error = odd.add_password(OBJECT, "run", Duration::MAX).await.unwrap_err();
    assert!(matches!(error.failure, FailureKind::Unreadable { .. }), "{error}");
    assert!(!format!("{error:?}").contains("top-secret"), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn client_secret_removal_accepts_missing() {
    let gone = "No password credential found with keyId 00000000.";
    let table = [
        (answer(204, &[], ""), Some(true)),
        (refused(400, "Request_BadRequest", gone), Some(false)),
        (refused(400, "Request_BadRequest", "Invalid value specified."), None),
        (not_found(), None),
    ];
    for (first, found) in table {
        let (azure, script) = azure_in_order([broken(), first]);
        assert_eq!(azure.remove_password(OBJECT, KEY_ID).await.ok(), found);
        assert_eq!(
            lines_without_hosts(&script)[0],
            format!("POST /v1.0/applications/{OBJECT}/removePassword")
        );
        assert_eq!(body(&script.requests()[2]), json!({ "keyId": KEY_ID }));
    }
}

#[tokio::test]
async fn delete_accepts_already_missing_objects() {
    let scope = "/subscriptions/1";
    let arm = |code: &str| refused(404, code, "m");
    let table = [
        (answer(204, &[], ""), not_found(), true),
        (json_answer(200, &json!({ "name": "x" })), answer(204, &[], ""), true),
        (arm("RoleAssignmentNotFound"), not_found(), true),
        (arm("RoleDefinitionDoesNotExist"), not_found(), true),
        (arm("SubscriptionNotFound"), refused(404, "BadRequest", "m"), false),
        (
            refused(400, "RoleDefinitionHasAssignments", "m"),
            refused(403, "Authorization_RequestDenied", "m"),
            false,
        ),
    ];
    for (arm, graph, fine) in table {
        let copy = |answer: &ScriptedAnswer| {
            let answer = answer.as_ref().unwrap();
            let mut copy = http::Response::new(answer.body().clone());
            *copy.status_mut() = answer.status();
            Ok(copy)
        };
        let (azure, script) = azure_in_order([copy(&arm), copy(&arm), copy(&graph), copy(&graph)]);
        assert_eq!(azure.delete_role_assignment(scope, KEY_ID).await.is_ok(), fine);
        assert_eq!(azure.delete_role_definition(scope, KEY_ID).await.is_ok(), fine);
        assert_eq!(azure.delete_service_principal(OBJECT).await.is_ok(), fine);
        assert_eq!(azure.delete_application(OBJECT).await.is_ok(), fine);
        let base = format!("DELETE {scope}/providers/Microsoft.Authorization");
        assert_eq!(
            lines_without_hosts(&script),
            [
                format!("{base}/roleAssignments/{KEY_ID}?api-version=2022-04-01"),
                format!("{base}/roleDefinitions/{KEY_ID}?api-version=2022-04-01"),
                format!("DELETE /v1.0/servicePrincipals/{OBJECT}"),
                format!("DELETE /v1.0/applications/{OBJECT}"),
            ]
        );
    }
}

#[tokio::test]
async fn app_access_lists_trusts_and_owners() {
    let owner = json!({ "@odata.type": "#microsoft.graph.user", "id": Uuid::from_u128(7), "displayName": "Anna",
        "userPrincipalName": "anna@contoso.com" });
    let (azure, _) = azure(move |request| {
        let path = request.uri().path().to_owned();
        let body = match path.rsplit('/').next().unwrap_or_default() {
            "federatedIdentityCredentials" => json!({ "value": [{ "id": KEY_ID, "name": "pipeline" }] }),
            "owners" if path.contains("applications") => json!({ "value": [owner] }),
            // One of a moment ago has no list yet.
            "owners" => return not_found(),
            _ => {
                json!({ "passwordCredentials": [{ "keyId": KEY_ID, "displayName": "a team's" }], "keyCredentials": null })
            }
        };
        json_answer(200, &body)
    });
    let access = azure.app_access(OBJECT, Some(CLIENT)).await.unwrap();
    assert_eq!(access.federated, ["pipeline"]);
    assert_eq!(
        access.principal_credentials[0].display_name.as_deref(),
        Some("a team's")
    );
    let owners: Vec<(Uuid, &str)> = access.owners.iter().map(|one| (one.id, one.name.as_str())).collect();
    assert_eq!(owners, [(Uuid::from_u128(7), "anna@contoso.com")]);
}

#[tokio::test]
async fn certificate_changes_keep_other_certificates() {
    let theirs = json!({ "keyId": CLIENT, "key": null, "displayName": "theirs", "customKeyIdentifier": "AB" });
    let ours = json!({ "keyId": KEY_ID, "key": null });
    let shown = |keys: &[&Value]| json_answer(200, &json!({ "id": OBJECT, "keyCredentials": keys }));
    let answers = [
        shown(&[&theirs]),
        answer(204, &[], ""),
        shown(&[&theirs, &ours]),
        answer(204, &[], ""),
    ];
    let (azure, script) = azure_in_order(answers);
    let life = Duration::from_secs(3_600);
    azure
        .add_certificate(OBJECT, (KEY_ID, "run"), b"der", life)
        .await
        .unwrap();
    azure.remove_certificates(OBJECT, &[KEY_ID]).await.unwrap();
    let sent: Vec<Value> = script
        .requests()
        .iter()
        .filter(|one| one.method() == "PATCH")
        .map(body)
        .collect();
    assert_eq!(sent[0]["keyCredentials"][0], theirs);
    assert_eq!(sent[0]["keyCredentials"][1]["key"], "ZGVy");
    assert_eq!(sent[1]["keyCredentials"], json!([theirs]));
}

#[tokio::test]
async fn deleted_application_found_without_filter() {
    let mut other = shown();
    other["uniqueName"] = "peerctl-2".into();
    let list = json!({ "value": [other, shown()] });
    let (azure, script) = azure_in_order([
        refused(400, "Request_UnsupportedQuery", "Unsupported property filter clause."),
        json_answer(200, &list),
    ]);
    let found = azure.deleted_application("peerctl-o'brien/1").await.unwrap();
    assert_eq!(found, Some(expected()));
    assert_eq!(lines_without_hosts(&script).len(), 2);
}

#[tokio::test]
async fn app_policies_apply_to_application() {
    let rule = |kind: &str, after: &str, state: &str| json!({ "restrictionType": kind, "state": state, "restrictForAppsCreatedAfterDateTime": after });
    let policy = |name: &str, passwords: Value| {
        let restrictions = json!({ "passwordCredentials": passwords, "keyCredentials": [] });
        json!({ "displayName": name, "isEnabled": true, "applicationRestrictions": restrictions })
    };
    let forbids = || {
        policy(
            "Default",
            json!([rule("passwordAddition", "2020-01-01T00:00:00Z", "enabled")]),
        )
    };
    let created = |year: &str| json_answer(200, &json!({ "createdDateTime": format!("{year}-01-01T00:00:00Z") }));
    let spared = json!({ "displayName": "Exempt", "isEnabled": true, "restrictions": { "passwordCredentials": [rule("passwordAddition", "2020-01-01T00:00:00Z", "disabled")] } });
    let none = || json_answer(200, &json!({ "value": [] }));
    let table = [
        (vec![json_answer(200, &policy("Default", json!([])))], None),
        (
            vec![json_answer(200, &forbids()), not_found(), not_found()],
            Some("Default"),
        ),
        (
            vec![json_answer(200, &forbids()), none(), created("2026")],
            Some("Default"),
        ),
        (vec![json_answer(200, &forbids()), none(), created("2019")], None),
        (
            vec![
                json_answer(200, &forbids()),
                json_answer(200, &json!({ "value": [spared] })),
                created("2026"),
            ],
            None,
        ),
    ];
    for (answers, expected) in table {
        // The policy of the application and its date are asked for side by side.
        let place = |request: &http::Request<Bytes>| match request.uri().path() {
            path if path.ends_with("defaultAppManagementPolicy") => 0,
            path if path.ends_with("appManagementPolicies") => 1,
            _ => 2,
        };
        let answers: Vec<Mutex<Option<ScriptedAnswer>>> =
            answers.into_iter().map(|answer| Mutex::new(Some(answer))).collect();
        let (azure, _) = azure(move |request| {
            let answer = answers
                .get(place(request))
                .and_then(|answer| answer.lock().unwrap().take());
            answer.unwrap_or_else(|| panic!("one request too many: {}", request.uri()))
        });
        let found = azure.app_restrictions("peerctl-1").await.unwrap();
        assert_eq!(found.secrets.as_deref(), expected);
        assert_eq!(found.certificates, None);
    }
}
