//! Our direction, written by us: by the own application, or by the operator where it may sign in to both tenants; with
//! the other tenant's token beside ours. With another tenant of one's own, the other direction too.

use super::facts::VendorPeering;
use super::own_app;
use super::peering::{deleted_meanwhile, mend, not_connected_yet};
use super::run::Awaited;
use super::vendor_request::refresh;
use super::vnet::{ambiguous, read_vnet};
use super::{Facts, Run, Stop};
use crate::azure::{Azure, NewPeering, Peering};
use crate::domain::{PeeringId, PeeringState, VnetId, harmless};
use crate::errors::{Kind, Problem};
use crate::plan::{Action, Change, Decision, Hold, Intent, Remote, StepEvent, StepId};
use crate::render::az;
use crate::vendors::{CreatedBy, Phase};

const STEP: StepId = StepId::Peering;
/// Refusals that pass while the vendor makes a service principal for our application, and while a credential, a role
/// or a service principal of minutes ago arrives everywhere.
const NOT_ARRIVED: [&str; 6] = [
    "AADSTS7000215",
    "AADSTS7000229",
    "AADSTS700016",
    "AADSTS7000222",
    "AuthorizationFailed",
    "LinkedAuthorizationFailed",
];

/// Reads the other direction, where the inputs say where it is and this operator may.
pub async fn observe(run: &Run) {
    let Some(remote) = theirs_is_ours_to_write(&run.intent) else {
        return;
    };
    let azure = run
        .azure
        .acting_as(run.azure.identity().in_tenant(remote.tenant), Vec::new());
    // Whoever may not read there cannot write there either; that is said when it is tried.
    let Ok(Some(vnet)) = azure.vnet(&remote.vnet).await else {
        return;
    };
    let theirs = vnet
        .peerings
        .into_iter()
        .find(|peering| peering.remote_vnet.as_ref() == Some(&run.intent.vnet));
    run.learn(|facts| facts.remote_peering = theirs);
}

fn theirs_is_ours_to_write(intent: &Intent) -> Option<Remote> {
    (intent.vendor.peering.created_by == CreatedBy::Customer)
        .then(|| intent.remote())
        .flatten()
}

/// What is to be done about our direction (and theirs, where it is ours to write).
pub fn decide(intent: &Intent, facts: &Facts) -> Decision {
    let vendor = &intent.vendor.short_name;
    let ours = intent.our_peering_name();
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
                .peering(&run.intent.our_peering_name())
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

async fn write_ours(run: &Run, id: &PeeringId, remote: &Remote) -> Result<(), Stop> {
    let writer = writer(run, remote).await?;
    let wanted = wanted(&remote.vnet);
    run.tell(
        STEP,
        StepEvent::Doing(format!("writing peering {} with tokens of both tenants", id.name)),
    );
    let doing = format!("writing the peering {}", id.name);
    // An operator's own sign-in is not minutes old: what it may not, waiting does not mend.
    let also: &[&str] = if run.intent.own_app.is_some() {
        &NOT_ARRIVED
    } else {
        &[]
    };
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
    let put = run
        .patiently(STEP, &doing, also, attempt)
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
    match problem.code.as_deref() {
        Some("AADSTS7000229" | "AADSTS700016") => {
            problem.why = format!(
                "{vendor}'s tenant {} does not know our application: {vendor} has not let it in. {}",
                remote.tenant, problem.why
            );
            problem.remedies = vec![
                format!("Check that {vendor} has the application's client id, and that its side is ready."),
                "Then run the same command again.".to_owned(),
            ];
        }
        Some("LinkedAuthorizationFailed") if problem.why.contains("peer/action") => {
            problem.remedies = vec![format!(
                "{vendor} has to give our identity Microsoft.Network/virtualNetworks/peer/action on {}.",
                remote.vnet
            )];
        }
        _ if problem.kind == Kind::SignIn && run.intent.own_app.is_none() => {
            problem.remedies = vec![
                format!("az login --tenant {}", remote.tenant),
                "or use an application that is known in both tenants: --own-app APP-ID".to_owned(),
            ];
        }
        _ => {}
    }
    Stop::Failed(problem)
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
        .map_or_else(|| run.intent.their_peering_name(remote), |theirs| theirs.id.name);
    let id = remote.vnet.peering(&name).map_err(|error| {
        Problem::new(
            Kind::Usage,
            "The other direction cannot have that name.",
            error.to_string(),
        )
    })?;
    run.tell(STEP, StepEvent::Doing(format!("writing the other direction, {name}")));
    let back = wanted(&run.intent.vnet);
    match run
        .patiently(STEP, "writing the other direction", &[], || {
            writer.put_peering(&id, &back)
        })
        .await
    {
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

fn for_the_other_side(intent: &Intent, remote: &Remote) -> Hold {
    Hold {
        who: format!("the operator of {} in tenant {}", remote.vnet.name, remote.tenant),
        why: "Our direction is there; the other one is written by somebody who may write there and is known here too."
            .to_owned(),
        packet: az::other_direction(intent, remote, &intent.their_peering_name(remote)),
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
    let look = async || {
        read_vnet(run).await?;
        match run.facts().vendor_peering(&run.intent) {
            VendorPeering::One(peering) if peering.state == PeeringState::Connected => Ok(Some(())),
            VendorPeering::Many(names) => Err(ambiguous(run, &names).into()),
            VendorPeering::One(_) | VendorPeering::None => Ok(None),
        }
    };
    run.until(STEP, &awaited, look).await
}
