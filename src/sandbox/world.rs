//! The state of everything: directories, subscriptions, networks, roles, and what is still to happen.

mod directory;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use ipnet::IpNet;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use uuid::Uuid;

use super::arm::InterfaceBody;
use super::budgets::{BudgetLimits, RateBudgets};
use super::entra::DeviceSignIns;
use super::estate::SandboxEstate;
use super::ids::IdGenerator;
use super::journal::SandboxLog;
use super::message::{IncomingRequest, SandboxResponse};
use super::timing::{Lag, WorldTiming};
use super::vendors::aiven::SandboxAiven;
use super::vendors::dragonfly::SandboxDragonfly;
use super::vendors::kong::{self, SandboxKonnect};
use super::vendors::reciprocal::{self, ReciprocalLink};
use super::{arm, router};
pub(super) use directory::{
    AppPolicy, ApplicationRecord, DeletedRecord, FederatedCredential, KeyCredential, PasswordCredential,
    PrincipalRecord, SignInAudience, TenantRecord, UserRecord,
};

/// Time at which an object was created: before the world began, or at an offset from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CreatedAt {
    Always,
    At(Duration),
}

impl CreatedAt {
    /// Returns whether `lag` has passed since then.
    pub(super) fn passed(self, lag: Duration, now: Duration) -> bool {
        match self {
            Self::Always => true,
            Self::At(at) => at + lag <= now,
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct SubscriptionRecord {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) tenant: Uuid,
    /// `Enabled`, `PastDue`, `Warned`, `Disabled`, `Expired` or `DeletedRecord`.
    pub(super) state: String,
}

#[derive(Debug, Clone)]
pub(super) struct ResourceGroup {
    pub(super) subscription: Uuid,
    pub(super) name: String,
    pub(super) location: String,
}

impl ResourceGroup {
    pub(super) fn id(&self) -> String {
        format!("/subscriptions/{}/resourceGroups/{}", self.subscription, self.name)
    }
}

#[derive(Debug, Clone)]
pub(super) struct VnetRecord {
    pub(super) id: String,
    pub(super) subscription: Uuid,
    pub(super) tenant: Uuid,
    pub(super) name: String,
    pub(super) location: String,
    /// An object, or nothing.
    pub(super) tags: Value,
    pub(super) prefixes: Vec<IpNet>,
    pub(super) dns_servers: Vec<String>,
    pub(super) subnets: Vec<SubnetRecord>,
    pub(super) peerings: Vec<PeeringRecord>,
    /// The last write failed; the next one mends it.
    pub(super) failed: bool,
    /// Counts the writes; the etag follows from it.
    pub(super) version: u32,
}

#[derive(Debug, Clone)]
pub(super) struct SubnetRecord {
    pub(super) name: String,
    pub(super) prefixes: Vec<IpNet>,
    /// The id of its network security group.
    pub(super) security_group: Option<String>,
    /// The id of its route table.
    pub(super) route_table: Option<String>,
}

/// One direction of a peering, on the network that owns it.
#[derive(Debug, Clone)]
pub(super) struct PeeringRecord {
    pub(super) name: String,
    /// The remote network's id, as the client wrote it.
    pub(super) remote: String,
    pub(super) state: PeeringStatus,
    pub(super) settings: PeeringSettingsRecord,
    /// The remote address space as of the last sync.
    pub(super) known: Vec<IpNet>,
    /// Time at which the last write is done; the state is `Updating` until then.
    pub(super) settled: CreatedAt,
    pub(super) deleting: bool,
    /// Other properties that the writer specified: the names of the subnets if only parts of the networks are peered,
    /// and properties that the service does not know.
    pub(super) others: Map<String, Value>,
    pub(super) version: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PeeringStatus {
    Initiated,
    Connected,
    Disconnected,
}

/// The settings of a peering that its writer chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PeeringSettingsRecord {
    pub(super) access: bool,
    pub(super) forwarded: bool,
    pub(super) gateway_transit: bool,
    pub(super) use_gateways: bool,
    pub(super) unverified_gateways: bool,
    pub(super) complete: bool,
}

#[derive(Debug, Clone)]
pub(super) struct SecurityGroup {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) location: String,
    pub(super) rules: Vec<Value>,
}

#[derive(Debug, Clone)]
pub(super) struct LockRecord {
    pub(super) name: String,
    pub(super) scope: String,
    /// `CanNotDelete` or `ReadOnly`.
    pub(super) level: String,
    pub(super) notes: Option<String>,
}

/// A policy with effect deny on peerings.
#[derive(Debug, Clone)]
pub(super) struct PolicyAssignment {
    pub(super) name: String,
    pub(super) scope: String,
    pub(super) definition: String,
    /// Only peerings with networks of another subscription.
    pub(super) cross_subscription: bool,
    /// Only peerings with networks of this subscription.
    pub(super) with: Option<Uuid>,
}

#[derive(Debug, Clone)]
pub(super) struct RouteTableRecord {
    pub(super) id: String,
    pub(super) location: String,
    pub(super) routes: Vec<serde_json::Value>,
}

/// A private DNS resolver of a virtual network.
#[derive(Debug, Clone)]
pub(super) struct DnsResolver {
    pub(super) id: String,
    pub(super) location: String,
    /// The network's id.
    pub(super) vnet: String,
    pub(super) endpoints: Vec<InboundEndpointRecord>,
}

/// An address at which a resolver answers.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InboundEndpointRecord {
    pub(super) name: String,
    /// The subnet's name.
    pub(super) subnet: String,
    pub(super) address: std::net::IpAddr,
}

/// A management group with the subscriptions below it.
#[derive(Debug, Clone)]
pub(super) struct ManagementGroup {
    pub(super) name: String,
    pub(super) tenant: Uuid,
    pub(super) subscriptions: Vec<Uuid>,
}

impl ManagementGroup {
    pub(super) fn id(&self) -> String {
        format!("/providers/Microsoft.Management/managementGroups/{}", self.name)
    }
}

/// A deny assignment, which Azure or a managed application creates.
#[derive(Debug, Clone)]
pub(super) struct DenyAssignmentRecord {
    pub(super) guid: Uuid,
    pub(super) tenant: Uuid,
    pub(super) name: String,
    pub(super) scope: String,
    pub(super) permission: PermissionRecord,
    /// Object IDs; none for everyone.
    pub(super) principals: Vec<Uuid>,
    pub(super) excluded: Vec<Uuid>,
}

/// A role that its holder has to activate in Privileged Identity Management.
#[derive(Debug, Clone)]
pub(super) struct RoleEligibility {
    pub(super) guid: Uuid,
    pub(super) tenant: Uuid,
    pub(super) scope: String,
    pub(super) role: Uuid,
    pub(super) principal: Uuid,
}

/// A role definition; the built-in ones belong to every tenant.
#[derive(Debug, Clone)]
pub(super) struct DefinitionRecord {
    pub(super) guid: Uuid,
    /// `None` for a built-in role.
    pub(super) tenant: Option<Uuid>,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) permissions: Vec<PermissionRecord>,
    pub(super) scopes: Vec<String>,
    pub(super) since: CreatedAt,
    /// Time of the last write.
    pub(super) updated: CreatedAt,
    pub(super) author: Option<Uuid>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PermissionRecord {
    pub(super) actions: Vec<String>,
    pub(super) not_actions: Vec<String>,
    pub(super) data_actions: Vec<String>,
    pub(super) not_data_actions: Vec<String>,
}

#[derive(Debug, Clone)]
pub(super) struct AssignmentRecord {
    pub(super) guid: Uuid,
    pub(super) tenant: Uuid,
    pub(super) scope: String,
    pub(super) role: Uuid,
    /// The definition's id as the client wrote it: az compares it letter by letter.
    pub(super) role_id: String,
    pub(super) principal: Uuid,
    pub(super) principal_type: String,
    pub(super) description: Option<String>,
    /// `condition` and `conditionVersion`; a condition is applied to the writing of role assignments.
    pub(super) condition: [Option<String>; 2],
    pub(super) since: CreatedAt,
    pub(super) author: Option<Uuid>,
}

impl AssignmentRecord {
    pub(super) fn id(&self) -> String {
        let scope = if self.scope == "/" { "" } else { &self.scope };
        format!(
            "{scope}/providers/Microsoft.Authorization/roleAssignments/{}",
            self.guid
        )
    }
}

/// A long-running operation.
#[derive(Debug, Clone)]
pub(super) struct OperationRecord {
    pub(super) done: Duration,
    /// Resource that the operation works on, in lower case.
    pub(super) target: String,
    pub(super) kind: &'static str,
}

/// Event that is still to happen.
#[derive(Debug, Clone)]
pub(super) enum WorldEvent {
    /// A deleted peering goes.
    PeeringGone { vnet: String, name: String },
    /// Kong's control plane does its next piece of work.
    Kong(kong::GatewayWork),
    /// Aiven's or Dragonfly's does its next piece of work on a link.
    Link(reciprocal::LinkWork),
}

/// The state of everything.
#[derive(Debug, Clone)]
pub(super) struct SandboxWorld {
    /// The wall time at which it began.
    pub(super) started: OffsetDateTime,
    /// Time since the world began: the time of the request or event that is being processed.
    pub(super) now: Duration,
    pub(super) timing: WorldTiming,
    pub(super) ids: IdGenerator,
    pub(super) journal: SandboxLog,
    pub(super) budgets: RateBudgets,
    pub(super) page_size: usize,
    pub(super) signing_key: Vec<u8>,
    pub(super) tenants: Vec<TenantRecord>,
    pub(super) applications: Vec<ApplicationRecord>,
    pub(super) principals: Vec<PrincipalRecord>,
    pub(super) deleted_applications: Vec<DeletedRecord<ApplicationRecord>>,
    pub(super) deleted_principals: Vec<DeletedRecord<PrincipalRecord>>,
    pub(super) app_policy: AppPolicy,
    pub(super) users: Vec<UserRecord>,
    pub(super) sign_ins: DeviceSignIns,
    pub(super) subscriptions: Vec<SubscriptionRecord>,
    /// Subscriptions whose tenant is not named to who comes without a token.
    pub(super) nameless: BTreeSet<Uuid>,
    pub(super) groups: Vec<ResourceGroup>,
    /// By id in lower case.
    pub(super) vnets: BTreeMap<String, VnetRecord>,
    pub(super) security_groups: Vec<SecurityGroup>,
    pub(super) interfaces: Vec<InterfaceBody>,
    pub(super) locks: Vec<LockRecord>,
    pub(super) policies: Vec<PolicyAssignment>,
    /// Subscription, provider, state; what is not in it is registered.
    pub(super) registrations: Vec<(Uuid, String, String)>,
    pub(super) route_tables: Vec<RouteTableRecord>,
    pub(super) dns_resolvers: Vec<DnsResolver>,
    pub(super) definitions: Vec<DefinitionRecord>,
    pub(super) management_groups: Vec<ManagementGroup>,
    pub(super) denials: Vec<DenyAssignmentRecord>,
    pub(super) eligibilities: Vec<RoleEligibility>,
    pub(super) assignments: Vec<AssignmentRecord>,
    pub(super) operations: BTreeMap<Uuid, OperationRecord>,
    pub(super) konnect: SandboxKonnect,
    pub(super) aiven: SandboxAiven,
    pub(super) dragonfly: SandboxDragonfly,
    /// Links that Aiven and Dragonfly create.
    pub(super) links: Vec<ReciprocalLink>,
    /// By time, then by the order in which they were planned.
    events: BTreeMap<(Duration, u64), WorldEvent>,
    planned: u64,
}

impl SandboxWorld {
    pub(super) fn new(estate: &SandboxEstate, seed: u64, lag: Lag, page_size: usize, limits: BudgetLimits) -> Self {
        let mut world = Self {
            started: OffsetDateTime::now_utc(),
            now: Duration::ZERO,
            timing: WorldTiming::from(lag),
            ids: IdGenerator::new(seed),
            journal: SandboxLog::default(),
            budgets: RateBudgets::new(limits),
            page_size: page_size.max(1),
            signing_key: format!("peerctl sandbox signing key {seed}").into_bytes(),
            tenants: Vec::new(),
            applications: Vec::new(),
            principals: Vec::new(),
            deleted_applications: Vec::new(),
            deleted_principals: Vec::new(),
            app_policy: AppPolicy::default(),
            users: Vec::new(),
            sign_ins: DeviceSignIns::default(),
            subscriptions: Vec::new(),
            nameless: BTreeSet::new(),
            groups: Vec::new(),
            vnets: BTreeMap::new(),
            security_groups: Vec::new(),
            interfaces: Vec::new(),
            locks: Vec::new(),
            policies: Vec::new(),
            registrations: Vec::new(),
            route_tables: Vec::new(),
            dns_resolvers: Vec::new(),
            definitions: arm::builtin_roles(),
            management_groups: Vec::new(),
            denials: Vec::new(),
            eligibilities: Vec::new(),
            assignments: Vec::new(),
            operations: BTreeMap::new(),
            konnect: SandboxKonnect::default(),
            aiven: SandboxAiven::default(),
            dragonfly: SandboxDragonfly::default(),
            links: Vec::new(),
            events: BTreeMap::new(),
            planned: 0,
        };
        estate.build(&mut world);
        world
    }

    /// The wall time now.
    pub(super) fn wall_clock(&self) -> OffsetDateTime {
        self.started + self.now
    }

    /// Plans an event for `after` from now.
    pub(super) fn plan(&mut self, after: Duration, event: WorldEvent) {
        self.planned += 1;
        self.events.insert((self.now + after, self.planned), event);
    }

    /// Lets everything happen that is due at `now`, in order of time.
    pub(super) fn settle(&mut self, now: Duration) {
        while let Some(entry) = self.events.first_entry() {
            let due = entry.key().0;
            if due > now {
                break;
            }
            let event = entry.remove();
            self.now = self.now.max(due);
            match event {
                WorldEvent::PeeringGone { vnet, name } => arm::finish_delete(self, &vnet, &name),
                WorldEvent::Kong(work) => kong::work(self, work),
                WorldEvent::Link(work) => reciprocal::work(self, work),
            }
        }
        self.now = self.now.max(now);
    }

    /// Answers a request that a vendor's control plane makes: the same routes, the same checks, logged as the actor's.
    pub(super) fn call(&mut self, actor: &'static str, request: Request<Bytes>) -> SandboxResponse {
        let incoming = IncomingRequest::new(request);
        let service = router::service(&incoming);
        let answer = router::answer(self, service, &incoming);
        let now = self.now;
        self.journal
            .record(now, service, &incoming, Some(&answer), Some(actor), None);
        answer
    }

    pub(super) fn subscription(&self, id: Uuid) -> Option<&SubscriptionRecord> {
        self.subscriptions.iter().find(|subscription| subscription.id == id)
    }

    pub(super) fn vnet(&self, id: &str) -> Option<&VnetRecord> {
        self.vnets.get(&id.to_ascii_lowercase())
    }
}
