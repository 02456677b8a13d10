//! Routing of a request to its service: one port serves all, distinguished by path.

use http::StatusCode;

use super::message::{self, IncomingRequest, SandboxResponse};
use super::vendors::{aiven, dragonfly, kong};
use super::world::SandboxWorld;
use super::{arm, control, entra, graph};

/// Service that a request is addressed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SandboxService {
    Entra,
    Graph,
    Arm,
    Konnect,
    Aiven,
    Dragonfly,
    /// The sandbox itself, and the pages of the rehearsal's vendor console.
    Control,
}

impl SandboxService {
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

/// Returns the service that serves the path.
pub(super) fn service(request: &IncomingRequest) -> SandboxService {
    let segments = request.lower();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        [] | ["_sandbox" | "favicon.ico", ..] => SandboxService::Control,
        ["v1.0" | "beta", ..] => SandboxService::Graph,
        ["v2", "cloud-gateways", ..] | ["konnect", ..] => SandboxService::Konnect,
        ["v1", "networks" | "connections", ..] | ["dragonfly", ..] => SandboxService::Dragonfly,
        ["v1", ..] | ["aiven", ..] => SandboxService::Aiven,
        ["subscriptions" | "tenants" | "providers", ..] | ["metadata", "endpoints"] => SandboxService::Arm,
        _ => SandboxService::Entra,
    }
}

/// Answers a request.
pub(super) fn answer(world: &mut SandboxWorld, service: SandboxService, request: &IncomingRequest) -> SandboxResponse {
    match service {
        SandboxService::Entra => entra::answer(world, request),
        SandboxService::Graph => graph::answer(world, request),
        SandboxService::Arm => arm::answer(world, request),
        SandboxService::Konnect => kong::answer(world, request),
        SandboxService::Aiven => aiven::answer(world, request),
        SandboxService::Dragonfly => dragonfly::answer(world, request),
        SandboxService::Control => control::answer(world, request),
    }
}

/// Returns the response for a path that no service serves.
pub(super) fn not_found(request: &IncomingRequest) -> SandboxResponse {
    message::text(
        StatusCode::NOT_FOUND,
        "text/plain; charset=utf-8",
        format!("The sandbox serves nothing at {}.\n", request.path),
    )
}
