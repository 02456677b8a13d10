//! Clients that we did not write, against the sandbox: the Azure SDKs for Python, and Aiven's `avn`. (The real `az` has
//! tests of its own: `az_commands`, `brown_field`, `dry_run`.)
#![cfg(unix)]

mod support;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::both_sides::{AIVEN_NETWORK, AIVEN_TENANT, VPC};
use support::cli::{Ran, program};
use support::colleague::Colleague;
use support::kong::{SUBSCRIPTION, TENANT, VNET_ID};
use support::served::{Served, poll};

const OWN_APP: &str = "a3c1d2e4-5f60-4718-92a3-b4c5d6e7f801";
const AIVEN_APP: &str = "55f300d4-fc50-4c5e-9222-e90a6e2187fb";
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

#[test]
fn avn_asks_looks_and_takes_back() {
    let Some(python) = support::python("Aiven's avn") else {
        return;
    };
    let client: PathBuf = python.with_file_name("avn");
    let sandbox = Served::start(["--lag", "none"]);
    let run = |words: &[&str]| avn(&client, &sandbox, words);
    let new = [
        "create",
        "--json",
        "--peer-azure-app-id",
        OWN_APP,
        "--peer-azure-tenant-id",
        TENANT,
    ];

    let made = run(&new).expect_code(0).json();
    assert_eq!(made["state"], "APPROVED", "{made}");
    let refused = run(&["get"]).expect_code(0);
    assert!(
        refused
            .stdout
            .contains("State: INVALID_SPECIFICATION\nMessage: AADSTS7000229: "),
        "{refused}"
    );
    let again = run(&new).expect_code(1);
    assert!(
        again
            .stderr
            .contains("VPC peering connection already exists (status 409)"),
        "{again}"
    );
    run(&["delete", "--json"]).expect_code(0);
    assert_eq!(run(&["list", "--json"]).expect_code(0).json(), json!([]));
    let gone = run(&["delete"]).expect_code(1);
    assert!(gone.stderr.contains("(status 404)"), "{gone}");

    // With consent and the role it is up to the customer.
    let colleague = Colleague::of(&sandbox);
    let principal = colleague.makes_principal(AIVEN_APP);
    let guid = "0d5e3c1a-0000-4000-8000-000000000001";
    colleague.writes_role(SUBSCRIPTION, guid, "aiven-role", &[PEER], &[SUBSCRIPTION]);
    colleague.assigns(guid, guid, &principal);
    run(&new).expect_code(0);
    let seen = run(&["get", "--json"]).expect_code(0).json();
    let wanted = json!({"to-tenant-id": AIVEN_TENANT, "to-network-id": AIVEN_NETWORK});
    assert_eq!(seen["state"], "PENDING_PEER", "{seen:#}");
    for (name, value) in wanted.as_object().expect("an object") {
        assert_eq!(&seen["state_info"][name], value, "{seen:#}");
    }
    let shown = run(&["get"]).expect_code(0).stdout;
    assert!(
        shown.contains("TO-NETWORK-ID") && shown.contains(AIVEN_NETWORK),
        "{shown}"
    );
    // What avn asked for is what peerctl goes on with.
    let id = format!("vpc={VPC}");
    let line = [
        "azure",
        "setup",
        "--vendor",
        "aiven",
        "--set",
        "project=demo",
        "--set",
        &id,
        "--vnet-id",
        VNET_ID,
    ];
    let more = ["--no-input", "--yes", "-o", "json", "--own-app", OWN_APP];
    let run_setup = || -> Value {
        let all = line.iter().chain(&more).copied();
        let own = [("PEERCTL_OWN_APP_SECRET", sandbox.value("AZURE_CLIENT_SECRET"))];
        let ran = support::cli::peerctl(all).envs(sandbox.env()).envs(own).run();
        ran.expect_code(0).json()
    };
    assert_eq!(run_setup()["outcome"], "done");
    let active = poll(support::DEADLINE, || {
        let shown = run(&["get"]).expect_code(0).stdout;
        shown.contains("State: ACTIVE").then_some(())
    });
    active.expect("avn sees it active");
}
