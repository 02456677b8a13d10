//! Who signs in by a code takes as long as a person takes; nothing that is read meanwhile is given up for that.

use std::time::Duration;

use peerctl::errors::RunOutcome;
use peerctl::sandbox::Lag;

use super::simulated;
use super::world::{AIVEN, KONG, World};

#[test]
fn a_code_may_be_entered_late() {
    for party in [KONG, AIVEN] {
        simulated(async {
            let world = World::new(Lag::None, 1);
            let (ended, unknown) = world.run_by_code(party, Duration::from_secs(10 * 60)).await;
            assert_eq!(ended.outcome, Some(RunOutcome::Done), "{ended:?}");
            assert!(ended.took >= Duration::from_secs(10 * 60), "{ended:?}");
            assert_eq!(unknown, Vec::<&str>::new(), "{party:?}");
        });
    }
}
