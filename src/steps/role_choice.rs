//! Choice of a grant's custom role: an existing role with exactly the documented actions, or a new one. Pure.
//!
//! A role that grants more, that others hold, or that belongs to other subscriptions is neither assigned nor changed: a
//! role of setup's own is created beside it, under the first free name.

use std::fmt;

use crate::azure::{RoleDefinition, RolePermission, allowed};
use crate::plan::{OwnRole, PeeringIntent, RoleGrant};

use super::ObservedState;
use super::ownership::role_is_ours;

/// Choice of the custom role for a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleChoice<'a> {
    /// An existing role, as it is.
    Reuse(&'a RoleDefinition),
    /// An existing role that lacks actions, or this subscription among its assignable scopes.
    Extend(&'a RoleDefinition),
    /// A new role.
    Create(OwnRole),
}

impl<'a> RoleChoice<'a> {
    /// The existing role, if one is used.
    pub fn existing(&self) -> Option<&'a RoleDefinition> {
        match self {
            Self::Reuse(role) | Self::Extend(role) => Some(role),
            Self::Create(_) => None,
        }
    }
}

/// Reason why a role that has the grant's name stays as it is, and is not assigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleMismatch {
    /// It allows these actions beyond the documented ones.
    GrantsMore(Vec<String>),
    /// It lacks actions, and so many other assignments would get them too.
    HeldByOthers(usize),
    /// It lacks actions, and its other assignments cannot be read.
    HoldersUnknown,
    /// It is assignable in these scopes only, and setup did not create it.
    OtherScopes(Vec<String>),
    /// It has to be changed, and Azure refuses any change of a role with a scope that was deleted.
    DeletedScope(String),
}

impl fmt::Display for RoleMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GrantsMore(actions) => write!(f, "it also grants {}", actions.join(", ")),
            Self::HeldByOthers(1) => f.write_str("it lacks actions, and 1 other assignment would get them too"),
            Self::HeldByOthers(count) => {
                write!(f, "it lacks actions, and {count} other assignments would get them too")
            }
            Self::HoldersUnknown => f.write_str("it lacks actions, and its other assignments can't be read"),
            Self::OtherScopes(scopes) => write!(f, "it belongs to {}", scopes.join(", ")),
            Self::DeletedScope(scope) => write!(
                f,
                "its assignable scope {scope} was deleted, so Azure refuses any change of it"
            ),
        }
    }
}

/// Returns the choice for a grant; the order in which roles were listed makes no difference.
pub fn choose<'a>(intent: &PeeringIntent, facts: &'a ObservedState, grant: &RoleGrant) -> RoleChoice<'a> {
    let own = intent.own_roles(grant);
    let judged = |role: &'a RoleDefinition| Some((role, judge(intent, facts, grant, role).ok()?));
    let usable = candidates_of(&own, intent, facts, grant).into_iter().filter_map(judged);
    let best = usable.min_by_key(|(role, change)| (*change, !is_named(&own, grant, role), role.guid));
    match best {
        Some((role, false)) => RoleChoice::Reuse(role),
        Some((role, true)) => RoleChoice::Extend(role),
        None => RoleChoice::Create(free(own, facts)),
    }
}

/// The roles with the grant's name that are not used, and why; none where a role is.
pub fn passed_over<'a>(
    intent: &PeeringIntent,
    facts: &'a ObservedState,
    grant: &RoleGrant,
) -> Vec<(&'a RoleDefinition, RoleMismatch)> {
    if choose(intent, facts, grant).existing().is_some() {
        return Vec::new();
    }
    let why = |role: &'a RoleDefinition| Some((role, judge(intent, facts, grant, role).err()?));
    candidates(intent, facts, grant).into_iter().filter_map(why).collect()
}

/// The roles that lack actions and grant nothing else: who holds them decides.
pub fn lacking<'a>(intent: &PeeringIntent, facts: &'a ObservedState, grant: &RoleGrant) -> Vec<&'a RoleDefinition> {
    candidates(intent, facts, grant)
        .into_iter()
        .filter(|role| extra_actions(role, grant).is_empty() && !missing_actions(role, grant).is_empty())
        .collect()
}

/// Roles under a name or ID of the grant, and, where they can be assigned at the network, those with the same actions
/// under a name that is not another vendor's.
fn candidates<'a>(intent: &PeeringIntent, facts: &'a ObservedState, grant: &RoleGrant) -> Vec<&'a RoleDefinition> {
    candidates_of(&intent.own_roles(grant), intent, facts, grant)
}

fn candidates_of<'a>(
    own: &[OwnRole],
    intent: &PeeringIntent,
    facts: &'a ObservedState,
    grant: &RoleGrant,
) -> Vec<&'a RoleDefinition> {
    let foreign = intent.foreign_role_names(grant);
    let here = facts.roles.iter().filter(|role| {
        let same = || same_actions(role, &grant.actions) && !foreign.contain(&role.name);
        is_named(own, grant, role) || same()
    });
    let elsewhere = facts.roles_elsewhere.iter();
    let elsewhere = elsewhere.filter(|role| is_named(own, grant, role));
    here.chain(elsewhere).filter(|role| role.custom).collect()
}

/// Returns whether the role has a name of the grant, or a name or ID that setup assigns.
fn is_named(own: &[OwnRole], grant: &RoleGrant, role: &RoleDefinition) -> bool {
    let documented = grant.names.iter().any(|name| name.eq_ignore_ascii_case(&role.name));
    let mut own = own.iter();
    documented || own.any(|own| own.guid == role.guid || own.name.eq_ignore_ascii_case(&role.name))
}

/// Returns whether the role has to be changed before it can be used.
///
/// # Errors
/// The reason why it is not used.
fn judge(
    intent: &PeeringIntent,
    facts: &ObservedState,
    grant: &RoleGrant,
    role: &RoleDefinition,
) -> Result<bool, RoleMismatch> {
    let extra = extra_actions(role, grant);
    if !extra.is_empty() {
        return Err(RoleMismatch::GrantsMore(extra));
    }
    let lacks = !missing_actions(role, grant).is_empty();
    let assignable = facts.is_assignable(role);
    if !lacks && assignable {
        return Ok(false);
    }
    if let Some(scope) = facts.deleted_scopes.get(&role.guid) {
        return Err(RoleMismatch::DeletedScope(scope.clone()));
    }
    if !assignable && !role_is_ours(intent, facts, grant, role) {
        return Err(RoleMismatch::OtherScopes(role.assignable_scopes.clone()));
    }
    match facts.other_holders(intent, grant, role).filter(|_| lacks) {
        Some(0) => Ok(true),
        Some(count) => Err(RoleMismatch::HeldByOthers(count)),
        None if lacks => Err(RoleMismatch::HoldersUnknown),
        None => Ok(true),
    }
}

/// The first of setup's own roles whose name and ID no other role has.
fn free(mut own: Vec<OwnRole>, facts: &ObservedState) -> OwnRole {
    let known = || facts.roles.iter().chain(&facts.roles_elsewhere);
    let is_free = |own: &OwnRole| {
        let has_it = |role: &RoleDefinition| role.guid == own.guid || role.name.eq_ignore_ascii_case(&own.name);
        !facts.taken_role_names.contains(&own.name.to_lowercase()) && !known().any(has_it)
    };
    let last = own.pop();
    own.into_iter().find(is_free).or(last).unwrap_or_default()
}

/// The grant's actions that the role does not allow.
pub fn missing_actions(role: &RoleDefinition, grant: &RoleGrant) -> Vec<String> {
    grant
        .actions
        .iter()
        .filter(|action| !allowed(&role.permissions, action))
        .cloned()
        .collect()
}

/// Returns the permissions of the role beyond the grant: other actions, wildcards, data actions.
pub fn extra_actions(role: &RoleDefinition, grant: &RoleGrant) -> Vec<String> {
    let needed = |action: &&String| grant.actions.iter().any(|known| known.eq_ignore_ascii_case(action));
    let entries = role.permissions.iter();
    let actions = entries
        .clone()
        .flat_map(|entry| &entry.actions)
        .filter(|action| !needed(action));
    let data = entries.flat_map(|entry| &entry.data_actions);
    actions.chain(data).cloned().collect()
}

/// Exactly these actions, and nothing taken away or added elsewhere in the role.
fn same_actions(role: &RoleDefinition, actions: &[String]) -> bool {
    let entries = &role.permissions;
    let plain = |entry: &RolePermission| {
        entry.not_actions.is_empty() && entry.data_actions.is_empty() && entry.not_data_actions.is_empty()
    };
    let granted: Vec<String> = entries
        .iter()
        .flat_map(|entry| &entry.actions)
        .map(|action| action.to_lowercase())
        .collect();
    entries.iter().all(plain)
        && !actions.is_empty()
        && granted.len() == actions.len()
        && actions.iter().all(|action| granted.contains(&action.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::azure::RoleAssignment;
    use crate::steps::samples;

    const OTHER: &str = "/subscriptions/00000000-0000-0000-0000-0000000000ff";
    const MARKED: &str = "Kong Cloud Gateway Peering Creator - peerctl 00000000";

    /// Returns the choice after `change` was applied to a completed setup, as one line.
    fn chosen(change: fn(&mut ObservedState, &PeeringIntent)) -> String {
        let (intent, mut facts) = samples::kong_done();
        change(&mut facts, &intent);
        let grant = intent.vendor_grant().expect("kong gets a role");
        let line = |facts: &ObservedState| match choose(&intent, facts, &grant) {
            RoleChoice::Reuse(role) => format!("reuse {}", role.name),
            RoleChoice::Extend(role) => format!("extend {}", role.name),
            RoleChoice::Create(own) => format!("create {}", own.name),
        };
        let forward = line(&facts);
        facts.roles.reverse();
        facts.roles_elsewhere.reverse();
        assert_eq!(forward, line(&facts), "the order of the lists decides nothing");
        forward
    }

    fn planted(facts: &ObservedState, name: &str, actions: &[&str]) -> RoleDefinition {
        let mut role = facts.roles[0].clone();
        role.guid = Uuid::from_u128(1);
        role.name = name.to_owned();
        role.permissions[0].actions = actions.iter().map(|action| (*action).to_owned()).collect();
        role
    }

    fn moves_away(facts: &mut ObservedState) {
        let mut role = facts.roles.remove(0);
        role.assignable_scopes = vec![OTHER.to_owned()];
        facts.roles_elsewhere = vec![role];
    }

    fn loses_an_action(facts: &mut ObservedState) {
        facts.roles[0].permissions[0].actions.pop();
    }

    fn held(facts: &mut ObservedState, principals: &[Uuid]) {
        let role = facts.roles[0].guid;
        let holder = |principal: &Uuid| RoleAssignment {
            principal: *principal,
            role,
            ..facts.assignments[0].clone()
        };
        let holders = principals.iter().map(holder).collect();
        facts.role_holders.insert(role, Some(holders));
    }

    #[test]
    fn role_choice_by_world() {
        type Row = (&'static str, fn(&mut ObservedState, &PeeringIntent), &'static str);
        let name = "Kong Cloud Gateway Peering Creator";
        let table: [Row; 17] = [
            ("exact", |_, _| (), "reuse NAME"),
            ("none", |facts, _| facts.roles.clear(), "create NAME"),
            (
                "the exact one beside a wide one of the other name",
                |facts, _| {
                    let wide = planted(facts, "Kong Cloud Gateway Peering Creator - Kong", &["*"]);
                    facts.roles.insert(0, wide);
                },
                "reuse NAME",
            ),
            (
                "everything allowed",
                |facts, _| facts.roles[0].permissions[0].actions = vec!["*".into()],
                "create MARKED",
            ),
            (
                "a wildcard for documented actions",
                |facts, _| {
                    let peerings = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/*";
                    facts.roles[0].permissions[0].actions.push(peerings.into());
                },
                "create MARKED",
            ),
            (
                "a data action",
                |facts, _| {
                    let read = facts.roles[0].permissions[0].actions[0].clone();
                    facts.roles[0].permissions[0].data_actions.push(read);
                },
                "create MARKED",
            ),
            (
                "wide, and the marked name taken too",
                |facts, _| {
                    facts.roles[0].permissions[0].actions = vec!["*".into()];
                    let second = planted(facts, MARKED, &["*/read"]);
                    facts.roles.push(second);
                },
                "create MARKED 2",
            ),
            (
                "our ID under another name, widened",
                |facts, intent| {
                    let grant = intent.vendor_grant().expect("one");
                    facts.roles[0].guid = intent.role_guid(&grant);
                    facts.roles[0].name = "renamed".into();
                    facts.roles[0].permissions[0].actions.push("*/read".into());
                },
                "create MARKED",
            ),
            (
                "a name that only Azure knows to be taken",
                |facts, _| {
                    facts.roles.clear();
                    facts
                        .taken_role_names
                        .insert("kong cloud gateway peering creator".into());
                },
                "create MARKED",
            ),
            (
                "lacking, held by the vendor here alone",
                |facts, _| {
                    loses_an_action(facts);
                    let vendor = facts.principal.as_ref().expect("one").id;
                    held(facts, &[vendor]);
                },
                "extend NAME",
            ),
            (
                "lacking, held by others",
                |facts, _| {
                    loses_an_action(facts);
                    held(facts, &[Uuid::from_u128(0xc0)]);
                },
                "create MARKED",
            ),
            (
                "lacking, holders not known",
                |facts, _| {
                    loses_an_action(facts);
                    facts.role_holders.insert(facts.roles[0].guid, None);
                },
                "create MARKED",
            ),
            (
                "lacking, with a deleted scope",
                |facts, _| {
                    loses_an_action(facts);
                    held(facts, &[]);
                    facts.deleted_scopes.insert(facts.roles[0].guid, OTHER.into());
                },
                "create MARKED",
            ),
            (
                "exact, with a deleted scope",
                |facts, _| _ = facts.deleted_scopes.insert(facts.roles[0].guid, OTHER.into()),
                "reuse NAME",
            ),
            ("of another subscription", |facts, _| moves_away(facts), "create MARKED"),
            (
                "setup's own of another subscription",
                |facts, intent| {
                    moves_away(facts);
                    let id = crate::domain::role_definition_guid(
                        intent.tenant,
                        OTHER,
                        "kong",
                        "Kong Cloud Gateway Peering Creator",
                    );
                    facts.roles_elsewhere[0].guid = id;
                },
                "extend NAME",
            ),
            (
                "a colleague's of the same actions",
                |facts, _| facts.roles[0].name = "Team network".into(),
                "reuse Team network",
            ),
        ];
        for (world, change, expected) in table {
            let expected = expected.replace("MARKED", MARKED).replace("NAME", name);
            assert_eq!(chosen(change), expected, "{world}");
        }
    }

    #[test]
    fn another_vendors_role_is_not_chosen() {
        for name in [
            "Confluent Cloud Peering Creator",
            "Confluent Cloud Peering Creator - peerctl 00000000",
            "AtlasPeering/a/b/c",
            "peerctl Peering Writer 1",
        ] {
            let (intent, mut facts) = samples::kong_done();
            facts.roles[0].name = name.into();
            let grant = intent.vendor_grant().expect("kong gets a role");
            let RoleChoice::Create(own) = choose(&intent, &facts, &grant) else {
                panic!("{name} is another's")
            };
            assert_eq!(own.name, "Kong Cloud Gateway Peering Creator");
            let assigned = facts.assignment(&intent, &grant);
            assert!(assigned.is_some(), "{name}: what the vendor has already is enough");
        }
    }
}
