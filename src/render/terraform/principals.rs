//! Service principals in the tenant: for the vendor's application and for the own one.

use super::hcl::{HclBody, code, codes, text};
use super::{TerraformSource, import};
use crate::plan::OwnApp;

pub(super) fn write(source: &TerraformSource<'_>, file: &mut HclBody) {
    vendor(source, file);
    if let Some(app) = &source.intent.own_app {
        own(source, app, file);
    }
}

fn vendor(source: &TerraformSource<'_>, file: &mut HclBody) {
    let Some(app) = &source.intent.vendor_app else { return };
    match source.vendor_principal() {
        None => {}
        Some("azuread_service_principal.vendor") => {
            file.comment(&format!(
                "Consent: {} gets a service principal in the tenant.",
                app.name
            ));
            service_principal(file, "vendor", text(app.id));
            if let Some(id) = source.existing.vendor_principal {
                import(
                    file,
                    "azuread_service_principal.vendor",
                    &format!("/servicePrincipals/{id}"),
                );
            }
        }
        Some(_) => {
            file.comment(&format!("Consent to {} is somebody else's to give, here:", app.name));
            file.verbatim([app.consent_url.as_str()]);
            file.block("data \"azuread_service_principal\" \"vendor\"", |body| {
                body.set("client_id", text(app.id));
            });
        }
    }
}

fn own(source: &TerraformSource<'_>, app: &OwnApp, file: &mut HclBody) {
    let existing = source.existing;
    let client_id = match app {
        OwnApp::Given(id) => {
            file.comment("Your multi-tenant application writes our direction, with tokens of both tenants.");
            text(id)
        }
        OwnApp::Made { display_name, .. } => {
            let found = existing.own_app.as_ref();
            file.comment("The multi-tenant application that writes our direction, with tokens of both tenants.");
            if found.is_none() {
                file.comment(
                    "peerctl finds one of its own by a unique name, which this provider cannot give: of this one it is told \
                     by --own-app and its client id.",
                );
            }
            let name = found.map_or(display_name, |found| &found.display_name);
            let notes = found.map_or_else(|| Some(source.intent.own_app_notes()), |found| found.notes.clone());
            file.resource("azuread_application_registration", "own", |body| {
                body.set("display_name", text(name));
                if let Some(notes) = notes {
                    body.set("notes", text(notes));
                }
                let audience = found.map_or("AzureADMultipleOrgs", |found| found.sign_in_audience.as_str());
                body.set("sign_in_audience", audience);
                body.comment("What the provider takes for the default is not Graph's.");
                let version = codes(["requested_access_token_version"]);
                body.block("lifecycle", |body| _ = body.set("ignore_changes", version));
            });
            if let Some(found) = found {
                let id = format!("/applications/{}", found.id);
                import(file, "azuread_application_registration.own", &id);
            }
            code("azuread_application_registration.own.client_id")
        }
    };
    service_principal(file, "own", client_id);
    if let Some(id) = existing.own_principal {
        import(
            file,
            "azuread_service_principal.own",
            &format!("/servicePrincipals/{id}"),
        );
    }
}

fn service_principal(file: &mut HclBody, name: &str, client_id: super::hcl::HclValue) {
    file.resource("azuread_service_principal", name, |body| {
        body.set("client_id", client_id);
        body.comment("Graph makes its maker its owner, which is no change to make undone.");
        body.block("lifecycle", |body| _ = body.set("ignore_changes", codes(["owners"])));
    });
}
