//! Directory queries about people and objects: directory roles, objects by ID, and objects of the same name (Microsoft
//! Graph v1.0).

use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::call::ApiCall;
use super::client::AzureClient;
use super::error::{ApiError, AzureService};
use super::identity::WhoAmI;
use crate::limits;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShownRole {
    role_template_id: Option<Uuid>,
}

#[derive(Deserialize)]
struct ShownObject {
    id: Uuid,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShownApplication {
    app_id: Uuid,
}

impl AzureClient {
    /// The template ids of the directory roles that `who` has now, by groups too. A role that is only eligible (PIM)
    /// is not in it.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn directory_roles(&self, who: &WhoAmI) -> Result<Vec<Uuid>, ApiError> {
        let member = if who.is_user {
            "me".to_owned()
        } else {
            format!("servicePrincipals/{}", who.object_id)
        };
        let path = format!("{member}/transitiveMemberOf/microsoft.graph.directoryRole");
        let url = self.graph_url(&path, &[]);
        let shown: Vec<ShownRole> = self.list(AzureService::Graph, url).await?;
        Ok(shown.into_iter().filter_map(|role| role.role_template_id).collect())
    }

    /// Returns those of these object IDs that exist in the directory.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn known_objects(&self, ids: &[Uuid]) -> Result<Vec<Uuid>, ApiError> {
        let mut known = Vec::new();
        for some in ids.chunks(limits::OBJECTS) {
            let url = self.graph_url("directoryObjects/getByIds", &[("$select", "id")]);
            let call = ApiCall::post(AzureService::Graph, url)
                .json(&json!({ "ids": some }))
                .reads();
            let page: DirectoryObjects = self.send(call).await?.json()?;
            known.extend(page.value.into_iter().map(|object| object.id));
        }
        Ok(known)
    }

    /// The client ids of the tenant's applications with this display name, which need not be unique.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn applications_named(&self, display_name: &str) -> Result<Vec<Uuid>, ApiError> {
        let filter = format!("displayName eq '{}'", display_name.replace('\'', "''"));
        let url = self.graph_url("applications", &[("$filter", &filter), ("$select", "appId")]);
        let shown: Vec<ShownApplication> = self.list(AzureService::Graph, url).await?;
        Ok(shown.into_iter().map(|app| app.app_id).collect())
    }
}

#[derive(Deserialize)]
struct DirectoryObjects {
    value: Vec<ShownObject>,
}
