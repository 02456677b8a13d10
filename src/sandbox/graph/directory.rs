//! The organization, directory roles, and objects by id.

use serde_json::{Value, json};
use uuid::Uuid;

use super::service_principals::{self, may_read};
use super::{GraphRefusal, GraphResult, collection};
use crate::sandbox::message::IncomingRequest;
use crate::sandbox::token::TokenCaller;
use crate::sandbox::world::SandboxWorld;

/// `GET /organization`.
pub(super) fn organization(world: &SandboxWorld, request: &IncomingRequest, caller: &TokenCaller) -> GraphResult {
    may_read(world, caller)?;
    let own = world
        .tenants
        .iter()
        .filter(|tenant| tenant.id == caller.tenant)
        .map(|tenant| {
            json!({
                "id": tenant.id,
                "displayName": tenant.name,
                "tenantType": "AAD",
                "countryLetterCode": "US",
                "verifiedDomains": [{"capabilities": "Email", "isDefault": true, "isInitial": true,
                    "name": tenant.domain, "type": "Managed"}],
            })
        });
    Ok(collection(world, request, "organization", own.collect()))
}

/// `GET /servicePrincipals/{id}/transitiveMemberOf/microsoft.graph.directoryRole`.
pub(super) fn roles(world: &SandboxWorld, request: &IncomingRequest, caller: &TokenCaller, key: &str) -> GraphResult {
    may_read(world, caller)?;
    let principal = service_principals::find(world, caller, key)?;
    let roles = principal.directory_roles.iter().map(|template| {
        json!({
            "@odata.type": "#microsoft.graph.directoryRole",
            "id": crate::sandbox::ids::derived(&format!("{}/{template}", caller.tenant)),
            "deletedDateTime": null,
            "description": null,
            "displayName": role_name(*template),
            "roleTemplateId": template,
        })
    });
    Ok(collection(world, request, "directoryRoles", roles.collect()))
}

fn role_name(template: Uuid) -> &'static str {
    match template.to_string().as_str() {
        "62e90394-69f5-4237-9190-012177145e10" => "Global Administrator",
        "e8611ab8-c189-46e8-94e1-60213ab1f814" => "Privileged Role Administrator",
        "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3" => "Application Administrator",
        "158c047a-c907-4556-b7ef-446551a6b5f7" => "Cloud Application Administrator",
        "cf1c38e5-3621-4004-a7cb-879624dced7c" => "Application Developer",
        "88d8e3e3-8f55-4a1e-953a-9b9898b8876b" => "Directory Readers",
        _ => "Custom role",
    }
}

/// `POST /directoryObjects/getByIds`.
pub(super) fn get_by_ids(world: &SandboxWorld, request: &IncomingRequest, caller: &TokenCaller) -> GraphResult {
    may_read(world, caller)?;
    let body = request
        .json()
        .ok_or_else(|| GraphRefusal::bad("Unable to read JSON request payload."))?;
    let ids = body["ids"]
        .as_array()
        .ok_or_else(|| GraphRefusal::bad("A value is required for property 'ids'."))?;
    let ids: Vec<Uuid> = ids.iter().filter_map(|id| Uuid::parse_str(id.as_str()?).ok()).collect();
    let own = world
        .principals
        .iter()
        .filter(|found| found.tenant == caller.tenant && ids.contains(&found.id));
    let own = own.filter(|found| found.since.passed(world.timing.graph_get, world.now));
    let objects: Vec<Value> = own
        .map(|found| {
            let mut object = service_principals::resource(world, found);
            object["@odata.type"] = "#microsoft.graph.servicePrincipal".into();
            object
        })
        .collect();
    Ok(collection(world, request, "directoryObjects", objects))
}
