//! One request and its answer, as the rest of the program writes and reads them.

use std::fmt;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::error::{ApiError, AzureService, FailureKind};
use super::redact;
use super::refusal::refusal;

/// One request, before it is sent.
#[derive(Clone)]
pub struct ApiCall {
    pub service: AzureService,
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// `true` if the request can safely be sent twice, which is the default for GET, PUT, and DELETE.
    pub repeatable: bool,
    /// `true` if the request changes something on the service's side, which is the default except for GET and HEAD.
    pub writes: bool,
}

impl ApiCall {
    /// A request without headers and body.
    pub fn new(service: AzureService, method: Method, url: Url) -> Self {
        Self {
            service,
            repeatable: method.is_idempotent(),
            writes: !method.is_safe(),
            method,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    /// A GET request.
    pub fn get(service: AzureService, url: Url) -> Self {
        Self::new(service, Method::GET, url)
    }

    /// A PUT request.
    pub fn put(service: AzureService, url: Url) -> Self {
        Self::new(service, Method::PUT, url)
    }

    /// A POST request: not repeated once it may have taken effect, unless told otherwise.
    pub fn post(service: AzureService, url: Url) -> Self {
        Self::new(service, Method::POST, url)
    }

    /// A PATCH request: not repeated once it may have taken effect, unless told otherwise.
    pub fn patch(service: AzureService, url: Url) -> Self {
        Self::new(service, Method::PATCH, url)
    }

    /// A DELETE request.
    pub fn delete(service: AzureService, url: Url) -> Self {
        Self::new(service, Method::DELETE, url)
    }

    /// Sets the body and `Content-Type: application/json`.
    #[must_use]
    pub fn json<T: Serialize + ?Sized>(mut self, value: &T) -> Self {
        // Only a map whose keys are no texts fails here; it is sent empty and refused by the service.
        self.body = serde_json::to_vec(value).unwrap_or_default().into();
        self.headers
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self
    }

    /// Sets `Authorization: Bearer …`, marked as sensitive.
    #[must_use]
    pub fn bearer(self, token: &SecretString) -> Self {
        self.authorization("Bearer", token)
    }

    /// Sets `Authorization: SCHEME …`, marked as sensitive.
    #[must_use]
    pub fn authorization(mut self, scheme: &str, token: &SecretString) -> Self {
        if let Ok(mut value) = HeaderValue::from_str(&format!("{scheme} {}", token.expose_secret())) {
            value.set_sensitive(true);
            self.headers.insert(AUTHORIZATION, value);
        }
        self
    }

    /// Sets `x-ms-authorization-auxiliary: Bearer …, Bearer …`, marked as sensitive: the tokens of further tenants that
    /// the request reaches into.
    #[must_use]
    pub(super) fn auxiliary(mut self, tokens: &[SecretString]) -> Self {
        let bearers: Vec<String> = tokens
            .iter()
            .map(|token| format!("Bearer {}", token.expose_secret()))
            .collect();
        match HeaderValue::from_str(&bearers.join(", ")) {
            Ok(mut value) if !tokens.is_empty() => {
                value.set_sensitive(true);
                let name = HeaderName::from_static("x-ms-authorization-auxiliary");
                self.headers.insert(name, value);
            }
            _ => {}
        }
        self
    }

    /// Sets a header; a value that no header can hold is left out.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }

    /// Says that this POST only reads (a query, a token): it may be repeated, and counts as no write.
    #[must_use]
    pub fn reads(mut self) -> Self {
        self.repeatable = true;
        self.writes = false;
        self
    }

    /// Says that sending it twice does no harm.
    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// HTTP method and path without query: `PUT /subscriptions/…`.
    pub fn operation(&self) -> String {
        format!("{} {}", self.method, self.url.path())
    }

    pub(super) fn failed(&self, failure: FailureKind) -> ApiError {
        ApiError {
            service: self.service,
            tried: self.operation(),
            failure,
            correlation_id: None,
            sign_in: Vec::new(),
            challenge: None,
        }
    }
}

/// Returns the error in a body without the body's values: serde_json quotes a value of an unexpected type, and that
/// value may be a token.
fn without_values(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if !error.is_data() || text.starts_with("missing field") {
        return text;
    }
    match text.rsplit_once("expected ") {
        Some((_, expected)) => format!("expected {expected}"),
        None => format!("unexpected JSON at line {} column {}", error.line(), error.column()),
    }
}

/// Without headers and body: they may hold secrets.
impl fmt::Debug for ApiCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, redact::url(&self.url))
    }
}

/// The answer to a [`ApiCall`], whatever its status.
#[derive(Clone)]
pub struct ApiReply {
    pub service: AzureService,
    /// HTTP method and path without query.
    pub tried: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl ApiReply {
    /// Returns whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The reply itself where the status is 2xx.
    ///
    /// # Errors
    /// The service's refusal, parsed, where it is not.
    pub fn accepted(self) -> Result<Self, ApiError> {
        if self.is_success() {
            Ok(self)
        } else {
            Err(refusal(&self))
        }
    }

    /// The body of a 2xx reply.
    ///
    /// # Errors
    /// As [`ApiReply::accepted`], and `Unreadable` where the body is not a `T`.
    pub fn json<T: DeserializeOwned>(self) -> Result<T, ApiError> {
        let reply = self.accepted()?;
        serde_json::from_slice(&reply.body).map_err(|error| reply.unreadable(&without_values(&error)))
    }

    /// The error for a body that is not what the API promises.
    pub fn unreadable(&self, why: &str) -> ApiError {
        ApiError {
            service: self.service,
            tried: self.tried.clone(),
            failure: FailureKind::Unreadable {
                status: self.status,
                why: why.to_owned(),
            },
            correlation_id: super::refusal::correlation_id(&self.headers),
            sign_in: Vec::new(),
            challenge: None,
        }
    }

    /// A header's value, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Without headers and body: they may hold secrets.
impl fmt::Debug for ApiReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {} ({} bytes)", self.tried, self.status, self.body.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn body_error_omits_body_content() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        enum Kind {
            One,
        }
        #[derive(Debug, serde::Deserialize)]
        struct Answer {
            #[serde(rename = "value")]
            _value: u8,
            #[serde(rename = "kind")]
            _kind: Kind,
        }
        let table = [
            (r#""eyJ-secret""#, "expected struct Answer at line 1 column 12"),
            (
                r#"{"value": "eyJ-secret", "kind": "one"}"#,
                "expected u8 at line 1 column 22",
            ),
            (
                r#"{"value": "expected eyJ-secret", "kind": "one"}"#,
                "expected u8 at line 1 column 31",
            ),
            (
                r#"{"value": 1, "kind": "eyJ-secret"}"#,
                "expected `one` at line 1 column 33",
            ),
            (r#"{"kind": "one"}"#, "missing field `value` at line 1 column 15"),
            ("eyJ-secret", "expected value at line 1 column 1"),
        ];
        for (body, expected) in table {
            let error = serde_json::from_str::<Answer>(body).expect_err(body);
            assert_eq!(without_values(&error), expected, "{body}");
        }
    }
}
