//! Dragonfly's networks and connections, as its API writes them.

use http::StatusCode;
use serde_json::{Value, json};

use super::{DragonflyNetworkRecord, DragonflyProblem};
use crate::sandbox::vendors::account::{short, vnet_id};
use crate::sandbox::vendors::reciprocal::{self, DesiredLink, LinkStage, ReciprocalLink, ReciprocalVendor};
use crate::sandbox::world::SandboxWorld;

/// Connection that a customer requests: the body of `POST /v1/connections`.
pub(super) struct DragonflyRequest {
    network: String,
    theirs: String,
    tenant: String,
    app: String,
    use_gateways: bool,
    config: Value,
}

impl DragonflyRequest {
    /// Reads a body; the first field that is missing is named.
    pub(super) fn read(body: &Value) -> Result<Self, DragonflyProblem> {
        let text = |path: &str| match body.pointer(path).and_then(Value::as_str) {
            Some(text) if !text.is_empty() => Ok(text.to_owned()),
            _ => Err(DragonflyProblem::bad(format!(
                "{} is required",
                path[1..].replace('/', ".")
            ))),
        };
        text("/name")?;
        let (account, vnet) = (text("/peer/account_id")?, text("/peer/vpc_id")?);
        let group = text("/peer/azure/resource_group")?;
        // Its own client always sends the field, and may leave it empty.
        let block = body["peer"]["cidr_block"].as_str().filter(|block| !block.is_empty());
        if block.is_some_and(|block| block.parse::<ipnet::Ipv4Net>().is_err()) {
            return Err(DragonflyProblem::bad("peer.cidr_block is not an IPv4 CIDR block"));
        }
        Ok(Self {
            network: text("/network_id")?,
            theirs: vnet_id(&account, &group, &vnet),
            tenant: text("/peer/azure/tenant_id")?,
            app: text("/peer/azure/app_object_id")?,
            use_gateways: body["peer"]["azure"]["use_remote_gateways"].as_bool() == Some(true),
            config: json!({"name": body["name"], "network_id": body["network_id"], "peer": body["peer"]}),
        })
    }
}

/// Makes a connection and sets Dragonfly to work.
pub(super) fn create(world: &mut SandboxWorld, request: DragonflyRequest) -> Result<ReciprocalLink, DragonflyProblem> {
    let network = world.dragonfly.networks.iter();
    let network = network.clone().find(|found| found.id == request.network);
    let network = network.ok_or_else(|| DragonflyProblem::bad("network not found"))?;
    if network.provider != "azure" {
        let text = format!("the network is on {}: peer.azure cannot be set", network.provider);
        return Err(DragonflyProblem::bad(text));
    }
    if network.status != "active" {
        return Err(DragonflyProblem::bad(format!(
            "the network is {}, not active",
            network.status
        )));
    }
    let own = network.vnet.clone();
    if reciprocal::twin(world, ReciprocalVendor::Dragonfly, &request.network, &request.theirs).is_some() {
        return Err(DragonflyProblem::new(
            StatusCode::CONFLICT,
            "a connection with this peer exists already",
        ));
    }
    let wish = DesiredLink {
        vendor: ReciprocalVendor::Dragonfly,
        parent: request.network,
        own,
        theirs: request.theirs,
        tenant: request.tenant,
        app: request.app,
        use_gateways: request.use_gateways,
        flaw: None,
        request: request.config,
    };
    Ok(reciprocal::create(world, wish))
}

/// A network.
pub(super) fn network(found: &DragonflyNetworkRecord) -> Value {
    let vpc = vpc(found).map(|(account, resource)| json!({"resource_id": resource, "account_id": account}));
    json!({
        "network_id": found.id,
        "status": found.status,
        "created_at": 1_763_700_000_000_u64,
        "vpc": vpc,
        "name": found.name,
        "location": {"provider": found.provider, "region": found.region},
        "cidr_block": found.cidr,
        "byoc": {},
    })
}

/// `vpc.account_id` and `vpc.resource_id` of a network: its group's id, and its name.
pub(super) fn vpc(found: &DragonflyNetworkRecord) -> Option<(&str, &str)> {
    found
        .vnet
        .as_deref()?
        .split_once("/providers/Microsoft.Network/virtualNetworks/")
}

pub(super) fn links(world: &SandboxWorld) -> impl Iterator<Item = &ReciprocalLink> {
    world
        .links
        .iter()
        .filter(|found| found.vendor == ReciprocalVendor::Dragonfly)
}

/// `conn_1a2b3c4d`
pub(super) fn id(link: &ReciprocalLink) -> String {
    format!("conn_{}", short(link.id))
}

/// A connection.
pub(super) fn connection(world: &SandboxWorld, link: &ReciprocalLink) -> Value {
    let peering = match link.stage {
        LinkStage::Active => world.vnet(link.own.as_deref().unwrap_or_default()).and_then(|own| {
            let found = own.peerings.iter();
            let mut found = found.filter(|found| found.remote.eq_ignore_ascii_case(&link.theirs));
            found
                .next()
                .map(|found| format!("{}/virtualNetworkPeerings/{}", own.id, found.name))
        }),
        _ => None,
    };
    let mut body = json!({
        "connection_id": id(link),
        "status": status(link),
        "peer_connection_id": peering.unwrap_or_default(),
        "connection_config": link.request,
    });
    if let Some(detail) = detail(link) {
        body["status_detail"] = detail.into();
    }
    body
}

pub(super) fn status(link: &ReciprocalLink) -> &'static str {
    match link.stage {
        LinkStage::Accepted | LinkStage::Requested => "pending",
        LinkStage::Waiting => "inactive",
        LinkStage::Active => "active",
        LinkStage::Refused => "failed",
        LinkStage::Abandoned => "irrecoverable",
        LinkStage::Removing => "deleting",
    }
}

/// `status_detail`, where there is something to say.
pub(super) fn detail(link: &ReciprocalLink) -> Option<String> {
    match link.stage {
        LinkStage::Refused => link.reason.clone(),
        LinkStage::Abandoned => Some("the peering was deleted by the peer".to_owned()),
        _ => None,
    }
}

/// The connections for the canonical dump.
pub(in crate::sandbox) fn dump(world: &SandboxWorld) -> Vec<Value> {
    let entry =
        |link: &ReciprocalLink| json!({"config": &link.request, "status": status(link), "detail": detail(link)});
    links(world).map(entry).collect()
}
