//! Role definition: the custom role with the vendor's actions and no more.
//!
//! A role's name is unique in the tenant, whatever subscription it was made for. So the role is looked for here, then
//! in the other subscriptions; one that exists is used, and gets this subscription added to its assignable scopes.

use async_trait::async_trait;
use futures::{StreamExt, stream};

use super::facts::{assignable_at, extra_actions, missing_actions};
use super::run::Awaited;
use super::{Facts, Run, Step, Stop};
use crate::azure::{Permission, RoleDefinition as Role};
use crate::domain::{role_definition_guid, subscription_scope};
use crate::plan::{Action, Change, Decision, Hold, Intent, StepEvent, StepId, StepState};
use crate::render::az;

const STEP: StepId = StepId::RoleDefinition;
const WRITE: &str = "Microsoft.Authorization/roleDefinitions/write";
/// Where a role is looked for beyond its subscription: enough for most estates, and a second or two at most.
const MOST_SUBSCRIPTIONS: usize = 200;
/// Side by side; far below Azure's bucket of 250 reads.
const AT_ONCE: usize = 16;

pub struct RoleDefinition;

#[async_trait]
impl Step for RoleDefinition {
    fn title(&self) -> &'static str {
        "Role definition"
    }

    async fn observe(&self, run: &Run) -> Result<(), Stop> {
        let scope = run.intent.vnet.subscription_scope();
        let (roles, rights) = tokio::join!(run.azure.custom_roles(&scope), run.azure.permissions(&scope));
        let (roles, rights) = match roles {
            // Somebody with rights at the network alone may not read the subscription's roles, much less write one;
            // what can be assigned at the network tells whether somebody else has done that already.
            Err(error) if error.code() == Some("AuthorizationFailed") => (
                run.azure.custom_roles(&run.intent.vnet.to_string()).await,
                Some(Vec::new()),
            ),
            roles => (roles, rights.ok()),
        };
        let roles = roles.map_err(|error| Stop::api("reading the custom roles of the subscription", &error))?;
        run.learn(|facts| {
            facts.roles = roles;
            facts.rights_at_subscription = rights;
        });
        if run.facts().vendor_role(&run.intent).is_none() {
            look_elsewhere(run).await;
        }
        Ok(())
    }

    fn decide(&self, intent: &Intent, facts: &Facts) -> Decision {
        let here = intent.vnet.subscription_scope();
        let allowed = Facts::may(facts.rights_at_subscription.as_ref(), WRITE);
        let Some(role) = facts.vendor_role(intent) else {
            let what = format!(
                "custom role \"{}\" with {} actions",
                intent.vendor.role_name(),
                intent.vendor.role.actions.len()
            );
            return if allowed {
                Decision::Create(what)
            } else {
                Decision::Blocked(hold(intent))
            };
        };
        let mut differences: Vec<String> = missing_actions(role, intent)
            .iter()
            .map(|action| format!("+ action {action}"))
            .collect();
        if !assignable_at(role, &here) {
            differences.push(format!("+ assignable scope {here}"));
        }
        if differences.is_empty() {
            return Decision::InPlace(in_place(role, intent));
        }
        if !allowed {
            return Decision::Blocked(hold(intent));
        }
        Decision::Change {
            what: format!("custom role \"{}\", which exists already", role.name),
            differences,
        }
    }

    async fn act(&self, run: &Run, decision: &Decision) -> Result<(), Stop> {
        let intent = &run.intent;
        let scope = intent.vnet.subscription_scope();
        let wanted = run
            .facts()
            .vendor_role(intent)
            .map_or_else(|| new_role(intent), |role| mended(role, intent));
        run.tell(
            STEP,
            StepEvent::Doing(format!("writing custom role \"{}\"", wanted.name)),
        );
        let doing = format!("writing the custom role \"{}\"", wanted.name);
        let put = run
            .patiently(STEP, &doing, || run.azure.put_role_definition(&scope, &wanted))
            .await;
        let put = match put {
            Err(Stop::Failed(problem)) if problem.code.as_deref() == Some("AuthorizationFailed") => {
                return Err(Stop::Held {
                    state: StepState::Blocked,
                    hold: hold(intent),
                });
            }
            other => other?,
        };
        let action = if matches!(decision, Decision::Create(_)) {
            Action::Created
        } else {
            Action::Updated
        };
        run.changed(
            STEP,
            Change {
                action,
                kind: "roleDefinition".into(),
                id: role_id(&scope, &put),
            },
        );
        wait_until_visible(run, &scope, &wanted).await
    }
}

/// A role of the vendor's name may live in another subscription: the name is taken all the same. A subscription that
/// cannot be read is passed over; if the role is there, Azure says so when it is written.
async fn look_elsewhere(run: &Run) {
    let Ok(subscriptions) = run.subscriptions().await else {
        return;
    };
    let here = run.intent.vnet.subscription;
    let others = subscriptions
        .iter()
        .filter(|other| other.id != here)
        .take(MOST_SUBSCRIPTIONS);
    let scopes: Vec<String> = others.map(|other| subscription_scope(other.id)).collect();
    let reads = scopes
        .into_iter()
        .map(|scope| async move { run.azure.custom_roles(&scope).await });
    let found: Vec<_> = stream::iter(reads).buffer_unordered(AT_ONCE).collect().await;
    let found = found.into_iter().flatten().flatten();
    // Only the name matters elsewhere: a role of the same actions under another name is another team's.
    let names = &run.intent.vendor.role.names;
    let named = found.filter(|role| names.iter().any(|name| name.eq_ignore_ascii_case(&role.name)));
    run.learn(|facts| facts.roles.extend(named));
}

async fn wait_until_visible(run: &Run, scope: &str, wanted: &Role) -> Result<(), Stop> {
    let awaited = Awaited {
        what: "until the role definition is visible",
        usually: Some("seconds, at times some minutes"),
        someone_else: false,
        hold: Hold {
            who: "nobody".to_owned(),
            why: "The role definition was written, but cannot be read yet.".to_owned(),
            packet: vec!["Run the same command again in a few minutes.".to_owned()],
        },
    };
    let look = async || {
        let read = run.azure.role_definition(scope, wanted.guid).await;
        let read = read.map_err(|error| Stop::api("reading the role definition back", &error))?;
        Ok(read.filter(|role| missing_actions(role, &run.intent).is_empty() && assignable_at(role, scope)))
    };
    let role = run.until(STEP, &awaited, look).await?;
    run.learn(|facts| {
        facts.roles.retain(|other| other.guid != role.guid);
        facts.roles.push(role);
    });
    Ok(())
}

/// The role as setup creates it.
fn new_role(intent: &Intent) -> Role {
    let scope = intent.vnet.subscription_scope();
    let role = &intent.vendor.role;
    Role {
        guid: role_definition_guid(intent.tenant, &scope, &intent.vendor.id, intent.vendor.role_name()),
        name: intent.vendor.role_name().to_owned(),
        description: role.description.clone(),
        custom: true,
        permissions: vec![Permission {
            actions: role.actions.clone(),
            ..Permission::default()
        }],
        assignable_scopes: vec![scope],
    }
}

/// The role that exists, with what is missing added and nothing taken away.
fn mended(role: &Role, intent: &Intent) -> Role {
    let mut role = role.clone();
    let missing = missing_actions(&role, intent);
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
    if !assignable_at(&role, &here) {
        role.assignable_scopes.push(here);
    }
    role
}

fn role_id(scope: &str, role: &Role) -> String {
    format!(
        "{scope}/providers/Microsoft.Authorization/roleDefinitions/{}",
        role.guid
    )
}

fn in_place(role: &Role, intent: &Intent) -> String {
    let extra = extra_actions(role, intent);
    let text = format!(
        "custom role \"{}\" has the {} actions",
        role.name,
        intent.vendor.role.actions.len()
    );
    if extra.is_empty() {
        text
    } else {
        format!("{text}, and more than the vendor needs: {}", extra.join(", "))
    }
}

fn hold(intent: &Intent) -> Hold {
    Hold {
        who: format!(
            "an Owner or User Access Administrator of subscription {}",
            intent.vnet.subscription
        ),
        why: format!("Writing a role definition takes {WRITE} on the subscription, which you do not have."),
        packet: az::role_definition(intent),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::facts::samples;

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
        facts.roles[0].assignable_scopes = vec![other.to_owned()];
        let Decision::Change { differences, .. } = RoleDefinition.decide(&intent, &facts) else {
            panic!()
        };
        assert_eq!(
            differences,
            [format!("+ assignable scope {}", intent.vnet.subscription_scope())]
        );
        let mended = mended(&facts.roles[0], &intent);
        assert_eq!(
            mended.assignable_scopes,
            [other.to_owned(), intent.vnet.subscription_scope()]
        );
        assert_eq!(mended.guid, facts.roles[0].guid);
    }

    #[test]
    fn what_the_role_excludes_is_granted_by_an_entry_of_its_own() {
        let (intent, mut facts) = samples::kong_done();
        facts.roles[0].permissions[0].not_actions = vec!["Microsoft.Network/virtualNetworks/peer/action".into()];
        let mended = mended(&facts.roles[0], &intent);
        assert_eq!(mended.permissions.len(), 2);
        assert!(missing_actions(&mended, &intent).is_empty());
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
            decision
                .what()
                .contains("more than the vendor needs: Microsoft.Compute/*"),
            "{decision:?}"
        );
    }
}
