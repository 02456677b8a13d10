//! Roles: effective permissions, definitions and assignments (Microsoft.Authorization, API version 2022-04-01).
//!
//! Scopes are given as ARM writes them, with a leading slash; the generated operations put one in front themselves.

use azure_mgmt_authorization::package_2022_04_01::models;
use models::role_assignment_properties::PrincipalType;
use uuid::Uuid;

use super::client::AzureClient;
use super::error::{ApiError, AzureService, FailureKind};
use super::mgmt_adapter;
use super::model::{RoleAssignment, RoleDefinition, RolePermission};

const API_VERSION: &str = "2022-04-01";

/// The codes with which ARM says that a role, an assignment, or what they are about does not exist.
const ABSENT: [&str; 5] = [
    "RoleDefinitionDoesNotExist",
    "RoleAssignmentNotFound",
    "ResourceNotFound",
    "ResourceGroupNotFound",
    "NotFound",
];

impl AzureClient {
    /// Returns the permissions of the signed-in identity at `scope`: one entry for each role that reaches it. Deny
    /// assignments aren't included.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn permissions(&self, scope: &str) -> Result<Vec<RolePermission>, ApiError> {
        // By hand: the generated operation for a resource puts an empty segment into the path of a top-level one.
        let path = format!(
            "{}/providers/Microsoft.Authorization/permissions",
            scope.trim_end_matches('/')
        );
        self.list(AzureService::Arm, self.arm_url(&path, &[("api-version", API_VERSION)]))
            .await
    }

    /// The role definitions of that name (compared without case) that can be assigned at `scope`.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn role_definitions(&self, scope: &str, name: &str) -> Result<Vec<RoleDefinition>, ApiError> {
        self.filtered_roles(scope, &format!("roleName eq '{}'", name.replace('\'', "''")))
            .await
    }

    /// The custom roles that can be assigned at `scope`.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn custom_roles(&self, scope: &str) -> Result<Vec<RoleDefinition>, ApiError> {
        self.filtered_roles(scope, "type eq 'CustomRole'").await
    }

    async fn filtered_roles(&self, scope: &str, filter: &str) -> Result<Vec<RoleDefinition>, ApiError> {
        let tried = format!("GET {scope}/providers/Microsoft.Authorization/roleDefinitions");
        let request = self
            .authorization()
            .role_definitions_client()
            .list(bare(scope))
            .filter(filter);
        let pages = mgmt_adapter::pages(request.into_stream(), &tried).await?;
        Ok(pages
            .into_iter()
            .flat_map(|page| page.value)
            .filter_map(convert_role)
            .collect())
    }

    /// One role definition by its GUID; `None` where there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn role_definition(&self, scope: &str, guid: Uuid) -> Result<Option<RoleDefinition>, ApiError> {
        let tried = format!("GET {scope}/providers/Microsoft.Authorization/roleDefinitions/{guid}");
        // Not `get_by_id`, which asks for a path with `%3Fdisambiguation_dummy` behind it.
        let request = self
            .authorization()
            .role_definitions_client()
            .get(bare(scope), guid.to_string());
        let result = request.await.map_err(|error| mgmt_adapter::error(&error, &tried));
        Ok(mgmt_adapter::or_absent(result, &ABSENT)?.and_then(convert_role))
    }

    /// Creates or replaces a custom role.
    ///
    /// # Errors
    /// When Azure refuses: `RoleDefinitionWithSameNameExists`, `AuthorizationFailed`, and the like.
    pub async fn put_role_definition(&self, scope: &str, role: &RoleDefinition) -> Result<RoleDefinition, ApiError> {
        let tried = format!(
            "PUT {scope}/providers/Microsoft.Authorization/roleDefinitions/{}",
            role.guid
        );
        let body = models::RoleDefinition {
            name: Some(role.guid.to_string()),
            properties: Some(models::RoleDefinitionProperties {
                role_name: Some(role.name.clone()),
                description: Some(role.description.clone()),
                type_: Some("CustomRole".to_owned()),
                permissions: role.permissions.iter().map(permission_body).collect(),
                assignable_scopes: role.assignable_scopes.clone(),
                ..models::RoleDefinitionProperties::default()
            }),
            ..models::RoleDefinition::default()
        };
        let client = self.authorization().role_definitions_client();
        let request = client.create_or_update(bare(scope), role.guid.to_string(), body);
        let answer = request.await.map_err(|error| mgmt_adapter::error(&error, &tried))?;
        convert_role(answer).ok_or_else(|| unreadable(tried, "the role definition has no GUID"))
    }

    /// Deletes a custom role; one that is gone already is fine.
    ///
    /// # Errors
    /// When Azure refuses: `RoleDefinitionHasAssignments`, `AuthorizationFailed`, and the like.
    pub async fn delete_role_definition(&self, scope: &str, guid: Uuid) -> Result<(), ApiError> {
        let tried = format!("DELETE {scope}/providers/Microsoft.Authorization/roleDefinitions/{guid}");
        let client = self.authorization().role_definitions_client();
        // Sent without reading the answer, which has no body where there was nothing to delete.
        let sent = client.delete(bare(scope), guid.to_string()).send().await;
        mgmt_adapter::or_absent(sent.map_err(|error| mgmt_adapter::error(&error, &tried)), &ABSENT).map(drop)
    }

    /// The role assignments at `scope` and above it, not those below.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn role_assignments(&self, scope: &str) -> Result<Vec<RoleAssignment>, ApiError> {
        self.assignments(scope, Some("atScope()".to_owned())).await
    }

    /// The role assignments at `scope` and below it, as far as this identity may see them.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn role_assignments_below(&self, scope: &str) -> Result<Vec<RoleAssignment>, ApiError> {
        self.assignments(scope, None).await
    }

    /// The role assignments of the principal (its object id) at `scope`, above it and below it.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn role_assignments_of(&self, scope: &str, principal: Uuid) -> Result<Vec<RoleAssignment>, ApiError> {
        self.assignments(scope, Some(format!("principalId eq '{principal}'")))
            .await
    }

    async fn assignments(&self, scope: &str, filter: Option<String>) -> Result<Vec<RoleAssignment>, ApiError> {
        let tried = format!("GET {scope}/providers/Microsoft.Authorization/roleAssignments");
        let mut request = self
            .authorization()
            .role_assignments_client()
            .list_for_scope(bare(scope));
        if let Some(filter) = filter {
            request = request.filter(filter);
        }
        let pages = mgmt_adapter::pages(request.into_stream(), &tried).await?;
        Ok(pages
            .into_iter()
            .flat_map(|page| page.value)
            .filter_map(convert_assignment)
            .collect())
    }

    /// One role assignment by its GUID; `None` where there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn role_assignment(&self, scope: &str, guid: Uuid) -> Result<Option<RoleAssignment>, ApiError> {
        let tried = format!("GET {scope}/providers/Microsoft.Authorization/roleAssignments/{guid}");
        let request = self
            .authorization()
            .role_assignments_client()
            .get(bare(scope), guid.to_string());
        let result = request.await.map_err(|error| mgmt_adapter::error(&error, &tried));
        Ok(mgmt_adapter::or_absent(result, &ABSENT)?.and_then(convert_assignment))
    }

    /// Assigns `role` (its GUID) to the service principal with the object id `principal`. The principal's type is
    /// said, so that Azure does not look for one that has not replicated yet.
    ///
    /// # Errors
    /// When Azure refuses: `RoleAssignmentExists` (under another GUID), `PrincipalNotFound`, `AuthorizationFailed`.
    pub async fn put_role_assignment(
        &self,
        scope: &str,
        guid: Uuid,
        role: Uuid,
        principal: Uuid,
    ) -> Result<RoleAssignment, ApiError> {
        let tried = format!("PUT {scope}/providers/Microsoft.Authorization/roleAssignments/{guid}");
        let mut properties =
            models::RoleAssignmentProperties::new(role_definition_id(scope, role), principal.to_string());
        properties.principal_type = Some(PrincipalType::ServicePrincipal);
        let body = models::RoleAssignmentCreateParameters::new(properties);
        let request = self
            .authorization()
            .role_assignments_client()
            .create(bare(scope), guid.to_string(), body);
        let answer = request.await.map_err(|error| mgmt_adapter::error(&error, &tried))?;
        convert_assignment(answer).ok_or_else(|| unreadable(tried, "the role assignment has no role or principal"))
    }

    /// Deletes a role assignment; one that is gone already is fine.
    ///
    /// # Errors
    /// When Azure refuses.
    pub async fn delete_role_assignment(&self, scope: &str, guid: Uuid) -> Result<(), ApiError> {
        let tried = format!("DELETE {scope}/providers/Microsoft.Authorization/roleAssignments/{guid}");
        let client = self.authorization().role_assignments_client();
        let sent = client.delete(bare(scope), guid.to_string()).send().await;
        mgmt_adapter::or_absent(sent.map_err(|error| mgmt_adapter::error(&error, &tried)), &ABSENT).map(drop)
    }
}

fn bare(scope: &str) -> String {
    scope.trim_matches('/').to_owned()
}

/// The role's resource id as seen from the subscription of `scope`.
pub fn role_definition_id(scope: &str, role: Uuid) -> String {
    let mut segments = scope.trim_matches('/').split('/');
    let prefix = match (segments.next(), segments.next()) {
        (Some(kind), Some(subscription)) if kind.eq_ignore_ascii_case("subscriptions") => {
            format!("/subscriptions/{subscription}")
        }
        _ => String::new(),
    };
    format!("{prefix}/providers/Microsoft.Authorization/roleDefinitions/{role}")
}

fn last_segment(id: &str) -> Option<Uuid> {
    id.rsplit('/').next()?.parse().ok()
}

pub(super) fn convert_role(role: models::RoleDefinition) -> Option<RoleDefinition> {
    let guid = role.name.as_deref().and_then(|name| name.parse().ok());
    let properties = role.properties.unwrap_or_default();
    Some(RoleDefinition {
        guid: guid.or_else(|| last_segment(role.id.as_deref()?))?,
        name: properties.role_name.unwrap_or_default(),
        description: properties.description.unwrap_or_default(),
        custom: properties
            .type_
            .is_some_and(|kind| kind.eq_ignore_ascii_case("CustomRole")),
        permissions: properties.permissions.into_iter().map(convert_permission).collect(),
        assignable_scopes: properties.assignable_scopes,
    })
}

fn convert_permission(entry: models::Permission) -> RolePermission {
    RolePermission {
        actions: entry.actions,
        not_actions: entry.not_actions,
        data_actions: entry.data_actions,
        not_data_actions: entry.not_data_actions,
    }
}

fn permission_body(entry: &RolePermission) -> models::Permission {
    models::Permission {
        actions: entry.actions.clone(),
        not_actions: entry.not_actions.clone(),
        data_actions: entry.data_actions.clone(),
        not_data_actions: entry.not_data_actions.clone(),
    }
}

fn convert_assignment(assignment: models::RoleAssignment) -> Option<RoleAssignment> {
    let properties = assignment.properties?;
    let id = assignment.id.unwrap_or_default();
    let scope = id
        .to_ascii_lowercase()
        .rfind("/providers/microsoft.authorization/")
        .map(|at| id[..at].to_owned());
    Some(RoleAssignment {
        name: assignment.name.or_else(|| Some(id.rsplit('/').next()?.to_owned()))?,
        scope: properties.scope.or(scope).unwrap_or_default(),
        role: last_segment(&properties.role_definition_id)?,
        principal: properties.principal_id.parse().ok()?,
    })
}

fn unreadable(tried: String, why: &str) -> ApiError {
    let failure = FailureKind::Unreadable {
        status: 200,
        why: why.to_owned(),
    };
    ApiError {
        service: AzureService::Arm,
        tried,
        failure,
        correlation_id: None,
        sign_in: Vec::new(),
        challenge: None,
    }
}
