//! Signing in by a code (RFC 8628): the code, the questions whether it was entered, and the tokens that come of it.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::EntraRefusal;
use super::tokens::{audience, required};
use crate::sandbox::message::{self, FormBody, IncomingRequest, SandboxResponse};
use crate::sandbox::token;
use crate::sandbox::world::{SandboxWorld, UserRecord};

/// Lifetime of a code.
const LIFE: Duration = Duration::from_secs(900);

/// The codes that were given out, and the refresh tokens that came of them.
#[derive(Debug, Clone, Default)]
pub(in crate::sandbox) struct DeviceSignIns {
    /// By device code.
    pub(super) codes: BTreeMap<String, DeviceCode>,
    /// Owners by refresh token: the name, and whether claims demanded more than a password.
    refresh: BTreeMap<String, (String, bool)>,
}

#[derive(Debug, Clone)]
pub(super) struct DeviceCode {
    /// Code that a person enters.
    pub(super) user_code: String,
    client: String,
    scope: String,
    /// Claims demand more than a password.
    factors: bool,
    /// None where any tenant will do.
    pub(super) tenant: Option<Uuid>,
    begun: Duration,
    looked: Option<Duration>,
    pub(super) state: CodeState,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CodeState {
    Pending,
    /// By the person of that name.
    Accepted(String),
    Declined,
    Redeemed,
}

impl DeviceCode {
    /// Returns whether the code can still be entered.
    pub(super) fn is_open(&self, now: Duration) -> bool {
        self.state == CodeState::Pending && now < self.begun + LIFE
    }
}

/// `POST /{tenant}/oauth2/v2.0/devicecode`.
pub(super) fn begin(world: &mut SandboxWorld, request: &IncomingRequest, tenant: &str) -> SandboxResponse {
    let form = request.form();
    let code = match new_code(world, request, tenant, &form) {
        Ok(code) => code,
        Err(refusal) => return refusal.answer(world, request),
    };
    let device_code = format!("sandbox~device~{}", world.ids.next().simple());
    let page = format!("{}/devicelogin", request.origin);
    let body = json!({
        "user_code": code.user_code,
        "device_code": device_code,
        "verification_uri": page,
        "expires_in": LIFE.as_secs(),
        "interval": world.timing.code_interval.as_secs(),
        "message": format!(
            "To sign in, use a web browser to open the page {page} and enter the code {} to authenticate.",
            code.user_code
        ),
    });
    world.sign_ins.codes.insert(device_code, code);
    message::json(StatusCode::OK, &body)
}

fn new_code(
    world: &mut SandboxWorld,
    request: &IncomingRequest,
    tenant: &str,
    form: &FormBody,
) -> Result<DeviceCode, EntraRefusal> {
    let (client, scope) = (required(form, "client_id")?, required(form, "scope")?);
    audience(request, scope)?;
    let tenant = tenant_of(world, tenant)?;
    // Nine letters and digits, as Entra's are.
    let id = world.ids.next().simple().to_string().to_ascii_uppercase();
    Ok(DeviceCode {
        user_code: id[..9].to_owned(),
        client: client.to_owned(),
        scope: scope.to_owned(),
        factors: demands_factors(form),
        tenant,
        begun: world.now,
        looked: None,
        state: CodeState::Pending,
    })
}

/// The tenant of a path; none for the words that stand for all of them.
fn tenant_of(world: &SandboxWorld, tenant: &str) -> Result<Option<Uuid>, EntraRefusal> {
    if ["organizations", "common"].contains(&tenant) {
        return Ok(None);
    }
    let found = world.tenant(tenant).map(|found| Some(found.id));
    found.ok_or_else(|| EntraRefusal::no_tenant(tenant, "invalid_request"))
}

/// The token endpoint, asked whether a code was entered.
pub(super) fn redeem(
    world: &mut SandboxWorld,
    request: &IncomingRequest,
    tenant: &str,
    form: &FormBody,
) -> SandboxResponse {
    let redeemed = take(world, tenant, form);
    let granted =
        redeemed.and_then(|(upn, tenant, scope, factors)| grant(world, request, (&upn, factors), tenant, &scope, form));
    answer(world, request, granted)
}

/// The person, the tenant, the scope, and whether claims demanded more than a password.
type GrantedCode = (String, Option<Uuid>, String, bool);

/// Returns the person who entered the code, with the scope that was requested with it.
fn take(world: &mut SandboxWorld, tenant: &str, form: &FormBody) -> Result<GrantedCode, EntraRefusal> {
    let tenant = tenant_of(world, tenant)?;
    let (client, device_code) = (required(form, "client_id")?, required(form, "device_code")?);
    let (now, interval) = (world.now, world.timing.code_interval);
    let refused = |error, code, text: &str| Err(EntraRefusal::new(400, error, code, text.to_owned()));
    let not_valid = "The provided value for the input parameter 'device_code' is not valid.";
    let code = world.sign_ins.codes.get_mut(device_code);
    let Some(code) = code.filter(|code| code.client == client && code.tenant == tenant) else {
        return refused("bad_verification_code", 70000, not_valid);
    };
    let soon = code.looked.is_some_and(|looked| now < looked + interval);
    code.looked = Some(now);
    match &code.state {
        // Pending and expired come with these numbers; for the others no answer of Entra's is on record, and the words
        // of OAuth are what a client goes by.
        CodeState::Redeemed => refused("invalid_grant", 54005, "The code was already redeemed."),
        CodeState::Declined => refused("authorization_declined", 70018, "The person declined to sign in."),
        _ if now >= code.begun + LIFE => {
            let text = format!("{not_valid} This device code has expired.");
            refused("expired_token", 70020, &text)
        }
        _ if soon => refused("slow_down", 70016, "The client asks more often than it was told to."),
        CodeState::Pending => refused(
            "authorization_pending",
            70016,
            "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
        ),
        CodeState::Accepted(upn) => {
            let upn = upn.clone();
            code.state = CodeState::Redeemed;
            Ok((upn, tenant, code.scope.clone(), code.factors))
        }
    }
}

/// The token endpoint, asked for a further token of somebody who has signed in.
pub(super) fn refresh(
    world: &mut SandboxWorld,
    request: &IncomingRequest,
    tenant: &str,
    form: &FormBody,
) -> SandboxResponse {
    let granted = exchange(world, tenant, form)
        .and_then(|(upn, tenant, scope, factors)| grant(world, request, (&upn, factors), tenant, &scope, form));
    answer(world, request, granted)
}

fn exchange(world: &SandboxWorld, tenant: &str, form: &FormBody) -> Result<GrantedCode, EntraRefusal> {
    let tenant = tenant_of(world, tenant)?;
    let (given, scope) = (required(form, "refresh_token")?, required(form, "scope")?);
    let (upn, factors) = world.sign_ins.refresh.get(given).ok_or_else(|| {
        let text = "Invalid request. Request is malformed or invalid.";
        EntraRefusal::new(400, "invalid_grant", 9_002_313, text.to_owned())
    })?;
    if demands_factors(form) && !factors {
        let text = "Due to a configuration change made by your administrator, or because you moved to a new location, \
                    you must use multi-factor authentication to access the resource.";
        return Err(EntraRefusal::new(400, "interaction_required", 50076, text.to_owned()));
    }
    Ok((upn.clone(), tenant, scope.to_owned(), *factors))
}

/// Returns whether the claims of a request demand an authentication context.
fn demands_factors(form: &FormBody) -> bool {
    form.get("claims").is_some_and(|claims| claims.contains("acrs"))
}

/// The answer with the tokens of a person in a tenant; where any will do, in the first that knows the person.
fn grant(
    world: &mut SandboxWorld,
    request: &IncomingRequest,
    (upn, factors): (&str, bool),
    tenant: Option<Uuid>,
    scope: &str,
    form: &FormBody,
) -> Result<Value, EntraRefusal> {
    let resource = audience(request, scope)?;
    let client = required(form, "client_id")?;
    let user = world
        .user(upn, tenant)
        .cloned()
        .ok_or_else(|| stranger(world, upn, tenant))?;
    let refresh = format!("sandbox~refresh~{}", world.ids.next().simple());
    world
        .sign_ins
        .refresh
        .insert(refresh.clone(), (user.upn.clone(), factors));
    let lifetime = token::LIFETIME - 1;
    let mut body = json!({
        "token_type": "Bearer",
        "scope": format!("{resource}/user_impersonation {resource}/.default"),
        "expires_in": lifetime,
        "ext_expires_in": lifetime,
        "access_token": token::issue_to_user(world, &user, &resource, client, factors),
        "refresh_token": refresh,
    });
    if scope.split(' ').any(|word| word == "openid") {
        body["id_token"] = token::issue_to_user(world, &user, client, client, factors).into();
        body["client_info"] = client_info(&user).into();
    }
    Ok(body)
}

/// Returns the key under which MSAL keeps an account.
fn client_info(user: &UserRecord) -> String {
    URL_SAFE_NO_PAD.encode(json!({"uid": user.id, "utid": user.tenant}).to_string())
}

/// `AADSTS50020`: a person whom the tenant does not know.
pub(super) fn stranger(world: &SandboxWorld, upn: &str, tenant: Option<Uuid>) -> EntraRefusal {
    let tenant = tenant.and_then(|id| world.tenants.iter().find(|found| found.id == id));
    let tenant = tenant.map_or("any", |found| found.name.as_str());
    let text = format!(
        "User account '{upn}' from identity provider 'https://sts.windows.net/' does not exist in tenant '{tenant}' and \
         cannot access the application in that tenant. The account needs to be added as an external user in the tenant \
         first. Sign out and sign in again with a different Azure Active Directory user account."
    );
    EntraRefusal::new(400, "invalid_grant", 50020, text)
}

fn answer(
    world: &mut SandboxWorld,
    request: &IncomingRequest,
    granted: Result<Value, EntraRefusal>,
) -> SandboxResponse {
    let body = match granted {
        Ok(body) => body,
        Err(refusal) => return refusal.answer(world, request),
    };
    let mut answer = message::json(StatusCode::OK, &body);
    message::set(&mut answer, "cache-control", "no-store, no-cache");
    message::set(&mut answer, "x-ms-clitelem", "1,0,0,,");
    answer
}
