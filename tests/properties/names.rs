//! Ids, names, prefixes, mappings, and messages in which a code is looked for.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use peerctl::domain::{
    AddressSpace, PeeringId, PeeringState, SyncLevel, VnetId, check_group, check_peering, check_vnet, harmless_json,
    lines, sanitize_for_terminal,
};
use peerctl::errors::search::search;
use peerctl::input::{EnvironmentVariables, GivenInputs};
use peerctl::sandbox::FaultRule;
use peerctl::vendors::{DnsMapping, profile, profiles};
use proptest::prelude::*;
use url::Url;

use super::{config, hostile, obeyed};

const ID: &[&str] = &[
    "/subscriptions/",
    "7d3c1f0a-3f6e-4c1b-9f5e-0a1b2c3d4e5f",
    "/resourceGroups/",
    "/providers/Microsoft.Network/virtualNetworks/",
    "/virtualNetworkPeerings/",
    "rg",
    "vnet-app",
    "../",
    "%2e%2e%2f",
    "..",
];

/// Azure's own patterns, by hand: first, inner and last character, and how many there may be.
fn follows(name: &str, first: fn(char) -> bool, most: usize) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let last = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let count = name.chars().count();
    (1..=most).contains(&count) && name.starts_with(first) && name.ends_with(last) && name.chars().all(inner)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn an_id_that_is_taken_prints_as_itself_and_stays_in_its_segments(text in hostile(ID)) {
        if let Ok(id) = text.parse::<VnetId>() {
            prop_assert_eq!(&id.to_string().parse::<VnetId>(), &Ok(id.clone()));
            prop_assert!(id.to_string().eq_ignore_ascii_case(text.trim().trim_end_matches('/')));
        }
        if let Ok(id) = text.parse::<PeeringId>() {
            prop_assert_eq!(id.to_string().parse::<PeeringId>(), Ok(id));
        }
    }

    #[test]
    fn whatever_the_names_an_id_is_nine_segments_of_a_url(
        guid in any::<u128>(), group in hostile(ID), name in "[A-Za-z0-9._-]{0,70}", peering in "[A-Za-z0-9._-]{0,90}",
    ) {
        let subscription = uuid::Uuid::from_u128(guid);
        let Ok(id) = VnetId::new(subscription, &group, &name) else { return Ok(()) };
        prop_assert_eq!(&id.to_string().parse::<VnetId>(), &Ok(id.clone()));
        let url = Url::parse("https://management.azure.com").expect("a URL").join(&id.to_string()).expect("a URL");
        prop_assert_eq!(url.path_segments().map(Iterator::count), Some(8));
        prop_assert_eq!((url.host_str(), url.query(), url.fragment()), (Some("management.azure.com"), None, None));
        if let Ok(peering) = id.peering(&peering) {
            prop_assert_eq!(peering.to_string().parse::<PeeringId>(), Ok(peering));
        }
    }

    #[test]
    fn names_follow_azures_own_patterns(name in prop_oneof![hostile(ID), "[A-Za-z0-9._-]{0,90}", "_[a-z_.]{0,81}"]) {
        let letter = |c: char| c.is_ascii_alphanumeric();
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        prop_assert_eq!(check_peering(&name).is_ok(), follows(&name, word, 80), "{:?}", &name);
        prop_assert_eq!(check_vnet(&name).is_ok(), follows(&name, letter, 64) && name.len() > 1, "{:?}", &name);
        if check_group(&name).is_ok() {
            prop_assert!(!name.contains(['/', '\\', '?', '#', '%', ' ']) && !obeyed(&name) && !name.ends_with('.'));
        }
    }

    #[test]
    fn two_spaces_overlap_exactly_where_they_share_an_address(
        ours in prop::collection::vec((any::<u8>(), 24_u8..=32), 0..4),
        theirs in prop::collection::vec((any::<u8>(), 24_u8..=32), 0..4),
    ) {
        // Within one /24, so that every address can be looked at.
        let texts = |blocks: &[(u8, u8)]| -> Vec<String> {
            blocks.iter().map(|(last, length)| format!("10.0.0.{last}/{length}")).collect()
        };
        let inside = |blocks: &[(u8, u8)], address: u8| {
            blocks.iter().any(|(last, length)| {
                let mask = u32::MAX.checked_shl(32 - u32::from(*length)).unwrap_or(0);
                let number = |last: u8| u32::from(Ipv4Addr::new(10, 0, 0, last));
                number(*last) & mask == number(address) & mask
            })
        };
        let (one, other) = (AddressSpace::from_texts(texts(&ours)), AddressSpace::from_texts(texts(&theirs)));
        let shared = (0..=u8::MAX).any(|address| inside(&ours, address) && inside(&theirs, address));
        prop_assert_eq!(!one.overlaps(&other).is_empty(), shared);
        let turned: Vec<_> = other.overlaps(&one).into_iter().map(|(theirs, ours)| (ours, theirs)).collect();
        let mut found = one.overlaps(&other);
        let mut turned = turned;
        found.sort();
        turned.sort();
        prop_assert_eq!(found, turned);
        if one.covers(&other) {
            prop_assert!((0..=u8::MAX).all(|address| !inside(&theirs, address) || inside(&ours, address)));
        }
    }

    #[test]
    fn a_prefix_is_read_or_left_out(text in hostile(&["10.0.0.0/16", "fd00::/48", "/33", "0.0.0.0/0", "999", ":"])) {
        let space = AddressSpace::from_texts([&text]);
        prop_assert_eq!(AddressSpace::from_texts(space.to_string().split(", ")), space);
    }

    #[test]
    fn a_dns_mapping_prints_as_itself(text in hostile(&["a.example", "10.0.0.4", "fd00::4", "=", ",", "xn--"])) {
        if let Ok(mapping) = text.parse::<DnsMapping>() {
            prop_assert_eq!(mapping.to_string().parse::<DnsMapping>(), Ok(mapping.clone()));
            prop_assert!(!mapping.domains.is_empty() && !mapping.servers.is_empty() && !obeyed(&mapping.to_string()));
        }
    }

    #[test]
    fn a_vendor_input_keeps_its_value(text in hostile(&["network=", "dns=", "=", "app-id=", ";"])) {
        let kong = profile("kong").expect("built in");
        let set = format!("network={text}");
        let given = GivenInputs::new([], &[set], EnvironmentVariables::default()).expect("it has a key");
        let inputs = given.vendor_inputs(&kong).expect("Kong has it");
        prop_assert_eq!(inputs.get("network").cloned(), (!text.is_empty()).then(|| vec![text.clone()]));
        if let Ok(given) = GivenInputs::new([], std::slice::from_ref(&text), EnvironmentVariables::default()) {
            let known = profiles().iter().any(|vendor| given.vendor_inputs(vendor).is_ok());
            prop_assert!(text.contains('=') && (known || given.vendor_inputs(&kong).is_err()));
        }
    }

    #[test]
    fn what_is_made_harmless_keeps_its_length_and_is_obeyed_by_nothing(text in hostile(&["\u{1b}[2J", "\u{1b}]0;x\u{7}"])) {
        let shown = sanitize_for_terminal(&text);
        let ends_line = shown.contains(['\n', '\u{2028}', '\u{2029}']);
        prop_assert!(!obeyed(&shown) && !ends_line);
        // A command of a pipeline is taken apart by a space; nothing else is added or lost.
        let no_space = |text: &str| text.chars().filter(|c| ![' ', '\n', '\r', '\t'].contains(c)).count();
        prop_assert_eq!(no_space(&shown), no_space(&text));
        if !text.contains("::") && !text.contains("##") {
            prop_assert_eq!(shown.chars().count(), text.chars().count());
        }
        prop_assert_eq!(&sanitize_for_terminal(&shown), &shown);
        let words: Vec<&str> = shown.split_whitespace().collect();
        prop_assert_eq!(lines(&shown, 12).join(" "), words.join(" "));
        let document = serde_json::to_string_pretty(&serde_json::json!({ &text: [&text] })).expect("a document");
        let harmless = harmless_json(&document);
        prop_assert!(!obeyed(&harmless));
        let read = serde_json::from_str::<serde_json::Value>;
        prop_assert_eq!(read(&harmless).expect("JSON"), read(&document).expect("JSON"));
    }

    #[test]
    fn a_word_of_azures_is_kept(text in hostile(&["Connected", "FullyInSync"])) {
        let same = |word: String| word.eq_ignore_ascii_case(&text);
        prop_assert!(same(PeeringState::from(text.as_str()).to_string()));
        prop_assert!(same(SyncLevel::from(text.as_str()).to_string()));
    }

    #[test]
    fn a_fault_rule_is_read_or_refused_with_its_text(
        text in hostile(&["PUT ", "*", "/roleAssignments/", ":2", "=429", "=", ":", "reset-after", ":7:Code:why"]),
    ) {
        if let Err(why) = text.parse::<FaultRule>() {
            prop_assert!(why.contains("METHOD PATH"), "{}", why);
        }
    }

    #[test]
    fn a_search_finds_something_or_nothing(
        text in hostile(&["AADSTS", "7000215", "Code=", "\"code\":", "{", "}", "HTTP 403", "state is ", "konnect:trace:"]),
    ) {
        let found = search(&text);
        prop_assert!(found.known.iter().all(|group| !group.is_empty()));
        prop_assert!(found.unknown.iter().all(|code| text.to_ascii_uppercase().contains(&code.to_ascii_uppercase())
            || code.starts_with("AADSTS") || code.starts_with("Konnect") || code.starts_with("Aiven")));
    }
}

#[test]
fn a_search_takes_time_in_proportion_to_its_text() {
    for part in ["AADSTS1 ", "code X1 ", "{{{{", "state Connected ", "aB ", "-"] {
        let begun = Instant::now();
        search(&part.repeat(2_000_000 / part.len()));
        // Two megabytes: a fraction of a second where it is linear, hours where it is not.
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{part:?}: {:?}",
            begun.elapsed()
        );
    }
}
