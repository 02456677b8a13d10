//! `role-limit`: a tenant has room for 5,000 custom roles; in Azure operated by 21Vianet for 2,000.

use super::probe::{Finding, Need, Probe};
use crate::plan::{Decision, Intent, Severity, StepId};
use crate::steps::{Facts, Part, Seen, step};

/// With fewer free places it is worth saying.
const NEAR: u64 = 100;

pub static PROBE: Probe = Probe {
    id: "role-limit",
    severity: Severity::Error,
    meaning: "At the tenant's limit of custom roles Azure refuses another one (RoleDefinitionLimitExceeded).",
    needs: &[Need::Part(Part::CustomRoles), Need::Step(StepId::RoleDefinition)],
    at_setup: false,
    of_writes: true,
    examine,
};

fn examine(intent: &Intent, facts: &Facts) -> Option<Finding> {
    if intent.grants().is_empty() {
        return None;
    }
    let (count, most) = match &facts.preflight.custom_roles {
        Seen::Known(count) => *count,
        Seen::Unreadable(why) => return Some(Finding::unknown(format!("the number of custom roles: {why}"))),
        Seen::NotAsked => return None,
    };
    let detail = format!("the tenant has {count} of at most {most} custom roles, as far as this sign-in sees them");
    if count + NEAR <= most {
        return Some(Finding::ok(detail));
    }
    let creates = matches!(
        step(StepId::RoleDefinition).decide(intent, facts),
        Decision::Create(_) | Decision::Blocked(_)
    );
    let found = Finding::problem(detail)
        .remedy("Delete roles that nobody has: az role definition list --custom-role-only, az role definition delete")
        .remedy("Or do without a new one: --own-app-role network-contributor for your application.");
    Some(if count < most || !creates {
        found.warning()
    } else {
        found
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::Cloud;
    use crate::plan::CheckVerdict;
    use crate::steps::samples;

    #[test]
    fn a_full_tenant_blocks_only_where_a_role_has_to_be_made() {
        let (intent, mut facts) = samples::kong_done();
        let found = |facts: &Facts| PROBE.run(&intent, facts).expect("asked");
        facts.preflight.custom_roles = Seen::Known((12, 5_000));
        assert!(found(&facts).ok);
        facts.preflight.custom_roles = Seen::Known((5_000, 5_000));
        assert!(found(&facts).is_problem() && !found(&facts).blocks());
        facts.roles.clear();
        facts.assignments.clear();
        assert!(found(&facts).blocks());
        facts.preflight.custom_roles = Seen::Known((4_950, 5_000));
        assert!(found(&facts).is_problem() && !found(&facts).blocks());
        facts.preflight.custom_roles = Seen::Known((2_000, Cloud::china().custom_role_limit()));
        assert!(found(&facts).blocks(), "in China");
        assert_eq!(Cloud::public().custom_role_limit(), 5_000);
        facts.preflight.custom_roles = Seen::Unreadable("no".into());
        assert_eq!(found(&facts).verdict, CheckVerdict::Unknown);
    }
}
