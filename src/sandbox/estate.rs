//! Initial content of the world, as data: the files in `estate/`, or one of the same shape.

mod above;
mod access;
mod build;

use std::sync::LazyLock;

use ipnet::IpNet;
use serde::Deserialize;
use uuid::Uuid;

use super::arm;
use super::ids::IdGenerator;
use super::vendors::{aiven, dragonfly, kong};
use super::world::{AppPolicy, FederatedCredential, UserRecord};

/// An estate: tenants, applications, subscriptions, networks, roles, and the vendors' own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SandboxEstate {
    credentials: EstateCredentials,
    #[serde(default)]
    tenants: Vec<TenantData>,
    #[serde(default)]
    applications: Vec<ApplicationData>,
    #[serde(default)]
    principals: Vec<PrincipalData>,
    #[serde(default)]
    users: Vec<UserRecord>,
    #[serde(default)]
    subscriptions: Vec<SubscriptionData>,
    #[serde(default)]
    vnets: Vec<VnetData>,
    #[serde(default)]
    peerings: Vec<PeeringData>,
    #[serde(default)]
    security_groups: Vec<SecurityGroupData>,
    #[serde(default)]
    interfaces: Vec<arm::InterfaceBody>,
    #[serde(default)]
    locks: Vec<LockData>,
    #[serde(default)]
    policies: Vec<above::PolicyData>,
    #[serde(default)]
    registrations: Vec<above::RegistrationData>,
    #[serde(default)]
    route_tables: Vec<above::RouteTableData>,
    #[serde(default)]
    dns_resolvers: Vec<above::DnsResolverData>,
    #[serde(default)]
    updates: Vec<above::UpdateData>,
    #[serde(default)]
    leftovers: Vec<above::LeftoverData>,
    #[serde(default)]
    clock: above::ClockData,
    #[serde(default)]
    app_policy: AppPolicy,
    #[serde(default)]
    roles: Vec<RoleData>,
    #[serde(default)]
    assignments: Vec<AssignmentData>,
    #[serde(default)]
    management_groups: Vec<access::ManagementGroupData>,
    #[serde(default)]
    denials: Vec<access::DenialData>,
    #[serde(default)]
    eligibilities: Vec<access::EligibilityData>,
    #[serde(default)]
    konnect: kong::KonnectData,
    #[serde(default)]
    aiven: aiven::AivenData,
    #[serde(default)]
    dragonfly: dragonfly::DragonflyData,
}

/// Sign-in credentials of an operator of the estate.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EstateCredentials {
    pub tenant_id: Uuid,
    pub client_id: Uuid,
    pub client_secret: String,
    /// The subscription that stands first.
    pub subscription_id: Uuid,
    pub konnect_token: String,
    #[serde(default)]
    pub aiven_token: String,
    #[serde(default)]
    pub dragonfly_key: String,
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
    unique_name: Option<String>,
    notes: Option<String>,
    #[serde(default)]
    secrets: Vec<String>,
    #[serde(default)]
    certificates: Vec<String>,
    #[serde(default)]
    federated: Vec<FederatedCredential>,
    #[serde(default)]
    owners: Vec<Uuid>,
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
    /// As Azure writes it; `Enabled` where nothing else is said.
    #[serde(default = "enabled")]
    state: String,
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
    /// Its last write failed (`provisioningState: Failed`).
    #[serde(default)]
    failed: bool,
}

#[derive(Debug, Clone, Deserialize)]
struct SubnetData {
    name: String,
    prefixes: Vec<IpNet>,
    nsg: Option<String>,
    /// The name of a route table of the network's group.
    routes: Option<String>,
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

/// A custom role.
#[derive(Debug, Clone, Deserialize)]
struct RoleData {
    guid: Uuid,
    name: String,
    tenant: Uuid,
    actions: Vec<String>,
    scopes: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct AssignmentData {
    principal: Uuid,
    /// The name of a built-in role, or of one of the tenant's own.
    role: String,
    scope: String,
    /// Condition that limits the assignment.
    condition: Option<String>,
}

const CONTOSO: &str = concat!(
    include_str!("estate/contoso.toml"),
    include_str!("estate/family_b.toml"),
    include_str!("estate/fabrikam.toml"),
    include_str!("estate/data_only.toml"),
);

impl Default for SandboxEstate {
    /// Contoso, its vendors, and a partner.
    fn default() -> Self {
        // Read once: thousands of worlds are made in one simulation. That the files read is tested; an estate without
        // anything is what is left if they did not.
        static ESTATE: LazyLock<SandboxEstate> =
            LazyLock::new(|| SandboxEstate::parse(CONTOSO).unwrap_or_else(|_| SandboxEstate::empty()));
        ESTATE.clone()
    }
}

impl SandboxEstate {
    /// Reads an estate from TOML.
    ///
    /// # Errors
    /// When the text is not an estate; the message names the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text)
            .map_err(|error| format!("can't read the estate: {}", crate::files::toml_error(&error, text)))
    }

    /// The default estate with more: `subscriptions` further ones of Contoso with `vnets` networks each.
    pub fn scaled(subscriptions: usize, vnets: usize) -> Self {
        let mut estate = Self::default();
        let mut ids = IdGenerator::new(1);
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
                state: enabled(),
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
                    routes: None,
                }];
                estate.vnets.push(VnetData {
                    id,
                    location: "eastus2".into(),
                    prefixes: vec![prefix],
                    dns_servers: vec![],
                    subnets,
                    failed: false,
                });
            }
            estate.assignments.push(AssignmentData {
                principal: operator,
                role: "Owner".into(),
                scope,
                condition: None,
            });
        }
        estate
    }

    /// Returns the sign-in credentials of an operator.
    pub fn credentials(&self) -> EstateCredentials {
        self.credentials.clone()
    }

    fn empty() -> Self {
        Self {
            credentials: EstateCredentials::default(),
            tenants: Vec::new(),
            applications: Vec::new(),
            principals: Vec::new(),
            users: Vec::new(),
            subscriptions: Vec::new(),
            vnets: Vec::new(),
            peerings: Vec::new(),
            security_groups: Vec::new(),
            interfaces: Vec::new(),
            locks: Vec::new(),
            policies: Vec::new(),
            registrations: Vec::new(),
            route_tables: Vec::new(),
            dns_resolvers: Vec::new(),
            updates: Vec::new(),
            leftovers: Vec::new(),
            clock: above::ClockData::default(),
            app_policy: AppPolicy::default(),
            roles: Vec::new(),
            assignments: Vec::new(),
            management_groups: Vec::new(),
            denials: Vec::new(),
            eligibilities: Vec::new(),
            konnect: kong::KonnectData::default(),
            aiven: aiven::AivenData::default(),
            dragonfly: dragonfly::DragonflyData::default(),
        }
    }
}

fn enabled() -> String {
    "Enabled".to_owned()
}

fn yes() -> bool {
    true
}
