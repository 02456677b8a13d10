//! A small stand-in for Konnect's console, for rehearsing the way by hand.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::model::{self, Attachment, Network};
use crate::sandbox::message::{self, Answer, Form, Incoming, escape};
use crate::sandbox::page::frame;
use crate::sandbox::router;
use crate::sandbox::world::World;

/// The form's fields: name, and label as Konnect writes it.
const FIELDS: [(&str, &str); 4] = [
    ("tenant_id", "Tenant ID"),
    ("subscription_id", "Subscription ID"),
    ("resource_group_name", "Resource group name"),
    ("vnet_name", "VNET Name"),
];

pub(super) fn answer(world: &mut World, request: &Incoming) -> Answer {
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
                (Some(network), &Method::GET) => form(&network, &request.form(), None),
                (Some(network), &Method::POST) => submit(world, &network, &request.form()),
                _ => router::nowhere(request),
            }
        }
        _ => router::nowhere(request),
    }
}

fn networks(world: &World) -> Answer {
    let rows = world.konnect.networks.iter().map(|network| {
        let link = format!("/konnect/networks/{}/virtual-network-peering", network.id);
        format!(
            "<tr><td><a href=\"{link}\">{}</a></td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(&network.name),
            escape(&network.region),
            network.cidr,
            escape(&network.state)
        )
    });
    let gateways = world.konnect.gateways.iter().map(|gateway| {
        format!(
            "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(&gateway.name),
            gateway.stage.name(),
            escape(gateway.reason.as_deref().unwrap_or_default())
        )
    });
    let body = format!(
        "<h1>Networks</h1><table><tr><th>Name</th><th>Region</th><th>CIDR</th><th>State</th></tr>{}</table>\
         <h2>Private networking</h2><table><tr><th>Name</th><th>State</th><th>Reason</th></tr>{}</table>",
        rows.collect::<String>(),
        gateways.collect::<String>()
    );
    message::html(StatusCode::OK, frame("Konnect networks", &body))
}

fn form(network: &Network, given: &Form, problem: Option<&str>) -> Answer {
    let fields = FIELDS.map(|(name, label)| {
        let value = escape(given.get(name).unwrap_or_default());
        format!("<label>{label}<input name=\"{name}\" value=\"{value}\" required></label>")
    });
    let problem = problem
        .map(|text| format!("<p><b>{}</b></p>", escape(text)))
        .unwrap_or_default();
    let body = format!(
        "<h1>Virtual network peering</h1><p>{name} &middot; {cidr}</p>{problem}<form method=\"post\">{fields}\
         <label>DNS mappings (optional; one a line: domain[,domain]=ip[,ip])\
         <textarea name=\"dns\" rows=\"3\">{dns}</textarea></label>\
         <button class=\"primary\">Done</button></form>",
        name = escape(&network.name),
        cidr = network.cidr,
        fields = fields.concat(),
        dns = escape(given.get("dns").unwrap_or_default()),
    );
    let status = if problem.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::BAD_REQUEST
    };
    message::html(status, frame("Virtual network peering", &body))
}

fn submit(world: &mut World, network: &Network, given: &Form) -> Answer {
    let field = |name: &str| given.get(name).map(|text| text.trim().to_owned()).unwrap_or_default();
    let missing = FIELDS.iter().find(|(name, _)| field(name).is_empty());
    if let Some((_, label)) = missing {
        return form(network, given, Some(&format!("{label} is required.")));
    }
    let Some(dns) = mappings(given.get("dns").unwrap_or_default()) else {
        return form(
            network,
            given,
            Some("A DNS mapping looks like domain[,domain]=ip[,ip]."),
        );
    };
    let attachment = Attachment {
        tenant: field("tenant_id"),
        subscription: field("subscription_id"),
        group: field("resource_group_name"),
        vnet: field("vnet_name"),
    };
    let name = attachment.vnet.clone();
    match model::create(world, network.id, name, attachment, dns) {
        Ok(gateway) => {
            let text = format!(
                "<h1>Done</h1><p>{} is being peered. <a href=\"/konnect\">Networks</a></p>",
                escape(&gateway.name)
            );
            message::html(StatusCode::OK, frame("Virtual network peering", &text))
        }
        Err(problem) => form(network, given, Some(&problem.detail)),
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
