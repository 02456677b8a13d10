//! Virtual networks and their subnets, to be written: so that somebody else's change of a network can be rehearsed.

use http::StatusCode;
use ipnet::IpNet;
use serde_json::Value;

use super::context::ArmContext;
use super::errors::ArmRefusal;
use super::{ArmResult, access, groups, networks, operations, peerings, registrations};
use crate::sandbox::message;
use crate::sandbox::world::{PeeringStatus, SandboxWorld, SubnetRecord, VnetRecord};

const WRITE: &str = "Microsoft.Network/virtualNetworks/write";
const DELETE: &str = "Microsoft.Network/virtualNetworks/delete";
const WRITE_SUBNET: &str = "Microsoft.Network/virtualNetworks/subnets/write";
const DELETE_SUBNET: &str = "Microsoft.Network/virtualNetworks/subnets/delete";

/// `PUT …/virtualNetworks/{name}`: it replaces what is there, subnets and peerings included, as Azure does.
pub(super) fn put(world: &mut SandboxWorld, context: &ArmContext<'_>, group: &str, name: &str) -> ArmResult {
    let id = context.resource_id();
    access::require(world, &context.caller, WRITE, &id)?;
    registrations::require(world, &id, "Microsoft.Network")?;
    access::unlocked(world, &id, false)?;
    let body = context.request.json().ok_or_else(ArmRefusal::bad_body)?;
    let created = world.vnet(&id).is_none();
    let new = read(world, context, (group, name), &body)?;
    idle(world, &id)?;
    let listed = body["properties"]["virtualNetworkPeerings"].as_array();
    let kept: Vec<String> = listed
        .into_iter()
        .flatten()
        .filter_map(|peering| peering["name"].as_str().map(str::to_lowercase))
        .collect();
    let names = new.peerings.iter().map(|peering| peering.name.clone());
    let dropped: Vec<String> = names.filter(|name| !kept.contains(&name.to_lowercase())).collect();
    let id = new.id.clone();
    world.vnets.insert(id.to_ascii_lowercase(), new);
    for name in dropped {
        peerings::finish_delete(world, &id, &name);
    }
    let kind = "PutVirtualNetworkOperation";
    written(world, context, &id, created, kind, networks::resource)
}

/// The network that a body describes, in the place of the one that is there.
fn read(
    world: &SandboxWorld,
    context: &ArmContext<'_>,
    (group, name): (&str, &str),
    body: &Value,
) -> Result<VnetRecord, ArmRefusal> {
    let missing = || ArmRefusal::no_group(group);
    let subscription = world.subscription(context.subscription()).ok_or_else(missing)?;
    let in_group = groups::find(world, subscription.id, group).ok_or_else(missing)?;
    let id = format!("{}/providers/Microsoft.Network/virtualNetworks/{name}", in_group.id());
    let properties = &body["properties"];
    let new = VnetRecord {
        subscription: subscription.id,
        tenant: subscription.tenant,
        name: name.to_owned(),
        location: location(body)?,
        tags: body["tags"].clone(),
        prefixes: prefixes(&id, &properties["addressSpace"]["addressPrefixes"])?,
        dns_servers: texts(&properties["dhcpOptions"]["dnsServers"]),
        subnets: Vec::new(),
        peerings: Vec::new(),
        failed: false,
        version: 1,
        id,
    };
    let listed = properties["subnets"].as_array().map(Vec::as_slice).unwrap_or_default();
    let new = with_subnets(world, new, listed)?;
    let Some(existing) = world.vnet(&new.id) else {
        return Ok(new);
    };
    if existing.location != new.location {
        let text = format!(
            "The resource '{name}' already exists in location '{}' in resource group '{group}'. A resource with the \
             same name cannot be created in location '{}'. Please select a new resource name.",
            existing.location, new.location
        );
        return Err(ArmRefusal::new(409, "InvalidResourceLocation", text));
    }
    Ok(VnetRecord {
        id: existing.id.clone(),
        name: existing.name.clone(),
        peerings: existing.peerings.clone(),
        version: existing.version + 1,
        ..new
    })
}

fn with_subnets(world: &SandboxWorld, mut vnet: VnetRecord, listed: &[Value]) -> Result<VnetRecord, ArmRefusal> {
    for item in listed {
        let name = item["name"].as_str().unwrap_or_default();
        let subnet = subnet(world, &vnet, name, &item["properties"])?;
        vnet.subnets.push(subnet);
    }
    Ok(vnet)
}

/// `DELETE …/virtualNetworks/{name}`.
pub(super) fn delete(world: &mut SandboxWorld, context: &ArmContext<'_>) -> ArmResult {
    let id = context.resource_id();
    access::require(world, &context.caller, DELETE, &id)?;
    access::unlocked(world, &id, true)?;
    let Some(found) = world.vnet(&id) else {
        return Ok(message::empty(StatusCode::NO_CONTENT));
    };
    let location = found.location.clone();
    idle(world, &id)?;
    remove(world, &id);
    let mut answer = message::empty(StatusCode::ACCEPTED);
    let kind = "DeleteVirtualNetworkOperation";
    operations::begin(world, context, &mut answer, &id, &location, kind);
    Ok(answer)
}

/// The network goes, and every peering that refers to it is Disconnected.
pub(super) fn remove(world: &mut SandboxWorld, id: &str) {
    world.vnets.remove(&id.to_ascii_lowercase());
    for vnet in world.vnets.values_mut() {
        for peering in vnet
            .peerings
            .iter_mut()
            .filter(|found| found.remote.eq_ignore_ascii_case(id))
        {
            peering.state = PeeringStatus::Disconnected;
            peering.version += 1;
        }
    }
}

/// `PUT …/virtualNetworks/{vnet}/subnets/{name}`.
pub(super) fn put_subnet(
    world: &mut SandboxWorld,
    context: &ArmContext<'_>,
    group: &str,
    vnet: &str,
    name: &str,
) -> ArmResult {
    let id = context.resource_id();
    let subnet_id = format!("{id}/subnets/{name}");
    access::require(world, &context.caller, WRITE_SUBNET, &subnet_id)?;
    registrations::require(world, &id, "Microsoft.Network")?;
    access::unlocked(world, &subnet_id, false)?;
    let body = context.request.json().ok_or_else(ArmRefusal::bad_body)?;
    idle(world, &id)?;
    let mut found = networks::find(world, &id, group, vnet)?.clone();
    let before = found.subnets.len();
    found.subnets.retain(|subnet| !subnet.name.eq_ignore_ascii_case(name));
    let created = found.subnets.len() == before;
    let subnet = subnet(world, &found, name, &body["properties"])?;
    found.subnets.push(subnet);
    found.version += 1;
    world.vnets.insert(id.to_ascii_lowercase(), found);
    written(world, context, &id, created, "PutSubnetOperation", |world, vnet| {
        let own = vnet
            .subnets
            .iter()
            .find(|subnet| subnet.name.eq_ignore_ascii_case(name));
        own.map(|subnet| networks::subnet(world, vnet, subnet))
            .unwrap_or_default()
    })
}

/// `DELETE …/virtualNetworks/{vnet}/subnets/{name}`.
pub(super) fn delete_subnet(world: &mut SandboxWorld, context: &ArmContext<'_>, name: &str) -> ArmResult {
    let id = context.resource_id();
    let subnet = format!("{id}/subnets/{name}");
    access::require(world, &context.caller, DELETE_SUBNET, &subnet)?;
    access::unlocked(world, &subnet, true)?;
    idle(world, &id)?;
    let found = world.vnets.get_mut(&id.to_ascii_lowercase());
    let Some(found) = found.filter(|vnet| vnet.subnets.iter().any(|subnet| subnet.name.eq_ignore_ascii_case(name)))
    else {
        return Ok(message::empty(StatusCode::NO_CONTENT));
    };
    found.subnets.retain(|subnet| !subnet.name.eq_ignore_ascii_case(name));
    found.version += 1;
    let location = found.location.clone();
    let mut answer = message::empty(StatusCode::ACCEPTED);
    operations::begin(world, context, &mut answer, &id, &location, "DeleteSubnetOperation");
    Ok(answer)
}

/// The answer to a write: the resource, still `Updating`, and the operation's headers.
fn written(
    world: &mut SandboxWorld,
    context: &ArmContext<'_>,
    id: &str,
    created: bool,
    kind: &'static str,
    write: impl Fn(&SandboxWorld, &VnetRecord) -> Value,
) -> ArmResult {
    let Some(vnet) = world.vnet(id) else {
        return Err(ArmRefusal::no_resource("", "virtualNetworks", id));
    };
    let (mut body, location) = (write(world, vnet), vnet.location.clone());
    body["properties"]["provisioningState"] = "Updating".into();
    let mut answer = message::json(if created { StatusCode::CREATED } else { StatusCode::OK }, &body);
    operations::begin(world, context, &mut answer, id, &location, kind);
    Ok(answer)
}

fn idle(world: &SandboxWorld, id: &str) -> Result<(), ArmRefusal> {
    let Some((operation, found)) = operations::running(world, id) else {
        return Ok(());
    };
    let seconds = world.timing.retry_after.max(1);
    Err(ArmRefusal::busy(found.kind, &operation.to_string(), id, seconds))
}

/// The `location` of a body, as ARM keeps it: `East US 2` is `eastus2`.
pub(super) fn location(body: &Value) -> Result<String, ArmRefusal> {
    let given = body["location"].as_str().unwrap_or_default();
    let location: String = given.to_lowercase().split_whitespace().collect();
    if location.is_empty() {
        let text = "The location property is required for this definition.";
        return Err(ArmRefusal::new(400, "LocationRequired", text));
    }
    Ok(location)
}

fn texts(value: &Value) -> Vec<String> {
    let items = value.as_array().into_iter().flatten();
    items.filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

fn prefixes(id: &str, value: &Value) -> Result<Vec<IpNet>, ArmRefusal> {
    let given = texts(value);
    let parsed: Vec<IpNet> = given.iter().filter_map(|text| text.parse().ok()).collect();
    let wrong = given.iter().find(|text| text.parse::<IpNet>().is_err());
    if let Some(wrong) = wrong {
        let text = format!(
            "Address prefix {wrong} of resource {id} is not formatted correctly. It should follow CIDR notation, for example 10.0.0.0/24."
        );
        return Err(ArmRefusal::new(400, "InvalidCIDRNotation", text));
    }
    if parsed.is_empty() {
        let text = format!("Resource {id} has no address prefix.");
        return Err(ArmRefusal::new(400, "VnetAddressSpaceNotSpecified", text));
    }
    Ok(parsed)
}

fn subnet(world: &SandboxWorld, vnet: &VnetRecord, name: &str, properties: &Value) -> Result<SubnetRecord, ArmRefusal> {
    let mut given = texts(&properties["addressPrefixes"]);
    given.extend(properties["addressPrefix"].as_str().map(str::to_owned));
    let id = format!("{}/subnets/{name}", vnet.id);
    let own = prefixes(&id, &Value::from(given))?;
    let inside = |prefix: &IpNet| vnet.prefixes.iter().any(|outer| outer.contains(prefix));
    if name.is_empty() || !own.iter().all(inside) {
        let text = format!("Subnet '{name}' is not valid in virtual network '{}'.", vnet.name);
        return Err(ArmRefusal::new(400, "NetcfgInvalidSubnet", text));
    }
    let overlaps = |other: &SubnetRecord| {
        let pairs = other
            .prefixes
            .iter()
            .flat_map(|one| own.iter().map(move |two| (one, two)));
        pairs
            .into_iter()
            .any(|(one, two)| one.contains(two) || two.contains(one))
    };
    if let Some(other) = vnet.subnets.iter().find(|other| overlaps(other)) {
        let text = format!(
            "Subnet '{name}' is not valid because its IP address range overlaps with that of an existing subnet in virtual network '{}': '{}'.",
            vnet.name, other.name
        );
        return Err(ArmRefusal::new(400, "NetcfgSubnetRangesOverlap", text));
    }
    let security_group = properties["networkSecurityGroup"]["id"].as_str();
    if let Some(missing) = security_group.filter(|wanted| {
        let mut known = world.security_groups.iter();
        !known.any(|found| found.id.eq_ignore_ascii_case(wanted))
    }) {
        let text = format!(
            "Resource {missing} referenced by resource {id} was not found. Please make sure that the referenced resource exists, and that both resources are in the same region."
        );
        return Err(ArmRefusal::new(400, "InvalidResourceReference", text));
    }
    let route_table = properties["routeTable"]["id"].as_str().map(str::to_owned);
    Ok(SubnetRecord {
        route_table,
        name: name.to_owned(),
        prefixes: own,
        security_group: security_group.map(str::to_owned),
    })
}
