//! Parsing of the given texts: each one is read, and refused with a reason if it's invalid.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use uuid::Uuid;

use super::GivenInputs;
use super::gather::TenantHints;
use super::session::{vendor_api, vendor_token};
use crate::azure::{AppCredential, SubscriptionInfo};
use crate::domain::{
    IdError, SubscriptionId, TenantId, VnetId, check_group, check_peering, check_vnet, did_you_mean,
    own_app_unique_name,
};
use crate::errors::{RunError, RunErrorKind as ErrorKind};
use crate::limits;
use crate::plan::{ConsentMode, OwnApp, OwnAppRole, VendorAccess};
use crate::vendors::{DnsMapping, InputType, OwnAppWay, VendorInput, VendorProfile};

/// Refuses what is malformed before anything is asked of anybody.
pub fn check(given: &GivenInputs, vendor: &VendorProfile) -> Result<(), RunError> {
    parsed::<ConsentMode>(given, "consent")?;
    timeout(given)?;
    vendor_inputs(given, vendor)?;
    for (key, values) in vendor_inputs(given, vendor)? {
        for (input, text) in vendor
            .input(&key)
            .into_iter()
            .flat_map(|input| values.iter().map(move |text| (input, text)))
        {
            check_vendor_input(input, text).map_err(|why| unusable(&given.name_of_set(&key), why))?;
        }
    }
    parsed::<Uuid>(given, "own-app")?;
    parsed::<Uuid>(given, "vendor-principal-id")?;
    parsed::<OwnAppRole>(given, "own-app-role")?;
    if access(given, vendor)? == VendorAccess::Api && vendor.access.is_none() {
        return Err(malformed(
            given,
            "vendor-access",
            format!("{} has no API that peerctl knows.", vendor.name),
        ));
    }
    vendor_api(given.vars(), vendor)?;
    let name_of = |id, check: fn(&str) -> Result<String, IdError>| match given.get(id) {
        Some(text) => check(text).map(|_| ()).map_err(|error| malformed(given, id, error)),
        None => Ok(()),
    };
    name_of("resource-group", check_group)?;
    name_of("vnet", check_vnet)?;
    name_of("peering-name", check_peering)?;
    let vnet_id = parsed::<VnetId>(given, "vnet-id").map(|_| ());
    vnet_id.map_err(|problem| {
        problem.remedy("az network vnet show --resource-group GROUP --name NAME --query id --output tsv")
    })
}

/// An input that means nothing, named as whoever gave it knows it.
pub fn malformed(given: &GivenInputs, id: &str, why: impl Display) -> RunError {
    unusable(&given.name_of(id), why)
}

fn unusable(name: &str, why: impl Display) -> RunError {
    RunError::new(ErrorKind::Usage, format!("{name} cannot be used."), why.to_string())
}

pub fn parsed<T: FromStr<Err: Display>>(given: &GivenInputs, id: &str) -> Result<Option<T>, RunError> {
    given
        .get(id)
        .map(|text| text.parse().map_err(|error| malformed(given, id, error)))
        .transpose()
}

pub fn timeout(given: &GivenInputs) -> Result<Duration, RunError> {
    let Some(text) = given.get("timeout") else {
        return Ok(limits::TIMEOUT);
    };
    let duration = humantime::parse_duration(text)
        .map_err(|error| malformed(given, "timeout", format!("'{text}': {error}; say 30m or 1h30m.")))?;
    if duration > limits::LONGEST_TIMEOUT {
        return Err(malformed(given, "timeout", format!("'{text}' is longer than 7 days.")));
    }
    Ok(duration)
}

pub fn access(given: &GivenInputs, vendor: &VendorProfile) -> Result<VendorAccess, RunError> {
    let default = match vendor_token(given.vars(), vendor)? {
        Some(_) => VendorAccess::Api,
        None => VendorAccess::Manual,
    };
    Ok(parsed(given, "vendor-access")?.unwrap_or(default))
}

pub fn vendor_inputs(given: &GivenInputs, vendor: &VendorProfile) -> Result<BTreeMap<String, Vec<String>>, RunError> {
    given.vendor_inputs(vendor).map_err(|key| {
        let keys: Vec<&str> = vendor.inputs.iter().map(|input| input.key.as_str()).collect();
        let name = match given.name_of_set(&key) {
            flag if flag.starts_with("--") => format!("{flag}=…"),
            place => place,
        };
        let what = format!("{name} is no input of {}.", vendor.name);
        let guess = did_you_mean(&key, keys.iter().copied());
        RunError::new(ErrorKind::Usage, what, format!("It has {}.{guess}", keys.join(", ")))
            .remedy(format!("peerctl vendors {} says what each means.", vendor.id))
    })
}

pub fn dns(given: &GivenInputs, vendor: &VendorProfile) -> Result<Vec<DnsMapping>, RunError> {
    let inputs = vendor_inputs(given, vendor)?;
    let texts = inputs.get("dns").cloned().unwrap_or_default();
    texts
        .iter()
        .map(|text| text.parse().map_err(|error| unusable(&given.name_of_set("dns"), error)))
        .collect()
}

/// The vendor's application id: the profile's, unless another one is given.
///
/// # Errors
/// When the one given is no GUID.
pub fn app_id(given: &GivenInputs, vendor: &VendorProfile) -> Result<Option<Uuid>, RunError> {
    let inputs = vendor_inputs(given, vendor)?;
    let other = inputs
        .get("app-id")
        .and_then(|values| values.first())
        .and_then(|text| text.parse().ok());
    Ok(other.or(vendor.application.as_ref().map(|application| application.app_id)))
}

/// The tenant of the vendor's networks: the profile's, unless another one is given.
///
/// # Errors
/// An input that the vendor doesn't have.
pub fn vendor_tenant(given: &GivenInputs, vendor: &VendorProfile) -> Result<Option<TenantId>, RunError> {
    let inputs = vendor_inputs(given, vendor)?;
    let other = inputs.get("remote-tenant-id").and_then(|values| values.first());
    let other = other.and_then(|text| text.parse().ok());
    Ok(vendor.peering.tenant.map(|fixed| other.unwrap_or(fixed)))
}

/// The customer's own application, where the vendor's way has one.
///
/// # Errors
/// When the id given is no GUID.
pub fn own_app(
    given: &GivenInputs,
    vendor: &VendorProfile,
    tenant: TenantId,
    vnet: &VnetId,
) -> Result<Option<OwnApp>, RunError> {
    let brought = parsed::<Uuid>(given, "own-app")?.map(OwnApp::Given);
    Ok(match vendor.peering.own_app {
        OwnAppWay::No => None,
        OwnAppWay::Possible => brought,
        OwnAppWay::Needed => brought.or_else(|| {
            Some(OwnApp::Made {
                unique_name: own_app_unique_name(tenant, vnet, &vendor.id),
                display_name: format!("peerctl: {} and {}", vnet.name, vendor.name),
            })
        }),
    })
}

/// The credential of an own application that the operator brings; its variables are named after Azure's.
pub fn own_app_credential(given: &GivenInputs) -> Option<AppCredential> {
    let var = |name: &str| given.vars().get(name);
    let secret = var("PEERCTL_OWN_APP_SECRET").map(|secret| AppCredential::Secret(secret.into()));
    let certificate = || var("PEERCTL_OWN_APP_CERTIFICATE_PATH").map(|path| AppCredential::Certificate(path.into()));
    let token = || var("PEERCTL_OWN_APP_FEDERATED_TOKEN_FILE").map(|path| AppCredential::FederatedToken(path.into()));
    secret.or_else(certificate).or_else(token)
}

/// Checks whether a vendor input has the form that the profile requires.
pub fn check_vendor_input(input: &VendorInput, text: &str) -> Result<(), String> {
    match input.kind {
        InputType::Text => Ok(()),
        InputType::Guid => text
            .parse::<Uuid>()
            .map(|_| ())
            .map_err(|_| format!("'{text}' is not a GUID.")),
        InputType::Dns => text
            .parse::<DnsMapping>()
            .map(|_| ())
            .map_err(|error| error.to_string()),
        InputType::VnetId => VnetId::from_input(text).map(|_| ()).map_err(|error| error.to_string()),
    }
}

/// Checks whether a text is the domains of a DNS mapping, still without servers.
pub fn check_domains(text: &str) -> Result<(), String> {
    if text
        .split(',')
        .any(|part| part.trim().parse::<std::net::IpAddr>().is_ok())
    {
        return Err(format!(
            "'{text}' is an address. Type the domains first, such as internal.example.com."
        ));
    }
    if !text.contains('.') {
        return Err(format!(
            "'{text}' is no DNS mapping. It looks like internal.example.com, or internal.example.com=10.20.0.4."
        ));
    }
    let with_server = format!("{text}=10.0.0.4").parse::<DnsMapping>();
    with_server.map(|_| ()).map_err(|error| error.to_string())
}

pub fn subscription_is_id(given: &GivenInputs) -> bool {
    given.get("vnet-id").is_some()
        || given
            .get("subscription")
            .is_some_and(|text| text.parse::<Uuid>().is_ok())
}

/// The subscription's id, by id or by name.
///
/// # Errors
/// When no subscription, or more than one, has that name.
pub fn subscription(given: &GivenInputs, known: &TenantHints) -> Result<SubscriptionId, RunError> {
    let text = given.get("subscription").unwrap_or_default();
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let named: Vec<&SubscriptionInfo> = known
        .subscriptions
        .iter()
        .filter(|one| one.name.eq_ignore_ascii_case(text))
        .collect();
    match named.as_slice() {
        [one] => Ok(one.id),
        [] => {
            let names: Vec<&str> = known.subscriptions.iter().map(|one| one.name.as_str()).collect();
            let guess = did_you_mean(text, names.iter().copied());
            let why = format!(
                "This sign-in sees: {}.{guess}",
                if names.is_empty() {
                    "none".to_owned()
                } else {
                    names.join(", ")
                }
            );
            let problem = RunError::new(ErrorKind::NotFound, format!("There is no subscription '{text}'."), why);
            Err(known.or_elsewhere(problem.remedy("Give --subscription one of these names, or an id.")))
        }
        many => {
            let ids: Vec<String> = many.iter().map(|one| one.id.to_string()).collect();
            Err(RunError::new(
                ErrorKind::Usage,
                format!("{} subscriptions are named '{text}'.", many.len()),
                "The name does not say which.",
            )
            .remedy(format!("Give --subscription one of {}", ids.join(", "))))
        }
    }
}
