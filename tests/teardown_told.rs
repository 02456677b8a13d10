//! Teardown as it is told: in a terminal, where the answer is no unless somebody says yes; in pipelines; on paper.

mod support;

use serde_json::{Value, json};
use support::both_sides::said;
use support::cli::peerctl;
use support::link::{AIVEN, GENERIC, KONG};
use support::served::Served;

/// A sandbox in which everything takes effect at once.
fn sandbox() -> Served {
    Served::start(["--lag", "none"])
}

#[test]
fn with_nobody_to_confirm_it_yes_is_asked_for_and_nothing_is_written() {
    let sandbox = sandbox();
    KONG.set_up(&sandbox, &[]);
    let writes = sandbox.writes().len();
    let line = KONG.line("teardown", &[]).into_iter().filter(|word| word != "--yes");
    let ran = peerctl(line).envs(sandbox.env()).run().expect_code(2);
    assert!(
        said(&ran).contains("--yes: nobody is there to confirm the plan"),
        "{ran}"
    );
    assert_eq!(sandbox.writes().len(), writes);
}

#[test]
fn every_missing_input_is_named_at_once() {
    let ran = peerctl(["azure", "teardown", "--no-input", "--sandbox"])
        .run()
        .expect_code(2);
    for part in ["--vendor", "--vnet", "--yes"] {
        assert!(said(&ran).contains(part), "{part}\n{ran}");
    }
}

#[test]
fn the_text_says_what_went_and_what_stays() {
    let sandbox = sandbox();
    KONG.set_up(&sandbox, &[]);
    let ran = KONG.command(&sandbox, "teardown", &[]).run().expect_code(0);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(
        lines[0],
        "Removed: what setup had made to peer vnet-app with Kong Konnect."
    );
    for part in [
        "What was removed:",
        "deleted transit gateway",
        "deleted roleAssignment",
        "deleted roleDefinition",
    ] {
        assert!(ran.stdout.contains(part), "{part}\n{ran}");
    }
    // The virtual network has the same name.
    let deleting = "vendor-request: deleting transit gateway \"vnet-app\" at Kong Konnect";
    assert!(ran.stderr.contains(deleting), "{ran}");
    let (_, stays) = ran.stdout.split_once("What stays:").expect("what stays");
    assert!(
        stays.contains("service principal \"kong-cgw-azure-vnet-peering-app\""),
        "{ran}"
    );

    let again = KONG.command(&sandbox, "teardown", &[]).run().expect_code(0);
    assert!(
        again
            .stdout
            .starts_with("Nothing to remove: vnet-app has nothing of setup's for Kong Konnect."),
        "{again}"
    );
}

#[test]
fn the_ticket_and_the_record_say_what_was_removed() {
    let sandbox = sandbox();
    AIVEN.set_up(&sandbox, &[]);
    let (ticket, state) = (sandbox.folder().join("ticket.md"), sandbox.folder().join("records"));
    let ticket_flag = ticket.display().to_string();
    let run = AIVEN.command(&sandbox, "teardown", &["-o", "json", "--report", &ticket_flag]);
    let document = run.env("PEERCTL_STATE_DIR", &state).run().expect_code(0).json();
    let ticket = std::fs::read_to_string(ticket).expect("the ticket");
    for part in [
        "azure teardown",
        "roleAssignment",
        "virtualNetworkPeering",
        "--consent removes it",
    ] {
        assert!(ticket.contains(part), "{part}\n{ticket}");
    }
    let file = document["record"].as_str().expect("the record's file");
    let record: Value = serde_json::from_str(&std::fs::read_to_string(file).expect("the record")).expect("JSON");
    let deletions = record["requests"].as_array().expect("requests").iter();
    let deletions = deletions.filter(|request| request["method"] == "DELETE").count();
    // The last one deletes the application for good.
    assert_eq!(deletions, 8, "{record:#}");
}

#[test]
fn what_changes_nothing_keeps_no_record() {
    let sandbox = sandbox();
    let state = sandbox.folder().join("records");
    let run = KONG
        .command(&sandbox, "teardown", &["-o", "json"])
        .env("PEERCTL_STATE_DIR", &state);
    let document = run.run().expect_code(0).json();
    assert_eq!(
        (&document["outcome"], &document["record"]),
        (&json!("unchanged"), &Value::Null)
    );
    assert!(!state.exists());
}

#[test]
fn a_vendor_that_refuses_to_delete_is_quoted() {
    let refusal = "DELETE */transit-gateways/*=409:Conflict:the gateway still has routes";
    let sandbox = Served::start(["--lag", "none", "--fault", refusal]);
    KONG.set_up(&sandbox, &[]);
    let begun = std::time::Instant::now();
    let ran = KONG
        .command(&sandbox, "teardown", &["--timeout", "20s"])
        .run()
        .expect_code(1);
    assert!(begun.elapsed().as_secs() < 20, "a refusal is not waited on");
    let said = said(&ran);
    assert!(said.contains("the gateway still has routes"), "{ran}");
    assert!(said.to_lowercase().contains("deleting the request"), "{ran}");
}

#[test]
fn the_other_tenants_half_that_could_not_be_read_is_named() {
    for fault in ["401:InvalidAuthenticationToken", "403:AuthorizationFailed"] {
        let sandbox = Served::start(["--lag", "none", "--fault", &format!("GET */vnet-partner={fault}")]);
        GENERIC.set_up(&sandbox, &[]);
        let ran = GENERIC.command(&sandbox, "teardown", &[]).run().expect_code(0);
        let code = fault.split(':').nth(1).unwrap_or_default();
        let unread = format!("the other direction could not be read ({code})");
        let (_, stays) = ran.stdout.split_once("What stays:").expect("what stays");
        assert!(support::both_sides::words(stays).contains(&unread), "{ran}");
    }
}

#[cfg(unix)]
mod in_a_terminal {
    use super::support::both_sides::struck;
    use super::support::pty::{Exit, Wizard, keys};
    use super::support::served::poll;
    use super::*;

    const WIDE: (u16, u16) = (40, 120);
    const NARROW: (u16, u16) = (24, 80);
    const QUESTION: &str = "Type the network's name to delete these: vnet-app";

    /// A teardown that has everything but leave. It keeps no record: the file's name is as long as the folder makes it.
    fn start(sandbox: &Served, size: (u16, u16), more: &[&str]) -> Wizard {
        let line = KONG.line("teardown", more).into_iter();
        let line = line.filter(|word| word != "--yes" && word != "--no-input");
        let env = sandbox
            .env()
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        Wizard::start(line, size, env.chain([("PEERCTL_STATE_DIR", "none")]))
    }

    #[track_caller]
    fn is_over(wizard: &Wizard, code: u32) {
        assert_eq!(wizard.wait_exit(), Exit::with_code(code), "{}", wizard.scrolled());
        assert!(wizard.cursor_visible() && wizard.echoes(), "{}", wizard.screen());
    }

    #[test]
    fn enter_alone_removes_nothing() {
        let sandbox = sandbox();
        KONG.set_up(&sandbox, &[]);
        let (world, writes) = (sandbox.state(), sandbox.writes().len());
        let mut wizard = start(&sandbox, WIDE, &[]);
        wizard.wait_for(QUESTION);
        let plan = wizard.scrolled();
        for part in ["vendor-request", "remove", "keep", "--consent removes it"] {
            assert!(plan.contains(part), "{part} in:\n{plan}");
        }
        wizard.answer(keys::ENTER);
        is_over(&wizard, 130);
        assert!(
            wizard.scrolled().contains("Stopped; nothing was written."),
            "{}",
            wizard.scrolled()
        );
        assert!(!wizard.scrolled().contains("What stays:"), "{}", wizard.scrolled());
        assert_eq!((sandbox.state(), sandbox.writes().len()), (world, writes));
    }

    #[test]
    fn name_of_the_network_removes_and_what_stays_is_shown() {
        for size in [WIDE, NARROW] {
            let sandbox = sandbox();
            KONG.set_up(&sandbox, &[]);
            let mut wizard = start(&sandbox, size, &[]);
            wizard.wait_for(QUESTION);
            wizard.answer("vnet-app\r");
            wizard.wait_for("What stays:");
            is_over(&wizard, 0);
            let shown = wizard.scrolled();
            assert!(shown.contains("Removed: what setup had made"), "{shown}");
            no_line_is_broken(&wizard);
        }
    }

    /// Panics if a line on the screen or above it was longer than the screen is wide.
    #[track_caller]
    fn no_line_is_broken(wizard: &Wizard) {
        let mut screen = wizard.picture();
        let (rows, columns) = (screen.size().0.get(), screen.size().1.get());
        for back in (0..=screen.scrollback_len()).rev() {
            screen.set_scrollback(back);
            let broken = (0..rows).find(|row| screen.row_wrapped(*row));
            let lines: Vec<String> = screen.rows(0, columns).collect();
            assert_eq!(broken, None, "a broken line in:\n{}", lines.join("\n"));
        }
    }

    /// Typed before the plan is on the screen, and typed as a yes.
    #[test]
    fn anything_but_the_name_removes_nothing() {
        let sandbox = Served::start(["--lag", "none", "--latency", "200ms"]);
        KONG.set_up(&sandbox, &[]);
        let world = sandbox.state();
        let mut wizard = start(&sandbox, WIDE, &[]);
        wizard.wait_for_output("signing in");
        wizard.send("vnet-app\ry\r");
        wizard.wait_for(QUESTION);
        for wrong in ["y", "vnet-ap"] {
            wizard.answer(wrong);
            wizard.answer(keys::ENTER);
            wizard.wait_for(&format!("✘ '{wrong}' is not 'vnet-app'. Nothing was deleted."));
            wizard.answer(&keys::BACKSPACE.repeat(wrong.len()));
        }
        wizard.answer(keys::ENTER);
        is_over(&wizard, 130);
        assert_eq!(sandbox.state(), world);
    }

    #[test]
    fn control_c_at_the_question_removes_nothing() {
        let sandbox = sandbox();
        KONG.set_up(&sandbox, &[]);
        let world = sandbox.state();
        let mut wizard = start(&sandbox, WIDE, &["--consent"]);
        wizard.wait_for(QUESTION);
        wizard.answer(keys::CTRL_C);
        is_over(&wizard, 130);
        assert_eq!(sandbox.state(), world);
    }

    #[test]
    fn control_c_in_the_middle_is_130_and_the_next_run_ends_it() {
        let sandbox = Served::start(["--lag", "none", "--fault", "DELETE */roleAssignments/*:1=stall"]);
        let before = sandbox.state();
        KONG.set_up(&sandbox, &[]);
        let mut wizard = start(&sandbox, WIDE, &["--consent"]);
        wizard.wait_for(QUESTION);
        wizard.answer("vnet-app\r");
        // Drawn a moment before it is sent.
        poll(support::DEADLINE, || (struck(&sandbox) == 1).then_some(())).expect("the deletion is sent");
        wizard.send(keys::CTRL_C);
        is_over(&wizard, 130);
        assert!(wizard.scrolled().contains("Stopped. "), "{}", wizard.scrolled());
        KONG.take_down(&sandbox, &["--consent"]);
        assert_eq!(sandbox.state(), before);
    }

    #[test]
    fn where_there_is_nothing_to_remove_nothing_is_asked() {
        let sandbox = sandbox();
        let wizard = start(&sandbox, WIDE, &[]);
        wizard.wait_for("Nothing to remove");
        is_over(&wizard, 0);
        assert!(!wizard.transcript().contains(QUESTION));
    }

    #[test]
    fn the_wizard_asks_which_link_is_meant_and_no_more() {
        let sandbox = sandbox();
        KONG.set_up(&sandbox, &[]);
        let env = sandbox
            .env()
            .iter()
            .filter(|(name, _)| *name != "AZURE_SUBSCRIPTION_ID");
        let mut wizard = Wizard::start(["azure", "teardown"], WIDE, env);
        for (question, answer) in [
            ("Who do you want to peer with? ›", "kong"),
            ("Subscription ›", "production"),
            ("Virtual network ›", "vnet-app "),
            ("Konnect network ›", "eastus2"),
        ] {
            wizard.wait_for(question);
            wizard.answer(answer);
            wizard.answer(keys::ENTER);
        }
        wizard.wait_for(QUESTION);
        let shown = wizard.transcript();
        assert!(
            !shown.contains("DNS mapping") && !shown.contains("Consent for"),
            "{shown}"
        );
        wizard.answer("n\r");
        is_over(&wizard, 130);
    }
}
