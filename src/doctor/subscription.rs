//! `subscription`: a disabled subscription takes no write, and one of another tenant has its rights there.

use super::check::{CheckFinding, CheckNeed, DoctorCheck};
use crate::azure::SubscriptionInfo;
use crate::domain::TenantId;
use crate::plan::{CheckSeverity, PeeringIntent, StepId};
use crate::steps::ObservedState;

pub static CHECK: DoctorCheck = DoctorCheck {
    id: "subscription",
    severity: CheckSeverity::Error,
    meaning: "In a disabled subscription, resources can be read and deleted, but not created or changed (ReadOnlyDisabledSubscription).",
    needs: &[CheckNeed::Step(StepId::Peering)],
    at_setup: true,
    of_writes: true,
    examine,
};

/// Judges the subscriptions of both networks by tenant and state, as Azure lists them.
fn examine(intent: &PeeringIntent, facts: &ObservedState) -> Option<CheckFinding> {
    let own = facts.subscription.as_ref().map(|own| (own, intent.tenant));
    let remote = facts.remote_subscription.as_ref();
    let remote = remote.and_then(|remote| Some((remote, facts.known_remote(intent)?.tenant)));
    let mut both = own.into_iter().chain(remote);
    let found = both
        .clone()
        .find_map(|(subscription, tenant)| judge(subscription, tenant));
    found.or_else(|| {
        let (subscription, _) = both.next()?;
        Some(CheckFinding::ok(describe(subscription)))
    })
}

fn describe(subscription: &SubscriptionInfo) -> String {
    let SubscriptionInfo { id, name, state, .. } = subscription;
    match state.as_str() {
        "" => format!("subscription {name} ({id}) is visible"),
        state => format!("subscription {name} ({id}) is {state}"),
    }
}

/// Returns the problem with the subscription. States: learn.microsoft.com, Azure subscription states.
fn judge(subscription: &SubscriptionInfo, tenant: TenantId) -> Option<CheckFinding> {
    if subscription.tenant != tenant {
        // Azure Lighthouse shows subscriptions of other tenants.
        let told = format!(
            "subscription {} belongs to tenant {}, not to {tenant}: consent and roles must be granted there",
            subscription.id, subscription.tenant
        );
        let remedy = format!(
            "Run the same command with --tenant-id {0}. If you aren't signed in there, first run: az login --tenant {0}",
            subscription.tenant
        );
        return Some(CheckFinding::problem(told).remedy(remedy));
    }
    let is = |states: &[&str]| {
        states
            .iter()
            .any(|state| state.eq_ignore_ascii_case(&subscription.state))
    };
    if is(&["PastDue"]) {
        let remedy = "Ask its account owner to pay the outstanding invoice before Azure disables it.";
        return Some(CheckFinding::problem(describe(subscription)).remedy(remedy).warning());
    }
    is(&["Disabled", "Warned", "Expired", "Deleted"]).then(|| {
        CheckFinding::problem(describe(subscription)).remedy(
            "Ask its account owner to reactivate it (Azure portal > Subscriptions), then run the same command again.",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::samples;

    #[test]
    fn states_block_as_azure_documents_them() {
        let (intent, mut facts) = samples::kong_done();
        assert_eq!(CHECK.run(&intent, &facts), None);
        let mut found = |state: &str, tenant: TenantId| {
            facts.subscription = Some(SubscriptionInfo {
                id: intent.vnet.subscription,
                name: "Prod".into(),
                tenant,
                state: state.into(),
            });
            CHECK.run(&intent, &facts).expect("known")
        };
        for (state, ok, blocks) in [
            ("Enabled", true, false),
            ("PastDue", false, false),
            ("Warned", false, true),
            ("disabled", false, true),
            ("Expired", false, true),
            ("Deleted", false, true),
            ("SomethingNew", true, false),
            ("", true, false),
        ] {
            let check = found(state, intent.tenant);
            assert_eq!((check.ok, check.blocks()), (ok, blocks), "{state}: {check:?}");
        }
        let elsewhere = found("Enabled", TenantId::from_u128(0xabc));
        assert!(
            elsewhere.blocks() && elsewhere.detail.contains("belongs to tenant"),
            "{elsewhere:?}"
        );
    }
}
