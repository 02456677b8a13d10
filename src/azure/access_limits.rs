//! Limits on a right apart from roles: deny assignments, conditions of assignments, and eligible roles that aren't
//! activated yet.

use serde::Deserialize;
use uuid::Uuid;

use super::client::AzureClient;
use super::error::{ApiError, AzureService};
use super::model::{RolePermission, allowed};

const DENY_ASSIGNMENTS: &str = "2022-04-01";
const ASSIGNMENTS: &str = "2022-04-01";
const ELIGIBILITIES: &str = "2020-10-01";

/// A deny assignment: it refuses actions whatever roles allow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DenyAssignment {
    pub name: String,
    pub scope: String,
    pub permissions: Vec<RolePermission>,
    /// It holds for all principals but the excluded ones.
    pub everyone: bool,
    /// Object IDs that it holds for.
    pub principals: Vec<Uuid>,
    pub excluded: Vec<Uuid>,
    /// It holds for groups.
    pub holds_groups: bool,
    /// It excludes groups.
    pub excludes_groups: bool,
    /// It holds at its own scope only, not below.
    pub here_only: bool,
}

impl DenyAssignment {
    /// Returns whether the assignment denies `who` the action at `scope`; `None` where that depends on the groups of
    /// `who`.
    pub fn refuses(&self, who: Uuid, action: &str, scope: &str) -> Option<bool> {
        let (own, scope) = (self.scope.trim_end_matches('/').to_lowercase(), scope.to_lowercase());
        // A management group is above any scope that it is listed for.
        let above = own.is_empty() || !own.starts_with("/subscriptions/") || scope.starts_with(&format!("{own}/"));
        let reaches = own == scope || above && !self.here_only;
        if !reaches || !allowed(&self.permissions, action) || self.excluded.contains(&who) {
            return Some(false);
        }
        match self.everyone || self.principals.contains(&who) {
            true if self.excludes_groups => None,
            true => Some(true),
            false if self.holds_groups => None,
            false => Some(false),
        }
    }
}

/// A role that its holder has to activate before it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EligibleRole {
    pub role: Uuid,
    pub name: String,
    pub scope: String,
}

/// A role assignment with a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRole {
    pub role: Uuid,
    pub scope: String,
    /// Azure's condition language; absent where the assignment has none.
    pub condition: Option<String>,
}

#[derive(Deserialize)]
struct PolicyItem<T> {
    properties: T,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ShownDenial {
    deny_assignment_name: Option<String>,
    permissions: Vec<RolePermission>,
    scope: Option<String>,
    do_not_apply_to_child_scopes: bool,
    principals: Vec<LimitsPrincipal>,
    exclude_principals: Vec<LimitsPrincipal>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct LimitsPrincipal {
    id: Option<Uuid>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ShownEligibility {
    role_definition_id: String,
    scope: String,
    expanded_properties: Option<ExpandedDefinition>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ExpandedDefinition {
    role_definition: Option<NamedItem>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct NamedItem {
    display_name: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ShownAssignment {
    role_definition_id: String,
    scope: String,
    condition: Option<String>,
}

impl AzureClient {
    /// The deny assignments at `scope` and above it.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn deny_assignments(&self, scope: &str) -> Result<Vec<DenyAssignment>, ApiError> {
        let path = format!("{scope}/providers/Microsoft.Authorization/denyAssignments");
        let query = [("api-version", DENY_ASSIGNMENTS), ("$filter", "atScope()")];
        let shown: Vec<PolicyItem<ShownDenial>> = self.list(AzureService::Arm, self.arm_url(&path, &query)).await?;
        Ok(shown.into_iter().map(|item| item.properties.into()).collect())
    }

    /// The roles that this sign-in can activate at `scope` or above it (Privileged Identity Management).
    ///
    /// # Errors
    /// When they cannot be read: the tenant may have no license for it.
    pub async fn eligible_roles(&self, scope: &str) -> Result<Vec<EligibleRole>, ApiError> {
        let path = format!("{scope}/providers/Microsoft.Authorization/roleEligibilityScheduleInstances");
        let query = [("api-version", ELIGIBILITIES), ("$filter", "asTarget()")];
        let shown: Vec<PolicyItem<ShownEligibility>> =
            self.list(AzureService::Arm, self.arm_url(&path, &query)).await?;
        let convert = |item: PolicyItem<ShownEligibility>| {
            let shown = item.properties;
            let role = guid_of(&shown.role_definition_id)?;
            let expanded = shown.expanded_properties.and_then(|expanded| expanded.role_definition);
            let name = expanded.and_then(|role| role.display_name);
            Some(EligibleRole {
                role,
                name: name.unwrap_or_else(|| role.to_string()),
                scope: shown.scope,
            })
        };
        Ok(shown.into_iter().filter_map(convert).collect())
    }

    /// The roles that `principal` has at `scope`, directly, by a group, or from above, with their conditions.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn held_roles(&self, scope: &str, principal: Uuid) -> Result<Vec<HeldRole>, ApiError> {
        let path = format!("{scope}/providers/Microsoft.Authorization/roleAssignments");
        let filter = format!("atScope() and assignedTo('{principal}')");
        let query = [("api-version", ASSIGNMENTS), ("$filter", filter.as_str())];
        let shown: Vec<PolicyItem<ShownAssignment>> = self.list(AzureService::Arm, self.arm_url(&path, &query)).await?;
        let convert = |item: PolicyItem<ShownAssignment>| {
            let shown = item.properties;
            Some(HeldRole {
                role: guid_of(&shown.role_definition_id)?,
                scope: shown.scope,
                condition: shown.condition.filter(|condition| !condition.trim().is_empty()),
            })
        };
        Ok(shown.into_iter().filter_map(convert).collect())
    }
}

impl From<ShownDenial> for DenyAssignment {
    fn from(shown: ShownDenial) -> Self {
        let is_group = |one: &LimitsPrincipal| {
            one.kind
                .as_deref()
                .is_some_and(|kind| kind.eq_ignore_ascii_case("Group"))
        };
        let is_everyone = |one: &LimitsPrincipal| {
            let kind = one.kind.as_deref().unwrap_or_default();
            one.id == Some(Uuid::nil()) || kind.eq_ignore_ascii_case("Everyone")
        };
        let ids = |all: &[LimitsPrincipal]| all.iter().filter_map(|one| one.id).collect();
        Self {
            name: shown.deny_assignment_name.unwrap_or_default(),
            scope: shown.scope.unwrap_or_default(),
            permissions: shown.permissions,
            everyone: shown.principals.iter().any(is_everyone),
            principals: ids(&shown.principals),
            excluded: ids(&shown.exclude_principals),
            holds_groups: shown.principals.iter().any(is_group),
            excludes_groups: shown.exclude_principals.iter().any(is_group),
            here_only: shown.do_not_apply_to_child_scopes,
        }
    }
}

fn guid_of(id: &str) -> Option<Uuid> {
    id.rsplit('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deny_assignment_by_principal_and_scope() {
        let (me, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let vnet = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v";
        let denial = |text: &str| {
            let mut shown: serde_json::Value = serde_json::json!({
                "permissions": [{"actions": ["*/write"], "notActions": ["Microsoft.Network/locks/write"]}],
                "scope": "/subscriptions/S/resourceGroups/RG",
                "principals": [{"id": Uuid::nil(), "type": "SystemDefined"}],
            });
            let change: serde_json::Value = serde_json::from_str(text).expect("JSON");
            for (key, value) in change.as_object().expect("an object") {
                shown[key] = value.clone();
            }
            DenyAssignment::from(serde_json::from_value::<ShownDenial>(shown).expect("a deny assignment"))
        };
        let table = [
            ("{}", me, "Microsoft.Network/virtualNetworks/write", Some(true)),
            ("{}", me, "Microsoft.Network/virtualNetworks/read", Some(false)),
            ("{}", me, "Microsoft.Network/locks/write", Some(false)),
            (
                r#"{"scope": "/subscriptions/s/resourceGroups/r"}"#,
                me,
                "a/write",
                Some(false),
            ),
            (
                r#"{"scope": "/providers/Microsoft.Management/managementGroups/m"}"#,
                me,
                "a/write",
                Some(true),
            ),
            (r#"{"doNotApplyToChildScopes": true}"#, me, "a/write", Some(false)),
            (
                r#"{"excludePrincipals": [{"id": "00000000-0000-0000-0000-000000000001"}]}"#,
                me,
                "a/write",
                Some(false),
            ),
            (
                r#"{"excludePrincipals": [{"id": "00000000-0000-0000-0000-000000000001"}]}"#,
                other,
                "a/write",
                Some(true),
            ),
            (
                r#"{"excludePrincipals": [{"id": "00000000-0000-0000-0000-000000000009", "type": "Group"}]}"#,
                me,
                "a/write",
                None,
            ),
            (
                r#"{"principals": [{"id": "00000000-0000-0000-0000-000000000002", "type": "User"}]}"#,
                me,
                "a/write",
                Some(false),
            ),
            (
                r#"{"principals": [{"id": "00000000-0000-0000-0000-000000000009", "type": "Group"}]}"#,
                me,
                "a/write",
                None,
            ),
        ];
        for (change, who, action, expected) in table {
            assert_eq!(denial(change).refuses(who, action, vnet), expected, "{change} {action}");
        }
    }
}
