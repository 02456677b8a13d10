//! Ctrl-C and SIGTERM, and what is left to do then.

use std::sync::Arc;

use futures::future::join_all;

use crate::domain::lines;
use crate::limits;
use crate::steps::{Run, clean_up};
use crate::ui::{self, Manner, Modes};

/// Comes back when the user or the system asks the process to stop.
pub async fn asked_to_stop() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        // Where no handler can be set, the signal ends the process by itself.
        let Ok(mut terminated) = signal(SignalKind::terminate()) else {
            std::future::pending::<()>().await;
            return;
        };
        tokio::select! {
            _ = interrupted => {}
            _ = terminated.recv() => {}
        }
    }
    #[cfg(not(unix))]
    let _ = interrupted.await;
}

/// Removes the credentials of runs that are stopped, and says where that could not be done.
pub async fn take_back(runs: impl IntoIterator<Item = Arc<Run>>, say: impl Fn(&str)) {
    let runs: Vec<Arc<Run>> = runs.into_iter().filter(|run| run.facts().credential_made).collect();
    if runs.is_empty() {
        return;
    }
    say("Removing the own application's credential; Ctrl-C again leaves that to the next run.");
    let all = tokio::time::timeout(limits::LAST_ACT, join_all(runs.iter().map(|run| clean_up(run))));
    let removed = tokio::select! {
        removed = all => removed.is_ok_and(|each| each.iter().all(Result::is_ok)),
        () = asked_to_stop() => false,
    };
    if !removed {
        say("The credential is not removed yet. It ends within the hour, and the next run removes it.");
    }
}

/// Gives the terminal back as it was found: a prompt may have been stopped in the middle.
pub fn tidy_terminal(modes: &Modes, manner: Manner) {
    modes.restore();
    if !ui::someone_answers() {
        return;
    }
    let terminal = console::Term::stderr();
    // Where standard error is gone there is nothing to tidy.
    if manner == Manner::Rich {
        let _ = terminal.show_cursor();
    }
    // The prompt's own line stays; what follows begins below it.
    let _ = terminal.write_line("");
}

/// What is said to a user who left in the middle.
pub fn stopped(written: bool) -> String {
    let stopped = if written {
        "Stopped. Nothing is left half done: run it again, and it goes on from here."
    } else {
        "Stopped; nothing was written."
    };
    lines(stopped, ui::room()).join("\n")
}
