//! Properties that nothing in the sandbox acts upon, and that are kept all the same: what a client writes it reads again.

use serde_json::{Map, Value};

/// Those of an application.
pub(super) const OF_APPLICATIONS: [&str; 12] = [
    "api",
    "appRoles",
    "groupMembershipClaims",
    "identifierUris",
    "isDeviceOnlyAuthSupported",
    "isFallbackPublicClient",
    "optionalClaims",
    "publicClient",
    "requiredResourceAccess",
    "serviceManagementReference",
    "spa",
    "web",
];

/// Those of a service principal.
pub(super) const OF_PRINCIPALS: [&str; 10] = [
    "accountEnabled",
    "alternativeNames",
    "appRoleAssignmentRequired",
    "description",
    "homepage",
    "loginUrl",
    "notes",
    "notificationEmailAddresses",
    "preferredSingleSignOnMode",
    "tags",
];

/// Takes the properties of `names` that a body gives; within an object, those that it leaves out stay as they are.
pub(super) fn take(kept: &mut Map<String, Value>, body: &Value, names: &[&str]) {
    for name in names {
        let Some(given) = body.get(name) else { continue };
        let value = kept.entry((*name).to_owned()).or_insert(Value::Null);
        overlay(value, given);
    }
}

/// Lays what was kept over a resource's own properties.
pub(super) fn lay(kept: &Map<String, Value>, resource: &mut Value) {
    for (name, value) in kept {
        overlay(&mut resource[name], value);
    }
}

fn overlay(onto: &mut Value, given: &Value) {
    match (onto, given) {
        (Value::Object(known), Value::Object(new)) => {
            for (name, value) in new {
                overlay(known.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (onto, given) => *onto = given.clone(),
    }
}
