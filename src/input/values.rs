//! What the given texts mean: each one read, and refused with a reason where it means nothing.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use uuid::Uuid;

use super::Given;
use super::session::{vendor_api, vendor_token};
use crate::azure::Subscription;
use crate::domain::{IdError, SubscriptionId, VnetId, check_group, check_peering, check_vnet};
use crate::errors::{Kind, Problem};
use crate::plan::{Consent, VendorAccess};
use crate::vendors::{DnsMapping, Profile};

/// Enough for Kong's usual 40 minutes.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// Refuses what is malformed before anything is asked of anybody.
pub fn check(given: &Given, vendor: &Profile) -> Result<(), Problem> {
    parsed::<Consent>(given, "consent")?;
    timeout(given)?;
    vendor_inputs(given, vendor)?;
    dns(given, vendor)?;
    app_id(given, vendor)?;
    vendor_api(given.vars(), vendor)?;
    let name_of = |id, check: fn(&str) -> Result<String, IdError>| match given.get(id) {
        Some(text) => check(text).map(|_| ()).map_err(|error| malformed(id, error)),
        None => Ok(()),
    };
    name_of("resource-group", check_group)?;
    name_of("vnet", check_vnet)?;
    name_of("peering-name", check_peering)?;
    parsed::<VnetId>(given, "vnet-id").map(|_| ())
}

pub fn malformed(id: &str, why: impl Display) -> Problem {
    Problem::new(Kind::Usage, format!("--{id} cannot be used."), why.to_string())
}

pub fn parsed<T: FromStr<Err: Display>>(given: &Given, id: &str) -> Result<Option<T>, Problem> {
    given
        .get(id)
        .map(|text| text.parse().map_err(|error| malformed(id, error)))
        .transpose()
}

pub fn timeout(given: &Given) -> Result<Duration, Problem> {
    let Some(text) = given.get("timeout") else {
        return Ok(DEFAULT_TIMEOUT);
    };
    humantime::parse_duration(text)
        .map_err(|error| malformed("timeout", format!("'{text}': {error}; say 30m or 1h30m.")))
}

pub fn access(given: &Given, vendor: &Profile) -> Result<VendorAccess, Problem> {
    let default = match vendor_token(given.vars(), vendor) {
        Some(_) => VendorAccess::Api,
        None => VendorAccess::Manual,
    };
    Ok(parsed(given, "vendor-access")?.unwrap_or(default))
}

pub fn vendor_inputs(given: &Given, vendor: &Profile) -> Result<BTreeMap<String, Vec<String>>, Problem> {
    given.vendor_inputs(vendor).map_err(|key| {
        let keys: Vec<&str> = vendor.inputs.iter().map(|input| input.key.as_str()).collect();
        let what = format!("--set {key}=… is no input of {}.", vendor.name);
        Problem::new(Kind::Usage, what, format!("It has {}.", keys.join(", ")))
            .remedy(format!("peerctl vendors {} says what each means.", vendor.id))
    })
}

pub fn dns(given: &Given, vendor: &Profile) -> Result<Vec<DnsMapping>, Problem> {
    let inputs = vendor_inputs(given, vendor)?;
    let texts = inputs.get("dns").cloned().unwrap_or_default();
    texts
        .iter()
        .map(|text| text.parse().map_err(|error| malformed("set dns", error)))
        .collect()
}

/// The vendor's application id: the profile's, unless another one is given.
///
/// # Errors
/// When the one given is no GUID.
pub fn app_id(given: &Given, vendor: &Profile) -> Result<Uuid, Problem> {
    let inputs = vendor_inputs(given, vendor)?;
    let Some(text) = inputs.get("app-id").and_then(|values| values.first()) else {
        return Ok(vendor.application.app_id);
    };
    text.parse()
        .map_err(|_| malformed("set app-id", format!("'{text}' is no application id (a GUID).")))
}

pub fn subscription_is_id(given: &Given) -> bool {
    given.get("vnet-id").is_some()
        || given
            .get("subscription")
            .is_some_and(|text| text.parse::<Uuid>().is_ok())
}

/// The subscription's id, by id or by name.
///
/// # Errors
/// When no subscription, or more than one, has that name.
pub fn subscription(given: &Given, subscriptions: &[Subscription]) -> Result<SubscriptionId, Problem> {
    let text = given.get("subscription").unwrap_or_default();
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let named: Vec<&Subscription> = subscriptions
        .iter()
        .filter(|one| one.name.eq_ignore_ascii_case(text))
        .collect();
    match named.as_slice() {
        [one] => Ok(one.id),
        [] => {
            let names: Vec<&str> = subscriptions.iter().map(|one| one.name.as_str()).collect();
            let why = format!(
                "This sign-in sees: {}.",
                if names.is_empty() {
                    "none".to_owned()
                } else {
                    names.join(", ")
                }
            );
            Err(
                Problem::new(Kind::NotFound, format!("There is no subscription '{text}'."), why)
                    .remedy("Give --subscription one of these names, or an id."),
            )
        }
        many => {
            let ids: Vec<String> = many.iter().map(|one| one.id.to_string()).collect();
            Err(Problem::new(
                Kind::Usage,
                format!("{} subscriptions are named '{text}'.", many.len()),
                "The name does not say which.",
            )
            .remedy(format!("Give --subscription one of {}", ids.join(", "))))
        }
    }
}
