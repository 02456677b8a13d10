//! What has been read so far. Decisions are made from this and the intent alone.

use uuid::Uuid;

use crate::azure::{Peering, Permission, RoleAssignment, RoleDefinition, ServicePrincipal, Vnet, allowed};
use crate::domain::{PeeringState, SubscriptionId, SyncLevel, subscription_scope};
use crate::plan::Intent;
use crate::vendors::{VendorNetwork, VendorRequest};

/// Built-in roles that hold every action of a peering: Owner, Contributor, Network Contributor.
const WIDE_ROLES: [(Uuid, &str); 3] = [
    (Uuid::from_u128(0x8e3af657_a8ff_443c_a75c_2fe8c4bcb635), "Owner"),
    (Uuid::from_u128(0xb24988ac_6180_42a0_ab88_20f7382dd24c), "Contributor"),
    (
        Uuid::from_u128(0x4d97b98b_1d4f_4787_a291_c67834d212e7),
        "Network Contributor",
    ),
];

/// What has been read.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The vendor's service principal in the customer's tenant.
    pub principal: Option<ServicePrincipal>,
    /// Custom roles that can be assigned in the subscription, and the vendor's role where it was found elsewhere.
    pub roles: Vec<RoleDefinition>,
    /// Role assignments at the virtual network and above.
    pub assignments: Vec<RoleAssignment>,
    /// What the operator may do at the virtual network; `None` where that could not be read.
    pub rights_at_vnet: Option<Vec<Permission>>,
    /// The same at the subscription.
    pub rights_at_subscription: Option<Vec<Permission>>,
    pub vnet: Option<Vnet>,
    /// The subscriptions that the operator sees in the customer's tenant.
    pub own_subscriptions: Vec<SubscriptionId>,
    pub network: Option<VendorNetwork>,
    pub request: Option<VendorRequest>,
    /// Peerings that were there before the vendor could have made any: never the vendor's.
    pub earlier_peerings: Vec<String>,
}

/// The vendor's peering among those of the virtual network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VendorPeering<'a> {
    None,
    One(&'a Peering),
    /// Several could be it; their names.
    Many(Vec<String>),
}

impl Facts {
    /// Whether the operator may do `action` there; unknown counts as yes, Azure has the last word.
    pub fn may(rights: Option<&Vec<Permission>>, action: &str) -> bool {
        rights.is_none_or(|rights| allowed(rights, action))
    }

    /// The vendor's role: of several that fit, the one with the least to change.
    pub fn vendor_role(&self, intent: &Intent) -> Option<&RoleDefinition> {
        let by_name = |role: &&RoleDefinition| {
            role.custom
                && intent
                    .vendor
                    .role
                    .names
                    .iter()
                    .any(|name| name.eq_ignore_ascii_case(&role.name))
        };
        let by_actions = |role: &&RoleDefinition| role.custom && same_actions(role, &intent.vendor.role.actions);
        let here = subscription_scope(intent.vnet.subscription);
        let cost = |role: &&RoleDefinition| {
            (
                !assignable_at(role, &here),
                missing_actions(role, intent).len(),
                !by_name(role),
            )
        };
        self.roles
            .iter()
            .filter(|role| by_name(role) || by_actions(role))
            .min_by_key(cost)
    }

    /// The assignment that lets the vendor peer (once the vendor's role is as it should be), and its role's name.
    pub fn vendor_assignment(&self, intent: &Intent) -> Option<(&RoleAssignment, String)> {
        let principal = self.principal.as_ref()?.id;
        let vendor_role = self.vendor_role(intent).map(|role| role.guid);
        let enough =
            |role: &&RoleDefinition| Some(role.guid) == vendor_role || missing_actions(role, intent).is_empty();
        let role_name = |assignment: &RoleAssignment| {
            let wide = WIDE_ROLES
                .iter()
                .find(|(guid, _)| *guid == assignment.role)
                .map(|(_, name)| (*name).to_owned());
            let custom = self
                .roles
                .iter()
                .filter(enough)
                .find(|role| role.guid == assignment.role);
            wide.or_else(|| custom.map(|role| role.name.clone()))
        };
        let ours = self
            .assignments
            .iter()
            .filter(|assignment| assignment.principal == principal);
        ours.filter_map(|assignment| Some((assignment, role_name(assignment)?)))
            .next()
    }

    /// Which of the virtual network's peerings the vendor made.
    pub fn vendor_peering(&self, intent: &Intent) -> VendorPeering<'_> {
        let Some(vnet) = &self.vnet else {
            return VendorPeering::None;
        };
        if let Some(name) = &intent.peering_name {
            let named = vnet
                .peerings
                .iter()
                .find(|peering| peering.id.name.eq_ignore_ascii_case(name));
            return named.map_or(VendorPeering::None, VendorPeering::One);
        }
        let fits = |peering: &&Peering| match &self.network {
            // No two networks that share addresses can be peered with one network: the address space tells.
            Some(network) => {
                peering.remote_address_space.covers(&network.address_space)
                    || network.address_space.covers(&peering.remote_address_space)
            }
            None => {
                let foreign = |remote: &crate::domain::VnetId| !self.own_subscriptions.contains(&remote.subscription);
                peering.remote_vnet.as_ref().is_none_or(foreign) && !self.earlier_peerings.contains(&peering.id.name)
            }
        };
        let found: Vec<&Peering> = vnet.peerings.iter().filter(fits).collect();
        match found.as_slice() {
            [] => VendorPeering::None,
            [one] => VendorPeering::One(one),
            many => VendorPeering::Many(many.iter().map(|peering| peering.id.name.clone()).collect()),
        }
    }
}

/// Whether the role can be assigned in the subscription with this scope.
pub fn assignable_at(role: &RoleDefinition, subscription_scope: &str) -> bool {
    role.assignable_scopes
        .iter()
        .any(|scope| scope == "/" || scope.eq_ignore_ascii_case(subscription_scope))
}

/// The vendor's actions that the role does not grant.
pub fn missing_actions(role: &RoleDefinition, intent: &Intent) -> Vec<String> {
    intent
        .vendor
        .role
        .actions
        .iter()
        .filter(|action| !allowed(&role.permissions, action))
        .cloned()
        .collect()
}

/// The actions that the role grants beyond the vendor's.
pub fn extra_actions(role: &RoleDefinition, intent: &Intent) -> Vec<String> {
    let needed = |action: &&String| {
        intent
            .vendor
            .role
            .actions
            .iter()
            .any(|known| known.eq_ignore_ascii_case(action))
    };
    role.permissions
        .iter()
        .flat_map(|entry| &entry.actions)
        .filter(|action| !needed(action))
        .cloned()
        .collect()
}

fn same_actions(role: &RoleDefinition, actions: &[String]) -> bool {
    let granted: Vec<String> = role
        .permissions
        .iter()
        .flat_map(|entry| &entry.actions)
        .map(|action| action.to_lowercase())
        .collect();
    granted.len() == actions.len() && actions.iter().all(|action| granted.contains(&action.to_lowercase()))
}

/// Why this direction does not carry traffic yet; `None` where it does.
pub fn not_working(peering: &Peering) -> Option<String> {
    if peering.state != PeeringState::Connected {
        return Some(format!("its state is {}", peering.state));
    }
    if peering.sync_level != SyncLevel::FullyInSync {
        return Some(format!("its sync level is {}", peering.sync_level));
    }
    (!peering.allow_virtual_network_access).then(|| "access to the remote network is switched off".to_owned())
}

#[cfg(test)]
pub mod samples {
    //! One finished Kong peering, for tests to take things away from.

    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::azure::Cloud;
    use crate::domain::{AddressSpace, VnetId, role_assignment_guid};
    use crate::plan::{Consent, VendorAccess};
    use crate::vendors::{Phase, profile};

    /// What is wanted, and what there is when all of it is done.
    pub fn kong_done() -> (Intent, Facts) {
        let vendor = profile("kong").expect("kong is built in");
        let (tenant, subscription) = (Uuid::from_u128(0x7e), Uuid::from_u128(0x50b));
        let vnet = VnetId::new(subscription, "rg-network", "vnet-app").expect("good names");
        let app_id = vendor.application.app_id;
        let intent = Intent {
            tenant,
            tenant_name: Some("Contoso".into()),
            consent: Consent::Create,
            consent_url: Cloud::public().admin_consent_url(tenant, app_id),
            access: VendorAccess::Api,
            vendor_api: None,
            vendor_inputs: BTreeMap::from([("network".to_owned(), vec!["eastus2-network".to_owned()])]),
            dns: Vec::new(),
            peering_name: None,
            timeout: Duration::from_secs(60),
            no_wait: false,
            app_id,
            vnet,
            vendor,
        };
        let facts = facts(&intent);
        (intent, facts)
    }

    fn facts(intent: &Intent) -> Facts {
        let space = AddressSpace::from_texts(["10.0.0.0/16"]);
        let permissions = vec![Permission {
            actions: intent.vendor.role.actions.clone(),
            ..Permission::default()
        }];
        let role = RoleDefinition {
            guid: Uuid::from_u128(0xde),
            name: intent.vendor.role_name().to_owned(),
            description: String::new(),
            custom: true,
            permissions,
            assignable_scopes: vec![intent.vnet.subscription_scope()],
        };
        let principal = ServicePrincipal {
            id: Uuid::from_u128(0x59),
            app_id: intent.app_id,
            display_name: intent.vendor.application.name.clone(),
            account_enabled: true,
            owner_tenant: None,
        };
        let assignment = RoleAssignment {
            name: role_assignment_guid(intent.tenant, &intent.vnet, principal.id, role.guid).to_string(),
            scope: intent.vnet.to_string(),
            role: role.guid,
            principal: principal.id,
        };
        let request = VendorRequest {
            id: "gateway".into(),
            name: "vnet-app".into(),
            tenant: Some(intent.tenant),
            vnet: Some(intent.vnet.clone()),
            state: "ready".into(),
            phase: Phase::Ready,
            reason: None,
            dns: Vec::new(),
        };
        Facts {
            principal: Some(principal),
            roles: vec![role],
            assignments: vec![assignment],
            rights_at_vnet: Some(vec![Permission {
                actions: vec!["*".into()],
                ..Permission::default()
            }]),
            rights_at_subscription: Some(vec![Permission {
                actions: vec!["*".into()],
                ..Permission::default()
            }]),
            vnet: Some(Vnet {
                id: intent.vnet.clone(),
                location: "eastus2".into(),
                address_space: AddressSpace::from_texts(["10.20.0.0/16"]),
                provisioning_state: "Succeeded".into(),
                peerings: vec![peering(intent, "kong-1", 0xf00, "10.0.0.0/16")],
            }),
            own_subscriptions: vec![intent.vnet.subscription],
            network: Some(VendorNetwork {
                id: "11111111-0000-0000-0000-000000000000".into(),
                name: "eastus2-network".into(),
                region: "eastus2".into(),
                address_space: space,
                state: "ready".into(),
                ready: true,
            }),
            request: Some(request),
            earlier_peerings: Vec::new(),
        }
    }

    /// A working peering of the intent's network with one in `subscription`.
    pub fn peering(intent: &Intent, name: &str, subscription: u128, space: &str) -> Peering {
        Peering {
            id: intent.vnet.peering(name).expect("a good name"),
            state: PeeringState::Connected,
            sync_level: SyncLevel::FullyInSync,
            provisioning_state: "Succeeded".into(),
            remote_vnet: VnetId::new(Uuid::from_u128(subscription), "theirs", "vnet-theirs").ok(),
            remote_address_space: AddressSpace::from_texts([space]),
            allow_virtual_network_access: true,
            allow_forwarded_traffic: false,
            allow_gateway_transit: false,
            use_remote_gateways: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::samples::{kong_done, peering};
    use super::*;

    fn name(found: VendorPeering<'_>) -> String {
        match found {
            VendorPeering::None => "none".into(),
            VendorPeering::One(peering) => peering.id.name.clone(),
            VendorPeering::Many(names) => names.join(" "),
        }
    }

    #[test]
    fn the_vendors_peering_is_told_by_its_address_space() {
        let (intent, mut facts) = kong_done();
        let vnet = facts.vnet.as_mut().expect("the sample has one");
        vnet.peerings
            .push(peering(&intent, "to-partner", 0xf01, "10.99.0.0/16"));
        assert_eq!(name(facts.vendor_peering(&intent)), "kong-1");
        facts.network.as_mut().expect("one").address_space = crate::domain::AddressSpace::from_texts(["10.5.0.0/16"]);
        assert_eq!(name(facts.vendor_peering(&intent)), "none");
    }

    #[test]
    fn without_the_vendors_network_it_is_told_by_what_is_foreign_and_new() {
        let (intent, mut facts) = kong_done();
        facts.network = None;
        let own = peering(&intent, "hub-spoke", 0x50b, "10.99.0.0/16");
        let partner = peering(&intent, "to-partner", 0xf01, "10.98.0.0/16");
        facts.vnet.as_mut().expect("one").peerings.extend([own, partner]);
        assert_eq!(name(facts.vendor_peering(&intent)), "kong-1 to-partner");
        facts.earlier_peerings = vec!["to-partner".into()];
        assert_eq!(name(facts.vendor_peering(&intent)), "kong-1");
        let named = Intent {
            peering_name: Some("TO-partner".into()),
            ..intent
        };
        assert_eq!(name(facts.vendor_peering(&named)), "to-partner");
    }
}
