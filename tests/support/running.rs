//! A run without a terminal that is still at work: what it has said so far, and signals (Unix).
//!
//! ```ignore
//! let running = Running::start(command_line(&["--vendor-access", "manual"]), sandbox.env());
//! running.wait_for("Tenant ID");
//! let ran = running.signal("INT").wait();
//! ```

use std::ffi::OsStr;
use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::served::poll;
use super::{DEADLINE, PEERCTL, clean_environment, temporary_folder};

/// A started `peerctl`; ended with the value, if it has not ended before.
pub struct Running {
    child: Child,
    folder: TempDir,
}

/// How it ended.
pub struct Exit {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Running {
    #[track_caller]
    pub fn start<A, K, V>(args: A, env: impl IntoIterator<Item = (K, V)>) -> Self
    where
        A: IntoIterator,
        A::Item: AsRef<OsStr>,
        K: AsRef<OsStr>,
        V: AsRef<OsStr>,
    {
        let folder = temporary_folder();
        // Files, not pipes: nobody has to read along for the program to go on.
        let file = |name: &str| File::create(folder.path().join(name)).expect("a file for what it says");
        let child = Command::new(PEERCTL)
            .args(args)
            .env_clear()
            .envs(clean_environment(folder.path()))
            .envs(env)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(file("stdout"))
            .stderr(file("stderr"))
            .spawn()
            .expect("peerctl can be started");
        Self { child, folder }
    }

    fn said(&self, stream: &str) -> String {
        let path: PathBuf = self.folder.path().join(stream);
        std::fs::read_to_string(path).unwrap_or_default()
    }

    /// Waits until standard error holds this text; what it says by then.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) -> String {
        let found = poll(DEADLINE, || {
            if self.said("stderr").contains(text) {
                return Some(true);
            }
            // What was written before it ended has been read by the next look.
            let ended = self.child.try_wait().ok().flatten().is_some();
            (ended && !self.said("stderr").contains(text)).then_some(false)
        });
        let said = self.said("stderr");
        assert_eq!(found, Some(true), "no '{text}' in:\n{said}");
        said
    }

    /// Waits until standard error holds this text once more than `before` did; what it says by then.
    #[track_caller]
    pub fn wait_for_more(&mut self, text: &str, before: &str) -> String {
        let count = before.matches(text).count();
        let found = poll(DEADLINE, || {
            let ended = self.child.try_wait().ok().flatten().is_some();
            (self.said("stderr").matches(text).count() > count || ended).then_some(())
        });
        let said = self.said("stderr");
        assert!(
            found.is_some() && said.matches(text).count() > count,
            "no further '{text}' in:\n{said}"
        );
        said
    }

    /// Sends a signal by its short name: `INT`, `TERM`.
    #[track_caller]
    pub fn signal(self, name: &str) -> Self {
        let sent = Command::new("sh")
            .args(["-c", &format!("kill -{name} {}", self.child.id())])
            .status();
        assert!(sent.is_ok_and(|status| status.success()), "SIG{name} is sent");
        self
    }

    /// Waits for its end.
    #[track_caller]
    pub fn wait(mut self) -> Exit {
        let status = poll(DEADLINE, || self.child.try_wait().ok().flatten());
        Exit {
            code: status.expect("it ends").code(),
            stdout: self.said("stdout"),
            stderr: self.said("stderr"),
        }
    }
}

impl Exit {
    /// The one JSON document on standard output.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("stdout is no JSON document: {error}\n{}\n{}", self.stdout, self.stderr))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
