//! Walks through the sandbox, in process and over TLS.

mod aiven;
mod applications;
mod arm;
mod budgets;
mod console;
mod device;
mod dragonfly;
mod entra;
mod faults;
mod graph;
mod kept;
mod kong;
mod lag;
mod network_writes;
mod own_app;
mod partner;
mod peerings;
mod roles;
mod served;
mod support;
mod trouble;
