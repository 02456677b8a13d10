//! As fast as the round trips allow: how many requests have to wait for one another, counted where every answer takes
//! 50 ms and nothing else takes any time.

use std::sync::atomic::Ordering;
use std::time::Duration;

use peerctl::sandbox::{Lag, SandboxOptions};

use super::simulated;
use super::trouble::none;
use super::world::{AIVEN, DRAGONFLY, Job, KONG, PARTNER, Party, World};

const LATENCY: Duration = Duration::from_millis(50);

/// Waves of a run that has everything to do, and of one that finds everything in place. Whose network is behind a peering,
/// and who else can use the application, is asked for once these are read: one wave each.
const MOST: [(Party, u64, u64); 4] = [(KONG, 5, 3), (AIVEN, 12, 3), (DRAGONFLY, 12, 3), (PARTNER, 7, 2)];

#[test]
fn no_request_waits_for_another_one_without_need() {
    for (party, fresh, in_place) in MOST {
        simulated(async {
            let world = World::with(SandboxOptions {
                latency: LATENCY,
                lag: Lag::None,
                ..SandboxOptions::default()
            });
            let mut before = 0;
            for most in [fresh, in_place] {
                let ended = world.run(party, Job::SetUp, none()).await;
                assert!(ended.is_well(), "{ended:?}");
                let log = world.log().await.split_off(before);
                before += log.len();
                let shown: Vec<String> = log
                    .iter()
                    .map(|one| format!("{} {} {}", one["wave"], one["method"], one["url"]))
                    .collect();
                let shown = shown.join("\n");
                let waves = world.waves.load(Ordering::Relaxed);
                assert!(waves <= most, "{}: {waves} waves, not {most}:\n{shown}", party.0);
                // The looks at what the vendor is at are the only ones that no wave is counted for.
                let longest = LATENCY * u32::try_from(waves).expect("few") + Duration::from_millis(100);
                assert!(ended.took <= longest, "{}: {:?}:\n{shown}", party.0, ended.took);
            }
        });
    }
}
