//! `/_sandbox/inventory`: everything that there is by its ID, so that a test can tell what became of each thing. Secrets
//! are not in it, and neither is what changes by itself (times, versions).

use serde_json::{Map, Value, json};

use super::world::{ApplicationRecord, PeeringRecord, PermissionRecord, PrincipalRecord, SandboxWorld, VnetRecord};

/// Returns every object under its ID; a credential and a peering under an ID of their own.
pub(super) fn inventory(world: &SandboxWorld) -> Value {
    let mut all = Map::new();
    directory(world, &mut all);
    access(world, &mut all);
    for vnet in world.vnets.values() {
        networks(vnet, &mut all);
    }
    vendors(world, &mut all);
    Value::Object(all)
}

fn directory(world: &SandboxWorld, all: &mut Map<String, Value>) {
    for found in &world.applications {
        let id = format!("applications/{}", found.id);
        let keys = found.keys.iter().map(|key| (key.id, &key.name));
        let secrets = found.passwords.iter().map(|secret| (secret.key, &secret.name));
        for (key, name) in secrets.chain(keys) {
            all.insert(format!("{id}/credentials/{key}"), json!(name));
        }
        all.insert(id, application(found));
    }
    for found in &world.deleted_applications {
        let id = format!("deletedApplications/{}", found.object.id);
        all.insert(id, application(&found.object));
    }
    for found in &world.principals {
        all.insert(format!("servicePrincipals/{}", found.id), principal(found));
    }
}

fn application(found: &ApplicationRecord) -> Value {
    json!({
        "appId": found.app_id, "displayName": found.name, "tenant": found.tenant,
        "signInAudience": found.audience.name(), "uniqueName": found.unique_name, "description": found.description,
        "notes": found.notes, "tags": found.tags, "certificates": found.certificates, "owners": found.owners,
        "federated": found.federated.iter().map(|one| format!("{one:?}")).collect::<Vec<_>>(), "others": found.kept,
    })
}

fn principal(found: &PrincipalRecord) -> Value {
    json!({
        "appId": found.app_id, "displayName": found.name, "tenant": found.tenant, "directoryRoles": found.directory_roles,
        "owners": found.owners, "others": found.kept, "secrets": found.passwords.iter().map(|one| one.key).collect::<Vec<_>>(),
    })
}

fn access(world: &SandboxWorld, all: &mut Map<String, Value>) {
    for found in world.definitions.iter().filter(|found| found.tenant.is_some()) {
        let permissions: Vec<Value> = found.permissions.iter().map(permission).collect();
        let role = json!({ "roleName": found.name, "description": found.description, "tenant": found.tenant,
            "permissions": permissions, "assignableScopes": found.scopes });
        all.insert(format!("roleDefinitions/{}", found.guid), role);
    }
    for found in &world.assignments {
        let role = world.definitions.iter().find(|role| role.guid == found.role);
        let permissions: Vec<Value> = role
            .into_iter()
            .flat_map(|role| &role.permissions)
            .map(permission)
            .collect();
        let assignment = json!({ "scope": found.scope, "role": found.role, "principalId": found.principal,
            "description": found.description, "condition": found.condition, "permissions": permissions });
        all.insert(found.id(), assignment);
    }
    for found in &world.locks {
        let id = format!("{}/locks/{}", found.scope, found.name);
        all.insert(id, json!({ "level": found.level, "notes": found.notes }));
    }
    for found in &world.denials {
        all.insert(format!("denyAssignments/{}", found.guid), json!(format!("{found:?}")));
    }
    for found in &world.eligibilities {
        all.insert(format!("eligibilities/{}", found.guid), json!(format!("{found:?}")));
    }
}

fn permission(entry: &PermissionRecord) -> Value {
    json!({ "actions": entry.actions, "notActions": entry.not_actions, "dataActions": entry.data_actions,
        "notDataActions": entry.not_data_actions })
}

fn networks(vnet: &VnetRecord, all: &mut Map<String, Value>) {
    let subnets: Vec<String> = vnet.subnets.iter().map(|subnet| format!("{subnet:?}")).collect();
    let network = json!({ "location": vnet.location, "tags": vnet.tags, "addressSpace": vnet.prefixes,
        "dnsServers": vnet.dns_servers, "subnets": subnets });
    all.insert(vnet.id.clone(), network);
    for found in &vnet.peerings {
        let id = format!("{}/virtualNetworkPeerings/{}", vnet.id, found.name);
        all.insert(id, peering(found));
    }
}

fn peering(found: &PeeringRecord) -> Value {
    json!({
        "remote": found.remote, "state": format!("{:?}", found.state), "settings": format!("{:?}", found.settings),
        "remoteAddressSpace": found.known, "others": found.others,
    })
}

fn vendors(world: &SandboxWorld, all: &mut Map<String, Value>) {
    for found in &world.konnect.gateways {
        let gateway = json!({ "network": found.network, "name": found.name, "state": found.stage.name(),
            "dns": found.dns, "attachment": found.attachment.json() });
        all.insert(format!("transitGateways/{}", found.id), gateway);
    }
    for found in &world.links {
        let link = json!({ "network": found.parent, "request": found.request, "state": format!("{:?}", found.stage) });
        all.insert(format!("links/{}", found.id), link);
    }
}
