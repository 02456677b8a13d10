//! Custom roles by name, wherever in the tenant they can be assigned (Resource Graph).

use azure_mgmt_authorization::package_2022_04_01::models;
use serde::Deserialize;
use serde_json::{Value, json};

use super::authorization::convert_role;
use super::call::ApiCall;
use super::client::AzureClient;
use super::error::{ApiError, AzureService};
use super::model::RoleDefinition;

const API_VERSION: &str = "2021-03-01";

#[derive(Deserialize)]
struct RoleRows {
    data: Vec<Value>,
}

impl AzureClient {
    /// The custom roles of these names (compared without case), as far as this identity sees them: one question in
    /// place of a list for each subscription. It is some seconds to minutes behind.
    ///
    /// # Errors
    /// When Resource Graph cannot be asked.
    pub async fn roles_named(&self, names: &[String]) -> Result<Vec<RoleDefinition>, ApiError> {
        let url = self.arm_url(
            "/providers/Microsoft.ResourceGraph/resources",
            &[("api-version", API_VERSION)],
        );
        let body = json!({ "query": query(names), "options": { "resultFormat": "objectArray" } });
        let call = ApiCall::post(AzureService::Arm, url).json(&body).reads();
        let rows: RoleRows = self.send(call).await?.json()?;
        let role = |row: Value| serde_json::from_value::<models::RoleDefinition>(row).ok();
        Ok(rows
            .data
            .into_iter()
            .filter_map(role)
            .filter_map(convert_role)
            .collect())
    }
}

fn query(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    format!(
        "authorizationresources | where type =~ 'microsoft.authorization/roledefinitions' \
         | where tolower(properties.type) == 'customrole' | where properties.roleName in~ ({}) \
         | project id, name, properties",
        quoted.join(", ")
    )
}

/// A text as Kusto writes it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn role_search_escapes_name_in_query() {
        let table = [
            ("Kong peering", "'Kong peering'"),
            ("it's", r"'it\'s'"),
            (r"a\", r"'a\\'"),
            (r"\' or 1", r"'\\\' or 1'"),
        ];
        for (name, expected) in table {
            assert_eq!(quoted(name), expected);
        }
        let query = query(&["a".to_owned(), "b".to_owned()]);
        assert!(query.contains("in~ ('a', 'b')"), "{query}");
    }
}
