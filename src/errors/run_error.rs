//! A failure in four parts: what was tried and what came back, what it means, what to do, and where to look it up.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::known::{self, ErrorCause};
use crate::azure::{ApiError, AzureService, ChallengeDemand, ClaimsChallenge, FailureKind, TransportError};
use crate::domain::{StepId, sanitize_for_terminal};

/// The kinds of failure, as scripts tell them apart (`error.kind`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunErrorKind {
    /// A missing or malformed input.
    Usage,
    /// No token, or one that is not accepted.
    SignIn,
    /// The right to do something is missing.
    Permission,
    /// Something exists already, or is in another state than expected.
    Conflict,
    NotFound,
    /// The vendor's side refused or failed.
    Vendor,
    /// The service cannot be reached, or answers what it should not.
    Network,
    /// It did not come about in time.
    Timeout,
    /// The preflight found what blocks.
    Preflight,
    /// Anything else that Azure refused.
    Azure,
}

/// A failure, ready to be read.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunError {
    pub kind: RunErrorKind,
    /// The service's own code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Attempted action and its result: one sentence.
    pub what: String,
    /// Meaning of the error.
    pub why: String,
    /// Remedies, each a line that can be followed or copied.
    pub remedies: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<StepId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// Reason that the request can't be carried out.
    #[serde(skip)]
    pub cause: ErrorCause,
}

/// Placeholder for a tenant ID in the remedies of known errors.
const THE_TENANT: &str = "THE-TENANT";

impl RunError {
    /// A failure that no service reported.
    pub fn new(kind: RunErrorKind, what: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            kind,
            code: None,
            what: what.into(),
            why: why.into(),
            remedies: Vec::new(),
            step: None,
            correlation_id: None,
            cause: ErrorCause::Other,
        }
    }

    /// Creates the error for the answer of a service to `doing` ("reading the virtual network vnet-app").
    pub fn from_api(doing: &str, error: &ApiError) -> Self {
        let message = sanitize_for_terminal(&error.message());
        // What a challenge demands is in its header; the code of the body may say anything.
        let known = known::of(error).filter(|_| error.challenge.is_none());
        let what = match &error.failure {
            FailureKind::Refused { code, .. } => {
                format!("{doing}: {} returned {}.", error.service, sanitize_for_terminal(code))
            }
            FailureKind::Unreachable(_) => format!("{doing}: can't reach {}.", error.service),
            FailureKind::Unreadable { .. } => format!("{doing}: can't read the response from {}.", error.service),
            FailureKind::NoToken { .. } => format!("{doing}: not signed in to {}.", error.service),
        };
        // Graph, policy and validation say the decisive thing in the details.
        let details = match &error.failure {
            FailureKind::Refused { details, .. } => {
                details.iter().map(|(_, text)| sanitize_for_terminal(text)).collect()
            }
            _ => Vec::new(),
        };
        let told: Vec<String> = std::iter::once(message.clone())
            .chain(details)
            .filter(|text| !text.is_empty())
            .collect();
        let told = match error.status() {
            // A code, and not a word about it.
            Some(status) if told.is_empty() => format!("{} returned HTTP {status} without details.", error.service),
            _ => told.join(" "),
        };
        let demanded = error.challenge.as_ref().map(|challenge| demanded(challenge, &message));
        let meaning = demanded.or_else(|| known.map(|known| known.meaning.clone()));
        let why = meaning.map_or_else(|| told.clone(), |meaning| format!("{meaning} ({told})"));
        Self {
            kind: kind(error, known),
            code: error.code().map(sanitize_for_terminal),
            what: capital(&what),
            why,
            remedies: remedies(known, error),
            step: None,
            correlation_id: error.correlation_id.as_deref().map(sanitize_for_terminal),
            cause: known::cause(error),
        }
    }

    /// Returns the answer in one line, with the correlation ID.
    pub fn answer(&self) -> String {
        let correlation = self
            .correlation_id
            .as_ref()
            .map(|id| format!(" (correlation ID {id})"))
            .unwrap_or_default();
        format!("{} {}{correlation}", self.what, self.why)
    }

    /// Returns the reference for troubleshooting: the step and Azure's ID of the request.
    pub fn reference(&self) -> Option<String> {
        let step = self.step.map(|step| format!("step {step}"));
        let correlation = self.correlation_id.as_ref().map(|id| format!("correlation ID {id}"));
        let parts: Vec<String> = step.into_iter().chain(correlation).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    /// Returns the error as the failure of `step`.
    #[must_use]
    pub fn in_step(mut self, step: StepId) -> Self {
        self.step.get_or_insert(step);
        self
    }

    /// Returns the error with one more remedy.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedies.push(remedy.into());
        self
    }
}

/// Returns the known remedies. Sign-in instructions from the sign-in itself are more precise, so where they're
/// available they replace the lines that leave the tenant open.
fn remedies(known: Option<&known::KnownError>, error: &ApiError) -> Vec<String> {
    let sign_in = || error.sign_in.iter().map(|line| sanitize_for_terminal(line));
    let Some(known) = known else {
        let more = match (&error.failure, error.status()) {
            _ if sign_in().len() > 0 => None,
            (FailureKind::Unreachable(TransportError::Connect { .. }), _) => Some(NO_CONNECTION),
            (_, Some(403)) => Some(WHO_FORBIDS),
            _ => None,
        };
        return sign_in().chain(more.map(str::to_owned)).collect();
    };
    let mut remedies = known.remedies.clone();
    let open = remedies.iter().position(|line| line.contains(THE_TENANT));
    if let Some(at) = open.filter(|_| sign_in().len() > 0) {
        remedies.retain(|line| !line.contains(THE_TENANT));
        remedies.splice(at..at, sign_in());
    }
    remedies
}

/// Remedy where no connection can be established.
const NO_CONNECTION: &str =
    "Check the network, the proxy (HTTPS_PROXY, NO_PROXY) and --cloud, then run the same command again.";

/// Remedy where a refusal does not say what forbids the request.
const WHO_FORBIDS: &str =
    "Ask an administrator what blocks this request. Give them the service's message and the correlation ID.";

/// Returns a description of the requirement in a claims challenge.
fn demanded(challenge: &ClaimsChallenge, message: &str) -> String {
    match challenge.demand(message) {
        ChallengeDemand::SecondFactor => {
            "This request requires multifactor authentication, but the sign-in was made without it.".to_owned()
        }
        ChallengeDemand::ConditionalAccess(context) => {
            let context =
                context.map(|context| format!(" (authentication context {})", sanitize_for_terminal(&context)));
            let context = context.unwrap_or_default();
            format!("A Conditional Access policy requires a stronger or newer sign-in for this request{context}.")
        }
        ChallengeDemand::NewSignIn => {
            "The sign-in was revoked, or a policy changed: continuous access evaluation requires \
                              a new sign-in."
                .to_owned()
        }
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn kind(error: &ApiError, known: Option<&known::KnownError>) -> RunErrorKind {
    match &error.failure {
        _ if error.challenge.is_some() => return RunErrorKind::SignIn,
        FailureKind::NoToken { .. } => return RunErrorKind::SignIn,
        FailureKind::Unreachable(_) | FailureKind::Unreadable { .. } => return RunErrorKind::Network,
        FailureKind::Refused { .. } => {}
    }
    if let Some(kind) = known.and_then(|known| known.kind) {
        return kind;
    }
    match (error.service, error.status()) {
        (AzureService::Entra, _) | (_, Some(401)) => RunErrorKind::SignIn,
        (_, Some(403)) => RunErrorKind::Permission,
        (_, Some(404)) => RunErrorKind::NotFound,
        (_, Some(409)) => RunErrorKind::Conflict,
        (_, Some(408 | 429 | 500..)) => RunErrorKind::Network,
        (AzureService::Vendor(_), _) => RunErrorKind::Vendor,
        _ => RunErrorKind::Azure,
    }
}

/// The four parts in their fixed order; the last lines are left out where there is nothing to say.
impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Behind the labels, whatever line ends a name from outside has in it: no part can be mistaken for another.
        let aligned = |text: &str| text.replace(['\n', '\r'], "\n        ");
        write!(f, "Error: {}", aligned(&self.what))?;
        if !self.why.is_empty() {
            write!(f, "\n  Why:  {}", aligned(&self.why))?;
        }
        for (index, remedy) in self.remedies.iter().enumerate() {
            let label = if index == 0 { "Do: " } else { "    " };
            write!(f, "\n  {label}  {}", aligned(remedy))?;
        }
        if let Some(reference) = self.reference() {
            write!(f, "\n  Ref:  {reference}")?;
        }
        Ok(())
    }
}

impl std::error::Error for RunError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str, message: &str, status: u16) -> ApiError {
        ApiError {
            service: AzureService::Arm,
            tried: "PUT /x".into(),
            failure: FailureKind::Refused {
                status,
                code: code.into(),
                message: message.into(),
                details: vec![],
                retry_after: None,
            },
            correlation_id: Some("6bfb1c0e".into()),
            sign_in: Vec::new(),
            challenge: None,
        }
    }

    #[test]
    fn run_error_orders_four_parts() {
        let error = refused(
            "AuthorizationFailed",
            "The client 'x' does not have authorization.",
            403,
        );
        let text = RunError::from_api("creating the role", &error)
            .in_step(StepId::RoleDefinition)
            .to_string();
        let parts = [
            "Error: Creating the role: Azure returned AuthorizationFailed.",
            "  Why:  ",
            "  Do:   ",
            "  Ref:  ",
        ];
        let at: Vec<usize> = parts
            .iter()
            .map(|part| text.find(part).unwrap_or_else(|| panic!("{part} in {text}")))
            .collect();
        assert!(at.is_sorted(), "{text}");
        assert!(
            text.ends_with("step role-definition, correlation ID 6bfb1c0e"),
            "{text}"
        );
    }

    #[test]
    fn a_message_cannot_move_the_cursor() {
        let text = RunError::from_api("reading", &refused("Odd\u{1b}[2J", "one\u{1b}[31mtwo", 400)).to_string();
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }

    #[test]
    fn run_error_escapes_line_breaks() {
        let problem = RunError::new(RunErrorKind::Usage, "a\nError: b", "c\n  Do:   d").remedy("e\r\n  Ref:  f");
        let expected =
            "Error: a\n        Error: b\n  Why:  c\n          Do:   d\n  Do:   e\n        \n          Ref:  f";
        assert_eq!(problem.to_string(), expected);
    }

    #[test]
    fn run_error_reports_empty_message() {
        let problem = RunError::from_api("reading", &refused("Odd", "", 404));
        assert_eq!(problem.why, "Azure returned HTTP 404 without details.");
    }

    #[test]
    fn run_error_status_without_code_classified() {
        let table = [
            (401, RunErrorKind::SignIn),
            (403, RunErrorKind::Permission),
            (404, RunErrorKind::NotFound),
            (409, RunErrorKind::Conflict),
            (502, RunErrorKind::Network),
            (400, RunErrorKind::Azure),
        ];
        for (status, expected) in table {
            assert_eq!(
                RunError::from_api("x", &refused("NeverSeenBefore", "m", status)).kind,
                expected,
                "{status}"
            );
        }
    }
}
