//! `deny-assignments`: a deny assignment refuses writes whatever roles allow, Owners too.

use uuid::Uuid;

use super::may_write_peerings::PEER;
use super::probe::{Finding, Need, Probe};
use crate::azure::DenyAssignment;
use crate::errors::known;
use crate::plan::{Decision, Grantee, Intent, Severity, StepId};
use crate::steps::eligibility::WRITE_PEERINGS;
use crate::steps::{Facts, Part, Seen, decision};

pub const WRITE_ROLES: &str = "Microsoft.Authorization/roleDefinitions/write";
pub const ASSIGN_ROLES: &str = "Microsoft.Authorization/roleAssignments/write";
/// The code with which Azure refuses such a write: the check advises what the refusal would.
const CODE: &str = "DenyAssignmentAuthorizationFailed";

pub static PROBE: Probe = Probe {
    id: "deny-assignments",
    severity: Severity::Error,
    meaning: "A deny assignment refuses a write (DenyAssignmentAuthorizationFailed) whatever roles allow, Owner included.",
    needs: &[Need::Part(Part::Denials)],
    at_setup: true,
    of_writes: true,
    examine,
};

/// A write that is to come, and who sends it.
struct Writer {
    name: String,
    id: Uuid,
    action: &'static str,
    scope: String,
}

fn examine(intent: &Intent, facts: &Facts) -> Option<Finding> {
    let denials = match &facts.preflight.denials {
        Seen::Known(denials) => denials,
        Seen::Unreadable(why) => return Some(Finding::unknown(format!("the deny assignments: {why}"))),
        Seen::NotAsked => return None,
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
        let told = format!("{}, depending on the groups it is in", unsure.join("; "));
        return Some(Finding::unknown(told));
    }
    Some(Finding::ok(format!(
        "no deny assignment reaches what is written at {}",
        intent.vnet.name
    )))
}

/// The operator's deny assignment for an action, for a check on that right.
pub fn refused(facts: &Facts, action: &str, scope: &str) -> Option<Finding> {
    let denials = facts.preflight.denials.known()?;
    let mut found = denials.found.iter();
    let denial = found.find(|denial| denial.refuses(denials.operator, action, scope) == Some(true))?;
    Some(blocked(said(denial, "this sign-in", action)))
}

fn blocked(told: String) -> Finding {
    let remedies = known::lookup(CODE, "").map(|known| known.remedies.clone());
    Finding::problem(told).remedies(remedies.unwrap_or_default())
}

fn said(denial: &DenyAssignment, who: &str, action: &str) -> String {
    format!(
        "the deny assignment \"{}\" at {} refuses {who} {action}",
        denial.name, denial.scope
    )
}

/// Who writes what, as far as it is still to be written.
fn writers(intent: &Intent, facts: &Facts, operator: Uuid) -> Vec<Writer> {
    let vnet = intent.vnet.to_string();
    let is_open =
        |id: StepId| intent.steps().contains(&id) && !matches!(decision(id, intent, facts), Decision::InPlace(_));
    let by_operator = |action: &'static str, scope: &str| Writer {
        name: "this sign-in".to_owned(),
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
        let writes = (grant.to == Grantee::OwnApp || has(WRITE_PEERINGS)).then_some(WRITE_PEERINGS);
        // Who writes the other side's direction has to be let in here.
        let peers = has(PEER).then_some(PEER);
        // A principal that does not exist yet is none of the excluded ones.
        let id = facts.grantee(&grant).unwrap_or(Uuid::max());
        all.extend(writes.into_iter().chain(peers).map(|action| Writer {
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
    use crate::azure::Permission;
    use crate::plan::CheckVerdict;
    use crate::steps::preflight::Denials;
    use crate::steps::samples;

    #[test]
    fn deny_assignment_blocks_what_is_still_to_be_written() {
        let (intent, mut facts) = samples::kong_done();
        assert_eq!(PROBE.run(&intent, &facts), None);
        let denial = DenyAssignment {
            name: "managed".into(),
            scope: intent.vnet.subscription_scope(),
            permissions: vec![Permission {
                actions: vec!["*/write".into()],
                ..Permission::default()
            }],
            everyone: true,
            ..DenyAssignment::default()
        };
        facts.preflight.denials = Seen::Known(Denials {
            found: vec![denial],
            operator: Uuid::from_u128(7),
        });
        assert!(
            PROBE.run(&intent, &facts).expect("asked").ok,
            "nothing is to be written"
        );
        facts.assignments.clear();
        let found = PROBE.run(&intent, &facts).expect("asked");
        assert!(found.blocks() && found.detail.contains("\"managed\" at"), "{found:?}");
        assert!(found.remedies[0].starts_with("No role helps"), "{found:?}");
        assert!(refused(&facts, ASSIGN_ROLES, &intent.vnet.to_string()).is_some());
        let denial = |facts: &mut Facts, change: &dyn Fn(&mut DenyAssignment)| {
            if let Seen::Known(denials) = &mut facts.preflight.denials {
                change(&mut denials.found[0]);
            }
        };
        let mut other = facts.clone();
        other.vnet.as_mut().expect("one").peerings.clear();
        denial(&mut other, &|denial| denial.permissions[0].actions = vec![PEER.into()]);
        let found = PROBE.run(&intent, &other).expect("asked");
        assert!(found.blocks() && found.detail.contains(PEER), "{found:?}");
        denial(&mut facts, &|denial| denial.excludes_groups = true);
        let found = PROBE.run(&intent, &facts).expect("asked");
        assert_eq!(found.verdict, CheckVerdict::Unknown);
    }
}
