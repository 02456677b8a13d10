//! Role assignment: each grant's service principal gets its role at the one virtual network.

pub(super) mod undo;

use async_trait::async_trait;
use futures::future::join_all;
use uuid::Uuid;

use super::eligibility::{self, or_activate};
use super::ownership::assigned_by_setup;
use super::role_choice::{RoleChoice, choose};
use super::run::{WaitDescription, every};
use super::{ObservedState, Step, StepError, StepRun};
use crate::azure::RoleAssignment as Assignment;
use crate::domain::role_assignment_guid;
use crate::errors::{RunError, RunErrorKind};
use crate::plan::{ActionRequired, ChangeAction, PeeringIntent, RoleGrant, StepDecision, StepEvent, StepId};
use crate::render::az;

const STEP: StepId = StepId::RoleAssignment;
const WRITE: &str = "Microsoft.Authorization/roleAssignments/write";

pub struct RoleAssignmentStep;

#[async_trait]
impl Step for RoleAssignmentStep {
    fn title(&self) -> &'static str {
        "Role assignment"
    }

    async fn observe(&self, run: &StepRun) -> Result<(), StepError> {
        if run.intent.tears_down() {
            return read_all(run).await;
        }
        let scope = run.intent.vnet.to_string();
        let (assignments, rights) = tokio::join!(run.azure.role_assignments(&scope), run.azure.permissions(&scope));
        let assignments = assignments.map_err(|error| StepError::api("reading the role assignments", &error))?;
        let rights = rights.ok();
        eligibility::read_eligibility(run, rights.as_ref(), WRITE, &scope).await;
        run.update_state(|facts| {
            facts.assignments = assignments;
            facts.rights_at_vnet = rights;
        });
        Ok(())
    }

    fn decide(&self, intent: &PeeringIntent, facts: &ObservedState) -> StepDecision {
        let decisions = intent.grants().into_iter().map(|grant| decide(intent, facts, &grant));
        decisions
            .reduce(StepDecision::and)
            .unwrap_or_else(|| StepDecision::InPlace("nobody needs a role".to_owned()))
    }

    async fn act(&self, run: &StepRun, _decision: &StepDecision) -> Result<(), StepError> {
        let grants = run.intent.grants();
        let missing = grants
            .iter()
            .filter(|grant| decide(&run.intent, &run.facts(), grant).writes());
        every(join_all(missing.map(|grant| assign(run, grant))).await)
    }

    async fn confirm(&self, run: &StepRun) -> Result<(), StepError> {
        wait_until_visible(run).await
    }

    fn plan_removal(&self, intent: &PeeringIntent, facts: &ObservedState) -> StepDecision {
        undo::plan_removal(intent, facts)
    }

    async fn remove(&self, run: &StepRun) -> Result<(), StepError> {
        undo::remove(run).await
    }
}

/// Everything in the subscription: who else has a role that is to go is as much of interest as who has it here. The
/// network itself may be gone.
pub(super) async fn read_all(run: &StepRun) -> Result<(), StepError> {
    let subscription = run.intent.vnet.subscription_scope();
    let mut all = run.azure.role_assignments_below(&subscription).await;
    let hidden = all.as_ref().is_err_and(|error| error.status() == Some(403));
    if hidden {
        all = run.azure.role_assignments(&run.intent.vnet.to_string()).await;
    }
    let all = all.map_err(|error| StepError::api("reading the role assignments", &error))?;
    let vnet = run.intent.vnet.to_string().to_lowercase();
    let reaches =
        |scope: &str| format!("{vnet}/").starts_with(&format!("{}/", scope.trim_end_matches('/').to_lowercase()));
    run.update_state(|facts| {
        facts.assignments = all.iter().filter(|one| reaches(&one.scope)).cloned().collect();
        facts.assignments_below = all;
        facts.assignments_are_hidden = hidden;
    });
    let assigned = assigned_by_setup(&run.intent, &run.facts());
    if !assigned.is_empty() {
        // Where the directory does not tell, nobody is taken for gone.
        let known = run
            .azure
            .known_objects(&assigned)
            .await
            .unwrap_or_else(|_| assigned.clone());
        let gone = assigned.into_iter().filter(|id| !known.contains(id)).collect();
        run.update_state(|facts| facts.gone_principals = gone);
    }
    Ok(())
}

fn decide(intent: &PeeringIntent, facts: &ObservedState, grant: &RoleGrant) -> StepDecision {
    let vnet = &intent.vnet.name;
    if let Some((assignment, role)) = facts.assignment(intent, grant) {
        let own = assignment.scope.eq_ignore_ascii_case(&intent.vnet.to_string());
        let at = if own { vnet } else { &assignment.scope };
        return StepDecision::InPlace(format!("{} has \"{role}\" at {at}", facts.called(grant)));
    }
    if !ObservedState::may(facts.rights_at_vnet.as_ref(), WRITE) {
        return StepDecision::Blocked(or_activate(facts, WRITE, hold(intent, facts, grant)));
    }
    let role = role_name(intent, facts, grant);
    StepDecision::Create(format!(
        "\"{role}\" for {} at {vnet}, nowhere else",
        facts.called(grant)
    ))
}

async fn assign(run: &StepRun, grant: &RoleGrant) -> Result<(), StepError> {
    let intent = &run.intent;
    let facts = run.facts();
    let role = grant
        .built_in
        .or_else(|| facts.role(intent, grant).map(|role| role.guid));
    let (Some(principal), Some(role)) = (facts.grantee(grant), role) else {
        let why = "The service principal or the role definition is not there.";
        return Err(RunError::new(RunErrorKind::NotFound, "The role cannot be assigned.", why).into());
    };
    let name = role_name(intent, &facts, grant);
    let scope = intent.vnet.to_string();
    let guid = role_assignment_guid(intent.tenant, &intent.vnet, principal, role);
    run.tell(
        STEP,
        StepEvent::Doing(format!("assigning \"{name}\" to {}", facts.called(grant))),
    );
    let written = write(run, &scope, guid, role, principal).await;
    if let Some(assignment) = written.map_err(|stop| stop.or_action_required(|| hold(intent, &facts, grant)))? {
        run.changed(STEP, ChangeAction::Created, "roleAssignment", assignment.id());
    }
    Ok(())
}

/// Writes the assignment; `None` where Azure says that an equal one is there already (Azure compares what it is for,
/// not its id, so a colleague's counts).
async fn write(
    run: &StepRun,
    scope: &str,
    guid: Uuid,
    role: Uuid,
    principal: Uuid,
) -> Result<Option<Assignment>, StepError> {
    let put = || async {
        match run.azure.put_role_assignment(scope, guid, role, principal).await {
            Err(error) if error.code() == Some("RoleAssignmentExists") => Ok(None),
            other => other.map(Some),
        }
    };
    run.retry_while_replicating(STEP, "assigning the role", &[], put).await
}

async fn wait_until_visible(run: &StepRun) -> Result<(), StepError> {
    let scope = run.intent.vnet.to_string();
    let grants = run.intent.grants();
    let look = async || {
        let assignments = run.azure.role_assignments(&scope).await;
        let assignments = assignments.map_err(|error| StepError::api("reading the role assignment back", &error))?;
        run.update_state(|facts| facts.assignments = assignments);
        let facts = run.facts();
        let visible = |grant: &RoleGrant| facts.assignment(&run.intent, grant).is_some();
        Ok(grants.iter().all(visible).then_some(()))
    };
    run.poll_until(
        STEP,
        &WaitDescription::replication("until the role assignment is visible"),
        look,
    )
    .await
}

/// The name of the role that the grantee gets.
fn role_name(intent: &PeeringIntent, facts: &ObservedState, grant: &RoleGrant) -> String {
    match (grant.built_in, choose(intent, facts, grant)) {
        (Some(_), _) => grant.name().to_owned(),
        (None, RoleChoice::Reuse(role) | RoleChoice::Extend(role)) => role.name.clone(),
        (None, RoleChoice::Create(own)) => own.name,
    }
}

fn hold(intent: &PeeringIntent, facts: &ObservedState, grant: &RoleGrant) -> ActionRequired {
    let by_role = grant.by_role(&role_name(intent, facts, grant));
    let own_app = facts.own_app.as_ref().map(|app| app.app_id);
    ActionRequired {
        who: format!(
            "an Owner, User Access Administrator or Role Based Access Control Administrator of {}",
            intent.vnet.name
        ),
        why: format!("Assigning a role takes {WRITE} at the virtual network."),
        packet: az::role_assignment(intent, &[by_role], own_app),
        answer: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::RolePermission;
    use crate::steps::samples;

    fn decide(change: impl FnOnce(&mut ObservedState)) -> StepDecision {
        let (intent, mut facts) = samples::kong_done();
        change(&mut facts);
        RoleAssignmentStep.decide(&intent, &facts)
    }

    #[test]
    fn decisions() {
        assert_eq!(decide(|_| ()).verb(), "in place");
        assert_eq!(decide(|facts| facts.assignments.clear()).verb(), "create");
        assert_eq!(decide(|facts| facts.principal = None).verb(), "create");
        assert_eq!(
            decide(|facts| facts.assignments[0].principal = Uuid::nil()).verb(),
            "create"
        );
        assert_eq!(decide(|facts| facts.roles.clear()).verb(), "create");
        // A role that lacks an action is mended by the step before; its assignment stays as it is.
        assert_eq!(
            decide(|facts| {
                facts.roles[0].permissions[0].actions.pop();
                facts.role_holders.insert(facts.roles[0].guid, Some(Vec::new()));
            })
            .verb(),
            "in place"
        );
    }

    #[test]
    fn role_assignment_accepts_broader_builtin_role() {
        let network_contributor = Uuid::from_u128(0x4d97b98b_1d4f_4787_a291_c67834d212e7);
        let decision = decide(|facts| facts.assignments[0].role = network_contributor);
        assert!(decision.what().contains("\"Network Contributor\""), "{decision:?}");
    }

    #[test]
    fn role_assignment_denied_yields_instructions() {
        let decision = decide(|facts| {
            facts.assignments.clear();
            facts.rights_at_vnet = Some(vec![RolePermission {
                actions: vec!["Microsoft.Network/*".into()],
                ..RolePermission::default()
            }]);
        });
        let StepDecision::Blocked(hold) = decision else {
            panic!("{decision:?}")
        };
        assert!(
            hold.packet
                .iter()
                .any(|line| line.contains("az role assignment create")),
            "{:?}",
            hold.packet
        );
    }
}
