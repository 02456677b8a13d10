//! Virtual networks and peerings.
use super::client::Azure;
use super::error::ApiError;
use super::model::{Peering, Vnet};
use crate::domain::VnetId;

impl Azure {
    pub async fn vnet(&self, _id: &VnetId) -> Result<Option<Vnet>, ApiError> {
        todo!()
    }
    pub async fn peerings(&self, _vnet: &VnetId) -> Result<Vec<Peering>, ApiError> {
        todo!()
    }
}
