//! The workflow in .github/docs/peering.yml: the script of its step is run as GitHub would, with a token of GitHub's own
//! in place of a secret, and what it says to the runner is looked at.
#![cfg(unix)]

mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use support::cli::{Ran, program};
use support::kong::VNET_ID;
use support::served::Served;

const TOKEN: &str = "the-runners-own";

/// What the runner has besides the sandbox: an address that gives tokens, and files for what a step says.
struct Runner {
    tokens: u16,
    folder: tempfile::TempDir,
}

/// What a step said to the runner.
struct Step {
    ran: Ran,
    output: String,
    summary: String,
}

impl Runner {
    fn new() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let tokens = listener.local_addr().expect("an address").port();
        std::thread::spawn(move || listener.incoming().flatten().for_each(give_token));
        Self {
            tokens,
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    /// Runs the step `id` of the workflow; `more` is in the environment besides.
    #[track_caller]
    fn run(&self, sandbox: &Served, id: &str, more: &[(&str, &str)]) -> Step {
        let job = &workflow()["jobs"]["peering"];
        let step = job["steps"]
            .as_array()
            .expect("steps")
            .iter()
            .find(|step| step["id"] == id);
        let script = step.expect("the step")["run"].as_str().expect("a script");
        assert_eq!(job["defaults"]["run"]["shell"], "bash");
        let at = |name: &str| self.folder.path().join(name).display().to_string();
        for name in ["output", "summary"] {
            std::fs::write(at(name), "").expect("a file");
        }
        // What the workflow takes from the repository's variables, and what it says itself.
        let (tenant, app) = (sandbox.value("AZURE_TENANT_ID"), sandbox.value("AZURE_CLIENT_ID"));
        let own = job["env"].as_object().expect("an environment").iter();
        let own = own.map(|(name, value)| {
            let value = match value.as_str().expect("a text") {
                "${{ vars.AZURE_TENANT_ID }}" => tenant,
                "${{ vars.AZURE_CLIENT_ID }}" => app,
                "${{ vars.PEERCTL_VNET_ID }}" => VNET_ID,
                other => other,
            };
            (name.clone(), value.to_owned())
        });
        // As GitHub runs what has `shell: bash`.
        let run = program("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", script])
            .peerctl_on_path()
            .env("PEERCTL_CLOUD", sandbox.value("PEERCTL_CLOUD"))
            .env("KONNECT_API_URL", sandbox.value("KONNECT_API_URL"))
            .envs(own)
            .envs([
                ("RUNNER_TEMP", at("")),
                ("GITHUB_OUTPUT", at("output")),
                ("GITHUB_STEP_SUMMARY", at("summary")),
            ])
            .env(
                "ACTIONS_ID_TOKEN_REQUEST_URL",
                format!("http://127.0.0.1:{}/token?version=2", self.tokens),
            )
            .env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", TOKEN)
            .envs(more.iter().copied());
        let ran = run.run();
        let read = |name: &str| std::fs::read_to_string(at(name)).expect("a file");
        Step {
            ran,
            output: read("output"),
            summary: read("summary"),
        }
    }
}

fn workflow() -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/docs/peering.yml");
    serde_yaml_ng::from_str(&std::fs::read_to_string(file).expect("the workflow")).expect("YAML")
}

/// As GitHub does: only to who has the runner's token, and for the audience that was asked for.
fn give_token(mut stream: TcpStream) {
    let lines = BufReader::new(stream.try_clone().expect("a stream"))
        .lines()
        .map_while(Result::ok);
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let first = head.first().map(String::as_str).unwrap_or_default();
    let known = head
        .iter()
        .any(|line| line.eq_ignore_ascii_case(&format!("authorization: bearer {TOKEN}")));
    let (status, body) = if known && first.starts_with("GET /odd") {
        ("200 OK", json!(id_token()).to_string())
    } else if known && first.contains("&audience=api%3A%2F%2FAzureADTokenExchange ") {
        ("200 OK", json!({"value": id_token()}).to_string())
    } else {
        ("401 Unauthorized", String::new())
    };
    // Who asked may be gone.
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
}

/// For the repository that the sandbox's operator trusts.
fn id_token() -> String {
    let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({
        "iss": "https://token.actions.githubusercontent.com", "sub": "repo:contoso/network:ref:refs/heads/main",
        "aud": "api://AzureADTokenExchange", "exp": 4_102_444_800_i64,
    });
    format!("{}.{}.x", part(json!({"alg": "RS256", "typ": "JWT"})), part(claims))
}

#[test]
fn a_job_that_has_to_wait_ends_well_says_for_whom_and_the_next_one_goes_on() {
    let (sandbox, runner) = (Served::start(["--lag", "none"]), Runner::new());
    // Nobody has given the job the vendor's token: somebody else enters the values.
    let first = runner.run(&sandbox, "set-up", &[]);
    let ran = first.ran.expect_code(0);
    assert_eq!(first.output, "outcome=waiting\n", "{ran}");
    let said = "::warning title=vendor-request::Kong has not begun to peer: it may not know the network yet. \
                Next: whoever may configure networks in Kong Konnect\n";
    assert_eq!(ran.stdout, said, "{ran}");
    assert!(
        first.summary.contains("| Outcome | waiting for someone else |"),
        "{}",
        first.summary
    );
    assert!(first.summary.contains("## Who has to act"), "{}", first.summary);

    let token = [("KONNECT_TOKEN", sandbox.value("KONNECT_TOKEN"))];
    for (outcome, summary) in [("done", "| Outcome | done |"), ("unchanged", "Nothing was written.")] {
        let step = runner.run(&sandbox, "set-up", &token);
        let ran = step.ran.expect_code(0);
        assert_eq!((step.output, ran.stdout.as_str()), (format!("outcome={outcome}\n"), ""));
        assert!(step.summary.contains(summary), "{}", step.summary);
    }
}

#[test]
fn a_job_that_fails_fails_with_peerctls_own_exit_code() {
    let (sandbox, runner) = (Served::start(["--lag", "none"]), Runner::new());
    let legacy = VNET_ID
        .replace("rg-network", "rg-legacy")
        .replace("vnet-app", "vnet-legacy");
    let token = ("KONNECT_TOKEN", sandbox.value("KONNECT_TOKEN"));
    let blocked = runner.run(&sandbox, "set-up", &[token, ("PEERCTL_VNET_ID", &legacy)]);
    blocked.ran.expect_code(4);
    assert_eq!(blocked.output, "outcome=blocked\n");
    let missing = runner.run(&sandbox, "set-up", &[("PEERCTL_VENDOR", "none")]);
    let ran = missing.ran.expect_code(2);
    assert!(ran.stderr.contains("Unknown vendor 'none'"), "{ran}");
    assert_eq!(
        sandbox.writes().iter().filter(|line| !line.contains("/token")).count(),
        0
    );
}

#[test]
fn a_token_that_github_does_not_give_is_what_fails() {
    let (sandbox, runner) = (Served::start(["--lag", "none"]), Runner::new());
    let step = runner.run(&sandbox, "set-up", &[("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "another")]);
    let ran = step.ran;
    let ran = ran.expect_code(1);
    for part in ["GitHub returned GitHubUnauthorized", "id-token: write"] {
        assert!(ran.stderr.contains(part), "{part}\n{ran}");
    }
    assert!(!ran.stderr.contains(TOKEN), "{ran}");
    assert_eq!(
        (step.output.as_str(), sandbox.requests()["requests"].clone()),
        ("outcome=failed\n", json!([]))
    );
}

/// Whoever answers in GitHub's place may answer in another form; the token in it is none for a log.
#[test]
fn an_answer_with_a_token_that_cannot_be_read_is_not_shown() {
    let (sandbox, runner) = (Served::start(["--lag", "none"]), Runner::new());
    let url = format!("http://127.0.0.1:{}/odd?version=2", runner.tokens);
    let ran = runner
        .run(&sandbox, "set-up", &[("ACTIONS_ID_TOKEN_REQUEST_URL", &url)])
        .ran;
    let ran = ran.expect_code(1);
    assert!(ran.stderr.contains("GitHub") && !ran.stderr.contains("eyJ"), "{ran}");
    assert!(!ran.stdout.contains("eyJ"), "{ran}");
}

#[test]
fn the_job_has_the_rights_that_it_needs_and_no_secret_of_azures() {
    let workflow = workflow();
    assert_eq!(
        workflow["permissions"],
        json!({"contents": "read", "id-token": "write"})
    );
    let text = workflow.to_string();
    let secrets = text.split("secrets.").skip(1).filter_map(|rest| rest.split(' ').next());
    assert_eq!(secrets.collect::<Vec<_>>(), ["KONNECT_TOKEN"]);
    assert_eq!(
        workflow["jobs"]["peering"]["env"]["PEERCTL_VERSION"],
        env!("CARGO_PKG_VERSION")
    );
}

/// Stands in for peerctl, whose own documents have no line ends in their words.
#[test]
fn words_in_a_warning_are_no_commands_for_the_runner() {
    let (sandbox, runner) = (Served::start(["--lag", "none"]), Runner::new());
    let hold = json!({"reason": "100%\r\n::error::forged", "who": "x\n::stop-commands::t"});
    let document = json!({"outcome": "waiting", "steps": [{"id": "consent", "actionRequired": hold}]});
    let folder = tempfile::tempdir().expect("a folder");
    let stub = folder.path().join("peerctl");
    std::fs::write(&stub, format!("#!/bin/sh\ncat <<'END'\n{document}\nEND\nexit 3\n")).expect("a script");
    std::fs::set_permissions(&stub, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("it can be run");
    let path = format!(
        "{}:{}",
        folder.path().display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let ran = runner.run(&sandbox, "set-up", &[("PATH", &path)]).ran.expect_code(0);
    let said = "::warning title=consent::100%25%0D%0A::error::forged Next: x%0A::stop-commands::t\n";
    assert_eq!(ran.stdout, said);
}
