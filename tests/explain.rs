//! `peerctl explain`: what people paste is looked up, offline.

mod support;

use peerctl::errors::known::{KnownError, all};
use serde_json::{Value, json};
use support::both_sides::words;
use support::cli::{Ran, Run, peerctl};

fn explain(args: &[&str]) -> Run {
    peerctl([&["explain"], args].concat())
}

#[track_caller]
fn explained(args: &[&str]) -> Ran {
    let ran = explain(args).run().expect_code(0);
    assert_eq!(ran.stderr, "", "{ran}");
    ran
}

/// The codes of a document.
fn codes(document: &Value) -> Vec<&str> {
    let codes = document["codes"].as_array().expect("a list").iter();
    codes.map(|code| code["code"].as_str().expect("a code")).collect()
}

#[test]
fn a_code_is_explained_however_it_is_written() {
    let whole = explained(&["AADSTS7000215"]);
    for part in [
        "AADSTS7000215 (Microsoft Entra)",
        "The client secret is wrong.",
        "Set AZURE_CLIENT_SECRET",
    ] {
        assert!(words(&whole.stdout).contains(part), "{part}\n{whole}");
    }
    for way in [
        "aadsts7000215",
        "7000215",
        "(AADSTS7000215)",
        "AADSTS7000215:",
        " AADSTS7000215\n",
    ] {
        assert_eq!(explained(&[way]).stdout, whole.stdout, "{way}");
    }
}

#[test]
fn every_entry_is_told_with_its_meaning_its_class_its_remedies_and_its_source() {
    let document = explained(&["-o", "json"]).json();
    assert_eq!(
        (&document["schema"], &document["command"]),
        (&json!(1), &json!("explain"))
    );
    let told = |known: &KnownError| {
        json!({
            "messageContains": known.contains, "class": known.class, "kind": known.kind, "meaning": known.meaning,
            "remedies": known.remedies, "source": known.source,
        })
    };
    let groups = document["codes"].as_array().expect("codes");
    for known in all() {
        let mine = |group: &&Value| group["code"] == known.code.as_str() && group["service"] == json!(known.service);
        let group = groups
            .iter()
            .find(mine)
            .unwrap_or_else(|| panic!("{} is listed", known.code));
        let meanings = group["meanings"].as_array().expect("meanings");
        assert!(meanings.contains(&told(known)), "{} in {group:#}", known.code);
        assert_eq!(group["state"], known.state);
    }
    let meanings: usize = groups
        .iter()
        .map(|group| group["meanings"].as_array().map_or(0, Vec::len))
        .sum();
    assert_eq!(meanings, all().len());
}

#[test]
fn without_a_code_all_are_listed_one_line_each_service_by_service() {
    let ran = explained(&[]);
    let headings: Vec<&str> = ran
        .stdout
        .lines()
        .filter(|line| !line.starts_with(' ') && !line.is_empty())
        .collect();
    let (last, headings) = headings.split_last().expect("a last line");
    assert_eq!(
        headings,
        [
            "Azure Resource Manager",
            "Azure Resource Manager, states",
            "Microsoft Entra",
            "Microsoft Graph",
            "Kong Konnect",
            "Kong Konnect, states",
            "Aiven",
            "Aiven, states",
            "Dragonfly Cloud",
            "Dragonfly Cloud, states",
        ]
    );
    let listed = ran.stdout.lines().filter(|line| line.starts_with("  ")).count();
    assert!(last.starts_with(&format!("{listed} codes and states.")), "{last}");
    for known in all() {
        let line = |line: &&str| line.trim_start().split("  ").next() == Some(&known.code);
        assert!(ran.stdout.lines().any(|text| line(&text)), "{}\n{ran}", known.code);
    }
    // All meanings begin with the code's usual one.
    let line = ran.stdout.lines().find(|line| line.contains(" AuthorizationFailed "));
    let line = line.expect("it is listed");
    assert!(
        line.contains("doesn't have permission for this action") && line.ends_with("(3 meanings)"),
        "{line}"
    );
}

#[test]
fn of_a_code_with_several_meanings_all_are_shown_with_how_to_tell_them_apart() {
    let ran = explained(&["LinkedAuthorizationFailed"]);
    for known in all().iter().filter(|known| known.code == "LinkedAuthorizationFailed") {
        let told = match known.contains.as_deref() {
            Some(contains) => format!("If the message contains \"{contains}\": Means: {}", known.meaning),
            None => format!("Otherwise: Means: {}", known.meaning),
        };
        assert!(words(&ran.stdout).contains(&told), "{told}\n{ran}");
    }
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 80), "{ran}");

    // With its message there is only one.
    let message = "(LinkedAuthorizationFailed) The client has permission to perform action 'x', however the current \
                   tenant 'a' is not authorized to access linked subscription 'b'.";
    let ran = explained(&[message]);
    assert!(words(&ran.stdout).contains("az login --tenant"), "{ran}");
    assert!(!ran.stdout.contains("meanings"), "{ran}");
}

#[test]
fn every_known_code_is_found_in_what_is_pasted() {
    let azs = "ERROR: (AuthorizationFailed) The client 'x' does not have authorization to perform action 'y'.\n\
               Code: AuthorizationFailed\nMessage: The client 'x' does not have authorization to perform action 'y'.";
    let arms = r#"{"error":{"code":"RetryableError","message":"m","details":[{"code":"RetryableErrorDueToAnotherOperation","message":"m"}]}}"#;
    let entras = r#"{"error":"invalid_client","error_description":"AADSTS7000222: The provided client secret keys for app 'a' are expired.","error_codes":[7000222]}"#;
    let kongs = r#"{"status":403,"title":"Quota Exceeded","instance":"konnect:trace:1","detail":"Maximum number of networks exceeded."}"#;
    let peerings = r#"{"peeringState":"Disconnected","peeringSyncLevel":"RemoteNotInSync"}"#;
    let table: [(&str, &[&str]); 6] = [
        (azs, &["AuthorizationFailed"]),
        (arms, &["RetryableError", "RetryableErrorDueToAnotherOperation"]),
        (entras, &["AADSTS7000222"]),
        (kongs, &["KonnectQuotaExceeded"]),
        (peerings, &["Disconnected", "RemoteNotInSync"]),
        ("first AADSTS50076, then PENDING_PEER", &["AADSTS50076", "PENDING_PEER"]),
    ];
    for (text, expected) in table {
        let by_argument = explained(&["-o", "json", text]).json();
        assert_eq!(codes(&by_argument), expected, "{text}");
        assert_eq!(by_argument["unknown"], json!([]), "{text}");
        let by_stdin = explain(&["-o", "json", "-"]).stdin(text).run().expect_code(0).json();
        assert_eq!(by_stdin, by_argument, "{text}");
        // Unquoted, the shell makes many arguments of it.
        let by_words: Vec<&str> = ["-o", "json"].into_iter().chain(text.split(' ')).collect();
        assert_eq!(explained(&by_words).json(), by_argument, "{text}");
    }
}

#[test]
fn states_of_peerings_and_vendors_are_explained_too() {
    let states = [
        ("Initiated", "Azure Resource Manager, a state"),
        ("disconnected", "peerctl azure repair"),
        ("LocalNotInSync", "az network vnet peering sync"),
        ("PENDING_PEER", "Aiven, a state"),
        ("REJECTED_BY_PEER", "rejected on your side"),
        ("INVALID_SPECIFICATION", "Azure rejected"),
        ("pending-acceptance", "Kong Konnect, a state"),
        ("inactive", "Dragonfly Cloud, a state"),
        ("ACTIVE", "not an error"),
    ];
    for (state, part) in states {
        let ran = explained(&[state]);
        assert!(words(&ran.stdout).contains(part), "{part}\n{ran}");
    }
    // One word of two vendors.
    let both = explained(&["error"]).stdout;
    assert!(
        both.contains("error (Kong Konnect, a state)") && both.contains("ERROR (Aiven, a state)"),
        "{both}"
    );
}

#[test]
fn an_unknown_code_is_told_its_family_its_neighbours_and_where_to_look() {
    let table: [(&str, &[&str]); 6] = [
        (
            "AADSTS7000225",
            &[
                "rejected the sign-in",
                "https://login.microsoftonline.com/error?code=7000225",
            ],
        ),
        ("AuthorisationFailed", &["peerctl explain AuthorizationFailed"]),
        ("DiskNotFound", &["doesn't exist", "https://learn.microsoft.com"]),
        ("409", &["HTTP 409: the resource already exists", "the full message"]),
        ("HTTP 503", &["HTTP 5xx"]),
        (
            "nothing but words",
            &["The text contains no code", "To list known codes: peerctl explain"],
        ),
    ];
    for (code, parts) in table {
        let ran = explain(&[code]).run().expect_code(2);
        assert_eq!(ran.stdout, "", "{ran}");
        for part in parts {
            assert!(words(&ran.stderr).contains(part), "{part}\n{ran}");
        }
    }
    let document = explain(&["AADSTS7000225", "-o", "json"]).run().expect_code(2).json();
    assert_eq!(document["codes"], json!([]));
    assert_eq!(document["unknown"][0]["code"], "AADSTS7000225");
    assert_eq!(document["unknown"][0]["near"], json!([]), "numbers are not misspelled");
    for code in [
        "AADSTS500113",
        "50011",
        "AADSTS650052",
        "RequestDisallowedByAzure",
        "VnetPeeringLimitReached",
    ] {
        explain(&[code]).run().expect_code(0);
    }

    // Beside a known one it is no error, and is named all the same.
    let ran = explained(&["AADSTS7000215 and AADSTS99999999"]);
    assert!(ran.stdout.contains("Unknown code: AADSTS99999999."), "{ran}");
}

#[test]
fn what_is_pasted_can_neither_draw_on_the_screen_nor_be_read_there_again() {
    let ran = explain(&["Bad\u{1b}[2JCode"]).run().expect_code(2);
    assert!(!ran.stderr.contains('\u{1b}'), "{ran}");
    let secret = "eyJ0eXAiOiJKV1QiLCJhbGciOiJ";
    let text = format!("Authorization: Bearer {secret}\nCode: AuthorizationFailed");
    let ran = explain(&["-"]).stdin(text).run().expect_code(0);
    assert!(!ran.stdout.contains(secret) && !ran.stderr.contains(secret), "{ran}");
}

#[test]
fn colour_is_for_terminals_or_on_demand() {
    assert!(!explained(&["Initiated"]).stdout.contains('\u{1b}'));
    assert!(explained(&["Initiated", "--color", "always"]).stdout.contains('\u{1b}'));
}

#[test]
fn a_whole_log_is_read_in_no_time() {
    let line = "2026-11-21T08:17:57Z GET /providers/Microsoft.Network/virtualNetworks a1b2c3 AuthorizationFailed\n";
    let ran = explain(&["-", "-o", "json"]).stdin(line.repeat(10_000));
    assert_eq!(codes(&ran.run().expect_code(0).json()), ["AuthorizationFailed"]);
}
