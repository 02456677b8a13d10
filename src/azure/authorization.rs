//! Roles.
use uuid::Uuid;

use super::client::Azure;
use super::error::ApiError;
use super::model::{Permission, RoleAssignment, RoleDefinition};

impl Azure {
    pub async fn permissions(&self, _scope: &str) -> Result<Vec<Permission>, ApiError> {
        todo!()
    }
    pub async fn role_definitions(&self, _scope: &str, _name: &str) -> Result<Vec<RoleDefinition>, ApiError> {
        todo!()
    }
    pub async fn custom_roles(&self, _scope: &str) -> Result<Vec<RoleDefinition>, ApiError> {
        todo!()
    }
    pub async fn role_definition(&self, _scope: &str, _guid: Uuid) -> Result<Option<RoleDefinition>, ApiError> {
        todo!()
    }
    pub async fn put_role_definition(&self, _scope: &str, _role: &RoleDefinition) -> Result<RoleDefinition, ApiError> {
        todo!()
    }
    pub async fn role_assignments(&self, _scope: &str) -> Result<Vec<RoleAssignment>, ApiError> {
        todo!()
    }
    pub async fn role_assignment(&self, _scope: &str, _guid: Uuid) -> Result<Option<RoleAssignment>, ApiError> {
        todo!()
    }
    pub async fn put_role_assignment(
        &self,
        _scope: &str,
        _guid: Uuid,
        _role: Uuid,
        _principal: Uuid,
    ) -> Result<RoleAssignment, ApiError> {
        todo!()
    }
}
