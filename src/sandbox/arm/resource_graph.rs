//! Azure Resource Graph, as far as three queries: all virtual networks, custom roles of some names, and how many there are.

use std::collections::HashSet;

use http::StatusCode;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::context::ArmContext;
use super::errors::ArmRefusal;
use super::{ArmResult, access, definitions, networks};
use crate::sandbox::message;
use crate::sandbox::world::{DefinitionRecord, SandboxWorld, VnetRecord};

const READ: &str = "Microsoft.Network/virtualNetworks/read";

/// Factor by which its pages are larger than those of a list: a thousand rows where a list's page has a hundred.
const PAGES_OF_LISTS: usize = 10;

/// `POST /providers/Microsoft.ResourceGraph/resources`.
pub(super) fn query(world: &SandboxWorld, context: &ArmContext<'_>) -> ArmResult {
    let body = context.request.json().ok_or_else(ArmRefusal::bad_body)?;
    if counts_roles(body["query"].as_str().unwrap_or_default()) {
        return Ok(message::json(StatusCode::OK, &role_count(world, context)));
    }
    if let Some(names) = named_roles(body["query"].as_str().unwrap_or_default()) {
        return Ok(message::json(StatusCode::OK, &roles(world, context, &names)));
    }
    let query = GraphQuery::parse(body["query"].as_str().unwrap_or_default())?;
    let chosen: Option<HashSet<Uuid>> = body["subscriptions"]
        .as_array()
        .map(|ids| ids.iter().filter_map(|id| id.as_str()?.parse().ok()).collect());
    let reach = access::ScopeReach::of(world, &context.caller, READ);
    let wanted = |vnet: &&VnetRecord| {
        vnet.tenant == context.caller.tenant
            && chosen.as_ref().is_none_or(|ids| ids.contains(&vnet.subscription))
            && reach.covers(&vnet.id)
    };
    let mut found: Vec<&VnetRecord> = world.vnets.values().filter(wanted).collect();
    if query.by_name {
        found.sort_by_key(|vnet| (name(vnet), &vnet.id));
    }
    let number = |value: &Value| value.as_u64().and_then(|number| usize::try_from(number).ok());
    let token = body["options"]["$skipToken"]
        .as_str()
        .and_then(|token| token.parse().ok());
    let from = token.or_else(|| number(&body["options"]["$skip"])).unwrap_or(0);
    let top = number(&body["options"]["$top"])
        .unwrap_or(world.page_size)
        .clamp(1, world.page_size * PAGES_OF_LISTS);
    let rows: Vec<Value> = found
        .iter()
        .skip(from)
        .take(top)
        .map(|vnet| row(world, vnet, &query.columns))
        .collect();
    let next = from + rows.len();
    let mut body = json!({
        "totalRecords": found.len(),
        "count": rows.len(),
        "data": rows,
        "facets": [],
        "resultTruncated": "false",
    });
    if next < found.len() {
        body["$skipToken"] = next.to_string().into();
    }
    Ok(message::json(StatusCode::OK, &body))
}

fn counts_roles(query: &str) -> bool {
    let stages = query
        .split('|')
        .map(|stage| stage.split_whitespace().collect::<Vec<_>>().join(" "));
    let stages: Vec<String> = stages.map(|stage| stage.to_ascii_lowercase()).collect();
    stages
        == [
            "authorizationresources",
            "where type =~ 'microsoft.authorization/roledefinitions'",
            "where tolower(properties.type) == 'customrole'",
            "count",
        ]
}

/// The names that the query about custom roles of some names asks for, in lower case.
fn named_roles(query: &str) -> Option<Vec<String>> {
    let begin = "authorizationresources | where type =~ 'microsoft.authorization/roledefinitions' \
                 | where tolower(properties.type) == 'customrole' | where properties.rolename in~ (";
    let query = query.to_lowercase();
    let list = query
        .strip_prefix(begin)?
        .strip_suffix(") | project id, name, properties")?;
    let quoted = list.strip_prefix('\'')?.strip_suffix('\'')?;
    let bare = |name: &str| name.replace("\\'", "'").replace("\\\\", "\\");
    Some(quoted.split("', '").map(bare).collect())
}

/// The tenant's custom roles of these names that can be assigned in a subscription that the caller sees.
fn roles(world: &SandboxWorld, context: &ArmContext<'_>, names: &[String]) -> Value {
    let named = seen_roles(world, context).filter(|role| names.contains(&role.name.to_lowercase()));
    let listed = named.filter(|role| role.since.passed(world.timing.resource_graph, world.now));
    let rows: Vec<Value> = listed
        .map(|role| definitions::resource(world, role, role.scopes.first().map_or("", String::as_str)))
        .collect();
    json!({
        "totalRecords": rows.len(), "count": rows.len(), "data": rows, "facets": [], "resultTruncated": "false",
    })
}

fn seen_roles<'a>(world: &'a SandboxWorld, context: &ArmContext<'a>) -> impl Iterator<Item = &'a DefinitionRecord> {
    let (tenant, caller) = (context.caller.tenant, context.caller.clone());
    let own = world.definitions.iter().filter(move |role| role.tenant == Some(tenant));
    own.filter(move |role| role.scopes.iter().any(|scope| access::sees(world, &caller, scope)))
}

/// Those that can be assigned in a subscription that the caller sees.
fn role_count(world: &SandboxWorld, context: &ArmContext<'_>) -> Value {
    let count = seen_roles(world, context).count();
    json!({
        "totalRecords": 1, "count": 1, "data": [{"Count": count}], "facets": [], "resultTruncated": "false",
    })
}

/// The other query that is understood:
/// `resources | where type =~ 'microsoft.network/virtualnetworks' | project … [| order by …]`.
#[derive(Debug, PartialEq)]
struct GraphQuery {
    /// Each with the name that it is to have in the answer, and where it stands in the resource.
    columns: Vec<(String, String)>,
    /// Whether the rows are sorted by name, and by ID only where names are the same.
    by_name: bool,
}

impl GraphQuery {
    fn parse(text: &str) -> Result<Self, ArmRefusal> {
        let wrong = || {
            let text = "Please provide below info when asking for support: the query is invalid, or the sandbox does not \
                        understand it: it knows resources | where type =~ 'microsoft.network/virtualnetworks' | project …";
            ArmRefusal::new(400, "BadRequest", text)
        };
        let stages: Vec<String> = text
            .split('|')
            .map(|stage| stage.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        let (Some(table), Some(filter)) = (stages.first(), stages.get(1)) else {
            return Err(wrong());
        };
        let filter = filter.to_ascii_lowercase().replace('"', "'");
        let networks = filter == "where type =~ 'microsoft.network/virtualnetworks'"
            || filter == "where type == 'microsoft.network/virtualnetworks'";
        if !table.eq_ignore_ascii_case("resources") || !networks {
            return Err(wrong());
        }
        let mut query = Self {
            columns: Vec::new(),
            by_name: false,
        };
        for stage in &stages[2..] {
            let (first, rest) = stage.split_once(' ').unwrap_or((stage, ""));
            match (first.to_ascii_lowercase().as_str(), rest.to_ascii_lowercase().as_str()) {
                ("project", _) => query.columns = rest.split(',').map(column).collect(),
                ("order" | "sort", "by id asc") => {}
                ("order" | "sort", "by name asc, id asc") => query.by_name = true,
                _ => return Err(wrong()),
            }
        }
        if query.columns.is_empty() {
            Err(wrong())
        } else {
            Ok(query)
        }
    }
}

/// `id`, or `prefixes = properties.addressSpace.addressPrefixes`.
fn column(text: &str) -> (String, String) {
    let (name, path) = text.split_once('=').unwrap_or((text, text));
    (name.trim().to_owned(), path.trim().to_owned())
}

fn name(vnet: &VnetRecord) -> &str {
    vnet.id.rsplit('/').next().unwrap_or_default()
}

fn row(world: &SandboxWorld, vnet: &VnetRecord, columns: &[(String, String)]) -> Value {
    let whole = networks::resource(world, vnet);
    let value = |path: &str| match path {
        "subscriptionId" => json!(vnet.subscription),
        "tenantId" => json!(vnet.tenant),
        "type" => json!("microsoft.network/virtualnetworks"),
        "resourceGroup" => json!(vnet.id.split('/').nth(4).map(str::to_ascii_lowercase)),
        path => path.split('.').fold(&whole, |inner, name| &inner[name]).clone(),
    };
    Value::Object(
        columns
            .iter()
            .map(|(name, path)| (name.clone(), value(path)))
            .collect::<Map<_, _>>(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resource_graph_query_ignores_spacing() {
        let good = "Resources\n  | where type =~ 'microsoft.network/virtualNetworks'\n| project id, name,place = location | order by id asc";
        let columns = [("id", "id"), ("name", "name"), ("place", "location")];
        let columns = columns.map(|(name, path)| (name.to_owned(), path.to_owned()));
        let by = |by_name| GraphQuery {
            columns: columns.to_vec(),
            by_name,
        };
        assert_eq!(GraphQuery::parse(good).expect("understood"), by(false));
        let named = good.replace("order by id", "sort by name asc, id");
        assert_eq!(GraphQuery::parse(&named).expect("understood"), by(true));
        for bad in [
            "",
            "resources",
            "resources | where type =~ 'x' | project id",
            "resources | take 3",
            "resources | where type =~ 'microsoft.network/virtualnetworks' | summarize count()",
            "resources | where type =~ 'microsoft.network/virtualnetworks' | project id | order by location asc",
        ] {
            assert_eq!(GraphQuery::parse(bad).expect_err(bad).code, "BadRequest");
        }
    }
}
