//! `--dry-run --format json`: the plan as one document, offline or from what is there; and its requests are those that
//! setup then sends.
#![cfg(unix)]

mod support;

use serde_json::{Value, json};
use support::both_sides;
use support::colleague::Colleague;
use support::dry_runs::{among_secrets, offline, runs};
use support::golden::compare_with_golden;
use support::kong::{ACTIONS, LIMITED, ROLE_TOO, SUBSCRIPTION, VNET_ID};
use support::link::{AIVEN, DRAGONFLY, GENERIC, KONG, Link};
use support::output_schema::assert_matches;
use support::served::Served;

const JSON: [&str; 2] = ["--format", "json"];
const AIVEN_BY_ID: [&str; 6] = [
    "--vendor-access",
    "api",
    "--set",
    "project=demo",
    "--set",
    "vpc=7a61c0de-3b52-4c1f-9d84-e0f1a2b3c401",
];
const SURVEY: [&str; 4] = ["--dry-run", "--format", "json", "--refresh"];

/// The plan from what is there; nothing is written by looking.
#[track_caller]
fn surveyed(link: &Link, sandbox: &Served) -> Value {
    let writes = sandbox.writes();
    let document = link.command(sandbox, "setup", &SURVEY).run().expect_code(0).json();
    assert_eq!(sandbox.writes(), writes);
    assert_matches("plan", &document);
    document
}

fn steps(document: &Value) -> &Vec<Value> {
    document["steps"].as_array().expect("steps")
}

#[track_caller]
fn step<'a>(document: &'a Value, id: &str) -> &'a Value {
    let found = steps(document).iter().find(|step| step["id"] == id);
    found.unwrap_or_else(|| panic!("no step {id} in {document:#}"))
}

/// Each request as "METHOD path".
fn requests(document: &Value) -> Vec<String> {
    let all = steps(document)
        .iter()
        .flat_map(|step| step["requests"].as_array().expect("requests"));
    let line = |request: &Value| {
        let text = |key: &str| request[key].as_str().expect("a text").to_owned();
        format!("{} {}", text("method"), text("resource"))
    };
    all.map(line).collect()
}

#[test]
fn the_plan_from_what_is_there_has_this_shape() {
    let sandbox = Served::start(["--lag", "none"]);
    compare_with_golden("plan.json", &surveyed(&AIVEN, &sandbox));
}

#[test]
fn without_a_network_every_step_is_to_be_done_and_where_it_stands_is_not_said() {
    for (vendor, more) in runs() {
        let more = [more, JSON.map(str::to_owned).to_vec()].concat();
        let ran = offline(vendor, VNET_ID, &more).run().expect_code(0);
        assert_eq!(ran.stderr, "", "{ran}");
        let document = ran.json();
        assert_matches("plan", &document);
        assert_eq!(document["schema"], 1);
        assert_eq!(
            (
                &document["command"],
                &document["vendor"],
                &document["dryRun"],
                &document["refreshed"]
            ),
            (&json!("azure setup"), &json!(vendor), &json!(true), &json!(false))
        );
        assert_eq!(document["inputs"]["vnetId"], VNET_ID);
        for step in steps(&document) {
            assert!(step.get("before").is_none() && step["after"].is_string(), "{step:#}");
            let asks = !step["requests"].as_array().expect("a list").is_empty();
            let expected = if asks {
                &["create", "change"][..]
            } else {
                &["create", "await", "none"]
            };
            assert!(expected.iter().any(|action| step["action"] == *action), "{step:#}");
        }
        let by_hand = document["inputs"]["vendorAccess"] == "manual" && vendor != "generic";
        let told = more.iter().any(|flag| flag.starts_with("to-network-id"));
        assert_eq!(document.get("handOff").is_some(), by_hand && !told, "{document:#}");
        complete(&document);
    }
}

/// Nothing is left out where it is not known yet: it is named.
#[track_caller]
fn complete(document: &Value) {
    fn holes(value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.iter().any(holes),
            Value::Object(members) => members.iter().any(|(key, value)| key != "description" && holes(value)),
            Value::Bool(_) | Value::Number(_) => false,
        }
    }
    for request in steps(document)
        .iter()
        .flat_map(|step| step["requests"].as_array().expect("requests"))
    {
        assert!(!holes(request), "{request:#}");
        assert!(
            request["resource"].as_str().is_some_and(|path| path.starts_with('/')),
            "{request:#}"
        );
        assert!(
            ["resource-manager", "graph", "konnect", "aiven", "dragonfly"]
                .iter()
                .any(|api| request["api"] == *api)
        );
    }
}

// ---------------------------------------------------------------------------------------------------- what setup sends

/// What setup sends is what the plan has, and nothing else: what was in braces stands for one segment or a part of it.
#[track_caller]
fn setup_sends_it(link: &Link, prepare: impl Fn(&Served)) -> Value {
    let sandbox = Served::start(["--lag", "none"]);
    prepare(&sandbox);
    let document = surveyed(link, &sandbox);
    complete(&document);
    let before = sandbox.writes().len();
    link.set_up(&sandbox, &[]);
    let mut sent: Vec<String> = sandbox.writes().split_off(before);
    let planned = requests(&document);
    for request in &planned {
        let sent_too = sent.iter().position(|sent| is(request, sent));
        let at = sent_too.unwrap_or_else(|| panic!("{request} was not sent:\n{sent:#?}\n{planned:#?}"));
        sent.remove(at);
    }
    assert!(sent.is_empty(), "not in the plan: {sent:#?}\n{planned:#?}");
    document
}

/// Whether the request that was sent (with its status) is the planned one.
fn is(planned: &str, sent: &str) -> bool {
    let sent = sent
        .rsplit_once(' ')
        .map_or(sent, |(request, _)| request)
        .replace("%27", "'");
    let (planned, sent): (Vec<&str>, Vec<&str>) = (planned.split('/').collect(), sent.split('/').collect());
    let same = |(planned, sent): (&&str, &&str)| planned == sent || planned.starts_with('{');
    planned.len() == sent.len() && planned.iter().zip(&sent).all(same)
}

#[test]
fn from_nothing_setup_sends_what_the_plan_says() {
    for link in [KONG, AIVEN, DRAGONFLY, GENERIC] {
        let document = setup_sends_it(&link, |_| ());
        let peering = step(&document, "peering")["requests"].as_array().expect("requests");
        let beside = peering.iter().filter(|request| request["method"] == "PUT");
        let beside: Vec<&Value> = beside.map(|request| &request["auxiliaryTenant"]).collect();
        match link.vendor {
            "kong" => assert_eq!(beside, Vec::<&Value>::new()),
            "generic" => assert_eq!(beside, [both_sides::PARTNER_TENANT, support::kong::TENANT]),
            // Aiven says which tenant once it is asked.
            "aiven" => assert_eq!(beside, [&Value::Null]),
            _ => assert!(beside[0].is_string(), "{document:#}"),
        }
    }
}

#[test]
fn in_brown_field_it_does_so_too() {
    let guid = "0d5e3c1a-0000-4000-8000-000000000001";
    // A role that lacks an action, and a request that failed for want of it.
    let document = setup_sends_it(&KONG, |sandbox| {
        let colleague = Colleague::of(sandbox);
        colleague.writes_role(SUBSCRIPTION, guid, ROLE_TOO, &ACTIONS[..4], &[SUBSCRIPTION]);
        colleague.asks_kong();
    });
    let role = step(&document, "role-definition");
    assert_eq!(
        (&role["action"], &role["before"]),
        (&json!("change"), &json!("different"))
    );
    let body = &role["requests"][0]["body"]["properties"];
    assert_eq!(body["permissions"][0]["actions"], json!(ACTIONS), "{document:#}");
    let methods = step(&document, "vendor-request")["requests"]
        .as_array()
        .expect("requests")
        .iter();
    assert_eq!(
        methods.map(|request| &request["method"]).collect::<Vec<_>>(),
        ["DELETE", "POST"]
    );
    // An application of an earlier run, with a credential that it left behind.
    setup_sends_it(&AIVEN, |sandbox| {
        let colleague = Colleague::of(sandbox);
        let made = AIVEN.set_up(sandbox, &[]);
        assert_eq!(made["outcome"], "done");
        let unique = offline("aiven", VNET_ID, &[&AIVEN_BY_ID[..], &JSON].concat())
            .run()
            .expect_code(0)
            .json();
        let path = step(&unique, "own-app")["requests"][0]["resource"].clone();
        let app = colleague.azure(reqwest::Method::GET, path.as_str().expect("a path"), None);
        let id = app["id"].as_str().expect("an id");
        colleague.leaves_credential(id, 90);
    });
}

#[test]
fn once_it_is_done_nothing_is_left_to_send() {
    for link in [KONG, AIVEN, DRAGONFLY, GENERIC] {
        let sandbox = Served::start(["--lag", "none"]);
        link.set_up(&sandbox, &[]);
        let document = surveyed(&link, &sandbox);
        assert_eq!(requests(&document), Vec::<String>::new());
        for step in steps(&document) {
            assert_eq!(
                (&step["action"], &step["before"]),
                (&json!("none"), &json!("in-place")),
                "{step:#}"
            );
        }
        assert!(
            document["checks"].as_array().is_some_and(|checks| !checks.is_empty()),
            "{document:#}"
        );
    }
}

#[test]
fn what_this_operator_may_not_is_somebody_elses_and_is_not_sent() {
    let sandbox = Served::start(["--lag", "none"]);
    let ran = KONG
        .command(&sandbox, "setup", &SURVEY)
        .envs(LIMITED)
        .run()
        .expect_code(0);
    let document = ran.json();
    let role = step(&document, "role-definition");
    assert_eq!(
        (&role["action"], &role["after"]),
        (&json!("blocked"), &json!("blocked")),
        "{document:#}"
    );
    assert!(
        role["actionRequired"]["instructions"][0].is_string() && role["requests"] == json!([]),
        "{document:#}"
    );
}

#[test]
fn what_blocks_is_among_the_checks() {
    let sandbox = Served::start(["--lag", "none"]);
    let legacy = VNET_ID
        .replace("rg-network", "rg-legacy")
        .replace("vnet-app", "vnet-legacy");
    let overlapping = ["--vnet-id", &legacy];
    let ran = KONG
        .command(&sandbox, "setup", &[&SURVEY[..], &overlapping].concat())
        .run();
    let document = ran.expect_code(0).json();
    let checks = document["checks"].as_array().expect("checks");
    let overlap = checks
        .iter()
        .find(|check| check["id"] == "address-overlap")
        .expect("the check");
    assert_eq!(
        (&overlap["ok"], &overlap["severity"]),
        (&json!(false), &json!("error")),
        "{document:#}"
    );
}

#[test]
fn no_secret_is_in_a_plan() {
    for (flags, ran) in among_secrets("json") {
        let made = ran.stdout.contains("addPassword");
        assert_eq!(made, ran.stdout.contains("removePassword"), "{ran}");
        // A credential that is brought is not made.
        let brought = flags.iter().any(|flag| flag == "--own-app");
        assert!(!(made && brought), "{ran}");
    }
}
