//! Decision whether and when a request is retried: pure, and made in one place.

use std::time::Duration;

use http::HeaderMap;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use super::transport::TransportError;
use crate::limits;

/// Decision after one attempt.
pub(super) enum RetryDecision<'a> {
    /// An answer with this status; `asked` is the wait it asks for.
    Answer { status: u16, asked: Option<Duration> },
    /// No answer.
    Nothing(&'a TransportError),
}

/// A wait before the next try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RetryWait {
    pub(super) time: Duration,
    /// `true` if the service requested the wait.
    pub(super) asked: bool,
}

/// The wait before the next try, or nothing where there is to be none.
///
/// `tries` counts the tries so far, `elapsed` is the time since the first began, `jitter` is between 0 and 1.
pub(super) fn next(
    repeatable: bool,
    outcome: &RetryDecision<'_>,
    tries: u32,
    elapsed: Duration,
    jitter: f64,
) -> Option<RetryWait> {
    let (most_tries, asked) = match outcome {
        // Throttled requests are turned away before they do anything, so even a POST may be repeated.
        RetryDecision::Answer { status: 429, asked } => (limits::TRIES, *asked),
        RetryDecision::Answer {
            status: 408 | 500 | 502 | 503 | 504,
            asked,
        } if repeatable => (limits::TRIES, *asked),
        RetryDecision::Nothing(TransportError::Connect { .. }) => (limits::CONNECT_TRIES, None),
        RetryDecision::Nothing(TransportError::Broken { .. }) if repeatable => (limits::TRIES, None),
        RetryDecision::Nothing(TransportError::Timeout { .. }) if repeatable => (limits::TIMEOUT_TRIES, None),
        _ => return None,
    };
    let wait = match asked {
        Some(time) if time > limits::LONGEST_ASKED_WAIT => return None,
        Some(time) if !time.is_zero() => RetryWait { time, asked: true },
        _ => RetryWait {
            time: own_wait(tries, jitter),
            asked: false,
        },
    };
    (tries < most_tries && elapsed + wait.time <= limits::CALL).then_some(wait)
}

/// Doubles with every try; the upper half is left to chance, so that many clients do not come back together.
fn own_wait(tries: u32, jitter: f64) -> Duration {
    let doubled = limits::FIRST_WAIT.saturating_mul(2_u32.saturating_pow(tries.saturating_sub(1)));
    doubled
        .min(limits::LONGEST_OWN_WAIT)
        .mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
}

/// The wait that an answer asks for: `retry-after-ms`, `x-ms-retry-after-ms`, or `Retry-After` in seconds or as a
/// date (which is compared with the answer's own `Date`, because our clock may be wrong).
pub(super) fn asked(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let milliseconds = ["retry-after-ms", "x-ms-retry-after-ms"]
        .into_iter()
        .find_map(|name| text(name)?.parse().ok());
    if let Some(milliseconds) = milliseconds {
        return Some(Duration::from_millis(milliseconds));
    }
    let after = text("retry-after")?;
    if let Ok(seconds) = after.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let now = text("date").and_then(http_date).unwrap_or_else(OffsetDateTime::now_utc);
    let wait = http_date(after)? - now;
    Some(wait.try_into().unwrap_or(Duration::ZERO))
}

fn http_date(text: &str) -> Option<OffsetDateTime> {
    const FORMAT: &[BorrowedFormatItem<'_>] =
        format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
    PrimitiveDateTime::parse(text, FORMAT)
        .ok()
        .map(PrimitiveDateTime::assume_utc)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(entries: &[(&'static str, &'static str)]) -> HeaderMap {
        entries
            .iter()
            .map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")))
            .collect()
    }

    #[test]
    fn retry_reads_five_wait_forms() {
        const DATE: (&str, &str) = ("date", "Sat, 21 Nov 2026 10:00:00 GMT");
        type Row = (&'static [(&'static str, &'static str)], Option<u64>);
        let table: [Row; 8] = [
            (&[("retry-after", "7")], Some(7_000)),
            (&[("retry-after", "9"), ("retry-after-ms", "250")], Some(250)),
            (&[("x-ms-retry-after-ms", "1500")], Some(1_500)),
            (&[("retry-after", "Sat, 21 Nov 2026 10:00:30 GMT"), DATE], Some(30_000)),
            (&[("retry-after", "Sat, 21 Nov 2026 09:59:00 GMT"), DATE], Some(0)),
            (&[("retry-after", "soon")], None),
            (&[("retry-after", "-1")], None),
            (&[], None),
        ];
        for (headers, expected) in table {
            assert_eq!(asked(&map(headers)), expected.map(Duration::from_millis), "{headers:?}");
        }
    }

    fn decide(repeatable: bool, outcome: &RetryDecision<'_>) -> Option<RetryWait> {
        next(repeatable, outcome, 1, Duration::ZERO, 1.0)
    }

    #[test]
    fn retry_after_effect_only_if_safe() {
        let host = || "h".to_owned();
        let why = || "w".to_owned();
        let connect = TransportError::Connect {
            host: host(),
            why: why(),
        };
        let broken = TransportError::Broken {
            host: host(),
            why: why(),
        };
        let timeout = TransportError::Timeout {
            host: host(),
            seconds: 60,
        };
        let large = TransportError::TooLarge { host: host(), limit: 1 };
        let refused = TransportError::NotAllowed {
            host: host(),
            why: why(),
        };
        let table = [
            (RetryDecision::Nothing(&connect), true, true),
            (RetryDecision::Nothing(&broken), true, false),
            (RetryDecision::Nothing(&timeout), true, false),
            (RetryDecision::Nothing(&large), false, false),
            (RetryDecision::Nothing(&refused), false, false),
            (
                RetryDecision::Answer {
                    status: 429,
                    asked: None,
                },
                true,
                true,
            ),
            (
                RetryDecision::Answer {
                    status: 503,
                    asked: None,
                },
                true,
                false,
            ),
            (
                RetryDecision::Answer {
                    status: 500,
                    asked: None,
                },
                true,
                false,
            ),
            (
                RetryDecision::Answer {
                    status: 409,
                    asked: None,
                },
                false,
                false,
            ),
            (
                RetryDecision::Answer {
                    status: 200,
                    asked: None,
                },
                false,
                false,
            ),
        ];
        for (at, (outcome, when_repeatable, when_not)) in table.iter().enumerate() {
            assert_eq!(
                decide(true, outcome).is_some(),
                *when_repeatable,
                "row {at}, repeatable"
            );
            assert_eq!(decide(false, outcome).is_some(), *when_not, "row {at}, not repeatable");
        }
    }

    #[test]
    fn retry_honors_exact_wait_or_stops() {
        let asked = |seconds| RetryDecision::Answer {
            status: 429,
            asked: Some(Duration::from_secs(seconds)),
        };
        assert_eq!(
            decide(true, &asked(7)),
            Some(RetryWait {
                time: Duration::from_secs(7),
                asked: true
            })
        );
        assert_eq!(decide(true, &asked(3_600)), None);
        assert_eq!(
            decide(true, &asked(0)),
            Some(RetryWait {
                time: limits::FIRST_WAIT,
                asked: false
            })
        );
    }

    #[test]
    fn retry_bounds_tries_waits_and_total() {
        let answer = RetryDecision::Answer {
            status: 500,
            asked: None,
        };
        let mut elapsed = Duration::ZERO;
        let mut tries = 1;
        while let Some(wait) = next(true, &answer, tries, elapsed, 1.0) {
            assert!(wait.time <= limits::LONGEST_OWN_WAIT);
            elapsed += wait.time;
            tries += 1;
        }
        assert_eq!(tries, limits::TRIES);
        assert!(elapsed < Duration::from_secs(70), "{elapsed:?}");
        assert_eq!(next(true, &answer, 1, limits::CALL, 1.0), None);
    }
}
