//! Two tenants of one's own, or a partner's: both directions where this sign-in may write both, else ours and a packet
//! for the other side's operator.

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::both_sides::{
    PARTNER_TENANT, assert_in_place, assert_no_credential, changes, partner, peerings, said, step, with_inputs, words,
};
use support::cli::{Ran, peerctl};
use support::colleague::Colleague;
use support::kong::{LIMITED, TENANT};
use support::served::{Body, Served};

const PARTNER_PREFIX: &str = "10.150.0.0/16";
const OURS: &str = "10.20.0.0/16";

fn sandbox() -> Served {
    Served::start(["--lag", "none"])
}

/// A run with one of Fabrikam's networks.
fn with(sandbox: &Served, vnet: &str, more: &[&str]) -> Ran {
    in_tenant(sandbox, vnet, PARTNER_TENANT, more)
}

fn in_tenant(sandbox: &Served, vnet: &str, tenant: &str, more: &[&str]) -> Ran {
    let (id, tenant) = (
        format!("remote-vnet-id={}", partner(vnet)),
        format!("remote-tenant-id={tenant}"),
    );
    let flags = [&["--set", &id, "--set", &tenant], more].concat();
    peerctl(with_inputs("generic", &flags)).envs(sandbox.env()).run()
}

#[test]
fn another_tenant_aliases_generic() {
    let sandbox = Served::start(["--lag", "none"]);
    let first = document(&sandbox, "vnet-partner", 0);
    let (id, tenant) = (
        format!("remote-vnet-id={}", partner("vnet-partner")),
        format!("remote-tenant-id={PARTNER_TENANT}"),
    );
    let flags = ["--set", &id, "--set", &tenant, "-o", "json"];
    let again = peerctl(with_inputs("Another-Tenant", &flags))
        .envs(sandbox.env())
        .run()
        .expect_code(0)
        .json();
    assert_eq!(
        (&again["outcome"], &again["vendor"]),
        (&"unchanged".into(), &first["vendor"])
    );
    assert_eq!(again["vendor"], "generic");
}

#[track_caller]
fn document(sandbox: &Served, vnet: &str, code: i32) -> Value {
    with(sandbox, vnet, &["-o", "json"]).expect_code(code).json()
}

#[track_caller]
fn unchanged(sandbox: &Served, vnet: &str) {
    let writes = sandbox.writes().len();
    let again = document(sandbox, vnet, 0);
    assert_eq!(again["outcome"], "unchanged", "{again:#}");
    assert_in_place(&again);
    assert_eq!(sandbox.writes().len(), writes, "{:?}", sandbox.writes());
}

#[track_caller]
fn both_directions(lag: &str) {
    let sandbox = Served::start(["--lag", lag]);
    let first = document(&sandbox, "vnet-partner", 0);
    assert_eq!(first["outcome"], "done");
    assert_in_place(&first);
    let ids: Vec<&Value> = first["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .map(|step| &step["id"])
        .collect();
    assert_eq!(ids, ["peering", "verification"], "no application, no role, no vendor");
    let made = ["created virtualNetworkPeering", "created virtualNetworkPeering"];
    assert_eq!(changes(&first, "peering"), made);
    let state = sandbox.state();
    for (vnet, prefix, name) in [
        ("vnet-app", OURS, "vnet-app-to-vnet-partner"),
        ("vnet-partner", PARTNER_PREFIX, "vnet-partner-to-vnet-app"),
    ] {
        let found = peerings(&state, vnet, prefix);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(
            (&found[0]["name"], &found[0]["state"]),
            (&json!(name), &json!("Connected"))
        );
        assert_eq!(found[0]["allowVirtualNetworkAccess"], true);
    }
    unchanged(&sandbox, "vnet-partner");
}

#[test]
fn setup_writes_both_directions_once() {
    both_directions("none");
}

#[test]
fn setup_waits_for_lag_both_directions() {
    both_directions("typical");
}

#[test]
fn setup_second_partner_gets_own_peering() {
    let sandbox = sandbox();
    document(&sandbox, "vnet-partner", 0);
    let second = document(&sandbox, "vnet-guarded", 3);
    assert_eq!(changes(&second, "peering"), ["created virtualNetworkPeering"]);
    assert_eq!(peerings(&sandbox.state(), "vnet-app", OURS).len(), 2);
    unchanged(&sandbox, "vnet-partner");
}

/// Fabrikam's own operator, known in both tenants.
const FABRIKAM: [(&str, &str); 4] = [
    ("AZURE_TENANT_ID", PARTNER_TENANT),
    ("AZURE_CLIENT_ID", "f8261729-a4b5-4c63-97e8-19a0b1c2d456"),
    ("AZURE_CLIENT_SECRET", "sandbox~fabrikam~secret"),
    ("AZURE_SUBSCRIPTION_ID", ""),
];

#[test]
fn setup_local_only_prints_remote_instructions() {
    let sandbox = sandbox();
    let ours = ["--vnet", "vnet-data", "-o", "json"];
    let first = with(&sandbox, "vnet-guarded", &ours).expect_code(3).json();
    assert_eq!(first["outcome"], "waiting");
    assert_eq!(changes(&first, "peering"), ["created virtualNetworkPeering"]);
    let hold = &step(&first, "peering")["actionRequired"];
    let packet: Vec<&str> = hold["instructions"]
        .as_array()
        .expect("a packet")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert!(
        hold["who"].as_str().is_some_and(|who| who.contains(PARTNER_TENANT)),
        "{hold:#}"
    );
    assert!(
        hold["response"]
            .as_str()
            .is_some_and(|answer| answer.contains("AuthorizationFailed")),
        "{hold:#}"
    );
    let az = packet
        .iter()
        .find(|line| line.starts_with("az network vnet peering create"));
    let az = az.expect("a command of az's");
    assert!(
        az.contains("--vnet-name vnet-guarded --name vnet-guarded-to-vnet-data"),
        "{az}"
    );
    assert!(az.ends_with("virtualNetworks/vnet-data --allow-vnet-access"), "{az}");
    let state = || peerings(&sandbox.state(), "vnet-data", "10.30.0.0/16")[0]["state"].clone();
    assert_eq!(state(), "Initiated");

    // The same again: our direction is there, and only the other one is missing.
    let again = with(&sandbox, "vnet-guarded", &ours).expect_code(3).json();
    assert_eq!(changes(&again, "peering"), [""; 0]);

    // The other side's operator runs the command of the packet as it stands.
    let line = packet
        .iter()
        .find_map(|line| line.strip_prefix("peerctl azure setup"))
        .expect("a command of ours");
    let words = ["azure", "setup"].into_iter().chain(line.split_whitespace());
    let theirs = peerctl(words.chain(["--no-input", "--yes", "-o", "json"]))
        .envs(sandbox.env())
        .envs(FABRIKAM)
        .run()
        .expect_code(0)
        .json();
    assert_eq!(theirs["outcome"], "done");
    assert_eq!(changes(&theirs, "peering"), ["created virtualNetworkPeering"]);
    assert_in_place(&theirs);
    assert_eq!(state(), "Connected");
    let last = with(&sandbox, "vnet-guarded", &ours).expect_code(0).json();
    assert_eq!(last["outcome"], "unchanged", "{last:#}");
    assert_in_place(&last);
}

#[test]
fn setup_without_permissions_writes_nothing() {
    let sandbox = sandbox();
    let begun = std::time::Instant::now();
    let ran = with(&sandbox, "vnet-closed", &["-o", "json"]).expect_code(1);
    assert!(
        begun.elapsed().as_secs() < 20,
        "a right that is missing is not waited for"
    );
    let document = ran.json();
    assert_eq!(document["error"]["code"], "LinkedAuthorizationFailed");
    assert_eq!(document["error"]["kind"], "permission");
    let remedy = format!(
        "Microsoft.Network/virtualNetworks/peer/action on {}",
        partner("vnet-closed")
    );
    assert!(
        document["error"]["remedies"][0]
            .as_str()
            .is_some_and(|text| text.contains(&remedy)),
        "{document:#}"
    );
    assert_eq!(peerings(&sandbox.state(), "vnet-app", OURS), Vec::<Value>::new());
    assert!(
        sandbox.writes().iter().all(|write| write.ends_with(" 403")),
        "{:?}",
        sandbox.writes()
    );
}

#[test]
fn setup_overlap_refused_before_writes() {
    let sandbox = sandbox();
    let ran = with(&sandbox, "vnet-overlap", &[]).expect_code(4);
    assert!(
        said(&ran).contains("vnet-overlap (10.20.128.0/17) overlaps with vnet-app (10.20.0.0/16)"),
        "{ran}"
    );
    assert_eq!(sandbox.writes(), [""; 0]);
}

#[test]
fn setup_wrong_tenant_names_right_one() {
    const NOBODYS: &str = "8e6d4f20-5a3b-4c17-9d28-7b1a0c9e5f99";
    let sandbox = sandbox();
    for wrong in [NOBODYS, TENANT] {
        let ran = in_tenant(&sandbox, "vnet-partner", wrong, &[]).expect_code(4);
        let said = said(&ran);
        assert!(
            said.contains(&format!("vnet-partner is in tenant {PARTNER_TENANT}, not in {wrong}")),
            "{ran}"
        );
        assert!(
            said.contains(&format!("--set remote-tenant-id={PARTNER_TENANT}")),
            "{ran}"
        );
    }
    assert_eq!(sandbox.writes(), [""; 0]);
}

#[test]
fn setup_unknown_guest_is_reported() {
    let sandbox = sandbox();
    let (id, tenant) = (
        format!("remote-vnet-id={}", partner("vnet-partner")),
        format!("remote-tenant-id={PARTNER_TENANT}"),
    );
    let flags = ["--set", &id, "--set", &tenant];
    let ran = peerctl(with_inputs("generic", &flags))
        .envs(sandbox.env())
        .envs(LIMITED)
        .run()
        .expect_code(4);
    let (client, said) = (LIMITED[0].1, said(&ran));
    for part in [
        &format!("Somebody who may do so in tenant {PARTNER_TENANT}: az ad sp create --id {client}"),
        &format!("--sign-in-audience AzureADMultipleOrgs --id {client}"),
        "--own-app APP-ID",
    ] {
        assert!(said.contains(part), "{part}\n{ran}");
    }
    assert!(!said.contains("az login"), "an application has no use for it\n{ran}");
    assert_eq!(sandbox.writes(), [""; 0]);
}

#[test]
fn setup_unknown_application_requests_consent() {
    let sandbox = sandbox();
    let (app, _) = Colleague::of(&sandbox).registers("team-peering", "AzureADMultipleOrgs");
    let ran = with(&sandbox, "vnet-partner", &["--own-app", &app, "-o", "json"]).expect_code(1);
    let document = ran.json();
    assert_eq!(document["error"]["code"], "AADSTS7000229", "{document:#}");
    let remedies = document["error"]["remedies"].to_string();
    assert!(remedies.contains(&format!("az ad sp create --id {app}")), "{remedies}");
    assert_no_credential(&sandbox);
}

#[test]
fn setup_rewrites_disconnected_peering_half() {
    let sandbox = sandbox();
    document(&sandbox, "vnet-partner", 0);
    let body =
        json!({"remove": format!("{}/virtualNetworkPeerings/vnet-partner-to-vnet-app", partner("vnet-partner"))});
    let (status, answer) = sandbox.send(Method::POST, "/_sandbox/edit", None, Body::Json(body));
    assert!((200..300).contains(&status), "{answer}");
    assert_eq!(peerings(&sandbox.state(), "vnet-app", OURS)[0]["state"], "Disconnected");
    let ran = with(&sandbox, "vnet-partner", &[]).expect_code(0);
    assert!(words(&ran.stderr).contains("it is Disconnected"), "{ran}");
    assert!(
        words(&ran.stdout).contains("peering updated virtualNetworkPeering"),
        "{ran}"
    );
    assert!(
        !sandbox.writes().iter().any(|write| write.starts_with("DELETE")),
        "{ran}"
    );
    unchanged(&sandbox, "vnet-partner");
}

/// Ours and theirs, as the dump has them.
#[track_caller]
fn both(sandbox: &Served, vnet: &str, prefix: &str) -> [Value; 2] {
    let state = sandbox.state();
    let one = |vnet, prefix| peerings(&state, vnet, prefix).pop().unwrap_or_default();
    [one("vnet-app", OURS), one(vnet, prefix)]
}

#[test]
fn setup_uses_permitted_remote_gateways() {
    let sandbox = sandbox();
    let flags = ["--use-remote-gateways", "-o", "json"];
    let first = with(&sandbox, "vnet-partner", &flags).expect_code(0).json();
    assert_in_place(&first);
    let [ours, theirs] = both(&sandbox, "vnet-partner", PARTNER_PREFIX);
    assert_eq!(
        [&ours["useRemoteGateways"], &theirs["allowGatewayTransit"]],
        [&json!(true); 2]
    );
    assert_eq!(
        [&ours["allowGatewayTransit"], &theirs["useRemoteGateways"]],
        [&json!(false); 2]
    );
    assert!(
        sandbox.writes().iter().all(|write| !write.ends_with(" 400")),
        "{:?}",
        sandbox.writes()
    );
    let again = with(&sandbox, "vnet-partner", &flags).expect_code(0).json();
    assert_eq!(again["outcome"], "unchanged", "{again:#}");

    // Both are there without it, and get it; and what one has stays when the other side's half is lost.
    for lost in [false, true] {
        let sandbox = self::sandbox();
        document(&sandbox, "vnet-partner", 0);
        let more: &[&str] = if lost { &flags[1..] } else { &flags };
        if lost {
            with(&sandbox, "vnet-partner", &flags).expect_code(0);
            let id = format!(
                "{}/virtualNetworkPeerings/vnet-partner-to-vnet-app",
                partner("vnet-partner")
            );
            sandbox.send(Method::POST, "/_sandbox/edit", None, Body::Json(json!({"remove": id})));
        }
        let document = with(&sandbox, "vnet-partner", more).expect_code(0).json();
        assert_in_place(&document);
        let [ours, theirs] = both(&sandbox, "vnet-partner", PARTNER_PREFIX);
        let flags = [&ours["useRemoteGateways"], &theirs["allowGatewayTransit"]];
        assert_eq!(flags, [&json!(true); 2], "{lost}");
    }
}

#[test]
fn setup_names_side_allowing_gateway_transit() {
    let sandbox = sandbox();
    let flags = ["--use-remote-gateways", "-o", "json"];
    let first = with(&sandbox, "vnet-guarded", &flags).expect_code(3).json();
    let hold = &step(&first, "peering")["actionRequired"];
    assert!(hold["reason"].to_string().contains("gateway transit"), "{first:#}");
    assert!(
        hold["instructions"].to_string().contains("--allow-gateway-transit"),
        "{first:#}"
    );
    assert!(hold["who"].to_string().contains(PARTNER_TENANT), "{first:#}");
    assert_eq!(peerings(&sandbox.state(), "vnet-app", OURS), Vec::<Value>::new());

    // One that uses other gateways is told before anything is written.
    with(&sandbox, "vnet-partner", &flags).expect_code(0);
    let writes = sandbox.writes();
    let second = with(&sandbox, "vnet-guarded", &flags).expect_code(3).json();
    let hold = &step(&second, "peering")["actionRequired"];
    let why = "uses the gateways of peering vnet-app-to-vnet-partner already";
    assert!(hold["reason"].to_string().contains(why), "{second:#}");
    assert_eq!(sandbox.writes(), writes);
}

#[test]
fn setup_lists_all_missing_inputs() {
    let sandbox = sandbox();
    let ran = peerctl(with_inputs("generic", &[]))
        .envs(sandbox.env())
        .run()
        .expect_code(2);
    for part in ["--set remote-vnet-id=…", "--set remote-tenant-id=…"] {
        assert!(said(&ran).contains(part), "{part}\n{ran}");
    }
    let flags = ["--set", "remote-vnet-id=vnet-partner", "--set", "remote-tenant-id=x"];
    let ran = peerctl(with_inputs("generic", &flags))
        .envs(sandbox.env())
        .run()
        .expect_code(2);
    assert!(said(&ran).contains("--set remote-tenant-id cannot be used"), "{ran}");
}
