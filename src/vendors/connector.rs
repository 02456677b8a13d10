//! What every vendor API can be asked, whatever the vendor calls it.

use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;
use serde::Serialize;
use url::Url;

use super::{Access, DnsMapping, konnect::Konnect};
use crate::azure::{ApiError, Wire};
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
    /// Whether the vendor can peer it now.
    pub ready: bool,
}

/// Where a request for a peering stands, whatever word the vendor has for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
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
    pub phase: Phase,
    /// Why it failed, in the vendor's words.
    pub reason: Option<String>,
    pub dns: Vec<DnsMapping>,
}

/// What is asked of the vendor.
#[derive(Debug, Clone)]
pub struct NewRequest {
    pub name: String,
    pub tenant: TenantId,
    pub vnet: VnetId,
    pub dns: Vec<DnsMapping>,
}

/// A vendor's API. `network` is the vendor's id of the network.
#[async_trait]
pub trait Connector: Send + Sync {
    /// # Errors
    /// What the API answers, or that it cannot be reached; so too for the others.
    async fn networks(&self) -> Result<Vec<VendorNetwork>, ApiError>;
    async fn requests(&self, network: &str) -> Result<Vec<VendorRequest>, ApiError>;
    /// `None` where the vendor does not know it (any more).
    async fn request(&self, network: &str, id: &str) -> Result<Option<VendorRequest>, ApiError>;
    async fn create(&self, network: &str, new: &NewRequest) -> Result<VendorRequest, ApiError>;
    async fn delete(&self, network: &str, id: &str) -> Result<(), ApiError>;
}

/// The connector that a profile names.
///
/// # Errors
/// When this version of peerctl has no such connector.
pub fn connect(access: &Access, base: Url, token: SecretString, wire: Wire) -> Result<Arc<dyn Connector>, String> {
    match access.connector.as_str() {
        "konnect" => Ok(Arc::new(Konnect::new(base, token, wire))),
        other => Err(format!(
            "the vendor profile wants connector '{other}', which this peerctl does not have"
        )),
    }
}
