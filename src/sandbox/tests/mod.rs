//! Walks through the sandbox, in process and over TLS.

mod arm;
mod console;
mod entra;
mod faults;
mod graph;
mod kong;
mod lag;
mod peerings;
mod roles;
mod served;
mod support;
