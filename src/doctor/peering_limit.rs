//! `peering-limit`: a virtual network has room for five hundred peerings.

use super::check::{CheckFinding, CheckNeed, DoctorCheck};
use crate::plan::{CheckSeverity, PeeringIntent, StepId};
use crate::steps::{ObservedState, VendorPeering};

const MOST: usize = 500;
/// From here on it is worth saying.
const NEAR: usize = 490;

pub static CHECK: DoctorCheck = DoctorCheck {
    id: "peering-limit",
    severity: CheckSeverity::Error,
    meaning: "A virtual network can have at most 500 peerings.",
    needs: &[CheckNeed::Step(StepId::Peering), CheckNeed::Step(StepId::VendorRequest)],
    at_setup: true,
    of_writes: true,
    examine,
};

fn examine(intent: &PeeringIntent, facts: &ObservedState) -> Option<CheckFinding> {
    let vnet = facts.vnet.as_ref()?;
    let count = vnet.peerings.len();
    let detail = format!("{} has {count} of at most {MOST} peerings", vnet.id.name);
    if count < NEAR {
        return Some(CheckFinding::ok(detail));
    }
    let there = matches!(facts.likely_peering(intent), VendorPeering::One(_));
    let found = CheckFinding::problem(detail)
        .remedy("Delete peerings that are Disconnected or no longer needed, or use another network.");
    Some(if count < MOST || there { found.warning() } else { found })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::samples;

    #[test]
    fn peering_limit_blocks_only_new_peering() {
        let (intent, mut facts) = samples::kong_done();
        let mut found = |others: usize, vendors: bool| {
            let vendors = vendors.then(|| samples::peering(&intent, "kong-1", 0xf00, "10.0.0.0/16"));
            let others = (0..others).map(|n| samples::peering(&intent, &format!("p{n}"), 0x50b, "10.9.0.0/16"));
            facts.vnet.as_mut().expect("one").peerings = others.chain(vendors).collect();
            CHECK.run(&intent, &facts).expect("a network")
        };
        assert!(found(3, true).ok);
        assert!(found(495, false).is_problem() && !found(495, false).blocks());
        assert!(found(500, false).blocks());
        assert!(!found(499, true).blocks());
    }
}
