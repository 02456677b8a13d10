//! Removing the link: our direction, and the other one where that was ours to write.

use super::STEP;
use crate::azure::{AzureClient, PeeringBody};
use crate::domain::PeeringId;
use crate::plan::{ActionRequired, ChangeAction, PeeringIntent, StepDecision, StepEvent, StepId};
use crate::render::az;
use crate::steps::own_direction::may_write_remote;
use crate::steps::ownership::{is_named, peering_is_ours};
use crate::steps::run::WaitDescription;
use crate::steps::vendor_peering::VendorPeering;
use crate::steps::vnet::read_vnet;
use crate::steps::{ObservedState, StepError, StepRun, decision, request_kind};
use crate::vendors::CreatedBy;

pub fn plan_removal(intent: &PeeringIntent, facts: &ObservedState) -> StepDecision {
    let ours = match facts.vendor_peering(intent) {
        VendorPeering::None => unproven(intent, facts),
        VendorPeering::Many(names) => StepDecision::Keep(format!(
            "several peerings could be meant ({}); --peering-name says which",
            names.join(", ")
        )),
        VendorPeering::One(peering) if is_kept_with_request(intent, facts, peering) => StepDecision::Keep(format!(
            "peering {}: it belongs to what stays at {}",
            peering.id.name, intent.vendor.name
        )),
        VendorPeering::One(peering) if peering_is_ours(intent, facts, peering) => StepDecision::Remove {
            what: format!("peering {}{}", peering.id.name, with_network(peering)),
            kept: Vec::new(),
        },
        VendorPeering::One(peering) => StepDecision::Keep(format!(
            "peering {0} was not made by setup; --peering-name {0} says that it is meant",
            peering.id.name
        )),
    };
    match remote_peering(intent, facts) {
        Some((id, true)) => ours.and(StepDecision::Remove {
            what: format!("the other direction, {}", id.name),
            kept: Vec::new(),
        }),
        Some((id, false)) => ours.and(StepDecision::Keep(format!(
            "the other direction, {}, was not made by setup",
            id.name
        ))),
        // What is not known to be there may be: it is not passed over in silence.
        None => match facts.theirs_is_unread().filter(|_| may_write_remote(intent)) {
            Some(unread) => ours.and(StepDecision::Keep(unread)),
            None => ours,
        },
    }
}

/// " with vnet-theirs in subscription …": names can be given again, to a peering with another network.
fn with_network(peering: &PeeringBody) -> String {
    let remote = peering.remote_vnet.as_ref();
    let named = remote.map(|remote| format!(" with {} in subscription {}", remote.name, remote.subscription));
    named.unwrap_or_default()
}

/// Peerings that could be the vendor's stay, unless the vendor removes one with its request.
fn unproven(intent: &PeeringIntent, facts: &ObservedState) -> StepDecision {
    let vendor = &intent.vendor.short_name;
    let mut could_be = facts.could_be_the_vendors(intent);
    if intent.vendor.peering.created_by != CreatedBy::Vendor {
        // There is one name that setup gives.
        could_be.retain(|peering| facts.known_remote(intent).is_none() && peering_is_ours(intent, facts, peering));
    }
    let request_goes = || {
        matches!(
            decision(StepId::VendorRequest, intent, facts),
            StepDecision::Remove { .. }
        )
    };
    let by_vendor = intent.vendor.peering.created_by == CreatedBy::Vendor;
    match facts.likely_peering(intent) {
        VendorPeering::One(peering) if by_vendor && request_goes() => {
            let (name, kind) = (&peering.id.name, request_kind(intent));
            let caveat = facts.caveat(intent, peering);
            return StepDecision::Await {
                what: format!("{vendor} removes {name} with its {kind}{caveat}"),
                usually: "minutes".to_owned(),
            };
        }
        _ => {}
    }
    let keep = |peering: &PeeringBody| {
        let name = &peering.id.name;
        StepDecision::Keep(format!(
            "peering {name} could be {vendor}'s, but nothing proves it; --peering-name {name} says that it is meant"
        ))
    };
    let kept = could_be.into_iter().map(keep).reduce(StepDecision::and);
    kept.unwrap_or_else(|| {
        let (vnet, vendor) = (&intent.vnet.name, &intent.vendor.name);
        StepDecision::Absent(format!("{vnet} has no peering with {vendor}"))
    })
}

/// The link is somebody else's as long as the vendor's request for it is, unless the operator named the direction.
fn is_kept_with_request(intent: &PeeringIntent, facts: &ObservedState, peering: &PeeringBody) -> bool {
    let request = || decision(StepId::VendorRequest, intent, facts);
    intent.steps().contains(&StepId::VendorRequest)
        && !is_named(intent, peering)
        && matches!(request(), StepDecision::Keep(_))
}

/// The other direction where it can be read and is ours to write, and whether setup made it.
fn remote_peering<'a>(intent: &PeeringIntent, facts: &'a ObservedState) -> Option<(&'a PeeringId, bool)> {
    let theirs = facts.remote_peering.as_ref().filter(|_| may_write_remote(intent))?;
    let remote = intent.configured_remote()?;
    let named = theirs
        .id
        .name
        .eq_ignore_ascii_case(&intent.remote_peering_name(&remote));
    Some((&theirs.id, named))
}

pub async fn remove(run: &StepRun) -> Result<(), StepError> {
    let facts = run.facts();
    if let VendorPeering::One(peering) = facts.vendor_peering(&run.intent)
        && peering_is_ours(&run.intent, &facts, peering)
        && !is_kept_with_request(&run.intent, &facts, peering)
    {
        delete(run, &run.azure, &peering.id).await?;
    }
    if let (Some((id, true)), Some(remote)) = (remote_peering(&run.intent, &facts), run.intent.configured_remote()) {
        let identity = run.azure.identity().in_tenant(remote.tenant);
        delete(run, &run.azure.acting_as(identity, Vec::new()), id).await?;
        run.update_state(|facts| facts.remote_peering = None);
    }
    read_vnet(run).await
}

async fn delete(run: &StepRun, azure: &AzureClient, id: &PeeringId) -> Result<(), StepError> {
    run.tell(STEP, StepEvent::Doing(format!("deleting the peering {}", id.name)));
    let doing = format!("deleting the peering {}", id.name);
    let hold = || ActionRequired {
        who: format!("a Network Contributor of {}", id.vnet.name),
        why: "Deleting a peering takes Microsoft.Network/virtualNetworks/virtualNetworkPeerings/delete.".to_owned(),
        packet: az::delete_peering(id),
        answer: None,
    };
    let deleted = run
        .retry_while_replicating(STEP, &doing, &[], || azure.delete_peering(id))
        .await;
    deleted.map_err(|stop| stop.or_action_required(hold))?;
    run.changed(STEP, ChangeAction::Deleted, "virtualNetworkPeering", id.to_string());
    // The vendor's request goes next, and with it the proof of whose peering this is.
    let look = async || {
        let read = azure.peering(id).await;
        let read = read.map_err(|error| StepError::api("checking that the peering is gone", &error))?;
        Ok(read.is_none().then_some(()))
    };
    let awaited = WaitDescription::replication("until the peering is gone");
    run.poll_until(STEP, &awaited, look).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::samples;

    type Row = (
        &'static str,
        fn(&mut PeeringIntent, &mut ObservedState),
        &'static str,
        &'static str,
    );

    #[test]
    fn only_a_link_of_setups_goes() {
        let table: [Row; 5] = [
            ("setup's own", |_, _| (), "remove", "peering kong-1"),
            (
                "none",
                |_, facts| facts.vnet.as_mut().expect("one").peerings.clear(),
                "absent",
                "has no peering",
            ),
            (
                "whose request stays",
                |_, facts| facts.request.as_mut().expect("one").name = "by-hand".into(),
                "keep",
                "belongs to what stays",
            ),
            (
                "whose request stays, but named",
                |intent, facts| {
                    facts.request.as_mut().expect("one").name = "by-hand".into();
                    intent.peering_name = Some("KONG-1".into());
                },
                "remove",
                "kong-1",
            ),
            (
                "one of two",
                |intent, facts| {
                    facts.vnet.as_mut().expect("one").peerings.push(samples::peering(
                        intent,
                        "kong-2",
                        0xf00,
                        "10.0.0.0/16",
                    ))
                },
                "keep",
                "--peering-name says which",
            ),
        ];
        let other = samples::undone(samples::another_tenant_done(), plan_removal, |_, facts| {
            facts.vnet.as_mut().expect("one").peerings.clear();
            facts.remote_peering = None;
            facts.remote_unread = Some("AuthorizationFailed".into());
        });
        let unread = "the other direction could not be read (AuthorizationFailed)";
        assert!(other.0 == "keep" && other.1.contains(unread), "{other:?}");
        for (name, change, verb, part) in table {
            let (found, said) = samples::undone(samples::kong_to_take_down(), plan_removal, change);
            assert!(found == verb && said.contains(part), "{name}: {found}: {said}");
        }
    }
}
