//! The arguments of `peerctl azure apply`. Their doc comments are the help.

use std::path::PathBuf;

use crate::cli::help::long;

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = long(DETAILS, EXAMPLES))]
pub struct ApplyArgs {
    /// TOML file with the peerings (required)
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// Process only this peering of the file (repeatable)
    #[arg(long = "peering", value_name = "NAME", help_heading = "Target")]
    pub(super) peerings: Vec<String>,
    /// Host that may receive the vendor token
    ///
    /// Required if a vendor profile comes from a file and uses the vendor's API. [env: PEERCTL_TRUST_VENDOR_HOST]
    #[arg(long, value_name = "HOST", help_heading = "Sign-in")]
    pub(super) trust_vendor_host: Option<String>,
    /// Apply without confirmation
    #[arg(short, long, help_heading = "Run")]
    pub(super) yes: bool,
    /// Maximum number of peerings to process in parallel (1-64)
    ///
    /// Peerings that wait for someone else don't count.
    #[arg(long, value_name = "N", help_heading = "Run", default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(super) parallelism: u8,
    /// Disable prompts; requires --yes
    #[arg(long, help_heading = "Run")]
    pub(super) no_input: bool,
    /// Don't wait for the vendor; exit with code 3 instead
    ///
    /// Run the command again later to continue.
    #[arg(long, help_heading = "Run")]
    pub(super) no_wait: bool,
    /// Show the plan and change nothing
    ///
    /// Signs in and reads existing resources.
    #[arg(long, help_heading = "Run")]
    pub(super) dry_run: bool,
    /// Append a change report in Markdown to this file
    ///
    /// The report has a chapter for each peering with a plan. See 'peerctl azure setup --help'.
    #[arg(long, value_name = "FILE.md", help_heading = "Run", conflicts_with = "dry_run")]
    pub(super) report: Option<PathBuf>,
    /// Run against the embedded sandbox
    ///
    /// No requests leave this machine, and you don't need an account.
    #[arg(long, help_heading = "Run")]
    pub(super) sandbox: bool,
}

const EXAMPLES: &str = "Examples:\n  peerctl azure apply peerings.toml --dry-run\n  \
peerctl azure apply peerings.toml --peering shop\n  \
peerctl azure apply peerings.toml --no-input --yes --no-wait -o json";

const DETAILS: &str = "The keys of the file are the flag names of 'peerctl azure setup'. [defaults] contains shared values:\n\n  \
[defaults]\n  vendor = \"kong\"\n  set = { network = \"my-network\" }\n\n  \
[[peering]]\n  name = \"shop\"\n  vnet-id = \"/subscriptions/…\"\n\n  \
[[peering]]\n  # one peering per network, named after it\n  vnet-ids = [\"/subscriptions/…\", \"/subscriptions/…\"]\n\n\
Missing values come from [defaults], then from environment variables. A peering with its own vendor ignores the set of \
[defaults]. Vendor tokens come from environment variables: KONNECT_TOKEN, AIVEN_AUTH_TOKEN, DFCLOUD_API_KEY.\n\n\
Resources that peerings share (consent, application, roles) are created once. A failed peering doesn't stop the others; \
run the command again to resume.\n\n\
Exit codes: that of the worst peering: 0 done, 1 failed, 4 blocked by a check, 3 waiting for someone else. 2 wrong or missing \
input (nothing was changed), 130 canceled.";
