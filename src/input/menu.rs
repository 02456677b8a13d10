//! The rows of the menus: a name, and beside it what tells it from its neighbours.

use crate::azure::{ListedVnet, Subscription};
use crate::ui::{Row, Rows};
use crate::vendors::{Profile, VendorNetwork};

/// Vendors.
pub fn vendors(profiles: &[Profile]) -> Rows {
    Rows::of(
        profiles
            .iter()
            .map(|profile| Row::new([&profile.name, &profile.product])),
    )
}

/// What stands above several subscriptions: who knows the network need not know where it is.
pub fn everywhere() -> Row {
    Row::new(["All subscriptions", "(search their networks)"])
}

/// A subscription.
pub fn subscription(one: &Subscription) -> Row {
    let state = if one.state == "Enabled" { "" } else { &one.state };
    Row::new([one.name.as_str(), &one.id.to_string(), state])
}

/// The column of a network's subscription, where there is one.
pub const SUBSCRIPTION: usize = 1;

/// A virtual network: the name of its subscription where they are of several, address space, region and resource group.
pub fn vnet(vnet: &ListedVnet, subscription: Option<&str>) -> Row {
    let name = [vnet.id.name.as_str()].into_iter().chain(subscription);
    let address_space = vnet.address_space.to_string();
    Row::new(name.chain([&address_space, vnet.location.as_str(), &vnet.id.resource_group]))
}

/// The vendor's networks, with address space, region and, where they are not ready, their state.
pub fn networks(networks: &[VendorNetwork]) -> Rows {
    Rows::of(networks.iter().map(|network| {
        Row::new([
            network.name.as_str(),
            &network.address_space.to_string(),
            &network.region,
            &network.state,
        ])
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_its_subscription_a_network_is_as_one_of_that_subscription() {
        let listed = ListedVnet {
            id: "/subscriptions/11d0b6a2-64a6-4f0b-8d2e-3a5f70c91e01/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v1"
                .parse()
                .expect("an id"),
            location: "westus".to_owned(),
            address_space: crate::domain::AddressSpace::default(),
        };
        let cells = |row: &Row| row.cells().map(str::to_owned).collect::<Vec<_>>();
        let mut among_all = cells(&vnet(&listed, Some("Contoso")));
        assert_eq!(among_all.remove(SUBSCRIPTION), "Contoso");
        assert_eq!(among_all, cells(&vnet(&listed, None)));
    }
}
