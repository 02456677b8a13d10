//! Teardown: what setup made goes, in reverse order, and nothing else; stopped at any place and run again it ends with
//! the world as it was before setup.

mod support;

use serde_json::{Value, json};
use support::both_sides::{self, changes, own_apps, said, step, struck};
use support::cli::peerctl;
use support::colleague::Colleague;
use support::kong::{ACTIONS, APP_ID, LIMITED, OTHER_SUBSCRIPTION, ROLE, SUBSCRIPTION, VNET_ID};
use support::link::{AIVEN, DRAGONFLY, GENERIC, KONG, Link};
use support::served::{Body, Served};

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
    kept.map(|text| text.as_str().unwrap_or_default().to_owned() + "\n")
        .collect()
}

/// Takes a list out of the dump of the world.
fn list(state: &mut Value, name: &str) -> Vec<Value> {
    state[name].take().as_array().cloned().unwrap_or_default()
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
}

fn there_and_back(link: Link, lag: &str) {
    let sandbox = Served::start(["--lag", lag]);
    let before = sandbox.state();
    link.set_up(&sandbox, &[]);
    let document = link.take_down(&sandbox, &["--consent"]);
    assert_eq!(sandbox.state(), before, "{document:#}");
    nothing_left(link, &sandbox, &["--consent"]);
}

fn after_setup_and_teardown_the_world_is_the_one_before(link: Link) {
    there_and_back(link, "none");
}

/// Side by side: nearly all of it is waiting.
#[test]
fn with_the_lag_that_azure_has_it_is_the_same() {
    std::thread::scope(|scope| {
        let links = [KONG, AIVEN, DRAGONFLY, GENERIC];
        let runs = links.map(|link| scope.spawn(move || there_and_back(link, "typical")));
        for run in runs {
            run.join().expect("there and back");
        }
    });
}

#[test]
fn without_consent_only_the_vendors_service_principal_stays() {
    for (link, app) in [(KONG, APP_ID), (AIVEN, both_sides::AIVEN.app_id)] {
        let sandbox = sandbox();
        let mut before = sandbox.state();
        link.set_up(&sandbox, &[]);
        let document = link.take_down(&sandbox, &[]);
        assert!(kept(&document).contains("--consent removes it"), "{document:#}");
        let mut after = sandbox.state();
        let (then, now) = (
            list(&mut before, "servicePrincipals"),
            list(&mut after, "servicePrincipals"),
        );
        let more: Vec<&Value> = now.iter().filter(|one| !then.contains(one)).collect();
        assert!(more.len() == 1 && more[0]["appId"] == app, "{more:?}");
        assert_eq!(after, before);
        nothing_left(link, &sandbox, &[]);
    }
}

#[test]
fn it_goes_in_reverse_order_and_says_what_went() {
    let sandbox = sandbox();
    AIVEN.set_up(&sandbox, &[]);
    let document = AIVEN.take_down(&sandbox, &["--consent"]);
    let ids: Vec<&Value> = document["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .map(|step| &step["id"])
        .collect();
    let order = [
        "vendor-request",
        "peering",
        "clean-up",
        "role-assignment",
        "role-definition",
        "own-app",
        "consent",
    ];
    assert_eq!(ids, order);
    for (id, kinds) in [
        ("vendor-request", &["peering connection"][..]),
        ("peering", &["virtualNetworkPeering"]),
        ("clean-up", &[]),
        ("role-assignment", &["roleAssignment"; 2]),
        ("role-definition", &["roleDefinition"; 2]),
        ("own-app", &["application", "deletedApplication"]),
        ("consent", &["servicePrincipal"]),
    ] {
        let deleted: Vec<String> = kinds.iter().map(|kind| format!("deleted {kind}")).collect();
        assert_eq!(changes(&document, id), deleted, "{id}");
        assert_eq!(step(&document, id)["after"], "missing", "{id}: {document:#}");
    }
    // Both vendors' roles, the request, the peering, the application: deleted, and then for good.
    assert_eq!(document["stats"]["writes"], 9);
    assert_eq!(
        (&document["schema"], &document["command"]),
        (&json!(1), &json!("azure teardown"))
    );
    assert_eq!((&document["peerings"], &document["checks"]), (&json!([]), &json!([])));
}

/// The team's own application stays; what setup gave it goes.
#[test]
fn an_application_of_ones_own_stays_with_its_secret() {
    for link in [AIVEN, DRAGONFLY] {
        let sandbox = sandbox();
        let colleague = Colleague::of(&sandbox);
        let (app, object_id) = colleague.registers("team-peering", "AzureADMultipleOrgs");
        colleague.makes_principal(&app);
        colleague.adds_secret(&object_id, "the team's");
        let before = sandbox.state();
        link.set_up(&sandbox, &["--own-app", &app]);
        let document = link.take_down(&sandbox, &["--own-app", &app, "--consent"]);
        assert!(kept(&document).contains("team-peering"), "{document:#}");
        assert_eq!(sandbox.state(), before, "{document:#}");
        nothing_left(link, &sandbox, &["--own-app", &app, "--consent"]);
    }
}

// ------------------------------------------------------------------------------------------------ half of it

#[cfg(unix)]
mod stopped {
    use super::support::running::Running;
    use super::support::{DEADLINE, served::poll};
    use super::*;

    /// Starts a command, kills it the moment the sandbox's fault strikes, and waits for its end.
    #[track_caller]
    fn killed(link: Link, sandbox: &Served, command: &str) {
        let running = Running::start(link.line(command, consent(command)), sandbox.env());
        poll(DEADLINE, || (struck(sandbox) == 1).then_some(())).expect("the fault strikes");
        running.signal("KILL").wait();
    }

    fn consent(command: &str) -> &'static [&'static str] {
        if command == "teardown" { &["--consent"] } else { &[] }
    }

    /// Setup is killed before, and after, each of its writes; what it left behind goes.
    fn setup_killed(link: Link, writes: &[&str]) {
        for write in writes {
            for fault in ["stall", "reset-after"] {
                let sandbox = with_fault(&format!("{write}={fault}"));
                let before = sandbox.state();
                killed(link, &sandbox, "setup");
                link.run(&sandbox, "teardown", &["--consent"], 0);
                assert_eq!(sandbox.state(), before, "{write}={fault}");
                nothing_left(link, &sandbox, &["--consent"]);
            }
        }
    }

    /// Teardown is killed at one deletion after the other; the next one ends it.
    fn teardown_killed(link: Link, faults: &[&str]) {
        for fault in faults {
            let sandbox = with_fault(fault);
            let world = sandbox.state();
            link.set_up(&sandbox, &[]);
            killed(link, &sandbox, "teardown");
            link.run(&sandbox, "teardown", &["--consent"], 0);
            assert_eq!(sandbox.state(), world, "{fault}");
            nothing_left(link, &sandbox, &["--consent"]);
        }
    }

    #[test]
    fn half_a_set_up_with_kong_goes() {
        setup_killed(
            KONG,
            &[
                "POST */servicePrincipals:1",
                "PUT */roleDefinitions/*:1",
                "PUT */roleAssignments/*:1",
                "POST */transit-gateways:1",
            ],
        );
    }

    #[test]
    fn half_a_set_up_with_aiven_goes() {
        setup_killed(
            AIVEN,
            &[
                "PATCH */applications*:1",
                "POST */servicePrincipals:2",
                "POST */addPassword:1",
                "PUT */roleDefinitions/*:2",
                "PUT */roleAssignments/*:2",
                "POST */peering-connections:1",
                "PUT */virtualNetworkPeerings/vnet-app-*:1",
            ],
        );
    }

    #[test]
    fn half_a_link_with_another_tenant_goes() {
        setup_killed(
            GENERIC,
            &["PUT */virtualNetworkPeerings/*:1", "PUT */virtualNetworkPeerings/*:2"],
        );
    }

    #[test]
    fn killed_before_or_after_any_deletion_with_kong_it_goes_on() {
        teardown_killed(
            KONG,
            &[
                "DELETE */transit-gateways/*:1=stall",
                "DELETE */transit-gateways/*:1=reset-after",
                "DELETE */roleAssignments/*:1=stall",
                "DELETE */roleAssignments/*:1=reset-after",
                "DELETE */roleDefinitions/*:1=stall",
                "DELETE */roleDefinitions/*:1=reset-after",
                "DELETE */servicePrincipals/*:1=stall",
                "DELETE */servicePrincipals/*:1=reset-after",
            ],
        );
    }

    /// What stands still before the second of two stands still after the first.
    #[test]
    fn killed_before_or_after_any_deletion_with_aiven_it_goes_on() {
        teardown_killed(
            AIVEN,
            &[
                "DELETE */peering-connections/*:1=stall",
                "DELETE */peering-connections/*:1=reset-after",
                "DELETE */virtualNetworkPeerings/vnet-app-*:1=stall",
                "DELETE */virtualNetworkPeerings/vnet-app-*:1=reset-after",
                "DELETE */roleAssignments/*:2=stall",
                "DELETE */roleDefinitions/*:2=stall",
                "DELETE */applications/*:1=stall",
                "DELETE */applications/*:1=reset-after",
            ],
        );
    }

    #[test]
    fn killed_before_or_after_either_deletion_with_another_tenant_it_goes_on() {
        teardown_killed(
            GENERIC,
            &[
                "DELETE */virtualNetworkPeerings/*:1=stall",
                "DELETE */virtualNetworkPeerings/*:1=reset-after",
                "DELETE */virtualNetworkPeerings/*:2=stall",
                "DELETE */virtualNetworkPeerings/*:2=reset-after",
            ],
        );
    }
}

// ------------------------------------------------------------------------------------------------ whose it is

const A_ROLE: &str = "0d5e3c1a-0000-4000-8000-000000000001";
const AN_ASSIGNMENT: &str = "0d5e3c1a-0000-4000-8000-000000000002";
const PEER: &str = "Microsoft.Network/virtualNetworks/peer/action";

/// What a colleague made stays, is named, and the rest goes: with the colleague's part alone the world was the same.
#[track_caller]
fn stays(link: Link, made: impl FnOnce(&Colleague<'_>), named: &str) {
    let sandbox = sandbox();
    made(&Colleague::of(&sandbox));
    let before = sandbox.state();
    link.set_up(&sandbox, &[]);
    let document = link.take_down(&sandbox, &["--consent"]);
    assert!(kept(&document).contains(named), "{named}: {document:#}");
    assert_eq!(sandbox.state(), before, "{document:#}");
    nothing_left(link, &sandbox, &["--consent"]);
}

#[test]
fn a_role_that_a_colleague_made_stays() {
    let made = |colleague: &Colleague<'_>| colleague.writes_role(SUBSCRIPTION, A_ROLE, ROLE, &ACTIONS, &[SUBSCRIPTION]);
    stays(
        KONG,
        made,
        "custom role \"Kong Cloud Gateway Peering Creator\" was not made by setup",
    );
}

#[test]
fn own_role_that_a_colleague_renamed_or_widened_stays() {
    for (name, actions, why) in [
        ("Team peering", ACTIONS.to_vec(), "it was renamed from"),
        (
            ROLE,
            [&ACTIONS[..], &["Microsoft.Compute/*/read"]].concat(),
            "it was changed and also grants",
        ),
    ] {
        let sandbox = sandbox();
        KONG.set_up(&sandbox, &[]);
        let colleague = Colleague::of(&sandbox);
        let guid = colleague.role_guid(ROLE);
        colleague.writes_role(SUBSCRIPTION, &guid, name, &actions, &[SUBSCRIPTION]);
        let document = KONG.take_down(&sandbox, &["--consent"]);
        assert!(kept(&document).contains(why), "{document:#}");
        assert_eq!(roles(&sandbox), [name]);
        assert_eq!(assignments_of(&sandbox, APP_ID), 0, "{document:#}");
    }
}

#[test]
fn each_vendor_has_its_own_role_and_takes_only_that_one() {
    let sandbox = sandbox();
    AIVEN.set_up(&sandbox, &[]);
    DRAGONFLY.set_up(&sandbox, &[]);
    let has = |name: &str| roles(&sandbox).iter().any(|role| role == name);
    assert!(
        has("Aiven Peering") && has("dfcloud-peering-role"),
        "{:?}",
        roles(&sandbox)
    );
    DRAGONFLY.take_down(&sandbox, &["--consent"]);
    assert!(
        has("Aiven Peering") && !has("dfcloud-peering-role"),
        "{:?}",
        roles(&sandbox)
    );
}

#[test]
fn an_assignment_that_a_colleague_made_stays_with_whom_it_is_for() {
    let made = |colleague: &Colleague<'_>| {
        let principal = colleague.consents();
        colleague.writes_role(SUBSCRIPTION, A_ROLE, ROLE, &ACTIONS, &[SUBSCRIPTION]);
        colleague.assigns(AN_ASSIGNMENT, A_ROLE, &principal);
    };
    stays(KONG, made, AN_ASSIGNMENT);
}

/// How many assignments at `vnet-app` are for the application.
fn assignments_of(sandbox: &Served, app: &str) -> usize {
    let mut state = sandbox.state();
    let here = |one: &&Value| one["appId"] == app && one["scope"] == VNET_ID;
    list(&mut state, "roleAssignments").iter().filter(here).count()
}

/// The names of the customer's custom roles.
fn roles(sandbox: &Served) -> Vec<String> {
    let mut state = sandbox.state();
    let customers = |role: &&Value| role["tenant"] == "contoso.onmicrosoft.com";
    let all = list(&mut state, "roleDefinitions");
    let name = |role: &Value| role["roleName"].as_str().unwrap_or_default().to_owned();
    all.iter().filter(customers).map(name).collect()
}

#[test]
fn of_a_role_that_another_subscription_shares_only_this_one_is_taken_off() {
    let sandbox = sandbox();
    KONG.set_up(&sandbox, &[]);
    let colleague = Colleague::of(&sandbox);
    let role = colleague.role_guid(ROLE);
    colleague.writes_role(SUBSCRIPTION, &role, ROLE, &ACTIONS, &[SUBSCRIPTION, OTHER_SUBSCRIPTION]);
    let document = KONG.take_down(&sandbox, &[]);
    assert_eq!(changes(&document, "role-definition"), ["updated roleDefinition"]);
    assert!(kept(&document).contains("other subscriptions share it"), "{document:#}");
    let left = &sandbox.state()["roleDefinitions"][0]["assignableScopes"];
    assert_eq!(*left, json!([format!("/subscriptions/{OTHER_SUBSCRIPTION}")]));
    nothing_left(KONG, &sandbox, &[]);
}

#[test]
fn a_role_that_somebody_else_has_too_stays() {
    let sandbox = sandbox();
    KONG.set_up(&sandbox, &[]);
    let colleague = Colleague::of(&sandbox);
    let (app, _) = colleague.registers("a team's", "AzureADMyOrg");
    colleague.assigns(
        AN_ASSIGNMENT,
        &colleague.role_guid(ROLE),
        &colleague.makes_principal(&app),
    );
    let document = KONG.take_down(&sandbox, &["--consent"]);
    assert!(kept(&document).contains("another assignment needs it"), "{document:#}");
    assert_eq!(
        (assignments_of(&sandbox, &app), assignments_of(&sandbox, APP_ID)),
        (1, 0)
    );
    assert_eq!(roles(&sandbox), [ROLE]);
    nothing_left(KONG, &sandbox, &["--consent"]);
}

#[test]
fn an_own_application_with_somebody_elses_credential_stays() {
    let sandbox = sandbox();
    AIVEN.set_up(&sandbox, &[]);
    let app = own_apps(&sandbox)[0]["uniqueName"].as_str().expect("a name").to_owned();
    let colleague = Colleague::of(&sandbox);
    let path = format!("/v1.0/applications(uniqueName='{app}')");
    let found = colleague.azure(reqwest::Method::GET, &path, None);
    colleague.adds_secret(found["id"].as_str().expect("an id"), "a team's");
    let document = AIVEN.take_down(&sandbox, &["--consent"]);
    assert!(
        kept(&document).contains("credentials that setup did not make"),
        "{document:#}"
    );
    assert_eq!(own_apps(&sandbox).len(), 1);
    nothing_left(AIVEN, &sandbox, &["--consent"]);
}

/// A colleague renamed it, wrote notes to it, or put a secret on its service principal; naming it deletes it all the same.
#[test]
fn an_own_application_that_a_colleague_changed_stays_until_it_is_named() {
    type Change = fn(&Colleague<'_>, &str);
    let changes: [(Change, &str); 3] = [
        (
            |colleague, id| rewrite(colleague, id, json!({"displayName": "the team's writer"})),
            "it was renamed since setup created it",
        ),
        (
            |colleague, id| rewrite(colleague, id, json!({"notes": "Used by the backup too."})),
            "its notes, description or tags were changed",
        ),
        (
            |colleague, id| {
                let app = colleague.azure(reqwest::Method::GET, &format!("/v1.0/applications/{id}"), None);
                let principal = colleague.principal_of(app["appId"].as_str().expect("an id"));
                let body = json!({"passwordCredential": {"displayName": "theirs"}});
                let path = format!("/v1.0/servicePrincipals/{principal}/addPassword");
                colleague.azure(reqwest::Method::POST, &path, Some(body));
            },
            "credential of its service principal",
        ),
    ];
    for (change, why) in changes {
        let sandbox = sandbox();
        AIVEN.set_up(&sandbox, &[]);
        let colleague = Colleague::of(&sandbox);
        let id = setups_app(&sandbox);
        change(&colleague, &id);
        let app = colleague.azure(reqwest::Method::GET, &format!("/v1.0/applications/{id}"), None);
        let app = app["appId"].as_str().expect("an id").to_owned();
        let document = AIVEN.take_down(&sandbox, &["--consent"]);
        let kept = kept(&document);
        assert!(
            kept.contains(why) && kept.contains(&format!("--own-app {app}")),
            "{document:#}"
        );
        assert_eq!(own_apps(&sandbox).len(), 1);
        AIVEN.take_down(&sandbox, &["--consent", "--own-app", &app]);
        assert_eq!(own_apps(&sandbox), Vec::<Value>::new());
    }
}

#[track_caller]
fn rewrite(colleague: &Colleague<'_>, object_id: &str, body: Value) {
    let path = format!("/v1.0/applications/{object_id}");
    colleague.azure(reqwest::Method::PATCH, &path, Some(body));
}

/// The object id of the application that setup made.
#[track_caller]
fn setups_app(sandbox: &Served) -> String {
    let app = own_apps(sandbox)[0]["uniqueName"].as_str().expect("a name").to_owned();
    let path = format!("/v1.0/applications(uniqueName='{app}')");
    let found = Colleague::of(sandbox).azure(reqwest::Method::GET, &path, None);
    found["id"].as_str().expect("an id").to_owned()
}

#[test]
fn an_own_application_that_takes_a_pipelines_tokens_stays() {
    let sandbox = sandbox();
    AIVEN.set_up(&sandbox, &[]);
    let path = format!(
        "/v1.0/applications/{}/federatedIdentityCredentials",
        setups_app(&sandbox)
    );
    let trust = json!({
        "name": "pipeline",
        "issuer": "https://token.actions.githubusercontent.com",
        "subject": "repo:team/network:ref:refs/heads/main",
        "audiences": ["api://AzureADTokenExchange"],
    });
    Colleague::of(&sandbox).azure(reqwest::Method::POST, &path, Some(trust));
    let document = AIVEN.take_down(&sandbox, &["--consent"]);
    assert!(
        kept(&document).contains("credentials that setup did not make"),
        "{document:#}"
    );
    assert_eq!(own_apps(&sandbox).len(), 1);
}

#[test]
fn an_own_application_with_a_role_in_another_subscription_stays() {
    let sandbox = sandbox();
    AIVEN.set_up(&sandbox, &[]);
    let colleague = Colleague::of(&sandbox);
    let path = format!("/v1.0/applications/{}", setups_app(&sandbox));
    let found = colleague.azure(reqwest::Method::GET, &path, None);
    let principal = colleague.principal_of(found["appId"].as_str().expect("an id"));
    let scope = format!("/subscriptions/{OTHER_SUBSCRIPTION}/providers/Microsoft.Authorization");
    let path = format!("{scope}/roleAssignments/{AN_ASSIGNMENT}?api-version=2022-04-01");
    let body = json!({"properties": {
        "roleDefinitionId": format!("{scope}/roleDefinitions/4d97b98b-1d4f-4787-a291-c67834d212e7"),
        "principalId": principal,
        "principalType": "ServicePrincipal",
    }});
    colleague.azure(reqwest::Method::PUT, &path, Some(body));
    let document = AIVEN.take_down(&sandbox, &["--consent"]);
    assert!(kept(&document).contains("it has other roles"), "{document:#}");
    assert_eq!(own_apps(&sandbox).len(), 1);
}

/// Starts a teardown by hand, and has something done while it waits for the vendor's console.
#[cfg(unix)]
#[track_caller]
fn while_it_waits(sandbox: &Served, link: Link, more: &[&str], token: &str, happens: impl FnOnce()) {
    let by_hand = ["--vendor-access", "manual", "--consent"];
    let mut env = sandbox.env().clone();
    env.insert(token.to_owned(), String::new());
    let line = link.line("teardown", &[&by_hand[..], more].concat());
    let mut running = support::running::Running::start(line, &env);
    running.wait_for("is deleted in");
    happens();
    let ended = running.wait();
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
}

#[cfg(unix)]
#[test]
fn a_principal_that_got_a_role_while_teardown_waited_stays() {
    let sandbox = sandbox();
    KONG.set_up(&sandbox, &[]);
    let colleague = Colleague::of(&sandbox);
    while_it_waits(&sandbox, KONG, &[], "KONNECT_TOKEN", || {
        let reader = "4d97b98b-1d4f-4787-a291-c67834d212e7";
        colleague.assigns(AN_ASSIGNMENT, reader, &colleague.principal());
        colleague.deletes_gateways();
    });
    assert_eq!(assignments_of(&sandbox, APP_ID), 1, "the colleague's");
    colleague.principal();
}

#[cfg(unix)]
#[test]
fn an_own_application_that_got_a_secret_while_teardown_waited_stays() {
    let sandbox = sandbox();
    AIVEN.set_up(&sandbox, &[]);
    let colleague = Colleague::of(&sandbox);
    let network = format!("to-network-id={}", both_sides::AIVEN_NETWORK);
    let tenant = format!("to-tenant-id={}", both_sides::AIVEN_TENANT);
    let inputs = ["--set", network.as_str(), "--set", &tenant];
    while_it_waits(&sandbox, AIVEN, &inputs, "AIVEN_AUTH_TOKEN", || {
        colleague.adds_secret(&setups_app(&sandbox), "a team's");
        both_sides::AIVEN.deletes_connection(&sandbox);
    });
    assert_eq!(own_apps(&sandbox).len(), 1);
}

#[test]
fn two_vendors_share_the_writers_role_until_the_second_is_taken_down() {
    let sandbox = sandbox();
    let before = sandbox.state();
    AIVEN.set_up(&sandbox, &[]);
    DRAGONFLY.set_up(&sandbox, &[]);
    let document = AIVEN.take_down(&sandbox, &["--consent"]);
    assert!(
        kept(&document).contains("peerctl Peering Writer 11d0b6a2"),
        "{document:#}"
    );
    assert!(
        roles(&sandbox)
            .iter()
            .any(|name| name.starts_with("peerctl Peering Writer"))
    );
    assert_eq!(own_apps(&sandbox).len(), 1, "Dragonfly's");
    let still = DRAGONFLY.run(&sandbox, "status", &[], 0);
    assert_eq!(still["linkHealth"]["next"], Value::Null, "{still:#}");
    DRAGONFLY.take_down(&sandbox, &["--consent"]);
    assert_eq!(sandbox.state(), before);
}

/// Whoever gives the wrong object id takes nobody else's principal away, and no role from it.
#[test]
fn a_principal_that_is_not_the_vendors_stays_whoever_names_it() {
    let sandbox = sandbox();
    let before = sandbox.state();
    KONG.set_up(&sandbox, &[]);
    AIVEN.set_up(&sandbox, &[]);
    let aivens = Colleague::of(&sandbox).principal_of(both_sides::AIVEN.app_id);
    let wrong = ["--consent", "--vendor-principal-id", &aivens];
    let document = KONG.take_down(&sandbox, &wrong);
    assert!(kept(&document).contains("the directory does not say"), "{document:#}");
    assert_eq!(changes(&document, "consent"), [""; 0], "{document:#}");
    assert_eq!(changes(&document, "role-assignment"), [""; 0], "{document:#}");
    assert_eq!(Colleague::of(&sandbox).principal_of(both_sides::AIVEN.app_id), aivens);
    let right = Colleague::of(&sandbox).principal();
    KONG.take_down(&sandbox, &["--consent", "--vendor-principal-id", &right]);
    let still = AIVEN.run(&sandbox, "status", &[], 0);
    assert_eq!(still["linkHealth"]["next"], Value::Null, "{still:#}");
    AIVEN.take_down(&sandbox, &["--consent"]);
    assert_eq!(sandbox.state(), before);
}

#[test]
fn the_role_of_an_application_that_two_links_share_goes_with_the_second() {
    let sandbox = sandbox();
    let colleague = Colleague::of(&sandbox);
    let (app, _) = colleague.registers("team-peering", "AzureADMultipleOrgs");
    colleague.makes_principal(&app);
    let before = sandbox.state();
    let own = ["--own-app", app.as_str(), "--consent"];
    AIVEN.set_up(&sandbox, &own[..2]);
    DRAGONFLY.set_up(&sandbox, &own[..2]);
    let document = AIVEN.take_down(&sandbox, &own);
    assert!(kept(&document).contains("may need it"), "{document:#}");
    assert_eq!(assignments_of(&sandbox, &app), 1);
    let still = DRAGONFLY.run(&sandbox, "status", &own[..2], 0);
    assert_eq!(still["linkHealth"]["next"], Value::Null, "{still:#}");
    DRAGONFLY.take_down(&sandbox, &own);
    assert_eq!(sandbox.state(), before);
}

#[test]
fn without_its_principal_a_vendor_takes_no_role_of_another_vendors() {
    let sandbox = sandbox();
    let before = sandbox.state();
    AIVEN.set_up(&sandbox, &[]);
    DRAGONFLY.set_up(&sandbox, &[]);
    let principal = Colleague::of(&sandbox).principal_of(both_sides::AIVEN.app_id);
    let path = format!("/v1.0/servicePrincipals/{principal}");
    Colleague::of(&sandbox).azure(reqwest::Method::DELETE, &path, None);
    AIVEN.take_down(&sandbox, &["--consent"]);
    assert_eq!(assignments_of(&sandbox, both_sides::DRAGONFLY.app_id), 1);
    let still = DRAGONFLY.run(&sandbox, "status", &[], 0);
    assert_eq!(still["linkHealth"]["next"], Value::Null, "{still:#}");
    DRAGONFLY.take_down(&sandbox, &["--consent"]);
    // Without its principal Aiven cannot delete the direction that it wrote.
    for dump in [
        "roleAssignments",
        "roleDefinitions",
        "servicePrincipals",
        "applications",
    ] {
        assert_eq!(sandbox.state()[dump], before[dump], "{dump}");
    }
}

#[test]
fn two_networks_of_one_vendor_share_role_and_principal_until_the_second_is_taken_down() {
    let sandbox = sandbox();
    let before = sandbox.state();
    KONG.set_up(&sandbox, &[]);
    KONG.set_up(&sandbox, &["--vnet", "vnet-data"]);
    let document = KONG.take_down(&sandbox, &["--consent"]);
    assert!(kept(&document).contains("another assignment needs it"), "{document:#}");
    assert!(kept(&document).contains("it has a role at"), "{document:#}");
    let still = KONG.run(&sandbox, "status", &["--vnet", "vnet-data"], 0);
    assert_eq!(still["linkHealth"]["next"], Value::Null, "{still:#}");
    KONG.take_down(&sandbox, &["--vnet", "vnet-data", "--consent"]);
    assert_eq!(sandbox.state(), before);
}

#[test]
fn a_network_of_another_subscription_keeps_its_role_and_the_vendors_principal() {
    let sandbox = sandbox();
    let before = sandbox.state();
    let other = [
        "--vnet-id",
        &VNET_ID.replace(SUBSCRIPTION, OTHER_SUBSCRIPTION),
        "--consent",
    ];
    KONG.set_up(&sandbox, &[]);
    KONG.set_up(&sandbox, &other[..2]);
    let document = KONG.take_down(&sandbox, &["--consent"]);
    assert_eq!(changes(&document, "role-definition"), ["updated roleDefinition"]);
    let elsewhere = format!("it has a role at /subscriptions/{OTHER_SUBSCRIPTION}");
    assert!(kept(&document).contains(&elsewhere), "{document:#}");
    let still = KONG.run(&sandbox, "status", &other[..2], 0);
    assert_eq!(still["linkHealth"]["next"], Value::Null, "{still:#}");
    KONG.take_down(&sandbox, &other);
    assert_eq!(sandbox.state(), before);
}

#[test]
fn the_help_says_where_the_name_alone_decides() {
    let help = peerctl(["azure", "teardown", "--help"]).run().expect_code(0);
    assert!(said(&help).contains("matched by name only"), "{help}");
}

/// A peering of another name, written with the operator's own sign-in in both tenants.
#[track_caller]
fn peers_by_hand(sandbox: &Served, name: &str) {
    let named = ["--peering-name", name];
    GENERIC.set_up(sandbox, &named);
}

#[test]
fn a_peering_of_another_name_stays_and_goes_once_it_is_named() {
    let sandbox = sandbox();
    let before = sandbox.state();
    peers_by_hand(&sandbox, "by-hand");
    let document = GENERIC.run(&sandbox, "teardown", &[], 0);
    assert!(kept(&document).contains("--peering-name by-hand"), "{document:#}");
    assert_eq!(ours(&sandbox), ["by-hand"]);
    GENERIC.take_down(&sandbox, &["--peering-name", "by-hand"]);
    assert_eq!(sandbox.state(), before);
}

/// The names of the peerings of `vnet-app`.
fn ours(sandbox: &Served) -> Vec<String> {
    let found = both_sides::peerings(&sandbox.state(), "vnet-app", "10.20.0.0/16");
    found
        .iter()
        .map(|one| one["name"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn a_request_that_a_colleague_made_stays_with_all_that_it_needs() {
    let sandbox = sandbox();
    let colleague = Colleague::of(&sandbox);
    let principal = colleague.consents();
    colleague.writes_role(SUBSCRIPTION, A_ROLE, ROLE, &ACTIONS, &[SUBSCRIPTION]);
    colleague.assigns(AN_ASSIGNMENT, A_ROLE, &principal);
    colleague.asks_kong();
    let before = sandbox.state();
    let document = KONG.run(&sandbox, "teardown", &["--consent"], 0);
    assert_eq!(document["outcome"], "unchanged", "{document:#}");
    assert!(
        kept(&document).contains("--set name=by-hand says that it is meant"),
        "{document:#}"
    );
    assert_eq!(sandbox.state(), before);
    let named = KONG.take_down(&sandbox, &["--set", "name=by-hand"]);
    assert_eq!(changes(&named, "vendor-request"), ["deleted transit gateway"]);
    assert_eq!(ours(&sandbox), [""; 0]);
}

/// Setup goes on with a request and an application that it finds; they stay somebody else's.
#[test]
fn a_request_for_a_colleagues_application_stays_and_goes_once_the_application_is_named() {
    for (link, party) in [(AIVEN, both_sides::AIVEN), (DRAGONFLY, both_sides::DRAGONFLY)] {
        let sandbox = sandbox();
        let colleague = Colleague::of(&sandbox);
        let (app, _) = colleague.registers("client-app", "AzureADMultipleOrgs");
        let own = colleague.makes_principal(&app);
        colleague.assigns(
            "0d5e3c1a-0000-4000-8000-000000000004",
            "4d97b98b-1d4f-4787-a291-c67834d212e7",
            &own,
        );
        let theirs = colleague.makes_principal(party.app_id);
        colleague.writes_role(SUBSCRIPTION, A_ROLE, party.role, &[PEER], &[SUBSCRIPTION]);
        colleague.assigns(AN_ASSIGNMENT, A_ROLE, &theirs);
        party.asks(&sandbox, &app);
        let before = sandbox.state();
        link.set_up(&sandbox, &[]);
        let document = link.run(&sandbox, "teardown", &["--consent"], 0);
        assert_eq!(changes(&document, "vendor-request"), [""; 0], "{document:#}");
        let hint = format!("--own-app {app} says that it is yours");
        assert!(kept(&document).contains(&hint), "{document:#}");
        for dump in [
            "roleAssignments",
            "roleDefinitions",
            "applications",
            "servicePrincipals",
        ] {
            assert_eq!(sandbox.state()[dump], before[dump], "{dump}");
        }
        let named = link.take_down(&sandbox, &["--own-app", &app]);
        assert_eq!(changes(&named, "vendor-request").len(), 1, "{named:#}");
        assert_eq!(party.state(&sandbox), "");
    }
}

// ------------------------------------------------------------------------------------------------ by hand

#[test]
fn by_hand_it_says_what_to_delete_where_and_goes_on_once_that_is_done() {
    let sandbox = sandbox();
    let before = sandbox.state();
    let by_hand = ["--vendor-access", "manual", "--consent"];
    KONG.set_up(&sandbox, &[]);
    let manual = |more: &[&str]| {
        KONG.command(&sandbox, "teardown", &[&by_hand[..], more].concat())
            .env("KONNECT_TOKEN", "")
            .run()
    };
    let document = manual(&["--no-wait", "-o", "json"]).expect_code(3).json();
    assert_eq!(document["outcome"], "waiting", "{document:#}");
    let hold = &step(&document, "vendor-request")["actionRequired"];
    assert!(
        hold["instructions"][0]
            .as_str()
            .is_some_and(|text| text.starts_with("Delete the peering at ")),
        "{hold:#}"
    );
    assert_eq!(
        document["stats"]["writes"], 0,
        "the vendor still needs its role: {document:#}"
    );

    Colleague::of(&sandbox).deletes_gateways();
    let document = manual(&["-o", "json"]).expect_code(0).json();
    assert_eq!(document["outcome"], "done", "{document:#}");
    assert_eq!(sandbox.state(), before);
}

#[test]
fn by_hand_our_direction_goes_with_aivens() {
    let sandbox = sandbox();
    let before = sandbox.state();
    AIVEN.set_up(&sandbox, &[]);
    let network = format!("to-network-id={}", both_sides::AIVEN_NETWORK);
    let tenant = format!("to-tenant-id={}", both_sides::AIVEN_TENANT);
    let by_hand = [
        "--vendor-access",
        "manual",
        "--consent",
        "--set",
        &network,
        "--set",
        &tenant,
    ];
    let manual = |more: &[&str]| {
        let line = both_sides::with_inputs("aiven", &[&by_hand[..], more].concat());
        let line = line.iter().map(|word| if word == "setup" { "teardown" } else { word });
        peerctl(line).envs(sandbox.env()).env("AIVEN_AUTH_TOKEN", "").run()
    };
    let document = manual(&["--no-wait", "-o", "json"]).expect_code(3).json();
    assert_eq!(step(&document, "vendor-request")["after"], "waiting", "{document:#}");
    both_sides::AIVEN.deletes_connection(&sandbox);
    let document = manual(&["-o", "json"]).expect_code(0).json();
    assert_eq!(document["outcome"], "done", "{document:#}");
    assert_eq!(sandbox.state(), before);
}

// ------------------------------------------------------------------------------------------------ who may not

#[test]
fn who_may_not_take_roles_back_gets_a_packet_and_who_may_ends_it() {
    let sandbox = sandbox();
    let before = sandbox.state();
    KONG.set_up(&sandbox, &[]);
    let limited = |more: &[&str]| {
        KONG.command(&sandbox, "teardown", more)
            .envs(LIMITED)
            .run()
            .expect_code(3)
    };
    let document = limited(&["--consent", "-o", "json"]).json();
    assert_eq!(document["outcome"], "waiting", "{document:#}");
    assert_eq!(changes(&document, "vendor-request"), ["deleted transit gateway"]);
    let hold = &step(&document, "role-assignment")["actionRequired"];
    assert!(
        hold["who"]
            .as_str()
            .is_some_and(|who| who.contains("User Access Administrator")),
        "{hold:#}"
    );
    assert!(
        hold["instructions"]
            .to_string()
            .contains("az role assignment delete --ids"),
        "{hold:#}"
    );
    let text = limited(&[]);
    assert!(said(&text).contains("az role assignment delete --ids"), "{text}");
    KONG.take_down(&sandbox, &["--consent"]);
    assert_eq!(sandbox.state(), before);
}

/// With a deletion that Azure refuses: its packet, exit 3, and the next run ends it.
#[track_caller]
fn refused(link: Link, deletion: &str, at: &str, command: &str) {
    // Resource Manager and Graph each have a code of their own for a missing role.
    let code = match deletion.contains("/applications") || deletion.contains("/servicePrincipals") {
        true => "Authorization_RequestDenied",
        false => "AuthorizationFailed",
    };
    let sandbox = with_fault(&format!("{deletion}:1=403:{code}"));
    let before = sandbox.state();
    link.set_up(&sandbox, &[]);
    let document = link.run(&sandbox, "teardown", &["--consent"], 3);
    let held = step(&document, at);
    assert_eq!(held["after"], "blocked", "{document:#}");
    assert!(
        held["actionRequired"]["instructions"].to_string().contains(command),
        "{held:#}"
    );
    link.take_down(&sandbox, &["--consent"]);
    assert_eq!(sandbox.state(), before);
}

#[test]
fn who_may_not_delete_a_peering_gets_a_packet() {
    refused(
        GENERIC,
        "DELETE */virtualNetworkPeerings/*",
        "peering",
        "az network vnet peering delete",
    );
}

#[test]
fn who_may_not_delete_a_role_gets_a_packet() {
    refused(
        KONG,
        "DELETE */roleDefinitions/*",
        "role-definition",
        "az role definition delete",
    );
}

#[test]
fn who_may_not_delete_an_application_gets_a_packet() {
    refused(AIVEN, "DELETE */applications/*", "own-app", "az ad app delete --id");
}

#[test]
fn who_may_not_delete_a_service_principal_gets_a_packet() {
    refused(KONG, "DELETE */servicePrincipals/*", "consent", "az ad sp delete --id");
}

const PIPELINE: [(&str, &str); 2] = [
    ("AZURE_CLIENT_ID", "d6f405b7-8293-4a41-b5c6-e7f8091a2b34"),
    ("AZURE_CLIENT_SECRET", "sandbox~pipeline~secret"),
];

#[test]
fn a_pipeline_without_the_directory_does_what_it_may_and_says_what_it_could_not_see() {
    for link in [KONG, AIVEN] {
        let sandbox = sandbox();
        let before = sandbox.state();
        link.set_up(&sandbox, &[]);
        let pipeline = |code| {
            let run = link
                .command(&sandbox, "teardown", &["--consent", "-o", "json"])
                .envs(PIPELINE);
            run.run().expect_code(code).json()
        };
        let document = pipeline(3);
        let hold = &step(&document, "consent")["actionRequired"];
        assert!(
            hold["instructions"].to_string().contains("az ad sp delete --id"),
            "{document:#}"
        );
        link.run(&sandbox, "teardown", &["--consent"], 0);
        assert_eq!(sandbox.state(), before, "{}", link.vendor);
    }
}

/// Changes the world without asking anyone's leave.
#[track_caller]
fn edit(sandbox: &Served, change: Value) {
    let (status, _) = sandbox.send(reqwest::Method::POST, "/_sandbox/edit", None, Body::Json(change));
    assert_eq!(status, 204);
}

#[test]
fn where_the_network_was_deleted_meanwhile_what_is_left_goes() {
    let sandbox = sandbox();
    let mut before = sandbox.state();
    let document = KONG.set_up(&sandbox, &[]);
    let assignment = step(&document, "role-assignment")["changes"][0]["id"].clone();
    edit(&sandbox, json!({"remove": assignment}));
    edit(&sandbox, json!({"remove": VNET_ID}));
    let document = KONG.take_down(&sandbox, &["--consent"]);
    assert_eq!(changes(&document, "vendor-request"), ["deleted transit gateway"]);
    let mut after = sandbox.state();
    let networks = [&mut before, &mut after].map(|state| list(state, "virtualNetworks").len());
    assert_eq!(networks[0], networks[1] + 1);
    assert_eq!(after, before);
    nothing_left(KONG, &sandbox, &["--consent"]);
}

#[test]
fn a_lock_against_deletion_is_explained_and_once_it_is_gone_the_next_run_ends_it() {
    let sandbox = sandbox();
    let before = sandbox.state();
    GENERIC.set_up(&sandbox, &[]);
    edit(&sandbox, json!({"lock": {"scope": VNET_ID, "level": "CanNotDelete"}}));
    let ran = GENERIC.command(&sandbox, "teardown", &[]).run().expect_code(1);
    for part in [
        "ScopeLocked",
        "A resource lock blocks this change for everyone, including Owners.",
        "Ask the owner of the lock to remove it",
    ] {
        assert!(said(&ran).contains(part), "{part}\n{ran}");
    }
    edit(
        &sandbox,
        json!({"remove": format!("{VNET_ID}/providers/Microsoft.Authorization/locks/edit")}),
    );
    GENERIC.take_down(&sandbox, &[]);
    assert_eq!(sandbox.state(), before);
}

// ------------------------------------------------------------------------------------------------ strangers

const HUB: &str = "/subscriptions/22e1c7b3-75b7-4a1c-9e3f-4b6081da2f12/resourceGroups/rg-hub/providers/Microsoft.Network/virtualNetworks/vnet-hub";
const PARTNER_SUBSCRIPTION: &str = "77c61208-ca0c-4f61-a384-90b5c62f7467";

/// A colleague's peering of `vnet-app`, whose network has addresses of the Konnect network (10.0.0.0/16).
#[derive(Clone, Copy)]
enum Stranger {
    /// `to-payments`, with a network of Fabrikam's.
    Partner,
    /// `to-hub`, with the company's own hub, in a subscription that the pipeline does not see.
    Hub,
}

impl Stranger {
    fn name(self) -> &'static str {
        match self {
            Self::Partner => "to-payments",
            Self::Hub => "to-hub",
        }
    }

    fn appears(self, sandbox: &Served, prefix: &str, state: &str) {
        let partner = both_sides::partner("vnet-partner");
        let network = match self {
            Self::Partner => partner.as_str(),
            Self::Hub => HUB,
        };
        edit(sandbox, json!({"addressSpace": {"id": network, "prefixes": [prefix]}}));
        match self {
            Self::Partner => _ = GENERIC.set_up(sandbox, &["--peering-name", "to-payments"]),
            Self::Hub => {
                let colleague = Colleague::of(sandbox);
                colleague.peers(VNET_ID, "to-hub", HUB);
                if state != "Initiated" {
                    colleague.peers(HUB, "to-app", VNET_ID);
                }
            }
        }
        if state == "Disconnected" {
            let theirs = match self {
                Self::Partner => "vnet-partner-to-vnet-app",
                Self::Hub => "to-app",
            };
            edit(
                sandbox,
                json!({"remove": format!("{network}/virtualNetworkPeerings/{theirs}")}),
            );
        }
        let found = both_sides::peerings(&sandbox.state(), "vnet-app", "10.20.0.0/16");
        assert_eq!(found[0]["state"], state, "{found:?}");
    }
}

/// Azure names the subscription's tenant to nobody who comes without a token.
fn is_not_named(sandbox: &Served, subscription: &str) {
    edit(sandbox, json!({"nameless": subscription}));
}

/// Kong never was set up; teardown and repair leave the colleague's peering as it is, whoever runs them.
fn keeps_the_strangers(stranger: Stranger, prefix: &str, state: &str) {
    let sandbox = sandbox();
    stranger.appears(&sandbox, prefix, state);
    let kong = Colleague::of(&sandbox).consents();
    let before = sandbox.state();
    let given = ["--vendor-principal-id", kong.as_str()];
    for (command, more, pipeline) in [
        ("teardown", &[][..], false),
        ("teardown", &[], true),
        ("teardown", &given, true),
        ("repair", &[], false),
        ("repair", &given, true),
        ("setup", &[], false),
        ("setup", &given, true),
    ] {
        let ran = KONG.command(&sandbox, command, more);
        let ran = if pipeline { ran.envs(PIPELINE).run() } else { ran.run() };
        assert!(matches!(ran.code, Some(0 | 3 | 4)), "{command} {more:?}: {ran}");
        // Its addresses are taken, and nobody says that it is Kong's.
        let taken = command != "setup" || (ran.code == Some(4) && said(&ran).contains("overlaps with"));
        assert!(taken && !said(&ran).contains("Kong's peering was deleted"), "{ran}");
        assert_eq!(sandbox.state(), before, "{command} {more:?} {pipeline}: {ran}");
    }
    // Without its service principal Kong's tenant is known to nobody.
    edit(&sandbox, json!({"remove": kong}));
    let before = sandbox.state();
    let document = KONG.run(&sandbox, "teardown", &["--consent"], 0);
    assert_eq!(document["outcome"], "unchanged", "{document:#}");
    let listed = kept(&document).contains(&format!("--peering-name {} says", stranger.name()));
    assert_eq!(listed, matches!(stranger, Stranger::Partner), "{document:#}");
    assert_eq!(sandbox.state(), before);
}

macro_rules! keeps_the_strangers {
    ($($test:ident: $stranger:ident $prefix:literal $state:literal)+) => {
        $(#[test]
        fn $test() {
            keeps_the_strangers(Stranger::$stranger, $prefix, $state);
        })+
    };
}

keeps_the_strangers! {
    keeps_partner_with_equal_addresses: Partner "10.0.0.0/16" "Connected"
    keeps_partner_with_covering_addresses: Partner "10.0.0.0/12" "Connected"
    keeps_partner_with_covered_addresses: Partner "10.0.7.0/24" "Connected"
    keeps_disconnected_partner: Partner "10.0.0.0/16" "Disconnected"
    keeps_connected_hub: Hub "10.0.0.0/16" "Connected"
    keeps_disconnected_hub: Hub "10.0.0.0/16" "Disconnected"
    keeps_initiated_hub: Hub "10.0.0.0/16" "Initiated"
}

#[test]
fn unnamed_tenant_proves_nothing_and_the_name_does() {
    for state in ["Connected", "Disconnected"] {
        let sandbox = sandbox();
        Stranger::Partner.appears(&sandbox, "10.0.0.0/16", state);
        is_not_named(&sandbox, PARTNER_SUBSCRIPTION);
        Colleague::of(&sandbox).consents();
        let before = sandbox.state();
        let document = KONG.run(&sandbox, "teardown", &[], 0);
        assert!(
            kept(&document).contains("--peering-name to-payments says"),
            "{document:#}"
        );
        assert_eq!(sandbox.state(), before);
        let document = KONG.take_down(&sandbox, &["--peering-name", "to-payments"]);
        assert_eq!(changes(&document, "peering"), ["deleted virtualNetworkPeering"]);
        assert_eq!(ours(&sandbox), [""; 0]);
    }
}

/// The same with the vendors whose direction setup writes, under the very name that setup gives.
#[test]
fn keeps_a_strangers_peering_of_setups_name() {
    for (link, party, prefix) in [
        (AIVEN, both_sides::AIVEN, "10.130.0.0/24"),
        (DRAGONFLY, both_sides::DRAGONFLY, "192.168.0.0/16"),
    ] {
        let sandbox = sandbox();
        edit(
            &sandbox,
            json!({"addressSpace": {"id": both_sides::partner("vnet-partner"), "prefixes": [prefix]}}),
        );
        GENERIC.set_up(&sandbox, &["--peering-name", party.peering]);
        is_not_named(&sandbox, PARTNER_SUBSCRIPTION);
        let before = sandbox.state();
        let document = link.run(&sandbox, "teardown", &["--consent"], 0);
        let named = format!("--peering-name {} says that it is meant", party.peering);
        assert!(kept(&document).contains(&named), "{document:#}");
        link.command(&sandbox, "repair", &[]).run();
        assert_eq!(sandbox.state(), before);
    }
}

/// A pipeline cannot confirm Kong's tenant. Kong removes its peering with the request; nothing else has to.
#[test]
fn unproven_peering_goes_with_the_vendors_request() {
    let sandbox = sandbox();
    let kong = Colleague::of(&sandbox).consents();
    let before = sandbox.state();
    let given = ["--vendor-principal-id", kong.as_str()];
    let pipeline = |command: &str, more: &[&str]| {
        let flags = [&given[..], &["-o", "json"], more].concat();
        let run = KONG.command(&sandbox, command, &flags).envs(PIPELINE);
        run.run().expect_code(0).json()
    };
    let document = pipeline("setup", &[]);
    let said = step(&document, "verification").to_string();
    assert!(
        said.contains("recognized as Kong's by its addresses alone"),
        "{document:#}"
    );
    pipeline("status", &[]);
    let document = pipeline("teardown", &[]);
    assert_eq!(changes(&document, "peering"), [""; 0], "{document:#}");
    assert_eq!(sandbox.state(), before);
}

/// Konnect answers 400 while a gateway is in transition: its own state decides, not the code.
#[test]
fn gateway_in_transition_is_waited_for_by_its_state() {
    let gateway = format!(
        "[[konnect.gateways]]\nid = \"6f1a2b3c-0000-4000-8000-00000000000a\"\nnetwork = \"{}\"\nname = \"vnet-app\"\n\
         tenant = \"{}\"\nsubscription = \"{SUBSCRIPTION}\"\ngroup = \"rg-network\"\nvnet = \"vnet-app\"\n",
        support::kong::NETWORK_ID,
        support::kong::TENANT
    );
    let sandbox = support::troubles::troubles(&gateway);
    let document = KONG.run(&sandbox, "teardown", &["--timeout", "2s"], 3);
    let hold = step(&document, "vendor-request")["actionRequired"].to_string();
    assert!(
        hold.contains("has not deleted") && hold.contains("--timeout 2s is over."),
        "{document:#}"
    );

    // It settled between the two answers: the deletion is tried once more.
    let sandbox = with_fault("DELETE */transit-gateways/*:1=400:Bad Request:must be in a non-transitional state");
    KONG.run(&sandbox, "setup", &[], 0);
    KONG.run(&sandbox, "teardown", &[], 0);
    // Refused for good, it is an error.
    let sandbox = with_fault("DELETE */transit-gateways/*=400:Bad Request:no");
    KONG.run(&sandbox, "setup", &[], 0);
    KONG.run(&sandbox, "teardown", &[], 1);
}
