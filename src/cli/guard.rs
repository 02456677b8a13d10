//! Protection that is set up before anything else, so that a secret can't leave this process unnoticed.

use url::Url;

use crate::domain::remember_secret;

/// Variables whose values are secrets wherever they turn up.
const SECRETS: [&str; 6] = [
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "AZURE_CLIENT_SECRET",
    "IDENTITY_HEADER",
    "MSI_SECRET",
    "PEERCTL_OWN_APP_SECRET",
];
/// Variables that hold an address of a proxy, perhaps with a password.
const PROXIES: [&str; 6] = [
    "ALL_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "all_proxy",
    "https_proxy",
    "http_proxy",
];

/// Sees to it that a crash writes no image of the memory, which holds tokens. Children inherit it.
pub fn no_core_dump() {
    #[cfg(unix)]
    {
        use rustix::process;
        let none = process::Rlimit {
            current: Some(0),
            ..process::getrlimit(process::Resource::Core)
        };
        // A system that refuses leaves the limit as the user has set it.
        let _ = process::setrlimit(process::Resource::Core, none);
    }
}

/// Takes note of the secrets in the environment. The other ones are noted when they are sent.
pub fn remember_environment() {
    let value = |name: &&str| std::env::var(name).ok();
    for secret in SECRETS.iter().filter_map(value) {
        remember_secret(&secret);
    }
    for proxy in PROXIES
        .iter()
        .filter_map(value)
        .filter_map(|address| Url::parse(&address).ok())
    {
        if let Some(password) = proxy.password() {
            let plain = percent_encoding::percent_decode_str(password).decode_utf8_lossy();
            remember_secret(&plain);
            remember_secret(&format!("{}:{plain}", proxy.username()));
        }
    }
}
