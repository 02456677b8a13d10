//! The only place that sends.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use secrecy::SecretString;
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::error::{ApiError, Service};
use super::transport::Transport;

/// The origins (scheme, host, port) that a request may go to.
#[derive(Debug, Clone, Default)]
pub struct AllowedHosts;

impl AllowedHosts {
    /// None yet.
    pub fn new() -> Self {
        todo!()
    }
    /// With the origin of `url` too.
    #[must_use]
    pub fn and(self, _url: &Url) -> Self {
        todo!()
    }
}

impl<'a> FromIterator<&'a Url> for AllowedHosts {
    fn from_iter<I: IntoIterator<Item = &'a Url>>(_urls: I) -> Self {
        todo!()
    }
}

/// One request, before it is sent.
#[derive(Debug, Clone)]
pub struct Call {
    pub service: Service,
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Whether sending it twice does no harm: GET, PUT and DELETE by default.
    pub repeatable: bool,
    /// Whether it changes something on the other side: everything but GET and HEAD by default.
    pub writes: bool,
}

impl Call {
    pub fn new(_service: Service, _method: Method, _url: Url) -> Self {
        todo!()
    }
    pub fn get(service: Service, url: Url) -> Self {
        Self::new(service, Method::GET, url)
    }
    pub fn put(service: Service, url: Url) -> Self {
        Self::new(service, Method::PUT, url)
    }
    pub fn post(service: Service, url: Url) -> Self {
        Self::new(service, Method::POST, url)
    }
    pub fn patch(service: Service, url: Url) -> Self {
        Self::new(service, Method::PATCH, url)
    }
    pub fn delete(service: Service, url: Url) -> Self {
        Self::new(service, Method::DELETE, url)
    }
    /// Sets the body and `Content-Type: application/json`.
    #[must_use]
    pub fn json<T: Serialize + ?Sized>(self, _value: &T) -> Self {
        todo!()
    }
    /// Sets `Authorization: Bearer …`, marked as sensitive.
    #[must_use]
    pub fn bearer(self, _token: &SecretString) -> Self {
        todo!()
    }
    /// Sets a header; a value that no header can hold is left out.
    #[must_use]
    pub fn header(self, _name: &'static str, _value: &str) -> Self {
        todo!()
    }
    /// Says that this POST only reads (a query, a token): it may be repeated and counts as no write.
    #[must_use]
    pub fn reads(self) -> Self {
        todo!()
    }
    /// Says that sending it twice does no harm.
    #[must_use]
    pub fn repeatable(self) -> Self {
        todo!()
    }
}

/// The answer to a [`Call`], whatever its status.
#[derive(Clone)]
pub struct Reply {
    pub service: Service,
    /// HTTP method and path without query.
    pub tried: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Reply {
    /// The reply itself where the status is 2xx.
    ///
    /// # Errors
    /// The service's refusal, parsed, where it is not.
    pub fn accepted(self) -> Result<Self, ApiError> {
        todo!()
    }
    /// The body of a 2xx reply.
    ///
    /// # Errors
    /// As [`Reply::accepted`], and `Unreadable` where the body is not a `T`.
    pub fn json<T: DeserializeOwned>(self) -> Result<T, ApiError> {
        todo!()
    }
}

/// Why a request is going to be repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoticeWhy {
    /// The service answered with this status.
    Status(u16),
    /// No answer came; the sentence says why.
    NoAnswer(String),
}

/// Told before the wire waits and repeats a request.
#[derive(Debug, Clone)]
pub struct Notice {
    pub service: Service,
    /// HTTP method and path without query.
    pub tried: String,
    pub why: NoticeWhy,
    /// How long the wire waits now.
    pub wait: Duration,
    /// Whether the service asked for this wait (`Retry-After`).
    pub asked: bool,
}

/// How much has been sent so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct WireStats {
    pub requests: u64,
    pub writes: u64,
    pub retries: u64,
}

/// The seam to the world; clones share the connection, the counters and the rules.
#[derive(Clone)]
pub struct Wire;

impl Wire {
    pub fn new(_transport: Arc<dyn Transport>, _hosts: AllowedHosts) -> Self {
        todo!()
    }
    /// The same wire, telling `tell` of every wait before a repetition.
    #[must_use]
    pub fn noticing(self, _tell: Arc<dyn Fn(Notice) + Send + Sync>) -> Self {
        todo!()
    }
    /// The counters, of all clones together.
    pub fn stats(&self) -> WireStats {
        todo!()
    }
    /// Sends, repeats where that is safe and promises something, and gives back the last answer, whatever its status.
    ///
    /// # Errors
    /// `Unreachable` where no answer came.
    pub async fn send(&self, _call: Call) -> Result<Reply, ApiError> {
        todo!()
    }
}
