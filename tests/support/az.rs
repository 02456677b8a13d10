//! The real `az`, pointed at a served sandbox and signed in there, with a configuration folder of its own: nothing of
//! the machine's `~/.azure` is read or changed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::cli::{Ran, Run, program};
use super::served::Served;
use super::temporary_folder;

/// Each `az` command takes a second or two of processor time, and a script has a dozen of them.
const PATIENCE: Duration = Duration::from_secs(300);

/// `az`, signed in as the operator whose credentials the sandbox exports.
pub struct Az<'a> {
    az: PathBuf,
    sandbox: &'a Served,
    config: TempDir,
}

impl<'a> Az<'a> {
    #[track_caller]
    pub fn signed_in(az: PathBuf, sandbox: &'a Served) -> Self {
        let config = temporary_folder();
        write_config(config.path(), sandbox.value("KONNECT_API_URL"));
        let this = Self { az, sandbox, config };
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
            .env("AZURE_CONFIG_DIR", self.config.path())
            .env("PATH", path.expect("a folder without ':'"))
            .within(PATIENCE)
    }

    /// Runs a bash script with this `az` as its `az`, and the vendor's token in the environment.
    #[track_caller]
    pub fn bash(&self, script: &str) -> Ran {
        self.pointed(program("bash", ["-s"])).stdin(script).run()
    }
}

/// What `az cloud register` and its first use would write, without the process starts and the look for a newer version.
fn write_config(folder: &Path, origin: &str) {
    let config = "[cloud]\nname = sandbox\n[core]\ninstance_discovery = false\ncollect_telemetry = false\n";
    let cloud = format!(
        "[sandbox]\n\
         endpoint_active_directory = {origin}\n\
         endpoint_active_directory_resource_id = https://management.core.windows.net/\n\
         endpoint_management = https://management.core.windows.net/\n\
         endpoint_resource_manager = {origin}\n\
         endpoint_microsoft_graph_resource_id = {origin}/\n\
         endpoint_active_directory_graph_resource_id = {origin}/\n"
    );
    let checked = r#"{"versions": {}, "update_time": "2100-01-01 00:00:00.000000"}"#;
    for (name, text) in [
        ("config", config),
        ("clouds.config", &cloud),
        ("versionCheck.json", checked),
    ] {
        std::fs::write(folder.join(name), text).expect("az's configuration can be written");
    }
}
