//! What of a request and its answer may be written to a log: only what is known to hold no secret.

use std::fmt::Write;

use http::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

/// Query parameters whose values are shown. Links of long-running operations carry signatures (`t`, `c`, `s`, `h`).
const SHOWN_QUERY: [&str; 9] = [
    "api-version",
    "$filter",
    "$top",
    "$select",
    "$expand",
    "$skip",
    "$orderby",
    "syncremoteaddressspace",
    "resource",
];

/// Headers whose values are shown, besides `x-ms-…` ones that speak of requests and limits.
const SHOWN_HEADERS: [&str; 12] = [
    "accept",
    "content-length",
    "content-type",
    "date",
    "etag",
    "if-match",
    "if-none-match",
    "request-id",
    "retry-after",
    "retry-after-ms",
    "server",
    "user-agent",
];
const SHOWN_PREFIXES: [&str; 6] = [
    "x-ms-ratelimit-",
    "x-ms-user-quota-",
    "x-ms-request-id",
    "x-ms-correlation-request-id",
    "x-ms-client-request-id",
    "x-ms-routing-",
];

/// The URL with the values of unknown query parameters replaced, and without credentials in it.
pub(super) fn url(url: &Url) -> String {
    let mut shown = url.clone();
    // Neither can fail for the URLs that the wire sends: they have a host.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_fragment(None);
    shown.set_query(None);
    let mut text = shown.to_string();
    for (at, (name, value)) in url.query_pairs().enumerate() {
        let known = SHOWN_QUERY.contains(&name.to_ascii_lowercase().as_str());
        let value = if known { value.as_ref() } else { "[redacted]" };
        let separator = if at == 0 { '?' } else { '&' };
        let _ = write!(text, "{separator}{name}={value}");
    }
    text
}

/// The headers as one line, `name: value` each, the values of unknown ones replaced.
pub(super) fn headers(headers: &HeaderMap) -> String {
    let lines: Vec<String> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", shown(name, value)))
        .collect();
    lines.join("; ")
}

fn shown<'a>(name: &HeaderName, value: &'a HeaderValue) -> &'a str {
    let name = name.as_str();
    let known = SHOWN_HEADERS.contains(&name) || SHOWN_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    if known && !value.is_sensitive() {
        value.to_str().unwrap_or("[not text]")
    } else {
        "[redacted]"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_parameters_keep_their_values() {
        let given =
            "https://user:word@management.azure.com/x?api-version=2024-03-01&t=1&s=signature&%24filter=a%20eq%20'b'#f";
        let text = url(&Url::parse(given).expect("a URL"));
        assert_eq!(
            text,
            "https://management.azure.com/x?api-version=2024-03-01&t=[redacted]&s=[redacted]&$filter=a eq 'b'"
        );
    }

    #[test]
    fn only_known_headers_keep_their_values() {
        let mut map = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Bearer secret"),
            ("x-ms-authorization-auxiliary", "Bearer secret"),
            ("set-cookie", "secret"),
            ("x-identity-header", "secret"),
            ("retry-after", "7"),
            ("x-ms-request-id", "id-1"),
        ] {
            map.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let mut hidden = HeaderValue::from_static("secret");
        hidden.set_sensitive(true);
        map.insert("etag", hidden);
        let text = headers(&map);
        assert!(!text.contains("secret"), "{text}");
        assert!(
            text.contains("retry-after: 7") && text.contains("x-ms-request-id: id-1"),
            "{text}"
        );
    }
}
