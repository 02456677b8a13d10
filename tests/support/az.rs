//! The real `az`, pointed at a served sandbox and signed in there, with the configuration folder that the sandbox makes
//! for it: nothing of the machine's `~/.azure` is read or changed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::cli::{Ran, Run, program};
use super::served::Served;

/// For programs in Python, as [`super::DEADLINE`] for the others: a guard against hanging, which nothing waits for. Each
/// `az` command takes a second or two of processor time, a script has dozens of them, and a busy machine is many times
/// slower.
pub const PATIENCE: Duration = Duration::from_secs(900);

/// `az`, signed in as the operator whose credentials the sandbox exports.
pub struct Az<'a> {
    az: PathBuf,
    sandbox: &'a Served,
}

impl<'a> Az<'a> {
    #[track_caller]
    pub fn signed_in(az: PathBuf, sandbox: &'a Served) -> Self {
        let this = Self { az, sandbox };
        let login = [
            "login",
            "--service-principal",
            "--username",
            sandbox.value("AZURE_CLIENT_ID"),
            // With '=': a secret may begin with '-'.
            &format!("--password={}", sandbox.value("AZURE_CLIENT_SECRET")),
            "--tenant",
            sandbox.value("AZURE_TENANT_ID"),
            "--output",
            "none",
        ];
        this.pointed(program(&this.az, login)).run().expect_code(0);
        this
    }

    fn pointed(&self, run: Run) -> Run {
        let own = self.az.parent().unwrap_or(Path::new("/"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(own.to_owned()).chain(std::env::split_paths(&path)));
        run.envs(self.sandbox.env())
            .env("PATH", path.expect("a folder without ':'"))
            .within(PATIENCE)
    }

    /// Runs a bash script with this `az` as its `az`, and the vendor's token in the environment.
    #[track_caller]
    pub fn bash(&self, script: &str) -> Ran {
        self.pointed(program("bash", ["-s"])).stdin(script).run()
    }
}
