//! Network security groups: what may pass in front of a subnet (Microsoft.Network, API version 2024-03-01).

use azure_mgmt_network::package_2024_03::models;

use super::client::AzureClient;
use super::error::{ApiError, AzureService, FailureKind};
use super::mgmt_adapter;
use super::model::{NetworkSecurityGroup, NsgRule};
use super::network::{ABSENT, word};
use crate::domain::{SubscriptionId, check_group, check_peering};

impl AzureClient {
    /// The network security group with this resource id; `None` where there is none.
    ///
    /// # Errors
    /// When it cannot be read, or the id is not one of a network security group.
    pub async fn network_security_group(&self, id: &str) -> Result<Option<NetworkSecurityGroup>, ApiError> {
        let tried = format!("GET {id}");
        let Some((subscription, group, name)) = resource(id, "networkSecurityGroups") else {
            return Err(ApiError {
                service: AzureService::Arm,
                tried,
                failure: FailureKind::Unreadable {
                    status: 200,
                    why: format!("'{id}' is not the ID of a network security group"),
                },
                correlation_id: None,
                sign_in: Vec::new(),
                challenge: None,
            });
        };
        let client = self.network().network_security_groups_client();
        let request = client.get(group, &name, subscription.to_string());
        let result = request.await.map_err(|error| mgmt_adapter::error(&error, &tried));
        Ok(mgmt_adapter::or_absent(result, &ABSENT)?.map(|shown| convert(id, name, shown)))
    }

    /// The network security groups of a resource group that this identity may read.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn network_security_groups(
        &self,
        subscription: SubscriptionId,
        group: &str,
    ) -> Result<Vec<NetworkSecurityGroup>, ApiError> {
        let tried = format!(
            "GET /subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/networkSecurityGroups"
        );
        let client = self.network().network_security_groups_client();
        let request = client.list(group, subscription.to_string());
        let pages = mgmt_adapter::pages(request.into_stream(), &tried).await?;
        let groups = pages.into_iter().flat_map(|page| page.value);
        let named = groups.filter_map(|shown| Some((shown.resource.id.clone()?, shown)));
        let group = |(id, shown): (String, _)| Some(convert(&id, resource(&id, "networkSecurityGroups")?.2, shown));
        Ok(named.filter_map(group).collect())
    }
}

/// Subscription, resource group and name of a resource of the network service, checked before they reach a URL.
pub(super) fn resource(id: &str, wanted: &str) -> Option<(SubscriptionId, String, String)> {
    let parts: Vec<&str> = id.split('/').collect();
    let [
        "",
        subscriptions,
        subscription,
        groups,
        group,
        providers,
        provider,
        kind,
        name,
    ] = parts[..]
    else {
        return None;
    };
    let words = [
        (subscriptions, "subscriptions"),
        (groups, "resourceGroups"),
        (providers, "providers"),
        (provider, "Microsoft.Network"),
        (kind, wanted),
    ];
    if !words.iter().all(|(given, word)| given.eq_ignore_ascii_case(word)) {
        return None;
    }
    // Names of network security groups and route tables follow the same rules as those of peerings.
    let name = check_peering(name).ok()?;
    Some((subscription.parse().ok()?, check_group(group).ok()?, name))
}

fn convert(id: &str, name: String, shown: models::NetworkSecurityGroup) -> NetworkSecurityGroup {
    let properties = shown.properties.unwrap_or_default();
    let rules = properties
        .security_rules
        .into_iter()
        .chain(properties.default_security_rules);
    let mut rules: Vec<NsgRule> = rules.filter_map(convert_rule).collect();
    rules.sort_by_key(|rule| rule.priority);
    NetworkSecurityGroup {
        id: id.to_owned(),
        name,
        rules,
    }
}

fn convert_rule(rule: models::SecurityRule) -> Option<NsgRule> {
    let properties = rule.properties?;
    Some(NsgRule {
        name: rule.name.unwrap_or_default(),
        priority: properties.priority.try_into().ok()?,
        inbound: word(Some(&properties.direction)).eq_ignore_ascii_case("Inbound"),
        allow: word(Some(&properties.access)).eq_ignore_ascii_case("Allow"),
        protocol: word(Some(&properties.protocol)),
        sources: merged(
            properties.source_address_prefix,
            properties.source_address_prefixes,
            properties.source_application_security_groups,
        ),
        destinations: merged(
            properties.destination_address_prefix,
            properties.destination_address_prefixes,
            properties.destination_application_security_groups,
        ),
        destination_ports: merged(
            properties.destination_port_range,
            properties.destination_port_ranges,
            Vec::new(),
        ),
    })
}

/// The one value, the several and the application security groups: Azure fills one of the three fields.
fn merged(one: Option<String>, several: Vec<String>, groups: Vec<models::ApplicationSecurityGroup>) -> Vec<String> {
    let one = one.filter(|value| !value.is_empty());
    let groups = groups.into_iter().filter_map(|group| group.resource.id);
    one.into_iter().chain(several).chain(groups).collect()
}

#[cfg(test)]
#[path = "nsg_tests.rs"]
mod tests;
