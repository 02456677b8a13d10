use serde_json::{Value, json};

use super::super::testing::{azure, json as json_answer, lines_without_hosts};
use super::*;
use crate::domain::VnetId;

const SUB: &str = "00000000-0000-0000-0000-000000000001";

fn id() -> String {
    format!("/subscriptions/{SUB}/resourceGroups/rg-net/providers/Microsoft.Network/networkSecurityGroups/nsg-app")
}

/// A rule as recorded, with both kinds of fields.
fn rule(name: &str, priority: u32, changes: Value) -> Value {
    let mut properties = json!({ "provisioningState": "Succeeded", "protocol": "*", "sourcePortRange": "*", "destinationPortRange": "*",
        "sourceAddressPrefix": "VirtualNetwork", "destinationAddressPrefix": "VirtualNetwork", "access": "Allow", "priority": priority, "direction": "Inbound",
        "sourcePortRanges": [], "destinationPortRanges": [], "sourceAddressPrefixes": [], "destinationAddressPrefixes": [] });
    for (name, value) in changes.as_object().unwrap() {
        match value.is_null() {
            true => drop(properties.as_object_mut().unwrap().remove(name)),
            false => properties[name] = value.clone(),
        }
    }
    json!({ "name": name, "id": format!("{}/securityRules/{name}", id()), "etag": "W/\"20772b51\"", "properties": properties })
}

#[tokio::test]
async fn nsg_merges_fields_and_first_decides() {
    let asg =
        format!("/subscriptions/{SUB}/resourceGroups/rg-net/providers/Microsoft.Network/applicationSecurityGroups/web");
    let several = json!({ "sourceAddressPrefix": null, "sourceAddressPrefixes": ["10.1.0.0/16", "10.2.0.0/16"], "destinationPortRange": null,
        "destinationPortRanges": ["443", "8000-8999"], "protocol": "Tcp", "access": "Deny" });
    let groups = json!({ "sourceAddressPrefix": "", "destinationAddressPrefix": null, "direction": "Outbound",
        "destinationApplicationSecurityGroups": [{ "id": asg }], "protocol": "Quic" });
    let shown = json!({ "name": "nsg-app", "id": id(), "etag": "W/\"0d8bf573\"", "location": "westus", "properties": {
        "provisioningState": "Succeeded", "subnets": [{ "id": "/subscriptions/x/subnets/default" }],
        "securityRules": [rule("out", 300, groups), rule("several", 200, several)],
        "defaultSecurityRules": [rule("AllowVnetInBound", 65_000, json!({}))] } });
    let (azure, script) = azure(move |_| json_answer(200, &shown));
    let nsg = azure.network_security_group(&id()).await.unwrap().unwrap();
    assert_eq!((nsg.id, nsg.name), (id(), "nsg-app".to_owned()));
    let default = NsgRule {
        name: "AllowVnetInBound".into(),
        priority: 65_000,
        inbound: true,
        allow: true,
        protocol: "*".into(),
        sources: vec!["VirtualNetwork".into()],
        destinations: vec!["VirtualNetwork".into()],
        destination_ports: vec!["*".into()],
    };
    let expected = [
        NsgRule {
            name: "several".into(),
            priority: 200,
            allow: false,
            protocol: "Tcp".into(),
            sources: vec!["10.1.0.0/16".into(), "10.2.0.0/16".into()],
            destination_ports: vec!["443".into(), "8000-8999".into()],
            ..default.clone()
        },
        NsgRule {
            name: "out".into(),
            priority: 300,
            inbound: false,
            protocol: "Quic".into(),
            sources: Vec::new(),
            destinations: vec![asg],
            ..default.clone()
        },
        default,
    ];
    assert_eq!(nsg.rules, expected);
    assert_eq!(
        lines_without_hosts(&script),
        [format!("GET {}?api-version=2024-03-01", id())]
    );
}

#[tokio::test]
async fn nsg_rejects_invalid_id_before_request() {
    let absent = json!({ "error": { "code": "ResourceNotFound", "message": "m" } });
    let (azure, script) = azure(move |_| json_answer(404, &absent));
    let upper = id().to_uppercase();
    assert_eq!(azure.network_security_group(&upper).await.unwrap(), None);
    let asked = lines_without_hosts(&script).len();
    for bad in [
        String::new(),
        id().replace("nsg-app", "../nsg-app"),
        id().replace("nsg-app", ".."),
        id().replace("rg-net", "rg?net"),
        id().replace(SUB, "mine"),
        id().replace("networkSecurityGroups", "virtualNetworks"),
    ] {
        let error = azure.network_security_group(&bad).await.unwrap_err();
        assert!(
            matches!(error.failure, FailureKind::Unreadable { .. }),
            "{bad}: {error}"
        );
    }
    assert_eq!(lines_without_hosts(&script).len(), asked);
}

#[tokio::test]
async fn vnet_shows_subnet_guards_and_dns() {
    let vnet: VnetId =
        format!("/subscriptions/{SUB}/resourceGroups/rg-net/providers/Microsoft.Network/virtualNetworks/vnet-app")
            .parse()
            .unwrap();
    let table = format!("/subscriptions/{SUB}/resourceGroups/rg-net/providers/Microsoft.Network/routeTables/rt");
    let shown = json!({ "name": "vnet-app", "id": vnet, "location": "westus", "properties": {
        "addressSpace": { "addressPrefixes": ["10.0.0.0/16"] }, "dhcpOptions": { "dnsServers": ["10.0.0.4", "10.0.0.5"] },
        "subnets": [
            { "name": "default", "id": "x", "properties": { "addressPrefix": "10.0.0.0/24", "networkSecurityGroup": { "id": id() }, "delegations": [] } },
            { "name": "dual", "properties": { "addressPrefixes": ["10.0.1.0/24", "fd00::/64"], "routeTable": { "id": table } } },
        ] } });
    let (azure, _) = azure(move |_| json_answer(200, &shown));
    let vnet = azure.vnet(&vnet).await.unwrap().unwrap();
    assert_eq!(vnet.dns_servers, ["10.0.0.4", "10.0.0.5"]);
    assert_eq!(vnet.subnets[0].name, "default");
    assert_eq!(vnet.subnets[0].network_security_group, Some(id()));
    assert_eq!(vnet.subnets[0].route_table, None);
    assert_eq!(vnet.subnets[0].address_prefixes.to_string(), "10.0.0.0/24");
    assert_eq!(vnet.subnets[1].address_prefixes.to_string(), "10.0.1.0/24, fd00::/64");
    assert_eq!(vnet.subnets[1].route_table, Some(table));
}
