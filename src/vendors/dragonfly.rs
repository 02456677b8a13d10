//! Dragonfly Cloud's API (v1): private networks, and the connections to them.

use async_trait::async_trait;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use super::connector::{
    NewRequest, RemoteNetwork, RequestPhase, VendorConnector, VendorNetwork, VendorRequest, other_than_azure,
};
use crate::azure::{ApiCall, ApiError, ApiReply, AzureService, RequestSender};
use crate::domain::{AddressSpace, TenantId, VnetId};

const DRAGONFLY: AzureService = AzureService::Vendor("Dragonfly Cloud");

/// A client of one Dragonfly Cloud account.
pub struct DragonflyConnector {
    base: Url,
    token: SecretString,
    wire: RequestSender,
    /// Dragonfly's tenant, which its API does not say.
    tenant: Option<TenantId>,
}

impl DragonflyConnector {
    /// `base` is the API's address without path (`https://api.dragonflydb.cloud`).
    pub fn new(base: Url, token: SecretString, wire: RequestSender, tenant: Option<TenantId>) -> Self {
        Self {
            base,
            token,
            wire,
            tenant,
        }
    }

    fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().push("v1").extend(segments);
        }
        url
    }

    async fn send(&self, call: ApiCall) -> Result<ApiReply, ApiError> {
        self.wire.send(call.bearer(&self.token)).await?.accepted()
    }

    async fn network(&self, id: &str) -> Result<DragonflyNetwork, ApiError> {
        self.send(ApiCall::get(DRAGONFLY, self.url(&["networks", id])))
            .await?
            .json()
    }

    /// A connection names its network by id alone; the network says where it lies in Azure.
    fn known(&self, network: &DragonflyNetwork, connection: DragonflyConnection) -> VendorRequest {
        let mut request = VendorRequest::from(connection);
        request.remote = self
            .tenant
            .zip(network.vnet())
            .map(|(tenant, vnet)| RemoteNetwork { tenant, vnet });
        request
    }
}

#[async_trait]
impl VendorConnector for DragonflyConnector {
    async fn networks(&self) -> Result<Vec<VendorNetwork>, ApiError> {
        let networks: Vec<DragonflyNetwork> = self
            .send(ApiCall::get(DRAGONFLY, self.url(&["networks"])))
            .await?
            .json()?;
        Ok(networks.into_iter().map(VendorNetwork::from).collect())
    }

    async fn requests(&self, network: &str) -> Result<Vec<VendorRequest>, ApiError> {
        let list = async {
            self.send(ApiCall::get(DRAGONFLY, self.url(&["connections"])))
                .await?
                .json::<Vec<DragonflyConnection>>()
        };
        let (connections, known) = tokio::try_join!(list, self.network(network))?;
        let ours = connections
            .into_iter()
            .filter(|one| one.connection_config.network_id == network);
        Ok(ours.map(|connection| self.known(&known, connection)).collect())
    }

    async fn request(&self, network: &str, id: &str) -> Result<Option<VendorRequest>, ApiError> {
        let one = async {
            self.send(ApiCall::get(DRAGONFLY, self.url(&["connections", id])))
                .await?
                .json::<DragonflyConnection>()
        };
        match tokio::try_join!(one, self.network(network)) {
            Ok((connection, known)) => Ok(Some(self.known(&known, connection))),
            Err(error) if error.status() == Some(404) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn create(&self, network: &str, new: &NewRequest) -> Result<VendorRequest, ApiError> {
        let call = ApiCall::post(DRAGONFLY, self.url(&["connections"])).json(&connection(network, new));
        // Where the network lies is told when the connection is read.
        Ok(self.send(call).await?.json::<DragonflyConnection>()?.into())
    }

    async fn delete(&self, _network: &str, id: &str) -> Result<(), ApiError> {
        match self
            .send(ApiCall::delete(DRAGONFLY, self.url(&["connections", id])))
            .await
        {
            Err(error) if error.status() != Some(404) => Err(error),
            _ => Ok(()),
        }
    }
}

/// The body of a request for a peering; the az script sends the same. `cidr_block` is one IPv4 prefix, never an IPv6 one;
/// the dfcloud provider always sends an empty text.
pub(crate) fn connection(network: &str, new: &NewRequest) -> Value {
    let ipv4 = new.address_space.0.iter().find(|prefix| prefix.addr().is_ipv4());
    let ipv4 = ipv4.map(ToString::to_string).unwrap_or_default();
    json!({
        "name": new.name,
        "network_id": network,
        "peer": {
            "account_id": new.vnet.subscription,
            "cidr_block": ipv4,
            "vpc_id": new.vnet.name,
            "region": new.location,
            "azure": {
                "resource_group": new.vnet.resource_group,
                "tenant_id": new.tenant,
                // Called an object id; what Dragonfly's own documentation has pasted there is the client id.
                "app_object_id": new.own_app,
                "use_remote_gateways": false,
            },
        },
    })
}

#[derive(Deserialize)]
struct DragonflyNetwork {
    network_id: String,
    name: String,
    #[serde(default)]
    location: CloudLocation,
    #[serde(default)]
    cidr_block: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    vpc: Option<DragonflyVpc>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CloudLocation {
    provider: String,
    region: String,
}

#[derive(Deserialize)]
struct DragonflyVpc {
    #[serde(default)]
    resource_id: String,
    #[serde(default)]
    account_id: String,
}

impl DragonflyNetwork {
    /// The account id has the form `/subscriptions/…/resourceGroups/…`; the resource id is the network's name there.
    fn vnet(&self) -> Option<VnetId> {
        let vpc = self.vpc.as_ref()?;
        format!(
            "{}/providers/Microsoft.Network/virtualNetworks/{}",
            vpc.account_id, vpc.resource_id
        )
        .parse()
        .ok()
    }
}

impl From<DragonflyNetwork> for VendorNetwork {
    fn from(network: DragonflyNetwork) -> Self {
        Self {
            other_cloud: other_than_azure(&network.location.provider),
            address_space: AddressSpace::from_texts([&network.cidr_block]),
            ready: network.status == "active",
            id: network.network_id,
            name: network.name,
            region: network.location.region,
            state: network.status,
        }
    }
}

#[derive(Deserialize)]
struct DragonflyConnection {
    connection_id: String,
    status: String,
    #[serde(default)]
    status_detail: Option<String>,
    connection_config: PeeringConfig,
}

#[derive(Deserialize)]
struct PeeringConfig {
    #[serde(default)]
    name: String,
    network_id: String,
    #[serde(default)]
    peer: Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PeerNetwork {
    account_id: String,
    vpc_id: String,
    azure: Option<AzurePeer>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AzurePeer {
    resource_group: String,
    tenant_id: Option<String>,
    app_object_id: Option<String>,
}

impl From<DragonflyConnection> for VendorRequest {
    fn from(connection: DragonflyConnection) -> Self {
        let PeeringConfig {
            name, peer: attachment, ..
        } = connection.connection_config;
        // What cannot be read is for another network than ours.
        let peer = PeerNetwork::deserialize(&attachment).unwrap_or_default();
        let azure = peer.azure.unwrap_or_default();
        let own_app = azure.app_object_id.and_then(|id| id.parse().ok());
        let subscription = peer.account_id.parse::<Uuid>().ok();
        Self {
            id: connection.connection_id,
            name,
            tenant: azure.tenant_id.and_then(|tenant| tenant.parse().ok()),
            vnet: subscription.and_then(|id| VnetId::new(id, &azure.resource_group, &peer.vpc_id).ok()),
            remote: None,
            phase: phase(&connection.status),
            reason: connection.status_detail,
            state: connection.status,
            own_app,
            attachment,
            dns: Vec::new(),
        }
    }
}

/// An unknown status is taken for work in progress, and shown as it is.
fn phase(status: &str) -> RequestPhase {
    match status {
        "active" => RequestPhase::Ready,
        "inactive" => RequestPhase::UserAction,
        "failed" | "irrecoverable" => RequestPhase::Failed,
        "deleting" => RequestPhase::Leaving,
        "deleted" => RequestPhase::Gone,
        _ => RequestPhase::Pending,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_status_has_a_phase() {
        let table = [
            ("pending", RequestPhase::Pending),
            ("inactive", RequestPhase::UserAction),
            ("active", RequestPhase::Ready),
            ("irrecoverable", RequestPhase::Failed),
            ("failed", RequestPhase::Failed),
            ("deleting", RequestPhase::Leaving),
            ("deleted", RequestPhase::Gone),
            ("something-new", RequestPhase::Pending),
        ];
        for (status, expected) in table {
            assert_eq!(phase(status), expected, "{status}");
        }
    }

    #[test]
    fn dragonfly_cidr_is_first_ipv4_prefix() {
        let sent = |prefixes: &[&str]| {
            let new = NewRequest {
                name: "vnet-app".into(),
                tenant: Uuid::nil(),
                vnet: VnetId::new(Uuid::nil(), "rg-net", "vnet-app").expect("good names"),
                location: "eastus2".into(),
                address_space: AddressSpace::from_texts(prefixes),
                own_app: None,
                dns: Vec::new(),
            };
            connection("net_123", &new)["peer"]["cidr_block"].clone()
        };
        assert_eq!(
            sent(&["fd00:db8:deca::/48", "10.60.0.0/16", "10.61.0.0/16"]),
            "10.60.0.0/16"
        );
        assert_eq!(sent(&["fd00:db8:deca::/48"]), "");
    }

    #[test]
    fn dragonfly_network_id_joins_account_resource() {
        let network: DragonflyNetwork = serde_json::from_value(json!({
            "network_id": "net_123", "name": "prod-net", "status": "active", "cidr_block": "192.168.0.0/16",
            "location": { "provider": "azure", "region": "eastus" },
            "vpc": { "resource_id": "dfcloud-vnet-1",
                "account_id": "/subscriptions/44444444-4444-4444-8444-444444444444/resourceGroups/dfcloud-rg-1" },
        }))
        .expect("the documented shape");
        assert_eq!(network.vnet().expect("an id").name, "dfcloud-vnet-1");
    }
}
