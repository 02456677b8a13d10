//! `peering-name`: a peering cannot be turned to another network, so a name that one has is taken.

use super::check::{CheckFinding, CheckNeed, DoctorCheck};
use crate::azure::VirtualNetwork;
use crate::domain::VnetId;
use crate::plan::{CheckSeverity, PeeringIntent, StepId};
use crate::steps::ObservedState;
use crate::vendors::CreatedBy;

pub static CHECK: DoctorCheck = DoctorCheck {
    id: "peering-name",
    severity: CheckSeverity::Error,
    meaning: "A peering can't be changed to another remote network, so a name that is in use can't be reused.",
    needs: &[CheckNeed::Step(StepId::Peering), CheckNeed::Step(StepId::VendorRequest)],
    at_setup: true,
    of_writes: true,
    examine,
};

fn examine(intent: &PeeringIntent, facts: &ObservedState) -> Option<CheckFinding> {
    let vnet = facts.vnet.as_ref()?;
    // The vendor names the ones that it makes.
    if intent.vendor.peering.created_by == CreatedBy::Vendor {
        return None;
    }
    let remote = facts.known_remote(intent);
    let ours = facts.free_peering_name(intent);
    let theirs = remote
        .as_ref()
        .filter(|_| intent.vendor.peering.created_by == CreatedBy::Customer);
    let theirs = theirs.map(|remote| intent.remote_peering_name(remote));
    let taken = remote
        .as_ref()
        .and_then(|remote| taken(vnet, &ours, &remote.vnet))
        .or_else(|| {
            let there = facts.remote_vnet.as_ref()?;
            taken(there, theirs.as_deref()?, &intent.vnet)
        });
    Some(match taken {
        Some(taken) => CheckFinding::problem(taken)
            .remedy("Use another name (--peering-name NAME), or omit the flag to use a free one.")
            .remedy("If the existing peering is no longer needed, delete it."),
        None => CheckFinding::ok(format!("{ours} is available, or already peers these networks")),
    })
}

/// Returns the peering that has the name on this network and links a network other than `wanted`.
fn taken(vnet: &VirtualNetwork, name: &str, wanted: &VnetId) -> Option<String> {
    let mut with_wanted = vnet
        .peerings
        .iter()
        .filter(|one| one.remote_vnet.as_ref() == Some(wanted));
    if with_wanted.next().is_some() {
        return None;
    }
    let holder = vnet
        .peerings
        .iter()
        .find(|one| one.id.name.eq_ignore_ascii_case(name))?;
    let with = holder
        .remote_vnet
        .as_ref()
        .map_or_else(|| "another network".to_owned(), ToString::to_string);
    Some(format!(
        "{} already has a peering {}, to {with}",
        vnet.id.name, holder.id.name
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::samples;
    use crate::vendors::profile;

    #[test]
    fn peering_name_in_use_blocks() {
        let (mut intent, mut facts) = samples::kong_done();
        assert_eq!(CHECK.run(&intent, &facts), None);
        intent.vendor = profile("generic").expect("built in");
        let id = "/subscriptions/00000000-0000-0000-0000-00000000000f/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/other";
        intent.vendor_inputs = [
            ("remote-vnet-id".to_owned(), vec![id.to_owned()]),
            ("remote-tenant-id".to_owned(), vec![intent.tenant.to_string()]),
        ]
        .into();
        intent.peering_name = Some("KONG-1".into());
        let found = CHECK.run(&intent, &facts).expect("ours to write");
        assert!(
            found.blocks() && found.detail.contains("already has a peering kong-1"),
            "{found:?}"
        );
        // The peering with the wanted network is used, whatever it is called.
        facts.vnet.as_mut().expect("one").peerings[0].remote_vnet = id.parse().ok();
        assert!(CHECK.run(&intent, &facts).expect("ours to write").ok);
    }
}
