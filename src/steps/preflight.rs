//! State that only the checks read: in parallel with the reads of the steps, without delaying them. Parts that may not
//! be read are recorded as unread.

use std::collections::BTreeMap;
use std::future::Future;

use futures::future::join_all;
use uuid::Uuid;

use super::StepRun;
use super::eligibility;
use super::own_app;
use super::two_tenants::add_cross_tenant_hints;
use crate::azure::{
    ApiError, AzureIdentity, DenyAssignment, HeldRole, InboundEndpoint, ManagementLock, NetworkInterface,
    NetworkSecurityGroup, PolicyDenial, RolePermission,
};
use crate::domain::{PeeringId, TenantId, VnetId};
use crate::errors::RunError;
use crate::limits;
use crate::plan::{OwnApp, PeeringIntent, StepId};

/// The network service's namespace.
pub const NETWORK: &str = "Microsoft.Network";

/// Something that was looked at, or not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ReadResult<T> {
    /// Nobody asked.
    #[default]
    NotAsked,
    Known(T),
    /// Asked for, and not to be had; the text says why.
    Unreadable(String),
}

impl<T> ReadResult<T> {
    /// The value, where it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::NotAsked | Self::Unreadable(_) => None,
        }
    }
}

impl<T> From<Result<T, ApiError>> for ReadResult<T> {
    fn from(read: Result<T, ApiError>) -> Self {
        match read {
            Ok(value) => Self::Known(value),
            Err(error) => Self::Unreadable(why(&error)),
        }
    }
}

/// Why something cannot be told, in a few words.
fn why(error: &ApiError) -> String {
    match (error.status(), error.code()) {
        (_, Some("MissingSubscriptionRegistration")) => {
            "the subscription is not registered for the provider that would tell".to_owned()
        }
        (Some(403), Some(code)) => format!("this sign-in may not read it ({code})"),
        (_, Some(code)) => format!("{} answers {code}", error.service),
        _ => error.message(),
    }
}

/// Part of the state that can be read for the checks alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PreflightPart {
    /// A token for Graph, and for the other tenant where this sign-in writes there.
    Tokens,
    /// A token for Graph and for the other tenant, for an own application whose credential the operator provides.
    AppTokens,
    /// The operator's directory roles.
    Directory,
    /// The permissions of the operator at the network, if no step reads them.
    RightsHere,
    /// The permissions of the operator at the other tenant's network, if no step reads them.
    RightsAtRemote,
    Locks,
    Policy,
    /// The deny assignments at the network and above it.
    Denials,
    /// The operator's own role assignments at the network, with their conditions.
    Conditions,
    Provider,
    CustomRoles,
    /// The restrictions that app management policies place on the own application.
    AppPolicy,
    /// Applications with the display name of the own one.
    Namesakes,
    /// The inbound endpoints of the network's private DNS resolvers.
    InboundEndpoints,
    /// The existence of the principals of the assignments; read after the assignments.
    Principals,
    /// The network interfaces of the network's subnets, with their security groups; after the network is read.
    Interfaces,
}

impl PreflightPart {
    /// Parts that are read after the steps, because the steps determine where to look.
    pub const AFTER_STEPS: [Self; 2] = [Self::Principals, Self::Interfaces];

    /// Parts that setup reads before its first write, in addition to the reads of its steps: conditions that would make
    /// Azure refuse a write, at the cost of two requests. Parts that require an existing virtual network (the
    /// provider's registration) are not read.
    pub const AT_SETUP: [Self; 5] = [Self::Tokens, Self::Locks, Self::Policy, Self::Denials, Self::AppPolicy];
}

/// A token that the plan takes, and why there is none.
#[derive(Debug, Clone)]
pub struct TokenTry {
    pub tenant: TenantId,
    /// "Microsoft Graph", "Azure Resource Manager".
    pub service: &'static str,
    /// The own application's, not the operator's.
    pub app: Option<Uuid>,
    pub trouble: Option<RunError>,
}

/// Permissions of the operator in the directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DirectoryRead {
    /// Template ids of directory roles.
    pub roles: Vec<Uuid>,
    /// Application permissions of Graph, for an application.
    pub permissions: Vec<String>,
    pub is_user: bool,
}

/// The locks that reach the virtual network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LockRead {
    pub found: Vec<ManagementLock>,
    /// Those of the subscription could not be read.
    pub partly: bool,
}

/// Result of the policy check for the peering.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyRead {
    pub denials: Vec<PolicyDenial>,
    /// The other network is not known yet; one of another subscription stood for it.
    pub assumed: bool,
}

/// The deny assignments that reach the network, and who signed in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DenyAssignmentRead {
    pub found: Vec<DenyAssignment>,
    /// The object ID of the operator.
    pub operator: Uuid,
}

/// The network interfaces of the network, as far as they were read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InterfaceRead {
    pub found: Vec<NetworkInterface>,
    /// The network security groups in front of them.
    pub security_groups: Vec<NetworkSecurityGroup>,
    /// The number of those that were not read: too many, not this sign-in's to read, or of a scale set.
    pub unread: usize,
}

/// State that was read for the checks alone.
#[derive(Debug, Clone, Default)]
pub struct PreflightReads {
    pub tokens: Vec<TokenTry>,
    /// Number of seconds that Azure's clock is ahead of the clock of this computer.
    pub clock_ahead: Option<i64>,
    pub directory: ReadResult<DirectoryRead>,
    pub rights_at_remote: ReadResult<Vec<RolePermission>>,
    pub locks: ReadResult<LockRead>,
    pub policy: ReadResult<PolicyRead>,
    pub denials: ReadResult<DenyAssignmentRead>,
    pub held_roles: ReadResult<Vec<HeldRole>>,
    /// Azure's word for the registration of the network service.
    pub registration: ReadResult<String>,
    /// Number of custom roles that the tenant has, and the maximum number.
    pub custom_roles: ReadResult<(u64, u64)>,
    /// Client ids of applications with the own one's display name.
    pub namesakes: ReadResult<Vec<Uuid>>,
    /// The inbound endpoints of the network's private DNS resolvers.
    pub inbound_endpoints: ReadResult<Vec<InboundEndpoint>>,
    /// Principals with a role at the network that the directory does not know any more.
    pub gone_principals: ReadResult<Vec<Uuid>>,
    pub interfaces: ReadResult<InterfaceRead>,
    /// Errors of steps that could not read their state, if the errors did not end the run.
    pub unread: BTreeMap<StepId, RunError>,
}

/// Reads these parts, all at once, and notes them in the facts.
pub async fn read(run: &StepRun, parts: &[PreflightPart]) {
    join_all(parts.iter().map(|part| read_part(run, *part))).await;
}

async fn read_part(run: &StepRun, part: PreflightPart) {
    let (azure, vnet) = (&run.azure, &run.intent.vnet);
    match part {
        PreflightPart::Tokens => tokens(run).await,
        PreflightPart::AppTokens => app_tokens(run).await,
        PreflightPart::Directory => note(run, directory(run), |preflight| &mut preflight.directory).await,
        PreflightPart::RightsHere => {
            if run.intent.grants().is_empty() {
                let rights = azure.permissions(&vnet.to_string()).await.ok();
                eligibility::read_eligibility(run, rights.as_ref(), eligibility::WRITE_PEERINGS, &vnet.to_string())
                    .await;
                run.update_state(|facts| facts.rights_at_vnet = rights);
            }
        }
        PreflightPart::RightsAtRemote => {
            if let Some((remote, identity)) = own_sign_in_there(run) {
                let (there, remote) = (azure.acting_as(identity, Vec::new()), remote.to_string());
                note(run, there.permissions(&remote), |preflight| {
                    &mut preflight.rights_at_remote
                })
                .await;
            }
        }
        PreflightPart::Locks => note(run, locks(run), |preflight| &mut preflight.locks).await,
        PreflightPart::Policy => note(run, policy(run), |preflight| &mut preflight.policy).await,
        PreflightPart::Provider => {
            let read = azure.registration(vnet.subscription, NETWORK);
            note(run, read, |preflight| &mut preflight.registration).await;
        }
        PreflightPart::Denials => note(run, denials(run), |preflight| &mut preflight.denials).await,
        PreflightPart::Conditions => note(run, held_roles(run), |preflight| &mut preflight.held_roles).await,
        PreflightPart::CustomRoles => {
            let most = azure.cloud().custom_role_limit();
            let count = async { Ok((azure.custom_role_count().await?, most)) };
            note(run, count, |preflight| &mut preflight.custom_roles).await;
        }
        PreflightPart::AppPolicy => {
            if let Some(OwnApp::Made { unique_name, .. }) = &run.intent.own_app {
                let read = tokio::time::timeout(limits::PREFLIGHT, azure.app_restrictions(unique_name)).await;
                // Whoever may not read it learns of it from the refusal of a credential.
                let read = read.map_or_else(|_| ReadResult::NotAsked, ReadResult::from);
                run.update_state(|facts| facts.app_restrictions = read);
            }
        }
        PreflightPart::Namesakes => {
            if let Some(OwnApp::Made { display_name, .. }) = &run.intent.own_app {
                let read = azure.applications_named(display_name);
                note(run, read, |preflight| &mut preflight.namesakes).await;
            }
        }
        PreflightPart::Interfaces => note(run, interfaces(run), |preflight| &mut preflight.interfaces).await,
        PreflightPart::InboundEndpoints => {
            if run.intent.vendor.takes_dns() {
                let read = azure.inbound_endpoints(vnet);
                note(run, read, |preflight| &mut preflight.inbound_endpoints).await;
            }
        }
        PreflightPart::Principals => note(run, gone_principals(run), |preflight| &mut preflight.gone_principals).await,
    }
}

/// Notes what was read, or why it could not be.
async fn note<T, F>(run: &StepRun, read: F, place: fn(&mut PreflightReads) -> &mut ReadResult<T>)
where
    F: Future<Output = Result<T, ApiError>>,
{
    let read = match tokio::time::timeout(limits::PREFLIGHT, read).await {
        Ok(read) => read.into(),
        Err(_) => ReadResult::Unreadable(format!("no answer within {} s", limits::PREFLIGHT.as_secs())),
    };
    run.update_state(|facts| *place(&mut facts.preflight) = read);
}

/// The other tenant's network and the operator's identity there, where the operator writes the peering.
fn own_sign_in_there(run: &StepRun) -> Option<(VnetId, AzureIdentity)> {
    if !run.intent.operator_writes() {
        return None;
    }
    let remote = run.intent.configured_remote()?;
    Some((remote.vnet, run.azure.identity().in_tenant(remote.tenant)))
}

async fn tokens(run: &StepRun) {
    let (cloud, identity, intent) = (run.azure.cloud(), run.azure.identity(), &run.intent);
    let asks_graph =
        intent.own_app.is_some() || intent.vendor_app.as_ref().is_some_and(|app| app.principal_id.is_none());
    let graph = asks_graph.then(|| (intent.tenant, "Microsoft Graph", identity.clone(), cloud.graph_scope()));
    let remote = intent.configured_remote().filter(|_| intent.operator_writes());
    let remote = remote.map(|remote| {
        let there = identity.in_tenant(remote.tenant);
        (remote.tenant, "Azure Resource Manager", there, cloud.arm_scope())
    });
    let tries = graph
        .into_iter()
        .chain(remote)
        .map(|(tenant, service, identity, scope)| async move {
            let refused = identity.token(&scope).await.err();
            let mut trouble = refused.map(|error| RunError::from_api("asking for a token", &error));
            if let Some(trouble) = trouble.as_mut().filter(|_| tenant != intent.tenant) {
                add_cross_tenant_hints(&identity, tenant, trouble);
            }
            TokenTry {
                tenant,
                service,
                app: None,
                trouble,
            }
        });
    let tries = join_all(tries).await;
    run.update_state(|facts| facts.preflight.tokens.extend(tries));
}

/// The own application in both tenants, where its credential is at hand.
async fn app_tokens(run: &StepRun) {
    let Some((app, identity)) = own_app::brought(run) else {
        return;
    };
    let way = &run.intent.vendor.peering;
    let there = run
        .intent
        .configured_remote()
        .map(|remote| remote.tenant)
        .or(way.tenant);
    let tries = std::iter::once(run.intent.tenant).chain(there).map(|tenant| {
        let identity = identity.in_tenant(tenant);
        async move {
            let trouble = identity.token(&run.azure.cloud().arm_scope()).await.err();
            TokenTry {
                tenant,
                service: "Azure Resource Manager",
                app: Some(app),
                trouble: trouble.map(|error| RunError::from_api("signing in as the own application", &error)),
            }
        }
    });
    let tries = join_all(tries).await;
    run.update_state(|facts| facts.preflight.tokens.extend(tries));
}

async fn directory(run: &StepRun) -> Result<DirectoryRead, ApiError> {
    let graph = run.azure.cloud().graph_scope();
    let who = run.azure.identity().who_am_i(&graph).await?;
    let roles = match run.azure.directory_roles(&who).await {
        // The token has them too, as they were when it was issued.
        Err(_) if !who.directory_roles.is_empty() => who.directory_roles.clone(),
        roles => roles?,
    };
    Ok(DirectoryRead {
        roles,
        permissions: who.permissions,
        is_user: who.is_user,
    })
}

/// One list of the subscription's has those of its groups and networks too; who may not read that one asks for those.
async fn locks(run: &StepRun) -> Result<LockRead, ApiError> {
    let vnet = &run.intent.vnet;
    let (subscription, id) = (vnet.subscription_scope(), vnet.to_string());
    let (found, partly) = match run.azure.locks(&subscription).await {
        Err(error) if error.status() == Some(403) => {
            let group = format!("{subscription}/resourceGroups/{}", vnet.resource_group);
            let (group, own) = tokio::join!(run.azure.locks(&group), run.azure.locks(&id));
            let mut found = own?;
            found.extend(group.unwrap_or_default());
            (found, true)
        }
        found => (found?, false),
    };
    let mut found: Vec<ManagementLock> = found.into_iter().filter(|lock| reaches(&lock.scope, &id)).collect();
    // A list may hold what is above its scope, and then both lists have it.
    found.sort_by(|one, other| (&one.scope, &one.name).cmp(&(&other.scope, &other.name)));
    found.dedup();
    Ok(LockRead { found, partly })
}

async fn denials(run: &StepRun) -> Result<DenyAssignmentRead, ApiError> {
    let vnet = run.intent.vnet.to_string();
    let (found, who) = tokio::join!(run.azure.deny_assignments(&vnet), run.azure.who_am_i());
    Ok(DenyAssignmentRead {
        found: found?,
        operator: who?.object_id,
    })
}

async fn held_roles(run: &StepRun) -> Result<Vec<HeldRole>, ApiError> {
    let who = run.azure.who_am_i().await?;
    run.azure.held_roles(&run.intent.vnet.to_string(), who.object_id).await
}

/// Returns whether a setting at `scope` applies to `id`: the two are the same, or `id` lies below `scope`.
fn reaches(scope: &str, id: &str) -> bool {
    let (scope, id) = (scope.trim_end_matches('/').to_lowercase(), id.to_lowercase());
    id.strip_prefix(&scope)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

async fn policy(run: &StepRun) -> Result<PolicyRead, ApiError> {
    let intent = &run.intent;
    let known = intent.configured_remote().map(|remote| remote.vnet);
    let (remote, assumed) = match known {
        Some(remote) => (remote, false),
        None => (somewhere_else(intent), true),
    };
    let peering = PeeringId {
        vnet: intent.vnet.clone(),
        name: intent.default_peering_name(),
    };
    let denials = run.azure.policy_denials(&peering, &remote).await?;
    Ok(PolicyRead { denials, assumed })
}

/// A network of a subscription that is not ours: what policies on peerings ask about.
fn somewhere_else(intent: &PeeringIntent) -> VnetId {
    VnetId {
        subscription: Uuid::nil(),
        resource_group: "remote".to_owned(),
        name: intent.vendor.id.clone(),
    }
}

/// Reads what may be read: what is missing is counted, and no error.
async fn interfaces(run: &StepRun) -> Result<InterfaceRead, ApiError> {
    let facts = run.facts();
    let subnets = facts.vnet.iter().flat_map(|vnet| &vnet.subnets);
    let ids: Vec<&String> = subnets.flat_map(|subnet| &subnet.interfaces).collect();
    let reads = ids
        .iter()
        .take(limits::INTERFACES)
        .map(|id| run.azure.network_interface(id));
    let read = join_all(reads).await;
    let found: Vec<NetworkInterface> = read.into_iter().filter_map(|one| one.ok().flatten()).collect();
    let mut wanted: Vec<&String> = found
        .iter()
        .filter_map(|one| one.network_security_group.as_ref())
        .collect();
    wanted.sort_unstable();
    wanted.dedup();
    let groups = join_all(wanted.into_iter().map(|id| run.azure.network_security_group(id))).await;
    Ok(InterfaceRead {
        unread: ids.len() - found.len(),
        found,
        security_groups: groups.into_iter().filter_map(|one| one.ok().flatten()).collect(),
    })
}

async fn gone_principals(run: &StepRun) -> Result<Vec<Uuid>, ApiError> {
    let facts = run.facts();
    let mut ids: Vec<Uuid> = facts
        .assignments_at(&run.intent.vnet)
        .map(|assignment| assignment.principal)
        .collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Ok(ids);
    }
    let known = run.azure.known_objects(&ids).await?;
    ids.retain(|id| !known.contains(id));
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preflight_lock_applies_below_scope() {
        let vnet = "/subscriptions/A/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v";
        let table = [
            ("/subscriptions/a", true),
            ("/subscriptions/a/resourcegroups/RG", true),
            (vnet, true),
            ("/subscriptions/a/resourceGroups/rg2", false),
            ("/subscriptions/a/resourceGroups/r", false),
        ];
        for (scope, expected) in table {
            assert_eq!(reaches(scope, vnet), expected, "{scope}");
        }
    }
}
