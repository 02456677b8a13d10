//! Runs without a terminal, as in a pipeline: arguments and environment in, exit code and two streams out.
//!
//! ```ignore
//! let ran = peerctl(["azure", "setup", "--no-input"]).env("PEERCTL_VENDOR", "kong").run().expect_code(2);
//! assert!(ran.stderr.contains("--vnet"));
//! ```

use std::ffi::{OsStr, OsString};
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::{DEADLINE, PEERCTL, clean_environment, temporary_folder};

/// A run of `peerctl` to be: a clean environment, an empty home that is also the working folder, no input.
pub fn peerctl<A>(args: A) -> Run
where
    A: IntoIterator,
    A::Item: Into<OsString>,
{
    program(PEERCTL, args)
}

/// The same for any other program: the printed script, `az`.
pub fn program<A>(program: impl AsRef<OsStr>, args: A) -> Run
where
    A: IntoIterator,
    A::Item: Into<OsString>,
{
    let home = temporary_folder();
    let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    let shown = format!(
        "{} {}",
        program.as_ref().to_string_lossy(),
        args.join(OsStr::new(" ")).to_string_lossy()
    );
    let mut command = assert_cmd::Command::new(program);
    command
        .args(args)
        .env_clear()
        .envs(clean_environment(home.path()))
        .current_dir(home.path())
        .timeout(DEADLINE);
    Run { command, shown, home }
}

pub struct Run {
    command: assert_cmd::Command,
    shown: String,
    home: TempDir,
}

impl Run {
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn envs<K: AsRef<OsStr>, V: AsRef<OsStr>>(mut self, env: impl IntoIterator<Item = (K, V)>) -> Self {
        self.command.envs(env);
        self
    }

    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args.into_iter().map(Into::into));
        self
    }

    pub fn stdin(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.command.write_stdin(text);
        self
    }

    /// Another working folder than the empty home.
    pub fn in_folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Another deadline, for a program that needs longer than [`DEADLINE`] at its work.
    pub fn within(mut self, limit: std::time::Duration) -> Self {
        self.command.timeout(limit);
        self
    }

    /// With `peerctl` as a command of its own, for scripts.
    #[cfg(unix)]
    pub fn peerctl_on_path(mut self) -> Self {
        let bin = self.home.path().join("bin");
        std::fs::create_dir(&bin).expect("a folder");
        std::os::unix::fs::symlink(PEERCTL, bin.join("peerctl")).expect("a link");
        let path = std::env::var("PATH").unwrap_or_default();
        self.command.env("PATH", format!("{}:{path}", bin.display()));
        self
    }

    /// Where to put what the program shall find in its home.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    #[track_caller]
    pub fn run(mut self) -> Ran {
        let output = self
            .command
            .output()
            .unwrap_or_else(|error| panic!("cannot run {}: {error}", self.shown));
        Ran {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
            shown: self.shown,
            _home: self.home,
        }
    }
}

/// What a run left behind. Its home lives as long as this does.
#[derive(Debug)]
pub struct Ran {
    /// Absent where a signal ended the program, the deadline's among them.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    shown: String,
    _home: TempDir,
}

impl Ran {
    /// Panics with both streams unless the exit code is `code`.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// The one JSON document that stdout holds.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("stdout is no JSON document: {error}\n{self}"))
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Ran {
            code,
            stdout,
            stderr,
            shown,
            ..
        } = self;
        write!(
            f,
            "{shown}\nexit code {code:?}\n---- stdout ----\n{stdout}\n---- stderr ----\n{stderr}\n---- end ----"
        )
    }
}

/// Lossy where a program writes what is not UTF-8: a test that cares fails on the replacement character.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}
