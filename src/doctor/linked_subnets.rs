//! `linked-subnets`: a peering that links only some subnets carries no traffic of the others.

use super::check::{CheckFinding, CheckNeed, DoctorCheck};
use crate::plan::{CheckSeverity, PeeringIntent, StepId};
use crate::steps::{ObservedState, VendorPeering};

pub static CHECK: DoctorCheck = DoctorCheck {
    id: "linked-subnets",
    severity: CheckSeverity::Warning,
    meaning: "Only the listed subnets can use the peering. They can't be changed after the peering is created.",
    needs: &[CheckNeed::Step(StepId::Peering)],
    at_setup: true,
    of_writes: false,
    examine,
};

/// Says what the peering links, on either side, where that is not the whole networks.
fn examine(intent: &PeeringIntent, facts: &ObservedState) -> Option<CheckFinding> {
    let VendorPeering::One(ours) = facts.vendor_peering(intent) else {
        return None;
    };
    let peerings = [ours].into_iter().chain(&facts.remote_peering);
    let limits = peerings.filter_map(|peering| Some(format!("{} links {}", peering.id.name, peering.limits()?)));
    let limits: Vec<String> = limits.collect();
    (!limits.is_empty()).then(|| CheckFinding::problem(limits.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::samples;

    #[test]
    fn only_partial_peerings_are_reported() {
        let (intent, mut facts) = samples::kong_done();
        assert_eq!(CHECK.run(&intent, &facts), None);
        let properties = &mut facts.vnet.as_mut().expect("one").peerings[0].properties;
        properties.insert("peerCompleteVnets".to_owned(), false.into());
        properties.insert("localSubnetNames".to_owned(), vec!["snet-web"].into());
        properties.insert("remoteSubnetNames".to_owned(), vec!["snet-db"].into());
        let check = CHECK.run(&intent, &facts).expect("it applies");
        assert!(
            !check.blocks() && check.detail == "kong-1 links only subnet snet-web with subnet snet-db",
            "{check:?}"
        );
    }
}
