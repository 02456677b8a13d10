//! Pages for the user's browser, which inherits no secret: a process of our own with a clean environment opens them.

use std::ffi::OsString;
use std::process::ExitCode;

use url::Url;

use crate::child;

/// The word on the command line of the process that opens a page. It is no command for people.
const OPEN_PAGE: &str = "open-page";

/// Opens a page; false where no browser could be started.
pub fn open(page: &Url) -> bool {
    let Ok(program) = std::env::current_exe() else {
        return false;
    };
    let opened = child::command(program).args([OPEN_PAGE, page.as_str()]).status();
    opened.is_ok_and(|status| status.success())
}

/// The other half: opens the page that this command line asks for, from within the clean environment. `None` where it
/// asks for something else.
pub fn answer(line: &[OsString]) -> Option<ExitCode> {
    let [_, word, page] = line else { return None };
    if word != OPEN_PAGE {
        return None;
    }
    let opened = page.to_str().is_some_and(|page| webbrowser::open(page).is_ok());
    Some(if opened { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
