//! The person who enters a code, in a browser somewhere.

use reqwest::Method;

use super::running::Running;
use super::served::{Body, Served};

/// Who signs in by a code: Contoso's, and a guest of Fabrikam's.
pub const ALEX: &str = "alex@contoso.onmicrosoft.com";

/// The last code in what was said: `… and enter the code ABC (good for …`.
#[track_caller]
pub fn code(said: &str) -> String {
    let found = said
        .rsplit("enter the code ")
        .next()
        .and_then(|rest| rest.split_whitespace().next());
    found.unwrap_or_else(|| panic!("no code in:\n{said}")).to_owned()
}

/// Opens the page and enters the code: `accept` or `cancel`.
#[track_caller]
pub fn enter(sandbox: &Served, code: &str, decision: &str) {
    let fields = [("code", code), ("account", ALEX), ("decision", decision)];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let (status, _) = sandbox.send(Method::POST, "/devicelogin", None, Body::Form(fields.into()));
    assert_eq!(status, 200, "{code} {decision}");
}

/// Waits until a run without a terminal has told its code, and enters it.
#[track_caller]
pub fn sign_in(sandbox: &Served, running: &mut Running) {
    let said = running.wait_for("(good for ");
    enter(sandbox, &code(&said), "accept");
}

/// Enters the code on the page of a rehearsal, whose certificate nobody has.
#[track_caller]
pub fn enter_in_rehearsal(said: &str) {
    let page = said.split_whitespace().find(|word| word.ends_with("/devicelogin"));
    let (page, form) = (page.expect("a page").to_owned(), format!("code={}", code(said)));
    let post = move || -> anyhow::Result<u16> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let browser = reqwest::Client::builder()
            .tls_danger_accept_invalid_certs(true)
            .no_proxy();
        let request = browser.build()?.post(page);
        let request = request
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(runtime.block_on(request.send())?.status().as_u16())
    };
    assert_eq!(post().expect("the page answers"), 200);
}
