//! Which hosts and audiences a cloud has.
use std::path::PathBuf;

use url::Url;
use uuid::Uuid;

use crate::domain::TenantId;

/// Why a cloud cannot be used; the text names the file and the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloudError {
    #[error("cannot read {file}: {why}")]
    Unreadable { file: PathBuf, why: String },
    #[error("{at}: {field}: {why}")]
    Field {
        at: String,
        field: &'static str,
        why: String,
    },
}

/// A cloud's endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cloud {
    pub name: String,
    /// The authority: `https://login.microsoftonline.com/`.
    pub login: Url,
    /// Azure Resource Manager: `https://management.azure.com/`.
    pub arm: Url,
    /// The resource that ARM tokens are asked for: `https://management.core.windows.net/`.
    pub arm_audience: String,
    /// Microsoft Graph: `https://graph.microsoft.com/`.
    pub graph: Url,
    /// Certificates (PEM) that are trusted besides the system's.
    pub ca_bundle: Option<String>,
}

impl Cloud {
    pub fn public() -> Self {
        todo!()
    }
    pub fn us_gov() -> Self {
        todo!()
    }
    pub fn china() -> Self {
        todo!()
    }
    /// # Errors
    /// When it is neither a name nor a file with a cloud in it.
    pub fn from_name_or_file(_text: &str) -> Result<Self, CloudError> {
        todo!()
    }
    /// Reads what `az cloud show` prints; `at` names it in errors, a relative `caBundle` starts at `folder`.
    ///
    /// # Errors
    /// When a field is missing or wrong.
    pub fn from_json(_json: &str, _at: &str, _folder: &std::path::Path) -> Result<Self, CloudError> {
        todo!()
    }
    /// The endpoints a token may go to.
    pub fn origins(&self) -> [&Url; 3] {
        todo!()
    }
    /// Where an administrator of `tenant` consents to the application.
    pub fn admin_consent_url(&self, _tenant: TenantId, _app_id: Uuid) -> Url {
        todo!()
    }
    /// The scope of ARM tokens.
    pub fn arm_scope(&self) -> String {
        todo!()
    }
    /// The scope of Graph tokens.
    pub fn graph_scope(&self) -> String {
        todo!()
    }
}
