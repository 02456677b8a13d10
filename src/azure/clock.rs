//! The time of day, as far as a run decides by it.

use std::sync::OnceLock;

use time::OffsetDateTime;
use tokio::time::Instant;

/// Now: the system's time, or the start's and what has passed since by tokio's clock where that is later. The system's
/// clock counts while the machine sleeps; tokio's is the one that a test lets run ahead.
pub(super) fn now() -> OffsetDateTime {
    static START: OnceLock<(OffsetDateTime, Instant)> = OnceLock::new();
    let system = OffsetDateTime::now_utc();
    let (began, instant) = START.get_or_init(|| (system, Instant::now()));
    let passed = time::Duration::try_from(instant.elapsed()).unwrap_or(time::Duration::ZERO);
    system.max(began.saturating_add(passed))
}
