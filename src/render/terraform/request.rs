//! The vendor's request: by the vendor's own provider, or what is left to do by hand.

use uuid::Uuid;

use super::hcl::{HclBody, HclValue, code, text, texts};
use super::{TerraformRequest, TerraformSource, as_live, import};
use crate::plan::{OwnApp, RoleGrantee};
use crate::vendors::{DnsMapping, VendorRequest};

pub(super) fn write(source: &TerraformSource<'_>, file: &mut HclBody) {
    let Some((kind, name)) = source.request().resource() else {
        return by_hand(source, file);
    };
    let found = source.existing.request.as_ref();
    let live = source.live_request();
    let what = source
        .intent
        .vendor
        .access
        .as_ref()
        .map_or("request", |access| &access.request);
    file.comment(&format!("{} is asked for its {what}.", source.vendor()));
    file.comment("Where it fails because the role was not in force yet:");
    file.verbatim([format!("terraform apply -replace={kind}.{name}")]);
    if let Some(dead) = found.filter(|_| live.is_none()) {
        file.comment(&format!(
            "The one that is there, {}, is {} and has to go first: `peerctl azure repair`, or {}'s console.",
            dead.id,
            dead.state,
            source.vendor()
        ));
    }
    file.resource(kind, name, |body| {
        match source.request() {
            TerraformRequest::Konnect => konnect(source, live, body),
            TerraformRequest::Aiven => aiven(source, live, body),
            _ => dragonfly(source, live, body),
        }
        let grants = source.existing.grants.iter();
        let mut vendors = grants.filter(|existing| existing.grant.to == RoleGrantee::Vendor);
        // An assignment above the network is not Terraform's.
        if vendors.any(|existing| super::roles::is_ours(source, existing)) {
            body.blank().set("depends_on", code("[azurerm_role_assignment.vendor]"));
        }
    });
    if let Some(found) = live {
        import(file, &format!("{kind}.{name}"), &import_id(source, found));
    }
}

fn import_id(source: &TerraformSource<'_>, found: &VendorRequest) -> String {
    let network = source
        .existing
        .network
        .as_ref()
        .map_or("", |network| network.id.as_str());
    match source.request() {
        TerraformRequest::Konnect => serde_json::json!({ "id": found.id, "network_id": network }).to_string(),
        TerraformRequest::Aiven => {
            let (subscription, _, vnet) = aivens_names(source, Some(found));
            format!("{}/{subscription}/{vnet}", vpc(source))
        }
        _ => found.id.clone(),
    }
}

fn konnect(source: &TerraformSource<'_>, found: Option<&VendorRequest>, body: &mut HclBody) {
    let live = |member: &str| found.and_then(|found| found.attachment[member].as_str());
    let [tenant, subscription, group, vnet] = network(source);
    let attachment = vec![
        ("kind", text("azure-vnet-peering-attachment")),
        ("tenant_id", as_live("local.tenant_id", &tenant, live("tenant_id"))),
        (
            "subscription_id",
            as_live("local.subscription_id", &subscription, live("subscription_id")),
        ),
        (
            "resource_group_name",
            as_live("local.resource_group_name", &group, live("resource_group_name")),
        ),
        ("vnet_name", as_live("local.vnet_name", &vnet, live("vnet_name"))),
    ];
    let mut gateway = vec![("name", request_name(source, found))];
    // Konnect changes none: one that is there keeps its own.
    let dns = found.map_or(&source.intent.dns, |found| &found.dns);
    let mapping = |dns: &DnsMapping| {
        HclValue::Object(vec![
            ("domain_proxy_list", texts(&dns.domains)),
            ("remote_dns_server_ip_addresses", texts(&dns.servers)),
        ])
    };
    if !dns.is_empty() {
        gateway.push(("dns_config", HclValue::List(dns.iter().map(mapping).collect())));
    }
    gateway.push(("transit_gateway_attachment_config", HclValue::Object(attachment)));
    body.set("network_id", code(source.vendor_network()));
    body.set("azure_transit_gateway", HclValue::Object(gateway));
}

/// Subscription, resource group and network as Aiven keeps them: it compares them as they are, and wants lower case.
fn aivens_names(source: &TerraformSource<'_>, found: Option<&VendorRequest>) -> (String, String, String) {
    let named = found.and_then(|found| found.vnet.as_ref());
    let vnet = named.unwrap_or(&source.intent.vnet);
    let kept = |name: &str| {
        if named.is_some() {
            name.to_owned()
        } else {
            name.to_lowercase()
        }
    };
    (
        vnet.subscription.to_string(),
        kept(&vnet.resource_group),
        kept(&vnet.name),
    )
}

/// The project VPC as the provider names it.
fn vpc(source: &TerraformSource<'_>) -> String {
    let input = |key| source.intent.vendor_input(key).unwrap_or_default();
    format!("{}/{}", input("project"), input("vpc"))
}

fn aiven(source: &TerraformSource<'_>, found: Option<&VendorRequest>, body: &mut HclBody) {
    let (subscription, group, vnet) = aivens_names(source, found);
    body.set("vpc_id", text(vpc(source)))
        .set("azure_subscription_id", text(subscription));
    body.set("peer_resource_group", text(group))
        .set("vnet_name", text(vnet));
    body.set("peer_azure_app_id", own_client_id(source))
        .set("peer_azure_tenant_id", code("local.tenant_id"));
}

fn dragonfly(source: &TerraformSource<'_>, found: Option<&VendorRequest>, body: &mut HclBody) {
    body.set("name", request_name(source, found));
    body.set("network_id", code(source.vendor_network()));
    let live = |pointer: &str| found.and_then(|found| found.attachment.pointer(pointer));
    let texts = |pointer: &str| live(pointer).and_then(serde_json::Value::as_str);
    let [tenant, subscription, group, vnet] = network(source);
    let mut peer = vec![
        (
            "account_id",
            as_live("local.subscription_id", &subscription, texts("/account_id")),
        ),
        ("vpc_id", as_live("local.vnet_name", &vnet, texts("/vpc_id"))),
    ];
    // The provider replaces the connection where any of this differs, and one that was made in the console has no region.
    match found {
        None => peer.push(("region", code("data.azurerm_virtual_network.ours.location"))),
        Some(_) => peer.extend(texts("/region").map(|region| ("region", text(region)))),
    }
    let ours = source.existing.own_app.as_ref().map(|app| app.app_id.to_string());
    let app = texts("/azure/app_object_id").filter(|app| Some(*app) != ours.as_deref());
    let gateways = live("/azure/use_remote_gateways").and_then(serde_json::Value::as_bool);
    peer.extend([
        (
            "azure_resource_group",
            as_live("local.resource_group_name", &group, texts("/azure/resource_group")),
        ),
        (
            "azure_tenant_id",
            as_live("local.tenant_id", &tenant, texts("/azure/tenant_id")),
        ),
        // Called an object id; what Dragonfly means is the client id.
        ("azure_app_object_id", app.map_or_else(|| own_client_id(source), text)),
        ("azure_use_remote_gateways", gateways.unwrap_or(false).into()),
    ]);
    body.set("peer", HclValue::Object(peer));
}

/// Tenant, subscription, resource group and name of the network, as the locals have them.
fn network(source: &TerraformSource<'_>) -> [String; 4] {
    let vnet = &source.intent.vnet;
    [
        source.intent.tenant.to_string(),
        vnet.subscription.to_string(),
        vnet.resource_group.clone(),
        vnet.name.clone(),
    ]
}

fn request_name(source: &TerraformSource<'_>, found: Option<&VendorRequest>) -> HclValue {
    text(found.map_or(source.intent.request_name(), |found| &found.name))
}

fn own_client_id(source: &TerraformSource<'_>) -> HclValue {
    source.own_client_id().map_or_else(|| text(""), code)
}

/// Nothing asks the vendor but a person.
fn by_hand(source: &TerraformSource<'_>, file: &mut HclBody) {
    if source.request() == TerraformRequest::Nobody {
        return;
    }
    // The own application's id may be known only once it is made: a mark stands where it goes.
    let (mark, app) = (Uuid::from_u128(u128::MAX), source.existing.own_app.as_ref());
    let known = match source.intent.own_app {
        Some(OwnApp::Given(id)) => Some(id),
        _ => app.map(|app| app.app_id),
    };
    let card = source.intent.card(known.or(Some(mark)));
    let output = "the output own_application_client_id";
    file.comment(&format!(
        "By hand, once the roles are assigned: these values, at {}",
        card.place
    ));
    file.verbatim(card.before.iter().map(|line| format!("before that: {line}")));
    let values = card.values.iter();
    file.verbatim(values.map(|value| format!("{}: {}", value.label, value.value.replace(&mark.to_string(), output))));
    if source.remote_vnet() == "var.remote_vnet_id" {
        file.comment(&format!(
            "What {} then shows of its network goes into remote_vnet_id.",
            source.vendor()
        ));
    }
    file.blank();
}
