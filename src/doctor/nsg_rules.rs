//! `nsg-rules`: the peering links the networks, but a network security group in front of a subnet may still block the
//! vendor's traffic. A warning: whether that is meant, only the operator knows.

use ipnet::IpNet;

use super::probe::{Finding, Need, Probe};
use crate::azure::{Nsg, NsgRule, Subnet};
use crate::domain::AddressSpace;
use crate::plan::{Intent, Severity, StepId};
use crate::steps::{Facts, VendorPeering};
use crate::vendors::Traffic;

pub static PROBE: Probe = Probe {
    id: "nsg-rules",
    severity: Severity::Warning,
    meaning: "The peering links the networks; a network security group in front of a subnet may block it all the same.",
    needs: &[Need::Step(StepId::Peering), Need::Step(StepId::VendorRequest)],
    at_setup: true,
    of_writes: false,
    examine,
};

/// Looks in each subnet's group for the rule that decides over the vendor's traffic.
fn examine(intent: &Intent, facts: &Facts) -> Option<Finding> {
    let vnet = facts.vnet.as_ref()?;
    let vendor = &intent.vendor.short_name;
    let Some(theirs) = vendor_space(intent, facts) else {
        return Some(Finding::unknown(format!(
            "which addresses are {vendor}'s is not known yet"
        )));
    };
    let subnets = vnet.subnets.iter();
    let blocked: Vec<String> = subnets
        .flat_map(|subnet| blocked(intent, facts, subnet, &theirs))
        .collect();
    let unread = vnet
        .subnets
        .iter()
        .filter(|subnet| subnet.network_security_group.is_some() && group_of(subnet, &facts.security_groups).is_none());
    Some(if !blocked.is_empty() {
        Finding::problem(blocked.join("; ")).remedy(format!(
            "Where these subnets are to talk with {vendor}, allow it by a rule of a lower priority number."
        ))
    } else if unread.count() > 0 {
        Finding::unknown("not every network security group of the network's subnets may be read")
    } else {
        Finding::ok(format!("no network security group blocks {vendor}'s traffic"))
    })
}

/// The rules that block the vendor's traffic at a subnet, in a sentence each.
fn blocked(intent: &Intent, facts: &Facts, subnet: &Subnet, theirs: &AddressSpace) -> Vec<String> {
    let Some(group) = group_of(subnet, &facts.security_groups) else {
        return Vec::new();
    };
    let way = &intent.vendor.peering;
    let ports: Vec<Option<u16>> = if way.ports.is_empty() {
        vec![None]
    } else {
        way.ports.iter().copied().map(Some).collect()
    };
    let blocked = ports.into_iter().filter_map(|port| {
        let flow = Flow {
            inbound: way.traffic == Traffic::FromVendor,
            // Kong, Aiven and Dragonfly all speak TCP.
            protocol: "Tcp",
            port,
            ours: &subnet.address_prefixes,
            theirs,
        };
        let rule = flow.decided_by(group).filter(|rule| !rule.allow)?;
        Some(describe(subnet, group, rule, port))
    });
    blocked.collect()
}

/// Azure's own subnets, in which there are no machines of the customer's.
const RESERVED: [&str; 5] = [
    "GatewaySubnet",
    "AzureFirewallSubnet",
    "AzureFirewallManagementSubnet",
    "AzureBastionSubnet",
    "RouteServerSubnet",
];

/// Returns the names of the subnets whose security groups let the vendor's traffic through, as far as that is known.
pub fn open_subnets(intent: &Intent, facts: &Facts) -> Vec<String> {
    let subnets = facts.vnet.iter().flat_map(|vnet| &vnet.subnets);
    let theirs = vendor_space(intent, facts);
    let is_open = |subnet: &&Subnet| {
        let is_reserved = RESERVED.iter().any(|name| name.eq_ignore_ascii_case(&subnet.name));
        let blocks = |theirs: &AddressSpace| !blocked(intent, facts, subnet, theirs).is_empty();
        !is_reserved && !theirs.as_ref().is_some_and(blocks)
    };
    subnets.filter(is_open).map(|subnet| subnet.name.clone()).collect()
}

/// The vendor's addresses, as far as they are known: its API says them, the peering that is there, or the other
/// network where it may be read.
pub fn vendor_space(intent: &Intent, facts: &Facts) -> Option<AddressSpace> {
    let network = facts.network.as_ref().map(|network| network.address_space.clone());
    let theirs = || facts.remote_vnet.as_ref().map(|vnet| vnet.address_space.clone());
    network.or_else(|| match facts.likely_peering(intent) {
        VendorPeering::One(peering) => Some(peering.remote_address_space.clone()),
        VendorPeering::None | VendorPeering::Many(_) => theirs(),
    })
}

/// Returns the network security group in front of a subnet, where it was read.
pub fn group_of<'a>(subnet: &Subnet, groups: &'a [Nsg]) -> Option<&'a Nsg> {
    let id = subnet.network_security_group.as_ref()?;
    groups.iter().find(|group| group.id.eq_ignore_ascii_case(id))
}

fn describe(subnet: &Subnet, group: &Nsg, rule: &NsgRule, port: Option<u16>) -> String {
    let what = port.map_or_else(|| "all its traffic".to_owned(), |port| format!("TCP {port}"));
    format!(
        "rule {} of {} (priority {}) blocks {what} at subnet {}",
        rule.name, group.name, rule.priority, subnet.name
    )
}

/// Traffic between some of our addresses and the vendor's network, as a rule sees it. Without a port: all of it.
pub struct Flow<'a> {
    pub inbound: bool,
    /// As rules write it: `Tcp`, `Udp`.
    pub protocol: &'static str,
    pub port: Option<u16>,
    pub ours: &'a AddressSpace,
    pub theirs: &'a AddressSpace,
}

impl Flow<'_> {
    /// The first rule that fits, by priority: that one decides.
    pub fn decided_by<'n>(&self, group: &'n Nsg) -> Option<&'n NsgRule> {
        let mut rules: Vec<&NsgRule> = group.rules.iter().filter(|rule| rule.inbound == self.inbound).collect();
        rules.sort_by_key(|rule| rule.priority);
        rules.into_iter().find(|rule| self.fits(rule))
    }

    fn fits(&self, rule: &NsgRule) -> bool {
        let (ours, theirs) = if self.inbound {
            (&rule.destinations, &rule.sources)
        } else {
            (&rule.sources, &rule.destinations)
        };
        let protocol = rule.protocol == "*" || rule.protocol.eq_ignore_ascii_case(self.protocol);
        protocol
            && rule.destination_ports.iter().any(|ports| self.port_in(ports))
            && addresses(ours, self.ours, rule.allow)
            && addresses(theirs, self.theirs, rule.allow)
    }

    fn port_in(&self, ports: &str) -> bool {
        let Some(port) = self.port else { return ports == "*" };
        let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
        let within = || Some((first.trim().parse::<u16>().ok()?..=last.trim().parse().ok()?).contains(&port));
        ports == "*" || within().unwrap_or(false)
    }
}

/// Whether a rule's addresses mean this space: an allowing rule has to hold all of it, a denying one any part.
fn addresses(rule: &[String], space: &AddressSpace, allow: bool) -> bool {
    rule.iter().any(|text| {
        // The tag VirtualNetwork holds the peered networks' addresses too.
        if text == "*" || text.eq_ignore_ascii_case("VirtualNetwork") {
            return true;
        }
        let single = || text.parse::<std::net::IpAddr>().ok().map(IpNet::from);
        let Some(net) = text.parse::<IpNet>().ok().or_else(single) else {
            return false;
        };
        let net = AddressSpace(vec![net]);
        if allow {
            net.covers(space)
        } else {
            !net.overlaps(space).is_empty()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::samples;
    use crate::vendors::profile;

    fn rule(name: &str, priority: u32, allow: bool, theirs: &str, ports: &str) -> NsgRule {
        NsgRule {
            name: name.into(),
            priority,
            inbound: false,
            allow,
            protocol: "Tcp".into(),
            sources: vec!["*".into()],
            destinations: vec![theirs.into()],
            destination_ports: vec![ports.into()],
        }
    }

    fn found(rules: Vec<NsgRule>) -> crate::plan::Check {
        let (mut intent, mut facts) = samples::kong_done();
        intent.vendor = profile("dragonfly").expect("built in");
        let defaults = [
            rule("AllowVnetOutBound", 65000, true, "VirtualNetwork", "*"),
            rule("DenyAllOutBound", 65500, false, "*", "*"),
        ];
        facts.security_groups = vec![Nsg {
            id: "/nsg".into(),
            name: "nsg".into(),
            rules: rules.into_iter().chain(defaults).collect(),
        }];
        facts.vnet.as_mut().expect("one").subnets = vec![Subnet {
            name: "snet".into(),
            address_prefixes: AddressSpace::from_texts(["10.20.1.0/24"]),
            network_security_group: Some("/NSG".into()),
            ..Subnet::default()
        }];
        PROBE.run(&intent, &facts).expect("the vendor's addresses are known")
    }

    #[test]
    fn azures_own_rules_let_a_peered_network_through() {
        assert!(found(Vec::new()).ok);
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let deny = || rule("deny", 200, false, "10.0.0.0/8", "6000-7000");
        let check = found(vec![deny()]);
        assert_eq!(
            check.detail,
            "rule deny of nsg (priority 200) blocks TCP 6379 at subnet snet"
        );
        assert!(!check.blocks());
        assert!(found(vec![deny(), rule("allow", 100, true, "10.0.0.0/16", "6379")]).ok);
        assert!(!found(vec![deny(), rule("allow-a-part", 100, true, "10.0.1.0/24", "6379")]).ok);
        assert!(found(vec![rule("other-port", 200, false, "*", "443")]).ok);
        assert!(found(vec![rule("other-net", 200, false, "192.168.0.0/16", "*")]).ok);
    }
}
