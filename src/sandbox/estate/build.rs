//! Puts an estate into a world.

use std::time::Duration;

use uuid::Uuid;

use super::{ApplicationData, AssignmentData, RoleData, SandboxEstate, VnetData};
use crate::sandbox::ids::derived;
use crate::sandbox::vendors::{aiven, dragonfly, kong};
use crate::sandbox::world::{
    ApplicationRecord, AssignmentRecord, CreatedAt, DefinitionRecord, LockRecord, PasswordCredential, PeeringRecord,
    PeeringSettingsRecord, PeeringStatus, PermissionRecord, PrincipalRecord, ResourceGroup, SandboxWorld,
    SecurityGroup, SignInAudience, SubnetRecord, SubscriptionRecord, TenantRecord, VnetRecord,
};

impl SandboxEstate {
    /// Puts everything into a world.
    pub(in crate::sandbox) fn build(&self, world: &mut SandboxWorld) {
        self.build_directories(world);
        self.build_networks(world);
        self.build_above(world);
        world.definitions.extend(self.roles.iter().map(RoleData::build));
        for data in &self.assignments {
            self.assign(world, data);
        }
        self.build_access(world);
        kong::build(&self.konnect, world);
        aiven::build(&self.aiven, world);
        dragonfly::build(&self.dragonfly, world);
    }

    fn build_directories(&self, world: &mut SandboxWorld) {
        world.tenants.extend(self.tenants.iter().map(|data| TenantRecord {
            id: data.id,
            name: data.name.clone(),
            domain: data.domain.clone(),
        }));
        world.users.extend(self.users.iter().cloned());
        let applications: Vec<ApplicationRecord> = self.applications.iter().map(|data| data.build(world)).collect();
        world.applications.extend(applications);
        for data in &self.principals {
            let name = world
                .application(data.app_id)
                .map(|application| application.name.clone())
                .unwrap_or_default();
            world.principals.push(PrincipalRecord {
                id: data.id,
                app_id: data.app_id,
                tenant: data.tenant,
                name,
                directory_roles: data.directory_roles.clone(),
                passwords: Vec::new(),
                keys: Vec::new(),
                owners: Vec::new(),
                kept: serde_json::Map::new(),
                reads_directory: data.reads_directory,
                since: CreatedAt::Always,
            });
        }
    }

    fn build_networks(&self, world: &mut SandboxWorld) {
        for data in &self.subscriptions {
            let (id, tenant) = (data.id, data.tenant);
            let (name, state) = (data.name.clone(), data.state.clone());
            world.subscriptions.push(SubscriptionRecord {
                id,
                name,
                tenant,
                state,
            });
            world.groups.extend(data.groups.iter().map(|group| ResourceGroup {
                subscription: id,
                name: group.name.clone(),
                location: group.location.clone(),
            }));
        }
        for data in &self.vnets {
            data.build(world);
        }
        for data in &self.peerings {
            join(world, &data.a, &data.a_name, &data.b);
            join(world, &data.b, &data.b_name, &data.a);
        }
        world
            .security_groups
            .extend(self.security_groups.iter().map(|data| SecurityGroup {
                id: data.id.clone(),
                name: last(&data.id).to_owned(),
                location: data.location.clone(),
                rules: data.rules.iter().map(|rule| rule.json(&data.id)).collect(),
            }));
        world.interfaces.extend(self.interfaces.iter().cloned());
        world.locks.extend(self.locks.iter().map(|data| LockRecord {
            name: data.name.clone(),
            scope: data.scope.clone(),
            level: data.level.clone(),
            notes: data.notes.clone(),
        }));
    }

    fn assign(&self, world: &mut SandboxWorld, data: &AssignmentData) {
        let tenant = self.principals.iter().find(|principal| principal.id == data.principal);
        let Some(tenant) = tenant.map(|principal| principal.tenant) else {
            return;
        };
        let role = world
            .definitions
            .iter()
            .find(|role| role.name.eq_ignore_ascii_case(&data.role) && role.tenant.is_none_or(|owner| owner == tenant));
        let Some(role) = role.map(|role| role.guid) else {
            return;
        };
        let subscription = data.scope.split('/').nth(2).unwrap_or_default();
        let guid = world
            .ids
            .named(&["assignment", &data.principal.to_string(), &data.role, &data.scope]);
        world.assignments.push(AssignmentRecord {
            guid,
            tenant,
            scope: data.scope.clone(),
            role,
            role_id: format!("/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}"),
            principal: data.principal,
            principal_type: "ServicePrincipal".into(),
            description: None,
            condition: [
                data.condition.clone(),
                data.condition.as_ref().map(|_| "2.0".to_owned()),
            ],
            since: CreatedAt::Always,
            author: None,
        });
    }
}

impl ApplicationData {
    fn build(&self, world: &SandboxWorld) -> ApplicationRecord {
        let year = Duration::from_secs(365 * 86_400);
        let password = |text: &String| PasswordCredential {
            key: derived(text),
            name: Some("sandbox".into()),
            text: text.clone(),
            start: world.started - year,
            end: world.started + year,
            since: CreatedAt::Always,
        };
        ApplicationRecord {
            id: self.id,
            app_id: self.app_id,
            name: self.name.clone(),
            tenant: self.tenant,
            audience: if self.multi_tenant {
                SignInAudience::MultipleOrgs
            } else {
                SignInAudience::MyOrg
            },
            unique_name: self.unique_name.clone(),
            description: None,
            notes: self.notes.clone(),
            tags: Vec::new(),
            passwords: self.secrets.iter().map(password).collect(),
            certificates: self.certificates.clone(),
            keys: Vec::new(),
            federated: self.federated.clone(),
            owners: self.owners.clone(),
            kept: serde_json::Map::new(),
            since: CreatedAt::Always,
        }
    }
}

impl RoleData {
    fn build(&self) -> DefinitionRecord {
        let permission = PermissionRecord {
            actions: self.actions.clone(),
            ..PermissionRecord::default()
        };
        DefinitionRecord {
            guid: self.guid,
            tenant: Some(self.tenant),
            name: self.name.clone(),
            description: None,
            permissions: vec![permission],
            scopes: self.scopes.clone(),
            since: CreatedAt::Always,
            updated: CreatedAt::Always,
            author: None,
        }
    }
}

impl VnetData {
    fn build(&self, world: &mut SandboxWorld) {
        let Some(subscription) = self.id.split('/').nth(2).and_then(|id| Uuid::parse_str(id).ok()) else {
            return;
        };
        let Some(tenant) = world.subscription(subscription).map(|subscription| subscription.tenant) else {
            return;
        };
        let group = self.id.split("/providers/").next().unwrap_or_default();
        let subnets = self.subnets.iter().map(|data| SubnetRecord {
            name: data.name.clone(),
            prefixes: data.prefixes.clone(),
            security_group: data
                .nsg
                .as_ref()
                .map(|name| format!("{group}/providers/Microsoft.Network/networkSecurityGroups/{name}")),
            route_table: data
                .routes
                .as_ref()
                .map(|name| format!("{group}/providers/Microsoft.Network/routeTables/{name}")),
        });
        let vnet = VnetRecord {
            id: self.id.clone(),
            subscription,
            tenant,
            name: last(&self.id).to_owned(),
            location: self.location.clone(),
            tags: serde_json::Value::Null,
            prefixes: self.prefixes.clone(),
            dns_servers: self.dns_servers.clone(),
            subnets: subnets.collect(),
            failed: self.failed,
            peerings: Vec::new(),
            version: 1,
        };
        world.vnets.insert(self.id.to_ascii_lowercase(), vnet);
    }
}

/// Adds one direction of a peering that has been Connected for long.
fn join(world: &mut SandboxWorld, local: &str, name: &str, remote: &str) {
    let Some(known) = world.vnet(remote).map(|vnet| vnet.prefixes.clone()) else {
        return;
    };
    if let Some(vnet) = world.vnets.get_mut(&local.to_ascii_lowercase()) {
        vnet.peerings.push(PeeringRecord {
            name: name.to_owned(),
            remote: remote.to_owned(),
            state: PeeringStatus::Connected,
            settings: PeeringSettingsRecord::default(),
            known,
            settled: CreatedAt::Always,
            deleting: false,
            others: serde_json::Map::new(),
            version: 1,
        });
    }
}

fn last(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}
