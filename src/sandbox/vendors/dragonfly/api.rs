//! `/v1/networks` and `/v1/connections`; every success is a 200.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::model::{self, Request};
use super::{Network, Problem};
use crate::sandbox::message::{self, Answer, Incoming};
use crate::sandbox::vendors::reciprocal::{self, Link};
use crate::sandbox::world::World;

type Outcome = Result<Answer, Problem>;

pub(super) fn answer(world: &mut World, request: &Incoming) -> Answer {
    let outcome = authenticate(world, request).and_then(|()| route(world, request));
    outcome.unwrap_or_else(|problem| message::json(problem.status, &json!({"error": problem.error})))
}

fn authenticate(world: &World, request: &Incoming) -> Result<(), Problem> {
    let key = request.bearer().unwrap_or_default();
    if world.dragonfly.data.keys.iter().any(|known| known == key) {
        return Ok(());
    }
    Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthorized"))
}

fn route(world: &mut World, request: &Incoming) -> Outcome {
    let segments: Vec<&str> = request.segments.iter().skip(1).map(String::as_str).collect();
    let ok = |body: Value| Ok(message::json(StatusCode::OK, &body));
    match (&request.method, segments.as_slice()) {
        (&Method::GET, ["networks"]) => ok(world.dragonfly.networks.iter().map(model::network).collect()),
        (&Method::GET, ["networks", id]) => ok(model::network(find(world, id)?)),
        (&Method::GET, ["connections"]) => ok(model::links(world).map(|link| model::connection(world, link)).collect()),
        (&Method::POST, ["connections"]) => {
            let body = request.json().filter(Value::is_object);
            let wish = Request::read(&body.ok_or_else(|| Problem::bad("invalid request body"))?)?;
            let link = model::create(world, wish)?;
            ok(model::connection(world, &link))
        }
        (&Method::GET, ["connections", id]) => ok(model::connection(world, connection(world, id)?)),
        (&Method::DELETE, ["connections", id]) => {
            let id = connection(world, id)?.id;
            reciprocal::remove(world, id);
            Ok(message::empty(StatusCode::OK))
        }
        _ => Err(Problem::missing()),
    }
}

fn find<'a>(world: &'a World, id: &str) -> Result<&'a Network, Problem> {
    let found = world.dragonfly.networks.iter().find(|found| found.id == id);
    found.ok_or_else(Problem::missing)
}

fn connection<'a>(world: &'a World, id: &str) -> Result<&'a Link, Problem> {
    model::links(world)
        .find(|link| model::id(link) == id)
        .ok_or_else(Problem::missing)
}
