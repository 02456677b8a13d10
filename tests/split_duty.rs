//! Split duty: each of the people in the chain goes as far as they may, hands a packet to the one who can go on, and
//! goes on where that one ended.

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::both_sides::{
    AIVEN, PARTNER_GROUP, PARTNER_TENANT, assert_in_place, assert_no_credential, changes, own_apps, partner, peerings,
    said, step,
};
use support::cli::{Ran, peerctl};
use support::colleague::Colleague;
use support::kong::{ACTIONS, LIMITED, OTHER_SUBSCRIPTION, ROLE, SUBSCRIPTION, VNET_ID, setup};
use support::served::{Body, Served};
use uuid::Uuid;

const OWNER: &str = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
const CONTRIBUTOR: &str = "b24988ac-6180-42a0-ab88-20f7382dd24c";
const NETWORK_CONTRIBUTOR: &str = "4d97b98b-1d4f-4787-a291-c67834d212e7";
/// The estate's operator: a directory role, and Owner of these.
const OPERATOR_ID: &str = "7e5d4c3b-2a19-4807-b6c5-d4e3f2a1b001";
const OPERATORS: [&str; 3] = [SUBSCRIPTION, OTHER_SUBSCRIPTION, "33f2d8c4-86c8-4b2d-af40-5c7192eb3023"];
/// Who signs in with [`LIMITED`]: reads the directory, and may change networks in `rg-network`.
const LIMITED_ID: &str = "9f7e6d5c-4b3a-4921-87d6-e5f4a3b2c113";
/// One more than Kong's, so that it is not taken for Kong's.
const PEERINGS_ONLY: [&str; 6] = [
    "Microsoft.Network/virtualNetworks/subnets/read",
    "Microsoft.Network/virtualNetworks/read",
    "Microsoft.Network/virtualNetworks/peer/action",
    "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/read",
    "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/write",
    "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/delete",
];
const KONG: [&str; 4] = ["--vendor", "kong", "--set", "network=eastus2-network"];
/// No other credentials than the environment's: the operator's.
const OPERATOR: [(&str, &str); 0] = [];

fn sandbox() -> Served {
    Served::start(["--lag", "none"])
}

fn aiven() -> Vec<&'static str> {
    [&["--vendor", "aiven"], AIVEN.inputs].concat()
}

// ------------------------------------------------------------------------------------------------ people

/// `azure setup` by one of them, without a question.
fn sets_up(sandbox: &Served, who: &[(&str, &str)], flags: &[&str]) -> Ran {
    let own = ["azure", "setup", "--no-input", "--yes", "--vnet-id", VNET_ID];
    peerctl(own.iter().chain(flags))
        .envs(sandbox.env())
        .envs(who.iter().copied())
        .run()
}

/// The same; its JSON document.
#[track_caller]
fn document(sandbox: &Served, who: &[(&str, &str)], flags: &[&str], code: i32) -> Value {
    let flags = [flags, &["-o", "json"]].concat();
    sets_up(sandbox, who, &flags).expect_code(code).json()
}

/// Assigns a role to a person at a scope.
#[track_caller]
fn grants(colleague: &Colleague<'_>, principal: &str, role: &str, scope: &str) {
    let subscription = scope.split('/').nth(2).expect("a scope");
    let roles = format!("/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions");
    let guid = Uuid::new_v4();
    let path = format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{guid}?api-version=2022-04-01");
    let body = json!({"properties": {
        "roleDefinitionId": format!("{roles}/{role}"), "principalId": principal, "principalType": "ServicePrincipal",
    }});
    colleague.azure(Method::PUT, &path, Some(body));
}

/// Takes away what a person has at that very scope, without asking anyone's leave.
#[track_caller]
fn loses(sandbox: &Served, colleague: &Colleague<'_>, principal: &str, scope: &str) {
    let path =
        format!("{scope}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01&$filter=atScope()");
    let found = colleague.azure(Method::GET, &path, None);
    let all = found["value"].as_array().expect("a list").iter();
    let own = all.filter(|one| one["properties"]["principalId"] == principal && one["properties"]["scope"] == scope);
    let own: Vec<&Value> = own.map(|one| &one["id"]).collect();
    assert!(!own.is_empty(), "{found:#}");
    for id in own {
        let (status, _) = sandbox.send(Method::POST, "/_sandbox/edit", None, Body::Json(json!({"remove": id})));
        assert_eq!(status, 204, "{id}");
    }
}

/// [`LIMITED`] becomes an Owner without a directory role; the operator keeps the directory and has nothing in Azure.
#[track_caller]
fn an_owner_and_an_administrator(sandbox: &Served) {
    let colleague = Colleague::of(sandbox);
    grants(&colleague, LIMITED_ID, OWNER, &format!("/subscriptions/{SUBSCRIPTION}"));
    for subscription in OPERATORS {
        loses(
            sandbox,
            &colleague,
            OPERATOR_ID,
            &format!("/subscriptions/{subscription}"),
        );
    }
}

/// The operator may write everything but roles and who has them; [`LIMITED`] becomes an Owner.
#[track_caller]
fn a_contributor_and_an_owner(sandbox: &Served) {
    let (colleague, scope) = (Colleague::of(sandbox), format!("/subscriptions/{SUBSCRIPTION}"));
    grants(&colleague, LIMITED_ID, OWNER, &scope);
    grants(
        &colleague,
        OPERATOR_ID,
        CONTRIBUTOR,
        &format!("{scope}/resourceGroups/rg-network"),
    );
    loses(sandbox, &colleague, OPERATOR_ID, &scope);
}

/// [`LIMITED`] may read the network, read and write its peerings, and nothing else.
#[track_caller]
fn only_peerings(sandbox: &Served) {
    let colleague = Colleague::of(sandbox);
    let role = "0d5e3c1a-0000-4000-8000-00000000000a";
    colleague.writes_role(
        SUBSCRIPTION,
        role,
        "Team network: peerings",
        &PEERINGS_ONLY,
        &[SUBSCRIPTION],
    );
    grants(&colleague, LIMITED_ID, role, VNET_ID);
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-network");
    loses(sandbox, &colleague, LIMITED_ID, &group);
}

// ------------------------------------------------------------------------------------------------ packets

/// The steps that stop here until somebody else has acted.
fn blocked(document: &Value) -> Vec<&str> {
    let steps = document["steps"].as_array().expect("steps").iter();
    steps
        .filter(|step| step["after"] == "blocked")
        .filter_map(|step| step["id"].as_str())
        .collect()
}

/// A blocked step's packet, which has a command of az's or an address, names no command twice, and ends with the
/// command line of peerctl's for that step alone: its arguments.
#[track_caller]
fn packet(document: &Value, id: &str) -> Vec<String> {
    let hold = &step(document, id)["actionRequired"];
    let lines: Vec<&str> = hold["instructions"]
        .as_array()
        .expect("a packet")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert!(lines.iter().any(|line| line.contains("az ")), "{hold:#}");
    for (at, line) in lines.iter().enumerate() {
        assert!(!lines[..at].contains(line), "twice: {line}");
    }
    let line = lines
        .last()
        .and_then(|line| line.strip_prefix("# or with peerctl: peerctl "));
    let line = line.unwrap_or_else(|| panic!("no line for peerctl: {hold:#}"));
    assert!(line.ends_with(&format!(" --only {id}")), "{line}");
    assert!(!line.contains("--auth"), "everybody signs in in their own way: {line}");
    line.split_whitespace().map(str::to_owned).collect()
}

/// Somebody runs the line of the packet, with the same environment but for the vendor's token: exactly that step is done.
#[track_caller]
fn takes(sandbox: &Served, who: &[(&str, &str)], packet: &[String], id: &str) {
    let ran = peerctl(
        packet
            .iter()
            .map(String::as_str)
            .chain(["--no-input", "--yes", "-o", "json"]),
    )
    .envs(sandbox.env())
    .envs(["KONNECT_TOKEN", "AIVEN_AUTH_TOKEN"].map(|name| (name, "")))
    .envs(who.iter().copied())
    .run();
    let done = ran.expect_code(0).json();
    assert_eq!(done["outcome"], "done", "{done:#}");
    assert_eq!(step(&done, id)["after"], "in-place", "{done:#}");
    for one in done["steps"].as_array().expect("steps") {
        let changed = !one["changes"].as_array().expect("changes").is_empty();
        assert_eq!(changed, one["id"] == id, "{done:#}");
    }
}

/// Gives the own application a secret, as an administrator would: its client id, and the environment with the secret.
#[track_caller]
fn secret(sandbox: &Served) -> (String, String) {
    let colleague = Colleague::of(sandbox);
    let name = own_apps(sandbox)[0]["uniqueName"].as_str().expect("a name").to_owned();
    let found = colleague.azure(Method::GET, &format!("/v1.0/applications(uniqueName='{name}')"), None);
    let text = |key: &str| found[key].as_str().expect("an id").to_owned();
    (
        text("appId"),
        colleague.adds_secret(&text("id"), "for the network team"),
    )
}

// ------------------------------------------------------------------------------------------------ who may do next to nothing

#[test]
fn who_may_not_do_it_gets_a_packet_for_each_step_and_goes_on_once_somebody_has() {
    let sandbox = sandbox();
    let limited = |flags: &[&str]| setup(&sandbox, flags).envs(LIMITED).run();
    let text = limited(&[]).expect_code(3);
    for part in [
        "/adminconsent?client_id=207b296f-cf25-4d23-9eba-9a2c41dc62ca",
        "az ad sp create --id 207b296f-cf25-4d23-9eba-9a2c41dc62ca",
        "az role definition create --role-definition '{",
        "az role assignment create --assignee-object-id",
        "Application Administrator",
        "User Access Administrator",
    ] {
        assert!(text.stderr.contains(part), "{part}\n{text}");
    }
    assert!(text.stdout.starts_with("Waiting for someone else."), "{text}");

    let document = limited(&["-o", "json"]).expect_code(3).json();
    assert_eq!(document["outcome"], "waiting");
    for id in ["consent", "role-definition", "role-assignment"] {
        assert_eq!(step(&document, id)["after"], "blocked", "{document:#}");
        assert!(
            !step(&document, id)["actionRequired"]["instructions"]
                .as_array()
                .expect("a packet")
                .is_empty()
        );
    }
    assert_eq!(step(&document, "vendor-request")["changes"], json!([]));
    assert_eq!(document["error"], Value::Null);
    let refused = sandbox.writes();
    assert!(
        refused
            .iter()
            .all(|write| write.starts_with("POST /v1.0/servicePrincipals 403")),
        "only consent is tried: whether it is allowed cannot be read: {refused:?}"
    );

    // Whoever may finishes; then the same command of the first one finds everything in place.
    setup(&sandbox, &[]).run().expect_code(0);
    let document = limited(&["-o", "json"]).expect_code(0).json();
    assert_eq!(document["outcome"], "unchanged", "{document:#}");
}

#[test]
#[cfg(unix)]
fn the_packet_can_be_pasted_into_a_shell() {
    let sandbox = sandbox();
    let document = setup(&sandbox, &["-o", "json"])
        .envs(LIMITED)
        .run()
        .expect_code(3)
        .json();
    for id in ["role-definition", "role-assignment"] {
        let packet = step(&document, id)["actionRequired"]["instructions"]
            .as_array()
            .expect("a packet")
            .clone();
        let lines: Vec<&str> = packet.iter().filter_map(Value::as_str).collect();
        // Instead of az: prints each argument of its own on a line of its own.
        let script = format!("az() {{ printf '%s\\n' \"$@\"; }}\n{}", lines.join("\n"));
        let ran = support::cli::program("bash", ["-euc", &script]).run().expect_code(0);
        let role: Option<Value> = ran.stdout.lines().find_map(|line| serde_json::from_str(line).ok());
        match id {
            "role-definition" => assert_eq!(role.expect("the role is one argument")["Actions"], json!(ACTIONS)),
            _ => assert!(
                ran.stdout.lines().any(|line| line == ROLE),
                "the name is one argument: {ran}"
            ),
        }
    }
}

// ------------------------------------------------------------------------------------------------ no directory role

#[test]
fn an_owner_without_a_directory_role_and_an_administrator_without_an_azure_role_peer_with_kong() {
    let sandbox = sandbox();
    an_owner_and_an_administrator(&sandbox);
    let first = document(&sandbox, &LIMITED, &[&KONG[..], &["--auth", "environment"]].concat(), 3);
    assert_eq!(blocked(&first), ["consent"]);
    assert_eq!(changes(&first, "role-definition"), ["created roleDefinition"]);
    let hold = step(&first, "consent")["actionRequired"].to_string();
    assert!(
        hold.contains("/adminconsent?client_id=207b296f") && hold.contains("Application Administrator"),
        "{hold}"
    );
    takes(&sandbox, &OPERATOR, &packet(&first, "consent"), "consent");
    let last = document(&sandbox, &LIMITED, &KONG, 0);
    assert_eq!(last["outcome"], "done");
    assert_in_place(&last);
}

#[test]
fn an_owner_without_a_directory_role_and_an_administrator_without_an_azure_role_peer_with_aiven() {
    let sandbox = sandbox();
    an_owner_and_an_administrator(&sandbox);
    let first = document(&sandbox, &LIMITED, &aiven(), 3);
    assert_eq!(blocked(&first), ["consent", "own-app"]);
    for id in ["consent", "own-app"] {
        takes(&sandbox, &OPERATOR, &packet(&first, id), id);
    }
    assert_eq!(own_apps(&sandbox).len(), 1);

    // The application's credential, too, takes a directory role.
    let second = document(&sandbox, &LIMITED, &aiven(), 3);
    assert_eq!(blocked(&second), ["peering"]);
    assert_eq!(changes(&second, "role-assignment").len(), 2);
    let (app, secret) = secret(&sandbox);
    let hold = &step(&second, "peering")["actionRequired"];
    assert!(
        hold["who"]
            .as_str()
            .is_some_and(|who| who.contains("Application Administrator")),
        "{hold:#}"
    );
    let lines = hold["instructions"].to_string();
    for part in [
        &format!("az ad app credential reset --id {app}"),
        &format!("--own-app {app}"),
        "PEERCTL_OWN_APP_SECRET",
    ] {
        assert!(lines.contains(part), "{part}: {lines}");
    }
    let flags = [aiven(), vec!["--own-app", &app]].concat();
    let who = [LIMITED[0], LIMITED[1], ("PEERCTL_OWN_APP_SECRET", &secret)];
    let last = document(&sandbox, &who, &flags, 0);
    assert_in_place(&last);
    assert_no_credential(&sandbox);
}

// ------------------------------------------------------------------------------------------------ no right to give roles

#[track_caller]
fn who_may_give_no_roles_is_helped_by_an_owner(vendor: &[&str], roles: usize) {
    let sandbox = sandbox();
    a_contributor_and_an_owner(&sandbox);
    let first = document(&sandbox, &OPERATOR, vendor, 3);
    assert_eq!(blocked(&first), ["role-definition", "role-assignment"]);
    assert_eq!(changes(&first, "consent"), ["created servicePrincipal"]);
    // What is there by then is in the packet by its id.
    let lines = step(&first, "role-assignment")["actionRequired"]["instructions"].to_string();
    assert_eq!(lines.matches("az ad sp show --id ").count(), roles, "{lines}");
    assert!(!lines.contains("CLIENT-ID-OF"), "{lines}");
    for id in ["role-definition", "role-assignment"] {
        takes(&sandbox, &LIMITED, &packet(&first, id), id);
    }
    let last = document(&sandbox, &OPERATOR, vendor, 0);
    assert_eq!(last["outcome"], "done");
    assert_in_place(&last);
    assert_no_credential(&sandbox);
}

#[test]
fn who_may_give_no_roles_is_helped_by_an_owner_to_peer_with_kong() {
    who_may_give_no_roles_is_helped_by_an_owner(&KONG, 1);
}

#[test]
fn who_may_give_no_roles_is_helped_by_an_owner_to_peer_with_aiven() {
    who_may_give_no_roles_is_helped_by_an_owner(&aiven(), 2);
}

#[test]
fn an_owner_takes_both_steps_of_roles_at_once() {
    let sandbox = sandbox();
    a_contributor_and_an_owner(&sandbox);
    document(&sandbox, &OPERATOR, &KONG, 3);
    let both = [&KONG[..], &["--only", "role-definition", "--only", "role-assignment"]].concat();
    let owners = document(&sandbox, &LIMITED, &both, 0);
    assert_eq!(owners["outcome"], "done");
    let ids: Vec<&Value> = owners["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .map(|step| &step["id"])
        .collect();
    assert_eq!(
        ids,
        ["consent", "role-definition", "role-assignment"],
        "and what they need"
    );
    assert_eq!(owners["stats"]["writes"], 2);
    assert_in_place(&document(&sandbox, &OPERATOR, &KONG, 0));
}

// ------------------------------------------------------------------------------------------------ only peerings

#[test]
fn who_may_only_write_peerings_trusts_what_they_cannot_read_and_peers_with_kong() {
    let sandbox = sandbox();
    only_peerings(&sandbox);
    let first = document(&sandbox, &LIMITED, &KONG, 3);
    assert_eq!(blocked(&first), ["consent", "role-definition", "role-assignment"]);
    for id in ["consent", "role-definition", "role-assignment"] {
        takes(&sandbox, &OPERATOR, &packet(&first, id), id);
    }
    // That it is done by now cannot be read either.
    let second = document(&sandbox, &LIMITED, &KONG, 3);
    assert_eq!(blocked(&second), ["role-definition", "role-assignment"]);
    let hold = step(&second, "role-assignment")["actionRequired"].to_string();
    assert!(
        hold.contains("may not read role assignments") && hold.contains("--skip role-assignment"),
        "{hold}"
    );
    let trusting = [&KONG[..], &["--skip", "role-definition", "--skip", "role-assignment"]].concat();
    let last = document(&sandbox, &LIMITED, &trusting, 0);
    assert_eq!(last["outcome"], "done");
    assert!(
        said_of(&last, "role-assignment").contains("left to somebody else"),
        "{last:#}"
    );
    assert_eq!(
        peerings(&sandbox.state(), "vnet-app", "10.20.0.0/16")[0]["state"],
        "Connected"
    );
}

#[test]
fn who_may_only_write_peerings_peers_with_aiven_by_a_secret_of_the_application() {
    let sandbox = sandbox();
    only_peerings(&sandbox);
    for step in ["consent", "own-app", "role-definition", "role-assignment"] {
        document(&sandbox, &OPERATOR, &[aiven(), vec!["--only", step]].concat(), 0);
    }
    let trusting = [aiven(), vec!["--skip", "role-definition", "--skip", "role-assignment"]].concat();
    let first = document(&sandbox, &LIMITED, &trusting, 3);
    assert_eq!(blocked(&first), ["peering"], "a credential takes a directory role");
    assert_no_credential(&sandbox);
    let (app, secret) = secret(&sandbox);
    let who = [LIMITED[0], LIMITED[1], ("PEERCTL_OWN_APP_SECRET", &secret)];
    let last = document(&sandbox, &who, &[trusting, vec!["--own-app", &app]].concat(), 0);
    assert_eq!(last["outcome"], "done");
    assert_eq!(
        peerings(&sandbox.state(), "vnet-app", "10.20.0.0/16")[0]["state"],
        "Connected"
    );
}

fn said_of<'a>(document: &'a Value, id: &str) -> &'a str {
    step(document, id)["detail"].as_str().unwrap_or_default()
}

// ------------------------------------------------------------------------------------------------ another tenant

/// An application of the team's, known in both tenants, that may write Fabrikam's side: its client id and its secret.
#[track_caller]
fn a_peering_application(sandbox: &Served) -> (String, String) {
    let colleague = Colleague::of(sandbox);
    let (app, object) = colleague.registers("team-peering", "AzureADMultipleOrgs");
    let secret = colleague.adds_secret(&object, "team");
    colleague.makes_principal(&app);
    let form = [("client_id", app.as_str()), ("decision", "accept")];
    let form = form.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let (status, _) = sandbox.send(
        Method::POST,
        &format!("/{PARTNER_TENANT}/adminconsent"),
        None,
        Body::Form(form),
    );
    assert_eq!(status, 200, "Fabrikam lets it in");
    let fabrikam = [
        ("client_id", "f8261729-a4b5-4c63-97e8-19a0b1c2d456"),
        ("client_secret", "sandbox~fabrikam~secret"),
    ];
    let scope = [
        ("grant_type", "client_credentials"),
        ("scope", "https://management.core.windows.net//.default"),
    ];
    let form = fabrikam
        .iter()
        .chain(&scope)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let token = format!("/{PARTNER_TENANT}/oauth2/v2.0/token");
    let (_, answer) = sandbox.send(Method::POST, &token, None, Body::Form(form.collect()));
    let token = answer["access_token"].as_str().expect("Fabrikam's token");
    let found = sandbox
        .send(
            Method::GET,
            &format!("/v1.0/servicePrincipals(appId='{app}')"),
            Some(token),
            Body::None,
        )
        .1;
    let roles = format!(
        "{}/providers/Microsoft.Authorization",
        &PARTNER_GROUP[..PARTNER_GROUP.len() - "/resourceGroups/rg-partner".len()]
    );
    let body = json!({"properties": {
        "roleDefinitionId": format!("{roles}/roleDefinitions/{NETWORK_CONTRIBUTOR}"),
        "principalId": found["id"], "principalType": "ServicePrincipal",
    }});
    let path = format!(
        "{}/providers/Microsoft.Authorization/roleAssignments/{}?api-version=2022-04-01",
        partner("vnet-partner"),
        Uuid::new_v4()
    );
    let (status, answer) = sandbox.send(Method::PUT, &path, Some(token), Body::Json(body));
    assert_eq!(status, 201, "{answer}");
    (app, secret)
}

#[test]
fn a_network_engineer_and_an_owner_peer_with_another_tenant_by_an_application_of_theirs() {
    let sandbox = sandbox();
    let (app, secret) = a_peering_application(&sandbox);
    let (network, tenant) = (
        format!("remote-vnet-id={}", partner("vnet-partner")),
        format!("remote-tenant-id={PARTNER_TENANT}"),
    );
    let flags = [
        "--vendor",
        "generic",
        "--set",
        &network,
        "--set",
        &tenant,
        "--own-app",
        &app,
    ];
    let who = [LIMITED[0], LIMITED[1], ("PEERCTL_OWN_APP_SECRET", &secret)];
    let first = document(&sandbox, &who, &flags, 3);
    assert_eq!(blocked(&first), ["role-definition", "role-assignment"]);
    for id in ["role-definition", "role-assignment"] {
        takes(&sandbox, &OPERATOR, &packet(&first, id), id);
    }
    let last = document(&sandbox, &who, &flags, 0);
    assert_eq!(last["outcome"], "done");
    assert_in_place(&last);
}

// ------------------------------------------------------------------------------------------------ --only

#[test]
fn whoever_is_handed_a_step_needs_nothing_of_the_vendors() {
    // With Dragonfly's API its network has a name; by hand it has two other inputs. Consent has to do with neither.
    let sandbox = sandbox();
    let flags = [
        "--vendor",
        "dragonfly",
        "--only",
        "consent",
        "--no-input",
        "--yes",
        "-o",
        "json",
    ];
    let ran = peerctl(["azure", "setup", "--vnet-id", VNET_ID].iter().chain(&flags))
        .envs(sandbox.env())
        .env("DFCLOUD_API_KEY", "")
        .run();
    let done = ran.expect_code(0).json();
    assert_eq!(changes(&done, "consent"), ["created servicePrincipal"]);
    assert_eq!(done["steps"].as_array().map(Vec::len), Some(1));
}

#[test]
#[cfg(unix)]
fn whoever_is_handed_a_step_is_asked_for_nothing_of_the_vendors() {
    use support::pty::Wizard;
    let sandbox = sandbox();
    let env = sandbox.env().iter().filter(|(name, _)| *name != "DFCLOUD_API_KEY");
    let flags = ["azure", "setup", "--vendor", "dragonfly", "--vnet-id", VNET_ID];
    let flags = flags.iter().chain(&["--consent", "create", "--only", "consent"]);
    let mut wizard = Wizard::start(flags, (40, 100), env);
    wizard.wait_for("Go ahead?");
    wizard.answer("y\r");
    assert_eq!(wizard.wait_exit().code, Some(0), "{}", wizard.transcript());
    assert_eq!(sandbox.writes().len(), 1, "{:?}", sandbox.writes());
}

#[test]
fn a_step_that_was_handed_over_is_unchanged_the_second_time() {
    let sandbox = sandbox();
    let flags = [&KONG[..], &["--only", "consent"]].concat();
    document(&sandbox, &OPERATOR, &flags, 0);
    let again = document(&sandbox, &OPERATOR, &flags, 0);
    assert_eq!(
        (&again["outcome"], &again["stats"]["writes"]),
        (&json!("unchanged"), &json!(0))
    );
}

#[test]
fn a_step_whose_needs_are_not_in_place_is_not_tried() {
    let sandbox = sandbox();
    let waits = document(
        &sandbox,
        &OPERATOR,
        &[&KONG[..], &["--only", "vendor-request"]].concat(),
        3,
    );
    assert_eq!(waits["outcome"], "waiting");
    assert!(
        said_of(&waits, "consent").contains("left to somebody else"),
        "{waits:#}"
    );
    assert_eq!(sandbox.writes(), [""; 0]);
}

#[test]
fn the_peering_alone_is_written_and_no_credential_is_left_behind() {
    let sandbox = sandbox();
    let first = document(&sandbox, &OPERATOR, &[aiven(), vec!["--skip", "peering"]].concat(), 3);
    assert_eq!(first["outcome"], "waiting");
    assert_eq!(changes(&first, "vendor-request").len(), 1);
    assert_eq!(
        peerings(&sandbox.state(), "vnet-app", "10.20.0.0/16"),
        Vec::<Value>::new()
    );
    let second = document(&sandbox, &OPERATOR, &[aiven(), vec!["--only", "peering"]].concat(), 0);
    assert_eq!(second["outcome"], "done");
    assert_eq!(changes(&second, "peering"), ["created virtualNetworkPeering"]);
    assert_eq!(changes(&second, "clean-up"), ["deleted passwordCredential"]);
    assert_no_credential(&sandbox);
    assert_in_place(&document(&sandbox, &OPERATOR, &aiven(), 0));
}

#[test]
fn a_step_that_the_vendor_does_without_is_refused_with_those_that_it_has() {
    let sandbox = sandbox();
    let ran = sets_up(&sandbox, &OPERATOR, &[&KONG[..], &["--only", "own-app"]].concat()).expect_code(2);
    let said = said(&ran);
    assert!(
        said.contains("--only own-app cannot be used: Kong Konnect does without it."),
        "{ran}"
    );
    let steps = "consent, role-definition, role-assignment, vendor-request, peering, verification.";
    assert!(said.contains(&format!("Its steps are {steps}")), "{ran}");
    assert_eq!(sandbox.writes(), [""; 0]);
}

#[test]
fn a_misspelt_step_is_refused_with_all_there_are() {
    let all = "consent, own-app, role-definition, role-assignment, vendor-request, peering, verification, clean-up";
    for flag in ["--only", "--skip"] {
        let ran = peerctl(["azure", "setup", flag, "consnet"]).run().expect_code(2);
        assert!(said(&ran).contains("consnet") && said(&ran).contains(all), "{ran}");
    }
}

#[test]
fn what_to_do_and_what_not_to_do_exclude_each_other_and_a_script() {
    let table: [&[&str]; 3] = [
        &["--only", "consent", "--skip", "peering"],
        &["--only", "consent", "--dry-run"],
        &["--skip", "consent", "--dry-run"],
    ];
    for flags in table {
        let ran = peerctl(["azure", "setup"].iter().chain(flags)).run().expect_code(2);
        assert!(said(&ran).contains("cannot be used with"), "{ran}");
    }
}

// ------------------------------------------------------------------------------------------------ --skip

#[test]
fn a_step_that_is_left_out_and_not_in_place_keeps_what_needs_it_from_being_tried() {
    let sandbox = sandbox();
    let flags = [&KONG[..], &["--skip", "consent"]].concat();
    let first = document(&sandbox, &OPERATOR, &flags, 3);
    assert_eq!(first["outcome"], "waiting");
    assert_eq!(step(&first, "consent")["after"], "waiting");
    assert_eq!(changes(&first, "role-definition"), ["created roleDefinition"]);
    assert_eq!(sandbox.writes().len(), 1, "{:?}", sandbox.writes());
    // Once it is in place it is no matter that it was left out.
    Colleague::of(&sandbox).consents();
    assert_in_place(&document(&sandbox, &OPERATOR, &flags, 0));
}

// ------------------------------------------------------------------------------------- refusals that no role lifts

/// What forbids a request to everyone stays a failure with what helps; only a missing role is handed to who has it.
#[test]
fn refusal_that_no_role_lifts_is_handed_to_nobody() {
    let role = "PUT */roleDefinitions/*";
    let table = [
        (role, "403:AuthorizationFailed:does not have authorization", 3, "Owner"),
        (role, "403:RequestDisallowedByPolicy", 1, "policy assignment"),
        (
            role,
            "403:DenyAssignmentAuthorizationFailed",
            1,
            "A higher role doesn't help",
        ),
        (
            role,
            "403:AuthorizationFailed:denied because of the deny assignment 'x'",
            1,
            "A higher role doesn't help",
        ),
        (
            role,
            "403:LinkedAuthorizationFailed:and is blocked by deny assignments on the '1' linked scope(s)",
            1,
            "A higher role doesn't help",
        ),
        (
            role,
            "403:LinkedAuthorizationFailed:however the linked subscription 's' was not found.",
            1,
            "assignable scopes",
        ),
        (role, "409:ScopeLocked", 1, "az lock list"),
        (
            role,
            "409:ReadOnlyDisabledSubscription",
            1,
            "reactivate the subscription",
        ),
        (role, "403:NeverSeenBefore", 1, "correlation ID"),
        (
            "PUT */roleAssignments/*",
            "403:AuthorizationFailed:an ABAC condition that is not fulfilled",
            1,
            "its condition",
        ),
        (
            "POST */servicePrincipals",
            "403:Authorization_RequestDenied",
            3,
            "adminconsent",
        ),
        (
            "POST */servicePrincipals",
            "403:SomePolicyOfTheTenant",
            1,
            "correlation ID",
        ),
    ];
    for (at, answer, code, says) in table {
        let fault = format!("{at}={answer}");
        let sandbox = Served::start(["--lag", "none", "--fault", &fault]);
        let document = document(&sandbox, &OPERATOR, &KONG, code);
        let holds = document["steps"].as_array().into_iter().flatten();
        let holds: Vec<String> = holds.map(|step| step["actionRequired"].to_string()).collect();
        let told = if code == 3 {
            holds.join(" ")
        } else {
            document["error"]["remedies"].to_string()
        };
        assert!(told.contains(says), "{answer}: {says} in {document:#}");
        let asked_for = holds.iter().any(|hold| hold.contains("Owner"));
        assert_eq!(asked_for, says == "Owner", "{answer}: {document:#}");
    }
}

/// A state that does not change is not waited for; one that passes is, and the end of the time is named.
#[test]
fn only_what_passes_is_tried_again() {
    let generic = ["--vendor", "generic", "--timeout", "2s"];
    let (id, tenant) = (
        format!("remote-vnet-id={}", partner("vnet-partner")),
        format!("remote-tenant-id={PARTNER_TENANT}"),
    );
    let flags = [&generic[..], &["--set", &id, "--set", &tenant]].concat();
    let table = [
        (
            "400:ReferencedResourceNotProvisioned:not in Succeeded state. Resource is in Failed state and",
            false,
            "network vnet update",
        ),
        (
            "403:LinkedAuthorizationFailed:does not have permission to perform action peer/action or the linked scope(s) are invalid and is blocked by deny assignments",
            false,
            "A higher role doesn't help",
        ),
        (
            "400:ReferencedResourceNotProvisioned:not in Succeeded state. Resource is in Updating state and",
            true,
            "--timeout 2s is over.",
        ),
    ];
    for (answer, waited, says) in table {
        let fault = format!("PUT */vnet-app/virtualNetworkPeerings/*={answer}");
        let sandbox = Served::start(["--lag", "none", "--fault", &fault]);
        let document = document(&sandbox, &OPERATOR, &flags, 1);
        let tries = sandbox
            .writes()
            .iter()
            .filter(|write| write.contains("/vnet-app/"))
            .count();
        assert_eq!(tries > 1, waited, "{answer}: {:?}", sandbox.writes());
        assert!(document["error"].to_string().contains(says), "{answer}: {document:#}");
    }
}
