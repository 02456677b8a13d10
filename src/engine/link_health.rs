//! State of the link and the next actions, from the plan and what was read. Pure.

use crate::domain::sanitize_for_terminal;
use crate::plan::{
    HealthStatus, LinkHealth, NextAction, PeeringIntent, PlannedStep, RequestView, RunPlan, StepDecision, StepId,
};
use crate::steps::{ObservedState, faults, is_the_other_sides_sync, needs_peering_name, request_kind};

/// Steps whose state can't be determined without reading the directory.
const OF_THE_DIRECTORY: [StepId; 4] = [StepId::Consent, StepId::OwnApp, StepId::RoleAssignment, StepId::CleanUp];

/// Returns whether this sign-in may not read the data that shows whether the step is in place.
pub(super) fn is_unread(id: StepId, facts: &ObservedState) -> bool {
    facts.directory_is_closed && OF_THE_DIRECTORY.contains(&id)
}

/// Returns the state of the link. `setup` and `repair` are the command lines to continue with.
pub fn standing(
    intent: &PeeringIntent,
    facts: &ObservedState,
    plan: &RunPlan,
    setup: &str,
    repair: &str,
) -> LinkHealth {
    let request = facts.request.as_ref().map(|request| RequestView {
        kind: request_kind(intent).to_owned(),
        id: request.id.clone(),
        name: sanitize_for_terminal(&request.name),
        state: sanitize_for_terminal(&request.state),
        reason: request.reason.as_deref().map(sanitize_for_terminal),
    });
    let faults = faults(intent, facts);
    let verification = plan.steps.iter().find(|step| step.id == StepId::Verification);
    let why = verification.map_or_else(String::new, |step| step.decision.what().to_owned());
    let (verdict, why, next) = if plan.is_in_place(StepId::Verification) {
        (HealthStatus::Works, with_unread(why, facts), to_tidy(plan, setup))
    } else if faults.is_empty() {
        (
            HealthStatus::Waiting,
            with_unread(not_yet(plan, &why), facts),
            turns(intent, plan, setup),
        )
    } else {
        let why = faults
            .iter()
            .map(|fault| fault.what.as_str())
            .collect::<Vec<_>>()
            .join(" ");
        let ours = faults.iter().any(|fault| fault.ours.is_some()).then(|| NextAction {
            who: "you".to_owned(),
            what: "repair what is ours to repair".to_owned(),
            usually: None,
            packet: vec![repair.to_owned()],
        });
        let theirs = faults.iter().filter_map(|fault| {
            let by_name = needs_peering_name(fault);
            Some(NextAction {
                who: if by_name { "you" } else { &intent.vendor.short_name }.to_owned(),
                what: fault.theirs.clone()?,
                usually: None,
                packet: Vec::new(),
            })
        });
        let verdict = match faults.iter().all(is_the_other_sides_sync) {
            true => HealthStatus::Waiting,
            false => HealthStatus::Broken,
        };
        (verdict, why, ours.into_iter().chain(theirs).collect())
    };
    LinkHealth {
        verdict,
        why,
        faults,
        next,
        request,
    }
}

/// Adds what couldn't be read to the reason: it isn't missing, and not proven either.
fn with_unread(why: String, facts: &ObservedState) -> String {
    match facts.theirs_is_unread() {
        Some(unread) => format!("{why}; {unread}"),
        None => why,
    }
}

fn in_place(step: &PlannedStep) -> bool {
    matches!(step.decision, StepDecision::InPlace(_))
}

fn not_yet(plan: &RunPlan, why: &str) -> String {
    let open = plan
        .steps
        .iter()
        .filter(|step| step.id != StepId::Verification && !in_place(step));
    let (unread, missing): (Vec<&PlannedStep>, Vec<&PlannedStep>) = open.partition(|step| step.unread);
    let named = |said: &str, steps: &[&PlannedStep]| {
        let names: Vec<&str> = steps.iter().map(|step| step.id.name()).collect();
        (!names.is_empty()).then(|| format!("{said}: {}", names.join(", ")))
    };
    let parts = [
        named("not in place yet", &missing),
        named("unknown to this sign-in", &unread),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    match parts.as_slice() {
        [] => why.to_owned(),
        parts => parts.join("; "),
    }
}

/// The steps that nothing stands in front of, by who has to take them.
fn turns(intent: &PeeringIntent, plan: &RunPlan, setup: &str) -> Vec<NextAction> {
    let open = |id: &StepId| plan.steps.iter().any(|step| step.id == *id && !in_place(step));
    let first = plan
        .steps
        .iter()
        .filter(|step| !in_place(step) && !intent.needs(step.id).iter().any(open) && step.id != StepId::CleanUp);
    let mut next: Vec<NextAction> = Vec::new();
    let mut yours: Vec<String> = Vec::new();
    for step in first {
        match &step.decision {
            StepDecision::Blocked(hold) => next.push(NextAction {
                who: hold.who.clone(),
                what: hold.why.clone(),
                usually: None,
                packet: hold.packet.clone(),
            }),
            StepDecision::Await { what, usually } => next.push(NextAction {
                who: who_is_awaited(intent, step.id),
                what: what.clone(),
                usually: Some(usually.clone()),
                packet: Vec::new(),
            }),
            _ => yours.push(step.id.name().to_owned()),
        }
    }
    if !yours.is_empty() {
        let what = format!("go on with {}", yours.join(", "));
        next.insert(0, yours_to_do(what, setup));
    }
    next
}

fn who_is_awaited(intent: &PeeringIntent, step: StepId) -> String {
    match step {
        StepId::Consent => format!("an administrator of {}", intent.tenant_label()),
        StepId::VendorRequest => format!("whoever may configure networks in {}", intent.vendor.name),
        _ => intent.vendor.short_name.clone(),
    }
}

/// A link that works can still want something: a role that was taken away, a credential that was left behind.
fn to_tidy(plan: &RunPlan, setup: &str) -> Vec<NextAction> {
    let open = plan.steps.iter().filter(|step| !in_place(step));
    let (unseen, open): (Vec<&PlannedStep>, Vec<&PlannedStep>) = open.partition(|step| step.unread);
    let names = |steps: &[&PlannedStep]| steps.iter().map(|step| step.id.name()).collect::<Vec<_>>().join(", ");
    let look = (!unseen.is_empty()).then(|| NextAction {
        who: "an administrator who may read the directory".to_owned(),
        what: format!(
            "traffic flows; this sign-in cannot see whether these are in place: {}",
            names(&unseen)
        ),
        usually: None,
        packet: Vec::new(),
    });
    let whats = open
        .iter()
        .map(|step| format!("{} ({})", step.id, step.decision.what()));
    let whats = whats.collect::<Vec<_>>().join("; ");
    let tidy = (!open.is_empty()).then(|| {
        let what = format!("traffic flows, but not everything is in place: {whats}");
        yours_to_do(what, setup)
    });
    tidy.into_iter().chain(look).collect()
}

fn yours_to_do(what: String, command: &str) -> NextAction {
    NextAction {
        who: "you".to_owned(),
        what,
        usually: None,
        packet: vec![command.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{PeeringState, SyncLevel};
    use crate::engine::plan_of;
    use crate::plan::ConsentMode;
    use crate::steps::samples;
    use crate::vendors::RequestPhase;

    fn standing_after(change: fn(&mut PeeringIntent, &mut ObservedState)) -> LinkHealth {
        let (mut intent, mut facts) = samples::kong_done();
        change(&mut intent, &mut facts);
        let plan = plan_of(&intent, &facts);
        standing(&intent, &facts, &plan, "SETUP", "REPAIR")
    }

    fn pending(facts: &mut ObservedState) {
        facts.vnet.as_mut().expect("one").peerings.clear();
        facts.request.as_mut().expect("one").phase = RequestPhase::Pending;
    }

    #[test]
    fn whose_turn_it_is() {
        type Row = (
            &'static str,
            fn(&mut PeeringIntent, &mut ObservedState),
            HealthStatus,
            &'static str,
        );
        let table: [Row; 9] = [
            ("all well", |_, _| (), HealthStatus::Works, ""),
            (
                "the vendor is at work",
                |_, facts| pending(facts),
                HealthStatus::Waiting,
                "Kong",
            ),
            (
                "nobody has consented",
                |intent, facts| {
                    pending(facts);
                    intent.consent = ConsentMode::Wait;
                    facts.principal = None;
                },
                HealthStatus::Waiting,
                "an administrator of",
            ),
            (
                "a role is missing",
                |_, facts| {
                    pending(facts);
                    facts.roles.clear();
                },
                HealthStatus::Waiting,
                "you",
            ),
            (
                "a right is missing",
                |_, facts| {
                    pending(facts);
                    facts.roles.clear();
                    facts.rights_at_subscription = Some(Vec::new());
                },
                HealthStatus::Waiting,
                "an Owner",
            ),
            (
                "the vendor knows of nothing",
                |_, facts| facts.request = None,
                HealthStatus::Waiting,
                "you",
            ),
            (
                "the other side has to sync",
                |_, facts| facts.vnet.as_mut().expect("one").peerings[0].sync_level = SyncLevel::RemoteNotInSync,
                HealthStatus::Waiting,
                "Kong",
            ),
            (
                "the other side has to sync, and its request failed",
                |_, facts| {
                    facts.vnet.as_mut().expect("one").peerings[0].sync_level = SyncLevel::RemoteNotInSync;
                    facts.request.as_mut().expect("one").phase = RequestPhase::Failed;
                },
                HealthStatus::Broken,
                "you",
            ),
            (
                "half of it was deleted",
                |_, facts| facts.vnet.as_mut().expect("one").peerings[0].state = PeeringState::Disconnected,
                HealthStatus::Broken,
                "you",
            ),
        ];
        for (name, change, verdict, who) in table {
            let found = standing_after(change);
            assert_eq!(found.verdict, verdict, "{name}: {found:?}");
            let first = found.next.first().map_or("", |next| next.who.as_str());
            assert!(
                first.starts_with(who) && first.is_empty() == who.is_empty(),
                "{name}: {found:?}"
            );
        }
    }

    #[test]
    fn link_health_unseen_is_not_missing() {
        let found = standing_after(|_, facts| {
            facts.principal = None;
            facts.directory_is_closed = true;
        });
        assert_eq!(found.verdict, HealthStatus::Works);
        assert_eq!(found.next.len(), 1, "{found:?}");
        assert!(
            found.next[0].what.ends_with("in place: consent, role-assignment"),
            "{found:?}"
        );
        assert!(found.next[0].packet.is_empty());
    }

    #[test]
    fn link_health_reports_missing_role() {
        let found = standing_after(|_, facts| facts.assignments.clear());
        assert_eq!(found.verdict, HealthStatus::Works);
        assert!(found.next[0].what.contains("role-assignment"), "{found:?}");
    }
}
