//! `clock`: Entra takes no assertion, and Azure no token, that is from the future or over by its clock. A warning only:
//! who gets as far as this check has signed in, and a server between may have a clock of its own.

use super::probe::{Finding, Need, Probe};
use crate::plan::{Intent, Severity, StepId};
use crate::steps::Facts;

/// A `Date` is good to a second, and an answer may take some.
const NOTICEABLE: i64 = 60;

pub static PROBE: Probe = Probe {
    id: "clock",
    severity: Severity::Warning,
    meaning: "Tokens and certificates carry times: more than five minutes apart, sign-ins fail for no visible reason.",
    needs: &[Need::Step(StepId::Peering)],
    at_setup: true,
    of_writes: true,
    examine,
};

fn examine(_: &Intent, facts: &Facts) -> Option<Finding> {
    let Some(ahead) = facts.preflight.clock_ahead else {
        return Some(Finding::unknown("no answer of Azure's said what time it is"));
    };
    let apart = ahead.abs();
    if apart < NOTICEABLE {
        return Some(Finding::ok("this machine's clock is right"));
    }
    let direction = if ahead > 0 { "behind" } else { "ahead of" };
    let amount = match apart {
        seconds @ ..120 => format!("{seconds} s"),
        seconds => format!("{} min", (seconds + 30) / 60),
    };
    let found = Finding::problem(format!("this machine's clock is {amount} {direction} Azure's"));
    Some(found.remedy("Set the clock, by NTP best: timedatectl set-ntp true, or w32tm /resync on Windows."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::samples;

    #[test]
    fn a_clock_that_is_wrong_is_said_in_minutes() {
        let (intent, mut facts) = samples::kong_done();
        let mut found = |ahead: Option<i64>| {
            facts.preflight.clock_ahead = ahead;
            let check = PROBE.run(&intent, &facts).expect("always");
            (check.ok, check.blocks(), check.detail)
        };
        assert_eq!(
            found(Some(-2)),
            (true, false, "this machine's clock is right".to_owned())
        );
        assert!(!found(None).0);
        let (ok, blocks, detail) = found(Some(90));
        assert_eq!(
            (ok, blocks, detail.as_str()),
            (false, false, "this machine's clock is 90 s behind Azure's")
        );
        let (_, blocks, detail) = found(Some(-900));
        assert_eq!(
            (blocks, detail.as_str()),
            (false, "this machine's clock is 15 min ahead of Azure's")
        );
    }
}
