//! Interpreters of a plan and of a run, pure: an az script, a command line, the JSON document, the record of a run and
//! the same for a change ticket.

pub mod az;
mod command_line;
mod markdown;
mod record;
mod report;
mod shell;
mod ticket;

pub use command_line::command_line;
pub use record::Record;
pub use report::Report;
pub use shell::{ShellWord, quoted};
pub use ticket::{TICKET, ticket};
