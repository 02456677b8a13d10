//! `peerctl sandbox`: serves the embedded Azure; and the same inside another command's process (`--sandbox`).

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;

use super::cancellation::asked_to_stop;
use super::file::{FileReaders, write_whole};
use super::output::{print, refuse};
use crate::azure::AzureCloud;
use crate::domain::lines;
use crate::errors::{RunError, RunErrorKind, RunOutcome};
use crate::files;
use crate::input::EnvironmentVariables;
use crate::render::quoted;
use crate::sandbox::serve::{RunningServer, serve};
use crate::sandbox::{BudgetLimit, FaultRule, Lag, Sandbox, SandboxEstate, SandboxOptions};
use crate::ui::room;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  rm -f sandbox.env\n  peerctl sandbox --env-file sandbox.env &\n  while [ ! -e sandbox.env ]; do sleep 0.1; done; source sandbox.env\n  peerctl azure setup"
)]
// The brackets of a rule's form are for the reader of the help, not links.
#[allow(rustdoc::broken_intra_doc_links)]
pub struct SandboxArgs {
    /// Loopback port; default: a free one
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// Write shell exports for peerctl, az, the Azure SDKs and avn
    ///
    /// The file appears when the sandbox is ready. peerctl also writes FILE.cloud.json, FILE.ca.pem and FILE.az, a separate
    /// configuration folder for az.
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// TOML file with other initial resources
    ///
    /// The default is src/sandbox/estate/contoso.toml.
    #[arg(long, value_name = "FILE")]
    estate: Option<PathBuf>,
    /// Number of additional subscriptions; requires --vnets
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), requires = "vnets", conflicts_with = "estate")]
    subscriptions: Option<u16>,
    /// Number of virtual networks in each additional subscription
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), requires = "subscriptions")]
    vnets: Option<u16>,
    /// Delay added to every response; default: 0s
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, default_value = "0s", hide_default_value = true)]
    latency: Duration,
    /// Delay of replication and of the vendor; default: typical
    ///
    /// none, typical (shortened to seconds), or worst (the delays that Azure documents).
    #[arg(
        long,
        value_name = "none|typical|worst",
        default_value = "typical",
        hide_default_value = true
    )]
    lag: Lag,
    /// Inject a fault, as 'METHOD PATH[:N]=FAULT' (repeatable)
    ///
    /// The fault applies to the Nth request with this method and path, or to every one; * in PATH matches any text. FAULT is
    /// STATUS[:RETRY-AFTER][:CODE[:MESSAGE]], such as 429:7 or 409:AnotherOperationInProgress, or one of reset-before,
    /// reset-after, stall, stall-after, truncate, garbage and challenge. Example: 'PUT */roleAssignments/*:2=429'.
    #[arg(long = "fault", value_name = "RULE")]
    faults: Vec<FaultRule>,
    /// Set a rate limit, as KIND=BUCKET/REFILL (repeatable)
    ///
    /// BUCKET is the number of requests at once and REFILL the number per second, for each identity and subscription. KIND is
    /// reads, writes or deletes; Azure's limits, 250/25, 200/10 and 200/10, are the default. For Azure Resource Graph,
    /// queries=15/5s allows 15 queries in 5 seconds. Example: reads=20/2.
    #[arg(long = "limit", value_name = "LIMIT")]
    limits: Vec<BudgetLimit>,
}

/// Serves until Ctrl-C or SIGTERM.
///
/// # Errors
/// When the port is taken or the files cannot be written.
pub async fn run(args: SandboxArgs) -> anyhow::Result<RunOutcome> {
    let estate = match estate(&args) {
        Ok(estate) => estate,
        Err(why) => {
            let what = "--estate FILE cannot be used.";
            return Ok(refuse(&RunError::new(RunErrorKind::Usage, what, format!("{why:#}."))));
        }
    };
    let options = SandboxOptions {
        estate,
        latency: args.latency,
        lag: args.lag,
        faults: args.faults,
        limits: args.limits.into_iter().collect(),
        ..SandboxOptions::default()
    };
    if let Some(path) = &args.env_file {
        if let Err(problem) = check_files(path) {
            return Ok(refuse(&problem));
        }
        forget(path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    let sandbox = Sandbox::new(options);
    let serving = start(&sandbox, args.port).await?;
    if let Some(path) = &args.env_file {
        write_files(path, &sandbox, &serving).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let say = |text: &str| print(&lines(text, room()).join("\n"));
    say(&format!(
        "The sandbox serves Azure, Entra, Graph and the vendors at {}",
        serving.origin
    ))?;
    match &args.env_file {
        Some(path) => print(&format!(
            "In another shell: source {}",
            quoted(&path.display().to_string())
        ))?,
        None => say("Start it with --env-file FILE for the variables that point clients at it.")?,
    }
    say(&format!(
        "The vendors' consoles, for pasting by hand: {}",
        serving.pages()
    ))?;
    say("Ctrl-C stops it.")?;
    asked_to_stop().await;
    serving.shut_down().await;
    Ok(RunOutcome::Done)
}

fn estate(args: &SandboxArgs) -> anyhow::Result<SandboxEstate> {
    if let (Some(subscriptions), Some(vnets)) = (args.subscriptions, args.vnets) {
        return Ok(SandboxEstate::scaled(subscriptions.into(), vnets.into()));
    }
    let Some(path) = &args.estate else {
        return Ok(SandboxEstate::default());
    };
    let text = files::read_text(path).with_context(|| format!("cannot read {}", path.display()))?;
    SandboxEstate::parse(&text).map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))
}

async fn start(sandbox: &Sandbox, port: Option<u16>) -> anyhow::Result<RunningServer> {
    serve(sandbox.clone(), port)
        .await
        .context("the sandbox cannot listen on this machine's loopback address")
}

/// The embedded Azure of a `--sandbox` run, served for as long as this lives: consent pages open in a browser.
pub struct EmbeddedSandbox {
    pub cloud: AzureCloud,
    variables: Vec<(String, String)>,
    /// Information for a new user.
    pub welcome: String,
    _serving: RunningServer,
}

impl EmbeddedSandbox {
    /// The environment of a rehearsal.
    pub fn vars(&self, vars: EnvironmentVariables) -> EnvironmentVariables {
        vars.for_rehearsal().with(self.variables.clone())
    }
}

/// Starts one in this process.
///
/// # Errors
/// When nothing can listen on the loopback address.
pub async fn embed() -> anyhow::Result<EmbeddedSandbox> {
    let sandbox = Sandbox::new(SandboxOptions::default());
    let serving = start(&sandbox, None).await?;
    let document = sandbox.cloud_json(&serving.origin, &serving.ca_pem).to_string();
    let cloud = AzureCloud::from_json(&document, "the sandbox", Path::new(".")).context("the sandbox's cloud")?;
    // The subscription is left for the person to choose.
    let exports = sandbox
        .exports(&serving.origin)
        .into_iter()
        .filter(|(name, _)| *name != "AZURE_SUBSCRIPTION_ID");
    let variables = exports.map(|(name, value)| (name.to_owned(), value)).collect();
    let welcome = format!(
        "Rehearsal on the embedded Azure: nothing leaves this machine. The vendors' consoles: {}",
        serving.pages()
    );
    Ok(EmbeddedSandbox {
        cloud,
        variables,
        welcome,
        _serving: serving,
    })
}

/// The file beside `path` with this ending.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(ending);
    PathBuf::from(name)
}

/// Suffixes of the files that are written beside the file of `--env-file`: the certificate, the cloud, and az's
/// configuration folder.
const BESIDE: [&str; 3] = [".ca.pem", ".cloud.json", ".az"];

/// Number of bytes that are read from an existing file to detect whether a sandbox created it.
const LOOKED_AT: u64 = 64 * 1024;

/// Refuses, before anything is written, files that no sandbox has made. Those of an earlier one are replaced.
///
/// # Errors
/// With the file and why it stays as it is.
fn check_files(path: &Path) -> Result<(), RunError> {
    let beginning = |path: &Path| {
        let mut text = String::new();
        let read = std::fs::File::open(path).and_then(|file| file.take(LOOKED_AT).read_to_string(&mut text));
        read.map(|_| text).unwrap_or_default()
    };
    let begins = |path: &Path, with: &str| beginning(path).starts_with(with);
    let exports = |path: &Path| {
        let text = beginning(path);
        let ours = ["export KONNECT_API_URL=", "export PEERCTL_CLOUD="]
            .iter()
            .all(|line| text.contains(line));
        let empty = std::fs::metadata(path).is_ok_and(|file| file.len() == 0);
        empty || ours && text.lines().all(|line| line.starts_with("export "))
    };
    let [certificate, cloud, az] = BESIDE.map(|ending| beside(path, ending));
    let named = |folder: &Path| {
        let empty = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
        empty || beginning(&folder.join("clouds.config")).contains("[sandbox]\n")
    };
    type IsMade<'a> = &'a dyn Fn(&Path) -> bool;
    let made: [(&Path, IsMade<'_>); 4] = [
        (path, &exports),
        (&certificate, &|file| begins(file, "-----BEGIN CERTIFICATE-----")),
        (&cloud, &|file| begins(file, "{\n")),
        (&az, &named),
    ];
    for (place, (file, is_made)) in made.into_iter().enumerate() {
        let Ok(found) = std::fs::symlink_metadata(file) else {
            continue;
        };
        let folder = place == BESIDE.len();
        let why = if found.is_symlink() {
            "It is a link, and these files are written to the named place only."
        } else if folder != found.is_dir() || !folder && !found.is_file() || !is_made(file) {
            "It exists, and isn't from an earlier sandbox. It was not changed."
        } else {
            continue;
        };
        let what = format!("--env-file {} can't be used: {}.", path.display(), file.display());
        return Err(RunError::new(RunErrorKind::Usage, what, why).remedy("Name another file, or remove this one."));
    }
    Ok(())
}

/// Removes what an earlier sandbox left, so that who waits for the file does not read that one's.
fn forget(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Writes the certificate and the cloud first and the exports last, whole: who waits for them finds everything.
fn write_files(path: &Path, sandbox: &Sandbox, serving: &RunningServer) -> anyhow::Result<()> {
    let path = std::path::absolute(path)?;
    // The exports hold a (worthless) secret, and habits form on examples.
    let private = |path: &Path, text: &str| write_whole(path, text, FileReaders::Owner);
    let [certificate, cloud, az] = BESIDE.map(|ending| beside(&path, ending));
    private(&certificate, &serving.ca_pem)?;
    let document = serde_json::to_string_pretty(&sandbox.cloud_json(&serving.origin, &serving.ca_pem))?;
    private(&cloud, &format!("{document}\n"))?;
    write_az_config(&az, &sandbox.az_config(&serving.origin))?;
    let files = [
        ("AZURE_CONFIG_DIR", &az),
        ("PEERCTL_CLOUD", &cloud),
        ("REQUESTS_CA_BUNDLE", &certificate),
        ("SSL_CERT_FILE", &certificate),
    ];
    let files = files.map(|(name, path)| (name, path.display().to_string()));
    let origin = serving.origin.as_str().trim_end_matches('/').to_owned();
    let own = [("SANDBOX_URL", origin), ("SANDBOX_KEY", serving.key.clone())];
    let lines: String = sandbox
        .exports(&serving.origin)
        .into_iter()
        .chain(files)
        .chain(own)
        .map(|(name, value)| format!("export {name}={}\n", quoted(&value)))
        .collect();
    private(&path, &lines)
}

/// A configuration folder for `az` alone, so that the operator's own sign-in stays as it is. What an earlier sandbox's
/// `az` remembered there is forgotten: its tokens were for a world that is gone.
fn write_az_config(folder: &Path, files: &[(&str, String)]) -> anyhow::Result<()> {
    const REMEMBERED: [&str; 4] = [
        "azureProfile.json",
        "msal_http_cache.bin",
        "msal_token_cache.json",
        "service_principal_entries.json",
    ];
    files::make_folder(folder)?;
    // One of an earlier sandbox may have been open to others.
    #[cfg(unix)]
    std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    for name in REMEMBERED {
        forget(&folder.join(name))?;
    }
    for (name, text) in files {
        write_whole(&folder.join(name), text, FileReaders::Owner)?;
    }
    Ok(())
}
