//! `--dry-run` prints an az script: offline, quoted, without a secret, and one that does what setup does.
#![cfg(unix)]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use support::az::Az;
use support::cli::{Ran, Run, peerctl, program};
use support::colleague::Colleague;
use support::kong::{ACTIONS, OTHER_SUBSCRIPTION, ROLE_TOO, SUBSCRIPTION, TENANT, VNET_ID, setup};
use support::served::Served;

/// Where nothing listens: a packet that leaves anyway makes the test fail.
const NOWHERE: &str = "http://127.0.0.1:9";

/// A dry run with every input given, without a network: every proxy leads nowhere, and nobody is signed in.
fn offline(access: &str, more: &[&str]) -> Run {
    let own = [
        "azure",
        "setup",
        "--dry-run",
        "--no-input",
        "--vendor",
        "kong",
        "--tenant-id",
        TENANT,
        "--vendor-access",
        access,
    ];
    let mut run = peerctl(own.iter().chain(more));
    for name in [
        "HTTPS_PROXY",
        "https_proxy",
        "HTTP_PROXY",
        "http_proxy",
        "ALL_PROXY",
        "all_proxy",
    ] {
        run = run.env(name, NOWHERE);
    }
    run
}

const KONG: [&str; 4] = ["--vnet-id", VNET_ID, "--set", "network=eastus2-network"];

#[test]
fn the_script_is_printed_without_a_network_or_a_sign_in() {
    for access in ["api", "manual"] {
        let ran = offline(access, &KONG).run().expect_code(0);
        assert!(ran.stdout.starts_with("#!/usr/bin/env bash\n"), "{ran}");
        assert_eq!(ran.stderr, "", "{ran}");
        for part in [
            TENANT,
            VNET_ID,
            "az ad sp create",
            "az role definition create",
            "az role assignment create",
        ] {
            assert!(ran.stdout.contains(part), "{part}\n{ran}");
        }
        assert_eq!(ran.stdout.contains("curl"), access == "api", "{ran}");
        assert_eq!(ran.stdout.contains("VNET Name: vnet-app"), access == "manual", "{ran}");
        // The same words give the same script.
        assert_eq!(offline(access, &KONG).run().stdout, ran.stdout);
    }
}

#[test]
fn bash_and_shellcheck_accept_the_script() {
    let variants: [&[&str]; 3] = [&[], &["--peering-name", "kong-1"], &["--set", "dns=a.example=10.0.0.4"]];
    for access in ["api", "manual"] {
        for more in variants {
            let script = offline(access, &[&KONG, more].concat()).run().expect_code(0).stdout;
            program("bash", ["-n"]).stdin(script.as_str()).run().expect_code(0);
            let installed = Command::new("shellcheck")
                .arg("--version")
                .stdout(Stdio::null())
                .status()
                .is_ok();
            if installed {
                program("shellcheck", ["-"]).stdin(script).run().expect_code(0);
            } else {
                eprintln!("skipped, because there is no shellcheck");
            }
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
    let ran = offline("api", &["--vnet-id", VNET_ID]).run().expect_code(2);
    assert!(ran.stderr.contains("--set network="), "{ran}");
    // The script reads the token where it runs, and nothing is confirmed.
    assert!(
        !ran.stderr.contains("KONNECT_TOKEN") && !ran.stderr.contains("--yes"),
        "{ran}"
    );
    assert_eq!(ran.stdout, "", "{ran}");
    let ran = offline("api", &[&KONG[..], &["--timeout", "soon"]].concat())
        .run()
        .expect_code(2);
    assert_eq!(ran.stdout, "", "{ran}");
}

#[test]
fn no_secret_is_in_the_script() {
    let secrets = [
        ("KONNECT_TOKEN", "kpat_this-must-not-be-printed"),
        ("AZURE_CLIENT_SECRET", "nor~must-this"),
        ("AZURE_CLIENT_ID", "a3c1d2e4-5f60-4718-92a3-b4c5d6e7f801"),
    ];
    let ran = offline("api", &[&KONG[..], &["-vv"]].concat())
        .envs(secrets)
        .run()
        .expect_code(0);
    for (name, secret) in secrets {
        assert!(
            !ran.stdout.contains(secret) && !ran.stderr.contains(secret),
            "{name}\n{ran}"
        );
    }
    assert!(ran.stdout.contains("$KONNECT_TOKEN"), "{ran}");
}

// ------------------------------------------------------------------------------------------------ hostile values

/// Runs a script with stand-ins for `az` and `curl` that note their arguments, one a line, and answer as if nothing
/// were there yet. Gives the run, and what they noted.
fn with_stand_ins(script: &str, network: &str) -> (Ran, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let networks = json!({"data": [{"id": "n-1", "name": network, "cidr_block": "10.0.0.0/16", "state": "ready"}]});
    std::fs::write(at("networks.json"), networks.to_string()).expect("a file");
    let note = format!("printf '%s\\n' \"$@\" >> '{}'\n", at("noted").display());
    let az = format!(
        "{note}case \"$1 $2 $3\" in\n\
         'account show'*) echo {TENANT} ;;\n\
         'ad sp create') echo an-object-id ;;\n\
         'role definition create') echo a-role-id ;;\n\
         'network vnet peering') echo kong-1 ;;\n\
         esac\n"
    );
    let curl = format!(
        "{note}case \"${{!#}}\" in\n*/transit-gateways*) echo '{{\"data\": []}}' ;;\n*) cat '{}' ;;\nesac\n",
        at("networks.json").display()
    );
    for (name, body) in [("az", az), ("curl", curl)] {
        std::fs::write(at(name), format!("#!/usr/bin/env bash\n{body}")).expect("a file");
        std::fs::set_permissions(at(name), std::fs::Permissions::from_mode(0o755)).expect("it can be run");
    }
    let path = format!(
        "{}:{}",
        folder.path().display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let run = program("bash", ["-s"])
        .env("PATH", path)
        .env("KONNECT_TOKEN", "kpat_x")
        .stdin(script);
    let home = run.home().to_owned();
    let ran = run.run();
    let left: Vec<_> = std::fs::read_dir(&home)
        .expect("its home")
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    assert!(left.is_empty(), "a value was carried out: {left:?}\n{script}");
    (ran, std::fs::read_to_string(at("noted")).unwrap_or_default())
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
    for value in hostile {
        let (name, network) = (format!("name={value}"), format!("network={value}"));
        let flags = ["--vnet-id", &vnet_id, "--set", &name, "--set", &network];
        let script = offline("api", &flags).run().expect_code(0).stdout;
        program("bash", ["-n"]).stdin(script.as_str()).run().expect_code(0);
        let (ran, noted) = with_stand_ins(&script, value);
        let ran = ran.expect_code(0);
        assert!(ran.stdout.contains("Connected: kong-1"), "{ran}");
        // The whole value reached Konnect as one text, and the resource group reached az.
        let body: Value = noted
            .lines()
            .find_map(|line| {
                line.starts_with("{\"name\"")
                    .then(|| serde_json::from_str(line).expect("JSON"))
            })
            .unwrap_or_else(|| panic!("no body in\n{noted}\n{ran}"));
        assert_eq!(body["name"], value);
        assert!(noted.lines().any(|line| line == "rg-(a).b_ü-"), "{noted}");
        assert!(!noted.contains("kpat_x"), "the token is in no argument: {noted}");
    }
}

#[test]
fn what_a_vendor_profile_says_of_itself_stays_data_too() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/vendors/kong.toml"));
    let mut text = text.expect("the profile").replace('\r', "");
    for (from, to) in [
        (
            r#"short-name = "Kong""#,
            r#"short-name = "Kong\ntouch reboot $(touch reboot)""#,
        ),
        (r#"name = "Kong Konnect""#, r#"name = "Konnect\ntouch reboot""#),
        (
            r#"name = "kong-cgw-azure-vnet-peering-app""#,
            r#"name = "app\ntouch reboot `touch reboot`""#,
        ),
        (
            r#"usual-wait = "30 to 40 minutes""#,
            r#"usual-wait = "long\ntouch reboot""#,
        ),
        (r#"label = "Tenant ID""#, r#"label = "Tenant '$(touch reboot)' ID""#),
    ] {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("kong.toml");
    std::fs::write(&file, text).expect("a file");
    let profile = file.display().to_string();
    for access in ["api", "manual"] {
        let own = ["azure", "setup", "--dry-run", "--no-input", "--tenant-id", TENANT];
        let flags = [&own[..], &["--vendor", &profile, "--vendor-access", access], &KONG].concat();
        let script = peerctl(flags).run().expect_code(0).stdout;
        let (ran, _) = with_stand_ins(&script, "eastus2-network");
        ran.expect_code(0);
    }
}

// ------------------------------------------------------------------------------------------------ the real az

/// The script for the sandbox, as a pipeline would print it.
#[track_caller]
fn script(sandbox: &Served, more: &[&str]) -> String {
    setup(sandbox, &[&["--dry-run"], more].concat())
        .run()
        .expect_code(0)
        .stdout
}

#[track_caller]
fn unchanged(sandbox: &Served) {
    let document = setup(sandbox, &["-o", "json"]).run().expect_code(0).json();
    assert_eq!(document["outcome"], "unchanged", "{document:#}");
    assert_eq!(document["stats"]["writes"], 0);
}

#[test]
fn run_by_the_real_az_the_script_leaves_the_same_world_as_setup() {
    let Some(az) = support::real_az("the printed script against setup") else {
        return;
    };
    let (by_setup, by_az) = (Served::start(["--lag", "none"]), Served::start(["--lag", "none"]));
    let dns = ["--set", "dns=a.example,b.example=10.20.0.4"];
    setup(&by_setup, &dns).run().expect_code(0);
    let script = script(&by_az, &dns);
    let az = Az::signed_in(az, &by_az);
    let ran = az.bash(&script).expect_code(0);
    assert!(
        ran.stdout.ends_with("Connected: kong-eastus2-network-36ae63d3\n"),
        "{ran}"
    );

    // Nothing may differ. The dump leaves out the GUIDs that a client chooses (az takes random ones) and times; what it
    // compares is who may do what where, and what is linked.
    let (expected, world) = (by_setup.state(), by_az.state());
    for (part, expected) in expected.as_object().expect("an object") {
        assert_eq!(&world[part], expected, "{part}");
    }
    assert_eq!(world, expected);

    // Run again it changes nothing, and setup finds everything in place.
    let writes = by_az.writes();
    az.bash(&script).expect_code(0);
    assert_eq!(by_az.state(), world);
    let again: Vec<String> = by_az.writes().split_off(writes.len());
    // az asks for the assignment each time, and is told that it exists.
    assert!(
        again.len() == 1 && again[0].contains("/roleAssignments/") && again[0].ends_with(" 409"),
        "{again:?}"
    );
    unchanged(&by_az);
}

#[test]
fn run_by_the_real_az_in_brown_field_nothing_is_doubled() {
    let Some(az) = support::real_az("the printed script in brown field") else {
        return;
    };
    // The role is under its second name and in another subscription, and an earlier attempt failed for want of it.
    let prepare = |sandbox: &Served| {
        let colleague = Colleague::of(sandbox);
        let guid = "0d5e3c1a-0000-4000-8000-000000000001";
        colleague.writes_role(OTHER_SUBSCRIPTION, guid, ROLE_TOO, &ACTIONS, &[OTHER_SUBSCRIPTION]);
        colleague.asks_kong();
        assert_eq!(colleague.gateways()[0]["state"], "error");
    };
    let (by_setup, by_az) = (Served::start(["--lag", "none"]), Served::start(["--lag", "none"]));
    prepare(&by_setup);
    prepare(&by_az);
    setup(&by_setup, &[]).run().expect_code(0);
    let script = script(&by_az, &[]);
    Az::signed_in(az, &by_az).bash(&script).expect_code(0);
    assert_eq!(by_az.state(), by_setup.state());
    let role = &by_az.state()["roleDefinitions"][0];
    assert_eq!(
        role["assignableScopes"],
        json!([SUBSCRIPTION, OTHER_SUBSCRIPTION].map(|id| format!("/subscriptions/{id}")))
    );
    unchanged(&by_az);
}

#[test]
fn run_by_the_real_az_by_hand_it_waits_until_the_values_were_entered() {
    let Some(az) = support::real_az("the printed script by hand") else {
        return;
    };
    let sandbox = Served::start(["--lag", "none"]);
    let manual = |timeout: &str| script(&sandbox, &["--vendor-access", "manual", "--timeout", timeout]);
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
    unchanged(&sandbox);
}
