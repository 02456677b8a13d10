//! `peerctl azure setup` as a pipeline runs it: everything by flag and environment, nobody at a terminal.

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::cli::{Ran, peerctl};
use support::golden::compare_with_golden;
use support::kong::{self, NETWORK, SUBSCRIPTION, TENANT, VNET_ID, setup};
use support::link::DRAGONFLY;
use support::served::{Body, Served};

/// A sandbox in which everything takes effect at once.
fn sandbox() -> Served {
    Served::start(["--lag", "none"])
}

/// Flags for another network than `vnet-app` of `rg-network`.
fn other_network<'a>(group: &'a str, vnet: &'a str, network: &'a str) -> Vec<&'a str> {
    vec![
        "azure",
        "setup",
        "--no-input",
        "--yes",
        "--vendor",
        "kong",
        "-g",
        group,
        "--vnet",
        vnet,
        "--set",
        network,
    ]
}

#[test]
fn every_input_by_flag_gives_exit_code_0_and_the_one_json_document() {
    let sandbox = sandbox();
    let ran = setup(&sandbox, &["-o", "json"]).run().expect_code(0);
    let mut document = ran.json();
    hide_times(&mut document);
    compare_with_golden("setup-done.json", &document);
}

/// Takes out what differs from run to run, and nothing else: how long it took, and the record's name.
fn hide_times(document: &mut Value) {
    assert!(document["record"].is_string(), "{document}");
    document["record"] = "(a file)".into();
    document["stats"]["elapsedMs"] = "(some)".into();
    // Where nothing is slow, which requests were under way together is chance.
    assert!(document["stats"]["sequentialRequests"].is_u64(), "{document}");
    document["stats"]["sequentialRequests"] = "(some)".into();
    for step in document["steps"].as_array_mut().expect("steps") {
        assert!(step["waitedMs"].is_u64(), "{step}");
        step["waitedMs"] = "(some)".into();
    }
}

#[test]
fn in_text_mode_stdout_has_the_result_and_stderr_the_progress() {
    let sandbox = sandbox();
    let ran = setup(&sandbox, &[]).run().expect_code(0);
    assert!(
        ran.stdout.starts_with("Done: vnet-app and Kong Konnect are peered.\n"),
        "{ran}"
    );
    for part in [
        "vnet-app → Kong Konnect: Connected, FullyInSync (10.0.0.0/16)",
        "Kong Konnect → vnet-app: Connected, FullyInSync (10.20.0.0/16)",
        "created roleDefinition ",
        "created roleAssignment ",
        "created transit gateway ",
    ] {
        assert!(ran.stdout.contains(part), "{part}\n{ran}");
    }
    for part in [
        "Signed in as peerctl-operator to Contoso",
        "Plan:",
        "role-definition: writing",
        "peering: in place",
    ] {
        assert!(ran.stderr.contains(part) && !ran.stdout.contains(part), "{part}\n{ran}");
    }
    let scope = format!("role-assignment: created roleAssignment {VNET_ID}/providers/");
    assert!(ran.stderr.contains(&scope), "ids are shown as they are: {ran}");
    // Nothing was asked, so there is nothing to learn from the flags that were just given.
    assert!(!ran.stdout.contains("without questions"), "{ran}");
    assert!(!format!("{}{}", ran.stdout, ran.stderr).contains('\u{1b}'), "{ran}");
}

#[test]
fn the_same_inputs_come_by_environment_alone() {
    let sandbox = sandbox();
    let ran = peerctl(["azure", "setup", "--no-input", "--yes", "-o", "json"])
        .envs(sandbox.env())
        .env("PEERCTL_VENDOR", "kong")
        .env("PEERCTL_RESOURCE_GROUP", "rg-network")
        .env("PEERCTL_VNET", "vnet-app")
        .env("PEERCTL_SET_NETWORK", NETWORK)
        .env("PEERCTL_SET_DNS", "a.example=10.20.0.4;b.example=10.20.0.5")
        .run()
        .expect_code(0);
    assert_eq!(ran.json()["inputs"]["vnetId"], VNET_ID, "{ran}");
    assert_eq!(
        sandbox.state()["transitGateways"][0]["dns"][1]["domain_proxy_list"],
        json!(["b.example"])
    );
}

#[test]
fn quiet_says_nothing_but_the_result_and_what_went_wrong() {
    let sandbox = sandbox();
    let ran = setup(&sandbox, &["--quiet"]).run().expect_code(0);
    assert_eq!(ran.stderr, "", "{ran}");
    assert!(ran.stdout.starts_with("Done: "), "{ran}");
    let ran = setup(&sandbox, &["--quiet", "--timeout", "soon"]).run().expect_code(2);
    assert!(ran.stderr.starts_with("Error: --timeout"), "{ran}");
    assert_eq!(ran.stdout, "", "{ran}");
}

#[test]
fn every_missing_input_is_named_at_once() {
    let table: [(&[&str], &[&str], &[&str]); 3] = [
        (
            &[],
            &[
                "--vendor or PEERCTL_VENDOR: ",
                "--subscription or AZURE_SUBSCRIPTION_ID: ",
                "--resource-group or PEERCTL_RESOURCE_GROUP: ",
                "--vnet or PEERCTL_VNET: ",
                "--yes: ",
            ],
            &[],
        ),
        (
            &["--vendor", "kong", "--vendor-access", "api"],
            &[
                "--subscription or ",
                "--resource-group or ",
                "--vnet or ",
                "--set network=… or PEERCTL_SET_NETWORK: ",
                "KONNECT_TOKEN: ",
                "--yes: ",
            ],
            &["--vendor or"],
        ),
        (
            &["--vendor", "kong", "--vnet-id", VNET_ID, "--vendor-access", "manual"],
            &["--yes: "],
            &["KONNECT_TOKEN", "--set network", "--vnet or"],
        ),
    ];
    for (flags, named, not_named) in table {
        let run = |format: &str| {
            let own = ["azure", "setup", "--no-input", "-o", format];
            peerctl(own.iter().chain(flags)).run().expect_code(2)
        };
        let text = run("text");
        assert_eq!(text.stdout, "", "{text}");
        let json = run("json");
        let document = json.json();
        assert_eq!(
            (&document["outcome"], &document["error"]["kind"]),
            (&json!("failed"), &json!("usage"))
        );
        let lines: Vec<&str> = document["error"]["remedies"]
            .as_array()
            .expect("what to give")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        assert_eq!(lines.len(), named.len(), "{json}");
        for name in named {
            assert!(text.stderr.contains(name), "{name}\n{text}");
            assert!(lines.iter().any(|line| line.starts_with(name)), "{name}\n{json}");
        }
        assert!(not_named.iter().all(|name| !text.stderr.contains(name)), "{text}");
    }
}

#[test]
fn a_run_without_a_terminal_asks_nothing_even_if_it_was_not_told_so() {
    let ran = peerctl(["azure", "setup"]).run().expect_code(2);
    assert!(ran.stderr.contains("Nobody is asked"), "{ran}");
}

#[test]
fn a_malformed_input_is_refused_before_anything_is_sent() {
    let sandbox = sandbox();
    let long_domain = format!("dns={}.example=10.0.0.4", "a".repeat(64));
    let table: [(&[&str], &str); 22] = [
        (&["--tenant-id", "contoso"], "A tenant ID is a GUID;"),
        (
            &["--set", "network"],
            "--set network cannot be used.\n  Why:  It has the form KEY=VALUE.",
        ),
        (&["--set", "=x"], "--set =x cannot be used."),
        (
            &["--set", "netwrok=x"],
            "--set netwrok=… is no input of Kong Konnect.\n  Why:  It has network, dns, name, app-id.",
        ),
        (&["--set", "dns=internal.example.com"], "is not a valid DNS mapping"),
        (
            &["--set", "dns=a.example=10.0.0.999"],
            "'10.0.0.999' is not a valid IP address.",
        ),
        (&["--set", &long_domain], "is not a valid domain name."),
        (&["--set", "app-id=kong"], "'kong' is not a GUID."),
        (&["--timeout", "soon"], "say 30m or 1h30m"),
        (&["--consent", "maybe"], "'maybe' is none of browser, create, wait"),
        (&["--vendor-access", "fax"], "'fax' is none of api, manual"),
        (&["--auth", "password"], "It is one of auto, azure-cli, environment"),
        (
            &["--cloud", "/no/such/file"],
            "is not a known cloud (public, usgov, china)",
        ),
        (&["--peering-name", "../other"], "is not a peering name"),
        (&["--color", "blue"], "possible values: auto, always, never"),
        (&["--output", "xml"], "possible values: text, json"),
        (&["--no-such-flag"], "unexpected argument '--no-such-flag'"),
        (&["--vnet-id", VNET_ID], "cannot be used with '--vnet-id <ID>'"),
        (&["--sandbox", "--cloud", "public"], "'--sandbox' cannot be used with"),
        (&["--timeout=-5"], "say 30m or 1h30m"),
        (&["extra"], "unexpected argument 'extra'"),
        (
            &["--set", "network=a", "--set", "dns==10.0.0.4"],
            "is not a valid domain name.",
        ),
    ];
    for (flags, why) in table {
        let ran = setup(&sandbox, flags).run().expect_code(2);
        assert!(unfolded(&ran.stderr).contains(&unfolded(why)), "{why}\n{ran}");
        assert_eq!(ran.stdout, "", "{ran}");
    }
    assert_nothing_sent(&sandbox);
}

#[test]
fn a_malformed_network_or_vendor_is_refused_before_anything_is_sent() {
    let sandbox = sandbox();
    let own = [
        "azure",
        "setup",
        "--no-input",
        "--yes",
        "--set",
        "network=eastus2-network",
    ];
    let bad_id = VNET_ID.replace("virtualNetworks", "loadBalancers");
    let climbing = VNET_ID.replace("rg-network", "..");
    let table: [(&[&str], &str); 9] = [
        (
            &["--vendor", "nope", "--vnet-id", VNET_ID],
            "Unknown vendor 'nope' (kong,",
        ),
        (&["--vendor", "/", "--vnet-id", VNET_ID], "--vendor / cannot be used."),
        (
            &["--vendor", "kong", "--vnet-id", "vnet-app"],
            "is not the id of a virtual network",
        ),
        (
            &["--vendor", "kong", "--vnet-id", &bad_id],
            "is not the id of a virtual network",
        ),
        (
            &["--vendor", "kong", "--vnet-id", &climbing],
            "--vnet-id cannot be used.",
        ),
        (
            &["--vendor", "kong", "-g", "rg-network", "--vnet", "../vnet-app"],
            "--vnet cannot be used.\n  Why:  '../vnet-app' is not a virtual network name",
        ),
        (
            &["--vendor", "kong", "-g", "rg/../..", "--vnet", "vnet-app"],
            "--resource-group cannot be used.",
        ),
        (
            &["--vendor", "kong", "-g", "..", "--vnet", "vnet-app"],
            "--resource-group cannot be used.",
        ),
        (
            &["--vendor", "kong", "-g", "rg-network", "--vnet", "vnet\napp"],
            "--vnet cannot be used.",
        ),
    ];
    for (flags, why) in table {
        let ran = peerctl(own.iter().chain(flags))
            .envs(sandbox.env())
            .run()
            .expect_code(2);
        assert!(unfolded(&ran.stderr).contains(&unfolded(why)), "{why}\n{ran}");
    }
    assert_nothing_sent(&sandbox);
}

#[test]
fn a_vendor_address_or_a_cloud_that_would_leak_a_token_is_refused_before_anything_is_sent() {
    let sandbox = sandbox();
    for address in [
        "http://localhost:9",
        "ftp://example.com",
        "not an address",
        "https://",
        "https://global.api.konghq.com@localhost:9",
    ] {
        let ran = setup(&sandbox, &[])
            .env("KONNECT_API_URL", address)
            .run()
            .expect_code(2);
        assert!(ran.stderr.contains("The token goes to an https address only,"), "{ran}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let cloud = std::fs::read_to_string(sandbox.value("PEERCTL_CLOUD")).expect("the cloud file");
    let table = [
        ("{", "cannot"),
        ("{}", "cannot"),
        (&cloud.replace("https://localhost", "http://localhost"), "https"),
    ];
    for (text, why) in table {
        let file = folder.path().join("cloud.json");
        std::fs::write(&file, text).expect("a file");
        let ran = setup(&sandbox, &["--cloud", &file.display().to_string()])
            .run()
            .expect_code(2);
        assert!(
            ran.stderr.contains("--cloud") && ran.stderr.contains(why),
            "{why}\n{ran}"
        );
    }
    assert_nothing_sent(&sandbox);
}

#[test]
fn a_malformed_input_is_a_json_document_too() {
    let ran = peerctl(kong::command_line(&[
        "--subscription",
        SUBSCRIPTION,
        "--consent",
        "maybe",
        "-o",
        "json",
    ]))
    .env("KONNECT_TOKEN", "kpat_x")
    .run()
    .expect_code(2);
    let document = ran.json();
    assert_eq!(document["outcome"], "failed");
    assert_eq!(document["error"]["what"], "--consent cannot be used.");
    assert_eq!(document["stats"]["requests"], 0);
}

#[test]
fn a_wrong_client_secret_is_explained_and_no_secret_is_ever_shown() {
    const WRONG: &str = "a-secret-that-is-wrong~Zq3";
    let sandbox = sandbox();
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("requests.jsonl");
    let log_flag = log.display().to_string();
    let flags = ["-vv", "--log-file", &log_flag];

    let refused = setup(&sandbox, &flags)
        .env("AZURE_CLIENT_SECRET", WRONG)
        .run()
        .expect_code(1);
    for part in [
        "AADSTS7000215",
        "The client secret is wrong.",
        "Set AZURE_CLIENT_SECRET",
        "correlation ID ",
    ] {
        assert!(refused.stderr.contains(part), "{part}\n{refused}");
    }
    let written = std::fs::read_to_string(&log).expect("a log");
    assert!(
        written.contains("oauth2/v2.0/token"),
        "the log has the request: {written}"
    );
    assert_no_secret(&[&refused.stdout, &refused.stderr, &written], &[WRONG]);

    let refused = setup(&sandbox, &["-o", "json"])
        .env("AZURE_CLIENT_SECRET", WRONG)
        .run()
        .expect_code(1);
    let document = refused.json();
    assert_eq!(
        (&document["outcome"], &document["error"]["kind"]),
        (&json!("failed"), &json!("sign-in"))
    );
    assert_eq!(document["error"]["code"], "AADSTS7000215");

    // A run that does everything has had every secret and token in its hands.
    let done = setup(&sandbox, &flags).run().expect_code(0);
    let written = std::fs::read_to_string(&log).expect("a log");
    assert!(
        written.lines().count() > 20 && written.contains("transit-gateways"),
        "{written}"
    );
    assert!(done.stderr.contains("roleAssignments"), "-vv shows requests: {done}");
    let secrets = [sandbox.value("AZURE_CLIENT_SECRET"), sandbox.value("KONNECT_TOKEN")];
    assert_no_secret(&[&done.stdout, &done.stderr, &written], &secrets);
}

/// No secret, also in the encodings that a request may give it, and no token: each JWT begins with `eyJ`.
#[track_caller]
fn assert_no_secret(texts: &[&str], secrets: &[&str]) {
    for text in texts {
        for secret in secrets {
            let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            assert!(
                !text.contains(secret) && !text.contains(&encoded),
                "a secret in:\n{text}"
            );
        }
        assert!(!text.contains("eyJ"), "a token in:\n{text}");
    }
}

#[test]
fn what_does_not_exist_is_said_with_what_does_and_nothing_is_written() {
    let sandbox = sandbox();
    let before = sandbox.state();
    let expect = |ran: Ran, kind: &str, parts: &[&str]| {
        let ran = ran.expect_code(1);
        let document = ran.json();
        assert_eq!(document["outcome"], "failed", "{ran}");
        assert_eq!(document["error"]["kind"], kind, "{ran}");
        for part in parts {
            assert!(unfolded(&ran.stderr).contains(part), "{part}\n{ran}");
        }
    };
    let run = |args: &[&str]| peerctl(args.iter().chain(&["-o", "json"])).envs(sandbox.env());

    let network = "network=eastus2-network";
    expect(
        run(&other_network("rg-network", "vnet-nope", network)).run(),
        "not-found",
        &[
            "There is no virtual network vnet-nope in resource group rg-network.",
            "az network vnet list",
        ],
    );
    expect(
        run(&other_network("rg-nope", "vnet-app", network)).run(),
        "not-found",
        &["rg-nope"],
    );
    expect(
        run(&other_network("rg-network", "vnet-app", "network=nope")).run(),
        "not-found",
        &[
            "Kong Konnect has no network 'nope'.",
            "It has: eastus2-network, westeurope-network, new-network.",
        ],
    );
    expect(
        setup(&sandbox, &["-o", "json", "--subscription", "Contoso Prodction"]).run(),
        "not-found",
        &["This sign-in sees: Contoso Production, Contoso Staging, Contoso Sandbox."],
    );
    expect(
        setup(&sandbox, &["-o", "json", "--subscription", TENANT]).run(),
        "not-found",
        &["SubscriptionNotFound"],
    );
    expect(
        setup(&sandbox, &["-o", "json"])
            .env("KONNECT_TOKEN", "kpat_wrong")
            .run(),
        "sign-in",
        &["Konnect rejected the token", "set KONNECT_TOKEN"],
    );
    expect(
        setup(&sandbox, &["-o", "json"])
            .env("KONNECT_TOKEN", "kpat_powerless000000000000000000000000000000")
            .run(),
        "permission",
        &["KonnectForbidden", "--vendor-access manual"],
    );
    assert_eq!(sandbox.writes(), Vec::<String>::new());
    assert_eq!(sandbox.state(), before);
}

#[test]
fn a_subscription_and_a_konnect_network_may_be_named_either_way() {
    let sandbox = sandbox();
    let id = format!("network={}", kong::NETWORK_ID);
    let mut flags = other_network("RG-Network", "VNET-APP", &id);
    flags.extend(["--subscription", "contoso production"]);
    peerctl(&flags).envs(sandbox.env()).run().expect_code(0);
    // Names are compared without case, so this is the same run.
    let again = setup(&sandbox, &["-o", "json"]).run().expect_code(0);
    assert_eq!(again.json()["outcome"], "unchanged", "{again}");
}

#[test]
fn dragonfly_gets_the_ipv4_block_of_a_dual_stack_network() {
    let sandbox = sandbox();
    let change = json!({"addressSpace": {"id": VNET_ID, "prefixes": ["fd00:db8:20::/48", "10.20.0.0/16"]}});
    let (status, answer) = sandbox.send(Method::POST, "/_sandbox/edit", None, Body::Json(change));
    assert_eq!(status, 204, "{answer}");
    DRAGONFLY.run(&sandbox, "setup", &[], 0);
    let key = sandbox.value("DFCLOUD_API_KEY").to_owned();
    let (_, connections) = sandbox.send(Method::GET, "/v1/connections", Some(&key), Body::None);
    let peer = &connections[0]["connection_config"]["peer"];
    assert_eq!(peer["cidr_block"], "10.20.0.0/16", "{connections}");
}

#[test]
fn networks_that_share_addresses_block_before_the_first_write() {
    let sandbox = sandbox();
    let flags = other_network("rg-legacy", "vnet-legacy", "network=eastus2-network");
    let ran = peerctl(flags.iter().chain(&["-o", "json"]))
        .envs(sandbox.env())
        .run()
        .expect_code(4);
    let document = ran.json();
    assert_eq!(
        (&document["outcome"], &document["error"]["kind"]),
        (&json!("blocked"), &json!("preflight"))
    );
    let checks = document["checks"].as_array().expect("checks");
    let failed: Vec<&Value> = checks.iter().filter(|check| check["ok"] == false).collect();
    assert_eq!(failed.len(), 1, "{ran}");
    assert_eq!(failed[0]["id"], "address-overlap");
    assert_eq!(
        failed[0]["detail"],
        "eastus2-network (10.0.0.0/16) overlaps with vnet-legacy (10.0.0.0/16)"
    );
    let text = peerctl(&flags).envs(sandbox.env()).run().expect_code(4);
    assert!(text.stdout.starts_with("Blocked: nothing was written."), "{text}");
    assert!(
        text.stderr.contains("Choose a virtual network that doesn't overlap."),
        "{text}"
    );
    assert_eq!(sandbox.writes(), Vec::<String>::new());
}

#[test]
fn a_konnect_network_that_is_not_ready_blocks_before_the_first_write() {
    let sandbox = sandbox();
    let flags = other_network("rg-network", "vnet-app", "network=new-network");
    let ran = peerctl(&flags).envs(sandbox.env()).run().expect_code(4);
    assert!(
        ran.stderr.contains("Kong Konnect network new-network is initializing"),
        "{ran}"
    );
    assert_eq!(sandbox.writes(), Vec::<String>::new());
}

#[test]
fn the_embedded_azure_needs_no_environment_at_all() {
    let mut flags = kong::command_line(&["--sandbox", "-o", "json"]);
    flags.extend(["--subscription".to_owned(), "Contoso Production".to_owned()]);
    let ran = peerctl(flags).run().expect_code(0);
    let document = ran.json();
    assert_eq!(document["outcome"], "done", "{ran}");
    assert!(
        ran.stderr.contains("nothing leaves this machine"),
        "it says that it is a rehearsal: {ran}"
    );
    let waited = document["steps"].as_array().expect("steps").iter();
    assert!(
        waited
            .map(|step| step["waitedMs"].as_u64().unwrap_or_default())
            .sum::<u64>()
            > 0,
        "a rehearsal shows the waits that Azure has: {ran}"
    );
}

#[test]
fn vendors_lists_who_is_known_and_what_each_is_given() {
    let list = peerctl(["vendors"]).run().expect_code(0);
    assert!(list.stdout.starts_with("kong "), "{list}");
    let page = peerctl(["vendors", "kong"]).run().expect_code(0);
    for part in kong::ACTIONS.iter().chain(&[
        kong::APP_ID,
        kong::ROLE,
        "network ",
        "KONNECT_TOKEN",
        "KONNECT_API_URL",
        "VNET Name",
    ]) {
        assert!(page.stdout.contains(part), "{part}\n{page}");
    }
    let documents = peerctl(["vendors", "-o", "json"]).run().expect_code(0).json();
    let document = peerctl(["vendors", "kong", "-o", "json"]).run().expect_code(0).json();
    assert_eq!(documents[0], document);
    assert_eq!(document["applicationId"], kong::APP_ID);
    assert_eq!(document["role"]["actions"], json!(kong::ACTIONS));
    assert_eq!(document["inputs"][0]["key"], "network");

    let unknown = peerctl(["vendors", "kongg"]).run().expect_code(2);
    assert_eq!(unknown.stdout, "");
    assert!(unknown.stderr.contains("Unknown vendor 'kongg'"), "{unknown}");
}

#[test]
fn every_command_explains_itself() {
    let mut seen = Vec::new();
    explained(&[], &mut seen);
    for command in ["azure setup", "vendors", "sandbox"] {
        assert!(seen.iter().any(|known| known == command), "{command} in {seen:?}");
    }
}

/// Asks a command and all below it for help, short and long.
fn explained(command: &[String], seen: &mut Vec<String>) {
    let with = |flag: &str| {
        let flag = flag.to_owned();
        peerctl(command.iter().cloned().chain([flag])).run().expect_code(0)
    };
    let (short, long) = (with("-h"), with("--help"));
    for help in [&short, &long] {
        assert_eq!(help.stderr, "", "{help}");
        assert!(help.stdout.contains("Usage: peerctl"), "{help}");
    }
    seen.push(command.join(" "));
    let below = long.stdout.split("\nCommands:\n").nth(1).unwrap_or_default();
    for line in below.lines().take_while(|line| line.starts_with("  ")) {
        let name = line.split_whitespace().next().unwrap_or_default();
        // Continuation lines of a long description are indented further; help's own help needs none.
        if line.starts_with("   ") || name == "help" {
            continue;
        }
        explained(&[command, &[name.to_owned()]].concat(), seen);
    }
}

/// Messages are folded to the terminal's width: as one line.
fn unfolded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn assert_nothing_sent(sandbox: &Served) {
    assert_eq!(sandbox.requests()["requests"], json!([]));
}

#[test]
fn unusable_environment_or_file_is_named_before_anything_is_sent() {
    let sandbox = sandbox();
    let said = |run: support::cli::Run| {
        let ran = run.run().expect_code(2);
        assert!(!ran.stderr.contains("p4ss"), "{ran}");
        unfolded(&ran.stderr)
    };
    for address in ["http://user:p4ss@", "ftp://user:p4ss@h", "http://user:p4ss#1@h"] {
        let text = said(setup(&sandbox, &[]).env("HTTPS_PROXY", address));
        assert!(text.contains("HTTPS_PROXY") && text.contains("%40"), "{text}");
    }
    #[cfg(unix)]
    {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;

        for name in [
            "PEERCTL_CLOUD",
            "AZURE_CLIENT_SECRET",
            "KONNECT_TOKEN",
            "NO_PROXY",
            "PEERCTL_SET_DNS",
        ] {
            let text = said(setup(&sandbox, &[]).env(name, OsStr::from_bytes(b"p4ss\xff")));
            assert!(text.contains(&format!("variable {name} is not UTF-8")), "{text}");
        }
        let fifo = sandbox.folder().join("fifo");
        let made = std::process::Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .expect("mkfifo");
        assert!(made.success());
        let fifo = fifo.to_str().expect("a path");
        for file in [fifo, "/dev/zero"] {
            for flag in ["--cloud", "--config", "--vendor"] {
                let line = [
                    "azure",
                    "setup",
                    "--no-input",
                    "--yes",
                    "--vnet-id",
                    VNET_ID,
                    "--set",
                    "network=x",
                ];
                let vendor = ["--vendor", "kong"].into_iter().filter(|_| flag != "--vendor");
                let text = said(peerctl(line.into_iter().chain(vendor).chain([flag, file])).envs(sandbox.env()));
                assert!(
                    text.contains(file) && text.contains("not a regular file"),
                    "{flag} {text}"
                );
            }
            let workload = [
                ("AZURE_FEDERATED_TOKEN_FILE", file),
                ("PEERCTL_AUTH", "workload-identity"),
            ];
            let text = said(setup(&sandbox, &[]).envs(workload));
            assert!(text.contains(file), "{text}");
            let certificate = [("AZURE_CLIENT_CERTIFICATE_PATH", file), ("AZURE_CLIENT_SECRET", "")];
            let text = said(setup(&sandbox, &[]).envs(certificate));
            assert!(text.contains(file), "{text}");
        }
    }
    assert_nothing_sent(&sandbox);
}

#[test]
fn near_misses_of_known_values_are_answered_with_the_value() {
    let sandbox = sandbox();
    let table: [(&[&str], &str); 6] = [
        (&["--vendor", "kongg"], "Did you mean 'kong'?"),
        (&["--auth", "azurecli"], "Did you mean 'azure-cli'?"),
        (&["--cloud", "usgv"], "Did you mean 'usgov'?"),
        (&["--set", "netwrk=x"], "Did you mean 'network'?"),
        (&["--only", "consnt"], "Did you mean 'consent'?"),
        (&["--vnet-id", "vnet-app"], "az network vnet show"),
    ];
    for (flags, expected) in table {
        let input = ["--set", "network=x"].iter().filter(|_| flags[0] != "--set");
        let line = ["azure", "setup", "--no-input", "--yes"]
            .iter()
            .chain(flags)
            .chain(input);
        let vendor = ["--vendor", "kong"].iter().filter(|_| flags[0] != "--vendor");
        let network = ["--vnet-id", VNET_ID].iter().filter(|_| flags[0] != "--vnet-id");
        let ran = peerctl(line.chain(vendor).chain(network))
            .envs(sandbox.env())
            .run()
            .expect_code(2);
        assert!(unfolded(&ran.stderr).contains(expected), "{expected}\n{ran}");
    }
    let ran = peerctl(["setup", "--vendor", "kong"]).run().expect_code(2);
    assert!(ran.stderr.contains("peerctl azure setup"), "{ran}");
    assert_nothing_sent(&sandbox);
    let line = [
        "azure",
        "setup",
        "--no-input",
        "--yes",
        "--vendor",
        "kong",
        "--vnet-id",
        VNET_ID,
    ];
    let line = line.into_iter().chain(["--set", "network=eastus2-netwrk"]);
    let network = peerctl(line).envs(sandbox.env()).run();
    assert!(
        unfolded(&network.stderr).contains("Did you mean 'eastus2-network'?"),
        "{network}"
    );
}

#[test]
fn network_is_taken_out_of_a_portal_address_or_a_subnet_id() {
    let sandbox = sandbox();
    let portal = format!("https://portal.azure.com/#@contoso.onmicrosoft.com/resource{VNET_ID}/subnets");
    for given in [portal, format!("{VNET_ID}/subnets/snet-api")] {
        let line = [
            "azure",
            "doctor",
            "--no-input",
            "--vendor",
            "kong",
            "--vnet-id",
            &given,
            "-o",
            "json",
        ];
        let ran = peerctl(
            line.into_iter()
                .chain(["--set", "network=eastus2-network", "--only", "tokens"]),
        );
        let ran = ran.envs(sandbox.env()).run().expect_code(0);
        assert_eq!(ran.json()["inputs"]["vnetId"], VNET_ID, "{ran}");
    }
}

// ------------------------------------------------------------------------------------------------ the end of a run

#[test]
fn some_steps_alone_do_not_claim_a_peering() {
    let sandbox = sandbox();
    let only = |more: &[&str]| {
        setup(&sandbox, &[&["--only", "consent"], more].concat())
            .run()
            .expect_code(0)
    };
    let text = only(&[]);
    let done = "Done: consent is in place. Other steps weren't checked (--only).\n";
    assert!(
        text.stdout.starts_with(done) && !text.stdout.contains("peered"),
        "{text}"
    );
    let text = only(&[]);
    let unchanged =
        "Unchanged: consent is in place already; nothing was written. Other steps weren't checked (--only).";
    let said = text.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.starts_with(unchanged) && !said.contains("peered"), "{text}");
    let document = only(&["-o", "json"]).json();
    let left_out = [
        "role-definition",
        "role-assignment",
        "vendor-request",
        "peering",
        "verification",
    ];
    assert_eq!(document["notChecked"], json!(left_out));
}

#[test]
fn wrong_input_is_not_run_again() {
    let sandbox = sandbox();
    for (vnet, network) in [
        ("vnet-ap", "network=eastus2-network"),
        ("vnet-app", "network=no-network"),
    ] {
        let ran = peerctl(other_network("rg-network", vnet, network))
            .envs(sandbox.env())
            .run();
        assert!(ran.code.is_some_and(|code| code != 0), "{ran}");
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(
            !said.contains("same command again") && !said.contains("without questions"),
            "{ran}"
        );
        assert!(
            ran.stdout.is_empty() || ran.stdout.starts_with("Failed; nothing was written. "),
            "{ran}"
        );
    }
    assert_eq!(sandbox.writes(), Vec::<String>::new());
}

#[test]
fn the_end_says_how_to_check_and_undo_and_how_long_it_took() {
    let sandbox = sandbox();
    let done = setup(&sandbox, &[]).run().expect_code(0).stdout;
    for start in [
        "Check:  peerctl azure status ",
        "Undo:   peerctl azure teardown ",
        "Took:   ",
    ] {
        assert!(done.lines().any(|line| line.starts_with(start)), "{start}\n{done}");
    }
    assert_eq!(done.matches("--set network=eastus2-network").count(), 2, "{done}");
    let unchanged = setup(&sandbox, &[]).run().expect_code(0).stdout;
    assert!(
        !unchanged.contains("Undo:") && !unchanged.contains("Took:"),
        "{unchanged}"
    );
}

#[test]
fn summary_names_next_step_and_test() {
    let sandbox = sandbox();
    let starts = |text: &str, starts: &[&str]| {
        for start in starts {
            assert!(text.lines().any(|line| line.starts_with(start)), "{start}\n{text}");
        }
    };
    let done = setup(&sandbox, &[]).run().expect_code(0).stdout;
    starts(
        &done,
        &[
            "Next:   Create a route in Konnect whose upstream is a private address of",
            "Test:   curl -i https://",
        ],
    );
    assert!(!done.contains("From:"), "{done}");
    // Some steps alone say nothing about the link.
    let only = setup(&sandbox, &["--only", "consent"]).run().expect_code(0).stdout;
    assert!(!only.contains("Next:"), "{only}");
    let flags = ["azure", "setup", "--vendor", "dragonfly", "--yes", "--no-input"];
    let network = [
        "-g",
        "rg-network",
        "--vnet",
        "vnet-app",
        "--set",
        "network=cache-eastus2",
    ];
    let done = peerctl(flags.iter().chain(&network))
        .envs(sandbox.env())
        .run()
        .expect_code(0)
        .stdout;
    starts(
        &done,
        &[
            "Next:   Create a data store with a private endpoint",
            "Test:   nc -vz HOST 6379",
            "From:   a machine in vnet-app (snet-web",
        ],
    );
}

#[test]
fn plan_shows_dns_mappings_as_table() {
    let sandbox = sandbox();
    let dns = [
        "--set",
        "dns=a.example,longer.example=10.20.3.4,10.20.3.5",
        "--set",
        "dns=b.example=10.20.3.6",
    ];
    let plan = setup(&sandbox, &dns).run().expect_code(0).stderr;
    let rows = "  DNS mapping     DNS servers\n  a.example       10.20.3.4, 10.20.3.5\n  \
                longer.example  10.20.3.4, 10.20.3.5\n  b.example       10.20.3.6\n";
    assert!(plan.contains(rows), "{plan}");
    // What is in place isn't sent again.
    let again = setup(&sandbox, &dns).run().expect_code(0).stderr;
    assert!(!again.contains("DNS servers"), "{again}");
}

#[test]
fn a_timeout_is_called_one() {
    let sandbox = Served::start(["--lag", "worst"]);
    let text = setup(&sandbox, &["--timeout", "2s"]).run().expect_code(3);
    assert!(text.stdout.starts_with("Not finished: --timeout 2s is over."), "{text}");
    let document = setup(&sandbox, &["--timeout", "1s", "-o", "json"])
        .run()
        .expect_code(3)
        .json();
    assert_eq!(document["timedOut"], true, "{document:#}");
}

#[test]
fn other_dns_mappings_than_the_gateway_has_block_and_are_named() {
    let sandbox = sandbox();
    let dns = |server: &str| format!("dns=svc.contoso.internal={server}");
    let run = |server: &str, code: i32| setup(&sandbox, &["--set", &dns(server)]).run().expect_code(code);
    run("10.20.3.4", 0);
    run("10.20.3.4", 0);
    let writes = sandbox.writes().len();
    let ran = run("10.20.3.9", 4);
    assert!(ran.stdout.starts_with("Blocked: nothing was written."), "{ran}");
    let said = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "svc.contoso.internal=10.20.3.4) differ from the given mappings (svc.contoso.internal=10.20.3.9)",
        "peerctl azure teardown",
    ] {
        assert!(said.contains(part), "{part}\n{ran}");
    }
    assert_eq!(sandbox.writes().len(), writes);
    setup(&sandbox, &[]).run().expect_code(0);
}

/// Konnect says on which cloud a network runs only by its provider account.
#[test]
fn konnect_network_of_another_cloud_is_refused_before_the_first_write() {
    let sandbox = support::troubles::troubles(
        "[[konnect.networks]]\nid = \"58c085f5-1af3-4d0e-b468-84cc7f5178aa\"\nname = \"on-aws\"\nregion = \"us-east-1\"\n\
         cidr = \"172.28.0.0/16\"\nstate = \"ready\"\nprovider = \"aws\"\n",
    );
    for name in ["on-aws", "58c085f5-1af3-4d0e-b468-84cc7f5178aa"] {
        let network = format!("network={name}");
        let flags = other_network("rg-network", "vnet-app", &network);
        let ran = peerctl(&flags).envs(sandbox.env()).run().expect_code(2);
        for says in [
            "network 'on-aws' runs on AWS, not on Azure",
            "eastus2-network",
            "--set network=",
        ] {
            assert!(ran.stderr.contains(says), "{says} in {ran}");
        }
    }
    let unknown = other_network("rg-network", "vnet-app", "network=nope");
    let ran = peerctl(&unknown).envs(sandbox.env()).run().expect_code(1);
    assert!(
        ran.stderr.contains("eastus2-network") && !ran.stderr.contains("on-aws"),
        "{ran}"
    );
    assert_eq!(sandbox.writes(), Vec::<String>::new());
}

/// Dragonfly says it in the network's location, Aiven in the name of the VPC's cloud.
#[test]
fn network_of_another_cloud_is_refused_by_every_vendor() {
    let dragonfly = ["--vendor", "dragonfly", "--set", "network=cache-aws"];
    let aiven_vpc = "vpc=7a61c0de-3b52-4c1f-9d84-e0f1a2b3c403";
    let aiven = ["--vendor", "aiven", "--set", "project=demo", "--set", aiven_vpc];
    for (vendor, says) in [
        (&dragonfly[..], "'cache-aws' runs on AWS, not on Azure"),
        (&aiven[..], "runs on AWS, not on Azure"),
    ] {
        let sandbox = Served::start(["--lag", "none"]);
        let place = [
            "--resource-group",
            "rg-network",
            "--vnet",
            "vnet-app",
            "--no-input",
            "--yes",
        ];
        let flags = [&["azure", "setup"][..], vendor, &place].concat();
        let ran = peerctl(&flags).envs(sandbox.env()).run().expect_code(2);
        let said = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(says) && said.contains("On Azure it has: "), "{ran}");
        assert_eq!(sandbox.writes(), Vec::<String>::new());
    }
}
