//! `policy`: landing zones often deny peerings across subscriptions by Azure Policy.

use super::check::{CheckFinding, CheckNeed, DoctorCheck};
use crate::azure::PolicyDenial;
use crate::plan::{CheckSeverity, PeeringIntent};
use crate::render::ShellWord;
use crate::steps::{ObservedState, PreflightPart, ReadResult};

pub static CHECK: DoctorCheck = DoctorCheck {
    id: "policy",
    severity: CheckSeverity::Error,
    meaning: "A policy with the deny effect blocks the peering for everyone (RequestDisallowedByPolicy).",
    needs: &[CheckNeed::Part(PreflightPart::Policy)],
    at_setup: true,
    of_writes: true,
    examine,
};

fn examine(intent: &PeeringIntent, facts: &ObservedState) -> Option<CheckFinding> {
    let vnet = &intent.vnet;
    let policy = match &facts.preflight.policy {
        ReadResult::Known(policy) => policy,
        ReadResult::Unreadable(why) => return Some(CheckFinding::unknown(format!("couldn't read policies: {why}"))),
        ReadResult::NotAsked => return None,
    };
    if policy.denials.is_empty() {
        return Some(CheckFinding::ok(format!("no policy denies a peering of {}", vnet.name)));
    }
    let told: Vec<String> = policy.denials.iter().map(describe).collect();
    let exemptions = policy.denials.iter().map(|denial| {
        format!(
            "az policy exemption create --name peerctl-{} --exemption-category Waiver --scope {vnet} --policy-assignment {}",
            ShellWord(&vnet.name),
            ShellWord(&denial.assignment)
        )
    });
    let found = CheckFinding::problem(told.join("; "))
        .remedy("Ask the owner of the policy assignment for an exemption for this network, such as:")
        .remedies(exemptions);
    // Without the other network's id, one of a subscription that is not ours was asked about: a policy that lets the
    // vendor's through denies that one all the same.
    Some(if policy.assumed { found.warning() } else { found })
}

fn describe(denial: &PolicyDenial) -> String {
    let last = |id: &str| id.rsplit('/').next().unwrap_or(id).to_owned();
    let assignment = &denial.assignment;
    let scope = assignment
        .to_lowercase()
        .find("/providers/microsoft.authorization/policyassignments/");
    let scope = &assignment[..scope.unwrap_or(0)];
    let at = if scope.is_empty() {
        String::new()
    } else {
        format!(" at {scope}")
    };
    let reason = denial
        .reason
        .as_ref()
        .map(|reason| format!(" ({reason})"))
        .unwrap_or_default();
    format!(
        "policy {} (assignment {}{at}) denies it{reason}",
        last(&denial.definition),
        last(assignment)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::CheckVerdict;
    use crate::steps::preflight::PolicyRead;
    use crate::steps::samples;

    #[test]
    fn policy_deny_names_assignment_and_exemption() {
        let (intent, mut facts) = samples::kong_done();
        let scope = intent.vnet.subscription_scope();
        let denial = PolicyDenial {
            assignment: format!("{scope}/providers/Microsoft.Authorization/policyAssignments/alz-deny"),
            definition: "/providers/Microsoft.Authorization/policyDefinitions/Deny-VNET-Peer-Cross-Sub".into(),
            reason: None,
        };
        let mut found = |denials: Vec<PolicyDenial>, assumed: bool| {
            facts.preflight.policy = ReadResult::Known(PolicyRead { denials, assumed });
            CHECK.run(&intent, &facts).expect("asked")
        };
        assert!(found(Vec::new(), false).ok);
        let check = found(vec![denial.clone()], false);
        assert!(
            check.blocks()
                && check
                    .detail
                    .contains("policy Deny-VNET-Peer-Cross-Sub (assignment alz-deny"),
            "{check:?}"
        );
        assert!(
            check
                .detail
                .contains(&format!("(assignment alz-deny at {scope}) denies it")),
            "{check:?}"
        );
        assert!(check.remedies[1].starts_with("az policy exemption create"), "{check:?}");
        let check = found(vec![denial], true);
        assert!(check.is_problem() && !check.blocks());
        facts.preflight.policy = ReadResult::Unreadable("no".into());
        assert_eq!(
            CHECK.run(&intent, &facts).expect("asked").verdict,
            CheckVerdict::Unknown
        );
    }
}
