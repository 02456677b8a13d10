//! The one wrapper around Azure: sign-in, the HTTP seam, ARM, Graph and Resource Graph.
//!
//! This is the only folder that names an `azure_*` crate, and it knows no vendor, no step and no screen.
//!
//! - [`request_sender`]: the seam to the world. Every request of the program goes through [`RequestSender`]: allowed hosts, retries,
//!   budgets, request ids, logging without secrets, counting, the journal. Below it is a [`HttpTransport`]: [`HttpsTransport`] in production.
//! - [`cloud`]: which hosts and audiences a cloud has.
//! - [`identity`]: tokens, by `azure_identity` and, for a code that a person enters, `oauth2`.
//! - [`client`]: what the steps call: subscriptions, networks, peerings, roles, service principals.

mod access_limits;
mod app_access;
mod app_policies;
mod applications;
mod authorization;
mod call;
mod challenge;
pub mod client;
mod clock;
pub mod cloud;
mod deleted_items;
mod directory;
mod discovery;
mod dns_resolvers;
pub mod error;
mod governance;
mod graph;
mod https;
pub mod identity;
mod interfaces;
mod mgmt_adapter;
mod model;
mod network;
mod nsg;
mod operation;
mod peering_body;
mod peerings;
mod proxy;
mod rate_limit_key;
mod rate_limiter;
mod redact;
mod refusal;
mod request_log;
pub mod request_sender;
mod retry;
mod role_search;
mod routes;
mod tenants;
#[cfg(test)]
mod testing;
mod throttle;
pub mod transport;

pub use access_limits::{DenyAssignment, EligibleRole, HeldRole};
pub use app_policies::is_app_policy;
pub use authorization::role_definition_id;
pub use challenge::{ChallengeDemand, ClaimsChallenge};
pub use client::AzureClient;
pub use cloud::{AzureCloud, CloudError, az_cloud};
pub use discovery::{DiscoveryEvent, DiscoverySender};
pub use dns_resolvers::InboundEndpoint;
pub use error::{ApiError, AzureService, FailureKind};
pub use governance::{ManagementLock, PolicyDenial};
pub use https::{HttpsTransport, TlsError, TransportOptions};
pub use identity::{
    AppCredential, AuthMethod, AzureIdentity, CodePresenter, SignInCertificate, SignInCode, SignInError, WhoAmI,
};
pub use interfaces::NetworkInterface;
pub use model::*;
pub use peering_body::{NewPeering, PeeringBody};
pub use proxy::{ProxyError, ProxySettings};
pub use request_log::{PendingRecord, RequestRecord, awaiting};
pub use request_sender::{AllowedHosts, ApiCall, ApiReply, NoticeWhy, RequestSender, WireNotice, WireStats};
pub use routes::{RouteEntry, RouteTable};
pub use tenants::{tenant_of_domain, tenant_of_subscription};
pub use transport::{HttpTransport, TransportError};
