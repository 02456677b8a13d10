//! What is kept of a run: the record in the platform's state folder, and the ticket that `--report` asks for.

mod support;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::both_sides::{AIVEN, DRAGONFLY, Party, struck};
use support::cli::{Ran, Run, peerctl};
use support::kong::{LIMITED, VNET_ID, setup};
use support::served::Served;
use tempfile::TempDir;

const TICKET: &str = "<!-- peerctl report -->\n";

/// A sandbox in which everything takes effect at once.
fn sandbox() -> Served {
    Served::start(["--lag", "none"])
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// Everything that is in the folder, whatever its name.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).map(|entries| entries.flatten().map(|entry| entry.path()).collect());
    entries.unwrap_or_default()
}

#[track_caller]
fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The one record in the folder.
#[track_caller]
fn record(folder: &Path) -> Value {
    let files = files(folder);
    assert_eq!(files.len(), 1, "{files:?}");
    serde_json::from_str(&read(&files[0])).expect("a record is JSON")
}

/// With Kong; records go to `folder`.
fn recording(sandbox: &Served, folder: &Path, more: &[&str]) -> Run {
    setup(sandbox, more).env("PEERCTL_STATE_DIR", folder)
}

/// With `--report file` and no record.
fn reporting(sandbox: &Served, file: &Path, more: &[&str]) -> Run {
    let file = file.display().to_string();
    let flags = [&["--report", &file], more].concat();
    setup(sandbox, &flags).env("PEERCTL_STATE_DIR", "none")
}

// ------------------------------------------------------------------------------------------------ what is in it

/// Method, path, status and correlation id of every request of a client, as the sandbox saw them.
fn seen(sandbox: &Served) -> Vec<String> {
    let log = sandbox.requests();
    let requests = log["requests"].as_array().expect("a log").iter();
    let mut seen: Vec<String> = requests
        .filter(|request| request.get("actor").is_none())
        .map(|request| row(request, request["url"].as_str().expect("a path")))
        .collect();
    seen.sort();
    seen
}

/// The same of the record.
fn recorded(sandbox: &Served, record: &Value) -> Vec<String> {
    let requests = record["requests"].as_array().expect("requests").iter();
    let path = |request: &Value| {
        let url = request["url"].as_str().expect("an address");
        let path = url.strip_prefix(sandbox.value("KONNECT_API_URL"));
        path.expect("an address of the sandbox").to_owned()
    };
    let mut rows: Vec<String> = requests.map(|request| row(request, &path(request))).collect();
    rows.sort();
    rows
}

fn row(request: &Value, path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let (status, id) = (&request["status"], &request["correlationId"]);
    format!("{} {path} {status} {id}", request["method"])
}

#[test]
fn every_request_is_in_it_as_the_other_side_saw_it() {
    for party in [AIVEN, DRAGONFLY] {
        let (sandbox, folder) = (sandbox(), folder());
        let ran = party.setup(&sandbox, &["-o", "json"]);
        let ran = ran.env("PEERCTL_STATE_DIR", folder.path()).run().expect_code(0);
        let record = record(folder.path());
        assert_eq!(recorded(&sandbox, &record), seen(&sandbox));
        assert_eq!(
            record["requests"].as_array().map(Vec::len),
            ran.json()["stats"]["requests"].as_u64().map(|n| n as usize)
        );
        assert_eq!(record["requestsLeftOut"], 0);
        let text = record["requests"].to_string();
        assert!(
            text.contains("/oauth2/v2.0/token") && text.contains("addPassword"),
            "{text}"
        );
        let known = [
            "at",
            "clientRequestId",
            "correlationId",
            "method",
            "ms",
            "n",
            "service",
            "status",
            "url",
            "wave",
            "writes",
        ];
        for request in record["requests"].as_array().expect("requests") {
            let fields: Vec<&String> = request.as_object().expect("an object").keys().collect();
            assert!(fields.iter().all(|field| known.contains(&field.as_str())), "{fields:?}");
        }
    }
}

#[test]
fn a_repetition_is_an_entry_of_its_own_and_one_without_an_answer_says_why() {
    let faults = ["PUT */roleDefinitions/*:1=503", "PUT */roleAssignments/*:1=reset-after"];
    let sandbox = Served::start(["--lag", "none", "--fault", faults[0], "--fault", faults[1]]);
    let folder = folder();
    recording(&sandbox, folder.path(), &[]).run().expect_code(0);
    assert_eq!(struck(&sandbox), 2);
    let record = record(folder.path());
    assert_eq!(recorded(&sandbox, &record), seen(&sandbox));
    let puts = |part: &str| -> Vec<(Value, Value, Value)> {
        let requests = record["requests"].as_array().expect("requests").iter();
        requests
            .filter(|one| one["method"] == "PUT" && one["url"].as_str().is_some_and(|url| url.contains(part)))
            .map(|one| {
                (
                    one["status"].clone(),
                    one["failure"].clone(),
                    one["clientRequestId"].clone(),
                )
            })
            .collect()
    };
    let (definition, assignment) = (puts("/roleDefinitions/"), puts("/roleAssignments/"));
    assert_eq!((&definition[0].0, &definition[1].0), (&json!(503), &json!(201)));
    assert_eq!(definition[0].2, definition[1].2, "one id for one call");
    assert_eq!((&assignment[0].0, &assignment[0].1), (&Value::Null, &json!("broken")));
}

#[test]
fn it_is_the_one_document_and_who_when_the_plan_and_how_to_undo_it() {
    let (sandbox, folder) = (sandbox(), folder());
    let ran = recording(&sandbox, folder.path(), &["-o", "json"]).run().expect_code(0);
    let (mut document, mut record) = (ran.json(), record(folder.path()));
    let fields = record.as_object_mut().expect("an object");
    let mut more: Vec<String> = fields.keys().cloned().collect();
    let own = document.as_object_mut().expect("an object");
    assert_eq!(
        own.remove("record"),
        Some(files(folder.path())[0].display().to_string().into())
    );
    more.retain(|key| !own.contains_key(key));
    for (key, value) in own {
        assert_eq!(fields.get(key), Some(&*value), "{key}");
    }
    let expected = [
        "begun",
        "ended",
        "plan",
        "program",
        "requests",
        "requestsLeftOut",
        "undo",
        "version",
        "who",
    ];
    assert_eq!(more, expected);
    assert_eq!(fields["schema"], 1);
    assert_eq!(fields["version"], env!("CARGO_PKG_VERSION"));
    let who = json!({
        "name": "peerctl-operator", "id": "7e5d4c3b-2a19-4807-b6c5-d4e3f2a1b001", "cloud": "sandbox",
        "tenant": "Contoso (6b1f5c5e-8a4e-4d0e-9a53-1f0c2d7e4b10)",
        "tenantId": "6b1f5c5e-8a4e-4d0e-9a53-1f0c2d7e4b10", "tenantName": "Contoso",
    });
    assert_eq!(fields["who"], who);
    let time = |key: &str| fields[key].as_str().expect("a time").to_owned();
    assert!(
        time("begun") < time("ended") && time("begun").ends_with('Z'),
        "{} {}",
        time("begun"),
        time("ended")
    );
    assert_eq!(
        fields["plan"][0],
        json!({"step": "consent", "decision": "create", "what": "a service principal for kong-cgw-azure-vnet-peering-app"})
    );
    let undo = fields["undo"].as_str().expect("a command line").replace(" \\\n   ", "");
    assert!(undo.starts_with("peerctl azure teardown --cloud "), "{undo}");
    assert!(
        undo.ends_with(&format!("--vnet-id {VNET_ID} --set network=eastus2-network")),
        "{undo}"
    );
}

/// What a run may not show: given secrets, the credential that it made, tokens.
#[track_caller]
fn assert_no_secret(sandbox: &Served, party: Party, text: &str) {
    let given = [sandbox.value(party.token), sandbox.value("AZURE_CLIENT_SECRET")];
    for secret in given.into_iter().chain(["8Q~", "eyJ", "client_secret"]) {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[test]
fn no_secret_is_in_the_record_the_report_or_what_is_said() {
    for party in [AIVEN, DRAGONFLY] {
        let fault = "PUT */virtualNetworkPeerings/vnet-app-*:1=403";
        for (faults, code) in [(&[][..], 0), (&["--fault", fault][..], 1)] {
            let sandbox = Served::start([&["--lag", "none"], faults].concat());
            let folder = folder();
            let ticket = folder.path().join("ticket.md");
            let ran = party
                .setup(&sandbox, &["-vv", "--report", &ticket.display().to_string()])
                .env("PEERCTL_STATE_DIR", folder.path().join("records"))
                .run()
                .expect_code(code);
            let kept = &files(&folder.path().join("records"))[0];
            let (record, ticket) = (read(kept), read(&ticket));
            for text in [&record, &ticket] {
                assert!(text.contains("addPassword"), "{text}");
            }
            assert_no_secret(
                &sandbox,
                party,
                &format!("{record}{ticket}{}{}", ran.stdout, ran.stderr),
            );
        }
    }
}

// ------------------------------------------------------------------------------------------------ when and where

#[test]
fn it_is_kept_in_the_state_folder_of_the_home_for_its_owner_alone_and_named_at_the_end() {
    let sandbox = sandbox();
    let run = setup(&sandbox, &[]).env("PEERCTL_STATE_DIR", "");
    let home = run.home().to_owned();
    let ran = run.run().expect_code(0);
    let folder = match std::env::consts::OS {
        "macos" => home.join("Library/Application Support/peerctl"),
        "windows" => home.join("peerctl"),
        _ => home.join(".local/state/peerctl"),
    };
    let files = files(&folder);
    assert_eq!(files.len(), 1, "{files:?}");
    let name = files[0].file_name().expect("a name").to_string_lossy().into_owned();
    // 2026-11-21T07-30-00Z-…
    let (time, rest) = name.split_at(20);
    assert!(
        time.ends_with('Z') && time.starts_with("20") && !name.contains(':'),
        "{name}"
    );
    assert!(
        rest.starts_with("-azure-setup-kong-vnet-app-") && rest.ends_with(".json"),
        "{name}"
    );
    let said = format!("\n\nRecord: {}\n", files[0].display());
    assert!(ran.stdout.ends_with(&said), "{said}\n{ran}");
    #[cfg(unix)]
    {
        assert_eq!((mode(&folder), mode(&files[0])), (0o700, 0o600));
    }
}

#[cfg(unix)]
#[track_caller]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[test]
fn a_run_that_changes_nothing_keeps_nothing() {
    let (sandbox, folder) = (sandbox(), folder());
    // Refused before the plan, stopped by a check, only printed, only rehearsed.
    recording(&sandbox, folder.path(), &["--timeout", "soon"])
        .run()
        .expect_code(2);
    let dry = recording(&sandbox, folder.path(), &["--dry-run"]).run().expect_code(0);
    assert!(!dry.stdout.contains("Record:"), "{dry}");
    let flags = ["azure", "setup", "--sandbox", "--no-input", "--yes", "-o", "json"];
    let inputs = [
        "--vendor",
        "kong",
        "--subscription",
        "Contoso Production",
        "-g",
        "rg-network",
        "--vnet",
        "vnet-app",
    ];
    let more = ["--set", "network=eastus2-network"];
    let rehearsal = peerctl(flags.iter().chain(&inputs).chain(&more)).env("PEERCTL_STATE_DIR", folder.path());
    let home = rehearsal.home().to_owned();
    let rehearsal = rehearsal.run().expect_code(0);
    assert_eq!(
        (&rehearsal.json()["outcome"], rehearsal.json().get("record")),
        (&json!("done"), None)
    );
    assert!(files(&home).is_empty(), "{:?}", files(&home));
    // A write that is refused changes nothing either.
    let limited = recording(&sandbox, folder.path(), &["-o", "json"]).envs(LIMITED).run();
    assert!(limited.json().get("record").is_none(), "{limited}");
    assert!(files(folder.path()).is_empty(), "{:?}", files(folder.path()));

    setup(&sandbox, &[])
        .env("PEERCTL_STATE_DIR", "none")
        .run()
        .expect_code(0);
    let second = recording(&sandbox, folder.path(), &["-o", "json"]).run().expect_code(0);
    assert_eq!(
        (&second.json()["outcome"], second.json().get("record")),
        (&json!("unchanged"), None)
    );
    assert!(files(folder.path()).is_empty(), "{:?}", files(folder.path()));
}

#[test]
fn none_is_kept_where_none_is_wanted() {
    let sandbox = sandbox();
    let run = setup(&sandbox, &["-o", "json"]).env("PEERCTL_STATE_DIR", "none");
    let home = run.home().to_owned();
    let ran = run.run().expect_code(0);
    assert_eq!(
        (&ran.json()["outcome"], ran.json().get("record")),
        (&json!("done"), None)
    );
    assert_eq!(ran.stderr.matches("record").count(), 0, "{ran}");
    assert!(files(&home).is_empty(), "{:?}", files(&home));
}

#[test]
fn one_that_cannot_be_written_is_said_and_the_run_is_none_the_worse() {
    let (sandbox, folder) = (sandbox(), folder());
    let file = folder.path().join("a-file");
    std::fs::write(&file, "").expect("a file");
    let ran = recording(&sandbox, &file.join("below"), &["-q", "-o", "json"])
        .run()
        .expect_code(0);
    assert_eq!(
        (&ran.json()["outcome"], ran.json().get("record")),
        (&json!("done"), None)
    );
    assert!(
        ran.stderr.starts_with("No record of this run is kept: the folder "),
        "{ran}"
    );
}

#[test]
fn a_run_that_failed_or_waits_has_one() {
    let fault = ["--lag", "none", "--fault", "POST */transit-gateways:1=403"];
    let (sandbox, folder) = (Served::start(fault), folder());
    let ran = recording(&sandbox, folder.path(), &[]).run().expect_code(1);
    let failed = record(folder.path());
    assert_eq!(
        (&failed["outcome"], &failed["error"]["step"]),
        (&json!("failed"), &json!("vendor-request"))
    );
    assert!(ran.stdout.contains("\n\nRecord: "), "{ran}");

    let (sandbox, folder) = (self::sandbox(), self::folder());
    recording(&sandbox, folder.path(), &["--vendor-access", "manual", "--no-wait"])
        .run()
        .expect_code(3);
    let waiting = record(folder.path());
    assert_eq!(waiting["outcome"], "waiting");
    assert_eq!(recorded(&sandbox, &waiting), seen(&sandbox));
}

#[cfg(unix)]
mod stopped {
    use super::support::running::Running;
    use super::support::{DEADLINE, kong, served};
    use super::*;

    /// A run that stands still at the writing of the role assignment.
    fn stands_still(folder: &Path) -> (Served, Running) {
        let sandbox = Served::start(["--lag", "none", "--fault", "PUT */roleAssignments/*:1=stall"]);
        let ticket = folder.join("ticket.md").display().to_string();
        let records = folder.join("records").display().to_string();
        let env = sandbox
            .env()
            .clone()
            .into_iter()
            .chain([("PEERCTL_STATE_DIR".to_owned(), records)]);
        let running = Running::start(kong::command_line(&["--report", &ticket]), env);
        served::poll(DEADLINE, || (struck(&sandbox) == 1).then_some(())).expect("the write is sent");
        (sandbox, running)
    }

    #[test]
    fn ctrl_c_leaves_a_record_with_the_write_whose_answer_never_came() {
        let folder = folder();
        let (sandbox, running) = stands_still(folder.path());
        let exit = running.signal("INT").wait();
        assert_eq!(exit.code, Some(130), "{}", exit.stderr);
        let record = record(&folder.path().join("records"));
        assert_eq!(record["outcome"], "cancelled");
        assert_eq!(recorded(&sandbox, &record), seen(&sandbox));
        let requests = record["requests"].as_array().expect("requests");
        let open: Vec<&Value> = requests.iter().filter(|one| one["failure"] == "unanswered").collect();
        assert_eq!((open.len(), &open[0]["method"]), (1, &json!("PUT")), "{open:?}");
        assert!(exit.stdout.contains("Record: "), "{}", exit.stdout);
        let ticket = read(&folder.path().join("ticket.md"));
        assert!(
            ticket.contains("| Outcome | stopped by the user |") && ticket.contains("| unanswered |"),
            "{ticket}"
        );
    }

    #[test]
    fn a_killed_run_leaves_nothing_half_written() {
        let folder = folder();
        let (_sandbox, running) = stands_still(folder.path());
        assert_eq!(running.signal("KILL").wait().code, None);
        assert!(files(folder.path()).is_empty(), "{:?}", files(folder.path()));
    }
}

// ------------------------------------------------------------------------------------------------ the ticket

#[track_caller]
fn assert_has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn a_report_says_the_same_for_people_and_a_later_run_is_added_to_it() {
    let (sandbox, folder) = (sandbox(), folder());
    let file = folder.path().join("ticket.md");
    let ran = reporting(&sandbox, &file, &["-o", "json"]).run().expect_code(0);
    let first = read(&file);
    assert!(
        first.starts_with(&format!("{TICKET}\n# peerctl azure setup: vnet-app and kong\n")),
        "{first}"
    );
    let document = ran.json();
    let changed = document["steps"].as_array().expect("steps").iter();
    let changed = changed.flat_map(|step| step["changes"].as_array().expect("changes").iter());
    for change in changed {
        let (kind, id) = (
            change["kind"].as_str().unwrap_or_default(),
            change["id"].as_str().unwrap_or_default(),
        );
        assert_has(&first, &[&format!("| created | {kind} | `{id}` |")]);
    }
    assert_has(
        &first,
        &[
            "| Outcome | done |",
            "| Run by | peerctl-operator |",
            "| consent | create | a service principal for kong-cgw-azure-vnet-peering-app |",
            "## How to undo it",
            "peerctl azure teardown --cloud ",
            "| vnet-app → kong | Connected | FullyInSync | 10.0.0.0/16 |",
            "| address-overlap | ok |",
            &format!("| Input vnetId | `{VNET_ID}` |"),
        ],
    );
    let ids = seen(&sandbox);
    for id in ids
        .iter()
        .filter_map(|row| row.rsplit_once(' '))
        .map(|(_, id)| id.trim_matches('"'))
    {
        assert!(id == "null" || first.contains(&format!("| `{id}` |")), "{id}\n{first}");
    }

    reporting(&sandbox, &file, &[]).run().expect_code(0);
    let both = read(&file);
    let second = both
        .strip_prefix(first.trim_end())
        .expect("the first is kept as it was");
    assert_has(
        second,
        &[
            "\n\n# peerctl azure setup",
            "| Outcome | unchanged",
            "Nothing was written.",
        ],
    );
    assert!(
        !second.contains("undo") && both.matches(TICKET).count() == 1,
        "{second}"
    );
}

#[test]
fn a_rehearsal_has_a_report_where_one_is_asked_for() {
    let folder = folder();
    let file = folder.path().join("ticket.md");
    let flags = [
        "azure",
        "setup",
        "--sandbox",
        "--no-input",
        "--yes",
        "--vendor",
        "kong",
        "--vnet-id",
        VNET_ID,
    ];
    let more = ["--set".to_owned(), "network=eastus2-network".to_owned()];
    let report = ["--report".to_owned(), file.display().to_string()];
    let flags = flags.map(str::to_owned).into_iter().chain(more).chain(report);
    peerctl(flags).run().expect_code(0);
    let text = read(&file);
    assert_has(&text, &["| Cloud | sandbox |", "| Outcome | done |"]);
    assert!(!text.contains("teardown"), "its world is gone with the run: {text}");
}

#[test]
fn what_stopped_a_run_is_in_its_report() {
    let (sandbox, folder) = (sandbox(), folder());
    let (waits, blocked) = (folder.path().join("waits.md"), folder.path().join("blocked.md"));
    reporting(&sandbox, &waits, &["--no-wait"])
        .envs(LIMITED)
        .run()
        .expect_code(3);
    let parts = [
        "| Outcome | waiting for someone else |",
        "## Who has to act",
        "**consent**: ",
        "Nothing was written.",
    ];
    assert_has(&read(&waits), &parts);

    let overlap = [
        "-g",
        "rg-legacy",
        "--vnet",
        "vnet-legacy",
        "--set",
        "network=eastus2-network",
    ];
    let flags = [
        "azure",
        "setup",
        "--no-input",
        "--yes",
        "--vendor",
        "kong",
        "--report",
        "blocked.md",
    ];
    let run = peerctl(flags.iter().chain(&overlap))
        .envs(sandbox.env())
        .in_folder(folder.path());
    run.run().expect_code(4);
    let parts = [
        "| Outcome | blocked by a check",
        "## What failed",
        "Check address-overlap failed",
        "| address-overlap | blocks |",
    ];
    assert_has(&read(&blocked), &parts);
}

/// A `--report` is refused before anything is sent.
#[track_caller]
fn refused(sandbox: &Served, file: &Path, why: &str) -> Ran {
    let ran = reporting(sandbox, file, &[]).run().expect_code(2);
    let said = support::both_sides::words(&ran.stderr);
    assert!(said.contains("--report ") && said.contains(why), "{why}\n{ran}");
    assert_eq!(sandbox.requests()["requests"], json!([]), "{ran}");
    ran
}

#[test]
fn a_report_that_could_not_be_written_is_refused_before_anything_is_sent() {
    let (sandbox, folder) = (sandbox(), folder());
    let within = |name: &str| folder.path().join(name);
    refused(&sandbox, &within("no/such/ticket.md"), "There is no folder");
    refused(&sandbox, folder.path(), "It is there and is no file.");
    refused(&sandbox, Path::new("/"), "It names no file.");
    let notes = within("notes.md");
    std::fs::write(&notes, "# My notes\n").expect("a file");
    refused(&sandbox, &notes, "is not a report of peerctl");
    assert_eq!(read(&notes), "# My notes\n");
    let sealed = within("sealed.md");
    std::fs::write(&sealed, TICKET).expect("a file");
    let mut permissions = std::fs::metadata(&sealed).expect("it is there").permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&sealed, permissions).expect("permissions");
    refused(&sandbox, &sealed, "It is there and is read-only.");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(within("nowhere"), within("dangling.md")).expect("a link");
        refused(&sandbox, &within("dangling.md"), "It is there and is no file.");
    }
    let dry = reporting(&sandbox, &within("ticket.md"), &["--dry-run"])
        .run()
        .expect_code(2);
    assert!(dry.stderr.contains("cannot be used with"), "{dry}");
    // Without a plan there is nothing to report.
    reporting(&sandbox, &within("ticket.md"), &["--timeout", "soon"])
        .run()
        .expect_code(2);
    assert!(!within("ticket.md").exists());
}

#[test]
fn the_summary_of_a_github_step_is_added_to_whoever_wrote_it() {
    let (sandbox, folder) = (sandbox(), folder());
    let file = folder.path().join("step_summary");
    std::fs::write(&file, "## What another command of the step said").expect("a file");
    let step = || reporting(&sandbox, &file, &["--no-wait"]).env("GITHUB_STEP_SUMMARY", &file);
    step().envs(LIMITED).run().expect_code(3);
    let first = read(&file);
    let parts = ["| Outcome | waiting for someone else |", "## Who has to act"];
    assert_has(&first, &parts);
    let start = "## What another command of the step said\n# peerctl azure setup: vnet-app and kong\n";
    assert!(first.starts_with(start), "{first}");
    std::fs::write(&file, format!("{first}What came between.\n")).expect("a file");
    step().run().expect_code(0);
    let both = read(&file);
    assert!(
        both.starts_with(&format!("{first}What came between.\n\n# peerctl azure setup")),
        "{both}"
    );
    assert_has(&both, &["| Outcome | done |"]);
    // Nothing is written there that was not asked for, and no other file is anybody's.
    let before = read(&file);
    setup(&sandbox, &[])
        .env("GITHUB_STEP_SUMMARY", &file)
        .run()
        .expect_code(0);
    assert_eq!(read(&file), before);
    reporting(&sandbox, &file, &[])
        .env("GITHUB_STEP_SUMMARY", folder.path().join("of-another-step"))
        .run()
        .expect_code(2);
    // The runner makes the file; others may not.
    let fresh = folder.path().join("fresh");
    reporting(&sandbox, &fresh, &[])
        .env("GITHUB_STEP_SUMMARY", &fresh)
        .run()
        .expect_code(0);
    assert_has(&read(&fresh), &["# peerctl azure setup: vnet-app and kong"]);
}

#[cfg(unix)]
#[test]
fn a_report_keeps_its_link_and_its_permissions_and_an_empty_file_is_filled() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let (sandbox, folder) = (sandbox(), folder());
    let (file, link) = (folder.path().join("ticket.md"), folder.path().join("link.md"));
    std::fs::write(&file, "").expect("a file");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).expect("permissions");
    symlink(&file, &link).expect("a link");
    reporting(&sandbox, &link, &[]).run().expect_code(0);
    assert!(link.is_symlink() && read(&file).starts_with(TICKET));
    assert_eq!((mode(&file), files(folder.path()).len()), (0o640, 2));
}

// ------------------------------------------------------------------------------------------------ the log's file

/// Runs something that logs a request, with this file for the log.
#[cfg(unix)]
fn logging(sandbox: &Served, umask: &str, file: &Path) -> Ran {
    let line = format!(
        "umask {umask}; exec '{}' azure doctor --vendor kong --vnet-id {VNET_ID} --set network=eastus2-network --no-input --log-file '{}'",
        support::PEERCTL,
        file.display()
    );
    support::cli::program("sh", ["-c", &line]).envs(sandbox.env()).run()
}

#[cfg(unix)]
#[test]
fn log_file_is_for_its_owner_alone_and_is_added_to() {
    let (sandbox, folder) = (sandbox(), folder());
    for umask in ["000", "022", "077"] {
        let file = folder.path().join(umask);
        logging(&sandbox, umask, &file);
        assert_eq!(mode(&file), 0o600, "umask {umask}");
        let first = read(&file);
        logging(&sandbox, umask, &file);
        let both = read(&file);
        assert!(
            both.starts_with(&first) && both.len() > first.len() && !first.is_empty(),
            "{both}"
        );
    }
}

#[cfg(unix)]
#[test]
fn log_file_that_is_something_else_stays_as_it_is() {
    let (sandbox, folder) = (sandbox(), folder());
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("notes"), "mine\n").expect("a file");
    std::os::unix::fs::symlink(at("notes"), at("link")).expect("a link");
    std::os::unix::fs::symlink(at("nothing"), at("dangling")).expect("a link");
    let made = support::cli::program("mkfifo", [at("pipe")]).run();
    made.expect_code(0);
    for (name, why) in [
        ("notes", "isn't a log of peerctl"),
        ("link", "It is a link"),
        ("dangling", "It is a link"),
        ("pipe", "not a regular file"),
        (".", "can't be opened"),
    ] {
        let ran = logging(&sandbox, "022", &at(name)).expect_code(2);
        assert!(ran.stderr.contains(why), "{name}\n{ran}");
    }
    assert_eq!(read(&at("notes")), "mine\n");
    assert!(!at("nothing").exists());
    assert_eq!(
        sandbox.asked(),
        [] as [String; 0],
        "it is refused before anything is sent"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn log_file_on_full_disk_is_said_once_and_the_run_continues() {
    let sandbox = sandbox();
    let ran = logging(&sandbox, "022", Path::new("/dev/full")).expect_code(0);
    assert_eq!(
        ran.stderr.matches("The log file /dev/full can't be written").count(),
        1,
        "{ran}"
    );
}

// ------------------------------------------------------------------------------------------------ the sandbox's files

/// Starts a sandbox with this file for its variables, and ends it once the file is there (by SIGTERM, which it may not
/// listen to yet).
#[cfg(unix)]
fn sandbox_in(file: &Path) -> Ran {
    let script = format!(
        "umask 000; '{}' sandbox --env-file '{1}' & pid=$!
         while kill -0 $pid 2>/dev/null; do grep -q PEERCTL_CLOUD '{1}' 2>/dev/null && kill $pid; sleep 0.05; done
         wait $pid; code=$?; [ $code = 143 ] || exit $code",
        support::PEERCTL,
        file.display()
    );
    support::cli::program("sh", ["-c", &script]).run()
}

#[cfg(unix)]
#[test]
fn sandbox_files_are_for_their_owner_alone_and_an_earlier_sandboxs_are_replaced() {
    let folder = folder();
    let file = folder.path().join("env");
    for _ in 0..2 {
        sandbox_in(&file).expect_code(0);
        for (name, expected) in [
            ("env", 0o600),
            ("env.ca.pem", 0o600),
            ("env.cloud.json", 0o600),
            ("env.az", 0o700),
        ] {
            assert_eq!(mode(&folder.path().join(name)), expected, "{name}");
        }
    }
}

#[cfg(unix)]
#[test]
fn sandbox_leaves_files_of_others_as_they_are() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    let az = at("home-az");
    std::fs::create_dir(&az).expect("a folder");
    std::fs::write(az.join("msal_token_cache.json"), "tokens").expect("a file");
    std::fs::write(at("mine"), "export MY_TOKEN=1\n").expect("a file");
    std::os::unix::fs::symlink(&az, at("linked.az")).expect("a link");
    std::os::unix::fs::symlink(at("mine"), at("link")).expect("a link");
    std::fs::write(at("certificate.ca.pem"), "mine").expect("a file");
    std::fs::create_dir(at("full.az")).expect("a folder");
    std::fs::write(at("full.az").join("config"), "mine").expect("a file");
    for name in ["mine", "link", "linked", "certificate", "full"] {
        let ran = sandbox_in(&at(name)).expect_code(2);
        assert!(ran.stderr.contains("can't be used"), "{name}\n{ran}");
    }
    assert_eq!(read(&az.join("msal_token_cache.json")), "tokens");
    assert_eq!(files(&az).len(), 1);
    assert_eq!(read(&at("mine")), "export MY_TOKEN=1\n");
    assert_eq!(read(&at("certificate.ca.pem")), "mine");
    assert_eq!(read(&at("full.az").join("config")), "mine");
}
