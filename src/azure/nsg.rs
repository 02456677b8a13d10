//! Network security groups.

use super::client::Azure;
use super::error::ApiError;
use super::model::Nsg;

impl Azure {
    /// # Errors
    /// When it cannot be read.
    pub async fn network_security_group(&self, id: &str) -> Result<Option<Nsg>, ApiError> {
        let _ = id;
        todo!()
    }
}
