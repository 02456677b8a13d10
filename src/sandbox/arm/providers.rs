//! Offers and contents of a subscription: resource providers, locations, and the plain list of resources.

use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::context::ArmContext;
use super::errors::ArmRefusal;
use super::{ArmResult, access, registrations};
use crate::sandbox::message;
use crate::sandbox::world::SandboxWorld;

/// Name and display name of the regions that the estates and the vendors use.
const LOCATIONS: [(&str, &str); 14] = [
    ("eastus", "East US"),
    ("eastus2", "East US 2"),
    ("westus2", "West US 2"),
    ("southcentralus", "South Central US"),
    ("canadacentral", "Canada Central"),
    ("northeurope", "North Europe"),
    ("westeurope", "West Europe"),
    ("germanywestcentral", "Germany West Central"),
    ("uksouth", "UK South"),
    ("francecentral", "France Central"),
    ("switzerlandnorth", "Switzerland North"),
    ("australiaeast", "Australia East"),
    ("japaneast", "Japan East"),
    ("uaenorth", "UAE North"),
];

/// The providers that are served here, with their resource types.
const PROVIDERS: [(&str, &[&str]); 4] = [
    (
        "Microsoft.Network",
        &[
            "virtualNetworks",
            "virtualNetworks/subnets",
            "virtualNetworks/virtualNetworkPeerings",
            "networkSecurityGroups",
            "networkSecurityGroups/securityRules",
            "locations",
            "locations/operations",
            "locations/operationResults",
        ],
    ),
    (
        "Microsoft.Authorization",
        &["roleDefinitions", "roleAssignments", "permissions", "locks"],
    ),
    (
        "Microsoft.Resources",
        &["tenants", "subscriptions", "subscriptions/resourceGroups", "resources"],
    ),
    ("Microsoft.ResourceGraph", &["resources"]),
];

/// `GET /subscriptions/{id}/providers`.
pub(super) fn list(world: &SandboxWorld, context: &ArmContext<'_>, subscription: Uuid) -> ArmResult {
    seen(
        world,
        context,
        subscription,
        "Microsoft.Resources/subscriptions/providers/read",
    )?;
    let body = context.page(world, PROVIDERS.iter(), |(namespace, _)| {
        resource(world, subscription, namespace)
    });
    Ok(message::json(StatusCode::OK, &body))
}

/// `POST /subscriptions/{id}/providers/{namespace}/register`.
pub(super) fn register(world: &mut SandboxWorld, context: &ArmContext<'_>, subscription: Uuid) -> ArmResult {
    let given = context.request.segments.get(3).map(String::as_str).unwrap_or_default();
    let namespace = known(given).map_or(given, |(namespace, _)| namespace);
    let scope = format!("/subscriptions/{subscription}");
    access::require(world, &context.caller, &format!("{namespace}/register/action"), &scope)?;
    registrations::register(world, subscription, namespace);
    get(world, context, subscription)
}

/// `GET /subscriptions/{id}/providers/{namespace}`.
pub(super) fn get(world: &SandboxWorld, context: &ArmContext<'_>, subscription: Uuid) -> ArmResult {
    let namespace = context.request.segments.get(3).map(String::as_str).unwrap_or_default();
    Ok(message::json(StatusCode::OK, &resource(world, subscription, namespace)))
}

fn known(namespace: &str) -> Option<(&'static str, &'static [&'static str])> {
    let mut all = PROVIDERS.into_iter();
    all.find(|(known, _)| known.eq_ignore_ascii_case(namespace))
}

fn resource(world: &SandboxWorld, subscription: Uuid, namespace: &str) -> Value {
    let (namespace, types) = known(namespace).unwrap_or((namespace, &[]));
    let places: Vec<&str> = LOCATIONS.iter().map(|(_, display)| *display).collect();
    let types = types.iter().map(|name| {
        json!({
            "resourceType": name,
            "locations": places,
            "apiVersions": ["2025-07-01", "2024-03-01", "2023-11-01", "2022-04-01"],
            "capabilities": "None",
        })
    });
    json!({
        "id": format!("/subscriptions/{subscription}/providers/{namespace}"),
        "namespace": namespace,
        "resourceTypes": types.collect::<Vec<_>>(),
        "registrationState": registrations::state(world, subscription, namespace),
        "registrationPolicy": "RegistrationRequired",
    })
}

/// `GET /subscriptions/{id}/locations`.
pub(super) fn locations(world: &SandboxWorld, context: &ArmContext<'_>, subscription: Uuid) -> ArmResult {
    seen(
        world,
        context,
        subscription,
        "Microsoft.Resources/subscriptions/locations/read",
    )?;
    let body = context.page(world, LOCATIONS.iter(), |(name, display)| {
        json!({
            "id": format!("/subscriptions/{subscription}/locations/{name}"),
            "name": name,
            "type": "Region",
            "displayName": display,
            "regionalDisplayName": display,
            "metadata": {"regionType": "Physical", "regionCategory": "Recommended"},
        })
    });
    Ok(message::json(StatusCode::OK, &body))
}

/// `GET /subscriptions/{id}[/resourceGroups/{name}]/resources`, with `$filter=resourceType eq '…'` and the like.
pub(super) fn resources(world: &SandboxWorld, context: &ArmContext<'_>, scope: &str) -> ArmResult {
    let wanted = clauses(context.request.query("$filter").unwrap_or_default())?;
    let networks = world.vnets.values().map(|found| {
        let kind = "Microsoft.Network/virtualNetworks";
        (&found.id, &found.name, &found.location, kind)
    });
    let groups = world.security_groups.iter().map(|found| {
        let kind = "Microsoft.Network/networkSecurityGroups";
        (&found.id, &found.name, &found.location, kind)
    });
    let inside = networks.chain(groups).filter(|(id, name, location, kind)| {
        let value = |property: &str| match property {
            "resourcetype" => kind,
            "resourcegroup" => id.split('/').nth(4).unwrap_or_default(),
            "name" => name,
            _ => location.as_str(),
        };
        access::covers(scope, id)
            && wanted
                .iter()
                .all(|(property, wanted)| wanted.eq_ignore_ascii_case(value(property)))
            && access::allowed(world, &context.caller, &format!("{kind}/read"), id)
    });
    let body = context.page(
        world,
        inside,
        |(id, name, location, kind)| json!({"id": id, "name": name, "type": kind, "location": location}),
    );
    Ok(message::json(StatusCode::OK, &body))
}

/// The clauses `{property} eq '{value}'` of a filter, joined by `and`; the properties in lower case.
fn clauses(filter: &str) -> Result<Vec<(String, String)>, ArmRefusal> {
    let clause = |text: &str| {
        let (property, value) = text.split_once(" eq ")?;
        let value = value.trim().strip_prefix('\'')?.strip_suffix('\'')?;
        let property = property.trim().to_ascii_lowercase();
        let known = ["resourcetype", "resourcegroup", "name", "location"].contains(&property.as_str());
        known.then(|| (property, value.to_owned()))
    };
    let texts = filter.split(" and ").filter(|text| !text.trim().is_empty());
    texts.map(clause).collect::<Option<Vec<_>>>().ok_or_else(|| {
        let text = format!("Invalid $filter '{filter}' specified in the query string.");
        ArmRefusal::new(400, "InvalidFilterInQueryString", text)
    })
}

fn seen(world: &SandboxWorld, context: &ArmContext<'_>, subscription: Uuid, action: &str) -> Result<(), ArmRefusal> {
    let scope = format!("/subscriptions/{subscription}");
    if access::sees(world, &context.caller, &scope) {
        return Ok(());
    }
    Err(ArmRefusal::forbidden(&context.caller, action, &scope))
}
