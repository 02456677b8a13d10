//! `owners` of an application or of a service principal: people and applications that may change it.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::passwords::CredentialOwner as Owned;
use super::service_principals::may_read;
use super::{GraphRefusal, GraphResult, applications, collection, service_principals};
use crate::sandbox::message::{self, IncomingRequest};
use crate::sandbox::token::TokenCaller;
use crate::sandbox::world::SandboxWorld;

/// Routes `…/{key}/owners`, `…/owners/$ref` and `…/owners/{id}/$ref`.
pub(super) fn route(
    world: &mut SandboxWorld,
    request: &IncomingRequest,
    caller: &TokenCaller,
    key: &str,
    of_app: bool,
) -> GraphResult {
    match request.method {
        Method::GET => list(world, request, caller, key, of_app),
        Method::POST => {
            let body = request.json().unwrap_or_default();
            let id = body["@odata.id"].as_str().unwrap_or_default();
            let id = id.rsplit('/').next().and_then(|id| Uuid::parse_str(id).ok());
            let id = id.ok_or_else(|| GraphRefusal::bad("A value is required for property '@odata.id'."))?;
            let owners = owned(world, caller, key, of_app)?.owners(world);
            if owners.contains(&id) {
                return Err(GraphRefusal::bad("One or more added object references already exist."));
            }
            owners.push(id);
            Ok(message::empty(StatusCode::NO_CONTENT))
        }
        Method::DELETE => {
            let id = request
                .segments
                .iter()
                .rev()
                .find_map(|part| Uuid::parse_str(part).ok());
            owned(world, caller, key, of_app)?
                .owners(world)
                .retain(|one| Some(*one) != id);
            Ok(message::empty(StatusCode::NO_CONTENT))
        }
        _ => Err(super::unsupported(request)),
    }
}

fn owned(world: &SandboxWorld, caller: &TokenCaller, key: &str, of_app: bool) -> Result<Owned, GraphRefusal> {
    if of_app {
        applications::mine(world, caller, key).map(Owned::Application)
    } else {
        service_principals::mine(world, caller, key).map(Owned::Principal)
    }
}

fn list(world: &SandboxWorld, request: &IncomingRequest, caller: &TokenCaller, key: &str, of_app: bool) -> GraphResult {
    may_read(world, caller)?;
    let owners = if of_app {
        &world.applications[applications::find(world, caller, key)?].owners
    } else {
        &service_principals::find(world, caller, key)?.owners
    };
    let shown = owners.iter().map(|id| shown(world, *id)).collect();
    Ok(collection(world, request, "directoryObjects", shown))
}

fn shown(world: &SandboxWorld, id: Uuid) -> Value {
    let user = world.users.iter().find(|user| user.id == id);
    let principal = world.principals.iter().find(|found| found.id == id);
    match (user, principal) {
        (Some(user), _) => json!({"@odata.type": "#microsoft.graph.user", "id": id,
            "displayName": user.upn.split('@').next(), "userPrincipalName": user.upn}),
        (None, Some(found)) => json!({"@odata.type": "#microsoft.graph.servicePrincipal", "id": id,
            "displayName": found.name, "appId": found.app_id}),
        (None, None) => json!({"@odata.type": "#microsoft.graph.user", "id": id, "displayName": null,
            "userPrincipalName": null}),
    }
}
