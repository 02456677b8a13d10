//! One link of `vnet-app`, with every vendor: the command lines of `setup`, `status` and `teardown` on it.

use serde_json::Value;

use super::cli::{Run, peerctl};
use super::output_schema::assert_matches;
use super::served::Served;

/// A link, by what tells it from others.
#[derive(Clone, Copy)]
pub struct Link {
    pub vendor: &'static str,
    inputs: &'static [&'static str],
}

pub const KONG: Link = Link {
    vendor: "kong",
    inputs: &["--set", "network=eastus2-network"],
};
pub const AIVEN: Link = Link {
    vendor: "aiven",
    inputs: &[
        "--set",
        "project=demo",
        "--set",
        "vpc=7a61c0de-3b52-4c1f-9d84-e0f1a2b3c401",
    ],
};
pub const DRAGONFLY: Link = Link {
    vendor: "dragonfly",
    inputs: &["--set", "network=cache-eastus2"],
};
/// With Fabrikam's `vnet-partner`, where the operator may write both directions.
pub const GENERIC: Link = Link {
    vendor: "generic",
    inputs: &[
        "--set",
        "remote-tenant-id=8e6d4f20-5a3b-4c17-9d28-7b1a0c9e5f43",
        "--set",
        "remote-vnet-id=/subscriptions/77c61208-ca0c-4f61-a384-90b5c62f7467/resourceGroups/rg-partner/providers/Microsoft.Network/virtualNetworks/vnet-partner",
    ],
};

impl Link {
    /// The arguments of `peerctl azure COMMAND`, without a question; `more` comes last, and may name another network.
    pub fn line(&self, command: &str, more: &[&str]) -> Vec<String> {
        let vnet: &[&str] = match more.iter().any(|flag| ["--vnet", "--vnet-id"].contains(flag)) {
            true if more.contains(&"--vnet") => &["--resource-group", "rg-network"],
            true => &[],
            false => &["--resource-group", "rg-network", "--vnet", "vnet-app"],
        };
        let yes: &[&str] = match command {
            "status" | "doctor" => &[],
            _ => &["--yes"],
        };
        let own = ["azure", command, "--no-input", "--vendor", self.vendor];
        let all = own.iter().chain(yes).chain(vnet).chain(self.inputs).chain(more);
        all.map(|text| (*text).to_owned()).collect()
    }

    /// A row of a file for `azure apply`.
    pub fn row(&self) -> String {
        let sets = self.inputs.iter().filter_map(|word| word.split_once('='));
        let sets: Vec<String> = sets.map(|(key, value)| format!("{key} = '{value}'")).collect();
        format!(
            "[[peering]]\nresource-group = 'rg-network'\nvnet = 'vnet-app'\nvendor = '{}'\nset = {{ {} }}\n",
            self.vendor,
            sets.join(", ")
        )
    }

    /// The same, to be run against the sandbox.
    pub fn command(&self, sandbox: &Served, command: &str, more: &[&str]) -> Run {
        peerctl(self.line(command, more)).envs(sandbox.env())
    }

    /// A whole run, which has to end with `code`; its JSON document, which has to match the schema.
    #[track_caller]
    pub fn run(&self, sandbox: &Served, command: &str, more: &[&str], code: i32) -> Value {
        let flags = [&["-o", "json"], more].concat();
        let document = self.command(sandbox, command, &flags).run().expect_code(code).json();
        assert_matches("run", &document);
        document
    }

    /// Sets it up; the JSON document.
    #[track_caller]
    pub fn set_up(&self, sandbox: &Served, more: &[&str]) -> Value {
        let document = self.run(sandbox, "setup", more, 0);
        assert_eq!(document["outcome"], "done", "{document:#}");
        document
    }

    /// Takes it down, which has to remove something; the JSON document.
    #[track_caller]
    pub fn take_down(&self, sandbox: &Served, more: &[&str]) -> Value {
        let document = self.run(sandbox, "teardown", more, 0);
        assert_eq!(document["outcome"], "done", "{document:#}");
        document
    }
}
