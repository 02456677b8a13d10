//! A vendor as data: who it is, what it is granted, what it has to be told.

use std::collections::BTreeMap;

use serde::Deserialize;
use uuid::Uuid;

use crate::domain::TenantId;

/// How one vendor does it. A vendor that fits the pattern is one TOML file and no Rust.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(title = "A vendor profile of peerctl"))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct VendorProfile {
    /// What `--vendor` takes: lower case, no spaces.
    #[cfg_attr(test, schemars(regex(pattern = "^[a-z0-9-]+$")))]
    pub id: String,
    /// As the vendor calls itself, and in a list.
    pub name: String,
    /// The company's name alone, for "Kong creates both directions".
    pub short_name: String,
    /// What of the vendor's is peered with.
    pub product: String,
    /// The vendor's own page on the matter.
    #[cfg_attr(test, schemars(regex(pattern = "^https://")))]
    pub docs: String,
    /// How long the vendor usually takes for its part, in words.
    pub usual_wait: String,
    /// The vendor's application; absent where none is needed in the customer's tenant.
    pub application: Option<VendorApplication>,
    /// What the vendor's application gets at the virtual network.
    pub role: Option<VendorRole>,
    pub peering: PeeringWay,
    pub access: Option<AccessConsequences>,
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
    /// As Entra shows it.
    pub name: String,
    /// Its application (client) id.
    pub app_id: Uuid,
}

/// The custom role that the vendor's service principal gets at the virtual network.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct VendorRole {
    /// The first name is the one that is created; a role under any of them is found and used.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub names: Vec<String>,
    /// What Azure shows beside the role.
    pub description: String,
    /// Operations such as `Microsoft.Network/virtualNetworks/read`; no `*`.
    #[cfg_attr(test, schemars(length(min = 1), inner(regex(pattern = "^[^/*]+(/[^/*]+)+$"))))]
    pub actions: Vec<String>,
    /// The actions in one sentence, after "may ".
    pub grants: String,
}

/// Who creates the customer's direction, and what it is like.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PeeringWay {
    pub created_by: CreatedBy,
    /// Whether an application of the customer's own writes it, with tokens of both tenants.
    #[serde(default)]
    pub own_app: OwnAppWay,
    /// The name that our direction gets; a template over `{vnet}` and `{remote}`, the other
    /// network's name where the inputs tell it.
    #[serde(default)]
    pub name: Option<String>,
    /// The vendor's tenant, where it is always the same.
    #[serde(default)]
    pub tenant: Option<TenantId>,
    /// The vendor's network's id, as a template over the vendor inputs, where nobody returns it.
    #[serde(default)]
    pub remote_vnet: Option<String>,
    /// Who begins to talk.
    #[serde(default)]
    pub traffic: VendorTraffic,
    /// The TCP ports that are talked to; empty where they are not the same for everybody.
    #[serde(default)]
    pub ports: Vec<u16>,
    /// What to look after for names to resolve, in a sentence.
    #[serde(default)]
    pub dns: Option<String>,
}

/// Who opens the connections that the peering carries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum VendorTraffic {
    /// The customer's clients, to the vendor's service.
    #[default]
    ToVendor,
    /// The vendor's service, to the customer's.
    FromVendor,
}

/// Who creates the customer's direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CreatedBy {
    /// The vendor's application creates both.
    Vendor,
    /// Each side creates its own.
    EachSide,
    /// The customer creates both, as far as the sign-in may.
    Customer,
}

/// Whether an application of the customer's own is part of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum OwnAppWay {
    #[default]
    No,
    Needed,
    /// Only where one is given.
    Possible,
}

/// The vendor's own API, where it has one.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AccessConsequences {
    /// Which connector speaks it.
    #[cfg_attr(test, schemars(extend("enum" = super::catalog::CONNECTORS)))]
    pub connector: String,
    /// Base address, without path.
    #[cfg_attr(test, schemars(regex(pattern = "^https://")))]
    pub api: String,
    /// The environment variable that overrides the base address.
    #[cfg_attr(test, schemars(regex(pattern = "^[A-Z_][A-Z0-9_]*$")))]
    pub api_env: String,
    /// The environment variable that holds the token.
    #[cfg_attr(test, schemars(regex(pattern = "^[A-Z_][A-Z0-9_]*$")))]
    pub token_env: String,
    /// What the vendor calls the token.
    pub token_label: String,
    /// What kind of token, for the error that names it as missing.
    pub token_help: String,
    /// What the vendor calls the request for a peering.
    pub request: String,
}

/// What the customer tells the vendor when no API is used.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HandOff {
    /// Where to paste it, in the vendor's own words.
    #[serde(rename = "where")]
    pub place: String,
    /// What to paste there, in the order of the form.
    pub values: Vec<HandOffValue>,
    /// What has to be there before; templates as the values are, and over the vendor inputs.
    #[serde(default)]
    pub before: Vec<String>,
    /// What the vendor answers, and how to give it to the next run.
    #[serde(default)]
    pub returns: Option<String>,
}

/// The first use of a peering that works.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NextStep {
    /// The vendor's next step, in a sentence; a template as the values of the hand-off are.
    pub step: String,
    /// The command that tests the connection, with words in capitals for what only the operator knows.
    #[serde(default)]
    pub test: Option<String>,
}

/// One labelled value; `value` is a template over `{tenant}`, `{subscription}`, `{resource-group}`, `{vnet}`, `{own-app}`
/// (the own application's client id); `{vnet:lower}` is the same in lower case.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct HandOffValue {
    /// As the vendor's form has it.
    pub label: String,
    pub value: String,
}

/// A value that only this vendor needs (`--set KEY=VALUE`).
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct VendorInput {
    /// What `--set` takes before the `=`.
    pub key: String,
    /// The question, where it is asked.
    pub label: String,
    /// What it is, in half a sentence.
    pub help: String,
    pub wanted: WantedResource,
    #[serde(default)]
    pub kind: InputType,
    /// Whether it may be given several times.
    #[serde(default)]
    pub repeatable: bool,
    /// Put to the user although a run can do without it.
    #[serde(default)]
    pub ask: bool,
    /// Where a prompt finds something to choose from.
    #[serde(default)]
    pub suggest: Option<InputSuggestion>,
}

/// Whether a run can do without the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum WantedResource {
    Always,
    /// Only where the vendor's API is used.
    WithApi,
    /// Only where no API is used.
    ByHand,
    Never,
}

/// Where suggestions for a value come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum InputSuggestion {
    /// The networks that the vendor's API lists.
    Networks,
    /// The tenant of the virtual network that another input names; where Azure tells it, nobody is asked.
    Tenant,
}

/// What a value has to look like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum InputType {
    #[default]
    Text,
    Guid,
    Dns,
    /// The ARM id of a virtual network.
    VnetId,
}

impl VendorProfile {
    /// The name under which setup creates the role.
    pub fn role_name(&self) -> &str {
        let names = self.role.as_ref().map(|role| role.names.as_slice()).unwrap_or_default();
        names.first().map_or("", String::as_str)
    }

    /// Whether the vendor's input is needed when its API is used (or not).
    pub fn needs(&self, input: &VendorInput, with_api: bool) -> bool {
        match input.wanted {
            WantedResource::Always => true,
            WantedResource::WithApi => with_api,
            WantedResource::ByHand => !with_api,
            WantedResource::Never => false,
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
