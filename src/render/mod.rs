//! Interpreters of a plan and of a run, pure: an az script, a command line, the JSON document.

pub mod az;
mod command_line;
mod report;
mod shell;

pub use command_line::command_line;
pub use report::Report;
pub use shell::{ShellWord, quoted};
