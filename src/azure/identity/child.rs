//! How az is started: as anybody would start it, but for the secrets in our environment, which are none of its business.
//! It ends when nobody waits for its answer any more.

use std::ffi::OsStr;
use std::io;
use std::process::{Output, Stdio};

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
        #[cfg(unix)]
        command.process_group(0);
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let family = Family::of(&child);
        let output = child.wait_with_output().await?;
        family.ended();
        Ok(output)
    }
}

/// The process and those that it has started: a shell that is killed leaves its az behind. At a prompt no Ctrl-C of the
/// terminal's own reaches them either.
struct Family {
    #[cfg(unix)]
    leader: Option<rustix::process::Pid>,
}

#[cfg(unix)]
impl Family {
    fn of(child: &tokio::process::Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self {
            leader: id.and_then(rustix::process::Pid::from_raw),
        }
    }

    /// It has ended by itself.
    fn ended(mut self) {
        self.leader = None;
    }
}

#[cfg(unix)]
impl Drop for Family {
    fn drop(&mut self) {
        if let Some(leader) = self.leader {
            // One that has ended meanwhile needs no signal.
            let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
        }
    }
}

#[cfg(not(unix))]
impl Family {
    fn of(_: &tokio::process::Child) -> Self {
        Self {}
    }

    fn ended(self) {}
}
