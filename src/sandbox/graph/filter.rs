//! The few OData filters that clients send.

use super::GraphRefusal;

/// A filter that Graph and this sandbox both understand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ODataFilter {
    All,
    /// `{property} eq '{value}'`
    Equals(String, String),
    /// `startswith({property},'{value}')`
    StartsWith(String, String),
    /// `{property}/any(c:c eq '{value}')`
    Any(String, String),
}

impl ODataFilter {
    /// Reads `$filter`.
    ///
    /// # Errors
    /// When it is no filter that is supported here.
    pub(super) fn parse(text: Option<&str>) -> Result<Self, GraphRefusal> {
        let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
            return Ok(Self::All);
        };
        Self::equals(text)
            .or_else(|| Self::starts_with(text))
            .or_else(|| Self::any(text))
            .ok_or_else(|| GraphRefusal::bad(format!("Invalid filter clause: '{text}' is not supported.")))
    }

    fn equals(text: &str) -> Option<Self> {
        let (property, value) = split_eq(text)?;
        let word = !property.is_empty() && property.chars().all(char::is_alphanumeric);
        word.then(|| Self::Equals(property.to_ascii_lowercase(), value))
    }

    fn starts_with(text: &str) -> Option<Self> {
        let (name, rest) = text.split_once('(')?;
        let (property, value) = rest.strip_suffix(')')?.split_once(',')?;
        let value = literal(value.trim())?;
        name.eq_ignore_ascii_case("startswith")
            .then(|| Self::StartsWith(property.trim().to_ascii_lowercase(), value))
    }

    fn any(text: &str) -> Option<Self> {
        let (property, rest) = text.split_once("/any(")?;
        let (variable, condition) = rest.strip_suffix(')')?.split_once(':')?;
        let (left, value) = split_eq(condition)?;
        (left == variable.trim()).then(|| Self::Any(property.trim().to_ascii_lowercase(), value))
    }

    /// Returns whether an object matches; `values` gives the texts of a property.
    pub(super) fn matches(&self, values: impl Fn(&str) -> Vec<String>) -> bool {
        match self {
            Self::All => true,
            Self::Equals(property, value) | Self::Any(property, value) => {
                values(property).iter().any(|text| text.eq_ignore_ascii_case(value))
            }
            Self::StartsWith(property, value) => {
                let value = value.to_lowercase();
                values(property)
                    .iter()
                    .any(|text| text.to_lowercase().starts_with(&value))
            }
        }
    }
}

fn split_eq(text: &str) -> Option<(&str, String)> {
    let (left, right) = text.split_once(" eq ")?;
    Some((left.trim(), literal(right.trim())?))
}

/// The text of `'…'`, in which `''` stands for one quote.
fn literal(text: &str) -> Option<String> {
    let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
    let unquoted = inner.replace("''", "\u{1}");
    (!unquoted.contains('\'')).then(|| unquoted.replace('\u{1}', "'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graph_filter_parses_client_filters() {
        let eq = |p: &str, v: &str| ODataFilter::Equals(p.into(), v.into());
        let table = [
            ("appId eq 'abc'", Some(eq("appid", "abc"))),
            ("displayName eq 'O''Hara'", Some(eq("displayname", "O'Hara"))),
            (
                "startswith(displayName,'peer')",
                Some(ODataFilter::StartsWith("displayname".into(), "peer".into())),
            ),
            (
                "servicePrincipalNames/any(c:c eq 'abc')",
                Some(ODataFilter::Any("serviceprincipalnames".into(), "abc".into())),
            ),
            ("  ", Some(ODataFilter::All)),
            ("appId ne 'abc'", None),
            ("appId eq abc", None),
            ("appId eq 'a' or appId eq 'b'", None),
        ];
        for (text, expected) in table {
            assert_eq!(ODataFilter::parse(Some(text)).ok(), expected, "{text}");
        }
    }
}
