//! Walks through the sandbox, in process.

mod kong;
mod support;
