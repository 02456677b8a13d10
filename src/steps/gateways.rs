//! The order in which Azure takes the two directions of a peering. A network may use the other network's gateways only
//! once the other direction allows gateway transit, and takes no new direction beside a Disconnected one. Pure.

use super::ObservedState;
use super::own_direction::{good, may_write_remote};
use super::two_tenants::{stale, works};
use super::vendor_peering::VendorPeering;
use crate::azure::PeeringBody;
use crate::domain::PeeringState;
use crate::plan::{ActionRequired, PeeringIntent, PeeringSettings, Remote};
use crate::render::az;

/// The write of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirectionWrite {
    /// The local peering.
    Ours { uses_gateways: bool },
    /// The remote peering.
    Theirs { uses_gateways: bool },
}

/// The local peering, where it is known which one that is.
pub fn local(intent: &PeeringIntent, facts: &ObservedState) -> Option<PeeringBody> {
    match facts.vendor_peering(intent) {
        VendorPeering::One(peering) => Some(peering.clone()),
        VendorPeering::None | VendorPeering::Many(_) => facts.former_peering.clone(),
    }
}

/// Returns whether the local peering is to use the remote network's gateways: because this is requested, or because it
/// already uses them.
pub fn uses_gateways(intent: &PeeringIntent, facts: &ObservedState) -> bool {
    let uses = |peering: PeeringBody| peering.use_remote_gateways;
    intent.peering_settings.use_remote_gateways || local(intent, facts).is_some_and(uses)
}

/// The settings that the remote peering needs for the local one.
pub fn settings_of_theirs(intent: &PeeringIntent, facts: &ObservedState) -> PeeringSettings {
    PeeringSettings {
        allow_gateway_transit: uses_gateways(intent, facts),
        ..PeeringSettings::default()
    }
}

/// Returns whether the remote peering, which setup can write, is as required.
pub fn theirs_is_good(intent: &PeeringIntent, facts: &ObservedState, theirs: &PeeringBody) -> bool {
    works(theirs) && (theirs.allow_gateway_transit || !uses_gateways(intent, facts))
}

/// The writes of both directions that are due, in the order that Azure takes.
pub fn direction_writes(intent: &PeeringIntent, facts: &ObservedState) -> Vec<DirectionWrite> {
    let disconnected = |peering: &PeeringBody| peering.state == PeeringState::Disconnected;
    let ours = match facts.vendor_peering(intent) {
        VendorPeering::One(peering) => Some(peering),
        VendorPeering::None | VendorPeering::Many(_) => None,
    };
    let theirs = facts.remote_peering.as_ref();
    let is_known = may_write_remote(intent) && facts.remote_unread.is_none();
    let ours_uses = uses_gateways(intent, facts);
    let theirs_uses = theirs.is_some_and(|theirs| theirs.use_remote_gateways);
    let mut transit_there = theirs.is_some_and(|theirs| theirs.allow_gateway_transit);
    let ours_is_due = ours.is_none_or(|ours| !good(ours, intent) || stale(ours));
    let mut theirs_is_due =
        may_write_remote(intent) && !theirs.is_some_and(|theirs| theirs_is_good(intent, facts, theirs));
    let mut writes = Vec::new();
    let stands_in_the_way = theirs.is_some_and(disconnected);
    let is_refused_beside_ours = theirs.is_none() && ours.is_some_and(disconnected);
    let has_to_allow = ours_uses && !transit_there && !is_refused_beside_ours;
    if is_known && theirs_is_due && (stands_in_the_way || has_to_allow) {
        let ours_allows = ours.is_some_and(|ours| ours.allow_gateway_transit && !disconnected(ours));
        let uses_gateways = theirs_uses && ours_allows;
        writes.push(DirectionWrite::Theirs { uses_gateways });
        transit_there |= ours_uses;
        theirs_is_due = theirs_uses && !uses_gateways;
    }
    // What is not known is tried: Azure says whether the other side allows it.
    let may_use = !is_known || transit_there;
    if ours_is_due {
        let uses_gateways = ours_uses && may_use;
        writes.push(DirectionWrite::Ours { uses_gateways });
    }
    if theirs_is_due {
        let uses_gateways = theirs_uses;
        writes.push(DirectionWrite::Theirs { uses_gateways });
    }
    if ours_is_due && ours_uses && !may_use {
        writes.push(DirectionWrite::Ours { uses_gateways: true });
    }
    writes
}

/// Returns the conflict that Azure would refuse in any order of writes, and who can resolve it.
pub fn conflict(intent: &PeeringIntent, facts: &ObservedState) -> Option<ActionRequired> {
    let ours = local(intent, facts);
    let peerings = facts.vnet.iter().flat_map(|vnet| &vnet.peerings);
    let mut others = peerings.filter(|peering| ours.as_ref().is_none_or(|ours| ours.id != peering.id));
    let wants = intent.peering_settings.use_remote_gateways;
    if let Some(other) = others.find(|other| wants && other.use_remote_gateways) {
        let (name, vnet) = (&other.id.name, &intent.vnet.name);
        return Some(ActionRequired {
            who: "you".to_owned(),
            why: format!(
                "{vnet} uses the gateways of peering {name} already, and Azure allows that for one peering only."
            ),
            packet: vec![
                "Run the command without --use-remote-gateways. Or stop using the other gateways first:".to_owned(),
                format!("{} --set useRemoteGateways=false", az::update_peering(&other.id)),
            ],
            answer: None,
        });
    }
    let theirs = facts.remote_peering.as_ref().filter(|_| may_write_remote(intent))?;
    let allows = intent.peering_settings.allow_gateway_transit || ours.is_some_and(|ours| ours.allow_gateway_transit);
    let is_lost = theirs.state == PeeringState::Disconnected && theirs.use_remote_gateways && !allows;
    is_lost.then(|| ActionRequired {
        who: "you".to_owned(),
        why: format!(
            "The other direction, {}, uses the gateways of {}, and Azure allows that only once the local peering allows \
             gateway transit.",
            theirs.id.name, intent.vnet.name
        ),
        packet: vec!["Run the command with --allow-gateway-transit.".to_owned()],
        answer: None,
    })
}

/// Returns the action that is required if Azure refused to let the local peering use the remote network's gateways;
/// `None` for any other refusal. Azure's codes for this refusal are not documented, so its message is evaluated.
pub fn refused(
    intent: &PeeringIntent,
    facts: &ObservedState,
    remote: &Remote,
    message: &str,
) -> Option<ActionRequired> {
    let message = message.to_lowercase();
    if !message.contains("useremotegateway") {
        return None;
    }
    let (vnet, other) = (&intent.vnet.name, &remote.vnet.name);
    let vendor = &intent.vendor.short_name;
    let (why, mut packet) = if message.contains("does not have any gateway") {
        let why = format!("{vnet} cannot use the gateways of {other}, because {other} has none.");
        (why, vec![format!("Create a virtual network gateway in {other}.")])
    } else {
        let why =
            format!("{vnet} can use the gateways of {other} only once the other direction allows gateway transit.");
        let packet = match may_write_remote(intent) {
            true => az::other_direction(intent, remote, facts.remote_peering.as_ref(), true),
            false => vec![format!("{vendor} sets allowGatewayTransit on its peering with {vnet}.")],
        };
        (why, packet)
    };
    packet.push("Then run the same command again, or run it without --use-remote-gateways.".to_owned());
    let who = match may_write_remote(intent) {
        true => format!("the operator of {other} in tenant {}", remote.tenant),
        false => vendor.clone(),
    };
    Some(ActionRequired {
        who,
        why,
        packet,
        answer: None,
    })
}

#[cfg(test)]
mod tests {
    use super::DirectionWrite::{Ours, Theirs};
    use super::*;
    use crate::steps::samples;

    type Change = fn(&mut PeeringIntent, &mut ObservedState);

    fn ours(facts: &mut ObservedState) -> &mut PeeringBody {
        &mut facts.vnet.as_mut().expect("one").peerings[0]
    }

    fn nothing_yet(facts: &mut ObservedState) {
        facts.vnet.as_mut().expect("one").peerings.clear();
        facts.remote_peering = None;
    }

    #[test]
    fn order_of_direction_writes() {
        let (yes, no) = (true, false);
        let table: [(&str, Change, Vec<DirectionWrite>); 9] = [
            ("all is there", |_, _| (), vec![]),
            (
                "nothing is there",
                |_, facts| nothing_yet(facts),
                vec![Ours { uses_gateways: no }, Theirs { uses_gateways: no }],
            ),
            (
                "nothing is there, with gateways",
                |intent, facts| {
                    nothing_yet(facts);
                    intent.peering_settings.use_remote_gateways = true;
                },
                vec![Theirs { uses_gateways: no }, Ours { uses_gateways: yes }],
            ),
            (
                "both are there, and gateways are asked for",
                |intent, _| intent.peering_settings.use_remote_gateways = true,
                vec![Theirs { uses_gateways: no }, Ours { uses_gateways: yes }],
            ),
            (
                "transit is allowed there",
                |intent, facts| {
                    intent.peering_settings.use_remote_gateways = true;
                    facts.remote_peering.as_mut().expect("one").allow_gateway_transit = true;
                },
                vec![Ours { uses_gateways: yes }],
            ),
            (
                "theirs cannot be read",
                |intent, facts| {
                    nothing_yet(facts);
                    intent.peering_settings.use_remote_gateways = true;
                    facts.remote_unread = Some("AuthorizationFailed".into());
                },
                vec![Ours { uses_gateways: yes }, Theirs { uses_gateways: no }],
            ),
            (
                "ours, which uses gateways, is Disconnected",
                |_, facts| {
                    facts.remote_peering = None;
                    (ours(facts).state, ours(facts).use_remote_gateways) = (PeeringState::Disconnected, true);
                },
                vec![
                    Ours { uses_gateways: no },
                    Theirs { uses_gateways: no },
                    Ours { uses_gateways: yes },
                ],
            ),
            (
                "theirs is Disconnected",
                |_, facts| {
                    facts.vnet.as_mut().expect("one").peerings.clear();
                    facts.remote_peering.as_mut().expect("one").state = PeeringState::Disconnected;
                },
                vec![Theirs { uses_gateways: no }, Ours { uses_gateways: no }],
            ),
            (
                "theirs, which uses gateways, is Disconnected",
                |intent, facts| {
                    intent.peering_settings.allow_gateway_transit = true;
                    facts.vnet.as_mut().expect("one").peerings.clear();
                    let theirs = facts.remote_peering.as_mut().expect("one");
                    (theirs.state, theirs.use_remote_gateways) = (PeeringState::Disconnected, true);
                },
                vec![
                    Theirs { uses_gateways: no },
                    Ours { uses_gateways: no },
                    Theirs { uses_gateways: yes },
                ],
            ),
        ];
        for (name, change, expected) in table {
            let (mut intent, mut facts) = samples::another_tenant_done();
            change(&mut intent, &mut facts);
            assert_eq!(direction_writes(&intent, &facts), expected, "{name}");
            assert_eq!(conflict(&intent, &facts), None, "{name}");
        }
    }

    #[test]
    fn conflicts_of_gateways() {
        let table: [(Change, &str); 2] = [
            (
                |intent, facts| {
                    intent.peering_settings.use_remote_gateways = true;
                    let mut hub = samples::peering(intent, "to-hub", 0xabc, "10.9.0.0/16");
                    hub.use_remote_gateways = true;
                    facts.vnet.as_mut().expect("one").peerings.push(hub);
                },
                "uses the gateways of peering to-hub already",
            ),
            (
                |_, facts| {
                    facts.vnet.as_mut().expect("one").peerings.clear();
                    let theirs = facts.remote_peering.as_mut().expect("one");
                    (theirs.state, theirs.use_remote_gateways) = (PeeringState::Disconnected, true);
                },
                "only once the local peering allows gateway transit",
            ),
        ];
        for (change, part) in table {
            let (mut intent, mut facts) = samples::another_tenant_done();
            change(&mut intent, &mut facts);
            let hold = conflict(&intent, &facts).expect(part);
            assert!(hold.why.contains(part), "{hold:?}");
        }
    }
}
