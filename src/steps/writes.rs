//! The requests that a run would send to change something, as far as they can be told beforehand. Pure; a test holds them
//! against what a run really sends.

use serde_json::{Value, json};
use uuid::Uuid;

use super::clean_up::leftovers;
use super::gateways::{DirectionWrite, direction_writes, local, settings_of_theirs};
use super::own_app::CREDENTIAL;
use super::own_direction::is_made_again;
use super::peering::leftover;
use super::role_definition::wanted_role;
use super::two_tenants::wanted;
use super::vendor_peering::VendorPeering;
use super::vendor_request::{is_made_anew, new_request};
use super::{ObservedState, decision};
use crate::azure::{PeeringBody, RoleDefinition, role_definition_id};
use crate::domain::{PeeringState, TenantId, role_assignment_guid};
use crate::plan::{ConsentMode, OwnApp, PeeringIntent, PlannedWrite, RoleGrant, RoleGrantee, StepId, VendorAccess};
use crate::vendors::{CreatedBy, connection, peering_connection, transit_gateway};

const ARM: &str = "resource-manager";
const GRAPH: &str = "graph";
const OWN_APP_ID: &str = "{ownAppId}";
const NETWORK: &str = "{vendorNetworkId}";

/// Every write of a run, in the order of its steps. `brought`: the operator brings the own application's credential.
pub fn writes(intent: &PeeringIntent, facts: &ObservedState, brought: bool) -> Vec<PlannedWrite> {
    let will = |step: StepId| decision(step, intent, facts).writes();
    let mut all = Vec::new();
    for step in intent.steps() {
        match step {
            StepId::Consent if will(step) => all.extend(consent(intent)),
            StepId::OwnApp if will(step) => all.extend(own_app(intent, facts)),
            StepId::RoleDefinition if will(step) => all.extend(role_definitions(intent, facts)),
            StepId::RoleAssignment if will(step) => all.extend(role_assignments(intent, facts)),
            StepId::VendorRequest if will(step) => all.extend(vendor_request(intent, facts)),
            StepId::Peering if will(step) => all.extend(peerings(intent, facts, brought)),
            _ => {}
        }
    }
    all.extend(clean_up(facts, &all));
    all
}

fn write(
    step: StepId,
    api: &str,
    method: &'static str,
    resource: impl Into<String>,
    body: Option<Value>,
) -> PlannedWrite {
    PlannedWrite {
        step,
        api: api.to_owned(),
        method,
        resource: resource.into(),
        body,
        auxiliary_tenant: None,
    }
}

fn consent(intent: &PeeringIntent) -> Option<PlannedWrite> {
    let app = intent
        .vendor_app
        .as_ref()
        .filter(|_| intent.consent == ConsentMode::Create)?;
    Some(principal(StepId::Consent, &app.id.to_string()))
}

fn principal(step: StepId, app_id: &str) -> PlannedWrite {
    let body = json!({ "appId": app_id, "accountEnabled": true });
    write(step, GRAPH, "POST", "/v1.0/servicePrincipals", Some(body))
}

fn own_app_id(intent: &PeeringIntent, facts: &ObservedState) -> String {
    match (&facts.own_app, &intent.own_app) {
        (Some(app), _) => app.app_id.to_string(),
        (None, Some(OwnApp::Given(id))) => id.to_string(),
        (None, _) => OWN_APP_ID.to_owned(),
    }
}

fn own_app(intent: &PeeringIntent, facts: &ObservedState) -> Vec<PlannedWrite> {
    let step = StepId::OwnApp;
    let mut all = Vec::new();
    if let (
        None,
        Some(OwnApp::Made {
            unique_name,
            display_name,
        }),
    ) = (&facts.own_app, &intent.own_app)
    {
        all.push(if let Some(deleted) = &facts.deleted_app {
            let path = format!("/v1.0/directory/deletedItems/{}/restore", deleted.id);
            write(step, GRAPH, "POST", path, Some(json!({})))
        } else {
            let path = format!("/v1.0/applications(uniqueName='{unique_name}')");
            write(step, GRAPH, "PATCH", path, Some(intent.own_app_body(display_name)))
        });
    }
    if facts.own_principal.is_none() {
        all.push(principal(step, &own_app_id(intent, facts)));
    }
    all
}

fn role_definitions(intent: &PeeringIntent, facts: &ObservedState) -> Vec<PlannedWrite> {
    let mut all = Vec::new();
    for grant in intent.grants().iter().filter(|grant| grant.built_in.is_none()) {
        let (present, wanted) = (facts.role(intent, grant), wanted_role(intent, facts, grant));
        // Another role may do as well.
        let needed = present.is_some() || facts.assignment(intent, grant).is_none();
        if needed && present != Some(&wanted) {
            all.push(role_definition(intent, &wanted));
        }
    }
    all
}

fn role_definition(intent: &PeeringIntent, role: &RoleDefinition) -> PlannedWrite {
    let here = intent.vnet.subscription_scope();
    let scope = role.assignable_scopes.first().unwrap_or(&here);
    let path = format!(
        "{scope}/providers/Microsoft.Authorization/roleDefinitions/{}",
        role.guid
    );
    let body = json!({ "properties": {
        "roleName": role.name,
        "description": role.description,
        "type": "CustomRole",
        "permissions": role.permissions,
        "assignableScopes": role.assignable_scopes,
    }});
    write(StepId::RoleDefinition, ARM, "PUT", path, Some(body))
}

fn role_assignments(intent: &PeeringIntent, facts: &ObservedState) -> Vec<PlannedWrite> {
    let grants = intent.grants().into_iter();
    let missing = grants.filter(|grant| facts.assignment(intent, grant).is_none());
    missing.map(|grant| role_assignment(intent, facts, &grant)).collect()
}

fn role_assignment(intent: &PeeringIntent, facts: &ObservedState, grant: &RoleGrant) -> PlannedWrite {
    let role = grant.built_in.unwrap_or_else(|| wanted_role(intent, facts, grant).guid);
    let vnet = intent.vnet.to_string();
    let grantee = facts.grantee(grant);
    let unknown = match grant.to {
        RoleGrantee::Vendor => "{vendorPrincipalId}",
        RoleGrantee::OwnApp => "{ownPrincipalId}",
    };
    let id = grantee.map_or("{roleAssignmentId}".to_owned(), |principal: Uuid| {
        role_assignment_guid(intent.tenant, &intent.vnet, principal, role).to_string()
    });
    let path = format!("{vnet}/providers/Microsoft.Authorization/roleAssignments/{id}");
    let body = json!({ "properties": {
        "roleDefinitionId": role_definition_id(&vnet, role),
        "principalId": grantee.map_or(unknown.to_owned(), |principal| principal.to_string()),
        "principalType": "ServicePrincipal",
    }});
    write(StepId::RoleAssignment, ARM, "PUT", path, Some(body))
}

fn vendor_request(intent: &PeeringIntent, facts: &ObservedState) -> Vec<PlannedWrite> {
    let access = intent.vendor.access.as_ref();
    let Some(access) = access.filter(|_| intent.access == VendorAccess::Api) else {
        return Vec::new();
    };
    let found = facts.network.as_ref().map(|network| network.id.as_str());
    let network = found.or_else(|| intent.vendor_network_id()).unwrap_or(NETWORK);
    let new = new_request(intent, facts);
    let app = Value::from(own_app_id(intent, facts));
    let project = intent.vendor_input("project").unwrap_or_default();
    let old = facts.request.as_ref().map_or("", |request| request.id.as_str());
    let (path, one, body) = match access.connector.as_str() {
        "konnect" => {
            let path = format!("/v2/cloud-gateways/networks/{network}/transit-gateways");
            (path.clone(), format!("{path}/{old}"), transit_gateway(&new))
        }
        "aiven" => {
            let path = format!("/v1/project/{project}/vpcs/{network}/peering-connections");
            let mut parts = old.splitn(3, '/');
            let mut part = || parts.next().unwrap_or_default();
            let one = format!(
                "{path}/peer-accounts/{}/peer-resource-groups/{}/peer-vpcs/{}",
                part(),
                part(),
                part()
            );
            let mut body = peering_connection(&new);
            body["peer_azure_app_id"] = app;
            (path, one, body)
        }
        "dragonfly" => {
            let mut body = connection(network, &new);
            body["peer"]["azure"]["app_object_id"] = app;
            if facts.vnet.is_none() {
                body["peer"]["region"] = "{vnetRegion}".into();
                body["peer"]["cidr_block"] = "{vnetAddressSpace}".into();
            }
            ("/v1/connections".to_owned(), format!("/v1/connections/{old}"), body)
        }
        _ => return Vec::new(),
    };
    let (step, api) = (StepId::VendorRequest, access.connector.as_str());
    let deleted = is_made_anew(intent, facts).then(|| write(step, api, "DELETE", one, None));
    let asked = write(step, api, "POST", path, Some(body));
    deleted.into_iter().chain([asked]).collect()
}

fn peerings(intent: &PeeringIntent, facts: &ObservedState, brought: bool) -> Vec<PlannedWrite> {
    let step = StepId::Peering;
    let found = facts.vendor_peering(intent);
    let ours = match &found {
        VendorPeering::One(peering) => Some(*peering),
        VendorPeering::None | VendorPeering::Many(_) => None,
    };
    let by_vendor = intent.vendor.peering.created_by == CreatedBy::Vendor;
    let mut all = Vec::new();
    let deleted = match by_vendor {
        true => leftover(intent, facts),
        false => ours.filter(|ours| ours.state == PeeringState::Disconnected && is_made_again(intent, facts)),
    };
    all.extend(deleted.map(|peering| write(step, ARM, "DELETE", peering.id.to_string(), None)));
    if by_vendor {
        return all;
    }
    for due in direction_writes(intent, facts) {
        match due {
            DirectionWrite::Ours { uses_gateways } => all.push(local_peering(intent, facts, ours, uses_gateways)),
            DirectionWrite::Theirs { uses_gateways } => all.extend(remote_peering(intent, facts, uses_gateways)),
        }
    }
    let written = all.iter().any(|write| write.method == "PUT");
    if intent.own_app.is_some() && written && !brought {
        let body = json!({ "passwordCredential": { "displayName": format!("{CREDENTIAL} {{runId}}"), "endDateTime": "{inAnHour}" } });
        all.insert(
            0,
            write(step, GRAPH, "POST", password(facts, "addPassword"), Some(body)),
        );
    }
    all
}

fn local_peering(
    intent: &PeeringIntent,
    facts: &ObservedState,
    ours: Option<&PeeringBody>,
    uses_gateways: bool,
) -> PlannedWrite {
    let remote = facts.known_remote(intent);
    let name = ours.map_or_else(|| facts.free_peering_name(intent), |ours| ours.id.name.clone());
    let path = format!("{}/virtualNetworkPeerings/{name}", intent.vnet);
    let other = remote.as_ref().map_or(&intent.vnet, |remote| &remote.vnet);
    let opposite = facts.remote_peering.as_ref();
    let base = ours.or(facts.former_peering.as_ref());
    let mut body = json!(wanted(other, intent.peering_settings, base, opposite));
    body["properties"]["useRemoteGateways"] = uses_gateways.into();
    if remote.is_none() && base.is_none() {
        body["properties"]["remoteVirtualNetwork"]["id"] = "{remoteVnetId}".into();
    }
    let tenant = remote.map(|remote| remote.tenant).or(intent.vendor.peering.tenant);
    beside(write(StepId::Peering, ARM, "PUT", path, Some(body)), tenant)
}

fn remote_peering(intent: &PeeringIntent, facts: &ObservedState, uses_gateways: bool) -> Option<PlannedWrite> {
    let (remote, theirs) = (facts.known_remote(intent)?, facts.remote_peering.as_ref());
    let name = theirs.map_or_else(|| intent.remote_peering_name(&remote), |theirs| theirs.id.name.clone());
    let path = format!("{}/virtualNetworkPeerings/{name}", remote.vnet);
    let opposite = local(intent, facts);
    let settings = settings_of_theirs(intent, facts);
    let mut body = json!(wanted(&intent.vnet, settings, theirs, opposite.as_ref()));
    body["properties"]["useRemoteGateways"] = uses_gateways.into();
    let write = write(StepId::Peering, ARM, "PUT", path, Some(body));
    Some(beside(write, Some(intent.tenant)))
}

fn beside(mut write: PlannedWrite, tenant: Option<TenantId>) -> PlannedWrite {
    write.auxiliary_tenant = tenant;
    write
}

/// Returns the path of an operation on a credential of the own application.
fn password(facts: &ObservedState, what: &str) -> String {
    // One that is brought has an id that nobody read yet.
    let known = facts.own_app.as_ref().filter(|app| !app.id.is_nil());
    let id = known.map_or("{ownAppObjectId}".to_owned(), |app| app.id.to_string());
    format!("/v1.0/applications/{id}/{what}")
}

/// The credential of this run, and those that earlier ones left behind.
fn clean_up(facts: &ObservedState, before: &[PlannedWrite]) -> Vec<PlannedWrite> {
    let left = leftovers(facts).into_iter().map(|one| one.key_id.to_string());
    let made = before.iter().any(|write| write.resource.ends_with("/addPassword"));
    let keys = left.chain(made.then(|| "{keyId}".to_owned()));
    let remove = |key: String| {
        let path = password(facts, "removePassword");
        write(StepId::CleanUp, GRAPH, "POST", path, Some(json!({ "keyId": key })))
    };
    keys.map(remove).collect()
}
