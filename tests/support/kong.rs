//! The default estate's names as the tests use them, and the command lines that peer its networks with Kong's.

use super::cli::{Run, peerctl};
use super::served::Served;

pub const TENANT: &str = "6b1f5c5e-8a4e-4d0e-9a53-1f0c2d7e4b10";
/// "Contoso Production".
pub const SUBSCRIPTION: &str = "11d0b6a2-64a6-4f0b-8d2e-3a5f70c91e01";
/// "Contoso Staging".
pub const OTHER_SUBSCRIPTION: &str = "22e1c7b3-75b7-4a1c-9e3f-4b6081da2f12";
/// `vnet-app` of `rg-network`, 10.20.0.0/16.
pub const VNET_ID: &str = "/subscriptions/11d0b6a2-64a6-4f0b-8d2e-3a5f70c91e01/resourceGroups/rg-network/providers/Microsoft.Network/virtualNetworks/vnet-app";
/// Kong's application.
pub const APP_ID: &str = "207b296f-cf25-4d23-9eba-9a2c41dc62ca";
pub const ROLE: &str = "Kong Cloud Gateway Peering Creator";
/// As another page of Kong's documentation spells it.
pub const ROLE_TOO: &str = "Kong Cloud Gateway Peering Creator - Kong";
pub const ACTIONS: [&str; 5] = [
    "Microsoft.Network/virtualNetworks/read",
    "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/read",
    "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/write",
    "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/delete",
    "Microsoft.Network/virtualNetworks/peer/action",
];
/// The Konnect network that is ready, 10.0.0.0/16.
pub const NETWORK: &str = "eastus2-network";
pub const NETWORK_ID: &str = "36ae63d3-efd1-4bec-b246-62aa5d3f5695";
/// The application that may change networks in `rg-network`, and nothing else.
pub const LIMITED: [(&str, &str); 2] = [
    ("AZURE_CLIENT_ID", "c5e3f4a6-7182-4930-a4b5-d6e7f8091a23"),
    ("AZURE_CLIENT_SECRET", "sandbox~limited~secret"),
];

/// What every run of this estate is given, besides the sandbox's environment.
pub const INPUTS: [&str; 8] = [
    "--vendor",
    "kong",
    "--resource-group",
    "rg-network",
    "--vnet",
    "vnet-app",
    "--set",
    "network=eastus2-network",
];

/// `peerctl azure setup` with every input, without a question, against the sandbox; `more` comes last.
pub fn setup(sandbox: &Served, more: &[&str]) -> Run {
    peerctl(command_line(more)).envs(sandbox.env())
}

/// Its arguments.
pub fn command_line(more: &[&str]) -> Vec<String> {
    let own = ["azure", "setup", "--no-input", "--yes"];
    let all = own.iter().chain(&INPUTS).chain(more);
    all.map(|text| (*text).to_owned()).collect()
}
