//! Consent and the own application: who gets a service principal in the tenant, and who signs in to write.

use super::{ScriptSection, ours_to_write};
use crate::domain::sanitize_for_terminal;
use crate::plan::{ConsentMode, OwnApp, PeeringIntent};

pub(super) fn parts(intent: &PeeringIntent) -> Vec<ScriptSection> {
    let mut parts = Vec::new();
    if intent.vendor_app.is_some() || intent.own_app.is_some() {
        parts.push(ScriptSection::new(include_str!("script/directory.sh")));
    }
    parts.extend(consent(intent));
    match &intent.own_app {
        Some(app) => parts.extend(own_app(intent, app)),
        None if ours_to_write(intent) => parts.push(ScriptSection::new(include_str!("script/operator.sh"))),
        None => {}
    }
    parts
}

fn consent(intent: &PeeringIntent) -> Vec<ScriptSection> {
    let Some(app) = &intent.vendor_app else {
        return Vec::new();
    };
    let name = sanitize_for_terminal(&app.name);
    if let Some(principal) = app.principal_id {
        let part = ScriptSection::default()
            .value("application", name)
            .value("vendor_principal_id", principal.to_string());
        return vec![part];
    }
    let how = match intent.consent {
        ConsentMode::Create => include_str!("script/consent_create.sh"),
        ConsentMode::Browser | ConsentMode::Wait => include_str!("script/consent_wait.sh"),
    };
    let text = format!(
        "# ------------------------------------------------------------------------------------------------------------ consent\n\n\
         # {name} gets a service principal in the tenant.\n{how}{}",
        include_str!("script/consent_end.sh")
    );
    let part = ScriptSection::new(&text)
        .value("application", name)
        .value("app_id", app.id.to_string())
        .value("consent_url", app.consent_url.to_string());
    vec![part]
}

fn own_app(intent: &PeeringIntent, app: &OwnApp) -> Vec<ScriptSection> {
    let how = match app {
        OwnApp::Made { .. } => include_str!("script/own_app_made.sh"),
        OwnApp::Given(_) => include_str!("script/own_app_given.sh"),
    };
    let text = format!(
        "# ---------------------------------------------------------------------------------------------------- own application\n\n\
         # The multi-tenant application that writes our direction, with tokens of both tenants.\n{how}{}",
        include_str!("script/own_app_end.sh")
    );
    let part = ScriptSection::new(&text).value("own_app_name", sanitize_for_terminal(&app.label()));
    vec![match app {
        OwnApp::Given(id) => part.value("own_app_id", id.to_string()),
        OwnApp::Made {
            unique_name,
            display_name,
        } => part
            .value("unique_name", unique_name)
            .value("own_app_body", intent.own_app_body(display_name).to_string()),
    }]
}
