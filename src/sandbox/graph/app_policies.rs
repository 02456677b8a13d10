//! App management policies: which credentials the tenant's applications may be given.

use http::StatusCode;
use serde_json::{Value, json};

use super::service_principals::{INSUFFICIENT, may_read};
use super::{GraphRefusal, GraphResult, applications, collection, entity};
use crate::sandbox::message::IncomingRequest;
use crate::sandbox::token::TokenCaller;
use crate::sandbox::world::SandboxWorld;

/// The id of every tenant's default policy.
const DEFAULT: &str = "00000000-0000-0000-0000-000000000000";

/// `GET /policies/defaultAppManagementPolicy`.
pub(super) fn default(world: &SandboxWorld, request: &IncomingRequest, caller: &TokenCaller) -> GraphResult {
    may_read(world, caller)?;
    let policy = &world.app_policy;
    if policy.hidden {
        return Err(GraphRefusal::denied(INSUFFICIENT));
    }
    let passwords = [
        policy.forbids_secrets.then(|| restriction("passwordAddition", None)),
        policy
            .longest_secret
            .map(|most| restriction("passwordLifetime", Some(most))),
    ];
    let keys = [
        policy
            .trusted_certificates
            .then(|| restriction("trustedCertificateAuthority", None)),
        policy
            .longest_key
            .map(|most| restriction("asymmetricKeyLifetime", Some(most))),
    ];
    let restrictions = json!({
        "passwordCredentials": passwords.into_iter().flatten().collect::<Vec<_>>(),
        "keyCredentials": keys.into_iter().flatten().collect::<Vec<_>>(),
    });
    let shown = json!({
        "id": DEFAULT,
        "displayName": "Default app management tenant policy",
        "description": "Default tenant policy that enforces app management restrictions on applications.",
        "isEnabled": policy.is_enabled(),
        "applicationRestrictions": restrictions,
        "servicePrincipalRestrictions": {"passwordCredentials": [], "keyCredentials": []},
    });
    Ok(entity(
        request,
        StatusCode::OK,
        "policies/defaultAppManagementPolicy",
        shown,
    ))
}

/// `GET /applications/{key}/appManagementPolicies`: policies of an application's own; there are none here.
pub(super) fn of_application(
    world: &SandboxWorld,
    request: &IncomingRequest,
    caller: &TokenCaller,
    key: &str,
) -> GraphResult {
    may_read(world, caller)?;
    applications::find(world, caller, key)?;
    Ok(collection(world, request, "policies/appManagementPolicies", Vec::new()))
}

fn restriction(kind: &str, most: Option<u64>) -> Value {
    json!({
        "restrictionType": kind,
        "state": "enabled",
        "maxLifetime": most.map(|seconds| format!("PT{seconds}S")),
        "restrictForAppsCreatedAfterDateTime": "2019-10-19T10:37:00Z",
    })
}

/// Checks whether an application may be given a client secret with this lifetime.
pub(super) fn secret(world: &SandboxWorld, life: time::Duration) -> Result<(), GraphRefusal> {
    let policy = &world.app_policy;
    if policy.forbids_secrets {
        return Err(forbidden());
    }
    within(policy.longest_secret, life)
}

/// Checks whether an application may be given a certificate with this lifetime; the sandbox knows no authority that
/// could have issued one.
pub(super) fn key(world: &SandboxWorld, life: time::Duration) -> Result<(), GraphRefusal> {
    let policy = &world.app_policy;
    if policy.trusted_certificates {
        return Err(forbidden());
    }
    within(policy.longest_key, life)
}

fn forbidden() -> GraphRefusal {
    let text = format!("Credential type not allowed as per assigned policy '{DEFAULT}'.");
    GraphRefusal::new(StatusCode::BAD_REQUEST, "CredentialTypeNotAllowedAsPerAppPolicy", text)
}

fn within(most: Option<u64>, life: time::Duration) -> Result<(), GraphRefusal> {
    // A request's way takes a moment.
    let allowed = most.is_none_or(|most| life.whole_seconds() <= i64::try_from(most).unwrap_or(i64::MAX) + 1);
    if allowed {
        return Ok(());
    }
    let text = format!("Credential lifetime exceeds the max value allowed as per assigned policy '{DEFAULT}'.");
    Err(GraphRefusal::new(
        StatusCode::BAD_REQUEST,
        "CredentialInvalidLifetimeAsPerAppPolicy",
        text,
    ))
}
