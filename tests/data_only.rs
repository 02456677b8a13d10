//! Vendors that are a TOML file and no Rust: MongoDB Atlas, Confluent Cloud, and one of the user's own.

mod support;

use serde_json::Value;
use support::cli::peerctl;
use support::served::Served;

const NETWORK: [&str; 4] = ["--resource-group", "rg-network", "--vnet", "vnet-app"];

fn by_hand(sandbox: &Served, vendor: &[&str]) -> Value {
    let flags = [
        "azure",
        "setup",
        "--no-input",
        "--yes",
        "--no-wait",
        "-o",
        "json",
        "--vendor",
    ];
    peerctl(flags.iter().chain(vendor).chain(&NETWORK))
        .envs(sandbox.env())
        .run()
        .expect_code(3)
        .json()
}

fn label(document: &Value, label: &str) -> String {
    let values = document["handOff"]["values"].as_array().expect("a card");
    let found = values.iter().find(|value| value["label"] == label);
    found
        .and_then(|value| value["value"].as_str())
        .unwrap_or_else(|| panic!("{label} in {values:?}"))
        .to_owned()
}

#[test]
fn atlas_gets_its_role_at_the_network_and_the_card_its_labels() {
    let sandbox = Served::start(["--lag", "none"]);
    let document = by_hand(&sandbox, &["atlas"]);
    assert_eq!(document["outcome"], "waiting");
    assert_eq!(label(&document, "VNet Name"), "vnet-app");
    assert!(
        document["handOff"]["before"][0]
            .as_str()
            .is_some_and(|text| text.contains("network container"))
    );
    let state = sandbox.state().to_string();
    let role = format!(
        "AtlasPeering/{}/rg-network/vnet-app",
        sandbox.value("AZURE_SUBSCRIPTION_ID")
    );
    assert!(state.contains(&role), "{role}");
    let again = by_hand(&sandbox, &["atlas"]);
    assert_eq!(again["stats"]["writes"], 0, "{again:#}");
}

#[test]
fn confluent_says_which_tag_the_network_needs_before() {
    let sandbox = Served::start(["--lag", "none"]);
    let document = by_hand(&sandbox, &["confluent", "--set", "environment=env-abc123"]);
    let before = document["handOff"]["before"][0].as_str().expect("a command");
    assert!(
        before.starts_with("az tag update --resource-id /subscriptions/"),
        "{before}"
    );
    assert!(
        before.ends_with("/virtualNetworks/vnet-app --operation merge --tags ConfluentEnvIDs=env-abc123"),
        "{before}"
    );
}

#[test]
fn a_vendor_of_ones_own_is_a_file() {
    let sandbox = Served::start(["--lag", "none"]);
    let run = peerctl(["vendors", "mine.toml"]);
    let atlas = include_str!("../src/vendors/atlas.toml");
    let mine = run.home().join("mine.toml");
    std::fs::write(
        &mine,
        atlas
            .replace("id = \"atlas\"", "id = \"mine\"")
            .replace("MongoDB Atlas", "Mine"),
    )
    .expect("a file");
    let mine = mine.to_str().expect("a path").to_owned();
    let page = run.run().expect_code(0);
    for action in ["virtualNetworkPeerings/write", "virtualNetworks/peer/action"] {
        assert!(page.stdout.contains(action), "{page}");
    }
    let document = by_hand(&sandbox, &[&mine]);
    assert_eq!(document["vendor"], "mine");

    std::fs::write(&mine, atlas.replace("{vnet}\" },", "{vnett}\" },")).expect("a file");
    let ran = peerctl(["azure", "setup", "--no-input", "--yes", "--vendor", &mine])
        .run()
        .expect_code(2);
    let said = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("mine.toml") && said.contains("line ") && said.contains("{vnett}"),
        "{ran}"
    );
}

#[test]
fn the_script_says_so_too_and_bash_takes_it() {
    let network = "/subscriptions/11d0b6a2-64a6-4f0b-8d2e-3a5f70c91e01/resourceGroups/rg-network/providers/Microsoft.Network/virtualNetworks/vnet-app";
    let tenant = "6b1f5c5e-8a4e-4d0e-9a53-1f0c2d7e4b10";
    let flags = [
        "azure",
        "setup",
        "--dry-run",
        "--vendor",
        "confluent",
        "--set",
        "environment=env-abc123",
    ];
    let printed = peerctl(flags.iter().chain(&["--tenant-id", tenant, "--vnet-id", network]))
        .run()
        .expect_code(0);
    assert!(
        printed.stdout.contains("--tags ConfluentEnvIDs=env-abc123'"),
        "{printed}"
    );
    let script = printed.stdout.clone();
    support::cli::program("bash", ["-n", "/dev/stdin"])
        .stdin(script)
        .run()
        .expect_code(0);
}
