//! The one wrapper around Azure: sign-in, the HTTP seam, ARM, Graph and Resource Graph.
//!
//! This is the only folder that names an `azure_*` crate, and it knows no vendor, no step and no screen.
//!
//! - [`wire`]: the seam to the world. Every request of the program goes through [`Wire`]: allowed hosts, retries,
//!   request ids, logging without secrets, counting.
//! - [`cloud`]: which hosts and audiences a cloud has.
//! - [`identity`]: tokens, by `azure_identity`.
//! - [`client`]: what the steps call: subscriptions, networks, peerings, roles, service principals.

pub mod client;
pub mod cloud;
mod discovery;
pub mod error;
mod graph;
pub mod identity;
mod legacy;
mod model;
mod network;
mod authorization;
pub mod transport;
pub mod wire;

pub use client::Azure;
pub use cloud::Cloud;
pub use error::{ApiError, Failure, Service};
pub use identity::{Auth, Identity, WhoAmI};
pub use model::*;
pub use transport::{Transport, TransportError};
pub use wire::{Call, Reply, Wire};
