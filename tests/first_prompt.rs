//! The first question waits for nobody: the sign-in, and the search for networks, go on while a person reads it.

#![cfg(unix)]

mod support;

use std::os::unix::fs::PermissionsExt;

use support::DEADLINE;
use support::cli::{peerctl, program};
use support::kong::{LIMITED, setup};
use support::pty::{Exit, Wizard, against, keys};
use support::served::{Served, poll};

const VENDOR: &str = "Who do you want to peer with? ›";
const NO_TOKEN: &str = "POST */oauth2/v2.0/token=stall";

#[track_caller]
fn leave_at_once(wizard: &mut Wizard) {
    wizard.answer(keys::CTRL_C);
    assert_eq!(wizard.wait_exit(), Exit::with_code(130), "{}", wizard.screen());
    assert!(wizard.cursor_visible() && wizard.echoes(), "{}", wizard.screen());
    assert!(wizard.screen().ends_with("\nStopped; nothing was written."));
}

#[test]
fn the_vendor_is_asked_and_answered_before_anybody_has_answered_us() {
    let sandbox = Served::start(["--lag", "none", "--fault", NO_TOKEN]);
    let mut wizard = against(&sandbox, &[], &[], &[]);
    wizard.wait_for(VENDOR);
    wizard.answer(keys::ENTER);
    wizard.wait_for("? Subscription ›");
    wizard.wait_for("Reading…");
    leave_at_once(&mut wizard);
}

#[test]
fn with_the_vendor_given_the_subscription_is_asked_at_once_and_esc_takes_away_what_was_typed() {
    let sandbox = Served::start(["--lag", "none", "--fault", NO_TOKEN]);
    for (leave, args) in [
        (keys::ESC, &["--vendor", "kong"][..]),
        (keys::CTRL_C, &["--vendor", "kong"]),
        (
            keys::CTRL_C,
            &["--vendor", "kong", "--subscription", "Contoso Production"],
        ),
    ] {
        let mut wizard = against(&sandbox, args, &[], &[]);
        wizard.wait_for(if args.len() == 2 {
            "? Subscription ›"
        } else {
            "? Virtual network ›"
        });
        wizard.wait_for("Reading…");
        wizard.answer("prod");
        wizard.wait_for("› prod");
        wizard.answer(leave);
        if leave == keys::ESC {
            wizard.wait_until("nothing is typed", |screen| {
                (!screen.contents().contains("› prod")).then_some(())
            });
            wizard.answer(keys::ESC);
            wizard.wait_for("This is the first question. Ctrl-C stops.");
            wizard.answer(keys::CTRL_C);
        }
        assert_eq!(wizard.wait_exit(), Exit::with_code(130));
        assert!(wizard.cursor_visible() && wizard.echoes(), "{}", wizard.screen());
    }
}

#[test]
fn while_somebody_reads_the_first_question_everything_is_read_that_the_next_ones_need() {
    let sandbox = Served::start(["--lag", "none"]);
    let mut wizard = against(&sandbox, &[], &[], &[]);
    wizard.wait_for(VENDOR);
    let parts = [
        "/oauth2/v2.0/token",
        "/subscriptions?",
        "/tenants?",
        "/servicePrincipals?",
        "/Microsoft.ResourceGraph/resources?",
    ];
    let seen = poll(DEADLINE, || {
        let asked = sandbox.asked();
        let all = parts.iter().all(|part| asked.iter().any(|one| one.contains(part)));
        all.then_some(asked)
    });
    let seen = seen.unwrap_or_else(|| panic!("{parts:?} in {:?}", sandbox.asked()));
    let tokens = seen.iter().filter(|one| one.contains("/token")).count();
    assert_eq!(tokens, 2, "one for Azure and one for Graph: {seen:#?}");
    // Not a word of it as long as the first question is open.
    assert!(!wizard.transcript().contains("Signed in"), "{}", wizard.screen());

    wizard.answer(keys::ENTER);
    wizard.wait_for("❯ All subscriptions");
    wizard.answer(keys::ENTER);
    wizard.wait_for("❯ vnet-app  ");
    assert_eq!(sandbox.asked(), seen, "nothing was asked twice, or late");
    let shown = wizard.screen();
    let place = |text: &str| shown.find(text).unwrap_or_else(|| panic!("{text} in {shown}"));
    assert!(place("✔ Who do you") < place("✔ Signed in") && place("✔ Tenant") < place("✔ Subscription"));
    leave_at_once(&mut wizard);
}

#[test]
fn what_was_typed_before_the_rows_came_filters_them_and_enter_chooses_only_what_is_seen() {
    // Slow enough that the question is there first.
    let sandbox = Served::start(["--lag", "none", "--latency", "300ms"]);
    let mut wizard = against(&sandbox, &["--vendor", "kong"], &[], &[]);
    wizard.wait_for("Reading…");
    wizard.answer("stag");
    wizard.wait_for("❯ Contoso Staging");
    // The sign-in is told above the question that was there before it.
    let shown = wizard.screen();
    assert!(
        shown.find("✔ Signed in") < shown.find("? Subscription › stag"),
        "{shown}"
    );
    assert!(shown.contains("✔ Signed in"), "{shown}");
    wizard.answer(keys::ENTER);
    // Enter ahead of the rows chooses none of them.
    wizard.wait_for("? Virtual network ›\n  Reading…");
    wizard.send(keys::ENTER);
    wizard.wait_for("❯ vnet-app  ");
    assert!(!wizard.screen().contains("✔ Virtual network"), "{}", wizard.screen());
    wizard.answer(keys::ENTER);
    wizard.wait_for("✔ Virtual network · vnet-app (rg-network, northeurope, 10.120.0.0/16)");
    leave_at_once(&mut wizard);
}

#[test]
fn a_wait_is_told_above_the_question_that_waits() {
    let busy = "POST */oauth2/v2.0/token=503:9";
    let sandbox = Served::start(["--lag", "none", "--fault", busy]);
    let mut wizard = against(&sandbox, &["--vendor", "kong"], &[], &[]);
    wizard.wait_for("Microsoft Entra answers 503; trying again in 9.0 s");
    wizard.wait_for("? Subscription ›\n  Reading…");
    let shown = wizard.screen();
    assert!(shown.find("answers 503") < shown.find("? Subscription ›"), "{shown}");
    leave_at_once(&mut wizard);
}

#[test]
fn a_sign_in_that_fails_is_told_as_where_nobody_is_asked() {
    let sandbox = Served::start(["--lag", "none", "--fault", "POST */oauth2/v2.0/token=400:AADSTS7000215"]);
    let told = setup(&sandbox, &[]).run();
    let expected = told.stderr.lines().find(|line| line.starts_with("Error: "));
    let expected = expected.unwrap_or_else(|| panic!("an error in {told}"));
    assert!(expected.contains("AADSTS7000215"), "{expected}");
    for vendor in [&[][..], &["--vendor", "kong"]] {
        let mut wizard = against(&sandbox, vendor, &[], &[]);
        if vendor.is_empty() {
            wizard.wait_for(VENDOR);
            wizard.answer(keys::ENTER);
        }
        let code = told.code.and_then(|code| u32::try_from(code).ok());
        assert_eq!(wizard.wait_exit().code, code, "{}", wizard.scrolled());
        assert!(wizard.cursor_visible() && wizard.echoes(), "{}", wizard.screen());
        let shown = wizard.scrolled();
        assert!(shown.contains(expected), "{expected} in {shown}");
        assert!(
            !shown.contains("? Subscription ›"),
            "the question is taken away: {shown}"
        );
    }
}

#[test]
fn the_only_subscription_is_not_asked_for() {
    let sandbox = Served::start(["--lag", "none"]);
    let mut wizard = against(&sandbox, &["--vendor", "kong"], &[], &LIMITED);
    wizard.wait_for("❯ vnet-app  ");
    let shown = wizard.screen();
    assert!(!shown.contains("Subscription"), "{shown}");
    assert!(shown.contains("? Virtual network ›"), "{shown}");
    leave_at_once(&mut wizard);
}

#[test]
fn whoever_leaves_takes_az_along() {
    let sandbox = Served::start(["--lag", "none"]);
    let folder = sandbox.folder();
    let az = folder.join("az");
    // It never answers, and its whole family is known by its number.
    let text = format!(
        "#!/bin/sh\necho $$ >> '{}'\nexec sleep 600\n",
        folder.join("started").display()
    );
    std::fs::write(&az, text).expect("a script");
    std::fs::set_permissions(&az, std::fs::Permissions::from_mode(0o755)).expect("it can be run");
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
    let env = [("PATH", path.as_str()), ("PEERCTL_AUTH", "azure-cli")];
    let mut wizard = against(&sandbox, &[], &["AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"], &env);
    wizard.wait_for(VENDOR);
    let started = poll(DEADLINE, || {
        let text = std::fs::read_to_string(folder.join("started")).unwrap_or_default();
        let numbers: Vec<String> = text.lines().map(str::to_owned).collect();
        (numbers.len() == 2).then_some(numbers)
    });
    let started = started.expect("az is asked for two tokens");
    leave_at_once(&mut wizard);
    for number in started {
        let alive = || program("kill", ["-0", &number]).run().code == Some(0);
        assert!(
            poll(DEADLINE, || (!alive()).then_some(())).is_some(),
            "az {number} is still there"
        );
    }
}

#[test]
fn where_nobody_can_answer_nothing_is_read_ahead() {
    let sandbox = Served::start(["--lag", "none"]);
    for vendor in [&[][..], &["--vendor", "kong"]] {
        let args = ["azure", "setup", "--no-input"].iter().chain(vendor);
        let exported = sandbox
            .env()
            .iter()
            .filter(|(name, _)| *name != "AZURE_SUBSCRIPTION_ID");
        peerctl(args.copied()).envs(exported).run().expect_code(2);
    }
    assert_eq!(sandbox.asked(), [] as [String; 0]);
}
