//! The table of known codes (`known.toml`): what each means, whether waiting helps, and what to do.

use std::sync::LazyLock;

use serde::Deserialize;

use super::Kind;
use crate::azure::{ApiError, Failure};

/// Whether a refusal passes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Something that was just written has not arrived everywhere: the same request works later.
    Wait,
    /// Somebody can mend it.
    Mend,
    /// It will not work.
    Fatal,
}

/// One known code.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Known {
    pub code: String,
    /// Only where the message has this text: one code can have two meanings.
    #[serde(default)]
    pub contains: Option<String>,
    pub class: Class,
    #[serde(default)]
    pub kind: Option<Kind>,
    pub meaning: String,
    pub remedies: Vec<String>,
}

#[derive(Deserialize)]
struct Table {
    known: Vec<Known>,
}

/// Every known code, in the order of the file.
pub fn all() -> &'static [Known] {
    static TABLE: LazyLock<Vec<Known>> = LazyLock::new(|| {
        toml::from_str::<Table>(include_str!("known.toml"))
            .map(|table| table.known)
            .unwrap_or_default()
    });
    &TABLE
}

/// What is known of `code`, as it came with `message`. The first entry that fits counts.
pub fn lookup(code: &str, message: &str) -> Option<&'static Known> {
    let fits = |known: &&Known| {
        known.code.eq_ignore_ascii_case(code)
            && known
                .contains
                .as_ref()
                .is_none_or(|text| message.to_lowercase().contains(&text.to_lowercase()))
    };
    all().iter().find(fits)
}

/// What is known of a refusal: of its own code, or else of the codes in its details.
pub fn of(error: &ApiError) -> Option<&'static Known> {
    let message = error.message();
    let details = match &error.failure {
        Failure::Refused { details, .. } => details.as_slice(),
        _ => &[],
    };
    let detailed = || details.iter().find_map(|(code, text)| lookup(code, text));
    error.code().and_then(|code| lookup(code, &message)).or_else(detailed)
}

/// Whether this refusal passes once something that was just written has arrived everywhere.
pub fn passes(error: &ApiError) -> Option<&'static Known> {
    of(error).filter(|known| known.class == Class::Wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_can_be_read_and_every_entry_says_something() {
        toml::from_str::<Table>(include_str!("known.toml")).expect("a good table");
        assert!(all().len() > 20);
        for known in all() {
            assert!(known.meaning.ends_with('.'), "{}", known.code);
            assert!(
                known.class == Class::Wait || !known.remedies.is_empty(),
                "{} has no remedy",
                known.code
            );
        }
    }

    #[test]
    fn one_code_with_two_meanings_is_told_apart_by_its_message() {
        let tenant = "…however the current tenant 'a' is not authorized to access linked subscription 'b'.";
        let role = "…it does not have permission to perform action(s) 'Microsoft.Network/virtualNetworks/peer/action' on the linked scope(s) 'y'.";
        let found = |message| lookup("LinkedAuthorizationFailed", message).expect("known");
        assert_eq!(found(tenant).class, Class::Mend);
        assert!(found(role).meaning.contains("peer/action"));
        assert!(!found(tenant).meaning.contains("peer/action"));
        let definition =
            "…permission to perform action 'Microsoft.Authorization/roleDefinitions/write' on the linked scope(s) 'z'.";
        assert_eq!(found(definition).class, Class::Mend);
    }
}
