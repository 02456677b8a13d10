//! Role definition: custom roles with the actions that are needed and no more, one for each grant.
//!
//! A role's name is unique in the tenant, whatever subscription it was made for. So a role is looked for here, then in
//! the other subscriptions; one that exists is used, and gets this subscription added to its assignable scopes.

mod undo;

use std::collections::BTreeSet;

use async_trait::async_trait;
use futures::future::join_all;
use futures::{StreamExt, stream};
use uuid::Uuid;

use super::facts::{extra_actions, missing_actions};
use super::run::{Awaited, every};
use super::{Facts, Run, Step, Stop};
use crate::azure::{ApiError, Permission, RoleDefinition as Role};
use crate::domain::subscription_scope;
use crate::limits;
use crate::plan::{Action, Decision, Grant, Hold, Intent, StepEvent, StepId};
use crate::render::az;

const STEP: StepId = StepId::RoleDefinition;
const WRITE: &str = "Microsoft.Authorization/roleDefinitions/write";
const SAME_NAME: &str = "RoleDefinitionWithSameNameExists";

pub struct RoleDefinition;

#[async_trait]
impl Step for RoleDefinition {
    fn title(&self) -> &'static str {
        "Role definition"
    }

    async fn observe(&self, run: &Run) -> Result<(), Stop> {
        // What is listed at the network can be assigned there, whichever scope makes it so.
        let subscription = run.intent.vnet.subscription_scope();
        // The network may be gone where things are removed; what setup makes is assignable in the whole subscription.
        let vnet = run.intent.vnet.to_string();
        let scope = if run.intent.tears_down() { &subscription } else { &vnet };
        let (mut roles, rights, own, elsewhere) = tokio::join!(
            run.azure.custom_roles(scope),
            run.azure.permissions(&subscription),
            look_for_own(run),
            look_elsewhere(run),
        );
        // Whose rights end at the network reads there what there is to read.
        if *scope != vnet && roles.as_ref().is_err_and(|error| error.status() == Some(403)) {
            roles = run.azure.custom_roles(&vnet).await;
        }
        let roles = roles.map_err(|error| Stop::api("reading the custom roles", &error))?;
        run.learn(|facts| {
            facts.roles = roles;
            facts.rights_at_subscription = match rights {
                // Who may not even read there may certainly not write.
                Err(error) if error.status() == Some(403) => Some(Vec::new()),
                rights => rights.ok(),
            };
        });
        run.learn(|facts| facts.absent_roles = own.absent);
        note(run, own.there, |facts| &mut facts.roles);
        note_company(run);
        let facts = run.facts();
        let mut grants = run.intent.grants().into_iter();
        if grants.any(|grant| grant.built_in.is_none() && facts.role(&run.intent, &grant).is_none()) {
            let elsewhere = match elsewhere {
                Ok(roles) => only_elsewhere(roles, &run.intent),
                Err(_) => look_everywhere(run).await,
            };
            note(run, elsewhere, |facts| &mut facts.roles_elsewhere);
        }
        Ok(())
    }

    fn decide(&self, intent: &Intent, facts: &Facts) -> Decision {
        let decisions = intent.grants().into_iter().map(|grant| decide(intent, facts, &grant));
        decisions
            .reduce(Decision::and)
            .unwrap_or_else(|| Decision::InPlace("nobody needs a role".to_owned()))
    }

    async fn act(&self, run: &Run, _decision: &Decision) -> Result<(), Stop> {
        let grants = run.intent.grants();
        let missing = grants
            .iter()
            .filter(|grant| decide(&run.intent, &run.facts(), grant).writes());
        every(join_all(missing.map(|grant| write(run, grant))).await)
    }

    async fn confirm(&self, run: &Run) -> Result<(), Stop> {
        let grants = run.intent.grants();
        let custom = grants.iter().filter(|grant| grant.built_in.is_none());
        every(join_all(custom.map(|grant| wait_until_visible(run, grant))).await)
    }

    fn undoing(&self, intent: &Intent, facts: &Facts) -> Decision {
        undo::undoing(intent, facts)
    }

    async fn undo(&self, run: &Run) -> Result<(), Stop> {
        undo::undo(run).await
    }
}

fn decide(intent: &Intent, facts: &Facts, grant: &Grant) -> Decision {
    if grant.built_in.is_some() {
        return Decision::InPlace(format!("\"{}\" is a built-in role", grant.name()));
    }
    let allowed = Facts::may(facts.rights_at_subscription.as_ref(), WRITE);
    let Some(role) = facts.role(intent, grant) else {
        if let Some((_, wide)) = facts.assignment(intent, grant) {
            return Decision::InPlace(format!("none is needed: {} has \"{wide}\"", grant.application));
        }
        let what = format!("custom role \"{}\" with {}", grant.name(), count(grant));
        return if allowed {
            Decision::Create(what)
        } else {
            Decision::Blocked(hold_create(intent, grant))
        };
    };
    let mut differences: Vec<String> = missing_actions(role, grant)
        .iter()
        .map(|action| format!("+ action {action}"))
        .collect();
    if !facts.is_assignable(role) {
        differences.push(format!("+ assignable scope {}", intent.vnet.subscription_scope()));
    }
    if differences.is_empty() {
        return Decision::InPlace(in_place(role, grant));
    }
    if !allowed {
        return Decision::Blocked(hold_change(intent, role, grant));
    }
    let what = format!("custom role \"{}\", which exists already", role.name);
    Decision::Change { what, differences }
}

async fn write(run: &Run, grant: &Grant) -> Result<(), Stop> {
    let is_known = || run.facts().role(&run.intent, grant).is_some();
    match write_once(run, grant).await {
        // Resource Graph is minutes behind: somebody has made a role of that name in another subscription meanwhile.
        Err(Stop::Failed(problem)) if problem.code.as_deref() == Some(SAME_NAME) && !is_known() => {
            note(run, look_everywhere(run).await, |facts| &mut facts.roles_elsewhere);
            if is_known() {
                write_once(run, grant).await
            } else {
                Err(Stop::Failed(problem))
            }
        }
        written => written,
    }
}

async fn write_once(run: &Run, grant: &Grant) -> Result<(), Stop> {
    let intent = &run.intent;
    // Read anew, by id: a list may lag behind, and what a colleague has added since must not be lost.
    let present = present(run, grant).await?;
    let here = intent.vnet.subscription_scope();
    let (wanted, scope, action) = match &present {
        None => (new_role(intent, grant), here.clone(), Action::Created),
        Some(role) => {
            let mended = mended(role, intent, grant);
            if mended == *role {
                // A list that lagged behind made it look missing.
                run.learn(|facts| facts.roles.push(mended));
                return Ok(());
            }
            let scope = role.assignable_scopes.first().unwrap_or(&here).clone();
            (mended, scope, Action::Updated)
        }
    };
    run.tell(
        STEP,
        StepEvent::Doing(format!("writing custom role \"{}\"", wanted.name)),
    );
    let doing = format!("writing the custom role \"{}\"", wanted.name);
    let put = run
        .patiently(STEP, &doing, &[], || run.azure.put_role_definition(&scope, &wanted))
        .await;
    let hold = || match &present {
        None => hold_create(intent, grant),
        Some(role) => hold_change(intent, role, grant),
    };
    let put = put.map_err(|stop| stop.or_hold(hold))?;
    run.changed(STEP, action, "roleDefinition", role_id(&here, &put));
    run.company.wrote(intent.tenant, &put);
    learn(run, put);
    Ok(())
}

/// The role as it is at this moment: the one that was found, or the one that an earlier run made.
async fn present(run: &Run, grant: &Grant) -> Result<Option<Role>, Stop> {
    let intent = &run.intent;
    let facts = run.facts();
    let here = intent.vnet.subscription_scope();
    let known = facts.role(intent, grant);
    let guid = known.map_or_else(|| new_role(intent, grant).guid, |role| role.guid);
    if facts.are_fresh() && facts.absent_roles.contains(&guid) {
        // A moment ago there was none of that id.
        return Ok(None);
    }
    let scope = known.and_then(|role| role.assignable_scopes.first()).unwrap_or(&here);
    let read = run.azure.role_definition(scope, guid).await;
    let read = read.map_err(|error| Stop::api("reading the role definition", &error))?;
    let read = read.map(|role| run.company.up_to_date(intent.tenant, role));
    // A role of another subscription may have been deleted minutes ago; one in a list of here is there.
    Ok(read.or_else(|| known.filter(|role| facts.is_assignable(role)).cloned()))
}

/// Lists lag behind: the role that an earlier run wrote a moment ago is found by its id, which is always the same. Who
/// may not read it there may not write it either, and that is for the decision to say.
async fn look_for_own(run: &Run) -> Own {
    let scope = run.intent.vnet.subscription_scope();
    let grants = run.intent.grants().into_iter().filter(|grant| grant.built_in.is_none());
    let own = grants.map(|grant| new_role(&run.intent, &grant).guid);
    let scope = &scope;
    let reads = own.map(|guid| async move { (guid, run.azure.role_definition(scope, guid).await) });
    let mut own = Own::default();
    for (guid, read) in join_all(reads).await {
        match read {
            Ok(Some(role)) => own.there.push(role),
            Ok(None) => _ = own.absent.insert(guid),
            Err(_) => {}
        }
    }
    own
}

/// The roles that setup makes, asked for by their ids.
#[derive(Default)]
struct Own {
    there: Vec<Role>,
    absent: BTreeSet<Uuid>,
}

/// What Resource Graph says of other subscriptions. It shows for minutes what was deleted, too; of the roles here, the
/// list and the ids tell better.
fn only_elsewhere(roles: Vec<Role>, intent: &Intent) -> Vec<Role> {
    let vnet = intent.vnet.to_string();
    let own: Vec<Uuid> = intent
        .grants()
        .iter()
        .map(|grant| new_role(intent, grant).guid)
        .collect();
    let elsewhere = |role: &Role| !own.contains(&role.guid) && !covers(&role.assignable_scopes, &vnet);
    roles.into_iter().filter(elsewhere).collect()
}

/// A role of a wanted name may live in another subscription: the name is taken all the same.
async fn look_elsewhere(run: &Run) -> Result<Vec<Role>, ApiError> {
    match names(run).as_slice() {
        [] => Ok(Vec::new()),
        names => {
            let search = run.azure.roles_named(names);
            run.company.searched(run.intent.tenant, names, search).await
        }
    }
}

/// The same, where Resource Graph is not to be had, or behind. A subscription that cannot be read is passed over; if
/// the role is there, Azure says so when it is written.
async fn look_everywhere(run: &Run) -> Vec<Role> {
    let Ok(subscriptions) = run.subscriptions().await else {
        return Vec::new();
    };
    let here = run.intent.vnet.subscription;
    let others = subscriptions
        .iter()
        .filter(|other| other.id != here)
        .take(limits::ROLE_SUBSCRIPTIONS);
    let scopes: Vec<String> = others.map(|other| subscription_scope(other.id)).collect();
    let reads = scopes
        .into_iter()
        .map(|scope| async move { run.azure.custom_roles(&scope).await });
    let found: Vec<_> = stream::iter(reads)
        .buffer_unordered(limits::READS_AT_ONCE)
        .collect()
        .await;
    named(run, found.into_iter().flatten().flatten())
}

/// Those of a wanted name. Only the name matters elsewhere: a role of the same actions under another name is another
/// team's.
fn named(run: &Run, roles: impl IntoIterator<Item = Role>) -> Vec<Role> {
    let names = names(run);
    let is_wanted = |role: &Role| names.iter().any(|name| name.eq_ignore_ascii_case(&role.name));
    roles.into_iter().filter(is_wanted).collect()
}

/// The names that the custom roles of the grants may have.
fn names(run: &Run) -> Vec<String> {
    let grants = run.intent.grants().into_iter().filter(|grant| grant.built_in.is_none());
    grants.flat_map(|grant| grant.names).collect()
}

/// Notes roles that are not known yet.
fn note(run: &Run, roles: Vec<Role>, place: fn(&mut Facts) -> &mut Vec<Role>) {
    run.learn(|facts| {
        for role in roles {
            if !facts.roles.iter().any(|known| known.guid == role.guid) {
                place(facts).push(role);
            }
        }
    });
}

/// Notes what runs beside this one have written, wherever it is.
fn note_company(run: &Run) {
    let vnet = run.intent.vnet.to_string();
    let roles = run.company.roles(run.intent.tenant);
    let (here, elsewhere): (Vec<Role>, Vec<Role>) = roles
        .into_iter()
        .partition(|role| covers(&role.assignable_scopes, &vnet));
    note(run, here, |facts| &mut facts.roles);
    note(run, named(run, elsewhere), |facts| &mut facts.roles_elsewhere);
}

async fn wait_until_visible(run: &Run, grant: &Grant) -> Result<(), Stop> {
    let Some(guid) = run.facts().role(&run.intent, grant).map(|role| role.guid) else {
        return Ok(());
    };
    let scope = run.intent.vnet.subscription_scope();
    let look = async || {
        let read = run.azure.role_definition(&scope, guid).await;
        let read = read.map_err(|error| Stop::api("reading the role definition back", &error))?;
        Ok(read.filter(|role| missing_actions(role, grant).is_empty()))
    };
    let awaited = Awaited::replication("until the role definition is visible");
    learn(run, run.until(STEP, &awaited, look).await?);
    Ok(())
}

fn learn(run: &Run, role: Role) {
    run.learn(|facts| {
        facts.roles.retain(|other| other.guid != role.guid);
        facts.roles_elsewhere.retain(|other| other.guid != role.guid);
        facts.roles.push(role);
    });
}

/// The role as setup creates it.
fn new_role(intent: &Intent, grant: &Grant) -> Role {
    let scope = intent.vnet.subscription_scope();
    Role {
        guid: intent.role_guid(grant),
        name: grant.name().to_owned(),
        description: grant.description.clone(),
        custom: true,
        permissions: vec![Permission {
            actions: grant.actions.clone(),
            ..Permission::default()
        }],
        assignable_scopes: vec![scope],
    }
}

/// The role as it is to be: the one that exists with what is missing, or the one that setup creates.
pub fn wanted_role(intent: &Intent, facts: &Facts, grant: &Grant) -> Role {
    match facts.role(intent, grant) {
        Some(role) => mended(role, intent, grant),
        None => new_role(intent, grant),
    }
}

/// The role that exists, with what is missing added and nothing taken away.
fn mended(role: &Role, intent: &Intent, grant: &Grant) -> Role {
    let mut role = role.clone();
    let missing = missing_actions(&role, grant);
    if !missing.is_empty() {
        // An entry of its own: what another entry excludes (notActions) stays excluded there and does no harm here.
        match role.permissions.iter_mut().find(|entry| entry.not_actions.is_empty()) {
            Some(entry) => entry.actions.extend(missing),
            None => role.permissions.push(Permission {
                actions: missing,
                ..Permission::default()
            }),
        }
    }
    let here = intent.vnet.subscription_scope();
    if !covers(&role.assignable_scopes, &intent.vnet.to_string()) {
        role.assignable_scopes.push(here);
    }
    role
}

/// Whether one of the scopes makes the role assignable at the network; of a management group that is not known here.
fn covers(scopes: &[String], vnet: &str) -> bool {
    let vnet = vnet.to_lowercase();
    scopes.iter().any(|scope| {
        let scope = scope.trim_end_matches('/').to_lowercase();
        vnet == scope || vnet.starts_with(&format!("{scope}/"))
    })
}

fn role_id(scope: &str, role: &Role) -> String {
    format!(
        "{scope}/providers/Microsoft.Authorization/roleDefinitions/{}",
        role.guid
    )
}

fn in_place(role: &Role, grant: &Grant) -> String {
    let extra = extra_actions(role, grant);
    let text = format!("custom role \"{}\" has the {}", role.name, count(grant));
    if extra.is_empty() {
        text
    } else {
        format!("{text}, and more than is needed: {}", extra.join(", "))
    }
}

fn count(grant: &Grant) -> String {
    match grant.actions.len() {
        1 => "one action".to_owned(),
        count => format!("{count} actions"),
    }
}

fn hold_create(intent: &Intent, grant: &Grant) -> Hold {
    Hold {
        who: format!(
            "an Owner or User Access Administrator of subscription {}",
            intent.vnet.subscription
        ),
        why: format!("Writing a role definition takes {WRITE} on the subscription."),
        packet: az::role_definition(intent, std::slice::from_ref(grant)),
        answer: None,
    }
}

fn hold_change(intent: &Intent, role: &Role, grant: &Grant) -> Hold {
    Hold {
        who: format!(
            "an Owner or User Access Administrator of every one of {}",
            role.assignable_scopes.join(", ")
        ),
        why: format!(
            "Changing the role \"{}\" takes {WRITE} on each of its assignable scopes.",
            role.name
        ),
        packet: az::role_update(&mended(role, intent, grant)),
        answer: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::samples;

    fn decide(change: impl FnOnce(&mut Facts)) -> Decision {
        let (intent, mut facts) = samples::kong_done();
        change(&mut facts);
        RoleDefinition.decide(&intent, &facts)
    }

    #[test]
    fn a_role_under_either_of_kongs_names_is_used() {
        assert_eq!(decide(|_| ()).verb(), "in place");
        let renamed = decide(|facts| facts.roles[0].name = "kong cloud gateway peering creator - KONG".into());
        assert_eq!(renamed.verb(), "in place");
    }

    #[test]
    fn a_role_of_the_same_actions_under_another_name_is_used() {
        assert_eq!(
            decide(|facts| facts.roles[0].name = "Team network: Kong".into()).verb(),
            "in place"
        );
    }

    #[test]
    fn a_role_of_other_actions_under_another_name_is_none_of_ours() {
        let decision = decide(|facts| {
            facts.roles[0].name = "Another".into();
            facts.roles[0].permissions[0].actions.pop();
        });
        assert_eq!(decision.verb(), "create");
    }

    #[test]
    fn a_role_without_peer_action_gets_it_added_and_keeps_the_rest() {
        let decision = decide(|facts| {
            facts.roles[0].permissions[0]
                .actions
                .retain(|action| !action.ends_with("peer/action"));
        });
        let Decision::Change { differences, .. } = decision else {
            panic!("{decision:?}")
        };
        assert_eq!(differences, ["+ action Microsoft.Network/virtualNetworks/peer/action"]);
    }

    #[test]
    fn a_role_of_another_subscription_gets_this_one_added() {
        let other = "/subscriptions/00000000-0000-0000-0000-0000000000ff";
        let (intent, mut facts) = samples::kong_done();
        let mut role = facts.roles.remove(0);
        role.assignable_scopes = vec![other.to_owned()];
        facts.assignments.clear();
        facts.roles_elsewhere = vec![role];
        let Decision::Change { differences, .. } = RoleDefinition.decide(&intent, &facts) else {
            panic!()
        };
        assert_eq!(
            differences,
            [format!("+ assignable scope {}", intent.vnet.subscription_scope())]
        );
        let grant = intent.vendor_grant().expect("kong gets a role");
        let mended = mended(&facts.roles_elsewhere[0], &intent, &grant);
        assert_eq!(
            mended.assignable_scopes,
            [other.to_owned(), intent.vnet.subscription_scope()]
        );
        assert_eq!(mended.guid, facts.roles_elsewhere[0].guid);
    }

    #[test]
    fn of_the_roles_here_resource_graph_says_nothing() {
        let (intent, facts) = samples::kong_done();
        let here = facts.roles[0].clone();
        let grant = intent.vendor_grant().expect("kong gets a role");
        let mut own = new_role(&intent, &grant);
        own.assignable_scopes = vec!["/subscriptions/00000000-0000-0000-0000-0000000000ff".to_owned()];
        let mut elsewhere = own.clone();
        elsewhere.guid = Uuid::from_u128(0xe15e);
        let found = only_elsewhere(vec![here, own, elsewhere.clone()], &intent);
        assert_eq!(found, [elsewhere]);
    }

    #[test]
    fn what_the_role_excludes_is_granted_by_an_entry_of_its_own() {
        let (intent, mut facts) = samples::kong_done();
        facts.roles[0].permissions[0].not_actions = vec!["Microsoft.Network/virtualNetworks/peer/action".into()];
        let grant = intent.vendor_grant().expect("kong gets a role");
        let mended = mended(&facts.roles[0], &intent, &grant);
        assert_eq!(mended.permissions.len(), 2);
        assert!(missing_actions(&mended, &grant).is_empty());
    }

    #[test]
    fn who_may_not_write_roles_gets_the_packet_for_who_may() {
        let decision = decide(|facts| {
            facts.roles.clear();
            facts.rights_at_subscription = Some(vec![Permission {
                actions: vec!["*/read".into()],
                ..Permission::default()
            }]);
        });
        let Decision::Blocked(hold) = decision else {
            panic!("{decision:?}")
        };
        assert!(
            hold.packet
                .iter()
                .any(|line| line.contains("az role definition create")),
            "{:?}",
            hold.packet
        );
    }

    #[test]
    fn a_role_that_grants_more_is_used_and_said_to() {
        let decision = decide(|facts| facts.roles[0].permissions[0].actions.push("Microsoft.Compute/*".into()));
        assert!(
            decision.what().contains("more than is needed: Microsoft.Compute/*"),
            "{decision:?}"
        );
    }
}
