//! The table of known codes (`known.toml`): what each means, whether waiting helps, and what to do.

use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::RunErrorKind;
use crate::azure::{ApiError, FailureKind};

/// Service that returns the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ErrorService {
    /// Azure Resource Manager, its resource providers among it.
    Arm,
    Entra,
    Graph,
    Konnect,
    Aiven,
    Dragonfly,
}

impl ErrorService {
    /// All of them, in the order that lists have.
    pub const ALL: [Self; 6] = [
        Self::Arm,
        Self::Entra,
        Self::Graph,
        Self::Konnect,
        Self::Aiven,
        Self::Dragonfly,
    ];
}

impl fmt::Display for ErrorService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Arm => "Azure Resource Manager",
            Self::Entra => "Microsoft Entra",
            Self::Graph => "Microsoft Graph",
            Self::Konnect => "Kong Konnect",
            Self::Aiven => "Aiven",
            Self::Dragonfly => "Dragonfly Cloud",
        })
    }
}

/// The class of a known code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ErrorClass {
    /// A temporary condition, such as replication: the same request works later.
    Transient,
    /// A person can fix it.
    Fixable,
    /// Retrying never helps.
    Permanent,
    /// A state that isn't an error.
    Informational,
}

impl ErrorClass {
    /// The class and its meaning, as text.
    pub fn words(self) -> &'static str {
        match self {
            Self::Transient => "transient: passes without action",
            Self::Fixable => "fixable: someone can fix it",
            Self::Permanent => "permanent: retrying doesn't help",
            Self::Informational => "informational: not an error",
        }
    }
}

/// Cause of a refusal, by what the refusal says. The cause determines who can resolve it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorCause {
    /// A role is missing: whoever has it can do the step, or grant the role.
    MissingRole,
    /// A policy, a deny assignment, a lock, a condition or the state of the subscription forbids it to everyone. No role
    /// helps.
    Forbidden,
    /// The service demands a stronger or newer sign-in.
    Challenge,
    /// It passes without anyone's help.
    Transient,
    /// Anything else: a wrong value, a conflict, a state that does not change.
    #[default]
    Other,
}

/// One known code.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct KnownError {
    pub code: String,
    pub service: ErrorService,
    /// Only where the message has this text: one code can have two meanings.
    #[serde(default)]
    pub contains: Option<String>,
    /// A state that an API reports, not a refusal. `ERROR` is Aiven's and `error` is Konnect's, so case counts.
    #[serde(default)]
    pub state: bool,
    pub class: ErrorClass,
    #[serde(default)]
    pub kind: Option<RunErrorKind>,
    /// Only where it is one that the class does not tell.
    #[serde(default)]
    cause: ErrorCause,
    pub meaning: String,
    pub remedies: Vec<String>,
    /// Source of the entry.
    pub source: String,
}

impl KnownError {
    /// Returns whether the entry is about `code`, as a service writes it.
    pub fn is(&self, code: &str) -> bool {
        self.code == code || (!self.state && self.code.eq_ignore_ascii_case(code))
    }

    /// Returns whether the entry applies to the code when it comes with `message`.
    pub fn fits(&self, message: &str) -> bool {
        let message = message.to_lowercase();
        self.contains
            .as_ref()
            .is_none_or(|text| message.contains(&text.to_lowercase()))
    }
}

#[derive(Deserialize)]
struct KnownErrors {
    known: Vec<KnownError>,
}

/// Every known code, in the order of the file.
pub fn all() -> &'static [KnownError] {
    static TABLE: LazyLock<Vec<KnownError>> = LazyLock::new(|| {
        toml::from_str::<KnownErrors>(include_str!("known.toml"))
            .map(|table| table.known)
            .unwrap_or_default()
    });
    &TABLE
}

/// Returns the entry for `code` with `message`. The first entry that matches counts.
pub fn lookup(code: &str, message: &str) -> Option<&'static KnownError> {
    all().iter().find(|known| known.is(code) && known.fits(message))
}

/// Returns the entry for a refusal: for its own code, or else for the codes in its details.
pub fn of(error: &ApiError) -> Option<&'static KnownError> {
    let message = error.message();
    let details = match &error.failure {
        FailureKind::Refused { details, .. } => details.as_slice(),
        _ => &[],
    };
    let detailed = || details.iter().find_map(|(code, text)| lookup(code, text));
    error.code().and_then(|code| lookup(code, &message)).or_else(detailed)
}

/// Returns the cause of the refusal.
pub fn cause(error: &ApiError) -> ErrorCause {
    if error.challenge.is_some() {
        return ErrorCause::Challenge;
    }
    of(error).map_or(ErrorCause::Other, |known| match known.class {
        ErrorClass::Transient => ErrorCause::Transient,
        _ => known.cause,
    })
}

/// Returns the entry of a refusal that passes once something that was just written has been replicated. Throttled
/// requests and requests to a failing service have already been retried as often as is reasonable before the refusal
/// arrives here.
pub fn passes(error: &ApiError) -> Option<&'static KnownError> {
    let known = of(error).filter(|known| known.kind != Some(RunErrorKind::Network));
    known.filter(|_| cause(error) == ErrorCause::Transient)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::azure::AzureService;

    #[test]
    fn known_errors_parse_and_have_text() {
        toml::from_str::<KnownErrors>(include_str!("known.toml")).expect("a good table");
        let distinct: HashSet<&str> = all().iter().map(|known| known.code.as_str()).collect();
        assert!(distinct.len() >= 60, "{}", distinct.len());
        for known in all() {
            assert!(known.meaning.ends_with('.'), "{}", known.code);
            assert!(
                matches!(known.class, ErrorClass::Transient | ErrorClass::Informational) || !known.remedies.is_empty(),
                "{} has no remedy",
                known.code
            );
            assert!(
                known.class != ErrorClass::Informational || known.state,
                "{} is a refusal",
                known.code
            );
            assert!(!known.source.is_empty(), "{} has no source", known.code);
        }
    }

    #[test]
    fn every_entry_can_be_reached() {
        for known in all() {
            let message = known.contains.as_deref().unwrap_or_default();
            let found = lookup(&known.code, message).expect("known");
            assert!(
                std::ptr::eq(found, known),
                "{} ({message}) is hidden by another",
                known.code
            );
        }
    }

    #[test]
    fn known_service_errors_are_retried_first() {
        let refused = |code: &str| ApiError {
            service: AzureService::Arm,
            tried: "PUT /x".into(),
            failure: FailureKind::Refused {
                status: 429,
                code: code.into(),
                message: String::new(),
                details: vec![],
                retry_after: None,
            },
            correlation_id: None,
            sign_in: Vec::new(),
            challenge: None,
        };
        assert!(passes(&refused("PrincipalNotFound")).is_some());
        assert!(passes(&refused("TooManyRequests")).is_none());
        assert!(of(&refused("TooManyRequests")).is_some_and(|known| known.class == ErrorClass::Transient));
    }

    #[test]
    fn known_vendor_states_stay_separate() {
        let of = |state| lookup(state, "").map(|known| known.service);
        assert_eq!(of("ERROR"), Some(ErrorService::Aiven));
        assert_eq!(of("error"), Some(ErrorService::Konnect));
        assert_eq!(of("Error"), None);
    }

    #[test]
    fn known_code_meaning_selected_by_message() {
        let tenant = "…however the current tenant 'a' is not authorized to access linked subscription 'b'.";
        let role = "…it does not have permission to perform action(s) 'Microsoft.Network/virtualNetworks/peer/action' on the linked scope(s) 'y'.";
        let found = |message| lookup("LinkedAuthorizationFailed", message).expect("known");
        assert_eq!(found(tenant).class, ErrorClass::Fixable);
        assert!(found(role).meaning.contains("peer/action"));
        assert!(!found(tenant).meaning.contains("peer/action"));
        let definition =
            "…permission to perform action 'Microsoft.Authorization/roleDefinitions/write' on the linked scope(s) 'z'.";
        assert_eq!(found(definition).class, ErrorClass::Fixable);
    }
}
