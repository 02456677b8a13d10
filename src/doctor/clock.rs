//! `clock`: Entra accepts no assertion, and Azure no token, that is from the future or expired by its clock.

use super::check::{CheckFinding, CheckNeed, DoctorCheck};
use crate::limits;
use crate::plan::{CheckSeverity, PeeringIntent, StepId};
use crate::steps::ObservedState;

/// A `Date` is good to a second, and an answer may take some.
const NOTICEABLE: u64 = 60;

pub static CHECK: DoctorCheck = DoctorCheck {
    id: "clock",
    severity: CheckSeverity::Error,
    meaning: "Tokens and credentials are valid for a limited time. With a wrong clock, expired tokens look valid and a run can fail midway.",
    needs: &[CheckNeed::Step(StepId::Peering)],
    at_setup: true,
    of_writes: true,
    examine,
};

fn examine(_: &PeeringIntent, facts: &ObservedState) -> Option<CheckFinding> {
    let Some(ahead) = facts.preflight.clock_ahead else {
        return Some(CheckFinding::unknown("Azure's time is unknown"));
    };
    let apart = ahead.unsigned_abs();
    if apart < NOTICEABLE {
        return Some(CheckFinding::ok("this machine's clock is in sync"));
    }
    let (direction, most) = if ahead > 0 {
        ("behind", limits::CLOCK_BEHIND)
    } else {
        ("ahead of", limits::CLOCK_AHEAD)
    };
    let amount = match apart {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ ..172_800 => format!("{} min", (seconds + 30) / 60),
        seconds => format!("{} days", seconds / 86_400),
    };
    let found = CheckFinding::problem(format!("this machine's clock is {amount} {direction} Azure's"))
        .remedy("Synchronize the clock (NTP), then run the same command again.")
        .remedy("Linux: sudo chronyc makestep, or sudo timedatectl set-ntp true. Windows: w32tm /resync.")
        .remedy("WSL, after the machine slept: sudo hwclock -s");
    Some(if apart > most.as_secs() { found } else { found.warning() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::samples;

    #[test]
    fn clock_far_behind_blocks() {
        let (intent, mut facts) = samples::kong_done();
        let mut found = |ahead: Option<i64>| {
            facts.preflight.clock_ahead = ahead;
            let check = CHECK.run(&intent, &facts).expect("always");
            (check.ok, check.blocks(), check.detail)
        };
        assert!(!found(None).0);
        let table = [
            (-2, true, false, "this machine's clock is in sync"),
            (90, false, false, "this machine's clock is 90 s behind Azure's"),
            (299, false, false, "this machine's clock is 5 min behind Azure's"),
            (900, false, true, "this machine's clock is 15 min behind Azure's"),
            (
                -10_800,
                false,
                false,
                "this machine's clock is 180 min ahead of Azure's",
            ),
            (
                -90_000,
                false,
                true,
                "this machine's clock is 1500 min ahead of Azure's",
            ),
            (i64::MIN, false, true, "days ahead of Azure's"),
        ];
        for (ahead, ok, blocks, detail) in table {
            let (is_ok, does_block, said) = found(Some(ahead));
            assert!(
                is_ok == ok && does_block == blocks && said.ends_with(detail),
                "{ahead}: {said}"
            );
        }
    }
}
