//! A small stand-in for Konnect's console, for rehearsing the way by hand.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::model::{self, GatewayAttachment, KongNetworkRecord};
use crate::sandbox::message::{self, FormBody, IncomingRequest, SandboxResponse, escape};
use crate::sandbox::page::frame;
use crate::sandbox::router;
use crate::sandbox::vendors::console::{ConsoleSheet, field, raw_table, table};
use crate::sandbox::world::SandboxWorld;

/// The form's fields: name, and label as Konnect writes it.
const FIELDS: [(&str, &str); 4] = [
    ("tenant_id", "Tenant ID"),
    ("subscription_id", "Subscription ID"),
    ("resource_group_name", "Resource group name"),
    ("vnet_name", "VNET Name"),
];

pub(super) fn answer(world: &mut SandboxWorld, request: &IncomingRequest) -> SandboxResponse {
    let segments = request.lower();
    let segments: Vec<&str> = segments.iter().skip(1).map(String::as_str).collect();
    match (&request.method, segments.as_slice()) {
        (&Method::GET, [] | ["networks"]) => networks(world),
        (method, ["networks", id, "virtual-network-peering"]) => {
            let id = Uuid::parse_str(id).ok();
            let network = world
                .konnect
                .networks
                .iter()
                .find(|found| Some(found.id) == id)
                .cloned();
            match (network, method) {
                (Some(network), &Method::GET) => {
                    let given = request.form();
                    sheet(&network, &given).page(&given, None)
                }
                (Some(network), &Method::POST) => submit(world, &network, &request.form()),
                _ => router::not_found(request),
            }
        }
        _ => router::not_found(request),
    }
}

fn networks(world: &SandboxWorld) -> SandboxResponse {
    let rows = world.konnect.networks.iter().map(|network| {
        let link = format!("/konnect/networks/{}/virtual-network-peering", network.id);
        vec![
            format!("<a href=\"{link}\">{}</a>", escape(&network.name)),
            escape(&network.region),
            network.cidr.to_string(),
            escape(&network.state),
        ]
    });
    let gateways = world.konnect.gateways.iter().map(|gateway| {
        let reason = gateway.reason.clone().unwrap_or_default();
        vec![gateway.name.clone(), gateway.stage.name().to_owned(), reason]
    });
    let body = format!(
        "<h1>Networks</h1>{}<h2>Private networking</h2>{}",
        raw_table(&["Name", "Region", "CIDR", "State"], rows),
        table(&["Name", "State", "Reason"], gateways)
    );
    message::html(StatusCode::OK, frame("Konnect networks", &body))
}

fn sheet(network: &KongNetworkRecord, given: &FormBody) -> ConsoleSheet<'static> {
    ConsoleSheet {
        title: "Virtual network peering",
        about: format!("{} · {}", network.name, network.cidr),
        fields: &FIELDS,
        more: format!(
            "<label>DNS mappings (optional; one a line: domain[,domain]=ip[,ip])\
             <textarea name=\"dns\" rows=\"3\">{}</textarea></label>",
            escape(given.get("dns").unwrap_or_default())
        ),
        button: "Done",
    }
}

fn submit(world: &mut SandboxWorld, network: &KongNetworkRecord, given: &FormBody) -> SandboxResponse {
    let sheet = sheet(network, given);
    if let Some(problem) = sheet.unfilled(given) {
        return sheet.page(given, Some(&problem));
    }
    let Some(dns) = mappings(given.get("dns").unwrap_or_default()) else {
        return sheet.page(given, Some("A DNS mapping looks like domain[,domain]=ip[,ip]."));
    };
    let attachment = GatewayAttachment {
        tenant: field(given, "tenant_id"),
        subscription: field(given, "subscription_id"),
        group: field(given, "resource_group_name"),
        vnet: field(given, "vnet_name"),
    };
    let name = attachment.vnet.clone();
    match model::create(world, network.id, name, attachment, dns) {
        Ok(gateway) => sheet.done(&format!("{} is being peered.", gateway.name), "/konnect"),
        Err(problem) => sheet.page(given, Some(&problem.detail)),
    }
}

/// Reads `domain[,domain]=ip[,ip]`, one a line.
fn mappings(text: &str) -> Option<Value> {
    let list = |text: &str| text.split(',').map(|part| part.trim().to_owned()).collect::<Vec<_>>();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let entries: Option<Vec<Value>> = lines
        .map(|line| {
            let (domains, servers) = line.split_once('=')?;
            let (domains, servers) = (list(domains), list(servers));
            let filled = domains.iter().chain(&servers).all(|part| !part.is_empty());
            filled.then(|| json!({"remote_dns_server_ip_addresses": servers, "domain_proxy_list": domains}))
        })
        .collect();
    entries.map(Value::from)
}
