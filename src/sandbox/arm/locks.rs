//! Management locks, at any scope.

use http::StatusCode;
use serde_json::{Value, json};

use super::context::ArmContext;
use super::errors::ArmRefusal;
use super::{ArmResult, access};
use crate::sandbox::message;
use crate::sandbox::world::{LockRecord, SandboxWorld};

const READ: &str = "Microsoft.Authorization/locks/read";
const WRITE: &str = "Microsoft.Authorization/locks/write";
const DELETE: &str = "Microsoft.Authorization/locks/delete";

const LEVELS: [&str; 2] = ["CanNotDelete", "ReadOnly"];

/// `GET …/locks`: those at the scope and below it; with `atScope()` those at it and above it.
pub(super) fn list(world: &SandboxWorld, context: &ArmContext<'_>, scope: &str) -> ArmResult {
    access::require(world, &context.caller, READ, scope)?;
    let at_scope = context
        .request
        .query("$filter")
        .is_some_and(|text| text.eq_ignore_ascii_case("atScope()"));
    let matches = |lock: &&LockRecord| match at_scope {
        true => access::covers(&lock.scope, scope),
        false => access::covers(scope, &lock.scope),
    };
    let found = world.locks.iter().filter(matches);
    Ok(message::json(StatusCode::OK, &context.page(world, found, resource)))
}

/// `GET …/locks/{name}`.
pub(super) fn get(world: &SandboxWorld, context: &ArmContext<'_>, scope: &str, name: &str) -> ArmResult {
    access::require(world, &context.caller, READ, scope)?;
    let found = world.locks.iter().find(|lock| is(lock, scope, name));
    let found =
        found.ok_or_else(|| ArmRefusal::new(404, "LockNotFound", format!("The lock '{name}' could not be found.")))?;
    Ok(message::json(StatusCode::OK, &resource(found)))
}

/// `PUT …/locks/{name}`: 201 for a new one, 200 for a changed one.
pub(super) fn put(world: &mut SandboxWorld, context: &ArmContext<'_>, scope: &str, name: &str) -> ArmResult {
    access::require(world, &context.caller, WRITE, scope)?;
    let body = context.request.json().ok_or_else(ArmRefusal::bad_body)?;
    let given = body["properties"]["level"].as_str().unwrap_or_default();
    let level = LEVELS.iter().find(|level| level.eq_ignore_ascii_case(given));
    let level = level.ok_or_else(|| {
        let text = format!("The lock level '{given}' is invalid. The supported levels are 'CanNotDelete, ReadOnly'.");
        ArmRefusal::new(400, "InvalidLockLevel", text)
    })?;
    let new = LockRecord {
        name: name.to_owned(),
        scope: scope.to_owned(),
        level: (*level).to_owned(),
        notes: body["properties"]["notes"].as_str().map(str::to_owned),
    };
    let shown = resource(&new);
    let existing = world.locks.iter_mut().find(|lock| is(lock, scope, name));
    let status = if existing.is_some() {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    match existing {
        Some(lock) => *lock = new,
        None => world.locks.push(new),
    }
    Ok(message::json(status, &shown))
}

/// `DELETE …/locks/{name}`.
pub(super) fn delete(world: &mut SandboxWorld, context: &ArmContext<'_>, scope: &str, name: &str) -> ArmResult {
    access::require(world, &context.caller, DELETE, scope)?;
    let before = world.locks.len();
    world.locks.retain(|lock| !is(lock, scope, name));
    let gone = world.locks.len() < before;
    Ok(message::empty(if gone {
        StatusCode::OK
    } else {
        StatusCode::NO_CONTENT
    }))
}

fn is(lock: &LockRecord, scope: &str, name: &str) -> bool {
    lock.scope.eq_ignore_ascii_case(scope) && lock.name.eq_ignore_ascii_case(name)
}

/// The lock as ARM writes it: without `notes` where it has none.
fn resource(lock: &LockRecord) -> Value {
    let mut body = json!({
        "properties": {"level": lock.level},
        "id": format!("{}/providers/Microsoft.Authorization/locks/{}", lock.scope, lock.name),
        "type": "Microsoft.Authorization/locks",
        "name": lock.name,
    });
    if let Some(notes) = &lock.notes {
        body["properties"]["notes"] = json!(notes);
    }
    body
}
