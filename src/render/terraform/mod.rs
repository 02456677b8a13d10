//! Terraform configuration for the same run: one file, canonical, without secrets. It's made from the intent and, where
//! there was a survey, from its results, which are imported.
//!
//! IDs are those that setup gives, so setup finds the objects that Terraform creates, and the other way round.

mod hcl;
mod peering;
mod principals;
mod providers;
mod request;
mod roles;

use hcl::{HclBody, HclValue, code, quoted, text};

use super::ExistingResources;
use crate::domain::sanitize_for_terminal;
use crate::plan::{ConsentMode, OwnApp, PeeringIntent, VendorAccess};
use crate::vendors::{CreatedBy, RequestPhase, VendorRequest};

/// The whole file. `cloud` is the cloud's name.
pub fn configuration(intent: &PeeringIntent, existing: &ExistingResources, cloud: &str) -> String {
    let source = TerraformSource {
        intent,
        existing,
        cloud,
    };
    let mut file = HclBody::default();
    header(&source, &mut file);
    providers::write(&source, &mut file);
    principals::write(&source, &mut file);
    roles::write(&source, &mut file);
    request::write(&source, &mut file);
    peering::write(&source, &mut file);
    file.to_string()
}

/// Sources of the file.
struct TerraformSource<'a> {
    intent: &'a PeeringIntent,
    existing: &'a ExistingResources,
    cloud: &'a str,
}

/// Method of the request to the vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TerraformRequest {
    Konnect,
    Aiven,
    Dragonfly,
    ByHand,
    /// There is no vendor to ask.
    Nobody,
}

impl TerraformRequest {
    /// Type and name of the resource that asks.
    fn resource(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Konnect => Some(("konnect_cloud_gateway_transit_gateway", "vendor")),
            Self::Aiven => Some(("aiven_azure_vpc_peering_connection", "vendor")),
            Self::Dragonfly => Some(("dfcloud_connection", "vendor")),
            Self::ByHand | Self::Nobody => None,
        }
    }

    /// The address of that resource.
    fn address(self) -> Option<String> {
        self.resource().map(|(kind, name)| format!("{kind}.{name}"))
    }
}

impl TerraformSource<'_> {
    fn request(&self) -> TerraformRequest {
        if self.intent.vendor.peering.created_by == CreatedBy::Customer {
            return TerraformRequest::Nobody;
        }
        let access = self.intent.vendor.access.as_ref();
        let access = access.filter(|_| self.intent.access == VendorAccess::Api);
        match access.map(|access| access.connector.as_str()) {
            Some("konnect") => TerraformRequest::Konnect,
            Some("aiven") => TerraformRequest::Aiven,
            Some("dragonfly") => TerraformRequest::Dragonfly,
            _ => TerraformRequest::ByHand,
        }
    }

    /// Returns whether the configuration writes the local direction.
    fn writes_ours(&self) -> bool {
        self.intent.vendor.peering.created_by != CreatedBy::Vendor
    }

    /// Returns whether the configuration also writes the remote direction.
    fn writes_theirs(&self) -> bool {
        self.intent.vendor.peering.created_by == CreatedBy::Customer && self.intent.configured_remote().is_some()
    }

    fn vendor(&self) -> String {
        sanitize_for_terminal(&self.intent.vendor.short_name)
    }

    /// The vendor's request that is there and goes on.
    fn live_request(&self) -> Option<&VendorRequest> {
        let found = self.existing.request.as_ref();
        found.filter(|found| {
            !matches!(
                found.phase,
                RequestPhase::Failed | RequestPhase::Leaving | RequestPhase::Gone
            )
        })
    }

    /// The address of the vendor's service principal; absent where there is none, or only its id is given.
    fn vendor_principal(&self) -> Option<&'static str> {
        let app = self.intent.vendor_app.as_ref()?;
        match (app.principal_id, self.intent.consent) {
            (Some(_), _) => None,
            (None, ConsentMode::Create) => Some("azuread_service_principal.vendor"),
            // Somebody else makes it: here it is only looked for.
            (None, ConsentMode::Browser | ConsentMode::Wait) => Some("data.azuread_service_principal.vendor"),
        }
    }

    /// The own application's client id, as an expression.
    fn own_client_id(&self) -> Option<String> {
        Some(match self.intent.own_app.as_ref()? {
            OwnApp::Made { .. } => "azuread_application_registration.own.client_id".to_owned(),
            OwnApp::Given(id) => quoted(&id.to_string()),
        })
    }

    /// The other network's id, as an expression.
    fn remote_vnet(&self) -> String {
        match (&self.existing.remote, self.request()) {
            (Some(_), TerraformRequest::Nobody) => "local.remote_vnet_id".to_owned(),
            (Some(remote), _) => quoted(&remote.vnet.to_string()),
            (None, TerraformRequest::Aiven) => {
                r#"aiven_azure_vpc_peering_connection.vendor.state_info["to-network-id"]"#.to_owned()
            }
            (None, _) => "var.remote_vnet_id".to_owned(),
        }
    }

    /// The other tenant, as an expression.
    fn remote_tenant(&self) -> String {
        let known = self.existing.remote.as_ref().map(|remote| remote.tenant);
        let known = known.or(self.intent.vendor.peering.tenant);
        match (known, self.vendor_principal(), self.request()) {
            (Some(_), _, TerraformRequest::Nobody) => "local.remote_tenant_id".to_owned(),
            (Some(tenant), ..) => quoted(&tenant.to_string()),
            // The network is in the tenant that owns the application.
            (None, Some(principal), _) => format!("{principal}.application_tenant_id"),
            (None, None, TerraformRequest::Aiven) => {
                r#"aiven_azure_vpc_peering_connection.vendor.state_info["to-tenant-id"]"#.to_owned()
            }
            (None, None, _) => "var.remote_tenant_id".to_owned(),
        }
    }

    /// The vendor's network, as an expression.
    fn vendor_network(&self) -> String {
        let found = self.existing.network.as_ref().map(|network| network.id.as_str());
        match found.or_else(|| self.intent.vendor_network_id()) {
            Some(id) => quoted(id),
            None => "var.vendor_network_id".to_owned(),
        }
    }

    /// The id that an assignment gets: setup's.
    fn assignment_name(&self, principal: &str, role: &str) -> String {
        format!(
            r#"uuidv5("{}", lower(join("\n", ["roleAssignment", local.tenant_id, local.vnet_id, {principal}, {role}])))"#,
            crate::domain::namespace()
        )
    }
}

/// Returns the live object's own text where it differs from the value of the expression: a provider replaces an object
/// whose text differs, even if only in case.
fn as_live(expression: &str, ours: &str, live: Option<&str>) -> HclValue {
    match live {
        Some(live) if live != ours => text(live),
        _ => code(expression),
    }
}

/// Writes an `import` block for an existing object, which Terraform then manages.
fn import(file: &mut HclBody, to: &str, id: &str) {
    file.block("import", |body| {
        body.set("to", hcl::code(to)).set("id", text(id));
    });
}

fn header(source: &TerraformSource<'_>, file: &mut HclBody) {
    let TerraformSource { intent, existing, .. } = source;
    file.comment(&format!(
        "Peers the Azure virtual network {} with {}: what `peerctl azure setup` does, as Terraform.",
        intent.vnet.name, intent.vendor.name
    ));
    let mut rights = Vec::new();
    if source.vendor_principal() == Some("azuread_service_principal.vendor") {
        rights.push("consent to applications");
    }
    if intent.own_app.is_some() {
        rights.push("register applications");
    }
    if !intent.grants().is_empty() {
        rights.extend(["write role definitions", "assign roles"]);
    }
    if intent.operator_writes() {
        rights.push("write peerings, there and in the other tenant");
    }
    if !rights.is_empty() {
        file.comment(&format!(
            "Needs Terraform 1.10 or later, and a sign-in (az login, or the ARM_ variables) in tenant {} that may {}.",
            intent.tenant,
            rights.join(", ")
        ));
    }
    if !intent.grants().is_empty() {
        file.comment(
            "An assignment takes some minutes until it is in force. What was refused for want of it \
             (AuthorizationFailed) is written by the next apply.",
        );
    }
    if !existing.surveyed {
        file.comment(
            "Nothing was asked of Azure to write this, so nothing is known to be there: where something is, Terraform says \
             that it exists already. With --refresh, peerctl reads existing resources and writes import blocks for them.",
        );
    } else if !existing.unread.is_empty() {
        file.comment(&format!(
            "This sign-in may not read everything, so what is there may have no import block: {}.",
            existing.unread.join(", ")
        ));
    }
    file.blank();
}
