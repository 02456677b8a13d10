//! Entra ID's login endpoint: discovery, tokens, and the pages for consent and for codes.

mod consent;
mod device;
mod device_page;
mod discovery;
mod tokens;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::message::{self, IncomingRequest, SandboxResponse};
use super::router;
use super::world::SandboxWorld;
pub(super) use device::DeviceSignIns;

/// Answers a request for the login endpoint.
pub(super) fn answer(world: &mut SandboxWorld, request: &IncomingRequest) -> SandboxResponse {
    let segments = request.lower();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let mut answer = match (&request.method, segments.as_slice()) {
        (&Method::GET, ["common", "discovery", "instance"]) => discovery::instance(request),
        (&Method::GET, [tenant, "v2.0", ".well-known", "openid-configuration"])
        | (&Method::GET, [tenant, ".well-known", "openid-configuration"]) => discovery::openid(world, request, tenant),
        (&Method::GET, [_, "discovery", "v2.0", "keys"]) => message::json(StatusCode::OK, &json!({"keys": []})),
        (&Method::POST, [tenant, "oauth2", "v2.0", "token"]) => tokens::answer(world, request, tenant),
        (&Method::POST, [tenant, "oauth2", "v2.0", "devicecode"]) => device::begin(world, request, tenant),
        (&Method::GET, ["devicelogin"]) => device_page::page(world, request),
        (&Method::POST, ["devicelogin"]) => device_page::decide(world, request),
        (&Method::GET, [tenant, "adminconsent"] | [tenant, "v2.0", "adminconsent"]) => {
            consent::page(world, request, tenant)
        }
        (&Method::POST, [tenant, "adminconsent"] | [tenant, "v2.0", "adminconsent"]) => {
            consent::decide(world, request, tenant)
        }
        _ => return router::not_found(request),
    };
    let id = world.ids.next().to_string();
    message::set(&mut answer, "x-ms-request-id", &id);
    message::set(&mut answer, "x-ms-ests-server", "2.1.12529.16 - SANDBOX ProdSlices");
    answer
}

/// An `AADSTS` error before it is written down.
#[derive(Debug, Clone)]
pub(super) struct EntraRefusal {
    pub(super) status: StatusCode,
    pub(super) error: &'static str,
    pub(super) code: u32,
    pub(super) text: String,
}

impl EntraRefusal {
    fn new(status: u16, error: &'static str, code: u32, text: String) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        Self {
            status,
            error,
            code,
            text,
        }
    }

    /// `AADSTS90002`: no such tenant. The discovery document calls the error `invalid_tenant`, the token endpoint
    /// `invalid_request`.
    fn no_tenant(name: &str, error: &'static str) -> Self {
        let text = format!(
            "Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are signing into the \
             correct cloud. Check with your subscription administrator, this may happen if there are no active \
             subscriptions for the tenant."
        );
        Self::new(400, error, 90002, text)
    }

    /// `AADSTS700016`: no such application, or one of another tenant that is not for others.
    fn no_application(app: &str, tenant: &str) -> Self {
        let text = format!(
            "Application with identifier '{app}' was not found in the directory '{tenant}'. This can happen if the \
             application has not been installed by the administrator of the tenant or consented to by any user in \
             the tenant. You may have sent your authentication request to the wrong tenant."
        );
        Self::new(400, "unauthorized_client", 700_016, text)
    }

    /// The error as the endpoint sends it.
    fn answer(&self, world: &mut SandboxWorld, request: &IncomingRequest) -> SandboxResponse {
        let (trace, correlation) = (world.ids.next(), world.ids.next());
        let correlation = request
            .header("client-request-id")
            .map_or_else(|| correlation.to_string(), str::to_owned);
        let wall = world.wall_clock();
        let timestamp = format!(
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02}Z",
            wall.year(),
            u8::from(wall.month()),
            wall.day(),
            wall.hour(),
            wall.minute(),
            wall.second()
        );
        let body: Value = json!({
            "error": self.error,
            "error_description": format!(
                "AADSTS{}: {} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {timestamp}",
                self.code, self.text
            ),
            "error_codes": [self.code],
            "timestamp": timestamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": format!("{}/error?code={}", request.origin, self.code),
        });
        let mut answer = message::json(self.status, &body);
        message::set(&mut answer, "cache-control", "no-store, no-cache");
        message::set(&mut answer, "x-ms-clitelem", &format!("1,{},0,,", self.code));
        if self.status == StatusCode::BAD_REQUEST {
            message::set(&mut answer, "retry-after", "0");
        }
        answer
    }
}
