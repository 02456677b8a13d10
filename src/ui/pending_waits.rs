//! Durations of waits, and messages that are shown while nothing happens.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::limits;
use crate::plan::{HealthStatus, RunEvent, StepEvent, StepId};

/// Said once in a long wait.
pub const MAY_LEAVE: &str = "Ctrl-C is safe: run the same command again later, and it goes on from here.";

/// The waits that are under way; without a step, that of who only looks.
#[derive(Default)]
pub struct PendingWaits {
    begun: HashMap<Option<StepId>, Instant>,
    may_leave_is_said: bool,
}

impl PendingWaits {
    /// Takes an event; where it tells of a wait, how long that has taken by now.
    pub fn on(&mut self, event: &RunEvent, now: Instant) -> Option<Duration> {
        let (step, waits) = match event {
            RunEvent::Step(step, event) => (Some(*step), matches!(event, StepEvent::Waiting { .. })),
            RunEvent::Standing(standing) => (None, standing.verdict == HealthStatus::Waiting),
            _ => return None,
        };
        if !waits {
            self.begun.remove(&step);
            return None;
        }
        let begun = self.begun.entry(step).or_insert(now);
        Some(now.saturating_duration_since(*begun))
    }

    /// Returns whether it is time to say that the user does not have to stay: once, and not if a wait ends soon.
    pub fn may_leave(&mut self, waited: Duration) -> bool {
        let say = waited >= limits::LONG_WAIT && !self.may_leave_is_said;
        self.may_leave_is_said |= say;
        say
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(event: StepEvent) -> RunEvent {
        RunEvent::Step(StepId::Peering, event)
    }

    fn waiting() -> RunEvent {
        let what = "both directions".to_owned();
        step(StepEvent::Waiting { what, usually: None })
    }

    #[test]
    fn pending_wait_resets_on_progress() {
        let (mut waits, start) = (PendingWaits::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(waits.on(&waiting(), at(5)), Some(Duration::ZERO));
        assert_eq!(waits.on(&waiting(), at(65)), Some(Duration::from_secs(60)));
        assert_eq!(waits.on(&step(StepEvent::Doing("it".to_owned())), at(66)), None);
        assert_eq!(waits.on(&waiting(), at(70)), Some(Duration::ZERO));
    }

    #[test]
    fn pending_wait_hint_once_when_long() {
        let mut waits = PendingWaits::default();
        let said = [0, 4, 5, 6, 600].map(|seconds| waits.may_leave(Duration::from_secs(seconds)));
        assert_eq!(said, [false, false, true, false, false]);
    }
}
