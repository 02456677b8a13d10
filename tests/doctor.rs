//! `peerctl azure doctor`: what can be in a peering's way is found and told, and nothing is ever written.

mod support;

use serde_json::{Value, json};
use support::both_sides::{AIVEN, AIVEN_TENANT, PARTNER_TENANT, own_apps, partner, words};
use support::cli::{Ran, peerctl};
use support::colleague::Colleague;
use support::kong::{self, ACTIONS, LIMITED, ROLE, SUBSCRIPTION, VNET_ID};
use support::served::{Body, Served};
use support::troubles::{self, READER, network, troubles, vnet_id};

const KONG: [&str; 4] = ["--vendor", "kong", "--set", "network=eastus2-network"];
/// Owner in Azure, without any permission in Microsoft Graph.
const PIPELINE: [(&str, &str); 2] = [
    ("AZURE_CLIENT_ID", "d6f405b7-8293-4a41-b5c6-e7f8091a2b34"),
    ("AZURE_CLIENT_SECRET", "sandbox~pipeline~secret"),
];

fn sandbox() -> Served {
    Served::start(["--lag", "none"])
}

fn ask(sandbox: &Served, vnet: &str, more: &[&str], who: &[(&str, &str)]) -> Ran {
    let own = ["azure", "doctor", "--no-input", "--vnet-id", vnet];
    peerctl([&own, more].concat())
        .envs(sandbox.env())
        .envs(who.iter().copied())
        .run()
}

/// What the doctor says of the network and Kong.
#[track_caller]
fn kongs(sandbox: &Served, vnet: &str, more: &[&str], code: i32) -> Value {
    diagnosis(sandbox, vnet, &[&KONG, more].concat(), code)
}

/// What it says of the network and Fabrikam's.
#[track_caller]
fn partners(sandbox: &Served, vnet: &str, (theirs, tenant): (&str, &str), more: &[&str], code: i32) -> Value {
    let (id, tenant) = (
        format!("remote-vnet-id={}", partner(theirs)),
        format!("remote-tenant-id={tenant}"),
    );
    let own = ["--vendor", "generic", "--set", &id, "--set", &tenant];
    diagnosis(sandbox, vnet, &[&own, more].concat(), code)
}

/// The document of a run that must have written nothing.
#[track_caller]
fn diagnosis(sandbox: &Served, vnet: &str, more: &[&str], code: i32) -> Value {
    as_whom(sandbox, vnet, more, code, &[])
}

#[track_caller]
fn as_whom(sandbox: &Served, vnet: &str, more: &[&str], code: i32, who: &[(&str, &str)]) -> Value {
    let before = sandbox.requests()["requests"].as_array().map_or(0, Vec::len);
    let document = ask(sandbox, vnet, &[more, &["-o", "json"]].concat(), who)
        .expect_code(code)
        .json();
    assert_eq!(document["stats"]["writes"], 0, "{document:#}");
    assert_eq!(
        document["outcome"],
        if code == 4 { "blocked" } else { "unchanged" },
        "{document:#}"
    );
    let log = sandbox.requests();
    for request in &log["requests"].as_array().expect("a log")[before..] {
        assert!(request.get("write").is_none(), "{request}");
    }
    document
}

#[track_caller]
fn check<'a>(document: &'a Value, id: &str) -> &'a Value {
    let checks = document["checks"].as_array().expect("checks");
    let found = checks.iter().find(|check| check["id"] == id);
    found.unwrap_or_else(|| panic!("{id} in {document:#}"))
}

/// One check alone: its severity and verdict, and everything that it says in one line.
#[track_caller]
fn alone(document: &Value, id: &str) -> (String, String) {
    let check = check(document, id);
    assert_eq!(document["checks"].as_array().map(Vec::len), Some(1), "{document:#}");
    let word = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
    let remedies = check["remedies"].as_array().into_iter().flatten();
    let remedies: Vec<&str> = remedies.filter_map(Value::as_str).collect();
    let told = format!("{} {} {}", word("detail"), word("meaning"), remedies.join(" "));
    (format!("{} {}", word("severity"), word("verdict")), told)
}

/// The check found what blocks, and says this.
#[track_caller]
fn blocks(document: &Value, id: &str, said: &[&str]) {
    finds(document, id, "error problem", said);
}

/// The check found what is worth a warning, and says this.
#[track_caller]
fn warns(document: &Value, id: &str, said: &[&str]) {
    finds(document, id, "warning problem", said);
}

#[track_caller]
fn finds(document: &Value, id: &str, verdict: &str, said: &[&str]) {
    let (found, told) = alone(document, id);
    assert_eq!(found, verdict, "{document:#}");
    for part in said {
        assert!(told.contains(part), "{part} in {document:#}");
    }
    assert_eq!(check(document, id)["ok"], false);
}

#[track_caller]
fn edit(sandbox: &Served, change: Value) {
    let (status, answer) = sandbox.send(reqwest::Method::POST, "/_sandbox/edit", None, Body::Json(change));
    assert_eq!(status, 204, "{answer}");
}

// ------------------------------------------------------------------------------------------- all checks

#[test]
fn before_the_set_up_nothing_is_in_the_way_of_a_good_network() {
    let sandbox = sandbox();
    let document = kongs(&sandbox, &vnet_id(SUBSCRIPTION, "rg-network", "vnet-data"), &[], 0);
    assert_eq!(document["command"], "azure doctor");
    let checks = document["checks"].as_array().expect("checks");
    for check in checks {
        assert_eq!(
            (&check["ok"], &check["verdict"]),
            (&json!(true), &json!("ok")),
            "{check:#}"
        );
        // The way to a DNS server is there for those who want one.
        let offers = check["id"] == "dns-servers";
        assert!(
            check.get("meaning").is_none() && (offers || check.get("remedies").is_none()),
            "{check:#}"
        );
    }
    let ids: Vec<&str> = checks.iter().filter_map(|check| check["id"].as_str()).collect();
    for id in [
        "tokens",
        "clock",
        "may-consent",
        "locks",
        "policy",
        "provider",
        "role-limit",
        "orphans",
        "routes",
    ] {
        assert!(ids.contains(&id), "{id} in {ids:?}");
    }
    assert_eq!(document["steps"], json!([]));
}

#[test]
fn after_the_set_up_it_looks_again_and_rights_are_not_needed_any_more() {
    let sandbox = sandbox();
    kong::setup(&sandbox, &[]).run().expect_code(0);
    let document = as_whom(&sandbox, VNET_ID, &KONG, 0, &LIMITED);
    for id in ["may-consent", "may-define-roles", "may-assign-roles"] {
        let found = check(&document, id);
        assert!(
            found["detail"]
                .as_str()
                .is_some_and(|text| text.starts_with("not required")),
            "{found:#}"
        );
    }
    // The network security group of the estate's snet-api is there before and after.
    assert_eq!(check(&document, "nsg-rules")["verdict"], "problem");
}

#[test]
fn in_text_what_blocks_comes_first_with_its_meaning_and_its_remedy() {
    let sandbox = troubles("");
    let vnet = network("rg-locked", "vnet-locked");
    let ran = ask(&sandbox, &vnet, &KONG, &[]).expect_code(4);
    assert!(
        ran.stdout.starts_with("vnet-locked and Kong Konnect: 1 check blocks"),
        "{ran}"
    );
    let at = |part: &str| ran.stdout.find(part).unwrap_or_else(|| panic!("{part}\n{ran}"));
    assert!(
        at("BLOCKS: locks") < at("Why:") && at("Why:") < at("Do:") && at("Do:") < at("Fine:"),
        "{ran}"
    );
    assert!(at("BLOCKS: locks") < 100, "the first thing that is seen\n{ran}");
    assert!(ran.stdout.contains("az lock delete --subscription"), "{ran}");
    assert!(!ran.stdout.contains('\u{1b}'), "no colour in a file\n{ran}");
    for line in ran.stdout.lines().filter(|line| !line.contains(" az ")) {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert_eq!(sandbox.writes(), [""; 0]);
}

#[test]
fn the_list_names_every_check_and_needs_nothing() {
    let ran = peerctl(["azure", "doctor", "--list"]).run().expect_code(0);
    for id in ["tokens", "locks", "policy", "peering-limit", "dns-hint"] {
        assert!(
            ran.stdout.lines().any(|line| line.starts_with(&format!("  {id} "))),
            "{id}\n{ran}"
        );
    }
    let rows = peerctl(["azure", "doctor", "--list", "-o", "json"])
        .run()
        .expect_code(0)
        .json();
    let rows = rows.as_array().expect("rows");
    assert!(
        rows.len() >= 25 && rows.iter().all(|row| row["meaning"].is_string()),
        "{rows:?}"
    );
}

#[test]
fn an_unknown_check_is_exit_code_2_with_those_there_are() {
    let ran = peerctl(["azure", "doctor", "--only", "lock"]).run().expect_code(2);
    assert!(
        ran.stderr.contains("locks") && ran.stderr.contains("address-overlap"),
        "{ran}"
    );
    assert_eq!(ran.stdout, "");
}

#[test]
fn only_some_checks_read_only_what_they_need() {
    let sandbox = sandbox();
    let asked = |sandbox: &Served| sandbox.requests().to_string();
    let document = kongs(&sandbox, VNET_ID, &["--only", "role-name", "--only", "orphans"], 0);
    let ids: Vec<&Value> = document["checks"]
        .as_array()
        .expect("two")
        .iter()
        .map(|check| &check["id"])
        .collect();
    assert_eq!(ids, ["role-name", "orphans"]);
    let log = asked(&sandbox);
    for part in [
        "/locks",
        "checkPolicyRestrictions",
        "transit-gateways",
        "transitiveMemberOf",
    ] {
        assert!(!log.contains(part), "{part}");
    }
    assert!(
        log.contains("roleDefinitions") && log.contains("roleAssignments"),
        "{log}"
    );
}

#[test]
fn where_nobody_can_sign_in_it_cannot_look_and_says_so() {
    let sandbox = sandbox();
    let ran = ask(&sandbox, VNET_ID, &KONG, &[("AZURE_CLIENT_SECRET", "wrong")]).expect_code(1);
    assert!(ran.stderr.contains("AADSTS7000215"), "{ran}");
}

// ------------------------------------------------------------------------------------------- who may what

#[test]
fn pain_9_a_missing_token_for_the_other_tenant_is_a_finding_not_a_failure() {
    let sandbox = sandbox();
    let id = format!("remote-vnet-id={}", partner("vnet-partner"));
    let tenant = format!("remote-tenant-id={PARTNER_TENANT}");
    let own = [
        "--vendor", "generic", "--set", &id, "--set", &tenant, "--only", "tokens",
    ];
    // This one is not known in Fabrikam's tenant.
    let document = as_whom(&sandbox, VNET_ID, &own, 4, &LIMITED);
    let known_there = format!("in tenant {PARTNER_TENANT}: az ad sp create --id {}", LIMITED[0].1);
    blocks(
        &document,
        "tokens",
        &["no token for Azure Resource Manager", &known_there],
    );
    let document = diagnosis(&sandbox, VNET_ID, &own, 0);
    assert_eq!(alone(&document, "tokens").0, "error ok");
}

#[test]
fn clock_behind_blocks_before_the_first_write() {
    let sandbox = troubles("[clock]\nahead = 900\n");
    let document = kongs(&sandbox, VNET_ID, &["--only", "clock"], 4);
    let said = [
        "this machine's clock is 15 min behind Azure's",
        "NTP",
        "sudo hwclock -s",
    ];
    blocks(&document, "clock", &said);
    let before = sandbox.writes();
    let document = setup_is_blocked(&sandbox, VNET_ID, &KONG);
    assert!(document.to_string().contains("15 min behind Azure's"), "{document:#}");
    assert_eq!(sandbox.writes(), before);
}

#[test]
fn clock_ahead_is_a_warning_and_the_run_is_right() {
    let sandbox = troubles("[clock]\nahead = -10800\n");
    let document = kongs(&sandbox, VNET_ID, &["--only", "clock"], 0);
    warns(
        &document,
        "clock",
        &["this machine's clock is 180 min ahead of Azure's"],
    );
    AIVEN.done(&sandbox, &[]);
    // A credential that is counted from this machine's clock would live four hours.
    let strict = troubles("[clock]\nahead = -10800\n[app_policy]\nlongest_secret = 3600\nlongest_key = 1\n");
    AIVEN.done(&strict, &[]);
}

#[test]
fn pain_6_and_22_who_may_not_do_it_gets_what_to_hand_over() {
    let sandbox = sandbox();
    let document = as_whom(&sandbox, VNET_ID, &KONG, 0, &LIMITED);
    for (id, said) in [
        ("may-consent", "/adminconsent?client_id="),
        ("may-define-roles", "az role definition create"),
        ("may-assign-roles", "az role assignment create"),
    ] {
        let found = check(&document, id);
        assert_eq!(
            (&found["verdict"], &found["severity"]),
            (&json!("problem"), &json!("warning")),
            "{found:#}"
        );
        assert!(found["remedies"].to_string().contains(said), "{found:#}");
    }
    // What it may not read is neither fine nor a failure.
    for id in ["locks", "policy"] {
        assert_eq!(
            (&check(&document, id)["verdict"], &check(&document, id)["ok"]),
            (&json!("unknown"), &json!(false))
        );
    }
    let document = as_whom(
        &sandbox,
        VNET_ID,
        &[
            "--vendor",
            "aiven",
            "--set",
            "project=demo",
            "--set",
            "vpc=7a61c0de-3b52-4c1f-9d84-e0f1a2b3c401",
            "--only",
            "may-register",
        ],
        0,
        &LIMITED,
    );
    warns(&document, "may-register", &["Application Developer"]);
}

#[test]
fn a_reader_sees_everything_and_is_told_what_a_reader_may_not() {
    let sandbox = troubles("");
    let document = as_whom(&sandbox, VNET_ID, &KONG, 0, &READER);
    for id in ["locks", "policy", "provider", "address-overlap", "peering-limit"] {
        assert_eq!(check(&document, id)["verdict"], "ok", "{:#}", check(&document, id));
    }
    for id in ["may-consent", "may-define-roles", "may-assign-roles"] {
        assert_eq!(check(&document, id)["verdict"], "problem", "{:#}", check(&document, id));
    }
}

#[test]
fn pain_21_without_rights_in_the_directory_the_rest_is_looked_at_all_the_same() {
    let sandbox = sandbox();
    let document = as_whom(&sandbox, VNET_ID, &KONG, 0, &PIPELINE);
    assert_eq!(check(&document, "may-assign-roles")["verdict"], "ok");
    let consent = check(&document, "may-consent");
    assert!(
        consent["remedies"].to_string().contains("--vendor-principal-id"),
        "{consent:#}"
    );
    kong::setup(&sandbox, &[]).run().expect_code(0);
    let document = as_whom(
        &sandbox,
        VNET_ID,
        &[&KONG[..], &["--only", "orphans"]].concat(),
        0,
        &PIPELINE,
    );
    assert_eq!(alone(&document, "orphans").0, "warning unknown");
}

#[test]
fn pain_22_each_side_of_a_peering_takes_its_own_permission() {
    let sandbox = sandbox();
    let own = ["--only", "may-write-peerings"];
    let closed = partners(&sandbox, VNET_ID, ("vnet-closed", PARTNER_TENANT), &own, 0);
    // Nothing of it may be read, so nothing is known.
    assert_eq!(alone(&closed, "may-write-peerings").0, "error unknown");
    let guarded = partners(&sandbox, VNET_ID, ("vnet-guarded", PARTNER_TENANT), &own, 0);
    assert!(
        alone(&guarded, "may-write-peerings")
            .1
            .contains("for an administrator of"),
        "{guarded:#}"
    );
    let both = partners(&sandbox, VNET_ID, ("vnet-partner", PARTNER_TENANT), &own, 0);
    assert!(
        alone(&both, "may-write-peerings").1.contains("both peerings"),
        "{both:#}"
    );
}

// ------------------------------------------------------------------------------------------- the networks

#[test]
fn pain_14_addresses_are_compared_with_the_vendors_and_with_every_network_already_peered() {
    let sandbox = troubles("");
    let own = ["--only", "address-overlap"];
    let legacy = vnet_id(SUBSCRIPTION, "rg-legacy", "vnet-legacy");
    blocks(
        &kongs(&sandbox, &legacy, &own, 4),
        "address-overlap",
        &["overlaps with vnet-legacy (10.0.0.0/16)"],
    );
    let left = network("rg-network", "vnet-left");
    let document = kongs(&sandbox, &left, &own, 4);
    let said = [
        "the network behind peering to-old-spoke (10.0.64.0/18)",
        "az network vnet peering delete",
    ];
    blocks(&document, "address-overlap", &said);
    let overlap = partners(&sandbox, VNET_ID, ("vnet-overlap", PARTNER_TENANT), &own, 4);
    blocks(
        &overlap,
        "address-overlap",
        &["vnet-overlap (10.20.128.0/17) overlaps with vnet-app"],
    );
}

#[test]
fn the_other_tenant_the_vendors_network_and_ones_own_are_looked_at() {
    let sandbox = troubles("");
    let wrong = partners(
        &sandbox,
        VNET_ID,
        ("vnet-partner", AIVEN_TENANT),
        &["--only", "remote-tenant"],
        4,
    );
    let right = format!("--set remote-tenant-id={PARTNER_TENANT}");
    blocks(&wrong, "remote-tenant", &["vnet-partner is in tenant", &right]);
    let young = [
        "--vendor",
        "kong",
        "--set",
        "network=new-network",
        "--only",
        "vendor-network",
    ];
    blocks(
        &diagnosis(&sandbox, VNET_ID, &young, 4),
        "vendor-network",
        &["new-network is initializing"],
    );
    let own = ["--only", "vnet-state"];
    let absent = vnet_id(SUBSCRIPTION, "rg-network", "vnet-absent");
    blocks(
        &kongs(&sandbox, &absent, &own, 4),
        "vnet-state",
        &["There is no virtual network vnet-absent"],
    );
}

#[test]
fn pain_15_a_network_that_is_being_changed_is_told_and_waited_for() {
    let sandbox = troubles("");
    let busy = network("rg-network", "vnet-busy");
    warns(
        &kongs(&sandbox, &busy, &["--only", "vnet-state"], 0),
        "vnet-state",
        &["vnet-busy: provisioning state Updating"],
    );
}

#[test]
fn a_refused_token_of_the_vendors_is_a_finding_with_what_to_do() {
    let sandbox = sandbox();
    let own = [&KONG[..], &["--only", "vendor-network", "-o", "json"]].concat();
    let document = ask(&sandbox, VNET_ID, &own, &[("KONNECT_TOKEN", "kpat_wrong")])
        .expect_code(4)
        .json();
    blocks(&document, "vendor-network", &["KonnectUnauthorized", "KONNECT_TOKEN"]);
}

// ------------------------------------------------------------------------------------------- what stands above

#[test]
fn a_lock_at_the_group_or_at_the_network_blocks_and_setup_stops_with_the_same_words() {
    let sandbox = troubles("");
    let locked = network("rg-locked", "vnet-locked");
    let document = kongs(&sandbox, &locked, &["--only", "locks"], 4);
    let said = [
        "ReadOnly lock change-freeze at /subscriptions/",
        "Until Monday.",
        "--resource-group rg-locked --name change-freeze",
    ];
    blocks(&document, "locks", &said);
    let frozen = vnet_id(SUBSCRIPTION, "rg-apps", "vnet-frozen");
    blocks(
        &kongs(&sandbox, &frozen, &["--only", "locks"], 4),
        "locks",
        &["--resource vnet-frozen"],
    );
    let kept = network("rg-network", "vnet-kept");
    warns(
        &kongs(&sandbox, &kept, &["--only", "locks"], 0),
        "locks",
        &["CanNotDelete lock keep"],
    );

    let told = setup_is_blocked(&sandbox, &locked, &KONG);
    let detail = check(&document, "locks")["detail"].as_str().expect("a text");
    assert!(told["why"].as_str().is_some_and(|why| why.contains(detail)), "{told:#}");
    assert_eq!(told["remedies"], check(&document, "locks")["remedies"]);
}

#[test]
fn pain_20_a_policy_that_denies_is_named_before_anything_is_written() {
    let sandbox = troubles("");
    let policed = network("rg-policed", "vnet-policed");
    let theirs = ("vnet-partner", PARTNER_TENANT);
    let document = partners(&sandbox, &policed, theirs, &["--only", "policy"], 4);
    let said = [
        "Deny-VNET-Peer-Cross-Sub",
        "alz-deny-peering",
        "rg-policed",
        "az policy exemption create",
    ];
    blocks(&document, "policy", &said);
    let (id, tenant) = (
        format!("remote-vnet-id={}", partner(theirs.0)),
        format!("remote-tenant-id={}", theirs.1),
    );
    let generic = ["--vendor", "generic", "--set", &id, "--set", &tenant];
    let told = setup_is_blocked(&sandbox, &policed, &generic);
    assert_eq!(told["remedies"], check(&document, "policy")["remedies"]);
    // Which network Kong peers with is not known yet: a policy may well let that one through.
    warns(
        &kongs(&sandbox, &policed, &["--only", "policy"], 0),
        "policy",
        &["alz-deny-peering"],
    );
    let document = kongs(&sandbox, VNET_ID, &["--only", "policy"], 0);
    assert_eq!(alone(&document, "policy").0, "error ok");
}

/// Setup stops before its first write; the error.
#[track_caller]
fn setup_is_blocked(sandbox: &Served, vnet: &str, more: &[&str]) -> Value {
    let own = ["azure", "setup", "--no-input", "--yes", "-o", "json", "--vnet-id", vnet];
    let ran = peerctl([&own, more].concat()).envs(sandbox.env()).run().expect_code(4);
    assert_eq!(sandbox.writes(), [""; 0]);
    ran.json()["error"].clone()
}

#[test]
fn a_provider_that_is_not_registered_blocks_with_the_command_that_registers_it() {
    let sandbox = troubles("");
    let vnet = vnet_id(troubles::UNREGISTERED, "rg-network", "vnet-unregistered");
    let said = [
        "Microsoft.Network is Unregistered",
        "az provider register --namespace Microsoft.Network",
    ];
    blocks(&kongs(&sandbox, &vnet, &["--only", "provider"], 4), "provider", &said);
}

/// The operator's service principal in the estate.
const OPERATOR: &str = "7e5d4c3b-2a19-4807-b6c5-d4e3f2a1b001";

/// A deny assignment on `rg-network` with this action, as an estate's part.
fn denial(action: &str, more: &str) -> String {
    format!(
        "[[denials]]\nname = \"managed by a stack\"\ntenant = \"{}\"\nscope = \"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-network\"\nactions = [\"{action}\"]\n{more}\n",
        kong::TENANT
    )
}

#[test]
fn deny_assignment_is_named_and_no_role_is_asked_for() {
    let sandbox = troubles(&denial("Microsoft.Authorization/roleAssignments/write", ""));
    let said = [
        "deny assignment \"managed by a stack\" at",
        "denies the signed-in identity",
    ];
    let document = kongs(&sandbox, VNET_ID, &["--only", "deny-assignments"], 4);
    blocks(&document, "deny-assignments", &said);
    let document = kongs(&sandbox, VNET_ID, &["--only", "may-assign-roles"], 0);
    warns(&document, "may-assign-roles", &said);
    let text = document.to_string();
    assert!(
        text.contains("A higher role doesn't help") && !text.contains("Next: an Owner"),
        "{document:#}"
    );
    let told = setup_is_blocked(&sandbox, VNET_ID, &KONG);
    assert!(
        told["why"]
            .as_str()
            .is_some_and(|why| why.contains("managed by a stack")),
        "{told:#}"
    );
}

#[test]
fn deny_assignment_of_the_vendors_writes_blocks_too() {
    let peerings = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/write";
    let sandbox = troubles(&denial(peerings, &format!("excluded = [\"{OPERATOR}\"]")));
    let document = kongs(&sandbox, VNET_ID, &["--only", "deny-assignments"], 4);
    blocks(&document, "deny-assignments", &[peerings]);
}

#[test]
fn deny_assignment_that_excludes_this_sign_in_is_no_problem() {
    let excluded = format!("excluded = [\"{OPERATOR}\"]");
    let sandbox = troubles(&denial("Microsoft.Authorization/roleAssignments/write", &excluded));
    let document = kongs(&sandbox, VNET_ID, &["--only", "deny-assignments"], 0);
    assert_eq!(check(&document, "deny-assignments")["verdict"], "ok", "{document:#}");
}

/// The reader's service principal in the estate.
const READER_PRINCIPAL: &str = "b1908f7e-6d5c-4b43-a9f8-07162534c336";

#[test]
fn eligible_role_is_to_be_activated() {
    let estate = format!(
        "[[eligibilities]]\nprincipal = \"{}\"\ntenant = \"{}\"\nrole = \"Owner\"\nscope = \"/subscriptions/{}\"\n",
        READER_PRINCIPAL,
        kong::TENANT,
        SUBSCRIPTION
    );
    let only = ["--only", "may-define-roles", "--only", "may-assign-roles", "-o", "json"];
    for (more, said) in [("", false), (estate.as_str(), true)] {
        let sandbox = troubles(more);
        let ran = ask(&sandbox, VNET_ID, &[&KONG[..], &only].concat(), &READER);
        let document = ran.expect_code(0).json();
        for id in ["may-define-roles", "may-assign-roles"] {
            let found = check(&document, id).to_string();
            assert_eq!(
                found.contains("You are eligible for \\\"Owner\\\" at"),
                said,
                "{id}: {document:#}"
            );
        }
    }
}

#[test]
fn condition_that_refuses_the_role_is_told() {
    let condition = "@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {acdd72a7-3385-48ef-bd42-f606fba81ae7}";
    let estate = format!(
        "[[assignments]]\nprincipal = \"{}\"\nrole = \"Owner\"\nscope = \"/subscriptions/{}\"\ncondition = \"{condition}\"\n",
        READER_PRINCIPAL, SUBSCRIPTION
    );
    let sandbox = troubles(&estate);
    let only = ["--only", "may-assign-roles", "-o", "json"];
    let ran = ask(&sandbox, VNET_ID, &[&KONG[..], &only].concat(), &READER);
    let document = ran.expect_code(0).json();
    warns(
        &document,
        "may-assign-roles",
        &["only under a condition, which doesn't allow the role for"],
    );
}

#[test]
fn role_of_a_management_group_counts() {
    let group = "/providers/Microsoft.Management/managementGroups/contoso";
    let estate = format!(
        "[[management_groups]]\nname = \"contoso\"\ntenant = \"{}\"\nsubscriptions = [\"{}\"]\n[[assignments]]\nprincipal = \"{}\"\nrole = \"Owner\"\nscope = \"{group}\"\n",
        kong::TENANT,
        SUBSCRIPTION,
        READER_PRINCIPAL
    );
    let sandbox = troubles(&estate);
    let only = ["--only", "may-define-roles", "--only", "may-assign-roles", "-o", "json"];
    let ran = ask(&sandbox, VNET_ID, &[&KONG[..], &only].concat(), &READER);
    let document = ran.expect_code(0).json();
    for id in ["may-define-roles", "may-assign-roles"] {
        assert_eq!(check(&document, id)["verdict"], "ok", "{document:#}");
    }
}

// ------------------------------------------------------------------------------------------- names and limits

#[test]
fn pain_4_a_role_of_the_name_with_other_actions_is_told() {
    let sandbox = sandbox();
    let more = [&ACTIONS[1..], &["Microsoft.Compute/virtualMachines/write"]].concat();
    let guid = "5d2b1c0a-7777-4e7a-9b1f-000000000001";
    Colleague::of(&sandbox).writes_role(SUBSCRIPTION, guid, ROLE, &more, &[SUBSCRIPTION]);
    let document = ask(
        &sandbox,
        VNET_ID,
        &[&KONG[..], &["--only", "role-name", "-o", "json"]].concat(),
        &[],
    );
    let document = document.expect_code(0).json();
    let said = [
        "isn't used: it also grants Microsoft.Compute/virtualMachines/write",
        "Setup creates \"Kong Cloud Gateway Peering Creator - peerctl 11d0b6a2\" instead",
    ];
    warns(&document, "role-name", &said);
}

#[test]
fn a_tenant_without_room_for_a_role_and_a_network_without_room_for_a_peering_block() {
    let sandbox = troubles(&(troubles::roles(5_000) + &troubles::peerings(500)));
    let said = ["5000 visible custom roles of at most 5000"];
    blocks(
        &kongs(&sandbox, VNET_ID, &["--only", "role-limit"], 4),
        "role-limit",
        &said,
    );
    let full = network("rg-network", "vnet-full");
    blocks(
        &kongs(&sandbox, &full, &["--only", "peering-limit"], 4),
        "peering-limit",
        &["vnet-full has 500 of at most 500"],
    );
    let told = setup_is_blocked(&sandbox, &full, &KONG);
    assert!(
        told["why"]
            .as_str()
            .is_some_and(|why| why.contains("500 of at most 500")),
        "{told:#}"
    );
}

#[test]
fn a_name_that_another_application_or_another_peering_has_is_told() {
    let sandbox = sandbox();
    Colleague::of(&sandbox).registers("peerctl: vnet-app and Aiven", "AzureADMyOrg");
    let aiven = [
        &["--vendor", "aiven"],
        AIVEN.inputs,
        &["--only", "app-name", "-o", "json"],
    ]
    .concat();
    let document = ask(&sandbox, VNET_ID, &aiven, &[]).expect_code(0).json();
    warns(&document, "app-name", &["--own-app APP-ID"]);
    let hub = vnet_id(kong::OTHER_SUBSCRIPTION, "rg-hub", "vnet-hub");
    let named = ["--only", "peering-name", "--peering-name", "hub-to-spoke"];
    let document = partners(&sandbox, &hub, ("vnet-partner", PARTNER_TENANT), &named, 4);
    blocks(
        &document,
        "peering-name",
        &["vnet-hub already has a peering hub-to-spoke"],
    );
}

// ------------------------------------------------------------------------------------------- leftovers

#[test]
fn pain_11_what_is_left_of_a_peering_is_told_with_the_command_that_deletes_it() {
    let sandbox = troubles("");
    let left = network("rg-network", "vnet-left");
    let said = ["to-old-spoke is Disconnected", "az network vnet peering delete"];
    warns(
        &kongs(&sandbox, &left, &["--only", "stale-peering"], 0),
        "stale-peering",
        &said,
    );
    kong::setup(&sandbox, &[]).run().expect_code(0);
    let state = sandbox.state();
    let vnets = state["virtualNetworks"].as_array().expect("networks");
    let theirs = vnets.iter().find(|vnet| {
        vnet["id"]
            .as_str()
            .is_some_and(|id| id.ends_with("/vnet-eastus2-network"))
    });
    let theirs = theirs.expect("Kong's network");
    let word = |value: &Value| value.as_str().expect("a text").to_owned();
    let (id, name) = (word(&theirs["id"]), word(&theirs["peerings"][0]["name"]));
    edit(
        &sandbox,
        json!({ "remove": format!("{id}/virtualNetworkPeerings/{name}") }),
    );
    let document = ask(
        &sandbox,
        VNET_ID,
        &[&KONG[..], &["--only", "stale-peering", "-o", "json"]].concat(),
        &[],
    );
    blocks(
        &document.expect_code(4).json(),
        "stale-peering",
        &["Kong's peering was deleted"],
    );
}

#[test]
fn pain_16_a_credential_that_a_killed_run_left_behind_is_told() {
    let sandbox = sandbox();
    AIVEN.done(&sandbox, &[]);
    let colleague = Colleague::of(&sandbox);
    let object = colleague.object_id(&own_apps(&sandbox)[0]["uniqueName"]);
    colleague.leaves_credential(&object, 10);
    warns(&aivens_credentials(&sandbox, 0), "credentials", &["a run may be using"]);
    colleague.leaves_credential(&object, 90);
    warns(
        &aivens_credentials(&sandbox, 0),
        "credentials",
        &["a credential created by setup", "az ad app credential delete"],
    );
}

#[test]
fn an_application_that_others_can_use_is_told() {
    let sandbox = sandbox();
    AIVEN.done(&sandbox, &[]);
    let colleague = Colleague::of(&sandbox);
    let object = colleague.object_id(&own_apps(&sandbox)[0]["uniqueName"]);
    colleague.adds_secret(&object, "theirs");
    // Where all is in place, setup has nothing to write and nothing can be in its way.
    warns(
        &aivens_credentials(&sandbox, 0),
        "credentials",
        &["wasn't created by this run", "secret \"theirs\"", "--own-app"],
    );
}

#[track_caller]
fn aivens_credentials(sandbox: &Served, code: i32) -> Value {
    let aiven = [
        &["--vendor", "aiven"],
        AIVEN.inputs,
        &["--only", "credentials", "-o", "json"],
    ]
    .concat();
    ask(sandbox, VNET_ID, &aiven, &[]).expect_code(code).json()
}

#[test]
fn a_policy_against_secrets_and_certificates_blocks_before_the_vendor_is_asked() {
    let policy = "[app_policy]\nforbids_secrets = true\ntrusted_certificates = true\n";
    let sandbox = troubles(policy);
    let before = sandbox.writes();
    let document = AIVEN.run(&sandbox, &[], 4);
    let told = document.to_string();
    for part in [
        "Default app management tenant policy",
        "Global Administrator",
        "PEERCTL_OWN_APP_CERTIFICATE_PATH",
    ] {
        assert!(told.contains(part), "{part} in {document:#}");
    }
    assert_eq!(sandbox.writes(), before);
}

#[test]
fn pain_23_an_assignment_to_a_deleted_principal_is_told() {
    let sandbox = sandbox();
    kong::setup(&sandbox, &[]).run().expect_code(0);
    let principal = Colleague::of(&sandbox).principal();
    edit(&sandbox, json!({ "remove": principal }));
    let document = ask(
        &sandbox,
        VNET_ID,
        &[&KONG[..], &["--only", "orphans", "-o", "json"]].concat(),
        &[],
    );
    warns(
        &document.expect_code(0).json(),
        "orphans",
        &[&principal, "az role assignment delete --ids"],
    );
}

// ------------------------------------------------------------------------------------------- traffic

#[test]
fn connected_but_no_traffic_a_rule_or_a_route_that_takes_it_is_named() {
    let sandbox = troubles("");
    warns(
        &kongs(&sandbox, VNET_ID, &["--only", "nsg-rules"], 0),
        "nsg-rules",
        &["rule DenyTheRest of nsg-api"],
    );
    let routed = network("rg-network", "vnet-routed");
    let said = ["route to-kong of rt-firewall sends 10.0.0.0/16 from subnet snet-app to VirtualAppliance 10.83.0.4"];
    warns(&kongs(&sandbox, &routed, &["--only", "routes"], 0), "routes", &said);
    let document = kongs(&sandbox, VNET_ID, &["--only", "dns-hint"], 0);
    assert!(alone(&document, "dns-hint").1.contains("DNS mappings"), "{document:#}");
}

/// A network interface in `default` of `vnet-app` in westeurope, with this group in front of it, and a group of that
/// direction's rules.
fn interface(name: &str, group: &str, rules: &str) -> String {
    let of_group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-network-eu/providers/Microsoft.Network");
    format!(
        "[[security_groups]]\nid = \"{of_group}/networkSecurityGroups/{group}\"\nlocation = \"westeurope\"\nrules = [{rules}]\n\
         [[interfaces]]\nid = \"{of_group}/networkInterfaces/{name}\"\nsubnet = \"{of_group}/virtualNetworks/vnet-app/subnets/default\"\n\
         address = \"10.40.0.4\"\nnsg = \"{of_group}/networkSecurityGroups/{group}\"\n"
    )
}

#[test]
fn network_interface_behind_a_group_that_blocks_is_named() {
    let vnet = support::troubles::vnet_id(SUBSCRIPTION, "rg-network-eu", "vnet-app");
    let deny = r#"{ name = "DenyAll", priority = 200, direction = "Inbound", access = "Deny", source = "*", ports = "0-65535" }"#;
    let allow =
        r#"{ name = "Https", priority = 100, direction = "Inbound", access = "Allow", source = "*", ports = "443" }"#;
    let only = ["--only", "nsg-rules"];
    let sandbox = troubles(&interface("nic-web", "nsg-nic", deny));
    let said = "rule DenyAll of nsg-nic (priority 200) blocks all its traffic at network interface nic-web";
    warns(&kongs(&sandbox, &vnet, &only, 0), "nsg-rules", &[said]);
    let sandbox = troubles(&interface("nic-web", "nsg-nic", &format!("{allow}, {deny}")));
    let document = kongs(&sandbox, &vnet, &only, 0);
    let (verdict, told) = alone(&document, "nsg-rules");
    assert_eq!(verdict, "warning ok", "{document:#}");
    for part in [
        "allows only TCP 443",
        "not checked: admin rules of Azure Virtual Network Manager",
    ] {
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn dns_servers_are_checked_for_reach_and_port_53() {
    let sandbox = Served::start(["--lag", "none"]);
    let checked = |vnet: &str, servers: &str| {
        let dns = format!("dns=svc.contoso.internal={servers}");
        kongs(&sandbox, vnet, &["--only", "dns-servers", "--set", &dns], 0)
    };
    let fine = checked(VNET_ID, "10.20.3.4");
    assert_eq!(check(&fine, "dns-servers")["verdict"], "ok", "{fine:#}");
    let said = [
        "Kong can't reach DNS server 10.99.0.4 through this peering: it is outside vnet-app",
        "Use an inbound endpoint of vnet-app: 10.20.3.4 (inbound of dnspr-app, subnet snet-private)",
    ];
    warns(&checked(VNET_ID, "10.99.0.4"), "dns-servers", &said);
    let said = [
        "blocks UDP 53, rule DenyTheRest of nsg-api (priority 4000) blocks TCP 53 from Kong to DNS server 10.20.2.4",
        "az network nsg rule create ",
    ];
    warns(&checked(VNET_ID, "10.20.2.4"), "dns-servers", &said);
    // A network without endpoints, whose own servers are in another one.
    let data = VNET_ID.replace("vnet-app", "vnet-data");
    let said = [
        "10.30.0.4 through this peering: it isn't in a subnet of vnet-data",
        "az dns-resolver inbound-endpoint create ",
        "--delegations Microsoft.Network/dnsResolvers",
    ];
    warns(&checked(&data, "10.30.0.4"), "dns-servers", &said);
    let only = [&KONG[..], &["--only", "dns-servers"]].concat();
    let text = ask(&sandbox, &data, &only, &[]).expect_code(0).stdout;
    assert!(text.contains("    az dns-resolver create --subscription "), "{text}");
}

// ------------------------------------------------------------------------------------------- setup

#[test]
fn a_link_that_works_is_left_alone_whatever_lock_or_policy_came_since() {
    let policy = format!(
        "[[policies]]\nname = \"late\"\nscope = \"{VNET_ID}\"\ndefinition = \"Deny-All\"\nwith = \"00000000-0000-0000-0000-000000000000\"\n"
    );
    let sandbox = troubles(&policy);
    kong::setup(&sandbox, &[]).run().expect_code(0);
    let again = kong::setup(&sandbox, &["-o", "json"]).run().expect_code(0).json();
    assert_eq!(again["outcome"], "unchanged", "{again:#}");
    assert_eq!(again["stats"]["writes"], 0);
    warns(
        &kongs(&sandbox, VNET_ID, &["--only", "policy"], 0),
        "policy",
        &["Deny-All"],
    );
}

#[test]
fn the_sandbox_refuses_what_the_doctor_warns_of() {
    let sandbox = troubles("");
    let policed = network("rg-policed", "vnet-policed");
    let own = ["azure", "setup", "--no-input", "--yes", "--vnet-id", &policed];
    let ran = peerctl([&own[..], &KONG].concat())
        .envs(sandbox.env())
        .run()
        .expect_code(1);
    assert!(words(&ran.stderr).contains("RequestDisallowedByPolicy"), "{ran}");
}

#[test]
fn subscription_that_takes_no_writes_blocks_setup_and_not_teardown() {
    let sandbox = sandbox();
    let only = ["--only", "subscription"];
    for (state, code) in [
        ("Enabled", 0),
        ("PastDue", 0),
        ("Warned", 4),
        ("Deleted", 4),
        ("Disabled", 4),
    ] {
        edit(&sandbox, json!({"subscription": {"id": SUBSCRIPTION, "state": state}}));
        let document = kongs(&sandbox, VNET_ID, &only, code);
        let (_, told) = alone(&document, "subscription");
        assert!(told.contains(&format!("is {state}")), "{document:#}");
    }
    let blocked = kong::setup(&sandbox, &["-o", "json"]).run().expect_code(4).json();
    assert_eq!(check(&blocked, "subscription")["verdict"], "problem");
    assert_eq!(sandbox.writes(), Vec::<String>::new());

    edit(
        &sandbox,
        json!({"subscription": {"id": SUBSCRIPTION, "state": "Enabled"}}),
    );
    kong::setup(&sandbox, &[]).run().expect_code(0);
    edit(
        &sandbox,
        json!({"subscription": {"id": SUBSCRIPTION, "state": "Disabled"}}),
    );
    let flags = ["azure", "teardown", "--no-input", "--yes"];
    peerctl(flags.iter().chain(&kong::INPUTS))
        .envs(sandbox.env())
        .run()
        .expect_code(0);
}

#[test]
fn remote_network_that_is_absent_or_failed_blocks_before_the_first_write() {
    let failed = format!(
        "[[vnets]]\nid = \"{}\"\nlocation = \"eastus2\"\nprefixes = [\"10.97.0.0/16\"]\nfailed = true\n",
        partner("vnet-failed")
    );
    let hidden = partners(
        &troubles(""),
        VNET_ID,
        ("vnet-nope", PARTNER_TENANT),
        &["--only", "remote-network"],
        0,
    );
    warns(
        &hidden,
        "remote-network",
        &[
            "vnet-nope doesn't exist in rg-partner",
            "or you don't have permission to read it",
        ],
    );
    // Who may read the whole group is told by Azure that there is none.
    let reader = "[[assignments]]\nprincipal = \"e4c3b2a1-9180-4e76-92cb-3a4958672558\"\nrole = \"Reader\"\n\
                  scope = \"/subscriptions/77c61208-ca0c-4f61-a384-90b5c62f7467/resourceGroups/rg-partner\"\n\
                  [[assignments]]\nprincipal = \"e4c3b2a1-9180-4e76-92cb-3a4958672558\"\nrole = \"Network Contributor\"\n";
    let failed_too = format!("scope = \"{}\"\n", partner("vnet-failed"));
    let sandbox = troubles(&[&failed, reader, &failed_too].concat());
    let table = [
        ("vnet-nope", "vnet-nope doesn't exist in rg-partner"),
        ("vnet-failed", "az network vnet update --ids"),
    ];
    for (theirs, says) in table {
        let document = partners(
            &sandbox,
            VNET_ID,
            (theirs, PARTNER_TENANT),
            &["--only", "remote-network"],
            4,
        );
        blocks(&document, "remote-network", &[says]);
        let (id, tenant) = (
            format!("remote-vnet-id={}", partner(theirs)),
            format!("remote-tenant-id={PARTNER_TENANT}"),
        );
        let own = [
            "azure",
            "setup",
            "--no-input",
            "--yes",
            "--vendor",
            "generic",
            "--vnet-id",
            VNET_ID,
        ];
        let flags = [&own[..], &["--set", &id, "--set", &tenant]].concat();
        let ran = peerctl(flags).envs(sandbox.env()).run().expect_code(4);
        assert!(ran.stderr.contains(says), "{ran}");
        assert_eq!(sandbox.writes(), Vec::<String>::new());
    }
}
