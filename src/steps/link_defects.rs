//! Defects of a link that waiting does not resolve, and who can resolve them: one table for `status`, `repair` and the
//! checks.

use super::ObservedState;
use super::own_direction::{is_made_again, may_write_remote};
use super::vendor_peering::VendorPeering;
use super::vendor_request::request_kind;
use crate::azure::PeeringBody;
use crate::domain::{PeeringState, SyncLevel};
use crate::errors::known;
use crate::plan::{LinkDefect, PeeringIntent, VendorAccess};
use crate::vendors::{CreatedBy, RequestPhase, VendorRequest};

/// Several peerings could be meant, or none is found: the operator has to name one.
const SEVERAL: &str = "several";
const NOT_TOLD: &str = "unnamed";

/// Returns whether only the operator can resolve the fault, by specifying the name of the peering.
pub fn needs_peering_name(fault: &LinkDefect) -> bool {
    [SEVERAL, NOT_TOLD].contains(&fault.code.as_str())
}

/// Returns whether only a sync by the other side can resolve the fault, while traffic between the previous addresses
/// continues.
pub fn is_the_other_sides_sync(fault: &LinkDefect) -> bool {
    fault.ours.is_none() && fault.code.ends_with("NotInSync")
}

/// Everything that is wrong with the link.
pub fn faults(intent: &PeeringIntent, facts: &ObservedState) -> Vec<LinkDefect> {
    let of_peering = match facts.vendor_peering(intent) {
        VendorPeering::One(peering) => of_peering(intent, facts, peering),
        VendorPeering::Many(names) => Some(LinkDefect {
            code: SEVERAL.to_owned(),
            what: format!(
                "Several peerings could be {}'s: {}.",
                intent.vendor.short_name,
                names.join(", ")
            ),
            ours: None,
            theirs: Some("Name the right one with --peering-name.".to_owned()),
        }),
        VendorPeering::None if half_is_gone(intent, facts) => Some(LinkDefect {
            code: "Disconnected".to_owned(),
            what: format!(
                "{} says that it is ready, but its peering with {} was deleted.",
                intent.vendor.name, intent.vnet.name
            ),
            ours: Some(format!(
                "{}'s {} is deleted and requested again.",
                intent.vendor.short_name,
                request_kind(intent)
            )),
            theirs: None,
        }),
        VendorPeering::None => match facts.likely_peering(intent) {
            VendorPeering::One(peering) if peering.state == PeeringState::Connected => {
                of_peering(intent, facts, peering)
            }
            _ => not_told(intent, facts),
        },
    };
    let of_theirs = facts
        .remote_peering
        .as_ref()
        .and_then(|theirs| of_theirs(intent, theirs));
    let of_request = facts
        .request
        .as_ref()
        .and_then(|request| of_request(intent, facts, request));
    of_peering.into_iter().chain(of_theirs).chain(of_request).collect()
}

/// The link is half there, and the vendor holds it for done: only a new request brings its half back.
pub fn half_is_gone(intent: &PeeringIntent, facts: &ObservedState) -> bool {
    let done = facts
        .request
        .as_ref()
        .is_some_and(|request| request.phase == RequestPhase::Ready);
    let half = match facts.vendor_peering(intent) {
        VendorPeering::One(peering) => peering.state != PeeringState::Connected,
        // A name that is wrong, or a peering that is not known for the vendor's, is no proof that there is none.
        VendorPeering::None => match intent.vendor.peering.created_by {
            CreatedBy::Vendor => {
                facts.vnet.is_some() && intent.peering_name.is_none() && facts.could_be_the_vendors(intent).is_empty()
            }
            // A vendor is ready once this side's peering is Connected, and the network's ID tells it from all others.
            CreatedBy::EachSide => facts.vnet.is_some() && facts.known_remote(intent).is_some(),
            CreatedBy::Customer => false,
        },
        VendorPeering::Many(_) => false,
    };
    done && half && !facts.request_is_gone
}

/// The vendor has made its peering, and which one it is cannot be told: no peering has the name that was given, or none
/// is known for the vendor's among those that could be.
pub fn not_told(intent: &PeeringIntent, facts: &ObservedState) -> Option<LinkDefect> {
    let (vnet, vendor) = (facts.vnet.as_ref()?, &intent.vendor.short_name);
    let others = facts.could_be_the_vendors(intent);
    let made = match &facts.request {
        Some(request) => request.phase == RequestPhase::Ready && !facts.request_is_gone,
        None => intent.access == VendorAccess::Manual && intent.peering_name.is_some() && !others.is_empty(),
    };
    if intent.vendor.peering.created_by != CreatedBy::Vendor || !made {
        return None;
    }
    let what = match &intent.peering_name {
        Some(name) => format!("{} has no peering named {name}.", vnet.id.name),
        None => format!("{vendor} says that it is ready, but which peering is {vendor}'s cannot be told."),
    };
    let names: Vec<&str> = others.iter().map(|peering| peering.id.name.as_str()).collect();
    let asks = match names.as_slice() {
        [] => "Leave out --peering-name: no peering could be meant.".to_owned(),
        names => format!("Name the right one with --peering-name: {}.", names.join(", ")),
    };
    Some(LinkDefect {
        code: NOT_TOLD.to_owned(),
        what,
        ours: None,
        theirs: Some(asks),
    })
}

fn of_peering(intent: &PeeringIntent, facts: &ObservedState, peering: &PeeringBody) -> Option<LinkDefect> {
    let (name, vendor) = (&peering.id.name, &intent.vendor.short_name);
    let by_vendor = intent.vendor.peering.created_by == CreatedBy::Vendor;
    if peering.state == PeeringState::Disconnected {
        return Some(LinkDefect {
            code: "Disconnected".to_owned(),
            what: format!("{name} is Disconnected: the other direction was deleted."),
            ours: Some(match (by_vendor, intent.access) {
                (false, _) if is_made_again(intent, facts) => format!(
                    "{name} is deleted, {vendor} is asked for the peering again, and {name} is created with the same settings."
                ),
                (false, _) => format!("{name} is written again with its settings, which makes it Initiated."),
                (true, _) if half_is_gone(intent, facts) => {
                    format!("{name} is deleted, and {vendor} is asked for the peering again.")
                }
                (true, _) => format!("{name} is deleted: {vendor} cannot make its own beside it."),
            }),
            theirs: by_hand(intent),
        });
    }
    if peering.state == PeeringState::Initiated && half_is_gone(intent, facts) {
        return Some(LinkDefect {
            code: "Initiated".to_owned(),
            what: format!("{name} is Initiated: {vendor} says that it is ready, but its direction is not there."),
            ours: (intent.access == VendorAccess::Api)
                .then(|| format!("{vendor}'s {} is deleted and requested again.", request_kind(intent))),
            theirs: None,
        });
    }
    if peering.state != PeeringState::Connected {
        return None;
    }
    if !peering.allow_virtual_network_access {
        return Some(LinkDefect {
            code: "allowVirtualNetworkAccess".to_owned(),
            what: format!("{name} is Connected, but lets no traffic through (allowVirtualNetworkAccess is false)."),
            ours: (!by_vendor).then(|| "It is switched on.".to_owned()),
            theirs: by_vendor.then(|| format!("{vendor} switches it on: only {vendor} can write this peering.")),
        });
    }
    out_of_sync(intent, facts, peering)
}

fn out_of_sync(intent: &PeeringIntent, facts: &ObservedState, peering: &PeeringBody) -> Option<LinkDefect> {
    let (name, vendor) = (&peering.id.name, &intent.vendor.short_name);
    let by_vendor = intent.vendor.peering.created_by == CreatedBy::Vendor;
    let (ours, theirs) = match &peering.sync_level {
        SyncLevel::FullyInSync => return None,
        SyncLevel::LocalNotInSync => (true, false),
        SyncLevel::RemoteNotInSync => (false, true),
        SyncLevel::LocalAndRemoteNotInSync | SyncLevel::Other(_) => (true, true),
    };
    let we_write_theirs = may_write_remote(intent) && facts.remote_peering.is_some();
    let mut does = Vec::new();
    let mut asks = Vec::new();
    match (ours, by_vendor) {
        (true, false) => does.push(format!(
            "{name} is synced with the addresses that {vendor}'s network has now."
        )),
        (true, true) => asks.push(format!(
            "{vendor} syncs {name}: writing it takes rights in {vendor}'s tenant, too."
        )),
        (false, _) => {}
    }
    match (theirs, we_write_theirs) {
        (true, true) => does.push("The other direction is synced with ours.".to_owned()),
        (true, false) => asks.push(format!(
            "{vendor} syncs its direction with the addresses of {}.",
            intent.vnet.name
        )),
        (false, _) => {}
    }
    let some = |sentences: Vec<String>| Some(sentences.join(" ")).filter(|text| !text.is_empty());
    Some(LinkDefect {
        code: peering.sync_level.to_string(),
        what: format!(
            "{name} is {}: an address space has changed since the networks were peered. The addresses from before still reach each other; the new ones don't.",
            peering.sync_level
        ),
        ours: some(does),
        theirs: some(asks),
    })
}

/// The other side's direction, where it can be read.
fn of_theirs(intent: &PeeringIntent, theirs: &PeeringBody) -> Option<LinkDefect> {
    let ours = may_write_remote(intent);
    let (name, vendor) = (&theirs.id.name, &intent.vendor.short_name);
    if theirs.state == PeeringState::Connected && !theirs.allow_virtual_network_access {
        return Some(LinkDefect {
            code: "allowVirtualNetworkAccess".to_owned(),
            what: format!("The other direction, {name}, lets no traffic through (allowVirtualNetworkAccess is false)."),
            ours: ours.then(|| "It is switched on there.".to_owned()),
            theirs: (!ours).then(|| format!("{vendor} switches it on.")),
        });
    }
    if theirs.state != PeeringState::Disconnected {
        return None;
    }
    Some(LinkDefect {
        code: "Disconnected".to_owned(),
        what: format!("The other direction, {name}, is Disconnected: ours was deleted."),
        ours: ours.then(|| format!("{name} is written again with its settings, and ours is created.")),
        theirs: (!ours).then(|| format!("{vendor} writes it again.")),
    })
}

fn of_request(intent: &PeeringIntent, facts: &ObservedState, request: &VendorRequest) -> Option<LinkDefect> {
    let (kind, name, vendor) = (request_kind(intent), &request.name, &intent.vendor.name);
    let gone = facts.request_is_gone || matches!(request.phase, RequestPhase::Leaving | RequestPhase::Gone);
    let (what, ours) = match request.phase {
        _ if gone => (
            format!("{vendor} has deleted the {kind} \"{name}\"."),
            "It is requested anew.",
        ),
        RequestPhase::Failed => {
            let known = known::lookup(&request.state, "").map(|known| format!(" {}", known.meaning));
            let reason = request
                .reason
                .as_ref()
                .map(|reason| format!(" {vendor} says: {reason}"));
            let (known, reason) = (known.unwrap_or_default(), reason.unwrap_or_default());
            (
                format!("The {kind} \"{name}\" is {}.{known}{reason}", request.state),
                "It is deleted and requested again, once what the vendor needs is in place.",
            )
        }
        _ => return None,
    };
    Some(LinkDefect {
        code: request.state.clone(),
        what,
        ours: Some(ours.to_owned()),
        theirs: None,
    })
}

/// Returns the action that is required at the vendor if it cannot be requested through the vendor's API from here.
fn by_hand(intent: &PeeringIntent) -> Option<String> {
    let asked = intent.access == VendorAccess::Manual && intent.vendor.peering.created_by != CreatedBy::Customer;
    asked.then(|| {
        format!(
            "{} makes its direction anew once somebody deletes the {} for {} there and enters it again ({}).",
            intent.vendor.short_name,
            request_kind(intent),
            intent.vnet.name,
            intent.vendor.hand_off.place
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::samples;
    use crate::vendors::profile;

    type Change = fn(&mut PeeringIntent, &mut ObservedState);

    fn peering(facts: &mut ObservedState) -> &mut PeeringBody {
        &mut facts.vnet.as_mut().expect("the sample has one").peerings[0]
    }

    #[test]
    fn link_defects_name_state_and_owner() {
        // (change, code, we do something, the other side has to)
        let table: [(Change, &str, bool, bool); 10] = [
            (
                |_, facts| peering(facts).state = PeeringState::Disconnected,
                "Disconnected",
                true,
                false,
            ),
            (
                |intent, facts| {
                    intent.access = VendorAccess::Manual;
                    facts.request = None;
                    intent.peering_name = Some("kong-1".into());
                    peering(facts).state = PeeringState::Disconnected;
                },
                "Disconnected",
                true,
                true,
            ),
            (
                |_, facts| peering(facts).state = PeeringState::Initiated,
                "Initiated",
                true,
                false,
            ),
            (
                |_, facts| peering(facts).allow_virtual_network_access = false,
                "allowVirtualNetworkAccess",
                false,
                true,
            ),
            (
                |_, facts| peering(facts).sync_level = SyncLevel::LocalNotInSync,
                "LocalNotInSync",
                false,
                true,
            ),
            (
                |_, facts| peering(facts).sync_level = SyncLevel::RemoteNotInSync,
                "RemoteNotInSync",
                false,
                true,
            ),
            (
                |intent, facts| {
                    intent.vendor = profile("aiven").expect("built in");
                    peering(facts).sync_level = SyncLevel::LocalNotInSync;
                },
                "LocalNotInSync",
                true,
                false,
            ),
            (
                |intent, facts| {
                    intent.vendor = profile("aiven").expect("built in");
                    peering(facts).sync_level = SyncLevel::LocalAndRemoteNotInSync;
                },
                "LocalAndRemoteNotInSync",
                true,
                true,
            ),
            (
                |_, facts| {
                    let request = facts.request.as_mut().expect("one");
                    (request.phase, request.state) = (RequestPhase::Failed, "error".into());
                },
                "error",
                true,
                false,
            ),
            (|_, facts| facts.request_is_gone = true, "ready", true, false),
        ];
        for (index, (change, code, ours, theirs)) in table.into_iter().enumerate() {
            let (mut intent, mut facts) = samples::kong_done();
            assert!(faults(&intent, &facts).is_empty());
            change(&mut intent, &mut facts);
            let found = faults(&intent, &facts);
            assert_eq!(found.len(), 1, "{index} {code}: {found:?}");
            let seen = (
                found[0].code.as_str(),
                found[0].ours.is_some(),
                found[0].theirs.is_some(),
            );
            assert_eq!(seen, (code, ours, theirs), "{index}: {found:?}");
        }
    }

    #[test]
    fn link_defects_missing_peering_needs_certainty() {
        // (change, gone, code of what is wrong, what is asked for)
        let table: [(&str, Change, bool, &str, &str); 6] = [
            (
                "none is left",
                |_, facts| facts.vnet.as_mut().expect("one").peerings.clear(),
                true,
                "Disconnected",
                "",
            ),
            (
                "another is named",
                |intent, _| intent.peering_name = Some("kong-7".into()),
                false,
                "unnamed",
                "Name the right one with --peering-name: kong-1.",
            ),
            (
                "one is named, and none is left",
                |intent, facts| {
                    intent.peering_name = Some("kong-1".into());
                    facts.vnet.as_mut().expect("one").peerings.clear();
                },
                false,
                "unnamed",
                "Leave out --peering-name: no peering could be meant.",
            ),
            (
                "by hand, another is named",
                |intent, facts| {
                    intent.access = VendorAccess::Manual;
                    facts.request = None;
                    intent.peering_name = Some("kong-7".into());
                },
                false,
                "unnamed",
                "Name the right one with --peering-name: kong-1.",
            ),
            (
                "the addresses are the vendor's in part",
                |_, facts| {
                    let spaces = ["10.0.0.0/17", "10.7.0.0/16"];
                    peering(facts).remote_address_space = crate::domain::AddressSpace::from_texts(spaces);
                },
                false,
                "unnamed",
                "Name the right one with --peering-name: kong-1.",
            ),
            (
                "another of the vendor's networks is left",
                |_, facts| {
                    peering(facts).remote_address_space = crate::domain::AddressSpace::from_texts(["10.7.0.0/16"]);
                },
                true,
                "Disconnected",
                "",
            ),
        ];
        for (name, change, gone, code, asks) in table {
            let (mut intent, mut facts) = samples::kong_done();
            change(&mut intent, &mut facts);
            assert_eq!(half_is_gone(&intent, &facts), gone, "{name}");
            let found = faults(&intent, &facts);
            assert_eq!(found.len(), 1, "{name}: {found:?}");
            let asked = found[0].theirs.as_deref().unwrap_or_default();
            assert_eq!((found[0].code.as_str(), asked), (code, asks), "{name}");
            assert_eq!(found[0].ours.is_some(), gone, "{name}");
        }
    }

    #[test]
    fn link_defects_enable_remote_traffic() {
        let (intent, mut facts) = samples::another_tenant_done();
        assert!(faults(&intent, &facts).is_empty());
        facts.remote_peering.as_mut().expect("one").allow_virtual_network_access = false;
        let found = faults(&intent, &facts);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].code, "allowVirtualNetworkAccess");
        assert!(
            found[0].what.contains("theirs-1") && found[0].ours.is_some(),
            "{found:?}"
        );
    }

    #[test]
    fn link_defects_ignore_link_in_progress() {
        let (intent, mut facts) = samples::kong_done();
        peering(&mut facts).state = PeeringState::Initiated;
        facts.request.as_mut().expect("one").phase = RequestPhase::Pending;
        assert!(faults(&intent, &facts).is_empty());
    }
}
