//! Manners at a terminal: colour where it is wanted, plain lines where they are, every width.

#![cfg(unix)]

mod support;

use std::collections::BTreeMap;
use std::fs;

use support::PEERCTL;
use support::cli::peerctl;
use support::kong::{INPUTS, VNET_ID};
use support::output_schema::assert_documented;
use support::pty::{Exit, NO_ENV, Wizard, keys};
use support::served::Served;

const SIZE: (u16, u16) = (40, 100);

/// Whether there is a colour, or bold: an escape sequence that ends with m.
fn coloured(raw: &[u8]) -> bool {
    let text = String::from_utf8_lossy(raw);
    text.split("\u{1b}[").skip(1).any(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != ';');
        end.is_some_and(|end| rest[end..].starts_with('m'))
    })
}

// ---- colour -----------------------------------------------------------------------------------------------------

/// What is given besides, and whether there is colour then: on a terminal, and in a pipeline.
type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], bool, bool);

const CASES: [Case<'static>; 8] = [
    (&[], &[], true, false),
    (&["--color", "never"], &[("CLICOLOR_FORCE", "1")], false, false),
    (&["--color=always"], &[("NO_COLOR", "1")], true, true),
    (&["--color", "auto"], &[], true, false),
    (&[], &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], false, false),
    (&[], &[("NO_COLOR", "")], true, false),
    (&[], &[("CLICOLOR_FORCE", "1")], true, true),
    (&[], &[("CLICOLOR", "0")], false, false),
];

/// A result, clap's help, and an error of clap's.
const COMMANDS: [&[&str]; 3] = [
    &["explain", "Initiated"],
    &["azure", "setup", "--help"],
    &["azure", "nonsense"],
];

#[test]
fn colour_is_decided_by_flag_then_environment_then_terminal_in_claps_words_too() {
    for (flags, env, on_terminal, in_pipeline) in CASES {
        for command in COMMANDS {
            let args: Vec<&str> = flags.iter().chain(command).copied().collect();
            let wizard = Wizard::start(&args, SIZE, env.iter().copied());
            let code = wizard.wait_exit().code;
            assert_eq!(coloured(&wizard.raw()), on_terminal, "{args:?} {env:?} on a terminal");
            let ran = peerctl(&args).envs(env.iter().copied()).run();
            let said = format!("{}{}", ran.stdout, ran.stderr);
            assert_eq!(coloured(said.as_bytes()), in_pipeline, "{args:?} {env:?}\n{ran}");
            assert_eq!(ran.code, code.and_then(|code| i32::try_from(code).ok()), "{ran}");
        }
    }
}

const DOCTOR: &str = "azure doctor --sandbox --vendor kong --subscription 'Contoso Production' \
                      --resource-group rg-network --vnet vnet-app --set network=eastus2-network";

/// Runs doctor with one of its outputs in a file: what the terminal shows, and the file.
fn with_a_file(redirection: &str) -> (Vec<u8>, Vec<u8>) {
    let line = format!("{PEERCTL} {DOCTOR} {redirection} file");
    let wizard = Wizard::start_program("sh", ["-c", &line], SIZE, NO_ENV);
    assert_eq!(wizard.wait_exit(), Exit::with_code(0), "{}", wizard.scrolled());
    let file = fs::read(wizard.home().join("file")).expect("the file");
    (wizard.raw(), file)
}

#[test]
fn each_output_is_coloured_for_itself() {
    for redirection in [">", "2>"] {
        let (shown, file) = with_a_file(redirection);
        assert!(coloured(&shown), "{redirection}: {}", String::from_utf8_lossy(&shown));
        assert!(
            !file.is_empty() && !coloured(&file),
            "{redirection}: {}",
            String::from_utf8_lossy(&file)
        );
    }
}

#[test]
fn without_colour_a_terminal_is_still_a_terminal() {
    for env in [("NO_COLOR", "1"), ("CLICOLOR", "0"), ("PEERCTL_PLAIN", "0")] {
        let wizard = Wizard::start(["azure", "setup", "--sandbox"], SIZE, [env]);
        // The list to type in, not the one with numbers.
        wizard.wait_for("Who do you want to peer with? ›");
        assert_eq!(coloured(&wizard.raw()), env.0 == "PEERCTL_PLAIN", "{env:?}");
    }
}

// ---- widths -----------------------------------------------------------------------------------------------------

const WIDTHS: [u16; 6] = [20, 27, 40, 62, 100, 200];

/// The lines that the terminal had to break although they could have been folded. What is for copying stays whole: a
/// command, an id, an address.
fn broken(shown: &str, width: u16) -> Vec<&str> {
    let for_copying = |line: &str| {
        let long = |word: &str| word.chars().count() > 30 && word.chars().count() + 12 > width.into();
        let long = line.split_whitespace().any(long);
        let one_word = !line.trim().contains(' ');
        one_word
            || long
            || ["peerctl ", "az ", "curl ", "case "]
                .iter()
                .any(|command| line.contains(command))
    };
    let wide = shown.lines().filter(|line| line.chars().count() > width.into());
    wide.filter(|line| !for_copying(line)).collect()
}

/// Runs a command on a terminal of this width to its end.
#[track_caller]
fn fits(args: &[&str], width: u16, env: &BTreeMap<String, String>, code: u32) {
    let wizard = Wizard::start(args, (50, width), env);
    assert_eq!(wizard.wait_exit(), Exit::with_code(code), "{}", wizard.scrolled());
    let shown = wizard.scrolled();
    assert_eq!(broken(&shown, width), [] as [&str; 0], "{args:?} at {width}\n{shown}");
}

#[test]
fn every_screen_of_a_link_fits_every_width() {
    // The same words are beside each other from 60 columns on.
    for width in [20, 40, 80] {
        let sandbox = Served::start(["--lag", "none"]);
        let on_the_link = |words: &[&str], code| {
            let args: Vec<&str> = words.iter().chain(&INPUTS).chain(&["--no-input"]).copied().collect();
            fits(&args, width, sandbox.env(), code);
        };
        on_the_link(&["azure", "doctor"], 0);
        on_the_link(&["azure", "status"], 3);
        on_the_link(
            &["azure", "setup", "--yes", "--vendor-access", "manual", "--no-wait"],
            3,
        );
        on_the_link(&["azure", "setup", "--yes"], 0);
        on_the_link(&["azure", "status"], 0);
        on_the_link(&["azure", "repair", "--yes"], 0);
        on_the_link(&["azure", "teardown", "--yes"], 0);
    }
}

#[test]
fn every_screen_that_needs_no_link_fits_every_width() {
    let commands: [(&[&str], u32); 17] = [
        (&["vendors"], 0),
        (&["vendors", "kong"], 0),
        (&["vendors", "aiven"], 0),
        (&["explain"], 0),
        (&["explain", "AuthorizationFailed"], 0),
        (&["explain", "nonsense"], 2),
        (&["azure", "doctor", "--list"], 0),
        (&["azure", "status", "--no-input"], 2),
        (&["help", "authentication"], 0),
        (&["config", "list"], 0),
        (&["config", "show"], 0),
        (&["config", "show", "--vendor", "kong", "--vnet-id", VNET_ID], 0),
        (&["help", "configuration"], 0),
        (&["help", "environment"], 0),
        (&["help", "exit-codes"], 0),
        (&["help", "formats"], 0),
        (&["help", "nonsense"], 2),
    ];
    for width in WIDTHS {
        for (args, code) in commands {
            fits(args, width, &BTreeMap::new(), code);
        }
    }
}

#[test]
fn a_question_is_whole_at_every_width() {
    for width in WIDTHS {
        let args = ["azure", "setup", "--sandbox"].iter().chain(&INPUTS);
        let args = args.chain(&["--subscription", "Contoso Production"]);
        let wizard = Wizard::start(args, (40, width), NO_ENV);
        let question = "? DNS mapping (domain or domain=server ip; empty: none)";
        wizard.wait_until(question, |screen| {
            in_one_line(&screen.contents()).contains(question).then_some(())
        });
    }
}

fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

// ---- waits ------------------------------------------------------------------------------------------------------

#[test]
fn a_long_wait_says_what_is_awaited_how_long_that_takes_and_that_nobody_has_to_stay() {
    let sandbox = Served::start(["--lag", "none"]);
    let args = ["azure", "setup", "--no-input", "--yes", "--vendor-access", "manual"];
    let args = args.iter().chain(&INPUTS);
    let args: Vec<&str> = args.copied().collect();
    let mut wizards: Vec<Wizard> = [20, 34, 80, 200]
        .map(|width| Wizard::start(&args, (50, width), sandbox.env()))
        .into();
    for wizard in &mut wizards {
        wizard.wait_until("the whole live line", |screen| {
            let shown = in_one_line(&screen.contents());
            let (_, live) =
                shown.split_once("Ctrl-C is safe: run the same command again later, and it goes on from here.")?;
            let seconds = live
                .split_whitespace()
                .any(|word| word.parse().is_ok_and(|seconds: u32| seconds > 2));
            let whole = |text: &str| text.split(' ').all(|word| live.contains(word));
            let awaited = "until the values are entered and Kong begins; usually 30 to 40 minutes";
            (seconds && whole(awaited)).then_some(())
        });
        wizard.send(keys::CTRL_C);
        assert_eq!(wizard.wait_exit(), Exit::with_code(130));
        let shown = in_one_line(&wizard.scrolled());
        assert!(!shown.contains("until the values"), "the live line stays: {shown}");
        assert_eq!(shown.matches("Ctrl-C is safe").count(), 1, "{shown}");
    }
}

// ---- failures as JSON ---------------------------------------------------------------------------------------------

#[test]
fn every_failure_has_its_json_document() {
    let table: [(&[&str], &str); 8] = [
        (&["azure", "setup", "--bogus", "-o", "json"], "azure setup"),
        (&["azure", "setpu", "-o=json"], "azure"),
        (&["-ojson", "azure", "status", "--vendor"], "azure status"),
        (
            &["azure", "doctor", "--only", "nonsense", "--output", "json"],
            "azure doctor",
        ),
        (&["vendors", "kongg", "-o", "json"], "vendors"),
        (&["config", "list", "--config", "nope", "-o", "json"], "config list"),
        (&["help", "nonsense", "-o", "json"], ""),
        (&["azure", "setup", "--no-input", "-o", "json"], "azure setup"),
    ];
    for (args, command) in table {
        let ran = peerctl(args).run().expect_code(2);
        let document = ran.json();
        assert_eq!(
            (&document["schema"], &document["outcome"]),
            (&1.into(), &"failed".into()),
            "{ran}"
        );
        assert!(command.is_empty() || document["command"] == command, "{ran}");
        let what = document["error"]["what"].as_str().unwrap_or_default();
        assert!(!what.is_empty() && !what.starts_with("error"), "{ran}");
        assert!(!ran.stderr.is_empty(), "{ran}");
        assert_documented(&document);
    }
}
