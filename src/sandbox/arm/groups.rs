//! Resource groups.

use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::context::ArmContext;
use super::errors::ArmRefusal;
use super::{ArmResult, access, network_writes, operations};
use crate::sandbox::message;
use crate::sandbox::world::{ResourceGroup, SandboxWorld};

const READ: &str = "Microsoft.Resources/subscriptions/resourceGroups/read";
const WRITE: &str = "Microsoft.Resources/subscriptions/resourceGroups/write";
const DELETE: &str = "Microsoft.Resources/subscriptions/resourceGroups/delete";

/// `GET /subscriptions/{id}/resourcegroups`: those that the caller may read.
pub(super) fn list(world: &SandboxWorld, context: &ArmContext<'_>, subscription: Uuid) -> ArmResult {
    let scope = format!("/subscriptions/{subscription}");
    if !access::sees(world, &context.caller, &scope) {
        return Err(ArmRefusal::forbidden(&context.caller, READ, &scope));
    }
    let own = world.groups.iter().filter(|group| group.subscription == subscription);
    let readable = own.filter(|group| access::allowed(world, &context.caller, READ, &group.id()));
    Ok(message::json(StatusCode::OK, &context.page(world, readable, resource)))
}

/// `GET /subscriptions/{id}/resourcegroups/{name}`.
pub(super) fn get(world: &SandboxWorld, context: &ArmContext<'_>, subscription: Uuid) -> ArmResult {
    let name = named(context);
    access::require(world, &context.caller, READ, &scope(subscription, name))?;
    let found = find(world, subscription, name).ok_or_else(|| ArmRefusal::no_group(name))?;
    Ok(message::json(StatusCode::OK, &resource(found)))
}

/// `HEAD /subscriptions/{id}/resourcegroups/{name}`: 204 where it is, 404 where it is not.
pub(super) fn exists(world: &SandboxWorld, context: &ArmContext<'_>, subscription: Uuid) -> ArmResult {
    let name = named(context);
    access::require(world, &context.caller, READ, &scope(subscription, name))?;
    let there = find(world, subscription, name).is_some();
    Ok(message::empty(if there {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::NOT_FOUND
    }))
}

/// `PUT /subscriptions/{id}/resourcegroups/{name}`.
pub(super) fn put(world: &mut SandboxWorld, context: &ArmContext<'_>, subscription: Uuid) -> ArmResult {
    let name = named(context);
    let id = scope(subscription, name);
    access::require(world, &context.caller, WRITE, &id)?;
    access::unlocked(world, &id, false)?;
    let body = context.request.json().ok_or_else(ArmRefusal::bad_body)?;
    let location = network_writes::location(&body)?;
    if let Some(found) = find(world, subscription, name) {
        if found.location != location {
            let text = format!(
                "Invalid resource group location '{location}'. The Resource group already exists in location '{}'.",
                found.location
            );
            return Err(ArmRefusal::new(409, "InvalidResourceGroupLocation", text));
        }
        return Ok(message::json(StatusCode::OK, &resource(found)));
    }
    let group = ResourceGroup {
        subscription,
        name: name.to_owned(),
        location,
    };
    let shown = resource(&group);
    world.groups.push(group);
    Ok(message::json(StatusCode::CREATED, &shown))
}

/// `DELETE /subscriptions/{id}/resourcegroups/{name}`: with it goes everything in it.
pub(super) fn delete(world: &mut SandboxWorld, context: &ArmContext<'_>, subscription: Uuid) -> ArmResult {
    let name = named(context);
    let id = scope(subscription, name);
    access::require(world, &context.caller, DELETE, &id)?;
    access::unlocked(world, &id, true)?;
    let Some(found) = find(world, subscription, name) else {
        return Err(ArmRefusal::no_group(name));
    };
    let location = found.location.clone();
    let inside = |other: &str| access::covers(&id, other);
    let networks: Vec<String> = world.vnets.values().map(|vnet| vnet.id.clone()).collect();
    for network in networks.iter().filter(|network| inside(network)) {
        network_writes::remove(world, network);
    }
    world.security_groups.retain(|found| !inside(&found.id));
    world.route_tables.retain(|found| !inside(&found.id));
    world.dns_resolvers.retain(|found| !inside(&found.id));
    world.assignments.retain(|found| !inside(&found.scope));
    world
        .groups
        .retain(|group| group.subscription != subscription || !group.name.eq_ignore_ascii_case(name));
    let mut answer = message::empty(StatusCode::ACCEPTED);
    operations::begin(
        world,
        context,
        &mut answer,
        &id,
        &location,
        "DeleteResourceGroupOperation",
    );
    Ok(answer)
}

/// The group of that name, without case.
pub(super) fn find<'a>(world: &'a SandboxWorld, subscription: Uuid, name: &str) -> Option<&'a ResourceGroup> {
    world
        .groups
        .iter()
        .find(|group| group.subscription == subscription && group.name.eq_ignore_ascii_case(name))
}

/// The name in the path, as the client wrote it.
fn named<'a>(context: &'a ArmContext<'_>) -> &'a str {
    context.request.segments.get(3).map(String::as_str).unwrap_or_default()
}

fn scope(subscription: Uuid, name: &str) -> String {
    format!("/subscriptions/{subscription}/resourceGroups/{name}")
}

fn resource(group: &ResourceGroup) -> Value {
    json!({
        "id": group.id(),
        "name": group.name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": group.location,
        "properties": {"provisioningState": "Succeeded"},
    })
}
