//! `stale-peering`: what is left of a peering that the vendor deleted has to go before the vendor can make a new one.

use super::check::{CheckFinding, CheckNeed, DoctorCheck};
use crate::azure::PeeringBody;
use crate::domain::PeeringState;
use crate::plan::{CheckSeverity, PeeringIntent, RunGoal, StepId};
use crate::render::az;
use crate::steps::{ObservedState, VendorPeering, by_name, unproven};
use crate::vendors::CreatedBy;

pub static CHECK: DoctorCheck = DoctorCheck {
    id: "stale-peering",
    severity: CheckSeverity::Error,
    meaning: "While a Disconnected peering exists, the remote side can't create a new one, and its address range stays in use.",
    needs: &[
        CheckNeed::Step(StepId::Peering),
        CheckNeed::Step(StepId::VendorRequest),
        CheckNeed::Step(StepId::Consent),
    ],
    at_setup: true,
    of_writes: false,
    examine,
};

/// Looks for Disconnected peerings. The vendor's own blocks, where the vendor makes both directions; where we write
/// ours, setup mends it. One with another network is only in the way of its addresses.
fn examine(intent: &PeeringIntent, facts: &ObservedState) -> Option<CheckFinding> {
    let peerings = || facts.vnet.iter().flat_map(|vnet| &vnet.peerings);
    facts.vnet.as_ref()?;
    let vendor = &intent.vendor.short_name;
    let ours = match facts.vendor_peering(intent) {
        VendorPeering::One(peering) => Some(peering),
        VendorPeering::None | VendorPeering::Many(_) => None,
    };
    let gone = |peering: &&PeeringBody| peering.state == PeeringState::Disconnected;
    if let (VendorPeering::None, VendorPeering::One(peering)) =
        (facts.vendor_peering(intent), facts.likely_peering(intent))
        && gone(&peering)
    {
        let name = &peering.id.name;
        return Some(
            CheckFinding::problem(format!(
                "{name} is Disconnected, and its address range is {vendor}'s"
            ))
            .remedy(unproven(vendor, name))
            .remedy(by_name(vendor, name))
            .remedy(format!(
                "If it isn't, ask its owner to repair or delete it. {vendor} can't create a peering while it exists."
            )),
        );
    }
    // A repair deletes it itself.
    let vendors = intent.vendor.peering.created_by == CreatedBy::Vendor && intent.goal != RunGoal::Repair;
    if let Some(peering) = ours.filter(|one| vendors && gone(one)) {
        return Some(
            CheckFinding::problem(format!(
                "{} is Disconnected: {vendor}'s peering was deleted",
                peering.id.name
            ))
            .remedy("Run peerctl azure repair with the same inputs to delete it and request a new one.")
            .remedy("Or delete it yourself, then run the same command again:")
            .remedies(az::delete_peering(&peering.id)),
        );
    }
    let others: Vec<&PeeringBody> = peerings().filter(gone).filter(|one| Some(*one) != ours).collect();
    if others.is_empty() {
        return Some(match ours.filter(gone) {
            Some(peering) => CheckFinding::problem(format!(
                "{} is Disconnected: its remote peering was deleted",
                peering.id.name
            ))
            .remedy("Run peerctl azure repair with the same inputs to reconnect it.")
            .warning(),
            None => CheckFinding::ok(format!("no leftovers of an earlier peering with {vendor}")),
        });
    }
    let names: Vec<&str> = others.iter().map(|one| one.id.name.as_str()).collect();
    let (verb, owner) = if others.len() == 1 {
        ("is", "its")
    } else {
        ("are", "their")
    };
    Some(
        CheckFinding::problem(format!(
            "{} {verb} Disconnected: {owner} remote side was deleted",
            names.join(", ")
        ))
        .remedy("Check with the owner first. To delete a peering that is no longer needed:")
        .remedies(others.iter().flat_map(|one| az::delete_peering(&one.id)))
        .warning(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::samples;

    #[test]
    fn stale_peering_blocks_with_delete_command() {
        let (intent, mut facts) = samples::kong_done();
        assert!(CHECK.run(&intent, &facts).expect("always known").ok);
        facts.vnet.as_mut().expect("one").peerings[0].state = PeeringState::Disconnected;
        let found = CHECK.run(&intent, &facts).expect("always known");
        assert!(
            found.blocks() && found.remedies[2].contains("peering delete"),
            "{found:?}"
        );
    }

    #[test]
    fn stale_peering_elsewhere_warns() {
        let (intent, mut facts) = samples::kong_done();
        let mut orphan = samples::peering(&intent, "to-old-spoke", 0x50b, "10.99.0.0/16");
        orphan.state = PeeringState::Disconnected;
        facts.vnet.as_mut().expect("one").peerings.push(orphan);
        let found = CHECK.run(&intent, &facts).expect("always known");
        assert!(found.is_problem() && !found.blocks(), "{found:?}");
        assert!(found.remedies[1].ends_with("--name to-old-spoke"), "{found:?}");
    }
}
