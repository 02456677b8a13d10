//! Little is left of what Azure takes: a run goes on more slowly, says so once, and no request is refused.

mod support;

use serde_json::Value;
#[cfg(unix)]
use support::DEADLINE;
use support::cli::peerctl;
use support::kong::SUBSCRIPTION;
use support::link::{AIVEN, KONG, Link};
#[cfg(unix)]
use support::pty::{Wizard, keys};
use support::served::Served;
#[cfg(unix)]
use support::served::poll;

const SLOWLY: &str = "going on more slowly for at least ";

/// A sandbox without lag, with these limits.
fn limited(limits: &[&str]) -> Served {
    let limits = limits.iter().flat_map(|limit| ["--limit", limit]);
    Served::start(["--lag", "none"].into_iter().chain(limits))
}

/// Requests of anybody that were refused because nothing was left.
fn refused(sandbox: &Served) -> Vec<Value> {
    let requests = sandbox.requests();
    let requests = requests["requests"].as_array().cloned().unwrap_or_default();
    requests
        .into_iter()
        .filter(|request| request["status"] == 429)
        .collect()
}

#[test]
fn a_set_up_is_slowed_down_and_not_refused() {
    for (link, limit) in [(KONG, "reads=10/1"), (AIVEN, "reads=11/1")] {
        let sandbox = limited(&[limit]);
        let ran = link.command(&sandbox, "setup", &[]).run().expect_code(0);
        assert_eq!(refused(&sandbox), Vec::<Value>::new(), "{ran}");
        let told: Vec<&str> = ran.stderr.lines().filter(|line| line.contains(SLOWLY)).collect();
        assert_eq!(told.len(), 1, "{ran}");
        let why = format!("Azure takes only so many reads in subscription {SUBSCRIPTION} at a time; {SLOWLY}1 s");
        assert!(told[0].starts_with(&why), "{told:?}");
        assert!(told[0].ends_with(" s, so that none is refused"), "{told:?}");
    }
}

/// A look without writing: what is said of the steps and the checks, and how it ends.
#[track_caller]
fn look(link: Link, command: &str, limits: &[&str]) -> (Option<i32>, Value, Value, Vec<Value>) {
    let sandbox = limited(limits);
    let ran = link.command(&sandbox, command, &["-o", "json"]).run();
    let mut document = ran.json();
    let [steps, checks] = ["steps", "checks"].map(|part| document[part].take());
    (ran.code, steps, checks, refused(&sandbox))
}

#[test]
fn a_look_finds_the_same_when_little_is_left() {
    for command in ["status", "doctor"] {
        let plenty = look(KONG, command, &[]);
        assert_eq!(plenty.0, Some(if command == "status" { 3 } else { 0 }), "{plenty:?}");
        let little = look(KONG, command, &["reads=14/2", "writes=1/1", "queries=2/1s"]);
        assert_eq!(little, plenty, "{command}");
    }
}

#[test]
fn with_azures_own_limits_nothing_is_slowed_down() {
    let sandbox = limited(&[]);
    for (command, code) in [("setup", 0), ("status", 0), ("doctor", 0), ("teardown", 0)] {
        let ran = KONG.command(&sandbox, command, &[]).run().expect_code(code);
        assert!(!ran.stderr.contains("slow"), "{ran}");
    }
    assert_eq!(refused(&sandbox), Vec::<Value>::new());
}

/// A program that knows nothing yet may begin where nothing is left: it is refused, and goes on all the same.
#[test]
fn who_comes_when_nothing_is_left_is_refused_once_and_goes_on() {
    let sandbox = limited(&["reads=2/4"]);
    let ran = KONG.command(&sandbox, "setup", &[]).run().expect_code(0);
    assert!(!refused(&sandbox).is_empty());
    assert_eq!(ran.stderr.matches("Azure asks to slow down").count(), 1, "{ran}");
}

#[cfg(unix)]
#[test]
fn a_menu_of_many_networks_is_not_refused_by_resource_graph() {
    let world = ["--subscriptions", "4", "--vnets", "700", "--lag", "none"];
    let sandbox = Served::start(world.into_iter().chain(["--limit", "queries=2/1s"]));
    let env = sandbox
        .env()
        .iter()
        .filter(|(name, _)| *name != "AZURE_SUBSCRIPTION_ID");
    let mut wizard = Wizard::start(["azure", "setup", "--vendor", "kong"], (30, 100), env);
    wizard.wait_for("Subscription ›");
    wizard.answer("0001");
    wizard.answer(keys::ENTER);
    wizard.wait_for("Virtual network ›");
    // Three pages, two of them at once: the third one waits.
    let queries = || {
        let requests = sandbox.requests();
        let all = requests["requests"].as_array().into_iter().flatten();
        all.filter(|one| one["url"].as_str().is_some_and(|url| url.contains("ResourceGraph")))
            .count()
    };
    assert!(poll(DEADLINE, || (queries() >= 3).then_some(())).is_some());
    assert_eq!(refused(&sandbox), Vec::<Value>::new());
    wizard.answer(keys::CTRL_C);
    wizard.wait_exit();
}

#[test]
fn a_limit_that_is_none_is_refused_with_the_reason() {
    for (limit, why) in [
        ("reads", "'=' is missing"),
        ("reads=20", "'/' is missing"),
        ("reads=none/2", "expected a number from 1 before '/'"),
        ("peeks=20/2", "the kinds are reads, writes, deletes and queries"),
        ("queries=15/5", "expected a time up to an hour after '/'"),
    ] {
        let ran = peerctl(["sandbox", "--limit", limit]).run().expect_code(2);
        let said = format!("'{limit}' is not a valid limit: {why}");
        assert!(
            ran.stderr.contains(&said) && ran.stderr.contains("'reads=20/2'"),
            "{ran}"
        );
    }
}
