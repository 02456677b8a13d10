//! The production transport.
use async_trait::async_trait;
use bytes::Bytes;

use super::transport::{Transport, TransportError};

/// What the production transport can be told.
#[derive(Debug, Clone, Default)]
pub struct TransportOptions {
    /// Certificates (PEM, one or several) that are trusted besides the system's.
    pub extra_roots_pem: Option<String>,
}

/// Sends requests with reqwest: rustls with ring, the system's trust store, no redirects, no retries.
#[derive(Debug, Clone)]
pub struct HttpsTransport {}

impl HttpsTransport {
    /// # Errors
    /// A sentence that says what is wrong with the certificates or the TLS set-up.
    pub fn new(_options: &TransportOptions) -> Result<Self, TransportError> {
        todo!()
    }
}

#[async_trait]
impl Transport for HttpsTransport {
    async fn send(&self, _request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        todo!()
    }
}
