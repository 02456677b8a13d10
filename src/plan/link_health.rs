//! State of a link, for `status`, `repair`, and anyone who needs to know who has to act next.

use serde::Serialize;

/// Health of the link: whether traffic can flow, will be able to, or will not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HealthStatus {
    /// Both directions are Connected and in sync, and the vendor says ready.
    Works,
    /// Somebody still has to act, or is at work; also where the peering carries traffic, and the other side has to sync it.
    Waiting,
    /// Waiting does not mend it.
    Broken,
}

/// State of a link and the party that has to act next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkHealth {
    pub verdict: HealthStatus,
    /// Why, in a sentence.
    pub why: String,
    /// Faults of the link, with their remedies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<LinkDefect>,
    /// Actions that are required next.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<NextAction>,
    /// The vendor's own word on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestView>,
}

/// Something that is wrong with a link and does not pass by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkDefect {
    /// `Disconnected`, `LocalNotInSync`, the vendor's state: what `peerctl explain` knows.
    pub code: String,
    pub what: String,
    /// The change that `peerctl azure repair` makes; absent if only the other side can act.
    #[serde(rename = "localFix", skip_serializing_if = "Option::is_none")]
    pub ours: Option<String>,
    /// The change that only the other side can make.
    #[serde(rename = "remoteFix", skip_serializing_if = "Option::is_none")]
    pub theirs: Option<String>,
}

/// Party that has to act, and the action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NextAction {
    pub who: String,
    pub what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usually: Option<String>,
    /// Commands or addresses, one per line.
    #[serde(rename = "instructions", skip_serializing_if = "Vec::is_empty")]
    pub packet: Vec<String>,
}

/// The request at the vendor, as the vendor calls it and its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestView {
    /// "transit gateway", "peering connection".
    pub kind: String,
    pub id: String,
    pub name: String,
    /// The vendor's own word.
    pub state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
