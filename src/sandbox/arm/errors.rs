//! ARM's errors, in ARM's words.

use http::StatusCode;
use serde_json::{Value, json};

use crate::sandbox::message::{self, SandboxResponse};
use crate::sandbox::token::TokenCaller;
use crate::sandbox::world::DenyAssignmentRecord;

/// Error codes that the gateway returns itself, before any provider is asked; a header says so.
const OF_THE_GATEWAY: [&str; 15] = [
    "AuthenticationFailed",
    "AuthorizationFailed",
    "DenyAssignmentAuthorizationFailed",
    "ExpiredAuthenticationToken",
    "InvalidAuthenticationToken",
    "InvalidAuthenticationTokenAudience",
    "InvalidAuthenticationTokenTenant",
    "LinkedAuthorizationFailed",
    "MissingSubscriptionRegistration",
    "ParentResourceNotFound",
    "RequestDisallowedByPolicy",
    "ResourceGroupNotFound",
    "ResourceNotFound",
    "ScopeLocked",
    "SubscriptionNotFound",
];

/// The network provider's codes: its errors have a list of details, which may be empty.
const OF_THE_NETWORK: [&str; 21] = [
    "AnotherPeeringAlreadyReferencesRemoteVnet",
    "ChangingRemoteVirtualNetworkNotAllowed",
    "InUseNetworkSecurityGroupCannotBeDeleted",
    "InvalidCIDRNotation",
    "InvalidGlobalResourceReference",
    "InvalidResourceName",
    "InvalidResourceReference",
    "MissingJsonReferenceId",
    "NetcfgInvalidSubnet",
    "NetcfgSubnetRangesOverlap",
    "NotFound",
    "ReferencedResourceNotProvisioned",
    "RemotePeeringIsDisconnected",
    "RetryableError",
    "SecurityRuleConflict",
    "SecurityRuleParameterMissing",
    "VnetAddressSpaceNotSpecified",
    "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet",
    "VnetAddressSpacesOverlap",
    "VnetCannotPeerWithItself",
    "VnetPeeringLimitReached",
];

/// An ARM error.
#[derive(Debug, Clone)]
pub(super) struct ArmRefusal {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: String,
    /// Members of the envelope besides code and message: `details`, `target`, `additionalInfo`.
    more: Vec<(&'static str, Value)>,
    retry_after: Option<u64>,
    /// The tenant that `WWW-Authenticate` names.
    challenge: Option<String>,
}

impl ArmRefusal {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self {
            status,
            code,
            message: message.into(),
            more: Vec::new(),
            retry_after: None,
            challenge: None,
        }
    }

    pub(super) fn unauthenticated(code: &'static str, message: impl Into<String>, tenant: &str) -> Self {
        Self {
            challenge: Some(tenant.to_owned()),
            ..Self::new(401, code, message)
        }
    }

    /// To be tried again after so many seconds.
    pub(super) fn after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// With a further field of the envelope.
    pub(super) fn with(mut self, name: &'static str, value: Value) -> Self {
        self.more.push((name, value));
        self
    }

    /// The caller lacks `action` at `scope`.
    pub(super) fn forbidden(caller: &TokenCaller, action: &str, scope: &str) -> Self {
        let text = format!(
            "The client '{}' with object id '{}' does not have authorization to perform action '{action}' over scope \
             '{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.",
            caller.name, caller.oid
        );
        Self::new(403, "AuthorizationFailed", text)
    }

    /// A deny assignment forbids the caller `action` at `scope`.
    pub(super) fn denied(caller: &TokenCaller, action: &str, scope: &str, denial: &DenyAssignmentRecord) -> Self {
        let text = format!(
            "The client '{}' with object id '{}' has permission to perform action '{action}' on scope '{scope}'; \
             however, the access is denied because of the deny assignment with name '{}' and Id '{}' at scope '{}'.",
            caller.name,
            caller.oid,
            denial.name,
            denial.guid.simple(),
            denial.scope
        );
        Self::new(403, "DenyAssignmentAuthorizationFailed", text)
    }

    /// The caller has a role for `action`, and its condition is not fulfilled.
    pub(super) fn condition_not_fulfilled(caller: &TokenCaller, action: &str, scope: &str) -> Self {
        let text = format!(
            "The client '{}' with object id '{}' does not have authorization or an ABAC condition not fulfilled to \
             perform action '{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, \
             please refresh your credentials.",
            caller.name, caller.oid
        );
        Self::new(403, "AuthorizationFailed", text)
    }

    /// The resource of the network service does not exist; `kind` is its type, such as `virtualNetworks`.
    pub(super) fn no_resource(group: &str, kind: &str, name: &str) -> Self {
        let text = format!(
            "The Resource 'Microsoft.Network/{kind}/{name}' under resource group '{group}' was not found. For \
             more details please go to https://aka.ms/ARMResourceNotFoundFix"
        );
        Self::new(404, "ResourceNotFound", text)
    }

    pub(super) fn no_group(name: &str) -> Self {
        Self::new(
            404,
            "ResourceGroupNotFound",
            format!("Resource group '{name}' could not be found."),
        )
    }

    /// A lock forbids it.
    pub(super) fn locked(id: &str, operation: &str, lock: &str) -> Self {
        let text = format!(
            "The scope '{id}' cannot perform {operation} operation because following scope(s) are locked: '{lock}'. \
             Please remove the lock and try again."
        );
        Self::new(409, "ScopeLocked", text)
    }

    pub(super) fn bad_body() -> Self {
        Self::new(
            400,
            "InvalidRequestContent",
            "The request content was invalid and could not be deserialized: 'Unexpected end of content.'.",
        )
    }

    /// Another operation holds the resource; to be tried again.
    pub(super) fn busy(operation: &str, id: &str, target: &str, seconds: u64) -> Self {
        let text = format!(
            "Operation {operation} ({id}) is updating resource {target}. The call can be retried in {seconds} seconds."
        );
        let detail = json!({"code": "RetryableErrorDueToAnotherOperation", "message": text});
        Self::new(429, "RetryableError", "A retryable error occurred.")
            .with("details", json!([detail]))
            .after(seconds)
    }

    pub(super) fn answer(&self, request_origin: &str) -> SandboxResponse {
        let mut error = json!({"code": self.code, "message": self.message});
        if OF_THE_NETWORK.contains(&self.code) {
            error["details"] = json!([]);
        }
        for (name, value) in &self.more {
            error[*name] = value.clone();
        }
        let mut answer = message::json(self.status, &json!({ "error": error }));
        if let Some(seconds) = self.retry_after {
            message::set(&mut answer, "retry-after", &seconds.to_string());
        }
        if let Some(tenant) = &self.challenge {
            let value = format!(
                "Bearer authorization_uri=\"{request_origin}/{tenant}\", error=\"invalid_token\", error_description=\"{}\"",
                self.message.replace('"', "'")
            );
            message::set(&mut answer, "www-authenticate", &value);
        }
        if OF_THE_GATEWAY.contains(&self.code) {
            message::set(&mut answer, "x-ms-failure-cause", "gateway");
        }
        answer
    }
}
