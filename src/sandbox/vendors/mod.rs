//! The vendors: each one's API as its customers call it, and its control plane, which is a client of the same world.

mod account;
pub(super) mod aiven;
mod console;
mod control_plane;
pub(super) mod dragonfly;
pub(super) mod kong;
pub(super) mod reciprocal;
