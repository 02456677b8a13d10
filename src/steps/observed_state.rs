//! State that has been read so far. Decisions are based only on it and on the intent.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;
use tokio::time::Instant;
use uuid::Uuid;

use super::role_choice::{choose, extra_actions, missing_actions};
use super::{PreflightReads, ReadResult};
use crate::azure::{
    AppAccess, AppRegistration, AppRestrictions, EligibleRole, NetworkSecurityGroup, PeeringBody, RoleAssignment,
    RoleDefinition, RolePermission, RouteTable, ServicePrincipal, SubscriptionInfo, VirtualNetwork, allowed,
};
use crate::domain::{PeeringState, SubscriptionId, SyncLevel, TenantId, VnetId};
use crate::limits;
use crate::plan::{ActionRequired, OwnApp, PeeringIntent, Remote, RoleGrant, RoleGrantee, StepId};
use crate::vendors::{RequestPhase, VendorNetwork, VendorRequest};

/// Built-in roles that hold every action of a peering: Owner, Contributor, Network Contributor.
const WIDE_ROLES: [(Uuid, &str); 3] = [
    (Uuid::from_u128(0x8e3af657_a8ff_443c_a75c_2fe8c4bcb635), "Owner"),
    (Uuid::from_u128(0xb24988ac_6180_42a0_ab88_20f7382dd24c), "Contributor"),
    (
        Uuid::from_u128(0x4d97b98b_1d4f_4787_a291_c67834d212e7),
        "Network Contributor",
    ),
];

/// State that has been read.
#[derive(Debug, Clone, Default)]
pub struct ObservedState {
    /// Time at which all existing resources were read.
    pub read_at: Option<Instant>,
    /// The steps whose writes are accepted and not seen yet: that they are not to be read says nothing.
    pub unconfirmed: BTreeSet<StepId>,
    /// Ids of roles that Azure was asked for by id, and does not have.
    pub absent_roles: BTreeSet<Uuid>,
    /// Names of the network's peerings, in small letters, that runs beside this one have taken.
    pub names_beside: BTreeSet<String>,
    /// The steps that this sign-in may not read.
    pub unread: BTreeSet<StepId>,
    /// The vendor's service principal in the customer's tenant.
    pub principal: Option<ServicePrincipal>,
    /// The object id that the operator gave is not that of the vendor's service principal; looked at only where things
    /// are removed.
    pub principal_is_anothers: bool,
    /// Principals with an assignment of setup that are no longer in the directory; read only where resources are
    /// removed.
    pub gone_principals: BTreeSet<Uuid>,
    /// Scopes beyond the network's subscription in which the vendor's service principal has, or may have, roles; read
    /// only where it is to be removed.
    pub principal_elsewhere: Vec<String>,
    /// Scopes beyond the network's subscription in which the service principal of the own application that setup
    /// created has, or may have, roles; read only where it is to be removed.
    pub own_principal_elsewhere: Vec<String>,
    /// Other principals that can sign in as the own application or change it; read if this run did not create it.
    pub own_app_access: Option<AppAccess>,
    /// Why that could not be read, in a word of Graph's.
    pub own_app_access_unread: Option<String>,
    /// The object ID of whoever signed in.
    pub signed_in_as: Option<Uuid>,
    /// An application of setup's unique name that was deleted within the last thirty days.
    pub deleted_app: Option<AppRegistration>,
    /// This sign-in may not delete it for good.
    pub own_app_stays_restorable: bool,
    /// Restrictions that policies place on the own application.
    pub app_restrictions: ReadResult<AppRestrictions>,
    /// The time by Azure's clock when the own application was read.
    pub service_time: Option<OffsetDateTime>,
    /// The directory may not be read: whether there is a service principal is not known.
    pub directory_is_closed: bool,
    /// The customer's own application, and its service principal in the customer's tenant.
    pub own_app: Option<AppRegistration>,
    pub own_principal: Option<ServicePrincipal>,
    /// The own application was made in this run.
    pub own_app_is_new: bool,
    /// The runs on this machine that have ended and left a credential on the own application.
    pub ended_runs: BTreeSet<Uuid>,
    /// A credential of the own application's was asked for in this run.
    pub credential_made: bool,
    /// The answer to such a question was lost: there may be one whose id nobody knows.
    pub credential_in_doubt: bool,
    /// Custom roles that can be assigned at the virtual network.
    pub roles: Vec<RoleDefinition>,
    /// Roles of a wanted name that can be assigned in other subscriptions only.
    pub roles_elsewhere: Vec<RoleDefinition>,
    /// The assignments of roles that lack actions, wherever they can be assigned; `None` where they cannot be read.
    pub role_holders: BTreeMap<Uuid, Option<Vec<RoleAssignment>>>,
    /// Names, in small letters, that Azure refused to give a role: another role has them, which cannot be seen.
    pub taken_role_names: BTreeSet<String>,
    /// Roles that the operator can activate, by an action that is missing and that they allow.
    pub eligible_roles: BTreeMap<&'static str, Vec<EligibleRole>>,
    /// Roles that Azure refuses to change, and the assignable scope that was deleted.
    pub deleted_scopes: BTreeMap<Uuid, String>,
    /// Role assignments at the virtual network and above.
    pub assignments: Vec<RoleAssignment>,
    /// Every role assignment in the subscription; read only where things are removed.
    pub assignments_below: Vec<RoleAssignment>,
    /// Only those at the network could be read: who else in the subscription has a role is not known.
    pub assignments_are_hidden: bool,
    /// Permissions of the operator at the virtual network; `None` if they could not be read.
    pub rights_at_vnet: Option<Vec<RolePermission>>,
    /// Permissions of the operator at the subscription; `None` if they could not be read.
    pub rights_at_subscription: Option<Vec<RolePermission>>,
    pub vnet: Option<VirtualNetwork>,
    /// The network security groups of the network's subnets.
    pub security_groups: Vec<NetworkSecurityGroup>,
    /// The subscriptions that the operator sees in the customer's tenant.
    pub own_subscriptions: Vec<SubscriptionId>,
    /// The virtual network's subscription, where the operator sees it.
    pub subscription: Option<SubscriptionInfo>,
    /// The other network's, where this operator writes there too.
    pub remote_subscription: Option<SubscriptionInfo>,
    /// The tenants of the subscriptions behind the network's peerings, where Azure says.
    pub remote_tenants: BTreeMap<SubscriptionId, TenantId>,
    pub network: Option<VendorNetwork>,
    pub request: Option<VendorRequest>,
    /// The request was there and is not any more.
    pub request_is_gone: bool,
    /// Peerings that were there when the run began: not the vendor's, unless something says so.
    pub earlier_peerings: Vec<String>,
    /// The local peering that this run deleted: the one that takes its place gets its settings.
    pub former_peering: Option<PeeringBody>,
    /// Our direction was made anew in this run, and whoever configures the vendor's has to have it made anew, too.
    pub entered_anew: Option<ActionRequired>,
    /// The other side's direction, where this operator may read it.
    pub remote_peering: Option<PeeringBody>,
    /// Why the other side's network could not be read, in a word of Azure's: whether there is a direction is not known.
    pub remote_unread: Option<String>,
    /// The other side's network, where this operator may read it.
    pub remote_vnet: Option<VirtualNetwork>,
    /// Azure says that the other side's network does not exist.
    pub remote_absent: bool,
    /// The networks of its resource group that this operator sees, where it is not among them.
    pub remote_siblings: Vec<String>,
    /// The values for the vendor's console were shown in this run.
    pub handed_over: bool,
    /// The route tables of the network's subnets.
    pub route_tables: Vec<RouteTable>,
    /// State that only the checks read.
    pub preflight: PreflightReads,
}

impl ObservedState {
    /// Returns whether everything was read so recently that a change by others in between is very unlikely: no question
    /// was asked since.
    pub fn are_fresh(&self) -> bool {
        self.read_at.is_some_and(|at| at.elapsed() < limits::OBSERVATION_TTL)
    }

    /// Returns whether the operator may do `action` at that scope; if unknown, the answer is yes, because Azure
    /// decides.
    pub fn may(rights: Option<&Vec<RolePermission>>, action: &str) -> bool {
        rights.is_none_or(|rights| allowed(rights, action))
    }

    /// The object id of who gets the grant.
    pub fn grantee(&self, grant: &RoleGrant) -> Option<Uuid> {
        match grant.to {
            RoleGrantee::Vendor => self.principal.as_ref().map(|principal| principal.id),
            RoleGrantee::OwnApp => self.own_principal.as_ref().map(|principal| principal.id),
        }
    }

    /// The existing role for a grant, where one may be used.
    pub fn role(&self, intent: &PeeringIntent, grant: &RoleGrant) -> Option<&RoleDefinition> {
        choose(intent, self, grant).existing()
    }

    /// The number of the role's assignments beside the grantee's own at the network; `None` where it is not known.
    pub fn other_holders(&self, intent: &PeeringIntent, grant: &RoleGrant, role: &RoleDefinition) -> Option<usize> {
        let (grantee, vnet) = (self.grantee(grant), intent.vnet.to_string());
        let is_own = |one: &&RoleAssignment| Some(one.principal) == grantee && one.scope.eq_ignore_ascii_case(&vnet);
        let holders = self.role_holders.get(&role.guid)?.as_ref()?;
        Some(holders.iter().filter(|one| !is_own(one)).count())
    }

    /// Returns whether the role can be assigned at the virtual network as it is.
    pub fn is_assignable(&self, role: &RoleDefinition) -> bool {
        self.roles.iter().any(|here| here.guid == role.guid)
    }

    /// The assignment that fulfils the grant (once the grant's role is as it should be), and its role's name. The
    /// grant's own role comes first, then the role with the fewest rights beyond it.
    pub fn assignment(&self, intent: &PeeringIntent, grant: &RoleGrant) -> Option<(&RoleAssignment, String)> {
        let granted = self.role(intent, grant).map(|role| role.guid);
        let enough = self.assigned_roles(grant).filter(|(assignment, _, role)| {
            let is_granted = granted == Some(assignment.role);
            is_granted || role.is_none_or(|role| missing_actions(role, grant).is_empty())
        });
        let cost = |(assignment, _, role): &(&RoleAssignment, String, Option<&RoleDefinition>)| {
            let extra = role.map_or(usize::MAX, |role| extra_actions(role, grant).len());
            (granted != Some(assignment.role), extra, assignment.name.clone())
        };
        let best = enough.min_by_key(cost);
        best.map(|(assignment, name, _)| (assignment, name))
    }

    /// The assignments by which the grantee has more rights at the network than the grant: the role's name, and what it
    /// allows beyond the grant.
    pub fn excess_rights(&self, grant: &RoleGrant) -> Vec<(&RoleAssignment, String, String)> {
        let excess = self.assigned_roles(grant).filter_map(|(assignment, name, role)| {
            if grant.built_in == Some(assignment.role) {
                return None;
            }
            let extra = role.map_or_else(
                || vec!["every action of networks".to_owned()],
                |role| extra_actions(role, grant),
            );
            (!extra.is_empty()).then(|| (assignment, name, extra.join(", ")))
        });
        excess.collect()
    }

    /// The grantee's assignments at the network and above of roles that are known: a wide built-in role, or a custom one.
    fn assigned_roles(
        &self,
        grant: &RoleGrant,
    ) -> impl Iterator<Item = (&RoleAssignment, String, Option<&RoleDefinition>)> {
        let (grantee, built_in) = (self.grantee(grant), grant.built_in.is_some());
        let own = self.assignments.iter();
        let own = own.filter(move |assignment| Some(assignment.principal) == grantee);
        own.filter_map(move |assignment| {
            let wide = WIDE_ROLES.iter().find(|(guid, _)| *guid == assignment.role);
            if let Some((_, name)) = wide {
                return Some((assignment, (*name).to_owned(), None));
            }
            // A built-in role that was asked for by name is no custom one.
            let mut customs = self.roles.iter().filter(|_| !built_in);
            let role = customs.find(|role| role.guid == assignment.role)?;
            Some((assignment, role.name.clone(), Some(role)))
        })
    }

    /// The role assignments at the virtual network itself, not those above.
    pub fn assignments_at(&self, vnet: &VnetId) -> impl Iterator<Item = &RoleAssignment> {
        let scope = vnet.to_string();
        let own = self.assignments.iter();
        own.filter(move |assignment| assignment.scope.eq_ignore_ascii_case(&scope))
    }

    /// The other side's network, where it is known: the vendor's API says it, or the inputs.
    pub fn known_remote(&self, intent: &PeeringIntent) -> Option<Remote> {
        self.request
            .as_ref()
            .and_then(|request| request.remote.clone())
            .or_else(|| intent.configured_remote())
    }

    /// That nothing is known of the other direction, and why; `None` where it was read, or nobody tried.
    pub fn theirs_is_unread(&self) -> Option<String> {
        let why = self.remote_unread.as_ref()?;
        Some(format!("the other direction could not be read ({why})"))
    }

    /// The name that our direction gets: a number is added where the network has a peering of that name with another
    /// network already (two VPCs of one vendor, say). A name that was given stays as it is.
    pub fn free_peering_name(&self, intent: &PeeringIntent) -> String {
        let remote = self.known_remote(intent).map(|remote| remote.vnet);
        if let Some(former) = self
            .former_peering
            .as_ref()
            .filter(|former| former.remote_vnet == remote)
        {
            return former.id.name.clone();
        }
        let name = intent.default_peering_name();
        let taken = |name: &str| {
            let peerings = self.vnet.iter().flat_map(|vnet| &vnet.peerings);
            let mut same = peerings.filter(|peering| peering.id.name.eq_ignore_ascii_case(name));
            let beside = self.names_beside.contains(&name.to_lowercase());
            beside || same.any(|peering| remote.is_some() && peering.remote_vnet != remote)
        };
        if intent.peering_name.is_some() || !taken(&name) {
            return name;
        }
        let numbered = (2..1000).map(|number| format!("{}-{number}", name.chars().take(76).collect::<String>()));
        numbered.into_iter().find(|name| !taken(name)).unwrap_or(name)
    }

    /// Returns the display name of the principal that gets the grant: an own application has its actual name.
    pub fn called<'a>(&'a self, grant: &'a RoleGrant) -> &'a str {
        match (grant.to, &self.own_app) {
            (RoleGrantee::OwnApp, Some(app)) => &app.display_name,
            _ => &grant.application,
        }
    }

    /// The vendor's request is under way for another application than the one that is ours to write with.
    pub fn request_is_anothers(&self, intent: &PeeringIntent) -> bool {
        let ours = match (&self.own_app, &intent.own_app) {
            (Some(app), _) => Some(app.app_id),
            (None, Some(OwnApp::Given(id))) => Some(*id),
            (None, _) => None,
        };
        let under_way =
            |request: &&VendorRequest| matches!(request.phase, RequestPhase::Pending | RequestPhase::UserAction);
        let named = self
            .request
            .as_ref()
            .filter(under_way)
            .and_then(|request| request.own_app);
        intent.own_app.is_some() && !self.directory_is_closed && named.is_some() && named != ours
    }
}

/// Why this direction does not carry traffic yet; `None` where it does.
pub fn not_working(peering: &PeeringBody) -> Option<String> {
    if peering.state != PeeringState::Connected {
        return Some(format!("its state is {}", peering.state));
    }
    if peering.sync_level != SyncLevel::FullyInSync {
        return Some(format!("its sync level is {}", peering.sync_level));
    }
    (!peering.allow_virtual_network_access).then(|| "access to the remote network is switched off".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::samples::{kong_done, peering};

    #[test]
    fn observed_peering_numbered_when_name_taken() {
        let (mut intent, mut facts) = kong_done();
        let theirs = VnetId::new(Uuid::from_u128(0xf00), "theirs", "vnet-vendor").expect("good names");
        let tenant = Uuid::from_u128(0x1c0);
        facts.request.as_mut().expect("one").remote = Some(Remote { tenant, vnet: theirs });
        intent.vendor.peering.name = Some("{vnet}-peering".into());
        let mut name = |taken: &[&str]| {
            let peerings = taken.iter().map(|name| peering(&intent, name, 0x50b, "10.9.0.0/16"));
            facts.vnet.as_mut().expect("one").peerings = peerings.collect();
            facts.free_peering_name(&intent)
        };
        assert_eq!(name(&["another"]), "vnet-app-peering");
        assert_eq!(name(&["VNET-APP-peering"]), "vnet-app-peering-2");
        assert_eq!(name(&["vnet-app-peering", "vnet-app-peering-2"]), "vnet-app-peering-3");
        intent.peering_name = Some("vnet-app-peering".into());
        assert_eq!(facts.free_peering_name(&intent), "vnet-app-peering");
    }

    #[test]
    fn observed_request_for_other_application_foreign() {
        let (mut intent, mut facts) = kong_done();
        facts.own_app = Some(crate::steps::samples::own_app(Vec::new()));
        intent.own_app = Some(OwnApp::Given(Uuid::from_u128(0xa1)));
        let mut anothers = |own_app: Option<u128>, phase: RequestPhase| {
            let request = facts.request.as_mut().expect("one");
            (request.own_app, request.phase) = (own_app.map(Uuid::from_u128), phase);
            facts.request_is_anothers(&intent)
        };
        assert!(!anothers(Some(0xa1), RequestPhase::UserAction));
        assert!(anothers(Some(0xa2), RequestPhase::UserAction));
        assert!(!anothers(None, RequestPhase::UserAction), "an API that does not tell");
        assert!(
            !anothers(Some(0xa2), RequestPhase::Ready),
            "a link that works stays as it is"
        );
    }

    #[test]
    fn observed_exact_role_assignment_preferred() {
        let (intent, mut facts) = kong_done();
        let grant = intent.vendor_grant().expect("kong gets a role");
        let owner = RoleAssignment {
            name: "0".into(),
            role: WIDE_ROLES[0].0,
            ..facts.assignments[0].clone()
        };
        facts.assignments.insert(0, owner);
        let name = |facts: &ObservedState| facts.assignment(&intent, &grant).expect("one").1;
        assert_eq!(name(&facts), "Kong Cloud Gateway Peering Creator");
        let excess = facts.excess_rights(&grant);
        assert_eq!(excess.len(), 1);
        assert_eq!(excess[0].1, "Owner");
        facts.assignments.pop();
        assert_eq!(name(&facts), "Owner");
    }
}
