//! Azure Resource Manager: subscriptions, networks, peerings, roles, locks, Resource Graph.
//!
//! A request passes, in Azure's order: token (401), what the caller may still send (429), subscription and tenant (404,
//! 401), role (403), locks (409), the linked check (403), the provider's own rules (400), other work in progress (429).

mod access;
mod assignments;
mod builtin;
mod context;
mod definitions;
mod denials;
mod dns_resolvers;
mod eligibilities;
mod errors;
mod groups;
mod interfaces;
mod locks;
mod network_writes;
mod networks;
mod operations;
mod peering_rules;
mod peerings;
mod policy;
mod providers;
mod registrations;
mod resource_graph;
mod route_tables;
mod scope_children;
mod security_groups;
mod security_writes;
mod subscriptions;
mod throttling;

use http::{HeaderMap, Method};
use uuid::Uuid;

use super::faults;
use super::message::{self, IncomingRequest, SandboxResponse};
use super::router::SandboxService;
use super::world::SandboxWorld;
pub(super) use builtin::builtin_roles;
use context::ArmContext;
use errors::ArmRefusal;
pub(super) use interfaces::InterfaceBody;
pub(super) use peerings::{finish_delete, resettle};
pub(super) use security_groups::RuleData;

/// Result of a route: an answer or a refusal.
type ArmResult = Result<SandboxResponse, ArmRefusal>;

/// Answers a request for ARM.
pub(super) fn answer(world: &mut SandboxWorld, request: &IncomingRequest) -> SandboxResponse {
    let mut counts = HeaderMap::new();
    let outcome = route(world, request, &mut counts);
    let mut answer = outcome.unwrap_or_else(|refusal| refusal.answer(&request.origin));
    let (id, service_id) = (world.ids.next().to_string(), world.ids.next().to_string());
    let correlation = request.header("x-ms-correlation-request-id").unwrap_or(&id).to_owned();
    let wall = world.wall_clock();
    let stamp = format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
        wall.year(),
        u8::from(wall.month()),
        wall.day(),
        wall.hour(),
        wall.minute(),
        wall.second()
    );
    message::set(&mut answer, "x-ms-request-id", &id);
    message::set(&mut answer, "x-ms-correlation-request-id", &correlation);
    message::set(&mut answer, "x-ms-routing-request-id", &format!("SANDBOX:{stamp}:{id}"));
    message::set(&mut answer, "x-ms-arm-service-request-id", &service_id);
    message::set(&mut answer, "x-content-type-options", "nosniff");
    answer.headers_mut().extend(counts);
    let wants_echo = request
        .header("x-ms-return-client-request-id")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    if let Some(echo) = request.header("x-ms-client-request-id").filter(|_| wants_echo) {
        message::set(&mut answer, "x-ms-client-request-id", echo);
    }
    answer
}

fn route(world: &mut SandboxWorld, request: &IncomingRequest, counts: &mut HeaderMap) -> ArmResult {
    check_version(request)?;
    let lower = request.lower();
    let words: Vec<&str> = lower.iter().map(String::as_str).collect();
    if words == ["metadata", "endpoints"] {
        return Ok(subscriptions::metadata(request));
    }
    let context = ArmContext::authenticate(world, request)?;
    let query = words == ["providers", "microsoft.resourcegraph", "resources"];
    let reads = query || matches!(request.method, Method::GET | Method::HEAD);
    if context.caller.password_only && !reads {
        return Ok(faults::challenge(SandboxService::Arm));
    }
    throttling::count(world, &context, counts)?;
    match (&request.method, words.as_slice()) {
        (&Method::GET, ["tenants"]) => subscriptions::tenants(world, &context),
        (&Method::GET, ["subscriptions"]) => subscriptions::list(world, &context),
        (&Method::POST, ["providers", "microsoft.resourcegraph", "resources"]) => {
            resource_graph::query(world, &context)
        }
        (_, ["subscriptions", id, rest @ ..]) => {
            let subscription = subscription(world, &context, id)?;
            in_subscription(world, &context, subscription, rest)
        }
        _ => Err(nothing(request)),
    }
}

/// Handles a request in a subscription whose tenant the caller's token is for.
fn in_subscription(world: &mut SandboxWorld, context: &ArmContext<'_>, subscription: Uuid, rest: &[&str]) -> ArmResult {
    let request = context.request;
    // Roles, locks and permissions hang below any scope; the last provider in the path says so.
    let marker = rest.iter().rposition(|word| *word == "microsoft.authorization");
    if let Some(at) = marker.filter(|at| *at > 0 && rest[at - 1] == "providers") {
        let scope = request.segments[..at + 1].join("/");
        return scope_children::route(world, context, &format!("/{scope}"), &rest[at + 1..]);
    }
    match (&request.method, rest) {
        (&Method::GET, []) => subscriptions::get(world, context, subscription),
        (&Method::GET, ["providers", "microsoft.network", "networksecuritygroups"]) => {
            security_groups::list(world, context, &format!("/subscriptions/{subscription}"))
        }
        (
            &Method::POST,
            [
                "resourcegroups",
                _,
                "providers",
                "microsoft.policyinsights",
                "checkpolicyrestrictions",
            ],
        ) => policy::check_restrictions(world, context),
        (&Method::GET, ["providers", "microsoft.network", "dnsresolvers"]) => {
            dns_resolvers::list(world, context, &format!("/subscriptions/{subscription}"))
        }
        (&Method::GET, ["providers", "microsoft.network", "virtualnetworks"]) => {
            networks::list(world, context, subscription, None)
        }
        (
            &Method::GET,
            [
                "providers",
                "microsoft.network",
                "locations",
                _,
                kind @ ("operations" | "operationresults"),
                id,
            ],
        ) => operations::get(world, kind, id),
        (_, ["resourcegroups", group, "providers", "microsoft.network", network @ ..]) => {
            in_network(world, context, subscription, group, network)
        }
        _ => of_subscription(world, context, subscription, rest),
    }
}

/// Handles a request for the offers of a subscription and for its resource groups.
fn of_subscription(world: &mut SandboxWorld, context: &ArmContext<'_>, subscription: Uuid, rest: &[&str]) -> ArmResult {
    let whole = format!("/subscriptions/{subscription}");
    match (&context.request.method, rest) {
        (&Method::GET, ["locations"]) => providers::locations(world, context, subscription),
        (&Method::GET, ["providers"]) => providers::list(world, context, subscription),
        (&Method::GET, ["providers", _]) => providers::get(world, context, subscription),
        (&Method::POST, ["providers", _, "register"]) => providers::register(world, context, subscription),
        (&Method::GET, ["resources"]) => providers::resources(world, context, &whole),
        (&Method::GET, ["resourcegroups"]) => groups::list(world, context, subscription),
        (&Method::GET, ["resourcegroups", name, "resources"]) => {
            providers::resources(world, context, &format!("{whole}/resourceGroups/{name}"))
        }
        (&Method::GET, ["resourcegroups", _]) => groups::get(world, context, subscription),
        (&Method::HEAD, ["resourcegroups", _]) => groups::exists(world, context, subscription),
        (&Method::PUT, ["resourcegroups", _]) => groups::put(world, context, subscription),
        (&Method::DELETE, ["resourcegroups", _]) => groups::delete(world, context, subscription),
        _ => Err(nothing(context.request)),
    }
}

fn in_network(
    world: &mut SandboxWorld,
    context: &ArmContext<'_>,
    subscription: Uuid,
    group: &str,
    rest: &[&str],
) -> ArmResult {
    let request = context.request;
    let name = |index: usize| request.segments.get(index).map(String::as_str).unwrap_or_default();
    match (&request.method, rest) {
        (&Method::GET, ["virtualnetworks"]) => networks::list(world, context, subscription, Some(group)),
        (&Method::GET, ["virtualnetworks", _]) => networks::get(world, context, name(3), name(7)),
        (&Method::PUT, ["virtualnetworks", _]) => network_writes::put(world, context, name(3), name(7)),
        (&Method::DELETE, ["virtualnetworks", _]) => network_writes::delete(world, context),
        (&Method::GET, ["virtualnetworks", _, "subnets"]) => networks::subnets(world, context, name(3), name(7)),
        (&Method::GET, ["virtualnetworks", _, "subnets", _]) => networks::get_subnet(world, context, name(3), name(7)),
        (&Method::PUT, ["virtualnetworks", _, "subnets", _]) => {
            network_writes::put_subnet(world, context, name(3), name(7), name(9))
        }
        (&Method::DELETE, ["virtualnetworks", _, "subnets", _]) => {
            network_writes::delete_subnet(world, context, name(9))
        }
        (&Method::GET, ["networksecuritygroups"]) => security_groups::list(
            world,
            context,
            &format!("/subscriptions/{subscription}/resourceGroups/{group}"),
        ),
        (&Method::GET, ["networkinterfaces", _]) => interfaces::get(world, context, name(3), name(7)),
        (&Method::GET, ["networksecuritygroups", _]) => security_groups::get(world, context, name(3), name(7)),
        (&Method::GET, ["dnsresolvers"]) => dns_resolvers::list(
            world,
            context,
            &format!("/subscriptions/{subscription}/resourceGroups/{group}"),
        ),
        (&Method::GET, ["dnsresolvers", _]) => dns_resolvers::get(world, context, name(3), name(7)),
        (&Method::GET, ["dnsresolvers", _, "inboundendpoints"]) => {
            dns_resolvers::endpoints(world, context, name(3), name(7))
        }
        (&Method::GET, ["routetables"]) => route_tables::list(
            world,
            context,
            &format!("/subscriptions/{subscription}/resourceGroups/{group}"),
        ),
        (&Method::GET, ["routetables", _]) => route_tables::get(world, context, name(3), name(7)),
        (&Method::PUT, ["networksecuritygroups", _]) => security_writes::put(world, context, name(3), name(7)),
        (&Method::DELETE, ["networksecuritygroups", _]) => security_writes::delete(world, context),
        (&Method::GET, ["networksecuritygroups", _, "securityrules", _]) => {
            security_writes::get_rule(world, context, name(9))
        }
        (&Method::PUT, ["networksecuritygroups", _, "securityrules", _]) => {
            security_writes::put_rule(world, context, name(9))
        }
        (&Method::DELETE, ["networksecuritygroups", _, "securityrules", _]) => {
            security_writes::delete_rule(world, context, name(9))
        }
        (&Method::GET, ["virtualnetworks", _, "virtualnetworkpeerings"]) => peerings::list(world, context),
        (&Method::GET, ["virtualnetworks", _, "virtualnetworkpeerings", _]) => peerings::get(world, context),
        (&Method::PUT, ["virtualnetworks", _, "virtualnetworkpeerings", _]) => peerings::put(world, context),
        (&Method::DELETE, ["virtualnetworks", _, "virtualnetworkpeerings", _]) => peerings::delete(world, context),
        _ => Err(nothing(request)),
    }
}

/// `api-version` is there and well-formed: `2023-11-01` or `2022-05-01-preview`.
fn check_version(request: &IncomingRequest) -> Result<(), ArmRefusal> {
    let Some(version) = request.query("api-version") else {
        let text = "The api-version query parameter (?api-version=) is required for all requests.";
        return Err(ArmRefusal::new(400, "MissingApiVersionParameter", text));
    };
    let date = version.strip_suffix("-preview").unwrap_or(version);
    let shape = |(index, c): (usize, char)| {
        if index == 4 || index == 7 {
            c == '-'
        } else {
            c.is_ascii_digit()
        }
    };
    if date.len() == 10 && date.chars().enumerate().all(shape) {
        return Ok(());
    }
    let text = format!(
        "The api-version '{version}' is invalid. The supported versions are of the form 'yyyy-MM-dd' or 'yyyy-MM-dd-preview'."
    );
    Err(ArmRefusal::new(400, "InvalidApiVersionParameter", text))
}

/// The subscription of a path, after checking that the token is of its tenant.
fn subscription(world: &SandboxWorld, context: &ArmContext<'_>, id: &str) -> Result<Uuid, ArmRefusal> {
    let malformed = || {
        let given = context.request.segments.get(1).map(String::as_str).unwrap_or(id);
        let text = format!("The provided subscription identifier '{given}' is malformed or invalid.");
        ArmRefusal::new(400, "InvalidSubscriptionId", text)
    };
    let id = Uuid::parse_str(id).map_err(|_| malformed())?;
    let found = world.subscription(id);
    let found = found.ok_or_else(|| {
        ArmRefusal::new(
            404,
            "SubscriptionNotFound",
            format!("The subscription '{id}' could not be found."),
        )
    })?;
    if found.tenant == context.caller.tenant {
        return Ok(id);
    }
    Err(context.wrong_tenant(found.tenant))
}

fn nothing(request: &IncomingRequest) -> ArmRefusal {
    if request.method != Method::GET && request.method != Method::HEAD {
        let text = format!("The sandbox does not support {} on '{}'.", request.method, request.path);
        return ArmRefusal::new(405, "MethodNotAllowed", text);
    }
    let text = format!("The sandbox serves no resource at '{}'.", request.path);
    ArmRefusal::new(404, "InvalidResourceType", text)
}
