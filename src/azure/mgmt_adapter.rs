//! Puts the generated clients (`azure_mgmt_*` 0.21) on the wire.
//!
//! They hold a placeholder for a token, and the transport puts the real one on: `azure_core` 0.21 writes the
//! `authorization` header to its debug log. Their retries are off, and an error answer becomes our own error in the
//! transport, because the generated code keeps neither its details nor its correlation id.

use std::sync::Arc;

use async_trait::async_trait;
use azure_core_legacy as legacy;
use azure_core_legacy::auth::{AccessToken, TokenCredential};
use azure_core_legacy::error::ErrorKind;
use azure_core_legacy::headers::Headers;
use azure_core_legacy::{Body, BytesStream, ClientOptions, HttpClient, RetryOptions, StatusCode, TransportOptions};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use time::OffsetDateTime;
use url::Url;

use super::call::{ApiCall, ApiReply};
use super::client::AzureClient;
use super::error::{ApiError, AzureService, FailureKind};
use crate::limits;

/// Placeholder that the generated clients use as their token credential.
#[derive(Debug)]
struct PlaceholderCredential;

#[async_trait]
impl TokenCredential for PlaceholderCredential {
    async fn get_token(&self, _: &[&str]) -> legacy::Result<AccessToken> {
        Ok(AccessToken::new(
            "placeholder",
            OffsetDateTime::now_utc() + time::Duration::HOUR,
        ))
    }

    async fn clear_cache(&self) -> legacy::Result<()> {
        Ok(())
    }
}

/// Sends what a generated client has written, by the wire and with the real token.
#[derive(Debug)]
struct WireTransport(AzureClient);

#[async_trait]
impl HttpClient for WireTransport {
    async fn execute_request(&self, request: &legacy::Request) -> legacy::Result<legacy::Response> {
        let reply = self.0.send(call(request)?).await.map_err(carried)?;
        let status = StatusCode::try_from(reply.status)
            .map_err(|_| carried(reply.unreadable("a status that HTTP does not know")))?;
        let mut headers = Headers::new();
        for (name, value) in &reply.headers {
            if let Ok(value) = value.to_str() {
                headers.insert(name.as_str().to_owned(), value.to_owned());
            }
        }
        Ok(legacy::Response::new(
            status,
            headers,
            Box::pin(BytesStream::new(reply.body)),
        ))
    }
}

/// Our error inside theirs; not of the kind that they repeat.
fn carried(error: ApiError) -> legacy::Error {
    let text = error.to_string();
    legacy::Error::full(ErrorKind::Other, error, text)
}

fn call(request: &legacy::Request) -> legacy::Result<ApiCall> {
    let other = |what: &str| legacy::Error::message(ErrorKind::Other, what.to_owned());
    let method = request
        .method()
        .as_ref()
        .parse()
        .map_err(|_| other("not an HTTP method"))?;
    let mut call = ApiCall::new(AzureService::Arm, method, with_spaces(request.url()));
    for (name, value) in request.headers().iter() {
        // The first is the placeholder, the others the transport writes itself.
        if matches!(
            name.as_str(),
            "authorization" | "content-length" | "host" | "user-agent"
        ) {
            continue;
        }
        if let (Ok(name), Ok(value)) = (
            name.as_str().parse::<HeaderName>(),
            HeaderValue::from_str(value.as_str()),
        ) {
            call.headers.insert(name, value);
        }
    }
    call.body = match request.body() {
        Body::Bytes(bytes) => without_nulls(bytes),
        Body::SeekableStream(_) => return Err(other("a request with a streamed body")),
    };
    Ok(call)
}

/// The generated code writes the spaces of a `$filter` as plus signs; whether those are spaces depends on the server.
fn with_spaces(url: &Url) -> Url {
    let mut url = url.clone();
    let space = |part: &str| match part.starts_with("%24filter=") {
        true => part.replace('+', "%20"),
        false => part.to_owned(),
    };
    let query = url
        .query()
        .map(|query| query.split('&').map(space).collect::<Vec<_>>().join("&"));
    url.set_query(query.as_deref());
    url
}

/// The generated models write `"createdOn":null` for what they only read. We never mean a null, and Azure's answer to
/// one is not written down anywhere, so there are none in what we send.
fn without_nulls(body: &Bytes) -> Bytes {
    fn clean(value: &mut Value) {
        match value {
            Value::Object(members) => {
                members.retain(|_, member| !member.is_null());
                members.values_mut().for_each(clean);
            }
            Value::Array(entries) => entries.iter_mut().for_each(clean),
            _ => {}
        }
    }
    match serde_json::from_slice::<Value>(body) {
        Ok(mut value) => {
            clean(&mut value);
            value.to_string().into()
        }
        Err(_) => body.clone(),
    }
}

impl AzureClient {
    pub(super) fn network(&self) -> azure_mgmt_network::package_2024_03::Client {
        let (placeholder, scopes, options) = self.legacy_parts();
        azure_mgmt_network::package_2024_03::Client::new(self.cloud().arm.clone(), placeholder, scopes, options)
    }

    pub(super) fn authorization(&self) -> azure_mgmt_authorization::package_2022_04_01::Client {
        let (placeholder, scopes, options) = self.legacy_parts();
        azure_mgmt_authorization::package_2022_04_01::Client::new(
            self.cloud().arm.clone(),
            placeholder,
            scopes,
            options,
        )
    }

    fn legacy_parts(&self) -> (Arc<dyn TokenCredential>, Vec<String>, ClientOptions) {
        let transport = TransportOptions::new(Arc::new(WireTransport(self.clone())));
        let options = ClientOptions::new(transport).retry(RetryOptions::none());
        (Arc::new(PlaceholderCredential), vec![self.cloud().arm_scope()], options)
    }
}

/// Our error out of theirs; what is left is a body that the generated models cannot read.
pub(super) fn error(error: &legacy::Error, tried: &str) -> ApiError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(this) = cause {
        if let Some(ours) = this.downcast_ref::<ApiError>() {
            return ours.clone();
        }
        cause = this.source();
    }
    ApiError {
        service: AzureService::Arm,
        tried: tried.to_owned(),
        failure: FailureKind::Unreadable {
            status: 200,
            why: error.to_string(),
        },
        correlation_id: None,
        sign_in: Vec::new(),
        challenge: None,
    }
}

/// An answer of a generated client with its status and headers, for what their typed answers leave out.
pub(super) async fn reply(answer: legacy::Response, tried: &str) -> Result<ApiReply, ApiError> {
    let (status, shown, body) = answer.deconstruct();
    let mut headers = HeaderMap::new();
    for (name, value) in shown.iter() {
        if let (Ok(name), Ok(value)) = (
            name.as_str().parse::<HeaderName>(),
            HeaderValue::from_str(value.as_str()),
        ) {
            headers.insert(name, value);
        }
    }
    let body = body.collect().await.map_err(|failed| error(&failed, tried))?;
    Ok(ApiReply {
        service: AzureService::Arm,
        tried: tried.to_owned(),
        status: status.into(),
        headers,
        body,
    })
}

/// All pages of a generated list.
pub(super) async fn pages<P, S>(stream: S, tried: &str) -> Result<Vec<P>, ApiError>
where
    S: Stream<Item = legacy::Result<P>> + Unpin,
{
    let mut stream = stream.take(limits::PAGES);
    let mut pages = Vec::new();
    while let Some(page) = stream.next().await {
        pages.push(page.map_err(|failed| error(&failed, tried))?);
    }
    Ok(pages)
}

/// `None` where ARM answers that there is no such thing: 404 with one of `codes`. A 404 with another code (such as
/// `SubscriptionNotFound`) stays an error.
pub(super) fn or_absent<T>(result: Result<T, ApiError>, codes: &[&str]) -> Result<Option<T>, ApiError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.status() == Some(404) && error.code().is_some_and(|code| codes.contains(&code)) => Ok(None),
        Err(error) => Err(error),
    }
}
