//! Reads an error answer: ARM's and Graph's envelope, Entra's, `application/problem+json` and what vendors send.

use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::call::ApiReply;
use super::challenge::ClaimsChallenge;
use super::error::{ApiError, AzureService, FailureKind};
use super::{redact, retry};
use crate::domain::mask;

/// The error that a non-2xx reply stands for.
pub(super) fn refusal(reply: &ApiReply) -> ApiError {
    let parsed = match serde_json::from_slice(&reply.body) {
        Ok(body @ Value::Object(_)) => read(reply.service, &body),
        _ => None,
    };
    let parsed = parsed.unwrap_or_else(|| not_an_error_body(reply)).masked();
    ApiError {
        service: reply.service,
        tried: reply.tried.clone(),
        correlation_id: match reply.service {
            // Entra's header holds another id than the one that its support asks for.
            AzureService::Entra => parsed.id.or_else(|| correlation_id(&reply.headers)),
            _ => correlation_id(&reply.headers).or(parsed.id),
        },
        failure: FailureKind::Refused {
            status: reply.status,
            code: parsed.code.unwrap_or_else(|| code_of(reply)),
            message: parsed.message,
            details: parsed.details,
            retry_after: retry::asked(&reply.headers),
        },
        sign_in: Vec::new(),
        challenge: challenge(reply),
    }
}

/// The demand for further claims in a refusal of Resource Manager or Graph, whatever code its body has.
fn challenge(reply: &ApiReply) -> Option<ClaimsChallenge> {
    let asks = matches!(reply.service, AzureService::Arm | AzureService::Graph) && matches!(reply.status, 401 | 403);
    asks.then(|| ClaimsChallenge::of(&reply.headers)).flatten()
}

/// The id under which the service finds the request again.
pub(super) fn correlation_id(headers: &HeaderMap) -> Option<String> {
    let names = ["x-ms-correlation-request-id", "request-id", "x-ms-request-id"];
    names
        .into_iter()
        .filter_map(|name| headers.get(name)?.to_str().ok())
        .find(|id| redact::is_request_id(id))
        .map(str::to_owned)
}

/// For an answer without a code: a vendor's name and HTTP's word for the status (`AivenForbidden`), as the table of
/// known codes has them.
fn code_of(reply: &ApiReply) -> String {
    let reason = StatusCode::from_u16(reply.status)
        .ok()
        .and_then(|status| status.canonical_reason());
    match (reply.service, reason) {
        (AzureService::Vendor(name), Some(reason)) => {
            let vendor = name.split_whitespace().next().unwrap_or(name);
            format!("{vendor}{}", reason.split_whitespace().collect::<String>())
        }
        _ => format!("HTTP {}", reply.status),
    }
}

struct ParsedRefusal {
    code: Option<String>,
    message: String,
    details: Vec<(String, String)>,
    id: Option<String>,
}

impl ParsedRefusal {
    /// Without the secrets that a service sends back in its words.
    fn masked(self) -> Self {
        let masked = |text: String| mask(&text).into_owned();
        Self {
            code: self.code.map(masked),
            message: masked(self.message),
            details: (self.details.into_iter())
                .map(|(code, text)| (masked(code), masked(text)))
                .collect(),
            id: self.id.filter(|id| redact::is_request_id(id)),
        }
    }
}

fn text(value: &Value, field: &str) -> Option<String> {
    value
        .get(field)?
        .as_str()
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

fn read(service: AzureService, body: &Value) -> Option<ParsedRefusal> {
    match body.get("error") {
        Some(error @ Value::Object(_)) => envelope(error),
        Some(Value::String(sentence)) if matches!(service, AzureService::Vendor(_)) => Some(bare(sentence)),
        Some(Value::String(word)) => Some(entra(word, body)),
        _ if body.get("code").is_some() => envelope(body),
        _ if body.get("title").is_some() => Some(problem(body)),
        _ => vendor(body),
    }
}

/// ARM and Graph: `{"code","message","details":[{"code","message"}],"innerError":{"request-id"}}`.
fn envelope(error: &Value) -> Option<ParsedRefusal> {
    let inner = error.get("innerError").or_else(|| error.get("innererror"));
    let code = text(error, "code").or_else(|| error.get("code").and_then(Value::as_i64).map(|code| code.to_string()));
    let message = text(error, "message");
    if code.is_none() && message.is_none() {
        return None;
    }
    Some(ParsedRefusal {
        code,
        message: message.unwrap_or_default(),
        details: pairs(error, "details", "code", "message"),
        id: inner.and_then(|inner| text(inner, "request-id")),
    })
}

/// Entra's token endpoint: `{"error","error_description":"AADSTS7000215: …","error_codes":[7000215],"correlation_id"}`.
fn entra(word: &str, body: &Value) -> ParsedRefusal {
    let description = text(body, "error_description").unwrap_or_default();
    let number = body
        .get("error_codes")
        .and_then(|codes| codes.get(0))
        .and_then(Value::as_i64);
    let code = number
        .map(|number| format!("AADSTS{number}"))
        .or_else(|| aadsts(&description));
    ParsedRefusal {
        message: sentence(&description),
        code: code.or_else(|| Some(word.to_owned())),
        details: text(body, "suberror")
            .map(|suberror| (word.to_owned(), suberror))
            .into_iter()
            .collect(),
        id: text(body, "correlation_id"),
    }
}

/// `AADSTS` and the digits behind it, wherever they stand.
pub(super) fn aadsts(text: &str) -> Option<String> {
    let from = text.find("AADSTS")?;
    let digits: String = text[from + 6..].chars().take_while(char::is_ascii_digit).collect();
    (!digits.is_empty()).then(|| format!("AADSTS{digits}"))
}

/// Returns Entra's message for people, without the code before it and the IDs after it, which have fields of their own.
pub(super) fn sentence(description: &str) -> String {
    let end = [" Trace ID:", "\r\nTrace ID:", "\nTrace ID:"]
        .iter()
        .filter_map(|tail| description.find(tail))
        .min();
    let text = &description[..end.unwrap_or(description.len())];
    let text = match text.split_once(": ") {
        Some((code, rest)) if code.starts_with("AADSTS") => rest,
        _ => text,
    };
    text.trim().to_owned()
}

/// RFC 7807, as Konnect sends it.
fn problem(body: &Value) -> ParsedRefusal {
    ParsedRefusal {
        code: text(body, "title"),
        message: text(body, "detail").unwrap_or_default(),
        details: pairs(body, "invalid_parameters", "field", "reason"),
        id: text(body, "instance"),
    }
}

/// `{"message","errors":[{"message","error_code"}]}`, and whatever else has a message.
fn vendor(body: &Value) -> Option<ParsedRefusal> {
    let first = body.get("errors").and_then(|errors| errors.get(0));
    let message = text(body, "message").or_else(|| first.and_then(|first| text(first, "message")))?;
    Some(ParsedRefusal {
        code: first.and_then(|first| text(first, "error_code")),
        message,
        details: pairs(body, "errors", "error_code", "message"),
        id: None,
    })
}

/// Dragonfly Cloud: `{"error": "network not found"}`, a sentence and no more.
fn bare(sentence: &str) -> ParsedRefusal {
    ParsedRefusal {
        code: None,
        message: sentence.trim().to_owned(),
        details: Vec::new(),
        id: None,
    }
}

fn pairs(value: &Value, list: &str, key: &str, word: &str) -> Vec<(String, String)> {
    let entries = value
        .get(list)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let pair = |entry: &Value| Some((text(entry, key).unwrap_or_default(), text(entry, word)?));
    entries.iter().filter_map(pair).collect()
}

/// A proxy's page, an empty body, a JSON document of some other kind.
fn not_an_error_body(reply: &ApiReply) -> ParsedRefusal {
    let reason = StatusCode::from_u16(reply.status)
        .ok()
        .and_then(|status| status.canonical_reason());
    let reason = reason.unwrap_or("an unusual status");
    let body = String::from_utf8_lossy(&reply.body[..reply.body.len().min(2_048)]);
    let message = if body.trim().is_empty() {
        format!("{reason}, without details")
    } else if let Some(title) = title(&body) {
        format!("{reason}; the response is a web page, perhaps from a proxy: '{title}'")
    } else {
        format!("{reason}; the response is not an error of the service")
    };
    ParsedRefusal {
        code: None,
        message,
        details: Vec::new(),
        id: None,
    }
}

fn title(html: &str) -> Option<String> {
    let lower = html.to_ascii_lowercase();
    if !lower.contains("<html") && !lower.contains("<!doctype html") {
        return None;
    }
    let from = lower.find("<title>").map(|at| at + "<title>".len());
    let to = lower.find("</title>");
    match (from, to) {
        (Some(from), Some(to)) if from <= to => Some(html[from..to].trim().to_owned()),
        _ => Some("without a title".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn refused(service: AzureService, status: u16, headers: &[(&'static str, &'static str)], body: &str) -> ApiError {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        refusal(&ApiReply {
            service,
            tried: "GET /x".into(),
            status,
            headers,
            body: Bytes::from(body.to_owned()),
        })
    }

    #[test]
    fn refusal_reads_arm_details_and_ids() {
        let body = "{\r\n  \"error\": {\r\n    \"code\": \"RetryableError\",\r\n    \"message\": \"A retryable error occurred.\",\r\n    \"details\": [\r\n {\r\n \"code\": \"RetryableErrorDueToAnotherOperation\",\r\n \"message\": \"Operation PutX (b57f063c) is updating resource /y. The call can be retried in 11 seconds.\"\r\n }\r\n ]\r\n  }\r\n}";
        let error = refused(
            AzureService::Arm,
            429,
            &[("x-ms-correlation-request-id", "c-1"), ("retry-after", "11")],
            body,
        );
        let FailureKind::Refused {
            status,
            code,
            message,
            details,
            retry_after,
        } = &error.failure
        else {
            panic!("{error:?}")
        };
        assert_eq!(
            (*status, code.as_str(), message.as_str()),
            (429, "RetryableError", "A retryable error occurred.")
        );
        assert_eq!(details[0].0, "RetryableErrorDueToAnotherOperation");
        assert_eq!(*retry_after, Some(std::time::Duration::from_secs(11)));
        assert_eq!(error.correlation_id.as_deref(), Some("c-1"));
    }

    #[test]
    fn graphs_envelope_names_its_request() {
        let body = r#"{"error":{"code":"Request_BadRequest","message":"The appId '9' of the service principal does not reference a valid application object.","details":[{"code":"NoBackingApplicationObject","message":"The appId '9' …","target":"appId"}],"innerError":{"date":"2023-06-29T09:08:20","request-id":"r-1","client-request-id":"r-2"}}}"#;
        let error = refused(AzureService::Graph, 400, &[], body);
        assert_eq!(error.code(), Some("Request_BadRequest"));
        assert_eq!(error.correlation_id.as_deref(), Some("r-1"));
        assert!(
            matches!(&error.failure, FailureKind::Refused { details, .. } if details[0].0 == "NoBackingApplicationObject")
        );
    }

    #[test]
    fn refusal_reads_entra_code_without_tail() {
        for tail in [
            "\\r\\nTrace ID: 30b6df93\\r\\nCorrelation ID: dffc6012",
            " Trace ID: 30b6df93 Correlation ID: dffc6012",
        ] {
            let body = format!(
                r#"{{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided. Ensure the secret is the value, not the ID: see the app.{tail}","error_codes":[7000215],"correlation_id":"dffc6012"}}"#
            );
            let error = refused(AzureService::Entra, 401, &[("x-ms-request-id", "other")], &body);
            assert_eq!(error.code(), Some("AADSTS7000215"));
            assert_eq!(
                error.message(),
                "Invalid client secret provided. Ensure the secret is the value, not the ID: see the app."
            );
            assert_eq!(error.correlation_id.as_deref(), Some("dffc6012"));
        }
        let bare = refused(
            AzureService::Entra,
            400,
            &[],
            r#"{"error":"authorization_pending","error_description":"AADSTS70016: Pending."}"#,
        );
        assert_eq!(bare.code(), Some("AADSTS70016"));
        let unnumbered = refused(AzureService::Entra, 400, &[], r#"{"error":"invalid_request"}"#);
        assert_eq!(unnumbered.code(), Some("invalid_request"));
    }

    #[test]
    fn vendors_errors_are_read() {
        let kong = r#"{"status":400,"title":"Invalid Request","instance":"konnect:trace:77","detail":"Invalid Parameters","invalid_parameters":[{"field":"name","reason":"must not be empty"}]}"#;
        let error = refused(AzureService::Vendor("Kong"), 400, &[], kong);
        assert_eq!(
            (error.code(), error.message().as_str()),
            (Some("Invalid Request"), "Invalid Parameters")
        );
        assert_eq!(error.correlation_id.as_deref(), Some("konnect:trace:77"));
        assert!(matches!(&error.failure, FailureKind::Refused { details, .. } if details[0].1 == "must not be empty"));
        let aiven = r#"{"errors":[{"message":"Not a project member","more_info":"https://api.aiven.io/doc/","status":403}],"message":"Not a project member"}"#;
        let error = refused(AzureService::Vendor("Aiven"), 403, &[], aiven);
        assert_eq!(
            (error.code(), error.message().as_str()),
            (Some("AivenForbidden"), "Not a project member")
        );
        let error = refused(
            AzureService::Vendor("Dragonfly Cloud"),
            401,
            &[],
            r#"{"error":"unauthorized"}"#,
        );
        assert_eq!(
            (error.code(), error.message().as_str()),
            (Some("DragonflyUnauthorized"), "unauthorized")
        );
    }

    #[test]
    fn refusal_describes_foreign_response() {
        let table = [
            (
                "<!DOCTYPE html><html><head><TITLE>Sign in to Zone</TITLE></head></html>",
                "'Sign in to Zone'",
            ),
            ("", "without details"),
            ("upstream connect error", "not an error of the service"),
            ("[1, 2]", "not an error of the service"),
            (r#"{"error":{}}"#, "not an error of the service"),
            (r#"{"error":null}"#, "not an error of the service"),
            ("\u{fffd}</title><html>İ<title>", "without a title"),
        ];
        for (body, expected) in table {
            let error = refused(AzureService::Arm, 502, &[], body);
            assert_eq!(error.code(), Some("HTTP 502"), "{body}");
            assert!(error.message().contains(expected), "{body}: {}", error.message());
        }
    }
}
