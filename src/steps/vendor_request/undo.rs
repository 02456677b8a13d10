//! Taking the request back: the vendor removes its side first, while it still may.

use super::{STEP, called, delete, request_kind, wait_until_gone};
use crate::domain::PeeringState;
use crate::plan::{ActionRequired, OwnApp, PeeringIntent, StepDecision, VendorAccess};
use crate::steps::own_app::undo::closed;
use crate::steps::ownership::request_is_ours;
use crate::steps::run::WaitDescription;
use crate::steps::vendor_peering::VendorPeering;
use crate::steps::vnet::read_vnet;
use crate::steps::{ObservedState, StepError, StepRun};
use crate::vendors::RequestPhase;

pub fn plan_removal(intent: &PeeringIntent, facts: &ObservedState) -> StepDecision {
    let (kind, vendor) = (request_kind(intent), &intent.vendor.name);
    if intent.access == VendorAccess::Manual {
        return if is_linked(intent, facts) {
            StepDecision::Await {
                what: format!("you delete the {kind} in {vendor}, which removes its direction"),
                usually: "minutes".to_owned(),
            }
        } else {
            StepDecision::Absent(format!("{vendor} has no direction here"))
        };
    }
    match facts.request.as_ref().filter(|_| !facts.request_is_gone) {
        None => StepDecision::Absent(format!("{vendor} has no {kind} for {}", intent.vnet.name)),
        Some(request) if request.phase == RequestPhase::Gone => {
            StepDecision::Absent(format!("{vendor} has deleted the {kind}"))
        }
        Some(request) if request_is_ours(intent, facts, request) => StepDecision::Remove {
            what: format!("{}, which removes its direction with it", called(intent, request)),
            kept: Vec::new(),
        },
        Some(request) if request.own_app.is_some() && made_app_is_unseen(intent, facts) => {
            StepDecision::Blocked(closed(intent))
        }
        Some(request) => {
            let named = match request.own_app {
                Some(app) => format!("--own-app {app} says that it is yours"),
                None => format!("--set name={} says that it is meant", request.name),
            };
            StepDecision::Keep(format!("{} was not created by setup; {named}", called(intent, request)))
        }
    }
}

/// Returns whether the application that setup created, if it created one, cannot be determined.
fn made_app_is_unseen(intent: &PeeringIntent, facts: &ObservedState) -> bool {
    facts.directory_is_closed && matches!(intent.own_app, Some(OwnApp::Made { .. }))
}

/// The vendor's side still holds the link.
fn is_linked(intent: &PeeringIntent, facts: &ObservedState) -> bool {
    match facts.vendor_peering(intent) {
        VendorPeering::One(peering) => peering.state == PeeringState::Connected,
        VendorPeering::None => false,
        VendorPeering::Many(_) => true,
    }
}

pub async fn remove(run: &StepRun) -> Result<(), StepError> {
    let facts = run.facts();
    let Some(connector) = &run.connector else {
        return wait_for_the_vendor(run).await;
    };
    let (Some(network), Some(request)) = (facts.network, facts.request) else {
        return Ok(());
    };
    if request.phase != RequestPhase::Leaving {
        delete(run, connector.as_ref(), &network, &request).await?;
    }
    wait_until_gone(run, connector.as_ref(), &network, &request).await?;
    // Which network it was is still needed, to know our direction by.
    run.update_state(|facts| {
        facts.request = Some(request);
        facts.request_is_gone = true;
    });
    read_vnet(run).await
}

async fn wait_for_the_vendor(run: &StepRun) -> Result<(), StepError> {
    let vendor = &run.intent.vendor;
    let what = format!("until the {} is deleted in {}", request_kind(&run.intent), vendor.name);
    let awaited = WaitDescription {
        what: &what,
        usually: None,
        someone_else: true,
        hold: ActionRequired {
            who: format!("whoever may configure networks in {}", vendor.name),
            why: format!(
                "{} needs its role until it has removed its direction, and it is deleted in its console only.",
                vendor.short_name
            ),
            packet: vec![
                format!("Delete the peering at {}", vendor.hand_off.place),
                "Then run the same command again; it goes on from here.".to_owned(),
            ],
            answer: None,
        },
    };
    let look = async || {
        read_vnet(run).await?;
        Ok((!is_linked(&run.intent, &run.facts())).then_some(()))
    };
    run.poll_until(STEP, &awaited, look).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    use crate::steps::samples;

    type Row = (
        &'static str,
        fn(&mut PeeringIntent, &mut ObservedState),
        &'static str,
        &'static str,
    );

    #[test]
    fn request_undo_deletes_only_own() {
        let table: [Row; 11] = [
            ("setup's own", |_, _| (), "remove", "transit gateway"),
            (
                "no request",
                |_, facts| facts.request = None,
                "absent",
                "has no transit gateway",
            ),
            (
                "gone meanwhile",
                |_, facts| facts.request_is_gone = true,
                "absent",
                "has no transit gateway",
            ),
            (
                "deleted by the vendor",
                |_, facts| facts.request.as_mut().expect("one").phase = RequestPhase::Gone,
                "absent",
                "has deleted",
            ),
            (
                "for another application",
                |_, facts| facts.request.as_mut().expect("one").own_app = Some(Uuid::from_u128(0xb1)),
                "keep",
                "--own-app",
            ),
            (
                "for a colleague's that setup went on with",
                |_, facts| facts.own_app.as_mut().expect("one").unique_name = None,
                "keep",
                "--own-app",
            ),
            (
                "for one that the operator named",
                |intent, facts| {
                    facts.own_app = None;
                    intent.own_app = Some(OwnApp::Given(Uuid::from_u128(0xa1)));
                },
                "remove",
                "transit gateway",
            ),
            (
                "of another name",
                |_, facts| {
                    let request = facts.request.as_mut().expect("one");
                    request.own_app = None;
                    request.name = "by-hand".into();
                },
                "keep",
                "--set name=by-hand",
            ),
            (
                "for who knows whose",
                |_, facts| {
                    facts.own_app = None;
                    facts.directory_is_closed = true;
                },
                "blocked",
                "may not read the directory",
            ),
            (
                "by hand, and there",
                |intent, _| intent.access = VendorAccess::Manual,
                "wait",
                "you delete the transit gateway",
            ),
            (
                "by hand, and gone",
                |intent, facts| {
                    intent.access = VendorAccess::Manual;
                    facts.vnet = None;
                },
                "absent",
                "has no direction",
            ),
        ];
        for (name, change, verb, part) in table {
            let (found, said) = samples::undone(samples::own_app_to_take_down(), plan_removal, change);
            assert!(found == verb && said.contains(part), "{name}: {found}: {said}");
        }
    }
}
