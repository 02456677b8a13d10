//! Parts of a request and its response that may be shown: only those that are known to hold no secret. Also identifies
//! the parts that are secrets, so that no output contains them, even if a service sends them back.

use std::fmt::Write;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use url::Url;

use super::call::ApiCall;
use crate::domain::{mask, remember_secret};

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
    mask(&text).into_owned()
}

/// The headers as one line, `name: value` each, the values of unknown ones replaced.
pub(super) fn headers(headers: &HeaderMap) -> String {
    let lines: Vec<String> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", shown(name, value)))
        .collect();
    lines.join("; ")
}

fn shown(name: &HeaderName, value: &HeaderValue) -> String {
    let name = name.as_str();
    let known = SHOWN_HEADERS.contains(&name) || SHOWN_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    if known && !value.is_sensitive() {
        mask(value.to_str().unwrap_or("[not text]")).into_owned()
    } else {
        "[redacted]".to_owned()
    }
}

/// Returns whether a text can be the ID of a request: short, and of characters that are safe in any output. Any other
/// value that a service sends there isn't quoted.
pub(super) fn is_request_id(text: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '-');
    (1..=64).contains(&text.len()) && text.chars().all(letter) && mask(text) == text
}

/// Headers of a request that hold a secret, each after the scheme where it has one.
const SECRET_HEADERS: [&str; 5] = [
    "authorization",
    "cookie",
    "secret",
    "x-identity-header",
    "x-ms-authorization-auxiliary",
];

/// Fields of a form or of a JSON document that hold a secret: OAuth's, and Graph's `addPassword`.
const SECRET_FIELDS: [&str; 9] = [
    "access_token",
    "accessToken",
    "assertion",
    "client_assertion",
    "client_secret",
    "device_code",
    "id_token",
    "refresh_token",
    "secretText",
];

/// Takes note of the secrets that a request holds.
pub(super) fn remember_request(call: &ApiCall) {
    for name in SECRET_HEADERS {
        for value in call.headers.get_all(name) {
            let value = String::from_utf8_lossy(value.as_bytes());
            value
                .split([' ', ','])
                .filter(|part| part.len() > "Bearer".len())
                .for_each(remember_secret);
        }
    }
    for (name, value) in url::form_urlencoded::parse(&call.body) {
        if SECRET_FIELDS.contains(&name.as_ref()) {
            remember_secret(&value);
        }
    }
}

/// Takes note of the secrets that an answer brings.
pub(super) fn remember_answer(body: &Bytes) {
    let text = String::from_utf8_lossy(body);
    if !SECRET_FIELDS.iter().any(|field| text.contains(field)) {
        return;
    }
    let document = serde_json::from_slice::<Value>(body).unwrap_or_default();
    for (_, value) in document
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| SECRET_FIELDS.contains(&name.as_str()))
    {
        value.as_str().into_iter().for_each(remember_secret);
    }
    // Graph's secret is one field of one object; in the body of another request it may lie deeper.
    if let Some(secret) = document
        .pointer("/passwordCredential/secretText")
        .and_then(Value::as_str)
    {
        remember_secret(secret);
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
