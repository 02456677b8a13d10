//! The gateway counts: what each principal may still send, and the refusal of what is too much.

use std::fmt::Display;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::json;
use time::format_description::well_known::Rfc3339;

use super::context::ArmContext;
use super::errors::ArmRefusal;
use crate::sandbox::budgets::{BudgetKind, BudgetOutcome};
use crate::sandbox::world::SandboxWorld;

/// Counts the request, before anything else is made of it. What is left goes into `headers`.
///
/// # Errors
/// 429 in Azure's words, where nothing is left. Such an answer says no counts.
pub(super) fn count(
    world: &mut SandboxWorld,
    context: &ArmContext<'_>,
    headers: &mut HeaderMap,
) -> Result<(), ArmRefusal> {
    let request = context.request;
    if request.lower() == ["providers", "microsoft.resourcegraph", "resources"] {
        return count_query(world, context, headers);
    }
    let kind = match request.method {
        Method::GET | Method::HEAD => BudgetKind::Reads,
        Method::DELETE => BudgetKind::Deletes,
        _ => BudgetKind::Writes,
    };
    let (tenant, actor) = (context.caller.tenant, context.caller.oid);
    let subscription = request
        .segments
        .first()
        .is_some_and(|word| word.eq_ignore_ascii_case("subscriptions"));
    let subscription = subscription.then(|| context.subscription()).filter(|id| !id.is_nil());
    let scope = subscription.unwrap_or(tenant);
    let (of, code) = match subscription {
        Some(_) => ("subscription", "SubscriptionRequestsThrottled"),
        None => ("tenant", "TenantRequestsThrottled"),
    };
    match world.budgets.spend(world.now, actor, scope, kind) {
        BudgetOutcome::One { left, global } => {
            say(headers, &format!("ratelimit-remaining-{of}-{}", kind.plural()), left);
            if subscription.is_some() {
                say(
                    headers,
                    &format!("ratelimit-remaining-{of}-global-{}", kind.plural()),
                    global,
                );
            }
            Ok(())
        }
        BudgetOutcome::Nothing { seconds } => {
            let text = format!(
                "Number of '{}' requests for {of} '{scope}' actor '{actor}' exceeded. Please try again after \
                 '{seconds}' seconds after additional tokens are available. Refer to https://aka.ms/arm-throttling for \
                 additional information.",
                kind.singular()
            );
            Err(ArmRefusal::new(429, code, text).after(seconds))
        }
    }
}

/// Resource Graph has a quota of its own, and says so in the place of the tenant's counts.
fn count_query(world: &mut SandboxWorld, context: &ArmContext<'_>, headers: &mut HeaderMap) -> Result<(), ArmRefusal> {
    let (left, seconds) = world.budgets.query(world.now, context.caller.oid);
    let resets = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    say(headers, "user-quota-remaining", left.unwrap_or(0));
    say(headers, "user-quota-resets-after", resets);
    if let Some(left) = left {
        say(headers, "ratelimit-remaining-tenant-resource-requests", left);
        return Ok(());
    }
    let time = world.wall_clock().format(&Rfc3339).unwrap_or_default();
    let text = format!("Please provide below info when asking for support: timestamp = {time}.");
    let detail = "Client application has been throttled and should not attempt to repeat the request until an amount \
                  of time has elapsed. Please see https://aka.ms/resourcegraph-throttling for help.";
    let details = json!([{"code": "RateLimiting", "message": detail}]);
    Err(ArmRefusal::new(429, "RateLimiting", text)
        .with("details", details)
        .after(seconds))
}

/// Sets the header `x-ms-NAME`.
fn say(headers: &mut HeaderMap, name: &str, value: impl Display) {
    let name = HeaderName::try_from(format!("x-ms-{name}"));
    if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value.to_string())) {
        headers.insert(name, value);
    }
}
