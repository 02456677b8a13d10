//! The lines of the menus: a name, and beside it what tells it from its neighbours.

use crate::azure::{Subscription, Vnet};
use crate::domain::harmless;
use crate::vendors::{Profile, VendorNetwork};

/// Pads the first columns so that they stand under each other; the last one is left as it is.
fn columns(rows: Vec<Vec<String>>) -> Vec<String> {
    // One long name must not push everything else off the screen.
    const WIDEST: usize = 32;
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count)
        .map(|at| {
            rows.iter()
                .filter_map(|row| row.get(at))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
                .min(WIDEST)
        })
        .collect();
    let line = |row: Vec<String>| {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        harmless(cells.join("  ").trim_end())
    };
    rows.into_iter().map(line).collect()
}

/// Vendors.
pub fn vendors(profiles: &[Profile]) -> Vec<String> {
    columns(
        profiles
            .iter()
            .map(|profile| vec![profile.name.clone(), profile.product.clone()])
            .collect(),
    )
}

/// Subscriptions.
pub fn subscriptions(subscriptions: &[Subscription]) -> Vec<String> {
    let row = |one: &Subscription| {
        let state = if one.state == "Enabled" {
            String::new()
        } else {
            one.state.clone()
        };
        vec![one.name.clone(), one.id.to_string(), state]
    };
    columns(subscriptions.iter().map(row).collect())
}

/// Virtual networks, with address spaces, region and resource group.
pub fn vnets(vnets: &[Vnet]) -> Vec<String> {
    let row = |vnet: &Vnet| {
        vec![
            vnet.id.name.clone(),
            vnet.address_space.to_string(),
            vnet.location.clone(),
            vnet.id.resource_group.clone(),
        ]
    };
    columns(vnets.iter().map(row).collect())
}

/// The vendor's networks, with address space, region and, where they are not ready, their state.
pub fn networks(networks: &[VendorNetwork]) -> Vec<String> {
    let row = |network: &VendorNetwork| {
        vec![
            network.name.clone(),
            network.address_space.to_string(),
            network.region.clone(),
            network.state.clone(),
        ]
    };
    columns(networks.iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other() {
        let rows = vec![
            vec!["a".to_owned(), "x".to_owned()],
            vec!["long".to_owned(), "y".to_owned()],
        ];
        assert_eq!(columns(rows), ["a     x", "long  y"]);
    }
}
