//! Transport of a request: reqwest in production, the embedded Azure's router in tests.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;

/// Carries one request and brings its answer, whole. It neither retries nor follows redirects; [`super::RequestSender`] does
/// what is to be done about failures.
#[async_trait]
pub trait HttpTransport: Send + Sync + fmt::Debug {
    /// # Errors
    /// When no whole answer came back.
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError>;
}

/// Why no whole answer came back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The request never left: name resolution, connection refused, no route.
    #[error("can't connect to {host}: {why}")]
    Connect { host: String, why: String },
    /// The request never left: the other side's certificate is not accepted. Repeating it changes nothing.
    #[error("can't establish a secure connection to {host}: {why}")]
    Tls { host: String, why: String },
    /// The request never left: the proxy that the variable names does not connect. Repeating it could lock an account.
    #[error("the proxy in {variable} can't connect to {host}: {why}")]
    Proxy {
        host: String,
        variable: &'static str,
        why: String,
    },
    /// It may have been carried out: the connection broke, or the answer was cut short.
    #[error("the connection to {host} was lost: {why}")]
    Broken { host: String, why: String },
    #[error("{host} didn't respond within {seconds} s")]
    Timeout { host: String, seconds: u64 },
    #[error("the response from {host} is larger than {limit} bytes")]
    TooLarge { host: String, limit: usize },
    /// Refused by us: a host that is not the cloud's (or, for a vendor's API, the vendor's), or plain http off loopback.
    #[error("refused to send a request to {host}: {why}")]
    NotAllowed { host: String, why: String },
}

impl TransportError {
    /// Returns the error in one word, for lists.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Connect { .. } => "connect",
            Self::Tls { .. } => "tls",
            Self::Proxy { .. } => "proxy",
            Self::Broken { .. } => "broken",
            Self::Timeout { .. } => "timeout",
            Self::TooLarge { .. } => "too-large",
            Self::NotAllowed { .. } => "not-allowed",
        }
    }

    /// Returns whether the service may have carried out the request despite the error.
    pub fn may_have_taken_effect(&self) -> bool {
        matches!(self, Self::Broken { .. } | Self::Timeout { .. } | Self::TooLarge { .. })
    }
}
