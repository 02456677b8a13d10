//! Resources that the steps read and write, as plain types of this project. In the models of the generated crates,
//! every field is optional and unknown fields are lost, so they aren't used outside this folder.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use super::peering_body::PeeringBody;
use crate::domain::{AddressSpace, SubscriptionId, TenantId, VnetId};

/// `GET /subscriptions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SubscriptionInfo {
    pub id: SubscriptionId,
    pub name: String,
    pub tenant: TenantId,
    /// Azure's word: `Enabled`, `Warned`, `PastDue`, `Disabled`, `DeletedRecord`.
    pub state: String,
}

/// `GET /tenants`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TenantInfo {
    pub id: TenantId,
    pub name: Option<String>,
    pub default_domain: Option<String>,
}

/// A virtual network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VirtualNetwork {
    pub id: VnetId,
    /// Azure region, such as `westeurope`.
    pub location: String,
    pub address_space: AddressSpace,
    /// Azure's word: `Succeeded`, `Updating`, `Failed`, `Deleting`.
    pub provisioning_state: String,
    pub peerings: Vec<PeeringBody>,
    pub subnets: Vec<SubnetInfo>,
    /// The network's own DNS servers; empty where it uses Azure's.
    pub dns_servers: Vec<String>,
}

/// A subnet of a virtual network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SubnetInfo {
    pub name: String,
    pub address_prefixes: AddressSpace,
    /// The full resource id of the network security group in front of it.
    pub network_security_group: Option<String>,
    /// The full resource id of its route table.
    pub route_table: Option<String>,
    /// The full resource IDs of the network interfaces in it; those of scale sets have IDs of their own kind.
    pub interfaces: Vec<String>,
}

/// Properties of a virtual network that a menu shows. Tens of thousands of these are held at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedVnet {
    pub id: VnetId,
    /// Azure region, such as `westeurope`.
    pub location: String,
    pub address_space: AddressSpace,
}

/// A network security group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NetworkSecurityGroup {
    /// The full resource id.
    pub id: String,
    pub name: String,
    /// Its own rules and Azure's default ones, by priority: among those of one direction the first that fits decides.
    pub rules: Vec<NsgRule>,
}

/// One rule of a network security group. Azure writes one value and several into different fields; here they are one
/// list each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NsgRule {
    pub name: String,
    /// 100 to 4096, of default rules 65000 and up; a low one goes first.
    pub priority: u32,
    /// `true` if the rule applies to inbound traffic of the subnet.
    pub inbound: bool,
    /// `true` if the rule allows traffic.
    pub allow: bool,
    /// Azure's word: `*`, `Tcp`, `Udp`, `Icmp`, `Esp`, `Ah`.
    pub protocol: String,
    /// Addresses, CIDR ranges, service tags such as `VirtualNetwork`, `*`, or ids of application security groups.
    pub sources: Vec<String>,
    /// As `sources`.
    pub destinations: Vec<String>,
    /// `443`, `8000-8999` or `*`.
    pub destination_ports: Vec<String>,
}

/// A role definition, built-in or custom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoleDefinition {
    /// The definition's GUID; the same in every scope of the tenant.
    pub guid: Uuid,
    pub name: String,
    pub description: String,
    /// `true` if `properties.type` is `CustomRole`.
    pub custom: bool,
    pub permissions: Vec<RolePermission>,
    pub assignable_scopes: Vec<String>,
}

/// One entry of a role's `permissions`, or of the effective permissions at a scope.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RolePermission {
    pub actions: Vec<String>,
    pub not_actions: Vec<String>,
    pub data_actions: Vec<String>,
    pub not_data_actions: Vec<String>,
}

impl RolePermission {
    /// Returns whether this entry grants `action`. Azure ignores case and lets `*` match any text.
    pub fn allows(&self, action: &str) -> bool {
        self.actions.iter().any(|pattern| matches(pattern, action))
            && !self.not_actions.iter().any(|pattern| matches(pattern, action))
    }
}

/// Returns whether any entry grants `action`. Entries don't subtract from each other: Azure adds them up.
pub fn allowed(permissions: &[RolePermission], action: &str) -> bool {
    permissions.iter().any(|entry| entry.allows(action))
}

fn matches(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|head| action.strip_prefix(head)) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(tail) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(tail)
}

/// A role assignment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoleAssignment {
    /// The assignment's own GUID.
    pub name: String,
    pub scope: String,
    /// The GUID at the end of `roleDefinitionId`.
    pub role: Uuid,
    /// The principal's object id in the assignment's tenant.
    pub principal: Uuid,
}

impl RoleAssignment {
    /// The full resource id.
    pub fn id(&self) -> String {
        format!(
            "{}/providers/Microsoft.Authorization/roleAssignments/{}",
            self.scope, self.name
        )
    }
}

/// A service principal (Graph): an application's representation in one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServicePrincipal {
    /// The object id in this tenant: what role assignments name.
    pub id: Uuid,
    pub app_id: Uuid,
    pub display_name: String,
    pub account_enabled: bool,
    /// The tenant of the application's owner.
    pub owner_tenant: Option<TenantId>,
}

/// An application (Graph): what is registered once, in its home tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppRegistration {
    /// The object id: what requests about the application name.
    pub id: Uuid,
    /// The client id: what signs in, and what service principals name.
    pub app_id: Uuid,
    pub display_name: String,
    /// The name that its maker chose once and for all, unique in the tenant.
    pub unique_name: Option<String>,
    /// Graph's word: `AzureADMyOrg`, `AzureADMultipleOrgs`, `AzureADandPersonalMicrosoftAccount`.
    pub sign_in_audience: String,
    pub notes: Option<String>,
    pub description: Option<String>,
    pub tags: Vec<String>,
    /// Client secrets.
    pub passwords: Vec<ListedCredential>,
    /// Certificates.
    pub keys: Vec<ListedCredential>,
}

/// A client secret or a certificate, as far as it can be read again: without the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedCredential {
    pub key_id: Uuid,
    pub display_name: Option<String>,
    /// Absent where Graph gives none, or none that can be read.
    pub starts: Option<OffsetDateTime>,
    pub ends: Option<OffsetDateTime>,
}

/// Other ways to control an application, apart from the secrets and certificates that it lists itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AppAccess {
    /// Federated identity credentials, by name.
    pub federated: Vec<String>,
    /// Secrets and certificates of its service principal.
    pub principal_credentials: Vec<ListedCredential>,
    /// Owners of the application and of its service principal: they can add credentials.
    pub owners: Vec<AppOwner>,
}

/// A person or an application that owns an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppOwner {
    pub id: Uuid,
    /// A user principal name, or a display name.
    pub name: String,
}

/// Restrictions that app management policies set for an application: the name of the policy, where one applies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AppRestrictions {
    /// No client secret may be added.
    pub secrets: Option<String>,
    /// No certificate may be added but one of an authority that the tenant trusts.
    pub certificates: Option<String>,
}

/// A client secret that has just been made; Graph shows it this once.
#[derive(Debug, Clone)]
pub struct NewPassword {
    pub key_id: Uuid,
    pub secret: SecretString,
    pub ends: OffsetDateTime,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_as_azure_matches_them() {
        let write = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/write";
        let table = [
            ("*", write, true),
            ("Microsoft.Network/*", write, true),
            ("microsoft.network/VIRTUALNETWORKS/*/write", write, true),
            ("*/write", write, true),
            ("*/read", write, false),
            ("Microsoft.Network/virtualNetworks/peer/action", write, false),
            (write, write, true),
            (
                "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/writer",
                write,
                false,
            ),
            ("Microsoft.*/virtual*/write", write, true),
            ("", write, false),
        ];
        for (pattern, action, expected) in table {
            let entry = RolePermission {
                actions: vec![pattern.to_owned()],
                ..RolePermission::default()
            };
            assert_eq!(entry.allows(action), expected, "{pattern} on {action}");
        }
    }

    #[test]
    fn permission_exclusion_applies_per_entry() {
        let contributor = RolePermission {
            actions: vec!["*".into()],
            not_actions: vec!["Microsoft.Authorization/*/write".into()],
            ..RolePermission::default()
        };
        let action = "Microsoft.Authorization/roleAssignments/write";
        assert!(!allowed(std::slice::from_ref(&contributor), action));
        let admin = RolePermission {
            actions: vec!["Microsoft.Authorization/*".into()],
            ..RolePermission::default()
        };
        assert!(allowed(&[contributor, admin], action));
    }
}
