//! The arguments of `peerctl azure apply`; their doc comments are the manual.

use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ApplyArgs {
    /// The file: TOML, a table for each peering, and one for what they share
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// Take this row of the file alone; may be repeated
    #[arg(long = "row", value_name = "NAME")]
    pub(super) rows: Vec<String>,
    /// How many rows are worked at at a time, 1 to 64; those that wait for somebody else do not count
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(super) parallelism: u8,
    /// Do not wait for a vendor or for a person: exit 3, and run again later
    #[arg(long)]
    pub(super) no_wait: bool,
    /// Sign in, read what there is, say what would be done, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Write each row that has a plan as Markdown, for a change ticket; as in `azure setup`
    #[arg(long, value_name = "FILE.md", conflicts_with = "dry_run")]
    pub(super) report: Option<PathBuf>,
    /// Ask nothing: without --yes, exit 2
    #[arg(long)]
    pub(super) no_input: bool,
    /// Allow that the vendor profile of a file sends the vendor's token to this host [env: PEERCTL_TRUST_VENDOR_HOST]
    #[arg(long, value_name = "HOST")]
    pub(super) trust_vendor_host: Option<String>,
    /// Run against the embedded Azure in this process: nothing leaves this machine
    #[arg(long)]
    pub(super) sandbox: bool,
    /// Do not ask for confirmation
    #[arg(short, long)]
    pub(super) yes: bool,
}

const EXAMPLES: &str = "The file's keys are the names of the flags of azure setup; [defaults] has what the rows share:\n\n  \
[defaults]\n  vendor = \"kong\"\n  set = { network = \"my-network\" }\n\n  \
[[peering]]\n  name = \"shop\"\n  vnet-id = \"/subscriptions/…\"\n\n  \
[[peering]]\n  vnet-ids = [\"/subscriptions/…\", \"/subscriptions/…\"]   # a row each, named after the network\n\n\
What a row does not say comes from [defaults], then from the environment. A row with a vendor of its own takes no set\n\
of the defaults. Tokens come by environment: KONNECT_TOKEN, AIVEN_AUTH_TOKEN, DFCLOUD_API_KEY.\n\n\
What rows share (consent, application, roles) is done once. A row that is blocked or fails keeps no other from going\n\
on; run again, what is done stays as it is.\n\n\
Exit codes: that of the row that went worst. 0 every row is done, 1 a row failed, 4 a row is blocked, 3 a row waits for\n\
someone else, 2 the file or an input is wrong (then nothing was written), 130 stopped by you.\n\n\
Example:\n  peerctl azure apply peerings.toml --dry-run\n  peerctl azure apply peerings.toml --no-input --yes --no-wait -o json";
