//! Access tokens: really issued, really checked.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::{Value, json};
use uuid::Uuid;

use super::world::{PrincipalRecord, SandboxWorld, UserRecord};

/// Lifetime of a token, in seconds.
pub(super) const LIFETIME: i64 = 3600;

/// Identity that a verified token represents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TokenCaller {
    pub(super) tenant: Uuid,
    /// Object id in that tenant.
    pub(super) oid: Uuid,
    pub(super) app_id: Uuid,
    pub(super) audience: String,
    /// Name that Azure uses in a refusal: a person's name, or an application's client ID.
    pub(super) name: String,
    /// The service principal whose roles count for them: their own, or the one that a person is the equal of.
    pub(super) principal: Uuid,
    /// A person who signed in with a password alone.
    pub(super) password_only: bool,
}

/// Why a token does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum InvalidToken {
    /// Not one of ours, or changed.
    Forged,
    /// Unix time at which it ended.
    Expired(i64),
}

/// Issues a service principal's token. `strength` is `appidacr`: 1 secret, 2 assertion.
pub(super) fn issue(world: &mut SandboxWorld, principal: &PrincipalRecord, audience: &str, strength: &str) -> String {
    let own = json!({
        "appid": principal.app_id,
        "appidacr": strength,
        "idtyp": "app",
        "wids": principal.directory_roles,
    });
    signed(world, principal.tenant, principal.id, audience, own)
}

/// Issues a person's token, to the client by which the person signs in. `factors`: claims demanded more than a password.
pub(super) fn issue_to_user(
    world: &mut SandboxWorld,
    user: &UserRecord,
    audience: &str,
    client: &str,
    factors: bool,
) -> String {
    let methods: &[&str] = match user.password_only && !factors {
        true => &["pwd"],
        false => &["pwd", "mfa"],
    };
    let equal = world.principals.iter().find(|found| found.id == user.like);
    let own = json!({
        "amr": methods,
        "appid": client,
        "appidacr": "0",
        "idtyp": "user",
        "name": user.upn,
        "scp": "user_impersonation",
        "unique_name": user.upn,
        "upn": user.upn,
        "wids": equal.map(|found| &found.directory_roles),
    });
    signed(world, user.tenant, user.id, audience, own)
}

/// A token of the v1.0 shape that ARM and Graph use, with what is said of everybody.
fn signed(world: &mut SandboxWorld, tenant: Uuid, oid: Uuid, audience: &str, mut claims: Value) -> String {
    let now = world.wall_clock().unix_timestamp();
    let issuer = format!("https://sts.windows.net/{tenant}/");
    let everybodys = json!({
        "aud": audience,
        "iss": issuer,
        "idp": issuer,
        "iat": now,
        "nbf": now,
        "exp": now + LIFETIME,
        "oid": oid,
        "sub": oid,
        "tid": tenant,
        "uti": world.ids.next().simple().to_string(),
        "ver": "1.0",
    });
    if let (Value::Object(claims), Value::Object(everybodys)) = (&mut claims, everybodys) {
        claims.extend(everybodys);
    }
    let header = URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"HS256","kid":"sandbox"}"#);
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let signature = hmac::sign(&key(world), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Checks a token's signature and its time.
///
/// # Errors
/// When the token is not one that this world issued, or is over.
pub(super) fn verify(world: &SandboxWorld, token: &str) -> Result<TokenCaller, InvalidToken> {
    let (signed, signature) = token.rsplit_once('.').ok_or(InvalidToken::Forged)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| InvalidToken::Forged)?;
    hmac::verify(&key(world), signed.as_bytes(), &signature).map_err(|_| InvalidToken::Forged)?;
    let claims = peek(token).ok_or(InvalidToken::Forged)?;
    let id = |name: &str| {
        claims[name]
            .as_str()
            .and_then(|text| Uuid::parse_str(text).ok())
            .ok_or(InvalidToken::Forged)
    };
    let expires = claims["exp"].as_i64().ok_or(InvalidToken::Forged)?;
    if expires <= world.wall_clock().unix_timestamp() {
        return Err(InvalidToken::Expired(expires));
    }
    let audience = claims["aud"].as_str().ok_or(InvalidToken::Forged)?.to_owned();
    let (oid, app_id) = (id("oid")?, id("appid")?);
    let user = world.users.iter().find(|found| found.id == oid);
    Ok(TokenCaller {
        tenant: id("tid")?,
        oid,
        app_id,
        audience,
        name: user.map_or_else(|| app_id.to_string(), |found| found.upn.clone()),
        principal: user.map_or(oid, |found| found.like),
        password_only: claims["amr"] == json!(["pwd"]),
    })
}

/// The claims of a JWT, unverified.
pub(super) fn peek(token: &str) -> Option<Value> {
    part(token, 1)
}

/// The header of a JWT, unverified.
pub(super) fn header(token: &str) -> Option<Value> {
    part(token, 0)
}

fn part(token: &str, index: usize) -> Option<Value> {
    let parts: Vec<&str> = token.split('.').collect();
    let decoded = URL_SAFE_NO_PAD.decode((parts.len() == 3).then(|| parts[index])?).ok()?;
    serde_json::from_slice(&decoded).ok()
}

fn key(world: &SandboxWorld) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, &world.signing_key)
}

/// Returns whether `audience` names a service that this origin stands for. Everything is served at one origin, so an
/// audience of the origin itself is good for ARM and for Graph.
pub(super) fn is_audience(audience: &str, origin: &str, names: &[&str]) -> bool {
    let audience = audience.trim_end_matches('/');
    let loopback = url::Url::parse(audience)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned));
    let loopback = loopback.is_some_and(|host| ["localhost", "127.0.0.1", "[::1]"].contains(&host.as_str()));
    loopback || audience.eq_ignore_ascii_case(origin) || names.iter().any(|name| name.eq_ignore_ascii_case(audience))
}

/// The audiences of Azure Resource Manager, without a closing slash.
pub(super) const ARM: &[&str] = &["https://management.core.windows.net", "https://management.azure.com"];
/// The audiences of Microsoft Graph, without a closing slash.
pub(super) const GRAPH: &[&str] = &["https://graph.microsoft.com", "00000003-0000-0000-c000-000000000000"];
