//! Inputs that are on or off, as flags; their doc comments are the manual.

#[derive(Debug, clap::Args)]
pub struct SwitchArgs {
    /// Let our direction take traffic that the other network only forwards; where we write it
    #[arg(long)]
    allow_forwarded_traffic: bool,
    /// Let the other network use our virtual network gateway; where we write our direction
    #[arg(long)]
    allow_gateway_transit: bool,
    /// Use the other network's virtual network gateway; where we write our direction, and the other side allows it
    #[arg(long, conflicts_with = "allow_gateway_transit")]
    use_remote_gateways: bool,
    /// Do not wait for the vendor or for a person: exit 3, and run again later
    #[arg(long)]
    no_wait: bool,
}

impl SwitchArgs {
    /// What is switched on by a flag alone, as (switch, on).
    pub(super) fn all(&self) -> [(&'static str, bool); 4] {
        [
            ("allow-forwarded-traffic", self.allow_forwarded_traffic),
            ("allow-gateway-transit", self.allow_gateway_transit),
            ("use-remote-gateways", self.use_remote_gateways),
            ("no-wait", self.no_wait),
        ]
    }
}
