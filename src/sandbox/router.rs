//! Which service a request is for: one port serves all, told apart by path.

use http::StatusCode;

use super::message::{self, Answer, Incoming};
use super::vendors::{aiven, dragonfly, kong};
use super::world::World;
use super::{arm, control, entra, graph};

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    Entra,
    Graph,
    Arm,
    Konnect,
    Aiven,
    Dragonfly,
    /// The sandbox itself, and the pages of the rehearsal's vendor console.
    Control,
}

impl Service {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Entra => "entra",
            Self::Graph => "graph",
            Self::Arm => "arm",
            Self::Konnect => "konnect",
            Self::Aiven => "aiven",
            Self::Dragonfly => "dragonfly",
            Self::Control => "sandbox",
        }
    }
}

/// Which service serves the path.
pub(super) fn service(request: &Incoming) -> Service {
    let segments = request.lower();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        [] | ["_sandbox" | "favicon.ico", ..] => Service::Control,
        ["v1.0" | "beta", ..] => Service::Graph,
        ["v2", "cloud-gateways", ..] | ["konnect", ..] => Service::Konnect,
        ["v1", "networks" | "connections", ..] | ["dragonfly", ..] => Service::Dragonfly,
        ["v1", ..] | ["aiven", ..] => Service::Aiven,
        ["subscriptions" | "tenants" | "providers", ..] | ["metadata", "endpoints"] => Service::Arm,
        _ => Service::Entra,
    }
}

/// Answers a request.
pub(super) fn answer(world: &mut World, service: Service, request: &Incoming) -> Answer {
    match service {
        Service::Entra => entra::answer(world, request),
        Service::Graph => graph::answer(world, request),
        Service::Arm => arm::answer(world, request),
        Service::Konnect => kong::answer(world, request),
        Service::Aiven => aiven::answer(world, request),
        Service::Dragonfly => dragonfly::answer(world, request),
        Service::Control => control::answer(world, request),
    }
}

/// What is served at a path that nobody serves.
pub(super) fn nowhere(request: &Incoming) -> Answer {
    message::text(
        StatusCode::NOT_FOUND,
        "text/plain; charset=utf-8",
        format!("The sandbox serves nothing at {}.\n", request.path),
    )
}
