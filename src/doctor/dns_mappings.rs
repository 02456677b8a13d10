//! `dns-mappings`: the vendor's request has the DNS mappings that are given.

use super::check::{CheckFinding, CheckNeed, DoctorCheck};
use crate::domain::sanitize_for_terminal;
use crate::plan::{CheckSeverity, PeeringIntent, RunGoal, StepId};
use crate::steps::{ObservedState, has_other_dns};
use crate::vendors::{DnsMapping, RequestPhase};

pub static CHECK: DoctorCheck = DoctorCheck {
    id: "dns-mappings",
    severity: CheckSeverity::Error,
    meaning: "The vendor resolves private names with its existing mappings, not with the mappings given here.",
    needs: &[CheckNeed::Step(StepId::VendorRequest)],
    at_setup: true,
    of_writes: false,
    examine,
};

/// Compares the mappings of the request with those given. Setup doesn't change them: that takes a new request, and with
/// it the link for a while.
fn examine(intent: &PeeringIntent, facts: &ObservedState) -> Option<CheckFinding> {
    if intent.dns.is_empty() {
        return None;
    }
    let stays = |phase: RequestPhase| {
        matches!(
            phase,
            RequestPhase::Ready | RequestPhase::Pending | RequestPhase::UserAction
        )
    };
    let request = facts
        .request
        .as_ref()
        .filter(|request| stays(request.phase) && !facts.request_is_gone);
    let Some(request) = request else {
        return Some(CheckFinding::ok("the request will use the given DNS mappings"));
    };
    if !has_other_dns(intent, request) {
        return Some(CheckFinding::ok("the request has the given DNS mappings"));
    }
    let vendor = &intent.vendor.short_name;
    let has = match request.dns.is_empty() {
        true => "none".to_owned(),
        false => listed(&request.dns),
    };
    let finding = CheckFinding::problem(format!(
        "{vendor}'s DNS mappings ({has}) differ from the given mappings ({})",
        listed(&intent.dns)
    ))
    .remedy(format!(
        "To keep {vendor}'s mappings, omit --set dns (and PEERCTL_SET_DNS)."
    ))
    .remedy(format!(
        "To change them, run peerctl azure teardown, then setup with the new mappings. {vendor} has no other way to \
         change them. The link is down in between."
    ));
    // A repair keeps to the link.
    Some(if intent.goal == RunGoal::Repair {
        finding.warning()
    } else {
        finding
    })
}

fn listed(mappings: &[DnsMapping]) -> String {
    let all: Vec<String> = mappings
        .iter()
        .map(|mapping| sanitize_for_terminal(&mapping.to_string()))
        .collect();
    all.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::samples;

    #[test]
    fn dns_mappings_block_only_on_difference() {
        let mapping = |text: &str| vec![text.parse::<DnsMapping>().expect("a mapping")];
        let (mut intent, mut facts) = samples::kong_done();
        assert!(CHECK.run(&intent, &facts).is_none(), "nothing is given");
        intent.dns = mapping("a.example=10.0.0.4");
        let found = CHECK.run(&intent, &facts).expect("they are compared");
        assert!(found.blocks() && found.detail.contains("mappings (none)"), "{found:?}");
        facts.request.as_mut().expect("one").dns = mapping("a.example=10.0.0.9");
        let found = CHECK.run(&intent, &facts).expect("they are compared");
        assert!(
            found.blocks()
                && found
                    .detail
                    .contains("10.0.0.9) differ from the given mappings (a.example=10.0.0.4"),
            "{found:?}"
        );
        facts.request.as_mut().expect("one").dns = mapping("a.example=10.0.0.4");
        assert!(CHECK.run(&intent, &facts).expect("they are compared").ok);
    }
}
