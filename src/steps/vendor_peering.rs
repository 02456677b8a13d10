//! The vendor's peering among those of the virtual network, and the evidence for it. A peering is changed or deleted by
//! proof alone; to wait for one and to verify it, weaker evidence is enough, and the text says what it relies on.

use super::ObservedState;
use crate::azure::PeeringBody;
use crate::domain::TenantId;
use crate::plan::{PeeringIntent, RunGoal};
use crate::vendors::{CreatedBy, VendorNetwork};

/// The vendor's peering among those of the virtual network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VendorPeering<'a> {
    None,
    One(&'a PeeringBody),
    /// Several could be it; their names.
    Many(Vec<String>),
}

/// Evidence that a peering is the vendor's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnershipEvidence {
    /// The operator named the peering.
    Name,
    /// The vendor's API, or the operator, named the network behind it.
    NetworkId,
    /// Azure names the vendor's tenant for the subscription of the network behind it.
    Tenant,
    /// Its addresses are those of the vendor's network, which the vendor was asked to peer. Other networks may have them
    /// too, so this proves nothing.
    Addresses,
    /// It appeared while this run waited for the vendor.
    Appeared,
}

impl OwnershipEvidence {
    /// Returns whether the peering may be changed or deleted based on this evidence.
    pub fn is_proof(self) -> bool {
        match self {
            Self::Name | Self::NetworkId | Self::Tenant => true,
            Self::Addresses | Self::Appeared => false,
        }
    }
}

impl ObservedState {
    /// The peering that is proven to be the vendor's: the only one that may be changed or deleted.
    pub fn vendor_peering(&self, intent: &PeeringIntent) -> VendorPeering<'_> {
        self.peering_by(intent, OwnershipEvidence::is_proof)
    }

    /// The peering that is the vendor's as far as can be told: to wait for and to verify, never to write.
    pub fn likely_peering(&self, intent: &PeeringIntent) -> VendorPeering<'_> {
        match self.vendor_peering(intent) {
            VendorPeering::None => self.peering_by(intent, |_| true),
            proven => proven,
        }
    }

    fn peering_by(&self, intent: &PeeringIntent, counts: fn(OwnershipEvidence) -> bool) -> VendorPeering<'_> {
        let found = self.all_peerings();
        let found: Vec<&PeeringBody> = found
            .filter(|peering| self.evidence(intent, peering).is_some_and(counts))
            .collect();
        match found.as_slice() {
            [] => VendorPeering::None,
            [one] => VendorPeering::One(one),
            many => VendorPeering::Many(many.iter().map(|peering| peering.id.name.clone()).collect()),
        }
    }

    fn all_peerings(&self) -> impl Iterator<Item = &PeeringBody> {
        self.vnet.iter().flat_map(|vnet| &vnet.peerings)
    }

    /// Returns the evidence that the peering is the vendor's; `None` where there is none, or where something excludes it.
    pub fn evidence(&self, intent: &PeeringIntent, peering: &PeeringBody) -> Option<OwnershipEvidence> {
        if let Some(remote) = self.known_remote(intent) {
            return (peering.remote_vnet.as_ref() == Some(&remote.vnet)).then_some(OwnershipEvidence::NetworkId);
        }
        if let Some(name) = &intent.peering_name {
            return peering
                .id
                .name
                .eq_ignore_ascii_case(name)
                .then_some(OwnershipEvidence::Name);
        }
        // Where each side makes its own, nothing but the other network's ID tells two of a vendor's apart.
        let by_hand = intent.vendor.peering.created_by == CreatedBy::EachSide && self.network.is_none();
        let excluded = self.network.as_ref().is_some_and(|network| !shares(peering, network));
        if by_hand || excluded || !self.is_elsewhere(intent, peering) {
            return None;
        }
        let asked = self.request.is_some() && !self.request_is_gone;
        match (self.tenant_agrees(intent, peering), &self.network) {
            (Some(agrees), _) => agrees.then_some(OwnershipEvidence::Tenant),
            (None, Some(_)) => asked.then_some(OwnershipEvidence::Addresses),
            (None, None) => (!self.earlier_peerings.contains(&peering.id.name)).then_some(OwnershipEvidence::Appeared),
        }
    }

    /// Says what is relied on where the peering is not proven to be the vendor's; empty where it is.
    pub fn caveat(&self, intent: &PeeringIntent, peering: &PeeringBody) -> String {
        let relied_on = match self.evidence(intent, peering) {
            Some(OwnershipEvidence::Addresses) => "its addresses alone",
            Some(OwnershipEvidence::Appeared) => "the time of its creation alone",
            _ => return String::new(),
        };
        let vendor = &intent.vendor.short_name;
        format!("; recognized as {vendor}'s by {relied_on}: its tenant could not be confirmed")
    }

    /// Returns whether the vendor's peering can be identified without a query for the owner of the remote network: by
    /// the network's ID or by its name. A removal and a repair always query: a resource that another link of the vendor
    /// needs stays, and the vendor's information may be the error.
    pub fn tell_the_vendors(&self, intent: &PeeringIntent) -> bool {
        let told = self.known_remote(intent).is_some() || intent.peering_name.is_some();
        intent.goal == RunGoal::SetUp && told && matches!(self.vendor_peering(intent), VendorPeering::One(_))
    }

    /// Peerings that could be the vendor's, but nothing proves it: with another tenant's network, and there before.
    pub fn candidates(&self, intent: &PeeringIntent) -> Vec<&PeeringBody> {
        let unknown = |peering: &&PeeringBody| {
            self.is_elsewhere(intent, peering) && self.tenant_agrees(intent, peering).is_none()
        };
        self.all_peerings().filter(unknown).collect()
    }

    /// Peerings that could be the vendor's as far as their tenant and their addresses tell, whoever made them and when.
    pub fn could_be_the_vendors(&self, intent: &PeeringIntent) -> Vec<&PeeringBody> {
        let overlaps = |peering: &PeeringBody, network: &VendorNetwork| {
            !peering.remote_address_space.overlaps(&network.address_space).is_empty()
        };
        let could = |peering: &&PeeringBody| {
            self.is_elsewhere(intent, peering)
                && self.tenant_agrees(intent, peering) != Some(false)
                && self.network.as_ref().is_none_or(|network| overlaps(peering, network))
        };
        self.all_peerings().filter(could).collect()
    }

    /// Returns whether the remote network of the peering may belong to another organization: it lies in no subscription
    /// that this sign-in can access, and Azure does not report the customer's own tenant for it.
    pub fn is_elsewhere(&self, intent: &PeeringIntent, peering: &PeeringBody) -> bool {
        let unseen = |subscription| {
            !self.own_subscriptions.contains(&subscription)
                && self.remote_tenants.get(&subscription) != Some(&intent.tenant)
        };
        let remote = peering.remote_vnet.as_ref();
        remote.is_some_and(|remote| unseen(remote.subscription))
    }

    /// Returns whether the remote network of the peering lies in the vendor's tenant; `None` if Azure does not report
    /// its tenant, or if the vendor's tenant is not known.
    fn tenant_agrees(&self, intent: &PeeringIntent, peering: &PeeringBody) -> Option<bool> {
        let tenant = self.remote_tenants.get(&peering.remote_vnet.as_ref()?.subscription)?;
        let mut vendors = self.vendor_tenants(intent).peekable();
        vendors.peek()?;
        Some(*tenant != intent.tenant && vendors.any(|vendors| vendors == *tenant))
    }

    /// The tenants that are known to be the vendor's: fixed in its profile, or the one that owns its application.
    fn vendor_tenants(&self, intent: &PeeringIntent) -> impl Iterator<Item = TenantId> {
        let principal = self.principal.as_ref().filter(|_| !self.principal_is_anothers);
        let owner = principal.and_then(|principal| principal.owner_tenant);
        intent.vendor.peering.tenant.into_iter().chain(owner)
    }
}

/// No two networks that share addresses can be peered with one network, so other addresses exclude a peering.
fn shares(peering: &PeeringBody, network: &VendorNetwork) -> bool {
    let space = &peering.remote_address_space;
    space.covers(&network.address_space) || network.address_space.covers(space)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::AddressSpace;
    use crate::steps::samples::{kong_done, peering};

    const KONG: Uuid = Uuid::from_u128(0x1c0);
    const PARTNER: Uuid = Uuid::from_u128(0x2);

    fn name(found: VendorPeering<'_>) -> String {
        match found {
            VendorPeering::None => "none".into(),
            VendorPeering::One(peering) => peering.id.name.clone(),
            VendorPeering::Many(names) => names.join(" "),
        }
    }

    /// Names the tenant of the network behind `kong-1`.
    fn named(facts: &mut ObservedState, tenant: impl Into<Option<Uuid>>) {
        facts.remote_tenants.clear();
        let tenant = tenant.into();
        facts
            .remote_tenants
            .extend(tenant.map(|tenant| (Uuid::from_u128(0xf00), tenant)));
    }

    #[test]
    fn evidence_by_tenant_and_addresses() {
        type Row = (
            &'static str,
            fn(&mut PeeringIntent, &mut ObservedState),
            Option<OwnershipEvidence>,
        );
        let ours = Uuid::from_u128(0x7e);
        assert_eq!(kong_done().0.tenant, ours);
        let table: [Row; 12] = [
            ("vendor's tenant", |_, _| (), Some(OwnershipEvidence::Tenant)),
            ("partner's tenant", |_, facts| named(facts, PARTNER), None),
            ("our own tenant", |_, facts| named(facts, Uuid::from_u128(0x7e)), None),
            (
                "our own tenant, vendor's unknown",
                |_, facts| {
                    named(facts, Uuid::from_u128(0x7e));
                    facts.principal = None;
                },
                None,
            ),
            (
                "our own application for the vendor",
                |_, facts| {
                    named(facts, Uuid::from_u128(0x7e));
                    facts.principal.as_mut().expect("one").owner_tenant = Some(Uuid::from_u128(0x7e));
                },
                None,
            ),
            (
                "tenant not named",
                |_, facts| named(facts, None),
                Some(OwnershipEvidence::Addresses),
            ),
            (
                "vendor's tenant unknown",
                |_, facts| facts.principal.as_mut().expect("one").owner_tenant = None,
                Some(OwnershipEvidence::Addresses),
            ),
            (
                "vendor's tenant from its profile",
                |intent, facts| {
                    facts.principal = None;
                    intent.vendor.peering.tenant = Some(KONG);
                },
                Some(OwnershipEvidence::Tenant),
            ),
            (
                "an application that is not the vendor's",
                |_, facts| facts.principal_is_anothers = true,
                Some(OwnershipEvidence::Addresses),
            ),
            (
                "vendor never asked",
                |_, facts| {
                    named(facts, None);
                    facts.request = None;
                },
                None,
            ),
            (
                "other addresses",
                |_, facts| {
                    let other = AddressSpace::from_texts(["10.5.0.0/16"]);
                    facts.network.as_mut().expect("one").address_space = other;
                },
                None,
            ),
            (
                "subscription of ours",
                |_, facts| facts.own_subscriptions.push(Uuid::from_u128(0xf00)),
                None,
            ),
        ];
        for (case, change, expected) in table {
            let (mut intent, mut facts) = kong_done();
            change(&mut intent, &mut facts);
            let vnet = facts.vnet.clone().expect("one");
            let evidence = facts.evidence(&intent, &vnet.peerings[0]);
            assert_eq!(evidence, expected, "{case}");
            let proven = expected.is_some_and(OwnershipEvidence::is_proof);
            let expected_name = |found: bool| if found { "kong-1" } else { "none" };
            assert_eq!(name(facts.vendor_peering(&intent)), expected_name(proven), "{case}");
            let likely = name(facts.likely_peering(&intent));
            assert_eq!(likely, expected_name(expected.is_some()), "{case}");
            let caveat = facts.caveat(&intent, &vnet.peerings[0]);
            assert_eq!(caveat.is_empty(), proven || expected.is_none(), "{case}: {caveat}");
        }
    }

    #[test]
    fn addresses_alone_prove_nothing() {
        for space in ["10.0.0.0/16", "10.0.0.0/9", "10.0.7.0/24"] {
            let (intent, mut facts) = kong_done();
            named(&mut facts, None);
            facts.vnet.as_mut().expect("one").peerings = vec![peering(&intent, "to-payments", 0xf00, space)];
            assert_eq!(name(facts.vendor_peering(&intent)), "none", "{space}");
            assert_eq!(facts.could_be_the_vendors(&intent).len(), 1, "{space}");
        }
    }

    #[test]
    fn proof_wins_over_addresses() {
        let (intent, mut facts) = kong_done();
        let other = peering(&intent, "to-hub", 0xf01, "10.0.0.0/16");
        facts.vnet.as_mut().expect("one").peerings.push(other);
        assert_eq!(name(facts.likely_peering(&intent)), "kong-1");
    }

    #[test]
    fn by_hand_evidence() {
        let (intent, mut facts) = kong_done();
        (facts.network, facts.request) = (None, None);
        named(&mut facts, None);
        facts.earlier_peerings = vec!["kong-1".into()];
        assert_eq!(name(facts.likely_peering(&intent)), "none");
        assert_eq!(facts.candidates(&intent).len(), 1);
        named(&mut facts, KONG);
        assert_eq!(name(facts.vendor_peering(&intent)), "kong-1");
        named(&mut facts, PARTNER);
        assert_eq!(name(facts.likely_peering(&intent)), "none");
        assert!(facts.candidates(&intent).is_empty());
        named(&mut facts, None);
        let by_name = PeeringIntent {
            peering_name: Some("KONG-1".into()),
            ..intent.clone()
        };
        assert_eq!(name(facts.vendor_peering(&by_name)), "kong-1");
        facts.earlier_peerings.clear();
        assert_eq!(name(facts.likely_peering(&intent)), "kong-1");
        assert_eq!(name(facts.vendor_peering(&intent)), "none");
    }
}
