//! Access control: role definitions and assignments at scope.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::errors::ArmRefusal;
use crate::sandbox::faults::glob;
use crate::sandbox::token::TokenCaller;
use crate::sandbox::world::{AssignmentRecord, DefinitionRecord, DenyAssignmentRecord, PermissionRecord, SandboxWorld};

impl PermissionRecord {
    /// Returns whether this entry grants `action`: without case, `*` for any text, exceptions only within the entry.
    pub(super) fn allows(&self, action: &str) -> bool {
        let action = action.to_ascii_lowercase();
        let any = |patterns: &[String]| {
            patterns
                .iter()
                .any(|pattern| glob(&pattern.to_ascii_lowercase(), &action))
        };
        any(&self.actions) && !any(&self.not_actions)
    }
}

/// Returns whether a setting at `scope` applies to `id`: it's the same, or lies below.
pub(super) fn covers(scope: &str, id: &str) -> bool {
    let scope = scope.trim_end_matches('/').as_bytes();
    let Some((head, rest)) = id.as_bytes().split_at_checked(scope.len()) else {
        return false;
    };
    head.eq_ignore_ascii_case(scope) && (scope.is_empty() || rest.first().is_none_or(|next| *next == b'/'))
}

/// As [`covers`], with the subscriptions below a management group.
pub(super) fn reaches(world: &SandboxWorld, scope: &str, id: &str) -> bool {
    let subscription = || id.split('/').nth(2).and_then(|id| Uuid::parse_str(id).ok());
    let mut groups = world.management_groups.iter();
    covers(scope, id)
        || groups.any(|group| {
            let is_it = group.id().eq_ignore_ascii_case(scope.trim_end_matches('/'));
            is_it && subscription().is_some_and(|id| group.subscriptions.contains(&id))
        })
}

/// The caller's assignments that count by now.
fn effective<'a>(world: &'a SandboxWorld, caller: &'a TokenCaller) -> impl Iterator<Item = &'a AssignmentRecord> {
    let mine = world
        .assignments
        .iter()
        .filter(|found| found.tenant == caller.tenant && found.principal == caller.principal);
    mine.filter(|found| found.since.passed(world.timing.assignment, world.now))
}

/// The entries that hold for the caller at `scope`, one for each assignment and entry of its role.
pub(super) fn permissions<'a>(world: &'a SandboxWorld, caller: &TokenCaller, scope: &str) -> Vec<&'a PermissionRecord> {
    let tenant = caller.tenant;
    let roles: Vec<Uuid> = effective(world, caller)
        .filter(|found| reaches(world, &found.scope, scope))
        .map(|found| found.role)
        .collect();
    let definitions = roles.iter().filter_map(|role| definition(world, tenant, *role));
    definitions.flat_map(|definition| &definition.permissions).collect()
}

fn definition(world: &SandboxWorld, tenant: Uuid, role: Uuid) -> Option<&DefinitionRecord> {
    let mut all = world.definitions.iter();
    all.find(|found| found.guid == role && found.tenant.is_none_or(|owner| owner == tenant))
}

/// Returns whether the caller may do `action` at `scope`: a role allows it, and no deny assignment forbids it.
pub(super) fn allowed(world: &SandboxWorld, caller: &TokenCaller, action: &str, scope: &str) -> bool {
    let entries = permissions(world, caller, scope);
    entries.iter().any(|entry| entry.allows(action)) && denial(world, caller, action, scope).is_none()
}

/// The deny assignment that forbids the caller `action` at `scope`.
fn denial<'a>(
    world: &'a SandboxWorld,
    caller: &TokenCaller,
    action: &str,
    scope: &str,
) -> Option<&'a DenyAssignmentRecord> {
    let mut denials = world.denials.iter().filter(|found| found.tenant == caller.tenant);
    let is_one = |ids: &[Uuid]| ids.contains(&caller.oid) || ids.contains(&caller.principal);
    denials.find(|found| {
        let held = found.principals.is_empty() || is_one(&found.principals);
        held && !is_one(&found.excluded) && reaches(world, &found.scope, scope) && found.permission.allows(action)
    })
}

/// Returns whether one of the caller's roles allows `action` at `scope` under the condition of its assignment.
pub(super) fn allowed_where(
    world: &SandboxWorld,
    caller: &TokenCaller,
    action: &str,
    scope: &str,
    fulfilled: impl Fn(&str) -> bool,
) -> bool {
    let mut mine = effective(world, caller).filter(|found| reaches(world, &found.scope, scope));
    mine.any(|found| {
        let entries = definition(world, caller.tenant, found.role).map(|role| &role.permissions);
        let allows = entries.into_iter().flatten().any(|entry| entry.allows(action));
        allows && found.condition[0].as_deref().is_none_or(&fulfilled)
    })
}

/// Scopes at which an action is allowed for a caller, in small letters, for a check of thousands of places.
pub(super) struct ScopeReach(HashSet<String>);

impl ScopeReach {
    /// Returns the scopes at which the caller may do `action`.
    pub(super) fn of(world: &SandboxWorld, caller: &TokenCaller, action: &str) -> Self {
        let mut judged = HashMap::new();
        let mut allows = |role: Uuid| {
            *judged.entry(role).or_insert_with(|| {
                let entries = definition(world, caller.tenant, role).map(|found| &found.permissions);
                entries.into_iter().flatten().any(|entry| entry.allows(action))
            })
        };
        let mine = effective(world, caller).filter(|found| allows(found.role));
        Self(mine.flat_map(|found| unfolded(world, &found.scope)).collect())
    }

    /// In which subscriptions the caller has some role.
    pub(super) fn seen(world: &SandboxWorld, caller: &TokenCaller) -> Self {
        let subscription = |scope: String| match scope.match_indices('/').nth(2) {
            Some((end, _)) => scope[..end].to_owned(),
            None => scope,
        };
        Self(
            effective(world, caller)
                .flat_map(|found| unfolded(world, &found.scope))
                .map(subscription)
                .collect(),
        )
    }

    /// Returns whether the reach includes `id`: one of its scopes is `id` or lies above it.
    pub(super) fn covers(&self, id: &str) -> bool {
        let id = folded(id);
        let ends = id.match_indices('/').map(|(end, _)| end);
        ends.chain([id.len()]).any(|end| self.0.contains(&id[..end]))
    }
}

/// The scope in small letters; for a management group its subscriptions.
fn unfolded(world: &SandboxWorld, scope: &str) -> Vec<String> {
    let scope = folded(scope);
    let mut groups = world.management_groups.iter();
    match groups.find(|group| group.id().eq_ignore_ascii_case(&scope)) {
        Some(group) => group
            .subscriptions
            .iter()
            .map(|id| format!("/subscriptions/{id}"))
            .collect(),
        None => vec![scope],
    }
}

fn folded(scope: &str) -> String {
    scope.trim_end_matches('/').to_ascii_lowercase()
}

/// Refuses a caller who may not do `action` at `scope`.
///
/// # Errors
/// `AuthorizationFailed`, `DenyAssignmentAuthorizationFailed`.
pub(super) fn require(world: &SandboxWorld, caller: &TokenCaller, action: &str, scope: &str) -> Result<(), ArmRefusal> {
    let entries = permissions(world, caller, scope);
    if !entries.iter().any(|entry| entry.allows(action)) {
        return Err(ArmRefusal::forbidden(caller, action, scope));
    }
    match denial(world, caller, action, scope) {
        Some(denial) => Err(ArmRefusal::denied(caller, action, scope, denial)),
        None => Ok(()),
    }
}

/// Returns whether the caller has some role at, above, or below `scope`.
pub(super) fn sees(world: &SandboxWorld, caller: &TokenCaller, scope: &str) -> bool {
    effective(world, caller).any(|found| reaches(world, &found.scope, scope) || covers(scope, &found.scope))
}

/// Refuses what a lock at or above `id` forbids: `ReadOnly` every write, each level every deletion. What has a lock
/// below it cannot be deleted, either. A subscription that is not in use takes deletions alone.
///
/// # Errors
/// `ScopeLocked`, `ReadOnlyDisabledSubscription`.
pub(super) fn unlocked(world: &SandboxWorld, id: &str, deletes: bool) -> Result<(), ArmRefusal> {
    let subscription = id.split('/').nth(2).and_then(|id| Uuid::parse_str(id).ok());
    let subscription = subscription.and_then(|id| world.subscription(id)).filter(|_| !deletes);
    if let Some(found) = subscription.filter(|found| !["Enabled", "PastDue"].contains(&found.state.as_str())) {
        let text = format!(
            "The subscription '{}' is disabled and therefore marked as read only. You cannot perform any write actions \
             on this subscription until it is re-enabled.",
            found.id
        );
        return Err(ArmRefusal::new(409, "ReadOnlyDisabledSubscription", text));
    }
    let holds = |level: &str| level.eq_ignore_ascii_case("ReadOnly") || deletes;
    let reaches = |scope: &str| covers(scope, id) || deletes && covers(id, scope);
    let mut locks = world.locks.iter();
    let lock = locks.find(|lock| holds(&lock.level) && reaches(&lock.scope));
    let Some(lock) = lock else { return Ok(()) };
    let operation = if deletes { "delete" } else { "write" };
    Err(ArmRefusal::locked(id, operation, &lock.scope))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_scope_covers_descendants() {
        let table = [
            ("/", "/subscriptions/a", true),
            ("/subscriptions/a", "/subscriptions/a", true),
            ("/subscriptions/A", "/subscriptions/a/resourceGroups/x", true),
            ("/subscriptions/a", "/subscriptions/ab", false),
            ("/subscriptions/a/resourceGroups/x", "/subscriptions/a", false),
        ];
        for (scope, id, expected) in table {
            assert_eq!(covers(scope, id), expected, "{scope} over {id}");
        }
    }

    #[test]
    fn access_reach_covers_any_scope() {
        let reach = |scopes: &[&str]| ScopeReach(scopes.iter().map(|scope| folded(scope)).collect());
        let group = "/subscriptions/A/resourceGroups/x";
        for scopes in [
            &["/"][..],
            &["/subscriptions/a"],
            &[group],
            &["/subscriptions/a/resourceGroups/x/"],
        ] {
            assert!(reach(scopes).covers(group), "{scopes:?}");
        }
        for scopes in [
            &[][..],
            &["/subscriptions/ab"],
            &["/subscriptions/a/resourceGroups/x/y"],
        ] {
            assert!(!reach(scopes).covers(group), "{scopes:?}");
        }
    }

    #[test]
    fn access_wildcard_grants_minus_exclusions() {
        let entry = |actions: &[&str], not: &[&str]| PermissionRecord {
            actions: actions.iter().map(ToString::to_string).collect(),
            not_actions: not.iter().map(ToString::to_string).collect(),
            ..PermissionRecord::default()
        };
        let write = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/write";
        let assign = "Microsoft.Authorization/roleAssignments/write";
        let table = [
            (entry(&["*"], &[]), write, true),
            (entry(&["*/read"], &[]), write, false),
            (entry(&["microsoft.network/*"], &[]), write, true),
            (
                entry(&["Microsoft.Network/*"], &["*/virtualNetworkPeerings/*"]),
                write,
                false,
            ),
            (entry(&["*"], &["Microsoft.Authorization/*/Write"]), assign, false),
            (
                entry(&["Microsoft.Network/virtualNetworks/peer/action"], &[]),
                write,
                false,
            ),
            (entry(&[], &[]), write, false),
        ];
        for (entry, action, expected) in table {
            assert_eq!(entry.allows(action), expected, "{entry:?} on {action}");
        }
    }
}
