//! Service principals (Microsoft Graph v1.0).

use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::call::ApiCall;
use super::client::AzureClient;
use super::error::{ApiError, AzureService};
use super::mgmt_adapter;
use super::model::ServicePrincipal;

const FIELDS: &str = "id,appId,displayName,accountEnabled,appOwnerOrganizationId";

/// The code with which Graph says that an object does not exist.
pub(super) const ABSENT: [&str; 1] = ["Request_ResourceNotFound"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShownServicePrincipal {
    id: Uuid,
    app_id: Uuid,
    display_name: Option<String>,
    account_enabled: Option<bool>,
    app_owner_organization_id: Option<Uuid>,
}

impl From<ShownServicePrincipal> for ServicePrincipal {
    fn from(shown: ShownServicePrincipal) -> Self {
        Self {
            id: shown.id,
            app_id: shown.app_id,
            display_name: shown.display_name.unwrap_or_default(),
            account_enabled: shown.account_enabled.unwrap_or(true),
            owner_tenant: shown.app_owner_organization_id,
        }
    }
}

impl AzureClient {
    /// The service principal of the application in the signed-in tenant; `None` where there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn service_principal(&self, app_id: Uuid) -> Result<Option<ServicePrincipal>, ApiError> {
        let filter = format!("appId eq '{app_id}'");
        let url = self.graph_url("servicePrincipals", &[("$filter", &filter), ("$select", FIELDS)]);
        let found: Vec<ShownServicePrincipal> = self.list(AzureService::Graph, url).await?;
        Ok(found
            .into_iter()
            .find(|shown| shown.app_id == app_id)
            .map(ServicePrincipal::from))
    }

    /// The service principals of that display name in the signed-in tenant; any number of applications may share one.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn service_principals_named(&self, name: &str) -> Result<Vec<ServicePrincipal>, ApiError> {
        let filter = format!("displayName eq '{}'", name.replace('\'', "''"));
        let url = self.graph_url("servicePrincipals", &[("$filter", &filter), ("$select", FIELDS)]);
        let found: Vec<ShownServicePrincipal> = self.list(AzureService::Graph, url).await?;
        Ok(found.into_iter().map(ServicePrincipal::from).collect())
    }

    /// Creates the application's service principal in the signed-in tenant: the same as consenting to an application
    /// that asks for no permissions.
    ///
    /// # Errors
    /// When Graph refuses: `Authorization_RequestDenied`, `Request_BadRequest` with `NoBackingApplicationObject`,
    /// `Request_MultipleObjectsWithSameKeyValue` where there is one already.
    pub async fn create_service_principal(&self, app_id: Uuid) -> Result<ServicePrincipal, ApiError> {
        let call = ApiCall::post(AzureService::Graph, self.graph_url("servicePrincipals", &[]))
            .json(&json!({ "appId": app_id, "accountEnabled": true }));
        let shown: ShownServicePrincipal = self.send(call).await?.json()?;
        Ok(shown.into())
    }

    /// Deletes the service principal with this object id from the signed-in tenant; one that is gone already is fine.
    ///
    /// # Errors
    /// When Graph refuses.
    pub async fn delete_service_principal(&self, id: Uuid) -> Result<(), ApiError> {
        let call = ApiCall::delete(
            AzureService::Graph,
            self.graph_url(&format!("servicePrincipals/{id}"), &[]),
        );
        mgmt_adapter::or_absent(self.send(call).await, &ABSENT).map(drop)
    }
}
