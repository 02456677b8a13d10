//! `federatedIdentityCredentials` of an application: whose tokens it takes in place of a secret.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::service_principals::may_read;
use super::{GraphRefusal, GraphResult, applications, collection, entity};
use crate::sandbox::message::{self, IncomingRequest};
use crate::sandbox::token::TokenCaller;
use crate::sandbox::world::{ApplicationRecord, FederatedCredential, SandboxWorld};

const SET: &str = "applications/federatedIdentityCredentials";

/// Routes `/applications/{key}/federatedIdentityCredentials[/{which}]`.
pub(super) fn route(
    world: &mut SandboxWorld,
    request: &IncomingRequest,
    caller: &TokenCaller,
    key: &str,
    which: Option<&str>,
) -> GraphResult {
    match (&request.method, which) {
        (&Method::GET, None) => list(world, request, caller, key),
        (&Method::POST, None) => create(world, request, caller, key),
        (&Method::GET, Some(which)) => get(world, request, caller, key, which),
        (&Method::DELETE, Some(which)) => delete(world, caller, key, which),
        _ => Err(super::unsupported(request)),
    }
}

fn list(world: &SandboxWorld, request: &IncomingRequest, caller: &TokenCaller, key: &str) -> GraphResult {
    may_read(world, caller)?;
    let application = &world.applications[applications::find(world, caller, key)?];
    let items = application.federated.iter().map(|found| resource(application, found));
    Ok(collection(world, request, SET, items.collect()))
}

fn get(world: &SandboxWorld, request: &IncomingRequest, caller: &TokenCaller, key: &str, which: &str) -> GraphResult {
    may_read(world, caller)?;
    let application = &world.applications[applications::find(world, caller, key)?];
    let found = application.federated.iter().find(|found| is(application, found, which));
    let found = found.ok_or_else(|| GraphRefusal::missing(which))?;
    Ok(entity(request, StatusCode::OK, SET, resource(application, found)))
}

fn create(world: &mut SandboxWorld, request: &IncomingRequest, caller: &TokenCaller, key: &str) -> GraphResult {
    let at = applications::mine(world, caller, key)?;
    let body = request.json().unwrap_or_default();
    let text = |name: &str| {
        let value = body[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        value.ok_or_else(|| GraphRefusal::bad(format!("A value is required for property '{name}'.")))
    };
    let new = FederatedCredential {
        name: text("name")?,
        issuer: text("issuer")?,
        subject: text("subject")?,
        audience: body["audiences"][0]
            .as_str()
            .unwrap_or("api://AzureADTokenExchange")
            .to_owned(),
    };
    let application = &mut world.applications[at];
    let twin = |found: &&FederatedCredential| {
        found.name == new.name || found.issuer == new.issuer && found.subject == new.subject
    };
    if application.federated.iter().find(twin).is_some() {
        let text = format!(
            "FederatedIdentityCredential with name {} already exists, or another one with its issuer and subject.",
            new.name
        );
        return Err(GraphRefusal::new(
            StatusCode::CONFLICT,
            "Request_MultipleObjectsWithSameKeyValue",
            text,
        ));
    }
    let shown = resource(application, &new);
    application.federated.push(new);
    Ok(entity(request, StatusCode::CREATED, SET, shown))
}

/// `which` is an id or a name.
fn delete(world: &mut SandboxWorld, caller: &TokenCaller, key: &str, which: &str) -> GraphResult {
    let at = applications::mine(world, caller, key)?;
    let application = &world.applications[at];
    let found = application
        .federated
        .iter()
        .position(|found| is(application, found, which));
    let found = found.ok_or_else(|| GraphRefusal::missing(which))?;
    world.applications[at].federated.remove(found);
    Ok(message::empty(StatusCode::NO_CONTENT))
}

fn is(application: &ApplicationRecord, found: &FederatedCredential, which: &str) -> bool {
    found.name == which || id(application, found).to_string() == which.to_ascii_lowercase()
}

fn id(application: &ApplicationRecord, found: &FederatedCredential) -> Uuid {
    crate::sandbox::ids::derived(&format!("{}/{}/{}", application.id, found.issuer, found.subject))
}

fn resource(application: &ApplicationRecord, found: &FederatedCredential) -> Value {
    json!({
        "id": id(application, found),
        "name": found.name,
        "issuer": found.issuer,
        "subject": found.subject,
        "description": null,
        "audiences": [found.audience],
    })
}
