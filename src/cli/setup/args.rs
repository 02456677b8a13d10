//! The arguments of `peerctl azure setup`. Their doc comments are the help.

use std::path::PathBuf;

use super::dry_run::DryRunFormat;
use crate::cli::help::long;
use crate::cli::switches::SwitchArgs;
use crate::cli::target::TargetArgs;
use crate::domain::StepId;
use crate::plan::StepSelection;

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = long(DETAILS, EXAMPLES))]
pub struct SetupArgs {
    #[command(flatten)]
    pub(super) target: TargetArgs,
    /// Consent method: create (default), browser or wait
    ///
    /// create creates the service principal of the vendor's application through Microsoft Graph, browser opens the admin
    /// consent page, and wait only waits until an administrator consents. [env: PEERCTL_CONSENT]
    #[arg(long, value_name = "MODE", help_heading = "Peering")]
    pub(super) consent: Option<String>,
    #[command(flatten)]
    pub(super) switches: SwitchArgs,
    /// Run only this step (repeatable)
    ///
    /// peerctl reads only what this step needs. Use it to complete a step for someone else.
    #[arg(long, value_name = "STEP", help_heading = "Run", conflicts_with_all = ["skip", "dry_run"])]
    pub(super) only: Vec<StepId>,
    /// Skip this step (repeatable); someone else completes it
    ///
    /// Steps that depend on it run if it is complete or if you don't have permission to check.
    #[arg(long, value_name = "STEP", help_heading = "Run", conflicts_with = "dry_run")]
    pub(super) skip: Vec<StepId>,
    /// Print the equivalent az commands and change nothing
    ///
    /// Needs no network if every input is set.
    #[arg(long, help_heading = "Run")]
    pub(super) dry_run: bool,
    /// Format of --dry-run: az, az-ps, terraform, json
    ///
    /// az (default) is a bash script of az commands, az-ps is az commands for PowerShell, terraform is a Terraform
    /// configuration, and json is the plan with the requests it sends.
    #[arg(
        long,
        value_name = "FORMAT",
        help_heading = "Run",
        requires = "dry_run",
        hide_possible_values = true
    )]
    pub(super) format: Option<DryRunFormat>,
    /// Sign in and include existing resources in --dry-run
    ///
    /// Requires --format terraform or json.
    #[arg(long, help_heading = "Run", requires = "dry_run")]
    pub(super) refresh: bool,
    /// Append a change report in Markdown to this file
    ///
    /// The report lists what was decided, changed and sent. A new file, an existing report and $GITHUB_STEP_SUMMARY are
    /// accepted; any other file is refused with exit code 2.
    #[arg(long, value_name = "FILE.md", help_heading = "Run", conflicts_with = "dry_run")]
    pub(super) report: Option<PathBuf>,
    /// Apply without confirmation
    #[arg(short, long, help_heading = "Run", display_order = 0)]
    pub(super) yes: bool,
}

const EXAMPLES: &str = "Examples:\n  peerctl azure setup\n  peerctl azure setup --sandbox\n  \
peerctl azure setup --vendor kong -g rg-net --vnet app --set network=prod\n  \
peerctl azure setup --profile production --no-input --yes -o json";

const DETAILS: &str = "Steps: consent, own-app, role-definition, role-assignment, vendor-request, peering, verification, \
clean-up.\n\n\
Secrets are read from environment variables or a prompt, never from flags: AZURE_CLIENT_SECRET, KONNECT_TOKEN.\n\n\
Each run that makes changes writes a record, without secrets, that only you can read. PEERCTL_STATE_DIR sets its folder; \
PEERCTL_STATE_DIR=none disables it.";

impl SetupArgs {
    /// Returns the steps that this run includes.
    pub(super) fn share(&self) -> StepSelection {
        StepSelection {
            only: self.only.clone(),
            skip: self.skip.clone(),
        }
    }
}
