//! Resource Graph is minutes behind, or not to be had: a colleague's role of that name is found all the same, wherever it
//! is, and stays as it is.

use std::time::Duration;

use peerctl::sandbox::{Lag, SandboxOptions};
use serde_json::{Value, json};

use super::simulated;
use super::trouble::none;
use super::world::{Job, KONG, World};

const OTHER: &str = "22e1c7b3-75b7-4a1c-9e3f-4b6081da2f12";
const NAME: &str = "Kong Cloud Gateway Peering Creator";

/// The scopes of the role of that name, of which there is one.
async fn scopes(world: &World) -> Value {
    let dump = world.dump().await;
    let roles = dump["roleDefinitions"].as_array().expect("a list");
    let named: Vec<&Value> = roles.iter().filter(|role| role["roleName"] == NAME).collect();
    assert_eq!(named.len(), 1, "{named:?}");
    assert_eq!(named[0]["description"], "by hand");
    named[0]["assignableScopes"].clone()
}

async fn leaves_the_colleagues_role(world: &World, asked_again: bool) {
    let ended = world.run(KONG, Job::SetUp, none()).await;
    assert!(ended.is_well(), "{ended:?}");
    assert_eq!(scopes(world).await, json!([format!("/subscriptions/{OTHER}")]));
    let log = world.log().await;
    let lists = log.iter().filter(|one| {
        let url = one["url"].as_str().expect("a url");
        url.contains(&format!("/{OTHER}/")) && url.contains("/roleDefinitions?")
    });
    assert_eq!(lists.count() > 0, asked_again);
}

#[test]
fn a_role_of_another_subscription_is_found_by_one_question() {
    simulated(async {
        let world = World::new(Lag::None, 1);
        world
            .make_role(OTHER, NAME, &["Microsoft.Network/virtualNetworks/read"])
            .await;
        leaves_the_colleagues_role(&world, false).await;
    });
}

#[test]
fn where_resource_graph_is_refused_each_subscription_is_asked() {
    simulated(async {
        let refused = "POST */Microsoft.ResourceGraph/resources=403".parse();
        let world = World::with(SandboxOptions {
            lag: Lag::None,
            faults: vec![refused.expect("a rule")],
            ..SandboxOptions::default()
        });
        world
            .make_role(OTHER, NAME, &["Microsoft.Network/virtualNetworks/read"])
            .await;
        leaves_the_colleagues_role(&world, true).await;
    });
}

#[test]
fn a_role_that_resource_graph_does_not_know_yet_is_found_when_its_name_is_refused() {
    simulated(async {
        let world = World::new(Lag::Worst, 1);
        world
            .make_role(OTHER, NAME, &["Microsoft.Network/virtualNetworks/read"])
            .await;
        // It is in lists by then, and in Resource Graph minutes later.
        tokio::time::sleep(Duration::from_secs(90)).await;
        leaves_the_colleagues_role(&world, true).await;
    });
}
