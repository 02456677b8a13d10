//! The vendors: each one's API as its customers call it, and its control plane, which is a client of the same world.

mod account;
mod control_plane;
pub(super) mod kong;
