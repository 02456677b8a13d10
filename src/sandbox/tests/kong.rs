//! The whole of a Kong set-up, and what comes of each grant that is missing.

use super::support::*;
use crate::sandbox::{Lag, Options};

fn at_once() -> Options {
    Options {
        lag: Lag::None,
        ..Options::default()
    }
}

#[tokio::test]
async fn consent_role_assignment_and_request_lead_to_connected() {
    let sandbox = sandbox(at_once());
    let operator = operator(&sandbox).await;
    let principal = consent(&operator).await;
    assert_eq!(define(&operator, &ACTIONS).await.status, 201);
    assert_eq!(assign(&operator, &principal).await.status, 201);
    let created = request(&sandbox, NETWORK, VNET).await;
    assert_eq!(created.status, 201, "{}", created.text);
    assert_eq!(created.body["state"], "created");
    let ready = gateway(&sandbox, &created).await;
    assert_eq!(ready["state"], "ready", "{ready}");

    let peerings = operator.get(&format!("{VNET}/virtualNetworkPeerings")).await.ok();
    let ours = &peerings["value"][0];
    assert_eq!(ours["name"], "kong-eastus2-network-36ae63d3");
    assert_eq!(ours["properties"]["peeringState"], "Connected");
    assert_eq!(ours["properties"]["peeringSyncLevel"], "FullyInSync");
    assert_eq!(ours["properties"]["provisioningState"], "Succeeded");
    assert_eq!(
        ours["properties"]["remoteAddressSpace"]["addressPrefixes"][0],
        "10.0.0.0/16"
    );

    let kong = sign_in(&sandbox, KONG_TENANT, KONG, "sandbox~kong~secret").await;
    let remote = ours["properties"]["remoteVirtualNetwork"]["id"]
        .as_str()
        .expect("an id");
    assert!(remote.contains(KONG_SUB), "{remote}");
    let theirs = kong.get(&format!("{remote}/virtualNetworkPeerings")).await.ok();
    assert_eq!(theirs["value"][0]["properties"]["peeringState"], "Connected");
    assert_eq!(
        theirs["value"][0]["properties"]["resourceGuid"],
        ours["properties"]["resourceGuid"]
    );

    let log = operator.send(http::Method::GET, "/_sandbox/requests", None).await.body;
    assert_eq!(log["writes"], 4, "{log}");
}
