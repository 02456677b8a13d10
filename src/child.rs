//! The one way to start another program: without the secrets in this process's environment, which are none of its
//! business.

use std::ffi::OsStr;
use std::process::Command;

use crate::domain::holds_secret;

/// Words in the name of a variable that holds a secret: `AZURE_CLIENT_SECRET`, `IDENTITY_HEADER`, `ACME_PAT`.
const SECRET_WORDS: [&str; 22] = [
    "TOKEN",
    "TOKENS",
    "SECRET",
    "SECRETS",
    "PASSWORD",
    "PASSWORDS",
    "PASSWD",
    "PASSPHRASE",
    "PASS",
    "PW",
    "PAT",
    "KEY",
    "KEYS",
    "APIKEY",
    "CREDENTIAL",
    "CREDENTIALS",
    "CREDS",
    "HEADER",
    "COOKIE",
    "JWT",
    "BEARER",
    "DSN",
];
/// Endings of names that lead to a secret and hold none.
const PLACES: [&str; 3] = ["_FILE", "_PATH", "_DIR"];
/// Variables whose address may have a password in it, which the other program needs as well.
const PROXIES: [&str; 3] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];

/// A command for `program`, whose environment is this process's without its secrets.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os().filter(|(name, value)| is_secret(name, value)) {
        command.env_remove(name);
    }
    command
}

/// Returns whether a variable holds a secret, by its name or by its value: one that this process uses as such, a JSON
/// web token, or an address with a password.
fn is_secret(name: &OsStr, value: &OsStr) -> bool {
    let name = name.to_string_lossy().to_ascii_uppercase();
    if PROXIES.contains(&name.as_str()) {
        return false;
    }
    let is_place = PLACES.iter().any(|ending| name.ends_with(ending));
    let words = || name.split(|c: char| !c.is_ascii_alphanumeric());
    let named = words().any(|word| SECRET_WORDS.contains(&word)) || name.contains("CONNECTION_STRING");
    named && !is_place || holds_secret(&value.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_secret_by_name_or_value() {
        let jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.c2ln";
        let secret = [
            ("AZURE_CLIENT_SECRET", "x"),
            ("KONNECT_TOKEN", "x"),
            ("DFCLOUD_API_KEY", "x"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "x"),
            ("IDENTITY_HEADER", "x"),
            ("MSI_SECRET", "x"),
            ("ACME_PAT", "x"),
            ("acme_pat", "x"),
            ("PGPASSWORD_OF_NOTHING", jwt),
            ("AZURE_STORAGE_CONNECTION_STRING", "x"),
            ("DATABASE_URL", "postgres://me:pw@host/db"),
            ("OTHER", jwt),
        ];
        for (name, value) in secret {
            assert!(is_secret(name.as_ref(), value.as_ref()), "{name}");
        }
        let plain = [
            ("PATH", "/usr/bin"),
            ("PWD", "/home/me"),
            ("HOME", "/home/me"),
            ("AZURE_CONFIG_DIR", "/home/me/.azure"),
            ("HTTPS_PROXY", "http://me:pw@proxy:8080"),
            ("https_proxy", "http://me:pw@proxy:8080"),
            ("AZURE_FEDERATED_TOKEN_FILE", "/run/token"),
            ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/run/bus"),
            ("COMPATIBILITY", "x"),
        ];
        for (name, value) in plain {
            assert!(!is_secret(name.as_ref(), value.as_ref()), "{name}");
        }
    }
}
