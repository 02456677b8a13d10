//! Puts `azure_identity` on the wire.

use async_trait::async_trait;
use azure_core::error::{Error, ErrorKind};
use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, Body, HttpClient, Request, StatusCode};
use http::{HeaderName, HeaderValue};
use url::form_urlencoded;

use crate::azure::call::{ApiCall, ApiReply};
use crate::azure::error::{ApiError, AzureService};
use crate::azure::request_sender::RequestSender;

/// Seconds that a token may be said to live: far more than any does.
const LONGEST_LIFE: u64 = 366 * 24 * 60 * 60;

/// An HTTP client of `azure_core` 1.x that sends by the wire. An error answer becomes our own error at once, and is
/// found again in the chain of causes: `azure_identity` cannot read Entra's errors where the text has a line break.
#[derive(Debug)]
pub(super) struct WireClient {
    pub(super) wire: RequestSender,
    /// The claims that token requests ask for, as JSON: `azure_identity` takes none.
    pub(super) claims: Option<String>,
}

#[async_trait]
impl HttpClient for WireClient {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let reply = self
            .wire
            .send(call(request, self.claims.as_deref())?)
            .await
            .and_then(ApiReply::accepted)
            .and_then(believable);
        let reply = reply.map_err(|error| Error::new(ErrorKind::Other, error))?;
        let mut headers = Headers::new();
        for (name, value) in &reply.headers {
            if let Ok(value) = value.to_str() {
                headers.insert(name.as_str().to_owned(), value.to_owned());
            }
        }
        Ok(AsyncRawResponse::from_bytes(
            StatusCode::from(reply.status),
            headers,
            reply.body,
        ))
    }
}

/// The answer, unless its token lives for a time that no clock has: added to now, that panics.
pub(super) fn believable(reply: ApiReply) -> Result<ApiReply, ApiError> {
    let body: serde_json::Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    match body.get("expires_in").filter(|life| life.is_number()) {
        Some(life) if life.as_u64().is_none_or(|seconds| seconds > LONGEST_LIFE) => {
            Err(reply.unreadable(&format!("a token with a lifetime of {life} s")))
        }
        _ => Ok(reply),
    }
}

/// A token request has no effect that matters, so it may be repeated, and counts as no write.
fn call(request: &Request, claims: Option<&str>) -> azure_core::Result<ApiCall> {
    let other = |what: &str| Error::with_message(ErrorKind::Other, what.to_owned());
    let method = request
        .method()
        .as_str()
        .parse()
        .map_err(|_| other("not an HTTP method"))?;
    let mut call = ApiCall::new(AzureService::Entra, method, request.url().clone()).reads();
    for (name, value) in request.headers().iter() {
        // The transport writes these two itself.
        if matches!(name.as_str(), "content-length" | "user-agent") {
            continue;
        }
        if let (Ok(name), Ok(mut value)) = (
            name.as_str().parse::<HeaderName>(),
            HeaderValue::from_str(value.as_str()),
        ) {
            value.set_sensitive(!matches!(name.as_str(), "accept" | "content-type" | "metadata"));
            call.headers.insert(name, value);
        }
    }
    call.body = match request.body() {
        Body::Bytes(bytes) => bytes.clone(),
        _ => return Err(other("a token request with a streamed body")),
    };
    if let Some(claims) = claims {
        let mut form = form_urlencoded::Serializer::new(String::from_utf8_lossy(&call.body).into_owned());
        call.body = form.append_pair("claims", claims).finish().into();
    }
    Ok(call)
}
