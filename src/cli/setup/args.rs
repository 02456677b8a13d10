//! The arguments of `peerctl azure setup`; their doc comments are the manual.

use std::path::PathBuf;

use crate::input::Options;
use crate::plan::PeeringSettings;

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Who to peer with: a vendor's name, or the file of a vendor profile of your own [env: PEERCTL_VENDOR]
    #[arg(long, value_name = "NAME|FILE")]
    pub(super) vendor: Option<String>,
    /// Your Entra tenant's id; default: the sign-in's [env: AZURE_TENANT_ID]
    #[arg(long, value_name = "ID")]
    pub(super) tenant_id: Option<String>,
    /// The virtual network's subscription [env: AZURE_SUBSCRIPTION_ID]
    #[arg(long, value_name = "ID|NAME")]
    pub(super) subscription: Option<String>,
    /// The virtual network's resource group [env: PEERCTL_RESOURCE_GROUP]
    #[arg(short = 'g', long, value_name = "NAME")]
    pub(super) resource_group: Option<String>,
    /// The virtual network's name [env: PEERCTL_VNET]
    #[arg(long, value_name = "NAME")]
    pub(super) vnet: Option<String>,
    /// The virtual network's ARM id, in place of the three above [env: PEERCTL_VNET_ID]
    #[arg(long, value_name = "ARM-ID", conflicts_with_all = ["vnet", "resource_group", "subscription"])]
    pub(super) vnet_id: Option<String>,
    /// What the vendor needs besides; `peerctl vendors NAME` lists the keys; may be repeated [env: PEERCTL_SET_KEY]
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(super) sets: Vec<String>,
    /// How to sign in: auto, azure-cli, environment, workload-identity or managed-identity; auto tries the
    /// environment, then workload identity, then az [env: PEERCTL_AUTH]
    #[arg(long, value_name = "HOW", conflicts_with = "sandbox")]
    pub(super) auth: Option<String>,
    /// How the vendor's application gets consent: create its service principal through Microsoft Graph, open the
    /// admin-consent page in a browser, or only wait for somebody to consent; default: create [env: PEERCTL_CONSENT]
    #[arg(long, value_name = "create|browser|wait")]
    pub(super) consent: Option<String>,
    /// Use the vendor's API, or print the values to paste into its console; default: api if its token is in the
    /// environment [env: PEERCTL_VENDOR_ACCESS]
    #[arg(long, value_name = "api|manual")]
    pub(super) vendor_access: Option<String>,
    /// The object id of the vendor's service principal, where this sign-in may not read the directory
    /// [env: PEERCTL_VENDOR_PRINCIPAL_ID]
    #[arg(long, value_name = "ID")]
    pub(super) vendor_principal_id: Option<String>,
    /// A multi-tenant application of yours that writes the peering, by its client id; default: one is made where the
    /// vendor needs one. Its credential: PEERCTL_OWN_APP_SECRET, PEERCTL_OWN_APP_CERTIFICATE_PATH or
    /// PEERCTL_OWN_APP_FEDERATED_TOKEN_FILE; without one, one is made for this run [env: PEERCTL_OWN_APP]
    #[arg(long, value_name = "APP-ID")]
    pub(super) own_app: Option<String>,
    /// The role that your application gets at the network: a custom one that writes peerings and no more, or the
    /// built-in Network Contributor; default: least-privilege [env: PEERCTL_OWN_APP_ROLE]
    #[arg(long, value_name = "least-privilege|network-contributor")]
    pub(super) own_app_role: Option<String>,
    /// The peering's name: which one of the network's is the vendor's, or what ours shall be called
    /// [env: PEERCTL_PEERING_NAME]
    #[arg(long, value_name = "NAME")]
    pub(super) peering_name: Option<String>,
    /// Let our direction take traffic that the other network only forwards; where we write it
    #[arg(long)]
    pub(super) allow_forwarded_traffic: bool,
    /// Let the other network use our virtual network gateway; where we write our direction
    #[arg(long)]
    pub(super) allow_gateway_transit: bool,
    /// Use the other network's virtual network gateway; where we write our direction, and the other side allows it
    #[arg(long, conflicts_with = "allow_gateway_transit")]
    pub(super) use_remote_gateways: bool,
    /// The Azure cloud; FILE has the JSON that `az cloud show` prints, and may add caBundle; default: public
    /// [env: PEERCTL_CLOUD]
    #[arg(long, value_name = "public|usgov|china|FILE", conflicts_with = "sandbox")]
    pub(super) cloud: Option<String>,
    /// How long to wait for the vendor and for replication, in all; default: 1h [env: PEERCTL_TIMEOUT]
    #[arg(long, value_name = "DURATION", allow_negative_numbers = true)]
    pub(super) timeout: Option<String>,
    /// Do not wait for the vendor or for a person: exit 3, and run again later
    #[arg(long)]
    pub(super) no_wait: bool,
    /// Print the equivalent az script (bash) and change nothing; needs no network when every input is given
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Write what was decided, changed and sent as Markdown, for a change ticket. A file that has such reports already
    /// gets one more at its end; any other file is left as it is, with exit code 2
    #[arg(long, value_name = "FILE.md", conflicts_with = "dry_run")]
    pub(super) report: Option<PathBuf>,
    /// Do not ask for confirmation
    #[arg(short, long)]
    pub(super) yes: bool,
    /// Ask nothing: name every missing input, and exit 2
    #[arg(long)]
    pub(super) no_input: bool,
    /// Run against the embedded Azure in this process: nothing leaves this machine
    #[arg(long)]
    pub(super) sandbox: bool,
}

const EXAMPLES: &str = "Secrets come by environment or by a prompt, never as an argument: AZURE_CLIENT_SECRET, KONNECT_TOKEN.\n\n\
A run that changed something keeps a record, without secrets, for you alone to read: in the folder\n\
PEERCTL_STATE_DIR, else your platform's for such things; PEERCTL_STATE_DIR=none keeps none.\n\n\
Examples:\n  peerctl azure setup --sandbox\n      a rehearsal, with questions\n\
  peerctl azure setup --vendor kong --vnet-id /subscriptions/… --set network=my-network --no-input --yes -o json\n      \
the same from a pipeline, one JSON document on standard output";

impl Args {
    /// What is switched on by a flag alone, as (flag, on).
    pub(super) fn switches(&self) -> [(&'static str, bool); 4] {
        [
            ("--allow-forwarded-traffic", self.allow_forwarded_traffic),
            ("--allow-gateway-transit", self.allow_gateway_transit),
            ("--use-remote-gateways", self.use_remote_gateways),
            ("--no-wait", self.no_wait),
        ]
    }

    /// The same for the run.
    pub(super) fn options(&self) -> Options {
        Options {
            no_wait: self.no_wait,
            peering_settings: PeeringSettings {
                allow_forwarded_traffic: self.allow_forwarded_traffic,
                allow_gateway_transit: self.allow_gateway_transit,
                use_remote_gateways: self.use_remote_gateways,
            },
        }
    }

    /// The inputs that were given by flag, by their ids.
    pub(super) fn flags(&self) -> [(&'static str, Option<&str>); 15] {
        [
            ("vendor", self.vendor.as_deref()),
            ("tenant-id", self.tenant_id.as_deref()),
            ("subscription", self.subscription.as_deref()),
            ("resource-group", self.resource_group.as_deref()),
            ("vnet", self.vnet.as_deref()),
            ("vnet-id", self.vnet_id.as_deref()),
            ("auth", self.auth.as_deref()),
            ("consent", self.consent.as_deref()),
            ("vendor-access", self.vendor_access.as_deref()),
            ("vendor-principal-id", self.vendor_principal_id.as_deref()),
            ("own-app", self.own_app.as_deref()),
            ("own-app-role", self.own_app_role.as_deref()),
            ("peering-name", self.peering_name.as_deref()),
            ("cloud", self.cloud.as_deref()),
            ("timeout", self.timeout.as_deref()),
        ]
    }
}
