//! Governance above a resource that can refuse a write to it: locks, policy, the registration of the provider, and the
//! tenant's limit of custom roles.

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::ApiCall;
use super::client::AzureClient;
use super::error::{ApiError, AzureService};
use crate::domain::{PeeringId, SubscriptionId, VnetId, subscription_scope};

const LOCKS: &str = "2016-09-01";
/// The first version whose answer has `effectDetails` and `evaluationDetails.reason`.
const POLICY: &str = "2023-03-01";
const PROVIDERS: &str = "2024-11-01";
const RESOURCE_GRAPH: &str = "2021-03-01";
const PEERINGS: &str = "2024-03-01";

/// As Azure's documentation counts them.
const CUSTOM_ROLES: &str = "authorizationresources | where type =~ 'microsoft.authorization/roledefinitions' \
                            | where tolower(properties.type) == 'customrole' | count";

/// A management lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagementLock {
    pub name: String,
    /// The scope that is locked, and with it all below.
    pub scope: String,
    /// Azure's word: `ReadOnly`, `CanNotDelete`.
    pub level: String,
    pub notes: Option<String>,
}

/// A policy that would refuse a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyDenial {
    /// The full resource id of the assignment.
    pub assignment: String,
    /// The full resource id of the definition.
    pub definition: String,
    /// The assignment's own sentence, where it has one.
    pub reason: Option<String>,
}

#[derive(Deserialize)]
struct ShownLock {
    id: String,
    name: String,
    properties: LockProperties,
}

#[derive(Deserialize)]
struct LockProperties {
    level: String,
    notes: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PolicyRestrictions {
    content_evaluation_result: Option<PolicyEvaluations>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct PolicyEvaluations {
    policy_evaluations: Option<Vec<PolicyEvaluation>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PolicyEvaluation {
    policy_info: PolicyInfo,
    evaluation_result: String,
    evaluation_details: Option<EvaluationDetails>,
    effect_details: Option<EffectDetails>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PolicyInfo {
    policy_definition_id: String,
    policy_assignment_id: String,
}

#[derive(Deserialize, Default)]
struct EvaluationDetails {
    reason: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct EffectDetails {
    policy_effect: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PolicyProvider {
    registration_state: String,
}

#[derive(Deserialize)]
struct CountedAssignments {
    data: Vec<AssignmentCount>,
}

#[derive(Deserialize)]
struct AssignmentCount {
    #[serde(rename = "Count", alias = "count_")]
    count: u64,
}

impl AzureClient {
    /// The locks at `scope` and below it. Whether those above are in the list too is Azure's to choose.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn locks(&self, scope: &str) -> Result<Vec<ManagementLock>, ApiError> {
        let path = format!("{scope}/providers/Microsoft.Authorization/locks");
        let url = self.arm_url(&path, &[("api-version", LOCKS)]);
        let shown: Vec<ShownLock> = self.list(AzureService::Arm, url).await?;
        let convert = |shown: ShownLock| ManagementLock {
            scope: locked_scope(&shown.id),
            name: shown.name,
            level: shown.properties.level,
            notes: shown.properties.notes.filter(|notes| !notes.is_empty()),
        };
        Ok(shown.into_iter().map(convert).collect())
    }

    /// The policies that would deny a peering of that name with `remote`, by Azure's own evaluation
    /// (`checkPolicyRestrictions`): assignments above, parameters and exemptions are in it.
    ///
    /// # Errors
    /// When it cannot be evaluated.
    pub async fn policy_denials(&self, peering: &PeeringId, remote: &VnetId) -> Result<Vec<PolicyDenial>, ApiError> {
        let vnet = &peering.vnet;
        let path = format!(
            "{}/resourceGroups/{}/providers/Microsoft.PolicyInsights/checkPolicyRestrictions",
            vnet.subscription_scope(),
            vnet.resource_group
        );
        let body = json!({ "resourceDetails": {
            "resourceContent": {
                "type": "Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
                "name": format!("{}/{}", vnet.name, peering.name),
                "properties": {
                    "allowVirtualNetworkAccess": true,
                    "remoteVirtualNetwork": { "id": remote.to_string() },
                },
            },
            "apiVersion": PEERINGS,
            "scope": vnet.to_string(),
        }});
        let url = self.arm_url(&path, &[("api-version", POLICY)]);
        let reply = self
            .send(ApiCall::post(AzureService::Arm, url).json(&body).reads())
            .await?;
        let restrictions: PolicyRestrictions = reply.json()?;
        let evaluations = restrictions.content_evaluation_result.unwrap_or_default();
        Ok(evaluations
            .policy_evaluations
            .unwrap_or_default()
            .into_iter()
            .filter(denies)
            .map(|evaluation| PolicyDenial {
                assignment: evaluation.policy_info.policy_assignment_id,
                definition: evaluation.policy_info.policy_definition_id,
                reason: evaluation
                    .evaluation_details
                    .and_then(|details| details.reason)
                    .filter(|reason| !reason.is_empty()),
            })
            .collect())
    }

    /// Returns the registration state of a provider in a subscription, as Azure names it: `Registered`, `Registering`,
    /// `NotRegistered`, `Unregistering`, `Unregistered`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn registration(&self, subscription: SubscriptionId, namespace: &str) -> Result<String, ApiError> {
        let path = format!("{}/providers/{namespace}", subscription_scope(subscription));
        let url = self.arm_url(&path, &[("api-version", PROVIDERS)]);
        let provider: PolicyProvider = self.send(ApiCall::get(AzureService::Arm, url)).await?.json()?;
        Ok(provider.registration_state)
    }

    /// Returns the number of custom roles in the tenant that this identity can see, by Resource Graph.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn custom_role_count(&self) -> Result<u64, ApiError> {
        let url = self.arm_url(
            "/providers/Microsoft.ResourceGraph/resources",
            &[("api-version", RESOURCE_GRAPH)],
        );
        let body: Value = json!({ "query": CUSTOM_ROLES, "options": { "resultFormat": "objectArray" } });
        let counted: CountedAssignments = self
            .send(ApiCall::post(AzureService::Arm, url).json(&body).reads())
            .await?
            .json()?;
        Ok(counted.data.first().map_or(0, |row| row.count))
    }
}

/// Returns whether the evaluated write would be denied. An answer without an effect is a denial: Azure lists audits only
/// where `includeAuditEffect` asks for them.
fn denies(evaluation: &PolicyEvaluation) -> bool {
    let details = evaluation.effect_details.as_ref();
    let effect = details.and_then(|details| details.policy_effect.as_deref());
    evaluation.evaluation_result.eq_ignore_ascii_case("NonCompliant")
        && effect.is_none_or(|effect| effect.is_empty() || effect.eq_ignore_ascii_case("deny"))
}

/// Returns the scope that the lock with this ID applies to.
fn locked_scope(id: &str) -> String {
    let end = id
        .to_ascii_lowercase()
        .rfind("/providers/microsoft.authorization/locks/");
    id[..end.unwrap_or(id.len())].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lock_scope_precedes_provider_segment() {
        let scope = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v";
        let id = format!("{scope}/providers/Microsoft.Authorization/locks/freeze");
        assert_eq!(locked_scope(&id), scope);
    }

    #[test]
    fn denial_is_read_in_both_shapes() {
        let denied = |mut more: Value| {
            more["policyInfo"] = json!({ "policyDefinitionId": "d", "policyAssignmentId": "a" });
            denies(&serde_json::from_value(more).expect("the documented shape"))
        };
        let expressions = json!({ "evaluatedExpressions": [] });
        let table = [
            // 2023-03-01
            (
                json!({ "evaluationResult": "NonCompliant", "effectDetails": { "policyEffect": "Deny" } }),
                true,
            ),
            (
                json!({ "evaluationResult": "NonCompliant", "effectDetails": { "policyEffect": "Audit" } }),
                false,
            ),
            (
                json!({ "evaluationResult": "Compliant", "effectDetails": { "policyEffect": "Deny" } }),
                false,
            ),
            // 2022-03-01
            (
                json!({ "evaluationResult": "NonCompliant", "evaluationDetails": expressions }),
                true,
            ),
            (
                json!({ "evaluationResult": "Compliant", "evaluationDetails": expressions }),
                false,
            ),
            // Absent and null are one.
            (
                json!({ "evaluationResult": "nonCompliant", "evaluationDetails": null, "effectDetails": null }),
                true,
            ),
            (
                json!({ "evaluationResult": "NonCompliant", "effectDetails": { "policyEffect": null } }),
                true,
            ),
        ];
        for (evaluation, expected) in table {
            assert_eq!(denied(evaluation.clone()), expected, "{evaluation}");
        }
    }
}
