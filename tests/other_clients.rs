//! Clients that we did not write, against the sandbox: the Azure SDKs for Python, and Aiven's `avn`. (The real `az` has
//! tests of its own: `az_commands`, `brown_field`, `dry_run`.)
#![cfg(unix)]

mod support;

use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::json;
use support::az::PATIENCE;
use support::both_sides::{AIVEN, AIVEN_NETWORK, AIVEN_TENANT, VPC};
use support::cli::{Ran, peerctl, program};
use support::colleague::Colleague;
use support::kong::{SUBSCRIPTION, TENANT};
use support::running::Running;
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
            .within(PATIENCE)
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
    program(avn, all.copied()).envs(sandbox.env()).within(PATIENCE).run()
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
    let earlier =
        ["AZURE_CLIENT_ID", "KONNECT_API_URL", "PEERCTL_CLOUD"].map(|name| format!("export {name}='earlier'\n"));
    std::fs::write(&file, earlier.concat()).expect("a file");
    std::fs::write(az.join("clouds.config"), "[sandbox]\n").expect("a file");
    left.iter().for_each(|path| std::fs::write(path, "{}").expect("a file"));
    let words = ["sandbox".as_ref(), "--env-file".as_ref(), file.as_os_str()];
    let sandbox = Running::start(words, std::iter::empty::<(&str, &str)>());
    let written = || {
        std::fs::read_to_string(&file)
            .ok()
            .filter(|text| !text.contains("earlier"))
    };
    let text = poll(support::DEADLINE, written);
    drop(sandbox);
    let exports = parse_exports(&text.expect("its exports"));
    assert_eq!(exports["AZURE_CLIENT_ID"], OWN_APP);
    assert_eq!(exports["AZURE_CONFIG_DIR"], az.display().to_string());
    let clouds = std::fs::read_to_string(az.join("clouds.config")).expect("az's clouds");
    assert!(clouds.contains(&exports["AZURE_AUTHORITY_HOST"]), "{clouds}");
    assert!(left.iter().all(|path| !path.exists()), "{left:?}");
}

/// The example of the README and of `--help`, line by line, where an earlier sandbox has left its file.
#[test]
fn the_example_waits_for_its_own_sandbox() {
    let readme = include_str!("../README.md").replace('\r', "");
    let blocks = readme.split("```console\n").skip(1);
    let mut blocks = blocks.filter_map(|block| block.split("```").next());
    let example = blocks.find(|block| block.contains("--env-file sandbox.env"));
    let lines: Vec<&str> = example.expect("the example").lines().collect();
    let help = peerctl(["sandbox", "--help"]).run().expect_code(0).stdout;
    for line in &lines {
        assert!(help.contains(&format!("\n  {line}\n")), "{line} in {help}");
    }
    let script = lines
        .iter()
        .filter(|line| **line != "peerctl azure setup")
        .fold(String::new(), |script, line| script + line + "\n")
        + "kill $!\nwait\nprintf %s \"$AZURE_CLIENT_ID\"\n";
    let folder = Path::new(support::PEERCTL).parent().expect("a folder").display();
    let run = program("bash", ["-s"]).stdin(format!("PATH={folder}:$PATH\n{script}"));
    std::fs::write(run.home().join("sandbox.env"), "export AZURE_CLIENT_ID='earlier'\n").expect("a file");
    let ran = run.run().expect_code(0);
    assert!(ran.stdout.ends_with(OWN_APP), "{ran}");
}

#[test]
fn a_large_estate_is_served() {
    let sandbox = Served::start(["--lag", "none", "--subscriptions", "3", "--vnets", "120"]);
    let client = Colleague::of(&sandbox);
    let listed = |path: &str| {
        let (mut path, mut ids) = (path.to_owned(), Vec::new());
        loop {
            let page = client.azure(Method::GET, &path, None);
            let items = page["value"].as_array().expect("a list");
            ids.extend(items.iter().filter_map(|item| item["id"].as_str().map(str::to_owned)));
            let Some(next) = page["nextLink"].as_str() else {
                return ids;
            };
            path = next.trim_start_matches(sandbox.value("KONNECT_API_URL")).to_owned();
        }
    };
    let subscriptions = listed("/subscriptions?api-version=2022-12-01");
    assert_eq!(subscriptions.len(), 3 + 3);
    let last = subscriptions.last().expect("a subscription");
    let vnets = listed(&format!(
        "{last}/providers/Microsoft.Network/virtualNetworks?api-version=2024-03-01"
    ));
    assert_eq!(vnets.len(), 120);
    for (words, said) in [
        (["--subscriptions=3", "--estate=x", "--vnets=1"], "cannot be used with"),
        (["--subscriptions=0", "--vnets=1", "--port=0"], "0 is not in"),
    ] {
        let refused = peerctl(["sandbox"].iter().chain(&words)).run().expect_code(2).stderr;
        assert!(refused.contains(said), "{refused}");
    }
}
