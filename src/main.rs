//! The `peerctl` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    peerctl::cli::main()
}
