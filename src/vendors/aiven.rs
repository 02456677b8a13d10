//! Aiven's API (v1): project VPCs, and the peering connections in them.

use async_trait::async_trait;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::Url;
use uuid::Uuid;

use super::connector::{
    NewRequest, RemoteNetwork, RequestPhase, VendorConnector, VendorNetwork, VendorRequest, other_than_azure,
};
use crate::azure::{ApiCall, ApiError, ApiReply, AzureService, RequestSender};
use crate::domain::{AddressSpace, VnetId};

const AIVEN: AzureService = AzureService::Vendor("Aiven");

/// A client of one Aiven project. Its networks are the project's VPCs.
pub struct AivenConnector {
    base: Url,
    token: SecretString,
    wire: RequestSender,
    project: String,
}

impl AivenConnector {
    /// `base` is the API's address without path (`https://api.aiven.io`).
    pub fn new(base: Url, token: SecretString, wire: RequestSender, project: String) -> Self {
        Self {
            base,
            token,
            wire,
            project,
        }
    }

    fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear()
                .extend(["v1", "project", &self.project, "vpcs"])
                .extend(segments);
        }
        url
    }

    async fn send(&self, call: ApiCall) -> Result<ApiReply, ApiError> {
        self.wire
            .send(call.authorization("aivenv1", &self.token))
            .await?
            .accepted()
    }

    async fn vpc(&self, id: &str) -> Result<AivenVpc, ApiError> {
        self.send(ApiCall::get(AIVEN, self.url(&[id]))).await?.json()
    }
}

#[async_trait]
impl VendorConnector for AivenConnector {
    async fn networks(&self) -> Result<Vec<VendorNetwork>, ApiError> {
        let list: AivenVpcs = self.send(ApiCall::get(AIVEN, self.url(&[]))).await?.json()?;
        Ok(list.vpcs.into_iter().map(VendorNetwork::from).collect())
    }

    async fn requests(&self, network: &str) -> Result<Vec<VendorRequest>, ApiError> {
        Ok(self
            .vpc(network)
            .await?
            .peering_connections
            .into_iter()
            .map(VendorRequest::from)
            .collect())
    }

    /// There is no call for one connection: the VPC lists them all. Its id here is `subscription/group/network`, by
    /// which Aiven deletes it too.
    async fn request(&self, network: &str, id: &str) -> Result<Option<VendorRequest>, ApiError> {
        Ok(self
            .requests(network)
            .await?
            .into_iter()
            .find(|request| request.id == id))
    }

    async fn create(&self, network: &str, new: &NewRequest) -> Result<VendorRequest, ApiError> {
        let call = ApiCall::post(AIVEN, self.url(&[network, "peering-connections"])).json(&peering_connection(new));
        Ok(self.send(call).await?.json::<AivenConnection>()?.into())
    }

    async fn delete(&self, network: &str, id: &str) -> Result<(), ApiError> {
        let parts: Vec<&str> = id.split('/').collect();
        let [account, group, vpc] = parts.as_slice() else {
            return Ok(());
        };
        let path = [
            "peering-connections",
            "peer-accounts",
            account,
            "peer-resource-groups",
            group,
            "peer-vpcs",
            vpc,
        ];
        let segments: Vec<&str> = std::iter::once(network).chain(path).collect();
        match self.send(ApiCall::delete(AIVEN, self.url(&segments))).await {
            Err(error) if error.status() != Some(404) => Err(error),
            _ => Ok(()),
        }
    }
}

/// The body of a request for a peering; the az script sends the same.
pub(crate) fn peering_connection(new: &NewRequest) -> Value {
    // Aiven compares names as they are and wants them in lower case.
    json!({
        "peer_cloud_account": new.vnet.subscription.to_string().to_lowercase(),
        "peer_resource_group": new.vnet.resource_group.to_lowercase(),
        "peer_vpc": new.vnet.name.to_lowercase(),
        "peer_azure_app_id": new.own_app,
        "peer_azure_tenant_id": new.tenant,
    })
}

#[derive(Deserialize)]
struct AivenVpcs {
    vpcs: Vec<AivenVpc>,
}

#[derive(Deserialize)]
struct AivenVpc {
    project_vpc_id: String,
    #[serde(default)]
    cloud_name: String,
    #[serde(default)]
    network_cidr: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    peering_connections: Vec<AivenConnection>,
}

impl From<AivenVpc> for VendorNetwork {
    fn from(vpc: AivenVpc) -> Self {
        let (cloud, region) = vpc.cloud_name.split_once('-').unwrap_or(("", &vpc.cloud_name));
        Self {
            other_cloud: other_than_azure(cloud),
            // A VPC has no name; the cloud and the block tell it from its neighbours.
            name: vpc.project_vpc_id.clone(),
            id: vpc.project_vpc_id,
            region: region.to_owned(),
            address_space: AddressSpace::from_texts([&vpc.network_cidr]),
            ready: vpc.state == "ACTIVE",
            state: vpc.state,
        }
    }
}

#[derive(Deserialize)]
struct AivenConnection {
    #[serde(default)]
    peer_cloud_account: String,
    #[serde(default)]
    peer_resource_group: Option<String>,
    #[serde(default)]
    peer_vpc: String,
    #[serde(default)]
    peer_azure_tenant_id: Option<Uuid>,
    #[serde(default)]
    peer_azure_app_id: Option<Uuid>,
    state: String,
    #[serde(default)]
    state_info: Option<Map<String, Value>>,
}

impl From<AivenConnection> for VendorRequest {
    fn from(connection: AivenConnection) -> Self {
        let group = connection.peer_resource_group.unwrap_or_default();
        let info = |key: &str| {
            connection
                .state_info
                .as_ref()
                .and_then(|info| info.get(key))
                .and_then(Value::as_str)
        };
        let subscription = connection.peer_cloud_account.parse().ok();
        let remote = info("to-tenant-id").zip(info("to-network-id"));
        Self {
            id: format!("{}/{group}/{}", connection.peer_cloud_account, connection.peer_vpc),
            name: connection.peer_vpc.clone(),
            tenant: connection.peer_azure_tenant_id,
            vnet: subscription.and_then(|id| VnetId::new(id, &group, &connection.peer_vpc).ok()),
            remote: remote.and_then(|(tenant, vnet)| {
                Some(RemoteNetwork {
                    tenant: tenant.parse().ok()?,
                    vnet: vnet.parse().ok()?,
                })
            }),
            phase: phase(&connection.state),
            reason: info("message").map(str::to_owned),
            state: connection.state,
            own_app: connection.peer_azure_app_id,
            dns: Vec::new(),
            attachment: Value::Null,
        }
    }
}

/// An unknown state is taken for work in progress, and shown as it is.
fn phase(state: &str) -> RequestPhase {
    match state {
        "ACTIVE" => RequestPhase::Ready,
        "PENDING_PEER" => RequestPhase::UserAction,
        "INVALID_SPECIFICATION" | "REJECTED_BY_PEER" | "ERROR" | "DELETED_BY_PEER" => RequestPhase::Failed,
        "DELETING" => RequestPhase::Leaving,
        "DELETED" => RequestPhase::Gone,
        _ => RequestPhase::Pending,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_state_has_a_phase() {
        let table = [
            ("APPROVED", RequestPhase::Pending),
            ("APPROVED_PEER_REQUESTED", RequestPhase::Pending),
            ("PENDING_PEER", RequestPhase::UserAction),
            ("ACTIVE", RequestPhase::Ready),
            ("INVALID_SPECIFICATION", RequestPhase::Failed),
            ("REJECTED_BY_PEER", RequestPhase::Failed),
            ("DELETED_BY_PEER", RequestPhase::Failed),
            ("ERROR", RequestPhase::Failed),
            ("DELETING", RequestPhase::Leaving),
            ("DELETED", RequestPhase::Gone),
            ("SOMETHING_NEW", RequestPhase::Pending),
        ];
        for (state, expected) in table {
            assert_eq!(phase(state), expected, "{state}");
        }
    }

    #[test]
    fn aiven_pending_peer_names_remote_network() {
        let network = "/subscriptions/44444444-4444-4444-8444-444444444444/resourceGroups/a/providers/Microsoft.Network/virtualNetworks/aiven-vnet";
        let request: VendorRequest = serde_json::from_value::<AivenConnection>(json!({
            "peer_cloud_account": "22222222-2222-4222-8222-222222222222", "peer_vpc": "vnet-app",
            "peer_resource_group": "rg-net", "peer_azure_tenant_id": "11111111-1111-4111-8111-111111111111",
            "state": "PENDING_PEER",
            "state_info": { "message": "m", "type": "pending-peer",
                "to-tenant-id": "55555555-5555-4555-8555-555555555555", "to-network-id": network },
        }))
        .expect("the documented shape")
        .into();
        assert_eq!(request.id, "22222222-2222-4222-8222-222222222222/rg-net/vnet-app");
        assert_eq!(
            request.remote.expect("both are there").vnet,
            network.parse().expect("an id")
        );
    }
}
