//! A dry run of every kind, for what all formats have to keep.

use super::cli::{Ran, Run, peerctl};
use super::kong::{TENANT, VNET_ID};
use super::stand_ins::REMOTE;

/// Where nothing listens: a packet that leaves anyway makes the test fail.
const NOWHERE: &str = "http://127.0.0.1:9";
pub const OWN_APP: &str = "a3c1d2e4-5f60-4718-92a3-b4c5d6e7f801";

/// Each kind of run: what it is called, and its arguments besides the customer's network.
pub fn runs() -> Vec<(&'static str, Vec<String>)> {
    let partner = format!("remote-vnet-id={REMOTE}");
    let to_network = format!("to-network-id={REMOTE}");
    let api = ["--vendor-access", "api"];
    let by_hand = ["--vendor-access", "manual"];
    let table: [(&str, &[&str], &[&str]); 12] = [
        ("kong", &api, &["--set", "network=n"]),
        (
            "kong",
            &api,
            &[
                "--set",
                "network=n",
                "--peering-name",
                "p-1",
                "--set",
                "dns=a.example=10.0.0.4",
            ],
        ),
        ("kong", &by_hand, &["--consent", "wait"]),
        ("kong", &by_hand, &["--vendor-principal-id", OWN_APP]),
        ("aiven", &api, &["--set", "project=demo", "--set", "vpc=n"]),
        ("aiven", &by_hand, &[]),
        (
            "aiven",
            &by_hand,
            &[
                "--set",
                &to_network,
                "--set",
                "to-tenant-id=8e6d4f20-5a3b-4c17-9d28-7b1a0c9e5f43",
            ],
        ),
        ("dragonfly", &api, &["--set", "network=n", "--own-app", OWN_APP]),
        (
            "dragonfly",
            &api,
            &["--set", "network=n", "--own-app-role", "network-contributor"],
        ),
        (
            "dragonfly",
            &by_hand,
            &["--set", "account-id=/subscriptions/x", "--set", "vpc-id=y"],
        ),
        (
            "generic",
            &[],
            &[
                "--set",
                &partner,
                "--set",
                "remote-tenant-id=8e6d4f20-5a3b-4c17-9d28-7b1a0c9e5f43",
            ],
        ),
        (
            "generic",
            &["--own-app", OWN_APP],
            &[
                "--set",
                &partner,
                "--set",
                "remote-tenant-id=8e6d4f20-5a3b-4c17-9d28-7b1a0c9e5f43",
            ],
        ),
    ];
    let owned = |words: &[&str], more: &[&str]| words.iter().chain(more).map(|word| (*word).to_owned()).collect();
    table.map(|(vendor, words, more)| (vendor, owned(words, more))).to_vec()
}

/// A dry run with every input given, without a network: every proxy leads nowhere, and nobody is signed in.
pub fn offline<S: AsRef<str>>(vendor: &str, vnet_id: &str, more: &[S]) -> Run {
    let own = [
        "azure",
        "setup",
        "--dry-run",
        "--no-input",
        "--vendor",
        vendor,
        "--tenant-id",
        TENANT,
        "--vnet-id",
        vnet_id,
    ];
    let proxies = [
        "HTTPS_PROXY",
        "https_proxy",
        "HTTP_PROXY",
        "http_proxy",
        "ALL_PROXY",
        "all_proxy",
    ];
    peerctl(own.into_iter().chain(more.iter().map(AsRef::as_ref))).envs(proxies.map(|name| (name, NOWHERE)))
}

/// What a pipeline's environment may hold: no format prints any of it.
const SECRETS: [(&str, &str); 6] = [
    ("KONNECT_TOKEN", "kpat_this-must-not-be-printed"),
    ("AIVEN_AUTH_TOKEN", "aiven-must-not"),
    ("DFCLOUD_API_KEY", "dragonfly-must-not"),
    ("PEERCTL_OWN_APP_SECRET", "own~must-not"),
    ("AZURE_CLIENT_SECRET", "nor~must-this"),
    ("AZURE_CLIENT_ID", "b3c1d2e4-5f60-4718-92a3-b4c5d6e7f801"),
];

/// Every kind of run in that format among secrets, none of which it may show; what each was given, and what it printed.
#[track_caller]
pub fn among_secrets(format: &str) -> Vec<(Vec<String>, Ran)> {
    let mut all = Vec::new();
    for (vendor, mut more) in runs() {
        more.extend(["--format", format, "-vv"].map(str::to_owned));
        let ran = offline(vendor, VNET_ID, &more).envs(SECRETS).run().expect_code(0);
        for (name, secret) in SECRETS {
            assert!(
                !ran.stdout.contains(secret) && !ran.stderr.contains(secret),
                "{name}\n{ran}"
            );
        }
        all.push((more, ran));
    }
    all
}
