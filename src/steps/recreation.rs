//! Recreation of the local peering. Where Azure or the vendor requires its deletion first, its settings are only in
//! memory until the new one is written, so a run that is killed in between would lose them. A peering with settings
//! that the inputs don't repeat is therefore not deleted. Pure.

use super::own_direction::is_made_again;
use super::peering::leftover;
use super::vendor_peering::VendorPeering;
use super::vendor_request::is_made_anew;
use super::{ObservedState, StepError, decision};
use crate::azure::PeeringBody;
use crate::domain::PeeringState;
use crate::plan::{ActionRequired, PeeringIntent, StepId, StepState};
use crate::render::az;
use crate::vendors::CreatedBy;

/// Settings of a peering that a new one would not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostSettings {
    /// "only subnet a with subnet b", where it doesn't link the whole networks.
    pub limits: Option<String>,
    /// Properties that a flag sets, and the flags.
    pub flags: Vec<(&'static str, &'static str)>,
}

impl LostSettings {
    /// The settings that would be lost with the peering; `None` where none would.
    pub fn of(intent: &PeeringIntent, peering: &PeeringBody) -> Option<Self> {
        let limits = peering.limits();
        let given = intent.peering_settings;
        let table = [
            (
                "allowForwardedTraffic",
                "--allow-forwarded-traffic",
                peering.allow_forwarded_traffic && !given.allow_forwarded_traffic,
            ),
            (
                "allowGatewayTransit",
                "--allow-gateway-transit",
                peering.allow_gateway_transit && !given.allow_gateway_transit,
            ),
            (
                "useRemoteGateways",
                "--use-remote-gateways",
                peering.use_remote_gateways && !given.use_remote_gateways,
            ),
        ];
        // What a vendor sets on the peerings that it creates is the vendor's to choose.
        let is_chosen_here = intent.vendor.peering.created_by != CreatedBy::Vendor;
        let lost = table.into_iter().filter(|(.., lost)| *lost && is_chosen_here);
        let flags: Vec<_> = lost.map(|(property, flag, _)| (property, flag)).collect();
        (limits.is_some() || !flags.is_empty()).then_some(Self { limits, flags })
    }

    /// Returns what would be lost, as a sentence.
    pub fn describe(&self, name: &str) -> String {
        let limits = self.limits.iter().map(|limits| format!("it links {limits}"));
        let properties: Vec<&str> = self.flags.iter().map(|(property, _)| *property).collect();
        let set = (!properties.is_empty()).then(|| format!("{} is set", properties.join(", ")));
        let all: Vec<String> = limits.chain(set).collect();
        format!(
            "A new peering would not have all settings of {name}: {}.",
            all.join("; ")
        )
    }

    /// Returns what the operator can do, a line each.
    pub fn remedies(&self, intent: &PeeringIntent, peering: &PeeringBody) -> Vec<String> {
        let mut remedies = Vec::new();
        if !self.flags.is_empty() {
            let flags: Vec<&str> = self.flags.iter().map(|(_, flag)| *flag).collect();
            remedies.push(format!(
                "To set it on the new peering too, run the command with {}.",
                flags.join(" ")
            ));
        }
        if self.limits.is_some() {
            let creator = match intent.vendor.peering.created_by {
                CreatedBy::Vendor => intent.vendor.short_name.as_str(),
                CreatedBy::Customer | CreatedBy::EachSide => "peerctl",
            };
            remedies.push(format!(
                "{creator} creates peerings of whole networks. To keep a record of the present settings:"
            ));
            remedies.push(az::show_peering(&peering.id));
        }
        remedies.push("If the new peering does not need these settings, delete this one:".to_owned());
        remedies.extend(az::delete_peering(&peering.id));
        remedies.push("Then run the same command again.".to_owned());
        remedies
    }
}

/// The local peering that the planned run deletes, so that it or the vendor can create it again.
pub fn deleted_first<'a>(intent: &PeeringIntent, facts: &'a ObservedState) -> Option<&'a PeeringBody> {
    let VendorPeering::One(peering) = facts.vendor_peering(intent) else {
        return None;
    };
    match intent.vendor.peering.created_by {
        CreatedBy::Vendor => leftover(intent, facts),
        CreatedBy::Customer => None,
        CreatedBy::EachSide => {
            // The vendor's direction goes with the old request, and leaves this one Disconnected.
            let loses_other_half = || {
                peering.state == PeeringState::Connected
                    && is_made_anew(intent, facts)
                    && decision(StepId::VendorRequest, intent, facts).writes()
            };
            let is_in_the_way = peering.state == PeeringState::Disconnected || loses_other_half();
            (is_in_the_way && is_made_again(intent, facts)).then_some(peering)
        }
    }
}

/// Checks that nothing is lost where the peering is deleted now.
///
/// # Errors
/// Held where settings would be lost.
pub fn confirm_nothing_lost(intent: &PeeringIntent, peering: &PeeringBody) -> Result<(), StepError> {
    let Some(lost) = LostSettings::of(intent, peering) else {
        return Ok(());
    };
    let name = &peering.id.name;
    let hold = ActionRequired {
        who: "you".to_owned(),
        why: format!(
            "{name} has to be deleted before the networks can be connected again. {}",
            lost.describe(name)
        ),
        packet: lost.remedies(intent, peering),
        answer: None,
    };
    Err(StepError::Held {
        state: StepState::Blocked,
        hold,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::PeeringSettings;
    use crate::steps::samples;

    #[test]
    fn lost_settings_by_creator_and_flags() {
        let forwards: fn(&mut PeeringBody) = |peering| peering.allow_forwarded_traffic = true;
        let limited: fn(&mut PeeringBody) = |peering| {
            peering.properties.insert("peerCompleteVnets".to_owned(), false.into());
        };
        let given = PeeringSettings {
            allow_forwarded_traffic: true,
            ..PeeringSettings::default()
        };
        let none = PeeringSettings::default();
        for (created_by, settings, change, lost) in [
            (CreatedBy::EachSide, none, forwards, true),
            (CreatedBy::EachSide, given, forwards, false),
            (CreatedBy::EachSide, given, limited, true),
            (CreatedBy::Vendor, none, forwards, false),
            (CreatedBy::Vendor, none, limited, true),
        ] {
            let (mut intent, facts) = samples::kong_done();
            let mut peering = facts.vnet.expect("one").peerings.remove(0);
            (intent.vendor.peering.created_by, intent.peering_settings) = (created_by, settings);
            assert!(confirm_nothing_lost(&intent, &peering).is_ok());
            change(&mut peering);
            let found = LostSettings::of(&intent, &peering);
            assert_eq!(found.is_some(), lost, "{created_by:?} {settings:?}: {found:?}");
            assert_eq!(confirm_nothing_lost(&intent, &peering).is_err(), lost);
        }
    }
}
