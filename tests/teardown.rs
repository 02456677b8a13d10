//! Teardown: what setup made goes, in reverse order, and nothing else; stopped at any place and run again it ends with
//! the world as it was before setup.

mod support;

use serde_json::{Value, json};
use support::both_sides::{changes, own_apps, said, step, struck};
use support::colleague::Colleague;
use support::kong::{ACTIONS, APP_ID, LIMITED, OTHER_SUBSCRIPTION, ROLE, SUBSCRIPTION, VNET_ID};
use support::link::{AIVEN, DRAGONFLY, GENERIC, KONG, Link};
use support::served::Served;

/// A sandbox in which everything takes effect at once.
fn sandbox() -> Served {
    Served::start(["--lag", "none"])
}

fn with_fault(fault: &str) -> Served {
    Served::start(["--lag", "none", "--fault", fault])
}

/// A teardown that has to find nothing more to remove.
#[track_caller]
fn nothing_left(link: Link, sandbox: &Served, more: &[&str]) {
    let writes = sandbox.writes().len();
    let document = link.run(sandbox, "teardown", more, 0);
    assert_eq!(document["outcome"], "unchanged", "{document:#}");
    assert_eq!(sandbox.writes().len(), writes, "{:?}", sandbox.writes());
}

/// The texts of what stays.
fn kept(document: &Value) -> String {
    let steps = document["steps"].as_array().expect("steps");
    let kept = steps.iter().filter_map(|step| step["kept"].as_array()).flatten();
    kept.map(|text| text.as_str().unwrap_or_default().to_owned() + "\n").collect()
}

macro_rules! with_each_link {
    ($($test:ident)+) => {
        mod kong { $(#[test] fn $test() { super::$test(super::KONG); })+ }
        mod aiven { $(#[test] fn $test() { super::$test(super::AIVEN); })+ }
        mod dragonfly { $(#[test] fn $test() { super::$test(super::DRAGONFLY); })+ }
        mod generic { $(#[test] fn $test() { super::$test(super::GENERIC); })+ }
    };
}

with_each_link! {
    after_setup_and_teardown_the_world_is_the_one_before
    with_the_lag_that_azure_has_it_is_the_same
}

fn after_setup_and_teardown_the_world_is_the_one_before(link: Link) {
    let sandbox = sandbox();
    let before = sandbox.state();
    link.set_up(&sandbox, &[]);
    let document = link.take_down(&sandbox, &["--consent"]);
    assert_eq!(sandbox.state(), before, "{document:#}");
    nothing_left(link, &sandbox, &["--consent"]);
}

fn with_the_lag_that_azure_has_it_is_the_same(link: Link) {
    let sandbox = Served::start(["--lag", "typical"]);
    let before = sandbox.state();
    link.set_up(&sandbox, &[]);
    let document = link.take_down(&sandbox, &["--consent"]);
    assert_eq!(sandbox.state(), before, "{document:#}");
    nothing_left(link, &sandbox, &["--consent"]);
}
