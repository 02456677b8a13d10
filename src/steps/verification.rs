//! Verification: both directions are Connected, both sides know each other's addresses, and traffic is let through.

use async_trait::async_trait;

use super::observed_state::not_working;
use super::own_direction::{self, may_write_remote};
use super::peering::{deleted_meanwhile, vendor_failed};
use super::run::WaitDescription;
use super::two_tenants::works;
use super::vendor_peering::VendorPeering;
use super::vendor_request::{refresh, request_kind};
use super::vnet::{disconnected, read_network, resolve_remote_tenants};
use super::{ObservedState, Step, StepError, StepRun};
use crate::azure::PeeringBody;
use crate::domain::{PeeringState, SyncLevel};
use crate::errors::{RunError, RunErrorKind};
use crate::plan::{ActionRequired, PeeringDirection, PeeringIntent, PeeringView, StepDecision, StepId, VendorAccess};
use crate::vendors::{CreatedBy, RequestPhase};

const STEP: StepId = StepId::Verification;

pub struct VerificationStep;

#[async_trait]
impl Step for VerificationStep {
    fn title(&self) -> &'static str {
        "Verification"
    }

    /// Reads nothing of its own: what the peering and the request were read as is what is judged.
    async fn observe(&self, _run: &StepRun) -> Result<(), StepError> {
        Ok(())
    }

    fn decide(&self, intent: &PeeringIntent, facts: &ObservedState) -> StepDecision {
        match verdict(intent, facts) {
            Ok(text) => StepDecision::InPlace(text),
            Err(why) => StepDecision::Await {
                what: format!("both directions work ({why})"),
                usually: "seconds".to_owned(),
            },
        }
    }

    async fn act(&self, run: &StepRun, _decision: &StepDecision) -> Result<(), StepError> {
        let vendor = &run.intent.vendor;
        let awaited = WaitDescription {
            what: "until both directions are in sync and the vendor is ready",
            usually: Some(&vendor.usual_wait),
            someone_else: true,
            hold: ActionRequired {
                who: vendor.short_name.clone(),
                why: verdict(&run.intent, &run.facts()).err().unwrap_or_default(),
                packet: vec!["Run the same command again in a minute.".to_owned()],
                answer: None,
            },
        };
        run.poll_until(STEP, &awaited, async || read_peerings(run).await).await
    }
}

async fn read_peerings(run: &StepRun) -> Result<Option<()>, StepError> {
    if verdict(&run.intent, &run.facts()).is_ok() {
        return Ok(Some(()));
    }
    let (vnet, request, ()) = tokio::join!(read_network(run), refresh(run), own_direction::observe(run));
    vnet?;
    resolve_remote_tenants(run).await;
    request?;
    cannot_come(run)?;
    Ok(verdict(&run.intent, &run.facts()).is_ok().then_some(()))
}

/// Returns an error for a state that waiting does not resolve.
fn cannot_come(run: &StepRun) -> Result<(), StepError> {
    let facts = run.facts();
    if let VendorPeering::One(peering) = facts.likely_peering(&run.intent) {
        if peering.state == PeeringState::Disconnected {
            return Err(disconnected(run, peering).into());
        }
        if !peering.allow_virtual_network_access {
            return Err(access_is_off(run, peering).into());
        }
        if peering.state == PeeringState::Connected && peering.sync_level != SyncLevel::FullyInSync {
            return Err(StepError::waiting(out_of_sync(run, peering)));
        }
    }
    match &facts.request {
        Some(request)
            if facts.request_is_gone || matches!(request.phase, RequestPhase::Leaving | RequestPhase::Gone) =>
        {
            Err(deleted_meanwhile(run, request).into())
        }
        Some(request) if request.phase == RequestPhase::Failed => Err(vendor_failed(run, request).into()),
        _ => Ok(()),
    }
}

/// Returns the result that is verified, or the reason why it is not.
fn verdict(intent: &PeeringIntent, facts: &ObservedState) -> Result<String, String> {
    let vendor = &intent.vendor;
    let caveat = match facts.likely_peering(intent) {
        VendorPeering::One(peering) => {
            not_working(peering).map_or(Ok(()), Err)?;
            facts.caveat(intent, peering)
        }
        VendorPeering::None => return Err("there is no peering yet".to_owned()),
        VendorPeering::Many(_) => return Err("several peerings could be it".to_owned()),
    };
    theirs_works(intent, facts)?;
    match &facts.request {
        Some(_) if facts.request_is_gone => Err(format!("{} does not know it any more", vendor.name)),
        Some(request) if request.phase != RequestPhase::Ready => Err(format!("{} says {}", vendor.name, request.state)),
        Some(request) => Ok(format!(
            "both directions Connected and FullyInSync, {} says {}{caveat}",
            vendor.name, request.state
        )),
        None if asks_an_api(intent) && !facts.unread.contains(&StepId::VendorRequest) => Err(format!(
            "{} knows of no {} for this network",
            vendor.name,
            request_kind(intent)
        )),
        None => Ok(format!("both directions Connected and FullyInSync{caveat}")),
    }
}

/// Returns an error if the other direction, as far as it can be read, does not let traffic through: the state Connected
/// does not include this.
fn theirs_works(intent: &PeeringIntent, facts: &ObservedState) -> Result<(), String> {
    match facts.remote_peering.as_ref().filter(|_| may_write_remote(intent)) {
        Some(theirs) if !works(theirs) => {
            let why = not_working(theirs).unwrap_or_default();
            Err(format!("the other direction, {}: {why}", theirs.id.name))
        }
        _ => Ok(()),
    }
}

/// Only where the vendor can be asked is its word missing where it has none.
fn asks_an_api(intent: &PeeringIntent) -> bool {
    intent.access == VendorAccess::Api && intent.vendor.peering.created_by != CreatedBy::Customer
}

fn access_is_off(run: &StepRun, peering: &PeeringBody) -> RunError {
    let vendor = &run.intent.vendor.short_name;
    let why = "allowVirtualNetworkAccess is false, so the networks are linked but may not talk.";
    // Writing a cross-tenant peering takes rights in both tenants; this operator has them in one.
    let remedy =
        format!("Ask {vendor}'s support to allow virtual network access: only {vendor} can write this peering.");
    let what = format!("The peering {} lets no traffic through.", peering.id.name);
    RunError::new(RunErrorKind::Conflict, what, why).remedy(remedy)
}

/// An address space has changed since, and the sync is the vendor's: what is ours to sync the step before has synced.
fn out_of_sync(run: &StepRun, peering: &PeeringBody) -> ActionRequired {
    let vendor = &run.intent.vendor.short_name;
    ActionRequired {
        who: vendor.clone(),
        why: format!(
            "{} is {}: an address space has changed since the networks were peered.",
            peering.id.name, peering.sync_level
        ),
        packet: vec![format!("{vendor} syncs the peering; then run the same command again.")],
        answer: None,
    }
}

/// The directions that were read. The vendor's own peering lies in its tenant and cannot be read; Azure says Connected on
/// our side only while both directions are, so there the other one is told too: its state is ours, and its sync level ours
/// from the other side. In any other state nothing is known of one that was not read.
pub fn views(intent: &PeeringIntent, facts: &ObservedState) -> Vec<PeeringView> {
    let VendorPeering::One(peering) = facts.likely_peering(intent) else {
        return Vec::new();
    };
    let local_space = facts
        .vnet
        .as_ref()
        .map(|vnet| vnet.address_space.to_string())
        .unwrap_or_default();
    let local = view(
        PeeringDirection::Local,
        peering,
        peering.id.to_string(),
        peering.remote_address_space.to_string(),
    );
    vec![local]
        .into_iter()
        .chain(remote_view(facts, peering, local_space))
        .collect()
}

fn remote_view(facts: &ObservedState, ours: &PeeringBody, local_space: String) -> Option<PeeringView> {
    let read = facts.remote_peering.as_ref();
    if ours.state != PeeringState::Connected {
        let theirs = read?;
        let space = theirs.remote_address_space.to_string();
        return Some(view(PeeringDirection::Remote, theirs, theirs.id.to_string(), space));
    }
    let remote = ours.remote_vnet.as_ref().map(ToString::to_string);
    let mut remote = view(PeeringDirection::Remote, ours, remote.unwrap_or_default(), local_space);
    remote.sync_level = remote.sync_level.mirrored();
    remote.subnets = read.and_then(PeeringBody::subnets);
    remote.inferred = read.is_none();
    Some(remote)
}

fn view(direction: PeeringDirection, peering: &PeeringBody, id: String, address_space: String) -> PeeringView {
    PeeringView {
        direction,
        id,
        state: peering.state.clone(),
        sync_level: peering.sync_level.clone(),
        address_space,
        subnets: peering.subnets(),
        inferred: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{PeeringState, SyncLevel};
    use crate::steps::samples;

    #[test]
    fn verification_requires_traffic() {
        type Row = (&'static str, fn(&mut ObservedState), &'static str);
        let table: [Row; 5] = [
            ("all well", |_| (), "in place"),
            (
                "half a link",
                |facts| peering(facts).state = PeeringState::Initiated,
                "wait",
            ),
            (
                "out of sync",
                |facts| peering(facts).sync_level = SyncLevel::RemoteNotInSync,
                "wait",
            ),
            (
                "no access",
                |facts| peering(facts).allow_virtual_network_access = false,
                "wait",
            ),
            (
                "vendor not ready",
                |facts| facts.request.as_mut().expect("one").phase = RequestPhase::Pending,
                "wait",
            ),
        ];
        for (name, change, expected) in table {
            let (intent, mut facts) = samples::kong_done();
            change(&mut facts);
            assert_eq!(VerificationStep.decide(&intent, &facts).verb(), expected, "{name}");
        }
    }

    #[test]
    fn verification_requires_vendor_knows_network() {
        let (mut intent, mut facts) = samples::kong_done();
        facts.request = None;
        let unknown = "Kong Konnect knows of no transit gateway for this network";
        assert_eq!(verdict(&intent, &facts), Err(unknown.to_owned()));
        intent.access = VendorAccess::Manual;
        assert!(verdict(&intent, &facts).is_ok());
        intent.access = VendorAccess::Api;
        facts.unread.insert(StepId::VendorRequest);
        assert!(verdict(&intent, &facts).is_ok(), "somebody else may ask");
    }

    #[test]
    fn verification_checks_visible_remote_direction() {
        let (intent, mut facts) = samples::another_tenant_done();
        assert!(verdict(&intent, &facts).is_ok());
        facts.remote_peering.as_mut().expect("one").allow_virtual_network_access = false;
        let off = "the other direction, theirs-1: access to the remote network is switched off";
        assert_eq!(verdict(&intent, &facts), Err(off.to_owned()));
        facts.remote_peering = None;
        assert!(verdict(&intent, &facts).is_ok());
    }

    fn peering(facts: &mut ObservedState) -> &mut PeeringBody {
        &mut facts.vnet.as_mut().expect("the sample has one").peerings[0]
    }

    #[test]
    fn both_directions_are_shown() {
        let (intent, facts) = samples::kong_done();
        let views = views(&intent, &facts);
        assert_eq!(views.len(), 2);
        assert_eq!(views[0].id, intent.vnet.peering("kong-1").expect("a name").to_string());
        assert_eq!(views[1].address_space, "10.20.0.0/16");
    }
}
