//! Location of the configuration, and the profile that a run takes values from.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::cli::folders::{FolderUse, own_folder};
use crate::domain::sanitize_for_terminal;
use crate::errors::{RunError, RunErrorKind};
use crate::files;
use crate::input::config::{ActiveProfile, ConfigFile, NO_PROFILE};
use crate::input::{EnvironmentVariables, REHEARSED, SourceFile};
use crate::render::ShellWord;

const FILE: &str = "PEERCTL_CONFIG";
const PROFILE: &str = "PEERCTL_PROFILE";

/// Configuration file to use.
#[derive(Debug, Default, clap::Args)]
pub struct FileArgs {
    /// Configuration file
    ///
    /// Default: config.toml in your platform's configuration folder; see 'peerctl config path'. [env: PEERCTL_CONFIG]
    #[arg(long, value_name = "FILE", help_heading = "Configuration")]
    config: Option<PathBuf>,
}

/// Profile of the configuration file to use.
#[derive(Debug, Default, clap::Args)]
pub struct ProfileArgs {
    /// Profile with saved inputs, or none
    ///
    /// Flags and environment variables override the profile. Default: default-profile of the configuration file. With
    /// --sandbox, a profile is used only if this flag names it, and without its cloud and auth. [env: PEERCTL_PROFILE]
    #[arg(long, value_name = "NAME", help_heading = "Configuration")]
    profile: Option<String>,
    #[command(flatten)]
    pub file: FileArgs,
}

/// The configuration file, whether there is one or not.
pub struct ConfigLocation {
    pub file: PathBuf,
    /// Flag or variable that names the file; `None` for the default of the platform.
    pub by: Option<&'static str>,
}

impl FileArgs {
    /// By flag, else by environment, else the platform's.
    ///
    /// # Errors
    /// When the platform's folder is not known.
    pub fn place(&self, vars: &EnvironmentVariables) -> Result<ConfigLocation, RunError> {
        vars.check()?;
        let flag = self.config.clone().filter(|_| self.is_named());
        let flag = flag.map(|file| (file, "--config"));
        if let Some((file, by)) = flag.or_else(|| Some((vars.get(FILE)?.into(), FILE))) {
            return Ok(ConfigLocation { file, by: Some(by) });
        }
        let folder = own_folder(FolderUse::Config, vars).map_err(|variable| {
            let why = format!("Neither --config nor {FILE} names one, and {variable} is not set.");
            RunError::new(RunErrorKind::Usage, "There is no folder for a configuration file.", why)
        })?;
        let file = folder.join("config.toml");
        Ok(ConfigLocation { file, by: None })
    }

    /// Returns whether the command line names the file.
    pub fn is_named(&self) -> bool {
        self.config.as_ref().is_some_and(|file| !file.as_os_str().is_empty())
    }
}

impl ConfigLocation {
    /// Reads the configuration file; `None` if there is none at the platform's default location.
    ///
    /// # Errors
    /// When a named file doesn't exist, or the file can't be read or used.
    pub fn read(&self) -> Result<Option<ConfigFile>, RunError> {
        match self.text()? {
            Some(text) => ConfigFile::read(&SourceFile::new(&self.file, text)).map(Some),
            None => Ok(None),
        }
    }

    /// Returns the instructions to create an empty file.
    fn made(&self) -> String {
        let file = shown(&self.file);
        let folder = self.file.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.filter(|folder| !folder.exists()).map(shown);
        let folder = folder.map(|folder| format!("mkdir -p {} && ", ShellWord(&folder)));
        let folder = folder.unwrap_or_default();
        format!("make an empty one: {folder}touch {}", ShellWord(&file))
    }

    /// The file's text; `None` where there is none at the platform's place.
    ///
    /// # Errors
    /// One that is named and not there, or cannot be read.
    pub fn text(&self) -> Result<Option<String>, RunError> {
        match (files::read_text(&self.file), self.by) {
            (Ok(text), _) => Ok(Some(text)),
            (Err(error), None) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            (Err(error), by) => {
                let file = shown(&self.file);
                let what = match by {
                    Some(by) => format!("{by} {file} cannot be read."),
                    None => format!("The configuration file {file} cannot be read."),
                };
                let problem = RunError::new(RunErrorKind::Usage, what, format!("{error}."));
                Err(match error.kind() {
                    ErrorKind::NotFound => problem.remedy(format!("Name one that is there, or {}.", self.made())),
                    _ => problem,
                })
            }
        }
    }
}

/// Returns whether a profile applies to a command line that names none: the environment names it, or the file does. A
/// profile that can't be used fails such a command line as well.
pub fn counts_unasked(vars: &EnvironmentVariables) -> bool {
    !matches!(chosen(&ProfileArgs::default(), vars, false), Ok(None))
}

/// A path for people.
pub fn shown(file: &Path) -> String {
    sanitize_for_terminal(&file.to_string_lossy())
}

/// The profile that a run takes values from. A rehearsal takes from one that the command line names, and no other: what
/// is set up for the real Azure has no place there.
///
/// # Errors
/// A file that cannot be used, or has no such profile.
pub fn chosen(
    args: &ProfileArgs,
    vars: &EnvironmentVariables,
    rehearsal: bool,
) -> Result<Option<ActiveProfile>, RunError> {
    let flag = args.profile.clone().filter(|name| !name.is_empty());
    let flag = flag.map(|name| (name, "--profile"));
    let asked = flag.or_else(|| Some((vars.get(PROFILE)?, PROFILE)).filter(|_| !rehearsal));
    let asked = asked.as_ref().map(|(name, by)| (name.as_str(), *by));
    let unasked = rehearsal && asked.is_none();
    if asked.is_some_and(|(name, _)| name == NO_PROFILE) || unasked && !args.file.is_named() {
        return Ok(None);
    }
    let place = match (args.file.place(vars), asked) {
        // Without a home there is nothing by default.
        (Err(_), None) => return Ok(None),
        (place, _) => place?,
    };
    let chosen = match (place.read()?, asked) {
        (Some(_), _) if unasked => None,
        (Some(config), asked) => config.choose(asked)?,
        (None, None) => None,
        (None, Some((name, by))) => {
            let what = format!("{by}: there is no profile '{}'.", sanitize_for_terminal(name));
            let why = format!("There is no configuration file {}.", shown(&place.file));
            return Err(RunError::new(RunErrorKind::Usage, what, why));
        }
    };
    Ok(chosen.map(|mut chosen| {
        if rehearsal {
            chosen.written.values.retain(|id, _| !REHEARSED.contains(id));
        }
        chosen
    }))
}
