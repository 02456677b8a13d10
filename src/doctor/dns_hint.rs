//! `dns-hint`: a peering carries packets, not names. What to look after for names to resolve, where the profile says.

use super::check::{CheckFinding, CheckNeed, DoctorCheck};
use crate::plan::{CheckSeverity, PeeringIntent, StepId};
use crate::steps::ObservedState;

pub static CHECK: DoctorCheck = DoctorCheck {
    id: "dns-hint",
    severity: CheckSeverity::Warning,
    meaning: "Peering doesn't provide DNS resolution.",
    needs: &[CheckNeed::Step(StepId::Peering)],
    at_setup: true,
    of_writes: false,
    examine,
};

/// The profile's sentence, and the network's own DNS servers where it has some: they have to know the names too.
fn examine(intent: &PeeringIntent, facts: &ObservedState) -> Option<CheckFinding> {
    let hint = intent.vendor.peering.dns.as_ref()?;
    let servers = facts
        .vnet
        .as_ref()
        .map(|vnet| vnet.dns_servers.join(", "))
        .unwrap_or_default();
    Some(CheckFinding::ok(if servers.is_empty() {
        hint.clone()
    } else {
        format!(
            "{hint} {} uses custom DNS servers ({servers}), which must resolve the names.",
            intent.vnet.name
        )
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::samples;

    #[test]
    fn dns_hint_names_vnet_servers() {
        let (intent, mut facts) = samples::kong_done();
        assert!(
            CHECK
                .run(&intent, &facts)
                .expect("kong has a hint")
                .detail
                .contains("DNS mappings")
        );
        facts.vnet.as_mut().expect("one").dns_servers = vec!["10.20.0.4".into()];
        assert!(
            CHECK
                .run(&intent, &facts)
                .expect("kong has a hint")
                .detail
                .contains("(10.20.0.4)")
        );
    }
}
