//! Who may do what: role definitions and assignments at scope.

use uuid::Uuid;

use super::errors::Refusal;
use crate::sandbox::faults::glob;
use crate::sandbox::token::Caller;
use crate::sandbox::world::{Assignment, Permission, World};

impl Permission {
    /// Whether this entry grants `action`: without case, `*` for any text, exceptions only within the entry.
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

/// Whether what holds at `scope` holds for `id`: it is the same, or lies below.
pub(super) fn covers(scope: &str, id: &str) -> bool {
    let (scope, id) = (
        scope.trim_end_matches('/').to_ascii_lowercase(),
        id.to_ascii_lowercase(),
    );
    scope.is_empty()
        || id
            .strip_prefix(&scope)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The caller's assignments that count by now.
fn effective<'a>(world: &'a World, caller: &'a Caller) -> impl Iterator<Item = &'a Assignment> {
    let mine = world
        .assignments
        .iter()
        .filter(|found| found.tenant == caller.tenant && found.principal == caller.oid);
    mine.filter(|found| found.since.passed(world.timing.assignment, world.now))
}

/// The entries that hold for the caller at `scope`, one for each assignment and entry of its role.
pub(super) fn permissions<'a>(world: &'a World, caller: &Caller, scope: &str) -> Vec<&'a Permission> {
    let tenant = caller.tenant;
    let roles: Vec<Uuid> = effective(world, caller)
        .filter(|found| covers(&found.scope, scope))
        .map(|found| found.role)
        .collect();
    let definitions = roles.iter().filter_map(|role| {
        world
            .definitions
            .iter()
            .find(|found| found.guid == *role && found.tenant.is_none_or(|owner| owner == tenant))
    });
    definitions.flat_map(|definition| &definition.permissions).collect()
}

/// Whether the caller may do `action` at `scope`.
pub(super) fn allowed(world: &World, caller: &Caller, action: &str, scope: &str) -> bool {
    permissions(world, caller, scope)
        .iter()
        .any(|entry| entry.allows(action))
}

/// Refuses a caller who may not do `action` at `scope`.
///
/// # Errors
/// `AuthorizationFailed`.
pub(super) fn require(world: &World, caller: &Caller, action: &str, scope: &str) -> Result<(), Refusal> {
    if allowed(world, caller, action, scope) {
        Ok(())
    } else {
        Err(Refusal::forbidden(caller, action, scope))
    }
}

/// Whether the caller has some role at, above or below `scope`.
pub(super) fn sees(world: &World, caller: &Caller, scope: &str) -> bool {
    effective(world, caller).any(|found| covers(&found.scope, scope) || covers(scope, &found.scope))
}

/// Refuses what a lock at or above `id` forbids: `ReadOnly` every write, each level every deletion. What has a lock
/// below it cannot be deleted, either.
///
/// # Errors
/// `ScopeLocked`.
pub(super) fn unlocked(world: &World, id: &str, deletes: bool) -> Result<(), Refusal> {
    let holds = |level: &str| level.eq_ignore_ascii_case("ReadOnly") || deletes;
    let reaches = |scope: &str| covers(scope, id) || deletes && covers(id, scope);
    let mut locks = world.locks.iter();
    let lock = locks.find(|lock| holds(&lock.level) && reaches(&lock.scope));
    let Some(lock) = lock else { return Ok(()) };
    let operation = if deletes { "delete" } else { "write" };
    Err(Refusal::locked(id, operation, &lock.scope))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_covers_itself_and_what_lies_below() {
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
    fn an_entry_grants_by_wildcard_and_takes_back_by_exception() {
        let entry = |actions: &[&str], not: &[&str]| Permission {
            actions: actions.iter().map(ToString::to_string).collect(),
            not_actions: not.iter().map(ToString::to_string).collect(),
            ..Permission::default()
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
