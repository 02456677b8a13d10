//! `/v1/networks` and `/v1/connections`; every success is a 200.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::model::{self, DragonflyRequest};
use super::{DragonflyNetworkRecord, DragonflyProblem};
use crate::sandbox::message::{self, IncomingRequest, SandboxResponse};
use crate::sandbox::vendors::reciprocal::{self, ReciprocalLink};
use crate::sandbox::world::SandboxWorld;

type DragonflyResult = Result<SandboxResponse, DragonflyProblem>;

pub(super) fn answer(world: &mut SandboxWorld, request: &IncomingRequest) -> SandboxResponse {
    let outcome = authenticate(world, request).and_then(|()| route(world, request));
    outcome.unwrap_or_else(|problem| message::json(problem.status, &json!({"error": problem.error})))
}

fn authenticate(world: &SandboxWorld, request: &IncomingRequest) -> Result<(), DragonflyProblem> {
    let key = request.bearer().unwrap_or_default();
    if world.dragonfly.data.keys.iter().any(|known| known == key) {
        return Ok(());
    }
    Err(DragonflyProblem::new(StatusCode::UNAUTHORIZED, "unauthorized"))
}

fn route(world: &mut SandboxWorld, request: &IncomingRequest) -> DragonflyResult {
    let segments: Vec<&str> = request.segments.iter().skip(1).map(String::as_str).collect();
    let ok = |body: Value| Ok(message::json(StatusCode::OK, &body));
    match (&request.method, segments.as_slice()) {
        (&Method::GET, ["networks"]) => ok(world.dragonfly.networks.iter().map(model::network).collect()),
        (&Method::GET, ["networks", id]) => ok(model::network(find(world, id)?)),
        (&Method::GET, ["connections"]) => ok(model::links(world).map(|link| model::connection(world, link)).collect()),
        (&Method::POST, ["connections"]) => {
            let body = request.json().filter(Value::is_object);
            let wish = DragonflyRequest::read(&body.ok_or_else(|| DragonflyProblem::bad("invalid request body"))?)?;
            let link = model::create(world, wish)?;
            ok(model::connection(world, &link))
        }
        (&Method::GET, ["connections", id]) => ok(model::connection(world, connection(world, id)?)),
        (&Method::DELETE, ["connections", id]) => {
            let id = connection(world, id)?.id;
            reciprocal::remove(world, id);
            Ok(message::empty(StatusCode::OK))
        }
        _ => Err(DragonflyProblem::missing()),
    }
}

fn find<'a>(world: &'a SandboxWorld, id: &str) -> Result<&'a DragonflyNetworkRecord, DragonflyProblem> {
    let found = world.dragonfly.networks.iter().find(|found| found.id == id);
    found.ok_or_else(DragonflyProblem::missing)
}

fn connection<'a>(world: &'a SandboxWorld, id: &str) -> Result<&'a ReciprocalLink, DragonflyProblem> {
    model::links(world)
        .find(|link| model::id(link) == id)
        .ok_or_else(DragonflyProblem::missing)
}
