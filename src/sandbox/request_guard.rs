//! Requests that the served sandbox refuses before its world sees them: other host names, other sites' pages, and the
//! sandbox's own pages without the key of this run.

use http::request::Parts;
use http::{StatusCode, header};
use uuid::Uuid;

use super::message::{self, SandboxResponse};

/// The header that carries the key.
pub const KEY_HEADER: &str = "x-sandbox-key";

/// The pages that need the key, by the first segment of their path: `/`, `/_sandbox` and the vendors' consoles. The
/// APIs have credentials of their own.
const KEYED: [&str; 5] = ["", "_sandbox", "konnect", "aiven", "dragonfly"];

/// Host names that this machine's own clients use.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Hosts that a proxy may stand in for: those of the public cloud and of the vendors. No page of another site has one of
/// these names.
const STOOD_IN_FOR: [&str; 6] = [
    "login.microsoftonline.com",
    "management.azure.com",
    "graph.microsoft.com",
    "global.api.konghq.com",
    "api.aiven.io",
    "api.dragonflydb.cloud",
];

/// A decision about each request, from its head alone.
#[derive(Debug)]
pub(super) struct RequestGuard {
    key: String,
}

impl RequestGuard {
    /// Draws a key.
    pub(super) fn new() -> Self {
        Self {
            key: Uuid::new_v4().simple().to_string(),
        }
    }

    /// The key, hexadecimal.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// Refuses what doesn't come from this machine's own clients.
    ///
    /// # Errors
    /// The answer to the refused request.
    pub(super) fn check(&self, head: &Parts) -> Result<(), SandboxResponse> {
        let authority = authority(head).unwrap_or_default();
        let host = authority
            .rsplit_once(':')
            .filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
        let host = host.map_or(authority, |(host, _)| host);
        let mut known = LOOPBACK.iter().chain(&STOOD_IN_FOR);
        if !known.any(|name| name.eq_ignore_ascii_case(host)) {
            return Err(refusal(
                StatusCode::MISDIRECTED_REQUEST,
                "The sandbox answers to localhost, 127.0.0.1 and [::1] only.\n",
            ));
        }
        let origin = head.headers.get(header::ORIGIN).map(header::HeaderValue::as_bytes);
        if origin.is_some_and(|origin| !origin.eq_ignore_ascii_case(format!("https://{authority}").as_bytes())) {
            return Err(refusal(
                StatusCode::FORBIDDEN,
                "The sandbox takes nothing from another site's page.\n",
            ));
        }
        if needs_key(head.uri.path()) && !self.has_key(head) {
            return Err(refusal(
                StatusCode::FORBIDDEN,
                "This page needs the sandbox's key: open the address that peerctl printed, or send the header \
                 'x-sandbox-key' with SANDBOX_KEY of the --env-file.\n",
            ));
        }
        Ok(())
    }

    /// The `Set-Cookie` for a browser that opened a page by an address with the key, so that its links work.
    pub(super) fn cookie(&self, head: &Parts) -> Option<String> {
        let cookie = format!(
            "{}={}; Path=/; Secure; HttpOnly; SameSite=Strict",
            cookie_name(head),
            self.key
        );
        (needs_key(head.uri.path()) && self.in_query(head)).then_some(cookie)
    }

    fn has_key(&self, head: &Parts) -> bool {
        let in_header = head
            .headers
            .get(KEY_HEADER)
            .is_some_and(|value| value.as_bytes() == self.key.as_bytes());
        let wanted = format!("{}={}", cookie_name(head), self.key);
        let cookies = head
            .headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok());
        let in_cookie = cookies
            .flat_map(|value| value.split(';'))
            .any(|cookie| cookie.trim() == wanted);
        in_header || in_cookie || self.in_query(head)
    }

    fn in_query(&self, head: &Parts) -> bool {
        let query = head.uri.query().unwrap_or_default();
        url::form_urlencoded::parse(query.as_bytes()).any(|(name, value)| name == "key" && value == self.key)
    }
}

fn needs_key(path: &str) -> bool {
    let first = path.split('/').find(|segment| !segment.is_empty()).unwrap_or_default();
    // As the router reads it: decoded, in any case.
    let first = percent_encoding::percent_decode_str(first)
        .decode_utf8_lossy()
        .to_ascii_lowercase();
    KEYED.contains(&first.as_str())
}

/// A name for each port: browsers share the cookies of `localhost` between its ports.
fn cookie_name(head: &Parts) -> String {
    let port = authority(head).and_then(|authority| authority.rsplit(':').next());
    format!("sandbox-key-{}", port.unwrap_or_default())
}

fn authority(head: &Parts) -> Option<&str> {
    let named = head.uri.authority().map(http::uri::Authority::as_str);
    named.or_else(|| head.headers.get(header::HOST)?.to_str().ok())
}

fn refusal(status: StatusCode, text: &'static str) -> SandboxResponse {
    message::text(status, "text/plain; charset=utf-8", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(guard: &RequestGuard, path: &str, headers: &[(&str, &str)]) -> u16 {
        let mut request = http::Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).expect("a request").into_parts();
        guard.check(&head).err().map_or(200, |answer| answer.status().as_u16())
    }

    #[test]
    fn foreign_hosts_and_origins_are_refused() {
        let guard = RequestGuard::new();
        let cases: [(&[(&str, &str)], u16); 13] = [
            (&[("host", "management.azure.com")], 200),
            (&[("host", "localhost:8443")], 200),
            (&[("host", "LOCALHOST:8443")], 200),
            (&[("host", "127.0.0.1:8443")], 200),
            (&[("host", "[::1]:8443")], 200),
            (&[("host", "[::1]")], 200),
            (&[("host", "localhost.evil.example:8443")], 421),
            (&[("host", "rebound.example")], 421),
            (&[], 421),
            (&[("host", "localhost:8443"), ("origin", "https://localhost:8443")], 200),
            (&[("host", "localhost:8443"), ("origin", "https://localhost:9999")], 403),
            (&[("host", "localhost:8443"), ("origin", "https://evil.example")], 403),
            (&[("host", "localhost:8443"), ("origin", "null")], 403),
        ];
        for (headers, expected) in cases {
            assert_eq!(status(&guard, "/subscriptions", headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn own_pages_need_the_key() {
        let guard = RequestGuard::new();
        let host = ("host", "localhost:8443");
        let cookie = format!("a=b; sandbox-key-8443={}", guard.key());
        let elsewhere = format!("sandbox-key-1={}", guard.key());
        for page in [
            "/",
            "/_sandbox/state",
            "//_SANDBOX/reset",
            "/%5fsandbox/edit",
            "/konnect",
            "/aiven/vpcs",
            "/Dragonfly",
        ] {
            assert_eq!(status(&guard, page, &[host]), 403, "{page}");
            assert_eq!(status(&guard, page, &[host, (KEY_HEADER, "other")]), 403, "{page}");
            assert_eq!(status(&guard, page, &[host, ("cookie", &elsewhere)]), 403, "{page}");
            assert_eq!(status(&guard, page, &[host, (KEY_HEADER, guard.key())]), 200, "{page}");
            assert_eq!(status(&guard, page, &[host, ("cookie", &cookie)]), 200, "{page}");
            assert_eq!(
                status(&guard, &format!("{page}?key={}", guard.key()), &[host]),
                200,
                "{page}"
            );
        }
        for api in [
            "/subscriptions",
            "/v1.0/applications",
            "/v2/cloud-gateways/networks",
            "/v1/networks",
            "/t/oauth2/v2.0/token",
        ] {
            assert_eq!(status(&guard, api, &[host]), 200, "{api}");
        }
        assert_ne!(RequestGuard::new().key(), guard.key(), "every run draws its own");
    }
}
