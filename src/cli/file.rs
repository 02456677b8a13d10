//! Files that are there whole or not at all.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use uuid::Uuid;

/// Users who may read the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileReaders {
    /// Nobody but its owner (Unix; elsewhere whoever the folder lets).
    Owner,
    /// As the system has it for new files, and as it was for one that is replaced.
    Usual,
}

/// Writes `text` beside `path` and renames it: who looks sees all of it or what was there before. A link of that name is
/// replaced, not followed.
///
/// # Errors
/// Those of the file system; then nothing is left behind.
pub fn write_whole(path: &Path, text: &str, readers: FileReaders) -> anyhow::Result<()> {
    let folder = path.parent().context("a file has a folder")?;
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().context("the path names no file")?);
    name.push(format!(".{}.tmp", Uuid::new_v4().simple()));
    let temporary = folder.join(name);
    let written = fill(&temporary, path, text, readers).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // Where it was never made there is nothing to remove.
        let _ = fs::remove_file(&temporary);
    }
    Ok(written?)
}

fn fill(temporary: &Path, path: &Path, text: &str, readers: FileReaders) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if readers == FileReaders::Owner {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let mut file = options.open(temporary)?;
    if let (FileReaders::Usual, Ok(before)) = (readers, fs::metadata(path)) {
        file.set_permissions(before.permissions())?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
