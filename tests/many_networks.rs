//! Large estates in the wizard: the networks of all subscriptions in one list, which is of use while it still fills, and
//! which says what it does not show.

#![cfg(unix)]

mod support;

use support::kong::{OTHER_SUBSCRIPTION, TENANT};
use support::pty::{Exit, Wizard, against, keys};
use support::served::Served;
use support::troubles::troubles;

const SUBSCRIPTION: &str = "? Subscription ›";
const VNET: &str = "? Virtual network ›";
const NEXT: &str = "? Konnect network ›";
const NO_GRAPH: &str = "POST */Microsoft.ResourceGraph/resources=403:AuthorizationFailed";

/// A sandbox with 1,210 networks in 15 subscriptions: a page of Resource Graph, and some more.
fn large(faults: &[&str]) -> Served {
    let faults = faults.iter().flat_map(|fault| ["--fault", fault]);
    let args = ["--lag", "none", "--subscriptions", "12", "--vnets", "100"];
    Served::start(args.into_iter().chain(faults))
}

/// The list of the networks of all subscriptions.
fn everywhere(sandbox: &Served, env: &[(&str, &str)]) -> Wizard {
    let mut wizard = against(sandbox, &["--vendor", "kong"], &[], env);
    wizard.wait_for("❯ All subscriptions   search their networks");
    wizard.answer(keys::ENTER);
    wizard.wait_for(VNET);
    wizard
}

#[track_caller]
fn leave(wizard: &mut Wizard) {
    wizard.answer(keys::CTRL_C);
    assert_eq!(wizard.wait_exit(), Exit::with_code(130), "{}", wizard.screen());
    assert!(wizard.cursor_visible() && wizard.echoes(), "{}", wizard.screen());
}

#[test]
fn a_network_is_found_among_those_of_all_subscriptions_by_any_of_its_columns() {
    let sandbox = large(&[]);
    let mut wizard = everywhere(&sandbox, &[]);
    wizard.wait_for("1,210 in all.");
    for (typed, shown) in [
        ("00042", "12 of 1,210 fit."),
        (" 0007", "❯ vnet-00042   rg-network      Contoso 0007"),
    ] {
        wizard.answer(typed);
        wizard.wait_for(shown);
    }
    wizard.answer(keys::ENTER);
    wizard.wait_for("✔ Virtual network · vnet-00042 (rg-network, Contoso 0007, eastus2, 10.0.42.0/24)");
    // And the way back: to the list, to the subscriptions, and to another network of one of them.
    wizard.wait_for(NEXT);
    wizard.answer(keys::ESC);
    wizard.wait_for(VNET);
    wizard.answer(keys::ESC);
    wizard.wait_for(SUBSCRIPTION);
    wizard.answer("staging");
    wizard.answer(keys::ENTER);
    wizard.wait_for("❯ vnet-app    rg-network");
    wizard.answer("hub");
    wizard.answer(keys::ENTER);
    for question in [NEXT, "DNS mapping (", "Consent for Kong ("] {
        wizard.wait_for(question);
        wizard.answer(keys::ENTER);
    }
    wizard.wait_for("Go ahead?");
    assert!(wizard.scrolled().contains("at vnet-hub"), "{}", wizard.scrolled());
    leave(&mut wizard);
}

#[test]
fn the_command_line_that_does_it_again_names_the_subscription_that_was_found() {
    let sandbox = Served::start(["--lag", "none"]);
    let mut wizard = everywhere(&sandbox, &[]);
    wizard.answer("spoke");
    wizard.wait_for("❯ vnet-spoke");
    for question in [VNET, NEXT, "DNS mapping (", "Consent for Kong ("] {
        wizard.wait_for(question);
        wizard.answer(keys::ENTER);
    }
    wizard.wait_for("Go ahead?");
    wizard.answer("y\r");
    assert_eq!(wizard.exit_unsaved(), Exit::with_code(0));
    let shown = wizard.scrolled();
    assert!(
        shown.contains(&format!("--subscription {OTHER_SUBSCRIPTION}")),
        "{shown}"
    );
    assert!(shown.contains("--vnet vnet-spoke"), "{shown}");
}

#[test]
fn a_list_can_be_chosen_from_while_the_rest_of_it_does_not_come() {
    let sandbox = large(&["POST */Microsoft.ResourceGraph/resources:2=stall"]);
    let mut wizard = everywhere(&sandbox, &[]);
    wizard.wait_for("1,000 so far, and reading more…");
    wizard.answer("00042 0007");
    wizard.wait_for("1 of 1,000 so far, and reading more…");
    wizard.wait_for("❯ vnet-00042  rg-network      Contoso 0007");
    wizard.answer(keys::ENTER);
    wizard.wait_for("✔ Virtual network · vnet-00042 (rg-network, Contoso 0007");
    wizard.wait_for(NEXT);
    // Back again, it is as it was; and nobody who leaves waits for it.
    wizard.answer(keys::ESC);
    wizard.wait_for(VNET);
    wizard.wait_for("1,000 so far, and reading more…");
    leave(&mut wizard);
}

#[test]
fn what_cannot_be_read_any_more_is_said_below_what_was() {
    let sandbox = large(&["POST */Microsoft.ResourceGraph/resources:2=403:AuthorizationFailed"]);
    let mut wizard = everywhere(&sandbox, &[]);
    wizard.wait_for("1,000 in all.\n  There are more, but they cannot be read (AuthorizationFailed).");
    leave(&mut wizard);
}

#[test]
fn without_resource_graph_a_subscription_that_refuses_does_not_spoil_the_list() {
    let refused = format!("GET /subscriptions/{OTHER_SUBSCRIPTION}/*/virtualNetworks=403:AuthorizationFailed");
    let sandbox = Served::start(["--lag", "none", "--fault", NO_GRAPH, "--fault", &refused]);
    let mut wizard = everywhere(&sandbox, &[]);
    wizard.wait_for("❯ vnet-app     rg-network");
    wizard.wait_for("  vnet-play    rg-");
    wizard.wait_for("1 of 3 subscriptions do not list their virtual networks (AuthorizationFailed)");
    let shown = wizard.screen();
    assert!(!shown.contains("Staging"), "{shown}");
    assert_eq!(shown.matches("do not list").count(), 1, "{shown}");
    wizard.answer("play");
    wizard.answer(keys::ENTER);
    wizard.wait_for("✔ Virtual network · vnet-play (");
    leave(&mut wizard);
}

#[test]
fn where_every_list_is_refused_the_run_ends_with_the_reason() {
    let lists = "GET */virtualNetworks=403:AuthorizationFailed";
    let sandbox = Served::start(["--lag", "none", "--fault", NO_GRAPH, "--fault", lists]);
    let mut wizard = against(&sandbox, &["--vendor", "kong"], &[], &[]);
    wizard.wait_for("❯ All subscriptions");
    wizard.answer(keys::ENTER);
    assert_eq!(wizard.wait_exit(), Exit::with_code(1), "{}", wizard.scrolled());
    let shown = wizard.scrolled();
    assert!(
        shown.contains("Error: Reading the virtual networks: Azure returned AuthorizationFailed."),
        "{shown}"
    );
    assert!(!shown.contains(VNET), "the question is taken away: {shown}");
}

#[test]
fn a_long_list_is_searched_by_lines_where_the_terminal_can_do_no_more() {
    let sandbox = large(&[]);
    let mut wizard = against(&sandbox, &["--vendor", "kong"], &[], &[("PEERCTL_PLAIN", "1")]);
    let line = |wizard: &mut Wizard, question: &str, text: &str| {
        wizard.wait_until(question, |screen| {
            let shown = screen.contents();
            let open = &shown[shown.rfind(question)?..];
            open.trim_end()
                .ends_with("the question before, ? for help:")
                .then_some(())
        });
        wizard.send(text);
        wizard.send(keys::ENTER);
    };
    line(&mut wizard, "Subscription\n  1. All subscriptions", "1");
    line(&mut wizard, "Virtual network: 1,210 of them", "contoso");
    line(&mut wizard, "1,210 of them fit 'contoso': say more of it.", "nowhere");
    line(&mut wizard, "None of them fits 'nowhere'.", "00042 0007");
    let number = wizard.wait_until("the one that fits", |screen| {
        let shown = screen.contents();
        let row = shown
            .lines()
            .find(|line| line.contains("vnet-00042   rg-network      Contoso 0007"))?;
        row.trim().split_once('.').map(|(number, _)| number.to_owned())
    });
    line(&mut wizard, "vnet-00042   rg-network      Contoso 0007", &number);
    wizard.wait_for("Konnect network\n");
    assert!(!wizard.raw().contains(&0x1b), "{}", wizard.scrolled());
}

#[test]
fn names_with_escape_sequences_are_shown_and_not_obeyed() {
    let id = "55b4f0e6-21ea-4d4f-9062-7e9314fd5200";
    let sandbox = troubles(&format!(
        r#"
[[subscriptions]]
id = "{id}"
name = "Hostile\u001b[2J\u001b]0;x\u0007\u202e"
tenant = "{TENANT}"
groups = [{{ name = "rg-x", location = "eastus2" }}]

[[vnets]]
id = "/subscriptions/{id}/resourceGroups/rg-x/providers/Microsoft.Network/virtualNetworks/vnet-hostile"
location = "east\u001b[41m\u009b2J"
prefixes = ["10.99.0.0/16"]
subnets = []

[[assignments]]
principal = "7e5d4c3b-2a19-4807-b6c5-d4e3f2a1b001"
role = "Owner"
scope = "/subscriptions/{id}"
"#
    ));
    let mut wizard = against(&sandbox, &["--vendor", "kong"], &[], &[]);
    wizard.wait_for_output("Hostile\u{fffd}[2J\u{fffd}]0;x\u{fffd}\u{fffd}");
    wizard.answer(keys::ENTER);
    wizard.wait_for(VNET);
    wizard.answer("hostile");
    wizard.wait_for("❯ vnet-hostile");
    wizard.answer(keys::ENTER);
    wizard.wait_for_output("✔ Virtual network · vnet-hostile (");
    let raw = String::from_utf8_lossy(&wizard.raw()).into_owned();
    for obeyed in ["\u{1b}[2J", "\u{1b}]0;", "\u{1b}[41m", "\u{202e}", "\u{9b}"] {
        assert!(!raw.contains(obeyed), "{obeyed:?} in {raw:?}");
    }
    leave(&mut wizard);
}
