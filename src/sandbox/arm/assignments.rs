//! Role assignments.

use http::StatusCode;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::context::ArmContext;
use super::errors::ArmRefusal;
use super::{ArmResult, access, definitions, scope_children as children};
use crate::sandbox::message;
use crate::sandbox::world::{AssignmentRecord, CreatedAt, SandboxWorld};

const READ: &str = "Microsoft.Authorization/roleAssignments/read";
const WRITE: &str = "Microsoft.Authorization/roleAssignments/write";
const DELETE: &str = "Microsoft.Authorization/roleAssignments/delete";

/// `GET {scope}/…/roleAssignments?$filter=…`.
pub(super) fn list(world: &SandboxWorld, context: &ArmContext<'_>, scope: &str) -> ArmResult {
    access::require(world, &context.caller, READ, scope)?;
    let filter = AssignmentFilter::parse(context.request.query("$filter"))?;
    let own = world
        .assignments
        .iter()
        .filter(|found| found.tenant == context.caller.tenant);
    let listed = own.filter(|found| found.since.passed(world.timing.assignment_list, world.now));
    let matching = listed.filter(|found| {
        let above = access::reaches(world, &found.scope, scope);
        let below = access::covers(scope, &found.scope);
        (above || below && !filter.at_scope) && filter.principal.is_none_or(|oid| oid == found.principal)
    });
    let body = context.page(world, matching, |found| resource(world, found));
    Ok(message::json(StatusCode::OK, &body))
}

/// `GET {scope}/…/roleAssignments/{guid}`.
pub(super) fn get(world: &SandboxWorld, context: &ArmContext<'_>, scope: &str, guid: &str) -> ArmResult {
    access::require(world, &context.caller, READ, scope)?;
    let found = find(world, context, scope, guid).ok_or_else(|| {
        ArmRefusal::new(
            404,
            "RoleAssignmentNotFound",
            format!("The role assignment '{guid}' is not found."),
        )
    })?;
    Ok(message::json(StatusCode::OK, &resource(world, found)))
}

/// `PUT {scope}/…/roleAssignments/{guid}`.
pub(super) fn put(world: &mut SandboxWorld, context: &ArmContext<'_>, scope: &str, guid: &str) -> ArmResult {
    let guid = children::guid(guid, "InvalidRoleAssignmentId")?;
    let id = format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{guid}");
    access::require(world, &context.caller, WRITE, &id)?;
    access::unlocked(world, &id, false)?;
    let body = context.request.json().ok_or_else(ArmRefusal::bad_body)?;
    let new = read(world, context, scope, guid, &body["properties"])?;
    let fulfilled = |condition: &str| is_fulfilled(condition, &new);
    if !access::allowed_where(world, &context.caller, WRITE, &id, fulfilled) {
        return Err(ArmRefusal::condition_not_fulfilled(&context.caller, WRITE, &id));
    }
    let tenant = context.caller.tenant;
    let twin = |found: &&AssignmentRecord| {
        found.guid != guid
            && found.tenant == tenant
            && found.principal == new.principal
            && found.role == new.role
            && found.scope.eq_ignore_ascii_case(scope)
    };
    if world.assignments.iter().find(twin).is_some() {
        return Err(ArmRefusal::new(
            409,
            "RoleAssignmentExists",
            "The role assignment already exists.",
        ));
    }
    let existing = world
        .assignments
        .iter_mut()
        .find(|found| found.guid == guid && found.tenant == tenant);
    let shown = match existing {
        Some(found) => {
            let same = found.principal == new.principal
                && found.role == new.role
                && found.scope.eq_ignore_ascii_case(&new.scope);
            if !same {
                let text = "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.";
                return Err(ArmRefusal::new(400, "RoleAssignmentUpdateNotPermitted", text));
            }
            found.description = new.description;
            found.condition = new.condition;
            found.clone()
        }
        None => {
            world.assignments.push(new.clone());
            new
        }
    };
    let mut body = resource(world, &shown);
    body["properties"]["createdBy"] = Value::Null;
    Ok(message::json(StatusCode::CREATED, &body))
}

/// `DELETE {scope}/…/roleAssignments/{guid}`.
pub(super) fn delete(world: &mut SandboxWorld, context: &ArmContext<'_>, scope: &str, guid: &str) -> ArmResult {
    let id = format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{guid}");
    access::require(world, &context.caller, DELETE, &id)?;
    access::unlocked(world, &id, true)?;
    let Some(found) = find(world, context, scope, guid).cloned() else {
        return Ok(message::empty(StatusCode::NO_CONTENT));
    };
    world
        .assignments
        .retain(|other| other.guid != found.guid || other.tenant != found.tenant);
    Ok(message::json(StatusCode::OK, &resource(world, &found)))
}

/// Returns whether the assignment to be written fulfils each clause on a request in the condition, of the form
/// `@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {…, …}`.
fn is_fulfilled(condition: &str, new: &AssignmentRecord) -> bool {
    let clauses = condition
        .split("@Request[Microsoft.Authorization/roleAssignments:")
        .skip(1);
    let mut judged = clauses.map(|clause| {
        let (attribute, rest) = clause.split_once(']')?;
        let (operator, rest) = rest.split_once('{')?;
        let (values, _) = rest.split_once('}')?;
        let value = match attribute.to_ascii_lowercase().as_str() {
            "roledefinitionid" => new.role.to_string(),
            "principalid" => new.principal.to_string(),
            "principaltype" => new.principal_type.clone(),
            _ => return None,
        };
        let listed = values
            .split(',')
            .any(|one| one.trim().trim_matches('\'').eq_ignore_ascii_case(&value));
        Some(listed != operator.contains("Not"))
    });
    judged.all(|fulfilled| fulfilled == Some(true))
}

fn find<'a>(
    world: &'a SandboxWorld,
    context: &ArmContext<'_>,
    scope: &str,
    guid: &str,
) -> Option<&'a AssignmentRecord> {
    let guid = Uuid::parse_str(guid).ok()?;
    let mut own = world
        .assignments
        .iter()
        .filter(|found| found.tenant == context.caller.tenant);
    own.find(|found| found.guid == guid && found.scope.eq_ignore_ascii_case(scope))
}

fn read(
    world: &SandboxWorld,
    context: &ArmContext<'_>,
    scope: &str,
    guid: Uuid,
    properties: &Value,
) -> Result<AssignmentRecord, ArmRefusal> {
    let text = |name: &str| properties[name].as_str().filter(|text| !text.is_empty());
    let bad = |what: &str| {
        ArmRefusal::new(
            400,
            "InvalidRoleAssignmentRequest",
            format!("The property '{what}' is missing or invalid."),
        )
    };
    let role_id = text("roleDefinitionId").ok_or_else(|| bad("roleDefinitionId"))?;
    let principal = text("principalId")
        .and_then(|id| Uuid::parse_str(id).ok())
        .ok_or_else(|| bad("principalId"))?;
    let role = definitions::find(world, context, role_id.rsplit('/').next().unwrap_or_default())?;
    if !definitions::assignable(world, role, scope) {
        let text = format!(
            "The role assignment scope '{scope}' is not assignable to role definition '{}'.",
            role.guid
        );
        return Err(ArmRefusal::new(
            400,
            "RoleAssignmentScopeNotAssignableToRoleDefinition",
            text,
        ));
    }
    let given = text("principalType");
    let known = world
        .principals
        .iter()
        .find(|found| found.id == principal && found.tenant == context.caller.tenant);
    let replicated = known.is_some_and(|found| found.since.passed(world.timing.principal, world.now));
    // A given type skips the look-up in the directory, which may not have heard of the principal yet.
    if !replicated && given.is_none() {
        return Err(no_principal(principal, context.caller.tenant));
    }
    if let Some(kind) = given.filter(|kind| replicated && !kind.eq_ignore_ascii_case("ServicePrincipal")) {
        let text = format!(
            "The PrincipalId '{}' has type 'ServicePrincipal' , which is different from specified PrinciaplType '{kind}'.",
            principal.simple()
        );
        return Err(ArmRefusal::new(400, "UnmatchedPrincipalType", text));
    }
    Ok(AssignmentRecord {
        guid,
        tenant: context.caller.tenant,
        scope: scope.to_owned(),
        role: role.guid,
        role_id: role_id.to_owned(),
        principal,
        principal_type: given.unwrap_or("ServicePrincipal").to_owned(),
        description: text("description").map(str::to_owned),
        condition: ["condition", "conditionVersion"].map(|name| text(name).map(str::to_owned)),
        since: CreatedAt::At(world.now),
        author: Some(context.caller.oid),
    })
}

fn no_principal(principal: Uuid, tenant: Uuid) -> ArmRefusal {
    let text = format!(
        "Principal {} does not exist in the directory {tenant}. Check that you have the correct principal ID. If you \
         are creating this principal and then immediately assigning a role, this error might be related to a \
         replication delay. In this case, set the role assignment principalType property to a value, such as \
         ServicePrincipal, User, or Group.  See https://aka.ms/docs-principaltype",
        principal.simple()
    );
    ArmRefusal::new(400, "PrincipalNotFound", text)
}

/// The assignment as ARM writes it.
fn resource(world: &SandboxWorld, found: &AssignmentRecord) -> Value {
    let created = match found.since {
        CreatedAt::Always => "2024-05-14T08:09:42.0835929Z".to_owned(),
        CreatedAt::At(at) => instant(world.started + at),
    };
    json!({
        "properties": {
            "roleDefinitionId": found.role_id,
            "principalId": found.principal,
            "principalType": found.principal_type,
            "scope": found.scope,
            "condition": found.condition[0],
            "conditionVersion": found.condition[1],
            "createdOn": created,
            "updatedOn": created,
            "createdBy": found.author,
            "updatedBy": found.author,
            "delegatedManagedIdentityResourceId": null,
            "description": found.description,
        },
        "id": found.id(),
        "type": "Microsoft.Authorization/roleAssignments",
        "name": found.guid,
    })
}

/// `2023-08-23T12:44:22.2518585Z`: seven digits of a second.
pub(super) fn instant(time: OffsetDateTime) -> String {
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:07}Z",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
        time.nanosecond() / 100
    )
}

/// `atScope()`, `principalId eq '…'`, `assignedTo('…')`, and `atScope() and assignedTo('…')`.
#[derive(Debug, Default)]
struct AssignmentFilter {
    at_scope: bool,
    principal: Option<Uuid>,
}

impl AssignmentFilter {
    fn parse(text: Option<&str>) -> Result<Self, ArmRefusal> {
        let text = text.unwrap_or_default().trim();
        let unsupported = || {
            let text = format!(
                "The filter '{text}' is not supported. Supported filters are either 'atScope()' or 'principalId eq \
                 '{{value}}' or assignedTo('{{value}}')'."
            );
            ArmRefusal::new(400, "UnsupportedFilter", text)
        };
        let mut filter = Self::default();
        let clauses: Vec<&str> = text
            .split(" and ")
            .map(str::trim)
            .filter(|clause| !clause.is_empty())
            .collect();
        for clause in &clauses {
            let lower = clause.to_ascii_lowercase();
            let value = || {
                clause
                    .split('\'')
                    .nth(1)
                    .and_then(|id| Uuid::parse_str(id).ok())
                    .ok_or_else(unsupported)
            };
            if lower == "atscope()" {
                filter.at_scope = true;
            } else if lower.starts_with("assignedto(") || lower.starts_with("principalid eq ") && clauses.len() == 1 {
                filter.principal = Some(value()?);
            } else {
                return Err(unsupported());
            }
        }
        Ok(filter)
    }
}
