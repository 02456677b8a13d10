//! The address prefixes of a virtual network, and where two of them meet.

use std::fmt;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// A virtual network's address prefixes, in the order that Azure gives them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AddressSpace(pub Vec<IpNet>);

impl AddressSpace {
    /// The prefixes among `texts` that are CIDR blocks; whatever else an API sends is left out.
    pub fn from_texts<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self(
            texts
                .into_iter()
                .filter_map(|text| text.as_ref().trim().parse().ok())
                .collect(),
        )
    }

    /// The pairs (ours, theirs) of prefixes that share addresses. Azure refuses to peer where there is one.
    pub fn overlaps(&self, other: &Self) -> Vec<(IpNet, IpNet)> {
        let pairs = self
            .0
            .iter()
            .flat_map(|ours| other.0.iter().map(move |theirs| (*ours, *theirs)));
        pairs
            .filter(|(ours, theirs)| ours.contains(theirs) || theirs.contains(ours))
            .collect()
    }

    /// Returns whether both have prefixes of one IP version. A space that isn't known is treated as sharing one.
    pub fn shares_version(&self, other: &Self) -> bool {
        let has = |space: &Self, v4: bool| space.0.iter().any(|net| net.addr().is_ipv4() == v4);
        self.0.is_empty() || other.0.is_empty() || [true, false].iter().any(|v4| has(self, *v4) && has(other, *v4))
    }

    /// The IPv6 prefixes alone.
    #[must_use]
    pub fn ipv6(&self) -> Self {
        Self(self.0.iter().filter(|net| net.addr().is_ipv6()).copied().collect())
    }

    /// Returns whether every address of `other` lies in this space.
    pub fn covers(&self, other: &Self) -> bool {
        !other.0.is_empty()
            && other
                .0
                .iter()
                .all(|theirs| self.0.iter().any(|ours| ours.contains(theirs)))
    }
}

impl fmt::Display for AddressSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&texts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlap_found_in_either_order() {
        let table = [
            ("10.0.0.0/16", "10.0.0.0/16", true),
            ("10.0.0.0/8", "10.20.0.0/16", true),
            ("10.20.3.0/24", "10.20.0.0/16", true),
            ("10.20.0.0/16", "10.21.0.0/16", false),
            ("fd00::/48", "fd00::/64", true),
            ("10.0.0.0/8", "fd00::/8", false),
        ];
        for (ours, theirs, expected) in table {
            let found = AddressSpace::from_texts([ours]).overlaps(&AddressSpace::from_texts([theirs]));
            assert_eq!(!found.is_empty(), expected, "{ours} and {theirs}");
        }
    }

    #[test]
    fn overlap_with_dual_stack_per_version() {
        let (v4, v6, both) = (
            &["10.0.0.0/16"][..],
            &["fd00::/48"][..],
            &["10.9.0.0/16", "fd09::/48"][..],
        );
        for (ours, theirs, shares) in [
            (v4, v4, true),
            (v6, v6, true),
            (v4, both, true),
            (both, v6, true),
            (v4, v6, false),
            (v6, v4, false),
            (v6, &[], true),
        ] {
            let (ours, theirs) = (AddressSpace::from_texts(ours), AddressSpace::from_texts(theirs));
            assert_eq!(ours.shares_version(&theirs), shares, "{ours} and {theirs}");
        }
        assert_eq!(
            AddressSpace::from_texts(both).ipv6(),
            AddressSpace::from_texts(["fd09::/48"])
        );
    }

    #[test]
    fn address_space_covers_contained_never_empty() {
        let space = AddressSpace::from_texts(["10.0.0.0/16", "10.9.0.0/24"]);
        assert!(space.covers(&AddressSpace::from_texts(["10.0.4.0/22"])));
        assert!(!space.covers(&AddressSpace::from_texts(["10.0.4.0/22", "10.8.0.0/24"])));
        assert!(!space.covers(&AddressSpace::default()));
    }

    #[test]
    fn address_space_skips_invalid_prefixes() {
        assert_eq!(
            AddressSpace::from_texts(["10.0.0.0/16", "soon", ""]).to_string(),
            "10.0.0.0/16"
        );
    }
}
