//! `dns-servers`: each DNS server that the vendor shall ask lies where it reaches it through this peering, and its subnet
//! lets DNS through.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

use super::check::{CheckFinding, CheckNeed, DoctorCheck};
use super::nsg_rules::{group_of, vendor_space};
use super::traffic_flow::{FlowVerdict, TrafficFlow};
use crate::azure::{InboundEndpoint, NetworkSecurityGroup, NsgRule, PeeringBody, SubnetInfo, VirtualNetwork};
use crate::domain::AddressSpace;
use crate::plan::{CheckSeverity, PeeringIntent, StepId};
use crate::render::ShellWord;
use crate::steps::{ObservedState, PreflightPart, ReadResult, VendorPeering};

pub static CHECK: DoctorCheck = DoctorCheck {
    id: "dns-servers",
    severity: CheckSeverity::Warning,
    meaning: "The vendor resolves private names only with DNS servers that it can reach through this peering.",
    needs: &[
        CheckNeed::Step(StepId::Peering),
        CheckNeed::Step(StepId::VendorRequest),
        CheckNeed::Part(PreflightPart::InboundEndpoints),
    ],
    at_setup: true,
    of_writes: false,
    examine,
};

/// DNS uses both: a response that is too long for UDP is asked for again over TCP.
const PROTOCOLS: [(&str, &str); 2] = [("Udp", "UDP"), ("Tcp", "TCP")];
const DNS_PORT: u16 = 53;
/// Answers only from within a virtual network.
const AZURE_DNS: &str = "168.63.129.16";
/// The smallest subnet that an inbound endpoint may have.
const ENDPOINT_PREFIX: u8 = 28;
/// Subnets that are tried to find a free one.
const TRIED_SUBNETS: usize = 1 << 16;

/// Looks where each server lies, and at the rules in front of it.
fn examine(intent: &PeeringIntent, facts: &ObservedState) -> Option<CheckFinding> {
    let vnet = facts.vnet.as_ref().filter(|_| intent.vendor.takes_dns())?;
    let request = facts.request.as_ref().map(|request| request.dns.as_slice());
    let mappings = match intent.dns.is_empty() {
        true => request.unwrap_or_default(),
        false => &intent.dns,
    };
    let mut servers: Vec<IpAddr> = mappings.iter().flat_map(|mapping| &mapping.servers).copied().collect();
    servers.sort_unstable();
    servers.dedup();
    if servers.is_empty() {
        return without_mappings(intent, facts, vnet);
    }
    let vendor = &intent.vendor.short_name;
    let (mut problems, mut remedies, mut unread) = (Vec::new(), Vec::new(), Vec::new());
    let mut unreachable = false;
    for server in servers.iter().copied() {
        let subnet = match place(intent, facts, vnet, server) {
            Ok(subnet) => subnet,
            Err(why) => {
                problems.push(format!(
                    "{vendor} can't reach DNS server {server} through this peering: {why}"
                ));
                unreachable = true;
                continue;
            }
        };
        if subnet.network_security_group.is_none() {
            continue;
        }
        match (group_of(subnet, &facts.security_groups), vendor_space(intent, facts)) {
            (Some(group), Some(theirs)) => {
                if let Some((problem, remedy)) = blocked(vendor, subnet, group, server, &theirs) {
                    problems.push(problem);
                    remedies.push(remedy);
                }
            }
            (None, _) => unread.push(format!("the network security group of subnet {}", subnet.name)),
            (_, None) => unread.push(format!("{vendor}'s addresses")),
        }
    }
    if unreachable {
        remedies.extend(to_get_endpoint(intent, facts, vnet));
    }
    Some(if !problems.is_empty() {
        CheckFinding::problem(problems.join("; ")).remedies(remedies)
    } else if !unread.is_empty() {
        unread.dedup();
        CheckFinding::unknown(format!(
            "the DNS servers are in {}, but couldn't read {}",
            vnet.id.name,
            unread.join(", ")
        ))
    } else {
        CheckFinding::ok(format!("{vendor} can reach the DNS servers in {}", vnet.id.name))
    })
}

/// Without mappings nothing is wrong: where doctor asked, it says what there is to map to.
fn without_mappings(intent: &PeeringIntent, facts: &ObservedState, vnet: &VirtualNetwork) -> Option<CheckFinding> {
    let endpoints = facts.preflight.inbound_endpoints.known()?;
    let vendor = &intent.vendor.short_name;
    let (name, none) = (&vnet.id.name, "there are no DNS mappings");
    Some(match endpoints.as_slice() {
        [] => CheckFinding::ok(format!(
            "{none}. For {vendor} to resolve private names, {name} needs an inbound endpoint of a DNS private resolver:"
        ))
        .remedies(create_endpoint(vnet)),
        some => CheckFinding::ok(format!(
            "{none}. {vendor} can use the inbound endpoints of {name}: {}",
            listed(some)
        )),
    })
}

fn listed(endpoints: &[InboundEndpoint]) -> String {
    let each = endpoints.iter().map(|one| {
        format!(
            "{} ({} of {}, subnet {})",
            one.address, one.name, one.resolver, one.subnet
        )
    });
    each.collect::<Vec<_>>().join(", ")
}

/// The server's subnet, or why the vendor doesn't reach the server through this peering.
fn place<'a>(
    intent: &PeeringIntent,
    facts: &ObservedState,
    vnet: &'a VirtualNetwork,
    server: IpAddr,
) -> Result<&'a SubnetInfo, String> {
    let name = &vnet.id.name;
    if holds(&vnet.address_space, server) {
        let subnet = vnet
            .subnets
            .iter()
            .find(|subnet| holds(&subnet.address_prefixes, server));
        let subnet = subnet.ok_or_else(|| format!("it isn't in a subnet of {name}"))?;
        return match subnet
            .address_prefixes
            .0
            .iter()
            .any(|prefix| is_reserved(prefix, server))
        {
            true => Err(format!("Azure reserves this address in subnet {}", subnet.name)),
            false => Ok(subnet),
        };
    }
    if server.to_string() == AZURE_DNS {
        return Err("it is the Azure-provided DNS server, which answers only from within a virtual network".to_owned());
    }
    let vendor = &intent.vendor.short_name;
    if vendor_space(intent, facts).is_some_and(|theirs| holds(&theirs, server)) {
        return Err(format!("it is in {vendor}'s own network"));
    }
    let is_vendors = |peering: &PeeringBody| match facts.likely_peering(intent) {
        VendorPeering::One(own) => own.id == peering.id,
        VendorPeering::None | VendorPeering::Many(_) => false,
    };
    let mut others = vnet.peerings.iter().filter(|peering| !is_vendors(peering));
    Err(match others.find(|other| holds(&other.remote_address_space, server)) {
        Some(other) => format!(
            "it is behind another peering of {name}, {}, and peerings aren't transitive",
            other.id.name
        ),
        None => format!("it is outside {name} ({})", vnet.address_space),
    })
}

fn holds(space: &AddressSpace, address: IpAddr) -> bool {
    space.0.iter().any(|prefix| prefix.contains(&address))
}

/// The first four addresses of a subnet and the last one.
fn is_reserved(prefix: &IpNet, address: IpAddr) -> bool {
    let (IpNet::V4(prefix), IpAddr::V4(address)) = (prefix, address) else {
        return false;
    };
    let at = u32::from(address).checked_sub(u32::from(prefix.network()));
    at.is_some_and(|at| at < 4) || address == prefix.broadcast()
}

/// The rule that blocks DNS from the vendor to a server, and the command for one that lets it through.
fn blocked(
    vendor: &str,
    subnet: &SubnetInfo,
    group: &NetworkSecurityGroup,
    server: IpAddr,
    theirs: &AddressSpace,
) -> Option<(String, String)> {
    let ours = AddressSpace(vec![IpNet::from(server)]);
    let denied = PROTOCOLS.iter().filter_map(|(protocol, called)| {
        let flow = TrafficFlow {
            inbound: true,
            protocol,
            port: Some(DNS_PORT),
            ours: &ours,
            theirs,
        };
        match flow.judge(group) {
            FlowVerdict::Blocked { rule, .. } => Some((*called, rule)),
            FlowVerdict::Open | FlowVerdict::Narrow { .. } => None,
        }
    });
    let denied: Vec<(&str, &NsgRule)> = denied.collect();
    let (_, first) = denied.iter().min_by_key(|(_, rule)| rule.priority)?;
    let rules = denied.iter().map(|(called, rule)| {
        format!(
            "rule {} of {} (priority {}) blocks {called} 53",
            rule.name, group.name, rule.priority
        )
    });
    let rules: Vec<String> = rules.collect();
    let problem = format!(
        "{} from {vendor} to DNS server {server} (subnet {})",
        rules.join(", "),
        subnet.name
    );
    Some((problem, allow_dns(group, first.priority, server, theirs)))
}

/// The command for a rule before the one that blocks.
fn allow_dns(group: &NetworkSecurityGroup, before: u32, server: IpAddr, theirs: &AddressSpace) -> String {
    let taken = |priority: &u32| {
        group
            .rules
            .iter()
            .any(|rule| rule.inbound && rule.priority == *priority)
    };
    let mut free = (100..before.min(4097)).rev();
    let Some(priority) = free.find(|priority| !taken(priority)) else {
        return format!(
            "{} has no free priority below {before}. Renumber its rules, then allow UDP and TCP 53 to {server} from {theirs}.",
            group.name
        );
    };
    let parts: Vec<&str> = group.id.split('/').collect();
    let part = |at: usize| ShellWord(parts.get(at).copied().unwrap_or_default()).to_string();
    let sources: Vec<String> = theirs.0.iter().map(ToString::to_string).collect();
    format!(
        "az network nsg rule create --subscription {} --resource-group {} --nsg-name {} --name AllowDnsFromVendor{priority} \
         --priority {priority} --direction Inbound --access Allow --protocol '*' --source-address-prefixes {} \
         --destination-address-prefixes {server} --destination-port-ranges 53",
        part(2),
        part(4),
        ShellWord(&group.name),
        sources.join(" ")
    )
}

/// The ways to a server that the vendor reaches.
fn to_get_endpoint(intent: &PeeringIntent, facts: &ObservedState, vnet: &VirtualNetwork) -> Vec<String> {
    let name = &vnet.id.name;
    match &facts.preflight.inbound_endpoints {
        ReadResult::Known(endpoints) if endpoints.is_empty() => std::iter::once(format!(
            "Create an inbound endpoint of a DNS private resolver in {name}, and use its address:"
        ))
        .chain(create_endpoint(vnet))
        .collect(),
        ReadResult::Known(endpoints) => vec![format!("Use an inbound endpoint of {name}: {}.", listed(endpoints))],
        ReadResult::NotAsked => vec![format!(
            "Use an address in {name}, such as an inbound endpoint of a DNS private resolver. To list or create them: peerctl \
             azure doctor --vendor {}",
            intent.vendor.id
        )],
        ReadResult::Unreadable(why) => vec![format!(
            "Use an address in {name}, such as an inbound endpoint of a DNS private resolver ({why})."
        )],
    }
}

/// The commands for an inbound endpoint: a subnet of its own, the resolver, the endpoint.
fn create_endpoint(vnet: &VirtualNetwork) -> Vec<String> {
    const SUBNET: &str = "snet-dns-inbound";
    let id = &vnet.id;
    let place = format!(
        "--subscription {} --resource-group {}",
        id.subscription,
        ShellWord(&id.resource_group)
    );
    let resolver = ShellWord(&format!("dnspr-{}", id.name)).to_string();
    let prefix = free_prefix(vnet).map_or_else(|| "A-FREE-PREFIX/28".to_owned(), |prefix| prefix.to_string());
    let location = ShellWord(&vnet.location);
    let endpoint = format!("[{{private-ip-allocation-method:Dynamic,id:{id}/subnets/{SUBNET}}}]");
    vec![
        format!(
            "az network vnet subnet create {place} --vnet-name {} --name {SUBNET} --address-prefixes {prefix} --delegations \
             Microsoft.Network/dnsResolvers",
            ShellWord(&id.name)
        ),
        format!("az dns-resolver create {place} --name {resolver} --location {location} --id {id}"),
        format!(
            "az dns-resolver inbound-endpoint create {place} --dns-resolver-name {resolver} --name inbound --location \
             {location} --ip-configurations {}",
            ShellWord(&endpoint)
        ),
    ]
}

/// The first part of the network that is large enough for an endpoint and has no subnet.
fn free_prefix(vnet: &VirtualNetwork) -> Option<Ipv4Net> {
    let spaces = vnet.address_space.0.iter().filter_map(|prefix| match prefix {
        IpNet::V4(prefix) => Some(*prefix),
        IpNet::V6(_) => None,
    });
    let parts = spaces
        .filter_map(|prefix| prefix.subnets(ENDPOINT_PREFIX).ok())
        .flatten();
    let is_free = |part: &Ipv4Net| {
        let part = AddressSpace(vec![IpNet::V4(*part)]);
        vnet.subnets
            .iter()
            .all(|subnet| subnet.address_prefixes.overlaps(&part).is_empty())
    };
    parts.take(TRIED_SUBNETS).find(is_free)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::CheckResult;
    use crate::steps::samples;
    use crate::vendors::DnsMapping;

    const DNS: &str = "a.example";

    fn rule(priority: u32, allow: bool, protocol: &str, ports: &str) -> NsgRule {
        NsgRule {
            name: format!("r{priority}"),
            priority,
            inbound: true,
            allow,
            protocol: protocol.into(),
            sources: vec!["*".into()],
            destinations: vec!["*".into()],
            destination_ports: vec![ports.into()],
        }
    }

    /// Returns the result for a server in a network with a subnet behind these rules.
    fn found(server: &str, rules: Vec<NsgRule>, endpoints: ReadResult<Vec<InboundEndpoint>>) -> CheckResult {
        let (mut intent, mut facts) = samples::kong_done();
        let servers = format!("{DNS}={server}").parse::<DnsMapping>();
        intent.dns = servers.into_iter().collect();
        facts.security_groups = vec![NetworkSecurityGroup {
            id: "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/networkSecurityGroups/nsg".into(),
            name: "nsg".into(),
            rules,
        }];
        facts.preflight.inbound_endpoints = endpoints;
        let hub = samples::peering(&intent, "to-hub", 0x50b, "10.99.0.0/16");
        let vnet = facts.vnet.as_mut().expect("one");
        vnet.address_space = AddressSpace::from_texts(["10.20.0.0/16"]);
        vnet.peerings.push(hub);
        vnet.subnets = vec![SubnetInfo {
            name: "snet".into(),
            address_prefixes: AddressSpace::from_texts(["10.20.0.0/24"]),
            network_security_group: Some(facts.security_groups[0].id.to_uppercase()),
            ..SubnetInfo::default()
        }];
        CHECK.run(&intent, &facts).expect("kong takes DNS mappings")
    }

    #[test]
    fn dns_server_unreachable_states_reason() {
        let table = [
            ("10.20.9.4", "it isn't in a subnet of vnet-app"),
            ("10.20.0.3", "Azure reserves this address in subnet snet"),
            ("10.20.0.255", "Azure reserves this address in subnet snet"),
            ("168.63.129.16", "it is the Azure-provided DNS server"),
            ("10.0.0.9", "it is in Kong's own network"),
            (
                "10.99.0.4",
                "behind another peering of vnet-app, to-hub, and peerings aren't transitive",
            ),
            ("192.168.0.4", "it is outside vnet-app (10.20.0.0/16)"),
            ("8.8.8.8", "it is outside vnet-app (10.20.0.0/16)"),
        ];
        for (server, why) in table {
            let check = found(server, Vec::new(), ReadResult::NotAsked);
            assert!(check.is_problem() && !check.blocks(), "{server}: {check:?}");
            assert!(check.detail.contains(why), "{server}: {check:?}");
            assert!(check.remedies[0].contains("azure doctor"), "{server}: {check:?}");
        }
        assert!(found("10.20.0.4", Vec::new(), ReadResult::NotAsked).ok);
    }

    #[test]
    fn dns_blocking_rule_shows_command() {
        let table = [
            (
                vec![rule(200, false, "*", "53")],
                "blocks UDP 53, rule r200 of nsg (priority 200) blocks TCP 53",
                199,
            ),
            (
                vec![rule(200, false, "Udp", "50-60")],
                "rule r200 of nsg (priority 200) blocks UDP 53 from Kong",
                199,
            ),
            (
                vec![rule(200, false, "Tcp", "*"), rule(199, true, "*", "443")],
                "blocks TCP 53 from Kong",
                198,
            ),
            (vec![rule(65500, false, "*", "*")], "rule r65500", 4096),
        ];
        for (rules, what, priority) in table {
            let check = found("10.20.0.4", rules, ReadResult::NotAsked);
            assert!(check.is_problem() && check.detail.contains(what), "{check:?}");
            let command = &check.remedies[0];
            let parts = [
                "--resource-group rg --nsg-name nsg",
                &format!("--priority {priority} "),
                "--source-address-prefixes 10.0.0.0/16 --destination-address-prefixes 10.20.0.4 ",
            ];
            for part in parts {
                assert!(command.contains(part), "{part}: {command}");
            }
        }
        let allowed = vec![rule(100, true, "*", "53"), rule(200, false, "*", "*")];
        assert!(found("10.20.0.4", allowed, ReadResult::NotAsked).ok);
        let full: Vec<NsgRule> = (100..=103)
            .map(|priority| {
                rule(
                    priority,
                    priority < 103,
                    "*",
                    match priority {
                        103 => "*",
                        _ => "443",
                    },
                )
            })
            .collect();
        let check = found("10.20.0.4", full, ReadResult::NotAsked);
        assert!(
            check.remedies[0].starts_with("nsg has no free priority below 103"),
            "{check:?}"
        );
    }

    #[test]
    fn dns_endpoint_offered_or_creation_shown() {
        let check = found("192.168.0.4", Vec::new(), ReadResult::Known(Vec::new()));
        let said = check.remedies.join("\n");
        let parts = [
            "az network vnet subnet create",
            "--address-prefixes 10.20.1.0/28 --delegations Microsoft.Network/dnsResolvers",
            "az dns-resolver create",
            "--name dnspr-vnet-app",
            "az dns-resolver inbound-endpoint create",
            "subnets/snet-dns-inbound}]",
        ];
        for part in parts {
            assert!(said.contains(part), "{part}: {said}");
        }
        let endpoint = InboundEndpoint {
            name: "inbound".into(),
            resolver: "dnspr".into(),
            address: "10.20.0.4".parse().expect("an address"),
            subnet: "snet".into(),
        };
        let check = found("192.168.0.4", Vec::new(), ReadResult::Known(vec![endpoint]));
        assert_eq!(
            check.remedies,
            ["Use an inbound endpoint of vnet-app: 10.20.0.4 (inbound of dnspr, subnet snet)."]
        );
    }
}
