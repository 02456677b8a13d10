//! Deny assignments.

use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::context::ArmContext;
use super::scope_children::permission;
use super::{ArmResult, access};
use crate::sandbox::message;
use crate::sandbox::world::{DenyAssignmentRecord, SandboxWorld};

const READ: &str = "Microsoft.Authorization/denyAssignments/read";

/// `GET {scope}/…/denyAssignments?$filter=atScope()`: at the scope and above it; without the filter also below.
pub(super) fn list(world: &SandboxWorld, context: &ArmContext<'_>, scope: &str) -> ArmResult {
    access::require(world, &context.caller, READ, scope)?;
    let at_scope = context
        .request
        .query("$filter")
        .is_some_and(|filter| filter.eq_ignore_ascii_case("atScope()"));
    let own = world
        .denials
        .iter()
        .filter(|found| found.tenant == context.caller.tenant);
    let here = own.filter(|found| {
        let below = || access::covers(scope, &found.scope);
        access::reaches(world, &found.scope, scope) || !at_scope && below()
    });
    let body = context.page(world, here, resource);
    Ok(message::json(StatusCode::OK, &body))
}

/// The deny assignment as ARM writes it. Everyone is the nil ID of type `SystemDefined`.
fn resource(found: &DenyAssignmentRecord) -> Value {
    let principal = |id: &Uuid| json!({ "id": id, "type": "ServicePrincipal" });
    let everyone = json!([{ "id": Uuid::nil(), "type": "SystemDefined" }]);
    let principals: Vec<Value> = found.principals.iter().map(principal).collect();
    let excluded: Vec<Value> = found.excluded.iter().map(principal).collect();
    json!({
        "properties": {
            "denyAssignmentName": found.name,
            "description": "",
            "permissions": [permission(&found.permission)],
            "scope": found.scope,
            "doNotApplyToChildScopes": false,
            "principals": if principals.is_empty() { everyone } else { principals.into() },
            "excludePrincipals": excluded,
            "isSystemProtected": true,
        },
        "id": format!("{}/providers/Microsoft.Authorization/denyAssignments/{}", found.scope, found.guid),
        "type": "Microsoft.Authorization/denyAssignments",
        "name": found.guid,
    })
}
