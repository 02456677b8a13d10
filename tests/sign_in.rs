//! Every way to sign in: as whom and where is said before anything else; and where it is the wrong tenant, what to do
//! is told in the words of that way.

#![cfg(unix)]

mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::{Value, json};
use support::both_sides::{PARTNER_TENANT, partner};
use support::cli::{Ran, peerctl};
use support::device::sign_in;
use support::kong::{SUBSCRIPTION, TENANT, VNET_ID};
use support::link::KONG;
use support::pty::Wizard;
use support::running::Running;
use support::served::{Body, Served};
use tempfile::TempDir;

const SIGNED_IN: &str = "Signed in as peerctl-operator to Contoso (6b1f5c5e-8a4e-4d0e-9a53-1f0c2d7e4b10) (sandbox).";
/// What az prints where nobody is signed in.
const NOBODY: &str = "ERROR: Please run 'az login' to setup account.";

/// The first line, but for where the sign-in goes: the sandbox is none of Azure's own clouds.
fn introduced(ran: &Ran) -> Option<&str> {
    let mut lines = ran.stderr.lines();
    let host = lines.next()?;
    assert!(
        host.starts_with("Signing in at localhost:") && host.contains("(cloud sandbox, by "),
        "{ran}"
    );
    lines.next()
}

fn sandbox() -> Served {
    Served::start(["--lag", "none"])
}

/// The operator's token in its own tenant.
fn token(sandbox: &Served) -> String {
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", sandbox.value("AZURE_CLIENT_ID")),
        ("client_secret", sandbox.value("AZURE_CLIENT_SECRET")),
        ("scope", "https://management.core.windows.net//.default"),
    ];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let path = format!("/{TENANT}/oauth2/v2.0/token");
    let (_, body) = sandbox.send(Method::POST, &path, None, Body::Form(fields.into()));
    body["access_token"].as_str().expect("a token").to_owned()
}

/// An `az` that has signed in to Contoso's tenant, and says `elsewhere` of every other one.
fn az(sandbox: &Served, folder: &Path, elsewhere: &str) {
    let answer = json!({"accessToken": token(sandbox), "expires_on": 4_102_444_800_u64, "tokenType": "Bearer"});
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *'--tenant {TENANT}'*) echo '{answer}';; *) echo \"{elsewhere}\" >&2; exit 1;; esac\n"
    );
    let az = folder.join("az");
    std::fs::write(&az, script).expect("a file");
    std::fs::set_permissions(&az, std::fs::Permissions::from_mode(0o755)).expect("it can be run");
}

/// A machine's token service that gives the operator's token, whatever it is asked.
fn machine(sandbox: &Served) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let answer = json!({"access_token": token(sandbox), "expires_on": "4102444800", "resource": "x",
                        "token_type": "Bearer", "client_id": "c"});
    let answer = answer.to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(&stream).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length:";
            let _ = write!(&stream, "{head} {}\r\n\r\n{answer}", answer.len());
        }
    });
    format!("http://{address}/msi/token")
}

/// Another issuer's token, as GitHub gives it to the repository that the operator trusts.
fn federated() -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({"iss": "https://token.actions.githubusercontent.com", "exp": 4_102_444_800_u64,
                        "sub": "repo:contoso/network:ref:refs/heads/main", "aud": "api://AzureADTokenExchange"});
    format!("{}.{}.c2ln", part(json!({"alg": "RS256"})), part(claims))
}

/// What a way needs of the environment besides the sandbox's.
fn surroundings(sandbox: &Served, way: &str, folder: &TempDir, elsewhere: &str) -> Vec<(String, String)> {
    let folder = folder.path();
    let own = match way {
        "azure-cli" => {
            az(sandbox, folder, elsewhere);
            let path = std::env::var("PATH").unwrap_or_default();
            vec![("PATH", format!("{}:{path}", folder.display()))]
        }
        "managed-identity" => vec![
            ("IDENTITY_ENDPOINT", machine(sandbox)),
            ("IDENTITY_HEADER", "header".to_owned()),
            ("AZURE_CLIENT_ID", String::new()),
        ],
        "workload-identity" => {
            let file = folder.join("federated");
            std::fs::write(&file, federated()).expect("a file");
            vec![("AZURE_FEDERATED_TOKEN_FILE", file.display().to_string())]
        }
        _ => Vec::new(),
    };
    own.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn run(sandbox: &Served, way: &str, elsewhere: &str, line: Vec<String>) -> Ran {
    let folder = tempfile::tempdir().expect("a folder");
    let flags = ["--auth", way].map(str::to_owned);
    peerctl(line.into_iter().chain(flags))
        .envs(sandbox.env())
        .envs(surroundings(sandbox, way, &folder, elsewhere))
        .run()
}

const WAYS: [&str; 4] = ["environment", "workload-identity", "azure-cli", "managed-identity"];

#[test]
fn whoever_it_is_is_said_before_anything_else() {
    let sandbox = sandbox();
    for way in WAYS {
        let ran = run(&sandbox, way, NOBODY, KONG.line("doctor", &["-o", "json"])).expect_code(0);
        assert_eq!(introduced(&ran), Some(SIGNED_IN), "{way}\n{ran}");
        let signed_in = &ran.json()["signedIn"];
        assert_eq!(
            (&signed_in["name"], &signed_in["cloud"]),
            (&json!("peerctl-operator"), &json!("sandbox"))
        );
        assert_eq!(
            (&signed_in["tenantName"], &signed_in["tenantId"]),
            (&json!("Contoso"), &json!(sandbox.value("AZURE_TENANT_ID")))
        );
        assert_eq!(signed_in["id"].as_str().map(str::len), Some(36), "{signed_in}");
    }
}

#[test]
fn every_command_says_it_first() {
    let sandbox = sandbox();
    for (command, more) in [
        ("setup", &["--dry-run", "--format", "json", "--refresh"][..]),
        ("setup", &["--dry-run", "--subscription", "Contoso Production"]),
        ("doctor", &[]),
        ("setup", &[]),
        ("status", &[]),
        ("repair", &[]),
        ("teardown", &[]),
    ] {
        let ran = KONG.command(&sandbox, command, more).run().expect_code(0);
        assert_eq!(introduced(&ran), Some(SIGNED_IN), "{command} {more:?}\n{ran}");
    }
    // Also where what comes next fails.
    let ran = KONG.command(&sandbox, "status", &["--vnet-id", &partner("vnet-partner")]);
    let ran = ran.run().expect_code(1);
    assert_eq!(introduced(&ran), Some(SIGNED_IN), "{ran}");
}

#[test]
fn a_terminal_shows_it_above_what_was_read() {
    let sandbox = sandbox();
    let env: Vec<(&str, &str)> = sandbox
        .env()
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    for (flag, who) in [("--color=auto", "Signed in · peerctl-operator"), ("--plain", SIGNED_IN)] {
        let line = ["azure", "status", "--vendor", "kong", "--vnet-id", VNET_ID, flag];
        let line = line.into_iter().chain(["--set", "network=eastus2-network"]);
        let wizard = Wizard::start(line, (60, 160), env.clone());
        wizard.wait_for("are not peered yet");
        let seen = wizard.scrolled();
        let (who, what) = (seen.find(who), seen.find("are not peered yet"));
        assert!(who.is_some() && who < what, "{seen}");
        wizard.wait_exit();
    }
}

/// (way, what az says of other tenants, flags, what the first remedy is, or begins with)
type Row = (&'static str, &'static str, Vec<String>, String);

#[test]
fn a_wrong_tenant_is_answered_in_the_words_of_the_way() {
    let login = format!("az cloud set --name sandbox && az login --tenant {PARTNER_TENANT}");
    let scope = "--scope https://management.core.windows.net//.default";
    let there = || vec!["--tenant-id".to_owned(), PARTNER_TENANT.to_owned()];
    let network = || vec!["--vnet-id".to_owned(), partner("vnet-partner")];
    let again = format!("Run the same command with --tenant-id {PARTNER_TENANT}");
    let mut rows: Vec<Row> = vec![
        // The tenant is named, and az has no token of it.
        ("azure-cli", NOBODY, there(), login.clone()),
        (
            "managed-identity",
            "",
            there(),
            "A managed identity has tokens for its own tenant only".to_owned(),
        ),
        // The network is of another tenant than the sign-in.
        ("azure-cli", NOBODY, network(), login.clone()),
        ("environment", "", network(), again.clone()),
        ("workload-identity", "", network(), again),
        (
            "managed-identity",
            "",
            network(),
            "A managed identity has tokens for its own tenant only".to_owned(),
        ),
    ];
    for said in [
        "ERROR: AADSTS50076: You must use multi-factor authentication to access 'x'. Trace ID: 1",
        "ERROR: AADSTS700082: The refresh token has expired due to inactivity. Trace ID: 1",
        "ERROR: AADSTS65001: The user or administrator has not consented to use the application. Trace ID: 1",
        "ERROR: AADSTS50020: User account 'x' does not exist in tenant 'Fabrikam'. Trace ID: 1",
        "ERROR: AADSTS999999: Nobody knows this one. Trace ID: 1",
    ] {
        rows.push(("azure-cli", said, there(), format!("{login} {scope}")));
    }
    let sandbox = sandbox();
    for (way, elsewhere, flags, first) in rows {
        let own = [
            "azure",
            "status",
            "--no-input",
            "--vendor",
            "kong",
            "--set",
            "network=eastus2-network",
            "-o",
            "json",
        ];
        let own = own.map(str::to_owned);
        let network = ["--vnet-id", VNET_ID].map(str::to_owned);
        let network = network.into_iter().filter(|_| !flags.contains(&"--vnet-id".to_owned()));
        let line = own.into_iter().chain(network).chain(flags.clone()).collect();
        let ran = run(&sandbox, way, elsewhere, line).expect_code(1);
        let error = &ran.json()["error"];
        assert_eq!(error["kind"], "sign-in", "{way} {flags:?}\n{ran}");
        let remedies: Vec<&str> = error["remedies"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        match way {
            "azure-cli" => assert_eq!(remedies[0], first, "{elsewhere} {flags:?}\n{ran}"),
            _ => {
                assert!(remedies[0].starts_with(&first), "{way} {flags:?}\n{ran}");
                assert!(!ran.stderr.contains("az login"), "{way} {flags:?}\n{ran}");
            }
        }
        assert!(!ran.stderr.contains("THE-TENANT"), "{ran}");
    }
}

#[test]
fn a_subscription_that_is_not_seen_is_looked_for_in_the_tenants_that_know_the_person() {
    let sandbox = sandbox();
    let flags = [
        "--subscription",
        "Fabrikam Production",
        "--auth",
        "device-code",
        "-o",
        "json",
    ];
    let mut running = Running::start(KONG.line("setup", &flags), sandbox.env());
    sign_in(&sandbox, &mut running);
    let exit = running.wait();
    let error = &exit.json()["error"];
    assert_eq!(
        error["what"], "There is no subscription 'Fabrikam Production'.",
        "{error:#}"
    );
    assert!(
        error["why"]
            .to_string()
            .contains(&format!("Fabrikam ({PARTNER_TENANT})")),
        "{error:#}"
    );
    assert!(
        error["remedies"]
            .to_string()
            .contains(&format!("--tenant-id {PARTNER_TENANT}")),
        "{error:#}"
    );
}

/// A folder with an `az` of these shell lines, and `PATH` with it in front.
fn az_that(script: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let az = folder.path().join("az");
    std::fs::write(&az, format!("#!/bin/sh\n{script}\n")).expect("a file");
    std::fs::set_permissions(&az, std::fs::Permissions::from_mode(0o755)).expect("it can be run");
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", folder.path().display());
    (folder, path)
}

/// A sandbox's environment without an application to sign in as.
fn without_application(sandbox: &Served) -> impl Iterator<Item = (&String, &String)> {
    let env = sandbox.env().iter();
    env.filter(|(name, _)| !name.starts_with("AZURE_CLIENT_") && *name != "AZURE_TENANT_ID")
}

#[test]
fn az_that_takes_no_tenant_is_asked_without_one() {
    let sandbox = sandbox();
    let answer = json!({"accessToken": token(&sandbox), "expires_on": 4_102_444_800_u64, "tokenType": "Bearer"});
    for account in ["Cloud Shell", "managed identity"] {
        let refusal = format!("echo \"ERROR: Tenant shouldn't be specified for {account} account\" >&2; exit 1");
        let (_folder, path) = az_that(&format!("case \"$*\" in *--tenant*) {refusal};; esac\necho '{answer}'"));
        let run = |tenant: &str| {
            peerctl(KONG.line("doctor", &["--only", "tokens", "--tenant-id", tenant]))
                .envs(without_application(&sandbox))
                .env("PATH", &path)
                .run()
        };
        run(TENANT).expect_code(0);
        let ran = run(PARTNER_TENANT).expect_code(1);
        assert!(ran.stderr.contains("returned a token for tenant"), "{ran}");
    }
}

#[test]
fn az_that_cannot_serve_is_not_answered_with_az_login() {
    let sandbox = sandbox();
    let old = r#"echo '{"accessToken":"x.e30.y","expiresOn":"2030-01-01 00:00:00.000000","tokenType":"Bearer"}'"#;
    let odd = "echo 'Hello eyJhbGciOiJub25lIn0.eyJzZWNyZXQiOjF9.c2ln'";
    for (script, why, remedy) in [
        (old, "too old", "az upgrade"),
        (odd, "not the expected JSON", "--auth device-code"),
        ("", "", "--auth device-code"),
    ] {
        let (folder, path) = az_that(script);
        let path = if script.is_empty() {
            std::fs::remove_file(folder.path().join("az")).expect("it is there");
            format!("{}:/usr/bin:/bin", folder.path().display())
        } else {
            path
        };
        let ran = peerctl(KONG.line("doctor", &[]))
            .envs(without_application(&sandbox))
            .env("PATH", path)
            .env("AZURE_CLIENT_ID", "only-this")
            .run()
            .expect_code(1);
        let said = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in [why, remedy, "AZURE_CLIENT_ID but not AZURE_TENANT_ID"] {
            assert!(said.contains(part), "{part}\n{ran}");
        }
        assert!(!said.contains("az login") && !said.contains("eyJ"), "{ran}");
    }
}

#[test]
fn line_end_behind_a_variable_is_no_part_of_an_id_and_told_of_a_secret() {
    let sandbox = sandbox();
    for name in ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"] {
        let run = KONG.command(&sandbox, "doctor", &["--only", "tokens"]);
        let ran = run.env(name, format!("{}\n", sandbox.value(name))).run();
        match name {
            "AZURE_CLIENT_SECRET" => {
                let ran = ran.expect_code(1);
                let said = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(said.contains("ends with whitespace or a line break"), "{ran}");
            }
            _ => drop(ran.expect_code(0)),
        }
    }
}

#[test]
fn tenant_is_looked_up_by_its_domain() {
    let sandbox = sandbox();
    let network = partner("vnet-partner");
    let generic = |tenant: &str, more: &[&str]| {
        let sets = [
            format!("remote-tenant-id={tenant}"),
            format!("remote-vnet-id={network}"),
        ];
        let line = [
            "azure",
            "doctor",
            "--vendor",
            "generic",
            "--vnet-id",
            VNET_ID,
            "--no-input",
            "--only",
            "tokens",
        ];
        let line = line
            .into_iter()
            .map(str::to_owned)
            .chain(sets.into_iter().flat_map(|set| ["--set".to_owned(), set]));
        peerctl(line.chain(more.iter().map(|word| (*word).to_owned()))).envs(sandbox.env())
    };
    let domain = "fabrikam.onmicrosoft.com";
    let ran = generic(domain, &["-o", "json"]).run().expect_code(0);
    assert_eq!(
        ran.json()["inputs"]["set"]["remote-tenant-id"],
        json!([PARTNER_TENANT]),
        "{ran}"
    );
    let own = "contoso.onmicrosoft.com";
    let ran = generic(domain, &["-o", "json"])
        .env("AZURE_TENANT_ID", own)
        .run()
        .expect_code(0);
    assert_eq!(ran.json()["inputs"]["tenantId"], json!(TENANT), "{ran}");
    let ran = generic("nobody.example", &[]).run().expect_code(2);
    assert!(ran.stderr.contains("nobody.example"), "{ran}");
    let ran = generic(domain, &["--tenant-id", "nobody.example"]).run().expect_code(2);
    assert!(ran.stderr.contains("--tenant-id 'nobody.example'"), "{ran}");
}

#[test]
fn az_login_to_another_tenant_comes_with_the_tenant_id_of_this_one() {
    let sandbox = sandbox();
    let answer = json!({"accessToken": token(&sandbox), "expires_on": 4_102_444_800_u64, "tokenType": "Bearer"});
    let refusal = "ERROR: AADSTS50076: You must use multi-factor authentication to access 'x'. Trace ID: 1";
    let other = format!("case \"$*\" in *'--tenant {PARTNER_TENANT}'*) echo \"{refusal}\" >&2; exit 1;; esac");
    let (_folder, path) = az_that(&format!("{other}\necho '{answer}'"));
    let network = format!("remote-vnet-id={}", partner("vnet-partner"));
    let tenant = format!("remote-tenant-id={PARTNER_TENANT}");
    let line = [
        "azure",
        "setup",
        "--vendor",
        "generic",
        "--vnet-id",
        VNET_ID,
        "--no-input",
        "--yes",
        "--set",
        &network,
    ];
    let ran = peerctl(line.into_iter().chain(["--set", &tenant]))
        .envs(without_application(&sandbox))
        .env("PATH", path)
        .run();
    let said = ran
        .stderr
        .split_whitespace()
        .chain(ran.stdout.split_whitespace())
        .collect::<Vec<_>>()
        .join(" ");
    assert!(said.contains(&format!("--tenant-id {TENANT}")), "{ran}");
}

/// A proxy that answers 407 to everyone: its port, and how often it was asked.
fn refusing_proxy() -> (u16, std::sync::Arc<std::sync::atomic::AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = std::sync::Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let mut lines = BufReader::new(&stream).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let head = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n";
            let _ = write!(&stream, "{head}Content-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    (port, asked)
}

#[test]
fn refused_proxy_password_is_tried_once_and_its_variable_named() {
    let (port, asked) = refusing_proxy();
    for command in ["doctor", "setup"] {
        asked.store(0, std::sync::atomic::Ordering::SeqCst);
        let ran = peerctl(KONG.line(command, &[]))
            .envs(["AZURE_TENANT_ID", "AZURE_CLIENT_ID"].map(|name| (name, TENANT)))
            .env("AZURE_CLIENT_SECRET", "s")
            .env("KONNECT_TOKEN", "t")
            .env("AZURE_SUBSCRIPTION_ID", SUBSCRIPTION)
            .env("HTTPS_PROXY", format!("http://user:p4ss@127.0.0.1:{port}"))
            .run()
            .expect_code(1);
        assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 1, "{ran}");
        assert!(
            ran.stderr.contains("HTTPS_PROXY") && ran.stderr.contains("407"),
            "{ran}"
        );
        assert!(!ran.stderr.contains("p4ss"), "{ran}");
    }
}

/// A claims challenge is met by the az login that repeats its claims, whatever code the body has; nobody is asked for a
/// role.
#[test]
fn claims_challenge_is_answered_by_the_exact_az_login() {
    let factor = "eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJlc3NlbnRpYWwiOnRydWUsInZhbHVlcyI6WyJwMSJdfX19";
    let context = "eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJlc3NlbnRpYWwiOnRydWUsInZhbHVlIjoiYzEifX19";
    let table = [
        (
            "PUT */roleDefinitions/*=challenge",
            "management.core.windows.net//.default",
            factor,
            "This request requires multifactor authentication",
        ),
        (
            "GET */servicePrincipals*=challenge",
            "/.default",
            context,
            "authentication context c1",
        ),
    ];
    for (fault, scope, claims, why) in table {
        let sandbox = Served::start(["--lag", "none", "--fault", fault]);
        for way in ["azure-cli", "environment", "workload-identity"] {
            let line = KONG.line("setup", &["-o", "json"]);
            let document = run(&sandbox, way, NOBODY, line).expect_code(1).json();
            let error = &document["error"];
            assert_eq!(error["kind"], "sign-in", "{way}: {document:#}");
            assert!(
                error["why"].as_str().is_some_and(|told| told.contains(why)),
                "{way}: {error:#}"
            );
            let remedies = error["remedies"].to_string().replace("\\\"", "\"");
            let login = format!("az login --tenant {TENANT} --scope ");
            for part in [&login, scope, &format!("--claims-challenge \"{claims}\"")] {
                assert!(remedies.contains(part), "{way}: {part} in {error:#}");
            }
            assert!(!document.to_string().contains("Owner"), "{way}: {document:#}");
        }
    }
}
