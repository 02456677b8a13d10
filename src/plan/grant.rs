//! Role grants at the virtual network.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::domain::SubscriptionId;

/// The built-in role Network Contributor, the same id in every tenant.
const NETWORK_CONTRIBUTOR: Uuid = Uuid::from_u128(0x4d97b98b_1d4f_4787_a291_c67834d212e7);

/// Grantee of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleGrantee {
    /// The vendor's service principal.
    Vendor,
    /// The service principal of the customer's own multi-tenant application.
    OwnApp,
}

/// A role for somebody at the virtual network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleGrant {
    pub to: RoleGrantee,
    /// The grantee's application, by name.
    pub application: String,
    /// The first name is the one that is created; a role under any of them is found and used.
    pub names: Vec<String>,
    pub description: String,
    /// Actions that the role has to allow. Empty for a built-in role, which is used unchanged.
    pub actions: Vec<String>,
    /// A role that every tenant has: nothing to define.
    pub built_in: Option<Uuid>,
}

impl RoleGrant {
    /// The name under which setup creates the role.
    pub fn name(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }

    /// Returns the grant with a role of this name.
    #[must_use]
    pub fn by_role(&self, name: &str) -> Self {
        Self {
            names: vec![name.to_owned()],
            ..self.clone()
        }
    }

    /// Returns the owner of the role: the vendor, or the own applications of a subscription, which share one.
    pub fn owner<'a>(&self, vendor: &'a str) -> &'a str {
        match self.to {
            RoleGrantee::Vendor => vendor,
            RoleGrantee::OwnApp => "own-app",
        }
    }
}

/// Name and ID of a custom role that setup creates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnRole {
    pub name: String,
    pub guid: Uuid,
}

/// Names, in small letters, by which a role is known to be another vendor's, or that of own applications.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ForeignRoleNames {
    pub names: Vec<String>,
    pub prefixes: Vec<String>,
}

impl ForeignRoleNames {
    /// Returns whether the role's name is one of them.
    pub fn contain(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        self.names.contains(&name) || self.prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
    }
}

/// Number of names that setup has for a role, including the documented one.
const OWN_NAMES: usize = 9;

/// The names that setup gives a role in a subscription, in the order in which it takes the first free one: a role's name
/// is unique in the tenant, and another role may have the documented one.
pub fn own_role_names(documented: &str, subscription: SubscriptionId) -> Vec<String> {
    let mark = subscription_mark(subscription);
    let marked = match documented.ends_with(&mark) {
        true => format!("{documented} 1"),
        false => format!("{documented} - peerctl {mark}"),
    };
    let numbered = (2..OWN_NAMES).map(|number| match documented.ends_with(&mark) {
        true => format!("{documented} {number}"),
        false => format!("{marked} {number}"),
    });
    let first = [documented.to_owned(), marked.clone()];
    first.into_iter().chain(numbered).collect()
}

/// The first eight digits of the subscription's ID.
fn subscription_mark(subscription: SubscriptionId) -> String {
    subscription.simple().to_string().chars().take(8).collect()
}

/// Role of the own application.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OwnAppRole {
    /// A custom role with the actions that writing a peering takes.
    #[default]
    LeastPrivilege,
    /// The built-in role that the vendors' documentation names.
    NetworkContributor,
}

impl OwnAppRole {
    /// The grant of this role to the own application. A role's name is unique in the tenant, and another team's of the
    /// same name would be in the way: so the name has a mark of the subscription. `both`: the application writes the
    /// other direction, too, and Azure asks for the right to use this network.
    pub fn grant(self, application: String, subscription: SubscriptionId, both: bool) -> RoleGrant {
        let mark = subscription_mark(subscription);
        match self {
            Self::LeastPrivilege if both => {
                let mut grant = self.grant(application, subscription, false);
                grant.names = vec![format!("peerctl Peering Writer Both Ways {mark}")];
                grant.description = "Write the peerings of a virtual network both ways, and read them.".to_owned();
                let peer = "Microsoft.Network/virtualNetworks/peer/action".to_owned();
                grant.actions.push(peer);
                grant
            }
            Self::LeastPrivilege => RoleGrant {
                to: RoleGrantee::OwnApp,
                application,
                names: vec![format!("peerctl Peering Writer {mark}")],
                description: "Write the peerings of a virtual network, and read them.".to_owned(),
                actions: ["read", "virtualNetworkPeerings/read", "virtualNetworkPeerings/write"]
                    .map(|action| format!("Microsoft.Network/virtualNetworks/{action}"))
                    .to_vec(),
                built_in: None,
            },
            Self::NetworkContributor => RoleGrant {
                to: RoleGrantee::OwnApp,
                application,
                names: vec!["Network Contributor".to_owned()],
                description: String::new(),
                actions: Vec::new(),
                built_in: Some(NETWORK_CONTRIBUTOR),
            },
        }
    }
}

words!(OwnAppRole { LeastPrivilege = "least-privilege", NetworkContributor = "network-contributor" });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grant_role_names_distinct_and_marked() {
        let subscription = Uuid::from_u128(0x11d0b6a2_64a6_4f0b_8d2e_3a5f70c91e01);
        for (documented, second) in [
            ("Kong", "Kong - peerctl 11d0b6a2"),
            ("peerctl Peering Writer 11d0b6a2", "peerctl Peering Writer 11d0b6a2 1"),
        ] {
            let names = own_role_names(documented, subscription);
            assert_eq!((names[0].as_str(), names[1].as_str()), (documented, second));
            let distinct: std::collections::BTreeSet<&String> = names.iter().collect();
            assert_eq!(distinct.len(), OWN_NAMES);
        }
    }
}
