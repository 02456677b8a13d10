//! Ctrl-C, SIGTERM, SIGHUP (a closed terminal) and SIGQUIT at the writes of a set-up and of a teardown, and while reading: it stops soon, leaves no credential, says how to go on, and the
//! next run finishes.
#![cfg(unix)]

mod support;

use std::time::{Duration, Instant};

use support::both_sides::{assert_no_credential, struck};
use support::link::{AIVEN, DRAGONFLY, GENERIC, KONG, Link};
use support::running::Running;
use support::served::{Served, poll};

/// Far above what is asked for (two seconds), because other tests run at the same time; with the removal of a credential
/// that is not to be seen yet, three more.
const SOON: Duration = Duration::from_secs(10);

/// Stops `command` while the request that the fault names stands still, and runs it again: a request that never took
/// effect, and one that did and whose answer never comes.
#[track_caller]
fn stopped(link: Link, command: &str, request: &str, signal: &str) {
    for fault in ["stall", "stall-after"] {
        stopped_at(link, command, &format!("{request}={fault}"), signal);
    }
}

#[track_caller]
fn stopped_at(link: Link, command: &str, fault: &str, signal: &str) {
    let sandbox = Served::start(["--lag", "none", "--fault", fault]);
    if command == "teardown" {
        link.set_up(&sandbox, &[]);
    }
    let running = Running::start(link.line(command, &[]), sandbox.env());
    poll(support::DEADLINE, || (struck(&sandbox) == 1).then_some(())).expect("the request is sent");
    let begun = Instant::now();
    let exit = running.signal(signal).wait();
    let took = begun.elapsed();
    assert_eq!(exit.code, Some(130), "{fault}: {}", exit.stderr);
    assert!(took < SOON, "{fault}: it took {took:?}\n{}", exit.stderr);
    // A write that is under way may have taken effect, and what is said has to be true either way.
    if fault.starts_with("GET") || fault.contains("/token") {
        assert_eq!(exit.stdout.trim_end(), "Stopped; nothing was written.", "{fault}");
    } else {
        assert!(
            exit.stdout
                .starts_with("Stopped. Run the same command again to continue"),
            "{fault}: {}",
            exit.stdout
        );
        let again = format!("peerctl azure {command} ");
        assert!(exit.stdout.contains(&again), "how to go on: {}", exit.stdout);
    }
    assert_no_credential(&sandbox);
    link.run(&sandbox, command, &[], 0);
    let again = link.run(&sandbox, command, &[], 0);
    assert_eq!(again["outcome"], "unchanged", "{fault}: {again:#}");
}

macro_rules! stopped {
    ($($name:ident: $link:ident $command:literal $signal:literal [$($request:literal)+])+) => {
        $(#[test]
        fn $name() {
            for request in [$($request),+] {
                stopped($link, $command, request, $signal);
            }
        })+
    };
}

stopped! {
    while_reading: KONG "setup" "INT" [
        "POST */oauth2/v2.0/token:1"
        "GET */virtualNetworks/vnet-app:1"
        "GET */networks:1"
    ]
    a_set_up_with_kong: KONG "setup" "TERM" [
        "POST */servicePrincipals:1"
        "PUT */roleDefinitions/*:1"
        "PUT */roleAssignments/*:1"
        "POST */transit-gateways:1"
    ]
    a_set_up_with_aiven: AIVEN "setup" "INT" [
        "PATCH */applications*:1"
        "POST */servicePrincipals:2"
        "PUT */roleAssignments/*:2"
        "POST */peering-connections:1"
        "POST */addPassword:1"
        "PUT */virtualNetworkPeerings/*:1"
        "POST */removePassword:1"
    ]
    a_set_up_with_dragonfly: DRAGONFLY "setup" "TERM" [
        "POST */addPassword:1"
        "PUT */virtualNetworkPeerings/*:1"
    ]
    set_up_whose_terminal_is_closed: AIVEN "setup" "HUP" [
        "POST */addPassword:1"
        "PUT */virtualNetworkPeerings/*:1"
    ]
    set_up_that_quits: DRAGONFLY "setup" "QUIT" [
        "PUT */virtualNetworkPeerings/*:1"
    ]
    a_set_up_with_another_tenant: GENERIC "setup" "INT" [
        "PUT */virtualNetworkPeerings/vnet-app-*:1"
        "PUT */virtualNetworkPeerings/vnet-partner-*:1"
    ]
    a_teardown_of_kong: KONG "teardown" "INT" [
        "DELETE */transit-gateways/*:1"
        "DELETE */roleAssignments/*:1"
        "DELETE */roleDefinitions/*:1"
    ]
    a_teardown_of_aiven: AIVEN "teardown" "TERM" [
        "DELETE */virtualNetworkPeerings/*:1"
        "DELETE */applications/*:1"
    ]
}

#[test]
fn set_up_whose_terminal_is_closed_keeps_its_record() {
    let sandbox = Served::start(["--lag", "none", "--fault", "PUT */virtualNetworkPeerings/*:1=stall"]);
    let records = sandbox.folder().join("records");
    let state = ("PEERCTL_STATE_DIR".to_owned(), records.display().to_string());
    let env = sandbox.env().clone().into_iter().chain([state]);
    let running = Running::start(AIVEN.line("setup", &[]), env);
    poll(support::DEADLINE, || (struck(&sandbox) == 1).then_some(())).expect("the request is sent");
    let exit = running.signal("HUP").wait();
    assert_eq!(exit.code, Some(130), "{}", exit.stderr);
    assert_eq!(
        std::fs::read_dir(&records).expect("a folder").count(),
        1,
        "{}",
        exit.stderr
    );
}

/// Whoever starts it by `nohup` has it outlive the terminal.
#[test]
#[cfg(target_os = "linux")]
fn ignored_hangup_stops_nothing() {
    let sandbox = Served::start(["--lag", "none"]);
    let line = KONG.line("setup", &[]);
    let script = "trap '' HUP; \"$@\" & pid=$!; while kill -HUP $pid 2>/dev/null; do sleep 0.05; done; wait $pid";
    let words = ["-c", script, "sh", support::PEERCTL].into_iter().map(str::to_owned);
    let ran = support::cli::program("sh", words.chain(line)).envs(sandbox.env()).run();
    ran.expect_code(0);
}
