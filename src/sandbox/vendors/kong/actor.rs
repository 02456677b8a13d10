//! Kong's control plane: a client of the same world, with an application of its own and no rights but those that the
//! customer gave it.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request};
use serde_json::{Value, json};
use uuid::Uuid;

use super::model::{Gateway, Stage};
use crate::sandbox::message::Answer;
use crate::sandbox::world::{Event, World};

/// How the control plane's requests are marked in the log.
const ACTOR: &str = "konnect";
const ORIGIN: &str = "https://localhost";

/// A piece of work on one transit gateway.
#[derive(Debug, Clone, Copy)]
pub(in crate::sandbox) struct Work {
    gateway: Uuid,
    step: Step,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Takes the gateway up.
    Begin,
    /// Kong's network to the customer's.
    PeerOwn,
    /// The customer's network to Kong's.
    PeerTheirs,
    /// Both directions are Connected.
    Confirm,
    /// Removes both directions and the gateway.
    Remove,
}

impl Work {
    pub(super) fn begin(gateway: Uuid) -> Self {
        Self {
            gateway,
            step: Step::Begin,
        }
    }

    pub(super) fn remove(gateway: Uuid) -> Self {
        Self {
            gateway,
            step: Step::Remove,
        }
    }
}

/// What went wrong: Azure's or Entra's own words, and whether the other side is only busy.
struct Failure {
    reason: String,
    busy: bool,
}

/// Does a piece of work and plans the next.
pub(in crate::sandbox) fn work(world: &mut World, work: Work) {
    let Some(gateway) = world
        .konnect
        .gateways
        .iter()
        .find(|found| found.id == work.gateway)
        .cloned()
    else {
        return;
    };
    let half = world.timing.vendor_work / 2;
    let operation = world.timing.operation;
    let next = |step| Event::Kong(Work { step, ..work });
    match work.step {
        Step::Begin => {
            enter(world, work.gateway, Stage::Initializing);
            world.plan(half, next(Step::PeerOwn));
        }
        Step::PeerOwn => match peer(world, &gateway, Side::Own) {
            Ok(()) => world.plan(operation, next(Step::PeerTheirs)),
            Err(failure) => failed(world, work.gateway, failure),
        },
        Step::PeerTheirs => match peer(world, &gateway, Side::Customers) {
            Ok(()) => world.plan(half.max(operation), next(Step::Confirm)),
            Err(failure) => failed(world, work.gateway, failure),
        },
        Step::Confirm => match confirm(world, &gateway) {
            Ok(()) => enter(world, work.gateway, Stage::Ready),
            Err(failure) => failed(world, work.gateway, failure),
        },
        Step::Remove => {
            // What Kong may not delete any more stays behind, as it would in the customer's tenant.
            let _ = unpeer(world, &gateway, Side::Customers);
            let _ = unpeer(world, &gateway, Side::Own);
            world.konnect.gateways.retain(|found| found.id != work.gateway);
        }
    }
}

fn enter(world: &mut World, id: Uuid, stage: Stage) {
    let now = world.now;
    if let Some(gateway) = world.konnect.gateways.iter_mut().find(|found| found.id == id) {
        gateway.enter(stage, now);
    }
}

/// Tries again after a while, or gives up.
fn failed(world: &mut World, id: Uuid, failure: Failure) {
    let again = Event::Kong(Work {
        gateway: id,
        step: Step::PeerOwn,
    });
    if failure.busy {
        // Never at once, or a world without lag would go round in circles.
        return world.plan(world.timing.operation.max(Duration::from_millis(1)), again);
    }
    let Some(gateway) = world.konnect.gateways.iter_mut().find(|found| found.id == id) else {
        return;
    };
    gateway.attempts += 1;
    gateway.reason = Some(failure.reason);
    if gateway.attempts < world.timing.vendor_attempts {
        return world.plan(world.timing.vendor_retry, again);
    }
    let gateway = gateway.clone();
    // Half a peering of our own would stand in the way of the next attempt.
    let _ = unpeer(world, &gateway, Side::Own);
    enter(world, id, Stage::Error);
}

/// Which network's peering is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Own,
    Customers,
}

/// The two networks and the tenants that they are in, the side that is meant first.
struct Ends {
    peering: String,
    remote: String,
    tenant: String,
    other_tenant: String,
}

fn ends(world: &World, gateway: &Gateway, side: Side) -> Result<Ends, Failure> {
    let network = world.konnect.networks.iter().find(|found| found.id == gateway.network);
    let network = network.ok_or_else(|| Failure {
        reason: "The network is gone.".into(),
        busy: false,
    })?;
    let (own, theirs) = (network.vnet.clone(), gateway.attachment.vnet_id());
    let (own_tenant, tenant) = (world.konnect.data.tenant.to_string(), gateway.attachment.tenant.clone());
    let short = |id: Uuid| id.simple().to_string()[..8].to_owned();
    Ok(match side {
        Side::Own => Ends {
            peering: format!("{own}/virtualNetworkPeerings/customer-{}", short(gateway.id)),
            remote: theirs,
            tenant: own_tenant,
            other_tenant: tenant,
        },
        Side::Customers => Ends {
            peering: format!(
                "{theirs}/virtualNetworkPeerings/kong-{}-{}",
                network.name,
                short(network.id)
            ),
            remote: own,
            tenant,
            other_tenant: own_tenant,
        },
    })
}

fn peer(world: &mut World, gateway: &Gateway, side: Side) -> Result<(), Failure> {
    let ends = ends(world, gateway, side)?;
    let body = json!({"properties": {
        "remoteVirtualNetwork": {"id": ends.remote},
        "allowVirtualNetworkAccess": true,
        "allowForwardedTraffic": true,
        "allowGatewayTransit": false,
        "useRemoteGateways": false,
    }});
    arm(world, Method::PUT, &ends, Some(&body)).map(|_| ())
}

fn unpeer(world: &mut World, gateway: &Gateway, side: Side) -> Result<(), Failure> {
    let ends = ends(world, gateway, side)?;
    arm(world, Method::DELETE, &ends, None).map(|_| ())
}

fn confirm(world: &mut World, gateway: &Gateway) -> Result<(), Failure> {
    for side in [Side::Own, Side::Customers] {
        let ends = ends(world, gateway, side)?;
        let found = arm(world, Method::GET, &ends, None)?;
        let state = found["properties"]["peeringState"].as_str().unwrap_or_default();
        if state != "Connected" {
            return Err(Failure {
                reason: format!("Peering {} is in state {state}.", ends.peering),
                busy: false,
            });
        }
    }
    Ok(())
}

/// A request for a peering, with the tokens of both tenants.
fn arm(world: &mut World, method: Method, ends: &Ends, body: Option<&Value>) -> Result<Value, Failure> {
    let primary = sign_in(world, &ends.tenant)?;
    let auxiliary = sign_in(world, &ends.other_tenant)?;
    let uri = format!("{ORIGIN}{}?api-version=2023-11-01", ends.peering);
    let request = Request::builder()
        .method(method)
        .uri(uri)
        .header("authorization", format!("Bearer {primary}"))
        .header("x-ms-authorization-auxiliary", format!("Bearer {auxiliary}"))
        .header("content-type", "application/json")
        .body(body.map(|body| Bytes::from(body.to_string())).unwrap_or_default());
    // An attachment may hold any text, also such as no URL can.
    let request = request.map_err(|_| Failure {
        reason: format!(
            "InvalidRequestUri: '{}' is not the id of a virtual network.",
            ends.peering
        ),
        busy: false,
    })?;
    let answer = world.call(ACTOR, request);
    let value = read(&answer);
    if answer.status().is_success() {
        return Ok(value);
    }
    let code = value["error"]["code"].as_str().unwrap_or("Unknown");
    let message = value["error"]["message"].as_str().unwrap_or_default();
    let busy = ["RetryableError", "ReferencedResourceNotProvisioned"].contains(&code);
    Err(Failure {
        reason: format!("{code}: {message}"),
        busy,
    })
}

/// A token of Kong's application in a tenant.
fn sign_in(world: &mut World, tenant: &str) -> Result<String, Failure> {
    let data = &world.konnect.data;
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("client_id", &data.app_id.to_string())
        .append_pair("client_secret", &data.secret)
        .append_pair("scope", "https://management.core.windows.net//.default")
        .finish();
    let mut request = Request::new(Bytes::from(form));
    *request.method_mut() = Method::POST;
    let uri = format!("{ORIGIN}/{}/oauth2/v2.0/token", percent(tenant));
    *request.uri_mut() = uri.parse().unwrap_or_default();
    let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers_mut().insert(http::header::CONTENT_TYPE, kind);
    let answer = world.call(ACTOR, request);
    let value = read(&answer);
    if let Some(token) = value["access_token"].as_str() {
        return Ok(token.to_owned());
    }
    let description = value["error_description"].as_str().unwrap_or("The sign-in failed.");
    let reason = description.split(" Trace ID:").next().unwrap_or(description).to_owned();
    Err(Failure { reason, busy: false })
}

fn percent(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
        .to_string()
        .replace("%2D", "-")
        .replace("%2E", ".")
}

fn read(answer: &Answer) -> Value {
    serde_json::from_slice(answer.body()).unwrap_or_default()
}
