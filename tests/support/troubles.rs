//! An estate full of trouble: the default one, `troubles.toml`, and what a test adds.

use super::served::Served;
use super::temporary_folder;

const ESTATE: [&str; 5] = [
    include_str!("../../src/sandbox/estate/contoso.toml"),
    include_str!("../../src/sandbox/estate/family_b.toml"),
    include_str!("../../src/sandbox/estate/fabrikam.toml"),
    include_str!("../../src/sandbox/estate/data_only.toml"),
    include_str!("troubles.toml"),
];

/// "Contoso Troubles".
pub const SUBSCRIPTION: &str = "44a3e9d5-10d9-4c3e-8f51-6d8203fc4199";
/// "Contoso Unregistered".
pub const UNREGISTERED: &str = "44a3e9d5-10d9-4c3e-8f51-6d8203fc4200";
/// The application that may read everything in Azure and nothing more.
pub const READER: [(&str, &str); 2] = [
    ("AZURE_CLIENT_ID", "e7a516c8-93a4-4b52-86d7-f8091a2b3c45"),
    ("AZURE_CLIENT_SECRET", "sandbox~reader~secret"),
];

/// A sandbox of it.
#[track_caller]
pub fn troubles(more: &str) -> Served {
    let folder = temporary_folder();
    let file = folder.path().join("estate.toml");
    let estate = [&ESTATE[..], &[more]].concat().join("\n");
    std::fs::write(&file, estate).expect("the estate is written");
    Served::start(["--lag".as_ref(), "none".as_ref(), "--estate".as_ref(), file.as_os_str()])
}

/// A sandbox of the default estate, edited.
#[track_caller]
pub fn edited_estate(edit: impl FnOnce(String) -> String) -> Served {
    let folder = temporary_folder();
    let file = folder.path().join("estate.toml");
    let before = ESTATE[..4].join("\n");
    let after = edit(before.clone());
    assert_ne!(before, after, "the edit changes nothing");
    std::fs::write(&file, after).expect("the estate is written");
    Served::start(["--lag".as_ref(), "none".as_ref(), "--estate".as_ref(), file.as_os_str()])
}

/// The id of a network of "Contoso Troubles".
pub fn network(group: &str, vnet: &str) -> String {
    vnet_id(SUBSCRIPTION, group, vnet)
}

pub fn vnet_id(subscription: &str, group: &str, vnet: &str) -> String {
    format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/virtualNetworks/{vnet}")
}

/// What fills `vnet-full` with this many peerings.
pub fn peerings(count: usize) -> String {
    let vnet = network("rg-network", "vnet-full");
    let one = |n: usize| {
        let remote = network("rg-network", &format!("gone-{n}"));
        format!(
            "[[leftovers]]\nvnet = \"{vnet}\"\nname = \"p{n}\"\nremote = \"{remote}\"\nprefixes = [\"192.168.0.0/24\"]\n"
        )
    };
    (0..count).map(one).collect()
}

/// What gives the tenant this many custom roles.
pub fn roles(count: usize) -> String {
    let one = |n: usize| {
        format!(
            "[[roles]]\nguid = \"99999999-0000-4000-8000-{n:012x}\"\nname = \"role {n}\"\ntenant = \"{}\"\nactions = [\"*/read\"]\nscopes = [\"/subscriptions/{UNREGISTERED}\"]\n",
            super::kong::TENANT
        )
    };
    (0..count).map(one).collect()
}
