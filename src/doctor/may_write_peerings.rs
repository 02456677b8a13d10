//! `may-write-peerings`: a direction takes write on its own network and peer/action on the other, each in its tenant.

use super::check::{CheckFinding, CheckNeed, DoctorCheck};
use super::deny_assignments;
use crate::azure::{RolePermission, allowed};
use crate::plan::{CheckSeverity, PeeringIntent, StepId};
use crate::steps::eligibility::{self, WRITE_PEERINGS as WRITE};
use crate::steps::{ObservedState, PreflightPart, ReadResult};

pub const PEER: &str = "Microsoft.Network/virtualNetworks/peer/action";

pub static CHECK: DoctorCheck = DoctorCheck {
    id: "may-write-peerings",
    severity: CheckSeverity::Error,
    meaning: "Each peering requires virtualNetworkPeerings/write on its own network and peer/action on the remote network.",
    needs: &[
        CheckNeed::Step(StepId::RoleAssignment),
        CheckNeed::Part(PreflightPart::RightsHere),
        CheckNeed::Part(PreflightPart::RightsAtRemote),
        CheckNeed::Part(PreflightPart::Denials),
    ],
    at_setup: false,
    of_writes: true,
    examine,
};

fn examine(intent: &PeeringIntent, facts: &ObservedState) -> Option<CheckFinding> {
    if !intent.operator_writes() {
        let who = match &intent.own_app {
            Some(app) => app.label(),
            None => intent.vendor.short_name.clone(),
        };
        let told = format!("not required: {who} creates the peering with its assigned role");
        return Some(CheckFinding::ok(told));
    }
    let remote = intent.configured_remote()?;
    if let Some(refused) = deny_assignments::refused(facts, WRITE, &intent.vnet.to_string()) {
        return Some(refused);
    }
    let here = &intent.vnet.name;
    let Some(ours) = &facts.rights_at_vnet else {
        let told = format!("couldn't read your permissions at {here}");
        return Some(CheckFinding::unknown(told));
    };
    let theirs = &facts.preflight.rights_at_remote;
    // Their direction may be somebody else's to write; ours takes peer/action there in any case.
    let peer = theirs.known().is_some_and(|rights| !allowed(rights, PEER));
    let peer = peer.then(|| format!("{PEER} on {} (tenant {})", remote.vnet.name, remote.tenant));
    let missing: Vec<String> = lacks(ours, here).into_iter().chain(peer).collect();
    if missing.is_empty() {
        return there(here, &remote.vnet.name, theirs);
    }
    let found = CheckFinding::problem(format!("you don't have {}", missing.join(" and ")));
    let found = found.remedies(eligibility::activation(facts, WRITE));
    Some(
        found.remedy(
            "Ask for a role with these actions, such as Network Contributor, or sign in as a user who has one.",
        ),
    )
}

/// Our direction may be written; what about theirs.
fn there(here: &str, there: &str, rights: &ReadResult<Vec<RolePermission>>) -> Option<CheckFinding> {
    Some(match rights {
        ReadResult::NotAsked => return None,
        ReadResult::Unreadable(why) => {
            CheckFinding::unknown(format!("couldn't read your permissions at {there}: {why}"))
        }
        ReadResult::Known(rights) if lacks(rights, there).is_none() => {
            CheckFinding::ok(format!("you can create both peerings, at {here} and at {there}"))
        }
        ReadResult::Known(_) => CheckFinding::ok(format!(
            "you can create the peering at {here}; setup prints the commands for an administrator of {there}"
        )),
    })
}

/// Returns what is missing to write the direction of this network.
fn lacks(rights: &[RolePermission], network: &str) -> Option<String> {
    (!allowed(rights, WRITE)).then(|| format!("{WRITE} on {network}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::CheckVerdict;
    use crate::steps::samples;
    use crate::vendors::profile;

    fn rights(actions: &[&str]) -> Vec<RolePermission> {
        vec![RolePermission {
            actions: actions.iter().map(|action| (*action).to_owned()).collect(),
            ..RolePermission::default()
        }]
    }

    #[test]
    fn peering_permission_checked_per_side() {
        let (mut intent, mut facts) = samples::kong_done();
        assert!(
            CHECK
                .run(&intent, &facts)
                .expect("said")
                .detail
                .contains("Kong creates")
        );
        intent.vendor = profile("generic").expect("built in");
        let id = "/subscriptions/00000000-0000-0000-0000-00000000000f/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/theirs";
        intent.vendor_inputs = [
            ("remote-vnet-id".to_owned(), vec![id.to_owned()]),
            ("remote-tenant-id".to_owned(), vec![intent.tenant.to_string()]),
        ]
        .into();
        let mut found = |ours: &[&str], theirs: &[&str]| {
            facts.rights_at_vnet = Some(rights(ours));
            facts.preflight.rights_at_remote = ReadResult::Known(rights(theirs));
            CHECK.run(&intent, &facts).expect("said")
        };
        assert!(
            found(&["Microsoft.Network/*"], &["Microsoft.Network/*"])
                .detail
                .contains("both peerings")
        );
        assert!(found(&[WRITE], &[PEER]).detail.contains("for an administrator of"));
        let check = found(&["*/read"], &["*/read"]);
        assert!(
            check.blocks() && check.detail.contains(WRITE) && check.detail.contains(PEER),
            "{check:?}"
        );
        facts.preflight.rights_at_remote = ReadResult::Unreadable("no".into());
        facts.rights_at_vnet = Some(rights(&["*"]));
        assert_eq!(CHECK.run(&intent, &facts).expect("said").verdict, CheckVerdict::Unknown);
    }
}
