//! `keyCredentials`: the certificates of an application or of a service principal.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::passwords::instant;
use super::{GraphRefusal, app_policies, seconds};
use crate::sandbox::ids::derived;
use crate::sandbox::world::{ApplicationRecord, CreatedAt, KeyCredential, SandboxWorld};

/// The list that a `PATCH` with `given` leaves: a certificate that is named by its `keyId` stays, one with a `key` is
/// new, and what is not in the list is removed.
pub(super) fn replace(
    world: &mut SandboxWorld,
    before: &[KeyCredential],
    given: &[Value],
) -> Result<Vec<KeyCredential>, GraphRefusal> {
    let mut after = Vec::new();
    for one in given {
        let id = one["keyId"].as_str().and_then(|id| Uuid::parse_str(id).ok());
        let known = before.iter().find(|known| Some(known.id) == id);
        match (known, one["key"].as_str()) {
            (Some(known), _) => after.push(known.clone()),
            (None, Some(text)) => after.push(new(world, id, one, text)?),
            (None, None) => {
                return Err(GraphRefusal::bad(
                    "New key credential must have a value for property 'key'.",
                ));
            }
        }
    }
    Ok(after)
}

fn new(world: &mut SandboxWorld, id: Option<Uuid>, given: &Value, text: &str) -> Result<KeyCredential, GraphRefusal> {
    if given["type"] != "AsymmetricX509Cert" || given["usage"] != "Verify" {
        return Err(GraphRefusal::bad("Invalid key credential: type and usage do not fit."));
    }
    let certificate = STANDARD
        .decode(text)
        .map_err(|_| GraphRefusal::bad("Key credential end date is invalid."))?;
    let start = instant(given, "startDateTime")?.unwrap_or_else(|| world.wall_clock());
    let end = instant(given, "endDateTime")?.unwrap_or(start + time::Duration::days(365));
    if end <= world.wall_clock() || end <= start {
        return Err(GraphRefusal::bad("Key credential end date is invalid."));
    }
    app_policies::key(world, end - start)?;
    Ok(KeyCredential {
        id: id.unwrap_or_else(|| world.ids.next()),
        name: given["displayName"].as_str().map(str::to_owned),
        certificate,
        start,
        end,
        since: CreatedAt::At(world.now),
    })
}

/// `x5t` of a certificate.
pub(in crate::sandbox) fn thumbprint(certificate: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate).as_ref())
}

/// The `keyCredentials` that have replicated.
pub(super) fn list(world: &SandboxWorld, keys: &[KeyCredential]) -> Vec<Value> {
    let lag = world.timing.graph_get;
    let known = keys.iter().filter(|key| key.since.passed(lag, world.now));
    let shown = |key: &KeyCredential| {
        let thumbprint = thumbprint(&key.certificate);
        resource(key.id, key.name.as_deref(), &thumbprint, key.start, key.end)
    };
    known.map(shown).collect()
}

/// Those of an application: with the ones of which the estate only has thumbprints.
pub(super) fn of_application(world: &SandboxWorld, application: &ApplicationRecord) -> Vec<Value> {
    let year = time::Duration::days(365);
    let (start, end) = (world.started - year, world.started + year);
    let old = application.certificates.iter();
    let old = old.map(|thumbprint| resource(derived(thumbprint), None, thumbprint, start, end));
    old.chain(list(world, &application.keys)).collect()
}

fn resource(id: Uuid, name: Option<&str>, thumbprint: &str, start: OffsetDateTime, end: OffsetDateTime) -> Value {
    json!({
        "customKeyIdentifier": thumbprint,
        "displayName": name,
        "endDateTime": format!("{}Z", seconds(end)),
        "key": null,
        "keyId": id,
        "startDateTime": format!("{}Z", seconds(start)),
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
    })
}
