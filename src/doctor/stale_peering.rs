//! `stale-peering`: what is left of a peering that the vendor deleted has to go before the vendor can make a new one.

use crate::domain::PeeringState;
use crate::plan::{Check, Goal, Intent, Severity};
use crate::render::az;
use crate::steps::{Facts, VendorPeering};
use crate::vendors::CreatedBy;

/// Looks for a Disconnected peering with the vendor. Where we write our direction ourselves, setup mends it; a repair
/// always does.
pub fn check(intent: &Intent, facts: &Facts) -> Option<Check> {
    if intent.vendor.peering.created_by != CreatedBy::Vendor || intent.goal == Goal::Repair {
        return None;
    }
    let stale = match facts.vendor_peering(intent) {
        VendorPeering::One(peering) if peering.state == PeeringState::Disconnected => Some(&peering.id),
        _ => None,
    };
    let vendor = &intent.vendor.short_name;
    Some(Check {
        id: "stale-peering",
        severity: Severity::Error,
        ok: stale.is_none(),
        detail: stale.map_or_else(
            || format!("no leftover of an earlier peering with {vendor}"),
            |id| format!("{} is Disconnected: {vendor}'s direction was deleted", id.name),
        ),
        remedies: stale.map_or_else(Vec::new, |id| {
            let mut remedies =
                vec!["peerctl azure repair, with the same inputs, deletes it and asks for a new one".to_owned()];
            remedies.push("or delete it yourself, and run the same command again:".to_owned());
            remedies.extend(az::delete_peering(id));
            remedies
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::samples;

    #[test]
    fn a_disconnected_peering_blocks_and_says_how_to_delete_it() {
        let (intent, mut facts) = samples::kong_done();
        assert!(check(&intent, &facts).expect("always known").ok);
        facts.vnet.as_mut().expect("one").peerings[0].state = PeeringState::Disconnected;
        let found = check(&intent, &facts).expect("always known");
        assert!(
            found.blocks() && found.remedies[2].contains("peering delete"),
            "{found:?}"
        );
    }
}
