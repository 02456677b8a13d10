//! Runs a plan: reads side by side, decides, does what is missing in the order of need, and says how it ended.

mod examine;
mod execute;
mod first_use;
mod standing;
mod survey;

pub use examine::examine;
pub use execute::carry_out;
pub use first_use::first_use;
pub use standing::standing;
pub use survey::{look, look_again, plan_of, survey};
