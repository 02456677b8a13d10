//! One request as the routers see it, and the plain answers they give.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// A whole answer.
pub(super) type SandboxResponse = Response<Bytes>;

/// A request, taken apart once.
#[derive(Debug, Clone)]
pub(super) struct IncomingRequest {
    pub(super) method: Method,
    /// The path as it was sent.
    pub(super) path: String,
    /// The path's segments, percent-decoded.
    pub(super) segments: Vec<String>,
    /// The query as it was sent.
    pub(super) raw_query: Option<String>,
    query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// `https://host:port` as the client named it: absolute links in answers start with it.
    pub(super) origin: String,
}

impl IncomingRequest {
    pub(super) fn new(request: Request<Bytes>) -> Self {
        let (head, body) = request.into_parts();
        let host = head.uri.authority().map(ToString::to_string).or_else(|| {
            let host = head.headers.get(http::header::HOST)?;
            host.to_str().ok().map(str::to_owned)
        });
        let path = head.uri.path().to_owned();
        let segments = path.split('/').filter(|part| !part.is_empty());
        let segments = segments
            .map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned())
            .collect();
        let raw_query = head.uri.query().map(str::to_owned);
        let query = pairs(raw_query.as_deref().unwrap_or_default().as_bytes());
        let origin = format!("https://{}", host.as_deref().unwrap_or("localhost"));
        Self {
            method: head.method,
            path,
            segments,
            raw_query,
            query,
            headers: head.headers,
            body,
            origin,
        }
    }

    /// The segments in lower case, as Azure compares them.
    pub(super) fn lower(&self) -> Vec<String> {
        self.segments
            .iter()
            .map(|segment| segment.to_ascii_lowercase())
            .collect()
    }

    /// A query parameter, its name compared without case; `+` and `%24filter` are decoded.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The query with `name` set to `value`, encoded again.
    pub(super) fn query_with(&self, name: &str, value: &str) -> String {
        let kept = self.query.iter().filter(|(key, _)| !key.eq_ignore_ascii_case(name));
        let mut encoder = url::form_urlencoded::Serializer::new(String::new());
        for (key, value) in kept {
            encoder.append_pair(key, value);
        }
        encoder.append_pair(name, value).finish()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The token of the `Authorization` header.
    pub(super) fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    }

    /// The body as JSON; an absent or unreadable body is `None`.
    pub(super) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The body as a form.
    pub(super) fn form(&self) -> FormBody {
        FormBody(pairs(&self.body))
    }
}

/// The fields of a form.
#[derive(Debug)]
pub(super) struct FormBody(Vec<(String, String)>);

impl FormBody {
    /// A field's value; an empty one counts as absent.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }
}

fn pairs(encoded: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(encoded)
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect()
}

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> SandboxResponse {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = status;
    answer
}

/// An answer with a JSON body.
pub(super) fn json(status: StatusCode, body: &Value) -> SandboxResponse {
    text(status, "application/json; charset=utf-8", body.to_string())
}

/// An answer with an HTML page.
pub(super) fn html(status: StatusCode, page: String) -> SandboxResponse {
    let mut answer = text(status, "text/html; charset=utf-8", page);
    set(&mut answer, "cache-control", "no-store");
    set(
        &mut answer,
        "content-security-policy",
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    );
    // An address may carry the sandbox's key; without any referrer, browsers would call a form's origin `null`.
    set(&mut answer, "referrer-policy", "same-origin");
    answer
}

pub(super) fn text(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> SandboxResponse {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

/// Puts the world's time into the `Date` header: `Sat, 21 Nov 2026 10:11:12 GMT`.
pub(super) fn date(answer: &mut SandboxResponse, wall: OffsetDateTime) {
    let text = wall.format(&Rfc2822).unwrap_or_default().replace("+0000", "GMT");
    set(answer, "date", &text);
}

/// Sets a header; a value that no header can hold is left out.
pub(super) fn set(answer: &mut SandboxResponse, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(HeaderName::from_static(name), value);
    }
}

/// Escapes a text for HTML, attribute values included.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
