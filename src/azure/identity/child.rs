//! How az is started: as anybody would start it, but for the secrets in our environment, which are none of its business.

use std::ffi::OsStr;
use std::io;
use std::process::Output;

use async_trait::async_trait;
use azure_identity::Executor;
use tokio::process::Command;

/// A process of the machine's own.
#[derive(Debug)]
pub(super) struct Child;

/// What names of variables end with that hold secrets: an application's, or a vendor's.
const SECRETS: [&str; 4] = ["_TOKEN", "_SECRET", "_API_KEY", "_PASSWORD"];

fn holds_secret(name: &OsStr) -> bool {
    let name = name.to_string_lossy().to_ascii_uppercase();
    SECRETS.iter().any(|end| name.ends_with(end))
}

#[async_trait]
impl Executor for Child {
    async fn run(&self, program: &OsStr, args: &[&OsStr]) -> io::Result<Output> {
        let mut command = Command::new(program);
        command.args(args).kill_on_drop(true);
        for (name, _) in std::env::vars_os().filter(|(name, _)| holds_secret(name)) {
            command.env_remove(name);
        }
        command.output().await
    }
}
