//! Time that a request waits so that none is refused: a pure decision, made in one place.
//!
//! Three things are known about a budget. Its documented limit: a bucket that refills, or a number of requests in a
//! period. The remaining requests according to the responses, which take precedence if they are fewer: other clients
//! use the budget too, or it is smaller than documented. And, after a request was refused, the time during which no
//! request may be sent.

use std::time::Duration;

use tokio::time::Instant;

use crate::limits;

/// Documented limit of a budget, as far as it is used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RateLimit {
    /// So many at once; one more comes back each time that `every` has passed.
    Bucket { most: u32, every: Duration },
    /// So many in a period, which begins with the first of them.
    Window { most: u32, period: Duration },
}

/// Remaining requests according to a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RemainingRequests {
    pub(super) count: u32,
    /// After what time all of it is there again, where the answer says so.
    pub(super) resets_after: Option<Duration>,
}

/// One budget, as it stands.
#[derive(Debug, Clone)]
pub(super) struct RateBudget {
    limit: Option<RateLimit>,
    /// Time at which the bucket is full again, or at which the period ends and what is left of it.
    full: Instant,
    left: u32,
    counted: Option<CountedRequests>,
    /// Requests that have left so far, and how many of them are not answered.
    sent: u64,
    in_flight: u32,
    /// Time at which a request may be sent to check the budget, although nothing seems to be left.
    look: Instant,
    /// Until when everybody stays away.
    paused: Instant,
    /// Since when nothing but refusals came.
    refused_since: Option<Instant>,
    /// Until when a person knows that requests wait.
    told: Instant,
}

/// Requests that the service has counted.
#[derive(Debug, Clone, Copy)]
struct CountedRequests {
    left: u32,
    /// Number of requests that had been sent when the count was received.
    after: u64,
}

impl RateBudget {
    /// A budget of which nothing is used; without a limit, one that only pauses.
    pub(super) fn new(limit: Option<RateLimit>, now: Instant) -> Self {
        Self {
            limit,
            full: now,
            left: 0,
            counted: None,
            sent: 0,
            in_flight: 0,
            look: now,
            paused: now,
            refused_since: None,
            told: now,
        }
    }

    /// Returns the time that the next request has to wait; zero if it may be sent.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        if self.refused_since.is_some_and(|since| now >= since + limits::CALL) {
            // It is not going to get better: each may hear so for itself.
            return Duration::ZERO;
        }
        // How fast a bucket refills no answer says: one goes to see, and the others follow by its answer.
        let look = if self.seems_empty() { self.look } else { now };
        self.ours(now).max(look.saturating_duration_since(now))
    }

    /// The wait by what is documented, and by what a refusal asked for.
    fn ours(&self, now: Instant) -> Duration {
        let ours = match self.limit {
            Some(RateLimit::Bucket { most, every }) => {
                let used = self.full.saturating_duration_since(now);
                used.saturating_sub(every * most.saturating_sub(1))
            }
            Some(RateLimit::Window { .. }) if self.left == 0 => self.full.saturating_duration_since(now),
            _ => Duration::ZERO,
        };
        ours.max(self.paused.saturating_duration_since(now))
    }

    fn seems_empty(&self) -> bool {
        // Whether those under way are in the count is not known; that none is, is the safe guess.
        self.counted.is_some_and(|counted| counted.left <= self.in_flight)
    }

    /// Returns the estimated time until this many requests have been sent, including the next one.
    pub(super) fn estimate(&self, requests: u32, now: Instant) -> Duration {
        let more = requests.saturating_sub(1);
        let further = match self.limit {
            Some(RateLimit::Bucket { every, .. }) => every * more,
            Some(RateLimit::Window { most, period }) => period * (more / most.max(1)),
            None => Duration::ZERO,
        };
        // An answer that is on its way may say that there is no need to wait.
        let next = if self.in_flight > 0 {
            self.ours(now)
        } else {
            self.wait(now)
        };
        next + further
    }

    /// A request leaves; its number.
    pub(super) fn acquire(&mut self, now: Instant) -> u64 {
        match self.limit {
            Some(RateLimit::Bucket { every, .. }) => self.full = self.full.max(now) + every,
            Some(RateLimit::Window { most, period }) => {
                if self.full <= now {
                    (self.left, self.full) = (most, now + period);
                }
                self.left = self.left.saturating_sub(1);
            }
            None => {}
        }
        self.sent += 1;
        self.in_flight += 1;
        self.look = self.look.max(now + limits::LOOK_AFTER);
        self.sent
    }

    /// The request of that number is answered, or given up; `left` is what the answer says.
    pub(super) fn release(&mut self, number: u64, left: Option<RemainingRequests>, now: Instant) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let Some(left) = left else { return };
        // Of requests that were under way together nobody knows which was counted last: the lowest count is true.
        let says_nothing = |before: CountedRequests| number <= before.after && left.count >= before.left;
        if !self.counted.is_some_and(says_nothing) {
            let reset = left.resets_after.unwrap_or_default();
            self.knows(left.count, now + reset.max(limits::LOOK_AFTER));
        }
    }

    fn knows(&mut self, left: u32, look: Instant) {
        self.look = look;
        self.counted = Some(CountedRequests { left, after: self.sent });
    }

    /// A request was not refused. Where its answer counts nothing, what was known before says no more how it stands.
    pub(super) fn accepted(&mut self, counts: bool) {
        self.refused_since = None;
        self.counted = self.counted.filter(|_| counts);
    }

    /// A request was refused because there is nothing left; `asked` is how long everybody is to stay away.
    pub(super) fn refused(&mut self, asked: Option<Duration>, now: Instant) {
        if let Some(RateLimit::Bucket { most, every }) = self.limit {
            self.full = now + every * most;
        }
        if self.limit.is_some() {
            self.knows(0, now + asked.unwrap_or(limits::LOOK_AFTER));
        }
        self.paused = self.paused.max(now + asked.unwrap_or_default());
        self.refused_since.get_or_insert(now);
    }

    /// Returns the start of the time limit of a request that arrived at `came` and is sent now. The time that it waited
    /// for its turn isn't caused by the service; the time that it waited for a service that refuses is.
    pub(super) fn began(&self, came: Instant, now: Instant) -> Instant {
        self.refused_since.map_or(now, |since| since.max(came))
    }

    /// Returns whether to report a wait to the user: once for each wait, and only if it is long enough to notice. After
    /// a report, no other follows for `quiet`, unless a longer wait comes.
    pub(super) fn is_news(&mut self, wait: Duration, quiet: Duration, now: Instant) -> bool {
        let news = wait >= limits::REPORTED_WAIT && now + wait > self.told + limits::REPORTED_WAIT;
        if news {
            self.told = now + wait.max(quiet);
        }
        news
    }
}

#[cfg(test)]
#[path = "throttle_tests.rs"]
mod tests;
