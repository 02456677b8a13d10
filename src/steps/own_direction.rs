//! Our direction, written by us: by the own application, or by the operator where it may sign in to both tenants; with
//! the other tenant's token beside ours. With another tenant of one's own, the other direction too.

use super::gateways::{self, DirectionWrite};
use super::peering::{deleted_meanwhile, not_connected_yet, retry_request, vendor_failed};
use super::recreation::confirm_nothing_lost;
use super::run::WaitDescription;
use super::two_tenants::{delete, renew_ours, stale, works, write_ours, write_remote};
use super::vendor_peering::VendorPeering;
use super::vendor_request::{refresh, request_reentry};
use super::vnet::{ambiguous, disconnected, read_network, resolve_remote_tenants};
use super::{ObservedState, StepError, StepRun, decision};
use crate::azure::{AzureClient, PeeringBody};
use crate::domain::{PeeringState, VnetId, sanitize_for_terminal};
use crate::errors::{RunError, RunErrorKind};
use crate::plan::{ActionRequired, PeeringIntent, Remote, StepDecision, StepEvent, StepId, StepState, VendorAccess};
use crate::vendors::{CreatedBy, RequestPhase};

const STEP: StepId = StepId::Peering;

/// Reads the other direction, where the inputs say where it is and this operator may; and whose network that is.
pub async fn observe(run: &StepRun) {
    let each_side = run.intent.vendor.peering.created_by == CreatedBy::EachSide;
    if let Some(remote) = run.intent.configured_remote().filter(|_| each_side) {
        // A tenant that was given wrong is told by Azure, and by nothing else.
        let subscription = remote.vnet.subscription;
        let tenant = run.azure.tenant_of(subscription).await;
        run.update_state(|facts| facts.remote_tenants.extend(tenant.map(|tenant| (subscription, tenant))));
    }
    let Some(remote) = run.intent.other_side_of_ours() else {
        return;
    };
    let azure = run
        .azure
        .acting_as(run.azure.identity().in_tenant(remote.tenant), Vec::new());
    let subscription = remote.vnet.subscription;
    let (tenant, there, vnet) = tokio::join!(
        run.azure.tenant_of(subscription),
        azure.subscription(subscription),
        azure.vnet(&remote.vnet),
    );
    run.update_state(|facts| {
        facts.remote_tenants.extend(tenant.map(|tenant| (subscription, tenant)));
        // A role at the network alone does not show its subscription.
        facts.remote_subscription = there.ok();
        facts.remote_absent = false;
    });
    // Whoever may not read there cannot write there either; that is said when it is tried.
    let vnet = match vnet {
        Ok(vnet) => vnet,
        Err(error) => {
            let why = error.code().map_or_else(|| error.message(), str::to_owned);
            run.update_state(|facts| facts.remote_unread = Some(sanitize_for_terminal(&why)));
            return look_beside(run, &azure, &remote.vnet).await;
        }
    };
    run.update_state(|facts| facts.remote_unread = None);
    let Some(vnet) = vnet else {
        run.update_state(|facts| facts.remote_absent = true);
        return look_beside(run, &azure, &remote.vnet).await;
    };
    let mut theirs = vnet.peerings.iter();
    let theirs = theirs.find(|peering| peering.remote_vnet.as_ref() == Some(&run.intent.vnet));
    run.update_state(|facts| {
        facts.remote_peering = theirs.cloned();
        facts.remote_vnet = Some(vnet.clone());
    });
}

/// Notes which networks the resource group has in place of one that is absent or hidden; none where the list can't be
/// read, or has that one after all.
async fn look_beside(run: &StepRun, azure: &AzureClient, absent: &VnetId) {
    let mut siblings = azure
        .vnets_in(absent.subscription, &absent.resource_group)
        .await
        .unwrap_or_default();
    if siblings.iter().any(|name| name.eq_ignore_ascii_case(&absent.name)) {
        siblings.clear();
    }
    run.update_state(|facts| facts.remote_siblings = siblings);
}

/// Returns whether setup can also write the other direction: it lies in another tenant of the same organization.
pub fn may_write_remote(intent: &PeeringIntent) -> bool {
    intent.other_side_of_ours().is_some()
}

/// Returns what to do about the local direction (and about the remote direction, if setup can write it).
pub fn decide(intent: &PeeringIntent, facts: &ObservedState) -> StepDecision {
    if let Some(hold) = gateways::conflict(intent, facts) {
        return StepDecision::Blocked(hold);
    }
    let vendor = &intent.vendor.short_name;
    let ours = facts.free_peering_name(intent);
    match facts.vendor_peering(intent) {
        VendorPeering::One(peering) => decide_present(intent, facts, peering),
        VendorPeering::None | VendorPeering::Many(_) => match facts.known_remote(intent) {
            Some(remote) => {
                let transit = match may_write_remote(intent) && gateways::uses_gateways(intent, facts) {
                    true => "; the other direction allows gateway transit",
                    false => "",
                };
                let (name, tenant) = (&remote.vnet.name, remote.tenant);
                let opposite = facts.remote_peering.as_ref().and_then(PeeringBody::limits);
                let limits =
                    opposite.map(|limits| format!("; the other direction links {limits}, and this one the same"));
                let limits = limits.unwrap_or_default();
                StepDecision::Create(format!(
                    "peering {ours} with {name} in tenant {tenant}{transit}{limits}"
                ))
            }
            None => StepDecision::Create(format!("peering {ours}, once {vendor} has said with which network")),
        },
    }
}

/// Returns what to do about the existing local peering.
fn decide_present(intent: &PeeringIntent, facts: &ObservedState, peering: &PeeringBody) -> StepDecision {
    let (name, vendor) = (&peering.id.name, &intent.vendor.short_name);
    let limits = peering.limits().map(|limits| format!("; it links {limits}"));
    let limits = limits.unwrap_or_default();
    let mut differences: Vec<String> = not_allowed(peering, intent)
        .into_iter()
        .map(|flag| format!("+ {flag}"))
        .collect();
    let changes = !differences.is_empty();
    let of_theirs = differences_of_theirs(intent, facts);
    match &peering.state {
        PeeringState::Connected if !changes && !stale(peering) && of_theirs.is_empty() => {
            let unread = unread_too(facts);
            StepDecision::InPlace(format!("{name} is Connected{limits}{unread}"))
        }
        PeeringState::Connected => {
            let what = match (changes, stale(peering)) {
                (true, false) => format!("peering {name}, which exists already"),
                (true, true) => {
                    format!("peering {name} is changed and synced: the other network's addresses have changed")
                }
                (false, true) => format!("peering {name} is synced: the other network's addresses have changed"),
                (false, false) => format!("the other direction of {name}"),
            };
            differences.extend(of_theirs);
            StepDecision::Change {
                what: what + &limits,
                differences,
            }
        }
        PeeringState::Disconnected => {
            differences.insert(0, format!("it is Disconnected: {vendor}'s direction was deleted"));
            differences.extend(of_theirs);
            differences.extend(peering.limits().map(|limits| format!("it still links {limits}")));
            let how = match is_made_again(intent, facts) {
                true => "is deleted and created again with its settings",
                false => "is written again with its settings",
            };
            if intent.vendor.peering.created_by == CreatedBy::EachSide && !is_made_again(intent, facts) {
                differences.push(format!(
                    "if {vendor} no longer lets the application in, it is deleted and created again with its settings"
                ));
            }
            StepDecision::Change {
                what: format!("peering {name} {how}"),
                differences,
            }
        }
        state if may_write_remote(intent) && !facts.remote_peering.as_ref().is_some_and(works) => {
            let unread = unread_too(facts);
            let what = format!("the other direction ({name} is {state}{limits}){unread}");
            differences.extend(of_theirs);
            match differences.is_empty() {
                true => StepDecision::Create(what),
                false => StepDecision::Change { what, differences },
            }
        }
        state if changes || !of_theirs.is_empty() => {
            differences.extend(of_theirs);
            StepDecision::Change {
                what: format!("peering {name}, which is {state}{limits}"),
                differences,
            }
        }
        state => StepDecision::Await {
            what: format!("{name} is {state}: {vendor} completes it{limits}"),
            usually: intent.vendor.usual_wait.clone(),
        },
    }
}

/// Returns whether the previous step deletes the Disconnected local peering: a vendor that receives a new request
/// creates its direction before it lets the application in, and Azure accepts no new direction beside a Disconnected
/// one.
pub fn is_made_again(intent: &PeeringIntent, facts: &ObservedState) -> bool {
    let asked = || decision(StepId::VendorRequest, intent, facts).writes();
    let by_api = intent.access == VendorAccess::Api && intent.vendor.peering.created_by == CreatedBy::EachSide;
    by_api && intent.steps().contains(&StepId::VendorRequest) && asked()
}

/// Writes what is missing, once the vendor is ready for it.
///
/// # Errors
/// What Azure or the vendor refuses; held where the other side has to act.
pub async fn act(run: &StepRun) -> Result<(), StepError> {
    let remote = wait_for_remote(run).await?;
    let facts = run.facts();
    run.confirmed_to_write(STEP)?;
    if let VendorPeering::Many(names) = facts.vendor_peering(&run.intent) {
        return Err(ambiguous(run, &names).into());
    }
    if let Some(hold) = gateways::conflict(&run.intent, &facts) {
        return Err(StepError::Held {
            state: StepState::Blocked,
            hold,
        });
    }
    let mut written = false;
    for write in gateways::direction_writes(&run.intent, &facts) {
        match write {
            DirectionWrite::Theirs { uses_gateways } => write_remote(run, &remote, uses_gateways).await?,
            DirectionWrite::Ours { uses_gateways } => {
                if written {
                    read_network(run).await?;
                }
                write_local(run, &remote, uses_gateways).await?;
                written = true;
            }
        }
    }
    Ok(())
}

async fn write_local(run: &StepRun, remote: &Remote, uses_gateways: bool) -> Result<(), StepError> {
    let facts = run.facts();
    match facts.vendor_peering(&run.intent) {
        VendorPeering::Many(names) => Err(ambiguous(run, &names).into()),
        VendorPeering::One(peering) if peering.state == PeeringState::Disconnected => {
            let renewed = renew_ours(run, &peering.id, remote, uses_gateways).await?;
            if !renewed {
                confirm_nothing_lost(&run.intent, peering)?;
                delete(run, &peering.id).await?;
            }
            if run.connector.is_none() && run.intent.vendor.peering.created_by == CreatedBy::EachSide {
                let hold = request_reentry(run);
                run.update_state(|facts| facts.entered_anew = Some(hold));
            }
            match renewed {
                true => Ok(()),
                false => write_ours(run, &peering.id, remote, uses_gateways).await,
            }
        }
        VendorPeering::One(peering) => write_ours(run, &peering.id, remote, uses_gateways).await,
        VendorPeering::None => {
            let name = run.company.name(&run.intent.vnet, &remote.vnet, |beside| {
                run.update_state(|facts| facts.names_beside = beside);
                run.facts().free_peering_name(&run.intent)
            });
            let id = run.intent.vnet.peering(&name).map_err(|error| {
                RunError::new(
                    RunErrorKind::Usage,
                    "The peering cannot have that name.",
                    error.to_string(),
                )
            })?;
            write_ours(run, &id, remote, uses_gateways).await
        }
    }
}

/// Waits until both directions are Connected.
///
/// # Errors
/// Held where the other side has to act; what the vendor gave up on.
pub async fn confirm(run: &StepRun) -> Result<(), StepError> {
    let hold = run.facts().entered_anew;
    wait_until_connected(run, hold.unwrap_or_else(|| not_connected_yet(&run.intent))).await
}

/// "; the other direction could not be read (why)", where that is so.
fn unread_too(facts: &ObservedState) -> String {
    let unread = facts.theirs_is_unread().map(|unread| format!("; {unread}"));
    unread.unwrap_or_default()
}

/// Returns the changes in the other direction, if setup can read and write it.
fn differences_of_theirs(intent: &PeeringIntent, facts: &ObservedState) -> Vec<String> {
    let Some(theirs) = facts.remote_peering.as_ref().filter(|_| may_write_remote(intent)) else {
        return Vec::new();
    };
    let there = |what: &str| format!("the other direction, {}: {what}", theirs.id.name);
    let transit = gateways::uses_gateways(intent, facts) && !theirs.allow_gateway_transit;
    let table = [
        (!theirs.allow_virtual_network_access, "+ allowVirtualNetworkAccess"),
        (transit, "+ allowGatewayTransit"),
        (stale(theirs), "synced, because our network's addresses have changed"),
    ];
    table
        .into_iter()
        .filter(|(is, _)| *is)
        .map(|(_, what)| there(what))
        .collect()
}

/// Returns whether the local direction is as required, regardless of the vendor's direction.
pub fn good(peering: &PeeringBody, intent: &PeeringIntent) -> bool {
    peering.state != PeeringState::Disconnected && not_allowed(peering, intent).is_empty()
}

/// Returns the settings that the direction must allow and does not.
fn not_allowed(peering: &PeeringBody, intent: &PeeringIntent) -> Vec<&'static str> {
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

/// The other side's network: the vendor or the inputs name it, or else the local peering does, where it is proven to be the
/// vendor's and Azure names the tenant. An answer about a connection that is up may leave the network out.
fn known_remote(intent: &PeeringIntent, facts: &ObservedState) -> Option<Remote> {
    facts.known_remote(intent).or_else(|| {
        let VendorPeering::One(peering) = facts.vendor_peering(intent) else {
            return None;
        };
        let vnet = peering.remote_vnet.clone()?;
        let tenant = *facts.remote_tenants.get(&vnet.subscription)?;
        Some(Remote { tenant, vnet })
    })
}

/// Waits until it is known with which network, and until the vendor says that it is our turn.
async fn wait_for_remote(run: &StepRun) -> Result<Remote, StepError> {
    if run.connector.is_none() {
        return known_remote(&run.intent, &run.facts())
            .ok_or_else(|| StepError::waiting(not_connected_yet(&run.intent)));
    }
    let what = format!("until {} is ready for our direction", run.intent.vendor.short_name);
    let awaited = WaitDescription {
        what: &what,
        usually: Some(&run.intent.vendor.usual_wait),
        someone_else: true,
        hold: not_connected_yet(&run.intent),
    };
    let mut renewals = 0;
    loop {
        let turn = run.poll_until(STEP, &awaited, async || our_turn(run).await).await?;
        match turn {
            PeerReadiness::Ours(remote) => return Ok(remote),
            PeerReadiness::Failed(failed) => retry_request(run, &failed, &mut renewals).await?,
        }
    }
}

enum PeerReadiness {
    Ours(Remote),
    Failed(Box<crate::vendors::VendorRequest>),
}

async fn our_turn(run: &StepRun) -> Result<Option<PeerReadiness>, StepError> {
    let known = run.facts().request;
    let Some(request) = refresh(run).await? else {
        return known.map_or(Ok(None), |known| Err(deleted_meanwhile(run, &known).into()));
    };
    match request.phase {
        RequestPhase::UserAction | RequestPhase::Ready => {
            Ok(known_remote(&run.intent, &run.facts()).map(PeerReadiness::Ours))
        }
        RequestPhase::Failed => Ok(Some(PeerReadiness::Failed(Box::new(request)))),
        RequestPhase::Leaving | RequestPhase::Gone => Err(deleted_meanwhile(run, &request).into()),
        RequestPhase::Pending => {
            let state = sanitize_for_terminal(&request.state);
            run.tell(
                STEP,
                StepEvent::Doing(format!("{} says {state}", run.intent.vendor.name)),
            );
            Ok(None)
        }
    }
}

async fn wait_until_connected(run: &StepRun, hold: ActionRequired) -> Result<(), StepError> {
    let what = format!("{} completes the other direction", run.intent.vendor.short_name);
    let awaited = WaitDescription {
        what: &what,
        usually: Some(&run.intent.vendor.usual_wait),
        someone_else: true,
        hold,
    };
    run.poll_until(STEP, &awaited, async || read_peer(run).await).await
}

async fn read_peer(run: &StepRun) -> Result<Option<()>, StepError> {
    let (vnet, request) = tokio::join!(read_network(run), refresh(run));
    vnet?;
    resolve_remote_tenants(run).await;
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
        Some(request) if request.phase == RequestPhase::Failed => Err(vendor_failed(run, &request).into()),
        Some(request) if matches!(request.phase, RequestPhase::Leaving | RequestPhase::Gone) => {
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

    fn with_another_tenant() -> (PeeringIntent, ObservedState) {
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
        let peering = |facts: &mut ObservedState, change: fn(&mut PeeringBody)| {
            change(&mut facts.vnet.as_mut().expect("one").peerings[0]);
        };
        assert_eq!(decide(&intent, &facts).verb(), "in place");
        let settings = PeeringSettings {
            allow_forwarded_traffic: true,
            ..PeeringSettings::default()
        };
        let more = PeeringIntent {
            peering_settings: settings,
            ..intent.clone()
        };
        assert_eq!(decide(&more, &facts).verb(), "change");
        peering(&mut facts, |peering| peering.allow_virtual_network_access = false);
        assert_eq!(decide(&intent, &facts).verb(), "change");
        peering(&mut facts, |peering| peering.state = PeeringState::Disconnected);
        assert_eq!(decide(&intent, &facts).verb(), "change");
        peering(&mut facts, |peering| peering.state = PeeringState::Initiated);
        assert_eq!(decide(&intent, &facts).verb(), "change");
        peering(&mut facts, |peering| peering.allow_virtual_network_access = true);
        assert_eq!(decide(&intent, &facts).verb(), "create");
        facts.remote_peering = facts.vnet.as_ref().map(|vnet| vnet.peerings[0].clone());
        assert_eq!(decide(&intent, &facts).verb(), "wait");
        facts.remote_peering.as_mut().expect("one").allow_virtual_network_access = false;
        assert_eq!(decide(&intent, &facts).verb(), "change");
        facts.remote_peering.as_mut().expect("one").allow_virtual_network_access = true;
        peering(&mut facts, |peering| {
            peering.state = PeeringState::Connected;
            peering.sync_level = SyncLevel::LocalNotInSync;
        });
        assert_eq!(decide(&intent, &facts).verb(), "change");
        facts.vnet.as_mut().expect("one").peerings.clear();
        assert_eq!(decide(&intent, &facts).verb(), "create");
    }

    #[test]
    fn own_direction_keeps_foreign_peering_name() {
        let (intent, mut facts) = with_another_tenant();
        facts.vnet.as_mut().expect("one").peerings.clear();
        assert_eq!(facts.free_peering_name(&intent), "vnet-app-to-vnet-theirs");
        let other = samples::peering(&intent, "VNET-app-to-vnet-theirs", 0xabc, "10.9.0.0/16");
        facts.vnet.as_mut().expect("one").peerings = vec![other];
        let name = facts.free_peering_name(&intent);
        assert_eq!(name, "vnet-app-to-vnet-theirs-2");
        let named = PeeringIntent {
            peering_name: Some("mine".into()),
            ..intent
        };
        assert_eq!(facts.free_peering_name(&named), "mine");
    }
}
