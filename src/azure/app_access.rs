//! Credentials and owners of an application and of its service principal: who can sign in as it or change it (Microsoft
//! Graph v1.0).

use serde::Deserialize;
use uuid::Uuid;

use super::applications::{ListedKey, credentials};
use super::call::{ApiCall, ApiReply};
use super::client::AzureClient;
use super::error::{ApiError, AzureService};
use super::graph::ABSENT;
use super::mgmt_adapter;
use super::model::{AppAccess, AppOwner, ListedCredential};

#[derive(Deserialize)]
struct ShownFederated {
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShownOwner {
    id: Uuid,
    display_name: Option<String>,
    user_principal_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AppAccessPrincipal {
    password_credentials: Option<Vec<ListedKey>>,
    key_credentials: Option<Vec<ListedKey>>,
}

impl AzureClient {
    /// Returns the other ways to sign in as the application with this object ID, or to change it, apart from the
    /// credentials that the application lists itself. `principal` is the object ID of its service principal.
    ///
    /// # Errors
    /// When part of it can't be read.
    pub async fn app_access(&self, application: Uuid, principal: Option<Uuid>) -> Result<AppAccess, ApiError> {
        let of_principal = async {
            match principal {
                Some(id) => tokio::try_join!(self.principal_credentials(id), self.owners("servicePrincipals", id)),
                None => Ok((Vec::new(), Vec::new())),
            }
        };
        let (federated, mut owners, (principal_credentials, more)) = tokio::try_join!(
            self.federated_credentials(application),
            self.owners("applications", application),
            of_principal
        )?;
        owners.extend(more);
        owners.sort_by_key(|owner| owner.id);
        owners.dedup_by_key(|owner| owner.id);
        Ok(AppAccess {
            federated,
            principal_credentials,
            owners,
        })
    }

    /// The names of the application's federated identity credentials: whose tokens it accepts in place of a secret.
    async fn federated_credentials(&self, application: Uuid) -> Result<Vec<String>, ApiError> {
        let path = format!("applications/{application}/federatedIdentityCredentials");
        let shown: Vec<ShownFederated> = self.list_or_absent(&path).await?;
        Ok(shown.into_iter().map(|one| one.name.unwrap_or_default()).collect())
    }

    async fn owners(&self, set: &str, id: Uuid) -> Result<Vec<AppOwner>, ApiError> {
        let shown: Vec<ShownOwner> = self.list_or_absent(&format!("{set}/{id}/owners")).await?;
        let owner = |shown: ShownOwner| AppOwner {
            id: shown.id,
            name: shown.user_principal_name.or(shown.display_name).unwrap_or_default(),
        };
        Ok(shown.into_iter().map(owner).collect())
    }

    async fn principal_credentials(&self, id: Uuid) -> Result<Vec<ListedCredential>, ApiError> {
        let path = format!("servicePrincipals/{id}");
        let url = self.graph_url(&path, &[("$select", "id,passwordCredentials,keyCredentials")]);
        let found = mgmt_adapter::or_absent(self.send(ApiCall::get(AzureService::Graph, url)).await, &ABSENT)?;
        let shown: Option<AppAccessPrincipal> = found.map(ApiReply::json).transpose()?;
        let listed = shown.map(|shown| {
            let keys = credentials(shown.key_credentials);
            credentials(shown.password_credentials)
                .into_iter()
                .chain(keys)
                .collect()
        });
        Ok(listed.unwrap_or_default())
    }

    /// A list below something that may have been created a moment ago, and then has nothing of its own yet.
    async fn list_or_absent<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, ApiError> {
        let listed = self.list(AzureService::Graph, self.graph_url(path, &[])).await;
        Ok(mgmt_adapter::or_absent(listed, &ABSENT)?.unwrap_or_default())
    }
}
