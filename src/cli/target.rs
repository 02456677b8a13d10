//! Which peering is meant: the arguments that every command on a peering shares; their doc comments are the manual.

use super::config::{self, ProfileArgs};
use crate::azure::AuthMethod;
use crate::errors::{RunError, RunErrorKind};
use crate::input::{EnvironmentVariables, GivenInputs};

#[derive(Debug, clap::Args)]
pub struct TargetArgs {
    /// Who to peer with: a vendor's name, or the file of a vendor profile of your own [env: PEERCTL_VENDOR]
    #[arg(long, value_name = "NAME|FILE")]
    vendor: Option<String>,
    /// Your Entra tenant, by its ID or a domain of it; default: the sign-in's [env: AZURE_TENANT_ID]
    #[arg(long, value_name = "ID|DOMAIN")]
    tenant_id: Option<String>,
    /// The virtual network's subscription [env: AZURE_SUBSCRIPTION_ID]
    #[arg(long, value_name = "ID|NAME")]
    subscription: Option<String>,
    /// The virtual network's resource group [env: PEERCTL_RESOURCE_GROUP]
    #[arg(short = 'g', long, value_name = "NAME")]
    resource_group: Option<String>,
    /// The virtual network's name [env: PEERCTL_VNET]
    #[arg(long, value_name = "NAME")]
    vnet: Option<String>,
    /// The virtual network's ARM id, in place of the three above [env: PEERCTL_VNET_ID]
    #[arg(long, value_name = "ARM-ID", conflicts_with_all = ["vnet", "resource_group", "subscription"])]
    vnet_id: Option<String>,
    /// What the vendor needs besides; `peerctl vendors NAME` lists the keys; may be repeated [env: PEERCTL_SET_KEY]
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(super) sets: Vec<String>,
    /// How to sign in: auto, azure-cli, environment, workload-identity, managed-identity or device-code (in a browser on
    /// any machine); auto tries the environment, then workload identity, then az [env: PEERCTL_AUTH]
    #[arg(long, value_name = "HOW")]
    auth: Option<String>,
    /// Use the vendor's API, or print the values to paste into its console; default: api if its token is in the
    /// environment [env: PEERCTL_VENDOR_ACCESS]
    #[arg(long, value_name = "api|manual")]
    vendor_access: Option<String>,
    /// The object id of the vendor's service principal, where this sign-in may not read the directory
    /// [env: PEERCTL_VENDOR_PRINCIPAL_ID]
    #[arg(long, value_name = "ID")]
    vendor_principal_id: Option<String>,
    /// A multi-tenant application of yours that writes the peering, by its client id; default: one is made where the
    /// vendor needs one. Its credential: PEERCTL_OWN_APP_SECRET, PEERCTL_OWN_APP_CERTIFICATE_PATH or
    /// PEERCTL_OWN_APP_FEDERATED_TOKEN_FILE; without one, one is made for this run [env: PEERCTL_OWN_APP]
    #[arg(long, value_name = "APP-ID")]
    own_app: Option<String>,
    /// The role that your application gets at the network: a custom one that writes peerings and no more, or the
    /// built-in Network Contributor; default: least-privilege [env: PEERCTL_OWN_APP_ROLE]
    #[arg(long, value_name = "least-privilege|network-contributor")]
    own_app_role: Option<String>,
    /// Allow that the vendor profile of a file sends the vendor's token to this host [env: PEERCTL_TRUST_VENDOR_HOST]
    #[arg(long, value_name = "HOST")]
    trust_vendor_host: Option<String>,
    /// The peering's name: which one of the network's is the vendor's, or what ours shall be called
    /// [env: PEERCTL_PEERING_NAME]
    #[arg(long, value_name = "NAME")]
    peering_name: Option<String>,
    /// The Azure cloud; FILE has the JSON that `az cloud show` prints, and may add caBundle; default: public
    /// [env: PEERCTL_CLOUD]
    #[arg(long, value_name = "public|usgov|china|FILE", conflicts_with = "sandbox")]
    cloud: Option<String>,
    /// How long to wait for the vendor and for replication, in all, and for a sign-in by code; default: 1h
    /// [env: PEERCTL_TIMEOUT]
    #[arg(long, value_name = "DURATION", allow_negative_numbers = true)]
    timeout: Option<String>,
    #[command(flatten)]
    pub(super) profile: ProfileArgs,
    /// Ask nothing: name every missing input, and exit 2
    #[arg(long)]
    pub(super) no_input: bool,
    /// Run against the embedded Azure in this process: nothing leaves this machine
    #[arg(long)]
    pub(super) sandbox: bool,
}

impl TargetArgs {
    /// What was given by these flags and by `more`, in the environment and in a profile.
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
