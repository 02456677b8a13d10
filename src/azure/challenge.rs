//! Claims challenges: a service accepts the token, and requires a stronger or newer sign-in for this request. Resource
//! Manager asks so for multi-factor authentication, Graph for Conditional Access, and both where a session was revoked.

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;
use serde_json::Value;

/// The longest claims that are repeated, in characters of base64: those of Azure have some hundred.
const LONGEST: usize = 4_096;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// A demand for further claims, as `WWW-Authenticate` makes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClaimsChallenge {
    /// The claims in base64, as the service sent them; `None` where it sent none that can be read.
    pub encoded: Option<String>,
    /// Claims as JSON.
    claims: Value,
}

/// Requirement that a challenge sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChallengeDemand {
    /// Multi-factor authentication.
    SecondFactor,
    /// A Conditional Access policy, by its authentication context where that is named.
    ConditionalAccess(Option<String>),
    /// A token that is younger than a revocation or a change of policy.
    NewSignIn,
}

impl ClaimsChallenge {
    /// The challenge among an answer's headers, if there is one.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(WWW_AUTHENTICATE).iter();
        values.find_map(|value| Self::parse(value.to_str().ok()?))
    }

    fn parse(header: &str) -> Option<Self> {
        let parameters = parameters(header);
        let named = |name: &str| parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        named("error").filter(|(_, error)| error.eq_ignore_ascii_case("insufficient_claims"))?;
        let encoded = named("claims").map(|(_, claims)| claims.clone());
        let read = encoded.and_then(|encoded| Some((decode(&encoded)?, encoded)));
        Some(read.map_or_else(Self::default, |(claims, encoded)| Self {
            encoded: Some(encoded),
            claims,
        }))
    }

    /// The claims as a token request takes them.
    pub fn json(&self) -> Option<String> {
        self.encoded.as_ref().map(|_| self.claims.to_string())
    }

    /// Returns the requirement of the challenge. `message` is the sentence in the service's response.
    pub fn demand(&self, message: &str) -> ChallengeDemand {
        let wanted = &self.claims["access_token"];
        let context = &wanted["acrs"];
        let values = context["values"]
            .as_array()
            .into_iter()
            .flatten()
            .chain([&context["value"]]);
        let contexts: Vec<&str> = values.filter_map(Value::as_str).collect();
        let message = message.to_ascii_lowercase();
        let factor = message.contains("mfa") || message.contains("multi-factor");
        match contexts.as_slice() {
            // p1 is Azure's own context for its mandatory multi-factor authentication; c1 to c99 are a tenant's.
            [..] if factor || contexts.iter().any(|context| context.starts_with('p')) => ChallengeDemand::SecondFactor,
            [context, ..] => ChallengeDemand::ConditionalAccess(Some((*context).to_owned())),
            [] if wanted.get("nbf").is_some() => ChallengeDemand::NewSignIn,
            [] => ChallengeDemand::ConditionalAccess(None),
        }
    }
}

/// The claims, where the text is an object in base64 of either alphabet.
fn decode(encoded: &str) -> Option<Value> {
    if encoded.len() > LONGEST {
        return None;
    }
    let alphabet = if encoded.contains(['-', '_']) {
        &URL_SAFE
    } else {
        &STANDARD
    };
    let bytes = GeneralPurpose::new(alphabet, LENIENT).decode(encoded).ok()?;
    serde_json::from_slice(&bytes).ok().filter(Value::is_object)
}

/// The parameters of a challenge, `name="value"` or `name=value`, wherever they stand.
fn parameters(header: &str) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    let mut rest = header;
    while let Some((before, after)) = rest.split_once('=') {
        let name = before.trim_end().rsplit([' ', ',']).next().unwrap_or_default();
        let (value, left) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_at(after.find([',', ' ']).unwrap_or(after.len())),
        };
        found.push((name, value.to_owned()));
        rest = left;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `{"access_token":{"acrs":{"essential":true,"values":["p1"]}}}`
    const SECOND_FACTOR: &str = "eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJlc3NlbnRpYWwiOnRydWUsInZhbHVlcyI6WyJwMSJdfX19";
    /// `{"access_token":{"acrs":{"essential":true,"value":"c1"}}}`
    const CONTEXT: &str = "eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJlc3NlbnRpYWwiOnRydWUsInZhbHVlIjoiYzEifX19";
    /// `{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}`, without its padding.
    const REVOKED: &str = "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxNjA0MTA2NjUxIn19fQ";

    #[test]
    fn challenge_parses_every_documented_form() {
        let table = [
            (
                format!(
                    r#"Bearer realm="", authorization_uri="https://a/b?c=d", error="insufficient_claims", claims="{SECOND_FACTOR}""#
                ),
                ChallengeDemand::SecondFactor,
            ),
            (
                format!(
                    r#"Bearer realm="", authorization_uri="https://a/", client_id="0", claims="{CONTEXT}", error="insufficient_claims""#
                ),
                ChallengeDemand::ConditionalAccess(Some("c1".into())),
            ),
            (
                format!("Bearer error=insufficient_claims,claims={REVOKED}"),
                ChallengeDemand::NewSignIn,
            ),
            (
                format!(r#"bearer Error="Insufficient_Claims", Claims="{REVOKED}""#),
                ChallengeDemand::NewSignIn,
            ),
        ];
        for (header, demand) in table {
            let challenge = ClaimsChallenge::parse(&header).unwrap_or_else(|| panic!("{header}"));
            assert_eq!(challenge.demand(""), demand, "{header}");
            assert!(challenge.encoded.is_some() && challenge.json().is_some(), "{header}");
        }
    }

    #[test]
    fn challenge_ignores_unknown_and_odd_claims() {
        for header in [
            "",
            "Bearer",
            r#"Bearer authorization_uri="https://a/t", error="invalid_token", error_description="insufficient_claims""#,
        ] {
            assert_eq!(ClaimsChallenge::parse(header), None, "{header}");
        }
        for claims in ["", "no base64 \u{7}", "WzFd", r"$(reboot)", &"A".repeat(LONGEST + 1)] {
            let header = format!(r#"Bearer error="insufficient_claims", claims="{claims}""#);
            let challenge = ClaimsChallenge::parse(&header).unwrap_or_else(|| panic!("{header}"));
            assert_eq!((challenge.encoded.as_ref(), challenge.json()), (None, None), "{header}");
            assert_eq!(challenge.demand("MFA is required."), ChallengeDemand::SecondFactor);
            assert_eq!(challenge.demand(""), ChallengeDemand::ConditionalAccess(None));
        }
    }
}
