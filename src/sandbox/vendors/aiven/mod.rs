//! Aiven: project VPCs and their peering connections; the API, and the console of the manual way.

mod api;
mod console;
mod model;

use http::StatusCode;
use ipnet::IpNet;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

pub(in crate::sandbox) use model::dump;

use super::account::VendorAccount;
use crate::sandbox::message::{IncomingRequest, SandboxResponse};
use crate::sandbox::world::SandboxWorld;

/// Aiven's part of the world.
#[derive(Debug, Clone, Default)]
pub(in crate::sandbox) struct SandboxAiven {
    vpcs: Vec<AivenVpcRecord>,
    data: AivenData,
}

impl SandboxAiven {
    pub(super) fn account(&self) -> VendorAccount {
        self.data.account.clone()
    }

    /// Has active connections not name Aiven's network.
    pub(in crate::sandbox) fn make_reticent(&mut self) {
        self.data.reticent = true;
    }
}

/// A project's VPC.
#[derive(Debug, Clone)]
struct AivenVpcRecord {
    id: Uuid,
    cloud: String,
    cidr: IpNet,
    state: String,
    /// The virtual network in Aiven's subscription; only an active VPC on Azure has one.
    vnet: Option<String>,
}

impl AivenVpcRecord {
    fn is_azure(&self) -> bool {
        self.cloud.starts_with("azure-")
    }
}

/// Aiven's part of an estate.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AivenData {
    account: VendorAccount,
    project: String,
    tokens: Vec<String>,
    #[serde(default)]
    vpcs: Vec<VpcData>,
    /// An active connection does not name Aiven's network.
    #[serde(default)]
    reticent: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct VpcData {
    id: Uuid,
    /// `azure-westeurope`, `aws-eu-west-1`.
    cloud: String,
    cidr: IpNet,
    state: String,
}

/// Puts Aiven's VPCs into the world.
pub(in crate::sandbox) fn build(data: &AivenData, world: &mut SandboxWorld) {
    world.aiven.data = data.clone();
    for vpc in &data.vpcs {
        let location = vpc.cloud.strip_prefix("azure-").filter(|_| vpc.state == "ACTIVE");
        let vnet = location.map(|location| {
            data.account
                .network(world, &format!("aiven-{location}"), location, vpc.cidr)
        });
        world.aiven.vpcs.push(AivenVpcRecord {
            id: vpc.id,
            cloud: vpc.cloud.clone(),
            cidr: vpc.cidr,
            state: vpc.state.clone(),
            vnet,
        });
    }
}

/// Answers a request for Aiven's API or its console.
pub(in crate::sandbox) fn answer(world: &mut SandboxWorld, request: &IncomingRequest) -> SandboxResponse {
    if request.segments.first().is_some_and(|first| first == "v1") {
        api::answer(world, request)
    } else {
        console::answer(world, request)
    }
}

/// A problem as Aiven words it.
#[derive(Debug, Clone)]
struct AivenProblem {
    status: StatusCode,
    message: String,
}

impl AivenProblem {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    fn body(&self) -> Value {
        error(self.status, &self.message)
    }
}

/// An error's body.
pub(in crate::sandbox) fn error(status: StatusCode, message: &str) -> Value {
    serde_json::json!({
        "errors": [{"message": message, "more_info": "https://api.aiven.io/doc/", "status": status.as_u16()}],
        "message": message,
    })
}
