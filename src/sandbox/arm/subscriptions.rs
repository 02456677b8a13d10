//! Tenants, subscriptions, and the cloud's own endpoints.

use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::ArmResult;
use super::access;
use super::context::ArmContext;
use super::errors::ArmRefusal;
use crate::sandbox::message::{self, IncomingRequest, SandboxResponse};
use crate::sandbox::world::{SandboxWorld, SubscriptionRecord};

/// `GET /metadata/endpoints`, unauthenticated: what `az cloud register` asks for.
pub(super) fn metadata(request: &IncomingRequest) -> SandboxResponse {
    let origin = &request.origin;
    let body = json!([{
        "name": "sandbox",
        "portal": origin,
        "authentication": {
            "loginEndpoint": format!("{origin}/"),
            "audiences": ["https://management.core.windows.net/", "https://management.azure.com/"],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "resourceManager": format!("{origin}/"),
        "microsoftGraphResourceId": format!("{origin}/"),
        "graph": format!("{origin}/"),
        "graphAudience": format!("{origin}/"),
        "media": "", "batch": "", "gallery": "", "sqlManagement": "", "vmImageAliasDoc": "",
        "suffixes": {},
    }]);
    // Since 2022-09-01 the answer is this one cloud; older versions list all that there are.
    let versioned = request
        .query("api-version")
        .is_some_and(|version| version >= "2022-09-01");
    message::json(StatusCode::OK, if versioned { &body[0] } else { &body })
}

/// `GET /tenants`: the token's own, and those that know the person.
pub(super) fn tenants(world: &SandboxWorld, context: &ArmContext<'_>) -> ArmResult {
    let home = context.caller.tenant;
    let knows = |tenant: Uuid| tenant == home || world.user(&context.caller.name, Some(tenant)).is_some();
    let known = world.tenants.iter().filter(|tenant| knows(tenant.id));
    let body = context.page(world, known, |tenant| {
        json!({
            "id": format!("/tenants/{}", tenant.id),
            "tenantId": tenant.id,
            "countryCode": "US",
            "displayName": tenant.name,
            "domains": [tenant.domain],
            "tenantCategory": "Home",
            "defaultDomain": tenant.domain,
            "tenantType": "AAD",
        })
    });
    Ok(message::json(StatusCode::OK, &body))
}

/// `GET /subscriptions`: those in which the caller has some role.
pub(super) fn list(world: &SandboxWorld, context: &ArmContext<'_>) -> ArmResult {
    let own = world
        .subscriptions
        .iter()
        .filter(|found| found.tenant == context.caller.tenant);
    let reach = access::ScopeReach::seen(world, &context.caller);
    let seen: Vec<&SubscriptionRecord> = own.filter(|found| reach.covers(&scope(found.id))).collect();
    let total = seen.len();
    let mut body = context.page(world, seen.into_iter(), subscription);
    body["count"] = json!({"type": "Total", "value": total});
    Ok(message::json(StatusCode::OK, &body))
}

/// `GET /subscriptions/{id}`.
pub(super) fn get(world: &SandboxWorld, context: &ArmContext<'_>, id: Uuid) -> ArmResult {
    if !access::sees(world, &context.caller, &scope(id)) {
        return Err(ArmRefusal::forbidden(
            &context.caller,
            "Microsoft.Resources/subscriptions/read",
            &scope(id),
        ));
    }
    let found = world.subscription(id).map(subscription).unwrap_or_default();
    Ok(message::json(StatusCode::OK, &found))
}

fn scope(id: Uuid) -> String {
    format!("/subscriptions/{id}")
}

fn subscription(found: &SubscriptionRecord) -> Value {
    json!({
        "id": scope(found.id),
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": found.id,
        "tenantId": found.tenant,
        "displayName": found.name,
        "state": found.state,
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "EnterpriseAgreement_2014-09-01",
            "spendingLimit": "Off",
        },
    })
}
