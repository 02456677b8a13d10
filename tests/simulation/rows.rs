//! Rows side by side: what they share is theirs together, and what goes wrong with one request is mended by the next
//! run, whichever row it was of.

use super::trouble::{Fault, Trouble, none, one};
use super::world::{AIVEN, DRAGONFLY, KONG, PARTNER, Row, VNET, World};
use super::{all, difference, held, said_why, sampled, simulated};
use peerctl::errors::RunOutcome;
use peerctl::limits;
use peerctl::sandbox::Lag;
use serde_json::Value;

const DATA: &str = "/subscriptions/11d0b6a2-64a6-4f0b-8d2e-3a5f70c91e01/resourceGroups/rg-network/providers/Microsoft.Network/virtualNetworks/vnet-data";
const STAGING: &str = "/subscriptions/22e1c7b3-75b7-4a1c-9e3f-4b6081da2f12/resourceGroups/rg-network/providers/Microsoft.Network/virtualNetworks/vnet-app";
/// An application of the estate's.
const OWN_APP: &str = "a3c1d2e4-5f60-4718-92a3-b4c5d6e7f801";

/// Two subscriptions for one role, two networks for one application, and every way of making a link.
const ROWS: [Row; 6] = [
    row(KONG, VNET, None),
    row(KONG, STAGING, None),
    row(DRAGONFLY, VNET, Some(OWN_APP)),
    row(DRAGONFLY, DATA, Some(OWN_APP)),
    // In the other subscription: else one of two vendors with the same action uses the role of the one that comes first.
    row(AIVEN, STAGING, None),
    row(PARTNER, VNET, None),
];

const fn row(party: super::Party, vnet: &'static str, own_app: Option<&'static str>) -> Row {
    Row { party, vnet, own_app }
}

#[test]
fn rows_side_by_side_end_in_one_world_whatever_the_lag() {
    let worlds = [Lag::None, Lag::Typical, Lag::Worst].map(|lag| {
        simulated(async {
            let world = World::new(lag, 1);
            let first = world.apply(&ROWS, none()).await;
            assert_eq!(first.outcome, Some(RunOutcome::Done), "{lag:?}: {first:?}");
            let again = world.apply(&ROWS, none()).await;
            assert_eq!(again.outcome, Some(RunOutcome::Unchanged), "{lag:?}: {again:?}");
            world.shape().await
        })
    });
    assert!(worlds.iter().all(|world| *world == worlds[0]));
}

#[test]
fn every_request_of_rows_side_by_side_can_go_wrong() {
    const WHAT: &str = "six set-ups side by side: each of their requests × some faults, or killed there (a sample)";
    const FAULTS: [Fault; 8] = [
        Fault::KilledBefore,
        Fault::KilledAfter,
        Fault::ResetAfter,
        Fault::StallAfter,
        Fault::Status(503),
        Fault::Throttled,
        Fault::Busy,
        Fault::Stale,
    ];
    let (good, requests) = simulated(async {
        let world = World::new(Lag::None, 1);
        let ended = world.apply(&ROWS, none()).await;
        (world.shape().await, ended.requests)
    });
    let cases = (0..requests).flat_map(|at| FAULTS.map(|fault| one(at, fault)));
    let tried = all(&sampled(cases.collect(), 160), |trouble| survives(trouble, &good));
    held(WHAT, &tried);
}

fn survives(trouble: &Trouble, good: &Value) -> Result<bool, String> {
    simulated(async {
        let world = World::new(Lag::None, 1);
        let first = world.apply(&ROWS, trouble.clone()).await;
        said_why(&first).map_err(|why| format!("{trouble:?}: {why}"))?;
        // Until then another run could be using the credential that one may have left behind.
        tokio::time::sleep(limits::CREDENTIAL_LIFE).await;
        let second = world.apply(&ROWS, none()).await;
        let left = world.shape().await;
        match second.is_well() && left == *good {
            true => Ok(first.struck > 0),
            false => Err(format!(
                "{trouble:?}: {second:?}; {}; the first: {first:?}",
                difference(good, &left)
            )),
        }
    })
}
