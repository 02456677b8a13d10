pub mod azure;
pub mod domain;
