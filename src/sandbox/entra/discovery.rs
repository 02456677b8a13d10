//! Discovery documents.

use http::StatusCode;
use serde_json::json;

use super::EntraRefusal;
use crate::sandbox::message::{self, IncomingRequest, SandboxResponse};
use crate::sandbox::world::SandboxWorld;

/// `GET /{tenant}/v2.0/.well-known/openid-configuration`.
pub(super) fn openid(world: &mut SandboxWorld, request: &IncomingRequest, tenant: &str) -> SandboxResponse {
    let shared = ["organizations", "common", "consumers"].contains(&tenant);
    let (segment, issuer) = match world.tenant(tenant) {
        Some(found) => (found.id.to_string(), found.id.to_string()),
        None if shared => (tenant.to_owned(), "{tenantid}".to_owned()),
        None => return EntraRefusal::no_tenant(tenant, "invalid_tenant").answer(world, request),
    };
    let origin = &request.origin;
    let host = origin.trim_start_matches("https://");
    let body = json!({
        "token_endpoint": format!("{origin}/{segment}/oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": format!("{origin}/{segment}/discovery/v2.0/keys"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": format!("{origin}/{issuer}/v2.0"),
        "request_uri_parameter_supported": false,
        "userinfo_endpoint": format!("{origin}/oidc/userinfo"),
        "authorization_endpoint": format!("{origin}/{segment}/oauth2/v2.0/authorize"),
        "device_authorization_endpoint": format!("{origin}/{segment}/oauth2/v2.0/devicecode"),
        "http_logout_supported": true,
        "frontchannel_logout_supported": true,
        "end_session_endpoint": format!("{origin}/{segment}/oauth2/v2.0/logout"),
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "tid", "ver"],
        "kerberos_endpoint": format!("{origin}/{segment}/kerberos"),
        "tenant_region_scope": "WW",
        "cloud_instance_name": host,
        "cloud_graph_host_name": host,
        "msgraph_host": host,
        "rbac_url": origin,
    });
    message::json(StatusCode::OK, &body)
}

/// `GET /common/discovery/instance`: only this host.
pub(super) fn instance(request: &IncomingRequest) -> SandboxResponse {
    let origin = &request.origin;
    let host = origin.trim_start_matches("https://");
    let body = json!({
        "tenant_discovery_endpoint": format!("{origin}/common/v2.0/.well-known/openid-configuration"),
        "api-version": "1.1",
        "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
    });
    message::json(StatusCode::OK, &body)
}
