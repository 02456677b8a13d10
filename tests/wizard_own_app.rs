//! The wizard for the vendors with which each side makes its own direction, and for another tenant.

#![cfg(unix)]

mod support;

use support::both_sides::{PARTNER_TENANT, VPC, assert_no_credential, partner};
use support::pty::{Exit, Wizard, against, keys};
use support::served::Served;

/// A question, by words that only stand there while it is open, and what is typed before Enter.
type Walk<'a> = &'a [(&'a str, &'a str)];

/// Answers these questions on a screen of 24 × 80, in this order. A question that is not in the list is left open, and
/// then the next one never comes.
#[track_caller]
fn walk(sandbox: &Served, without: &[&str], questions: Walk<'_>, done: &str) -> Wizard {
    let exported = sandbox.env().iter();
    let variables: Vec<(&str, &str)> = exported
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .filter(|(name, _)| *name != "AZURE_SUBSCRIPTION_ID" && !without.contains(name))
        .collect();
    let mut wizard = Wizard::start(["azure", "setup"], (24, 80), variables);
    for (question, answer) in questions {
        wizard.wait_for(question);
        wizard.answer(answer);
        wizard.answer(keys::ENTER);
    }
    wizard.wait_for(done);
    assert_eq!(wizard.exit_unsaved(), Exit::with_code(0), "{}", wizard.scrolled());
    assert!(wizard.cursor_visible() && wizard.echoes());
    assert_no_credential(sandbox);
    wizard
}

#[test]
fn aiven_asks_for_the_project_and_offers_its_vpcs() {
    let sandbox = Served::start(["--lag", "none"]);
    let wizard = walk(
        &sandbox,
        &[],
        &[
            ("Who do you want to peer with? ›", "aiven"),
            ("Subscription ›", "production"),
            ("Virtual network ›", "vnet-data"),
            ("? Aiven project", "demo"),
            ("Aiven project VPC ›", "westeurope"),
            ("Consent for Aiven (", ""),
            ("Go ahead?", "y"),
        ],
        "Done: vnet-data and Aiven are peered.",
    );
    let shown = wizard.scrolled();
    for part in [
        "multi-tenant application \"peerctl: vnet-data",
        "Aiven may then peer its own network",
        "vnet-data → Aiven: Connected, FullyInSync (10.130.0.0/24)",
        "--set project=demo",
        VPC,
    ] {
        assert!(shown.contains(part), "{part} in:\n{shown}");
    }
}

#[test]
fn dragonfly_offers_its_networks_and_takes_a_key_that_is_not_shown() {
    let sandbox = Served::start(["--lag", "none"]);
    let key = sandbox.value("DFCLOUD_API_KEY").to_owned();
    let wizard = walk(
        &sandbox,
        &["DFCLOUD_API_KEY"],
        &[
            ("Who do you want to peer with? ›", "dragonfly"),
            ("Subscription ›", "production"),
            ("Virtual network ›", "vnet-data"),
            ("Dragonfly Cloud API key (", &key),
            ("Dragonfly private network ›", "eastus2"),
            ("Consent for Dragonfly (", ""),
            ("Go ahead?", "y"),
        ],
        "Done: vnet-data and Dragonfly Cloud are peered.",
    );
    assert!(!wizard.transcript().contains(&key));
    let shown = wizard.scrolled();
    assert!(shown.contains("# DFCLOUD_API_KEY is in the environment"), "{shown}");
}

#[test]
fn another_tenant_is_asked_for_its_network_and_finds_the_tenant_by_itself() {
    let sandbox = Served::start(["--lag", "none"]);
    let remote = partner("vnet-partner");
    let wizard = walk(
        &sandbox,
        &[],
        &[
            ("Who do you want to peer with? ›", "another tenant"),
            ("Subscription ›", "production"),
            ("Virtual network ›", "vnet-data"),
            ("? Resource ID of the remote virtual network", &remote),
            ("Go ahead?", "y"),
        ],
        "Done: vnet-data and another tenant are peered.",
    );
    let shown = wizard.scrolled();
    assert!(
        shown.contains("vnet-data → another tenant: Connected, FullyInSync (10.150.0.0/16)"),
        "{shown}"
    );
    // The command line that does it again is complete.
    assert!(shown.contains(&format!("remote-tenant-id={PARTNER_TENANT}")), "{shown}");
}

#[test]
fn project_that_does_not_exist_is_asked_for_again_with_the_reason() {
    let sandbox = Served::start(["--lag", "none"]);
    let mut wizard = against(&sandbox, &["--vendor", "aiven"], &[], &[]);
    for (question, answer) in [
        ("Subscription ›", "production"),
        ("Virtual network ›", "vnet-data"),
        ("? Aiven project", "nonexist"),
    ] {
        wizard.wait_for(question);
        wizard.answer(answer);
        wizard.answer(keys::ENTER);
    }
    wizard.wait_for("The Aiven project doesn't exist, or the token doesn't have");
    wizard.wait_until("the question again", |screen| {
        let shown = screen.contents();
        shown[shown.find("doesn't exist")?..]
            .contains("? Aiven project")
            .then_some(())
    });
    wizard.answer("demo");
    wizard.answer(keys::ENTER);
    wizard.wait_for("Aiven project VPC ›");
    wizard.wait_for("❯ ");
    wizard.answer(keys::CTRL_C);
    assert_eq!(wizard.wait_exit(), Exit::with_code(130));
}
