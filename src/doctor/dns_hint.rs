//! `dns-hint`: a peering carries packets, not names. What to look after for names to resolve, where the profile says.

use crate::plan::{Check, Intent, Severity};
use crate::steps::Facts;

/// The profile's sentence, and the network's own DNS servers where it has some: they have to know the names too.
pub fn check(intent: &Intent, facts: &Facts) -> Option<Check> {
    let hint = intent.vendor.peering.dns.as_ref()?;
    let servers = facts
        .vnet
        .as_ref()
        .map(|vnet| vnet.dns_servers.join(", "))
        .unwrap_or_default();
    let detail = if servers.is_empty() {
        hint.clone()
    } else {
        format!(
            "{hint} {} asks its own DNS servers ({servers}): they have to know the names.",
            intent.vnet.name
        )
    };
    Some(Check {
        id: "dns-hint",
        severity: Severity::Warning,
        ok: true,
        detail,
        remedies: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::samples;

    #[test]
    fn the_networks_own_dns_servers_are_named() {
        let (intent, mut facts) = samples::kong_done();
        assert!(
            check(&intent, &facts)
                .expect("kong has a hint")
                .detail
                .contains("DNS mappings")
        );
        facts.vnet.as_mut().expect("one").dns_servers = vec!["10.20.0.4".into()];
        assert!(
            check(&intent, &facts)
                .expect("kong has a hint")
                .detail
                .contains("(10.20.0.4)")
        );
    }
}
