//! The log of requests.

use std::time::Duration;

use http::{HeaderMap, Method};
use serde_json::{Value, json};

use super::faults::InjectedFault;
use super::message::{IncomingRequest, SandboxResponse};
use super::router::SandboxService;
use super::token;

/// Every request that was answered, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct SandboxLog {
    entries: Vec<Value>,
    writes: u64,
    /// The highest wave of the requests whose answers have left.
    answered: u64,
}

impl SandboxLog {
    /// Notes a request. `answer` is `None` where none was given; `actor` names the control plane that made the request,
    /// where it was none of the clients.
    pub(super) fn record(
        &mut self,
        now: Duration,
        service: SandboxService,
        request: &IncomingRequest,
        answer: Option<&SandboxResponse>,
        actor: Option<&'static str>,
        fault: Option<&InjectedFault>,
    ) {
        let url = match &request.raw_query {
            Some(query) => format!("{}?{query}", request.path),
            None => request.path.clone(),
        };
        let mut entry = json!({
            "n": self.entries.len() + 1,
            "ms": u64::try_from(now.as_millis()).unwrap_or(u64::MAX),
            "wave": self.wave(),
            "service": service.name(),
            "method": request.method.as_str(),
            "url": url,
            "status": answer.map(|answer| answer.status().as_u16()),
            "correlationId": answer.and_then(|answer| correlation_id(answer.headers())),
            "principal": principal(service, request),
            "apiVersion": request.query("api-version"),
        });
        if let Some(actor) = actor {
            entry["actor"] = actor.into();
            // Nobody's answer waits for a control plane.
            entry["wave"] = Value::Null;
        } else if writes(service, request) {
            self.writes += 1;
            entry["write"] = true.into();
        }
        if let Some(fault) = fault {
            entry["fault"] = fault.name().into();
        }
        self.entries.push(entry);
    }

    /// The wave of a request that comes now: one more than that of any whose answer has left. Requests of the same wave
    /// were under way together.
    pub(super) fn wave(&self) -> u64 {
        self.answered + 1
    }

    /// The answer to a request of that wave leaves.
    pub(super) fn answer_leaves(&mut self, wave: u64) {
        self.answered = self.answered.max(wave);
    }

    pub(super) fn report(&self) -> Value {
        json!({"requests": self.entries, "writes": self.writes})
    }
}

/// The id by which the service would find the request: ARM's, Graph's, Entra's.
fn correlation_id(headers: &HeaderMap) -> Option<&str> {
    let names = ["x-ms-correlation-request-id", "request-id", "x-ms-request-id"];
    names.into_iter().find_map(|name| headers.get(name)?.to_str().ok())
}

/// Returns whether the request is a change in ARM, in Graph, or at a vendor.
fn writes(service: SandboxService, request: &IncomingRequest) -> bool {
    let reads = [
        "/resources",
        "/getbyids",
        "/checkpolicyrestrictions",
        "/permissions",
        "/refresh",
    ];
    let path = request.path.to_ascii_lowercase();
    match service {
        SandboxService::Entra | SandboxService::Control => false,
        SandboxService::Arm
        | SandboxService::Graph
        | SandboxService::Konnect
        | SandboxService::Aiven
        | SandboxService::Dragonfly => match request.method {
            Method::PUT | Method::PATCH | Method::DELETE => true,
            Method::POST => !reads.iter().any(|end| path.ends_with(end)),
            _ => false,
        },
    }
}

/// Returns the requesting principal: the app ID in the token, or in the form that asks for one. Not verified; the
/// answer says whether it held.
fn principal(service: SandboxService, request: &IncomingRequest) -> Option<String> {
    if service == SandboxService::Entra {
        return request.form().get("client_id").map(str::to_owned);
    }
    let claims = token::peek(request.bearer()?)?;
    claims
        .get("appid")
        .or_else(|| claims.get("oid"))?
        .as_str()
        .map(str::to_owned)
}
