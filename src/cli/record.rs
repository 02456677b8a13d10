//! Record of a run that changed something, in the platform's state folder, and the ticket that `--report` requests. The
//! program reads neither again.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use uuid::Uuid;

use super::file::{FileReaders, write_whole};
use super::folders::{FolderUse, own_folder};
use super::output::remark;
use crate::domain::{mask, utc};
use crate::errors::{RunError, RunErrorKind};
use crate::files;
use crate::input::EnvironmentVariables;
use crate::render::{RunRecord, TICKET, ticket};
use crate::steps::RunMarkers;

/// The folder for records, where the platform's is not wanted; `none` keeps none.
const STATE_DIR: &str = "PEERCTL_STATE_DIR";

/// The file of the summary that GitHub shows of a job's step. Everything that runs in the step adds to it.
const STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// Refuses, before anything is sent, a `--report` that could not be written at the end.
///
/// # Errors
/// Its folder does not exist, or something else has its name.
pub fn check_change_report(file: Option<&Path>, vars: &EnvironmentVariables) -> Result<(), RunError> {
    let Some(file) = file else { return Ok(()) };
    earlier(file, vars).map(|_| ()).map_err(|why| {
        let what = format!("--report {} cannot be used.", file.display());
        RunError::new(RunErrorKind::Usage, what, why)
    })
}

/// Keeps what is to be kept of a run that is over: the record where it changed something, unless that was a `rehearsal`
/// on the embedded Azure; the `ticket` where there is a plan to show. Where one cannot be written that is said, and the
/// run is none the worse for it. Gives the record's file.
pub fn keep(
    mut record: RunRecord,
    vars: &EnvironmentVariables,
    rehearsal: bool,
    ticket: Option<&Path>,
) -> Option<String> {
    let mut kept = None;
    if record.changed_something() && !rehearsal {
        match keep_record(&record, vars) {
            Ok(file) => kept = file.map(|file| file.to_string_lossy().into_owned()),
            Err(error) => remark(&format!("No record of this run is kept: {error:#}.")),
        }
    }
    if let Some(file) = &kept {
        record.kept_in(file);
    }
    if let Some(file) = ticket.filter(|_| record.is_planned())
        && let Err(error) = add_ticket(&record, file, vars)
    {
        remark(&format!("The report {} is not written: {error:#}.", file.display()));
    }
    kept
}

fn keep_record(record: &RunRecord, vars: &EnvironmentVariables) -> anyhow::Result<Option<PathBuf>> {
    let Some(folder) = folder(vars)? else {
        return Ok(None);
    };
    let folder = std::path::absolute(folder)?;
    files::make_folder(&folder).with_context(|| format!("the folder {} cannot be made", folder.display()))?;
    // No two runs have the same name, so none is ever written over.
    let file = folder.join(format!("{}-{:08x}.json", name(record), Uuid::new_v4().as_fields().0));
    write_whole(&file, &mask(&record.json()), FileReaders::Owner)
        .with_context(|| format!("{} cannot be written", file.display()))?;
    Ok(Some(file))
}

/// `2026-11-21T07-30-00Z-azure-setup-kong-vnet-app`: sorted by time, and good as a name on every platform.
fn name(record: &RunRecord) -> String {
    let report = record.report();
    let time = utc(record.begun());
    let time = format!("{}Z", time.get(..19).unwrap_or(&time));
    let parts = [
        Some(time.as_str()),
        Some(report.command()),
        report.vendor(),
        report.vnet(),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().map(plain).collect();
    parts.join("-")
}

/// At most 64 characters that every file system takes.
fn plain(text: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    text.chars().take(64).map(safe).collect()
}

/// Returns the folder for records; `None` if no records are wanted.
fn folder(vars: &EnvironmentVariables) -> anyhow::Result<Option<PathBuf>> {
    match vars.get(STATE_DIR) {
        Some(folder) => Ok((folder != "none").then(|| folder.into())),
        None => own_folder(FolderUse::State, vars)
            .map(Some)
            .map_err(|variable| anyhow::anyhow!("neither {STATE_DIR} nor {variable} is set")),
    }
}

/// The marks of the runs on this machine, beside the records. A `rehearsal` has no other runs.
pub fn markers(vars: &EnvironmentVariables, rehearsal: bool) -> RunMarkers {
    // Where no folder can be had, the record says so.
    RunMarkers::new(folder(vars).ok().flatten().filter(|_| !rehearsal))
}

/// Adds a chapter to the tickets in `file`; what earlier runs wrote there is kept.
fn add_ticket(record: &RunRecord, file: &Path, vars: &EnvironmentVariables) -> anyhow::Result<()> {
    let before = earlier(file, vars).map_err(anyhow::Error::msg)?;
    if is_summary(file, vars) {
        // Added, not replaced: another program of the step may be adding to it, too.
        let mut file = fs::OpenOptions::new().create(true).append(true).open(file)?;
        return Ok(file.write_all(format!("\n{}\n", mask(&ticket(record))).as_bytes())?);
    }
    let before = match before.trim_end() {
        "" => TICKET,
        before => before,
    };
    // The file that a link leads to is written, not the link.
    let file = file.canonicalize().or_else(|_| std::path::absolute(file))?;
    write_whole(
        &file,
        &format!("{before}\n\n{}", mask(&ticket(record))),
        FileReaders::Usual,
    )
}

/// Returns whether the file accepts output from any program, and not only tickets.
fn is_summary(file: &Path, vars: &EnvironmentVariables) -> bool {
    vars.get(STEP_SUMMARY)
        .is_some_and(|summary| Path::new(&summary) == file)
}

/// The tickets of earlier runs, empty where there are none, or where the file is not for tickets alone.
///
/// # Errors
/// Why `file` cannot take another one, as a sentence.
fn earlier(file: &Path, vars: &EnvironmentVariables) -> Result<String, String> {
    let folder = match file.parent() {
        Some(folder) if file.file_name().is_some() => folder,
        _ => return Err("It names no file.".to_owned()),
    };
    if !folder.as_os_str().is_empty() && !folder.is_dir() {
        return Err(format!("There is no folder {}.", folder.display()));
    }
    if fs::symlink_metadata(file).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
        return Ok(String::new());
    }
    if !file.is_file() {
        return Err("It is there and is no file.".to_owned());
    }
    if fs::metadata(file).is_ok_and(|file| file.permissions().readonly()) {
        return Err("It is there and is read-only.".to_owned());
    }
    if is_summary(file, vars) {
        return Ok(String::new());
    }
    let text = files::read_text(file).map_err(|error| format!("It is there and cannot be read: {error}."))?;
    if text.is_empty() || text.lines().next() == Some(TICKET) {
        Ok(text)
    } else {
        Err("It is there and is not a report of peerctl, which would add to it; it stays as it is.".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_folder_defaults_to_platform() {
        let folder = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter();
            folder(
                &EnvironmentVariables::default()
                    .with(pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))),
            )
        };
        let table = [("records", Some("records")), ("./none", Some("./none")), ("none", None)];
        for (named, expected) in table {
            let found = folder(&[(STATE_DIR, named), ("HOME", "/x"), ("LOCALAPPDATA", "/x")]).expect("it is known");
            assert_eq!(found, expected.map(PathBuf::from), "{named}");
        }
        let usual = folder(&[(STATE_DIR, ""), ("HOME", "/x"), ("LOCALAPPDATA", "/x")]).expect("it is known");
        assert!(usual.is_some_and(|folder| folder.starts_with("/x") && folder.ends_with("peerctl")));
        assert!(folder(&[]).is_err_and(|error| error.to_string().contains(STATE_DIR)));
    }

    #[test]
    fn record_name_part_is_sanitized() {
        assert_eq!(plain("2026-11-21T07:30:00Z"), "2026-11-21T07-30-00Z");
        assert_eq!(plain("../a b\\c:\u{1b}"), "---a-b-c--");
        assert_eq!(plain(&"x".repeat(300)).len(), 64);
    }
}
