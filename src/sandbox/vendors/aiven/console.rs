//! A small stand-in for Aiven's console, for rehearsing the way by hand.

use http::{Method, StatusCode};
use serde_json::json;
use uuid::Uuid;

use super::AivenVpcRecord;
use super::model::{self, AivenRequest};
use crate::sandbox::message::{self, FormBody, IncomingRequest, SandboxResponse, escape};
use crate::sandbox::page::frame;
use crate::sandbox::router;
use crate::sandbox::vendors::console::{ConsoleSheet, field, raw_table, table};
use crate::sandbox::world::SandboxWorld;

/// The form's fields: name, and label as Aiven writes it. The "object id" is the application's client id.
const FIELDS: [(&str, &str); 5] = [
    ("peer_cloud_account", "Azure subscription ID"),
    ("peer_resource_group", "Resource group"),
    ("peer_vpc", "Network name"),
    ("peer_azure_tenant_id", "Active Directory tenant ID"),
    ("peer_azure_app_id", "Application object ID"),
];

pub(super) fn answer(world: &mut SandboxWorld, request: &IncomingRequest) -> SandboxResponse {
    let segments = request.lower();
    let segments: Vec<&str> = segments.iter().skip(1).map(String::as_str).collect();
    let (vpc, method) = match (&request.method, segments.as_slice()) {
        (&Method::GET, [] | ["vpcs"]) => return vpcs(world),
        (method, ["vpcs", id, "peering-connections"]) => {
            let id = Uuid::parse_str(id).ok();
            let mut peerable = world.aiven.vpcs.iter().filter(|found| found.is_azure());
            (peerable.find(|found| Some(found.id) == id).cloned(), method)
        }
        _ => return router::not_found(request),
    };
    match (vpc, method) {
        (Some(vpc), &Method::GET) => sheet(&vpc).page(&request.form(), None),
        (Some(vpc), &Method::POST) => submit(world, &vpc, &request.form()),
        _ => router::not_found(request),
    }
}

fn vpcs(world: &SandboxWorld) -> SandboxResponse {
    let rows = world.aiven.vpcs.iter().map(|vpc| {
        let name = escape(&vpc.cloud);
        let name = match vpc.is_azure() {
            true => format!("<a href=\"/aiven/vpcs/{}/peering-connections\">{name}</a>", vpc.id),
            false => name,
        };
        vec![name, vpc.id.to_string(), vpc.cidr.to_string(), escape(&vpc.state)]
    });
    let links = world.aiven.vpcs.iter().flat_map(|vpc| model::links(world, vpc));
    let connections = links.map(|link| {
        let info = model::state_info(world, link);
        let told = |name: &str| info[name].as_str().unwrap_or_default().to_owned();
        vec![
            link.theirs.clone(),
            model::state(link).to_owned(),
            told("to-tenant-id"),
            told("to-network-id"),
            told("message"),
        ]
    });
    let body = format!(
        "<h1>VPCs</h1><p>Project {}</p>{}<h2>Peering connections</h2>{}",
        escape(&world.aiven.data.project),
        raw_table(&["Cloud", "ID", "CIDR", "State"], rows),
        table(
            &["Network", "State", "to-tenant-id", "to-network-id", "Message"],
            connections
        ),
    );
    message::html(StatusCode::OK, frame("Aiven VPCs", &body))
}

fn sheet(vpc: &AivenVpcRecord) -> ConsoleSheet<'static> {
    ConsoleSheet {
        title: "Create peering request",
        about: format!("{} · {}", vpc.cloud, vpc.cidr),
        fields: &FIELDS,
        more: String::new(),
        button: "Add peering connection",
    }
}

fn submit(world: &mut SandboxWorld, vpc: &AivenVpcRecord, given: &FormBody) -> SandboxResponse {
    let sheet = sheet(vpc);
    if let Some(problem) = sheet.unfilled(given) {
        return sheet.page(given, Some(&problem));
    }
    let body = FIELDS.map(|(name, _)| (name, json!(field(given, name))));
    let body = serde_json::Value::Object(body.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
    let made = AivenRequest::read(vpc, &body).and_then(|request| model::create(world, vpc, request));
    match made {
        Ok(link) => sheet.done(&format!("{} is being peered.", link.theirs), "/aiven"),
        Err(problem) => sheet.page(given, Some(&problem.message)),
    }
}
