//! `--dry-run` prints an az script: offline, quoted, without a secret, and one that does what setup does.
#![cfg(unix)]

mod support;

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use support::az::Az;
use support::cli::{Run, peerctl, program};
use support::colleague::Colleague;
use support::dry_runs::{OWN_APP, among_secrets, offline, runs};
use support::kong::{ACTIONS, APP_ID, OTHER_SUBSCRIPTION, ROLE, ROLE_TOO, SUBSCRIPTION, TENANT, VNET_ID, setup};
use support::served::{Body, Served};
use support::stand_ins::{Played, REMOTE, play};

const FABRIKAM: &str = "8e6d4f20-5a3b-4c17-9d28-7b1a0c9e5f43";
const AIVEN_VPC: &str = "7a61c0de-3b52-4c1f-9d84-e0f1a2b3c401";

const KONG: [&str; 4] = ["--vendor-access", "api", "--set", "network=n"];

#[test]
fn every_vendors_script_is_printed_without_a_network_or_a_sign_in() {
    for (vendor, more) in runs() {
        let ran = offline(vendor, VNET_ID, &more).run().expect_code(0);
        assert!(ran.stdout.starts_with("#!/usr/bin/env bash\n"), "{ran}");
        assert_eq!(ran.stderr, "", "{ran}");
        assert!(ran.stdout.contains(TENANT) && ran.stdout.contains(VNET_ID), "{ran}");
        assert!(
            !ran.stdout.contains("{own-app}") && !ran.stdout.contains("ffffffff-ffff"),
            "{ran}"
        );
        // The same words give the same script.
        assert_eq!(offline(vendor, VNET_ID, &more).run().stdout, ran.stdout);
    }
}

#[test]
fn bash_and_shellcheck_accept_every_script() {
    let checker = Command::new("shellcheck")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    if checker.is_err() {
        eprintln!("skipped, because there is no shellcheck: what it says of the scripts");
    }
    for (vendor, more) in runs() {
        let script = offline(vendor, VNET_ID, &more).run().expect_code(0).stdout;
        program("bash", ["-n"]).stdin(script.as_str()).run().expect_code(0);
        if checker.is_ok() {
            program("shellcheck", ["-"]).stdin(script).run().expect_code(0);
        }
    }
}

#[test]
fn a_name_is_looked_up_and_nothing_is_written() {
    let sandbox = Served::start(["--lag", "none"]);
    let ran = setup(&sandbox, &["--dry-run", "--subscription", "Contoso Production"])
        .run()
        .expect_code(0);
    assert!(ran.stdout.contains(VNET_ID), "{ran}");
    assert_eq!(sandbox.writes(), Vec::<String>::new());
}

#[test]
fn what_is_missing_or_malformed_is_said_as_in_any_run() {
    let ran = offline("kong", VNET_ID, &KONG[..2]).run().expect_code(2);
    assert!(ran.stderr.contains("--set network="), "{ran}");
    // The script reads the token where it runs, and nothing is confirmed.
    assert!(
        !ran.stderr.contains("KONNECT_TOKEN") && !ran.stderr.contains("--yes"),
        "{ran}"
    );
    assert_eq!(ran.stdout, "", "{ran}");
    let late = [&KONG[..], &["--timeout", "soon"]].concat();
    assert_eq!(offline("kong", VNET_ID, &late).run().expect_code(2).stdout, "");
}

#[test]
fn no_secret_is_in_a_script() {
    among_secrets("az");
}

// -------------------------------------------------------------------------------------------------- among stand-ins

#[test]
fn every_script_ends_connected_and_shows_no_secret_to_other_processes() {
    for (vendor, more) in runs() {
        let script = offline(vendor, VNET_ID, &more).run().expect_code(0).stdout;
        let own_app = script.contains("addPassword");
        // By hand, with nothing at the vendor yet: the ids are missing, or nobody peers.
        let incomplete =
            script.contains("TO_TENANT_ID") || script.contains("vendors_peering") && !script.contains("konnect");
        if incomplete {
            continue;
        }
        let Played { ran, noted } = play(&script, VNET_ID, "n", false);
        let ran = ran.expect_code(0);
        assert!(ran.stdout.contains("Connected: p-1\n"), "{vendor} {more:?}\n{ran}");
        let removed = noted.matches("{\"keyId\": \"k-1\"}").count();
        assert_eq!(removed, usize::from(own_app), "{vendor}\n{noted}");
        assert!(
            !noted.contains("k-other"),
            "the credential of another run stays: {noted}"
        );
    }
}

#[test]
fn a_script_that_fails_leaves_no_credential_either() {
    let more = ["--vendor-access", "api", "--set", "project=demo", "--set", "vpc=n"];
    let script = offline("aiven", VNET_ID, &more).run().expect_code(0).stdout;
    let Played { ran, noted } = play(&script, VNET_ID, "n", true);
    let ran = ran.expect_code(1);
    assert!(ran.stderr.contains("VnetAddressSpacesOverlap: They overlap."), "{ran}");
    assert!(
        noted.contains("addPassword") && noted.contains("{\"keyId\": \"k-1\"}"),
        "{noted}"
    );
}

#[test]
fn of_two_networks_of_one_name_none_is_guessed() {
    let script = offline("kong", VNET_ID, &["--vendor-access", "api", "--set", "network=twice"]);
    let ran = play(&script.run().expect_code(0).stdout, VNET_ID, "n", false).ran;
    let ran = ran.expect_code(1);
    assert!(ran.stderr.contains("by its id: n-2, n-3"), "{ran}");
}

#[test]
fn the_ids_that_a_vendor_answers_can_be_given_later() {
    let script = offline("aiven", VNET_ID, &["--vendor-access", "manual"])
        .run()
        .expect_code(0)
        .stdout;
    let ran = play(&script, VNET_ID, "n", false).ran.expect_code(3);
    assert!(ran.stdout.contains("  Application object ID: a-1\n"), "{ran}");
    assert!(ran.stderr.contains("TO_TENANT_ID and TO_NETWORK_ID"), "{ran}");
    let known = format!("export TO_TENANT_ID={FABRIKAM} TO_NETWORK_ID={REMOTE}\n{script}");
    play(&known, VNET_ID, "n", false).ran.expect_code(0);
}

#[test]
fn dragonfly_network_in_another_tenant_is_looked_for_there() {
    let more = ["--vendor-access", "api", "--set", "network=n"];
    let other = format!("remote-tenant-id={FABRIKAM}");
    let printed = |more: &[&str]| offline("dragonfly", VNET_ID, more).run().expect_code(0).stdout;
    let (fixed, given) = (printed(&more), printed(&[&more[..], &["--set", &other]].concat()));
    assert!(
        fixed.contains("remote_tenant_id='3f7cbd78-1650-4b7d-b28f-8ee05eac10a4'\n"),
        "{fixed}"
    );
    assert!(given.contains(&format!("remote_tenant_id='{FABRIKAM}'\n")), "{given}");
    let wrong = [&more[..], &["--set", "remote-tenant-id=fabrikam"]].concat();
    let ran = offline("dragonfly", VNET_ID, &wrong).run().expect_code(2);
    assert!(ran.stderr.contains("remote-tenant-id"), "{ran}");
}

#[test]
fn hostile_values_stay_data() {
    let hostile = [
        r#"it's $(touch reboot) `touch reboot` "; touch reboot; ""#,
        "'; touch reboot; '",
        "\\'; touch reboot #",
        "a\ntouch reboot\n",
        "$'\\n'touch reboot",
        "-n --data @/etc/passwd",
    ];
    let vnet_id = VNET_ID.replace("rg-network", "rg-(a).b_ü-");
    for (number, value) in hostile.into_iter().enumerate() {
        let (name, network, vpc, project) = (
            format!("name={value}"),
            format!("network={value}"),
            format!("vpc={value}"),
            format!("project={value}"),
        );
        for (vendor, keys) in [
            ("kong", [&name, &network]),
            ("dragonfly", [&network, &network]),
            ("aiven", [&vpc, &project]),
        ] {
            let flags = ["--vendor-access", "api", "--set", keys[0], "--set", keys[1]];
            let flags = if vendor == "dragonfly" { &flags[..4] } else { &flags[..] };
            // The others write the same constant text: for them some of the values are enough.
            if vendor != "kong" && number % 3 > 0 {
                continue;
            }
            let script = offline(vendor, &vnet_id, flags).run().expect_code(0).stdout;
            program("bash", ["-n"]).stdin(script.as_str()).run().expect_code(0);
            let Played { ran, noted } = play(&script, &vnet_id, value, false);
            let ran = ran.expect_code(0);
            assert!(ran.stdout.contains("Connected: p-1\n"), "{ran}");
            assert!(noted.contains("rg-(a).b_ü-") || vendor == "dragonfly", "{noted}");
            if vendor == "kong" {
                // The whole value reached Konnect as one text.
                let line = noted.lines().find(|line| line.starts_with("{\"name\""));
                let line = line.unwrap_or_else(|| panic!("no body in\n{noted}\n{ran}"));
                let body: Value = serde_json::from_str(line).expect("JSON");
                assert_eq!(body["name"], value);
            }
        }
    }
}

#[test]
fn what_a_vendor_profile_says_of_itself_stays_data_too() {
    let changes: [(&str, &str, &str); 7] = [
        (
            "kong",
            r#"short-name = "Kong""#,
            r#"short-name = "Kong\ntouch reboot $(touch reboot)""#,
        ),
        ("kong", r#"name = "Kong Konnect""#, r#"name = "Konnect\ntouch reboot""#),
        (
            "kong",
            r#"name = "kong-cgw-azure-vnet-peering-app""#,
            r#"name = "app\ntouch reboot `touch reboot`""#,
        ),
        (
            "kong",
            r#"usual-wait = "30 to 40 minutes""#,
            r#"usual-wait = "long\ntouch reboot""#,
        ),
        (
            "kong",
            r#"label = "Tenant ID""#,
            r#"label = "Tenant '$(touch reboot)' ID""#,
        ),
        (
            "aiven",
            r#"value = "{own-app}""#,
            r#"value = "'$(touch reboot){own-app}'`touch reboot`""#,
        ),
        (
            "aiven",
            r#"request = "peering connection""#,
            r#"request = "x\ntouch reboot $(touch reboot)""#,
        ),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    for (vendor, access, inputs) in [
        ("kong", "api", &["--set", "network=n"][..]),
        ("kong", "manual", &[]),
        ("aiven", "api", &["--set", "project=demo", "--set", "vpc=n"]),
        ("aiven", "manual", &[]),
    ] {
        let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/vendors/{vendor}.toml"));
        let mut text = std::fs::read_to_string(built_in)
            .expect("the profile")
            .replace('\r', "");
        for (_, from, to) in changes.iter().filter(|(whose, ..)| *whose == vendor) {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        let file = folder.path().join("own.toml").display().to_string();
        std::fs::write(&file, text).expect("a file");
        let more = [&["--vendor-access", access, "--timeout", "1s"], inputs].concat();
        let script = offline(&file, VNET_ID, &more).run().expect_code(0).stdout;
        // Whether it gets as far as Connected is for others to test: here nothing may be carried out on the way.
        let ran = play(&script, VNET_ID, "n", false).ran;
        let shown = match vendor {
            "kong" => "  Tenant '$(touch reboot)' ID: ",
            _ => "'$(touch reboot)a-1'`touch reboot`\n",
        };
        assert_eq!(ran.stdout.contains(shown), access == "manual", "{ran}");
    }
}

/// What the part of Kong's script that gives the role does in a world of these roles, of these assignments, and where a
/// role that cannot be seen has one of these names: the roles that it writes, and the one that it assigns.
#[track_caller]
fn gives(roles: &Value, assignments: &Value, taken: &str) -> Vec<String> {
    let more = ["--set", "network=n"].map(str::to_owned);
    let script = offline("kong", VNET_ID, &more).run().expect_code(0).stdout;
    let values: Vec<&str> = script
        .lines()
        .filter(|line| {
            ["subscription_id=", "tenant_id=", "vnet_id=", "vendor_grant="]
                .iter()
                .any(|name| line.starts_with(name))
        })
        .collect();
    let start = script.find("authorization='api-version").expect("the part on roles");
    let end = script.find("\ngive \"$vendor_grant\"").expect("its end");
    let text = [
        "set -euo pipefail",
        &values.join("\n"),
        THE_WORLD,
        &script[start..end],
        "give \"$vendor_grant\" 0d5e3c1a-0000-4000-8000-0000000000aa Kong",
    ];
    let run = program("bash", ["-s"])
        .env("ROLES", json!({ "value": roles }).to_string())
        .env("ASSIGNMENTS", json!({ "value": assignments }).to_string())
        .env("TAKEN", taken)
        .stdin(text.join("\n"));
    let ran = run.run().expect_code(0);
    ran.stdout.lines().map(str::to_owned).collect()
}

const THE_WORLD: &str = r#"
exec 9>&1
arm() {
    case "$1 $2" in
    'get '*roleDefinitions/*) return 3 ;;
    'get '*roleDefinitions*) printf '%s\n' "$ROLES" ;;
    'get '*/virtualNetworks/*roleAssignments*) echo '{"value": []}' ;;
    'get '*roleAssignments*) printf '%s\n' "$ASSIGNMENTS" ;;
    'put '*)
        local name
        name=$(jq --raw-output .properties.roleName <<<"$4")
        if [[ $name == "$TAKEN" ]]; then
            echo 'ERROR: Conflict({"error":{"code":"RoleDefinitionWithSameNameExists"}})' >&2
            return 1
        fi
        jq --raw-output '"write \(.properties.roleName): \(.properties.permissions[0].actions | length)"' <<<"$4" >&9
        ;;
    esac
}
patiently() { shift; "$@"; }
die() { echo "$1" >&2; exit 1; }
az() { while [[ $1 != --role ]]; do shift; done; echo "assign ${2##*/}" >&9; }
"#;

#[test]
fn script_chooses_the_role_that_setup_chooses() {
    const GUID: &str = "0d5e3c1a-0000-4000-8000-000000000001";
    let own = "Kong Cloud Gateway Peering Creator - peerctl 11d0b6a2";
    let role = |guid: &str, name: &str, actions: &[&str]| {
        json!({"name": guid, "properties": {"roleName": name, "description": "", "assignableScopes":
            [format!("/subscriptions/{SUBSCRIPTION}")], "permissions": [{"actions": actions, "notActions": [],
            "dataActions": [], "notDataActions": []}]}})
    };
    let held_by = |principal: &str| {
        json!([{"properties": {"principalId": principal, "scope": VNET_ID,
            "roleDefinitionId": format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{GUID}")}}])
    };
    let (none, wide) = (json!([]), role(GUID, ROLE, &["*"]));
    let lacking = json!([role(GUID, ROLE, &ACTIONS[..4])]);
    let exact = |name: &str| role("1d5e3c1a-0000-4000-8000-000000000001", name, &ACTIONS);
    let assigns = |guid: &str| format!("assign {guid}");
    let table = [
        ("nothing", json!([]), &none, "", vec![format!("write {ROLE}: 5")]),
        (
            "exact",
            json!([role(GUID, ROLE, &ACTIONS)]),
            &none,
            "",
            vec![assigns(GUID)],
        ),
        ("wide", json!([wide]), &none, "", vec![format!("write {own}: 5")]),
        (
            "a name that cannot be seen",
            json!([]),
            &none,
            ROLE,
            vec![format!("write {own}: 5")],
        ),
        (
            "wide before exact",
            json!([wide, exact(ROLE_TOO)]),
            &none,
            "",
            vec![assigns("1d5e3c1a-0000-4000-8000-000000000001")],
        ),
        (
            "another vendor's",
            json!([exact("Confluent Cloud Peering Creator")]),
            &none,
            "",
            vec![format!("write {ROLE}: 5")],
        ),
        (
            "lacking",
            lacking.clone(),
            &none,
            "",
            vec![format!("write {ROLE}: 5"), assigns(GUID)],
        ),
        (
            "lacking, held by a colleague",
            lacking.clone(),
            &held_by("0d5e3c1a-0000-4000-8000-0000000000bb"),
            "",
            vec![format!("write {own}: 5")],
        ),
        (
            "lacking, held by Kong here",
            lacking,
            &held_by("0d5e3c1a-0000-4000-8000-0000000000aa"),
            "",
            vec![format!("write {ROLE}: 5"), assigns(GUID)],
        ),
    ];
    for (world, roles, assignments, taken, expected) in table {
        let did = gives(&roles, assignments, taken);
        assert_eq!(did[..expected.len()], expected, "{world}: {did:#?}");
        assert_eq!(
            did.last().map(|line| line.starts_with("assign ")),
            Some(true),
            "{world}: {did:#?}"
        );
        assert!(did.len() <= 2, "{world}: {did:#?}");
    }
}

// -------------------------------------------------------------------------------------- what is there already, by script

/// An `az` of a few lines: it signs in as the operator, and sends what `az rest` is given.
const SMALL_AZ: &str = r#"#!/usr/bin/env bash
token() {
    curl -s "$AZURE_AUTHORITY_HOST/$1/oauth2/v2.0/token" -d grant_type=client_credentials -d "client_id=$AZURE_CLIENT_ID" \
        --data-urlencode "client_secret=$AZURE_CLIENT_SECRET" --data-urlencode 'scope=https://management.core.windows.net//.default' |
        jq -r .access_token
}
case "$1 $2" in
    'cloud show') printf '{"resourceManager":"%s"}' "$AZURE_AUTHORITY_HOST" ;;
    'account show') echo "$AZURE_TENANT_ID" ;;
    'account get-access-token') token "$4" ;;
    'rest --method') curl -s -X "${3^^}" -H "Authorization: Bearer $(token "$AZURE_TENANT_ID")" "$AZURE_AUTHORITY_HOST$5" ;;
    *) exit 1 ;;
esac
"#;

/// Runs the printed script with the small `az`.
#[track_caller]
fn scripted(sandbox: &Served, more: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    let az = folder.path().join("az");
    std::fs::write(&az, SMALL_AZ).expect("a file");
    std::fs::set_permissions(&az, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("it can be run");
    let path = format!(
        "{}:{}",
        folder.path().display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let bash = program("bash", ["-s"]).envs(sandbox.env()).env("PATH", path);
    let bash = bash.env("CURL_CA_BUNDLE", sandbox.value("SSL_CERT_FILE"));
    bash.stdin(printed(sandbox, "another tenant", more))
        .run()
        .expect_code(0);
}

#[track_caller]
fn edit(sandbox: &Served, change: Value) {
    let (status, answer) = sandbox.send(reqwest::Method::POST, "/_sandbox/edit", None, Body::Json(change));
    assert_eq!(status, 204, "{answer}");
}

/// Both directions, ours first.
#[track_caller]
fn directions(sandbox: &Served) -> [Value; 2] {
    let state = sandbox.state();
    let vnets = state["virtualNetworks"].as_array().expect("a list");
    let peerings = vnets
        .iter()
        .flat_map(|vnet| vnet["peerings"].as_array().into_iter().flatten());
    let peerings: Vec<&Value> = peerings.collect();
    let named = |name: &str| {
        let found = peerings.iter().find(|peering| peering["name"] == name);
        (*found.unwrap_or_else(|| panic!("{name}: {peerings:#?}"))).clone()
    };
    ["vnet-app-to-vnet-partner", "vnet-partner-to-vnet-app"].map(named)
}

#[test]
fn script_changes_only_what_it_means_to_change() {
    let partner = "/subscriptions/77c61208-ca0c-4f61-a384-90b5c62f7467/resourceGroups/rg-partner/providers/Microsoft.Network/virtualNetworks/vnet-partner";
    let sandbox = Served::start(["--lag", "none"]);
    scripted(&sandbox, &[]);
    let limited = json!({"peerCompleteVnets": false, "localSubnetNames": ["snet-api"], "remoteSubnetNames": ["default"],
        "doNotVerifyRemoteGateways": true, "later": 1});
    let ours = format!("{VNET_ID}/virtualNetworkPeerings/vnet-app-to-vnet-partner");
    edit(&sandbox, json!({"peering": {"id": ours, "properties": limited}}));
    let settings = |peering: &Value| {
        [
            &peering["peerCompleteVnets"],
            &peering["others"],
            &peering["doNotVerifyRemoteGateways"],
        ]
        .map(Clone::clone)
    };
    let before = settings(&directions(&sandbox)[0]);

    // Disconnected: it is written again, and the other direction links no more than ours.
    edit(
        &sandbox,
        json!({"remove": format!("{partner}/virtualNetworkPeerings/vnet-partner-to-vnet-app")}),
    );
    scripted(&sandbox, &[]);
    let [ours, theirs] = directions(&sandbox);
    assert_eq!(settings(&ours), before);
    let mirrored = json!({"localSubnetNames": ["default"], "remoteSubnetNames": ["snet-api"]});
    assert_eq!(
        (&theirs["peerCompleteVnets"], &theirs["others"]),
        (&json!(false), &mirrored)
    );

    // Out of sync on both sides.
    for (id, prefixes) in [
        (partner, ["10.150.0.0/16", "10.155.0.0/16"]),
        (VNET_ID, ["10.20.0.0/16", "10.29.0.0/16"]),
    ] {
        edit(&sandbox, json!({"addressSpace": {"id": id, "prefixes": prefixes}}));
    }
    scripted(&sandbox, &[]);
    let [ours, theirs] = directions(&sandbox);
    assert_eq!(ours["remoteAddressSpace"], json!(["10.150.0.0/16", "10.155.0.0/16"]));
    assert_eq!(theirs["remoteAddressSpace"], json!(["10.20.0.0/16", "10.29.0.0/16"]));

    // Gateways, in the order that Azure takes.
    scripted(&sandbox, &["--use-remote-gateways"]);
    let [ours, theirs] = directions(&sandbox);
    assert_eq!(
        [&ours["useRemoteGateways"], &theirs["allowGatewayTransit"]],
        [&json!(true); 2]
    );
    assert_eq!(settings(&ours), before);
    let writes = sandbox.writes();
    assert!(
        writes
            .iter()
            .all(|write| write.starts_with("PUT ") && !write.ends_with(" 400")),
        "{writes:?}"
    );
    scripted(&sandbox, &[]);
    assert_eq!(sandbox.writes(), writes, "run again it writes nothing");
}

// ------------------------------------------------------------------------------------------------------ the real az

/// Every input of a run against the sandbox, by the vendor's name.
fn inputs(vendor: &str) -> Vec<String> {
    let partner = "/subscriptions/77c61208-ca0c-4f61-a384-90b5c62f7467/resourceGroups/rg-partner/providers/Microsoft.Network/virtualNetworks";
    let another_tenant =
        format!("--vendor generic --set remote-tenant-id={FABRIKAM} --set remote-vnet-id={partner}/vnet-partner");
    let text = match vendor {
        "kong" => "--vendor kong --set network=eastus2-network --set dns=a.example,b.example=10.20.0.4".to_owned(),
        "aiven" => format!("--vendor aiven --set project=demo --set vpc={AIVEN_VPC}"),
        "dragonfly" => "--vendor dragonfly --set network=cache-eastus2 --own-app-role network-contributor".to_owned(),
        "own app" => format!("{another_tenant} --own-app {OWN_APP}"),
        "forwarded and transit" => format!("{another_tenant} --allow-forwarded-traffic --allow-gateway-transit"),
        "transit" => format!("{another_tenant} --allow-gateway-transit"),
        "guarded" => {
            format!("--vendor generic --set remote-tenant-id={FABRIKAM} --set remote-vnet-id={partner}/vnet-guarded")
        }
        _ => another_tenant,
    };
    let own = format!("azure setup --no-input --yes --vnet-id {VNET_ID} {text}");
    own.split(' ').map(str::to_owned).collect()
}

fn run(sandbox: &Served, vendor: &str, more: &[&str]) -> Run {
    let more = more.iter().map(|word| (*word).to_owned());
    peerctl(inputs(vendor).into_iter().chain(more)).envs(sandbox.env())
}

#[track_caller]
fn printed(sandbox: &Served, vendor: &str, more: &[&str]) -> String {
    run(sandbox, vendor, &[&["--dry-run"], more].concat())
        .run()
        .expect_code(0)
        .stdout
}

#[track_caller]
fn unchanged(sandbox: &Served, vendor: &str) {
    let document = run(sandbox, vendor, &["-o", "json"]).run().expect_code(0).json();
    assert_eq!(document["outcome"], "unchanged", "{document:#}");
    assert_eq!(document["stats"]["writes"], 0);
}

/// Nothing may differ. The dump leaves out the ids that a client or Azure chooses, and times; what it compares is who
/// may do what where, what is linked, and what the vendor knows.
#[track_caller]
fn same_world(by_az: &Served, by_setup: &Served) {
    let (world, expected) = (by_az.state(), by_setup.state());
    for (part, expected) in expected.as_object().expect("an object") {
        assert_eq!(&world[part], expected, "{part}");
    }
    assert_eq!(world, expected);
}

/// The script by the real az against setup: the same end, the same world; then once more, which writes nothing.
#[track_caller]
fn judged_by_az(vendor: &str, prepare: impl Fn(&Served), code: i32) -> Option<Served> {
    let az = support::real_az(&format!("the printed script for {vendor}"))?;
    let (by_setup, by_az) = (Served::start(["--lag", "none"]), Served::start(["--lag", "none"]));
    prepare(&by_setup);
    prepare(&by_az);
    run(&by_setup, vendor, &[]).run().expect_code(code);
    let script = printed(&by_az, vendor, &[]);
    let az = Az::signed_in(az, &by_az);
    az.bash(&script).expect_code(code);
    same_world(&by_az, &by_setup);
    let writes = by_az.writes();
    if code == 0 {
        az.bash(&script).expect_code(0);
        assert_eq!(by_az.writes(), writes, "run again it writes nothing");
        unchanged(&by_az, vendor);
    }
    let requests = by_az.requests().to_string();
    assert!(!requests.contains("client_secret="), "no secret is in an address");
    Some(by_az)
}

#[test]
fn by_the_real_az_kong() {
    judged_by_az("kong", |_| (), 0);
}

#[test]
fn by_the_real_az_aiven() {
    judged_by_az("aiven", |_| (), 0);
}

#[test]
fn by_the_real_az_dragonfly() {
    judged_by_az("dragonfly", |_| (), 0);
}

#[test]
fn by_the_real_az_another_tenant() {
    judged_by_az("another tenant", |_| (), 0);
    judged_by_az("own app", |_| (), 0);
}

#[test]
fn by_the_real_az_our_direction_allows_what_is_asked_for() {
    let ours = |sandbox: &Served| {
        let state = sandbox.state();
        let mut vnets = state["virtualNetworks"].as_array().expect("a list").iter();
        let ours = vnets.find(|vnet| vnet["id"] == VNET_ID).expect("our network");
        let flags = ["allowForwardedTraffic", "allowGatewayTransit", "useRemoteGateways"];
        flags.map(|flag| ours["peerings"][0][flag] == true)
    };
    let Some(by_az) = judged_by_az("forwarded and transit", |_| (), 0) else {
        return;
    };
    assert_eq!(ours(&by_az), [true, true, false]);
    // One that is there and allows less is mended, and keeps what it allows besides.
    let prepare = |sandbox: &Served| {
        let flag = "--allow-forwarded-traffic";
        run(sandbox, "another tenant", &[flag]).run().expect_code(0);
    };
    let by_az = judged_by_az("transit", prepare, 0).expect("az is there");
    assert_eq!(ours(&by_az), [true, true, false]);
}

#[test]
fn by_the_real_az_another_tenant_that_writes_its_own_direction() {
    judged_by_az("guarded", |_| (), 3);
}

#[test]
fn by_the_real_az_in_brown_field_nothing_is_doubled() {
    // A role of the second name belongs to another subscription, a wide one has the first, and an earlier attempt failed.
    let prepare = |sandbox: &Served| {
        let colleague = Colleague::of(sandbox);
        let guid = "0d5e3c1a-0000-4000-8000-000000000001";
        colleague.writes_role(OTHER_SUBSCRIPTION, guid, ROLE_TOO, &ACTIONS, &[OTHER_SUBSCRIPTION]);
        let wide = "0d5e3c1a-0000-4000-8000-000000000002";
        colleague.writes_role(SUBSCRIPTION, wide, ROLE, &["*"], &[SUBSCRIPTION]);
        colleague.asks_kong();
        assert_eq!(colleague.gateways()[0]["state"], "error");
    };
    let Some(by_az) = judged_by_az("kong", prepare, 0) else {
        return;
    };
    let state = by_az.state();
    let assignments = state["roleAssignments"].as_array().expect("assignments").iter();
    let kongs: Vec<&serde_json::Value> = assignments
        .filter(|one| one["appId"] == APP_ID && one["tenant"] == "contoso.onmicrosoft.com")
        .collect();
    assert_eq!(kongs.len(), 1, "{kongs:#?}");
    assert_eq!(
        kongs[0]["role"],
        "Kong Cloud Gateway Peering Creator - peerctl 11d0b6a2"
    );
}

/// An application that no tenant has.
const NOBODYS_APP: &str = "0d5e3c1a-0000-4000-8000-0000000000aa";

#[test]
fn by_the_real_az_a_role_is_mended_and_a_refused_request_made_anew() {
    let prepare = |sandbox: &Served| {
        let colleague = Colleague::of(sandbox);
        let guid = "0d5e3c1a-0000-4000-8000-000000000002";
        let too_little = ["Microsoft.Network/virtualNetworks/read"];
        colleague.writes_role(SUBSCRIPTION, guid, "aiven-role", &too_little, &[SUBSCRIPTION]);
        let path = format!("/v1/project/demo/vpcs/{AIVEN_VPC}/peering-connections");
        let body = json!({"peer_cloud_account": SUBSCRIPTION, "peer_resource_group": "rg-network",
            "peer_vpc": "vnet-app", "peer_azure_app_id": NOBODYS_APP, "peer_azure_tenant_id": TENANT});
        let token = sandbox.value("AIVEN_AUTH_TOKEN");
        let (status, answer) = sandbox.send(reqwest::Method::POST, &path, Some(token), Body::Json(body));
        assert_eq!(status, 200, "{answer}");
        let vpc = format!("/v1/project/demo/vpcs/{AIVEN_VPC}");
        let (_, vpc) = sandbox.send(reqwest::Method::GET, &vpc, Some(token), Body::None);
        assert_eq!(vpc["peering_connections"][0]["state"], "INVALID_SPECIFICATION", "{vpc}");
    };
    judged_by_az("aiven", prepare, 0);
}

#[test]
fn by_the_real_az_by_hand_it_waits_until_the_values_were_entered() {
    let Some(az) = support::real_az("the printed script by hand") else {
        return;
    };
    let sandbox = Served::start(["--lag", "none"]);
    let manual = |timeout: &str| printed(&sandbox, "kong", &["--vendor-access", "manual", "--timeout", timeout]);
    let az = Az::signed_in(az, &sandbox);
    let ran = az.bash(&manual("1s")).expect_code(3);
    assert!(ran.stdout.contains("  VNET Name: vnet-app\n"), "{ran}");
    assert!(
        ran.stderr
            .contains("Kong has not connected the networks yet. Run this again later."),
        "{ran}"
    );
    Colleague::of(&sandbox).fills_in_the_form();
    let ran = az.bash(&manual("1h")).expect_code(0);
    assert!(
        ran.stdout.ends_with("Connected: kong-eastus2-network-36ae63d3\n"),
        "{ran}"
    );
    // The form has no DNS mappings: what setup was given is named, and nothing is written.
    let document = run(&sandbox, "kong", &["-o", "json"]).run().expect_code(4).json();
    assert_eq!(document["stats"]["writes"], 0, "{document:#}");
    let checks = document["checks"].as_array().expect("checks");
    let blocking: Vec<_> = checks
        .iter()
        .filter(|check| check["severity"] == "error" && check["ok"] == false)
        .collect();
    assert_eq!(blocking.len(), 1, "{blocking:#?}");
    assert_eq!(blocking[0]["id"], "dns-mappings");
}
