//! The proxies that the environment names: read and checked once, so that none is passed over in silence.

use reqwest::{NoProxy, Proxy};
use url::Url;

/// Hosts that no proxy can reach: this machine and its metadata service.
const HERE: &str = "localhost,127.0.0.0/8,::1,169.254.0.0/16";

/// The form of a proxy's address, for errors: the address itself may hold a password.
const FORM: &str = "The form is http://USER:PASSWORD@HOST:PORT. In USER and PASSWORD, write '@' as %40, '#' as %23, \
                    '/' as %2F, ':' as %3A and '\\' as %5C.";

/// A proxy's address that can't be used. The text names the variable and never shows its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why} {FORM}")]
pub struct ProxyError {
    pub variable: &'static str,
    why: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct ProxySetting {
    variable: &'static str,
    url: Url,
}

/// The proxies of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProxySettings {
    https: Option<ProxySetting>,
    http: Option<ProxySetting>,
    except: Option<String>,
    /// Nothing else is looked for: the environment says which proxies there are, or no host needs one.
    decided: bool,
}

impl ProxySettings {
    /// The variables that are read.
    pub const VARIABLES: [&str; 8] = [
        "HTTPS_PROXY",
        "https_proxy",
        "HTTP_PROXY",
        "http_proxy",
        "ALL_PROXY",
        "all_proxy",
        "NO_PROXY",
        "no_proxy",
    ];

    /// No proxy, whatever the system has.
    pub fn none() -> Self {
        Self {
            decided: true,
            ..Self::default()
        }
    }

    /// The proxies that the environment names. A variable in small letters wins over the one in capitals, and an empty
    /// one stands for no proxy.
    ///
    /// # Errors
    /// The variable with an address that can't be used.
    pub fn from_environment(vars: &dyn Fn(&str) -> Option<String>) -> Result<Self, ProxyError> {
        let given = |names: [&'static str; 2]| {
            let set = |name: &'static str| Some((name, vars(name)?.trim().to_owned()));
            names.into_iter().find_map(set)
        };
        let all = given(["all_proxy", "ALL_PROXY"]);
        let https = given(["https_proxy", "HTTPS_PROXY"]).or(all.clone());
        let http = given(["http_proxy", "HTTP_PROXY"]).or(all);
        Ok(Self {
            decided: https.is_some() || http.is_some(),
            https: https.map(setting).transpose()?.flatten(),
            http: http.map(setting).transpose()?.flatten(),
            except: given(["no_proxy", "NO_PROXY"]).map(|(_, value)| value),
        })
    }

    /// The variable that names the proxy for a host, where one is used for it.
    pub(super) fn variable(&self, scheme: &str, host: &str) -> Option<&'static str> {
        let setting = match scheme {
            "https" => self.https.as_ref(),
            _ => self.http.as_ref(),
        };
        let setting = setting.filter(|_| !is_here(host))?;
        let except = self.except.as_deref().unwrap_or_default();
        let excepted = |entry: &str| {
            let entry = entry.trim().trim_start_matches('.').to_ascii_lowercase();
            entry == "*" || !entry.is_empty() && (host == entry || host.ends_with(&format!(".{entry}")))
        };
        (!except.split(',').any(excepted)).then_some(setting.variable)
    }

    /// The client with these proxies.
    pub(super) fn apply(&self, builder: reqwest::ClientBuilder) -> Result<reqwest::ClientBuilder, reqwest::Error> {
        let except = self
            .except
            .as_ref()
            .map_or(HERE.to_owned(), |except| format!("{except},{HERE}"));
        let mut builder = if self.decided { builder.no_proxy() } else { builder };
        let except = NoProxy::from_string(&except);
        if let Some(setting) = &self.https {
            builder = builder.proxy(Proxy::https(setting.url.clone())?.no_proxy(except.clone()));
        }
        if let Some(setting) = &self.http {
            builder = builder.proxy(Proxy::http(setting.url.clone())?.no_proxy(except));
        }
        Ok(builder)
    }
}

fn is_here(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    let address = host.parse::<std::net::IpAddr>();
    let local = |address: std::net::IpAddr| match address {
        std::net::IpAddr::V4(address) => address.is_loopback() || address.is_link_local(),
        std::net::IpAddr::V6(address) => address.is_loopback(),
    };
    host == "localhost" || address.is_ok_and(local)
}

fn setting((variable, text): (&'static str, String)) -> Result<Option<ProxySetting>, ProxyError> {
    if text.is_empty() {
        return Ok(None);
    }
    let refused = |why| Err(ProxyError { variable, why });
    let text = match text.contains("://") {
        true => text,
        false => format!("http://{text}"),
    };
    let Ok(url) = Url::parse(&text) else {
        return refused("It is not a proxy URL.");
    };
    if !["http", "https"].contains(&url.scheme()) {
        return refused("It is not an HTTP proxy. peerctl supports only HTTP proxies.");
    }
    // What follows an unescaped '#', '?', '/' or '\' of a password is read as another part of the address.
    let more = url.path() != "/" || url.query().is_some() || url.fragment().is_some();
    if more {
        return refused(
            "It has parts other than user name, password, host and port, or a character that isn't escaped.",
        );
    }
    Ok(Some(ProxySetting { variable, url }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<ProxySettings, ProxyError> {
        let value = |name: &str| {
            pairs
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        };
        ProxySettings::from_environment(&value)
    }

    #[test]
    fn proxy_rejects_address_without_value() {
        let table = [
            ("http://us3r:p4ss@", "not a proxy URL"),
            ("http://us3r:p4ss@[::1", "not a proxy URL"),
            ("ftp://us3r:p4ss@host", "not an HTTP proxy"),
            ("socks5://us3r:p4ss@host", "not an HTTP proxy"),
            ("http://CORP\\al:p4ss@host", "isn't escaped"),
            ("http://us3r:p4ss#1@host", "not a proxy URL"),
            ("http://us3r:p4ss?1@host", "not a proxy URL"),
            ("http://us3r:p4/ss@host", "not a proxy URL"),
        ];
        for variable in ["HTTPS_PROXY", "http_proxy", "ALL_PROXY"] {
            for (value, why) in table {
                let error = read(&[(variable, value)]).expect_err(value);
                let text = error.to_string();
                assert_eq!(error.variable, variable);
                assert!(text.contains(why) && text.contains("%40"), "{value}: {text}");
                assert!(!text.contains("p4") && !text.contains("us3r"), "{value}: {text}");
            }
        }
    }

    #[test]
    fn proxy_respects_exceptions() {
        type Variables = &'static [(&'static str, &'static str)];
        let table: [(Variables, &str, Option<&str>); 9] = [
            (
                &[("HTTPS_PROXY", "http://CORP%5Cal:p%40ss%231@h:1")],
                "a.b",
                Some("HTTPS_PROXY"),
            ),
            (&[("HTTPS_PROXY", "h:8080")], "a.b", Some("HTTPS_PROXY")),
            (
                &[("https_proxy", "h"), ("HTTPS_PROXY", "ftp://h")],
                "a.b",
                Some("https_proxy"),
            ),
            (&[("HTTPS_PROXY", ""), ("ALL_PROXY", "h")], "a.b", None),
            (&[("ALL_PROXY", "https://h/")], "a.b", Some("ALL_PROXY")),
            (&[("ALL_PROXY", "h"), ("NO_PROXY", "x, .b")], "a.b", None),
            (&[("ALL_PROXY", "h"), ("NO_PROXY", "*")], "a.b", None),
            (&[("ALL_PROXY", "h"), ("no_proxy", "xb")], "a.b", Some("ALL_PROXY")),
            (&[("ALL_PROXY", "h")], "127.0.0.1", None),
        ];
        for (pairs, host, expected) in table {
            let proxies = read(pairs).expect("usable");
            assert_eq!(proxies.variable("https", host), expected, "{pairs:?}");
            assert!(proxies.apply(reqwest::Client::builder()).is_ok(), "{pairs:?}");
        }
    }
}
