//! A vendor as data: who it is, what it is granted, what it has to be told.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use uuid::Uuid;

/// How one vendor does it. A vendor that fits the pattern is one TOML file and no Rust.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Profile {
    /// What `--vendor` takes: lower case, no spaces.
    pub id: String,
    pub name: String,
    /// The company's name alone, for "Kong creates both directions".
    pub short_name: String,
    pub product: String,
    pub docs: String,
    /// How long the vendor usually takes for its part, in words.
    pub usual_wait: String,
    pub application: Application,
    pub role: Role,
    pub access: Option<Access>,
    pub hand_off: HandOff,
    #[serde(default)]
    pub inputs: Vec<VendorInput>,
}

/// The vendor's multi-tenant application, which gets a service principal in the customer's tenant.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Application {
    pub name: String,
    pub app_id: Uuid,
}

/// The custom role that the vendor's service principal gets at the virtual network.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Role {
    /// The first name is the one that is created; a role under any of them is found and used.
    pub names: Vec<String>,
    pub description: String,
    pub actions: Vec<String>,
    /// The actions in one sentence, after "may ".
    pub grants: String,
}

/// The vendor's own API, where it has one.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Access {
    /// Which connector speaks it.
    pub connector: String,
    /// Base address, without path.
    pub api: String,
    /// The environment variable that overrides the base address.
    pub api_env: String,
    /// The environment variable that holds the token.
    pub token_env: String,
    pub token_label: String,
    /// What kind of token, for the error that names it as missing.
    pub token_help: String,
    /// What the vendor calls the request for a peering.
    pub request: String,
}

/// What the customer tells the vendor when no API is used.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HandOff {
    /// Where to paste it, in the vendor's own words.
    #[serde(rename = "where")]
    pub place: String,
    pub values: Vec<HandOffValue>,
}

/// One labelled value; `value` is a template over `{tenant}`, `{subscription}`, `{resource-group}`, `{vnet}`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandOffValue {
    pub label: String,
    pub value: String,
}

/// A value that only this vendor needs (`--set KEY=VALUE`).
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct VendorInput {
    pub key: String,
    pub label: String,
    pub help: String,
    pub wanted: Wanted,
    #[serde(default)]
    pub kind: Kind,
    #[serde(default)]
    pub repeatable: bool,
}

/// Whether a run can do without the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wanted {
    Always,
    /// Only where the vendor's API is used.
    WithApi,
    Never,
}

/// What a value has to look like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    #[default]
    Text,
    Guid,
    Dns,
}

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    #[error("'{name}' is no vendor that peerctl knows ({known}), and no file of that name can be read: {why}")]
    Unknown {
        name: String,
        known: String,
        why: std::io::Error,
    },
    #[error("the vendor profile {name} cannot be used: {why}")]
    Malformed { name: String, why: String },
}

/// The profiles that are built in, in the order in which they are offered.
pub fn profiles() -> &'static [Profile] {
    static PROFILES: LazyLock<Vec<Profile>> = LazyLock::new(|| {
        let texts = [include_str!("kong.toml")];
        texts.iter().filter_map(|text| parse("built in", text).ok()).collect()
    });
    &PROFILES
}

/// A built-in profile by its id, or one's own from a file.
///
/// # Errors
/// When there is neither, or the file is no profile.
pub fn profile(name: &str) -> Result<Profile, ProfileError> {
    if let Some(found) = profiles().iter().find(|profile| profile.id.eq_ignore_ascii_case(name)) {
        return Ok(found.clone());
    }
    let known: Vec<&str> = profiles().iter().map(|profile| profile.id.as_str()).collect();
    let text = std::fs::read_to_string(name).map_err(|why| ProfileError::Unknown {
        name: name.to_owned(),
        known: known.join(", "),
        why,
    })?;
    parse(name, &text)
}

fn parse(name: &str, text: &str) -> Result<Profile, ProfileError> {
    let malformed = |why: String| ProfileError::Malformed {
        name: name.to_owned(),
        why,
    };
    let profile: Profile = toml::from_str(text).map_err(|error| malformed(error.to_string()))?;
    profile.check().map_err(malformed)?;
    Ok(profile)
}

impl Profile {
    /// The name under which setup creates the role.
    pub fn role_name(&self) -> &str {
        self.role.names.first().map_or("", String::as_str)
    }

    /// The vendor input `key`, if the profile has one.
    pub fn input(&self, key: &str) -> Option<&VendorInput> {
        self.inputs.iter().find(|input| input.key == key)
    }

    /// The hand-off's labels and filled-in values.
    pub fn hand_off_values(&self, values: &BTreeMap<&str, String>) -> Vec<(String, String)> {
        let fill = |template: &str| {
            values.iter().fold(template.to_owned(), |text, (key, value)| {
                text.replace(&format!("{{{key}}}"), value)
            })
        };
        self.hand_off
            .values
            .iter()
            .map(|value| (value.label.clone(), fill(&value.value)))
            .collect()
    }

    fn check(&self) -> Result<(), String> {
        let plain = |text: &str| !text.is_empty() && !text.chars().any(|c| c.is_control() || "\"'$`\\".contains(c));
        if !self
            .id
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            || self.id.is_empty()
        {
            return Err(format!(
                "id '{}' is not made of lower-case letters, digits and '-'",
                self.id
            ));
        }
        if self.role.names.is_empty() || !self.role.names.iter().all(|name| plain(name)) {
            return Err("role.names needs at least one name, without quotes".to_owned());
        }
        let action = |text: &String| plain(text) && !text.contains('*') && text.split('/').count() >= 2;
        if self.role.actions.is_empty() || !self.role.actions.iter().all(action) {
            return Err(
                "role.actions are operations such as Microsoft.Network/virtualNetworks/read, without '*'".into(),
            );
        }
        let variable = |text: &str| {
            let body = text.trim_start_matches(|c: char| c.is_ascii_uppercase() || c == '_');
            body.len() < text.len()
                && body
                    .chars()
                    .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        };
        let variables = self
            .access
            .iter()
            .flat_map(|access| [&access.token_env, &access.api_env]);
        if let Some(bad) = variables.into_iter().find(|name| !variable(name)) {
            return Err(format!("'{bad}' is no name of an environment variable"));
        }
        let https = |text: &str| text.parse::<url::Url>().is_ok_and(|url| url.scheme() == "https");
        if !https(&self.docs) || !self.access.as_ref().is_none_or(|access| https(&access.api)) {
            return Err("docs and access.api are https addresses".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_profile_can_be_read() {
        let texts = [include_str!("kong.toml")];
        for text in texts {
            parse("built in", text).expect("a good profile");
        }
        assert_eq!(profiles().len(), texts.len());
    }

    #[test]
    fn kong_gets_the_documented_actions_and_no_more() {
        let kong = profile("KONG").expect("kong is built in");
        assert_eq!(kong.role.actions.len(), 5);
        assert!(
            kong.role
                .actions
                .iter()
                .all(|action| action.starts_with("Microsoft.Network/virtualNetworks/"))
        );
        assert_eq!(kong.role_name(), "Kong Cloud Gateway Peering Creator");
    }

    #[test]
    fn a_profile_that_could_smuggle_something_is_refused() {
        let kong = include_str!("kong.toml");
        let table = [
            ("id = \"kong\"", "id = \"ko ng\"", "lower-case"),
            ("Peering Creator\"", "Peering $(reboot)\"", "without quotes"),
            ("Microsoft.Network/virtualNetworks/peer/action", "*", "without '*'"),
            ("https://global.api.konghq.com", "http://global.api.konghq.com", "https"),
            ("KONNECT_TOKEN", "x}$(reboot)${", "environment variable"),
            ("usual-wait", "usually", "unknown field"),
        ];
        for (from, to, why) in table {
            let error = parse("test", &kong.replace(from, to)).expect_err(to).to_string();
            assert!(error.contains(why), "{to}: {error}");
        }
    }

    #[test]
    fn an_unknown_vendor_names_the_known_ones() {
        assert!(profile("kongg").expect_err("unknown").to_string().contains("(kong)"));
    }
}
