//! The arguments of `peerctl azure setup`; their doc comments are the manual.

use std::path::PathBuf;

use super::dry_run::DryRunFormat;
use crate::cli::switches::SwitchArgs;
use crate::cli::target::TargetArgs;
use crate::domain::StepId;
use crate::plan::StepSelection;

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct SetupArgs {
    #[command(flatten)]
    pub(super) target: TargetArgs,
    /// How the vendor's application gets consent: create its service principal through Microsoft Graph, open the
    /// admin-consent page in a browser, or only wait for somebody to consent; default: create [env: PEERCTL_CONSENT]
    #[arg(long, value_name = "create|browser|wait")]
    pub(super) consent: Option<String>,
    #[command(flatten)]
    pub(super) switches: SwitchArgs,
    /// Do this step alone, and read only what it needs; may be repeated. For whoever was handed it
    #[arg(long, value_name = "STEP", conflicts_with_all = ["skip", "dry_run"])]
    pub(super) only: Vec<StepId>,
    /// Leave this step to somebody else; may be repeated. What needs it is done where it is in place, or where this
    /// sign-in cannot tell
    #[arg(long, value_name = "STEP", conflicts_with = "dry_run")]
    pub(super) skip: Vec<StepId>,
    /// Print what would be done, as a script or a document, and change nothing; needs no network when every input is
    /// given
    #[arg(long)]
    pub(super) dry_run: bool,
    /// What --dry-run prints; default: az
    #[arg(long, value_name = "FORMAT", requires = "dry_run")]
    pub(super) format: Option<DryRunFormat>,
    /// With --dry-run --format terraform or json: sign in and read what is there, although every input is given
    #[arg(long, requires = "dry_run")]
    pub(super) survey: bool,
    /// Write what was decided, changed and sent as Markdown, for a change ticket. A file that has such reports already
    /// gets one more at its end, and so does $GITHUB_STEP_SUMMARY; any other file is left as it is, with exit code 2
    #[arg(long, value_name = "FILE.md", conflicts_with = "dry_run")]
    pub(super) report: Option<PathBuf>,
    /// Do not ask for confirmation
    #[arg(short, long)]
    pub(super) yes: bool,
}

const EXAMPLES: &str = "Secrets come by environment or by a prompt, never as an argument: AZURE_CLIENT_SECRET, KONNECT_TOKEN.\n\n\
A run that changed something keeps a record, without secrets, for you alone to read: in the folder\n\
PEERCTL_STATE_DIR, else your platform's for such things; PEERCTL_STATE_DIR=none keeps none.\n\n\
Steps: consent, own-app, role-definition, role-assignment, vendor-request, peering, verification, clean-up.\n\n\
Examples:\n  peerctl azure setup --sandbox\n      a rehearsal, with questions\n  \
peerctl azure setup --vendor kong --vnet-id /subscriptions/… --set network=my-network --no-input --yes -o json\n      \
the same from a pipeline, one JSON document on standard output";

impl SetupArgs {
    /// Which steps this operator takes.
    pub(super) fn share(&self) -> StepSelection {
        StepSelection {
            only: self.only.clone(),
            skip: self.skip.clone(),
        }
    }
}
