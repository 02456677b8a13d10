//! The built-in profiles, and profiles from files; none is used before it is checked.

use std::path::Path;
use std::sync::LazyLock;

use super::profile::{CreatedBy, VendorApi, VendorProfile};
use crate::domain::{did_you_mean, is_terminal_control};
use crate::files;

/// In the order in which they are offered.
const BUILT_IN: [&str; 6] = [
    include_str!("kong.toml"),
    include_str!("aiven.toml"),
    include_str!("dragonfly.toml"),
    include_str!("atlas.toml"),
    include_str!("confluent.toml"),
    include_str!("generic.toml"),
];

/// Other names of built-in profiles, with their IDs.
pub const ALIASES: [(&str, &str); 1] = [("another-tenant", "generic")];

/// The JSON Schema of a profile, by which editors complete and check one.
pub const PROFILE_SCHEMA: &str = include_str!("profile.schema.json");

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    #[error("Unknown vendor '{name}' ({known}), and it can't be read as a profile file: {why}.{guess}")]
    Unknown {
        name: String,
        known: String,
        why: std::io::Error,
        guess: String,
    },
    #[error("{name}: {why}")]
    Malformed { name: String, why: String },
}

/// The profiles that are built in, in the order in which they are offered.
pub fn profiles() -> &'static [VendorProfile] {
    static PROFILES: LazyLock<Vec<VendorProfile>> = LazyLock::new(|| {
        BUILT_IN
            .iter()
            .filter_map(|text| parse("built in", text).ok())
            .collect()
    });
    &PROFILES
}

/// Returns a built-in profile by its ID or alias, or a custom one from a file.
///
/// # Errors
/// When there is neither, or the file is no profile.
pub fn profile(name: &str) -> Result<VendorProfile, ProfileError> {
    let alias = ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(name));
    let id = alias.map_or(name, |(_, id)| id);
    if let Some(found) = profiles().iter().find(|profile| profile.id.eq_ignore_ascii_case(id)) {
        return Ok(found.clone());
    }
    let known: Vec<&str> = profiles().iter().map(|profile| profile.id.as_str()).collect();
    let text = files::read_text(Path::new(name)).map_err(|why| ProfileError::Unknown {
        name: name.to_owned(),
        known: known.join(", "),
        guess: did_you_mean(name, known.into_iter().chain(ALIASES.map(|(alias, _)| alias))),
        why,
    })?;
    let profile = parse(name, &text)?;
    Ok(VendorProfile {
        from_file: true,
        ..profile
    })
}

fn parse(name: &str, text: &str) -> Result<VendorProfile, ProfileError> {
    let malformed = |why: String| ProfileError::Malformed {
        name: name.to_owned(),
        why,
    };
    let profile: VendorProfile = toml::from_str(text).map_err(|error| malformed(files::toml_error(&error, text)))?;
    shows_only(text).map_err(malformed)?;
    profile.check().map_err(|(key, why)| {
        let line = text.lines().position(|line| line.trim_start().starts_with(key));
        malformed(line.map_or_else(|| why.clone(), |line| format!("line {}: {why}", line + 1)))
    })?;
    Ok(profile)
}

/// Every text of a profile is shown sooner or later; a terminal must not be told what to do by one.
fn shows_only(text: &str) -> Result<(), String> {
    fn obeyed(value: &toml::Value) -> bool {
        match value {
            toml::Value::String(text) => text.contains(|c| is_terminal_control(c) && c != '\n'),
            toml::Value::Array(items) => items.iter().any(obeyed),
            toml::Value::Table(fields) => fields.values().any(obeyed),
            _ => false,
        }
    }
    let fields: toml::Table = toml::from_str(text).map_err(|error| files::toml_error(&error, text))?;
    match fields.iter().find(|(_, value)| obeyed(value)) {
        Some((key, _)) => Err(format!("'{key}' contains terminal control characters")),
        None => Ok(()),
    }
}

/// Prefixes of variables that do not belong to vendors: a profile must not send the values of such variables anywhere.
const NO_VENDORS: [&str; 41] = [
    "AZURE_",
    "ARM_",
    "PEERCTL_",
    "IDENTITY_",
    "MSI_",
    "ACTIONS_",
    "AWS_",
    "GOOGLE_",
    "GCP_",
    "GCLOUD_",
    "CLOUDSDK_",
    "GITHUB_",
    "GH_",
    "GITLAB_",
    "CI_",
    "SYSTEM_",
    "BITBUCKET_",
    "JENKINS_",
    "BUILDKITE_",
    "CIRCLE_",
    "NPM_",
    "NODE_",
    "PYPI_",
    "TWINE_",
    "CARGO_",
    "DOCKER_",
    "REGISTRY_",
    "KUBE",
    "VAULT_",
    "TF_",
    "TFE_",
    "SSH_",
    "GPG_",
    "DATABASE_",
    "PG",
    "MYSQL_",
    "REDIS_",
    "HOME",
    "PATH",
    "HTTP",
    "ALL_PROXY",
];

/// Returns whether `host` is the same as `known`, or in the same domain (`eu.api.konghq.com` and
/// `global.api.konghq.com`).
fn is_neighbour(host: &str, known: &str) -> bool {
    let domain = known.splitn(known.matches('.').count(), '.').last().unwrap_or(known);
    host == known || host == domain || host.ends_with(&format!(".{domain}"))
}

fn host(api: &str) -> Option<String> {
    Some(api.parse::<url::Url>().ok()?.host_str()?.to_owned())
}

/// Returns the API access of the built-in vendors. The profiles themselves are checked against it.
fn built_in_access() -> Vec<VendorApi> {
    let profiles = BUILT_IN
        .iter()
        .filter_map(|text| toml::from_str::<VendorProfile>(text).ok());
    profiles.filter_map(|profile| profile.access).collect()
}

/// Returns the prefix of the variables of a vendor with that name: `ACME_DB_` for `acme-db` and `Acme DB`.
fn prefix(name: &str) -> String {
    let upper = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    };
    name.chars().map(upper).chain(['_']).collect()
}

/// Names that a profile's templates can use in addition to its own inputs.
const PLACES: [&str; 7] = [
    "tenant",
    "subscription",
    "resource-group",
    "vnet",
    "vnet-id",
    "own-app",
    "remote",
];
/// The connectors that there are.
pub(super) const CONNECTORS: [&str; 3] = ["konnect", "aiven", "dragonfly"];

/// Returns the names between braces, without `:lower`.
fn placeholders(template: &str) -> impl Iterator<Item = &str> {
    let named = template.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    named.map(|(name, _)| name.trim_end_matches(":lower"))
}

impl VendorProfile {
    /// Returns the error in the profile, with the key in whose line it occurs.
    fn check(&self) -> Result<(), (&'static str, String)> {
        let plain = |text: &str| !text.is_empty() && !text.chars().any(|c| c.is_control() || "\"'$`\\".contains(c));
        if !self
            .id
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            || self.id.is_empty()
        {
            return Err((
                "id",
                format!(
                    "id '{}' is not valid: use only lowercase letters, digits and '-'",
                    self.id
                ),
            ));
        }
        if self.application.is_some() != self.role.is_some() {
            return Err(("[application]", "application and role must be set together".to_owned()));
        }
        let role = self.role.iter();
        if role
            .clone()
            .any(|role| role.names.is_empty() || !role.names.iter().all(|name| plain(name)))
        {
            return Err((
                "names",
                "role.names requires at least one name, without quotes".to_owned(),
            ));
        }
        let action = |text: &String| plain(text) && !text.contains('*') && text.split('/').count() >= 2;
        if role
            .clone()
            .any(|role| role.actions.is_empty() || !role.actions.iter().all(action))
        {
            return Err((
                "actions",
                "role.actions must be operations such as Microsoft.Network/virtualNetworks/read, without '*'".into(),
            ));
        }
        if self.peering.created_by == CreatedBy::Vendor && role.count() == 0 {
            return Err((
                "created-by",
                "a vendor that creates both peerings requires an application and a role".to_owned(),
            ));
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
            let key = if self.access.as_ref().is_some_and(|access| access.token_env == *bad) {
                "token-env"
            } else {
                "api-env"
            };
            return Err((key, format!("'{bad}' is not a valid environment variable name")));
        }
        self.check_token()?;
        let https = |text: &str| {
            let url = text.parse::<url::Url>();
            url.is_ok_and(|url| url.scheme() == "https" && url.username().is_empty() && url.password().is_none())
        };
        if !https(&self.docs) || !self.access.as_ref().is_none_or(|access| https(&access.api)) {
            let key = if https(&self.docs) { "api " } else { "docs" };
            return Err((key, "docs and access.api must be https URLs".to_owned()));
        }
        if let Some(access) = self
            .access
            .as_ref()
            .filter(|access| !CONNECTORS.contains(&access.connector.as_str()))
        {
            return Err((
                "connector",
                format!(
                    "unknown connector '{}'; valid connectors: {}",
                    access.connector,
                    CONNECTORS.join(", ")
                ),
            ));
        }
        self.check_templates()
    }

    /// A token that is somebody else's goes nowhere by a profile's word.
    fn check_token(&self) -> Result<(), (&'static str, String)> {
        let Some(access) = &self.access else { return Ok(()) };
        let refused = |name: &str, whose: &str| Err(("token-env", format!("{name} holds a value that is {whose}")));
        let foreign = |name: &str| NO_VENDORS.iter().any(|prefix| name.starts_with(prefix));
        let name = &access.token_env;
        if foreign(name) {
            return refused(name, "not a vendor's token");
        }
        if foreign(&access.api_env) {
            let why = format!("{} is not a vendor's variable", access.api_env);
            return Err(("api-env", why));
        }
        for other in built_in_access() {
            let (Some(own), Some(known)) = (host(&access.api), host(&other.api)) else {
                continue;
            };
            if *name == other.token_env && !is_neighbour(&own, &known) {
                return refused(name, &format!("for {known} and its related hosts, not for {own}"));
            }
        }
        self.check_names(access)
    }

    /// The variables are called after the profile's vendor, so that none of another owner is meant.
    fn check_names(&self, access: &VendorApi) -> Result<(), (&'static str, String)> {
        let built_in = built_in_access();
        let own: Vec<String> = [&self.id, &self.short_name]
            .map(|name| prefix(name))
            .into_iter()
            .collect();
        let is_own = |name: &str| own.iter().any(|own| name.starts_with(own.as_str()));
        let after = own.join(" or ");
        if !is_own(&access.token_env) && !built_in.iter().any(|one| one.token_env == access.token_env) {
            let why = format!(
                "{} must start with {after}, from the vendor's id or short name",
                access.token_env
            );
            return Err(("token-env", why));
        }
        if !access.api_env.ends_with("_URL") {
            return Err(("api-env", format!("{} must end with _URL", access.api_env)));
        }
        if !is_own(&access.api_env) && !built_in.iter().any(|one| one.api_env == access.api_env) {
            let why = format!(
                "{} must start with {after}, from the vendor's id or short name",
                access.api_env
            );
            return Err(("api-env", why));
        }
        Ok(())
    }

    /// Returns whether the operator has to allow that the token goes to the profile's host: a file names it, and it is
    /// not a built-in vendor's own host with that vendor's own variables.
    pub fn needs_trust(&self) -> bool {
        let Some(access) = self.access.as_ref().filter(|_| self.from_file) else {
            return false;
        };
        let same = |known: &VendorApi| {
            let hosts = host(&access.api).zip(host(&known.api));
            let neighbours = hosts.is_some_and(|(own, known)| is_neighbour(&own, &known));
            neighbours && access.token_env == known.token_env && access.api_env == known.api_env
        };
        !built_in_access().iter().any(same)
    }

    fn check_templates(&self) -> Result<(), (&'static str, String)> {
        let values = self.hand_off.values.iter().map(|value| ("values", &value.value));
        let before = self.hand_off.before.iter().map(|text| ("before", text));
        let names = self
            .role
            .iter()
            .flat_map(|role| &role.names)
            .map(|name| ("names", name));
        let way = self.peering.name.iter().map(|name| ("name", name));
        let remote = self.peering.remote_vnet.iter().map(|remote| ("remote-vnet", remote));
        let next = self.next.iter();
        let next = next.flat_map(|next| [("step", Some(&next.step)), ("test", next.test.as_ref())]);
        let next = next.filter_map(|(key, template)| Some((key, template?)));
        let own = values.chain(before).chain(names).chain(way).chain(remote);
        for (key, template) in own.chain(next) {
            let known = |name: &&str| PLACES.contains(name) || self.input(name).is_some();
            if let Some(unknown) = placeholders(template).find(|name| !known(name)) {
                let why = format!(
                    "{{{unknown}}} in '{template}' is neither an input of the profile nor one of {}",
                    PLACES.join(", ")
                );
                return Err((key, why));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn catalog_builtin_profiles_parse() {
        for text in BUILT_IN {
            parse("built in", text).expect("a good profile");
            assert_eq!(text.lines().next(), Some("#:schema profile.schema.json"));
        }
        assert_eq!(profiles().len(), BUILT_IN.len());
    }

    #[test]
    fn catalog_kong_has_only_documented_actions() {
        let kong = profile("KONG").expect("kong is built in");
        let role = kong.role.clone().expect("kong has a role");
        assert_eq!(role.actions.len(), 5);
        assert!(
            role.actions
                .iter()
                .all(|action| action.starts_with("Microsoft.Network/virtualNetworks/"))
        );
        assert_eq!(kong.role_name(), "Kong Cloud Gateway Peering Creator");
    }

    #[test]
    fn catalog_rejects_injecting_profile() {
        let kong = include_str!("kong.toml");
        let table = [
            ("id = \"kong\"", "id = \"ko ng\"", "lowercase"),
            ("Peering Creator\"", "Peering $(reboot)\"", "without quotes"),
            ("Microsoft.Network/virtualNetworks/peer/action", "*", "without '*'"),
            ("https://global.api.konghq.com", "http://global.api.konghq.com", "https"),
            ("KONNECT_TOKEN", "x}$(reboot)${", "environment variable"),
            ("KONNECT_TOKEN", "AZURE_CLIENT_SECRET", "not a vendor's token"),
            (
                "KONNECT_TOKEN",
                "AIVEN_AUTH_TOKEN",
                "for api.aiven.io and its related hosts",
            ),
            (
                "https://global.api.konghq.com",
                "https://elsewhere.example",
                "not for elsewhere.example",
            ),
            (
                "https://global.api.konghq.com",
                "https://evilkonghq.com",
                "not for evilkonghq.com",
            ),
            (
                "https://global.api.konghq.com",
                "https://global.api.konghq.com@elsewhere.example",
                "not for elsewhere.example",
            ),
            ("https://global.api.konghq.com", "https://x@eu.api.konghq.com", "https"),
            (
                "short-name = \"Kong\"",
                "short-name = \"Kong\\u001b[2J\"",
                "terminal control",
            ),
            (
                "label = \"Tenant ID\"",
                "label = \"Tenant\\u202e ID\"",
                "terminal control",
            ),
            ("usual-wait", "usually", "unknown field"),
        ];
        for (from, to, why) in table {
            let error = parse("test", &kong.replace(from, to)).expect_err(to).to_string();
            assert!(error.contains(why), "{to}: {error}");
        }
    }

    #[test]
    fn variables_are_bound_to_the_vendor() {
        let kong = include_str!("kong.toml").replace("https://global.api.konghq.com", "https://api.acme.example");
        let acme = |token: &str, api: &str| {
            let text = kong
                .replace("id = \"kong\"", "id = \"acme-db\"")
                .replace("KONNECT_TOKEN", token);
            parse("acme.toml", &text.replace("KONNECT_API_URL", api)).map_err(|error| error.to_string())
        };
        let profile = acme("ACME_DB_TOKEN", "ACME_DB_API_URL").expect("bound to the id");
        let profile = VendorProfile {
            from_file: true,
            ..profile
        };
        assert!(profile.needs_trust());
        let table = [
            ("ACME_DB_TOKEN", "AZURE_CLIENT_SECRET", "api-env", "AZURE_CLIENT_SECRET"),
            ("ACME_DB_TOKEN", "DATABASE_URL", "api-env", "DATABASE_URL"),
            ("ACME_DB_TOKEN", "ACME_DB_SECRET", "api-env", "_URL"),
            ("ACME_DB_TOKEN", "OTHER_URL", "api-env", "ACME_DB_"),
            ("GITHUB_TOKEN", "ACME_DB_API_URL", "token-env", "GITHUB_TOKEN"),
            ("HOME", "ACME_DB_API_URL", "token-env", "HOME"),
            ("OTHER_TOKEN", "ACME_DB_API_URL", "token-env", "ACME_DB_"),
        ];
        for (token, api, _, why) in table {
            let error = acme(token, api).expect_err(token);
            assert!(error.contains(why), "{token} {api}: {error}");
        }
    }

    #[test]
    fn catalog_trust_needed_for_other_host() {
        assert!(!profile("kong").expect("built in").needs_trust());
        let kong = include_str!("kong.toml");
        let from_file = |text: &str| VendorProfile {
            from_file: true,
            ..parse("f", text).expect("good")
        };
        assert!(!from_file(kong).needs_trust());
        assert!(!from_file(&kong.replace("global.api.konghq", "eu.api.konghq")).needs_trust());
        let renamed = kong.replace("KONNECT_TOKEN", "KONG_TOKEN");
        assert!(from_file(&renamed).needs_trust());
    }

    #[test]
    fn catalog_errors_hide_values() {
        let kong = include_str!("kong.toml");
        let table = [
            "KONNECT_TOKEN=kpat_secret".to_owned(),
            kong.replace("id = \"kong\"", "id = kpat_secret"),
            kong.replace(
                "created-by = \"vendor\"",
                "created-by = \"vendor\"\nports = \"kpat_secret\"",
            ),
            kong.replace("created-by = \"vendor\"", "created-by = \"kpat_secret\""),
        ];
        for text in table {
            let error = parse("f.toml", &text).expect_err(&text).to_string();
            assert!(error.contains("line ") && !error.contains("kpat_secret"), "{error}");
        }
    }

    #[test]
    fn catalog_vendor_region_receives_token() {
        let kong = include_str!("kong.toml");
        let eu = kong.replace("https://global.api.konghq.com", "https://eu.api.konghq.com");
        parse("test", &eu).expect("a good profile");
    }

    #[test]
    fn catalog_error_names_line() {
        let kong = include_str!("kong.toml");
        let table = [
            ("value = \"{vnet}\"", "value = \"{vnett}\"", "values", "{vnett}"),
            (
                "connector = \"konnect\"",
                "connector = \"kongect\"",
                "connector",
                "unknown connector 'kongect'",
            ),
            ("id = \"kong\"", "id = \"K\"", "id", "lowercase"),
        ];
        for (from, to, key, why) in table {
            let text = kong.replace(from, to);
            let line = text
                .lines()
                .position(|line| line.starts_with(key))
                .expect("the key is there")
                + 1;
            let error = parse("mine.toml", &text).expect_err(to).to_string();
            assert!(
                error.contains(&format!("line {line}:")) && error.contains(why),
                "{error}"
            );
            assert!(error.contains("mine.toml"), "{error}");
        }
        let error = parse("mine.toml", &kong.replace("usual-wait", "usually"))
            .expect_err("unknown")
            .to_string();
        assert!(error.contains("line 10"), "{error}");
    }

    #[test]
    fn catalog_unknown_vendor_lists_known() {
        assert!(
            profile("kongg")
                .expect_err("unknown")
                .to_string()
                .contains("(kong, aiven, dragonfly, atlas, confluent, generic)")
        );
    }
}
