//! Aiven and Dragonfly: each side makes its own direction. Ours is written by the customer's own application, with
//! tokens of both tenants and a credential that is gone when the run is.

mod support;

use serde_json::{Value, json};
use support::both_sides::{
    AIVEN, AIVEN_NETWORK, AIVEN_TENANT, DRAGONFLY, DRAGONFLY_ACCOUNT, DRAGONFLY_VPC, PARTNER_TENANT, Party,
    assert_in_place, assert_no_credential, changes, credentials, own_apps, peerings, said, step, struck, with_inputs,
    words,
};
use support::cli::{Ran, peerctl};
use support::colleague::Colleague;
use support::kong::{LIMITED, SUBSCRIPTION, VNET_ID};
use support::served::Served;

const WRITER_ROLE: &str = "peerctl Peering Writer 11d0b6a2";
const MULTI_TENANT: &str = "AzureADMultipleOrgs";

/// A sandbox in which everything takes effect at once.
fn sandbox() -> Served {
    Served::start(["--lag", "none"])
}

fn with_fault(fault: &str) -> Served {
    Served::start(["--lag", "none", "--fault", fault])
}

/// The client id of the one application that setup made, from the assignment that it has at the network.
#[track_caller]
fn own_app_id(document: &Value) -> String {
    let changes = step(document, "own-app")["changes"].as_array().expect("changes");
    let made = changes.iter().find(|change| change["kind"] == "application");
    made.expect("an application was made")["id"]
        .as_str()
        .expect("an id")
        .to_owned()
}

/// The role assignments at `vnet-app`, as application and role.
fn assignments(sandbox: &Served) -> Vec<(String, String)> {
    let state = sandbox.state();
    let all = state["roleAssignments"].as_array().expect("assignments").iter();
    all.filter(|one| {
        one["scope"]
            .as_str()
            .is_some_and(|scope| scope.eq_ignore_ascii_case(VNET_ID))
    })
    .map(|one| {
        let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
        (text("appId"), text("role"))
    })
    .collect()
}

macro_rules! with_each_vendor {
    ($($(#[$attribute:meta])* $test:ident)+) => {
        mod aiven {
            $($(#[$attribute])* #[test] fn $test() { super::$test(super::AIVEN); })+
        }
        mod dragonfly {
            $($(#[$attribute])* #[test] fn $test() { super::$test(super::DRAGONFLY); })+
        }
    };
}

with_each_vendor! {
    by_flags_from_an_empty_tenant_to_connected_and_a_second_run_writes_nothing
    with_the_lag_that_azure_has_everything_is_waited_out
    an_unrelated_application_of_the_same_display_name_is_left_alone
    our_own_application_is_found_by_its_unique_name
    the_role_is_network_contributor_on_request
    an_application_of_ones_own_is_used_with_its_own_secret
    an_application_of_ones_own_without_a_secret_gets_one_for_the_run
    a_single_tenant_application_is_named_to_be_changed
    everything_made_by_hand_from_the_vendors_documentation_is_found
    a_request_made_for_another_application_is_made_anew
    a_failing_peering_leaves_no_credential
    a_credential_whose_answer_was_lost_is_removed_and_another_one_made
    without_the_vendors_service_principal_it_says_so_and_mends_it
    without_the_vendors_role_it_says_so_and_mends_it
    without_our_own_role_the_peering_is_mended
    a_peering_that_we_deleted_is_requested_and_made_again
    a_peering_that_the_vendor_deleted_is_deleted_here_and_both_are_made_again
    a_wrong_token_is_explained_and_never_shown
    a_planted_application_is_not_trusted
    where_secrets_are_forbidden_a_certificate_is_used
    by_hand_in_two_runs
    who_may_do_nothing_gets_a_packet_for_each_step
    #[cfg(unix)] a_killed_run_leaves_a_credential_and_a_later_one_removes_it
    #[cfg(unix)] ctrl_c_during_the_wait_ends_soon_and_leaves_no_credential
    #[cfg(unix)] no_argument_and_no_line_holds_a_secret
}

// ------------------------------------------------------------------------------------------------ the way

fn by_flags_from_an_empty_tenant_to_connected_and_a_second_run_writes_nothing(vendor: Party) {
    let sandbox = sandbox();
    let document = vendor.done(&sandbox, &[]);
    let ids: Vec<&str> = document["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .filter_map(|step| step["id"].as_str())
        .collect();
    assert_eq!(
        ids,
        [
            "consent",
            "own-app",
            "role-definition",
            "role-assignment",
            "vendor-request",
            "peering",
            "verification",
            "clean-up"
        ]
    );
    assert_eq!(
        changes(&document, "own-app"),
        [
            "created application",
            "created servicePrincipal",
            "created passwordCredential"
        ]
    );
    assert_eq!(changes(&document, "clean-up"), ["deleted passwordCredential"]);
    assert_eq!(changes(&document, "peering"), ["created virtualNetworkPeering"]);
    assert_eq!(document["stats"]["writes"], sandbox.writes().len());
    assert_eq!(vendor.state(&sandbox), vendor.ready);

    let apps = own_apps(&sandbox);
    assert_eq!(apps.len(), 1, "{apps:?}");
    assert_eq!(apps[0]["signInAudience"], MULTI_TENANT);
    assert_eq!(apps[0]["passwords"], json!([]));
    // The vendor may peer and no more; the application may write peerings and no more.
    let roles = sandbox.state()["roleDefinitions"].clone();
    let actions = |name: &str| {
        let role = roles
            .as_array()
            .and_then(|all| all.iter().find(|role| role["roleName"] == name));
        role.unwrap_or_else(|| panic!("{name} in {roles:#}"))["permissions"][0]["actions"].clone()
    };
    assert_eq!(
        actions(vendor.role),
        json!(["Microsoft.Network/virtualNetworks/peer/action"])
    );
    assert_eq!(
        actions(WRITER_ROLE),
        json!([
            "Microsoft.Network/virtualNetworks/read",
            "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/read",
            "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/write",
        ])
    );
    let world = sandbox.state();
    vendor.unchanged(&sandbox, &[]);
    assert_eq!(sandbox.state(), world);
}

fn with_the_lag_that_azure_has_everything_is_waited_out(vendor: Party) {
    let sandbox = Served::start(["--lag", "typical"]);
    let document = vendor.done(&sandbox, &[]);
    let waited = step(&document, "peering")["waitedMs"].as_u64();
    assert!(waited.is_some_and(|waited| waited > 500), "{document:#}");
    assert!(own_apps(&sandbox)[0]["passwords"] == json!([]));
    vendor.unchanged(&sandbox, &[]);
}

#[test]
fn both_vendors_share_the_writers_role_and_nothing_else() {
    let sandbox = sandbox();
    AIVEN.done(&sandbox, &[]);
    let document = DRAGONFLY.run(&sandbox, &[], 0);
    assert_eq!(step(&document, "own-app")["before"], "missing");
    // Each vendor has a role of its own name.
    assert_eq!(changes(&document, "role-definition"), ["created roleDefinition"]);
    assert_eq!(changes(&document, "role-assignment").len(), 2);
    assert_eq!(own_apps(&sandbox).len(), 2);
    AIVEN.unchanged(&sandbox, &[]);
    DRAGONFLY.unchanged(&sandbox, &[]);
}

#[test]
fn a_peering_of_our_name_with_another_network_is_left_alone() {
    let sandbox = sandbox();
    let first = [
        "-o",
        "json",
        "--peering-name",
        AIVEN.peering,
        "--set",
        "network=cache-eastus2",
    ];
    peerctl(with_inputs("dragonfly", &first))
        .envs(sandbox.env())
        .run()
        .expect_code(0);
    let document = AIVEN.run(&sandbox, &[], 0);
    assert_in_place(&document);
    let names: Vec<Value> = peerings(&sandbox.state(), "vnet-app", "10.20.0.0/16")
        .iter()
        .map(|one| one["name"].clone())
        .collect();
    assert_eq!(names, ["vnet-app-aiven-peering", "vnet-app-aiven-peering-2"]);
    AIVEN.unchanged(&sandbox, &[]);
}

// ------------------------------------------------------------------------------------------------ the own application

fn an_unrelated_application_of_the_same_display_name_is_left_alone(vendor: Party) {
    let sandbox = sandbox();
    let colleague = Colleague::of(&sandbox);
    let name = match vendor.name {
        "aiven" => "peerctl: vnet-app and Aiven",
        _ => "peerctl: vnet-app and Dragonfly Cloud",
    };
    let (unrelated, object_id) = colleague.registers(name, "AzureADMyOrg");
    colleague.adds_secret(&object_id, "theirs");
    let document = vendor.done(&sandbox, &[]);
    assert_ne!(own_app_id(&document), unrelated);
    let state = sandbox.state();
    let same: Vec<&Value> = state["applications"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|app| app["displayName"] == name)
        .collect();
    assert_eq!(same.len(), 2, "{same:?}");
    let left = same.iter().find(|app| app["uniqueName"].is_null()).expect("theirs");
    assert_eq!(
        (&left["signInAudience"], &left["passwords"]),
        (&json!("AzureADMyOrg"), &json!(["theirs"]))
    );
    assert!(!assignments(&sandbox).iter().any(|(app, _)| *app == unrelated));
}

fn our_own_application_is_found_by_its_unique_name(vendor: Party) {
    let sandbox = sandbox();
    let app = own_app_id(&vendor.done(&sandbox, &[]));
    let colleague = Colleague::of(&sandbox);
    let path = format!("/v1.0/applications(appId='{app}')");
    colleague.azure(
        reqwest::Method::PATCH,
        &path,
        Some(json!({"displayName": "Renamed by the platform team"})),
    );
    colleague.deletes_peering(vendor.peering);
    let document = vendor.done(&sandbox, &[]);
    let own = step(&document, "own-app");
    assert_eq!(own["before"], "in-place", "{document:#}");
    assert!(
        own["detail"]
            .as_str()
            .is_some_and(|text| text.contains("Renamed by the platform team")),
        "{own:#}"
    );
    assert_eq!(own_apps(&sandbox).len(), 1);
}

fn the_role_is_network_contributor_on_request(vendor: Party) {
    let sandbox = sandbox();
    let flags = ["--own-app-role", "network-contributor"];
    let document = vendor.done(&sandbox, &flags);
    let app = own_app_id(&document);
    assert_eq!(changes(&document, "role-definition"), ["created roleDefinition"]);
    assert!(
        assignments(&sandbox).contains(&(app, "Network Contributor".to_owned())),
        "{:?}",
        assignments(&sandbox)
    );
    vendor.unchanged(&sandbox, &flags);
    // What is wide enough needs nothing beside it.
    vendor.unchanged(&sandbox, &[]);
}

fn an_application_of_ones_own_is_used_with_its_own_secret(vendor: Party) {
    let sandbox = sandbox();
    let colleague = Colleague::of(&sandbox);
    let (app, object_id) = colleague.registers("team-peering", MULTI_TENANT);
    let secret = colleague.adds_secret(&object_id, "the team's");
    let ran = vendor
        .setup(&sandbox, &["--own-app", &app, "-o", "json"])
        .env("PEERCTL_OWN_APP_SECRET", &secret)
        .run()
        .expect_code(0);
    let document = ran.json();
    assert_in_place(&document);
    assert_eq!(changes(&document, "own-app"), ["created servicePrincipal"]);
    assert_eq!(changes(&document, "clean-up"), [""; 0]);
    assert!(!said(&ran).contains(&secret));
    let credentials = sandbox
        .writes()
        .iter()
        .filter(|write| write.contains("Password"))
        .count();
    assert_eq!(credentials, 1, "the team's, and no other: {:?}", sandbox.writes());
    assert_eq!(own_apps(&sandbox), Vec::<Value>::new(), "none was made");
    vendor.unchanged(&sandbox, &["--own-app", &app]);
}

fn an_application_of_ones_own_without_a_secret_gets_one_for_the_run(vendor: Party) {
    let sandbox = sandbox();
    let colleague = Colleague::of(&sandbox);
    let (app, object_id) = colleague.registers("team-peering", MULTI_TENANT);
    colleague.adds_secret(&object_id, "the team's");
    let document = vendor.done(&sandbox, &["--own-app", &app]);
    assert_eq!(
        changes(&document, "own-app"),
        ["created servicePrincipal", "created passwordCredential"]
    );
    assert_eq!(changes(&document, "clean-up"), ["deleted passwordCredential"]);
    let state = sandbox.state();
    let team = state["applications"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|app| app["displayName"] == "team-peering");
    assert_eq!(team.expect("the team's")["passwords"], json!(["the team's"]));
    assert!(assignments(&sandbox).contains(&(app, WRITER_ROLE.to_owned())));
}

fn a_single_tenant_application_is_named_to_be_changed(vendor: Party) {
    let sandbox = sandbox();
    let (app, _) = Colleague::of(&sandbox).registers("team-peering", "AzureADMyOrg");
    let document = vendor.run(&sandbox, &["--own-app", &app], 3);
    let hold = &step(&document, "own-app")["actionRequired"];
    assert!(
        hold["reason"]
            .as_str()
            .is_some_and(|why| why.contains("team-peering is not multi-tenant")),
        "{hold:#}"
    );
    let command = format!("az ad app update --id {app} --sign-in-audience {MULTI_TENANT}");
    assert_eq!(hold["instructions"][0], json!(command));
    assert_eq!(vendor.state(&sandbox), "", "the vendor is not asked before that");
    assert_no_credential(&sandbox);

    let unknown = "0d5e3c1a-0000-4000-8000-000000000009";
    let document = vendor.run(&sandbox, &["--own-app", unknown], 3);
    let hold = &step(&document, "own-app")["actionRequired"];
    assert!(
        hold["reason"].as_str().is_some_and(|why| why.contains(unknown)),
        "{hold:#}"
    );
}

/// The vendors' own commands: an application, Network Contributor for it, a role for the vendor, the request.
fn everything_made_by_hand_from_the_vendors_documentation_is_found(vendor: Party) {
    const A_ROLE: &str = "0d5e3c1a-0000-4000-8000-000000000001";
    const NETWORK_CONTRIBUTOR: &str = "4d97b98b-1d4f-4787-a291-c67834d212e7";
    let sandbox = sandbox();
    let colleague = Colleague::of(&sandbox);
    let (app, _) = colleague.registers("client-app", MULTI_TENANT);
    let own = colleague.makes_principal(&app);
    colleague.assigns("0d5e3c1a-0000-4000-8000-000000000002", NETWORK_CONTRIBUTOR, &own);
    let theirs = colleague.makes_principal(vendor.app_id);
    let role = if vendor.name == "aiven" {
        "aiven-role"
    } else {
        vendor.role
    };
    colleague.writes_role(
        SUBSCRIPTION,
        A_ROLE,
        role,
        &["Microsoft.Network/virtualNetworks/peer/action"],
        &[SUBSCRIPTION],
    );
    colleague.assigns("0d5e3c1a-0000-4000-8000-000000000003", A_ROLE, &theirs);
    vendor.asks(&sandbox, &app);
    let before = sandbox.writes().len();

    let document = vendor.done(&sandbox, &[]);
    for id in [
        "consent",
        "own-app",
        "role-definition",
        "role-assignment",
        "vendor-request",
    ] {
        assert_eq!(step(&document, id)["before"], "in-place", "{id}: {document:#}");
    }
    // Its credential made and removed, and the peering: nothing else was missing.
    assert_eq!(sandbox.writes().len() - before, 3, "{:?}", sandbox.writes());
    assert_eq!(own_apps(&sandbox), Vec::<Value>::new());
    vendor.unchanged(&sandbox, &[]);
}

fn a_request_made_for_another_application_is_made_anew(vendor: Party) {
    let sandbox = sandbox();
    let colleague = Colleague::of(&sandbox);
    let (other, _) = colleague.registers("another team's", MULTI_TENANT);
    let (app, _) = colleague.registers("team-peering", MULTI_TENANT);
    colleague.makes_principal(&other);
    let theirs = colleague.makes_principal(vendor.app_id);
    colleague.writes_role(
        SUBSCRIPTION,
        "0d5e3c1a-0000-4000-8000-000000000001",
        vendor.role,
        &["Microsoft.Network/virtualNetworks/peer/action"],
        &[SUBSCRIPTION],
    );
    colleague.assigns(
        "0d5e3c1a-0000-4000-8000-000000000003",
        "0d5e3c1a-0000-4000-8000-000000000001",
        &theirs,
    );
    vendor.asks(&sandbox, &other);
    let document = vendor.done(&sandbox, &["--own-app", &app]);
    let request = step(&document, "vendor-request");
    assert_eq!(request["before"], "different", "{document:#}");
    assert_eq!(changes(&document, "vendor-request").len(), 2, "{document:#}");
    assert!(vendor.connection(&sandbox).to_string().contains(&app));
}

// ------------------------------------------------------------------------------------------------ the credential

fn a_failing_peering_leaves_no_credential(vendor: Party) {
    let sandbox = with_fault("PUT */virtualNetworkPeerings/vnet-app-*:1=403");
    let document = vendor.run(&sandbox, &["--timeout", "1s"], 1);
    assert_eq!(document["error"]["step"], "peering", "{document:#}");
    assert_eq!(changes(&document, "clean-up"), ["deleted passwordCredential"]);
    assert_no_credential(&sandbox);
    vendor.done(&sandbox, &[]);
}

fn a_credential_whose_answer_was_lost_is_removed_and_another_one_made(vendor: Party) {
    for fault in ["POST */addPassword:1=reset-after", "POST */addPassword:1=truncate"] {
        let sandbox = with_fault(fault);
        vendor.done(&sandbox, &[]);
        assert_eq!(struck(&sandbox), 1, "{fault}");
    }
}

#[cfg(unix)]
use support::running::Running;

#[cfg(unix)]
fn start(vendor: Party, sandbox: &Served) -> Running {
    Running::start(vendor.command_line(&["-o", "json"]), sandbox.env())
}

/// As on another machine, of whose runs nothing is known here.
fn start_elsewhere(vendor: Party, sandbox: &Served) -> Running {
    let mut env = sandbox.env().clone();
    env.insert("PEERCTL_STATE_DIR".into(), "none".into());
    Running::start(vendor.command_line(&["-o", "json"]), env)
}

/// A run that stands still at the writing of our direction, with a credential made.
#[cfg(unix)]
fn stands_still(vendor: Party) -> (Served, Running) {
    let sandbox = with_fault("PUT */virtualNetworkPeerings/vnet-app-*:1=stall");
    let running = start_elsewhere(vendor, &sandbox);
    support::served::poll(support::DEADLINE, || (struck(&sandbox) == 1).then_some(())).expect("the peering is sent");
    assert_eq!(credentials(&sandbox), 1);
    (sandbox, running)
}

/// Another run could be using it: it stays until it is over, and then goes with the next run.
#[cfg(unix)]
fn a_killed_run_leaves_a_credential_and_a_later_one_removes_it(vendor: Party) {
    let (sandbox, running) = stands_still(vendor);
    assert_eq!(running.signal("KILL").wait().code, None);
    assert_eq!(credentials(&sandbox), 1, "nobody could remove it");
    let document = vendor.run(&sandbox, &[], 0);
    assert_in_place(&document);
    assert_eq!(changes(&document, "clean-up"), ["deleted passwordCredential"]);
    assert_eq!(credentials(&sandbox), 1, "the killed run's");
    let document = vendor.run(&sandbox, &[], 0);
    let detail = step(&document, "clean-up").to_string();
    assert!(detail.contains("another run may be using"), "{detail}");
    let colleague = Colleague::of(&sandbox);
    let object = colleague.object_id(&own_apps(&sandbox)[0]["uniqueName"]);
    colleague.leaves_credential(&object, 61);
    let document = vendor.run(&sandbox, &[], 0);
    assert_eq!(step(&document, "clean-up")["before"], "different", "{document:#}");
    assert_eq!(
        changes(&document, "clean-up"),
        ["deleted passwordCredential"],
        "the one that is over"
    );
    assert_eq!(credentials(&sandbox), 1);
}

/// On the same machine it is known to be over.
#[cfg(unix)]
#[test]
fn killed_runs_credential_goes_with_the_next_run_here() {
    let sandbox = with_fault("PUT */virtualNetworkPeerings/vnet-app-*:1=stall");
    let line = AIVEN.command_line(&["-o", "json"]);
    let running = Running::start(line.clone(), sandbox.env());
    support::served::poll(support::DEADLINE, || (struck(&sandbox) == 1).then_some(())).expect("the peering is sent");
    assert_eq!(running.signal("KILL").wait().code, None);
    assert_eq!(credentials(&sandbox), 1);
    support::cli::peerctl(line).envs(sandbox.env()).run().expect_code(0);
    assert_no_credential(&sandbox);
    let left = std::fs::read_dir(sandbox.folder().join("state"))
        .expect("the state folder")
        .flatten();
    let marks = left.filter(|entry| entry.path().extension().is_some_and(|end| end == "lock"));
    assert_eq!(marks.count(), 1, "the killed run's, until a day is over");
}

#[cfg(unix)]
fn ctrl_c_during_the_wait_ends_soon_and_leaves_no_credential(vendor: Party) {
    let (sandbox, running) = stands_still(vendor);
    let begun = std::time::Instant::now();
    let exit = running.signal("INT").wait();
    assert!(begun.elapsed().as_secs() < 4, "{}", exit.stderr);
    assert_eq!(exit.code, Some(130), "{}", exit.stderr);
    let document = exit.json();
    assert_eq!(document["outcome"], "cancelled");
    assert_eq!(changes(&document, "clean-up"), ["deleted passwordCredential"]);
    assert_no_credential(&sandbox);
    vendor.done(&sandbox, &[]);
}

#[test]
#[cfg(unix)]
fn ctrl_c_right_after_the_credential_was_made_removes_it_although_graph_does_not_show_it_yet() {
    let sandbox = Served::start(["--lag", "typical"]);
    let mut running = start(AIVEN, &sandbox);
    running.wait_for("own-app: created passwordCredential");
    let exit = running.signal("INT").wait();
    assert_eq!(exit.code, Some(130), "{}", exit.stderr);
    assert_no_credential(&sandbox);
    assert_eq!(changes(&exit.json(), "clean-up"), ["deleted passwordCredential"]);
}

#[cfg(unix)]
fn no_argument_and_no_line_holds_a_secret(vendor: Party) {
    let sandbox = sandbox();
    let log = sandbox.folder().join("run.log");
    let ran = vendor
        .setup(&sandbox, &["-vv", "--log-file", &log.display().to_string()])
        .run()
        .expect_code(0);
    let told = format!(
        "{}{}{}",
        ran.stdout,
        ran.stderr,
        std::fs::read_to_string(&log).expect("a log")
    );
    assert!(told.contains("addPassword"), "the log is a full one");
    for secret in [
        sandbox.value(vendor.token),
        sandbox.value("AZURE_CLIENT_SECRET"),
        "8Q~",
        "eyJ",
    ] {
        assert!(!told.contains(secret), "{secret}");
    }
}

// ------------------------------------------------------------------------------------------------ whom to trust

/// The unique name that setup gives the application for this vendor: anybody can work it out.
fn predicted(vendor: Party) -> String {
    let sandbox = sandbox();
    vendor.done(&sandbox, &[]);
    own_apps(&sandbox)[0]["uniqueName"].as_str().expect("a name").to_owned()
}

/// Registers an application under that name before setup does.
fn planted(colleague: &Colleague<'_>, unique_name: &str) -> (String, String) {
    let body = json!({"displayName": "peerctl: vnet-app", "signInAudience": MULTI_TENANT, "uniqueName": unique_name});
    let made = colleague.azure(reqwest::Method::POST, "/v1.0/applications", Some(body));
    let text = |key: &str| made[key].as_str().expect("an id").to_owned();
    (text("appId"), text("id"))
}

const ANNA: &str = "00000000-1111-4222-8333-444455556666";

fn a_planted_application_is_not_trusted(vendor: Party) {
    type Plant = fn(&Colleague<'_>, &str, &str);
    let plants: [(Plant, &str); 6] = [
        (
            |colleague, _, id| _ = colleague.adds_secret(id, "theirs"),
            "secret \"theirs\"",
        ),
        (
            |colleague, _, id| _ = colleague.adds_secret(id, "peerctl setup"),
            "secret \"peerctl setup\"",
        ),
        (
            |colleague, _, id| {
                let trust = json!({"name": "pipeline", "issuer": "https://issuer.example", "subject": "s",
                    "audiences": ["api://AzureADTokenExchange"]});
                let path = format!("/v1.0/applications/{id}/federatedIdentityCredentials");
                colleague.azure(reqwest::Method::POST, &path, Some(trust));
            },
            "federated credential \"pipeline\"",
        ),
        (
            |colleague, _, id| {
                let key = json!({"type": "AsymmetricX509Cert", "usage": "Verify", "displayName": "theirs",
                    "key": "AAAA", "endDateTime": "2100-01-01T00:00:00Z"});
                let path = format!("/v1.0/applications/{id}");
                colleague.azure(reqwest::Method::PATCH, &path, Some(json!({"keyCredentials": [key]})));
            },
            "certificate \"theirs\"",
        ),
        (|colleague, _, id| colleague.makes_owner(id, ANNA), "owner "),
        (
            |colleague, app, _| {
                let principal = colleague.makes_principal(app);
                let body = json!({"passwordCredential": {"displayName": "theirs"}});
                let path = format!("/v1.0/servicePrincipals/{principal}/addPassword");
                colleague.azure(reqwest::Method::POST, &path, Some(body));
            },
            "credential of its service principal",
        ),
    ];
    let unique_name = predicted(vendor);
    for (plant, named) in plants {
        let sandbox = sandbox();
        let colleague = Colleague::of(&sandbox);
        let (app, id) = planted(&colleague, &unique_name);
        plant(&colleague, &app, &id);
        let before = sandbox.writes();
        let document = vendor.run(&sandbox, &[], 4);
        let told = document["error"].to_string().replace('\\', "");
        for part in [named, "wasn't created by this run", &format!("--own-app {app}")] {
            assert!(told.contains(part), "{part} in {document:#}");
        }
        assert_eq!(sandbox.writes(), before, "{named}: nothing is written");
    }
}

/// Nobody but setup can use it: it is used, and the plan says that this run did not create it.
#[test]
fn an_application_of_our_name_that_nobody_else_can_use_is_used_and_named() {
    let unique_name = predicted(AIVEN);
    let sandbox = sandbox();
    planted(&Colleague::of(&sandbox), &unique_name);
    let plan = AIVEN
        .setup(&sandbox, &["--dry-run", "--format", "json", "--refresh"])
        .run()
        .expect_code(0);
    assert!(plan.stdout.contains("not created in this run"), "{plan}");
    AIVEN.run(&sandbox, &[], 0);
    assert_eq!(own_apps(&sandbox).len(), 1);
}

#[test]
fn an_application_that_the_vendors_request_names_is_not_trusted_either() {
    let sandbox = sandbox();
    let colleague = Colleague::of(&sandbox);
    let (app, id) = colleague.registers("client-app", MULTI_TENANT);
    colleague.makes_principal(&app);
    colleague.adds_secret(&id, "theirs");
    AIVEN.asks(&sandbox, &app);
    let before = sandbox.writes();
    let document = AIVEN.run(&sandbox, &[], 4);
    let told = document["error"].to_string().replace('\\', "");
    assert!(
        told.contains("secret \"theirs\"") && told.contains(&format!("--own-app {app}")),
        "{document:#}"
    );
    assert_eq!(sandbox.writes(), before);
    AIVEN.run(&sandbox, &["--own-app", &app], 0);
}

// ------------------------------------------------------------------------------------------------ two runs at once

/// What another run's clean-up did before credentials carried a run's ID: it removes the credential of a run in progress.
#[test]
#[cfg(unix)]
fn a_credential_that_somebody_removes_is_replaced() {
    // The vendor's tenant does not know the secret yet, four times: time enough to remove it.
    let fault = |nth: u32| {
        format!("POST */{AIVEN_TENANT}/oauth2/v2.0/token:{nth}=401:AADSTS7000215:Invalid client secret provided.")
    };
    let faults = (1..=4).flat_map(|nth| ["--fault".to_owned(), fault(nth)]);
    let sandbox = Served::start(["--lag".to_owned(), "none".to_owned()].into_iter().chain(faults));
    let colleague = Colleague::of(&sandbox);
    let running = start(AIVEN, &sandbox);
    support::served::poll(support::DEADLINE, || (struck(&sandbox) >= 2).then_some(())).expect("it signs in");
    let object = colleague.object_id(&own_apps(&sandbox)[0]["uniqueName"]);
    let path = format!("/v1.0/applications/{object}");
    let shown = colleague.azure(reqwest::Method::GET, &path, None);
    let key = json!({ "keyId": shown["passwordCredentials"][0]["keyId"] });
    colleague.azure(reqwest::Method::POST, &format!("{path}/removePassword"), Some(key));
    let ended = running.wait();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let document = ended.json();
    assert_in_place(&document);
    let made = changes(&document, "own-app")
        .iter()
        .filter(|one| *one == "created passwordCredential")
        .count();
    assert_eq!(made, 2, "{document:#}");
    assert_no_credential(&sandbox);
}

/// The other run's credential is a young one of another run's name.
#[test]
fn the_credential_of_a_run_in_progress_is_left_alone() {
    let sandbox = sandbox();
    AIVEN.done(&sandbox, &[]);
    let colleague = Colleague::of(&sandbox);
    colleague.leaves_credential(&colleague.object_id(&own_apps(&sandbox)[0]["uniqueName"]), 1);
    colleague.deletes_peering(AIVEN.peering);
    AIVEN.run(&sandbox, &[], 0);
    assert_eq!(credentials(&sandbox), 1);
}

// ------------------------------------------------------------------------------------------------ app policies

fn policed(policy: &str) -> Served {
    support::troubles::troubles(&format!("[app_policy]\n{policy}\n"))
}

fn where_secrets_are_forbidden_a_certificate_is_used(vendor: Party) {
    for hidden in [false, true] {
        let sandbox = policed(&format!("forbids_secrets = true\nhidden = {hidden}"));
        let document = vendor.done(&sandbox, &[]);
        let made = changes(&document, "own-app");
        assert!(made.contains(&"created keyCredential".to_owned()), "{document:#}");
        assert_eq!(changes(&document, "clean-up"), ["deleted keyCredential"]);
        // Where the policy can be read, nothing that it forbids is tried.
        let tried = sandbox
            .writes()
            .iter()
            .filter(|write| write.contains("addPassword"))
            .count();
        assert_eq!(tried, usize::from(hidden));
        vendor.unchanged(&sandbox, &[]);
    }
}

#[test]
fn a_refusal_by_policy_sends_nobody_to_create_a_secret() {
    let fault = "POST */addPassword=400:CredentialTypeNotAllowedAsPerAppPolicy:Credential type not allowed.";
    let sandbox = with_fault(fault);
    let ran = AIVEN.setup(&sandbox, &[]).run().expect_code(0);
    let said = said(&ran);
    assert!(
        !said.contains("az ad app credential reset") && said.contains("certificate"),
        "{ran}"
    );
}

#[test]
fn where_all_credentials_are_forbidden_it_says_who_can_exempt_the_application() {
    let sandbox = policed("forbids_secrets = true\ntrusted_certificates = true\nhidden = true");
    let document = AIVEN.run(&sandbox, &[], 1);
    let told = document["error"].to_string();
    assert!(
        told.contains("Global Administrator") && told.contains("certificates of its own"),
        "{document:#}"
    );
    assert!(!told.contains("credential reset"), "{document:#}");
    assert_no_credential(&sandbox);
}

// ------------------------------------------------------------------------------------------------ what goes wrong

/// Takes something away after a finished run, has the vendor try without it, and lets setup mend it.
#[track_caller]
fn mended(vendor: Party, take_away: impl FnOnce(&Colleague<'_>), vendor_says: &str, mended_step: &str) {
    let sandbox = sandbox();
    let app = own_app_id(&vendor.done(&sandbox, &[]));
    let colleague = Colleague::of(&sandbox);
    colleague.deletes_peering(vendor.peering);
    vendor.deletes_connection(&sandbox);
    take_away(&colleague);
    vendor.asks(&sandbox, &app);
    assert_eq!(vendor.state(&sandbox), vendor.failed);

    let ran = vendor.setup(&sandbox, &[]).run().expect_code(0);
    let plan = words(&ran.stderr);
    assert!(
        plan.contains("which failed: it is deleted and requested again"),
        "{ran}"
    );
    assert!(plan.contains(vendor_says), "{ran}");
    assert!(words(&ran.stdout).contains(&format!("{mended_step} created ")), "{ran}");
    vendor.assert_one_of_each(&sandbox);
    assert_no_credential(&sandbox);
    vendor.unchanged(&sandbox, &[]);
}

fn without_the_vendors_service_principal_it_says_so_and_mends_it(vendor: Party) {
    let take_away = |colleague: &Colleague<'_>| {
        let principal = colleague.principal_of(vendor.app_id);
        colleague.azure(
            reqwest::Method::DELETE,
            &format!("/v1.0/servicePrincipals/{principal}"),
            None,
        );
    };
    mended(vendor, take_away, "AADSTS7000229", "consent");
}

fn without_the_vendors_role_it_says_so_and_mends_it(vendor: Party) {
    let take_away = |colleague: &Colleague<'_>| colleague.removes_roles_of(&colleague.principal_of(vendor.app_id));
    mended(vendor, take_away, "LinkedAuthorizationFailed", "role-assignment");
}

fn without_our_own_role_the_peering_is_mended(vendor: Party) {
    let sandbox = sandbox();
    let app = own_app_id(&vendor.done(&sandbox, &[]));
    let colleague = Colleague::of(&sandbox);
    colleague.removes_roles_of(&colleague.principal_of(&app));
    colleague.deletes_peering(vendor.peering);
    let document = vendor.done(&sandbox, &[]);
    assert_eq!(changes(&document, "role-assignment"), ["created roleAssignment"]);
    vendor.unchanged(&sandbox, &[]);
}

fn a_peering_that_we_deleted_is_requested_and_made_again(vendor: Party) {
    let sandbox = sandbox();
    vendor.done(&sandbox, &[]);
    Colleague::of(&sandbox).deletes_peering(vendor.peering);
    let gone = if vendor.name == "aiven" {
        "DELETED_BY_PEER"
    } else {
        "irrecoverable"
    };
    assert_eq!(vendor.state(&sandbox), gone);
    let document = vendor.done(&sandbox, &[]);
    assert_eq!(changes(&document, "vendor-request").len(), 2);
    assert_eq!(changes(&document, "peering"), ["created virtualNetworkPeering"]);
    vendor.unchanged(&sandbox, &[]);
}

fn a_peering_that_the_vendor_deleted_is_deleted_here_and_both_are_made_again(vendor: Party) {
    let sandbox = sandbox();
    vendor.done(&sandbox, &[]);
    vendor.deletes_connection(&sandbox);
    assert_eq!(
        peerings(&sandbox.state(), "vnet-app", "10.20.0.0/16")[0]["state"],
        "Disconnected"
    );
    let ran = vendor.setup(&sandbox, &[]).run().expect_code(0);
    assert!(words(&ran.stderr).contains("it is Disconnected"), "{ran}");
    assert!(words(&ran.stdout).contains("deleted virtualNetworkPeering"), "{ran}");
    vendor.assert_one_of_each(&sandbox);
    vendor.unchanged(&sandbox, &[]);
}

#[test]
fn with_lag_a_connection_that_is_being_deleted_makes_way_first() {
    let sandbox = Served::start(["--lag", "typical"]);
    let (app, _) = Colleague::of(&sandbox).registers("a team's", MULTI_TENANT);
    // Nobody consented, so this one fails, and is deleted and requested anew.
    AIVEN.asks(&sandbox, &app);
    let failed = || (AIVEN.state(&sandbox) == AIVEN.failed).then_some(());
    support::served::poll(support::DEADLINE, failed).expect("Aiven cannot peer");
    let document = AIVEN.run(&sandbox, &["--own-app", &app], 0);
    assert_eq!(
        changes(&document, "vendor-request"),
        ["deleted peering connection", "created peering connection"]
    );
}

#[test]
fn names_are_sent_to_aiven_in_lower_case() {
    let sandbox = sandbox();
    let flags = ["--vnet", "VNET-APP", "-o", "json"];
    let line = with_inputs("aiven", &[AIVEN.inputs, &flags].concat());
    let document = peerctl(line).envs(sandbox.env()).run().expect_code(0).json();
    assert_in_place(&document);
    assert_eq!(AIVEN.connection(&sandbox)["request"]["peer_vpc"], "vnet-app");
    AIVEN.unchanged(&sandbox, &[]);
}

#[test]
fn overlapping_addresses_are_found_before_anything_is_written() {
    let sandbox = sandbox();
    for (vendor, prefix) in [(AIVEN, "10.130.0.0/16"), (DRAGONFLY, "192.168.7.0/24")] {
        let body = json!({"addressSpace": {"id": VNET_ID, "prefixes": [prefix]}});
        let (status, _) = sandbox.send(
            reqwest::Method::POST,
            "/_sandbox/edit",
            None,
            support::served::Body::Json(body),
        );
        assert!((200..300).contains(&status));
        let document = vendor.run(&sandbox, &[], 4);
        assert_eq!(document["outcome"], "blocked");
        assert!(
            document["error"]["what"]
                .as_str()
                .is_some_and(|what| what.contains("address-overlap")),
            "{document:#}"
        );
        assert!(
            document["error"]["why"]
                .as_str()
                .is_some_and(|why| why.contains(prefix)),
            "{document:#}"
        );
    }
    assert_eq!(sandbox.writes(), [""; 0]);
}

#[test]
fn a_network_of_the_vendors_that_is_not_ready_blocks() {
    let sandbox = sandbox();
    let being_built = [
        with_inputs(
            "aiven",
            &[
                "--set",
                "project=demo",
                "--set",
                "vpc=7a61c0de-3b52-4c1f-9d84-e0f1a2b3c402",
            ],
        ),
        with_inputs("dragonfly", &["--set", "network=cache-westeurope"]),
    ];
    for (line, word) in being_built.into_iter().zip(["APPROVED", "pending"]) {
        let ran = peerctl(line).envs(sandbox.env()).run().expect_code(4);
        assert!(said(&ran).contains(&format!("is {word}")), "{ran}");
    }
    assert_eq!(sandbox.writes(), [""; 0]);
}

#[test]
fn what_the_vendor_does_not_know_is_named_with_what_there_is() {
    let sandbox = sandbox();
    let table: [(&str, &[&str], &str); 3] = [
        (
            "aiven",
            &["--set", "project=nobody", "--set", "vpc=x"],
            "Check the project's name (avn project list)",
        ),
        (
            "aiven",
            &["--set", "project=demo", "--set", "vpc=x"],
            "It has: 7a61c0de-3b52-4c1f-9d84-e0f1a2b3c401, 7a61c0de",
        ),
        (
            "dragonfly",
            &["--set", "network=x"],
            "It has: cache-eastus2, cache-westeurope.",
        ),
    ];
    for (vendor, inputs, expected) in table {
        let ran = peerctl(with_inputs(vendor, inputs))
            .envs(sandbox.env())
            .run()
            .expect_code(1);
        assert!(said(&ran).contains(expected), "{expected}\n{ran}");
    }
    assert_eq!(sandbox.writes(), [""; 0]);
}

fn a_wrong_token_is_explained_and_never_shown(vendor: Party) {
    const WRONG: &str = "a-token-that-nobody-knows";
    let sandbox = sandbox();
    let log = sandbox.folder().join("run.log");
    let ran = vendor
        .setup(&sandbox, &["-vv", "--log-file", &log.display().to_string()])
        .env(vendor.token, WRONG)
        .run()
        .expect_code(1);
    assert!(said(&ran).contains(&format!("set {}", vendor.token)), "{ran}");
    let log = std::fs::read_to_string(log).expect("a log");
    assert!(
        !log.is_empty() && !log.contains(WRONG) && !format!("{ran}").contains(WRONG),
        "{ran}"
    );
    assert_eq!(sandbox.writes(), [""; 0]);
}

// ------------------------------------------------------------------------------------------------ by hand

/// Nothing of the vendor's API is in the environment of somebody who works by hand.
fn by_hand(vendor: Party, sandbox: &Served, more: &[&str]) -> Ran {
    let flags = [&["--vendor-access", "manual"], more].concat();
    peerctl(with_inputs(vendor.name, &flags))
        .envs(sandbox.env())
        .env(vendor.token, "")
        .run()
}

/// What the vendor's console has shown, as inputs.
fn shown_by_the_console(vendor: Party) -> Vec<String> {
    match vendor.name {
        "aiven" => [
            format!("to-tenant-id={AIVEN_TENANT}"),
            format!("to-network-id={AIVEN_NETWORK}"),
        ],
        _ => [
            format!("account-id={DRAGONFLY_ACCOUNT}"),
            format!("vpc-id={DRAGONFLY_VPC}"),
        ],
    }
    .into_iter()
    .flat_map(|value| ["--set".to_owned(), value])
    .collect()
}

fn by_hand_in_two_runs(vendor: Party) {
    let sandbox = sandbox();
    let shown = shown_by_the_console(vendor);
    let shown: Vec<&str> = shown.iter().map(String::as_str).collect();
    // Aiven tells where its network is only afterwards; Dragonfly's console shows it from the beginning.
    let at_first: &[&str] = if vendor.name == "aiven" { &[] } else { &shown };
    let document = by_hand(vendor, &sandbox, &[at_first, &["--no-wait", "-o", "json"]].concat())
        .expect_code(3)
        .json();
    assert_eq!(document["outcome"], "waiting", "{document:#}");
    let app = own_app_id(&document);
    let values = &document["handOff"]["values"];
    let labels: Vec<&str> = values
        .as_array()
        .expect("a card")
        .iter()
        .filter_map(|value| value["label"].as_str())
        .collect();
    let expected: [&str; 5] = match vendor.name {
        "aiven" => [
            "Azure subscription ID",
            "Resource group",
            "Network name",
            "Active Directory tenant ID",
            "Application object ID",
        ],
        _ => [
            "Acceptor Account ID",
            "Acceptor VPC ID",
            "App ID",
            "Resource Group",
            "Tenant ID",
        ],
    };
    assert_eq!(labels, expected);
    assert!(
        values.to_string().contains(&app),
        "the client id, whatever the label says: {values:#}"
    );
    assert_eq!(step(&document, "role-assignment")["after"], "in-place");
    let held = document["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .find(|step| step["after"] == "waiting" && step["actionRequired"].is_object());
    let packet = held.expect("a step waits")["actionRequired"]["instructions"].to_string();
    assert!(packet.contains("Enter the 5 values"), "{packet}");
    let go_on = if vendor.name == "aiven" {
        "--set to-tenant-id="
    } else {
        "run the same command again"
    };
    assert!(packet.contains(go_on), "{packet}");
    assert_no_credential(&sandbox);
    assert!(peerings(&sandbox.state(), "vnet-app", "10.20.0.0/16").is_empty());

    vendor.fills_in_the_form(&sandbox, &app);
    let document = by_hand(vendor, &sandbox, &[&shown[..], &["-o", "json"]].concat())
        .expect_code(0)
        .json();
    assert_eq!(document["outcome"], "done");
    assert_in_place(&document);
    assert!(
        !step(&document, "vendor-request")["detail"]
            .as_str()
            .expect("a text")
            .contains("you paste"),
        "{document:#}"
    );
    assert_no_credential(&sandbox);
    vendor.assert_one_of_each(&sandbox);
    // With the API it is the same peering.
    vendor.unchanged(&sandbox, &[]);
}

#[test]
#[cfg(unix)]
fn by_hand_a_waiting_run_goes_on_by_itself_once_dragonflys_console_has_the_values() {
    let sandbox = sandbox();
    let shown = shown_by_the_console(DRAGONFLY);
    let mut flags: Vec<&str> = shown.iter().map(String::as_str).collect();
    flags.extend(["--vendor-access", "manual", "-o", "json"]);
    let mut running = Running::start(with_inputs("dragonfly", &flags), sandbox.env());
    running.wait_for("until the values are entered and Dragonfly has let our application in");
    let app = assignments(&sandbox)
        .into_iter()
        .find(|(_, role)| role == WRITER_ROLE)
        .expect("ours")
        .0;
    DRAGONFLY.fills_in_the_form(&sandbox, &app);
    let exit = running.wait();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert_in_place(&exit.json());
    assert_no_credential(&sandbox);
}

// ------------------------------------------------------------------------------------------------ split duty

fn who_may_do_nothing_gets_a_packet_for_each_step(vendor: Party) {
    let sandbox = sandbox();
    let document = vendor
        .setup(&sandbox, &["-o", "json"])
        .envs(LIMITED)
        .run()
        .expect_code(3)
        .json();
    assert_eq!(document["outcome"], "waiting");
    let packet = |id: &str| {
        let step = step(&document, id);
        assert_eq!(step["after"], "blocked", "{document:#}");
        step["actionRequired"]["instructions"].to_string()
    };
    let consent = format!("az ad sp create --id {}", vendor.app_id);
    for (id, command) in [
        ("consent", consent.as_str()),
        ("own-app", "az ad app create --display-name"),
        ("role-definition", "az role definition create"),
        ("role-assignment", "az role assignment create"),
    ] {
        assert!(packet(id).contains(command), "{id}: {document:#}");
    }
    assert_eq!(vendor.state(&sandbox), "");
    assert_eq!(document["error"], Value::Null);

    // Whoever may finishes; then the same command of the first one finds everything in place.
    vendor.done(&sandbox, &[]);
    let document = vendor
        .setup(&sandbox, &["-o", "json"])
        .envs(LIMITED)
        .run()
        .expect_code(0)
        .json();
    assert_eq!(document["outcome"], "unchanged", "{document:#}");
}

#[test]
fn a_pipeline_without_the_directory_is_given_kongs_principal_and_finishes() {
    const PIPELINE: [(&str, &str); 2] = [
        ("AZURE_CLIENT_ID", "d6f405b7-8293-4a41-b5c6-e7f8091a2b34"),
        ("AZURE_CLIENT_SECRET", "sandbox~pipeline~secret"),
    ];
    let sandbox = sandbox();
    let principal = Colleague::of(&sandbox).consents();
    let pipeline = |flags: &[&str]| support::kong::setup(&sandbox, flags).envs(PIPELINE).run();
    // Without it, whether there is one cannot be known.
    let ran = pipeline(&[]).expect_code(3);
    assert!(said(&ran).contains("--vendor-principal-id"), "{ran}");
    let flags = ["--vendor-principal-id", &principal, "-o", "json"];
    let document = pipeline(&flags).expect_code(0).json();
    assert_eq!(document["outcome"], "done");
    assert_in_place(&document);
    let asked = sandbox.requests().to_string();
    assert!(
        !asked.contains("/v1.0/servicePrincipals(appId='207b296f") || asked.contains("403"),
        "{asked}"
    );
    let again = pipeline(&flags).expect_code(0).json();
    assert_eq!(again["outcome"], "unchanged", "{again:#}");
}

#[test]
fn a_tenant_that_was_given_wrong_blocks_before_anything_is_written() {
    let sandbox = sandbox();
    let (tenant, network) = (
        format!("to-tenant-id={PARTNER_TENANT}"),
        format!("to-network-id={AIVEN_NETWORK}"),
    );
    let inputs = ["--vendor-access", "manual", "--set", &tenant, "--set", &network];
    let ran = peerctl(with_inputs("aiven", &inputs)).envs(sandbox.env()).run();
    let ran = ran.expect_code(4);
    assert!(ran.stderr.contains(&format!("is in tenant {AIVEN_TENANT}")), "{ran}");
    assert_eq!(sandbox.writes(), [""; 0]);
}
