//! Role definitions and assignments: what each grant needs, and no more.

use super::hcl::{HclBody, code, quoted, text, texts};
use super::{TerraformSource, import};
use crate::azure::{RoleDefinition, role_definition_id};
use crate::plan::{RoleGrant, RoleGrantee};
use crate::render::ExistingGrant;

pub(super) fn write(source: &TerraformSource<'_>, file: &mut HclBody) {
    for existing in &source.existing.grants {
        let (name, principal) = match (existing.grant.to, source.vendor_principal()) {
            (RoleGrantee::OwnApp, _) => ("own", "azuread_service_principal.own.object_id".to_owned()),
            (RoleGrantee::Vendor, Some(address)) => ("vendor", format!("{address}.object_id")),
            (RoleGrantee::Vendor, None) => {
                let app = source.intent.vendor_app.as_ref();
                let given = app.and_then(|app| app.principal_id).unwrap_or_default();
                ("vendor", quoted(&given.to_string()))
            }
        };
        write_grant(source, file, existing, name, &principal);
    }
}

/// A role with its id as an expression, for `role_definition_id` of an assignment and for the assignment's own id.
struct TerraformRole {
    id: String,
    guid: String,
}

fn write_grant(
    source: &TerraformSource<'_>,
    file: &mut HclBody,
    existing: &ExistingGrant,
    name: &str,
    principal: &str,
) {
    let grant = &existing.grant;
    let vnet = source.intent.vnet.to_string();
    let assigned = existing.assignment.as_ref();
    if let Some((found, role)) = assigned.filter(|_| !is_ours(source, existing)) {
        file.comment(&format!(
            "\"{}\" has \"{role}\" at {} already: there is nothing to assign.",
            grant.application, found.scope
        ));
        file.blank();
        return;
    }
    // Another role than the grant's own may do as well.
    let other = assigned.map(|(found, _)| found.role);
    let other = other.filter(|guid| existing.role.as_ref().map(|role| role.guid) != Some(*guid));
    let taken = grant.built_in.or(other);
    let role = match taken {
        Some(guid) => TerraformRole {
            id: quoted(&role_definition_id(&vnet, guid)),
            guid: quoted(&guid.to_string()),
        },
        None => TerraformRole {
            id: format!("azurerm_role_definition.{name}.role_definition_resource_id"),
            guid: format!("azurerm_role_definition.{name}.role_definition_id"),
        },
    };
    match &existing.wanted {
        Some(wanted) if taken.is_none() => define(source, file, grant, name, wanted, existing.role.is_some()),
        _ => {
            let called = assigned.map_or(grant.name(), |(_, role)| role);
            file.comment(&format!(
                "\"{called}\" for \"{}\", at the one virtual network.",
                grant.application
            ));
        }
    }
    file.resource("azurerm_role_assignment", name, |body| {
        match assigned {
            Some((found, _)) => body.set("name", text(&found.name)),
            None => {
                body.comment("The id that setup gives it: made twice, it is one.");
                body.set("name", code(source.assignment_name(principal, &role.guid)))
            }
        };
        body.set("scope", code("local.vnet_id"))
            .set("role_definition_id", code(role.id));
        body.set("principal_id", code(principal))
            .set("principal_type", "ServicePrincipal");
    });
    if let Some((found, _)) = assigned {
        import(file, &format!("azurerm_role_assignment.{name}"), &found.id());
    }
}

fn define(
    source: &TerraformSource<'_>,
    file: &mut HclBody,
    grant: &RoleGrant,
    name: &str,
    role: &RoleDefinition,
    exists: bool,
) {
    let here = source.intent.vnet.subscription_scope();
    let scope = role.assignable_scopes.first().unwrap_or(&here);
    file.comment(&format!(
        "What \"{}\" may do, and no more; at the one virtual network.",
        grant.application
    ));
    file.resource("azurerm_role_definition", name, |body| {
        body.set("role_definition_id", text(role.guid))
            .set("name", text(&role.name));
        if !role.description.is_empty() {
            body.set("description", text(&role.description));
        }
        body.set("scope", text(scope))
            .set("assignable_scopes", texts(&role.assignable_scopes));
        for entry in &role.permissions {
            body.block("permissions", |body| {
                body.set("actions", texts(&entry.actions));
                let more = [
                    ("not_actions", &entry.not_actions),
                    ("data_actions", &entry.data_actions),
                    ("not_data_actions", &entry.not_data_actions),
                ];
                for (name, values) in more.into_iter().filter(|(_, values)| !values.is_empty()) {
                    body.set(name, texts(values));
                }
            });
        }
    });
    if exists {
        // The provider's own form: the role's id, and the scope that it is written at.
        let id = format!("{}|{scope}", role_definition_id(scope, role.guid));
        import(file, &format!("azurerm_role_definition.{name}"), &id);
    }
}

/// Returns whether the assignment belongs to this configuration: one above the network doesn't.
pub(super) fn is_ours(source: &TerraformSource<'_>, existing: &ExistingGrant) -> bool {
    let vnet = source.intent.vnet.to_string();
    let assigned = existing.assignment.as_ref();
    assigned.is_none_or(|(found, _)| found.scope.eq_ignore_ascii_case(&vnet))
}
