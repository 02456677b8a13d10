//! `routes`: a user-defined route that is as narrow as the peering's own, or narrower, takes its traffic away. A warning:
//! whether that is meant (a firewall in between), only the operator knows.

use ipnet::IpNet;

use super::check::{CheckFinding, CheckNeed, DoctorCheck};
use super::nsg_rules::vendor_space;
use crate::azure::{RouteEntry, RouteTable};
use crate::domain::AddressSpace;
use crate::plan::{CheckSeverity, PeeringIntent, StepId};
use crate::steps::ObservedState;

pub static CHECK: DoctorCheck = DoctorCheck {
    id: "routes",
    severity: CheckSeverity::Warning,
    meaning: "A user-defined route that is as specific as the peering route overrides it, so traffic bypasses the Connected peering.",
    needs: &[CheckNeed::Step(StepId::Peering), CheckNeed::Step(StepId::VendorRequest)],
    at_setup: true,
    of_writes: false,
    examine,
};

fn examine(intent: &PeeringIntent, facts: &ObservedState) -> Option<CheckFinding> {
    let vnet = facts.vnet.as_ref()?;
    let vendor = &intent.vendor.short_name;
    if vnet.subnets.iter().all(|subnet| subnet.route_table.is_none()) {
        return Some(CheckFinding::ok("no subnet has a route table"));
    }
    let Some(theirs) = vendor_space(intent, facts) else {
        return Some(CheckFinding::unknown(format!(
            "{vendor}'s address space isn't known yet"
        )));
    };
    let mut found = Vec::new();
    for subnet in &vnet.subnets {
        let table = subnet.route_table.as_ref().and_then(|id| {
            let mut tables = facts.route_tables.iter();
            tables.find(|table| table.id.eq_ignore_ascii_case(id))
        });
        let (Some(table), true) = (table, subnet.route_table.is_some()) else {
            continue;
        };
        found.extend(astray(table, &theirs).map(|route| describe(&subnet.name, table, route)));
    }
    let unread = vnet.subnets.iter().filter_map(|subnet| subnet.route_table.as_ref());
    let unread = unread.filter(|id| !facts.route_tables.iter().any(|table| table.id.eq_ignore_ascii_case(id)));
    Some(if !found.is_empty() {
        CheckFinding::problem(found.join("; ")).remedy(format!(
            "If these subnets must communicate with {vendor}, delete the route, or make sure that its next hop forwards the traffic."
        ))
    } else if unread.count() > 0 {
        CheckFinding::unknown("you don't have permission to read all route tables of the network's subnets")
    } else {
        CheckFinding::ok(format!("no route diverts {vendor}'s traffic{}", past_appliance(facts)))
    })
}

/// A default route loses against the peering's: what was to go through an appliance does not.
fn past_appliance(facts: &ObservedState) -> String {
    let routes = facts.route_tables.iter().flat_map(|table| &table.routes);
    let mut default = routes.filter(|route| route.prefix == "0.0.0.0/0" && route.next_hop_ip.is_some());
    let hop = default.next().and_then(|route| route.next_hop_ip.as_ref());
    hop.map_or_else(String::new, |ip| {
        format!("; it bypasses appliance {ip} of the default route, because the peering route is more specific")
    })
}

/// The routes that decide over some of these addresses instead of the peering's own. A wider one, 0.0.0.0/0 for
/// instance, loses against the peering's.
fn astray<'a>(table: &'a RouteTable, theirs: &'a AddressSpace) -> impl Iterator<Item = &'a RouteEntry> {
    table.routes.iter().filter(|route| {
        let prefix = route.prefix.parse::<IpNet>();
        let elsewhere = !route.next_hop.eq_ignore_ascii_case("VnetLocal");
        prefix.is_ok_and(|prefix| elsewhere && theirs.0.iter().any(|net| net.contains(&prefix)))
    })
}

fn describe(subnet: &str, table: &RouteTable, route: &RouteEntry) -> String {
    let hop = match (&route.next_hop_ip, route.next_hop.as_str()) {
        (Some(ip), hop) => format!("{hop} {ip}"),
        (None, "None") => "next hop None (dropped)".to_owned(),
        (None, hop) => hop.to_owned(),
    };
    format!(
        "route {} of {} sends {} from subnet {subnet} to {hop}",
        route.name, table.name, route.prefix
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::SubnetInfo;
    use crate::plan::{CheckResult, CheckVerdict};
    use crate::steps::samples;

    fn found(routes: &[(&str, &str)]) -> CheckResult {
        let (intent, mut facts) = samples::kong_done();
        facts.vnet.as_mut().expect("one").subnets = vec![SubnetInfo {
            name: "snet".into(),
            route_table: Some("/RT".into()),
            ..SubnetInfo::default()
        }];
        let routes = routes.iter().map(|(prefix, hop)| RouteEntry {
            name: "udr".into(),
            prefix: (*prefix).into(),
            next_hop: (*hop).into(),
            next_hop_ip: (*hop == "VirtualAppliance").then(|| "10.20.0.4".to_owned()),
        });
        facts.route_tables = vec![RouteTable {
            id: "/rt".into(),
            name: "rt".into(),
            routes: routes.collect(),
        }];
        CHECK.run(&intent, &facts).expect("a network")
    }

    #[test]
    fn route_as_narrow_diverts_traffic() {
        for (prefix, hop, expected) in [
            ("10.0.0.0/16", "VirtualAppliance", CheckVerdict::Problem),
            ("10.0.4.0/24", "None", CheckVerdict::Problem),
            ("0.0.0.0/0", "VirtualAppliance", CheckVerdict::Ok),
            ("10.0.0.0/8", "VirtualNetworkGateway", CheckVerdict::Ok),
            ("10.0.0.0/16", "VnetLocal", CheckVerdict::Ok),
            ("AzureCloud", "Internet", CheckVerdict::Ok),
        ] {
            assert_eq!(found(&[(prefix, hop)]).verdict, expected, "{prefix} to {hop}");
        }
        let check = found(&[("0.0.0.0/0", "VirtualAppliance")]);
        assert!(check.detail.contains("bypasses appliance 10.20.0.4"), "{check:?}");
        let check = found(&[("10.0.0.0/16", "VirtualAppliance")]);
        assert_eq!(
            check.detail,
            "route udr of rt sends 10.0.0.0/16 from subnet snet to VirtualAppliance 10.20.0.4"
        );
    }

    #[test]
    fn route_table_unreadable_is_not_ok() {
        let (intent, mut facts) = samples::kong_done();
        assert!(CHECK.run(&intent, &facts).expect("a network").ok);
        facts.vnet.as_mut().expect("one").subnets = vec![SubnetInfo {
            name: "snet".into(),
            route_table: Some("/RT".into()),
            ..SubnetInfo::default()
        }];
        assert_eq!(
            CHECK.run(&intent, &facts).expect("a network").verdict,
            CheckVerdict::Unknown
        );
    }
}
