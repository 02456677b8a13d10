//! Interpreters of a plan and of a run, pure: an az script, Terraform, a command line, the JSON documents, the record of a
//! run and the same for a change ticket.

use serde::Serialize;

use crate::domain::harmless_json;

pub mod az;
mod command_line;
mod existing;
mod markdown;
mod plan_json;
mod record;
mod report;
mod shell;
pub mod terraform;
mod ticket;

pub use command_line::command_line;
pub use existing::{Existing, ExistingGrant};
pub use plan_json::plan_json;
pub use record::Record;
pub use report::Report;
pub use shell::{ShellWord, ps_quoted, quoted};
pub use ticket::{TICKET, ticket};

/// A document as it is printed: nothing in it moves a cursor.
pub fn document(value: &impl Serialize) -> String {
    // Strings, numbers and lists only: this cannot fail, and an empty document would be seen at once.
    harmless_json(&serde_json::to_string_pretty(value).unwrap_or_default())
}
