//! Status: where a link stands, what is wrong with it, whose turn it is. It never writes.

mod support;

use serde_json::{Value, json};
use support::DEADLINE;
use support::both_sides::{self, said, step};
use support::cli::{Ran, peerctl};
use support::colleague::Colleague;
use support::kong::{ACTIONS, LIMITED, ROLE, SUBSCRIPTION, VNET_ID};
use support::link::{AIVEN, DRAGONFLY, GENERIC, KONG, Link};
use support::served::{Body, Served, poll};

/// A sandbox in which everything takes effect at once.
fn sandbox() -> Served {
    Served::start(["--lag", "none"])
}

/// What a look says, which has to write nothing; its document.
#[track_caller]
fn status(link: Link, sandbox: &Served, more: &[&str], code: i32) -> Value {
    let writes = sandbox.writes().len();
    let document = link.run(sandbox, "status", more, code);
    assert_eq!(sandbox.writes().len(), writes, "{:?}", sandbox.writes());
    assert_eq!(document["stats"]["writes"], 0, "{document:#}");
    assert_eq!(
        (&document["schema"], &document["command"]),
        (&json!(1), &json!("azure status"))
    );
    document
}

/// The same as text.
#[track_caller]
fn text(link: Link, sandbox: &Served, code: i32) -> Ran {
    link.command(sandbox, "status", &[]).run().expect_code(code)
}

/// Changes the world without asking anyone's leave.
#[track_caller]
fn edit(sandbox: &Served, change: Value) {
    let (status, _) = sandbox.send(reqwest::Method::POST, "/_sandbox/edit", None, Body::Json(change));
    assert_eq!(status, 204);
}

/// Who has to act, in order.
fn who(document: &Value) -> Vec<String> {
    let next = document["linkHealth"]["next"].as_array().cloned().unwrap_or_default();
    next.iter()
        .map(|one| one["who"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// The codes of what is wrong, in order.
fn faults(document: &Value) -> Vec<String> {
    let faults = document["linkHealth"]["faults"].as_array().cloned().unwrap_or_default();
    faults
        .iter()
        .map(|one| one["code"].as_str().unwrap_or_default().to_owned())
        .collect()
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
    before_setup_it_is_your_turn_and_after_it_the_link_works
}

fn before_setup_it_is_your_turn_and_after_it_the_link_works(link: Link) {
    let sandbox = sandbox();
    let fresh = status(link, &sandbox, &[], 3);
    assert_eq!(
        (&fresh["outcome"], &fresh["linkHealth"]["verdict"]),
        (&json!("waiting"), &json!("waiting"))
    );
    assert_eq!(who(&fresh), ["you"]);
    let command = fresh["linkHealth"]["next"][0]["instructions"][0]
        .as_str()
        .unwrap_or_default();
    assert!(
        command.starts_with("peerctl azure setup ") && command.contains(link.vendor),
        "{command}"
    );
    assert_eq!(fresh["error"], Value::Null);

    let setup = link.set_up(&sandbox, &[]);
    let works = status(link, &sandbox, &[], 0);
    assert_eq!(
        (&works["outcome"], &works["linkHealth"]["verdict"]),
        (&json!("unchanged"), &json!("works"))
    );
    assert_eq!((who(&works), faults(&works)), (vec![], vec![]));
    let states = |document: &Value| {
        let steps = document["steps"].as_array().expect("steps").iter();
        steps
            .map(|step| (step["id"].clone(), step["after"].clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(states(&works), states(&setup));
    assert_eq!(works["peerings"], setup["peerings"]);
}

#[test]
fn the_text_has_every_step_both_directions_and_the_vendors_word() {
    let sandbox = sandbox();
    let fresh = text(KONG, &sandbox, 3);
    assert!(
        fresh
            .stdout
            .starts_with("vnet-app and Kong Konnect are not peered yet:"),
        "{fresh}"
    );
    assert!(
        fresh
            .stdout
            .contains("Next:\n  you: go on with consent, role-definition\n    peerctl azure setup"),
        "{fresh}"
    );
    KONG.set_up(&sandbox, &[]);
    let works = text(KONG, &sandbox, 0);
    for part in [
        "vnet-app and Kong Konnect are peered: both directions Connected and FullyInSync",
        "vnet-app → Kong Konnect: Connected, FullyInSync (10.0.0.0/16)",
        "Kong Konnect → vnet-app: Connected, FullyInSync (10.20.0.0/16)",
        "Kong Konnect says: transit gateway \"vnet-app\" is ready",
    ] {
        assert!(said(&works).contains(part), "{part}\n{works}");
    }
    assert!(!works.stdout.contains("Next:"), "{works}");
}

// ------------------------------------------------------------------------------------------------ waiting

/// Konnect needs seconds here: long enough for a look right after it was asked.
#[test]
fn while_the_vendor_is_at_work_it_is_the_vendors_turn_and_how_long_that_takes_is_said() {
    let sandbox = Served::start(["--lag", "typical"]);
    let colleague = Colleague::of(&sandbox);
    let principal = colleague.consents();
    let role = "0d5e3c1a-0000-4000-8000-000000000001";
    colleague.writes_role(SUBSCRIPTION, role, ROLE, &ACTIONS, &[SUBSCRIPTION]);
    let assignment = "0d5e3c1a-0000-4000-8000-000000000002";
    colleague.assigns(assignment, role, &principal);
    // Lists lag behind; looks at what others made are repeated until they show it.
    let seen = poll(DEADLINE, || {
        let document = status(KONG, &sandbox, &[], 3);
        (step(&document, "role-assignment")["before"] == "in-place").then_some(document)
    });
    assert_eq!(
        who(&seen.expect("the role is seen")),
        ["you"],
        "only the request is missing"
    );
    colleague.asks_kong();
    let document = status(KONG, &sandbox, &[], 3);
    assert_eq!(document["linkHealth"]["request"]["name"], "by-hand");
    assert_eq!(who(&document), ["Kong"], "{document:#}");
    assert_eq!(
        document["linkHealth"]["next"][0]["usually"], "30 to 40 minutes",
        "{document:#}"
    );
}

#[test]
fn half_a_link_with_another_tenant_waits_and_setup_goes_on_with_it() {
    let sandbox = sandbox();
    let remote = format!("remote-vnet-id={}", both_sides::partner("vnet-guarded"));
    let tenant = format!("remote-tenant-id={}", both_sides::PARTNER_TENANT);
    let line = |command: &str| {
        let flags = ["--set", &remote, "--set", &tenant, "--vnet", "vnet-data", "-o", "json"];
        let words = both_sides::with_inputs("generic", &flags).into_iter();
        let words = words.map(|word| if word == "setup" { command.to_owned() } else { word });
        words
            .filter(|word| command == "setup" || word != "--yes")
            .collect::<Vec<_>>()
    };
    peerctl(line("setup")).envs(sandbox.env()).run().expect_code(3);
    let writes = sandbox.writes().len();
    let document = peerctl(line("status")).envs(sandbox.env()).run().expect_code(3).json();
    assert_eq!(document["linkHealth"]["verdict"], "waiting", "{document:#}");
    assert_eq!(document["peerings"][0]["state"], "Initiated", "{document:#}");
    // Setup, run again, has the packet for the other side's operator.
    assert_eq!(
        document["linkHealth"]["next"][0]["what"], "go on with peering",
        "{document:#}"
    );
    assert_eq!(sandbox.writes().len(), writes);
}

#[test]
fn who_may_not_act_is_told_who_may_and_what_to_hand_over() {
    let sandbox = sandbox();
    let document = KONG
        .command(&sandbox, "status", &["-o", "json"])
        .envs(LIMITED)
        .run()
        .expect_code(3)
        .json();
    let next = document["linkHealth"]["next"].as_array().expect("turns");
    assert!(
        next.iter()
            .any(|one| one["who"].as_str().is_some_and(|who| who.starts_with("an Owner"))),
        "{document:#}"
    );
    assert!(
        next.iter()
            .all(|one| !one["instructions"].as_array().is_some_and(Vec::is_empty)),
        "{document:#}"
    );
    assert_eq!(sandbox.writes(), [""; 0]);
}

#[test]
fn by_hand_the_vendor_has_no_word_of_its_own_and_azures_is_enough() {
    let sandbox = sandbox();
    let by_hand = |code: i32| {
        let run = KONG.command(&sandbox, "status", &["--vendor-access", "manual", "-o", "json"]);
        run.env("KONNECT_TOKEN", "").run().expect_code(code).json()
    };
    let fresh = by_hand(3);
    assert_eq!(step(&fresh, "vendor-request")["before"], "waiting");
    KONG.set_up(&sandbox, &[]);
    let works = by_hand(0);
    assert_eq!(works["linkHealth"]["verdict"], "works");
    assert_eq!(works["linkHealth"]["request"], Value::Null);
}

#[test]
fn the_other_direction_that_could_not_be_read_is_not_called_missing_or_proven() {
    let sandbox = Served::start(["--lag", "none", "--fault", "GET */vnet-partner=403:AuthorizationFailed"]);
    let unread = "the other direction could not be read (AuthorizationFailed)";
    let fresh = status(GENERIC, &sandbox, &[], 3);
    assert!(fresh["linkHealth"]["why"].to_string().contains(unread), "{fresh:#}");
    GENERIC.set_up(&sandbox, &[]);
    let works = status(GENERIC, &sandbox, &[], 0);
    assert!(works["linkHealth"]["why"].to_string().contains(unread), "{works:#}");
    assert!(said(&text(GENERIC, &sandbox, 0)).contains(unread));
}

// ------------------------------------------------------------------------------------------------ broken

/// What is broken exits 4, says so, and names the command that mends what is ours to mend.
#[track_caller]
fn broken(link: Link, breaks: impl FnOnce(&Served), code: &str, turn: &str) {
    let sandbox = sandbox();
    link.set_up(&sandbox, &[]);
    breaks(&sandbox);
    let document = status(link, &sandbox, &[], 4);
    assert_eq!(
        (&document["outcome"], &document["linkHealth"]["verdict"]),
        (&json!("blocked"), &json!("broken"))
    );
    assert!(faults(&document).iter().any(|one| one == code), "{code}: {document:#}");
    assert_eq!(document["error"]["code"], faults(&document)[0].as_str(), "{document:#}");
    assert!(who(&document).iter().any(|who| who == turn), "{turn}: {document:#}");
    let repair = document["linkHealth"]["next"]
        .to_string()
        .contains("peerctl azure repair");
    assert_eq!(repair, turn == "you", "{document:#}");
    let ran = text(link, &sandbox, 4);
    assert!(said(&ran).contains("is broken."), "{ran}");
}

#[test]
fn a_direction_that_the_vendor_deleted_is_broken() {
    let breaks = |sandbox: &Served| both_sides::AIVEN.deletes_connection(sandbox);
    broken(AIVEN, breaks, "Disconnected", "you");
}

#[test]
fn a_direction_that_was_deleted_on_the_other_side_is_broken() {
    let breaks = |sandbox: &Served| {
        let id = format!(
            "{}/virtualNetworkPeerings/vnet-partner-to-vnet-app",
            both_sides::partner("vnet-partner")
        );
        edit(sandbox, json!({"remove": id}));
    };
    broken(GENERIC, breaks, "Disconnected", "you");
}

/// The directions of a document, each with its state.
fn directions(document: &Value) -> Vec<(String, String)> {
    let views = document["peerings"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    views
        .map(|view| (text(&view["direction"]), text(&view["state"])))
        .collect()
}

#[test]
fn only_directions_that_exist_are_reported() {
    let sandbox = sandbox();
    KONG.set_up(&sandbox, &[]);
    let document = status(KONG, &sandbox, &[], 0);
    let connected = |direction: &str| (direction.to_owned(), "Connected".to_owned());
    assert_eq!(directions(&document), [connected("local"), connected("remote")]);
    assert_eq!(document["peerings"][1]["inferred"], true, "{document:#}");
    let state = sandbox.state();
    let vnets = state["virtualNetworks"].as_array().expect("networks").iter();
    let vendors = vnets.flat_map(|vnet| {
        let peerings = vnet["peerings"].as_array().expect("a list").iter();
        let theirs = peerings.filter(|peering| peering["remote"] == VNET_ID);
        theirs.map(|peering| {
            format!(
                "{}/virtualNetworkPeerings/{}",
                vnet["id"].as_str().unwrap_or_default(),
                peering["name"].as_str().unwrap_or_default()
            )
        })
    });
    for id in vendors {
        edit(&sandbox, json!({"remove": id}));
    }
    let document = status(KONG, &sandbox, &[], 4);
    assert_eq!(
        directions(&document),
        [("local".to_owned(), "Disconnected".to_owned())],
        "{document:#}"
    );
    assert!(!document["steps"].to_string().contains("completes it"), "{document:#}");
}

#[test]
fn linked_subnets_are_reported() {
    let sandbox = sandbox();
    GENERIC.set_up(&sandbox, &[]);
    let id = format!("{VNET_ID}/virtualNetworkPeerings/vnet-app-to-vnet-partner");
    let properties =
        json!({"peerCompleteVnets": false, "localSubnetNames": ["snet-api"], "remoteSubnetNames": ["default"]});
    edit(&sandbox, json!({"peering": {"id": id, "properties": properties}}));
    let document = status(GENERIC, &sandbox, &[], 0);
    let [local, remote] = [0, 1].map(|at| document["peerings"][at].clone());
    assert_eq!(
        local["subnets"],
        json!({"local": ["snet-api"], "remote": ["default"]}),
        "{document:#}"
    );
    assert_eq!((&remote["subnets"], &remote["inferred"]), (&Value::Null, &Value::Null));
    let ran = text(GENERIC, &sandbox, 0);
    assert!(said(&ran).contains("only subnet snet-api with subnet default"), "{ran}");
    let doctor = GENERIC.command(&sandbox, "doctor", &["--only", "linked-subnets"]).run();
    assert!(
        said(&doctor).contains("links only subnet snet-api with subnet default"),
        "{doctor}"
    );
}

#[test]
fn a_direction_of_ours_that_was_deleted_is_broken_in_the_vendors_word() {
    let breaks = |sandbox: &Served| Colleague::of(sandbox).deletes_peering(both_sides::DRAGONFLY.peering);
    broken(DRAGONFLY, breaks, "irrecoverable", "you");
}

#[test]
fn an_address_space_that_grew_on_the_other_side_is_broken_until_ours_is_synced() {
    let breaks = |sandbox: &Served| {
        let id = both_sides::partner("vnet-partner");
        edit(
            sandbox,
            json!({"addressSpace": {"id": id, "prefixes": ["10.150.0.0/16", "10.155.0.0/16"]}}),
        );
    };
    broken(GENERIC, breaks, "LocalNotInSync", "you");
}

#[test]
fn an_address_space_of_ours_that_grew_is_the_vendors_to_sync() {
    let breaks = |sandbox: &Served| {
        edit(
            sandbox,
            json!({"addressSpace": {"id": VNET_ID, "prefixes": ["10.20.0.0/16", "10.29.0.0/16"]}}),
        );
    };
    let sandbox = sandbox();
    AIVEN.set_up(&sandbox, &[]);
    breaks(&sandbox);
    let document = status(AIVEN, &sandbox, &[], 3);
    assert_eq!(
        (&document["outcome"], &document["linkHealth"]["verdict"]),
        (&json!("waiting"), &json!("waiting"))
    );
    assert_eq!(
        (faults(&document), who(&document)),
        (vec!["RemoteNotInSync".into()], vec!["Aiven".into()])
    );
    assert_eq!(document["error"], Value::Null);
    let ran = text(AIVEN, &sandbox, 3);
    for part in [
        "are peered, and Aiven has to sync.",
        "The addresses from before still reach each other",
    ] {
        assert!(said(&ran).contains(part), "{ran}");
    }
}

#[test]
fn what_the_vendor_failed_at_is_broken_with_the_vendors_reason() {
    let sandbox = sandbox();
    Colleague::of(&sandbox).asks_kong();
    let document = status(KONG, &sandbox, &[], 4);
    assert_eq!(faults(&document), ["error"]);
    let reason = document["linkHealth"]["request"]["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("AADSTS7000229"), "{document:#}");
    let ran = text(KONG, &sandbox, 4);
    assert!(said(&ran).contains("AADSTS7000229"), "{ran}");
}

// ------------------------------------------------------------------------------------------------ who looks

/// A Reader of Contoso's first subscription who may not read its directory.
#[track_caller]
fn reader(sandbox: &Served) -> [(&'static str, String); 2] {
    const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
    let colleague = Colleague::of(sandbox);
    let (app, object_id) = colleague.registers("auditor", "AzureADMyOrg");
    let principal = colleague.makes_principal(&app);
    let subscription = sandbox.value("AZURE_SUBSCRIPTION_ID");
    let body = json!({"properties": {
        "roleDefinitionId": format!("/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{READER}"),
        "principalId": principal,
        "principalType": "ServicePrincipal",
    }});
    let path = format!(
        "/subscriptions/{subscription}/providers/Microsoft.Authorization/roleAssignments/0d5e3c1a-0000-4000-8000-000000000077?api-version=2022-04-01"
    );
    colleague.azure(reqwest::Method::PUT, &path, Some(body));
    let secret = colleague.adds_secret(&object_id, "audit");
    [("AZURE_CLIENT_ID", app), ("AZURE_CLIENT_SECRET", secret)]
}

#[test]
fn who_may_only_read_azure_sees_that_the_link_works_and_what_was_not_seen() {
    for link in [KONG, AIVEN] {
        let sandbox = sandbox();
        link.set_up(&sandbox, &[]);
        let operators = status(link, &sandbox, &[], 0);
        let run = link.command(&sandbox, "status", &["-o", "json"]).envs(reader(&sandbox));
        let readers = run.run().expect_code(0).json();
        assert_eq!(readers["peerings"], operators["peerings"]);
        assert_eq!(step(&readers, "role-definition"), step(&operators, "role-definition"));
        assert_eq!(
            who(&readers),
            ["an administrator who may read the directory"],
            "{readers:#}"
        );
        assert_eq!(step(&readers, "role-assignment")["after"], "unknown", "{readers:#}");
    }
}

#[test]
fn a_reader_who_is_told_the_vendors_principal_sees_the_same_and_what_it_relies_on() {
    let sandbox = sandbox();
    KONG.set_up(&sandbox, &[]);
    let operators = status(KONG, &sandbox, &[], 0);
    let principal = Colleague::of(&sandbox).principal();
    let flags = ["--vendor-principal-id", &principal, "-o", "json"];
    let readers = KONG.command(&sandbox, "status", &flags).envs(reader(&sandbox)).run();
    let mut seen = readers.expect_code(0).json()["linkHealth"].take();
    let why = seen["why"].take();
    let (why, relied_on) = why.as_str().and_then(|why| why.rsplit_once("; ")).expect("a caveat");
    assert!(
        relied_on.starts_with("recognized as Kong's by its addresses alone"),
        "{relied_on}"
    );
    seen["why"] = json!(why);
    assert_eq!(seen, operators["linkHealth"]);
}

#[test]
fn what_cannot_be_read_is_a_failure_and_not_a_verdict() {
    let sandbox = Served::start(["--lag", "none", "--fault", "GET */virtualNetworks/vnet-app=403"]);
    let document = KONG.run(&sandbox, "status", &[], 1);
    assert_eq!(
        (&document["outcome"], &document["linkHealth"]),
        (&json!("failed"), &Value::Null)
    );
    let ran = KONG
        .command(&sandbox, "status", &["--vnet", "nowhere"])
        .run()
        .expect_code(1);
    assert!(said(&ran).contains("nowhere"), "{ran}");
}

// ------------------------------------------------------------------------------------------------ watching

#[cfg(unix)]
mod watched {
    use super::support::running::Running;
    use super::*;

    fn watch(sandbox: &Served, link: Link, more: &[&str]) -> Running {
        let flags = [&["--watch", "-o", "json"], more].concat();
        Running::start(link.line("status", &flags), sandbox.env())
    }

    #[test]
    fn it_ends_by_itself_once_the_link_works_and_says_what_changed() {
        let sandbox = sandbox();
        let mut running = watch(&sandbox, KONG, &[]);
        running.wait_for("Reading what there is.");
        KONG.set_up(&sandbox, &[]);
        let exit = running.wait();
        assert_eq!(exit.code, Some(0), "{}", exit.stderr);
        let document = exit.json();
        assert_eq!(document["linkHealth"]["verdict"], "works");
        assert_eq!(document["stats"]["writes"], 0);
    }

    #[test]
    fn it_ends_with_3_when_its_time_is_up() {
        let sandbox = sandbox();
        let exit = watch(&sandbox, KONG, &["--timeout", "1s"]).wait();
        assert_eq!(exit.code, Some(3), "{}", exit.stderr);
        assert_eq!(exit.json()["linkHealth"]["verdict"], "waiting");
        assert!(exit.stderr.contains("--timeout 1s is over"), "{}", exit.stderr);
    }

    #[test]
    fn it_ends_with_4_at_once_where_waiting_mends_nothing() {
        let sandbox = sandbox();
        Colleague::of(&sandbox).asks_kong();
        let exit = watch(&sandbox, KONG, &[]).wait();
        assert_eq!(exit.code, Some(4), "{}", exit.stderr);
    }

    #[test]
    fn ctrl_c_ends_it_with_130() {
        let sandbox = sandbox();
        let mut running = watch(&sandbox, KONG, &[]);
        running.wait_for("Reading what there is.");
        let exit = running.signal("INT").wait();
        assert_eq!(exit.code, Some(130), "{}", exit.stderr);
        assert_eq!(exit.json()["outcome"], "cancelled");
        assert_eq!(sandbox.writes(), [""; 0]);
    }
}
