//! Microsoft Graph v1.0: service principals, applications, the organization, directory roles.

mod applications;
mod directory;
mod federated;
mod filter;
mod kept;
mod key;
mod passwords;
mod service_principals;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::message::{self, Answer, Incoming};
use super::token::{self, Caller, Invalid};
use super::world::World;
use passwords::Owner;

/// What a route gives: an answer, or why not.
type Outcome = Result<Answer, Refusal>;

/// A Graph error.
#[derive(Debug, Clone)]
struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// `details[0]`: its code and target.
    detail: Option<(&'static str, &'static str)>,
}

impl Refusal {
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

    fn answer(&self, date: &str, request_id: Uuid, client_id: &str) -> Answer {
        let inner = json!({"date": date, "request-id": request_id, "client-request-id": client_id});
        let mut error = json!({"code": self.code, "message": self.message, "innerError": inner});
        if let Some((code, target)) = self.detail {
            error["details"] = json!([{"code": code, "message": self.message, "target": target}]);
        }
        message::json(self.status, &json!({ "error": error }))
    }
}

/// Answers a request for Graph.
pub(super) fn answer(world: &mut World, request: &Incoming) -> Answer {
    let request_id = world.ids.next();
    let client_id = request
        .header("client-request-id")
        .map_or_else(|| request_id.to_string(), str::to_owned);
    let date = seconds(world.wall());
    let outcome = authenticate(world, request).and_then(|caller| route(world, request, &caller));
    let mut answer = outcome.unwrap_or_else(|refusal| refusal.answer(&date, request_id, &client_id));
    message::set(&mut answer, "request-id", &request_id.to_string());
    message::set(&mut answer, "client-request-id", &client_id);
    let server = r#"{"ServerInfo":{"DataCenter":"Sandbox","Slice":"E","Ring":"5","ScaleUnit":"000","RoleInstance":"SANDBOX0000"}}"#;
    message::set(&mut answer, "x-ms-ags-diagnostic", server);
    message::set(&mut answer, "x-ms-resource-unit", "1");
    answer
}

fn authenticate(world: &World, request: &Incoming) -> Result<Caller, Refusal> {
    let token = request
        .bearer()
        .ok_or_else(|| Refusal::unauthenticated("Access token is empty."))?;
    let caller = token::verify(world, token).map_err(|invalid| match invalid {
        Invalid::Expired(_) => Refusal::unauthenticated("Lifetime validation failed, the token is expired."),
        Invalid::Forged => Refusal::unauthenticated("Access token validation failure. Signature is invalid."),
    })?;
    // Graph and ARM share an origin here, and `az rest` chooses the audience by origin: either one's is taken.
    let ours = [token::GRAPH, token::ARM]
        .iter()
        .any(|names| token::is_audience(&caller.audience, &request.origin, names));
    if ours {
        Ok(caller)
    } else {
        Err(Refusal::unauthenticated(
            "Access token validation failure. Invalid audience.",
        ))
    }
}

fn route(world: &mut World, request: &Incoming, caller: &Caller) -> Outcome {
    // `applications(appId='…')` reads like `applications/(appId='…')`.
    let mut segments: Vec<&str> = request.segments.iter().skip(1).map(String::as_str).collect();
    if let Some((set, Some(key))) = segments.first().map(|first| key::split(first)) {
        segments.splice(..1, [set, key]);
    }
    let lower: Vec<String> = segments.iter().map(|segment| segment.to_ascii_lowercase()).collect();
    let words: Vec<&str> = lower.iter().map(String::as_str).collect();
    let key = segments.get(1).copied().unwrap_or_default();
    match (&request.method, words.as_slice()) {
        (&Method::GET, ["serviceprincipals"]) => service_principals::list(world, request, caller),
        (&Method::POST, ["serviceprincipals"]) => service_principals::create(world, request, caller),
        (&Method::GET, ["serviceprincipals", _]) => service_principals::get(world, request, caller, key),
        (&Method::PATCH, ["serviceprincipals", _]) => service_principals::update(world, request, caller, key),
        (&Method::DELETE, ["serviceprincipals", _]) => service_principals::delete(world, caller, key),
        (&Method::GET, ["serviceprincipals", _, "transitivememberof" | "memberof", ..]) => {
            directory::roles(world, request, caller, key)
        }
        (&Method::GET, ["applications"]) => applications::list(world, request, caller),
        (&Method::POST, ["applications"]) => applications::create(world, request, caller),
        (&Method::GET, ["applications", _]) => applications::get(world, request, caller, key),
        (&Method::PATCH, ["applications", _]) => applications::update(world, request, caller, key),
        (&Method::DELETE, ["applications", _]) => applications::delete(world, caller, key),
        (&Method::POST, [set @ ("applications" | "serviceprincipals"), _, "addpassword"]) => {
            let owner = Owner::find(world, caller, set, key)?;
            passwords::add(world, request, owner)
        }
        (&Method::POST, [set @ ("applications" | "serviceprincipals"), _, "removepassword"]) => {
            let owner = Owner::find(world, caller, set, key)?;
            passwords::remove(world, request, owner)
        }
        (_, ["applications", _, "federatedidentitycredentials", ..]) => {
            let which = segments.get(3).copied();
            match (&request.method, which) {
                (&Method::GET, None) => federated::list(world, request, caller, key),
                (&Method::POST, None) => federated::create(world, request, caller, key),
                (&Method::GET, Some(which)) => federated::get(world, request, caller, key, which),
                (&Method::DELETE, Some(which)) => federated::delete(world, caller, key, which),
                _ => Err(unsupported(request)),
            }
        }
        // Nobody owns anything here, and there are neither users nor groups.
        (&Method::GET, ["applications" | "serviceprincipals", _, "owners"] | ["users" | "groups"]) => {
            Ok(collection(world, request, "directoryObjects", Vec::new()))
        }
        // What is deleted is gone for good here: the recycle bin is empty.
        (&Method::GET, ["directory", "deleteditems", ..]) => {
            Ok(collection(world, request, "directoryObjects", Vec::new()))
        }
        (&Method::DELETE, ["directory", "deleteditems", _]) => Ok(message::empty(StatusCode::NO_CONTENT)),
        (&Method::GET, ["users" | "groups", _]) => Err(Refusal::missing(key)),
        (&Method::GET, ["organization"]) => directory::organization(world, request, caller),
        (&Method::GET, ["me", ..]) => Err(Refusal::bad(
            "/me request is only valid with delegated authentication flow.",
        )),
        (&Method::POST, ["directoryobjects", "getbyids"]) => directory::get_by_ids(world, request, caller),
        (
            _,
            [
                "applications" | "serviceprincipals" | "organization" | "me" | "directoryobjects",
                ..,
            ],
        ) => Err(unsupported(request)),
        _ => {
            let segment = segments.first().copied().unwrap_or_default();
            Err(Refusal::bad(format!("Resource not found for the segment '{segment}'.")))
        }
    }
}

fn unsupported(request: &Incoming) -> Refusal {
    let text = format!("The sandbox does not support {} on this resource.", request.method);
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "Request_BadRequest", text)
}

/// One page of a list as Graph writes it: `$top` items, with `@odata.nextLink` where there is more.
fn collection(world: &World, request: &Incoming, set: &str, items: Vec<Value>) -> Answer {
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
fn entity(request: &Incoming, status: StatusCode, set: &str, mut item: Value) -> Answer {
    select(request, &mut item);
    item["@odata.context"] = format!("{}/v1.0/$metadata#{set}/$entity", request.origin).into();
    odata(status, &item)
}

/// Leaves of an object what `$select` asks for.
fn select(request: &Incoming, item: &mut Value) {
    let (Some(wanted), Value::Object(fields)) = (request.query("$select"), item) else {
        return;
    };
    let wanted: Vec<&str> = wanted.split(',').map(str::trim).collect();
    fields.retain(|name, _| name.starts_with('@') || wanted.iter().any(|one| one.eq_ignore_ascii_case(name)));
}

fn odata(status: StatusCode, body: &Value) -> Answer {
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
