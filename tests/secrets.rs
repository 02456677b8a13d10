//! No secret is anywhere but in the requests that need it: every command, however it ends, and everything that it
//! leaves behind, searched for every secret that it was given, was issued or has made.
#![cfg(unix)]

mod support;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use support::both_sides::struck;
use support::cli::{Ran, peerctl, program};
use support::device::sign_in;
use support::kong::{TENANT, VNET_ID};
use support::link::{AIVEN, DRAGONFLY, GENERIC, KONG, Link};
use support::middleman::{Manners, Middleman, Side};
use support::pty::{against, keys};
use support::running::Running;
use support::served::{Served, poll};
use support::{DEADLINE, PEERCTL};
use tempfile::TempDir;

/// What no run of these needs, and what is in the environment of many a pipeline all the same.
const IDLE: [(&str, &str); 7] = [
    ("IDENTITY_HEADER", "canary~identity~header"),
    ("ACME_PAT", "canary~pat"),
    ("AWS_SECRET_ACCESS_KEY", "canary~access~key"),
    ("DATABASE_URL", "postgres://me:canary~database~password@localhost/db"),
    ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "canary~job~token"),
    ("PEERCTL_OWN_APP_SECRET", "canary~own-app~secret"),
    ("AZURE_CLIENT_CERTIFICATE_PASSWORD", "canary~certificate~password"),
];

/// Every secret there is: what was given, a token (a JWT begins so), a credential as Entra makes it, what the sandbox
/// gives who signs in by a code.
fn canaries(sandbox: &Served) -> Vec<String> {
    let given = [
        "AZURE_CLIENT_SECRET",
        "KONNECT_TOKEN",
        "AIVEN_AUTH_TOKEN",
        "DFCLOUD_API_KEY",
    ];
    let given = given.iter().map(|name| sandbox.value(name).to_owned());
    let idle = IDLE.iter().map(|(_, value)| (*value).to_owned());
    let made = ["eyJ", "8Q~", "sandbox~device~", "sandbox~refresh~"].map(str::to_owned);
    given.chain(idle).chain(made).collect()
}

#[track_caller]
fn assert_none(sandbox: &Served, what: &str, text: &str) {
    for canary in canaries(sandbox) {
        assert!(!text.contains(&canary), "{what} has {canary}:\n{text}");
    }
    // Nor in another form: percent-encoded, and in base64 at each place where it may begin.
    let percent = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let base64 = |text: String| STANDARD_NO_PAD.encode(text);
    for canary in canaries(sandbox).iter().filter(|canary| canary.len() > 12) {
        let middles = (0..3).map(|before| {
            let encoded = base64(format!("{}{canary}", "x".repeat(before)));
            encoded[4..encoded.len() - 4].to_owned()
        });
        for form in [percent(canary)].into_iter().chain(middles) {
            assert!(!text.contains(&form), "{what} has {canary} as {form}:\n{text}");
        }
    }
}

/// Everything that a run leaves: log, ticket and record.
struct Left(TempDir);

impl Left {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn at(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    /// The flags that make it say as much as it can.
    fn flags(&self) -> Vec<String> {
        ["-vvv".to_owned(), "--log-file".to_owned(), self.at("log")].to_vec()
    }

    /// Nothing in the files is secret; gives how many there are.
    #[track_caller]
    fn search(&self, sandbox: &Served) -> usize {
        let mut folders = vec![self.0.path().to_owned()];
        let mut files = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
                if entry.path().is_dir() {
                    folders.push(entry.path());
                    continue;
                }
                files += 1;
                let bytes = std::fs::read(entry.path()).expect("a file");
                assert_none(
                    sandbox,
                    &entry.path().display().to_string(),
                    &String::from_utf8_lossy(&bytes),
                );
            }
        }
        files
    }
}

#[test]
fn no_row_of_a_file_shows_a_secret() {
    let sandbox = Served::start(["--lag", "none"]);
    let file = sandbox.folder().join("peerings.toml");
    let rows = [KONG, AIVEN, DRAGONFLY, GENERIC].map(|link| link.row());
    std::fs::write(&file, rows.concat()).expect("a file");
    let file = file.display().to_string();
    let line = ["azure", "apply", &file, "--no-input", "--yes"]
        .map(str::to_owned)
        .to_vec();
    let (ran, files) = searched(&sandbox, line, &["-o", "json"]);
    // The log, the ticket, and a record of each.
    assert_eq!(files, 2 + rows.len(), "{}", ran.expect_code(0));
}

/// Runs the command line as loud as it can be, and searches all of it.
#[track_caller]
fn searched(sandbox: &Served, line: Vec<String>, more: &[&str]) -> (Ran, usize) {
    searched_by(sandbox, sandbox.env(), line, more)
}

/// The same with another server in the sandbox's place.
#[track_caller]
fn searched_by(sandbox: &Served, env: &BTreeMap<String, String>, line: Vec<String>, more: &[&str]) -> (Ran, usize) {
    let left = Left::new();
    let reports = line
        .iter()
        .any(|word| ["setup", "apply", "repair", "teardown"].contains(&word.as_str()));
    let dry = more.contains(&"--dry-run");
    let report = ["--report".to_owned(), left.at("ticket.md")];
    let report = report.into_iter().filter(|_| reports && !dry);
    let all = line.into_iter().chain(left.flags()).chain(report);
    let ran = peerctl(all.chain(more.iter().map(|word| (*word).to_owned())))
        .envs(env)
        .envs(IDLE)
        .env("PEERCTL_STATE_DIR", left.at("records"))
        .run();
    assert_none(sandbox, "standard output", &ran.stdout);
    assert_none(sandbox, "standard error", &ran.stderr);
    let files = left.search(sandbox);
    (ran, files)
}

#[test]
fn no_command_shows_a_secret_of_a_link_from_its_beginning_to_its_end() {
    for link in [KONG, AIVEN, DRAGONFLY, GENERIC] {
        let sandbox = Served::start(["--lag", "none"]);
        for (command, more, code) in [
            ("setup", &["--dry-run"][..], 0),
            ("setup", &[], 0),
            ("setup", &["-o", "json"], 0),
            ("status", &["-o", "json"], 0),
            ("repair", &[], 0),
            ("teardown", &["-o", "json"], 0),
        ] {
            let (ran, files) = searched(&sandbox, link.line(command, &[]), more);
            let ran = ran.expect_code(code);
            // The log always; the ticket where there is a plan to show, the record of what wrote.
            let expected = match (command, more) {
                ("setup", []) | ("teardown", _) => 3,
                ("setup", ["-o", "json"]) | ("repair", _) => 2,
                _ => 1,
            };
            assert_eq!(files, expected, "{} {command} {more:?}\n{ran}", link.vendor);
            let logged = ran.stderr.contains("authorization: [redacted]");
            assert!(logged || more == ["--dry-run"], "{command} logs its requests\n{ran}");
        }
        let made = sandbox.requests().to_string().contains("addPassword");
        assert_eq!(
            made,
            [AIVEN.vendor, DRAGONFLY.vendor].contains(&link.vendor),
            "{}",
            link.vendor
        );
    }
}

#[test]
fn service_that_echoes_requests_shows_no_secret() {
    let sandbox = Served::start(["--lag", "none"]);
    for (side, status) in [
        (Side::SignIn, 400),
        (Side::Azure, 403),
        (Side::Azure, 400),
        (Side::Graph, 403),
        (Side::Vendor, 400),
        (Side::Vendor, 403),
    ] {
        let echo = Middleman::start(
            &sandbox,
            Manners {
                echoes: Some((side, status)),
                ..Manners::default()
            },
        );
        for link in [KONG, AIVEN, DRAGONFLY] {
            for (command, more) in [
                ("setup", &["-o", "json"][..]),
                ("setup", &[]),
                ("status", &[]),
                ("doctor", &["-o", "json"]),
                ("repair", &[]),
                ("teardown", &["-q"]),
            ] {
                // Other vendors' services are met in the same places.
                if link.vendor != KONG.vendor && (command != "setup" || more.is_empty()) {
                    continue;
                }
                let (ran, _) = searched_by(&sandbox, echo.env(), link.line(command, &[]), more);
                let shown = ran.stdout.contains("[redacted]") || ran.stderr.contains("[redacted]");
                assert!(shown, "{side:?} {status} {command}\n{ran}");
            }
        }
        assert!(echo.shown().contains("echoes"), "{side:?}");
    }
}

#[test]
fn browser_finds_no_secret_in_its_environment() {
    let sandbox = Served::start(["--lag", "none"]);
    let noted = sandbox.folder().join("noted");
    let browser = sandbox.folder().join("browser");
    let script = format!(
        "#!/bin/sh\n(env; echo end) >'{0}.part'\nmv '{0}.part' '{0}'\n",
        noted.display()
    );
    std::fs::write(&browser, script).expect("a file");
    std::fs::set_permissions(&browser, std::fs::Permissions::from_mode(0o755)).expect("it can be run");
    let browser = browser.display().to_string();
    let env: Vec<(&str, &str)> = IDLE.into_iter().chain([("BROWSER", browser.as_str())]).collect();
    let args = ["--vendor", "kong", "--consent", "browser", "--yes"];
    let network = [
        "--vnet-id",
        VNET_ID,
        "--set",
        "network=eastus2-network",
        "--set",
        "dns=",
    ];
    let mut wizard = against(&sandbox, &[&args[..], &network].concat(), &[], &env);
    let noted = poll(DEADLINE, || std::fs::read_to_string(&noted).ok()).expect("the browser was started");
    wizard.send(keys::CTRL_C);
    wizard.wait_exit();
    assert!(noted.contains("BROWSER=") && noted.ends_with("end\n"), "{noted}");
    assert_none(&sandbox, "what the browser sees", &noted);
}

/// A crash would write the memory, with every token in it, into a file.
#[test]
#[cfg(target_os = "linux")]
fn core_dumps_are_off() {
    let script = format!(
        "ulimit -S -c $(ulimit -H -c); '{PEERCTL}' sandbox --env-file env & pid=$!
         while [ ! -e env ]; do kill -0 $pid || exit 9; sleep 0.05; done
         grep 'Max core file size' /proc/$$/limits /proc/$pid/limits; kill $pid; wait"
    );
    let ran = program("sh", ["-c", &script]).run();
    let ran = ran.expect_code(0);
    let soft: Vec<&str> = ran
        .stdout
        .lines()
        .filter(|line| line.starts_with("/proc/"))
        .filter_map(|line| line.split_whitespace().nth(4))
        .collect();
    assert_eq!(soft.get(1), Some(&"0"), "{ran}");
}

/// A run in which the requests of `faults` go wrong.
#[track_caller]
fn struck_run(link: Link, faults: &[&str], code: i32) {
    let flags = faults.iter().flat_map(|fault| ["--fault", fault]);
    let sandbox = Served::start(["--lag", "none"].into_iter().chain(flags));
    let (ran, files) = searched(&sandbox, link.line("setup", &[]), &["-o", "json"]);
    let ran = ran.expect_code(code);
    assert!(files > 0 && struck(&sandbox) > 0, "{faults:?}\n{ran}");
}

#[test]
fn no_failure_quotes_a_secret() {
    // Half of an answer that holds a token or a credential; a refusal in the middle; a service that sends one back.
    struck_run(KONG, &["POST */oauth2/v2.0/token:1=truncate"], 0);
    struck_run(KONG, &["POST */oauth2/v2.0/token=garbage"], 1);
    struck_run(KONG, &["* */transit-gateways*=401"], 1);
    struck_run(AIVEN, &["POST */addPassword=truncate"], 1);
    struck_run(
        AIVEN,
        &["PUT */virtualNetworkPeerings/*=403:LinkedAuthorizationFailed:no"],
        1,
    );
    struck_run(AIVEN, &["* */peering-connections*=403"], 1);
    struck_run(DRAGONFLY, &["POST */addPassword=garbage"], 1);
    struck_run(DRAGONFLY, &["* /v1/connections*=401"], 1);
}

#[test]
fn a_run_that_is_stopped_shows_none_and_neither_does_its_process() {
    let left = Left::new();
    let fault = "PUT */virtualNetworkPeerings/*:1=stall";
    let sandbox = Served::start(["--lag", "none", "--fault", fault]);
    let line = AIVEN.line("setup", &["--report", &left.at("ticket.md")]);
    let records = ("PEERCTL_STATE_DIR".to_owned(), left.at("records"));
    let env = sandbox.env().clone().into_iter().chain([records]);
    let running = Running::start(line.into_iter().chain(left.flags()), env);
    poll(DEADLINE, || (struck(&sandbox) == 1).then_some(())).expect("the credential is in use");
    if cfg!(target_os = "linux") {
        let seen = processes_of(PEERCTL, &sandbox);
        assert!(!seen.is_empty(), "the run is found among the processes");
        seen.iter()
            .for_each(|line| assert_none(&sandbox, "a command line", line));
    }
    let exit = running.signal("INT").wait();
    assert_eq!(exit.code, Some(130), "{}", exit.stderr);
    assert_none(&sandbox, "standard output", &exit.stdout);
    assert_none(&sandbox, "standard error", &exit.stderr);
    assert_eq!(left.search(&sandbox), 3, "{}", exit.stderr);
}

#[test]
fn who_signs_in_by_a_code_shows_nothing_that_it_brings() {
    let answer = "POST */oauth2/v2.0/token:2=truncate";
    let none = "POST */oauth2/v2.0/token=garbage";
    let code = "POST */oauth2/v2.0/devicecode=truncate";
    for (link, fault, expected) in [
        (KONG, None, Some(0)),
        (GENERIC, None, Some(0)),
        (KONG, Some(answer), None),
        (KONG, Some(none), Some(1)),
        (KONG, Some(code), Some(1)),
    ] {
        let left = Left::new();
        let faults = fault.into_iter().flat_map(|fault| ["--fault", fault]);
        let sandbox = Served::start(["--lag", "none"].into_iter().chain(faults));
        let line = link.line("setup", &["--auth", "device-code", "--report", &left.at("ticket.md")]);
        let records = ("PEERCTL_STATE_DIR".to_owned(), left.at("records"));
        let env = sandbox.env().clone().into_iter().chain([records]);
        let mut running = Running::start(line.into_iter().chain(left.flags()), env);
        if fault.is_none_or(|fault| fault == answer) {
            sign_in(&sandbox, &mut running);
        }
        let exit = running.wait();
        assert!(
            expected.is_none_or(|code| exit.code == Some(code)),
            "{fault:?}\n{}",
            exit.stderr
        );
        assert_none(&sandbox, "standard output", &exit.stdout);
        assert_none(&sandbox, "standard error", &exit.stderr);
        assert!(
            exit.stderr.contains("/devicecode"),
            "it logs its requests\n{}",
            exit.stderr
        );
        assert!(left.search(&sandbox) > 0, "{}", exit.stderr);
    }
}

/// The command lines of this program's processes that belong to this sandbox.
fn processes_of(program: &str, sandbox: &Served) -> Vec<String> {
    let all = std::fs::read_dir("/proc").expect("processes").flatten();
    let read = |path: &Path, file: &str| std::fs::read(path.join(file)).unwrap_or_default();
    let ours = all.filter(|entry| {
        let environment = read(&entry.path(), "environ");
        String::from_utf8_lossy(&environment).contains(sandbox.value("PEERCTL_CLOUD"))
    });
    let lines = ours.map(|entry| String::from_utf8_lossy(&read(&entry.path(), "cmdline")).replace('\0', " "));
    lines.filter(|line| line.starts_with(program)).collect()
}

#[test]
fn az_is_told_no_secret_and_finds_none_in_its_environment() {
    let sandbox = Served::start(["--lag", "none"]);
    let folder = tempfile::tempdir().expect("a folder");
    let noted = folder.path().join("noted");
    let az = folder.path().join("az");
    // What az would print, where the token is one that every service refuses.
    let token = r#"{"accessToken":"az~canary","expires_on":4102444800,"tokenType":"Bearer"}"#;
    let script = format!(
        "#!/bin/sh\n(printf '%s\\n' \"$@\"; env; tr '\\0' '\\n' </proc/$$/cmdline) >>'{}'\necho '{token}'\n",
        noted.display()
    );
    std::fs::write(&az, script).expect("a file");
    std::fs::set_permissions(&az, std::fs::Permissions::from_mode(0o755)).expect("it can be run");
    let path = format!(
        "{}:{}",
        folder.path().display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let ran = peerctl(KONG.line("setup", &["--auth", "azure-cli", "--tenant-id", TENANT, "-vvv"]))
        .envs(sandbox.env())
        .envs(IDLE)
        .env("PATH", path)
        .run();
    let ran = ran.expect_code(1);
    let noted = std::fs::read_to_string(&noted).expect("az was started");
    assert!(noted.contains("get-access-token") && noted.contains("PATH="), "{noted}");
    assert_none(&sandbox, "what az sees", &noted);
    for text in [&ran.stdout, &ran.stderr] {
        assert_none(&sandbox, "the output", text);
        assert!(!text.contains("az~canary"), "{ran}");
    }
}

#[test]
fn what_needs_no_sign_in_shows_none() {
    let sandbox = Served::start(["--lag", "none"]);
    let words = |line: &[&str]| line.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    for (line, code) in [
        (&["explain", "AADSTS7000215"][..], 0),
        (&["vendors", "kong"], 0),
        (
            &["azure", "setup", "--no-input", "--vendor", "kong", "--vnet-id", VNET_ID],
            2,
        ),
        (
            &[
                "azure",
                "setup",
                "--no-input",
                "--yes",
                "--sandbox",
                "--vendor",
                "aiven",
            ],
            2,
        ),
    ] {
        searched(&sandbox, words(line), &[]).0.expect_code(code);
    }
}
