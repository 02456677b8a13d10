//! The page on which a person enters a code: `https://microsoft.com/devicelogin`.

use std::collections::BTreeSet;

use http::StatusCode;

use super::EntraRefusal;
use super::device::{CodeState, DeviceCode, stranger};
use crate::sandbox::message::{self, IncomingRequest, SandboxResponse, escape};
use crate::sandbox::page::frame;
use crate::sandbox::world::SandboxWorld;

/// `GET /devicelogin?code`.
pub(super) fn page(world: &SandboxWorld, request: &IncomingRequest) -> SandboxResponse {
    let names: BTreeSet<&str> = world.users.iter().map(|user| user.upn.as_str()).collect();
    let option = |name: &&str| format!("<option>{}</option>", escape(name));
    let body = format!(
        "<h1>Enter code to allow access</h1><p>Once you enter the code displayed on your app or device, it will have \
         access to your account.</p><form method=\"post\">\
         <label>Code<input name=\"code\" value=\"{code}\" autocomplete=\"off\" autofocus></label>\
         <label>Account<select name=\"account\">{options}</select></label>\
         <button name=\"decision\" value=\"cancel\">Cancel</button>\
         <button name=\"decision\" value=\"accept\" class=\"primary\">Sign in</button></form>",
        code = escape(request.query("code").unwrap_or_default()),
        options = names.iter().map(option).collect::<String>(),
    );
    message::html(StatusCode::OK, frame("Sign in to your account", &body))
}

/// The form's `POST`: `code`, and if wanted `account` (default: the first) and `decision` (`accept` unless `cancel`).
pub(super) fn decide(world: &mut SandboxWorld, request: &IncomingRequest) -> SandboxResponse {
    let form = request.form();
    let first = world.users.first().map(|user| user.upn.clone()).unwrap_or_default();
    let account = form.get("account").map_or(first, str::to_owned);
    let given = form.get("code").unwrap_or_default().trim().to_owned();
    let now = world.now;
    let is_meant = |code: &DeviceCode| code.is_open(now) && code.user_code.eq_ignore_ascii_case(&given);
    let meant = world.sign_ins.codes.iter().find(|(_, code)| is_meant(code));
    let Some((key, tenant)) = meant.map(|(key, code)| (key.clone(), code.tenant)) else {
        let text = "That code didn't work. Check the code and try again.".to_owned();
        return said(&EntraRefusal::new(400, "bad_verification_code", 70018, text));
    };
    if world.user(&account, tenant).is_none() {
        return said(&stranger(world, &account, tenant));
    }
    let (state, text) = match form.get("decision") {
        Some("cancel") => (CodeState::Declined, "You declined. You can close this window."),
        _ => (
            CodeState::Accepted(account),
            "You have signed in on your device. You may now close this window.",
        ),
    };
    if let Some(code) = world.sign_ins.codes.get_mut(&key) {
        code.state = state;
    }
    let body = format!("<h1>Sign in</h1><p>{text}</p>");
    message::html(StatusCode::OK, frame("Sign in to your account", &body))
}

fn said(refusal: &EntraRefusal) -> SandboxResponse {
    let text = escape(&refusal.text);
    let body = format!(
        "<h1>Sign in</h1><p>{text}</p><p class=\"note\">AADSTS{}</p>",
        refusal.code
    );
    message::html(refusal.status, frame("Sign in to your account", &body))
}
