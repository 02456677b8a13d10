//! Long-running operations: waiting until a write that Azure has accepted is done.
//!
//! The answer to the write says where to look: at a status document (`Azure-AsyncOperation`), at a result that is not
//! there yet (`CloudLocation`), or, with neither of them, at the resource itself. The generated clients have a poller of
//! their own; it loses the reason of a failure, does not know `CloudLocation`, and never gives up.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::call::{ApiCall, ApiReply};
use super::client::AzureClient;
use super::error::{ApiError, AzureService, FailureKind};
use super::refusal::{self, refusal};
use super::retry;
use crate::limits;

/// Kind of the write, which determines what can be read when it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WriteKind {
    /// The resource is there.
    Put,
    /// The resource is gone.
    Delete,
}

/// Resource to poll.
#[derive(Debug)]
enum PollTarget {
    /// A document with `status`.
    Status(Url),
    /// Something that answers 202 until the operation has ended.
    Outcome(Url),
    /// The resource, whose `provisioningState` becomes final.
    Resource(Url),
    /// The resource, which vanishes.
    Absence(Url),
}

/// Status that a poll returned.
#[derive(Debug, PartialEq, Eq)]
enum OperationStatus {
    Running,
    Succeeded,
    /// With Azure's word: `Failed` or `Canceled`.
    Ended(String),
}

impl AzureClient {
    /// Waits until the change of `resource` that `written` accepted has come about.
    ///
    /// # Errors
    /// The operation's own error where it failed or was cancelled, with the code and details that Azure gives;
    /// `InProgress` where it has not ended within [`limits::OPERATION`]; anything that a look may fail with.
    pub(super) async fn finished(&self, written: ApiReply, resource: Url, change: WriteKind) -> Result<(), ApiError> {
        let Some(mut look) = PollTarget::after(&written, resource, change)? else {
            return Ok(());
        };
        let started = Instant::now();
        let mut own_wait = limits::FIRST_POLL;
        // Who says zero is done with it by now.
        let mut wait = retry::asked(&written.headers).unwrap_or(own_wait);
        loop {
            let left = limits::OPERATION.saturating_sub(started.elapsed());
            if left.is_zero() {
                return Err(unfinished(&written));
            }
            tokio::time::sleep(wait.min(left)).await;
            let answer = self.send(ApiCall::get(AzureService::Arm, look.url().clone())).await;
            let reply = match answer {
                Err(error) if matches!(look, PollTarget::Absence(_)) && error.status() == Some(404) => return Ok(()),
                other => other?,
            };
            match look.seen(&reply)? {
                OperationStatus::Succeeded => return Ok(()),
                OperationStatus::Ended(word) => return Err(ended(&written, &reply, &word)),
                OperationStatus::Running => look.follow(&reply)?,
            }
            own_wait = (own_wait * 2).min(limits::LONGEST_POLL);
            wait = asked(&reply).unwrap_or(own_wait);
        }
    }
}

impl PollTarget {
    /// Returns what to poll after this response to a write; `None` if the write was completed with it.
    fn after(written: &ApiReply, resource: Url, change: WriteKind) -> Result<Option<Self>, ApiError> {
        if written.status == 204 {
            return Ok(None);
        }
        if let Some(url) = link(written, "azure-asyncoperation", &resource)? {
            return Ok(Some(Self::Status(url)));
        }
        if written.status == 202 {
            return Ok(Some(match (link(written, "location", &resource)?, change) {
                (Some(url), _) => Self::Outcome(url),
                (None, WriteKind::Put) => Self::Resource(resource),
                (None, WriteKind::Delete) => Self::Absence(resource),
            }));
        }
        let final_word = word(&written.body).is_none_or(|word| word.eq_ignore_ascii_case("Succeeded"));
        Ok((change == WriteKind::Put && !final_word).then_some(Self::Resource(resource)))
    }

    fn url(&self) -> &Url {
        match self {
            Self::Status(url) | Self::Outcome(url) | Self::Resource(url) | Self::Absence(url) => url,
        }
    }

    /// Goes on to where an answer sends us: these links may change on the way.
    fn follow(&mut self, reply: &ApiReply) -> Result<(), ApiError> {
        let (name, url) = match self {
            Self::Status(url) => ("azure-asyncoperation", url),
            Self::Outcome(url) => ("location", url),
            Self::Resource(_) | Self::Absence(_) => return Ok(()),
        };
        if let Some(next) = link(reply, name, url)? {
            *url = next;
        }
        Ok(())
    }

    fn seen(&self, reply: &ApiReply) -> Result<OperationStatus, ApiError> {
        let word = word(&reply.body);
        let is = |expected: &str| word.as_deref().is_some_and(|word| word.eq_ignore_ascii_case(expected));
        if let Some(word) = word
            .as_ref()
            .filter(|_| is("Failed") || is("Canceled") || is("Cancelled"))
        {
            return Ok(OperationStatus::Ended(word.clone()));
        }
        let succeeded = match self {
            Self::Status(_) if word.is_none() && reply.status == 200 => {
                return Err(reply.unreadable("the status of the operation is missing"));
            }
            Self::Status(_) => is("Succeeded") || reply.status == 204,
            Self::Outcome(_) => reply.status != 202,
            Self::Resource(_) => word.is_none() || is("Succeeded"),
            Self::Absence(_) => false,
        };
        Ok(if succeeded {
            OperationStatus::Succeeded
        } else {
            OperationStatus::Running
        })
    }
}

/// The link in a header; a relative one starts at `base`.
fn link(reply: &ApiReply, name: &str, base: &Url) -> Result<Option<Url>, ApiError> {
    let Some(text) = reply.header(name).map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let url = base
        .join(text)
        .map_err(|error| reply.unreadable(&format!("its {name}: {error}")))?;
    Ok(Some(url))
}

/// Azure's word for how things stand: `status` of an operation, `properties.provisioningState` of a resource.
fn word(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let word = body
        .get("status")
        .or_else(|| body.pointer("/properties/provisioningState"))?;
    word.as_str().map(str::to_owned)
}

/// The wait that an answer asks for; none where it says nothing or zero.
fn asked(reply: &ApiReply) -> Option<Duration> {
    retry::asked(&reply.headers).filter(|wait| !wait.is_zero())
}

/// The error of an operation that did not succeed, as that of the write that began it.
fn ended(written: &ApiReply, seen: &ApiReply, word: &str) -> ApiError {
    let body: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
    let given = |field: &str| body.pointer(field).is_some_and(Value::is_string);
    let error = if given("/error/code") || given("/error/message") {
        refusal(&ApiReply {
            tried: written.tried.clone(),
            ..seen.clone()
        })
    } else {
        let message = format!("Azure accepted the request, but the operation ended as '{word}' without details.");
        refused(written, seen.status, word, message)
    };
    ApiError {
        correlation_id: refusal::correlation_id(&written.headers).or(error.correlation_id),
        ..error
    }
}

fn unfinished(written: &ApiReply) -> ApiError {
    let minutes = limits::OPERATION.as_secs() / 60;
    let message = format!("Azure didn't finish the operation within {minutes} minutes. The operation continues.");
    refused(written, 202, "InProgress", message)
}

fn refused(written: &ApiReply, status: u16, code: &str, message: String) -> ApiError {
    ApiError {
        service: written.service,
        tried: written.tried.clone(),
        failure: FailureKind::Refused {
            status,
            code: code.to_owned(),
            message,
            details: Vec::new(),
            retry_after: None,
        },
        correlation_id: refusal::correlation_id(&written.headers),
        sign_in: Vec::new(),
        challenge: None,
    }
}

#[cfg(test)]
#[path = "operation_tests.rs"]
mod tests;
