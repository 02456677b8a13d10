//! A stranger in the world: whatever peerctl does beside a colleague's peerings, roles, assignments, applications, locks
//! and links, nothing of theirs changes, nobody gets a right that isn't documented, and a second run changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use peerctl::errors::RunOutcome;
use peerctl::limits;
use peerctl::sandbox::Lag;
use serde_json::{Value, json};

use super::plants::{Lots, beside, between, is_application};
use super::trouble::none;
use super::world::{AIVEN, DRAGONFLY, Ended, Job, KONG, PARTIES, PARTNER, Party, Row, VNET, World};
use super::{all, held, said_why, searches, simulated};

type Inventory = BTreeMap<String, Value>;

/// One command of a sequence.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Deed {
    Run(Job),
    /// Two rows of a file.
    Apply,
    /// Somebody deletes the vendor's half.
    Break,
    /// A stranger changes what setup made.
    Meddle,
}

const SEQUENCES: [&[Deed]; 8] = [
    &[Deed::Run(Job::SetUp), Deed::Run(Job::TearDown)],
    &[
        Deed::Run(Job::SetUp),
        Deed::Break,
        Deed::Run(Job::Repair),
        Deed::Run(Job::TearDown),
    ],
    &[
        Deed::Run(Job::SetUp),
        Deed::Meddle,
        Deed::Run(Job::SetUp),
        Deed::Run(Job::TearDown),
    ],
    &[
        Deed::Run(Job::SetUp),
        Deed::Meddle,
        Deed::Break,
        Deed::Run(Job::Repair),
        Deed::Run(Job::TearDown),
    ],
    &[
        Deed::Run(Job::Status),
        Deed::Run(Job::Doctor),
        Deed::Run(Job::Repair),
        Deed::Run(Job::TearDown),
    ],
    &[
        Deed::Run(Job::TearDown),
        Deed::Run(Job::SetUp),
        Deed::Run(Job::Doctor),
        Deed::Run(Job::Status),
    ],
    &[Deed::Apply, Deed::Run(Job::TearDown)],
    &[
        Deed::Run(Job::SetUp),
        Deed::Meddle,
        Deed::Run(Job::TearDown),
        Deed::Run(Job::SetUp),
    ],
];

/// What setup may create: what it creates in a world without strangers.
#[derive(Debug, Default, Clone)]
struct Documented(BTreeSet<String>);

impl Documented {
    async fn of(parties: &[Party]) -> Self {
        let mut all = BTreeSet::new();
        for party in parties {
            let world = World::new(Lag::None, 1);
            let before = world.inventory().await;
            let ended = world.run(*party, Job::SetUp, none()).await;
            assert!(ended.is_well(), "{party:?}: {ended:?}");
            let after = world.inventory().await;
            let new = after.iter().filter(|(id, _)| !before.contains_key(*id));
            all.extend(new.map(|(id, body)| kind(&after, id, body)));
        }
        Self(all)
    }
}

/// The subscription, and the whole of a scope in the customer's: elsewhere the vendor draws the names.
fn place(scope: &str) -> String {
    let subscription: Vec<&str> = scope.split('/').take(3).collect();
    match VNET.starts_with(&subscription.join("/")) {
        true => scope.to_lowercase(),
        false => subscription.join("/").to_lowercase(),
    }
}

/// What tells a thing from others of another kind, and not from its like in another world.
fn kind(all: &Inventory, id: &str, body: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut permissions = body["permissions"].clone();
    for entry in permissions.as_array_mut().into_iter().flatten() {
        entry["actions"]
            .as_array_mut()
            .expect("actions")
            .sort_by_key(Value::to_string);
    }
    if id.contains("/roleAssignments/") {
        let holder = &all.get(&format!("servicePrincipals/{}", text(&body["principalId"])));
        let holder = holder.map_or(Value::Null, |holder| holder["displayName"].clone());
        return format!(
            "assignment to {holder} at {}: {permissions}",
            place(&text(&body["scope"]))
        );
    }
    if let Some((vnet, _)) = id.split_once("/virtualNetworkPeerings/") {
        return format!("peering of {} with {}", place(vnet), place(&text(&body["remote"])));
    }
    if id.starts_with("/subscriptions/") {
        return format!("network in {}", id.split('/').nth(2).unwrap_or_default());
    }
    match id.split_once('/').map_or(id, |(list, _)| list) {
        "roleDefinitions" => format!("role of {permissions}"),
        "applications" if is_application(id) => format!("application {}", body["uniqueName"]),
        "servicePrincipals" => format!("principal {} in {}", body["displayName"], body["tenant"]),
        "applications" => "credential".to_owned(),
        list => list.to_owned(),
    }
}

/// What is wrong with the world as a run left it.
fn judge(
    strangers: &Inventory,
    known: &BTreeSet<String>,
    after: &Inventory,
    documented: &Documented,
) -> Result<(), String> {
    for (id, body) in strangers {
        match after.get(id) {
            Some(now) if now == body || is_completed(strangers, id, body, now, documented) => {}
            Some(now) => return Err(format!("{id} changed: {now} and not {body}")),
            None => return Err(format!("{id} is gone: {body}")),
        }
    }
    for (id, body) in after
        .iter()
        .filter(|(id, _)| !strangers.contains_key(*id) && !known.contains(*id))
    {
        let kind = kind(after, id, body);
        if !documented.0.contains(&kind) {
            return Err(format!("{id} is new, and not documented: {kind}; {body}"));
        }
    }
    Ok(())
}

/// A role under a documented name that lacks actions and that nobody holds gets those that are documented, and no more.
fn is_completed(strangers: &Inventory, id: &str, body: &Value, now: &Value, documented: &Documented) -> bool {
    let Some(role) = id.strip_prefix("roleDefinitions/") else {
        return false;
    };
    let mut completed = body.clone();
    completed["permissions"] = now["permissions"].clone();
    let is_held = strangers.values().any(|one| one["role"] == role);
    completed == *now && !is_held && documented.0.contains(&kind(strangers, id, now))
}

async fn carried_out(world: &World, party: Party, deed: Deed) -> Ended {
    let other = if party == PARTNER { DRAGONFLY } else { PARTNER };
    let row = |party| Row {
        party,
        vnet: VNET,
        own_app: None,
    };
    match deed {
        Deed::Run(job) => world.run(party, job, none()).await,
        _ => world.apply(&[row(party), row(other)], none()).await,
    }
}

/// Runs the command until it changes nothing any more: the second time, or the third where it waited for the vendor.
async fn settles(
    world: &World,
    party: Party,
    deed: Deed,
    check: impl Fn(&Inventory) -> Result<(), String>,
) -> Result<(), String> {
    let reads = matches!(deed, Deed::Run(Job::Status | Job::Doctor));
    let mut before = world.inventory().await;
    let mut ends = Vec::new();
    for _ in 0..3 {
        let ended = carried_out(world, party, deed).await;
        if !reads {
            said_why(&ended).map_err(|why| format!("{deed:?}: {why}"))?;
        }
        let after = world.inventory().await;
        check(&after).map_err(|why| format!("{deed:?} ({:?}): {why}", ended.outcome))?;
        let same = before == after;
        if reads && !same {
            return Err(format!("{deed:?} changed {}", difference(&before, &after)));
        }
        let waited = ends.contains(&Some(RunOutcome::Waiting));
        if !ends.is_empty() && (same || !waited) {
            return match same {
                true => Ok(()),
                false => Err(format!(
                    "{deed:?}: another run changed {} ({ends:?}, {ended:?})",
                    difference(&before, &after)
                )),
            };
        }
        ends.push(ended.outcome);
        // The vendor has finished by then.
        tokio::time::sleep(limits::CREDENTIAL_LIFE).await;
        before = world.inventory().await;
    }
    Err(format!("{deed:?}: three runs each changed something: {ends:?}"))
}

fn difference(before: &Inventory, after: &Inventory) -> String {
    let ids: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let ids = ids.into_iter().filter(|id| before.get(*id) != after.get(*id));
    let said = |id: &String| format!("{id}: {:?} and not {:?}", after.get(id), before.get(id));
    ids.map(said).collect::<Vec<_>>().join("; ")
}

/// Removes the vendor's half of every link of the network that setup made.
async fn break_links(world: &World, strangers: &Inventory) {
    for (id, body) in world.inventory().await {
        let leads_here = body["remote"]
            .as_str()
            .is_some_and(|remote| remote.eq_ignore_ascii_case(VNET));
        if leads_here && !strangers.contains_key(&id) {
            world.edit(&json!({ "remove": id })).await;
        }
    }
}

/// One world of strangers, and a sequence of commands in it.
fn stranger(seed: u64, documented: &BTreeMap<&str, Documented>) -> Result<bool, String> {
    let lots = &mut Lots::new(seed);
    let party = *lots.pick(&PARTIES);
    let sequence = *lots.pick(&SEQUENCES);
    let lag = *lots.pick(&[Lag::None, Lag::None, Lag::Typical]);
    simulated(async {
        let world = World::new(lag, 1);
        let mut planted = beside(&world, party, lots).await;
        // What was planted is to be seen everywhere.
        tokio::time::sleep(limits::CREDENTIAL_LIFE).await;
        let mut strangers = world.inventory().await;
        // Assignments of a role that a stranger has changed since: what they grant now is the stranger's doing.
        let mut known = BTreeSet::new();
        for deed in sequence {
            match deed {
                Deed::Break => break_links(&world, &strangers).await,
                Deed::Meddle => {
                    let before = world.inventory().await;
                    let (said, theirs) = between(&world, &strangers, lots).await;
                    planted.push(said);
                    tokio::time::sleep(limits::CREDENTIAL_LIFE).await;
                    let after = world.inventory().await;
                    let is_of_theirs = |body: &Value| {
                        let role = body["role"].as_str().unwrap_or_default();
                        theirs.contains(&format!("roleDefinitions/{role}"))
                    };
                    let held = after.iter().filter(|(_, body)| is_of_theirs(body));
                    known.extend(held.map(|(id, _)| id.clone()));
                    let new = after
                        .into_iter()
                        .filter(|(id, _)| !before.contains_key(id) || theirs.contains(id));
                    strangers.extend(new);
                }
                _ => {
                    let check = |after: &Inventory| judge(&strangers, &known, after, &documented[party.0]);
                    settles(&world, party, *deed, check)
                        .await
                        .map_err(|why| format!("seed {seed}: {} {lag:?} {planted:#?} {sequence:?}: {why}", party.0))?;
                }
            }
        }
        Ok(true)
    })
}

#[test]
fn whatever_strangers_have_stays_as_it_is() {
    const WHAT: &str =
        "commands beside the peerings, roles, assignments, applications, locks and links of strangers, at random";
    let documented = simulated(async {
        let mut all = BTreeMap::new();
        for party in [KONG, AIVEN, DRAGONFLY] {
            all.insert(party.0, Documented::of(&[party, PARTNER]).await);
        }
        all.insert(PARTNER.0, Documented::of(&[PARTNER, DRAGONFLY]).await);
        all
    });
    let seeds: Vec<u64> = (0..searches(100)).collect();
    let tried = all(&seeds, |seed| stranger(*seed, &documented));
    held(WHAT, &tried);
}
