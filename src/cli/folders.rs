//! The folders that a platform has for what a program keeps and for how it is configured.

use std::path::PathBuf;

use crate::input::EnvironmentVariables;

/// Purpose of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FolderUse {
    /// Records of runs: `$XDG_STATE_HOME`, `%LOCALAPPDATA%`.
    State,
    /// Files that a user has written: `$XDG_CONFIG_HOME`, `%APPDATA%`.
    Config,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FolderPlatform {
    Mac,
    Windows,
    /// Linux and whatever else follows the XDG base directories.
    Xdg,
}

impl FolderPlatform {
    const OURS: Self = if cfg!(windows) {
        Self::Windows
    } else if cfg!(target_os = "macos") {
        Self::Mac
    } else {
        Self::Xdg
    };
}

/// peerctl's own folder.
///
/// # Errors
/// The name of the variable that would tell it and is not set.
pub fn own_folder(wanted: FolderUse, vars: &EnvironmentVariables) -> Result<PathBuf, &'static str> {
    folder(wanted, vars, FolderPlatform::OURS)
}

fn folder(wanted: FolderUse, vars: &EnvironmentVariables, platform: FolderPlatform) -> Result<PathBuf, &'static str> {
    let path = |name: &'static str| vars.get(name).map(PathBuf::from).ok_or(name);
    let above = match platform {
        FolderPlatform::Windows => path(match wanted {
            FolderUse::State => "LOCALAPPDATA",
            FolderUse::Config => "APPDATA",
        })?,
        FolderPlatform::Mac => path("HOME")?.join("Library/Application Support"),
        FolderPlatform::Xdg => {
            let (variable, usual) = match wanted {
                FolderUse::State => ("XDG_STATE_HOME", ".local/state"),
                FolderUse::Config => ("XDG_CONFIG_HOME", ".config"),
            };
            // The specification says to ignore one that is relative.
            match path(variable).ok().filter(|folder| folder.is_absolute()) {
                Some(folder) => folder,
                None => path("HOME")?.join(usual),
            }
        }
    };
    Ok(above.join("peerctl"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_the_platforms() {
        use FolderPlatform::{Mac, Windows, Xdg};
        use FolderUse::{Config, State};
        type Case = (
            FolderPlatform,
            FolderUse,
            &'static [(&'static str, &'static str)],
            &'static str,
        );
        let table: [Case; 10] = [
            (Xdg, State, &[("HOME", "/home/ada")], "/home/ada/.local/state/peerctl"),
            (
                Xdg,
                State,
                &[("HOME", "/home/ada"), ("XDG_STATE_HOME", "/state")],
                "/state/peerctl",
            ),
            (
                Xdg,
                State,
                &[("HOME", "/home/ada"), ("XDG_STATE_HOME", "state")],
                "/home/ada/.local/state/peerctl",
            ),
            (Xdg, Config, &[("HOME", "/home/ada")], "/home/ada/.config/peerctl"),
            (Xdg, Config, &[("XDG_CONFIG_HOME", "/config")], "/config/peerctl"),
            (
                Xdg,
                Config,
                &[
                    ("HOME", "/home/ada"),
                    ("XDG_CONFIG_HOME", ""),
                    ("XDG_STATE_HOME", "/state"),
                ],
                "/home/ada/.config/peerctl",
            ),
            (
                Mac,
                State,
                &[("HOME", "/Users/ada")],
                "/Users/ada/Library/Application Support/peerctl",
            ),
            (
                Mac,
                Config,
                &[("HOME", "/Users/ada")],
                "/Users/ada/Library/Application Support/peerctl",
            ),
            (
                Windows,
                State,
                &[("LOCALAPPDATA", "/local"), ("HOME", "/x")],
                "/local/peerctl",
            ),
            (
                Windows,
                Config,
                &[("APPDATA", "/roaming"), ("LOCALAPPDATA", "/local")],
                "/roaming/peerctl",
            ),
        ];
        for (platform, wanted, pairs, expected) in table {
            let pairs = pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let vars = EnvironmentVariables::default().with(pairs);
            assert_eq!(
                folder(wanted, &vars, platform),
                Ok(PathBuf::from(expected)),
                "{platform:?}"
            );
        }
        let unknown = [(Xdg, "HOME"), (Mac, "HOME"), (Windows, "APPDATA")];
        for (platform, variable) in unknown {
            assert_eq!(
                folder(Config, &EnvironmentVariables::default(), platform),
                Err(variable)
            );
        }
    }
}
