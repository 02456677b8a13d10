//! Marks of the runs under way on this machine, so that a run knows which other ones have ended: the credential of a run
//! that was killed is removed at once, that of one that still works never is. A mark is an empty file, locked for as long
//! as its process lives; the system lets go of the lock, however the process ends.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use uuid::Uuid;

use super::run::lock;
use crate::files;

/// A mark of an ended run is of no use for longer: its credential ended by itself.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// The marks in one folder, and this process's own.
#[derive(Debug, Default)]
pub struct RunMarkers {
    /// `None`: no marks are kept, and no other run is known to have ended.
    folder: Option<PathBuf>,
    own: Mutex<Option<File>>,
}

impl RunMarkers {
    /// Marks in `folder`, which is created with the first one.
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self {
            folder,
            own: Mutex::default(),
        }
    }

    /// Marks the run as under way until this process ends. Without a mark, other runs only wait longer.
    pub fn begin(&self, run: Uuid) {
        let Some(folder) = &self.folder else { return };
        let mut own = lock(&self.own);
        if own.is_none() {
            *own = mark(folder, run).ok();
        }
    }

    /// Removes this run's mark: none of its credentials is left.
    pub fn end(&self, run: Uuid) {
        let own = lock(&self.own).take();
        if let Some(folder) = self.folder.as_ref().filter(|_| own.is_some()) {
            // What stays is removed by a later run.
            let _ = fs::remove_file(file(folder, run));
        }
    }

    /// Returns whether that run was on this computer and its process has ended.
    pub fn has_ended(&self, run: Uuid) -> bool {
        let marked = self.folder.as_ref().map(|folder| File::open(file(folder, run)));
        matches!(marked, Some(Ok(marked)) if is_free(&marked))
    }
}

fn file(folder: &Path, run: Uuid) -> PathBuf {
    folder.join(format!("run-{run}.lock"))
}

fn is_free(marked: &File) -> bool {
    !matches!(
        marked.try_lock_shared(),
        Err(TryLockError::WouldBlock | TryLockError::Error(_))
    )
}

fn mark(folder: &Path, run: Uuid) -> io::Result<File> {
    files::make_folder(folder)?;
    remove_old(folder);
    let mut options = File::options();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let marked = options.open(file(folder, run))?;
    marked.try_lock().map_err(io::Error::from)?;
    Ok(marked)
}

/// Removes the marks of runs that ended long ago.
fn remove_old(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_mark = name
            .to_str()
            .and_then(|name| name.strip_prefix("run-")?.strip_suffix(".lock")?.parse::<Uuid>().ok())
            .is_some();
        let age = entry
            .metadata()
            .and_then(|found| found.modified())
            .ok()
            .and_then(|at| at.elapsed().ok());
        if is_mark && age.is_some_and(|age| age > KEPT) && File::open(entry.path()).is_ok_and(|marked| is_free(&marked))
        {
            // Another run may be removing it, too.
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_ended_once_marker_is_free() {
        let folder = tempfile::tempdir().expect("a folder");
        let markers = || RunMarkers::new(Some(folder.path().join("state")));
        let (mine, run) = (markers(), Uuid::from_u128(7));
        assert!(!mine.has_ended(run), "it is unknown");
        let working = markers();
        working.begin(run);
        assert!(!mine.has_ended(run), "it is under way");
        drop(working);
        assert!(mine.has_ended(run), "its process is gone");
        let working = markers();
        working.begin(Uuid::from_u128(8));
        working.end(Uuid::from_u128(8));
        assert!(!mine.has_ended(Uuid::from_u128(8)), "nothing is left of it");
        assert!(!RunMarkers::default().has_ended(run), "no marks are kept");
    }
}
