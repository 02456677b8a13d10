//! Microsoft Graph v1.0: service principals, applications, the organization, directory roles.

mod app_policies;
mod applications;
mod deleted_items;
mod directory;
mod federated;
mod filter;
mod kept;
mod key;
pub(super) mod keys;
mod owners;
mod passwords;
mod service_principals;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::message::{self, IncomingRequest, SandboxResponse};
use super::token::{self, InvalidToken, TokenCaller};
use super::world::SandboxWorld;
use passwords::CredentialOwner;

/// Result of a route: an answer or a refusal.
type GraphResult = Result<SandboxResponse, GraphRefusal>;

/// A Graph error.
#[derive(Debug, Clone)]
struct GraphRefusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// `details[0]`: its code and target.
    detail: Option<(&'static str, &'static str)>,
}

impl GraphRefusal {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            detail: None,
        }
    }

    fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Request_BadRequest", message)
    }

    fn denied(message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "Authorization_RequestDenied", message)
    }

    fn missing(id: &str) -> Self {
        let text =
            format!("Resource '{id}' does not exist or one of its queried reference-property objects are not present.");
        Self::new(StatusCode::NOT_FOUND, "Request_ResourceNotFound", text)
    }

    fn unauthenticated(message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "InvalidAuthenticationToken", message)
    }

    fn answer(&self, date: &str, request_id: Uuid, client_id: &str) -> SandboxResponse {
        let inner = json!({"date": date, "request-id": request_id, "client-request-id": client_id});
        let mut error = json!({"code": self.code, "message": self.message, "innerError": inner});
        if let Some((code, target)) = self.detail {
            error["details"] = json!([{"code": code, "message": self.message, "target": target}]);
        }
        message::json(self.status, &json!({ "error": error }))
    }
}

/// Answers a request for Graph.
pub(super) fn answer(world: &mut SandboxWorld, request: &IncomingRequest) -> SandboxResponse {
    let request_id = world.ids.next();
    let client_id = request
        .header("client-request-id")
        .map_or_else(|| request_id.to_string(), str::to_owned);
    let date = seconds(world.wall_clock());
    let outcome = authenticate(world, request).and_then(|caller| route(world, request, &caller));
    let mut answer = outcome.unwrap_or_else(|refusal| refusal.answer(&date, request_id, &client_id));
    message::set(&mut answer, "request-id", &request_id.to_string());
    message::set(&mut answer, "client-request-id", &client_id);
    let server = r#"{"ServerInfo":{"DataCenter":"Sandbox","Slice":"E","Ring":"5","ScaleUnit":"000","RoleInstance":"SANDBOX0000"}}"#;
    message::set(&mut answer, "x-ms-ags-diagnostic", server);
    message::set(&mut answer, "x-ms-resource-unit", "1");
    answer
}

fn authenticate(world: &SandboxWorld, request: &IncomingRequest) -> Result<TokenCaller, GraphRefusal> {
    let token = request
        .bearer()
        .ok_or_else(|| GraphRefusal::unauthenticated("Access token is empty."))?;
    let caller = token::verify(world, token).map_err(|invalid| match invalid {
        InvalidToken::Expired(_) => GraphRefusal::unauthenticated("Lifetime validation failed, the token is expired."),
        InvalidToken::Forged => GraphRefusal::unauthenticated("Access token validation failure. Signature is invalid."),
    })?;
    // Graph and ARM share an origin here, and `az rest` chooses the audience by origin: either one's is taken.
    let ours = [token::GRAPH, token::ARM]
        .iter()
        .any(|names| token::is_audience(&caller.audience, &request.origin, names));
    if ours {
        Ok(caller)
    } else {
        Err(GraphRefusal::unauthenticated(
            "Access token validation failure. Invalid audience.",
        ))
    }
}

fn route(world: &mut SandboxWorld, request: &IncomingRequest, caller: &TokenCaller) -> GraphResult {
    // `applications(appId='…')` reads like `applications/(appId='…')`.
    let mut segments: Vec<&str> = request.segments.iter().skip(1).map(String::as_str).collect();
    if let Some((set, Some(key))) = segments.first().map(|first| key::split(first)) {
        segments.splice(..1, [set, key]);
    }
    let lower: Vec<String> = segments.iter().map(|segment| segment.to_ascii_lowercase()).collect();
    let words: Vec<&str> = lower.iter().map(String::as_str).collect();
    let key = segments.get(1).copied().unwrap_or_default();
    match words.as_slice() {
        ["applications", _, "federatedidentitycredentials", ..] => {
            federated::route(world, request, caller, key, segments.get(3).copied())
        }
        ["applications", _, "owners", ..] => owners::route(world, request, caller, key, true),
        ["serviceprincipals", _, "owners", ..] => owners::route(world, request, caller, key, false),
        ["directory", "deleteditems", _, below @ ..] => {
            let key = segments.get(2).copied().unwrap_or_default();
            deleted_items::route(world, request, caller, key, below == ["restore"])
        }
        ["serviceprincipals", below @ ..] => of_principals(world, request, caller, key, below),
        ["applications", below @ ..] => of_applications(world, request, caller, key, below),
        whole => elsewhere(world, request, caller, key, whole),
    }
}

/// `/servicePrincipals` and what is below it.
fn of_principals(
    world: &mut SandboxWorld,
    request: &IncomingRequest,
    caller: &TokenCaller,
    key: &str,
    below: &[&str],
) -> GraphResult {
    match (&request.method, below) {
        (&Method::GET, []) => service_principals::list(world, request, caller),
        (&Method::POST, []) => service_principals::create(world, request, caller),
        (&Method::GET, [_]) => service_principals::get(world, request, caller, key),
        (&Method::PATCH, [_]) => service_principals::update(world, request, caller, key),
        (&Method::DELETE, [_]) => service_principals::delete(world, caller, key),
        (&Method::GET, [_, "transitivememberof" | "memberof", ..]) => directory::roles(world, request, caller, key),
        (&Method::POST, [_, "addpassword"]) => {
            let owner = service_principals::mine(world, caller, key).map(CredentialOwner::Principal)?;
            passwords::add(world, request, owner)
        }
        (&Method::POST, [_, "removepassword"]) => {
            let owner = service_principals::mine(world, caller, key).map(CredentialOwner::Principal)?;
            passwords::remove(world, request, owner)
        }
        _ => Err(unsupported(request)),
    }
}

/// `/applications` and what is below it.
fn of_applications(
    world: &mut SandboxWorld,
    request: &IncomingRequest,
    caller: &TokenCaller,
    key: &str,
    below: &[&str],
) -> GraphResult {
    match (&request.method, below) {
        (&Method::GET, []) => applications::list(world, request, caller),
        (&Method::POST, []) => applications::create(world, request, caller),
        (&Method::GET, [_]) => applications::get(world, request, caller, key),
        (&Method::PATCH, [_]) => applications::update(world, request, caller, key),
        (&Method::DELETE, [_]) => applications::delete(world, caller, key),
        (&Method::POST, [_, "addpassword"]) => {
            let owner = applications::mine(world, caller, key).map(CredentialOwner::Application)?;
            passwords::add(world, request, owner)
        }
        (&Method::POST, [_, "removepassword"]) => {
            let owner = applications::mine(world, caller, key).map(CredentialOwner::Application)?;
            passwords::remove(world, request, owner)
        }
        (&Method::GET, [_, "appmanagementpolicies"]) => app_policies::of_application(world, request, caller, key),
        _ => Err(unsupported(request)),
    }
}

/// The other sets. There are neither users nor groups here.
fn elsewhere(
    world: &SandboxWorld,
    request: &IncomingRequest,
    caller: &TokenCaller,
    key: &str,
    words: &[&str],
) -> GraphResult {
    match (&request.method, words) {
        (&Method::GET, ["users" | "groups"]) => Ok(nobody(world, request)),
        (&Method::GET, ["policies", "defaultappmanagementpolicy"]) => app_policies::default(world, request, caller),
        (&Method::GET, ["users" | "groups", _]) => Err(GraphRefusal::missing(key)),
        (&Method::GET, ["organization"]) => directory::organization(world, request, caller),
        (&Method::GET, ["me", ..]) => Err(GraphRefusal::bad(
            "/me request is only valid with delegated authentication flow.",
        )),
        (&Method::POST, ["directoryobjects", "getbyids"]) => directory::get_by_ids(world, request, caller),
        (
            _,
            [
                "organization" | "me" | "directoryobjects" | "users" | "groups" | "directory" | "policies",
                ..,
            ],
        ) => Err(unsupported(request)),
        _ => {
            let segment = words.first().copied().unwrap_or_default();
            Err(GraphRefusal::bad(format!(
                "Resource not found for the segment '{segment}'."
            )))
        }
    }
}

/// A list of people in which there is nobody.
fn nobody(world: &SandboxWorld, request: &IncomingRequest) -> SandboxResponse {
    collection(world, request, "directoryObjects", Vec::new())
}

fn unsupported(request: &IncomingRequest) -> GraphRefusal {
    let text = format!("The sandbox does not support {} on this resource.", request.method);
    GraphRefusal::new(StatusCode::METHOD_NOT_ALLOWED, "Request_BadRequest", text)
}

/// One page of a list as Graph writes it: `$top` items, with `@odata.nextLink` where there is more.
fn collection(world: &SandboxWorld, request: &IncomingRequest, set: &str, items: Vec<Value>) -> SandboxResponse {
    let number = |name: &str| request.query(name).and_then(|text| text.parse::<usize>().ok());
    let (from, size) = (
        number("$skiptoken").unwrap_or(0),
        number("$top").unwrap_or(world.page_size).max(1),
    );
    let total = items.len();
    let mut page: Vec<Value> = items.into_iter().skip(from).take(size).collect();
    page.iter_mut().for_each(|item| select(request, item));
    let next = from + page.len();
    let mut body = json!({"@odata.context": format!("{}/v1.0/$metadata#{set}", request.origin), "value": page});
    if request.query("$count") == Some("true") {
        body["@odata.count"] = total.into();
    }
    if next < total {
        let query = request.query_with("$skiptoken", &next.to_string());
        body["@odata.nextLink"] = format!("{}{}?{query}", request.origin, request.path).into();
    }
    odata(StatusCode::OK, &body)
}

/// One entity as Graph writes it.
fn entity(request: &IncomingRequest, status: StatusCode, set: &str, mut item: Value) -> SandboxResponse {
    select(request, &mut item);
    item["@odata.context"] = format!("{}/v1.0/$metadata#{set}/$entity", request.origin).into();
    odata(status, &item)
}

/// Leaves of an object what `$select` asks for.
fn select(request: &IncomingRequest, item: &mut Value) {
    let (Some(wanted), Value::Object(fields)) = (request.query("$select"), item) else {
        return;
    };
    let wanted: Vec<&str> = wanted.split(',').map(str::trim).collect();
    fields.retain(|name, _| name.starts_with('@') || wanted.iter().any(|one| one.eq_ignore_ascii_case(name)));
}

fn odata(status: StatusCode, body: &Value) -> SandboxResponse {
    let kind = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";
    let mut answer = message::text(status, kind, body.to_string());
    message::set(&mut answer, "odata-version", "4.0");
    answer
}

/// `2026-11-21T10:11:12`.
fn seconds(wall: OffsetDateTime) -> String {
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        wall.year(),
        u8::from(wall.month()),
        wall.day(),
        wall.hour(),
        wall.minute(),
        wall.second()
    )
}
