//! `deny-assignments`: a deny assignment refuses writes whatever roles allow, Owners too.

use uuid::Uuid;

use super::check::{CheckFinding, CheckNeed, DoctorCheck};
use super::may_write_peerings::PEER;
use crate::azure::DenyAssignment;
use crate::errors::known;
use crate::plan::{CheckSeverity, PeeringIntent, RoleGrantee, StepDecision, StepId};
use crate::steps::eligibility::WRITE_PEERINGS;
use crate::steps::{ObservedState, PreflightPart, ReadResult, decision};

pub const WRITE_ROLES: &str = "Microsoft.Authorization/roleDefinitions/write";
pub const ASSIGN_ROLES: &str = "Microsoft.Authorization/roleAssignments/write";
/// The code with which Azure refuses such a write: the check advises what the refusal would.
const CODE: &str = "DenyAssignmentAuthorizationFailed";

pub static CHECK: DoctorCheck = DoctorCheck {
    id: "deny-assignments",
    severity: CheckSeverity::Error,
    meaning: "A deny assignment blocks changes (DenyAssignmentAuthorizationFailed) regardless of roles, including Owner.",
    needs: &[CheckNeed::Part(PreflightPart::Denials)],
    at_setup: true,
    of_writes: true,
    examine,
};

/// A write that is to come, and who sends it.
struct DeniedWriter {
    name: String,
    id: Uuid,
    action: &'static str,
    scope: String,
}

fn examine(intent: &PeeringIntent, facts: &ObservedState) -> Option<CheckFinding> {
    let denials = match &facts.preflight.denials {
        ReadResult::Known(denials) => denials,
        ReadResult::Unreadable(why) => {
            return Some(CheckFinding::unknown(format!("couldn't read deny assignments: {why}")));
        }
        ReadResult::NotAsked => return None,
    };
    let (mut refused, mut unsure) = (Vec::new(), Vec::new());
    for writer in writers(intent, facts, denials.operator) {
        for denial in &denials.found {
            match denial.refuses(writer.id, writer.action, &writer.scope) {
                Some(true) => refused.push(said(denial, &writer.name, writer.action)),
                None => unsure.push(said(denial, &writer.name, writer.action)),
                Some(false) => {}
            }
        }
    }
    if !refused.is_empty() {
        return Some(blocked(refused.join("; ")));
    }
    if !unsure.is_empty() {
        let told = format!("{}, depending on its group memberships", unsure.join("; "));
        return Some(CheckFinding::unknown(told));
    }
    Some(CheckFinding::ok(format!(
        "no deny assignment blocks the changes at {}",
        intent.vnet.name
    )))
}

/// The operator's deny assignment for an action, for a check on that right.
pub fn refused(facts: &ObservedState, action: &str, scope: &str) -> Option<CheckFinding> {
    let denials = facts.preflight.denials.known()?;
    let mut found = denials.found.iter();
    let denial = found.find(|denial| denial.refuses(denials.operator, action, scope) == Some(true))?;
    Some(blocked(said(denial, "the signed-in identity", action)))
}

fn blocked(told: String) -> CheckFinding {
    let remedies = known::lookup(CODE, "").map(|known| known.remedies.clone());
    CheckFinding::problem(told).remedies(remedies.unwrap_or_default())
}

fn said(denial: &DenyAssignment, who: &str, action: &str) -> String {
    format!(
        "deny assignment \"{}\" at {} denies {who} {action}",
        denial.name, denial.scope
    )
}

/// Returns the identities that write and what they write, as far as it is still to be written.
fn writers(intent: &PeeringIntent, facts: &ObservedState, operator: Uuid) -> Vec<DeniedWriter> {
    let vnet = intent.vnet.to_string();
    let is_open =
        |id: StepId| intent.steps().contains(&id) && !matches!(decision(id, intent, facts), StepDecision::InPlace(_));
    let by_operator = |action: &'static str, scope: &str| DeniedWriter {
        name: "the signed-in identity".to_owned(),
        id: operator,
        action,
        scope: scope.to_owned(),
    };
    let mut all = Vec::new();
    if is_open(StepId::RoleDefinition) {
        all.push(by_operator(WRITE_ROLES, &intent.vnet.subscription_scope()));
    }
    if is_open(StepId::RoleAssignment) {
        all.push(by_operator(ASSIGN_ROLES, &vnet));
    }
    if !is_open(StepId::Peering) {
        return all;
    }
    if intent.operator_writes() {
        all.push(by_operator(WRITE_PEERINGS, &vnet));
    }
    for grant in intent.grants() {
        let has = |wanted: &str| grant.actions.iter().any(|action| action == wanted);
        let writes = (grant.to == RoleGrantee::OwnApp || has(WRITE_PEERINGS)).then_some(WRITE_PEERINGS);
        // Who writes the other side's direction has to be let in here.
        let peers = has(PEER).then_some(PEER);
        // A principal that does not exist yet is none of the excluded ones.
        let id = facts.grantee(&grant).unwrap_or(Uuid::max());
        all.extend(writes.into_iter().chain(peers).map(|action| DeniedWriter {
            name: facts.called(&grant).to_owned(),
            id,
            action,
            scope: vnet.clone(),
        }));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::RolePermission;
    use crate::plan::CheckVerdict;
    use crate::steps::preflight::DenyAssignmentRead;
    use crate::steps::samples;

    #[test]
    fn deny_assignment_blocks_remaining_writes() {
        let (intent, mut facts) = samples::kong_done();
        assert_eq!(CHECK.run(&intent, &facts), None);
        let denial = DenyAssignment {
            name: "managed".into(),
            scope: intent.vnet.subscription_scope(),
            permissions: vec![RolePermission {
                actions: vec!["*/write".into()],
                ..RolePermission::default()
            }],
            everyone: true,
            ..DenyAssignment::default()
        };
        facts.preflight.denials = ReadResult::Known(DenyAssignmentRead {
            found: vec![denial],
            operator: Uuid::from_u128(7),
        });
        assert!(
            CHECK.run(&intent, &facts).expect("asked").ok,
            "nothing is to be written"
        );
        facts.assignments.clear();
        let found = CHECK.run(&intent, &facts).expect("asked");
        assert!(found.blocks() && found.detail.contains("\"managed\" at"), "{found:?}");
        assert!(found.remedies[0].starts_with("A higher role doesn't help"), "{found:?}");
        assert!(refused(&facts, ASSIGN_ROLES, &intent.vnet.to_string()).is_some());
        let denial = |facts: &mut ObservedState, change: &dyn Fn(&mut DenyAssignment)| {
            if let ReadResult::Known(denials) = &mut facts.preflight.denials {
                change(&mut denials.found[0]);
            }
        };
        let mut other = facts.clone();
        other.vnet.as_mut().expect("one").peerings.clear();
        denial(&mut other, &|denial| denial.permissions[0].actions = vec![PEER.into()]);
        let found = CHECK.run(&intent, &other).expect("asked");
        assert!(found.blocks() && found.detail.contains(PEER), "{found:?}");
        denial(&mut facts, &|denial| denial.excludes_groups = true);
        let found = CHECK.run(&intent, &facts).expect("asked");
        assert_eq!(found.verdict, CheckVerdict::Unknown);
    }
}
