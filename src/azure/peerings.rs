//! Writing peerings.

use super::client::Azure;
use super::error::ApiError;
use super::model::{NewPeering, Peering};
use crate::domain::PeeringId;

impl Azure {
    /// # Errors
    /// When it cannot be read.
    pub async fn peering(&self, id: &PeeringId) -> Result<Option<Peering>, ApiError> {
        let _ = id;
        todo!()
    }

    /// # Errors
    /// When Azure refuses.
    pub async fn put_peering(&self, id: &PeeringId, wanted: &NewPeering) -> Result<Peering, ApiError> {
        let _ = (id, wanted);
        todo!()
    }

    /// # Errors
    /// When Azure refuses.
    pub async fn sync_peering(&self, id: &PeeringId, wanted: &NewPeering) -> Result<Peering, ApiError> {
        let _ = (id, wanted);
        todo!()
    }

    /// # Errors
    /// When Azure refuses.
    pub async fn delete_peering(&self, id: &PeeringId) -> Result<(), ApiError> {
        let _ = id;
        todo!()
    }
}
