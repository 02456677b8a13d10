//! Order of requests: those that draw on the same budget are sent in the order in which they arrived, each when
//! something is left for it. The time that this takes is decided in `throttle`.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::call::{ApiCall, ApiReply};
use super::rate_limit_key::RateLimitKey;
use super::refusal::refusal;
use super::retry;
use super::throttle::{RateBudget, RemainingRequests};
use super::transport::TransportError;
use crate::limits;

/// All budgets of a run; clones share them.
#[derive(Clone, Default)]
pub(super) struct RateLimiter(Arc<Mutex<HashMap<RateLimitKey, Arc<RequestQueue>>>>);

/// One budget, and those who wait for it.
struct RequestQueue {
    budget: Mutex<RateBudget>,
    /// Held by who goes next; whoever comes later stands behind.
    next: tokio::sync::Mutex<()>,
    waiting: AtomicU32,
    changed: Notify,
}

/// A request's turn, until it is answered or given up.
pub(super) struct RateLimitSlot {
    places: Vec<QueuePlace>,
    /// Start of the time limit of the call.
    pub(super) began: Instant,
}

struct QueuePlace {
    account: RateLimitKey,
    queue: Arc<RequestQueue>,
    number: u64,
    left: Option<RemainingRequests>,
}

impl RateLimiter {
    /// Waits until the call may be sent. `tell` is told of a longer wait: for what, and how long it takes until
    /// everybody who waits has gone.
    pub(super) async fn next(&self, call: &ApiCall, tell: impl Fn(&RateLimitKey, Duration)) -> RateLimitSlot {
        let came = Instant::now();
        let mut places: Vec<QueuePlace> = Vec::new();
        for account in RateLimitKey::of(call) {
            let queue = self.queue(&account);
            let number = queue.enter(|wait| tell(&account, wait)).await;
            places.push(QueuePlace {
                account,
                queue,
                number,
                left: None,
            });
        }
        let now = Instant::now();
        let began = places.iter().map(|place| lock(&place.queue.budget).began(came, now));
        let began = began.min().unwrap_or(now);
        RateLimitSlot { places, began }
    }

    fn queue(&self, account: &RateLimitKey) -> Arc<RequestQueue> {
        let mut queues = lock(&self.0);
        if let Some(queue) = queues.get(account) {
            return Arc::clone(queue);
        }
        let queue = Arc::new(RequestQueue {
            budget: Mutex::new(RateBudget::new(account.limit(), Instant::now())),
            next: tokio::sync::Mutex::default(),
            waiting: AtomicU32::new(0),
            changed: Notify::new(),
        });
        queues.insert(account.clone(), Arc::clone(&queue));
        queue
    }
}

impl RequestQueue {
    /// Waits for something to be left, and takes it; the request's number.
    async fn enter(&self, tell: impl Fn(Duration)) -> u64 {
        let _waiting = WaitingRequest::one_more(&self.waiting);
        let _next = self.next.lock().await;
        loop {
            let (wait, news) = {
                let mut budget = lock(&self.budget);
                let now = Instant::now();
                let wait = budget.wait(now);
                if wait.is_zero() {
                    return budget.acquire(now);
                }
                let whole = budget.estimate(self.waiting.load(Ordering::Relaxed), now);
                let news = budget.is_news(whole, limits::REPORTED_AGAIN, now);
                (wait, news.then_some(whole))
            };
            if let Some(whole) = news {
                tell(whole);
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.changed.notified() => {}
            }
        }
    }
}

impl RateLimitSlot {
    /// Notes what the answer says is left, and that everybody stays away where it says that nothing is. Whether a
    /// person knows of that already.
    pub(super) fn answered(mut self, answer: &Result<ApiReply, TransportError>) -> bool {
        let Ok(reply) = answer else { return false };
        let refused = (reply.status == 429).then(|| refusal(reply).code().unwrap_or_default().to_owned());
        let asked = retry::asked(&reply.headers).filter(|asked| *asked <= limits::LONGEST_ASKED_WAIT);
        let mut known = false;
        for place in &mut self.places {
            place.left = place.account.left(&reply.headers);
            let mut budget = lock(&place.queue.budget);
            if refused.as_ref().is_some_and(|code| place.account.is_used_up(code)) {
                let now = Instant::now();
                budget.refused(asked.or(place.left.and_then(|left| left.resets_after)), now);
                known = asked.is_some_and(|asked| !budget.is_news(asked, Duration::ZERO, now));
            } else if refused.is_none() && reply.status < 500 {
                budget.accepted(place.left.is_some());
            }
        }
        known
    }
}

impl Drop for QueuePlace {
    fn drop(&mut self) {
        lock(&self.queue.budget).release(self.number, self.left, Instant::now());
        self.queue.changed.notify_one();
    }
}

/// One who waits, until the value is gone.
struct WaitingRequest<'a>(&'a AtomicU32);

impl<'a> WaitingRequest<'a> {
    fn one_more(count: &'a AtomicU32) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for WaitingRequest<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere leaves counts that are still good.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "rate_limiter_tests.rs"]
mod tests;
