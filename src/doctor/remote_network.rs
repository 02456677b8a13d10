//! `remote-network`: the other network has to be there, and not in a state that it never leaves.

use super::check::{CheckFinding, CheckNeed, DoctorCheck};
use crate::domain::sanitize_for_terminal;
use crate::plan::{CheckSeverity, PeeringIntent, StepId};
use crate::render::ShellWord;
use crate::steps::ObservedState;

pub static CHECK: DoctorCheck = DoctorCheck {
    id: "remote-network",
    severity: CheckSeverity::Error,
    meaning: "The remote network must exist, and its last update must have succeeded. If it doesn't exist, Azure reports a missing permission.",
    needs: &[CheckNeed::Step(StepId::Peering)],
    at_setup: true,
    of_writes: true,
    examine,
};

/// Names listed of a resource group.
const SHOWN: usize = 10;

/// Judges what was read of the other network; where this sign-in does not write there, nothing was.
fn examine(intent: &PeeringIntent, facts: &ObservedState) -> Option<CheckFinding> {
    let remote = facts.known_remote(intent)?;
    let (name, group) = (&remote.vnet.name, &remote.vnet.resource_group);
    let siblings = &facts.remote_siblings;
    if facts.remote_absent || (facts.remote_unread.is_some() && !siblings.is_empty()) {
        let listed: Vec<String> = siblings
            .iter()
            .take(SHOWN)
            .map(|name| sanitize_for_terminal(name))
            .collect();
        let more = if siblings.len() > SHOWN { ", …" } else { "" };
        let has = match listed.as_slice() {
            [] => "no virtual networks are visible there".to_owned(),
            names => format!("visible there: {}{more}", names.join(", ")),
        };
        let told = format!("{name} doesn't exist in {group}, or you don't have permission to read it ({has})");
        let list = format!(
            "az network vnet list --subscription {} --resource-group {} --output table",
            remote.vnet.subscription,
            ShellWord(group)
        );
        let found = CheckFinding::problem(told)
            .remedy("Check the remote network's ID:")
            .remedy(list);
        // A role without a right to read is enough to peer: Azure has the last word where it does not say that there is none.
        return Some(if facts.remote_absent { found } else { found.warning() });
    }
    if let Some(why) = &facts.remote_unread {
        return Some(CheckFinding::unknown(format!("couldn't read {name}: {why}")));
    }
    let state = facts.remote_vnet.as_ref()?.provisioning_state.as_str();
    let found = CheckFinding::problem(format!("{name}: provisioning state {state}"));
    Some(match state.to_ascii_lowercase().as_str() {
        "failed" | "canceled" => found.remedy(format!(
            "Ask its owner to update it without changes: az network vnet update --ids {}",
            ShellWord(&remote.vnet.to_string())
        )),
        "deleting" => found.remedy("Choose a network that isn't being deleted."),
        "succeeded" | "" => CheckFinding::ok(format!("{name} exists")),
        _ => found.remedy("Wait for the operation in progress to finish.").warning(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::CheckVerdict;
    use crate::steps::samples;
    use crate::vendors::RemoteNetwork;

    #[test]
    fn absent_or_failed_network_blocks() {
        let (intent, mut facts) = samples::kong_done();
        assert_eq!(CHECK.run(&intent, &facts), None);
        let peering = samples::peering(&intent, "theirs", 0xf00, "10.0.0.0/16");
        let vnet = peering.remote_vnet.expect("the sample has one");
        facts.request.as_mut().expect("one").remote = Some(RemoteNetwork {
            tenant: intent.tenant,
            vnet,
        });
        assert_eq!(CHECK.run(&intent, &facts), None);
        facts.remote_unread = Some("AuthorizationFailed".into());
        assert_eq!(
            CHECK.run(&intent, &facts).expect("known").verdict,
            CheckVerdict::Unknown
        );
        facts.remote_siblings = vec!["vnet-partner".into(), "vnet-b".into()];
        let hidden = CHECK.run(&intent, &facts).expect("known");
        assert!(!hidden.ok && !hidden.blocks(), "{hidden:?}");
        facts.remote_unread = None;
        facts.remote_absent = true;
        let absent = CHECK.run(&intent, &facts).expect("known");
        assert!(
            absent.blocks() && absent.detail.contains("(visible there: vnet-partner, vnet-b)"),
            "{absent:?}"
        );
        facts.remote_siblings.clear();
        assert!(
            CHECK
                .run(&intent, &facts)
                .expect("known")
                .detail
                .contains("no virtual networks are visible there")
        );
        facts.remote_absent = false;
        for (state, ok, blocks) in [
            ("Succeeded", true, false),
            ("Updating", false, false),
            ("Failed", false, true),
            ("Deleting", false, true),
        ] {
            let mut vnet = facts.vnet.clone().expect("one");
            vnet.provisioning_state = state.into();
            facts.remote_vnet = Some(vnet);
            let check = CHECK.run(&intent, &facts).expect("known");
            assert_eq!((check.ok, check.blocks()), (ok, blocks), "{check:?}");
        }
    }
}
