//! Network security groups, to be read.

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::context::ArmContext;
use super::errors::ArmRefusal;
use super::{ArmResult, access};
use crate::sandbox::ids::derived;
use crate::sandbox::message;
use crate::sandbox::world::{SandboxWorld, SecurityGroup};

const READ: &str = "Microsoft.Network/networkSecurityGroups/read";

/// A rule of the estate.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sandbox) struct RuleData {
    name: String,
    priority: u32,
    direction: String,
    access: String,
    source: String,
    #[serde(default = "anywhere")]
    destination: String,
    ports: String,
}

impl RuleData {
    /// The rule as ARM writes it.
    pub(in crate::sandbox) fn json(&self, group: &str) -> Value {
        let ends = (self.source.as_str(), self.destination.as_str(), self.ports.as_str());
        rule(
            group,
            "securityRules",
            &self.name,
            self.priority,
            &self.direction,
            &self.access,
            ends,
        )
    }
}

fn anywhere() -> String {
    "*".to_owned()
}

/// `ends` are source, destination and destination port.
fn rule(
    group: &str,
    kind: &str,
    name: &str,
    priority: u32,
    direction: &str,
    access: &str,
    ends: (&str, &str, &str),
) -> Value {
    let (source, destination, port) = ends;
    json!({
        "name": name,
        "id": format!("{group}/{kind}/{name}"),
        "etag": format!("W/\"{}\"", derived(group)),
        "type": format!("Microsoft.Network/networkSecurityGroups/{kind}"),
        "properties": {
            "provisioningState": "Succeeded",
            "protocol": "*",
            "sourcePortRange": "*",
            "destinationPortRange": port,
            "sourceAddressPrefix": source,
            "destinationAddressPrefix": destination,
            "access": access,
            "priority": priority,
            "direction": direction,
            "sourcePortRanges": [],
            "destinationPortRanges": [],
            "sourceAddressPrefixes": [],
            "destinationAddressPrefixes": [],
        },
    })
}

/// The rules that every group has and nobody can change.
fn default_rules(group: &str) -> Vec<Value> {
    let rows = [
        (
            "AllowVnetInBound",
            65000,
            "Inbound",
            "Allow",
            "VirtualNetwork",
            "VirtualNetwork",
        ),
        (
            "AllowAzureLoadBalancerInBound",
            65001,
            "Inbound",
            "Allow",
            "AzureLoadBalancer",
            "*",
        ),
        ("DenyAllInBound", 65500, "Inbound", "Deny", "*", "*"),
        (
            "AllowVnetOutBound",
            65000,
            "Outbound",
            "Allow",
            "VirtualNetwork",
            "VirtualNetwork",
        ),
        ("AllowInternetOutBound", 65001, "Outbound", "Allow", "*", "Internet"),
        ("DenyAllOutBound", 65500, "Outbound", "Deny", "*", "*"),
    ];
    let rule = |(name, priority, direction, access, source, destination)| {
        let mut rule = rule(
            group,
            "defaultSecurityRules",
            name,
            priority,
            direction,
            access,
            (source, destination, "*"),
        );
        rule["properties"]["description"] = described(name).into();
        rule
    };
    rows.into_iter().map(rule).collect()
}

fn described(name: &str) -> &'static str {
    match name {
        "AllowVnetInBound" => "Allow inbound traffic from all VMs in VNET",
        "AllowAzureLoadBalancerInBound" => "Allow inbound traffic from azure load balancer",
        "DenyAllInBound" => "Deny all inbound traffic",
        "AllowVnetOutBound" => "Allow outbound traffic from all VMs to all VMs in VNET",
        "AllowInternetOutBound" => "Allow outbound traffic from all VMs to Internet",
        _ => "Deny all outbound traffic",
    }
}

/// `GET …/networkSecurityGroups` of a subscription or of a group: those that the caller may read.
pub(super) fn list(world: &SandboxWorld, context: &ArmContext<'_>, scope: &str) -> ArmResult {
    if !access::sees(world, &context.caller, scope) {
        return Err(ArmRefusal::forbidden(&context.caller, READ, scope));
    }
    let own = world
        .security_groups
        .iter()
        .filter(|found| access::covers(scope, &found.id));
    let readable = own.filter(|found| access::allowed(world, &context.caller, READ, &found.id));
    let body = context.page(world, readable, |found| resource(world, found));
    Ok(message::json(StatusCode::OK, &body))
}

/// `GET …/networkSecurityGroups/{name}`.
pub(super) fn get(world: &SandboxWorld, context: &ArmContext<'_>, group: &str, name: &str) -> ArmResult {
    let id = format!("/{}", context.request.segments.join("/"));
    access::require(world, &context.caller, READ, &id)?;
    let found = world
        .security_groups
        .iter()
        .find(|found| found.id.eq_ignore_ascii_case(&id));
    let found = found.ok_or_else(|| {
        let text = format!(
            "The Resource 'Microsoft.Network/networkSecurityGroups/{name}' under resource group '{group}' was not \
             found. For more details please go to https://aka.ms/ARMResourceNotFoundFix"
        );
        ArmRefusal::new(404, "ResourceNotFound", text)
    })?;
    Ok(message::json(StatusCode::OK, &resource(world, found)))
}

/// The group as ARM writes it.
pub(super) fn resource(world: &SandboxWorld, found: &SecurityGroup) -> Value {
    let mut body = json!({
        "name": found.name,
        "id": found.id,
        "etag": format!("W/\"{}\"", derived(&found.id)),
        "type": "Microsoft.Network/networkSecurityGroups",
        "location": found.location,
        "properties": {
            "provisioningState": "Succeeded",
            "resourceGuid": derived(&found.id),
            "securityRules": found.rules,
            "defaultSecurityRules": default_rules(&found.id),
        },
    });
    // Azure says nothing of subnets where there are none.
    let attached: Vec<Value> = subnets(world, found)
        .into_iter()
        .map(|id| json!({ "id": id }))
        .collect();
    if !attached.is_empty() {
        body["properties"]["subnets"] = attached.into();
    }
    let attached: Vec<Value> = interfaces(world, found).map(|id| json!({ "id": id })).collect();
    if !attached.is_empty() {
        body["properties"]["networkInterfaces"] = attached.into();
    }
    body
}

/// The IDs of the network interfaces that use the group.
pub(super) fn interfaces<'w>(world: &'w SandboxWorld, group: &'w SecurityGroup) -> impl Iterator<Item = &'w String> {
    let all = world.interfaces.iter().filter(|one| one.uses(&group.id));
    all.map(|one| &one.id)
}

/// The ids of the subnets that use the group.
pub(super) fn subnets(world: &SandboxWorld, group: &SecurityGroup) -> Vec<String> {
    let uses = |id: &Option<String>| id.as_ref().is_some_and(|id| id.eq_ignore_ascii_case(&group.id));
    let all = world
        .vnets
        .values()
        .flat_map(|vnet| vnet.subnets.iter().map(move |subnet| (vnet, subnet)));
    all.filter(|(_, subnet)| uses(&subnet.security_group))
        .map(|(vnet, subnet)| format!("{}/subnets/{}", vnet.id, subnet.name))
        .collect()
}
