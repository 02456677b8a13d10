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

/// Subscriptions.
pub fn subscriptions(subscriptions: &[Subscription]) -> Rows {
    let row = |one: &Subscription| {
        let state = if one.state == "Enabled" {
            String::new()
        } else {
            one.state.clone()
        };
        Row::new([one.name.clone(), one.id.to_string(), state])
    };
    Rows::of(subscriptions.iter().map(row))
}

/// Virtual networks, with address spaces, region and resource group.
pub fn vnets(vnets: &[ListedVnet]) -> Rows {
    let row = |vnet: &ListedVnet| {
        Row::new([
            vnet.id.name.clone(),
            vnet.address_space.to_string(),
            vnet.location.clone(),
            vnet.id.resource_group.clone(),
        ])
    };
    Rows::of(vnets.iter().map(row))
}

/// The vendor's networks, with address space, region and, where they are not ready, their state.
pub fn networks(networks: &[VendorNetwork]) -> Rows {
    let row = |network: &VendorNetwork| {
        Row::new([
            network.name.clone(),
            network.address_space.to_string(),
            network.region.clone(),
            network.state.clone(),
        ])
    };
    Rows::of(networks.iter().map(row))
}
