//! `addPassword` and `removePassword`: the client secrets of an application, or of its service principal in one tenant.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::{GraphRefusal, GraphResult, app_policies, odata, seconds};
use crate::sandbox::message::{self, IncomingRequest};
use crate::sandbox::world::{CreatedAt, PasswordCredential, SandboxWorld};

/// Default lifetime of a secret: two years.
const LIFETIME: Duration = Duration::from_secs(2 * 365 * 86_400);

/// Owner of the secrets, and its index in the world.
#[derive(Debug, Clone, Copy)]
pub(super) enum CredentialOwner {
    Application(usize),
    Principal(usize),
}

impl CredentialOwner {
    fn passwords(self, world: &mut SandboxWorld) -> &mut Vec<PasswordCredential> {
        match self {
            Self::Application(at) => &mut world.applications[at].passwords,
            Self::Principal(at) => &mut world.principals[at].passwords,
        }
    }

    pub(super) fn owners(self, world: &mut SandboxWorld) -> &mut Vec<Uuid> {
        match self {
            Self::Application(at) => &mut world.applications[at].owners,
            Self::Principal(at) => &mut world.principals[at].owners,
        }
    }
}

/// `POST …/{key}/addPassword`: the only answer that holds the secret's text.
pub(super) fn add(world: &mut SandboxWorld, request: &IncomingRequest, owner: CredentialOwner) -> GraphResult {
    let body = request.json().unwrap_or_default();
    let wish = &body["passwordCredential"];
    let start = instant(wish, "startDateTime")?.unwrap_or_else(|| world.wall_clock());
    let end = instant(wish, "endDateTime")?.unwrap_or(start + LIFETIME);
    if end <= start {
        return Err(GraphRefusal::bad(
            "Credential lifetime is invalid: endDateTime must be after startDateTime.",
        ));
    }
    if matches!(owner, CredentialOwner::Application(_)) {
        app_policies::secret(world, end - start)?;
    }
    let password = PasswordCredential {
        key: world.ids.next(),
        name: wish["displayName"].as_str().map(str::to_owned),
        text: secret(world),
        start,
        end,
        since: CreatedAt::At(world.now),
    };
    let mut shown = resource(&password);
    shown["secretText"] = password.text.clone().into();
    shown["@odata.context"] = format!("{}/v1.0/$metadata#microsoft.graph.passwordCredential", request.origin).into();
    owner.passwords(world).push(password);
    Ok(odata(StatusCode::OK, &shown))
}

/// `POST …/{key}/removePassword`.
pub(super) fn remove(world: &mut SandboxWorld, request: &IncomingRequest, owner: CredentialOwner) -> GraphResult {
    let body = request.json().unwrap_or_default();
    let given = body["keyId"].as_str().unwrap_or_default();
    let id = Uuid::parse_str(given).ok();
    let (lag, now) = (world.timing.graph_get, world.now);
    let passwords = owner.passwords(world);
    let known = passwords
        .iter()
        .position(|password| Some(password.key) == id && password.since.passed(lag, now));
    let known = known.ok_or_else(|| GraphRefusal::bad(format!("No password credential found with keyId {given}.")))?;
    passwords.remove(known);
    Ok(message::empty(StatusCode::NO_CONTENT))
}

/// The `passwordCredentials` that have replicated.
pub(super) fn list(world: &SandboxWorld, passwords: &[PasswordCredential]) -> Vec<Value> {
    let lag = world.timing.graph_get;
    let known = passwords
        .iter()
        .filter(|password| password.since.passed(lag, world.now));
    known.map(resource).collect()
}

fn resource(password: &PasswordCredential) -> Value {
    json!({
        "customKeyIdentifier": null,
        "displayName": password.name,
        "endDateTime": format!("{}Z", seconds(password.end)),
        "hint": password.text.chars().take(3).collect::<String>(),
        "keyId": password.key,
        "secretText": null,
        "startDateTime": format!("{}Z", seconds(password.start)),
    })
}

pub(super) fn instant(wish: &Value, name: &str) -> Result<Option<OffsetDateTime>, GraphRefusal> {
    let Some(text) = wish[name].as_str() else {
        return Ok(None);
    };
    let parsed = OffsetDateTime::parse(text, &Rfc3339).map(|time| time.to_offset(time::UtcOffset::UTC));
    let wrong = |_| {
        GraphRefusal::bad(format!(
            "Cannot convert the literal '{text}' to the expected type 'Edm.DateTimeOffset'."
        ))
    };
    parsed.map(Some).map_err(wrong)
}

/// Forty characters, as Entra makes them: `XyZ8Q~…`.
fn secret(world: &mut SandboxWorld) -> String {
    let (one, other) = (
        world.ids.next().simple().to_string(),
        world.ids.next().simple().to_string(),
    );
    format!("{}8Q~{}{}", &one[..3], &one[3..], &other[..5])
}
