//! Provider registrations of a subscription.

use serde_json::json;
use uuid::Uuid;

use super::errors::ArmRefusal;
use crate::sandbox::world::SandboxWorld;

/// Azure's word for it.
pub(super) fn state<'a>(world: &'a SandboxWorld, subscription: Uuid, namespace: &str) -> &'a str {
    let mut all = world.registrations.iter();
    let found = all.find(|(own, name, _)| *own == subscription && name.eq_ignore_ascii_case(namespace));
    found.map_or("Registered", |(_, _, state)| state)
}

/// Registers the subscription for it, at once.
pub(super) fn register(world: &mut SandboxWorld, subscription: Uuid, namespace: &str) {
    let this = |own: Uuid, name: &str| own == subscription && name.eq_ignore_ascii_case(namespace);
    world.registrations.retain(|(own, name, _)| !this(*own, name));
}

/// Refuses a write to a provider that the subscription of `id` is not registered for.
///
/// # Errors
/// `MissingSubscriptionRegistration`.
pub(super) fn require(world: &SandboxWorld, id: &str, namespace: &str) -> Result<(), ArmRefusal> {
    let subscription = id
        .split('/')
        .nth(2)
        .and_then(|id| Uuid::parse_str(id).ok())
        .unwrap_or_default();
    if state(world, subscription, namespace).eq_ignore_ascii_case("Registered") {
        return Ok(());
    }
    let text = format!(
        "The subscription is not registered to use namespace '{namespace}'. See https://aka.ms/rps-not-found for how to \
         register subscriptions."
    );
    let code = "MissingSubscriptionRegistration";
    let detail = json!({"code": code, "target": namespace, "message": text});
    Err(ArmRefusal::new(409, code, text).with("details", json!([detail])))
}
