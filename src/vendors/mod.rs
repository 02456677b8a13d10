//! The vendors: what each one needs, as data ([`VendorProfile`], one TOML file each), and connectors for those that have
//! an API of their own.

mod aiven;
mod catalog;
mod connector;
mod dns;
mod dragonfly;
mod konnect;
mod profile;
#[cfg(test)]
mod schema;

pub(crate) use aiven::peering_connection;
pub use catalog::{ALIASES, PROFILE_SCHEMA, ProfileError, profile, profiles};
pub use connector::{NewRequest, RemoteNetwork, RequestPhase, VendorConnector, VendorNetwork, VendorRequest, connect};
pub use dns::{DnsMapping, DnsMappingError};
pub(crate) use dragonfly::connection;
pub(crate) use konnect::transit_gateway;
pub use profile::{
    CreatedBy, HandOff, HandOffValue, InputRequirement, InputSuggestion, InputType, NextStep, OwnAppWay, PeeringWay,
    VendorApi, VendorApplication, VendorInput, VendorProfile, VendorRole, VendorTraffic, filled,
};
