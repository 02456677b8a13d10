//! Operations that every vendor API supports, whatever the vendor calls them.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;
use serde::Serialize;
use serde_json::Value;
use url::Url;
use uuid::Uuid;

use super::aiven::AivenConnector;
use super::dragonfly::DragonflyConnector;
use super::konnect::KonnectConnector;
use super::{DnsMapping, VendorProfile};
use crate::azure::{ApiError, RequestSender};
use crate::domain::{AddressSpace, TenantId, VnetId};

/// A network of the vendor's with which a virtual network can be peered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VendorNetwork {
    pub id: String,
    pub name: String,
    pub region: String,
    pub address_space: AddressSpace,
    /// The vendor's own word.
    pub state: String,
    /// Whether the vendor can peer the network now.
    pub ready: bool,
    /// The cloud it runs on, where that is not Azure, as the vendor writes it: `aws`, `gcp`, `google`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_cloud: Option<String>,
}

/// The cloud that the vendor names, where it is not Azure.
pub(super) fn other_than_azure(cloud: &str) -> Option<String> {
    (!cloud.is_empty() && !cloud.eq_ignore_ascii_case("azure")).then(|| cloud.to_ascii_lowercase())
}

/// Phase of a request for a peering, whatever word the vendor uses for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequestPhase {
    /// The vendor is at work.
    Pending,
    /// The vendor waits for something on the customer's side.
    UserAction,
    Ready,
    Failed,
    /// Being deleted: it still stands in the way of another one.
    Leaving,
    Gone,
}

/// A request for a peering with one virtual network, as the vendor keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VendorRequest {
    pub id: String,
    pub name: String,
    pub tenant: Option<TenantId>,
    /// The virtual network it names; absent where it is for something else (a hub, another cloud).
    pub vnet: Option<VnetId>,
    /// The vendor's own word.
    pub state: String,
    pub phase: RequestPhase,
    /// Why it failed, in the vendor's words.
    pub reason: Option<String>,
    /// The vendor's network and tenant, where the API tells them.
    pub remote: Option<RemoteNetwork>,
    /// Client id of the customer's application that it was made for, where the vendor needs one.
    pub own_app: Option<Uuid>,
    pub dns: Vec<DnsMapping>,
    /// The customer's network as the vendor's API has it, member by member; null where nobody needs it as it is.
    pub attachment: Value,
}

/// The other side of the peering, as Azure knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RemoteNetwork {
    pub tenant: TenantId,
    pub vnet: VnetId,
}

/// Request that is sent to the vendor.
#[derive(Debug, Clone)]
pub struct NewRequest {
    pub name: String,
    pub tenant: TenantId,
    pub vnet: VnetId,
    /// Azure region of the virtual network.
    pub location: String,
    pub address_space: AddressSpace,
    /// Client id of the customer's own application, for vendors that need one.
    pub own_app: Option<Uuid>,
    pub dns: Vec<DnsMapping>,
}

/// A vendor's API. `network` is the vendor's id of the network.
#[async_trait]
pub trait VendorConnector: Send + Sync {
    /// # Errors
    /// What the API answers, or that it cannot be reached; so too for the others.
    async fn networks(&self) -> Result<Vec<VendorNetwork>, ApiError>;
    async fn requests(&self, network: &str) -> Result<Vec<VendorRequest>, ApiError>;
    /// `None` where the vendor does not know it (any more).
    async fn request(&self, network: &str, id: &str) -> Result<Option<VendorRequest>, ApiError>;
    async fn create(&self, network: &str, new: &NewRequest) -> Result<VendorRequest, ApiError>;
    async fn delete(&self, network: &str, id: &str) -> Result<(), ApiError>;
}

/// The connector that a profile names. `inputs` are the vendor's, by key.
///
/// # Errors
/// When this version of peerctl has no such connector.
pub fn connect(
    vendor: &VendorProfile,
    base: Url,
    token: SecretString,
    wire: RequestSender,
    inputs: &BTreeMap<String, Vec<String>>,
) -> Result<Arc<dyn VendorConnector>, String> {
    let first = |key: &str| {
        inputs
            .get(key)
            .and_then(|values| values.first())
            .cloned()
            .unwrap_or_default()
    };
    match vendor.access.as_ref().map_or("", |access| &access.connector) {
        "konnect" => Ok(Arc::new(KonnectConnector::new(base, token, wire))),
        "aiven" => Ok(Arc::new(AivenConnector::new(base, token, wire, first("project")))),
        "dragonfly" => Ok(Arc::new(DragonflyConnector::new(
            base,
            token,
            wire,
            vendor.peering.tenant,
        ))),
        other => Err(format!(
            "the vendor profile uses connector '{other}', which this version of peerctl doesn't support"
        )),
    }
}
