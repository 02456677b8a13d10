//! The wizard as a person meets it: in a terminal, key by key, judged by what is on the screen.

#![cfg(unix)]

mod support;

use std::os::unix::fs::PermissionsExt;

use support::DEADLINE;
use support::cli::program;
use support::pty::{Exit, LARGE, NO_ENV, Wizard, against, keys};
use support::served::{Body, Served, poll};
use support::svg::Film;

const SMALL: (u16, u16) = (24, 80);

/// The questions of a whole walk, in order, by words that only stand there while the question is open.
const QUESTIONS: [&str; 7] = [
    "Who do you want to peer with? ›",
    "Subscription ›",
    "Virtual network ›",
    "Konnect network ›",
    "DNS mapping (",
    "Consent for Kong (",
    "Go ahead? (y/N)",
];
const VENDOR: usize = 0;
const VNET: usize = 2;
const DNS: usize = 4;
const CONSENT: usize = 5;
const CONFIRM: usize = 6;

const DONE: &str = "Done: vnet-data and Kong Konnect are peered.";

/// A rehearsal: `azure setup --sandbox` on a screen of this size.
fn rehearsal(size: (u16, u16)) -> Wizard {
    Wizard::start(["azure", "setup", "--sandbox"], size, NO_ENV)
}

/// Answers question `index` with `text` and Enter.
#[track_caller]
fn reply(wizard: &mut Wizard, index: usize, text: &str) {
    wizard.wait_for(QUESTIONS[index]);
    wizard.answer(text);
    wizard.answer(keys::ENTER);
}

/// A question that may be answered more than once is left with an empty answer.
#[track_caller]
fn no_more(wizard: &mut Wizard) {
    wizard.wait_for("one more (empty: no more)");
    wizard.answer(keys::ENTER);
}

/// Enter through the questions until `index` is the open one.
#[track_caller]
fn walk_to(wizard: &mut Wizard, index: usize) {
    for earlier in 0..index {
        reply(wizard, earlier, "");
    }
    wizard.wait_for(QUESTIONS[index]);
}

/// Sends a page's form, as a browser does.
#[track_caller]
fn submit(sandbox: &Served, path: &str, fields: &[(&str, &str)]) {
    let fields = fields
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let (status, _) = sandbox.send(reqwest::Method::POST, path, None, Body::Form(fields.collect()));
    assert_eq!(status, 200, "{path}");
}

fn writes(sandbox: &Served) -> u64 {
    sandbox.requests()["writes"].as_u64().expect("a number of writes")
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

/// Panics unless the terminal is as a shell expects it.
#[track_caller]
fn the_terminal_is_as_before(wizard: &Wizard) {
    assert!(wizard.cursor_visible(), "{}", wizard.screen());
    assert!(wizard.echoes(), "{}", wizard.screen());
}

/// The command line that the summary prints, as one line of shell.
#[track_caller]
fn printed_command(wizard: &Wizard) -> String {
    let shown = wizard.scrolled();
    let (_, after) = shown.rsplit_once("\n  peerctl azure setup").expect("the command line");
    let mut command = "azure setup".to_owned();
    for line in after.lines() {
        let goes_on = line.ends_with('\\');
        command += " ";
        command += line.trim_end_matches('\\').trim();
        if !goes_on {
            break;
        }
    }
    command
}

/// Runs what [`printed_command`] found, in a shell, as a person who pasted it.
fn paste(command: &str, sandbox: Option<&Served>) -> support::cli::Ran {
    let script = format!("exec '{}' {command}", support::PEERCTL);
    let run = program("sh", ["-c", &script]);
    match sandbox {
        Some(sandbox) => run.envs(sandbox.env()).run(),
        None => run.run(),
    }
}

#[track_caller]
fn the_whole_walk(size: (u16, u16)) {
    let mut wizard = rehearsal(size);
    for (index, question) in QUESTIONS.iter().enumerate() {
        wizard.wait_for(question);
        no_line_is_broken(&wizard);
        if index == VNET {
            // Typing narrows the list: the second of the two that are left is not wanted.
            wizard.wait_for("vnet-app ");
            wizard.answer("data");
            wizard.wait_until("only the networks that match", |screen| {
                let text = screen.contents();
                (text.contains("❯ vnet-data") && !text.contains("vnet-app ")).then_some(())
            });
        }
        if index == CONFIRM {
            let plan = wizard.scrolled();
            for promise in [
                "custom role",
                "at vnet-data",
                "transit gateway \"vnet-data\"",
                "Kong may then",
            ] {
                assert!(plan.contains(promise), "{promise} in:\n{plan}");
            }
        }
        wizard.answer(if index == CONFIRM { "y\r" } else { keys::ENTER });
    }
    wizard.wait_for("--yes");
    assert_eq!(wizard.wait_exit(), Exit::with_code(0));
    the_terminal_is_as_before(&wizard);
    no_line_is_broken(&wizard);

    let shown = wizard.scrolled();
    for proof in [
        DONE,
        "vnet-data → Kong Konnect: Connected, FullyInSync (10.0.0.0/16)",
        "Kong Konnect → vnet-data: Connected, FullyInSync (10.30.0.0/16)",
        "created servicePrincipal",
        "created roleDefinition",
        "created roleAssignment",
        "created transit gateway",
    ] {
        assert!(shown.contains(proof), "{proof} in:\n{shown}");
    }
    let ran = paste(&printed_command(&wizard), None).expect_code(0);
    assert!(ran.stdout.contains(DONE), "{ran}");
}

#[test]
fn enter_all_the_way_on_a_small_screen_ends_connected_and_the_printed_command_does_it_again() {
    the_whole_walk(SMALL);
}

#[test]
fn enter_all_the_way_on_a_large_screen_ends_connected_and_the_printed_command_does_it_again() {
    the_whole_walk(LARGE);
}

#[test]
fn control_c_at_any_question_ends_with_130_and_leaves_the_terminal_as_it_was() {
    let sandbox = Served::start(["--lag", "none"]);
    std::thread::scope(|scope| {
        for index in 0..QUESTIONS.len() {
            let sandbox = &sandbox;
            scope.spawn(move || {
                let mut wizard = against(sandbox, &[], &[], &[]);
                walk_to(&mut wizard, index);
                wizard.answer(keys::CTRL_C);
                assert_eq!(wizard.wait_exit(), Exit::with_code(130), "{}", wizard.screen());
                assert!(
                    wizard.screen().ends_with("\nStopped; nothing was written."),
                    "{}",
                    wizard.screen()
                );
                the_terminal_is_as_before(&wizard);
            });
        }
    });
    assert_eq!(writes(&sandbox), 0);
}

#[test]
fn control_c_while_a_token_is_typed_ends_with_130_and_shows_nothing_of_it() {
    let sandbox = Served::start(["--lag", "none"]);
    let mut wizard = against(&sandbox, &["--vendor", "kong"], &["KONNECT_TOKEN"], &[]);
    reply(&mut wizard, 1, "");
    reply(&mut wizard, VNET, "");
    wizard.wait_for("Konnect token (");
    wizard.answer("kpat_half");
    wizard.wait_for("❯ *********");
    wizard.answer(keys::CTRL_C);
    assert_eq!(wizard.wait_exit(), Exit::with_code(130));
    the_terminal_is_as_before(&wizard);
    assert!(!wizard.transcript().contains("kpat"), "{}", wizard.transcript());
}

#[test]
fn control_c_while_it_works_ends_with_130_and_the_printed_command_goes_on_from_there() {
    let sandbox = Served::start(["--lag", "typical"]);
    let mut wizard = against(&sandbox, &[], &[], &[]);
    walk_to(&mut wizard, CONFIRM);
    wizard.answer("y\r");
    wizard.wait_for("✔ role-definition");
    wizard.send(keys::CTRL_C);
    assert_eq!(wizard.wait_exit(), Exit::with_code(130));
    the_terminal_is_as_before(&wizard);
    assert!(
        wizard
            .screen()
            .contains("Stopped. Run the same command again to continue"),
        "{}",
        wizard.screen()
    );
    let shown = wizard.scrolled();
    for part in [
        "What was written:",
        "created roleDefinition",
        "Undo:   peerctl azure teardown",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }

    let before = writes(&sandbox);
    assert!(before > 0, "it had begun");
    let ran = paste(&printed_command(&wizard), Some(&sandbox)).expect_code(0);
    assert!(
        ran.stdout.contains("Done: vnet-app and Kong Konnect are peered."),
        "{ran}"
    );
    let state = sandbox.state();
    let roles = state["roleDefinitions"].as_array().expect("a list");
    let roles: Vec<_> = roles
        .iter()
        .filter(|role| role["tenant"] == "contoso.onmicrosoft.com")
        .collect();
    assert_eq!(roles.len(), 1, "what was there already is used: {roles:?}");
}

#[test]
fn escape_goes_back_to_the_question_before_and_at_the_first_question_says_so() {
    let sandbox = Served::start(["--lag", "none"]);
    let mut wizard = against(&sandbox, &[], &[], &[]);
    for index in 1..QUESTIONS.len() {
        walk_one(&mut wizard, index - 1);
        wizard.answer(keys::ESC);
        walk_one(&mut wizard, index - 1);
    }
    // And all the way back again.
    for index in (0..QUESTIONS.len()).rev() {
        wizard.wait_for(QUESTIONS[index]);
        wizard.answer(keys::ESC);
    }
    wizard.wait_for("This is the first question. Ctrl-C stops.");
    wizard.wait_for(QUESTIONS[VENDOR]);
    // With something typed it takes that away.
    wizard.answer("kong");
    wizard.wait_for("› kong");
    wizard.answer(keys::ESC);
    wizard.wait_until("the whole list", |screen| {
        screen.contents().contains("  Aiven").then_some(())
    });
    wizard.answer(keys::CTRL_C);
    assert_eq!(wizard.wait_exit(), Exit::with_code(130));
    the_terminal_is_as_before(&wizard);
    assert!(
        wizard.screen().ends_with("Stopped; nothing was written."),
        "{}",
        wizard.screen()
    );
    assert_eq!(writes(&sandbox), 0);
}

/// Enter at question `index`, until the next one is open.
#[track_caller]
fn walk_one(wizard: &mut Wizard, index: usize) {
    reply(wizard, index, "");
    wizard.wait_for(QUESTIONS[index + 1]);
}

#[test]
fn an_answer_given_again_after_going_back_is_the_one_that_counts() {
    let sandbox = Served::start(["--lag", "none"]);
    let mut wizard = against(&sandbox, &[], &[], &[]);
    walk_to(&mut wizard, CONFIRM);
    wizard.wait_for("\"vnet-app\"");
    for index in [CONFIRM, CONSENT, DNS, 3] {
        wizard.wait_for(QUESTIONS[index]);
        wizard.answer(keys::ESC);
    }
    reply(&mut wizard, VNET, "data");
    for index in 3..CONFIRM {
        reply(&mut wizard, index, "");
    }
    wizard.wait_for("\"vnet-data\"");
    reply(&mut wizard, CONFIRM, "y");
    wizard.wait_for(DONE);
    assert_eq!(wizard.exit_unsaved(), Exit::with_code(0));
}

#[test]
fn no_at_the_confirmation_writes_nothing_and_ends_with_130() {
    let sandbox = Served::start(["--lag", "none"]);
    let mut wizard = against(&sandbox, &[], &[], &[]);
    walk_to(&mut wizard, CONFIRM);
    wizard.answer("maybe\r");
    wizard.wait_for("✘ Type y or n, then Enter.");
    wizard.answer(&keys::BACKSPACE.repeat(5));
    // One key alone confirms nothing.
    wizard.answer("n");
    wizard.wait_for("❯ n");
    wizard.answer(keys::ENTER);
    assert_eq!(wizard.wait_exit(), Exit::with_code(130));
    the_terminal_is_as_before(&wizard);
    assert!(
        wizard.scrolled().contains("Stopped; nothing was written."),
        "{}",
        wizard.screen()
    );
    assert_eq!(writes(&sandbox), 0);
}

#[test]
fn a_malformed_dns_mapping_is_refused_with_the_reason_and_can_be_mended() {
    let sandbox = Served::start(["--lag", "none"]);
    let mut wizard = against(&sandbox, &[], &[], &[]);
    walk_to(&mut wizard, DNS);
    wizard.answer("corp.example=10.20.0");
    wizard.answer(keys::ENTER);
    wizard.wait_for("✘ '10.20.0' is not a valid IP address.");
    // What was typed is still there: only its end is missing.
    wizard.answer(".4");
    wizard.answer(keys::ENTER);
    wizard.wait_for("✔ DNS mapping · corp.example=10.20.0.4");
    no_more(&mut wizard);
    reply(&mut wizard, CONSENT, "");
    reply(&mut wizard, CONFIRM, "y");
    assert_eq!(wizard.exit_unsaved(), Exit::with_code(0));
    let command = printed_command(&wizard);
    assert!(command.contains("dns=corp.example=10.20.0.4"), "{command}");
    let state = sandbox.state().to_string();
    assert!(state.contains("corp.example"), "{state}");
}

#[test]
fn dns_server_is_chosen_among_inbound_endpoints() {
    let sandbox = Served::start(["--lag", "none"]);
    let mut wizard = against(&sandbox, &[], &[], &[]);
    walk_to(&mut wizard, DNS);
    wizard.answer("10.20.3.4");
    wizard.answer(keys::ENTER);
    wizard.wait_for("✘ '10.20.3.4' is an address.");
    wizard.answer(keys::ESC);
    reply(&mut wizard, 3, "");
    reply(&mut wizard, DNS, "svc.contoso.internal,db.contoso.internal");
    wizard.wait_for("DNS server for svc.contoso.internal,db.contoso.internal ›");
    wizard.wait_for("inbound endpoint inbound of dnspr-app");
    // Back to the domains, and here again.
    wizard.answer(keys::ESC);
    reply(&mut wizard, DNS, "svc.contoso.internal");
    wizard.wait_for("inbound endpoint inbound of dnspr-app");
    wizard.answer(keys::ENTER);
    wizard.wait_for("one more (empty: no more)");
    wizard.answer("corp.example");
    wizard.answer(keys::ENTER);
    wizard.wait_for("DNS server for corp.example ›");
    wizard.wait_for("Another address");
    wizard.answer("another");
    wizard.wait_for("❯ Another address");
    wizard.answer(keys::ENTER);
    wizard.wait_for("IP address of the DNS server for corp.example");
    wizard.answer("10.20.3.9");
    wizard.answer(keys::ENTER);
    no_more(&mut wizard);
    reply(&mut wizard, CONSENT, "");
    wizard.wait_for("svc.contoso.internal  10.20.3.4");
    wizard.wait_for("corp.example          10.20.3.9");
    reply(&mut wizard, CONFIRM, "y");
    assert_eq!(wizard.exit_unsaved(), Exit::with_code(0));
    let command = printed_command(&wizard);
    for mapping in ["dns=svc.contoso.internal=10.20.3.4", "dns=corp.example=10.20.3.9"] {
        assert!(command.contains(mapping), "{command}");
    }
}

// ---- consent by a page -------------------------------------------------------------------------------------------

/// The address of the consent page, as it stands on the screen.
#[track_caller]
fn consent_page(wizard: &Wizard) -> String {
    wizard.wait_for("adminconsent?client_id=");
    let shown = wizard.scrolled();
    let found = shown.split_whitespace().find(|word| word.contains("/adminconsent?"));
    found.expect("the address").to_owned()
}

/// What a person does on that page.
fn accept(sandbox: &Served, page: &str) {
    let (_, client) = page.split_once("client_id=").expect("the page names the application");
    let address = url::Url::parse(page).expect("an address");
    submit(
        sandbox,
        address.path(),
        &[("client_id", client), ("decision", "accept")],
    );
}

#[track_caller]
fn it_goes_on_to_connected(wizard: &mut Wizard) {
    wizard.wait_for("Done: vnet-app and Kong Konnect are peered.");
    assert_eq!(wizard.exit_unsaved(), Exit::with_code(0));
    the_terminal_is_as_before(wizard);
}

#[test]
fn the_consent_page_opens_in_the_browser_and_the_run_goes_on_once_it_is_accepted() {
    let sandbox = Served::start(["--lag", "none"]);
    let browser = sandbox.folder().join("browser");
    let opened = sandbox.folder().join("opened");
    std::fs::write(&browser, format!("#!/bin/sh\necho \"$1\" > '{}'\n", opened.display())).expect("a script");
    std::fs::set_permissions(&browser, std::fs::Permissions::from_mode(0o755)).expect("a script may be run");

    let browser = browser.display().to_string();
    let mut wizard = against(&sandbox, &[], &[], &[("BROWSER", &browser)]);
    walk_to(&mut wizard, CONSENT);
    wizard.answer("browser");
    wizard.answer(keys::ENTER);
    reply(&mut wizard, CONFIRM, "y");
    wizard.wait_for("Opened in your browser; accept there:");
    let page = consent_page(&wizard);
    wizard.wait_for_output("until somebody accepts on that page");
    // The browser's shell makes the file before it writes to it.
    let opened = || std::fs::read_to_string(&opened).ok().filter(|text| !text.is_empty());
    let opened = poll(DEADLINE, opened).expect("a page was opened");
    assert_eq!(opened.trim(), page);
    accept(&sandbox, &page);
    it_goes_on_to_connected(&mut wizard);
}

#[test]
fn without_a_browser_the_consent_page_is_named_to_be_opened_elsewhere() {
    let sandbox = Served::start(["--lag", "none"]);
    // Nothing that could open a page is found there.
    let mut wizard = against(&sandbox, &[], &[], &[("PATH", "/nonexistent")]);
    walk_to(&mut wizard, CONSENT);
    wizard.answer("browser");
    wizard.answer(keys::ENTER);
    reply(&mut wizard, CONFIRM, "y");
    wizard.wait_for("Open in a browser, and accept:");
    accept(&sandbox, &consent_page(&wizard));
    it_goes_on_to_connected(&mut wizard);
}

#[test]
fn somebody_else_can_accept_while_the_run_waits() {
    let sandbox = Served::start(["--lag", "none"]);
    let mut wizard = against(&sandbox, &[], &[], &[]);
    walk_to(&mut wizard, CONSENT);
    wizard.answer("somebody");
    wizard.answer(keys::ENTER);
    reply(&mut wizard, CONFIRM, "y");
    let page = consent_page(&wizard);
    assert!(
        !wizard.scrolled().contains("Opened in your browser"),
        "{}",
        wizard.screen()
    );
    accept(&sandbox, &page);
    it_goes_on_to_connected(&mut wizard);
}

// ---- by hand ----------------------------------------------------------------------------------------------------

/// The value that the card gives under `label`.
#[track_caller]
fn on_the_card(wizard: &Wizard, label: &str) -> String {
    let shown = wizard.scrolled();
    let mut lines = shown.lines().map(str::trim).filter_map(|line| line.strip_prefix(label));
    let value = lines.find(|rest| rest.starts_with(' '));
    value
        .unwrap_or_else(|| panic!("{label} in:\n{shown}"))
        .trim()
        .to_owned()
}

/// Pastes the card into Konnect's console, as far as the card goes.
#[track_caller]
fn paste_into_konnect(wizard: &Wizard, sandbox: &Served) {
    wizard.wait_for("Configure private networking");
    wizard.wait_for("VNET Name");
    let labels = ["Tenant ID", "Subscription ID", "Resource group name", "VNET Name"];
    let [tenant, subscription, group, vnet] = labels.map(|label| on_the_card(wizard, label));
    let fields = [
        ("tenant_id", tenant.as_str()),
        ("subscription_id", &subscription),
        ("resource_group_name", &group),
        ("vnet_name", &vnet),
    ];
    let form = "/konnect/networks/36ae63d3-efd1-4bec-b246-62aa5d3f5695/virtual-network-peering";
    submit(sandbox, form, &fields);
}

#[test]
fn without_a_token_the_values_are_shown_to_paste_and_the_run_goes_on_once_they_are() {
    let sandbox = Served::start(["--lag", "none"]);
    let mut wizard = against(&sandbox, &[], &["KONNECT_TOKEN"], &[]);
    walk_to(&mut wizard, VNET);
    wizard.answer(keys::ENTER);
    wizard.wait_for("Konnect token (");
    wizard.answer(keys::ENTER);
    // No token, no list of networks: the next question is the DNS mapping.
    reply(&mut wizard, DNS, "corp.example=10.20.0.4");
    no_more(&mut wizard);
    reply(&mut wizard, CONSENT, "");
    reply(&mut wizard, CONFIRM, "y");
    wizard.wait_for("DNS mapping          corp.example → 10.20.0.4");
    paste_into_konnect(&wizard, &sandbox);
    it_goes_on_to_connected(&mut wizard);
    let command = printed_command(&wizard);
    assert!(command.contains("--vendor-access manual"), "{command}");
}

#[test]
fn by_hand_on_request_although_there_is_a_token() {
    let sandbox = Served::start(["--lag", "none"]);
    let mut wizard = against(&sandbox, &["--vendor-access", "manual"], &[], &[]);
    walk_to(&mut wizard, VNET);
    wizard.answer(keys::ENTER);
    reply(&mut wizard, DNS, "");
    reply(&mut wizard, CONSENT, "");
    reply(&mut wizard, CONFIRM, "y");
    paste_into_konnect(&wizard, &sandbox);
    it_goes_on_to_connected(&mut wizard);
}

#[test]
fn a_token_typed_in_is_used_and_never_shown() {
    let sandbox = Served::start(["--lag", "none"]);
    let mut wizard = against(&sandbox, &[], &["KONNECT_TOKEN"], &[]);
    let token = sandbox.value("KONNECT_TOKEN").to_owned();
    walk_to(&mut wizard, VNET);
    wizard.answer(keys::ENTER);
    wizard.wait_for("Konnect token (");
    // All at once, as it is pasted.
    wizard.answer(&token[..1]);
    wizard.send(&token[1..]);
    wizard.wait_for(&"*".repeat(token.len()));
    wizard.answer(keys::ENTER);
    wizard.wait_for("✔ Konnect token · ********\n");
    for index in 3..CONFIRM {
        reply(&mut wizard, index, "");
    }
    reply(&mut wizard, CONFIRM, "y");
    it_goes_on_to_connected(&mut wizard);
    assert!(!wizard.transcript().contains(&token[5..]), "{}", wizard.transcript());
    assert!(
        wizard.scrolled().contains("KONNECT_TOKEN is in the environment"),
        "{}",
        wizard.scrolled()
    );
}

// ---- terminals that can do less ---------------------------------------------------------------------------------

#[track_caller]
fn the_walk_by_numbers(args: &[&str], env: &[(&str, &str)]) {
    let sandbox = Served::start(["--lag", "none"]);
    let mut wizard = against(&sandbox, args, &[], env);
    for (question, answer) in [
        ("Who do you want to peer with?", "1"),
        ("Subscription\n", "1"),
        ("Virtual network\n", "b"),
        ("Subscription\n", "2"),
        ("Virtual network\n", "9"),
        ("'9' is not a number from 1 to 6.", "1"),
        ("Konnect network\n", "1"),
        ("DNS mapping (", "nonsense"),
        ("'nonsense' is no DNS mapping", ""),
        ("Consent for Kong", "1"),
        ("Go ahead?", "perhaps"),
        ("Answer y, n or b.", "y"),
        ("Save these answers as a profile?", "1"),
    ] {
        wizard.wait_until(question, |screen| {
            let shown = screen.contents();
            let open = &shown[shown.rfind(question)?..];
            (open.matches("for the question before").count() == 1 && open.trim_end().ends_with(':')).then_some(())
        });
        line(&mut wizard, answer);
    }
    wizard.wait_for("Done: vnet-app and Kong Konnect are peered.");
    // Not everybody sees an arrow.
    wizard.wait_for("vnet-app to Kong Konnect: Connected");
    assert_eq!(wizard.wait_exit(), Exit::with_code(0));
    let raw = wizard.raw();
    assert!(
        !raw.contains(&0x1b),
        "an escape sequence: {:?}",
        String::from_utf8_lossy(&raw)
    );
}

/// A line as the terminal itself takes it.
fn line(wizard: &mut Wizard, text: &str) {
    wizard.send(text);
    wizard.send(keys::ENTER);
}

#[test]
fn who_wants_it_plain_is_asked_by_numbers_and_gets_no_escape_sequence() {
    the_walk_by_numbers(&["--plain"], &[("NO_COLOR", "1")]);
}

#[test]
fn so_is_who_wants_it_plain_always() {
    the_walk_by_numbers(&[], &[("PEERCTL_PLAIN", "1"), ("NO_COLOR", "1")]);
}

#[test]
fn a_dumb_terminal_is_asked_by_numbers_and_gets_no_escape_sequence() {
    the_walk_by_numbers(&[], &[("TERM", "dumb")]);
}

#[test]
fn control_c_at_a_numbered_question_ends_with_130_and_no_escape_sequence() {
    let mut wizard = Wizard::start(["azure", "setup", "--sandbox", "--plain"], SMALL, NO_ENV);
    wizard.wait_for("Number from 1 to 6");
    wizard.send(keys::CTRL_C);
    assert_eq!(wizard.wait_exit(), Exit::with_code(130));
    assert!(
        wizard.screen().ends_with("Stopped; nothing was written."),
        "{}",
        wizard.screen()
    );
    assert!(!wizard.raw().contains(&0x1b), "{:?}", wizard.screen());
}

#[test]
fn an_escape_sequence_in_a_name_is_shown_and_not_obeyed() {
    let args = [
        "azure",
        "setup",
        "--sandbox",
        "--set",
        "network=x\u{1b}[2J\u{1b}[41mred",
    ];
    let mut wizard = Wizard::start(args, LARGE, NO_ENV);
    for index in [VENDOR, 1, VNET, DNS, CONSENT] {
        reply(&mut wizard, index, "");
    }
    wizard.wait_for_output("no network 'x\u{fffd}[2J\u{fffd}[41mred'");
    assert_eq!(wizard.wait_exit(), Exit::with_code(1));
    assert!(!String::from_utf8_lossy(&wizard.raw()).contains("\u{1b}[2J"));
}

// ---- what is typed too soon, and what is not known ---------------------------------------------------------------

/// Ten Enters at once answer nothing but the question that is on the screen.
#[test]
fn input_typed_ahead_answers_no_later_question() {
    let sandbox = Served::start(["--lag", "none"]);
    let mut wizard = against(&sandbox, &[], &[], &[]);
    wizard.wait_for(QUESTIONS[VENDOR]);
    wizard.send(&keys::ENTER.repeat(10));
    wizard.wait_for(QUESTIONS[1]);
    // The one that is open now is answered by what is typed from here on.
    reply(&mut wizard, 1, "production");
    wizard.wait_for("✔ Subscription · Contoso Production (");
    wizard.wait_for(QUESTIONS[VNET]);
    wizard.answer(keys::CTRL_C);
    assert_eq!(wizard.wait_exit(), Exit::with_code(130));
    assert!(
        !wizard.scrolled().contains("✔ Virtual network"),
        "{}",
        wizard.scrolled()
    );
}

#[test]
fn confirmation_typed_ahead_of_the_plan_confirms_nothing() {
    let sandbox = Served::start(["--lag", "none", "--latency", "300ms"]);
    let network = [
        "--vnet-id",
        support::kong::VNET_ID,
        "--set",
        "network=eastus2-network",
        "--set",
        "dns=",
    ];
    let args = [&["--vendor", "kong", "--consent", "create"][..], &network].concat();
    let mut wizard = against(&sandbox, &args, &[], &[]);
    wizard.wait_for_output("signing in");
    wizard.send("y\ry\ry\r");
    wizard.wait_for(QUESTIONS[CONFIRM]);
    wizard.answer(keys::ENTER);
    assert_eq!(wizard.wait_exit(), Exit::with_code(130), "{}", wizard.scrolled());
    assert_eq!(writes(&sandbox), 0);
    // Nor was it echoed into the picture.
    assert!(!wizard.transcript().contains("y\ny"), "{}", wizard.transcript());
}

#[test]
fn question_mark_explains_the_question() {
    let sandbox = Served::start(["--lag", "none"]);
    let mut wizard = against(&sandbox, &[], &["KONNECT_TOKEN"], &[]);
    for (index, help) in [
        (VENDOR, "Flag: --vendor."),
        (1, "AZURE_SUBSCRIPTION_ID"),
        (VNET, "Flag: --vnet-id."),
    ] {
        wizard.wait_for(QUESTIONS[index]);
        wizard.wait_for("❯ ");
        wizard.answer("?");
        wizard.wait_for(help);
        wizard.answer("?");
        wizard.wait_until("the help is gone", |screen| {
            (!screen.contents().contains(help)).then_some(())
        });
        wizard.answer(keys::ENTER);
    }
    wizard.wait_for("Konnect token (");
    wizard.answer("?");
    wizard.wait_for("Variable: KONNECT_TOKEN.");
    wizard.answer(keys::ENTER);
    wizard.wait_for(QUESTIONS[DNS]);
    wizard.answer("?");
    wizard.wait_for("Flag: --set dns=VALUE.");
    wizard.answer(keys::CTRL_C);
    assert_eq!(wizard.wait_exit(), Exit::with_code(130));
}

/// vnet-legacy and the vendor's network both have 10.0.0.0/16.
#[test]
fn network_that_overlaps_is_marked_and_asked_for_again() {
    let sandbox = Served::start(["--lag", "none"]);
    let mut wizard = against(&sandbox, &["--vendor", "kong"], &[], &[]);
    reply(&mut wizard, 1, "production");
    wizard.wait_for("❯ vnet-");
    reply(&mut wizard, VNET, "legacy");
    wizard.wait_for(QUESTIONS[3]);
    wizard.wait_for("overlaps your network");
    reply(&mut wizard, 3, "eastus2");
    wizard.wait_for("shares addresses with your network");
    wizard.wait_for(QUESTIONS[3]);
    // The way out is the one that is named.
    wizard.answer(keys::ESC);
    reply(&mut wizard, VNET, "data");
    reply(&mut wizard, 3, "eastus2");
    wizard.wait_for(QUESTIONS[DNS]);
    wizard.answer(keys::CTRL_C);
    assert_eq!(wizard.wait_exit(), Exit::with_code(130));
}

#[test]
fn narrow_list_shows_what_tells_rows_apart_and_a_resize_draws_it_again() {
    let sandbox = Served::start(["--lag", "none"]);
    let env = sandbox
        .env()
        .iter()
        .filter(|(name, _)| *name != "AZURE_SUBSCRIPTION_ID");
    let mut wizard = Wizard::start(["azure", "setup", "--vendor", "kong"], SMALL, env);
    reply(&mut wizard, 1, "");
    wizard.wait_for(QUESTIONS[VNET]);
    wizard.wait_until("rows below headings", |screen| {
        let shown = screen.contents();
        let heading = shown.find("Resource group")?;
        (shown[heading..].contains("rg-legacy") && shown[heading..].contains("rg-network")).then_some(())
    });
    wizard.resize((24, 60));
    wizard.wait_until("one list, drawn anew", |screen| {
        let shown = screen.contents();
        let whole = shown.matches("Virtual network ›").count() == 1 && shown.matches("❯ ").count() == 1;
        let fits = (0..24).all(|row| !screen.row_wrapped(row));
        (whole && fits && shown.contains("rg-legacy") && screen.size().1.get() == 60).then_some(())
    });
    wizard.answer(keys::CTRL_C);
    assert_eq!(wizard.wait_exit(), Exit::with_code(130));
}

// ---- the picture for the README ---------------------------------------------------------------------------------

/// Waits until every one of `texts` is on the screen at once, and films that.
#[track_caller]
fn film_with(film: &mut Film, wizard: &Wizard, texts: &[&str], milliseconds: u64) {
    let screen = wizard.wait_until(&format!("{texts:?}"), |screen| {
        let shown = screen.contents();
        texts.iter().all(|text| shown.contains(text)).then(|| screen.clone())
    });
    film.hold(screen, milliseconds);
}

#[test]
fn picture_of_the_whole_walk() {
    let mut film = Film::new("peerctl azure setup --sandbox");
    let mut wizard = rehearsal((30, 96));
    // What is drawn last of each question.
    let last = [
        "Dedicated",
        "Contoso Sandbox",
        "vnet-spoke",
        "new-network",
        "❯",
        "Somebody",
        "y/N",
    ];
    for (index, (question, last)) in QUESTIONS.into_iter().zip(last).enumerate() {
        film_with(
            &mut film,
            &wizard,
            &[question, last],
            if index == CONFIRM { 5000 } else { 1500 },
        );
        if index == VNET {
            for typed in ["d", "da", "dat", "data"] {
                wizard.answer(&typed[typed.len() - 1..]);
                let line = format!("Virtual network › {typed}");
                film_with(&mut film, &wizard, &[&line, "❯ vnet-"], 180);
            }
            film_with(&mut film, &wizard, &["❯ vnet-data"], 900);
        }
        wizard.answer(if index == CONFIRM { "y\r" } else { keys::ENTER });
    }
    for under_way in [
        ["✔ role-definition", "until the service principal is visible"],
        ["✔ consent", "✔ role-assignment"],
        [
            "✔ vendor-request",
            "Kong creates both directions; usually 30 to 40 minutes",
        ],
        ["✔ peering", "both directions"],
    ] {
        film_with(&mut film, &wizard, &under_way, 1300);
    }
    wizard.wait_for("--yes");
    assert_eq!(wizard.wait_exit(), Exit::with_code(0));
    film.hold(wizard.picture(), 6000);
    film.keep("wizard.svg");
}
