//! The only place that sends: allowed hosts, repetition, budgets, request ids, logging without secrets, counting, the
//! journal.

use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http::{HeaderMap, HeaderValue};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use tokio::time::Instant;
use tracing::{debug, trace};
use url::{Host, Url};
use uuid::Uuid;

pub use super::call::{ApiCall, ApiReply};
use super::clock;
use super::error::{ApiError, AzureService, FailureKind};
use super::rate_limit_key::RateLimitKey;
use super::rate_limiter::RateLimiter;
use super::redact;
use super::request_log::{PendingRecord, RequestLog};
use super::retry::{self, RetryDecision};
use super::transport::{HttpTransport, TransportError};
use crate::limits;

/// The origins (scheme, host, port) that a request may go to: the cloud's for the cloud's services, the vendor's for the
/// vendor's API. A token goes nowhere else, whatever a link in an answer names.
#[derive(Debug, Clone, Default)]
pub struct AllowedHosts {
    clouds: HashSet<String>,
    vendors: HashSet<String>,
}

impl AllowedHosts {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// With the origin of `url` too, for the cloud's services.
    #[must_use]
    pub fn and(mut self, url: &Url) -> Self {
        self.clouds.insert(url.origin().ascii_serialization());
        self
    }

    /// With the origin of `url` too, for the vendor's API.
    #[must_use]
    pub fn and_vendor(mut self, url: &Url) -> Self {
        self.vendors.insert(url.origin().ascii_serialization());
        self
    }

    fn check(&self, service: AzureService, url: &Url) -> Result<(), TransportError> {
        let refused = |why: &str| {
            let host = url.host_str().unwrap_or("an address without a host").to_owned();
            Err(TransportError::NotAllowed {
                host,
                why: why.to_owned(),
            })
        };
        if url.scheme() != "https" && !(url.scheme() == "http" && may_be_plain(url)) {
            return refused("it is not https");
        }
        let (own, whose) = match service {
            AzureService::Vendor(_) => (&self.vendors, "it is not a host of the vendor"),
            _ => (&self.clouds, "it is not a host of the cloud"),
        };
        if !own.contains(&url.origin().ascii_serialization()) {
            return refused(whose);
        }
        Ok(())
    }
}

impl<'a> FromIterator<&'a Url> for AllowedHosts {
    fn from_iter<I: IntoIterator<Item = &'a Url>>(urls: I) -> Self {
        urls.into_iter().fold(Self::default(), Self::and)
    }
}

/// Returns whether the URL stays on this machine: loopback, or the link-local addresses at which a virtual machine and
/// App Service provide their identity.
fn may_be_plain(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_link_local(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Why a request waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoticeWhy {
    /// The service answered with this status.
    Status(u16),
    /// No answer came; the sentence says why.
    NoAnswer(String),
    /// Nothing went wrong: so that nothing does, it and those behind it leave more slowly. Names what they are.
    Budget(String),
}

/// Told before the wire waits and repeats a request, and once for a longer time in which requests leave slowly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireNotice {
    pub service: AzureService,
    /// HTTP method and path without query.
    pub tried: String,
    pub why: NoticeWhy,
    /// Time that the wire waits now.
    pub wait: Duration,
    /// `true` if the service requested this wait (`Retry-After`).
    pub asked: bool,
}

/// Number of requests that have been sent so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct WireStats {
    /// Every request that was handed to the transport, repetitions too.
    pub requests: u64,
    /// Calls that change something; one that is repeated counts once.
    pub writes: u64,
    /// Number of requests that were retries.
    pub retries: u64,
    /// The longest chain of requests of which each could leave only when the one before was answered; looks at what
    /// somebody else is at are not counted.
    pub waves: u64,
}

#[derive(Default)]
struct RequestCounters {
    requests: AtomicU64,
    writes: AtomicU64,
    retries: AtomicU64,
}

/// The seam to the world; clones share the connection, the counters, the budgets and the journal.
#[derive(Clone)]
pub struct RequestSender {
    transport: Arc<dyn HttpTransport>,
    allowed: Arc<AllowedHosts>,
    counters: Arc<RequestCounters>,
    turns: RateLimiter,
    journal: RequestLog,
    /// Seconds by which Azure's clock is ahead of this machine's, according to ARM's responses.
    ahead: Arc<Mutex<Option<i64>>>,
    tell: Option<Arc<dyn Fn(WireNotice) + Send + Sync>>,
}

impl fmt::Debug for RequestSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire")
            .field("transport", &self.transport)
            .field("allowed", &self.allowed)
            .finish_non_exhaustive()
    }
}

impl RequestSender {
    /// A wire that sends by `transport`, to `allowed` hosts only.
    pub fn new(transport: Arc<dyn HttpTransport>, allowed: AllowedHosts) -> Self {
        Self {
            transport,
            allowed: Arc::new(allowed),
            counters: Arc::default(),
            turns: RateLimiter::default(),
            journal: RequestLog::default(),
            ahead: Arc::default(),
            tell: None,
        }
    }

    /// Returns this wire with an observer: `tell` is called for every wait before a retry, and for longer waits for a
    /// budget.
    #[must_use]
    pub fn with_observer(mut self, tell: Arc<dyn Fn(WireNotice) + Send + Sync>) -> Self {
        self.tell = Some(tell);
        self
    }

    /// A wire of the same connection and budgets that counts, keeps its journal and tells for itself.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            counters: Arc::default(),
            journal: RequestLog::default(),
            tell: None,
            ..self.clone()
        }
    }

    /// Returns this wire for one more host, such as the instance metadata service.
    #[must_use]
    pub(super) fn also_to(&self, url: &Url) -> Self {
        Self {
            allowed: Arc::new(AllowedHosts::clone(&self.allowed).and(url)),
            ..self.clone()
        }
    }

    /// Returns this wire for the vendor's API as well.
    #[must_use]
    pub fn also_to_vendor(&self, url: &Url) -> Self {
        Self {
            allowed: Arc::new(AllowedHosts::clone(&self.allowed).and_vendor(url)),
            ..self.clone()
        }
    }

    /// The counters, of all clones together.
    pub fn stats(&self) -> WireStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        WireStats {
            requests: read(&self.counters.requests),
            writes: read(&self.counters.writes),
            retries: read(&self.counters.retries),
            waves: self.journal.waves(),
        }
    }

    /// Returns what has been sent so far by all clones together.
    pub fn sent(&self) -> PendingRecord {
        self.journal.so_far()
    }

    /// Returns the seconds by which Azure's clock is ahead of this machine's (behind: negative), by the `Date` of ARM's
    /// responses; accurate to a second or two. `None` before the first response.
    pub fn clock_ahead(&self) -> Option<i64> {
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time by Azure's clock, as far as its answers told; by this machine's before there is one. Moments that Azure
    /// compares with its own clock are counted from here.
    pub fn service_time(&self) -> OffsetDateTime {
        let ahead = time::Duration::seconds(self.clock_ahead().unwrap_or_default());
        clock::now().saturating_add(ahead)
    }

    fn note_date(&self, service: AzureService, headers: &HeaderMap) {
        let date = headers.get(http::header::DATE).filter(|_| service == AzureService::Arm);
        let date = date.and_then(|date| OffsetDateTime::parse(date.to_str().ok()?, &Rfc2822).ok());
        if let Some(date) = date {
            let ahead = (date - clock::now()).whole_seconds();
            let mut noted = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
            // A slow answer, or one that a proxy had kept, makes Azure look late: the freshest one counts.
            *noted = Some(noted.map_or(ahead, |before| before.max(ahead)));
        }
    }

    /// Sends, repeats where that promises something and does no harm, and gives back the last answer, whatever its
    /// status.
    ///
    /// # Errors
    /// `Unreachable` where no answer came, or the host is not allowed.
    pub async fn send(&self, call: ApiCall) -> Result<ApiReply, ApiError> {
        self.allowed
            .check(call.service, &call.url)
            .map_err(|error| call.failed(FailureKind::Unreachable(error)))?;
        if call.writes {
            self.counters.writes.fetch_add(1, Ordering::Relaxed);
        }
        let id = Uuid::new_v4();
        let mut began = None;
        let mut tries = 0;
        loop {
            let slowly = |why: &RateLimitKey, time| self.notice(&call, NoticeWhy::Budget(why.to_string()), time, false);
            let turn = self.turns.next(&call, slowly).await;
            let began: Instant = *began.get_or_insert(turn.began);
            let result = self.send_once(&call, id).await;
            let known = turn.answered(&result);
            tries += 1;
            let outcome = match &result {
                Ok(reply) => RetryDecision::Answer {
                    status: reply.status,
                    asked: retry::asked(&reply.headers),
                },
                Err(error) => RetryDecision::Nothing(error),
            };
            let Some(wait) = retry::next(call.repeatable, &outcome, tries, began.elapsed(), jitter()) else {
                return result.map_err(|error| call.failed(FailureKind::Unreachable(error)));
            };
            self.counters.retries.fetch_add(1, Ordering::Relaxed);
            if !known {
                let why = match &outcome {
                    RetryDecision::Answer { status, .. } => NoticeWhy::Status(*status),
                    RetryDecision::Nothing(error) => NoticeWhy::NoAnswer(error.to_string()),
                };
                self.notice(&call, why, wait.time, wait.asked);
            }
            tokio::time::sleep(wait.time).await;
        }
    }

    fn notice(&self, call: &ApiCall, why: NoticeWhy, wait: Duration, asked: bool) {
        debug!(target: "peerctl::wire", tried = %call.operation(), ?why, ?wait, "waits");
        if let Some(tell) = &self.tell {
            tell(WireNotice {
                service: call.service,
                tried: call.operation(),
                why,
                wait,
                asked,
            });
        }
    }

    async fn send_once(&self, call: &ApiCall, id: Uuid) -> Result<ApiReply, TransportError> {
        let request = request(call, id)?;
        redact::remember_request(call);
        trace!(target: "peerctl::wire", headers = redact::headers(request.headers()), "request");
        self.counters.requests.fetch_add(1, Ordering::Relaxed);
        let n = self.journal.begin(call, id);
        let began = Instant::now();
        // The transport has its own, finer limits; this one holds for every transport.
        let answer = tokio::time::timeout(limits::REQUEST, self.transport.send(request))
            .await
            .unwrap_or_else(|_| {
                let host = call.url.host_str().unwrap_or_default().to_owned();
                Err(TransportError::Timeout {
                    host,
                    seconds: limits::REQUEST.as_secs(),
                })
            });
        self.journal.finish(n, began, &answer);
        let ms = began.elapsed().as_millis();
        let url = redact::url(&call.url);
        match answer {
            Ok(answer) => {
                let (parts, body) = answer.into_parts();
                let body = without_mark(body);
                let status = parts.status.as_u16();
                redact::remember_answer(&body);
                self.note_date(call.service, &parts.headers);
                debug!(target: "peerctl::wire", method = %call.method, %url, status, ms, request_id = %id);
                trace!(target: "peerctl::wire", headers = redact::headers(&parts.headers), bytes = body.len(), "answer");
                Ok(ApiReply {
                    service: call.service,
                    tried: call.operation(),
                    status,
                    headers: parts.headers,
                    body,
                })
            }
            Err(error) => {
                debug!(target: "peerctl::wire", method = %call.method, %url, %error, ms, request_id = %id);
                Err(error)
            }
        }
    }
}

fn request(call: &ApiCall, id: Uuid) -> Result<http::Request<Bytes>, TransportError> {
    let mut request = http::Request::new(call.body.clone());
    *request.method_mut() = call.method.clone();
    *request.uri_mut() = call.url.as_str().parse().map_err(|_| TransportError::NotAllowed {
        host: call.url.host_str().unwrap_or_default().to_owned(),
        why: "its URL can't be used in a request".to_owned(),
    })?;
    *request.headers_mut() = call.headers.clone();
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        request.headers_mut().insert("x-ms-client-request-id", id);
        request
            .headers_mut()
            .insert("x-ms-return-client-request-id", HeaderValue::from_static("true"));
    }
    Ok(request)
}

/// Returns the body without a UTF-8 byte order mark, which JSON must not have and some services and proxies send.
fn without_mark(mut body: Bytes) -> Bytes {
    if body.starts_with(b"\xef\xbb\xbf") {
        body.advance(3);
    }
    body
}

/// A number between 0 and 1. A version 4 UUID is random enough to keep clients apart, and needs no further crate.
fn jitter() -> f64 {
    f64::from(Uuid::new_v4().as_fields().0) / f64::from(u32::MAX)
}

#[cfg(test)]
#[path = "request_sender_tests.rs"]
mod tests;
