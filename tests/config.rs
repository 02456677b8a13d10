//! The configuration file: profiles that commands take their inputs from, and what says where each came from.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use support::cli::{Ran, Run, peerctl};
use support::kong::{INPUTS, LIMITED, OTHER_SUBSCRIPTION, SUBSCRIPTION, TENANT, VNET_ID};
use support::served::Served;

/// Where the configuration is without a word about it.
fn usual(home: &Path) -> PathBuf {
    let folder = match std::env::consts::OS {
        "macos" => home.join("Library/Application Support/peerctl"),
        "windows" => home.join("peerctl"),
        _ => home.join(".config/peerctl"),
    };
    folder.join("config.toml")
}

/// A run in a home with this configuration.
fn configured(text: &str, args: &[&str]) -> Run {
    let run = peerctl(args.iter().copied());
    write(&usual(run.home()), text);
    run
}

fn write(file: &Path, text: &str) {
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    fs::write(file, text).expect("a file");
}

/// Everything that a dry run needs, so that it asks nobody and sends nothing.
fn whole() -> String {
    format!(
        "default-profile = 'whole'\n[profiles.whole]\nvendor = 'kong'\nvendor-access = 'manual'\ntenant-id = '{TENANT}'\n\
         vnet-id = '{VNET_ID}'\nset.network = 'written'\n"
    )
}

const DRY_RUN: [&str; 6] = ["azure", "setup", "--dry-run", "--format", "json", "--no-input"];

fn dry_run(text: &str, more: &[&str]) -> Run {
    configured(text, &[&DRY_RUN, more].concat())
}

#[track_caller]
fn refused(ran: Ran, parts: &[&str]) {
    let ran = ran.expect_code(2);
    // Sentences are folded.
    let told = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in parts {
        assert!(told.contains(part), "{part} in {ran}");
    }
}

// ---- what wins ---------------------------------------------------------------------------------------------------

#[test]
fn config_show_reports_source_precedence() {
    let text = whole().replace("set.network", "consent = 'wait'\nset.network");
    let consent = ("PEERCTL_CONSENT", "browser");
    let network = ("PEERCTL_SET_NETWORK", "set");
    type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str, Value, Value);
    let table: [Case; 7] = [
        (&[], &[], "consent", json!("wait"), json!("profile")),
        (&[], &[consent], "consent", json!("browser"), json!("environment")),
        (
            &[],
            &[("PEERCTL_CONSENT", "")],
            "consent",
            json!("wait"),
            json!("profile"),
        ),
        (
            &["--consent", "create"],
            &[consent],
            "consent",
            json!("create"),
            json!("flag"),
        ),
        (&[], &[], "set network", json!(["written"]), json!("profile")),
        (&[], &[network], "set network", json!(["set"]), json!("environment")),
        (
            &["--set", "network=given"],
            &[network],
            "set network",
            json!(["given"]),
            json!("flag"),
        ),
    ];
    for (flags, env, name, value, source) in table {
        let ran = dry_run(&text, flags).envs(env.iter().copied()).run().expect_code(0);
        let inputs = &ran.json()["inputs"];
        let taken = match name.strip_prefix("set ") {
            Some(key) => &inputs["set"][key],
            None => &inputs[name],
        };
        assert_eq!(*taken, value, "{flags:?} {env:?}");
        let row = shown(&text, flags, env, name);
        let values = if value.is_array() { value } else { json!([value]) };
        assert_eq!(
            (&row["values"], &row["source"]),
            (&values, &source),
            "{flags:?} {env:?}"
        );
    }
}

/// What `config show` says of an input.
#[track_caller]
fn shown(text: &str, flags: &[&str], env: &[(&str, &str)], name: &str) -> Value {
    let ran = configured(text, &[&["config", "show", "-o", "json"], flags].concat());
    let ran = ran.envs(env.iter().copied()).run().expect_code(0);
    let document = ran.json();
    let rows = document["inputs"].as_array().expect("rows").iter();
    let row = rows.clone().find(|row| row["name"] == name);
    row.unwrap_or_else(|| panic!("{name} in {ran}")).clone()
}

#[test]
fn config_network_most_specific_source_wins() {
    let parts = whole().replace(
        &format!("vnet-id = '{VNET_ID}'"),
        &format!("subscription = '{SUBSCRIPTION}'\nresource-group = 'rg-network'\nvnet = 'vnet-app'"),
    );
    let other = VNET_ID.replace("vnet-app", "vnet-other");
    let elsewhere = VNET_ID.replace(SUBSCRIPTION, OTHER_SUBSCRIPTION);
    let subscription = ("AZURE_SUBSCRIPTION_ID", OTHER_SUBSCRIPTION);
    let named = [
        ("PEERCTL_VNET", "vnet-other"),
        ("PEERCTL_RESOURCE_GROUP", "rg-network"),
        ("AZURE_SUBSCRIPTION_ID", SUBSCRIPTION),
    ];
    type Case<'a> = (&'a str, &'a [&'a str], &'a [(&'a str, &'a str)], &'a str);
    let table: [Case; 6] = [
        (&parts, &[], &[], VNET_ID),
        (&parts, &["--vnet-id", &other], &[], &other),
        (&parts, &[], &[("PEERCTL_VNET_ID", &other)], &other),
        // One part of three, as for any other input.
        (&parts, &[], &[subscription], &elsewhere),
        // It is there for az and others, and names no network.
        (&whole(), &[], &[subscription], VNET_ID),
        (&whole(), &[], &named, &other),
    ];
    for (text, flags, env, expected) in table {
        let ran = dry_run(text, flags).envs(env.iter().copied()).run().expect_code(0);
        assert_eq!(ran.json()["inputs"]["vnetId"], expected, "{flags:?} {env:?} {text}");
    }
}

#[test]
fn config_profile_selection_order() {
    let text = whole() + "[profiles.waits]\nconsent = 'wait'\n[profiles.browses]\nconsent = 'browser'\n";
    let flags = [
        "--vendor",
        "kong",
        "--tenant-id",
        TENANT,
        "--vnet-id",
        VNET_ID,
        "--set",
        "network=n",
    ];
    let env = |name: &'static str| ("PEERCTL_PROFILE", name);
    type Case<'a> = (&'a [&'a str], (&'a str, &'a str), Value, Value);
    let table: [Case; 6] = [
        (&[], env(""), json!("whole"), json!("default-profile")),
        (&[], env("waits"), json!("waits"), json!("PEERCTL_PROFILE")),
        (
            &["--profile", "browses"],
            env("waits"),
            json!("browses"),
            json!("--profile"),
        ),
        (
            &["--profile", ""],
            env("waits"),
            json!("waits"),
            json!("PEERCTL_PROFILE"),
        ),
        (&["--profile", "none"], env("waits"), Value::Null, Value::Null),
        (&[], env("none"), Value::Null, Value::Null),
    ];
    for (more, env, name, by) in table {
        let args = [&["config", "show", "-o", "json"][..], &flags, more].concat();
        let document = configured(&text, &args).envs([env]).run().expect_code(0).json();
        assert_eq!(
            (&document["profile"]["name"], &document["profile"]["by"]),
            (&name, &by),
            "{more:?} {env:?}"
        );
        let consent = match name.as_str() {
            Some("waits") => "wait",
            Some("browses") => "browser",
            _ => "create",
        };
        let args = [&flags[..], &["--vendor-access", "manual"], more].concat();
        let ran = dry_run(&text, &args).envs([env]).run().expect_code(0);
        assert_eq!(ran.json()["inputs"]["consent"], consent, "{more:?} {env:?}");
        let said = name.as_str().map(|name| format!("Profile {name} of "));
        assert_eq!(ran.stderr.contains("Profile "), said.is_some(), "{ran}");
        assert!(said.is_none_or(|said| ran.stderr.contains(&said)), "{ran}");
    }
}

#[test]
fn config_file_selection_order() {
    let consent = |word: &str| format!("default-profile = 'p'\n[profiles.p]\nconsent = '{word}'\n");
    for (flag, env, expected) in [(false, false, "wait"), (false, true, "browser"), (true, true, "create")] {
        let flags: &[&str] = if flag { &["--config", "flag.toml"] } else { &[] };
        for args in [&["config", "show", "-o", "json"][..], &["config", "path"]] {
            let run = configured(&consent("wait"), &[args, flags].concat());
            write(&run.home().join("env.toml"), &consent("browser"));
            write(&run.home().join("flag.toml"), &consent("create"));
            let file = match (flag, env) {
                (true, _) => PathBuf::from("flag.toml"),
                (_, true) => PathBuf::from("env.toml"),
                _ => usual(run.home()),
            };
            let ran = run
                .env("PEERCTL_CONFIG", if env { "env.toml" } else { "" })
                .run()
                .expect_code(0);
            if args.len() == 2 {
                assert_eq!(ran.stdout, format!("{}\n", file.display()));
            } else {
                let document = ran.json();
                assert_eq!(document["file"], json!(file));
                let consent = document["inputs"]
                    .as_array()
                    .expect("rows")
                    .iter()
                    .find(|row| row["name"] == "consent");
                assert_eq!(consent.expect("a row")["values"], json!([expected]));
            }
        }
    }
}

#[test]
fn config_profile_accepted_by_peering_commands() {
    for command in ["setup", "status", "doctor", "repair", "teardown"] {
        let ran = configured(&whole(), &["azure", command, "--no-input", "--profile", "nope"]).run();
        refused(ran, &["--profile: there is no profile 'nope' in", "It has whole."]);
    }
}

#[test]
fn config_switch_flag_overrides_profile() {
    let vendor = "vendor = 'aiven'\nset = { project = 'demo', vpc = '7a61c0de-3b52-4c1f-9d84-e0f1a2b3c401' }\n";
    let text = whole()
        .replace("vendor = 'kong'\n", vendor)
        .replace("set.network = 'written'\n", "");
    let text = text + "allow-gateway-transit = true\nallow-forwarded-traffic = true\nuse-remote-gateways = false\n";
    for (flags, transit) in [(&[][..], true), (&["--use-remote-gateways"], false)] {
        let document = dry_run(&text, flags).run().expect_code(0).json().to_string();
        for (setting, on) in [
            ("allowForwardedTraffic", true),
            ("allowGatewayTransit", transit),
            ("useRemoteGateways", !transit),
        ] {
            assert!(
                document.contains(&format!("\"{setting}\":{on}")),
                "{setting} {on}: {document}"
            );
        }
    }
    let row = shown(&text, &[], &[], "use-remote-gateways");
    assert_eq!((&row["values"], &row["source"]), (&json!(["false"]), &json!("profile")));
}

#[test]
fn config_vendor_file_path_is_relative() {
    let text = whole().replace("vendor = 'kong'", "vendor = './mine.toml'");
    let run = dry_run(&text, &[]);
    let kong = include_str!("../src/vendors/kong.toml").replace("id = \"kong\"", "id = \"mine\"");
    write(&usual(run.home()).with_file_name("mine.toml"), &kong);
    assert_eq!(run.run().expect_code(0).json()["vendor"], "mine");
}

// ---- rehearsals --------------------------------------------------------------------------------------------------

#[test]
fn sandbox_ignores_default_profile() {
    // Neither would be a place for a rehearsal: the embedded Azure brings its own.
    let text = whole() + "cloud = 'usgov'\nauth = 'managed-identity'\n";
    let text = text
        .replace("set.network = 'written'\n", "")
        .replace("'kong'\n", "'kong'\nset.network = 'eastus2-network'\n");
    let rehearsal = [
        "azure",
        "setup",
        "--sandbox",
        "--no-input",
        "--yes",
        "--vendor-access",
        "api",
    ];
    let ran = configured(&text, &[&rehearsal[..], &["--profile", "whole"]].concat())
        .run()
        .expect_code(0);
    assert!(
        ran.stdout.contains("Done: vnet-app and Kong Konnect are peered."),
        "{ran}"
    );
    let ran = configured(&text, &rehearsal).env("PEERCTL_PROFILE", "whole").run();
    refused(ran, &["inputs are missing", "--vendor or PEERCTL_VENDOR"]);
}

#[test]
fn sandbox_profile_file_from_environment() {
    let file = ("PEERCTL_CONFIG", "env.toml");
    let named = |args: &[&str]| {
        let run = peerctl(args.iter().copied()).envs([file]);
        write(&run.home().join(file.1), &whole());
        run
    };
    let profile = ["--sandbox", "--profile", "whole"];
    let ran = named(&[&DRY_RUN[..], &profile].concat()).run().expect_code(0);
    assert_eq!(ran.json()["vendor"], "kong", "{ran}");
    let ran = named(&[&["config", "show", "-o", "json"][..], &profile].concat()).run();
    let document = ran.expect_code(0).json();
    assert_eq!(
        (&document["file"], &document["profile"]["name"]),
        (&json!("env.toml"), &json!("whole"))
    );
    let ran = peerctl(DRY_RUN).args(["--sandbox"]).envs([file]).run();
    refused(ran, &["inputs are missing"]);
}

// ---- command lines to go on with ---------------------------------------------------------------------------------

/// A profile of another peering, and one that says nothing.
const FOREIGN: &str =
    "[profiles.foreign]\npeering-name = 'foreign'\nconsent = 'wait'\nno-wait = true\n[profiles.mine]\n";

/// Somebody with this configuration runs a line that was printed, or a first one: the document.
#[track_caller]
fn pasted(sandbox: &Served, text: &str, env: &[(&str, &str)], line: &str, code: i32) -> Value {
    let line = line.replace(" \\\n   ", "");
    let words = line.strip_prefix("peerctl ").unwrap_or(&line).split_whitespace();
    let run = configured(text, &words.collect::<Vec<_>>()).envs(sandbox.env());
    let run = run.args(["--no-input", "-o", "json"]).envs(env.iter().copied());
    run.run().expect_code(code).json()
}

#[test]
fn printed_command_ignores_default_profile() {
    let default = format!("default-profile = 'foreign'\n{FOREIGN}");
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, bool);
    let table: [Case; 5] = [
        (&default, &[], "none", true),
        (FOREIGN, &[("PEERCTL_PROFILE", "foreign")], "mine", true),
        ("no TOML", &[], "none", true),
        (&default, &[("PEERCTL_PROFILE", "none")], "mine", false),
        (FOREIGN, &[], "mine", false),
    ];
    let sandbox = Served::start(["--lag", "none"]);
    for (text, env, profile, in_force) in table {
        sandbox.reset();
        let first = |command: &str| format!("azure {command} --profile {profile} {}", INPUTS.join(" "));
        let told = |line: &Value| {
            let line = line.as_str().unwrap_or_default().to_owned();
            assert_eq!(line.contains(" --profile none "), in_force, "{line}");
            assert_eq!(line.contains("--profile"), in_force, "{line}");
            line
        };
        // Who may not write all of it hands a step over.
        let limited = [env, &LIMITED].concat();
        let blocked = pasted(&sandbox, text, &limited, &(first("setup") + " --yes"), 3);
        let packet = blocked["steps"][0]["actionRequired"]["instructions"]
            .as_array()
            .expect("a packet");
        let line = told(packet.last().expect("a line"));
        let line = line.trim_start_matches("# or with peerctl: ").to_owned() + " --yes";
        let done = pasted(&sandbox, text, env, &line, 0);
        assert_eq!(
            (&done["outcome"], &done["steps"][0]["id"]),
            (&json!("done"), &json!("consent"))
        );

        let fresh = pasted(&sandbox, text, env, &first("status"), 3);
        let line = told(&fresh["linkHealth"]["next"][0]["instructions"][0]);
        let state = tempfile::tempdir().expect("a folder");
        let kept = [env, &[("PEERCTL_STATE_DIR", state.path().to_str().expect("a path"))]].concat();
        let done = pasted(&sandbox, text, &kept, &(line + " --yes"), 0);
        assert_eq!(done["outcome"], "done", "{done:#}");

        let record = fs::read_to_string(done["record"].as_str().expect("a record")).expect("it is there");
        let record: Value = serde_json::from_str(&record).expect("JSON");
        let undone = pasted(&sandbox, text, env, &(told(&record["undo"]) + " --yes"), 0);
        assert_eq!(undone["outcome"], "done", "{undone:#}");
    }
}

// ---- what is refused ---------------------------------------------------------------------------------------------

#[test]
fn config_file_error_hides_content() {
    let table = [
        ("[profiles.p]\nvendr = 'x-marks'", 2, "'vendr' is no input"),
        ("[profiles.p]\n\nvnet = 7117", 3, "vnet is a text"),
        (
            "[profiles.p]\nclient-secret = 'x-marks'",
            2,
            "'client-secret' looks like a secret",
        ),
        ("# one\n# two\nKONNECT_TOKEN = x-marks", 3, "this is no TOML"),
        ("\ndefault-profile = 'q'\n[profiles.p]", 2, "there is no profile 'q'"),
    ];
    for (text, line, what) in table {
        for args in [
            &["azure", "status", "--no-input"][..],
            &["config", "show"],
            &["config", "list"],
        ] {
            let ran = configured(text, args).run();
            assert!(
                !ran.to_string().contains("x-marks") && !ran.to_string().contains("7117"),
                "{ran}"
            );
            let said = format!("config.toml, line {line}: {what}");
            refused(ran, &[&said]);
        }
    }
    let ran = configured(table[0].0, &["azure", "status", "--no-input", "-o", "json"])
        .run()
        .expect_code(2);
    assert_eq!(ran.json()["error"]["kind"], "usage", "{ran}");
    // What is allowed is said with it.
    let ran = configured(table[0].0, &["config", "show"]).run();
    refused(
        ran,
        &[
            "There are cloud, auth, vendor, tenant-id,",
            "no-wait, and the table set.",
        ],
    );
}

#[test]
fn config_invalid_value_names_place() {
    let table = [
        ("timeout = 'soon'", 8, "timeout (profile whole,", "cannot be used."),
        ("consent = 'perhaps'", 8, "consent (profile whole,", "cannot be used."),
        (
            "set.netwrok = 'x'",
            8,
            "set.netwrok (profile whole,",
            "is no input of Kong Konnect.",
        ),
        ("set.dns = 'x'", 8, "set.dns (profile whole,", "cannot be used."),
    ];
    for (line, number, what, why) in table {
        let ran = dry_run(&format!("{}{line}\n", whole()), &[]).run();
        refused(ran, &[what, &format!("config.toml line {number})"), why]);
    }
}

#[test]
fn config_named_file_must_exist() {
    let flags = ["azure", "status", "--no-input", "--config", "nowhere.toml"];
    refused(peerctl(flags).run(), &["--config nowhere.toml cannot be read."]);
    let ran = peerctl(&flags[..3]).env("PEERCTL_CONFIG", "nowhere.toml").run();
    refused(ran, &["PEERCTL_CONFIG nowhere.toml cannot be read."]);
    refused(
        peerctl(["azure", "setup", "--sandbox", "--config", "nowhere.toml"]).run(),
        &["cannot be read."],
    );
    refused(peerctl(&flags[..3]).run(), &["inputs are missing."]);
    let ran = peerctl(&flags[..3]).env("PEERCTL_PROFILE", "p").run();
    refused(
        ran,
        &[
            "PEERCTL_PROFILE: there is no profile 'p'.",
            "There is no configuration file",
        ],
    );
    // The way out is one that works.
    for (file, way) in [
        ("nowhere.toml", "make an empty one: touch nowhere.toml"),
        ("a b/c.toml", "make an empty one: mkdir -p 'a b' && touch 'a b/c.toml'"),
    ] {
        let ran = peerctl(["config", "list", "--config", file]).run();
        refused(ran, &[way]);
    }
    // A folder is no file.
    refused(
        peerctl(["config", "list", "--config", "."]).run(),
        &["--config . cannot be read."],
    );
    // Whoever wants no profile is in nobody's way.
    let ran = configured("not TOML", &["azure", "status", "--no-input", "--profile", "none"]).run();
    refused(ran, &["inputs are missing."]);
}

// ---- what is shown -----------------------------------------------------------------------------------------------

#[test]
fn config_show_hides_secrets() {
    let env = [
        ("PEERCTL_TIMEOUT", "5m"),
        ("KONNECT_TOKEN", "sesame-open"),
        ("AZURE_CLIENT_SECRET", "sesame-shut"),
    ];
    let run = configured(&whole(), &["config", "show", "--auth", "azure-cli"]);
    let file = usual(run.home());
    let ran = run.envs(env).run().expect_code(0);
    assert!(ran.stdout.starts_with(&format!(
        "Configuration file: {}\nProfile: whole (by default-profile)\n\n",
        file.display()
    )));
    let rows: Vec<Vec<&str>> = ran
        .stdout
        .lines()
        .map(|line| {
            line.split("  ")
                .map(str::trim)
                .filter(|cell| !cell.is_empty())
                .collect()
        })
        .collect();
    for row in [
        &["auth", "azure-cli", "flag"][..],
        &["vendor", "kong", "profile whole, line 3"],
        &["vnet-id", VNET_ID, "profile whole, line 6"],
        &["timeout", "5m", "PEERCTL_TIMEOUT"],
        &["consent", "not set"],
        &["no-wait", "not set"],
        &["set network", "written", "profile whole, line 7"],
        &["set dns", "not set"],
        &["KONNECT_TOKEN", "set", "environment"],
        &["AZURE_CLIENT_SECRET", "set", "environment"],
        &["PEERCTL_OWN_APP_SECRET", "not set"],
    ] {
        assert!(rows.contains(&row.to_vec()), "{row:?} in {ran}");
    }
    let json = configured(&whole(), &["config", "show", "-o", "json"])
        .envs(env)
        .run()
        .expect_code(0);
    assert!(!format!("{ran}{json}").contains("sesame"), "{ran}{json}");
    assert_eq!(
        json.json()["secrets"][0],
        json!({ "variable": "KONNECT_TOKEN", "set": true })
    );
    let row = shown(&whole(), &[], &env, "timeout");
    assert_eq!(
        row,
        json!({ "name": "timeout", "values": ["5m"], "source": "environment", "variable": "PEERCTL_TIMEOUT" })
    );
    let row = shown(&whole(), &[], &env, "vendor");
    assert_eq!(
        row,
        json!({ "name": "vendor", "values": ["kong"], "source": "profile", "line": 3 })
    );
}

#[test]
fn config_show_lists_every_given_input() {
    let text = whole() + "set.netwrok = 'typed'\n";
    let secret = ["--set", "konnect-token=sesame-open"];
    // What the vendor does not have is in nobody's way here.
    let row = shown(&text, &secret, &[], "set netwrok");
    let note = "no input of Kong Konnect";
    assert_eq!(
        row,
        json!({ "name": "set netwrok", "values": ["typed"], "source": "profile", "line": 8, "note": note })
    );
    let row = shown(&text, &secret, &[], "set konnect-token");
    let note = "not shown: it looks like a secret";
    assert_eq!((&row["values"], &row["note"]), (&json!([]), &json!(note)));
    let ran = configured(&text, &["config", "show"]).run().expect_code(0);
    assert!(
        ran.stdout.contains("profile whole, line 8; no input of Kong Konnect"),
        "{ran}"
    );
    // Nor does it take a vendor to show them.
    let text = text.replace("vendor = 'kong'\n", "");
    let env = [("PEERCTL_SET_NETWORK", "set")];
    for (name, values, source) in [
        ("set network", json!(["set"]), "environment"),
        ("set netwrok", json!(["typed"]), "profile"),
        ("set dns", json!(["a=1.1.1.1"]), "flag"),
    ] {
        let row = shown(&text, &["--set", "dns=a=1.1.1.1"], &env, name);
        assert_eq!((&row["values"], &row["source"]), (&values, &json!(source)), "{name}");
        assert_eq!(row["note"], Value::Null, "{name}");
    }
}

#[test]
fn config_show_takes_the_switches() {
    let text = whole() + "allow-gateway-transit = true\nno-wait = false\n";
    let flags = ["--use-remote-gateways", "--no-wait"];
    let table = [
        (&[][..], "allow-gateway-transit", json!(["true"]), json!("profile")),
        (&[], "no-wait", json!(["false"]), json!("profile")),
        (&[], "use-remote-gateways", json!([]), Value::Null),
        (&flags, "use-remote-gateways", json!(["true"]), json!("flag")),
        (&flags, "no-wait", json!(["true"]), json!("flag")),
        // Its opposite has switched it off.
        (&flags, "allow-gateway-transit", json!(["false"]), json!("flag")),
        (&flags, "allow-forwarded-traffic", json!([]), Value::Null),
    ];
    for (flags, name, values, source) in table {
        let row = shown(&text, flags, &[], name);
        assert_eq!((&row["values"], &row["source"]), (&values, &source), "{flags:?} {name}");
    }
}

#[test]
fn the_profiles_are_listed() {
    let text = whole() + "[profiles.\"aiven.new\"]\nvendor = 'aiven'\nvnet = 'vnet-data'\n";
    let ran = configured(&text, &["config", "list"]).run().expect_code(0);
    let (_, rows) = ran.stdout.split_once('\n').expect("rows");
    assert_eq!(
        rows,
        "  aiven.new  aiven, vnet-data\n  whole      kong, vnet-app, the default\n"
    );
    let document = configured(&text, &["config", "list", "-o", "json"])
        .run()
        .expect_code(0)
        .json();
    assert_eq!(
        document["profiles"][1],
        json!({ "name": "whole", "vendor": "kong", "vnet": "vnet-app", "default": true })
    );
    let ran = peerctl(["config", "list"]).run().expect_code(0);
    assert!(ran.stdout.ends_with("It is not there yet.\n"), "{ran}");
}

// ---- saving the answers ------------------------------------------------------------------------------------------

#[cfg(unix)]
mod saving {
    use std::os::unix::fs::PermissionsExt;

    use super::support::pty::{Exit, LARGE, NO_ENV, Wizard, against, keys};
    use super::*;

    const OFFER: &str = "Save these answers as a profile? ›";

    /// The first answer to every question up to the end of the run, for `vnet-app` and Kong.
    #[track_caller]
    fn walk(wizard: &mut Wizard) {
        for question in [
            "Subscription ›",
            "Virtual network ›",
            "Konnect network ›",
            "DNS mapping (",
            "Consent for Kong (",
        ] {
            wizard.wait_for(question);
            // Enter chooses only a row that is there to be seen.
            wizard.wait_for("❯");
            wizard.answer(keys::ENTER);
        }
        wizard.wait_for("Go ahead?");
        wizard.answer("y\r");
        wizard.wait_for("peered");
        wizard.wait_for(OFFER);
    }

    /// A set-up of `vnet-app` whose answers may be saved.
    fn asked(sandbox: &Served, more: &[&str], env: &[(&str, &str)]) -> Wizard {
        let mut wizard = against(sandbox, &[&["--vendor", "kong"], more].concat(), &[], env);
        walk(&mut wizard);
        wizard
    }

    fn sandbox() -> Served {
        Served::start(["--lag", "none"])
    }

    #[track_caller]
    fn ends_well(wizard: &Wizard) {
        assert_eq!(wizard.wait_exit(), Exit::with_code(0), "{}", wizard.scrolled());
        assert!(wizard.cursor_visible() && wizard.echoes(), "{}", wizard.screen());
    }

    fn read(file: &Path) -> String {
        fs::read_to_string(file).expect("the file")
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("it is there").permissions().mode() & 0o777
    }

    #[test]
    fn config_save_answers_suffice_next_run() {
        let sandbox = sandbox();
        let mut wizard = asked(&sandbox, &["--allow-forwarded-traffic"], &[]);
        wizard.answer(keys::DOWN);
        wizard.answer(keys::ENTER);
        wizard.wait_for("The next time:\n  peerctl azure setup --profile kong-vnet-app");
        ends_well(&wizard);
        let file = usual(wizard.home());
        assert_eq!((mode(&file), mode(file.parent().expect("a folder"))), (0o600, 0o700));
        let expected = format!(
            "[profiles.kong-vnet-app]\nvendor = \"kong\"\ntenant-id = \"{TENANT}\"\n\
             vnet-id = \"{VNET_ID}\"\nconsent = \"create\"\nallow-forwarded-traffic = true\nset.dns = []\nset.network = \"eastus2-network\"\n"
        );
        assert_eq!(read(&file), expected);

        // In another environment, and without a question. Only the cloud's file comes from it: no profile names one.
        let again = ["azure", "setup", "--profile", "kong-vnet-app", "--no-input", "--yes"];
        let env = sandbox
            .env()
            .iter()
            .filter(|(name, _)| !name.starts_with("PEERCTL_") || *name == "PEERCTL_CLOUD");
        let again = configured(&expected, &again)
            .envs(env)
            .env("AZURE_SUBSCRIPTION_ID", OTHER_SUBSCRIPTION);
        let ran = again.run().expect_code(0);
        assert!(ran.stdout.starts_with("Unchanged: vnet-app and Kong Konnect"), "{ran}");
    }

    #[test]
    fn a_profile_is_added_to_what_is_there_under_a_name_that_is_free() {
        let before = "# mine\n[profiles.kong-vnet-app]   # the old one\nvendor = 'kong'";
        let sandbox = sandbox();
        // The link stays one.
        let folder = tempfile::tempdir().expect("a folder");
        let (real, link) = (folder.path().join("real.toml"), folder.path().join("link.toml"));
        write(&real, before);
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).expect("permissions");
        std::os::unix::fs::symlink(&real, &link).expect("a link");
        let config = link.display().to_string();
        let mut wizard = asked(&sandbox, &["--config", &config], &[]);
        wizard.wait_for("Yes, as kong-vnet-app-2");
        wizard.answer(keys::DOWN);
        wizard.answer(keys::DOWN);
        wizard.answer(keys::ENTER);
        wizard.wait_for("Name of the profile");
        wizard.answer("kong-vnet-app");
        wizard.answer(keys::ENTER);
        wizard.wait_for("There is one of that name already, and it stays as it is.");
        wizard.answer("!");
        wizard.answer(keys::ENTER);
        wizard.wait_for("a profile's name is made of letters");
        wizard.answer(keys::BACKSPACE);
        wizard.answer("-new");
        wizard.answer(keys::ENTER);
        wizard.wait_for(&format!(
            "peerctl azure setup --config {config} --profile kong-vnet-app-new"
        ));
        ends_well(&wizard);
        let after = read(&real);
        assert!(
            after.starts_with(&format!("{before}\n\n[profiles.kong-vnet-app-new]\n")),
            "{after}"
        );
        assert!(link.is_symlink());
        assert_eq!(mode(&real), 0o640);
    }

    #[test]
    fn enter_escape_and_control_c_save_nothing_and_the_run_is_none_the_worse() {
        for key in [keys::ENTER, keys::ESC, keys::CTRL_C] {
            let sandbox = sandbox();
            let mut wizard = asked(&sandbox, &[], &[]);
            wizard.answer(key);
            ends_well(&wizard);
            assert!(!usual(wizard.home()).exists(), "{key:?}");
        }
    }

    #[test]
    fn what_cannot_be_written_is_said_and_the_run_is_none_the_worse() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link) = (folder.path().join("a-file"), folder.path().join("peerctl/config.toml"));
        write(&file, "");
        write(&link, "");
        fs::remove_file(&link).expect("it is there");
        std::os::unix::fs::symlink("nowhere", &link).expect("a link");
        let (below, dangling) = (file.display().to_string(), folder.path().display().to_string());
        for (config, why) in [(below, "cannot be made"), (dangling, "leads nowhere")] {
            let sandbox = sandbox();
            let mut wizard = asked(&sandbox, &[], &[("XDG_CONFIG_HOME", &config), ("HOME", &config)]);
            wizard.answer(keys::DOWN);
            wizard.answer(keys::ENTER);
            wizard.wait_for("The answers are not saved: ");
            wizard.wait_for(why);
            ends_well(&wizard);
        }
    }

    #[test]
    fn a_file_that_takes_no_table_stays_as_it_is_and_the_profile_is_printed() {
        let before = "profiles = { a = { vendor = 'kong' } }\n";
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("c.toml");
        write(&file, before);
        let config = file.display().to_string();
        let sandbox = sandbox();
        let mut wizard = asked(&sandbox, &["--config", &config], &[]);
        wizard.answer(keys::DOWN);
        wizard.answer(keys::ENTER);
        wizard.wait_for(&format!("a table cannot be added to {config} as it is written."));
        wizard.wait_for("  [profiles.kong-vnet-app]");
        wizard.wait_for("  set.network = \"eastus2-network\"");
        ends_well(&wizard);
        assert_eq!(read(&file), before);
    }

    #[test]
    fn the_same_without_questions_is_the_same_under_a_foreign_default() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("c.toml");
        let text = format!("default-profile = 'foreign'\n{FOREIGN}");
        write(&file, &text);
        let sandbox = sandbox();
        let config = file.display().to_string();
        let mut wizard = asked(&sandbox, &["--profile", "none"], &[("PEERCTL_CONFIG", &config)]);
        wizard.answer(keys::ENTER);
        ends_well(&wizard);
        let shown = wizard.scrolled();
        let (_, below) = shown.split_once("The same without questions:").expect("a command line");
        let (_, line) = below.split_once("  peerctl ").expect("a command line");
        let (line, _) = line.split_once(" --yes").expect("its end");
        assert!(line.starts_with("azure setup --profile none "), "{line}");
        let line = line.replace('\\', "");
        let again = pasted(&sandbox, &text, &[], &(line.replace("--no-input", "") + " --yes"), 0);
        assert_eq!(again["outcome"], "unchanged", "{again:#}");
    }

    #[test]
    fn a_rehearsal_offers_it_where_a_file_is_named_for_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("try.toml");
        write(&config, "");
        let config = config.display().to_string();
        let start = |more: &[&str]| {
            let args = ["azure", "setup", "--sandbox", "--vendor", "kong"];
            Wizard::start(args.iter().chain(more).copied(), LARGE, NO_ENV)
        };
        let mut wizard = start(&["--config", &config]);
        walk(&mut wizard);
        wizard.answer(keys::DOWN);
        wizard.answer(keys::ENTER);
        let next = format!("peerctl azure setup --sandbox --config {config} --profile kong-vnet-app");
        wizard.wait_for(&next);
        ends_well(&wizard);
        // Nothing is asked but whether to go ahead: so nothing is offered, and what is printed names every value.
        let args = ["--config", &config, "--profile", "kong-vnet-app"];
        let mut wizard = start(&args);
        wizard.wait_for("Go ahead?");
        wizard.answer("y\r");
        ends_well(&wizard);
        let shown = wizard.scrolled();
        assert!(!shown.contains("Save these answers"), "{shown}");
        let (_, command) = shown.split_once("The same without questions:").expect("a command line");
        for flag in [
            "--vnet-id /subscriptions/",
            "--set network=eastus2-network",
            "--consent create",
        ] {
            assert!(
                command.contains(flag) && !command.contains("--profile"),
                "{flag} in {command}"
            );
        }
    }
}
