//! The virtual network and what hangs on it, as several steps read it.

use futures::future::join_all;

use super::{StepError, StepRun};
use crate::azure::PeeringBody;
use crate::domain::{VnetId, did_you_mean};
use crate::errors::{RunError, RunErrorKind};
use crate::limits;
use crate::vendors::CreatedBy;

/// Reads the virtual network and its peerings, and whose networks are behind them where nothing else tells; notes it all
/// in the facts.
///
/// # Errors
/// When it is not there, or cannot be read.
pub async fn read_vnet(run: &StepRun) -> Result<(), StepError> {
    read_network(run).await?;
    resolve_remote_tenants(run).await;
    Ok(())
}

/// Reads the virtual network and its peerings alone.
///
/// # Errors
/// As [`read_vnet`].
pub async fn read_network(run: &StepRun) -> Result<(), StepError> {
    let id = &run.intent.vnet;
    let vnet = run.azure.vnet(id).await;
    let vnet = vnet.map_err(|error| StepError::api(&format!("reading the virtual network {}", id.name), &error))?;
    let Some(vnet) = vnet else {
        if run.intent.tears_down() {
            run.update_state(|facts| facts.vnet = None);
            return Ok(());
        }
        // Only for the advice: without it the error says what it can.
        let listed = run.azure.vnets_of(id.subscription).await.unwrap_or_default();
        let there: Vec<VnetId> = listed.into_iter().map(|vnet| vnet.id).collect();
        return Err(no_vnet(id, &there).into());
    };
    run.update_state(|facts| facts.vnet = Some(vnet));
    Ok(())
}

/// The error for a network that Azure doesn't find, with those of the subscription that are `there`.
fn no_vnet(id: &VnetId, there: &[VnetId]) -> RunError {
    const SHOWN: usize = 10;
    let (group, name) = (id.resource_group.as_str(), id.name.as_str());
    let beside: Vec<&str> = there
        .iter()
        .filter(|one| one.resource_group.eq_ignore_ascii_case(group))
        .map(|one| one.name.as_str())
        .collect();
    let mut groups: Vec<&str> = there.iter().map(|one| one.resource_group.as_str()).collect();
    groups.sort_unstable_by_key(|group| group.to_lowercase());
    groups.dedup_by(|one, other| one.eq_ignore_ascii_case(other));
    let elsewhere = there.iter().find(|one| one.name.eq_ignore_ascii_case(name));
    let (guess, seen) = match (beside.as_slice(), elsewhere) {
        (_, Some(other)) => (
            format!(" Did you mean the one in resource group '{}'?", other.resource_group),
            Vec::new(),
        ),
        ([], None) => (did_you_mean(group, groups.iter().copied()), groups),
        (_, None) => (did_you_mean(name, beside.iter().copied()), beside.clone()),
    };
    let what = format!("There is no virtual network {name} in resource group {group}.{guess}");
    let kind = if beside.is_empty() {
        "Resource groups with virtual networks"
    } else {
        "Virtual networks there"
    };
    let more = if seen.len() > SHOWN { ", …" } else { "" };
    let list = seen.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    let why = match list.as_str() {
        "" => format!(
            "Azure finds none in subscription {}, or this sign-in cannot see it.",
            id.subscription
        ),
        list => format!("{kind}: {list}{more}. This sign-in may not see others."),
    };
    let remedy = format!("az network vnet list --subscription {} --output table", id.subscription);
    RunError::new(RunErrorKind::NotFound, what, why).remedy(remedy)
}

/// Reads the virtual network with its surroundings: the network security groups and the route tables of its subnets.
/// Which those are only the network tells, but nearly always they are in its resource group: so that group's are read
/// beside the network, and any other one after it. They are only for warnings, so what cannot be read is passed over.
///
/// # Errors
/// As [`read_vnet`].
pub async fn read_with_surroundings(run: &StepRun) -> Result<(), StepError> {
    let VnetId {
        subscription,
        resource_group,
        ..
    } = &run.intent.vnet;
    let (network, groups, tables) = tokio::join!(
        read_network(run),
        run.azure.network_security_groups(*subscription, resource_group),
        run.azure.route_tables(*subscription, resource_group),
    );
    network?;
    let facts = run.facts();
    let subnets = || facts.vnet.iter().flat_map(|vnet| &vnet.subnets);
    let wanted = distinct(subnets().filter_map(|subnet| subnet.network_security_group.as_ref()));
    let (mut groups, others) = found_among(groups.unwrap_or_default(), wanted, |group| &group.id);
    let other_groups = others.into_iter().map(|id| run.azure.network_security_group(id));
    let wanted = distinct(subnets().filter_map(|subnet| subnet.route_table.as_ref()));
    let (mut tables, others) = found_among(tables.unwrap_or_default(), wanted, |table| &table.id);
    let other_tables = others.into_iter().map(|id| run.azure.route_table(id));
    let (other_groups, other_tables) = tokio::join!(join_all(other_groups), join_all(other_tables));
    groups.extend(other_groups.into_iter().flatten().flatten());
    tables.extend(other_tables.into_iter().flatten().flatten());
    run.update_state(|facts| (facts.security_groups, facts.route_tables) = (groups, tables));
    Ok(())
}

/// Those of `read` that are wanted, and the ids of the wanted ones that are not among them.
fn found_among<T>(read: Vec<T>, wanted: Vec<&String>, id: fn(&T) -> &String) -> (Vec<T>, Vec<&String>) {
    let same = |one: &T, wanted: &String| id(one).eq_ignore_ascii_case(wanted);
    let missing = |wanted: &&String| !read.iter().any(|one| same(one, wanted));
    let missing = wanted.iter().copied().filter(missing).collect();
    let found = |one: &T| wanted.iter().any(|wanted| same(one, wanted));
    (read.into_iter().filter(found).collect(), missing)
}

fn distinct<'a>(ids: impl Iterator<Item = &'a String>) -> Vec<&'a String> {
    let mut ids: Vec<&String> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    ids.truncate(limits::MAX_SUBNET_LOOKUPS);
    ids
}

/// Asks whose networks are behind the foreign peerings where that is what tells the vendor's.
pub async fn resolve_remote_tenants(run: &StepRun) {
    if !run.facts().tell_the_vendors(&run.intent) {
        read_tenants(run).await;
    }
}

/// Asks Azure in which tenants the networks behind foreign peerings lie, once for each subscription.
pub async fn read_tenants(run: &StepRun) {
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
    run.update_state(|facts| {
        facts
            .remote_tenants
            .extend(found.into_iter().filter_map(|(id, tenant)| Some((id, tenant?))));
    });
}

/// Several peerings could be meant, and nothing tells which.
pub fn ambiguous(run: &StepRun, names: &[String]) -> RunError {
    let what = format!(
        "{} peerings of {} could be {}'s.",
        names.len(),
        run.intent.vnet.name,
        run.intent.vendor.short_name
    );
    RunError::new(RunErrorKind::Usage, what, "Nothing that Azure shows tells them apart.").remedy(format!(
        "Name it: --peering-name NAME, with one of {}",
        names.join(", ")
    ))
}

/// The other side deleted its direction.
pub fn disconnected(run: &StepRun, peering: &PeeringBody) -> RunError {
    let (id, vendor) = (&peering.id, &run.intent.vendor.short_name);
    let what = format!("The peering {} is Disconnected.", id.name);
    if !run.facts().caveat(&run.intent, peering).is_empty() {
        return RunError::new(RunErrorKind::Conflict, what, unproven(vendor, &id.name))
            .remedy(by_name(vendor, &id.name));
    }
    let problem = RunError::new(
        RunErrorKind::Conflict,
        what,
        format!("{vendor}'s direction was deleted."),
    );
    problem.remedy(match run.intent.vendor.peering.created_by {
        CreatedBy::Vendor => {
            "Run peerctl azure repair with the same inputs: it deletes this half and asks for a new peering."
        }
        CreatedBy::Customer | CreatedBy::EachSide => {
            "Run peerctl azure repair with the same inputs: it connects the networks again."
        }
    })
}

/// Says why a peering that could be the vendor's is left alone.
pub fn unproven(vendor: &str, name: &str) -> String {
    format!(
        "{name} could be {vendor}'s, but nothing proves it: its tenant could not be confirmed, and other networks can have the same addresses."
    )
}

/// Says how the operator takes responsibility for a peering.
pub fn by_name(vendor: &str, name: &str) -> String {
    format!("If {name} is {vendor}'s: peerctl azure repair, with the same inputs and --peering-name {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vnet_missing_suggests_nearest_name() {
        let id = |group: &str, name: &str| VnetId::new(uuid::Uuid::nil(), group, name).expect("an id");
        let there = [
            id("rg-network", "vnet-app"),
            id("rg-network", "vnet-data"),
            id("rg-other", "hub"),
        ];
        let table = [
            (
                "rg-network",
                "vnet-ap",
                "Did you mean 'vnet-app'?",
                "Virtual networks there: vnet-app, vnet-data.",
            ),
            (
                "rg-netwrk",
                "vnet-x",
                "Did you mean 'rg-network'?",
                "Resource groups with virtual networks: rg-network, rg-other.",
            ),
            (
                "rg-network",
                "hub",
                "Did you mean the one in resource group 'rg-other'?",
                "Azure finds none",
            ),
        ];
        for (group, name, what, why) in table {
            let problem = no_vnet(&id(group, name), &there);
            assert!(
                problem.what.ends_with(what) && problem.why.starts_with(why),
                "{problem}"
            );
        }
        assert!(
            no_vnet(&id("rg-network", "vnet-ap"), &[])
                .why
                .starts_with("Azure finds none")
        );
    }
}
