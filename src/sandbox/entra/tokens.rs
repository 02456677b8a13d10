//! The token endpoint: client credentials by secret, by certificate, by another identity provider's token; and people, by
//! a code.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{EntraRefusal, device};
use crate::sandbox::graph::keys;
use crate::sandbox::message::{self, FormBody, IncomingRequest, SandboxResponse};
use crate::sandbox::token;
use crate::sandbox::world::{ApplicationRecord, KeyCredential, PrincipalRecord, SandboxWorld};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// `POST /{tenant}/oauth2/v2.0/token`.
pub(super) fn answer(world: &mut SandboxWorld, request: &IncomingRequest, tenant: &str) -> SandboxResponse {
    let form = request.form();
    match form.get("grant_type") {
        Some("urn:ietf:params:oauth:grant-type:device_code" | "device_code") => {
            return device::redeem(world, request, tenant, &form);
        }
        Some("refresh_token") => return device::refresh(world, request, tenant, &form),
        _ => {}
    }
    match grant(world, request, tenant, &form) {
        Ok((principal, audience, strength)) => {
            let token = token::issue(world, &principal, &audience, strength);
            let lifetime = token::LIFETIME - 1;
            let body = json!({
                "token_type": "Bearer",
                "expires_in": lifetime,
                "ext_expires_in": lifetime,
                "access_token": token,
            });
            let mut answer = message::json(StatusCode::OK, &body);
            message::set(&mut answer, "cache-control", "no-store, no-cache");
            message::set(&mut answer, "x-ms-clitelem", "1,0,0,,");
            answer
        }
        Err(refusal) => refusal.answer(world, request),
    }
}

fn grant(
    world: &SandboxWorld,
    request: &IncomingRequest,
    tenant: &str,
    form: &FormBody,
) -> Result<(PrincipalRecord, String, &'static str), EntraRefusal> {
    let tenant = world
        .tenant(tenant)
        .ok_or_else(|| EntraRefusal::no_tenant(tenant, "invalid_request"))?;
    let grant_type = required(form, "grant_type")?;
    if grant_type != "client_credentials" {
        return Err(unsupported(grant_type));
    }
    let client = required(form, "client_id")?;
    let app_id = Uuid::parse_str(client).map_err(|_| EntraRefusal::no_application(client, &tenant.name))?;
    let application = world.application(app_id);
    let application = application.filter(|found| found.is_for(tenant.id));
    // A new application is not known to every replica at once, nor is a new service principal.
    let application = application.filter(|found| found.since.passed(world.timing.application, world.now));
    let application = application.ok_or_else(|| EntraRefusal::no_application(client, &tenant.name))?;
    let principal = world.principal(tenant.id, app_id);
    let strength = authenticate(world, request, application, principal, form)?;
    let principal = principal.filter(|found| found.since.passed(world.timing.principal, world.now));
    let principal = principal.ok_or_else(|| no_principal(app_id, tenant.id))?;
    let audience = audience(request, required(form, "scope")?)?;
    Ok((principal.clone(), audience, strength))
}

/// A flow that the sandbox does not know.
fn unsupported(grant_type: &str) -> EntraRefusal {
    let text = format!("The app requested an unsupported grant type '{grant_type}'.");
    EntraRefusal::new(400, "unsupported_grant_type", 70003, text)
}

/// `AADSTS7000229`: an application for every tenant to which this one has not consented.
fn no_principal(app_id: Uuid, tenant: Uuid) -> EntraRefusal {
    let text = format!(
        "The client application {app_id} is missing service principal in the tenant {tenant}. See instructions here: \
         https://go.microsoft.com/fwlink/?linkid=2225119"
    );
    EntraRefusal::new(401, "invalid_client", 7_000_229, text)
}

pub(super) fn required<'a>(form: &'a FormBody, name: &str) -> Result<&'a str, EntraRefusal> {
    form.get(name).ok_or_else(|| {
        let text = format!("The request body must contain the following parameter: '{name}'.");
        EntraRefusal::new(400, "invalid_request", 900_144, text)
    })
}

/// The resource of a scope such as `https://management.core.windows.net//.default`.
pub(super) fn audience(request: &IncomingRequest, scope: &str) -> Result<String, EntraRefusal> {
    let Some(resource) = scope
        .split(' ')
        .next()
        .and_then(|scope| scope.strip_suffix("/.default"))
    else {
        let text = format!(
            "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with \
             /.default suffixed to the resource identifier (application ID URI)."
        );
        return Err(EntraRefusal::new(400, "invalid_scope", 1_002_012, text));
    };
    let known = [token::ARM, token::GRAPH]
        .iter()
        .any(|names| token::is_audience(resource, &request.origin, names));
    if known {
        return Ok(resource.to_owned());
    }
    let text = format!(
        "The resource principal named {resource} was not found in the tenant. This can happen if the application has \
         not been installed by the administrator of the tenant or consented to by any user in the tenant. You might \
         have sent your authentication request to the wrong tenant."
    );
    Err(EntraRefusal::new(400, "invalid_resource", 500_011, text))
}

/// Checks the client's proof and says how strong it is (`appidacr`).
fn authenticate(
    world: &SandboxWorld,
    request: &IncomingRequest,
    application: &ApplicationRecord,
    principal: Option<&PrincipalRecord>,
    form: &FormBody,
) -> Result<&'static str, EntraRefusal> {
    if let Some(secret) = form.get("client_secret") {
        return password(world, application, principal, secret).map(|()| "1");
    }
    let Some(assertion) = form.get("client_assertion") else {
        let text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
        return Err(EntraRefusal::new(401, "invalid_client", 7_000_218, text.into()));
    };
    if form.get("client_assertion_type") != Some(ASSERTION_TYPE) {
        let text = format!("The request body's 'client_assertion_type' must be '{ASSERTION_TYPE}'.");
        return Err(EntraRefusal::new(400, "invalid_request", 900_144, text));
    }
    let (Some(header), Some(claims)) = (token::header(assertion), token::peek(assertion)) else {
        return Err(malformed("The assertion is not a well-formed JWT."));
    };
    let now = world.wall_clock().unix_timestamp();
    if claims["exp"].as_i64().is_none_or(|expires| expires <= now) {
        return Err(malformed(
            "The assertion is expired: its 'exp' claim is absent or in the past.",
        ));
    }
    if header.get("x5t").is_some() || header.get("x5t#S256").is_some() {
        certificate(world, request, application, assertion, (&header, &claims))?;
    } else {
        federated(application, &claims)?;
    }
    Ok("2")
}

/// A client secret, of the application or of its service principal in this tenant, holds from when the token endpoint
/// has heard of it until it is over.
fn password(
    world: &SandboxWorld,
    application: &ApplicationRecord,
    principal: Option<&PrincipalRecord>,
    secret: &str,
) -> Result<(), EntraRefusal> {
    let in_tenant = principal.into_iter().flat_map(|found| &found.passwords);
    let known = application
        .passwords
        .iter()
        .chain(in_tenant)
        .find(|known| known.text == secret);
    let known =
        known.filter(|known| known.since.passed(world.timing.secret, world.now) && known.start <= world.wall_clock());
    let known = known.ok_or_else(|| wrong_secret(application))?;
    if world.wall_clock() < known.end {
        return Ok(());
    }
    let text = format!(
        "The provided client secret keys for app '{}' are expired. Visit the Azure portal to create new keys for your \
         app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: \
         https://aka.ms/certCreds.",
        application.app_id
    );
    Err(EntraRefusal::new(401, "invalid_client", 7_000_222, text))
}

fn wrong_secret(application: &ApplicationRecord) -> EntraRefusal {
    let text = format!(
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not \
         the client secret ID, for a secret added to app '{}'.",
        application.app_id
    );
    EntraRefusal::new(401, "invalid_client", 7_000_215, text)
}

fn malformed(why: &str) -> EntraRefusal {
    let text = format!("Client assertion failed validation. {why}");
    EntraRefusal::new(401, "invalid_client", 50027, text)
}

/// An assertion that the client signed with its certificate. Of some the estate only has thumbprints; for those the
/// signature itself is not checked.
fn certificate(
    world: &SandboxWorld,
    request: &IncomingRequest,
    application: &ApplicationRecord,
    assertion: &str,
    (header, claims): (&Value, &Value),
) -> Result<(), EntraRefusal> {
    let thumbprint = header["x5t"]
        .as_str()
        .or(header["x5t#S256"].as_str())
        .unwrap_or_default();
    let shown: String = URL_SAFE_NO_PAD
        .decode(thumbprint)
        .unwrap_or_default()
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    let known = |text: &String| text == thumbprint || text.eq_ignore_ascii_case(&shown);
    let arrived =
        |key: &&KeyCredential| key.since.passed(world.timing.secret, world.now) && world.wall_clock() < key.end;
    let registered = application.keys.iter().filter(arrived);
    let registered = registered.map(|key| &key.certificate);
    let registered = registered.into_iter().find(|der| keys::thumbprint(der) == thumbprint);
    if let Some(der) = registered {
        if !signed_by(der, assertion) {
            return Err(malformed("Its signature is not the certificate's."));
        }
    } else if !application.certificates.iter().any(known) {
        let text = format!(
            "The certificate with identifier used to sign the client assertion is not registered on application. \
             [Reason - The key was not found., Thumbprint of key used by client: '{shown}']"
        );
        return Err(EntraRefusal::new(401, "invalid_client", 700_027, text));
    }
    let app_id = application.app_id.to_string();
    if claims["iss"].as_str() != Some(&app_id) || claims["sub"].as_str() != Some(&app_id) {
        return Err(malformed("Its 'iss' and 'sub' claims must be the client id."));
    }
    let audience = claims["aud"].as_str().unwrap_or_default();
    if !audience.starts_with(&request.origin) || !audience.contains("/oauth2/") && !audience.ends_with("/v2.0") {
        return Err(malformed("Its 'aud' claim must be the token endpoint."));
    }
    Ok(())
}

/// The RSA public key of a certificate: the bit string behind the algorithm `rsaEncryption`.
fn rsa_key(certificate: &[u8]) -> Option<&[u8]> {
    const RSA_ENCRYPTION: [u8; 13] = [
        0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
    ];
    let mut windows = certificate.windows(RSA_ENCRYPTION.len());
    let at = windows.position(|window| window == RSA_ENCRYPTION)? + RSA_ENCRYPTION.len();
    // The tag of a bit string, a length of two bytes, and no unused bits.
    let [0x03, 0x82, high, low, 0x00] = *certificate.get(at..at + 5)? else {
        return None;
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    certificate.get(at + 5..at + 4 + length)
}

/// Returns whether the assertion carries the signature of a certificate's key.
fn signed_by(certificate: &[u8], assertion: &str) -> bool {
    let (Some(key), Some((signed, signature))) = (rsa_key(certificate), assertion.rsplit_once('.')) else {
        return false;
    };
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key);
    key.verify(signed.as_bytes(), &signature).is_ok()
}

/// An assertion of another identity provider, matched against the application's federated credentials.
fn federated(application: &ApplicationRecord, claims: &Value) -> Result<(), EntraRefusal> {
    let text = |name: &str| claims[name].as_str().unwrap_or_default().to_owned();
    let (issuer, subject, audience) = (text("iss"), text("sub"), text("aud"));
    let see = "Check your federated identity credential Subject, Audience and Issuer against the presented assertion. \
               https://learn.microsoft.com/entra/workload-id/workload-identity-federation";
    let refuse = |code, what: String| {
        let text = format!("No matching federated identity record found for presented assertion {what}. {see}");
        Err(EntraRefusal::new(401, "invalid_client", code, text))
    };
    let of_issuer: Vec<_> = application
        .federated
        .iter()
        .filter(|known| known.issuer == issuer)
        .collect();
    if of_issuer.is_empty() {
        return refuse(700_211, format!("issuer '{issuer}'"));
    }
    if !of_issuer.iter().any(|known| known.subject == subject) {
        return refuse(700_213, format!("subject '{subject}'"));
    }
    if !of_issuer
        .iter()
        .any(|known| known.subject == subject && known.audience == audience)
    {
        return refuse(700_212, format!("audience '{audience}'"));
    }
    Ok(())
}
