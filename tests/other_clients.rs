//! Clients that we did not write, against the sandbox: the Azure SDKs for Python, and Aiven's `avn`. (The real `az` has
//! tests of its own: `az_commands`, `brown_field`, `dry_run`.)
#![cfg(unix)]

mod support;

use std::path::{Path, PathBuf};

use serde_json::json;
use support::both_sides::{AIVEN, AIVEN_NETWORK, AIVEN_TENANT, VPC};
use support::cli::{Ran, program};
use support::colleague::Colleague;
use support::kong::{SUBSCRIPTION, TENANT};
use support::served::{Served, parse_exports, poll};

const OWN_APP: &str = "a3c1d2e4-5f60-4718-92a3-b4c5d6e7f801";
const PEER: &str = "Microsoft.Network/virtualNetworks/peer/action";

#[test]
fn the_azure_sdks_read_and_write() {
    let Some(python) = support::python("the Azure SDKs for Python") else {
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/azure_sdks.py");
    let script = script.display().to_string();
    // With the lag that a newcomer has, operations take more than one look.
    for (lag, words) in [("none", &[script.as_str()][..]), ("typical", &[&script, "networks"])] {
        let sandbox = Served::start(["--lag", lag]);
        let ran = program(&python, words.iter().copied())
            .envs(sandbox.env())
            .run()
            .expect_code(0);
        assert!(ran.stdout.trim_end().ends_with(" checks"), "{ran}");
    }
}

/// `avn vpc …` with what identifies the connection.
fn avn(avn: &Path, sandbox: &Served, words: &[&str]) -> Ran {
    let own = ["vpc", "peering-connection"];
    let which = ["--project", "demo", "--project-vpc-id", VPC];
    let peer = [
        "--peer-cloud-account",
        SUBSCRIPTION,
        "--peer-resource-group",
        "rg-network",
        "--peer-vpc",
        "vnet-app",
    ];
    let peer = if words[0] == "list" { &[][..] } else { &peer[..] };
    let all = own.iter().chain(words).chain(&which).chain(peer);
    program(avn, all.copied()).envs(sandbox.env()).run()
}

/// The words that ask for the connection.
const NEW: [&str; 6] = [
    "create",
    "--json",
    "--peer-azure-app-id",
    OWN_APP,
    "--peer-azure-tenant-id",
    TENANT,
];

#[test]
fn avn_asks_looks_and_takes_back() {
    let Some(python) = support::python("Aiven's avn") else {
        return;
    };
    let client: PathBuf = python.with_file_name("avn");
    let sandbox = Served::start(["--lag", "none"]);
    let run = |words: &[&str]| avn(&client, &sandbox, words);
    let made = run(&NEW).expect_code(0).json();
    assert_eq!(made["state"], "APPROVED", "{made}");
    let refused = run(&["get"]).expect_code(0).stdout;
    let said = "State: INVALID_SPECIFICATION\nMessage: AADSTS7000229: ";
    assert!(refused.contains(said), "{refused}");
    let again = run(&NEW).expect_code(1).stderr;
    assert!(again.contains("already exists (status 409)"), "{again}");
    run(&["delete", "--json"]).expect_code(0);
    assert_eq!(run(&["list", "--json"]).expect_code(0).json(), json!([]));
    let gone = run(&["delete"]).expect_code(1).stderr;
    assert!(gone.contains("(status 404)"), "{gone}");
}

#[test]
fn what_avn_asked_for_setup_goes_on_with() {
    let Some(python) = support::python("Aiven's avn, then setup") else {
        return;
    };
    let client: PathBuf = python.with_file_name("avn");
    let sandbox = Served::start(["--lag", "none"]);
    let run = |words: &[&str]| avn(&client, &sandbox, words).expect_code(0);
    let colleague = Colleague::of(&sandbox);
    let principal = colleague.makes_principal(AIVEN.app_id);
    let guid = "0d5e3c1a-0000-4000-8000-000000000001";
    colleague.writes_role(SUBSCRIPTION, guid, "aiven-role", &[PEER], &[SUBSCRIPTION]);
    colleague.assigns(guid, guid, &principal);
    run(&NEW);
    let seen = run(&["get", "--json"]).json();
    assert_eq!(seen["state"], "PENDING_PEER", "{seen:#}");
    assert_eq!(seen["state_info"]["to-tenant-id"], AIVEN_TENANT, "{seen:#}");
    assert_eq!(seen["state_info"]["to-network-id"], AIVEN_NETWORK, "{seen:#}");
    let shown = run(&["get"]).stdout;
    assert!(
        shown.contains("TO-NETWORK-ID") && shown.contains(AIVEN_NETWORK),
        "{shown}"
    );

    AIVEN.done(&sandbox, &["--own-app", OWN_APP]);
    let active = || run(&["get"]).stdout.contains("State: ACTIVE").then_some(());
    poll(support::DEADLINE, active).expect("avn sees it active");
}

/// Whoever waits for the file finds this sandbox's exports in it, and az remembers nothing of the one before.
#[test]
fn the_exports_of_an_earlier_sandbox_are_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("env.sh");
    let az = folder.path().join("env.sh.az");
    std::fs::create_dir(&az).expect("a folder");
    let left = [az.join("msal_token_cache.json"), az.join("azureProfile.json")];
    std::fs::write(&file, "export AZURE_CLIENT_ID='earlier'\n").expect("a file");
    left.iter().for_each(|path| std::fs::write(path, "{}").expect("a file"));
    let mut sandbox = std::process::Command::new(support::PEERCTL)
        .args(["sandbox", "--env-file"])
        .arg(&file)
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("peerctl starts");
    let written = || {
        std::fs::read_to_string(&file)
            .ok()
            .filter(|text| !text.contains("earlier"))
    };
    let text = poll(support::DEADLINE, written);
    sandbox.kill().expect("it was running");
    sandbox.wait().expect("it ends");
    let exports = parse_exports(&text.expect("its exports"));
    assert_eq!(exports["AZURE_CLIENT_ID"], OWN_APP);
    assert_eq!(exports["AZURE_CONFIG_DIR"], az.display().to_string());
    let clouds = std::fs::read_to_string(az.join("clouds.config")).expect("az's clouds");
    assert!(clouds.contains(&exports["AZURE_AUTHORITY_HOST"]), "{clouds}");
    assert!(left.iter().all(|path| !path.exists()), "{left:?}");
}
