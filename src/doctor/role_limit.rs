//! `role-limit`: a tenant has room for 5,000 custom roles; in Azure operated by 21Vianet for 2,000.

use super::check::{CheckFinding, CheckNeed, DoctorCheck};
use crate::plan::{CheckSeverity, PeeringIntent, StepDecision, StepId};
use crate::steps::{ObservedState, PreflightPart, ReadResult, step};

/// With fewer free places it is worth saying.
const NEAR: u64 = 100;

pub static CHECK: DoctorCheck = DoctorCheck {
    id: "role-limit",
    severity: CheckSeverity::Error,
    meaning: "At the tenant's limit of custom roles, no more can be created (RoleDefinitionLimitExceeded).",
    needs: &[
        CheckNeed::Part(PreflightPart::CustomRoles),
        CheckNeed::Step(StepId::RoleDefinition),
    ],
    at_setup: false,
    of_writes: true,
    examine,
};

fn examine(intent: &PeeringIntent, facts: &ObservedState) -> Option<CheckFinding> {
    if intent.grants().is_empty() {
        return None;
    }
    let (count, most) = match &facts.preflight.custom_roles {
        ReadResult::Known(count) => *count,
        ReadResult::Unreadable(why) => {
            return Some(CheckFinding::unknown(format!(
                "couldn't read the number of custom roles: {why}"
            )));
        }
        ReadResult::NotAsked => return None,
    };
    let detail = format!("the tenant has {count} visible custom roles of at most {most}");
    if count + NEAR <= most {
        return Some(CheckFinding::ok(detail));
    }
    let creates = matches!(
        step(StepId::RoleDefinition).decide(intent, facts),
        StepDecision::Create(_) | StepDecision::Blocked(_)
    );
    let found = CheckFinding::problem(detail)
        .remedy("Delete unassigned roles: az role definition list --custom-role-only, az role definition delete")
        .remedy("Or use a built-in role for your application: --own-app-role network-contributor");
    Some(if count < most || !creates {
        found.warning()
    } else {
        found
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::AzureCloud;
    use crate::plan::CheckVerdict;
    use crate::steps::samples;

    #[test]
    fn role_limit_blocks_only_new_role() {
        let (intent, mut facts) = samples::kong_done();
        let found = |facts: &ObservedState| CHECK.run(&intent, facts).expect("asked");
        facts.preflight.custom_roles = ReadResult::Known((12, 5_000));
        assert!(found(&facts).ok);
        facts.preflight.custom_roles = ReadResult::Known((5_000, 5_000));
        assert!(found(&facts).is_problem() && !found(&facts).blocks());
        facts.roles.clear();
        facts.assignments.clear();
        assert!(found(&facts).blocks());
        facts.preflight.custom_roles = ReadResult::Known((4_950, 5_000));
        assert!(found(&facts).is_problem() && !found(&facts).blocks());
        facts.preflight.custom_roles = ReadResult::Known((2_000, AzureCloud::china().custom_role_limit()));
        assert!(found(&facts).blocks(), "in China");
        assert_eq!(AzureCloud::public().custom_role_limit(), 5_000);
        facts.preflight.custom_roles = ReadResult::Unreadable("no".into());
        assert_eq!(found(&facts).verdict, CheckVerdict::Unknown);
    }
}
