//! The peering: the vendor's, waited for; or ours, and theirs where it is ours to write; then both Connected.

use serde_json::json;

use super::{ScriptSection, other_direction, ours_to_write};
use crate::domain::sanitize_for_terminal;
use crate::plan::{PeeringIntent, VendorAccess};
use crate::vendors::CreatedBy;

const RULE: &str = "# ------------------------------------------------------------------------------------------------------------ peering\n\n";

const FAILED: &str = "    if [[ $provisioning == Failed ]]; then
        die \"Azure could not finish the peering $(plain \"$peering_name\"). Run this again to write it anew.\"
    fi
";

pub(super) fn parts(intent: &PeeringIntent) -> Vec<ScriptSection> {
    let mut part = if ours_to_write(intent) {
        ours(intent)
    } else {
        vendors(intent)
    };
    let by_api = intent.access == VendorAccess::Api && intent.vendor.peering.created_by != CreatedBy::Customer;
    let looks = [
        (by_api, "    read_request\n    mend_request\n"),
        (true, "    read_peering\n"),
        (ours_to_write(intent), FAILED),
    ];
    let look: String = looks
        .iter()
        .filter(|(wanted, _)| *wanted)
        .map(|(_, text)| *text)
        .collect();
    part.text.push_str(&format!(
        "\n# Both directions; that usually takes {}.\nlook_again() {{\n{look}}}\n{}",
        sanitize_for_terminal(&intent.vendor.usual_wait),
        include_str!("script/connected.sh")
    ));
    vec![part]
}

fn ours(intent: &PeeringIntent) -> ScriptSection {
    let theirs = intent.other_side_of_ours();
    let (first, last) = match theirs {
        Some(_) => (include_str!("script/theirs.sh"), include_str!("script/theirs_end.sh")),
        None => (include_str!("script/make_way.sh"), ""),
    };
    let text = [
        RULE,
        include_str!("script/peering.sh"),
        "read_peering\n",
        include_str!("script/ours.sh"),
        first,
        include_str!("script/ours_written.sh"),
        last,
        "done_writing\n",
    ]
    .concat();
    let part = ScriptSection::new(&text)
        .value("our_peering_name", intent.default_peering_name())
        .value("our_settings", json!(intent.peering_settings.properties()).to_string());
    let Some(remote) = theirs else { return part };
    let name = intent.remote_peering_name(&remote);
    let transit = intent.peering_settings.use_remote_gateways;
    part.value("remote_tenant_id", remote.tenant.to_string())
        .value("remote_vnet_id", remote.vnet.to_string())
        .values("other_side", &other_direction(intent, &remote, None, transit))
        .value("their_peering_name", name)
}

fn vendors(intent: &PeeringIntent) -> ScriptSection {
    let text = [RULE, include_str!("script/vendors_peering.sh")].concat();
    let part = ScriptSection::new(&text).value("wanted_name", intent.peering_name.clone().unwrap_or_default());
    match intent.access {
        VendorAccess::Api => part,
        // No two networks that share addresses can be peered with one network; by hand the addresses are not known.
        VendorAccess::Manual => part.value("network_cidr", ""),
    }
}
