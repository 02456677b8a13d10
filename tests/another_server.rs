//! A different server in the sandbox's place: the same world, in another manner of speaking. Whatever the manner, a run
//! ends with everything in place, and the next one finds it so.

mod support;

use serde_json::Value;
use support::both_sides::{AIVEN, DRAGONFLY, assert_in_place, assert_no_credential, partner, with_inputs};
use support::cli::peerctl;
use support::kong;
use support::middleman::{Manners, Middleman};
use support::served::Served;

/// Each alone, by its name, and all of them at once.
fn manners() -> Vec<(&'static str, Manners)> {
    let mut all = Vec::new();
    let mut everything = Manners::default();
    type Switch = fn(&mut Manners) -> &mut bool;
    let switches: [(&str, Switch); 10] = [
        ("other_order", |manners| &mut manners.other_order),
        ("bare", |manners| &mut manners.bare),
        ("lower_case", |manners| &mut manners.lower_case),
        ("paged", |manners| &mut manners.paged),
        ("by_location", |manners| &mut manners.by_location),
        ("silent", |manners| &mut manners.silent),
        ("throttles", |manners| &mut manners.throttles),
        ("talkative", |manners| &mut manners.talkative),
        ("packed", |manners| &mut manners.packed),
        ("stingy", |manners| &mut manners.stingy),
    ];
    for (name, switch) in switches {
        let mut alone = Manners::default();
        *switch(&mut alone) = true;
        *switch(&mut everything) = true;
        all.push((name, alone));
    }
    all.push(("everything", everything));
    all
}

/// All of them at once.
fn everything() -> (&'static str, Manners) {
    manners().pop().expect("the last")
}

/// Runs the command line twice against that server: the first does it, the second has nothing to do.
#[track_caller]
fn twice(line: &[String], name: &str, manners: Manners) {
    let sandbox = Served::start(["--lag", "none"]);
    let other = Middleman::start(&sandbox, manners);
    let run = || -> Value {
        let ran = peerctl(line).args(["-o", "json"]).envs(other.env()).run();
        assert_eq!(ran.code, Some(0), "{name}: {ran}");
        ran.json()
    };
    let document = run();
    assert_eq!(document["outcome"], "done", "{name}: {document:#}");
    assert_in_place(&document);
    assert_no_credential(&sandbox);
    let document = run();
    assert_eq!(document["outcome"], "unchanged", "{name}: {document:#}");
    let shown = other.shown();
    // Kong writes both directions itself.
    let expected = name == "everything" || line.contains(&"kong".to_owned()) && name == "by_location";
    assert!(expected || shown.contains(name), "{name} was to be seen: {shown:?}");
    assert!(name != "everything" || shown.len() >= 8, "{shown:?}");
}

#[test]
fn kong_in_every_manner() {
    for (name, manners) in manners() {
        twice(&kong::command_line(&[]), name, manners);
    }
}

#[test]
fn aiven_in_every_manner() {
    for (name, manners) in manners() {
        twice(&AIVEN.command_line(&[]), name, manners);
    }
}

#[test]
fn dragonfly_works_with_combined_server_quirks() {
    let (name, manners) = everything();
    twice(&DRAGONFLY.command_line(&[]), name, manners);
}

#[test]
fn another_tenant_works_with_combined_quirks() {
    let vnet = format!("remote-vnet-id={}", partner("vnet-partner"));
    let tenant = "remote-tenant-id=8e6d4f20-5a3b-4c17-9d28-7b1a0c9e5f43";
    let (name, manners) = everything();
    twice(
        &with_inputs("generic", &["--set", &vnet, "--set", tenant]),
        name,
        manners,
    );
}
