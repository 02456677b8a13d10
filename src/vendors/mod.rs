//! The vendors: what each one needs, as data ([`Profile`], one TOML file each), and connectors for those that have
//! an API of their own.

mod connector;
mod dns;
mod konnect;
mod profile;

pub use connector::{Connector, NewRequest, Phase, VendorNetwork, VendorRequest, connect};
pub use dns::{DnsMapping, DnsMappingError};
pub(crate) use konnect::transit_gateway;
pub use profile::{
    Access, Application, HandOff, HandOffValue, Kind, Profile, ProfileError, Role, VendorInput, Wanted, profile,
    profiles,
};
