//! Finds codes in what people paste: a code, a number, a message, an error document.

use std::collections::HashSet;

use http::StatusCode;
use serde_json::Value;

use super::known::{KnownError, all};

/// Matches of a text in the error catalog.
#[derive(Debug, Default)]
pub struct CatalogMatch {
    /// The known codes, in the order in which they stand, each with the meanings that it can have here.
    pub known: Vec<Vec<&'static KnownError>>,
    /// Words that look like a code and aren't in the table.
    pub unknown: Vec<String>,
}

impl CatalogMatch {
    fn add(&mut self, code: &str, entries: Vec<&'static KnownError>) {
        let same = |one: &&'static KnownError, other: &&'static KnownError| {
            one.code == other.code && one.service == other.service
        };
        if entries.is_empty() && !self.unknown.iter().any(|there| there == code) {
            self.unknown.push(code.to_owned());
        }
        for entry in entries {
            match self.known.iter_mut().find(|group| same(&group[0], &entry)) {
                Some(group) if group.iter().any(|there| std::ptr::eq(*there, entry)) => {}
                Some(group) => group.push(entry),
                None => self.known.push(vec![entry]),
            }
        }
    }
}

/// Finds every code in `text`.
pub fn search(text: &str) -> CatalogMatch {
    let text = text.trim();
    let mut found = CatalogMatch::default();
    let code = text.trim_matches(|c: char| !c.is_alphanumeric());
    if !code.is_empty() && code.chars().all(is_inside) {
        let code = numbered(code).unwrap_or_else(|| code.to_owned());
        let entries = all()
            .iter()
            .filter(|known| known.code.eq_ignore_ascii_case(&code))
            .collect();
        found.add(&code, entries);
        return found;
    }
    let text = &text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some(code) = vendors_code(text) {
        found.add(&code, in_message(&code, text));
    }
    let (mut before, mut seen) = ("", HashSet::new());
    for word in words(text) {
        let after = std::mem::replace(&mut before, word);
        let after_code = after.eq_ignore_ascii_case("code") && is_distinctive(word);
        if !(is_distinctive(word) || is_state_word(after)) || !seen.insert((word, after_code)) {
            continue;
        }
        let entries = in_message(word, text);
        // A word is no code for looking like one: `virtualNetworks` does too.
        if !entries.is_empty() || is_entra(word) || after_code {
            found.add(word, entries);
        }
    }
    if found.known.is_empty() && found.unknown.is_empty() {
        found.unknown.extend(http_status(text));
    }
    found
}

/// The number in `HTTP 403`, which is all that some answers have.
fn http_status(text: &str) -> Option<String> {
    let mut words = words(text).skip_while(|word| !word.eq_ignore_ascii_case("http"));
    let number = words.find(|word| word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_digit()))?;
    Some(number.to_owned())
}

/// The entries for a code of `text`: that whose words the text has; else the one for any other message; else all, for
/// it may be the code alone that was pasted.
fn in_message(code: &str, text: &str) -> Vec<&'static KnownError> {
    let mut entries = all().iter().filter(|known| known.is(code));
    // An entry for one message says nothing about another.
    entries.find(|known| known.fits(text)).into_iter().collect()
}

/// `AADSTS` and the number, for a number alone; numbers of three digits are HTTP's.
fn numbered(code: &str) -> Option<String> {
    let number = code.len() > 3 && code.bytes().all(|byte| byte.is_ascii_digit());
    number.then(|| format!("AADSTS{code}"))
}

/// Returns whether a code can contain the character.
fn is_inside(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c| !is_inside(c)).map(|word| word.trim_matches('-'));
    // "the state is Initiated"
    words.filter(|word| !word.is_empty() && *word != "is")
}

/// Returns whether a word is unlikely in a sentence: it contains a digit, `_`, or `-`, or a capital letter after a
/// lowercase letter.
fn is_distinctive(word: &str) -> bool {
    let humps = word
        .as_bytes()
        .windows(2)
        .any(|two| two[0].is_ascii_lowercase() && two[1].is_ascii_uppercase());
    humps || word.contains(|c: char| c.is_ascii_digit() || c == '_' || c == '-')
}

/// `state`, `peeringState`, `status`: what comes behind is one, although it may be a plain word.
fn is_state_word(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    word.ends_with("state") || word.ends_with("status")
}

pub(super) fn is_entra(word: &str) -> bool {
    let number = word
        .get(.."AADSTS".len())
        .filter(|head| head.eq_ignore_ascii_case("AADSTS"));
    number.is_some() && word.len() > "AADSTS".len() && word["AADSTS".len()..].bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the peerctl code for an answer of Konnect (by its title) or Aiven (by its status), which have no codes.
fn vendors_code(text: &str) -> Option<String> {
    let (from, to) = (text.find('{')?, text.rfind('}')?);
    let body: Value = serde_json::from_str(text.get(from..=to)?).ok()?;
    let squeezed = |text: &str| text.split_whitespace().collect::<String>();
    let instance = body["instance"].as_str().unwrap_or_default();
    if instance.starts_with("konnect:trace:") || instance.starts_with("kong:trace:") {
        return Some(format!("Konnect{}", squeezed(body["title"].as_str()?)));
    }
    let first = &body["errors"][0];
    if !first["more_info"].as_str().unwrap_or_default().contains("aiven.io") {
        return None;
    }
    let status = u16::try_from(first["status"].as_u64()?).ok()?;
    let reason = StatusCode::from_u16(status).ok()?.canonical_reason()?;
    Some(format!("Aiven{}", squeezed(reason)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<&'static str> {
        search(text).known.iter().map(|group| group[0].code.as_str()).collect()
    }

    #[test]
    fn error_search_finds_pasted_codes() {
        let table: [(&str, &[&str]); 17] = [
            (r#"{Code="AuthorizationFailed"}"#, &["AuthorizationFailed"]),
            ("AADSTS7000215", &["AADSTS7000215"]),
            ("aadsts7000215:", &["AADSTS7000215"]),
            ("7000215", &["AADSTS7000215"]),
            ("(AuthorizationFailed)", &["AuthorizationFailed"]),
            ("pending_peer", &["PENDING_PEER"]),
            ("error", &["error", "ERROR"]),
            (
                "ERROR: (RoleAssignmentExists) The role assignment already exists.\nCode: RoleAssignmentExists",
                &["RoleAssignmentExists"],
            ),
            (
                r#"{"error":{"code":"Request_BadRequest","details":[{"code":"NoBackingApplicationObject","message":"m"}]}}"#,
                &["NoBackingApplicationObject"],
            ),
            (
                r#"{"error":"invalid_client","error_description":"AADSTS7000222: expired","error_codes":[7000222]}"#,
                &["AADSTS7000222"],
            ),
            (
                "Cannot create or update peering because remote peering is in Disconnected state. (RemotePeeringIsDisconnected)",
                &["RemotePeeringIsDisconnected"],
            ),
            (
                r#"{"peeringState": "Disconnected", "peeringSyncLevel": "LocalNotInSync"}"#,
                &["Disconnected", "LocalNotInSync"],
            ),
            ("the peering's state is Initiated", &["Initiated"]),
            ("State: DELETED", &["DELETED"]),
            (
                r#"Konnect said {"status":403,"title":"Quota Exceeded","instance":"konnect:trace:1","detail":"d"}"#,
                &["KonnectQuotaExceeded"],
            ),
            (
                r#"{"errors":[{"message":"VPC does not exist","more_info":"https://api.aiven.io/doc/","status":404}],"message":"m"}"#,
                &["AivenNotFound"],
            ),
            (
                "an error is no code, and it failed although it was active and ready",
                &[],
            ),
        ];
        for (text, expected) in table {
            assert_eq!(codes(text), expected, "{text}");
        }
    }

    #[test]
    fn error_search_message_narrows_meanings() {
        let meanings = |text: &str| search(text).known[0].len();
        assert_eq!(meanings("LinkedAuthorizationFailed"), 6);
        assert_eq!(meanings("failed with LinkedAuthorizationFailed"), 1);
        let text = "(LinkedAuthorizationFailed) The client has permission, however the current tenant 'a' is not\n authorized to access linked subscription 'b'.";
        assert_eq!(meanings(text), 1);
        let found = search("(AuthorizationFailed) The client 'x' does not have authorization to perform action");
        assert!(
            found.known[0].len() == 1 && found.known[0][0].contains.is_none(),
            "{found:?}"
        );
    }

    #[test]
    fn error_search_names_unknown_codes() {
        let unknown = |text: &str| search(text).unknown;
        assert_eq!(unknown("AADSTS99999999"), ["AADSTS99999999"]);
        assert_eq!(
            unknown("Code=\"NeverSeenBefore\" in /providers/virtualNetworks"),
            ["NeverSeenBefore"]
        );
        assert_eq!(
            unknown("AADSTS123456: no such code, AADSTS7000215 is one"),
            ["AADSTS123456"]
        );
        assert_eq!(unknown("HTTP/1.1 403 Forbidden"), ["403"]);
        assert!(unknown("nothing here").is_empty() && unknown("").is_empty());
    }
}
