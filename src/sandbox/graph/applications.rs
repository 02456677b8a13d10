//! `/applications`: the tenant's own registrations, to be read.

use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::filter::Filter;
use super::service_principals::may_read;
use super::{Outcome, Refusal, alternate_key, collection, entity};
use crate::sandbox::message::Incoming;
use crate::sandbox::token::Caller;
use crate::sandbox::world::{Application, World};

/// `GET /applications?$filter=…`.
pub(super) fn list(world: &World, request: &Incoming, caller: &Caller) -> Outcome {
    may_read(world, caller)?;
    let filter = Filter::parse(request.query("$filter"))?;
    let own = world.applications.iter().filter(|found| found.tenant == caller.tenant);
    let matching = own.filter(|found| filter.matches(|property| values(found, property)));
    Ok(collection(
        world,
        request,
        "applications",
        matching.map(|found| resource(world, found)).collect(),
    ))
}

/// `GET /applications/{object id}` and `/applications(appId='…')`; another tenant's is not found.
pub(super) fn get(world: &World, request: &Incoming, caller: &Caller, key: &str) -> Outcome {
    may_read(world, caller)?;
    let (id, app_id) = (Uuid::parse_str(key).ok(), alternate_key(key));
    let mut own = world.applications.iter().filter(|found| found.tenant == caller.tenant);
    let found = own.find(|found| Some(found.id) == id || Some(found.app_id) == app_id);
    let found = found.ok_or_else(|| Refusal::missing(&app_id.map_or_else(|| key.to_owned(), |id| id.to_string())))?;
    Ok(entity(request, StatusCode::OK, "applications", resource(world, found)))
}

fn values(application: &Application, property: &str) -> Vec<String> {
    match property {
        "appid" => vec![application.app_id.to_string()],
        "displayname" => vec![application.name.clone()],
        "id" => vec![application.id.to_string()],
        _ => Vec::new(),
    }
}

fn resource(world: &World, application: &Application) -> Value {
    let domain = world
        .tenants
        .iter()
        .find(|tenant| tenant.id == application.tenant)
        .map(|tenant| &tenant.domain);
    json!({
        "id": application.id,
        "deletedDateTime": null,
        "appId": application.app_id,
        "displayName": application.name,
        "identifierUris": [],
        "notes": null,
        "publisherDomain": domain,
        "signInAudience": if application.multi_tenant { "AzureADMultipleOrgs" } else { "AzureADMyOrg" },
        "tags": [],
        "keyCredentials": [],
        "passwordCredentials": application.secrets.iter().map(|secret| json!({
            "customKeyIdentifier": null,
            "displayName": "sandbox",
            "hint": secret.chars().take(3).collect::<String>(),
            "keyId": crate::sandbox::ids::derived(secret),
            "secretText": null,
        })).collect::<Vec<_>>(),
        "requiredResourceAccess": [],
        "web": {"redirectUris": []},
    })
}
