//! The terminal's modes. Prompts change them for one key at a time; what arrives in between would be echoed into the
//! picture (or, where a token is pasted, into the open), and a run that is stopped must leave them as they were.

#[cfg(unix)]
mod unix {
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use rustix::process::getpgrp;
    use rustix::stdio::stdin;
    use rustix::termios::{
        LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, tcflush, tcgetattr, tcgetpgrp, tcsetattr,
    };

    /// Settings of standard input's terminal.
    pub struct TermiosGuard(Option<Termios>);

    impl TermiosGuard {
        /// As they are now; nothing where there is no terminal.
        pub fn now() -> Self {
            Self(tcgetattr(stdin()).ok())
        }

        /// Sets them again.
        pub fn restore(&self) {
            if let Some(modes) = &self.0 {
                set(modes);
            }
        }

        /// Sets them with a change, and gives how they were.
        fn with(change: impl FnOnce(&mut Termios)) -> Self {
            let before = Self::now();
            if let Some(mut modes) = before.0.clone() {
                change(&mut modes);
                set(&modes);
            }
            before
        }
    }

    fn set(modes: &Termios) {
        if is_ours() {
            // A terminal that refuses, or is gone, is no worse than before.
            let _ = tcsetattr(stdin(), OptionalActions::Now, modes);
        }
    }

    /// Returns whether this process is in the foreground: the system stops a process that changes a terminal from the
    /// background.
    fn is_ours() -> bool {
        tcgetpgrp(stdin()) == Ok(getpgrp())
    }

    /// Discards what was typed and not read yet: it was typed before the next question was on the screen.
    pub fn discard_input() {
        if is_ours() {
            // Where there is no terminal, nothing was typed.
            let _ = tcflush(stdin(), QueueSelector::IFlush);
        }
    }

    /// No echo between the prompts, for as long as this lives: a typed line, or the `^C` where the cursor stands, would
    /// push the live lines out of their place, and one of them would stay. What was typed is nobody's afterwards.
    pub struct EchoOff(TermiosGuard);

    /// Settings to restore in the terminal after the run ends. A prompt that is stopped may end after it.
    static LEFT: Mutex<Option<Termios>> = Mutex::new(None);

    fn left() -> MutexGuard<'static, Option<Termios>> {
        LEFT.lock().unwrap_or_else(PoisonError::into_inner)
    }

    impl EchoOff {
        pub fn begin() -> Self {
            *left() = None;
            let echo = LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ECHOCTL;
            Self(TermiosGuard::with(|modes| modes.local_modes.remove(echo)))
        }
    }

    impl Drop for EchoOff {
        fn drop(&mut self) {
            let mut left = left();
            left.clone_from(&self.0.0);
            discard_input();
            self.0.restore();
        }
    }

    /// Terminal modes of a prompt, without input that was typed before: no echo, and every key (including Ctrl-C) goes
    /// to the prompt. As a signal between two keys, Ctrl-C would cause the terminal to be restored while the prompt is
    /// about to change it again.
    pub struct NoEcho(TermiosGuard);

    impl NoEcho {
        pub fn begin() -> Self {
            let by_line = LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG | LocalModes::IEXTEN;
            let before = TermiosGuard::with(|modes| {
                modes.local_modes.remove(by_line);
                modes.special_codes[SpecialCodeIndex::VMIN] = 1;
                modes.special_codes[SpecialCodeIndex::VTIME] = 0;
            });
            discard_input();
            Self(before)
        }
    }

    impl Drop for NoEcho {
        fn drop(&mut self) {
            match &*left() {
                Some(modes) => set(modes),
                None => self.0.restore(),
            }
        }
    }
}

#[cfg(not(unix))]
mod other {
    /// Keys are read without echo here, whatever the modes.
    pub struct Modes;

    impl TermiosGuard {
        pub fn now() -> Self {
            Self
        }

        pub fn restore(&self) {}
    }

    pub struct NoEcho;

    impl NoEcho {
        pub fn begin() -> Self {
            Self
        }
    }

    pub struct EchoOff;

    impl EchoOff {
        pub fn begin() -> Self {
            Self
        }
    }

    pub fn discard_input() {}
}

#[cfg(not(unix))]
pub use other::{EchoOff, Modes, NoEcho, discard_input};
#[cfg(unix)]
pub use unix::{EchoOff, NoEcho, TermiosGuard, discard_input};
