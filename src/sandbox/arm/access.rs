//! Who may do what: role definitions and assignments at scope.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::errors::Refusal;
use crate::sandbox::faults::glob;
use crate::sandbox::token::Caller;
use crate::sandbox::world::{Assignment, Definition, Permission, World};

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
    let scope = scope.trim_end_matches('/').as_bytes();
    let Some((head, rest)) = id.as_bytes().split_at_checked(scope.len()) else {
        return false;
    };
    head.eq_ignore_ascii_case(scope) && (scope.is_empty() || rest.first().is_none_or(|next| *next == b'/'))
}

/// The caller's assignments that count by now.
fn effective<'a>(world: &'a World, caller: &'a Caller) -> impl Iterator<Item = &'a Assignment> {
    let mine = world
        .assignments
        .iter()
        .filter(|found| found.tenant == caller.tenant && found.principal == caller.principal);
    mine.filter(|found| found.since.passed(world.timing.assignment, world.now))
}

/// The entries that hold for the caller at `scope`, one for each assignment and entry of its role.
pub(super) fn permissions<'a>(world: &'a World, caller: &Caller, scope: &str) -> Vec<&'a Permission> {
    let tenant = caller.tenant;
    let roles: Vec<Uuid> = effective(world, caller)
        .filter(|found| covers(&found.scope, scope))
        .map(|found| found.role)
        .collect();
    let definitions = roles.iter().filter_map(|role| definition(world, tenant, *role));
    definitions.flat_map(|definition| &definition.permissions).collect()
}

fn definition(world: &World, tenant: Uuid, role: Uuid) -> Option<&Definition> {
    let mut all = world.definitions.iter();
    all.find(|found| found.guid == role && found.tenant.is_none_or(|owner| owner == tenant))
}

/// Whether the caller may do `action` at `scope`.
pub(super) fn allowed(world: &World, caller: &Caller, action: &str, scope: &str) -> bool {
    permissions(world, caller, scope)
        .iter()
        .any(|entry| entry.allows(action))
}

/// Where something holds for a caller, for a question about thousands of places: the scopes, in small letters.
pub(super) struct Reach(HashSet<String>);

impl Reach {
    /// Where the caller may do `action`.
    pub(super) fn of(world: &World, caller: &Caller, action: &str) -> Self {
        let mut judged = HashMap::new();
        let mut allows = |role: Uuid| {
            *judged.entry(role).or_insert_with(|| {
                let entries = definition(world, caller.tenant, role).map(|found| &found.permissions);
                entries.into_iter().flatten().any(|entry| entry.allows(action))
            })
        };
        let mine = effective(world, caller).filter(|found| allows(found.role));
        Self(mine.map(|found| folded(&found.scope)).collect())
    }

    /// In which subscriptions the caller has some role.
    pub(super) fn seen(world: &World, caller: &Caller) -> Self {
        let subscription = |scope: String| match scope.match_indices('/').nth(2) {
            Some((end, _)) => scope[..end].to_owned(),
            None => scope,
        };
        Self(
            effective(world, caller)
                .map(|found| subscription(folded(&found.scope)))
                .collect(),
        )
    }

    /// Whether it holds at `id`: at it, or above.
    pub(super) fn covers(&self, id: &str) -> bool {
        let id = folded(id);
        let ends = id.match_indices('/').map(|(end, _)| end);
        ends.chain([id.len()]).any(|end| self.0.contains(&id[..end]))
    }
}

fn folded(scope: &str) -> String {
    scope.trim_end_matches('/').to_ascii_lowercase()
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
    fn a_reach_covers_what_one_of_its_scopes_does() {
        let reach = |scopes: &[&str]| Reach(scopes.iter().map(|scope| folded(scope)).collect());
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
