//! `stale-peering`: what is left of a peering that the vendor deleted has to go before the vendor can make a new one.

use crate::domain::PeeringState;
use crate::plan::{Check, Intent, Severity};
use crate::render::ShellWord;
use crate::steps::{Facts, VendorPeering};
use crate::vendors::CreatedBy;

/// Looks for a Disconnected peering with the vendor. Where we write our direction ourselves, setup mends it.
pub fn check(intent: &Intent, facts: &Facts) -> Option<Check> {
    if intent.vendor.peering.created_by != CreatedBy::Vendor {
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
            let (vnet, group) = (&id.vnet, ShellWord(&id.vnet.resource_group));
            vec![
                format!(
                    "az network vnet peering delete --subscription {} --resource-group {group} --vnet-name {} --name {}",
                    vnet.subscription, vnet.name, id.name
                ),
                "then run the same command again.".to_owned(),
            ]
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
            found.blocks() && found.remedies[0].contains("peering delete"),
            "{found:?}"
        );
    }
}
