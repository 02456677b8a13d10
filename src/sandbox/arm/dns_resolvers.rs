//! Private DNS resolvers and their inbound endpoints, to be read.

use http::StatusCode;
use serde_json::{Value, json};

use super::context::ArmContext;
use super::errors::ArmRefusal;
use super::{ArmResult, access};
use crate::sandbox::ids::derived;
use crate::sandbox::message;
use crate::sandbox::world::{DnsResolver, InboundEndpointRecord, SandboxWorld};

const READ: &str = "Microsoft.Network/dnsResolvers/read";
const READ_ENDPOINTS: &str = "Microsoft.Network/dnsResolvers/inboundEndpoints/read";
const VERSIONS: [&str; 4] = ["2020-04-01-preview", "2022-07-01", "2023-07-01-preview", "2025-05-01"];

/// `GET …/dnsResolvers` of a subscription or a group: those that the caller may read.
pub(super) fn list(world: &SandboxWorld, context: &ArmContext<'_>, scope: &str) -> ArmResult {
    check_version(context, "dnsResolvers")?;
    if !access::sees(world, &context.caller, scope) {
        return Err(ArmRefusal::forbidden(&context.caller, READ, scope));
    }
    let own = world.dns_resolvers.iter();
    let own = own.filter(|found| access::covers(scope, &found.id));
    let readable = own.filter(|found| access::allowed(world, &context.caller, READ, &found.id));
    let body = context.page(world, readable, resolver);
    Ok(message::json(StatusCode::OK, &body))
}

/// `GET …/dnsResolvers/{name}`.
pub(super) fn get(world: &SandboxWorld, context: &ArmContext<'_>, group: &str, name: &str) -> ArmResult {
    check_version(context, "dnsResolvers")?;
    let found = find(world, context, READ, group, name)?;
    Ok(message::json(StatusCode::OK, &resolver(found)))
}

/// `GET …/dnsResolvers/{name}/inboundEndpoints`.
pub(super) fn endpoints(world: &SandboxWorld, context: &ArmContext<'_>, group: &str, name: &str) -> ArmResult {
    check_version(context, "dnsResolvers/inboundEndpoints")?;
    let found = find(world, context, READ_ENDPOINTS, group, name)?;
    let body = context.page(world, found.endpoints.iter(), |one| endpoint(found, one));
    Ok(message::json(StatusCode::OK, &body))
}

fn find<'a>(
    world: &'a SandboxWorld,
    context: &ArmContext<'_>,
    action: &str,
    group: &str,
    name: &str,
) -> Result<&'a DnsResolver, ArmRefusal> {
    let id = format!("/{}", context.request.segments[..8].join("/"));
    access::require(world, &context.caller, action, &id)?;
    let mut resolvers = world.dns_resolvers.iter();
    let found = resolvers.find(|found| found.id.eq_ignore_ascii_case(&id));
    found.ok_or_else(|| ArmRefusal::no_resource(group, "dnsResolvers", name))
}

/// Resolvers have API versions of their own, other than the rest of the network service.
fn check_version(context: &ArmContext<'_>, kind: &str) -> Result<(), ArmRefusal> {
    let version = context.request.query("api-version").unwrap_or_default();
    if VERSIONS.contains(&version) {
        return Ok(());
    }
    let text = format!(
        "No registered resource provider found for API version '{version}' for type '{kind}'. The supported \
         api-versions are '{}'.",
        VERSIONS.join(", ")
    );
    Err(ArmRefusal::new(400, "NoRegisteredProviderFound", text))
}

fn resolver(found: &DnsResolver) -> Value {
    json!({
        "name": found.id.rsplit('/').next().unwrap_or_default(),
        "id": found.id,
        "etag": format!("\"{}\"", derived(&found.id)),
        "type": "Microsoft.Network/dnsResolvers",
        "location": found.location,
        "properties": {
            "provisioningState": "Succeeded",
            "dnsResolverState": "Connected",
            "resourceGuid": derived(&format!("{}#", found.id)),
            "virtualNetwork": { "id": found.vnet },
        },
    })
}

fn endpoint(found: &DnsResolver, one: &InboundEndpointRecord) -> Value {
    let id = format!("{}/inboundEndpoints/{}", found.id, one.name);
    json!({
        "name": one.name,
        "id": id,
        "etag": format!("\"{}\"", derived(&id)),
        "type": "Microsoft.Network/dnsResolvers/inboundEndpoints",
        "location": found.location,
        "properties": {
            "provisioningState": "Succeeded",
            "resourceGuid": derived(&format!("{id}#")),
            "ipConfigurations": [{
                "privateIpAddress": one.address,
                "privateIpAllocationMethod": "Static",
                "subnet": { "id": format!("{}/subnets/{}", found.vnet, one.subnet) },
            }],
        },
    })
}
