//! Existing objects among those that setup creates, for outputs that import or reuse them.

use uuid::Uuid;

use crate::azure::{AppRegistration, PeeringBody, RoleAssignment, RoleDefinition};
use crate::plan::{Remote, RoleGrant};
use crate::vendors::{VendorNetwork, VendorRequest};

/// Results of a survey. Without a survey, no object is known to exist.
#[derive(Debug, Clone)]
pub struct ExistingResources {
    /// Whether a survey was made.
    pub surveyed: bool,
    /// Objects that this sign-in may not read, in words.
    pub unread: Vec<String>,
    /// The object id of the vendor's service principal.
    pub vendor_principal: Option<Uuid>,
    pub own_app: Option<AppRegistration>,
    /// The object id of the own application's service principal.
    pub own_principal: Option<Uuid>,
    /// For each grant of the intent, in its order.
    pub grants: Vec<ExistingGrant>,
    pub network: Option<VendorNetwork>,
    pub request: Option<VendorRequest>,
    /// The other side, as the vendor tells it or the inputs do.
    pub remote: Option<Remote>,
    /// The name that our direction gets.
    pub our_name: String,
    pub ours: Option<PeeringBody>,
    pub theirs: Option<PeeringBody>,
}

/// Existing objects of one grant.
#[derive(Debug, Clone)]
pub struct ExistingGrant {
    pub grant: RoleGrant,
    /// The custom role that is there, as it is.
    pub role: Option<RoleDefinition>,
    /// The custom role as it is to be: what is missing added, nothing taken away. Absent for a built-in one.
    pub wanted: Option<RoleDefinition>,
    /// The assignment that fulfils it, and its role's name.
    pub assignment: Option<(RoleAssignment, String)>,
}
