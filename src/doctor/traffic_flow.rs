//! The rules of network security groups, judged for the traffic between some addresses of ours and the vendor's network.

use ipnet::IpNet;

use crate::azure::{NetworkSecurityGroup, NsgRule};
use crate::domain::AddressSpace;

/// First and last of some ports.
type PortRanges = (u16, u16);

/// Every port: 0 is none, so `1-65535` is as much as `*` and `0-65535`.
const ALL: PortRanges = (1, u16::MAX);

/// Traffic between addresses of ours and the vendor's network, as a rule sees it.
pub struct TrafficFlow<'a> {
    pub inbound: bool,
    /// As rules write it: `Tcp`, `Udp`.
    pub protocol: &'static str,
    /// The port that is asked for; `None` where any port may be used.
    pub port: Option<u16>,
    pub ours: &'a AddressSpace,
    pub theirs: &'a AddressSpace,
}

/// Effect of a network security group on a flow.
#[derive(Debug, PartialEq)]
pub enum FlowVerdict<'r> {
    Open,
    /// Only these ports are let through, as rules write them; the rule stops the rest.
    Narrow {
        rule: &'r NsgRule,
        ports: String,
    },
    /// Nothing passes; `partly`: for some of the addresses only, or only some addresses are let through.
    Blocked {
        rule: &'r NsgRule,
        partly: bool,
    },
}

/// Part of an address space that a rule covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum AddressCoverage {
    None,
    Part,
    Whole,
}

impl TrafficFlow<'_> {
    /// Judges a group: among its rules, by priority, the first that fits decides, for each port. A rule that stops some
    /// ports only is taken as meant.
    pub fn judge<'r>(&self, group: &'r NetworkSecurityGroup) -> FlowVerdict<'r> {
        let mut left = vec![self.port.map_or(ALL, |port| (port, port))];
        let mut open: Vec<PortRanges> = Vec::new();
        let mut some_addresses_pass = false;
        for rule in self.rules(group) {
            let hit = common(&left, &ports(rule));
            let reach = self.reach(rule);
            if hit.is_empty() || (reach == AddressCoverage::None && !self.is_for_groups(rule)) {
                continue;
            }
            match (rule.allow, reach) {
                (true, AddressCoverage::Whole) => {
                    left = without(&left, &hit);
                    open.extend(hit);
                    if left.is_empty() {
                        return FlowVerdict::Open;
                    }
                }
                (true, AddressCoverage::Part | AddressCoverage::None) => some_addresses_pass = true,
                (false, AddressCoverage::None) => {}
                (false, _) if !without(&left, &hit).is_empty() => {
                    if reach == AddressCoverage::Whole {
                        left = without(&left, &hit);
                    }
                }
                (false, _) if open.is_empty() => {
                    let partly = some_addresses_pass || reach == AddressCoverage::Part;
                    return FlowVerdict::Blocked { rule, partly };
                }
                (false, _) => {
                    let ports = shown(open);
                    return FlowVerdict::Narrow { rule, ports };
                }
            }
        }
        FlowVerdict::Open
    }

    /// The rules that are about application security groups of ours: who is in one is not read.
    pub fn group_rules<'r>(&self, group: &'r NetworkSecurityGroup) -> impl Iterator<Item = &'r NsgRule> {
        let asked = vec![self.port.map_or(ALL, |port| (port, port))];
        let rules = self.rules(group).into_iter();
        let about: Vec<&NsgRule> = rules
            .filter(|rule| self.is_for_groups(rule) && !common(&asked, &ports(rule)).is_empty())
            .collect();
        about.into_iter()
    }

    /// The rules of this direction for the protocol, by priority.
    fn rules<'r>(&self, group: &'r NetworkSecurityGroup) -> Vec<&'r NsgRule> {
        let fits = |rule: &&NsgRule| rule.protocol == "*" || rule.protocol.eq_ignore_ascii_case(self.protocol);
        let rules = group.rules.iter().filter(|rule| rule.inbound == self.inbound);
        let mut rules: Vec<&NsgRule> = rules.filter(fits).collect();
        rules.sort_by_key(|rule| rule.priority);
        rules
    }

    fn ends<'r>(&self, rule: &'r NsgRule) -> (&'r [String], &'r [String]) {
        match self.inbound {
            true => (&rule.destinations, &rule.sources),
            false => (&rule.sources, &rule.destinations),
        }
    }

    fn reach(&self, rule: &NsgRule) -> AddressCoverage {
        let (ours, theirs) = self.ends(rule);
        reach(ours, self.ours).min(reach(theirs, self.theirs))
    }

    fn is_for_groups(&self, rule: &NsgRule) -> bool {
        let (ours, theirs) = self.ends(rule);
        ours.iter().any(|end| end.starts_with('/')) && reach(theirs, self.theirs) != AddressCoverage::None
    }
}

/// Returns the part of the space that the addresses of a rule cover. Service tags other than `VirtualNetwork` cover no
/// part of a network.
fn reach(rule: &[String], space: &AddressSpace) -> AddressCoverage {
    // The tag holds the peered networks' addresses too.
    let all = |text: &String| text == "*" || text.eq_ignore_ascii_case("VirtualNetwork");
    if rule.iter().any(all) {
        return AddressCoverage::Whole;
    }
    let single = |text: &str| text.parse::<std::net::IpAddr>().ok().map(IpNet::from);
    let nets = rule
        .iter()
        .filter_map(|text| text.parse::<IpNet>().ok().or_else(|| single(text)));
    let nets = AddressSpace(IpNet::aggregate(&nets.collect()));
    match (nets.covers(space), nets.overlaps(space).is_empty()) {
        (true, _) => AddressCoverage::Whole,
        (false, false) => AddressCoverage::Part,
        (false, true) => AddressCoverage::None,
    }
}

fn ports(rule: &NsgRule) -> Vec<PortRanges> {
    let range = |text: &String| {
        if text == "*" {
            return Some(ALL);
        }
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let (first, last) = (first.trim().parse::<u16>().ok()?, last.trim().parse().ok()?);
        Some((first.max(ALL.0), last))
    };
    rule.destination_ports.iter().filter_map(range).collect()
}

fn common(one: &[PortRanges], other: &[PortRanges]) -> Vec<PortRanges> {
    let pairs = one.iter().flat_map(|a| other.iter().map(move |b| (a, b)));
    let both = pairs.map(|(a, b)| (a.0.max(b.0), a.1.min(b.1)));
    both.filter(|(first, last)| first <= last).collect()
}

fn without(from: &[PortRanges], taken: &[PortRanges]) -> Vec<PortRanges> {
    let mut left = from.to_vec();
    for (first, last) in taken {
        let parts = left.iter().flat_map(|range| {
            let before = (range.0, range.1.min(first.saturating_sub(1)));
            let after = (range.0.max(last.saturating_add(1)), range.1);
            let after = (*last < u16::MAX).then_some(after);
            [Some(before), after].into_iter().flatten()
        });
        left = parts.filter(|(first, last)| first <= last).collect();
    }
    left
}

fn shown(mut ports: Vec<PortRanges>) -> String {
    ports.sort_unstable();
    ports.dedup();
    let text = |(first, last): &PortRanges| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    };
    ports.iter().map(text).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(priority: u32, allow: bool, theirs: &str, ports: &str) -> NsgRule {
        NsgRule {
            name: format!("r{priority}"),
            priority,
            inbound: true,
            allow,
            protocol: "*".into(),
            sources: theirs.split(' ').map(str::to_owned).collect(),
            destinations: vec!["*".into()],
            destination_ports: ports.split(' ').map(str::to_owned).collect(),
        }
    }

    /// `open`, `narrow PORTS`, `blocked RULE` or `partly RULE`.
    fn judged(port: Option<u16>, rules: &[NsgRule]) -> String {
        let (ours, theirs) = (
            AddressSpace::from_texts(["10.20.1.0/24"]),
            AddressSpace::from_texts(["10.0.0.0/16"]),
        );
        let flow = TrafficFlow {
            inbound: true,
            protocol: "Tcp",
            port,
            ours: &ours,
            theirs: &theirs,
        };
        let defaults = [rule(65000, true, "VirtualNetwork", "*"), rule(65500, false, "*", "*")];
        let group = NetworkSecurityGroup {
            id: "/nsg".into(),
            name: "nsg".into(),
            rules: rules.iter().cloned().chain(defaults).collect(),
        };
        match flow.judge(&group) {
            FlowVerdict::Open => "open".into(),
            FlowVerdict::Narrow { ports, .. } => format!("narrow {ports}"),
            FlowVerdict::Blocked { rule, partly: false } => format!("blocked {}", rule.name),
            FlowVerdict::Blocked { rule, partly: true } => format!("partly {}", rule.name),
        }
    }

    #[test]
    fn traffic_flow_first_matching_rule_decides() {
        let (allow, deny) = (
            |p, theirs, ports| rule(p, true, theirs, ports),
            |p, theirs, ports| rule(p, false, theirs, ports),
        );
        let table: [(Option<u16>, Vec<NsgRule>, &str); 17] = [
            (None, vec![], "open"),
            (None, vec![deny(200, "*", "*")], "blocked r200"),
            (None, vec![deny(200, "*", "0-65535")], "blocked r200"),
            (None, vec![deny(200, "*", "1-65535")], "blocked r200"),
            (
                None,
                vec![deny(200, "*", "0-1023"), deny(300, "*", "1024-65535")],
                "blocked r300",
            ),
            (None, vec![deny(200, "*", "22")], "open"),
            (None, vec![allow(100, "*", "443"), deny(200, "*", "*")], "narrow 443"),
            (
                None,
                vec![allow(100, "*", "80 8000-8999"), deny(200, "*", "1-65535")],
                "narrow 80, 8000-8999",
            ),
            (
                None,
                vec![allow(100, "10.0.1.0/24", "443"), deny(200, "*", "*")],
                "partly r200",
            ),
            (
                None,
                vec![allow(100, "192.168.0.0/16", "443"), deny(200, "*", "*")],
                "blocked r200",
            ),
            (None, vec![deny(200, "10.0.1.0/24", "*")], "partly r200"),
            (None, vec![allow(100, "*", "*"), deny(200, "*", "*")], "open"),
            (Some(6379), vec![deny(200, "*", "6000-7000")], "blocked r200"),
            (Some(6379), vec![deny(200, "*", "1-6378 6380-65535")], "open"),
            (
                Some(6379),
                vec![allow(100, "10.0.0.0/17 10.0.128.0/17", "6379"), deny(200, "*", "*")],
                "open",
            ),
            (
                Some(6379),
                vec![allow(100, "10.0.0.0/17", "6379"), deny(200, "*", "*")],
                "partly r200",
            ),
            (Some(443), vec![deny(200, "Internet", "*")], "open"),
        ];
        for (port, rules, expected) in table {
            assert_eq!(judged(port, &rules), expected, "{port:?} {rules:?}");
        }
    }

    #[test]
    fn traffic_flow_skips_application_security_groups() {
        let mut deny = rule(200, false, "*", "*");
        deny.destinations = vec!["/subscriptions/s/applicationSecurityGroups/web".into()];
        assert_eq!(judged(None, std::slice::from_ref(&deny)), "open");
        let mut allow = NsgRule { allow: true, ..deny };
        allow.priority = 100;
        assert_eq!(judged(None, &[allow, rule(200, false, "*", "*")]), "partly r200");
    }
}
