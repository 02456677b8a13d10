//! Applications and their client secrets (Microsoft Graph v1.0).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use url::Url;
use uuid::Uuid;

use super::call::ApiCall;
use super::client::AzureClient;
use super::error::{ApiError, AzureService};
use super::graph::ABSENT;
use super::mgmt_adapter;
use super::model::{AppRegistration, ListedCredential, NewPassword};

pub(super) const FIELDS: &str =
    "id,appId,displayName,uniqueName,signInAudience,notes,description,tags,passwordCredentials,keyCredentials";

/// Any organisation's tenant may have a service principal of the application: what an identity in two tenants needs.
const MULTI_TENANT: &str = "AzureADMultipleOrgs";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShownRegistration {
    id: Uuid,
    app_id: Uuid,
    display_name: Option<String>,
    unique_name: Option<String>,
    sign_in_audience: Option<String>,
    notes: Option<String>,
    description: Option<String>,
    tags: Option<Vec<String>>,
    password_credentials: Option<Vec<ListedKey>>,
    key_credentials: Option<Vec<ListedKey>>,
}

/// A secret or a certificate in a list.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListedKey {
    key_id: Uuid,
    display_name: Option<String>,
    start_date_time: Option<String>,
    end_date_time: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreatedSecret {
    key_id: Uuid,
    secret_text: SecretString,
    end_date_time: Option<String>,
}

impl From<ShownRegistration> for AppRegistration {
    fn from(shown: ShownRegistration) -> Self {
        Self {
            id: shown.id,
            app_id: shown.app_id,
            display_name: shown.display_name.unwrap_or_default(),
            unique_name: shown.unique_name,
            sign_in_audience: shown.sign_in_audience.unwrap_or_default(),
            notes: shown.notes,
            description: shown.description,
            tags: shown.tags.unwrap_or_default(),
            passwords: credentials(shown.password_credentials),
            keys: credentials(shown.key_credentials),
        }
    }
}

pub(super) fn credentials(shown: Option<Vec<ListedKey>>) -> Vec<ListedCredential> {
    let credential = |shown: ListedKey| ListedCredential {
        key_id: shown.key_id,
        display_name: shown.display_name,
        starts: shown.start_date_time.as_deref().and_then(moment),
        ends: shown.end_date_time.as_deref().and_then(moment),
    };
    shown.unwrap_or_default().into_iter().map(credential).collect()
}

impl AzureClient {
    /// The application of that unique name in the signed-in tenant; `None` where there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn application_by_unique_name(&self, unique_name: &str) -> Result<Option<AppRegistration>, ApiError> {
        self.application_at(self.by_unique_name(unique_name, &[("$select", FIELDS)]))
            .await
    }

    /// The application with that client id, where its home is the signed-in tenant; `None` where it is not.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn application(&self, app_id: Uuid) -> Result<Option<AppRegistration>, ApiError> {
        let path = format!("applications(appId='{app_id}')");
        self.application_at(self.graph_url(&path, &[("$select", FIELDS)])).await
    }

    async fn application_at(&self, url: Url) -> Result<Option<AppRegistration>, ApiError> {
        let found = mgmt_adapter::or_absent(self.send(ApiCall::get(AzureService::Graph, url)).await, &ABSENT)?;
        let shown: Option<ShownRegistration> = found.map(super::call::ApiReply::json).transpose()?;
        Ok(shown.map(AppRegistration::from))
    }

    /// Creates the multi-tenant application of that unique name, or gives the one there is these values: one request
    /// that can be repeated, so that there are never two. Says whether it was created.
    ///
    /// # Errors
    /// When Graph refuses. `Request_ResourceNotFound` says that the application is there but cannot be read yet.
    pub async fn upsert_application(
        &self,
        unique_name: &str,
        display_name: &str,
        notes: &str,
    ) -> Result<(AppRegistration, bool), ApiError> {
        let body = json!({ "displayName": display_name, "notes": notes, "signInAudience": MULTI_TENANT });
        let call = ApiCall::patch(AzureService::Graph, self.by_unique_name(unique_name, &[]))
            .header("prefer", "create-if-missing")
            .json(&body)
            .repeatable();
        let mut reply = self.send(call).await?;
        let created = !reply.body.is_empty();
        // Created: the application. Updated: nothing, and it has to be asked for.
        if !created {
            let url = self.by_unique_name(unique_name, &[("$select", FIELDS)]);
            reply = self.send(ApiCall::get(AzureService::Graph, url)).await?;
        }
        let shown: ShownRegistration = reply.json()?;
        Ok((shown.into(), created))
    }

    /// Deletes the application with this object id, and with it its service principal in the signed-in tenant (those
    /// in other tenants stay); one that is gone already is fine.
    ///
    /// # Errors
    /// When Graph refuses.
    pub async fn delete_application(&self, object_id: Uuid) -> Result<(), ApiError> {
        let call = ApiCall::delete(
            AzureService::Graph,
            self.graph_url(&format!("applications/{object_id}"), &[]),
        );
        mgmt_adapter::or_absent(self.send(call).await, &ABSENT).map(drop)
    }

    /// Makes a client secret for the application with this object id. It is not made again where the answer is lost:
    /// who wants to try once more removes what `display_name` finds first.
    ///
    /// # Errors
    /// When Graph refuses, or the answer is lost.
    pub async fn add_password(
        &self,
        object_id: Uuid,
        display_name: &str,
        lifetime: Duration,
    ) -> Result<NewPassword, ApiError> {
        let lifetime = time::Duration::try_from(lifetime).unwrap_or(time::Duration::MAX);
        let ends = self.wire().service_time().saturating_add(lifetime);
        let call = ApiCall::post(
            AzureService::Graph,
            self.graph_url(&format!("applications/{object_id}/addPassword"), &[]),
        )
        .json(&json!({ "passwordCredential": { "displayName": display_name, "endDateTime": graphs(ends) } }));
        let reply = self.send(call).await?;
        // Not `ApiReply::json`: its error may quote the body, and the body holds the secret.
        let made: CreatedSecret =
            serde_json::from_slice(&reply.body).map_err(|_| reply.unreadable("keyId or secretText is missing"))?;
        Ok(NewPassword {
            key_id: made.key_id,
            secret: made.secret_text,
            ends: made.end_date_time.as_deref().and_then(moment).unwrap_or(ends),
        })
    }

    /// Removes a client secret, and says whether Graph found it: one that is gone already is fine, but one of this
    /// moment may come yet.
    ///
    /// # Errors
    /// When Graph refuses; an application that is not there is an error, because it may be one that is not there yet.
    pub async fn remove_password(&self, object_id: Uuid, key_id: Uuid) -> Result<bool, ApiError> {
        let call = ApiCall::post(
            AzureService::Graph,
            self.graph_url(&format!("applications/{object_id}/removePassword"), &[]),
        )
        .json(&json!({ "keyId": key_id }))
        .repeatable();
        match self.send(call).await {
            Err(error) if is_no_such_password(&error) => Ok(false),
            other => other.map(|_| true),
        }
    }

    /// Registers a certificate (in DER form) with the application, under a key ID of ours; those that it has stay. Graph
    /// has but one way: to read the list, and to write it with one more. It can be repeated.
    ///
    /// # Errors
    /// When Graph refuses.
    pub async fn add_certificate(
        &self,
        object_id: Uuid,
        (key_id, display_name): (Uuid, &str),
        certificate: &[u8],
        lifetime: Duration,
    ) -> Result<(), ApiError> {
        let lifetime = time::Duration::try_from(lifetime).unwrap_or(time::Duration::MAX);
        let ends = self.wire().service_time().saturating_add(lifetime);
        let mut keys = self.certificates(object_id).await?;
        if keys.iter().any(|key| key["keyId"] == key_id.to_string()) {
            return Ok(());
        }
        keys.push(json!({
            "keyId": key_id,
            "type": "AsymmetricX509Cert",
            "usage": "Verify",
            "displayName": display_name,
            "endDateTime": graphs(ends),
            "key": STANDARD.encode(certificate),
        }));
        self.write_certificates(object_id, keys).await
    }

    /// Removes these certificates from the application; the others stay. Those that are gone already are fine.
    ///
    /// # Errors
    /// When Graph refuses.
    pub async fn remove_certificates(&self, object_id: Uuid, key_ids: &[Uuid]) -> Result<(), ApiError> {
        let mut keys = self.certificates(object_id).await?;
        let before = keys.len();
        keys.retain(|key| !key_ids.iter().any(|id| key["keyId"] == id.to_string()));
        if keys.len() == before {
            return Ok(());
        }
        self.write_certificates(object_id, keys).await
    }

    /// The application's certificates as Graph wrote them, with whatever else they hold.
    async fn certificates(&self, object_id: Uuid) -> Result<Vec<Value>, ApiError> {
        let url = self.graph_url(
            &format!("applications/{object_id}"),
            &[("$select", "id,keyCredentials")],
        );
        let shown: Value = self.send(ApiCall::get(AzureService::Graph, url)).await?.json()?;
        Ok(shown["keyCredentials"].as_array().cloned().unwrap_or_default())
    }

    async fn write_certificates(&self, object_id: Uuid, keys: Vec<Value>) -> Result<(), ApiError> {
        let url = self.graph_url(&format!("applications/{object_id}"), &[]);
        let call = ApiCall::patch(AzureService::Graph, url).json(&json!({ "keyCredentials": keys }));
        self.send(call.repeatable()).await.map(drop)
    }

    fn by_unique_name(&self, unique_name: &str, query: &[(&str, &str)]) -> Url {
        self.graph_url(&self.key_by_unique_name(unique_name), query)
    }

    /// The path of the application of that unique name.
    pub(super) fn key_by_unique_name(&self, unique_name: &str) -> String {
        // A quote in an OData text is written twice.
        let quoted = unique_name.replace('\'', "''");
        format!("applications(uniqueName='{}')", utf8_percent_encode(&quoted, KEY))
    }
}

/// Characters of a key in a path that are percent-encoded: all except the unreserved ones of RFC 3986.
const KEY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Graph has no code of its own for it.
fn is_no_such_password(error: &ApiError) -> bool {
    let said = error.message().to_ascii_lowercase();
    error.status() == Some(400) && said.contains("no password credential found with keyid")
}

/// A point in time as Graph writes it: `2026-11-21T10:11:12Z`, with or without parts of a second.
pub(super) fn moment(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

fn graphs(moment: OffsetDateTime) -> Option<String> {
    // Whole seconds: Graph takes no nine digits behind them.
    moment.replace_nanosecond(0).ok()?.format(&Rfc3339).ok()
}

#[cfg(test)]
#[path = "applications_tests.rs"]
mod tests;
