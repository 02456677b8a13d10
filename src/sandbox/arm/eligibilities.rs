//! Roles that their holder has to activate in Privileged Identity Management.

use http::StatusCode;
use serde_json::{Value, json};

use super::context::ArmContext;
use super::errors::ArmRefusal;
use super::{ArmResult, access};
use crate::sandbox::message;
use crate::sandbox::world::{RoleEligibility, SandboxWorld};

/// `GET {scope}/…/roleEligibilityScheduleInstances?$filter=asTarget()`: those of the caller.
pub(super) fn list(world: &SandboxWorld, context: &ArmContext<'_>, scope: &str) -> ArmResult {
    let filter = context.request.query("$filter").unwrap_or_default();
    if !filter.eq_ignore_ascii_case("asTarget()") {
        let text = format!("The filter '{filter}' is not supported by the sandbox: only asTarget().");
        return Err(ArmRefusal::new(400, "InvalidFilter", text));
    }
    let caller = &context.caller;
    let own = world.eligibilities.iter().filter(|found| {
        found.tenant == caller.tenant && (found.principal == caller.oid || found.principal == caller.principal)
    });
    let here = own.filter(|found| access::reaches(world, &found.scope, scope) || access::covers(scope, &found.scope));
    let body = context.page(world, here, |found| resource(world, found));
    Ok(message::json(StatusCode::OK, &body))
}

fn resource(world: &SandboxWorld, found: &RoleEligibility) -> Value {
    let role = world.definitions.iter().find(|role| role.guid == found.role);
    let subscription = found.scope.split('/').nth(2).unwrap_or_default();
    let role_id = format!(
        "/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{}",
        found.role
    );
    json!({
        "properties": {
            "scope": found.scope,
            "roleDefinitionId": role_id,
            "principalId": found.principal,
            "principalType": "ServicePrincipal",
            "status": "Provisioned",
            "memberType": "Direct",
            "startDateTime": "2024-05-14T08:09:42.08Z",
            "endDateTime": null,
            "condition": null,
            "conditionVersion": null,
            "expandedProperties": {
                "roleDefinition": { "id": role_id, "displayName": role.map(|role| &role.name), "type": "BuiltInRole" },
                "scope": { "id": found.scope, "displayName": found.scope, "type": "subscription" },
            },
        },
        "id": format!(
            "{}/providers/Microsoft.Authorization/roleEligibilityScheduleInstances/{}",
            found.scope, found.guid
        ),
        "type": "Microsoft.Authorization/roleEligibilityScheduleInstances",
        "name": found.guid,
    })
}
