//! Long-running operations of the network provider.

use http::StatusCode;
use serde_json::json;
use uuid::Uuid;

use super::ArmResult;
use super::context::ArmContext;
use super::errors::ArmRefusal;
use crate::sandbox::message::{self, SandboxResponse};
use crate::sandbox::world::{OperationRecord, SandboxWorld};

/// Begins an operation on `target` and puts its headers on the answer.
pub(super) fn begin(
    world: &mut SandboxWorld,
    context: &ArmContext<'_>,
    answer: &mut SandboxResponse,
    target: &str,
    location: &str,
    kind: &'static str,
) {
    let id = world.ids.next();
    let done = world.now + world.timing.operation;
    world.operations.insert(
        id,
        OperationRecord {
            done,
            target: target.to_ascii_lowercase(),
            kind,
        },
    );
    let subscription = target.split('/').nth(2).unwrap_or_default();
    let version = context.request.query("api-version").unwrap_or("2023-11-01");
    let url = |what: &str| {
        format!(
            "{}/subscriptions/{subscription}/providers/Microsoft.Network/locations/{location}/{what}/{id}?api-version={version}",
            context.request.origin
        )
    };
    message::set(answer, "azure-asyncoperation", &url("operations"));
    message::set(answer, "azure-asyncnotification", "Enabled");
    message::set(answer, "retry-after", &world.timing.retry_after.to_string());
    if answer.status() == StatusCode::ACCEPTED {
        message::set(answer, "location", &url("operationResults"));
    }
}

/// The operation that works on `target` or below it at the moment.
pub(super) fn running<'a>(world: &'a SandboxWorld, target: &str) -> Option<(Uuid, &'a OperationRecord)> {
    let target = target.to_ascii_lowercase();
    let mut open = world
        .operations
        .iter()
        .filter(|(_, operation)| operation.done > world.now);
    let found = open.find(|(_, operation)| super::access::covers(&target, &operation.target));
    found.map(|(id, operation)| (*id, operation))
}

/// `GET …/locations/{l}/operations/{id}` and `…/operationResults/{id}`.
pub(super) fn get(world: &SandboxWorld, kind: &str, id: &str) -> ArmResult {
    let operation = Uuid::parse_str(id).ok().and_then(|id| world.operations.get(&id));
    let operation = operation.ok_or_else(|| {
        ArmRefusal::new(
            404,
            "OperationNotFound",
            format!("The operation '{id}' could not be found."),
        )
    })?;
    let over = operation.done <= world.now;
    let mut answer = match (kind, over) {
        ("operations", true) => message::json(StatusCode::OK, &json!({"status": "Succeeded"})),
        ("operations", false) => message::json(StatusCode::OK, &json!({"status": "InProgress"})),
        (_, true) => message::empty(StatusCode::NO_CONTENT),
        (_, false) => message::empty(StatusCode::ACCEPTED),
    };
    if !over {
        message::set(&mut answer, "retry-after", &world.timing.retry_after.to_string());
    }
    Ok(answer)
}
