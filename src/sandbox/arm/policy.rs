//! Azure Policy, as far as it denies peerings: asked beforehand (`checkPolicyRestrictions`) and enforced.

use http::StatusCode;
use serde_json::{Value, json};

use super::context::ArmContext;
use super::errors::ArmRefusal;
use super::{ArmResult, access};
use crate::sandbox::message;
use crate::sandbox::world::{PolicyAssignment, SandboxWorld};

const PEERING: &str = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings";

impl PolicyAssignment {
    fn assignment(&self) -> String {
        format!(
            "{}/providers/Microsoft.Authorization/policyAssignments/{}",
            self.scope, self.name
        )
    }

    fn definition(&self) -> String {
        format!(
            "/providers/Microsoft.Authorization/policyDefinitions/{}",
            self.definition
        )
    }

    /// Returns whether the policy denies the network at `vnet` a peering with `remote`.
    fn denies(&self, vnet: &str, remote: &str) -> bool {
        let subscription = |id: &str| id.split('/').nth(2).unwrap_or_default().to_ascii_lowercase();
        access::covers(&self.scope, vnet)
            && (!self.cross_subscription || subscription(vnet) != subscription(remote))
            && self.with.is_none_or(|with| with.to_string() == subscription(remote))
    }
}

/// Refuses a peering that a policy denies.
///
/// # Errors
/// `RequestDisallowedByPolicy`.
pub(super) fn permits(world: &SandboxWorld, vnet: &str, name: &str, remote: &str) -> Result<(), ArmRefusal> {
    let mut policies = world.policies.iter();
    let Some(policy) = policies.find(|policy| policy.denies(vnet, remote)) else {
        return Ok(());
    };
    let identifiers = json!([{
        "policyAssignment": {"name": policy.name, "id": policy.assignment()},
        "policyDefinition": {"name": policy.definition, "id": policy.definition()},
    }]);
    let text = format!("Resource '{name}' was disallowed by policy. Policy identifiers: '{identifiers}'.");
    let violation = json!({"type": "PolicyViolation", "info": {
        "policyDefinitionId": policy.definition(),
        "policyDefinitionName": policy.definition,
        "policyDefinitionEffect": "deny",
        "policyAssignmentId": policy.assignment(),
        "policyAssignmentName": policy.name,
        "policyAssignmentScope": policy.scope,
    }});
    let refusal = ArmRefusal::new(403, "RequestDisallowedByPolicy", text);
    Err(refusal
        .with("target", name.into())
        .with("additionalInfo", json!([violation])))
}

/// `POST …/providers/Microsoft.PolicyInsights/checkPolicyRestrictions` of a resource group. The effect and the reason are
/// in the answer from version 2023-03-01 on.
pub(super) fn check_restrictions(world: &SandboxWorld, context: &ArmContext<'_>) -> ArmResult {
    let group = format!("/{}", context.request.segments[..4].join("/"));
    let action = "Microsoft.PolicyInsights/checkPolicyRestrictions/read";
    access::require(world, &context.caller, action, &group)?;
    let body = context.request.json().ok_or_else(ArmRefusal::bad_body)?;
    let details = &body["resourceDetails"];
    let content = &details["resourceContent"];
    if content["type"]
        .as_str()
        .is_none_or(|kind| !kind.eq_ignore_ascii_case(PEERING))
    {
        let text = "The sandbox evaluates policy on virtual network peerings only.";
        return Err(ArmRefusal::new(400, "InvalidRequestContent", text));
    }
    let vnet = details["scope"].as_str().unwrap_or_default();
    let remote = content["properties"]["remoteVirtualNetwork"]["id"]
        .as_str()
        .unwrap_or_default();
    let version = context.request.query("api-version").unwrap_or_default();
    let tells_effects = version.get(..10).is_some_and(|date| date >= "2023-03-01");
    let denying = world.policies.iter().filter(|policy| policy.denies(vnet, remote));
    let evaluations: Vec<Value> = denying
        .map(|policy| {
            let mut evaluation = json!({
                "policyInfo": {
                    "policyDefinitionId": policy.definition(),
                    "policyAssignmentId": policy.assignment(),
                },
                "evaluationResult": "NonCompliant",
                "evaluationDetails": {"evaluatedExpressions": [{
                    "result": "True",
                    "expressionKind": "field",
                    "expression": "type",
                    "path": "type",
                    "expressionValue": PEERING,
                    "targetValue": PEERING,
                    "operator": "equals",
                }]},
            });
            if tells_effects {
                evaluation["evaluationDetails"]["reason"] = format!("{} denies peerings.", policy.definition).into();
                evaluation["effectDetails"] = json!({"policyEffect": "Deny"});
            }
            evaluation
        })
        .collect();
    let body = json!({"fieldRestrictions": [], "contentEvaluationResult": {"policyEvaluations": evaluations}});
    Ok(message::json(StatusCode::OK, &body))
}
