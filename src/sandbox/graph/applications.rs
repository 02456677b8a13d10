//! `/applications`: the tenant's own registrations.

use http::StatusCode;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::filter::ODataFilter;
use super::service_principals::{INSUFFICIENT, has_role, may_read};
use super::{GraphRefusal, GraphResult, collection, deleted_items, entity, kept, key, keys, passwords, seconds};
use crate::sandbox::ids::derived;
use crate::sandbox::message::{self, IncomingRequest, SandboxResponse};
use crate::sandbox::token::TokenCaller;
use crate::sandbox::world::{
    ApplicationRecord, CreatedAt, DeletedRecord, PrincipalRecord, SandboxWorld, SignInAudience,
};

/// Directory roles whose members may change every application: Global Administrator, Application Administrator, Cloud
/// Application Administrator.
const ADMINISTRATORS: [Uuid; 3] = [
    Uuid::from_u128(0x62e9_0394_69f5_4237_9190_0121_7714_5e10),
    Uuid::from_u128(0x9b89_5d92_2cd3_44c7_9d02_a6ac_2d5e_a5c3),
    Uuid::from_u128(0x158c_047a_c907_4556_b7ef_4465_51a6_b5f7),
];

/// `GET /applications?$filter=…`.
pub(super) fn list(world: &SandboxWorld, request: &IncomingRequest, caller: &TokenCaller) -> GraphResult {
    may_read(world, caller)?;
    let filter = ODataFilter::parse(request.query("$filter"))?;
    let own = world.applications.iter().filter(|found| found.tenant == caller.tenant);
    let visible = own.filter(|found| found.since.passed(world.timing.graph_list, world.now));
    let matching = visible.filter(|found| filter.matches(|property| values(found, property)));
    Ok(collection(
        world,
        request,
        "applications",
        matching.map(|found| resource(world, found)).collect(),
    ))
}

/// `GET /applications/{object id}`, `/applications(appId='…')` and `/applications(uniqueName='…')`; another tenant's is
/// not found.
pub(super) fn get(world: &SandboxWorld, request: &IncomingRequest, caller: &TokenCaller, key: &str) -> GraphResult {
    may_read(world, caller)?;
    let found = &world.applications[find(world, caller, key)?];
    Ok(entity(request, StatusCode::OK, "applications", resource(world, found)))
}

/// `POST /applications`.
pub(super) fn create(world: &mut SandboxWorld, request: &IncomingRequest, caller: &TokenCaller) -> GraphResult {
    may_write(world, caller)?;
    let body = read(request)?;
    add(world, request, caller, &body)
}

/// `PATCH /applications/{key}`; by `uniqueName`, with `Prefer: create-if-missing`, it makes what is not there.
pub(super) fn update(
    world: &mut SandboxWorld,
    request: &IncomingRequest,
    caller: &TokenCaller,
    key: &str,
) -> GraphResult {
    let owns = owns(world, caller, key);
    if !owns {
        may_write(world, caller)?;
    }
    let mut body = read(request)?;
    let found = match key::text(key, "uniqueName") {
        // What decides between making and changing is not a replica.
        Some(name) => match unique(world, caller, &name) {
            Some(found) => found,
            None if prefers_creation(request) => {
                body["uniqueName"] = name.into();
                return add(world, request, caller, &body);
            }
            None => return Err(missing(key)),
        },
        None => find(world, caller, key)?,
    };
    let mut changed = world.applications[found].clone();
    apply(world, &mut changed, &body)?;
    world.applications[found] = changed;
    Ok(message::empty(StatusCode::NO_CONTENT))
}

/// `DELETE /applications/{key}`: with it goes its service principal in its own tenant; those in others stay. Both can be
/// restored for thirty days.
pub(super) fn delete(world: &mut SandboxWorld, caller: &TokenCaller, key: &str) -> GraphResult {
    let gone = world.applications.remove(mine(world, caller, key)?);
    let goes_too = |found: &mut PrincipalRecord| found.app_id == gone.app_id && found.tenant == gone.tenant;
    let principals: Vec<PrincipalRecord> = world.principals.extract_if(.., goes_too).collect();
    let at = world.now;
    let principals = principals.into_iter().map(|object| DeletedRecord { object, at });
    world.deleted_principals.extend(principals);
    world.deleted_applications.push(DeletedRecord { object: gone, at });
    Ok(message::empty(StatusCode::NO_CONTENT))
}

/// Returns the index of the application with a key, for a caller who may change it.
pub(super) fn mine(world: &SandboxWorld, caller: &TokenCaller, key: &str) -> Result<usize, GraphRefusal> {
    if !owns(world, caller, key) {
        may_write(world, caller)?;
    }
    find(world, caller, key)
}

/// Returns whether the caller is an owner of that application. An owner may change it, and no other application.
fn owns(world: &SandboxWorld, caller: &TokenCaller, key: &str) -> bool {
    find(world, caller, key).is_ok_and(|at| world.applications[at].owners.contains(&caller.oid))
}

/// Returns the index of the application with a key, if its replica has it already.
pub(super) fn find(world: &SandboxWorld, caller: &TokenCaller, key: &str) -> Result<usize, GraphRefusal> {
    let (id, app_id) = (Uuid::parse_str(key).ok(), key::id(key, "appId"));
    let name = key::text(key, "uniqueName");
    let same = |found: &ApplicationRecord| {
        Some(found.id) == id || Some(found.app_id) == app_id || name.is_some() && found.unique_name == name
    };
    let visible = |found: &ApplicationRecord| {
        found.tenant == caller.tenant && found.since.passed(world.timing.graph_get, world.now) && same(found)
    };
    world.applications.iter().position(visible).ok_or_else(|| missing(key))
}

fn unique(world: &SandboxWorld, caller: &TokenCaller, name: &str) -> Option<usize> {
    let same = |found: &ApplicationRecord| found.tenant == caller.tenant && found.unique_name.as_deref() == Some(name);
    world.applications.iter().position(same)
}

fn missing(key: &str) -> GraphRefusal {
    GraphRefusal::missing(&key::value(key).unwrap_or_else(|| key.to_owned()))
}

/// Checks whether the caller may change applications.
pub(super) fn may_write(world: &SandboxWorld, caller: &TokenCaller) -> Result<(), GraphRefusal> {
    if has_role(world, caller, &ADMINISTRATORS) {
        return Ok(());
    }
    Err(GraphRefusal::denied(INSUFFICIENT))
}

fn read(request: &IncomingRequest) -> Result<Value, GraphRefusal> {
    let body = request.json().filter(Value::is_object);
    body.ok_or_else(|| GraphRefusal::bad("Unable to read JSON request payload."))
}

fn prefers_creation(request: &IncomingRequest) -> bool {
    let wishes = request.header("prefer").unwrap_or_default();
    wishes
        .split([',', ';'])
        .any(|wish| wish.trim().eq_ignore_ascii_case("create-if-missing"))
}

fn add(world: &mut SandboxWorld, request: &IncomingRequest, caller: &TokenCaller, body: &Value) -> GraphResult {
    let name = body["displayName"].as_str().unwrap_or_default().to_owned();
    if name.is_empty() {
        return Err(invalid("displayName"));
    }
    let mut new = ApplicationRecord {
        id: Uuid::nil(),
        app_id: Uuid::nil(),
        name: name.clone(),
        tenant: caller.tenant,
        audience: SignInAudience::OrgsAndPersonal,
        unique_name: None,
        description: None,
        notes: None,
        tags: Vec::new(),
        passwords: Vec::new(),
        certificates: Vec::new(),
        keys: Vec::new(),
        federated: Vec::new(),
        // A person who registers an application owns it.
        owners: world
            .users
            .iter()
            .map(|user| user.id)
            .filter(|id| *id == caller.oid)
            .collect(),
        kept: serde_json::Map::new(),
        since: CreatedAt::At(world.now),
    };
    apply(world, &mut new, body)?;
    let tenant = caller.tenant.to_string();
    new.id = world.ids.named(&["application", &tenant, &name]);
    new.app_id = world.ids.named(&["appId", &tenant, &name]);
    let location = format!(
        "{}/v2/{tenant}/directoryObjects/{}/Microsoft.DirectoryServices.Application",
        request.origin, new.id
    );
    let mut answer: SandboxResponse = entity(request, StatusCode::CREATED, "applications", resource(world, &new));
    message::set(&mut answer, "location", &location);
    world.applications.push(new);
    Ok(answer)
}

/// The most characters that Graph takes in a display name.
const LONGEST_NAME: usize = 256;

/// Writes the properties that a body gives; those that are not known here are left out without a word.
fn apply(world: &mut SandboxWorld, application: &mut ApplicationRecord, body: &Value) -> Result<(), GraphRefusal> {
    if body["passwordCredentials"]
        .as_array()
        .is_some_and(|items| !items.is_empty())
    {
        return Err(GraphRefusal::bad(
            "Setting 'passwordCredentials' here is not supported; use addPassword and removePassword.",
        ));
    }
    if let Some(given) = body["keyCredentials"].as_array() {
        let known = |id: &Value| {
            let mut old = application.certificates.iter();
            old.any(|thumbprint| *id == derived(thumbprint).to_string())
        };
        let (old, new): (Vec<Value>, Vec<Value>) = given.iter().cloned().partition(|one| known(&one["keyId"]));
        let stays = |thumbprint: &String| old.iter().any(|one| one["keyId"] == derived(thumbprint).to_string());
        let certificates = application
            .certificates
            .iter()
            .filter(|one| stays(one))
            .cloned()
            .collect();
        application.keys = keys::replace(world, &application.keys, &new)?;
        application.certificates = certificates;
    }
    if let Some(value) = body.get("displayName") {
        let name = value
            .as_str()
            .filter(|name| (1..=LONGEST_NAME).contains(&name.chars().count()));
        application.name = name.ok_or_else(|| invalid("displayName"))?.to_owned();
    }
    if let Some(value) = body.get("signInAudience").filter(|value| !value.is_null()) {
        let audience = value.as_str().and_then(SignInAudience::parse);
        application.audience = audience.ok_or_else(|| invalid("signInAudience"))?;
    }
    if let Some(value) = body.get("notes") {
        application.notes = value.as_str().map(str::to_owned);
    }
    if let Some(value) = body.get("description") {
        application.description = value.as_str().map(str::to_owned);
    }
    if let Some(tags) = body["tags"].as_array() {
        application.tags = tags.iter().filter_map(|tag| Some(tag.as_str()?.to_owned())).collect();
    }
    kept::take(&mut application.kept, body, &kept::OF_APPLICATIONS);
    match body["uniqueName"].as_str() {
        Some(name) => name_uniquely(world, application, name),
        None => Ok(()),
    }
}

/// A unique name is given once; the wording of both refusals is not known from a recording.
fn name_uniquely(world: &SandboxWorld, application: &mut ApplicationRecord, name: &str) -> Result<(), GraphRefusal> {
    match &application.unique_name {
        Some(known) if known == name => Ok(()),
        Some(_) => Err(GraphRefusal::bad(
            "Property 'uniqueName' is immutable and cannot be changed.",
        )),
        None => {
            let twin = world
                .applications
                .iter()
                .any(|found| found.tenant == application.tenant && found.unique_name.as_deref() == Some(name));
            if twin || deleted_items::has_name(world, application.tenant, name) {
                return Err(GraphRefusal {
                    detail: Some(("ObjectConflict", "uniqueName")),
                    ..GraphRefusal::bad("Another object with the same value for property uniqueName already exists.")
                });
            }
            application.unique_name = Some(name.to_owned());
            Ok(())
        }
    }
}

fn invalid(property: &str) -> GraphRefusal {
    GraphRefusal::bad(format!(
        "Invalid value specified for property '{property}' of resource 'Application'."
    ))
}

pub(super) fn values(application: &ApplicationRecord, property: &str) -> Vec<String> {
    match property {
        "appid" => vec![application.app_id.to_string()],
        "displayname" => vec![application.name.clone()],
        "id" => vec![application.id.to_string()],
        "uniquename" => application.unique_name.clone().into_iter().collect(),
        "tags" => application.tags.clone(),
        "identifieruris" => {
            let uris = application.kept.get("identifierUris").and_then(Value::as_array);
            let texts = uris.into_iter().flatten().filter_map(Value::as_str);
            texts.map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

/// Properties that Graph writes for every application, and that aren't set here unless [`kept`] has them.
const UNSET: [&str; 15] = [
    "applicationTemplateId",
    "certification",
    "defaultRedirectUri",
    "deletedDateTime",
    "disabledByMicrosoftStatus",
    "groupMembershipClaims",
    "isDeviceOnlyAuthSupported",
    "isFallbackPublicClient",
    "nativeAuthenticationApisEnabled",
    "optionalClaims",
    "requestSignatureVerification",
    "samlMetadataUrl",
    "serviceManagementReference",
    "servicePrincipalLockConfiguration",
    "tokenEncryptionKeyId",
];

/// `info`, in which nothing is said.
pub(super) fn no_info() -> Value {
    json!({"termsOfServiceUrl": null, "supportUrl": null, "privacyStatementUrl": null, "marketingUrl": null, "logoUrl": null})
}

/// `verifiedPublisher` of an application whose publisher nobody has verified.
pub(super) fn nobody_verified() -> Value {
    json!({"displayName": null, "verifiedPublisherId": null, "addedDateTime": null})
}

pub(super) fn resource(world: &SandboxWorld, application: &ApplicationRecord) -> Value {
    let domain = world
        .tenants
        .iter()
        .find(|tenant| tenant.id == application.tenant)
        .map(|tenant| &tenant.domain);
    let created: OffsetDateTime = match application.since {
        CreatedAt::Always => world.started,
        CreatedAt::At(at) => world.started + at,
    };
    let mut shown = json!({
        "id": application.id,
        "appId": application.app_id,
        "createdDateTime": format!("{}Z", seconds(created)),
        "displayName": application.name,
        "description": application.description,
        "identifierUris": [],
        "info": no_info(),
        "notes": application.notes,
        "parentalControlSettings": {"countriesBlockedForMinors": [], "legalAgeGroupRule": "Allow"},
        "publisherDomain": domain,
        "signInAudience": application.audience.name(),
        "tags": application.tags,
        "uniqueName": application.unique_name,
        "verifiedPublisher": nobody_verified(),
        "addIns": [],
        "api": {"acceptMappedClaims": null, "knownClientApplications": [], "requestedAccessTokenVersion": null,
            "oauth2PermissionScopes": [], "preAuthorizedApplications": []},
        "appRoles": [],
        "keyCredentials": keys::of_application(world, application),
        "passwordCredentials": passwords::list(world, &application.passwords),
        "publicClient": {"redirectUris": []},
        "requiredResourceAccess": [],
        "web": {"homePageUrl": null, "logoutUrl": null, "redirectUris": [], "redirectUriSettings": [],
            "implicitGrantSettings": {"enableAccessTokenIssuance": false, "enableIdTokenIssuance": false}},
        "spa": {"redirectUris": []},
    });
    for name in UNSET {
        shown[name] = Value::Null;
    }
    kept::lay(&application.kept, &mut shown);
    shown
}
