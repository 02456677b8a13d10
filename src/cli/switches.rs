//! Inputs that are on or off, as flags. Their doc comments are the help.

#[derive(Debug, clap::Args)]
pub struct SwitchArgs {
    /// Allow traffic forwarded by the remote network
    ///
    /// Applies only if peerctl creates the local peering.
    #[arg(long, help_heading = "Peering")]
    allow_forwarded_traffic: bool,
    /// Allow the remote network to use your virtual network gateway
    ///
    /// Applies only if peerctl creates the local peering.
    #[arg(long, help_heading = "Peering")]
    allow_gateway_transit: bool,
    /// Use the remote network's virtual network gateway
    ///
    /// Applies only if peerctl creates the local peering; the remote peering must allow gateway transit.
    #[arg(long, help_heading = "Peering", conflicts_with = "allow_gateway_transit")]
    use_remote_gateways: bool,
    /// Don't wait for the vendor; exit with code 3 instead
    ///
    /// Run the command again later to continue.
    #[arg(long, help_heading = "Run")]
    no_wait: bool,
}

impl SwitchArgs {
    /// Returns the switches that only a flag turns on, as (switch, on).
    pub(super) fn all(&self) -> [(&'static str, bool); 4] {
        [
            ("allow-forwarded-traffic", self.allow_forwarded_traffic),
            ("allow-gateway-transit", self.allow_gateway_transit),
            ("use-remote-gateways", self.use_remote_gateways),
            ("no-wait", self.no_wait),
        ]
    }
}
