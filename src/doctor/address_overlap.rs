//! `address-overlap`: Azure peers only networks that share no address, and none with a network already peered.

use ipnet::IpNet;

use super::check::{CheckFinding, CheckNeed, DoctorCheck};
use crate::azure::{PeeringBody, VirtualNetwork};
use crate::domain::{AddressSpace, PeeringState};
use crate::plan::{CheckSeverity, PeeringIntent, StepId};
use crate::render::az;
use crate::steps::{ObservedState, VendorPeering};

pub static CHECK: DoctorCheck = DoctorCheck {
    id: "address-overlap",
    severity: CheckSeverity::Error,
    meaning: "Azure rejects a peering if the networks overlap, or if the remote network overlaps with an already peered network.",
    needs: &[
        CheckNeed::Step(StepId::Peering),
        CheckNeed::Step(StepId::VendorRequest),
        CheckNeed::Step(StepId::Consent),
    ],
    at_setup: true,
    of_writes: true,
    examine,
};

/// Compares the other network with ours, each with every network that the other is peered with.
fn examine(intent: &PeeringIntent, facts: &ObservedState) -> Option<CheckFinding> {
    let vnet = facts.vnet.as_ref()?;
    let Some(network) = OtherNetwork::of(facts) else {
        let vendor = &intent.vendor.short_name;
        return Some(CheckFinding::unknown(format!("{vendor}'s address space is unknown")));
    };
    let (name, space) = (network.name, network.address_space);
    if !vnet.address_space.shares_version(space) {
        return Some(no_common_version(intent, vnet, &network));
    }
    let fine = || CheckFinding::ok(format!("{} and {name} ({space}) don't overlap", vnet.address_space));
    let clash = clash_here(intent, facts, &network).or_else(|| clash_there(intent, vnet, &network));
    Some(clash.unwrap_or_else(fine))
}

/// One network has IPv4 addresses alone and the other IPv6 addresses alone: a peering would carry nothing.
fn no_common_version(intent: &PeeringIntent, vnet: &VirtualNetwork, network: &OtherNetwork<'_>) -> CheckFinding {
    let (ours, name, space) = (&intent.vnet.name, network.name, network.address_space);
    let told = format!(
        "{ours} ({}) and {name} ({space}) have no IP version in common, so a peering can't carry traffic",
        vnet.address_space
    );
    CheckFinding::problem(told)
        .remedy("Add an address range with a common IP version to one of them, or choose another network.")
}

/// The other network shares addresses with ours, or with one that ours is peered with.
fn clash_here(intent: &PeeringIntent, facts: &ObservedState, network: &OtherNetwork<'_>) -> Option<CheckFinding> {
    let vnet = facts.vnet.as_ref()?;
    let (name, space) = (network.name, network.address_space);
    let vendors_own = match facts.likely_peering(intent) {
        VendorPeering::One(peering) => Some(&peering.id),
        VendorPeering::None | VendorPeering::Many(_) => None,
    };
    let others = vnet.peerings.iter().filter(|one| Some(&one.id) != vendors_own);
    let others: Vec<&PeeringBody> = others.filter(|one| !beside(one, space).is_empty()).collect();
    let mut clashes = describe(&intent.vnet.name, &vnet.address_space.overlaps(space));
    clashes.extend(others.iter().flat_map(|one| beside(one, space)));
    if clashes.is_empty() {
        return None;
    }
    let dead = others.iter().filter(|one| one.state == PeeringState::Disconnected);
    let vendor = &intent.vendor.short_name;
    Some(
        CheckFinding::problem(format!("{name} ({space}) overlaps with {}", clashes.join("; ")))
            .remedies(dead.map(|one| {
                format!(
                    "{0} is Disconnected. If it's no longer needed, ask its owner to delete it: {1}",
                    one.id.name,
                    az::delete_peering(&one.id).join("; ")
                )
            }))
            .remedy("Choose a virtual network that doesn't overlap.")
            .remedy(format!("Or create a {vendor} network with a different address range.")),
    )
}

/// Ours shares addresses with one that the other network is peered with.
fn clash_there(intent: &PeeringIntent, vnet: &VirtualNetwork, network: &OtherNetwork<'_>) -> Option<CheckFinding> {
    let theirs = network.peerings.iter();
    let theirs = theirs.filter(|one| one.remote_vnet.as_ref() != Some(&intent.vnet));
    let clashes: Vec<String> = theirs.flat_map(|one| beside(one, &vnet.address_space)).collect();
    let (name, ours) = (network.name, &intent.vnet.name);
    (!clashes.is_empty()).then(|| {
        let clashes = clashes.join("; ");
        let found = format!("{ours} ({}) overlaps with {clashes} of {name}", vnet.address_space);
        CheckFinding::problem(found).remedy(format!(
            "Delete that peering of {name} first, or choose a network that doesn't overlap."
        ))
    })
}

/// The clashes of the network behind a peering with `space`.
fn beside(peering: &PeeringBody, space: &AddressSpace) -> Vec<String> {
    let label = format!("the network behind peering {}", peering.id.name);
    describe(&label, &peering.remote_address_space.overlaps(space))
}

/// The network to peer with: the vendor's, or the other tenant's where this sign-in may read it.
struct OtherNetwork<'a> {
    name: &'a str,
    address_space: &'a AddressSpace,
    /// As far as they may be read.
    peerings: &'a [PeeringBody],
}

impl<'a> OtherNetwork<'a> {
    fn of(facts: &'a ObservedState) -> Option<Self> {
        let vendors = facts.network.as_ref().map(|network| Self {
            name: &network.name,
            address_space: &network.address_space,
            peerings: &[],
        });
        let remote = || {
            facts.remote_vnet.as_ref().map(|vnet| Self {
                name: &vnet.id.name,
                address_space: &vnet.address_space,
                peerings: &vnet.peerings,
            })
        };
        vendors.or_else(remote)
    }
}

fn describe(label: &str, pairs: &[(IpNet, IpNet)]) -> Vec<String> {
    pairs.iter().map(|(ours, _)| format!("{label} ({ours})")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::samples;

    #[test]
    fn address_overlap_ignores_own_vendor_peering() {
        let (intent, mut facts) = samples::kong_done();
        assert!(CHECK.run(&intent, &facts).expect("both are known").ok);
        let vnet = facts.vnet.as_mut().expect("one");
        vnet.peerings = vec![samples::peering(&intent, "hub", 0x50b, "10.99.0.0/16")];
        assert!(CHECK.run(&intent, &facts).expect("both are known").ok);
        facts.network.as_mut().expect("one").address_space = AddressSpace::from_texts(["10.96.0.0/12"]);
        facts
            .vnet
            .as_mut()
            .expect("one")
            .peerings
            .push(samples::peering(&intent, "other", 0x50b, "10.100.0.0/16"));
        let found = CHECK.run(&intent, &facts).expect("both are known");
        assert!(
            found.blocks() && found.detail.contains("peering hub (10.99.0.0/16)"),
            "{found:?}"
        );
    }

    #[test]
    fn our_own_addresses_are_compared() {
        let (intent, mut facts) = samples::kong_done();
        facts.vnet.as_mut().expect("one").address_space = AddressSpace::from_texts(["10.0.8.0/24"]);
        assert!(CHECK.run(&intent, &facts).expect("both are known").blocks());
    }

    #[test]
    fn address_overlap_suggests_deleting_orphan_peering() {
        let (intent, mut facts) = samples::kong_done();
        let mut orphan = samples::peering(&intent, "to-old-spoke", 0x50b, "10.0.64.0/18");
        orphan.state = PeeringState::Disconnected;
        facts.vnet.as_mut().expect("one").peerings = vec![orphan];
        let found = CHECK.run(&intent, &facts).expect("both are known");
        assert!(
            found.blocks() && found.remedies[0].contains("peering delete"),
            "{found:?}"
        );
    }

    #[test]
    fn address_overlap_includes_remote_peered_networks() {
        let (intent, mut facts) = samples::kong_done();
        let mut theirs = facts.vnet.clone().expect("one");
        theirs.address_space = AddressSpace::from_texts(["10.150.0.0/16"]);
        theirs.peerings = vec![samples::peering(&intent, "to-their-hub", 0xf00, "10.20.0.0/17")];
        facts.network = None;
        facts.remote_vnet = Some(theirs);
        let found = CHECK.run(&intent, &facts).expect("both are known");
        assert!(
            found.blocks() && found.detail.contains("peering to-their-hub (10.20.0.0/17)"),
            "{found:?}"
        );
        facts.remote_vnet.as_mut().expect("one").address_space = AddressSpace::from_texts(["fd00::/48"]);
        let found = CHECK.run(&intent, &facts).expect("both are known");
        assert!(
            found.blocks() && found.detail.contains("no IP version in common"),
            "{found:?}"
        );
        facts.remote_vnet = None;
        assert_eq!(
            CHECK.run(&intent, &facts).expect("said").verdict,
            crate::plan::CheckVerdict::Unknown
        );
    }
}
