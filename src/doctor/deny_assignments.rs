//! `deny-assignments`: a deny assignment refuses writes whatever roles allow, Owners too.

use uuid::Uuid;

use super::probe::{Finding, Need, Probe};
use crate::azure::DenyAssignment;
use crate::plan::{Decision, Grantee, Intent, Severity, StepId};
use crate::steps::eligibility::WRITE_PEERINGS;
use crate::steps::{Facts, Part, Seen, decision};

pub const WRITE_ROLES: &str = "Microsoft.Authorization/roleDefinitions/write";
pub const ASSIGN_ROLES: &str = "Microsoft.Authorization/roleAssignments/write";
const LIFT: &str = "No role helps. Ask the owner of the managed application, deployment stack or managed resource group that created it to exclude this identity, or use a network outside of it.";

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
        return Some(Finding::problem(refused.join("; ")).remedy(LIFT));
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
    Some(Finding::problem(said(denial, "this sign-in", action)).remedy(LIFT))
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
        let writes = grant.to == Grantee::OwnApp || grant.actions.iter().any(|action| action == WRITE_PEERINGS);
        // A principal that does not exist yet is none of the excluded ones.
        let id = facts.grantee(&grant).unwrap_or(Uuid::max());
        all.extend(writes.then(|| Writer {
            name: facts.called(&grant).to_owned(),
            id,
            action: WRITE_PEERINGS,
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
        if let Seen::Known(denials) = &mut facts.preflight.denials {
            denials.found[0].excludes_groups = true;
        }
        let found = PROBE.run(&intent, &facts).expect("asked");
        assert_eq!(found.verdict, CheckVerdict::Unknown);
    }
}
