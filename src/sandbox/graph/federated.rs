//! `federatedIdentityCredentials` of an application: whose tokens it takes in place of a secret.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::service_principals::may_read;
use super::{Outcome, Refusal, applications, collection, entity};
use crate::sandbox::message::{self, Incoming};
use crate::sandbox::token::Caller;
use crate::sandbox::world::{Application, Federated, World};

const SET: &str = "applications/federatedIdentityCredentials";

/// Routes `/applications/{key}/federatedIdentityCredentials[/{which}]`.
pub(super) fn route(world: &mut World, request: &Incoming, caller: &Caller, key: &str, which: Option<&str>) -> Outcome {
    match (&request.method, which) {
        (&Method::GET, None) => list(world, request, caller, key),
        (&Method::POST, None) => create(world, request, caller, key),
        (&Method::GET, Some(which)) => get(world, request, caller, key, which),
        (&Method::DELETE, Some(which)) => delete(world, caller, key, which),
        _ => Err(super::unsupported(request)),
    }
}

fn list(world: &World, request: &Incoming, caller: &Caller, key: &str) -> Outcome {
    may_read(world, caller)?;
    let application = &world.applications[applications::find(world, caller, key)?];
    let items = application.federated.iter().map(|found| resource(application, found));
    Ok(collection(world, request, SET, items.collect()))
}

fn get(world: &World, request: &Incoming, caller: &Caller, key: &str, which: &str) -> Outcome {
    may_read(world, caller)?;
    let application = &world.applications[applications::find(world, caller, key)?];
    let found = application.federated.iter().find(|found| is(application, found, which));
    let found = found.ok_or_else(|| Refusal::missing(which))?;
    Ok(entity(request, StatusCode::OK, SET, resource(application, found)))
}

fn create(world: &mut World, request: &Incoming, caller: &Caller, key: &str) -> Outcome {
    let at = applications::mine(world, caller, key)?;
    let body = request.json().unwrap_or_default();
    let text = |name: &str| {
        let value = body[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        value.ok_or_else(|| Refusal::bad(format!("A value is required for property '{name}'.")))
    };
    let new = Federated {
        name: text("name")?,
        issuer: text("issuer")?,
        subject: text("subject")?,
        audience: body["audiences"][0]
            .as_str()
            .unwrap_or("api://AzureADTokenExchange")
            .to_owned(),
    };
    let application = &mut world.applications[at];
    let twin =
        |found: &&Federated| found.name == new.name || found.issuer == new.issuer && found.subject == new.subject;
    if application.federated.iter().find(twin).is_some() {
        let text = format!(
            "FederatedIdentityCredential with name {} already exists, or another one with its issuer and subject.",
            new.name
        );
        return Err(Refusal::new(
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
fn delete(world: &mut World, caller: &Caller, key: &str, which: &str) -> Outcome {
    let at = applications::mine(world, caller, key)?;
    let application = &world.applications[at];
    let found = application
        .federated
        .iter()
        .position(|found| is(application, found, which));
    let found = found.ok_or_else(|| Refusal::missing(which))?;
    world.applications[at].federated.remove(found);
    Ok(message::empty(StatusCode::NO_CONTENT))
}

fn is(application: &Application, found: &Federated, which: &str) -> bool {
    found.name == which || id(application, found).to_string() == which.to_ascii_lowercase()
}

fn id(application: &Application, found: &Federated) -> Uuid {
    crate::sandbox::ids::derived(&format!("{}/{}/{}", application.id, found.issuer, found.subject))
}

fn resource(application: &Application, found: &Federated) -> Value {
    json!({
        "id": id(application, found),
        "name": found.name,
        "issuer": found.issuer,
        "subject": found.subject,
        "description": null,
        "audiences": [found.audience],
    })
}
