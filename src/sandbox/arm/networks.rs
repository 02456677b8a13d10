//! Virtual networks, to be read.

use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::access;
use super::context::Context;
use super::errors::Refusal;
use super::peerings;
use super::{Outcome, operations, subscriptions};
use crate::sandbox::ids::derived;
use crate::sandbox::message;
use crate::sandbox::world::{Subnet, Vnet, World};

const READ: &str = "Microsoft.Network/virtualNetworks/read";

/// `GET …/virtualNetworks` of a subscription or of a group: those that the caller may read.
pub(super) fn list(world: &World, context: &Context<'_>, subscription: Uuid, group: Option<&str>) -> Outcome {
    let scope = match group {
        Some(name) => format!("/subscriptions/{subscription}/resourceGroups/{name}"),
        None => format!("/subscriptions/{subscription}"),
    };
    if !access::sees(world, &context.caller, &scope) {
        return Err(Refusal::forbidden(&context.caller, READ, &scope));
    }
    if let Some(name) = group.filter(|name| subscriptions::find_group(world, subscription, name).is_none()) {
        return Err(Refusal::no_group(name));
    }
    let inside = world.vnets.values().filter(|vnet| access::covers(&scope, &vnet.id));
    let readable = inside.filter(|vnet| access::allowed(world, &context.caller, READ, &vnet.id));
    let body = context.page(world, readable, |vnet| resource(world, vnet));
    Ok(message::json(StatusCode::OK, &body))
}

/// `GET …/virtualNetworks/{name}`.
pub(super) fn get(world: &World, context: &Context<'_>, group: &str, name: &str) -> Outcome {
    let id = format!("/{}", context.request.segments.join("/"));
    access::require(world, &context.caller, READ, &id)?;
    let vnet = find(world, &id, group, name)?;
    let mut answer = message::json(StatusCode::OK, &resource(world, vnet));
    message::set(&mut answer, "etag", &etag(vnet));
    Ok(answer)
}

/// The network of an id; the errors are the gateway's, which knows every resource.
pub(super) fn find<'a>(world: &'a World, id: &str, group: &str, name: &str) -> Result<&'a Vnet, Refusal> {
    if let Some(vnet) = world.vnet(id) {
        return Ok(vnet);
    }
    let subscription = id
        .split('/')
        .nth(2)
        .and_then(|id| Uuid::parse_str(id).ok())
        .unwrap_or_default();
    match subscriptions::find_group(world, subscription, group) {
        Some(_) => Err(Refusal::no_vnet(group, name)),
        None => Err(Refusal::no_group(group)),
    }
}

/// The network as ARM writes it.
pub(super) fn resource(world: &World, vnet: &Vnet) -> Value {
    // While its peerings are written the network itself stays Succeeded.
    let being_changed =
        operations::running(world, &vnet.id).is_some_and(|(_, found)| found.kind == "PutSubnetOperation");
    let mut body = json!({
        "name": vnet.name,
        "id": vnet.id,
        "etag": etag(vnet),
        "type": "Microsoft.Network/virtualNetworks",
        "location": vnet.location,
        "properties": {
            "provisioningState": if being_changed { "Updating" } else { "Succeeded" },
            "resourceGuid": derived(&vnet.id),
            "addressSpace": {"addressPrefixes": vnet.prefixes, "ipamPoolPrefixAllocations": []},
            "privateEndpointVNetPolicies": "Disabled",
            "subnets": vnet.subnets.iter().map(|found| subnet(vnet, found)).collect::<Vec<_>>(),
            "virtualNetworkPeerings":
                vnet.peerings.iter().map(|found| peerings::resource(world, vnet, found)).collect::<Vec<_>>(),
            "enableDdosProtection": false,
        },
    });
    if !vnet.dns_servers.is_empty() {
        body["properties"]["dhcpOptions"] = json!({"dnsServers": vnet.dns_servers});
    }
    body
}

fn etag(vnet: &Vnet) -> String {
    format!("W/\"{}\"", derived(&format!("{}#{}", vnet.id, vnet.version)))
}

fn subnet(vnet: &Vnet, found: &Subnet) -> Value {
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
    json!({
        "name": found.name,
        "id": format!("{}/subnets/{}", vnet.id, found.name),
        "etag": etag(vnet),
        "properties": properties,
        "type": "Microsoft.Network/virtualNetworks/subnets",
    })
}
