//! Role definition: custom roles with the actions that are needed and no more, one for each grant.
//!
//! A role's name is unique in the tenant, whatever subscription it was made for. So a role is looked for here, then in
//! the other subscriptions. Which one is used, and whether a new one is created, is chosen in `role_choice`.

mod undo;

use std::collections::BTreeSet;

use async_trait::async_trait;
use futures::future::join_all;
use futures::{StreamExt, stream};
use uuid::Uuid;

use super::eligibility::{self, or_activate};
use super::role_choice::{RoleChoice, choose, lacking, missing_actions, passed_over};
use super::run::{WaitDescription, every};
use super::{ObservedState, Step, StepError, StepRun};
use crate::azure::{ApiError, RoleAssignment, RoleDefinition as Role, RolePermission};
use crate::domain::subscription_scope;
use crate::errors::{RunError, RunErrorKind};
use crate::limits;
use crate::plan::{ActionRequired, ChangeAction, OwnRole, PeeringIntent, RoleGrant, StepDecision, StepEvent, StepId};
use crate::render::az;

const STEP: StepId = StepId::RoleDefinition;
const WRITE: &str = "Microsoft.Authorization/roleDefinitions/write";
const SAME_NAME: &str = "RoleDefinitionWithSameNameExists";

pub struct RoleDefinitionStep;

#[async_trait]
impl Step for RoleDefinitionStep {
    fn title(&self) -> &'static str {
        "Role definition"
    }

    async fn observe(&self, run: &StepRun) -> Result<(), StepError> {
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
        let roles = roles.map_err(|error| StepError::api("reading the custom roles", &error))?;
        let rights = match rights {
            // Who may not even read there may certainly not write.
            Err(error) if error.status() == Some(403) => Some(Vec::new()),
            rights => rights.ok(),
        };
        if !run.intent.tears_down() {
            eligibility::read_eligibility(run, rights.as_ref(), WRITE, &subscription).await;
        }
        run.update_state(|facts| {
            facts.roles = roles;
            facts.rights_at_subscription = rights;
        });
        run.update_state(|facts| facts.absent_roles = own.absent);
        note(run, own.there, |facts| &mut facts.roles);
        note_company(run);
        look_for_holders(run).await;
        let facts = run.facts();
        if custom_grants(&run.intent).any(|grant| facts.role(&run.intent, &grant).is_none()) {
            let elsewhere = match elsewhere {
                Ok(roles) => only_elsewhere(roles, &run.intent),
                Err(_) => look_everywhere(run).await,
            };
            note(run, elsewhere, |facts| &mut facts.roles_elsewhere);
            look_for_next(run).await;
        }
        Ok(())
    }

    fn decide(&self, intent: &PeeringIntent, facts: &ObservedState) -> StepDecision {
        let decisions = intent.grants().into_iter().map(|grant| decide(intent, facts, &grant));
        decisions
            .reduce(StepDecision::and)
            .unwrap_or_else(|| StepDecision::InPlace("nobody needs a role".to_owned()))
    }

    async fn act(&self, run: &StepRun, _decision: &StepDecision) -> Result<(), StepError> {
        let grants = run.intent.grants();
        let missing = grants
            .iter()
            .filter(|grant| decide(&run.intent, &run.facts(), grant).writes());
        every(join_all(missing.map(|grant| write(run, grant))).await)
    }

    async fn confirm(&self, run: &StepRun) -> Result<(), StepError> {
        let grants = run.intent.grants();
        let custom = grants.iter().filter(|grant| grant.built_in.is_none());
        every(join_all(custom.map(|grant| wait_until_visible(run, grant))).await)
    }

    fn plan_removal(&self, intent: &PeeringIntent, facts: &ObservedState) -> StepDecision {
        undo::plan_removal(intent, facts)
    }

    async fn remove(&self, run: &StepRun) -> Result<(), StepError> {
        undo::remove_role(run).await
    }
}

fn decide(intent: &PeeringIntent, facts: &ObservedState, grant: &RoleGrant) -> StepDecision {
    if grant.built_in.is_some() {
        return StepDecision::InPlace(format!("\"{}\" is a built-in role", grant.name()));
    }
    let choice = choose(intent, facts, grant);
    if let RoleChoice::Reuse(role) = &choice {
        return StepDecision::InPlace(format!("custom role \"{}\" has the {}", role.name, count(grant)));
    }
    let chosen = choice.existing().map(|role| role.guid);
    let assigned = facts.assignment(intent, grant);
    if let Some((_, wide)) = assigned.filter(|(assignment, _)| chosen != Some(assignment.role)) {
        return StepDecision::InPlace(format!("none is needed: {} has \"{wide}\"", facts.called(grant)));
    }
    let allowed = ObservedState::may(facts.rights_at_subscription.as_ref(), WRITE);
    match choice {
        RoleChoice::Create(own) if allowed => {
            let what = format!("custom role \"{}\" with {}", own.name, count(grant));
            let stays = passed_over(intent, facts, grant).into_iter();
            let stays = stays.map(|(role, why)| format!("; \"{}\" stays as it is: {why}", role.name));
            StepDecision::Create(what + &stays.collect::<String>())
        }
        RoleChoice::Create(own) => {
            let hold = hold_create(intent, &grant.by_role(&own.name));
            StepDecision::Blocked(or_activate(facts, WRITE, hold))
        }
        RoleChoice::Reuse(role) | RoleChoice::Extend(role) if allowed => StepDecision::Change {
            what: format!("custom role \"{}\", which exists already", role.name),
            differences: differences(intent, facts, role, grant),
        },
        RoleChoice::Reuse(role) | RoleChoice::Extend(role) => {
            let hold = hold_change(role, &extended(role, intent, facts, grant));
            StepDecision::Blocked(or_activate(facts, WRITE, hold))
        }
    }
}

/// Returns the changes that are made to an existing role.
fn differences(intent: &PeeringIntent, facts: &ObservedState, role: &Role, grant: &RoleGrant) -> Vec<String> {
    let actions = missing_actions(role, grant).into_iter();
    let actions = actions.map(|action| format!("+ action {action}"));
    let scope = (!facts.is_assignable(role)).then(|| intent.vnet.subscription_scope());
    actions
        .chain(scope.map(|scope| format!("+ assignable scope {scope}")))
        .collect()
}

/// Result of writing a role.
enum WrittenRole {
    Done,
    /// Another role has the name.
    NameTaken(Box<RunError>),
    /// Azure refuses any change of the role: this assignable scope of it was deleted.
    ScopeDeleted(Uuid, String, Box<RunError>),
}

async fn write(run: &StepRun, grant: &RoleGrant) -> Result<(), StepError> {
    let mut refused = None;
    for _ in intent_names(run, grant) {
        let name = || match choose(&run.intent, &run.facts(), grant) {
            RoleChoice::Create(own) => Some(own.name),
            RoleChoice::Reuse(_) | RoleChoice::Extend(_) => None,
        };
        let tried = name();
        match write_once(run, grant).await? {
            WrittenRole::Done => return Ok(()),
            // Resource Graph is minutes behind, and shows only what this sign-in may see.
            WrittenRole::NameTaken(problem) => {
                note(run, look_everywhere(run).await, |facts| &mut facts.roles_elsewhere);
                if let Some(name) = tried.filter(|tried| name().as_ref() == Some(tried)) {
                    run.update_state(|facts| _ = facts.taken_role_names.insert(name.to_lowercase()));
                }
                refused = Some(problem);
            }
            WrittenRole::ScopeDeleted(role, scope, problem) => {
                run.update_state(|facts| _ = facts.deleted_scopes.insert(role, scope));
                refused = Some(problem);
            }
        }
        look_for_next(run).await;
    }
    let none = || {
        let why =
            "Every name that setup would give it belongs to another role, and a role's name is unique in the tenant.";
        Box::new(RunError::new(
            RunErrorKind::Conflict,
            "The custom role cannot be created.",
            why,
        ))
    };
    Err(StepError::Failed(refused.unwrap_or_else(none)))
}

async fn write_once(run: &StepRun, grant: &RoleGrant) -> Result<WrittenRole, StepError> {
    let intent = &run.intent;
    refresh(run, grant).await?;
    let facts = run.facts();
    let here = intent.vnet.subscription_scope();
    let (present, wanted) = match choose(intent, &facts, grant) {
        // A list that lagged behind made it look missing.
        RoleChoice::Reuse(_) => return Ok(WrittenRole::Done),
        RoleChoice::Extend(role) => (Some(role), extended(role, intent, &facts, grant)),
        RoleChoice::Create(own) => (None, new_role(intent, grant, own)),
    };
    let scope = wanted.assignable_scopes.first().unwrap_or(&here);
    run.tell(
        STEP,
        StepEvent::Doing(format!("writing custom role \"{}\"", wanted.name)),
    );
    let doing = format!("writing the custom role \"{}\"", wanted.name);
    let put = || async {
        match run.azure.put_role_definition(scope, &wanted).await {
            Err(error) if error.code() == Some(SAME_NAME) => {
                let problem = RunError::from_api(&doing, &error);
                Ok(Err(WrittenRole::NameTaken(Box::new(problem))))
            }
            Err(error) => match deleted_scope(&error, scope) {
                Some(gone) => {
                    let problem = RunError::from_api(&doing, &error);
                    Ok(Err(WrittenRole::ScopeDeleted(wanted.guid, gone, Box::new(problem))))
                }
                None => Err(error),
            },
            Ok(role) => Ok(Ok(role)),
        }
    };
    let hold = || match present {
        None => hold_create(intent, &grant.by_role(&wanted.name)),
        Some(role) => hold_change(role, &wanted),
    };
    let put = run.retry_while_replicating(STEP, &doing, &[], put).await;
    let put = match put.map_err(|stop| stop.or_action_required(hold))? {
        Ok(role) => role,
        Err(refused) => return Ok(refused),
    };
    let action = if present.is_some() {
        ChangeAction::Updated
    } else {
        ChangeAction::Created
    };
    run.changed(STEP, action, "roleDefinition", role_id(&here, &put));
    run.company.wrote(intent.tenant, &put);
    update_state(run, put);
    Ok(WrittenRole::Done)
}

/// The names under which a role may be written, which is how often writing it is tried.
fn intent_names(run: &StepRun, grant: &RoleGrant) -> impl Iterator<Item = OwnRole> {
    run.intent.own_roles(grant).into_iter()
}

/// The assignable scope because of which Azure refuses any change of a role: its subscription was deleted. `at`: where
/// the role was written.
fn deleted_scope(error: &ApiError, at: &str) -> Option<String> {
    if error.code() == Some("SubscriptionNotFound") {
        return Some(at.to_owned());
    }
    let message = error.message();
    let linked = message.split_once("linked subscription '")?.1;
    let (subscription, rest) = linked.split_once('\'')?;
    let is_gone = error.code() == Some("LinkedAuthorizationFailed") && rest.trim_start().starts_with("was not found");
    is_gone.then(|| format!("/subscriptions/{subscription}"))
}

/// Reads the chosen role again, by ID: a list may lag behind, and what a colleague has changed since must not be lost.
async fn refresh(run: &StepRun, grant: &RoleGrant) -> Result<(), StepError> {
    let intent = &run.intent;
    let here = intent.vnet.subscription_scope();
    let mut read = BTreeSet::new();
    loop {
        let facts = run.facts();
        let (guid, scope) = match choose(intent, &facts, grant) {
            RoleChoice::Create(own) => (own.guid, here.clone()),
            RoleChoice::Reuse(role) | RoleChoice::Extend(role) => {
                let scope = role.assignable_scopes.first().filter(|_| !facts.is_assignable(role));
                (role.guid, scope.unwrap_or(&here).clone())
            }
        };
        // A moment ago there was none of that ID.
        let is_absent = facts.are_fresh() && facts.absent_roles.contains(&guid);
        if is_absent || !read.insert(guid) {
            return Ok(());
        }
        match run.azure.role_definition(&scope, guid).await {
            Ok(Some(role)) => update_state(run, run.company.up_to_date(intent.tenant, role)),
            // A role of another subscription may have been deleted minutes ago; one in a list of here is there.
            Ok(None) => run.update_state(|facts| facts.roles_elsewhere.retain(|role| role.guid != guid)),
            Err(error) => match deleted_scope(&error, &scope) {
                Some(gone) => run.update_state(|facts| _ = facts.deleted_scopes.insert(guid, gone)),
                None => return Err(StepError::api("reading the role definition", &error)),
            },
        }
    }
}

/// Reads who holds the roles that lack actions: adding these gives them to all of its holders.
async fn look_for_holders(run: &StepRun) {
    let facts = run.facts();
    let grants: Vec<RoleGrant> = custom_grants(&run.intent).collect();
    let roles = grants.iter().flat_map(|grant| lacking(&run.intent, &facts, grant));
    let reads = roles.map(|role| async move {
        let holders = holders(run, role).await;
        run.update_state(|facts| _ = facts.role_holders.insert(role.guid, holders));
    });
    join_all(reads).await;
}

/// The assignments of the role in every subscription that it can be assigned in; `None` where not all can be read.
async fn holders(run: &StepRun, role: &Role) -> Option<Vec<RoleAssignment>> {
    let here = run.intent.vnet.subscription_scope();
    let scopes = role.assignable_scopes.iter().map(|scope| scope.to_lowercase());
    let mut subscriptions = BTreeSet::from([here]);
    for scope in scopes {
        // Below a management group there may be any number of subscriptions.
        let subscription = scope.strip_prefix("/subscriptions/")?.split('/').next()?.parse().ok()?;
        subscriptions.insert(subscription_scope(subscription));
    }
    let mut all: Vec<RoleAssignment> = Vec::new();
    for subscription in subscriptions {
        let read = run.azure.role_assignments_below(&subscription).await.ok()?;
        let of_role = read.into_iter().filter(|one| one.role == role.guid);
        // What is assigned above is in the list of each subscription.
        let new: Vec<RoleAssignment> = of_role.filter(|one| !all.contains(one)).collect();
        all.extend(new);
    }
    Some(all)
}

/// Asks for the next roles of setup's own by their IDs, as long as one that is there is passed over: lists lag behind.
async fn look_for_next(run: &StepRun) {
    let scope = run.intent.vnet.subscription_scope();
    for grant in custom_grants(&run.intent) {
        for _ in intent_names(run, &grant) {
            let facts = run.facts();
            let RoleChoice::Create(own) = choose(&run.intent, &facts, &grant) else {
                break;
            };
            if facts.absent_roles.contains(&own.guid) {
                break;
            }
            match run.azure.role_definition(&scope, own.guid).await {
                Ok(Some(role)) => update_state(run, role),
                Ok(None) => run.update_state(|facts| _ = facts.absent_roles.insert(own.guid)),
                Err(_) => break,
            }
        }
    }
}

fn custom_grants(intent: &PeeringIntent) -> impl Iterator<Item = RoleGrant> {
    intent.grants().into_iter().filter(|grant| grant.built_in.is_none())
}

/// Lists lag behind: the role that an earlier run wrote a moment ago is found by its id, which is always the same. Who
/// may not read it there may not write it either, and that is for the decision to say.
async fn look_for_own(run: &StepRun) -> OwnRoleState {
    let scope = run.intent.vnet.subscription_scope();
    let own = custom_grants(&run.intent).map(|grant| run.intent.role_guid(&grant));
    let scope = &scope;
    let reads = own.map(|guid| async move { (guid, run.azure.role_definition(scope, guid).await) });
    let mut own = OwnRoleState::default();
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
struct OwnRoleState {
    there: Vec<Role>,
    absent: BTreeSet<Uuid>,
}

/// Returns the roles of other subscriptions from a Resource Graph result. Resource Graph shows deleted roles for
/// several minutes; for the roles of this subscription, the list and the reads by ID are more accurate.
fn only_elsewhere(roles: Vec<Role>, intent: &PeeringIntent) -> Vec<Role> {
    let vnet = intent.vnet.to_string();
    let own: Vec<Uuid> = custom_grants(intent).map(|grant| intent.role_guid(&grant)).collect();
    let elsewhere = |role: &Role| !own.contains(&role.guid) && !covers(&role.assignable_scopes, &vnet);
    roles.into_iter().filter(elsewhere).collect()
}

/// A role of a wanted name may live in another subscription: the name is taken all the same.
async fn look_elsewhere(run: &StepRun) -> Result<Vec<Role>, ApiError> {
    match names(run).as_slice() {
        [] => Ok(Vec::new()),
        names => {
            let search = run.azure.roles_named(names);
            run.company.searched(run.intent.tenant, names, search).await
        }
    }
}

/// Reads the roles in all subscriptions, if Resource Graph is not available or not up to date. A subscription that
/// cannot be read is skipped; if the role exists there, Azure reports this when the role is written.
async fn look_everywhere(run: &StepRun) -> Vec<Role> {
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
fn named(run: &StepRun, roles: impl IntoIterator<Item = Role>) -> Vec<Role> {
    let names = names(run);
    let is_wanted = |role: &Role| names.iter().any(|name| name.eq_ignore_ascii_case(&role.name));
    roles.into_iter().filter(is_wanted).collect()
}

/// The names that the custom roles of the grants may have.
fn names(run: &StepRun) -> Vec<String> {
    custom_grants(&run.intent).flat_map(|grant| grant.names).collect()
}

/// Notes roles that are not known yet.
fn note(run: &StepRun, roles: Vec<Role>, place: fn(&mut ObservedState) -> &mut Vec<Role>) {
    run.update_state(|facts| {
        for role in roles {
            if !facts.roles.iter().any(|known| known.guid == role.guid) {
                place(facts).push(role);
            }
        }
    });
}

/// Notes what runs beside this one have written, wherever it is.
fn note_company(run: &StepRun) {
    let vnet = run.intent.vnet.to_string();
    let roles = run.company.roles(run.intent.tenant);
    let (here, elsewhere): (Vec<Role>, Vec<Role>) = roles
        .into_iter()
        .partition(|role| covers(&role.assignable_scopes, &vnet));
    note(run, here, |facts| &mut facts.roles);
    note(run, named(run, elsewhere), |facts| &mut facts.roles_elsewhere);
}

async fn wait_until_visible(run: &StepRun, grant: &RoleGrant) -> Result<(), StepError> {
    let Some(guid) = run.facts().role(&run.intent, grant).map(|role| role.guid) else {
        return Ok(());
    };
    let scope = run.intent.vnet.subscription_scope();
    let look = async || {
        let read = run.azure.role_definition(&scope, guid).await;
        let read = read.map_err(|error| StepError::api("reading the role definition back", &error))?;
        Ok(read.filter(|role| missing_actions(role, grant).is_empty()))
    };
    let awaited = WaitDescription::replication("until the role definition is visible");
    update_state(run, run.poll_until(STEP, &awaited, look).await?);
    Ok(())
}

/// Notes a role as it was read or written a moment ago.
fn update_state(run: &StepRun, role: Role) {
    let vnet = run.intent.vnet.to_string();
    run.update_state(|facts| {
        let here = facts.is_assignable(&role) || covers(&role.assignable_scopes, &vnet);
        facts.roles.retain(|other| other.guid != role.guid);
        facts.roles_elsewhere.retain(|other| other.guid != role.guid);
        let place = if here {
            &mut facts.roles
        } else {
            &mut facts.roles_elsewhere
        };
        place.push(role);
    });
}

/// A role as setup creates it.
fn new_role(intent: &PeeringIntent, grant: &RoleGrant, own: OwnRole) -> Role {
    Role {
        guid: own.guid,
        name: own.name,
        description: grant.description.clone(),
        custom: true,
        permissions: vec![RolePermission {
            actions: grant.actions.clone(),
            ..RolePermission::default()
        }],
        assignable_scopes: vec![intent.vnet.subscription_scope()],
    }
}

/// The role as it is to be: the chosen one with what is missing, or the one that setup creates.
pub fn wanted_role(intent: &PeeringIntent, facts: &ObservedState, grant: &RoleGrant) -> Role {
    match choose(intent, facts, grant) {
        RoleChoice::Reuse(role) | RoleChoice::Extend(role) => extended(role, intent, facts, grant),
        RoleChoice::Create(own) => new_role(intent, grant, own),
    }
}

/// An existing role with what is missing added, and nothing taken away.
fn extended(role: &Role, intent: &PeeringIntent, facts: &ObservedState, grant: &RoleGrant) -> Role {
    let assignable = facts.is_assignable(role);
    let mut role = role.clone();
    let missing = missing_actions(&role, grant);
    if !missing.is_empty() {
        // An entry of its own: what another entry excludes (notActions) stays excluded there and does no harm here.
        match role.permissions.iter_mut().find(|entry| entry.not_actions.is_empty()) {
            Some(entry) => entry.actions.extend(missing),
            None => role.permissions.push(RolePermission {
                actions: missing,
                ..RolePermission::default()
            }),
        }
    }
    if !assignable {
        role.assignable_scopes.push(intent.vnet.subscription_scope());
    }
    role
}

/// Returns whether one of the scopes makes the role assignable at the network; for a management group, this is not
/// known here.
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

fn count(grant: &RoleGrant) -> String {
    match grant.actions.len() {
        1 => "one action".to_owned(),
        count => format!("{count} actions"),
    }
}

fn hold_create(intent: &PeeringIntent, grant: &RoleGrant) -> ActionRequired {
    ActionRequired {
        who: format!(
            "an Owner or User Access Administrator of subscription {}",
            intent.vnet.subscription
        ),
        why: format!("Writing a role definition takes {WRITE} on the subscription."),
        packet: az::role_definition(intent, std::slice::from_ref(grant)),
        answer: None,
    }
}

fn hold_change(role: &Role, wanted: &Role) -> ActionRequired {
    ActionRequired {
        who: format!(
            "an Owner or User Access Administrator of every one of {}",
            role.assignable_scopes.join(", ")
        ),
        why: format!(
            "Changing the role \"{}\" takes {WRITE} on each of its assignable scopes.",
            role.name
        ),
        packet: az::role_update(wanted),
        answer: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::samples;

    fn decide(change: impl FnOnce(&mut ObservedState)) -> StepDecision {
        let (intent, mut facts) = samples::kong_done();
        change(&mut facts);
        RoleDefinitionStep.decide(&intent, &facts)
    }

    #[test]
    fn role_reused_under_either_kong_name() {
        assert_eq!(decide(|_| ()).verb(), "in place");
        let renamed = decide(|facts| facts.roles[0].name = "kong cloud gateway peering creator - KONG".into());
        assert_eq!(renamed.verb(), "in place");
    }

    #[test]
    fn role_reused_with_same_actions() {
        assert_eq!(
            decide(|facts| facts.roles[0].name = "Team network: Kong".into()).verb(),
            "in place"
        );
    }

    #[test]
    fn role_with_other_actions_is_ignored() {
        let decision = decide(|facts| {
            facts.roles[0].name = "Another".into();
            facts.roles[0].permissions[0].actions.pop();
        });
        assert_eq!(decision.verb(), "create");
    }

    #[test]
    fn role_gains_missing_peer_action() {
        let decision = decide(|facts| {
            facts.roles[0].permissions[0]
                .actions
                .retain(|action| !action.ends_with("peer/action"));
            facts.role_holders.insert(facts.roles[0].guid, Some(Vec::new()));
        });
        let StepDecision::Change { differences, .. } = decision else {
            panic!("{decision:?}")
        };
        assert_eq!(differences, ["+ action Microsoft.Network/virtualNetworks/peer/action"]);
    }

    #[test]
    fn role_gains_missing_subscription_scope() {
        let other = "/subscriptions/00000000-0000-0000-0000-0000000000ff";
        let (intent, mut facts) = samples::kong_done();
        let grant = intent.vendor_grant().expect("kong gets a role");
        let mut role = facts.roles.remove(0);
        role.assignable_scopes = vec![other.to_owned()];
        role.guid = crate::domain::role_definition_guid(intent.tenant, other, "kong", grant.name());
        facts.assignments.clear();
        facts.roles_elsewhere = vec![role];
        let StepDecision::Change { differences, .. } = RoleDefinitionStep.decide(&intent, &facts) else {
            panic!()
        };
        assert_eq!(
            differences,
            [format!("+ assignable scope {}", intent.vnet.subscription_scope())]
        );
        let wanted = wanted_role(&intent, &facts, &grant);
        assert_eq!(
            wanted.assignable_scopes,
            [other.to_owned(), intent.vnet.subscription_scope()]
        );
        assert_eq!(wanted.guid, facts.roles_elsewhere[0].guid);
    }

    #[test]
    fn deleted_scope_by_answer() {
        let answer = |status, code: &str, message: &str| ApiError {
            service: crate::azure::AzureService::Arm,
            tried: String::new(),
            failure: crate::azure::FailureKind::Refused {
                status,
                code: code.to_owned(),
                message: message.to_owned(),
                details: Vec::new(),
                retry_after: None,
            },
            correlation_id: None,
            sign_in: Vec::new(),
            challenge: None,
        };
        let gone = "The client has permission to perform action 'x' on scope 'y', however the linked subscription 'S' was not found. ";
        let table = [
            (403, "LinkedAuthorizationFailed", gone, Some("/subscriptions/S")),
            (403, "AuthorizationFailed", gone, None),
            (
                403,
                "LinkedAuthorizationFailed",
                "it does not have permission on the linked scope(s) 'S'",
                None,
            ),
            (
                404,
                "SubscriptionNotFound",
                "The subscription 'S' could not be found.",
                Some("/subscriptions/S"),
            ),
        ];
        for (status, code, message, expected) in table {
            let found = deleted_scope(&answer(status, code, message), "/subscriptions/S");
            assert_eq!(found.as_deref(), expected, "{code} {message}");
        }
    }

    #[test]
    fn role_search_keeps_only_remote_roles() {
        let (intent, facts) = samples::kong_done();
        let here = facts.roles[0].clone();
        let grant = intent.vendor_grant().expect("kong gets a role");
        let own = intent.own_roles(&grant).remove(0);
        let mut own = new_role(&intent, &grant, own);
        own.assignable_scopes = vec!["/subscriptions/00000000-0000-0000-0000-0000000000ff".to_owned()];
        let mut elsewhere = own.clone();
        elsewhere.guid = Uuid::from_u128(0xe15e);
        let found = only_elsewhere(vec![here, own, elsewhere.clone()], &intent);
        assert_eq!(found, [elsewhere]);
    }

    #[test]
    fn role_excluded_action_gets_own_entry() {
        let (intent, mut facts) = samples::kong_done();
        facts.roles[0].permissions[0].not_actions = vec!["Microsoft.Network/virtualNetworks/peer/action".into()];
        let grant = intent.vendor_grant().expect("kong gets a role");
        let wanted = extended(&facts.roles[0], &intent, &facts, &grant);
        assert_eq!(wanted.permissions.len(), 2);
        assert!(missing_actions(&wanted, &grant).is_empty());
    }

    #[test]
    fn role_write_denied_yields_instructions() {
        let decision = decide(|facts| {
            facts.roles.clear();
            facts.rights_at_subscription = Some(vec![RolePermission {
                actions: vec!["*/read".into()],
                ..RolePermission::default()
            }]);
        });
        let StepDecision::Blocked(hold) = decision else {
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
    fn wide_role_stays_and_is_named() {
        let decision = decide(|facts| {
            facts.assignments.clear();
            facts.roles[0].permissions[0].actions.push("Microsoft.Compute/*".into());
        });
        let said = "custom role \"Kong Cloud Gateway Peering Creator - peerctl 00000000\" with 5 actions; \
                    \"Kong Cloud Gateway Peering Creator\" stays as it is: it also grants Microsoft.Compute/*";
        assert_eq!((decision.verb(), decision.what()), ("create", said));
    }

    #[test]
    fn wide_assignment_needs_no_role() {
        let decision = decide(|facts| facts.roles[0].permissions[0].actions = vec!["*".into()]);
        assert!(decision.what().contains("none is needed"), "{decision:?}");
    }
}
