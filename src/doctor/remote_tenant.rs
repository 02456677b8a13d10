//! `remote-tenant`: a token for the wrong tenant opens nothing, and Azure's refusal does not say which one is right.

use super::check::{CheckFinding, CheckNeed, DoctorCheck};
use crate::plan::{CheckSeverity, PeeringIntent, StepId};
use crate::steps::ObservedState;

pub static CHECK: DoctorCheck = DoctorCheck {
    id: "remote-tenant",
    severity: CheckSeverity::Error,
    meaning: "A token for the wrong tenant is rejected, and the error doesn't name the right tenant.",
    needs: &[CheckNeed::Step(StepId::Peering), CheckNeed::Step(StepId::VendorRequest)],
    at_setup: true,
    of_writes: false,
    examine,
};

/// Compares the other tenant as it was given with the one that Azure names for the other network's subscription.
fn examine(intent: &PeeringIntent, facts: &ObservedState) -> Option<CheckFinding> {
    let remote = facts.known_remote(intent)?;
    let tenant = *facts.remote_tenants.get(&remote.vnet.subscription)?;
    let (name, subscription) = (&remote.vnet.name, remote.vnet.subscription);
    if tenant == remote.tenant {
        return Some(CheckFinding::ok(format!("{name} is in tenant {tenant}")));
    }
    let mut inputs = intent.vendor.inputs.iter();
    let key = inputs.find(|input| input.key.ends_with("-tenant-id"));
    let found = CheckFinding::problem(format!(
        "{name} is in tenant {tenant}, not in {}: subscription {subscription} belongs to that tenant",
        remote.tenant
    ));
    Some(found.remedies(key.map(|key| format!("--set {}={tenant}", key.key))))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::steps::samples;
    use crate::vendors::RemoteNetwork;

    #[test]
    fn another_tenant_than_azure_names_blocks() {
        let (intent, mut facts) = samples::kong_done();
        assert_eq!(CHECK.run(&intent, &facts), None);
        let peering = samples::peering(&intent, "theirs", 0xf00, "10.0.0.0/16");
        let vnet = peering.remote_vnet.expect("the sample has one");
        facts.remote_tenants.insert(vnet.subscription, Uuid::from_u128(7));
        let tenant = Uuid::from_u128(7);
        facts.request.as_mut().expect("one").remote = Some(RemoteNetwork { tenant, vnet });
        assert!(CHECK.run(&intent, &facts).expect("both are known").ok);
        facts
            .request
            .as_mut()
            .expect("one")
            .remote
            .as_mut()
            .expect("one")
            .tenant = Uuid::from_u128(8);
        assert!(CHECK.run(&intent, &facts).expect("both are known").blocks());
    }
}
