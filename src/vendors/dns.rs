//! DNS mappings: which domains the vendor resolves through which of the customer's servers.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// `domain[,domain]=ip[,ip]`: one to one, many to one, many to many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsMapping {
    pub domains: Vec<String>,
    pub servers: Vec<IpAddr>,
}

/// Why a text is no DNS mapping.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DnsMappingError {
    #[error(
        "'{0}' is not a valid DNS mapping. Expected DOMAIN[,DOMAIN]=IP[,IP], such as internal.example.com=10.20.0.4."
    )]
    Shape(String),
    #[error("'{0}' is not a valid domain name.")]
    Domain(String),
    #[error("'{0}' is not a valid IP address.")]
    Server(String),
}

impl FromStr for DnsMapping {
    type Err = DnsMappingError;

    fn from_str(text: &str) -> Result<Self, DnsMappingError> {
        let (domains, servers) = text
            .split_once('=')
            .ok_or_else(|| DnsMappingError::Shape(text.to_owned()))?;
        let domain = |text: &str| {
            let text = text.trim().trim_end_matches('.').to_ascii_lowercase();
            if is_domain(&text) {
                Ok(text)
            } else {
                Err(DnsMappingError::Domain(text))
            }
        };
        let server = |text: &str| {
            text.trim()
                .parse()
                .map_err(|_| DnsMappingError::Server(text.trim().to_owned()))
        };
        Ok(Self {
            domains: domains.split(',').map(domain).collect::<Result<_, _>>()?,
            servers: servers.split(',').map(server).collect::<Result<_, _>>()?,
        })
    }
}

fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

impl fmt::Display for DnsMapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers: Vec<String> = self.servers.iter().map(ToString::to_string).collect();
        write!(f, "{}={}", self.domains.join(","), servers.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dns_mapping_parses_three_forms() {
        for text in [
            "a.example=10.0.0.4",
            "a.example,b.example=10.0.0.4",
            "a.example,b.example=10.0.0.4,fd00::4",
        ] {
            assert_eq!(text.parse::<DnsMapping>().expect(text).to_string(), text);
        }
        assert_eq!(
            "A.Example. = 10.0.0.4"
                .parse::<DnsMapping>()
                .expect("loose")
                .to_string(),
            "a.example=10.0.0.4"
        );
    }

    #[test]
    fn dns_mapping_error_names_part() {
        let table = [
            ("a.example", "Expected DOMAIN"),
            ("=10.0.0.4", "not a valid domain"),
            ("-a.example=10.0.0.4", "not a valid domain"),
            ("a.example=ten", "'ten' is not a valid IP"),
            ("a.example=", "not a valid IP"),
            ("a b=10.0.0.4", "not a valid domain"),
        ];
        for (text, why) in table {
            let error = text.parse::<DnsMapping>().expect_err(text).to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
