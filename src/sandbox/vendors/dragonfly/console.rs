//! A small stand-in for Dragonfly Cloud's console, for rehearsing the way by hand.

use http::{Method, StatusCode};
use serde_json::json;

use super::DragonflyNetworkRecord;
use super::model::{self, DragonflyRequest};
use crate::sandbox::message::{self, FormBody, IncomingRequest, SandboxResponse, escape};
use crate::sandbox::page::frame;
use crate::sandbox::router;
use crate::sandbox::vendors::console::{ConsoleSheet, field, raw_table, table};
use crate::sandbox::world::SandboxWorld;

/// The form's fields: name, and label as Dragonfly writes it. The "app id" is the application's client id.
const FIELDS: [(&str, &str); 5] = [
    ("account_id", "Acceptor Account ID"),
    ("vpc_id", "Acceptor VPC ID"),
    ("app_object_id", "App ID"),
    ("resource_group", "Resource Group"),
    ("tenant_id", "Tenant ID"),
];

pub(super) fn answer(world: &mut SandboxWorld, request: &IncomingRequest) -> SandboxResponse {
    let segments: Vec<&str> = request.segments.iter().skip(1).map(String::as_str).collect();
    let (network, method) = match (&request.method, segments.as_slice()) {
        (&Method::GET, [] | ["networks"]) => return networks(world),
        (method, ["networks", id, "connections"]) => {
            let mut peerable = world
                .dragonfly
                .networks
                .iter()
                .filter(|found| found.provider == "azure");
            (peerable.find(|found| found.id == *id).cloned(), method)
        }
        _ => return router::not_found(request),
    };
    match (network, method) {
        (Some(network), &Method::GET) => sheet(&network).page(&request.form(), None),
        (Some(network), &Method::POST) => submit(world, &network, &request.form()),
        _ => router::not_found(request),
    }
}

fn networks(world: &SandboxWorld) -> SandboxResponse {
    let rows = world.dragonfly.networks.iter().map(|network| {
        let name = escape(&network.name);
        let name = match network.provider.as_str() {
            "azure" => format!(
                "<a href=\"/dragonfly/networks/{}/connections\">{name}</a>",
                escape(&network.id)
            ),
            _ => name,
        };
        let (account, resource) = model::vpc(network).unwrap_or_default();
        let place = format!("{} {}", network.provider, network.region);
        let texts = [&place, &network.cidr.to_string(), &network.status, account, resource];
        std::iter::once(name).chain(texts.map(escape)).collect()
    });
    let links = model::links(world).map(|link| {
        vec![
            link.theirs.clone(),
            capital(model::status(link)),
            model::detail(link).unwrap_or_default(),
        ]
    });
    let body = format!(
        "<h1>Networks</h1>{}<h2>Connections</h2>{}",
        raw_table(&["Name", "Location", "CIDR", "Status", "Account ID", "VPC ID"], rows),
        table(&["Acceptor", "Status", "Detail"], links),
    );
    message::html(StatusCode::OK, frame("Dragonfly Cloud networks", &body))
}

/// The console writes `Inactive` where the API says `inactive`.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

fn sheet(network: &DragonflyNetworkRecord) -> ConsoleSheet<'static> {
    ConsoleSheet {
        title: "Add connection",
        about: format!("{} · {}", network.name, network.cidr),
        fields: &FIELDS,
        more: String::new(),
        button: "Create",
    }
}

fn submit(world: &mut SandboxWorld, network: &DragonflyNetworkRecord, given: &FormBody) -> SandboxResponse {
    let sheet = sheet(network);
    if let Some(problem) = sheet.unfilled(given) {
        return sheet.page(given, Some(&problem));
    }
    let text = |name: &str| field(given, name);
    let body = json!({
        "name": text("vpc_id"),
        "network_id": network.id,
        "peer": {
            "account_id": text("account_id"),
            "vpc_id": text("vpc_id"),
            "azure": {
                "resource_group": text("resource_group"),
                "tenant_id": text("tenant_id"),
                "app_object_id": text("app_object_id"),
                "use_remote_gateways": false,
            },
        },
    });
    match DragonflyRequest::read(&body).and_then(|request| model::create(world, request)) {
        Ok(link) => sheet.done(&format!("{} is being connected.", link.theirs), "/dragonfly"),
        Err(problem) => sheet.page(given, Some(&problem.error)),
    }
}
