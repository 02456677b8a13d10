//! A request that would change something, as a value: for who wants to read what a run would send.

use serde::Serialize;
use serde_json::Value;

use super::StepId;
use crate::domain::TenantId;

/// One request of a step's. What is known only once an earlier one was answered is named in braces:
/// `{vendorPrincipalId}`, `{ownPrincipalId}`, `{ownAppObjectId}`, `{ownAppId}`, `{roleAssignmentId}`, `{vendorNetworkId}`,
/// `{vnetRegion}`, `{vnetAddressSpace}`, `{remoteVnetId}`, `{inAnHour}`, `{keyId}`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedWrite {
    #[serde(skip)]
    pub step: StepId,
    /// `resource-manager`, `graph`, or the vendor's API by the name of its connector.
    pub api: String,
    pub method: &'static str,
    /// The path: an ARM resource id, or the API's own.
    pub resource: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// The other tenant, whose token goes along.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auxiliary_tenant: Option<TenantId>,
}
