//! What is in the world at its beginning, as data: `contoso.toml`, or a file of the same shape.

use ipnet::IpNet;
use serde::Deserialize;
use uuid::Uuid;

use super::arm;
use super::ids::Ids;
use super::vendors::kong;
use super::world::{
    Application, Assignment, Federated, Group, Lock, Peering, Principal, SecurityGroup, Settings, Since, State, Subnet,
    Subscription, Tenant, Vnet, World,
};

/// An estate: tenants, applications, subscriptions, networks, roles, and the vendors' own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Estate {
    credentials: Credentials,
    #[serde(default)]
    tenants: Vec<TenantData>,
    #[serde(default)]
    applications: Vec<ApplicationData>,
    #[serde(default)]
    principals: Vec<PrincipalData>,
    #[serde(default)]
    subscriptions: Vec<SubscriptionData>,
    #[serde(default)]
    vnets: Vec<VnetData>,
    #[serde(default)]
    peerings: Vec<PeeringData>,
    #[serde(default)]
    security_groups: Vec<SecurityGroupData>,
    #[serde(default)]
    locks: Vec<LockData>,
    #[serde(default)]
    assignments: Vec<AssignmentData>,
    #[serde(default)]
    konnect: kong::KonnectData,
}

/// What an operator of the estate signs in with.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    pub tenant_id: Uuid,
    pub client_id: Uuid,
    pub client_secret: String,
    /// The subscription that stands first.
    pub subscription_id: Uuid,
    pub konnect_token: String,
}

#[derive(Debug, Clone, Deserialize)]
struct TenantData {
    id: Uuid,
    name: String,
    domain: String,
}

#[derive(Debug, Clone, Deserialize)]
struct ApplicationData {
    id: Uuid,
    app_id: Uuid,
    name: String,
    tenant: Uuid,
    #[serde(default)]
    multi_tenant: bool,
    #[serde(default)]
    secrets: Vec<String>,
    #[serde(default)]
    certificates: Vec<String>,
    #[serde(default)]
    federated: Vec<Federated>,
}

#[derive(Debug, Clone, Deserialize)]
struct PrincipalData {
    id: Uuid,
    app_id: Uuid,
    tenant: Uuid,
    #[serde(default)]
    directory_roles: Vec<Uuid>,
    #[serde(default = "yes")]
    reads_directory: bool,
}

#[derive(Debug, Clone, Deserialize)]
struct SubscriptionData {
    id: Uuid,
    name: String,
    tenant: Uuid,
    #[serde(default)]
    groups: Vec<GroupData>,
}

#[derive(Debug, Clone, Deserialize)]
struct GroupData {
    name: String,
    location: String,
}

#[derive(Debug, Clone, Deserialize)]
struct VnetData {
    id: String,
    location: String,
    prefixes: Vec<IpNet>,
    #[serde(default)]
    dns_servers: Vec<String>,
    #[serde(default)]
    subnets: Vec<SubnetData>,
}

#[derive(Debug, Clone, Deserialize)]
struct SubnetData {
    name: String,
    prefixes: Vec<IpNet>,
    nsg: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct PeeringData {
    a: String,
    a_name: String,
    b: String,
    b_name: String,
}

#[derive(Debug, Clone, Deserialize)]
struct SecurityGroupData {
    id: String,
    location: String,
    #[serde(default)]
    rules: Vec<arm::RuleData>,
}

#[derive(Debug, Clone, Deserialize)]
struct LockData {
    scope: String,
    name: String,
    level: String,
    notes: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct AssignmentData {
    principal: Uuid,
    /// The name of a built-in role.
    role: String,
    scope: String,
}

impl Default for Estate {
    /// Contoso and its vendors.
    fn default() -> Self {
        // That the file reads is tested; an estate without anything is what is left if it did not.
        Self::parse(include_str!("contoso.toml")).unwrap_or_else(|_| Self::empty())
    }
}

impl Estate {
    /// Reads an estate from TOML.
    ///
    /// # Errors
    /// When the text is not an estate; the message names the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| format!("the estate cannot be read: {error}"))
    }

    /// The default estate with more: `subscriptions` further ones of Contoso with `vnets` networks each.
    pub fn scaled(subscriptions: usize, vnets: usize) -> Self {
        let mut estate = Self::default();
        let mut ids = Ids::new(1);
        let tenant = estate.credentials.tenant_id;
        let operator = estate
            .principals
            .iter()
            .find(|principal| principal.app_id == estate.credentials.client_id);
        let operator = operator.map(|principal| principal.id).unwrap_or_default();
        for index in 1..=subscriptions {
            let id = ids.named(&["subscription", &index.to_string()]);
            let groups = vec![GroupData {
                name: "rg-network".into(),
                location: "eastus2".into(),
            }];
            estate.subscriptions.push(SubscriptionData {
                id,
                name: format!("Contoso {index:04}"),
                tenant,
                groups,
            });
            let scope = format!("/subscriptions/{id}");
            for number in 0..vnets {
                let octets = (number / 256 % 256, number % 256);
                let Ok(prefix) = format!("10.{}.{}.0/24", octets.0, octets.1).parse() else {
                    continue;
                };
                let id = format!(
                    "{scope}/resourceGroups/rg-network/providers/Microsoft.Network/virtualNetworks/vnet-{number:05}"
                );
                let subnets = vec![SubnetData {
                    name: "default".into(),
                    prefixes: vec![prefix],
                    nsg: None,
                }];
                estate.vnets.push(VnetData {
                    id,
                    location: "eastus2".into(),
                    prefixes: vec![prefix],
                    dns_servers: vec![],
                    subnets,
                });
            }
            estate.assignments.push(AssignmentData {
                principal: operator,
                role: "Owner".into(),
                scope,
            });
        }
        estate
    }

    /// What an operator signs in with.
    pub fn credentials(&self) -> Credentials {
        self.credentials.clone()
    }

    fn empty() -> Self {
        Self {
            credentials: Credentials::default(),
            tenants: Vec::new(),
            applications: Vec::new(),
            principals: Vec::new(),
            subscriptions: Vec::new(),
            vnets: Vec::new(),
            peerings: Vec::new(),
            security_groups: Vec::new(),
            locks: Vec::new(),
            assignments: Vec::new(),
            konnect: kong::KonnectData::default(),
        }
    }

    /// Puts everything into a world.
    pub(super) fn build(&self, world: &mut World) {
        self.build_directories(world);
        self.build_networks(world);
        for data in &self.assignments {
            self.assign(world, data);
        }
        kong::build(&self.konnect, world);
    }

    fn build_directories(&self, world: &mut World) {
        world.tenants.extend(self.tenants.iter().map(|data| Tenant {
            id: data.id,
            name: data.name.clone(),
            domain: data.domain.clone(),
        }));
        world
            .applications
            .extend(self.applications.iter().map(|data| Application {
                id: data.id,
                app_id: data.app_id,
                name: data.name.clone(),
                tenant: data.tenant,
                multi_tenant: data.multi_tenant,
                secrets: data.secrets.clone(),
                certificates: data.certificates.clone(),
                federated: data.federated.clone(),
            }));
        for data in &self.principals {
            let name = world
                .application(data.app_id)
                .map(|application| application.name.clone())
                .unwrap_or_default();
            world.principals.push(Principal {
                id: data.id,
                app_id: data.app_id,
                tenant: data.tenant,
                name,
                directory_roles: data.directory_roles.clone(),
                reads_directory: data.reads_directory,
                since: Since::Always,
            });
        }
    }

    fn build_networks(&self, world: &mut World) {
        for data in &self.subscriptions {
            let (id, name, tenant) = (data.id, data.name.clone(), data.tenant);
            world.subscriptions.push(Subscription { id, name, tenant });
            world.groups.extend(data.groups.iter().map(|group| Group {
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
        world.locks.extend(self.locks.iter().map(|data| Lock {
            name: data.name.clone(),
            scope: data.scope.clone(),
            level: data.level.clone(),
            notes: data.notes.clone(),
        }));
    }

    fn assign(&self, world: &mut World, data: &AssignmentData) {
        let tenant = self.principals.iter().find(|principal| principal.id == data.principal);
        let role = world
            .definitions
            .iter()
            .find(|role| role.name.eq_ignore_ascii_case(&data.role));
        let (Some(tenant), Some(role)) = (tenant.map(|principal| principal.tenant), role.map(|role| role.guid)) else {
            return;
        };
        let subscription = data.scope.split('/').nth(2).unwrap_or_default();
        let guid = world
            .ids
            .named(&["assignment", &data.principal.to_string(), &data.role, &data.scope]);
        world.assignments.push(Assignment {
            guid,
            tenant,
            scope: data.scope.clone(),
            role,
            role_id: format!("/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}"),
            principal: data.principal,
            principal_type: "ServicePrincipal".into(),
            description: None,
            since: Since::Always,
            author: None,
        });
    }
}

impl VnetData {
    fn build(&self, world: &mut World) {
        let Some(subscription) = self.id.split('/').nth(2).and_then(|id| Uuid::parse_str(id).ok()) else {
            return;
        };
        let Some(tenant) = world.subscription(subscription).map(|subscription| subscription.tenant) else {
            return;
        };
        let group = self.id.split("/providers/").next().unwrap_or_default();
        let subnets = self.subnets.iter().map(|data| Subnet {
            name: data.name.clone(),
            prefixes: data.prefixes.clone(),
            security_group: data
                .nsg
                .as_ref()
                .map(|name| format!("{group}/providers/Microsoft.Network/networkSecurityGroups/{name}")),
        });
        let vnet = Vnet {
            id: self.id.clone(),
            subscription,
            tenant,
            name: last(&self.id).to_owned(),
            location: self.location.clone(),
            prefixes: self.prefixes.clone(),
            dns_servers: self.dns_servers.clone(),
            subnets: subnets.collect(),
            peerings: Vec::new(),
            version: 1,
        };
        world.vnets.insert(self.id.to_ascii_lowercase(), vnet);
    }
}

/// Adds one direction of a peering that has been Connected for long.
fn join(world: &mut World, local: &str, name: &str, remote: &str) {
    let Some(known) = world.vnet(remote).map(|vnet| vnet.prefixes.clone()) else {
        return;
    };
    if let Some(vnet) = world.vnets.get_mut(&local.to_ascii_lowercase()) {
        vnet.peerings.push(Peering {
            name: name.to_owned(),
            remote: remote.to_owned(),
            state: State::Connected,
            settings: Settings::default(),
            known,
            settled: Since::Always,
            deleting: false,
            version: 1,
        });
    }
}

fn yes() -> bool {
    true
}

fn last(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}
