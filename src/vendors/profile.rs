//! A vendor as data: who it is, what it is granted, what it has to be told.

use std::collections::BTreeMap;

use serde::Deserialize;
use uuid::Uuid;

use crate::domain::TenantId;

/// A vendor profile. A vendor that fits the pattern needs one TOML file and no Rust.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(title = "A vendor profile of peerctl"))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct VendorProfile {
    /// Value for `--vendor`: lowercase, no spaces.
    #[cfg_attr(test, schemars(regex(pattern = "^[a-z0-9-]+$")))]
    pub id: String,
    /// The vendor's product name, as shown in lists.
    pub name: String,
    /// The company's short name, as in "Kong creates both peerings".
    pub short_name: String,
    /// The vendor's resource type to peer with.
    pub product: String,
    /// URL of the vendor's peering documentation.
    #[cfg_attr(test, schemars(regex(pattern = "^https://")))]
    pub docs: String,
    /// Usual wait for the vendor, in words.
    pub usual_wait: String,
    /// The vendor's application; omitted if the customer's tenant needs none.
    pub application: Option<VendorApplication>,
    /// The role that the vendor's application gets at the virtual network.
    pub role: Option<VendorRole>,
    pub peering: PeeringWay,
    pub access: Option<VendorApi>,
    #[serde(default)]
    pub hand_off: HandOff,
    #[serde(default)]
    pub next: Option<NextStep>,
    #[serde(default)]
    pub inputs: Vec<VendorInput>,
    /// Read from a file of the user's, and not built in.
    #[serde(skip)]
    pub from_file: bool,
}

/// The vendor's multi-tenant application, which gets a service principal in the customer's tenant.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct VendorApplication {
    /// Display name in Microsoft Entra.
    pub name: String,
    /// Application (client) ID.
    pub app_id: Uuid,
}

/// The custom role that the vendor's service principal gets at the virtual network.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct VendorRole {
    /// Role names: the first one is created; a role with any of these names is reused.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub names: Vec<String>,
    /// Description of the role in Azure.
    pub description: String,
    /// Operations such as `Microsoft.Network/virtualNetworks/read`; no `*`.
    #[cfg_attr(test, schemars(length(min = 1), inner(regex(pattern = "^[^/*]+(/[^/*]+)+$"))))]
    pub actions: Vec<String>,
    /// The actions in one sentence, after "may ".
    pub grants: String,
}

/// Settings of the peering.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PeeringWay {
    pub created_by: CreatedBy,
    /// Use of the customer's own application, with tokens for both tenants, to create the local peering.
    #[serde(default)]
    pub own_app: OwnAppWay,
    /// Name of the local peering; a template with `{vnet}` and `{remote}`, the remote
    /// network's name if the inputs contain it.
    #[serde(default)]
    pub name: Option<String>,
    /// The vendor's tenant, if it is always the same.
    #[serde(default)]
    pub tenant: Option<TenantId>,
    /// Resource ID of the vendor's network, as a template with the vendor inputs, if no API returns it.
    #[serde(default)]
    pub remote_vnet: Option<String>,
    /// Direction of connections.
    #[serde(default)]
    pub traffic: VendorTraffic,
    /// TCP ports of the service; empty if they vary.
    #[serde(default)]
    pub ports: Vec<u16>,
    /// DNS requirements, in a sentence.
    #[serde(default)]
    pub dns: Option<String>,
}

/// Side that opens the connections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum VendorTraffic {
    /// From the customer's clients to the vendor's service.
    #[default]
    ToVendor,
    /// From the vendor's service to the customer's services.
    FromVendor,
}

/// Creator of the local peering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CreatedBy {
    /// The vendor's application creates both peerings.
    Vendor,
    /// Each side creates its own peering.
    EachSide,
    /// The customer creates both peerings, if the sign-in has permission.
    Customer,
}

/// Use of the customer's own application.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum OwnAppWay {
    #[default]
    No,
    Needed,
    /// Only if an application is specified.
    Possible,
}

/// The vendor's API, if it has one.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct VendorApi {
    /// Connector for the API.
    #[cfg_attr(test, schemars(extend("enum" = super::catalog::CONNECTORS)))]
    pub connector: String,
    /// Base URL, without a path.
    #[cfg_attr(test, schemars(regex(pattern = "^https://")))]
    pub api: String,
    /// Environment variable that overrides the base URL.
    #[cfg_attr(test, schemars(regex(pattern = "^[A-Z_][A-Z0-9_]*$")))]
    pub api_env: String,
    /// Environment variable with the token.
    #[cfg_attr(test, schemars(regex(pattern = "^[A-Z_][A-Z0-9_]*$")))]
    pub token_env: String,
    /// The vendor's name for the token.
    pub token_label: String,
    /// Type of token, for the error if it is missing.
    pub token_help: String,
    /// The vendor's name for a peering request.
    pub request: String,
}

/// Values for the vendor's console, if the API isn't used.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HandOff {
    /// Location of the form in the vendor's console.
    #[serde(rename = "where")]
    pub place: String,
    /// Values for the form, in its order.
    pub values: Vec<HandOffValue>,
    /// Prerequisites; templates like the values, also with the vendor inputs.
    #[serde(default)]
    pub before: Vec<String>,
    /// The vendor's response, and how to pass it to the next run.
    #[serde(default)]
    pub returns: Option<String>,
}

/// First use of a connected peering.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NextStep {
    /// Next step, in a sentence; a template like the values of the hand-off.
    pub step: String,
    /// Command that tests the connection, with placeholders in capitals.
    #[serde(default)]
    pub test: Option<String>,
}

/// One labeled value; `value` is a template with `{tenant}`, `{subscription}`, `{resource-group}`, `{vnet}`, `{own-app}`
/// (client ID of the customer's own application); `{vnet:lower}` is the lowercase value.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct HandOffValue {
    /// Label in the vendor's form.
    pub label: String,
    pub value: String,
}

/// A vendor-specific input (`--set KEY=VALUE`).
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct VendorInput {
    /// Key before the `=` in `--set`.
    pub key: String,
    /// Prompt text.
    pub label: String,
    /// Short description.
    pub help: String,
    pub wanted: InputRequirement,
    #[serde(default)]
    pub kind: InputType,
    /// Allows several values.
    #[serde(default)]
    pub repeatable: bool,
    /// Prompts for the value even if it is optional.
    #[serde(default)]
    pub ask: bool,
    /// Source of suggestions for the prompt.
    #[serde(default)]
    pub suggest: Option<InputSuggestion>,
}

/// Condition under which the value is required.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum InputRequirement {
    Always,
    /// Only with the vendor's API.
    WithApi,
    /// Only without the vendor's API.
    ByHand,
    Never,
}

/// Source of suggestions for a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum InputSuggestion {
    /// Networks listed by the vendor's API.
    Networks,
    /// Tenant of the virtual network in another input; no prompt if Azure reports it.
    Tenant,
}

/// Format of a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum InputType {
    #[default]
    Text,
    Guid,
    Dns,
    /// Resource ID of a virtual network.
    VnetId,
}

impl VendorProfile {
    /// The name under which setup creates the role.
    pub fn role_name(&self) -> &str {
        let names = self.role.as_ref().map(|role| role.names.as_slice()).unwrap_or_default();
        names.first().map_or("", String::as_str)
    }

    /// Returns whether the vendor's input is needed when its API is used (or not).
    pub fn needs(&self, input: &VendorInput, with_api: bool) -> bool {
        match input.wanted {
            InputRequirement::Always => true,
            InputRequirement::WithApi => with_api,
            InputRequirement::ByHand => !with_api,
            InputRequirement::Never => false,
        }
    }

    /// The vendor input `key`, if the profile has one.
    pub fn input(&self, key: &str) -> Option<&VendorInput> {
        self.inputs.iter().find(|input| input.key == key)
    }

    /// Returns whether the vendor resolves names through DNS servers that it is given.
    pub fn takes_dns(&self) -> bool {
        self.inputs.iter().any(|input| input.kind == InputType::Dns)
    }

    /// The hand-off's labels and filled-in values.
    pub fn hand_off_values(&self, values: &BTreeMap<&str, String>) -> Vec<(String, String)> {
        let fill = |value: &HandOffValue| (value.label.clone(), filled(&value.value, values));
        self.hand_off.values.iter().map(fill).collect()
    }
}

/// The template with `{key}` and `{key:lower}` replaced by their values; what stands in a value is no template.
pub fn filled(template: &str, values: &BTreeMap<&str, String>) -> String {
    let mut parts = template.split('{');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let value = part.split_once('}').and_then(|(name, rest)| {
            let (key, lower) = match name.strip_suffix(":lower") {
                Some(key) => (key, true),
                None => (name, false),
            };
            let value = values.get(key)?;
            Some((if lower { value.to_lowercase() } else { value.clone() }, rest))
        });
        match value {
            Some((value, rest)) => out.extend([value.as_str(), rest]),
            None => out.extend(["{", part]),
        }
    }
    out
}
