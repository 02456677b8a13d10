//! Role definitions.

use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::context::ArmContext;
use super::errors::ArmRefusal;
use super::{ArmResult, access, scope_children as children};
use crate::sandbox::message;
use crate::sandbox::world::{CreatedAt, DefinitionRecord, PermissionRecord, SandboxWorld};

const READ: &str = "Microsoft.Authorization/roleDefinitions/read";
const WRITE: &str = "Microsoft.Authorization/roleDefinitions/write";
const DELETE: &str = "Microsoft.Authorization/roleDefinitions/delete";

/// `GET {scope}/…/roleDefinitions?$filter=…`: the roles that can be assigned at the scope.
pub(super) fn list(world: &SandboxWorld, context: &ArmContext<'_>, scope: &str) -> ArmResult {
    access::require(world, &context.caller, READ, scope)?;
    let filter = DefinitionFilter::parse(context.request.query("$filter"))?;
    let own = world
        .definitions
        .iter()
        .filter(|found| found.tenant.is_none_or(|owner| owner == context.caller.tenant));
    let listed = own.filter(|found| found.since.passed(world.timing.definition_list, world.now));
    let here = listed.filter(|found| assignable(world, found, scope) || filter.below && assignable_below(found, scope));
    let matching = here.filter(|found| filter.matches(found));
    let body = context.page(world, matching, |found| resource(world, found, scope));
    Ok(message::json(StatusCode::OK, &body))
}

/// `GET {scope}/…/roleDefinitions/{guid}`.
pub(super) fn get(world: &SandboxWorld, context: &ArmContext<'_>, scope: &str, guid: &str) -> ArmResult {
    access::require(world, &context.caller, READ, scope)?;
    let found = find(world, context, guid)?;
    if !assignable(world, found, scope) && !assignable_below(found, scope) {
        return Err(missing(guid));
    }
    Ok(message::json(StatusCode::OK, &resource(world, found, scope)))
}

/// Custom roles in one tenant.
const MOST_ROLES: usize = 5_000;

/// The most characters that Azure takes in the name of a role.
const LONGEST_NAME: usize = 512;

/// `PUT {scope}/…/roleDefinitions/{guid}`.
pub(super) fn put(world: &mut SandboxWorld, context: &ArmContext<'_>, scope: &str, guid: &str) -> ArmResult {
    let guid = children::guid(guid, "RoleDefinitionIdInvalid")?;
    let id = format!("{scope}/providers/Microsoft.Authorization/roleDefinitions/{guid}");
    access::require(world, &context.caller, WRITE, &id)?;
    access::unlocked(world, &id, false)?;
    let body = context.request.json().ok_or_else(ArmRefusal::bad_body)?;
    let new = read(world, context, guid, &body["properties"])?;
    linked_scopes(world, context, &id, &new.scopes)?;
    let tenant = context.caller.tenant;
    let same_name = |found: &&DefinitionRecord| {
        found.guid != guid
            && found.tenant.is_none_or(|owner| owner == tenant)
            && found.name.eq_ignore_ascii_case(&new.name)
    };
    if world.definitions.iter().find(same_name).is_some() {
        let text = "A role definition cannot be updated with a name that already exists.";
        return Err(ArmRefusal::new(409, "RoleDefinitionWithSameNameExists", text));
    }
    let own = world.definitions.iter().filter(|found| found.tenant == Some(tenant));
    if own.clone().count() >= MOST_ROLES && !own.clone().any(|found| found.guid == guid) {
        let text = "Role definition limit exceeded. No more role definitions can be created.";
        return Err(ArmRefusal::new(400, "RoleDefinitionLimitExceeded", text));
    }
    let existing = world
        .definitions
        .iter_mut()
        .find(|found| found.guid == guid && found.tenant == Some(tenant));
    let shown = match existing {
        Some(found) => {
            *found = DefinitionRecord {
                since: found.since,
                author: found.author,
                ..new
            };
            found.clone()
        }
        None => {
            world.definitions.push(new.clone());
            new
        }
    };
    let mut body = resource(world, &shown, scope);
    // As recorded: the answer to the write does not name its author yet.
    body["properties"]["createdBy"] = Value::Null;
    Ok(message::json(StatusCode::CREATED, &body))
}

/// `DELETE {scope}/…/roleDefinitions/{guid}`.
pub(super) fn delete(world: &mut SandboxWorld, context: &ArmContext<'_>, scope: &str, guid: &str) -> ArmResult {
    let id = format!("{scope}/providers/Microsoft.Authorization/roleDefinitions/{guid}");
    access::require(world, &context.caller, DELETE, &id)?;
    access::unlocked(world, &id, true)?;
    let Ok(found) = find(world, context, guid).cloned() else {
        return Ok(message::empty(StatusCode::NO_CONTENT));
    };
    if found.tenant.is_none() {
        let text = "The built-in role definition cannot be modified or deleted.";
        return Err(ArmRefusal::new(400, "InvalidRoleDefinitionOperation", text));
    }
    let tenant = context.caller.tenant;
    if world
        .assignments
        .iter()
        .any(|assignment| assignment.role == found.guid && assignment.tenant == tenant)
    {
        let text = "There are existing role assignments referencing role (code: RoleDefinitionHasAssignments)";
        return Err(ArmRefusal::new(400, "RoleDefinitionHasAssignments", text));
    }
    let body = resource(world, &found, scope);
    world
        .definitions
        .retain(|other| other.guid != found.guid || other.tenant != found.tenant);
    Ok(message::json(StatusCode::OK, &body))
}

/// The definition of a GUID, built-in or the tenant's.
pub(super) fn find<'a>(
    world: &'a SandboxWorld,
    context: &ArmContext<'_>,
    guid: &str,
) -> Result<&'a DefinitionRecord, ArmRefusal> {
    let id = Uuid::parse_str(guid).ok();
    let mut own = world
        .definitions
        .iter()
        .filter(|found| found.tenant.is_none_or(|owner| owner == context.caller.tenant));
    own.find(|found| Some(found.guid) == id).ok_or_else(|| missing(guid))
}

fn missing(guid: &str) -> ArmRefusal {
    let text = format!("The specified role definition with ID '{guid}' does not exist.");
    ArmRefusal::new(404, "RoleDefinitionDoesNotExist", text)
}

/// Returns whether the role can be assigned at `scope`.
pub(super) fn assignable(world: &SandboxWorld, definition: &DefinitionRecord, scope: &str) -> bool {
    definition.scopes.iter().any(|own| access::reaches(world, own, scope))
}

fn assignable_below(definition: &DefinitionRecord, scope: &str) -> bool {
    definition.scopes.iter().any(|own| access::covers(scope, own))
}

/// The caller must be allowed to write role definitions at every scope that the role is to be assignable at.
fn linked_scopes(
    world: &SandboxWorld,
    context: &ArmContext<'_>,
    id: &str,
    scopes: &[String],
) -> Result<(), ArmRefusal> {
    let caller = &context.caller;
    let in_subscriptions = scopes
        .iter()
        .filter(|scope| scope.to_lowercase().starts_with("/subscriptions/"));
    for scope in in_subscriptions {
        let subscription = scope.split('/').nth(2).unwrap_or_default();
        let known = Uuid::parse_str(subscription).ok().and_then(|id| world.subscription(id));
        if known.is_none() {
            let text = format!(
                "The client '{}' with object id '{}' has permission to perform action '{WRITE}' on scope '{id}', \
                 however the linked subscription '{subscription}' was not found. ",
                caller.name, caller.oid
            );
            return Err(ArmRefusal::new(403, "LinkedAuthorizationFailed", text));
        }
    }
    let own = |scope: &str| {
        let mut groups = world.management_groups.iter();
        if groups.any(|group| group.id().eq_ignore_ascii_case(scope) && group.tenant == caller.tenant) {
            return true;
        }
        let subscription = scope.split('/').nth(2).and_then(|id| Uuid::parse_str(id).ok());
        let found = subscription.and_then(|id| world.subscription(id));
        found.is_some_and(|found| found.tenant == caller.tenant)
    };
    let refused = scopes
        .iter()
        .find(|scope| !own(scope) || !access::allowed(world, caller, WRITE, scope));
    let Some(scope) = refused else { return Ok(()) };
    let text = format!(
        "The client '{}' with object id '{}' has permission to perform action '{WRITE}' on scope '{id}'; however, it \
         does not have permission to perform action '{WRITE}' on the linked scope(s) '{scope}' or the linked scope(s) \
         are invalid.",
        caller.name, caller.oid
    );
    Err(ArmRefusal::new(403, "LinkedAuthorizationFailed", text))
}

fn read(
    world: &SandboxWorld,
    context: &ArmContext<'_>,
    guid: Uuid,
    properties: &Value,
) -> Result<DefinitionRecord, ArmRefusal> {
    let bad = |text: &str| ArmRefusal::new(400, "InvalidRoleDefinition", text);
    let name = properties["roleName"]
        .as_str()
        .filter(|name| !name.trim().is_empty() && name.chars().count() <= LONGEST_NAME);
    let name = name.ok_or_else(|| bad("The role definition has no name."))?;
    let texts = |value: &Value| -> Vec<String> {
        value
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|text| text.as_str().map(str::to_owned))
            .collect()
    };
    let scopes = texts(&properties["assignableScopes"]);
    if scopes.is_empty() || scopes.iter().any(|scope| scope == "/") {
        return Err(bad(
            "A custom role definition needs at least one assignable scope, and it cannot be the root scope '/'.",
        ));
    }
    let entries = properties["permissions"]
        .as_array()
        .filter(|entries| !entries.is_empty());
    let entries = entries.ok_or_else(|| bad("The role definition has no permissions."))?;
    let permissions: Vec<PermissionRecord> = entries
        .iter()
        .map(|entry| PermissionRecord {
            actions: texts(&entry["actions"]),
            not_actions: texts(&entry["notActions"]),
            data_actions: texts(&entry["dataActions"]),
            not_data_actions: texts(&entry["notDataActions"]),
        })
        .collect();
    let actions = permissions
        .iter()
        .flat_map(|entry| entry.actions.iter().chain(&entry.not_actions));
    if let Some(action) = actions
        .into_iter()
        .find(|action| *action != "*" && !action.contains('/'))
    {
        let text = format!("'{action}' does not match any of the actions supported by the providers.");
        return Err(ArmRefusal::new(400, "InvalidActionOrNotAction", text));
    }
    Ok(DefinitionRecord {
        guid,
        tenant: Some(context.caller.tenant),
        name: name.to_owned(),
        description: properties["description"].as_str().map(str::to_owned),
        permissions,
        scopes,
        since: CreatedAt::At(world.now),
        updated: CreatedAt::At(world.now),
        author: Some(context.caller.oid),
    })
}

/// The definition as ARM writes it, its id under the scope's subscription.
pub(super) fn resource(world: &SandboxWorld, definition: &DefinitionRecord, scope: &str) -> Value {
    let subscription = scope.split('/').nth(2).unwrap_or_default();
    let instant = |since: CreatedAt| match since {
        CreatedAt::Always => "2015-02-02T21:55:09.8806423Z".to_owned(),
        CreatedAt::At(at) => super::assignments::instant(world.started + at),
    };
    json!({
        "properties": {
            "roleName": definition.name,
            "type": if definition.tenant.is_some() { "CustomRole" } else { "BuiltInRole" },
            "description": definition.description,
            "assignableScopes": definition.scopes,
            "permissions": definition.permissions.iter().map(children::permission).collect::<Vec<_>>(),
            "createdOn": instant(definition.since),
            "updatedOn": instant(definition.updated),
            "createdBy": definition.author,
            "updatedBy": definition.author,
        },
        "id": format!("/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{}", definition.guid),
        "type": "Microsoft.Authorization/roleDefinitions",
        "name": definition.guid,
    })
}

/// `roleName eq '…'`, `type eq 'CustomRole'`, `atScopeAndBelow()`, joined by `and`.
#[derive(Debug, Default)]
struct DefinitionFilter {
    name: Option<String>,
    kind: Option<String>,
    below: bool,
}

impl DefinitionFilter {
    fn parse(text: Option<&str>) -> Result<Self, ArmRefusal> {
        let mut filter = Self::default();
        let clauses = text
            .unwrap_or_default()
            .split(" and ")
            .map(str::trim)
            .filter(|clause| !clause.is_empty());
        for clause in clauses {
            let lower = clause.to_ascii_lowercase();
            let value = || {
                let literal = clause
                    .split_once(" eq ")?
                    .1
                    .trim()
                    .strip_prefix('\'')?
                    .strip_suffix('\'')?;
                Some(literal.replace("''", "'"))
            };
            if lower == "atscopeandbelow()" {
                filter.below = true;
            } else if lower.starts_with("rolename eq ") {
                filter.name = value();
            } else if lower.starts_with("type eq ") {
                filter.kind = value();
            } else {
                let text = format!(
                    "The filter '{clause}' is not supported. Supported filters are 'atScopeAndBelow()', 'type eq' and 'roleName eq'."
                );
                return Err(ArmRefusal::new(400, "UnsupportedFilter", text));
            }
        }
        Ok(filter)
    }

    fn matches(&self, definition: &DefinitionRecord) -> bool {
        let kind = if definition.tenant.is_some() {
            "CustomRole"
        } else {
            "BuiltInRole"
        };
        self.name
            .as_ref()
            .is_none_or(|name| name.eq_ignore_ascii_case(&definition.name))
            && self
                .kind
                .as_ref()
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(kind))
    }
}
