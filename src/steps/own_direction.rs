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
use crate::domain::{PeeringId, PeeringState, VnetId, harmless, peering_mark};
use crate::errors::{Kind, Problem};
use crate::plan::{Action, Change, Decision, Hold, Intent, PeeringSettings, Remote, StepEvent, StepId};
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
    let ours = name_of_ours(intent, facts);
    match facts.vendor_peering(intent) {
        VendorPeering::One(peering) => match &peering.state {
            PeeringState::Connected if good(peering, intent) => {
                Decision::InPlace(format!("{} is Connected", peering.id.name))
            }
            PeeringState::Connected => Decision::Change {
                what: format!("peering {}, which exists already", peering.id.name),
                differences: not_allowed(peering, intent)
                    .into_iter()
                    .map(|flag| format!("+ {flag}"))
                    .collect(),
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
        VendorPeering::One(peering) if good(peering, &run.intent) => {}
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
                .peering(&name_of_ours(&run.intent, &facts))
                .map_err(|error| Problem::new(Kind::Usage, "The peering cannot have that name.", error.to_string()))?;
            write_ours(run, &id, &remote).await?;
        }
    }
    if theirs_is_ours_to_write(&run.intent).is_some() {
        write_theirs(run, &remote).await?;
    }
    wait_until_connected(run).await
}

/// The name of our direction: the one given, else the profile's; with a mark of the other network where another peering
/// has that name already.
fn name_of_ours(intent: &Intent, facts: &Facts) -> String {
    let remote = facts.remote(intent);
    let name = intent.our_peering_name(remote.as_ref());
    let same = |peering: &&Peering| peering.id.name.eq_ignore_ascii_case(&name);
    let taken = facts.vnet.iter().flat_map(|vnet| &vnet.peerings).find(same);
    match (&remote, taken) {
        (Some(remote), Some(taken))
            if taken.remote_vnet.as_ref() != Some(&remote.vnet) && intent.peering_name.is_none() =>
        {
            let mark = peering_mark(&remote.vnet);
            let head: String = name.chars().take(80 - 1 - mark.len()).collect();
            format!("{head}-{mark}")
        }
        _ => name,
    }
}

fn good(peering: &Peering, intent: &Intent) -> bool {
    peering.state != PeeringState::Disconnected && not_allowed(peering, intent).is_empty()
}

/// What the direction shall allow and does not.
fn not_allowed(peering: &Peering, intent: &Intent) -> Vec<&'static str> {
    let settings = intent.peering_settings;
    let table = [
        ("allowVirtualNetworkAccess", true, peering.allow_virtual_network_access),
        (
            "allowForwardedTraffic",
            settings.allow_forwarded_traffic,
            peering.allow_forwarded_traffic,
        ),
        (
            "allowGatewayTransit",
            settings.allow_gateway_transit,
            peering.allow_gateway_transit,
        ),
        (
            "useRemoteGateways",
            settings.use_remote_gateways,
            peering.use_remote_gateways,
        ),
    ];
    table
        .into_iter()
        .filter(|(_, wanted, is)| *wanted && !is)
        .map(|(flag, ..)| flag)
        .collect()
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
    let facts = run.facts();
    let peerings = facts.vnet.iter().flat_map(|vnet| &vnet.peerings);
    let present = peerings.into_iter().find(|peering| peering.id == *id);
    let wanted = wanted(&remote.vnet, run.intent.peering_settings, present);
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
    let put = run
        .patiently(STEP, &doing, also, attempt)
        .await
        .map_err(|stop| explain(run, stop, remote))?;
    let action = if present.is_some() {
        Action::Updated
    } else {
        Action::Created
    };
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

/// The direction as it shall be. What one that exists allows already stays allowed.
fn wanted(remote: &VnetId, settings: PeeringSettings, present: Option<&Peering>) -> NewPeering {
    let kept = |of: fn(&Peering) -> bool| present.is_some_and(of);
    NewPeering {
        remote_vnet: remote.clone(),
        // Azure's default, but az's is the opposite: said, not left to either.
        allow_virtual_network_access: true,
        allow_forwarded_traffic: settings.allow_forwarded_traffic || kept(|peering| peering.allow_forwarded_traffic),
        allow_gateway_transit: settings.allow_gateway_transit || kept(|peering| peering.allow_gateway_transit),
        use_remote_gateways: settings.use_remote_gateways || kept(|peering| peering.use_remote_gateways),
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
    if run.facts().remote_peering.as_ref().is_some_and(works) {
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
    let present = run.facts().remote_peering;
    // What our direction allows beyond traffic is no matter of theirs.
    let back = wanted(&run.intent.vnet, PeeringSettings::default(), present.as_ref());
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

/// Their direction is there and lets traffic through.
fn works(peering: &Peering) -> bool {
    peering.state != PeeringState::Disconnected && peering.allow_virtual_network_access
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::facts::samples;
    use crate::vendors::profile;

    fn with_another_tenant() -> (Intent, Facts) {
        let (mut intent, mut facts) = samples::kong_done();
        intent.vendor = profile("generic").expect("built in");
        let theirs = "/subscriptions/00000000-0000-0000-0000-000000000f00/resourceGroups/theirs/providers/Microsoft.Network/virtualNetworks/vnet-theirs";
        intent
            .vendor_inputs
            .insert("remote-vnet-id".into(), vec![theirs.into()]);
        intent
            .vendor_inputs
            .insert("remote-tenant-id".into(), vec![uuid::Uuid::from_u128(9).to_string()]);
        (facts.network, facts.request) = (None, None);
        (intent, facts)
    }

    #[test]
    fn decisions() {
        let (intent, mut facts) = with_another_tenant();
        let peering = |facts: &mut Facts, change: fn(&mut Peering)| {
            change(&mut facts.vnet.as_mut().expect("one").peerings[0]);
        };
        assert_eq!(decide(&intent, &facts).verb(), "in place");
        let settings = PeeringSettings {
            allow_forwarded_traffic: true,
            ..PeeringSettings::default()
        };
        let more = Intent {
            peering_settings: settings,
            ..intent.clone()
        };
        assert_eq!(decide(&more, &facts).verb(), "change");
        peering(&mut facts, |peering| peering.allow_virtual_network_access = false);
        assert_eq!(decide(&intent, &facts).verb(), "change");
        peering(&mut facts, |peering| peering.state = PeeringState::Disconnected);
        assert_eq!(decide(&intent, &facts).verb(), "change");
        peering(&mut facts, |peering| peering.state = PeeringState::Initiated);
        assert_eq!(decide(&intent, &facts).verb(), "create");
        facts.remote_peering = facts.vnet.as_ref().map(|vnet| vnet.peerings[0].clone());
        assert_eq!(decide(&intent, &facts).verb(), "wait");
        facts.vnet.as_mut().expect("one").peerings.clear();
        assert_eq!(decide(&intent, &facts).verb(), "create");
    }

    #[test]
    fn what_a_peering_allows_already_stays_allowed() {
        let (intent, facts) = with_another_tenant();
        let mut present = facts.vnet.expect("one").peerings.remove(0);
        present.allow_gateway_transit = true;
        let remote = present.remote_vnet.clone().expect("one");
        let wanted = wanted(&remote, intent.peering_settings, Some(&present));
        assert!(wanted.allow_gateway_transit && wanted.allow_virtual_network_access);
        assert!(!wanted.allow_forwarded_traffic);
    }

    #[test]
    fn a_name_that_another_peering_has_is_not_taken_from_it() {
        let (intent, mut facts) = with_another_tenant();
        facts.vnet.as_mut().expect("one").peerings.clear();
        assert_eq!(name_of_ours(&intent, &facts), "vnet-app-to-vnet-theirs");
        let other = samples::peering(&intent, "VNET-app-to-vnet-theirs", 0xabc, "10.9.0.0/16");
        facts.vnet.as_mut().expect("one").peerings = vec![other];
        let name = name_of_ours(&intent, &facts);
        assert!(
            name.starts_with("vnet-app-to-vnet-theirs-") && name.len() == 32,
            "{name}"
        );
        let named = Intent {
            peering_name: Some("mine".into()),
            ..intent
        };
        assert_eq!(name_of_ours(&named, &facts), "mine");
    }
}
