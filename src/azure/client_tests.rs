use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::super::error::FailureKind;
use super::super::model::{RoleDefinition, RolePermission};
use super::super::testing::{answer, azure, body, broken, json as json_answer, lines_without_hosts as arm_lines};
use super::super::transport::TransportError;
use crate::domain::{PeeringState, SubscriptionId, SyncLevel, VnetId};

const ONE: SubscriptionId = Uuid::from_u128(1);
const TWO: SubscriptionId = Uuid::from_u128(2);

fn vnet_id(subscription: SubscriptionId, name: &str) -> VnetId {
    VnetId::new(subscription, "rg-net", name).unwrap()
}

/// A virtual network with one peering, as API version 2024-03-01 shows it.
fn vnet_json(id: &VnetId) -> Value {
    let remote = vnet_id(Uuid::from_u128(9), "hub");
    json!({ "name": id.name, "id": id, "etag": "W/\"9afcb4fb\"", "type": "Microsoft.Network/virtualNetworks", "location": "westus",
        "tags": { "a": "b" }, "properties": { "provisioningState": "Succeeded", "resourceGuid": "d9becdae",
            "addressSpace": { "addressPrefixes": ["10.0.0.0/16", "fd00::/48"], "ipamPoolPrefixAllocations": [] },
            "privateEndpointVNetPolicies": "Disabled", "subnets": [{ "name": "default", "properties": { "provisioningState": "Succeeded", "addressPrefix": "10.0.0.0/24", "delegations": [] } }],
            "virtualNetworkPeerings": [{ "name": "to-hub", "id": format!("{id}/virtualNetworkPeerings/to-hub"),
                "properties": { "provisioningState": "Canceled", "peeringState": "Initiated", "peeringSyncLevel": "Quantum",
                    "remoteVirtualNetwork": { "id": remote }, "allowForwardedTraffic": true, "allowGatewayTransit": false, "useRemoteGateways": false,
                    "remoteAddressSpace": { "addressPrefixes": ["10.1.0.0/16"] }, "routeServiceVips": {} } }],
            "enableDdosProtection": false } })
}

fn error_json(code: &str) -> Value {
    json!({ "error": { "code": code, "message": "Azure's sentence.", "details": [{ "code": "Inner", "message": "More." }] } })
}

#[tokio::test]
async fn vnet_read_keeps_unknown_values() {
    let id = vnet_id(ONE, "vnet-app");
    let shown = vnet_json(&id);
    let (azure, script) = azure(move |_| json_answer(200, &shown));
    let vnet = azure.vnet(&id).await.unwrap().unwrap();
    assert_eq!(
        (vnet.location.as_str(), vnet.provisioning_state.as_str()),
        ("westus", "Succeeded")
    );
    assert_eq!(vnet.address_space.to_string(), "10.0.0.0/16, fd00::/48");
    let peering = &vnet.peerings[0];
    assert_eq!(
        (peering.state.clone(), peering.sync_level.clone()),
        (PeeringState::Initiated, SyncLevel::Other("Quantum".into()))
    );
    assert_eq!(peering.provisioning_state, "Canceled");
    assert_eq!(peering.remote_vnet, Some(vnet_id(Uuid::from_u128(9), "hub")));
    assert!(
        peering.allow_virtual_network_access && peering.allow_forwarded_traffic,
        "absent means allowed"
    );
    assert_eq!(arm_lines(&script), [format!("GET {id}?api-version=2024-03-01")]);
    let sent = script.requests().pop().unwrap();
    assert_eq!(sent.headers()["authorization"], "Bearer token-1", "not the placeholder");
    assert!(sent.headers()["authorization"].is_sensitive());
}

#[tokio::test]
async fn get_distinguishes_absent_from_error() {
    for (code, absent) in [
        ("ResourceNotFound", true),
        ("ResourceGroupNotFound", true),
        ("NotFound", true),
        ("SubscriptionNotFound", false),
    ] {
        let (azure, _) = azure(move |_| {
            let mut answer = json_answer(404, &error_json(code)).unwrap();
            answer
                .headers_mut()
                .insert("x-ms-correlation-request-id", "c-1".parse().unwrap());
            Ok(answer)
        });
        let result = azure.vnet(&vnet_id(ONE, "vnet-app")).await;
        if absent {
            assert_eq!(result.unwrap(), None, "{code}");
            continue;
        }
        let error = result.unwrap_err();
        assert_eq!(
            (error.code(), error.correlation_id.as_deref()),
            (Some(code), Some("c-1"))
        );
        assert!(
            matches!(&error.failure, FailureKind::Refused { details, .. } if details[0].0 == "Inner"),
            "{error:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn generated_client_failures_keep_kind() {
    let id = vnet_id(ONE, "vnet-app");
    let (proxy, _) = azure(|_| answer(200, &[], "<html>please sign in</html>"));
    let error = proxy.vnet(&id).await.unwrap_err();
    assert!(matches!(error.failure, FailureKind::Unreadable { .. }), "{error}");
    let (down, script) = azure(|_| broken());
    let error = down.vnet(&id).await.unwrap_err();
    assert!(
        matches!(error.failure, FailureKind::Unreachable(TransportError::Broken { .. })),
        "{error}"
    );
    assert_eq!(
        arm_lines(&script).len() as u32,
        super::limits::TRIES,
        "nobody else repeats"
    );
    let (odd, _) = azure(|_| answer(299, &[], "{}"));
    assert!(odd.vnet(&id).await.is_err());
}

#[tokio::test]
async fn list_next_links_stay_on_host() {
    let row = |id: Uuid| json!({ "subscriptionId": id, "tenantId": Uuid::from_u128(5), "displayName": "A", "state": "Enabled" });
    let next = "https://management.azure.com/subscriptions?api-version=2022-12-01&%24skiptoken=x+y";
    let (azure_, script) =
        azure(
            move |request| match request.uri().query().unwrap_or_default().contains("skiptoken") {
                false => json_answer(200, &json!({ "value": [row(ONE)], "nextLink": next })),
                true => json_answer(200, &json!({ "value": [row(TWO)], "nextLink": "" })),
            },
        );
    let ids: Vec<_> = azure_
        .subscriptions()
        .await
        .unwrap()
        .into_iter()
        .map(|subscription| subscription.id)
        .collect();
    assert_eq!(ids, [ONE, TWO]);
    assert!(
        arm_lines(&script)[1].ends_with("skiptoken=x+y"),
        "as the server wrote it"
    );

    let foreign = json!({ "value": [], "nextLink": "https://evil.example/subscriptions" });
    let (azure_, script) = azure(move |_| json_answer(200, &foreign));
    for error in [
        azure_.subscriptions().await.unwrap_err(),
        azure_.peerings(&vnet_id(ONE, "v1")).await.unwrap_err(),
    ] {
        assert!(
            matches!(
                error.failure,
                FailureKind::Unreachable(TransportError::NotAllowed { .. })
            ),
            "{error}"
        );
    }
    assert!(script.lines().iter().all(|line| !line.contains("evil")));
}

#[tokio::test]
async fn list_stops_on_circular_links() {
    let page = |token: &str| format!("https://management.azure.com/subscriptions?api-version=2022-12-01&token={token}");
    let (azure, script) = azure(move |request| {
        let next = match request.uri().query().unwrap_or_default() {
            query if query.ends_with("token=a") => page("b"),
            _ => page("a"),
        };
        json_answer(200, &json!({ "value": [], "nextLink": next }))
    });
    let error = azure.subscriptions().await.unwrap_err();
    assert!(error.to_string().contains("is circular"), "{error}");
    assert_eq!(arm_lines(&script).len(), 3);
}

#[tokio::test]
async fn tenants_are_named() {
    let shown = json!({ "value": [
        { "id": "/tenants/x", "tenantId": Uuid::from_u128(5), "displayName": "Contoso", "domains": [], "defaultDomain": "contoso.com" },
        { "tenantId": Uuid::from_u128(6) },
    ] });
    let (azure, script) = azure(move |_| json_answer(200, &shown));
    let tenants = azure.tenants().await.unwrap();
    assert_eq!(
        (tenants[0].name.as_deref(), tenants[0].default_domain.as_deref()),
        (Some("Contoso"), Some("contoso.com"))
    );
    assert_eq!((tenants[1].id, &tenants[1].name), (Uuid::from_u128(6), &None));
    assert_eq!(arm_lines(&script), ["GET /tenants?api-version=2022-12-01"]);
}

fn role() -> RoleDefinition {
    let actions = vec!["Microsoft.Network/virtualNetworks/peer/action".to_owned()];
    RoleDefinition {
        guid: Uuid::from_u128(3),
        name: "Peering for O'Brien".into(),
        description: "By peerctl".into(),
        custom: true,
        permissions: vec![RolePermission {
            actions,
            ..RolePermission::default()
        }],
        assignable_scopes: vec![format!("/subscriptions/{ONE}")],
    }
}

/// Returns the response to a real PUT of a role definition, with the values of these tests.
fn role_json() -> Value {
    json!({ "properties": { "roleName": "Peering for O'Brien", "type": "CustomRole", "description": "By peerctl",
        "assignableScopes": [format!("/subscriptions/{ONE}")], "permissions": [{ "actions": ["Microsoft.Network/virtualNetworks/peer/action"], "notActions": [], "dataActions": [], "notDataActions": [] }],
        "createdOn": "2023-08-23T12:44:22.2518585Z", "updatedOn": "2023-08-23T12:44:22.2518585Z", "createdBy": null, "updatedBy": "6d97229a-391f-473a-893f-f0608b592d7b" },
        "id": format!("/subscriptions/{ONE}/providers/Microsoft.Authorization/roleDefinitions/{}", Uuid::from_u128(3)),
        "type": "Microsoft.Authorization/roleDefinitions", "name": Uuid::from_u128(3) })
}

#[tokio::test]
async fn role_write_omits_nulls() {
    let (azure, script) = azure(|request| match request.method().as_str() {
        "PUT" => json_answer(201, &role_json()),
        _ if request.uri().path().ends_with("roleDefinitions") => json_answer(200, &json!({ "value": [role_json()] })),
        _ => json_answer(404, &error_json("RoleDefinitionDoesNotExist")),
    });
    let scope = format!("/subscriptions/{ONE}");
    assert_eq!(azure.put_role_definition(&scope, &role()).await.unwrap(), role());
    assert_eq!(
        azure.role_definitions(&scope, "Peering for O'Brien").await.unwrap(),
        [role()]
    );
    assert_eq!(azure.custom_roles(&scope).await.unwrap().len(), 1);
    assert_eq!(azure.role_definition(&scope, Uuid::from_u128(3)).await.unwrap(), None);
    let base = format!("{scope}/providers/Microsoft.Authorization/roleDefinitions");
    let guid = Uuid::from_u128(3);
    assert_eq!(
        arm_lines(&script),
        [
            format!("PUT {base}/{guid}?api-version=2022-04-01"),
            format!("GET {base}?api-version=2022-04-01&%24filter=roleName%20eq%20%27Peering%20for%20O%27%27Brien%27"),
            format!("GET {base}?api-version=2022-04-01&%24filter=type%20eq%20%27CustomRole%27"),
            format!("GET {base}/{guid}?api-version=2022-04-01"),
        ]
    );
    let sent = body(&script.requests()[1]);
    assert_eq!(sent["properties"]["roleName"], "Peering for O'Brien");
    assert!(!sent.to_string().contains("null"), "{sent}");
    assert_eq!(azure.wire().stats().writes, 1);
}

#[tokio::test]
async fn role_assignment_includes_scope_and_type() {
    let vnet = vnet_id(ONE, "vnet-app");
    let [guid, role, principal] = [4, 3, 8].map(Uuid::from_u128);
    let scope = vnet.to_string();
    let role_id = format!("/subscriptions/{ONE}/providers/Microsoft.Authorization/roleDefinitions/{role}");
    let shown = json!({ "properties": { "roleDefinitionId": role_id, "principalId": principal, "principalType": "Agent", "scope": scope,
        "condition": null, "conditionVersion": null, "createdOn": "2023-08-23T12:44:00.9627354Z", "updatedOn": "2023-08-23T12:44:02.2417671Z",
        "createdBy": null, "updatedBy": "6d97229a-391f-473a-893f-f0608b592d7b", "delegatedManagedIdentityResourceId": null, "description": null },
        "id": format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{guid}"), "type": "Microsoft.Authorization/roleAssignments", "name": guid });
    let (azure, script) = azure(move |request| match request.method().as_str() {
        "PUT" => json_answer(201, &shown),
        _ if request.uri().path().ends_with("roleAssignments") => json_answer(200, &json!({ "value": [shown] })),
        _ => json_answer(404, &error_json("RoleAssignmentNotFound")),
    });
    let written = azure.put_role_assignment(&scope, guid, role, principal).await.unwrap();
    assert_eq!(
        (written.role, written.principal, written.scope.as_str()),
        (role, principal, scope.as_str())
    );
    assert_eq!(
        written.id(),
        format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{guid}")
    );
    assert_eq!(azure.role_assignments(&scope).await.unwrap(), [written]);
    assert_eq!(azure.role_assignment(&scope, guid).await.unwrap(), None);
    let sent = body(&script.requests()[1]);
    let expected = json!({ "properties": { "roleDefinitionId": role_id, "principalId": principal, "principalType": "ServicePrincipal" } });
    assert_eq!(sent, expected);
    assert!(arm_lines(&script)[1].ends_with("/roleAssignments?api-version=2022-04-01&%24filter=atScope%28%29"));
}

#[tokio::test]
async fn permissions_requested_at_exact_scope() {
    let shown = json!({ "value": [{ "actions": ["*"], "notActions": ["Microsoft.Authorization/*/Delete"], "dataActions": [] }] });
    let (azure, script) = azure(move |_| json_answer(200, &shown));
    let scope = vnet_id(ONE, "vnet-app").to_string();
    let permissions = azure.permissions(&scope).await.unwrap();
    assert_eq!((permissions.len(), permissions[0].actions[0].as_str()), (1, "*"));
    assert_eq!(
        arm_lines(&script),
        [format!(
            "GET {scope}/providers/Microsoft.Authorization/permissions?api-version=2022-04-01"
        )]
    );
}

#[tokio::test]
async fn service_principal_found_or_created() {
    let app = Uuid::from_u128(3);
    let shown = json!({ "id": Uuid::from_u128(8), "appId": app, "displayName": "Konnect", "accountEnabled": true, "appOwnerOrganizationId": Uuid::from_u128(5) });
    let (azure, script) = azure(move |request| match request.method().as_str() {
        "POST" => json_answer(201, &shown),
        _ => json_answer(200, &json!({ "@odata.context": "x", "value": [] })),
    });
    assert_eq!(azure.service_principal(app).await.unwrap(), None);
    let made = azure.create_service_principal(app).await.unwrap();
    assert_eq!(
        (made.id, made.owner_tenant, made.display_name.as_str()),
        (Uuid::from_u128(8), Some(Uuid::from_u128(5)), "Konnect")
    );
    let lines = arm_lines(&script);
    assert!(
        lines[0].starts_with(&format!(
            "GET /v1.0/servicePrincipals?$filter=appId%20eq%20%27{app}%27&$select=id,"
        )),
        "{lines:?}"
    );
    assert_eq!(lines[1], "POST /v1.0/servicePrincipals");
    let login = String::from_utf8(script.requests()[0].body().to_vec()).unwrap();
    assert!(
        login.contains("scope=https%3A%2F%2Fgraph.microsoft.com%2F.default"),
        "{login}"
    );
}

#[tokio::test]
async fn rejected_token_is_replaced_once() {
    let (azure_, script) = azure(|request| match request.headers()["authorization"].to_str() {
        Ok("Bearer token-1") => json_answer(401, &error_json("ExpiredAuthenticationToken")),
        _ => json_answer(200, &json!({ "value": [] })),
    });
    assert!(azure_.subscriptions().await.unwrap().is_empty());
    assert_eq!(arm_lines(&script).len(), 2);

    let tries = AtomicUsize::new(0);
    let (azure_, _) = azure(move |_| {
        assert!(tries.fetch_add(1, Ordering::SeqCst) < 2, "once is enough");
        json_answer(401, &error_json("InvalidAuthenticationToken"))
    });
    assert_eq!(
        azure_.subscriptions().await.unwrap_err().code(),
        Some("InvalidAuthenticationToken")
    );
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn trace_log_contains_no_secrets() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false);
    let subscriber = subscriber.with_writer({
        let log = log.clone();
        move || log.clone()
    });
    // With one subscriber alone, tracing asks the thread that comes by first whether a line is wanted, and the other
    // tests' threads want none. With two it asks them all.
    let _second = tracing::Dispatch::new(tracing_subscriber::fmt().finish());
    let _guard = tracing::subscriber::set_default(subscriber.finish());
    let (azure, script) = azure(|request| match request.method().as_str() {
        "PUT" => json_answer(201, &role_json()),
        "POST" => json_answer(200, &json!({ "keyId": ONE, "secretText": "new-secret" })),
        _ => json_answer(403, &error_json("AuthorizationFailed")),
    });
    let elsewhere = azure.identity().in_tenant(TWO);
    let azure = azure.acting_as(azure.identity().clone(), vec![elsewhere]);
    azure
        .put_role_definition(&format!("/subscriptions/{ONE}"), &role())
        .await
        .unwrap();
    azure.subscriptions().await.unwrap_err();
    azure.vnet(&vnet_id(ONE, "vnet-app")).await.unwrap_err();
    azure.add_password(ONE, "run", Duration::from_secs(60)).await.unwrap();
    assert_eq!(
        script.lines().len(),
        7,
        "sign-in for ARM in two tenants and for Graph, and four calls"
    );
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        text.contains("peerctl::wire") && text.contains("request_id") && text.contains("api-version=2024-03-01"),
        "{text}"
    );
    for secret in ["token-1", "token-2", "token-3", "top-secret", "new-secret"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}
