//! Errors between peerctl and an API, as a type: the service, the request, and the response.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::challenge::ClaimsChallenge;
use super::transport::TransportError;

/// Service that responded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AzureService {
    Arm,
    Entra,
    Graph,
    /// A vendor's API, by the vendor's name.
    Vendor(&'static str),
}

impl fmt::Display for AzureService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Arm => "Azure",
            Self::Entra => "Microsoft Entra",
            Self::Graph => "Microsoft Graph",
            Self::Vendor(name) => name,
        })
    }
}

/// Why there is no usable answer.
#[derive(Debug, Clone)]
pub enum FailureKind {
    /// The service answered with an error.
    Refused {
        /// HTTP status; 200 where an operation that was accepted failed later.
        status: u16,
        /// The service's own code: ARM and Graph `error.code`, Entra `AADSTS` and number, a vendor's title.
        code: String,
        /// The service's own sentence, unchanged.
        message: String,
        /// `error.details[]` as (code, message).
        details: Vec<(String, String)>,
        /// Value of `Retry-After`, if the response had one.
        retry_after: Option<Duration>,
    },
    /// The request got no answer.
    Unreachable(TransportError),
    /// The answer is not what the API promises (HTML of a proxy, cut short, wrong type).
    Unreadable { status: u16, why: String },
    /// No token could be had; the text says why.
    NoToken { why: String },
}

/// A failed call: what was tried, of whom, and what came of it.
#[derive(Debug, Clone, thiserror::Error)]
pub struct ApiError {
    pub service: AzureService,
    /// HTTP method and path without query: `PUT /subscriptions/…`.
    pub tried: String,
    pub failure: FailureKind,
    /// `x-ms-correlation-request-id`, Graph's `request-id`, Entra's correlation id, Konnect's `instance`.
    pub correlation_id: Option<String>,
    /// Instructions to sign in successfully, for the selected method, each a line to follow or to copy; empty if the
    /// sign-in isn't the problem.
    pub sign_in: Vec<String>,
    /// The service demands a stronger or newer sign-in for this request.
    pub challenge: Option<ClaimsChallenge>,
}

impl ApiError {
    /// The service's code, where it gave one.
    pub fn code(&self) -> Option<&str> {
        match &self.failure {
            FailureKind::Refused { code, .. } => Some(code),
            _ => None,
        }
    }

    /// The HTTP status, where there was an answer.
    pub fn status(&self) -> Option<u16> {
        match &self.failure {
            FailureKind::Refused { status, .. } | FailureKind::Unreadable { status, .. } => Some(*status),
            FailureKind::Unreachable(_) | FailureKind::NoToken { .. } => None,
        }
    }

    /// Returns whether a write may have taken effect although it failed: no response, an unreadable one, or a server
    /// error.
    pub fn in_doubt(&self) -> bool {
        match &self.failure {
            FailureKind::Unreachable(error) => error.may_have_taken_effect(),
            FailureKind::Unreadable { .. } => true,
            FailureKind::Refused { status, .. } => *status >= 500,
            FailureKind::NoToken { .. } => false,
        }
    }

    /// The service's sentence, or ours where it gave none.
    pub fn message(&self) -> String {
        match &self.failure {
            FailureKind::Refused { message, .. } => message.clone(),
            FailureKind::Unreachable(error) => error.to_string(),
            FailureKind::Unreadable { status, why } => format!("HTTP {status}, but the response can't be read: {why}"),
            FailureKind::NoToken { why } => why.clone(),
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): ", self.service, self.tried)?;
        if let Some(code) = self.code() {
            write!(f, "{code}: ")?;
        }
        f.write_str(&self.message())
    }
}
