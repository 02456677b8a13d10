//! What services say, in the whole program: escape sequences in a refusal reach no screen, log, ticket or document; and
//! a page to consent at is the cloud's own, whatever a file says.

mod support;

use serde_json::Value;
use support::cli::peerctl;
use support::kong::{TENANT, VNET_ID, setup};
use support::served::Served;

/// A cleared screen, a title, C1's CSI, text turned round, invisible characters, and commands of pipelines, as a service
/// could put them into a message.
const MESSAGE: &str = "no\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}31m\u{202e}\u{200b}\u{feff}\u{e0041} \
                       ##vso[task.setvariable variable=BASH_ENV]x ##[group]y ::add-mask::z \u{a0}::stop-commands::t \
                       https://elsewhere.example/ @admins";

fn obeyed(c: char) -> bool {
    let invisible =
        matches!(c, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
    let turned = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    (c.is_control() && c != '\n') || invisible || turned
}

/// Whether Azure Pipelines or GitHub obeys the line.
fn is_command(line: &str) -> bool {
    let lower = line.to_lowercase();
    lower.contains("##vso[") || lower.contains("##[") || line.trim().starts_with("::")
}

/// Every string of a document.
fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(strings).collect(),
        Value::Object(fields) => fields.values().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn an_escape_sequence_in_a_refusal_is_shown_and_not_obeyed() {
    for (request, status) in [
        ("PUT */roleDefinitions/*", "400:Odd"),
        ("GET */virtualNetworks/*", "403:AuthorizationFailed"),
        ("POST */transit-gateways", "409:Odd"),
        ("POST */oauth2/v2.0/token", "400:AADSTS7000215"),
        ("GET */servicePrincipals*", "400:Odd"),
    ] {
        let fault = format!("{request}={status}:{MESSAGE}");
        let sandbox = Served::start(["--lag", "none", "--fault", &fault]);
        for more in [&["-o", "json"][..], &["-vvv"], &["-q"]] {
            let folder = tempfile::tempdir().expect("a folder");
            let at = |name: &str| folder.path().join(name).display().to_string();
            let (log, ticket) = (at("log"), at("ticket.md"));
            let flags = [&["--log-file", &log, "--report", &ticket], more].concat();
            let ran = setup(&sandbox, &flags).env("PEERCTL_STATE_DIR", at("records")).run();
            assert_ne!(ran.code, Some(0), "{request}");
            let mut shown = vec![ran.stdout.clone(), ran.stderr.clone()];
            shown.extend(
                [log, ticket]
                    .iter()
                    .filter_map(|file| std::fs::read_to_string(file).ok()),
            );
            assert!(
                shown.iter().any(|text| text.contains("[2J")),
                "the message is shown: {fault}\n{ran}"
            );
            for text in shown {
                assert!(!text.contains(obeyed), "{request} {more:?}: {text:?}");
                let command = text.lines().find(|line| is_command(line));
                assert_eq!(command, None, "{request} {more:?}");
                assert!(
                    !text.contains(" https://elsewhere.example/ @") || !text.starts_with("<!--"),
                    "{text}"
                );
            }
            let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_default();
            assert!(more != ["-o", "json"] || document.is_object(), "{ran}");
            for text in strings(&document) {
                let lines: Vec<&str> = text.lines().collect();
                assert!(lines.len() < 2 && !is_command(text), "{request}: {text:?}");
            }
        }
    }
}

#[test]
fn a_page_to_consent_at_is_the_clouds_own_whatever_a_profile_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let kong = include_str!("../src/vendors/kong.toml");
    // The one thing of a profile that is part of the page's address.
    let elsewhere = kong.replace(
        "207b296f-cf25-4d23-9eba-9a2c41dc62ca",
        "207b296f-cf25-4d23-9eba-9a2c41dc62ca&redirect_uri=https://elsewhere.example",
    );
    let words = kong.replace("name = \"kong-cgw", "name = \"https://elsewhere.example/?kong-cgw");
    let file = folder.path().join("own.toml").display().to_string();
    let run = |text: &str| {
        std::fs::write(&file, text).expect("a file");
        let flags = [
            "azure",
            "setup",
            "--dry-run",
            "--no-input",
            "--vendor",
            &file,
            "--tenant-id",
            TENANT,
        ];
        let more = ["--vnet-id", VNET_ID, "--vendor-access", "manual", "--consent", "wait"];
        peerctl(flags.into_iter().chain(more)).run()
    };
    assert_ne!(elsewhere, kong);
    run(&elsewhere).expect_code(2);
    assert_ne!(words, kong);
    let script = run(&words).expect_code(0).stdout;
    let pages: Vec<&str> = script
        .split("https://")
        .filter(|rest| rest.contains("adminconsent"))
        .collect();
    assert!(!pages.is_empty(), "{script}");
    for page in pages {
        assert!(page.starts_with("login.microsoftonline.com/"), "{page}");
    }
}
