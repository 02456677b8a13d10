//! Microsoft Graph v1.0: service principals, applications, the organization, directory roles.

mod applications;
mod directory;
mod filter;
mod service_principals;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::message::{self, Answer, Incoming};
use super::token::{self, Caller, Invalid};
use super::world::World;

/// What a route gives: an answer, or why not.
type Outcome = Result<Answer, Refusal>;

/// A Graph error.
#[derive(Debug, Clone)]
struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// `details[0].code`.
    detail: Option<&'static str>,
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
        if let Some(code) = self.detail {
            error["details"] = json!([{"code": code, "message": self.message, "target": "appId"}]);
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
    let segments: Vec<&str> = request.segments.iter().skip(1).map(String::as_str).collect();
    let lower: Vec<String> = request.lower().split_off(1);
    let words: Vec<&str> = lower.iter().map(String::as_str).collect();
    match (&request.method, words.as_slice()) {
        (&Method::GET, ["serviceprincipals"]) => service_principals::list(world, request, caller),
        (&Method::POST, ["serviceprincipals"]) => service_principals::create(world, request, caller),
        (&Method::GET, ["serviceprincipals", _]) => service_principals::get(world, request, caller, segments[1]),
        (&Method::DELETE, ["serviceprincipals", _]) => service_principals::delete(world, caller, segments[1]),
        (&Method::GET, [key]) if key.starts_with("serviceprincipals(") => {
            service_principals::get(world, request, caller, segments[0])
        }
        (&Method::DELETE, [key]) if key.starts_with("serviceprincipals(") => {
            service_principals::delete(world, caller, segments[0])
        }
        (&Method::GET, [key, "transitivememberof" | "memberof", ..]) if key.starts_with("serviceprincipals(") => {
            directory::roles(world, request, caller, segments[0])
        }
        (&Method::GET, ["serviceprincipals", _, "transitivememberof" | "memberof", ..]) => {
            directory::roles(world, request, caller, segments[1])
        }
        (&Method::GET, ["applications"]) => applications::list(world, request, caller),
        (&Method::GET, ["applications", _]) => applications::get(world, request, caller, segments[1]),
        (&Method::GET, [key]) if key.starts_with("applications(") => {
            applications::get(world, request, caller, segments[0])
        }
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
        ) => {
            let text = format!("The sandbox does not support {} on this resource.", request.method);
            Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "Request_BadRequest", text))
        }
        _ => {
            let segment = segments.first().copied().unwrap_or_default();
            Err(Refusal::bad(format!("Resource not found for the segment '{segment}'.")))
        }
    }
}

/// One page of a list as Graph writes it: `$top` items, with `@odata.nextLink` where there is more.
fn collection(world: &World, request: &Incoming, set: &str, items: Vec<Value>) -> Answer {
    let number = |name: &str| request.query(name).and_then(|text| text.parse::<usize>().ok());
    let (from, size) = (
        number("$skiptoken").unwrap_or(0),
        number("$top").unwrap_or(world.page_size).max(1),
    );
    let total = items.len();
    let page: Vec<Value> = items.into_iter().skip(from).take(size).collect();
    let next = from + page.len();
    let mut body = json!({"@odata.context": format!("{}/v1.0/$metadata#{set}", request.origin), "value": page});
    if next < total {
        let query = request.query_with("$skiptoken", &next.to_string());
        body["@odata.nextLink"] = format!("{}{}?{query}", request.origin, request.path).into();
    }
    odata(StatusCode::OK, &body)
}

/// One entity as Graph writes it.
fn entity(request: &Incoming, status: StatusCode, set: &str, mut item: Value) -> Answer {
    item["@odata.context"] = format!("{}/v1.0/$metadata#{set}/$entity", request.origin).into();
    odata(status, &item)
}

fn odata(status: StatusCode, body: &Value) -> Answer {
    let kind = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";
    let mut answer = message::text(status, kind, body.to_string());
    message::set(&mut answer, "odata-version", "4.0");
    answer
}

/// The key of `name(appId='…')`.
fn alternate_key(segment: &str) -> Option<Uuid> {
    let inner = segment.split_once('(')?.1.strip_suffix(')')?;
    let (name, value) = inner.split_once('=')?;
    let value = value.trim().trim_matches('\'');
    name.trim()
        .eq_ignore_ascii_case("appId")
        .then(|| Uuid::parse_str(value).ok())?
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
