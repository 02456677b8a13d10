//! Inputs given before any question: flags first, then the environment, then a profile. An empty value counts as not
//! given.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::config::ActiveProfile;
use super::environment::EnvironmentVariables;
use super::table::{INPUTS, VNET_PARTS, input};
use crate::domain::VnetId;
use crate::vendors::{InputType, VendorProfile};

/// Source of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ValueSource {
    Flag,
    Environment,
    /// A profile of the configuration file.
    Profile,
    /// Answered to a question.
    Answer,
}

/// The values that are known, by input id; and the vendor's, by key.
#[derive(Debug, Clone, Default)]
pub struct GivenInputs {
    values: BTreeMap<&'static str, (String, ValueSource)>,
    sets: BTreeMap<String, Vec<String>>,
    vars: EnvironmentVariables,
    profile: Option<Arc<ActiveProfile>>,
}

impl GivenInputs {
    /// From flags (by input id) and `--set KEY=VALUE` texts, over the environment.
    ///
    /// # Errors
    /// The `--set` text that has no `=`.
    pub fn new<'a>(
        flags: impl IntoIterator<Item = (&'static str, Option<&'a str>)>,
        sets: &[String],
        vars: EnvironmentVariables,
    ) -> Result<Self, String> {
        let mut given = Self {
            vars,
            ..Self::default()
        };
        for row in INPUTS {
            let from_env = row.env.and_then(|name| given.vars.get(name));
            if let Some(value) = from_env {
                // What kubectl, echo or base64 put behind a value is not part of it.
                let value = normal(row.id, value.trim());
                if !value.is_empty() {
                    given.values.insert(row.id, (value, ValueSource::Environment));
                }
            }
        }
        for (id, value) in flags {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                given.values.insert(id, (normal(id, value), ValueSource::Flag));
            }
        }
        given.settle_vnet();
        for set in sets {
            let (key, value) = set
                .split_once('=')
                .filter(|(key, _)| !key.is_empty())
                .ok_or_else(|| set.clone())?;
            given.sets.entry(key.to_owned()).or_default().push(value.to_owned());
        }
        Ok(given)
    }

    /// Returns the inputs with the values of a profile for those that neither a flag nor the environment gives.
    #[must_use]
    pub fn over(mut self, profile: ActiveProfile) -> Self {
        for (id, at) in &profile.written.values {
            let value = || (normal(id, &at.value), ValueSource::Profile);
            self.values.entry(id).or_insert_with(value);
        }
        self.profile = Some(Arc::new(profile));
        self.settle_vnet();
        self
    }

    /// The network is named in one piece or in three; the more telling source says which. That the environment has a
    /// subscription does not yet name a network: it is there for other programs, too.
    fn settle_vnet(&mut self) {
        let rank = |id: &str| match self.source(id)? {
            ValueSource::Flag => Some(2),
            ValueSource::Environment if id == "subscription" => None,
            ValueSource::Environment => Some(1),
            ValueSource::Profile | ValueSource::Answer => Some(0),
        };
        let (parts, whole) = (VNET_PARTS.iter().filter_map(|id| rank(id)).max(), rank("vnet-id"));
        if parts > whole {
            self.values.remove("vnet-id");
        } else if whole.is_some() {
            VNET_PARTS.iter().for_each(|id| drop(self.values.remove(id)));
        }
    }

    /// Notes an answer.
    pub fn answer(&mut self, id: &'static str, value: impl Into<String>) {
        self.values.insert(id, (value.into(), ValueSource::Answer));
    }

    /// Puts another spelling of a value in its place, which keeps its source.
    pub(super) fn replace(&mut self, id: &str, value: String) {
        if let Some((known, _)) = self.values.get_mut(id) {
            *known = value;
        }
    }

    /// Notes an answer for a vendor input.
    pub fn answer_set(&mut self, key: &str, values: Vec<String>) {
        self.sets.insert(key.to_owned(), values);
    }

    /// Forgets an answer, on the way back to its question.
    pub fn forget(&mut self, id: &str) {
        self.values
            .retain(|known, (_, source)| *known != id || *source != ValueSource::Answer);
    }

    /// Removes a vendor input.
    pub fn forget_set(&mut self, key: &str) {
        self.sets.remove(key);
    }

    /// The value of an input.
    pub fn get(&self, id: &str) -> Option<&str> {
        self.values.get(id).map(|(value, _)| value.as_str())
    }

    /// Returns the source of an input.
    pub fn source(&self, id: &str) -> Option<ValueSource> {
        self.values.get(id).map(|(_, source)| *source)
    }

    /// The profile that values were taken from.
    pub fn profile(&self) -> Option<&ActiveProfile> {
        self.profile.as_deref()
    }

    /// Returns the name under which an input was given: `--vnet`, its variable, or its place in the profile.
    pub fn name_of(&self, id: &str) -> String {
        if self.source(id) == Some(ValueSource::Environment)
            && let Some(variable) = input(id).and_then(|input| input.env)
        {
            return variable.to_owned();
        }
        let profile = self.profile().filter(|_| self.source(id) == Some(ValueSource::Profile));
        let at = profile.and_then(|profile| Some(profile.place(id, profile.written.values.get(id)?.line)));
        at.unwrap_or_else(|| format!("--{id}"))
    }

    /// Returns the source of a vendor input.
    pub fn source_of_set(&self, key: &str) -> Option<ValueSource> {
        if self.sets.contains_key(key) {
            Some(ValueSource::Flag)
        } else if self.vars.get(&set_variable(key)).is_some() {
            Some(ValueSource::Environment)
        } else {
            let written = &self.profile()?.written;
            written.sets.contains_key(key).then_some(ValueSource::Profile)
        }
    }

    /// As [`GivenInputs::name_of`], for a vendor's input.
    pub fn name_of_set(&self, key: &str) -> String {
        if self.source_of_set(key) == Some(ValueSource::Environment) {
            return set_variable(key);
        }
        let profile = self
            .profile()
            .filter(|_| self.source_of_set(key) == Some(ValueSource::Profile));
        let at = profile.and_then(|profile| {
            let line = profile.written.sets.get(key)?.line;
            Some(profile.place(&format!("set.{key}"), line))
        });
        at.unwrap_or_else(|| format!("--set {key}"))
    }

    /// Switches that are on: those of the flags, and those of the profile that `flags` knows and no flag excludes.
    pub fn switches(&self, flags: &[(&'static str, bool)]) -> Vec<&'static str> {
        let by_flag = |switch: &str| flags.contains(&(switch, true));
        let by_profile = |switch: &str| {
            let written = self.profile().map(|profile| &profile.written.switches);
            let excluded = match switch {
                "allow-gateway-transit" => by_flag("use-remote-gateways"),
                "use-remote-gateways" => by_flag("allow-gateway-transit"),
                _ => false,
            };
            !excluded && written.is_some_and(|written| written.get(switch).is_some_and(|at| at.value))
        };
        let on = |(switch, on): &(&'static str, bool)| (*on || by_profile(switch)).then_some(*switch);
        flags.iter().filter_map(on).collect()
    }

    /// The environment of this run.
    pub fn vars(&self) -> &EnvironmentVariables {
        &self.vars
    }

    /// The vendor inputs that were given, by flag, as `PEERCTL_SET_KEY` (several separated by `;`) or in the profile.
    ///
    /// # Errors
    /// The key that the vendor does not have.
    pub fn vendor_inputs(&self, vendor: &VendorProfile) -> Result<BTreeMap<String, Vec<String>>, String> {
        if let Some(unknown) = self.set_keys().find(|key| vendor.input(key).is_none()) {
            return Err(unknown.to_owned());
        }
        let inputs = vendor
            .inputs
            .iter()
            .map(|input| (input.key.clone(), normal_values(input.kind, self.set(&input.key))));
        Ok(inputs.filter(|(_, values)| !values.is_empty()).collect())
    }

    /// The keys of vendor inputs that flags and profile name, whatever a vendor has.
    pub fn set_keys(&self) -> impl Iterator<Item = &str> {
        let written = self.profile().map(|profile| &profile.written.sets);
        let keys = self.sets.keys().chain(written.into_iter().flat_map(BTreeMap::keys));
        keys.map(String::as_str)
    }

    /// The values of a vendor input; none where it was not given, or is to have none.
    pub fn set(&self, key: &str) -> Vec<String> {
        let several = |text: String| text.split(';').map(str::to_owned).collect();
        let by_flag = || self.sets.get(key).cloned();
        let by_variable = || self.vars.get(&set_variable(key)).map(several);
        let by_profile = || Some(self.profile()?.written.sets.get(key)?.value.clone());
        let values: Vec<String> = by_flag().or_else(by_variable).or_else(by_profile).unwrap_or_default();
        match values.iter().all(String::is_empty) {
            true => Vec::new(),
            false => values,
        }
    }

    /// The flags that say the same as everything known here, in the table's order.
    pub fn flags(&self, vendor_inputs: &BTreeMap<String, Vec<String>>) -> Vec<(String, String)> {
        let flag = |row: &'static super::InputDefinition| Some((row.flag(), self.get(row.id)?.to_owned()));
        let sets = vendor_inputs.iter().flat_map(|(key, values)| {
            values
                .iter()
                .map(move |value| ("--set".to_owned(), format!("{key}={value}")))
        });
        INPUTS.iter().filter_map(flag).chain(sets).collect()
    }
}

fn normal_values(kind: InputType, values: Vec<String>) -> Vec<String> {
    let network = |value: String| match VnetId::from_input(&value) {
        Ok(network) => network.to_string(),
        Err(_) => value,
    };
    match kind {
        InputType::VnetId => values.into_iter().map(network).collect(),
        _ => values,
    }
}

/// A value in the form in which it is used: of a network's address in the portal, its ID.
fn normal(id: &str, value: &str) -> String {
    let network = (id == "vnet-id").then(|| VnetId::from_input(value).ok()).flatten();
    network.map_or_else(|| value.to_owned(), |network| network.to_string())
}

/// `PEERCTL_SET_APP_ID` for `app-id`.
pub fn set_variable(key: &str) -> String {
    format!("PEERCTL_SET_{}", key.to_uppercase().replace('-', "_"))
}

/// One line for an input that is missing: flag, environment, meaning.
pub fn missing_line(id: &str) -> String {
    match input(id) {
        Some(row) => {
            let env = row.env.map(|env| format!(" or {env}")).unwrap_or_default();
            format!("{}{env}: {}", row.flag(), row.meaning)
        }
        None => format!("--{id}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vendors::profile;

    fn vars(pairs: &[(&str, &str)]) -> EnvironmentVariables {
        EnvironmentVariables::default().with(
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        )
    }

    #[test]
    fn inputs_prefer_flag_over_environment() {
        let vars = vars(&[
            ("PEERCTL_VNET", "from-env"),
            ("PEERCTL_VENDOR", ""),
            ("AZURE_TENANT_ID", "t"),
        ]);
        let given = GivenInputs::new([("vnet", Some("from-flag")), ("tenant-id", Some(""))], &[], vars).expect("good");
        assert_eq!(given.get("vnet"), Some("from-flag"));
        assert_eq!(given.get("vendor"), None);
        assert_eq!(
            (given.get("tenant-id"), given.source("tenant-id")),
            (Some("t"), Some(ValueSource::Environment))
        );
    }

    #[test]
    fn inputs_network_flags_override_environment_id() {
        let env = || vars(&[("PEERCTL_VNET_ID", "from-env"), ("AZURE_SUBSCRIPTION_ID", "env-sub")]);
        let given = GivenInputs::new([("vnet", Some("v")), ("resource-group", Some("g"))], &[], env()).expect("good");
        assert_eq!(
            (given.get("vnet-id"), given.get("subscription")),
            (None, Some("env-sub"))
        );
        let given = GivenInputs::new([("vnet-id", Some("flag"))], &[], env()).expect("good");
        assert_eq!((given.get("vnet-id"), given.get("subscription")), (Some("flag"), None));
        let given = GivenInputs::new([], &[], env()).expect("good");
        assert_eq!(
            (given.get("vnet-id"), given.get("subscription")),
            (Some("from-env"), None)
        );
    }

    #[test]
    fn inputs_report_unknown_vendor_inputs() {
        let kong = profile("kong").expect("built in");
        let sets = ["dns=a=1.1.1.1".to_owned(), "dns=b=2.2.2.2".to_owned()];
        let env = vars(&[("PEERCTL_SET_NETWORK", "net"), ("PEERCTL_SET_DNS", "ignored")]);
        let inputs = GivenInputs::new([], &sets, env)
            .expect("good")
            .vendor_inputs(&kong)
            .expect("known keys");
        assert_eq!(inputs["dns"], ["a=1.1.1.1", "b=2.2.2.2"]);
        assert_eq!(inputs["network"], ["net"]);
        let wrong = GivenInputs::new([], &["netwrok=x".to_owned()], EnvironmentVariables::default()).expect("good");
        assert_eq!(wrong.vendor_inputs(&kong), Err("netwrok".to_owned()));
        assert_eq!(
            GivenInputs::new([], &["x".to_owned()], EnvironmentVariables::default()).err(),
            Some("x".to_owned())
        );
    }
}
