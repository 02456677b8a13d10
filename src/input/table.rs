//! The one table of inputs: it drives the environment, the error that names what is missing, and the command line
//! that a run prints. The flags themselves are declared where clap reads them; a test holds both together.

/// One input of `azure setup`.
#[derive(Debug, PartialEq, Eq)]
pub struct InputDefinition {
    /// Key in documents and in [`super::GivenInputs`].
    pub id: &'static str,
    /// The flag is `--ID`.
    pub env: Option<&'static str>,
    /// Meaning of the input, for the error that reports it as missing.
    pub meaning: &'static str,
}

impl InputDefinition {
    /// `--vendor`.
    pub fn flag(&self) -> String {
        format!("--{}", self.id)
    }
}

const fn row(id: &'static str, env: Option<&'static str>, meaning: &'static str) -> InputDefinition {
    InputDefinition { id, env, meaning }
}

/// Every input, in the order in which they are asked and printed. `--set` is apart: the vendor's profile names its keys.
pub const INPUTS: &[InputDefinition] = &[
    row(
        "cloud",
        Some("PEERCTL_CLOUD"),
        "the Azure cloud: public, usgov, china, or a file with what `az cloud show` prints",
    ),
    row("auth", Some("PEERCTL_AUTH"), "how to sign in"),
    row(
        "vendor",
        Some("PEERCTL_VENDOR"),
        "who to peer with: a vendor's name, or the file of a profile",
    ),
    row("tenant-id", Some("AZURE_TENANT_ID"), "your Entra tenant's id"),
    row(
        "subscription",
        Some("AZURE_SUBSCRIPTION_ID"),
        "the virtual network's subscription, id or name",
    ),
    row(
        "resource-group",
        Some("PEERCTL_RESOURCE_GROUP"),
        "the virtual network's resource group",
    ),
    row("vnet", Some("PEERCTL_VNET"), "the virtual network's name"),
    row(
        "vnet-id",
        Some("PEERCTL_VNET_ID"),
        "the virtual network's ARM id, in place of the three above",
    ),
    row(
        "vendor-access",
        Some("PEERCTL_VENDOR_ACCESS"),
        "api, or manual: print the values to paste",
    ),
    row(
        "consent",
        Some("PEERCTL_CONSENT"),
        "how the vendor's application gets consent: create, browser or wait",
    ),
    row(
        "vendor-principal-id",
        Some("PEERCTL_VENDOR_PRINCIPAL_ID"),
        "object id of the vendor's service principal, where the directory may not be read",
    ),
    row(
        "own-app",
        Some("PEERCTL_OWN_APP"),
        "an application of yours that writes the peering, by its client id",
    ),
    row(
        "own-app-role",
        Some("PEERCTL_OWN_APP_ROLE"),
        "least-privilege or network-contributor",
    ),
    row(
        "peering-name",
        Some("PEERCTL_PEERING_NAME"),
        "which peering of the network is the vendor's",
    ),
    row(
        "trust-vendor-host",
        Some("PEERCTL_TRUST_VENDOR_HOST"),
        "the host that the vendor profile of a file may send the vendor's token to",
    ),
    row("timeout", Some("PEERCTL_TIMEOUT"), "how long to wait, such as 30m"),
];

/// Inputs that decide where secrets go: no file gives them.
pub const NEVER_IN_A_FILE: [&str; 1] = ["trust-vendor-host"];

/// The inputs that name the virtual network in parts, in place of `vnet-id`.
pub const VNET_PARTS: [&str; 3] = ["subscription", "resource-group", "vnet"];

/// Inputs that the embedded Azure brings its own of.
pub const REHEARSED: [&str; 2] = ["cloud", "auth"];

/// Inputs that are on or off: the flag is `--SWITCH`. They have no variable, and nobody asks for them.
pub const SWITCHES: &[&str] = &[
    "allow-forwarded-traffic",
    "allow-gateway-transit",
    "use-remote-gateways",
    "no-wait",
];

/// The row of that id.
pub fn input(id: &str) -> Option<&'static InputDefinition> {
    INPUTS.iter().find(|input| input.id == id)
}
