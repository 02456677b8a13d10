//! The file of `--log-file`: for its owner alone, added to and never truncated, and never somewhere else than it says.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::domain::mask;
use crate::errors::{RunError, RunErrorKind};
use crate::ui::tell;

/// Number of bytes that are read from an existing file to detect whether it is a log of peerctl.
const LOOKED_AT: u64 = 64 * 1024;

/// An open log; clones share it.
#[derive(Clone)]
pub struct LogFile(Arc<LogDestination>);

struct LogDestination {
    file: File,
    path: PathBuf,
    /// `true` if an entry could not be written, which is reported once.
    lost: AtomicBool,
}

impl LogFile {
    /// Opens the log, or makes it, readable by its owner alone whatever the umask. An earlier log is added to.
    ///
    /// # Errors
    /// Where the path is a link, is no regular file (a device that keeps nothing is taken), or is a file that isn't a log
    /// of peerctl's; and those of the file system.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        let refused = |why: String| {
            let what = format!("--log-file {} can't be used.", path.display());
            RunError::new(RunErrorKind::Usage, what, why).remedy("Name another file, or remove this one.")
        };
        let linked = std::fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
        if linked {
            return Err(refused(
                "It is a link, and a log is written to the named place only.".to_owned(),
            ));
        }
        let file = open(path).map_err(|error| refused(format!("It can't be opened: {error}.")))?;
        let kind = file
            .metadata()
            .map_err(|error| refused(format!("It can't be read: {error}.")))?
            .file_type();
        if kind.is_file() {
            let mut before = Vec::new();
            let read = (&file).take(LOOKED_AT).read_to_end(&mut before);
            read.map_err(|error| refused(format!("It can't be read: {error}.")))?;
            if !is_log(&before) {
                return Err(refused(
                    "The file exists and isn't a log of peerctl. It was not changed.".to_owned(),
                ));
            }
        } else if !is_device(kind) {
            return Err(refused("It is not a regular file.".to_owned()));
        }
        Ok(Self(Arc::new(LogDestination {
            file,
            path: path.to_owned(),
            lost: AtomicBool::new(false),
        })))
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;

        use rustix::fs::OFlags;
        // A pipe that nobody reads isn't waited for.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        options.mode(0o600).custom_flags(flags.bits().cast_signed());
    }
    options.open(path)
}

#[cfg(unix)]
fn is_device(kind: std::fs::FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_char_device(&kind)
}

#[cfg(not(unix))]
fn is_device(_: std::fs::FileType) -> bool {
    false
}

/// Returns whether a file with this beginning is a log of peerctl, or empty.
fn is_log(beginning: &[u8]) -> bool {
    let first = beginning.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let entry = serde_json::from_slice::<Value>(first).unwrap_or_default();
    let ours = |entry: &Value| {
        let target = entry["target"].as_str().unwrap_or_default();
        target.starts_with("peerctl") && entry["timestamp"].is_string()
    };
    beginning.is_empty() || ours(&entry)
}

impl Write for LogFile {
    /// A whole entry at a time, as the log writes them.
    fn write(&mut self, entry: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(entry);
        let written = (&self.0.file).write_all(mask(&text).as_bytes());
        if let Err(error) = written
            && !self.0.lost.swap(true, Ordering::Relaxed)
        {
            let path = self.0.path.display();
            tell(&format!(
                "The log file {path} can't be written: {error}. The run continues without it."
            ));
        }
        Ok(entry.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_file_recognized_by_first_entry() {
        let ours = br#"{"timestamp":"2026-11-30T10:00:00Z","level":"DEBUG","fields":{},"target":"peerctl::wire"}"#;
        assert!(is_log(b"") && is_log(ours) && is_log(&[ours, &b"\n{"[..]].concat()));
        for other in [
            &b"\n"[..],
            b"text",
            b"{}",
            br#"{"timestamp":"x","target":"other"}"#,
            b"\0\xff",
        ] {
            assert!(!is_log(other), "{other:?}");
        }
    }
}
