//! `role-limit`: a tenant has room for five thousand custom roles.

use super::probe::{Finding, Need, Probe};
use crate::plan::{Decision, Intent, Severity, StepId};
use crate::steps::{Facts, Part, Seen, step};

const MOST: u64 = 5_000;
/// From here on it is worth saying.
const NEAR: u64 = 4_900;

pub static PROBE: Probe = Probe {
    id: "role-limit",
    severity: Severity::Error,
    meaning: "At 5,000 custom roles in a tenant Azure takes no further one (RoleDefinitionLimitExceeded).",
    needs: &[Need::Part(Part::CustomRoles), Need::Step(StepId::RoleDefinition)],
    at_setup: false,
    of_writes: true,
    examine,
};

fn examine(intent: &Intent, facts: &Facts) -> Option<Finding> {
    if intent.grants().is_empty() {
        return None;
    }
    let count = match &facts.preflight.custom_roles {
        Seen::Known(count) => *count,
        Seen::Unreadable(why) => return Some(Finding::unknown(format!("the number of custom roles: {why}"))),
        Seen::NotAsked => return None,
    };
    let detail = format!("the tenant has {count} of at most {MOST} custom roles, as far as this sign-in sees them");
    if count < NEAR {
        return Some(Finding::ok(detail));
    }
    let creates = matches!(
        step(StepId::RoleDefinition).decide(intent, facts),
        Decision::Create(_) | Decision::Blocked(_)
    );
    let found = Finding::problem(detail)
        .remedy("Delete roles that nobody has: az role definition list --custom-role-only, az role definition delete")
        .remedy("Or do without a new one: --own-app-role network-contributor for your application.");
    Some(if count < MOST || !creates {
        found.warning()
    } else {
        found
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::CheckVerdict;
    use crate::steps::samples;

    #[test]
    fn a_full_tenant_blocks_only_where_a_role_has_to_be_made() {
        let (intent, mut facts) = samples::kong_done();
        let found = |facts: &Facts| PROBE.run(&intent, facts).expect("asked");
        facts.preflight.custom_roles = Seen::Known(12);
        assert!(found(&facts).ok);
        facts.preflight.custom_roles = Seen::Known(5_000);
        assert!(found(&facts).is_problem() && !found(&facts).blocks());
        facts.roles.clear();
        facts.assignments.clear();
        assert!(found(&facts).blocks());
        facts.preflight.custom_roles = Seen::Known(4_950);
        assert!(found(&facts).is_problem() && !found(&facts).blocks());
        facts.preflight.custom_roles = Seen::Unreadable("no".into());
        assert_eq!(found(&facts).verdict, CheckVerdict::Unknown);
    }
}
