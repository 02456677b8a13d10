//! The arguments that all commands on a peering share. Their doc comments are the help.

use super::config::{self, ProfileArgs};
use crate::azure::AuthMethod;
use crate::errors::{RunError, RunErrorKind};
use crate::input::{EnvironmentVariables, GivenInputs};

#[derive(Debug, clap::Args)]
pub struct TargetArgs {
    /// Vendor name or profile file (required); see 'peerctl vendors'
    ///
    /// kong, aiven, dragonfly, atlas, confluent, generic (alias: another-tenant), or the file of a custom vendor profile.
    /// [env: PEERCTL_VENDOR]
    #[arg(long, value_name = "NAME|FILE", help_heading = "Target")]
    vendor: Option<String>,
    /// Resource ID of your virtual network (required), or:
    ///
    /// Replaces --subscription, --resource-group and --vnet. [env: PEERCTL_VNET_ID]
    #[arg(long, value_name = "ID", help_heading = "Target", conflicts_with_all = ["vnet", "resource_group", "subscription"])]
    vnet_id: Option<String>,
    /// Subscription of the virtual network
    ///
    /// [env: AZURE_SUBSCRIPTION_ID]
    #[arg(long, value_name = "ID|NAME", help_heading = "Target")]
    subscription: Option<String>,
    /// Resource group of the virtual network
    ///
    /// [env: PEERCTL_RESOURCE_GROUP]
    #[arg(short = 'g', long, value_name = "NAME", help_heading = "Target")]
    resource_group: Option<String>,
    /// Name of the virtual network
    ///
    /// [env: PEERCTL_VNET]
    #[arg(long, value_name = "NAME", help_heading = "Target")]
    vnet: Option<String>,
    /// Vendor-specific input (repeatable); see 'peerctl vendors NAME'
    ///
    /// Example: --set network=my-network. [env: PEERCTL_SET_KEY]
    #[arg(long = "set", value_name = "KEY=VALUE", help_heading = "Target")]
    pub(super) sets: Vec<String>,
    /// Sign-in method; default: auto
    ///
    /// auto, azure-cli, environment, workload-identity, managed-identity or device-code. auto tries environment, then
    /// workload-identity, then azure-cli. device-code signs in with a browser on any machine. [env: PEERCTL_AUTH]
    #[arg(long, value_name = "METHOD", help_heading = "Sign-in")]
    auth: Option<String>,
    /// Your Microsoft Entra tenant
    ///
    /// Default: the tenant of the sign-in. [env: AZURE_TENANT_ID]
    #[arg(long, value_name = "ID|DOMAIN", help_heading = "Sign-in")]
    tenant_id: Option<String>,
    /// Azure cloud: public (default), usgov, china, or a file
    ///
    /// A file contains the JSON that 'az cloud show' prints, and optionally caBundle. [env: PEERCTL_CLOUD]
    #[arg(long, value_name = "NAME|FILE", help_heading = "Sign-in", conflicts_with = "sandbox")]
    cloud: Option<String>,
    /// Host that may receive the vendor token
    ///
    /// Required if the vendor profile comes from a file and uses the vendor's API. [env: PEERCTL_TRUST_VENDOR_HOST]
    #[arg(long, value_name = "HOST", help_heading = "Sign-in")]
    trust_vendor_host: Option<String>,
    /// Name of the local peering
    ///
    /// Selects one of the network's existing peerings, or names a new one. [env: PEERCTL_PEERING_NAME]
    #[arg(long, value_name = "NAME", help_heading = "Peering")]
    peering_name: Option<String>,
    /// Use the vendor's API, or enter the values in its console
    ///
    /// Default: api if the vendor token is set in the environment. [env: PEERCTL_VENDOR_ACCESS]
    #[arg(long, value_name = "api|manual", help_heading = "Peering")]
    vendor_access: Option<String>,
    /// Object ID of the vendor's service principal
    ///
    /// Use this if the signed-in identity can't read the directory. [env: PEERCTL_VENDOR_PRINCIPAL_ID]
    #[arg(long, value_name = "ID", help_heading = "Peering")]
    vendor_principal_id: Option<String>,
    /// Client ID of your multitenant application
    ///
    /// The application writes the local peering. Default: peerctl creates one if the vendor requires one. Set its
    /// credential in PEERCTL_OWN_APP_SECRET, PEERCTL_OWN_APP_CERTIFICATE_PATH or PEERCTL_OWN_APP_FEDERATED_TOKEN_FILE;
    /// otherwise, peerctl creates a credential for this run and removes it. [env: PEERCTL_OWN_APP]
    #[arg(long, value_name = "ID", help_heading = "Peering")]
    own_app: Option<String>,
    /// Role of your application: least-privilege or network-contributor
    ///
    /// least-privilege (default) is a custom role that can only write peerings; network-contributor is the built-in
    /// Network Contributor role. [env: PEERCTL_OWN_APP_ROLE]
    #[arg(long, value_name = "ROLE", help_heading = "Peering")]
    own_app_role: Option<String>,
    /// Disable prompts; report all missing inputs
    ///
    /// If an input is missing, peerctl names every missing one and exits with code 2.
    #[arg(long, help_heading = "Run")]
    pub(super) no_input: bool,
    /// Maximum total time to wait; default: 1h
    ///
    /// Applies to waiting for the vendor, for replication, and for a device-code sign-in. [env: PEERCTL_TIMEOUT]
    #[arg(long, value_name = "DURATION", help_heading = "Run", allow_negative_numbers = true)]
    timeout: Option<String>,
    /// Run against the embedded sandbox
    ///
    /// No requests leave this machine, and you don't need an account.
    #[arg(long, help_heading = "Run")]
    pub(super) sandbox: bool,
    #[command(flatten)]
    pub(super) profile: ProfileArgs,
}

impl TargetArgs {
    /// Returns the inputs from these flags and `more`, from the environment, and from a profile.
    ///
    /// # Errors
    /// A `--set` or a configuration file that cannot be used.
    pub(super) fn given(
        &self,
        more: &[(&'static str, Option<&str>)],
        vars: &EnvironmentVariables,
    ) -> Result<GivenInputs, RunError> {
        vars.check()?;
        self.check()?;
        let flags = self.flags().into_iter().chain(more.iter().copied());
        let given = GivenInputs::new(flags, &self.sets, vars.clone()).map_err(|set| {
            let what = format!("--set {set} cannot be used.");
            RunError::new(RunErrorKind::Usage, what, "It has the form KEY=VALUE.")
        })?;
        let profile = config::chosen(&self.profile, vars, self.sandbox)?;
        Ok(match profile {
            Some(profile) => given.over(profile),
            None => given,
        })
    }

    /// # Errors
    /// A way to sign in that a rehearsal does not have.
    fn check(&self) -> Result<(), RunError> {
        let auth = self.auth.as_ref().filter(|_| self.sandbox);
        // What is no way at all is told where it is read.
        match auth.and_then(|auth| auth.parse().ok()) {
            Some(auth @ (AuthMethod::AzureCli | AuthMethod::WorkloadIdentity | AuthMethod::ManagedIdentity)) => {
                let what = format!("--auth {auth} cannot be used with --sandbox.");
                let why = "The embedded Azure knows nobody who signs in so.";
                Err(RunError::new(RunErrorKind::Usage, what, why)
                    .remedy("Leave --auth out, or rehearse --auth device-code."))
            }
            _ => Ok(()),
        }
    }

    /// The inputs that were given by flag, by their ids.
    fn flags(&self) -> [(&'static str, Option<&str>); 15] {
        [
            ("vendor", self.vendor.as_deref()),
            ("tenant-id", self.tenant_id.as_deref()),
            ("subscription", self.subscription.as_deref()),
            ("resource-group", self.resource_group.as_deref()),
            ("vnet", self.vnet.as_deref()),
            ("vnet-id", self.vnet_id.as_deref()),
            ("auth", self.auth.as_deref()),
            ("vendor-access", self.vendor_access.as_deref()),
            ("vendor-principal-id", self.vendor_principal_id.as_deref()),
            ("own-app", self.own_app.as_deref()),
            ("own-app-role", self.own_app_role.as_deref()),
            ("peering-name", self.peering_name.as_deref()),
            ("cloud", self.cloud.as_deref()),
            ("trust-vendor-host", self.trust_vendor_host.as_deref()),
            ("timeout", self.timeout.as_deref()),
        ]
    }
}
