//! The request by hand: the values for the vendor's console, and who has to enter them.

use super::{STEP, request_kind};
use crate::plan::{ActionRequired, ManualInstructions, PeeringIntent, StepEvent};
use crate::steps::run::WaitDescription;
use crate::steps::two_tenants::remove_leftover;
use crate::steps::vendor_peering::VendorPeering;
use crate::steps::vnet::{ambiguous, read_vnet};
use crate::steps::{ObservedState, StepError, StepRun};
use crate::vendors::CreatedBy;

/// Shows what the vendor has to be told, and waits for what shows that it was: the vendor's peering, where the vendor
/// makes it; where each side makes its own, the other side's ids are enough to go on with.
pub async fn request_manual_entry(run: &StepRun) -> Result<(), StepError> {
    let intent = &run.intent;
    let card = intent.card(run.facts().own_app.map(|app| app.app_id));
    run.tell(STEP, StepEvent::HandOff(card.clone()));
    run.update_state(|facts| facts.handed_over = true);
    if intent.vendor.peering.created_by == CreatedBy::EachSide {
        remove_leftover(run).await?;
        return if intent.configured_remote().is_some() {
            Ok(())
        } else {
            Err(StepError::waiting(handed_over(intent, &run.facts())))
        };
    }
    let what = format!("until the values are entered and {} begins", intent.vendor.short_name);
    let awaited = WaitDescription {
        what: &what,
        usually: Some(&intent.vendor.usual_wait),
        someone_else: true,
        hold: waiting_for_peering(run, &card),
    };
    let look = async || {
        read_vnet(run).await?;
        match run.facts().likely_peering(intent) {
            VendorPeering::One(_) => Ok(Some(())),
            VendorPeering::Many(names) => Err(ambiguous(run, &names).into()),
            VendorPeering::None => Ok(None),
        }
    };
    run.poll_until(STEP, &awaited, look).await
}

/// The values are shown, and a person has to enter them.
pub fn handed_over(intent: &PeeringIntent, facts: &ObservedState) -> ActionRequired {
    let card = intent.card(facts.own_app.as_ref().map(|app| app.app_id));
    let vendor = &intent.vendor.short_name;
    let (why, then) = match intent.configured_remote() {
        None => (
            format!("{vendor} tells where its network is once it knows yours."),
            card.returns.clone(),
        ),
        Some(_) => (
            format!("{vendor} has not let your application in: it may not know your network yet."),
            Some("Then run the same command again; it goes on from here.".to_owned()),
        ),
    };
    ActionRequired {
        who: who_enters(intent),
        why,
        packet: std::iter::once(enter(&card)).chain(then).collect(),
        answer: None,
    }
}

/// A person has the vendor make its half anew: it holds its own for done, and does nothing by itself.
pub fn request_reentry(run: &StepRun) -> ActionRequired {
    let intent = &run.intent;
    let card = intent.card(run.facts().own_app.map(|app| app.app_id));
    run.tell(STEP, StepEvent::HandOff(card.clone()));
    ActionRequired {
        who: who_enters(intent),
        why: format!("{} does not make its half again by itself.", intent.vendor.short_name),
        packet: vec![
            format!(
                "Delete the {} for {} at {}",
                request_kind(intent),
                intent.vnet.name,
                card.place
            ),
            format!(
                "Then enter the {} values of the hand-off there again",
                card.values.len()
            ),
            "Then run the same command again; it goes on from here.".to_owned(),
        ],
        answer: None,
    }
}

fn who_enters(intent: &PeeringIntent) -> String {
    format!("whoever may configure networks in {}", intent.vendor.name)
}

fn waiting_for_peering(run: &StepRun, card: &ManualInstructions) -> ActionRequired {
    let vendor = &run.intent.vendor.short_name;
    let mut packet = vec![enter(card)];
    for candidate in run.facts().candidates(&run.intent) {
        let name = &candidate.id.name;
        packet.push(format!(
            "If the peering {name}, which was there before, is {vendor}'s: --peering-name {name}"
        ));
    }
    ActionRequired {
        who: who_enters(&run.intent),
        why: format!("{vendor} has not begun to peer: it may not know the network yet."),
        packet,
        answer: None,
    }
}

fn enter(card: &ManualInstructions) -> String {
    format!(
        "Enter the {} values of the hand-off at {}",
        card.values.len(),
        card.place
    )
}
