use super::*;

/// Event that changes a budget.
#[derive(Debug, Clone, Copy)]
enum Do {
    /// So many requests leave.
    Leave(u32),
    /// The oldest one is answered with this count, and when it resets, in milliseconds.
    Count(u32, Option<u64>),
    /// It is answered with success, and without a count.
    NoCount,
    /// It got no answer.
    Lose,
    /// It is refused; the wait that is asked for, in milliseconds.
    Refuse(Option<u64>),
    /// Time passes, in milliseconds.
    Pass(u64),
}

use Do::{Count, Leave, Lose, NoCount, Pass, Refuse};

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

const READS: Option<RateLimit> = Some(RateLimit::Bucket {
    most: 10,
    every: Duration::from_millis(50),
});
const QUERIES: Option<RateLimit> = Some(RateLimit::Window {
    most: 3,
    period: Duration::from_secs(5),
});

/// Returns the time that the next request waits after all these events.
fn wait_after(limit: Option<RateLimit>, happens: &[Do]) -> u64 {
    let mut now = Instant::now();
    let mut budget = RateBudget::new(limit, now);
    let mut sent = std::collections::VecDeque::new();
    for one in happens {
        match *one {
            Leave(count) => (0..count).for_each(|_| {
                sent.push_back(budget.acquire(now));
            }),
            Pass(time) => now += ms(time),
            _ => {
                let number = sent.pop_front().expect("one that is under way");
                let left = |count, resets: Option<u64>| RemainingRequests {
                    count,
                    resets_after: resets.map(ms),
                };
                let left = match *one {
                    Count(count, resets) => Some(left(count, resets)),
                    Refuse(asked) => {
                        budget.refused(asked.map(ms), now);
                        None
                    }
                    NoCount => {
                        budget.accepted(false);
                        None
                    }
                    _ => None,
                };
                budget.release(number, left, now);
            }
        }
    }
    u64::try_from(budget.wait(now).as_millis()).expect("a short wait")
}

/// Events, and the wait after them in milliseconds.
type Row = (&'static [Do], u64);

fn holds(limit: Option<RateLimit>, table: &[Row]) {
    for (happens, expected) in table {
        assert_eq!(wait_after(limit, happens), *expected, "{happens:?}");
    }
}

#[test]
fn throttle_bucket_refills_over_time() {
    holds(
        READS,
        &[
            (&[], 0),
            (&[Leave(9)], 0),
            (&[Leave(10)], 50),
            (&[Leave(10), Pass(20)], 30),
            (&[Leave(10), Pass(50)], 0),
            (&[Leave(10), Pass(50), Leave(1)], 50),
            (&[Leave(10), Pass(500), Leave(9)], 0),
            // It never holds more than it is made for.
            (&[Leave(10), Pass(60_000), Leave(10)], 50),
        ],
    );
}

#[test]
fn throttle_uses_lower_remote_count() {
    holds(
        READS,
        &[
            (&[Leave(1), Count(249, None)], 0),
            (&[Leave(10), Count(249, None)], 50),
            (&[Leave(1), Count(1, None)], 0),
            (&[Leave(1), Count(0, None)], 1_000),
            (&[Leave(1), Count(0, None), Pass(400)], 600),
            // One goes to see, and the others wait for what it finds.
            (&[Leave(1), Count(0, None), Pass(1_000)], 0),
            (&[Leave(1), Count(0, None), Pass(1_000), Leave(1)], 1_000),
            (&[Leave(1), Count(0, None), Pass(1_000), Leave(1), Count(1, None)], 0),
            // Those under way are not in the count yet, as far as is known.
            (&[Leave(3), Count(3, None)], 0),
            (&[Leave(3), Count(2, None)], 1_000),
            (&[Leave(3), Count(2, None), Count(1, None), Lose], 0),
            // Answers overtake each other.
            (&[Leave(3), Count(0, None), Count(1, None), Count(2, None)], 1_000),
            (&[Leave(2), Count(5, None), Pass(10), Count(9, None), Leave(5)], 1_000),
            // Later ones are asked later, and so say what is true later.
            (
                &[
                    Leave(1),
                    Count(0, None),
                    Pass(1_000),
                    Leave(1),
                    Count(9, None),
                    Leave(8),
                ],
                0,
            ),
            (&[Leave(1), Count(0, None), Pass(1_000), Leave(1), NoCount], 0),
        ],
    );
}

#[test]
fn throttle_refusal_blocks_everyone() {
    holds(
        READS,
        &[
            (&[Leave(1), Refuse(Some(7_000))], 7_000),
            (&[Leave(1), Refuse(Some(7_000)), Pass(6_900)], 100),
            (&[Leave(1), Refuse(Some(7_000)), Pass(7_000)], 0),
            (&[Leave(2), Refuse(Some(7_000)), Refuse(Some(2_000))], 7_000),
            (&[Leave(1), Refuse(Some(100))], 100),
            // Nothing is left, and so one goes first to see what came back.
            (&[Leave(1), Refuse(Some(100)), Pass(100), Leave(1)], 1_000),
            (&[Leave(1), Refuse(Some(100)), Pass(100), Leave(1), NoCount], 0),
            (&[Leave(1), Refuse(None)], 1_000),
            // Nobody waits behind refusals for ever.
            (
                &[
                    Leave(2),
                    Refuse(Some(300_000)),
                    Pass(500_000),
                    Refuse(Some(300_000)),
                    Pass(99_000),
                ],
                201_000,
            ),
            (
                &[
                    Leave(2),
                    Refuse(Some(300_000)),
                    Pass(500_000),
                    Refuse(Some(300_000)),
                    Pass(100_000),
                ],
                0,
            ),
            (
                &[
                    Leave(3),
                    Refuse(Some(300_000)),
                    NoCount,
                    Pass(500_000),
                    Refuse(Some(300_000)),
                    Pass(100_000),
                ],
                200_000,
            ),
        ],
    );
}

#[test]
fn throttle_window_resets_at_end() {
    holds(
        QUERIES,
        &[
            (&[Leave(2)], 0),
            (&[Leave(3)], 5_000),
            (&[Leave(1), Pass(4_000), Leave(2)], 1_000),
            (&[Leave(3), Pass(5_000)], 0),
            (&[Leave(3), Pass(5_000), Leave(3)], 5_000),
            // Less is left than we think; all of it is there again when the answer says so, not before.
            (&[Leave(1), Count(1, Some(5_000))], 0),
            (&[Leave(1), Count(0, Some(5_000))], 5_000),
            (&[Leave(1), Pass(200), Count(0, Some(5_000))], 5_000),
            (&[Leave(2), Count(1, Some(5_000))], 5_000),
            (&[Leave(1), Pass(1_000), Count(0, Some(1_000)), Pass(400)], 600),
            (&[Leave(1), Count(0, Some(0))], 1_000),
            (&[Leave(1), Count(14, Some(3_000)), Leave(2)], 5_000),
            (&[Leave(1), Refuse(Some(2_000))], 2_000),
            (&[Leave(1), Refuse(Some(8_000))], 8_000),
            (&[Leave(1), Refuse(None)], 1_000),
        ],
    );
}

#[test]
fn throttle_undocumented_budget_counts_refusals() {
    holds(
        None,
        &[
            (&[Leave(5_000)], 0),
            (&[Leave(1), Refuse(Some(7_000))], 7_000),
            (&[Leave(1), Refuse(Some(7_000)), Pass(7_000), Leave(9)], 0),
            (&[Leave(1), Refuse(None)], 0),
        ],
    );
}

#[test]
fn throttle_notice_covers_all_waiters() {
    let now = Instant::now();
    let mut budget = RateBudget::new(READS, now);
    for _ in 0..10 {
        budget.acquire(now);
    }
    assert_eq!(budget.estimate(1, now), ms(50));
    assert_eq!(budget.estimate(300, now), ms(15_000));
    let mut budget = RateBudget::new(QUERIES, now);
    for _ in 0..3 {
        budget.acquire(now);
    }
    assert_eq!(budget.estimate(3, now), ms(5_000));
    assert_eq!(budget.estimate(4, now), ms(10_000));
}

#[test]
fn throttle_notice_once_per_longer_wait() {
    let start = Instant::now();
    let minute = limits::REPORTED_AGAIN;
    let mut budget = RateBudget::new(READS, start);
    // After so many milliseconds, a wait of so many more, and whether that is news.
    for (at, wait, quiet, news) in [
        (0, 400, minute, false),
        (0, 2_000, minute, true),
        (100, 2_000, minute, false),
        (30_000, 10_000, minute, false),
        // Of a much longer one they do not know.
        (31_000, 300_000, Duration::ZERO, true),
        (31_200, 300_000, Duration::ZERO, false),
        (331_000, 7_000, Duration::ZERO, true),
        (331_010, 7_000, Duration::ZERO, false),
        (339_000, 2_000, minute, true),
    ] {
        let now = start + ms(at);
        assert_eq!(budget.is_news(ms(wait), quiet, now), news, "{wait} ms at {at}");
    }
}
