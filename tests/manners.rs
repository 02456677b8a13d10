//! Manners at a terminal: colour where it is wanted, plain lines where they are, every width.

#![cfg(unix)]

mod support;

use std::fs;

use support::PEERCTL;
use support::cli::peerctl;
use support::pty::{Exit, NO_ENV, Wizard};

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
