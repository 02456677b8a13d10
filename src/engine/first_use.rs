//! The end of a set-up: what to do at the vendor now, and how to test the connection.

use crate::doctor::open_subnets;
use crate::plan::{FirstUse, PeeringIntent};
use crate::steps::ObservedState;
use crate::vendors::VendorTraffic;

/// Subnets that are named; a network may have hundreds.
const NAMED: usize = 4;

/// Returns the vendor's next step with the test of the connection; `None` where the profile has none.
pub fn first_use(intent: &PeeringIntent, facts: &ObservedState) -> Option<FirstUse> {
    let (step, test) = intent.next_step()?;
    // The vendor's own traffic begins at the vendor.
    let ours = intent.vendor.peering.traffic == VendorTraffic::ToVendor && test.is_some();
    let place = facts.vnet.as_ref().filter(|_| ours).and_then(|vnet| {
        let open = open_subnets(intent, facts);
        let named = open.iter().take(NAMED).cloned().collect::<Vec<_>>();
        let (last, others) = named.split_last()?;
        let names = match (others.is_empty(), open.len() > NAMED) {
            (true, _) => last.clone(),
            (false, false) => format!("{} or {last}", others.join(", ")),
            (false, true) => format!("{}, {last} or another", others.join(", ")),
        };
        Some(format!("a machine in {} ({names})", vnet.id.name))
    });
    Some(FirstUse { step, test, place })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::SubnetInfo;
    use crate::steps::samples;
    use crate::vendors::profile;

    #[test]
    fn first_use_names_command_and_subnets() {
        let (mut intent, mut facts) = samples::kong_done();
        let kong = first_use(&intent, &facts).expect("kong has a next step");
        assert!(kong.step.contains("private address of vnet-app"), "{kong:?}");
        assert_eq!(kong.place, None, "the traffic begins at Kong");
        intent.vendor = profile("dragonfly").expect("built in");
        let subnets = ["GatewaySubnet", "a", "b", "c", "d", "e"].map(|name| SubnetInfo {
            name: name.into(),
            ..SubnetInfo::default()
        });
        let mut place = |count: usize| {
            facts.vnet.as_mut().expect("one").subnets = subnets[..count].to_vec();
            let found = first_use(&intent, &facts).expect("dragonfly has a next step");
            assert_eq!(found.test.as_deref(), Some("nc -vz HOST 6379"));
            found.place
        };
        let named = |text: &str| Some(format!("a machine in vnet-app ({text})"));
        assert_eq!(place(1), None, "no machine can be in a gateway's subnet");
        assert_eq!(place(2), named("a"));
        assert_eq!(place(3), named("a or b"));
        assert_eq!(place(5), named("a, b, c or d"));
        assert_eq!(place(6), named("a, b, c, d or another"));
    }
}
