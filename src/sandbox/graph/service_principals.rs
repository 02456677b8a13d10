//! `/servicePrincipals`.

use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::filter::ODataFilter;
use super::{GraphRefusal, GraphResult, applications, collection, entity, kept, key, keys, passwords, seconds};
use crate::sandbox::message::{self, IncomingRequest};
use crate::sandbox::token::TokenCaller;
use crate::sandbox::world::{ApplicationRecord, CreatedAt, DeletedRecord, PrincipalRecord, SandboxWorld};

/// Directory roles whose members may create and delete service principals of any application: Global Administrator,
/// Privileged Role Administrator, Application Administrator, Cloud Application Administrator.
const ADMINISTRATORS: [Uuid; 4] = [
    Uuid::from_u128(0x62e9_0394_69f5_4237_9190_0121_7714_5e10),
    Uuid::from_u128(0xe861_1ab8_c189_46e8_94e1_6021_3ab1_f814),
    Uuid::from_u128(0x9b89_5d92_2cd3_44c7_9d02_a6ac_2d5e_a5c3),
    Uuid::from_u128(0x158c_047a_c907_4556_b7ef_4465_51a6_b5f7),
];

/// The sentence is Microsoft's.
const NOT_LOCAL: &str = "When using this permission, the backing application of the service principal being created must in the local tenant";
pub(super) const INSUFFICIENT: &str = "Insufficient privileges to complete the operation.";

/// `GET /servicePrincipals?$filter=…`.
pub(super) fn list(world: &SandboxWorld, request: &IncomingRequest, caller: &TokenCaller) -> GraphResult {
    may_read(world, caller)?;
    let filter = ODataFilter::parse(request.query("$filter"))?;
    let visible = world.principals.iter().filter(|found| found.tenant == caller.tenant);
    let visible = visible.filter(|found| found.since.passed(world.timing.graph_list, world.now));
    let matching = visible.filter(|found| filter.matches(|property| values(found, property)));
    Ok(collection(
        world,
        request,
        "servicePrincipals",
        matching.map(|found| resource(world, found)).collect(),
    ))
}

/// `GET /servicePrincipals/{id}` and `/servicePrincipals(appId='…')`.
pub(super) fn get(world: &SandboxWorld, request: &IncomingRequest, caller: &TokenCaller, key: &str) -> GraphResult {
    may_read(world, caller)?;
    let found = find(world, caller, key)?;
    Ok(entity(
        request,
        StatusCode::OK,
        "servicePrincipals",
        resource(world, found),
    ))
}

/// `POST /servicePrincipals`.
pub(super) fn create(world: &mut SandboxWorld, request: &IncomingRequest, caller: &TokenCaller) -> GraphResult {
    let body = request
        .json()
        .ok_or_else(|| GraphRefusal::bad("Unable to read JSON request payload."))?;
    let app_id = body["appId"]
        .as_str()
        .ok_or_else(|| GraphRefusal::bad("A value is required for property 'appId'."))?;
    let known = Uuid::parse_str(app_id).ok().and_then(|id| world.application(id));
    let known = known.filter(|found| found.is_for(caller.tenant)).cloned();
    if !is_administrator(world, caller) {
        let foreign = known.as_ref().is_some_and(|found| found.tenant != caller.tenant);
        return Err(GraphRefusal::denied(if foreign { NOT_LOCAL } else { INSUFFICIENT }));
    }
    let application = known.ok_or_else(|| no_application(app_id))?;
    replicated(world, caller, &application)?;
    if world.principal(caller.tenant, application.app_id).is_some() {
        let text = format!(
            "The service principal cannot be created, updated, or restored because the service principal name {} is already in use.",
            application.app_id
        );
        return Err(GraphRefusal::new(
            StatusCode::CONFLICT,
            "Request_MultipleObjectsWithSameKeyValue",
            text,
        ));
    }
    let id = world.add_principal(caller.tenant, application.app_id, application.name);
    let created = world
        .principals
        .iter()
        .find(|found| found.id == id)
        .map(|found| resource(world, found));
    let mut answer = entity(
        request,
        StatusCode::CREATED,
        "servicePrincipals",
        created.unwrap_or_default(),
    );
    let location = format!(
        "{}/v2/{}/directoryObjects/{id}/Microsoft.DirectoryServices.ServicePrincipal",
        request.origin, caller.tenant
    );
    message::set(&mut answer, "location", &location);
    Ok(answer)
}

/// An application just made is not everywhere yet: Graph first knows nothing of it, then not whose it is.
fn replicated(world: &SandboxWorld, caller: &TokenCaller, application: &ApplicationRecord) -> Result<(), GraphRefusal> {
    let lag = world.timing.application;
    if application.since.passed(lag, world.now) {
        return Ok(());
    }
    if application.tenant == caller.tenant && application.since.passed(lag / 2, world.now) {
        return Err(GraphRefusal::denied(NOT_LOCAL));
    }
    Err(no_application(&application.app_id.to_string()))
}

fn no_application(app_id: &str) -> GraphRefusal {
    let text = format!("The appId '{app_id}' of the service principal does not reference a valid application object.");
    GraphRefusal {
        detail: Some(("NoBackingApplicationObject", "appId")),
        ..GraphRefusal::bad(text)
    }
}

/// `PATCH /servicePrincipals/{id}`.
pub(super) fn update(
    world: &mut SandboxWorld,
    request: &IncomingRequest,
    caller: &TokenCaller,
    key: &str,
) -> GraphResult {
    let at = mine(world, caller, key)?;
    let body = request.json().filter(Value::is_object);
    let body = body.ok_or_else(|| GraphRefusal::bad("Unable to read JSON request payload."))?;
    if let Some(given) = body["keyCredentials"].as_array() {
        let before = world.principals[at].keys.clone();
        world.principals[at].keys = keys::replace(world, &before, given)?;
    }
    kept::take(&mut world.principals[at].kept, &body, &kept::OF_PRINCIPALS);
    Ok(message::empty(StatusCode::NO_CONTENT))
}

/// Returns the index of the principal with a key, for a caller who may change it.
pub(super) fn mine(world: &SandboxWorld, caller: &TokenCaller, key: &str) -> Result<usize, GraphRefusal> {
    if !is_administrator(world, caller) {
        return Err(GraphRefusal::denied(INSUFFICIENT));
    }
    let id = find(world, caller, key)?.id;
    let at = world.principals.iter().position(|found| found.id == id);
    at.ok_or_else(|| GraphRefusal::missing(key))
}

/// `DELETE /servicePrincipals/{id}`.
pub(super) fn delete(world: &mut SandboxWorld, caller: &TokenCaller, key: &str) -> GraphResult {
    let at = mine(world, caller, key)?;
    let object = world.principals.remove(at);
    let at = world.now;
    world.deleted_principals.push(DeletedRecord { object, at });
    Ok(message::empty(StatusCode::NO_CONTENT))
}

/// The principal of a key, if its replica has it already.
pub(super) fn find<'a>(
    world: &'a SandboxWorld,
    caller: &TokenCaller,
    key: &str,
) -> Result<&'a PrincipalRecord, GraphRefusal> {
    let (id, app_id) = (Uuid::parse_str(key).ok(), key::id(key, "appId"));
    let mut visible = world.principals.iter().filter(|found| found.tenant == caller.tenant);
    let found = visible.find(|found| Some(found.id) == id || Some(found.app_id) == app_id);
    let found = found.filter(|found| found.since.passed(world.timing.graph_get, world.now));
    found.ok_or_else(|| GraphRefusal::missing(&key::value(key).unwrap_or_else(|| key.to_owned())))
}

fn is_administrator(world: &SandboxWorld, caller: &TokenCaller) -> bool {
    has_role(world, caller, &ADMINISTRATORS)
}

/// Returns whether the caller is a member of one of the directory roles.
pub(super) fn has_role(world: &SandboxWorld, caller: &TokenCaller, roles: &[Uuid]) -> bool {
    let found = world.principals.iter().find(|found| found.id == caller.principal);
    found.is_some_and(|found| found.directory_roles.iter().any(|role| roles.contains(role)))
}

/// Checks whether the caller may read the directory: the estate says so of each principal; one that was removed may
/// not.
pub(super) fn may_read(world: &SandboxWorld, caller: &TokenCaller) -> Result<(), GraphRefusal> {
    if world
        .principals
        .iter()
        .any(|found| found.id == caller.principal && found.reads_directory)
    {
        return Ok(());
    }
    Err(GraphRefusal::denied(INSUFFICIENT))
}

pub(super) fn values(principal: &PrincipalRecord, property: &str) -> Vec<String> {
    match property {
        "appid" | "serviceprincipalnames" => vec![principal.app_id.to_string()],
        "displayname" | "appdisplayname" => vec![principal.name.clone()],
        "id" => vec![principal.id.to_string()],
        _ => Vec::new(),
    }
}

/// The object as Graph writes it.
pub(super) fn resource(world: &SandboxWorld, principal: &PrincipalRecord) -> Value {
    let application = world.application(principal.app_id);
    let created = match principal.since {
        CreatedAt::Always => world.started,
        CreatedAt::At(at) => world.started + at,
    };
    let mut shown = json!({
        "id": principal.id,
        "deletedDateTime": null,
        "accountEnabled": true,
        "alternativeNames": [],
        "appDisplayName": principal.name,
        "appDescription": null,
        "appId": principal.app_id,
        "applicationTemplateId": null,
        "appOwnerOrganizationId": application.map(|found| found.tenant),
        "appRoleAssignmentRequired": false,
        "createdDateTime": format!("{}Z", seconds(created)),
        "description": null,
        "disabledByMicrosoftStatus": null,
        "displayName": principal.name,
        "homepage": null,
        "info": applications::no_info(),
        "loginUrl": null,
        "logoutUrl": null,
        "notes": null,
        "notificationEmailAddresses": [],
        "preferredSingleSignOnMode": null,
        "preferredTokenSigningKeyThumbprint": null,
        "replyUrls": [],
        "resourceSpecificApplicationPermissions": [],
        "samlSingleSignOnSettings": null,
        "servicePrincipalNames": [principal.app_id],
        "servicePrincipalType": "Application",
        "signInAudience": application.map_or("AzureADMyOrg", |found| found.audience.name()),
        "tags": [],
        "tokenEncryptionKeyId": null,
        "verifiedPublisher": applications::nobody_verified(),
        "addIns": [],
        "appRoles": [],
        "keyCredentials": keys::list(world, &principal.keys),
        "oauth2PermissionScopes": [],
        "passwordCredentials": passwords::list(world, &principal.passwords),
    });
    kept::lay(&principal.kept, &mut shown);
    shown
}
