//! Signing in by a code, on a machine without az: told wherever somebody may read it, entered by a person elsewhere, and
//! good for every tenant that knows the person.

#![cfg(unix)]

mod support;

use reqwest::Method;
use support::both_sides::{PARTNER_TENANT, partner, with_inputs};
use support::cli::peerctl;
use support::device::{ALEX, code, enter, enter_in_rehearsal};
use support::kong::{SUBSCRIPTION, TENANT, command_line};
use support::pty::{Wizard, against, keys};
use support::running::{Exit, Running};
use support::served::{Body, Served};

const BY_CODE: [&str; 2] = ["--auth", "device-code"];
const TOLD: &str = "To sign in, open https://";
const A_TOKEN: &str = "POST */oauth2/v2.0/token:1";

fn sandbox(faults: &[&str]) -> Served {
    let faults = faults.iter().flat_map(|fault| ["--fault", fault]);
    Served::start(["--lag", "none"].into_iter().chain(faults))
}

fn start(sandbox: &Served, line: Vec<String>) -> Running {
    let flags = BY_CODE.map(str::to_owned);
    Running::start(line.into_iter().chain(flags), sandbox.env())
}

/// A run whose code is answered so.
#[track_caller]
fn answered(sandbox: &Served, line: Vec<String>, decision: &str) -> Exit {
    let mut running = start(sandbox, line);
    let said = running.wait_for("(good for ");
    enter(sandbox, &code(&said), decision);
    running.wait()
}

fn codes(sandbox: &Served) -> usize {
    sandbox
        .asked()
        .iter()
        .filter(|line| line.contains("/devicecode"))
        .count()
}

#[test]
fn a_pipelines_log_shows_the_code_and_standard_output_stays_one_document() {
    let sandbox = sandbox(&[]);
    for quiet in [false, true] {
        let flags: &[&str] = if quiet { &["-q", "-o", "json"] } else { &["-o", "json"] };
        let exit = answered(&sandbox, command_line(flags), "accept");
        assert_eq!(exit.code, Some(0), "{}", exit.stderr);
        assert!(exit.stderr.contains(TOLD), "{}", exit.stderr);
        let document = exit.json();
        assert_eq!(document["outcome"], if quiet { "unchanged" } else { "done" });
        assert_eq!(document["signedIn"]["name"], ALEX);
        let tenant = document["signedIn"]["tenant"].as_str().unwrap_or_default();
        assert!(tenant.contains("Contoso") && tenant.contains(TENANT), "{tenant}");
    }
    assert_eq!(codes(&sandbox), 2, "one for each run: nothing is kept");
}

#[test]
fn one_code_writes_in_both_tenants() {
    let sandbox = sandbox(&[]);
    let exit = answered(&sandbox, both_tenants(&["-o", "json"]), "accept");
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert_eq!(exit.json()["outcome"], "done");
    assert_eq!(codes(&sandbox), 1, "{:?}", sandbox.asked());
}

fn both_tenants(more: &[&str]) -> Vec<String> {
    let (id, tenant) = (
        format!("remote-vnet-id={}", partner("vnet-partner")),
        format!("remote-tenant-id={PARTNER_TENANT}"),
    );
    with_inputs("generic", &[&["--set", &id, "--set", &tenant], more].concat())
}

#[test]
fn a_tenant_that_wants_to_see_the_person_is_given_a_second_code() {
    let there = format!("POST /{PARTNER_TENANT}/oauth2/v2.0/token:1=400:AADSTS50076");
    let sandbox = sandbox(&[&there]);
    let mut running = start(&sandbox, both_tenants(&["-o", "json"]));
    let first = code(&running.wait_for("(good for "));
    enter(&sandbox, &first, "accept");
    let said = running.wait_for(&format!("To sign in to tenant {PARTNER_TENANT}, too, open https://"));
    let second = code(&said);
    assert_ne!(first, second);
    enter(&sandbox, &second, "accept");
    let exit = running.wait();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert_eq!(codes(&sandbox), 2);
}

#[test]
fn what_comes_of_a_code_otherwise_is_told_with_what_to_do() {
    let declined = "The sign-in was declined";
    let table = [
        (&[][..], "cancel", declined, "AADSTS70018"),
        (&["400:AADSTS70020"], "", "The sign-in code has expired.", "AADSTS70020"),
        (
            &["400:AADSTS53003"],
            "",
            "Many policies block device codes",
            "AADSTS53003",
        ),
        (&["400:AADSTS530035"], "", "security defaults", "AADSTS530035"),
    ];
    for (faults, decision, why, code_of_entras) in table {
        let faults: Vec<String> = faults.iter().map(|fault| format!("{A_TOKEN}={fault}")).collect();
        let sandbox = sandbox(&faults.iter().map(String::as_str).collect::<Vec<_>>());
        let exit = match decision {
            "" => start(&sandbox, command_line(&["-o", "json"])).wait(),
            decision => answered(&sandbox, command_line(&["-o", "json"]), decision),
        };
        assert_eq!(exit.code, Some(1), "{}", exit.stderr);
        let error = &exit.json()["error"];
        assert_eq!(
            (&error["kind"], &error["code"]),
            (&"sign-in".into(), &code_of_entras.into())
        );
        assert!(error["why"].to_string().contains(why), "{error:#}");
        assert!(!error["remedies"].to_string().contains("THE-TENANT"), "{error:#}");
        assert!(error["remedies"][0].is_string(), "{error:#}");
        assert_eq!(codes(&sandbox), 1, "whoever waits is told the same");
        assert_eq!(sandbox.writes(), [""; 0]);
    }
}

#[test]
fn nobody_is_waited_for_longer_than_the_time_that_was_given() {
    let sandbox = sandbox(&[]);
    let exit = start(&sandbox, command_line(&["--timeout", "1s", "-o", "json"])).wait();
    assert_eq!(exit.code, Some(1), "{}", exit.stderr);
    assert!(exit.stderr.contains("(good for 1 s)"), "{}", exit.stderr);
    let error = &exit.json()["error"];
    assert!(
        error["why"].to_string().contains("The code wasn't entered at https://"),
        "{error:#}"
    );
    assert!(error["remedies"][0].to_string().contains("new code"), "{error:#}");
}

#[test]
fn ctrl_c_leaves_while_the_code_is_waited_for() {
    let sandbox = sandbox(&[]);
    let mut running = start(&sandbox, command_line(&[]));
    running.wait_for(TOLD);
    let exit = running.signal("INT").wait();
    assert_eq!(exit.code, Some(130), "{}", exit.stderr);
    assert!(exit.stdout.contains("nothing was written"), "{}", exit.stdout);
}

#[test]
fn the_wizard_tells_the_code_above_its_question() {
    for size in [(40, 200), (40, 60), (40, 24)] {
        let sandbox = sandbox(&[]);
        let env: Vec<(&str, &str)> = sandbox
            .env()
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let line = ["azure", "status", "--vendor", "kong"].into_iter().chain(BY_CODE);
        let mut wizard = Wizard::start(line, size, env);
        wizard.wait_for("(good for");
        let said = wizard.scrolled().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(TOLD), "{said}");
        enter(&sandbox, &code(&said), "accept");
        wizard.wait_for("vnet-app");
        wizard.answer(keys::CTRL_C);
        wizard.wait_exit();
    }
}

#[test]
fn who_has_no_az_and_is_there_is_asked_whether_a_code_is_wanted() {
    let offer = "Sign in with a code that you enter in a browser";
    let nothing = ["AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"];
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().display().to_string();
    for wanted in [true, false] {
        let sandbox = sandbox(&[]);
        let mut wizard = against(&sandbox, &["--vendor", "kong"], &nothing, &[("PATH", &path)]);
        wizard.wait_for(offer);
        assert_eq!(codes(&sandbox), 0, "nobody asked for one yet");
        wizard.answer(if wanted { "y\r" } else { "n\r" });
        if wanted {
            wizard.wait_for("(good for");
            enter(&sandbox, &code(&wizard.scrolled()), "accept");
            wizard.wait_for("Contoso Production");
            wizard.answer(keys::CTRL_C);
            wizard.wait_exit();
        } else {
            wizard.wait_for("isn't installed");
            wizard.wait_for("Install the Azure CLI");
            assert_eq!(wizard.wait_exit().code, Some(1));
            assert_eq!(codes(&sandbox), 0);
        }
    }
}

#[test]
fn nobody_is_given_a_code_who_is_not_there_and_did_not_ask() {
    let sandbox = sandbox(&[]);
    let folder = tempfile::tempdir().expect("a folder");
    let ran = peerctl(command_line(&["-o", "json"])).envs(sandbox.env());
    let ran = ran
        .env("AZURE_CLIENT_SECRET", "")
        .env("PATH", folder.path())
        .run()
        .expect_code(1);
    let error = &ran.json()["error"];
    assert_eq!(
        error["remedies"][0], "Install the Azure CLI: https://aka.ms/azure-cli",
        "{ran}"
    );
    assert!(
        error["remedies"].to_string().contains("--auth device-code") && !ran.stdout.contains("az login"),
        "{ran}"
    );
    assert_eq!(codes(&sandbox), 0);
}

#[test]
fn another_tenant_than_the_networks_is_told_in_the_words_of_this_way() {
    let sandbox = sandbox(&[]);
    // The network is Fabrikam's, the sign-in Contoso's.
    let mut line = command_line(&["-o", "json"]);
    for (at, value) in [("--resource-group", "rg-partner"), ("--vnet", "vnet-partner")] {
        let at = line.iter().position(|word| word == at).expect("a flag");
        line[at + 1] = value.to_owned();
    }
    line.extend(["--subscription", "77c61208-ca0c-4f61-a384-90b5c62f7467"].map(str::to_owned));
    let exit = answered(&sandbox, line, "accept");
    let error = &exit.json()["error"];
    assert_eq!(error["code"], "InvalidAuthenticationTokenTenant", "{error:#}");
    let remedy = error["remedies"][0].as_str().unwrap_or_default();
    assert!(remedy.contains(&format!("--tenant-id {PARTNER_TENANT}")), "{error:#}");
    assert!(!error["remedies"].to_string().contains("az login"), "{error:#}");

    let mut running = start(
        &sandbox,
        command_line(&["--tenant-id", "d90f1c7e-2f34-4c55-8a7b-6d3e9b0a5c21"]),
    );
    let asked = code(&running.wait_for("(good for "));
    let form = [("code", asked.as_str()), ("account", ALEX)].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let (status, _) = sandbox.send(Method::POST, "/devicelogin", None, Body::Form(form.into()));
    assert_eq!(status, 400, "AADSTS50020");
    assert_eq!(running.signal("INT").wait().code, Some(130));
}

#[test]
fn a_rehearsal_has_a_page_of_its_own() {
    let line = command_line(&["--sandbox", "--auth", "device-code", "--subscription", SUBSCRIPTION]);
    let nobody: [(&str, &str); 0] = [];
    let mut running = Running::start(line, nobody);
    let said = running.wait_for("(good for ");
    enter_in_rehearsal(&said);
    let exit = running.wait();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert!(
        exit.stderr.contains(&format!("Signed in as {ALEX} to Contoso")),
        "{}",
        exit.stderr
    );
    for auth in ["azure-cli", "managed-identity"] {
        let ran = peerctl(command_line(&["--sandbox", "--auth", auth]))
            .run()
            .expect_code(2);
        assert!(
            ran.stderr
                .contains(&format!("--auth {auth} cannot be used with --sandbox")),
            "{ran}"
        );
    }
}

/// Reads pass with a password alone; the first write demands a second factor, and the person is asked for it once.
#[test]
fn claims_challenge_asks_the_person_for_a_second_factor_once() {
    let sandbox = support::troubles::edited_estate(|estate| {
        estate.replacen("like = \"7e5d4c3b", "password_only = true\nlike = \"7e5d4c3b", 1)
    });
    let mut running = start(&sandbox, command_line(&["-o", "json"]));
    let said = running.wait_for("(good for ");
    enter(&sandbox, &code(&said), "accept");
    let said = running.wait_for_more("(good for ", &said);
    enter(&sandbox, &code(&said), "accept");
    let exit = running.wait();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert_eq!(exit.json()["outcome"], "done");
    assert_eq!(codes(&sandbox), 2, "{:?}", sandbox.asked());
}
