//! Roles that the operator could activate: looked for where a right is missing.

use futures::future::join_all;

use super::{ObservedState, StepRun};
use crate::azure::{EligibleRole, RolePermission, allowed};
use crate::limits;
use crate::plan::ActionRequired;

/// The right to write a peering's direction.
pub const WRITE_PEERINGS: &str = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/write";

/// Looks for eligible roles that allow the action at the scope, where the rights do not, and notes them in the facts.
pub async fn read_eligibility(run: &StepRun, rights: Option<&Vec<RolePermission>>, action: &'static str, scope: &str) {
    if ObservedState::may(rights, action) {
        return;
    }
    let read = tokio::time::timeout(limits::PREFLIGHT, run.azure.eligible_roles(scope)).await;
    // Without a license for Privileged Identity Management there are none.
    let Ok(Ok(eligible)) = read else {
        return;
    };
    let allows = eligible.into_iter().map(|role| async move {
        let definition = run.azure.role_definition(&role.scope, role.role).await.ok().flatten()?;
        allowed(&definition.permissions, action).then_some(role)
    });
    let found: Vec<EligibleRole> = join_all(allows).await.into_iter().flatten().collect();
    run.update_state(|facts| _ = facts.eligible_roles.insert(action, found));
}

/// Returns instructions for how the operator gets the right for the action; `None` if no eligible role has it.
pub fn activation(facts: &ObservedState, action: &str) -> Option<String> {
    let role = facts.eligible_roles.get(action)?.first()?;
    Some(format!(
        "You are eligible for \"{}\" at {}, which allows this. Activate it in the Azure portal (Privileged Identity \
         Management > My roles > Azure resources), then run the same command again.",
        role.name, role.scope
    ))
}

/// The hold, for the operator where an eligible role allows the action.
pub fn or_activate(facts: &ObservedState, action: &str, mut hold: ActionRequired) -> ActionRequired {
    if let Some(line) = activation(facts, action) {
        hold.who = format!("you, with your eligible role; or {}", hold.who);
        hold.packet.insert(0, line);
    }
    hold
}
