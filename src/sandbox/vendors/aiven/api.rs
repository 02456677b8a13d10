//! `/v1/project/{project}/vpcs…`

use http::{Method, StatusCode};
use uuid::Uuid;

use super::model::{self, AivenRequest};
use super::{AivenProblem, AivenVpcRecord};
use crate::sandbox::message::{self, IncomingRequest, SandboxResponse};
use crate::sandbox::vendors::account::vnet_id;
use crate::sandbox::vendors::reciprocal::{self, ReciprocalVendor};
use crate::sandbox::world::SandboxWorld;

type AivenResult = Result<SandboxResponse, AivenProblem>;

pub(super) fn answer(world: &mut SandboxWorld, request: &IncomingRequest) -> SandboxResponse {
    let outcome = authenticate(world, request).and_then(|()| route(world, request));
    outcome.unwrap_or_else(|problem| message::json(problem.status, &problem.body()))
}

/// `Authorization: aivenv1 TOKEN`, or `Bearer TOKEN`.
fn authenticate(world: &SandboxWorld, request: &IncomingRequest) -> Result<(), AivenProblem> {
    let header = request.header("authorization").unwrap_or_default();
    let (scheme, token) = header.split_once(' ').unwrap_or_default();
    let scheme = ["aivenv1", "bearer"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known));
    if scheme && world.aiven.data.tokens.iter().any(|known| known == token.trim()) {
        return Ok(());
    }
    Err(AivenProblem::new(
        StatusCode::UNAUTHORIZED,
        "Missing (expired) db token",
    ))
}

fn route(world: &mut SandboxWorld, request: &IncomingRequest) -> AivenResult {
    let segments: Vec<&str> = request.segments.iter().skip(1).map(String::as_str).collect();
    let ["project", project, rest @ ..] = segments.as_slice() else {
        return Err(nothing());
    };
    if *project != world.aiven.data.project {
        return Err(AivenProblem::new(StatusCode::FORBIDDEN, "Not a project member"));
    }
    let ok = |body| Ok(message::json(StatusCode::OK, &body));
    match (&request.method, rest) {
        (&Method::GET, ["vpcs"]) => ok(model::vpcs(world)),
        (&Method::GET, ["vpcs", id]) => {
            let vpc = find(world, id)?;
            ok(model::vpc_with_connections(world, &vpc))
        }
        (&Method::POST, ["vpcs", id, "peering-connections"]) => {
            let vpc = find(world, id)?;
            let body = request.json().filter(serde_json::Value::is_object);
            let body = body.ok_or_else(|| AivenProblem::new(StatusCode::BAD_REQUEST, "Invalid JSON body"))?;
            let link = model::create(world, &vpc, AivenRequest::read(&vpc, &body)?)?;
            ok(model::connection(world, &link))
        }
        (&Method::POST, ["vpcs", id, "peering-connections", "refresh"]) => {
            let vpc = find(world, id)?;
            reciprocal::refresh(world, ReciprocalVendor::Aiven, &vpc.id.to_string());
            ok(model::vpc_with_connections(world, &vpc))
        }
        (
            &Method::DELETE,
            [
                "vpcs",
                id,
                "peering-connections",
                "peer-accounts",
                account,
                "peer-resource-groups",
                group,
                "peer-vpcs",
                vnet,
            ],
        ) => {
            let vpc = find(world, id)?;
            delete(world, &vpc, &vnet_id(account, group, vnet))
        }
        // The path for other clouds finds no connection that has a resource group.
        (&Method::DELETE, ["vpcs", _, "peering-connections", "peer-accounts", _, "peer-vpcs", ..]) => {
            Err(no_connection())
        }
        _ => Err(nothing()),
    }
}

fn find(world: &SandboxWorld, id: &str) -> Result<AivenVpcRecord, AivenProblem> {
    let id = Uuid::parse_str(id).ok();
    let found = world.aiven.vpcs.iter().find(|found| Some(found.id) == id);
    found
        .cloned()
        .ok_or_else(|| AivenProblem::new(StatusCode::NOT_FOUND, "VPC does not exist"))
}

fn delete(world: &mut SandboxWorld, vpc: &AivenVpcRecord, theirs: &str) -> AivenResult {
    let found = reciprocal::twin(world, ReciprocalVendor::Aiven, &vpc.id.to_string(), theirs);
    let id = found.map(|found| found.id).ok_or_else(no_connection)?;
    let link = reciprocal::remove(world, id).ok_or_else(no_connection)?;
    Ok(message::json(StatusCode::OK, &model::connection(world, &link)))
}

fn no_connection() -> AivenProblem {
    AivenProblem::new(StatusCode::NOT_FOUND, "VPC peering connection does not exist")
}

fn nothing() -> AivenProblem {
    AivenProblem::new(StatusCode::NOT_FOUND, "Not found")
}
