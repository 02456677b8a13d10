//! Budgets that a request draws on, and what its response says is left of them.

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, Method};

use super::call::ApiCall;
use super::error::AzureService;
use super::throttle::{RateLimit, RemainingRequests};
use crate::limits;

/// Budget that a request draws on. Azure counts for each identity; peerctl counts all of its identities together, which
/// is never too fast.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum RateLimitKey {
    /// ARM's for a subscription.
    Subscription(String, LimitKind),
    /// ARM's for what is in no subscription.
    Tenant(LimitKind),
    /// A resource provider's own in a subscription, or outside of all.
    Provider(String, Option<String>, LimitKind),
    ResourceGraph,
    /// Everything that one service is asked, where nothing is documented.
    All(AzureService),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum LimitKind {
    Reads,
    Writes,
    Deletes,
}

impl LimitKind {
    fn of(method: &Method) -> Self {
        match *method {
            Method::GET | Method::HEAD => Self::Reads,
            Method::DELETE => Self::Deletes,
            _ => Self::Writes,
        }
    }

    /// As Azure's headers name it.
    fn name(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Writes => "writes",
            Self::Deletes => "deletes",
        }
    }
}

const NETWORK: &str = "microsoft.network";

impl RateLimitKey {
    /// Returns the budgets that the call draws on, the narrowest first.
    pub(super) fn of(call: &ApiCall) -> Vec<Self> {
        if call.service != AzureService::Arm {
            return vec![Self::All(call.service)];
        }
        let path = call.url.path().to_ascii_lowercase();
        let words: Vec<&str> = path.split('/').filter(|word| !word.is_empty()).collect();
        let kind = LimitKind::of(&call.method);
        let (subscription, whole) = match words[..] {
            ["providers", "microsoft.resourcegraph", "resources"] => return vec![Self::ResourceGraph],
            ["subscriptions", id, ..] => (Some(id.to_owned()), Self::Subscription(id.to_owned(), kind)),
            _ => (None, Self::Tenant(kind)),
        };
        // Roles and locks lie below the resource of another provider: the last one is asked.
        let provider = words.iter().rposition(|word| *word == "providers");
        let provider = provider.and_then(|at| words.get(at + 1)).map(|name| {
            // Microsoft.Network counts writes and deletes together.
            let kind = if *name == NETWORK && kind == LimitKind::Deletes {
                LimitKind::Writes
            } else {
                kind
            };
            Self::Provider((*name).to_owned(), subscription, kind)
        });
        provider.into_iter().chain([whole]).collect()
    }

    pub(super) fn limit(&self) -> Option<RateLimit> {
        let bucket = |most, every| Some(RateLimit::Bucket { most, every });
        match self {
            Self::Subscription(_, LimitKind::Reads) | Self::Tenant(LimitKind::Reads) => {
                bucket(limits::READS, limits::READ_EVERY)
            }
            Self::Subscription(..) | Self::Tenant(_) => bucket(limits::WRITES, limits::WRITE_EVERY),
            Self::Provider(name, Some(_), LimitKind::Writes) if name == NETWORK => {
                bucket(limits::NETWORK_WRITES, limits::NETWORK_WRITE_EVERY)
            }
            Self::ResourceGraph => Some(RateLimit::Window {
                most: limits::GRAPH_QUERIES,
                period: limits::GRAPH_PERIOD,
            }),
            Self::Provider(..) | Self::All(_) => None,
        }
    }

    /// Returns what a response says is left of the budget.
    pub(super) fn left(&self, headers: &HeaderMap) -> Option<RemainingRequests> {
        let text = |name: &str| headers.get(name)?.to_str().ok();
        let count = |name: &str| text(name)?.trim().parse().ok();
        let (scope, kind) = match self {
            Self::Subscription(_, kind) => ("subscription", kind.name()),
            Self::Tenant(kind) => ("tenant", kind.name()),
            Self::ResourceGraph => {
                return Some(RemainingRequests {
                    count: count("x-ms-user-quota-remaining")?,
                    resets_after: text("x-ms-user-quota-resets-after").and_then(clock),
                });
            }
            Self::Provider(..) | Self::All(_) => return None,
        };
        let own: Option<u32> = count(&format!("x-ms-ratelimit-remaining-{scope}-{kind}"));
        // All identities together have a budget too.
        let shared = count(&format!("x-ms-ratelimit-remaining-{scope}-global-{kind}"));
        Some(RemainingRequests {
            count: own.into_iter().chain(shared).min()?,
            resets_after: None,
        })
    }

    /// Returns whether a refusal with this code (429) says that nothing is left of the budget.
    pub(super) fn is_used_up(&self, code: &str) -> bool {
        let is_provider = match self {
            Self::ResourceGraph | Self::All(_) => return true,
            Self::Subscription(..) | Self::Tenant(_) => false,
            Self::Provider(..) => true,
        };
        match code {
            // Another operation works on the same resource: no other request has to wait for that.
            "RetryableError" | "AnotherOperationInProgress" => false,
            code => is_provider == (code == "ResourceRequestsThrottled"),
        }
    }
}

/// `hh:mm:ss`, no longer than any wait that is kept.
fn clock(text: &str) -> Option<Duration> {
    let numbers: Option<Vec<u64>> = text.trim().split(':').map(|number| number.parse().ok()).collect();
    let [hours, minutes, seconds] = numbers?[..] else {
        return None;
    };
    let minutes = hours.checked_mul(60)?.checked_add(minutes)?;
    let time = Duration::from_secs(minutes.checked_mul(60)?.checked_add(seconds)?);
    (time <= limits::LONGEST_ASKED_WAIT).then_some(time)
}

/// Formats the budget for display.
impl fmt::Display for RateLimitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subscription(id, kind) => write!(f, "{} in subscription {id}", kind.name()),
            Self::Tenant(kind) => write!(f, "{} at tenant level", kind.name()),
            Self::Provider(name, _, kind) => write!(f, "{} of {name}", kind.name()),
            Self::ResourceGraph => f.write_str("Resource Graph queries"),
            Self::All(service) => write!(f, "requests to {service}"),
        }
    }
}

#[cfg(test)]
#[path = "rate_limit_key_tests.rs"]
mod tests;
