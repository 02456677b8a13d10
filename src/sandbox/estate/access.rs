//! Optional parts of an estate besides roles and their assignments: management groups, deny assignments, eligible
//! roles.

use serde::Deserialize;
use uuid::Uuid;

use crate::sandbox::world::{DenyAssignmentRecord, ManagementGroup, PermissionRecord, RoleEligibility, SandboxWorld};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ManagementGroupData {
    name: String,
    tenant: Uuid,
    subscriptions: Vec<Uuid>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DenialData {
    name: String,
    tenant: Uuid,
    scope: String,
    actions: Vec<String>,
    #[serde(default)]
    not_actions: Vec<String>,
    /// Object IDs; none for everyone.
    #[serde(default)]
    principals: Vec<Uuid>,
    #[serde(default)]
    excluded: Vec<Uuid>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EligibilityData {
    principal: Uuid,
    tenant: Uuid,
    /// The name of a built-in role, or of one of the tenant's own.
    role: String,
    scope: String,
}

impl super::SandboxEstate {
    /// Puts it all into a world; after the roles.
    pub(super) fn build_access(&self, world: &mut SandboxWorld) {
        let groups = self.management_groups.iter().map(|data| ManagementGroup {
            name: data.name.clone(),
            tenant: data.tenant,
            subscriptions: data.subscriptions.clone(),
        });
        world.management_groups.extend(groups);
        for data in &self.denials {
            let guid = world.ids.named(&["denial", &data.name, &data.scope]);
            world.denials.push(DenyAssignmentRecord {
                guid,
                tenant: data.tenant,
                name: data.name.clone(),
                scope: data.scope.clone(),
                permission: PermissionRecord {
                    actions: data.actions.clone(),
                    not_actions: data.not_actions.clone(),
                    ..PermissionRecord::default()
                },
                principals: data.principals.clone(),
                excluded: data.excluded.clone(),
            });
        }
        for data in &self.eligibilities {
            let guid = world.ids.named(&["eligibility", &data.role, &data.scope]);
            let mut roles = world.definitions.iter();
            let role = roles.find(|role| role.name.eq_ignore_ascii_case(&data.role));
            let Some(role) = role.map(|role| role.guid) else {
                continue;
            };
            world.eligibilities.push(RoleEligibility {
                guid,
                tenant: data.tenant,
                scope: data.scope.clone(),
                role,
                principal: data.principal,
            });
        }
    }
}
