//! Tokens.
use std::fmt;
use std::str::FromStr;

use secrecy::SecretString;
use uuid::Uuid;

use super::cloud::Cloud;
use super::error::ApiError;
use super::wire::Wire;
use crate::domain::TenantId;

/// How to sign in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Auth {
    /// Environment, then workload identity, then the Azure CLI.
    #[default]
    Auto,
    AzureCli,
    Environment,
    WorkloadIdentity,
    ManagedIdentity,
}

impl Auth {
    /// All of them, in the order that help texts list them.
    pub const ALL: [Self; 5] = [
        Self::Auto,
        Self::AzureCli,
        Self::Environment,
        Self::WorkloadIdentity,
        Self::ManagedIdentity,
    ];
}

impl fmt::Display for Auth {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}

impl FromStr for Auth {
    type Err = String;
    fn from_str(_text: &str) -> Result<Self, String> {
        todo!()
    }
}

/// Why no identity can be made of what was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SignInError(pub String);

impl From<SignInError> for ApiError {
    fn from(_error: SignInError) -> Self {
        todo!()
    }
}

/// Who a token speaks for, as its claims say (not verified: that is the API's part).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhoAmI {
    pub tenant: TenantId,
    pub object_id: Uuid,
    /// The application that the token was issued to.
    pub app_id: Option<Uuid>,
    /// `upn` or `unique_name`, or "application APPID".
    pub name: String,
    pub is_user: bool,
    /// Template ids of the user's active directory roles (`wids`).
    pub directory_roles: Vec<Uuid>,
}

/// A signed-in identity in one tenant; clones share the tokens.
#[derive(Clone)]
pub struct Identity;

impl Identity {
    /// # Errors
    /// When something is missing; the text says what and how to give it.
    pub fn new(
        _auth: Auth,
        _vars: &dyn Fn(&str) -> Option<String>,
        _tenant: Option<TenantId>,
        _cloud: &Cloud,
        _wire: Wire,
    ) -> Result<Self, SignInError> {
        todo!()
    }
    /// The same identity in another tenant.
    #[must_use]
    pub fn in_tenant(&self, _tenant: TenantId) -> Self {
        todo!()
    }
    /// A token for `scope`, at least five minutes of life in it.
    ///
    /// # Errors
    /// Entra's refusal, or `NoToken` with the command that signs in.
    pub async fn token(&self, _scope: &str) -> Result<SecretString, ApiError> {
        todo!()
    }
    /// Drops the tokens, so that the next ones carry what has changed since (roles, groups).
    pub fn forget(&self) {
        todo!()
    }
}
