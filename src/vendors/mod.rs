//! The vendors: what each one needs, as data ([`Profile`], one TOML file each), and connectors for those that have
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
pub use catalog::{PROFILE_SCHEMA, ProfileError, profile, profiles};
pub use connector::{Connector, NewRequest, Phase, RemoteNetwork, VendorNetwork, VendorRequest, connect};
pub use dns::{DnsMapping, DnsMappingError};
pub(crate) use dragonfly::connection;
pub(crate) use konnect::transit_gateway;
pub use profile::{
    Access, Application, CreatedBy, HandOff, HandOffValue, Kind, NextStep, OwnAppWay, PeeringWay, Profile, Role,
    Suggest, Traffic, VendorInput, Wanted, filled,
};
