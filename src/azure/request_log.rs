//! Requests that the wire has sent, for the record of a run: no body, no headers except IDs, and no query value that
//! could be a secret.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::Response;
use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use tokio::time::Instant;
use uuid::Uuid;

use super::call::ApiCall;
use super::error::AzureService;
use super::transport::TransportError;
use super::{redact, refusal};
use crate::domain::as_utc;
use crate::limits;

/// One request that was handed to the transport; a repetition is one more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestRecord {
    /// 1 for the first of the run.
    pub n: u64,
    /// Number of requests that had to be answered one after the other before this one could be sent, plus one: requests
    /// of the same wave are in flight together. `None` if the request only checks the progress of another party.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wave: Option<u64>,
    /// Time at which the request was sent, UTC.
    #[serde(serialize_with = "as_utc")]
    pub at: OffsetDateTime,
    #[serde(serialize_with = "as_name")]
    pub service: AzureService,
    pub method: String,
    /// As it may be shown: values of unknown query parameters are replaced.
    pub url: String,
    /// `true` if the request is meant to change something on the service's side.
    pub writes: bool,
    /// The HTTP status of the answer, where one came whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why none did, in one word; `unanswered` where the run ended before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<&'static str>,
    /// Under which the service finds the request: ARM's `x-ms-correlation-request-id`, Graph's `request-id`, Entra's
    /// `x-ms-request-id`. A vendor may have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// Client request ID (`x-ms-client-request-id`); the retries of one call share it.
    pub client_request_id: Uuid,
    /// Time that the response took, in milliseconds.
    pub ms: u64,
    /// `true` if the request can't have reached the service: there was no connection.
    #[serde(skip)]
    pub never_arrived: bool,
}

impl RequestRecord {
    /// Returns whether the request changed something, or may have: a write that was accepted, whose response never
    /// arrived, or whose response came only from a gateway in front of the service that may have carried it out.
    pub fn may_have_changed(&self) -> bool {
        let refused = |status: u16| (400..500).contains(&status) && status != 408;
        self.writes && !self.never_arrived && !self.status.is_some_and(refused)
    }
}

/// Everything that was sent, oldest first, as far as it is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PendingRecord {
    pub requests: Vec<RequestRecord>,
    /// Number of requests that were left out.
    pub left_out: u64,
}

tokio::task_local! {
    static AWAITED: ();
}

/// Looks at what somebody else is at: how often is theirs to say, so the looks are no waves of ours.
pub async fn awaiting<L: Future>(look: L) -> L::Output {
    AWAITED.scope((), look).await
}

/// The list while it grows; clones share it.
#[derive(Clone, Default)]
pub(super) struct RequestLog(Arc<Mutex<KeptRecords>>);

#[derive(Default)]
struct KeptRecords {
    sent: VecDeque<RequestRecord>,
    count: u64,
    /// The highest wave of those that were answered.
    waves: u64,
}

impl RequestLog {
    /// Notes a request that is about to leave; its number.
    pub(super) fn begin(&self, call: &ApiCall, id: Uuid) -> u64 {
        let mut kept = self.lock();
        kept.count += 1;
        let n = kept.count;
        let wave = AWAITED.try_with(|()| ()).is_err().then_some(kept.waves + 1);
        kept.sent.push_back(RequestRecord {
            n,
            wave,
            at: OffsetDateTime::now_utc(),
            service: call.service,
            method: call.method.to_string(),
            url: redact::url(&call.url),
            writes: call.writes,
            status: None,
            failure: Some("unanswered"),
            correlation_id: None,
            client_request_id: id,
            ms: 0,
            never_arrived: false,
        });
        if kept.sent.len() > limits::REQUEST_LOG_ENTRIES {
            // A long wait is thousands of looks; what was written is what a record is for.
            let least = kept.sent.iter().position(|sent| !sent.writes).unwrap_or(0);
            kept.sent.remove(least);
        }
        n
    }

    /// Notes what came back for the request of that number, `began` when it left.
    pub(super) fn finish(&self, n: u64, began: Instant, answer: &Result<Response<Bytes>, TransportError>) {
        let mut kept = self.lock();
        let Ok(at) = kept.sent.binary_search_by_key(&n, |sent| sent.n) else {
            return;
        };
        kept.waves = kept.sent[at].wave.map_or(kept.waves, |wave| wave.max(kept.waves));
        let sent = &mut kept.sent[at];
        sent.ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        match answer {
            Ok(answer) => {
                (sent.status, sent.failure) = (Some(answer.status().as_u16()), None);
                sent.correlation_id = refusal::correlation_id(answer.headers());
            }
            Err(error) => {
                sent.failure = Some(error.word());
                sent.never_arrived = !error.may_have_taken_effect();
            }
        }
    }

    /// Returns the number of waves that have been answered.
    pub(super) fn waves(&self) -> u64 {
        self.lock().waves
    }

    pub(super) fn so_far(&self) -> PendingRecord {
        let kept = self.lock();
        PendingRecord {
            requests: kept.sent.iter().cloned().collect(),
            left_out: kept.count - kept.sent.len() as u64,
        }
    }

    fn lock(&self) -> MutexGuard<'_, KeptRecords> {
        // A panic elsewhere does not make what was noted wrong.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn as_name<S: Serializer>(service: &AzureService, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(service)
}

#[cfg(test)]
#[path = "request_log_tests.rs"]
mod tests;
