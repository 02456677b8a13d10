//! Read-only checks, one file each: what was found, what it means, what to do. `peerctl azure doctor` runs all of them;
//! setup those that can be in the way of a write, before its first one, and again at its end.

mod address_overlap;
mod app_name;
mod app_policy;
mod check;
mod clock;
mod conditions;
mod credentials;
mod deny_assignments;
mod dns_hint;
mod dns_mappings;
mod dns_servers;
mod excess_rights;
mod linked_subnets;
mod locks;
mod may_assign_roles;
mod may_consent;
mod may_define_roles;
mod may_register;
mod may_write_peerings;
mod nsg_rules;
mod orphans;
mod peering_limit;
mod peering_name;
mod policy;
mod provider;
mod recreated_peering;
mod remote_network;
mod remote_tenant;
mod rights;
mod role_limit;
mod role_name;
mod routes;
mod stale_peering;
mod subscription;
mod tokens;
mod traffic_flow;
mod vendor_network;
mod vnet_state;

use std::collections::BTreeSet;

pub use check::{CheckNeed, DoctorCheck};
pub use nsg_rules::open_subnets;

use crate::plan::{CheckResult, PeeringIntent, StepDecision};
use crate::steps::{ObservedState, decision};

/// Every check, in the order in which they are listed: who signs in and may what, the networks, what stands above them,
/// names and limits, what is left over, traffic and names.
pub static CHECKS: [&DoctorCheck; 34] = [
    &tokens::CHECK,
    &clock::CHECK,
    &may_consent::CHECK,
    &may_register::CHECK,
    &may_define_roles::CHECK,
    &may_assign_roles::CHECK,
    &may_write_peerings::CHECK,
    &subscription::CHECK,
    &address_overlap::CHECK,
    &remote_tenant::CHECK,
    &remote_network::CHECK,
    &vendor_network::CHECK,
    &dns_mappings::CHECK,
    &vnet_state::CHECK,
    &locks::CHECK,
    &deny_assignments::CHECK,
    &policy::CHECK,
    &provider::CHECK,
    &role_name::CHECK,
    &role_limit::CHECK,
    &excess_rights::CHECK,
    &app_name::CHECK,
    &app_policy::CHECK,
    &peering_name::CHECK,
    &stale_peering::CHECK,
    &recreated_peering::CHECK,
    &linked_subnets::CHECK,
    &peering_limit::CHECK,
    &credentials::CHECK,
    &orphans::CHECK,
    &nsg_rules::CHECK,
    &routes::CHECK,
    &dns_servers::CHECK,
    &dns_hint::CHECK,
];

/// Returns the results of setup's own checks for these facts.
pub fn checks(intent: &PeeringIntent, facts: &ObservedState) -> Vec<CheckResult> {
    let probes: Vec<&DoctorCheck> = CHECKS.iter().copied().filter(|probe| probe.at_setup).collect();
    run_checks(&probes, intent, facts)
}

/// Returns the results of these checks, in their order; those that don't apply return none.
pub fn run_checks(probes: &[&DoctorCheck], intent: &PeeringIntent, facts: &ObservedState) -> Vec<CheckResult> {
    let settled = is_settled(intent, facts);
    let checks = probes.iter().filter_map(|probe| probe.check(intent, facts, settled));
    checks.collect()
}

/// Returns the resources that these checks read.
pub fn needs(probes: &[&DoctorCheck], intent: &PeeringIntent) -> BTreeSet<CheckNeed> {
    let mut needs: BTreeSet<CheckNeed> = probes.iter().flat_map(|probe| probe.needs).copied().collect();
    if probes.iter().any(|probe| probe.of_writes) {
        // Whether anything is left to be written, all steps together know.
        needs.extend(intent.steps().into_iter().map(CheckNeed::Step));
    }
    needs
}

/// Everything is in place: no write is to come.
fn is_settled(intent: &PeeringIntent, facts: &ObservedState) -> bool {
    let mut decisions = intent.steps().into_iter().map(|id| decision(id, intent, facts));
    decisions.all(|decision| matches!(decision, StepDecision::InPlace(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::CheckSeverity;
    use crate::steps::samples;

    #[test]
    fn check_ids_distinct_and_described() {
        let ids: BTreeSet<&str> = CHECKS.iter().map(|probe| probe.id).collect();
        assert_eq!(ids.len(), CHECKS.len());
        for probe in CHECKS {
            let word = |c: char| c.is_ascii_lowercase() || c == '-';
            assert!(probe.id.chars().all(word), "{}", probe.id);
            assert!(probe.meaning.ends_with('.'), "{}", probe.meaning);
        }
    }

    #[test]
    fn lock_warns_when_nothing_to_write() {
        let (intent, mut facts) = samples::kong_done();
        facts.preflight.locks = locks::tests::read_only(&intent);
        let found = |facts: &ObservedState| {
            let checks = checks(&intent, facts);
            checks.into_iter().find(|check| check.id == "locks").expect("one")
        };
        assert_eq!(found(&facts).severity, CheckSeverity::Warning);
        facts.assignments.clear();
        assert!(found(&facts).blocks());
    }
}
