//! Operations that a vendor's control plane supports: it is a client of the same world, with its own application and
//! only the rights that were granted to it.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::sandbox::message::SandboxResponse;
use crate::sandbox::world::SandboxWorld;

const ORIGIN: &str = "https://localhost";
const ARM: &str = "https://management.core.windows.net/";
const GRAPH: &str = "https://graph.microsoft.com";

/// A vendor's application, and how its requests are marked in the log.
#[derive(Debug, Clone)]
pub(super) struct ControlPlaneActor {
    pub(super) name: &'static str,
    pub(super) app_id: Uuid,
    pub(super) secret: String,
}

/// Error that occurred, in the words of Azure, Graph, or Entra.
#[derive(Debug, Clone)]
pub(super) struct ControlPlaneFailure {
    pub(super) reason: String,
    /// Whether the failure means only that the other side is busy.
    pub(super) busy: bool,
    status: Option<StatusCode>,
}

impl ControlPlaneFailure {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            busy: false,
            status: None,
        }
    }

    fn is(&self, status: StatusCode) -> bool {
        self.status == Some(status)
    }
}

/// Returns the delay before a failed operation is retried: short if the other side is only busy, a pause as long as
/// attempts remain, otherwise `None`.
pub(super) fn again(world: &SandboxWorld, attempts: &mut u32, failure: &ControlPlaneFailure) -> Option<Duration> {
    if failure.busy {
        // Never at once, or a world without lag would go round in circles.
        return Some(world.timing.operation.max(Duration::from_millis(1)));
    }
    *attempts += 1;
    (*attempts < world.timing.vendor_attempts).then_some(world.timing.vendor_retry)
}

/// One direction of a peering, as its writer sees it.
#[derive(Debug, Clone)]
pub(super) struct WriteDirection {
    /// Its id.
    pub(super) peering: String,
    /// The network that it leads to.
    pub(super) remote: String,
    /// The tenant of the network that it is on, as the customer or the estate names it.
    pub(super) tenant: String,
    pub(super) remote_tenant: String,
}

impl ControlPlaneActor {
    /// Writes a direction.
    pub(super) fn peer(
        &self,
        world: &mut SandboxWorld,
        direction: &WriteDirection,
        use_gateways: bool,
    ) -> Result<(), ControlPlaneFailure> {
        let body = json!({"properties": {
            "remoteVirtualNetwork": {"id": direction.remote},
            "allowVirtualNetworkAccess": true,
            "allowForwardedTraffic": true,
            "allowGatewayTransit": false,
            "useRemoteGateways": use_gateways,
        }});
        self.peering(world, Method::PUT, direction, Some(&body)).map(|_| ())
    }

    /// Deletes a direction.
    pub(super) fn unpeer(
        &self,
        world: &mut SandboxWorld,
        direction: &WriteDirection,
    ) -> Result<(), ControlPlaneFailure> {
        self.peering(world, Method::DELETE, direction, None).map(|_| ())
    }

    /// A direction's `peeringState`.
    pub(super) fn state(
        &self,
        world: &mut SandboxWorld,
        direction: &WriteDirection,
    ) -> Result<String, ControlPlaneFailure> {
        let found = self.peering(world, Method::GET, direction, None)?;
        let state = found["properties"]["peeringState"].as_str();
        Ok(state.unwrap_or_default().to_owned())
    }

    fn peering(
        &self,
        world: &mut SandboxWorld,
        method: Method,
        direction: &WriteDirection,
        body: Option<&Value>,
    ) -> Result<Value, ControlPlaneFailure> {
        let primary = self.sign_in(world, &direction.tenant, ARM)?;
        let auxiliary = self.sign_in(world, &direction.remote_tenant, ARM)?;
        let path = format!("{}?api-version=2023-11-01", direction.peering);
        self.send(world, method, &path, &primary, Some(&auxiliary), body)
    }

    /// Proves that a tenant knows the vendor's application.
    pub(super) fn is_welcome(&self, world: &mut SandboxWorld, tenant: &str) -> Result<(), ControlPlaneFailure> {
        self.sign_in(world, tenant, ARM).map(|_| ())
    }

    /// The service principal of a customer's application in the vendor's own tenant, made where there is none.
    pub(super) fn invite(
        &self,
        world: &mut SandboxWorld,
        tenant: &str,
        app: &str,
    ) -> Result<String, ControlPlaneFailure> {
        let token = self.sign_in(world, tenant, GRAPH)?;
        let path = format!("/v1.0/servicePrincipals(appId='{}')", percent(app));
        let found = match self.send(world, Method::GET, &path, &token, None, None) {
            Err(failure) if failure.is(StatusCode::NOT_FOUND) => {
                let body = json!({"appId": app, "accountEnabled": true});
                let path = "/v1.0/servicePrincipals";
                self.send(world, Method::POST, path, &token, None, Some(&body))?
            }
            other => other?,
        };
        let id = found["id"].as_str();
        id.map(str::to_owned)
            .ok_or_else(|| ControlPlaneFailure::new("Graph gave no object id."))
    }

    /// Removes that service principal again.
    pub(super) fn disinvite(
        &self,
        world: &mut SandboxWorld,
        tenant: &str,
        app: &str,
    ) -> Result<(), ControlPlaneFailure> {
        let token = self.sign_in(world, tenant, GRAPH)?;
        let path = format!("/v1.0/servicePrincipals(appId='{}')", percent(app));
        self.send(world, Method::DELETE, &path, &token, None, None).map(|_| ())
    }

    /// Writes or deletes a role assignment in the vendor's own tenant; one that there is already does as well.
    pub(super) fn assignment(
        &self,
        world: &mut SandboxWorld,
        method: Method,
        tenant: &str,
        id: &str,
        body: Option<&Value>,
    ) -> Result<(), ControlPlaneFailure> {
        let token = self.sign_in(world, tenant, ARM)?;
        let path = format!("{id}?api-version=2022-04-01");
        match self.send(world, method, &path, &token, None, body) {
            Err(failure) if failure.is(StatusCode::CONFLICT) && failure.reason.starts_with("RoleAssignmentExists") => {
                Ok(())
            }
            other => other.map(|_| ()),
        }
    }

    fn send(
        &self,
        world: &mut SandboxWorld,
        method: Method,
        path: &str,
        token: &str,
        auxiliary: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Value, ControlPlaneFailure> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{ORIGIN}{path}"))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json");
        if let Some(auxiliary) = auxiliary {
            request = request.header("x-ms-authorization-auxiliary", format!("Bearer {auxiliary}"));
        }
        let request = request.body(body.map(|body| Bytes::from(body.to_string())).unwrap_or_default());
        // A customer may write any text for a network's name, also such as no URL can hold.
        let request = request.map_err(|_| {
            let path = path.split('?').next().unwrap_or(path);
            ControlPlaneFailure::new(format!(
                "InvalidRequestUri: '{path}' is not the id of a virtual network."
            ))
        })?;
        let answer = world.call(self.name, request);
        let value = read(&answer);
        if answer.status().is_success() {
            return Ok(value);
        }
        let code = value["error"]["code"].as_str().unwrap_or("Unknown");
        let message = value["error"]["message"].as_str().unwrap_or_default();
        Err(ControlPlaneFailure {
            reason: format!("{code}: {message}"),
            busy: ["RetryableError", "ReferencedResourceNotProvisioned"].contains(&code),
            status: Some(answer.status()),
        })
    }

    /// A token of the vendor's application in a tenant.
    fn sign_in(&self, world: &mut SandboxWorld, tenant: &str, resource: &str) -> Result<String, ControlPlaneFailure> {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &self.app_id.to_string())
            .append_pair("client_secret", &self.secret)
            .append_pair("scope", &format!("{resource}/.default"))
            .finish();
        let mut request = Request::new(Bytes::from(form));
        *request.method_mut() = Method::POST;
        let uri = format!("{ORIGIN}/{}/oauth2/v2.0/token", percent(tenant));
        *request.uri_mut() = uri.parse().unwrap_or_default();
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers_mut().insert(http::header::CONTENT_TYPE, kind);
        let answer = world.call(self.name, request);
        let value = read(&answer);
        if let Some(token) = value["access_token"].as_str() {
            return Ok(token.to_owned());
        }
        let description = value["error_description"].as_str().unwrap_or("The sign-in failed.");
        Err(ControlPlaneFailure::new(
            description.split(" Trace ID:").next().unwrap_or(description),
        ))
    }
}

fn percent(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
        .to_string()
        .replace("%2D", "-")
        .replace("%2E", ".")
}

fn read(answer: &SandboxResponse) -> Value {
    serde_json::from_slice(answer.body()).unwrap_or_default()
}
