//! Our direction, written by us: by the own application, or by the operator where it may sign in to both tenants; with
//! the other tenant's token beside ours. With another tenant of one's own, the other direction too.

use super::facts::VendorPeering;
use super::own_app;
use super::peering::{deleted_meanwhile, mend, not_connected_yet, vendor_failed};
use super::run::{Awaited, is_one_of};
use super::vendor_request::{handed_over, refresh};
use super::vnet::{ambiguous, disconnected, read_vnet};
use super::{Facts, Run, Stop};
use crate::azure::{ApiError, Azure, Identity, NewPeering, Peering};
use crate::domain::{PeeringId, PeeringState, VnetId, harmless};
use crate::errors::{Kind, Problem, known};
use crate::plan::{Action, Change, Decision, Hold, Intent, Remote, StepEvent, StepId};
use crate::render::az;
use crate::vendors::{CreatedBy, Phase};

const STEP: StepId = StepId::Peering;
/// What Entra answers as long as a tenant does not know an application.
const UNKNOWN_THERE: [&str; 2] = ["AADSTS7000229", "AADSTS700016"];
/// The same, and what it answers while a credential of minutes ago arrives everywhere.
const JUST_MADE: [&str; 4] = ["AADSTS7000229", "AADSTS700016", "AADSTS7000215", "AADSTS7000222"];
/// What Azure answers while a role of minutes ago arrives everywhere: ours on our network, the vendor's on its own.
const OUR_ROLE: [&str; 1] = ["AuthorizationFailed"];
const THEIR_ROLE: [&str; 1] = ["LinkedAuthorizationFailed"];

/// Reads the other direction, where the inputs say where it is and this operator may.
pub async fn observe(run: &Run) {
    let Some(remote) = theirs_is_ours_to_write(&run.intent) else {
        return;
    };
    let azure = run
        .azure
        .acting_as(run.azure.identity().in_tenant(remote.tenant), Vec::new());
    let subscription = remote.vnet.subscription;
    let (tenant, vnet) = tokio::join!(run.azure.tenant_of(subscription), azure.vnet(&remote.vnet));
    run.learn(|facts| facts.remote_tenants.extend(tenant.map(|tenant| (subscription, tenant))));
    // Whoever may not read there cannot write there either; that is said when it is tried.
    let Ok(Some(vnet)) = vnet else { return };
    let mut theirs = vnet.peerings.iter();
    let theirs = theirs.find(|peering| peering.remote_vnet.as_ref() == Some(&run.intent.vnet));
    run.learn(|facts| {
        facts.remote_peering = theirs.cloned();
        facts.remote_vnet = Some(vnet.clone());
    });
}

fn theirs_is_ours_to_write(intent: &Intent) -> Option<Remote> {
    (intent.vendor.peering.created_by == CreatedBy::Customer)
        .then(|| intent.remote())
        .flatten()
}

/// What is to be done about our direction (and theirs, where it is ours to write).
pub fn decide(intent: &Intent, facts: &Facts) -> Decision {
    let vendor = &intent.vendor.short_name;
    let ours = facts.our_peering_name(intent);
    match facts.vendor_peering(intent) {
        VendorPeering::One(peering) => match &peering.state {
            PeeringState::Connected if peering.allow_virtual_network_access => {
                Decision::InPlace(format!("{} is Connected", peering.id.name))
            }
            PeeringState::Connected => Decision::Change {
                what: format!("peering {}, which lets no traffic through", peering.id.name),
                differences: vec!["+ allowVirtualNetworkAccess".to_owned()],
            },
            PeeringState::Disconnected => Decision::Change {
                what: format!("peering {} is deleted and created again", peering.id.name),
                differences: vec![format!("it is Disconnected: {vendor}'s direction was deleted")],
            },
            state if theirs_is_ours_to_write(intent).is_some() && facts.remote_peering.is_none() => {
                Decision::Create(format!("the other direction ({} is {state})", peering.id.name))
            }
            state => Decision::Await {
                what: format!("{} is {state}: {vendor} completes it", peering.id.name),
                usually: intent.vendor.usual_wait.clone(),
            },
        },
        VendorPeering::None | VendorPeering::Many(_) => match facts.remote(intent) {
            Some(remote) => Decision::Create(format!(
                "peering {ours} with {} in tenant {}",
                remote.vnet.name, remote.tenant
            )),
            None => Decision::Create(format!("peering {ours}, once {vendor} has said with which network")),
        },
    }
}

/// Writes what is missing and waits until both directions are Connected.
///
/// # Errors
/// What Azure or the vendor refuses; held where the other side has to act.
pub async fn act(run: &Run) -> Result<(), Stop> {
    let remote = wait_for_remote(run).await?;
    let facts = run.facts();
    match facts.vendor_peering(&run.intent) {
        VendorPeering::Many(names) => return Err(ambiguous(run, &names).into()),
        VendorPeering::One(peering) if good(peering) => {}
        VendorPeering::One(peering) => {
            if peering.state == PeeringState::Disconnected {
                delete(run, &peering.id).await?;
            }
            write_ours(run, &peering.id.clone(), &remote).await?;
        }
        VendorPeering::None => {
            let id = run
                .intent
                .vnet
                .peering(&facts.our_peering_name(&run.intent))
                .map_err(|error| Problem::new(Kind::Usage, "The peering cannot have that name.", error.to_string()))?;
            write_ours(run, &id, &remote).await?;
        }
    }
    if theirs_is_ours_to_write(&run.intent).is_some() {
        write_theirs(run, &remote).await?;
    }
    wait_until_connected(run).await
}

fn good(peering: &Peering) -> bool {
    peering.state != PeeringState::Disconnected && peering.allow_virtual_network_access
}

/// Waits until it is known with which network, and until the vendor says that it is our turn.
async fn wait_for_remote(run: &Run) -> Result<Remote, Stop> {
    if run.connector.is_none() {
        return run
            .facts()
            .remote(&run.intent)
            .ok_or_else(|| Stop::waiting(not_connected_yet(&run.intent)));
    }
    let what = format!("until {} is ready for our direction", run.intent.vendor.short_name);
    let awaited = Awaited {
        what: &what,
        usually: Some(&run.intent.vendor.usual_wait),
        someone_else: true,
        hold: not_connected_yet(&run.intent),
    };
    let mut renewals = 0;
    loop {
        let turn = run.until(STEP, &awaited, async || our_turn(run).await).await?;
        match turn {
            Turn::Ours(remote) => return Ok(remote),
            Turn::Failed(failed) => mend(run, &failed, &mut renewals).await?,
        }
    }
}

enum Turn {
    Ours(Remote),
    Failed(Box<crate::vendors::VendorRequest>),
}

async fn our_turn(run: &Run) -> Result<Option<Turn>, Stop> {
    let known = run.facts().request;
    let Some(request) = refresh(run).await? else {
        return known.map_or(Ok(None), |known| Err(deleted_meanwhile(run, &known).into()));
    };
    match request.phase {
        Phase::UserAction | Phase::Ready => Ok(run.facts().remote(&run.intent).map(Turn::Ours)),
        Phase::Failed => Ok(Some(Turn::Failed(Box::new(request)))),
        Phase::Leaving | Phase::Gone => Err(deleted_meanwhile(run, &request).into()),
        Phase::Pending => {
            let state = harmless(&request.state);
            run.tell(
                STEP,
                StepEvent::Doing(format!("{} says {state}", run.intent.vendor.name)),
            );
            Ok(None)
        }
    }
}

/// A client that may write our direction: tokens of both tenants for one identity.
async fn writer(run: &Run, remote: &Remote) -> Result<Azure, Stop> {
    let identity = match &run.intent.own_app {
        Some(_) => own_app::identity(run).await?,
        None => run.azure.identity().clone(),
    };
    let other = identity.in_tenant(remote.tenant);
    Ok(run.azure.acting_as(identity, vec![other]))
}

/// Waits until the application can sign in to both tenants: to ours with a credential of this minute, to the vendor's
/// once the vendor has let it in.
async fn sign_in(run: &Run, identity: &Identity, remote: &Remote) -> Result<(), Stop> {
    let enter = async |identity: Identity| {
        let who = run.azure.acting_as(identity.clone(), Vec::new()).who_am_i().await;
        if who.is_err() {
            identity.forget();
        }
        who
    };
    let doing = "signing in as the own application";
    run.patiently(STEP, doing, &JUST_MADE, || enter(identity.clone()))
        .await?;
    let attempt = || enter(identity.in_tenant(remote.tenant));
    let doing = format!("signing in to tenant {}", remote.tenant);
    let by_hand = run.connector.is_none() && run.intent.vendor.peering.created_by == CreatedBy::EachSide;
    if !by_hand {
        let lets_in = run.intent.vendor.peering.created_by == CreatedBy::EachSide;
        let passes = |error: &ApiError| {
            let unknown = is_one_of(error, &UNKNOWN_THERE);
            (lets_in && unknown) || (!unknown && is_one_of(error, &JUST_MADE))
        };
        let signed_in = run.while_it_passes(STEP, &doing, passes, attempt).await;
        return signed_in.map(drop).map_err(|stop| explain(run, stop, remote));
    }
    let vendor = &run.intent.vendor.short_name;
    let what = format!("until the values are entered and {vendor} has let our application in");
    let awaited = Awaited {
        what: &what,
        usually: Some(&run.intent.vendor.usual_wait),
        someone_else: true,
        hold: handed_over(&run.intent, &run.facts()),
    };
    let look = async || match attempt().await {
        Ok(_) => Ok(Some(())),
        Err(error) if is_one_of(&error, &JUST_MADE) => Ok(None),
        Err(error) => Err(explain(run, Stop::api(&doing, &error), remote)),
    };
    run.until(STEP, &awaited, look).await
}

async fn write_ours(run: &Run, id: &PeeringId, remote: &Remote) -> Result<(), Stop> {
    let writer = writer(run, remote).await?;
    if run.intent.own_app.is_some() {
        sign_in(run, writer.identity(), remote).await?;
    }
    let wanted = wanted(&remote.vnet);
    run.tell(
        STEP,
        StepEvent::Doing(format!("writing peering {} with tokens of both tenants", id.name)),
    );
    let doing = format!("writing the peering {}", id.name);
    let attempt = || async {
        let put = writer.put_peering(id, &wanted).await;
        if put.is_err() {
            writer.identity().forget();
        }
        put
    };
    let existed = run
        .facts()
        .vnet
        .is_some_and(|vnet| vnet.peerings.iter().any(|peering| peering.id == *id));
    let passes = |error: &ApiError| passes(&run.intent, error);
    let put = run
        .while_it_passes(STEP, &doing, passes, attempt)
        .await
        .map_err(|stop| explain(run, stop, remote))?;
    let action = if existed { Action::Updated } else { Action::Created };
    run.changed(
        STEP,
        Change {
            action,
            kind: "virtualNetworkPeering".into(),
            id: put.id.to_string(),
        },
    );
    Ok(())
}

/// Whether a refusal of a peering passes. Missing rights pass only where this run, or the vendor, gave them minutes ago:
/// an operator's own sign-in is not minutes old, and nobody on another company's side waits for us.
fn passes(intent: &Intent, error: &ApiError) -> bool {
    let ours = intent.own_app.is_some();
    let theirs = intent.vendor.peering.created_by == CreatedBy::EachSide;
    if is_one_of(error, &THEIR_ROLE) {
        return ours && theirs;
    }
    (ours && (is_one_of(error, &OUR_ROLE) || is_one_of(error, &JUST_MADE))) || known::passes(error).is_some()
}

fn wanted(remote: &VnetId) -> NewPeering {
    NewPeering {
        remote_vnet: remote.clone(),
        // Azure's default, but az's is the opposite: said, not left to either.
        allow_virtual_network_access: true,
        allow_forwarded_traffic: false,
        allow_gateway_transit: false,
        use_remote_gateways: false,
    }
}

/// What a refusal means depends on who was to write: an application of ours that the vendor has not let in, or an
/// operator without a foot in the other tenant.
fn explain(run: &Run, stop: Stop, remote: &Remote) -> Stop {
    let Stop::Failed(mut problem) = stop else { return stop };
    let vendor = &run.intent.vendor.short_name;
    let each_side = run.intent.vendor.peering.created_by == CreatedBy::EachSide;
    let (tenant, app) = (remote.tenant, run.facts().own_app.map(|app| app.app_id));
    match (problem.code.as_deref(), app) {
        (Some("AADSTS7000229" | "AADSTS700016"), _) if each_side => {
            problem.why = format!(
                "{vendor}'s tenant {tenant} does not know our application: {vendor} has not let it in. {}",
                problem.why
            );
            problem.remedies = vec![
                format!("Check that {vendor} has the application's client id, and that its side is ready."),
                "Then run the same command again.".to_owned(),
            ];
        }
        (Some("AADSTS7000229" | "AADSTS700016"), Some(app)) => {
            problem.why = format!("Tenant {tenant} does not know the application {app}. {}", problem.why);
            problem.remedies = vec![
                format!("Somebody who may do so in tenant {tenant}: az ad sp create --id {app}"),
                "Then run the same command again.".to_owned(),
            ];
        }
        (Some("LinkedAuthorizationFailed"), _) if problem.why.contains("peer/action") => {
            problem.remedies = vec![
                format!(
                    "{vendor} has to give our identity Microsoft.Network/virtualNetworks/peer/action on {}.",
                    remote.vnet
                ),
                "Then run the same command again; what was given minutes ago takes a while to arrive.".to_owned(),
            ];
        }
        (Some("AADSTS90002"), _) => {
            problem.remedies = vec![format!(
                "Check the tenant's id; that of subscription {} is meant.",
                remote.vnet.subscription
            )];
        }
        (_, None) if problem.kind == Kind::SignIn => {
            problem.remedies = vec![
                format!("az login --tenant {tenant}"),
                "or use an application that is known in both tenants: --own-app APP-ID".to_owned(),
            ];
        }
        _ => {}
    }
    Stop::Failed(problem)
}

/// Deletes what is left of our direction once the vendor's was deleted: as long as it is there, Azure refuses the
/// vendor's new one.
///
/// # Errors
/// What Azure answered.
pub async fn remove_leftover(run: &Run) -> Result<(), Stop> {
    let facts = run.facts();
    let VendorPeering::One(peering) = facts.vendor_peering(&run.intent) else {
        return Ok(());
    };
    if run.intent.vendor.peering.created_by != CreatedBy::EachSide || peering.state != PeeringState::Disconnected {
        return Ok(());
    }
    delete(run, &peering.id).await?;
    read_vnet(run).await
}

async fn delete(run: &Run, id: &PeeringId) -> Result<(), Stop> {
    run.tell(
        STEP,
        StepEvent::Doing(format!("deleting the Disconnected peering {}", id.name)),
    );
    let doing = format!("deleting the peering {}", id.name);
    run.patiently(STEP, &doing, &[], || run.azure.delete_peering(id))
        .await?;
    run.changed(
        STEP,
        Change {
            action: Action::Deleted,
            kind: "virtualNetworkPeering".into(),
            id: id.to_string(),
        },
    );
    Ok(())
}

/// The other side's direction, where this identity may write it; else the packet for who may.
async fn write_theirs(run: &Run, remote: &Remote) -> Result<(), Stop> {
    if run.facts().remote_peering.as_ref().is_some_and(good) {
        return Ok(());
    }
    let mine = match &run.intent.own_app {
        Some(_) => own_app::identity(run).await?,
        None => run.azure.identity().clone(),
    };
    let writer = run.azure.acting_as(mine.in_tenant(remote.tenant), vec![mine]);
    let name = run
        .facts()
        .remote_peering
        .map_or_else(|| their_name(&run.intent, remote), |theirs| theirs.id.name);
    let id = remote.vnet.peering(&name).map_err(|error| {
        Problem::new(
            Kind::Usage,
            "The other direction cannot have that name.",
            error.to_string(),
        )
    })?;
    run.tell(STEP, StepEvent::Doing(format!("writing the other direction, {name}")));
    let back = wanted(&run.intent.vnet);
    let passes = |error: &ApiError| passes(&run.intent, error) && !is_one_of(error, &OUR_ROLE);
    let put = run.while_it_passes(STEP, "writing the other direction", passes, || {
        writer.put_peering(&id, &back)
    });
    match put.await {
        Ok(put) => {
            let change = Change {
                action: Action::Created,
                kind: "virtualNetworkPeering".into(),
                id: put.id.to_string(),
            };
            run.changed(STEP, change);
            run.learn(|facts| facts.remote_peering = Some(put));
            Ok(())
        }
        Err(Stop::Failed(problem)) if matches!(problem.kind, Kind::Permission | Kind::SignIn | Kind::NotFound) => {
            Err(Stop::blocked(for_the_other_side(&run.intent, remote), &problem))
        }
        Err(stop) => Err(stop),
    }
}

fn their_name(intent: &Intent, remote: &Remote) -> String {
    let name = format!("{}-to-{}", remote.vnet.name, intent.vnet.name);
    name.chars().take(80).collect()
}

fn for_the_other_side(intent: &Intent, remote: &Remote) -> Hold {
    Hold {
        who: format!("the operator of {} in tenant {}", remote.vnet.name, remote.tenant),
        why: "Our direction is there; the other one is written by somebody who may write there and is known here too."
            .to_owned(),
        packet: az::other_direction(intent, remote, &their_name(intent, remote)),
        answer: None,
    }
}

async fn wait_until_connected(run: &Run) -> Result<(), Stop> {
    let what = format!("{} completes the other direction", run.intent.vendor.short_name);
    let awaited = Awaited {
        what: &what,
        usually: Some(&run.intent.vendor.usual_wait),
        someone_else: true,
        hold: not_connected_yet(&run.intent),
    };
    run.until(STEP, &awaited, async || look(run).await).await
}

async fn look(run: &Run) -> Result<Option<()>, Stop> {
    let (vnet, request) = tokio::join!(read_vnet(run), refresh(run));
    vnet?;
    let facts = run.facts();
    match facts.vendor_peering(&run.intent) {
        VendorPeering::One(peering) if peering.state == PeeringState::Connected => return Ok(Some(())),
        VendorPeering::One(peering) if peering.state == PeeringState::Disconnected => {
            return Err(disconnected(run, peering).into());
        }
        VendorPeering::Many(names) => return Err(ambiguous(run, &names).into()),
        VendorPeering::One(_) | VendorPeering::None => {}
    }
    match request? {
        Some(request) if request.phase == Phase::Failed => Err(vendor_failed(run, &request).into()),
        Some(request) if matches!(request.phase, Phase::Leaving | Phase::Gone) => {
            Err(deleted_meanwhile(run, &request).into())
        }
        _ => Ok(None),
    }
}
