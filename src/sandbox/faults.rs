//! Faults on demand: which request goes wrong, and how.

use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::message::{self, IncomingRequest, SandboxResponse};
use super::router::SandboxService;
use super::vendors::aiven;

/// One rule, as in `PUT */roleAssignments/*:2=429`: method (or `*`), path with `*` for any text, optionally `:N` for
/// the Nth match only, and what happens. The query takes no part; case is ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultRule {
    method: String,
    path: String,
    nth: Option<u32>,
    fault: InjectedFault,
}

/// Fault to inject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InjectedFault {
    /// An error answer; the request has no effect.
    Status(InjectedRefusal),
    /// The connection breaks and the request has no effect.
    ResetBefore,
    /// The request takes effect, then the connection breaks.
    ResetAfter,
    /// No answer ever comes; the request has no effect.
    Stall,
    /// The request takes effect, and no answer ever comes.
    StallAfter,
    /// The request takes effect and half of the answer comes.
    Truncate,
    /// The request has no effect and a proxy's HTML page comes.
    Garbage,
    /// A claims challenge: Resource Manager demands multi-factor authentication, Graph what Conditional Access says. The
    /// request has no effect.
    Challenge,
}

/// An error answer, in the envelope of the service that is asked: `429`, `429:7` (`Retry-After: 7`),
/// `409:AnotherOperationInProgress`, or `403:LinkedAuthorizationFailed:a message`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InjectedRefusal {
    status: StatusCode,
    retry_after: Option<u64>,
    /// The service's code: ARM's and Graph's `code`, `AADSTS` and number, Konnect's `title`. Aiven and Dragonfly have
    /// none.
    code: Option<String>,
    message: Option<String>,
}

impl FromStr for FaultRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| {
            format!(
                "'{text}' is not a valid fault rule: {why}. Expected METHOD PATH[:N]=FAULT, such as 'PUT */roleAssignments/*:2=429'."
            )
        };
        let (when, fault) = halves(text.trim()).ok_or_else(|| wrong("'=' is missing"))?;
        let (method, path) = when
            .trim()
            .split_once(' ')
            .ok_or_else(|| wrong("the path after the method is missing"))?;
        let (path, nth) = match path.rsplit_once(':') {
            Some((path, nth)) => {
                let nth = nth
                    .parse()
                    .ok()
                    .filter(|n| *n > 0)
                    .ok_or_else(|| wrong("':' must be followed by a number from 1"))?;
                (path, Some(nth))
            }
            None => (path, None),
        };
        let fault = fault.parse().map_err(|why: String| wrong(&why))?;
        Ok(Self {
            method: method.to_ascii_uppercase(),
            path: path.trim().to_ascii_lowercase(),
            nth,
            fault,
        })
    }
}

/// Splits a rule into its condition and its fault. `=` may also stand in a path and in a message, so the first one
/// before a fault separates them; where there's no fault, the last.
fn halves(text: &str) -> Option<(&str, &str)> {
    let mut all = text.match_indices('=').map(|(at, _)| (&text[..at], &text[at + 1..]));
    let first = all.clone().find(|(_, fault)| fault.parse::<InjectedFault>().is_ok());
    first.or_else(|| all.next_back())
}

impl FromStr for InjectedFault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text.trim() {
            "reset-before" => Self::ResetBefore,
            "reset-after" => Self::ResetAfter,
            "stall" => Self::Stall,
            "stall-after" => Self::StallAfter,
            "truncate" => Self::Truncate,
            "garbage" => Self::Garbage,
            "challenge" => Self::Challenge,
            other => Self::Status(other.parse()?),
        })
    }
}

impl FromStr for InjectedRefusal {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (status, rest) = text.split_once(':').unwrap_or((text, ""));
        let status = status.trim().parse().ok();
        let status = status.filter(|status: &u16| (400..600).contains(status));
        let status = status.and_then(|status| StatusCode::from_u16(status).ok());
        let status = status.ok_or_else(|| {
            format!(
                "'{text}' is not a valid fault (a status from 400 to 599, reset-before, reset-after, stall, stall-after, truncate, garbage or challenge)"
            )
        })?;
        let (first, after) = rest.split_once(':').unwrap_or((rest, ""));
        let (retry_after, said) = match first.trim().parse() {
            Ok(seconds) => (Some(seconds), after),
            Err(_) => (None, rest),
        };
        let (code, message) = said.split_once(':').unwrap_or((said, ""));
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let (code, message) = (given(code), given(message));
        if code
            .as_ref()
            .is_some_and(|code| !code.starts_with(|first: char| first.is_alphabetic()))
        {
            return Err("the status can be followed only by seconds (Retry-After) or a code".to_owned());
        }
        Ok(Self {
            status,
            retry_after,
            code,
            message,
        })
    }
}

impl InjectedFault {
    /// Returns the name of the fault in the log.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::ResetBefore => "reset-before",
            Self::ResetAfter => "reset-after",
            Self::Stall => "stall",
            Self::StallAfter => "stall-after",
            Self::Truncate => "truncate",
            Self::Garbage => "garbage",
            Self::Challenge => "challenge",
        }
    }
}

/// The rules with their counts.
#[derive(Debug, Clone, Default)]
pub(super) struct InjectedFaults(Vec<(FaultRule, u32)>);

impl InjectedFaults {
    pub(super) fn new(rules: &[FaultRule]) -> Self {
        Self(rules.iter().map(|rule| (rule.clone(), 0)).collect())
    }

    /// Counts the request against every rule and says what hits it: the first rule that does.
    pub(super) fn match_fault(&mut self, request: &IncomingRequest) -> Option<InjectedFault> {
        let path = request.path.to_ascii_lowercase();
        let mut struck = None;
        for (rule, count) in &mut self.0 {
            let method = rule.method == "*" || rule.method == request.method.as_str();
            if !method || !glob(&rule.path, &path) {
                continue;
            }
            *count += 1;
            if rule.nth.is_none_or(|nth| nth == *count) {
                struck = struck.or_else(|| Some(rule.fault.clone()));
            }
        }
        struck
    }
}

/// Returns whether `*` in `pattern` can stand for texts that make it `text`.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|head| text.strip_prefix(head)) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(tail) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(tail)
}

/// Returns the answer of a proxy on the way instead of Azure's.
pub(super) fn garbage() -> SandboxResponse {
    let page =
        "<html>\r\n<head><title>Corporate proxy</title></head>\r\n<body>Please sign in to continue.</body></html>";
    message::text(StatusCode::OK, "text/html", page)
}

/// A refusal of a token that lacks claims, as `service` words it: what counts is the header, the body's code differs.
pub(super) fn challenge(service: SandboxService) -> SandboxResponse {
    let (code, message, claims) = match service {
        SandboxService::Graph => (
            "InvalidAuthenticationToken",
            "Exception of type 'Microsoft.Graph.AGS.Contracts.ClaimsChallengeRequiredException' was thrown.",
            json!({"access_token": {"acrs": {"essential": true, "value": "c1"}}}),
        ),
        _ => (
            "RequestDisallowedByAzure",
            "Resource was disallowed by Azure: Users must authenticate with multi-factor authentication to create or \
             update resources. Reasons: 'MFA is required.'.",
            json!({"access_token": {"acrs": {"essential": true, "values": ["p1"]}}}),
        ),
    };
    let mut answer = message::json(
        StatusCode::UNAUTHORIZED,
        &json!({"error": {"code": code, "message": message}}),
    );
    let value = format!(
        "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", \
         error=\"insufficient_claims\", claims=\"{}\"",
        STANDARD.encode(claims.to_string())
    );
    message::set(&mut answer, "www-authenticate", &value);
    answer
}

/// The first half of an answer.
pub(super) fn half(mut answer: SandboxResponse) -> SandboxResponse {
    let body: Bytes = answer.body().slice(..answer.body().len() / 2);
    *answer.body_mut() = body;
    answer
}

/// The answer, as `service` words it.
pub(super) fn refusal(service: SandboxService, refusal: &InjectedRefusal) -> SandboxResponse {
    let status = refusal.status;
    let (usual_code, usual_text) = words(status);
    let code = refusal.code.as_deref().unwrap_or(usual_code);
    let text = refusal.message.as_deref().unwrap_or(usual_text);
    let body = match service {
        SandboxService::Konnect => json!({
            "status": status.as_u16(),
            "title": refusal.code.as_deref().or(status.canonical_reason()).unwrap_or("Error"),
            "instance": "konnect:trace:2822394689570210664", "detail": text,
        }),
        SandboxService::Entra => entra(refusal),
        SandboxService::Aiven => aiven::error(status, text),
        SandboxService::Dragonfly => json!({"error": text}),
        SandboxService::Graph => json!({"error": {"code": code, "message": text, "innerError": {}}}),
        SandboxService::Arm | SandboxService::Control => json!({"error": {"code": code, "message": text}}),
    };
    let mut answer = message::json(status, &body);
    let wait = refusal
        .retry_after
        .or((status == StatusCode::TOO_MANY_REQUESTS).then_some(1));
    if let Some(wait) = wait {
        message::set(&mut answer, "retry-after", &wait.to_string());
    }
    answer
}

/// Entra says its number three times: in the text, as a number, and in a word of OAuth's.
fn entra(refusal: &InjectedRefusal) -> Value {
    let number = refusal.code.as_deref().and_then(|code| code.strip_prefix("AADSTS"));
    let number: u32 = number.and_then(|number| number.parse().ok()).unwrap_or(90033);
    let text = refusal.message.as_deref();
    let text = text.unwrap_or("A transient error has occurred. Please try again.");
    let error = match refusal.status.as_u16() {
        401 => "invalid_client",
        500.. => "temporarily_unavailable",
        _ => "invalid_request",
    };
    json!({
        "error": error, "error_description": format!("AADSTS{number}: {text}"), "error_codes": [number],
    })
}

/// Azure's code and sentence for a status that comes out of the blue.
fn words(status: StatusCode) -> (&'static str, &'static str) {
    match status.as_u16() {
        401 => ("InvalidAuthenticationToken", "The access token is invalid."),
        403 => ("RequestDisallowedByPolicy", "Resource was disallowed by policy."),
        404 => ("ResourceNotFound", "The resource was not found."),
        408 => ("RequestTimeout", "The request timed out."),
        409 => (
            "AnotherOperationInProgress",
            "Another operation on this or dependent resource is in progress.",
        ),
        412 => ("PreconditionFailed", "The condition 'If-Match' evaluated to false."),
        429 => (
            "TooManyRequests",
            "The request is being throttled as the limit has been reached. Please retry later.",
        ),
        500 => ("InternalServerError", "An error has occurred."),
        502 => ("BadGateway", "The gateway did not receive a response from the service."),
        503 => (
            "ServiceUnavailable",
            "The service is temporarily unavailable. Please retry later.",
        ),
        504 => (
            "GatewayTimeout",
            "The gateway did not receive a response from 'Microsoft.Network' within the specified time period.",
        ),
        _ => ("BadRequest", "The request cannot be processed."),
    }
}
