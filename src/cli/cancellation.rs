//! Ctrl-C and the signals that end a process (SIGTERM, SIGHUP, SIGQUIT), and what is left to do then.

use std::sync::Arc;

use futures::future::{join_all, select_all};
use tokio::task::JoinSet;

use crate::domain::lines;
use crate::limits;
use crate::steps::{StepRun, clean_up};
use crate::ui::{self, TerminalMode, TermiosGuard};

/// Comes back when the user or the system asks the process to stop.
pub async fn asked_to_stop() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        // Where no handler can be set, the signal ends the process by itself.
        let received = [SignalKind::terminate(), SignalKind::hangup(), SignalKind::quit()]
            .into_iter()
            .filter(|kind| !is_ignored(*kind))
            .filter_map(|kind| signal(kind).ok())
            .map(|mut signal| Box::pin(async move { signal.recv().await }));
        let received: Vec<_> = received.collect();
        if received.is_empty() {
            let _ = interrupted.await;
            return;
        }
        tokio::select! {
            _ = interrupted => {}
            _ = select_all(received) => {}
        }
    }
    #[cfg(not(unix))]
    let _ = interrupted.await;
}

/// Returns whether the parent process has this process ignore the signal, as `nohup` does with SIGHUP. Known on Linux
/// only. The handler of this process, which replaces that setting, is set only if the signal isn't ignored.
#[cfg(unix)]
fn is_ignored(kind: tokio::signal::unix::SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0);
    let bit = u32::try_from(kind.as_raw_value() - 1).unwrap_or(u32::MAX);
    1u64.checked_shl(bit).is_some_and(|bit| mask & bit != 0)
}

/// Draws an open prompt again whenever the window has another size, for as long as what it gives lives.
pub fn redraw_when_resized() -> JoinSet<()> {
    let mut resizes = JoinSet::new();
    #[cfg(unix)]
    if let Ok(mut resized) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::window_change()) {
        resizes.spawn(async move {
            while resized.recv().await.is_some() {
                ui::redraw();
            }
        });
    }
    resizes
}

/// Removes the credentials of runs that are stopped, and says where that could not be done.
pub async fn take_back(runs: impl IntoIterator<Item = Arc<StepRun>>, say: impl Fn(&str)) {
    let runs: Vec<Arc<StepRun>> = runs.into_iter().filter(|run| run.facts().credential_made).collect();
    if runs.is_empty() {
        return;
    }
    say("Removing the own application's credential; Ctrl-C again leaves that to the next run.");
    let all = tokio::time::timeout(
        limits::CANCEL_CLEANUP_TIMEOUT,
        join_all(runs.iter().map(|run| clean_up(run))),
    );
    let removed = tokio::select! {
        removed = all => removed.is_ok_and(|each| each.iter().all(Result::is_ok)),
        () = asked_to_stop() => false,
    };
    if !removed {
        say("The credential is not removed yet. It ends within the hour, and the next run removes it.");
    }
}

/// Gives the terminal back as it was found: a prompt may have been stopped in the middle.
pub fn tidy_terminal(modes: &TermiosGuard, manner: TerminalMode) {
    modes.restore();
    if !ui::someone_answers() {
        return;
    }
    let terminal = console::Term::stderr();
    // Where standard error is gone there is nothing to tidy.
    if manner == TerminalMode::Rich {
        let _ = terminal.show_cursor();
    }
    // The prompt's own line stays; what follows begins below it.
    let _ = terminal.write_line("");
}

/// The last line for a user who stopped the run.
pub fn stopped(written: bool) -> String {
    let stopped = if written {
        "Stopped. Run the same command again to continue; completed steps are skipped."
    } else {
        "Stopped; nothing was written."
    };
    lines(stopped, ui::room()).join("\n")
}
