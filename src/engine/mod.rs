//! Runs a plan: reads side by side, decides, does what is missing in the order of need, and says how it ended.

mod execute;
mod first_use;
mod link_health;
mod preflight;
mod refresh;

pub use execute::execute;
pub use first_use::first_use;
pub use link_health::standing;
pub use preflight::run_preflight;
pub use refresh::{observe_again, plan_of, refresh, refresh_again};
