//! Peering: the vendor's application creates both directions; ours is to wait, to recognise it, and when the vendor
//! fails, to say what is missing.

use async_trait::async_trait;

use super::facts::VendorPeering;
use super::run::Awaited;
use super::vendor_request::{refresh, request, request_kind};
use super::{Facts, Run, Step, Stop, step};
use crate::azure::Peering as AzurePeering;
use crate::domain::{PeeringState, harmless};
use crate::errors::{Kind, Problem};
use crate::plan::{Decision, Hold, Intent, StepEvent, StepId};
use crate::vendors::{Phase, VendorRequest};

const STEP: StepId = StepId::Peering;
/// How often a vendor that failed although nothing is missing is asked again: its own view of a role that was just
/// assigned may lag, but not for ever.
const MOST_RENEWALS: u32 = 5;

pub struct Peering;

#[async_trait]
impl Step for Peering {
    fn title(&self) -> &'static str {
        "Peering"
    }

    async fn observe(&self, run: &Run) -> Result<(), Stop> {
        let (vnet, subscriptions) = tokio::join!(read_vnet(run), run.subscriptions());
        vnet?;
        let subscriptions = subscriptions.map_err(|error| Stop::api("reading the subscriptions", &error))?;
        run.learn(|facts| facts.own_subscriptions = subscriptions.iter().map(|own| own.id).collect());
        Ok(())
    }

    fn decide(&self, intent: &Intent, facts: &Facts) -> Decision {
        let vendor = &intent.vendor.short_name;
        match facts.vendor_peering(intent) {
            VendorPeering::One(peering) if peering.state == PeeringState::Connected => {
                Decision::InPlace(format!("{} is Connected", peering.id.name))
            }
            VendorPeering::One(peering) => Decision::Await {
                what: format!("{} is {}: {vendor} completes it", peering.id.name, peering.state),
                usually: intent.vendor.usual_wait.clone(),
            },
            VendorPeering::None | VendorPeering::Many(_) => Decision::Await {
                what: format!("{vendor} creates both directions"),
                usually: intent.vendor.usual_wait.clone(),
            },
        }
    }

    async fn act(&self, run: &Run, _decision: &Decision) -> Result<(), Stop> {
        let mut renewals = 0;
        loop {
            let failed = match self.wait(run).await? {
                Seen::Connected => return Ok(()),
                Seen::Failed(request) => request,
            };
            diagnose(run, &failed).await?;
            renewals += 1;
            let Some(connector) = run.connector.as_ref().filter(|_| renewals <= MOST_RENEWALS) else {
                return Err(vendor_failed(run, &failed).into());
            };
            // Nothing is missing, so the vendor looked before the role had arrived everywhere.
            request(run, connector.as_ref()).await?;
        }
    }
}

enum Seen {
    Connected,
    Failed(Box<VendorRequest>),
}

impl Peering {
    async fn wait(&self, run: &Run) -> Result<Seen, Stop> {
        let intent = &run.intent;
        let what = format!("{} creates both directions", intent.vendor.short_name);
        let awaited = Awaited {
            what: &what,
            usually: Some(&intent.vendor.usual_wait),
            someone_else: true,
            hold: Hold {
                who: intent.vendor.short_name.clone(),
                why: format!(
                    "{} has not connected the networks yet; that usually takes {}.",
                    intent.vendor.short_name, intent.vendor.usual_wait
                ),
                packet: vec!["Run the same command again later; it goes on from here.".to_owned()],
            },
        };
        run.until(STEP, &awaited, async || look(run).await).await
    }
}

/// One look at both sides; what is seen goes into the facts.
async fn look(run: &Run) -> Result<Option<Seen>, Stop> {
    let known = run.facts().request;
    let (vnet, request) = tokio::join!(read_vnet(run), refresh(run));
    vnet?;
    let facts = run.facts();
    match facts.vendor_peering(&run.intent) {
        VendorPeering::One(peering) if peering.state == PeeringState::Connected => return Ok(Some(Seen::Connected)),
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
        Phase::Failed => Ok(Some(Seen::Failed(Box::new(request)))),
        Phase::UserAction => {
            let state = harmless(&request.state);
            run.tell(
                STEP,
                StepEvent::Doing(format!("{} says {state}", run.intent.vendor.name)),
            );
            Ok(None)
        }
        Phase::Leaving | Phase::Gone => Err(deleted_meanwhile(run, &request).into()),
        Phase::Ready | Phase::Pending => Ok(None),
    }
}

fn deleted_meanwhile(run: &Run, request: &VendorRequest) -> Problem {
    let (kind, vendor) = (request_kind(&run.intent), &run.intent.vendor.name);
    Problem::new(
        Kind::Vendor,
        format!("The {kind} was deleted while setup waited for it."),
        format!("Somebody deleted \"{}\" in {vendor}.", harmless(&request.name)),
    )
    .remedy("Run the same command again to request it anew.")
}

/// Reads the virtual network and its peerings; notes them in the facts.
pub async fn read_vnet(run: &Run) -> Result<(), Stop> {
    let id = &run.intent.vnet;
    let vnet = run.azure.vnet(id).await;
    let vnet = vnet.map_err(|error| Stop::api(&format!("reading the virtual network {}", id.name), &error))?;
    let Some(vnet) = vnet else {
        let what = format!(
            "There is no virtual network {} in resource group {}.",
            id.name, id.resource_group
        );
        let why = format!(
            "Azure finds none in subscription {}, or this sign-in cannot see it.",
            id.subscription
        );
        let remedy = format!("az network vnet list --subscription {} --output table", id.subscription);
        return Err(Problem::new(Kind::NotFound, what, why).remedy(remedy).into());
    };
    run.learn(|facts| facts.vnet = Some(vnet));
    Ok(())
}

/// Whether one of the earlier steps is not in place (any more): then that is why the vendor failed.
async fn diagnose(run: &Run, failed: &VendorRequest) -> Result<(), Stop> {
    let earlier = [StepId::Consent, StepId::RoleDefinition, StepId::RoleAssignment];
    let reads = earlier.map(|id| step(id).observe(run));
    futures::future::join_all(reads)
        .await
        .into_iter()
        .collect::<Result<Vec<()>, Stop>>()?;
    let facts = run.facts();
    let missing: Vec<String> = earlier
        .into_iter()
        .filter(|id| !matches!(step(*id).decide(&run.intent, &facts), Decision::InPlace(_)))
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

fn vendor_failed(run: &Run, failed: &VendorRequest) -> Problem {
    let intent = &run.intent;
    let (vendor, state) = (&intent.vendor.name, harmless(&failed.state));
    let what = format!(
        "{vendor} could not create the peering: {} \"{}\" is {state}.",
        request_kind(intent),
        harmless(&failed.name)
    );
    let why = failed.reason.as_deref().map_or_else(
        || format!("{vendor} gives no reason."),
        |reason| format!("{vendor} says: {}", harmless(reason)),
    );
    Problem::new(Kind::Vendor, what, why)
        .remedy("Mend what the vendor names, then run the same command again: it is requested anew.")
        .remedy(format!(
            "Or ask {}'s support, with the name and this reason.",
            intent.vendor.short_name
        ))
}

fn disconnected(run: &Run, peering: &AzurePeering) -> Problem {
    let id = &peering.id;
    let what = format!("The peering {} is Disconnected.", id.name);
    let why = format!(
        "{}'s direction was deleted; Azure needs ours deleted too before both can be made anew.",
        run.intent.vendor.short_name
    );
    let delete = format!(
        "az network vnet peering delete --subscription {} --resource-group {} --vnet-name {} --name {}",
        id.vnet.subscription, id.vnet.resource_group, id.vnet.name, id.name
    );
    Problem::new(Kind::Conflict, what, why)
        .remedy(delete)
        .remedy("then run the same command again.")
}

pub fn ambiguous(run: &Run, names: &[String]) -> Problem {
    let what = format!(
        "{} peerings of {} could be {}'s.",
        names.len(),
        run.intent.vnet.name,
        run.intent.vendor.short_name
    );
    Problem::new(Kind::Usage, what, "Without the vendor's API they cannot be told apart.").remedy(format!(
        "Name it: --peering-name NAME, with one of {}",
        names.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::facts::samples;

    #[test]
    fn decisions() {
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
            assert_eq!(Peering.decide(&intent, &facts).verb(), expected, "{state}");
        }
        let none = Facts { vnet: None, ..facts };
        assert_eq!(Peering.decide(&intent, &none).verb(), "wait");
    }
}
