//! Providers, variables and locals. What is secret comes from the environment of whoever runs Terraform: as a provider
//! reads it, or as a variable that reaches neither the state nor a saved plan.

use super::hcl::{HclBody, HclValue, code, codes, text};
use super::{TerraformRequest, TerraformSource};
use crate::plan::OwnApp;

pub(super) fn write(source: &TerraformSource<'_>, file: &mut HclBody) {
    required(source, file);
    azure(source, file);
    vendor(source, file);
    variables(source, file);
    locals(source, file);
}

/// The vendor's provider: local name, source, versions.
fn vendors_provider(request: TerraformRequest) -> Option<(&'static str, &'static str, Option<&'static str>)> {
    match request {
        TerraformRequest::Konnect => Some(("konnect", "kong/konnect", Some("~> 3.0"))),
        TerraformRequest::Aiven => Some(("aiven", "aiven/aiven", Some("~> 4.0"))),
        // Not at 1.0 yet: the lock file holds what `terraform init` found.
        TerraformRequest::Dragonfly => Some(("dfcloud", "dragonflydb/dfcloud", None)),
        TerraformRequest::ByHand | TerraformRequest::Nobody => None,
    }
}

fn required(source: &TerraformSource<'_>, file: &mut HclBody) {
    let directory = uses_directory(source).then_some(("azuread", "hashicorp/azuread", Some("~> 3.0")));
    let azurerm = ("azurerm", "hashicorp/azurerm", Some("~> 4.0"));
    let providers = directory
        .into_iter()
        .chain([azurerm])
        .chain(vendors_provider(source.request()));
    file.block("terraform", |body| {
        body.set("required_version", ">= 1.10");
        body.block("required_providers", |body| {
            for (name, source, version) in providers {
                let version = version.map(|version| ("version", text(version)));
                let members = std::iter::once(("source", text(source))).chain(version);
                body.set(name, HclValue::Object(members.collect()));
            }
        });
    });
}

fn uses_directory(source: &TerraformSource<'_>) -> bool {
    source.vendor_principal().is_some() || source.intent.own_app.is_some()
}

/// One configuration of azurerm; all of it as expressions.
struct AzurermProviders<'a> {
    alias: Option<&'a str>,
    tenant: &'a str,
    subscription: &'a str,
    /// The other tenant, whose token is sent along.
    auxiliary: Option<String>,
    /// The client id of the application that signs in, where that is not the operator.
    application: Option<String>,
}

impl AzurermProviders<'_> {
    fn write(self, environment: Option<&str>, file: &mut HclBody) {
        file.block("provider \"azurerm\"", |body| {
            if let Some(alias) = self.alias {
                body.set("alias", alias);
            }
            if let Some(name) = environment {
                body.set("environment", name);
            }
            body.set("tenant_id", code(self.tenant))
                .set("subscription_id", code(self.subscription));
            if let Some(tenant) = self.auxiliary {
                body.set("auxiliary_tenant_ids", codes([tenant]));
            }
            if let Some(id) = self.application {
                body.set("client_id", code(id));
                body.set("client_secret", code("var.own_application_client_secret"))
                    .set("use_cli", false);
            }
            // Whoever may write peerings may register no resource provider.
            body.set("resource_provider_registrations", "none");
            body.block("features", |_| {});
        });
    }
}

fn azure(source: &TerraformSource<'_>, file: &mut HclBody) {
    if !matches!(source.cloud, "public" | "usgov" | "china") {
        file.comment(
            "This cloud is none that the providers know by name: set ARM_METADATA_HOSTNAME to the host of its Azure \
             Resource Manager.",
        );
    }
    // Both providers know these by the same words.
    let environment = match source.cloud {
        "usgov" => Some("usgovernment"),
        "china" => Some("china"),
        _ => None,
    };
    if uses_directory(source) {
        file.block("provider \"azuread\"", |body| {
            if let Some(name) = environment {
                body.set("environment", name);
            }
            body.set("tenant_id", code("local.tenant_id"));
        });
    }
    let application = source.own_client_id();
    let operator_writes = source.intent.operator_writes();
    if operator_writes {
        file.comment("Who signs in here writes both directions, with tokens of both tenants: az login in both.");
    }
    let ours = AzurermProviders {
        alias: None,
        tenant: "local.tenant_id",
        subscription: "local.subscription_id",
        auxiliary: operator_writes.then(|| source.remote_tenant()),
        application: None,
    };
    ours.write(environment, file);
    if application.is_some() {
        file.comment("Our direction is written by the application below, with tokens of both tenants.");
        let writer = AzurermProviders {
            alias: Some("own_application"),
            tenant: "local.tenant_id",
            subscription: "local.subscription_id",
            auxiliary: Some(source.remote_tenant()),
            application: application.clone(),
        };
        writer.write(environment, file);
    }
    if source.writes_theirs() {
        file.comment("The other direction is written from the other side.");
        let theirs = AzurermProviders {
            alias: Some("remote"),
            tenant: "local.remote_tenant_id",
            subscription: "local.remote_subscription_id",
            auxiliary: Some("local.tenant_id".to_owned()),
            application,
        };
        theirs.write(environment, file);
    }
}

fn vendor(source: &TerraformSource<'_>, file: &mut HclBody) {
    let Some((name, ..)) = vendors_provider(source.request()) else {
        return;
    };
    let intent = source.intent;
    // The name of the variable is the provider's; peerctl reads Aiven's token where Aiven's own client does.
    let variable = match source.request() {
        TerraformRequest::Konnect => "KONNECT_TOKEN, or of a system account KONNECT_SPAT",
        TerraformRequest::Aiven => "AIVEN_TOKEN",
        _ => "DFCLOUD_API_KEY",
    };
    file.comment(&format!("Its token comes from the environment: {variable}."));
    let usual = intent.vendor.access.as_ref().and_then(|access| access.api.parse().ok());
    let other = intent.vendor_api.as_ref().filter(|api| usual.as_ref() != Some(*api));
    match (source.request(), other) {
        (TerraformRequest::Konnect, Some(api)) => {
            let address = text(api.as_str().trim_end_matches('/'));
            file.block(&format!("provider \"{name}\""), |body| {
                _ = body.set("server_url", address)
            });
        }
        (_, other) => {
            if let Some(api) = other {
                file.comment(&format!(
                    "Its address is not the usual one, and has to be given to the provider: {api}"
                ));
            }
            file.block(&format!("provider \"{name}\""), |_| {});
        }
    }
}

fn variables(source: &TerraformSource<'_>, file: &mut HclBody) {
    let variable = |file: &mut HclBody, name: &str, description: &str, needed_later: bool| {
        file.block(&format!("variable \"{name}\""), |body| {
            body.set("description", description).set("type", code("string"));
            if needed_later {
                body.set("default", code("null"));
            }
        });
    };
    if let Some(app) = &source.intent.own_app {
        file.comment(
            "Neither the state nor a saved plan has it. Without it everything but the peering can be applied.",
        );
        let made = match app {
            OwnApp::Made { .. } => "A client secret of the application that this configuration makes",
            OwnApp::Given(_) => "A client secret of your application",
        };
        file.block("variable \"own_application_client_secret\"", |body| {
            body.set(
                "description",
                format!("{made}; best one that ends within the hour").as_str(),
            );
            body.set("type", code("string")).set("default", code("null"));
            body.set("sensitive", true).set("ephemeral", true);
        });
    }
    let vendor = source.vendor();
    let needs = |name: &str| {
        let used = [source.vendor_network(), source.remote_vnet(), source.remote_tenant()];
        used.iter().any(|used| used == &format!("var.{name}"))
    };
    // Aiven's VPC has no other name than its id.
    if matches!(
        source.request(),
        TerraformRequest::Konnect | TerraformRequest::Dragonfly
    ) && needs("vendor_network_id")
    {
        let called = source.intent.vendor_network().unwrap_or_default();
        variable(
            file,
            "vendor_network_id",
            &format!("The id of {vendor}'s network {called}"),
            false,
        );
    }
    if source.writes_ours() && needs("remote_vnet_id") {
        let described = format!("The Azure resource id of {vendor}'s virtual network, as {vendor} shows it");
        variable(file, "remote_vnet_id", &described, true);
    }
    if source.writes_ours() && needs("remote_tenant_id") {
        let described = format!("The id of {vendor}'s Entra tenant, as {vendor} shows it");
        variable(file, "remote_tenant_id", &described, true);
    }
}

fn locals(source: &TerraformSource<'_>, file: &mut HclBody) {
    let intent = source.intent;
    let vnet = &intent.vnet;
    file.block("locals", |body| {
        body.set("tenant_id", text(intent.tenant))
            .set("subscription_id", text(vnet.subscription));
        body.set("resource_group_name", text(&vnet.resource_group))
            .set("vnet_name", text(&vnet.name));
        body.set("vnet_id", text(vnet));
        if let Some(remote) = intent.configured_remote().filter(|_| source.writes_theirs()) {
            body.set("remote_tenant_id", text(remote.tenant));
            body.set("remote_subscription_id", text(remote.vnet.subscription));
            body.set("remote_resource_group_name", text(&remote.vnet.resource_group));
            body.set("remote_vnet_name", text(&remote.vnet.name))
                .set("remote_vnet_id", text(&remote.vnet));
        }
    });
}
