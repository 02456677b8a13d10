//! Objects of `Microsoft.Authorization` below any scope: roles, permissions, locks.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::context::ArmContext;
use super::errors::ArmRefusal;
use super::{ArmResult, access, assignments, definitions, denials, eligibilities, groups, locks, networks};
use crate::sandbox::message;
use crate::sandbox::world::{PermissionRecord, SandboxWorld};

/// Routes `{scope}/providers/Microsoft.Authorization/{rest}`.
pub(super) fn route(world: &mut SandboxWorld, context: &ArmContext<'_>, scope: &str, rest: &[&str]) -> ArmResult {
    exists(world, scope)?;
    // As the client wrote it: the words of `rest` are in lower case.
    let name = context.request.segments.last().map(String::as_str).unwrap_or_default();
    match (&context.request.method, rest) {
        (&Method::GET, ["permissions"]) => permissions(world, context, scope),
        (&Method::GET, ["locks"]) => locks::list(world, context, scope),
        (&Method::GET, ["locks", _]) => locks::get(world, context, scope, name),
        (&Method::PUT, ["locks", _]) => locks::put(world, context, scope, name),
        (&Method::DELETE, ["locks", _]) => locks::delete(world, context, scope, name),
        // Nobody can create one but Azure itself.
        (&Method::GET, ["denyassignments"]) => denials::list(world, context, scope),
        (&Method::GET, ["roleeligibilityscheduleinstances"]) => eligibilities::list(world, context, scope),
        (&Method::GET, ["roledefinitions"]) => definitions::list(world, context, scope),
        (&Method::GET, ["roledefinitions", guid]) => definitions::get(world, context, scope, guid),
        (&Method::PUT, ["roledefinitions", guid]) => definitions::put(world, context, scope, guid),
        (&Method::DELETE, ["roledefinitions", guid]) => definitions::delete(world, context, scope, guid),
        (&Method::GET, ["roleassignments"]) => assignments::list(world, context, scope),
        (&Method::GET, ["roleassignments", guid]) => assignments::get(world, context, scope, guid),
        (&Method::PUT, ["roleassignments", guid]) => assignments::put(world, context, scope, guid),
        (&Method::DELETE, ["roleassignments", guid]) => assignments::delete(world, context, scope, guid),
        _ => Err(super::nothing(context.request)),
    }
}

/// The scope exists: a subscription (checked before), a group, or a resource in one.
fn exists(world: &SandboxWorld, scope: &str) -> Result<(), ArmRefusal> {
    let parts: Vec<&str> = scope.split('/').collect();
    let Some(group) = parts.get(4) else { return Ok(()) };
    let subscription = parts.get(2).and_then(|id| Uuid::parse_str(id).ok()).unwrap_or_default();
    if groups::find(world, subscription, group).is_none() {
        return Err(ArmRefusal::no_group(group));
    }
    match parts.as_slice() {
        [_, _, _, _, _, _, _, kind, name] if kind.eq_ignore_ascii_case("virtualNetworks") => {
            networks::find(world, scope, group, name).map(|_| ())
        }
        _ => Ok(()),
    }
}

/// The GUID at the end of a role definition's or assignment's path.
pub(super) fn guid(text: &str, code: &'static str) -> Result<Uuid, ArmRefusal> {
    let wrong = || {
        ArmRefusal::new(
            400,
            code,
            format!("The ID '{text}' is not valid. The ID must be a GUID."),
        )
    };
    Uuid::parse_str(text).map_err(|_| wrong())
}

fn permissions(world: &SandboxWorld, context: &ArmContext<'_>, scope: &str) -> ArmResult {
    if !access::sees(world, &context.caller, scope) {
        return Err(ArmRefusal::forbidden(
            &context.caller,
            "Microsoft.Authorization/permissions/read",
            scope,
        ));
    }
    let entries = access::permissions(world, &context.caller, scope);
    let body = context.page(world, entries.into_iter(), permission);
    Ok(message::json(StatusCode::OK, &body))
}

/// An entry of a role's `permissions`.
pub(super) fn permission(entry: &PermissionRecord) -> Value {
    json!({
        "actions": entry.actions,
        "notActions": entry.not_actions,
        "dataActions": entry.data_actions,
        "notDataActions": entry.not_data_actions,
    })
}
