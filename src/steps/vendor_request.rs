//! Vendor request: the vendor learns which network to peer with, through its API or from a person.

mod manual_entry;
mod undo;

use async_trait::async_trait;

pub use manual_entry::{handed_over, request_reentry};

use super::link_defects::half_is_gone;
use super::run::WaitDescription;
use super::two_tenants::remove_leftover;
use super::vendor_peering::VendorPeering;
use super::{ObservedState, Step, StepError, StepRun};
use crate::azure::ApiError;
use crate::domain::{AddressSpace, did_you_mean, sanitize_for_terminal};
use crate::errors::{RunError, RunErrorKind};
use crate::limits;
use crate::plan::{
    ActionRequired, ChangeAction, PeeringIntent, RunGoal, StepDecision, StepEvent, StepId, VendorAccess,
};
use crate::vendors::{
    InputSuggestion, NewRequest, RequestPhase, VendorConnector, VendorInput, VendorNetwork, VendorRequest as Request,
};

const STEP: StepId = StepId::VendorRequest;

pub struct VendorRequestStep;

#[async_trait]
impl Step for VendorRequestStep {
    fn title(&self) -> &'static str {
        "Vendor request"
    }

    async fn observe(&self, run: &StepRun) -> Result<(), StepError> {
        let Some(connector) = &run.connector else { return Ok(()) };
        let Some(network) = find_network(run, connector.as_ref()).await? else {
            return Ok(());
        };
        let request = find_request(run, connector.as_ref(), &network.id).await?;
        run.update_state(|facts| {
            facts.network = Some(network);
            facts.request = request;
        });
        Ok(())
    }

    fn decide(&self, intent: &PeeringIntent, facts: &ObservedState) -> StepDecision {
        let vendor = &intent.vendor.short_name;
        if intent.access == VendorAccess::Manual {
            return match facts.likely_peering(intent) {
                VendorPeering::One(peering) => {
                    let caveat = facts.caveat(intent, peering);
                    StepDecision::InPlace(format!(
                        "{vendor} knows the network: {} is there{caveat}",
                        peering.id.name
                    ))
                }
                _ if intent.vendor_input("to-network-id").is_some() => {
                    StepDecision::InPlace(format!("{vendor} knows the network: it has named its own"))
                }
                _ if facts.handed_over && intent.configured_remote().is_some() => {
                    StepDecision::InPlace(format!("the values for {} are handed over", intent.vendor.name))
                }
                VendorPeering::None | VendorPeering::Many(_) => StepDecision::Await {
                    what: format!(
                        "you paste {} values into {}",
                        intent.vendor.hand_off.values.len(),
                        intent.vendor.name
                    ),
                    usually: "a minute".to_owned(),
                },
            };
        }
        let kind = request_kind(intent);
        let create = |name: &str| {
            let given = || intent.vendor_network().unwrap_or_default();
            let network = facts
                .network
                .as_ref()
                .map_or_else(given, |network| network.name.as_str());
            format!("{kind} \"{name}\" on {} network {network}", intent.vendor.name)
        };
        match &facts.request {
            None => StepDecision::Create(create(intent.request_name())),
            Some(_) if facts.request_is_gone => StepDecision::Create(create(intent.request_name())),
            Some(request) if matches!(request.phase, RequestPhase::Leaving | RequestPhase::Gone) => {
                StepDecision::Create(create(intent.request_name()))
            }
            Some(request) if request.phase == RequestPhase::Failed => StepDecision::Change {
                what: format!(
                    "{kind} \"{}\", which failed: it is deleted and requested again",
                    request.name
                ),
                differences: request.reason.clone().into_iter().collect(),
            },
            Some(request) if is_renewed(intent, facts) => StepDecision::Change {
                what: format!("{} is deleted and requested again", called(intent, request)),
                differences: vec![format!(
                    "{vendor} says {}, but its direction is not there",
                    request.state
                )],
            },
            Some(request) if facts.request_is_anothers(intent) => StepDecision::Change {
                what: format!(
                    "{kind} \"{}\", made for another application: it is deleted and requested again",
                    request.name
                ),
                differences: request
                    .own_app
                    .iter()
                    .map(|app| format!("- application {app}"))
                    .collect(),
            },
            Some(request) => StepDecision::InPlace(in_place(intent, request)),
        }
    }

    async fn act(&self, run: &StepRun, _decision: &StepDecision) -> Result<(), StepError> {
        match &run.connector {
            Some(connector) => request(run, connector.as_ref()).await,
            None => manual_entry::request_manual_entry(run).await,
        }
    }

    fn plan_removal(&self, intent: &PeeringIntent, facts: &ObservedState) -> StepDecision {
        undo::plan_removal(intent, facts)
    }

    async fn remove(&self, run: &StepRun) -> Result<(), StepError> {
        undo::remove(run).await
    }
}

/// A repair asks anew for a link whose other half was deleted; setup leaves what the vendor holds for done alone.
fn is_renewed(intent: &PeeringIntent, facts: &ObservedState) -> bool {
    intent.goal == RunGoal::Repair && half_is_gone(intent, facts)
}

/// Returns whether the existing request is deleted before a new one is created.
pub fn is_made_anew(intent: &PeeringIntent, facts: &ObservedState) -> bool {
    let failed = |phase: RequestPhase| phase == RequestPhase::Failed;
    let unfit = |phase: RequestPhase| failed(phase) || facts.request_is_anothers(intent) || is_renewed(intent, facts);
    facts.request.as_ref().is_some_and(|request| unfit(request.phase))
}

/// "transit gateway", or whatever the vendor calls it.
pub fn request_kind(intent: &PeeringIntent) -> &str {
    intent
        .vendor
        .access
        .as_ref()
        .map_or("request", |access| &access.request)
}

/// The request by its kind, name and place: its name alone is often the virtual network's.
pub fn called(intent: &PeeringIntent, request: &Request) -> String {
    format!(
        "{} \"{}\" at {}",
        request_kind(intent),
        request.name,
        intent.vendor.name
    )
}

/// The vendor's request as it is now; notes it in the facts.
pub async fn refresh(run: &StepRun) -> Result<Option<Request>, StepError> {
    let (Some(connector), facts) = (&run.connector, run.facts()) else {
        return Ok(None);
    };
    let (Some(network), Some(known)) = (facts.network, facts.request) else {
        return Ok(None);
    };
    let read = connector.request(&network.id, &known.id).await;
    let request = read.map_err(|error| StepError::api("asking the vendor for the request's state", &error))?;
    run.update_state(|facts| match &request {
        Some(request) => facts.request = Some(request.clone()),
        None => facts.request_is_gone = true,
    });
    Ok(request)
}

/// Makes the request, in place of one that failed; notes it in the facts.
pub async fn request(run: &StepRun, connector: &dyn VendorConnector) -> Result<(), StepError> {
    let facts = run.facts();
    let anew = is_made_anew(&run.intent, &facts);
    let Some(network) = facts.network else {
        return Err(RunError::new(RunErrorKind::Vendor, "The vendor's network is not known.", "").into());
    };
    match facts.request {
        Some(failed) if anew => {
            delete(run, connector, &network, &failed).await?;
            wait_until_gone(run, connector, &network, &failed).await?;
        }
        Some(leaving) if leaving.phase == RequestPhase::Leaving => {
            wait_until_gone(run, connector, &network, &leaving).await?;
        }
        _ => {}
    }
    remove_leftover(run).await?;
    create(run, connector, &network).await
}

async fn delete(
    run: &StepRun,
    connector: &dyn VendorConnector,
    network: &VendorNetwork,
    failed: &Request,
) -> Result<(), StepError> {
    run.tell(
        STEP,
        StepEvent::Doing(format!("deleting {}", called(&run.intent, failed))),
    );
    let doing = match run.intent.tears_down() {
        true => "deleting the request",
        false => "deleting the old request",
    };
    let what = format!(
        "until {} takes the deletion of \"{}\"",
        run.intent.vendor.name, failed.name
    );
    let awaited = WaitDescription {
        what: &what,
        usually: None,
        someone_else: true,
        hold: not_deleted_yet(run, failed),
    };
    let look = async || {
        let Err(error) = connector.delete(&network.id, &failed.id).await else {
            return Ok(Some(true));
        };
        // Vendors refuse to delete what is in transition, each with a code of its own: the state tells.
        match phase_now(connector, network, failed, &error).await? {
            Some(RequestPhase::Leaving | RequestPhase::Gone) | None => Ok(Some(false)),
            Some(RequestPhase::Pending) => Ok(None),
            // It may have settled between the two answers.
            Some(RequestPhase::UserAction | RequestPhase::Ready | RequestPhase::Failed) => {
                let deleted = connector.delete(&network.id, &failed.id).await;
                deleted
                    .map(|()| Some(true))
                    .map_err(|error| StepError::api(doing, &error))
            }
        }
    };
    if !run.poll_until(STEP, &awaited, look).await? {
        return Ok(());
    }
    run.changed(
        STEP,
        ChangeAction::Deleted,
        request_kind(&run.intent),
        failed.id.clone(),
    );
    Ok(())
}

/// Returns the phase of the request whose deletion was refused; `None` if it no longer exists. Errors that do not
/// concern its state (the token, the network) are returned unchanged.
async fn phase_now(
    connector: &dyn VendorConnector,
    network: &VendorNetwork,
    old: &Request,
    refused: &ApiError,
) -> Result<Option<RequestPhase>, StepError> {
    let of_state = refused
        .status()
        .is_some_and(|status| (400..500).contains(&status) && ![401, 403, 429].contains(&status));
    if !of_state {
        return Err(StepError::api("deleting the request", refused));
    }
    let read = connector.request(&network.id, &old.id).await;
    let read = read.map_err(|error| StepError::api("asking the vendor for the request's state", &error))?;
    Ok(read.map(|request| request.phase))
}

fn not_deleted_yet(run: &StepRun, old: &Request) -> ActionRequired {
    ActionRequired {
        who: run.intent.vendor.short_name.clone(),
        why: format!("{} has not deleted \"{}\" yet.", run.intent.vendor.name, old.name),
        packet: vec!["Run the same command again in a few minutes.".to_owned()],
        answer: None,
    }
}

/// A vendor takes no second request for a network while the first one still exists.
async fn wait_until_gone(
    run: &StepRun,
    connector: &dyn VendorConnector,
    network: &VendorNetwork,
    old: &Request,
) -> Result<(), StepError> {
    let what = format!("until {} is deleted", called(&run.intent, old));
    let awaited = WaitDescription {
        what: &what,
        usually: None,
        someone_else: true,
        hold: not_deleted_yet(run, old),
    };
    let look = async || {
        let read = connector.request(&network.id, &old.id).await;
        let read = read.map_err(|error| StepError::api("asking the vendor for the request's state", &error))?;
        Ok(read
            .is_none_or(|request| request.phase == RequestPhase::Gone)
            .then_some(()))
    };
    run.poll_until(STEP, &awaited, look).await?;
    run.update_state(|facts| facts.request = None);
    Ok(())
}

async fn create(run: &StepRun, connector: &dyn VendorConnector, network: &VendorNetwork) -> Result<(), StepError> {
    let intent = &run.intent;
    let facts = run.facts();
    let new = new_request(intent, &facts);
    run.tell(
        STEP,
        StepEvent::Doing(format!("asking {} for the peering", intent.vendor.name)),
    );
    let mut tries = 1;
    let request = loop {
        let error = match connector.create(&network.id, &new).await {
            Ok(request) => {
                created(run, &request);
                break request;
            }
            Err(error) => error,
        };
        // The answer was lost, or somebody was faster: look before asking twice.
        if error.in_doubt() || error.status() == Some(409) {
            match find_request(run, connector, &network.id).await? {
                Some(found)
                    if !matches!(
                        found.phase,
                        RequestPhase::Failed | RequestPhase::Leaving | RequestPhase::Gone
                    ) =>
                {
                    // After a lost answer it is ours; after a conflict it is whoever's was faster.
                    if error.in_doubt() || tries > 1 {
                        created(run, &found);
                    }
                    break found;
                }
                None if error.in_doubt() && tries < limits::DOUBTFUL_TRIES => {
                    tries += 1;
                    run.pause(STEP, limits::INITIAL_POLL_INTERVAL).await;
                    continue;
                }
                _ => {}
            }
        }
        return Err(StepError::api("asking the vendor for the peering", &error));
    };
    run.update_state(|facts| {
        facts.request = Some(request);
        facts.request_is_gone = false;
    });
    Ok(())
}

/// Returns the request to send to the vendor, as far as it is known.
pub fn new_request(intent: &PeeringIntent, facts: &ObservedState) -> NewRequest {
    let own_app = facts.own_app.as_ref().map(|app| app.app_id);
    match &facts.vnet {
        Some(vnet) => intent.new_request(&vnet.location, &vnet.address_space, own_app),
        None => intent.new_request("", &AddressSpace::default(), own_app),
    }
}

fn created(run: &StepRun, request: &Request) {
    let (kind, id) = (request_kind(&run.intent).to_owned(), request.id.clone());
    run.changed(STEP, ChangeAction::Created, kind, id);
}

/// The vendor's network that the inputs name; `None` where the vendor's profile has no such input.
async fn find_network(run: &StepRun, connector: &dyn VendorConnector) -> Result<Option<VendorNetwork>, StepError> {
    let suggested = run
        .intent
        .vendor
        .inputs
        .iter()
        .find(|input| input.suggest == Some(InputSuggestion::Networks));
    let Some(input) = suggested else { return Ok(None) };
    let wanted = run.intent.vendor_input(&input.key).unwrap_or_default();
    let networks = connector.networks().await;
    let networks = networks.map_err(|error| StepError::api("reading the vendor's networks", &error))?;
    // An id is exact; names need not be unique, so two of one name are not guessed between.
    let mut named: Vec<&VendorNetwork> = networks.iter().filter(|network| network.name == wanted).collect();
    // Only one on Azure can be meant.
    if named.iter().any(|network| network.other_cloud.is_none()) {
        named.retain(|network| network.other_cloud.is_none());
    }
    let by_id = networks.iter().find(|network| network.id.eq_ignore_ascii_case(wanted));
    match (by_id, named.as_slice()) {
        (None, []) => Err(no_network(run, input, wanted, &networks).into()),
        (Some(network), _) | (None, &[network]) => match &network.other_cloud {
            Some(cloud) => Err(on_another_cloud(run, input, network, cloud, &networks).into()),
            None => Ok(Some(network.clone())),
        },
        (None, many) => {
            let ids: Vec<&str> = many.iter().map(|network| network.id.as_str()).collect();
            let what = format!(
                "{} has {} networks named '{wanted}'.",
                run.intent.vendor.name,
                many.len()
            );
            let problem = RunError::new(RunErrorKind::Usage, what, "The name does not say which one is meant.");
            let remedy = format!("Name it by id: --set {}=ID, with one of {}", input.key, ids.join(", "));
            Err(problem.remedy(remedy).into())
        }
    }
}

/// The network that was named runs on another cloud: it takes no peering with a virtual network.
fn on_another_cloud(
    run: &StepRun,
    input: &VendorInput,
    network: &VendorNetwork,
    cloud: &str,
    networks: &[VendorNetwork],
) -> RunError {
    let vendor = &run.intent.vendor.name;
    let cloud = match cloud {
        "gcp" | "google" => "Google Cloud".to_owned(),
        other => sanitize_for_terminal(other).to_uppercase(),
    };
    let what = format!(
        "{vendor} network '{}' runs on {cloud}, not on Azure.",
        sanitize_for_terminal(&network.name)
    );
    let names = on_azure(networks).join(", ");
    let why = match names.as_str() {
        "" => "None of the networks that the token sees runs on Azure.".to_owned(),
        names => format!("On Azure it has: {names}."),
    };
    RunError::new(RunErrorKind::Usage, what, why).remedy(format!(
        "Name a network that runs on Azure: --set {}=NAME, or create one in {vendor}.",
        input.key
    ))
}

fn on_azure(networks: &[VendorNetwork]) -> Vec<&str> {
    let own = networks.iter().filter(|network| network.other_cloud.is_none());
    own.map(|network| network.name.as_str()).collect()
}

fn no_network(run: &StepRun, input: &VendorInput, wanted: &str, networks: &[VendorNetwork]) -> RunError {
    let names = on_azure(networks);
    let vendor = &run.intent.vendor.name;
    let mut by_hand = None;
    let mut why = if names.is_empty() {
        "The token sees no networks.".to_owned()
    } else {
        format!("It has: {}.", names.join(", "))
    };
    if run
        .intent
        .vendor
        .access
        .as_ref()
        .is_some_and(|access| access.connector == "aiven")
    {
        why +=
            " A VPC of the organization is not among a project's, and has APIs of its own, which peerctl doesn't use.";
        by_hand = Some(
            "For an organization VPC: leave this input out and use --vendor-access manual, which prints the values for the Aiven Console.",
        );
    }
    let guess = did_you_mean(wanted, names.iter().copied());
    let what = format!("{vendor} has no network '{wanted}'.{guess}");
    let mut problem = RunError::new(RunErrorKind::NotFound, what, why);
    problem = problem.remedy(format!("Name one of its networks: --set {}=…", input.key));
    by_hand.into_iter().fold(problem, RunError::remedy)
}

/// The request for this virtual network: a good one before one that failed, that before one that is going away.
async fn find_request(
    run: &StepRun,
    connector: &dyn VendorConnector,
    network: &str,
) -> Result<Option<Request>, StepError> {
    let requests = connector.requests(network).await;
    let requests = requests.map_err(|error| StepError::api("reading the vendor's requests", &error))?;
    let ours = requests
        .into_iter()
        .filter(|request| request.vnet.as_ref() == Some(&run.intent.vnet));
    Ok(ours.min_by_key(|request| match request.phase {
        RequestPhase::Ready => 0,
        RequestPhase::Pending | RequestPhase::UserAction => 1,
        RequestPhase::Failed => 2,
        RequestPhase::Leaving => 3,
        RequestPhase::Gone => 4,
    }))
}

/// Returns whether the specified DNS mappings differ from those of the request.
pub fn has_other_dns(intent: &PeeringIntent, request: &Request) -> bool {
    !intent.dns.is_empty() && intent.dns != request.dns
}

fn in_place(intent: &PeeringIntent, request: &Request) -> String {
    let kind = request_kind(intent);
    let text = format!("{kind} \"{}\" is {}", request.name, request.state);
    match has_other_dns(intent, request) {
        true => format!("{text}; its DNS mappings are not the ones given"),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::samples;

    fn decide(change: impl FnOnce(&mut PeeringIntent, &mut ObservedState)) -> StepDecision {
        let (mut intent, mut facts) = samples::kong_done();
        change(&mut intent, &mut facts);
        VendorRequestStep.decide(&intent, &facts)
    }

    #[test]
    fn decisions_with_the_api() {
        let phase = |phase: RequestPhase| {
            decide(|_, facts| facts.request.as_mut().expect("the sample has one").phase = phase).verb()
        };
        assert_eq!(decide(|_, facts| facts.request = None).verb(), "create");
        assert_eq!(phase(RequestPhase::Ready), "in place");
        assert_eq!(phase(RequestPhase::Pending), "in place");
        assert_eq!(phase(RequestPhase::UserAction), "in place");
        assert_eq!(phase(RequestPhase::Failed), "change");
        assert_eq!(phase(RequestPhase::Leaving), "create");
        assert_eq!(phase(RequestPhase::Gone), "create");
    }

    #[test]
    fn decisions_by_hand() {
        let by_hand = |intent: &mut PeeringIntent, facts: &mut ObservedState| {
            intent.access = VendorAccess::Manual;
            (facts.network, facts.request) = (None, None);
        };
        assert_eq!(decide(by_hand).verb(), "in place");
        let missing = decide(|intent, facts| {
            by_hand(intent, facts);
            facts.vnet.as_mut().expect("one").peerings.clear();
        });
        assert_eq!((missing.verb(), missing.writes()), ("wait", false));
    }

    #[test]
    fn vendor_request_reports_differing_dns_mappings() {
        let decision = decide(|intent, _| intent.dns = vec!["a.example=10.0.0.4".parse().expect("a mapping")]);
        assert!(decision.what().contains("not the ones given"), "{decision:?}");
    }

    #[test]
    fn vendor_request_card_uses_konnect_labels() {
        let (mut intent, _) = samples::kong_done();
        intent.dns = vec!["a.example,b.example=10.0.0.4".parse().expect("a mapping")];
        let card = intent.card(None);
        let labels: Vec<&str> = card.values.iter().map(|value| value.label.as_str()).collect();
        assert_eq!(
            labels,
            [
                "Tenant ID",
                "Subscription ID",
                "Resource group name",
                "VNET Name",
                "DNS mapping"
            ]
        );
        assert_eq!(card.values[3].value, "vnet-app");
        assert_eq!(card.values[4].value, "a.example, b.example → 10.0.0.4");
    }
}
