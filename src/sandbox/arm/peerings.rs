//! Virtual network peerings: read, written, deleted.

use http::StatusCode;
use ipnet::IpNet;
use serde_json::{Map, Value, json};

use super::context::ArmContext;
use super::errors::ArmRefusal;
use super::{ArmResult, access, networks, operations, peering_rules as rules, policy, registrations};
use crate::sandbox::ids::derived;
use crate::sandbox::message::{self, SandboxResponse};
use crate::sandbox::vendors::reciprocal;
use crate::sandbox::world::{
    CreatedAt, PeeringRecord, PeeringSettingsRecord, PeeringStatus, SandboxWorld, VnetRecord, WorldEvent,
};

const READ: &str = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/read";
const WRITE: &str = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/write";
const DELETE: &str = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/delete";

impl Default for PeeringSettingsRecord {
    /// Returns the service's defaults for properties that a body omits.
    fn default() -> Self {
        Self {
            access: true,
            forwarded: false,
            gateway_transit: false,
            use_gateways: false,
            unverified_gateways: false,
            complete: true,
        }
    }
}

impl PeeringSettingsRecord {
    fn read(properties: &Value) -> Self {
        let flag = |name: &str, absent: bool| properties[name].as_bool().unwrap_or(absent);
        let usual = Self::default();
        Self {
            access: flag("allowVirtualNetworkAccess", usual.access),
            forwarded: flag("allowForwardedTraffic", usual.forwarded),
            gateway_transit: flag("allowGatewayTransit", usual.gateway_transit),
            use_gateways: flag("useRemoteGateways", usual.use_gateways),
            unverified_gateways: flag("doNotVerifyRemoteGateways", usual.unverified_gateways),
            complete: flag("peerCompleteVnets", usual.complete),
        }
    }
}

/// The parts of a peering's path, as they were written.
struct PeeringPath<'a> {
    group: &'a str,
    vnet: &'a str,
    name: &'a str,
}

impl<'a> PeeringPath<'a> {
    fn new(context: &'a ArmContext<'_>) -> Self {
        let part = |index: usize| {
            context
                .request
                .segments
                .get(index)
                .map(String::as_str)
                .unwrap_or_default()
        };
        Self {
            group: part(3),
            vnet: part(7),
            name: part(9),
        }
    }

    fn id(&self, context: &ArmContext<'_>) -> String {
        format!("{}/virtualNetworkPeerings/{}", context.resource_id(), self.name)
    }
}

/// `GET …/virtualNetworkPeerings`.
pub(super) fn list(world: &SandboxWorld, context: &ArmContext<'_>) -> ArmResult {
    let path = PeeringPath::new(context);
    let id = context.resource_id();
    access::require(world, &context.caller, READ, &id)?;
    let vnet =
        networks::find(world, &id, path.group, path.vnet).map_err(|refusal| parent_missing(refusal, &id, "read"))?;
    let body = context.page(world, vnet.peerings.iter(), |peering| resource(world, vnet, peering));
    Ok(message::json(StatusCode::OK, &body))
}

fn parent_missing(refusal: ArmRefusal, id: &str, operation: &str) -> ArmRefusal {
    if refusal.code != "ResourceNotFound" {
        return refusal;
    }
    let text = format!(
        "Failed to perform '{operation}' on resource(s) of type 'virtualNetworks/virtualNetworkPeerings', because the parent \
         resource '{id}' could not be found."
    );
    ArmRefusal::new(404, "ParentResourceNotFound", text)
}

/// `GET …/virtualNetworkPeerings/{name}`.
pub(super) fn get(world: &SandboxWorld, context: &ArmContext<'_>) -> ArmResult {
    let path = PeeringPath::new(context);
    let id = path.id(context);
    access::require(world, &context.caller, READ, &id)?;
    let vnet = networks::find(world, &context.resource_id(), path.group, path.vnet)?;
    let found = rules::named(vnet, path.name);
    let found = found.ok_or_else(|| ArmRefusal::new(404, "NotFound", format!("Resource {id} not found.")))?;
    let mut answer = message::json(StatusCode::OK, &resource(world, vnet, found));
    message::set(&mut answer, "etag", &etag(world, vnet, found));
    Ok(answer)
}

/// `PUT …/virtualNetworkPeerings/{name}`.
pub(super) fn put(world: &mut SandboxWorld, context: &ArmContext<'_>) -> ArmResult {
    let path = PeeringPath::new(context);
    let (vnet_id, id) = (context.resource_id(), path.id(context));
    access::require(world, &context.caller, WRITE, &id)?;
    registrations::require(world, &id, "Microsoft.Network")?;
    access::unlocked(world, &id, false)?;
    let body = context.request.json().ok_or_else(ArmRefusal::bad_body)?;
    let remote = body["properties"]["remoteVirtualNetwork"]["id"]
        .as_str()
        .map(str::to_owned);
    let remote = remote.ok_or_else(|| {
        let text = format!("Value for reference id is missing. Path properties.remoteVirtualNetwork. Resource {id}.");
        ArmRefusal::new(400, "MissingJsonReferenceId", text)
    })?;
    policy::permits(world, &vnet_id, path.name, &remote)?;
    rules::linked_access(world, context, &id, &remote)?;
    networks::find(world, &vnet_id, path.group, path.vnet)
        .map_err(|refusal| parent_missing(refusal, &vnet_id, "write"))?;
    rules::check(world, &vnet_id, path.name, &remote)?;
    rules::check_settings(
        world,
        &vnet_id,
        path.name,
        &remote,
        PeeringSettingsRecord::read(&body["properties"]),
    )?;

    let sync = context
        .request
        .query("syncRemoteAddressSpace")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let created = write(
        world,
        &vnet_id,
        path.name,
        &remote,
        PeeringSettingsRecord::read(&body["properties"]),
        others(&body["properties"]),
        sync,
    );
    let Some((vnet, peering)) = world
        .vnet(&vnet_id)
        .and_then(|vnet| Some((vnet, rules::named(vnet, path.name)?)))
    else {
        return Err(ArmRefusal::no_resource(path.group, "virtualNetworks", path.vnet));
    };
    let mut body = resource(world, vnet, peering);
    body["properties"]["provisioningState"] = "Updating".into();
    let location = vnet.location.clone();
    let mut answer = message::json(if created { StatusCode::CREATED } else { StatusCode::OK }, &body);
    operations::begin(
        world,
        context,
        &mut answer,
        &id,
        &location,
        "PutVirtualNetworkPeeringOperation",
    );
    Ok(answer)
}

/// The properties of a peering's answer that the service works out itself, and those that [`PeeringSettingsRecord`] hold.
const OWN_PROPERTIES: [&str; 17] = [
    "allowForwardedTraffic",
    "allowGatewayTransit",
    "allowVirtualNetworkAccess",
    "doNotVerifyRemoteGateways",
    "localAddressSpace",
    "localVirtualNetworkAddressSpace",
    "peerCompleteVnets",
    "peeringState",
    "peeringSyncLevel",
    "provisioningState",
    "remoteAddressSpace",
    "remoteGateways",
    "remoteVirtualNetwork",
    "remoteVirtualNetworkAddressSpace",
    "resourceGuid",
    "routeServiceVips",
    "useRemoteGateways",
];

/// Returns the other properties of a body: the names of subnets, IPv6 only, and properties that this service doesn't
/// know. A PUT replaces all of them.
fn others(properties: &Value) -> Map<String, Value> {
    let given = properties.as_object().into_iter().flatten();
    let kept = given.filter(|(name, value)| !OWN_PROPERTIES.contains(&name.as_str()) && !value.is_null());
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Gives a peering these settings, as if it had been created with them; false where there is none.
pub(in crate::sandbox) fn resettle(world: &mut SandboxWorld, id: &str, properties: &Value) -> bool {
    let Some((vnet, name)) = id.rsplit_once("/virtualNetworkPeerings/") else {
        return false;
    };
    let vnet = world.vnets.get_mut(&vnet.to_ascii_lowercase());
    let mut peerings = vnet.into_iter().flat_map(|vnet| &mut vnet.peerings);
    let found = peerings.find(|found| found.name.eq_ignore_ascii_case(name));
    found
        .map(|found| (found.settings, found.others) = (PeeringSettingsRecord::read(properties), others(properties)))
        .is_some()
}

/// Writes the peering, moves both sides to the state that follows, and says whether it is new.
fn write(
    world: &mut SandboxWorld,
    vnet_id: &str,
    name: &str,
    remote: &str,
    settings: PeeringSettingsRecord,
    others: Map<String, Value>,
    sync: bool,
) -> bool {
    let now = world.now;
    let settled = CreatedAt::At(now + world.timing.operation);
    let known: Vec<IpNet> = world.vnet(remote).map(|vnet| vnet.prefixes.clone()).unwrap_or_default();
    let other = rules::reverse_mut(world, vnet_id, remote);
    let state = match other {
        Some(other) => {
            if other.state != PeeringStatus::Connected {
                other.state = PeeringStatus::Connected;
                other.version += 1;
            }
            PeeringStatus::Connected
        }
        None => PeeringStatus::Initiated,
    };
    reciprocal::noticed(world, vnet_id, remote);
    let Some(vnet) = world.vnets.get_mut(&vnet_id.to_ascii_lowercase()) else {
        return false;
    };
    vnet.version += 1;
    if let Some(found) = vnet
        .peerings
        .iter_mut()
        .find(|found| found.name.eq_ignore_ascii_case(name))
    {
        if sync || found.state == PeeringStatus::Disconnected {
            found.known = known;
        }
        found.state = state;
        found.settings = settings;
        found.others = others;
        found.settled = settled;
        found.version += 1;
        return false;
    }
    let peering = PeeringRecord {
        name: name.to_owned(),
        remote: remote.to_owned(),
        state,
        settings,
        known,
        settled,
        deleting: false,
        others,
        version: 1,
    };
    vnet.peerings.push(peering);
    true
}

/// `DELETE …/virtualNetworkPeerings/{name}`.
pub(super) fn delete(world: &mut SandboxWorld, context: &ArmContext<'_>) -> ArmResult {
    let path = PeeringPath::new(context);
    let (vnet_id, id) = (context.resource_id(), path.id(context));
    access::require(world, &context.caller, DELETE, &id)?;
    access::unlocked(world, &id, true)?;
    let Some(vnet) = world.vnet(&vnet_id) else {
        return Ok(message::empty(StatusCode::NO_CONTENT));
    };
    let location = vnet.location.clone();
    if rules::named(vnet, path.name).is_none() {
        return Ok(message::empty(StatusCode::NO_CONTENT));
    }
    if let Some((operation, found)) = operations::running(world, &vnet_id) {
        return Err(ArmRefusal::busy(
            found.kind,
            &operation.to_string(),
            &vnet_id,
            world.timing.retry_after.max(1),
        ));
    }
    let found = world.vnets.get_mut(&vnet_id.to_ascii_lowercase());
    let found = found.and_then(|vnet| {
        vnet.peerings
            .iter_mut()
            .find(|found| found.name.eq_ignore_ascii_case(path.name))
    });
    if let Some(found) = found {
        found.deleting = true;
        found.version += 1;
    }
    world.plan(
        world.timing.operation,
        WorldEvent::PeeringGone {
            vnet: vnet_id,
            name: path.name.to_owned(),
        },
    );
    let mut answer: SandboxResponse = message::empty(StatusCode::ACCEPTED);
    operations::begin(
        world,
        context,
        &mut answer,
        &id,
        &location,
        "DeleteVirtualNetworkPeeringOperation",
    );
    Ok(answer)
}

/// The deletion is done: the peering goes, and its other side is Disconnected.
pub(in crate::sandbox) fn finish_delete(world: &mut SandboxWorld, vnet_id: &str, name: &str) {
    let Some(vnet) = world.vnets.get_mut(&vnet_id.to_ascii_lowercase()) else {
        return;
    };
    let Some(at) = vnet
        .peerings
        .iter()
        .position(|found| found.name.eq_ignore_ascii_case(name))
    else {
        return;
    };
    let gone = vnet.peerings.remove(at);
    vnet.version += 1;
    let other =
        rules::reverse_mut(world, vnet_id, &gone.remote).filter(|other| other.state == PeeringStatus::Connected);
    if let Some(other) = other {
        other.state = PeeringStatus::Disconnected;
        other.version += 1;
    }
    reciprocal::noticed(world, vnet_id, &gone.remote);
}

/// The peering as ARM writes it.
pub(super) fn resource(world: &SandboxWorld, vnet: &VnetRecord, peering: &PeeringRecord) -> Value {
    let settled = peering.settled.passed(std::time::Duration::ZERO, world.now);
    let provisioning = match (peering.deleting, settled) {
        (true, _) => "Deleting",
        (false, true) => "Succeeded",
        (false, false) => "Updating",
    };
    let current = world
        .vnet(&peering.remote)
        .map_or(&peering.known, |remote| &remote.prefixes);
    let state = match peering.state {
        PeeringStatus::Initiated => "Initiated",
        PeeringStatus::Connected => "Connected",
        PeeringStatus::Disconnected => "Disconnected",
    };
    let mut body = json!({
        "name": peering.name,
        "id": format!("{}/virtualNetworkPeerings/{}", vnet.id, peering.name),
        "etag": etag(world, vnet, peering),
        "properties": {
            "provisioningState": provisioning,
            "resourceGuid": rules::pair_guid(&vnet.id, &peering.remote),
            "peeringState": state,
            "peeringSyncLevel": rules::sync_level(world, vnet, peering),
            "remoteVirtualNetwork": {"id": peering.remote},
            "allowVirtualNetworkAccess": peering.settings.access,
            "allowForwardedTraffic": peering.settings.forwarded,
            "allowGatewayTransit": peering.settings.gateway_transit,
            "useRemoteGateways": peering.settings.use_gateways,
            "doNotVerifyRemoteGateways": peering.settings.unverified_gateways,
            "peerCompleteVnets": peering.settings.complete,
            "remoteAddressSpace": {"addressPrefixes": peering.known, "ipamPoolPrefixAllocations": []},
            "remoteVirtualNetworkAddressSpace": {"addressPrefixes": current, "ipamPoolPrefixAllocations": []},
            "routeServiceVips": {},
        },
        "type": "Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
    });
    for (name, value) in &peering.others {
        body["properties"][name] = value.clone();
    }
    if !peering.settings.complete {
        add_subnets(&mut body["properties"], world, vnet, peering);
    }
    body
}

/// The address spaces as Azure tells them where only some subnets are peered.
fn add_subnets(properties: &mut Value, world: &SandboxWorld, vnet: &VnetRecord, peering: &PeeringRecord) {
    let space = |prefixes: &[IpNet]| json!({"addressPrefixes": prefixes, "ipamPoolPrefixAllocations": []});
    let peered = |vnet: &VnetRecord, names: &str| -> Vec<IpNet> {
        let names = peering.others.get(names).and_then(Value::as_array);
        let named = |subnet: &str| {
            let mut names = names.into_iter().flatten().filter_map(Value::as_str);
            names.any(|name| name.eq_ignore_ascii_case(subnet))
        };
        let subnets = vnet.subnets.iter().filter(|subnet| named(&subnet.name));
        let prefixes: Vec<IpNet> = subnets.flat_map(|subnet| subnet.prefixes.clone()).collect();
        // Vendors' networks have no subnets here.
        if prefixes.is_empty() {
            vnet.prefixes.clone()
        } else {
            prefixes
        }
    };
    properties["localAddressSpace"] = space(&peered(vnet, "localSubnetNames"));
    properties["localVirtualNetworkAddressSpace"] = space(&vnet.prefixes);
    if let Some(remote) = world.vnet(&peering.remote) {
        properties["remoteAddressSpace"] = space(&peered(remote, "remoteSubnetNames"));
    }
}

/// Changes with every write, and once more when the write is done.
fn etag(world: &SandboxWorld, vnet: &VnetRecord, peering: &PeeringRecord) -> String {
    let settled = peering.settled.passed(std::time::Duration::ZERO, world.now);
    format!(
        "W/\"{}\"",
        derived(&format!("{}#{}#{}#{settled}", vnet.id, peering.name, peering.version))
    )
}
