//! The commands of one step alone, for somebody who may do what this operator may not.

use uuid::Uuid;

use super::role_json;
use crate::azure::{PeeringBody, RoleDefinition};
use crate::domain::PeeringId;
use crate::plan::{OwnApp, PeeringIntent, Remote, RoleGrant, RoleGrantee};
use crate::render::{ShellWord, quoted};

/// Writing the role definitions of these grants.
pub fn role_definition(intent: &PeeringIntent, grants: &[RoleGrant]) -> Vec<String> {
    let create = |grant: &RoleGrant| {
        let json = role_json(grant, &intent.vnet.subscription_scope());
        format!("az role definition create --role-definition {}", quoted(&json))
    };
    let grants = grants.iter().filter(|grant| grant.built_in.is_none());
    std::iter::once(format!("az account set --subscription {}", intent.vnet.subscription))
        .chain(grants.map(create))
        .collect()
}

/// Changing a role that exists into this one.
pub fn role_update(role: &RoleDefinition) -> Vec<String> {
    let json = serde_json::json!({
        "name": role.guid,
        "roleName": role.name,
        "description": role.description,
        "permissions": role.permissions,
        "assignableScopes": role.assignable_scopes,
    });
    vec![format!(
        "az role definition update --role-definition {}",
        quoted(&json.to_string())
    )]
}

/// Assigning the roles of these grants; `own_app` is the own application's client id, once it is known.
pub fn role_assignment(intent: &PeeringIntent, grants: &[RoleGrant], own_app: Option<Uuid>) -> Vec<String> {
    let given = match intent.own_app {
        Some(OwnApp::Given(id)) => Some(id),
        _ => None,
    };
    let mut lines = Vec::new();
    for grant in grants {
        let id = match (grant.to, &intent.vendor_app, own_app.or(given)) {
            (RoleGrantee::Vendor, Some(app), _) => app.id.to_string(),
            (RoleGrantee::OwnApp, _, Some(id)) => id.to_string(),
            _ => "CLIENT-ID-OF-THE-OWN-APPLICATION".to_owned(),
        };
        lines.push(format!(
            "principal_id=$(az ad sp show --id {id} --query id --output tsv)"
        ));
        lines.push(format!(
            "az role assignment create --assignee-object-id \"$principal_id\" --assignee-principal-type ServicePrincipal --role {} --scope {}",
            quoted(grant.name()),
            ShellWord(&intent.vnet.to_string())
        ));
    }
    lines
}

/// Registering the own application.
pub fn own_app(intent: &PeeringIntent) -> Vec<String> {
    let Some(OwnApp::Made { display_name, .. }) = &intent.own_app else {
        return Vec::new();
    };
    vec![
        format!(
            "app_id=$(az ad app create --display-name {} --sign-in-audience AzureADMultipleOrgs --query appId --output tsv)",
            quoted(display_name)
        ),
        "az ad sp create --id \"$app_id\"".to_owned(),
        "then run the same command again with --own-app and that id.".to_owned(),
    ]
}

/// Writing the other side's direction, by an identity that may write there and is known in both tenants. `present`: the
/// one that is there, which keeps its settings; `transit`: it has to allow gateway transit.
pub fn other_direction(
    intent: &PeeringIntent,
    remote: &Remote,
    present: Option<&PeeringBody>,
    transit: bool,
) -> Vec<String> {
    let ours = intent.vnet.to_string();
    let write = match present {
        // A second `create` would put every setting that it does not name back to its default.
        Some(present) => format!(
            "{} --remote-vnet {} --allow-vnet-access true{}",
            update_peering(&present.id),
            ShellWord(&ours),
            if transit { " --allow-gateway-transit true" } else { "" }
        ),
        None => format!(
            "az network vnet peering create --subscription {} --resource-group {} --vnet-name {} --name {} --remote-vnet {} --allow-vnet-access{}",
            remote.vnet.subscription,
            ShellWord(&remote.vnet.resource_group),
            remote.vnet.name,
            ShellWord(&intent.remote_peering_name(remote)),
            ShellWord(&ours),
            if transit { " --allow-gateway-transit" } else { "" }
        ),
    };
    vec![
        format!("az login --tenant {}", intent.tenant),
        format!("az login --tenant {}", remote.tenant),
        write,
        "or with peerctl:".to_owned(),
        format!(
            "peerctl azure setup --vendor generic --tenant-id {} --vnet-id {} --set remote-tenant-id={} --set remote-vnet-id={}{}",
            remote.tenant,
            ShellWord(&remote.vnet.to_string()),
            intent.tenant,
            ShellWord(&ours),
            if transit { " --allow-gateway-transit" } else { "" }
        ),
    ]
}

/// The beginning of a command that changes a peering: az reads it first, and keeps what the command does not name.
pub fn update_peering(id: &PeeringId) -> String {
    on_peering("update", id)
}

/// A command that shows a peering with all its settings.
pub fn show_peering(id: &PeeringId) -> String {
    format!("{} --output json", on_peering("show", id))
}

fn on_peering(verb: &str, id: &PeeringId) -> String {
    let vnet = &id.vnet;
    format!(
        "az network vnet peering {verb} --subscription {} --resource-group {} --vnet-name {} --name {}",
        vnet.subscription,
        ShellWord(&vnet.resource_group),
        vnet.name,
        ShellWord(&id.name)
    )
}

/// Deleting a peering's direction.
pub fn delete_peering(id: &PeeringId) -> Vec<String> {
    vec![on_peering("delete", id)]
}

/// Removing a role assignment, by its full id.
pub fn delete_assignment(id: &str) -> Vec<String> {
    vec![format!("az role assignment delete --ids {}", ShellWord(id))]
}

/// Removing a role, or leaving it to `others`, the scopes that share it.
pub fn remove_role(role: &RoleDefinition, others: &[String], scope: &str) -> Vec<String> {
    if others.is_empty() {
        return vec![format!(
            "az role definition delete --name {} --scope {}",
            quoted(&role.guid.to_string()),
            ShellWord(scope)
        )];
    }
    role_update(&RoleDefinition {
        assignable_scopes: others.to_vec(),
        ..role.clone()
    })
}
