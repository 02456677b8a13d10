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
fn hand_off_commands_are_quoted_and_whole() {
    let sandbox = Served::start(["--lag", "none"]);
    let flags = [
        "azure",
        "setup",
        "--no-input",
        "--yes",
        "--no-wait",
        "--vendor",
        "confluent",
        "--set",
    ];
    let ran = peerctl(flags.iter().chain(&["environment=what ever; é"]).chain(&NETWORK))
        .envs(sandbox.env())
        .env("COLUMNS", "60")
        .run()
        .expect_code(3);
    let command = ran
        .stderr
        .lines()
        .find(|line| line.contains("az tag update"))
        .expect("a command");
    assert!(
        command
            .trim_start()
            .starts_with("az tag update --resource-id /subscriptions/"),
        "{ran}"
    );
    assert!(
        command.ends_with("--operation merge --tags ConfluentEnvIDs='what ever; é'"),
        "{ran}"
    );
    let (granted, shown) = (
        ran.stderr.find("role-assignment: in place"),
        ran.stderr.find("az tag update"),
    );
    assert!(granted.is_some() && granted < shown, "Confluent looks once: {ran}");
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

/// Kong's profile as another vendor's, which sends a token of its own to the sandbox.
fn acme(sandbox: &Served) -> (std::path::PathBuf, String) {
    let api = sandbox.value("KONNECT_API_URL");
    let host = api.trim_start_matches("https://").trim_end_matches('/').to_owned();
    let text = include_str!("../src/vendors/kong.toml")
        .replace("id = \"kong\"", "id = \"acme\"")
        .replace("https://global.api.konghq.com", api)
        .replace("KONNECT_API_URL", "ACME_API_URL")
        .replace("KONNECT_TOKEN", "ACME_TOKEN");
    let file = sandbox.folder().join("acme.toml");
    std::fs::write(&file, text).expect("a file");
    (file, host)
}

#[test]
fn profile_of_a_file_sends_no_token_to_a_host_that_is_not_allowed() {
    let sandbox = Served::start(["--lag", "none"]);
    let (file, host) = acme(&sandbox);
    let line = [
        "azure",
        "status",
        "--no-input",
        "--set",
        "network=eastus2-network",
        "--vendor",
    ];
    let run = |more: &[&str]| {
        peerctl(
            line.iter()
                .copied()
                .chain([file.to_str().expect("a path")])
                .chain(NETWORK)
                .chain(more.iter().copied()),
        )
        .envs(sandbox.env())
        .env("ACME_TOKEN", sandbox.value("KONNECT_TOKEN"))
        .run()
    };
    let asked = || {
        sandbox
            .asked()
            .iter()
            .filter(|line| line.contains("cloud-gateways"))
            .count()
    };
    for more in [&[][..], &["--trust-vendor-host", "elsewhere.example"]] {
        let ran = run(more).expect_code(2);
        for part in [host.as_str(), "ACME_TOKEN", "--trust-vendor-host"] {
            assert!(ran.stderr.contains(part), "{part}\n{ran}");
        }
    }
    assert_eq!(asked(), 0, "no token has left");
    let ran = run(&["--trust-vendor-host", &host]);
    assert_ne!(ran.code, Some(2), "{ran}");
    assert_ne!(asked(), 0, "{ran}");
}

#[test]
fn profile_names_no_variable_of_others_and_shows_no_value() {
    let sandbox = Served::start(["--lag", "none"]);
    let (file, _) = acme(&sandbox);
    let acme = std::fs::read_to_string(&file).expect("the profile");
    for (from, to) in [
        ("ACME_API_URL", "AZURE_CLIENT_SECRET"),
        ("ACME_API_URL", "DATABASE_URL"),
        ("ACME_TOKEN", "GITHUB_TOKEN"),
        ("ACME_TOKEN", "HOME"),
    ] {
        std::fs::write(&file, acme.replace(from, to)).expect("a file");
        let line = [
            "azure",
            "status",
            "--no-input",
            "--vendor",
            file.to_str().expect("a path"),
        ];
        let ran = peerctl(line.into_iter().chain(NETWORK))
            .envs(sandbox.env())
            .env(to, "p4ss")
            .run()
            .expect_code(2);
        assert!(ran.stderr.contains(to) && !ran.stderr.contains("p4ss"), "{ran}");
    }
    assert!(sandbox.asked().is_empty());
}

#[test]
fn address_of_an_api_is_refused_without_its_value() {
    let sandbox = Served::start(["--lag", "none"]);
    for address in ["https://user:p4ss@h.example", "http://p4ss.example", "p4ss"] {
        let line = [
            "azure",
            "status",
            "--no-input",
            "--vendor",
            "kong",
            "--set",
            "network=x",
        ];
        let run = peerctl(line.iter().chain(&NETWORK)).envs(sandbox.env());
        let ran = run.env("KONNECT_API_URL", address).run().expect_code(2);
        assert!(
            ran.stderr.contains("KONNECT_API_URL") && !ran.stderr.contains("p4ss"),
            "{ran}"
        );
    }
}

#[test]
fn data_file_names_no_cloud_but_azures_own() {
    let sandbox = Served::start(["--lag", "none"]);
    let cloud = sandbox.value("PEERCTL_CLOUD");
    let peerings = sandbox.folder().join("peerings.toml");
    let env = || sandbox.env().iter().filter(|(name, _)| *name != "PEERCTL_CLOUD");
    for text in [
        format!("[defaults]\ncloud = {cloud:?}\n[[peering]]\nvendor = \"kong\"\n"),
        format!("[[peering]]\ncloud = {cloud:?}\nvendor = \"kong\"\n"),
        "[[peering]]\ntrust-vendor-host = \"h\"\nvendor = \"kong\"\n".to_owned(),
    ] {
        std::fs::write(&peerings, &text).expect("a file");
        let line = [
            "azure",
            "apply",
            peerings.to_str().expect("a path"),
            "--no-input",
            "--yes",
        ];
        let ran = peerctl(line).envs(env()).run().expect_code(2);
        assert!(ran.stderr.contains("line "), "{ran}");
    }
    let config = sandbox.folder().join("config.toml");
    std::fs::write(&config, format!("[profiles.x]\ncloud = {cloud:?}\n")).expect("a file");
    let line = [
        "azure",
        "status",
        "--no-input",
        "--profile",
        "x",
        "--config",
        config.to_str().expect("a path"),
    ];
    let ran = peerctl(line).envs(env()).run().expect_code(2);
    assert!(ran.stderr.contains("--cloud FILE"), "{ran}");
    assert!(sandbox.asked().is_empty());
}
