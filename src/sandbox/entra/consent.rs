//! The admin-consent page: who asks for what in which tenant, and the administrator's answer.

use http::StatusCode;
use url::Url;
use uuid::Uuid;

use super::EntraRefusal;
use crate::sandbox::message::{self, FormBody, IncomingRequest, SandboxResponse, escape};
use crate::sandbox::page::frame;
use crate::sandbox::world::{ApplicationRecord, SandboxWorld, TenantRecord};

/// `GET /{tenant}/adminconsent?client_id&redirect_uri&state`.
pub(super) fn page(world: &mut SandboxWorld, request: &IncomingRequest, tenant: &str) -> SandboxResponse {
    let client = request.query("client_id").unwrap_or_default();
    let (tenant, application) = match subjects(world, tenant, client) {
        Ok(found) => found,
        Err(refusal) => return failure(&refusal),
    };
    let owner = world.tenants.iter().find(|home| home.id == application.tenant);
    let owner = owner.map_or_else(String::new, |home| home.name.clone());
    let field = |name: &str| {
        let value = escape(request.query(name).unwrap_or_default());
        format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">")
    };
    let again = world.principal(tenant.id, application.app_id).is_some();
    let note = if again {
        "<p class=\"note\">It already has a service principal in this tenant.</p>"
    } else {
        ""
    };
    let body = format!(
        "<p class=\"who\">{domain}</p><h1>Permissions requested</h1>\
         <p>Review for your organization</p>\
         <h2>{name}</h2><p class=\"by\">{owner} &middot; {app_id}</p>\
         <p>This application asks for no access to Microsoft Graph. Accepting creates its service principal in \
         <b>{tenant}</b>, so that roles can be assigned to it.</p>{note}\
         <form method=\"post\">{fields}\
         <button name=\"decision\" value=\"cancel\">Cancel</button>\
         <button name=\"decision\" value=\"accept\" class=\"primary\">Accept</button></form>",
        domain = escape(&tenant.domain),
        name = escape(&application.name),
        owner = escape(&owner),
        app_id = application.app_id,
        tenant = escape(&tenant.name),
        fields = ["client_id", "redirect_uri", "state"].map(field).concat(),
    );
    message::html(StatusCode::OK, frame("Permissions requested", &body))
}

/// The form's `POST`.
pub(super) fn decide(world: &mut SandboxWorld, request: &IncomingRequest, tenant: &str) -> SandboxResponse {
    let form = request.form();
    let client = form
        .get("client_id")
        .or_else(|| request.query("client_id"))
        .unwrap_or_default();
    let (tenant, application) = match subjects(world, tenant, client) {
        Ok(found) => found,
        Err(refusal) => return failure(&refusal),
    };
    if form.get("decision") != Some("accept") {
        let description = "AADSTS65004: User declined to consent to access the app.";
        let back = redirect(&form, &[("error", "access_denied"), ("error_description", description)]);
        return back.unwrap_or_else(|| said("Not accepted", "Nothing was changed. You can close this window."));
    }
    if world.principal(tenant.id, application.app_id).is_none() {
        world.add_principal(tenant.id, application.app_id, application.name.clone());
    }
    let id = tenant.id.to_string();
    let back = redirect(&form, &[("admin_consent", "True"), ("tenant", &id)]);
    back.unwrap_or_else(|| {
        let text = format!("{} now has a service principal in {}.", application.name, tenant.name);
        said("Accepted", &format!("{text} You can close this window."))
    })
}

/// The tenant and the application that are meant. `organizations` means the tenant that an administrator would sign in
/// to: the first.
fn subjects(
    world: &SandboxWorld,
    tenant: &str,
    client: &str,
) -> Result<(TenantRecord, ApplicationRecord), EntraRefusal> {
    let shared = ["organizations", "common"].contains(&tenant);
    let found = if shared {
        world.tenants.first()
    } else {
        world.tenant(tenant)
    };
    let tenant = found.ok_or_else(|| EntraRefusal::no_tenant(tenant, "invalid_request"))?;
    let application = Uuid::parse_str(client).ok().and_then(|id| world.application(id));
    let application = application.filter(|found| found.is_for(tenant.id));
    let application = application.ok_or_else(|| EntraRefusal::no_application(client, &tenant.name))?;
    Ok((tenant.clone(), application.clone()))
}

/// Back to the client, but only on this machine: a page that sends browsers anywhere is a hazard even in rehearsal.
fn redirect(form: &FormBody, results: &[(&str, &str)]) -> Option<SandboxResponse> {
    let mut url = Url::parse(form.get("redirect_uri")?).ok()?;
    let local = ["localhost", "127.0.0.1", "[::1]"].contains(&url.host_str()?);
    if !local || !["http", "https"].contains(&url.scheme()) {
        return None;
    }
    url.query_pairs_mut().extend_pairs(results);
    if let Some(state) = form.get("state") {
        url.query_pairs_mut().append_pair("state", state);
    }
    let mut answer = message::empty(StatusCode::FOUND);
    message::set(&mut answer, "location", url.as_str());
    Some(answer)
}

fn failure(refusal: &EntraRefusal) -> SandboxResponse {
    let text = format!("AADSTS{}: {}", refusal.code, refusal.text);
    let body = format!(
        "<h1>Sign in</h1><p>Sorry, but we&rsquo;re having trouble signing you in.</p><p>{}</p>",
        escape(&text)
    );
    message::html(refusal.status, frame("Sign in", &body))
}

fn said(title: &str, text: &str) -> SandboxResponse {
    let body = format!("<h1>{}</h1><p>{}</p>", escape(title), escape(text));
    message::html(StatusCode::OK, frame(title, &body))
}
