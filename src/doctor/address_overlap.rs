//! `address-overlap`: Azure peers only networks that share no address, and none with a network already peered.

use ipnet::IpNet;

use crate::domain::AddressSpace;
use crate::plan::{Check, Intent, Severity};
use crate::steps::{Facts, VendorPeering};

/// Compares the vendor's network with ours and with every network that ours is peered with.
pub fn check(intent: &Intent, facts: &Facts) -> Option<Check> {
    let vnet = facts.vnet.as_ref()?;
    let network = Other::of(facts)?;
    let vendors_own = match facts.vendor_peering(intent) {
        VendorPeering::One(peering) => Some(&peering.id),
        VendorPeering::None | VendorPeering::Many(_) => None,
    };
    let mut clashes = describe(&intent.vnet.name, &vnet.address_space.overlaps(network.address_space));
    for peering in vnet.peerings.iter().filter(|peering| Some(&peering.id) != vendors_own) {
        let label = format!("the network behind peering {}", peering.id.name);
        clashes.extend(describe(
            &label,
            &peering.remote_address_space.overlaps(network.address_space),
        ));
    }
    let ok = clashes.is_empty();
    let name = network.name;
    Some(Check {
        id: "address-overlap",
        severity: Severity::Error,
        ok,
        detail: if ok {
            format!(
                "{} and {name} ({}) share no address",
                vnet.address_space, network.address_space
            )
        } else {
            format!(
                "{name} ({}) shares addresses with {}",
                network.address_space,
                clashes.join("; ")
            )
        },
        remedies: if ok {
            Vec::new()
        } else {
            vec![
                "Choose a virtual network without these addresses.".to_owned(),
                format!(
                    "Or have {} make a network with another address block.",
                    intent.vendor.short_name
                ),
            ]
        },
    })
}

/// The network to peer with: the vendor's, or the other tenant's where this sign-in may read it.
struct Other<'a> {
    name: &'a str,
    address_space: &'a AddressSpace,
}

impl<'a> Other<'a> {
    fn of(facts: &'a Facts) -> Option<Self> {
        let vendors = facts.network.as_ref().map(|network| Self {
            name: &network.name,
            address_space: &network.address_space,
        });
        let remote = || {
            facts.remote_vnet.as_ref().map(|vnet| Self {
                name: &vnet.id.name,
                address_space: &vnet.address_space,
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
    use crate::domain::AddressSpace;
    use crate::steps::samples;

    #[test]
    fn the_vendors_own_peering_is_no_clash_but_anothers_is() {
        let (intent, mut facts) = samples::kong_done();
        assert!(check(&intent, &facts).expect("both are known").ok);
        let vnet = facts.vnet.as_mut().expect("one");
        vnet.peerings = vec![samples::peering(&intent, "hub", 0x50b, "10.99.0.0/16")];
        assert!(check(&intent, &facts).expect("both are known").ok);
        facts.network.as_mut().expect("one").address_space = AddressSpace::from_texts(["10.96.0.0/12"]);
        facts
            .vnet
            .as_mut()
            .expect("one")
            .peerings
            .push(samples::peering(&intent, "other", 0x50b, "10.100.0.0/16"));
        let found = check(&intent, &facts).expect("both are known");
        assert!(
            found.blocks() && found.detail.contains("peering hub (10.99.0.0/16)"),
            "{found:?}"
        );
    }

    #[test]
    fn our_own_addresses_are_compared() {
        let (intent, mut facts) = samples::kong_done();
        facts.vnet.as_mut().expect("one").address_space = AddressSpace::from_texts(["10.0.8.0/24"]);
        assert!(check(&intent, &facts).expect("both are known").blocks());
    }
}
