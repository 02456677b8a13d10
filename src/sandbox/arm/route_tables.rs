//! Route tables, to be read.

use http::StatusCode;
use serde_json::{Value, json};

use super::context::ArmContext;
use super::errors::ArmRefusal;
use super::{ArmResult, access};
use crate::sandbox::ids::derived;
use crate::sandbox::message;
use crate::sandbox::world::{RouteTableRecord, SandboxWorld};

const READ: &str = "Microsoft.Network/routeTables/read";

/// `GET …/routeTables/{name}`.
pub(super) fn get(world: &SandboxWorld, context: &ArmContext<'_>, group: &str, name: &str) -> ArmResult {
    let id = format!("/{}", context.request.segments.join("/"));
    access::require(world, &context.caller, READ, &id)?;
    let mut tables = world.route_tables.iter();
    let found = tables.find(|found| found.id.eq_ignore_ascii_case(&id));
    let found = found.ok_or_else(|| ArmRefusal::no_resource(group, "routeTables", name))?;
    Ok(message::json(StatusCode::OK, &resource(world, found)))
}

/// `GET …/resourceGroups/{group}/…/routeTables`: those that the caller may read.
pub(super) fn list(world: &SandboxWorld, context: &ArmContext<'_>, scope: &str) -> ArmResult {
    if !access::sees(world, &context.caller, scope) {
        return Err(ArmRefusal::forbidden(&context.caller, READ, scope));
    }
    let own = world
        .route_tables
        .iter()
        .filter(|found| access::covers(scope, &found.id));
    let readable = own.filter(|found| access::allowed(world, &context.caller, READ, &found.id));
    let body = context.page(world, readable, |found| resource(world, found));
    Ok(message::json(StatusCode::OK, &body))
}

fn resource(world: &SandboxWorld, found: &RouteTableRecord) -> Value {
    let etag = format!("W/\"{}\"", derived(&found.id));
    let attached = world.vnets.values().flat_map(|vnet| {
        let own = vnet.subnets.iter();
        let own = own.filter(|subnet| subnet.route_table.as_deref() == Some(&found.id));
        own.map(|subnet| json!({"id": format!("{}/subnets/{}", vnet.id, subnet.name)}))
    });
    let routes = found.routes.iter().map(|route| {
        let mut route = route.clone();
        let name = route["name"].as_str().unwrap_or_default().to_owned();
        route["id"] = format!("{}/routes/{name}", found.id).into();
        route["etag"] = etag.clone().into();
        route
    });
    json!({
        "name": found.id.rsplit('/').next().unwrap_or_default(),
        "id": found.id,
        "etag": etag,
        "type": "Microsoft.Network/routeTables",
        "location": found.location,
        "properties": {
            "provisioningState": "Succeeded",
            "resourceGuid": derived(&format!("{}#", found.id)),
            "disableBgpRoutePropagation": false,
            "routes": routes.collect::<Vec<Value>>(),
            "subnets": attached.collect::<Vec<Value>>(),
        },
    })
}
