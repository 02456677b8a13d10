//! Virtual networks and their subnets, to be read.

use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::access;
use super::context::ArmContext;
use super::errors::ArmRefusal;
use super::peerings;
use super::{ArmResult, groups, operations};
use crate::sandbox::ids::derived;
use crate::sandbox::message;
use crate::sandbox::world::{SandboxWorld, SubnetRecord, VnetRecord};

const READ: &str = "Microsoft.Network/virtualNetworks/read";
const READ_SUBNET: &str = "Microsoft.Network/virtualNetworks/subnets/read";

/// The operations that change the network itself; while its peerings are written it stays `Succeeded`.
const WRITES: [&str; 3] = [
    "PutVirtualNetworkOperation",
    "PutSubnetOperation",
    "DeleteSubnetOperation",
];

/// `GET …/virtualNetworks` of a subscription or of a group: those that the caller may read.
pub(super) fn list(
    world: &SandboxWorld,
    context: &ArmContext<'_>,
    subscription: Uuid,
    group: Option<&str>,
) -> ArmResult {
    let scope = match group {
        Some(name) => format!("/subscriptions/{subscription}/resourceGroups/{name}"),
        None => format!("/subscriptions/{subscription}"),
    };
    if !access::sees(world, &context.caller, &scope) {
        return Err(ArmRefusal::forbidden(&context.caller, READ, &scope));
    }
    if let Some(name) = group.filter(|name| groups::find(world, subscription, name).is_none()) {
        return Err(ArmRefusal::no_group(name));
    }
    let inside = world.vnets.values().filter(|vnet| access::covers(&scope, &vnet.id));
    let readable = inside.filter(|vnet| access::allowed(world, &context.caller, READ, &vnet.id));
    let body = context.page(world, readable, |vnet| resource(world, vnet));
    Ok(message::json(StatusCode::OK, &body))
}

/// `GET …/virtualNetworks/{name}`.
pub(super) fn get(world: &SandboxWorld, context: &ArmContext<'_>, group: &str, name: &str) -> ArmResult {
    let id = format!("/{}", context.request.segments.join("/"));
    access::require(world, &context.caller, READ, &id)?;
    let vnet = find(world, &id, group, name)?;
    let mut answer = message::json(StatusCode::OK, &resource(world, vnet));
    message::set(&mut answer, "etag", &etag(vnet));
    Ok(answer)
}

/// `GET …/virtualNetworks/{vnet}/subnets`.
pub(super) fn subnets(world: &SandboxWorld, context: &ArmContext<'_>, group: &str, name: &str) -> ArmResult {
    let id = format!("/{}", context.request.segments[..8].join("/"));
    access::require(world, &context.caller, READ_SUBNET, &id)?;
    let vnet = find(world, &id, group, name)?;
    let body = context.page(world, vnet.subnets.iter(), |found| subnet(world, vnet, found));
    Ok(message::json(StatusCode::OK, &body))
}

/// `GET …/virtualNetworks/{vnet}/subnets/{name}`.
pub(super) fn get_subnet(world: &SandboxWorld, context: &ArmContext<'_>, group: &str, name: &str) -> ArmResult {
    let id = format!("/{}", context.request.segments.join("/"));
    access::require(world, &context.caller, READ_SUBNET, &id)?;
    let (outer, wanted) = id.rsplit_once("/subnets/").unwrap_or((&id, ""));
    let vnet = find(world, outer, group, name)?;
    let found = vnet
        .subnets
        .iter()
        .find(|subnet| subnet.name.eq_ignore_ascii_case(wanted));
    let found = found.ok_or_else(|| ArmRefusal::new(404, "NotFound", format!("Resource {id} not found.")))?;
    let mut answer = message::json(StatusCode::OK, &subnet(world, vnet, found));
    message::set(&mut answer, "etag", &etag(vnet));
    Ok(answer)
}

/// The network of an id; the errors are the gateway's, which knows every resource.
pub(super) fn find<'a>(
    world: &'a SandboxWorld,
    id: &str,
    group: &str,
    name: &str,
) -> Result<&'a VnetRecord, ArmRefusal> {
    if let Some(vnet) = world.vnet(id) {
        return Ok(vnet);
    }
    let subscription = id
        .split('/')
        .nth(2)
        .and_then(|id| Uuid::parse_str(id).ok())
        .unwrap_or_default();
    match groups::find(world, subscription, group) {
        Some(_) => Err(ArmRefusal::no_resource(group, "virtualNetworks", name)),
        None => Err(ArmRefusal::no_group(group)),
    }
}

/// The network as ARM writes it.
pub(super) fn resource(world: &SandboxWorld, vnet: &VnetRecord) -> Value {
    let being_written = operations::running(world, &vnet.id).is_some_and(|(_, found)| WRITES.contains(&found.kind));
    let state = match (being_written, vnet.failed) {
        (true, _) => "Updating",
        (false, true) => "Failed",
        (false, false) => "Succeeded",
    };
    let mut body = json!({
        "name": vnet.name,
        "id": vnet.id,
        "etag": etag(vnet),
        "type": "Microsoft.Network/virtualNetworks",
        "location": vnet.location,
        "properties": {
            "provisioningState": state,
            "resourceGuid": derived(&vnet.id),
            "addressSpace": {"addressPrefixes": vnet.prefixes, "ipamPoolPrefixAllocations": []},
            "privateEndpointVNetPolicies": "Disabled",
            "subnets": vnet.subnets.iter().map(|found| subnet(world, vnet, found)).collect::<Vec<_>>(),
            "virtualNetworkPeerings":
                vnet.peerings.iter().map(|found| peerings::resource(world, vnet, found)).collect::<Vec<_>>(),
            "enableDdosProtection": false,
        },
    });
    if vnet.tags.is_object() {
        body["tags"] = vnet.tags.clone();
    }
    if !vnet.dns_servers.is_empty() {
        body["properties"]["dhcpOptions"] = json!({"dnsServers": vnet.dns_servers});
    }
    body
}

fn etag(vnet: &VnetRecord) -> String {
    format!("W/\"{}\"", derived(&format!("{}#{}", vnet.id, vnet.version)))
}

/// The subnet as ARM writes it.
pub(super) fn subnet(world: &SandboxWorld, vnet: &VnetRecord, found: &SubnetRecord) -> Value {
    let mut properties = json!({
        "provisioningState": "Succeeded",
        "ipamPoolPrefixAllocations": [],
        "delegations": [],
        "privateEndpointNetworkPolicies": "Disabled",
        "privateLinkServiceNetworkPolicies": "Enabled",
    });
    match found.prefixes.as_slice() {
        [one] => properties["addressPrefix"] = json!(one),
        several => properties["addressPrefixes"] = json!(several),
    }
    if let Some(id) = &found.security_group {
        properties["networkSecurityGroup"] = json!({ "id": id });
    }
    if let Some(id) = &found.route_table {
        properties["routeTable"] = json!({ "id": id });
    }
    let id = format!("{}/subnets/{}", vnet.id, found.name);
    let here = world.interfaces.iter();
    let here = here.filter(|one| one.subnet.eq_ignore_ascii_case(&id));
    let configurations: Vec<Value> = here.map(|one| json!({ "id": one.configuration() })).collect();
    if !configurations.is_empty() {
        properties["ipConfigurations"] = configurations.into();
    }
    json!({
        "name": found.name,
        "id": id,
        "etag": etag(vnet),
        "properties": properties,
        "type": "Microsoft.Network/virtualNetworks/subnets",
    })
}
