//! Inputs as a file has them: a TOML table whose keys are the names of the flags.
//!
//! ```toml
//! vendor = "kong"
//! vnet-id = "/subscriptions/…"
//! no-wait = true
//! set = { network = "my-network", dns = ["a.internal=10.1.0.4", "b.internal=10.1.0.5"] }
//! ```
//!
//! Who reads a file parses it as a [`SourceFile`] and hands each such table to [`ProfileValues::read`]. What is wrong is told with
//! file and line; a value is never shown, because it may be a secret that is in the wrong place.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::table::{INPUTS, InputDefinition, NEVER_IN_A_FILE, SWITCHES, VNET_PARTS};
use crate::azure::AzureCloud;
use crate::domain::{did_you_mean, sanitize_for_terminal};
use crate::errors::{RunError, RunErrorKind};

/// The key of the table with the vendor's inputs.
pub const SETS: &str = "set";

/// Words in the name of a key that holds a secret.
const SECRETS: [&str; 12] = [
    "secret",
    "secrets",
    "token",
    "password",
    "passphrase",
    "credential",
    "credentials",
    "pat",
    "passwd",
    "pwd",
    "pw",
    "apikey",
];

/// Words of two parts that name a secret.
const SECRET_KEYS: [&str; 3] = ["api-key", "access-key", "private-key"];

/// A file's text, and where it is from.
#[derive(Debug, Clone)]
pub struct SourceFile {
    file: PathBuf,
    text: String,
}

impl SourceFile {
    pub fn new(file: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            text: text.into(),
        }
    }

    /// The whole file as a table; its parts know where they stand.
    ///
    /// # Errors
    /// What is no TOML.
    pub fn parse(&self) -> Result<DeTable<'_>, RunError> {
        // The error's own text quotes the line, and with it whatever stands there.
        DeTable::parse(&self.text).map(Spanned::into_inner).map_err(|error| {
            let span = error.span().unwrap_or_default();
            self.refuse(&span, "this is no TOML", format!("{}.", error.message()))
        })
    }

    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The line, from 1, that a part begins in.
    pub fn line(&self, span: &Range<usize>) -> usize {
        let before = self.text.as_bytes().get(..span.start).unwrap_or_default();
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }

    /// A refusal of the part at `span`: `FILE, line 7: what.`
    pub fn refuse(&self, span: &Range<usize>, what: impl AsRef<str>, why: impl Into<String>) -> RunError {
        refuse(&self.file, self.line(span), what, why)
    }
}

/// A refusal of what stands in a line of a file.
pub fn refuse(file: &Path, line: usize, what: impl AsRef<str>, why: impl Into<String>) -> RunError {
    let file = sanitize_for_terminal(&file.to_string_lossy());
    let what = format!("{file}, line {line}: {}.", sanitize_for_terminal(what.as_ref()));
    RunError::new(RunErrorKind::Usage, what, why)
}

/// Value and the line it's written in, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithLine<T> {
    pub value: T,
    pub line: usize,
}

/// The inputs of one table. Empty texts are left out: they count as not given. A vendor's input without a value is one
/// that is wanted to have none: it is not asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileValues {
    /// By input id; as the flag takes them.
    pub values: BTreeMap<&'static str, WithLine<String>>,
    /// By switch, such as `no-wait`.
    pub switches: BTreeMap<&'static str, WithLine<bool>>,
    /// The vendor's inputs, by key; which ones there are is the vendor's profile's to say.
    pub sets: BTreeMap<String, WithLine<Vec<String>>>,
}

impl ProfileValues {
    /// Reads a table of `text`. Keys in `others` are left to who calls.
    ///
    /// # Errors
    /// A key that is no input, or looks like a secret; a value of the wrong type; two that exclude each other.
    pub fn read(table: &DeTable<'_>, text: &SourceFile, others: &[&str]) -> Result<Self, RunError> {
        let mut written = Self::default();
        for (key, value) in in_order(table) {
            let name = key.as_ref().as_ref();
            if others.contains(&name) {
                continue;
            }
            let line = text.line(&key.span());
            if let Some(input) = inputs().find(|input| input.id == name) {
                let value = string(name, value, text)?;
                if name == "cloud" && !value.is_empty() && AzureCloud::well_known(&value).is_none() {
                    return Err(no_cloud_file(key, text));
                }
                if !value.is_empty() {
                    let value = beside(text.file(), input.id, value);
                    written.values.insert(input.id, WithLine { value, line });
                }
            } else if let Some(switch) = SWITCHES.iter().find(|switch| **switch == name) {
                let value = value.as_ref().as_bool();
                let value = value.ok_or_else(|| text.refuse(&key.span(), format!("{name} is true or false"), ""))?;
                written.switches.insert(switch, WithLine { value, line });
            } else if name == SETS {
                written.sets = sets(value, text)?;
            } else {
                return Err(unknown(key, text, others));
            }
        }
        written.agrees(text.file())?;
        Ok(written)
    }

    /// The inputs of a vendor as `--set` takes them.
    pub fn set_texts(&self) -> Vec<String> {
        let each = |(key, at): (&String, &WithLine<Vec<String>>)| -> Vec<String> {
            at.value.iter().map(|value| format!("{key}={value}")).collect()
        };
        self.sets.iter().flat_map(each).collect()
    }

    /// Refuses what the command line refuses to take together.
    pub(super) fn agrees(&self, file: &Path) -> Result<(), RunError> {
        if self.values.contains_key("vnet-id")
            && let Some((part, at)) = (self.values.iter()).find(|(id, _)| VNET_PARTS.contains(id))
        {
            let what = format!("vnet-id names the virtual network already, and so does {part}");
            return Err(refuse(file, at.line, what, "").remedy("Keep vnet-id, or the three parts."));
        }
        let on = |switch: &str| self.switches.get(switch).filter(|at| at.value);
        if let (Some(at), Some(_)) = (on("use-remote-gateways"), on("allow-gateway-transit")) {
            let why = "A virtual network uses the other's gateway or lets it use its own.";
            let what = "use-remote-gateways and allow-gateway-transit cannot be used together";
            return Err(refuse(file, at.line, what, why));
        }
        Ok(())
    }
}

/// The entries of a table as they stand in the file.
pub fn in_order<'t, 'i>(table: &'t DeTable<'i>) -> Vec<(&'t Spanned<Cow<'i, str>>, &'t Spanned<DeValue<'i>>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// The text that the key `name` has.
///
/// # Errors
/// When it is no text.
pub fn string(name: &str, value: &Spanned<DeValue<'_>>, text: &SourceFile) -> Result<String, RunError> {
    let found = value.as_ref().as_str().map(str::to_owned);
    found.ok_or_else(|| text.refuse(&value.span(), format!("{name} is a text, in quotes"), ""))
}

fn sets(value: &Spanned<DeValue<'_>>, text: &SourceFile) -> Result<BTreeMap<String, WithLine<Vec<String>>>, RunError> {
    let no_table = || {
        let why = "It is a table of the vendor's inputs: set = { network = \"my-network\" }.";
        text.refuse(&value.span(), "set is no table", why)
    };
    let table = value.as_ref().as_table().ok_or_else(no_table)?;
    let mut sets = BTreeMap::new();
    for (key, value) in in_order(table) {
        let name = key.as_ref().as_ref();
        if is_secret(name) {
            return Err(secret(key, text));
        }
        let values = match value.as_ref().as_array() {
            Some(values) => values.iter().map(|value| string(name, value, text)).collect(),
            None => string(name, value, text).map(|value| vec![value]),
        };
        let mut values: Vec<String> = values?;
        values.retain(|value| !value.is_empty());
        let line = text.line(&key.span());
        sets.insert(name.to_owned(), WithLine { value: values, line });
    }
    Ok(sets)
}

/// A file that is named by a relative path lies beside the one that names it, wherever the program is started.
fn beside(file: &Path, id: &str, value: String) -> String {
    let folder = file.parent().filter(|_| is_file(id, &value));
    folder.map_or(value.clone(), |folder| {
        folder.join(&value).to_string_lossy().into_owned()
    })
}

/// Returns whether an input that names a vendor is the path of a file: no known name has such characters.
pub fn is_file(id: &str, value: &str) -> bool {
    id == "vendor" && value.contains(['/', '\\', '.'])
}

/// Returns whether a key has the name of a secret, in any spelling.
pub fn is_secret(key: &str) -> bool {
    let mut words = String::new();
    for c in key.chars() {
        if c.is_uppercase() && words.ends_with(char::is_lowercase) {
            words.push('-');
        }
        words.push(c);
    }
    let key = words.to_lowercase().replace(['_', '.', ' '], "-");
    let word = |word: &str| SECRETS.contains(&word);
    key.split('-').any(word) || SECRET_KEYS.iter().any(|two| key.contains(two))
}

/// The inputs that a file may give.
fn inputs() -> impl Iterator<Item = &'static InputDefinition> {
    INPUTS.iter().filter(|input| !NEVER_IN_A_FILE.contains(&input.id))
}

fn no_cloud_file(key: &Spanned<Cow<'_, str>>, text: &SourceFile) -> RunError {
    let why = "A file of inputs can't choose the hosts that credentials are sent to.";
    let problem = text.refuse(&key.span(), "cloud is not one of Azure's own clouds", why);
    let problem = problem.remedy("Write public, usgov or china.");
    problem.remedy("Give a cloud file with --cloud FILE or in PEERCTL_CLOUD.")
}

/// Returns the error for a key that isn't an input.
fn unknown(key: &Spanned<Cow<'_, str>>, text: &SourceFile, others: &[&str]) -> RunError {
    let name = key.as_ref();
    if is_secret(name) {
        return secret(key, text);
    }
    let inputs = inputs().map(|input| input.id);
    let all = others.iter().copied().chain(inputs).chain(SWITCHES.iter().copied());
    let all: Vec<&str> = all.collect();
    let why = format!("There are {}, and the table {SETS}.", all.join(", "));
    let guess = did_you_mean(name, all.iter().copied().chain([SETS]));
    let problem = text.refuse(&key.span(), format!("'{name}' is no input"), why + &guess);
    problem.remedy(format!(
        "What a vendor needs besides is a key of the table {SETS}; peerctl vendors NAME lists them."
    ))
}

fn secret(key: &Spanned<Cow<'_, str>>, text: &SourceFile) -> RunError {
    let what = format!("'{}' looks like a secret", key.as_ref());
    let why = "A secret has no place in a file: it comes by environment or is asked for.";
    let problem = text.refuse(&key.span(), what, why);
    problem.remedy("Take the line out; peerctl help environment names the variables for secrets.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ProfileValues, RunError> {
        let text = SourceFile::new("/etc/peerctl/some.toml", text);
        ProfileValues::read(&text.parse()?, &text, &["name"])
    }

    #[test]
    fn profile_keys_match_flags_with_lines() {
        let text = "name = 1\nvendor = \"kong\"\nvnet = \"\"\n\nno-wait = true\n[set]\nnetwork = \"n\"\nname = ''\n\
                    dns = [\"a=1.1.1.1\",\n  \"b=2.2.2.2\"]\n";
        let written = read(text).expect("good");
        let at = |value: &str, line| WithLine {
            value: value.to_owned(),
            line,
        };
        assert_eq!(written.values, BTreeMap::from([("vendor", at("kong", 2))]));
        assert_eq!(
            written.switches,
            BTreeMap::from([("no-wait", WithLine { value: true, line: 5 })])
        );
        assert_eq!(written.set_texts(), ["dns=a=1.1.1.1", "dns=b=2.2.2.2", "network=n"]);
        assert_eq!((written.sets["network"].line, written.sets["dns"].line), (7, 9));
        let none = WithLine {
            value: Vec::new(),
            line: 8,
        };
        assert_eq!(written.sets["name"], none);
    }

    #[test]
    fn profile_accepts_every_input_and_switch() {
        let alone = |line: &str| read(line).unwrap_or_else(|problem| panic!("{line}: {problem}"));
        for input in inputs() {
            let value = if input.id == "cloud" { "usgov" } else { "x" };
            assert_eq!(alone(&format!("{} = \"{value}\"", input.id)).values.len(), 1);
        }
        for switch in SWITCHES {
            assert_eq!(alone(&format!("{switch} = false")).switches.len(), 1);
        }
    }

    #[test]
    fn profile_error_hides_value() {
        let table = [
            ("vendor = \"kong\"\nvendr = \"x-marks\"", 2, "'vendr' is no input"),
            ("vnet = 7117", 1, "vnet is a text"),
            (
                "\ncloud = \"./x-marks.json\"",
                2,
                "cloud is not one of Azure's own clouds",
            ),
            ("cloud = \"x-marks\"", 1, "cloud is not one of Azure's own clouds"),
            ("trust-vendor-host = \"x-marks\"", 1, "'trust-vendor-host' is no input"),
            ("no-wait = \"x-marks\"", 1, "no-wait is true or false"),
            ("\nset = \"x-marks\"", 2, "set is no table"),
            ("[set]\nnetwork = 7117", 2, "network is a text"),
            ("[set]\ndns = [\n\"a\",\n7117]", 4, "dns is a text"),
            ("client-secret = \"x-marks\"", 1, "'client-secret' looks like a secret"),
            ("KONNECT_TOKEN = \"x-marks\"", 1, "'KONNECT_TOKEN' looks like a secret"),
            (
                "DFCLOUD_API_KEY = \"x-marks\"",
                1,
                "'DFCLOUD_API_KEY' looks like a secret",
            ),
            (
                "[set]\n\nkonnect-token = \"x-marks\"",
                3,
                "'konnect-token' looks like a secret",
            ),
            ("vendor = \"kong\"\ntoken = x-marks", 2, "this is no TOML"),
            ("vendor = \"x-marks\"\nvendor = \"x-marks\"", 2, "this is no TOML"),
            (
                "vnet-id = \"x-marks\"\nvnet = \"x-marks\"",
                2,
                "names the virtual network already",
            ),
            (
                "use-remote-gateways = true\nallow-gateway-transit = true",
                1,
                "cannot be used together",
            ),
        ];
        for (text, line, what) in table {
            let problem = read(text).expect_err(text);
            assert_eq!(problem.kind, RunErrorKind::Usage, "{text}");
            let expected = format!("/etc/peerctl/some.toml, line {line}: ");
            assert!(
                problem.what.starts_with(&expected) && problem.what.contains(what),
                "{text}: {problem}"
            );
            let shown = problem.to_string();
            assert!(!shown.contains("x-marks") && !shown.contains("7117"), "{text}: {shown}");
        }
        let problem = read("vendr = \"\"").expect_err("unknown");
        assert!(
            problem.why.contains("name, cloud, auth, vendor") && problem.why.contains("no-wait"),
            "{problem}"
        );
    }

    #[test]
    fn profile_secret_detected_by_key() {
        let secrets = "secret client-secret clientSecret CLIENT_SECRET konnectToken apikey apiKey api_key APIKEY passwd \
                       dbPwd pw user.pw accessKey private-key pat credentials";
        for key in secrets.split_whitespace() {
            assert!(is_secret(key), "{key}");
        }
        let others = "network vpc path dataPath keyspace tokens-per-day secretary app-id resourceGroup";
        for key in others.split_whitespace() {
            assert!(!is_secret(key), "{key}");
        }
    }

    #[test]
    fn profile_file_path_is_relative() {
        let beside = |name: &str| Path::new("/etc/peerctl").join(name).display().to_string();
        let table = [
            ("vendor = \"kong\"", "kong".to_owned()),
            ("vendor = \"./mine.toml\"", beside("./mine.toml")),
            ("vendor = 'mine.toml'", beside("mine.toml")),
            ("vendor = '/srv/mine.toml'", beside("/srv/mine.toml")),
            // Not every input is one of a file.
            ("vnet = 'v.1'", "v.1".to_owned()),
        ];
        for (text, expected) in table {
            let written = read(text).expect("good");
            let value = written.values.values().next().map(|at| at.value.clone());
            assert_eq!(value, Some(expected), "{text}");
        }
    }
}
