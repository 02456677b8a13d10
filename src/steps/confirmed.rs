//! The plan that was shown and confirmed, and the check that a run writes nothing else. What is read while it runs may
//! make a write needless; it never adds one.

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

use super::{ObservedState, StepError, StepRun, decision, writes};
use crate::domain::PeeringId;
use crate::errors::{RunError, RunErrorKind};
use crate::plan::{PeeringIntent, PlannedWrite, StepDecision, StepId};

/// Contents of the confirmed plan.
#[derive(Debug)]
pub(super) struct ConfirmedPlan {
    decisions: BTreeMap<StepId, StepDecision>,
    writes: Vec<PlannedWrite>,
}

impl ConfirmedPlan {
    /// The plan as these facts make it.
    pub(super) fn of(intent: &PeeringIntent, facts: &ObservedState) -> Self {
        let steps = intent.steps().into_iter();
        Self {
            decisions: steps.map(|id| (id, decision(id, intent, facts))).collect(),
            writes: requests(intent, facts),
        }
    }

    /// Returns what is new in `now`, the step's decision of this moment, and `writes`, all that a run would send now.
    fn unshown(&self, step: StepId, now: &StepDecision, writes: &[PlannedWrite], own_roles: &[Uuid]) -> Vec<String> {
        let shown = self.decisions.get(&step);
        if let StepDecision::Remove { what, .. } = now {
            let shown = match shown {
                Some(StepDecision::Remove { what, .. }) => what.as_str(),
                _ => "",
            };
            let shown: Vec<&str> = shown.split("; ").collect();
            let new = what.split("; ").filter(|part| !shown.contains(part));
            return new.map(|part| format!("remove {part}")).collect();
        }
        let of_step = |write: &&PlannedWrite| write.step == step;
        let new = writes.iter().filter(of_step).filter(|write| {
            let mut shown = self.writes.iter().filter(of_step);
            let shown = shown.any(|shown| is_same(shown, write));
            let own = write.method == "DELETE" && self.creates(step, &write.resource);
            !(shown || own || concerns(write, own_roles))
        });
        new.map(|write| format!("{} {}", write.method, write.resource))
            .collect()
    }

    fn shows_deletion(&self, step: StepId, id: &PeeringId) -> bool {
        let path = id.to_string();
        let mut writes = self.writes.iter();
        let shown = |write: &PlannedWrite| write.method == "DELETE" && write.resource.eq_ignore_ascii_case(&path);
        writes.any(shown) || self.creates(step, &path)
    }

    /// Returns whether the plan showed that this resource is created: the run may create again what it created itself.
    fn creates(&self, step: StepId, resource: &str) -> bool {
        let created = matches!(self.decisions.get(&step), Some(StepDecision::Create(_)));
        let mut writes = self.writes.iter().filter(|write| write.step == step);
        created && writes.any(|write| write.method == "PUT" && matches_pattern(&write.resource, resource))
    }
}

impl StepRun {
    /// Checks that the step would write, as things stand now, only what the confirmed plan showed.
    ///
    /// # Errors
    /// With the difference.
    pub fn confirmed_to_write(&self, step: StepId) -> Result<(), StepError> {
        let Some(confirmed) = self.confirmed() else {
            return Ok(());
        };
        let facts = self.facts();
        let now = decision(step, &self.intent, &facts);
        // A credential is this run's own, and ends with it.
        if step == StepId::CleanUp {
            return Ok(());
        }
        // What the rows of one file write for each other is in the plan of the file.
        let own_roles = self.company.roles(self.intent.tenant);
        let own_roles: Vec<Uuid> = own_roles.iter().map(|role| role.guid).collect();
        let unshown = confirmed.unshown(step, &now, &requests(&self.intent, &facts), &own_roles);
        match unshown.is_empty() {
            true => Ok(()),
            false => Err(self.differs(step, &unshown).into()),
        }
    }

    /// Checks that the confirmed plan shows the deletion of this peering.
    ///
    /// # Errors
    /// As [`StepRun::confirmed_to_write`].
    pub(super) fn confirmed_to_delete(&self, step: StepId, id: &PeeringId) -> Result<(), StepError> {
        match self.confirmed() {
            Some(confirmed) if !confirmed.shows_deletion(step, id) => {
                Err(self.differs(step, &[format!("DELETE {id}")]).into())
            }
            _ => Ok(()),
        }
    }

    /// Returns whether this step writes anything in the confirmed plan.
    pub(super) fn plans_to_write(&self, step: StepId) -> bool {
        let shown = self.confirmed().and_then(|confirmed| confirmed.decisions.get(&step));
        shown.is_some_and(StepDecision::writes)
    }

    fn differs(&self, step: StepId, unshown: &[String]) -> RunError {
        let shown = self.confirmed().and_then(|confirmed| confirmed.decisions.get(&step));
        let shown = shown.map_or_else(
            || "nothing".to_owned(),
            |shown| format!("{}: {}", shown.verb(), shown.what()),
        );
        let why = format!(
            "Something has changed since. The plan showed for {step}: {shown}. It would now also: {}.",
            unshown.join("; ")
        );
        let what = format!("The step {step} would write what the confirmed plan does not show, so it wrote nothing.");
        RunError::new(RunErrorKind::Conflict, what, why).remedy("Run the same command again to see the new plan.")
    }
}

/// Every write of a run, but those of its own credential.
fn requests(intent: &PeeringIntent, facts: &ObservedState) -> Vec<PlannedWrite> {
    if intent.tears_down() {
        return Vec::new();
    }
    writes(intent, facts, true)
}

/// Returns whether the write is the one that was shown. Only the purpose of a body is compared: an option that was
/// enabled in the meantime is preserved, and does not make it a different write.
fn is_same(shown: &PlannedWrite, now: &PlannedWrite) -> bool {
    let resource = match now.method {
        "PUT" => matches_pattern(unnumbered(&shown.resource), unnumbered(&now.resource)),
        _ => matches_pattern(&shown.resource, &now.resource),
    };
    let same = |pointer: &str| {
        let of = |write: &PlannedWrite| write.body.as_ref()?.pointer(pointer).cloned();
        match (of(shown), of(now)) {
            (Some(Value::String(shown)), Some(Value::String(now))) => matches_pattern(&shown, &now),
            (shown, now) => shown == now,
        }
    };
    shown.api == now.api
        && shown.method == now.method
        && resource
        && [
            "/appId",
            "/properties/remoteVirtualNetwork/id",
            "/properties/roleDefinitionId",
            "/properties/principalId",
            "/properties/permissions",
            "/properties/assignableScopes",
        ]
        .into_iter()
        .all(same)
}

/// Returns whether the write concerns one of these roles.
fn concerns(write: &PlannedWrite, roles: &[Uuid]) -> bool {
    let role = write
        .body
        .as_ref()
        .and_then(|body| body.pointer("/properties/roleDefinitionId"));
    let named = role.and_then(Value::as_str).unwrap_or_default();
    let is_role = |guid: &Uuid| {
        let guid = guid.to_string();
        named.ends_with(&guid) || (named.is_empty() && write.resource.ends_with(&guid))
    };
    roles.iter().any(is_role)
}

/// A peering gets a number where its name turns out to be taken: `to-hub` for `to-hub-2`.
fn unnumbered(resource: &str) -> &str {
    let number = |(_, digits): &(&str, &str)| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_peering = resource.to_ascii_lowercase().contains("/virtualnetworkpeerings/");
    let numbered = resource.rsplit_once('-').filter(|_| is_peering);
    numbered.filter(number).map_or(resource, |(base, _)| base)
}

/// Returns whether `text` matches `shown`. `{name}` stands for a part of the path, or the whole path, that is not
/// known: a value that has become known since then is not a difference, and neither is one that a new request has made
/// unknown again.
fn matches_pattern(shown: &str, text: &str) -> bool {
    let is_open = |part: &str| part.starts_with('{') && part.ends_with('}') && !part.contains('/');
    let (shown_parts, parts): (Vec<&str>, Vec<&str>) = (shown.split('/').collect(), text.split('/').collect());
    let same = |(shown, part): (&&str, &&str)| is_open(shown) || is_open(part) || shown.eq_ignore_ascii_case(part);
    is_open(shown) || is_open(text) || (shown_parts.len() == parts.len() && shown_parts.iter().zip(&parts).all(same))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::PeeringState;
    use crate::plan::RunGoal;
    use crate::steps::samples;

    fn unshown(
        goal: RunGoal,
        step: StepId,
        before: fn(&mut ObservedState),
        after: fn(&PeeringIntent, &mut ObservedState),
    ) -> Vec<String> {
        let (mut intent, mut facts) = samples::kong_to_take_down();
        intent.goal = goal;
        before(&mut facts);
        let confirmed = ConfirmedPlan::of(&intent, &facts);
        after(&intent, &mut facts);
        let now = decision(step, &intent, &facts);
        confirmed.unshown(step, &now, &requests(&intent, &facts), &[])
    }

    fn state(facts: &mut ObservedState, state: PeeringState) {
        facts.vnet.as_mut().expect("one").peerings[0].state = state;
    }

    #[test]
    fn repair_deletes_only_the_shown_peering() {
        let same = |_: &PeeringIntent, _: &mut ObservedState| ();
        let gone = |facts: &mut ObservedState| state(facts, PeeringState::Disconnected);
        let step = StepId::Peering;
        assert!(unshown(RunGoal::Repair, step, gone, same).is_empty());
        // It went by itself.
        let nothing = |_: &PeeringIntent, facts: &mut ObservedState| facts.vnet.as_mut().expect("one").peerings.clear();
        assert!(unshown(RunGoal::Repair, step, gone, nothing).is_empty());
        let other = |intent: &PeeringIntent, facts: &mut ObservedState| {
            let mut other = samples::peering(intent, "kong-2", 0xf00, "10.0.0.0/16");
            other.state = PeeringState::Disconnected;
            facts.vnet.as_mut().expect("one").peerings = vec![other];
        };
        let found = unshown(RunGoal::Repair, step, gone, other);
        assert!(found.len() == 1 && found[0].ends_with("/kong-2"), "{found:?}");
        let turned = |_: &PeeringIntent, facts: &mut ObservedState| state(facts, PeeringState::Disconnected);
        let found = unshown(RunGoal::Repair, step, |_| (), turned);
        assert!(found.len() == 1 && found[0].starts_with("DELETE "), "{found:?}");
    }

    #[test]
    fn teardown_removes_only_what_was_shown() {
        let goal = RunGoal::TearDown { consent: true };
        let step = StepId::Peering;
        assert!(unshown(goal, step, |_| (), |_, _| ()).is_empty());
        let other = |intent: &PeeringIntent, facts: &mut ObservedState| {
            let other = samples::peering(intent, "kong-2", 0xf00, "10.0.0.0/16");
            facts.vnet.as_mut().expect("one").peerings = vec![other];
        };
        let new = |name: &str| {
            let network = "vnet-theirs in subscription 00000000-0000-0000-0000-000000000f00";
            format!("remove peering {name} with {network}")
        };
        assert_eq!(unshown(goal, step, |_| (), other), [new("kong-2")]);
        let kept = |facts: &mut ObservedState| facts.remote_tenants.clear();
        let proven = |_: &PeeringIntent, facts: &mut ObservedState| {
            facts
                .remote_tenants
                .insert(Uuid::from_u128(0xf00), Uuid::from_u128(0x1c0));
        };
        assert_eq!(unshown(goal, step, kept, proven), [new("kong-1")]);
    }

    #[test]
    fn confirmed_plan_ignores_previously_unknown() {
        let learned = |_: &PeeringIntent, facts: &mut ObservedState| {
            let done = samples::kong_done().1;
            facts.principal = done.principal;
        };
        let nothing = |facts: &mut ObservedState| {
            facts.principal = None;
            facts.roles.clear();
            facts.assignments.clear();
        };
        for step in [StepId::RoleDefinition, StepId::RoleAssignment, StepId::Consent] {
            let found = unshown(RunGoal::SetUp, step, nothing, learned);
            assert!(found.is_empty(), "{step}: {found:?}");
        }
        let other_role = |_: &PeeringIntent, facts: &mut ObservedState| {
            let done = samples::kong_done().1;
            (facts.principal, facts.roles) = (done.principal, done.roles);
        };
        let found = unshown(RunGoal::SetUp, StepId::RoleAssignment, nothing, other_role);
        assert!(found.len() == 1 && found[0].starts_with("PUT "), "{found:?}");
    }

    #[test]
    fn patterns_stand_for_one_value() {
        for (shown, text, same) in [
            ("/a/b", "/A/B", true),
            ("/a/b", "/a/c", false),
            ("/a/{id}", "/a/1", true),
            ("/a/{id}", "/b/1", false),
            ("/a/{id}/c", "/a/1/c", true),
            ("/a/{id}/c", "/a/1/d", false),
            ("/a/{id}/c/{key}", "/a/1/c/2", true),
            ("/a/{id}", "/a/1/c", false),
            ("{id}", "1", true),
            ("/a/1", "{id}", true),
        ] {
            assert_eq!(matches_pattern(shown, text), same, "{shown} {text}");
        }
        for (resource, base) in [
            ("/v/virtualNetworkPeerings/to-hub-2", "/v/virtualNetworkPeerings/to-hub"),
            ("/v/virtualNetworkPeerings/to-hub", "/v/virtualNetworkPeerings/to-hub"),
            ("/v/roleDefinitions/a-2", "/v/roleDefinitions/a-2"),
        ] {
            assert_eq!(unnumbered(resource), base);
        }
    }
}
