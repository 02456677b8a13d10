//! Deleted applications (Microsoft Graph v1.0): Entra keeps them, and their unique names, for thirty days.

use uuid::Uuid;

use super::applications::{FIELDS, ShownRegistration};
use super::call::ApiCall;
use super::client::AzureClient;
use super::error::{ApiError, AzureService};
use super::graph::ABSENT;
use super::mgmt_adapter;
use super::model::AppRegistration;

const DELETED: &str = "directory/deletedItems/microsoft.graph.application";

impl AzureClient {
    /// The deleted application of that unique name in the signed-in tenant; `None` where there is none.
    ///
    /// # Errors
    /// When deleted applications cannot be read.
    pub async fn deleted_application(&self, unique_name: &str) -> Result<Option<AppRegistration>, ApiError> {
        let filter = format!("uniqueName eq '{}'", unique_name.replace('\'', "''"));
        let url = self.graph_url(DELETED, &[("$filter", &filter), ("$select", FIELDS)]);
        let listed: Result<Vec<ShownRegistration>, ApiError> = self.list(AzureService::Graph, url).await;
        let listed = match listed {
            // Not every property of a deleted object can be filtered by; the whole list can be read.
            Err(error) if error.status() == Some(400) => {
                let url = self.graph_url(DELETED, &[("$select", FIELDS)]);
                self.list(AzureService::Graph, url).await?
            }
            listed => listed?,
        };
        let mut found = listed.into_iter().map(AppRegistration::from);
        Ok(found.find(|app| app.unique_name.as_deref() == Some(unique_name)))
    }

    /// Restores the deleted object with this ID, an application with its IDs as they were. One that is restored already
    /// is fine.
    ///
    /// # Errors
    /// When Graph refuses.
    pub async fn restore(&self, id: Uuid) -> Result<(), ApiError> {
        let url = self.graph_url(&format!("directory/deletedItems/{id}/restore"), &[]);
        let call = ApiCall::post(AzureService::Graph, url)
            .json(&serde_json::json!({}))
            .repeatable();
        mgmt_adapter::or_absent(self.send(call).await, &ABSENT).map(drop)
    }

    /// Deletes a deleted object for good, and says whether it was found; one that is gone already is fine.
    ///
    /// # Errors
    /// When Graph refuses.
    pub async fn delete_for_good(&self, id: Uuid) -> Result<bool, ApiError> {
        let url = self.graph_url(&format!("directory/deletedItems/{id}"), &[]);
        let sent = self.send(ApiCall::delete(AzureService::Graph, url)).await;
        Ok(mgmt_adapter::or_absent(sent, &ABSENT)?.is_some())
    }
}
