//! Alternate keys: `(appId='…')` and `(uniqueName='…')` after an entity set's name.

use uuid::Uuid;

/// The name and value of a key; `''` stands for one quote.
fn parts(segment: &str) -> Option<(&str, String)> {
    let inner = segment.strip_prefix('(')?.strip_suffix(')')?;
    let (name, value) = inner.split_once('=')?;
    let value = value.trim().strip_prefix('\'')?.strip_suffix('\'')?;
    Some((name.trim(), value.replace("''", "'")))
}

/// The value of a key.
pub(super) fn value(segment: &str) -> Option<String> {
    parts(segment).map(|(_, value)| value)
}

/// The text of the key named `name`.
pub(super) fn text(segment: &str, name: &str) -> Option<String> {
    let (found, value) = parts(segment)?;
    found.eq_ignore_ascii_case(name).then_some(value)
}

/// The GUID of the key named `name`.
pub(super) fn id(segment: &str, name: &str) -> Option<Uuid> {
    Uuid::parse_str(&text(segment, name)?).ok()
}

/// Splits `applications(appId='…')` into the set's name and the key.
pub(super) fn split(segment: &str) -> (&str, Option<&str>) {
    match segment.find('(') {
        Some(at) if segment.ends_with(')') => (&segment[..at], Some(&segment[at..])),
        _ => (segment, None),
    }
}
