//! Our direction, written by us: by the own application, or by the operator where it may sign in to both tenants; with
//! the other tenant's token beside ours. With another tenant of one's own, the other direction too.

use super::peering::{deleted_meanwhile, mend, not_connected_yet, vendor_failed};
use super::run::Awaited;
use super::two_tenants::{delete, stale, works, write_ours, write_theirs};
use super::vendor_peering::VendorPeering;
use super::vendor_request::{enter_anew, refresh};
use super::vnet::{ambiguous, disconnected, read_network, settle_tenants};
use super::{Facts, Run, Stop};
use crate::azure::Peering;
use crate::domain::{PeeringState, harmless};
use crate::errors::{Kind, Problem};
use crate::plan::{Decision, Hold, Intent, Remote, StepEvent, StepId};
use crate::vendors::{CreatedBy, Phase};

const STEP: StepId = StepId::Peering;

/// Reads the other direction, where the inputs say where it is and this operator may; and whose network that is.
pub async fn observe(run: &Run) {
    let each_side = run.intent.vendor.peering.created_by == CreatedBy::EachSide;
    if let Some(remote) = run.intent.remote().filter(|_| each_side) {
        // A tenant that was given wrong is told by Azure, and by nothing else.
        let subscription = remote.vnet.subscription;
        let tenant = run.azure.tenant_of(subscription).await;
        run.learn(|facts| facts.remote_tenants.extend(tenant.map(|tenant| (subscription, tenant))));
    }
    let Some(remote) = run.intent.other_side_of_ours() else {
        return;
    };
    let azure = run
        .azure
        .acting_as(run.azure.identity().in_tenant(remote.tenant), Vec::new());
    let subscription = remote.vnet.subscription;
    let (tenant, vnet) = tokio::join!(run.azure.tenant_of(subscription), azure.vnet(&remote.vnet));
    run.learn(|facts| facts.remote_tenants.extend(tenant.map(|tenant| (subscription, tenant))));
    // Whoever may not read there cannot write there either; that is said when it is tried.
    let vnet = match vnet {
        Ok(vnet) => vnet,
        Err(error) => {
            let why = error.code().map_or_else(|| error.message(), str::to_owned);
            return run.learn(|facts| facts.remote_unread = Some(harmless(&why)));
        }
    };
    run.learn(|facts| facts.remote_unread = None);
    let Some(vnet) = vnet else { return };
    let mut theirs = vnet.peerings.iter();
    let theirs = theirs.find(|peering| peering.remote_vnet.as_ref() == Some(&run.intent.vnet));
    run.learn(|facts| {
        facts.remote_peering = theirs.cloned();
        facts.remote_vnet = Some(vnet.clone());
    });
}

/// Whether the other direction is ours to write, too: it lies in another tenant of one's own.
pub fn may_write_theirs(intent: &Intent) -> bool {
    intent.other_side_of_ours().is_some()
}

/// What is to be done about our direction (and theirs, where it is ours to write).
pub fn decide(intent: &Intent, facts: &Facts) -> Decision {
    let vendor = &intent.vendor.short_name;
    let ours = facts.our_peering_name(intent);
    match facts.vendor_peering(intent) {
        VendorPeering::One(peering) => match &peering.state {
            PeeringState::Connected if !theirs_works(intent, facts) => Decision::Change {
                what: format!("the other direction of {}", peering.id.name),
                differences: differences_of_theirs(facts),
            },
            PeeringState::Connected if stale(peering) => Decision::Change {
                what: format!(
                    "peering {} is synced: the other network's addresses have changed",
                    peering.id.name
                ),
                differences: Vec::new(),
            },
            PeeringState::Connected if good(peering, intent) => {
                let unread = unread_too(facts);
                Decision::InPlace(format!("{} is Connected{unread}", peering.id.name))
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
            state if intent.other_side_of_ours().is_some() && !facts.remote_peering.as_ref().is_some_and(works) => {
                let unread = unread_too(facts);
                Decision::Create(format!("the other direction ({} is {state}){unread}", peering.id.name))
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

/// Writes what is missing, once the vendor is ready for it.
///
/// # Errors
/// What Azure or the vendor refuses; held where the other side has to act.
pub async fn act(run: &Run) -> Result<(), Stop> {
    let remote = wait_for_remote(run).await?;
    let facts = run.facts();
    run.confirmed_to_write(STEP)?;
    let gone = |theirs: &Peering| theirs.state == PeeringState::Disconnected;
    if run.intent.other_side_of_ours().is_some() && facts.remote_peering.as_ref().is_some_and(gone) {
        // Azure takes no direction of ours while theirs is Disconnected; written again, it waits for ours.
        write_theirs(run, &remote).await?;
    }
    match facts.vendor_peering(&run.intent) {
        VendorPeering::Many(names) => return Err(ambiguous(run, &names).into()),
        VendorPeering::One(peering) if good(peering, &run.intent) && !stale(peering) => {}
        VendorPeering::One(peering) => {
            if peering.state == PeeringState::Disconnected {
                delete(run, &peering.id).await?;
                if run.connector.is_none() && run.intent.vendor.peering.created_by == CreatedBy::EachSide {
                    let hold = enter_anew(run);
                    run.learn(|facts| facts.entered_anew = Some(hold));
                }
            }
            write_ours(run, &peering.id.clone(), &remote).await?;
        }
        VendorPeering::None => {
            let name = run.company.name(&run.intent.vnet, &remote.vnet, |beside| {
                run.learn(|facts| facts.names_beside = beside);
                run.facts().our_peering_name(&run.intent)
            });
            let id =
                run.intent.vnet.peering(&name).map_err(|error| {
                    Problem::new(Kind::Usage, "The peering cannot have that name.", error.to_string())
                })?;
            write_ours(run, &id, &remote).await?;
        }
    }
    if run.intent.other_side_of_ours().is_some() {
        write_theirs(run, &remote).await?;
    }
    Ok(())
}

/// Waits until both directions are Connected.
///
/// # Errors
/// Held where the other side has to act; what the vendor gave up on.
pub async fn confirm(run: &Run) -> Result<(), Stop> {
    let hold = run.facts().entered_anew;
    wait_until_connected(run, hold.unwrap_or_else(|| not_connected_yet(&run.intent))).await
}

/// The other direction lets traffic through, as far as that is ours to see and to write.
fn theirs_works(intent: &Intent, facts: &Facts) -> bool {
    intent.other_side_of_ours().is_none() || facts.remote_peering.as_ref().is_none_or(works)
}

/// "; the other direction could not be read (why)", where that is so.
fn unread_too(facts: &Facts) -> String {
    let unread = facts.theirs_is_unread().map(|unread| format!("; {unread}"));
    unread.unwrap_or_default()
}

fn differences_of_theirs(facts: &Facts) -> Vec<String> {
    let Some(theirs) = &facts.remote_peering else {
        return Vec::new();
    };
    let access = (!theirs.allow_virtual_network_access).then(|| "+ allowVirtualNetworkAccess".to_owned());
    let addresses = stale(theirs).then(|| "it is synced: our network's addresses have changed".to_owned());
    access.into_iter().chain(addresses).collect()
}

/// Whether our direction is as it shall be, whatever the vendor has done about its own.
pub fn good(peering: &Peering, intent: &Intent) -> bool {
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

async fn wait_until_connected(run: &Run, hold: Hold) -> Result<(), Stop> {
    let what = format!("{} completes the other direction", run.intent.vendor.short_name);
    let awaited = Awaited {
        what: &what,
        usually: Some(&run.intent.vendor.usual_wait),
        someone_else: true,
        hold,
    };
    run.until(STEP, &awaited, async || look(run).await).await
}

async fn look(run: &Run) -> Result<Option<()>, Stop> {
    let (vnet, request) = tokio::join!(read_network(run), refresh(run));
    vnet?;
    settle_tenants(run).await;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SyncLevel;
    use crate::plan::PeeringSettings;
    use crate::steps::samples;
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
        assert_eq!(decide(&intent, &facts).verb(), "create");
        facts.remote_peering.as_mut().expect("one").allow_virtual_network_access = true;
        assert_eq!(decide(&intent, &facts).verb(), "wait");
        peering(&mut facts, |peering| {
            peering.state = PeeringState::Connected;
            peering.allow_virtual_network_access = true;
            peering.sync_level = SyncLevel::LocalNotInSync;
        });
        assert_eq!(decide(&intent, &facts).verb(), "change");
        facts.vnet.as_mut().expect("one").peerings.clear();
        assert_eq!(decide(&intent, &facts).verb(), "create");
    }

    #[test]
    fn a_name_that_another_peering_has_is_not_taken_from_it() {
        let (intent, mut facts) = with_another_tenant();
        facts.vnet.as_mut().expect("one").peerings.clear();
        assert_eq!(facts.our_peering_name(&intent), "vnet-app-to-vnet-theirs");
        let other = samples::peering(&intent, "VNET-app-to-vnet-theirs", 0xabc, "10.9.0.0/16");
        facts.vnet.as_mut().expect("one").peerings = vec![other];
        let name = facts.our_peering_name(&intent);
        assert_eq!(name, "vnet-app-to-vnet-theirs-2");
        let named = Intent {
            peering_name: Some("mine".into()),
            ..intent
        };
        assert_eq!(facts.our_peering_name(&named), "mine");
    }
}
