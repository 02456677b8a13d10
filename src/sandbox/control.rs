//! `/_sandbox/…`: the log of requests, the canonical dump, changes that only a test makes.

use http::{Method, StatusCode};
use ipnet::IpNet;
use serde_json::{Value, json};

use super::arm;
use super::inventory::inventory;
use super::message::{self, IncomingRequest, SandboxResponse};
use super::page::frame;
use super::router;
use super::vendors::{aiven, dragonfly};
use super::world::{
    CreatedAt, LockRecord, PeeringRecord, PeeringSettingsRecord, PeeringStatus, PermissionRecord, SandboxWorld,
    VnetRecord,
};

/// Returns whether the request asks for a fresh world.
pub(super) fn is_reset(request: &IncomingRequest) -> bool {
    request.method == Method::POST && request.path == "/_sandbox/reset"
}

/// Answers a request for the sandbox itself.
pub(super) fn answer(world: &mut SandboxWorld, request: &IncomingRequest) -> SandboxResponse {
    match (&request.method, request.path.as_str()) {
        (&Method::GET, "/_sandbox/requests") => message::json(StatusCode::OK, &world.journal.report()),
        (&Method::GET, "/_sandbox/state") => {
            let text = serde_json::to_string_pretty(&dump(world)).unwrap_or_default();
            message::text(StatusCode::OK, "application/json; charset=utf-8", text + "\n")
        }
        (&Method::GET, "/_sandbox/inventory") => message::json(StatusCode::OK, &inventory(world)),
        (&Method::POST, "/_sandbox/edit") => edit(world, &request.json().unwrap_or_default()),
        (&Method::GET, "/") => {
            let body = "<h1>peerctl sandbox</h1><p>The embedded Azure. Consoles: <a href=\"/konnect\">Konnect</a> \
                        &middot; <a href=\"/aiven\">Aiven</a> &middot; <a href=\"/dragonfly\">Dragonfly</a> \
                        &middot; <a href=\"/_sandbox/requests\">requests</a> &middot; <a href=\"/_sandbox/state\">state</a></p>";
            message::html(StatusCode::OK, frame("peerctl sandbox", body))
        }
        _ => router::not_found(request),
    }
}

/// `{"remove":"<ARM id or service principal's object id>"}` removes without asking anyone's leave;
/// `{"addressSpace":{"id":"<VNet id>","prefixes":["10.9.0.0/16"]}}` changes what a network holds;
/// `{"peering":{"id":"<ARM id>","properties":{…}}}` gives a peering other settings, and leaves its state;
/// with `remote`, `state` and `prefixes` beside them, the peering is a new one;
/// `{"lock":{"scope":"<ARM id>","level":"CanNotDelete"}}` locks it, under the name `edit`;
/// `{"reticent":"aiven"}` has Aiven not name its network once a connection is active;
/// `{"nameless":"<subscription id>"}` has Azure name its tenant to nobody who comes without a token.
/// `{"subscription":{"id":"<GUID>","state":"Disabled"}}` gives a subscription that state.
fn edit(world: &mut SandboxWorld, body: &Value) -> SandboxResponse {
    let done = if let Some(id) = body["remove"].as_str() {
        remove(world, id)
    } else if let (Some(scope), Some(level)) = (body["lock"]["scope"].as_str(), body["lock"]["level"].as_str()) {
        world.locks.push(LockRecord {
            scope: scope.to_owned(),
            name: "edit".to_owned(),
            level: level.to_owned(),
            notes: None,
        });
        true
    } else if let Some(id) = body["nameless"].as_str() {
        let found = id.parse().ok().filter(|id| world.subscription(*id).is_some());
        found.is_some_and(|id| world.nameless.insert(id))
    } else if body["reticent"] == "aiven" {
        world.aiven.make_reticent();
        true
    } else if let Some(id) = body["peering"]["id"].as_str() {
        let given = &body["peering"];
        let planted = given["remote"]
            .as_str()
            .is_none_or(|remote| plant(world, id, remote, given));
        planted && arm::resettle(world, id, &given["properties"])
    } else if let Some(state) = body["subscription"]["state"].as_str() {
        let id = body["subscription"]["id"].as_str().unwrap_or_default();
        let mut all = world.subscriptions.iter_mut();
        all.find(|found| found.id.to_string() == id)
            .map(|found| found.state = state.to_owned())
            .is_some()
    } else {
        let change = &body["addressSpace"];
        let prefixes = change["prefixes"].as_array().into_iter().flatten();
        let prefixes: Vec<IpNet> = prefixes.filter_map(|text| text.as_str()?.parse().ok()).collect();
        let vnet = change["id"]
            .as_str()
            .and_then(|id| world.vnets.get_mut(&id.to_ascii_lowercase()));
        vnet.filter(|_| !prefixes.is_empty())
            .map(|vnet| vnet.prefixes = prefixes)
            .is_some()
    };
    message::empty(if done {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::NOT_FOUND
    })
}

/// Adds one direction of a peering, whatever there is on the other side.
fn plant(world: &mut SandboxWorld, id: &str, remote: &str, given: &Value) -> bool {
    let Some((vnet, name)) = id.rsplit_once("/virtualNetworkPeerings/") else {
        return false;
    };
    let Some(vnet) = world.vnets.get_mut(&vnet.to_ascii_lowercase()) else {
        return false;
    };
    let prefixes = given["prefixes"].as_array().into_iter().flatten();
    vnet.peerings.push(PeeringRecord {
        name: name.to_owned(),
        remote: remote.to_owned(),
        state: match given["state"].as_str() {
            Some("Connected") => PeeringStatus::Connected,
            Some("Initiated") => PeeringStatus::Initiated,
            _ => PeeringStatus::Disconnected,
        },
        settings: PeeringSettingsRecord::default(),
        known: prefixes.filter_map(|text| text.as_str()?.parse().ok()).collect(),
        settled: CreatedAt::Always,
        deleting: false,
        others: serde_json::Map::new(),
        version: 1,
    });
    true
}

fn remove(world: &mut SandboxWorld, id: &str) -> bool {
    let count = |world: &SandboxWorld| {
        world.principals.len()
            + world.assignments.len()
            + world.definitions.len()
            + world.locks.len()
            + world.vnets.len()
            + world.vnets.values().map(|vnet| vnet.peerings.len()).sum::<usize>()
    };
    let before = count(world);
    let same = |own: String| own.eq_ignore_ascii_case(id);
    world.principals.retain(|found| !same(found.id.to_string()));
    world.assignments.retain(|found| !same(found.id()));
    world.locks.retain(|found| {
        !same(format!(
            "{}/providers/Microsoft.Authorization/locks/{}",
            found.scope, found.name
        ))
    });
    let role = id
        .to_ascii_lowercase()
        .contains("/roledefinitions/")
        .then(|| id.rsplit('/').next().unwrap_or_default());
    world
        .definitions
        .retain(|found| found.tenant.is_none() || role.is_none_or(|guid| found.guid.to_string() != guid));
    world.vnets.remove(&id.to_ascii_lowercase());
    if let Some((vnet, name)) = id.rsplit_once("/virtualNetworkPeerings/") {
        arm::finish_delete(world, vnet, name);
    }
    count(world) != before
}

/// The world without what differs from run to run: no times, etags, tokens, operations, and no GUIDs that a client
/// chose. What two ways of doing the same leave behind compares equal.
fn dump(world: &SandboxWorld) -> Value {
    json!({
        "servicePrincipals": sorted(world.principals.iter().map(|found| json!({
            "tenant": tenant_name(world, found.tenant),
            "appId": found.app_id,
            "displayName": found.name,
        }))),
        "applications": sorted(world.applications.iter().map(|found| json!({
            "tenant": tenant_name(world, found.tenant),
            "displayName": found.name,
            "signInAudience": found.audience.name(),
            "uniqueName": found.unique_name,
            "notes": found.notes,
            "passwords": sorted(found.passwords.iter().map(|password| json!(password.name))),
            "certificates": sorted(found.keys.iter().map(|key| json!(key.name))),
        }))),
        "deletedApplications": sorted(world.deleted_applications.iter().map(|found| json!({
            "tenant": tenant_name(world, found.object.tenant),
            "uniqueName": found.object.unique_name,
        }))),
        "roleDefinitions": sorted(world.definitions.iter().filter(|found| found.tenant.is_some()).map(|found| json!({
            "tenant": found.tenant.map(|id| tenant_name(world, id)),
            "roleName": found.name,
            "description": found.description,
            "permissions": found.permissions.iter().map(permission).collect::<Vec<_>>(),
            "assignableScopes": sorted(found.scopes.iter().map(|scope| json!(scope))),
        }))),
        "roleAssignments": sorted(world.assignments.iter().map(|found| json!({
            "tenant": tenant_name(world, found.tenant),
            "scope": canonical(world, &found.scope),
            "role": world.definitions.iter().find(|role| role.guid == found.role).map(|role| &role.name),
            "appId": world.principals.iter().find(|other| other.id == found.principal).map(|other| other.app_id),
            "principalType": found.principal_type,
            "description": found.description,
        }))),
        "locks": sorted(world.locks.iter().map(|found| json!({"scope": found.scope, "level": found.level}))),
        "virtualNetworks": sorted(world.vnets.values().map(|found| vnet(world, found))),
        "transitGateways": sorted(world.konnect.gateways.iter().map(|found| json!({
            "network": found.network,
            "name": found.name,
            "state": found.stage.name(),
            "reason": found.reason,
            "dns": found.dns,
            "attachment": found.attachment.json(),
        }))),
        "aivenPeeringConnections": sorted(aiven::dump(world).into_iter()),
        "dragonflyConnections": sorted(dragonfly::dump(world).into_iter()),
    })
}

fn vnet(world: &SandboxWorld, vnet: &VnetRecord) -> Value {
    json!({
        "id": vnet.id,
        "addressSpace": vnet.prefixes,
        "peerings": sorted(vnet.peerings.iter().map(|found| json!({
            "name": found.name,
            "remote": canonical(world, &found.remote),
            "state": match found.state {
                PeeringStatus::Initiated => "Initiated",
                PeeringStatus::Connected => "Connected",
                PeeringStatus::Disconnected => "Disconnected",
            },
            "remoteAddressSpace": found.known,
            "allowVirtualNetworkAccess": found.settings.access,
            "allowForwardedTraffic": found.settings.forwarded,
            "allowGatewayTransit": found.settings.gateway_transit,
            "useRemoteGateways": found.settings.use_gateways,
            "doNotVerifyRemoteGateways": found.settings.unverified_gateways,
            "peerCompleteVnets": found.settings.complete,
            "others": found.others,
        }))),
    })
}

/// A network's id as the network itself writes it, whatever case a client used.
fn canonical(world: &SandboxWorld, id: &str) -> String {
    world.vnet(id).map_or_else(|| id.to_owned(), |vnet| vnet.id.clone())
}

fn permission(entry: &PermissionRecord) -> Value {
    let list = |texts: &[String]| sorted(texts.iter().map(|text| json!(text)));
    json!({
        "actions": list(&entry.actions),
        "notActions": list(&entry.not_actions),
        "dataActions": list(&entry.data_actions),
        "notDataActions": list(&entry.not_data_actions),
    })
}

fn tenant_name(world: &SandboxWorld, id: uuid::Uuid) -> String {
    world
        .tenants
        .iter()
        .find(|found| found.id == id)
        .map_or_else(|| id.to_string(), |found| found.domain.clone())
}

fn sorted(items: impl Iterator<Item = Value>) -> Vec<Value> {
    let mut items: Vec<Value> = items.collect();
    items.sort_by_key(ToString::to_string);
    items
}
