//! The configuration file: named profiles of inputs, one of which may be the default.
//!
//! ```toml
//! default-profile = "production"
//!
//! [profiles.production]
//! vendor = "kong"
//! vnet-id = "/subscriptions/…"
//! set.network = "my-network"
//! ```

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::profile_file::{ProfileValues, SourceFile, WithLine, in_order, string};
use crate::domain::{did_you_mean, sanitize_for_terminal};
use crate::errors::{RunError, RunErrorKind};

/// The name that stands for no profile.
pub const NO_PROFILE: &str = "none";

const DEFAULT: &str = "default-profile";
const PROFILES: &str = "profiles";

/// Content of a configuration file. All of it is checked, whichever profile is selected.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    file: PathBuf,
    default: Option<WithLine<String>>,
    profiles: BTreeMap<String, ProfileValues>,
}

/// A profile that a run takes values from.
#[derive(Debug, Clone)]
pub struct ActiveProfile {
    pub name: String,
    pub file: PathBuf,
    /// Setting that selected the profile: `--profile`, `PEERCTL_PROFILE`, or `default-profile`.
    pub by: &'static str,
    pub written: ProfileValues,
}

impl ConfigFile {
    /// Reads a file's text.
    ///
    /// # Errors
    /// What is no TOML, a key that has no meaning, a profile that cannot be used; with its line.
    pub fn read(text: &SourceFile) -> Result<Self, RunError> {
        let mut config = Self {
            file: text.file().to_owned(),
            default: None,
            profiles: BTreeMap::new(),
        };
        for (key, value) in in_order(&text.parse()?) {
            let line = text.line(&key.span());
            match key.as_ref().as_ref() {
                DEFAULT => {
                    let value = string(DEFAULT, value, text)?;
                    config.default = Some(WithLine { value, line });
                }
                PROFILES => {
                    let why = "A profile is a table: [profiles.NAME].";
                    let no_table = || text.refuse(&value.span(), "profiles is no table", why);
                    let profiles = value.as_ref().as_table().ok_or_else(no_table)?;
                    for (name, profile) in in_order(profiles) {
                        let no_table = || text.refuse(&name.span(), format!("'{}' is no profile", name.as_ref()), why);
                        let table = profile.as_ref().as_table().ok_or_else(no_table)?;
                        check_name(name.as_ref()).map_err(|why| text.refuse(&name.span(), why, ""))?;
                        let written = ProfileValues::read(table, text, &[])?;
                        config.profiles.insert(name.as_ref().to_string(), written);
                    }
                }
                other => {
                    let what = format!("'{other}' has no meaning here");
                    let guess = did_you_mean(other, [DEFAULT, PROFILES]);
                    let why = format!("There are {DEFAULT} and tables of inputs: [{PROFILES}.NAME].{guess}");
                    return Err(text.refuse(&key.span(), what, why));
                }
            }
        }
        if let Some(default) = &config.default
            && !config.profiles.contains_key(&default.value)
        {
            let what = format!("there is no profile '{}'", default.value);
            return Err(super::profile_file::refuse(
                text.file(),
                default.line,
                what,
                config.there_are(),
            ));
        }
        Ok(config)
    }

    /// The profile that is asked for, as the name and what asks for it; else the default one, if there is one.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn choose(&self, asked: Option<(&str, &'static str)>) -> Result<Option<ActiveProfile>, RunError> {
        let default = self.default.as_ref().map(|default| (default.value.as_str(), DEFAULT));
        let Some((name, by)) = asked.or(default) else {
            return Ok(None);
        };
        let Some(written) = self.profiles.get(name) else {
            let file = sanitize_for_terminal(&self.file.to_string_lossy());
            let what = format!("{by}: there is no profile '{}' in {file}.", sanitize_for_terminal(name));
            let guess = did_you_mean(name, self.profiles.keys().map(String::as_str));
            return Err(RunError::new(RunErrorKind::Usage, what, self.there_are() + &guess));
        };
        Ok(Some(ActiveProfile {
            name: name.to_owned(),
            file: self.file.clone(),
            by,
            written: written.clone(),
        }))
    }

    /// Every profile by its name, and whether it is the default one.
    pub fn profiles(&self) -> impl Iterator<Item = (&str, &ProfileValues, bool)> {
        let is_default = |name: &str| self.default.as_ref().is_some_and(|default| default.value == name);
        self.profiles
            .iter()
            .map(move |(name, written)| (name.as_str(), written, is_default(name)))
    }

    fn there_are(&self) -> String {
        let names: Vec<String> = self.profiles.keys().map(|name| sanitize_for_terminal(name)).collect();
        match names.as_slice() {
            [] => "It has no profiles.".to_owned(),
            names => format!("It has {}.", names.join(", ")),
        }
    }
}

impl ActiveProfile {
    /// Returns the location of a value in the profile: `vnet (profile production, FILE line 4)`.
    pub fn place(&self, what: &str, line: usize) -> String {
        let (name, file) = (
            sanitize_for_terminal(&self.name),
            sanitize_for_terminal(&self.file.to_string_lossy()),
        );
        format!("{what} (profile {name}, {file} line {line})")
    }
}

/// Checks whether a profile can have that name.
///
/// # Errors
///
/// The reason that it can't, as a sentence without its full stop.
pub fn check_name(name: &str) -> Result<(), String> {
    if name == NO_PROFILE {
        return Err("none stands for no profile".to_owned());
    }
    let plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.starts_with('-') || !name.chars().all(plain) {
        return Err(
            "a profile's name is made of letters, digits, '-', '_' and '.', and does not begin with '-'".to_owned(),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "default-profile = \"b\"\n[profiles.a]\nvnet = \"v\"\n[profiles.b]\nset.network = \"n\"\n";

    fn read(text: &str) -> Result<ConfigFile, RunError> {
        ConfigFile::read(&SourceFile::new("my.toml", text))
    }

    #[test]
    fn config_selects_requested_or_default_profile() {
        let no_default = FILE.replace("default-profile", "#");
        let table = [
            (FILE, None, Some(("b", "default-profile"))),
            (FILE, Some(("a", "--profile")), Some(("a", "--profile"))),
            (
                &no_default,
                Some(("b", "PEERCTL_PROFILE")),
                Some(("b", "PEERCTL_PROFILE")),
            ),
            (&no_default, None, None),
            ("", None, None),
        ];
        for (text, asked, expected) in table {
            let chosen = read(text).expect("good").choose(asked).expect("it is there");
            let chosen = chosen.as_ref().map(|chosen| (chosen.name.as_str(), chosen.by));
            assert_eq!(chosen, expected, "{asked:?} in {text}");
        }
    }

    #[test]
    fn config_missing_profile_lists_available() {
        let config = read(FILE).expect("good");
        let problem = config.choose(Some(("c", "--profile"))).expect_err("there is none");
        assert_eq!(problem.what, "--profile: there is no profile 'c' in my.toml.");
        assert_eq!(problem.why, "It has a, b.");
        let problem = read("default-profile = 'c'").expect_err("there is none");
        assert_eq!(problem.what, "my.toml, line 1: there is no profile 'c'.");
        assert_eq!(problem.why, "It has no profiles.");
    }

    #[test]
    fn config_error_names_line() {
        let table = [
            ("[profile.a]", 1, "'profile' has no meaning here"),
            ("\n[profiles]\na = 1", 3, "'a' is no profile"),
            ("profiles = 1", 1, "profiles is no table"),
            ("default-profile = 1", 1, "default-profile is a text"),
            ("[profiles.none]", 1, "none stands for no profile"),
            ("[profiles.'a b']", 1, "a profile's name is made of"),
            // The one that nobody asked for, too.
            ("[profiles.a]\n[profiles.b]\nvendr = 'kong'", 3, "'vendr' is no input"),
        ];
        for (text, line, what) in table {
            let problem = read(text).expect_err(text);
            let expected = format!("my.toml, line {line}: {what}");
            assert!(problem.what.starts_with(&expected), "{text}: {problem}");
        }
    }
}
