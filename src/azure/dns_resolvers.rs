//! Private DNS resolvers and their inbound endpoints (Microsoft.Network/dnsResolvers, API version 2022-07-01).

use std::net::IpAddr;

use futures::future::try_join_all;
use serde::Deserialize;

use super::client::AzureClient;
use super::error::{ApiError, AzureService};
use super::nsg::resource;
use crate::domain::VnetId;

const API_VERSION: &str = "2022-07-01";

/// An address in a virtual network at which its private resolver answers DNS queries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboundEndpoint {
    pub name: String,
    /// The name of its resolver.
    pub resolver: String,
    pub address: IpAddr,
    /// The name of its subnet.
    pub subnet: String,
}

#[derive(Deserialize)]
struct ShownResolver {
    id: String,
    properties: ResolverProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResolverProperties {
    virtual_network: ResourceReference,
}

#[derive(Deserialize)]
struct ResourceReference {
    id: String,
}

#[derive(Deserialize)]
struct ShownEndpoint {
    name: String,
    properties: EndpointProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EndpointProperties {
    #[serde(default)]
    ip_configurations: Vec<IpConfiguration>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IpConfiguration {
    /// Absent as long as Azure has not chosen one.
    private_ip_address: Option<String>,
    subnet: ResourceReference,
}

impl AzureClient {
    /// The inbound endpoints of the virtual network's private resolvers, as far as this identity may read them.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn inbound_endpoints(&self, vnet: &VnetId) -> Result<Vec<InboundEndpoint>, ApiError> {
        let whole = vnet.subscription_scope();
        let resolvers = match self.resolvers(&whole).await {
            Err(error) if error.status() == Some(403) => {
                let group = format!("{whole}/resourceGroups/{}", vnet.resource_group);
                self.resolvers(&group).await?
            }
            resolvers => resolvers?,
        };
        let id = vnet.to_string();
        let own = resolvers
            .iter()
            .filter(|resolver| resolver.properties.virtual_network.id.eq_ignore_ascii_case(&id));
        let endpoints = try_join_all(own.map(|resolver| self.endpoints_of(&resolver.id))).await?;
        Ok(endpoints.into_iter().flatten().collect())
    }

    async fn resolvers(&self, scope: &str) -> Result<Vec<ShownResolver>, ApiError> {
        let path = format!("{scope}/providers/Microsoft.Network/dnsResolvers");
        self.list(AzureService::Arm, self.arm_url(&path, &[("api-version", API_VERSION)]))
            .await
    }

    async fn endpoints_of(&self, id: &str) -> Result<Vec<InboundEndpoint>, ApiError> {
        let Some((subscription, group, resolver)) = resource(id, "dnsResolvers") else {
            return Ok(Vec::new());
        };
        let path = format!(
            "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/dnsResolvers/{resolver}/\
             inboundEndpoints"
        );
        let url = self.arm_url(&path, &[("api-version", API_VERSION)]);
        let shown: Vec<ShownEndpoint> = self.list(AzureService::Arm, url).await?;
        let endpoints = shown.into_iter().flat_map(|shown| {
            let (name, resolver) = (shown.name, resolver.clone());
            let configurations = shown.properties.ip_configurations.into_iter();
            configurations.filter_map(move |configuration| {
                Some(InboundEndpoint {
                    name: name.clone(),
                    resolver: resolver.clone(),
                    address: configuration.private_ip_address?.parse().ok()?,
                    subnet: configuration.subnet.id.rsplit('/').next()?.to_owned(),
                })
            })
        });
        Ok(endpoints.collect())
    }
}
