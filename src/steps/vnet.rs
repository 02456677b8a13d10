//! The virtual network and what hangs on it, as several steps read it.

use futures::future::join_all;

use super::{Run, Stop};
use crate::azure::Peering;
use crate::errors::{Kind, Problem};
use crate::limits;
use crate::render::az;

/// Reads the virtual network and its peerings; notes them in the facts.
///
/// # Errors
/// When it is not there, or cannot be read.
pub async fn read_vnet(run: &Run) -> Result<(), Stop> {
    let id = &run.intent.vnet;
    let vnet = run.azure.vnet(id).await;
    let vnet = vnet.map_err(|error| Stop::api(&format!("reading the virtual network {}", id.name), &error))?;
    let Some(vnet) = vnet else {
        if run.intent.tears_down() {
            run.learn(|facts| facts.vnet = None);
            return Ok(());
        }
        let what = format!(
            "There is no virtual network {} in resource group {}.",
            id.name, id.resource_group
        );
        let why = format!(
            "Azure finds none in subscription {}, or this sign-in cannot see it.",
            id.subscription
        );
        let remedy = format!("az network vnet list --subscription {} --output table", id.subscription);
        return Err(Problem::new(Kind::NotFound, what, why).remedy(remedy).into());
    };
    run.learn(|facts| facts.vnet = Some(vnet));
    read_tenants(run).await;
    Ok(())
}

/// Reads the network security groups and the route tables of the network's subnets. They are only for warnings, so one
/// that cannot be read is passed over.
pub async fn read_surroundings(run: &Run) {
    let facts = run.facts();
    let subnets = || facts.vnet.iter().flat_map(|vnet| &vnet.subnets);
    let groups = distinct(subnets().filter_map(|subnet| subnet.network_security_group.as_ref()));
    let tables = distinct(subnets().filter_map(|subnet| subnet.route_table.as_ref()));
    let groups = groups.into_iter().map(|id| run.azure.network_security_group(id));
    let tables = tables.into_iter().map(|id| run.azure.route_table(id));
    let (groups, tables) = tokio::join!(join_all(groups), join_all(tables));
    run.learn(|facts| {
        facts.security_groups = groups.into_iter().flatten().flatten().collect();
        facts.route_tables = tables.into_iter().flatten().flatten().collect();
    });
}

fn distinct<'a>(ids: impl Iterator<Item = &'a String>) -> Vec<&'a String> {
    let mut ids: Vec<&String> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    ids.truncate(limits::SURROUNDINGS);
    ids
}

/// Asks Azure in which tenants the networks behind foreign peerings lie, once for each subscription.
async fn read_tenants(run: &Run) {
    let facts = run.facts();
    let remotes = facts
        .vnet
        .iter()
        .flat_map(|vnet| &vnet.peerings)
        .filter_map(|peering| peering.remote_vnet.as_ref());
    let mut unknown: Vec<_> = remotes
        .map(|remote| remote.subscription)
        .filter(|id| !facts.own_subscriptions.contains(id) && !facts.remote_tenants.contains_key(id))
        .collect();
    unknown.sort_unstable();
    unknown.dedup();
    unknown.truncate(limits::PEERED_TENANTS);
    let reads = unknown
        .into_iter()
        .map(|id| async move { (id, run.azure.tenant_of(id).await) });
    let found = join_all(reads).await;
    run.learn(|facts| {
        facts
            .remote_tenants
            .extend(found.into_iter().filter_map(|(id, tenant)| Some((id, tenant?))));
    });
}

/// Several peerings could be meant, and nothing tells which.
pub fn ambiguous(run: &Run, names: &[String]) -> Problem {
    let what = format!(
        "{} peerings of {} could be {}'s.",
        names.len(),
        run.intent.vnet.name,
        run.intent.vendor.short_name
    );
    Problem::new(Kind::Usage, what, "Nothing that Azure shows tells them apart.").remedy(format!(
        "Name it: --peering-name NAME, with one of {}",
        names.join(", ")
    ))
}

/// The other side deleted its direction.
pub fn disconnected(run: &Run, peering: &Peering) -> Problem {
    let id = &peering.id;
    let what = format!("The peering {} is Disconnected.", id.name);
    let why = format!(
        "{}'s direction was deleted; Azure needs ours deleted too before both can be made anew.",
        run.intent.vendor.short_name
    );
    let mut problem = Problem::new(Kind::Conflict, what, why);
    problem.remedies = az::delete_peering(id);
    problem.remedy("then run the same command again.")
}
