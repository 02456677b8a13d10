//! The environment as a value, and the registry of the variables that peerctl reads.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

use super::table::INPUTS;
use crate::azure::ProxySettings;
use crate::errors::{RunError, RunErrorKind};
use crate::vendors::profiles;

/// Every variable that peerctl reads itself, beside those of [`INPUTS`], the vendors' own and the proxies'. What ends in
/// `_` is the beginning of a name.
pub const VARIABLES: [&str; 19] = [
    "PEERCTL_",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_FEDERATED_TOKEN_FILE",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "GITHUB_STEP_SUMMARY",
    "NO_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "TERM",
    "HOME",
    "XDG_CONFIG_HOME",
    "XDG_STATE_HOME",
    "APPDATA",
    "LOCALAPPDATA",
];

/// Returns whether a variable is one that peerctl reads, whatever its value.
fn is_read(name: &str) -> bool {
    let own = |own: &str| name == own || own.ends_with('_') && name.starts_with(own);
    let access = profiles().iter().filter_map(|vendor| vendor.access.as_ref());
    let mut vendors = access.flat_map(|access| [&access.token_env, &access.api_env]);
    VARIABLES.iter().any(|variable| own(variable))
        || ProxySettings::VARIABLES.contains(&name)
        || INPUTS.iter().any(|input| input.env == Some(name))
        || vendors.any(|variable| variable == name)
}

/// The environment as a value, so that a run can have another one than the process.
#[derive(Clone, Default)]
pub struct EnvironmentVariables {
    values: BTreeMap<String, String>,
    /// Names of variables whose values are not UTF-8.
    unreadable: BTreeSet<String>,
}

/// Names only: many a value is a secret.
impl std::fmt::Debug for EnvironmentVariables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

impl EnvironmentVariables {
    /// The process's environment.
    pub fn of_process() -> Self {
        std::env::vars_os().collect()
    }

    /// A variable that is set and not empty.
    pub fn get(&self, name: &str) -> Option<String> {
        self.values.get(name).filter(|value| !value.is_empty()).cloned()
    }

    /// A variable that is set, be it to nothing.
    pub fn get_set(&self, name: &str) -> Option<String> {
        self.values.get(name).cloned()
    }

    /// Refuses an environment in which a variable that peerctl reads isn't UTF-8: as "not set" it would choose another
    /// cloud, identity or way.
    ///
    /// # Errors
    /// The first such variable.
    pub fn check(&self) -> Result<(), RunError> {
        let unreadable = self.unreadable.iter().find(|name| is_read(name));
        unreadable.map_or(Ok(()), |name| Err(not_utf8(name)))
    }

    /// As [`EnvironmentVariables::get`], for a variable that a file names.
    ///
    /// # Errors
    /// When its value is not UTF-8.
    pub fn named(&self, name: &str) -> Result<Option<String>, RunError> {
        match self.unreadable.contains(name) {
            true => Err(not_utf8(name)),
            false => Ok(self.get(name)),
        }
    }

    /// The environment of a rehearsal: the real sign-in, network and vendor have no place in one. The configuration file
    /// is where it is: a profile may be named for a rehearsal, too.
    #[must_use]
    pub fn for_rehearsal(mut self) -> Self {
        const LEFT_OUT: [&str; 5] = ["AZURE_", "PEERCTL_", "KONNECT_", "AIVEN_", "DFCLOUD_"];
        let stays = |name: &str| name == "PEERCTL_CONFIG" || !LEFT_OUT.iter().any(|prefix| name.starts_with(prefix));
        self.values.retain(|name, _| stays(name));
        self.unreadable.retain(|name| stays(name));
        self
    }

    /// Returns the environment with these variables set.
    #[must_use]
    pub fn with(mut self, more: impl IntoIterator<Item = (String, String)>) -> Self {
        self.values.extend(more);
        self
    }
}

impl FromIterator<(OsString, OsString)> for EnvironmentVariables {
    fn from_iter<I: IntoIterator<Item = (OsString, OsString)>>(variables: I) -> Self {
        let mut vars = Self::default();
        for (name, value) in variables {
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => drop(vars.values.insert(name, value)),
                Err(_) => drop(vars.unreadable.insert(name)),
            }
        }
        vars
    }
}

fn not_utf8(name: &str) -> RunError {
    let what = format!("The environment variable {name} is not UTF-8 text.");
    let why = "Its value holds bytes that are no text, so peerctl can't read it.";
    RunError::new(RunErrorKind::Usage, what, why).remedy(format!("Set {name} again, or unset it."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn environment_rejects_unreadable_used_variable() {
        use std::os::unix::ffi::OsStringExt;

        let table = [
            ("PEERCTL_CLOUD", true),
            ("PEERCTL_SET_NETWORK", true),
            ("AZURE_CLIENT_SECRET", true),
            ("AZURE_TENANT_ID", true),
            ("KONNECT_TOKEN", true),
            ("AIVEN_WEB_URL", true),
            ("https_proxy", true),
            ("LS_COLORS", false),
            ("ACME_TOKEN", false),
        ];
        for (name, refused) in table {
            let value = OsString::from_vec(b"secret\xff".to_vec());
            let vars: EnvironmentVariables = [(OsString::from(name), value)].into_iter().collect();
            let checked = vars.check();
            assert_eq!(checked.is_err(), refused, "{name}");
            if let Err(problem) = checked {
                let text = problem.to_string();
                assert!(text.contains(name) && !text.contains("secret"), "{text}");
            }
            assert!(vars.named(name).is_err(), "{name}: a profile may name it");
            let rehearsal = vars.for_rehearsal().check();
            assert_eq!(rehearsal.is_err(), name == "https_proxy", "{name}");
        }
    }

    #[test]
    fn every_variable_is_in_the_help() {
        let help = include_str!("../cli/help/environment.txt");
        let hidden = |name: &&str| !name.ends_with('_') && !help.contains(*name) && *name != "GITHUB_STEP_SUMMARY";
        let missing: Vec<&str> = VARIABLES.into_iter().filter(|name| hidden(name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
