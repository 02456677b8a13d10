//! `peerctl azure apply`: the peerings of a file, side by side; the same world as one set-up after another.

mod support;

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value, json};
use support::both_sides::{VPC, assert_in_place, assert_no_credential, partner, struck, words};
use support::cli::{Ran, Run, peerctl};
use support::colleague::Colleague;
use support::dry_runs::OWN_APP;
use support::kong::{APP_ID, OTHER_SUBSCRIPTION, ROLE, SUBSCRIPTION, TENANT, VNET_ID};
use support::output_schema::assert_matches;
use support::pty::Wizard;
use support::running::Running;
use support::served::{Body, Served, poll};
use support::terminal::Exit;

const AIVEN_APP: &str = "55f300d4-fc50-4c5e-9222-e90a6e2187fb";
const FABRIKAM: &str = "8e6d4f20-5a3b-4c17-9d28-7b1a0c9e5f43";

fn sandbox() -> Served {
    Served::start(["--lag", "none"])
}

/// Contoso's network of this name and group.
fn vnet(subscription: &str, group: &str, name: &str) -> String {
    format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/virtualNetworks/{name}")
}

fn write(sandbox: &Served, text: &str) -> PathBuf {
    let file = sandbox.folder().join("peerings.toml");
    std::fs::write(&file, text).expect("a file");
    file
}

fn line(file: &std::path::Path, more: &[&str]) -> Vec<String> {
    let file = file.display().to_string();
    let own = ["azure", "apply", &file, "--no-input", "--yes"];
    own.iter().chain(more).map(|word| (*word).to_owned()).collect()
}

fn apply(sandbox: &Served, text: &str, more: &[&str]) -> Run {
    peerctl(line(&write(sandbox, text), more)).envs(sandbox.env())
}

/// The document of a run that ended so.
#[track_caller]
fn document(sandbox: &Served, text: &str, more: &[&str], code: i32) -> Value {
    let json = [&["-o", "json"], more].concat();
    let document = apply(sandbox, text, &json).run().expect_code(code).json();
    assert_matches("apply", &document);
    document
}

/// Name and outcome of each row.
fn outcomes(document: &Value) -> Vec<(&str, &str)> {
    let rows = document["rows"].as_array().expect("rows").iter();
    rows.map(|row| {
        (
            row["name"].as_str().unwrap_or(""),
            row["outcome"].as_str().unwrap_or(""),
        )
    })
    .collect()
}

/// How many writes there were whose line has this in it.
fn writes(sandbox: &Served, what: &str) -> usize {
    sandbox.writes().iter().filter(|line| line.contains(what)).count()
}

/// Every way of making a link, two networks with Kong in two subscriptions, two of one vendor in one. Of two vendors with
/// the same action in one subscription the second one uses the first one's role, whichever that is; here there are none.
fn everything() -> String {
    let partner = partner("vnet-partner");
    let staging = vnet(OTHER_SUBSCRIPTION, "rg-network", "vnet-app");
    let data = vnet(SUBSCRIPTION, "rg-network", "vnet-data");
    format!(
        "[defaults]\nvnet-id = '{VNET_ID}'\nvendor = 'kong'\nset = {{ network = 'eastus2-network' }}\n\
         [[peering]]\nname = 'shop'\n\
         [[peering]]\nname = 'staging'\nvnet-id = '{staging}'\n\
         [[peering]]\nvendor = 'aiven'\nvnet-id = '{staging}'\nset = {{ project = 'demo', vpc = '{VPC}' }}\n\
         [[peering]]\nvnet-ids = ['{VNET_ID}', '{data}']\nvendor = 'dragonfly'\nset = {{ network = 'cache-eastus2' }}\n\
         [[peering]]\nvendor = 'generic'\nallow-forwarded-traffic = true\n\
         set = {{ remote-tenant-id = '{FABRIKAM}', remote-vnet-id = '{partner}' }}\n"
    )
}

const EVERY_ROW: [&str; 6] = [
    "shop",
    "staging",
    "vnet-app-aiven",
    "vnet-app-dragonfly",
    "vnet-data-dragonfly",
    "vnet-app-generic",
];

/// The same by `setup`, one after the other.
fn one_by_one(sandbox: &Served) {
    let partner = partner("vnet-partner");
    let staging = vnet(OTHER_SUBSCRIPTION, "rg-network", "vnet-app");
    let data = vnet(SUBSCRIPTION, "rg-network", "vnet-data");
    let kong = "--vendor kong --set network=eastus2-network";
    let dragonfly = "--vendor dragonfly --set network=cache-eastus2";
    for line in [
        format!("--vnet-id {VNET_ID} {kong}"),
        format!("--vnet-id {staging} {kong}"),
        format!("--vnet-id {staging} --vendor aiven --set project=demo --set vpc={VPC}"),
        format!("--vnet-id {VNET_ID} {dragonfly}"),
        format!("--vnet-id {data} {dragonfly}"),
        format!(
            "--vnet-id {VNET_ID} --vendor generic --allow-forwarded-traffic \
             --set remote-tenant-id={FABRIKAM} --set remote-vnet-id={partner}"
        ),
    ] {
        let own = ["azure", "setup", "--no-input", "--yes"];
        peerctl(own.into_iter().chain(line.split_whitespace()))
            .envs(sandbox.env())
            .run()
            .expect_code(0);
    }
}

#[test]
fn apply_equals_sequential_setups() {
    let (by_apply, by_setup) = (sandbox(), sandbox());
    one_by_one(&by_setup);
    let text = everything();
    let done = document(&by_apply, &text, &[], 0);
    assert_eq!(done["outcome"], "done", "{done:#}");
    assert_eq!(outcomes(&done), EVERY_ROW.map(|name| (name, "done")), "{done:#}");
    done["rows"].as_array().expect("rows").iter().for_each(assert_in_place);
    assert_eq!(by_apply.state(), by_setup.state());
    assert_no_credential(&by_apply);

    let before = by_apply.writes();
    let again = document(&by_apply, &text, &[], 0);
    assert_eq!(again["outcome"], "unchanged", "{again:#}");
    assert_eq!(outcomes(&again), EVERY_ROW.map(|name| (name, "unchanged")));
    assert_eq!(again["stats"]["writes"], 0);
    assert_eq!(by_apply.writes(), before);
}

#[test]
fn apply_shared_steps_run_once() {
    let sandbox = Served::start(["--lag", "typical"]);
    document(&sandbox, &everything(), &[], 0);
    // The service principals of three vendors, and of three applications of ours.
    let made = sandbox.writes();
    let made = made
        .iter()
        .filter(|line| *line == "POST /v1.0/servicePrincipals 201")
        .count();
    assert_eq!(made, 3 + 3, "{:#?}", sandbox.writes());
    let state = sandbox.state();
    let roles = state["roleDefinitions"].as_array().expect("roles");
    let names: BTreeSet<&str> = roles.iter().filter_map(|role| role["roleName"].as_str()).collect();
    assert_eq!(names.len(), roles.len(), "{roles:#?}");
    let kongs = roles.iter().find(|role| role["roleName"] == ROLE).expect("Kong's role");
    let scopes = [SUBSCRIPTION, OTHER_SUBSCRIPTION].map(|id| format!("/subscriptions/{id}"));
    assert_eq!(kongs["assignableScopes"], json!(scopes));
    // Made for one subscription, and then for the other; every other role is written once.
    let written: Vec<String> = sandbox
        .writes()
        .into_iter()
        .filter(|line| line.contains("/roleDefinitions/"))
        .collect();
    // Which roles of Kong's, Aiven's and Dragonfly's names there are elsewhere is asked once for each.
    let asked = sandbox.asked();
    let searches = asked.iter().filter(|line| line.contains("Microsoft.ResourceGraph"));
    assert_eq!(searches.count(), 3, "{asked:#?}");
    let once: BTreeSet<&String> = written.iter().collect();
    assert_eq!(written.len(), once.len() + 1, "{written:#?}");
    assert_no_credential(&sandbox);
}

#[test]
fn apply_shares_application_credential() {
    let sandbox = Served::start(["--lag", "typical"]);
    let data = vnet(SUBSCRIPTION, "rg-network", "vnet-data");
    let text = format!(
        "[defaults]\nvendor = 'dragonfly'\nown-app = '{OWN_APP}'\nset = {{ network = 'cache-eastus2' }}\n\
         [[peering]]\nvnet-ids = ['{VNET_ID}', '{data}']\n"
    );
    // The first row to write stands still with the credential, until the other one has it too.
    let stalls = Served::start(["--lag", "none", "--fault", "PUT */virtualNetworkPeerings/*:1=503:10"]);
    document(&stalls, &text, &[], 0);
    assert_no_credential(&stalls);
    assert_eq!(
        (writes(&stalls, "/addPassword"), writes(&stalls, "/removePassword")),
        (1, 1)
    );
    document(&sandbox, &text, &[], 0);
    assert_no_credential(&sandbox);
}

#[test]
fn apply_blocked_row_spares_others() {
    let sandbox = sandbox();
    let legacy = vnet(SUBSCRIPTION, "rg-legacy", "vnet-legacy");
    let nowhere = vnet(SUBSCRIPTION, "rg-network", "vnet-nowhere");
    let text = format!(
        "[defaults]\nvendor = 'kong'\nset = {{ network = 'eastus2-network' }}\n\
         [[peering]]\nvnet-ids = ['{legacy}', '{nowhere}', '{VNET_ID}']\n"
    );
    let expected = [
        ("vnet-legacy-kong", "blocked"),
        ("vnet-nowhere-kong", "failed"),
        ("vnet-app-kong", "done"),
    ];
    // As the row that went worst.
    let ended = document(&sandbox, &text, &[], 1);
    assert_eq!(outcomes(&ended), expected, "{ended:#}");
    assert_eq!(ended["rows"][0]["error"]["kind"], "preflight");
    let ran = apply(
        &sandbox,
        &text,
        &["--peering", "vnet-legacy-kong", "--peering", "vnet-app-kong"],
    )
    .run();
    let ran = ran.expect_code(4);
    let told: Vec<&str> = ran.stdout.lines().collect();
    assert!(told[0].starts_with("  vnet-legacy-kong  blocked: "), "{ran}");
    assert!(ran.stdout.contains("  vnet-app-kong     in place already"), "{ran}");
    assert!(ran.stdout.contains("Run the same command again"), "{ran}");
    assert!(
        !ran.stdout.contains("nowhere") && ran.stderr.contains("vnet-legacy-kong: Error: "),
        "{ran}"
    );
}

#[test]
fn apply_file_errors_prevent_writes() {
    let sandbox = sandbox();
    let none: &[&str] = &[];
    let table: [(&str, &[&str], &[&str]); 8] = [
        (
            "[[peering]]\nvendor = 'kong'\nvnt = 'x'",
            none,
            &["peerings.toml, line 3: 'vnt' is no input"],
        ),
        (
            "[[peering]]\nvendor = 'kong'\nkonnect-token = 'kpat_x-marks'",
            none,
            &["line 3: 'konnect-token' looks like a secret"],
        ),
        (
            "[[peering]]\nname = 'a'\nvendor = 'kong'\n[[peering]]\nname = 'b'\nvnet-id = 'x'\nvendor = 'nobody'",
            none,
            &[
                "2 rows of",
                "a (line 1): ",
                "--resource-group",
                "--set network=…",
                "b (line 4): --vendor nobody cannot be used.",
            ],
        ),
        (
            "[[peering]]\nname = 'a'\nvendor = 'kong'\nvnet-id = '{V}'\nset = { network = 'n' }\n\
             [[peering]]\nname = 'b'\nvendor = 'kong'\nvnet-id = '{V}'\nset = { network = 'n' }",
            none,
            &["b (line 6): is row a once more."],
        ),
        (
            "[[peering]]\nname = 'a'",
            &["--peering", "c"],
            &["--peering c can't be used", "Its peerings: a."],
        ),
        ("", none, &["there is no peering in it"]),
        ("x", none, &["line 1: this is no TOML"]),
        ("[[peering]]", &["--parallelism", "0"], &["--parallelism"]),
    ];
    for (text, more, expected) in table {
        let text = text.replace("{V}", VNET_ID);
        let ran = apply(&sandbox, &text, more).run().expect_code(2);
        for part in expected {
            assert!(words(&ran.stderr).contains(part), "{part} of {text}\n{ran}");
        }
        assert!(!ran.stderr.contains("x-marks"), "{ran}");
        assert!(ran.stdout.is_empty(), "{ran}");
    }
    let ran = peerctl(["azure", "apply", "nothing.toml", "--yes", "-o", "json"])
        .run()
        .expect_code(2);
    assert_eq!(ran.json()["error"]["kind"], "usage");
    let file = write(&sandbox, &everything());
    let ran = peerctl(["azure".into(), "apply".into(), file.into_os_string()])
        .envs(sandbox.env())
        .run();
    assert!(ran.expect_code(2).stderr.contains("--yes"));
    assert_eq!(sandbox.writes(), Vec::<String>::new());
}

#[test]
fn apply_dry_run_changes_nothing() {
    let sandbox = sandbox();
    let legacy = vnet(SUBSCRIPTION, "rg-legacy", "vnet-legacy");
    let text = everything();
    let ran = apply(&sandbox, &text, &["--dry-run"]).run().expect_code(0);
    assert!(
        ran.stdout
            .contains("  shop                 create consent, role-definition, role-assignment"),
        "{ran}"
    );
    assert_eq!(
        ran.stdout.lines().filter(|line| line.contains("create ")).count(),
        6,
        "{ran}"
    );
    let kong = "vendor = 'kong'\nset = { network = 'eastus2-network' }\n";
    let blocked = format!("[[peering]]\nvnet-id = '{legacy}'\n{kong}[[peering]]\nvnet-id = '{VNET_ID}'\n{kong}");
    let document = document(&sandbox, &blocked, &["--dry-run"], 4);
    assert_eq!(
        outcomes(&document),
        [("vnet-legacy-kong", "blocked"), ("vnet-app-kong", "unchanged")]
    );
    assert_eq!(sandbox.writes(), Vec::<String>::new());
}

#[test]
fn apply_wrong_sign_in_reported_once() {
    let sandbox = sandbox();
    let ran = apply(&sandbox, &everything(), &[])
        .env("AZURE_CLIENT_SECRET", "wrong")
        .run();
    let ran = ran.expect_code(1);
    assert_eq!(ran.stderr.matches("AADSTS7000215").count(), 1, "{ran}");
}

/// One code serves the rows of both tenants.
#[cfg(unix)]
#[test]
fn apply_device_code_covers_all_rows() {
    let sandbox = sandbox();
    let text = format!(
        "[defaults]\nauth = 'device-code'\nvendor = 'kong'\nset = {{ network = 'eastus2-network' }}\n\
         [[peering]]\ntenant-id = '{TENANT}'\nvnet-id = '{VNET_ID}'\n\
         [[peering]]\nname = 'theirs'\ntenant-id = '{FABRIKAM}'\nvnet-id = '{}'\n",
        partner("vnet-partner")
    );
    let line = line(&write(&sandbox, &text), &["--dry-run"]);
    let mut running = Running::start(line, sandbox.env());
    let said = running.wait_for("(good for ");
    let code = said
        .split("enter the code ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next())
        .expect("a code");
    let form = [
        ("code", code),
        ("account", "alex@contoso.onmicrosoft.com"),
        ("decision", "accept"),
    ];
    let form = form.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let (status, _) = sandbox.send(reqwest::Method::POST, "/devicelogin", None, Body::Form(form.into()));
    assert_eq!(status, 200);
    let exit = running.wait();
    assert_eq!(exit.stderr.matches("enter the code ").count(), 1, "{}", exit.stderr);
    assert!(exit.stdout.contains("vnet-app-kong  create consent"), "{}", exit.stderr);
}

#[test]
fn apply_no_wait_resumes_later() {
    let sandbox = Served::start(["--lag", "typical"]);
    let text = everything();
    let waiting = document(&sandbox, &text, &["--no-wait"], 3);
    assert_eq!(waiting["outcome"], "waiting", "{waiting:#}");
    document(&sandbox, &text, &[], 0);
    let again = document(&sandbox, &text, &[], 0);
    assert_eq!(again["outcome"], "unchanged", "{again:#}");
}

/// The first row waits for a person for as long as it takes, and there is one desk.
#[cfg(unix)]
#[test]
fn apply_releases_permit_while_waiting() {
    let sandbox = sandbox();
    let text = format!(
        "[defaults]\nvnet-id = '{VNET_ID}'\n\
         [[peering]]\nname = 'first'\nconsent = 'wait'\nvendor = 'aiven'\nset = {{ project = 'demo', vpc = '{VPC}' }}\n\
         [[peering]]\nname = 'second'\nvendor = 'kong'\nset = {{ network = 'eastus2-network' }}\n"
    );
    let line = line(&write(&sandbox, &text), &["--parallelism", "1"]);
    let mut running = Running::start(line, sandbox.env());
    running.wait_for("first: consent: waiting");
    running.wait_for("second: verification: in place");
    Colleague::of(&sandbox).makes_principal(AIVEN_APP);
    let exit = running.wait();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
}

/// Each of them wants the same consent, and one of them waits for it; nobody has a desk for good.
#[cfg(unix)]
#[test]
fn apply_rows_resume_together() {
    let sandbox = sandbox();
    let data = vnet(SUBSCRIPTION, "rg-network", "vnet-data");
    let text = format!(
        "[[peering]]\nconsent = 'browser'\nvendor = 'kong'\nset = {{ network = 'eastus2-network' }}\n\
         vnet-ids = ['{VNET_ID}', '{data}']\n"
    );
    let line = line(&write(&sandbox, &text), &["--parallelism", "1"]);
    let mut running = Running::start(line, sandbox.env());
    running.wait_for("consent: another row does the same first");
    Colleague::of(&sandbox).makes_principal(APP_ID);
    let exit = running.wait();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
}

#[test]
fn apply_leftover_credential_removed_next_run() {
    let refused = |nth: u8| format!("POST */removePassword:{nth}=403:Authorization_RequestDenied");
    let sandbox = Served::start(["--lag", "none", "--fault", &refused(1), "--fault", &refused(2)]);
    let data = vnet(SUBSCRIPTION, "rg-network", "vnet-data");
    let text = format!(
        "[defaults]\nvendor = 'dragonfly'\nown-app = '{OWN_APP}'\nset = {{ network = 'cache-eastus2' }}\n\
         [[peering]]\nvnet-ids = ['{VNET_ID}', '{data}']\n"
    );
    document(&sandbox, &text, &[], 1);
    document(&sandbox, &text, &[], 0);
    assert_no_credential(&sandbox);
}

#[cfg(unix)]
#[test]
fn apply_resumes_after_interruption() {
    let by_setup = sandbox();
    one_by_one(&by_setup);
    for (signal, code) in [("INT", Some(130)), ("KILL", None)] {
        for fault in [
            "PUT */roleDefinitions/*:1=stall-after",
            "POST */addPassword:1=stall-after",
            "PUT */virtualNetworkPeerings/*:1=stall",
        ] {
            let sandbox = Served::start(["--lag", "none", "--fault", fault]);
            let text = everything();
            let running = Running::start(line(&write(&sandbox, &text), &[]), sandbox.env());
            poll(support::DEADLINE, || (struck(&sandbox) >= 1).then_some(())).expect("the request is sent");
            let exit = running.signal(signal).wait();
            assert_eq!(exit.code, code, "{fault}: {}", exit.stderr);
            if signal == "INT" {
                assert_no_credential(&sandbox);
                assert!(exit.stdout.contains("stopped"), "{}", exit.stdout);
            }
            document(&sandbox, &text, &[], 0);
            assert_eq!(sandbox.state(), by_setup.state(), "{signal} at {fault}");
        }
    }
}

#[cfg(unix)]
#[test]
fn apply_terminal_confirms_plan_once() {
    let sandbox = sandbox();
    let file = write(&sandbox, &everything());
    let file = file.display().to_string();
    let dry = Wizard::start(["azure", "apply", &file, "--dry-run"], (40, 100), sandbox.env());
    assert_eq!(dry.wait_exit(), Exit::with_code(0));
    let screen = dry.screen();
    assert!(
        screen.contains("create consent") && !screen.contains("in place already"),
        "{screen}"
    );
    for answer in ["\u{3}", "n\r", "y\r"] {
        let mut terminal = Wizard::start(["azure", "apply", &file], (40, 100), sandbox.env());
        terminal.wait_for("Go ahead?");
        let screen = terminal.screen();
        assert!(
            screen.contains("What will be done") && screen.contains("vnet-data-dragonfly"),
            "{screen}"
        );
        terminal.answer(answer);
        let exit = terminal.wait_exit();
        let screen = terminal.screen();
        if answer != "y\r" {
            assert_eq!(exit, Exit::with_code(130), "{screen}");
            assert!(screen.contains("Stopped; nothing was written."), "{screen}");
            assert!(!screen.contains("stopped") && terminal.cursor_visible(), "{screen}");
            assert_eq!(sandbox.writes(), Vec::<String>::new());
        } else {
            assert_eq!(exit, Exit::with_code(0), "{screen}");
            for name in EVERY_ROW {
                assert!(screen.contains(&format!("✔ {name}")), "{name} in\n{screen}");
            }
        }
    }
}

#[test]
fn apply_documented_file_works() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/.github/docs/many.md")).expect("a page");
    let file = page
        .split("```toml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("a file");
    let done = document(&sandbox(), file, &[], 0);
    let names = ["shop", "vnet-app-dragonfly", "vnet-data-dragonfly"];
    assert_eq!(outcomes(&done), names.map(|name| (name, "done")), "{done:#}");
}

#[test]
fn apply_rows_write_record_and_ticket() {
    let sandbox = sandbox();
    let (records, ticket) = (sandbox.folder().join("records"), sandbox.folder().join("ticket.md"));
    let shown = ticket.display().to_string();
    let run = apply(&sandbox, &everything(), &["--report", &shown, "-o", "json"]);
    let ran: Ran = run.env("PEERCTL_STATE_DIR", &records).run().expect_code(0);
    for row in ran.json()["rows"].as_array().expect("rows") {
        let file = row["record"].as_str().unwrap_or_else(|| panic!("{row:#}"));
        let record: Value = serde_json::from_str(&std::fs::read_to_string(file).expect("a record")).expect("JSON");
        assert_eq!(record["who"]["name"], "peerctl-operator", "{record:#}");
        let undo = record["undo"].as_str().unwrap_or_default();
        assert!(undo.starts_with("peerctl azure teardown "), "{undo}");
        let writes = record["requests"].as_array().expect("a list").iter();
        assert!(writes.filter(|sent| sent["writes"] == true).count() > 0);
    }
    let text = std::fs::read_to_string(ticket).expect("a ticket");
    assert_eq!(
        text.matches("\n# ").count() + usize::from(text.starts_with("# ")),
        6,
        "{text}"
    );
}
