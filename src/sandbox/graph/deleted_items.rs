//! `/directory/deletedItems`: applications and service principals that were deleted, kept for thirty days.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::Value;
use uuid::Uuid;

use super::filter::ODataFilter;
use super::service_principals::may_read;
use super::{GraphRefusal, GraphResult, applications, collection, entity, seconds, service_principals};
use crate::sandbox::message::{self, IncomingRequest};
use crate::sandbox::token::TokenCaller;
use crate::sandbox::world::{ApplicationRecord, DeletedRecord, PrincipalRecord, SandboxWorld};

/// Time for which a deleted object can be restored; its unique name is taken for as long.
const KEPT: Duration = Duration::from_secs(30 * 86_400);

/// Routes `/directory/deletedItems/{id or type}[/restore]`.
pub(super) fn route(
    world: &mut SandboxWorld,
    request: &IncomingRequest,
    caller: &TokenCaller,
    key: &str,
    restores: bool,
) -> GraphResult {
    expire(world);
    let kind = key.to_ascii_lowercase();
    match (&request.method, restores) {
        (&Method::GET, false) if kind.starts_with("microsoft.graph.") => list(world, request, caller, &kind),
        (&Method::GET, false) => get(world, request, caller, key),
        (&Method::POST, true) => restore(world, request, caller, key),
        (&Method::DELETE, false) => purge(world, caller, key),
        _ => Err(super::unsupported(request)),
    }
}

/// Returns whether a deleted application still has this unique name.
pub(super) fn has_name(world: &SandboxWorld, tenant: Uuid, name: &str) -> bool {
    let kept = |at: Duration| at + KEPT > world.now;
    let mut deleted = world.deleted_applications.iter();
    deleted.any(|found| {
        kept(found.at) && found.object.tenant == tenant && found.object.unique_name.as_deref() == Some(name)
    })
}

fn expire(world: &mut SandboxWorld) {
    let now = world.now;
    world.deleted_applications.retain(|found| found.at + KEPT > now);
    world.deleted_principals.retain(|found| found.at + KEPT > now);
}

fn list(world: &SandboxWorld, request: &IncomingRequest, caller: &TokenCaller, kind: &str) -> GraphResult {
    may_read(world, caller)?;
    let filter = ODataFilter::parse(request.query("$filter"))?;
    let items: Vec<Value> = match kind {
        "microsoft.graph.application" => {
            let own = world.deleted_applications.iter();
            let own = own.filter(|found| found.object.tenant == caller.tenant);
            let matching = own.filter(|found| filter.matches(|property| applications::values(&found.object, property)));
            matching.map(|found| application(world, found)).collect()
        }
        "microsoft.graph.serviceprincipal" => {
            let own = world.deleted_principals.iter();
            let own = own.filter(|found| found.object.tenant == caller.tenant);
            let matching =
                own.filter(|found| filter.matches(|property| service_principals::values(&found.object, property)));
            matching.map(|found| principal(world, found)).collect()
        }
        _ => Vec::new(),
    };
    Ok(collection(world, request, "directoryObjects", items))
}

fn get(world: &SandboxWorld, request: &IncomingRequest, caller: &TokenCaller, key: &str) -> GraphResult {
    may_read(world, caller)?;
    let item = match (
        position(&world.deleted_applications, caller, key),
        position(&world.deleted_principals, caller, key),
    ) {
        (Some(at), _) => application(world, &world.deleted_applications[at]),
        (None, Some(at)) => principal(world, &world.deleted_principals[at]),
        (None, None) => return Err(GraphRefusal::missing(key)),
    };
    Ok(entity(request, StatusCode::OK, "directoryObjects", item))
}

/// With an application comes back the service principal that was deleted with it.
fn restore(world: &mut SandboxWorld, request: &IncomingRequest, caller: &TokenCaller, key: &str) -> GraphResult {
    applications::may_write(world, caller)?;
    if let Some(at) = position(&world.deleted_applications, caller, key) {
        let application = world.deleted_applications.remove(at).object;
        let principal = |found: &DeletedRecord<PrincipalRecord>| {
            found.object.app_id == application.app_id && found.object.tenant == application.tenant
        };
        if let Some(at) = world.deleted_principals.iter().position(principal) {
            let principal = world.deleted_principals.remove(at).object;
            world.principals.push(principal);
        }
        let shown = applications::resource(world, &application);
        world.applications.push(application);
        return Ok(entity(request, StatusCode::OK, "directoryObjects", shown));
    }
    let at = position(&world.deleted_principals, caller, key).ok_or_else(|| GraphRefusal::missing(key))?;
    let principal = world.deleted_principals.remove(at).object;
    let shown = service_principals::resource(world, &principal);
    world.principals.push(principal);
    Ok(entity(request, StatusCode::OK, "directoryObjects", shown))
}

/// An application's service principal goes with it.
fn purge(world: &mut SandboxWorld, caller: &TokenCaller, key: &str) -> GraphResult {
    applications::may_write(world, caller)?;
    if let Some(at) = position(&world.deleted_applications, caller, key) {
        let gone = world.deleted_applications.remove(at).object;
        let goes_too = |found: &DeletedRecord<PrincipalRecord>| {
            found.object.app_id == gone.app_id && found.object.tenant == gone.tenant
        };
        world.deleted_principals.retain(|found| !goes_too(found));
    } else {
        let at = position(&world.deleted_principals, caller, key).ok_or_else(|| GraphRefusal::missing(key))?;
        world.deleted_principals.remove(at);
    }
    Ok(message::empty(StatusCode::NO_CONTENT))
}

/// Identifiers by which a deleted object is found.
trait DeletedItem {
    fn id(&self) -> (Uuid, Uuid);
}

impl DeletedItem for ApplicationRecord {
    fn id(&self) -> (Uuid, Uuid) {
        (self.tenant, self.id)
    }
}

impl DeletedItem for PrincipalRecord {
    fn id(&self) -> (Uuid, Uuid) {
        (self.tenant, self.id)
    }
}

fn position<T: DeletedItem>(deleted: &[DeletedRecord<T>], caller: &TokenCaller, key: &str) -> Option<usize> {
    let id = Uuid::parse_str(key).ok()?;
    deleted
        .iter()
        .position(|found| found.object.id() == (caller.tenant, id))
}

fn application(world: &SandboxWorld, found: &DeletedRecord<ApplicationRecord>) -> Value {
    dated(
        world,
        applications::resource(world, &found.object),
        found.at,
        "application",
    )
}

fn principal(world: &SandboxWorld, found: &DeletedRecord<PrincipalRecord>) -> Value {
    let shown = service_principals::resource(world, &found.object);
    dated(world, shown, found.at, "servicePrincipal")
}

fn dated(world: &SandboxWorld, mut shown: Value, at: Duration, kind: &str) -> Value {
    shown["deletedDateTime"] = format!("{}Z", seconds(world.started + at)).into();
    shown["@odata.type"] = format!("#microsoft.graph.{kind}").into();
    shown
}
