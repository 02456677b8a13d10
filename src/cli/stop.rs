//! Ctrl-C and SIGTERM.

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
