//! The peering: our direction, theirs where it is ours to write, and what there is to see of both.

use super::hcl::{HclBody, code, text, texts};
use super::{TerraformRequest, TerraformSource, as_live, import, roles};
use crate::azure::PeeringBody;
use crate::domain::{PeeredSubnets, PeeringState};
use crate::plan::{OwnApp, PeeringSettings, RoleGrantee};

const THEIRS: &str = "azurerm_virtual_network_peering.theirs";

pub(super) fn write(source: &TerraformSource<'_>, file: &mut HclBody) {
    let asks_dragonfly = source.request() == TerraformRequest::Dragonfly && source.live_request().is_none();
    if !source.writes_ours() || asks_dragonfly {
        file.block("data \"azurerm_virtual_network\" \"ours\"", |body| {
            body.set("name", code("local.vnet_name"));
            body.set("resource_group_name", code("local.resource_group_name"));
        });
    }
    if source.writes_ours() {
        ours(source, file);
    } else {
        file.comment(&format!(
            "{} creates both directions; that usually takes {}.",
            source.vendor(),
            source.intent.vendor.usual_wait
        ));
        file.blank();
    }
    if source.writes_theirs() {
        theirs(source, file);
    }
    outputs(source, file);
}

fn ours(source: &TerraformSource<'_>, file: &mut HclBody) {
    let (intent, existing) = (source.intent, source.existing);
    let found = usable(existing.ours.as_ref(), file);
    let own_app = intent.own_app.is_some();
    let grants = existing.grants.iter();
    let own = grants.filter(|existing| existing.grant.to == RoleGrantee::OwnApp);
    let own: Vec<_> = own.filter(|existing| roles::is_ours(source, existing)).collect();
    let assignment = (!own.is_empty()).then(|| "azurerm_role_assignment.own".to_owned());
    let theirs = (source.writes_theirs() && theirs_is_first(source)).then(|| THEIRS.to_owned());
    let after = source.request().address().into_iter().chain(assignment).chain(theirs);
    let after: Vec<String> = after.collect();
    file.comment("Our direction.");
    if own_app {
        written_by_application(source, &after, found.is_some(), file);
        if own.iter().any(|existing| existing.grant.built_in.is_none()) {
            file.comment(
                "Deleting it takes no second tenant, and the application's role does not allow it: take the line \
                 `provider` out before you destroy it.",
            );
        }
    }
    let settings = intent.peering_settings;
    file.resource("azurerm_virtual_network_peering", "ours", |body| {
        if own_app {
            body.set("provider", code("azurerm.own_application")).blank();
        }
        let name = found.map_or(&existing.our_name, |found| &found.id.name);
        let live = found.map(|found| &found.id.vnet);
        let (group, vnet) = (&intent.vnet.resource_group, &intent.vnet.name);
        body.set("name", text(name)).set(
            "resource_group_name",
            as_live(
                "local.resource_group_name",
                group,
                live.map(|live| live.resource_group.as_str()),
            ),
        );
        body.set(
            "virtual_network_name",
            as_live("local.vnet_name", vnet, live.map(|live| live.name.as_str())),
        );
        let known = existing.remote.as_ref().map(|remote| remote.vnet.to_string());
        let other = remote_of(found);
        body.set(
            "remote_virtual_network_id",
            as_live(&source.remote_vnet(), &known.unwrap_or_default(), other.as_deref()),
        );
        flags(body, (found, existing.theirs.as_ref()), settings);
        if !after.is_empty() {
            body.blank().set("depends_on", code(format!("[{}]", after.join(", "))));
        }
    });
    if let Some(found) = found {
        import(file, "azurerm_virtual_network_peering.ours", &found.id.to_string());
    }
}

/// Writes the comment about the manual action that is required in between, and its reason.
fn written_by_application(source: &TerraformSource<'_>, after: &[String], exists: bool, file: &mut HclBody) {
    let found = source.existing.own_app.as_ref();
    let id = match (&source.intent.own_app, found) {
        (Some(OwnApp::Given(id)), _) => id.to_string(),
        (_, Some(found)) => found.app_id.to_string(),
        _ => "\"$(terraform output -raw own_application_client_id)\"".to_owned(),
    };
    let mut first = Vec::new();
    if exists {
        file.comment(
            "Reading it, too, takes a client secret of the application: one that ends within the hour will do.",
        );
    } else {
        file.comment(
            "It takes tokens of both tenants, so it comes last: first all that it depends on, then a client secret for the \
             application that ends within the hour, then the whole.",
        );
        let principal = "azuread_service_principal.own".to_owned();
        let targets = after
            .iter()
            .chain([&principal])
            .map(|target| format!(" -target={target}"));
        first.push(format!("terraform apply{}", targets.collect::<String>()));
    }
    file.verbatim(first.into_iter().chain([
        "end=$(date -u -d '+1 hour' '+%Y-%m-%dT%H:%M:%SZ')".to_owned(),
        format!("secret=$(az ad app credential reset --append --id {id} \\"),
        "    --display-name terraform --end-date \"$end\" --query password --output tsv)".to_owned(),
        "TF_VAR_own_application_client_secret=$secret terraform apply".to_owned(),
    ]));
}

fn theirs(source: &TerraformSource<'_>, file: &mut HclBody) {
    let Some(remote) = source.intent.configured_remote() else {
        return;
    };
    let found = usable(source.existing.theirs.as_ref(), file);
    let name = source.intent.remote_peering_name(&remote);
    let first = theirs_is_first(source);
    file.comment(match first {
        true => "The other direction, before ours: ours may use gateways only once this one allows it.",
        false => "The other direction, after ours: Azure takes one change of the two networks at a time.",
    });
    file.resource("azurerm_virtual_network_peering", "theirs", |body| {
        body.set("provider", code("azurerm.remote")).blank();
        body.set("name", text(found.map_or(&name, |found| &found.id.name)));
        let live = found.map(|found| &found.id.vnet);
        let (group, vnet) = (&remote.vnet.resource_group, &remote.vnet.name);
        body.set(
            "resource_group_name",
            as_live(
                "local.remote_resource_group_name",
                group,
                live.map(|live| live.resource_group.as_str()),
            ),
        );
        body.set(
            "virtual_network_name",
            as_live("local.remote_vnet_name", vnet, live.map(|live| live.name.as_str())),
        );
        let (ours, other) = (source.intent.vnet.to_string(), remote_of(found));
        body.set(
            "remote_virtual_network_id",
            as_live("local.vnet_id", &ours, other.as_deref()),
        );
        let settings = PeeringSettings {
            allow_gateway_transit: first,
            ..PeeringSettings::default()
        };
        flags(body, (found, source.existing.ours.as_ref()), settings);
        if !first {
            body.blank()
                .set("depends_on", code("[azurerm_virtual_network_peering.ours]"));
        }
    });
    if let Some(found) = found {
        import(file, "azurerm_virtual_network_peering.theirs", &found.id.to_string());
    }
}

/// Returns whether the local direction uses, or is to use, the other network's gateways: then the remote direction
/// comes first.
fn theirs_is_first(source: &TerraformSource<'_>) -> bool {
    let found = source.existing.ours.as_ref();
    source.intent.peering_settings.use_remote_gateways || found.is_some_and(|found| found.use_remote_gateways)
}

/// The network that a live peering leads to, as it writes it.
fn remote_of(found: Option<&PeeringBody>) -> Option<String> {
    Some(found?.remote_vnet.as_ref()?.to_string())
}

/// One that is Disconnected cannot be taken over.
fn usable<'a>(found: Option<&'a PeeringBody>, file: &mut HclBody) -> Option<&'a PeeringBody> {
    let found = found?;
    if found.state == PeeringState::Disconnected {
        file.comment(&format!(
            "{} is Disconnected, and Azure takes no other in its place as long as it is there: `peerctl azure repair` first.",
            found.id
        ));
        file.blank();
        return None;
    }
    Some(found)
}

/// Sets the flags of a peering. Existing permissions stay, and a peering that links all addresses continues to do so.
fn flags(
    body: &mut HclBody,
    (found, opposite): (Option<&PeeringBody>, Option<&PeeringBody>),
    settings: PeeringSettings,
) {
    let kept = |of: fn(&PeeringBody) -> bool| found.is_some_and(of);
    body.set("allow_virtual_network_access", true);
    body.set(
        "allow_forwarded_traffic",
        settings.allow_forwarded_traffic || kept(|found| found.allow_forwarded_traffic),
    );
    body.set(
        "allow_gateway_transit",
        settings.allow_gateway_transit || kept(|found| found.allow_gateway_transit),
    );
    body.set(
        "use_remote_gateways",
        settings.use_remote_gateways || kept(|found| found.use_remote_gateways),
    );
    let subnets = match found {
        Some(found) => found.subnets(),
        None => opposite.and_then(PeeringBody::subnets).map(PeeredSubnets::mirrored),
    };
    if let Some(subnets) = subnets {
        body.set("peer_complete_virtual_networks_enabled", false);
        for (name, subnets) in [
            ("local_subnet_names", subnets.local),
            ("remote_subnet_names", subnets.remote),
        ] {
            if !subnets.is_empty() {
                body.set(name, texts(&subnets));
            }
        }
    }
    if found.or(opposite).is_some_and(PeeringBody::is_ipv6_only) {
        body.set("only_ipv6_peering_enabled", true);
    }
}

fn outputs(source: &TerraformSource<'_>, file: &mut HclBody) {
    let vendor = source.vendor();
    let mut output = |name: &str, description: &str, value: String| {
        file.block(&format!("output \"{name}\""), |body| {
            body.set("description", description).set("value", code(value));
        });
    };
    if source.intent.own_app.is_some() {
        let id = "azuread_service_principal.own.client_id".to_owned();
        output(
            "own_application_client_id",
            "The application that writes our direction",
            id,
        );
    }
    if source.writes_ours() {
        let id = "azurerm_virtual_network_peering.ours.id".to_owned();
        output("our_direction", "The peering of our virtual network", id);
    } else {
        let described =
            format!("The network's peerings, by name, with the networks they lead to: {vendor}'s is among them");
        let peerings = "data.azurerm_virtual_network.ours.vnet_peerings".to_owned();
        output("our_direction", &described, peerings);
    }
    let state = match source.request() {
        TerraformRequest::Konnect => {
            "konnect_cloud_gateway_transit_gateway.vendor.azure_transit_gateway_response.state".to_owned()
        }
        TerraformRequest::Aiven => "aiven_azure_vpc_peering_connection.vendor.state".to_owned(),
        TerraformRequest::Dragonfly => "dfcloud_connection.vendor.status".to_owned(),
        TerraformRequest::Nobody if source.writes_theirs() => "azurerm_virtual_network_peering.theirs.id".to_owned(),
        _ => return,
    };
    let described = match source.request() {
        TerraformRequest::Nobody => "The peering of the other virtual network".to_owned(),
        _ => format!("What {vendor} says of its direction; both are Connected where `peerctl azure status` says so"),
    };
    output("their_direction", &described, state);
}
