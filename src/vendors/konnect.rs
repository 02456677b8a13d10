//! Kong Konnect's Cloud Gateways API (v2): networks, and the transit gateways that peer them.

use async_trait::async_trait;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use super::connector::{NewRequest, RequestPhase, VendorConnector, VendorNetwork, VendorRequest, other_than_azure};
use super::dns::DnsMapping;
use crate::azure::{ApiCall, ApiError, ApiReply, AzureService, FailureKind, RequestSender};
use crate::domain::{AddressSpace, VnetId};
use crate::limits;

const KONNECT: AzureService = AzureService::Vendor("Konnect");
const KIND: &str = "azure-vnet-peering-attachment";

/// A client of one Konnect organisation.
pub struct KonnectConnector {
    base: Url,
    token: SecretString,
    wire: RequestSender,
}

impl KonnectConnector {
    /// `base` is the API's address without path (`https://global.api.konghq.com`).
    pub fn new(base: Url, token: SecretString, wire: RequestSender) -> Self {
        Self { base, token, wire }
    }

    fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().extend(["v2", "cloud-gateways"]).extend(segments);
        }
        url
    }

    async fn send(&self, call: ApiCall) -> Result<ApiReply, ApiError> {
        let reply = self.wire.send(call.bearer(&self.token)).await?;
        if (200..300).contains(&reply.status) {
            Ok(reply)
        } else {
            Err(refusal(&reply))
        }
    }

    /// Every item of a list, page by page.
    async fn list<T: serde::de::DeserializeOwned>(&self, segments: &[&str]) -> Result<Vec<T>, ApiError> {
        let mut items = Vec::new();
        for number in 1..=limits::KONNECT_PAGES {
            let mut url = self.url(segments);
            url.query_pairs_mut()
                .append_pair("page[size]", &limits::KONNECT_PAGE.to_string())
                .append_pair("page[number]", &number.to_string());
            let page: KonnectPage<T> = self.send(ApiCall::get(KONNECT, url)).await?.json()?;
            let (got, total) = (page.data.len(), page.meta.page.total);
            items.extend(page.data);
            // Where no total is given, a page that is not full is the last one.
            if got == 0 || total.map_or(got < limits::KONNECT_PAGE, |total| items.len() >= total) {
                return Ok(items);
            }
        }
        Err(ApiError {
            service: KONNECT,
            tried: format!("GET {}", self.url(segments).path()),
            failure: FailureKind::Unreadable {
                status: 200,
                why: format!("the list has more than {} pages", limits::KONNECT_PAGES),
            },
            correlation_id: None,
            sign_in: Vec::new(),
            challenge: None,
        })
    }
}

#[async_trait]
impl VendorConnector for KonnectConnector {
    async fn networks(&self) -> Result<Vec<VendorNetwork>, ApiError> {
        let accounts = self.list::<ProviderAccount>(&["provider-accounts"]);
        let (networks, accounts) = tokio::join!(self.list::<KonnectNetwork>(&["networks"]), accounts);
        // A token that may not read the accounts may still peer: Konnect has the last word then.
        let accounts = accounts.unwrap_or_default();
        Ok(networks?.into_iter().map(|network| network.on(&accounts)).collect())
    }

    async fn requests(&self, network: &str) -> Result<Vec<VendorRequest>, ApiError> {
        let gateways: Vec<TransitGateway> = self.list(&["networks", network, "transit-gateways"]).await?;
        Ok(gateways.into_iter().map(VendorRequest::from).collect())
    }

    async fn request(&self, network: &str, id: &str) -> Result<Option<VendorRequest>, ApiError> {
        let url = self.url(&["networks", network, "transit-gateways", id]);
        match self.send(ApiCall::get(KONNECT, url)).await {
            Ok(reply) => Ok(Some(reply.json::<TransitGateway>()?.into())),
            Err(error) if error.status() == Some(404) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn create(&self, network: &str, new: &NewRequest) -> Result<VendorRequest, ApiError> {
        let url = self.url(&["networks", network, "transit-gateways"]);
        let reply = self
            .send(ApiCall::post(KONNECT, url).json(&transit_gateway(new)))
            .await?;
        Ok(reply.json::<TransitGateway>()?.into())
    }

    async fn delete(&self, network: &str, id: &str) -> Result<(), ApiError> {
        let url = self.url(&["networks", network, "transit-gateways", id]);
        match self.send(ApiCall::delete(KONNECT, url)).await {
            Ok(_) => Ok(()),
            Err(error) if error.status() == Some(404) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// The body of a request for a peering; the az script sends the same.
pub(crate) fn transit_gateway(new: &NewRequest) -> Value {
    let mapping =
        |dns: &DnsMapping| json!({ "remote_dns_server_ip_addresses": dns.servers, "domain_proxy_list": dns.domains });
    let mut body = json!({
        "name": new.name,
        "transit_gateway_attachment_config": {
            "kind": KIND,
            "tenant_id": new.tenant,
            "subscription_id": new.vnet.subscription,
            "resource_group_name": new.vnet.resource_group,
            "vnet_name": new.vnet.name,
        },
    });
    if !new.dns.is_empty() {
        body["dns_config"] = new.dns.iter().map(mapping).collect();
    }
    body
}

#[derive(Deserialize)]
struct KonnectPage<T> {
    #[serde(default)]
    meta: KonnectPageMeta,
    data: Vec<T>,
}

#[derive(Default, Deserialize)]
struct KonnectPageMeta {
    #[serde(default)]
    page: PageMeta,
}

#[derive(Default, Deserialize)]
struct PageMeta {
    #[serde(default)]
    total: Option<usize>,
}

#[derive(Deserialize)]
struct KonnectNetwork {
    id: String,
    name: String,
    #[serde(default)]
    region: String,
    #[serde(default)]
    cidr_block: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    cloud_gateway_provider_account_id: Option<String>,
}

/// Kong's account at a cloud: the only place that says on which cloud a network runs.
#[derive(Deserialize)]
struct ProviderAccount {
    id: String,
    #[serde(default)]
    provider: String,
}

impl KonnectNetwork {
    fn on(self, accounts: &[ProviderAccount]) -> VendorNetwork {
        let account = self.cloud_gateway_provider_account_id.as_deref();
        let account = accounts.iter().find(|known| account == Some(known.id.as_str()));
        VendorNetwork {
            ready: self.state == "ready",
            address_space: AddressSpace::from_texts([&self.cidr_block]),
            id: self.id,
            name: self.name,
            region: self.region,
            state: self.state,
            other_cloud: account.and_then(|account| other_than_azure(&account.provider)),
        }
    }
}

#[derive(Deserialize)]
struct TransitGateway {
    id: String,
    name: String,
    #[serde(default)]
    dns_config: Option<Vec<DnsConfig>>,
    transit_gateway_attachment_config: Value,
    #[serde(default)]
    state: String,
    #[serde(default)]
    state_metadata: Option<StateMetadata>,
}

#[derive(Deserialize)]
struct DnsConfig {
    remote_dns_server_ip_addresses: Vec<std::net::IpAddr>,
    domain_proxy_list: Vec<String>,
}

#[derive(Deserialize)]
struct StateMetadata {
    #[serde(default)]
    reason: Option<String>,
}

impl From<TransitGateway> for VendorRequest {
    fn from(gateway: TransitGateway) -> Self {
        let config = &gateway.transit_gateway_attachment_config;
        let text = |key: &str| config.get(key).and_then(Value::as_str);
        let vnet = || {
            let subscription = text("subscription_id")?.parse().ok()?;
            VnetId::new(subscription, text("resource_group_name")?, text("vnet_name")?).ok()
        };
        Self {
            attachment: config.clone(),
            tenant: text("tenant_id").and_then(|tenant| tenant.parse::<Uuid>().ok()),
            vnet: (text("kind") == Some(KIND)).then(vnet).flatten(),
            // Konnect never says; the peering that appears on the customer's network does.
            remote: None,
            own_app: None,
            phase: phase(&gateway.state),
            reason: gateway.state_metadata.and_then(|metadata| metadata.reason),
            dns: gateway
                .dns_config
                .unwrap_or_default()
                .into_iter()
                .map(|dns| DnsMapping {
                    domains: dns.domain_proxy_list,
                    servers: dns.remote_dns_server_ip_addresses,
                })
                .collect(),
            id: gateway.id,
            name: gateway.name,
            state: gateway.state,
        }
    }
}

/// An unknown state is taken for work in progress, and shown as it is.
fn phase(state: &str) -> RequestPhase {
    match state {
        "ready" => RequestPhase::Ready,
        "error" => RequestPhase::Failed,
        "pending-acceptance" | "pending-user-action" => RequestPhase::UserAction,
        "terminating" => RequestPhase::Leaving,
        "terminated" => RequestPhase::Gone,
        _ => RequestPhase::Pending,
    }
}

/// Konnect's `application/problem+json`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ProblemJson {
    title: String,
    detail: String,
    instance: Option<String>,
    invalid_parameters: Vec<InvalidParameter>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct InvalidParameter {
    field: String,
    reason: String,
}

fn refusal(reply: &ApiReply) -> ApiError {
    let problem: ProblemJson = serde_json::from_slice(&reply.body).unwrap_or_default();
    let parameters: Vec<String> = problem
        .invalid_parameters
        .iter()
        .map(|bad| format!("{}: {}", bad.field, bad.reason))
        .collect();
    let mut message = if problem.detail.is_empty() {
        format!("HTTP {}", reply.status)
    } else {
        problem.detail
    };
    if !parameters.is_empty() {
        message = format!("{message} ({})", parameters.join("; "));
    }
    let title = if problem.title.is_empty() {
        format!("HTTP {}", reply.status)
    } else {
        problem.title
    };
    ApiError {
        service: KONNECT,
        tried: reply.tried.clone(),
        failure: FailureKind::Refused {
            status: reply.status,
            // One name for one code: "Invalid Request" is KonnectInvalidRequest in the table of known codes.
            code: format!("Konnect{}", title.split_whitespace().collect::<String>()),
            message,
            details: Vec::new(),
            retry_after: None,
        },
        correlation_id: problem.instance,
        sign_in: Vec::new(),
        challenge: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_state_has_a_phase() {
        let table = [
            ("created", RequestPhase::Pending),
            ("initializing", RequestPhase::Pending),
            ("pending-acceptance", RequestPhase::UserAction),
            ("pending-user-action", RequestPhase::UserAction),
            ("ready", RequestPhase::Ready),
            ("error", RequestPhase::Failed),
            ("terminating", RequestPhase::Leaving),
            ("terminated", RequestPhase::Gone),
            ("something-new", RequestPhase::Pending),
        ];
        for (state, expected) in table {
            assert_eq!(phase(state), expected, "{state}");
        }
    }

    #[test]
    fn konnect_ignores_hub_and_other_clouds() {
        let gateway = |kind: &str| -> VendorRequest {
            serde_json::from_value::<TransitGateway>(json!({
                "id": "1", "name": "n", "state": "ready",
                "transit_gateway_attachment_config": {
                    "kind": kind, "tenant_id": Uuid::nil(), "subscription_id": Uuid::nil(),
                    "resource_group_name": "RG", "vnet_name": "vnet-app",
                },
            }))
            .expect("the documented shape")
            .into()
        };
        assert_eq!(gateway(KIND).vnet, VnetId::new(Uuid::nil(), "rg", "VNET-app").ok());
        assert_eq!(gateway("azure-vhub-peering-attachment").vnet, None);
    }
}
