//! Writing a peering across tenants: one identity, tokens of both tenants. Ours, and theirs where that is ours to write.

use std::fmt::Display;
use std::sync::OnceLock;

use super::own_app;
use super::own_app::credential::CredentialPresence;
use super::recreation::confirm_nothing_lost;
use super::run::{WaitDescription, is_one_of};
use super::vendor_peering::VendorPeering;
use super::vendor_request::handed_over;
use super::vnet::read_vnet;
use super::{ObservedState, StepError, StepRun, gateways};
use crate::azure::{ApiError, AzureClient, AzureIdentity, NewPeering, PeeringBody, WhoAmI};
use crate::domain::{PeeringId, PeeringState, SyncLevel, TenantId, VnetId};
use crate::errors::{ErrorCause, RunError, RunErrorKind, known};
use crate::limits;
use crate::plan::{ActionRequired, ChangeAction, PeeringIntent, PeeringSettings, Remote, RunGoal, StepEvent, StepId};
use crate::render::az;
use crate::vendors::CreatedBy;

const STEP: StepId = StepId::Peering;
/// Codes that Entra returns as long as a tenant does not know an application.
const UNKNOWN_THERE: [&str; 2] = ["AADSTS7000229", "AADSTS700016"];
/// Codes that Entra returns as long as a tenant does not know an application, or while a credential that was created
/// minutes ago is being replicated.
const JUST_MADE: [&str; 4] = ["AADSTS7000229", "AADSTS700016", "AADSTS7000215", "AADSTS700027"];
/// Codes that Entra returns for a credential that does not exist: not yet, or no longer.
const NO_CREDENTIAL: [&str; 2] = ["AADSTS7000215", "AADSTS700027"];
/// Codes that Azure returns while a role that was assigned minutes ago is being replicated: the customer's role on its
/// own network, the vendor's role on the vendor's network.
const OUR_ROLE: [&str; 1] = ["AuthorizationFailed"];
const THEIR_ROLE: [&str; 1] = ["LinkedAuthorizationFailed"];
/// Codes that Entra returns while a credential that was created minutes ago is being replicated.
const CREDENTIAL: [&str; 1] = ["AADSTS7000215"];
/// Our copy of the other network's addresses is old; the side that shows this syncs.
pub fn stale(peering: &PeeringBody) -> bool {
    matches!(
        peering.sync_level,
        SyncLevel::LocalNotInSync | SyncLevel::LocalAndRemoteNotInSync
    )
}

/// A client that may write our direction: tokens of both tenants for one identity.
async fn writer(run: &StepRun, remote: &Remote) -> Result<AzureClient, StepError> {
    let identity = match &run.intent.own_app {
        Some(_) => own_app::credential::identity(run).await?,
        None => run.azure.identity().clone(),
    };
    let other = identity.in_tenant(remote.tenant);
    Ok(run.azure.acting_as(identity, vec![other]))
}

/// State of the credential that the sign-ins of one attempt use; the first response that is not as expected counts.
struct CredentialWatch<'a> {
    run: &'a StepRun,
    /// Another credential may be created in place of one that was removed.
    may_renew: bool,
    seen: OnceLock<CredentialPresence>,
}

impl<'a> CredentialWatch<'a> {
    fn new(run: &'a StepRun, may_renew: bool) -> Self {
        let seen = OnceLock::new();
        Self { run, may_renew, seen }
    }

    /// Looks at the credential where a refusal may be for want of it.
    async fn note(&self, error: &ApiError) {
        if is_one_of(error, &[NO_CREDENTIAL[0], NO_CREDENTIAL[1], "AADSTS700016"]) {
            let found = own_app::credential::presence(self.run).await;
            if found == CredentialPresence::AppDeleted || (found == CredentialPresence::Removed && self.may_renew) {
                // A second look has nothing to add.
                let _ = self.seen.set(found);
            }
        }
    }

    fn lost(&self) -> bool {
        self.seen.get().is_some()
    }
}

/// Waits until the application can sign in to both tenants: to ours with a credential of this minute, to the vendor's
/// once the vendor has let it in.
async fn sign_in(
    run: &StepRun,
    identity: &AzureIdentity,
    remote: &Remote,
    watch: &CredentialWatch<'_>,
) -> Result<(), StepError> {
    let enter = async |identity: AzureIdentity| {
        let who = run.azure.acting_as(identity.clone(), Vec::new()).who_am_i().await;
        if let Err(error) = &who {
            identity.forget();
            watch.note(error).await;
        }
        who
    };
    let here = async {
        let doing = "signing in as the own application";
        let passes =
            |error: &ApiError| !watch.lost() && (is_one_of(error, &JUST_MADE) || known::passes(error).is_some());
        let who = run.retry_if(STEP, doing, passes, || enter(identity.clone()));
        who.await.map(drop)
    };
    let by_hand = run.connector.is_none() && run.intent.vendor.peering.created_by == CreatedBy::EachSide;
    let attempt = || enter(identity.in_tenant(remote.tenant));
    let there = sign_in_there(run, remote, (by_hand, watch), attempt);
    if by_hand {
        // A credential that has not arrived yet would look like a vendor that has not let us in.
        here.await?;
        return there.await;
    }
    tokio::try_join!(here, there).map(drop)
}

async fn sign_in_there<F>(
    run: &StepRun,
    remote: &Remote,
    (by_hand, watch): (bool, &CredentialWatch<'_>),
    attempt: impl Fn() -> F,
) -> Result<(), StepError>
where
    F: Future<Output = Result<WhoAmI, ApiError>>,
{
    let doing = format!("signing in to tenant {}", remote.tenant);
    if !by_hand {
        let lets_in = run.intent.vendor.peering.created_by == CreatedBy::EachSide;
        let passes = |error: &ApiError| {
            let unknown = is_one_of(error, &UNKNOWN_THERE);
            !watch.lost() && ((lets_in && unknown) || (!unknown && is_one_of(error, &JUST_MADE)))
        };
        let signed_in = run.retry_if(STEP, &doing, passes, attempt).await;
        return signed_in.map(drop).map_err(|stop| explain(run, stop, remote));
    }
    let vendor = &run.intent.vendor.short_name;
    let what = format!("until the values are entered and {vendor} has let our application in");
    let awaited = WaitDescription {
        what: &what,
        usually: Some(&run.intent.vendor.usual_wait),
        someone_else: true,
        hold: handed_over(&run.intent, &run.facts()),
    };
    let look = async || match attempt().await {
        Ok(_) => Ok(Some(())),
        Err(error) if is_one_of(&error, &JUST_MADE) && !watch.lost() => Ok(None),
        Err(error) => Err(explain(run, StepError::api(&doing, &error), remote)),
    };
    run.poll_until(STEP, &awaited, look).await
}

/// Writes the local peering: a new one, or the one that was read with what is asked for, synced where its addresses are
/// old.
///
/// # Errors
/// What Azure refuses, explained; held where the other side has to allow gateway transit first.
pub async fn write_ours(run: &StepRun, id: &PeeringId, remote: &Remote, uses_gateways: bool) -> Result<(), StepError> {
    let mut renewals = 0;
    loop {
        let watch = CredentialWatch::new(run, renewals < limits::MAX_VENDOR_RETRIES);
        let written = write_once(run, id, remote, uses_gateways, &watch).await;
        match (written, watch.seen.get()) {
            (Err(_), Some(CredentialPresence::AppDeleted)) => return Err(own_app::credential::app_deleted(run).into()),
            // Another run, or somebody, removed it: this run creates another one.
            (Err(_), Some(CredentialPresence::Removed)) => {
                own_app::credential::forget(run).await;
                renewals += 1;
            }
            (written, _) => return written,
        }
    }
}

async fn write_once(
    run: &StepRun,
    id: &PeeringId,
    remote: &Remote,
    uses_gateways: bool,
    watch: &CredentialWatch<'_>,
) -> Result<(), StepError> {
    let writer = writer(run, remote).await?;
    if run.intent.own_app.is_some() {
        sign_in(run, writer.identity(), remote, watch).await?;
    }
    put_local(run, &writer, (id, remote), uses_gateways, watch).await
}

/// Writes a Disconnected local peering again, with all its settings: that makes it Initiated. False where the vendor
/// does not let the application in any more: then only a deletion lets the vendor begin again.
///
/// # Errors
/// As [`write_ours`].
pub async fn renew_ours(
    run: &StepRun,
    id: &PeeringId,
    remote: &Remote,
    uses_gateways: bool,
) -> Result<bool, StepError> {
    if run.intent.vendor.peering.created_by == CreatedBy::Customer {
        write_ours(run, id, remote, uses_gateways).await?;
        return Ok(true);
    }
    let writer = writer(run, remote).await?;
    let there = writer.identity().in_tenant(remote.tenant);
    for identity in [writer.identity().clone(), there] {
        let azure = run.azure.acting_as(identity, Vec::new());
        let signed_in = run.retry_while_replicating(STEP, "signing in as the own application", &CREDENTIAL, || {
            azure.who_am_i()
        });
        match signed_in.await {
            Err(StepError::Failed(problem))
                if problem
                    .code
                    .as_deref()
                    .is_some_and(|code| UNKNOWN_THERE.contains(&code)) =>
            {
                return Ok(false);
            }
            signed_in => signed_in.map(drop)?,
        }
    }
    let watch = CredentialWatch::new(run, false);
    match put_local(run, &writer, (id, remote), uses_gateways, &watch).await {
        Err(StepError::Failed(problem)) if problem.code.as_deref() == Some("LinkedAuthorizationFailed") => Ok(false),
        put => put.map(|()| true),
    }
}

async fn put_local(
    run: &StepRun,
    writer: &AzureClient,
    (id, remote): (&PeeringId, &Remote),
    uses_gateways: bool,
    watch: &CredentialWatch<'_>,
) -> Result<(), StepError> {
    let facts = run.facts();
    let mut peerings = facts.vnet.iter().flat_map(|vnet| &vnet.peerings);
    let present = peerings.find(|peering| peering.id == *id);
    let base = present.or(facts.former_peering.as_ref());
    let opposite = facts.remote_peering.as_ref();
    let mut wanted = wanted(&remote.vnet, run.intent.peering_settings, base, opposite);
    wanted.set("useRemoteGateways", uses_gateways);
    let sync = present.is_some_and(stale);
    run.tell(
        STEP,
        StepEvent::Doing(format!("writing peering {} with tokens of both tenants", id.name)),
    );
    let doing = format!("writing the peering {}", id.name);
    let attempt = || async {
        let put = if sync {
            writer.sync_peering(id, &wanted).await
        } else {
            writer.put_peering(id, &wanted).await
        };
        if let Err(error) = &put {
            writer.identity().forget();
            watch.note(error).await;
        }
        put
    };
    let passes = |error: &ApiError| !watch.lost() && passes(&run.intent, error);
    let put = run.retry_if(STEP, &doing, passes, attempt).await;
    put.map_err(|stop| explain(run, stop, remote))?;
    let action = if present.is_some() {
        ChangeAction::Updated
    } else {
        ChangeAction::Created
    };
    run.changed(STEP, action, "virtualNetworkPeering", id.to_string());
    Ok(())
}

/// Returns whether a refusal of a peering is temporary. Missing rights are temporary only if this run, or the vendor,
/// granted them minutes ago: an operator's own sign-in is older, and no one at another organization waits for this run.
fn passes(intent: &PeeringIntent, error: &ApiError) -> bool {
    let ours = intent.own_app.is_some();
    let theirs = intent.vendor.peering.created_by == CreatedBy::EachSide;
    let is_missing = known::cause(error) == ErrorCause::MissingRole;
    if is_one_of(error, &THEIR_ROLE) {
        // The code has other meanings too: a token that is missing, a subscription that is not there.
        return ours && theirs && is_missing && error.message().contains("does not have permission to perform action");
    }
    let ours = ours && (is_missing && is_one_of(error, &OUR_ROLE) || is_one_of(error, &JUST_MADE));
    ours || known::passes(error).is_some()
}

/// The direction as it shall be: the one that was read, and what is asked for besides. What it allows stays allowed, and
/// what it links stays all that it links. A new one links what `opposite`, the other direction, does.
pub fn wanted(
    remote: &VnetId,
    settings: PeeringSettings,
    present: Option<&PeeringBody>,
    opposite: Option<&PeeringBody>,
) -> NewPeering {
    let kept = |of: fn(&PeeringBody) -> bool| present.is_some_and(of);
    let mut wanted = match (present, opposite) {
        (Some(present), _) => NewPeering::as_read(present),
        (None, Some(opposite)) => NewPeering::opposite(remote, opposite),
        (None, None) => NewPeering::with(remote),
    };
    for (property, value) in [
        // Azure's default, but az's is the opposite: said, not left to either.
        ("allowVirtualNetworkAccess", true),
        (
            "allowForwardedTraffic",
            settings.allow_forwarded_traffic || kept(|peering| peering.allow_forwarded_traffic),
        ),
        (
            "allowGatewayTransit",
            settings.allow_gateway_transit || kept(|peering| peering.allow_gateway_transit),
        ),
        (
            "useRemoteGateways",
            settings.use_remote_gateways || kept(|peering| peering.use_remote_gateways),
        ),
    ] {
        wanted.set(property, value);
    }
    if present.is_some_and(|peering| stale(peering) || peering.state == PeeringState::Disconnected) {
        wanted.with_new_addresses();
    }
    wanted
}

/// Explains a refusal depending on who was to write: an own application that the vendor has not let in, or an operator
/// without access to the other tenant.
fn explain(run: &StepRun, stop: StepError, remote: &Remote) -> StepError {
    let StepError::Failed(mut problem) = stop else {
        return stop;
    };
    if let Some(hold) = gateways::refused(&run.intent, &run.facts(), remote, &problem.why) {
        return StepError::blocked(hold, &problem);
    }
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
                create_sp_command(tenant, app),
                "Then run the same command again.".to_owned(),
            ];
        }
        (Some("LinkedAuthorizationFailed"), _)
            if problem.cause == ErrorCause::MissingRole && problem.why.contains("peer/action") =>
        {
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
        (_, None) if problem.kind == RunErrorKind::SignIn && problem.cause != ErrorCause::Challenge => {
            add_cross_tenant_hints(run.azure.identity(), tenant, &mut problem)
        }
        _ => {}
    }
    StepError::Failed(problem)
}

/// Adds remedies if the operator has no token of a further tenant, `tenant`.
pub fn add_cross_tenant_hints(identity: &AzureIdentity, tenant: TenantId, problem: &mut RunError) {
    let unknown = problem
        .code
        .as_deref()
        .is_some_and(|code| UNKNOWN_THERE.contains(&code));
    if let Some(client) = identity.client_id().filter(|_| unknown) {
        problem.remedies = vec![create_sp_command(tenant, client)];
        if problem.code.as_deref() == Some("AADSTS700016") {
            let update = "az ad app update --sign-in-audience AzureADMultipleOrgs --id";
            let first = format!("It has to be for more than one tenant, first: {update} {client}");
            problem.remedies.push(first);
        }
    }
    let other = "or use an application that is known in both tenants: --own-app APP-ID";
    problem.remedies.push(other.to_owned());
}

/// Returns the command that creates the service principal of an application in a tenant.
pub fn create_sp_command(tenant: TenantId, client: impl Display) -> String {
    format!("Somebody who may do so in tenant {tenant}: az ad sp create --id {client}")
}

/// Deletes what is left of our direction once the vendor's was deleted: as long as it is there, Azure refuses the
/// vendor's new one.
///
/// # Errors
/// What Azure answered.
pub async fn remove_leftover(run: &StepRun) -> Result<(), StepError> {
    let repairs = run.intent.goal == RunGoal::Repair;
    let by_vendor = run.intent.vendor.peering.created_by == CreatedBy::Vendor;
    if run.intent.vendor.peering.created_by == CreatedBy::Customer || (by_vendor && !repairs) {
        return Ok(());
    }
    if repairs {
        // The vendor may have taken it along with its own.
        read_vnet(run).await?;
    }
    let facts = run.facts();
    let VendorPeering::One(peering) = facts.vendor_peering(&run.intent) else {
        return Ok(());
    };
    let in_the_way = match &peering.state {
        PeeringState::Disconnected => true,
        PeeringState::Connected => false,
        _ => by_vendor,
    };
    if in_the_way {
        confirm_nothing_lost(&run.intent, peering)?;
        run.confirmed_to_delete(STEP, &peering.id)?;
        delete(run, &peering.id).await?;
        read_vnet(run).await?;
    }
    Ok(())
}

/// Deletes our direction, by the operator's own sign-in.
///
/// # Errors
/// What Azure answered.
pub async fn delete(run: &StepRun, id: &PeeringId) -> Result<(), StepError> {
    run.tell(
        STEP,
        StepEvent::Doing(format!("deleting the peering {}, which is only half there", id.name)),
    );
    let doing = format!("deleting the peering {}", id.name);
    run.retry_while_replicating(STEP, &doing, &[], || run.azure.delete_peering(id))
        .await?;
    run.update_state(|facts| {
        let mut peerings = facts.vnet.iter().flat_map(|vnet| &vnet.peerings);
        facts.former_peering = peerings.find(|peering| peering.id == *id).cloned();
    });
    run.changed(STEP, ChangeAction::Deleted, "virtualNetworkPeering", id.to_string());
    Ok(())
}

/// The other side's direction, where this identity may write it; else the packet for who may.
///
/// # Errors
/// What Azure refuses; held where somebody else has to write it.
pub async fn write_remote(run: &StepRun, remote: &Remote, uses_gateways: bool) -> Result<(), StepError> {
    let mine = match &run.intent.own_app {
        Some(_) => own_app::credential::identity(run).await?,
        None => run.azure.identity().clone(),
    };
    let writer = run.azure.acting_as(mine.in_tenant(remote.tenant), vec![mine]);
    if run.facts().remote_unread.is_some() {
        read_theirs(run, &writer, remote).await?;
    }
    let facts = run.facts();
    let present = facts.remote_peering.as_ref();
    if present.is_some_and(|theirs| gateways::theirs_is_good(&run.intent, &facts, theirs)) && !uses_gateways {
        return Ok(());
    }
    let name = present.map_or_else(
        || run.intent.remote_peering_name(remote),
        |theirs| theirs.id.name.clone(),
    );
    let id = remote.vnet.peering(&name).map_err(|error| {
        RunError::new(
            RunErrorKind::Usage,
            "The other direction cannot have that name.",
            error.to_string(),
        )
    })?;
    run.tell(STEP, StepEvent::Doing(format!("writing the other direction, {name}")));
    let settings = gateways::settings_of_theirs(&run.intent, &facts);
    let opposite = gateways::local(&run.intent, &facts);
    let mut back = wanted(&run.intent.vnet, settings, present, opposite.as_ref());
    back.set("useRemoteGateways", uses_gateways);
    let passes = |error: &ApiError| passes(&run.intent, error) && !is_one_of(error, &OUR_ROLE);
    let sync = present.is_some_and(stale);
    let attempt = || async {
        if sync {
            writer.sync_peering(&id, &back).await
        } else {
            writer.put_peering(&id, &back).await
        }
    };
    let put = run.retry_if(STEP, "writing the other direction", passes, attempt);
    match put.await {
        Ok(()) => {
            run.changed(
                STEP,
                if present.is_some() {
                    ChangeAction::Updated
                } else {
                    ChangeAction::Created
                },
                "virtualNetworkPeering",
                id.to_string(),
            );
            // What cannot be read now is looked at again by who judges the whole.
            if let Ok(theirs) = writer.peering(&id).await {
                run.update_state(|facts| facts.remote_peering = theirs);
            }
            Ok(())
        }
        Err(StepError::Failed(problem)) if is_for_them(&problem) => Err(StepError::blocked(
            for_the_other_side(&run.intent, &facts, remote),
            &problem,
        )),
        Err(stop) => Err(stop),
    }
}

/// Reads the other direction as who writes it: what cannot be read is not written over.
async fn read_theirs(run: &StepRun, writer: &AzureClient, remote: &Remote) -> Result<(), StepError> {
    // Who may not read the network may still read its peerings.
    match writer.peerings(&remote.vnet).await {
        Ok(peerings) => {
            let mut peerings = peerings.into_iter();
            let theirs = peerings.find(|peering| peering.remote_vnet.as_ref() == Some(&run.intent.vnet));
            run.update_state(|facts| (facts.remote_peering, facts.remote_unread) = (theirs, None));
            Ok(())
        }
        Err(error) => match StepError::api("reading the other direction", &error) {
            StepError::Failed(problem)
                if matches!(
                    problem.kind,
                    RunErrorKind::Permission | RunErrorKind::SignIn | RunErrorKind::NotFound
                ) =>
            {
                let hold = for_the_other_side(&run.intent, &run.facts(), remote);
                Err(StepError::blocked(hold, &problem))
            }
            stop => Err(stop),
        },
    }
}

/// Their direction is for someone else to write: this identity may not, or is not known there.
fn is_for_them(problem: &RunError) -> bool {
    match problem.cause {
        ErrorCause::MissingRole => true,
        ErrorCause::Forbidden | ErrorCause::Challenge | ErrorCause::Transient => false,
        ErrorCause::Other => matches!(problem.kind, RunErrorKind::SignIn | RunErrorKind::NotFound),
    }
}

/// Their direction is there, lets traffic through and knows our addresses.
pub fn works(peering: &PeeringBody) -> bool {
    peering.state != PeeringState::Disconnected && peering.allow_virtual_network_access && !stale(peering)
}

fn for_the_other_side(intent: &PeeringIntent, facts: &ObservedState, remote: &Remote) -> ActionRequired {
    let transit = gateways::uses_gateways(intent, facts);
    let why = match transit {
        true => "The other direction has to allow gateway transit before ours can use its gateways.",
        false => "An identity that is known in both tenants and may write there has to write the other direction.",
    };
    ActionRequired {
        who: format!("the operator of {} in tenant {}", remote.vnet.name, remote.tenant),
        why: why.to_owned(),
        packet: az::other_direction(intent, remote, facts.remote_peering.as_ref(), transit),
        answer: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::samples;

    #[test]
    fn two_tenants_keep_existing_peering_permissions() {
        let (intent, facts) = samples::kong_done();
        let mut present = facts.vnet.expect("one").peerings.remove(0);
        present.allow_gateway_transit = true;
        let remote = present.remote_vnet.clone().expect("one");
        present.properties.insert("peerCompleteVnets".to_owned(), false.into());
        let wanted = serde_json::json!(wanted(&remote, intent.peering_settings, Some(&present), None));
        let flags = [
            "allowVirtualNetworkAccess",
            "allowGatewayTransit",
            "allowForwardedTraffic",
            "peerCompleteVnets",
        ];
        let flags = flags.map(|flag| wanted["properties"][flag].as_bool());
        assert_eq!(flags, [Some(true), Some(true), Some(false), Some(false)]);
    }
}
