//! The vendor request: through the vendor's API, or by hand.

use url::Url;
use uuid::Uuid;

use super::{ScriptSection, ours_to_write, token_env};
use crate::domain::{AddressSpace, sanitize_for_terminal};
use crate::plan::{PeeringIntent, VendorAccess};
use crate::render::quoted;
use crate::vendors::{CreatedBy, NewRequest, VendorApi, connection, peering_connection, transit_gateway};

const RULE: &str = "# ----------------------------------------------------------------------------------------------------- vendor request\n\n";

pub(super) fn parts(intent: &PeeringIntent) -> Vec<ScriptSection> {
    if intent.vendor.peering.created_by == CreatedBy::Customer {
        return vec![ScriptSection::new("phase=ready\n")];
    }
    match (intent.access, &intent.vendor.access) {
        (VendorAccess::Api, Some(access)) => vec![api(intent, access)],
        _ => vec![by_hand(intent)],
    }
}

fn api(intent: &PeeringIntent, access: &VendorApi) -> ScriptSection {
    let (address, body, vendors_own) = match access.connector.as_str() {
        "konnect" => (
            address(intent, &["v2", "cloud-gateways"]),
            transit_gateway(&new_request(intent)),
            include_str!("script/konnect.sh"),
        ),
        "aiven" => (
            address(
                intent,
                &[
                    "v1",
                    "project",
                    intent.vendor_input("project").unwrap_or_default(),
                    "vpcs",
                ],
            ),
            peering_connection(&new_request(intent)),
            include_str!("script/aiven.sh"),
        ),
        _ => (
            address(intent, &["v1"]),
            connection("", &new_request(intent)),
            include_str!("script/dragonfly.sh"),
        ),
    };
    let token = token_env(&access.token_env);
    let token = format!(
        "vendor_token=${{{token}:-}}\nif [[ -z $vendor_token ]]; then\n    die \"Set {token} to $token_help.\"\nfi\n"
    );
    let text = [
        RULE,
        &token,
        include_str!("script/request.sh"),
        vendors_own,
        include_str!("script/request_end.sh"),
        if ours_to_write(intent) {
            include_str!("script/our_turn.sh")
        } else {
            ""
        },
    ];
    let part = ScriptSection::new(&text.concat())
        .value("api", address)
        .value("token_help", sanitize_for_terminal(&access.token_help))
        .value("request_kind", sanitize_for_terminal(&access.request))
        .value("network", intent.vendor_network().unwrap_or_default())
        .value("request_body", body.to_string());
    if ours_to_write(intent) {
        remote(intent, part)
    } else {
        part
    }
}

/// Returns the section that sets the location of the other side, as far as the inputs specify it.
fn remote(intent: &PeeringIntent, part: ScriptSection) -> ScriptSection {
    let way = &intent.vendor.peering;
    let remote = intent.configured_remote();
    let tenant = remote.as_ref().map(|remote| remote.tenant).or(way.tenant);
    part.value("remote_tenant_id", tenant.map(|id| id.to_string()).unwrap_or_default())
        .value(
            "remote_vnet_id",
            remote.map(|remote| remote.vnet.to_string()).unwrap_or_default(),
        )
}

/// The API's address and a path: an address has no path of its own.
fn address(intent: &PeeringIntent, path: &[&str]) -> String {
    let Some(mut url) = intent.vendor_api.clone() else {
        return String::new();
    };
    url.set_query(None);
    url.set_fragment(None);
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.clear().extend(path);
    }
    Url::to_string(&url)
}

/// Returns the request to the vendor, without the values that the script determines when it runs.
fn new_request(intent: &PeeringIntent) -> NewRequest {
    intent.new_request("", &AddressSpace::default(), None)
}

/// The hand-off's values, printed; then the vendor's ids are needed, where we write our direction.
fn by_hand(intent: &PeeringIntent) -> ScriptSection {
    // The own application's id is known when the script runs: a mark stands where it goes.
    let mark = Uuid::from_u128(u128::MAX);
    let card = intent.card(Some(mark));
    let before = card.before.iter().map(|line| format!("  before that: {line}"));
    let values = card
        .values
        .iter()
        .map(|value| format!("  {}: {}", value.label, value.value));
    let lines: Vec<String> = before
        .chain(values)
        .map(|line| sanitize_for_terminal(&line))
        .map(|line| match line.split_once(&mark.to_string()) {
            Some((before, after)) => format!("    {}\"$own_app_id\"{}", quoted(before), quoted(after)),
            None => format!("    {}", quoted(&line)),
        })
        .collect();
    let mut text = format!(
        "{RULE}# By hand: the values to enter at {}.\nhand_off=(\n{}\n)\nprintf '%s\\n' \"Enter at $place\" \"${{hand_off[@]}}\"\nphase=ready\n",
        sanitize_for_terminal(&intent.vendor.name),
        lines.join("\n")
    );
    if !ours_to_write(intent) {
        return ScriptSection::new(&text).value("place", sanitize_for_terminal(&card.place));
    }
    if intent.configured_remote().is_none() {
        text.push_str(include_str!("script/ids_by_hand.sh"));
    }
    let part = ScriptSection::new(&text).value("place", sanitize_for_terminal(&card.place));
    match intent.configured_remote() {
        Some(_) => remote(intent, part),
        None => part.value("returns", sanitize_for_terminal(&card.returns.unwrap_or_default())),
    }
}
