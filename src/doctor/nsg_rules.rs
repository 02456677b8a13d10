//! `nsg-rules`: the peering links the networks, but a network security group in front of a subnet or of a network
//! interface may still block the vendor's traffic. A warning: whether that is meant, only the operator knows.

use super::check::{CheckFinding, CheckNeed, DoctorCheck};
use super::traffic_flow::{FlowVerdict, TrafficFlow};
use crate::azure::{NetworkInterface, NetworkSecurityGroup, SubnetInfo};
use crate::domain::AddressSpace;
use crate::plan::{CheckSeverity, PeeringIntent, StepId};
use crate::steps::{ObservedState, PreflightPart, ReadResult, VendorPeering};
use crate::vendors::VendorTraffic;

pub static CHECK: DoctorCheck = DoctorCheck {
    id: "nsg-rules",
    severity: CheckSeverity::Warning,
    meaning: "Even if the networks are peered, a network security group of a subnet or network interface can block traffic.",
    needs: &[
        CheckNeed::Step(StepId::Peering),
        CheckNeed::Step(StepId::VendorRequest),
        CheckNeed::Part(PreflightPart::Interfaces),
    ],
    at_setup: true,
    of_writes: false,
    examine,
};

/// Names of places, in a sentence: the rest is counted.
const SHOWN: usize = 3;

/// Looks in each group for the rules that decide over the vendor's traffic.
fn examine(intent: &PeeringIntent, facts: &ObservedState) -> Option<CheckFinding> {
    let vnet = facts.vnet.as_ref()?;
    let vendor = &intent.vendor.short_name;
    let Some(theirs) = vendor_space(intent, facts) else {
        return Some(CheckFinding::unknown(format!(
            "{vendor}'s address space isn't known yet"
        )));
    };
    let found = judge(intent, &places(facts), &theirs);
    let unread = vnet
        .subnets
        .iter()
        .filter(|subnet| subnet.network_security_group.is_some() && group_of(subnet, &facts.security_groups).is_none());
    Some(if !found.blocked.is_empty() {
        CheckFinding::problem(joined(&found.blocked)).remedy(format!(
            "If these must communicate with {vendor}, add an allow rule with a lower priority number."
        ))
    } else if unread.count() > 0 {
        CheckFinding::unknown("you don't have permission to read all network security groups of the network's subnets")
    } else {
        let also = match facts.preflight.interfaces {
            ReadResult::Known(_) => " or network interface",
            ReadResult::NotAsked | ReadResult::Unreadable(_) => "",
        };
        let narrow = match found.narrow.is_empty() {
            true => String::new(),
            false => format!("; {}", joined(&found.narrow)),
        };
        CheckFinding::ok(format!(
            "no network security group of a subnet{also} blocks {vendor}'s traffic{narrow}; not checked: {}",
            unchecked(facts, found.group_rules).join(", ")
        ))
    })
}

/// Place that a network security group is associated with.
struct GroupPlace<'f> {
    name: String,
    addresses: &'f AddressSpace,
    group: &'f NetworkSecurityGroup,
}

fn place_of<'f>(subnet: &'f SubnetInfo, facts: &'f ObservedState) -> Option<GroupPlace<'f>> {
    Some(GroupPlace {
        name: format!("subnet {}", subnet.name),
        addresses: &subnet.address_prefixes,
        group: group_of(subnet, &facts.security_groups)?,
    })
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
pub fn open_subnets(intent: &PeeringIntent, facts: &ObservedState) -> Vec<String> {
    let subnets = facts.vnet.iter().flat_map(|vnet| &vnet.subnets);
    let theirs = vendor_space(intent, facts);
    let is_open = |subnet: &&SubnetInfo| {
        let is_reserved = RESERVED.iter().any(|name| name.eq_ignore_ascii_case(&subnet.name));
        let place = place_of(subnet, facts);
        let blocks = |theirs: &AddressSpace| !judge(intent, place.as_slice(), theirs).blocked.is_empty();
        !is_reserved && !theirs.as_ref().is_some_and(blocks)
    };
    subnets.filter(is_open).map(|subnet| subnet.name.clone()).collect()
}

/// The places whose groups were read.
fn places(facts: &ObservedState) -> Vec<GroupPlace<'_>> {
    let subnets = facts.vnet.iter().flat_map(|vnet| &vnet.subnets);
    let subnets = subnets.filter_map(|subnet| place_of(subnet, facts));
    let read = facts.preflight.interfaces.known();
    let interfaces = read.into_iter().flat_map(|read| {
        read.found.iter().filter_map(|interface| {
            Some(GroupPlace {
                name: format!("network interface {}", interface.name),
                addresses: &interface.addresses,
                group: group_before(interface, &read.security_groups)?,
            })
        })
    });
    subnets.chain(interfaces).collect()
}

/// Effects of the rules, each with the places where they apply.
#[derive(Default)]
struct JudgedGroup {
    blocked: Vec<(String, Vec<String>)>,
    /// Places where some ports are allowed and the rest aren't.
    narrow: Vec<(String, Vec<String>)>,
    /// Rules that are about application security groups.
    group_rules: Vec<String>,
}

fn judge(intent: &PeeringIntent, places: &[GroupPlace<'_>], theirs: &AddressSpace) -> JudgedGroup {
    let way = &intent.vendor.peering;
    let ports: Vec<Option<u16>> = match way.ports.as_slice() {
        [] => vec![None],
        ports => ports.iter().copied().map(Some).collect(),
    };
    let mut judged = JudgedGroup::default();
    for (place, port) in places
        .iter()
        .flat_map(|place| ports.iter().map(move |port| (place, *port)))
    {
        let flow = TrafficFlow {
            inbound: way.traffic == VendorTraffic::FromVendor,
            // Kong, Aiven and Dragonfly all speak TCP.
            protocol: "Tcp",
            port,
            ours: place.addresses,
            theirs,
        };
        let group = &place.group.name;
        match flow.judge(place.group) {
            FlowVerdict::Open => {}
            FlowVerdict::Narrow { rule, ports } => {
                let (name, priority) = (&rule.name, rule.priority);
                let told = format!("rule {name} of {group} (priority {priority}) allows only TCP {ports}");
                note(&mut judged.narrow, told, place);
            }
            FlowVerdict::Blocked { rule, partly } => {
                let what = match (port, partly) {
                    (Some(port), false) => format!("TCP {port}"),
                    (Some(port), true) => format!("TCP {port} for some addresses"),
                    (None, false) => "all its traffic".to_owned(),
                    (None, true) => "its traffic for some addresses".to_owned(),
                };
                let (name, priority) = (&rule.name, rule.priority);
                let told = format!("rule {name} of {group} (priority {priority}) blocks {what}");
                note(&mut judged.blocked, told, place);
            }
        }
        let rules = flow.group_rules(place.group);
        judged
            .group_rules
            .extend(rules.map(|rule| format!("{} of {group}", rule.name)));
    }
    judged.group_rules.sort_unstable();
    judged.group_rules.dedup();
    judged
}

fn note(list: &mut Vec<(String, Vec<String>)>, told: String, place: &GroupPlace<'_>) {
    match list.iter_mut().find(|(known, _)| *known == told) {
        Some((_, places)) => places.push(place.name.clone()),
        None => list.push((told, vec![place.name.clone()])),
    }
}

fn joined(list: &[(String, Vec<String>)]) -> String {
    let one = |(told, places): &(String, Vec<String>)| {
        let more = match places.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let places: Vec<&str> = places.iter().take(SHOWN).map(String::as_str).collect();
        format!("{told} at {}{more}", places.join(", "))
    };
    list.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// Returns the other things that can block the traffic and that weren't checked.
fn unchecked(facts: &ObservedState, group_rules: Vec<String>) -> Vec<String> {
    let interfaces = match &facts.preflight.interfaces {
        ReadResult::NotAsked | ReadResult::Unreadable(_) => Some("network interfaces".to_owned()),
        ReadResult::Known(read) => {
            let groups = &read.security_groups;
            let lacks_group =
                |one: &&NetworkInterface| one.network_security_group.is_some() && group_before(one, groups).is_none();
            let unread = read.unread + read.found.iter().filter(lacks_group).count();
            let all = read.unread + read.found.len();
            (unread > 0).then(|| format!("{unread} of {all} network interfaces"))
        }
    };
    let rules = (!group_rules.is_empty()).then(|| {
        let rules = group_rules.join(", ");
        format!("rules for application security groups ({rules})")
    });
    let admin = "admin rules of Azure Virtual Network Manager".to_owned();
    interfaces.into_iter().chain(rules).chain([admin]).collect()
}

/// The vendor's addresses, as far as they are known: its API says them, the peering that is there, or the other
/// network where it may be read.
pub fn vendor_space(intent: &PeeringIntent, facts: &ObservedState) -> Option<AddressSpace> {
    let network = facts.network.as_ref().map(|network| network.address_space.clone());
    let theirs = || facts.remote_vnet.as_ref().map(|vnet| vnet.address_space.clone());
    network.or_else(|| match facts.likely_peering(intent) {
        VendorPeering::One(peering) => Some(peering.remote_address_space.clone()),
        VendorPeering::None | VendorPeering::Many(_) => theirs(),
    })
}

pub fn group_of<'a>(subnet: &SubnetInfo, groups: &'a [NetworkSecurityGroup]) -> Option<&'a NetworkSecurityGroup> {
    let id = subnet.network_security_group.as_ref()?;
    groups.iter().find(|group| group.id.eq_ignore_ascii_case(id))
}

fn group_before<'a>(
    interface: &NetworkInterface,
    groups: &'a [NetworkSecurityGroup],
) -> Option<&'a NetworkSecurityGroup> {
    let id = interface.network_security_group.as_ref()?;
    groups.iter().find(|group| group.id.eq_ignore_ascii_case(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::NsgRule;
    use crate::steps::preflight::InterfaceRead;
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

    fn group(rules: Vec<NsgRule>) -> NetworkSecurityGroup {
        let defaults = [
            rule("AllowVnetOutBound", 65000, true, "VirtualNetwork", "*"),
            rule("DenyAllOutBound", 65500, false, "*", "*"),
        ];
        NetworkSecurityGroup {
            id: "/nsg".into(),
            name: "nsg".into(),
            rules: rules.into_iter().chain(defaults).collect(),
        }
    }

    /// Returns the result of the doctor and of setup for a group that is associated with a subnet.
    fn found(vendor: &str, rules: Vec<NsgRule>, interfaces: ReadResult<InterfaceRead>) -> crate::plan::CheckResult {
        let (mut intent, mut facts) = samples::kong_done();
        intent.vendor = profile(vendor).expect("built in");
        intent.vendor.peering.traffic = VendorTraffic::ToVendor;
        facts.preflight.interfaces = interfaces;
        facts.security_groups = vec![group(rules)];
        facts.vnet.as_mut().expect("one").subnets = vec![SubnetInfo {
            name: "snet".into(),
            address_prefixes: AddressSpace::from_texts(["10.20.1.0/24"]),
            network_security_group: Some("/NSG".into()),
            ..SubnetInfo::default()
        }];
        CHECK.run(&intent, &facts).expect("the vendor's addresses are known")
    }

    #[test]
    fn nsg_ok_states_unchecked_parts() {
        let check = found("dragonfly", Vec::new(), ReadResult::NotAsked);
        assert!(check.ok);
        assert_eq!(
            check.detail,
            "no network security group of a subnet blocks Dragonfly's traffic; not checked: network interfaces, admin rules of Azure Virtual Network Manager"
        );
        let read = |unread| {
            ReadResult::Known(InterfaceRead {
                unread,
                ..InterfaceRead::default()
            })
        };
        let mut web = rule("web", 200, false, "*", "*");
        web.sources = vec!["/subscriptions/s/applicationSecurityGroups/web".into()];
        let check = found("dragonfly", vec![web], read(3));
        assert_eq!(
            check.detail,
            "no network security group of a subnet or network interface blocks Dragonfly's traffic; not checked: 3 of 3 network interfaces, rules for application security groups (web of nsg), admin rules of Azure Virtual Network Manager"
        );
        assert!(
            !found("dragonfly", Vec::new(), read(0))
                .detail
                .contains("network interfaces")
        );
    }

    #[test]
    fn nsg_blocking_rule_is_named() {
        let table = [
            (
                "dragonfly",
                "6000-7000",
                "rule deny of nsg (priority 200) blocks TCP 6379 at subnet snet",
            ),
            (
                "kong",
                "0-65535",
                "rule deny of nsg (priority 200) blocks all its traffic at subnet snet",
            ),
        ];
        for (vendor, ports, expected) in table {
            let check = found(
                vendor,
                vec![rule("deny", 200, false, "10.0.0.0/8", ports)],
                ReadResult::NotAsked,
            );
            assert_eq!(check.detail, expected);
            assert!(check.is_problem() && !check.blocks());
        }
        let rules = vec![rule("https", 100, true, "*", "443"), rule("deny", 200, false, "*", "*")];
        let check = found("kong", rules, ReadResult::NotAsked);
        assert!(check.ok, "{check:?}");
        assert!(
            check
                .detail
                .contains("rule deny of nsg (priority 200) allows only TCP 443 at subnet snet"),
            "{check:?}"
        );
    }

    #[test]
    fn nsg_of_network_interfaces_is_checked() {
        let interface = |n: u8| NetworkInterface {
            name: format!("nic-{n}"),
            addresses: AddressSpace::from_texts([format!("10.20.1.{n}/32")]),
            network_security_group: Some("/NSG".into()),
        };
        let deny = rule("deny", 200, false, "*", "*");
        let interfaces = ReadResult::Known(InterfaceRead {
            found: (1..=5).map(interface).collect(),
            security_groups: vec![group(vec![deny])],
            unread: 0,
        });
        let check = found("dragonfly", Vec::new(), interfaces);
        assert_eq!(
            check.detail,
            "rule deny of nsg (priority 200) blocks TCP 6379 at network interface nic-1, network interface nic-2, network interface nic-3 and 2 more"
        );
    }
}
