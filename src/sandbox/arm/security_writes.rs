//! Network security groups and their rules, to be written.

use http::StatusCode;
use serde_json::{Value, json};

use super::context::ArmContext;
use super::errors::ArmRefusal;
use super::{ArmResult, access, groups, network_writes, operations, registrations, security_groups};
use crate::sandbox::ids::derived;
use crate::sandbox::message;
use crate::sandbox::world::{SandboxWorld, SecurityGroup};

const WRITE: &str = "Microsoft.Network/networkSecurityGroups/write";
const DELETE: &str = "Microsoft.Network/networkSecurityGroups/delete";
const WRITE_RULE: &str = "Microsoft.Network/networkSecurityGroups/securityRules/write";
const DELETE_RULE: &str = "Microsoft.Network/networkSecurityGroups/securityRules/delete";

/// `PUT …/networkSecurityGroups/{name}`: it replaces what is there, its rules included.
pub(super) fn put(world: &mut SandboxWorld, context: &ArmContext<'_>, group: &str, name: &str) -> ArmResult {
    let id = context.resource_id();
    access::require(world, &context.caller, WRITE, &id)?;
    registrations::require(world, &id, "Microsoft.Network")?;
    access::unlocked(world, &id, false)?;
    let in_group = groups::find(world, context.subscription(), group).ok_or_else(|| ArmRefusal::no_group(group))?;
    let own_id = format!(
        "{}/providers/Microsoft.Network/networkSecurityGroups/{name}",
        in_group.id()
    );
    let body = context.request.json().ok_or_else(ArmRefusal::bad_body)?;
    let location = network_writes::location(&body)?;
    let listed = body["properties"]["securityRules"].as_array().into_iter().flatten();
    let rules: Vec<Value> = listed
        .map(|rule| written(&own_id, rule["name"].as_str().unwrap_or_default(), &rule["properties"]))
        .collect::<Result<_, _>>()?;
    rules.iter().try_for_each(|rule| apart(&rules, rule))?;
    let new = SecurityGroup {
        id: own_id.clone(),
        name: name.to_owned(),
        location: location.clone(),
        rules,
    };
    let before = world.security_groups.len();
    world
        .security_groups
        .retain(|found| !found.id.eq_ignore_ascii_case(&id));
    let created = world.security_groups.len() == before;
    let shown = security_groups::resource(world, &new);
    world.security_groups.push(new);
    answered(world, context, (&own_id, &location), shown, created)
}

/// `DELETE …/networkSecurityGroups/{name}`: not while a subnet or a network interface uses it.
pub(super) fn delete(world: &mut SandboxWorld, context: &ArmContext<'_>) -> ArmResult {
    let id = context.resource_id();
    access::require(world, &context.caller, DELETE, &id)?;
    access::unlocked(world, &id, true)?;
    let found = world
        .security_groups
        .iter()
        .find(|found| found.id.eq_ignore_ascii_case(&id));
    let Some(found) = found else {
        return Ok(message::empty(StatusCode::NO_CONTENT));
    };
    let mut users = security_groups::subnets(world, found);
    users.extend(security_groups::interfaces(world, found).cloned());
    if !users.is_empty() {
        let text = format!(
            "Network security group {} cannot be deleted because it is in use by the following resources: {}. In order \
             to delete the Network security group, remove the association with the resource(s). To learn how to do \
             this, see aka.ms/deletensg.",
            found.id,
            users.join(", ")
        );
        return Err(ArmRefusal::new(400, "InUseNetworkSecurityGroupCannotBeDeleted", text));
    }
    let location = found.location.clone();
    world
        .security_groups
        .retain(|found| !found.id.eq_ignore_ascii_case(&id));
    gone(world, context, &id, &location)
}

/// `GET …/networkSecurityGroups/{group}/securityRules/{name}`.
pub(super) fn get_rule(world: &SandboxWorld, context: &ArmContext<'_>, name: &str) -> ArmResult {
    let id = context.resource_id();
    access::require(
        world,
        &context.caller,
        "Microsoft.Network/networkSecurityGroups/securityRules/read",
        &rule_id(&id, name),
    )?;
    let found = world
        .security_groups
        .iter()
        .find(|found| found.id.eq_ignore_ascii_case(&id));
    let rule = found.and_then(|found| found.rules.iter().find(|rule| is(rule, name)));
    let rule =
        rule.ok_or_else(|| ArmRefusal::new(404, "NotFound", format!("Resource {} not found.", rule_id(&id, name))))?;
    Ok(message::json(StatusCode::OK, rule))
}

/// `PUT …/networkSecurityGroups/{group}/securityRules/{name}`.
pub(super) fn put_rule(world: &mut SandboxWorld, context: &ArmContext<'_>, name: &str) -> ArmResult {
    let id = context.resource_id();
    let own_id = rule_id(&id, name);
    access::require(world, &context.caller, WRITE_RULE, &own_id)?;
    registrations::require(world, &id, "Microsoft.Network")?;
    access::unlocked(world, &own_id, false)?;
    let body = context.request.json().ok_or_else(ArmRefusal::bad_body)?;
    let found = world
        .security_groups
        .iter_mut()
        .find(|found| found.id.eq_ignore_ascii_case(&id));
    let found = found.ok_or_else(|| ArmRefusal::new(404, "NotFound", format!("Resource {id} not found.")))?;
    let new = written(&found.id, name, &body["properties"])?;
    apart(&found.rules, &new)?;
    let before = found.rules.len();
    found.rules.retain(|rule| !is(rule, name));
    let created = found.rules.len() == before;
    found.rules.push(new.clone());
    let (own_id, location) = (found.id.clone(), found.location.clone());
    answered(world, context, (&own_id, &location), new, created)
}

/// `DELETE …/networkSecurityGroups/{group}/securityRules/{name}`.
pub(super) fn delete_rule(world: &mut SandboxWorld, context: &ArmContext<'_>, name: &str) -> ArmResult {
    let id = context.resource_id();
    let own_id = rule_id(&id, name);
    access::require(world, &context.caller, DELETE_RULE, &own_id)?;
    access::unlocked(world, &own_id, true)?;
    let found = world
        .security_groups
        .iter_mut()
        .find(|found| found.id.eq_ignore_ascii_case(&id));
    let Some(found) = found.filter(|found| found.rules.iter().any(|rule| is(rule, name))) else {
        return Ok(message::empty(StatusCode::NO_CONTENT));
    };
    found.rules.retain(|rule| !is(rule, name));
    let location = found.location.clone();
    gone(world, context, &id, &location)
}

/// No other rule has the same place in the order.
fn apart(rules: &[Value], new: &Value) -> Result<(), ArmRefusal> {
    let name = new["name"].as_str().unwrap_or_default();
    let same_place = |rule: &&Value| {
        let (one, other) = (&rule["properties"], &new["properties"]);
        !is(rule, name) && one["priority"] == other["priority"] && one["direction"] == other["direction"]
    };
    let Some(other) = rules.iter().find(same_place) else {
        return Ok(());
    };
    let text = format!(
        "Security rule {} conflicts with rule {name}. Rules cannot have the same Priority and Direction. To learn \
         more, see aka.ms/nsgrules.",
        other["name"].as_str().unwrap_or_default()
    );
    Err(ArmRefusal::new(400, "SecurityRuleConflict", text))
}

fn rule_id(group: &str, name: &str) -> String {
    format!("{group}/securityRules/{name}")
}

fn is(rule: &Value, name: &str) -> bool {
    rule["name"]
        .as_str()
        .is_some_and(|found| found.eq_ignore_ascii_case(name))
}

/// The rule as ARM keeps it: what was given, and an empty list for each plural that was not.
fn written(group: &str, name: &str, properties: &Value) -> Result<Value, ArmRefusal> {
    for needed in ["protocol", "access", "priority", "direction"] {
        if properties[needed].is_null() {
            let text = format!(
                "Required security rule parameters are missing for security rule with Id: {group}/securityRules/{name}. Security rule must specify {needed}."
            );
            return Err(ArmRefusal::new(400, "SecurityRuleParameterMissing", text));
        }
    }
    let mut kept = properties.clone();
    kept["provisioningState"] = "Succeeded".into();
    let plurals = [
        "sourcePortRanges",
        "destinationPortRanges",
        "sourceAddressPrefixes",
        "destinationAddressPrefixes",
    ];
    for plural in plurals {
        if !kept[plural].is_array() {
            kept[plural] = json!([]);
        }
    }
    Ok(json!({
        "name": name,
        "id": rule_id(group, name),
        "etag": format!("W/\"{}\"", derived(&format!("{group}#{kept}"))),
        "type": "Microsoft.Network/networkSecurityGroups/securityRules",
        "properties": kept,
    }))
}

fn answered(
    world: &mut SandboxWorld,
    context: &ArmContext<'_>,
    of: (&str, &str),
    mut body: Value,
    created: bool,
) -> ArmResult {
    body["properties"]["provisioningState"] = "Updating".into();
    let mut answer = message::json(if created { StatusCode::CREATED } else { StatusCode::OK }, &body);
    operations::begin(
        world,
        context,
        &mut answer,
        of.0,
        of.1,
        "PutNetworkSecurityGroupOperation",
    );
    Ok(answer)
}

fn gone(world: &mut SandboxWorld, context: &ArmContext<'_>, id: &str, location: &str) -> ArmResult {
    let mut answer = message::empty(StatusCode::ACCEPTED);
    operations::begin(
        world,
        context,
        &mut answer,
        id,
        location,
        "DeleteNetworkSecurityGroupOperation",
    );
    Ok(answer)
}
