//! Peerings one by one: reading, writing and deleting a direction (Microsoft.Network, API version 2024-03-01).

use serde_json::Value;

use super::call::ApiCall;
use super::client::AzureClient;
use super::error::{ApiError, AzureService};
use super::mgmt_adapter;
use super::network::{ABSENT, API_VERSION};
use super::operation::WriteKind;
use super::peering_body::{NewPeering, PeeringBody};
use crate::domain::PeeringId;

impl AzureClient {
    /// One direction of a peering; `None` where there is none, or no such virtual network.
    ///
    /// # Errors
    /// When it cannot be read; a missing subscription is an error.
    pub async fn peering(&self, id: &PeeringId) -> Result<Option<PeeringBody>, ApiError> {
        mgmt_adapter::or_absent(self.read_peering(id).await, &ABSENT)
    }

    /// Creates a peering or replaces its settings, and waits until Azure is done with it. Its state is `Initiated` until
    /// the other direction exists too.
    ///
    /// # Errors
    /// When Azure refuses, at once (`VnetAddressSpacesOverlap`, `LinkedAuthorizationFailed`,
    /// `RemotePeeringIsDisconnected`, `ReferencedResourceNotProvisioned`, …) or in the end (`Canceled` with the reason
    /// in its details, …).
    pub async fn put_peering(&self, id: &PeeringId, wanted: &NewPeering) -> Result<(), ApiError> {
        self.write_peering(id, wanted, false).await
    }

    /// As [`AzureClient::put_peering`], and takes over the address space that the remote network has now
    /// (`syncRemoteAddressSpace`). It belongs on the side whose level is `LocalNotInSync`.
    ///
    /// # Errors
    /// As [`AzureClient::put_peering`].
    pub async fn sync_peering(&self, id: &PeeringId, wanted: &NewPeering) -> Result<(), ApiError> {
        self.write_peering(id, wanted, true).await
    }

    /// Deletes a peering and waits until it is gone; one that is gone already is fine. The other direction stays, as
    /// `Disconnected`.
    ///
    /// # Errors
    /// When Azure refuses, at once or in the end.
    pub async fn delete_peering(&self, id: &PeeringId) -> Result<(), ApiError> {
        let tried = format!("DELETE {id}");
        let client = self.network().virtual_network_peerings_client();
        let vnet = &id.vnet;
        let request = client.delete(
            &vnet.resource_group,
            &vnet.name,
            &id.name,
            vnet.subscription.to_string(),
        );
        let sent = request
            .send()
            .await
            .map_err(|error| mgmt_adapter::error(&error, &tried));
        let Some(answer) = mgmt_adapter::or_absent(sent, &ABSENT)? else {
            return Ok(());
        };
        let written = mgmt_adapter::reply(answer.into_raw_response(), &tried).await?;
        self.finished(written, self.peering_url(id), WriteKind::Delete).await
    }

    async fn write_peering(&self, id: &PeeringId, wanted: &NewPeering, sync: bool) -> Result<(), ApiError> {
        let query = [("api-version", API_VERSION), ("syncRemoteAddressSpace", "true")];
        let url = self.arm_url(&id.to_string(), if sync { &query } else { &query[..1] });
        let written = self.send(ApiCall::put(AzureService::Arm, url).json(wanted)).await?;
        self.finished(written, self.peering_url(id), WriteKind::Put).await
    }

    async fn read_peering(&self, id: &PeeringId) -> Result<PeeringBody, ApiError> {
        let body: Value = self
            .send(ApiCall::get(AzureService::Arm, self.peering_url(id)))
            .await?
            .json()?;
        Ok(PeeringBody::read(id.clone(), &body))
    }

    fn peering_url(&self, id: &PeeringId) -> url::Url {
        self.arm_url(&id.to_string(), &[("api-version", API_VERSION)])
    }
}

#[cfg(test)]
#[path = "peerings_tests.rs"]
mod tests;
