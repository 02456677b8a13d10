//! `remote-tenant`: a token for the wrong tenant opens nothing, and Azure's refusal does not say which one is right.

use crate::plan::{Check, Intent, Severity};
use crate::steps::Facts;

/// Compares the other tenant as it was given with the one that Azure names for the other network's subscription.
pub fn check(intent: &Intent, facts: &Facts) -> Option<Check> {
    let remote = facts.remote(intent)?;
    let tenant = *facts.remote_tenants.get(&remote.vnet.subscription)?;
    let ok = tenant == remote.tenant;
    let (name, subscription) = (&remote.vnet.name, remote.vnet.subscription);
    Some(Check {
        id: "remote-tenant",
        severity: Severity::Error,
        ok,
        detail: if ok {
            format!("{name} lies in tenant {tenant}")
        } else {
            format!(
                "{name} lies in tenant {tenant}, not in {}: subscription {subscription} belongs to it",
                remote.tenant
            )
        },
        remedies: if ok {
            Vec::new()
        } else {
            let key = intent
                .vendor
                .inputs
                .iter()
                .find(|input| input.key.ends_with("-tenant-id"));
            key.map(|key| format!("--set {}={tenant}", key.key))
                .into_iter()
                .collect()
        },
    })
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
        assert_eq!(check(&intent, &facts), None);
        let peering = samples::peering(&intent, "theirs", 0xf00, "10.0.0.0/16");
        let vnet = peering.remote_vnet.expect("the sample has one");
        facts.remote_tenants.insert(vnet.subscription, Uuid::from_u128(7));
        let tenant = Uuid::from_u128(7);
        facts.request.as_mut().expect("one").remote = Some(RemoteNetwork { tenant, vnet });
        assert!(check(&intent, &facts).expect("both are known").ok);
        facts
            .request
            .as_mut()
            .expect("one")
            .remote
            .as_mut()
            .expect("one")
            .tenant = Uuid::from_u128(8);
        assert!(check(&intent, &facts).expect("both are known").blocks());
    }
}
