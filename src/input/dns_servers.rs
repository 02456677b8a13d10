//! The DNS server of a mapping: chosen among those that the network has, or typed.

use tokio::time::timeout;

use super::values::subscription;
use super::wizard::{SelectOutcome, SetupWizard};
use super::{InputError, menu};
use crate::azure::{AzureClient, InboundEndpoint, VirtualNetwork};
use crate::domain::VnetId;
use crate::limits;
use crate::plan::RunEvent;
use crate::ui::{ListItem, ListItems, PromptQuestion, PromptResult};
use crate::vendors::DnsMapping;

/// Servers that a mapping may have.
struct DnsServers {
    /// As a mapping takes them.
    addresses: String,
    what: String,
    place: String,
}

impl SetupWizard<'_> {
    /// The mapping of these domains to servers; `None` for the way back.
    ///
    /// # Errors
    /// When the user left.
    pub(super) async fn dns_mapping(&mut self, domains: &str) -> Result<Option<String>, InputError> {
        let (azure, vnet) = (self.entry.session.azure.clone(), self.chosen_vnet().await);
        let mut choices = Vec::new();
        let rows = ListItems::default().headed(menu::DNS_SERVERS);
        let filling = async {
            if let Some(vnet) = &vnet {
                choices = found(&azure, vnet).await;
            }
            if choices.is_empty() {
                return Ok(Some(()));
            }
            rows.push(
                choices
                    .iter()
                    .map(|one| ListItem::new([&one.addresses, &one.what, &one.place])),
            );
            rows.push([ListItem::new(["Another address", "type it", ""])]);
            rows.complete(None);
            Ok(None)
        };
        let question = |text: String| {
            let help = format!(
                "The server that {} asks for these domains: for Azure private DNS zones, an inbound endpoint of a private \
                 resolver in your network. Flag: --set dns=DOMAIN=IP.",
                self.vendor.short_name
            );
            PromptQuestion::new(text, help)
        };
        let text = format!("DNS server for {domains}");
        match self.asker.choose_meanwhile(question(text), &rows, filling).await? {
            SelectOutcome::Answer(PromptResult::Back) => return Ok(None),
            SelectOutcome::Answer(PromptResult::Value(index)) => {
                if let Some(chosen) = choices.get(index) {
                    return Ok(Some(format!("{domains}={}", chosen.addresses)));
                }
            }
            SelectOutcome::Settled(()) => {
                let what = "Your network has no inbound endpoint of a private resolver that this sign-in can see. \
                            'peerctl azure doctor' says how to create one.";
                (self.sink)(RunEvent::Notice(what.to_owned()));
            }
        }
        let mapping = |domains: &str, text: &str| format!("{domains}={text}");
        let check = {
            let domains = domains.to_owned();
            move |text: &str| match mapping(&domains, text).parse::<DnsMapping>() {
                Ok(_) => Ok(()),
                Err(error) => Err(error.to_string()),
            }
        };
        let text = format!("IP address of the DNS server for {domains}");
        Ok(match self.asker.text(question(text), Box::new(check)).await? {
            PromptResult::Value(text) => Some(mapping(domains, &text)),
            PromptResult::Back => None,
        })
    }

    /// The virtual network, as far as it is given or chosen.
    async fn chosen_vnet(&mut self) -> Option<VnetId> {
        let given = &self.talk.given;
        if let Some(id) = given.get("vnet-id") {
            return VnetId::from_input(id).ok();
        }
        let known = self.entry.known().await.ok()?;
        let subscription = subscription(given, known).ok()?;
        VnetId::new(subscription, given.get("resource-group")?, given.get("vnet")?).ok()
    }
}

/// The servers that the network has. What can't be read, or not soon, is only not offered.
async fn found(azure: &AzureClient, vnet: &VnetId) -> Vec<DnsServers> {
    let read = async { tokio::join!(azure.vnet(vnet), azure.inbound_endpoints(vnet)) };
    let Ok((network, endpoints)) = timeout(limits::PREFLIGHT, read).await else {
        return Vec::new();
    };
    offered(&endpoints.unwrap_or_default(), network.ok().flatten().as_ref())
}

/// Inbound endpoints first: the vendor's documentation asks for one.
fn offered(endpoints: &[InboundEndpoint], network: Option<&VirtualNetwork>) -> Vec<DnsServers> {
    let endpoints = endpoints.iter().map(|one| DnsServers {
        addresses: one.address.to_string(),
        what: format!("inbound endpoint {} of {}", one.name, one.resolver),
        place: one.subnet.clone(),
    });
    let own = network.iter().flat_map(|network| {
        let servers = &network.dns_servers;
        let all = Some(servers.join(",")).filter(|_| servers.len() > 1);
        let parsed = servers.iter().filter(|text| text.parse::<std::net::IpAddr>().is_ok());
        all.into_iter().chain(parsed.cloned()).map(|addresses| {
            let mut each = addresses.split(',').filter_map(|text| text.parse().ok());
            let is_inside =
                |address: std::net::IpAddr| network.address_space.0.iter().any(|one| one.contains(&address));
            let place = match each.all(is_inside) {
                true => String::new(),
                false => format!("outside {}", network.id.name),
            };
            DnsServers {
                what: format!("DNS server of {}", network.id.name),
                addresses,
                place,
            }
        })
    });
    endpoints.chain(own).collect()
}
