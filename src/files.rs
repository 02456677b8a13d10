//! Bounded reading of the files that a user names: regular files only, and only up to a size. And folders for their owner
//! alone.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

use crate::domain::did_you_mean;
use crate::limits;

/// Creates a folder, and those above it, for its owner alone (Unix); one that exists stays as it is.
///
/// # Errors
/// Those of the file system.
pub fn make_folder(folder: &Path) -> Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Reads a file as text, without a byte order mark at its start, as Windows writes one.
///
/// # Errors
/// As [`read`], and a file that is not UTF-8.
pub fn read_text(path: &Path) -> Result<String> {
    let text =
        String::from_utf8(read(path)?).map_err(|_| Error::new(ErrorKind::InvalidData, "it is not UTF-8 text"))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// Reads a regular file of [`limits::FILE`] bytes at most. Nothing blocks: a FIFO without a writer, a terminal and other
/// devices are refused. `/dev/null` is an empty file.
///
/// # Errors
/// A clause that says why the file cannot be read, without its name.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let file = open(path).map_err(plain)?;
    let kind = file.metadata().map_err(plain)?.file_type();
    if !kind.is_file() && path != Path::new("/dev/null") {
        let what = match kind.is_dir() {
            true => "it is a folder, not a file",
            false => "it is not a regular file (a pipe or a device): copy its content to a file",
        };
        return Err(Error::new(ErrorKind::InvalidInput, what));
    }
    let mut bytes = Vec::new();
    file.take(limits::FILE + 1).read_to_end(&mut bytes).map_err(plain)?;
    if bytes.len() as u64 > limits::FILE {
        let what = format!("it is larger than {} MB", limits::FILE / 1024 / 1024);
        return Err(Error::new(ErrorKind::FileTooLarge, what));
    }
    Ok(bytes)
}

/// Returns a description of the error in a TOML text, with its line and without the text of that line, which may be a
/// secret in the wrong place.
pub fn toml_error(error: &toml::de::Error, text: &str) -> String {
    let said = error.message().lines().next().unwrap_or_default();
    let quoting = ["invalid type: ", "invalid value: ", "unknown variant "];
    let said = match quoting.iter().find(|start| said.starts_with(*start)) {
        Some(start) => {
            let expected = said
                .rsplit_once("expected ")
                .map_or("another value", |(_, expected)| expected);
            format!("{}, expected {expected}", start.trim_end_matches([' ', ':']))
        }
        None => said.to_owned(),
    };
    let guess = said.strip_prefix("unknown field ").map_or_else(String::new, |rest| {
        let mut words = rest.split('`').skip(1).step_by(2);
        let unknown = words.next().unwrap_or_default();
        did_you_mean(unknown, words)
    });
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    format!("line {line}: {said}{guess}")
}

#[cfg(unix)]
fn open(path: &Path) -> Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    let at_once = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    let flags = i32::try_from(at_once.bits()).map_err(|_| ErrorKind::Unsupported)?;
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> Result<File> {
    OpenOptions::new().read(true).open(path)
}

/// The usual reasons in plain words.
fn plain(error: Error) -> Error {
    let words = match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => "there is no such file",
        ErrorKind::PermissionDenied => "you are not allowed to read it",
        _ => return error,
    };
    Error::new(error.kind(), words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_regular_file_up_to_limit() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("f");
        for (size, fits) in [(0, true), (limits::FILE, true), (limits::FILE + 1, false)] {
            File::create(&file).and_then(|file| file.set_len(size)).expect("a file");
            assert_eq!(read(&file).is_ok(), fits, "{size}");
        }
        let said = |path: &Path| read(path).expect_err("unusable").to_string();
        assert_eq!(said(folder.path()), "it is a folder, not a file");
        assert_eq!(said(&folder.path().join("none")), "there is no such file");
        std::fs::write(&file, b"\xff").expect("a file");
        assert_eq!(
            read_text(&file).expect_err("binary").to_string(),
            "it is not UTF-8 text"
        );
    }

    #[cfg(unix)]
    #[test]
    fn read_rejects_pipe_or_device() {
        let folder = tempfile::tempdir().expect("a folder");
        let fifo = folder.path().join("fifo");
        let made = std::process::Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .expect("mkfifo");
        assert!(made.success());
        for path in [fifo.as_path(), Path::new("/dev/zero")] {
            let error = read(path).expect_err("no regular file");
            assert!(error.to_string().contains("not a regular file"), "{error}");
        }
        assert_eq!(read(Path::new("/dev/null")).expect("empty"), b"");
    }
}
