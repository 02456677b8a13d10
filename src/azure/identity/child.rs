//! A run of az, which ends when nobody waits for its answer any more.

use std::ffi::OsStr;
use std::io;
use std::process::{Output, Stdio};

use async_trait::async_trait;
use azure_identity::Executor;
use tokio::process::Command;

use crate::child;

/// A process of the machine's own.
#[derive(Debug)]
pub(super) struct CliProcess;

#[async_trait]
impl Executor for CliProcess {
    async fn run(&self, program: &OsStr, args: &[&OsStr]) -> io::Result<Output> {
        let mut command = Command::from(child::command(program));
        command.args(args).kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let family = ProcessGroup::of(&child);
        let output = child.wait_with_output().await?;
        family.ended();
        Ok(output)
    }
}

/// The process and those that it has started: a shell that is killed leaves its az behind. At a prompt no Ctrl-C of the
/// terminal's own reaches them either.
struct ProcessGroup {
    #[cfg(unix)]
    leader: Option<rustix::process::Pid>,
}

#[cfg(unix)]
impl ProcessGroup {
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
impl Drop for ProcessGroup {
    fn drop(&mut self) {
        if let Some(leader) = self.leader {
            // One that has ended meanwhile needs no signal.
            let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
        }
    }
}

#[cfg(not(unix))]
impl ProcessGroup {
    fn of(_: &tokio::process::Child) -> Self {
        Self {}
    }

    fn ended(self) {}
}
