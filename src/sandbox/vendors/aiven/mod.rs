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

use super::account::Account;
use crate::sandbox::message::{Answer, Incoming};
use crate::sandbox::world::World;

/// Aiven's part of the world.
#[derive(Debug, Clone, Default)]
pub(in crate::sandbox) struct Aiven {
    vpcs: Vec<Vpc>,
    data: AivenData,
}

impl Aiven {
    pub(super) fn account(&self) -> Account {
        self.data.account.clone()
    }

    /// Has active connections not name Aiven's network.
    pub(in crate::sandbox) fn make_reticent(&mut self) {
        self.data.reticent = true;
    }
}

/// A project's VPC.
#[derive(Debug, Clone)]
struct Vpc {
    id: Uuid,
    cloud: String,
    cidr: IpNet,
    state: String,
    /// The virtual network in Aiven's subscription; only an active VPC on Azure has one.
    vnet: Option<String>,
}

impl Vpc {
    fn is_azure(&self) -> bool {
        self.cloud.starts_with("azure-")
    }
}

/// Aiven's part of an estate.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AivenData {
    account: Account,
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
pub(in crate::sandbox) fn build(data: &AivenData, world: &mut World) {
    world.aiven.data = data.clone();
    for vpc in &data.vpcs {
        let location = vpc.cloud.strip_prefix("azure-").filter(|_| vpc.state == "ACTIVE");
        let vnet = location.map(|location| {
            data.account
                .network(world, &format!("aiven-{location}"), location, vpc.cidr)
        });
        world.aiven.vpcs.push(Vpc {
            id: vpc.id,
            cloud: vpc.cloud.clone(),
            cidr: vpc.cidr,
            state: vpc.state.clone(),
            vnet,
        });
    }
}

/// Answers a request for Aiven's API or its console.
pub(in crate::sandbox) fn answer(world: &mut World, request: &Incoming) -> Answer {
    if request.segments.first().is_some_and(|first| first == "v1") {
        api::answer(world, request)
    } else {
        console::answer(world, request)
    }
}

/// A problem as Aiven words it.
#[derive(Debug, Clone)]
struct Problem {
    status: StatusCode,
    message: String,
}

impl Problem {
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
