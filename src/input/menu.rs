//! The rows of the menus: a name, and beside it what tells it from its neighbours.

use crate::azure::{ListedVnet, SubscriptionInfo};
use crate::domain::AddressSpace;
use crate::ui::{ListItem, ListItems};
use crate::vendors::{VendorNetwork, VendorProfile};

/// Vendors.
pub fn vendors(profiles: &[VendorProfile]) -> ListItems {
    ListItems::of(
        profiles
            .iter()
            .map(|profile| ListItem::new([&profile.name, &profile.product])),
    )
    .headed(["Vendor", "Product"])
}

/// Returns the row above several subscriptions, for a person who knows the network but not its subscription.
pub fn everywhere() -> ListItem {
    ListItem::new(["All subscriptions", "search their networks"])
}

/// A subscription.
pub fn subscription(one: &SubscriptionInfo) -> ListItem {
    let state = if one.state == "Enabled" { "" } else { &one.state };
    ListItem::new([one.name.as_str(), &one.id.to_string(), state])
}

/// Column headings for subscriptions.
pub const SUBSCRIPTIONS: [&str; 3] = ["Subscription", "ID", "State"];

/// The column of a network's subscription, where there is one.
pub const SUBSCRIPTION: usize = 2;

/// Returns the column headings for virtual networks.
pub fn vnets(of_several: bool) -> impl Iterator<Item = &'static str> {
    let subscription = of_several.then_some("Subscription");
    ["Network", "Resource group"]
        .into_iter()
        .chain(subscription)
        .chain(["Region", "Addresses"])
}

/// A virtual network: what tells it from its neighbours first, because a narrow screen has no room for the rest. Its
/// resource group, the name of its subscription where they are of several, region and address space.
pub fn vnet(vnet: &ListedVnet, subscription: Option<&str>) -> ListItem {
    let name = [vnet.id.name.as_str(), &vnet.id.resource_group]
        .into_iter()
        .chain(subscription);
    let address_space = vnet.address_space.to_string();
    ListItem::new(name.chain([vnet.location.as_str(), &address_space]))
}

/// The columns of DNS servers.
pub const DNS_SERVERS: [&str; 3] = ["Address", "What", "Subnet"];

/// Column headings for a vendor's networks.
pub const NETWORKS: [&str; 5] = ["Network", "Addresses", "Region", "State", ""];

/// The vendor's networks, with address space, region and, where they are not ready, their state; and whether they share
/// addresses with `ours`, as far as that is known.
pub fn networks(networks: &[VendorNetwork], ours: Option<&AddressSpace>) -> Vec<ListItem> {
    let row = |network: &VendorNetwork| {
        let overlaps = ours.is_some_and(|ours| !ours.overlaps(&network.address_space).is_empty());
        ListItem::new([
            network.name.as_str(),
            &network.address_space.to_string(),
            &network.region,
            &network.state,
            if overlaps { "overlaps your network" } else { "" },
        ])
    };
    networks.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn menu_network_equal_without_subscription() {
        let listed = ListedVnet {
            id: "/subscriptions/11d0b6a2-64a6-4f0b-8d2e-3a5f70c91e01/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v1"
                .parse()
                .expect("an id"),
            location: "westus".to_owned(),
            address_space: crate::domain::AddressSpace::default(),
        };
        let cells = |row: &ListItem| row.cells().map(str::to_owned).collect::<Vec<_>>();
        let mut among_all = cells(&vnet(&listed, Some("Contoso")));
        assert_eq!(among_all.remove(SUBSCRIPTION), "Contoso");
        assert_eq!(among_all, cells(&vnet(&listed, None)));
    }
}
