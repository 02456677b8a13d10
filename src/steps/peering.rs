//! Peering: the link itself. Where the vendor's application creates both directions, ours is to wait and to recognise
//! them; where each side creates its own, ours is written with tokens of both tenants; see `own_direction`.

mod undo;

use async_trait::async_trait;

use super::link_defects::not_told;
use super::own_direction;
use super::ownership::request_is_ours;
use super::run::WaitDescription;
use super::two_tenants::remove_leftover;
use super::vendor_peering::VendorPeering;
use super::vendor_request::{refresh, request, request_kind, request_reentry};
use super::vnet::{ambiguous, disconnected, read_network, read_with_surroundings, resolve_remote_tenants};
use super::{ObservedState, Step, StepError, StepRun, decision, step};
use crate::azure::PeeringBody as Direction;
use crate::domain::{PeeringState, sanitize_for_terminal};
use crate::errors::{RunError, RunErrorKind, known};
use crate::limits;
use crate::plan::{ActionRequired, PeeringIntent, RunGoal, StepDecision, StepEvent, StepId};
use crate::vendors::{CreatedBy, RequestPhase, VendorRequest};

const STEP: StepId = StepId::Peering;
/// Messages that a vendor quotes if the role that it was granted is not replicated everywhere yet.
const NOT_ARRIVED: [&str; 4] = [
    "AuthorizationFailed",
    "LinkedAuthorizationFailed",
    "AADSTS7000229",
    "AADSTS700016",
];

pub struct PeeringStep;

#[async_trait]
impl Step for PeeringStep {
    fn title(&self) -> &'static str {
        "Peering"
    }

    async fn observe(&self, run: &StepRun) -> Result<(), StepError> {
        let network = async {
            match run.intent.tears_down() {
                true => read_network(run).await,
                false => read_with_surroundings(run).await,
            }
        };
        let (subscriptions, network, ()) = tokio::join!(run.subscriptions(), network, own_direction::observe(run));
        let subscriptions = subscriptions?;
        let own = subscriptions.iter().find(|own| own.id == run.intent.vnet.subscription);
        run.update_state(|facts| {
            facts.own_subscriptions = subscriptions.iter().map(|own| own.id).collect();
            facts.subscription = own.cloned();
        });
        network
    }

    fn decide(&self, intent: &PeeringIntent, facts: &ObservedState) -> StepDecision {
        if intent.vendor.peering.created_by != CreatedBy::Vendor {
            return own_direction::decide(intent, facts);
        }
        let vendor = &intent.vendor.short_name;
        let usually = intent.vendor.usual_wait.clone();
        if let Some(leftover) = leftover(intent, facts) {
            return StepDecision::Change {
                what: format!("peering {} is deleted", leftover.id.name),
                differences: [format!(
                    "it is {}; {vendor} cannot make its own beside it",
                    leftover.state
                )]
                .into_iter()
                .chain(
                    leftover
                        .limits()
                        .map(|limits| format!("it links {limits}; {vendor} decides what the new one links")),
                )
                .collect(),
            };
        }
        match facts.likely_peering(intent) {
            VendorPeering::One(peering) if peering.state == PeeringState::Connected => {
                let caveat = facts.caveat(intent, peering);
                let limits = peering.limits().map(|limits| format!("; it links {limits}"));
                let limits = limits.unwrap_or_default();
                StepDecision::InPlace(format!("{} is Connected{limits}{caveat}", peering.id.name))
            }
            VendorPeering::One(peering) if peering.state == PeeringState::Disconnected => {
                let (name, caveat) = (&peering.id.name, facts.caveat(intent, peering));
                let what =
                    format!("{name} is Disconnected: {vendor}'s direction was deleted, and a repair is needed{caveat}");
                StepDecision::Await { what, usually }
            }
            VendorPeering::One(peering) => {
                let (name, caveat) = (&peering.id.name, facts.caveat(intent, peering));
                let what = format!("{name} is {}: {vendor} completes it{caveat}", peering.state);
                StepDecision::Await { what, usually }
            }
            VendorPeering::None | VendorPeering::Many(_) => StepDecision::Await {
                what: format!("{vendor} creates both directions"),
                usually,
            },
        }
    }

    async fn act(&self, run: &StepRun, _decision: &StepDecision) -> Result<(), StepError> {
        if run.intent.vendor.peering.created_by != CreatedBy::Vendor {
            return own_direction::act(run).await;
        }
        let facts = run.facts();
        if leftover(&run.intent, &facts).is_some() {
            remove_leftover(run).await?;
            if run.connector.is_none() {
                return wait_for_vendor(run, request_reentry(run)).await;
            }
        }
        if let Some(hold) = unnamed(&run.intent, &facts) {
            return Err(StepError::waiting(hold));
        }
        wait_for_vendor(run, not_connected_yet(&run.intent)).await
    }

    async fn confirm(&self, run: &StepRun) -> Result<(), StepError> {
        match run.intent.vendor.peering.created_by {
            // Whoever waited for the vendor's has seen it.
            CreatedBy::Vendor => Ok(()),
            CreatedBy::Customer | CreatedBy::EachSide => own_direction::confirm(run).await,
        }
    }

    fn plan_removal(&self, intent: &PeeringIntent, facts: &ObservedState) -> StepDecision {
        undo::plan_removal(intent, facts)
    }

    async fn remove(&self, run: &StepRun) -> Result<(), StepError> {
        undo::remove(run).await
    }
}

/// Returns what a repair deletes so that the vendor can create both directions again: the local direction, proven to be
/// the vendor's, that is Disconnected, or half there while the request is made again.
pub fn leftover<'a>(intent: &PeeringIntent, facts: &'a ObservedState) -> Option<&'a Direction> {
    let VendorPeering::One(peering) = facts.vendor_peering(intent) else {
        return None;
    };
    let by_vendor = intent.vendor.peering.created_by == CreatedBy::Vendor;
    let dead = match &peering.state {
        PeeringState::Disconnected => true,
        PeeringState::Connected => false,
        _ => decision(StepId::VendorRequest, intent, facts).writes(),
    };
    (by_vendor && intent.goal == RunGoal::Repair && dead).then_some(peering)
}

/// The vendor has made its peering; as long as nobody says which it is, a repair would wait in vain.
fn unnamed(intent: &PeeringIntent, facts: &ObservedState) -> Option<ActionRequired> {
    let fault = not_told(intent, facts).filter(|_| intent.goal == RunGoal::Repair)?;
    Some(ActionRequired {
        who: "you".to_owned(),
        why: fault.what,
        packet: fault.theirs.into_iter().collect(),
        answer: None,
    })
}

enum VendorProgress {
    Connected,
    Failed(Box<VendorRequest>),
}

async fn wait_for_vendor(run: &StepRun, hold: ActionRequired) -> Result<(), StepError> {
    let intent = &run.intent;
    let what = format!("{} creates both directions", intent.vendor.short_name);
    let awaited = WaitDescription {
        what: &what,
        usually: Some(&intent.vendor.usual_wait),
        someone_else: true,
        hold,
    };
    let mut renewals = 0;
    loop {
        match run
            .poll_until(STEP, &awaited, async || read_progress(run).await)
            .await?
        {
            VendorProgress::Connected => return Ok(()),
            VendorProgress::Failed(failed) => retry_request(run, &failed, &mut renewals).await?,
        }
    }
}

/// The vendor is at work.
pub fn not_connected_yet(intent: &PeeringIntent) -> ActionRequired {
    ActionRequired {
        who: intent.vendor.short_name.clone(),
        why: format!(
            "{} has not connected the networks yet; that usually takes {}.",
            intent.vendor.short_name, intent.vendor.usual_wait
        ),
        packet: vec!["Run the same command again later; it goes on from here.".to_owned()],
        answer: None,
    }
}

/// One look at both sides; what is seen goes into the facts.
async fn read_progress(run: &StepRun) -> Result<Option<VendorProgress>, StepError> {
    let known = run.facts().request;
    let (vnet, request) = tokio::join!(read_network(run), refresh(run));
    vnet?;
    resolve_remote_tenants(run).await;
    let facts = run.facts();
    match facts.likely_peering(&run.intent) {
        VendorPeering::One(peering) if peering.state == PeeringState::Connected => {
            return Ok(Some(VendorProgress::Connected));
        }
        VendorPeering::One(peering) if peering.state == PeeringState::Disconnected => {
            return Err(disconnected(run, peering).into());
        }
        VendorPeering::Many(names) => return Err(ambiguous(run, &names).into()),
        VendorPeering::One(_) | VendorPeering::None => {}
    }
    let request = match (request?, known) {
        (Some(request), _) => request,
        (None, Some(known)) => return Err(deleted_meanwhile(run, &known).into()),
        (None, None) => return Ok(None),
    };
    match request.phase {
        RequestPhase::Failed => Ok(Some(VendorProgress::Failed(Box::new(request)))),
        RequestPhase::UserAction => {
            let state = sanitize_for_terminal(&request.state);
            run.tell(
                STEP,
                StepEvent::Doing(format!("{} says {state}", run.intent.vendor.name)),
            );
            Ok(None)
        }
        RequestPhase::Leaving | RequestPhase::Gone => Err(deleted_meanwhile(run, &request).into()),
        RequestPhase::Ready | RequestPhase::Pending => Ok(None),
    }
}

/// Somebody deleted the request at the vendor.
pub fn deleted_meanwhile(run: &StepRun, request: &VendorRequest) -> RunError {
    let (kind, vendor) = (request_kind(&run.intent), &run.intent.vendor.name);
    RunError::new(
        RunErrorKind::Vendor,
        format!("The {kind} was deleted while setup waited for it."),
        format!(
            "Somebody deleted \"{}\" in {vendor}.",
            sanitize_for_terminal(&request.name)
        ),
    )
    .remedy("Run the same command again to request it anew.")
}

/// The vendor failed. Where an earlier step is not in place any more, that is why, and it is said. Where the vendor
/// only looked before the role had arrived everywhere, it is asked again.
///
/// # Errors
/// What is missing, or the vendor's reason.
pub async fn retry_request(run: &StepRun, failed: &VendorRequest, renewals: &mut u32) -> Result<(), StepError> {
    diagnose(run, failed).await?;
    let reason = failed.reason.as_deref().unwrap_or_default();
    let not_arrived = NOT_ARRIVED.iter().any(|code| reason.contains(code));
    let connector = run
        .connector
        .as_ref()
        .filter(|_| not_arrived && *renewals < limits::MAX_VENDOR_RETRIES && !run.out_of_time())
        // A colleague's is not deleted without a plan that shows it.
        .filter(|_| run.plans_to_write(StepId::VendorRequest) || request_is_ours(&run.intent, &run.facts(), failed));
    let Some(connector) = connector else {
        return Err(vendor_failed(run, failed).into());
    };
    *renewals += 1;
    request(run, connector.as_ref()).await
}

async fn diagnose(run: &StepRun, failed: &VendorRequest) -> Result<(), StepError> {
    let earlier = [
        StepId::Consent,
        StepId::OwnApp,
        StepId::RoleDefinition,
        StepId::RoleAssignment,
    ];
    let unconfirmed = run.facts().unconfirmed;
    let earlier: Vec<StepId> = run
        .intent
        .steps()
        .into_iter()
        .filter(|id| earlier.contains(id) && !unconfirmed.contains(id))
        .collect();
    let reads = earlier.iter().map(|id| step(*id).observe(run));
    for read in futures::future::join_all(reads).await {
        match read {
            // What this sign-in may not read, it cannot tell to be missing.
            Err(StepError::Failed(problem)) if problem.kind == RunErrorKind::Permission => {}
            read => read?,
        }
    }
    let facts = run.facts();
    let missing: Vec<String> = earlier
        .into_iter()
        .filter(|id| !matches!(step(*id).decide(&run.intent, &facts), StepDecision::InPlace(_)))
        .map(|id| format!("{} ({id})", step(id).title().to_lowercase()))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut problem = vendor_failed(run, failed);
    problem.why = format!("Not in place any more: {}. {}", missing.join(", "), problem.why);
    problem.remedies = vec!["Run the same command again: it puts that in place and asks the vendor anew.".to_owned()];
    Err(problem.into())
}

/// The vendor's failure, in its own words.
pub fn vendor_failed(run: &StepRun, failed: &VendorRequest) -> RunError {
    let intent = &run.intent;
    let (vendor, state) = (&intent.vendor.name, sanitize_for_terminal(&failed.state));
    let what = format!(
        "{vendor} could not create the peering: {} \"{}\" is {state}.",
        request_kind(intent),
        sanitize_for_terminal(&failed.name)
    );
    let why = failed.reason.as_deref().map_or_else(
        || format!("{vendor} gives no reason."),
        |reason| format!("{vendor} says: {}", sanitize_for_terminal(reason)),
    );
    let known = known::lookup(&failed.state, "");
    let why = known.map_or(why.clone(), |known| format!("{} {why}", known.meaning));
    let mut problem = RunError::new(RunErrorKind::Vendor, what, why);
    problem.code = known.map(|known| known.code.clone());
    problem
        .remedy("Mend what the vendor names, then run the same command again: it is requested anew.")
        .remedy(format!(
            "Or ask {}'s support, with the name and this reason.",
            intent.vendor.short_name
        ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::samples;

    #[test]
    fn decisions_where_the_vendor_creates_both() {
        let table = [
            (PeeringState::Connected, "in place"),
            (PeeringState::Initiated, "wait"),
            (PeeringState::Disconnected, "wait"),
            (PeeringState::Other("New".into()), "wait"),
        ];
        let (intent, facts) = samples::kong_done();
        for (state, expected) in table {
            let mut facts = facts.clone();
            facts.vnet.as_mut().expect("one").peerings[0].state = state.clone();
            assert_eq!(PeeringStep.decide(&intent, &facts).verb(), expected, "{state}");
        }
        let none = ObservedState { vnet: None, ..facts };
        assert_eq!(PeeringStep.decide(&intent, &none).verb(), "wait");
    }
}
