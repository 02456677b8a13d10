//! `/v2/cloud-gateways/…`

use http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::model::{self, GatewayAttachment, GatewayStage, KongNetworkRecord, TransitGatewayRecord};
use super::{GatewayWork, KongProblem};
use crate::sandbox::message::{self, IncomingRequest, SandboxResponse};
use crate::sandbox::world::{SandboxWorld, WorldEvent};

type KongResult = Result<SandboxResponse, KongProblem>;

pub(super) fn answer(world: &mut SandboxWorld, request: &IncomingRequest) -> SandboxResponse {
    let outcome = authenticate(world, request).and_then(|()| route(world, request));
    outcome.unwrap_or_else(|problem| {
        let trace = world.ids.next().as_u64_pair().0 >> 1;
        let mut body = json!({
            "status": problem.status.as_u16(),
            "title": problem.title,
            "instance": format!("konnect:trace:{trace}"),
            "detail": problem.detail,
        });
        if !problem.invalid.is_empty() {
            body["invalid_parameters"] = problem.invalid.into();
        }
        message::text(problem.status, "application/problem+json", body.to_string())
    })
}

fn authenticate(world: &SandboxWorld, request: &IncomingRequest) -> Result<(), KongProblem> {
    let data = &world.konnect.data;
    let token = request.bearer().unwrap_or_default();
    if data.tokens.iter().any(|known| known == token) {
        return Ok(());
    }
    if data.powerless_tokens.iter().any(|known| known == token) {
        let text = "You do not have permission to perform this action.";
        return Err(KongProblem::new(StatusCode::FORBIDDEN, "Forbidden", text));
    }
    Err(KongProblem::new(
        StatusCode::UNAUTHORIZED,
        "Unauthorized",
        "Unauthorized",
    ))
}

fn route(world: &mut SandboxWorld, request: &IncomingRequest) -> KongResult {
    let segments: Vec<&str> = request.segments.iter().skip(2).map(String::as_str).collect();
    match (&request.method, segments.as_slice()) {
        (&Method::GET, ["networks"]) => Ok(networks(world, request)),
        (&Method::GET, ["networks", id]) => {
            let found = find_network(world, id)?;
            Ok(message::json(StatusCode::OK, &model::network(world, found)))
        }
        (&Method::GET, ["networks", id, "transit-gateways"]) => gateways(world, request, id),
        (&Method::POST, ["networks", id, "transit-gateways"]) => create(world, request, id),
        (&Method::GET, ["networks", id, "transit-gateways", gateway]) => {
            let found = find_gateway(world, id, gateway)?;
            Ok(message::json(StatusCode::OK, &model::gateway(world, found)))
        }
        (&Method::DELETE, ["networks", id, "transit-gateways", gateway]) => delete(world, id, gateway),
        (&Method::GET, ["provider-accounts"]) => {
            let account = |provider: &str| {
                json!({
                    "id": model::provider_account(provider),
                    "provider": provider,
                    "provider_account_id": world.konnect.data.account.subscription,
                })
            };
            Ok(paged(request, ["azure", "aws", "gcp"].map(account).to_vec()))
        }
        _ => Err(KongProblem::missing()),
    }
}

fn find_network<'a>(world: &'a SandboxWorld, id: &str) -> Result<&'a KongNetworkRecord, KongProblem> {
    let id = Uuid::parse_str(id).map_err(|_| KongProblem::missing())?;
    world
        .konnect
        .networks
        .iter()
        .find(|found| found.id == id)
        .ok_or_else(KongProblem::missing)
}

fn find_gateway<'a>(world: &'a SandboxWorld, network: &str, id: &str) -> Result<&'a TransitGatewayRecord, KongProblem> {
    let network = find_network(world, network)?.id;
    let id = Uuid::parse_str(id).map_err(|_| KongProblem::missing())?;
    let mut own = world.konnect.gateways.iter().filter(|found| found.network == network);
    own.find(|found| found.id == id).ok_or_else(KongProblem::missing)
}

fn networks(world: &SandboxWorld, request: &IncomingRequest) -> SandboxResponse {
    let found = world
        .konnect
        .networks
        .iter()
        .filter(|found| matches(request, &found.name, &found.state));
    paged(request, found.map(|found| model::network(world, found)).collect())
}

fn gateways(world: &SandboxWorld, request: &IncomingRequest, network: &str) -> KongResult {
    let network = find_network(world, network)?.id;
    let own = world.konnect.gateways.iter().filter(|found| found.network == network);
    let found = own.filter(|found| matches(request, &found.name, found.stage.name()));
    Ok(paged(
        request,
        found.map(|found| model::gateway(world, found)).collect(),
    ))
}

/// `filter[name][eq|neq|contains]` and `filter[state][eq|neq]`.
fn matches(request: &IncomingRequest, name: &str, state: &str) -> bool {
    let holds = |key: &str, test: &dyn Fn(&str) -> bool| request.query(key).is_none_or(test);
    holds("filter[name][eq]", &|value| name == value)
        && holds("filter[name]", &|value| name == value)
        && holds("filter[name][neq]", &|value| name != value)
        && holds("filter[name][contains]", &|value| name.contains(value))
        && holds("filter[state][eq]", &|value| state == value)
        && holds("filter[state][neq]", &|value| state != value)
}

/// One page, `page[size]` and `page[number]` as asked for.
fn paged(request: &IncomingRequest, items: Vec<Value>) -> SandboxResponse {
    let number = |name: &str, usual: usize| {
        request
            .query(name)
            .and_then(|text| text.parse().ok())
            .filter(|number| *number > 0)
            .unwrap_or(usual)
    };
    let (size, page) = (number("page[size]", 10).min(100), number("page[number]", 1));
    let total = items.len();
    let data: Vec<Value> = items
        .into_iter()
        .skip(size.saturating_mul(page - 1))
        .take(size)
        .collect();
    let body = json!({"meta": {"page": {"number": page, "size": size, "total": total}}, "data": data});
    message::json(StatusCode::OK, &body)
}

fn create(world: &mut SandboxWorld, request: &IncomingRequest, network: &str) -> KongResult {
    let network = find_network(world, network)?.id;
    let body = request.json().filter(Value::is_object).ok_or_else(|| {
        KongProblem::new(
            StatusCode::BAD_REQUEST,
            "Bad Request",
            "The request body is not valid JSON.",
        )
    })?;
    let invalid = validate(&body);
    if !invalid.is_empty() {
        let problem = KongProblem::new(StatusCode::BAD_REQUEST, "Invalid Request", "Invalid Parameters");
        return Err(KongProblem { invalid, ..problem });
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let config = &body["transit_gateway_attachment_config"];
    let attachment = GatewayAttachment {
        tenant: text(&config["tenant_id"]),
        subscription: text(&config["subscription_id"]),
        group: text(&config["resource_group_name"]),
        vnet: text(&config["vnet_name"]),
    };
    let dns = body.get("dns_config").cloned().unwrap_or_else(|| json!([]));
    let gateway = model::create(world, network, text(&body["name"]), attachment, dns)?;
    Ok(message::json(StatusCode::CREATED, &model::gateway(world, &gateway)))
}

/// Returns the errors in the body of a new transit gateway, one entry for each field.
fn validate(body: &Value) -> Vec<Value> {
    let mut invalid = Vec::new();
    let mut wrong = |field: &str, rule: &str, reason: &str, more: (&str, Value)| {
        let mut entry = json!({"field": field, "rule": rule, "reason": reason, "source": "body"});
        if !more.0.is_empty() {
            entry[more.0] = more.1;
        }
        invalid.push(entry);
    };
    let none = ("", Value::Null);
    let required = "is a required field";
    match body["name"].as_str() {
        None | Some("") => wrong("name", "required", required, none.clone()),
        Some(name) if name.chars().count() > 120 => {
            let reason = "name must be shorter than or equal to 120 characters";
            wrong("name", "max_length", reason, ("maximum", json!(120)));
        }
        Some(_) => {}
    }
    let at = "transit_gateway_attachment_config";
    let Some(config) = body[at].as_object() else {
        wrong(at, "required", required, none);
        return invalid;
    };
    if config.get("kind").and_then(Value::as_str) != Some("azure-vnet-peering-attachment") {
        let choices = ("choices", json!(["azure-vnet-peering-attachment"]));
        wrong(
            &format!("{at}.kind"),
            "enum",
            "must be one of the allowed values",
            choices,
        );
    }
    let fields = ["tenant_id", "subscription_id", "resource_group_name", "vnet_name"];
    for field in fields {
        if config.get(field).and_then(Value::as_str).is_none_or(str::is_empty) {
            wrong(&format!("{at}.{field}"), "required", required, none.clone());
        }
    }
    for field in config
        .keys()
        .filter(|field| *field != "kind" && !fields.contains(&field.as_str()))
    {
        wrong(
            &format!("{at}.{field}"),
            "unknown_property",
            "is not a known property",
            none.clone(),
        );
    }
    let texts = |value: &Value| {
        value
            .as_array()
            .is_some_and(|items| !items.is_empty() && items.iter().all(Value::is_string))
    };
    let entries = body.get("dns_config").filter(|value| !value.is_null());
    let entries = entries.map(|value| value.as_array().cloned());
    match entries {
        Some(None) => wrong("dns_config", "type", "must be an array", none),
        Some(Some(entries)) => {
            for (index, entry) in entries.iter().enumerate() {
                for field in ["remote_dns_server_ip_addresses", "domain_proxy_list"] {
                    if !texts(&entry[field]) {
                        wrong(
                            &format!("dns_config.{index}.{field}"),
                            "required",
                            required,
                            none.clone(),
                        );
                    }
                }
            }
        }
        None => {}
    }
    invalid
}

fn delete(world: &mut SandboxWorld, network: &str, id: &str) -> KongResult {
    let found = find_gateway(world, network, id)?;
    let (id, stage) = (found.id, found.stage);
    if stage.is_transitional() {
        let text = format!(
            "The transit gateway must be in a non-transitional state before deletion (state: {}).",
            stage.name()
        );
        return Err(KongProblem::new(StatusCode::BAD_REQUEST, "Bad Request", text));
    }
    let now = world.now;
    if let Some(found) = world.konnect.gateways.iter_mut().find(|found| found.id == id) {
        found.enter(GatewayStage::Terminating, now);
    }
    world.plan(world.timing.operation, WorldEvent::Kong(GatewayWork::remove(id)));
    Ok(message::empty(StatusCode::NO_CONTENT))
}
