//! Identity that a token was issued for. The claims are read, not verified: verification is up to the API that receives
//! the token.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use uuid::Uuid;

use crate::domain::TenantId;

/// Identity that a token was issued for, according to its claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhoAmI {
    /// `tid`: the tenant that issued the token.
    pub tenant: TenantId,
    /// `oid`: the user's or the service principal's object id in that tenant.
    pub object_id: Uuid,
    /// `appid` (or `azp`): the application that the token was issued to; for a user's token that of az, for instance.
    pub app_id: Option<Uuid>,
    /// `upn` or `unique_name`, or "application APPID".
    pub name: String,
    pub is_user: bool,
    /// `wids`: template ids of the user's active directory roles. Roles that are only eligible are not in it.
    pub directory_roles: Vec<Uuid>,
    /// `roles`: the application permissions of an application, in a token for Graph.
    pub permissions: Vec<String>,
}

#[derive(Deserialize)]
struct TokenClaims {
    tid: Uuid,
    oid: Uuid,
    appid: Option<Uuid>,
    azp: Option<Uuid>,
    upn: Option<String>,
    unique_name: Option<String>,
    preferred_username: Option<String>,
    idtyp: Option<String>,
    scp: Option<String>,
    #[serde(default)]
    wids: Vec<Uuid>,
    #[serde(default)]
    roles: Vec<String>,
}

/// # Errors
/// A sentence that says what the token lacks, without anything of it.
pub(super) fn read(token: &SecretString) -> Result<WhoAmI, String> {
    let payload = token
        .expose_secret()
        .split('.')
        .nth(1)
        .ok_or("the token is not a JSON Web Token")?;
    let json = URL_SAFE_NO_PAD
        .decode(payload.trim_end_matches('='))
        .map_err(|_| "the token's claims are not base64")?;
    let claims: TokenClaims =
        serde_json::from_slice(&json).map_err(|_| "the token lacks the claims tid and oid, or they are no GUIDs")?;
    let app_id = claims.appid.or(claims.azp);
    let name = claims.upn.or(claims.unique_name).or(claims.preferred_username);
    let is_user = match claims.idtyp.as_deref() {
        Some(kind) => kind == "user",
        // An application's token has no delegated permissions.
        None => claims.scp.is_some() || name.is_some(),
    };
    let application = || match app_id {
        Some(id) => format!("application {id}"),
        None => format!("principal {}", claims.oid),
    };
    Ok(WhoAmI {
        tenant: claims.tid,
        object_id: claims.oid,
        app_id,
        // Personal accounts are written `live.com#someone@example.com`.
        name: name.map_or_else(application, |name| {
            name.rsplit('#').next().unwrap_or_default().to_owned()
        }),
        is_user,
        directory_roles: claims.wids,
        permissions: claims.roles,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn token(claims: &Value) -> SecretString {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.sig", part("{}"), part(&claims.to_string())).into()
    }

    #[test]
    fn claims_distinguish_user_from_application() {
        let [tid, oid, app] = [1, 2, 3].map(Uuid::from_u128);
        let admin = "62e90394-69f5-4237-9190-012177145e10";
        let user = json!({ "tid": tid, "oid": oid, "appid": app, "upn": "ann@contoso.com", "scp": "user_impersonation", "wids": [admin] });
        let user = read(&token(&user)).unwrap();
        assert_eq!(
            (user.tenant, user.object_id, user.app_id, user.is_user),
            (tid, oid, Some(app), true)
        );
        assert_eq!(
            (user.name.as_str(), user.directory_roles),
            ("ann@contoso.com", vec![admin.parse().unwrap()])
        );

        let application =
            json!({ "tid": tid, "oid": oid, "appid": app, "idtyp": "app", "roles": ["Application.ReadWrite.All"] });
        let application = read(&token(&application)).unwrap();
        assert!(!application.is_user);
        assert_eq!(application.permissions, ["Application.ReadWrite.All"]);
        assert_eq!(application.name, format!("application {app}"));

        let guest = json!({ "tid": tid, "oid": oid, "scp": "x", "unique_name": "live.com#bob@example.com" });
        assert_eq!(read(&token(&guest)).unwrap().name, "bob@example.com");
    }

    #[test]
    fn claims_error_hides_invalid_token() {
        for bad in ["opaque-secret", "a.b!.c", "a.e30.c", ""] {
            let why = read(&SecretString::from(bad)).unwrap_err();
            assert!(!why.contains("secret") && why.contains("token"), "{why}");
        }
    }
}
