//! Running it again is always safe: what is there is found and used, whoever made it; what is missing is mended; what
//! was interrupted, or went wrong on the way, is taken up where it stopped.

mod support;

use serde_json::{Value, json};
use support::cli::Ran;
use support::colleague::Colleague;
use support::kong::{ACTIONS, APP_ID, OTHER_SUBSCRIPTION, ROLE, ROLE_TOO, SUBSCRIPTION, TENANT, VNET_ID, setup};
use support::served::Served;
use support::troubles;

const A_ROLE: &str = "0d5e3c1a-0000-4000-8000-000000000001";
const AN_ASSIGNMENT: &str = "0d5e3c1a-0000-4000-8000-000000000002";

/// A sandbox in which everything takes effect at once.
fn sandbox() -> Served {
    Served::start(["--lag", "none"])
}

/// A whole run; its JSON document.
#[track_caller]
fn run(sandbox: &Served, more: &[&str], code: i32) -> Value {
    let json = ["-o", "json"];
    let flags: Vec<&str> = json.iter().chain(more).copied().collect();
    setup(sandbox, &flags).run().expect_code(code).json()
}

/// The same, which has to end with everything in place and something changed.
#[track_caller]
fn done(sandbox: &Served) -> Value {
    let document = run(sandbox, &[], 0);
    assert_eq!(document["outcome"], "done", "{document:#}");
    assert_in_place(&document);
    assert_nothing_doubled(sandbox);
    document
}

/// The same, which has to find everything in place: the proof that the run before left nothing to do.
#[track_caller]
fn unchanged(sandbox: &Served) {
    let writes = sandbox.writes().len();
    let document = run(sandbox, &[], 0);
    assert_eq!(document["outcome"], "unchanged", "{document:#}");
    assert_eq!(document["stats"]["writes"], 0, "{document:#}");
    assert_in_place(&document);
    assert_eq!(sandbox.writes().len(), writes, "{:?}", sandbox.writes());
}

#[track_caller]
fn assert_in_place(document: &Value) {
    let steps = document["steps"].as_array().expect("steps");
    assert!(
        !steps.is_empty() && steps.iter().all(|step| step["after"] == "in-place"),
        "{document:#}"
    );
    let states: Vec<&Value> = document["peerings"]
        .as_array()
        .expect("peerings")
        .iter()
        .map(|one| &one["state"])
        .collect();
    assert_eq!(states, ["Connected", "Connected"], "{document:#}");
}

/// One of each thing that setup may create, and one peering on either side.
#[track_caller]
fn assert_nothing_doubled(sandbox: &Served) {
    let state = sandbox.state();
    let count = |list: &str, ours: &dyn Fn(&Value) -> bool| {
        let all = state[list].as_array().expect("a list");
        all.iter().filter(|one| ours(one)).count()
    };
    let customers = |one: &Value| one["tenant"] == "contoso.onmicrosoft.com";
    let at_vnet = |one: &Value| {
        one["scope"]
            .as_str()
            .is_some_and(|scope| scope.eq_ignore_ascii_case(VNET_ID))
    };
    let counts = [
        count("servicePrincipals", &|one| customers(one) && one["appId"] == APP_ID),
        count("roleDefinitions", &customers),
        count("roleAssignments", &|one| at_vnet(one) && one["appId"] == APP_ID),
        count("transitGateways", &|_| true),
    ];
    assert_eq!(counts, [1, 1, 1, 1], "{state:#}");
    let peered = state["virtualNetworks"].as_array().expect("networks").iter();
    let peerings = peered.flat_map(|vnet| vnet["peerings"].as_array().cloned().unwrap_or_default());
    let kongs = peerings.filter(|one| {
        let name = one["name"].as_str().unwrap_or_default();
        name.starts_with("kong-") || name.starts_with("customer-")
    });
    assert_eq!(kongs.count(), 2, "{state:#}");
}

fn step<'a>(document: &'a Value, id: &str) -> &'a Value {
    let steps = document["steps"].as_array().expect("steps");
    steps
        .iter()
        .find(|step| step["id"] == id)
        .unwrap_or_else(|| panic!("{id} in {document:#}"))
}

/// What a step did, one word a change.
fn changes(document: &Value, id: &str) -> Vec<String> {
    let changes = step(document, id)["changes"].as_array().expect("changes");
    changes
        .iter()
        .map(|change| change["action"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// As one line: tables and messages are laid out for a terminal.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The customer's one custom role in the dump of the world.
fn the_role(sandbox: &Served) -> Value {
    sandbox.state()["roleDefinitions"][0].clone()
}

// ------------------------------------------------------------------------------------------------ nothing to do

#[test]
fn a_second_run_writes_nothing_at_all() {
    let sandbox = sandbox();
    let first = done(&sandbox);
    assert_eq!(first["stats"]["writes"], 4);
    assert_eq!(sandbox.writes().len(), 4, "{:?}", sandbox.writes());
    let world = sandbox.state();
    unchanged(&sandbox);
    assert_eq!(sandbox.state(), world);
    let text = setup(&sandbox, &[]).run().expect_code(0);
    assert!(
        text.stdout
            .starts_with("Unchanged: vnet-app and Kong Konnect were peered already; nothing was written."),
        "{text}"
    );
}

#[test]
fn two_networks_share_the_role_and_nothing_else() {
    let sandbox = sandbox();
    done(&sandbox);
    let other = ["--vendor", "kong", "-g", "rg-network", "--vnet", "vnet-data"];
    let own = [
        "azure",
        "setup",
        "--no-input",
        "--yes",
        "-o",
        "json",
        "--set",
        "network=eastus2-network",
    ];
    let ran = support::cli::peerctl(own.iter().chain(&other))
        .envs(sandbox.env())
        .run()
        .expect_code(0);
    let document = ran.json();
    assert_eq!(changes(&document, "role-definition"), [""; 0]);
    assert_eq!(changes(&document, "consent"), [""; 0]);
    assert_eq!(changes(&document, "role-assignment"), ["created"]);
    assert_eq!(changes(&document, "vendor-request"), ["created"]);
    unchanged(&sandbox);
}

#[test]
fn a_second_run_right_after_the_first_finds_the_role_although_lists_lag_behind() {
    let sandbox = Served::start(["--lag", "typical"]);
    // Without consent nothing else is written, so the first run ends at once.
    let wait = ["--consent", "wait", "--no-wait"];
    let first = run(&sandbox, &wait, 3);
    assert_eq!(changes(&first, "role-definition"), ["created"]);
    let second = run(&sandbox, &wait, 3);
    assert_eq!(step(&second, "role-definition")["before"], "in-place", "{second:#}");
    assert_eq!(second["stats"]["writes"], 0);
}

// ------------------------------------------------------------------------------------------------ brown field

#[test]
fn a_role_under_kongs_second_spelling_is_used_as_it_is() {
    let sandbox = sandbox();
    let colleague = Colleague::of(&sandbox);
    colleague.writes_role(SUBSCRIPTION, A_ROLE, ROLE_TOO, &ACTIONS, &[SUBSCRIPTION]);
    let before = the_role(&sandbox);
    let document = done(&sandbox);
    assert_eq!(step(&document, "role-definition")["before"], "in-place");
    assert_eq!(the_role(&sandbox), before);
    unchanged(&sandbox);
}

/// A role of Kong's name whose other assignable scope is a subscription that was deleted, as an estate's part.
fn with_a_deleted_scope(actions: &[&str]) -> String {
    let gone = "99990000-75b7-4a1c-9e3f-4b6081da2f12";
    let actions = actions.iter().map(|action| format!("\"{action}\"")).collect::<Vec<_>>();
    format!(
        "[[roles]]\nguid = \"{A_ROLE}\"\nname = \"{ROLE}\"\ntenant = \"{TENANT}\"\nactions = [{}]\n\
         scopes = [\"/subscriptions/{SUBSCRIPTION}\", \"/subscriptions/{gone}\"]\n",
        actions.join(", ")
    )
}

#[test]
fn role_with_a_deleted_scope_is_used_as_it_is_where_nothing_is_to_be_changed() {
    let sandbox = troubles::troubles(&with_a_deleted_scope(&ACTIONS));
    let document = done(&sandbox);
    assert_eq!(step(&document, "role-definition")["before"], "in-place", "{document:#}");
    unchanged(&sandbox);
}

#[test]
fn own_role_with_a_deleted_scope_is_not_changed_and_another_one_is_created() {
    // Setup's own of the other subscription, which is assignable in a deleted one too: it could be extended otherwise.
    let other = format!("/subscriptions/{OTHER_SUBSCRIPTION}");
    let tenant = TENANT.parse().expect("a GUID");
    let guid = peerctl::domain::role_definition_guid(tenant, &other, "kong", ROLE).to_string();
    let estate = with_a_deleted_scope(&ACTIONS)
        .replace(A_ROLE, &guid)
        .replace(&format!("/subscriptions/{SUBSCRIPTION}\""), &format!("{other}\""));
    let sandbox = troubles::troubles(&estate);
    let document = run(&sandbox, &[], 0);
    assert_eq!(changes(&document, "role-definition"), ["created"], "{document:#}");
    let own = role_of(&sandbox, OWN_ROLE);
    assert_eq!(
        own["assignableScopes"],
        json!([format!("/subscriptions/{SUBSCRIPTION}")])
    );
    let second = run(&sandbox, &[], 0);
    assert_eq!(second["stats"]["writes"], 0, "{second:#}");
}

/// The name of the role that setup creates where another role has the documented one.
const OWN_ROLE: &str = "Kong Cloud Gateway Peering Creator - peerctl 11d0b6a2";

/// A colleague's role stays as it is, is named in the plan, and setup creates and assigns one of its own beside it.
#[track_caller]
fn stays_beside_own(sandbox: &Served, colleagues: &str, why: &str) {
    let before = role_of(sandbox, colleagues);
    let ran = setup(sandbox, &[]).run().expect_code(0);
    let plan = words(&ran.stderr);
    assert!(
        plan.contains(&format!("\"{colleagues}\" stays as it is: {why}")),
        "{ran}"
    );
    assert_eq!(role_of(sandbox, colleagues), before);
    let own = role_of(sandbox, OWN_ROLE);
    assert_eq!(
        own["permissions"][0]["actions"].as_array().expect("actions").len(),
        ACTIONS.len()
    );
    assert_eq!(
        own["assignableScopes"],
        json!([format!("/subscriptions/{SUBSCRIPTION}")])
    );
    let state = sandbox.state();
    let assignments = state["roleAssignments"].as_array().expect("assignments");
    let kongs: Vec<&Value> = assignments
        .iter()
        .filter(|one| one["appId"] == APP_ID && one["scope"] == VNET_ID)
        .collect();
    let roles: Vec<&Value> = kongs.iter().map(|one| &one["role"]).collect();
    assert_eq!(roles, [OWN_ROLE], "{assignments:#?}");
    unchanged(sandbox);
}

fn role_of(sandbox: &Served, name: &str) -> Value {
    let state = sandbox.state();
    let roles = state["roleDefinitions"].as_array().expect("roles");
    let role = roles.iter().find(|role| role["roleName"] == name);
    role.unwrap_or_else(|| panic!("{name} in {roles:#?}")).clone()
}

#[test]
fn role_of_another_subscription_is_not_extended() {
    let sandbox = sandbox();
    let colleague = Colleague::of(&sandbox);
    colleague.writes_role(OTHER_SUBSCRIPTION, A_ROLE, ROLE, &ACTIONS, &[OTHER_SUBSCRIPTION]);
    let why = format!("it belongs to /subscriptions/{OTHER_SUBSCRIPTION}");
    stays_beside_own(&sandbox, ROLE, &why);
}

#[test]
fn wide_role_of_another_subscription_is_not_used() {
    let sandbox = sandbox();
    let colleague = Colleague::of(&sandbox);
    colleague.writes_role(OTHER_SUBSCRIPTION, A_ROLE, ROLE, &["*"], &[OTHER_SUBSCRIPTION]);
    stays_beside_own(&sandbox, ROLE, "it also grants *");
}

#[test]
fn wide_role_here_is_not_used() {
    let sandbox = sandbox();
    let actions = [&ACTIONS[..], &["Microsoft.Network/virtualNetworks/subnets/read"]].concat();
    Colleague::of(&sandbox).writes_role(SUBSCRIPTION, A_ROLE, ROLE, &actions, &[SUBSCRIPTION]);
    stays_beside_own(
        &sandbox,
        ROLE,
        "it also grants Microsoft.Network/virtualNetworks/subnets/read",
    );
}

#[test]
fn exact_role_wins_over_wide_one_in_either_order() {
    for (wide, exact) in [("0", "f"), ("f", "0")] {
        let sandbox = sandbox();
        let colleague = Colleague::of(&sandbox);
        let guid = |digit: &str| format!("{}{}", digit, &A_ROLE[1..]);
        colleague.writes_role(SUBSCRIPTION, &guid(wide), ROLE_TOO, &["*"], &[SUBSCRIPTION]);
        colleague.writes_role(SUBSCRIPTION, &guid(exact), ROLE, &ACTIONS, &[SUBSCRIPTION]);
        let document = run(&sandbox, &[], 0);
        assert_eq!(step(&document, "role-definition")["before"], "in-place", "{document:#}");
        let state = sandbox.state();
        let assignments = state["roleAssignments"].as_array().expect("assignments");
        let kongs = assignments
            .iter()
            .find(|one| one["appId"] == APP_ID && one["scope"] == VNET_ID)
            .expect("Kong's");
        assert_eq!(kongs["role"], ROLE);
    }
}

#[test]
fn role_without_peer_action_that_nobody_holds_gets_it_added() {
    let sandbox = sandbox();
    let colleague = Colleague::of(&sandbox);
    colleague.writes_role(SUBSCRIPTION, A_ROLE, ROLE, &ACTIONS[..4], &[SUBSCRIPTION]);
    let document = done(&sandbox);
    assert_eq!(changes(&document, "role-definition"), ["updated"]);
    let mut expected = ACTIONS.to_vec();
    expected.sort_unstable();
    let role = the_role(&sandbox);
    assert_eq!(role["permissions"][0]["actions"], json!(expected));
    assert_eq!(role["description"], "By a colleague.");
    unchanged(&sandbox);
}

#[test]
fn role_that_a_colleague_holds_is_not_widened() {
    let sandbox = sandbox();
    let colleague = Colleague::of(&sandbox);
    colleague.writes_role(SUBSCRIPTION, A_ROLE, ROLE, &ACTIONS[..1], &[SUBSCRIPTION]);
    let (app, _) = colleague.registers("a team's", "AzureADMyOrg");
    colleague.assigns(AN_ASSIGNMENT, A_ROLE, &colleague.makes_principal(&app));
    stays_beside_own(
        &sandbox,
        ROLE,
        "it lacks actions, and 1 other assignment would get them too",
    );
}

#[test]
fn wide_assignment_is_enough_and_warned_of() {
    let sandbox = sandbox();
    let colleague = Colleague::of(&sandbox);
    let principal = colleague.consents();
    colleague.assigns(AN_ASSIGNMENT, "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", &principal);
    let document = run(&sandbox, &[], 0);
    for id in ["role-definition", "role-assignment"] {
        assert_eq!(step(&document, id)["before"], "in-place", "{id}");
    }
    let checks = document["checks"].as_array().expect("checks");
    let warned = checks
        .iter()
        .find(|check| check["id"] == "excess-rights")
        .expect("the warning");
    let detail = warned["detail"].as_str().unwrap_or_default();
    assert!(detail.contains("has \"Owner\" at"), "{warned:#}");
    let state = sandbox.state();
    let mut roles = state["roleDefinitions"].as_array().expect("roles").iter();
    assert!(
        !roles.any(|role| role["tenant"] == "contoso.onmicrosoft.com"),
        "{state:#}"
    );
}

#[test]
fn an_assignment_made_by_a_colleague_under_another_guid_counts() {
    let sandbox = sandbox();
    let colleague = Colleague::of(&sandbox);
    let principal = colleague.consents();
    colleague.writes_role(SUBSCRIPTION, A_ROLE, ROLE, &ACTIONS, &[SUBSCRIPTION]);
    colleague.assigns(AN_ASSIGNMENT, A_ROLE, &principal);
    let document = done(&sandbox);
    for id in ["consent", "role-definition", "role-assignment"] {
        assert_eq!(step(&document, id)["before"], "in-place", "{id}");
    }
    assert_eq!(changes(&document, "vendor-request"), ["created"]);
    assert_eq!(document["stats"]["writes"], 1);
    unchanged(&sandbox);
}

#[test]
fn a_service_principal_that_is_there_already_is_used() {
    let sandbox = sandbox();
    let principal = Colleague::of(&sandbox).consents();
    let document = done(&sandbox);
    assert_eq!(step(&document, "consent")["before"], "in-place");
    assert_eq!(Colleague::of(&sandbox).principal(), principal);
    unchanged(&sandbox);
}

#[test]
fn everything_made_by_hand_from_kongs_documentation_is_found() {
    let sandbox = sandbox();
    let colleague = Colleague::of(&sandbox);
    let principal = colleague.consents();
    colleague.writes_role(SUBSCRIPTION, A_ROLE, ROLE_TOO, &ACTIONS, &[SUBSCRIPTION]);
    colleague.assigns(AN_ASSIGNMENT, A_ROLE, &principal);
    colleague.asks_kong();
    unchanged(&sandbox);
}

// ------------------------------------------------------------------------------------------------ mended

/// Takes something away after a finished run, has Konnect try without it and fail, and lets setup mend it.
#[track_caller]
fn mended(take_away: impl FnOnce(&Colleague<'_>), konnect_says: &str, mended_step: &str, change: &str) {
    let sandbox = sandbox();
    done(&sandbox);
    let colleague = Colleague::of(&sandbox);
    colleague.deletes_gateways();
    take_away(&colleague);
    colleague.asks_kong();
    let failed = &colleague.gateways()[0];
    assert_eq!(failed["state"], "error", "{failed:#}");
    let reason = failed["state_metadata"]["reason"].as_str().unwrap_or_default();
    assert!(reason.contains(konnect_says), "{reason}");

    let ran = setup(&sandbox, &[]).run().expect_code(0);
    // The plan says what failed, in Azure's own words, before anything is done about it.
    let plan = words(&ran.stderr);
    assert!(
        plan.contains("which failed: it is deleted and requested again"),
        "{ran}"
    );
    assert!(plan.contains(konnect_says), "{ran}");
    for written in [
        format!("{mended_step} {change} "),
        "vendor-request deleted transit gateway ".to_owned(),
        "vendor-request created transit gateway ".to_owned(),
    ] {
        assert!(words(&ran.stdout).contains(&written), "{written}\n{ran}");
    }
    assert_nothing_doubled(&sandbox);
    unchanged(&sandbox);
}

#[test]
fn an_assignment_that_was_taken_away_is_made_again_and_kong_is_asked_again() {
    mended(
        |colleague| colleague.removes_assignment(),
        "AuthorizationFailed",
        "role-assignment",
        "created roleAssignment",
    );
}

#[test]
fn an_action_that_was_taken_away_is_added_again_and_kong_is_asked_again() {
    let strip = |colleague: &Colleague<'_>| {
        let guid = colleague.role_guid(ROLE);
        colleague.writes_role(SUBSCRIPTION, &guid, ROLE, &ACTIONS[..4], &[SUBSCRIPTION]);
    };
    mended(
        strip,
        "LinkedAuthorizationFailed",
        "role-definition",
        "updated roleDefinition",
    );
}

#[test]
fn a_service_principal_that_was_deleted_is_made_again_and_kong_is_asked_again() {
    mended(
        |colleague| colleague.removes_principal(),
        "AADSTS7000229",
        "consent",
        "created servicePrincipal",
    );
}

#[test]
fn with_the_lag_that_azure_has_a_failed_request_makes_way_before_the_next_one() {
    // Deleting takes Konnect a moment, and until then it refuses a second request for the same network.
    let sandbox = Served::start(["--lag", "typical"]);
    let colleague = Colleague::of(&sandbox);
    colleague.asks_kong();
    let failed = || colleague.gateways()[0]["state"] == "error";
    support::served::poll(support::DEADLINE, || failed().then_some(())).expect("without consent, Kong cannot peer");
    let document = done(&sandbox);
    assert_eq!(changes(&document, "vendor-request"), ["deleted", "created"]);
    unchanged(&sandbox);
}

// ------------------------------------------------------------------------------------------------ waiting for people

#[test]
fn waiting_for_consent_without_waiting_prints_the_page_and_exits_3() {
    let sandbox = sandbox();
    let flags = ["--consent", "wait", "--no-wait"];
    let text = setup(&sandbox, &flags).run().expect_code(3);
    assert!(text.stderr.contains("/adminconsent?client_id=207b296f"), "{text}");
    let document = run(&sandbox, &flags, 3);
    assert_eq!(step(&document, "consent")["after"], "waiting");
    // What does not depend on it was done meanwhile.
    assert_eq!(step(&document, "role-definition")["after"], "in-place");
    assert_eq!(sandbox.writes().len(), 1, "{:?}", sandbox.writes());

    Colleague::of(&sandbox).consents();
    let document = run(&sandbox, &["--consent", "wait"], 0);
    assert_eq!(document["outcome"], "done");
    unchanged(&sandbox);
}

/// Nothing of Konnect is in the environment of somebody who works by hand.
fn by_hand(sandbox: &Served, more: &[&str]) -> Ran {
    let flags = [&["--vendor-access", "manual"], more].concat();
    setup(sandbox, &flags).env("KONNECT_TOKEN", "").run()
}

#[test]
fn by_hand_the_card_is_in_the_text_and_in_the_document() {
    let sandbox = sandbox();
    let text = by_hand(&sandbox, &["--no-wait"]).expect_code(3);
    for part in [
        "Tenant ID            6b1f5c5e-",
        "Subscription ID      11d0b6a2-",
        "VNET Name            vnet-app",
    ] {
        assert!(text.stderr.contains(part), "{part}\n{text}");
    }
    let document = by_hand(&sandbox, &["--no-wait", "-o", "json"]).expect_code(3).json();
    assert_eq!(document["outcome"], "waiting");
    assert!(
        document["handOff"]["where"]
            .as_str()
            .is_some_and(|place| place.contains("Virtual network peering")),
        "{document:#}"
    );
    assert_eq!(
        document["handOff"]["values"],
        json!([
            {"label": "Tenant ID", "value": "6b1f5c5e-8a4e-4d0e-9a53-1f0c2d7e4b10"},
            {"label": "Subscription ID", "value": SUBSCRIPTION},
            {"label": "Resource group name", "value": "rg-network"},
            {"label": "VNET Name", "value": "vnet-app"},
        ])
    );
    assert_eq!(step(&document, "role-assignment")["after"], "in-place");
    assert_eq!(step(&document, "vendor-request")["after"], "waiting");
    assert!(
        sandbox.writes().iter().all(|write| !write.contains("cloud-gateways")),
        "{:?}",
        sandbox.writes()
    );
}

#[test]
fn by_hand_it_goes_on_once_the_values_were_entered_at_konnects_console() {
    let sandbox = sandbox();
    by_hand(&sandbox, &["--no-wait"]).expect_code(3);
    Colleague::of(&sandbox).fills_in_the_form();
    let document = by_hand(&sandbox, &["-o", "json"]).expect_code(0).json();
    // It was all done by then, by the person.
    assert_eq!(document["outcome"], "unchanged", "{document:#}");
    assert_in_place(&document);
    assert_nothing_doubled(&sandbox);
    // And with the token it is the same peering.
    unchanged(&sandbox);
}

#[test]
fn by_hand_it_gives_up_when_its_time_is_up_and_exits_3() {
    let sandbox = sandbox();
    let begun = std::time::Instant::now();
    let ran = by_hand(&sandbox, &["--timeout", "2s", "-o", "json"]).expect_code(3);
    assert!(begun.elapsed().as_secs() < 15, "{ran}");
    let document = ran.json();
    assert_eq!(document["outcome"], "waiting");
    let request = step(&document, "vendor-request");
    assert_eq!(request["after"], "waiting", "{document:#}");
    assert!(
        request["waitedMs"].as_u64().is_some_and(|waited| waited > 0),
        "{document:#}"
    );
    assert!(document["handOff"]["values"].is_array());
}

#[cfg(unix)]
mod stopped {
    use super::support::kong::command_line;
    use super::support::running::Running;
    use super::*;

    fn start(sandbox: &Served, more: &[&str]) -> Running {
        let flags = [&["-o", "json"], more].concat();
        Running::start(command_line(&flags), sandbox.env())
    }

    #[test]
    fn by_hand_a_waiting_run_goes_on_by_itself_when_the_values_are_entered() {
        let sandbox = sandbox();
        let mut running = start(&sandbox, &["--vendor-access", "manual"]);
        running.wait_for("vendor-request: waiting: until the values are entered");
        Colleague::of(&sandbox).fills_in_the_form();
        let exit = running.wait();
        assert_eq!(exit.code, Some(0), "{}", exit.stderr);
        let document = exit.json();
        assert_eq!(document["outcome"], "done");
        assert_in_place(&document);
        assert_eq!(
            step(&document, "vendor-request")["detail"],
            "Kong knows the network: kong-eastus2-network-36ae63d3 is there"
        );
        unchanged(&sandbox);
    }

    #[test]
    fn a_run_that_waits_for_consent_goes_on_by_itself_when_it_is_given() {
        let sandbox = sandbox();
        let mut running = start(&sandbox, &["--consent", "wait"]);
        running.wait_for("consent: waiting: until somebody accepts on that page");
        Colleague::of(&sandbox).consents();
        let exit = running.wait();
        assert_eq!(exit.code, Some(0), "{}", exit.stderr);
        assert_in_place(&exit.json());
        unchanged(&sandbox);
    }

    #[test]
    fn ctrl_c_or_sigterm_during_a_wait_is_exit_code_130_and_the_next_run_goes_on() {
        for signal in ["INT", "TERM"] {
            let sandbox = sandbox();
            let mut running = start(&sandbox, &["--vendor-access", "manual"]);
            running.wait_for("vendor-request: waiting:");
            let exit = running.signal(signal).wait();
            assert_eq!(exit.code, Some(130), "SIG{signal}: {}", exit.stderr);
            let document = exit.json();
            assert_eq!(document["outcome"], "cancelled", "{document:#}");
            // What was done before is in the document.
            assert_eq!(changes(&document, "role-assignment"), ["created"]);
            assert_eq!(document["stats"]["writes"], 3);
            let writes = sandbox.writes();
            done(&sandbox);
            let later = &sandbox.writes()[writes.len()..];
            assert!(later.len() == 1 && later[0].contains("transit-gateways"), "{later:?}");
        }
    }

    #[test]
    fn stopped_between_any_two_writes_it_goes_on_from_there() {
        // Each fault lets nothing of one write come back, so the run stands still there until it is stopped.
        for fault in [
            "POST */servicePrincipals:1=stall",
            "PUT */roleDefinitions/*:1=stall",
            "PUT */roleAssignments/*:1=stall",
            "POST */transit-gateways:1=stall",
        ] {
            let sandbox = Served::start(["--lag", "none", "--fault", fault]);
            let running = start(&sandbox, &[]);
            let struck = || (struck(&sandbox) == 1).then_some(());
            support::served::poll(support::DEADLINE, struck).expect("the write is sent");
            let exit = running.signal("INT").wait();
            assert_eq!(exit.code, Some(130), "{fault}: {}", exit.stderr);
            done(&sandbox);
            unchanged(&sandbox);
        }
    }
}

// ------------------------------------------------------------------------------------------------ faults

/// How many requests a fault has hit so far.
#[track_caller]
fn struck(sandbox: &Served) -> usize {
    let log = sandbox.requests();
    let requests = log["requests"].as_array().expect("a log").iter();
    requests.filter(|request| request.get("fault").is_some()).count()
}

/// A run during which this goes wrong ends done all the same, with nothing doubled.
#[track_caller]
fn in_spite_of(fault: &str, lag: &str) {
    let sandbox = Served::start(["--lag", lag, "--fault", fault]);
    let document = done(&sandbox);
    assert_eq!(struck(&sandbox), 1, "{fault} struck once");
    // Every change is told, also one whose answer was lost.
    for id in ["consent", "role-definition", "role-assignment", "vendor-request"] {
        assert_eq!(changes(&document, id), ["created"], "{fault}: {document:#}");
    }
    unchanged(&sandbox);
}

macro_rules! in_spite_of {
    ($($name:ident: $fault:literal)+) => {
        $(#[test]
        fn $name() {
            in_spite_of($fault, "none");
        })+
    };
}

in_spite_of! {
    a_service_principal_whose_answer_was_lost_is_not_made_twice: "POST */servicePrincipals:1=reset-after"
    a_service_principal_that_never_arrived_is_made: "POST */servicePrincipals:1=reset-before"
    a_service_principal_is_made_although_graph_is_down_for_a_moment: "POST */servicePrincipals:1=503"
    a_service_principal_is_made_although_graph_throttles: "POST */servicePrincipals:1=429"
    a_role_whose_answer_was_lost_is_not_made_twice: "PUT */roleDefinitions/*:1=reset-after"
    an_assignment_whose_answer_was_lost_is_not_made_twice: "PUT */roleAssignments/*:1=reset-after"
    an_assignment_is_made_although_azure_throttles: "PUT */roleAssignments/*:1=429"
    an_assignment_is_made_although_azure_is_down_for_a_moment: "PUT */roleAssignments/*:1=503"
    an_assignment_whose_answer_was_garbled_is_not_made_twice: "PUT */roleAssignments/*:1=truncate"
    a_request_to_kong_whose_answer_was_lost_is_not_made_twice: "POST */transit-gateways:1=reset-after"
    a_request_to_kong_that_never_arrived_is_made: "POST */transit-gateways:1=reset-before"
    a_request_to_kong_is_made_although_konnect_is_down_for_a_moment: "POST */transit-gateways:1=503"
    a_request_to_kong_is_made_although_konnect_throttles: "POST */transit-gateways:1=429"
    a_sign_in_is_repeated_when_entra_is_down_for_a_moment: "POST */oauth2/v2.0/token:1=503"
    a_look_that_failed_is_looked_again: "GET */virtualNetworks/vnet-app:2=503"
}

#[test]
fn with_the_lag_that_azure_has_a_lost_answer_is_waited_out_too() {
    // Right after the write the service principal is in no list yet, so a look would find nothing.
    in_spite_of("POST */servicePrincipals:1=reset-after", "typical");
}

#[test]
fn a_request_to_kong_that_was_refused_fails_with_konnects_words_and_the_next_run_goes_on() {
    let sandbox = Served::start(["--lag", "none", "--fault", "POST */transit-gateways:1=403"]);
    let document = run(&sandbox, &[], 1);
    assert_eq!(document["outcome"], "failed");
    assert_eq!(document["error"]["step"], "vendor-request");
    assert_eq!(document["error"]["kind"], "permission");
    let document = done(&sandbox);
    assert_eq!(document["stats"]["writes"], 1);
}

/// Entra keeps a deleted application, and its unique name, for 30 days.
#[test]
fn an_application_that_was_deleted_by_hand_is_restored_with_its_id() {
    use support::both_sides::{AIVEN, own_apps};
    let sandbox = sandbox();
    AIVEN.done(&sandbox, &[]);
    let colleague = Colleague::of(&sandbox);
    let object = colleague.object_id(&own_apps(&sandbox)[0]["uniqueName"]);
    let path = format!("/v1.0/applications/{object}");
    let app_id = colleague.azure(reqwest::Method::GET, &path, None)["appId"].clone();
    colleague.azure(reqwest::Method::DELETE, &path, None);
    assert_eq!(own_apps(&sandbox), Vec::<Value>::new());
    let document = AIVEN.run(&sandbox, &[], 0);
    let made = step(&document, "own-app").to_string();
    assert!(
        made.contains(&format!("{} (restored)", app_id.as_str().expect("an id"))),
        "{document:#}"
    );
    let restored = colleague.azure(reqwest::Method::GET, &path, None);
    assert_eq!(restored["appId"], app_id);
    AIVEN.unchanged(&sandbox, &[]);
}

#[track_caller]
fn aiven_goes(sandbox: &Served) -> support::cli::Ran {
    let words = ["azure", "teardown", "--vendor", "aiven", "--vnet-id"];
    let flags = words.into_iter().chain([VNET_ID, "--no-input", "--yes"]);
    let line = flags.chain(support::both_sides::AIVEN.inputs.iter().copied());
    support::cli::peerctl(line).envs(sandbox.env()).run().expect_code(0)
}

#[test]
fn setup_after_teardown_works_although_deleted_applications_are_kept() {
    use support::both_sides::AIVEN;
    let sandbox = sandbox();
    for _ in 0..2 {
        AIVEN.done(&sandbox, &[]);
        let down = aiven_goes(&sandbox);
        assert!(format!("{}{}", down.stdout, down.stderr).contains("for good"), "{down}");
        assert_eq!(sandbox.state()["deletedApplications"], json!([]));
    }
}

/// Whoever may not delete it for good leaves it among the deleted ones, and setup restores it.
#[test]
fn an_application_that_teardown_cannot_delete_for_good_is_restored() {
    use support::both_sides::AIVEN;
    let fault = "DELETE */directory/deletedItems/*=403:Authorization_RequestDenied:Insufficient privileges.";
    let sandbox = Served::start(["--lag", "none", "--fault", fault]);
    AIVEN.done(&sandbox, &[]);
    let down = aiven_goes(&sandbox);
    let told = format!("{}{}", down.stdout, down.stderr);
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("keeps it for 30 days"), "{down}");
    AIVEN.done(&sandbox, &[]);
}
