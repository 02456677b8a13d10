//! Aiven's VPCs and peering connections, as its API writes them.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{AivenProblem, AivenVpcRecord};
use crate::sandbox::vendors::account::vnet_id;
use crate::sandbox::vendors::reciprocal::{self, DesiredLink, LinkStage, ReciprocalLink, ReciprocalVendor};
use crate::sandbox::world::SandboxWorld;

/// Peering that a customer requests.
pub(super) struct AivenRequest {
    pub(super) account: String,
    pub(super) group: String,
    pub(super) vnet: String,
    pub(super) app: String,
    pub(super) tenant: String,
    pub(super) cidrs: Value,
}

impl AivenRequest {
    /// Reads a body; an absent field and one that the VPC's cloud does not have are named.
    pub(super) fn read(vpc: &AivenVpcRecord, body: &Value) -> Result<Self, AivenProblem> {
        let azure = ["peer_resource_group", "peer_azure_app_id", "peer_azure_tenant_id"];
        if !vpc.is_azure() {
            let field = azure.iter().find(|field| !body[**field].is_null());
            let text = match field {
                Some(field) => format!("{field}: this field cannot be set"),
                None => "The sandbox peers VPCs on Azure only".to_owned(),
            };
            return Err(AivenProblem::new(StatusCode::BAD_REQUEST, text));
        }
        let text = |field: &str| match body[field].as_str().filter(|text| !text.is_empty()) {
            Some(text) => Ok(text.to_owned()),
            None => Err(AivenProblem::new(
                StatusCode::BAD_REQUEST,
                format!("Invalid input for {field}: a value is required"),
            )),
        };
        Ok(Self {
            account: text("peer_cloud_account")?,
            group: text("peer_resource_group")?,
            vnet: text("peer_vpc")?,
            app: text("peer_azure_app_id")?,
            tenant: text("peer_azure_tenant_id")?,
            cidrs: match &body["user_peer_network_cidrs"] {
                Value::Array(items) => items.clone().into(),
                _ => json!([]),
            },
        })
    }

    /// Aiven looks networks up in lower case.
    fn flaw(&self) -> Option<String> {
        let given = [
            ("peer_cloud_account", &self.account),
            ("peer_resource_group", &self.group),
            ("peer_vpc", &self.vnet),
        ];
        let (field, value) = given.iter().find(|(_, value)| **value != value.to_lowercase())?;
        Some(format!(
            "The peer network was not found: {field} '{value}' must be in lower case."
        ))
    }
}

/// Makes a peering connection and sets Aiven to work.
pub(super) fn create(
    world: &mut SandboxWorld,
    vpc: &AivenVpcRecord,
    request: AivenRequest,
) -> Result<ReciprocalLink, AivenProblem> {
    let theirs = vnet_id(&request.account, &request.group, &request.vnet);
    let parent = vpc.id.to_string();
    if reciprocal::twin(world, ReciprocalVendor::Aiven, &parent, &theirs).is_some() {
        return Err(AivenProblem::new(
            StatusCode::CONFLICT,
            "VPC peering connection already exists",
        ));
    }
    let flaw = request.flaw();
    let shown = json!({
        "peer_azure_app_id": request.app,
        "peer_azure_tenant_id": request.tenant,
        "peer_cloud_account": request.account,
        "peer_region": null,
        "peer_resource_group": request.group,
        "peer_vpc": request.vnet,
        "user_peer_network_cidrs": request.cidrs,
        "vpc_peering_connection_type": "azure-vnet-peering",
    });
    let wish = DesiredLink {
        vendor: ReciprocalVendor::Aiven,
        parent,
        own: vpc.vnet.clone(),
        theirs,
        tenant: request.tenant,
        app: request.app,
        use_gateways: false,
        flaw,
        request: shown,
    };
    Ok(reciprocal::create(world, wish))
}

/// `GET …/vpcs`.
pub(super) fn vpcs(world: &SandboxWorld) -> Value {
    let list: Vec<Value> = world.aiven.vpcs.iter().map(|found| vpc(world, found)).collect();
    json!({ "vpcs": list })
}

fn vpc(world: &SandboxWorld, found: &AivenVpcRecord) -> Value {
    let created = world.started - Duration::from_secs(86_400);
    json!({
        "cloud_name": found.cloud,
        "create_time": instant(created),
        "network_cidr": found.cidr,
        "project_vpc_id": found.id,
        "state": found.state,
        "update_time": instant(created + Duration::from_secs(600)),
    })
}

/// `GET …/vpcs/{id}`.
pub(super) fn vpc_with_connections(world: &SandboxWorld, found: &AivenVpcRecord) -> Value {
    let mut body = vpc(world, found);
    let list: Vec<Value> = links(world, found).map(|link| connection(world, link)).collect();
    body["peering_connections"] = list.into();
    body["pending_build_only_peering_connections"] = Value::Null;
    body
}

pub(super) fn links<'a>(world: &'a SandboxWorld, vpc: &AivenVpcRecord) -> impl Iterator<Item = &'a ReciprocalLink> {
    let parent = vpc.id.to_string();
    let own = world
        .links
        .iter()
        .filter(|found| found.vendor == ReciprocalVendor::Aiven);
    own.filter(move |found| found.parent == parent)
}

/// A peering connection.
pub(super) fn connection(world: &SandboxWorld, link: &ReciprocalLink) -> Value {
    let mut body = link.request.clone();
    body["create_time"] = instant(world.started + link.created).into();
    body["update_time"] = instant(world.started + link.updated).into();
    body["peering_connection_id"] = json!(link.id);
    body["state"] = state(link).into();
    body["state_info"] = state_info(world, link);
    body
}

pub(super) fn state(link: &ReciprocalLink) -> &'static str {
    match link.stage {
        LinkStage::Accepted => "APPROVED",
        LinkStage::Requested => "APPROVED_PEER_REQUESTED",
        LinkStage::Waiting => "PENDING_PEER",
        LinkStage::Active => "ACTIVE",
        LinkStage::Refused => "INVALID_SPECIFICATION",
        LinkStage::Abandoned => "DELETED_BY_PEER",
        LinkStage::Removing => "DELETING",
    }
}

/// Its `message` is always there, since `avn` takes it out unasked; the texts are ours.
pub(super) fn state_info(world: &SandboxWorld, link: &ReciprocalLink) -> Value {
    let told = |kind: &str, message: &str| {
        json!({
            "message": message,
            "type": kind,
            "to-tenant-id": world.aiven.data.account.tenant,
            "to-network-id": link.own,
        })
    };
    match link.stage {
        LinkStage::Accepted | LinkStage::Requested | LinkStage::Removing => Value::Null,
        LinkStage::Waiting => told(
            "pending-peer",
            "Aiven's side of the peering is ready. Create a peering from your virtual network to to-network-id, in \
             tenant to-tenant-id.",
        ),
        LinkStage::Active if world.aiven.data.reticent => {
            json!({"message": "The peering is connected.", "type": "active"})
        }
        LinkStage::Active => told("active", "The peering is connected."),
        LinkStage::Abandoned => told(
            "deleted-by-peer",
            "The peering was deleted in your virtual network. Delete this connection and create it again.",
        ),
        LinkStage::Refused => refusal(link.reason.as_deref().unwrap_or_default()),
    }
}

fn refusal(reason: &str) -> Value {
    let mut info = json!({"message": reason, "type": "invalid-specification"});
    if reason.starts_with("VnetAddressSpace") {
        info["warnings"] = json!([{"type": "overlapping-peer-vpc-ip-ranges", "message": reason}]);
    }
    info
}

/// The connections for the canonical dump.
pub(in crate::sandbox) fn dump(world: &SandboxWorld) -> Vec<Value> {
    let own = world
        .links
        .iter()
        .filter(|found| found.vendor == ReciprocalVendor::Aiven);
    own.map(|link| {
        json!({
            "vpc": link.parent,
            "request": link.request,
            "state": state(link),
            "reason": link.reason,
        })
    })
    .collect()
}

/// `2026-11-21T09:00:00Z`
fn instant(time: OffsetDateTime) -> String {
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}
