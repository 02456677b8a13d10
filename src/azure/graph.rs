//! Service principals.
use uuid::Uuid;

use super::client::Azure;
use super::error::ApiError;
use super::model::ServicePrincipal;

impl Azure {
    pub async fn service_principal(&self, _app_id: Uuid) -> Result<Option<ServicePrincipal>, ApiError> {
        todo!()
    }
    pub async fn create_service_principal(&self, _app_id: Uuid) -> Result<ServicePrincipal, ApiError> {
        todo!()
    }
}
